"""Reading programmes: what a teacher, and what a group, is told of them.

Facts for a person may hold everything about that person. ``GroupProgramme`` is what may be
posted in a group, and it has no field for a person: titles, dates, a place, and counts of at
least five.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlmodel import Session, and_, col, func, or_, select

from storage.messaging.tables import Notice, NoticeRecipient, NoticeState
from storage.moments import local_day
from storage.people.tables import Office, OrgUnit, Posting, Teacher
from storage.refusals import NotFound
from storage.training import check_in, eligibility, gates, tasks
from storage.training.audience import compare, facts_of
from storage.training.check_in import MyPresence, OpenMeeting
from storage.training.clashes import Clash, clashes
from storage.training.menu_options import live_menus, without_menu
from storage.training.refusals import Finding, Misfit
from storage.training.registration import (
    MAY_REGISTER_AGAIN,
    SELF_REGISTERED,
    Leaving,
    closes_at,
    leaving,
    second_round,
)
from storage.training.remote import my_study, pace
from storage.training.seats import place_in_queue
from storage.training.tables import (
    SEATED,
    Approval,
    Batch,
    ClassSession,
    Enrolment,
    Grade,
    Interest,
    Leave,
    LeaveState,
    Level,
    Mode,
    OfferState,
    Phase,
    PhaseKind,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Result,
    SeatOffer,
    Source,
    Task,
    TaskSubmission,
    WorkState,
)
from storage.training.windows import ON_LIST

T = TypeVar("T")

FEWEST = 5
"""The smallest count of people that a group is told; 0 is nobody."""

TOOK_PART = (
    *SEATED,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
    RegistrationState.NO_SHOW,
    RegistrationState.DROPPED,
)
RESULT_SHOWN = (
    RegistrationState.ATTENDING,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
)
"""States in which a participant sees their own result."""
TAKES_PART = (RegistrationState.APPROVED, RegistrationState.ATTENDING)


class BatchState(StrEnum):
    """Where a batch stands, in one word.

    FULL is open for the waiting list only. What is not entered by registering is CLOSED until
    it starts. PAUSED is any of them while the organiser lets it stand still.
    """

    NOT_YET_OPEN = "not_yet_open"
    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    PAUSED = "paused"


class DueKind(StrEnum):
    """What a teacher owes, or has to be at."""

    OFFER = "offer"  # answer before it lapses
    NOMINATION = "nomination"  # answer before the list closes
    SESSION = "session"
    TASK = "task"  # hand in before it is due, or late
    START = "start"
    STRETCH = "stretch"  # a part of the class that has days and no meetings
    REMOTE_END = "remote_end"  # finish before it ends
    REG_CLOSE = "reg_close"  # register, as one wanted to be told
    CONFIRM = "confirm"  # a notice


_STILL_ASKED = timedelta(days=30)
"""So long a notice whose date has passed stands among what is due."""

# Built once: to build a statement costs several times what it takes to run it.
_BATCH = (
    select(Batch, Programme)
    .join(Programme, col(Programme.id) == col(Batch.programme_id))
    .where(col(Batch.id) == bindparam("batch_id"), Programme.state != ProgrammeState.DRAFT)
)
_ZONE = sa.select(col(Office.timezone)).limit(1)
_UNIT = (
    sa.select(col(Posting.unit_id))
    .where(
        col(Posting.teacher_id) == bindparam("teacher_id"),
        col(Posting.is_primary),
        col(Posting.since) <= bindparam("today"),
        or_(col(Posting.until).is_(None), col(Posting.until) >= bindparam("today")),
    )
    .order_by(col(Posting.since).desc(), col(Posting.id).desc())
    .limit(1)
)
_QUOTAS = sa.select(Quota.__table__).where(  # type: ignore[attr-defined]
    col(Quota.batch_id).in_(bindparam("batch_ids", expanding=True))
)
_WAITING = (
    sa.select(col(Registration.batch_id), col(Registration.unit_id_at), func.count())
    .where(
        col(Registration.batch_id).in_(bindparam("batch_ids", expanding=True)),
        col(Registration.state) == RegistrationState.WAITLISTED,
    )
    .group_by(col(Registration.batch_id), col(Registration.unit_id_at))
)
_MEETINGS = (
    sa.select(ClassSession.__table__)  # type: ignore[attr-defined]
    .where(col(ClassSession.batch_id) == bindparam("batch_id"))
    .order_by(col(ClassSession.starts_at))
)
_PHASES = (
    sa.select(
        col(Phase.kind),
        col(Phase.title),
        col(Phase.starts_at),
        col(Phase.ends_at),
        sa.func.coalesce(col(OrgUnit.name), ""),
        col(Phase.gate),
    )
    .outerjoin(OrgUnit, col(OrgUnit.id) == col(Phase.host_unit_id))
    .where(col(Phase.batch_id) == bindparam("batch_id"))
    .order_by(col(Phase.position))
)
_TASKS = (
    sa.select(func.count()).select_from(Task).where(col(Task.batch_id) == bindparam("batch_id"))
)
_TEACHER = sa.select(
    col(Teacher.state),
    sa.exists()
    .where(
        col(Interest.batch_id) == bindparam("batch_id"),
        col(Interest.teacher_id) == col(Teacher.id),
    )
    .label("is_interested"),
).where(col(Teacher.id) == bindparam("teacher_id"))
_MINE = (
    select(Registration, Batch, Programme, SeatOffer)
    .join(Batch, col(Batch.id) == col(Registration.batch_id))
    .join(Programme, col(Programme.id) == col(Batch.programme_id))
    .outerjoin(
        SeatOffer,
        and_(
            col(SeatOffer.registration_id) == col(Registration.id),
            col(SeatOffer.state) == OfferState.OPEN,
            col(SeatOffer.lapses_at) > bindparam("now"),
        ),
    )
    .where(col(Registration.teacher_id) == bindparam("teacher_id"))
    .order_by(col(Registration.submitted_at).desc(), col(Registration.id).desc())
)
_MINE_IN = _MINE.where(col(Registration.batch_id) == bindparam("batch_id"))


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; ``number`` counts from 0."""

    items: tuple[T, ...]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True)
