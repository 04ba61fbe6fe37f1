"""推荐与替换: a school sends its own people to a class, and puts others in their place.

The seat is held from the nomination on. Where the programme asks the teacher first, the
nomination waits for the answer; otherwise the school has decided. The list may change until
the roster date and afterwards only through the county (domain, model 2.10).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit
from storage.messaging import deadlines, outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, drafts, offices
from storage.people.authority import MAY, OVERSEES, Act
from storage.people.tables import OrgUnit, Posting, Teacher, TeacherState
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import audience, eligibility, reserves, seats, waiting
from storage.training.clashes import Clash, clashes
from storage.training.decisions import decide
from storage.training.refusals import Finding, Misfit, ProgrammeCancelled
from storage.training.registration import MAY_REGISTER_AGAIN
from storage.training.tables import (
    LIVE,
    Approval,
    Batch,
    Enrolment,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)
from storage.waiting_for import Waiting

PAGE = 8
MOST = 50  # people nominated at once
LONGEST_REASON = 300
DRAFT = "nominate"

MAY_BE_NOMINATED = (*MAY_REGISTER_AGAIN, RegistrationState.EXEMPT)
"""States of an earlier registration that do not stand in the way of a nomination."""

REPLACEABLE = (
    RegistrationState.NOMINATED,
    RegistrationState.SCHOOL_APPROVED,
    RegistrationState.APPROVED,
)
"""States of somebody in whose place the school may send another person."""


class NominationClosed(Refusal):
    """The time in which schools nominate is over."""

    def __init__(self, title: str, closed_at: datetime) -> None:
        super().__init__(f"nominations for {title!r} closed at {closed_at}")
        self.title = title
        self.closed_at = closed_at


class NotByNomination(Refusal):
    """Teachers come into this programme by another door."""

    def __init__(self, title: str, enrolment: Enrolment) -> None:
        super().__init__(f"{title!r} is entered by {enrolment.value}")
        self.title = title
        self.enrolment = enrolment


class NoSeatLeft(Refusal):
    """The school has no seat left; ``seats`` is its allotment."""

    def __init__(self, title: str, seats: int) -> None:
        super().__init__(f"no seat left of {seats} for {title!r}")
        self.title = title
        self.seats = seats


class SeatReserved(Refusal):
    """The seats that are left are kept for others: see the reserves, by kind."""

    def __init__(self, name: str, reserved: Mapping[str, int]) -> None:
        super().__init__(f"what is left is reserved: {dict(reserved)}")
        self.name = name
        self.reserved = dict(reserved)


class DoesNotFit(Refusal):
    """The programme is not for this person."""

    def __init__(self, name: str, misfits: tuple[Misfit | Finding, ...]) -> None:
        super().__init__(f"not in the audience: {misfits}")
        self.name = name
        self.misfits = misfits


class IsIn(Refusal):
    """This person has a registration already that stands in the way."""

    def __init__(self, name: str, state: RegistrationState) -> None:
        super().__init__(f"registered already: {state.value}")
        self.name = name
        self.state = state


class Clashing(Refusal):
    """At the same time these people have something else; the school may insist."""

    def __init__(self, clashing: tuple[tuple[str, Clash], ...]) -> None:
        super().__init__(f"{len(clashing)} clash")
        self.clashing = clashing


class ListReported(Refusal):
    """名单已上报: the list may only be changed by the county now."""

    def __init__(self, title: str, roster_date: datetime) -> None:
        super().__init__(f"the list of {title!r} was reported at {roster_date}")
        self.title = title
        self.roster_date = roster_date


class NotReplaceable(Refusal):
    """This registration cannot be taken over by somebody else, or not by this person."""

    def __init__(self, name: str, state: RegistrationState) -> None:
        super().__init__(f"a registration in {state.value} is not taken over")
        self.name = name
        self.state = state


class ReasonMissing(Refusal):
    """Putting somebody else in a person's place needs a reason."""


class TooManyAtOnce(Refusal):
    """More people than are nominated in one go."""


@dataclass(frozen=True)
class UnitSeats:
    """A school of mine in a class. ``seats`` is None where it has no allotment of its own."""

    unit_id: int
    name: str
    seats: int | None
    taken: int
    reserved: Mapping[str, int]
    unfilled: int
    people: int  # of its people who are in, or wait


@dataclass(frozen=True)
class Member:
    """One of my people in a class; ``may`` names what can be done: take_back, replace."""

    teacher_id: int
    name: str
    unit_id: int
    unit: str
    state: RegistrationState
    source: Source
    may: frozenset[str]


