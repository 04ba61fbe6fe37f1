"""The buttons of the last mile of a remote class."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenLastMile(Button):
    """Where a class stands, and what is missing."""

    tag = "lm"
    batch_id: int


@dataclass(frozen=True)
class ExplainRates(Button):
    """What each rate is of."""

    tag = "lme"
    batch_id: int


@dataclass(frozen=True)
class MileSchools(Button):
    """A page of the schools of a class."""

    tag = "lms"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class MilePeople(Button):
    """A page of those of a school who have not finished."""

    tag = "lmp"
    batch_id: int
    unit_id: int
    page: int = 0


@dataclass(frozen=True)
class MilePerson(Button):
    """One of them, and back to this page of them."""

    tag = "lmo"
    registration_id: int
    page: int = 0


@dataclass(frozen=True)
class MileReason(Button):
    """Note what holds them up, by its place in ``ObstacleReason``; the same once more clears it."""

    tag = "lmr"
    registration_id: int
    reason: int
    page: int = 0


@dataclass(frozen=True)
class MileContact(Button):
    """Note, or take back, that I have spoken with them."""

    tag = "lmc"
    registration_id: int
    page: int = 0


@dataclass(frozen=True)
class MileRemind(Button):
    """Ask those of a school once more, or one of them (0 is all)."""

    tag = "lmn"
    batch_id: int
    unit_id: int
    registration_id: int = 0
    page: int = 0


@dataclass(frozen=True)
class MileBulletin(Button):
    """What a bulletin would say, before it is posted."""

    tag = "lmb"
    batch_id: int


@dataclass(frozen=True)
class PostMileBulletin(Button):
    """Post the bulletin of this import."""

    tag = "lmx"
    batch_id: int
    import_id: int


@dataclass(frozen=True)
class PostToAllStaff(Button):
    """Post it in the group of all staff, which the class has no other group than."""

    tag = "lmy"
    batch_id: int
    import_id: int
