"""The sets of a class and its rates, each with its denominator named (domain, rates 3.2 to 3.4).

Due ⊇ participating ⊇ assessed ⊇ passed ⊇ completed ⊇ excellent: nested by how they are
counted, whatever is missing in the rows. A rate is kept as a numerator and a denominator;
several schools are added up before anything is divided, and nothing is rounded before it is
compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import moments
from storage.people import offices
from storage.refusals import NotFound
from storage.training.remote.tables import Progress, RemotePlan
from storage.training.results import NOT_ASSESSED, PASSING, TAKES_PART
from storage.training.tables import (
    Attendance,
    Batch,
    Decision,
    Enrolment,
    Grade,
    Presence,
    Programme,
    Quota,
    Registration,
    RegistrationState,
    Result,
    TaskSubmission,
    WorkState,
)

FEWEST = 5
"""A school with fewer people due is not shown by itself outside its owner's private view."""

_STAYS = (*TAKES_PART, RegistrationState.DROPPED)
_APPROVED = (RegistrationState.APPROVED.value, RegistrationState.ATTENDING.value)
_SENT_AT_ONCE = (
    "enrolled_automatically",
    "nomination_accepted",
    "school_approved",
    "approved_by_school",
    "approved_by_organiser",
    "offer_accepted",
    "menu_seat",
)
"""Decisions with which a school's part is done."""


