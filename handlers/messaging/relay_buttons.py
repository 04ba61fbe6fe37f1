"""The buttons of second channels."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenRelays(Button):
    """The channels of a unit; 0 is one's own."""

    tag = "rls"
    unit_id: int = 0


@dataclass(frozen=True)
class RelayUnits(Button):
    """The units whose channels one may look after."""

    tag = "rlu"
    page: int = 0


@dataclass(frozen=True)
class AddRelay(Button):
    """The next text is a channel's address."""

    tag = "rla"
    unit_id: int = 0


@dataclass(frozen=True)
class OpenRelay(Button):
    """One channel."""

    tag = "rlo"
    relay_id: int


@dataclass(frozen=True)
class TryRelay(Button):
    """Send a message that says it is a test."""

    tag = "rlt"
    relay_id: int


@dataclass(frozen=True)
class SwitchRelay(Button):
    """Send through it again, or not for now."""

    tag = "rlx"
    relay_id: int
    on: int


@dataclass(frozen=True)
class RemoveRelay(Button):
    """Forget it; asked once more before that is done."""

    tag = "rlr"
    relay_id: int
    sure: int = 0
