"""Where somebody stands: tables of examples, and the same said by the database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from storage.calendar.tables import DayKind
from storage.calendar.workdays import WorkCalendar
from storage.database import Database
from storage.training.remote import pace
from storage.training.remote.pace import Facts, Pace, Standing, standing
from storage.training.tables import Grade, Phase, PhaseKind, Registration, RegistrationState
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 10, 19)
END = date(2026, 11, 13)  # four weeks of five days
CALENDAR = WorkCalendar(SHANGHAI)
FOUR_WEEKS = Pace(MONDAY, END, CALENDAR)


def day(month: int, number: int) -> date:
    return date(2026, month, number)


@pytest.mark.parametrize(
    ("on", "share"),
    [
        (day(10, 12), 0),  # before it begins
        (day(10, 19), 0),  # on its first morning
        (day(10, 20), 5),
        (day(10, 24), 25),  # on the weekend as on the Monday after it
        (day(10, 25), 25),
        (day(10, 26), 25),
        (day(11, 2), 50),
        (day(11, 13), 95),  # on its last day
        (day(11, 14), 100),
        (day(12, 31), 100),
    ],
)
def test_the_pace_is_even_in_working_days(on: date, share: float) -> None:
    assert FOUR_WEEKS.expected(on) == pytest.approx(share)


def test_a_holiday_expects_nothing_and_a_makeup_workday_does() -> None:
    calendar = WorkCalendar(
        SHANGHAI,
        {
            **{day(10, number): DayKind.HOLIDAY for number in (19, 20)},
            day(10, 24): DayKind.MAKEUP_WORKDAY,
        },
    )
    of = Pace(MONDAY, day(10, 30), calendar)  # 3 + 1 + 5 days
    assert of.expected(day(10, 21)) == 0
    assert of.expected(day(10, 24)) == pytest.approx(100 * 3 / 9)
    assert of.expected(day(10, 26)) == pytest.approx(100 * 4 / 9)


def test_a_course_of_days_off_expects_everything_when_it_is_over() -> None:
    of = Pace(day(10, 24), day(10, 25), CALENDAR)
    assert (of.expected(day(10, 25)), of.expected(day(10, 26))) == (0, 100)


@pytest.mark.parametrize(
    ("on", "share"),
    [(day(11, 5), 0), (day(11, 6), 0), (day(11, 7), 30), (day(11, 12), 70), (day(11, 14), 100)],
)
def test_milestones_stand_in_for_the_even_pace(on: date, share: float) -> None:
    of = Pace(MONDAY, END, CALENDAR, milestones=((day(11, 6), 30), (day(11, 10), 70)))
    assert of.expected(on) == share


@pytest.mark.parametrize(
    ("on", "left", "minutes"),
    [
        (day(10, 19), 900, 300),  # a Monday
        (day(10, 23), 900, 60),
        (day(10, 24), 900, 0),  # a Saturday
        (day(10, 12), 900, 0),  # the week before it begins
        (day(10, 19), 90, 90),  # not more than is left
        (day(11, 16), 900, 0),  # it is over
    ],
)
def test_an_hour_a_day_is_reckoned_by_the_week(on: date, left: float, minutes: int) -> None:
    assert FOUR_WEEKS.minutes_this_week(on, 60, left) == minutes


NOW = at(11, 2)  # the third Monday: 50 % is expected, 35 % is not yet behind
STUDIED = Facts(RegistrationState.ATTENDING, NOW, 40, is_started=True, last_active=day(11, 1))
S = RegistrationState


def but(**differs: Any) -> Facts:
    return Facts(**{**STUDIED.__dict__, **differs})


EXAMPLES: dict[str, tuple[Facts, Standing | None]] = {
    "studies at the pace": (STUDIED, Standing.ON_TRACK),
    "is exactly the slack behind": (but(percent=35.0), Standing.ON_TRACK),
    "is more than the slack behind": (but(percent=34.9), Standing.BEHIND),
    "has not studied for a week": (but(last_active=day(10, 26)), Standing.ON_TRACK),
    "has not studied for longer": (but(last_active=day(10, 25)), Standing.IDLE),
    "no platform says when they studied": (but(last_active=None), Standing.ON_TRACK),
    "nothing in the grace days": (Facts(as_of=at(10, 21)), Standing.NOT_BEGUN),
    "nothing after the grace days": (Facts(as_of=at(10, 22)), Standing.NOT_STARTED),
    "no figures at all, and it has long begun": (Facts(), Standing.UNKNOWN),
    "old figures are judged by their own day": (
        but(as_of=at(10, 26), percent=10.0, last_active=day(10, 20)),
        Standing.ON_TRACK,
    ),
    "everything is done": (but(percent=100.0, is_learned=True), Standing.LEARNED),
    "done long ago": (but(is_learned=True, last_active=day(10, 20)), Standing.LEARNED),
    "done and passed": (but(is_learned=True, grade=Grade.QUALIFIED), Standing.QUALIFIED),
    "done, deferred": (but(is_learned=True, grade=Grade.DEFERRED), Standing.LEARNED),
    "passed, and homework is missing": (but(grade=Grade.QUALIFIED), Standing.ON_TRACK),
    "done and not passed": (but(is_learned=True, grade=Grade.UNQUALIFIED), Standing.UNQUALIFIED),
    "has more time": (
        but(is_learned=True, grade=Grade.UNQUALIFIED, make_up_until=day(11, 2)),
        Standing.MAKING_UP,
    ),
    "had more time": (
        but(is_learned=True, grade=Grade.UNQUALIFIED, make_up_until=day(11, 1)),
        Standing.UNQUALIFIED,
    ),
    "completed": (but(state=S.COMPLETED, grade=Grade.QUALIFIED), Standing.QUALIFIED),
    "completed without a grade": (but(state=S.COMPLETED), Standing.QUALIFIED),
    "completed with distinction": (
        but(state=S.COMPLETED, grade=Grade.EXCELLENT),
        Standing.EXCELLENT,
    ),
    "it is over": (but(state=S.NOT_COMPLETED), Standing.NOT_COMPLETED),
    "never came": (Facts(S.NO_SHOW), Standing.NOT_COMPLETED),
    "exempt": (Facts(S.EXEMPT), None),
    "left": (but(state=S.WITHDRAWN), None),
}


@pytest.mark.parametrize("what", EXAMPLES)
def test_where_somebody_stands(what: str) -> None:
    facts, found = EXAMPLES[what]
    assert standing(FOUR_WEEKS, facts, now=NOW) is found


def test_in_the_time_for_making_up_who_did_not_pass_is_making_up() -> None:
    window = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    of = Pace(MONDAY, END, CALENDAR, makeup=window)
    failed = but(is_learned=True, grade=Grade.UNQUALIFIED)
    assert standing(of, failed, now=NOW) is Standing.MAKING_UP
    assert standing(of, failed, now=window[1]) is Standing.UNQUALIFIED


def test_nobody_idles_when_it_is_over() -> None:
    finished = but(as_of=at(12, 31), last_active=day(11, 10), percent=100.0)
    assert standing(FOUR_WEEKS, finished, now=at(12, 31)) is Standing.ON_TRACK


@pytest.mark.parametrize(("on", "stale"), [(9, False), (10, True)])
def test_figures_grow_old_and_nobody_falls_behind_with_them(on: int, stale: bool) -> None:
    assert FOUR_WEEKS.is_stale(NOW, at(11, on, 8)) is stale
    assert standing(FOUR_WEEKS, STUDIED, now=at(11, on)) is Standing.ON_TRACK


def test_without_figures_nothing_is_fresh() -> None:
    assert FOUR_WEEKS.is_stale(None, NOW)


# --- the same by the database ------------------------------------------------------------------


async def test_the_database_says_the_same_of_everybody(database: Database) -> None:
    def says(session: Session) -> tuple[dict[str, Standing | None], dict[Standing, int]]:
        make.office(session)
        batch_id = studying.course(session)
        imports = {NOW: studying.reported(session, batch_id, NOW)}
        ids = {
            what: studying.enter(session, batch_id, facts, imports)
            for what, (facts, _) in EXAMPLES.items()
        }
        course = pace.of_class(session, batch_id)
        assert course is not None
        assert course.as_of == NOW
        found = {
            what: pace.of_registration(session, course, id_, now=NOW) for what, id_ in ids.items()
        }
        return found, pace.counts(session, batch_id, now=NOW)

    found, counted = await database.write(says)
    # Whoever is in no import is judged by the newest one.
    by_newest = {
        "nothing in the grace days": Standing.NOT_STARTED,
        "no figures at all, and it has long begun": Standing.NOT_STARTED,
    }
    assert found == {what: by_newest.get(what, one) for what, (_, one) in EXAMPLES.items()}
    assert sum(counted.values()) == sum(1 for one in found.values() if one)
    assert counted[Standing.NOT_STARTED] == 3


@pytest.mark.parametrize(
    ("now", "found"), [(at(10, 21), Standing.NOT_BEGUN), (at(10, 22), Standing.UNKNOWN)]
)
async def test_without_any_import_nobody_is_said_to_have_done_nothing(
    database: Database, now: datetime, found: Standing
) -> None:
    def says(session: Session) -> list[int]:
        make.office(session)
        batch_id = studying.course(session)
        classes.joins(session, batch_id, make.teacher(session), S.APPROVED)
        # One that was taken back says nothing either.
        studying.reported(session, batch_id, at(10, 21), undone_at=at(10, 21))
        who = pace.in_standing(session, batch_id, [found], now=now)
        return list(session.exec(who).all())

    assert len(await database.write(says)) == 1


async def test_a_class_that_is_not_remote_has_no_standings(database: Database) -> None:
    def says(session: Session) -> tuple[int, dict[Standing, int]]:
        batch_id = make.batch(session)
        classes.joins(session, batch_id, make.teacher(session), S.APPROVED)
        who = pace.in_standing(session, batch_id, list(Standing), now=NOW)
        return len(session.exec(who).all()), pace.counts(session, batch_id, now=NOW)

    assert await database.write(says) == (0, {})


async def test_of_a_blended_class_the_stretch_on_the_net_sets_the_pace(database: Database) -> None:
    def says(session: Session) -> tuple[date, date]:
        make.office(session)
        batch_id = studying.course(session, milestones=[{"on": "2026-10-30", "percent": 40}])
        session.add(
            Phase(
                batch_id=batch_id,
                position=3,
                kind=PhaseKind.ONLINE,
                title="网络",
                starts_at=at(10, 26, 8),
                ends_at=at(11, 7, 0),
            )
        )
        session.flush()
        course = pace.of_class(session, batch_id)
        assert course is not None
        assert course.pace.milestones == ((day(10, 30), 40.0),)
        return course.pace.starts, course.pace.ends

    assert await database.write(says) == (day(10, 26), day(11, 6))


async def test_a_school_counts_its_own_people(database: Database) -> None:
    def says(session: Session) -> list[dict[Standing, int]]:
        make.office(session)
        batch_id = studying.course(session)
        studying.reported(session, batch_id, NOW)
        classes.people_in(session, batch_id, 2)
        classes.people_in(session, batch_id, 1, at="柳岸中心小学")
        units = pace.counts_by_unit(session, batch_id, now=NOW)
        assert session.exec(select(Registration.unit_id_at).distinct()).all()
        return list(units.values())

    assert await database.write(says) == [{Standing.NOT_STARTED: 2}, {Standing.NOT_STARTED: 1}]
