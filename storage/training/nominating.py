"""推荐: a school sends its own people to a class, and takes them back.

The seat is held from the nomination on. Where the programme asks the teacher first, the
nomination waits for the answer; otherwise the school has decided. The list may change until
the roster date and afterwards only through the county (domain, model 2.10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from storage import audit
from storage.messaging import deadlines, outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit
from storage.refusals import NotFound, Refusal
from storage.training import nominations, reserves, seats, waiting
from storage.training.candidates import MOST, fitting, unfit
from storage.training.clashes import clashes
from storage.training.classes import batch_of
from storage.training.decisions import decide
from storage.training.nominations import (
    MAY_BE_NOMINATED,
    Clashing,
    DoesNotFit,
    FewerSeats,
    IsIn,
    ListReported,
    NominationClosed,
    NoSeatLeft,
    NotByNomination,
    NotReplaceable,
    SeatReserved,
    TooManyAtOnce,
)
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    LIVE,
    Batch,
    Enrolment,
    Programme,
    Registration,
    RegistrationState,
    Source,
)


@dataclass(frozen=True)
class Nominated:
    """What nominating came to: who is asked or in now, by name; ``is_new`` counts them."""

    batch_id: int
    title: str
    names: tuple[str, ...]
    state: RegistrationState
    is_new: int


@dataclass(frozen=True)
class Chosen:
    """What somebody is told of a nomination: the class, and where the registration stands."""

    batch_id: int
    title: str
    state: RegistrationState
    starts_at: datetime
    ends_at: datetime
    place: str
    answer_by: datetime
    school: str
    takes_place: bool


def nominate(
    session: Session,
    actor_id: int,
    batch_id: int,
    teacher_ids: Sequence[int],
    *,
    override: bool = False,
    now: datetime,
) -> Nominated:
    """Nominate these people, all or none; who is in already stays as they are.

    A seat is held for each from now on. ``override`` says that the school has seen what they
    miss at the same time and wants it so; that is kept with the decision.

    Raises NotFound, NotAllowed, ProgrammeCancelled, NotByNomination, NominationClosed,
    ListReported, IsIn, DoesNotFit, Clashing, NoSeatLeft, FewerSeats or SeatReserved.
    """
    if len(teacher_ids) > MOST:
        raise TooManyAtOnce
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    today = local_day(now, offices.zone(session))
    units = {
        one: nominations.unit_of(session, actor_id, one, today)
        for one in dict.fromkeys(teacher_ids)
    }
    if not nominations.takes_place(batch, programme):
        raise ProgrammeCancelled(programme.title)
    if programme.enrolment is not Enrolment.NOMINATION:
        raise NotByNomination(programme.title, programme.enrolment)
    known = nominations.registrations(session, batch_id, units)
    names = nominations.names_of(session, units)
    state = nominations.state_of_chosen(programme)
    new = [one for one in units if not _is_nominated(known.get(one))]
    if new:
        closes_at = nominations.closes_at(batch)
        if batch.roster_date is not None and now >= batch.roster_date:
            raise ListReported(programme.title, batch.roster_date)
        if now >= closes_at:
            raise NominationClosed(programme.title, closes_at)
        check_people(session, programme, batch_id, new, known, names, override=override, now=now)
    session.flush()
    for number, one in enumerate(new):
        try:
            quota_id, rule = _seat(session, batch, programme, actor_id, units[one], one, names, now)
        except NoSeatLeft as refused:
            if not number:
                raise
            raise FewerSeats(programme.title, refused.seats, number, len(new)) from refused
        registration = write(
            session,
            known.get(one),
            batch_id,
            one,
            units[one],
            quota_id,
            Source.NOMINATED,
            state,
            now=now,
        )
        facts: dict[str, Any] = {"seat": rule, "asks": programme.asks_consent}
        others = clashes(session, one, batch_id) if override else ()
        if others:
            facts["in_spite_of"] = [clash.batch_id for clash in others]
        decide(session, registration.id, "nominated", facts, now=now, actor_id=actor_id)
        tell(session, "nominated", registration, batch, now=now)
    if new:
        set_deadline(session, batch, programme, now=now)
        audit.record(
            session,
            actor_id,
            "nominate",
            f"batch:{batch_id}",
            now=now,
            after={"teacher_ids": new, "in_spite_of_clashes": override},
        )
    session.flush()
    return Nominated(batch_id, programme.title, tuple(names[one] for one in units), state, len(new))


def take_back(
    session: Session, actor_id: int, batch_id: int, teacher_id: int, *, now: datetime
) -> RegistrationState:
    """Take a nomination back that the teacher has not accepted yet; the seat is free again.

    Where nobody is asked, it can be taken back as long as nominations are open. Raises
    NotFound, NotAllowed or NotReplaceable.
    """
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    today = local_day(now, offices.zone(session))
    registration = nominations.registrations(session, batch_id, [teacher_id]).get(teacher_id)
    if registration is None:
        raise NotFound("nomination")
    authority.check(session, actor_id, Act.NOMINATE, registration.unit_id_at, today=today)
    if registration.state is RegistrationState.WITHDRAWN:
        return registration.state
    if not nominations.may_take_back(
        programme, registration.state, registration.source, now, nominations.closes_at(batch)
    ):
        raise NotReplaceable(
            nominations.names_of(session, [teacher_id])[teacher_id], registration.state
        )
    _leave(session, registration, "", now=now)
    decide(session, registration.id, "nomination_taken_back", now=now, actor_id=actor_id)
    audit.record(
        session, actor_id, "take_back_nomination", f"registration:{registration.id}", now=now
    )
    tell(session, "nomination_gone", registration, batch, now=now)
    session.flush()
    waiting.offer_next(session, batch_id, now=now, because="offered_after_withdrawal")
    return RegistrationState.WITHDRAWN


def chosen(session: Session, registration_id: int) -> Chosen:
    """Return a nomination as it stands now. Raises NotFound."""
    row = session.exec(
        select(Registration, Batch, Programme, OrgUnit.name)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(Registration.id == registration_id)
    ).first()
    if row is None:
        raise NotFound("nomination")
    registration, batch, programme, school = row
    closes = nominations.closes_at(batch)
    return Chosen(
        batch_id=batch.id,
        title=programme.title,
        state=registration.state,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        place=batch.place,
        answer_by=closes if closes > registration.submitted_at else batch.starts_at,
        school=school,
        takes_place=nominations.takes_place(batch, programme),
    )


def check_people(
    session: Session,
    programme: Programme,
    batch_id: int,
    teacher_ids: Sequence[int],
    known: Mapping[int, Registration],
    names: Mapping[int, str],
    *,
    override: bool,
    now: datetime,
) -> None:
    """Raise IsIn, DoesNotFit or Clashing for the first who cannot be chosen."""
    for one in teacher_ids:
        registration = known.get(one)
        if registration is not None and registration.state not in MAY_BE_NOMINATED:
            raise IsIn(names[one], registration.state)
    fit = fitting(session, programme, teacher_ids, now=now)
    for one in teacher_ids:
        if one not in fit:
            raise DoesNotFit(names[one], unfit(session, programme, one, now=now))
    if override:
        return
    clashing = tuple(
        (names[one], clash)
        for one in teacher_ids
        for clash in clashes(session, one, batch_id)
        if clash.batch_id != batch_id
    )
    if clashing:
        raise Clashing(clashing)


def _seat(
    session: Session,
    batch: Batch,
    programme: Programme,
    actor_id: int,
    unit_id: int,
    teacher_id: int,
    names: Mapping[int, str],
    now: datetime,
) -> tuple[int | None, str]:
    """Hold a seat of the school, else one that is open to all; return its allotment.

    Who waits goes first, as everywhere. Raises NoSeatLeft or SeatReserved.
    """
    quotas = nominations.quotas_of(session, batch.id)
    if not quotas:
        return None, "without_limit"
    own = next((q for q in quotas if q.unit_id == unit_id and not q.is_pool), None)
    refused: Refusal | None = None
    if own is not None and own.taken < own.seats:
        if not reserves.who_may(session, own.id, [teacher_id]):
            refused = SeatReserved(names[teacher_id], own.reserved)
        elif not reserves.somebody_waits(session, own.id) and seats.hold(session, own.id):
            return own.id, "school"
    today = local_day(now, offices.zone(session))
    above = nominations.oversees(session, actor_id, today)
    pool = next((quota for quota in quotas if quota.is_pool), None)
    if (
        pool is not None
        and nominations.pool_left(quotas, now, above) > 0
        and not reserves.somebody_waits(session, pool.id)
        and seats.hold(session, pool.id)
    ):
        return pool.id, "pool"
    raise refused or NoSeatLeft(programme.title, own.seats if own is not None else 0)


def _is_nominated(registration: Registration | None) -> bool:
    """Whether a second tap finds what the first has done."""
    return (
        registration is not None
        and registration.source in (Source.NOMINATED, Source.SUBSTITUTE)
        and registration.state in LIVE
    )


def write(
    session: Session,
    registration: Registration | None,
    batch_id: int,
    teacher_id: int,
    unit_id: int,
    quota_id: int | None,
    source: Source,
    state: RegistrationState,
    *,
    now: datetime,
) -> Registration:
    """Write the registration of somebody chosen, over an earlier one that has ended."""
    if registration is None:
        registration = Registration(
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=unit_id,
            source=source,
            state=state,
            submitted_at=now,
            queued_at=now,
            changed_at=now,
        )
        session.add(registration)
    registration.unit_id_at = unit_id
    registration.source = source
    registration.state = state
    registration.quota_id = quota_id
    registration.submitted_at = registration.queued_at = registration.changed_at = now
    registration.reason = registration.leave_request = ""
    registration.leave_requested_at = None
    session.flush()
    return registration


def _leave(session: Session, registration: Registration, reason: str, *, now: datetime) -> None:
    """End a registration and give its seat back."""
    session.flush()
    seats.free(session, registration.quota_id)
    registration.state = RegistrationState.WITHDRAWN
    registration.quota_id = None
    registration.reason = reason
    registration.changed_at = now
    session.flush()


def set_deadline(session: Session, batch: Batch, programme: Programme, *, now: datetime) -> None:
    """Those who are asked are reminded until the list closes, or the class begins."""
    if not programme.asks_consent:
        return
    closes = nominations.closes_at(batch)
    at = closes if closes > now else batch.starts_at
    if at > now:
        deadlines.set_deadline(session, "nomination", batch.id, at, now=now)


def tell(
    session: Session, kind: str, registration: Registration, batch: Batch, *, now: datetime
) -> None:
    """Leave a message for somebody who was chosen, replaced or is not asked any more."""
    outbox.put(
        session,
        kind,
        teacher_id=registration.teacher_id,
        facts={"batch_id": batch.id, "registration_id": registration.id},
        priority=Priority.OFFER,
        not_before=now,
        useful_until=batch.ends_at,
        dedupe_key=f"{kind}:{registration.id}:{now.isoformat()}",
        now=now,
    )
