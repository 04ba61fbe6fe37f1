"""One person's own date: who gives it, what it changes, and for whom it does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging import deadlines, owed
from storage.messaging.tables import Deadline, DeadlineState, DeadlineStep, Level, News
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.refusals import NotAllowed, OwnCase
from storage.training import extending, planning, programmes, schedule, tasks
from storage.training.extending import NotLater, NotOwed
from storage.training.tables import Registration, RegistrationState, Task
from tests import make
from tests.make import NOW
from tests.messaging import cast

DAY = timedelta(days=1)
DUE = NOW + 20 * DAY


def scene(session: Session) -> dict[str, int]:
    """A class with one task and two who owe it, and its class teacher."""
    batch_id = make.batch(session, starts_at=NOW - DAY, ends_at=NOW + 60 * DAY)
    first, second = (cast.participant(session, batch_id) for _ in range(2))
    task = Task(batch_id=batch_id, title="教学设计", due_at=DUE)
    session.add(task)
    teacher_id = make.teacher(session)
    session.add(
        RoleAssignment(
            teacher_id=teacher_id,
            role=Role.CLASS_TEACHER,
            scope_kind=ScopeKind.BATCH,
            scope_id=batch_id,
            since=date(2026, 9, 1),
        )
    )
    session.flush()
    schedule.plan_deadlines(session, batch_id, now=NOW)
    return {
        "batch": batch_id,
        "first": first,
        "second": second,
        "task": task.id,
        "leads": teacher_id,
    }


def who(session: Session, task_id: int, own: int = 0) -> set[int]:
    return set(session.exec(owed.owing(session, "task_due", task_id, own, now=NOW)).scalars())


async def test_the_class_teacher_gives_one_person_until_another_day(database: Database) -> None:
    made = await database.write(scene)
    until = DUE + 7 * DAY
    of: tuple[Any, ...] = (made["leads"], "task_due", made["task"], made["first"], until)
    for _ in range(2):  # asked twice it is given once
        done = await database.write(extending.extend, *of, now=NOW)
        assert done.until == until
    assert await database.read(who, made["task"]) == {made["second"]}
    assert await database.read(who, made["task"], made["first"]) == {made["first"]}

    def left(session: Session) -> tuple[int, int, set[str]]:
        levels = session.exec(
            select(DeadlineStep.level).where(DeadlineStep.deadline_id == done.deadline_id)
        ).all()
        return (
            len(session.exec(select(News).where(News.kind == "date_extended")).all()),
            len(session.exec(select(AuditLog).where(AuditLog.action == "extend")).all()),
            set(levels),
        )

    assert await database.read(left) == (1, 1, {Level.TEACHER, Level.COORDINATOR})
    mine = await database.read(tasks.my_task, made["first"], made["task"], now=NOW)
    assert mine.due_at == until
    (item,) = [
        one
        for one in await database.read(programmes.due, made["first"], now=NOW)
        if one.task_id == made["task"]
    ]
    assert item.at == until
    handed = await database.write(
        tasks.hand_in, made["first"], made["task"], text="教案", now=DUE + DAY
    )
    assert not handed.late
    handed = await database.write(
        tasks.hand_in, made["second"], made["task"], text="教案", now=DUE + DAY
    )
    assert handed.late


async def test_more_time_is_refused_to_whom_and_when_it_makes_no_sense(database: Database) -> None:
    made = await database.write(scene)
    kind, task = "task_due", made["task"]

    async def asks(actor_id: int, teacher_id: int, until: Any) -> None:
        await database.write(extending.extend, actor_id, kind, task, teacher_id, until, now=NOW)

    with pytest.raises(NotAllowed):
        await asks(made["second"], made["first"], DUE + DAY)
    with pytest.raises(NotLater):
        await asks(made["leads"], made["first"], DUE - DAY)
    with pytest.raises(NotOwed):
        await asks(made["leads"], await database.write(make.teacher), DUE + DAY)
    await database.write(cast.register, made["batch"], made["leads"])
    with pytest.raises(OwnCase):
        await asks(made["leads"], made["leads"], DUE + DAY)
    await asks(made["leads"], made["first"], DUE + DAY * 400)
    own = await database.read(deadlines.own_dates, kind, task)
    assert own == {made["first"]: NOW + 60 * DAY}  # no longer than the class


async def test_work_that_is_late_is_asked_for_more_and_more_rarely(database: Database) -> None:
    made = await database.write(scene)

    def steps(session: Session) -> list[tuple[Level, str]]:
        rows = session.exec(
            select(DeadlineStep)
            .join(Deadline, Deadline.id == DeadlineStep.deadline_id)  # type: ignore[arg-type]
            .where(Deadline.kind == "task_due", DeadlineStep.due_at > DUE)
            .order_by(DeadlineStep.due_at)  # type: ignore[arg-type]
        ).all()
        return [(row.level, row.name) for row in rows]

    found = await database.read(steps)
    assert [name for level, name in found if level is Level.TEACHER] == ["T+1", "T+3", "T+7"]
    weekly = [name for level, name in found if level is Level.COORDINATOR]
    assert weekly[:2] == ["W+2", "W+3"]
    assert (Level.OWNER, "T+1") in found
    # What is over cannot be handed in any more, and is owed by nobody.
    over = NOW + 61 * DAY
    owing = await database.read(
        lambda s: s.exec(owed.owing(s, "task_due", made["task"], 0, now=over)).all()
    )
    assert owing == []


async def test_the_calendar_sets_what_no_hand_sets(database: Database) -> None:
    def look(session: Session) -> dict[str, int]:
        made = scene(session)
        waits = cast.participant(session, made["batch"])
        row = session.exec(select(Registration).where(Registration.teacher_id == waits)).one()
        row.state = RegistrationState.SCHOOL_APPROVED
        session.flush()
        while planning.plan_calendar(session, now=NOW):
            pass
        assert not planning.plan_calendar(session, now=NOW)
        kinds = session.exec(
            select(Deadline.kind).where(Deadline.state == DeadlineState.ACTIVE)
        ).all()
        return {kind: list(kinds).count(kind) for kind in planning.PLANNED}

    assert await database.write(look) == {
        "year_hours": 1,
        "cycle_hours": 0,
        "new_teacher_hours": 0,
        "role_gap": 1,
        "approve_county": 1,
    }


async def test_who_has_enough_hours_or_a_school_that_is_looked_after_hears_nothing(
    database: Database,
) -> None:
    def look(session: Session) -> tuple[bool, bool]:
        made = scene(session)
        planning.plan_calendar(session, now=NOW)
        short = owed.owing(session, "year_hours", 2026, 0, now=NOW)
        gap = session.exec(owed.outstanding(session, "role_gap", 2026, 0, now=NOW)).all()
        return made["first"] in set(session.exec(short).scalars()), bool(gap)

    assert await database.write(look) == (True, True)

    def filled(session: Session) -> bool:
        session.add(
            RoleAssignment(
                teacher_id=make.teacher(session),
                role=Role.SCHOOL_COORDINATOR,
                scope_id=make.school(session),
                since=date(2026, 9, 1),
            )
        )
        session.flush()
        return bool(session.exec(owed.outstanding(session, "role_gap", 2026, 0, now=NOW)).all())

    assert not await database.write(filled)
