"""Who is reminded of studying: by fresh figures alone, and by nothing that is settled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import kinds
from storage.database import Database
from storage.messaging.sweeping import sweep
from storage.messaging.tables import Deadline, DeadlineStep, Level, Reminder
from storage.people.tables import Role, Teacher
from storage.training import schedule
from storage.training.remote.tables import (
    Obstacle,
    ObstacleReason,
    Progress,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import Batch, Registration, RegistrationState
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at

NOW = at(11, 2)  # the third Monday; 50 % is expected
BEFORE = at(11, 1)
AFTER = at(11, 3)


def owes(session: Session, kind: str, batch_id: int, now: datetime = NOW) -> set[str]:
    ids = kinds.owes(session, kind, batch_id, now=now)
    return set(session.exec(select(Teacher.name).where(col(Teacher.id).in_(ids))).all())


def a_class(session: Session, **differs: Any) -> int:
    """One who has not started, one behind, two who idle, one at the pace, and one who is done."""
    make.office(session)
    batch_id = studying.course(session, **differs)
    of = studying.reported(session, batch_id, NOW)
    day = NOW.date()
    people: dict[str, dict[str, Any]] = {
        "无": {},
        "慢": {"percent": 10.0, "last_active": day},
        "停": {"percent": 45.0, "last_active": day - timedelta(days=9)},
        "久": {"percent": 45.0, "last_active": day - timedelta(days=15)},
        "稳": {"percent": 45.0, "last_active": day},
        "成": {"percent": 100.0, "last_active": day - timedelta(days=9)},
    }
    for name, figures in people.items():
        id_ = classes.joins(session, batch_id, make.teacher(session, name))
        if figures:
            studying.has(session, id_, of, **figures)
    return batch_id


async def test_each_is_reminded_of_their_own_gap(database: Database) -> None:
    def says(session: Session) -> dict[str, set[str]]:
        batch_id = a_class(session)
        found = ("remote_not_started", "remote_behind", "remote_idle", "remote_idle_long")
        return {kind: owes(session, kind, batch_id) for kind in (*found, "remote_end")}

    assert await database.write(says) == {
        "remote_not_started": {"无"},
        "remote_behind": {"慢"},
        "remote_idle": {"停"},
        "remote_idle_long": {"久"},
        "remote_end": {"无", "慢", "停", "久", "稳"},
    }


async def test_old_figures_remind_nobody_but_whoever_is_to_bring_new_ones(
    database: Database,
) -> None:
    later = at(11, 10)

    def says(session: Session) -> tuple[set[str], set[str]]:
        batch_id = a_class(session)
        county = make.county(session)
        studying.appointed(session, "高管理", Role.COUNTY_COORDINATOR, county)
        studying.appointed(session, "班老师", Role.CLASS_TEACHER, batch_id)
        fresh = owes(session, "import_stale", batch_id)
        assert not fresh
        people = set().union(
            *(
                owes(session, kind, batch_id, later)
                for kind in ("remote_not_started", "remote_behind", "remote_idle")
            )
        )
        return people, owes(session, "import_stale", batch_id, later)

    assert await database.write(says) == (set(), {"高管理", "班老师"})


async def test_a_class_without_any_figures_wants_some_after_a_while(database: Database) -> None:
    def says(session: Session) -> list[bool]:
        make.office(session)
        batch_id = studying.course(session)
        studying.appointed(session, "高管理", Role.COUNTY_COORDINATOR, make.county(session))
        days = (at(10, 26), at(10, 27), at(11, 13), at(11, 14))
        return [bool(owes(session, "import_stale", batch_id, day)) for day in days]

    assert await database.write(says) == [False, True, True, False]


async def test_it_goes_upward_to_nobody_who_owes_it(database: Database) -> None:
    def says(session: Session) -> list[tuple[int, int]]:
        make.office(session)
        batch_id = studying.course(session)
        counted = kinds.KINDS["import_stale"].outstanding
        assert counted is not None
        rows = counted(session, "import_stale", batch_id, at(10, 27))
        assert (
            not session.connection()
            .execute(counted(session, "import_stale", batch_id, at(10, 26)))
            .all()
        )
        return [tuple(row) for row in session.connection().execute(rows)]

    assert [number for _unit, number in await database.write(says)] == [1]


@pytest.mark.parametrize(
    ("state", "submitted", "reminded"),
    [
        (StudyClaimState.OPEN, BEFORE, False),
        (StudyClaimState.ACCEPTED, AFTER, False),
        (StudyClaimState.ACCEPTED, BEFORE, True),  # newer figures do not show it
        (StudyClaimState.REFUSED, AFTER, True),
        (StudyClaimState.CAUGHT_UP, AFTER, True),
    ],
)
async def test_whoever_says_they_have_studied_is_left_alone_until_it_can_be_seen(
    database: Database, state: StudyClaimState, submitted: datetime, reminded: bool
) -> None:
    def says(session: Session) -> bool:
        batch_id = a_class(session)
        session.add(
            StudyClaim(registration_id=_of(session, "慢"), state=state, submitted_at=submitted)
        )
        session.flush()
        return bool(owes(session, "remote_behind", batch_id))

    assert await database.write(says) is reminded


@pytest.mark.parametrize(
    ("reason", "reminded"), [(ObstacleReason.SICK, False), (ObstacleReason.FORGOT, True)]
)
async def test_who_is_known_to_be_sick_is_left_alone(
    database: Database, reason: ObstacleReason, reminded: bool
) -> None:
    def says(session: Session) -> bool:
        batch_id = a_class(session)
        id_ = _of(session, "慢")
        by = session.get_one(Registration, id_).teacher_id
        session.add(Obstacle(registration_id=id_, reason=reason, by_id=by, since=BEFORE))
        session.flush()
        return bool(owes(session, "remote_behind", batch_id))

    assert await database.write(says) is reminded


async def test_somebody_whom_new_imports_leave_out_is_not_reminded_of_old_figures(
    database: Database,
) -> None:
    def says(session: Session) -> set[str]:
        batch_id = a_class(session)
        studying.reported(session, batch_id, at(11, 9))
        return owes(session, "remote_behind", batch_id, at(11, 11))

    assert await database.write(says) == set()


async def test_on_mondays_those_behind_are_reminded_and_their_school_hears(
    database: Database,
) -> None:
    monday = at(11, 2, 11)

    def happens(session: Session) -> tuple[set[str], set[str]]:
        batch_id = a_class(session)
        studying.appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, make.school(session))
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        while sweep(session, now=monday).more:
            pass
        told = {}
        for level in (Level.TEACHER, Level.COORDINATOR):
            told[level] = set(
                session.exec(
                    select(Teacher.name)
                    .join(Reminder, col(Reminder.teacher_id) == col(Teacher.id))
                    .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
                    .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
                    .where(Deadline.kind == "remote_behind", DeadlineStep.level == level)
                ).all()
            )
        return told[Level.TEACHER], told[Level.COORDINATOR]

    assert await database.write(happens) == ({"慢"}, {"罗佳宁"})


async def test_a_class_gets_its_reminders_of_studying_with_its_plan(database: Database) -> None:
    def says(session: Session) -> dict[str, datetime]:
        make.office(session)
        batch_id = studying.course(session)
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        rows = session.exec(select(Deadline.kind, Deadline.at)).all()
        batch = session.get_one(Batch, batch_id)
        assert dict(rows)["remote_end"] == batch.ends_at
        return {
            kind: moment
            for kind, moment in rows
            if kind not in ("remote_end", "grade_due", "survey_close")
        }

    start, end = at(10, 19, 8), at(11, 13, 18)
    assert await database.write(says) == {
        "remote_start": start,
        "remote_not_started": start,
        "remote_behind": end,
        "remote_idle": end,
        "remote_idle_long": end,
        "import_stale": end,
    }


async def test_nobody_is_reminded_in_a_class_that_is_paused(database: Database) -> None:
    def says(session: Session) -> set[str]:
        batch_id = a_class(session)
        session.exec(select(Batch).where(Batch.id == batch_id)).one().cancelled_at = NOW
        session.flush()
        return owes(session, "remote_behind", batch_id)

    assert await database.write(says) == set()


def _of(session: Session, name: str) -> int:
    found: int = session.exec(
        select(Registration.id)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(Teacher.name == name, Registration.state == RegistrationState.ATTENDING)
    ).one()
    assert session.exec(select(Progress.id).where(Progress.registration_id == found)).first()
    return found
