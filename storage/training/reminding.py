"""Every step of a class's reminders: planned, sent, skipped and why; and the same for a person.

What a coordinator is asked on the phone: why did I get this, and why did my colleague not?
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds
from storage.messaging import owed, reminders
from storage.messaging.reminders import Overview
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    Reminder,
    ReminderMute,
    ReminderState,
    StepOutcome,
)
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Account, Teacher
from storage.refusals import NotAllowed, NotFound
from storage.training import extending, subjects
from storage.training.remote.tables import ProgressItem
from storage.training.subjects import Subject
from storage.training.tables import ClassSession, Phase, Registration, Task

PAGE = 8


@dataclass(frozen=True)
class ItemLine:
    """One deadline of a class, and when something of it is said next."""

    deadline_id: int
    kind: str
    subject: Subject | None
    at: datetime
    state: DeadlineState
    next_at: datetime | None


@dataclass(frozen=True)
class Items:
    """A page of the deadlines of a class, the soonest first."""

    batch_id: int
    lines: tuple[ItemLine, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class ItemFacts:
    """One deadline: its steps and what became of them, who owes it, whose date differs."""

    batch_id: int
    subject: Subject | None
    overview: Overview
    owing: int
    own_dates: int
    may_extend: bool


@dataclass(frozen=True)
class PersonLine:
    """Somebody whom a deadline concerned: whether they owe it, and the last that was said."""

    teacher_id: int
    name: str
    owes: bool
    last: ReminderState | None


@dataclass(frozen=True)
class PeopleOf:
    """A page of those whom a deadline concerned; who still owes it comes first."""

    deadline_id: int
    batch_id: int
    subject: Subject | None
    kind: str
    at: datetime
    lines: tuple[PersonLine, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class StepOfPerson:
    """One step and one person: what became of it; None where they were not among those told."""

    name: str
    due_at: datetime
    outcome: StepOutcome | None
    state: ReminderState | None
    settled_at: datetime | None
    not_before: datetime | None


@dataclass(frozen=True)
class PersonFacts:
    """Why somebody got, or did not get, what a deadline has to say."""

    deadline_id: int
    batch_id: int
    kind: str
    subject: Subject | None
    at: datetime
    teacher_id: int
    name: str
    owes: bool
    muted: bool
    reachable: bool
    own_date: datetime | None
    may_extend: bool
    steps: tuple[StepOfPerson, ...]


def items(session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime) -> Items:
    """Return the deadlines of a class. Raises NotAllowed."""
    _check(session, actor_id, batch_id, now)
    of_batch = _of_class(batch_id)
    next_at = (
        sa.select(sa.func.min(col(DeadlineStep.due_at)))
        .where(
            col(DeadlineStep.deadline_id) == col(Deadline.id), col(DeadlineStep.outcome).is_(None)
        )
        .correlate(Deadline)
        .scalar_subquery()
    )
    every: Any = sa.select(
        col(Deadline.id),
        col(Deadline.kind),
        col(Deadline.subject_id),
        col(Deadline.at),
        col(Deadline.state),
        next_at,
    ).where(of_batch, col(Deadline.teacher_id) == 0)
    total = session.exec(select(sa.func.count()).select_from(every.subquery())).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        every.order_by(col(Deadline.at), col(Deadline.id)).offset(page * PAGE).limit(PAGE)
    ).all()
    about = subjects.describe_all(session, [(row.kind, row.subject_id) for row in rows])
    return Items(
        batch_id,
        tuple(
            ItemLine(id_, kind, about.get((kind, subject_id)), at, DeadlineState(state), soon)
            for id_, kind, subject_id, at, state, soon in rows
        ),
        page,
        pages,
    )


def item(session: Session, actor_id: int, deadline_id: int, *, now: datetime) -> ItemFacts:
    """Return every step of one deadline of a class. Raises NotAllowed or NotFound."""
    overview = reminders.overview(session, deadline_id)
    batch_id = _class_of(session, actor_id, overview.kind, overview.subject_id, now)
    who = owed.owing(session, overview.kind, overview.subject_id, 0, now=now)
    owing = session.exec(select(sa.func.count()).select_from(who.subquery())).one()
    own = session.exec(
        select(sa.func.count())
        .select_from(Deadline)
        .where(
            Deadline.kind == overview.kind,
            Deadline.subject_id == overview.subject_id,
            Deadline.teacher_id != 0,
            Deadline.state == DeadlineState.ACTIVE,
        )
    ).one()
    return ItemFacts(
        batch_id,
        _subject(session, overview.kind, overview.subject_id),
        overview,
        owing,
        own,
        _may_extend(session, actor_id, overview.kind, overview.subject_id, now),
    )


def of_task(session: Session, actor_id: int, task_id: int, *, now: datetime) -> ItemFacts:
    """Return every step of a task's deadline. Raises NotAllowed or NotFound."""
    deadline_id = session.exec(
        select(Deadline.id).where(
            Deadline.kind == "task_due", Deadline.subject_id == task_id, Deadline.teacher_id == 0
        )
    ).first()
    if deadline_id is None:
        raise NotFound("deadline")
    return item(session, actor_id, deadline_id, now=now)


