"""The life of a programme: draft, published, paused, resumed, cancelled, finished."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.calendar.tables import CalendarDay, DayKind
from storage.database import Database
from storage.messaging import sweeping
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    OutboxMessage,
)
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound
from storage.training import (
    making,
    programmes,
    publishing,
    registration,
    runs,
    staffing,
    template,
    waiting,
)
from storage.training.programmes import BatchState
from storage.training.publishing import Check, NotReady, NotUnderWay, StillRunning
from storage.training.refusals import (
    ProgrammeCancelled,
    ProgrammePaused,
    RegistrationClosed,
)
from storage.training.runs import Which
from storage.training.tables import (
    Batch,
    Enrolment,
    Level,
    Programme,
    ProgrammeState,
    RegistrationState,
    SeatOffer,
)
from tests import make
from tests.make import NOW
from tests.training import desk

DAY = timedelta(days=1)
SOON = NOW + timedelta(minutes=2)


def active(session: Session, /) -> set[str]:
    rows = session.exec(select(Deadline.kind).where(Deadline.state == DeadlineState.ACTIVE))
    return set(rows.all())


def state_of(session: Session, batch_id: int, /) -> ProgrammeState:
    return session.exec(
        select(col(Programme.state))
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).one()


def outbox_of(session: Session, kind: str, /) -> list[OutboxMessage]:
    return list(
        session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(col(OutboxMessage.id))
        ).all()
    )


async def test_publishing_plans_the_deadlines_and_opens_with_the_next_minute(
    database: Database,
) -> None:
    gu = await database.write(desk.county_coordinator)
    made = await database.write(desk.draft, gu)
    lin = await database.write(make.teacher)
    with pytest.raises(NotFound):  # a draft is nobody's business
        await database.read(programmes.card, made.batch_id, lin, now=NOW)
    with pytest.raises(NotFound):
        await database.write(registration.register, lin, made.batch_id, now=NOW)
    assert await database.read(active) == set()
    done = await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    assert (done.is_new, done.people, done.enrolled) == (True, 2, 0)
    assert await database.read(active) == {
        "reg_open",
        "reg_close",
        "batch_start",
        "grade_due",
    }
    card = await database.read(programmes.card, made.batch_id, lin, now=SOON)
    assert card.state is BatchState.OPEN
    assert card.reg_open == NOW + timedelta(minutes=1)
    again = await database.write(publishing.publish, gu, made.batch_id, now=SOON)
    assert not again.is_new
    outcome = await database.write(registration.register, lin, made.batch_id, now=SOON)
    assert outcome.state is RegistrationState.APPROVED


async def test_what_everybody_concerned_is_in_enrols_them_on_publishing(
    database: Database,
) -> None:
    gu = await database.write(desk.county_coordinator)
    for stage in ("primary", "primary", "senior"):
        await database.write(make.teacher, stage=stage)
    made = await database.write(
        desk.draft, gu, enrolment=Enrolment.AUTOMATIC, audience={"stage": ["senior"]}, seats=None
    )
    done = await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    assert (done.people, done.enrolled) == (1, 1)


def with_holiday(session: Session, /) -> None:
    session.add(CalendarDay(day=date(2026, 12, 10), kind=DayKind.HOLIDAY))


async def test_hours_that_do_not_fit_into_the_days_are_remarked(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu, hours=Decimal(1000))
    ready = await sqlite.read(publishing.readiness, gu, made.batch_id, now=NOW)
    assert ready.is_ready
    assert Check.MANY_HOURS in {finding.check for finding in ready.findings}


async def test_the_check_list_says_what_is_missing_and_what_stands_in_the_way(
    sqlite: Database,
) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    await sqlite.write(with_holiday)
    made = await sqlite.write(desk.draft, gu, place="", hours=Decimal(0))
    ready = await sqlite.read(publishing.readiness, gu, made.batch_id, now=NOW)
    assert ready.is_ready
    assert {finding.check for finding in ready.findings} == {
        Check.NO_HOURS,
        Check.NO_PLACE,
        Check.NO_ETHICS,
        Check.MORE_SEATS,
        Check.DAYS_OFF,
    }
    (off,) = [x.days for x in ready.findings if x.check is Check.DAYS_OFF]
    assert off == (date(2026, 12, 10),)
    nobody = await sqlite.write(desk.draft, gu, audience={"subject": ["拉丁语"]})
    past = await sqlite.write(
        desk.draft, gu, starts_at=NOW - 2 * DAY, ends_at=NOW - DAY, reg_close=NOW - 2 * DAY
    )
    for batch_id, check in ((nobody.batch_id, Check.NOBODY), (past.batch_id, Check.OVER)):
        with pytest.raises(NotReady) as refusal:
            await sqlite.write(publishing.publish, gu, batch_id, now=NOW)
        assert check in refusal.value.checks
        assert await sqlite.read(state_of, batch_id) is ProgrammeState.DRAFT


async def test_every_template_but_two_has_an_ethics_module(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    without = {"kg_cert_prep", "outreach"}
    assert len(template.templates()) == 18
    for usual in template.templates():
        made = await sqlite.write(
            desk.draft,
            gu,
            title=usual.title.said("zh_Hans", 2026),
            category=usual.category,
            mode=usual.mode,
            enrolment=usual.enrolment,
            level=Level.COUNTY if usual.level is Level.SCHOOL else usual.level,
            audience=usual.audience_of(2026),
            template=usual.key,
        )
        ready = await sqlite.read(publishing.readiness, gu, made.batch_id, now=NOW)
        lacks = Check.NO_ETHICS in {finding.check for finding in ready.findings}
        assert lacks == (usual.key in without) == (not usual.has_ethics)


async def test_a_pause_stops_registration_and_reminders_and_what_it_cost_is_reported(
    database: Database,
) -> None:
    gu = await database.write(desk.county_coordinator)
    made = await database.write(desk.draft, gu, seats=1, starts_at=NOW + 4 * DAY)
    batch_id = made.batch_id
    people = [await database.write(make.teacher) for _ in range(3)]
    for someone in people:
        await database.write(make.account, someone)
    await database.write(publishing.publish, gu, batch_id, now=NOW)
    for someone in people[:2]:
        await database.write(registration.register, someone, batch_id, now=SOON)
    await database.write(registration.withdraw, people[0], batch_id, now=SOON)
    offer = await database.read(lambda s: s.exec(select(SeatOffer)).one())
    for _ in range(2):
        await database.write(publishing.pause, gu, batch_id, now=SOON)
    assert await database.read(active) == set()
    with pytest.raises(ProgrammePaused):
        await database.write(registration.register, people[2], batch_id, now=SOON)
    with pytest.raises(ProgrammePaused):
        await database.write(waiting.accept, people[1], offer.id, now=SOON)
    card = await database.read(programmes.card, batch_id, people[2], now=SOON)
    assert (card.state, card.can_register) == (BatchState.PAUSED, False)
    later = SOON + timedelta(days=2, hours=1)
    assert await database.write(waiting.lapse_due, now=later) == 0
    swept = await database.write(sweeping.sweep, now=later)
    assert swept.reminded == 0
    back = await database.write(publishing.resume, gu, batch_id, now=later)
    assert back.is_new
    assert back.offers == 1
    assert back.stale_steps > 0
    assert not (await database.write(publishing.resume, gu, batch_id, now=later)).is_new
    held = await database.read(lambda s: s.exec(select(SeatOffer)).one())
    assert held.lapses_at == min(offer.lapses_at + (later - SOON), NOW + 4 * DAY)
    answer = await database.write(waiting.accept, people[1], offer.id, now=later)
    assert answer.state is RegistrationState.APPROVED
    assert "batch_start" in await database.read(active)


async def test_cancelling_one_of_two_classes_leaves_the_other(database: Database) -> None:
    gu = await database.write(desk.county_coordinator)
    made = await database.write(desk.draft, gu, seats=1)
    await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    start = desk.START + 7 * DAY
    second = await database.write(
        making.add_batch,
        gu,
        made.batch_id,
        start,
        start + DAY,
        place="二楼",
        seats_=5,
        title="第{n}期",
        now=NOW,
    )
    assert second.is_published
    people = [await database.write(make.teacher) for _ in range(3)]
    for someone in people:
        await database.write(make.account, someone)
        await database.write(registration.register, someone, made.batch_id, now=SOON)
    await database.write(registration.register, people[0], second.batch_id, now=SOON)
    await database.write(registration.withdraw, people[0], made.batch_id, now=SOON)
    count = await database.read(publishing.concerned, gu, made.batch_id, now=SOON)
    assert (count.people, count.unreachable) == (2, 0)
    done = await database.write(publishing.cancel_batch, None, made.batch_id, "人数不足", now=SOON)
    assert (done.told, done.offers, done.is_new) == (2, 1, True)
    again = await database.write(publishing.cancel_batch, gu, made.batch_id, "", now=SOON)
    assert not again.is_new
    told = await database.read(outbox_of, "cancelled")
    assert sorted((x.teacher_id, x.facts["reason"]) for x in told) == [
        (people[1], "人数不足"),
        (people[2], "人数不足"),
    ]
    subjects = await database.read(
        lambda s: set(
            s.exec(select(Deadline.subject_id).where(Deadline.state == DeadlineState.ACTIVE)).all()
        )
    )
    assert subjects == {second.batch_id}
    assert await database.read(state_of, made.batch_id) is ProgrammeState.PUBLISHED
    with pytest.raises(ProgrammeCancelled):
        await database.write(registration.register, people[0], made.batch_id, now=SOON)
    open_now = await database.read(programmes.open_for, people[1], now=SOON)
    assert [line.batch_id for line in open_now.items] == [second.batch_id]
    facts = await database.read(programmes.group_facts, made.batch_id, now=SOON)
    assert facts.state is BatchState.CANCELLED
    last = await database.write(publishing.cancel_batch, gu, second.batch_id, "", now=SOON)
    assert last.told == 1
    assert await database.read(state_of, made.batch_id) is ProgrammeState.CANCELLED
    assert await database.read(active) == set()


async def test_a_programme_is_finished_once_it_has_ended_and_put_away_after(
    database: Database,
) -> None:
    gu = await database.write(desk.county_coordinator)
    made = await database.write(desk.draft, gu)
    tutor = await database.write(make.teacher, "钟牧之")
    await database.write(staffing.appoint, gu, made.batch_id, tutor, Role.TUTOR, now=NOW)
    with pytest.raises(NotUnderWay):
        await database.write(publishing.finish, gu, made.batch_id, now=NOW)
    await database.write(publishing.publish, gu, made.batch_id, now=NOW)
    with pytest.raises(StillRunning):
        await database.write(publishing.finish, gu, made.batch_id, now=NOW)
    with pytest.raises(StillRunning):
        await database.read(publishing.closing, gu, made.batch_id, now=NOW)
    lin = await database.write(make.teacher)
    await database.write(registration.register, lin, made.batch_id, now=NOW + DAY)
    with pytest.raises(NotUnderWay):
        await database.write(publishing.archive, gu, made.batch_id, now=NOW)
    over = desk.START + 2 * DAY
    assert [w.kind for w in await database.read(publishing.waits, gu, now=over)] == ["ended"]
    facts = await database.read(publishing.closing, gu, made.batch_id, now=over)
    assert (facts.classes, facts.open, facts.completed, facts.waiting) == (1, 1, 0, 0)
    for new in (True, False):
        done = await database.write(publishing.finish, gu, made.batch_id, now=over)
        assert (done.state, done.is_new) == (ProgrammeState.FINISHED, new)
    assert await database.read(publishing.waits, gu, now=over) == ()
    shi = await database.write(make.teacher, "石晓岚")
    with pytest.raises(RegistrationClosed):
        await database.write(registration.register, shi, made.batch_id, now=over)
    found = await database.read(runs.runs, gu, which=Which.FINISHED, now=over)
    assert [line.batch_id for line in found.lines] == [made.batch_id]
    await database.write(publishing.archive, gu, made.batch_id, now=over)
    found = await database.read(runs.runs, gu, which=Which.FINISHED, now=over)
    assert found.lines == ()
    assert (await database.read(staffing.helpers, gu, made.batch_id, now=over)).people == ()


async def test_each_of_several_ended_programmes_is_named(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = [await sqlite.write(desk.draft, gu) for _ in range(2)]
    for one in made:
        await sqlite.write(publishing.publish, gu, one.batch_id, now=NOW)
    found = await sqlite.read(publishing.waits, gu, now=desk.START + 2 * DAY)
    assert [(each.kind, each.count, each.batch_id) for each in found] == [
        ("ended", 1, one.batch_id) for one in made
    ]


ACTS = (
    publishing.publish,
    publishing.pause,
    publishing.resume,
    publishing.finish,
    publishing.archive,
)


async def test_a_foreign_unit_is_refused_whatever_it_asks(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu)
    luo = await sqlite.write(desk.school_coordinator)
    lin = await sqlite.write(make.teacher)
    for actor in (luo, lin):
        for act in ACTS:
            with pytest.raises(NotAllowed):
                await sqlite.write(act, actor, made.batch_id, now=NOW)
        for cancel in (publishing.cancel_batch, publishing.cancel_programme):
            with pytest.raises(NotAllowed):
                await sqlite.write(cancel, actor, made.batch_id, "", now=NOW)
        with pytest.raises(NotAllowed):
            await sqlite.read(publishing.readiness, actor, made.batch_id, now=NOW)
        with pytest.raises(NotAllowed):
            await sqlite.read(publishing.concerned, actor, made.batch_id, now=NOW)
    for act in ACTS:
        with pytest.raises(NotFound):
            await sqlite.write(act, gu, 999, now=NOW)


async def test_each_act_leaves_a_line(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    made = await sqlite.write(desk.draft, gu)
    for act in (publishing.publish, publishing.pause, publishing.resume):
        await sqlite.write(act, gu, made.batch_id, now=NOW)
    await sqlite.write(publishing.cancel_batch, gu, made.batch_id, "场地停用", now=NOW)
    await sqlite.write(publishing.archive, gu, made.batch_id, now=NOW)
    lines = await sqlite.read(
        lambda s: s.exec(
            select(AuditLog.action, AuditLog.reason)
            .where(AuditLog.actor_id == gu)
            .order_by(col(AuditLog.id))
        ).all()
    )
    assert [tuple(line) for line in lines] == [
        ("create_programme", ""),
        ("publish_programme", ""),
        ("pause_programme", ""),
        ("resume_programme", ""),
        ("cancel_programme", "场地停用"),
        ("archive_programme", ""),
    ]
