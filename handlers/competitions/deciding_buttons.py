"""The buttons of what follows the judging: lists, forwarding, publicity, objections, awards."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenAfter(Button):
    """What waits after the judging, and the way to every list."""

    tag = "kd"
    page: int = 0


@dataclass(frozen=True)
class CompetitionLists(Button):
    """The rounds of a competition with their lists, and its report."""

    tag = "kdc"
    competition_id: int


@dataclass(frozen=True)
class OpenList(Button):
    """The list of a venue, for who decides."""

    tag = "kdl"
    venue_id: int
    page: int = 0


@dataclass(frozen=True)
class DecideList(Button):
    """Let the list of a venue stand, as it was shown (``mark``)."""

    tag = "kdd"
    venue_id: int
    mark: str
    sure: int = 0


@dataclass(frozen=True)
class ForwardAll(Button):
    """Forward all that go on from a venue; first it is asked."""

    tag = "kdf"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class ChooseToPassOver(Button):
    """Which entry of a venue is not forwarded."""

    tag = "kdp"
    venue_id: int


@dataclass(frozen=True)
class PassOver(Button):
    """Do not forward this entry; the reason is typed."""

    tag = "kdq"
    place_id: int


@dataclass(frozen=True)
class ConfirmPassOver(Button):
    """Do what the question said: the entry and the reason are kept as a draft."""

    tag = "kdqy"
    place_id: int


@dataclass(frozen=True)
class OpenOutcome(Button):
    """What became of one's own entry in a round, with its comments."""

    tag = "kdo"
    place_id: int


@dataclass(frozen=True)
class OpenLists(Button):
    """The lists of a round, its public display, objections and confirmation."""

    tag = "kdr"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class PutUpList(Button):
    """Put the list of a round on public display."""

    tag = "kdu"
    round_id: int
    sure: int = 0


@dataclass(frozen=True)
class ConfirmRound(Button):
    """Let the result of a round stand."""

    tag = "kdk"
    round_id: int
    sure: int = 0


@dataclass(frozen=True)
class ShowPublicList(Button):
    """A list on public display, as anybody may see it."""

    tag = "kdv"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class ObjectTo(Button):
    """Raise an objection to an entry on the list, or to the list as a whole (0)."""

    tag = "kdx"
    round_id: int
    place_id: int = 0


@dataclass(frozen=True)
class AddEvidence(Button):
    """Send a file along with the objection that is being written."""

    tag = "kdxf"


@dataclass(frozen=True)
class SubmitObjection(Button):
    """Hand the objection in that was written."""

    tag = "kdxs"


@dataclass(frozen=True)
class DropObjection(Button):
    """Do not raise it after all."""

    tag = "kdxd"


@dataclass(frozen=True)
class MyObjection(Button):
    """One's own objection."""

    tag = "kdxm"
    objection_id: int


@dataclass(frozen=True)
class WithdrawObjection(Button):
    """Take one's own objection back."""

    tag = "kdxw"
    objection_id: int


@dataclass(frozen=True)
class OpenObjections(Button):
    """The objections to the list of a round, for those who decide."""

    tag = "kdy"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenObjection(Button):
    """One objection, for those who decide."""

    tag = "kdz"
    objection_id: int


@dataclass(frozen=True)
class ObjectionEvidence(Button):
    """The file that came with an objection."""

    tag = "kdze"
    objection_id: int


@dataclass(frozen=True)
class SettleObjection(Button):
    """Settle an objection in this way; the answer is typed."""

    tag = "kdzs"
    objection_id: int
    how: str
    place_id: int = 0


@dataclass(frozen=True)
class ChooseToCorrect(Button):
    """Which entry is put right, where an objection is about the whole list."""

    tag = "kdzc"
    objection_id: int
    page: int = 0


@dataclass(frozen=True)
class CorrectEntry(Button):
    """What is wrong with this entry."""

    tag = "kdzp"
    objection_id: int
    place_id: int


@dataclass(frozen=True)
class ConfirmCorrection(Button):
    """Put right what was seen."""

    tag = "kdzk"
    objection_id: int


@dataclass(frozen=True)
class OpenAward(Button):
    """One's own award."""

    tag = "kda"
    honour_id: int


@dataclass(frozen=True)
class MyAwards(Button):
    """One's own awards."""

    tag = "kdam"


@dataclass(frozen=True)
class AwardCertificate(Button):
    """The certificate of one's own award."""

    tag = "kdac"
    honour_id: int


@dataclass(frozen=True)
class ShareWork(Button):
    """Whether one's winning work may be shared with colleagues."""

    tag = "kdas"
    honour_id: int
    agreed: int


@dataclass(frozen=True)
class RoundCertificates(Button):
    """All certificates of a round in one file."""

    tag = "kdca"
    round_id: int


@dataclass(frozen=True)
class ChooseAward(Button):
    """Which award of a round is taken back."""

    tag = "kdra"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class ConfirmRevoke(Button):
    """Take the award back; the reason is kept as a draft."""

    tag = "kdry"
    place_id: int


@dataclass(frozen=True)
class RevokeAward(Button):
    """Take this award back; the reason is typed."""

    tag = "kdrv"
    place_id: int


@dataclass(frozen=True)
class OpenProposals(Button):
    """Proposals for tiers that wait for this person."""

    tag = "kdt"
    page: int = 0


@dataclass(frozen=True)
class SettleProposal(Button):
    """Agree to a proposal for a tier, or not."""

    tag = "kdts"
    proposal_id: int
    agreed: int


@dataclass(frozen=True)
class OpenOutside(Button):
    """An external round: who is nominated, what came back."""

    tag = "kde"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class ChooseNominee(Button):
    """Who else could be nominated."""

    tag = "kden"
    round_id: int
    page: int = 0


@dataclass(frozen=True)
class Nominate(Button):
    """Nominate this entry into an external round."""

    tag = "kdea"
    round_id: int
    entry_id: int


@dataclass(frozen=True)
class DropNominee(Button):
    """Nominate this entry no longer."""

    tag = "kded"
    round_id: int
    place_id: int


@dataclass(frozen=True)
class OutsideSheet(Button):
    """The list of an external round as a table."""

    tag = "kdes"
    round_id: int


@dataclass(frozen=True)
class PushList(Button):
    """Say that the list of an external round has gone up."""

    tag = "kdep"
    round_id: int
    sure: int = 0


@dataclass(frozen=True)
class OutcomeOf(Button):
    """What came back of this entry; the award is typed."""

    tag = "kdeo"
    place_id: int


@dataclass(frozen=True)
class NoAward(Button):
    """This entry came back without an award."""

    tag = "kdex"
    place_id: int


@dataclass(frozen=True)
class OpenReport(Button):
    """The year's report of a competition."""

    tag = "kdg"
    competition_id: int


@dataclass(frozen=True)
class ReportSheet(Button):
    """The same as a table."""

    tag = "kdgs"
    competition_id: int
