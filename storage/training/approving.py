"""Approving: the decisions of school and organiser on registrations and late withdrawals.

Guarded by state: whoever comes second changes nothing and is shown what was decided. Each act
can be undone for ten minutes, and only then is the teacher told of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.credits import balance
from storage.deeds import ChangedSince, Deed
from storage.messaging import outbox
from storage.moments import local_day
from storage.people import accounts, authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, OwnCase
from storage.training import answers, seats, waiting
from storage.training.answers import Answer, Kind
from storage.training.clashes import Clash, clashes
from storage.training.deciding import (
    SCHOOL_FIRST,
    SchoolDecides,
    Scope,
    WantsOut,
    name_of,
    of_batches,
    school_is_late,
    scope,
    sentence,
    under_way,
)
from storage.training.decisions import Rule, decide
from storage.training.refusals import ProgrammeCancelled
from storage.training.registration import SELF_REGISTERED, closes_at
from storage.training.tables import (
    LIVE,
    SEATED,
    Approval,
    Batch,
    Decision,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)

DEED = "decide_registrations"
PAGE = 8
OTHERS = 3
"""How many other trainings of a person are shown to who decides."""

UNDECIDED = (RegistrationState.SUBMITTED, RegistrationState.SCHOOL_APPROVED)
WITHDRAWABLE = (
    RegistrationState.SUBMITTED,
    RegistrationState.SCHOOL_APPROVED,
    RegistrationState.APPROVED,
    RegistrationState.ATTENDING,
)


class Verdict(StrEnum):
    """What is decided."""

    APPROVE = "approve"
    RETURN = "return"  # with a reason; the teacher may register again
    REJECT = "reject"  # for good, by the organiser
    EXEMPT = "exempt"  # by the organiser; leaves the denominator of every rate
    LET_GO = "let_go"  # agree to a late withdrawal
    KEEP = "keep"  # and not agree


@dataclass(frozen=True)
class Standing:
    """Where somebody's registration stands; ``by`` decided last, empty for the clock."""

    registration_id: int
    name: str
    state: RegistrationState
    by: str


@dataclass(frozen=True)
class Decided:
    """What a decision came to.

    ``past`` are those on whom somebody had decided before; ``deed_id`` can be undone until
    ``undo_until``, and is None when nothing was changed. ``own`` counts the actor's own that
    were left to somebody else.
    """

    done: tuple[Standing, ...]
    past: tuple[Standing, ...]
    deed_id: int | None
    undo_until: datetime | None
    own: int = 0


@dataclass(frozen=True)
class Person:
    """Somebody who waits, in a list."""

    registration_id: int
    name: str
    title: str
    state: RegistrationState


@dataclass(frozen=True)
class People:
    """A page of those who wait, from 0."""

    lines: tuple[Person, ...]
    page: int
    pages: int
    total: int


@dataclass(frozen=True)
class Other:
    """Another training that the person is in."""

    title: str
    state: RegistrationState
    starts_at: datetime


@dataclass(frozen=True)
class Review:
    """Whatever helps to decide on one registration.

    ``counted`` of ``total`` are the hours of the running cycle, None for who may not see them.
    ``place`` is the place among those who wait, from 1; 0 when it is decided. ``decided_by`` is
    who decided last, empty for nobody. ``asks`` is why the person wants to withdraw.
    """

    registration_id: int
    batch_id: int
    title: str
    batch: str
    starts_at: datetime
    ends_at: datetime
    approve_close: datetime | None
    name: str
    school: str
    subjects: tuple[str, ...]
    state: RegistrationState
    source: Source
    submitted_at: datetime
    seats_left: int | None
    queue: int
    clashes: tuple[Clash, ...]
    others: tuple[Other, ...]
    counted: Decimal | None
    total: Decimal | None
    unit: str
    asks: str
    asked_at: datetime | None
    place: int
    of: int
    may_reject: bool
    decided_by: str


@dataclass(frozen=True)
class Told:
    """What a teacher is told of a decision, as things stand in the moment of telling."""

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    contact: str
    state: RegistrationState
    may_register_until: datetime | None


# --- what waits ------------------------------------------------------------------------------


