"""The buttons of this wing."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class Home(Button):
    """Back to the home card."""

    tag = "home"


@dataclass(frozen=True)
class OpenHelp(Button):
    """What this bot does."""

    tag = "help"


@dataclass(frozen=True)
class EnterCode(Button):
    """The next text will be a link code."""

    tag = "code"


@dataclass(frozen=True)
class SharePhone(Button):
    """Link by phone number."""

    tag = "phone"


@dataclass(frozen=True)
class ReportError(Button):
    """The roster's entry is wrong."""

    tag = "wrong"


@dataclass(frozen=True)
class OpenPrivacy(Button):
    """What is kept about me."""

    tag = "priv"


@dataclass(frozen=True)
class MyData(Button):
    """Everything kept about me, as a file."""

    tag = "data"


@dataclass(frozen=True)
class Unlink(Button):
    """Leave; asked once more before it is done."""

    tag = "unlink"
    sure: int = 0


@dataclass(frozen=True)
class OpenDesk(Button):
    """What I look after, and what waits."""

    tag = "desk"


@dataclass(frozen=True)
class OpenUnits(Button):
    """A page of the units that I look after."""

    tag = "units"
    page: int = 0


@dataclass(frozen=True)
class OpenPeople(Button):
    """A page of a unit's people; ``unlinked`` is 1 for those alone who have not linked."""

    tag = "staff"
    unit_id: int
    page: int = 0
    unlinked: int = 0


@dataclass(frozen=True)
class OpenPerson(Button):
    """One colleague, and the page of the list to go back to."""

    tag = "who"
    teacher_id: int
    page: int = 0
    unlinked: int = 0


@dataclass(frozen=True)
class OpenUnreached(Button):
    """A page of a unit's people whom messages do not reach."""

    tag = "unre"
    unit_id: int
    page: int = 0


@dataclass(frozen=True)
class MarkContacted(Button):
    """I have spoken with this colleague, or not after all.

    ``back`` is list or person, the card to go back to; ``where`` is the list's unit, or 1 when
    the person was opened from those who have not linked.
    """

    tag = "cont"
    teacher_id: int
    page: int
    where: int
    back: str


@dataclass(frozen=True)
class FindPerson(Button):
    """The next text is a name or a staff number to search for."""

    tag = "find"


@dataclass(frozen=True)
class GiveCode(Button):
    """Make a link code for this colleague."""

    tag = "give"
    teacher_id: int
    page: int = 0
    unlinked: int = 0


@dataclass(frozen=True)
class OpenSettings(Button):
    """Settings."""

    tag = "set"


@dataclass(frozen=True)
class ChooseLanguage(Button):
    """Speak this language; empty shows the choices."""

    tag = "lang"
    language: str = ""


@dataclass(frozen=True)
class ChooseBrief(Button):
    """Send the brief at this minute of the day; -1 shows the choices."""

    tag = "brief"
    minute: int = -1


@dataclass(frozen=True)
class ChooseQuiet(Button):
    """Quiet from and until these minutes of the day; -1 shows the choices."""

    tag = "quiet"
    starts: int = -1
    ends: int = -1


@dataclass(frozen=True)
class OpenWaiting(Button):
    """The classes in which something of this kind waits, a page of them."""

    tag = "dw"
    kind: str
    page: int = 0