class ProgrammeLine:
    """A batch in a list. ``seats_left`` is for this teacher, None without a limit."""

    batch_id: int
    title: str
    batch_title: str
    level: Level
    category: str
    mode: Mode
    enrolment: Enrolment
    hours: Decimal
    starts_at: datetime
    ends_at: datetime
    reg_open: datetime | None
    reg_close: datetime | None
    place: str
    state: BatchState
    seats_left: int | None
    my_state: RegistrationState | None
    menu_id: int | None = None
    awaits_menu: bool = False
    """One will choose it from a menu, and there is none yet."""
    """The menu from which it is chosen, as long as that is not settled."""


@dataclass(frozen=True)
class SessionFacts:
    """One meeting."""

    session_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    online_url: str
    bring: str


@dataclass(frozen=True)
class PhaseLine:
    """A phase in a line of a card."""

    kind: PhaseKind
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    host: str = ""
    gate: bool = False


@dataclass(frozen=True)
class OpenOffer:
    """A seat that is held for the reader until it lapses."""

    offer_id: int
    lapses_at: datetime


@dataclass(frozen=True)
class MyRegistration:
    """The reader's own registration, with what can be done about it."""

    registration_id: int
    batch_id: int
    title: str
    batch_title: str
    mode: Mode
    hours: Decimal
    starts_at: datetime
    ends_at: datetime
    place: str
    batch_state: BatchState
    state: RegistrationState
    source: Source
    submitted_at: datetime
    place_in_queue: int | None
    offer: OpenOffer | None
    leaving: Leaving
    leave_requested_at: datetime | None
    reason: str
    certificate_no: str | None = None
    certificate_on: date | None = None
    make_up_until: date | None = None


