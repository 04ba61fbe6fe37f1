"""Rehearsal: if this is published now, who receives what and when, and what stands in the way?

The same code as in earnest, on a scratch copy of the database: publishing has its effects, and
the clock jumps from one due moment to the next (``storage.messaging.dry_run``). It is reckoned
as if nobody did anything meanwhile, so it is the most that people can be sent. Of a programme
that is published already it says what is still to come.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage import audit, kinds
from storage.audit import AuditLog
from storage.calendar import workdays
from storage.calendar.workdays import WorkCalendar
from storage.credits.tables import CreditEntry
from storage.deeds import Deed
from storage.messaging import dry_run
from storage.messaging.dry_run import Alike, Message
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Hold,
    InboxUpdate,
    Lease,
    News,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderState,
)
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import (
    Account,
    Draft,
    ImportJob,
    LinkCode,
    OrgUnit,
    Posting,
    Teacher,
)
from storage.refusals import NotFound, Refusal
from storage.scratch import Copied
from storage.training import frictions, publishing, schedule, subjects, waiting
from storage.training.audience import fits
from storage.training.frictions import Doubt, OffDay, Overlap
from storage.training.tables import (
    LIVE,
    Attendance,
    Batch,
    Decision,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Seal,
)

ARCHIVES = (
    *(AuditLog, CreditEntry, Deed, Draft, Hold, ImportJob, InboxUpdate, Lease, LinkCode),
    *(Attendance, Decision, Seal),
)
"""Tables that nothing of what is still to be said depends on, and that grow for ever."""

A_DAY, A_WEEK = 1, 3
"""How often a phone should ring at most, on a day and in a week (domain, reminders 5.2)."""


@dataclass(frozen=True)
class Line:
    """What goes out about the programme on one day: one step of one deadline.

    ``kind`` is a deadline's, with its ``step``, or that of another message, without. ``first``
    is when it reaches the first of these people.
    """

    day: date
    first: datetime
    kind: str
    step: str
    is_alone: bool
    people: int


@dataclass(frozen=True)
class PersonLine:
    """What one person would receive; rings count all messages, ``about`` those of this one."""

    teacher_id: int
    name: str
    unit: str
    rings: int
    about: int
    most_a_day: int
    most_a_week: int
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Rings:
    """How often phones ring from now to the end, with everything else that is on."""

    people: int
    average: float
    most: int
    most_a_day: int
    most_a_week: int
    over: int
    """People who would be rung more often than ``A_DAY`` or ``A_WEEK``."""


@dataclass(frozen=True)
class Unreached:
    """Somebody concerned whom no message reaches."""

    teacher_id: int
    name: str
    unit: str
    has_blocked: bool  # linked once, and does not let us write; else not linked


@dataclass(frozen=True)
class SchoolLine:
    """A school in figures. ``seats`` are its own; None where it has no allotment."""

    unit_id: int
    unit: str
    audience: int
    taking_part: int
    told: int
    unlinked: int
    blocked: int
    seats: int | None


@dataclass(frozen=True)
class Rehearsal:
    """Everything that can be said of a programme before it is published.

    ``audience`` counts those whom it is for, ``concerned`` those whom something would be sent,
    ``taking_part`` those who are in. ``seats`` is None without a limit, ``pool`` what of it is
    open to all schools. ``unseen`` are people whose names the actor may not see.
    """

    batch_id: int
    title: str
    state: ProgrammeState
    made_at: datetime
    until: datetime | None
    audience: int
    concerned: int
    taking_part: int
    seats: int | None
    pool: int
    lines: tuple[Line, ...]
    rings: Rings
    people: tuple[PersonLine, ...]
    unseen: int
    unlinked: int
    blocked: int
    unreached: tuple[Unreached, ...]
    schools: tuple[SchoolLine, ...]
    off_days: tuple[OffDay, ...]
    overlaps: tuple[Overlap, ...]
    doubts: tuple[Doubt, ...]


class NothingToRehearse(Refusal):
    """The programme is over or cancelled: nobody is sent anything any more."""

    def __init__(self, title: str) -> None:
        super().__init__(f"{title} is over")
        self.title = title


def copied(now: datetime) -> Copied:
    """Return what a rehearsal needs a copy of: all that is not an archive."""
    every: dict[type[SQLModel], sa.ColumnElement[bool] | None] = {
        mapper.class_: None
        for mapper in SQLModel._sa_registry.mappers
        if mapper.class_ not in ARCHIVES
    }
    recent = now - timedelta(days=14)
    every[Registration] = col(Registration.batch_id).in_(
        sa.select(col(Batch.id)).where(col(Batch.ends_at) > recent)
    )
    every[News] = col(News.told_at).is_(None)
    every[OutboxMessage] = sa.or_(
        col(OutboxMessage.state).in_([OutboxState.PENDING, OutboxState.SENDING]),
        col(OutboxMessage.created_at) > recent,
        col(OutboxMessage.sent_at) > recent,
    )
    every[Reminder] = sa.or_(
        col(Reminder.state) == ReminderState.DUE,
        col(Reminder.step_id).in_(
            sa.select(col(DeadlineStep.id)).where(col(DeadlineStep.outcome).is_(None))
        ),
    )
    return every


def rehearse(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    now: datetime,
    change: Callable[[Session], object] | None = None,
) -> Rehearsal:
    """Publish the programme of this batch, let the clock run, and say what comes of it.

    Only on a scratch copy (``Database.aside(copied(now), rehearse, …)``). ``change`` is done
    first, such as moving the dates. Raises NotFound, NotAllowed or NothingToRehearse.
    """
    check(session, actor_id, batch_id, now=now)
    if change is not None:
        change(session)
        session.flush()
    programme, batches = _programme(session, batch_id)
    title, state = programme.title, programme.state
    is_draft = state is ProgrammeState.DRAFT
    last = max(batch.ends_at for batch in batches)
    if state not in (ProgrammeState.DRAFT, ProgrammeState.PUBLISHED) or last <= now:
        raise NothingToRehearse(title)
    calendar = workdays.load(session)
    _take_effect(session, programme.id, now=now)
    ids = [batch.id for batch in batches]
    about = _About(session, ids)
    concerned = _concerned(session, about, now)
    accounts = _accounts(session, concerned)
    names = _names(session, concerned, now=now)
    schools = _schools(session, programme, ids, names, accounts, now=now)
    audience = sum(school.audience for school in schools)
    seats, pool = _seats(session, ids)
    off_days = tuple(frictions.off_days(session, programme, batches, calendar))
    overlaps = frictions.overlaps(session, programme, batches, now=now)
    doubts = tuple(
        frictions.doubts(
            session, programme, batches, audience, seats, calendar, is_draft=is_draft, now=now
        )
    )
    seen = _seen(session, actor_id, today=local_day(now, calendar.zone))
    visible = {one for one in concerned if one in names and names[one].unit_id in seen}
    # From here on the clock runs, and the copy is no longer how things are.
    until = _until(session, about)
    reached: tuple[Alike, ...] = ()
    if until is not None:
        reached = dry_run.play(
            session,
            concerned,
            alone=_in_queues(session),
            now=now,
            until=until,
            first=_what_the_clock_does,
        )
    people = _people(reached, about, names, calendar)
    unreached = [one for one in sorted(concerned) if not accounts[one]]
    return Rehearsal(
        batch_id=batch_id,
        title=title,
        state=state,
        made_at=now,
        until=until,
        audience=audience,
        concerned=len(concerned),
        taking_part=sum(school.taking_part for school in schools),
        seats=seats,
        pool=pool,
        lines=_lines(reached, about, calendar),
        rings=_rings(people),
        people=tuple(line for line in people if line.teacher_id in visible),
        unseen=len(concerned - visible),
        unlinked=sum(accounts[one] is None for one in unreached),
        blocked=sum(accounts[one] is False for one in unreached),
        unreached=tuple(
            Unreached(one, names[one].name, names[one].unit, has_blocked=accounts[one] is False)
            for one in unreached
            if one in visible
        ),
        schools=schools,
        off_days=off_days,
        overlaps=overlaps,
        doubts=doubts,
    )


def check(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> None:
    """Raise NotAllowed unless the actor runs the programme of this batch."""
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)


def exported(session: Session, actor_id: int, batch_id: int, *, rows: int, now: datetime) -> None:
    """Note that the actor has taken a rehearsal home as a sheet. Raises NotAllowed."""
    check(session, actor_id, batch_id, now=now)
    audit.record(
        session,
        actor_id,
        "export_rehearsal",
        f"batch:{batch_id}",
        now=now,
        after={"people": rows},
    )


def _take_effect(session: Session, programme_id: int, *, now: datetime) -> None:
    """Do what publishing does; of what is published already nothing changes."""
    programme = session.get_one(Programme, programme_id)
    is_draft = programme.state is ProgrammeState.DRAFT
    programme.state = ProgrammeState.PUBLISHED
    session.flush()
    for batch in session.exec(
        select(Batch)
        .where(Batch.programme_id == programme_id, col(Batch.cancelled_at).is_(None))
        .order_by(col(Batch.id))
    ).all():
        if is_draft:
            publishing.begin(session, programme, batch, now=now)
        else:
            schedule.plan_deadlines(session, batch.id, now=now)


def _what_the_clock_does(session: Session, now: datetime) -> None:
    """What the office does at each tick besides sweeping deadlines."""
    waiting.lapse_due(session, now=now)
    waiting.promote(session, now=now)


def _programme(session: Session, batch_id: int) -> tuple[Programme, list[Batch]]:
    programme = session.exec(
        select(Programme)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    if programme is None:
        raise NotFound("programme")
    batches = session.exec(
        select(Batch).where(Batch.programme_id == programme.id).order_by(col(Batch.no))
    ).all()
    return programme, list(batches)


class _About:
    """Which deadlines and messages are this programme's, also those that come up on the way."""

    def __init__(self, session: Session, batch_ids: Collection[int]) -> None:
        self._session = session
        self.batch_ids = frozenset(batch_ids)
        self._known: dict[tuple[str, int], bool] = {}

    def deadlines(self) -> list[tuple[int, str, int]]:
        """Its active deadlines: id, kind and subject."""
        rows = self._session.exec(
            select(Deadline.id, Deadline.kind, Deadline.subject_id).where(
                Deadline.state == DeadlineState.ACTIVE
            )
        ).all()
        found = subjects.describe_all(self._session, [(kind, subject) for _, kind, subject in rows])
        self._known |= {pair: subject.batch_id in self.batch_ids for pair, subject in found.items()}
        return [row for row in rows if self._known.get((row[1], row[2]), False)]

    def has(self, kind: str, subject_id: int) -> bool:
        """Whether this deadline is the programme's."""
        if (kind, subject_id) not in self._known:
            found = subjects.describe_all(self._session, [(kind, subject_id)])
            subject = found.get((kind, subject_id))
            self._known[kind, subject_id] = (
                subject is not None and subject.batch_id in self.batch_ids
            )
        return self._known[kind, subject_id]

    def tells(self, message: Message) -> bool:
        """Whether the message says anything of the programme."""
        if any(self.has(part.kind, part.subject_id) for part in message.parts):
            return True
        return dict(message.facts).get("batch_id") in self.batch_ids


