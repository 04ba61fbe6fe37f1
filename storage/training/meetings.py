"""Meetings of a class: put in, moved and taken away, and who is expected is told, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.messaging import deadlines, outbox
from storage.messaging.tables import (
    Deadline,
    OutboxMessage,
    OutboxState,
    Priority,
    ReminderMute,
)
from storage.moments import local_day
from storage.people import offices
from storage.refusals import NotFound
from storage.training import schedule
from storage.training.owing import TAKES_PART
from storage.training.structure import (
    EndsFirst,
    InUse,
    MeetingFacts,
    OutsideClass,
    SameTime,
    Use,
    change_row,
    check_module,
    checked,
    meeting_facts,
    note,
    titled,
    to_change,
)
from storage.training.tables import (
    Attendance,
    Batch,
    CheckIn,
    ClassSession,
    Leave,
    Programme,
    ProgrammeState,
    Registration,
)

CHANGED = "meeting_changed"
"""The kind of what participants are told when a meeting is moved or does not take place."""


@dataclass(frozen=True)
class NewMeeting:
    """A meeting to be put in."""

    title: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    online_url: str = ""
    bring: str = ""
    trainers: tuple[str, ...] = ()
    check_in: CheckIn = CheckIn.CODE


def add_meeting(
    session: Session,
    actor_id: int,
    batch_id: int,
    meeting: NewMeeting,
    *,
    module_id: int | None = None,
    now: datetime,
) -> int:
    """Put a meeting into the class; the same one a second time is the one that is there.

    Raises NotAllowed, NotFound, NoTitle, EndsFirst, OutsideClass, SameTime or
    ProgrammeCancelled.
    """
    batch, _programme = to_change(session, actor_id, batch_id, now)
    meeting = replace(meeting, title=titled(meeting.title))
    check_module(session, module_id, batch_id)
    _check_hours(session, batch, meeting.starts_at, meeting.ends_at)
    there = meeting_at(session, batch_id, meeting.starts_at)
    if there is not None:
        if (there.title, there.ends_at) == (meeting.title, meeting.ends_at):
            return there.id
        raise SameTime(there.title, there.starts_at)
    row = put(session, batch_id, meeting, module_id)
    after = {"title": row.title, "starts_at": row.starts_at.isoformat()}
    note(session, actor_id, "add_meeting", f"class_session:{row.id}", batch, now=now, after=after)
    schedule.plan_deadlines(session, batch_id, now=now)
    return row.id


_OF_MEETING = frozenset(
    {
        "title",
        "starts_at",
        "ends_at",
        "place",
        "online_url",
        "bring",
        "trainers",
        "check_in",
        "module_id",
    }
)
_TELLS = ("starts_at", "ends_at", "place", "online_url")
"""What participants are told of when it changes."""


def change_meeting(
    session: Session, actor_id: int, session_id: int, changes: Mapping[str, Any], *, now: datetime
) -> int:
    """Change what is given of a meeting; its deadlines follow, and participants are told once.

    They are told when the time, the place or the address changes and the meeting is still to
    come; a start that moves takes the end along unless one is given. Returns how many are told.

    Raises NotAllowed, NotFound, NoTitle, EndsFirst, OutsideClass, SameTime, InUse (for the
    time of a meeting with attendance) or ProgrammeCancelled.
    """
    meeting = _meeting(session, session_id)
    batch, programme = to_change(session, actor_id, meeting.batch_id, now)
    wanted = checked(changes, _OF_MEETING)
    if "starts_at" in wanted and "ends_at" not in wanted:
        wanted["ends_at"] = meeting.ends_at + (wanted["starts_at"] - meeting.starts_at)
    starts_at = wanted.get("starts_at", meeting.starts_at)
    ends_at = wanted.get("ends_at", meeting.ends_at)
    if (starts_at, ends_at) != (meeting.starts_at, meeting.ends_at):
        _check_hours(session, batch, starts_at, ends_at)
        if starts_at != meeting.starts_at:
            check_unused(session, meeting, leave_matters=False)
        there = meeting_at(session, batch.id, starts_at)
        if there is not None and there.id != session_id:
            raise SameTime(there.title, there.starts_at)
    if wanted.get("module_id") is not None:
        check_module(session, wanted["module_id"], batch.id)
    if "trainers" in wanted:
        wanted["trainers"] = list(wanted["trainers"])
    before = meeting_facts(meeting)
    thing = f"class_session:{session_id}"
    change_row(session, actor_id, "change_meeting", thing, meeting, wanted, batch, now=now)
    after = meeting_facts(meeting)
    if before == after:
        return 0
    schedule.plan_deadlines(session, batch.id, now=now)
    return tell(session, programme, batch, before, after, now=now)


def remove_meeting(session: Session, actor_id: int, session_id: int, *, now: datetime) -> int:
    """Take a meeting away and tell who was expected; return how many are told.

    Raises NotAllowed, ProgrammeCancelled, or InUse when attendance or leave hangs on it.
    """
    meeting = session.exec(select(ClassSession).where(ClassSession.id == session_id)).first()
    if meeting is None:
        return 0
    batch, programme = to_change(session, actor_id, meeting.batch_id, now)
    check_unused(session, meeting)
    before = meeting_facts(meeting)
    erase(session, meeting, now=now)
    thing = f"class_session:{session_id}"
    was = {"title": before.title, "starts_at": before.starts_at.isoformat()}
    note(session, actor_id, "remove_meeting", thing, batch, now=now, after={"was": was})
    schedule.plan_deadlines(session, batch.id, now=now)
    return tell(session, programme, batch, before, None, now=now)


# --- what is told ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changed:
    """A meeting before and now; ``now`` is None when it does not take place any more."""

    before: MeetingFacts
    now: MeetingFacts | None
    batch_id: int
    title: str
    place: str
    """Where the class meets when the meeting names no place of its own."""


def changed(session: Session, facts: Mapping[str, Any], teacher_id: int) -> Changed | None:
    """Return what this person is to be told of the change; None when there is nothing left.

    Nothing is left when it is as it was, when the programme does not take place, and for who
    takes part no more.
    """
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            Batch.id == facts["batch_id"],
            Programme.state == ProgrammeState.PUBLISHED,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
    ).first()
    if found is None:
        return None
    batch, programme = found
    before = MeetingFacts(
        session_id=facts["session_id"],
        module_id=None,
        title=facts["meeting"],
        starts_at=datetime.fromisoformat(facts["starts_at"]),
        ends_at=datetime.fromisoformat(facts["ends_at"]),
        place=facts["place"],
        online_url=facts["online_url"],
        bring="",
        trainers=(),
        check_in=CheckIn.NONE,
    )
    row = session.exec(select(ClassSession).where(ClassSession.id == facts["session_id"])).first()
    # SQLite may give the number of a meeting that is gone to another one.
    if row is None or facts["removed"]:
        return Changed(before, None, batch.id, programme.title, batch.place)
    after = meeting_facts(row)
    after = replace(after, place=after.place or batch.place)
    if all(getattr(before, name) == getattr(after, name) for name in _TELLS):
        return None
    return Changed(before, after, batch.id, programme.title, batch.place)


def tell(
    session: Session,
    programme: Programme,
    batch: Batch,
    before: MeetingFacts,
    after: MeetingFacts | None,
    *,
    now: datetime,
) -> int:
    """Leave one message for each who is expected; how many there are to tell.

    Whoever has not been told of an earlier change yet is told once, of what holds then.
    """
    if programme.state is not ProgrammeState.PUBLISHED:
        return 0
    if after is not None and all(getattr(before, name) == getattr(after, name) for name in _TELLS):
        return 0
    over = before.ends_at if after is None else max(before.ends_at, after.ends_at)
    if over <= now:
        return 0
    facts = {
        "session_id": before.session_id,
        "batch_id": batch.id,
        "title": programme.title,
        "meeting": before.title,
        "starts_at": before.starts_at.isoformat(),
        "ends_at": before.ends_at.isoformat(),
        "place": before.place or batch.place,
        "online_url": before.online_url,
        "removed": after is None,
    }
    prefix = f"{CHANGED}:{before.session_id}:"
    waits = sa.and_(
        col(OutboxMessage.kind) == CHANGED,
        col(OutboxMessage.state) == OutboxState.PENDING,
        col(OutboxMessage.dedupe_key).startswith(prefix, autoescape=True),
    )
    session.exec(sa.update(OutboxMessage).where(waits).values(useful_until=over))
    if after is None:
        for row in session.exec(select(OutboxMessage).where(waits)).all():
            row.facts = {**row.facts, "removed": True}
            session.add(row)
        session.flush()
    expected = sa.and_(
        col(Registration.batch_id) == batch.id, col(Registration.state).in_(TAKES_PART)
    )
    teachers = sa.select(col(Registration.teacher_id)).where(
        expected,
        ~sa.exists().where(waits, col(OutboxMessage.teacher_id) == col(Registration.teacher_id)),
    )
    outbox.put_all(
        session,
        CHANGED,
        teachers,
        facts=facts,
        priority=Priority.OFFER,
        not_before=now,
        useful_until=over,
        key=f"{prefix}{batch.revision}:",
        now=now,
    )
    return session.exec(select(func.count()).select_from(Registration).where(expected)).one()


# --- what these share --------------------------------------------------------------------------


def _meeting(session: Session, session_id: int) -> ClassSession:
    meeting = session.exec(
        select(ClassSession)
        .where(ClassSession.id == session_id)
        .execution_options(populate_existing=True)
    ).first()
    if meeting is None:
        raise NotFound("meeting")
    return meeting


def meeting_at(session: Session, batch_id: int, starts_at: datetime) -> ClassSession | None:
    return session.exec(
        select(ClassSession).where(
            ClassSession.batch_id == batch_id, ClassSession.starts_at == starts_at
        )
    ).first()


def put(
    session: Session, batch_id: int, meeting: NewMeeting, module_id: int | None
) -> ClassSession:
    row = ClassSession(
        batch_id=batch_id,
        module_id=module_id,
        title=titled(meeting.title),
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=meeting.place.strip(),
        online_url=meeting.online_url.strip(),
        bring=meeting.bring.strip(),
        trainers=list(meeting.trainers),
        check_in=meeting.check_in,
    )
    session.add(row)
    session.flush()
    session.refresh(row)  # moments come back in UTC, as all others are compared
    return row


def erase(session: Session, meeting: ClassSession, *, now: datetime) -> None:
    deadlines.cancel_deadline(session, "session", meeting.id, now=now)
    # The number may be given out again, and who muted this meeting did not mute another.
    session.exec(
        sa.delete(ReminderMute).where(
            col(ReminderMute.deadline_id).in_(
                select(Deadline.id).where(
                    Deadline.kind == "session", Deadline.subject_id == meeting.id
                )
            )
        )
    )
    session.delete(meeting)
    session.flush()


def _check_hours(session: Session, batch: Batch, starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise EndsFirst
    zone = offices.zone(session)
    day = local_day(starts_at, zone)
    if not local_day(batch.starts_at, zone) <= day <= local_day(batch.ends_at, zone):
        raise OutsideClass(batch.starts_at, batch.ends_at)


def check_unused(session: Session, meeting: ClassSession, *, leave_matters: bool = True) -> None:
    tables: list[tuple[Any, Use]] = [(Attendance, Use.ATTENDANCE)]
    if leave_matters:
        tables.append((Leave, Use.LEAVE))
    for table, use in tables:
        people = session.exec(
            select(func.count()).select_from(table).where(table.session_id == meeting.id)
        ).one()
        if people:
            raise InUse(meeting.title, use, people)
