"""How a notice stands: whom it reached, who has confirmed, who asked; in figures and by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, moments
from storage.messaging import confirming, notice_posts, riding, tending
from storage.messaging.outbox import UNREACHABLE
from storage.messaging.tables import (
    Notice,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Question,
)
from storage.messaging.tending import Reach
from storage.messaging.unconfirmed import overtaken
from storage.moments import local_day
from storage.people import offices, units
from storage.people.tables import Contact, OrgUnit, Posting, Teacher
from storage.refusals import NotFound

PAGE = 8
UNITS = 10


class Where(StrEnum):
    """How far a notice has come to one person."""

    SENT = "sent"
    WAITING = "waiting"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNSENT = "unsent"  # skipped, or in doubt after a crash


class Among(StrEnum):
    """Of whom a list is; those of ``Where`` and two that go across them."""

    SENT = "sent"
    WAITING = "waiting"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNSENT = "unsent"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    ASKED = "asked"


@dataclass(frozen=True)
class Report:
    """A notice in figures, as far as whoever looks may see."""

    notice_id: int
    title: str
    unit: str
    state: NoticeState
    send_at: datetime | None
    rides_at: datetime | None
    """When most get it, while it waits for the daily brief."""
    answer_by: datetime | None
    wants_answer: bool
    reason: str
    whole: bool
    """Theirs to chase, correct and withdraw; else the part of their own people."""
    people: int
    where: Mapping[Where, int]
    confirmed: int
    by_deed: int
    overtaken: int
    """Of those who have not confirmed, had done so before it was corrected."""
    is_corrected: bool
    asked: int
    """Have a question open."""
    has_questions: bool
    """Somebody has asked, if only what is answered."""
    can_pin: bool
    """There is a group in which it could be pinned and is not."""
    chased_at: datetime | None
    next_chase: datetime | None
    units: int
    """How many units the people are of."""

    @property
    def unconfirmed(self) -> int:
        return self.people - self.confirmed

    @property
    def is_sending(self) -> bool:
        return self.state is NoticeState.SENDING or (
            self.state is NoticeState.SENT and self.where.get(Where.WAITING, 0) > 0
        )


@dataclass(frozen=True)
class PersonLine:
    """One recipient in a list."""

    teacher_id: int
    name: str
    unit: str
    where: Where
    confirmed_at: datetime | None
    contacted_at: datetime | None
    had_confirmed: bool
    """They have confirmed, if only what a correction has overtaken."""


@dataclass(frozen=True)
class People:
    """A page of recipients; pages count from 0."""

    notice_id: int
    title: str
    among: Among
    lines: tuple[PersonLine, ...]
    page: int
    pages: int
    total: int
    contacted: int
    """With so many of them somebody has spoken about it."""


@dataclass(frozen=True)
class UnitLine:
    """One unit's people in figures."""

    name: str
    people: int
    confirmed: int
    not_reached: int


@dataclass(frozen=True)
class ByUnit:
    """A page of units, those with the most unconfirmed first; pages count from 0."""

    notice_id: int
    title: str
    wants_answer: bool
    lines: tuple[UnitLine, ...]
    page: int
    pages: int


def _where(notice: Notice) -> Any:
    """How far the notice has come to a recipient; what waits of one withdrawn never goes."""
    waiting = Where.UNSENT if notice.state is NoticeState.WITHDRAWN else Where.WAITING
    return sa.case(
        (col(OutboxMessage.state) == OutboxState.SENT, Where.SENT.value),
        # Whoever has confirmed in the group first is not sent it in private any more.
        (
            sa.and_(
                col(OutboxMessage.state) == OutboxState.SKIPPED,
                sa.or_(col(NoticeRecipient.confirmed_at).is_not(None), overtaken()),
            ),
            Where.SENT.value,
        ),
        (col(OutboxMessage.state) == OutboxState.SENDING, Where.WAITING.value),
        (col(OutboxMessage.state) == OutboxState.PENDING, waiting.value),
        (
            sa.and_(
                col(OutboxMessage.state) == OutboxState.REFUSED,
                col(OutboxMessage.fault) != UNREACHABLE,
            ),
            Where.REFUSED.value,
        ),
        (col(OutboxMessage.state) == OutboxState.REFUSED, Where.UNREACHABLE.value),
        (col(OutboxMessage.id).is_not(None), Where.UNSENT.value),
        (tending.told_in_brief(), Where.SENT.value),
        (col(NoticeRecipient.reached), waiting.value),
        else_=Where.UNREACHABLE.value,
    )