@dataclass(frozen=True)
class ProgrammeCard:
    """Everything that a teacher asks about a batch.

    ``seats`` and ``seats_left`` (of the own school and of the pool, for this teacher now) are
    None without a limit. ``mine`` and what follows are empty for a reader who is not linked.
    """

    batch_id: int
    programme_id: int
    title: str
    batch_title: str
    about: str
    level: Level
    category: str
    mode: Mode
    enrolment: Enrolment
    approval: Approval
    provider: str
    contact: str
    certificate: str
    external_url: str
    hours: Decimal
    attendance_min: float
    starts_at: datetime
    ends_at: datetime
    reg_open: datetime | None
    reg_close: datetime | None
    approve_close: datetime | None
    place: str
    bring: str
    audience: dict[str, Any]
    sessions: tuple[SessionFacts, ...]
    state: BatchState
    seats: int | None
    seats_left: int | None
    waiting: int
    waiting_limit: int | None
    mine: MyRegistration | None
    misfits: tuple[Misfit, ...]
    clashes: tuple[Clash, ...]
    is_interested: bool
    can_register: bool
    revision: int
    phases: tuple[PhaseLine, ...] = ()
    is_remote: bool = False
    """Whether one studies on a platform and its figures are brought here; for who is in."""
    tasks: int = 0
    """How many tasks there are; for who is in."""
    unmet: tuple[Finding, ...] = ()
    """The conditions that this teacher does not meet."""
    score: float | None = None
    grade: Grade | None = None
    presence: tuple[MyPresence, ...] = ()  # at the meetings so far
    check_in: tuple[OpenMeeting, ...] = ()  # open now
    menu_id: int | None = None
    awaits_menu: bool = False
    """The menu from which it is chosen, as long as that is not settled."""


@dataclass(frozen=True)
class GroupProgramme:
    """What a group may be told of a batch. There is no field for a person, on purpose.

    ``registered`` is None where it would be a count of fewer than five people.
    """

    batch_id: int
    title: str
    batch_title: str
    level: Level
    mode: Mode
    hours: Decimal
    starts_at: datetime
    ends_at: datetime
    reg_open: datetime | None
    reg_close: datetime | None
    place: str
    state: BatchState
    seats: int | None
    seats_left: int | None
    registered: int | None
    revision: int
    door: Enrolment | None = None
    """How one comes in where that is not by registering; else None."""


@dataclass(frozen=True)
class DueItem:
    """One thing that a teacher still owes, or has to be at, and when.

    ``at`` is when it lapses, closes, ends or begins; ``ends_at`` is for what one attends.
    """

    kind: DueKind
    batch_id: int
    title: str
    at: datetime
    ends_at: datetime | None = None
    place: str = ""
    session_id: int | None = None
    session_title: str = ""
    online_url: str = ""
    bring: str = ""
    offer_id: int | None = None
    task_id: int | None = None
    task_title: str = ""
    phase_id: int | None = None
    is_late: bool = False
    notice_id: int | None = None
    """Set where it is a notice that is to be confirmed; then there is no batch."""


@dataclass(frozen=True)
class _Seats:
    """Seats of one batch as one teacher sees them."""

    total: int | None
    free: int | None
    left: int | None
    waiting: int


def open_for(
    session: Session, teacher_id: int, *, now: datetime, page: int = 0, size: int = 5
) -> Page[ProgrammeLine]:
    """Return the programmes that fit this teacher and are still to come.

    First what is open for registration, what closes soonest at the top; then what opens soon;
    then the others, by their start.
    """
    teacher = session.exec(select(Teacher).where(Teacher.id == teacher_id)).first()
    if teacher is None:
        raise NotFound("teacher")
    unit_id = _unit_of(session, teacher_id, now)
    if unit_id is None:  # nobody without a posting is in any programme's audience
        return Page((), 0, page, size)
    facts = facts_of(session, teacher_id)
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            Batch.ends_at > now,
            or_(col(Batch.starts_at) > now, col(Batch.reg_close) > now),
        )
        .order_by(col(Batch.starts_at), col(Batch.id))
    ).all()
    fitting = [
        (batch, programme)
        for batch, programme in found
        if not compare(programme.audience, facts, teacher.state)
    ]
    strict = eligibility.with_rules(session, [programme.id for _, programme in fitting])
    if strict:
        barred = {
            programme_id
            for programme_id in strict
            if any(x.hard for x in eligibility.check(session, teacher_id, programme_id, now=now))
        }
        fitting = [one for one in fitting if one[1].id not in barred]
    ids = [batch.id for batch, _ in fitting]
    seats = _seats(session, ids, unit_id)
    is_menu = [batch.id for batch, it in fitting if it.enrolment is Enrolment.MENU]
    chosen = live_menus(session, is_menu) if is_menu else {}
    awaiting = without_menu(session, is_menu) if is_menu else set()
    states = dict(
        session.exec(
            select(Registration.batch_id, col(Registration.state)).where(
                Registration.teacher_id == teacher_id, col(Registration.batch_id).in_(ids)
            )
        ).all()
    )
    lines = [
        ProgrammeLine(
            batch_id=batch.id,
            title=programme.title,
            batch_title=batch.title,
            level=programme.level,
            category=programme.category,
            mode=programme.mode,
            enrolment=programme.enrolment,
            hours=programme.planned_hours,
            starts_at=batch.starts_at,
            ends_at=batch.ends_at,
            reg_open=batch.reg_open,
            reg_close=batch.reg_close,
            place=batch.place,
            state=state_of(programme, batch, seats[batch.id].left == 0, now=now),
            seats_left=seats[batch.id].left,
            my_state=states.get(batch.id),
            menu_id=chosen.get(batch.id),
            awaits_menu=batch.id in awaiting,
        )
        for batch, programme in fitting
    ]
    lines.sort(key=_soonest)
    first = page * size
    return Page(tuple(lines[first : first + size]), len(lines), page, size)


