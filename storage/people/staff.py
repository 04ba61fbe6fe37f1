"""The staff as those who look after it see it: units, lists, one person, and link codes.

Every look at another person by name is a line in the audit log, except a list of the unit that
one tends: who tends it knows it by heart. So looking is a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit
from storage.moments import local_day
from storage.people import accounts, authority, linking, offices
from storage.people.accounts import Profile
from storage.people.authority import Act, Grant
from storage.people.tables import (
    Account,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
    UnitKind,
)
from storage.refusals import NotAllowed, NotFound

PAGE = 8
LONGEST_SEARCH = 40
ON_THE_ROSTER = (TeacherState.ACTIVE, TeacherState.LONG_LEAVE, TeacherState.SECONDED)


@dataclass(frozen=True)
class UnitLine:
    """A unit in figures. ``is_unattended``: a school that no coordinator or principal tends."""

    unit_id: int
    name: str
    people: int
    linked: int
    is_unattended: bool


@dataclass(frozen=True)
class PersonLine:
    """A colleague in a list; ``beside`` is the subject, or the school where there are many."""

    teacher_id: int
    name: str
    beside: str
    state: TeacherState
    is_linked: bool


@dataclass(frozen=True)
class Desk:
    """What somebody looks after: their roles of today and the units these reach over."""

    roles: tuple[tuple[Role, str], ...]  # with the unit's name, empty for the whole office
    units: tuple[UnitLine, ...]
    acts: frozenset[Act]  # whatever this person may do somewhere

    @property
    def looks_after(self) -> bool:
        """Whether people are counted at all, and not only a class."""
        return Act.COUNT_PEOPLE in self.acts

    @property
    def sees_people(self) -> bool:
        """Whether names may be seen; else figures alone."""
        return Act.SEE_PEOPLE in self.acts


@dataclass(frozen=True)
class People:
    """A page of a unit's people, from 0; ``total`` counts all of them."""

    unit_id: int
    unit: str
    lines: tuple[PersonLine, ...]
    page: int
    pages: int
    total: int
    unlinked: int


@dataclass(frozen=True)
class Found:
    """Who fits what was typed: the first of them, each with the school, and how many in all."""

    text: str
    lines: tuple[PersonLine, ...]
    total: int


@dataclass(frozen=True)
class Person:
    """One colleague, as far as whoever asks may see; phone numbers are never shown."""

    profile: Profile
    state: TeacherState
    is_linked: bool
    is_reached: bool
    """False, too, for who has linked and then closed the chat with the bot."""
    code_until: datetime | None
    """Until when a link code that has been issued works."""


@dataclass(frozen=True)
class Issued:
    """A new link code, shown once."""

    code: str
    name: str
    until: datetime


def has_desk(session: Session, teacher_id: int, *, now: datetime) -> bool:
    """Whether this person may do anything beyond themselves today."""
    today = local_day(now, offices.zone(session))
    return bool(authority.acts(session, teacher_id, today=today))


def desk(session: Session, teacher_id: int, *, now: datetime) -> Desk:
    """Return what this person looks after. Raises NotAllowed when that is nothing.

    Units without a soul are left out.
    """
    today = local_day(now, offices.zone(session))
    held = authority.grants(session, teacher_id, today=today)
    names: dict[int | None, str] = dict(
        session.exec(
            select(OrgUnit.id, OrgUnit.name).where(
                col(OrgUnit.id).in_([grant.unit_id for grant in held])
            )
        ).all()
    )
    roles = tuple(
        (grant.role, _of(session, grant, names)) for grant in held if authority.MAY[grant.role]
    )
    if not roles:
        raise NotAllowed
    where = authority.reaches(session, teacher_id, Act.COUNT_PEOPLE, today=today)
    attended = (
        sa.exists()
        .where(
            col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
            col(RoleAssignment.scope_id) == col(OrgUnit.id),
            col(RoleAssignment.role).in_([Role.SCHOOL_COORDINATOR, Role.PRINCIPAL]),
            authority.runs(today),
        )
        .correlate(OrgUnit)
    )
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(OrgUnit.id),
            col(OrgUnit.name),
            sa.func.count(col(Teacher.id)),
            sa.func.count(col(Account.id)),
            sa.and_(col(OrgUnit.kind) == UnitKind.SCHOOL, ~attended),
        )
        .join(Posting, _is_posted(today, OrgUnit.id))
        .join(Teacher, col(Teacher.id) == col(Posting.teacher_id))
        .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
        .where(
            col(OrgUnit.id).in_(where),
            col(OrgUnit.active),
            col(Teacher.state).in_(ON_THE_ROSTER),
        )
        .group_by(col(OrgUnit.id), col(OrgUnit.name), col(OrgUnit.kind))
        .order_by(col(OrgUnit.id))
    ).all()
    acts = authority.acts(session, teacher_id, today=today)
    return Desk(roles, tuple(UnitLine(*row) for row in rows), acts)


def _of(session: Session, grant: Grant, names: Mapping[int | None, str]) -> str:
    """What the role is over: a unit, a class by its programme, or nothing for the office."""
    if grant.batch_id is None:
        return names.get(grant.unit_id, "") if grant.unit_id else ""
    batch, programme = (SQLModel.metadata.tables[name] for name in ("batch", "programme"))
    title = sa.select(programme.c.title).join(batch, batch.c.programme_id == programme.c.id)
    return str(session.connection().execute(title.where(batch.c.id == grant.batch_id)).scalar())


