"""名额分配: seats handed out to schools, with a preview, and taken back for a while.

What schools and the pool hold together is the capacity of a class, apart from what somebody
allowed beyond it on purpose (``Quota.over_allowed``). Handing out moves seats between the pool
and the schools and changes the capacity never; only ``set_capacity`` does. So the allotments
cannot grow past the capacity by mistake (domain, model 2.11 no. 1), and no allotment falls
below what is taken of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.messaging import deadlines, outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import offices, roles, units
from storage.people.tables import OrgUnit, Posting, Role, Teacher, UnitKind
from storage.refusals import NotFound, Refusal
from storage.sheets import Book, find_table, plain
from storage.training import reserves, schedule, seats, waiting
from storage.training.audience import fits
from storage.training.classes import run_by
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    SEATED,
    Batch,
    Enrolment,
    OfferState,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)

DEED = "allot"
MOST = 100_000  # seats of a class
QUEUE = 30  # people of the queue that a card shows

HEADERS = {
    "school": ("学校", "单位", "学校名称", "單位", "學校", "school", "unit"),
    "seats": ("名额", "名額", "名额数", "人数", "人數", "seats", "quota", "places"),
    "reserved": ("预留", "預留", "保留", "预留名额", "預留名額", "reserved"),
}
"""Headers by which a dropped table of allotments is known."""

_WORDS = {
    "乡村": reserves.RURAL,
    "鄉村": reserves.RURAL,
    "农村": reserves.RURAL,
    "農村": reserves.RURAL,
    "rural": reserves.RURAL,
    "乡镇": reserves.RURAL_TOWN,
    "鄉鎮": reserves.RURAL_TOWN,
    "镇村": reserves.RURAL_TOWN,
    "town": reserves.RURAL_TOWN,
    "青年": reserves.YOUNG,
    "young": reserves.YOUNG,
    "学科": reserves.SUBJECT,
    "學科": reserves.SUBJECT,
    "subject": reserves.SUBJECT,
}


class Way(StrEnum):
    """How seats are shared out among the schools."""

    EQUAL = "equal"
    BY_TEACHERS = "by_teachers"


class NoCapacity(Refusal):
    """The class has no limit of seats, so there is nothing to hand out."""

    def __init__(self, title: str) -> None:
        super().__init__(f"{title!r} has no limit of seats")
        self.title = title


class ReportedTooLate(Refusal):
    """The list is reported before the class begins."""

    def __init__(self, starts_at: datetime) -> None:
        super().__init__(f"the class begins at {starts_at}")
        self.starts_at = starts_at


class TooManySeats(Refusal):
    """More than the capacity; ``over`` seats would have to be allowed beyond it."""

    def __init__(self, title: str, capacity: int, over: int) -> None:
        super().__init__(f"{over} over the {capacity} seats of {title!r}")
        self.title = title
        self.capacity = capacity
        self.over = over


class SeatsTaken(Refusal):
    """So many of these seats are taken already; empty for the class as a whole."""

    def __init__(self, school: str, taken: int, wanted: int) -> None:
        super().__init__(f"{wanted} seats for {school!r}, and {taken} are taken")
        self.school = school
        self.taken = taken
        self.wanted = wanted


class TooManyReserved(Refusal):
    """More reserved seats than the school has seats, or than are left for them."""

    def __init__(self, school: str, seats: int, reserved: int) -> None:
        super().__init__(f"{reserved} of {seats} seats reserved for {school!r}")
        self.school = school
        self.seats = seats
        self.reserved = reserved


class UnknownReserve(Refusal):
    """No such reserve, or the programme has no list of subjects for it."""

    def __init__(self, word: str) -> None:
        super().__init__(f"no reserve {word!r}")
        self.word = word


@dataclass(frozen=True)
class SchoolSeats:
    """One school's seats in a class; ``people`` of it are in the audience."""

    unit_id: int
    name: str
    people: int
    seats: int
    taken: int
    over: int
    reserved: Mapping[str, int]
    unfilled: int  # reserved seats that nobody fills yet
    waiting: int


@dataclass(frozen=True)
class QueueLine:
    """Somebody who waits, or holds an offer until ``lapses_at``."""

    name: str
    school: str
    lapses_at: datetime | None


