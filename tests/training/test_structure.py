"""How a class is built: phases, modules and meetings, and what happens when they change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.tables import Deadline, DeadlineState, OutboxMessage, OutboxState
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound
from storage.training import meetings, registration, schedule, structure, timetables
from storage.training.meetings import NewMeeting
from storage.training.refusals import ProgrammeCancelled
from storage.training.structure import (
    EndsFirst,
    InUse,
    NoTitle,
    OutsideClass,
    SameTime,
    Use,
)
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
    Method,
    ModuleKind,
    Phase,
    PhaseKind,
    Presence,
    Registration,
)
from storage.training.timetables import Fate, TimetableLine
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = NOW + 20 * DAY  # 2026-12-10 9:00 in Shanghai


def desk(session: Session, /, **batch: Any) -> tuple[int, int]:
    """The county's coordinator and a class of twelve days."""
    actor = make.teacher(session, "周明", at="澄禾县教师发展中心")
    roles.appoint(
        session, actor, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    made = make.batch(session, starts_at=START, ends_at=START + 12 * DAY, **batch)
    return actor, made


def meeting(title: str = "开班", start: datetime = START, **differs: Any) -> NewMeeting:
    usual: dict[str, Any] = {"title": title, "starts_at": start, "ends_at": start + 3 * HOUR}
    return NewMeeting(**usual | differs)


def in_class(session: Session, batch_id: int, name: str = "林若溪") -> int:
    someone = make.teacher(session, name)
    make.account(session, someone)
    registration.register(session, someone, batch_id, now=NOW)
    return someone


def told(session: Session) -> list[OutboxMessage]:
    return list(
        session.exec(
            select(OutboxMessage)
            .where(OutboxMessage.kind == meetings.CHANGED)
            .order_by(col(OutboxMessage.id))
        ).all()
    )


def session_deadlines(session: Session) -> dict[int, datetime]:
    return {
        row.subject_id: row.at
        for row in session.exec(
            select(Deadline).where(
                Deadline.kind == "session", Deadline.state == DeadlineState.ACTIVE
            )
        )
    }


def three_phases(session: Session, actor: int, batch_id: int) -> list[int]:
    return [
        structure.add_phase(session, actor, batch_id, kind=kind, title=title, now=NOW)
        for kind, title in (
            (PhaseKind.CONCENTRATED, "集中培训"),
            (PhaseKind.SHADOWING, "跟岗实践"),
            (PhaseKind.ONLINE, "网络研修"),
        )
    ]


async def test_a_class_has_phases_modules_and_meetings_in_their_order(database: Database) -> None:
    def build(session: Session) -> structure.Outline:
        actor, batch = desk(session)
        first, *_ = three_phases(session, actor, batch)
        structure.change_phase(
            session,
            actor,
            first,
            {"starts_at": START, "ends_at": START + 2 * DAY, "gate": True},
            now=NOW,
        )
        module = structure.add_module(
            session,
            actor,
            first,
            kind=ModuleKind.EXPERT_LEAD,
            title="专家引领",
            hours=Decimal(6),
            now=NOW,
        )
        meetings.add_meeting(session, actor, batch, meeting(), module_id=module, now=NOW)
        meetings.add_meeting(session, actor, batch, meeting("研讨", START + DAY), now=NOW)
        meetings.add_meeting(session, actor, batch, meeting("展示", START + 9 * DAY), now=NOW)
        return structure.outline(session, actor, batch, now=NOW)

    found = await database.write(build)
    assert [phase.title for phase in found.phases] == ["集中培训", "跟岗实践", "网络研修"]
    first = found.phases[0]
    assert first.gate
    assert [one.title for one in first.modules[0].meetings] == ["开班"]
    assert [one.title for one in first.meetings] == ["研讨"]  # by its day
    assert [one.title for one in found.meetings] == ["展示"]
    assert [one.title for one in found.all_meetings] == ["开班", "研讨", "展示"]
    assert (found.module_hours, found.planned_hours) == (Decimal(6), Decimal(8))
    assert not found.has_ethics


async def test_what_is_added_twice_is_there_once(database: Database) -> None:
    def twice(session: Session) -> None:
        actor, batch = desk(session)
        assert three_phases(session, actor, batch) == three_phases(session, actor, batch)
        phase = three_phases(session, actor, batch)[0]
        add = {"kind": ModuleKind.ETHICS, "title": "师德", "now": NOW}
        one = structure.add_module(session, actor, phase, **add)  # type: ignore[arg-type]
        assert structure.add_module(session, actor, phase, **add) == one  # type: ignore[arg-type]
        met = meetings.add_meeting(session, actor, batch, meeting(), now=NOW)
        assert meetings.add_meeting(session, actor, batch, meeting(), now=NOW) == met
        with pytest.raises(SameTime) as refusal:
            meetings.add_meeting(session, actor, batch, meeting("另一场"), now=NOW)
        assert (refusal.value.title, refusal.value.at) == ("开班", START)
        programme = session.exec(select(Batch.programme_id).where(Batch.id == batch)).one()
        assert structure.has_ethics(session, programme)

    await database.write(twice)


async def test_the_end_of_a_phase_is_reminded_of_where_it_now_lies(database: Database) -> None:
    actor, batch = await database.write(desk)

    def ends(session: Session) -> list[datetime]:
        found = select(Deadline.at).where(
            Deadline.kind == "phase_end", Deadline.state == DeadlineState.ACTIVE
        )
        return list(session.exec(found).all())

    async def change(**changes: Any) -> list[datetime]:
        await database.write(structure.change_phase, actor, phase, changes, now=NOW)
        return await database.read(ends)

    end = START + 4 * DAY
    facts: dict[str, Any] = {"kind": PhaseKind.CONCENTRATED, "title": "集中培训", "ends_at": end}
    phase = await database.write(structure.add_phase, actor, batch, **facts, gate=True, now=NOW)
    assert await database.read(ends) == [end]
    assert await change(ends_at=end + DAY) == [end + DAY]
    assert await change(gate=False) == []
    assert await change(gate=True) == [end + DAY]
    await database.write(structure.remove_phase, actor, phase, now=NOW)
    assert await database.read(ends) == []


async def test_a_phase_or_a_module_goes_and_its_meetings_stay(database: Database) -> None:
    def remove(session: Session) -> None:
        actor, batch = desk(session)
        first, second, third = three_phases(session, actor, batch)
        module = structure.add_module(
            session, actor, second, kind=ModuleKind.PRACTICE, title="听课", now=NOW
        )
        meetings.add_meeting(session, actor, batch, meeting(), module_id=module, now=NOW)
        for _ in range(2):
            structure.remove_phase(session, actor, second, now=NOW)
            structure.remove_module(session, actor, module, now=NOW)
        found = structure.outline(session, actor, batch, now=NOW)
        assert [phase.phase_id for phase in found.phases] == [first, third]
        assert [one.title for one in found.meetings] == ["开班"]
        structure.place_phase(session, actor, third, 1, now=NOW)
        found = structure.outline(session, actor, batch, now=NOW)
        assert [phase.phase_id for phase in found.phases] == [third, first]

    await database.write(remove)


async def test_what_does_not_fit_the_class_is_refused(database: Database) -> None:
    def refuse(session: Session) -> None:
        actor, batch = desk(session)
        phase = {"kind": PhaseKind.ONLINE, "now": NOW}
        with pytest.raises(NoTitle):
            structure.add_phase(session, actor, batch, title=" ", **phase)  # type: ignore[arg-type]
        with pytest.raises(OutsideClass):
            structure.add_phase(
                session,
                actor,
                batch,
                title="网络研修",
                starts_at=START - DAY,
                ends_at=START + DAY,
                **phase,  # type: ignore[arg-type]
            )
        with pytest.raises(EndsFirst):
            meetings.add_meeting(session, actor, batch, meeting(ends_at=START), now=NOW)
        with pytest.raises(OutsideClass):
            meetings.add_meeting(session, actor, batch, meeting(start=START + 20 * DAY), now=NOW)
        other = make.batch(session, starts_at=START, ends_at=START + DAY)
        theirs = three_phases(session, actor, other)[0]
        module = structure.add_module(
            session, actor, theirs, kind=ModuleKind.OTHER, title="别班", now=NOW
        )
        with pytest.raises(NotFound):
            meetings.add_meeting(session, actor, batch, meeting(), module_id=module, now=NOW)
        programme = session.exec(select(Batch.programme_id).where(Batch.id == batch)).one()
        schedule.cancel(session, programme, now=NOW)
        with pytest.raises(ProgrammeCancelled):
            meetings.add_meeting(session, actor, batch, meeting(), now=NOW)

    await database.write(refuse)


async def test_only_who_runs_the_class_builds_it(database: Database) -> None:
    def foreign(session: Session) -> None:
        actor, batch = desk(session)
        phase = three_phases(session, actor, batch)[0]
        met = meetings.add_meeting(session, actor, batch, meeting(), now=NOW)
        module = structure.add_module(
            session, actor, phase, kind=ModuleKind.OTHER, title="模块", now=NOW
        )
        luo = make.teacher(session, "罗佳宁")
        school = make.school(session)
        roles.appoint(session, luo, Role.SCHOOL_COORDINATOR, school, today=TODAY, now=NOW)
        for who in (luo, make.teacher(session, "何平")):
            for attempt in (
                lambda who=who: structure.outline(session, who, batch, now=NOW),
                lambda who=who: structure.add_phase(
                    session, who, batch, kind=PhaseKind.ONLINE, title="x", now=NOW
                ),
                lambda who=who: structure.change_phase(session, who, phase, {}, now=NOW),
                lambda who=who: structure.place_phase(session, who, phase, 2, now=NOW),
                lambda who=who: structure.remove_phase(session, who, phase, now=NOW),
                lambda who=who: structure.add_module(
                    session, who, phase, kind=ModuleKind.OTHER, title="x", now=NOW
                ),
                lambda who=who: structure.change_module(session, who, module, {}, now=NOW),
                lambda who=who: structure.place_module(session, who, module, 2, now=NOW),
                lambda who=who: structure.remove_module(session, who, module, now=NOW),
                lambda who=who: meetings.add_meeting(session, who, batch, meeting(), now=NOW),
                lambda who=who: meetings.change_meeting(session, who, met, {}, now=NOW),
                lambda who=who: meetings.remove_meeting(session, who, met, now=NOW),
                lambda who=who: timetables.preview(session, who, batch, (), now=NOW),
                lambda who=who: timetables.apply(session, who, batch, (), now=NOW),
            ):
                with pytest.raises(NotAllowed):
                    attempt()
        with pytest.raises(NotFound):
            structure.timetable(session, luo, batch)

    await database.write(foreign)


async def test_a_moved_meeting_moves_its_deadline_and_is_told_once(database: Database) -> None:
    def move(session: Session) -> None:
        actor, batch = desk(session)
        met = meetings.add_meeting(session, actor, batch, meeting(start=START + DAY), now=NOW)
        lin = in_class(session, batch)
        make.teacher(session, "不在班里的人")
        assert session_deadlines(session) == {met: START + DAY}
        later = {"starts_at": START + DAY + HOUR}
        assert meetings.change_meeting(session, actor, met, later, now=NOW) == 1
        assert session_deadlines(session) == {met: START + DAY + HOUR}
        (row,) = told(session)
        assert (row.teacher_id, row.state) == (lin, OutboxState.PENDING)
        # A second change before anybody was told is told in the same message.
        meetings.change_meeting(session, actor, met, {"place": "二楼"}, now=NOW)
        (row,) = told(session)
        change = meetings.changed(session, row.facts, lin)
        assert change is not None
        assert change.now is not None
        assert (change.before.starts_at, change.now.starts_at) == (
            START + DAY,
            START + DAY + HOUR,
        )
        assert change.now.place == "二楼"
        assert change.now.ends_at == START + DAY + 4 * HOUR
        # Asked a second time, and with what concerns nobody: nothing more is told.
        meetings.change_meeting(session, actor, met, {"place": "二楼"}, now=NOW)
        meetings.change_meeting(session, actor, met, {"title": "开班仪式"}, now=NOW)
        assert len(told(session)) == 1
        row.state = OutboxState.SENT
        session.add(row)
        session.flush()
        meetings.change_meeting(session, actor, met, {"place": "三楼"}, now=NOW)
        assert len(told(session)) == 2

    await database.write(move)


async def test_a_meeting_moved_back_is_not_told_at_all(database: Database) -> None:
    def back(session: Session) -> None:
        actor, batch = desk(session)
        met = meetings.add_meeting(session, actor, batch, meeting(start=START + DAY), now=NOW)
        lin = in_class(session, batch)
        for start in (START + 2 * DAY, START + DAY):
            meetings.change_meeting(session, actor, met, {"starts_at": start}, now=NOW)
        (row,) = told(session)
        assert meetings.changed(session, row.facts, lin) is None

    await database.write(back)


async def test_a_meeting_that_is_taken_away_is_told_and_reminds_of_nothing(
    database: Database,
) -> None:
    def remove(session: Session) -> None:
        actor, batch = desk(session)
        met = meetings.add_meeting(session, actor, batch, meeting(start=START + DAY), now=NOW)
        lin = in_class(session, batch)
        meetings.change_meeting(session, actor, met, {"place": "二楼"}, now=NOW)
        for _ in range(2):
            meetings.remove_meeting(session, actor, met, now=NOW)
        assert session_deadlines(session) == {}
        # The number may be given out again; what was told is still about the one that went.
        meetings.add_meeting(session, actor, batch, meeting("另一场", START + 3 * DAY), now=NOW)
        (row,) = told(session)
        change = meetings.changed(session, row.facts, lin)
        assert change is not None
        assert change.now is None
        registration.withdraw(session, lin, batch, now=NOW)
        assert meetings.changed(session, row.facts, lin) is None

    await database.write(remove)


async def test_a_draft_is_changed_without_telling_anybody(sqlite: Database) -> None:
    def change(session: Session) -> None:
        actor, batch = desk(session, programme={"state": "draft"})
        met = meetings.add_meeting(session, actor, batch, meeting(start=START + DAY), now=NOW)
        meetings.change_meeting(session, actor, met, {"place": "二楼"}, now=NOW)
        assert told(session) == []
        assert session_deadlines(session) == {}

    await sqlite.write(change)


async def test_a_meeting_with_attendance_stays(database: Database) -> None:
    def attend(session: Session) -> None:
        actor, batch = desk(session)
        line = TimetableLine(START + DAY, START + DAY + HOUR, "讲座")
        applied = timetables.apply(session, actor, batch, [line], now=NOW)
        lin = in_class(session, batch)
        mine = session.exec(select(Registration.id).where(Registration.teacher_id == lin)).one()
        met = session.exec(select(ClassSession.id)).one()
        session.add(
            Attendance(
                session_id=met,
                registration_id=mine,
                state=Presence.PRESENT,
                method=Method.COORDINATOR,
                at=NOW,
            )
        )
        session.flush()
        with pytest.raises(InUse) as refusal:
            meetings.remove_meeting(session, actor, met, now=NOW)
        assert (refusal.value.use, refusal.value.people) == (Use.ATTENDANCE, 1)
        with pytest.raises(InUse):
            meetings.change_meeting(session, actor, met, {"starts_at": START}, now=NOW)
        meetings.change_meeting(session, actor, met, {"title": "名师讲座"}, now=NOW)
        assert timetables.preview(session, actor, batch, [line], now=NOW) == (Fate.IN_USE,)
        assert applied.deed_id is not None
        with pytest.raises(ChangedSince):
            undoing.undo(session, actor, applied.deed_id, now=NOW)

    await database.write(attend)


def lines() -> list[TimetableLine]:
    return [
        TimetableLine(START, START + HOUR, "开班", "报告厅", ("陈老师",)),
        TimetableLine(START + DAY, START + DAY + HOUR, "讲座"),
        TimetableLine(START + DAY, START + DAY + 2 * HOUR, "同时的"),
        TimetableLine(START + 30 * DAY, START + 30 * DAY + HOUR, "太晚"),
        TimetableLine(START + 2 * DAY, START + 2 * DAY, "没有长度"),
    ]


async def test_a_timetable_is_put_in_once_and_can_be_undone(database: Database) -> None:
    def put(session: Session) -> None:
        actor, batch = desk(session)
        lin = in_class(session, batch)
        old = meetings.add_meeting(
            session, actor, batch, meeting("旧讲座", START + DAY, place="一楼"), now=NOW
        )
        before = structure.outline(session, actor, batch, now=NOW).all_meetings
        fates = timetables.preview(session, actor, batch, lines(), now=NOW)
        assert fates == (Fate.NEW, Fate.CHANGED, Fate.TWICE, Fate.OUTSIDE, Fate.ENDS_FIRST)
        done = timetables.apply(session, actor, batch, lines(), now=NOW)
        assert (done.new, done.changed, done.same, done.left, done.told) == (1, 1, 0, 3, 1)
        assert {row.facts["session_id"] for row in told(session)} == {old}
        again = timetables.apply(session, actor, batch, lines(), now=NOW)
        assert (again.deed_id, again.new, again.changed, again.same) == (None, 0, 0, 2)
        found = structure.outline(session, actor, batch, now=NOW).all_meetings
        assert [(one.title, one.place) for one in found] == [("开班", "报告厅"), ("讲座", "一楼")]
        assert found[0].trainers == ("陈老师",)
        assert session_deadlines(session) == {old: START + DAY}  # the first is the start
        assert done.deed_id is not None
        assert undoing.undo(session, actor, done.deed_id, now=NOW)
        assert not undoing.undo(session, actor, done.deed_id, now=NOW)
        assert structure.outline(session, actor, batch, now=NOW).all_meetings == before
        # Nobody was told of the meeting that was added, so nobody is told that it is gone.
        assert {row.facts["session_id"] for row in told(session)} == {old}
        # Whoever had not been told of the change is told nothing: it is as it was.
        assert all(
            meetings.changed(session, row.facts, lin) is None
            for row in told(session)
            if row.facts["session_id"] == old
        )
        late = timetables.apply(session, actor, batch, lines(), now=NOW)
        assert late.deed_id is not None
        with pytest.raises(TooLateToUndo):
            undoing.undo(session, actor, late.deed_id, now=NOW + 2 * DAY)

    await database.write(put)


async def test_a_timetable_that_somebody_worked_on_with_is_not_undone(sqlite: Database) -> None:
    def change(session: Session) -> tuple[int, int]:
        actor, batch = desk(session)
        done = timetables.apply(session, actor, batch, lines()[:2], now=NOW)
        met = structure.outline(session, actor, batch, now=NOW).all_meetings[0]
        meetings.change_meeting(session, actor, met.session_id, {"title": "换了"}, now=NOW)
        assert done.deed_id is not None
        return actor, done.deed_id

    actor, deed_id = await sqlite.write(change)
    with pytest.raises(ChangedSince):
        await sqlite.write(undoing.undo, actor, deed_id, now=NOW)
    kept = await sqlite.read(lambda s: s.exec(select(ClassSession)).all())
    assert len(kept) == 2


async def test_every_change_leaves_a_line_in_the_log(sqlite: Database) -> None:
    def build(session: Session) -> list[str]:
        actor, batch = desk(session)
        phase = three_phases(session, actor, batch)[0]
        structure.change_phase(session, actor, phase, {"title": "集中"}, now=NOW)
        structure.change_phase(session, actor, phase, {"title": "集中"}, now=NOW)
        met = meetings.add_meeting(session, actor, batch, meeting(), now=NOW)
        meetings.remove_meeting(session, actor, met, now=NOW)
        return [line.action for line in session.exec(select(AuditLog).order_by(col(AuditLog.id)))]

    actions = await sqlite.write(build)
    assert actions[-6:] == [*["add_phase"] * 3, "change_phase", "add_meeting", "remove_meeting"]


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 8)), max_size=12))
def test_whatever_is_reordered_every_phase_has_a_place_of_its_own(
    sqlite: Database, moves: list[tuple[int, int]]
) -> None:
    def history(session: Session) -> None:
        actor, batch = desk(session)
        phases = [
            structure.add_phase(
                session, actor, batch, kind=PhaseKind.PRACTICE, title=f"第{n}段", now=NOW
            )
            for n in range(5)
        ]
        there = list(phases)
        for which, position in moves:
            phase = phases[which % 5]
            if which >= 5 and phase in there:
                structure.remove_phase(session, actor, phase, now=NOW)
                there.remove(phase)
            elif phase in there:
                structure.place_phase(session, actor, phase, position, now=NOW)
                there.remove(phase)
                there.insert(min(max(1, position), len(there) + 1) - 1, phase)
        rows = session.exec(select(Phase).order_by(col(Phase.position))).all()
        assert [row.id for row in rows] == there
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(history)
