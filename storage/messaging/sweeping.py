"""The sweep: a step that is due becomes reminders, once.

It becomes one row a person who still owes it, by one set-based statement; the unique key of
step and person makes twice impossible, whoever sweeps and however often. In the same
transaction the outbox gets what will carry them: one brief a person and day, or a message of
its own for a step that breaks out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds, moments
from storage.calendar import workdays
from storage.calendar.steps import WEEKLY
from storage.inserting import insert_new
from storage.messaging import group_steps, owed, quiet, rings, upward
from storage.messaging.tables import (
    Deadline,
    DeadlineStep,
    Level,
    News,
    Reminder,
    ReminderMute,
    ReminderState,
    StepOutcome,
)
from storage.people.tables import Account, OrgUnit, Posting, RoleAssignment, ScopeKind, Teacher

_REMINDER = Reminder.__table__.c  # type: ignore[attr-defined]


ASKED_AGAIN = timedelta(minutes=5)
"""A step that waits is not asked again sooner."""

BY_HAND = "hand "
"""What the name of a step begins with that somebody asked for; the day follows."""


@dataclass(frozen=True)
class Swept:
    """What one call of the sweep has done; ``more`` asks for another at once."""

    more: bool
    steps: int = 0
    """Steps that are done with, stale ones included."""
    reminded: int = 0
    """Persons who got a reminder, those included whom nothing can reach."""
    stale: int = 0
    """Persons who would have been reminded, had the step been found in time."""


@dataclass(frozen=True)
class _Step:
    id: int
    deadline_id: int
    kind: str
    subject_id: int
    at: datetime
    useful_until: datetime
    breaks_out: bool
    swept_to: int
    level: Level
    own: int
    """Whose own date it is; 0 is everybody's."""

    @property
    def over(self) -> datetime:
        """The moment from which it is too late to say anything."""
        return max(self.useful_until, self.at)

    def owing(self, session: Session, now: datetime) -> Any:
        """Select who owes it and wants to hear of it."""
        who = owed.owing(session, self.kind, self.subject_id, self.own, now=now)
        teacher = who.selected_columns[0]
        wants = who.where(
            ~sa.exists().where(
                col(ReminderMute.deadline_id) == self.deadline_id,
                col(ReminderMute.teacher_id) == teacher,
            )
        )
        asked = self._asked_by_hand(session) if kinds.KINDS[self.kind].preset == WEEKLY else ()
        if not asked:
            return wants
        return wants.where(
            ~sa.exists().where(
                col(Reminder.step_id).in_(asked),
                col(Reminder.teacher_id) == teacher,
                sa.or_(
                    col(Reminder.state) == ReminderState.DUE,
                    sa.and_(
                        col(Reminder.state) == ReminderState.SENT,
                        col(Reminder.settled_at) >= week_of(session, now),
                    ),
                ),
            )
        )

    def _asked_by_hand(self, session: Session) -> Sequence[int]:
        """The steps by which somebody has asked people about the same thing."""
        same = [
            kind.id
            for kind in kinds.KINDS.values()
            if kind.subject == kinds.KINDS[self.kind].subject
        ]
        return session.exec(
            select(DeadlineStep.id)
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(
                Deadline.subject_id == self.subject_id,
                col(Deadline.kind).in_(same),
                col(DeadlineStep.name).startswith(BY_HAND),
            )
        ).all()


def sweep(session: Session, *, now: datetime, chunk: int = 20_000) -> Swept:
    """Turn what is due into reminders: the oldest step, up to ``chunk`` persons of it.

    One call is one bounded transaction, so that taps do not wait for it; call it until there
    is no ``more``. A sweep that is interrupted goes on where it stopped. Two at once work on
    different steps, and a step is done once. When nothing is due, a call costs two look-ups
    in an index.
    """
    step = _due_step(session, now)
    if step is None:
        return Swept(more=_queue_news(session, now, chunk))
    if step.level is Level.GROUP:
        return _speak_to_groups(session, step, now)
    if step.level is not Level.TEACHER:
        return _escalate(session, step, now)
    if step.useful_until <= now:
        missed = session.exec(
            select(sa.func.count()).select_from(step.owing(session, now).subquery())
        ).one()
        _finish(session, step.id, StepOutcome.STALE, missed, now)
        return Swept(more=True, steps=1, stale=missed)
    reminded, swept_to, finished = _remind(session, step, chunk, now)
    _queue(session, step, swept_to, now)
    if finished:
        _finish(session, step.id, StepOutcome.SWEPT, reminded, now)
    else:
        session.exec(
            sa.update(DeadlineStep)
            .where(col(DeadlineStep.id) == step.id)
            .values(swept_to=swept_to, reminded=DeadlineStep.reminded + reminded)
        )
    return Swept(more=True, steps=int(finished), reminded=reminded)


