"""The buttons of attendance; each names a meeting or a person, and gives no right."""

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenMeetings(Button):
    """A page of a class's meetings; -1 is the page of the next one."""

    tag = "atl"
    batch_id: int
    page: int = -1


@dataclass(frozen=True)
class OpenMeeting(Button):
    """One meeting, for whoever marks it."""

    tag = "atm"
    session_id: int


@dataclass(frozen=True)
class SetCheckIn(Button):
    """Open (1) or close (0) check-in."""

    tag = "atd"
    session_id: int
    on: int


@dataclass(frozen=True)
class ShowCode(Button):
    """The code of the moment, for coming (0) or going (1)."""

    tag = "atc"
    session_id: int
    out: int = 0


@dataclass(frozen=True)
class TakeKit(Button):
    """The kit for a room without a signal."""

    tag = "atk"
    session_id: int


@dataclass(frozen=True)
class OpenSchools(Button):
    """The schools at a meeting."""

    tag = "atu"
    session_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenNames(Button):
    """A page of names: of one school or (0) of all; all, ``missing`` or ``odd``."""

    tag = "atn"
    session_id: int
    unit_id: int = 0
    page: int = 0
    only: str = ""


@dataclass(frozen=True)
class OpenMark(Button):
    """One person at a meeting."""

    tag = "atp"
    session_id: int
    registration_id: int
    unit_id: int = 0
    page: int = 0
    only: str = ""


@dataclass(frozen=True)
class SetMark(Button):
    """Enter one person by hand."""

    tag = "ats"
    session_id: int
    registration_id: int
    state: str
    unit_id: int = 0
    page: int = 0


@dataclass(frozen=True)
class StartMarks(Button):
    """Mark a school, or (0) everybody, present but for some."""

    tag = "atx"
    session_id: int
    unit_id: int = 0


@dataclass(frozen=True)
class TurnMark(Button):
    """In what is being filled in: this person is absent (1), or not (0)."""

    tag = "att"
    registration_id: int
    absent: int
    page: int


@dataclass(frozen=True)
class OpenMarks(Button):
    """A page of what is being filled in."""

    tag = "atg"
    page: int


@dataclass(frozen=True)
class SaveMarks(Button):
    """Enter what was filled in."""

    tag = "atv"


@dataclass(frozen=True)
class OpenWalkIns(Button):
    """Who was there and is not on the list."""

    tag = "atw"
    session_id: int


@dataclass(frozen=True)
class TakeSheet(Button):
    """The meeting's attendance as a table."""

    tag = "ath"
    session_id: int


@dataclass(frozen=True)
class AskSheet(Button):
    """Take the next file as the meeting's attendance."""

    tag = "ati"
    session_id: int


@dataclass(frozen=True)
class ChooseMeeting(Button):
    """The sheet that came is about this meeting."""

    tag = "ate"
    job_id: int
    session_id: int


@dataclass(frozen=True)
class ApplySheet(Button):
    """Enter what the sheet says (1), or leave it (0)."""

    tag = "ata"
    job_id: int
    yes: int