def waits_for_word(held: Scope, *, mine: bool = False, now: datetime) -> sa.ColumnElement[bool]:
    """Which registrations wait for this actor; with ``Batch`` and ``Programme`` joined.

    ``mine`` are those that would, were they not the actor's own.
    """
    late = sa.and_(col(Batch.approve_close) <= now, col(Batch.id).in_(held.last))
    submitted = col(Registration.state) == RegistrationState.SUBMITTED
    approved = col(Registration.state) == RegistrationState.SCHOOL_APPROVED
    return sa.and_(
        under_way(now),
        held.of(mine=mine),
        col(Registration.state).in_(UNDECIDED),  # said once more for the index
        col(Registration.leave_requested_at).is_(None),
        sa.or_(
            sa.and_(submitted, sa.or_(held.first(), late)),
            sa.and_(approved, col(Batch.id).in_(held.last)),
        ),
    )


def asks_to_go(held: Scope, *, mine: bool = False, now: datetime) -> sa.ColumnElement[bool]:
    """Which late withdrawals wait for this actor: the school first, a day later both."""
    return sa.and_(
        under_way(now),
        held.of(mine=mine),
        col(Registration.leave_requested_at).is_not(None),
        col(Registration.state).in_(WITHDRAWABLE),
        sa.or_(
            held.first(),
            sa.and_(
                col(Batch.id).in_(held.last),
                col(Registration.leave_requested_at) <= now - SCHOOL_FIRST,
            ),
        ),
    )


def ids(
    session: Session, held: Scope, batch_id: int, *, asking: bool = False, now: datetime
) -> list[int]:
    """The registrations that wait, in one class or (0) in all, the oldest registration first."""
    where = asks_to_go(held, now=now) if asking else waits_for_word(held, now=now)
    found = _joined(sa.select(col(Registration.id))).where(where).order_by(col(Registration.id))
    if batch_id:
        found = found.where(col(Registration.batch_id) == batch_id)
    return list(session.connection().execute(found).scalars())


def own_waiting(session: Session, held: Scope, batch_id: int, *, now: datetime) -> int:
    """How many of the actor's own wait for somebody else, in one class or (0) in all."""
    either = sa.or_(waits_for_word(held, mine=True, now=now), asks_to_go(held, mine=True, now=now))
    found = _joined(sa.select(sa.func.count())).where(either)
    if batch_id:
        found = found.where(col(Registration.batch_id) == batch_id)
    return int(session.connection().execute(found).scalar_one())


def _joined(statement: Any) -> Any:
    return (
        statement.select_from(Registration)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
    )


def people(
    session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime
) -> People:
    """Return a page of those who wait for the actor's word. Raises NotAllowed."""
    waiting_ids = ids(session, scope(session, actor_id, now=now), batch_id, now=now)
    pages = max(1, -(-len(waiting_ids) // PAGE))
    page = min(max(0, page), pages - 1)
    shown = waiting_ids[page * PAGE : (page + 1) * PAGE]
    rows = session.exec(
        select(Registration.id, Teacher.name, Programme.title, Registration.state)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Registration.id).in_(shown))
        .order_by(col(Registration.id))
    ).all()
    lines = tuple(Person(a, b, c, RegistrationState(d)) for a, b, c, d in rows)
    return People(lines, page, pages, len(waiting_ids))


