"""The life of a programme: looked over, published, paused and resumed, cancelled, finished.

A draft concerns nobody but whoever makes it. From publishing on, its dates are deadlines, and
what changes is told to those whom it changes something for. Every act names a batch, since
that is what a desk shows; those of a whole programme reach all its batches. Acts done by the
clock have no actor and ask nobody's leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import workdays
from storage.calendar.tables import CalendarDay, DayKind
from storage.messaging import deadlines, outbox
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Priority,
    Reminder,
    ReminderState,
    StepOutcome,
)
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Account, RoleAssignment, ScopeKind
from storage.refusals import NotFound, Refusal
from storage.training import (
    enrolment,
    menu_options,
    schedule,
    seats,
    shadowing,
    structure,
    waiting,
)
from storage.training.audience import audience_size
from storage.training.refusals import ProgrammeCancelled
from storage.training.registration import SELF_REGISTERED, closes_at
from storage.training.tables import (
    LIVE,
    SEATED,
    Batch,
    ClassSession,
    Enrolment,
    Mode,
    OfferState,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)
from storage.waiting_for import Waiting

LONGEST_REASON = 300
MOST_HOURS_A_DAY = 12
SHOWN_DAYS = 5  # days off that a check lists
EACH_DAY = timedelta(days=10)
"""A class that is longer meets on its first and last day as far as anybody knows."""
_MINUTE = timedelta(minutes=1)
_OVER = (ProgrammeState.FINISHED, ProgrammeState.ARCHIVED)


class Check(StrEnum):
    """What is looked at before publishing; see ``BLOCKS`` for what stands in the way."""

    DATES = "dates"  # not in order
    OVER = "over"  # ends in the past
    REG_OVER = "reg_over"  # registration would be closed already
    NOBODY = "nobody"  # the audience is empty
    STARTED = "started"  # has begun already
    NO_HOURS = "no_hours"
    MANY_HOURS = "many_hours"  # more than fit into its days
    NO_PLACE = "no_place"
    NO_MENU = "no_menu"  # it is chosen from a menu, and is in none
    NO_ETHICS = "no_ethics"  # seed S1-04
    MORE_SEATS = "more_seats"  # more seats than people
    FEWER_SEATS = "fewer_seats"  # everybody is enrolled, whatever the seats say
    DAYS_OFF = "days_off"


BLOCKS = frozenset({Check.DATES, Check.OVER, Check.REG_OVER, Check.NOBODY})


@dataclass(frozen=True)
class Finding:
    """Something to look at in one batch; ``days`` are the days off that it meets."""

    check: Check
    batch_id: int
    days: tuple[date, ...] = ()


@dataclass(frozen=True)
class Readiness:
    """What publishing would meet: how many people it is for, how many seats, what stands out.

    ``seats`` is None without a limit; ``batches`` counts those that would be published.
    """

    batch_id: int
    title: str
    state: ProgrammeState
    enrolment: Enrolment
    people: int
    seats: int | None
    batches: int
    reg_open: datetime | None
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        """Whether nothing stands in the way."""
        return not any(finding.check in BLOCKS for finding in self.findings)


class NotReady(Refusal):
    """Something stands in the way of publishing."""

    def __init__(self, title: str, checks: tuple[Check, ...]) -> None:
        super().__init__(f"{title!r} is not ready: {checks}")
        self.title = title
        self.checks = checks


class NotUnderWay(Refusal):
    """Only what is published can be paused, resumed or finished."""

    def __init__(self, title: str, state: ProgrammeState) -> None:
        super().__init__(f"{title!r} is {state.value}")
        self.title = title
        self.state = state


class ReasonTooLong(Refusal):
    """A reason is told to many people, in a message of eight lines."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"a reason has at most {longest} characters")
        self.longest = longest


class StillRunning(Refusal):
    """A class has not ended, so the programme is not finished."""

    def __init__(self, title: str, ends_at: datetime) -> None:
        super().__init__(f"{title!r} runs until {ends_at}")
        self.title = title
        self.ends_at = ends_at


@dataclass(frozen=True)
class Published:
    """What publishing came to; ``enrolled`` are those let in from the roster."""

    programme_id: int
    title: str
    people: int
    enrolled: int
    exempt: int
    is_new: bool


@dataclass(frozen=True)
class Paused:
    """Since when it stands still."""

    programme_id: int
    title: str
    paused_at: datetime
    is_new: bool


