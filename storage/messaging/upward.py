"""What is said upward of what others still owe: to whom, in which figures, and what waits.

A step of a level above speaks to whoever holds the right role where something is still owed.
It rings nobody by itself: all of it rides in the one message of the day
(``storage.training.worklist``), composed from what is owed in that moment. Whom somebody has
just spoken with is not passed on for two working days (domain, reminders 5.3).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, kinds, moments
from storage.calendar import workdays
from storage.messaging import outbox, owed, quiet
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderState,
    StepOutcome,
)
from storage.people import authority
from storage.people.authority import Act
from storage.people.owing import OFFICE, holders, nearest
from storage.people.tables import (
    Account,
    Contact,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    UnitKind,
)
from storage.refusals import NotAllowed, NotFound

UPWARD = (Level.COORDINATOR, Level.PRINCIPAL, Level.OWNER, Level.BUREAU)
SPOKEN_WITH = 2
"""Working days for which whoever was spoken with is left alone."""
LOOKED_BACK = timedelta(days=21)
"""For so long a step can still be waiting for its message; longer than any is of use."""
PAGE = 8


@dataclass(frozen=True)
class Line:
    """What one deadline comes to for one reader: how many still owe it, by unit if they see it.

    ``number`` counts people, or things where the kind says so; the bureau sees no units.
    """

    deadline_id: int
    kind: str
    subject_id: int
    level: Level
    at: datetime
    number: int
    units: tuple[tuple[int, str, int], ...]


def about(deadline_id: int) -> str:
    """Return what a contact about this deadline is noted under."""
    return f"deadline:{deadline_id}"


# --- to whom -----------------------------------------------------------------------------------


def audience(
    session: Session,
    level: Level,
    kind: str,
    subject_id: int,
    units: Collection[int],
    besides: Any,
    now: datetime,
) -> Any:
    """Select who is to hear on this level that these units still owe it.

    Whoever stands nearest: a class that has no teacher is its organiser's. Nobody of those whose
    own it is (``besides``): what an organiser has left goes to whoever stands above.
    """
    ways = [
        way.where(way.selected_columns[0].not_in(besides))
        for way in _ways(session, level, kind, subject_id, units, now)
    ]
    connection = session.connection()
    return next((way for way in ways[:-1] if connection.execute(way.limit(1)).first()), ways[-1])


def _ways(
    session: Session,
    level: Level,
    kind: str,
    subject_id: int,
    units: Collection[int],
    now: datetime,
) -> list[Any]:
    """Who stands on this level, the nearest first."""
    if level is Level.COORDINATOR:
        return [holders(session, (Role.SCHOOL_COORDINATOR,), of=_ids(units), now=now)]
    if level is Level.PRINCIPAL:
        return [holders(session, (Role.PRINCIPAL,), of=_ids(units), now=now)]
    if level is Level.BUREAU:
        return [holders(session, (Role.BUREAU_VIEWER,), now=now)]
    place = kinds.place(session, kind, subject_id)
    owners = kinds.KINDS[kind].owners
    ways = []
    if place.batch_id is not None and Role.COUNTY_COORDINATOR not in owners:
        ways.append(holders(session, owners, batch_id=place.batch_id, now=now))
    near = kinds.KINDS[kind].near
    if near is not None:
        ways.append(near(session, subject_id, now))
    if place.unit_id is not None:
        ways.append(nearest(session, OFFICE, of=place.unit_id, now=now))
    ways.append(holders(session, (Role.COUNTY_COORDINATOR,), now=now))
    return ways


def heard_of(level: Level, kind: str) -> sa.ColumnElement[bool]:
    """Of which ``OrgUnit`` this level hears at all."""
    if level is Level.BUREAU and kinds.KINDS[kind].bureau_of_offices:
        return col(OrgUnit.kind).not_in([UnitKind.SCHOOL, UnitKind.GROUP])
    return sa.true()


def _ids(units: Collection[int]) -> Any:
    return sa.select(col(OrgUnit.id)).where(col(OrgUnit.id).in_(units))


def spoken_with(
    session: Session,
    deadline_id: int,
    kind: str,
    subject_id: int,
    own: int,
    now: datetime,
) -> dict[int, datetime]:
    """Return the units in which all who owe it were spoken with, and until when that holds."""
    if kinds.KINDS[kind].outstanding is not None and not own:
        return {}  # it is counted in things, and nobody can be spoken with
    calendar = workdays.load(session)
    day = calendar.shift(moments.local_day(now, calendar.zone), -SPOKEN_WITH)
    minute = moments.minute_of_day(now, calendar.zone)
    people = owed.owing(session, kind, subject_id, own, now=now).subquery()
    batch_id = kinds.place(session, kind, subject_id).batch_id
    last = (
        sa.select(col(Contact.teacher_id), sa.func.max(col(Contact.at)).label("at"))
        .where(
            col(Contact.at) > moments.at(day, minute, calendar.zone),
            col(Contact.about).in_(["", about(deadline_id), f"batch:{batch_id}"]),
        )
        .group_by(col(Contact.teacher_id))
        .subquery()
    )
    rows = session.connection().execute(
        sa.select(col(Posting.unit_id), sa.func.min(last.c.at))
        .join(people, people.c[0] == col(Posting.teacher_id))
        .outerjoin(last, last.c.teacher_id == col(Posting.teacher_id))
        .where(col(Posting.is_primary), col(Posting.until).is_(None))
        .group_by(col(Posting.unit_id))
        .having(sa.func.count() == sa.func.count(last.c.at))
    )
    return {unit_id: _lapses(spoken, calendar) for unit_id, spoken in rows}


def _lapses(spoken: datetime, calendar: workdays.WorkCalendar) -> datetime:
    day = calendar.shift(moments.local_day(spoken, calendar.zone), SPOKEN_WITH)
    return moments.at(day, moments.minute_of_day(spoken, calendar.zone), calendar.zone)


# --- the message of the day --------------------------------------------------------------------


def waiting(session: Session, *, now: datetime) -> list[tuple[int, quiet.Hours]]:
    """Return who has something to hear from below, with their hours."""
    rows = session.connection().execute(
        sa.select(
            col(Reminder.teacher_id),
            col(Account.brief_minute),
            col(Account.quiet_from),
            col(Account.quiet_until),
        )
        .distinct()
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Account, col(Account.teacher_id) == col(Reminder.teacher_id))
        .where(*_due(now), col(Account.reachable))
        .order_by(col(Reminder.teacher_id))
    )
    return [(row[0], quiet.Hours(*row[1:])) for row in rows]


def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Reminder.state) == ReminderState.DUE,
        col(DeadlineStep.level).in_(UPWARD),
        col(DeadlineStep.due_at) > now - LOOKED_BACK,
        sa.or_(col(DeadlineStep.outcome) == StepOutcome.SWEPT, col(DeadlineStep.outcome).is_(None)),
    )


def compose(
    session: Session, teacher_id: int, outbox_id: int, *, now: datetime
) -> tuple[Line, ...]:
    """Decide what the message of the day says of it, and note what it tells.

    What has been done meanwhile is marked as done, and what comes too late as stale.
    """
    found = []
    for line, ids in _lines(session, teacher_id, now, *_due(now)):
        values: dict[str, Any] = {"outbox_id": outbox_id}
        if line is None:
            values = {"state": ReminderState.SATISFIED, "settled_at": now}
        else:
            found.append(line)
        session.exec(sa.update(Reminder).where(col(Reminder.id).in_(ids)).values(**values))
    return tuple(found)


@dataclass(frozen=True)
class Told:
    """A message of the day that has gone out: when, and what is still owed of what it told."""

    sent_at: datetime
    lines: tuple[Line, ...]


def told_in(session: Session, account_id: int, message_id: int, *, now: datetime) -> Told | None:
    """Return the message of the day that is this message, as it reads now; None of another."""
    row: Any = session.exec(
        select(OutboxMessage.id, OutboxMessage.teacher_id, OutboxMessage.sent_at).where(
            OutboxMessage.account_id == account_id,
            OutboxMessage.message_id == message_id,
            OutboxMessage.kind == outbox.UPWARD,
            OutboxMessage.state == OutboxState.SENT,
        )
    ).first()
    if row is None or row.teacher_id is None or row.sent_at is None:
        return None
    told = _lines(session, row.teacher_id, now, col(Reminder.outbox_id) == row.id)
    if not told:
        return None  # it had nothing but what waits for a decision
    return Told(row.sent_at, tuple(line for line, _ids in told if line is not None))


def _lines(
    session: Session, teacher_id: int, now: datetime, *conditions: sa.ColumnElement[bool]
) -> list[tuple[Line | None, tuple[int, ...]]]:
    """Each deadline with these reminders of it; None where nothing is owed."""
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Reminder.id),
            col(DeadlineStep.level),
            col(DeadlineStep.useful_until),
            col(Deadline.id).label("deadline_id"),
            col(Deadline.kind),
            col(Deadline.subject_id),
            col(Deadline.teacher_id).label("own"),
            col(Deadline.at),
            col(Deadline.state),
        )
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            col(Reminder.teacher_id) == teacher_id,
            col(DeadlineStep.level).in_(UPWARD),
            *conditions,
        )
        .order_by(col(Deadline.at), col(Deadline.id), col(DeadlineStep.due_at))
    ).all()
    by_deadline: dict[int, list[Any]] = {}
    for row in rows:
        by_deadline.setdefault(row.deadline_id, []).append(row)
    found: list[tuple[Line | None, tuple[int, ...]]] = []
    for theirs in by_deadline.values():
        last = max(theirs, key=lambda row: UPWARD.index(row.level))
        line = None
        is_over = max(row.useful_until for row in theirs) <= now
        if last.state is DeadlineState.ACTIVE and not is_over:
            line = _line(session, teacher_id, last, now)
        found.append((line, tuple(row.id for row in theirs)))
    return found


def _line(session: Session, teacher_id: int, row: Any, now: datetime) -> Line | None:
    counted = owed.outstanding(session, row.kind, row.subject_id, row.own, now=now).subquery()
    statement = (
        sa.select(counted.c.unit_id, col(OrgUnit.name), counted.c.number)
        .join(OrgUnit, col(OrgUnit.id) == counted.c.unit_id)
        .where(heard_of(row.level, row.kind))
        .order_by(counted.c.number.desc(), col(OrgUnit.code))
    )
    if row.level in (Level.COORDINATOR, Level.PRINCIPAL):
        statement = statement.where(counted.c.unit_id.in_(_own_units(session, teacher_id, now)))
    units = [(int(id_), name, int(n)) for id_, name, n in session.connection().execute(statement)]
    number = sum(n for _id, _name, n in units)
    if not number:
        return None
    return Line(
        deadline_id=row.deadline_id,
        kind=row.kind,
        subject_id=row.subject_id,
        level=row.level,
        at=row.at,
        number=number,
        units=() if row.level is Level.BUREAU else tuple(units),
    )


def _own_units(session: Session, teacher_id: int, now: datetime) -> Any:
    mine = holders(session, (Role.SCHOOL_COORDINATOR, Role.PRINCIPAL), now=now)
    return mine.with_only_columns(col(RoleAssignment.scope_id)).where(
        col(RoleAssignment.teacher_id) == teacher_id,
        col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
    )


# --- the names, on a tap -----------------------------------------------------------------------


@dataclass(frozen=True)
class Owing:
    """Somebody who still owes it, and when they were last spoken with about it."""

    teacher_id: int
    name: str
    contacted_at: datetime | None


@dataclass(frozen=True)
class Units:
    """The units in the actor's reach that still owe something, with how much."""

    deadline_id: int
    kind: str
    subject_id: int
    at: datetime
    lines: tuple[tuple[int, str, int], ...]
    has_names: bool
    """Whether they are people, who can be spoken with."""


