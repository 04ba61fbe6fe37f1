"""The buttons by which coordinators say what a group stands for, and tend it."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class BindHere(Button):
    """In a group: this place, the group or the topic, is the one that I mean."""

    tag = "gb"


@dataclass(frozen=True)
class OpenGroups(Button):
    """A page of the groups that I tend."""

    tag = "gl"
    page: int = 0


@dataclass(frozen=True)
class OpenGroup(Button):
    """One of them."""

    tag = "go"
    chat_id: int


@dataclass(frozen=True)
class BindPurpose(Button):
    """Choose what the place is for."""

    tag = "gbp"
    chat_id: int


@dataclass(frozen=True)
class BindTarget(Button):
    """A page of the units, or programmes, that it may be of."""

    tag = "gbt"
    chat_id: int
    purpose: str
    page: int = 0


@dataclass(frozen=True)
class BindFind(Button):
    """The next text is a part of a unit's name."""

    tag = "gbf"
    chat_id: int
    purpose: str


@dataclass(frozen=True)
class GroupSubject(Button):
    """Say of which subject a subject group is; without a mark, ask."""

    tag = "gsu"
    chat_id: int
    mark: str
    page: int = 0


@dataclass(frozen=True)
class BindLanguage(Button):
    """Choose the language, of a place for this unit or programme."""

    tag = "gbl"
    chat_id: int
    purpose: str
    target_id: int


@dataclass(frozen=True)
class Bind(Button):
    """Let it stand for that; ``seen`` is what it stood for, ``sure`` that there may be two."""

    tag = "gbd"
    chat_id: int
    purpose: str
    target_id: int
    language: str
    seen: int
    sure: int = 0


@dataclass(frozen=True)
class Unbind(Button):
    """Let it stand for nothing; asked once more before it is done."""

    tag = "gx"
    chat_id: int
    sure: int = 0


@dataclass(frozen=True)
class SpeakThere(Button):
    """Choose in which language the bot speaks there; without one, the choice itself."""

    tag = "gln"
    chat_id: int
    language: str = ""


@dataclass(frozen=True)
class UrgeThere(Button):
    """Whether it may be said there how many have not confirmed."""

    tag = "gu"
    chat_id: int
    on: int


@dataclass(frozen=True)
class PostAllTheSame(Button):
    """Post in the closed topic, as an administrator."""

    tag = "gpa"
    chat_id: int


@dataclass(frozen=True)
class KeepLonger(Button):
    """Keep the group for 14 days more than this day (its ordinal)."""

    tag = "gk"
    chat_id: int
    day: int


@dataclass(frozen=True)
class Dissolve(Button):
    """End it, and leave; asked once more before it is done."""

    tag = "gq"
    chat_id: int
    sure: int = 0


@dataclass(frozen=True)
class OpenHanging(Button):
    """The cards of classes that hang in the group."""

    tag = "ghc"
    chat_id: int


@dataclass(frozen=True)
class TakeDown(Button):
    """Take one of them down."""

    tag = "gtd"
    chat_id: int
    batch_id: int