@dataclass(frozen=True)
class MyPeople:
    """My people in a class, and what may be done; pages count from 0.

    ``pool_left`` are seats open to all schools that a nomination may take, None without limit.
    """

    batch_id: int
    title: str
    enrolment: Enrolment
    asks_consent: bool
    units: tuple[UnitSeats, ...]
    members: tuple[Member, ...]
    page: int
    pages: int
    total: int
    pool_left: int | None
    nominate_close: datetime | None
    roster_date: datetime | None
    release_at: datetime | None
    may_nominate: bool
    is_from_above: bool


@dataclass(frozen=True)
class Candidate:
    """Somebody who could be sent; ``misfits`` says in what they do not fit."""

    teacher_id: int
    name: str
    beside: str
    misfits: tuple[Misfit | Finding, ...]
    state: RegistrationState | None  # of a registration that stands in the way
    is_picked: bool

    @property
    def fits(self) -> bool:
        """Whether they may be chosen."""
        return not self.misfits and self.state is None


@dataclass(frozen=True)
class Candidates:
    """A page of a school's people, those who fit first; and how many are picked."""

    batch_id: int
    unit_id: int
    title: str
    unit: str
    lines: tuple[Candidate, ...]
    page: int
    pages: int
    total: int
    fitting: int
    picked: tuple[str, ...]
    text: str
    instead_of: str  # the name of whom the chosen one replaces, else empty


@dataclass(frozen=True)
class Nominated:
    """What nominating came to: who is asked or in now, by name; ``is_new`` counts them."""

    batch_id: int
    title: str
    names: tuple[str, ...]
    state: RegistrationState
    is_new: int


@dataclass(frozen=True)
class Substituted:
    """Who went out and who came in."""

    batch_id: int
    title: str
    gone: str
    come: str
    state: RegistrationState
    is_new: bool


def fitting(
    session: Session, programme: Programme, teacher_ids: Collection[int], *, now: datetime
) -> set[int]:
    """Return for whom of these people the programme is.

    The one place where a nomination asks who may take part; one look, however many they are.
    """
    meets = eligibility.meets(session, programme.id, now=now)
    return set(
        session.exec(
            select(Teacher.id).where(
                col(Teacher.id).in_(teacher_ids), audience.fits(programme), meets
            )
        ).all()
    )


def unfit(
    session: Session, programme: Programme, teacher_id: int, *, now: datetime
) -> tuple[Misfit | Finding, ...]:
    """Return in what the programme is not for this person; empty for whoever is fitting."""
    unmet = eligibility.check(session, teacher_id, programme.id, now=now)
    return (
        *audience.misfits(session, teacher_id, programme),
        *(finding for finding in unmet if finding.hard),
    )


def my_people(
    session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime
) -> MyPeople:
    """Return my schools' seats and people in a class. Raises NotFound or NotAllowed.

    For whoever looks at schools from above, such as the county, the log keeps the look.
    """
    batch, programme = _batch(session, batch_id)
    today = local_day(now, offices.zone(session))
    mine, above = _mine(session, actor_id, today)
    if programme.state is ProgrammeState.DRAFT:
        raise NotFound("programme")
    if above:
        audit.record(session, actor_id, "look_at_members", f"batch:{batch_id}", now=now)
        session.flush()
    rows: Any = (
        sa.select(
            col(Registration.teacher_id),
            col(Teacher.name),
            col(OrgUnit.name).label("unit"),
            col(Registration.state),
            col(Registration.source),
            col(Registration.unit_id_at),
        )
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(col(Registration.batch_id) == batch_id, col(Registration.unit_id_at).in_(mine))
    )
    by_unit: dict[int, int] = dict(
        session.exec(
            sa.select(col(Registration.unit_id_at), sa.func.count())  # type: ignore[call-overload]
            .where(
                col(Registration.batch_id) == batch_id,
                col(Registration.unit_id_at).in_(mine),
                col(Registration.state).in_(LIVE),
            )
            .group_by(col(Registration.unit_id_at))
        ).all()
    )
    total = session.connection().execute(rows.with_only_columns(sa.func.count())).scalar_one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    is_live = sa.case((col(Registration.state).in_(LIVE), 0), else_=1)
    shown = session.connection().execute(
        rows.order_by(is_live, col(OrgUnit.code), col(Registration.submitted_at), col(Teacher.id))
        .offset(page * PAGE)
        .limit(PAGE)
    )
    closed = _closes_at(batch)
    reported = batch.roster_date is not None and now >= batch.roster_date
    open_ = _takes_place(batch, programme) and now < batch.ends_at

    def may(state: RegistrationState, source: Source) -> frozenset[str]:
        can = set()
        if open_ and _may_take_back(programme, state, source, now, closed):
            can.add("take_back")
        is_in_time = not reported and now < batch.starts_at
        if open_ and state in REPLACEABLE and (is_in_time or above):
            can.add("replace")
        return frozenset(can)

    members = tuple(
        Member(teacher_id, name, unit_id, unit, state, source, may(state, source))
        for teacher_id, name, unit, state, source, unit_id in shown
    )
    quotas = _quotas(session, batch_id)
    own = [quota for quota in quotas if not quota.is_pool]
    units = _units(session, mine, own, by_unit, above)
    pool_left = None if not quotas else _pool_left(quotas, now, above)
    return MyPeople(
        batch_id=batch_id,
        title=programme.title,
        enrolment=programme.enrolment,
        asks_consent=programme.asks_consent,
        units=units,
        members=members,
        page=page,
        pages=pages,
        total=int(total),
        pool_left=pool_left,
        nominate_close=closed,
        roster_date=batch.roster_date,
        release_at=min((q.release_at for q in own if q.release_at), default=None),
        may_nominate=(
            _takes_place(batch, programme)
            and programme.enrolment is Enrolment.NOMINATION
            and not reported
            and now < closed
        ),
        is_from_above=above,
    )


