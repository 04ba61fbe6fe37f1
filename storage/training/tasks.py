"""Tasks: work that participants hand in, and what whoever reviews it says.

    (none) —hand in→ submitted —accept→ accepted
    submitted —return with a comment→ returned —hand in again→ submitted

Work that nobody reviews is accepted as it comes. Until it is due it can be replaced; after
that only what was returned. What first comes late is taken until the class ends, and marked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit
from storage.inserting import insert_new
from storage.messaging import confirming, deadlines
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import schedule
from storage.training.classes import batch_of
from storage.training.owing import TAKES_PART
from storage.training.refusals import ProgrammeCancelled
from storage.training.structure import InUse, Use, check_module, titled, to_change
from storage.training.tables import (
    Batch,
    HandIn,
    Module,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Review,
    Task,
    TaskSubmission,
    WorkState,
)

LONGEST_TEXT = 4096  # characters of handed-in text: what one message holds

HAS_WORK = (
    *TAKES_PART,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
    RegistrationState.NO_SHOW,
    RegistrationState.DROPPED,
)
"""States of those whose tasks count, or counted."""

_LINK = re.compile(r"https?://\S+\.\S+")


class ClassOver(Refusal):
    """The class has ended; nothing is handed in any more."""

    def __init__(self, title: str, ends_at: datetime) -> None:
        super().__init__(f"{title!r} was open until {ends_at}")
        self.title = title
        self.ends_at = ends_at


class DueTooEarly(Refusal):
    """Due in the past, or before the class begins: everybody would be overdue at once."""

    def __init__(self, earliest: datetime) -> None:
        super().__init__(f"not due before {earliest}")
        self.earliest = earliest


class WrongForm(Refusal):
    """It is to be handed in in another form."""

    def __init__(self, hand_in: HandIn) -> None:
        super().__init__(f"to be handed in as {hand_in.value}")
        self.hand_in = hand_in


class WorkSettled(Refusal):
    """The work is accepted, or being looked at after the due date: it is not replaced."""

    def __init__(self, title: str, state: WorkState) -> None:
        super().__init__(f"the work for {title!r} is {state.value}")
        self.title = title
        self.state = state


class NoScore(Refusal):
    """A score is from 0 to so much."""

    def __init__(self, highest: float) -> None:
        super().__init__(f"a score is from 0 to {highest}")
        self.highest = highest


# --- the organiser -----------------------------------------------------------------------------


@dataclass(frozen=True)
class NewTask:
    """A task to be set; ``max_score`` matters where it is scored."""

    title: str
    due_at: datetime
    about: str = ""
    hand_in: HandIn = HandIn.TEXT
    review: Review = Review.PASS_FAIL
    max_score: float = 100
    mandatory: bool = True
    module_id: int | None = None


@dataclass(frozen=True)
class TaskLine:
    """A task in figures: of ``expected`` people so many handed in, wait, and are through."""

    task_id: int
    title: str
    about: str
    due_at: datetime
    hand_in: HandIn
    review: Review
    max_score: float
    mandatory: bool
    module: str
    expected: int
    handed_in: int
    to_review: int
    accepted: int


@dataclass(frozen=True)
class Tasks:
    """The tasks of a class for its desk."""

    batch_id: int
    title: str
    ends_at: datetime
    lines: tuple[TaskLine, ...]
    runs_it: bool
    reviews: bool

    @property
    def to_review(self) -> int:
        """How many pieces of work wait."""
        return sum(line.to_review for line in self.lines)


def tasks(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Tasks:
    """Return the tasks of the class, soonest due first, for who runs it or reviews work.

    Raises NotFound or NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    batch, programme = batch_of(session, batch_id)
    runs_it, reviews = (
        authority.may_with(session, actor_id, act, batch_id, today=today)
        for act in (Act.RUN_PROGRAMME, Act.REVIEW_WORK)
    )
    if not runs_it and not reviews:
        raise NotAllowed
    expected = session.exec(
        select(func.count())
        .select_from(Registration)
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(TAKES_PART))
    ).one()
    counted: dict[tuple[int, WorkState], int] = {
        (task_id, WorkState(state)): count
        for task_id, state, count in session.exec(
            select(TaskSubmission.task_id, TaskSubmission.state, func.count())
            .join(Task, col(Task.id) == col(TaskSubmission.task_id))
            .where(Task.batch_id == batch_id)
            .group_by(col(TaskSubmission.task_id), col(TaskSubmission.state))
        ).all()
    }
    rows = session.exec(
        select(Task, Module.title)
        .outerjoin(Module, col(Module.id) == col(Task.module_id))
        .where(Task.batch_id == batch_id)
        .order_by(col(Task.due_at), col(Task.id))
    ).all()

    def line(task: Task, module: str | None) -> TaskLine:
        by = {state: counted.get((task.id, state), 0) for state in WorkState}
        return TaskLine(
            task_id=task.id,
            title=task.title,
            about=task.about,
            due_at=task.due_at,
            hand_in=task.hand_in,
            review=task.review,
            max_score=task.max_score,
            mandatory=task.mandatory,
            module=module or "",
            expected=expected,
            handed_in=sum(by.values()),
            to_review=by[WorkState.SUBMITTED],
            accepted=by[WorkState.ACCEPTED],
        )

    return Tasks(
        batch_id=batch_id,
        title=programme.title,
        ends_at=batch.ends_at,
        lines=tuple(line(task, module) for task, module in rows),
        runs_it=runs_it,
        reviews=reviews,
    )