@dataclass(frozen=True)
class Names:
    """A page of those of a unit who still owe it."""

    deadline_id: int
    kind: str
    subject_id: int
    at: datetime
    unit_id: int
    unit: str
    lines: tuple[Owing, ...]
    page: int
    pages: int
    total: int


def units_owing(session: Session, actor_id: int, deadline_id: int, *, now: datetime) -> Units:
    """Return in which units of the actor's it is still owed. Raises NotAllowed or NotFound."""
    row = _deadline(session, deadline_id)
    today = moments.local_day(now, workdays.load(session).zone)
    if Act.COUNT_PEOPLE not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    reached = authority.reaches(session, actor_id, Act.COUNT_PEOPLE, today=today).subquery()
    counted = owed.outstanding(session, row.kind, row.subject_id, row.own, now=now).subquery()
    found = session.connection().execute(
        sa.select(counted.c.unit_id, col(OrgUnit.name), counted.c.number)
        .join(OrgUnit, col(OrgUnit.id) == counted.c.unit_id)
        .where(counted.c.unit_id.in_(sa.select(reached.c.id)))
        .order_by(counted.c.number.desc(), col(OrgUnit.code))
    )
    lines_ = tuple((int(id_), name, int(n)) for id_, name, n in found)
    has_names = kinds.KINDS[row.kind].has_names
    return Units(deadline_id, row.kind, row.subject_id, row.at, lines_, has_names)


