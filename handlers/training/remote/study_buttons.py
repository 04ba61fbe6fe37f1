"""The buttons of studying remotely: mine, and of whoever looks at what people say."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class MyStudy(Button):
    """Where I stand in a class."""

    tag = "my"
    batch_id: int


@dataclass(frozen=True)
class MyStudies(Button):
    """The classes that I study remotely."""

    tag = "mys"


@dataclass(frozen=True)
class NotUpdated(Button):
    """I have studied what the figures do not show: choose what."""

    tag = "myn"
    batch_id: int


@dataclass(frozen=True)
class NotUpdatedIs(Button):
    """It is this item; 0 is all of it. Take the next text or file as what shows it."""

    tag = "myi"
    batch_id: int
    item_id: int


@dataclass(frozen=True)
class MyObstacle(Button):
    """Something holds me up: choose what."""

    tag = "myo"
    batch_id: int


@dataclass(frozen=True)
class ObstacleIs(Button):
    """It is this; empty takes it back."""

    tag = "myb"
    batch_id: int
    reason: str


@dataclass(frozen=True)
class OpenStudyClaims(Button):
    """What people say they have studied, for whoever looks at it."""

    tag = "myc"
    page: int = 0


@dataclass(frozen=True)
class OpenStudyClaim(Button):
    """One of these."""

    tag = "myc1"
    claim_id: int


@dataclass(frozen=True)
class AcceptStudyClaim(Button):
    """Accept it."""

    tag = "myca"
    claim_id: int


@dataclass(frozen=True)
class RefuseStudyClaim(Button):
    """Refuse it: take the next text as the reason."""

    tag = "mycr"
    claim_id: int
