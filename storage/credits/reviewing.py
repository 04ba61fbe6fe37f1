"""Whose word it is: the school's first, then the county's, on what a teacher asks for."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people import authority
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Posting, Role, RoleAssignment, ScopeKind
from storage.refusals import NotFound

TENDERS = (Role.SCHOOL_COORDINATOR, Role.PRINCIPAL)
LONGEST = 500  # characters of a reason, a view or an answer


def first_word(session: Session, actor_id: int, *, today: date) -> Any:
    """Select the units for which the school's word is this person's to give.

    Their own ones; and whoever oversees a school helps out where nobody tends it.
    """
    own = authority.reaches(session, actor_id, Act.CONFIRM_HOURS, today=today, own=True)
    seen = authority.reaches(session, actor_id, Act.CONFIRM_HOURS, today=today)
    tended = sa.exists().where(
        col(RoleAssignment.role).in_(TENDERS),
        col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
        col(RoleAssignment.scope_id) == col(OrgUnit.id),
        authority.runs(today),
    )
    return sa.select(col(OrgUnit.id)).where(
        sa.or_(
            col(OrgUnit.id).in_(own),
            sa.and_(col(OrgUnit.id).in_(seen), ~tended),
        )
    )


def alone(session: Session, actor_id: int, *, today: date) -> Any:
    """Select unit and teacher where this person speaks for a school that one alone tends.

    About this one only: nobody gives the school's word on what is their own.
    """
    seen = authority.reaches(session, actor_id, Act.CONFIRM_HOURS, today=today)
    return authority.alone(Act.CONFIRM_HOURS, seen, today=today)


def may_speak_first(session: Session, actor_id: int, unit_id: int, *, today: date) -> bool:
    """Whether the school's word is this person's to give, as ``first_word`` selects."""
    where = first_word(session, actor_id, today=today).where(col(OrgUnit.id) == unit_id)
    return session.connection().execute(where).first() is not None


def last_word(session: Session, actor_id: int, *, today: date) -> Any:
    """Select the units on whose people this person has the last word."""
    return authority.reaches(session, actor_id, Act.SETTLE_HOURS, today=today)


def speaks_for_school(session: Session, teacher_id: int, unit_id: int, *, today: date) -> bool:
    """Whether this teacher gives the school's word: then there is nobody there to ask."""
    return authority.may(session, teacher_id, Act.CONFIRM_HOURS, unit_id, today=today, own=True)


def unit_of(session: Session, teacher_id: int, *, today: date) -> int:
    """Return where the teacher works today. Raises NotFound for who works nowhere."""
    unit_id = session.exec(
        select(Posting.unit_id)
        .where(
            Posting.teacher_id == teacher_id,
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        )
        .order_by(col(Posting.since).desc(), col(Posting.id).desc())
    ).first()
    if unit_id is None:
        raise NotFound("posting")
    return unit_id


def said(text: str) -> str:
    """A typed text on one line, within bounds."""
    return " ".join(text.split())[:LONGEST]
