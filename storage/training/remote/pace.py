"""Where participants of remote training stand: from the newest figures, and the pace expected.

Nothing of it is kept. A standing is that of the moment at which a platform's figures were true,
not of the moment of asking: figures that grow old make nobody fall behind (domain, model 2.10).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.calendar import workdays
from storage.calendar.workdays import WorkCalendar
from storage.moments import at, local_day
from storage.training.remote.tables import Progress, ProgressImport, RemotePlan
from storage.training.tables import (
    Batch,
    Grade,
    Phase,
    PhaseKind,
    Registration,
    RegistrationState,
    Result,
)


class Standing(StrEnum):
    """Where somebody stands; each in exactly one."""

    NOT_BEGUN = "not_begun"  # nothing studied, and it is too soon to say anything of it
    UNKNOWN = "unknown"  # it should have begun, and no platform has reported anything
    NOT_STARTED = "not_started"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    IDLE = "idle"
    LEARNED = "learned"  # everything mandatory is done
    UNQUALIFIED = "unqualified"  # learned, and the assessment was not passed
    MAKING_UP = "making_up"
    QUALIFIED = "qualified"
    EXCELLENT = "excellent"
    NOT_COMPLETED = "not_completed"  # it is over


STUDYING = (Standing.ON_TRACK, Standing.BEHIND, Standing.IDLE)
"""Has begun, and has something left to do."""

UNFINISHED = (Standing.NOT_BEGUN, Standing.UNKNOWN, Standing.NOT_STARTED, *STUDYING)
"""Has something left to do on the platform."""

PASSED = (Standing.QUALIFIED, Standing.EXCELLENT)

IN_CLASS = (
    RegistrationState.APPROVED,
    RegistrationState.ATTENDING,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
    RegistrationState.NO_SHOW,
)
"""Who has a standing: whoever is left out, gone or exempt has none."""

UNDECIDED = (RegistrationState.APPROVED, RegistrationState.ATTENDING)
"""Of whom nobody has said yet whether they completed."""

_OVER = (RegistrationState.NOT_COMPLETED, RegistrationState.NO_SHOW)
_FAILED = (Grade.UNQUALIFIED, Grade.ABSENT)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pace:
    """What a class expects, and when: all that a standing follows from beside the figures.

    ``starts`` and ``ends`` are the first and the last day of studying. ``milestones`` are days
    and the share of the work, in percent, that is expected when the day is over.
    """

    starts: date
    ends: date
    calendar: WorkCalendar
    milestones: tuple[tuple[date, float], ...] = ()
    grace_days: int = 3
    slack: float = 15
    idle_days: int = 7
    stale_days: int = 8
    makeup: tuple[datetime, datetime] | None = None

    def expected(self, day: date) -> float:
        """Return the share of the work expected on the morning of this day, 0 to 100.

        As much as the working days that have passed are of all, or what the last milestone
        says that has passed. On a day off it is that of the working day that follows.
        """
        if day > self.ends:
            return 100.0
        if self.milestones:
            return max((share for on, share in self.milestones if on < day), default=0.0)
        whole = self._workdays(self.starts, self.ends)
        return 100.0 * self._workdays(self.starts, day - _ONE_DAY) / whole if whole else 0.0

    def _workdays(self, first: date, last: date) -> int:
        """Count the working days from first to last, both included."""
        if last < first:
            return 0
        return self.calendar.workdays_between(first - _ONE_DAY, last)

    def is_begun(self, day: date) -> bool:
        """Whether somebody who has done nothing by this day counts as not started."""
        return day >= self.calendar.shift(self.starts, self.grace_days)

    def is_behind(self, percent: float, day: date) -> bool:
        """Whether so much of the work is clearly less than expected on this day."""
        return percent < self.expected(day) - self.slack

    def is_idle(self, last_active: date | None, day: date) -> bool:
        """Whether the last study was too long ago; after the end nobody is asked to study."""
        return last_active is not None and last_active < self.idle_before(day)

    def idle_before(self, day: date) -> date:
        """Return the day before which the last study was too long ago."""
        return min(day, self.ends) - timedelta(days=self.idle_days)

    def is_stale(self, as_of: datetime | None, now: datetime) -> bool:
        """Whether figures are too old to hold anything against anybody, or there are none."""
        return as_of is None or as_of < self.fresh_since(now)

    def fresh_since(self, now: datetime) -> datetime:
        """Return the moment since which figures are not too old."""
        zone = self.calendar.zone
        return at(local_day(now, zone) - timedelta(days=self.stale_days - 1), 0, zone)

    def minutes_this_week(self, day: date, a_day: int, left: float) -> int:
        """Return how long one studies this week at so many minutes a working day.

        ``left`` is what is left to do at all, in minutes; a week reaches to its Sunday.
        """
        first = max(day, self.starts)
        last = min(day + timedelta(days=6 - day.weekday()), self.ends)
        return round(min(self._workdays(first, last) * a_day, left))


@dataclass(frozen=True)
class Facts:
    """What is known of one participant; ``as_of`` is that of the class without figures."""

    state: RegistrationState = RegistrationState.APPROVED
    as_of: datetime | None = None
    percent: float = 0
    is_started: bool = False
    is_learned: bool = False
    last_active: date | None = None
    grade: Grade | None = None
    make_up_until: date | None = None


def standing(pace: Pace, facts: Facts, *, now: datetime) -> Standing | None:
    """Return where somebody stands; None of whoever has no part in it."""
    today = local_day(now, pace.calendar.zone)
    day = facts.as_of and local_day(facts.as_of, pace.calendar.zone)
    if facts.state not in IN_CLASS:
        return None
    if facts.state is RegistrationState.COMPLETED:
        return Standing.EXCELLENT if facts.grade is Grade.EXCELLENT else Standing.QUALIFIED
    if facts.state in _OVER:
        return Standing.NOT_COMPLETED
    if facts.make_up_until is not None and facts.make_up_until >= today:
        return Standing.MAKING_UP
    if facts.grade in (*_FAILED, Grade.DEFERRED) and _is_within(pace.makeup, now):
        return Standing.MAKING_UP
    if facts.is_learned:
        return _GRADED.get(facts.grade, Standing.LEARNED)
    if not facts.is_started:
        if not pace.is_begun(today if day is None else day):
            return Standing.NOT_BEGUN
        return Standing.UNKNOWN if day is None else Standing.NOT_STARTED
    assert day is not None
    if pace.is_idle(facts.last_active, day):
        return Standing.IDLE
    return Standing.BEHIND if pace.is_behind(facts.percent, day) else Standing.ON_TRACK


_GRADED: Mapping[Grade | None, Standing] = {
    Grade.EXCELLENT: Standing.EXCELLENT,
    Grade.QUALIFIED: Standing.QUALIFIED,
    Grade.UNQUALIFIED: Standing.UNQUALIFIED,
    Grade.ABSENT: Standing.UNQUALIFIED,
}


def _is_within(window: tuple[datetime, datetime] | None, now: datetime) -> bool:
    return window is not None and window[0] <= now < window[1]


# --- of a class --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """A class with its pace, and of which moments platforms have reported."""

    batch_id: int
    pace: Pace
    starts_at: datetime
    ends_at: datetime
    imports: dict[int, datetime] = field(default_factory=dict, hash=False)
    """Of each import that stands, the moment at which its figures were true."""

    @property
    def as_of(self) -> datetime | None:
        """The newest of these moments."""
        return max(self.imports.values(), default=None)

    @property
    def stale_from(self) -> datetime:
        """When the newest figures become too old; without any they do so from the start on."""
        zone = self.pace.calendar.zone
        day = self.pace.starts if self.as_of is None else local_day(self.as_of, zone)
        return at(max(day, self.pace.starts) + timedelta(days=self.pace.stale_days), 0, zone)

    def is_stale(self, now: datetime) -> bool:
        """Whether the newest figures are too old to hold anything against anybody."""
        return self.pace.is_stale(self.as_of, now)


def of_class(session: Session, batch_id: int) -> Course | None:
    """Return the pace of a class that is studied remotely; None of one that is not."""
    row = session.exec(
        select(RemotePlan, Batch.starts_at, Batch.ends_at)
        .join(Batch, col(Batch.id) == col(RemotePlan.batch_id))
        .where(RemotePlan.batch_id == batch_id)
    ).first()
    if row is None:
        return None
    plan, starts_at, ends_at = row
    # Of a blended class only the stretch on the net is studied there.
    online: Any = session.exec(
        select(sa.func.min(Phase.starts_at), sa.func.max(Phase.ends_at)).where(
            Phase.batch_id == batch_id, Phase.kind == PhaseKind.ONLINE
        )
    ).one()
    calendar = workdays.load(session)
    # Nobody has said from when on: as soon as the class is over.
    window = (plan.makeup_from or ends_at, plan.makeup_until) if plan.makeup_until else None
    starts_at, ends_at = online[0] or starts_at, online[1] or ends_at
    pace = Pace(
        starts=local_day(starts_at, calendar.zone),
        # What ends at midnight ends with the day before.
        ends=local_day(ends_at - timedelta(microseconds=1), calendar.zone),
        calendar=calendar,
        milestones=tuple(
            sorted(
                (date.fromisoformat(each["on"]), float(each["percent"])) for each in plan.milestones
            )
        ),
        grace_days=plan.grace_days,
        slack=plan.slack,
        idle_days=plan.idle_days,
        stale_days=plan.stale_days,
        makeup=window,
    )
    found = session.exec(
        select(ProgressImport.id, ProgressImport.as_of).where(
            ProgressImport.batch_id == batch_id, col(ProgressImport.undone_at).is_(None)
        )
    ).all()
    return Course(batch_id, pace, starts_at, ends_at, dict(found))


def standings(course: Course, *, now: datetime) -> Any:
    """Select everybody in the class with where they stand.

    Its columns are ``registration_id``, ``teacher_id``, ``unit_id``, ``as_of``, ``percent`` and
    ``last_active`` (null without figures of their own), and ``standing``; it says the same as
    ``standing`` does of each.
    """
    return (
        sa.select(
            col(Registration.id).label("registration_id"),
            col(Registration.teacher_id),
            col(Registration.unit_id_at).label("unit_id"),
            col(Progress.as_of),
            col(Progress.percent),
            col(Progress.last_active),
            _standing(course, now).label("standing"),
        )
        .outerjoin(Progress, col(Progress.registration_id) == col(Registration.id))
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .where(
            col(Registration.batch_id) == course.batch_id,
            col(Registration.state).in_(IN_CLASS),
        )
    )


def in_standing(
    session: Session, batch_id: int, wanted: Collection[Standing], *, now: datetime
) -> Any:
    """Select the ids of the registrations that stand so; nobody's in a class that is not remote."""
    found = of_class(session, batch_id)
    if found is None:
        return sa.select(col(Registration.id)).where(sa.false())
    every = standings(found, now=now).subquery()
    return sa.select(every.c.registration_id).where(every.c.standing.in_(list(wanted)))