def _concerned(session: Session, about: _About, now: datetime) -> set[int]:
    """Those who owe any of its deadlines, and those who wait for a seat in it."""
    found: set[int] = set()
    for _, kind, subject_id in about.deadlines():
        found.update(session.exec(kinds.owes(session, kind, subject_id, now=now)).scalars())
    found.update(
        session.exec(
            select(Registration.teacher_id).where(
                col(Registration.batch_id).in_(about.batch_ids),
                col(Registration.state).in_(
                    [RegistrationState.WAITLISTED, RegistrationState.OFFERED]
                ),
            )
        ).all()
    )
    return found


def _in_queues(session: Session) -> list[int]:
    """Those who wait where a seat may come free by the clock alone: nobody fares like them."""
    moves = sa.or_(
        sa.exists().where(
            col(Quota.batch_id) == col(Registration.batch_id), col(Quota.taken) < col(Quota.seats)
        ),
        col(Registration.batch_id).in_(
            sa.select(col(Registration.batch_id)).where(
                col(Registration.state) == RegistrationState.OFFERED
            )
        ),
    )
    return list(
        session.exec(
            select(Registration.teacher_id).where(
                col(Registration.state).in_(
                    [RegistrationState.WAITLISTED, RegistrationState.OFFERED]
                ),
                moves,
            )
        ).all()
    )


