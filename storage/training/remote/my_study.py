"""Where I stand: what one participant of remote training has done, lacks, and does next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.refusals import NotFound
from storage.training.remote import looking, pace
from storage.training.remote.looking import Looker
from storage.training.remote.pace import Course, Standing
from storage.training.remote.tables import (
    Measure,
    Obstacle,
    ObstacleReason,
    Platform,
    Progress,
    ProgressImport,
    ProgressItem,
    RemotePlan,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import (
    Batch,
    Decision,
    Grade,
    Module,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Result,
)

IN_CLASS = pace.IN_CLASS
_MARKS = {Grade.UNQUALIFIED: "failed", Grade.ABSENT: "absent"}
"""What is lacking by a mark, as a decision calls it (``storage.training.completion``)."""


@dataclass(frozen=True)
class Line:
    """One thing to do: so much is done of so much, in its measure."""

    item_id: int
    kind: str
    title: str
    measure: Measure
    done: float
    required: float
    mandatory: bool
    module: str
    due_at: datetime | None

    @property
    def left(self) -> float:
        return max(0.0, self.required - self.done)

    @property
    def is_done(self) -> bool:
        return self.left == 0


@dataclass(frozen=True)
class MyClaim:
    """The last that somebody said of what the figures do not show."""

    claim_id: int
    item: str  # empty is all of it
    state: StudyClaimState
    submitted_at: datetime
    answer: str


@dataclass(frozen=True)
class Study:
    """All that the card of one's own studying says; figures are those of ``as_of``.

    ``percent`` and ``expected`` are 0 to 100 of the work; ``as_of`` is None without figures.
    """

    batch_id: int
    registration_id: int
    title: str
    hours: Decimal
    platform: str
    url: str
    guide: str
    starts_at: datetime
    ends_at: datetime
    workdays_left: int
    as_of: datetime | None
    is_stale: bool
    standing: Standing
    is_completed: bool  # the organiser has confirmed it
    percent: float
    expected: float
    last_active: date | None
    lines: tuple[Line, ...]
    modules_done: int
    modules_required: int | None
    minutes_this_week: int | None
    claim: MyClaim | None
    looks: Looker  # at what one says of it
    obstacle: ObstacleReason | None
    grade: Grade | None
    score: float | None
    make_up_until: date | None
    gives_certificate: bool
    make_up: tuple[datetime, datetime] | None  # the window of the class, until it is over
    is_over: bool  # the class has ended
    lacks: tuple[str, ...]  # why it is not completed: by the decision, before it by the mark
    reason: str  # the same in the organiser's words, where one person was decided on
    contact: str  # whom the training names for questions
    certificate_no: str | None
    certificate_on: date | None

    @property
    def missing(self) -> tuple[Line, ...]:
        """What is mandatory and not done, the soonest due first."""
        return tuple(line for line in self.lines if line.mandatory and not line.is_done)

    @property
    def next(self) -> Line | None:
        """What to do next."""
        open_ = sorted(
            (line for line in self.lines if not line.is_done),
            key=lambda line: (not line.mandatory, line.due_at is None, line.due_at or self.ends_at),
        )
        return open_[0] if open_ else None

    @property
    def may_say(self) -> bool:
        """Whether there is something that could have been studied and not been reported."""
        is_making_up = self.standing is Standing.MAKING_UP and bool(self.missing)
        return is_making_up or self.standing in pace.UNFINISHED

    @property
    def lacks_only_a_mark(self) -> bool:
        """Whether all is studied, and nothing is in the way but the assessment."""
        is_learned = not self.missing and not self.reason
        return is_learned and bool(self.lacks) and set(self.lacks) <= set(_MARKS.values())


def study(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> Study:
    """Return where this person stands in a class that is studied remotely. Raises NotFound."""
    course = pace.of_class(session, batch_id)
    row: Any = session.exec(
        sa.select(Registration, Programme, RemotePlan, Platform, Result)  # type: ignore[call-overload]
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(RemotePlan, col(RemotePlan.batch_id) == col(Batch.id))
        .outerjoin(Platform, col(Platform.id) == col(RemotePlan.platform_id))
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .where(
            col(Registration.batch_id) == batch_id,
            col(Registration.teacher_id) == teacher_id,
            col(Registration.state).in_(IN_CLASS),
            col(Programme.state) != ProgrammeState.CANCELLED,
            col(Batch.cancelled_at).is_(None),
        )
    ).first()
    if row is None or course is None:
        raise NotFound("programme")
    mine, programme, plan, platform, result = row
    where = pace.of_registration(session, course, mine.id, now=now)
    assert where is not None
    progress = session.exec(select(Progress).where(Progress.registration_id == mine.id)).first()
    obstacle = session.exec(select(Obstacle).where(Obstacle.registration_id == mine.id)).first()
    lines = _lines(session, batch_id, {} if progress is None else progress.figures)
    as_of = course.as_of if progress is None else progress.as_of
    today = local_day(now, course.pace.calendar.zone)
    done, of = _modules(lines)
    lacks, reason = _why_not(session, mine, result)
    return Study(
        batch_id=batch_id,
        registration_id=mine.id,
        title=programme.title,
        hours=programme.planned_hours,
        platform="" if platform is None else platform.name,
        url=_link(platform, programme),
        guide="" if platform is None else platform.guide,
        starts_at=course.starts_at,
        ends_at=course.ends_at,
        workdays_left=_workdays_left(course, today),
        as_of=as_of,
        is_stale=course.pace.is_stale(as_of, now),
        standing=where,
        is_completed=mine.state is RegistrationState.COMPLETED,
        percent=0.0 if progress is None else progress.percent,
        expected=0.0 if as_of is None else _expected(course, as_of),
        last_active=None if progress is None else progress.last_active,
        lines=tuple(line for _module, line in lines),
        modules_done=done,
        modules_required=None if plan.required_modules is None else min(plan.required_modules, of),
        minutes_this_week=_minutes(course, plan, lines, today),
        claim=_claim(session, mine.id, progress, as_of),
        looks=looking.nearest(session, mine.id, now=now)[0],
        obstacle=None if obstacle is None else obstacle.reason,
        grade=None if result is None else result.grade,
        score=None if result is None else result.score,
        make_up_until=mine.make_up_until,
        gives_certificate=bool(programme.certificate),
        make_up=course.pace.makeup
        if course.pace.makeup is not None and now < course.pace.makeup[1]
        else None,
        is_over=now >= course.ends_at,
        lacks=lacks,
        reason=reason,
        contact=programme.contact,
        certificate_no=mine.certificate_no,
        certificate_on=mine.certificate_on,
    )


def mine(session: Session, teacher_id: int, *, now: datetime) -> tuple[Study, ...]:
    """Return where this person stands in all that they study remotely and are not through with.

    Who has not completed is not through before the make-up of the class is over.
    """
    found = session.exec(
        select(Registration.batch_id)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(RemotePlan, col(RemotePlan.batch_id) == col(Batch.id))
        .where(
            Registration.teacher_id == teacher_id,
            still_studies(now),
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            Batch.starts_at <= now,
        )
        .order_by(col(Batch.ends_at), col(Batch.id))
    ).all()
    return tuple(study(session, teacher_id, batch_id, now=now) for batch_id in found)


def still_studies(now: datetime) -> sa.ColumnElement[bool]:
    """A registration that is not decided, or may be made good in the window of its class."""
    return sa.or_(
        col(Registration.state).in_(pace.UNDECIDED),
        sa.and_(
            col(Registration.state) == RegistrationState.NOT_COMPLETED,
            col(RemotePlan.makeup_until) > now,
        ),
    )


def learned(session: Session, teacher_id: int) -> frozenset[int]:
    """Return the classes in which this person has nothing left to study."""
    return frozenset(
        session.exec(
            select(Progress.batch_id)
            .join(Registration, col(Registration.id) == col(Progress.registration_id))
            .where(Registration.teacher_id == teacher_id, col(Progress.is_learned))
        ).all()
    )


def is_remote(session: Session, batch_id: int) -> bool:
    """Whether this class has been set up to be studied on a platform."""
    found = select(RemotePlan.id).where(RemotePlan.batch_id == batch_id)
    return session.exec(found).first() is not None


def _lines(
    session: Session, batch_id: int, figures: dict[str, float]
) -> list[tuple[int | None, Line]]:
    """Return what is to be done, in order, each with the module that it belongs to."""
    rows = session.exec(
        select(ProgressItem, Module.title)
        .outerjoin(Module, col(Module.id) == col(ProgressItem.module_id))
        .where(ProgressItem.batch_id == batch_id)
        .order_by(col(ProgressItem.position))
    ).all()
    return [
        (
            item.module_id,
            Line(
                item_id=item.id,
                kind=item.kind,
                title=item.title,
                measure=item.measure,
                done=float(figures.get(str(item.id), 0)),
                required=item.required,
                mandatory=item.mandatory,
                module=module or "",
                due_at=item.due_at,
            ),
        )
        for item, module in rows
    ]


def _why_not(
    session: Session, mine: Registration, result: Result | None
) -> tuple[tuple[str, ...], str]:
    """Why it is not completed: what the decision says, or before there is one the mark."""
    if mine.state in pace.UNDECIDED:
        lack = None if result is None or result.grade is None else _MARKS.get(result.grade)
        return (() if lack is None else (lack,)), ""
    if mine.state is RegistrationState.COMPLETED:
        return (), ""
    facts = session.exec(
        select(Decision.facts)
        .where(
            Decision.registration_id == mine.id,
            col(Decision.rule).in_(["not_completed", "no_show"]),
        )
        .order_by(col(Decision.id).desc())
    ).first()
    facts = facts or {}
    return tuple(facts.get("lacks", ())), str(facts.get("reason", ""))


def _modules(lines: list[tuple[int | None, Line]]) -> tuple[int, int]:
    """Return how many modules are done, all that is mandatory in them, and of how many."""
    modules: dict[int, bool] = {}
    for module_id, line in lines:
        if module_id is not None:
            is_done = line.is_done or not line.mandatory
            modules[module_id] = modules.get(module_id, True) and is_done
    return sum(modules.values()), len(modules)


def _expected(course: Course, as_of: datetime) -> float:
    return course.pace.expected(local_day(as_of, course.pace.calendar.zone))


def _workdays_left(course: Course, today: date) -> int:
    """Count the working days until the end, this one included."""
    if today > course.pace.ends:
        return 0
    first = max(today, course.pace.starts)
    return course.pace.calendar.workdays_between(first - timedelta(days=1), course.pace.ends)


def _minutes(
    course: Course, plan: RemotePlan, lines: list[tuple[int | None, Line]], today: date
) -> int | None:
    """Return the minutes of this week at the pace of the class; None where it has none."""
    if plan.minutes_a_day is None:
        return None
    left = sum(line.left for _module, line in lines if line.measure is Measure.MINUTES)
    return course.pace.minutes_this_week(today, plan.minutes_a_day, left)


def _link(platform: Platform | None, programme: Programme) -> str:
    url = (platform.url if platform is not None else "") or programme.external_url
    return url if url.startswith(("http://", "https://")) else ""


def _claim(
    session: Session, registration_id: int, progress: Progress | None, as_of: datetime | None
) -> MyClaim | None:
    """The last that was said of what the figures do not show.

    One that was accepted stands until there are figures of a later moment, as it keeps reminders
    away so long; one that was settled otherwise until the next import. Then the figures speak.
    """
    row = session.exec(
        select(StudyClaim, ProgressItem.title)
        .outerjoin(ProgressItem, col(ProgressItem.id) == col(StudyClaim.item_id))
        .where(StudyClaim.registration_id == registration_id)
        .order_by(col(StudyClaim.id).desc())
    ).first()
    if row is None:
        return None
    claim, title = row
    if claim.state is StudyClaimState.ACCEPTED:
        is_over = as_of is not None and as_of > claim.submitted_at
    elif claim.state is not StudyClaimState.OPEN and progress is not None:
        newest = session.get_one(ProgressImport, progress.import_id)
        is_over = claim.decided_at is not None and newest.applied_at > claim.decided_at
    else:
        is_over = False
    if is_over:
        return None
    return MyClaim(claim.id, title or "", claim.state, claim.submitted_at, claim.answer)