def people(
    session: Session,
    actor_id: int,
    deadline_id: int,
    *,
    page: int = 0,
    like: str = "",
    now: datetime,
) -> PeopleOf:
    """Return a page of those whom a deadline concerned; ``like`` is a part of the name.

    Raises NotAllowed or NotFound.
    """
    row = _deadline(session, deadline_id)
    batch_id = _class_of(session, actor_id, row.kind, row.subject_id, now)
    # Whoever has a date of their own owes it too, by that.
    owing = kinds.owes(session, row.kind, row.subject_id, now=now).subquery()
    told = (
        sa.select(col(Reminder.teacher_id), sa.func.max(col(Reminder.id)).label("last"))
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .where(*_steps_of(row.kind, row.subject_id))
        .group_by(col(Reminder.teacher_id))
        .subquery()
    )
    every: Any = (
        sa.select(col(Teacher.id), col(Teacher.name), owing.c[0], col(Reminder.state))
        .outerjoin(owing, owing.c[0] == col(Teacher.id))
        .outerjoin(told, told.c.teacher_id == col(Teacher.id))
        .outerjoin(Reminder, col(Reminder.id) == told.c.last)
        .where(sa.or_(owing.c[0].is_not(None), told.c.last.is_not(None)))
    )
    if like:
        every = every.where(col(Teacher.name).contains(like, autoescape=True))
    total = session.exec(select(sa.func.count()).select_from(every.subquery())).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        every.order_by(owing.c[0].is_(None), col(Teacher.staff_no)).offset(page * PAGE).limit(PAGE)
    ).all()
    return PeopleOf(
        deadline_id,
        batch_id,
        _subject(session, row.kind, row.subject_id),
        row.kind,
        row.at,
        tuple(
            PersonLine(id_, name, owes is not None, state and ReminderState(state))
            for id_, name, owes, state in rows
        ),
        page,
        pages,
    )


def person(
    session: Session, actor_id: int, deadline_id: int, teacher_id: int, *, now: datetime
) -> PersonFacts:
    """Return why this person got, or did not get, each step. Raises NotAllowed or NotFound."""
    row = _deadline(session, deadline_id)
    batch_id = _class_of(session, actor_id, row.kind, row.subject_id, now)
    if not _concerns(session, row, batch_id, teacher_id, now):
        raise NotFound("teacher")
    own = session.exec(
        select(Deadline.at).where(
            Deadline.kind == row.kind,
            Deadline.subject_id == row.subject_id,
            Deadline.teacher_id == teacher_id,
            Deadline.state == DeadlineState.ACTIVE,
        )
    ).first()
    steps: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(DeadlineStep.name),
            col(DeadlineStep.due_at),
            col(DeadlineStep.outcome),
            col(Reminder.state),
            col(Reminder.settled_at),
            col(Reminder.not_before),
        )
        .outerjoin(
            Reminder,
            sa.and_(
                col(Reminder.step_id) == col(DeadlineStep.id),
                col(Reminder.teacher_id) == teacher_id,
            ),
        )
        .where(
            *_steps_of(row.kind, row.subject_id, teacher_id),
            sa.or_(
                col(DeadlineStep.outcome).is_distinct_from(StepOutcome.SUPERSEDED),
                col(Reminder.id).is_not(None),
            ),
        )
        .order_by(col(DeadlineStep.due_at), col(DeadlineStep.id))
    ).all()
    name = session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).one()
    muted = select(ReminderMute.id).where(
        ReminderMute.teacher_id == teacher_id, ReminderMute.deadline_id == deadline_id
    )
    reachable = select(Account.id).where(Account.teacher_id == teacher_id, col(Account.reachable))
    return PersonFacts(
        deadline_id=deadline_id,
        batch_id=batch_id,
        kind=row.kind,
        subject=_subject(session, row.kind, row.subject_id),
        at=row.at,
        teacher_id=teacher_id,
        name=name,
        owes=subjects.is_owed(session, row.kind, row.subject_id, teacher_id, now=now),
        muted=session.exec(muted).first() is not None,
        reachable=session.exec(reachable).first() is not None,
        own_date=own,
        may_extend=teacher_id != actor_id
        and _may_extend(session, actor_id, row.kind, row.subject_id, now),
        steps=tuple(
            StepOfPerson(
                each.name,
                each.due_at,
                each.outcome and StepOutcome(each.outcome),
                each.state and ReminderState(each.state),
                each.settled_at,
                each.not_before,
            )
            for each in steps
        ),
    )


