"""请假: leave from single meetings, asked before they begin, decided by school and organiser.

An approved leave keeps the person in every denominator and marks the meeting as leave. The
note beside it is for those who decide, and is forgotten half a year after the meeting
(domain/8-messages.md §8.2).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.messaging import outbox
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training import answers, meeting_end
from storage.training.answers import Answer
from storage.training.deciding import (
    LONGEST_SENTENCE,
    SCHOOL_FIRST,
    SchoolDecides,
    Scope,
    name_of,
    of_batches,
    scope,
    sentence,
)
from storage.training.decisions import Rule, decide
from storage.training.owing import TAKES_PART
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
    Leave,
    LeaveReason,
    LeaveState,
    Method,
    Presence,
    Programme,
    ProgrammeState,
    Registration,
)

DEED = "decide_leave"
KEPT = timedelta(days=183)
"""How long after the meeting a reason and a note are kept."""
STILL_DECIDED = timedelta(days=7)
"""For so long after the meeting a leave that was asked in time can be decided."""
FORGOTTEN_AT_ONCE = 1_000

ASKED = (LeaveState.REQUESTED, LeaveState.SCHOOL_OK, LeaveState.APPROVED)
OPEN = (LeaveState.REQUESTED, LeaveState.SCHOOL_OK)


class MeetingBegun(Refusal):
    """Leave is asked, and given up, before the meeting begins."""

    def __init__(self, title: str, starts_at: datetime, contact: str) -> None:
        super().__init__(f"a meeting of {title!r} began at {starts_at}")
        self.title = title
        self.starts_at = starts_at
        self.contact = contact


@dataclass(frozen=True)
class Meeting:
    """A meeting as somebody who takes part sees it."""

    session_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    leave_id: int | None
    state: LeaveState | None
    answer: str
    can_ask: bool
    can_cancel: bool


@dataclass(frozen=True)
class Meetings:
    """The meetings of a class that are to come."""

    batch_id: int
    title: str
    lines: tuple[Meeting, ...]


@dataclass(frozen=True)
class Asked:
    """What asking came to: the meetings that wait for an answer now."""

    batch_id: int
    title: str
    meetings: tuple[datetime, ...]
    is_new: bool


@dataclass(frozen=True)
class Item:
    """One person's leave as it is decided: one meeting, or several that were asked together."""

    leave_id: int
    leave_ids: tuple[int, ...]
    batch_id: int
    title: str
    name: str
    school: str
    meetings: tuple[tuple[str, datetime, datetime], ...]
    reason: LeaveReason
    note: str
    state: LeaveState
    requested_at: datetime
    place: int  # among those who wait, from 1; 0 when it is decided
    of: int
    decided_by: str


@dataclass(frozen=True)
class Decided:
    """What a decision on leave came to; ``past`` is its state where it was decided before."""

    name: str
    state: LeaveState
    meetings: int
    deed_id: int | None
    undo_until: datetime | None
    decided_by: str = ""


@dataclass(frozen=True)
class Told:
    """What a teacher is told of their leave, as things stand in the moment of telling."""

    batch_id: int
    title: str
    state: LeaveState
    meetings: tuple[datetime, ...]
    answer: str
    contact: str


# --- the teacher -----------------------------------------------------------------------------


