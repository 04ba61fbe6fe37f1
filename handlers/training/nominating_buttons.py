"""The buttons of nominating: one's people in a class, and whom to choose."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenMembers(Button):
    """My people in a class."""

    tag = "nm"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenMember(Button):
    """One of my people in a class, on a page of them."""

    tag = "no"
    batch_id: int
    teacher_id: int
    page: int = 0


@dataclass(frozen=True)
class PickUnit(Button):
    """Choose the school whose people are nominated."""

    tag = "nu"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenCandidates(Button):
    """A school's people for choosing; ``out`` is whom the chosen one replaces, or 0."""

    tag = "nc"
    batch_id: int
    unit_id: int
    page: int = 0
    out: int = 0


@dataclass(frozen=True)
class PickCandidate(Button):
    """Put somebody on the list, or take them off; why not, for whoever does not fit."""

    tag = "np"
    batch_id: int
    unit_id: int
    page: int
    out: int
    teacher_id: int


@dataclass(frozen=True)
class FindCandidate(Button):
    """Search a school's people by name."""

    tag = "nf"
    batch_id: int
    unit_id: int
    out: int = 0


@dataclass(frozen=True)
class Nominate(Button):
    """Nominate who is on the list; 1 although they have something else at that time."""

    tag = "ns"
    batch_id: int
    unit_id: int
    sure: int = 0


@dataclass(frozen=True)
class TakeBack(Button):
    """Take a nomination back."""

    tag = "nb"
    batch_id: int
    teacher_id: int


@dataclass(frozen=True)
class Replace(Button):
    """Send this one instead, although there is something else at that time."""

    tag = "nx"
    batch_id: int
    out: int
    teacher_id: int
