"""收尾: what is missing until everybody has done it, for whoever can do something about it.

Whoever runs a class sees its schools, its rates and which tutor has work waiting; a school sees
its own people who have not finished, notes what holds them up, marks whom it has spoken with,
and asks them once more within what reminders may do. What holds somebody up is their school's
to know: from above it is not shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, kinds, moments
from storage.calendar import workdays
from storage.messaging import briefs, deadlines, sweeping, upward
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    Reminder,
    ReminderState,
)
from storage.people import authority, offices, reaching, units
from storage.people.authority import Act
from storage.people.tables import Account, Contact, OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training.classes import batch_of
from storage.training.remote import forecast, obstacles, pace, rates
from storage.training.remote.forecast import Forecast
from storage.training.remote.pace import Course, Standing
from storage.training.remote.rates import Sets
from storage.training.remote.tables import (
    Obstacle,
    ObstacleReason,
    Progress,
    RemotePlan,
    StudyClaim,
    StudyClaimState,
    TutorUnit,
)
from storage.training.tables import (
    Batch,
    Programme,
    Registration,
    Task,
    TaskSubmission,
    WorkState,
)

KIND = "remote_end"
"""The deadline of which somebody is reminded by hand."""
REMINDING = ("remote_not_started", "remote_behind", "remote_idle", "remote_idle_long", KIND)
"""Deadlines by which those who have not finished hear of it."""
LEFT_ALONE = 2
"""Working days after being spoken with, and in the last days after a reminder, in which nobody
is asked again; before these it is a week after a reminder."""
PAGE = 8
MISSING = (*pace.UNFINISHED, Standing.MAKING_UP)
"""Has something left to do, on the platform or to make it good."""
_ORDER = (
    Standing.NOT_STARTED,
    Standing.IDLE,
    Standing.BEHIND,
    Standing.MAKING_UP,
    Standing.UNKNOWN,
    Standing.NOT_BEGUN,
    Standing.ON_TRACK,
)
_NOT_ASKED = (ObstacleReason.SICK, ObstacleReason.NOT_UPDATED)


class NotRemote(Refusal):
    """Nothing of this class is studied on a platform."""


class NothingToRemind(Refusal):
    """The class is over, or nobody is reminded of its end."""


@dataclass(frozen=True)
class School:
    """A school in a class; ``missing`` are those who have not finished."""

    unit_id: int
    name: str
    sets: Sets
    missing: int
    may_see: bool  # the names


@dataclass(frozen=True)
class TutorLine:
    """How much waits for a tutor, since when; for nobody where a school has none."""

    teacher_id: int | None
    name: str
    waiting: int
    since: datetime


@dataclass(frozen=True)
class LastMile:
    """A remote class near its end: all of it, or the schools that the reader tends.

    ``participation_target`` and ``pass_target`` are parts of one.
    """

    batch_id: int
    title: str
    ends_at: datetime
    as_of: datetime | None
    is_stale: bool
    runs_it: bool
    may_post: bool  # a bulletin into groups
    schools: tuple[School, ...]
    sets: Sets
    standings: Mapping[Standing, int]
    participation_target: float | None
    pass_target: float | None
    forecast: Forecast | None
    tutors: tuple[TutorLine, ...]

    @property
    def missing(self) -> int:
        """How many have not finished."""
        return sum(school.missing for school in self.schools)


@dataclass(frozen=True)
class Line:
    """Somebody who has not finished, as their school sees them.

    ``reason`` is None where none is known, and for whoever looks from above.
    """

    registration_id: int
    teacher_id: int
    name: str
    standing: Standing
    percent: float
    as_of: datetime | None
    reason: ObstacleReason | None
    note: str
    claims: bool  # says that it is done and the platform has not reported it
    contacted_at: datetime | None
    reminded_at: datetime | None
    is_to_hear: bool  # a reminder is on its way
    is_reachable: bool


@dataclass(frozen=True)
class People:
    """A page of a school's people who have not finished; pages count from 0."""

    batch_id: int
    title: str
    unit_id: int
    unit: str
    own: bool  # the reader tends this school
    as_of: datetime | None  # of this school's figures
    reminded_at: datetime | None  # the last of them
    lines: tuple[Line, ...]
    reasons: Mapping[ObstacleReason, int]
    page: int
    pages: int
    total: int
    answers: Mapping[Asked, int]  # what asking them all would come to; empty when it is over

    @property
    def askable(self) -> int:
        """How many would be asked now."""
        return self.answers.get(Asked.ASKED, 0)


