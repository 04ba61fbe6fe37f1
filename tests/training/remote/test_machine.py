"""The states of studying remotely, line by line as the model has them, and the pace expected.

Nothing is typed by hand: each state follows from the tables that came, and goes again with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import kinds
from storage.calendar.tables import DayKind
from storage.calendar.workdays import WorkCalendar
from storage.database import Database
from storage.training.remote import folding, pace
from storage.training.remote.pace import Facts, Pace, Standing, standing
from storage.training.remote.tables import (
    Measure,
    Progress,
    ProgressImport,
    ProgressItem,
    ProgressSnapshot,
)
from storage.training.tables import Grade, RegistrationState
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkCalendar(SHANGHAI)
FOUR_WEEKS = Pace(date(2026, 10, 19), date(2026, 11, 13), CALENDAR)
AGAIN = (at(11, 23), at(11, 28))
"""When what was not passed may be made good."""
S = Standing
Stands = RegistrationState


NOV = {day: at(11, day) for day in (2, 10, 16, 24, 30)}


@dataclass(frozen=True)
class Step:
    """One line of the model: from, by what, to."""

    before: Standing | None
    after: Standing | None
    facts: Facts
    event: Callable[[Facts], Facts]
    now: datetime = NOV[2]
    then: datetime = NOV[2]


ENROLLED = Facts(as_of=at(10, 20))
STARTED = Facts(Stands.ATTENDING, at(10, 20), 4, is_started=True, last_active=date(2026, 10, 20))
TRACK = replace(STARTED, as_of=at(11, 2), percent=45, last_active=date(2026, 11, 1))
LEARNED = replace(TRACK, percent=100, is_learned=True)


def then(**differs: Any) -> Callable[[Facts], Facts]:
    return lambda facts: replace(facts, **differs)


def graded(grade: Grade) -> Callable[[Facts], Facts]:
    return then(grade=grade)


MACHINE: dict[str, Step] = {
    "enrolled: the first table with activity starts it": Step(
        S.NOT_BEGUN, S.ON_TRACK, ENROLLED, lambda _: STARTED, at(10, 20), at(10, 20)
    ),
    "enrolled: the days of grace pass without any": Step(
        S.NOT_BEGUN, S.NOT_STARTED, ENROLLED, then(as_of=at(10, 22)), at(10, 21), at(10, 22)
    ),
    "enrolled: the days of grace pass without a table": Step(
        S.NOT_BEGUN, S.UNKNOWN, Facts(), then(), at(10, 21), at(10, 22)
    ),
    "not started: begins after all": Step(
        S.NOT_STARTED,
        S.ON_TRACK,
        Facts(as_of=at(10, 26)),
        lambda _: replace(TRACK, as_of=at(10, 27), percent=16, last_active=date(2026, 10, 26)),
    ),
    "not started: begins, and is late": Step(
        S.NOT_STARTED, S.BEHIND, Facts(as_of=at(10, 26)), lambda _: replace(TRACK, percent=5)
    ),
    "on track: falls behind": Step(S.ON_TRACK, S.BEHIND, TRACK, then(percent=34.9)),
    "on track: time passes and another table says the same": Step(
        S.ON_TRACK,
        S.BEHIND,
        TRACK,
        then(as_of=NOV[10], last_active=date(2026, 11, 9)),
        NOV[2],
        NOV[10],
    ),
    "on track: time passes and no table comes": Step(
        S.ON_TRACK, S.ON_TRACK, TRACK, then(), NOV[2], NOV[10]
    ),
    "behind: catches up": Step(S.BEHIND, S.ON_TRACK, replace(TRACK, percent=20), then(percent=35)),
    "behind: stops": Step(
        S.BEHIND, S.IDLE, replace(TRACK, percent=20), then(last_active=date(2026, 10, 25))
    ),
    "any: stops": Step(S.ON_TRACK, S.IDLE, TRACK, then(last_active=date(2026, 10, 25))),
    "idle: studies again, and is behind": Step(
        S.IDLE,
        S.BEHIND,
        replace(TRACK, percent=20, last_active=date(2026, 10, 20)),
        then(last_active=date(2026, 11, 1)),
    ),
    "idle: studies again, and is not": Step(
        S.IDLE,
        S.ON_TRACK,
        replace(TRACK, last_active=date(2026, 10, 20)),
        then(last_active=date(2026, 11, 1)),
    ),
    "not started: has done it all": Step(
        S.NOT_STARTED, S.LEARNED, Facts(as_of=at(10, 26)), lambda _: LEARNED
    ),
    "on track: has done it all": Step(S.ON_TRACK, S.LEARNED, TRACK, lambda _: LEARNED),
    "behind: has done it all": Step(
        S.BEHIND, S.LEARNED, replace(TRACK, percent=20), lambda _: LEARNED
    ),
    "idle: has done it all": Step(
        S.IDLE, S.LEARNED, replace(TRACK, last_active=date(2026, 10, 20)), lambda _: LEARNED
    ),
    "learned: never idles": Step(
        S.LEARNED, S.LEARNED, LEARNED, then(as_of=NOV[10]), NOV[2], NOV[10]
    ),
    "learned: more is asked": Step(
        S.LEARNED, S.ON_TRACK, LEARNED, then(percent=80, is_learned=False)
    ),
    "learned: excellent": Step(S.LEARNED, S.EXCELLENT, LEARNED, graded(Grade.EXCELLENT)),
    "learned: qualified": Step(S.LEARNED, S.QUALIFIED, LEARNED, graded(Grade.QUALIFIED)),
    "learned: unqualified": Step(S.LEARNED, S.UNQUALIFIED, LEARNED, graded(Grade.UNQUALIFIED)),
    "learned: was absent from it": Step(S.LEARNED, S.UNQUALIFIED, LEARNED, graded(Grade.ABSENT)),
    "learned: it is put off": Step(S.LEARNED, S.LEARNED, LEARNED, graded(Grade.DEFERRED)),
    "unqualified: the time for making it good opens": Step(
        S.UNQUALIFIED,
        S.MAKING_UP,
        graded(Grade.UNQUALIFIED)(LEARNED),
        then(),
        NOV[16],
        NOV[24],
    ),
    "making up: passes": Step(
        S.MAKING_UP,
        S.QUALIFIED,
        graded(Grade.UNQUALIFIED)(LEARNED),
        graded(Grade.QUALIFIED),
        NOV[24],
        NOV[24],
    ),
    "making up: the time is over": Step(
        S.MAKING_UP,
        S.UNQUALIFIED,
        graded(Grade.UNQUALIFIED)(LEARNED),
        then(),
        NOV[24],
        NOV[30],
    ),
    "unqualified: it is decided": Step(
        S.UNQUALIFIED,
        S.NOT_COMPLETED,
        graded(Grade.UNQUALIFIED)(LEARNED),
        then(state=Stands.NOT_COMPLETED),
        NOV[30],
        NOV[30],
    ),
    "qualified: completed": Step(
        S.QUALIFIED,
        S.QUALIFIED,
        graded(Grade.QUALIFIED)(LEARNED),
        then(state=Stands.COMPLETED),
    ),
    "excellent: completed": Step(
        S.EXCELLENT,
        S.EXCELLENT,
        graded(Grade.EXCELLENT)(LEARNED),
        then(state=Stands.COMPLETED),
    ),
    "completed: revoked": Step(
        S.QUALIFIED,
        S.QUALIFIED,
        replace(LEARNED, grade=Grade.QUALIFIED, state=Stands.COMPLETED),
        then(state=Stands.ATTENDING),
    ),
    "passed and homework is missing: is no state of its own": Step(
        S.ON_TRACK, S.ON_TRACK, TRACK, graded(Grade.QUALIFIED)
    ),
    "any: leaves": Step(S.ON_TRACK, None, TRACK, then(state=Stands.WITHDRAWN)),
    "any: is exempt": Step(S.BEHIND, None, replace(TRACK, percent=5), then(state=Stands.EXEMPT)),
}


@pytest.mark.parametrize("line", MACHINE)
def test_each_line_of_the_machine(line: str) -> None:
    step = MACHINE[line]
    of = replace(FOUR_WEEKS, makeup=AGAIN)
    assert standing(of, step.facts, now=step.now) is step.before
    assert standing(of, step.event(step.facts), now=step.then) is step.after


def test_the_table_reaches_every_state() -> None:
    assert {step.before for step in MACHINE.values()} | {
        step.after for step in MACHINE.values()
    } == {*Standing, None}


# --- the same by tables that come, and go ------------------------------------------------------

STORY: tuple[tuple[datetime, float, date | None, Standing], ...] = (
    (at(10, 20), 0, None, S.NOT_BEGUN),
    (at(10, 22), 0, None, S.NOT_STARTED),
    (at(10, 26), 1, date(2026, 10, 25), S.ON_TRACK),  # 10 %, and 25 % less the slack
    (at(10, 27), 1.4, date(2026, 10, 26), S.BEHIND),
    (at(10, 28), 2, date(2026, 10, 27), S.ON_TRACK),
    (at(10, 30), 2.9, date(2026, 10, 29), S.BEHIND),
    (at(11, 2), 4, date(2026, 11, 1), S.ON_TRACK),
    (at(11, 10), 6, date(2026, 11, 2), S.IDLE),
    (at(11, 12), 10, date(2026, 11, 11), S.LEARNED),
)
DRIVES = {
    S.NOT_STARTED: "remote_not_started",
    S.BEHIND: "remote_behind",
    S.IDLE: "remote_idle",
}
"""The states that people are reminded in, and of what."""


async def test_tables_move_somebody_on_and_taking_them_back_moves_them_back(
    database: Database,
) -> None:
    def happens(session: Session) -> None:
        make.office(session)
        batch_id = studying.course(session)
        item = ProgressItem(
            batch_id=batch_id,
            position=1,
            kind="other",
            title="观看课程",
            measure=Measure.TIMES,
            required=10,
        )
        session.add(item)
        session.flush()
        item_id = item.id
        mine = classes.joins(session, batch_id, make.teacher(session))

        def looks(now: datetime, expected: Standing) -> None:
            course = pace.of_class(session, batch_id)
            assert course is not None
            found = pace.of_registration(session, course, mine, now=now)
            assert found is expected, (now, found)
            for state, kind in DRIVES.items():
                owes = session.connection().execute(kinds.owes(session, kind, batch_id, now=now))
                assert bool(owes.all()) is (state is expected), (now, kind)

        imports = []
        for as_of, done, last, expected in STORY:
            import_id = studying.reported(session, batch_id, as_of)
            imports.append(import_id)
            share = 10 * done
            session.add(
                ProgressSnapshot(
                    registration_id=mine,
                    import_id=import_id,
                    figures={str(item_id): done},
                    percent=share,
                    is_learned=share >= 100,
                    last_active=last,
                )
            )
            session.flush()
            folding.recount(session, batch_id)
            looks(as_of, expected)
        for n in reversed(range(1, len(STORY))):
            session.get_one(ProgressImport, imports[n]).undone_at = STORY[n][0]
            gone = sa.delete(ProgressSnapshot)
            session.exec(gone.where(col(ProgressSnapshot.import_id) == imports[n]))
            folding.recount(session, batch_id)
            looks(STORY[n - 1][0], STORY[n - 1][3])
        assert session.exec(select(Progress.percent)).one() == 0

    await database.write(happens)


# --- expected ----------------------------------------------------------------------------------

QY26 = Pace(date(2026, 10, 19), date(2026, 12, 18), CALENDAR)  # nine weeks of five days
HOLIDAY = WorkCalendar(
    SHANGHAI,
    {date(2026, 10, 1) + timedelta(days=n): DayKind.HOLIDAY for n in range(7)}
    | {date(2026, 10, 10): DayKind.MAKEUP_WORKDAY},
)
EXPECTED: dict[str, tuple[Pace, date, float]] = {
    "the first morning": (QY26, date(2026, 10, 19), 0),
    "the year before": (QY26, date(2025, 10, 19), 0),
    "a week later": (QY26, date(2026, 10, 26), 100 * 5 / 45),
    "the first bulletin": (QY26, date(2026, 11, 6), 100 * 14 / 45),
    "a Friday": (QY26, date(2026, 11, 20), 100 * 24 / 45),
    "the weekend after it": (QY26, date(2026, 11, 22), 100 * 25 / 45),
    "the last morning": (QY26, date(2026, 12, 18), 100 * 44 / 45),
    "the morning after": (QY26, date(2026, 12, 19), 100),
    "of a single day, that morning": (
        Pace(date(2026, 10, 19), date(2026, 10, 19), CALENDAR),
        date(2026, 10, 19),
        0,
    ),
    "of a single day, the next": (
        Pace(date(2026, 10, 19), date(2026, 10, 19), CALENDAR),
        date(2026, 10, 20),
        100,
    ),
    "begun on a Saturday, on the Monday": (
        Pace(date(2026, 10, 17), date(2026, 10, 23), CALENDAR),
        date(2026, 10, 19),
        0,
    ),
    "ended on a Sunday, on the Saturday": (
        Pace(date(2026, 10, 19), date(2026, 10, 25), CALENDAR),
        date(2026, 10, 24),
        100,
    ),
    # Monday 28 September to Saturday 10 October: three days, a week off, and three days.
    "across a week off": (
        Pace(date(2026, 9, 28), date(2026, 10, 10), HOLIDAY),
        date(2026, 10, 8),
        50,
    ),
    "in it": (Pace(date(2026, 9, 28), date(2026, 10, 10), HOLIDAY), date(2026, 10, 3), 50),
    "on the working Saturday": (
        Pace(date(2026, 9, 28), date(2026, 10, 10), HOLIDAY),
        date(2026, 10, 10),
        100 * 5 / 6,
    ),
    "on the day of a milestone": (
        replace(QY26, milestones=((date(2026, 11, 6), 40.0),)),
        date(2026, 11, 6),
        0,
    ),
    "on the day after it, though it is off": (
        replace(QY26, milestones=((date(2026, 11, 6), 40.0),)),
        date(2026, 11, 7),
        40,
    ),
    "with milestones nothing is expected before the first": (
        replace(QY26, milestones=((date(2026, 11, 6), 40.0),)),
        date(2026, 11, 5),
        0,
    ),
    "nor more than the last until it is over": (
        replace(QY26, milestones=((date(2026, 11, 6), 40.0),)),
        date(2026, 12, 18),
        40,
    ),
}


@pytest.mark.parametrize("when", EXPECTED)
def test_what_is_expected(when: str) -> None:
    of, day, share = EXPECTED[when]
    assert of.expected(day) == pytest.approx(share)


@given(
    starts=st.dates(date(2026, 9, 1), date(2026, 11, 1)),
    length=st.integers(0, 60),
    day=st.integers(-5, 70),
)
def test_never_is_less_expected_on_a_later_day(starts: date, length: int, day: int) -> None:
    of = Pace(starts, starts + timedelta(days=length), HOLIDAY)
    one, next_ = (of.expected(starts + timedelta(days=day + n)) for n in (0, 1))
    assert 0 <= one <= next_ <= 100
    if day > length:
        assert one == 100
