"""The buttons of this wing: those that hang in groups, and those under reminders."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class GroupRegister(Button):
    """In a group: register whoever taps."""

    tag = "gr"
    batch_id: int


@dataclass(frozen=True)
class GroupDetails(Button):
    """In a group: show the programme to whoever taps, and to nobody else."""

    tag = "gd"
    batch_id: int


@dataclass(frozen=True)
class ReminderDone(Button):
    """I have done this."""

    tag = "rd"
    deadline_id: int


@dataclass(frozen=True)
class ReminderLater(Button):
    """Remind me of this on the next working day."""

    tag = "rl"
    deadline_id: int


@dataclass(frozen=True)
class ReminderMute(Button):
    """Remind me of this no more."""

    tag = "rm"
    deadline_id: int


@dataclass(frozen=True)
class ChooseReminder(Button):
    """Under a brief of several items: which one is done, later or muted; empty is back."""

    tag = "rc"
    what: str = ""