def review(
    session: Session,
    actor_id: int,
    registration_id: int,
    *,
    batch_id: int = 0,
    asking: bool = False,
    now: datetime,
) -> Review:
    """Return what helps to decide on one person; the log keeps that it was looked at.

    ``batch_id`` and ``asking`` say in which list one stands. Raises NotFound or NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    held = scope(session, actor_id, now=now)
    row = _rows(session, [registration_id], lock=False)[0]
    registration, batch, programme, name = row
    rights = _rights(session, held, [row])
    may_reject = batch.id in rights.last
    if not may_reject and registration.id not in rights.first:
        raise NotAllowed
    audit.record(
        session, actor_id, "look_at_registration", f"registration:{registration_id}", now=now
    )
    session.flush()
    sees_hours = authority.may(
        session, actor_id, Act.SEE_PEOPLE, registration.unit_id_at, today=today
    )
    hours = balance.balance_of(session, registration.teacher_id, now=now) if sees_hours else None
    others = session.exec(
        select(Programme.title, Registration.state, Batch.starts_at)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.teacher_id == registration.teacher_id,
            Registration.id != registration_id,
            col(Registration.state).in_(LIVE),
            Batch.ends_at > now,
            Programme.state == ProgrammeState.PUBLISHED,
        )
        .order_by(col(Batch.starts_at), col(Batch.id))
        .limit(OTHERS)
    ).all()
    waiting_ids = ids(session, held, batch_id, asking=asking, now=now)
    is_waiting = registration_id in waiting_ids
    profile = accounts.profile(session, registration.teacher_id)
    school = session.exec(select(OrgUnit.name).where(OrgUnit.id == registration.unit_id_at)).one()
    left, queue = _seats(session, registration)
    return Review(
        registration_id=registration_id,
        batch_id=batch.id,
        title=programme.title,
        batch=batch.title,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        approve_close=batch.approve_close,
        name=name,
        school=school,
        subjects=profile.subjects,
        state=registration.state,
        source=registration.source,
        submitted_at=registration.submitted_at,
        seats_left=left,
        queue=queue,
        clashes=clashes(session, registration.teacher_id, batch.id),
        others=tuple(Other(title, RegistrationState(state), at) for title, state, at in others),
        counted=hours.counted if hours else None,
        total=hours.total if hours else None,
        unit=hours.unit if hours else "",
        asks=registration.leave_request,
        asked_at=registration.leave_requested_at,
        place=waiting_ids.index(registration_id) + 1 if is_waiting else 0,
        of=len(waiting_ids),
        may_reject=may_reject,
        decided_by=_decided_by(session, [registration_id])[registration_id],
    )


def _seats(session: Session, registration: Registration) -> tuple[int | None, int]:
    """Free seats for people of this school, None without a limit; and how many wait."""
    quotas = session.exec(
        select(Quota.unit_id, Quota.is_pool, Quota.seats - Quota.taken).where(
            Quota.batch_id == registration.batch_id
        )
    ).all()
    queue = session.exec(
        select(sa.func.count())
        .select_from(Registration)
        .where(
            Registration.batch_id == registration.batch_id,
            Registration.state == RegistrationState.WAITLISTED,
        )
    ).one()
    if not quotas:
        return None, int(queue)
    mine = [free for unit, pool, free in quotas if pool or unit == registration.unit_id_at]
    return int(sum(mine)), int(queue)


# --- decisions -------------------------------------------------------------------------------


def approve(
    session: Session, actor_id: int, registration_ids: Collection[int], *, now: datetime
) -> Decided:
    """Say yes, as the school or as the organiser; whoever is both says it once.

    Raises NotFound, NotAllowed, OwnCase, SchoolDecides, WantsOut or ProgrammeCancelled.
    """
    return _decide(session, actor_id, registration_ids, Verdict.APPROVE, "", now=now)


def approve_all(
    session: Session, actor_id: int, *, upto: datetime, batch_id: int = 0, now: datetime
) -> Decided:
    """Say yes to all who wait, in one class or (0) in all, except who came after ``upto``.

    So nobody is approved whom the card did not count. The actor's own stay for somebody else,
    and are counted apart.
    """
    held = scope(session, actor_id, now=now)
    found = _joined(sa.select(col(Registration.id))).where(
        waits_for_word(held, now=now), col(Registration.changed_at) <= upto
    )
    if batch_id:
        found = found.where(col(Registration.batch_id) == batch_id)
    chosen = session.connection().execute(found).scalars().all()
    own = own_waiting(session, held, batch_id, now=now)
    return replace(_decide(session, actor_id, chosen, Verdict.APPROVE, "", now=now), own=own)


def send_back(
    session: Session,
    actor_id: int,
    registration_ids: Collection[int],
    reason: str,
    *,
    now: datetime,
) -> Decided:
    """Return with a reason: the seat is given back, and the teacher may register again.

    Raises as ``approve`` does, and SentenceNeeded without a reason.
    """
    return _decide(session, actor_id, registration_ids, Verdict.RETURN, sentence(reason), now=now)


def reject(
    session: Session,
    actor_id: int,
    registration_ids: Collection[int],
    reason: str,
    *,
    now: datetime,
) -> Decided:
    """Refuse for good, as the organiser. Raises as ``send_back`` does."""
    return _decide(session, actor_id, registration_ids, Verdict.REJECT, sentence(reason), now=now)


def exempt(
    session: Session,
    actor_id: int,
    registration_ids: Collection[int],
    reason: str,
    *,
    now: datetime,
) -> Decided:
    """Take somebody out of what is due for them, as the organiser; the rates leave them out.

    Raises as ``send_back`` does.
    """
    return _decide(session, actor_id, registration_ids, Verdict.EXEMPT, sentence(reason), now=now)


def let_go(
    session: Session, actor_id: int, registration_ids: Collection[int], *, now: datetime
) -> Decided:
    """Agree to a late withdrawal, as the school or as the organiser; the seat goes on.

    For a day it is the school's alone. Raises NotFound, NotAllowed, OwnCase, SchoolDecides or
    ProgrammeCancelled.
    """
    return _decide(session, actor_id, registration_ids, Verdict.LET_GO, "", now=now)


def keep(
    session: Session,
    actor_id: int,
    registration_ids: Collection[int],
    reason: str,
    *,
    now: datetime,
) -> Decided:
    """Do not agree to a late withdrawal, with a sentence why. Raises as ``send_back`` does."""
    return _decide(session, actor_id, registration_ids, Verdict.KEEP, sentence(reason), now=now)


@dataclass(frozen=True)
class _Rights:
    first: frozenset[int]  # registrations
    last: frozenset[int]  # batches


_Line = tuple[Registration, Batch, Programme, str]


def _rows(session: Session, registration_ids: Collection[int], *, lock: bool = True) -> list[_Line]:
    """The registrations with their class, in order; nobody else moves them before the end."""
    wanted = sorted(set(registration_ids))
    batches = session.exec(
        select(Registration.batch_id).distinct().where(col(Registration.id).in_(wanted))
    ).all()
    if lock:
        seats.lock(session, *batches)
    found = (
        select(Registration, Batch, Programme, Teacher.name)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(col(Registration.id).in_(wanted))
        .order_by(col(Registration.id))
        .execution_options(populate_existing=True)
    )
    rows = session.exec(found.with_for_update(of=Registration) if lock else found).all()
    if len(rows) != len(wanted):
        raise NotFound("registration")
    return list(rows)


def _rights(session: Session, held: Scope, rows: Sequence[_Line]) -> _Rights:
    return _Rights(
        first=held.speaks_about(session, {registration.id for registration, *_ in rows}),
        last=of_batches(session, held.last, {batch.id for _, batch, *_ in rows}),
    )


def _decide(
    session: Session,
    actor_id: int,
    registration_ids: Collection[int],
    verdict: Verdict,
    reason: str,
    *,
    now: datetime,
) -> Decided:
    held = scope(session, actor_id, now=now)
    rows = _rows(session, registration_ids)
    rights = _rights(session, held, rows)
    if any(registration.teacher_id == actor_id for registration, *_ in rows):
        raise OwnCase
    steps = [(row, _step(verdict, row, rights, now)) for row in rows]
    taken = [(row, step) for row, step in steps if step is not None]
    past = [row for row, step in steps if step is None]
    by = _decided_by(session, [row[0].id for row in past])
    before = tuple(Standing(x.id, name, x.state, by[x.id]) for x, _, _, name in past)
    if not taken:
        return Decided((), before, None, None)
    deed_id = deeds.done(session, DEED, actor_id, {}, now=now)
    undo: list[dict[str, Any]] = []
    told: list[Answer] = []
    freed: set[int] = set()
    for (registration, batch, _programme, _name), (state, _rule, _facts) in taken:
        undo.append(_former(registration, state))
        audit.record(
            session,
            actor_id,
            f"registration_{verdict.value}",
            f"registration:{registration.id}",
            now=now,
            before={"state": registration.state.value},
            after={"state": state.value},
            reason=reason,
        )
        _apply(session, registration, state, verdict, reason, now=now)
        if state not in SEATED:
            freed.add(batch.id)
        kind = _kind(verdict, state)
        if kind is not None:
            about = {"registration_id": registration.id, "verdict": verdict.value, "reason": reason}
            told.append(
                Answer(kind, registration.teacher_id, registration.id, about, batch.starts_at)
            )
    session.flush()
    for (registration, *_), (_state, rule, facts) in taken:
        why = facts | ({"reason": reason} if reason else {})
        decide(session, registration.id, rule, why, now=now, actor_id=actor_id)
    keys = answers.tell(session, told, deed_id, now=now)
    deed = session.get_one(Deed, deed_id)
    deed.data = {"verdict": verdict.value, "rows": undo, "told": keys}
    session.flush()
    for batch_id in sorted(freed):
        waiting.offer_next(session, batch_id, now=now, because="offered_after_withdrawal")
    actor = name_of(session, actor_id)
    done = tuple(Standing(x.id, name, step[0], actor) for (x, _, _, name), step in taken)
    return Decided(done, before, deed_id, deed.until)


def _step(
    verdict: Verdict, row: _Line, rights: _Rights, now: datetime
) -> tuple[RegistrationState, Rule, dict[str, Any]] | None:
    """What the verdict makes of this registration, None when somebody has decided before."""
    registration, batch, programme, name = row
    state = registration.state
    first, last = registration.id in rights.first, batch.id in rights.last
    if not (first or last) or (verdict in (Verdict.REJECT, Verdict.EXEMPT) and not last):
        raise NotAllowed
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    if verdict in (Verdict.LET_GO, Verdict.KEEP):
        if registration.leave_requested_at is None or state not in WITHDRAWABLE:
            return None
        until = registration.leave_requested_at + SCHOOL_FIRST
        if not first and now < until:
            raise SchoolDecides(programme.title, until)
        if verdict is Verdict.KEEP:
            return state, "withdrawal_refused", {}
        return RegistrationState.WITHDRAWN, "withdrawal_agreed", {"before": state.value}
    if verdict is Verdict.EXEMPT:
        if state not in SEATED:
            return None
        return RegistrationState.EXEMPT, "exempted", {"before": state.value}
    if state is RegistrationState.SCHOOL_APPROVED:
        if not last:
            return None
    elif state is not RegistrationState.SUBMITTED:
        return None
    elif not first and not school_is_late(batch, now=now):
        raise SchoolDecides(programme.title, batch.approve_close)
    if registration.leave_requested_at is not None:
        raise WantsOut(name)
    by_school = state is RegistrationState.SUBMITTED and not last
    if verdict is Verdict.RETURN:
        return RegistrationState.RETURNED, "returned", {"by_school": by_school}
    if verdict is Verdict.REJECT:
        return RegistrationState.REJECTED, "rejected", {}
    if by_school and programme.approval is Approval.COUNTY:
        return RegistrationState.SCHOOL_APPROVED, "school_approved", {}
    if by_school:
        return RegistrationState.APPROVED, "approved_by_school", {}
    past_school = state is RegistrationState.SUBMITTED and not first
    return RegistrationState.APPROVED, "approved_by_organiser", {"past_school": past_school}


def _kind(verdict: Verdict, state: RegistrationState) -> Kind | None:
    """What the teacher is told; a yes that another level has to confirm is no result yet."""
    match verdict:
        case Verdict.APPROVE if state is RegistrationState.APPROVED:
            return "registration_approved"
        case Verdict.RETURN:
            return "registration_returned"
        case Verdict.REJECT:
            return "registration_rejected"
        case Verdict.EXEMPT:
            return "registration_exempt"
        case Verdict.LET_GO | Verdict.KEEP:
            return "withdrawal_answered"
        case _:
            return None


def _former(registration: Registration, after: RegistrationState) -> dict[str, Any]:
    """What it takes to put this registration back."""
    asked = registration.leave_requested_at
    return {
        "id": registration.id,
        "state": registration.state.value,
        "after": after.value,
        "quota_id": registration.quota_id,
        "reason": registration.reason,
        "changed_at": registration.changed_at.isoformat(),
        "leave_request": registration.leave_request,
        "leave_requested_at": asked and asked.isoformat(),
    }


def _apply(
    session: Session,
    registration: Registration,
    state: RegistrationState,
    verdict: Verdict,
    reason: str,
    *,
    now: datetime,
) -> None:
    if state not in SEATED:
        seats.free(session, registration.quota_id)
        registration.quota_id = None
        registration.reason = reason or registration.leave_request
    elif verdict is Verdict.APPROVE:
        registration.reason = ""
    if verdict is not Verdict.APPROVE:
        registration.leave_request = ""
        registration.leave_requested_at = None
    registration.state = state
    registration.changed_at = now


def _decided_by(session: Session, registration_ids: Collection[int]) -> dict[int, str]:
    """Who made the last decision on each, by name; empty for the clock and the person."""
    last: dict[int, int | None] = dict.fromkeys(registration_ids)
    last |= dict(
        session.exec(
            select(Decision.registration_id, Decision.actor_id)
            .where(col(Decision.registration_id).in_(registration_ids))
            .order_by(col(Decision.id))
        ).all()
    )
    names = dict(
        session.exec(
            select(Teacher.id, Teacher.name).where(
                col(Teacher.id).in_({x for x in last.values() if x is not None})
            )
        ).all()
    )
    return {id_: names.get(actor_id or 0, "") for id_, actor_id in last.items()}


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put the registrations back as they were. Raises ChangedSince when that is not possible.

    It is not when somebody has decided further, or when a freed seat has been given on.
    """
    former = {entry["id"]: entry for entry in deed.data["rows"]}
    rows = _rows(session, list(former))
    rights = _rights(session, scope(session, deed.actor_id, now=now), rows)
    is_last = Verdict(deed.data["verdict"]) in (Verdict.REJECT, Verdict.EXEMPT)
    for registration, batch, *_ in rows:
        first, last = registration.id in rights.first, batch.id in rights.last
        was_last = former[registration.id]["state"] == RegistrationState.SCHOOL_APPROVED
        if not last and (is_last or was_last or not first):
            raise NotAllowed
    for registration, batch, programme, _ in rows:
        entry = former[registration.id]
        after = RegistrationState(entry["after"])
        if registration.state is not after or registration.changed_at != deed.at:
            raise ChangedSince(programme.title)
        quota_id = entry["quota_id"]
        if quota_id is not None and registration.quota_id is None:
            quota_id = _seat_again(session, batch.id, quota_id)
            if quota_id is None:
                raise ChangedSince(programme.title)
        asked = entry["leave_requested_at"]
        registration.state = RegistrationState(entry["state"])
        registration.quota_id = quota_id
        registration.reason = entry["reason"]
        registration.changed_at = datetime.fromisoformat(entry["changed_at"])
        registration.leave_request = entry["leave_request"]
        registration.leave_requested_at = asked and datetime.fromisoformat(asked)
        facts = {"state": entry["state"], "was": entry["after"]}
        decide(session, registration.id, "decision_undone", facts, now=now, actor_id=deed.actor_id)
    session.flush()
    outbox.take_back(session, deed.data["told"])


