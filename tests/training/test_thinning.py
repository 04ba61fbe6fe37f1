"""Classes with too few people: asked about a day before, cancelled on time, and chosen anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from storage.database import Database
from storage.messaging.tables import OutboxMessage
from storage.refusals import NotAllowed
from storage.training import (
    making,
    programmes,
    publishing,
    registration,
    schedule,
    thinning,
    waiting,
)
from storage.training.programmes import BatchState
from storage.training.refusals import ProgrammeCancelled, RegistrationClosed
from storage.training.tables import (
    Batch,
    Decision,
    Menu,
    MenuOption,
    Programme,
    ProgrammeState,
    RegistrationState,
)
from storage.training.thinning import DatesNotInOrder, ThinSettled
from tests import make
from tests.make import NOW
from tests.training import seating

DAY = timedelta(days=1)
THIN_AT, AGAIN = NOW + 11 * DAY, NOW + 14 * DAY  # registration closes after ten days


async def two_classes(database: Database, *, second_seats: int = 5) -> tuple[int, int, int]:
    """A thin class of three at least, another one of the same office, and who runs both."""
    made = await database.write(seating.county, linked=True)
    thin = await database.write(make.batch, "朗诵班", seats=9)
    other = await database.write(make.batch, "书法班", seats=second_seats)
    await database.write(thinning.set_minimum, made.county_id, thin, 3, THIN_AT, AGAIN, now=NOW)
    return thin, other, made.county_id


async def enter(database: Database, batch_id: int, count: int) -> list[int]:
    people = []
    for n in range(count):
        someone = await database.write(make.teacher, f"学员{batch_id}{n}")
        await database.write(make.account, someone)
        at = NOW + timedelta(seconds=n)
        await database.write(registration.register, someone, batch_id, now=at)
        people.append(someone)
    return people


async def told(database: Database, kind: str) -> list[OutboxMessage]:
    return await database.read(
        lambda s: list(s.exec(select(OutboxMessage).where(OutboxMessage.kind == kind)).all())
    )


async def is_cancelled(database: Database, batch_id: int) -> bool:
    return await database.read(
        lambda s: s.exec(select(Batch.cancelled_at).where(Batch.id == batch_id)).one() is not None
    )


async def test_the_organiser_is_asked_a_day_before_and_the_clock_decides(
    database: Database,
) -> None:
    thin, _, county_id = await two_classes(database)
    people = await enter(database, thin, 2)
    assert await database.write(thinning.thin_out, now=THIN_AT - 2 * DAY) == 0
    assert await told(database, "thin_class") == []
    for _ in range(2):
        await database.write(thinning.thin_out, now=THIN_AT - DAY)
    (asked,) = await told(database, "thin_class")
    assert (asked.teacher_id, asked.useful_until) == (county_id, THIN_AT)
    (line,) = await database.read(thinning.waits, county_id, now=THIN_AT - DAY)
    assert (line.kind, line.batch_id) == ("thin", thin)
    assert await database.read(thinning.waits, people[0], now=THIN_AT - DAY) == ()
    assert await database.write(thinning.thin_out, now=THIN_AT) == 1
    assert await database.write(thinning.thin_out, now=THIN_AT) == 0
    assert await is_cancelled(database, thin)
    messages = await told(database, "cancelled")
    assert {x.teacher_id for x in messages} == set(people)
    assert {x.facts["second_close"] for x in messages} == {AGAIN.isoformat()}
    # Why is said in the reader's language.
    assert {(x.facts["thin"], x.facts["reason"]) for x in messages} == {(True, "")}
    rules = await database.read(
        lambda s: list(s.exec(select(Decision.rule).where(Decision.rule == "class_cancelled")))
    )
    assert len(rules) == 2
    card = await database.read(programmes.card, thin, people[0], now=THIN_AT)
    assert card.state is BatchState.CANCELLED
    someone = await database.write(make.teacher)
    with pytest.raises(ProgrammeCancelled):
        await database.write(registration.register, someone, thin, now=NOW)


async def test_a_class_that_is_large_enough_runs(database: Database) -> None:
    thin, _, _ = await two_classes(database)
    await enter(database, thin, 3)
    await database.write(thinning.thin_out, now=THIN_AT - DAY)
    assert await told(database, "thin_class") == []
    assert await database.write(thinning.thin_out, now=THIN_AT) == 0
    assert not await is_cancelled(database, thin)


async def test_run_all_the_same_is_kept(database: Database) -> None:
    thin, _, county_id = await two_classes(database)
    await enter(database, thin, 1)
    assert await database.write(thinning.run_all_the_same, county_id, thin, now=THIN_AT - DAY)
    assert not await database.write(thinning.run_all_the_same, county_id, thin, now=THIN_AT - DAY)
    assert await database.write(thinning.thin_out, now=THIN_AT) == 0
    assert not await is_cancelled(database, thin)
    with pytest.raises(ThinSettled):
        await database.write(thinning.cancel_thin, county_id, thin, now=THIN_AT)


async def test_the_organiser_cancels_before_the_time(database: Database) -> None:
    thin, _, county_id = await two_classes(database)
    people = await enter(database, thin, 2)
    with pytest.raises(NotAllowed):
        await database.write(thinning.cancel_thin, people[0], thin, now=NOW + DAY)
    assert await database.write(thinning.cancel_thin, county_id, thin, now=NOW + DAY) == 2
    assert await database.write(thinning.cancel_thin, county_id, thin, now=NOW + DAY) == 0
    assert await database.write(thinning.thin_out, now=THIN_AT) == 0


async def test_who_lost_a_class_chooses_again_and_nobody_else_can(database: Database) -> None:
    thin, other, _ = await two_classes(database)
    lost = await enter(database, thin, 2)
    newcomer = await database.write(make.teacher, "新来的")
    await database.write(thinning.thin_out, now=THIN_AT)
    later = THIN_AT + DAY
    with pytest.raises(RegistrationClosed):
        await database.write(registration.register, newcomer, other, now=later)
    card = await database.read(programmes.card, other, lost[0], now=later)
    assert (card.state, card.can_register, card.reg_close) == (BatchState.OPEN, True, AGAIN)
    assert not (await database.read(programmes.card, other, newcomer, now=later)).can_register
    done = await database.write(registration.register, lost[0], other, now=later)
    assert done.state is RegistrationState.APPROVED
    with pytest.raises(RegistrationClosed):
        await database.write(registration.register, lost[1], other, now=AGAIN)


async def test_a_lost_class_gives_one_other_and_its_place_in_the_queue(
    database: Database,
) -> None:
    thin, other, _ = await two_classes(database, second_seats=1)
    third = await database.write(make.batch, "合唱班", seats=5)
    lost = await enter(database, thin, 2)

    def fill(session: Session) -> list[int]:
        rows = []
        for n in range(3):
            someone = make.teacher(session, f"别人{n}")
            at = NOW + timedelta(hours=1 + n)
            registration.register(session, someone, other, now=at)
            rows.append(someone)
        return rows

    others = await database.write(fill)
    await database.write(thinning.thin_out, now=THIN_AT)
    later = THIN_AT + DAY
    done = await database.write(registration.register, lost[1], other, now=later)
    assert done.state is RegistrationState.WAITLISTED
    again = await database.write(registration.register, lost[1], other, now=later)
    assert again.place == 1  # chosen before all who wait here
    with pytest.raises(RegistrationClosed):
        await database.write(registration.register, lost[1], third, now=later)
    await database.write(registration.withdraw, lost[1], other, now=later)
    await database.write(registration.register, lost[1], third, now=later)
    assert len(others) == 3


async def test_a_menu_leads_to_classes_of_other_offices(database: Database) -> None:
    thin, other, _ = await two_classes(database)
    (lost,) = await enter(database, thin, 1)

    def move(session: Session, with_menu: bool) -> None:
        unit_id = make.school(session, "另一家")
        programme = session.exec(select(Programme).join(Batch).where(Batch.id == other)).one()
        programme.owner_unit_id = unit_id
        if with_menu:
            menu = Menu(title="菜单", owner_unit_id=unit_id, opens_at=NOW, closes_at=THIN_AT)
            session.add(menu)
            session.flush()
            session.add_all(MenuOption(menu_id=menu.id, batch_id=x) for x in (thin, other))

    await database.write(move, False)
    await database.write(thinning.thin_out, now=THIN_AT)
    with pytest.raises(RegistrationClosed):
        await database.write(registration.register, lost, other, now=THIN_AT)
    await database.write(move, True)
    await database.write(registration.register, lost, other, now=THIN_AT)


async def test_the_minimum_is_set_in_order_by_whoever_runs_the_class(
    database: Database,
) -> None:
    made = await database.write(seating.county)
    wrong = [
        (3, None, None),
        (3, NOW, None),
        (3, NOW + 30 * DAY, None),
        (3, THIN_AT, THIN_AT),
        (3, THIN_AT, NOW + 30 * DAY),
    ]
    for dates in wrong:
        with pytest.raises(DatesNotInOrder):
            await database.write(
                thinning.set_minimum, made.county_id, made.batch_id, *dates, now=NOW
            )
    with pytest.raises(NotAllowed):
        await database.write(
            thinning.set_minimum, made.coordinators[0], made.batch_id, 3, THIN_AT, now=NOW
        )
    await database.write(thinning.set_minimum, made.county_id, made.batch_id, 3, THIN_AT, now=NOW)
    await database.write(thinning.set_minimum, made.county_id, made.batch_id, None, now=NOW)
    assert await database.write(thinning.thin_out, now=THIN_AT) == 0


async def test_cancelling_one_class_leaves_the_others_alone(database: Database) -> None:
    thin, other, county_id = await two_classes(database, second_seats=1)
    first = await enter(database, other, 2)
    await database.write(registration.withdraw, first[0], other, now=NOW + DAY)
    done = await database.write(schedule.cancel_batch, county_id, other, now=NOW + DAY)
    assert (done.told, done.offers) == (1, 1)
    again = await database.write(schedule.cancel_batch, county_id, other, now=NOW + DAY)
    assert (again.told, again.offers) == (0, 0)
    assert await database.read(seating.state, other, first[1]) is RegistrationState.WAITLISTED
    assert await database.write(waiting.promote, now=NOW + DAY) == 0
    assert await database.write(waiting.offer_next, other, now=NOW + DAY) == ()
    assert not await is_cancelled(database, thin)


async def test_with_its_last_class_a_thin_programme_is_cancelled(database: Database) -> None:
    thin, _, county_id = await two_classes(database)
    (lost,) = await enter(database, thin, 1)
    second = await database.write(
        lambda session: (
            making.add_batch(
                session,
                county_id,
                thin,
                NOW + 30 * DAY,
                NOW + 31 * DAY,
                place="",
                seats_=5,
                title="二班",
                now=NOW,
            ).batch_id
        )
    )

    def state(session: Session) -> ProgrammeState:
        found = session.exec(select(Programme).join(Batch).where(Batch.id == thin)).one()
        return found.state

    await database.write(thinning.thin_out, now=THIN_AT)
    assert await database.read(state) is ProgrammeState.PUBLISHED
    await database.write(
        thinning.set_minimum, county_id, second, 3, THIN_AT + DAY, AGAIN, now=THIN_AT
    )
    await database.write(thinning.cancel_thin, county_id, second, now=THIN_AT)
    assert await database.read(state) is ProgrammeState.CANCELLED
    ended = await database.read(publishing.waits, county_id, now=NOW + 60 * DAY)
    assert not [line for line in ended if line.batch_id in (thin, second)]
    with pytest.raises(ProgrammeCancelled):
        await database.write(publishing.finish, county_id, thin, now=NOW + 60 * DAY)
    # Who lost it still chooses again.
    other = await database.write(make.batch, "绘画班", seats=5)
    done = await database.write(registration.register, lost, other, now=THIN_AT + DAY)
    assert done.state is RegistrationState.APPROVED