def check_task(
    session: Session, actor_id: int, batch_id: int, title: str, due_at: datetime, *, now: datetime
) -> None:
    """Look at a task that is being written, before it is set; raises as ``add_task`` does."""
    batch, programme = to_change(session, actor_id, batch_id, now)
    titled(title)
    _check_due(batch, programme, due_at, now)


def _check_due(batch: Batch, programme: Programme, due_at: datetime, now: datetime) -> None:
    if due_at > batch.ends_at:
        raise ClassOver(programme.title, batch.ends_at)
    earliest = max(now, batch.starts_at)
    if due_at <= earliest:
        raise DueTooEarly(earliest)


def add_task(
    session: Session, actor_id: int, batch_id: int, task: NewTask, *, now: datetime
) -> int:
    """Set a task and the reminders of its due date; the same one twice is the one there is.

    Raises NotAllowed, NotFound, NoTitle, NoScore, ClassOver (due after the end) or
    ProgrammeCancelled.
    """
    batch, programme = to_change(session, actor_id, batch_id, now)
    title = titled(task.title)
    if task.max_score <= 0:
        raise NoScore(task.max_score)
    known = session.exec(
        select(Task.id).where(
            Task.batch_id == batch_id, Task.title == title, Task.due_at == task.due_at
        )
    ).first()
    if known is not None:
        return known
    _check_due(batch, programme, task.due_at, now)
    if task.module_id is not None:
        check_module(session, task.module_id, batch_id)
    row = Task(
        batch_id=batch_id,
        module_id=task.module_id,
        title=title,
        about=task.about.strip(),
        due_at=task.due_at,
        hand_in=task.hand_in,
        review=task.review,
        max_score=task.max_score,
        mandatory=task.mandatory,
    )
    session.add(row)
    batch.revision += 1
    session.flush()
    after = {"title": title, "due_at": task.due_at.isoformat()}
    audit.record(session, actor_id, "add_task", f"task:{row.id}", now=now, after=after)
    schedule.plan_deadlines(session, batch_id, now=now)
    return row.id


_MAY_CHANGE = ("title", "about", "due_at", "mandatory", "module_id")
_ONLY_WITHOUT_WORK = ("hand_in", "review", "max_score")


def change_task(
    session: Session, actor_id: int, task_id: int, changes: dict[str, Any], *, now: datetime
) -> None:
    """Change what is given; how it is handed in and judged only while nobody handed in.

    Raises as ``add_task`` does, and InUse.
    """
    task = task_of(session, task_id)
    batch, programme = to_change(session, actor_id, task.batch_id, now)
    unknown = set(changes) - {*_MAY_CHANGE, *_ONLY_WITHOUT_WORK}
    if unknown:
        raise ValueError(f"nothing to change: {sorted(unknown)}")
    wanted = dict(changes)
    if "title" in wanted:
        wanted["title"] = titled(wanted["title"])
    if wanted.get("due_at", task.due_at) != task.due_at:
        _check_due(batch, programme, wanted["due_at"], now)
    if wanted.get("max_score", 1) <= 0:
        raise NoScore(wanted["max_score"])
    if wanted.get("module_id") is not None:
        check_module(session, wanted["module_id"], batch.id)
    if any(getattr(task, name) != wanted[name] for name in _ONLY_WITHOUT_WORK if name in wanted):
        _check_no_work(session, task)
    before = {name: str(getattr(task, name)) for name in wanted}
    for name, value in wanted.items():
        setattr(task, name, value)
    session.add(task)
    session.flush()
    session.refresh(task)
    after = {name: str(getattr(task, name)) for name in wanted}
    if before == after:
        return
    batch.revision += 1
    session.flush()
    thing = f"task:{task_id}"
    audit.record(session, actor_id, "change_task", thing, now=now, before=before, after=after)
    schedule.plan_deadlines(session, batch.id, now=now)


