"""Changing what a programme says: a draft freely, a published one with who is told shown first.

A change of time or place rings those who are in, once, by one message for all that changed in
the same few minutes; deadlines and reminders move with it. Everything else tells nobody: it is
on the card whenever somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import workdays
from storage.credits.hours import rounded
from storage.messaging import outbox
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.moments import local_day
from storage.people import authority, offices, units
from storage.people.authority import Act
from storage.people.tables import Account, OrgUnit
from storage.refusals import NotAllowed, Refusal
from storage.training import enrolment, making, schedule, seats, waiting
from storage.training.audience import audience_size
from storage.training.classes import run_by
from storage.training.making import Form, WrongValue
from storage.training.publishing import NotUnderWay
from storage.training.refusals import ProgrammeCancelled
from storage.training.registration import SELF_REGISTERED
from storage.training.tables import (
    LIVE,
    SEATED,
    Approval,
    Batch,
    ClassSession,
    Enrolment,
    Level,
    Mode,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
)

KIND = "programme_changed"
FOLD = timedelta(minutes=2)
"""How long a change waits, so that several of them, or one that is put right, are one message."""
IN_IT = (*SEATED, RegistrationState.OFFERED)
"""Whom a change of time or place concerns: those who have a seat, or are offered one."""


class What(StrEnum):
    """What can be changed."""

    TITLE = "title"
    CATEGORY = "category"
    LEVEL = "level"
    MODE = "mode"
    ENROLMENT = "enrolment"
    APPROVAL = "approval"
    STAGE = "stage"
    SUBJECT = "subject"
    HOURS = "hours"
    DATES = "dates"
    PLACE = "place"
    REGISTRATION = "registration"
    SEATS = "seats"
    ABOUT = "about"
    BRING = "bring"
    CONTACT = "contact"
    CERTIFICATE = "certificate"
    PROVIDER = "provider"


_TEXTS = {
    What.TITLE: "title",
    What.ABOUT: "about",
    What.CONTACT: "contact",
    What.CERTIFICATE: "certificate",
    What.PROVIDER: "provider",
}
_OF_BATCH = {What.PLACE: "place", What.BRING: "bring"}
_CHOICES: dict[What, tuple[str, type[StrEnum]]] = {
    What.LEVEL: ("level", Level),
    What.MODE: ("mode", Mode),
    What.ENROLMENT: ("enrolment", Enrolment),
    What.APPROVAL: ("approval", Approval),
}
RINGS = frozenset({What.DATES, What.PLACE})
"""Changes that those concerned are told of."""
FIXED_WITH_PEOPLE = frozenset({What.MODE, What.ENROLMENT})
"""What stays as it is once somebody is in."""
FIXED_WITH_HOURS = frozenset({What.HOURS, What.LEVEL, What.CATEGORY})
"""What stays as it is once somebody has completed it, since hours stand in the books under it."""


class FixedByNow(Refusal):
    """People are in it already, so this stays as it is."""

    def __init__(self, what: What, people: int) -> None:
        super().__init__(f"{what.value} is fixed with {people} people")
        self.what = what
        self.people = people


class SeatsTaken(Refusal):
    """There cannot be fewer seats than are taken, or given to schools."""

    def __init__(self, least: int) -> None:
        super().__init__(f"not fewer than {least}")
        self.least = least


@dataclass(frozen=True)
class Face:
    """Everything that a draft says, and a published programme, with one of its classes."""

    programme_id: int
    batch_id: int
    title: str
    batch: str
    state: ProgrammeState
    is_paused: bool
    is_cancelled: bool
    owner: str
    levels: tuple[Level, ...]
    level: Level
    category: str
    mode: Mode
    enrolment: Enrolment
    approval: Approval
    audience: dict[str, Any]
    people: int
    hours: Decimal
    starts_at: datetime
    ends_at: datetime
    place: str
    bring: str
    reg_open: datetime | None
    reg_close: datetime | None  # of nominations where schools nominate
    seats: int | None
    taken: int
    about: str
    contact: str
    certificate: str
    provider: str
    subjects: tuple[str, ...]  # that teachers of the office have, to choose from

    @property
    def is_draft(self) -> bool:
        return self.state is ProgrammeState.DRAFT


@dataclass(frozen=True)
class Impact:
    """What a change would do. ``told`` are rung, ``unreachable`` of them by no message.

    ``deadlines`` move; ``people`` is the audience after the change, ``enrols`` whether whoever
    is newly due is enrolled at once; ``offers`` whether freed seats are offered on.
    """

    what: What
    before: Any
    after: Any
    told: int
    unreachable: int
    deadlines: int
    people: int | None
    enrols: bool
    offers: bool


@dataclass(frozen=True)
class Changed:
    """What a change came to; ``told`` is 0 where nobody needs to hear of it."""

    batch_id: int
    what: What
    told: int
    is_new: bool


def face(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Face:
    """Return what this class and its programme say. Raises NotFound or NotAllowed."""
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    owner = session.exec(select(OrgUnit).where(OrgUnit.id == programme.owner_unit_id)).one()
    taken = session.exec(
        select(sa.func.coalesce(sa.func.sum(Quota.taken), 0)).where(Quota.batch_id == batch_id)
    ).one()
    return Face(
        programme_id=programme.id,
        batch_id=batch.id,
        title=programme.title,
        batch=batch.title,
        state=programme.state,
        is_paused=programme.paused_at is not None,
        is_cancelled=batch.cancelled_at is not None,
        owner=units.signature(session, owner.id),
        levels=making.levels_of(owner.kind),
        level=programme.level,
        category=programme.category,
        mode=programme.mode,
        enrolment=programme.enrolment,
        approval=programme.approval,
        audience=dict(programme.audience),
        people=audience_size(session, programme),
        hours=programme.planned_hours,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        place=batch.place,
        bring=batch.bring,
        reg_open=batch.reg_open,
        reg_close=(
            batch.nominate_close if programme.enrolment is Enrolment.NOMINATION else batch.reg_close
        ),
        seats=making.seats_of(session, batch_id),
        taken=int(taken),
        about=programme.about,
        contact=programme.contact,
        certificate=programme.certificate,
        provider=programme.provider,
        subjects=making.subjects_of(session),
    )


def impact(
    session: Session, actor_id: int, batch_id: int, what: What, value: Any, *, now: datetime
) -> Impact:
    """Return what a change would do, doing nothing. Raises whatever ``change`` would raise."""
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    after = _checked(session, programme, batch, what, value)
    before = _value(session, programme, batch, what)
    is_published = programme.state is ProgrammeState.PUBLISHED
    rings = is_published and what in RINGS and before != after and now < batch.ends_at
    told, unreachable = _count(session, batch_id) if rings else (0, 0)
    moves = is_published and what in (What.DATES, What.REGISTRATION) and before != after
    wanted = _audience(programme, what, after)
    return Impact(
        what=what,
        before=before,
        after=after,
        told=told,
        unreachable=unreachable,
        deadlines=_deadlines(session, batch_id, _MOVES[what], now=now) if moves else 0,
        people=None if wanted is None else audience_size(session, _For(wanted)),
        enrols=(wanted is not None and is_published and programme.enrolment is Enrolment.AUTOMATIC),
        offers=(
            is_published
            and what is What.SEATS
            and after is not None
            and before is not None
            and after > before
        ),
    )


def change(
    session: Session, actor_id: int, batch_id: int, what: What, value: Any, *, now: datetime
) -> Changed:
    """Change one thing; those concerned by a new time or place are told, once.

    Asking twice changes nothing the second time. Values are plain: a text, a choice's value, a
    number of hours or seats (None: without limit), a list of stages or subjects (empty: all),
    ``starts_at`` and ``ends_at``, or ``reg_open`` and ``reg_close``, in ISO form.

    Raises NotFound, NotAllowed, ProgrammeCancelled, NotUnderWay, WrongValue, DatesNotInOrder,
    FixedByNow or SeatsTaken.
    """
    batch, programme = run_by(session, actor_id, batch_id, now=now)
    seats.lock(session, *_siblings(session, programme.id), alone=True)
    session.refresh(programme)
    session.refresh(batch)
    after = _checked(session, programme, batch, what, value)
    before = _value(session, programme, batch, what)
    if before == after:
        return Changed(batch_id, what, told=0, is_new=False)
    then = _told_facts(batch)
    match what:
        case What.REGISTRATION if programme.enrolment is Enrolment.NOMINATION:
            closes = after["reg_close"]
            batch.nominate_close = closes and datetime.fromisoformat(closes)
            batch.revision += 1
            act, thing = "change_programme", f"batch:{batch_id}"
            audit.record(session, actor_id, act, thing, now=now, before=before, after=after)
            session.flush()
            schedule.plan_deadlines(session, batch_id, now=now)
        case What.DATES | What.REGISTRATION:
            moments = {name: datetime.fromisoformat(at) for name, at in after.items() if at}
            is_draft = programme.state is ProgrammeState.DRAFT
            if what is What.DATES and is_draft:
                _take_closings_along(session, batch, moments["starts_at"], now=now)
            closes = batch.nominate_close
            schedule.move(session, batch_id, now=now, actor_id=actor_id, **moments)
            if is_draft:
                batch.nominate_close = closes
        case What.SEATS:
            _set_seats(session, programme, batch, after, now=now)
        case What.STAGE | What.SUBJECT:
            programme.audience = _audience(programme, what, after) or {}
            session.flush()
            if programme.state is ProgrammeState.PUBLISHED:
                _let_in(session, programme, now=now)
        case What.HOURS:
            programme.planned_hours = Decimal(after)
        case What.PLACE | What.BRING:
            setattr(batch, _OF_BATCH[what], after)
        case _:
            name, kind = _CHOICES.get(what, (_TEXTS.get(what, "category"), str))
            setattr(programme, name, kind(after))
    session.flush()
    is_published = programme.state is ProgrammeState.PUBLISHED
    if what is not What.DATES and what is not What.REGISTRATION:
        if what is What.ENROLMENT:
            _give_closings(session, programme, now=now)
        ids = [batch_id] if what in (What.PLACE, What.BRING, What.SEATS) else None
        for each in ids or _siblings(session, programme.id):
            session.exec(
                sa.update(Batch).where(col(Batch.id) == each).values(revision=Batch.revision + 1)
            )
            if is_published and what in (What.MODE, What.ENROLMENT):
                schedule.plan_deadlines(session, each, now=now)
        audit.record(
            session,
            actor_id,
            "change_programme",
            f"batch:{batch_id}",
            now=now,
            before={what.value: before},
            after={what.value: after},
        )
    if what is What.SUBJECT:  # whoever runs it for some subjects only cannot leave them
        today = local_day(now, offices.zone(session))
        authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    told = 0
    if is_published and what in RINGS and now < batch.ends_at:
        told = _tell(session, batch, then, now=now)
    session.flush()
    return Changed(batch_id, what, told=told, is_new=True)


@dataclass(frozen=True)
class News:
    """What a class says now, for somebody who knew it otherwise; ``before`` is what they knew."""

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    before_starts_at: datetime
    before_ends_at: datetime
    before_place: str

    @property
    def has_moved(self) -> bool:
        """Whether the time is another one."""
        return (self.starts_at, self.ends_at) != (self.before_starts_at, self.before_ends_at)


def news(session: Session, teacher_id: int, told: dict[str, Any]) -> News | None:
    """Return what this person has to hear of a changed class; None when nothing is left.

    Nothing is left when it was put right again, does not take place, or they are out of it.
    """
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            Batch.id == told["batch_id"],
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(IN_IT),
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
        )
    ).first()
    if found is None:
        return None
    batch, programme = found
    if _told_facts(batch) == told:
        return None
    title = f"{programme.title} · {batch.title}" if batch.title else programme.title
    return News(
        batch_id=batch.id,
        title=title,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        place=batch.place,
        before_starts_at=datetime.fromisoformat(told["starts_at"]),
        before_ends_at=datetime.fromisoformat(told["ends_at"]),
        before_place=told["place"],
    )


def _siblings(session: Session, programme_id: int) -> list[int]:
    return list(
        session.exec(
            select(Batch.id).where(Batch.programme_id == programme_id).order_by(col(Batch.id))
        ).all()
    )


def _checked(session: Session, programme: Programme, batch: Batch, what: What, value: Any) -> Any:
    """Return the value as it would be kept, or raise the refusal that fits."""
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    if programme.state not in (ProgrammeState.DRAFT, ProgrammeState.PUBLISHED):
        raise NotUnderWay(programme.title, programme.state)
    if programme.state is ProgrammeState.PUBLISHED:
        if what in FIXED_WITH_PEOPLE:
            _check_free(session, programme, what, LIVE)
        if what in FIXED_WITH_HOURS:
            _check_free(session, programme, what, (RegistrationState.COMPLETED,))
    try:
        after = _clean(programme, batch, what, value)
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise WrongValue(what.value) from None
    if what is What.SEATS:
        _check_seats(session, programme, batch, after)
    if what is What.LEVEL:
        kind = session.exec(
            select(col(OrgUnit.kind)).where(OrgUnit.id == programme.owner_unit_id)
        ).one()
        if after not in making.levels_of(kind):
            raise NotAllowed
    return after


def _check_free(
    session: Session, programme: Programme, what: What, states: tuple[RegistrationState, ...]
) -> None:
    people = session.exec(
        select(sa.func.count())
        .select_from(Registration)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .where(Batch.programme_id == programme.id, col(Registration.state).in_(states))
    ).one()
    if people:
        raise FixedByNow(what, people)


def _clean(programme: Programme, batch: Batch, what: What, value: Any) -> Any:
    form = Form(
        owner_unit_id=programme.owner_unit_id,
        title=programme.title,
        category=programme.category,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        level=programme.level,
    )
    if what in _TEXTS or what in _OF_BATCH:
        text = str(value).strip()
        longest = making.LONGEST_TEXT if what is What.ABOUT else making.LONGEST
        if len(text) > longest or (what is What.TITLE and not text):
            raise WrongValue(what.value)
        return text
    if what in _CHOICES:
        return _CHOICES[what][1](value).value
    match what:
        case What.CATEGORY:
            making.check_form(replace(form, category=str(value)))
            return str(value)
        case What.STAGE | What.SUBJECT:
            return [str(each) for each in value]
        case What.HOURS:
            hours = Decimal(str(value))
            making.check_form(replace(form, hours=hours))
            return f"{rounded(hours):.1f}"
        case What.SEATS:
            if value is None:
                return None
            if not 0 < int(value) <= making.MOST_SEATS:
                raise WrongValue(what.value)
            return int(value)
        case What.DATES:
            starts_at, ends_at = (_iso(value[name]) for name in ("starts_at", "ends_at"))
            making.check_order(starts_at, ends_at, None, None)
            opens = batch.reg_open if programme.enrolment in SELF_REGISTERED else None
            making.check_order(starts_at, ends_at, opens, None)
            if programme.state is ProgrammeState.PUBLISHED and batch.reg_close is not None:
                making.check_order(starts_at, ends_at, None, batch.reg_close)
            return {"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        case _:
            moments = {name: value.get(name) for name in ("reg_open", "reg_close")}
            opens, closes = (at and _iso(at) for at in moments.values())
            if programme.enrolment is Enrolment.NOMINATION:
                making.check_order(batch.starts_at, batch.ends_at, None, closes)
                return {"reg_open": None, "reg_close": closes and closes.isoformat()}
            making.check_order(
                batch.starts_at,
                batch.ends_at,
                opens or batch.reg_open,
                closes or batch.reg_close,
            )
            kept = (("reg_open", opens or batch.reg_open), ("reg_close", closes or batch.reg_close))
            return {name: at and at.isoformat() for name, at in kept}


def _iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _value(session: Session, programme: Programme, batch: Batch, what: What) -> Any:
    """Return what is kept now, in the form in which a change comes."""
    match what:
        case What.DATES:
            return {"starts_at": batch.starts_at.isoformat(), "ends_at": batch.ends_at.isoformat()}
        case What.REGISTRATION:
            moments = (("reg_open", batch.reg_open), ("reg_close", batch.reg_close))
            if programme.enrolment is Enrolment.NOMINATION:
                moments = (("reg_open", None), ("reg_close", batch.nominate_close))
            return {name: at and at.isoformat() for name, at in moments}
        case What.SEATS:
            return making.seats_of(session, batch.id)
        case What.STAGE | What.SUBJECT:
            return list(programme.audience.get(what.value) or [])
        case What.HOURS:
            return f"{programme.planned_hours:.1f}"
        case What.PLACE | What.BRING:
            return getattr(batch, _OF_BATCH[what])
        case What.CATEGORY:
            return programme.category
        case _ if what in _CHOICES:
            return getattr(programme, _CHOICES[what][0]).value
        case _:
            return getattr(programme, _TEXTS[what])


def _audience(programme: Programme, what: What, values: Any) -> dict[str, Any] | None:
    """Return the audience with another stage or subject; None for another kind of change."""
    if what not in (What.STAGE, What.SUBJECT):
        return None
    rest = {key: kept for key, kept in programme.audience.items() if key != what.value}
    return {**rest, what.value: values} if values else rest


@dataclass(frozen=True)
class _For:
    audience: dict[str, Any]


def _let_in(session: Session, programme: Programme, *, now: datetime) -> None:
    """Enrol whoever is newly due in a programme that everybody concerned is in."""
    if programme.enrolment is not Enrolment.AUTOMATIC:
        return
    for batch in session.exec(
        select(Batch).where(
            Batch.programme_id == programme.id,
            col(Batch.cancelled_at).is_(None),
            Batch.ends_at > now,
        )
    ).all():
        enrolment.enrol_all_due(session, batch.id, now=now)


def _give_closings(session: Session, programme: Programme, *, now: datetime) -> None:
    """Let what is entered by another door now close when that door usually does."""
    calendar = workdays.load(session)
    for batch in session.exec(select(Batch).where(Batch.programme_id == programme.id)).all():
        closes = making.usual_close(calendar, batch.starts_at, now=now)
        if programme.enrolment in SELF_REGISTERED and batch.reg_close is None:
            batch.reg_close = closes
        if programme.enrolment is Enrolment.NOMINATION and batch.nominate_close is None:
            batch.nominate_close = closes
    session.flush()


def _take_closings_along(
    session: Session, batch: Batch, starts_at: datetime, *, now: datetime
) -> None:
    """In a draft, let what closes when it usually does, or too late, close as usual anew."""
    calendar = workdays.load(session)
    usual, anew = (
        making.usual_close(calendar, start, now=now) for start in (batch.starts_at, starts_at)
    )
    if batch.reg_close is not None and (batch.reg_close == usual or batch.reg_close > starts_at):
        batch.reg_close = anew
    if batch.nominate_close is not None and (
        batch.nominate_close == usual or batch.nominate_close > starts_at
    ):
        batch.nominate_close = anew
    session.flush()


def _seated_without(session: Session, batch_id: int) -> list[int]:
    """Return the registrations that hold a seat of a class without a limit."""
    return list(
        session.exec(
            select(Registration.id).where(
                Registration.batch_id == batch_id,
                col(Registration.state).in_(SEATED),
                col(Registration.quota_id).is_(None),
            )
        ).all()
    )


def _check_seats(session: Session, programme: Programme, batch: Batch, total: int | None) -> None:
    quotas = session.exec(select(Quota).where(Quota.batch_id == batch.id)).all()
    if programme.enrolment is Enrolment.AUTOMATIC:
        return  # everybody is in, whatever the number says
    if total is None:
        taken = sum(quota.taken for quota in quotas)
        others = [quota for quota in quotas if not quota.is_pool]
        if taken or others:
            raise SeatsTaken(max(1, sum(quota.seats for quota in others), taken))
        return
    least = sum(quota.taken if quota.is_pool else quota.seats for quota in quotas)
    if not quotas:
        least = len(_seated_without(session, batch.id))
    if total < least:
        raise SeatsTaken(least)


def _set_seats(
    session: Session, programme: Programme, batch: Batch, total: int | None, *, now: datetime
) -> None:
    """Set how many seats there are in all; what is not given to schools is the open pool."""
    quotas = session.exec(
        select(Quota).where(Quota.batch_id == batch.id).execution_options(populate_existing=True)
    ).all()
    if total is None:
        waits = session.exec(
            select(Registration.id).where(Registration.batch_id == batch.id)
        ).first()
        if waits is not None:
            raise SeatsTaken(max(1, sum(quota.seats for quota in quotas)))
        for quota in quotas:
            session.delete(quota)
        session.flush()
        return
    pool = next((quota for quota in quotas if quota.is_pool), None)
    if pool is None:
        pool = Quota(
            batch_id=batch.id, unit_id=programme.owner_unit_id, seats=0, taken=0, is_pool=True
        )
        session.add(pool)
        session.flush()
    pool.seats = total - sum(quota.seats for quota in quotas if not quota.is_pool)
    if not quotas and programme.enrolment is not Enrolment.AUTOMATIC:
        seated = _seated_without(session, batch.id)
        pool.taken = len(seated)
        session.exec(
            sa.update(Registration).where(col(Registration.id).in_(seated)).values(quota_id=pool.id)
        )
    session.flush()
    if programme.state is ProgrammeState.PUBLISHED:
        waiting.offer_next(session, batch.id, now=now)


_MOVES = {
    What.DATES: ("batch_start", "remote_start", "remote_end", "nomination", "release"),
    What.REGISTRATION: ("reg_open", "reg_close", "nomination"),
}
"""The deadlines of a class that follow; its meetings follow the dates."""


def _deadlines(session: Session, batch_id: int, kinds: tuple[str, ...], *, now: datetime) -> int:
    meetings = sa.select(col(ClassSession.id)).where(col(ClassSession.batch_id) == batch_id)
    return session.exec(
        select(sa.func.count())
        .select_from(Deadline)
        .where(
            Deadline.state == DeadlineState.ACTIVE,
            Deadline.at > now,
            sa.or_(
                sa.and_(col(Deadline.kind).in_(kinds), col(Deadline.subject_id) == batch_id),
                sa.and_(
                    sa.literal("batch_start" in kinds),
                    col(Deadline.kind) == "session",
                    col(Deadline.subject_id).in_(meetings),
                ),
            ),
        )
    ).one()


def _count(session: Session, batch_id: int) -> tuple[int, int]:
    people, reached = session.exec(
        select(sa.func.count(), sa.func.count(col(Account.id)))
        .select_from(Registration)
        .outerjoin(
            Account,
            sa.and_(
                col(Account.teacher_id) == col(Registration.teacher_id), col(Account.reachable)
            ),
        )
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(IN_IT))
    ).one()
    return people, people - reached


def _told_facts(batch: Batch) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "starts_at": batch.starts_at.isoformat(),
        "ends_at": batch.ends_at.isoformat(),
        "place": batch.place,
    }


def _tell(session: Session, batch: Batch, before: dict[str, Any], *, now: datetime) -> int:
    """Leave one message for everybody who is in, unless one is waiting; return how many are in.

    The message says what is different from ``before`` when it goes out.
    """
    waits = sa.orm.aliased(OutboxMessage)
    teachers = sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch.id,
        col(Registration.state).in_(IN_IT),
        ~sa.exists().where(
            col(waits.teacher_id) == col(Registration.teacher_id),
            col(waits.kind) == KIND,
            col(waits.state) == OutboxState.PENDING,
            col(waits.dedupe_key).startswith(f"{KIND}:{batch.id}:"),
        ),
    )
    outbox.put_all(
        session,
        KIND,
        teachers,
        facts=before,
        priority=Priority.OFFER,
        not_before=now + FOLD,
        useful_until=batch.ends_at,
        key=f"{KIND}:{batch.id}:{batch.revision}:",
        now=now,
    )
    return _count(session, batch.id)[0]
