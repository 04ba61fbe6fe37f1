"""Gates between the stretches of a class, and the school that receives people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from storage import kinds
from storage.database import Database
from storage.messaging import deadlines
from storage.messaging.tables import Deadline, DeadlineState, OutboxMessage
from storage.people import roles
from storage.people.tables import ImportJob, Role
from storage.training import schedule, shadowing, staffing, structure, subjects
from storage.training.remote.tables import (
    Measure,
    Progress,
    ProgressImport,
    ProgressItem,
    StudyClaim,
)
from storage.training.tables import (
    ClassSession,
    Mode,
    ModuleKind,
    PhaseKind,
    Presence,
    Registration,
    Task,
    WorkState,
)
from tests import make
from tests.make import NOW
from tests.stage import Stage
from tests.training import classes, desk
from tests.training.test_structure import TODAY

DAY = timedelta(days=1)
START = NOW + 10 * DAY
HOST = "澄禾县第一中学"


class Blended:
    """A class of three stretches, the first with a gate: ten days together, at a school, remote."""

    def __init__(self, session: Session, people: int = 3) -> None:
        self.session = session
        self.county = desk.county_coordinator(session)
        self.batch_id = make.batch(
            session,
            "骨干教师培训",
            programme={"mode": Mode.BLENDED, "attendance_min": 0.8},
            starts_at=START,
            ends_at=START + 60 * DAY,
        )
        self.host_id = make.school(session, HOST)
        self.first, self.second, self.third = (
            structure.add_phase(session, self.county, self.batch_id, now=NOW, **part)
            for part in (
                self._part(PhaseKind.CONCENTRATED, "集中培训", 0, 10) | {"gate": True},
                self._part(PhaseKind.SHADOWING, "跟岗实践", 10, 20)
                | {"host_unit_id": self.host_id},
                self._part(PhaseKind.ONLINE, "网络研修", 20, 60),
            )
        )
        self.people = classes.people_in(session, self.batch_id, people)

    @staticmethod
    def _part(kind: PhaseKind, title: str, first: int, last: int) -> dict[str, Any]:
        return {
            "kind": kind,
            "title": title,
            "starts_at": START + first * DAY,
            "ends_at": START + last * DAY,
        }

    def module(self, phase_id: int) -> int:
        return structure.add_module(
            self.session, self.county, phase_id, kind=ModuleKind.PRACTICE, title="模块", now=NOW
        )

    def task(self, phase_id: int, due: timedelta) -> int:
        row = Task(
            batch_id=self.batch_id,
            module_id=self.module(phase_id),
            title="作业",
            due_at=START + due,
        )
        self.session.add(row)
        self.session.flush()
        return row.id

    def owes(self, kind: str, subject_id: int, at: datetime) -> set[int]:
        found = kinds.owes(self.session, kind, subject_id, now=at)
        return {row[0] for row in self.session.exec(found).all()}

    def teacher(self, number: int) -> int:
        return self.session.get_one(Registration, self.people[number]).teacher_id


CLOSED = START + 11 * DAY


async def test_who_has_not_handed_in_is_told_and_does_not_owe_what_follows(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        it = Blended(session)
        gate_work = it.task(it.first, 9 * DAY)
        later = it.task(it.second, 19 * DAY)
        classes.hands_in(session, it.people[0], gate_work, WorkState.SUBMITTED)
        classes.hands_in(session, it.people[1], gate_work, WorkState.RETURNED)
        everybody = {it.teacher(n) for n in range(3)}
        # What one has handed in, only that one has.
        assert it.owes("phase_end", it.first, START) == {it.teacher(1), it.teacher(2)}
        # Before the gate closes nobody is held back.
        assert it.owes("gate", it.first, START) == set()
        assert it.owes("task_due", later, START) == everybody
        assert it.owes("gate", it.first, CLOSED) == {it.teacher(1), it.teacher(2)}
        assert it.owes("task_due", later, CLOSED) == {it.teacher(0)}
        assert it.owes("phase_end", it.second, CLOSED) == {it.teacher(0)}
        # What is handed in late opens the gate.
        classes.hands_in(session, it.people[2], gate_work, WorkState.SUBMITTED)
        assert it.owes("gate", it.first, CLOSED) == {it.teacher(1)}
        # So does more time that somebody was given.
        own = START + 15 * DAY
        deadlines.set_deadline(
            session, "phase_end", it.first, own, now=NOW, teacher_id=it.teacher(1)
        )
        assert it.owes("gate", it.first, CLOSED) == set()
        assert it.owes("gate", it.first, own + DAY) == {it.teacher(1)}

    await database.write(work)


async def test_a_gate_counts_meetings_missed_and_only_where_attendance_was_taken(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        it = Blended(session)
        meetings = classes.meetings(session, it.batch_id, 5)  # in the first stretch, by their days
        classes.attends(session, it.people[0], meetings[:2], Presence.ABSENT)
        classes.attends(session, it.people[1], meetings[:1], Presence.ABSENT)
        classes.attends(session, it.people[2], meetings[:3], Presence.LEAVE)
        assert it.owes("gate", it.first, CLOSED) == set()  # nothing has been settled
        for row in session.exec(select(ClassSession)).all():
            row.settled_at = CLOSED
        session.flush()
        assert it.owes("gate", it.first, CLOSED) == {it.teacher(0)}

    await database.write(work)


async def test_a_gate_of_remote_study_holds_nobody_back_on_old_figures(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session)
        structure.change_phase(session, it.county, it.first, {"kind": PhaseKind.ONLINE}, now=NOW)
        item = ProgressItem(
            batch_id=it.batch_id,
            position=1,
            kind="watch_minutes",
            title="课程",
            measure=Measure.MINUTES,
            required=90,
        )
        job = ImportJob(
            kind="progress", by_id=it.county, at=NOW, file_name="a.xlsx", sha256="a", content=b""
        )
        session.add_all([item, job])
        session.flush()
        imported = ProgressImport(
            batch_id=it.batch_id,
            job_id=job.id,
            by_id=it.county,
            as_of=START + 5 * DAY,
            applied_at=START + 5 * DAY,
            rows=3,
            matched=3,
        )
        session.add(imported)
        session.flush()
        for number, minutes in enumerate((90.0, 89.0)):
            session.add(
                Progress(
                    registration_id=it.people[number],
                    batch_id=it.batch_id,
                    import_id=imported.id,
                    as_of=imported.as_of,
                    figures={str(item.id): minutes},
                    percent=minutes / 0.9,
                    is_started=True,
                    is_learned=minutes >= 90,
                )
            )
        session.flush()
        assert it.owes("gate", it.first, CLOSED) == set()
        imported.as_of = START + 10 * DAY
        session.flush()
        assert it.owes("gate", it.first, CLOSED) == {it.teacher(1), it.teacher(2)}
        session.add(StudyClaim(registration_id=it.people[2], submitted_at=CLOSED))
        session.flush()
        assert it.owes("gate", it.first, CLOSED) == {it.teacher(1)}

    await database.write(work)


def active(session: Session) -> dict[tuple[str, int], datetime]:
    rows = session.exec(
        select(Deadline).where(Deadline.state == DeadlineState.ACTIVE, Deadline.subject_id > 0)
    ).all()
    return {(row.kind, row.subject_id): row.at for row in rows if row.kind in schedule.OF_PHASE}


async def test_the_deadlines_of_a_stretch_follow_its_changes(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session)
        end, begin = START + 10 * DAY, START + 10 * DAY
        usual = {
            ("phase_end", it.first): end,
            ("phase_help", it.first): end,
            ("gate", it.first): end,
            ("shadowing", it.second): begin,
        }
        assert active(session) == usual
        structure.change_phase(session, it.county, it.third, {"gate": True}, now=NOW)
        last = START + 60 * DAY
        # Behind the last stretch nothing lies from which anybody could be held back.
        closes = {("phase_end", it.third): last, ("phase_help", it.third): last}
        assert active(session) == usual | closes
        structure.change_phase(session, it.county, it.second, {"host_unit_id": None}, now=NOW)
        structure.remove_phase(session, it.county, it.first, now=NOW)
        assert active(session) == closes

    await database.write(work)


async def test_the_host_school_and_the_tutors_hear_who_comes(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session)
        host = make.teacher(session, "傅文岳", at=HOST)
        roles.appoint(session, host, Role.PRINCIPAL, it.host_id, today=TODAY, now=NOW)
        tutor = make.teacher(session, "梁素问", at="教研室")
        staffing.appoint(session, it.county, it.batch_id, tutor, Role.TUTOR, now=NOW)
        assert it.owes("shadowing", it.second, NOW) == {host, tutor}
        said = subjects.describe(session, "shadowing", it.second)
        assert (said.place, said.people, said.at) == (HOST, 3, START + 10 * DAY)
        assert said.ends_at == START + 20 * DAY
        assert it.owes("shadowing", it.first, NOW) == set()  # it has no host

    await database.write(work)


async def test_nobody_is_received_where_nobody_takes_part(sqlite: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=0)
        host = make.teacher(session, "傅文岳", at=HOST)
        roles.appoint(session, host, Role.PRINCIPAL, it.host_id, today=TODAY, now=NOW)
        assert it.owes("shadowing", it.second, NOW) == set()

    await sqlite.write(work)


async def test_another_host_is_told_once_however_often_it_changes(database: Database) -> None:
    def work(session: Session) -> None:
        it = Blended(session, people=2)
        for number in range(2):
            make.account(session, it.teacher(number))
        other, third = make.school(session, "二中"), make.school(session, "三中")
        for host in (other, third):
            structure.change_phase(session, it.county, it.second, {"host_unit_id": host}, now=NOW)
        rows = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == shadowing.CHANGED)
        ).all()
        assert {row.teacher_id for row in rows} == {it.teacher(0), it.teacher(1)}
        assert len(rows) == 2
        said = shadowing.moved(session, rows[0].facts, it.teacher(0))
        assert said is not None
        assert (said.before.host, said.now.host) == (HOST, "三中")
        structure.change_phase(session, it.county, it.second, {"host_unit_id": it.host_id}, now=NOW)
        assert shadowing.moved(session, rows[0].facts, it.teacher(0)) is None

    await database.write(work)


async def test_people_read_where_they_go_and_why_they_wait(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")

    def begun(session: Session) -> Blended:
        it = Blended(session, people=0)
        assert lin.teacher_id is not None
        classes.joins(session, it.batch_id, lin.teacher_id)
        it.task(it.first, 9 * DAY)
        schedule.plan_deadlines(session, it.batch_id, now=NOW)
        other = make.school(session, "澄禾县第二中学")
        structure.change_phase(session, it.county, it.second, {"host_unit_id": other}, now=NOW)
        return it

    await stage.database.write(begun)
    await stage.passes(minutes=2)
    assert "New place: 澄禾县第二中学 (it was 澄禾县第一中学)" in lin.sees()
    rung = len(lin.messages())
    await stage.passes(hours=2)
    assert len(lin.messages()) == rung
    texts = []
    await stage.passes(days=18)
    for _quarter in range(28):  # three messages a week are enough: this one is of the next
        await stage.passes(hours=6)
        texts += [message.text for message in lin.messages()]
    assert any("begins for you once that is made good" in text for text in texts)