@dataclass(frozen=True)
class Board:
    """The seats of a class. Without a limit ``capacity`` is None and there are no schools.

    ``seated`` hold a seat or, in a class without a limit, simply take part.
    """

    batch_id: int
    title: str
    enrolment: Enrolment
    capacity: int | None
    pool_seats: int
    pool_taken: int
    schools: tuple[SchoolSeats, ...]
    release_at: datetime | None
    roster_date: datetime | None
    seated: int
    waiting: int
    offered: int
    minimum: int | None
    thin_at: datetime | None
    second_close: datetime | None
    is_thin_settled: bool
    starts_at: datetime

    @property
    def over(self) -> int:
        """How many seats were allowed beyond the capacity."""
        return sum(school.over for school in self.schools)


@dataclass(frozen=True)
class Row:
    """One school in a plan."""

    unit_id: int
    name: str
    people: int
    before: int
    after: int
    taken: int


@dataclass(frozen=True)
class Plan:
    """What handing out would come to. ``over`` seats would lie beyond the capacity."""

    batch_id: int
    title: str
    capacity: int
    rows: tuple[Row, ...]
    pool_before: int
    pool_after: int
    over: int
    reserved: Mapping[int, Mapping[str, int]] = field(default_factory=dict)

    @property
    def changed(self) -> tuple[Row, ...]:
        """The schools whose seats would change."""
        return tuple(row for row in self.rows if row.before != row.after)

    @property
    def lines(self) -> dict[int, int]:
        """The seats of each school, for ``allot``."""
        return {row.unit_id: row.after for row in self.rows}


@dataclass(frozen=True)
class Typed:
    """What was read from typed lines or a table: seats and reserves by school, and the rest."""

    seats: dict[int, int]
    reserved: dict[int, dict[str, int]]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Allotted:
    """What handing out came to; ``deed_id`` is None when nothing changed."""

    deed_id: int | None
    changed: int
    offers: int


def shares(
    total: int, weights: Sequence[int], floors: Sequence[int], caps: Sequence[int]
) -> list[int]:
    """Share a total by the weights, the largest remainder first, between floors and caps.

    The sum is the total, unless the caps hold less or the floors more. At equal remainders the
    larger weight goes first, then the earlier.
    """
    made = list(floors)
    open_ = [n for n, weight in enumerate(weights) if weight > 0 and caps[n] > floors[n]]
    left = total - sum(floors[n] for n in range(len(floors)) if n not in open_)
    while open_:
        whole = sum(weights[n] for n in open_)
        due = {n: Fraction(left * weights[n], whole) for n in open_}
        bound = {n: min(max(due[n], Fraction(floors[n])), Fraction(caps[n])) for n in open_}
        # What the floors need is taken from the others, or what the caps leave goes to them,
        # whichever is more: whoever is at that bound stays there.
        surplus = left - sum(bound.values())
        if surplus < 0:
            stay = {n: floors[n] for n in open_ if due[n] < floors[n]}
        elif surplus > 0:
            stay = {n: caps[n] for n in open_ if due[n] > caps[n]}
        else:
            for n in open_:
                made[n] = int(bound[n])
            rest = left - sum(made[n] for n in open_)
            by_remainder = sorted(open_, key=lambda n: (made[n] - bound[n], -weights[n], n))
            for n in by_remainder[:rest]:
                made[n] += 1
            break
        for n, number in stay.items():
            made[n] = number
            left -= number
            open_.remove(n)
    return made


