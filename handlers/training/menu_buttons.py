"""The buttons of menus, for who chooses and for who makes them."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenMenu(Button):
    """A menu from which I choose, at a page of its options."""

    tag = "mn"
    menu_id: int
    page: int = 0


@dataclass(frozen=True)
class ChooseOption(Button):
    """Wish for this class (1), or give the wish up (0)."""

    tag = "mnc"
    menu_id: int
    batch_id: int
    on: int
    page: int = 0


@dataclass(frozen=True)
class PreferOption(Button):
    """Make a class that I chose the wish of this rank."""

    tag = "mnp"
    menu_id: int
    batch_id: int
    rank: int
    page: int = 0


@dataclass(frozen=True)
class MenuRules(Button):
    """How the seats of a menu are given out, and how that can be checked."""

    tag = "mnr"
    menu_id: int


@dataclass(frozen=True)
class OpenMenus(Button):
    """A page of the menus that I look after."""

    tag = "mns"
    page: int = 0


@dataclass(frozen=True)
class OpenMenuDesk(Button):
    """One menu in figures."""

    tag = "mnd"
    menu_id: int


@dataclass(frozen=True)
class NewMenu(Button):
    """Begin a new menu, or go on with the one that is begun."""

    tag = "mnn"


@dataclass(frozen=True)
class OpensAtOnce(Button):
    """The new menu opens when it is made."""

    tag = "mnw"


@dataclass(frozen=True)
class DraftOption(Button):
    """Put a class into the new menu (1) or take it out (0)."""

    tag = "mno"
    batch_id: int
    on: int
    page: int = 0


@dataclass(frozen=True)
class DraftOptions(Button):
    """A page of the classes for the new menu."""

    tag = "mng"
    page: int = 0


@dataclass(frozen=True)
class LookOverMenu(Button):
    """Show the new menu before it is made."""

    tag = "mnf"


@dataclass(frozen=True)
class MakeMenu(Button):
    """Make the new menu."""

    tag = "mnm"


@dataclass(frozen=True)
class DropMenu(Button):
    """Give the new menu up."""

    tag = "mnx"


@dataclass(frozen=True)
class AskMenu(Button):
    """Change one thing of a menu, or of the new one (0): title, opens, closes or bounds."""

    tag = "mna"
    menu_id: int
    what: str


@dataclass(frozen=True)
class MenuOptions(Button):
    """A page of the classes that are, or could be, in a menu."""

    tag = "mnl"
    menu_id: int
    page: int = 0


@dataclass(frozen=True)
class SetOption(Button):
    """Put a class into a menu (1) or take it out (0)."""

    tag = "mnt"
    menu_id: int
    batch_id: int
    on: int
    page: int = 0


@dataclass(frozen=True)
class CancelMenu(Button):
    """Take a menu away; asked once more before it is done."""

    tag = "mnk"
    menu_id: int
    sure: int = 0
