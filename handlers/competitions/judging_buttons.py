"""The buttons of a venue: its draw, turns, panel, ballots and scores."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class DrawOrder(Button):
    """Draw the order of the entries."""

    tag = "kga"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class ShowProof(Button):
    """What it takes to draw again."""

    tag = "kgb"
    venue_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenTurns(Button):
    """The timetable of a venue."""

    tag = "kgc"
    venue_id: int
    page: int = 0


@dataclass(frozen=True)
class LayTurns(Button):
    """Lay the turns out anew, each so many minutes; 0 asks how many."""

    tag = "kgd"
    venue_id: int
    minutes: int = 0


@dataclass(frozen=True)
class PutTurns(Button):
    """Put in the turns that were shown."""

    tag = "kge"


@dataclass(frozen=True)
class OpenTurn(Button):
    """One entry's turn."""

    tag = "kgf"
    venue_id: int
    place_id: int


@dataclass(frozen=True)
class MoveTurn(Button):
    """I am going to type another time for this turn."""

    tag = "kgg"
    venue_id: int
    place_id: int


@dataclass(frozen=True)
class NoteAbsent(Button):
    """This entrant did not come (1), or did after all (0)."""

    tag = "kgh"
    venue_id: int
    place_id: int
    absent: int = 1
    sure: int = 0


@dataclass(frozen=True)
class PostTurns(Button):
    """Post the timetable, by number, in the groups."""

    tag = "kgB"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class TurnsSheet(Button):
    """The timetable as a table, to be changed and sent back."""

    tag = "kgC"
    venue_id: int


@dataclass(frozen=True)
class OpenPanel(Button):
    """The judges of a venue."""

    tag = "kgi"
    venue_id: int


@dataclass(frozen=True)
class FindJudge(Button):
    """I am going to type whom to ask."""

    tag = "kgj"
    venue_id: int


@dataclass(frozen=True)
class InviteJudge(Button):
    """Ask this person to judge."""

    tag = "kgk"
    venue_id: int
    teacher_id: int
    sure: int = 0


@dataclass(frozen=True)
class DrawJudges(Button):
    """Draw as many judges as are lacking."""

    tag = "kgl"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class AddExpert(Button):
    """I am going to type the name of an expert from outside."""

    tag = "kgm"
    venue_id: int


@dataclass(frozen=True)
class OpenJudge(Button):
    """One judge of the panel."""

    tag = "kgn"
    venue_id: int
    judge_id: int


@dataclass(frozen=True)
class MakeChief(Button):
    """Let this judge lead the panel."""

    tag = "kgo"
    venue_id: int
    judge_id: int


@dataclass(frozen=True)
class RemoveJudge(Button):
    """Let this judge judge no longer."""

    tag = "kgp"
    venue_id: int
    judge_id: int
    sure: int = 0


@dataclass(frozen=True)
class BeginJudging(Button):
    """Let the judges begin."""

    tag = "kgq"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class ChaseBallots(Button):
    """Remind the judges whose ballots are missing."""

    tag = "kgr"
    venue_id: int


@dataclass(frozen=True)
class RevealMarks(Button):
    """Open the seals together."""

    tag = "kgs"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class CloseEarly(Button):
    """I am going to type why the marks are revealed without the missing ballots; or am sure."""

    tag = "kgD"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class OpenScores(Button):
    """The revealed scores."""

    tag = "kgt"
    venue_id: int
    page: int = 0


@dataclass(frozen=True)
class SignScores(Button):
    """Sign the scores as the chief judge."""

    tag = "kgu"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class OpenPaper(Button):
    """The ballots of paper."""

    tag = "kgv"
    venue_id: int
    page: int = 0


@dataclass(frozen=True)
class TurnToPaper(Button):
    """Let this judge's ballots be typed in from paper."""

    tag = "kgw"
    venue_id: int
    judge_id: int
    sure: int = 0


@dataclass(frozen=True)
class TypePaper(Button):
    """I am going to type this ballot in."""

    tag = "kgx"
    ballot_id: int


@dataclass(frozen=True)
class OpenInvitation(Button):
    """What I am asked to judge."""

    tag = "kgz"
    judge_id: int


@dataclass(frozen=True)
class AnswerInvitation(Button):
    """I judge (1), or do not (0)."""

    tag = "kgy"
    judge_id: int
    accepts: int
    sure: int = 0


@dataclass(frozen=True)
class MyJudging(Button):
    """Where I judge."""

    tag = "kg9"


@dataclass(frozen=True)
class OpenBallot(Button):
    """A ballot of mine."""

    tag = "kg0"
    ballot_id: int


@dataclass(frozen=True)
class GivePoints(Button):
    """The keypad at one criterion, with what has been typed."""

    tag = "kg1"
    ballot_id: int
    criterion: int
    typed: str = ""


@dataclass(frozen=True)
class EnterPoints(Button):
    """These points for this criterion, and on to the next."""

    tag = "kg2"
    ballot_id: int
    criterion: int
    points: int


@dataclass(frozen=True)
class CommentBallot(Button):
    """I am going to type a comment."""

    tag = "kg3"
    ballot_id: int


@dataclass(frozen=True)
class CommitBallot(Button):
    """Hand the ballot in."""

    tag = "kg4"
    ballot_id: int
    sure: int = 0


@dataclass(frozen=True)
class RecuseBallot(Button):
    """I do not judge this entry."""

    tag = "kg5"
    ballot_id: int
    sure: int = 0


@dataclass(frozen=True)
class AskBack(Button):
    """I should like to change a ballot that I have handed in."""

    tag = "kg6"
    ballot_id: int


@dataclass(frozen=True)
class ReopenBallot(Button):
    """Give this ballot back to its judge."""

    tag = "kg7"
    ballot_id: int


@dataclass(frozen=True)
class SendSheet(Button):
    """Send me this piece of work."""

    tag = "kg8"
    ballot_id: int
    material_id: int


@dataclass(frozen=True)
class TurnJudging(Button):
    """Another page of what I judge at a venue."""

    tag = "kgE"
    venue_id: int
    page: int
