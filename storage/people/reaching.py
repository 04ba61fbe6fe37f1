"""Who is not reached by messages, and who has been spoken with instead.

Being unreachable is a state, not a fault: the coordinator makes a call and notes that it was
made, and the list says who is left (anchors b 2, b 13).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.moments import local_day
from storage.people import authority, offices, staff
from storage.people.authority import Act
from storage.people.tables import Account, Contact, OrgUnit, Posting, Teacher, TeacherState
from storage.refusals import NotFound

PAGE = 8
REMEMBERED = timedelta(days=30)
"""How long a call counts, and how far back lost messages are counted."""


class Why(StrEnum):
    """Why messages do not arrive."""

    NOT_LINKED = "not_linked"
    CLOSED = "closed"  # blocked the bot, or never opened the private chat


@dataclass(frozen=True)
class UnreachedLine:
    """Somebody who is not reached: why, and how many messages were lost within a month."""

    teacher_id: int
    name: str
    why: Why
    lost: int
    contacted_at: datetime | None


@dataclass(frozen=True)
class Unreached:
    """A page of a unit's people who are not reached; who was not spoken with comes first."""

    unit_id: int
    unit: str
    lines: tuple[UnreachedLine, ...]
    page: int
    pages: int
    total: int
    contacted: int


def unreached(
    session: Session, actor_id: int, unit_id: int, *, page: int = 0, now: datetime
) -> Unreached:
    """Return a page of them; a look from above is written down. Raises NotAllowed, NotFound."""
    today = local_day(now, offices.zone(session))
    unit = session.exec(select(OrgUnit).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    authority.check(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today)
    if not authority.may(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today, own=True):
        audit.record(session, actor_id, "look_at_people", f"unit:{unit_id}", now=now)
    since = now - REMEMBERED
    lost = (
        sa.select(col(OutboxMessage.teacher_id), sa.func.count().label("lost"))
        .where(
            col(OutboxMessage.state) == OutboxState.REFUSED, col(OutboxMessage.created_at) >= since
        )
        .group_by(col(OutboxMessage.teacher_id))
        .subquery()
    )
    called = (
        sa.select(col(Contact.teacher_id), sa.func.max(col(Contact.at)).label("at"))
        .where(col(Contact.at) >= since)
        .group_by(col(Contact.teacher_id))
        .subquery()
    )
    missed = sa.func.coalesce(lost.c.lost, 0)
    found = (
        sa.select(col(Teacher.id), col(Teacher.name), col(Account.id), missed, called.c.at)
        .select_from(staff.posted(today))
        .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
        .outerjoin(lost, lost.c.teacher_id == col(Teacher.id))
        .outerjoin(called, called.c.teacher_id == col(Teacher.id))
        .where(
            col(Posting.unit_id) == unit_id,
            col(Teacher.state) == TeacherState.ACTIVE,
            sa.or_(col(Account.id).is_(None), ~col(Account.reachable)),
        )
    )
    total, contacted = session.exec(  # type: ignore[call-overload]
        found.with_only_columns(sa.func.count(), sa.func.count(called.c.at))
    ).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(  # type: ignore[call-overload]
        found.order_by(called.c.at.is_not(None), missed.desc(), col(Teacher.staff_no))
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    session.flush()
    return Unreached(
        unit_id=unit_id,
        unit=unit.name,
        lines=tuple(
            UnreachedLine(
                id_, name, Why.NOT_LINKED if account is None else Why.CLOSED, int(count), at
            )
            for id_, name, account, count, at in rows
        ),
        page=page,
        pages=pages,
        total=total,
        contacted=contacted,
    )


def mark_contacted(
    session: Session, actor_id: int, teacher_id: int, *, about: str = "", now: datetime
) -> bool:
    """Note that one has spoken with this teacher; a second time on one day takes it back.

    True when it is noted now, False when it was taken back. Raises NotAllowed.
    """
    today = local_day(now, offices.zone(session))
    authority.check_about(session, actor_id, Act.SEE_PEOPLE, teacher_id, today=today)
    return note_contact(session, actor_id, teacher_id, about=about, now=now)


def note_contact(
    session: Session, by_id: int, teacher_id: int, *, about: str, now: datetime
) -> bool:
    """Note it as ``mark_contacted`` does, for whoever has been found to have the right."""
    zone = offices.zone(session)
    mine = session.exec(
        select(Contact)
        .where(Contact.teacher_id == teacher_id, Contact.by_id == by_id, Contact.about == about)
        .order_by(col(Contact.at).desc())
    ).first()
    taken_back = mine is not None and local_day(mine.at, zone) == local_day(now, zone)
    if mine is not None and taken_back:
        session.delete(mine)
    else:
        session.add(Contact(teacher_id=teacher_id, by_id=by_id, at=now, about=about))
    action = "unmark_contacted" if taken_back else "mark_contacted"
    audit.record(session, by_id, action, f"teacher:{teacher_id}", now=now)
    session.flush()
    return not taken_back


def contacted_at(
    session: Session, teacher_ids: Collection[int], *, now: datetime
) -> dict[int, datetime]:
    """Return when each of these was last spoken with, within a month."""
    rows = session.exec(
        select(Contact.teacher_id, sa.func.max(col(Contact.at)))
        .where(col(Contact.teacher_id).in_(teacher_ids), Contact.at >= now - REMEMBERED)
        .group_by(col(Contact.teacher_id))
    ).all()
    return {teacher_id: at for teacher_id, at in rows if at is not None}