def _seat_again(session: Session, batch_id: int, quota_id: int) -> int | None:
    """Take a seat back where it came from; one that has flowed to the pool, there."""
    if seats.hold(session, quota_id):
        return quota_id
    pool = session.exec(
        select(Quota.id).where(Quota.batch_id == batch_id, col(Quota.is_pool))
    ).first()
    return pool if pool is not None and seats.hold(session, pool) else None


# --- who may be exempted ---------------------------------------------------------------------


def find(
    session: Session, actor_id: int, batch_id: int, text: str, *, now: datetime
) -> tuple[Person, ...]:
    """Find participants of a class by part of a name, for its organiser; the log keeps it.

    Raises NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.DECIDE_LAST, batch_id, today=today)
    wanted = text.strip()[:40]
    audit.record(
        session, actor_id, "search_people", f"batch:{batch_id}", now=now, after={"text": wanted}
    )
    session.flush()
    if not wanted:
        return ()
    rows = session.exec(
        select(Registration.id, Teacher.name, OrgUnit.name, Registration.state)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(
            Registration.batch_id == batch_id,
            col(Registration.state).in_(SEATED),
            col(Teacher.name).icontains(wanted, autoescape=True),
        )
        .order_by(col(Teacher.staff_no))
        .limit(PAGE)
    ).all()
    return tuple(Person(a, b, c, RegistrationState(d)) for a, b, c, d in rows)


# --- what a teacher is told ------------------------------------------------------------------


def told(session: Session, registration_id: int, deed_id: int, *, now: datetime) -> Told | None:
    """What there is to tell of this decision now; None when it has been undone."""
    if not answers.stands(session, deed_id):
        return None
    found = session.exec(
        select(Registration, Batch, Programme)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Registration.id == registration_id)
    ).first()
    if found is None:
        return None
    registration, batch, programme = found
    closes = closes_at(batch.reg_close, batch.starts_at)
    again = programme.enrolment in SELF_REGISTERED and now < closes
    return Told(
        batch_id=batch.id,
        title=programme.title,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        place=batch.place,
        contact=programme.contact,
        state=registration.state,
        may_register_until=closes if again else None,
    )


def by_batch(
    session: Session, held: Scope, *, asking: bool, now: datetime
) -> dict[int, tuple[int, datetime, datetime]]:
    """How many wait in each class, and the oldest and newest moment from which they do."""
    where = asks_to_go(held, now=now) if asking else waits_for_word(held, now=now)
    since = col(Registration.changed_at)
    rows = session.connection().execute(
        _joined(
            sa.select(
                col(Registration.batch_id),
                sa.func.count(),
                sa.func.min(since),
                sa.func.max(since),
            )
        )
        .where(where)
        .group_by(col(Registration.batch_id))
    )
    found: dict[int, tuple[int, datetime, datetime]] = {}
    for batch_id, number, oldest, newest in rows:
        found[batch_id] = (int(number), oldest, newest)
    return found
