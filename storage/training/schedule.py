"""The deadlines that follow from a batch's dates, and what happens when the dates change.

A deadline is written, moved and cancelled in the transaction of the thing it belongs to, so a
moved training never reminds of its old date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit
from storage.calendar import workdays
from storage.calendar.steps import offsets_of, plan_steps
from storage.kinds import KINDS
from storage.messaging import deadlines, outbox
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    Priority,
)
from storage.moments import at, local_day
from storage.refusals import NotFound
from storage.training import menu_options, seats, shadowing, waiting
from storage.training.classes import batch_of
from storage.training.decisions import Rule, decide
from storage.training.refusals import ProgrammeCancelled
from storage.training.registration import SELF_REGISTERED
from storage.training.remote import carrying, pace
from storage.training.remote.pace import Course
from storage.training.tables import (
    LIVE,
    Batch,
    ClassSession,
    Decision,
    Enrolment,
    Mode,
    Module,
    OfferState,
    Phase,
    PhaseKind,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Review,
    SeatOffer,
    Task,
)

OF_BATCH = (
    "reg_open",
    "reg_close",
    "nomination",
    "nominate_close",
    "quota_unfilled",
    "roster",
    "batch_start",
    "remote_start",
    "remote_login",
    "remote_end",
    "remote_not_started",
    "remote_behind",
    "remote_idle",
    "remote_idle_long",
    "import_stale",
    "makeup_window",
    "grade_due",
    "review_due",
    "survey_close",
)
"""The kinds of deadline whose subject is a batch; those of ``task_due`` are tasks."""
OF_MEETING = ("session", "session_lead")
OF_PHASE = ("phase_end", "phase_help", "gate", "shadowing")
"""The kinds of deadline whose subject is a phase."""

FROM_NOW_ON = ("remote_not_started", "import_stale")
"""Kinds whose steps all follow their moment, so that they can be set when that is past."""

AT_ANY_TIME = datetime.min.replace(tzinfo=UTC)

GRADED_WITHIN, GRADED_BY = 10, 17 * 60
"""Working days after its end, and the minute of the day, by which a class is to be decided on."""

ASKED_WITHIN, ASKED_BY = 5, 17 * 60
"""The same for its survey, which is open from its last day on."""


@dataclass(frozen=True)
class Moved:
    """The dates of a batch after a change; ``revision`` grew unless nothing was changed."""

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    reg_close: datetime | None
    revision: int


@dataclass(frozen=True)
class Cancelled:
    """What cancelling a programme undid; all 0 when it was cancelled before."""

    programme_id: int
    title: str
    offers: int
    told: int


class NotInOrder(ValueError):
    """A batch may not end before it starts."""


def plan_deadlines(session: Session, batch_id: int, *, now: datetime) -> None:
    """Set, move and cancel the deadlines of the batch so that they are those of its dates.

    Only what is still to come gets a deadline; one that has come and is as it was stays, since
    the word of an opening may still be on its way to people's briefs. Remote training starts
    and ends, and so does the stretch of a class that is studied remotely; everything else
    starts, by its sessions where there are any. Who has not started studying is asked from the
    beginning on, or from when the class was first known to be remote, and figures are asked for
    from when the newest are too old. What is no longer published, is paused or does not take
    place has none. Calling it twice changes nothing.
    """
    batch, programme = batch_of(session, batch_id)
    meetings = session.exec(
        select(ClassSession.id, ClassSession.starts_at).where(ClassSession.batch_id == batch_id)
    ).all()
    takes_place = (
        programme.state is ProgrammeState.PUBLISHED
        and programme.paused_at is None
        and batch.cancelled_at is None
    )
    wanted: dict[str, datetime | None] = dict.fromkeys(OF_BATCH)
    # What is chosen from a menu has the menu's deadlines until seats are given out.
    is_chosen = bool(
        menu_options.live_menus(session, [batch_id])
        or menu_options.without_menu(session, [batch_id])
    )
    if programme.enrolment in SELF_REGISTERED and not is_chosen:
        wanted["reg_open"] = batch.reg_open
        wanted["reg_close"] = batch.reg_close
    if programme.enrolment is Enrolment.NOMINATION:
        wanted["nominate_close"] = batch.nominate_close
        if programme.asks_consent:
            wanted["nomination"] = batch.nominate_close
    elif _has_allotments(session, batch_id):
        wanted["quota_unfilled"] = wanted["reg_close"]
    wanted["roster"] = batch.roster_date
    calendar = workdays.load(session)
    decided = calendar.shift(local_day(batch.ends_at, calendar.zone), GRADED_WITHIN)
    wanted["grade_due"] = at(decided, GRADED_BY, calendar.zone)
    if session.exec(_reviewed(batch_id).limit(1)).first() is not None:
        wanted["review_due"] = wanted["grade_due"]
    if carrying.is_remote(session, batch_id):
        asked = calendar.shift(local_day(batch.ends_at, calendar.zone), ASKED_WITHIN)
        wanted["survey_close"] = at(asked, ASKED_BY, calendar.zone)
    if programme.mode is Mode.REMOTE:
        wanted["remote_start"] = batch.starts_at
        wanted["remote_end"] = batch.ends_at
    else:
        wanted["batch_start"] = batch.starts_at
    opens = {"reg_close": batch.reg_open}
    course = pace.of_class(session, batch_id)
    if course is not None:
        wanted |= _of_study(session, batch, programme, course, now=now)
        opens["makeup_window"] = course.pace.makeup and course.pace.makeup[0]
    # The first meeting is the start: one reminder for both is enough.
    subjects = [(kind, batch_id, moment) for kind, moment in wanted.items()] + [
        ("session", session_id, None if starts_at == wanted["batch_start"] else starts_at)
        for session_id, starts_at in meetings
    ]
    subjects += [("session_lead", session_id, starts_at) for session_id, starts_at in meetings]
    phases = session.exec(
        select(Phase).where(Phase.batch_id == batch_id).order_by(col(Phase.position))
    ).all()
    for phase in phases:
        closes = phase.ends_at if phase.gate else None
        hosted = phase.kind is PhaseKind.SHADOWING and phase.host_unit_id is not None
        subjects += [
            ("phase_end", phase.id, closes),
            ("phase_help", phase.id, closes),
            ("gate", phase.id, closes if phase is not phases[-1] else None),
            ("shadowing", phase.id, phase.starts_at if hosted else None),
        ]
    # What need not be done is owed by nobody.
    subjects += [
        ("task_due", task_id, due_at if mandatory else None)
        for task_id, due_at, mandatory in session.exec(
            select(Task.id, Task.due_at, Task.mandatory).where(Task.batch_id == batch_id)
        ).all()
    ]
    # What is due with the end is said by the end.
    subjects += [
        ("item_due", item_id, due_at if due_at and course and due_at < course.ends_at else None)
        for item_id, due_at in carrying.due_items(session, batch_id)
    ]
    standing = deadlines.Standing(session, [thing[:2] for thing in subjects], now=now)
    for kind, subject_id, moment in subjects:
        if not takes_place or moment is None:
            standing.put(kind, subject_id, None)
            continue
        preset = steps_while_open(session, kind, opens.get(kind), moment)
        standing.put(kind, subject_id, moment, preset, may_be_now=kind in FROM_NOW_ON)


def _reviewed(batch_id: int) -> Any:
    """Select the work of a class that somebody judges."""
    return select(Task.id).where(Task.batch_id == batch_id, Task.review != Review.NONE)


def _has_allotments(session: Session, batch_id: int) -> bool:
    """Whether schools have seats of their own in it."""
    found = select(Quota.id).where(
        Quota.batch_id == batch_id, col(Quota.is_pool).is_(False), Quota.seats > 0
    )
    return session.exec(found.limit(1)).first() is not None


def _of_study(
    session: Session, batch: Batch, programme: Programme, course: Course, *, now: datetime
) -> dict[str, datetime | None]:
    """The deadlines of what is studied remotely, be it all of the class or a stretch of it."""
    wanted: dict[str, datetime | None] = dict.fromkeys(
        ("remote_behind", "remote_idle", "remote_idle_long"), course.ends_at
    )
    for kind, begins in zip(FROM_NOW_ON, (course.starts_at, course.stale_from), strict=True):
        wanted[kind] = _since(session, kind, course, begins, now=now)
    wanted["remote_login"] = course.starts_at
    wanted["makeup_window"] = course.pace.makeup and course.pace.makeup[1]
    if programme.mode is not Mode.REMOTE:
        # What begins with the class is announced with it.
        wanted["remote_start"] = course.starts_at if course.starts_at > batch.starts_at else None
        wanted["remote_end"] = course.ends_at
    return wanted


def _since(
    session: Session, kind: str, course: Course, begins: datetime, *, now: datetime
) -> datetime | None:
    """From when on its steps count: its own moment, or now where that has been missed.

    What has once begun to count goes on as it is; what is over is not begun.
    """
    if begins > now:
        return begins if begins < course.ends_at else None
    known = session.exec(
        select(Deadline.at).where(
            Deadline.kind == kind,
            Deadline.subject_id == course.batch_id,
            Deadline.state == DeadlineState.ACTIVE,
            Deadline.at >= begins,
            Deadline.at <= now,
        )
    ).first()
    return known or (now if now < course.ends_at else None)


def move(
    session: Session,
    batch_id: int,
    *,
    now: datetime,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    reg_open: datetime | None = None,
    reg_close: datetime | None = None,
    actor_id: int | None = None,
) -> Moved:
    """Change dates of a batch; its deadlines and open offers follow at once.

    A start that moves takes the end, the sessions, the phases and the due dates of modules and
    tasks with it, by as much, unless another end is given; and so it does what is still to come
    before the start: nominating, the list, approving, reckoning a thin class, releasing seats.
    Raises NotFound,
    ProgrammeCancelled, or NotInOrder.
    """
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    before = _dates(batch)
    shift = (starts_at - batch.starts_at) if starts_at is not None else None
    if shift:
        batch.starts_at += shift
        batch.ends_at += shift
        # Moving several that follow each other by one step would meet the unique start times.
        for meeting in session.exec(
            select(ClassSession)
            .where(ClassSession.batch_id == batch_id)
            .order_by(
                col(ClassSession.starts_at).desc()
                if shift.total_seconds() > 0
                else col(ClassSession.starts_at)
            )
        ).all():
            meeting.starts_at += shift
            meeting.ends_at += shift
            session.flush()
        _shift_parts(session, batch_id, shift)
        _shift_before(session, batch, shift, now=now)
    if ends_at is not None:
        batch.ends_at = ends_at
    if reg_open is not None:
        batch.reg_open = reg_open
    if reg_close is not None:
        batch.reg_close = reg_close
    if batch.ends_at < batch.starts_at:
        raise NotInOrder(f"a batch from {batch.starts_at} to {batch.ends_at}")
    after = _dates(batch)
    if after != before:
        batch.revision += 1
        session.flush()
        audit.record(
            session,
            actor_id,
            "move_batch",
            f"batch:{batch_id}",
            now=now,
            before=before,
            after=after,
        )
        _shorten_offers(session, batch, now=now)
        plan_deadlines(session, batch_id, now=now)
    session.flush()
    return Moved(
        batch_id=batch_id,
        title=programme.title,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        reg_close=batch.reg_close,
        revision=batch.revision,
    )


def cancel(
    session: Session,
    programme_id: int,
    *,
    now: datetime,
    reason: str = "",
    actor_id: int | None = None,
) -> Cancelled:
    """Cancel a programme with all its batches and tell everybody who was in or waiting.

    Registrations stay as they are, so that it can be read who had been in; open offers are
    revoked and nobody is reminded of anything any more. Telling is one statement a batch.
    """
    programme = session.exec(select(Programme).where(Programme.id == programme_id)).first()
    if programme is None:
        raise NotFound("programme")
    if programme.state is ProgrammeState.CANCELLED:
        return Cancelled(programme_id, programme.title, offers=0, told=0)
    batches = session.exec(
        select(Batch).where(Batch.programme_id == programme_id).order_by(col(Batch.id))
    ).all()
    seats.lock(session, *(batch.id for batch in batches), alone=True)
    before = programme.state
    programme.state = ProgrammeState.CANCELLED
    session.flush()
    offers = told = 0
    for batch in batches:
        if batch.cancelled_at is None:
            one = call_off(session, programme, batch, reason, now=now)
            offers, told = offers + one.offers, told + one.told
    audit.record(
        session,
        actor_id,
        "cancel_programme",
        f"programme:{programme_id}",
        now=now,
        before={"state": before.value},
        after={"state": programme.state.value, "told": told, "offers_revoked": offers},
        reason=reason,
    )
    session.flush()
    return Cancelled(programme_id, programme.title, offers=offers, told=told)


def cancel_batch(
    session: Session, actor_id: int | None, batch_id: int, *, now: datetime
) -> Cancelled:
    """Cancel one class for which too few have registered, and tell everybody in or waiting.

    Registrations stay as they are; open offers are revoked and nobody is reminded any more.
    Whoever lost it may choose another class until ``Batch.second_close``. With its last class
    the programme is cancelled. Who may cancel is for the caller to check; without an actor it
    is the clock. Raises NotFound.
    """
    lock_classes(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    if batch.cancelled_at is not None or programme.state is ProgrammeState.CANCELLED:
        return Cancelled(programme.id, programme.title, offers=0, told=0)
    again = batch.second_close if batch.second_close and batch.second_close > now else None
    done = call_off(
        session, programme, batch, "", now=now, actor_id=actor_id, again=again, thin=True
    )
    audit.record(
        session,
        actor_id,
        "cancel_batch",
        f"batch:{batch_id}",
        now=now,
        after={"thin": True, "told": done.told, "offers_revoked": done.offers},
    )
    others = select(Batch.id).where(
        Batch.programme_id == programme.id, col(Batch.cancelled_at).is_(None)
    )
    if session.exec(others).first() is None:
        before, programme.state = programme.state, ProgrammeState.CANCELLED
        audit.record(
            session,
            actor_id,
            "cancel_programme",
            f"programme:{programme.id}",
            now=now,
            before={"state": before.value},
            after={"state": programme.state.value},
        )
    session.flush()
    return done


def lock_classes(session: Session, batch_id: int) -> None:
    """Lock the seats of all classes of this batch's programme, alone (see ``seats.lock``)."""
    of = sa.select(col(Batch.programme_id)).where(col(Batch.id) == batch_id).scalar_subquery()
    found = session.exec(select(Batch.id).where(Batch.programme_id == of)).all()
    seats.lock(session, *found, alone=True)


