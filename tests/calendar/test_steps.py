"""The steps of a deadline."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.calendar.quiet import may_push
from storage.calendar.steps import PRESETS, PlannedStep, offsets_of, parse_offset, plan_steps
from storage.calendar.workdays import WorkCalendar
from tests.calendar.county import COUNTY, at

BERLIN = WorkCalendar(ZoneInfo("Europe/Berlin"))
LONG_AGO = at(9, 1, 0)


def plan(
    deadline: datetime,
    preset: str,
    now: datetime = LONG_AGO,
    event_day: date | None = None,
    calendar: WorkCalendar = COUNTY,
) -> list[PlannedStep]:
    return plan_steps(deadline, offsets_of(preset), calendar, now=now, event_day=event_day)


def test_the_standard_steps_of_a_friday_deadline() -> None:
    assert plan(at(12, 4, 17), "standard") == [
        PlannedStep("T-7", at(11, 25, 8), at(12, 1, 8), breaks_out=False),
        PlannedStep("T-3", at(12, 1, 8), at(12, 3, 8), breaks_out=False),
        PlannedStep("T-1", at(12, 3, 8), at(12, 4, 14), breaks_out=False),
        PlannedStep("T-3h", at(12, 4, 14), at(12, 4, 17), breaks_out=True),
    ]


@pytest.mark.parametrize(
    ("deadline", "preset", "due"),
    [
        # over 国庆, with 10 October made up for
        (at(10, 12, 17), "gentle", {"T-5": at(9, 29, 8), "T-1": at(10, 10, 8)}),
        (at(10, 9, 17), "T-3h", {"T-3h": at(10, 9, 14)}),
        # a deadline on Sunday: T-1 and T-0 are both Friday, and quiet time brings T-3h there too
        (at(12, 6, 17), "T-1 T-0 T-3h", {"T-1": at(12, 4, 8)}),
        (at(12, 6, 17), "T-3h", {"T-3h": at(12, 4, 17, 30)}),
        # a Monday morning: T-3h would be at 6:00, what it says was said on Friday
        (at(12, 7, 9), "T-1 T-3h", {"T-1": at(12, 4, 8)}),
        # late in the evening it runs before the end of the same day
        (at(12, 4, 23, 59), "T-1 T-3h", {"T-1": at(12, 3, 8), "T-3h": at(12, 4, 17, 30)}),
        # several hours that fall together are said once
        (at(12, 7, 9), "T-12h T-2h", {"T-12h": at(12, 4, 17, 30)}),
        # a day's step and an hour's at the same moment
        (at(12, 4, 17), "T-0 T-9h", {"T-0": at(12, 4, 8)}),
        # midnight is the end of Friday
        (at(12, 5, 0), "T-1 T-0", {"T-1": at(12, 3, 8), "T-0": at(12, 4, 8)}),
        # before eight there is no T-0
        (at(12, 4, 7), "T-1 T-0", {"T-1": at(12, 3, 8)}),
        # calendar days, moved earlier to a working day
        (at(12, 18, 17), "T-14d T-5d", {"T-14d": at(12, 4, 8), "T-5d": at(12, 11, 8)}),
        # the order in which offsets are written does not matter
        (at(12, 4, 17), "T-3h,T-1", {"T-1": at(12, 3, 8), "T-3h": at(12, 4, 14)}),
    ],
)
def test_when_steps_fall_due(deadline: datetime, preset: str, due: dict[str, datetime]) -> None:
    assert {step.name: step.due_at for step in plan(deadline, preset)} == due


def test_a_long_run_has_its_steps_in_working_days() -> None:
    steps = plan(at(12, 18, 17), "long")
    assert [(step.name, step.due_at) for step in steps] == [
        ("T-60", at(9, 21, 8)),
        ("T-30", at(11, 6, 8)),
        ("T-14", at(11, 30, 8)),
        ("T-7", at(12, 9, 8)),
        ("T-1", at(12, 17, 8)),
    ]


def test_steps_that_are_of_no_use_any_more_are_not_planned() -> None:
    deadline = at(12, 4, 17)
    assert [step.name for step in plan(deadline, "standard", now=at(12, 2, 10))] == [
        "T-3",  # due since yesterday and of use until tomorrow: said at once
        "T-1",
        "T-3h",
    ]
    assert [step.name for step in plan(deadline, "standard", now=at(12, 3, 8))] == ["T-1", "T-3h"]
    assert plan(deadline, "standard", now=deadline) == []


def test_a_step_of_the_last_day_rings_by_itself_when_the_brief_would_be_too_late() -> None:
    (early,) = plan(at(12, 4, 10), "T-0")
    (late,) = plan(at(12, 4, 18), "T-0")
    assert early == PlannedStep("T-0", at(12, 4, 8), at(12, 4, 10), breaks_out=True)
    assert not late.breaks_out
    with_hours = plan(at(12, 4, 12), "T-0 T-2h")
    assert [(step.name, step.breaks_out) for step in with_hours] == [("T-0", False), ("T-2h", True)]


def test_an_event_on_a_day_off_is_told_on_that_day() -> None:
    saturday = at(12, 5, 14)
    assert [step.due_at for step in plan(saturday, "T-2h", event_day=date(2026, 12, 5))] == [
        at(12, 5, 12)
    ]
    assert [step.due_at for step in plan(saturday, "T-2h")] == [at(12, 4, 17, 30)]


def test_steps_after_the_deadline_are_of_use_for_three_working_days() -> None:
    assert plan(at(12, 4, 17), "T-1 T+0 T+5") == [
        PlannedStep("T-1", at(12, 3, 8), at(12, 4, 17), breaks_out=False),
        PlannedStep("T+0", at(12, 4, 17), at(12, 9, 17), breaks_out=False),
        PlannedStep("T+5", at(12, 11, 8), at(12, 16, 8), breaks_out=False),
    ]
    (sunday,) = plan(at(12, 6, 17), "T+0")
    assert sunday.due_at == at(12, 7, 8)
    (start_of_day,) = plan(at(10, 19, 0), "T+0")
    assert start_of_day.due_at == at(10, 19, 8)
    (evening,) = plan(at(12, 4, 17), "T+2h")
    assert (evening.due_at, evening.breaks_out) == (at(12, 7, 8), True)
    (week,) = plan(at(12, 4, 17), "T+8d")
    assert week.due_at == at(12, 14, 8)


def test_weekly_is_monday_at_ten_or_the_first_working_day_until_the_deadline() -> None:
    steps = plan(at(10, 23, 17), "weekly", now=at(9, 23, 12))  # a Wednesday
    assert [(step.name, step.due_at) for step in steps] == [
        ("W-3", at(9, 28, 10)),
        ("W-2", at(10, 8, 10)),  # the 5th is a holiday
        ("W-1", at(10, 12, 10)),
        ("W-0", at(10, 19, 10)),
    ]
    assert steps[0].useful_until == at(10, 8, 10)
    assert steps[-1].useful_until == at(10, 23, 17)
    assert not any(step.breaks_out for step in steps)
    winter = plan(at(3, 1, 9, year=2027), "weekly", now=at(1, 20, 9, year=2027))
    assert [step.due_at for step in winter] == [at(2, 22, 10, year=2027)]


def test_days_and_hours_are_right_when_the_clocks_change() -> None:
    # Berlin skips 2:00 to 3:00 on Sunday 28 March 2027, and repeats it on 31 October.
    berlin = BERLIN.zone
    monday = datetime(2027, 3, 29, 17, tzinfo=berlin)
    steps = plan(monday, "T-1 T-3h", calendar=BERLIN)
    assert [step.due_at for step in steps] == [
        datetime(2027, 3, 26, 7, tzinfo=UTC),
        datetime(2027, 3, 29, 12, tzinfo=UTC),
    ]
    sunday = datetime(2027, 10, 31, 9, tzinfo=berlin)
    (twelve_hours,) = plan(sunday, "T-12h", calendar=BERLIN)
    # 22:00 on the Saturday of summer time, not 21:00: too late, and a day off.
    assert twelve_hours.due_at == datetime(2027, 10, 29, 17, 30, tzinfo=berlin)
    (two_hours,) = plan(
        datetime(2027, 3, 28, 11, tzinfo=berlin),
        "T-2h",
        calendar=BERLIN,
        event_day=date(2027, 3, 28),
    )
    assert two_hours.due_at == datetime(2027, 3, 28, 7, tzinfo=UTC)


@given(
    st.integers(0, 365 * 24 * 60),
    st.sampled_from([*PRESETS, "T-0 T-6h T-24h", "T-3 T-0 T+0 T+3", "T-14d T-12h T-2h"]),
    st.timedeltas(timedelta(0), timedelta(days=120)),
    st.sampled_from([COUNTY, BERLIN]),
)
def test_steps_are_in_order_apart_from_quiet_time_and_of_use_until_the_next(
    minutes: int, preset: str, ahead: timedelta, calendar: WorkCalendar
) -> None:
    deadline = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    now = deadline - ahead
    steps = plan(deadline, preset, now=now, calendar=calendar)
    assert len({step.name for step in steps}) == len(steps)
    for step, following in pairwise(steps):
        assert step.due_at < following.due_at
        assert step.useful_until <= following.due_at
    for step in steps:
        assert step.due_at < step.useful_until
        assert step.useful_until > now
        if not step.name.startswith("T+"):
            assert step.useful_until <= deadline
            assert may_push(calendar, step.due_at)


@pytest.mark.parametrize("text", ["", "T", "T-", "T3", "t-3", "T-3m", "T--3", "T-3.5", "soon"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an offset|empty"):
        offsets_of(text)
    with pytest.raises(ValueError, match="not an offset"):
        parse_offset(text)


def test_a_preset_is_a_name_or_offsets_written_out() -> None:
    assert offsets_of("standard") == ("T-7", "T-3", "T-1", "T-3h")
    assert offsets_of("T-2, T-1") == offsets_of("T-2 T-1") == ("T-2", "T-1")
    assert offsets_of("T-3 weekly") == ("T-3", "weekly")
