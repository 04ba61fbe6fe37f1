"""The sets of a class and its rates, each with its denominator named (domain, rates 3.2 to 3.4).

Due ⊇ participating ⊇ assessed ⊇ passed ⊇ completed ⊇ excellent: nested by how they are
counted, whatever is missing in the rows. A rate is kept as a numerator and a denominator;
several schools are added up before anything is divided, and nothing is rounded before it is
compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import IntEnum, StrEnum
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
    ClassSession,
    Decision,
    Enrolment,
    Grade,
    Presence,
    Programme,
    Quota,
    Registration,
    RegistrationState,
    Result,
    Task,
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
    of_class = [col(Registration.batch_id) == batch_id]
    if units is not None:
        of_class.append(col(Registration.unit_id_at).in_(units))
    who = _people(session, batch, of_class, now)
    # Whoever is alike in everything is one row: each condition is looked at once a person.
    alike = who.group_by(*who.selected_columns).add_columns(sa.func.count())
    found_in: dict[int, Sets] = {}
    for row in session.connection().execute(alike):
        found_in[row[0]] = found_in.get(row[0], Sets()) + _sets(*row[1:])
    seats = _seats(session, batch_id, units)
    if enrolment is Enrolment.AUTOMATIC:
        seats = {unit_id: sets.due for unit_id, sets in found_in.items()}
    return {
        unit_id: replace(found_in.get(unit_id, Sets()), quota=seats.get(unit_id, 0))
        for unit_id in sorted({*found_in, *seats})
    }


class _Stage(IntEnum):
    """How far somebody has come; each stage has all that the ones before it have."""

    AWAY = 0
    PARTICIPATING = 1
    ASSESSED = 2
    PASSED = 3
    COMPLETED = 4
    EXCELLENT = 5


def _sets(
    due: bool,
    exempt: bool,
    sent: bool,
    stage: int,
    deferred: bool,
    studying: bool,
    learned: bool,
    number: int,
) -> Sets:
    """What so many people who are alike add to the sets."""

    def of(is_in: object) -> int:
        return number if is_in else 0

    there = due and stage >= _Stage.PARTICIPATING
    return Sets(
        sent=of(sent),
        due=of(due),
        exempt=of(exempt),
        participating=of(there),
        assessed=of(due and stage >= _Stage.ASSESSED),
        deferred=of(there and deferred),
        passed=of(due and stage >= _Stage.PASSED),
        completed=of(due and stage >= _Stage.COMPLETED),
        excellent=of(due and stage >= _Stage.EXCELLENT),
        studying=of(there and studying),
        learned=of(there and learned),
    )


def _seats(session: Session, batch_id: int, units: Collection[int] | None) -> dict[int, int]:
    statement = select(Quota.unit_id, Quota.seats).where(
        Quota.batch_id == batch_id, ~col(Quota.is_pool), col(Quota.seats) > 0
    )
    if units is not None:
        statement = statement.where(col(Quota.unit_id).in_(units))
    return dict(session.exec(statement).all())


Conditions = list[sa.ColumnElement[bool]]


def _people(session: Session, batch: Batch, of_class: Conditions, now: datetime) -> Any:
    """Select everybody of a class, or of schools in it: their unit and what ``_sets`` asks."""
    state, grade = col(Registration.state), col(Result.grade)
    completed = state == RegistrationState.COMPLETED
    graded = [one for one in Grade if one not in NOT_ASSESSED]
    decided = _decided(batch, of_class).subquery()
    attended = (
        sa.select(col(Attendance.registration_id))
        .join(ClassSession, col(ClassSession.id) == col(Attendance.session_id))
        .where(
            col(ClassSession.batch_id) == batch.id,
            col(Attendance.state).in_([Presence.PRESENT, Presence.LATE]),
        )
    )
    worked = (
        sa.select(col(TaskSubmission.registration_id))
        .join(Task, col(Task.id) == col(TaskSubmission.task_id))
        .where(col(Task.batch_id) == batch.id, col(TaskSubmission.state) != WorkState.RETURNED)
    )
    took_part = sa.or_(
        sa.func.coalesce(col(Progress.is_started), sa.false()),
        col(Registration.id).in_(attended),
        col(Registration.id).in_(worked),
    )
    stage = sa.case(
        (state == RegistrationState.NO_SHOW, _Stage.AWAY),
        (sa.and_(completed, grade == Grade.EXCELLENT), _Stage.EXCELLENT),
        (completed, _Stage.COMPLETED),
        (grade.in_(PASSING), _Stage.PASSED),
        (grade.in_(graded), _Stage.ASSESSED),
        (took_part, _Stage.PARTICIPATING),
        else_=_Stage.AWAY,
    )
    left_late = sa.and_(state == RegistrationState.WITHDRAWN, decided.c.left_late == 1)
    sent = sa.and_(
        state != RegistrationState.EXEMPT,
        sa.func.coalesce(decided.c.was_replaced, 0) == 0,
        sa.func.coalesce(decided.c.sent, 0) == 1,
    )
    return (
        sa.select(
            col(Registration.unit_id_at),
            sa.or_(state.in_(_STAYS), sa.func.coalesce(left_late, sa.false())).label("due"),
            (state == RegistrationState.EXEMPT).label("exempt"),
            sent.label("sent"),
            stage.label("stage"),
            sa.func.coalesce(grade == Grade.DEFERRED, sa.false()).label("deferred"),
            _studying(session, batch.id, now).label("studying"),
            sa.func.coalesce(col(Progress.is_learned), sa.false()).label("learned"),
        )
        .select_from(Registration)
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .outerjoin(Progress, col(Progress.registration_id) == col(Registration.id))
        .outerjoin(decided, decided.c.registration_id == col(Registration.id))
        .where(*of_class)
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
        return sa.func.coalesce(sa.false(), sa.false())
    seen_from = moments.local_day(min(newest, now), offices.zone(session))
    since = seen_from - timedelta(days=7 if idle_days is None else idle_days)
    return sa.func.coalesce(col(Progress.last_active) >= since, sa.false())


def _decided(batch: Batch, of_class: Conditions) -> Any:
    """Select of each registration what its decisions come to, each 0 or 1.

    ``sent``: the school's part was done in time; a substitute has until the roster date.
    ``was_replaced``: somebody else went. ``left_late``: they had a place, and left after the
    roster date, or after the start where there is none.
    """
    rule, at = col(Decision.rule), col(Decision.at)
    close, frozen = batch.nominate_close or batch.reg_close, batch.roster_date or batch.starts_at
    done = sa.or_(
        rule.in_(_SENT_AT_ONCE),
        sa.and_(rule.in_(["nominated", "substituted"]), ~_asked()),
        sa.and_(
            rule.in_(["seat_from_school", "seat_from_pool", "seat_without_limit"]),
            _fact("approval") == "none",
        ),
    )
    # Of a substitute all that was decided came after somebody else had been sent in time.
    is_substitute = sa.func.max(_one(rule == "substituted"))
    in_time = sa.func.max(_one(sa.and_(done, *_until(at, close))))
    in_place = sa.func.max(_one(sa.and_(done, *_until(at, batch.roster_date))))
    left = sa.and_(
        rule.in_(["withdrawn", "withdrawal_agreed"]), at > frozen, _fact("before").in_(_APPROVED)
    )
    return (
        sa.select(
            col(Decision.registration_id),
            sa.case((is_substitute == 1, in_place), else_=in_time).label("sent"),
            sa.func.max(_one(rule == "replaced")).label("was_replaced"),
            sa.func.max(_one(left)).label("left_late"),
        )
        .join(Registration, col(Registration.id) == col(Decision.registration_id))
        .where(*of_class)
        .group_by(col(Decision.registration_id))
    )


def _one(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.case((condition, 1), else_=0)


def _until(at: Any, moment: datetime | None) -> tuple[sa.ColumnElement[bool], ...]:
    return () if moment is None else (at <= moment,)


def _asked() -> sa.ColumnElement[bool]:
    """Whether a nominated person was asked first."""
    value: Any = sa.type_coerce(col(Decision.facts), sa.JSON)["asks"]
    return sa.func.coalesce(value.as_boolean(), sa.true())


def _fact(name: str) -> Any:
    """A value that a decision was made on."""
    value: Any = sa.type_coerce(col(Decision.facts), sa.JSON)[name]
    return value.as_string()