def card(
    session: Session, batch_id: int, teacher_id: int | None, *, now: datetime
) -> ProgrammeCard:
    """Return everything about the batch, and about this teacher in it if one is given."""
    batch, programme = _batch(session, batch_id)
    unit_id = None if teacher_id is None else _unit_of(session, teacher_id, now)
    seats = _seats(session, [batch_id], unit_id)[batch_id]
    left = seats.free if teacher_id is None else seats.left
    state = state_of(programme, batch, left == 0, now=now)
    run = session.connection().execute
    meetings = run(_MEETINGS, {"batch_id": batch_id}).all()
    my: MyRegistration | None = None
    lacking: tuple[Misfit, ...] = ()
    unmet: tuple[Finding, ...] = ()
    others: tuple[Clash, ...] = ()
    is_interested = False
    reg_close = batch.reg_close
    presence: tuple[MyPresence, ...] = ()
    wanted: tuple[OpenMeeting, ...] = ()
    if teacher_id is not None:
        if state is BatchState.CLOSED and programme.enrolment in SELF_REGISTERED:
            again = second_round(session, teacher_id, batch_id, now=now)
            if again is not None:
                state = BatchState.FULL if left == 0 else BatchState.OPEN
                reg_close = min(again.closes_at, batch.starts_at)
        my = next(iter(mine(session, teacher_id, now=now, batch_id=batch_id)), None)
        teacher = run(_TEACHER, {"batch_id": batch_id, "teacher_id": teacher_id}).first()
        if teacher is None:
            raise NotFound("teacher")
        lacking = compare(programme.audience, facts_of(session, teacher_id), teacher.state)
        if unit_id is None:
            lacking = (*lacking, Misfit("posting", (), ()))
        unmet = eligibility.check(session, teacher_id, programme.id, now=now)
        others = clashes(session, teacher_id, batch_id)
        is_interested = teacher.is_interested
        if my is not None and my.state in ON_LIST:
            presence = check_in.mine(session, teacher_id, batch_id, now=now)
            wanted = tuple(
                one
                for one in check_in.open_for(session, teacher_id, now=now)
                if one.meeting.batch_id == batch_id
            )
    result = None
    if my is not None and my.state in RESULT_SHOWN:
        result = session.exec(
            select(Result).where(Result.registration_id == my.registration_id)
        ).first()
    menu_id = None
    awaits_menu = False
    if programme.enrolment is Enrolment.MENU:
        menu_id = live_menus(session, [batch_id]).get(batch_id)
        awaits_menu = bool(without_menu(session, [batch_id]))
    may_begin = my is None or my.state in MAY_REGISTER_AGAIN
    is_waiting_full = (
        state is BatchState.FULL
        and batch.waiting_limit is not None
        and seats.waiting >= batch.waiting_limit
    )
    return ProgrammeCard(
        batch_id=batch_id,
        programme_id=programme.id,
        title=programme.title,
        batch_title=batch.title,
        about=programme.about,
        level=programme.level,
        category=programme.category,
        mode=programme.mode,
        enrolment=programme.enrolment,
        approval=programme.approval,
        provider=programme.provider,
        contact=programme.contact,
        certificate=programme.certificate,
        external_url=programme.external_url,
        hours=programme.planned_hours,
        attendance_min=programme.attendance_min,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        reg_open=batch.reg_open,
        reg_close=reg_close,
        approve_close=batch.approve_close,
        place=batch.place,
        bring=batch.bring,
        audience=dict(programme.audience),
        sessions=tuple(
            SessionFacts(x.id, x.title, x.starts_at, x.ends_at, x.place, x.online_url, x.bring)
            for x in meetings
        ),
        state=state,
        seats=seats.total,
        seats_left=left,
        waiting=seats.waiting,
        waiting_limit=batch.waiting_limit,
        mine=my,
        misfits=lacking,
        clashes=others,
        is_interested=is_interested,
        can_register=(
            teacher_id is not None
            and may_begin
            and not lacking
            and not any(finding.hard for finding in unmet)
            and not is_waiting_full
            and menu_id is None
            and not awaits_menu
            and state in (BatchState.OPEN, BatchState.FULL)
        ),
        revision=batch.revision,
        phases=tuple(PhaseLine(*row) for row in run(_PHASES, {"batch_id": batch_id})),
        is_remote=my is not None and my_study.is_remote(session, batch_id),
        tasks=0 if my is None else run(_TASKS, {"batch_id": batch_id}).scalar_one(),
        unmet=unmet,
        score=None if result is None else result.score,
        grade=None if result is None else result.grade,
        presence=presence,
        check_in=wanted,
        menu_id=menu_id,
        awaits_menu=awaits_menu,
    )


