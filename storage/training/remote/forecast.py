"""Where a class will end at the pace of its newest figures, and how far such a forecast errs.

Everybody goes on as they did between two imports that lie a working week apart, or since the
beginning where there is none so old; working days count, not days. The same forecast is made
from each of the earlier imports for the newest one: how far it was off, for each working day
ahead, is the error that is shown beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from statistics import fmean
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.training.remote.pace import IN_CLASS, Course
from storage.training.remote.tables import (
    Progress,
    ProgressImport,
    ProgressSnapshot,
    RemotePlan,
)
from storage.training.tables import Registration

APART = 5
"""Working days between the two imports from which a pace is taken."""
TRIED = 4
"""Earlier imports from which the forecast is tried out."""
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class End:
    """So many at the end, at least and at most; these are None as long as nothing tells them.

    It is never fewer than there are already, nor more than take part.
    """

    number: int
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Forecast:
    """Who will have begun and who will have done it all when the class ends, by ``as_of``.

    None of what everybody has done already.
    """

    as_of: datetime
    ends: date
    started: End | None
    learned: End | None


@dataclass(frozen=True)
class _Reach:
    """Counts of a class at one import, and what follows from them for a later day."""

    started: int
    learned: int
    started_then: float
    learned_then: int


def forecast(
    session: Session, course: Course, *, units: Any = None, now: datetime
) -> Forecast | None:
    """Say where these units of a class, or all of it, will end.

    ``units`` selects ids. None where there are no figures, where they are too old to tell
    today's pace, and where nothing is left to foretell.
    """
    as_of, pace = course.as_of, course.pace
    if as_of is None or course.is_stale(now):
        return None
    day = local_day(as_of, pace.calendar.zone)
    left = _workdays(course, day, pace.ends + _ONE_DAY)
    if left <= 0 or _workdays(course, pace.starts, day) <= 0:
        return None
    imports = _imports(session, course)
    newest = _reach(session, course, None, day, left, imports, units)
    errors_started, errors_learned = [], []
    earlier = [one for one in imports if one[1] < day][-TRIED:]
    for import_id, then in earlier:
        ahead = _workdays(course, then, day)
        if ahead <= 0 or _workdays(course, pace.starts, then) <= 0:
            continue
        tried = _reach(session, course, import_id, then, ahead, imports, units)
        came = _came(session, course, import_id, units)
        errors_started.append(abs(tried.started_then - came[0]) / ahead)
        errors_learned.append(abs(tried.learned_then - came[1]) / ahead)
    whole = _number(session, course, units)
    started = _end(newest.started, newest.started_then, errors_started, left, whole)
    learned = _end(newest.learned, newest.learned_then, errors_learned, left, whole)
    if started is None and learned is None:
        return None
    return Forecast(as_of, pace.ends, started, learned)


def _end(now: int, then: float, a_day: list[float], ahead: int, whole: int) -> End | None:
    """What will be, within what is possible; None where nothing is left to happen."""
    if now >= whole:
        return None
    number = min(whole, max(now, round(then)))
    if not a_day:
        return End(number)
    error = ceil(fmean(a_day) * ahead)
    return End(number, max(now, number - error), min(whole, number + error))


def _workdays(course: Course, first: date, until: date) -> int:
    """Count the working days from this one on, before that one."""
    return course.pace.calendar.workdays_between(first - _ONE_DAY, until - _ONE_DAY)


def _imports(session: Session, course: Course) -> list[tuple[int, date]]:
    """The imports that stand, the oldest first, but for those that were of few people."""
    rows = session.exec(
        select(ProgressImport.id, ProgressImport.as_of, ProgressImport.matched)
        .where(ProgressImport.batch_id == course.batch_id, col(ProgressImport.undone_at).is_(None))
        .order_by(col(ProgressImport.as_of), col(ProgressImport.id))
    ).all()
    most = max((matched for _id, _as_of, matched in rows), default=0)
    zone = course.pace.calendar.zone
    return [(id_, local_day(as_of, zone)) for id_, as_of, matched in rows if 2 * matched >= most]


def _reach(
    session: Session,
    course: Course,
    import_id: int | None,
    day: date,
    ahead: int,
    imports: list[tuple[int, date]],
    units: Any,
) -> _Reach:
    """Count at an import, or by the newest figures, and so many working days later.

    The pace is each one's own: what they did since the import a working week before, or since
    the beginning.
    """
    at: Any = sa.orm.aliased(ProgressSnapshot)
    before: Any = sa.orm.aliased(ProgressSnapshot)
    base = next((one for one in reversed(imports) if _workdays(course, one[1], day) >= APART), None)
    since_base = _workdays(course, base[1], day) if base else 1
    since_start = _workdays(course, course.pace.starts, day)
    if import_id is None:
        at = sa.orm.aliased(Progress)
        statement = sa.select().join(at, at.registration_id == col(Registration.id))
    else:
        statement = sa.select().join(
            at, sa.and_(at.registration_id == col(Registration.id), at.import_id == import_id)
        )
    threshold = _threshold(session, course)
    a_day = sa.case(
        (before.percent.is_not(None), (at.percent - before.percent) * 1.0 / since_base),
        else_=at.percent * 1.0 / since_start,
    )
    rows = session.connection().execute(
        statement.add_columns(
            sa.func.count(sa.case((at.percent > threshold, 1))),
            sa.func.count(sa.case((at.is_learned, 1))),
            sa.func.count(sa.case((before.percent > threshold, 1))),
            sa.func.count(before.id),
            sa.func.count(sa.case((sa.or_(at.is_learned, at.percent + a_day * ahead >= 99.95), 1))),
        )
        .select_from(Registration)
        .outerjoin(
            before,
            sa.and_(
                before.registration_id == col(Registration.id),
                before.import_id == (base[0] if base else -1),
            ),
        )
        .where(*_of(course, units))
    )
    started, learned, were, known, learned_then = (int(number) for number in rows.one())
    new_a_day = (started - were) / since_base if known else started / since_start
    return _Reach(started, learned, started + max(0.0, new_a_day) * ahead, learned_then)


def _came(session: Session, course: Course, import_id: int, units: Any) -> tuple[int, int]:
    """Count by the newest figures who has begun and who is done, of those in an import."""
    found = session.connection().execute(
        sa.select(
            sa.func.count(sa.case((col(Progress.percent) > _threshold(session, course), 1))),
            sa.func.count(sa.case((col(Progress.is_learned), 1))),
        )
        .select_from(Registration)
        .join(Progress, col(Progress.registration_id) == col(Registration.id))
        .join(
            ProgressSnapshot,
            sa.and_(
                col(ProgressSnapshot.registration_id) == col(Registration.id),
                col(ProgressSnapshot.import_id) == import_id,
            ),
        )
        .where(*_of(course, units))
    )
    started, learned = found.one()
    return int(started), int(learned)


def _number(session: Session, course: Course, units: Any) -> int:
    return session.exec(
        select(sa.func.count()).select_from(Registration).where(*_of(course, units))
    ).one()


def _of(course: Course, units: Any) -> list[sa.ColumnElement[bool]]:
    who = [
        col(Registration.batch_id) == course.batch_id,
        col(Registration.state).in_(IN_CLASS),
    ]
    if units is not None:
        who.append(col(Registration.unit_id_at).in_(units))
    return who


def _threshold(session: Session, course: Course) -> float:
    return session.exec(
        select(RemotePlan.start_threshold).where(RemotePlan.batch_id == course.batch_id)
    ).one()
