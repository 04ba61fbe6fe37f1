"""Frictions: where a programme's dates and seats clash with the calendar and other programmes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.calendar.tables import CalendarDay, DayKind
from storage.calendar.workdays import WorkCalendar
from storage.moments import local_day
from storage.people.tables import Teacher
from storage.training.audience import fits
from storage.training.clashes import BLOCK, times_of
from storage.training.registration import SELF_REGISTERED, closes_at
from storage.training.tables import (
    LIVE,
    Batch,
    ClassSession,
    Enrolment,
    Programme,
    ProgrammeState,
    Registration,
)

NOTICE = 10
"""Working days from being announced to the first obligation (domain, reminders 5.1)."""

FEWEST_DAYS = 3  # working days in which one can register


class Doubt(StrEnum):
    """What does not fit together in the dates and seats of a programme."""

    NO_AUDIENCE = "no_audience"
    NO_SEATS = "no_seats"  # fewer seats than the least number with which the class runs
    OPENED_BEFORE = "opened_before"  # registration has opened already
    CLOSED_BEFORE = "closed_before"  # registration is over before it is announced
    WINDOW_REVERSED = "window_reversed"
    WINDOW_SHORT = "window_short"
    CLOSES_AFTER_START = "closes_after_start"
    SHORT_NOTICE = "short_notice"
    STARTED = "started"
    OUTSIDE_MEETING = "outside_meeting"  # a meeting before the start or after the end


class DayOff(StrEnum):
    """Why people do not work on a day."""

    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    SCHOOL_BREAK = "school_break"


@dataclass(frozen=True)
class OffDay:
    """A meeting or a date of the programme on a day off; ``what`` is a meeting's title.

    Empty stands for the training itself, and for the end of registration with ``is_close``.
    """

    day: date
    why: DayOff
    label: str
    what: str = ""
    is_close: bool = False


@dataclass(frozen=True)
class Overlap:
    """Another programme whose meetings are at the same time, and how many are in both."""

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    people: int


def off_days(
    session: Session, programme: Programme, batches: Iterable[Batch], calendar: WorkCalendar
) -> Iterable[OffDay]:
    labels = {row.day: row.label for row in session.exec(select(CalendarDay)).all()}

    def off(day: date, what: str = "", *, is_close: bool = False) -> Iterable[OffDay]:
        if not calendar.is_workday(day):
            yield OffDay(day, _why_off(day, calendar), labels.get(day, ""), what, is_close)

    for batch in batches:
        if programme.enrolment in SELF_REGISTERED and batch.reg_close is not None:
            closing = local_day(batch.reg_close - timedelta(microseconds=1), calendar.zone)
            yield from off(closing, is_close=True)
        meetings = session.exec(
            select(ClassSession)
            .where(ClassSession.batch_id == batch.id)
            .order_by(col(ClassSession.starts_at))
        ).all()
        for meeting in meetings:
            yield from off(local_day(meeting.starts_at, calendar.zone), meeting.title)
        if not meetings and programme.mode in BLOCK:
            day = local_day(batch.starts_at, calendar.zone)
            while day <= local_day(batch.ends_at, calendar.zone):
                yield from off(day)
                day += timedelta(days=1)
        elif not meetings:
            yield from off(local_day(batch.starts_at, calendar.zone))


def _why_off(day: date, calendar: WorkCalendar) -> DayOff:
    match calendar.special.get(day):
        case DayKind.HOLIDAY:
            return DayOff.HOLIDAY
        case DayKind.SCHOOL_BREAK:
            return DayOff.SCHOOL_BREAK
        case _:
            return DayOff.WEEKEND


def overlaps(
    session: Session, programme: Programme, batches: Collection[Batch], *, now: datetime
) -> tuple[Overlap, ...]:
    """Other programmes at the same times, with the people who are in both.

    In this one counts who is in, and while registration is to come whoever may register.
    """
    ids = [batch.id for batch in batches]
    here = times_of(session, col(Batch.id).in_(ids))
    others = times_of(
        session,
        col(Batch.id).not_in(ids),
        col(Batch.ends_at) > now,
        col(Programme.state) == ProgrammeState.PUBLISHED,
    )
    mine = [time for times in here.values() for time in times]
    own = sa.orm.aliased(Registration)
    is_in = sa.exists().where(
        col(own.teacher_id) == col(Teacher.id),
        col(own.batch_id).in_(ids),
        col(own.state).in_(LIVE),
    )
    may = (
        sa.or_(is_in, fits(programme)) if programme.enrolment is not Enrolment.AUTOMATIC else is_in
    )
    found = []
    for batch_id, times in others.items():
        shared = [
            (max(start, begin), min(end, finish))
            for start, end in mine
            for begin, finish in times
            if start < finish and begin < end
        ]
        if not shared:
            continue
        people = session.exec(
            select(func.count(sa.distinct(col(Teacher.id))))
            .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
            .where(
                Registration.batch_id == batch_id,
                col(Registration.state).in_(LIVE),
                may,
            )
        ).one()
        title = session.exec(
            select(Programme.title)
            .join(Batch, col(Batch.programme_id) == col(Programme.id))
            .where(Batch.id == batch_id)
        ).one()
        if people:
            found.append(Overlap(batch_id, title, *min(shared), people))
    return tuple(sorted(found, key=lambda one: (-one.people, one.starts_at, one.batch_id)))


def doubts(
    session: Session,
    programme: Programme,
    batches: Iterable[Batch],
    audience: int,
    seats: int | None,
    calendar: WorkCalendar,
    *,
    is_draft: bool,
    now: datetime,
) -> Iterable[Doubt]:
    if not audience:
        yield Doubt.NO_AUDIENCE
    batches = list(batches)
    least = sum(batch.minimum or 0 for batch in batches)
    if seats is not None and seats < max(least, 1):
        yield Doubt.NO_SEATS
    said: set[Doubt] = set()
    for batch in batches:
        said.update(_window_doubts(programme, batch, calendar, is_draft, now))
        outside = session.exec(
            select(ClassSession.id).where(
                ClassSession.batch_id == batch.id,
                sa.or_(
                    col(ClassSession.starts_at) < batch.starts_at,
                    col(ClassSession.ends_at) > batch.ends_at,
                ),
            )
        ).first()
        if outside is not None:
            said.add(Doubt.OUTSIDE_MEETING)
    yield from (warning for warning in Doubt if warning in said)


def _window_doubts(
    programme: Programme, batch: Batch, calendar: WorkCalendar, is_draft: bool, now: datetime
) -> Iterable[Doubt]:
    closes = closes_at(batch.reg_close, batch.starts_at)
    obligation = batch.starts_at
    if programme.enrolment in SELF_REGISTERED:
        obligation = min(obligation, closes)
        opens = max(batch.reg_open or now, now)
        if batch.reg_open is not None and batch.reg_open >= closes:
            yield Doubt.WINDOW_REVERSED
        elif closes <= now:
            yield Doubt.CLOSED_BEFORE
        elif (
            calendar.workdays_between(
                local_day(opens, calendar.zone), local_day(closes, calendar.zone)
            )
            < FEWEST_DAYS
        ):
            yield Doubt.WINDOW_SHORT
        if is_draft and batch.reg_open is not None and batch.reg_open < now - timedelta(days=1):
            yield Doubt.OPENED_BEFORE
        if closes > batch.starts_at:
            yield Doubt.CLOSES_AFTER_START
    if batch.starts_at <= now:
        yield Doubt.STARTED
    elif is_draft and obligation > now:
        first_day = local_day(obligation, calendar.zone)
        if calendar.workdays_between(local_day(now, calendar.zone), first_day) < NOTICE:
            yield Doubt.SHORT_NOTICE
