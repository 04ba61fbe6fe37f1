"""What waits for whoever decides: the figures of their card, and the one card of the day.

Upward messages go out once a day at half past four (domain/5-reminders.md §5.3); sooner only
when a meeting that somebody wants leave from begins before the next card would come.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import moments
from storage.calendar import workdays
from storage.calendar.steps import parse_offset
from storage.calendar.workdays import WorkCalendar
from storage.deeds import Deed
from storage.kinds import BY_CARD
from storage.messaging import outbox, quiet, upward
from storage.messaging.tables import Level, OutboxMessage, OutboxState, Priority
from storage.people import authority, units
from storage.people.authority import MAY
from storage.people.tables import (
    Account,
    Role,
    RoleAssignment,
    ScopeKind,
)
from storage.refusals import NotAllowed
from storage.training import absences, approving
from storage.training.deciding import DECIDES, Scope, scope
from storage.training.tables import (
    Batch,
    ClassSession,
    Leave,
    LeaveState,
    Programme,
    ProgrammeState,
    Registration,
)
from storage.waiting_for import Waiting

CARD = "approvals_waiting"
CARD_MINUTE = 16 * 60 + 30
PRESSING = timedelta(hours=2)
"""A meeting that begins sooner than this after the card brings the card forward."""
PRINCIPAL_AFTER = parse_offset(BY_CARD["approve_school"][Level.PRINCIPAL]).number
"""Working days after which a school's head hears of what its coordinator has left."""
AT_ONCE = 50  # cards of one transaction
KINDS = (("approvals", "registrations"), ("withdrawals", "withdrawals"), ("leaves", "leaves"))
"""What waits, as the desk calls it and as a line counts it."""


@dataclass(frozen=True)
class Line:
    """A class in which something waits; ``leaves`` counts what was asked together as one."""

    batch_id: int
    title: str
    batch: str
    registrations: int
    withdrawals: int
    leaves: int
    approve_close: datetime | None

    @property
    def total(self) -> int:
        return self.registrations + self.withdrawals + self.leaves


@dataclass(frozen=True)
class Last:
    """The newest decision of this person that can still be undone."""

    deed_id: int
    until: datetime


@dataclass(frozen=True)
class Worklist:
    """All that waits for one person.

    ``upto`` is when the newest of the registrations came: a key that approves all approves
    none that came later. ``since`` is when the oldest of anything came, ``soonest`` the first
    meeting that somebody wants leave from. ``own`` counts what is the reader's own and waits
    for somebody else.
    """

    lines: tuple[Line, ...]
    registrations: int
    withdrawals: int
    leaves: int
    upto: datetime | None
    since: datetime | None
    soonest: datetime | None
    last: Last | None
    own: int = 0

    @property
    def total(self) -> int:
        return self.registrations + self.withdrawals + self.leaves


