"""Tables of the school's time."""

from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from storage.tables import Row, key, one_of


class SchoolYear(Row, table=True):
    """学年: usually 1 September to 31 August."""

    code: str = Field(unique=True)
    start: date
    end: date


class Term(Row, table=True):
    """学期, within a school year."""

    __table_args__ = (sa.UniqueConstraint("school_year_id", "kind"),)

    school_year_id: int = key(foreign_key="school_year.id")
    kind: str  # autumn, spring
    start: date
    end: date
    weeks: int


class DayKind(StrEnum):
    """How a day differs from what its weekday says."""

    HOLIDAY = "holiday"
    MAKEUP_WORKDAY = "makeup_workday"
    SCHOOL_BREAK = "school_break"


class CalendarDay(Row, table=True):
    """A day that differs; days that are not listed follow their weekday."""

    day: date = Field(unique=True)
    kind: DayKind = one_of(DayKind)
    label: str = ""