def _until(session: Session, about: _About) -> datetime | None:
    """The moment from which nothing is worth saying any more; None if there is nothing."""
    ids = [deadline_id for deadline_id, _, _ in about.deadlines()]
    return session.exec(
        select(func.max(DeadlineStep.useful_until)).where(
            col(DeadlineStep.deadline_id).in_(ids),
            sa.or_(
                col(DeadlineStep.outcome).is_(None),
                sa.exists().where(
                    col(Reminder.step_id) == col(DeadlineStep.id),
                    col(Reminder.state) == ReminderState.DUE,
                ),
            ),
        )
    ).one()


def _lines(reached: Iterable[Alike], about: _About, calendar: WorkCalendar) -> tuple[Line, ...]:
    people: Counter[tuple[date, str, str, bool]] = Counter()
    first: dict[tuple[date, str, str, bool], datetime] = {}
    for alike in reached:
        for message in alike.messages:
            if not about.tells(message):
                continue
            day = local_day(message.at, calendar.zone)
            parts = {
                (part.kind, part.step)
                for part in message.parts
                if about.has(part.kind, part.subject_id)
            }
            for kind, step in parts or {(message.kind, "")}:
                key = (day, kind, step, message.is_alone)
                people[key] += len(alike.teachers)
                first[key] = min(first.get(key, message.at), message.at)
    lines = [Line(key[0], first[key], *key[1:], number) for key, number in people.items()]
    return tuple(sorted(lines, key=lambda line: (line.day, line.first, line.kind, line.step)))