def worklist(session: Session, actor_id: int, *, batch_id: int = 0, now: datetime) -> Worklist:
    """Return what waits for the actor, in one class or (0) in all. Raises NotAllowed."""
    held = scope(session, actor_id, now=now)
    found = _worklist(session, held, batch_id, now=now)
    own = approving.own_waiting(session, held, batch_id, now=now)
    own += len(absences.ids(session, held, batch_id, mine=True, now=now))
    return replace(found, last=_last(session, actor_id, now=now), own=own)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return what waits for the actor class by class, as the desk shows it; nobody is refused."""
    try:
        found = worklist(session, actor_id, now=now)
    except NotAllowed:
        return ()
    return tuple(
        Waiting(kind, number, line.batch_id, line.title)
        for kind, of in KINDS
        for line in found.lines
        if (number := getattr(line, of))
    )


def _worklist(session: Session, held: Scope, batch_id: int, *, now: datetime) -> Worklist:
    approvals = approving.by_batch(session, held, asking=False, now=now)
    withdrawals = approving.by_batch(session, held, asking=True, now=now)
    leaves = absences.by_batch(session, held, now=now)
    concerned = {*approvals, *withdrawals, *leaves}
    if batch_id:
        concerned &= {batch_id}
    rows = session.exec(
        select(Batch.id, Programme.title, Batch.title, Batch.approve_close)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Batch.id).in_(concerned))
        .order_by(col(Batch.starts_at), col(Batch.id))
    ).all()

    def number(of: dict[int, tuple[int, datetime, datetime]], id_: int) -> int:
        return of[id_][0] if id_ in of else 0

    lines = tuple(
        Line(
            id_,
            title,
            batch,
            number(approvals, id_),
            number(withdrawals, id_),
            number(leaves, id_),
            approve_close,
        )
        for id_, title, batch, approve_close in rows
    )
    every = [of[id_] for of in (approvals, withdrawals, leaves) for id_ in concerned & of.keys()]
    return Worklist(
        lines=lines,
        registrations=sum(line.registrations for line in lines),
        withdrawals=sum(line.withdrawals for line in lines),
        leaves=sum(line.leaves for line in lines),
        upto=max((approvals[id_][2] for id_ in concerned & approvals.keys()), default=None),
        since=min((since for _, since, _ in every), default=None),
        soonest=min((leaves[id_][2] for id_ in concerned & leaves.keys()), default=None),
        last=None,
    )


def _last(session: Session, actor_id: int, *, now: datetime) -> Last | None:
    row = session.exec(
        select(Deed.id, Deed.until)
        .where(
            Deed.actor_id == actor_id,
            col(Deed.kind).in_([approving.DEED, absences.DEED]),
            col(Deed.undone_at).is_(None),
            Deed.until > now,
        )
        .order_by(col(Deed.id).desc())
    ).first()
    return None if row is None else Last(*row)


# --- the card of the day ---------------------------------------------------------------------


def due(session: Session, *, now: datetime) -> list[int]:
    """Return who is to get the card of this day now; to nobody else it has to be put.

    Only reads, and when nothing waits anywhere it costs three look-ups.
    """
    calendar = workdays.load(session)
    today = moments.local_day(now, calendar.zone)
    if not calendar.is_workday(today):
        return []
    found = _with_word_from_below(session, today, calendar, now)
    soonest = _soonest_leave(session, now)
    for teacher_id, hours in _candidates(session, today, now):
        card = _card_at(hours, today, calendar)
        # Before its hour only a leave that presses brings a card forward, and most days have none.
        if now < card and (soonest is None or soonest > card + PRESSING):
            continue
        if teacher_id in found:
            continue
        if not quiet.may_ring(now, hours, calendar):
            continue
        try:
            held = scope(session, teacher_id, now=now)
        except NotAllowed:
            continue
        waiting = _worklist(session, held, 0, now=now)
        if waiting.total and _is_due(session, teacher_id, hours, waiting, calendar, now):
            found.append(teacher_id)
            if len(found) == AT_ONCE:
                break
    return found


def put(session: Session, teacher_ids: Collection[int], *, now: datetime) -> int:
    """Queue the card of this day for each; a second one of the day is not queued.

    What it says is read when it is sent, and nothing is sent when nothing waits then. It does
    not ring for whom the daily brief rings anyway.
    """
    calendar = workdays.load(session)
    today = moments.local_day(now, calendar.zone)
    tomorrow = moments.at(date.fromordinal(today.toordinal() + 1), 0, calendar.zone)
    queued = 0
    for teacher_id in teacher_ids:
        brief = f"brief:{today.isoformat()}:{teacher_id}"
        rings_anyway = session.exec(
            select(OutboxMessage.id).where(
                OutboxMessage.dedupe_key == brief,
                col(OutboxMessage.state).in_(
                    [OutboxState.PENDING, OutboxState.SENDING, OutboxState.SENT]
                ),
            )
        ).first()
        queued += bool(
            outbox.put(
                session,
                "approvals_waiting",
                teacher_id=teacher_id,
                facts={},
                priority=Priority.BRIEF,
                not_before=now,
                useful_until=tomorrow,
                dedupe_key=_key(teacher_id, today),
                now=now,
                rings=rings_anyway is None,
            )
        )
    return queued


def _with_word_from_below(
    session: Session, today: date, calendar: WorkCalendar, now: datetime
) -> list[int]:
    """Who is to hear from below what others still owe, and has had no card today."""
    found = [
        teacher_id
        for teacher_id, hours in upward.waiting(session, now=now)
        if now >= _card_at(hours, today, calendar) and quiet.may_ring(now, hours, calendar)
    ]
    keys = {_key(teacher_id, today): teacher_id for teacher_id in found}
    had = session.exec(
        select(OutboxMessage.dedupe_key).where(col(OutboxMessage.dedupe_key).in_(keys))
    ).all()
    return [teacher_id for key, teacher_id in keys.items() if key not in set(had)][:AT_ONCE]


def _key(teacher_id: int, day: date) -> str:
    return f"{CARD}:{day.isoformat()}:{teacher_id}"


def _is_due(
    session: Session,
    teacher_id: int,
    hours: quiet.Hours,
    waiting: Worklist,
    calendar: WorkCalendar,
    now: datetime,
) -> bool:
    """Whether the hour has come, or a meeting will not wait for it."""
    today = moments.local_day(now, calendar.zone)
    card = _card_at(hours, today, calendar)
    is_time = now >= card or (waiting.soonest is not None and waiting.soonest <= card + PRESSING)
    return is_time and not _is_left_to_others(session, teacher_id, waiting, calendar, today)


def _card_at(hours: quiet.Hours, today: date, calendar: WorkCalendar) -> datetime:
    """When the card of the day comes, in this person's hours."""
    minute = replace(hours, brief=CARD_MINUTE).brief_minute
    return moments.at(today, minute, calendar.zone)


