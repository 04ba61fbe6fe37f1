"""Rehearsal: what it says is what happens, and nothing of it is real."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from storage import sheets
from storage.audit import AuditLog
from storage.calendar.tables import DayKind
from storage.database import Database
from storage.messaging import reminders
from storage.messaging.dry_run import Message
from storage.messaging.tables import (
    Deadline,
    DeadlineStep,
    OutboxMessage,
    OutboxState,
    Reminder,
)
from storage.people import roles
from storage.people.tables import Role, TeacherState
from storage.refusals import NotAllowed
from storage.schema import METADATA
from storage.training import rehearsal
from storage.training.frictions import DayOff, Doubt
from storage.training.rehearsal import Rehearsal
from storage.training.tables import (
    Batch,
    ClassSession,
    Enrolment,
    Mode,
    Programme,
    ProgrammeState,
    Quota,
)
from tests import make
from tests.make import NOW
from tests.messaging import cast
from tests.messaging.cast import local
from tests.stage import Stage, stage_on

TODAY = date(2026, 11, 20)
Rang = tuple[datetime, str, frozenset[tuple[str, int, str]]]


def coordinator(session: Session) -> int:
    teacher_id = make.teacher(session, "罗佳宁", at="教师发展中心", stage="", subject="")
    roles.appoint(
        session, teacher_id, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    return teacher_id


def draft(session: Session, /, **differs: Any) -> int:
    programme = {"state": ProgrammeState.DRAFT} | differs.pop("programme", {})
    return make.batch(session, programme=programme, **differs)


async def rehearse(database: Database, actor_id: int, batch_id: int, now: datetime) -> Rehearsal:
    return await database.aside(
        rehearsal.copied(now), rehearsal.rehearse, actor_id, batch_id, now=now
    )


async def county(stage: Stage) -> dict[str, int]:
    """Three schools: people with hours of their own, one blocked, one unlinked, one muted."""
    people = {}
    usual = [("林若溪", "实验小学"), ("周明", "实验小学"), ("石晓岚", "第二小学")]
    for name, school in [*usual, ("何文", "第二小学"), ("陈夕", "山口学校")]:
        actor = await stage.teacher(name, at=school)
        assert actor.teacher_id is not None
        people[name] = actor.teacher_id
    early = {"brief_minute": 8 * 60, "quiet_from": 17 * 60, "quiet_until": 7 * 60 + 30}
    late = {"brief_minute": 20 * 60, "quiet_from": 20 * 60 + 30, "quiet_until": 12 * 60}
    for name, hours in (("许早", early), ("于晚", late), ("钱早", early)):
        actor = await stage.teacher(name, at="山口学校", account=hours)
        assert actor.teacher_id is not None
        people[name] = actor.teacher_id
    gone = await stage.teacher("高远", at="山口学校", account={"reachable": False})
    assert gone.teacher_id is not None
    people["高远"] = gone.teacher_id
    people["马可"] = await stage.database.write(make.teacher, "马可", at="山口学校")
    people["休假"] = await stage.database.write(
        make.teacher, "休假", at="山口学校", state=TeacherState.LONG_LEAVE
    )
    people["初中"] = (await stage.teacher("初中", stage="junior")).teacher_id or 0
    return people


def days_off(session: Session) -> None:
    for day in ("2026-12-07", "2026-12-08", "2026-12-16"):
        cast.day_off(session, day)
    cast.day_off(session, "2026-12-05", DayKind.MAKEUP_WORKDAY)


def publish(session: Session, batch_id: int, *, now: datetime) -> None:
    batch = session.get_one(Batch, batch_id)
    rehearsal._take_effect(session, batch.programme_id, now=now)


def rang(session: Session, since: datetime) -> dict[int, list[Rang]]:
    """What has really been sent to each, from the rows that are left of it."""
    found: dict[int, list[Rang]] = {}
    for row in session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.state == OutboxState.SENT, col(OutboxMessage.sent_at) >= since)
        .order_by(col(OutboxMessage.sent_at), col(OutboxMessage.id))
    ).all():
        assert row.teacher_id is not None
        assert row.sent_at is not None
        parts = session.exec(
            select(Deadline.kind, Deadline.subject_id, DeadlineStep.name, DeadlineStep.due_at)
            .join(DeadlineStep, col(DeadlineStep.deadline_id) == col(Deadline.id))
            .join(Reminder, col(Reminder.step_id) == col(DeadlineStep.id))
            .where(Reminder.outbox_id == row.id)
            .order_by(col(DeadlineStep.due_at))
        ).all()
        last = {(kind, subject): (kind, subject, name) for kind, subject, name, _ in parts}
        kind = row.kind
        found.setdefault(row.teacher_id, []).append((row.sent_at, kind, frozenset(last.values())))
    return found


def said(messages: tuple[Message, ...]) -> list[Rang]:
    return [
        (one.at, one.kind, frozenset((part.kind, part.subject_id, part.step) for part in one.parts))
        for one in messages
    ]


async def play_out(stage: Stage, until: datetime) -> None:
    """Let the real office work from one due moment to the next."""
    while True:
        await stage.deliver()
        following = await stage.database.read(reminders.next_event, now=stage.clock())
        if following is None or following > until:
            return
        stage.clock.advance(following - stage.clock())


Play = Callable[[Stage, dict[str, int]], Awaitable[int]]


async def remote(stage: Stage, _people: dict[str, int]) -> int:
    """Remote training for everybody in primary schools."""
    return await stage.database.write(
        draft,
        title="人工智能素养",
        seats=None,
        audience={"stage": ["primary"]},
        programme={"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC},
        starts_at=local("2026-11-30", 9),
        ends_at=local("2026-12-14", 23),
        reg_open=None,
        reg_close=None,
    )


async def open_class(stage: Stage, _people: dict[str, int]) -> int:
    """A class with registration, that opens and closes, and meets twice."""

    def make_it(session: Session) -> int:
        batch_id = draft(
            session,
            title="作业设计",
            seats=3,
            reg_open=local("2026-11-25", 9),
            reg_close=local("2026-12-09", 17),
            starts_at=local("2026-12-15", 8),
            ends_at=local("2026-12-19", 17),
        )
        for day in ("2026-12-15", "2026-12-19"):
            session.add(
                ClassSession(
                    batch_id=batch_id,
                    title="集中研修",
                    starts_at=local(day, 8),
                    ends_at=local(day, 17),
                )
            )
        return batch_id

    return await stage.database.write(make_it)


async def under_way(stage: Stage, people: dict[str, int]) -> int:
    """Remote training for all, beside another that runs already and rings too."""
    database = stage.database

    def before(session: Session) -> None:
        other = make.batch(
            session,
            title="师德研修",
            seats=None,
            programme={"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC},
            starts_at=local("2026-11-16", 9),
            ends_at=local("2026-12-04", 23),
        )
        publish(session, other, now=stage.clock())

    await database.write(before)
    await play_out(stage, NOW + timedelta(hours=6))

    def mute(session: Session) -> None:
        deadline_id = session.exec(
            select(Deadline.id).where(Deadline.kind == "batch_start")
        ).first()
        assert deadline_id is None
        for deadline in session.exec(select(Deadline).where(Deadline.kind == "remote_start")).all():
            reminders.mute(session, people["周明"], deadline.id, now=stage.clock())

    await database.write(mute)
    stage.clock.advance(timedelta(hours=7))
    return await remote(stage, people)


@pytest.mark.parametrize("play", [remote, open_class, under_way])
async def test_what_the_rehearsal_says_is_what_then_happens(sqlite: Database, play: Play) -> None:
    async with stage_on(sqlite) as stage:
        people = await county(stage)
        await sqlite.write(days_off)
        actor_id = await sqlite.write(coordinator)
        batch_id = await play(stage, people)
        now = stage.clock()

        found = await rehearse(sqlite, actor_id, batch_id, now)

        assert found.until is not None
        expected = {line.teacher_id: said(line.messages) for line in found.people if line.messages}
        assert len(expected) >= 8
        await sqlite.write(publish, batch_id, now=now)
        await play_out(stage, found.until)
        happened = await sqlite.read(rang, now)
        # The others hear of other programmes only, and are not this one's concern.
        concerned = {line.teacher_id for line in found.people}
        assert {one: what for one, what in happened.items() if one in concerned} == expected
        unreached = {one.name for one in found.unreached}
        # Whoever runs it is to decide on it in the end.
        assert unreached == {"高远", "马可", "罗佳宁"}


async def test_of_a_published_programme_it_says_what_is_still_to_come(sqlite: Database) -> None:
    async with stage_on(sqlite) as stage:
        people = await county(stage)
        actor_id = await sqlite.write(coordinator)
        batch_id = await remote(stage, people)
        await sqlite.write(publish, batch_id, now=NOW)
        await play_out(stage, local("2026-12-01", 12))
        now = stage.clock()
        muted = people["周明"]

        def mute(session: Session) -> None:
            for deadline in session.exec(select(Deadline)).all():
                if deadline.kind == "remote_start":
                    reminders.mute(session, muted, deadline.id, now=now)

        await sqlite.write(mute)

        found = await rehearse(sqlite, actor_id, batch_id, now)

        assert found.state is ProgrammeState.PUBLISHED
        assert found.until is not None
        expected = {line.teacher_id: said(line.messages) for line in found.people if line.messages}
        await play_out(stage, found.until)
        happened = await sqlite.read(rang, now)
        first = {one: [row for row in rows if row[0] > now] for one, rows in happened.items()}
        assert first == expected


def counts(session: Session) -> dict[str, int]:
    return {
        table.name: session.exec(select(func.count()).select_from(table)).one()
        for table in METADATA.sorted_tables
    }


async def test_a_rehearsal_changes_nothing(database: Database) -> None:
    def scene(session: Session) -> tuple[int, int]:
        make.office(session)
        for number in range(12):
            teacher_id = make.teacher(session, at=f"第{number % 3}小学")
            make.account(session, teacher_id)
        remote_id = draft(
            session,
            seats=None,
            programme={"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC},
            reg_open=None,
            reg_close=None,
        )
        return coordinator(session), remote_id

    actor_id, batch_id = await database.write(scene)
    before = await database.read(counts)

    first = await rehearse(database, actor_id, batch_id, NOW)
    again = await rehearse(database, actor_id, batch_id, NOW)

    assert first == again
    assert first.concerned == 13
    assert first.taking_part == 13
    assert sum(line.people for line in first.lines) > 30
    assert await database.read(counts) == before
    state = await database.read(
        lambda s: s.exec(select(Programme.state).join(Batch).where(Batch.id == batch_id)).one()
    )
    assert state is ProgrammeState.DRAFT


async def test_only_who_runs_it_rehearses_it(sqlite: Database) -> None:
    def scene(session: Session) -> tuple[int, int]:
        return make.teacher(session), draft(session)

    teacher_id, batch_id = await sqlite.write(scene)
    with pytest.raises(NotAllowed):
        await rehearse(sqlite, teacher_id, batch_id, NOW)


async def test_the_figures_say_what_does_not_fit(database: Database) -> None:
    def scene(session: Session) -> tuple[int, int, int]:
        cast.day_off(session, "2026-12-10")
        actor_id = coordinator(session)
        busy = make.teacher(session, "林若溪", at="实验小学")
        make.account(session, busy)
        make.account(session, make.teacher(session, "周明", at="第二小学"), reachable=False)
        other = make.batch(
            session,
            title="另一个",
            starts_at=local("2026-12-12", 9),
            ends_at=local("2026-12-12", 12),
            reg_open=None,
            reg_close=NOW - timedelta(days=1),
        )
        cast.register(session, other, busy)
        batch_id = draft(
            session,
            seats=10,
            audience={"stage": ["primary"]},
            minimum=20,
            reg_open=NOW + timedelta(hours=1),
            reg_close=local("2026-11-24", 12),
            starts_at=local("2026-12-10", 9),
            ends_at=local("2026-12-12", 17),
        )
        session.add(Quota(batch_id=batch_id, unit_id=make.school(session, "实验小学"), seats=2))
        return actor_id, batch_id, other

    actor_id, batch_id, other = await database.write(scene)

    found = await rehearse(database, actor_id, batch_id, NOW)

    assert (found.audience, found.seats, found.pool) == (2, 12, 10)
    assert (found.unlinked, found.blocked, found.unseen) == (0, 1, 0)
    by_school = {line.unit: (line.audience, line.told, line.seats) for line in found.schools}
    assert by_school == {"实验小学": (1, 1, 2), "第二小学": (1, 0, None)}
    assert {(one.day.day, one.why) for one in found.off_days} == {
        (10, DayOff.HOLIDAY),
        (12, DayOff.WEEKEND),
    }
    assert [(one.batch_id, one.people) for one in found.overlaps] == [(other, 1)]
    assert set(found.doubts) == {Doubt.NO_SEATS, Doubt.WINDOW_SHORT, Doubt.SHORT_NOTICE}


async def test_a_change_is_rehearsed_before_it_is_made(sqlite: Database) -> None:
    def scene(session: Session) -> tuple[int, int]:
        make.account(session, make.teacher(session))
        return coordinator(session), draft(session, reg_open=local("2026-11-25", 9))

    actor_id, batch_id = await sqlite.write(scene)

    def later(session: Session) -> None:
        session.get_one(Batch, batch_id).reg_open = local("2026-11-27", 9)

    usual = await rehearse(sqlite, actor_id, batch_id, NOW)
    changed = await sqlite.aside(
        rehearsal.copied(NOW), rehearsal.rehearse, actor_id, batch_id, now=NOW, change=later
    )
    assert [line.day.day for line in usual.lines] == [25]
    assert [line.day.day for line in changed.lines] == [27]


async def test_a_coordinator_rehearses_in_the_chat_and_takes_the_sheet_home(
    sqlite: Database,
) -> None:
    async with stage_on(sqlite) as stage:
        people = await county(stage)
        await sqlite.write(days_off)
        luo = await stage.teacher("罗佳宁", at="教师发展中心", stage="office")

        def appoint(session: Session) -> None:
            assert luo.teacher_id is not None
            where = make.county(session)
            roles.appoint(
                session, luo.teacher_id, Role.COUNTY_COORDINATOR, where, today=TODAY, now=NOW
            )

        await sqlite.write(appoint)
        await open_class(stage, people)
        await luo.says("/desk")
        await luo.taps("Programmes")
        await luo.taps("作业设计")
        card = await luo.taps("Rehearse")
        assert "Published now, it would reach 10 persons" in card
        assert "Not reached: 1 not linked, 1 have blocked messages." in card
        assert "Seats: 3, of these 3 open to all schools." in card
        assert "Meeting on a day off: Sat 19 Dec (weekend), 集中研修" in card
        days = await luo.taps("Day by day")
        assert "Wed 25 Nov: registration opens" in days
        await luo.taps("Back")
        assert "audience" in await luo.taps("By school")
        await luo.taps("Back")
        await luo.taps("As a sheet")
        name, content = luo.files()[-1]
        assert name == "作业设计 rehearsal.xlsx"
        book = sheets.read(content, name)
        by_name = {sheet.name: sheet.rows for sheet in book.sheets}
        assert set(by_name) == {"Timeline", "People", "Not reached", "Schools", "Clashes"}
        assert {row[1] for row in by_name["Not reached"][1:]} == {"高远", "马可"}
        assert "林若溪" in {row[1] for row in by_name["People"]}
        noted = await sqlite.read(
            lambda s: s.exec(select(AuditLog).where(AuditLog.action == "export_rehearsal")).all()
        )
        assert len(noted) == 1
        # A key of last month, in somebody else's hands.
        lin = await stage.teacher("刘慕", at="实验小学")
        await lin.says("/menu")
        batch_id = await sqlite.read(lambda s: s.exec(select(Batch.id)).first())
        assert "do not have the right" in await lin.sends_data(f"rehs:{batch_id}")
        assert not lin.files()
        lin = await stage.teacher("林若溪")
        await lin.says("/menu")
        assert "right to do this" in await lin.sends_data("reh:1")


async def test_a_school_sees_the_names_of_its_own_people_only(sqlite: Database) -> None:
    def scene(session: Session) -> tuple[int, int]:
        unit_id = make.school(session, "实验小学")
        actor_id = make.teacher(session, "罗佳宁", at="实验小学")
        roles.appoint(session, actor_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)
        for name, school in (("林若溪", "实验小学"), ("周明", "第二小学")):
            make.account(session, make.teacher(session, name, at=school))
        batch_id = draft(
            session, reg_open=NOW + timedelta(days=1), programme={"owner_unit_id": unit_id}
        )
        return actor_id, batch_id

    actor_id, batch_id = await sqlite.write(scene)
    found = await rehearse(sqlite, actor_id, batch_id, NOW)
    assert [line.name for line in found.people] == ["林若溪"]
    assert [one.name for one in found.unreached] == ["罗佳宁"]
    assert (found.concerned, found.unseen) == (3, 1)
