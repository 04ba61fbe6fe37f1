"""Buttons of importing progress."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.buttons import Button


@dataclass(frozen=True)
class OpenProgressImport(Button):
    """What was imported of a class, and how the next table is sent."""

    tag = "imi"
    batch_id: int


@dataclass(frozen=True)
class AimProgress(Button):
    """The table that I sent is about this class."""

    tag = "ima"
    job_id: int
    batch_id: int


@dataclass(frozen=True)
class ShowColumns(Button):
    """What the columns of this form of table are taken for."""

    tag = "imf"
    job_id: int
    form: int


@dataclass(frozen=True)
class ColumnOf(Button):
    """What this column may be."""

    tag = "imc"
    job_id: int
    form: int
    column: int


@dataclass(frozen=True)
class MeanColumn(Button):
    """Take the column for this; nothing is a column that is left out."""

    tag = "imm"
    job_id: int
    form: int
    column: int
    meaning: str


@dataclass(frozen=True)
class ConfirmColumns(Button):
    """The columns are right; remember them."""

    tag = "imo"
    job_id: int
    form: int


@dataclass(frozen=True)
class LookProgress(Button):
    """What the table would do."""

    tag = "iml"
    job_id: int


@dataclass(frozen=True)
class ApplyProgress(Button):
    """Take over what the table says."""

    tag = "imy"
    job_id: int


@dataclass(frozen=True)
class CancelProgress(Button):
    """Give the table up."""

    tag = "imn"
    job_id: int


@dataclass(frozen=True)
class ProgressProblems(Button):
    """The table back, with a column of what is wrong."""

    tag = "imx"
    job_id: int


@dataclass(frozen=True)
class ProgressAsOf(Button):
    """The figures are of so many days ago; below 0 it is only asked."""

    tag = "imd"
    job_id: int
    days: int = -1


@dataclass(frozen=True)
class SettleRow(Button):
    """A row of which nobody can tell whom it means."""

    tag = "ims"
    job_id: int
    at: int = 0


@dataclass(frozen=True)
class MeanPerson(Button):
    """The row means this teacher; 0 is nobody of ours."""

    tag = "imp"
    job_id: int
    at: int
    teacher_id: int
