"""The queue for a full batch: places, offers that hold a freed seat, and what becomes of them.

A freed seat is never simply free while somebody waits for it: it becomes an offer, a row with
a deadline, and stays counted as taken until the offer is settled. The next person is whoever
has waited longest (``queued_at``, then ``id``) among those who may have that seat: everybody
for a seat of the pool, the school's own people for a school's seat.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.calendar import workdays
from storage.messaging import deadlines, outbox, quiet
from storage.messaging.quiet import Calendar
from storage.messaging.tables import Priority
from storage.people.tables import Account, Teacher
from storage.refusals import NotFound
from storage.training import reserves, seats
from storage.training.audience import fits
from storage.training.classes import batch_of
from storage.training.decisions import Rule, decide
from storage.training.refusals import OfferGone, ProgrammePaused
from storage.training.seats import place_in_queue
from storage.training.tables import (
    Approval,
    Batch,
    OfferState,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)

__all__ = [
    "Offer",
    "OfferAnswer",
    "accept",
    "lapse_due",
    "offer_next",
    "pass_on",
    "place_in_queue",
    "promote",
    "settle",
]

LAPSES = 2
"""How often an offer may lapse before the person counts as having declined."""


@dataclass(frozen=True)
class Offer:
    """A seat held for one person, told at ``told_at`` and held until ``lapses_at``."""

    offer_id: int
    registration_id: int
    teacher_id: int
    batch_id: int
    told_at: datetime
    lapses_at: datetime


@dataclass(frozen=True)
class OfferAnswer:
    """What accepting or passing on an offer came to."""

    offer_id: int
    registration_id: int
    batch_id: int
    title: str
    state: RegistrationState
    approval: Approval
    is_new: bool


def offer_next(
    session: Session,
    batch_id: int,
    *,
    now: datetime,
    because: Rule = "offered_from_free_seat",
) -> tuple[Offer, ...]:
    """Offer every free seat of the batch to whoever is next; none free, nothing happens.

    The seat is held from this moment; the time to answer (``Batch.offer_hours``) runs from the
    moment at which the person may be told, and ends at the start of the batch at the latest.
    Who cannot be told before the start, and who is not in the audience any more, is passed
    over and keeps the place.
    """
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    seats.release_unused(session, batch_id, now=now)
    if programme.state is not ProgrammeState.PUBLISHED or now >= batch.starts_at:
        return ()
    if programme.paused_at is not None or batch.cancelled_at is not None:
        return ()
    free_seats = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Quota.id),
            col(Quota.unit_id),
            col(Quota.is_pool),
            Quota.seats - Quota.taken,
            col(Quota.reserved),
        )
        .where(col(Quota.batch_id) == batch_id, col(Quota.taken) < col(Quota.seats))
        .order_by(col(Quota.is_pool), col(Quota.id))
    ).all()
    if not free_seats:
        return ()
    calendar = workdays.load(session)
    offers: list[Offer] = []
    for quota_id, unit_id, is_pool, free, reserved in free_seats:
        queue = (
            select(Registration.id, Registration.teacher_id, Account)
            .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
            .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
            .where(
                Registration.batch_id == batch_id,
                Registration.state == RegistrationState.WAITLISTED,
                fits(programme),
            )
            .order_by(col(Registration.queued_at), col(Registration.id))
        )
        if not is_pool:
            queue = queue.where(Registration.unit_id_at == unit_id)
        waiting = session.exec(queue).all()
        queued = {teacher_id for _id, teacher_id, _account in waiting}
        may_have = reserves.who_may(session, quota_id, queued) if reserved else queued
        for registration_id, teacher_id, account in waiting:
            if not free:
                break
            told_at = _told_at(calendar, account, now, batch)
            if told_at >= batch.starts_at:
                continue
            if teacher_id not in may_have:
                continue
            if not seats.hold(session, quota_id):
                break
            free -= 1
            lapses_at = min(told_at + timedelta(hours=batch.offer_hours), batch.starts_at)
            offer = SeatOffer(
                registration_id=registration_id,
                quota_id=quota_id,
                offered_at=now,
                lapses_at=lapses_at,
            )
            session.add(offer)
            session.flush()
            _set_state(session, registration_id, RegistrationState.OFFERED, now=now)
            decide(
                session,
                registration_id,
                because,
                {
                    "offer_id": offer.id,
                    "from_school": not is_pool,
                    "lapses_at": lapses_at.isoformat(),
                },
                now=now,
            )
            deadlines.set_deadline(session, "offer", offer.id, lapses_at, now=now)
            outbox.put(
                session,
                "offer",
                teacher_id=teacher_id,
                facts={
                    "offer_id": offer.id,
                    "batch_id": batch_id,
                    "title": programme.title,
                    "lapses_at": lapses_at.isoformat(),
                    "starts_at": batch.starts_at.isoformat(),
                    "place": batch.place,
                },
                priority=Priority.OFFER,
                not_before=told_at,
                useful_until=lapses_at,
                dedupe_key=f"offer:{offer.id}",
                now=now,
            )
            offers.append(
                Offer(offer.id, registration_id, teacher_id, batch_id, told_at, lapses_at)
            )
            if reserved and free:  # this seat may have filled a reserve, or left none to spare
                may_have = reserves.who_may(session, quota_id, queued)
    return tuple(offers)


def accept(session: Session, teacher_id: int, offer_id: int, *, now: datetime) -> OfferAnswer:
    """Take the offered seat; accepting twice returns the seat that was taken.

    Raises NotFound when it is not this teacher's offer, OfferGone when it is not open,
    ProgrammePaused while the programme stands still.
    """
    offer, registration, programme = _offer(session, teacher_id, offer_id)
    if offer.state is OfferState.ACCEPTED:
        return _answer(offer, registration, programme, is_new=False)
    _still_open(offer, programme, now)
    settle(session, offer, OfferState.ACCEPTED, now=now)
    registration.state = seats.state_with_seat(programme.approval)
    registration.quota_id = offer.quota_id
    registration.changed_at = now
    session.flush()
    decide(session, registration.id, "offer_accepted", {"offer_id": offer_id}, now=now)
    return _answer(offer, registration, programme, is_new=True)


def pass_on(session: Session, teacher_id: int, offer_id: int, *, now: datetime) -> OfferAnswer:
    """Decline the offered seat: the person leaves the queue, the next one is offered it.

    Raises NotFound when it is not this teacher's offer, OfferGone when it is not open,
    ProgrammePaused while the programme stands still.
    """
    offer, registration, programme = _offer(session, teacher_id, offer_id)
    if offer.state is OfferState.PASSED:
        return _answer(offer, registration, programme, is_new=False)
    _still_open(offer, programme, now)
    settle(session, offer, OfferState.PASSED, now=now)
    registration.state = RegistrationState.DECLINED
    registration.changed_at = now
    session.flush()
    decide(session, registration.id, "offer_passed", {"offer_id": offer_id}, now=now)
    offer_next(session, registration.batch_id, now=now, because="offered_after_pass")
    return _answer(offer, registration, programme, is_new=True)


def lapse_due(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Settle offers whose time is over and offer their seats on; return how many lapsed.

    The first lapse puts the person at the end of the queue, the second ends the wish. While
    a programme is paused its offers stand still.
    """
    due = session.exec(
        select(SeatOffer.id, Registration.batch_id)
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            SeatOffer.state == OfferState.OPEN,
            SeatOffer.lapses_at <= now,
            col(Programme.paused_at).is_(None),
        )
        .order_by(col(SeatOffer.lapses_at), col(SeatOffer.id))
        .limit(limit)
    ).all()
    if not due:
        return 0
    batch_ids = sorted({batch_id for _, batch_id in due})
    seats.lock(session, *batch_ids)
    lapsed = 0
    for offer_id, _ in due:
        offer, registration = session.exec(
            select(SeatOffer, Registration)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(SeatOffer.id == offer_id)
            .execution_options(populate_existing=True)
        ).one()
        if offer.state is not OfferState.OPEN:
            continue
        settle(session, offer, OfferState.LAPSED, now=now)
        lapses = session.exec(
            select(func.count())
            .select_from(SeatOffer)
            .where(
                SeatOffer.registration_id == registration.id,
                SeatOffer.state == OfferState.LAPSED,
                SeatOffer.offered_at >= registration.submitted_at,
            )
        ).one()
        again = lapses < LAPSES
        registration.state = RegistrationState.WAITLISTED if again else RegistrationState.DECLINED
        registration.changed_at = now
        if again:
            registration.queued_at = now
        session.flush()
        facts = {"offer_id": offer_id, "again": again}
        decide(session, registration.id, "offer_lapsed", facts, now=now)
        lapsed += 1
    for batch_id in batch_ids:
        offer_next(session, batch_id, now=now, because="offered_after_lapse")
    return lapsed