def _due_step(session: Session, now: datetime) -> _Step | None:
    row = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(DeadlineStep.id),
            col(DeadlineStep.deadline_id),
            col(Deadline.kind),
            col(Deadline.subject_id),
            col(Deadline.at),
            col(DeadlineStep.useful_until),
            col(DeadlineStep.breaks_out),
            col(DeadlineStep.swept_to),
            col(DeadlineStep.level),
            col(Deadline.teacher_id),
        )
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(col(DeadlineStep.outcome).is_(None), col(DeadlineStep.due_at) <= now)
        .order_by(col(DeadlineStep.due_at), col(DeadlineStep.id))
        .limit(1)
        .with_for_update(skip_locked=True, of=DeadlineStep)
    ).first()
    return None if row is None else _Step(*row)


def week_of(session: Session, now: datetime) -> datetime:
    """When the seven days began that end with this one: so long one reminder by week is enough."""
    zone = workdays.load(session).zone
    return moments.at(moments.local_day(now, zone) - timedelta(days=6), 0, zone)


def ask_by_hand(
    session: Session, deadline_id: int, teacher_ids: Collection[int], *, now: datetime
) -> int:
    """Remind these people of a deadline once more, because somebody asks for it; of how many.

    It is a step of its own, which nobody hears twice on a day, and it keeps to everything that
    reminders keep to: it rides in the brief, and whoever owes nothing any more when the brief
    goes out hears nothing. What comes every week leaves out whom it has reached.
    """
    name = f"{BY_HAND}{moments.local_day(now, workdays.load(session).zone).isoformat()}"
    deadline = session.exec(select(Deadline).where(Deadline.id == deadline_id)).one()
    session.exec(
        insert_new(session, DeadlineStep).values(
            deadline_id=deadline_id,
            revision=deadline.revision,
            level=Level.TEACHER,
            name=name,
            due_at=now,
            useful_until=deadline.at,
            breaks_out=False,
            outcome=StepOutcome.SWEPT,
            swept_at=now,
            reminded=0,
            swept_to=0,
        )
    )
    row = session.exec(
        select(DeadlineStep).where(
            DeadlineStep.deadline_id == deadline_id,
            DeadlineStep.revision == deadline.revision,
            DeadlineStep.level == Level.TEACHER,
            DeadlineStep.name == name,
        )
    ).one()
    step = _Step(
        row.id,
        deadline_id,
        deadline.kind,
        deadline.subject_id,
        deadline.at,
        row.useful_until,
        row.breaks_out,
        0,
        row.level,
        deadline.teacher_id,
    )
    some = sa.select(col(Teacher.id)).where(col(Teacher.id).in_(teacher_ids)).subquery("some")
    asked = _insert(session, step, some)
    if asked:
        row.reminded += asked
        session.flush()
        _queue(session, step, max(teacher_ids), now)
    return asked


def _finish(
    session: Session, step_id: int, outcome: StepOutcome, persons: int, now: datetime
) -> None:
    session.exec(
        sa.update(DeadlineStep)
        .where(col(DeadlineStep.id) == step_id)
        .values(outcome=outcome, swept_at=now, reminded=DeadlineStep.reminded + persons)
    )


def _speak_to_groups(session: Session, step: _Step, now: datetime) -> Swept:
    """Queue what the groups get to hear, unless it comes too late."""
    if step.useful_until <= now:
        _finish(session, step.id, StepOutcome.STALE, 0, now)
        return Swept(more=True, steps=1)
    posted = group_steps.post(session, step.id, step.deadline_id, step.over, now=now)
    outcome = StepOutcome.STALE if posted is None else StepOutcome.SWEPT
    _finish(session, step.id, outcome, posted or 0, now)
    return Swept(more=True, steps=1)