def candidates(
    session: Session,
    actor_id: int,
    account_id: int,
    batch_id: int,
    unit_id: int,
    *,
    page: int = 0,
    text: str = "",
    instead_of: int | None = None,
    now: datetime,
) -> Candidates:
    """Return a school's people for choosing, those who fit first, then why others do not.

    Raises NotFound or NotAllowed.
    """
    _batch_row, programme = _batch(session, batch_id)
    today = local_day(now, offices.zone(session))
    authority.check(session, actor_id, Act.NOMINATE, unit_id, today=today)
    unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    replaced = _replaced(session, batch_id, unit_id, instead_of)
    if not authority.may(session, actor_id, Act.NOMINATE, unit_id, today=today, own=True):
        audit.record(session, actor_id, "look_at_people", f"unit:{unit_id}", now=now)
        session.flush()
    everybody = (
        select(Teacher.id, Teacher.name, Posting.subjects, Registration.state)
        .join(Posting, _posted(unit_id, today))
        .outerjoin(
            Registration,
            sa.and_(
                col(Registration.teacher_id) == col(Teacher.id),
                col(Registration.batch_id) == batch_id,
            ),
        )
        .where(col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]))
    )
    if text.strip():
        everybody = everybody.where(
            sa.or_(
                col(Teacher.name).icontains(text.strip(), autoescape=True),
                sa.func.upper(col(Teacher.staff_no)).startswith(
                    text.strip().upper(), autoescape=True
                ),
            )
        )
    people = [
        (teacher_id, name, (subjects or [""])[0], None if _is_free(state, instead_of) else state)
        for teacher_id, name, subjects, state in session.exec(
            everybody.order_by(col(Teacher.staff_no))
        ).all()
        if teacher_id != instead_of
    ]
    fit = fitting(session, programme, [teacher_id for teacher_id, *_ in people], now=now)
    people.sort(key=lambda person: person[0] not in fit or person[3] is not None)
    pages = max(1, -(-len(people) // PAGE))
    page = min(max(0, page), pages - 1)
    chosen = picked(session, account_id, batch_id, unit_id)
    lines = tuple(
        Candidate(
            teacher_id,
            name,
            subject,
            () if teacher_id in fit else unfit(session, programme, teacher_id, now=now),
            None if state is None else RegistrationState(state),
            teacher_id in chosen,
        )
        for teacher_id, name, subject, state in people[page * PAGE : (page + 1) * PAGE]
    )
    names: dict[int, str] = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(chosen))).all()
    )
    return Candidates(
        batch_id=batch_id,
        unit_id=unit_id,
        title=programme.title,
        unit=unit,
        lines=lines,
        page=page,
        pages=pages,
        total=len(people),
        fitting=sum(one in fit and state is None for one, _n, _s, state in people),
        picked=tuple(names[teacher_id] for teacher_id in chosen if teacher_id in names),
        text=text.strip(),
        instead_of=replaced,
    )