def call_off(
    session: Session,
    programme: Programme,
    batch: Batch,
    reason: str,
    *,
    now: datetime,
    actor_id: int | None = None,
    again: datetime | None = None,
    thin: bool = False,
) -> Cancelled:
    """Let this batch not take place: revoke its offers, tell everybody, remind nobody.

    ``again`` is until when whoever lost it may choose another class, ``thin`` whether too few
    had registered; a ``reason`` is in the words of whoever cancels. Whoever calls this holds
    the lock of its seats and writes the audit line.
    """
    batch.cancelled_at = now
    batch.revision += 1
    session.flush()
    whole = programme.state is ProgrammeState.CANCELLED
    rule: Rule = "programme_cancelled" if whole else "class_cancelled"
    offers = _revoke_offers(session, batch.id, now=now, rule=rule)
    told = _tell_cancelled(session, programme, batch, reason, now=now, again=again, thin=thin)
    phases = session.exec(select(Phase).where(Phase.batch_id == batch.id)).all()
    shadowing.call_off(session, programme.title, phases, now=now)
    if not whole:
        _decide_cancelled(session, batch.id, actor_id, again, now=now, thin=thin)
    plan_deadlines(session, batch.id, now=now)
    deadlines.cancel_deadline(session, "release", batch.id, now=now)
    session.flush()
    return Cancelled(programme.id, programme.title, offers=offers, told=told)