def _escalate(session: Session, step: _Step, now: datetime) -> Swept:
    """Let whoever stands above hear of it in their next message, where it is still owed.

    Not about a unit where somebody has just spoken with all who owe it: the step waits and is
    asked again when that was two working days ago.
    """
    of = (step.kind, step.subject_id)
    counted = owed.outstanding(session, *of, step.own, now=now).subquery()
    heard = (
        sa.select(counted.c.unit_id)
        .join(OrgUnit, col(OrgUnit.id) == counted.c.unit_id)
        .where(upward.heard_of(step.level, step.kind))
    )
    open_ = set(session.connection().execute(heard).scalars())
    spoken = upward.spoken_with(session, step.deadline_id, *of, step.own, now) if open_ else {}
    besides = _own_alone(session, step, counted, len(open_), now)
    told = upward.audience(session, step.level, *of, open_ - spoken.keys(), besides, now)
    who = told.where(sa.true() if open_ - spoken.keys() else sa.false())
    if step.useful_until <= now:
        missed = len(session.exec(who).all())
        _finish(session, step.id, StepOutcome.STALE, missed, now)
        return Swept(more=True, steps=1, stale=missed)
    reminded = _insert(session, step, who.subquery("told"))
    waits = min((spoken[unit_id] for unit_id in open_ & spoken.keys()), default=None)
    if waits is None:
        _finish(session, step.id, StepOutcome.SWEPT, reminded, now)
    else:
        session.exec(
            sa.update(DeadlineStep)
            .where(col(DeadlineStep.id) == step.id)
            .values(due_at=max(waits, now + ASKED_AGAIN), reminded=DeadlineStep.reminded + reminded)
        )
    return Swept(more=True, steps=int(waits is None), reminded=reminded)


def _own_alone(
    session: Session, step: _Step, counted: sa.Subquery, units: int, now: datetime
) -> Any:
    """Select who would hear of nothing but what they owe themselves, and so hear it as that.

    What an office owes is its holder's own. Of what people owe each for themselves, a
    coordinator who has not done it either hears of all the others.
    """
    owing = owed.owing(session, step.kind, step.subject_id, step.own, now=now)
    if not kinds.KINDS[step.kind].has_names or step.own:
        return owing
    of_a_unit = step.level in (Level.COORDINATOR, Level.PRINCIPAL)
    theirs = sa.exists().where(
        col(RoleAssignment.teacher_id) == col(Posting.teacher_id),
        col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
        col(RoleAssignment.scope_id) == col(Posting.unit_id),
    )
    return owing.where(
        owing.selected_columns[0].in_(
            sa.select(col(Posting.teacher_id))
            .join(counted, counted.c.unit_id == col(Posting.unit_id))
            .where(
                theirs if of_a_unit else sa.true() if units == 1 else sa.false(),
                counted.c.number == 1,
                col(Posting.is_primary),
                col(Posting.until).is_(None),
            )
        )
    )


def _remind(session: Session, step: _Step, chunk: int, now: datetime) -> tuple[int, int, bool]:
    """Insert the next reminders of the step: how many, up to which teacher, and whether all."""
    owing = step.owing(session, now)
    teacher = owing.selected_columns[0]
    some = owing.where(teacher > step.swept_to).order_by(teacher).limit(chunk).subquery("some")
    inserted = _insert(session, step, some)
    swept_to: int | None = session.exec(
        select(sa.func.max(Reminder.teacher_id)).where(Reminder.step_id == step.id)
    ).one()
    if swept_to is None:
        return 0, step.swept_to, True
    finished = inserted < chunk and (
        session.exec(owing.where(teacher > swept_to).limit(1)).first() is None
    )
    return inserted, swept_to, finished


def _insert(session: Session, step: _Step, some: Any) -> int:
    """Insert a reminder for each of these people who has none of this step; how many."""
    due = sa.literal(ReminderState.DUE, _REMINDER.state.type)
    unreachable = sa.literal(ReminderState.UNREACHABLE, _REMINDER.state.type)
    inserted: int = session.exec(
        insert_new(session, Reminder)
        .from_select(
            ["step_id", "teacher_id", "state"],
            sa.select(
                sa.literal(step.id, _REMINDER.step_id.type),
                some.c[0],
                sa.case((col(Account.reachable), due), else_=unreachable),
            )
            .select_from(some)
            .outerjoin(Account, col(Account.teacher_id) == some.c[0])
            .where(sa.true()),
        )
        .execution_options(preserve_rowcount=True)
    ).rowcount
    return inserted


