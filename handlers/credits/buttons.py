"""The buttons of my hours."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenHours(Button):
    """The summary of my hours."""

    tag = "hours"


@dataclass(frozen=True)
class HourLines(Button):
    """The entries of the cycle, page by page; pages count from 0."""

    tag = "hlines"
    page: int = 0


@dataclass(frozen=True)
class WhyCapped(Button):
    """Why one entry counts for less than it earned; ``page`` is where to go back to."""

    tag = "hwhy"
    entry_id: int
    page: int = 0


@dataclass(frozen=True)
class WhyAllCapped(Button):
    """Why entries count for less than they earned, all in one text."""

    tag = "hcaps"


@dataclass(frozen=True)
class HowCounted(Button):
    """How the figures are computed, and under which rules."""

    tag = "hhow"


@dataclass(frozen=True)
class HoursPicture(Button):
    """My hours as a picture."""

    tag = "hpic"
