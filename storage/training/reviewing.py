"""Reviewing: what was handed in, one piece at a time, and what comes of it.

A review is of the version that the reviewer saw; each can be taken back for ten minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.inserting import insert_new
from storage.messaging import news, outbox
from storage.messaging.tables import News, Priority
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act, check_with
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotFound, OwnCase, Refusal
from storage.training.owing import TAKES_PART
from storage.training.tables import (
    Batch,
    HandIn,
    Programme,
    ProgrammeState,
    Registration,
    Review,
    Task,
    TaskSubmission,
    WorkState,
)
from storage.training.tasks import NoScore, WrongForm, task_of
from storage.waiting_for import Waiting

RETURNED = "work_returned"
"""The kind of what is told when work comes back with a comment."""

ACCEPTED = "work_accepted"
"""The kind of news that work was accepted."""

REVIEWED = "review_work"
"""The kind of deed of one review."""

LONGEST_COMMENT = 600
PAGE = 8  # people of a list


class WorkChanged(Refusal):
    """The participant has handed in anew since the reviewer looked."""


class NoComment(Refusal):
    """Work is not returned without a word."""


@dataclass(frozen=True)
class Piece:
    """One piece of work as its reviewer sees it.

    ``stamp`` names this version of it; ``waiting`` counts what waits in the class, this one
    included, and ``comment`` is what was said when it was returned before.
    """

    submission_id: int
    stamp: int
    task_id: int
    batch_id: int
    programme: str
    task: str
    about: str
    name: str
    school: str
    state: WorkState
    text: str
    file_id: str
    file_name: str
    submitted_at: datetime
    late: bool
    review: Review
    max_score: float
    score: float | None
    comment: str
    waiting: int


def stamp(moment: datetime) -> int:
    """Which version of somebody's work it is: milliseconds of the moment it came."""
    return int(moment.timestamp() * 1000)


def next_piece(
    session: Session, actor_id: int, batch_id: int, *, after: int = 0, now: datetime
) -> Piece | None:
    """Return the piece of the class that has waited longest, or the one behind ``after``.

    After the last comes the first again. None when nothing waits but one's own, which somebody
    else reviews. The log keeps that somebody looked. Raises NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    check_with(session, actor_id, Act.REVIEW_WORK, batch_id, today=today)
    ids = _waiting(session, actor_id, batch_id)
    if not ids:
        return None
    following = ids.index(after) + 1 if after in ids else 0
    return _piece(session, actor_id, ids[following % len(ids)], len(ids), now)


def own_waiting(session: Session, actor_id: int, batch_id: int) -> int:
    """Return how much of the actor's own work in the class waits for another reviewer."""
    of_mine = _submitted(func.count()).where(
        Task.batch_id == batch_id, Registration.teacher_id == actor_id
    )
    return int(session.exec(of_mine).scalar_one())


def piece(session: Session, actor_id: int, submission_id: int, *, now: datetime) -> Piece:
    """Return one piece of work; the log keeps that somebody looked.

    Raises NotFound, NotAllowed or OwnCase.
    """
    batch_id = _may_review(session, actor_id, submission_id, now)
    waiting = len(_waiting(session, actor_id, batch_id))
    return _piece(session, actor_id, submission_id, waiting, now)


def accept(
    session: Session,
    actor_id: int,
    submission_id: int,
    *,
    seen: int,
    score: float | None = None,
    now: datetime,
) -> int | None:
    """Accept the version that was seen, with a score where it is scored.

    Returns the deed, which can be undone for ten minutes; None when it was so already. The
    participant hears of it in the next brief. Raises NotFound, NotAllowed, OwnCase, WorkChanged
    or NoScore.
    """
    _may_review(session, actor_id, submission_id, now)
    work, task, programme, teacher_id = _to_judge(session, submission_id, seen)
    if task.review is Review.SCORE:
        if score is None or not 0 <= score <= task.max_score:
            raise NoScore(task.max_score)
    else:
        score = None
    if (work.state, work.score) == (WorkState.ACCEPTED, score):
        return None
    deed_id = _judge(session, actor_id, work, WorkState.ACCEPTED, score, "", now=now)
    facts: dict[str, Any] = {"title": programme.title, "task": task.title, "score": score}
    news.tell(session, ACCEPTED, teacher_id, submission_id, facts, now=now)
    return deed_id