def _soonest_leave(session: Session, now: datetime) -> datetime | None:
    """When the soonest meeting begins from which somebody's leave is not decided yet."""
    return session.exec(
        select(sa.func.min(ClassSession.starts_at))
        .join(Leave, col(Leave.session_id) == col(ClassSession.id))
        .where(
            col(Leave.state).in_([LeaveState.REQUESTED, LeaveState.SCHOOL_OK]),
            col(ClassSession.starts_at) > now,
        )
    ).one()


def _is_left_to_others(
    session: Session, teacher_id: int, waiting: Worklist, calendar: WorkCalendar, today: date
) -> bool:
    """Whether this is a school's head whose coordinators have had no time for it yet."""
    grants = [
        grant
        for grant in authority.grants(session, teacher_id, today=today)
        if MAY[grant.role] & DECIDES
    ]
    if any(grant.role is not Role.PRINCIPAL for grant in grants):
        return False
    tended = session.exec(
        select(RoleAssignment.id).where(
            RoleAssignment.role == Role.SCHOOL_COORDINATOR,
            RoleAssignment.scope_kind == ScopeKind.UNIT,
            col(RoleAssignment.scope_id).in_([grant.unit_id for grant in grants]),
            RoleAssignment.teacher_id != teacher_id,
            authority.runs(today),
        )
    ).first()
    if tended is None or waiting.since is None:
        return False
    since = moments.local_day(waiting.since, calendar.zone)
    return calendar.workdays_between(since, today) < PRINCIPAL_AFTER


def _candidates(session: Session, today: date, now: datetime) -> list[tuple[int, quiet.Hours]]:
    """Whose role may reach what waits, and who has had no card today; more than need be."""
    concerned, batches = _concerned(session, now)
    if not concerned and not batches:
        return []
    above = units.with_all_above(session, concerned)
    roles = [role for role, acts in MAY.items() if acts & DECIDES]
    rows = session.connection().execute(
        sa.select(
            col(RoleAssignment.teacher_id),
            col(Account.brief_minute),
            col(Account.quiet_from),
            col(Account.quiet_until),
        )
        .distinct()
        .join(Account, col(Account.teacher_id) == col(RoleAssignment.teacher_id))
        .where(
            col(Account.reachable),
            col(RoleAssignment.role).in_(roles),
            authority.runs(today),
            sa.or_(
                col(RoleAssignment.scope_kind) == ScopeKind.TENANT,
                sa.and_(
                    col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
                    col(RoleAssignment.scope_id).in_(above),
                ),
                sa.and_(
                    col(RoleAssignment.scope_kind) == ScopeKind.BATCH,
                    col(RoleAssignment.scope_id).in_(batches),
                ),
            ),
            ~sa.exists().where(
                col(OutboxMessage.dedupe_key)
                == sa.literal(_key(0, today)[:-1], sa.String).concat(
                    sa.cast(col(RoleAssignment.teacher_id), sa.String)
                )
            ),
        )
        .order_by(col(RoleAssignment.teacher_id))
    )
    return [(row[0], quiet.Hours(*row[1:])) for row in rows]


def _concerned(session: Session, now: datetime) -> tuple[set[int], set[int]]:
    """The units and classes in which something waits for somebody, the school or the organiser."""
    alive = sa.and_(
        col(Programme.state) == ProgrammeState.PUBLISHED, col(Batch.cancelled_at).is_(None)
    )
    registrations = (
        sa.select(col(Registration.unit_id_at), col(Programme.owner_unit_id), col(Batch.id))
        .distinct()
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
    )
    waits_for_word = col(Registration.state).in_(approving.UNDECIDED)
    asks = sa.and_(
        col(Registration.leave_requested_at).is_not(None),
        col(Registration.state).in_(approving.WITHDRAWABLE),
    )
    leaves = (
        registrations.join(Leave, col(Leave.registration_id) == col(Registration.id))
        .join(ClassSession, col(ClassSession.id) == col(Leave.session_id))
        .where(
            alive,
            col(Leave.state).in_(absences.OPEN),
            col(ClassSession.ends_at) > now - absences.STILL_DECIDED,
        )
    )
    concerned: set[int] = set()
    batches: set[int] = set()
    for statement in (
        # Two statements, each with an index of its own.
        registrations.where(alive, col(Batch.ends_at) > now, waits_for_word),
        registrations.where(alive, col(Batch.ends_at) > now, asks),
        leaves,
    ):
        for unit_id, owner_id, batch_id in session.connection().execute(statement):
            concerned |= {unit_id, owner_id}
            batches.add(batch_id)
    return concerned, batches