def _decide_cancelled(
    session: Session,
    batch_id: int,
    actor_id: int | None,
    again: datetime | None,
    *,
    now: datetime,
    thin: bool,
) -> None:
    """Leave a line for everybody who was in or waiting; one statement."""
    columns = SQLModel.metadata.tables["decision"].c
    facts: dict[str, Any] = {"thin": True} if thin else {}
    if again is not None:
        facts["second_close"] = again.isoformat()
    lost = sa.select(
        col(Registration.id),
        sa.literal(now, columns.at.type),
        sa.literal("class_cancelled"),
        sa.literal(facts, columns.facts.type),
        sa.literal(actor_id, columns.actor_id.type),
    ).where(col(Registration.batch_id) == batch_id, col(Registration.state).in_(LIVE))
    session.exec(
        sa.insert(Decision).from_select(
            ["registration_id", "at", "rule", "facts", "actor_id"], lost
        )
    )


def steps_while_open(
    session: Session, kind: str, opens: datetime | None, closes: datetime
) -> str | None:
    """Return which of the usual steps before the close fall into the time in which it is open.

    None when all do; a step before the opening would call for what nobody can do yet.
    """
    if opens is None:
        return None
    calendar = workdays.load(session)
    usual = offsets_of(KINDS[kind].preset)
    kept = usual
    while kept:
        # Also what is of no use any more at the opening would be said before it.
        planned = plan_steps(closes, kept, calendar, now=AT_ANY_TIME)
        too_soon = {step.name for step in planned if step.due_at < opens}
        if not too_soon:
            break
        kept = tuple(offset for offset in kept if offset not in too_soon)
    return None if kept == usual else " ".join(kept or usual[-1:])


