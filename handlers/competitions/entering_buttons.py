"""The buttons of entering: one's own entry, its materials and mates, and those who receive it."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class ChooseTrack(Button):
    """Ask in which track to enter."""

    tag = "kbt"
    competition_id: int


@dataclass(frozen=True)
class EnterTrack(Button):
    """Begin an entry of mine in this track."""

    tag = "kbe"
    competition_id: int
    track_id: int


@dataclass(frozen=True)
class TitleEntry(Button):
    """Take the next text as the entry's title."""

    tag = "kbn"
    entry_id: int


@dataclass(frozen=True)
class PublishEntry(Button):
    """Name and title may be published when it wins (1), or may not (0)."""

    tag = "kbp"
    entry_id: int
    on: int


@dataclass(frozen=True)
class SubmitEntry(Button):
    """Hand my entry in; where names were found in it, it is asked first."""

    tag = "kbs"
    entry_id: int
    sure: int = 0


@dataclass(frozen=True)
class WithdrawEntry(Button):
    """Take my entry back; asked once more, where a reason can be typed."""

    tag = "kbw"
    entry_id: int
    sure: int = 0


@dataclass(frozen=True)
class OpenFolder(Button):
    """What my entry hands in for a round."""

    tag = "kbf"
    entry_id: int
    round_id: int


@dataclass(frozen=True)
class OpenSlot(Button):
    """One piece of it; ``number`` from 0, in the order of the round."""

    tag = "kbo"
    entry_id: int
    round_id: int
    number: int


@dataclass(frozen=True)
class FillSlot(Button):
    """Take the next file or link as this piece."""

    tag = "kbu"
    entry_id: int
    round_id: int
    number: int


@dataclass(frozen=True)
class RemovePiece(Button):
    """Take this piece away; asked once more."""

    tag = "kbx"
    entry_id: int
    round_id: int
    number: int
    material_id: int
    sure: int = 0


@dataclass(frozen=True)
class NotAName(Button):
    """What was found here is no name."""

    tag = "kba"
    entry_id: int
    round_id: int
    number: int
    material_id: int
    finding: int


@dataclass(frozen=True)
class CheckPiece(Button):
    """Look for names in this piece again."""

    tag = "kbk"
    entry_id: int
    round_id: int
    number: int
    material_id: int


@dataclass(frozen=True)
class BringAlong(Button):
    """Hand in for this round what the round before has."""

    tag = "kbb"
    entry_id: int
    round_id: int


@dataclass(frozen=True)
class OpenTeam(Button):
    """With whom I make the entry."""

    tag = "kbi"
    entry_id: int


@dataclass(frozen=True)
class AskMate(Button):
    """Take the next text as the name of a colleague to make it with."""

    tag = "kbia"
    entry_id: int


@dataclass(frozen=True)
class PickMate(Button):
    """Ask this colleague."""

    tag = "kbip"
    entry_id: int
    teacher_id: int


@dataclass(frozen=True)
class DropMate(Button):
    """Make it without this colleague."""

    tag = "kbix"
    entry_id: int
    teacher_id: int


@dataclass(frozen=True)
class AnswerMate(Button):
    """Make it together (1), or not (0)."""

    tag = "kbiy"
    entry_id: int
    yes: int


@dataclass(frozen=True)
class PutForward(Button):
    """A page of colleagues to put forward in a track; track 0 asks for it."""

    tag = "kbv"
    competition_id: int
    track_id: int = 0
    page: int = 0


@dataclass(frozen=True)
class PickEntrant(Button):
    """Put this colleague forward."""

    tag = "kbvp"
    competition_id: int
    track_id: int
    page: int
    teacher_id: int


@dataclass(frozen=True)
class TakeBackEntrant(Button):
    """Do not put this colleague forward after all."""

    tag = "kbvx"
    competition_id: int
    track_id: int
    page: int
    entry_id: int


@dataclass(frozen=True)
class AnswerForward(Button):
    """I enter, having been put forward (1), or not this time (0)."""

    tag = "kbvy"
    entry_id: int
    yes: int


@dataclass(frozen=True)
class OpenReceiving(Button):
    """Where entries wait for me."""

    tag = "kbr"


@dataclass(frozen=True)
class OpenEntries(Button):
    """A page of the entries of a venue."""

    tag = "kbl"
    venue_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenHeld(Button):
    """An entry as whoever holds its venue sees it."""

    tag = "kbz"
    entry_id: int


@dataclass(frozen=True)
class EntryFiles(Button):
    """Send me what the entry has handed in."""

    tag = "kbm"
    entry_id: int


@dataclass(frozen=True)
class AcceptEntry(Button):
    """Accept this entry."""

    tag = "kbc"
    entry_id: int


@dataclass(frozen=True)
class AcceptEntries(Button):
    """Accept all that wait at a venue; asked once more."""

    tag = "kbca"
    venue_id: int
    sure: int = 0


@dataclass(frozen=True)
class ReturnEntry(Button):
    """Take the next text as what is to be mended."""

    tag = "kbg"
    entry_id: int


@dataclass(frozen=True)
class DisqualifyEntry(Button):
    """Take the next text as the reason for which the entry is taken out."""

    tag = "kbd"
    entry_id: int


@dataclass(frozen=True)
class OpenShares(Button):
    """How many of each school's people have entered."""

    tag = "kbh"
    competition_id: int
    page: int = 0