def candidate(
    session: Session,
    actor_id: int,
    batch_id: int,
    unit_id: int,
    teacher_id: int,
    *,
    instead_of: int | None = None,
    now: datetime,
) -> Candidate:
    """Return whether one person could be sent, and why not. Raises NotFound or NotAllowed."""
    _batch_row, programme = _batch(session, batch_id)
    today = local_day(now, offices.zone(session))
    if _unit_of(session, actor_id, teacher_id, today) != unit_id:
        raise NotAllowed
    _replaced(session, batch_id, unit_id, instead_of)
    state = session.exec(
        select(Registration.state).where(
            Registration.batch_id == batch_id, Registration.teacher_id == teacher_id
        )
    ).first()
    return Candidate(
        teacher_id=teacher_id,
        name=_names(session, [teacher_id])[teacher_id],
        beside="",
        misfits=unfit(session, programme, teacher_id, now=now),
        state=None if _is_free(state, instead_of) else RegistrationState(state or ""),
        is_picked=False,
    )


def _replaced(session: Session, batch_id: int, unit_id: int, instead_of: int | None) -> str:
    """The name of whom somebody replaces, of the same school and class. Raises NotFound."""
    if instead_of is None:
        return ""
    name = session.exec(
        select(Teacher.name)
        .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
        .where(
            Registration.batch_id == batch_id,
            Registration.unit_id_at == unit_id,
            Registration.teacher_id == instead_of,
        )
    ).first()
    if name is None:
        raise NotFound("registration")
    return name


def _is_free(state: str | None, instead_of: int | None) -> bool:
    if state is None or state in MAY_BE_NOMINATED:
        return True
    return instead_of is not None and state == RegistrationState.WAITLISTED


def pick(
    session: Session,
    account_id: int,
    batch_id: int,
    unit_id: int,
    teacher_id: int,
    *,
    now: datetime,
) -> tuple[int, ...]:
    """Put somebody on the list of those to be nominated, or take them off; return the list.

    The list is a draft, of one class and school at a time: a restart loses nothing.
    """
    chosen = list(picked(session, account_id, batch_id, unit_id))
    if teacher_id in chosen:
        chosen.remove(teacher_id)
    elif len(chosen) < MOST:
        chosen.append(teacher_id)
    else:
        raise TooManyAtOnce
    data = {"batch_id": batch_id, "unit_id": unit_id, "teacher_ids": chosen}
    drafts.keep(session, account_id, DRAFT, data, now=now)
    return tuple(chosen)


def picked(session: Session, account_id: int, batch_id: int, unit_id: int) -> tuple[int, ...]:
    """Return who is on the list of this class and school."""
    data = drafts.read(session, account_id, DRAFT)
    if data is None or (data["batch_id"], data["unit_id"]) != (batch_id, unit_id):
        return ()
    return tuple(data["teacher_ids"])


def forget_picked(session: Session, account_id: int) -> None:
    """Give the list up."""
    drafts.drop(session, account_id, DRAFT)


def nominate(
    session: Session,
    actor_id: int,
    batch_id: int,
    teacher_ids: Sequence[int],
    *,
    override: bool = False,
    now: datetime,
) -> Nominated:
    """Nominate these people, all or none; who is in already stays as they are.

    A seat is held for each from now on. ``override`` says that the school has seen what they
    miss at the same time and wants it so; that is kept with the decision.

    Raises NotFound, NotAllowed, ProgrammeCancelled, NotByNomination, NominationClosed,
    ListReported, IsIn, DoesNotFit, Clashing, NoSeatLeft or SeatReserved.
    """
    if len(teacher_ids) > MOST:
        raise TooManyAtOnce
    seats.lock(session, batch_id)
    batch, programme = _batch(session, batch_id)
    today = local_day(now, offices.zone(session))
    units = {one: _unit_of(session, actor_id, one, today) for one in dict.fromkeys(teacher_ids)}
    if not _takes_place(batch, programme):
        raise ProgrammeCancelled(programme.title)
    if programme.enrolment is not Enrolment.NOMINATION:
        raise NotByNomination(programme.title, programme.enrolment)
    known = _registrations(session, batch_id, units)
    names = _names(session, units)
    state = _state_of_chosen(programme)
    new = [one for one in units if not _is_nominated(known.get(one))]
    if new:
        closes_at = _closes_at(batch)
        if batch.roster_date is not None and now >= batch.roster_date:
            raise ListReported(programme.title, batch.roster_date)
        if now >= closes_at:
            raise NominationClosed(programme.title, closes_at)
        _check_people(session, programme, batch_id, new, known, names, override=override, now=now)
    session.flush()
    for one in new:
        quota_id, rule = _seat(session, batch, programme, actor_id, units[one], one, names, now)
        registration = _write(
            session,
            known.get(one),
            batch_id,
            one,
            units[one],
            quota_id,
            Source.NOMINATED,
            state,
            now=now,
        )
        facts: dict[str, Any] = {"seat": rule, "asks": programme.asks_consent}
        others = clashes(session, one, batch_id) if override else ()
        if others:
            facts["in_spite_of"] = [clash.batch_id for clash in others]
        decide(session, registration.id, "nominated", facts, now=now, actor_id=actor_id)
        _tell(session, "nominated", registration, batch, now=now)
    if new:
        _set_deadline(session, batch, programme, now=now)
        audit.record(
            session,
            actor_id,
            "nominate",
            f"batch:{batch_id}",
            now=now,
            after={"teacher_ids": new, "in_spite_of_clashes": override},
        )
    session.flush()
    return Nominated(batch_id, programme.title, tuple(names[one] for one in units), state, len(new))