def counts(session: Session, batch_id: int, *, now: datetime) -> dict[Standing, int]:
    """Return how many stand where; a standing in which nobody is has no entry."""
    total: dict[Standing, int] = {}
    for of_unit in counts_by_unit(session, batch_id, now=now).values():
        for where, number in of_unit.items():
            total[where] = total.get(where, 0) + number
    return total


def counts_by_unit(
    session: Session, batch_id: int, *, now: datetime
) -> dict[int, dict[Standing, int]]:
    """Return of each school how many of its people stand where."""
    found = of_class(session, batch_id)
    if found is None:
        return {}
    every = standings(found, now=now).subquery()
    rows: Any = session.exec(
        sa.select(every.c.unit_id, every.c.standing, sa.func.count())  # type: ignore[call-overload]
        .group_by(every.c.unit_id, every.c.standing)
        .order_by(every.c.unit_id)
    ).all()
    units: dict[int, dict[Standing, int]] = {}
    for unit_id, where, number in rows:
        units.setdefault(unit_id, {})[Standing(where)] = number
    return units


def of_registration(
    session: Session, course: Course, registration_id: int, *, now: datetime
) -> Standing | None:
    """Return where one participant of the class stands."""
    every = standings(course, now=now).subquery()
    found: str | None = session.exec(
        sa.select(every.c.standing).where(every.c.registration_id == registration_id)  # type: ignore[call-overload]
    ).scalar_one_or_none()
    return None if found is None else Standing(found)


