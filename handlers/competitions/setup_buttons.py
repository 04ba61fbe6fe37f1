"""The buttons of setting competitions up and running them."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class ArchivedCompetitions(Button):
    """A page of the competitions that were put away."""

    tag = "kcz"
    page: int = 0


@dataclass(frozen=True)
class NewCompetition(Button):
    """Begin a new competition, or go on with one that was begun."""

    tag = "kan"


@dataclass(frozen=True)
class BeginCompetition(Button):
    """The first question."""

    tag = "kab"


@dataclass(frozen=True)
class CompetitionAnswer(Button):
    """A key's answer to a question, by the question's name."""

    tag = "kaa"
    step: str
    value: str


@dataclass(frozen=True)
class CompetitionBack(Button):
    """The question before."""

    tag = "kak"
    step: str


@dataclass(frozen=True)
class GoOnCompetition(Button):
    """The open question again."""

    tag = "kag"


@dataclass(frozen=True)
class GiveUpCompetition(Button):
    """Forget the answers."""

    tag = "kax"


@dataclass(frozen=True)
class MakeCompetition(Button):
    """Make the draft of what was answered."""

    tag = "kam"


@dataclass(frozen=True)
class ChooseCopy(Button):
    """Earlier competitions, to copy one."""

    tag = "kal"
    page: int = 0


@dataclass(frozen=True)
class CopyCompetition(Button):
    """Make next year's of it."""

    tag = "kac"
    competition_id: int


@dataclass(frozen=True)
class EditWhole(Button):
    """What can be changed of the whole competition."""

    tag = "kae"
    competition_id: int


@dataclass(frozen=True)
class EditTracks(Button):
    """The tracks of a draft."""

    tag = "kat"
    competition_id: int
    page: int = 0


@dataclass(frozen=True)
class AddTrack(Button):
    """Type one more track."""

    tag = "kata"
    competition_id: int


@dataclass(frozen=True)
class DropTrack(Button):
    """Take a track out of a draft."""

    tag = "katd"
    competition_id: int
    track_id: int
    page: int


@dataclass(frozen=True)
class EditRounds(Button):
    """The rounds of a draft, to add and to take out."""

    tag = "kar"
    competition_id: int


@dataclass(frozen=True)
class AddRound(Button):
    """Add one of the usual rounds."""

    tag = "kara"
    competition_id: int
    key: str


@dataclass(frozen=True)
class DropRound(Button):
    """Take a round out of a draft."""

    tag = "kard"
    competition_id: int
    round_id: int


@dataclass(frozen=True)
class VenuesOfRound(Button):
    """A page of the venues of a round."""

    tag = "kav"
    round_id: int
    page: int


@dataclass(frozen=True)
class AskValue(Button):
    """Ask for another value of one thing; round 0 is the whole competition."""

    tag = "kaw"
    competition_id: int
    round_id: int
    what: str


@dataclass(frozen=True)
class GiveValue(Button):
    """A key's value for it."""

    tag = "kau"
    competition_id: int
    round_id: int
    what: str
    value: str


@dataclass(frozen=True)
class OpenChange(Button):
    """A change of the rules that waits for a second person."""

    tag = "kaq"
    change_id: int


@dataclass(frozen=True)
class SettleChange(Button):
    """Confirm it (1) or not (0)."""

    tag = "kaz"
    change_id: int
    confirmed: int


@dataclass(frozen=True)
class CheckCompetition(Button):
    """What publishing would meet."""

    tag = "kap"
    competition_id: int


@dataclass(frozen=True)
class PublishCompetition(Button):
    """Publish it, and freeze its rules."""

    tag = "kapp"
    competition_id: int


@dataclass(frozen=True)
class MoreOfCompetition(Button):
    """What else can be done with it."""

    tag = "kao"
    competition_id: int


@dataclass(frozen=True)
class CancelCompetition(Button):
    """Ask why it is cancelled."""

    tag = "kay"
    competition_id: int


@dataclass(frozen=True)
class CancelCompetitionSure(Button):
    """Cancel it for the reason that was typed."""

    tag = "kays"
    competition_id: int


@dataclass(frozen=True)
class FinishCompetition(Button):
    """It is over; asked once more first."""

    tag = "kaf"
    competition_id: int
    sure: int = 0


@dataclass(frozen=True)
class ArchiveCompetition(Button):
    """Put it away."""

    tag = "kai"
    competition_id: int


@dataclass(frozen=True)
class DiscardCompetition(Button):
    """Throw a draft away."""

    tag = "kad"
    competition_id: int


@dataclass(frozen=True)
class ShowRules(Button):
    """The rules of a round, for everybody."""

    tag = "kaj"
    round_id: int


@dataclass(frozen=True)
class RulesFile(Button):
    """The text that was hashed, as a file."""

    tag = "kajf"
    round_id: int


@dataclass(frozen=True)
class RulesOf(Button):
    """The rounds of a competition, to read the rules of one."""

    tag = "kajo"
    competition_id: int


@dataclass(frozen=True)
class RoundCardPlaces(Button):
    """The groups in which the opening card may hang."""

    tag = "kah"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class HangRoundCard(Button):
    """Hang it there."""

    tag = "kahh"
    round_id: int
    chat_id: int
    page: int


@dataclass(frozen=True)
class BlankPlan(Button):
    """An empty plan sheet of a competition."""

    tag = "kas"


@dataclass(frozen=True)
class ApplyPlan(Button):
    """Make the draft of a dropped plan sheet."""

    tag = "kasa"
    job_id: int


@dataclass(frozen=True)
class DropPlan(Button):
    """Leave a dropped plan sheet."""

    tag = "kasd"
    job_id: int
