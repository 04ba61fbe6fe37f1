"""The buttons of tasks: set, handed in, reviewed."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenTasks(Button):
    """The tasks of a class, for who runs it or reviews work."""

    tag = "tk"
    batch_id: int


@dataclass(frozen=True)
class OpenTask(Button):
    """One task, for who runs the class or reviews work."""

    tag = "tk1"
    batch_id: int
    task_id: int


@dataclass(frozen=True)
class AddTask(Button):
    """Set a task: take the next text as its name and due date."""

    tag = "tka"
    batch_id: int


@dataclass(frozen=True)
class ShapeTask(Button):
    """Of the task that is being set: choose this of ``field`` (form, review, must)."""

    tag = "tks"
    field: str
    value: str = ""


@dataclass(frozen=True)
class SetTask(Button):
    """Set the task as it was shown."""

    tag = "tkg"


@dataclass(frozen=True)
class RetypeTask(Button):
    """Take the next text as this of a task."""

    tag = "tke"
    batch_id: int
    task_id: int
    what: str


@dataclass(frozen=True)
class TaskMust(Button):
    """The task is mandatory (1), or not (0)."""

    tag = "tkm"
    batch_id: int
    task_id: int
    on: int


@dataclass(frozen=True)
class RemoveTask(Button):
    """Take a task away; asked once more."""

    tag = "tkx"
    batch_id: int
    task_id: int
    sure: int = 0


@dataclass(frozen=True)
class OpenMyTasks(Button):
    """My tasks in a class."""

    tag = "mk"
    batch_id: int


@dataclass(frozen=True)
class OpenMyTask(Button):
    """One task of mine."""

    tag = "mk1"
    task_id: int


@dataclass(frozen=True)
class HandInWork(Button):
    """Take the next text or file as my work."""

    tag = "mkh"
    task_id: int


@dataclass(frozen=True)
class OpenReview(Button):
    """The next work to review, behind this piece."""

    tag = "rv"
    batch_id: int
    after: int = 0


@dataclass(frozen=True)
class AcceptWork(Button):
    """Accept the version that was seen."""

    tag = "rva"
    submission_id: int
    seen: int


@dataclass(frozen=True)
class ScoreWork(Button):
    """The keypad: so much is typed; done when ``sure``."""

    tag = "rvs"
    submission_id: int
    seen: int
    typed: str = ""
    sure: int = 0


@dataclass(frozen=True)
class ReturnWork(Button):
    """Return the version that was seen; take the next text as the comment."""

    tag = "rvr"
    submission_id: int
    seen: int


@dataclass(frozen=True)
class OpenPaper(Button):
    """A page of the people whose work comes on paper."""

    tag = "rvp"
    task_id: int
    page: int = 0


@dataclass(frozen=True)
class EnterPaper(Button):
    """Somebody's work came on paper (1), or the entry is taken back (0)."""

    tag = "rve"
    task_id: int
    page: int
    registration_id: int
    on: int


@dataclass(frozen=True)
class ScorePaper(Button):
    """The keypad for somebody's work on paper."""

    tag = "rvk"
    task_id: int
    page: int
    registration_id: int
    typed: str = ""
    sure: int = 0