def take_back(
    session: Session, actor_id: int, batch_id: int, teacher_id: int, *, now: datetime
) -> RegistrationState:
    """Take a nomination back that the teacher has not accepted yet; the seat is free again.

    Where nobody is asked, it can be taken back as long as nominations are open. Raises
    NotFound, NotAllowed or NotReplaceable.
    """
    seats.lock(session, batch_id)
    batch, programme = _batch(session, batch_id)
    today = local_day(now, offices.zone(session))
    registration = _registrations(session, batch_id, [teacher_id]).get(teacher_id)
    if registration is None:
        raise NotFound("nomination")
    authority.check(session, actor_id, Act.NOMINATE, registration.unit_id_at, today=today)
    if registration.state is RegistrationState.WITHDRAWN:
        return registration.state
    if not _may_take_back(
        programme, registration.state, registration.source, now, _closes_at(batch)
    ):
        raise NotReplaceable(_names(session, [teacher_id])[teacher_id], registration.state)
    _leave(session, registration, "", now=now)
    decide(session, registration.id, "nomination_taken_back", now=now, actor_id=actor_id)
    audit.record(
        session, actor_id, "take_back_nomination", f"registration:{registration.id}", now=now
    )
    _tell(session, "nomination_gone", registration, batch, now=now)
    session.flush()
    waiting.offer_next(session, batch_id, now=now, because="offered_after_withdrawal")
    return RegistrationState.WITHDRAWN


