"""Conditions beyond the audience: hard ones refuse, soft ones warn.

A rule asks one thing about a teacher: a fact of the roster, or what is reckoned from it and
from the books (years in service, years since the last national training, what was completed,
hours in the cycle). Each rule is one condition in SQL, so one teacher and a whole county are
judged by the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage import audit
from storage.credits import balance
from storage.credits.tables import CreditEntry, EntryState
from storage.moments import at, local_day
from storage.people import offices
from storage.people.authority import Act, check_with
from storage.people.tables import Teacher, TeacherFact
from storage.prepared import Prepared
from storage.refusals import NotFound, Refusal
from storage.training.audience import facts_of, fits
from storage.training.refusals import Finding
from storage.training.tables import (
    Batch,
    EligibilityRule,
    Level,
    Programme,
    Registration,
    RegistrationState,
)

FACTS = ("stage", "subject", "tier", "duty", "post", "entry_route", "area_type", "cert")
"""Fields that are facts of the roster."""
TITLE = "title"
COMPLETED = "completed"
"""The categories of programmes that the teacher has completed."""
HIRE_YEAR = "hire_year"
IN_SERVICE = "years_in_service"
SINCE_NATIONAL = "years_since_national"
"""Years since the last national training; whoever had none waits for ever already."""
CYCLE_HOURS = "hours_in_cycle"
"""Posted hours of the office's present cycle, as earned, before any cap."""

NUMBERS = (HIRE_YEAR, IN_SERVICE, SINCE_NATIONAL, CYCLE_HOURS)
FIELDS = (*FACTS, TITLE, COMPLETED, *NUMBERS)

IS, IS_NOT, AT_LEAST, AT_MOST = "is", "is_not", "at_least", "at_most"

_BETWEEN = "|"  # several values of a rule
_LARGEST = Decimal(9999)

_rule = SQLModel.metadata.tables["eligibility_rule"]
RULES = Prepared(
    sa.select(_rule.c.id, _rule.c.field, _rule.c.op, _rule.c.value, _rule.c.hard)
    .where(_rule.c.programme_id == sa.bindparam("programme_id"))
    .order_by(_rule.c.id)
)


class NoSuchRule(Refusal):
    """This field cannot be asked about like that, or not with this value."""


@dataclass(frozen=True)
class RuleFacts:
    """One condition; numbers are values too."""

    rule_id: int
    field: str
    op: str
    values: tuple[str, ...]
    hard: bool


@dataclass(frozen=True)
class Conditions:
    """The conditions of a programme, and how many people that leaves.

    ``audience`` counts active teachers for whom it is; ``eligible`` those of them who meet
    the hard conditions, ``welcome`` those who meet all.
    """

    batch_id: int
    title: str
    rules: tuple[RuleFacts, ...]
    audience: int
    eligible: int
    welcome: int


def ops(field: str) -> tuple[str, ...]:
    """Return in which ways a field can be asked about. Raises NoSuchRule."""
    if field not in FIELDS:
        raise NoSuchRule
    return (AT_LEAST, AT_MOST) if field in NUMBERS else (IS, IS_NOT)


# --- who meets them ----------------------------------------------------------------------------


def check(
    session: Session, teacher_id: int, programme_id: int, *, now: datetime
) -> tuple[Finding, ...]:
    """Return the conditions that this teacher does not meet; the hard ones first.

    Empty when all are met or none are set. Raises NotFound for nobody's id.
    """
    rules = _rules(session, programme_id)
    if not rules:
        return ()
    met: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            *(
                sa.func.coalesce(sa.cast(condition, sa.Boolean), sa.false()).label(f"rule_{n}")
                for n, condition in enumerate(_conditions(session, rules, now))
            )
        ).where(col(Teacher.id) == teacher_id)
    ).first()
    if met is None:
        raise NotFound("teacher")
    unmet = [rule for rule, is_met in zip(rules, met, strict=True) if not is_met]
    if not unmet:
        return ()
    findings = [
        Finding(rule.field, rule.op, rule.values, rule.hard, _has(session, teacher_id, rule, now))
        for rule in unmet
    ]
    return tuple(sorted(findings, key=lambda finding: not finding.hard))


