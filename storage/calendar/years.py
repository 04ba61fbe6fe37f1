"""School years, terms, and the weeks of a term (第 16 周)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, col, select

from storage.calendar import tables

_SEPTEMBER = 9
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class SchoolYear:
    """A school year, both days included."""

    code: str
    start: date
    end: date


@dataclass(frozen=True)
class Term:
    """A term, both days included, of so many weeks of teaching."""

    kind: str
    start: date
    end: date
    weeks: int


def school_year_of(session: Session, day: date) -> SchoolYear:
    """Return the school year of a day; 1 September to 31 August where none is kept."""
    row = session.exec(
        select(tables.SchoolYear).where(
            col(tables.SchoolYear.start) <= day, col(tables.SchoolYear.end) >= day
        )
    ).first()
    return usual_school_year(day) if row is None else SchoolYear(row.code, row.start, row.end)


def usual_school_year(day: date) -> SchoolYear:
    """Return the school year of a day by the rule of the country."""
    first = day.year if day.month >= _SEPTEMBER else day.year - 1
    return SchoolYear(f"{first}-{first + 1}", date(first, 9, 1), date(first + 1, 8, 31))


def term_of(session: Session, day: date) -> Term | None:
    """Return the term that a day lies in; None in the holidays and where no terms are kept."""
    row = session.exec(
        select(tables.Term).where(col(tables.Term.start) <= day, col(tables.Term.end) >= day)
    ).first()
    return None if row is None else Term(row.kind, row.start, row.end, row.weeks)


def week_of(term: Term, day: date) -> int | None:
    """Return the number of the day's week in the term, from 1; None outside the term.

    Weeks begin on Monday and the one that has the first day of term is the first, however few
    days it has. What lies beyond the weeks that the term counts belongs to its last week.
    """
    if not term.start <= day <= term.end:
        return None
    return min((day - _monday(term.start)).days // 7 + 1, term.weeks)


def days_of_week(term: Term, week: int) -> tuple[date, date]:
    """Return the first and the last day of a week of the term, within the term.

    Raises ``ValueError`` for a week that the term does not have.
    """
    first = _monday(term.start) + _WEEK * (week - 1)
    if not 1 <= week <= term.weeks or first > term.end:
        raise ValueError(f"the term has no week {week}")
    last = term.end if week == term.weeks else first + _WEEK - timedelta(days=1)
    return max(first, term.start), min(last, term.end)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