def substitute(
    session: Session,
    actor_id: int,
    batch_id: int,
    out_id: int,
    in_id: int,
    reason: str,
    *,
    override: bool = False,
    now: datetime,
) -> Substituted:
    """Put somebody else of the same school in a person's place; the seat goes along.

    Until the roster date (or the start, where there is none) the school does this; afterwards
    only whoever oversees schools, until the class ends. Both are told, and the new person is
    asked where the programme asks.

    Raises NotFound, NotAllowed, ReasonMissing, ProgrammeCancelled, ListReported,
    NotReplaceable, IsIn, DoesNotFit, Clashing or SeatReserved.
    """
    seats.lock(session, batch_id)
    batch, programme = _batch(session, batch_id)
    today = local_day(now, offices.zone(session))
    rows = _registrations(session, batch_id, [out_id, in_id])
    names = _names(session, [out_id, in_id])
    gone, come = rows.get(out_id), rows.get(in_id)
    if gone is None or out_id == in_id:
        raise NotFound("registration")
    authority.check(session, actor_id, Act.NOMINATE, gone.unit_id_at, today=today)
    unit_id = _unit_of(session, actor_id, in_id, today)
    is_done = gone.state is RegistrationState.WITHDRAWN
    if is_done and come is not None and come.source is Source.SUBSTITUTE and come.state in LIVE:
        return Substituted(
            batch_id, programme.title, names[out_id], names[in_id], come.state, False
        )
    if not _takes_place(batch, programme):
        raise ProgrammeCancelled(programme.title)
    limit = batch.roster_date or batch.starts_at
    above = _oversees(session, actor_id, today)
    if now >= limit and not above:
        raise ListReported(programme.title, limit)
    if now >= batch.ends_at or gone.state not in REPLACEABLE:
        raise NotReplaceable(names[out_id], gone.state)
    if unit_id != gone.unit_id_at:
        raise NotReplaceable(names[in_id], gone.state)
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise ReasonMissing
    was = gone.state
    known = {in_id: come} if come is not None else {}
    waits = come is not None and come.state is RegistrationState.WAITLISTED
    _check_people(
        session,
        programme,
        batch_id,
        [in_id],
        {} if waits else known,
        names,
        override=override,
        now=now,
    )
    quota_id = gone.quota_id
    if quota_id is not None and not reserves.may_replace(session, quota_id, out_id, in_id):
        quota = reserves.quota_of(session, quota_id)
        raise SeatReserved(names[in_id], quota.reserved)
    gone.state, gone.quota_id = RegistrationState.WITHDRAWN, None
    gone.reason, gone.changed_at = reason, now
    session.flush()
    state = _state_of_chosen(programme)
    if state is RegistrationState.SCHOOL_APPROVED and was is RegistrationState.APPROVED and above:
        state = RegistrationState.APPROVED  # who decides last has decided
    new = _write(
        session,
        come,
        batch_id,
        in_id,
        unit_id,
        quota_id,
        Source.SUBSTITUTE,
        state,
        now=now,
    )
    facts: dict[str, Any] = {"registration_id": new.id, "before": was.value}
    decide(session, gone.id, "replaced", facts, now=now, actor_id=actor_id)
    facts = {"registration_id": gone.id, "asks": programme.asks_consent}
    others = clashes(session, in_id, batch_id) if override else ()
    if others:
        facts["in_spite_of"] = [clash.batch_id for clash in others]
    decide(session, new.id, "substituted", facts, now=now, actor_id=actor_id)
    audit.record(
        session,
        actor_id,
        "substitute",
        f"registration:{gone.id}",
        now=now,
        before={"teacher_id": out_id, "state": was.value},
        after={"teacher_id": in_id, "state": state.value, "after_roster_date": now >= limit},
        reason=reason,
    )
    _tell(session, "replaced", gone, batch, now=now)
    _tell(session, "nominated", new, batch, now=now)
    _set_deadline(session, batch, programme, now=now)
    session.flush()
    return Substituted(batch_id, programme.title, names[out_id], names[in_id], state, True)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return where seats of the schools that this person tends can still be filled."""
    today = local_day(now, offices.zone(session))
    if Act.NOMINATE not in authority.acts(session, actor_id, today=today):
        return ()
    mine = authority.reaches(session, actor_id, Act.NOMINATE, today=today, own=True)
    closes_at = sa.func.coalesce(
        col(Batch.nominate_close), col(Batch.roster_date), col(Batch.starts_at)
    )
    rows = session.connection().execute(
        sa.select(col(Batch.id), col(Programme.title), sa.func.sum(Quota.seats - Quota.taken))
        .join(Batch, col(Batch.id) == col(Quota.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Quota.unit_id).in_(mine),
            col(Quota.is_pool).is_(False),
            col(Quota.taken) < col(Quota.seats),
            col(Programme.enrolment) == Enrolment.NOMINATION,
            col(Programme.state) == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            closes_at > sa.literal(now, SQLModel.metadata.tables["batch"].c.starts_at.type),
            col(Batch.starts_at) > now,
        )
        .group_by(col(Batch.id), col(Programme.title), col(Batch.starts_at))
        .order_by(col(Batch.starts_at), col(Batch.id))
    )
    return tuple(Waiting("nominate", int(left), id_, title) for id_, title, left in rows)


def _batch(session: Session, batch_id: int) -> tuple[Batch, Programme]:
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Batch.id == batch_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("programme")
    return found


def _takes_place(batch: Batch, programme: Programme) -> bool:
    return programme.state is ProgrammeState.PUBLISHED and batch.cancelled_at is None


def _closes_at(batch: Batch) -> datetime:
    """Until when schools nominate: at the latest the list is reported or the class begins."""
    return min(batch.nominate_close or batch.roster_date or batch.starts_at, batch.starts_at)


def _mine(session: Session, actor_id: int, today: date) -> tuple[Any, bool]:
    """Select the schools for which this person nominates, and whether from above."""
    if Act.NOMINATE not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    mine = authority.reaches(session, actor_id, Act.NOMINATE, today=today)
    return mine, _oversees(session, actor_id, today)


def _oversees(session: Session, actor_id: int, today: date) -> bool:
    """Whether this person nominates as one who oversees schools, such as the county."""
    return any(
        grant.role in OVERSEES and Act.NOMINATE in MAY[grant.role]
        for grant in authority.grants(session, actor_id, today=today)
    )


def _unit_of(session: Session, actor_id: int, teacher_id: int, today: date) -> int:
    """The school of somebody whom the actor may nominate. Raises NotAllowed."""
    return authority.check_about(session, actor_id, Act.NOMINATE, teacher_id, today=today)


def _posted(unit_id: int, today: date) -> Any:
    return sa.and_(
        col(Posting.teacher_id) == col(Teacher.id),
        col(Posting.unit_id) == unit_id,
        col(Posting.is_primary),
        col(Posting.since) <= today,
        sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
    )


def _names(session: Session, teacher_ids: Collection[int]) -> dict[int, str]:
    names: dict[int, str] = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(teacher_ids))).all()
    )
    if len(names) < len(set(teacher_ids)):
        raise NotFound("teacher")
    return names


def _registrations(
    session: Session, batch_id: int, teacher_ids: Collection[int]
) -> dict[int, Registration]:
    rows = session.exec(
        select(Registration)
        .where(Registration.batch_id == batch_id, col(Registration.teacher_id).in_(teacher_ids))
        .execution_options(populate_existing=True)
    ).all()
    return {row.teacher_id: row for row in rows}


def _is_nominated(registration: Registration | None) -> bool:
    """Whether a second tap finds what the first has done."""
    return (
        registration is not None
        and registration.source in (Source.NOMINATED, Source.SUBSTITUTE)
        and registration.state in LIVE
    )


def _state_of_chosen(programme: Programme) -> RegistrationState:
    if programme.asks_consent:
        return RegistrationState.NOMINATED
    if programme.approval is Approval.COUNTY:
        return RegistrationState.SCHOOL_APPROVED
    return RegistrationState.APPROVED


def _may_take_back(
    programme: Programme,
    state: RegistrationState,
    source: Source,
    now: datetime,
    closes_at: datetime,
) -> bool:
    if source not in (Source.NOMINATED, Source.SUBSTITUTE):
        return False
    if state is RegistrationState.NOMINATED:
        return True
    return not programme.asks_consent and state is _state_of_chosen(programme) and now < closes_at


def _check_people(
    session: Session,
    programme: Programme,
    batch_id: int,
    teacher_ids: Sequence[int],
    known: Mapping[int, Registration],
    names: Mapping[int, str],
    *,
    override: bool,
    now: datetime,
) -> None:
    for one in teacher_ids:
        registration = known.get(one)
        if registration is not None and registration.state not in MAY_BE_NOMINATED:
            raise IsIn(names[one], registration.state)
    fit = fitting(session, programme, teacher_ids, now=now)
    for one in teacher_ids:
        if one not in fit:
            raise DoesNotFit(names[one], unfit(session, programme, one, now=now))
    if override:
        return
    clashing = tuple(
        (names[one], clash)
        for one in teacher_ids
        for clash in clashes(session, one, batch_id)
        if clash.batch_id != batch_id
    )
    if clashing:
        raise Clashing(clashing)


def _quotas(session: Session, batch_id: int) -> list[Quota]:
    return list(
        session.exec(
            select(Quota)
            .where(Quota.batch_id == batch_id)
            .order_by(col(Quota.id))
            .execution_options(populate_existing=True)
        ).all()
    )


def _pool_left(quotas: Sequence[Quota], now: datetime, above: bool) -> int:
    """Return how many seats of the pool a nomination may take.

    Where seats are allotted to schools, what is not allotted is the county's own until unused
    seats are released; without allotments it is open to every school.
    """
    own = [quota for quota in quotas if not quota.is_pool]
    is_open = (
        above
        or not any(quota.seats for quota in own)
        or any(quota.release_at is not None and quota.release_at <= now for quota in own)
    )
    return sum(q.seats - q.taken for q in quotas if q.is_pool) if is_open else 0


def _seat(
    session: Session,
    batch: Batch,
    programme: Programme,
    actor_id: int,
    unit_id: int,
    teacher_id: int,
    names: Mapping[int, str],
    now: datetime,
) -> tuple[int | None, str]:
    """Hold a seat of the school, else one that is open to all; return its allotment.

    Who waits goes first, as everywhere. Raises NoSeatLeft or SeatReserved.
    """
    quotas = _quotas(session, batch.id)
    if not quotas:
        return None, "without_limit"
    own = next((q for q in quotas if q.unit_id == unit_id and not q.is_pool), None)
    refused: Refusal | None = None
    if own is not None and own.taken < own.seats:
        if not reserves.who_may(session, own.id, [teacher_id]):
            refused = SeatReserved(names[teacher_id], own.reserved)
        elif not reserves.somebody_waits(session, own.id) and seats.hold(session, own.id):
            return own.id, "school"
    today = local_day(now, offices.zone(session))
    above = _oversees(session, actor_id, today)
    pool = next((quota for quota in quotas if quota.is_pool), None)
    if (
        pool is not None
        and _pool_left(quotas, now, above) > 0
        and not reserves.somebody_waits(session, pool.id)
        and seats.hold(session, pool.id)
    ):
        return pool.id, "pool"
    raise refused or NoSeatLeft(programme.title, own.seats if own is not None else 0)


def _write(
    session: Session,
    registration: Registration | None,
    batch_id: int,
    teacher_id: int,
    unit_id: int,
    quota_id: int | None,
    source: Source,
    state: RegistrationState,
    *,
    now: datetime,
) -> Registration:
    """Write the registration of somebody chosen, over an earlier one that has ended."""
    if registration is None:
        registration = Registration(
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=unit_id,
            source=source,
            state=state,
            submitted_at=now,
            queued_at=now,
            changed_at=now,
        )
        session.add(registration)
    registration.unit_id_at = unit_id
    registration.source = source
    registration.state = state
    registration.quota_id = quota_id
    registration.submitted_at = registration.queued_at = registration.changed_at = now
    registration.reason = registration.leave_request = ""
    registration.leave_requested_at = None
    session.flush()
    return registration


def _leave(session: Session, registration: Registration, reason: str, *, now: datetime) -> None:
    """End a registration and give its seat back."""
    session.flush()
    seats.free(session, registration.quota_id)
    registration.state = RegistrationState.WITHDRAWN
    registration.quota_id = None
    registration.reason = reason
    registration.changed_at = now
    session.flush()


def _set_deadline(session: Session, batch: Batch, programme: Programme, *, now: datetime) -> None:
    """Those who are asked are reminded until the list closes, or the class begins."""
    if not programme.asks_consent:
        return
    closes = _closes_at(batch)
    at = closes if closes > now else batch.starts_at
    if at > now:
        deadlines.set_deadline(session, "nomination", batch.id, at, now=now)


def _tell(
    session: Session, kind: str, registration: Registration, batch: Batch, *, now: datetime
) -> None:
    """Leave a message for somebody who was chosen, replaced or is not asked any more."""
    outbox.put(
        session,
        kind,
        teacher_id=registration.teacher_id,
        facts={"batch_id": batch.id, "registration_id": registration.id},
        priority=Priority.OFFER,
        not_before=now,
        useful_until=batch.ends_at,
        dedupe_key=f"{kind}:{registration.id}:{now.isoformat()}",
        now=now,
    )


def _units(
    session: Session,
    mine: Any,
    own: Sequence[Quota],
    by_unit: Mapping[int, int],
    above: bool,
) -> tuple[UnitSeats, ...]:
    """My schools: all that I tend; from above those that have seats or people here first."""
    quotas = {quota.unit_id: quota for quota in own}
    units = session.exec(
        select(OrgUnit.id, OrgUnit.name)
        .where(
            col(OrgUnit.id).in_(mine),
            col(OrgUnit.active),
            sa.exists().where(col(Posting.unit_id) == col(OrgUnit.id), col(Posting.is_primary)),
        )
        .order_by(col(OrgUnit.code), col(OrgUnit.id))
    ).all()
    found = []
    for unit_id, name in units:
        quota = quotas.get(unit_id)
        found.append(
            UnitSeats(
                unit_id=unit_id,
                name=name,
                seats=quota.seats if quota else None,
                taken=quota.taken if quota else 0,
                reserved=dict(quota.reserved) if quota else {},
                unfilled=_unfilled(session, quota) if quota else 0,
                people=by_unit.get(unit_id, 0),
            )
        )
    found.sort(key=lambda unit: above and not (unit.seats or unit.people))
    return tuple(found)


def _unfilled(session: Session, quota: Quota) -> int:
    if not quota.reserved:
        return 0
    holders = reserves.holders_of(session, quota.id)
    kinds = reserves.kinds_of(session, quota.batch_id, holders, quota.reserved)
    return reserves.unmet(quota.reserved, [kinds[one] for one in holders])


@dataclass(frozen=True)
class Chosen:
    """What somebody is told of a nomination: the class, and where the registration stands."""

    batch_id: int
    title: str
    state: RegistrationState
    starts_at: datetime
    ends_at: datetime
    place: str
    answer_by: datetime
    school: str
    takes_place: bool


def chosen(session: Session, registration_id: int) -> Chosen:
    """Return a nomination as it stands now. Raises NotFound."""
    row = session.exec(
        select(Registration, Batch, Programme, OrgUnit.name)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(Registration.id == registration_id)
    ).first()
    if row is None:
        raise NotFound("nomination")
    registration, batch, programme, school = row
    closes = _closes_at(batch)
    return Chosen(
        batch_id=batch.id,
        title=programme.title,
        state=registration.state,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        place=batch.place,
        answer_by=closes if closes > registration.submitted_at else batch.starts_at,
        school=school,
        takes_place=_takes_place(batch, programme),
    )
