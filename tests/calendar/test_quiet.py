"""When a push may go out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from storage.calendar.quiet import last_push, may_push, next_push, push_at
from storage.calendar.workdays import WorkCalendar
from tests.calendar.county import COUNTY, at

BERLIN = WorkCalendar(ZoneInfo("Europe/Berlin"))
MOMENTS = st.integers(0, 396 * 24 * 60).map(
    lambda minutes: datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
MINUTES = st.integers(0, 24 * 60)
CALENDARS = st.sampled_from([COUNTY, BERLIN])


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        (at(12, 4, 8), True),
        (at(12, 4, 7, 59), False),
        (at(12, 4, 12, 30), True),  # noon is when teachers can look
        (at(12, 4, 17, 59), True),
        (at(12, 4, 18), False),
        (at(12, 5, 10), False),  # Saturday
        (at(10, 2, 10), False),  # 国庆
        (at(10, 10, 10), True),  # 调休
        (at(1, 25, 10, year=2027), False),  # 寒假
    ],
)
def test_pushes_run_in_working_hours_on_working_days(moment: datetime, allowed: bool) -> None:
    assert may_push(COUNTY, moment) is allowed


def test_on_a_day_off_a_push_runs_only_for_the_event_of_that_day() -> None:
    saturday = date(2026, 12, 5)
    assert may_push(COUNTY, at(12, 5, 10), event_day=saturday)
    assert not may_push(COUNTY, at(12, 5, 7), event_day=saturday)
    assert not may_push(COUNTY, at(12, 6, 10), event_day=saturday)


@pytest.mark.parametrize(
    ("from_minute", "until_minute", "opens", "closes"),
    [
        (0, 24 * 60, at(12, 4, 7, 30), at(12, 4, 20, 59)),
        (6 * 60, 23 * 60, at(12, 4, 7, 30), at(12, 4, 20, 59)),
        (12 * 60, 13 * 60, at(12, 4, 12), at(12, 4, 12, 59)),
        (22 * 60, 23 * 60, at(12, 4, 8), at(12, 4, 17, 59)),  # nothing but night
        (9 * 60, 9 * 60, at(12, 4, 8), at(12, 4, 17, 59)),  # nothing at all
    ],
)
def test_nobody_can_choose_the_night(
    from_minute: int, until_minute: int, opens: datetime, closes: datetime
) -> None:
    assert next_push(COUNTY, at(12, 4, 1), from_minute, until_minute) == opens
    assert last_push(COUNTY, at(12, 4, 23), from_minute, until_minute) == closes


@pytest.mark.parametrize(
    ("moment", "earlier", "later"),
    [
        (at(12, 4, 14), at(12, 4, 14), at(12, 4, 14)),
        (at(12, 4, 7), at(12, 3, 17, 59), at(12, 4, 8)),
        (at(12, 4, 20), at(12, 4, 17, 59), at(12, 7, 8)),
        (at(12, 6, 12), at(12, 4, 17, 59), at(12, 7, 8)),
        (at(10, 4, 12), at(9, 30, 17, 59), at(10, 8, 8)),
        (at(10, 11, 12), at(10, 10, 17, 59), at(10, 12, 8)),
        (at(2, 1, 12, year=2027), at(1, 22, 17, 59, year=2027), at(2, 22, 8, year=2027)),
    ],
)
def test_quiet_time_has_a_last_moment_before_and_a_first_one_after(
    moment: datetime, earlier: datetime, later: datetime
) -> None:
    assert last_push(COUNTY, moment) == earlier
    assert next_push(COUNTY, moment) == later


@pytest.mark.parametrize(
    ("wanted", "deadline", "not_before", "result"),
    [
        (at(12, 4, 14), at(12, 4, 17), None, at(12, 4, 14)),
        (at(12, 6, 14), at(12, 6, 17), None, at(12, 4, 17, 59)),  # Sunday runs on Friday
        (at(12, 6, 14), at(12, 7, 10), at(12, 5, 9), at(12, 7, 8)),  # Friday is past
        (at(12, 6, 14), at(12, 6, 17), at(12, 5, 9), None),  # and nothing is left
        (at(12, 4, 14), at(12, 4, 17), at(12, 4, 15), at(12, 4, 15)),
        (at(12, 4, 19), at(12, 4, 17), None, at(12, 4, 16, 59)),
        (at(12, 4, 14), at(12, 4, 17), at(12, 4, 17), None),
    ],
)
def test_a_push_runs_earlier_or_soon_but_never_after_the_deadline(
    wanted: datetime, deadline: datetime, not_before: datetime | None, result: datetime | None
) -> None:
    assert push_at(COUNTY, wanted, deadline, not_before=not_before) == result


@given(CALENDARS, MOMENTS, MINUTES, MINUTES)
def test_the_neighbouring_moments_are_allowed_and_on_their_side(
    calendar: WorkCalendar, moment: datetime, from_minute: int, until_minute: int
) -> None:
    earlier = last_push(calendar, moment, from_minute, until_minute)
    later = next_push(calendar, moment, from_minute, until_minute)
    assert earlier <= moment <= later
    assert may_push(calendar, earlier, from_minute, until_minute)
    assert may_push(calendar, later, from_minute, until_minute)


@given(CALENDARS, MOMENTS, MOMENTS, st.none() | MOMENTS, MINUTES, MINUTES)
def test_a_push_is_never_in_quiet_time_nor_at_or_after_its_deadline(
    calendar: WorkCalendar,
    wanted: datetime,
    deadline: datetime,
    not_before: datetime | None,
    from_minute: int,
    until_minute: int,
) -> None:
    chosen = push_at(calendar, wanted, deadline, from_minute, until_minute, not_before=not_before)
    assume(chosen is not None)
    assert chosen is not None
    assert chosen < deadline
    local = chosen.astimezone(calendar.zone)
    assert calendar.is_workday(local.date())
    assert 7 * 60 + 30 <= local.hour * 60 + local.minute < 21 * 60
    assert not_before is None or chosen >= not_before


def test_the_window_keeps_to_the_local_clock_when_the_clocks_change() -> None:
    # Berlin goes from +1 to +2 on Sunday 28 March 2027, and back on 31 October.
    friday = datetime(2027, 3, 26, 20, tzinfo=UTC)
    assert next_push(BERLIN, friday) == datetime(2027, 3, 29, 6, tzinfo=UTC)
    assert next_push(BERLIN, friday, event_day=date(2027, 3, 28)) == datetime(
        2027, 3, 28, 6, tzinfo=UTC
    )
    monday = datetime(2027, 11, 1, 6, tzinfo=UTC)
    assert last_push(BERLIN, monday) == datetime(2027, 10, 29, 15, 59, tzinfo=UTC)
