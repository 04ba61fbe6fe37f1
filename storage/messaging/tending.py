"""Who looks after a notice: all of it, or of one that has left the part about their own people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import outbox
from storage.messaging.tables import News, Notice, NoticeRecipient
from storage.people import authority, roles
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Posting, Role
from storage.refusals import NotAllowed, NotFound
from storage.training.tables import Batch, Programme


@dataclass(frozen=True)
class Reach:
    """How far somebody looks into a notice; ``units`` is None for the whole of it."""

    notice: Notice
    units: Any = None
    from_above: bool = False
    """The people are not the reader's own to tend: a look at their names is written down."""

    @property
    def whole(self) -> bool:
        """Whether it is the reader's to chase, correct and withdraw."""
        return self.units is None

    def within(self, today: date) -> sa.ColumnElement[bool]:
        """The condition that a recipient is in reach."""
        if self.units is None:
            return sa.true()
        return col(NoticeRecipient.teacher_id).in_(
            sa.select(col(Posting.teacher_id)).where(
                col(Posting.unit_id).in_(self.units), *posted_on(today)
            )
        )


def posted_on(today: date) -> tuple[Any, ...]:
    """Conditions that a posting is the primary one of the day."""
    return (
        col(Posting.is_primary),
        col(Posting.since) <= today,
        sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
    )


def reach(session: Session, actor_id: int, notice_id: int, *, today: date) -> Reach:
    """Return how far this person looks into the notice. Raises NotFound or NotAllowed.

    The whole is of whoever may notify the unit in whose name it is, or the class that it is
    for; so of its author as long as they may. Who tends some of those whom it concerns sees
    these.
    """
    notice = get(session, notice_id)
    if may_tend(session, actor_id, notice, today=today):
        own = notice.author_id == actor_id or authority.may(
            session, actor_id, Act.NOTIFY_UNIT, notice.unit_id, today=today, own=True
        )
        return Reach(notice, from_above=not own)
    units = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today)
    part = Reach(notice, units)
    concerned = select(NoticeRecipient.id).where(
        NoticeRecipient.notice_id == notice_id, part.within(today)
    )
    if session.exec(concerned.limit(1)).first() is None:
        raise NotAllowed
    return part


def whole(session: Session, actor_id: int, notice_id: int, *, today: date) -> Notice:
    """Return the notice for who may act with all of it. Raises NotFound or NotAllowed."""
    notice = get(session, notice_id, for_change=True)
    if not may_tend(session, actor_id, notice, today=today):
        raise NotAllowed
    return notice


def get(session: Session, notice_id: int, *, for_change: bool = False) -> Notice:
    """Return the notice as it is now. Raises NotFound."""
    statement = (
        select(Notice).where(Notice.id == notice_id).execution_options(populate_existing=True)
    )
    if for_change:
        statement = statement.with_for_update(key_share=True)
    notice = session.exec(statement).first()
    if notice is None:
        raise NotFound("notice")
    return notice


def may_tend(session: Session, teacher_id: int, notice: Notice, *, today: date) -> bool:
    """Whether this person may write, send and look after it today: of the unit, or the class."""
    if authority.may(session, teacher_id, Act.NOTIFY_UNIT, notice.unit_id, today=today):
        return True
    return is_of_class(session, notice) and authority.may_with(
        session, teacher_id, Act.NOTIFY_CLASS, notice.audience["batch"], today=today
    )


def is_of_class(session: Session, notice: Notice) -> bool:
    """Whether it is sent in the name of whoever owns the class that it is for."""
    batch_id = notice.audience.get("batch")
    return batch_id is not None and owner_of(session, batch_id) == notice.unit_id


def owner_of(session: Session, batch_id: int) -> int | None:
    """Return the unit whose programme a class belongs to."""
    return session.exec(
        select(Programme.owner_unit_id)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()


def told_in_brief() -> sa.ColumnElement[bool]:
    """The condition that a recipient was told of the notice by a daily brief."""
    return sa.exists().where(
        col(News.kind) == outbox.NOTICE,
        col(News.subject_id) == col(NoticeRecipient.notice_id),
        col(News.teacher_id) == col(NoticeRecipient.teacher_id),
        col(News.told_at).is_not(None),
    )


def answerers(session: Session, notice: Notice, *, today: date) -> list[int]:
    """Return who answers for the notice: its author, or if they may not any more the unit's
    coordinators, else its principal, else the coordinators of the units above."""
    if may_tend(session, notice.author_id, notice, today=today):
        return [notice.author_id]
    unit_id: int | None = notice.unit_id
    while unit_id is not None:
        for role in (Role.SCHOOL_COORDINATOR, Role.PRINCIPAL, Role.COUNTY_COORDINATOR):
            found = roles.holders(session, role, unit_id, today=today)
            if found:
                return found
        unit_id = session.exec(select(OrgUnit.parent_id).where(OrgUnit.id == unit_id)).first()
    return []
