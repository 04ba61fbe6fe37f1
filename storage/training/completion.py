"""Completion: what each participant has, what is asked, and the organiser's decision on it.

``judge`` says what follows from attendance, work and result; nothing happens until somebody
confirms. One person may be decided by hand, with a reason. A completed person never has a
failing grade, so that due, participating, assessed, passed, completed and excellent stay nested.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, deeds, moments
from storage.credits import posting
from storage.deeds import ChangedSince, Deed
from storage.inserting import insert_new
from storage.messaging import deadlines
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotFound, OwnCase, Refusal
from storage.training import attendance, certificates, seats, tasks
from storage.training.classes import batch_of
from storage.training.decisions import Rule, decide
from storage.training.remote import finishing, plan
from storage.training.remote.tables import RemotePlan
from storage.training.results import (
    DECIDED,
    NOT_ASSESSED,
    OPEN,
    PASSING,
    TAKES_PART,
)
from storage.training.tables import (
    Attendance,
    Batch,
    CheckIn,
    ClassSession,
    Decision,
    Grade,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Result,
)
from storage.waiting_for import Waiting

DEED = "completion"
PAGE = 8
LONGEST_REASON = 300
NEWS_NOT_COMPLETED = "not_completed"
NEWS_MAKE_UP = "make_up"
NEWS_REVOKED = "completion_revoked"
NOT_APPROVED = (
    RegistrationState.SUBMITTED,
    RegistrationState.NOMINATED,
    RegistrationState.SCHOOL_APPROVED,
)
"""Who sat in the class at most by mistake: nobody has approved of them."""


class Verdict(StrEnum):
    """What follows from the facts for somebody who has not been decided."""

    COMPLETED = "completed"
    NOT_COMPLETED = "not_completed"
    MAKE_UP = "make_up"  # not completed, and what is missing can be made good
    NO_SHOW = "no_show"
    DEFERRED = "deferred"  # the assessment was put off; stays open
    MAKING_UP = "making_up"  # has time until a day; stays open
    NO_DATA = "no_data"  # stays open


SETTLES = {
    Verdict.COMPLETED: RegistrationState.COMPLETED,
    Verdict.NOT_COMPLETED: RegistrationState.NOT_COMPLETED,
    Verdict.MAKE_UP: RegistrationState.NOT_COMPLETED,
    Verdict.NO_SHOW: RegistrationState.NO_SHOW,
}
"""What confirming makes of each; the other verdicts leave people as they are."""


class Lack(StrEnum):
    """What is missing for completing."""

    ATTENDANCE = "attendance"
    TASKS = "tasks"
    FAILED = "failed"
    ABSENT = "absent"  # from the assessment
    NO_RESULT = "no_result"
    NO_ATTENDANCE = "no_attendance"  # nobody has entered any
    STUDY = "study"  # on the platform, by figures that could show it
    NO_FIGURES = "no_figures"  # that could show it


class NotOverYet(Refusal):
    """The class is still running."""

    def __init__(self, ends_at: datetime) -> None:
        super().__init__(f"runs until {ends_at}")
        self.ends_at = ends_at


class FailingGrade(Refusal):
    """Nobody completes with a failing grade; the result is corrected first."""

    def __init__(self, grade: Grade) -> None:
        super().__init__(f"the grade is {grade}")
        self.grade = grade


class NoReason(Refusal):
    """A decision by hand needs a reason."""


class WrongState(Refusal):
    """This cannot be done from the state in which the registration is."""

    def __init__(self, state: RegistrationState) -> None:
        super().__init__(f"the registration is {state}")
        self.state = state


class JudgementChanged(Refusal):
    """What follows is not what was shown, so it is shown anew before anybody is decided."""


class DayIsPast(Refusal):
    """A make-up until a day that is over."""


@dataclass(frozen=True)
class Needs:
    """What a class asks of everybody."""

    attendance_min: float
    meetings: int  # at which presence was taken
    not_taken: int  # meetings that are over and at which it was not
    tasks: int  # mandatory ones
    has_results: bool  # results count as soon as the class has one
    is_studied: bool = False  # on a platform, whose figures say who has learned


@dataclass(frozen=True)
class Has:
    """What one participant has; ``counted`` are meetings less those they are excused from."""

    attended: int = 0
    counted: int = 0
    tasks: int = 0
    grade: Grade | None = None
    make_up_until: date | None = None
    has_learned: bool | None = None  # None where no figures could show it


@dataclass(frozen=True)
class Judged:
    """What follows, and why not."""

    verdict: Verdict
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True)
class Line:
    """One participant: what they have, what follows, and what has been decided."""

    registration_id: int
    teacher_id: int
    name: str
    unit: str
    state: RegistrationState
    has: Has
    score: float | None
    judged: Judged


@dataclass(frozen=True)
class Assessment:
    """A class in figures: what confirming would do, and what has been decided already."""

    batch_id: int
    title: str
    ends_at: datetime
    is_over: bool
    needs: Needs
    certificate: str
    counts: dict[Verdict, int]  # of those who are undecided
    lacks: dict[Lack, int]  # of those who would not complete
    decided: dict[RegistrationState, int]
    not_approved: int
    may_make_up: int  # decided as not completed, and it could be made good
    own: bool  # the reader is undecided and counted nowhere: somebody else decides on them
    mark: int  # of what confirming would make of whom, for ``confirm``

    @property
    def settles(self) -> int:
        """How many people confirming would decide on."""
        return sum(n for verdict, n in self.counts.items() if verdict in SETTLES)


@dataclass(frozen=True)
class Lines:
    """A page of participants of one kind; pages count from 0."""

    batch_id: int
    title: str
    kind: str  # a verdict, or a state that has been decided
    lines: tuple[Line, ...]
    needs: Needs
    page: int
    pages: int


@dataclass(frozen=True)
class PersonFacts:
    """One participant with all that bears on the decision."""

    batch_id: int
    title: str
    line: Line
    needs: Needs
    certificate_no: str | None
    certificate_on: date | None
    has_hours: bool


@dataclass(frozen=True)
class Confirmed:
    """What confirming came to; ``deed_id`` undoes it, None when there was nothing to do."""

    batch_id: int
    title: str
    counts: dict[RegistrationState, int]
    deed_id: int | None
    own: bool = False  # the actor's own was left to somebody else


def judge(has: Has, needs: Needs, *, today: date) -> Judged:
    """Say what follows for somebody undecided: a pure function.

    Too little attendance cannot be made good; work, study and results can. Without a result, in
    a class that has results, nothing follows yet, nor without figures that could show study.
    """
    lacks: list[Lack] = []
    if _attends_too_little(has, needs):
        lacks.append(Lack.ATTENDANCE)
    if has.tasks < needs.tasks:
        lacks.append(Lack.TASKS)
    if needs.is_studied and has.has_learned is False:
        lacks.append(Lack.STUDY)
    if has.grade is Grade.UNQUALIFIED:
        lacks.append(Lack.FAILED)
    elif has.grade is Grade.ABSENT:
        lacks.append(Lack.ABSENT)
    unknown = _unknown(has, needs)
    if not lacks and not unknown and has.grade is not Grade.DEFERRED:
        return Judged(Verdict.COMPLETED)
    if has.make_up_until is not None and today <= has.make_up_until:
        return Judged(Verdict.MAKING_UP, (*lacks, *unknown))
    if has.counted and not _was_there(has):
        return Judged(Verdict.NO_SHOW, tuple(lacks))
    if Lack.ATTENDANCE in lacks:
        return Judged(Verdict.NOT_COMPLETED, tuple(lacks))
    if has.grade is Grade.DEFERRED:
        return Judged(Verdict.DEFERRED, tuple(lacks))
    if unknown:
        return Judged(Verdict.NO_DATA, (*lacks, *unknown))
    return Judged(Verdict.MAKE_UP, tuple(lacks))


def _attends_too_little(has: Has, needs: Needs) -> bool:
    # 0.8 means four fifths, and not its nearest binary.
    return has.attended < Decimal(str(needs.attendance_min)) * has.counted


def _was_there(has: Has) -> bool:
    return bool(has.attended or has.tasks or (has.grade and has.grade not in NOT_ASSESSED))


def _unknown(has: Has, needs: Needs) -> tuple[Lack, ...]:
    if needs.has_results and has.grade is None:
        return (Lack.NO_RESULT,)
    if needs.is_studied and has.has_learned is None:
        return (Lack.NO_FIGURES,)
    if needs.not_taken and not needs.meetings:
        return (Lack.NO_ATTENDANCE,)
    if not (needs.meetings or needs.tasks or needs.has_results or needs.is_studied):
        return (Lack.NO_RESULT,)
    return ()


# --- looking ------------------------------------------------------------------------------------


def assess(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Assessment:
    """Say what confirming would do. Raises NotAllowed or NotFound."""
    today = _check(session, actor_id, batch_id, now)
    batch, programme = batch_of(session, batch_id)
    lines, needs = _lines(session, batch_id, today, now)
    undecided = [line for line in lines if line.state in OPEN and line.teacher_id != actor_id]
    not_approved = session.exec(
        select(func.count())
        .select_from(Registration)
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(NOT_APPROVED))
    ).one()
    return Assessment(
        batch_id=batch_id,
        title=programme.title,
        ends_at=batch.ends_at,
        is_over=now >= batch.ends_at,
        needs=needs,
        certificate=programme.certificate,
        counts=dict(Counter(line.judged.verdict for line in undecided)),
        lacks=dict(Counter(lack for line in undecided for lack in line.judged.lacks)),
        decided=dict(Counter(line.state for line in lines if line.state in DECIDED)),
        not_approved=not_approved,
        may_make_up=len(_may_make_up(lines, actor_id)),
        own=any(line.state in OPEN and line.teacher_id == actor_id for line in lines),
        mark=_mark(_coming(undecided)),
    )


def people(
    session: Session,
    actor_id: int,
    batch_id: int,
    kind: str,
    *,
    page: int = 0,
    now: datetime,
) -> Lines:
    """Return a page of the undecided with this verdict, or of those decided as this state.

    ``kind`` of a decided state begins with ``is_``. The log keeps that names were looked at.
    """
    today = _check(session, actor_id, batch_id, now)
    _batch_row, programme = batch_of(session, batch_id)
    lines, needs = _lines(session, batch_id, today, now)
    wanted = [line for line in lines if _is_of(line, kind)]
    pages = max(1, -(-len(wanted) // PAGE))
    page = min(max(0, page), pages - 1)
    audit.record(
        session, actor_id, "see_completion", f"batch:{batch_id}", now=now, after={"kind": kind}
    )
    return Lines(
        batch_id,
        programme.title,
        kind,
        tuple(wanted[page * PAGE : (page + 1) * PAGE]),
        needs,
        page,
        pages,
    )


def _is_of(line: Line, kind: str) -> bool:
    if kind.startswith("is_"):
        return line.state in DECIDED and line.state == kind.removeprefix("is_")
    return line.state in OPEN and line.judged.verdict == kind


def person(session: Session, actor_id: int, registration_id: int, *, now: datetime) -> PersonFacts:
    """Return one participant; the log keeps that it was asked."""
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound("registration")
    today = _check(session, actor_id, row.batch_id, now)
    _batch_row, programme = batch_of(session, row.batch_id)
    lines, needs = _lines(session, row.batch_id, today, now, only=registration_id)
    if not lines:
        raise NotFound("registration")
    audit.record(session, actor_id, "see_completion", f"registration:{registration_id}", now=now)
    return PersonFacts(
        row.batch_id,
        programme.title,
        lines[0],
        needs,
        row.certificate_no,
        row.certificate_on,
        bool(posting.has_lines(session, row.batch_id, {row.teacher_id})),
    )


# --- deciding -----------------------------------------------------------------------------------


def confirm(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    now: datetime,
    shown: int | None = None,
) -> Confirmed:
    """Decide on everybody for whom something follows; the others stay open.

    So does the actor, who is left to somebody else with the right, or to the next level.
    Confirming again decides on nobody. ``shown`` is the mark of the assessment that the actor
    saw. Raises NotAllowed, NotFound, NotOverYet, or JudgementChanged when something else would
    be decided than was shown.
    """
    today = _check(session, actor_id, batch_id, now)
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    if now < batch.ends_at:
        raise NotOverYet(batch.ends_at)
    lines, _needs = _lines(session, batch_id, today, now)
    coming = _coming(lines)
    settled = [(line, state) for line, state in coming if line.teacher_id != actor_id]
    own = len(settled) < len(coming)
    if not settled:
        return _done_before(session, actor_id, batch_id, programme.title, own, now=now)
    if shown not in (None, _mark(settled)):
        raise JudgementChanged
    fresh = _settle(session, batch_id, settled, actor_id=actor_id, today=today, now=now)
    deed_id = _deed(session, actor_id, batch_id, settled, fresh, now)
    counts = Counter(state for _, state in settled)
    audit.record(
        session,
        actor_id,
        "confirm_completion",
        f"batch:{batch_id}",
        now=now,
        after={state.value: n for state, n in counts.items()},
    )
    return Confirmed(batch_id, programme.title, dict(counts), deed_id, own)


def decide_by_hand(
    session: Session,
    actor_id: int,
    registration_id: int,
    completed: bool,
    reason: str,
    *,
    now: datetime,
) -> Confirmed:
    """Decide on one person whatever the facts say, with a reason that the person can read.

    Raises NotAllowed, OwnCase, NotFound, NoReason, NotOverYet before the class has begun,
    WrongState from a state that this does not lead from, or FailingGrade.
    """
    row, batch, programme, today = _one(session, actor_id, registration_id, now)
    reason = _given(reason)
    if now < batch.starts_at:
        raise NotOverYet(batch.ends_at)
    wanted = RegistrationState.COMPLETED if completed else RegistrationState.NOT_COMPLETED
    if row.state is wanted:
        return Confirmed(batch.id, programme.title, {}, None)
    may = (*OPEN, RegistrationState.NOT_COMPLETED, RegistrationState.NO_SHOW)
    if row.state not in (may if completed else OPEN):
        raise WrongState(row.state)
    lines, _needs = _lines(session, batch.id, today, now, only=registration_id)
    line = lines[0]
    if completed and line.has.grade is not None and line.has.grade not in PASSING:
        raise FailingGrade(line.has.grade)
    settled = [(line, wanted)]
    fresh = _settle(
        session, batch.id, settled, actor_id=actor_id, today=today, now=now, reason=reason
    )
    deed_id = _deed(session, actor_id, batch.id, settled, fresh, now)
    audit.record(
        session,
        actor_id,
        "decide_completion",
        f"registration:{registration_id}",
        now=now,
        before={"state": line.state},
        after={"state": wanted},
        reason=reason,
    )
    return Confirmed(batch.id, programme.title, {wanted: 1}, deed_id)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put everybody back where they were before the decision.

    Hours that stood before the decision do not stand in the way. Raises ChangedSince when
    somebody has moved on, or hours were posted on it.
    """
    batch_id = int(deed.data["batch_id"])
    _check(session, deed.actor_id, batch_id, now)
    seats.lock(session, batch_id)
    states = {int(id_): pair for id_, pair in deed.data["states"].items()}
    rows = session.exec(
        select(Registration)
        .where(col(Registration.id).in_(states))
        .execution_options(populate_existing=True)
    ).all()
    if any(row.state != states[row.id][1] for row in rows):
        raise ChangedSince("completion")
    now_there = _hours(session, batch_id, [row.teacher_id for row in rows])
    if now_there != deed.data.get("hours", {}):
        raise ChangedSince("hours")
    for row in rows:
        before, _after, until = states[row.id]
        row.state = RegistrationState(before)
        row.make_up_until = None if until is None else date.fromisoformat(until)
        row.changed_at = now
    session.flush()
    certificates.revoke(
        session, [id_ for id_, pair in states.items() if pair[0] != RegistrationState.COMPLETED]
    )
    certificates.give_back(session, deed.data["fresh"])
    session.exec(
        sa.delete(News).where(
            col(News.kind).in_([NEWS_NOT_COMPLETED, NEWS_MAKE_UP]),
            col(News.subject_id).in_(deed.data.get("news", [])),
            col(News.told_at).is_(None),
            col(News.outbox_id).is_(None),
        )
    )
    session.expire_all()
    for id_ in states:
        decide(session, id_, "completion_undone", now=now, actor_id=deed.actor_id)
        deadlines.cancel_deadline(session, "makeup", id_, now=now)