def _of_class(batch_id: int) -> sa.ColumnElement[bool]:
    """Whether a ``Deadline`` belongs to this class."""
    of: dict[str, Any] = {
        "batch": [batch_id],
        "class_session": sa.select(col(ClassSession.id)).where(
            col(ClassSession.batch_id) == batch_id
        ),
        "task": sa.select(col(Task.id)).where(col(Task.batch_id) == batch_id),
        "phase": sa.select(col(Phase.id)).where(col(Phase.batch_id) == batch_id),
        "progress_item": sa.select(col(ProgressItem.id)).where(
            col(ProgressItem.batch_id) == batch_id
        ),
        "registration": sa.select(col(Registration.id)).where(
            col(Registration.batch_id) == batch_id
        ),
    }
    return sa.or_(
        *(
            sa.and_(
                col(Deadline.kind).in_(
                    [k.id for k in kinds.KINDS.values() if k.subject == subject]
                ),
                col(Deadline.subject_id).in_(ids),
            )
            for subject, ids in of.items()
        )
    )


def _steps_of(
    kind: str, subject_id: int, teacher_id: int | None = None
) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on ``DeadlineStep``: what speaks to those who owe it, by whichever date."""
    of = sa.select(col(Deadline.id)).where(
        col(Deadline.kind) == kind, col(Deadline.subject_id) == subject_id
    )
    if teacher_id is not None:
        of = of.where(col(Deadline.teacher_id).in_([0, teacher_id]))
    return (
        col(DeadlineStep.deadline_id).in_(of),
        col(DeadlineStep.level) == Level.TEACHER,
    )


def _concerns(session: Session, row: Any, batch_id: int, teacher_id: int, now: datetime) -> bool:
    """Whether this person is of the class, owes it, or was told of it."""
    registered = select(Registration.id).where(
        Registration.batch_id == batch_id, Registration.teacher_id == teacher_id
    )
    told = (
        select(Reminder.id)
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .where(Reminder.teacher_id == teacher_id, *_steps_of(row.kind, row.subject_id))
    )
    return (
        session.exec(registered).first() is not None
        or session.exec(told.limit(1)).first() is not None
        or subjects.is_owed(session, row.kind, row.subject_id, teacher_id, now=now)
    )


def _check(session: Session, actor_id: int, batch_id: int, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=today)


def _class_of(session: Session, actor_id: int, kind: str, subject_id: int, now: datetime) -> int:
    batch_id = kinds.place(session, kind, subject_id).batch_id
    if batch_id is None:
        raise NotFound("deadline")
    _check(session, actor_id, batch_id, now)
    return batch_id


def _may_extend(session: Session, actor_id: int, kind: str, subject_id: int, now: datetime) -> bool:
    try:
        extending.check(session, actor_id, kind, subject_id, now=now)
    except (NotAllowed, NotFound):
        return False
    return True


def _deadline(session: Session, deadline_id: int) -> Any:
    row = session.exec(
        select(Deadline.kind, Deadline.subject_id, Deadline.at).where(Deadline.id == deadline_id)
    ).first()
    if row is None:
        raise NotFound("deadline")
    return row


def _subject(session: Session, kind: str, subject_id: int) -> Subject | None:
    return subjects.describe_all(session, [(kind, subject_id)]).get((kind, subject_id))