@dataclass(frozen=True)
class Person:
    """One of them."""

    batch_id: int
    title: str
    unit_id: int
    unit: str
    own: bool
    line: Line
    answer: Asked | None  # what asking would come to; None when nobody can be asked any more


class Asked(StrEnum):
    """What became of asking somebody once more."""

    ASKED = "asked"
    TO_HEAR = "to_hear"  # hears of it anyway
    LATELY = "lately"  # has just been reminded
    SPOKEN_WITH = "spoken_with"
    HELD_UP = "held_up"  # ill, or done and not reported yet
    NOT_OWED = "not_owed"  # has a date of their own, or owes nothing by the deadline
    UNREACHABLE = "unreachable"


def last_mile(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> LastMile:
    """Return where a class stands, as far as the actor may see. Raises NotAllowed or NotFound.

    Raises NotRemote where nothing is studied on a platform.
    """
    batch, programme = batch_of(session, batch_id)
    today = moments.local_day(now, offices.zone(session))
    runs_it = authority.may_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=today)
    seen = set(_ids(session, authority.reaches(session, actor_id, Act.SEE_PEOPLE, today=today)))
    if not runs_it and not seen:
        raise NotAllowed
    course = _course(session, batch_id)
    scope = None if runs_it else seen
    counted = rates.by_unit(session, batch_id, now=now, units=scope)
    standings = _standings(session, course, scope, now)
    names = _names(session, counted)
    schools = tuple(
        School(
            unit_id,
            names[unit_id],
            counted[unit_id],
            sum(standings.get(unit_id, {}).get(one, 0) for one in MISSING),
            unit_id in seen,
        )
        for unit_id in names
        if counted[unit_id].due or counted[unit_id].exempt
    )
    plan = session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).one()
    may_post = plan.has_bulletin and authority.may_with(
        session, actor_id, Act.NOTIFY_CLASS, batch_id, today=today
    )
    as_of = _as_of(session, course, scope)
    total: dict[Standing, int] = {}
    for school in schools:
        for one, number in standings.get(school.unit_id, {}).items():
            total[one] = total.get(one, 0) + number
    return LastMile(
        batch_id=batch_id,
        title=_title(batch, programme),
        ends_at=course.ends_at,
        as_of=as_of,
        is_stale=course.pace.is_stale(as_of, now),
        runs_it=runs_it,
        may_post=may_post,
        schools=schools,
        sets=rates.together({school.unit_id: school.sets for school in schools}),
        standings=total,
        participation_target=plan.participation_target,
        pass_target=plan.pass_target,
        forecast=forecast.forecast(
            session, course, units=None if scope is None else list(scope), now=now
        ),
        tutors=_tutors(session, batch_id) if runs_it else (),
    )


