"""The buttons of those who write notices."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class ClassNotices(Button):
    """The notices to one class."""

    tag = "ntk"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class NewNotice(Button):
    """Begin one; for a class, or (0) in the name of one's unit."""

    tag = "ntn"
    batch_id: int = 0


@dataclass(frozen=True)
class EditNotice(Button):
    """The card on which a notice is written."""

    tag = "nte"
    notice_id: int


@dataclass(frozen=True)
class NoticeSet(Button):
    """Say one thing of it: ask for what is to be typed, or take it at once."""

    tag = "ntf"
    notice_id: int
    field: str


@dataclass(frozen=True)
class NoticeFiles(Button):
    """Its files."""

    tag = "ntfs"
    notice_id: int


@dataclass(frozen=True)
class DropNoticeFile(Button):
    """Take a file away."""

    tag = "ntfx"
    notice_id: int
    file_id: int


@dataclass(frozen=True)
class DiscardNotice(Button):
    """Delete the draft; asked once more before it is done."""

    tag = "ntd"
    notice_id: int
    sure: int = 0


@dataclass(frozen=True)
class CopyNotice(Button):
    """Begin a new draft like it."""

    tag = "ntcp"
    notice_id: int


@dataclass(frozen=True)
class RecallNotice(Button):
    """Make it a draft again."""

    tag = "ntr"
    notice_id: int


@dataclass(frozen=True)
class NoticeAudience(Button):
    """For whom it is."""

    tag = "nta"
    notice_id: int


@dataclass(frozen=True)
class NoticeOptions(Button):
    """A page of what its audience can be narrowed to, or of groups; of -1 that of the chosen."""

    tag = "nto"
    notice_id: int
    what: str
    page: int = -1


@dataclass(frozen=True)
class NoticeOptionFind(Button):
    """Ask for a part of the name of such an option."""

    tag = "ntof"
    notice_id: int
    what: str


@dataclass(frozen=True)
class NoticeOption(Button):
    """Choose one, or leave it out again."""

    tag = "ntg"
    notice_id: int
    what: str
    key: str
    page: int = 0


@dataclass(frozen=True)
class NoticeLost(Button):
    """Whom messages will not reach."""

    tag = "ntu"
    notice_id: int
    page: int = 0


@dataclass(frozen=True)
class NoticePreview(Button):
    """How its readers will see it, in a language, in private or in a group."""

    tag = "ntp"
    notice_id: int
    language: str
    where: str


@dataclass(frozen=True)
class NoticeSample(Button):
    """A key of the notice itself under its preview; it does nothing yet."""

    tag = "ntsm"


@dataclass(frozen=True)
class NoticeSend(Button):
    """What it costs, and the ways to send it."""

    tag = "ntw"
    notice_id: int


@dataclass(frozen=True)
class NoticeWay(Button):
    """Choose a way; asked once more with the numbers."""

    tag = "nth"
    notice_id: int
    way: str


@dataclass(frozen=True)
class NoticeEvents(Button):
    """The events that it can go with."""

    tag = "ntv"
    notice_id: int
    page: int = 0


@dataclass(frozen=True)
class NoticeEvent(Button):
    """Choose an event, and then how far from it."""

    tag = "ntvo"
    notice_id: int
    deadline_id: int
    offset: str


@dataclass(frozen=True)
class NoticeGo(Button):
    """Send it that way."""

    tag = "ntgo"
    notice_id: int
    way: str


@dataclass(frozen=True)
class SecondLook(Button):
    """Look at an urgent notice that waits for a second person."""

    tag = "nt2"
    notice_id: int


@dataclass(frozen=True)
class ApproveNotice(Button):
    """Agree that it goes out at once; ``seen`` is what was read."""

    tag = "nt2y"
    notice_id: int
    seen: int


@dataclass(frozen=True)
class ReturnNotice(Button):
    """Return it to its author with a reason."""

    tag = "nt2n"
    notice_id: int
    seen: int
