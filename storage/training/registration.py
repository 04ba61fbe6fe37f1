"""Registering for a programme and withdrawing from it.

``register`` is what five thousand people call in the minute in which registration opens: its
statements are built once, are few, and load no rows as objects. First the registration is
written as waiting, unless it is there; then a seat is taken by a guarded update, the own
school's first, the open pool's next; then the registration is confirmed if one was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col, select

from storage.messaging import confirming
from storage.moments import local_day
from storage.prepared import Prepared, among
from storage.refusals import NotFound
from storage.training import audience, eligibility, menu_options, reserves, seats, waiting
from storage.training.clashes import ATTENDED, Clash, clashes
from storage.training.decisions import Rule, decide
from storage.training.refusals import (
    ConditionsNotMet,
    Finding,
    Misfit,
    NotEligible,
    NotRecommended,
    NotSelfRegistration,
    NotWithdrawable,
    ProgrammeCancelled,
    ProgrammePaused,
    ReasonNeeded,
    RegistrationClosed,
    RegistrationNotOpen,
    WaitingListFull,
)
from storage.training.tables import (
    LIVE,
    Approval,
    Batch,
    Enrolment,
    MenuOption,
    OfferState,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    SeatOffer,
    Source,
)

SELF_REGISTERED = (Enrolment.OPEN, Enrolment.MENU)
"""Doors through which a teacher comes in by registering."""

MAY_REGISTER_AGAIN = (
    RegistrationState.WITHDRAWN,
    RegistrationState.DECLINED,
    RegistrationState.RETURNED,
)
"""States that the person can leave by registering once more, at the end of the queue."""


class Leaving(StrEnum):
    """What a wish to withdraw would come to."""

    FREE = "free"
    REQUEST = "request"  # somebody has to agree, and a reason is needed
    NO = "no"  # the school decides, or there is nothing to leave (any more)


@dataclass(frozen=True)
class Outcome:
    """What a tap on Register came to: a seat (perhaps to be approved yet), or a place in line.

    ``place`` counts from 1 and is set for those who wait; ``is_new`` is False when the
    registration was there already.
    """

    registration_id: int
    batch_id: int
    title: str
    state: RegistrationState
    approval: Approval
    place: int | None
    clashes: tuple[Clash, ...]
    is_new: bool


@dataclass(frozen=True)
class Withdrawal:
    """What a wish to withdraw came to; ``requested`` means that somebody has to agree."""

    registration_id: int
    batch_id: int
    title: str
    state: RegistrationState
    requested: bool
    is_new: bool


def _table(name: str) -> sa.Table:
    return SQLModel.metadata.tables[name]


def _build_facts() -> sa.Select[Any]:
    """Build the one statement that reads everything a registration depends on.

    It has a row for each primary posting that the teacher ever had; Python takes the one of
    the office's local day.
    """
    batch, programme, teacher = _table("batch"), _table("programme"), _table("teacher")
    posting, registration = _table("posting"), _table("registration")
    own, pool = _table("quota").alias("own"), _table("quota").alias("pool")
    other, any_quota = registration.alias("other"), _table("quota").alias("any_quota")
    other_batch, other_programme = batch.alias("other_batch"), programme.alias("other_programme")
    queue, rule = registration.alias("queue"), _table("eligibility_rule")
    told = _table("notice_recipient")
    return (
        sa.select(
            batch.c.reg_open,
            batch.c.reg_close,
            batch.c.starts_at,
            batch.c.waiting_limit,
            programme.c.id.label("programme_id"),
            batch.c.cancelled_at,
            programme.c.title,
            programme.c.paused_at,
            programme.c.state.label("programme_state"),
            programme.c.enrolment,
            programme.c.approval,
            programme.c.mode,
            programme.c.audience,
            teacher.c.state.label("teacher_state"),
            posting.c.unit_id,
            posting.c.since,
            posting.c.until,
            own.c.id.label("own_id"),
            (own.c.seats - own.c.taken).label("own_free"),
            own.c.reserved,
            pool.c.id.label("pool_id"),
            (pool.c.seats - pool.c.taken).label("pool_free"),
            registration.c.id.label("registration_id"),
            registration.c.state,
            sa.select(sa.func.count())
            .select_from(queue)
            .where(queue.c.batch_id == batch.c.id, queue.c.state == RegistrationState.WAITLISTED)
            .scalar_subquery()
            .label("waiting"),
            sa.exists().where(any_quota.c.batch_id == batch.c.id).label("is_limited"),
            sa.exists()
            .where(
                any_quota.c.batch_id == batch.c.id,
                ~any_quota.c.is_pool,
                any_quota.c.release_at <= sa.bindparam("now"),
                any_quota.c.taken < any_quota.c.seats,
            )
            .label("has_unreleased"),
            sa.exists()
            .where(
                other.c.teacher_id == teacher.c.id,
                other.c.batch_id != batch.c.id,
                among(other.c.state, LIVE),
                other_batch.c.id == other.c.batch_id,
                other_programme.c.id == other_batch.c.programme_id,
                among(other_programme.c.mode, ATTENDED),
            )
            .label("attends_others"),
            sa.exists().where(rule.c.programme_id == programme.c.id).label("has_rules"),
            sa.exists()
            .where(told.c.teacher_id == teacher.c.id, told.c.confirmed_at.is_(None))
            .label("has_notices"),
            sa.select(_table("office").c.timezone).limit(1).scalar_subquery().label("timezone"),
        )
        .select_from(
            batch.join(programme, programme.c.id == batch.c.programme_id)
            .join(teacher, teacher.c.id == sa.bindparam("teacher_id"))
            .outerjoin(posting, sa.and_(posting.c.teacher_id == teacher.c.id, posting.c.is_primary))
            .outerjoin(
                own,
                sa.and_(
                    own.c.batch_id == batch.c.id, own.c.unit_id == posting.c.unit_id, ~own.c.is_pool
                ),
            )
            .outerjoin(pool, sa.and_(pool.c.batch_id == batch.c.id, pool.c.is_pool))
            .outerjoin(
                registration,
                sa.and_(
                    registration.c.batch_id == batch.c.id,
                    registration.c.teacher_id == teacher.c.id,
                ),
            )
        )
        .where(batch.c.id == sa.bindparam("batch_id"))
        .order_by(posting.c.since.desc(), posting.c.id.desc())
    )


_registration = _table("registration")
FACTS = Prepared(_build_facts())
INSERT_WAITING = Prepared(
    # PostgreSQL's spelling compiles for SQLite too.
    insert(_registration)
    .values(
        batch_id=sa.bindparam("batch_id"),
        teacher_id=sa.bindparam("teacher_id"),
        unit_id_at=sa.bindparam("unit_id_at"),
        source=Source.SELF,
        state=RegistrationState.WAITLISTED,
        submitted_at=sa.bindparam("now"),
        queued_at=sa.bindparam("queued_at"),
        changed_at=sa.bindparam("now"),
        reason="",
        leave_request="",
    )
    .on_conflict_do_nothing(index_elements=["batch_id", "teacher_id"])
    .returning(_registration.c.id)
)
WAIT_AGAIN = Prepared(
    sa.update(_registration)
    .where(
        _registration.c.id == sa.bindparam("registration_id"),
        among(_registration.c.state, MAY_REGISTER_AGAIN),
    )
    .values(
        unit_id_at=sa.bindparam("unit_id"),
        source=Source.SELF,
        state=RegistrationState.WAITLISTED,
        quota_id=None,
        submitted_at=sa.bindparam("now"),
        queued_at=sa.bindparam("queued_at"),
        changed_at=sa.bindparam("now"),
        reason="",
        leave_request="",
        leave_requested_at=None,
    )
)
STANDS = Prepared(
    sa.select(
        _table("batch").c.cancelled_at,
        _table("programme").c.paused_at,
        sa.exists().where(_table("quota").c.batch_id == _table("batch").c.id).label("is_limited"),
    )
    .join_from(_table("batch"), _table("programme"))
    .where(_table("batch").c.id == sa.bindparam("batch_id"))
)
CONFIRM = Prepared(
    sa.update(_registration)
    .where(_registration.c.id == sa.bindparam("registration_id"))
    .values(state=sa.bindparam("new_state"), quota_id=sa.bindparam("taken_from"))
)


def register(
    session: Session, teacher_id: int, batch_id: int, *, now: datetime, despite: bool = False
) -> Outcome:
    """Give the teacher a seat, or a place at the end of the queue when there is none.

    Asking twice changes nothing and returns what already is. Whoever waits or holds an offer
    goes before a newcomer, so a seat that has just become free is not taken past them. With
    ``despite`` the person has been told of the soft conditions that are not met.

    Raises NotFound, ProgrammeCancelled, ProgrammePaused, NotSelfRegistration,
    RegistrationNotOpen, RegistrationClosed, NotEligible, ConditionsNotMet, NotRecommended or
    WaitingListFull.
    """
    facts, unit_id = _facts(session, teacher_id, batch_id, now)
    if facts.registration_id is not None and facts.state not in MAY_REGISTER_AGAIN:
        return _existing(session, facts, teacher_id, batch_id)
    queued_at = _check(session, facts, unit_id, teacher_id, batch_id, now)
    unmet = (
        _check_rules(session, facts, batch_id, teacher_id, now, despite) if facts.has_rules else ()
    )
    if facts.has_unreleased:
        waiting.offer_next(session, batch_id, now=now)
        facts, unit_id = _facts(session, teacher_id, batch_id, now)

    ahead = facts.waiting
    hopeful = _hopeful(facts, ahead)
    if facts.is_limited and not hopeful:
        _check_queue(facts, ahead)
    if facts.own_id is not None and hopeful:
        seats.lock(session, batch_id)

    if facts.registration_id is None:
        registration_id = INSERT_WAITING.scalar(
            session,
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=unit_id,
            now=now,
            queued_at=queued_at,
        )
        if registration_id is None:  # a second tap came first, in another transaction
            facts, unit_id = _facts(session, teacher_id, batch_id, now)
            return _existing(session, facts, teacher_id, batch_id)
    else:
        registration_id = facts.registration_id
        seats.lock(session, batch_id)  # this row held on to the batch when it was written
        again = {
            "registration_id": registration_id,
            "unit_id": unit_id,
            "now": now,
            "queued_at": queued_at,
        }
        if WAIT_AGAIN.count(session, **again) == 0:
            facts, unit_id = _facts(session, teacher_id, batch_id, now)
            return _existing(session, facts, teacher_id, batch_id)

    # What was read before may be over: whoever cancels it, pauses it or sets a limit
    # (``seats.lock`` alone) has either done so or waits for this registration.
    (is_now,) = STANDS.all(session, batch_id=batch_id)
    if is_now.cancelled_at is not None:
        raise ProgrammeCancelled(facts.title)
    if is_now.paused_at is not None:
        raise ProgrammePaused(facts.title)
    if is_now.is_limited != facts.is_limited:
        facts, unit_id = _facts(session, teacher_id, batch_id, now)
        ahead = facts.waiting - 1
        hopeful = _hopeful(facts, ahead)
        if facts.is_limited and not hopeful:
            _check_queue(facts, ahead)

    if facts.has_notices:
        confirming.by_deed(session, teacher_id, "batch", batch_id, now=now)
    if unmet:
        despite_what = {"fields": [finding.field for finding in unmet]}
        decide(session, registration_id, "registered_despite", despite_what, now=now)
    state, place = RegistrationState.WAITLISTED, None
    seat: dict[str, Any] = {"registration_id": registration_id, "taken_from": None}
    rule: Rule | None = None if facts.is_limited else "seat_without_limit"
    kept = False
    for quota_id, from_where in hopeful:
        if quota_id == facts.own_id and facts.reserved:
            kept = not reserves.is_next(session, quota_id, registration_id, teacher_id)
            got = not kept and seats.hold(session, quota_id)
        else:
            got = seats.take(session, quota_id, registration_id)
        if got:
            seat["taken_from"], rule = quota_id, from_where
            break
    if rule is not None:
        state = seats.state_with_seat(facts.approval)
        CONFIRM.count(session, **seat, new_state=state)
        decide(session, registration_id, rule, {"approval": facts.approval.value}, now=now)
    else:
        if hopeful:  # somebody was quicker, and may have filled the queue as well
            facts, unit_id = _facts(session, teacher_id, batch_id, now)
            ahead = facts.waiting - 1
            _check_queue(facts, ahead)
        place = ahead + 1
        passed = (facts.pool_free or 0) > 0
        said = {"ahead": ahead, "full": not passed} | ({"reserved": True} if kept else {})
        decide(session, registration_id, "queued", said, now=now)
    return Outcome(
        registration_id=registration_id,
        batch_id=batch_id,
        title=facts.title,
        state=state,
        approval=facts.approval,
        place=place,
        clashes=_clashes(session, facts, teacher_id, batch_id),
        is_new=True,
    )


def _hopeful(facts: Any, ahead: int) -> list[tuple[int, Rule]]:
    """Return the allotments that have a seat for a newcomer, so far as ``facts`` know."""
    allotments: list[tuple[int, int | None, Rule]] = [
        (facts.own_id, facts.own_free, "seat_from_school"),
        (facts.pool_id, 0 if ahead else facts.pool_free, "seat_from_pool"),
    ]
    return [(quota_id, rule) for quota_id, free, rule in allotments if (free or 0) > 0]


def closes_at(reg_close: datetime | None, starts_at: datetime) -> datetime:
    """Return the moment until which one registers and withdraws freely."""
    return starts_at if reg_close is None else reg_close


def leaving(registration: Registration, batch: Batch, *, now: datetime) -> Leaving:
    """Return how this registration can be left at this moment."""
    match registration.state:
        case RegistrationState.WAITLISTED | RegistrationState.OFFERED | RegistrationState.RETURNED:
            return Leaving.FREE
        case (
            RegistrationState.SUBMITTED
            | RegistrationState.SCHOOL_APPROVED
            | RegistrationState.APPROVED
        ):
            in_time = now < closes_at(batch.reg_close, batch.starts_at)
        case RegistrationState.ATTENDING:
            in_time = False
        case _:
            return Leaving.NO
    if registration.source is Source.AUTOMATIC or now >= batch.ends_at:
        return Leaving.NO
    # A nominated person stands on the school's list, so the school is asked.
    is_own = registration.source not in (Source.NOMINATED, Source.SUBSTITUTE)
    return Leaving.FREE if in_time and is_own else Leaving.REQUEST


def withdraw(
    session: Session, teacher_id: int, batch_id: int, *, now: datetime, reason: str = ""
) -> Withdrawal:
    """Give the seat back, or ask for leave to when the deadline has passed.

    Until registration closes (or until the start, where it never closes) withdrawing is free
    and the next person in the queue is offered the seat at once. Later it is a request with a
    reason; the registration stays as it is. The waiting list may be left at any time.

    Raises NotFound, ProgrammeCancelled, NotWithdrawable or ReasonNeeded.
    """
    seats.lock(session, batch_id)
    found = session.exec(
        select(Registration, Batch, Programme)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Registration.batch_id == batch_id, Registration.teacher_id == teacher_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("registration")
    registration, batch, programme = found
    before = registration.state

    def outcome(*, requested: bool = False, is_new: bool = True) -> Withdrawal:
        session.flush()
        return Withdrawal(
            registration_id=registration.id,
            batch_id=batch_id,
            title=programme.title,
            state=registration.state,
            requested=requested,
            is_new=is_new,
        )

    def leave(rule: Rule) -> Withdrawal:
        registration.state = RegistrationState.WITHDRAWN
        registration.quota_id = None
        registration.changed_at = now
        registration.reason = reason
        decide(session, registration.id, rule, {"before": before.value}, now=now)
        return outcome()

    if before in (RegistrationState.WITHDRAWN, RegistrationState.DECLINED):
        return outcome(is_new=False)
    if batch.cancelled_at is not None or programme.state is ProgrammeState.CANCELLED:
        raise ProgrammeCancelled(programme.title)
    match before:
        case RegistrationState.WAITLISTED:
            return leave("left_queue")
        case RegistrationState.RETURNED:
            return leave("withdrawn")
        case RegistrationState.OFFERED:
            offer = session.exec(
                select(SeatOffer).where(
                    SeatOffer.registration_id == registration.id, SeatOffer.state == OfferState.OPEN
                )
            ).one()
            waiting.settle(session, offer, OfferState.PASSED, now=now)
            done = leave("left_queue")
            waiting.offer_next(session, batch_id, now=now, because="offered_after_pass")
            return done

    way = leaving(registration, batch, now=now)
    if way is Leaving.NO:
        raise NotWithdrawable(programme.title, registration.source, before)
    if way is Leaving.FREE:
        seats.free(session, registration.quota_id)
        done = leave("withdrawn")
        waiting.offer_next(session, batch_id, now=now, because="offered_after_withdrawal")
        return done

    if registration.leave_requested_at is not None:
        return outcome(requested=True, is_new=False)
    if not reason.strip():
        raise ReasonNeeded(programme.title, closes_at(batch.reg_close, batch.starts_at))
    registration.leave_request = reason.strip()
    registration.leave_requested_at = now
    registration.changed_at = now
    decide(session, registration.id, "leave_requested", now=now)
    return outcome(requested=True)


def _facts(
    session: Session, teacher_id: int, batch_id: int, now: datetime
) -> tuple[Any, int | None]:
    """Return the facts of the registration and the unit where the teacher works today."""
    rows = FACTS.all(session, teacher_id=teacher_id, batch_id=batch_id, now=now)
    if not rows:
        raise NotFound("programme")
    today = local_day(now, ZoneInfo(rows[0].timezone or "UTC"))
    for row in rows:
        if row.unit_id is not None and _covers(row.since, row.until, today):
            return row, row.unit_id
    return rows[0], None


def _covers(since: date, until: date | None, day: date) -> bool:
    return since <= day and (until is None or day <= until)


def _check(
    session: Session,
    facts: Any,
    unit_id: int | None,
    teacher_id: int,
    batch_id: int,
    now: datetime,
) -> datetime:
    """Raise the refusal that fits, if the teacher may not register now.

    Returns since when the teacher counts as waiting: for whoever lost a thin class and chooses
    again, since registering for that one.
    """
    queued_at = now
    closed_at = closes_at(facts.reg_close, facts.starts_at)
    if facts.cancelled_at is not None:
        raise ProgrammeCancelled(facts.title)
    match facts.programme_state:
        case ProgrammeState.CANCELLED:
            raise ProgrammeCancelled(facts.title)
        case ProgrammeState.DRAFT:
            raise NotFound("programme")
        case ProgrammeState.FINISHED | ProgrammeState.ARCHIVED:
            raise RegistrationClosed(facts.title, closed_at)
    if facts.enrolment not in SELF_REGISTERED:
        raise NotSelfRegistration(facts.title, facts.enrolment)
    if facts.enrolment is Enrolment.MENU:
        menu_options.refuse_if_chosen(session, batch_id, facts.title)
    if facts.reg_open is not None and now < facts.reg_open:
        raise RegistrationNotOpen(facts.title, facts.reg_open)
    if now >= closed_at:
        again = None
        if now < facts.starts_at:
            again = second_round(session, teacher_id, batch_id, now=now)
        if again is None:
            raise RegistrationClosed(facts.title, closed_at)
        queued_at = again.queued_at
    if facts.paused_at is not None:
        raise ProgrammePaused(facts.title)
    has = audience.facts_of(session, teacher_id) if facts.audience else {}
    misfits = audience.compare(facts.audience, has, facts.teacher_state)
    if unit_id is None:
        misfits = (*misfits, Misfit("posting", (), ()))
    if misfits:
        raise NotEligible(facts.title, misfits)
    return queued_at


@dataclass(frozen=True)
class SecondRound:
    """Somebody whose thin class was cancelled may still choose another one.

    Until ``closes_at``, and before newcomers: those cannot register any more, and in the queue
    the place is that of ``queued_at``, when the lost class was chosen.
    """

    closes_at: datetime
    queued_at: datetime


def second_round(
    session: Session, teacher_id: int, batch_id: int, *, now: datetime
) -> SecondRound | None:
    """Return the right to choose this class after its registration has closed, if there is one.

    It comes from a cancelled class of the same organiser or of the same menu in which the
    teacher was, or waited, and whose time for choosing again still runs; each such class gives
    one other.
    """
    lost, wanted = sa.orm.aliased(Batch), sa.orm.aliased(Batch)
    of_lost, of_wanted = sa.orm.aliased(Programme), sa.orm.aliased(Programme)
    here, there = sa.orm.aliased(MenuOption), sa.orm.aliased(MenuOption)
    rows = session.exec(
        select(lost.second_close, Registration.queued_at, lost.cancelled_at)
        .select_from(Registration)
        .join(lost, col(lost.id) == col(Registration.batch_id))
        .join(of_lost, col(of_lost.id) == col(lost.programme_id))
        .join(wanted, col(wanted.id) == batch_id)
        .join(of_wanted, col(of_wanted.id) == col(wanted.programme_id))
        .where(
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(LIVE),
            col(lost.cancelled_at).is_not(None),
            col(lost.second_close) > now,
            col(lost.id) != batch_id,
            sa.or_(
                col(of_lost.owner_unit_id) == col(of_wanted.owner_unit_id),
                sa.exists().where(
                    col(here.batch_id) == batch_id,
                    col(there.batch_id) == col(lost.id),
                    col(there.menu_id) == col(here.menu_id),
                ),
            ),
        )
        .order_by(col(Registration.queued_at))
    ).all()
    closes = max((row[0] for row in rows if row[0] is not None), default=None)
    since = min((row[2] for row in rows if row[2] is not None), default=None)
    if closes is None or since is None:
        return None
    chosen = session.exec(
        select(sa.func.count())
        .select_from(Registration)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .where(
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(LIVE),
            Registration.submitted_at >= since,
            col(Batch.cancelled_at).is_(None),
        )
    ).one()
    return SecondRound(closes, rows[0][1]) if chosen < len(rows) else None


def _check_rules(
    session: Session, facts: Any, batch_id: int, teacher_id: int, now: datetime, despite: bool
) -> tuple[Finding, ...]:
    """Raise where the programme's conditions forbid it; return those that only warned."""
    findings = eligibility.check(session, teacher_id, facts.programme_id, now=now)
    hard = tuple(finding for finding in findings if finding.hard)
    if hard:
        raise ConditionsNotMet(facts.title, hard)
    if findings and not despite:
        raise NotRecommended(batch_id, facts.title, findings)
    return findings


def _check_queue(facts: Any, ahead: int) -> None:
    if facts.waiting_limit is not None and ahead >= facts.waiting_limit:
        raise WaitingListFull(facts.title, facts.waiting_limit)


def _existing(session: Session, facts: Any, teacher_id: int, batch_id: int) -> Outcome:
    """Return the registration that is there already."""
    place = None
    if facts.state is RegistrationState.WAITLISTED:
        place = seats.place_in_queue(session, facts.registration_id)
    return Outcome(
        registration_id=facts.registration_id,
        batch_id=batch_id,
        title=facts.title,
        state=facts.state,
        approval=facts.approval,
        place=place,
        clashes=_clashes(session, facts, teacher_id, batch_id),
        is_new=False,
    )


def _clashes(session: Session, facts: Any, teacher_id: int, batch_id: int) -> tuple[Clash, ...]:
    if not facts.attends_others or facts.mode not in ATTENDED:
        return ()
    return clashes(session, teacher_id, batch_id)
