"""The buttons of how a class studies remotely."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenSettings(Button):
    """How a class studies remotely, for who runs it."""

    tag = "yx"
    batch_id: int


@dataclass(frozen=True)
class TakeUsual(Button):
    """Let the usual things count."""

    tag = "yxu"
    batch_id: int


@dataclass(frozen=True)
class OpenPlatforms(Button):
    """The platform of a class, and which others there are."""

    tag = "yxp"
    batch_id: int


@dataclass(frozen=True)
class ChoosePlatform(Button):
    """Let the class study on this platform; on none with 0."""

    tag = "yxpc"
    batch_id: int
    platform_id: int


@dataclass(frozen=True)
class OpenItems(Button):
    """What counts."""

    tag = "yxi"
    batch_id: int


@dataclass(frozen=True)
class OpenItem(Button):
    """One thing that counts."""

    tag = "yxio"
    item_id: int


@dataclass(frozen=True)
class AddItem(Button):
    """Let one more thing count: choose its kind, then say how much."""

    tag = "yxia"
    batch_id: int
    kind: str = ""


@dataclass(frozen=True)
class SetMandatoryItem(Button):
    """Make it mandatory, or optional."""

    tag = "yxim"
    item_id: int
    on: int


@dataclass(frozen=True)
class SetItemModule(Button):
    """Let it belong to a module: choose one with -1, to none with 0."""

    tag = "yxil"
    item_id: int
    module_id: int = -1


@dataclass(frozen=True)
class RemoveItem(Button):
    """Let it count no longer."""

    tag = "yxix"
    item_id: int


@dataclass(frozen=True)
class MakeChange(Button):
    """Make the change of what counts whose effect was shown (``mark``), and ``tell`` it."""

    tag = "yxk"
    mark: int
    tell: int = 0


@dataclass(frozen=True)
class OpenChange(Button):
    """What the change would do; mandatory with 1, optional with 0, as it is with -1."""

    tag = "yxkm"
    mandatory: int = -1


@dataclass(frozen=True)
class OpenPaces(Button):
    """What is required by when."""

    tag = "yxq"
    batch_id: int


@dataclass(frozen=True)
class SetPace(Button):
    """So many minutes a day; evenly with 0."""

    tag = "yxqm"
    batch_id: int
    minutes: int


@dataclass(frozen=True)
class OpenThresholds(Button):
    """When somebody counts as late, behind or idle, and the figures as old."""

    tag = "yxt"
    batch_id: int


@dataclass(frozen=True)
class SetBulletin(Button):
    """Show the bars of the schools in the groups, or not."""

    tag = "yxb"
    batch_id: int
    on: int


@dataclass(frozen=True)
class TypeSetting(Button):
    """Take the next text as this field, of the class or of one of its items or platforms."""

    tag = "yxa"
    what: str
    batch_id: int
    thing_id: int = 0


@dataclass(frozen=True)
class KeepAddress(Button):
    """The address that was shown is the right one."""

    tag = "yxz"


@dataclass(frozen=True)
class OpenTutors(Button):
    """Who tutors which schools."""

    tag = "yxv"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class TutorSchool(Button):
    """Choose the tutor of a school."""

    tag = "yxvs"
    batch_id: int
    unit_id: int


@dataclass(frozen=True)
class GiveTutor(Button):
    """Let the people of a school have this tutor; none with 0."""

    tag = "yxvg"
    batch_id: int
    unit_id: int
    tutor_id: int


@dataclass(frozen=True)
class ShareOut(Button):
    """Give each school without a tutor to whoever has the fewest people."""

    tag = "yxvo"
    batch_id: int
