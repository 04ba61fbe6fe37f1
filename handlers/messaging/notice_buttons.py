"""The buttons of notices: of those who get one, and of those who write one."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class NoticeConfirm(Button):
    """Under a notice, in private and in a group: whoever taps has taken note of it."""

    tag = "ntc"
    notice_id: int


@dataclass(frozen=True)
class NoticeAsk(Button):
    """Under a notice: whoever taps has a question about it."""

    tag = "ntq"
    notice_id: int


@dataclass(frozen=True)
class NoticeShow(Button):
    """Show one notice to its author, or to who answers for the unit: how it stands."""

    tag = "nts"
    notice_id: int


@dataclass(frozen=True)
class Notices(Button):
    """The list of the notices that somebody may send or has sent."""

    tag = "ntl"
    page: int = 0