def _standing(course: Course, now: datetime) -> sa.Case[str]:
    """Say in SQL what ``standing`` says: everything that needs the calendar is reckoned before."""
    pace, zone = course.pace, course.pace.calendar.zone
    today = local_day(now, zone)
    days = {id_: local_day(as_of, zone) for id_, as_of in course.imports.items()}
    newest = max(days.values(), default=None)
    state, grade = col(Registration.state), col(Result.grade)
    made_up = (*_FAILED, Grade.DEFERRED) if _is_within(pace.makeup, now) else ()
    begun = [id_ for id_, day in days.items() if pace.is_begun(day)]
    # Whoever is not in any import counts by the newest one.
    unseen = pace.is_begun(today if newest is None else newest)
    too_soon = sa.or_(
        col(Progress.import_id).is_not(None) & col(Progress.import_id).not_in(begun),
        col(Progress.import_id).is_(None) & sa.literal(not unseen),
    )
    started = sa.func.coalesce(col(Progress.is_started), sa.false())
    least = {id_: pace.expected(day) - pace.slack for id_, day in days.items()}
    idle = {id_: pace.idle_before(day) for id_, day in days.items()}
    when: list[tuple[Any, Standing]] = [
        (
            (state == RegistrationState.COMPLETED) & (grade == Grade.EXCELLENT),
            Standing.EXCELLENT,
        ),
        (state == RegistrationState.COMPLETED, Standing.QUALIFIED),
        (state.in_(_OVER), Standing.NOT_COMPLETED),
        (
            sa.or_(col(Registration.make_up_until) >= today, grade.in_(made_up)),
            Standing.MAKING_UP,
        ),
        *(
            (col(Progress.is_learned) & (grade == each), found)
            for each, found in _GRADED.items()
            if each is not None
        ),
        (col(Progress.is_learned), Standing.LEARNED),
        (~started & too_soon, Standing.NOT_BEGUN),
        (~started, Standing.UNKNOWN if newest is None else Standing.NOT_STARTED),
        (col(Progress.last_active) < _by_import(idle, sa.Date()), Standing.IDLE),
        (col(Progress.percent) < _by_import(least, sa.Float()), Standing.BEHIND),
    ]
    return sa.case(
        *((condition, sa.literal(found.value, sa.String())) for condition, found in when),
        else_=sa.literal(Standing.ON_TRACK.value, sa.String()),
    )


def _by_import(values: Mapping[int, Any], kind: Any) -> Any:
    """Return in SQL what belongs to somebody's newest import; null where that does not stand."""
    if not values:
        return sa.cast(sa.null(), kind)
    return sa.case(
        {id_: sa.literal(value, kind) for id_, value in values.items()},
        value=col(Progress.import_id),
    )
