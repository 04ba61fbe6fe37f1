"""The buttons of what others still owe: how many, who, and spoken with."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenDailyList(Button):
    """Back to the list of the day in whose place a page was opened."""

    tag = "owl"


@dataclass(frozen=True)
class OpenOwing(Button):
    """In which schools a deadline is still owed."""

    tag = "ow"
    deadline_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenOwingNames(Button):
    """A page of those of one school who still owe it."""

    tag = "own"
    deadline_id: int
    unit_id: int
    page: int = 0


@dataclass(frozen=True)
class SpokeWith(Button):
    """Note, or take back, that I have spoken with this person about it."""

    tag = "ows"
    deadline_id: int
    unit_id: int
    teacher_id: int
    page: int = 0