def group_facts(session: Session, batch_id: int, *, now: datetime) -> GroupProgramme:
    """Return what may be said of the batch in a group."""
    batch, programme = _batch(session, batch_id)
    seats = _seats(session, [batch_id], None)[batch_id]
    state = state_of(programme, batch, seats.free == 0, now=now)
    door = None if programme.enrolment is Enrolment.OPEN else programme.enrolment
    if door is Enrolment.MENU:
        if live_menus(session, [batch_id]) or without_menu(session, [batch_id]):
            # Whatever its dates say, nobody registers for it.
            if state in (BatchState.NOT_YET_OPEN, BatchState.OPEN, BatchState.FULL):
                state = BatchState.CLOSED
        else:
            door = None
    registered = session.exec(
        select(func.count())
        .select_from(Registration)
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(TOOK_PART))
    ).one()
    return GroupProgramme(
        batch_id=batch_id,
        title=programme.title,
        batch_title=batch.title,
        level=programme.level,
        mode=programme.mode,
        hours=programme.planned_hours,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        reg_open=batch.reg_open,
        reg_close=batch.reg_close,
        place=batch.place,
        state=state,
        seats=seats.total,
        seats_left=seats.free,
        registered=None if 0 < registered < FEWEST else registered,
        revision=batch.revision,
        door=door,
    )


def due(session: Session, teacher_id: int, *, now: datetime) -> list[DueItem]:
    """Return everything that this teacher still owes or has to be at, soonest first."""
    items = _due_answers(session, teacher_id, now)
    items += _due_presence(session, teacher_id, now)
    items += _due_work(session, teacher_id, now)
    items += _due_wishes(session, teacher_id, now)
    items += _due_notices(session, teacher_id, now)
    return sorted(items, key=lambda item: (item.at, item.batch_id, item.kind))


def state_of(programme: Programme, batch: Batch, is_full: bool, *, now: datetime) -> BatchState:
    """Return where the batch stands for somebody for whom it is full, or is not."""
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        return BatchState.CANCELLED
    is_over = programme.state in (ProgrammeState.FINISHED, ProgrammeState.ARCHIVED)
    if is_over or now >= batch.ends_at:
        return BatchState.FINISHED
    if programme.paused_at is not None:
        return BatchState.PAUSED
    if programme.enrolment in SELF_REGISTERED:
        has_opened = batch.reg_open is None or now >= batch.reg_open
        if not has_opened:
            return BatchState.NOT_YET_OPEN
        if now < closes_at(batch.reg_close, batch.starts_at):
            return BatchState.FULL if is_full else BatchState.OPEN
    return BatchState.RUNNING if now >= batch.starts_at else BatchState.CLOSED


