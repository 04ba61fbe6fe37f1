"""The buttons of those who decide, and of those who ask for leave.

The kinds of items are ``r`` for a registration, ``w`` for a late withdrawal, ``l`` for a leave;
a batch of 0 stands for all classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from handlers.buttons import Button

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Item:
    """One thing to decide on, and the list it stands in."""

    kind: str
    id: int
    batch_id: int


@dataclass(frozen=True)
class OpenApprovals(Button):
    """What waits for me."""

    tag = "apv"
    batch_id: int = 0


@dataclass(frozen=True)
class ApproveAll(Button):
    """Approve all whom the card counted: who came by ``upto``, in microseconds."""

    tag = "apa"
    batch_id: int
    upto: int

    @classmethod
    def of(cls, batch_id: int, upto: datetime) -> Self:
        return cls(batch_id, (upto - _EPOCH) // _TICK)

    @property
    def moment(self) -> datetime:
        return _EPOCH + self.upto * _TICK


@dataclass(frozen=True)
class NextItem(Button):
    """The first that waits after this one."""

    tag = "apn"
    kind: str
    after: int
    batch_id: int


@dataclass(frozen=True)
class OpenItem(Button):
    """This one."""

    tag = "api"
    kind: str
    item_id: int
    batch_id: int


@dataclass(frozen=True)
class Decide(Button):
    """Say yes to this one."""

    tag = "apy"
    kind: str
    item_id: int
    batch_id: int


@dataclass(frozen=True)
class AskReason(Button):
    """Say no, and why; of 0 for all who are ticked."""

    tag = "apq"
    verdict: str
    item_id: int
    batch_id: int


@dataclass(frozen=True)
class GiveReason(Button):
    """For this usual reason."""

    tag = "apg"
    verdict: str
    item_id: int
    batch_id: int
    code: str


@dataclass(frozen=True)
class OpenPicks(Button):
    """A page of those who wait, to tick."""

    tag = "apl"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class Pick(Button):
    """Tick this one, or not."""

    tag = "apk"
    registration_id: int
    batch_id: int
    page: int


@dataclass(frozen=True)
class ApprovePicked(Button):
    """Approve all who are ticked."""

    tag = "app"
    batch_id: int


@dataclass(frozen=True)
class AskExempt(Button):
    """Take somebody out of what is due in this class."""

    tag = "apx"
    batch_id: int


@dataclass(frozen=True)
class OpenLeave(Button):
    """Ask for leave from meetings of this class."""

    tag = "lv"
    batch_id: int


@dataclass(frozen=True)
class PickMeeting(Button):
    """This meeting, or not."""

    tag = "lvm"
    batch_id: int
    session_id: int


@dataclass(frozen=True)
class ChooseLeaveReason(Button):
    """The meetings are chosen; now why."""

    tag = "lvr"
    batch_id: int


@dataclass(frozen=True)
class NoteLeave(Button):
    """For this reason; a note may follow."""

    tag = "lvn"
    batch_id: int
    reason: str


@dataclass(frozen=True)
class SendLeave(Button):
    """Ask now, without a note."""

    tag = "lvs"
    batch_id: int


@dataclass(frozen=True)
class CancelLeave(Button):
    """Give a leave up."""

    tag = "lvc"
    batch_id: int
    leave_id: int
