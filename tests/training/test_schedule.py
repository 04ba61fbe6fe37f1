"""Deadlines follow the dates of a batch; who still owes them is asked of the rows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
)
from storage.people.tables import Role
from storage.refusals import NotFound
from storage.training import interest, owing, registration, schedule, waiting
from storage.training.refusals import OfferGone, ProgrammeCancelled
from storage.training.tables import (
    Batch,
    ClassSession,
    Enrolment,
    Mode,
    OfferState,
    Phase,
    PhaseKind,
    Registration,
    RegistrationState,
    SeatOffer,
    WorkState,
)
from tests import make
from tests.make import NOW
from tests.training import classes
from tests.training.meeting_makers import appointed, class_teacher

DAY = timedelta(days=1)


def active(session: Session, of: str = "") -> dict[tuple[str, int], datetime]:
    """All but those for whoever decides and teaches, which every class has; or of one kind."""
    return {
        (x.kind, x.subject_id): x.at
        for x in session.exec(select(Deadline).where(Deadline.state == DeadlineState.ACTIVE))
        if (x.kind == of if of else x.kind not in ("grade_due", "session_lead"))
    }


def meet(session: Session, batch_id: int, start: datetime) -> int:
    row = ClassSession(
        batch_id=batch_id, title="集中", starts_at=start, ends_at=start + timedelta(hours=3)
    )
    session.add(row)
    session.flush()
    return row.id


def programme_of(session: Session, batch_id: int) -> int:
    return session.exec(select(Batch.programme_id).where(Batch.id == batch_id)).one()


def who(session: Session, /, kind: str, subject_id: int, **only: Any) -> set[int]:
    owes = owing.owes(session, kind, subject_id, now=NOW, **only)
    assert owes is not None
    return set(session.connection().execute(owes).scalars())


async def test_a_face_to_face_batch_has_its_registration_start_and_meetings(
    database: Database,
) -> None:
    start = NOW + 20 * DAY
    batch = await database.write(make.batch, reg_open=NOW + DAY, starts_at=start)
    await database.write(meet, batch, start)
    second = await database.write(meet, batch, start + DAY)
    for _ in range(2):
        await database.write(schedule.plan_deadlines, batch, now=NOW)
    assert await database.read(active) == {
        ("reg_open", batch): NOW + DAY,
        ("reg_close", batch): NOW + 10 * DAY,
        ("batch_start", batch): start,
        ("session", second): start + DAY,
    }


async def test_remote_training_starts_and_ends_and_what_is_over_is_not_planned(
    database: Database,
) -> None:
    programme = {"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC}
    batch = await database.write(
        make.batch, programme=programme, starts_at=NOW - DAY, ends_at=NOW + 28 * DAY
    )
    await database.write(schedule.plan_deadlines, batch, now=NOW)
    assert await database.read(active) == {("remote_end", batch): NOW + 28 * DAY}


async def test_a_moved_batch_moves_its_meetings_deadlines_and_offers(
    database: Database,
) -> None:
    start = NOW + 20 * DAY
    batch = await database.write(make.batch, seats=1, starts_at=start, ends_at=start + 2 * DAY)
    await database.write(meet, batch, start)
    second = await database.write(meet, batch, start + DAY)
    await database.write(schedule.plan_deadlines, batch, now=NOW)
    moved = await database.write(schedule.move, batch, now=NOW, starts_at=start + DAY)
    assert (moved.starts_at, moved.ends_at, moved.revision) == (start + DAY, start + 3 * DAY, 1)
    deadlines = await database.read(active)
    assert deadlines["batch_start", batch] == start + DAY
    assert deadlines["session", second] == start + 2 * DAY
    again = await database.write(schedule.move, batch, now=NOW, starts_at=start + DAY)
    assert again.revision == 1
    (line,) = await database.read(lambda s: s.exec(select(AuditLog)).all())
    assert (line.action, line.before and line.before["starts_at"]) == (
        "move_batch",
        start.isoformat(),
    )


async def test_an_offer_is_shortened_when_the_start_comes_nearer(database: Database) -> None:
    batch = await database.write(make.batch, seats=1)
    people = [await database.write(make.teacher) for _ in range(2)]
    for someone in people:
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    soon = NOW + timedelta(hours=5)
    await database.write(schedule.move, batch, now=NOW, starts_at=soon)
    offer = await database.read(lambda s: s.exec(select(SeatOffer)).one())
    assert offer.lapses_at == soon
    assert (await database.read(active))["offer", offer.id] == soon


async def test_a_batch_does_not_end_before_it_starts(sqlite: Database) -> None:
    batch = await sqlite.write(make.batch)
    with pytest.raises(schedule.NotInOrder):
        await sqlite.write(schedule.move, batch, now=NOW, ends_at=NOW)
    with pytest.raises(NotFound):
        await sqlite.write(schedule.move, 999, now=NOW)


async def test_cancelling_tells_everybody_once_and_reminds_nobody(database: Database) -> None:
    batch = await database.write(make.batch, seats=2)
    people = [await database.write(make.teacher) for _ in range(4)]
    for someone in people:
        await database.write(make.account, someone)
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    await database.write(schedule.plan_deadlines, batch, now=NOW)
    offer = await database.read(lambda s: s.exec(select(SeatOffer)).one())
    programme = await database.read(programme_of, batch)
    done = await database.write(schedule.cancel, programme, now=NOW, reason="场地停用")
    assert (done.offers, done.told) == (1, 3)
    again = await database.write(schedule.cancel, programme, now=NOW)
    assert (again.offers, again.told) == (0, 0)
    assert await database.read(active) == {}
    told = await database.read(
        lambda s: s.exec(
            select(OutboxMessage)
            .where(OutboxMessage.kind == "cancelled")
            .order_by(col(OutboxMessage.teacher_id))
        ).all()
    )
    assert [x.teacher_id for x in told] == people[1:]
    assert {x.state for x in told} == {OutboxState.PENDING}
    assert told[0].facts["title"] == "作业设计专题培训"
    with pytest.raises(OfferGone) as refusal:
        await database.write(waiting.accept, people[2], offer.id, now=NOW)
    assert refusal.value.state is OfferState.REVOKED
    with pytest.raises(ProgrammeCancelled):
        await database.write(schedule.move, batch, now=NOW, ends_at=NOW + 90 * DAY)


async def test_who_owes_each_kind(database: Database) -> None:
    batch = await database.write(make.batch, seats=1, audience={"subject": ["语文"]})
    session_id = await database.write(meet, batch, NOW + 20 * DAY)
    amina, bruno, chen, other = [
        await database.write(make.teacher, subject=subject)
        for subject in ("语文", "语文", "语文", "数学")
    ]
    for someone in (amina, chen):
        await database.write(interest.follow, someone, batch, now=NOW)
    assert await database.read(who, "reg_open", batch) == {amina, bruno, chen}
    await database.write(registration.register, amina, batch, now=NOW)
    await database.write(registration.register, bruno, batch, now=NOW)
    assert await database.read(who, "reg_open", batch) == {chen}
    assert await database.read(who, "reg_close", batch) == {chen}
    for kind, subject in (
        ("batch_start", batch),
        ("session", session_id),
        ("remote_start", batch),
        ("remote_end", batch),
    ):
        assert await database.read(who, kind, subject) == {amina}
        assert await database.read(who, kind, subject, teacher_id=amina) == {amina}
        assert await database.read(who, kind, subject, teacher_id=bruno) == set()
    await database.write(registration.withdraw, amina, batch, now=NOW)
    offer = await database.read(lambda s: s.exec(select(SeatOffer)).one())
    assert await database.read(who, "offer", offer.id) == {bruno}
    assert await database.read(who, "offer", offer.id, teacher_id=other) == set()
    await database.write(waiting.accept, bruno, offer.id, now=NOW)
    assert await database.read(who, "offer", offer.id) == set()
    assert await database.read(who, "batch_start", batch) == {bruno}


async def test_who_has_finished_or_whose_programme_is_cancelled_owes_nothing(
    database: Database,
) -> None:
    batch = await database.write(make.batch)
    amina, bruno = [await database.write(make.teacher) for _ in range(2)]
    for someone in (amina, bruno):
        await database.write(registration.register, someone, batch, now=NOW)

    def completes(session: Session) -> None:
        row = session.exec(select(Registration).where(Registration.teacher_id == amina)).one()
        row.state = RegistrationState.COMPLETED

    await database.write(completes)
    assert await database.read(who, "remote_end", batch) == {bruno}
    programme = await database.read(programme_of, batch)
    await database.write(schedule.cancel, programme, now=NOW)
    for kind in ("reg_open", "reg_close", "batch_start", "remote_end"):
        assert await database.read(who, kind, batch) == set()


async def test_a_kind_of_another_wing_is_not_ours(sqlite: Database) -> None:
    assert await sqlite.read(owing.owes, "entry_close", 1, now=NOW) is None
    assert await sqlite.read(who, "reg_open", 999) == set()


async def test_whoever_teaches_or_helps_is_reminded_as_long_as_there_is_need(
    database: Database,
) -> None:
    batch = await database.write(make.batch, starts_at=NOW + 20 * DAY)
    named = await database.write(meet, batch, NOW + 20 * DAY)
    unnamed = await database.write(meet, batch, NOW + 21 * DAY)
    host = await database.write(make.school, "城东小学")

    def people(session: Session) -> tuple[int, int, int, int]:
        first = class_teacher(session, batch, "罗静", role=Role.TUTOR)
        second = class_teacher(session, batch, "罗佳", role=Role.TUTOR)
        session.get_one(ClassSession, named).trainers = ["罗静老师", "王教授"]
        hosts = make.teacher(session, "南校管", at="城东小学")
        appointed(session, hosts, Role.SCHOOL_COORDINATOR, host)
        (in_class,) = classes.people_in(session, batch, 1)
        return first, second, hosts, in_class

    first, second, hosts, in_class = await database.write(people)
    assert await database.read(who, "session_lead", named) == {first}
    assert await database.read(who, "session_lead", unnamed) == {first, second}
    assert await database.read(who, "session_lead", unnamed, teacher_id=hosts) == set()

    def stretch(session: Session) -> int:
        row = Phase(
            batch_id=batch,
            position=1,
            kind=PhaseKind.SHADOWING,
            title="跟岗",
            ends_at=NOW + 21 * DAY,
            host_unit_id=host,
            gate=True,
        )
        session.add(row)
        session.flush()
        return row.id

    phase = await database.write(stretch)
    task = await database.write(classes.task, batch)
    await database.write(schedule.plan_deadlines, batch, now=NOW)
    planned = await database.read(active)
    assert planned["phase_help", phase] == NOW + 21 * DAY
    assert ("review_due", batch) in planned
    lead = {key[1] for key in await database.read(active, of="session_lead")}
    assert lead == {named, unnamed}
    assert await database.read(who, "phase_help", phase) == {first, second, hosts}
    assert await database.read(who, "review_due", batch) == set()

    await database.write(classes.hands_in, in_class, task, WorkState.SUBMITTED)
    assert await database.read(who, "review_due", batch) == {first, second}
    await database.write(schedule.cancel, await database.read(programme_of, batch), now=NOW)
    for kind, subject in (("session_lead", named), ("phase_help", phase), ("review_due", batch)):
        assert await database.read(who, kind, subject) == set()


async def test_nothing_is_said_of_a_close_before_it_can_be_met(database: Database) -> None:
    opens = NOW + 10 * DAY - timedelta(hours=1)  # Monday at eight, when a step is due
    batch = await database.write(make.batch, reg_open=opens, reg_close=NOW + 13 * DAY)
    await database.write(schedule.plan_deadlines, batch, now=NOW)

    def due(session: Session) -> list[datetime]:
        found = (
            select(DeadlineStep.due_at)
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(Deadline.kind == "reg_close", DeadlineStep.level == Level.TEACHER)
        )
        return list(session.exec(found).all())

    found = await database.read(due)
    assert found
    assert all(moment >= opens for moment in found)