def _shift_parts(session: Session, batch_id: int, shift: timedelta) -> None:
    """Move phases, and what is due, with their batch."""
    for phase in session.exec(select(Phase).where(Phase.batch_id == batch_id)).all():
        phase.starts_at = phase.starts_at and phase.starts_at + shift
        phase.ends_at = phase.ends_at and phase.ends_at + shift
    for module in session.exec(
        select(Module)
        .join(Phase, col(Phase.id) == col(Module.phase_id))
        .where(Phase.batch_id == batch_id)
    ).all():
        module.due_at = module.due_at and module.due_at + shift
    for task in session.exec(select(Task).where(Task.batch_id == batch_id)).all():
        task.due_at += shift
    carrying.move(session, batch_id, shift)
    session.flush()


def _shift_before(session: Session, batch: Batch, shift: timedelta, *, now: datetime) -> None:
    """Move what has to be done before the start with it, so far as it is still to come.

    What would come to lie in the past keeps its moment, or that of the start if it is sooner.
    """

    def moved(at: datetime | None) -> datetime | None:
        if at is None or at <= now:
            return at
        return at + shift if at + shift > now else min(at, batch.starts_at)

    batch.nominate_close = moved(batch.nominate_close)
    batch.roster_date = moved(batch.roster_date)
    batch.approve_close = moved(batch.approve_close)
    batch.thin_at = moved(batch.thin_at)
    batch.second_close = moved(batch.second_close)
    releases = []
    for quota in session.exec(
        select(Quota).where(Quota.batch_id == batch.id, col(Quota.release_at) > now)
    ).all():
        quota.release_at = moved(quota.release_at)
        if quota.seats and not quota.is_pool and quota.release_at is not None:
            releases.append(quota.release_at)
    session.flush()
    if releases:
        deadlines.set_deadline(session, "release", batch.id, min(releases), now=now)