def meetings(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> Meetings:
    """Return the meetings to come of a class that the teacher takes part in.

    Raises NotFound for who does not.
    """
    registration, _, programme = _mine(session, teacher_id, batch_id)
    rows = session.exec(
        select(ClassSession, Leave)
        .outerjoin(
            Leave,
            sa.and_(
                col(Leave.session_id) == col(ClassSession.id),
                col(Leave.registration_id) == registration.id,
            ),
        )
        .where(ClassSession.batch_id == batch_id, ClassSession.ends_at > now)
        .order_by(col(ClassSession.starts_at))
    ).all()
    return Meetings(batch_id, programme.title, tuple(_meeting(*row, now) for row in rows))


def _meeting(meeting: ClassSession, leave: Leave | None, now: datetime) -> Meeting:
    state = None if leave is None else leave.state
    is_ahead = now < meeting.starts_at
    return Meeting(
        session_id=meeting.id,
        title=meeting.title,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=meeting.place,
        leave_id=None if leave is None else leave.id,
        state=state,
        answer="" if leave is None else leave.answer,
        can_ask=is_ahead and state not in ASKED,
        can_cancel=is_ahead and state in ASKED,
    )


def ask(
    session: Session,
    teacher_id: int,
    batch_id: int,
    session_ids: Collection[int],
    reason: LeaveReason,
    *,
    note: str = "",
    now: datetime,
) -> Asked:
    """Ask for leave from these meetings; what is asked already stays as it is.

    Raises NotFound for who does not take part, MeetingBegun, or ProgrammeCancelled.
    """
    registration, batch, programme = _mine(session, teacher_id, batch_id, lock=True)
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    wanted = session.exec(
        select(ClassSession)
        .where(ClassSession.batch_id == batch_id, col(ClassSession.id).in_(session_ids))
        .order_by(col(ClassSession.starts_at))
    ).all()
    if not wanted or len(wanted) != len(set(session_ids)):
        raise NotFound("meeting")
    known = {leave.session_id: leave for leave in _of_registration(session, registration.id)}
    new: list[datetime] = []
    for meeting in wanted:
        leave = known.get(meeting.id)
        if leave is not None and leave.state in ASKED:
            continue
        if now >= meeting.starts_at:
            raise MeetingBegun(programme.title, meeting.starts_at, programme.contact)
        if leave is None:
            leave = Leave(
                registration_id=registration.id,
                session_id=meeting.id,
                reason=reason,
                requested_at=now,
            )
            session.add(leave)
        leave.reason = reason
        leave.note = note.strip()[:LONGEST_SENTENCE]
        leave.state = LeaveState.REQUESTED
        leave.requested_at = now
        leave.decided_by = None
        leave.decided_at = None
        leave.answer = ""
        new.append(meeting.starts_at)
    session.flush()
    if new:
        decide(session, registration.id, "absence_requested", _facts(new), now=now)
    moments = tuple(meeting.starts_at for meeting in wanted)
    return Asked(batch_id, programme.title, moments, bool(new))


def cancel(session: Session, teacher_id: int, leave_id: int, *, now: datetime) -> Asked:
    """Give up one's leave before the meeting; doing so twice changes nothing.

    Raises NotFound for another's leave, or MeetingBegun.
    """
    found = session.exec(
        select(Leave, ClassSession, Registration, Programme)
        .join(ClassSession, col(ClassSession.id) == col(Leave.session_id))
        .join(Registration, col(Registration.id) == col(Leave.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Leave.id == leave_id, Registration.teacher_id == teacher_id)
        .execution_options(populate_existing=True)
        .with_for_update(of=Leave)
    ).first()
    if found is None:
        raise NotFound("leave")
    leave, meeting, registration, programme = found
    is_new = leave.state in ASKED
    if is_new:
        if now >= meeting.starts_at:
            raise MeetingBegun(programme.title, meeting.starts_at, programme.contact)
        leave.state = LeaveState.CANCELLED
        leave.note = ""
        session.flush()
        meeting_end.follow_leave(session, registration.id)
        facts = _facts([meeting.starts_at])
        decide(session, registration.id, "absence_cancelled", facts, now=now)
    return Asked(registration.batch_id, programme.title, (meeting.starts_at,), is_new)


def _mine(
    session: Session, teacher_id: int, batch_id: int, *, lock: bool = False
) -> tuple[Registration, Batch, Programme]:
    found = (
        select(Registration, Batch, Programme)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
    )
    row = session.exec(found.with_for_update(of=Registration) if lock else found).first()
    if row is None:
        raise NotFound("registration")
    return row


def _of_registration(session: Session, registration_id: int) -> Sequence[Leave]:
    return session.exec(
        select(Leave)
        .where(Leave.registration_id == registration_id)
        .execution_options(populate_existing=True)
    ).all()


def _facts(moments: Collection[datetime]) -> dict[str, Any]:
    return {"meetings": [moment.isoformat() for moment in sorted(moments)]}


# --- who decides -----------------------------------------------------------------------------


def waits_for_word(held: Scope, *, mine: bool = False, now: datetime) -> sa.ColumnElement[bool]:
    """Which leaves wait for this actor; with ``ClassSession``, ``Batch``, ``Programme`` joined.

    The school's word comes first. What it has not answered within a day, or less than a day
    before the meeting, the class's own teacher may answer. ``mine`` are those that would wait,
    were they not the actor's own.
    """
    requested = col(Leave.state) == LeaveState.REQUESTED
    late = sa.or_(
        col(Leave.requested_at) <= now - SCHOOL_FIRST,
        col(ClassSession.starts_at) <= now + SCHOOL_FIRST,
    )
    with_class = col(Batch.id).in_(held.leave)
    return sa.and_(
        col(Programme.state) == ProgrammeState.PUBLISHED,
        col(Batch.cancelled_at).is_(None),
        held.of(mine=mine),
        col(ClassSession.ends_at) > now - STILL_DECIDED,
        col(Registration.state).in_(TAKES_PART),
        sa.or_(
            sa.and_(requested, held.first()),
            sa.and_(requested, late, with_class),
            sa.and_(col(Leave.state) == LeaveState.SCHOOL_OK, with_class),
        ),
    )


def _joined(statement: Any) -> Any:
    return (
        statement.select_from(Leave)
        .join(ClassSession, col(ClassSession.id) == col(Leave.session_id))
        .join(Registration, col(Registration.id) == col(Leave.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
    )


def ids(
    session: Session, held: Scope, batch_id: int, *, mine: bool = False, now: datetime
) -> list[int]:
    """The first leave of each that waits, in one class or (0) in all."""
    first = sa.func.min(col(Leave.id))
    found = (
        _joined(sa.select(first))
        .where(waits_for_word(held, mine=mine, now=now))
        .group_by(col(Leave.registration_id), col(Leave.requested_at), col(Leave.state))
        .order_by(first)
    )
    if batch_id:
        found = found.where(col(Batch.id) == batch_id)
    return list(session.connection().execute(found).scalars())


def by_batch(
    session: Session, held: Scope, *, now: datetime
) -> dict[int, tuple[int, datetime, datetime]]:
    """Per class how many wait, since when the oldest does, and the soonest meeting."""
    one = (
        _joined(
            sa.select(
                col(Registration.batch_id).label("batch_id"),
                sa.func.min(col(Leave.requested_at)).label("since"),
                sa.func.min(col(ClassSession.starts_at)).label("soonest"),
            )
        )
        .where(waits_for_word(held, now=now))
        .group_by(
            col(Registration.batch_id),
            col(Leave.registration_id),
            col(Leave.requested_at),
            col(Leave.state),
        )
        .subquery()
    )
    rows = session.connection().execute(
        sa.select(
            one.c.batch_id, sa.func.count(), sa.func.min(one.c.since), sa.func.min(one.c.soonest)
        ).group_by(one.c.batch_id)
    )
    return {batch_id: (int(number), since, soonest) for batch_id, number, since, soonest in rows}


@dataclass(frozen=True)
class _Whole:
    """Leaves that were asked together, and whose they are."""

    leaves: tuple[tuple[Leave, ClassSession], ...]
    registration: Registration
    batch: Batch
    programme: Programme
    name: str


def _whole(session: Session, leave_id: int, *, lock: bool) -> _Whole:
    """What was asked together with this leave and stands where it stands."""
    registration_id = session.exec(
        select(Leave.registration_id).where(Leave.id == leave_id)
    ).first()
    if registration_id is None:
        raise NotFound("leave")
    found = (
        select(Registration, Batch, Programme, Teacher.name)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(Registration.id == registration_id)
    )
    row = session.exec(found.with_for_update(of=Registration) if lock else found).one()
    leaves = session.exec(
        select(Leave, ClassSession)
        .join(ClassSession, col(ClassSession.id) == col(Leave.session_id))
        .where(Leave.registration_id == registration_id)
        .order_by(col(ClassSession.starts_at))
        .execution_options(populate_existing=True)
    ).all()
    this = next(leave for leave, _ in leaves if leave.id == leave_id)
    together = tuple(
        (leave, meeting)
        for leave, meeting in leaves
        if leave.requested_at == this.requested_at and leave.state is this.state
    )
    return _Whole(together, *row)


def review(
    session: Session, actor_id: int, leave_id: int, *, batch_id: int = 0, now: datetime
) -> Item:
    """Return a leave as it is decided; the log keeps that it was looked at.

    Raises NotFound or NotAllowed.
    """
    held = scope(session, actor_id, now=now)
    whole = _whole(session, leave_id, lock=False)
    first, last = _rights(session, held, whole)
    if not (first or last):
        raise NotAllowed
    audit.record(session, actor_id, "look_at_leave", f"leave:{leave_id}", now=now)
    session.flush()
    waiting = ids(session, held, batch_id, now=now)
    leave = whole.leaves[0][0]
    these = tuple(one.id for one, _ in whole.leaves)
    place = next((n for n, id_ in enumerate(waiting, 1) if id_ in these), 0)
    school = session.exec(
        select(OrgUnit.name).where(OrgUnit.id == whole.registration.unit_id_at)
    ).one()
    return Item(
        leave_id=leave_id,
        leave_ids=these,
        batch_id=whole.batch.id,
        title=whole.programme.title,
        name=whole.name,
        school=school,
        meetings=tuple((x.title, x.starts_at, x.ends_at) for _, x in whole.leaves),
        reason=leave.reason,
        note=leave.note,
        state=leave.state,
        requested_at=leave.requested_at,
        place=place,
        of=len(waiting),
        decided_by=name_of(session, leave.decided_by),
    )


def agree(session: Session, actor_id: int, leave_id: int, *, now: datetime) -> Decided:
    """Give leave, as the school or as the organiser; whoever is both gives it once.

    It is for all meetings that were asked together. Raises NotFound, NotAllowed, OwnCase,
    SchoolDecides or ProgrammeCancelled.
    """
    return _decide(session, actor_id, leave_id, None, now=now)


def refuse(
    session: Session, actor_id: int, leave_id: int, answer: str, *, now: datetime
) -> Decided:
    """Do not give leave, with a sentence why. Raises as ``agree`` does, and SentenceNeeded."""
    return _decide(session, actor_id, leave_id, sentence(answer), now=now)


def _rights(session: Session, held: Scope, whole: _Whole) -> tuple[bool, bool]:
    return (
        bool(held.speaks_about(session, [whole.registration.id])),
        bool(of_batches(session, held.leave, [whole.batch.id])),
    )


def _decide(
    session: Session, actor_id: int, leave_id: int, answer: str | None, *, now: datetime
) -> Decided:
    held = scope(session, actor_id, now=now)
    whole = _whole(session, leave_id, lock=True)
    first, last = _rights(session, held, whole)
    if not (first or last):
        raise NotAllowed
    if whole.registration.teacher_id == actor_id:
        raise OwnCase
    if whole.programme.state is ProgrammeState.CANCELLED or whole.batch.cancelled_at is not None:
        raise ProgrammeCancelled(whole.programme.title)
    before = whole.leaves[0][0]
    is_over = before.state is LeaveState.SCHOOL_OK and not last
    if before.state not in OPEN or is_over or whole.registration.state not in TAKES_PART:
        return Decided(
            whole.name,
            before.state,
            len(whole.leaves),
            None,
            None,
            name_of(session, before.decided_by),
        )
    soonest = min(meeting.starts_at for _, meeting in whole.leaves)
    if before.state is LeaveState.REQUESTED and not first:
        until = min(before.requested_at + SCHOOL_FIRST, soonest - SCHOOL_FIRST)
        if now < until:
            raise SchoolDecides(whole.programme.title, until)
    after: LeaveState
    rule: Rule
    if answer is not None:
        after, rule = LeaveState.REFUSED, "absence_refused"
    elif last:
        after, rule = LeaveState.APPROVED, "absence_approved"
    else:
        after, rule = LeaveState.SCHOOL_OK, "absence_school_ok"
    deed_id = deeds.done(session, DEED, actor_id, {}, now=now)
    undo = []
    for leave, _ in whole.leaves:
        undo.append(
            {
                "id": leave.id,
                "state": leave.state.value,
                "after": after.value,
                "decided_by": leave.decided_by,
                "decided_at": leave.decided_at and leave.decided_at.isoformat(),
                "answer": leave.answer,
            }
        )
        audit.record(
            session,
            actor_id,
            "leave_refuse" if answer is not None else "leave_agree",
            f"leave:{leave.id}",
            now=now,
            before={"state": leave.state.value},
            after={"state": after.value},
        )
        leave.state = after
        leave.decided_by = actor_id
        leave.decided_at = now
        leave.answer = answer or ""
    session.flush()
    meeting_end.follow_leave(session, whole.registration.id)
    moments = [meeting.starts_at for _, meeting in whole.leaves]
    registration = whole.registration
    decide(session, registration.id, rule, _facts(moments), now=now, actor_id=actor_id)
    keys: list[str] = []
    if after is not LeaveState.SCHOOL_OK:
        facts = {"leave_ids": [leave.id for leave, _ in whole.leaves], "state": after.value}
        told = Answer("leave_answered", registration.teacher_id, before.id, facts, before=soonest)
        keys = answers.tell(session, [told], deed_id, now=now)
    deed = session.get_one(Deed, deed_id)
    deed.data = {"rows": undo, "told": keys}
    session.flush()
    actor = name_of(session, actor_id)
    return Decided(whole.name, after, len(whole.leaves), deed_id, deed.until, actor)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put the leaves back as they were. Raises ChangedSince when that is not possible."""
    former = {entry["id"]: entry for entry in deed.data["rows"]}
    held = scope(session, deed.actor_id, now=now)
    whole = _whole(session, min(former), lock=True)
    first, last = _rights(session, held, whole)
    by_school = all(entry["after"] == LeaveState.SCHOOL_OK for entry in former.values())
    # The organiser's word is taken back by who still has it; a school's refusal by either.
    approved = any(entry["after"] == LeaveState.APPROVED for entry in former.values())
    if not (first if by_school else last if approved else first or last):
        raise NotAllowed
    if not set(former) <= {leave.id for leave, _ in whole.leaves}:
        raise ChangedSince(whole.programme.title)
    moments = []
    for leave, meeting in whole.leaves:
        if leave.id not in former:
            continue
        entry = former[leave.id]
        marked = session.exec(
            select(Attendance.id).where(
                Attendance.session_id == leave.session_id,
                Attendance.registration_id == leave.registration_id,
                Attendance.state == Presence.LEAVE,
                Attendance.method != Method.CLOCK,  # which follows
            )
        ).first()
        if leave.state.value != entry["after"] or leave.decided_at != deed.at or marked:
            raise ChangedSince(whole.programme.title)
        decided_at = entry["decided_at"]
        leave.state = LeaveState(entry["state"])
        leave.decided_by = entry["decided_by"]
        leave.decided_at = decided_at and datetime.fromisoformat(decided_at)
        leave.answer = entry["answer"]
        moments.append(meeting.starts_at)
    session.flush()
    meeting_end.follow_leave(session, whole.registration.id)
    decide(
        session,
        whole.registration.id,
        "decision_undone",
        _facts(moments),
        now=now,
        actor_id=deed.actor_id,
    )
    outbox.take_back(session, deed.data["told"])


# --- what follows from it --------------------------------------------------------------------


def told(session: Session, leave_ids: Collection[int], state: str, deed_id: int) -> Told | None:
    """What there is to tell of a decision on leave now; None when it does not stand."""
    if not answers.stands(session, deed_id):
        return None
    rows = session.exec(
        select(Leave, ClassSession, Batch, Programme)
        .join(ClassSession, col(ClassSession.id) == col(Leave.session_id))
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Leave.id).in_(leave_ids), Leave.state == LeaveState(state))
        .order_by(col(ClassSession.starts_at))
    ).all()
    if not rows:
        return None
    leave, _, batch, programme = rows[0]
    moments = tuple(meeting.starts_at for _, meeting, _, _ in rows)
    return Told(batch.id, programme.title, leave.state, moments, leave.answer, programme.contact)


def on_leave(session_id: Any) -> sa.Select[int]:
    """Select the registrations that are on approved leave from this meeting."""
    return sa.select(col(Leave.registration_id)).where(
        col(Leave.session_id) == session_id, col(Leave.state) == LeaveState.APPROVED
    )


def forget_reasons(session: Session, *, now: datetime) -> int:
    """Forget why people were on leave, half a year after the meeting; return how many.

    That they were stays. Forgetting again forgets none.
    """
    old = session.exec(
        select(Leave.id)
        .join(ClassSession, col(ClassSession.id) == col(Leave.session_id))
        .where(
            ClassSession.ends_at <= now - KEPT,
            sa.or_(
                col(Leave.note) != "",
                col(Leave.answer) != "",
                col(Leave.reason) != LeaveReason.OTHER,
            ),
        )
        .order_by(col(Leave.id))
        .limit(FORGOTTEN_AT_ONCE)
    ).all()
    if old:
        session.exec(
            sa.update(Leave)
            .where(col(Leave.id).in_(old))
            .values(note="", answer="", reason=LeaveReason.OTHER)
        )
    return len(old)