def _people(
    reached: Iterable[Alike], about: _About, names: dict[int, _Person], calendar: WorkCalendar
) -> list[PersonLine]:
    lines = []
    for alike in reached:
        days = [local_day(message.at, calendar.zone) for message in alike.messages]
        weeks = [day - timedelta(days=day.weekday()) for day in days]
        told = sum(about.tells(message) for message in alike.messages)
        lines += [
            PersonLine(
                teacher_id=one,
                name=names.get(one, _NOBODY).name,
                unit=names.get(one, _NOBODY).unit,
                rings=len(days),
                about=told,
                most_a_day=max(Counter(days).values(), default=0),
                most_a_week=max(Counter(weeks).values(), default=0),
                messages=alike.messages,
            )
            for one in alike.teachers
        ]
    return sorted(lines, key=lambda line: (line.unit, line.name, line.teacher_id))


def _rings(people: Collection[PersonLine]) -> Rings:
    return Rings(
        people=sum(line.rings > 0 for line in people),
        average=sum(line.rings for line in people) / len(people) if people else 0.0,
        most=max((line.rings for line in people), default=0),
        most_a_day=max((line.most_a_day for line in people), default=0),
        most_a_week=max((line.most_a_week for line in people), default=0),
        over=sum(line.most_a_day > A_DAY or line.most_a_week > A_WEEK for line in people),
    )


def _postings(session: Session, now: datetime) -> Any:
    """Select teacher and unit: of each the primary posting of today."""
    today = local_day(now, offices.zone(session))
    return (
        sa.select(
            col(Posting.teacher_id).label("teacher_id"),
            func.min(col(Posting.unit_id)).label("unit_id"),
        )
        .where(
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        )
        .group_by(col(Posting.teacher_id))
        .subquery()
    )