def report(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Report:
    """Return how the notice stands, in figures. Raises NotFound, NotAllowed."""
    today = local_day(now, offices.zone(session))
    reach = tending.reach(session, actor_id, notice_id, today=today)
    notice = reach.notice
    where: dict[Where, int] = {}
    people = confirmed = by_deed = 0
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            _where(notice).label("place"),
            sa.func.count(),
            sa.func.count(col(NoticeRecipient.confirmed_at)),
            sa.func.sum(sa.case((col(NoticeRecipient.by_deed), 1), else_=0)),
        )
        .select_from(NoticeRecipient)
        .outerjoin(OutboxMessage, col(OutboxMessage.id) == col(NoticeRecipient.outbox_id))
        .where(col(NoticeRecipient.notice_id) == notice_id, reach.within(today))
        .group_by("place")
    ).all()
    for place, number, done, deeds in rows:
        where[Where(place)] = number
        people, confirmed, by_deed = people + number, confirmed + done, by_deed + int(deeds)
    asked = session.exec(
        select(sa.func.count())
        .select_from(NoticeRecipient)
        .where(NoticeRecipient.notice_id == notice_id, reach.within(today), _asked(notice_id))
    ).one()
    before = 0
    if notice.ring_revision:
        before = session.exec(
            select(sa.func.count())
            .select_from(NoticeRecipient)
            .where(
                NoticeRecipient.notice_id == notice_id,
                reach.within(today),
                _is(Among.UNCONFIRMED, notice),
                overtaken(),
            )
        ).one()
    number = session.exec(
        _of_units(notice_id, reach, today).with_only_columns(
            sa.func.count(sa.distinct(col(Posting.unit_id)))
        )
    ).scalar_one()
    until = confirming.next_chase(notice)
    return Report(
        notice_id=notice_id,
        title=notice.title,
        unit=units.signature(session, notice.unit_id),
        state=NoticeState(notice.state),
        send_at=notice.send_at,
        rides_at=riding.goes_at(session, notice, now=now),
        answer_by=notice.answer_by,
        wants_answer=notice.wants_answer,
        reason=notice.reason,
        whole=reach.whole,
        people=people,
        where=where,
        confirmed=confirmed,
        by_deed=by_deed,
        overtaken=before,
        is_corrected=notice.ring_revision > 0,
        asked=asked,
        has_questions=session.exec(
            select(Question.id).where(Question.notice_id == notice_id).limit(1)
        ).first()
        is not None,
        can_pin=bool(notice_posts.pinnable(session, notice)),
        chased_at=notice.chased_at,
        next_chase=until if until is not None and until > now else None,
        units=number,
    )