def meets(
    session: Session, programme_id: int, *, now: datetime, soft: bool = False
) -> sa.ColumnElement[bool]:
    """Return the condition on ``Teacher`` that the hard conditions are met, or with ``soft`` all.

    True for everybody where there are none.
    """
    rules = [rule for rule in _rules(session, programme_id) if rule.hard or soft]
    return sa.and_(sa.true(), *_conditions(session, rules, now))


def eligible(session: Session, programme: Programme, *, now: datetime) -> int:
    """Return how many active teachers are in the audience and meet the hard conditions."""
    return _count(session, programme, meets(session, programme.id, now=now))


def with_rules(session: Session, programme_ids: Sequence[int]) -> set[int]:
    """Return which of these programmes have hard conditions."""
    return set(
        session.exec(
            select(EligibilityRule.programme_id)
            .where(col(EligibilityRule.programme_id).in_(programme_ids), col(EligibilityRule.hard))
            .distinct()
        ).all()
    )


# --- the organiser -----------------------------------------------------------------------------


def conditions(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Conditions:
    """Return the conditions of the class's programme, for who runs it."""
    programme = _programme(session, actor_id, batch_id, now, lock=False)
    return Conditions(
        batch_id=batch_id,
        title=programme.title,
        rules=_rules(session, programme.id),
        audience=_count(session, programme, sa.true()),
        eligible=eligible(session, programme, now=now),
        welcome=_count(session, programme, meets(session, programme.id, now=now, soft=True)),
    )


def add_rule(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    field: str,
    op: str,
    values: Sequence[str],
    hard: bool,
    now: datetime,
) -> int:
    """Set a condition; the same one a second time is the one there is.

    Whoever is registered already stays so. Raises NotAllowed, NotFound or NoSuchRule.
    """
    programme = _programme(session, actor_id, batch_id, now)
    value = _value(field, op, values)
    known = session.exec(
        select(EligibilityRule).where(
            EligibilityRule.programme_id == programme.id,
            EligibilityRule.field == field,
            EligibilityRule.op == op,
            EligibilityRule.value == value,
        )
    ).first()
    if known is not None:
        if known.hard != hard:
            set_hard(session, actor_id, batch_id, known.id, hard=hard, now=now)
        return known.id
    row = EligibilityRule(programme_id=programme.id, field=field, op=op, value=value, hard=hard)
    session.add(row)
    session.flush()
    after = {"field": field, "op": op, "value": value, "hard": hard}
    _note(session, actor_id, "add_condition", programme, now=now, after=after)
    return row.id


def set_hard(
    session: Session, actor_id: int, batch_id: int, rule_id: int, *, hard: bool, now: datetime
) -> None:
    """Let the condition refuse, or only warn. Raises NotAllowed or NotFound."""
    programme = _programme(session, actor_id, batch_id, now)
    rule = _own(session, programme, rule_id)
    if rule is None:
        raise NotFound("condition")
    if rule.hard == hard:
        return
    rule.hard = hard
    session.add(rule)
    after = {"field": rule.field, "op": rule.op, "value": rule.value, "hard": hard}
    _note(session, actor_id, "change_condition", programme, now=now, after=after)


def remove_rule(
    session: Session, actor_id: int, batch_id: int, rule_id: int, *, now: datetime
) -> None:
    """Take a condition away; one that is gone is no harm. Raises NotAllowed."""
    programme = _programme(session, actor_id, batch_id, now)
    rule = _own(session, programme, rule_id)
    if rule is None:
        return
    before = {"field": rule.field, "op": rule.op, "value": rule.value, "hard": rule.hard}
    session.delete(rule)
    _note(session, actor_id, "remove_condition", programme, now=now, before=before)


def choices(session: Session, field: str) -> tuple[str, ...]:
    """Return the values of a field that occur, to choose from; empty for a number."""
    if field in FACTS:
        column, of = col(TeacherFact.value), [col(TeacherFact.key) == field]
    elif field == TITLE:
        column, of = col(Teacher.title), [col(Teacher.title) != ""]
    elif field == COMPLETED:
        column, of = col(Programme.category), []
    else:
        return ()
    found: Any = session.exec(
        sa.select(column).where(*of).distinct().order_by(column)  # type: ignore[call-overload]
    ).all()
    return tuple(value for (value,) in found)


# --- what these share --------------------------------------------------------------------------


def _programme(
    session: Session, actor_id: int, batch_id: int, now: datetime, *, lock: bool = True
) -> Programme:
    today = local_day(now, offices.zone(session))
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    wanted = (
        select(Programme)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    )
    programme = session.exec(wanted.with_for_update(of=Programme) if lock else wanted).first()
    if programme is None:
        raise NotFound("programme")
    return programme


def _own(session: Session, programme: Programme, rule_id: int) -> EligibilityRule | None:
    return session.exec(
        select(EligibilityRule).where(
            EligibilityRule.id == rule_id, EligibilityRule.programme_id == programme.id
        )
    ).first()


def _note(
    session: Session,
    actor_id: int,
    action: str,
    programme: Programme,
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    session.exec(
        sa.update(Batch)
        .where(col(Batch.programme_id) == programme.id)
        .values(revision=Batch.revision + 1)
    )
    session.flush()
    thing = f"programme:{programme.id}"
    audit.record(session, actor_id, action, thing, now=now, before=before, after=after)


def _rules(session: Session, programme_id: int) -> tuple[RuleFacts, ...]:
    return tuple(
        RuleFacts(row.id, row.field, row.op, tuple(row.value.split(_BETWEEN)), row.hard)
        for row in RULES.all(session, programme_id=programme_id)
    )


def _value(field: str, op: str, values: Sequence[str]) -> str:
    if op not in ops(field):
        raise NoSuchRule
    kept = [value.strip() for value in values if value.strip()]
    if not kept or any(_BETWEEN in value for value in kept):
        raise NoSuchRule
    if field not in NUMBERS:
        return _BETWEEN.join(dict.fromkeys(kept))
    try:
        number = Decimal(kept[0])
    except InvalidOperation as error:
        raise NoSuchRule from error
    if not number.is_finite():
        raise NoSuchRule
    whole = number == number.to_integral_value()
    if len(kept) != 1 or not 0 <= number <= _LARGEST or not (whole or field == CYCLE_HOURS):
        raise NoSuchRule
    return f"{number.normalize():f}"


def _count(session: Session, programme: Programme, condition: sa.ColumnElement[bool]) -> int:
    return session.exec(
        select(func.count()).select_from(Teacher).where(fits(programme), condition)
    ).one()


def _conditions(
    session: Session, rules: Sequence[RuleFacts], now: datetime
) -> list[sa.ColumnElement[bool]]:
    today = local_day(now, offices.zone(session)) if rules else date.min
    return [_condition(session, rule, today, now) for rule in rules]


def _condition(
    session: Session, rule: RuleFacts, today: date, now: datetime
) -> sa.ColumnElement[bool]:
    """The condition on ``Teacher`` that one rule is met; what the roster does not say is not."""
    if rule.field in FACTS or rule.field == COMPLETED or rule.field == TITLE:
        positive = _among(rule)
        return positive if rule.op == IS else ~positive
    number = Decimal(rule.values[0])
    hired = col(Teacher.hire_date)
    if rule.field == HIRE_YEAR:
        year = int(number)
        if rule.op == AT_LEAST:
            return sa.and_(hired.is_not(None), hired >= date(max(1, year), 1, 1))
        return sa.and_(hired.is_not(None), hired <= date(max(1, year), 12, 31))
    if rule.field == IN_SERVICE:
        years = int(number)
        if rule.op == AT_LEAST:
            return sa.and_(hired.is_not(None), hired <= _years_before(today, years))
        return sa.and_(hired.is_not(None), hired > _years_before(today, years + 1))
    if rule.field == SINCE_NATIONAL:
        # Whoever had one within so many years has not waited that long.
        years = int(number) if rule.op == AT_LEAST else int(number) + 1
        recent = _national_since(session, _years_before(today, years))
        return ~recent if rule.op == AT_LEAST else recent
    hours = _hours(session, now).scalar_subquery()
    limit = sa.literal(number, CreditEntry.__table__.c.hours.type)  # type: ignore[attr-defined]
    return hours >= limit if rule.op == AT_LEAST else hours <= limit


def _among(rule: RuleFacts) -> sa.ColumnElement[bool]:
    if rule.field == TITLE:
        return col(Teacher.title).in_(rule.values)
    if rule.field == COMPLETED:
        return sa.exists().where(
            col(Registration.teacher_id) == col(Teacher.id),
            col(Registration.state) == RegistrationState.COMPLETED,
            col(Batch.id) == col(Registration.batch_id),
            col(Programme.id) == col(Batch.programme_id),
            col(Programme.category).in_(rule.values),
        )
    return sa.exists().where(
        col(TeacherFact.teacher_id) == col(Teacher.id),
        col(TeacherFact.key) == rule.field,
        col(TeacherFact.value).in_(rule.values),
    )


def _national_since(session: Session, day: date) -> sa.ColumnElement[bool]:
    """A national training that ended, or was booked, after the day."""
    since = at(day, 24 * 60 - 1, offices.zone(session))
    return sa.or_(
        sa.exists().where(
            col(Registration.teacher_id) == col(Teacher.id),
            col(Registration.state) == RegistrationState.COMPLETED,
            col(Batch.id) == col(Registration.batch_id),
            col(Batch.ends_at) > since,
            col(Programme.id) == col(Batch.programme_id),
            col(Programme.level) == Level.NATIONAL,
        ),
        sa.exists().where(
            col(CreditEntry.teacher_id) == col(Teacher.id),
            col(CreditEntry.state) == EntryState.POSTED,
            col(CreditEntry.level) == Level.NATIONAL.value,
            col(CreditEntry.earned_on) > day,
        ),
    )


def _hours(session: Session, now: datetime) -> sa.Select[Any]:
    cycle = balance.cycle_of(session, now=now)
    column = CreditEntry.__table__.c.hours  # type: ignore[attr-defined]
    return sa.select(sa.func.coalesce(sa.func.sum(column), sa.literal(0, column.type))).where(
        col(CreditEntry.teacher_id) == col(Teacher.id),
        col(CreditEntry.state) == EntryState.POSTED,
        col(CreditEntry.earned_on) >= cycle.start,
        col(CreditEntry.earned_on) <= cycle.end,
    )


def _has(session: Session, teacher_id: int, rule: RuleFacts, now: datetime) -> tuple[str, ...]:
    """What the books say instead; empty when they say nothing."""
    if rule.field in FACTS:
        return tuple(sorted(facts_of(session, teacher_id).get(rule.field, ())))
    if rule.field == COMPLETED:
        return ()
    teacher = session.exec(select(Teacher).where(Teacher.id == teacher_id)).one()
    today = local_day(now, offices.zone(session))
    if rule.field == TITLE:
        return (teacher.title,) if teacher.title else ()
    if rule.field == CYCLE_HOURS:
        found: Any = session.exec(  # type: ignore[call-overload]
            _hours(session, now).select_from(Teacher).where(col(Teacher.id) == teacher_id)
        ).one()
        return (f"{Decimal(found[0]):f}",)
    if rule.field == SINCE_NATIONAL:
        last = _last_national(session, teacher_id)
        return () if last is None else (str(_years_between(last, today)),)
    if teacher.hire_date is None:
        return ()
    if rule.field == HIRE_YEAR:
        return (str(teacher.hire_date.year),)
    return (str(_years_between(teacher.hire_date, today)),)


def _last_national(session: Session, teacher_id: int) -> date | None:
    ended = session.exec(
        select(func.max(Batch.ends_at))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.teacher_id == teacher_id,
            Registration.state == RegistrationState.COMPLETED,
            Programme.level == Level.NATIONAL,
        )
    ).one()
    booked = session.exec(
        select(func.max(CreditEntry.earned_on)).where(
            CreditEntry.teacher_id == teacher_id,
            CreditEntry.state == EntryState.POSTED,
            CreditEntry.level == Level.NATIONAL.value,
        )
    ).one()
    days = [local_day(ended, offices.zone(session))] if ended is not None else []
    days += [booked] if booked is not None else []
    return max(days, default=None)


def _years_before(day: date, years: int) -> date:
    year = max(1, day.year - years)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _years_between(first: date, last: date) -> int:
    return max(0, last.year - first.year - ((last.month, last.day) < (first.month, first.day)))