@dataclass(frozen=True)
class _Person:
    name: str
    unit: str
    unit_id: int


_NOBODY = _Person("", "", 0)  # somebody without a posting


def _names(session: Session, people: Collection[int], *, now: datetime) -> dict[int, _Person]:
    """Name and school of each who has a posting."""
    posting = _postings(session, now)
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Teacher.id), col(Teacher.name), col(OrgUnit.name).label("unit"), posting.c.unit_id
        )
        .join(posting, posting.c.teacher_id == col(Teacher.id))
        .join(OrgUnit, col(OrgUnit.id) == posting.c.unit_id)
    ).all()
    return {row[0]: _Person(*row[1:]) for row in rows if row[0] in people}


def _accounts(session: Session, people: Collection[int]) -> dict[int, bool | None]:
    """Of each whether messages reach them, as it really is; None for who has no account."""
    reach = dict(
        session.exec(
            select(Account.teacher_id, Account.reachable).where(
                col(Account.teacher_id).is_not(None)
            )
        ).all()
    )
    return {teacher_id: reach.get(teacher_id) for teacher_id in people}


def _seen(session: Session, actor_id: int, *, today: date) -> set[int]:
    """The units whose people the actor may see by name."""
    where = authority.reaches(session, actor_id, Act.SEE_PEOPLE, today=today)
    return set(session.exec(where).scalars())


def _schools(
    session: Session,
    programme: Programme,
    batch_ids: Collection[int],
    names: dict[int, _Person],
    accounts: dict[int, bool | None],
    *,
    now: datetime,
) -> tuple[SchoolLine, ...]:
    posting = _postings(session, now)
    audience: dict[int, int] = dict(
        session.exec(
            sa.select(posting.c.unit_id, func.count())  # type: ignore[call-overload]
            .select_from(Teacher)
            .join(posting, posting.c.teacher_id == col(Teacher.id))
            .where(fits(programme))
            .group_by(posting.c.unit_id)
        ).all()
    )
    taking_part: dict[int, int] = dict(
        session.exec(
            select(Registration.unit_id_at, func.count())
            .where(
                col(Registration.batch_id).in_(batch_ids),
                col(Registration.state).in_(LIVE),
            )
            .group_by(col(Registration.unit_id_at))
        ).all()
    )
    own: dict[int, int] = dict(
        session.exec(
            select(Quota.unit_id, func.sum(Quota.seats))
            .where(col(Quota.batch_id).in_(batch_ids), col(Quota.is_pool).is_(False))
            .group_by(col(Quota.unit_id))
        ).all()
    )
    reach: dict[int, Counter[bool | None]] = defaultdict(Counter)
    for teacher_id, person in names.items():
        reach[person.unit_id][accounts[teacher_id]] += 1
    ids = audience.keys() | taking_part.keys() | own.keys() | reach.keys()
    units: dict[int, str] = dict(
        session.exec(select(OrgUnit.id, OrgUnit.name).where(col(OrgUnit.id).in_(ids))).all()
    )
    return tuple(
        SchoolLine(
            unit_id=unit_id,
            unit=units[unit_id],
            audience=audience.get(unit_id, 0),
            taking_part=taking_part.get(unit_id, 0),
            told=reach[unit_id][True],
            unlinked=reach[unit_id][None],
            blocked=reach[unit_id][False],
            seats=int(own[unit_id]) if unit_id in own else None,
        )
        for unit_id in sorted(ids, key=lambda one: (units[one], one))
    )


def _seats(session: Session, batch_ids: Collection[int]) -> tuple[int | None, int]:
    """All seats, None without a limit; and those of them that are open to all schools."""
    total, pool = session.exec(
        select(
            func.sum(Quota.seats),
            func.sum(sa.case((col(Quota.is_pool), col(Quota.seats)), else_=0)),
        ).where(col(Quota.batch_id).in_(batch_ids))
    ).one()
    return (None, 0) if total is None else (int(total), int(pool or 0))