def return_work(
    session: Session, actor_id: int, submission_id: int, *, seen: int, comment: str, now: datetime
) -> int | None:
    """Return the version that was seen with a comment.

    Returns the deed, which can be undone for ten minutes; None when it was so already. The
    participant is told within their hours. Raises NotFound, NotAllowed, OwnCase, WorkChanged
    or NoComment.
    """
    comment = comment.strip()[:LONGEST_COMMENT]
    if not comment:
        raise NoComment
    batch_id = _may_review(session, actor_id, submission_id, now)
    work, _task_row, _programme, teacher_id = _to_judge(session, submission_id, seen)
    if (work.state, work.comment) == (WorkState.RETURNED, comment):
        return None
    deed_id = _judge(session, actor_id, work, WorkState.RETURNED, None, comment, now=now)
    ends_at = session.exec(select(Batch.ends_at).where(Batch.id == batch_id)).one()
    outbox.put(
        session,
        "work_returned",
        teacher_id=teacher_id,
        facts={"submission_id": submission_id},
        priority=Priority.LAST_HOURS,
        # Not while it can be taken back; whoever does so leaves nothing to say.
        not_before=now + deeds.MINUTES,
        useful_until=ends_at if ends_at > now + deeds.MINUTES else None,
        dedupe_key=f"{RETURNED}:{submission_id}:{seen}:{stamp(now)}",
        now=now,
    )
    return deed_id


def _judge(
    session: Session,
    actor_id: int,
    work: TaskSubmission,
    state: WorkState,
    score: float | None,
    comment: str,
    *,
    now: datetime,
) -> int:
    if work.state is not WorkState.SUBMITTED:
        raise WorkChanged  # another reviewer was quicker
    before = {"state": work.state.value, "comment": work.comment}
    work.state, work.score, work.comment = state, score, comment
    work.reviewed_by, work.reviewed_at = actor_id, now
    session.add(work)
    session.flush()
    audit.record(
        session,
        actor_id,
        "review_work",
        f"task_submission:{work.id}",
        now=now,
        before=before,
        after={"state": state.value, "score": score},
        reason=comment,
    )
    data = {
        "submission_id": work.id,
        "stamp": stamp(work.submitted_at),
        "state": state.value,
        "comment": before["comment"],
    }
    return deeds.done(session, REVIEWED, actor_id, data, now=now)


def undo_review(session: Session, deed: Deed, now: datetime) -> None:
    """Let the work wait again, and let nothing be said of the review that was taken back.

    Raises ChangedSince when the work was handed in anew, or reviewed again.
    """
    _may_review(session, deed.actor_id, deed.data["submission_id"], now)
    work = session.exec(
        select(TaskSubmission)
        .where(TaskSubmission.id == deed.data["submission_id"])
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if work is None or (stamp(work.submitted_at), work.state.value) != (
        deed.data["stamp"],
        deed.data["state"],
    ):
        raise ChangedSince
    work.state, work.score, work.comment = WorkState.SUBMITTED, None, deed.data["comment"]
    work.reviewed_by = work.reviewed_at = None
    session.add(work)
    session.exec(
        sa.delete(News).where(
            col(News.kind) == ACCEPTED,
            col(News.subject_id) == work.id,
            col(News.outbox_id).is_(None),
        )
    )
    session.flush()


@dataclass(frozen=True)
class PaperLine:
    """Somebody whose work comes on paper; ``accepted`` once it was entered."""

    registration_id: int
    name: str
    school: str
    accepted: bool
    score: float | None


@dataclass(frozen=True)
class Paper:
    """A page of the people of a task that is handed in on paper; pages count from 0."""

    task_id: int
    batch_id: int
    title: str
    review: Review
    max_score: float
    lines: tuple[PaperLine, ...]
    page: int
    pages: int


def paper(session: Session, actor_id: int, task_id: int, *, page: int = 0, now: datetime) -> Paper:
    """Return who is expected to hand in on paper, by name; the log keeps that somebody looked.

    Raises NotFound or NotAllowed.
    """
    task = task_of(session, task_id)
    today = local_day(now, offices.zone(session))
    check_with(session, actor_id, Act.REVIEW_WORK, task.batch_id, today=today)
    audit.looked(session, actor_id, "look_at_work", f"task:{task_id}", now=now)
    expected = (
        select(Registration.id, Teacher.name, OrgUnit.name, TaskSubmission)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .outerjoin(
            TaskSubmission,
            sa.and_(
                col(TaskSubmission.registration_id) == col(Registration.id),
                col(TaskSubmission.task_id) == task_id,
            ),
        )
        .where(Registration.batch_id == task.batch_id, col(Registration.state).in_(TAKES_PART))
    )
    total = session.exec(
        select(func.count())
        .select_from(Registration)
        .where(Registration.batch_id == task.batch_id, col(Registration.state).in_(TAKES_PART))
    ).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        expected.order_by(col(Teacher.name), col(Registration.id)).offset(page * PAGE).limit(PAGE)
    ).all()
    return Paper(
        task_id=task_id,
        batch_id=task.batch_id,
        title=task.title,
        review=task.review,
        max_score=task.max_score,
        lines=tuple(
            PaperLine(
                registration_id,
                name,
                school,
                work is not None and work.state is WorkState.ACCEPTED,
                None if work is None else work.score,
            )
            for registration_id, name, school, work in rows
        ),
        page=page,
        pages=pages,
    )