def remove_task(session: Session, actor_id: int, task_id: int, *, now: datetime) -> None:
    """Take a task away, as long as nobody handed in. Raises NotAllowed or InUse."""
    task = session.exec(select(Task).where(Task.id == task_id)).first()
    if task is None:
        return
    batch, _programme = to_change(session, actor_id, task.batch_id, now)
    # Whoever hands in at this moment holds the row; what they handed in is seen here then.
    session.exec(select(Task.id).where(Task.id == task_id).with_for_update()).first()
    _check_no_work(session, task)
    deadlines.cancel_deadline(session, "task_due", task_id, now=now)
    was = {"title": task.title}
    session.delete(task)
    batch.revision += 1
    session.flush()
    audit.record(session, actor_id, "remove_task", f"task:{task_id}", now=now, before=was)


# --- the participant ---------------------------------------------------------------------------


@dataclass(frozen=True)
class MyTask:
    """One task and the reader's own work for it; ``state`` None when nothing was handed in.

    ``can_hand_in`` is whether it can be handed in now, for the first time or again.
    """

    task_id: int
    batch_id: int
    title: str
    about: str
    due_at: datetime
    hand_in: HandIn
    review: Review
    max_score: float
    mandatory: bool
    state: WorkState | None
    submitted_at: datetime | None
    late: bool
    text: str
    file_name: str
    has_file: bool
    score: float | None
    comment: str
    can_hand_in: bool


@dataclass(frozen=True)
class MyTasks:
    """The tasks of a class for somebody who takes part."""

    batch_id: int
    title: str
    ends_at: datetime
    tasks: tuple[MyTask, ...]


@dataclass(frozen=True)
class HandedIn:
    """What came of handing in; ``is_new`` is False when this very work was there already."""

    task_id: int
    batch_id: int
    title: str
    state: WorkState
    late: bool
    is_new: bool


def my_tasks(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> MyTasks:
    """Return the tasks of the class for somebody in it, soonest due first. Raises NotFound."""
    batch, programme = batch_of(session, batch_id)
    registration = session.exec(
        select(Registration).where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(HAS_WORK),
        )
    ).first()
    if registration is None:
        raise NotFound("task")
    rows = session.exec(
        select(Task, TaskSubmission)
        .outerjoin(
            TaskSubmission,
            sa.and_(
                col(TaskSubmission.task_id) == col(Task.id),
                col(TaskSubmission.registration_id) == registration.id,
            ),
        )
        .where(Task.batch_id == batch_id)
        .order_by(col(Task.due_at), col(Task.id))
    ).all()
    is_open = (
        registration.state in TAKES_PART
        and programme.state is ProgrammeState.PUBLISHED
        and batch.cancelled_at is None
        and now < batch.ends_at
    )
    return MyTasks(
        batch_id=batch_id,
        title=programme.title,
        ends_at=batch.ends_at,
        tasks=tuple(
            _my_task(task, work, due_for(session, task, teacher_id), is_open, now)
            for task, work in rows
        ),
    )


def due_for(session: Session, task: Task, teacher_id: int) -> datetime:
    """Return when this person's work is due: by their own date, where they have one."""
    own = deadlines.own_dates(session, "task_due", task.id, teacher_id=teacher_id)
    return own.get(teacher_id, task.due_at)


def my_task(session: Session, teacher_id: int, task_id: int, *, now: datetime) -> MyTask:
    """Return one task for somebody who takes part. Raises NotFound."""
    batch_id = task_of(session, task_id).batch_id
    found = my_tasks(session, teacher_id, batch_id, now=now).tasks
    return next(task for task in found if task.task_id == task_id)


def _my_task(
    task: Task, work: TaskSubmission | None, due_at: datetime, is_open: bool, now: datetime
) -> MyTask:
    return MyTask(
        task_id=task.id,
        batch_id=task.batch_id,
        title=task.title,
        about=task.about,
        due_at=due_at,
        hand_in=task.hand_in,
        review=task.review,
        max_score=task.max_score,
        mandatory=task.mandatory,
        state=None if work is None else work.state,
        submitted_at=None if work is None else work.submitted_at,
        late=False if work is None else work.late,
        text="" if work is None else work.text,
        file_name="" if work is None else work.file_name,
        has_file=work is not None and bool(work.file_id),
        score=None if work is None else work.score,
        comment="" if work is None else work.comment,
        can_hand_in=(
            is_open
            and task.hand_in is not HandIn.OFFLINE
            and (work is None or _may_replace(task, work, due_at, now))
        ),
    )