def people(
    session: Session, actor_id: int, batch_id: int, unit_id: int, *, page: int = 0, now: datetime
) -> People:
    """Return those of a school who have not finished; a look from above is written down.

    Raises NotAllowed, NotFound or NotRemote.
    """
    batch, programme = batch_of(session, batch_id)
    own = _check(session, actor_id, unit_id, now)
    course = _course(session, batch_id)
    lines = _lines(session, course, unit_id, now)
    asked = _asking(session, batch_id, lines, now)
    shown = lines if own else [replace(line, reason=None, note="") for line in lines]
    pages = max(1, -(-len(lines) // PAGE))
    page = min(max(0, page), pages - 1)
    reasons: dict[ObstacleReason, int] = {}
    for line in shown:
        if line.reason is not None:
            reasons[line.reason] = reasons.get(line.reason, 0) + 1
    return People(
        batch_id=batch_id,
        title=_title(batch, programme),
        unit_id=unit_id,
        unit=units.name_of(session, unit_id),
        own=own,
        as_of=_as_of(session, course, [unit_id]),
        reminded_at=max((line.reminded_at for line in lines if line.reminded_at), default=None),
        lines=tuple(shown[page * PAGE : (page + 1) * PAGE]),
        reasons=reasons,
        page=page,
        pages=pages,
        total=len(lines),
        answers=Counter(asked.values()),
    )


def person(session: Session, actor_id: int, registration_id: int, *, now: datetime) -> Person:
    """Return one who has not finished; a look from above is written down.

    Raises NotAllowed or NotRemote, and NotFound for somebody who has finished meanwhile.
    """
    row = _registration(session, registration_id)
    batch, programme = batch_of(session, row.batch_id)
    own = _check(session, actor_id, row.unit_id_at, now)
    course = _course(session, row.batch_id)
    lines = _lines(session, course, row.unit_id_at, now, registration_id)
    if not lines:
        raise NotFound("unfinished")
    asked = _asking(session, row.batch_id, lines, now)
    line = lines[0] if own else replace(lines[0], reason=None, note="")
    return Person(
        batch_id=row.batch_id,
        title=_title(batch, programme),
        unit_id=row.unit_id_at,
        unit=units.name_of(session, row.unit_id_at),
        own=own,
        line=line,
        answer=asked.get(line.registration_id),
    )


def set_reason(
    session: Session,
    actor_id: int,
    registration_id: int,
    reason: ObstacleReason | None,
    *,
    now: datetime,
) -> None:
    """Note what holds one of the own people up, or with None that nothing does any more.

    What they said of it themselves stays with the same reason. Raises NotFound, and NotAllowed
    also for whoever only looks from above.
    """
    row = _registration(session, registration_id)
    today = moments.local_day(now, offices.zone(session))
    unit_id = row.unit_id_at
    if not authority.may(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today, own=True):
        raise NotAllowed
    known = session.exec(
        select(Obstacle)
        .where(Obstacle.registration_id == registration_id)
        .execution_options(populate_existing=True)
    ).first()
    before = None if known is None else known.reason
    if before is reason:
        return
    if reason is not None:
        obstacles.put(session, registration_id, reason, by_id=actor_id, now=now)
    elif known is not None:
        session.delete(known)
    audit.record(session, actor_id, "note_obstacle", f"registration:{registration_id}", now=now)
    session.flush()


def turn_reason(
    session: Session,
    actor_id: int,
    registration_id: int,
    reason: ObstacleReason,
    *,
    now: datetime,
) -> None:
    """Note this reason; where it is noted already, nothing holds them up any more.

    Raises as ``set_reason`` does.
    """
    known = session.exec(
        select(Obstacle.reason).where(Obstacle.registration_id == registration_id)
    ).first()
    set_reason(session, actor_id, registration_id, None if known is reason else reason, now=now)


def mark_contacted(session: Session, actor_id: int, registration_id: int, *, now: datetime) -> bool:
    """Note that one has spoken with them about this class; a second time today takes it back.

    Nobody above hears of a school in which all have been spoken with, for two working days.
    Raises NotFound or NotAllowed.
    """
    row = _registration(session, registration_id)
    today = moments.local_day(now, offices.zone(session))
    authority.check(session, actor_id, Act.SEE_PEOPLE, row.unit_id_at, today=today)
    about = about_class(row.batch_id)
    return reaching.note_contact(session, actor_id, row.teacher_id, about=about, now=now)


def remind(
    session: Session,
    actor_id: int,
    batch_id: int,
    unit_id: int,
    *,
    registration_id: int = 0,
    now: datetime,
) -> dict[Asked, int]:
    """Ask those of a school who have not finished once more, or one of them; who was, and why not.

    They hear of it in their next brief, so that nobody's phone rings more than it may. Whoever
    has been spoken with or reminded lately, is ill, or says that it is done, is left alone.
    Raises NotAllowed, NotFound, NotRemote or NothingToRemind.
    """
    batch_of(session, batch_id)
    _check(session, actor_id, unit_id, now)
    course = _course(session, batch_id)
    deadline = _deadline(session, batch_id, now)
    if deadline is None:
        raise NothingToRemind
    lines = _lines(session, course, unit_id, now, registration_id)
    answers = _asking(session, batch_id, lines, now)
    asked = [line.teacher_id for line in lines if answers[line.registration_id] is Asked.ASKED]
    if asked:
        sweeping.ask_by_hand(session, deadline.id, asked, now=now)
        audit.record(
            session,
            actor_id,
            "remind_by_hand",
            f"batch:{batch_id}",
            now=now,
            after={"unit": unit_id, "people": len(asked)},
        )
    return Counter(answers.values())


def about_class(batch_id: int) -> str:
    """Return what a contact about a class is noted under (``storage.messaging.upward``)."""
    return f"batch:{batch_id}"


# --- what these share -------------------------------------------------------------------------


def _course(session: Session, batch_id: int) -> Course:
    course = pace.of_class(session, batch_id)
    if course is None:
        raise NotRemote
    return course


def _title(batch: Batch, programme: Programme) -> str:
    return " · ".join(part for part in (programme.title, batch.title) if part)


def _registration(session: Session, registration_id: int) -> Registration:
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound("registration")
    return row


def _check(session: Session, actor_id: int, unit_id: int, now: datetime) -> bool:
    """Whether the actor tends this school; one who looks from above leaves a line.

    Raises NotFound or NotAllowed.
    """
    today = moments.local_day(now, offices.zone(session))
    if session.get(OrgUnit, unit_id) is None:
        raise NotFound("unit")
    authority.check(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today)
    own = authority.may(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today, own=True)
    if not own:
        audit.looked(session, actor_id, "look_at_people", f"unit:{unit_id}", now=now)
    return own


def _ids(session: Session, reached: Any) -> Sequence[int]:
    found = reached.subquery()
    return session.connection().execute(sa.select(found.c.id)).scalars().all()


def _as_of(session: Session, course: Course, units: Collection[int] | None) -> datetime | None:
    """As of when the newest figures of these schools are, or of the whole class."""
    if units is None:
        return course.as_of
    newest = (
        select(sa.func.max(col(Progress.as_of)))
        .join(Registration, col(Registration.id) == col(Progress.registration_id))
        .where(Progress.batch_id == course.batch_id, col(Registration.unit_id_at).in_(units))
    )
    # Of whom no table says anything, the newest one says that they have done nothing.
    return session.exec(newest).one() or course.as_of


def _names(session: Session, unit_ids: Collection[int]) -> dict[int, str]:
    """The names of these units, by their codes."""
    return dict(
        session.exec(
            select(OrgUnit.id, OrgUnit.name)
            .where(col(OrgUnit.id).in_(unit_ids))
            .order_by(col(OrgUnit.code), col(OrgUnit.id))
        ).all()
    )


def _standings(
    session: Session, course: Course, scope: Collection[int] | None, now: datetime
) -> dict[int, dict[Standing, int]]:
    """How many stand where, of each of these schools, or of all."""
    every = pace.standings(course, now=now)
    if scope is not None:
        every = every.where(col(Registration.unit_id_at).in_(scope))
    lines = every.subquery()
    rows = session.connection().execute(
        sa.select(lines.c.unit_id, lines.c.standing, sa.func.count()).group_by(
            lines.c.unit_id, lines.c.standing
        )
    )
    found: dict[int, dict[Standing, int]] = {}
    for unit_id, standing, number in rows:
        found.setdefault(unit_id, {})[Standing(standing)] = number
    return found


def _tutors(session: Session, batch_id: int) -> tuple[TutorLine, ...]:
    """Who has claims to look into or work to review, the one with the most first."""
    claims: Any = (
        sa.select(col(Registration.unit_id_at).label("unit_id"), col(StudyClaim.submitted_at))
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .where(
            col(Registration.batch_id) == batch_id, col(StudyClaim.state) == StudyClaimState.OPEN
        )
    )
    work = (
        sa.select(col(Registration.unit_id_at), col(TaskSubmission.submitted_at))
        .join(Registration, col(Registration.id) == col(TaskSubmission.registration_id))
        .join(Task, col(Task.id) == col(TaskSubmission.task_id))
        .where(col(Task.batch_id) == batch_id, col(TaskSubmission.state) == WorkState.SUBMITTED)
    )
    waits = claims.union_all(work).subquery()
    number = sa.func.count().label("number")
    rows = session.connection().execute(
        sa.select(
            col(TutorUnit.tutor_id), col(Teacher.name), number, sa.func.min(waits.c.submitted_at)
        )
        .select_from(waits)
        .outerjoin(
            TutorUnit,
            sa.and_(col(TutorUnit.batch_id) == batch_id, col(TutorUnit.unit_id) == waits.c.unit_id),
        )
        .outerjoin(Teacher, col(Teacher.id) == col(TutorUnit.tutor_id))
        .group_by(col(TutorUnit.tutor_id), col(Teacher.name))
        .order_by(number.desc(), col(TutorUnit.tutor_id))
    )
    return tuple(TutorLine(id_, name or "", int(n), since) for id_, name, n, since in rows)


def _lines(
    session: Session, course: Course, unit_id: int, now: datetime, only: int = 0
) -> list[Line]:
    """Those of a school who have not finished, of those who stand alike the least done first.

    Whoever has not been spoken with comes before all who have.
    """
    every = pace.standings(course, now=now).subquery()
    of_class = sa.and_(
        col(Deadline.kind).in_(REMINDING), col(Deadline.subject_id) == course.batch_id
    )
    noted_under = ["", about_class(course.batch_id)]
    noted_under += [
        upward.about(id_) for id_ in session.exec(select(Deadline.id).where(of_class)).all()
    ]
    contacted = (
        sa.select(col(Contact.teacher_id), sa.func.max(col(Contact.at)).label("at"))
        .where(col(Contact.about).in_(noted_under), col(Contact.at) >= now - reaching.REMEMBERED)
        .group_by(col(Contact.teacher_id))
        .subquery()
    )
    reminded = (
        sa.select(
            col(Reminder.teacher_id),
            sa.func.max(
                sa.case((col(Reminder.state) == ReminderState.SENT, col(Reminder.settled_at)))
            ).label("at"),
            sa.func.max(sa.case((col(Reminder.state) == ReminderState.DUE, 1), else_=0)).label(
                "due"
            ),
        )
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            of_class,
            col(Deadline.state) == DeadlineState.ACTIVE,
            col(DeadlineStep.level) == Level.TEACHER,
        )
        .group_by(col(Reminder.teacher_id))
        .subquery()
    )
    claims = sa.exists().where(
        col(StudyClaim.registration_id) == every.c.registration_id,
        col(StudyClaim.state) == StudyClaimState.OPEN,
    )
    reachable = sa.exists().where(
        col(Account.teacher_id) == every.c.teacher_id, col(Account.reachable)
    )
    statement = (
        sa.select(
            every.c.registration_id,
            every.c.teacher_id,
            col(Teacher.name),
            every.c.standing,
            sa.func.coalesce(col(Progress.percent), 0.0),
            every.c.as_of,
            col(Obstacle.reason),
            sa.func.coalesce(col(Obstacle.note), ""),
            claims,
            contacted.c.at,
            reminded.c.at,
            sa.func.coalesce(reminded.c.due, 0),
            reachable,
        )
        .join(Teacher, col(Teacher.id) == every.c.teacher_id)
        .outerjoin(Progress, col(Progress.registration_id) == every.c.registration_id)
        .outerjoin(Obstacle, col(Obstacle.registration_id) == every.c.registration_id)
        .outerjoin(contacted, contacted.c.teacher_id == every.c.teacher_id)
        .outerjoin(reminded, reminded.c.teacher_id == every.c.teacher_id)
        .where(every.c.unit_id == unit_id, every.c.standing.in_(list(MISSING)))
        .order_by(contacted.c.at.is_not(None), col(Teacher.staff_no), every.c.registration_id)
    )
    if only:
        statement = statement.where(every.c.registration_id == only)
    lines = [
        Line(
            registration_id=row[0],
            teacher_id=row[1],
            name=row[2],
            standing=Standing(row[3]),
            percent=float(row[4]),
            as_of=row[5],
            reason=row[6],
            note=row[7],
            claims=bool(row[8]),
            contacted_at=row[9],
            reminded_at=row[10],
            is_to_hear=bool(row[11]),
            is_reachable=bool(row[12]),
        )
        for row in session.connection().execute(statement)
    ]
    lines.sort(
        key=lambda line: (
            line.contacted_at is not None,
            _ORDER.index(line.standing),
            int(line.percent),
        )
    )
    return lines


def _deadline(session: Session, batch_id: int, now: datetime) -> Deadline | None:
    """Everybody's deadline of the class that is still to come."""
    return session.exec(
        select(Deadline).where(
            Deadline.kind == KIND,
            Deadline.subject_id == batch_id,
            Deadline.teacher_id == 0,
            Deadline.state == DeadlineState.ACTIVE,
            Deadline.at > now,
        )
    ).first()


def _asking(
    session: Session, batch_id: int, lines: Sequence[Line], now: datetime
) -> dict[int, Asked]:
    """What asking each of them would come to; of nobody when there is nothing to ask for."""
    deadline = _deadline(session, batch_id, now)
    if deadline is None:
        return {}
    owes = kinds.owes(session, KIND, batch_id, now=now)
    teachers = [line.teacher_id for line in lines]
    owing = (
        set(
            session.connection()
            .execute(owes.where(owes.selected_columns[0].in_(teachers)))
            .scalars()
        )
        - deadlines.own_dates(session, KIND, batch_id).keys()
    )
    calendar = workdays.load(session)
    day = calendar.shift(moments.local_day(now, calendar.zone), -LEFT_ALONE)
    since = moments.at(day, moments.minute_of_day(now, calendar.zone), calendar.zone)
    # By the week and by hand, nobody is reminded of the same thing more often than once a week.
    is_last = deadline.at <= now + briefs.LAST_DAYS
    lately = since if is_last else min(since, sweeping.week_of(session, now))
    return {line.registration_id: _answer(line, owing, since, lately) for line in lines}


def _answer(line: Line, owing: Collection[int], since: datetime, lately: datetime) -> Asked:
    """What asking comes to; ``since`` is for being spoken with, ``lately`` for reminders."""
    if line.teacher_id not in owing:
        return Asked.NOT_OWED
    if line.reason in _NOT_ASKED or line.claims:
        return Asked.HELD_UP
    if line.contacted_at is not None and line.contacted_at > since:
        return Asked.SPOKEN_WITH
    if not line.is_reachable:
        return Asked.UNREACHABLE
    if line.is_to_hear:
        return Asked.TO_HEAR
    if line.reminded_at is not None and line.reminded_at > lately:
        return Asked.LATELY
    return Asked.ASKED