def _soonest(line: ProgrammeLine) -> tuple[int, datetime, int]:
    match line.state:
        case BatchState.OPEN | BatchState.FULL:
            return 0, closes_at(line.reg_close, line.starts_at), line.batch_id
        case BatchState.NOT_YET_OPEN:
            return 1, line.reg_open or datetime.min.replace(tzinfo=UTC), line.batch_id
        case _:
            return 2, line.starts_at, line.batch_id


def _batch(session: Session, batch_id: int) -> tuple[Batch, Programme]:
    found = session.exec(_BATCH, params={"batch_id": batch_id}).first()
    if found is None:
        raise NotFound("programme")
    return found


def _unit_of(session: Session, teacher_id: int, now: datetime) -> int | None:
    """Return the unit of the primary posting on the office's local day."""
    run = session.connection().execute
    zone = ZoneInfo(run(_ZONE).scalar() or "UTC")
    found: int | None = run(
        _UNIT, {"teacher_id": teacher_id, "today": local_day(now, zone)}
    ).scalar()
    return found


def _seats(session: Session, batch_ids: Collection[int], unit_id: int | None) -> dict[int, _Seats]:
    """Return the seats of each batch as somebody of this unit sees them.

    Seats that somebody waits for already are not left for a newcomer.
    """
    run, of = session.connection().execute, {"batch_ids": list(batch_ids)}
    quotas: dict[int, list[Any]] = defaultdict(list)
    for quota in run(_QUOTAS, of):
        quotas[quota.batch_id].append(quota)
    waiting: dict[int, dict[int, int]] = defaultdict(dict)
    for batch_id, unit, count in run(_WAITING, of):
        waiting[batch_id][unit] = count
    return {
        batch_id: _seats_of(quotas[batch_id], waiting[batch_id], unit_id) for batch_id in batch_ids
    }


def _seats_of(quotas: Sequence[Any], waiting: Mapping[int, int], unit_id: int | None) -> _Seats:
    waits = sum(waiting.values())
    if not quotas:
        return _Seats(total=None, free=None, left=None, waiting=waits)
    left = 0
    for quota in quotas:
        is_mine = quota.is_pool or quota.unit_id == unit_id
        ahead = waits if quota.is_pool else waiting.get(quota.unit_id, 0)
        if is_mine and not ahead:
            left += quota.seats - quota.taken
    return _Seats(
        total=sum(quota.seats for quota in quotas),
        free=sum(quota.seats - quota.taken for quota in quotas),
        left=left,
        waiting=waits,
    )


def mine(
    session: Session, teacher_id: int, *, now: datetime, batch_id: int | None = None
) -> list[MyRegistration]:
    """Return this teacher's registrations, or the one in a batch, the newest first."""
    statement = _MINE if batch_id is None else _MINE_IN
    of = {"teacher_id": teacher_id, "batch_id": batch_id, "now": now}
    return [
        MyRegistration(
            registration_id=registration.id,
            batch_id=batch.id,
            title=programme.title,
            batch_title=batch.title,
            mode=programme.mode,
            hours=programme.planned_hours,
            starts_at=batch.starts_at,
            ends_at=batch.ends_at,
            place=batch.place,
            batch_state=state_of(programme, batch, False, now=now),
            state=registration.state,
            source=registration.source,
            submitted_at=registration.submitted_at,
            place_in_queue=(
                place_in_queue(session, registration.id)
                if registration.state is RegistrationState.WAITLISTED
                else None
            ),
            offer=OpenOffer(offer.id, offer.lapses_at) if offer is not None else None,
            leaving=leaving(registration, batch, now=now),
            leave_requested_at=registration.leave_requested_at,
            reason=registration.reason,
            certificate_no=registration.certificate_no,
            certificate_on=registration.certificate_on,
            make_up_until=registration.make_up_until,
        )
        for registration, batch, programme, offer in session.exec(statement, params=of).all()
    ]


