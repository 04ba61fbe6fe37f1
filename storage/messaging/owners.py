"""Who answers for a place: whoever said what it stands for, or the coordinators of its unit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.messaging.tables import Chat, ChatPurpose
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import MAY, Act
from storage.people.tables import (
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
)

# Of a batch the engine knows its programme, by name: it does not import the training wing.
_batch = sa.table("batch", sa.column("id"), sa.column("programme_id"))
# A teacher who left answers for nothing.
_GONE = (TeacherState.LEFT, TeacherState.RETIRED)
_TENDING = [role for role, acts in MAY.items() if Act.BIND_GROUP in acts]


def programmes_of(session: Session, teacher_id: int, *, today: date) -> Any:
    """Select the ids of the programmes for whose groups this person may speak today."""
    mine = authority.batches(session, teacher_id, Act.NOTIFY_CLASS, today=today).subquery()
    return sa.select(_batch.c.programme_id).where(_batch.c.id.in_(sa.select(mine.c.id)))


def units_of(session: Session, teacher_id: int, *, today: date) -> Any:
    """Select the ids of the units whose groups this person may tend today."""
    return authority.reaches(session, teacher_id, Act.BIND_GROUP, today=today)


def tended(session: Session, teacher_id: int, *, today: date) -> sa.ColumnElement[bool]:
    """Whether a place is one that this person may tend today; a condition on ``Chat``."""
    units = units_of(session, teacher_id, today=today).subquery()
    of_unit = col(Chat.unit_id).in_(sa.select(units.c.id))
    programmes = programmes_of(session, teacher_id, today=today)
    return sa.and_(
        col(Chat.purpose).is_not(None),
        sa.or_(
            of_unit,
            sa.and_(
                col(Chat.purpose) == ChatPurpose.PROGRAMME,
                col(Chat.programme_id).in_(programmes),
            ),
        ),
    )


def tends(session: Session, teacher_id: int, chat_id: int, *, today: date) -> bool:
    """Whether this person may tend this place today."""
    return (
        session.exec(
            select(Chat.id).where(Chat.id == chat_id, tended(session, teacher_id, today=today))
        ).first()
        is not None
    )


def owners(session: Session, chat_id: int, *, today: date) -> list[int]:
    """Return who is told what happens to a place; nobody where it stands for nothing.

    Whoever bound it, as long as they may; else those who tend its unit, or the next unit above
    that has anybody.
    """
    chat = session.exec(
        select(Chat).where(Chat.id == chat_id, col(Chat.purpose).is_not(None))
    ).first()
    if chat is None:
        return []
    if chat.bound_by is not None and tends(session, chat.bound_by, chat_id, today=today):
        return [chat.bound_by]
    unit_id = chat.unit_id
    if unit_id is None and chat.programme_id is not None:
        programme = SQLModel.metadata.tables["programme"]
        unit_id = session.exec(
            sa.select(programme.c.owner_unit_id).where(programme.c.id == chat.programme_id)  # type: ignore[call-overload]
        ).scalar_one_or_none()
    return tending_next(session, unit_id, today)


def askable(session: Session, teacher_id: int, *, now: datetime) -> tuple[str, ...]:
    """Return by name who could say what a group of this person's school stands for."""
    today = offices.today(session, now)
    home = session.exec(
        select(Posting.unit_id).where(
            Posting.teacher_id == teacher_id, col(Posting.is_primary), col(Posting.until).is_(None)
        )
    ).first()
    who = tending_next(session, home, today)
    rows = session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(who))).all()
    names = dict(rows)
    return tuple(names[id_] for id_ in who)


def tending_next(session: Session, unit_id: int | None, today: date) -> list[int]:
    """Return who tends this unit, or the next above it that anybody tends."""
    while unit_id is not None:
        found = _tending(session, unit_id, today)
        if found:
            return found
        unit_id = session.exec(select(OrgUnit.parent_id).where(OrgUnit.id == unit_id)).first()
    return []


def _tending(session: Session, unit_id: int, today: date) -> list[int]:
    """Who tends this very unit, coordinators before principals."""
    rows: Any = session.exec(
        select(RoleAssignment.teacher_id, RoleAssignment.role)
        .join(Teacher, col(Teacher.id) == col(RoleAssignment.teacher_id))
        .where(
            RoleAssignment.scope_kind == ScopeKind.UNIT,
            RoleAssignment.scope_id == unit_id,
            col(RoleAssignment.role).in_(_TENDING),
            authority.runs(today),
            col(Teacher.state).not_in(_GONE),
        )
        .order_by(col(RoleAssignment.id))
    ).all()
    coordinators = [row.teacher_id for row in rows if row.role is not Role.PRINCIPAL]
    return list(dict.fromkeys(coordinators or [row.teacher_id for row in rows]))


def owes(
    session: Session,
    kind: str,  # noqa: ARG001
    subject_id: int,
    *,
    now: datetime,  # noqa: ARG001
    teacher_id: int | None = None,
) -> sa.Select[int] | None:
    """Select who is to close a group whose task is over: ``chat_dissolve``, of a place."""
    chat = session.exec(
        select(Chat).where(
            Chat.id == subject_id, col(Chat.active), col(Chat.dissolve_at).is_not(None)
        )
    ).first()
    who: list[int] = []
    if chat is not None and chat.dissolve_at is not None:
        today = local_day(chat.dissolve_at, offices.zone(session))
        who = owners(session, chat.id, today=today)
    owing = sa.select(col(Teacher.id)).where(col(Teacher.id).in_(who))
    return owing if teacher_id is None else owing.where(col(Teacher.id) == teacher_id)
