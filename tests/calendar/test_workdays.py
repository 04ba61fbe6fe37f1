"""Working days of the sample county."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from storage.calendar import workdays
from storage.calendar.tables import CalendarDay
from storage.database import Database
from tests import make
from tests.calendar.county import COUNTY, DAYS, SHANGHAI

ANY_DAY = st.dates(date(2026, 9, 1), date(2027, 12, 31))
WORKDAY = ANY_DAY.filter(COUNTY.is_workday)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 12, 4), True),  # Friday
        (date(2026, 12, 5), False),  # Saturday
        (date(2026, 10, 1), False),  # 国庆
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),  # a Saturday made up for
        (date(2026, 10, 11), False),
        (date(2027, 1, 25), False),  # 寒假, a Monday
        (date(2027, 2, 22), True),
        (date(2027, 4, 5), False),  # 清明
        (date(2027, 8, 16), False),  # 暑假
        (date(2027, 9, 1), True),
    ],
)
def test_people_work_on_weekdays_less_holidays_and_breaks_and_on_days_made_up_for(
    day: date, works: bool
) -> None:
    assert COUNTY.is_workday(day) is works


@pytest.mark.parametrize(
    ("day", "by", "result"),
    [
        (date(2026, 12, 4), -1, date(2026, 12, 3)),
        (date(2026, 12, 7), -1, date(2026, 12, 4)),  # T-1 of a Monday is Friday
        (date(2026, 12, 6), -1, date(2026, 12, 4)),  # and so is that of a Sunday
        (date(2026, 12, 6), 0, date(2026, 12, 4)),
        (date(2026, 12, 4), 0, date(2026, 12, 4)),
        (date(2026, 12, 6), 1, date(2026, 12, 7)),
        (date(2026, 10, 8), -1, date(2026, 9, 30)),  # over 国庆
        (date(2026, 10, 12), -1, date(2026, 10, 10)),  # 调休
        (date(2026, 10, 12), -3, date(2026, 10, 8)),
        (date(2026, 10, 9), 1, date(2026, 10, 10)),
        (date(2027, 2, 22), -1, date(2027, 1, 22)),  # over 寒假
        (date(2026, 12, 18), -60, date(2026, 9, 21)),
    ],
)
def test_working_days_are_counted_over_what_lies_between(day: date, by: int, result: date) -> None:
    assert COUNTY.shift(day, by) == result


@given(WORKDAY, st.integers(-80, 80))
def test_so_many_working_days_there_and_back_lead_home(day: date, by: int) -> None:
    there = COUNTY.shift(day, by)
    assert COUNTY.is_workday(there)
    assert COUNTY.shift(there, -by) == day
    assert COUNTY.workdays_between(day, there) == by


@given(ANY_DAY, st.integers(0, 40))
def test_earlier_is_never_later(day: date, by: int) -> None:
    # On a day off T-0 and T-1 are one; further steps are always apart.
    assert COUNTY.shift(day, -by - 2) < COUNTY.shift(day, -by - 1) <= COUNTY.shift(day, -by) <= day
    assert COUNTY.workday_from(day) >= day


def test_days_between_are_counted_with_their_sign() -> None:
    friday, monday = date(2026, 12, 4), date(2026, 12, 7)
    assert COUNTY.workdays_between(friday, monday) == 1
    assert COUNTY.workdays_between(monday, friday) == -1
    assert COUNTY.workdays_between(friday, friday) == 0
    assert COUNTY.workdays_between(friday, friday + timedelta(days=2)) == 0


async def test_the_calendar_is_read_with_the_zone_of_the_office(database: Database) -> None:
    def prepare(session: Session) -> None:
        make.office(session, timezone="Asia/Shanghai")
        session.add_all(CalendarDay(day=day, kind=kind) for day, kind in DAYS.items())
        session.flush()

    await database.write(prepare)
    calendar = await database.read(workdays.load)
    assert calendar == COUNTY
    assert calendar.zone == SHANGHAI


async def test_without_an_office_the_calendar_is_that_of_the_weekdays(sqlite: Database) -> None:
    calendar = await sqlite.read(workdays.load)
    assert calendar.zone.key == "UTC"
    assert calendar.is_workday(date(2026, 10, 1))


def test_a_calendar_cannot_be_changed_from_outside() -> None:
    days = dict(DAYS)
    calendar = workdays.WorkCalendar(SHANGHAI, days)
    days.clear()
    assert calendar == COUNTY