def give_make_up(
    session: Session,
    actor_id: int,
    batch_id: int,
    until: date,
    *,
    now: datetime,
    registration_id: int | None = None,
) -> Confirmed:
    """Let what is missing be made good until the end of a day: by one, or all who may.

    Only who was decided as not completed; all who may are those who attended enough, but for
    the actor. Raises NotAllowed, OwnCase, DayIsPast, or WrongState for one in another state.
    """
    today = _check(session, actor_id, batch_id, now)
    if until < today:
        raise DayIsPast
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    lines, _needs = _lines(session, batch_id, today, now, only=registration_id)
    if registration_id is None:
        chosen = _may_make_up(lines, actor_id)
    else:
        chosen = [line for line in lines if line.state is RegistrationState.NOT_COMPLETED]
        if not lines:
            raise NotFound("registration")
        if lines[0].teacher_id == actor_id:
            raise OwnCase
        if not chosen:
            if lines[0].has.make_up_until == until:
                return Confirmed(batch_id, programme.title, {}, None)
            raise WrongState(lines[0].state)
    if not chosen:
        return _done_before(session, actor_id, batch_id, programme.title, now=now)
    ids = [line.registration_id for line in chosen]
    session.exec(
        sa.update(Registration)
        .where(col(Registration.id).in_(ids))
        .values(state=RegistrationState.ATTENDING, make_up_until=until, changed_at=now)
    )
    session.expire_all()
    facts = {"until": until.isoformat()}
    last = moments.at(until + timedelta(days=1), 0, offices.zone(session))
    for id_ in ids:
        decide(session, id_, "make_up_given", facts, now=now, actor_id=actor_id)
        deadlines.set_deadline(session, "makeup", id_, last, now=now)
    told = {"title": programme.title, "batch_id": batch.id, **facts}
    news = _tell(session, NEWS_MAKE_UP, [(line.teacher_id, told) for line in chosen], ids, now)
    data = {
        "batch_id": batch_id,
        "states": {
            str(line.registration_id): [line.state.value, RegistrationState.ATTENDING.value, None]
            for line in chosen
        },
        "fresh": [],
        "news": news,
        "hours": _hours(session, batch_id, [line.teacher_id for line in chosen]),
    }
    deed_id = deeds.done(session, DEED, actor_id, data, now=now)
    audit.record(
        session,
        actor_id,
        "give_make_up",
        f"batch:{batch_id}",
        now=now,
        after={"people": len(ids), **facts},
    )
    return Confirmed(batch_id, programme.title, {RegistrationState.ATTENDING: len(ids)}, deed_id)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Who did not complete and could make it good, until the window of their class is over.

    Leave to do so is somebody's to give; too little attendance cannot be made good.
    """
    zone = offices.zone(session)
    mine = authority.batches(session, actor_id, Act.ENTER_RESULTS, today=local_day(now, zone))
    last = (
        sa.select(func.max(col(Decision.id)))
        .where(
            col(Decision.registration_id) == col(Registration.id),
            col(Decision.rule) == "not_completed",
        )
        .correlate(Registration)
        .scalar_subquery()
    )
    lacks = col(Decision.facts)["lacks"].as_string()
    came_too_rarely = sa.exists().where(
        col(Decision.id) == last, lacks.contains(Lack.ATTENDANCE.value)
    )
    of = (col(Batch.id), col(Programme.title), col(Batch.ends_at))
    window = (col(RemotePlan.makeup_from), col(RemotePlan.makeup_until))
    rows: Any = session.exec(
        sa.select(*of, *window, func.count())  # type: ignore[call-overload]
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(RemotePlan, col(RemotePlan.batch_id) == col(Batch.id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            col(Batch.id).in_(mine),
            col(Batch.ends_at) <= now,
            col(RemotePlan.makeup_until) > now,
            col(Batch.cancelled_at).is_(None),
            col(Programme.state).in_([ProgrammeState.PUBLISHED, ProgrammeState.FINISHED]),
            col(Registration.state) == RegistrationState.NOT_COMPLETED,
            col(Registration.teacher_id) != actor_id,  # one's own waits for somebody else
            ~came_too_rarely,
        )
        .group_by(*of, *window)
        .order_by(col(Batch.ends_at), col(Batch.id))
    ).all()
    found = []
    for batch_id, title, ends_at, first, until, number in rows:
        # Midnight ends the day before.
        last_day = local_day(until - timedelta(microseconds=1), zone)
        days = (local_day(first or ends_at, zone), last_day)
        found.append(Waiting("make_up", number, batch_id, title, window=days))
    return tuple(found)


def revoke(
    session: Session, actor_id: int, registration_id: int, reason: str, *, now: datetime
) -> int:
    """Take a completion back with a reason: the certificate goes, hours are reversed.

    Returns how many lines of the ledger were reversed; revoking again does nothing. Where hours
    have been posted the actor must be one who may post them. Raises NotAllowed, OwnCase,
    NotFound, NoReason or WrongState.
    """
    row, batch, programme, today = _one(session, actor_id, registration_id, now)
    reason = _given(reason)
    if row.state in OPEN:
        return 0
    if row.state is not RegistrationState.COMPLETED:
        raise WrongState(row.state)
    who = {row.teacher_id}
    if posting.has_lines(session, batch.id, who):
        authority.check_with(session, actor_id, Act.POST_HOURS, batch.id, today=today)
    lines = posting.take_back(session, batch.id, who, reason, actor_id=actor_id, now=now)
    row.state = RegistrationState.ATTENDING
    row.changed_at = now
    row.make_up_until = None
    session.flush()
    certificates.revoke(session, [registration_id])
    session.refresh(row)
    decide(
        session,
        registration_id,
        "completion_revoked",
        {"reason": reason},
        now=now,
        actor_id=actor_id,
    )
    facts = {"title": programme.title, "reason": reason, "batch_id": batch.id}
    _tell(session, NEWS_REVOKED, [(row.teacher_id, facts)], [registration_id], now)
    audit.record(
        session,
        actor_id,
        "revoke_completion",
        f"registration:{registration_id}",
        now=now,
        after={"lines": lines},
        reason=reason,
    )
    return lines


# --- how it is done -----------------------------------------------------------------------------


def _check(session: Session, actor_id: int, batch_id: int, now: datetime) -> date:
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.ENTER_RESULTS, batch_id, today=today)
    return today


def _one(
    session: Session, actor_id: int, registration_id: int, now: datetime
) -> tuple[Registration, Batch, Programme, date]:
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound("registration")
    today = _check(session, actor_id, row.batch_id, now)
    if row.teacher_id == actor_id:
        raise OwnCase
    seats.lock(session, row.batch_id)
    session.refresh(row)
    batch, programme = batch_of(session, row.batch_id)
    return row, batch, programme, today


def _given(reason: str) -> str:
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        raise NoReason
    return reason


def _lines(
    session: Session, batch_id: int, today: date, now: datetime, *, only: int | None = None
) -> tuple[list[Line], Needs]:
    """Return every participant, or one, with what follows from the facts."""
    _batch_row, programme = batch_of(session, batch_id)
    there = attendance.presence_of(session, batch_id)
    work = tasks.task_state(session, batch_id)
    learned = finishing.learned(session, batch_id)
    mandatory = max((total for _done, total in work.values()), default=0)
    taken = sa.exists().where(col(Attendance.session_id) == col(ClassSession.id))
    meetings = session.exec(
        select(taken, func.count())
        .select_from(ClassSession)
        .where(
            ClassSession.batch_id == batch_id,
            col(ClassSession.check_in) != CheckIn.NONE,
            sa.or_(taken, col(ClassSession.ends_at) <= now),
        )
        .group_by(taken)
    ).all()
    by_taken = {bool(is_taken): number for is_taken, number in meetings}
    has_results = (
        session.exec(
            select(Result.id)
            .join(Registration, col(Registration.id) == col(Result.registration_id))
            .where(Registration.batch_id == batch_id, col(Registration.state).in_(TAKES_PART))
            .limit(1)
        ).first()
        is not None
    )
    needs = Needs(
        programme.attendance_min,
        by_taken.get(True, 0),
        by_taken.get(False, 0),
        mandatory,
        has_results,
        learned is not None,
    )
    statement = (
        select(Registration, Teacher.name, OrgUnit.name, Result)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(TAKES_PART))
        .order_by(col(OrgUnit.code), col(Teacher.staff_no), col(Registration.id))
        .execution_options(populate_existing=True)
    )
    if only is not None:
        statement = statement.where(Registration.id == only)
    lines = []
    for row, name, unit, result in session.exec(statement).all():
        attended, counted = there.get(row.id, (0, 0))
        has = Has(
            attended,
            counted,
            work.get(row.id, (0, 0))[0],
            None if result is None else result.grade,
            row.make_up_until,
            None if learned is None else learned(row.id, row.make_up_until),
        )
        judged = judge(has, needs, today=today)
        score = None if result is None else result.score
        lines.append(Line(row.id, row.teacher_id, name, unit, row.state, has, score, judged))
    return lines, needs


def _coming(lines: Iterable[Line]) -> list[tuple[Line, RegistrationState]]:
    return [
        (line, SETTLES[line.judged.verdict])
        for line in lines
        if line.state in OPEN and line.judged.verdict in SETTLES
    ]


def _mark(settled: Iterable[tuple[Line, RegistrationState]]) -> int:
    """A short mark of who would become what: another one is another decision."""
    said = ",".join(sorted(f"{line.registration_id}:{state}" for line, state in settled))
    return zlib.crc32(said.encode())


def _may_make_up(lines: Sequence[Line], actor_id: int) -> list[Line]:
    return [
        line
        for line in lines
        if line.teacher_id != actor_id
        and line.state is RegistrationState.NOT_COMPLETED
        and Lack.ATTENDANCE not in line.judged.lacks
    ]


def _settle(
    session: Session,
    batch_id: int,
    settled: Sequence[tuple[Line, RegistrationState]],
    *,
    actor_id: int,
    today: date,
    now: datetime,
    reason: str = "",
) -> set[int]:
    """Move everybody, write down why, number the certificates; return whose number is new."""
    _batch_row, programme = batch_of(session, batch_id)
    by_state: dict[RegistrationState, list[int]] = {}
    for line, state in settled:
        by_state.setdefault(state, []).append(line.registration_id)
    for state, ids in by_state.items():
        session.exec(
            sa.update(Registration)
            .where(col(Registration.id).in_(ids))
            .values(state=state, changed_at=now, make_up_until=None)
        )
    session.expire_all()
    rules: dict[RegistrationState, Rule] = {
        RegistrationState.COMPLETED: "completed",
        RegistrationState.NOT_COMPLETED: "not_completed",
        RegistrationState.NO_SHOW: "no_show",
    }
    told: list[tuple[int, dict[str, Any]]] = []
    ids = []
    window = plan.make_up_window(session, batch_id)
    days = {} if window is None else {"window": [day.isoformat() for day in window]}
    for line, state in settled:
        facts = _facts(line, reason)
        decide(session, line.registration_id, rules[state], facts, now=now, actor_id=actor_id)
        if state is RegistrationState.NOT_COMPLETED:
            told.append(
                (
                    line.teacher_id,
                    {"title": programme.title, "batch_id": batch_id, **facts, **days},
                )
            )
            ids.append(line.registration_id)
    _tell(session, NEWS_NOT_COMPLETED, told, ids, now)
    completed = by_state.get(RegistrationState.COMPLETED, [])
    fresh = certificates.issue(session, batch_id, completed, today)
    session.expire_all()
    return fresh


def _facts(line: Line, reason: str) -> dict[str, Any]:
    return {
        "attended": line.has.attended,
        "counted": line.has.counted,
        "grade": line.has.grade,
        "lacks": [lack.value for lack in line.judged.lacks],
        "make_up": line.judged.verdict is Verdict.MAKE_UP,
        "by_hand": bool(reason),
        "reason": reason,
    }


def _deed(
    session: Session,
    actor_id: int,
    batch_id: int,
    settled: Sequence[tuple[Line, RegistrationState]],
    fresh: Collection[int],
    now: datetime,
) -> int:
    states = {
        str(line.registration_id): [
            line.state.value,
            state.value,
            None if line.has.make_up_until is None else line.has.make_up_until.isoformat(),
        ]
        for line, state in settled
    }
    news = [
        line.registration_id for line, state in settled if state is RegistrationState.NOT_COMPLETED
    ]
    data = {
        "batch_id": batch_id,
        "states": states,
        "fresh": sorted(fresh),
        "news": news,
        "hours": _hours(session, batch_id, [line.teacher_id for line, _state in settled]),
    }
    return deeds.done(session, DEED, actor_id, data, now=now)


def _hours(session: Session, batch_id: int, teacher_ids: Collection[int]) -> dict[str, str]:
    """What stands in the ledger for these people, as a deed keeps it."""
    there = posting.standing_hours(session, batch_id, teacher_ids)
    return {str(who): f"{hours.normalize():f}" for who, hours in there.items()}


def _done_before(
    session: Session,
    actor_id: int,
    batch_id: int,
    title: str,
    own: bool = False,
    *,
    now: datetime,
) -> Confirmed:
    """What the actor did last and can still undo: a second tap says what the first one did."""
    earlier = deeds.standing(session, actor_id, DEED, batch_id, now=now)
    if earlier is None:
        return Confirmed(batch_id, title, {}, None, own)
    states = session.get_one(Deed, earlier).data["states"].values()
    counts = Counter(RegistrationState(pair[1]) for pair in states)
    return Confirmed(batch_id, title, dict(counts), earlier, own)


def _tell(
    session: Session,
    kind: str,
    told: Sequence[tuple[int, dict[str, Any]]],
    registration_ids: Sequence[int],
    now: datetime,
) -> list[int]:
    """Put the news aside for the next brief; what was told before is told anew."""
    if told:
        # A second decision of the same kind is news again.
        session.exec(
            sa.delete(News).where(
                col(News.kind) == kind, col(News.subject_id).in_(registration_ids)
            )
        )
        session.exec(
            insert_new(session, News),
            params=[
                {
                    "kind": kind,
                    "teacher_id": teacher_id,
                    "subject_id": registration_id,
                    "facts": facts,
                    "at": now,
                    "told_at": None,
                }
                for (teacher_id, facts), registration_id in zip(told, registration_ids, strict=True)
            ],
        )
    return list(registration_ids)