def names_owing(
    session: Session, actor_id: int, deadline_id: int, unit_id: int, *, page: int = 0, now: datetime
) -> Names:
    """Return a page of the people of a unit who still owe it; a look from above is written down.

    Raises NotAllowed or NotFound.
    """
    row = _deadline(session, deadline_id)
    today = moments.local_day(now, workdays.load(session).zone)
    unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    authority.check(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today)
    if not authority.may(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today, own=True):
        audit.record(
            session,
            actor_id,
            "look_at_people",
            f"unit:{unit_id}",
            now=now,
            after={"deadline": deadline_id},
        )
    people = owed.owing(session, row.kind, row.subject_id, row.own, now=now).subquery()
    last = (
        sa.select(col(Contact.teacher_id), sa.func.max(col(Contact.at)).label("at"))
        .where(col(Contact.about).in_(["", about(deadline_id)]))
        .group_by(col(Contact.teacher_id))
        .subquery()
    )
    theirs = (
        sa.select(col(Teacher.id), col(Teacher.name), last.c.at)
        .join(people, people.c[0] == col(Teacher.id))
        .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
        .outerjoin(last, last.c.teacher_id == col(Teacher.id))
        .where(
            col(Posting.unit_id) == unit_id, col(Posting.is_primary), col(Posting.until).is_(None)
        )
    )
    if kinds.KINDS[row.kind].of_unreached:
        theirs = theirs.where(
            ~sa.exists().where(col(Account.teacher_id) == col(Teacher.id), col(Account.reachable))
        )
    total = session.connection().execute(theirs.with_only_columns(sa.func.count())).scalar_one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.connection().execute(
        theirs.order_by(last.c.at.is_not(None), col(Teacher.staff_no))
        .offset(page * PAGE)
        .limit(PAGE)
    )
    return Names(
        deadline_id,
        row.kind,
        row.subject_id,
        row.at,
        unit_id,
        unit,
        tuple(Owing(*each) for each in rows),
        page,
        pages,
        total,
    )


def _deadline(session: Session, deadline_id: int) -> Any:
    row = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Deadline.kind),
            col(Deadline.subject_id),
            col(Deadline.teacher_id).label("own"),
            col(Deadline.at),
        ).where(col(Deadline.id) == deadline_id)
    ).first()
    if row is None:
        raise NotFound("deadline")
    return row