def _may_replace(task: Task, work: TaskSubmission, due_at: datetime, now: datetime) -> bool:
    if work.state is WorkState.RETURNED:
        return True
    is_final = work.state is WorkState.ACCEPTED and task.review is not Review.NONE
    return now < due_at and not is_final


def hand_in(
    session: Session,
    teacher_id: int,
    task_id: int,
    *,
    text: str = "",
    file_id: str = "",
    file_name: str = "",
    now: datetime,
) -> HandedIn:
    """Hand in work, for the first time or again; the same work twice is handed in once.

    A photo has no ``file_name``. Raises NotFound for who does not take part, ClassOver,
    WrongForm, WorkSettled or ProgrammeCancelled.
    """
    held = select(Task.id).where(Task.id == task_id).with_for_update(read=True, key_share=True)
    session.exec(held).first()
    task = task_of(session, task_id)
    batch, programme = batch_of(session, task.batch_id)
    registration_id = session.exec(
        select(Registration.id).where(
            Registration.batch_id == batch.id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
    ).first()
    if registration_id is None:
        raise NotFound("task")
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    if programme.state is not ProgrammeState.PUBLISHED or now >= batch.ends_at:
        raise ClassOver(programme.title, batch.ends_at)
    text = text.strip()[:LONGEST_TEXT]
    _check_form(task, text, file_id)
    state = WorkState.ACCEPTED if task.review is Review.NONE else WorkState.SUBMITTED
    due_at = due_for(session, task, teacher_id)
    late = now >= due_at
    given = {"text": text, "file_id": file_id, "file_name": file_name}
    new_id = session.exec(
        insert_new(session, TaskSubmission)
        .values(
            task_id=task_id,
            registration_id=registration_id,
            state=state,
            submitted_at=now,
            late=late,
            comment="",
            **given,
        )
        .returning(col(TaskSubmission.id))
    ).scalar_one_or_none()
    confirming.by_deed(session, teacher_id, "task", task_id, now=now)
    if new_id is not None:
        return HandedIn(task_id, batch.id, task.title, state, late, is_new=True)
    work = _work_of(session, task_id, registration_id)
    if (
        work.state is not WorkState.RETURNED
        and {name: getattr(work, name) for name in given} == given
    ):
        return HandedIn(task_id, batch.id, task.title, work.state, work.late, is_new=False)
    if not _may_replace(task, work, due_at, now):
        raise WorkSettled(task.title, work.state)
    for name, value in given.items():
        setattr(work, name, value)
    work.state, work.submitted_at = state, now
    work.score = None
    session.add(work)
    session.flush()
    return HandedIn(task_id, batch.id, task.title, state, work.late, is_new=True)


def _check_form(task: Task, text: str, file_id: str) -> None:
    fits = {
        HandIn.TEXT: bool(text) and not file_id,
        HandIn.LINK: bool(_LINK.search(text)) and not file_id,
        HandIn.FILE: bool(file_id),
        HandIn.OFFLINE: False,
    }
    if not fits[task.hand_in]:
        raise WrongForm(task.hand_in)


# --- results -----------------------------------------------------------------------------------


def task_state(session: Session, batch_id: int) -> dict[int, tuple[int, int]]:
    """Return for each registration that takes, or took, part: mandatory tasks done, and all."""
    of_batch = sa.and_(col(Task.batch_id) == batch_id, col(Task.mandatory))
    total = session.exec(select(func.count()).select_from(Task).where(of_batch)).one()
    done = dict(
        session.exec(
            select(TaskSubmission.registration_id, func.count())
            .join(Task, col(Task.id) == col(TaskSubmission.task_id))
            .where(of_batch, TaskSubmission.state == WorkState.ACCEPTED)
            .group_by(col(TaskSubmission.registration_id))
        ).all()
    )
    people = session.exec(
        select(Registration.id).where(
            Registration.batch_id == batch_id, col(Registration.state).in_(HAS_WORK)
        )
    ).all()
    return {registration_id: (done.get(registration_id, 0), total) for registration_id in people}


# --- what these share --------------------------------------------------------------------------


def task_of(session: Session, task_id: int) -> Task:
    task = session.exec(
        select(Task).where(Task.id == task_id).execution_options(populate_existing=True)
    ).first()
    if task is None:
        raise NotFound("task")
    return task


def _check_no_work(session: Session, task: Task) -> None:
    people = session.exec(
        select(func.count()).select_from(TaskSubmission).where(TaskSubmission.task_id == task.id)
    ).one()
    if people:
        raise InUse(task.title, Use.WORK, people)


def _work_of(session: Session, task_id: int, registration_id: int) -> TaskSubmission:
    return session.exec(
        select(TaskSubmission)
        .where(TaskSubmission.task_id == task_id, TaskSubmission.registration_id == registration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