def _queue(session: Session, step: _Step, swept_to: int, now: datetime) -> None:
    """Put into the outbox what will carry the reminders that were just inserted."""
    people: rings.People = (
        sa.select(
            col(Reminder.teacher_id),
            col(Account.id).label("account_id"),
            col(Account.brief_minute),
            col(Account.quiet_from),
            col(Account.quiet_until),
        )
        .join(Account, col(Account.teacher_id) == col(Reminder.teacher_id))
        .where(
            col(Reminder.step_id) == step.id,
            col(Reminder.teacher_id) > step.swept_to,
            col(Reminder.teacher_id) <= swept_to,
            # The same as being due, and answered by indexes alone.
            col(Account.reachable),
        )
    )
    calendar = workdays.load(session)
    for hours, number, group in rings.by_hours(session, people):
        if step.breaks_out:
            _break_out(session, group, step, hours, calendar, now)
            continue
        brief = quiet.brief_at(now, hours, calendar)
        if brief >= step.over:
            _break_out(session, group, step, hours, calendar, now)
            continue
        if rings.insert_briefs(session, group, brief, calendar, step.over, now) == number:
            continue
        # For some this day's brief has gone out: tomorrow's, or if that is too late their own.
        day = moments.local_day(brief, calendar.zone)
        told = group.where(rings.is_closed(rings.brief_key(rings.teacher_of(group), day)))
        following = quiet.brief_after(day, hours, calendar)
        if following < step.over:
            rings.insert_briefs(session, told, following, calendar, step.over, now)
        else:
            _break_out(session, told, step, hours, calendar, now)


def _break_out(
    session: Session,
    people: rings.People,
    step: _Step,
    hours: quiet.Hours,
    calendar: quiet.Calendar,
    now: datetime,
) -> None:
    """Give each a message of their own; nothing is said if their hours open too late for it."""
    not_before = quiet.ring_at(now, hours, calendar, lapses=step.useful_until)
    if not_before >= step.useful_until:
        session.exec(
            sa.update(Reminder)
            .where(
                col(Reminder.step_id) == step.id,
                col(Reminder.teacher_id).in_(people.with_only_columns(rings.teacher_of(people))),
            )
            .values(state=ReminderState.STALE, settled_at=now)
        )
        return
    rings.insert_reminders(
        session,
        people,
        rings.key_of(f"reminder:{step.id}:", rings.teacher_of(people)),
        deadline_id=step.deadline_id,
        priority=kinds.KINDS[step.kind].priority,
        not_before=not_before,
        useful_until=step.useful_until,
        now=now,
    )


def _queue_news(session: Session, now: datetime, chunk: int) -> bool:
    """See to it that there is a brief for news that have come in; whether there may be more."""
    ids = session.exec(
        select(News.id)
        .where(col(News.queued_at).is_(None))
        .order_by(col(News.at))
        .limit(chunk)
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        return False
    session.exec(sa.update(News).where(col(News.id).in_(ids)).values(queued_at=now))
    people: rings.People = sa.select(
        col(Account.teacher_id),
        col(Account.id).label("account_id"),
        col(Account.brief_minute),
        col(Account.quiet_from),
        col(Account.quiet_until),
    ).where(
        col(Account.reachable),
        col(Account.teacher_id).in_(
            sa.select(col(News.teacher_id)).where(
                col(News.queued_at) == now, col(News.told_at).is_(None)
            )
        ),
    )
    calendar = workdays.load(session)
    for hours, number, group in rings.by_hours(session, people):
        brief = quiet.brief_at(now, hours, calendar)
        if rings.insert_briefs(session, group, brief, calendar, None, now) < number:
            day = moments.local_day(brief, calendar.zone)
            told = group.where(rings.is_closed(rings.brief_key(rings.teacher_of(group), day)))
            following = quiet.brief_after(day, hours, calendar)
            rings.insert_briefs(session, told, following, calendar, None, now)
    return len(ids) == chunk
