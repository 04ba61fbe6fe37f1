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


@dataclass(frozen=True)
class NoticeRead(Button):
    """Show a notice to one whom it concerns."""

    tag = "ntrd"
    notice_id: int


@dataclass(frozen=True)
class SendNoticeFiles(Button):
    """Send the files of a notice once more to one whom it concerns."""

    tag = "nfl"
    notice_id: int


@dataclass(frozen=True)
class MyNotices(Button):
    """The list of the notices to whoever taps, those to be confirmed first."""

    tag = "ntm"
    page: int = 0


@dataclass(frozen=True)
class OpenQuestions(Button):
    """The questions that wait for an answer: of one notice, or (0) of all."""

    tag = "nqs"
    notice_id: int = 0
    page: int = 0


@dataclass(frozen=True)
class OpenQuestion(Button):
    """One question, with what was said so far."""

    tag = "nqo"
    question_id: int


@dataclass(frozen=True)
class AnswerQuestion(Button):
    """The next text will be the answer."""

    tag = "nqa"
    question_id: int


@dataclass(frozen=True)
class CloseQuestion(Button):
    """Settle a question without an answer."""

    tag = "nqc"
    question_id: int


@dataclass(frozen=True)
class NoticeChase(Button):
    """Ask whether those who have not confirmed are to be reminded."""

    tag = "nch"
    notice_id: int


@dataclass(frozen=True)
class NoticeChaseNow(Button):
    """Remind those who have not confirmed."""

    tag = "nchy"
    notice_id: int


@dataclass(frozen=True)
class NoticePeople(Button):
    """A list of recipients by name; ``among`` says of whom."""

    tag = "npl"
    notice_id: int
    among: str
    page: int = 0


@dataclass(frozen=True)
class NoticeFind(Button):
    """Ask for a part of a name to be found in such a list."""

    tag = "npf"
    notice_id: int
    among: str


@dataclass(frozen=True)
class NoticeContacted(Button):
    """Note that one has spoken with a recipient, or take it back."""

    tag = "npc"
    notice_id: int
    teacher_id: int
    among: str
    page: int = 0


@dataclass(frozen=True)
class NoticeUnits(Button):
    """The units in figures."""

    tag = "npu"
    notice_id: int
    page: int = 0


@dataclass(frozen=True)
class NoticeSheet(Button):
    """All recipients as a sheet."""

    tag = "npx"
    notice_id: int


@dataclass(frozen=True)
class NoticePin(Button):
    """Pin the notice in its groups, in place of the one that is pinned there."""

    tag = "npn"
    notice_id: int


@dataclass(frozen=True)
class NoticeCorrect(Button):
    """Choose what is to be corrected, or (with a part) ask for its new wording."""

    tag = "nco"
    notice_id: int
    part: str = ""


@dataclass(frozen=True)
class NoticeDuty(Button):
    """Whether a correction of a text changes a duty; then it rings."""

    tag = "ncd"
    notice_id: int
    on: int


@dataclass(frozen=True)
class NoticeCorrectSure(Button):
    """Make the correction that was shown, of the version that was shown."""

    tag = "ncs"
    notice_id: int
    seen: int


@dataclass(frozen=True)
class NoticeWithdraw(Button):
    """Ask for the reason of a withdrawal."""

    tag = "nwd"
    notice_id: int


@dataclass(frozen=True)
class NoticeWithdrawSure(Button):
    """Withdraw the notice, for the reason that was typed."""

    tag = "nws"
    notice_id: int
