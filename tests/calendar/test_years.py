"""School years, terms and weeks."""

from datetime import date

import pytest
from sqlmodel import Session

from storage.calendar import tables
from storage.calendar.years import (
    SchoolYear,
    Term,
    days_of_week,
    school_year_of,
    term_of,
    week_of,
)
from storage.database import Database

AUTUMN = Term("autumn", date(2026, 9, 1), date(2027, 1, 22), 20)
SPRING = Term("spring", date(2027, 2, 22), date(2027, 7, 9), 20)


def keep_a_year(session: Session) -> None:
    """The school year of the sample county, begun early so that it differs from the usual."""
    year = tables.SchoolYear(code="2026-2027", start=date(2026, 8, 24), end=date(2027, 8, 22))
    session.add(year)
    session.flush()
    for term in (AUTUMN, SPRING):
        session.add(
            tables.Term(
                school_year_id=year.id,
                kind=term.kind,
                start=term.start,
                end=term.end,
                weeks=term.weeks,
            )
        )
    session.flush()


async def test_a_day_lies_in_the_school_year_that_is_kept(database: Database) -> None:
    await database.write(keep_a_year)
    kept = SchoolYear("2026-2027", date(2026, 8, 24), date(2027, 8, 22))
    for day in (kept.start, date(2026, 12, 4), kept.end):
        assert await database.read(school_year_of, day) == kept


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2026, 9, 1), "2026-2027"),
        (date(2027, 8, 31), "2026-2027"),
        (date(2027, 9, 1), "2027-2028"),
        (date(2027, 1, 1), "2026-2027"),
    ],
)
async def test_where_none_is_kept_a_school_year_is_september_to_august(
    sqlite: Database, day: date, code: str
) -> None:
    year = await sqlite.read(school_year_of, day)
    assert year.code == code
    assert (year.start.month, year.start.day, year.end.month, year.end.day) == (9, 1, 8, 31)
    assert year.start <= day <= year.end


async def test_a_day_lies_in_a_term_or_in_the_holidays(database: Database) -> None:
    assert await database.read(term_of, date(2026, 12, 4)) is None
    await database.write(keep_a_year)
    assert await database.read(term_of, date(2026, 12, 4)) == AUTUMN
    assert await database.read(term_of, date(2027, 7, 9)) == SPRING
    assert await database.read(term_of, date(2027, 2, 1)) is None


@pytest.mark.parametrize(
    ("term", "day", "week"),
    [
        (AUTUMN, date(2026, 9, 1), 1),  # a Tuesday
        (AUTUMN, date(2026, 9, 6), 1),
        (AUTUMN, date(2026, 9, 7), 2),
        (AUTUMN, date(2026, 12, 18), 16),
        (AUTUMN, date(2027, 1, 22), 20),
        (SPRING, date(2027, 2, 22), 1),
        (SPRING, date(2027, 7, 9), 20),
        (SPRING, date(2027, 2, 21), None),
        (SPRING, date(2027, 7, 10), None),
    ],
)
def test_the_weeks_of_a_term_are_counted_from_its_first_day(
    term: Term, day: date, week: int | None
) -> None:
    assert week_of(term, day) == week


def test_the_days_of_a_week_are_those_within_the_term() -> None:
    assert days_of_week(AUTUMN, 1) == (date(2026, 9, 1), date(2026, 9, 6))
    assert days_of_week(AUTUMN, 16) == (date(2026, 12, 14), date(2026, 12, 20))
    assert days_of_week(AUTUMN, 20) == (date(2027, 1, 11), date(2027, 1, 22))
    for week in (0, 21):
        with pytest.raises(ValueError, match="no week"):
            days_of_week(AUTUMN, week)


def test_weeks_and_their_days_agree() -> None:
    for term in (AUTUMN, SPRING):
        for week in range(1, term.weeks + 1):
            assert [week_of(term, day) for day in days_of_week(term, week)] == [week, week]