@dataclass(frozen=True)
class Resumed:
    """What the pause cost: steps that came due in it, and people whose reminder was in hand.

    ``offers`` are those whose time to answer was lengthened by the pause.
    """

    programme_id: int
    title: str
    stale_steps: int
    unsaid: int
    offers: int
    is_new: bool


@dataclass(frozen=True)
class Concerned:
    """Who is concerned by cancelling: those in or waiting, and how many cannot be reached."""

    title: str
    people: int
    unreachable: int


@dataclass(frozen=True)
class CalledOff:
    """What cancelling came to; nothing is new when it was cancelled before."""

    title: str
    told: int
    offers: int
    is_new: bool


@dataclass(frozen=True)
class Closing:
    """What finishing a programme would meet in its classes that took place.

    ``open`` are those who take part and have no result yet, ``completed`` those who have
    completed, ``waiting`` those on the waiting list, ``offers`` the seats that are held for
    somebody and lapse.
    """

    title: str
    classes: int
    open: int
    completed: int
    waiting: int
    offers: int


@dataclass(frozen=True)
class Closed:
    """A programme that was finished or put away."""

    programme_id: int
    title: str
    state: ProgrammeState
    is_new: bool


def readiness(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Readiness:
    """Look over a programme before it is published. Raises NotFound or NotAllowed."""
    programme, batches = _programme(session, actor_id, batch_id, now=now)
    people = audience_size(session, programme)
    found = tuple(
        finding
        for batch in batches
        if batch.cancelled_at is None
        for finding in _findings(session, programme, batch, people, now=now)
    )
    if not structure.has_ethics(session, programme.id):
        found = (*found, Finding(Check.NO_ETHICS, batch_id))
    return Readiness(
        batch_id=batch_id,
        title=programme.title,
        state=programme.state,
        enrolment=programme.enrolment,
        people=people,
        seats=_seats(session, *(batch.id for batch in batches)),
        batches=sum(batch.cancelled_at is None for batch in batches),
        reg_open=min((b.reg_open for b in batches if b.reg_open is not None), default=None),
        findings=found,
    )


def publish(session: Session, actor_id: int | None, batch_id: int, *, now: datetime) -> Published:
    """Publish the programme of this batch; publishing it twice changes nothing.

    Its deadlines are planned, and whoever is due is enrolled where that goes by itself. What
    is to be open at once opens with the next minute, so that it can be announced.

    Raises NotFound, NotAllowed, ProgrammeCancelled, NotUnderWay, or NotReady.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    people = audience_size(session, programme)
    if programme.state is ProgrammeState.PUBLISHED:
        return Published(programme.id, programme.title, people, 0, 0, is_new=False)
    if programme.state is not ProgrammeState.DRAFT:
        raise _not_under_way(programme)
    wrong = {
        finding.check
        for batch in batches
        for finding in _findings(session, programme, batch, people, now=now)
        if finding.check in BLOCKS
    }
    if wrong:
        raise NotReady(programme.title, tuple(check for check in Check if check in wrong))
    programme.state = ProgrammeState.PUBLISHED
    session.flush()
    enrolled = exempt = 0
    for batch in batches:
        if batch.cancelled_at is None:
            let_in = begin(session, programme, batch, now=now)
            enrolled, exempt = enrolled + let_in.enrolled, exempt + let_in.exempt
    audit.record(
        session,
        actor_id,
        "publish_programme",
        f"programme:{programme.id}",
        now=now,
        before={"state": ProgrammeState.DRAFT.value},
        after={"state": programme.state.value, "people": people, "enrolled": enrolled},
    )
    session.flush()
    return Published(programme.id, programme.title, people, enrolled, exempt, is_new=True)


def begin(
    session: Session, programme: Programme, batch: Batch, *, now: datetime
) -> enrolment.Enrolled:
    """Let one batch of a published programme begin its life: deadlines, and who is due."""
    if programme.enrolment in SELF_REGISTERED and (batch.reg_open is None or batch.reg_open <= now):
        # A moment that is still to come is a deadline, and a deadline is what announces it.
        opens = now.replace(second=0, microsecond=0) + _MINUTE
        batch.reg_open = min(opens, closes_at(batch.reg_close, batch.starts_at))
    batch.revision += 1
    session.flush()
    let_in = enrolment.Enrolled(0, 0)
    if programme.enrolment is Enrolment.AUTOMATIC:
        let_in = enrolment.enrol_all_due(session, batch.id, now=now)
    schedule.plan_deadlines(session, batch.id, now=now)
    shadowing.invite(session, programme, batch, now=now)
    return let_in


def pause(session: Session, actor_id: int | None, batch_id: int, *, now: datetime) -> Paused:
    """Let the programme of this batch stand still: nobody registers, nobody is reminded.

    Seats, places in queues and open offers stay as they are. Pausing twice changes nothing.
    Raises NotFound, NotAllowed, ProgrammeCancelled or NotUnderWay.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    _check_under_way(programme)
    if programme.paused_at is not None:
        return Paused(programme.id, programme.title, programme.paused_at, is_new=False)
    programme.paused_at = now
    session.flush()
    for batch in batches:
        schedule.plan_deadlines(session, batch.id, now=now)
        for offer in _open_offers(session, batch.id):
            deadlines.cancel_deadline(session, "offer", offer.id, now=now)
        batch.revision += 1
    audit.record(session, actor_id, "pause_programme", f"programme:{programme.id}", now=now)
    session.flush()
    return Paused(programme.id, programme.title, now, is_new=True)


def resume(session: Session, actor_id: int | None, batch_id: int, *, now: datetime) -> Resumed:
    """Let the programme go on. What came due in the pause is not said later, but reported.

    Open offers get the time that the pause took from them. Resuming twice changes nothing.
    Raises NotFound, NotAllowed, ProgrammeCancelled or NotUnderWay.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    _check_under_way(programme)
    since = programme.paused_at
    if since is None:
        return Resumed(programme.id, programme.title, 0, 0, 0, is_new=False)
    steps, unsaid = _lost(session, [batch.id for batch in batches], since, now)
    programme.paused_at = None
    session.flush()
    lengthened = 0
    for batch in batches:
        schedule.plan_deadlines(session, batch.id, now=now)
        batch.revision += 1
        if batch.cancelled_at is not None:
            continue
        for offer in _open_offers(session, batch.id):
            _lengthen(session, programme, batch, offer, now - since, now=now)
            lengthened += 1
        waiting.offer_next(session, batch.id, now=now)
    audit.record(
        session,
        actor_id,
        "resume_programme",
        f"programme:{programme.id}",
        now=now,
        before={"paused_at": since.isoformat()},
        after={"stale_steps": steps, "unsaid": unsaid, "offers": lengthened},
    )
    session.flush()
    return Resumed(programme.id, programme.title, steps, unsaid, lengthened, is_new=True)


def concerned(
    session: Session, actor_id: int, batch_id: int, *, whole: bool = False, now: datetime
) -> Concerned:
    """Return who would be told if this batch, or its whole programme, were cancelled."""
    programme, batches = _programme(session, actor_id, batch_id, now=now)
    ids = [
        batch.id
        for batch in batches
        if batch.cancelled_at is None and (whole or batch.id == batch_id)
    ]
    return Concerned(programme.title, *count_concerned(session, ids))


def count_concerned(session: Session, batch_ids: list[int]) -> tuple[int, int]:
    """Return how many are in or waiting, and how many of them no message reaches."""
    people, reached = session.exec(
        select(sa.func.count(), sa.func.count(col(Account.id)))
        .select_from(Registration)
        .outerjoin(
            Account,
            sa.and_(
                col(Account.teacher_id) == col(Registration.teacher_id), col(Account.reachable)
            ),
        )
        .where(col(Registration.batch_id).in_(batch_ids), col(Registration.state).in_(LIVE))
    ).one()
    return people, people - reached


def cancel_batch(
    session: Session, actor_id: int | None, batch_id: int, reason: str, *, now: datetime
) -> CalledOff:
    """Let one class not take place; with its last class the programme is cancelled.

    Everybody in or waiting is told with the reason, offers are revoked, and nobody is reminded
    any more. Registrations stay, so that it can be read who had been in. Doing so twice
    changes nothing. Raises NotFound or NotAllowed.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    batch = next(each for each in batches if each.id == batch_id)
    if batch.cancelled_at is not None or programme.state is ProgrammeState.CANCELLED:
        return CalledOff(programme.title, 0, 0, is_new=False)
    if not any(each.cancelled_at is None for each in batches if each.id != batch_id):
        return cancel_programme(session, actor_id, batch_id, reason, now=now)
    _check_not_over(programme)
    reason = _reason(reason)
    done = schedule.call_off(session, programme, batch, reason, now=now)
    audit.record(
        session,
        actor_id,
        "cancel_batch",
        f"batch:{batch_id}",
        now=now,
        after={"told": done.told, "offers_revoked": done.offers},
        reason=reason,
    )
    session.flush()
    return CalledOff(programme.title, done.told, done.offers, is_new=True)


def cancel_programme(
    session: Session, actor_id: int | None, batch_id: int, reason: str, *, now: datetime
) -> CalledOff:
    """Cancel the programme of this batch with all its classes; see ``cancel_batch``."""
    programme, _batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    if programme.state is ProgrammeState.CANCELLED:
        return CalledOff(programme.title, 0, 0, is_new=False)
    _check_not_over(programme)
    reason = _reason(reason)
    done = schedule.cancel(session, programme.id, now=now, reason=reason, actor_id=actor_id)
    return CalledOff(done.title, done.told, done.offers, is_new=True)


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if len(reason) > LONGEST_REASON:
        raise ReasonTooLong(LONGEST_REASON)
    return reason


def closing(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Closing:
    """Look at what finishing would do, before it is done; raises as ``finish`` does.

    What is finished already has nothing more to be done.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now)
    if programme.state not in _OVER:
        _check_can_finish(programme, batches, now)
    ids = [batch.id for batch in batches if batch.cancelled_at is None]
    of = dict(
        session.exec(
            select(Registration.state, sa.func.count())
            .where(col(Registration.batch_id).in_(ids))
            .group_by(col(Registration.state))
        ).all()
    )
    return Closing(
        title=programme.title,
        classes=len(ids),
        open=sum(of.get(state, 0) for state in SEATED),
        completed=of.get(RegistrationState.COMPLETED, 0),
        waiting=of.get(RegistrationState.WAITLISTED, 0),
        offers=of.get(RegistrationState.OFFERED, 0),
    )


def finish(session: Session, actor_id: int | None, batch_id: int, *, now: datetime) -> Closed:
    """Say that the programme of this batch is over; only once its classes have ended.

    Raises NotFound, NotAllowed, ProgrammeCancelled, NotUnderWay or StillRunning.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    if programme.state in _OVER:
        return Closed(programme.id, programme.title, programme.state, is_new=False)
    _check_can_finish(programme, batches, now)
    for batch in batches:
        for offer in _open_offers(session, batch.id):
            waiting.settle(session, offer, OfferState.LAPSED, now=now)
    return _close(session, programme, batches, ProgrammeState.FINISHED, actor_id, now=now)


def archive(session: Session, actor_id: int | None, batch_id: int, *, now: datetime) -> Closed:
    """Put a finished or cancelled programme away: it leaves the lists, and roles in it end.

    Raises NotFound, NotAllowed or NotUnderWay.
    """
    programme, batches = _programme(session, actor_id, batch_id, now=now, lock=True)
    if programme.state is ProgrammeState.ARCHIVED:
        return Closed(programme.id, programme.title, programme.state, is_new=False)
    if programme.state not in (ProgrammeState.FINISHED, ProgrammeState.CANCELLED):
        raise NotUnderWay(programme.title, programme.state)
    today = local_day(now, offices.zone(session))
    session.exec(
        sa.update(RoleAssignment)
        .where(
            col(RoleAssignment.scope_kind) == ScopeKind.BATCH,
            col(RoleAssignment.scope_id).in_([batch.id for batch in batches]),
            sa.or_(col(RoleAssignment.until).is_(None), col(RoleAssignment.until) >= today),
        )
        .values(until=today - timedelta(days=1))
    )
    return _close(session, programme, batches, ProgrammeState.ARCHIVED, actor_id, now=now)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return what waits for this actor: drafts to publish, ended programmes to close."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.RUN_PROGRAMME, today=today)
    rows = session.exec(
        select(sa.func.min(Batch.id), Programme.title, col(Programme.state))
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(
            col(Batch.id).in_(mine),
            col(Batch.cancelled_at).is_(None),
            col(Programme.state).in_([ProgrammeState.DRAFT, ProgrammeState.PUBLISHED]),
        )
        .group_by(col(Programme.id), col(Programme.title), col(Programme.state))
        .having(
            sa.or_(col(Programme.state) == ProgrammeState.DRAFT, sa.func.max(Batch.ends_at) <= now)
        )
        .order_by(col(Programme.id))
    ).all()
    kinds = {ProgrammeState.DRAFT: "drafts", ProgrammeState.PUBLISHED: "ended"}
    return tuple(
        Waiting(kind, 1, batch_id, title)
        for wanted, kind in kinds.items()
        for batch_id, title, state in rows
        if state == wanted
    )


def _programme(
    session: Session, actor_id: int | None, batch_id: int, *, now: datetime, lock: bool = False
) -> tuple[Programme, list[Batch]]:
    """Return the programme of a batch with all its batches, for somebody who may run it."""
    found = session.exec(
        select(Programme)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    if found is None:
        raise NotFound("programme")
    if actor_id is not None:
        today = local_day(now, offices.zone(session))
        authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    of = select(Batch).where(Batch.programme_id == found.id).order_by(col(Batch.no))
    if lock:
        seats.lock(session, *(batch.id for batch in session.exec(of).all()), alone=True)
        session.refresh(found)
    return found, list(session.exec(of.execution_options(populate_existing=True)).all())


def _check_can_finish(programme: Programme, batches: list[Batch], now: datetime) -> None:
    _check_under_way(programme)
    ends = max((each.ends_at for each in batches if each.cancelled_at is None), default=now)
    if now < ends:
        raise StillRunning(programme.title, ends)


def _check_under_way(programme: Programme) -> None:
    if programme.state is not ProgrammeState.PUBLISHED:
        raise _not_under_way(programme)


def _not_under_way(programme: Programme) -> Refusal:
    if programme.state is ProgrammeState.CANCELLED:
        return ProgrammeCancelled(programme.title)
    return NotUnderWay(programme.title, programme.state)


def _check_not_over(programme: Programme) -> None:
    if programme.state in _OVER:
        raise NotUnderWay(programme.title, programme.state)


def _close(
    session: Session,
    programme: Programme,
    batches: list[Batch],
    state: ProgrammeState,
    actor_id: int | None,
    *,
    now: datetime,
) -> Closed:
    before, programme.state = programme.state, state
    programme.paused_at = None
    session.flush()
    for batch in batches:
        schedule.plan_deadlines(session, batch.id, now=now)
        batch.revision += 1
    audit.record(
        session,
        actor_id,
        f"{'finish' if state is ProgrammeState.FINISHED else 'archive'}_programme",
        f"programme:{programme.id}",
        now=now,
        before={"state": before.value},
        after={"state": state.value},
    )
    session.flush()
    return Closed(programme.id, programme.title, state, is_new=True)


def _findings(
    session: Session, programme: Programme, batch: Batch, people: int, *, now: datetime
) -> Iterator[Finding]:
    def found(check: Check, *days: date) -> Finding:
        return Finding(check, batch.id, days)

    is_registered = programme.enrolment in SELF_REGISTERED
    closes = closes_at(batch.reg_close, batch.starts_at)
    in_order = batch.starts_at <= batch.ends_at and (
        not is_registered
        or (closes <= batch.ends_at and (batch.reg_open is None or batch.reg_open < closes))
    )
    if not in_order:
        yield found(Check.DATES)
    if batch.ends_at <= now:
        yield found(Check.OVER)
    elif is_registered and closes <= now:
        yield found(Check.REG_OVER)
    elif batch.starts_at <= now:
        yield found(Check.STARTED)
    if not people:
        yield found(Check.NOBODY)
    if menu_options.without_menu(session, [batch.id]):
        yield found(Check.NO_MENU)
    if not programme.planned_hours:
        yield found(Check.NO_HOURS)
    days = (batch.ends_at - batch.starts_at) // timedelta(days=1) + 1
    if programme.planned_hours > MOST_HOURS_A_DAY * days:
        yield found(Check.MANY_HOURS)
    if not batch.place and programme.mode not in (Mode.REMOTE, Mode.LIVE):
        yield found(Check.NO_PLACE)
    places = _seats(session, batch.id)
    if places is not None and people:
        if places > people:
            yield found(Check.MORE_SEATS)
        elif programme.enrolment is Enrolment.AUTOMATIC and places < people:
            yield found(Check.FEWER_SEATS)
    off = _days_off(session, programme, batch)
    if off:
        yield found(Check.DAYS_OFF, *off)


def _days_off(session: Session, programme: Programme, batch: Batch) -> tuple[date, ...]:
    """Return the days off on which the class meets; remote work has its start and end."""
    calendar = workdays.load(session)
    meetings = session.exec(
        select(ClassSession.starts_at).where(ClassSession.batch_id == batch.id)
    ).all()
    ends = [batch.starts_at, batch.ends_at]
    if meetings and programme.mode is not Mode.REMOTE:
        moments = list(meetings)
    elif programme.mode is not Mode.REMOTE and batch.ends_at - batch.starts_at <= EACH_DAY:
        number = (batch.ends_at - batch.starts_at).days + 1
        moments = [batch.starts_at + timedelta(days=day) for day in range(number)] + ends
    else:
        moments = ends
    days = sorted({local_day(moment, calendar.zone) for moment in moments})
    breaks = set(
        session.exec(
            select(col(CalendarDay.day)).where(
                CalendarDay.kind == DayKind.SCHOOL_BREAK, col(CalendarDay.day).in_(days)
            )
        ).all()
    )
    return tuple(day for day in days if day in breaks or not calendar.is_workday(day))


def _seats(session: Session, *batch_ids: int) -> int | None:
    found = session.exec(
        select(sa.func.sum(Quota.seats)).where(col(Quota.batch_id).in_(batch_ids))
    ).one()
    return None if found is None else int(found)


def _open_offers(session: Session, batch_id: int) -> list[SeatOffer]:
    return list(
        session.exec(
            select(SeatOffer)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
            .order_by(col(SeatOffer.id))
            .execution_options(populate_existing=True)
        ).all()
    )


def _lengthen(
    session: Session,
    programme: Programme,
    batch: Batch,
    offer: SeatOffer,
    by: timedelta,
    *,
    now: datetime,
) -> None:
    """Give an offer the time that the pause took, and say anew until when the seat is held."""
    offer.lapses_at = min(offer.lapses_at + by, batch.starts_at)
    session.flush()
    if offer.lapses_at <= now:
        return  # the next sweep lets it lapse
    deadlines.set_deadline(session, "offer", offer.id, offer.lapses_at, now=now)
    teacher_id = session.exec(
        select(Registration.teacher_id).where(Registration.id == offer.registration_id)
    ).one()
    outbox.put(
        session,
        "offer",
        teacher_id=teacher_id,
        facts={
            "offer_id": offer.id,
            "batch_id": batch.id,
            "title": programme.title,
            "lapses_at": offer.lapses_at.isoformat(),
            "starts_at": batch.starts_at.isoformat(),
            "place": batch.place,
        },
        priority=Priority.OFFER,
        not_before=now,
        useful_until=offer.lapses_at,
        dedupe_key=f"offer:{offer.id}:{now.isoformat()}",
        now=now,
    )


def _lost(
    session: Session, batch_ids: list[int], since: datetime, now: datetime
) -> tuple[int, int]:
    """Return the steps that came due in the pause, and the reminders it took out of the hand."""
    meetings = sa.select(col(ClassSession.id)).where(col(ClassSession.batch_id).in_(batch_ids))
    offers = (
        sa.select(col(SeatOffer.id))
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .where(col(Registration.batch_id).in_(batch_ids))
    )
    ours: Any = sa.select(col(Deadline.id)).where(
        col(Deadline.state) == DeadlineState.CANCELLED,
        sa.or_(
            sa.and_(
                col(Deadline.kind).in_(schedule.OF_BATCH), col(Deadline.subject_id).in_(batch_ids)
            ),
            sa.and_(
                col(Deadline.kind).in_(schedule.OF_MEETING), col(Deadline.subject_id).in_(meetings)
            ),
            sa.and_(col(Deadline.kind) == "offer", col(Deadline.subject_id).in_(offers)),
        ),
    )
    steps = session.exec(
        select(sa.func.count())
        .select_from(DeadlineStep)
        .where(
            col(DeadlineStep.deadline_id).in_(ours),
            DeadlineStep.outcome == StepOutcome.SUPERSEDED,
            DeadlineStep.swept_at == since,
            col(DeadlineStep.due_at) <= now,
        )
    ).one()
    unsaid = session.exec(
        select(sa.func.count())
        .select_from(Reminder)
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .where(
            col(DeadlineStep.deadline_id).in_(ours),
            Reminder.state == ReminderState.STALE,
            Reminder.settled_at == since,
        )
    ).one()
    return steps, unsaid