def _due_answers(session: Session, teacher_id: int, now: datetime) -> list[DueItem]:
    """Return offered seats and nominations that wait for an answer."""
    offers = session.exec(
        select(SeatOffer, Batch, Programme.title)
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.teacher_id == teacher_id,
            SeatOffer.state == OfferState.OPEN,
            SeatOffer.lapses_at > now,
        )
    ).all()
    nominations = session.exec(
        select(Batch, Programme.title)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            Registration.teacher_id == teacher_id,
            Registration.state == RegistrationState.NOMINATED,
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            Batch.starts_at > now,
        )
    ).all()
    return [
        DueItem(
            DueKind.OFFER, batch.id, title, offer.lapses_at, place=batch.place, offer_id=offer.id
        )
        for offer, batch, title in offers
    ] + [
        DueItem(
            DueKind.NOMINATION,
            batch.id,
            title,
            # A list that has closed is still worth an answer until the training starts.
            batch.nominate_close
            if batch.nominate_close is not None and batch.nominate_close > now
            else batch.starts_at,
            place=batch.place,
        )
        for batch, title in nominations
    ]


def _due_presence(session: Session, teacher_id: int, now: datetime) -> list[DueItem]:
    """Return what this teacher takes part in: meetings, starts, and remote work to finish."""
    takes_part = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            Batch.ends_at > now,
        )
    ).all()
    on_leave = sa.exists().where(
        col(Leave.session_id) == col(ClassSession.id),
        col(Leave.state) == LeaveState.APPROVED,
        col(Registration.id) == col(Leave.registration_id),
        col(Registration.teacher_id) == teacher_id,
    )
    meetings: dict[int, list[tuple[ClassSession, bool]]] = defaultdict(list)
    for meeting, is_away in session.exec(
        select(ClassSession, on_leave).where(
            col(ClassSession.batch_id).in_([x.id for x, _ in takes_part])
        )
    ).all():
        meetings[meeting.batch_id].append((meeting, is_away))
    ends = {batch.id: _study_ends(session, batch, programme) for batch, programme in takes_part}
    stretches = _stretches(session, teacher_id, takes_part, now)
    learned = my_study.learned(session, teacher_id) if any(ends.values()) else frozenset[int]()
    items = []
    for batch, programme in takes_part:
        items += [
            DueItem(
                DueKind.SESSION,
                batch.id,
                programme.title,
                meeting.starts_at,
                meeting.ends_at,
                meeting.place or batch.place,
                session_id=meeting.id,
                session_title=meeting.title,
                online_url=meeting.online_url,
                bring=meeting.bring or batch.bring,
            )
            for meeting, is_away in meetings[batch.id]
            if meeting.ends_at > now and not is_away
        ]
        items += stretches[batch.id]
        if not meetings[batch.id] and not stretches[batch.id] and batch.starts_at > now:
            items.append(
                DueItem(
                    DueKind.START,
                    batch.id,
                    programme.title,
                    batch.starts_at,
                    batch.ends_at,
                    batch.place,
                    online_url=programme.external_url,
                    bring=batch.bring,
                )
            )
        study_ends = ends[batch.id]
        if study_ends is not None and study_ends > now and batch.id not in learned:
            items.append(
                DueItem(
                    DueKind.REMOTE_END,
                    batch.id,
                    programme.title,
                    study_ends,
                    online_url=programme.external_url,
                )
            )
    return items


def _stretches(
    session: Session, teacher_id: int, classes: Sequence[tuple[Batch, Programme]], now: datetime
) -> dict[int, list[DueItem]]:
    """Return by class the stretches for which this person is to be somewhere, or will be.

    What is studied remotely has its own end, and meetings speak for the stretch that they lie
    in. Whoever was held back at a gate does not owe what lies behind it.
    """
    of = {batch.id: (batch, programme) for batch, programme in classes}
    rows = session.exec(
        select(Phase, OrgUnit.name)
        .outerjoin(OrgUnit, col(OrgUnit.id) == col(Phase.host_unit_id))
        .where(
            col(Phase.batch_id).in_(of),
            Phase.kind != PhaseKind.ONLINE,
            col(Phase.starts_at).is_not(None),
            col(Phase.ends_at) > now,
        )
        .order_by(col(Phase.position))
    ).all()
    found: dict[int, list[DueItem]] = defaultdict(list)
    for phase, host in rows:
        batch, programme = of[phase.batch_id]
        comes = select(Registration.id).where(
            Registration.batch_id == batch.id,
            Registration.teacher_id == teacher_id,
            gates.may_enter(session, phase, now=now),
            ~sa.exists().where(gates.of_stretch(phase)),
        )
        if phase.starts_at is not None and session.exec(comes).first() is not None:
            item = DueItem(
                DueKind.STRETCH,
                batch.id,
                programme.title,
                phase.starts_at,
                phase.ends_at,
                host or batch.place,
                session_title=phase.title,
                phase_id=phase.id,
            )
            found[batch.id].append(item)
    return found


