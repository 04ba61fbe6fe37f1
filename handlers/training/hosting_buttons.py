"""The buttons of a school that receives people."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenHosting(Button):
    """The stretches of classes that take place at one's schools."""

    tag = "hstl"


@dataclass(frozen=True)
class OpenHosted(Button):
    """One of them, with a page of who comes."""

    tag = "hst"
    phase_id: int
    page: int = 0