def board(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Board:
    """Return how the seats stand, for whoever runs the class. Raises NotFound, NotAllowed."""
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    quotas = _quotas(session, batch_id)
    rows = _rows(session, batch, programme, quotas)
    waits: dict[int, int] = dict(
        session.exec(
            select(Registration.unit_id_at, sa.func.count())
            .where(
                Registration.batch_id == batch_id,
                Registration.state == RegistrationState.WAITLISTED,
            )
            .group_by(col(Registration.unit_id_at))
        ).all()
    )
    by_unit = {quota.unit_id: quota for quota in quotas if not quota.is_pool}
    pool = next((quota for quota in quotas if quota.is_pool), None)
    schools = []
    for row in rows:
        quota = by_unit.get(row.unit_id)
        if quota is None:
            continue
        schools.append(
            SchoolSeats(
                unit_id=row.unit_id,
                name=row.name,
                people=row.people,
                seats=quota.seats,
                taken=quota.taken,
                over=quota.over_allowed,
                reserved=dict(quota.reserved),
                unfilled=_unfilled(session, quota),
                waiting=waits.get(row.unit_id, 0),
            )
        )
    seated, offered = session.exec(
        select(
            sa.func.count(sa.case((col(Registration.state).in_(SEATED), 1))),
            sa.func.count(sa.case((col(Registration.state) == RegistrationState.OFFERED, 1))),
        ).where(Registration.batch_id == batch_id)
    ).one()
    return Board(
        batch_id=batch_id,
        title=programme.title,
        enrolment=programme.enrolment,
        capacity=capacity_of(quotas) if quotas else None,
        pool_seats=pool.seats if pool else 0,
        pool_taken=pool.taken if pool else 0,
        schools=tuple(schools),
        release_at=_release_at(quotas),
        roster_date=batch.roster_date,
        seated=seated,
        waiting=sum(waits.values()),
        offered=offered,
        minimum=batch.minimum,
        thin_at=batch.thin_at,
        second_close=batch.second_close,
        is_thin_settled=batch.thin_settled_at is not None,
        starts_at=batch.starts_at,
    )


def queue(
    session: Session, actor_id: int, batch_id: int, *, now: datetime
) -> tuple[QueueLine, ...]:
    """Return who holds an offer, then who waits, in order; the log keeps that one looked.

    Raises NotFound or NotAllowed.
    """
    run_by(session, actor_id, batch_id, now=now)
    rows = session.exec(
        select(Teacher.name, OrgUnit.name, SeatOffer.lapses_at)
        .select_from(Registration)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .outerjoin(
            SeatOffer,
            sa.and_(
                col(SeatOffer.registration_id) == col(Registration.id),
                col(SeatOffer.state) == OfferState.OPEN,
            ),
        )
        .where(
            Registration.batch_id == batch_id,
            col(Registration.state).in_([RegistrationState.WAITLISTED, RegistrationState.OFFERED]),
        )
        .order_by(
            col(SeatOffer.lapses_at).is_(None),
            col(SeatOffer.lapses_at),
            col(Registration.queued_at),
            col(Registration.id),
        )
        .limit(QUEUE)
    ).all()
    audit.record(session, actor_id, "look_at_queue", f"batch:{batch_id}", now=now)
    session.flush()
    return tuple(QueueLine(*row) for row in rows)


def propose(
    session: Session, actor_id: int, batch_id: int, way: Way, *, keep: int = 0, now: datetime
) -> Plan:
    """Share all seats but ``keep`` out among the schools that have anybody in the audience.

    No school gets more than it has people in the audience, or less than is taken already.
    Raises NotFound, NotAllowed, ProgrammeCancelled, NoCapacity or SeatsTaken.
    """
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    quotas = _limited(session, batch, programme)
    rows = _rows(session, batch, programme, quotas)
    capacity = capacity_of(quotas)
    pool_taken = next((quota.taken for quota in quotas if quota.is_pool), 0)
    weights = [(1 if way is Way.EQUAL else row.people) if row.people else 0 for row in rows]
    caps = [max(row.people, row.taken) for row in rows]
    total = max(0, capacity - max(keep, pool_taken))
    floors = [row.taken for row in rows]
    if sum(floors) > total:
        raise SeatsTaken("", sum(floors) + pool_taken, total)
    made = shares(total, weights, floors, caps)
    lines = {row.unit_id: number for row, number in zip(rows, made, strict=True)}
    return _plan(batch, programme, quotas, rows, lines, {})


def plan(
    session: Session,
    actor_id: int,
    batch_id: int,
    lines: Mapping[int, int],
    *,
    reserved: Mapping[int, Mapping[str, int]] | None = None,
    now: datetime,
) -> Plan:
    """Return what it would come to if these schools had so many seats and the others as now.

    Raises NotFound, NotAllowed, ProgrammeCancelled, NoCapacity, SeatsTaken, TooManyReserved or
    UnknownReserve; that it goes over the capacity is said by the plan.
    """
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    quotas = _limited(session, batch, programme)
    rows = _rows(session, batch, programme, quotas)
    kept = {unit_id: dict(kinds) for unit_id, kinds in (reserved or {}).items()}
    made = _plan(batch, programme, quotas, rows, lines, kept)
    _check(session, programme, quotas, made)
    return made


def allot(
    session: Session,
    actor_id: int,
    batch_id: int,
    lines: Mapping[int, int],
    *,
    reserved: Mapping[int, Mapping[str, int]] | None = None,
    over: int = 0,
    now: datetime,
) -> Allotted:
    """Give these schools so many seats; the others keep theirs and the pool has the rest.

    ``over`` seats may lie beyond the capacity. Who waits is offered what became free for them;
    the schools' coordinators are told once it cannot be undone any more. Doing it twice changes
    nothing. Raises what ``plan`` raises, and TooManySeats.
    """
    seats.lock(session, batch_id)
    quotas = {(0 if q.is_pool else q.unit_id): q for q in _quotas(session, batch_id, lock=True)}
    made = plan(session, actor_id, batch_id, lines, reserved=reserved, now=now)
    if made.over > over:
        raise TooManySeats(made.title, made.capacity, made.over)
    before = {str(unit_id): _kept(quota) for unit_id, quota in quotas.items()}
    release_at = _release_at(list(quotas.values()))
    beyond = made.over
    for row in made.rows:
        quota = quotas.get(row.unit_id)
        kinds = made.reserved.get(row.unit_id)
        if quota is None:
            if not row.after and not kinds:
                continue
            quota = Quota(batch_id=batch_id, unit_id=row.unit_id, seats=0, release_at=release_at)
            session.add(quota)
            quotas[row.unit_id] = quota
        quota.over_allowed = min(quota.over_allowed, row.after)
        if kinds is not None:
            quota.reserved = {key: number for key, number in sorted(kinds.items()) if number}
        grown = row.after - quota.seats
        quota.seats = row.after
        if grown > 0 and beyond > 0:
            more = min(grown, beyond)
            quota.over_allowed += more
            beyond -= more
    pool = _pool(session, quotas, made, batch_id)
    pool.seats = made.pool_after
    session.flush()
    after = {str(unit_id): _kept(quota) for unit_id, quota in quotas.items()}
    changed = {unit_id for unit_id in after if after[unit_id] != before.get(unit_id)}
    if not changed:
        return Allotted(None, 0, 0)
    data: dict[str, Any] = {
        "batch_id": batch_id,
        "before": {unit_id: before.get(unit_id) for unit_id in changed},
        "after": {unit_id: after[unit_id] for unit_id in changed},
    }
    deed_id = deeds.done(session, DEED, actor_id, data, now=now)
    audit.record(
        session,
        actor_id,
        "allot_seats",
        f"batch:{batch_id}",
        now=now,
        before=data["before"],
        after=data["after"],
    )
    _plan_deadlines(session, batch_id, now=now)
    _tell_schools(session, batch_id, deed_id, sorted(changed), now=now)
    offers = waiting.offer_next(session, batch_id, now=now)
    session.flush()
    return Allotted(deed_id, len(changed - {"0"}), len(offers))


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put the allotments back as they were. Raises ChangedSince when seats were taken since."""
    batch_id = int(deed.data["batch_id"])
    run_by(session, deed.actor_id, batch_id, now=now)
    seats.lock(session, batch_id)
    quotas = {(0 if q.is_pool else q.unit_id): q for q in _quotas(session, batch_id, lock=True)}
    none: dict[str, Any] = {"seats": 0, "over": 0, "reserved": {}}
    for unit_id, after in deed.data["after"].items():
        quota = quotas.get(int(unit_id))
        was = deed.data["before"][unit_id] or none
        if quota is None or _kept(quota) != after or quota.taken > int(was["seats"]):
            raise ChangedSince("seats")
    for unit_id in deed.data["after"]:
        quota, was = quotas[int(unit_id)], deed.data["before"][unit_id] or none
        quota.seats, quota.over_allowed = int(was["seats"]), int(was["over"])
        quota.reserved = dict(was["reserved"])
    session.flush()
    _plan_deadlines(session, batch_id, now=now)
    waiting.offer_next(session, batch_id, now=now)


def set_capacity(
    session: Session, actor_id: int, batch_id: int, capacity: int, *, now: datetime
) -> None:
    """Set how many seats the class has; what schools do not have is the pool's.

    In a class that had no limit, whoever is in keeps the seat. Raises NotFound, NotAllowed,
    ProgrammeCancelled or SeatsTaken.
    """
    seats.lock(session, batch_id, alone=True)
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    _takes_place(batch, programme)
    quotas = _quotas(session, batch_id, lock=True)
    schools = sum(quota.seats - quota.over_allowed for quota in quotas if not quota.is_pool)
    pool = next((quota for quota in quotas if quota.is_pool), None)
    before = capacity_of(quotas) if quotas else None
    if before == capacity:
        return
    if pool is None:
        unseated = (
            col(Registration.batch_id) == batch_id,
            col(Registration.state).in_(SEATED),
            col(Registration.quota_id).is_(None),
        )
        taken = session.exec(
            select(sa.func.count()).select_from(Registration).where(*unseated)
        ).one()
    else:
        taken = pool.taken
    if capacity < schools + taken or capacity > MOST:
        raise SeatsTaken("", schools + taken, capacity)
    if pool is None:
        pool = Quota(
            batch_id=batch_id,
            unit_id=programme.owner_unit_id,
            seats=capacity - schools,
            taken=taken,
            is_pool=True,
        )
        session.add(pool)
        session.flush()
        session.exec(sa.update(Registration).where(*unseated).values(quota_id=pool.id))
    else:
        pool.seats = capacity - schools
    batch.revision += 1
    session.flush()
    audit.record(
        session,
        actor_id,
        "set_capacity",
        f"batch:{batch_id}",
        now=now,
        before={"seats": before},
        after={"seats": capacity},
    )
    waiting.offer_next(session, batch_id, now=now)
    session.flush()


def set_release(
    session: Session, actor_id: int, batch_id: int, release_at: datetime | None, *, now: datetime
) -> None:
    """Set when unused seats of the schools go to everybody; None is never.

    The coordinators of schools that still have some are reminded the working day before.
    Raises NotFound, NotAllowed or ProgrammeCancelled.
    """
    seats.lock(session, batch_id)
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    _takes_place(batch, programme)
    quotas = [quota for quota in _quotas(session, batch_id) if not quota.is_pool]
    before = _release_at(quotas)
    if all(quota.release_at == release_at for quota in quotas):
        return
    for quota in quotas:
        quota.release_at = release_at
    session.flush()
    audit.record(
        session,
        actor_id,
        "set_release",
        f"batch:{batch_id}",
        now=now,
        before={"release_at": before and before.isoformat()},
        after={"release_at": release_at and release_at.isoformat()},
    )
    plan_release(session, batch_id, now=now)
    if release_at is not None and release_at <= now:
        waiting.offer_next(session, batch_id, now=now)
    session.flush()


def set_roster_date(
    session: Session, actor_id: int, batch_id: int, roster_date: datetime | None, *, now: datetime
) -> None:
    """Set when the list is reported, after which only the organiser replaces people.

    Its deadline follows. None is with the start of the class. Raises NotFound, NotAllowed,
    ProgrammeCancelled or ReportedTooLate.
    """
    seats.lock(session, batch_id)
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    _takes_place(batch, programme)
    if roster_date is not None and roster_date > batch.starts_at:
        raise ReportedTooLate(batch.starts_at)
    before = batch.roster_date
    if before == roster_date:
        return
    batch.roster_date = roster_date
    batch.revision += 1
    audit.record(
        session,
        actor_id,
        "set_roster_date",
        f"batch:{batch_id}",
        now=now,
        before={"roster_date": before and before.isoformat()},
        after={"roster_date": roster_date and roster_date.isoformat()},
    )
    session.flush()
    schedule.plan_deadlines(session, batch_id, now=now)


def _plan_deadlines(session: Session, batch_id: int, *, now: datetime) -> None:
    """Let what follows from the allotments be reminded of, and nothing else of them."""
    plan_release(session, batch_id, now=now)
    schedule.plan_deadlines(session, batch_id, now=now)


def plan_release(session: Session, batch_id: int, *, now: datetime) -> None:
    """Set, move or cancel the deadline of the release, so that it is that of the allotments."""
    release_at = _release_at([quota for quota in _quotas(session, batch_id) if quota.seats])
    if release_at is None or release_at <= now:
        deadlines.cancel_deadline(session, "release", batch_id, now=now)
    else:
        deadlines.set_deadline(session, "release", batch_id, release_at, now=now)


def typed(session: Session, actor_id: int, batch_id: int, text: str, *, now: datetime) -> Typed:
    """Read lines such as ``实验小学 3 乡村1 青年1``: a school, its seats, its reserves.

    A school is known by its name, its short name, its code, or a part of the name that only
    one has. What is not understood comes back as it was written. Raises NotFound, NotAllowed.
    """
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    rows = _rows(session, batch, programme, _quotas(session, batch_id))
    names: dict[str, int] = {}
    for school, *known in session.exec(
        select(OrgUnit.id, OrgUnit.name, OrgUnit.short_name, OrgUnit.code).where(
            col(OrgUnit.id).in_([row.unit_id for row in rows])
        )
    ).all():
        names.update({_plain(str(name)): school for name in known if name})
    seats_of: dict[int, int] = {}
    reserved: dict[int, dict[str, int]] = {}
    unknown = []
    for line in re.split(r"[\n;；]+", text):
        said = unicodedata.normalize("NFKC", line).strip()
        if not said:
            continue
        match = re.fullmatch(r"(.+?)[\s:,、]+(\d{1,5})\s*[个個名人]?(?:[\s:,、]+(.*))?", said)
        match = match or re.fullmatch(r"(.*\D)(\d{1,5})\s*[个個名人]?()", said)
        unit_id = _school(names, match.group(1)) if match else None
        kinds = _kinds(match.group(3) or "") if match else None
        if match is None or unit_id is None or kinds is None or unit_id in seats_of:
            unknown.append(line.strip())
            continue
        seats_of[unit_id] = int(match.group(2))
        if kinds:
            reserved[unit_id] = kinds
    return Typed(seats_of, reserved, tuple(unknown))


def is_table(book: Book) -> bool:
    """Whether this is a table of schools and their seats."""
    return find_table(book, HEADERS, ("school", "seats")) is not None


def lines_of(book: Book) -> str:
    """A table of allotments as the lines that ``typed`` reads."""
    table = find_table(book, HEADERS, ("school", "seats"))
    if table is None:
        return ""
    return "\n".join(
        " ".join(
            part
            for part in (
                plain(line.values["school"]),
                plain(line.values["seats"]) or "?",
                plain(line.values.get("reserved", "")),
            )
            if part
        )
        for line in table.lines
        if line.values["school"]
    )


def capacity_of(quotas: Sequence[Quota]) -> int:
    """What schools and the pool hold together, without what lies beyond it on purpose."""
    return sum(quota.seats - quota.over_allowed for quota in quotas)


def _takes_place(batch: Batch, programme: Programme) -> None:
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)


def _limited(session: Session, batch: Batch, programme: Programme) -> list[Quota]:
    _takes_place(batch, programme)
    quotas = _quotas(session, batch.id)
    if not quotas:
        raise NoCapacity(programme.title)
    return quotas


def _quotas(session: Session, batch_id: int, *, lock: bool = False) -> list[Quota]:
    """The allotments as they are now; with ``lock`` nobody takes a seat until this is over."""
    found = (
        select(Quota)
        .where(Quota.batch_id == batch_id)
        .order_by(col(Quota.id))
        .execution_options(populate_existing=True)
    )
    return list(session.exec(found.with_for_update() if lock else found).all())


def _release_at(quotas: Sequence[Quota]) -> datetime | None:
    moments = [q.release_at for q in quotas if not q.is_pool and q.release_at is not None]
    return min(moments, default=None)


def _kept(quota: Quota) -> dict[str, Any]:
    return {"seats": quota.seats, "over": quota.over_allowed, "reserved": dict(quota.reserved)}


def _unfilled(session: Session, quota: Quota) -> int:
    if not quota.reserved:
        return 0
    holders = reserves.holders_of(session, quota.id)
    kinds = reserves.kinds_of(session, quota.batch_id, holders, quota.reserved)
    return reserves.unmet(quota.reserved, [kinds[one] for one in holders])


def _rows(
    session: Session, batch: Batch, programme: Programme, quotas: Sequence[Quota]
) -> list[Row]:
    """Every school that may get seats, with the people whom the programme is for.

    A school that organises the class itself is none of them: its seats are the open pool.
    """
    day = local_day(batch.starts_at, offices.zone(session))
    held = {quota.unit_id: quota for quota in quotas if not quota.is_pool}
    people = (
        sa.select(col(Posting.unit_id), sa.func.count(sa.distinct(col(Teacher.id))).label("n"))
        .join(Teacher, col(Teacher.id) == col(Posting.teacher_id))
        .where(
            fits(programme),
            col(Posting.is_primary),
            col(Posting.since) <= day,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= day),
        )
        .group_by(col(Posting.unit_id))
        .subquery()
    )
    below = _schools_of(session, programme.owner_unit_id)
    rows: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(OrgUnit.id), col(OrgUnit.name), sa.func.coalesce(people.c.n, 0)
        )
        .outerjoin(people, people.c.unit_id == col(OrgUnit.id))
        .where(
            sa.or_(
                sa.and_(
                    col(OrgUnit.id).in_(below),
                    col(OrgUnit.active),
                    col(OrgUnit.id) != programme.owner_unit_id,
                ),
                col(OrgUnit.id).in_(held),
            )
        )
        .order_by(col(OrgUnit.code), col(OrgUnit.id))
    ).all()
    return [
        Row(
            unit_id,
            name,
            number,
            held[unit_id].seats if unit_id in held else 0,
            held[unit_id].seats if unit_id in held else 0,
            held[unit_id].taken if unit_id in held else 0,
        )
        for unit_id, name, number in rows
        if number or unit_id in held
    ]


def _schools_of(session: Session, owner_id: int) -> Any:
    """Select the schools under the organiser: below it, its members, or for an office that has
    none of its own, such as a teacher development centre, those of the unit above it."""
    for root in (owner_id, _parent(session, owner_id)):
        if root is None:
            continue
        found = sa.select(col(OrgUnit.id)).where(
            col(OrgUnit.id).in_(units.below([root])), col(OrgUnit.kind) == UnitKind.SCHOOL
        )
        if session.connection().execute(found.limit(1)).first() is not None:
            return found
    return sa.select(col(OrgUnit.id)).where(sa.false())


def _parent(session: Session, unit_id: int) -> int | None:
    return session.exec(select(OrgUnit.parent_id).where(OrgUnit.id == unit_id)).first()


def _plan(
    batch: Batch,
    programme: Programme,
    quotas: Sequence[Quota],
    rows: Sequence[Row],
    lines: Mapping[int, int],
    reserved: Mapping[int, Mapping[str, int]],
) -> Plan:
    known = {row.unit_id for row in rows}
    if not known >= set(lines) | set(reserved):
        raise NotFound("school")
    made = []
    for row in rows:
        after = lines.get(row.unit_id, row.before)
        if not 0 <= after <= MOST or after < row.taken:
            raise SeatsTaken(row.name, row.taken, after)
        made.append(Row(row.unit_id, row.name, row.people, row.before, after, row.taken))
    capacity = capacity_of(quotas)
    pool = next((quota for quota in quotas if quota.is_pool), None)
    pool_taken = pool.taken if pool else 0
    # What was allowed beyond the capacity before stays allowed as long as the school keeps it.
    over_now = {quota.unit_id: quota.over_allowed for quota in quotas}
    within = sum(row.after - min(over_now.get(row.unit_id, 0), row.after) for row in made)
    pool_after = capacity - within
    return Plan(
        batch_id=batch.id,
        title=programme.title,
        capacity=capacity,
        rows=tuple(made),
        pool_before=pool.seats if pool else 0,
        pool_after=max(pool_taken, pool_after),
        over=max(0, pool_taken - pool_after),
        reserved=reserved,
    )


def _check(session: Session, programme: Programme, quotas: Sequence[Quota], made: Plan) -> None:
    """Raise the refusal that fits when the reserves of a plan cannot be."""
    held = {quota.unit_id: quota for quota in quotas if not quota.is_pool}
    for row in made.rows:
        quota = held.get(row.unit_id)
        kinds = made.reserved.get(row.unit_id)
        if kinds is None:
            kinds = quota.reserved if quota is not None else {}
            if row.after == row.before:
                continue
        for key in kinds:
            if not reserves.is_known(key) or (
                key == reserves.SUBJECT and not programme.audience.get("subject")
            ):
                raise UnknownReserve(key)
        holders = reserves.holders_of(session, quota.id) if quota is not None else ()
        fills = reserves.kinds_of(session, made.batch_id, holders, kinds)
        open_ = reserves.unmet(kinds, [fills[one] for one in holders])
        if sum(kinds.values()) > row.after or open_ > row.after - len(holders):
            raise TooManyReserved(row.name, row.after, sum(kinds.values()))


def _pool(session: Session, quotas: Mapping[int, Quota], made: Plan, batch_id: int) -> Quota:
    """The open pool's row, made where there is none."""
    pool = quotas.get(0)
    if pool is None:
        owner = session.exec(
            select(Programme.owner_unit_id)
            .join(Batch, col(Batch.programme_id) == col(Programme.id))
            .where(Batch.id == batch_id)
        ).one()
        pool = Quota(batch_id=batch_id, unit_id=owner, seats=made.pool_after, is_pool=True)
        session.add(pool)
    return pool


def _tell_schools(
    session: Session, batch_id: int, deed_id: int, changed: Sequence[str], *, now: datetime
) -> None:
    """Tell the coordinators of these schools, once it cannot be undone any more."""
    today = local_day(now, offices.zone(session))
    for unit_id in changed:
        for coordinator in roles.holders(
            session, Role.SCHOOL_COORDINATOR, int(unit_id), today=today
        ):
            outbox.put(
                session,
                "allotted",
                teacher_id=coordinator,
                facts={"batch_id": batch_id, "unit_id": int(unit_id), "deed_id": deed_id},
                priority=Priority.BULK,
                not_before=now + deeds.MINUTES,
                dedupe_key=f"allotted:{deed_id}:{unit_id}:{coordinator}",
                now=now,
            )


@dataclass(frozen=True)
class SchoolAllotment:
    """What a school's coordinator is told of its seats."""

    batch_id: int
    title: str
    school: str
    seats: int
    taken: int
    reserved: Mapping[str, int]
    nominate_close: datetime | None
    release_at: datetime | None


def of_school(
    session: Session, batch_id: int, unit_id: int, deed_id: int, *, now: datetime
) -> SchoolAllotment | None:
    """Return the seats of a school as they are now; None when the deed was undone, or it is
    past: what is told must be true when it is read."""
    undone = session.exec(select(Deed.undone_at).where(Deed.id == deed_id)).first()
    row = session.exec(
        select(Quota, Batch, Programme, OrgUnit.name)
        .join(Batch, col(Batch.id) == col(Quota.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Quota.unit_id))
        .where(Quota.batch_id == batch_id, Quota.unit_id == unit_id)
    ).first()
    if undone is not None or row is None:
        return None
    quota, batch, programme, school = row
    if (
        programme.state is not ProgrammeState.PUBLISHED
        or batch.cancelled_at is not None
        or now >= batch.starts_at
    ):
        return None
    return SchoolAllotment(
        batch_id=batch_id,
        title=programme.title,
        school=school,
        seats=quota.seats,
        taken=quota.taken,
        reserved=dict(quota.reserved),
        nominate_close=batch.nominate_close,
        release_at=quota.release_at,
    )


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name)).lower()


def _school(names: Mapping[str, int], said: str) -> int | None:
    name = _plain(said)
    if name in names:
        return names[name]
    found = {unit_id for known, unit_id in names.items() if name and name in known}
    return found.pop() if len(found) == 1 else None


def _kinds(said: str) -> dict[str, int] | None:
    """Reserves such as ``乡村1 青年 1 数学1``; None when something is not understood."""
    kinds: dict[str, int] = {}
    rest = said.strip()
    for word, number in re.findall(r"([^\s\d:,、]+)[\s:]*(\d{1,4})", rest):
        key = _WORDS.get(word.lower(), f"{reserves.OF_SUBJECT}{word}")
        kinds[key] = kinds.get(key, 0) + int(number)
    left = re.sub(r"([^\s\d:,、]+)[\s:]*(\d{1,4})|[\s,、]", "", rest)
    return None if left else kinds
