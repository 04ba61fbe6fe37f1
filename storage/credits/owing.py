"""Who still owes it: hours of a year, a cycle or the first year, and answers to appeals.

Who is short is told from the sum of posted hours, which no cap makes larger: whoever is named
here is short for certain. What exactly is missing, ``storage.credits.balance`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.credits import profiles
from storage.credits.profiles import Profile
from storage.credits.tables import Appeal, AppealState, CreditCycle, CreditEntry, EntryState
from storage.moments import local_day
from storage.people import offices
from storage.people.owing import Owing, holders
from storage.people.tables import Office, Role, Teacher, TeacherFact, TeacherState
from storage.refusals import NotFound


def owes(
    session: Session, kind: str, subject_id: int, *, now: datetime, teacher_id: int | None = None
) -> Owing | None:
    """Return the select of those who still owe this; None for a kind that is none of ours.

    ``subject_id`` is the calendar year in which the school year begins, a cycle, a teacher, or
    an appeal.
    """
    if kind not in KINDS:
        return None
    who = KINDS[kind](session, subject_id, now)
    return who if teacher_id is None else who.where(who.selected_columns[0] == teacher_id)


def year_of(profile: Profile, first: int) -> tuple[date, date]:
    """Return the first and the last day of the year that begins in this calendar year."""
    if profile.year_kind == "calendar":
        return date(first, 1, 1), date(first, 12, 31)
    return date(first, 9, 1), date(first + 1, 8, 31)


def profile_of(session: Session) -> Profile | None:
    """Return the rules that the office goes by; None where there are none yet."""
    code = session.exec(select(Office.credit_profile)).first()
    try:
        return None if code is None else profiles.current(session, code)
    except NotFound:
        return None


def first_year_ends(hired: date) -> date:
    """Return the last day of somebody's first year."""
    try:
        return hired.replace(year=hired.year + 1) - timedelta(days=1)
    except ValueError:  # hired on 29 February
        return date(hired.year + 1, 2, 28)


def _short_of_year(session: Session, first: int, _now: datetime) -> Owing:
    """Return those whose posted hours of the year do not reach what a year should bring."""
    profile = profile_of(session)
    if profile is None or profile.yearly.floor is None:
        return _nobody()
    start, end = year_of(profile, first)
    exempt = [f"{reason}:{first}-{first + 1}" for reason in profile.exemptions]
    return _short(start, end, _hours(profile, profile.yearly.floor)).where(
        ~sa.exists().where(
            col(TeacherFact.teacher_id) == col(Teacher.id),
            col(TeacherFact.key) == "exemption",
            col(TeacherFact.value).in_(exempt),
        )
    )


def _short_of_cycle(session: Session, cycle_id: int, _now: datetime) -> Owing:
    """Return those whose posted hours do not reach what the whole cycle asks for."""
    profile = profile_of(session)
    cycle = session.exec(select(CreditCycle).where(CreditCycle.id == cycle_id)).first()
    if profile is None or cycle is None:
        return _nobody()
    return _short(cycle.start, cycle.end, _hours(profile, profile.total_required))


def _short_as_new(session: Session, teacher_id: int, _now: datetime) -> Owing:
    """Return the new teacher, as long as the training of the first year is not done."""
    profile = profile_of(session)
    hired = session.exec(select(col(Teacher.hire_date)).where(Teacher.id == teacher_id)).first()
    if profile is None or profile.new_teacher is None or hired is None:
        return _nobody()
    rule = profile.new_teacher
    return _short(hired, first_year_ends(hired), rule.hours, rule.categories).where(
        col(Teacher.id) == teacher_id
    )


def _short(start: date, end: date, hours: Decimal, categories: tuple[str, ...] = ()) -> Owing:
    posted = (
        sa.select(sa.func.coalesce(sa.func.sum(col(CreditEntry.hours)), 0))
        .where(
            col(CreditEntry.teacher_id) == col(Teacher.id),
            col(CreditEntry.state) == EntryState.POSTED,
            col(CreditEntry.earned_on) >= start,
            col(CreditEntry.earned_on) <= end,
        )
        .correlate(Teacher)
    )
    if categories:
        posted = posted.where(col(CreditEntry.category).in_(categories))
    amount = sa.literal(hours, CreditEntry.__table__.c.hours.type)  # type: ignore[attr-defined]
    return sa.select(col(Teacher.id)).where(
        col(Teacher.state) == TeacherState.ACTIVE, posted.scalar_subquery() < amount
    )


def _hours(profile: Profile, amount: Decimal) -> Decimal:
    """The least hours that can make this amount of the profile's unit."""
    if profile.unit == "hour":
        return amount
    return amount * min(profile.conversion.values(), default=Decimal(1))


OPEN = (AppealState.OPEN, AppealState.SCHOOL_REVIEWED)


def _answers(session: Session, appeal_id: int, now: datetime) -> Owing:
    """Return who has to answer: the school's people first, the county's afterwards.

    Nobody answers their own.
    """
    row = session.exec(
        select(Appeal).where(Appeal.id == appeal_id, col(Appeal.state).in_(OPEN))
    ).first()
    if row is None:
        return _nobody()
    if row.state is AppealState.OPEN:
        who = holders(session, (Role.SCHOOL_COORDINATOR,), of=row.unit_id_at, now=now)
    else:
        who = holders(session, (Role.COUNTY_COORDINATOR,), now=now)
    return who.where(who.selected_columns[0] != row.teacher_id)


def open_appeals(
    _session: Session, _kind: str, appeal_id: int, _now: datetime
) -> sa.Select[int, int]:
    """Return the school of an appeal that waits, as one."""
    return sa.select(col(Appeal.unit_id_at).label("unit_id"), sa.literal(1).label("number")).where(
        col(Appeal.id) == appeal_id, col(Appeal.state).in_(OPEN)
    )


def due_days(session: Session, *, now: datetime) -> dict[tuple[str, int], date]:
    """Return the last day of each year, cycle and first year that people are reminded of.

    By kind and subject; what is over, or has not begun, is left out.
    """
    today = local_day(now, offices.zone(session))
    profile = profile_of(session)
    if profile is None:
        return {}
    found: dict[tuple[str, int], date] = {}
    if profile.yearly.floor is not None:
        for first in (today.year - 1, today.year):
            start, end = year_of(profile, first)
            if start <= today <= end:
                found["year_hours", first] = end
    for cycle in session.exec(select(CreditCycle)).all():
        if cycle.start <= today <= cycle.end:
            found["cycle_hours", cycle.id] = cycle.end
    if profile.new_teacher is not None:
        hired = session.exec(
            select(col(Teacher.id), col(Teacher.hire_date)).where(
                Teacher.state == TeacherState.ACTIVE,
                col(Teacher.hire_date) > today - timedelta(days=366),
                col(Teacher.hire_date) <= today,
            )
        ).all()
        for teacher_id, day in hired:
            if day is not None and first_year_ends(day) >= today:
                found["new_teacher_hours", teacher_id] = first_year_ends(day)
    return found


def _nobody() -> Owing:
    return sa.select(col(Teacher.id)).where(sa.false())


KINDS: dict[str, Callable[[Session, int, datetime], Owing]] = {
    "year_hours": _short_of_year,
    "cycle_hours": _short_of_cycle,
    "new_teacher_hours": _short_as_new,
    "appeal": _answers,
}