def people(
    session: Session,
    actor_id: int,
    unit_id: int,
    *,
    page: int = 0,
    only_unlinked: bool = False,
    now: datetime,
) -> People:
    """Return a page of the unit's people by staff number; raises NotAllowed or NotFound."""
    today = local_day(now, offices.zone(session))
    unit = session.exec(select(OrgUnit).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    authority.check(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today)
    if not authority.may(session, actor_id, Act.SEE_PEOPLE, unit_id, today=today, own=True):
        audit.record(session, actor_id, "look_at_people", f"unit:{unit_id}", now=now)
        session.flush()
    everybody = (
        sa.select(
            col(Teacher.id),
            col(Teacher.name),
            col(Posting.subjects),
            col(Teacher.state),
            col(Account.id).is_not(None).label("is_linked"),
        )
        .join(Posting, sa.and_(_is_posted(today, unit_id), _of_teacher()))
        .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
        .where(col(Teacher.state).in_(ON_THE_ROSTER))
    )
    total, linked = session.exec(
        everybody.with_only_columns(  # type: ignore[call-overload]
            sa.func.count(), sa.func.count(col(Account.id))
        )
    ).one()
    shown = everybody.where(col(Account.id).is_(None)) if only_unlinked else everybody
    number = total - linked if only_unlinked else total
    pages = max(1, -(-number // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        shown.order_by(col(Teacher.staff_no)).offset(page * PAGE).limit(PAGE)  # type: ignore[call-overload]
    ).all()
    return People(
        unit_id=unit_id,
        unit=unit.name,
        lines=tuple(
            PersonLine(id_, name, (subjects or [""])[0], state, bool(is_linked))
            for id_, name, subjects, state, is_linked in rows
        ),
        page=page,
        pages=pages,
        total=total,
        unlinked=total - linked,
    )


def search(session: Session, actor_id: int, text: str, *, now: datetime) -> Found:
    """Find people by part of a name or the beginning of a staff number, as far as one reaches.

    The log keeps what was searched for. Raises NotAllowed for who may see nobody.
    """
    today = local_day(now, offices.zone(session))
    where = authority.reaches(session, actor_id, Act.SEE_PEOPLE, today=today)
    if Act.SEE_PEOPLE not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    wanted = text.strip()[:LONGEST_SEARCH]
    audit.record(session, actor_id, "search_people", "people", now=now, after={"text": wanted})
    session.flush()
    if not wanted:
        return Found(wanted, (), 0)
    found: Any = (
        sa.select(
            col(Teacher.id),
            col(Teacher.name),
            col(OrgUnit.name).label("unit"),
            col(Teacher.state),
            col(Account.id).is_not(None).label("is_linked"),
        )
        .select_from(posted(today))
        .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
        .where(col(Posting.unit_id).in_(where), named_like(wanted))
    )
    total = session.exec(found.with_only_columns(sa.func.count())).scalar_one()
    rows = session.exec(found.order_by(col(Teacher.staff_no)).limit(PAGE)).all()
    lines = tuple(
        PersonLine(id_, name, unit, TeacherState(state), bool(is_linked))
        for id_, name, unit, state, is_linked in rows
    )
    return Found(wanted, lines, total)


def person(session: Session, actor_id: int, teacher_id: int, *, now: datetime) -> Person:
    """Return what the actor may see of this colleague; the log keeps that they looked."""
    today = local_day(now, offices.zone(session))
    authority.check_about(session, actor_id, Act.SEE_PEOPLE, teacher_id, today=today)
    audit.record(session, actor_id, "look_at_person", f"teacher:{teacher_id}", now=now)
    session.flush()
    return _person(session, teacher_id, now)


def issue_code(session: Session, actor_id: int, teacher_id: int, *, now: datetime) -> Issued:
    """Make a link code for this colleague; older ones stop working. Raises NotAllowed."""
    today = local_day(now, offices.zone(session))
    authority.check_about(session, actor_id, Act.ISSUE_CODE, teacher_id, today=today)
    authority.check_covers(session, actor_id, Act.ISSUE_CODE, teacher_id, today=today)
    code = linking.issue_code(session, teacher_id, now=now, issued_by=actor_id)
    name = session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).one()
    return Issued(code=code, name=name, until=now + linking.VALID_FOR)


def _person(session: Session, teacher_id: int, now: datetime) -> Person:
    profile = accounts.profile(session, teacher_id)
    state = session.exec(select(Teacher.state).where(Teacher.id == teacher_id)).one()
    reached = session.exec(
        select(Account.reachable).where(Account.teacher_id == teacher_id)
    ).first()
    return Person(
        profile=profile,
        state=TeacherState(state),
        is_linked=reached is not None,
        is_reached=bool(reached),
        code_until=linking.code_until(session, teacher_id, now=now),
    )


def posted(today: date) -> Any:
    """Join everybody on the roster with the primary posting of the day and its unit."""
    return (
        sa.join(Teacher, Posting, sa.and_(_of_teacher(), col(Teacher.state).in_(ON_THE_ROSTER)))
    ).join(OrgUnit, _is_posted(today, OrgUnit.id))


def named_like(wanted: str) -> sa.ColumnElement[bool]:
    """Whose name has this in it, or whose staff number begins with it."""
    return sa.or_(
        col(Teacher.name).icontains(wanted, autoescape=True),
        sa.func.upper(col(Teacher.staff_no)).startswith(wanted.upper(), autoescape=True),
    )


def _is_posted(today: date, unit_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Posting.unit_id) == unit_id,
        col(Posting.is_primary),
        col(Posting.since) <= today,
        sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
    )


def _of_teacher() -> sa.ColumnElement[bool]:
    return col(Posting.teacher_id) == col(Teacher.id)