@dataclass(frozen=True)
class Sets:
    """How many registrations of a unit are in each set; they add up across units.

    ``deferred`` took part and have their assessment put off; ``studying`` were active lately by
    the newest figures; ``exempt`` are none of the due.
    """

    quota: int = 0
    sent: int = 0
    due: int = 0
    exempt: int = 0
    participating: int = 0
    assessed: int = 0
    deferred: int = 0
    passed: int = 0
    completed: int = 0
    excellent: int = 0
    studying: int = 0
    learned: int = 0

    def __add__(self, other: Sets) -> Sets:
        return Sets(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


class Rate(StrEnum):
    """What is compared with what."""

    SENDING = "sending_rate"
    PARTICIPATION = "participation_rate"
    STUDY = "study_rate"
    LEARNED = "learned_rate"  # everything mandatory is done on the platform
    PASS = "pass_rate"  # noqa: S105
    COMPLETION = "completion_rate"
    EXCELLENCE = "excellence_rate"


class Base(StrEnum):
    """Of whom; the usual one is that of bulletins."""

    USUAL = "usual"
    STRICT = "strict"  # of all who are due
    ASSESSED = "assessed"  # of those who were assessed


@dataclass(frozen=True)
class Share:
    """Some of so many; of nobody it is no figure."""

    numerator: int
    denominator: int

    @property
    def exact(self) -> Fraction | None:
        """The exact rate; None of nobody."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    def reaches(self, target: float) -> bool:
        """Whether the exact rate is at least the target, a part of one."""
        return self.exact is not None and self.exact >= exact(target)

    def gap(self, target: float) -> int:
        """How many persons are missing to the target: what a coordinator can act on."""
        return max(0, ceil(exact(target) * self.denominator) - self.numerator)


def exact(number: float) -> Fraction:
    """A target as people wrote it: 0.98 is 98 hundredths, and not its nearest binary."""
    return Fraction(str(number))


def share(sets: Sets, rate: Rate, base: Base = Base.USUAL) -> Share:
    """Return a rate of these sets."""
    numerator, usual = {
        Rate.SENDING: (min(sets.sent, sets.quota), sets.quota),
        Rate.PARTICIPATION: (sets.participating, sets.due),
        Rate.STUDY: (sets.studying, sets.due),
        Rate.LEARNED: (sets.learned, sets.due),
        Rate.PASS: (sets.passed, sets.participating),
        Rate.COMPLETION: (sets.completed, sets.participating),
        Rate.EXCELLENCE: (sets.excellent, sets.completed),
    }[rate]
    if base is Base.STRICT and rate is not Rate.SENDING:
        return Share(numerator, sets.due)
    if base is Base.ASSESSED and rate is Rate.PASS:
        return Share(numerator, sets.assessed)
    return Share(numerator, usual)


WEIGHTS: Mapping[Rate, int] = MappingProxyType(
    {Rate.SENDING: 20, Rate.PARTICIPATION: 30, Rate.COMPLETION: 30, Rate.EXCELLENCE: 20}
)
GOALS: Mapping[Rate, float] = MappingProxyType(
    {Rate.SENDING: 1.0, Rate.PARTICIPATION: 1.0, Rate.COMPLETION: 0.95}
)


def score(
    sets: Sets,
    *,
    excellent_goal: float,
    weights: Mapping[Rate, int] = WEIGHTS,
    goals: Mapping[Rate, float] = GOALS,
) -> Decimal | None:
    """A school's score out of 100 with two decimals (domain, rates 3.4.10).

    A rate of nobody has no weight, and the others share it; None where no rate is of anybody.
    """
    wanted = {**goals, Rate.EXCELLENCE: excellent_goal}
    whole = gained = Fraction(0)
    for rate, weight in weights.items():
        reached = share(sets, rate).exact
        if reached is not None:
            whole += weight
            gained += weight * min(Fraction(1), reached / exact(wanted[rate]))
    if not whole:
        return None
    points = gained * 100 / whole
    quotient = Decimal(points.numerator) / Decimal(points.denominator)
    return quotient.quantize(Decimal("0.01"), ROUND_HALF_UP)


def together(by_unit: Mapping[int, Sets]) -> Sets:
    """Add up several units: numerators and denominators, never percentages."""
    return sum(by_unit.values(), Sets())


def showable(by_unit: Mapping[int, Sets]) -> tuple[dict[int, Sets], Sets | None]:
    """Return the units that may be shown by themselves, and the others in one.

    Units with fewer than five due are put together. Where these are still fewer than five, the
    smallest of the rest joins them, so that nobody can reckon them from the total; None where
    nothing had to be put together.
    """
    shown = {unit: sets for unit, sets in by_unit.items() if sets.due >= FEWEST}
    small = [sets for sets in by_unit.values() if 0 < sets.due < FEWEST]
    if not small:
        return shown, None
    others = sum(small, Sets())
    if others.due < FEWEST and shown:
        smallest = min(shown, key=lambda unit: (shown[unit].due, unit))
        others += shown.pop(smallest)
    return shown, others


# --- counting ---------------------------------------------------------------------------------


def by_unit(
    session: Session, batch_id: int, *, now: datetime, units: Collection[int] | None = None
) -> dict[int, Sets]:
    """Count the sets of a class for each unit, or each of these. Raises NotFound.

    People count where they were posted when they came in. Whoever withdrew after the roster
    date, or after the start where there is none, without being exempt or replaced, stays due.
    """
    found = session.exec(
        select(Batch, Programme.enrolment)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Batch.id == batch_id)
    ).first()
    if found is None:
        raise NotFound("programme")
    batch, enrolment = found
    people = _people(session, batch, now).subquery()
    unit = people.c.unit_id

    def number(flag: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.count(sa.case((flag, 1)))

    there = sa.and_(people.c.due, people.c.there)
    assessed = sa.and_(there, people.c.assessed)
    passed = sa.and_(assessed, people.c.passed)
    completed = sa.and_(passed, people.c.completed)
    columns = {
        "sent": people.c.sent,
        "due": people.c.due,
        "exempt": people.c.exempt,
        "participating": there,
        "assessed": assessed,
        "deferred": sa.and_(there, people.c.deferred, ~people.c.completed),
        "passed": passed,
        "completed": completed,
        "excellent": sa.and_(completed, people.c.excellent),
        "studying": sa.and_(there, people.c.studying),
        "learned": sa.and_(there, people.c.learned),
    }
    counted = sa.select(unit, *(number(flag).label(name) for name, flag in columns.items()))
    if units is not None:
        counted = counted.where(unit.in_(units))
    kept = {
        row.unit_id: {name: int(getattr(row, name)) for name in columns}
        for row in session.connection().execute(counted.group_by(unit))
    }
    seats = _seats(session, batch_id, units)
    if enrolment is Enrolment.AUTOMATIC:
        seats = {unit_id: figures["due"] for unit_id, figures in kept.items()}
    return {
        unit_id: Sets(quota=seats.get(unit_id, 0), **kept.get(unit_id, {}))
        for unit_id in sorted({*kept, *seats})
    }


def _seats(session: Session, batch_id: int, units: Collection[int] | None) -> dict[int, int]:
    statement = select(Quota.unit_id, Quota.seats).where(
        Quota.batch_id == batch_id, ~col(Quota.is_pool), col(Quota.seats) > 0
    )
    if units is not None:
        statement = statement.where(col(Quota.unit_id).in_(units))
    return dict(session.exec(statement).all())


def due(batch: Batch) -> sa.ColumnElement[bool]:
    """Whether a ``Registration`` of this class is due (domain, rates 3.2)."""
    frozen = batch.roster_date or batch.starts_at
    left_late = sa.and_(
        col(Registration.state) == RegistrationState.WITHDRAWN,
        col(Registration.changed_at) > frozen,
        sa.exists().where(
            col(Decision.registration_id) == col(Registration.id),
            col(Decision.rule).in_(["withdrawn", "withdrawal_agreed"]),
            col(Decision.at) > frozen,
            _fact("before").in_(_APPROVED),
        ),
    )
    return sa.or_(col(Registration.state).in_(_STAYS), left_late)


def _people(session: Session, batch: Batch, now: datetime) -> Any:
    """Select everybody of a class with whether they are in each set, not yet nested."""
    state, grade = col(Registration.state), col(Result.grade)
    completed = state == RegistrationState.COMPLETED
    was_graded = grade.in_([one for one in Grade if one not in NOT_ASSESSED])
    there = sa.and_(
        state != RegistrationState.NO_SHOW,
        sa.or_(
            completed,
            sa.and_(grade.is_not(None), was_graded),
            sa.func.coalesce(col(Progress.is_started), sa.false()),
            sa.exists().where(
                col(Attendance.registration_id) == col(Registration.id),
                col(Attendance.state).in_([Presence.PRESENT, Presence.LATE]),
            ),
            sa.exists().where(
                col(TaskSubmission.registration_id) == col(Registration.id),
                col(TaskSubmission.state) != WorkState.RETURNED,
            ),
        ),
    )
    return (
        sa.select(
            col(Registration.unit_id_at).label("unit_id"),
            due(batch).label("due"),
            (state == RegistrationState.EXEMPT).label("exempt"),
            _sent(batch).label("sent"),
            there.label("there"),
            sa.or_(completed, sa.and_(grade.is_not(None), was_graded)).label("assessed"),
            sa.and_(grade.is_not(None), grade == Grade.DEFERRED).label("deferred"),
            sa.or_(completed, sa.and_(grade.is_not(None), grade.in_(PASSING))).label("passed"),
            completed.label("completed"),
            sa.and_(grade.is_not(None), grade == Grade.EXCELLENT).label("excellent"),
            _studying(session, batch.id, now).label("studying"),
            sa.func.coalesce(col(Progress.is_learned), sa.false()).label("learned"),
        )
        .select_from(Registration)
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .outerjoin(Progress, col(Progress.registration_id) == col(Registration.id))
        .where(col(Registration.batch_id) == batch.id)
    )


def _studying(session: Session, batch_id: int, now: datetime) -> sa.ColumnElement[bool]:
    """Whether somebody was active lately, as seen from the newest figures."""
    newest: datetime | None = session.exec(
        select(sa.func.max(Progress.as_of)).where(Progress.batch_id == batch_id)
    ).one()
    idle_days = session.exec(
        select(RemotePlan.idle_days).where(RemotePlan.batch_id == batch_id)
    ).first()
    if newest is None:
        return sa.false()
    seen_from = moments.local_day(min(newest, now), offices.zone(session))
    since = seen_from - timedelta(days=7 if idle_days is None else idle_days)
    return sa.func.coalesce(col(Progress.last_active) >= since, sa.false())


def _sent(batch: Batch) -> sa.ColumnElement[bool]:
    """Whether the school's part was done in time; a substitute has until the roster date.

    Whoever was replaced is not counted, and neither is whoever is exempt.
    """
    decided = [col(Decision.registration_id) == col(Registration.id)]
    rule = col(Decision.rule)
    done = sa.or_(
        rule.in_(_SENT_AT_ONCE),
        sa.and_(rule == "nominated", ~_fact("asks", sa.true())),
        sa.and_(
            rule.in_(["seat_from_school", "seat_from_pool", "seat_without_limit"]),
            _fact("approval") == "none",
        ),
    )
    in_time = sa.exists().where(*decided, done, *_until(batch.nominate_close or batch.reg_close))
    came_instead = sa.exists().where(
        *decided,
        rule.in_(["substituted", "nomination_accepted"]),
        sa.or_(rule != "substituted", ~_fact("asks", sa.true())),
        *_until(batch.roster_date),
    )
    was_replaced = sa.exists().where(*decided, rule == "replaced")
    is_substitute = sa.exists().where(*decided, rule == "substituted")
    return sa.and_(
        col(Registration.state) != RegistrationState.EXEMPT,
        ~was_replaced,
        sa.or_(in_time, sa.and_(is_substitute, came_instead)),
    )


def _until(moment: datetime | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if moment is None else (col(Decision.at) <= moment,)


def _fact(name: str, otherwise: sa.ColumnElement[bool] | None = None) -> Any:
    """A value that a decision was made on; a truth value where another one is given."""
    value: Any = sa.type_coerce(col(Decision.facts), sa.JSON)[name]
    if otherwise is None:
        return value.as_string()
    return sa.func.coalesce(value.as_boolean(), otherwise)