def enter_paper(
    session: Session,
    actor_id: int,
    task_id: int,
    registration_id: int,
    *,
    accepted: bool,
    score: float | None = None,
    now: datetime,
) -> None:
    """Enter that somebody's work came on paper and is accepted, or take the entry back.

    Raises NotFound, NotAllowed, OwnCase, WrongForm or NoScore.
    """
    task = task_of(session, task_id)
    today = local_day(now, offices.zone(session))
    check_with(session, actor_id, Act.REVIEW_WORK, task.batch_id, today=today)
    if task.hand_in is not HandIn.OFFLINE:
        raise WrongForm(task.hand_in)
    teacher_id = session.exec(
        select(Registration.teacher_id).where(
            Registration.id == registration_id,
            Registration.batch_id == task.batch_id,
            col(Registration.state).in_(TAKES_PART),
        )
    ).first()
    if teacher_id is None:
        raise NotFound("registration")
    if teacher_id == actor_id:
        raise OwnCase
    if accepted and task.review is Review.SCORE:
        if score is None or not 0 <= score <= task.max_score:
            raise NoScore(task.max_score)
    else:
        score = None
    own = sa.and_(
        col(TaskSubmission.task_id) == task_id,
        col(TaskSubmission.registration_id) == registration_id,
    )
    if not accepted:
        session.exec(sa.delete(TaskSubmission).where(own))
    else:
        session.exec(
            insert_new(session, TaskSubmission).values(
                task_id=task_id,
                registration_id=registration_id,
                state=WorkState.ACCEPTED,
                submitted_at=now,
                late=False,
                text="",
                file_id="",
                file_name="",
                comment="",
            )
        )
        session.exec(
            sa.update(TaskSubmission)
            .where(own)
            .values(score=score, reviewed_by=actor_id, reviewed_at=now)
        )
    audit.record(
        session,
        actor_id,
        "enter_paper",
        f"registration:{registration_id}",
        now=now,
        after={"task_id": task_id, "accepted": accepted, "score": score},
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how much work waits for this person in each class whose work they review."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.REVIEW_WORK, today=today)
    rows = session.exec(
        _submitted(col(Batch.id), col(Programme.title), func.count())
        .join(Batch, col(Batch.id) == col(Task.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Batch.id).in_(mine), Registration.teacher_id != actor_id)
        .group_by(col(Batch.id), col(Programme.title))
        .order_by(col(Batch.id))
    ).all()
    return tuple(Waiting("work", count, batch_id, title) for batch_id, title, count in rows)


# --- what is told ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Returned:
    """Work that came back: what was said, and until when it is taken again.

    Until it is due, or if that is over until the class ends.
    """

    task_id: int
    batch_id: int
    programme: str
    task: str
    comment: str
    until: datetime


def returned(
    session: Session, submission_id: int, teacher_id: int, *, now: datetime
) -> Returned | None:
    """Return what this person is to be told of returned work; None when nothing is left."""
    found = session.exec(
        select(TaskSubmission, Task, Batch, Programme)
        .join(Task, col(Task.id) == col(TaskSubmission.task_id))
        .join(Batch, col(Batch.id) == col(Task.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.id) == col(TaskSubmission.registration_id))
        .where(
            TaskSubmission.id == submission_id,
            TaskSubmission.state == WorkState.RETURNED,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
            Programme.state == ProgrammeState.PUBLISHED,
        )
    ).first()
    if found is None:
        return None
    work, task, batch, programme = found
    return Returned(
        task_id=task.id,
        batch_id=batch.id,
        programme=programme.title,
        task=task.title,
        comment=work.comment,
        until=task.due_at if task.due_at > now else batch.ends_at,
    )


# --- what these share --------------------------------------------------------------------------


def _may_review(session: Session, actor_id: int, submission_id: int, now: datetime) -> int:
    """The class of this work, for whoever reviews it. Raises NotFound, NotAllowed or OwnCase."""
    found = session.exec(
        select(Task.batch_id, Registration.teacher_id)
        .join(TaskSubmission, col(TaskSubmission.task_id) == col(Task.id))
        .join(Registration, col(Registration.id) == col(TaskSubmission.registration_id))
        .where(TaskSubmission.id == submission_id)
    ).first()
    if found is None:
        raise NotFound("work")
    batch_id, teacher_id = found
    today = local_day(now, offices.zone(session))
    check_with(session, actor_id, Act.REVIEW_WORK, batch_id, today=today)
    if teacher_id == actor_id:
        raise OwnCase
    return batch_id


def _submitted(*columns: Any) -> Any:
    """Work that waits, to be narrowed."""
    return (
        sa.select(*columns)
        .select_from(TaskSubmission)
        .join(Task, col(Task.id) == col(TaskSubmission.task_id))
        .join(Registration, col(Registration.id) == col(TaskSubmission.registration_id))
        .where(col(TaskSubmission.state) == WorkState.SUBMITTED)
    )


def _waiting(session: Session, actor_id: int, batch_id: int) -> list[int]:
    """What waits in the class for this reviewer, in the order it came."""
    ids: Any = session.exec(
        _submitted(col(TaskSubmission.id))
        .where(Task.batch_id == batch_id, Registration.teacher_id != actor_id)
        .order_by(col(TaskSubmission.submitted_at), col(TaskSubmission.id))
    )
    return list(ids.scalars())


def _to_judge(
    session: Session, submission_id: int, seen: int
) -> tuple[TaskSubmission, Task, Programme, int]:
    work = session.exec(
        select(TaskSubmission)
        .where(TaskSubmission.id == submission_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if stamp(work.submitted_at) != seen:
        raise WorkChanged
    task, programme, teacher_id = session.exec(
        select(Task, Programme, Registration.teacher_id)
        .join(Batch, col(Batch.id) == col(Task.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(Task.id == work.task_id, Registration.id == work.registration_id)
    ).one()
    return work, task, programme, teacher_id


def _piece(
    session: Session, actor_id: int, submission_id: int, waiting: int, now: datetime
) -> Piece:
    audit.looked(session, actor_id, "look_at_work", f"task_submission:{submission_id}", now=now)
    found: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            TaskSubmission,
            Task,
            col(Programme.title),
            col(Teacher.name),
            col(OrgUnit.name),
        )
        .join(Task, col(Task.id) == col(TaskSubmission.task_id))
        .join(Batch, col(Batch.id) == col(Task.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.id) == col(TaskSubmission.registration_id))
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(col(TaskSubmission.id) == submission_id)
    ).one()
    work, task, programme, name, school = found
    return Piece(
        submission_id=work.id,
        stamp=stamp(work.submitted_at),
        task_id=task.id,
        batch_id=task.batch_id,
        programme=programme,
        task=task.title,
        about=task.about,
        name=name,
        school=school,
        state=work.state,
        text=work.text,
        file_id=work.file_id,
        file_name=work.file_name,
        submitted_at=work.submitted_at,
        late=work.late,
        review=task.review,
        max_score=task.max_score,
        score=work.score,
        comment=work.comment,
        waiting=waiting,
    )
