"""The buttons of timetables."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenTimetable(Button):
    """How a class is built, for who runs it."""

    tag = "tt"
    batch_id: int


@dataclass(frozen=True)
class OpenMeetings(Button):
    """A page of the meetings of a class."""

    tag = "ttl"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class AddMeetings(Button):
    """Take lines, or a table, as meetings; of a module unless it is 0."""

    tag = "tta"
    batch_id: int
    module_id: int = 0


@dataclass(frozen=True)
class PutMeetings(Button):
    """Put in what was understood."""

    tag = "ttg"


@dataclass(frozen=True)
class ForClass(Button):
    """The table that was dropped is this class's timetable."""

    tag = "ttf"
    batch_id: int


@dataclass(frozen=True)
class AddPhase(Button):
    """Add a phase: choose its kind, then say when."""

    tag = "tpa"
    batch_id: int
    kind: str = ""
    sure: int = 0  # without dates


@dataclass(frozen=True)
class OpenPhase(Button):
    """One phase."""

    tag = "tp"
    phase_id: int


@dataclass(frozen=True)
class PlacePhase(Button):
    """Put the phase at this place, from 1."""

    tag = "tpp"
    phase_id: int
    position: int


@dataclass(frozen=True)
class SetGate(Button):
    """The phase is to be passed before the next (1), or not (0)."""

    tag = "tpg"
    phase_id: int
    on: int


@dataclass(frozen=True)
class SetHost(Button):
    """The phase takes place at this unit."""

    tag = "tph"
    phase_id: int
    unit_id: int


@dataclass(frozen=True)
class RemovePhase(Button):
    """Take the phase away; asked once more."""

    tag = "tpx"
    phase_id: int
    sure: int = 0


@dataclass(frozen=True)
class AddModule(Button):
    """Add a module: choose what it is about, then name it."""

    tag = "tma"
    phase_id: int
    kind: str = ""


@dataclass(frozen=True)
class OpenModule(Button):
    """One module."""

    tag = "tm"
    module_id: int


@dataclass(frozen=True)
class PlaceModule(Button):
    """Put the module at this place of its phase, from 1."""

    tag = "tmp"
    module_id: int
    position: int


@dataclass(frozen=True)
class SetMandatory(Button):
    """The module is mandatory (1), or not (0)."""

    tag = "tmm"
    module_id: int
    on: int


@dataclass(frozen=True)
class RemoveModule(Button):
    """Take the module away; asked once more."""

    tag = "tmx"
    module_id: int
    sure: int = 0


@dataclass(frozen=True)
class OpenMeeting(Button):
    """One meeting, for who runs the class."""

    tag = "ts"
    session_id: int


@dataclass(frozen=True)
class MoveMeeting(Button):
    """Move the meeting to these minutes since 1970."""

    tag = "tsm"
    session_id: int
    start: int
    end: int


@dataclass(frozen=True)
class SetCheckIn(Button):
    """How presence at this meeting is found out; empty asks."""

    tag = "tsc"
    session_id: int
    how: str = ""


@dataclass(frozen=True)
class SetModule(Button):
    """The meeting belongs to this module, or to none (0); -1 asks."""

    tag = "tsk"
    session_id: int
    module_id: int = -1


@dataclass(frozen=True)
class RemoveMeeting(Button):
    """Take the meeting away; asked once more."""

    tag = "tsx"
    session_id: int
    sure: int = 0


@dataclass(frozen=True)
class Retype(Button):
    """Take the next text as this of this thing."""

    tag = "tte"
    what: str
    thing_id: int


@dataclass(frozen=True)
class OpenMyTimetable(Button):
    """The timetable of a class that I am in."""

    tag = "mt"
    batch_id: int


@dataclass(frozen=True)
class MyTimetableCalendar(Button):
    """That timetable as a calendar file."""

    tag = "mti"
    batch_id: int
