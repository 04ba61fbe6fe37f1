"""Who is to be reminded of studying remotely, and who of bringing its figures.

Nobody is reminded of what old figures say, nor of what they have said they have done and no
figures can show yet, nor while they are known to be sick, nor of a stretch that they may not
enter yet.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people.owing import OFFICE, holders, nearest
from storage.people.tables import Role, Teacher
from storage.training import gates
from storage.training.remote import pace
from storage.training.remote.pace import Course, Standing
from storage.training.remote.tables import (
    Obstacle,
    ObstacleReason,
    Progress,
    ProgressItem,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import Batch, Phase, Programme, Registration

BEGUN_WITHIN = 8
"""Working days after the start in which who has not begun is told so (reminders 5.4, row 16)."""

Owing = Any
"""A select of one column, the ids of teachers, each once."""


def not_started(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select who should have begun and has not."""
    return _people(session, batch_id, (Standing.NOT_STARTED,), now)


def not_logged_in(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select of whom figures since the start show no study."""
    course = pace.of_class(session, batch_id)
    if course is None or course.as_of is None or course.as_of < course.starts_at:
        return _nobody()
    return _people(session, batch_id, (Standing.NOT_BEGUN, Standing.NOT_STARTED), now)


def behind(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select who has done clearly less than expected.

    Whoever has not begun is reminded of that by its own steps first, and once these are over
    with all the others, week by week, instead of not at all.
    """
    course = pace.of_class(session, batch_id)
    wanted = [Standing.BEHIND]
    if course is not None and _is_long_since(course, now):
        wanted.append(Standing.NOT_STARTED)
    return _people(session, batch_id, wanted, now)


def _is_long_since(course: Course, now: datetime) -> bool:
    calendar = course.pace.calendar
    begun_by = calendar.shift(course.pace.starts, BEGUN_WITHIN)
    return local_day(now, calendar.zone) > begun_by


def idle(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select whose last study is too long ago, until it is twice as long."""
    return _idle(session, batch_id, now, is_long=False)


def long_idle(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select whose last study is more than twice as long ago as is too long."""
    return _idle(session, batch_id, now, is_long=True)


def of_item(session: Session, item_id: int, now: datetime) -> Owing:
    """Select who has not reached what is required of this item, while anything is left to do.

    What need not be done is owed by nobody.
    """
    item = session.exec(select(ProgressItem).where(ProgressItem.id == item_id)).first()
    course = None if item is None else pace.of_class(session, item.batch_id)
    if item is None or not item.mandatory or course is None or course.is_stale(now):
        return _nobody()
    phase = gates.of_module(session, item.module_id) or gates.online(session, item.batch_id)
    every = _in_stretch(session, course, phase, now)
    has_done = sa.exists().where(
        col(Progress.registration_id) == every.c.registration_id,
        sa.func.coalesce(col(Progress.figures)[str(item_id)].as_float(), 0) >= item.required,
    )
    return _nudged(course, every, now).where(every.c.standing.in_(list(pace.UNFINISHED)), ~has_done)


def making_up(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select who may make it good in the class's own window, by what the assessment said.

    Whoever was given a day of their own is reminded of that day instead.
    """
    course = pace.of_class(session, batch_id)
    if course is None:
        return _nobody()
    every = pace.standings(course, now=now).subquery()
    own = sa.select(col(Registration.id)).where(
        col(Registration.batch_id) == batch_id, col(Registration.make_up_until).is_not(None)
    )
    return _spared(every).where(
        every.c.standing == Standing.MAKING_UP, every.c.registration_id.not_in(own)
    )


def may_study(session: Session, batch_id: int, now: datetime) -> sa.ColumnElement[bool]:
    """Whether a registration of this class has passed the gates before what is studied remotely."""
    return gates.may_enter(session, gates.online(session, batch_id), now=now)


def has_left(batch_id: int) -> sa.ColumnElement[bool]:
    """Whether a registration of this class has something left to do: unless all is learned.

    Where nothing is known of it, it has.
    """
    return ~sa.exists().where(
        col(Progress.registration_id) == col(Registration.id),
        col(Registration.batch_id) == batch_id,
        col(Progress.is_learned),
    )


def importers(session: Session, batch_id: int, now: datetime) -> Owing:
    """Select who is to bring new figures when they are old: the organiser and class teacher."""
    owner = (
        sa.select(col(Programme.owner_unit_id))
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(col(Batch.id) == batch_id)
    )
    return sa.select(col(Teacher.id)).where(
        sa.literal(is_stale(session, batch_id, now)),
        sa.or_(
            col(Teacher.id).in_(nearest(session, OFFICE, of=owner, now=now)),
            col(Teacher.id).in_(
                holders(session, (Role.CLASS_TEACHER,), batch_id=batch_id, now=now)
            ),
        ),
    )


def without_figures(session: Session, _kind: str, batch_id: int, now: datetime) -> Any:
    """Select the unit whose class has old figures, as one thing."""
    return (
        sa.select(col(Programme.owner_unit_id).label("unit_id"), sa.literal(1).label("number"))
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(col(Batch.id) == batch_id, sa.literal(is_stale(session, batch_id, now)))
    )


def is_stale(session: Session, batch_id: int, now: datetime) -> bool:
    """Whether a class that runs has old figures; without any they grow old from its start."""
    course = pace.of_class(session, batch_id)
    if course is None:
        return False
    today = local_day(now, course.pace.calendar.zone)
    return course.stale_from <= now and today <= course.pace.ends


def _people(session: Session, batch_id: int, wanted: Collection[Standing], now: datetime) -> Owing:
    course = pace.of_class(session, batch_id)
    if course is None or course.is_stale(now):
        return _nobody()
    every = _in_stretch(session, course, gates.online(session, batch_id), now)
    return _nudged(course, every, now).where(every.c.standing.in_(list(wanted)))


def _idle(session: Session, batch_id: int, now: datetime, *, is_long: bool) -> Owing:
    course = pace.of_class(session, batch_id)
    if course is None or course.is_stale(now):
        return _nobody()
    today = local_day(now, course.pace.calendar.zone)
    before = today - timedelta(days=2 * course.pace.idle_days)
    every = _in_stretch(session, course, gates.online(session, batch_id), now)
    found = _nudged(course, every, now).where(every.c.standing == Standing.IDLE)
    last = every.c.last_active
    return found.where(last < before if is_long else last >= before)


def _nobody() -> Owing:
    return sa.select(col(Teacher.id)).where(sa.false())


def _in_stretch(session: Session, course: Course, phase: Phase | None, now: datetime) -> Any:
    """Everybody with where they stand, but for those who may not enter this stretch yet."""
    may = gates.may_enter(session, phase, now=now)
    return pace.standings(course, now=now).where(may).subquery()


def _nudged(course: Course, every: Any, now: datetime) -> Owing:
    """Leave out, besides, whom the newest figures say nothing of."""
    fresh = course.pace.fresh_since(now)
    return _spared(every).where(sa.or_(every.c.as_of.is_(None), every.c.as_of >= fresh))


def _spared(every: Any) -> Owing:
    """Leave out whoever is not to be reminded."""
    said = sa.exists().where(
        col(StudyClaim.registration_id) == every.c.registration_id,
        sa.or_(
            col(StudyClaim.state) == StudyClaimState.OPEN,
            sa.and_(
                col(StudyClaim.state) == StudyClaimState.ACCEPTED,
                # The figures were true before that: they cannot show it.
                sa.or_(every.c.as_of.is_(None), col(StudyClaim.submitted_at) > every.c.as_of),
            ),
        ),
    )
    sick = sa.exists().where(
        col(Obstacle.registration_id) == every.c.registration_id,
        col(Obstacle.reason) == ObstacleReason.SICK,
    )
    return sa.select(every.c.teacher_id).where(~said, ~sick)
