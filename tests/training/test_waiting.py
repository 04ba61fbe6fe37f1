"""Offers of freed seats: told in working hours, held for a stated time, passed on in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState, OutboxMessage, OutboxState, Priority
from storage.people.tables import Teacher, TeacherState
from storage.refusals import NotFound
from storage.training import decisions, registration, waiting
from storage.training.refusals import OfferGone
from storage.training.tables import (
    Approval,
    OfferState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)
from tests import make
from tests.make import NOW

OFFERED = RegistrationState.OFFERED
WAITLISTED = RegistrationState.WAITLISTED
DECLINED = RegistrationState.DECLINED
LATER = NOW + timedelta(minutes=1)


async def queue(database: Database, count: int, **differs: Any) -> tuple[int, list[int]]:
    """Make a batch with one seat, which the first person has and the others wait for."""
    batch = await database.write(make.batch, **({"seats": 1} | differs))
    people = []
    for number in range(count):
        someone = await database.write(make.teacher, name=f"教师{number}")
        await database.write(make.account, someone)
        at = NOW - timedelta(hours=1) + timedelta(seconds=number)
        await database.write(registration.register, someone, batch, now=at)
        people.append(someone)
    return batch, people


def states(session: Session, batch_id: int) -> list[RegistrationState]:
    return list(
        session.exec(
            select(col(Registration.state))
            .where(Registration.batch_id == batch_id)
            .order_by(col(Registration.teacher_id))
        ).all()
    )


def open_offer(session: Session) -> SeatOffer:
    return session.exec(select(SeatOffer).where(SeatOffer.state == OfferState.OPEN)).one()


def taken(session: Session) -> int:
    return sum(session.exec(select(Quota.taken)).all())


async def test_an_offer_is_a_message_a_deadline_and_a_seat_that_is_held(
    database: Database,
) -> None:
    batch, people = await queue(database, 2)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offer = await database.read(open_offer)
    assert offer.lapses_at == NOW + timedelta(hours=24)
    assert await database.read(taken) == 1
    message = await database.read(lambda s: s.exec(select(OutboxMessage)).one())
    assert (message.kind, message.teacher_id) == ("offer", people[1])
    assert (message.priority, message.not_before) == (Priority.OFFER, NOW)
    assert (message.state, message.useful_until) == (OutboxState.PENDING, offer.lapses_at)
    assert message.facts["offer_id"] == offer.id
    deadline = await database.read(
        lambda s: s.exec(select(Deadline).where(Deadline.kind == "offer")).one()
    )
    assert (deadline.subject_id, deadline.at) == (offer.id, offer.lapses_at)


async def test_offering_again_offers_nothing_more(database: Database) -> None:
    batch, people = await queue(database, 3)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    assert await database.write(waiting.offer_next, batch, now=NOW) == ()
    assert await database.write(waiting.promote, now=NOW) == 0
    assert await database.read(states, batch) == [
        RegistrationState.WITHDRAWN,
        OFFERED,
        WAITLISTED,
    ]


async def test_a_seat_freed_at_night_is_told_in_the_morning_and_the_time_runs_from_there(
    database: Database,
) -> None:
    batch, people = await queue(database, 2)
    friday_evening = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # 20:00 in Shanghai
    monday_morning = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)  # 8:00
    await database.write(registration.withdraw, people[0], batch, now=friday_evening)
    offer = await database.read(open_offer)
    assert offer.offered_at == friday_evening
    assert offer.lapses_at == monday_morning + timedelta(hours=24)
    message = await database.read(lambda s: s.exec(select(OutboxMessage)).one())
    assert message.not_before == monday_morning


async def test_an_offer_never_outlasts_the_start(database: Database) -> None:
    starts = NOW + timedelta(hours=5)
    batch, people = await queue(database, 2, starts_at=starts, reg_close=starts)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    assert (await database.read(open_offer)).lapses_at == starts


async def test_a_seat_that_nobody_can_be_told_of_in_time_is_not_offered(
    database: Database,
) -> None:
    evening = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)  # 22:00
    starts = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)  # 6:00
    batch, people = await queue(database, 2, starts_at=starts, reg_close=None)
    await database.write(registration.withdraw, people[0], batch, now=evening)
    assert await database.read(states, batch) == [RegistrationState.WITHDRAWN, WAITLISTED]
    assert await database.read(taken) == 0


async def test_accepting_is_a_seat_and_accepting_twice_is_the_same_seat(
    database: Database,
) -> None:
    batch, people = await queue(database, 2)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offer = await database.read(open_offer)
    first = await database.write(waiting.accept, people[1], offer.id, now=LATER)
    assert (first.state, first.is_new) == (RegistrationState.APPROVED, True)
    second = await database.write(waiting.accept, people[1], offer.id, now=LATER)
    assert (second.state, second.is_new) == (RegistrationState.APPROVED, False)
    assert await database.read(taken) == 1
    deadline = await database.read(lambda s: s.exec(select(Deadline)).one())
    assert deadline.state is DeadlineState.CANCELLED
    why = await database.read(decisions.why, people[1], batch)
    assert [x.rule for x in why.lines] == ["queued", "offered_after_withdrawal", "offer_accepted"]


async def test_an_accepted_seat_still_needs_the_schools_approval(database: Database) -> None:
    batch, people = await queue(database, 2, programme={"approval": Approval.SCHOOL})
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offer = await database.read(open_offer)
    answer = await database.write(waiting.accept, people[1], offer.id, now=LATER)
    assert answer.state is RegistrationState.SUBMITTED


async def test_passing_leaves_the_queue_and_the_next_is_offered_the_seat(
    database: Database,
) -> None:
    batch, people = await queue(database, 3)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offer = await database.read(open_offer)
    for is_new in (True, False):
        answer = await database.write(waiting.pass_on, people[1], offer.id, now=LATER)
        assert (answer.state, answer.is_new) == (DECLINED, is_new)
    assert await database.read(states, batch) == [
        RegistrationState.WITHDRAWN,
        DECLINED,
        OFFERED,
    ]
    with pytest.raises(OfferGone) as refusal:
        await database.write(waiting.accept, people[1], offer.id, now=LATER)
    assert refusal.value.state is OfferState.PASSED
    assert await database.read(taken) == 1


async def test_somebody_elses_offer_is_not_found(database: Database) -> None:
    batch, people = await queue(database, 3)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offer = await database.read(open_offer)
    for answer in (waiting.accept, waiting.pass_on):
        with pytest.raises(NotFound):
            await database.write(answer, people[2], offer.id, now=LATER)


async def test_a_lapsed_offer_goes_to_the_next_and_the_person_to_the_end_of_the_queue_once(
    database: Database,
) -> None:
    batch, people = await queue(database, 3)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    first = await database.read(open_offer)
    over = first.lapses_at
    with pytest.raises(OfferGone) as refusal:
        await database.write(waiting.accept, people[1], first.id, now=over)
    assert refusal.value.state is OfferState.LAPSED
    assert await database.write(waiting.lapse_due, now=over - timedelta(seconds=1)) == 0
    assert await database.write(waiting.lapse_due, now=over) == 1
    assert await database.write(waiting.lapse_due, now=over) == 0
    assert (await database.read(states, batch))[1:] == [WAITLISTED, OFFERED]

    # The third passes, so the second is offered it again; a second lapse is the last.
    second = await database.read(open_offer)
    await database.write(waiting.pass_on, people[2], second.id, now=over)
    third = await database.read(open_offer)
    assert await database.write(waiting.lapse_due, now=third.lapses_at) == 1
    assert (await database.read(states, batch))[1:] == [DECLINED, DECLINED]
    assert await database.read(taken) == 0


async def test_who_lapsed_keeps_the_order_behind_those_who_waited(database: Database) -> None:
    batch, people = await queue(database, 4)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offer = await database.read(open_offer)
    await database.write(waiting.lapse_due, now=offer.lapses_at)
    lapsed = await database.read(decisions.why, people[1], batch)
    other = await database.read(decisions.why, people[3], batch)
    assert (other.place, lapsed.place) == (1, 2)
    assert lapsed.lines[-1].facts["again"] is True


async def test_a_place_in_the_queue_of_the_same_second_is_by_who_came_first(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=0)
    people = [await database.write(make.teacher) for _ in range(5)]
    for someone in people:
        await database.write(registration.register, someone, batch, now=NOW)
    places = [(await database.read(decisions.why, x, batch)).place for x in people]
    assert places == [1, 2, 3, 4, 5]


async def test_who_has_left_the_service_is_passed_over(database: Database) -> None:
    batch, people = await queue(database, 3)

    def retire(session: Session) -> None:
        session.exec(
            sa.update(Teacher)
            .where(col(Teacher.id) == people[1])
            .values(state=TeacherState.RETIRED)
        )

    await database.write(retire)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    assert (await database.read(states, batch))[1:] == [WAITLISTED, OFFERED]


async def test_a_schools_seat_is_offered_to_that_school_only(database: Database) -> None:
    batch = await database.write(make.batch, seats=0)
    rural = "南塘乡中心小学"

    def allot(session: Session) -> None:
        unit_id = make.school(session, rural)
        session.add(Quota(batch_id=batch, unit_id=unit_id, seats=1))

    await database.write(allot)
    town = await database.write(make.teacher)
    first = await database.write(make.teacher, at=rural)
    second = await database.write(make.teacher, at=rural)
    for someone in (first, town, second):
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, first, batch, now=LATER)
    assert await database.read(states, batch) == [
        WAITLISTED,
        RegistrationState.WITHDRAWN,
        OFFERED,
    ]


async def test_an_offer_to_somebody_without_an_account_is_kept_as_unreachable(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=1)
    people = [await database.write(make.teacher) for _ in range(2)]
    for someone in people:
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    assert (await database.read(states, batch))[1] is OFFERED
    message = await database.read(lambda s: s.exec(select(OutboxMessage)).one())
    assert message.state is OutboxState.REFUSED