def _dates(batch: Batch) -> dict[str, Any]:
    moments = {
        "starts_at": batch.starts_at,
        "ends_at": batch.ends_at,
        "reg_open": batch.reg_open,
        "reg_close": batch.reg_close,
    }
    return {name: moment and moment.isoformat() for name, moment in moments.items()}


def _open_offers(session: Session, batch_id: int) -> list[tuple[SeatOffer, Registration]]:
    return list(
        session.exec(
            select(SeatOffer, Registration)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
            .order_by(col(SeatOffer.id))
            .execution_options(populate_existing=True)
        ).all()
    )


def _shorten_offers(session: Session, batch: Batch, *, now: datetime) -> None:
    """Let no offer outlast the start."""
    for offer, _ in _open_offers(session, batch.id):
        if offer.lapses_at > batch.starts_at:
            offer.lapses_at = batch.starts_at
            session.flush()
            deadlines.set_deadline(session, "offer", offer.id, offer.lapses_at, now=now)


def _revoke_offers(
    session: Session, batch_id: int, *, now: datetime, rule: Rule = "programme_cancelled"
) -> int:
    open_offers = _open_offers(session, batch_id)
    for offer, registration in open_offers:
        waiting.settle(session, offer, OfferState.REVOKED, now=now)
        registration.state = RegistrationState.WAITLISTED
        registration.changed_at = now
        session.flush()
        facts = {"offer_id": offer.id}
        if rule == "programme_cancelled":  # of a class everybody gets a line
            decide(session, registration.id, rule, facts, now=now)
    return len(open_offers)


def _tell_cancelled(
    session: Session,
    programme: Programme,
    batch: Batch,
    reason: str,
    *,
    now: datetime,
    again: datetime | None = None,
    thin: bool = False,
) -> int:
    """Leave one message for each person who was in or waiting; return how many.

    ``again`` is until when they may choose another class, ``thin`` that too few registered.
    """
    facts: dict[str, Any] = {
        "batch_id": batch.id,
        "title": f"{programme.title} · {batch.title}" if batch.title else programme.title,
        "starts_at": batch.starts_at.isoformat(),
        "place": batch.place,
        "reason": reason,
    }
    if thin:
        facts["thin"] = True
    if again is not None:
        facts["second_close"] = again.isoformat()
    live = sa.and_(col(Registration.batch_id) == batch.id, col(Registration.state).in_(LIVE))
    outbox.put_all(
        session,
        "cancelled",
        sa.select(col(Registration.teacher_id)).where(live),
        facts=facts,
        priority=Priority.OFFER,
        not_before=now,
        useful_until=batch.ends_at,
        key=f"cancelled:{batch.id}:",
        now=now,
    )
    return session.exec(select(sa.func.count()).select_from(Registration).where(live)).one()
