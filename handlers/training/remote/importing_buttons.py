"""Buttons of importing progress."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenProgressImport(Button):
    """What was imported of a class, and how the next table is sent."""

    tag = "rpi"
    batch_id: int


@dataclass(frozen=True)
class AimProgress(Button):
    """The table that I sent is about this class."""

    tag = "rpa"
    job_id: int
    batch_id: int


@dataclass(frozen=True)
class ShowColumns(Button):
    """What the columns of this form of table are taken for."""

    tag = "rpf"
    job_id: int
    form: int


@dataclass(frozen=True)
class ColumnOf(Button):
    """What this column may be."""

    tag = "rpc"
    job_id: int
    form: int
    column: int


@dataclass(frozen=True)
class MeanColumn(Button):
    """Take the column for this; nothing is a column that is left out."""

    tag = "rpm"
    job_id: int
    form: int
    column: int
    meaning: str


@dataclass(frozen=True)
class ConfirmColumns(Button):
    """The columns are right; remember them."""

    tag = "rpo"
    job_id: int
    form: int


@dataclass(frozen=True)
class LookProgress(Button):
    """What the table would do."""

    tag = "rpl"
    job_id: int


@dataclass(frozen=True)
class ApplyProgress(Button):
    """Take over what the table says."""

    tag = "rpy"
    job_id: int


@dataclass(frozen=True)
class CancelProgress(Button):
    """Give the table up."""

    tag = "rpn"
    job_id: int


@dataclass(frozen=True)
class ProgressProblems(Button):
    """The table back, with a column of what is wrong."""

    tag = "rpx"
    job_id: int


@dataclass(frozen=True)
class ProgressAsOf(Button):
    """The figures are of so many days ago; below 0 it is only asked."""

    tag = "rpd"
    job_id: int
    days: int = -1


@dataclass(frozen=True)
class SettleRow(Button):
    """A row of which nobody can tell whom it means."""

    tag = "rps"
    job_id: int
    at: int = 0


@dataclass(frozen=True)
class MeanPerson(Button):
    """The row means this teacher; 0 is nobody of ours."""

    tag = "rpp"
    job_id: int
    at: int
    teacher_id: int