def people(
    session: Session,
    actor_id: int,
    notice_id: int,
    among: Among,
    *,
    page: int = 0,
    like: str = "",
    holding: int | None = None,
    now: datetime,
) -> People:
    """Return a page of recipients by name; a look from above is written down.

    ``like`` is a part of a person's or a unit's name; ``holding`` asks for the page on which
    that teacher stands. Raises NotFound, NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    reach = tending.reach(session, actor_id, notice_id, today=today)
    if reach.from_above:
        audit.record(session, actor_id, "look_at_recipients", f"notice:{notice_id}", now=now)
        session.flush()
    found = _people(notice_id, reach, today).where(_is(among, reach.notice))
    each = found.subquery().c
    total, contacted = session.exec(
        sa.select(sa.func.count(), sa.func.count(each.called))  # type: ignore[call-overload]
    ).one()
    # Who is marked today keeps the place in the list, so that the mark is seen and taken back.
    morning = moments.at(today, 0, offices.zone(session))
    order = sa.case((each.called < morning, 1), else_=0), each.unit_id, each.staff_no
    ordered = sa.select(*each, sa.func.row_number().over(order_by=order).label("number"))
    if like:
        ordered = ordered.where(
            sa.or_(*(name.contains(like, autoescape=True) for name in (each.name, each.unit)))
        )
    listed = ordered.subquery().c
    matching, place = session.exec(
        sa.select(  # type: ignore[call-overload]
            sa.func.count(), sa.func.max(sa.case((listed.id == holding, listed.number)))
        )
    ).one()
    pages = max(1, -(-matching // PAGE))
    page = min(max(0, page if place is None else (place - 1) // PAGE), pages - 1)
    rows = session.exec(
        sa.select(*listed)  # type: ignore[call-overload]
        .order_by(listed.number)
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    return People(
        notice_id,
        reach.notice.title,
        among,
        tuple(_line(row) for row in rows),
        page,
        pages,
        total,
        contacted,
    )


def mark_contacted(
    session: Session, actor_id: int, notice_id: int, teacher_id: int, *, now: datetime
) -> bool:
    """Note that one has spoken with this recipient about it; again the same day takes it back.

    True when it is noted now. Raises NotFound, NotAllowed.
    """
    zone = offices.zone(session)
    today = local_day(now, zone)
    reach = tending.reach(session, actor_id, notice_id, today=today)
    concerned = session.exec(
        select(NoticeRecipient.id).where(
            NoticeRecipient.notice_id == notice_id,
            NoticeRecipient.teacher_id == teacher_id,
            reach.within(today),
        )
    ).first()
    if concerned is None:
        raise NotFound("recipient")
    mine = session.exec(
        select(Contact)
        .where(
            Contact.teacher_id == teacher_id,
            Contact.by_id == actor_id,
            Contact.about == about(notice_id),
        )
        .order_by(col(Contact.at).desc())
    ).first()
    taken_back = mine is not None and local_day(mine.at, zone) == today
    if mine is not None and taken_back:
        session.delete(mine)
    else:
        session.add(Contact(teacher_id=teacher_id, by_id=actor_id, at=now, about=about(notice_id)))
    action = "unmark_contacted" if taken_back else "mark_contacted"
    audit.record(
        session, actor_id, action, f"teacher:{teacher_id}", now=now, reason=about(notice_id)
    )
    session.flush()
    return not taken_back


def about(notice_id: int) -> str:
    """What a call is noted to be about."""
    return f"notice:{notice_id}"


def by_unit(
    session: Session, actor_id: int, notice_id: int, *, page: int = 0, now: datetime
) -> ByUnit:
    """Return a page of the units in figures. Raises NotFound, NotAllowed."""
    today = local_day(now, offices.zone(session))
    reach = tending.reach(session, actor_id, notice_id, today=today)
    done = sa.func.count(col(NoticeRecipient.confirmed_at))
    lost = sa.func.sum(
        sa.case(
            (_where(reach.notice).in_([Where.UNREACHABLE.value, Where.REFUSED.value]), 1), else_=0
        )
    )
    found = (
        _of_units(notice_id, reach, today)
        .with_only_columns(col(OrgUnit.name), sa.func.count(), done, lost)
        .group_by(col(OrgUnit.id), col(OrgUnit.name))
    )
    number = session.exec(select(sa.func.count()).select_from(found.subquery())).one()
    pages = max(1, -(-number // UNITS))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        found.order_by((sa.func.count() - done).desc(), col(OrgUnit.id))
        .offset(page * UNITS)
        .limit(UNITS)
    ).all()
    return ByUnit(
        notice_id,
        reach.notice.title,
        reach.notice.wants_answer,
        tuple(UnitLine(name, total, confirmed, int(gone)) for name, total, confirmed, gone in rows),
        page,
        pages,
    )


@dataclass(frozen=True)
class Exported:
    """All recipients in reach, for a sheet."""

    title: str
    lines: tuple[PersonLine, ...]


def export(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Exported:
    """Return everybody in reach, by unit; the log keeps who took it. Raises as ``people``."""
    today = local_day(now, offices.zone(session))
    reach = tending.reach(session, actor_id, notice_id, today=today)
    rows = session.exec(
        _people(notice_id, reach, today).order_by(col(OrgUnit.id), col(Teacher.staff_no))
    ).all()
    audit.record(
        session,
        actor_id,
        "export_recipients",
        f"notice:{notice_id}",
        now=now,
        after={"rows": len(rows)},
    )
    session.flush()
    return Exported(reach.notice.title, tuple(_line(row) for row in rows))


def _people(notice_id: int, reach: Reach, today: date) -> Any:
    called = (
        sa.select(col(Contact.teacher_id), sa.func.max(col(Contact.at)).label("at"))
        .where(col(Contact.about) == about(notice_id))
        .group_by(col(Contact.teacher_id))
        .subquery()
    )
    return (
        sa.select(
            col(Teacher.id),
            col(Teacher.name),
            sa.func.coalesce(col(OrgUnit.name), "").label("unit"),
            col(OrgUnit.id).label("unit_id"),
            col(Teacher.staff_no),
            _where(reach.notice).label("place"),
            col(NoticeRecipient.confirmed_at),
            called.c.at.label("called"),
            (overtaken() if reach.notice.ring_revision else sa.false()).label("had_confirmed"),
        )
        .select_from(NoticeRecipient)
        .join(Teacher, col(Teacher.id) == col(NoticeRecipient.teacher_id))
        .outerjoin(OutboxMessage, col(OutboxMessage.id) == col(NoticeRecipient.outbox_id))
        .outerjoin(
            Posting,
            sa.and_(col(Posting.teacher_id) == col(Teacher.id), *tending.posted_on(today)),
        )
        .outerjoin(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
        .outerjoin(called, called.c.teacher_id == col(Teacher.id))
        .where(col(NoticeRecipient.notice_id) == notice_id, reach.within(today))
    )


def _of_units(notice_id: int, reach: Reach, today: date) -> Any:
    return (
        sa.select(col(NoticeRecipient.id))
        .join(Posting, col(Posting.teacher_id) == col(NoticeRecipient.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
        .outerjoin(OutboxMessage, col(OutboxMessage.id) == col(NoticeRecipient.outbox_id))
        .where(
            col(NoticeRecipient.notice_id) == notice_id,
            *tending.posted_on(today),
            reach.within(today),
        )
    )


def _asked(notice_id: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(Question.notice_id) == notice_id,
        col(Question.teacher_id) == col(NoticeRecipient.teacher_id),
        col(Question.answered_at).is_(None),
    )


def _is(among: Among, notice: Notice) -> sa.ColumnElement[bool]:
    match among:
        case Among.CONFIRMED:
            return col(NoticeRecipient.confirmed_at).is_not(None)
        case Among.UNCONFIRMED:
            return col(NoticeRecipient.confirmed_at).is_(None)
        case Among.ASKED:
            return _asked(notice.id)
        case _:
            found: sa.ColumnElement[bool] = among.value == _where(notice)
            return found


def _line(row: Any) -> PersonLine:
    return PersonLine(
        row.id,
        row.name,
        row.unit,
        Where(row.place),
        row.confirmed_at,
        row.called,
        bool(row.had_confirmed),
    )