def promote(session: Session, *, now: datetime) -> int:
    """Offer every seat that is free beside a waiting row; return how many were offered.

    A tap and a withdrawal that pass each other can leave such a pair, and allotments reach
    the moment of their release without anybody's doing. Nothing to do costs one statement.
    """
    waits = sa.exists().where(
        col(Registration.batch_id) == col(Quota.batch_id),
        col(Registration.state) == RegistrationState.WAITLISTED,
        sa.or_(col(Quota.is_pool), col(Registration.unit_id_at) == col(Quota.unit_id)),
    )
    unreleased = sa.and_(col(Quota.is_pool).is_(False), col(Quota.release_at) <= now)
    batch_ids = session.exec(
        select(Quota.batch_id)
        .distinct()
        .join(Batch, col(Batch.id) == col(Quota.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Quota.taken < Quota.seats,
            Programme.state == ProgrammeState.PUBLISHED,
            col(Programme.paused_at).is_(None),
            col(Batch.cancelled_at).is_(None),
            Batch.starts_at > now,
            sa.or_(waits, unreleased),
        )
        .order_by(col(Quota.batch_id))
    ).all()
    return sum(len(offer_next(session, batch_id, now=now)) for batch_id in batch_ids)


def settle(session: Session, offer: SeatOffer, state: OfferState, *, now: datetime) -> None:
    """Close an open offer; its seat is given back unless it was accepted."""
    offer.state = state
    offer.settled_at = now
    session.flush()
    if state is not OfferState.ACCEPTED:
        seats.free(session, offer.quota_id)
    deadlines.cancel_deadline(session, "offer", offer.id, now=now)


def _offer(
    session: Session, teacher_id: int, offer_id: int
) -> tuple[SeatOffer, Registration, Programme]:
    """Return the teacher's own offer as it is once nobody else can settle it."""
    batch_id = session.exec(
        select(Registration.batch_id)
        .join(SeatOffer, col(SeatOffer.registration_id) == col(Registration.id))
        .where(SeatOffer.id == offer_id, Registration.teacher_id == teacher_id)
    ).first()
    if batch_id is None:
        raise NotFound("offer")
    seats.lock(session, batch_id)
    return session.exec(
        select(SeatOffer, Registration, Programme)
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(SeatOffer.id == offer_id)
        .execution_options(populate_existing=True)
    ).one()


def _still_open(offer: SeatOffer, programme: Programme, now: datetime) -> None:
    if offer.state is not OfferState.OPEN:
        raise OfferGone(programme.title, offer.state)
    if programme.paused_at is not None:
        raise ProgrammePaused(programme.title)
    if now >= offer.lapses_at:
        raise OfferGone(programme.title, OfferState.LAPSED)


def _answer(
    offer: SeatOffer, registration: Registration, programme: Programme, *, is_new: bool
) -> OfferAnswer:
    return OfferAnswer(
        offer_id=offer.id,
        registration_id=registration.id,
        batch_id=registration.batch_id,
        title=programme.title,
        state=registration.state,
        approval=programme.approval,
        is_new=is_new,
    )


def _set_state(
    session: Session, registration_id: int, state: RegistrationState, *, now: datetime
) -> None:
    session.exec(
        sa.update(Registration)
        .where(col(Registration.id) == registration_id)
        .values(state=state, changed_at=now)
    )


def _told_at(calendar: Calendar, account: Account | None, now: datetime, batch: Batch) -> datetime:
    """Return when this person may be told of a freed seat; at the start it is too late."""
    hours = quiet.Hours(
        brief=account.brief_minute if account else 0,
        quiet_from=account.quiet_from if account else 18 * 60,
        quiet_until=account.quiet_until if account else 8 * 60,
    )
    return quiet.ring_at(now, hours, calendar, lapses=batch.starts_at)