def _study_ends(session: Session, batch: Batch, programme: Programme) -> datetime | None:
    """When what is studied remotely ends, be it the class or a stretch of it; None without any."""
    if programme.mode is Mode.REMOTE:
        return batch.ends_at
    if programme.mode not in (Mode.BLENDED, Mode.LIVE):
        return None
    course = pace.of_class(session, batch.id)
    return None if course is None else course.ends_at


def _due_work(session: Session, teacher_id: int, now: datetime) -> list[DueItem]:
    """Return what this teacher has to hand in, or to hand in again, as long as it is taken."""
    rows = session.exec(
        select(Task, Batch, Programme.title)
        .join(Batch, col(Batch.id) == col(Task.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .outerjoin(
            TaskSubmission,
            and_(
                col(TaskSubmission.task_id) == col(Task.id),
                col(TaskSubmission.registration_id) == col(Registration.id),
                col(TaskSubmission.state) != WorkState.RETURNED,
            ),
        )
        .where(
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
            Programme.state == ProgrammeState.PUBLISHED,
            Batch.ends_at > now,
            col(Task.mandatory),
            col(TaskSubmission.id).is_(None),
        )
    ).all()
    return [
        DueItem(
            DueKind.TASK,
            batch.id,
            title,
            due_at,
            task_id=task.id,
            task_title=task.title,
            is_late=due_at <= now,
        )
        for task, batch, title in rows
        for due_at in (tasks.due_for(session, task, teacher_id),)
    ]


def _due_notices(session: Session, teacher_id: int, now: datetime) -> list[DueItem]:
    """Return notices that are to be confirmed by a date, also for a while when it has passed."""
    rows = session.exec(
        select(Notice.id, Notice.title, Notice.answer_by)
        .join(NoticeRecipient, col(NoticeRecipient.notice_id) == col(Notice.id))
        .where(
            NoticeRecipient.teacher_id == teacher_id,
            col(NoticeRecipient.confirmed_at).is_(None),
            col(Notice.state).in_([NoticeState.SENDING, NoticeState.SENT]),
            col(Notice.wants_answer),
        )
    ).all()
    return [
        DueItem(DueKind.CONFIRM, 0, title, at, notice_id=id_, is_late=at <= now)
        for id_, title, at in rows
        if at is not None and at > now - _STILL_ASKED
    ]


def _due_wishes(session: Session, teacher_id: int, now: datetime) -> list[DueItem]:
    """Return registrations that close soon and that the teacher wanted to be told of."""
    wishes = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Interest, col(Interest.batch_id) == col(Batch.id))
        .outerjoin(
            Registration,
            and_(
                col(Registration.batch_id) == col(Batch.id),
                col(Registration.teacher_id) == teacher_id,
                col(Registration.state).not_in(MAY_REGISTER_AGAIN),
            ),
        )
        .where(
            Interest.teacher_id == teacher_id,
            Programme.state == ProgrammeState.PUBLISHED,
            col(Programme.paused_at).is_(None),
            col(Batch.cancelled_at).is_(None),
            col(Programme.enrolment).in_(SELF_REGISTERED),
            col(Registration.id).is_(None),
        )
    ).all()
    return [
        DueItem(DueKind.REG_CLOSE, batch.id, programme.title, closes, place=batch.place)
        for batch, programme in wishes
        if (closes := closes_at(batch.reg_close, batch.starts_at)) > now
    ]
