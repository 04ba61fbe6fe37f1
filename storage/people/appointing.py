"""Appointing colleagues: roles given, deputies named, a role handed over or laid down.

Nobody gives more than they hold: ``authority.MAY_GIVE`` says which roles whoever appoints may
give within their unit, and a deputy has the very role of whom they stand in for, to a last day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.people import accounts, authority, offices, roles, staff
from storage.people.authority import Act
from storage.people.postings import GONE
from storage.people.tables import (
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    UnitKind,
)
from storage.refusals import NotAllowed, NotFound, Refusal

PAGE = 8
LONGEST_SEARCH = 40
LONGEST_DEPUTY = timedelta(days=366)
GIVEN, ENDED = "role_given", "role_ended"

KINDS_OF: dict[Role, frozenset[UnitKind]] = {
    Role.SCHOOL_COORDINATOR: frozenset({UnitKind.SCHOOL}),
    Role.PRINCIPAL: frozenset({UnitKind.SCHOOL}),
    Role.GROUP_COORDINATOR: frozenset({UnitKind.GROUP}),
    Role.AREA_COORDINATOR: frozenset({UnitKind.AREA}),
    Role.CITY_COORDINATOR: frozenset({UnitKind.CITY}),
    Role.COUNTY_COORDINATOR: frozenset(
        {UnitKind.COUNTY, UnitKind.BUREAU, UnitKind.TEACHER_DEV_CENTER}
    ),
    Role.RESEARCH_OFFICER: frozenset({UnitKind.COUNTY, UnitKind.RESEARCH_OFFICE}),
    Role.BUREAU_VIEWER: frozenset({UnitKind.COUNTY, UnitKind.BUREAU}),
    Role.SYSADMIN: frozenset(),  # over the whole office, on the command line
}
"""Over which kinds of unit a role is given; the roles of a class are given with the class."""


class BadTerm(Refusal):
    """A term that ends before it begins, or that is longer than a deputy may have."""


class NoSubject(Refusal):
    """A role for some subjects, and nobody says which: it would reach over all of them."""


class Yourself(Refusal):
    """Nobody is their own deputy, or hands a role over to themselves."""


class AlreadyHeld(Refusal):
    """A deputy who holds the role in their own right."""


@dataclass(frozen=True)
class Holder:
    """Somebody who holds a role over a unit today."""

    assignment_id: int
    teacher_id: int
    name: str
    role: Role
    since: date
    until: date | None
    subjects: tuple[str, ...]
    deputy_of: str  # a name, empty for who holds it in their own right
    may_end: bool


@dataclass(frozen=True)
class UnitRoles:
    """Who holds which role over a unit, and which roles the actor may give there."""

    unit_id: int
    unit: str
    holders: tuple[Holder, ...]
    may_give: tuple[Role, ...]


@dataclass(frozen=True)
class RoleUnit:
    """A unit where the actor may appoint."""

    unit_id: int
    name: str
    holders: int


@dataclass(frozen=True)
class RoleUnits:
    """A page of them; pages count from 0."""

    lines: tuple[RoleUnit, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class OwnRole:
    """A role of one's own over a unit, and its deputies."""

    role: Role
    unit_id: int
    unit: str
    until: date | None
    deputy_of: str
    deputies: tuple[Holder, ...]


@dataclass(frozen=True)
class Given:
    """What was given to whom; ``is_new`` is False when it was held like that already."""

    name: str
    role: Role
    unit_id: int
    unit: str
    until: date | None
    is_new: bool
    deed_id: int | None = None


def units(session: Session, actor_id: int, *, page: int = 0, now: datetime) -> RoleUnits:
    """Return the units where the actor may appoint, those without anybody first, if any."""
    today = offices.today(session, now)
    where = authority.reaches(session, actor_id, Act.APPOINT, today=today)
    held = sa.func.count(col(RoleAssignment.id))
    found = (
        sa.select(col(OrgUnit.id), col(OrgUnit.name), held)
        .outerjoin(
            RoleAssignment,
            sa.and_(
                col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
                col(RoleAssignment.scope_id) == col(OrgUnit.id),
                authority.runs(today),
            ),
        )
        .where(col(OrgUnit.id).in_(where), col(OrgUnit.active))
        .group_by(col(OrgUnit.id), col(OrgUnit.name))
    )
    total = session.exec(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one()  # type: ignore[call-overload]
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        found.order_by(held > 0, col(OrgUnit.id)).offset(page * PAGE).limit(PAGE)  # type: ignore[call-overload]
    ).all()
    return RoleUnits(tuple(RoleUnit(*row) for row in rows), page, pages)


def unit_roles(session: Session, actor_id: int, unit_id: int, *, now: datetime) -> UnitRoles:
    """Return who holds which role over the unit. Raises NotFound or NotAllowed."""
    today = offices.today(session, now)
    unit = session.exec(select(OrgUnit).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    authority.check(session, actor_id, Act.APPOINT, unit_id, today=today)
    gives = _may_give(session, actor_id, unit, today)
    return UnitRoles(
        unit_id,
        unit.name,
        _holders(session, unit_id, gives, actor_id, today),
        tuple(role for role in Role if role in gives),
    )


def own_roles(session: Session, actor_id: int, *, now: datetime) -> tuple[OwnRole, ...]:
    """Return the actor's own roles over units, with their deputies."""
    today = offices.today(session, now)
    rows = session.exec(
        select(RoleAssignment, OrgUnit.name)
        .join(OrgUnit, col(OrgUnit.id) == col(RoleAssignment.scope_id))
        .where(
            RoleAssignment.teacher_id == actor_id,
            RoleAssignment.scope_kind == ScopeKind.UNIT,
            authority.runs(today),
        )
        .order_by(col(RoleAssignment.id))
    ).all()
    found = []
    for held, unit in rows:
        others = _holders(session, held.scope_id, frozenset({held.role}), actor_id, today)
        mine = _deputies(session, actor_id, held, today)
        found.append(
            OwnRole(
                role=held.role,
                unit_id=held.scope_id,
                unit=unit,
                until=held.until,
                deputy_of=_name(session, held.deputy_of),
                deputies=tuple(each for each in others if each.assignment_id in mine),
            )
        )
    return tuple(found)


def give(
    session: Session,
    actor_id: int,
    teacher_id: int,
    role: Role,
    unit_id: int,
    *,
    until: date | None = None,
    subjects: Collection[str] = (),
    now: datetime,
) -> Given:
    """Give the role over the unit to somebody of one's own reach, and tell them.

    Raises NotFound, NotAllowed, BadTerm or NoSubject.
    """
    today = offices.today(session, now)
    unit = session.exec(select(OrgUnit).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    if role not in _may_give(session, actor_id, unit, today):
        raise NotAllowed
    authority.check_about(session, actor_id, Act.APPOINT, teacher_id, today=today)
    if until is not None and until < today:
        raise BadTerm
    if role in roles.FOR_SUBJECTS and not subjects:
        raise NoSubject
    is_new = roles.appoint(
        session,
        teacher_id,
        role,
        unit_id,
        today=today,
        now=now,
        until=until,
        subjects=subjects,
        actor_id=actor_id,
    )
    if is_new:
        _tell(session, GIVEN, teacher_id, role, unit.name, until, now=now)
    return Given(_name(session, teacher_id), role, unit_id, unit.name, until, is_new)


def deputise(
    session: Session,
    actor_id: int,
    teacher_id: int,
    role: Role,
    unit_id: int,
    *,
    until: date,
    now: datetime,
) -> Given:
    """Let a colleague do the same as oneself until a last day, and tell them.

    A deputy names no deputy. Raises NotAllowed, BadTerm or AlreadyHeld.
    """
    today = offices.today(session, now)
    held = _own(session, actor_id, role, unit_id, today)
    if held is None or held.deputy_of is not None or teacher_id == actor_id:
        raise NotAllowed
    if not today <= until <= today + LONGEST_DEPUTY:
        raise BadTerm
    _check_colleague(session, actor_id, teacher_id, unit_id, today)
    other = _own(session, teacher_id, role, unit_id, today)
    if other is not None and other.deputy_of != actor_id:
        raise AlreadyHeld
    until = until if held.until is None else min(until, held.until)
    is_new = roles.appoint(
        session,
        teacher_id,
        role,
        unit_id,
        today=today,
        now=now,
        until=until,
        subjects=held.subjects,
        deputy_of=actor_id,
        actor_id=actor_id,
    )
    unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).one()
    if is_new:
        _tell(session, GIVEN, teacher_id, role, unit, until, now=now, deputy_of=actor_id)
    return Given(_name(session, teacher_id), role, unit_id, unit, until, is_new)


def hand_over(
    session: Session, actor_id: int, teacher_id: int, role: Role, unit_id: int, *, now: datetime
) -> Given:
    """Give one's own role to a colleague for good and lay it down; for ten minutes reversible.

    The colleague is told when these are over. Raises NotAllowed for who does not hold it in
    their own right.
    """
    today = offices.today(session, now)
    held = _own(session, actor_id, role, unit_id, today)
    if held is None or held.deputy_of is not None or teacher_id == actor_id:
        raise NotAllowed
    _check_colleague(session, actor_id, teacher_id, unit_id, today)
    before = {"until": held.until.isoformat() if held.until else None}
    other = _own(session, teacher_id, role, unit_id, today)
    theirs = (
        None
        if other is None
        else {
            "until": other.until.isoformat() if other.until else None,
            "deputy_of": other.deputy_of,
        }
    )
    subjects, until = list(held.subjects), held.until
    roles.dismiss(session, actor_id, role, unit_id, today=today, now=now, actor_id=actor_id)
    roles.appoint(
        session,
        teacher_id,
        role,
        unit_id,
        today=today,
        now=now,
        until=until,
        subjects=subjects,
        actor_id=actor_id,
    )
    unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).one()
    told = _tell(session, GIVEN, teacher_id, role, unit, until, now=now, after=deeds.MINUTES)
    deed_id = deeds.done(
        session,
        "hand_over",
        actor_id,
        {
            "to": teacher_id,
            "role": role.value,
            "unit_id": unit_id,
            "subjects": subjects,
            "before": before,
            "theirs": theirs,
            "told": told,
        },
        now=now,
    )
    return Given(_name(session, teacher_id), role, unit_id, unit, until, True, deed_id)


def take_back_hand_over(session: Session, deed: Deed, now: datetime) -> None:
    """Undo a hand-over: the role is as it was on both sides, and nobody is told of it."""
    today = offices.today(session, now)
    data = deed.data
    role, unit_id = Role(data["role"]), data["unit_id"]
    # The role has passed on; who does not work here any more takes nothing back.
    if session.get_one(Teacher, deed.actor_id).state in GONE:
        raise NotAllowed
    if _own(session, data["to"], role, unit_id, today) is None:
        raise ChangedSince("role")
    until = data["before"]["until"]
    roles.appoint(
        session,
        deed.actor_id,
        role,
        unit_id,
        today=today,
        now=now,
        until=date.fromisoformat(until) if until else None,
        subjects=data["subjects"],
        actor_id=deed.actor_id,
    )
    theirs = data["theirs"]
    if theirs is None:
        roles.dismiss(
            session, data["to"], role, unit_id, today=today, now=now, actor_id=deed.actor_id
        )
    else:
        roles.appoint(
            session,
            data["to"],
            role,
            unit_id,
            today=today,
            now=now,
            until=date.fromisoformat(theirs["until"]) if theirs["until"] else None,
            subjects=data["subjects"],
            deputy_of=theirs["deputy_of"],
            actor_id=deed.actor_id,
        )
    outbox.take_back(session, [data["told"]])


def end(session: Session, actor_id: int, assignment_id: int, *, now: datetime) -> Holder | None:
    """End a role: one's own, a deputy's of one's own, or one that the actor may give.

    Return whose it was, or None when it did not run any more. Raises NotFound or NotAllowed.
    """
    today = offices.today(session, now)
    held = session.exec(select(RoleAssignment).where(RoleAssignment.id == assignment_id)).first()
    if held is None or held.scope_kind is not ScopeKind.UNIT:
        raise NotFound("role")
    unit = session.exec(select(OrgUnit).where(OrgUnit.id == held.scope_id)).one()
    gives = _may_give(session, actor_id, unit, today)
    if not _may_end(held, actor_id, gives):
        raise NotAllowed
    holder = _holder(session, held, may_end=True)
    ended = roles.dismiss(
        session, held.teacher_id, held.role, held.scope_id, today=today, now=now, actor_id=actor_id
    )
    if not ended:
        return None
    if held.teacher_id != actor_id:
        _tell(session, ENDED, held.teacher_id, held.role, unit.name, None, now=now)
    return holder


@dataclass(frozen=True)
class Proposal:
    """What is about to be given, for a last look before it is."""

    name: str
    staff_no: str
    role: Role
    unit: str
    subjects: tuple[str, ...]


def propose(
    session: Session, actor_id: int, teacher_id: int, role: Role, unit_id: int, *, now: datetime
) -> Proposal:
    """Return who would get which role over what; a research officer's subject is their own.

    For whoever may give that role to this teacher, or holds it and may pass it on; the log
    keeps that they looked. Raises NotFound, NotAllowed or Yourself.
    """
    today = offices.today(session, now)
    unit = session.exec(select(OrgUnit).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    held = _own(session, actor_id, role, unit_id, today)
    if held is not None and held.deputy_of is None:
        if teacher_id == actor_id:
            raise Yourself
        _check_colleague(session, actor_id, teacher_id, unit_id, today)
    elif role in _may_give(session, actor_id, unit, today):
        authority.check_about(session, actor_id, Act.APPOINT, teacher_id, today=today)
    else:
        raise NotAllowed
    teacher = session.exec(select(Teacher).where(Teacher.id == teacher_id)).first()
    if teacher is None:
        raise NotFound("teacher")
    audit.record(session, actor_id, "look_at_person", f"teacher:{teacher_id}", now=now)
    session.flush()
    subjects = accounts.profile(session, teacher_id).subjects
    return Proposal(
        name=teacher.name,
        staff_no=teacher.staff_no,
        role=role,
        unit=unit.name,
        subjects=tuple(subjects) if role is Role.RESEARCH_OFFICER else (),
    )


def candidates(
    session: Session, actor_id: int, unit_id: int, text: str, *, now: datetime
) -> tuple[tuple[int, str, str], ...]:
    """Find colleagues to appoint or to name deputy, by name or staff number: id, name, unit.

    Among the people whom the actor may appoint; whoever holds a role over the unit finds their
    colleagues, too. The log keeps what was searched for. Raises NotAllowed.
    """
    today = offices.today(session, now)
    where = authority.reaches(session, actor_id, Act.APPOINT, today=today)
    held = {
        grant.unit_id
        for grant in authority.grants(session, actor_id, today=today)
        if grant.deputy_of is None
    }
    if unit_id in held:
        near = (unit_id, authority.unit_of(session, actor_id, today=today))
        where = where.union(sa.select(col(OrgUnit.id)).where(col(OrgUnit.id).in_(near)))
    elif not authority.may(session, actor_id, Act.APPOINT, unit_id, today=today):
        raise NotAllowed
    after = {"text": text.strip()[:LONGEST_SEARCH]}
    audit.record(session, actor_id, "search_people", f"unit:{unit_id}", now=now, after=after)
    session.flush()
    return _found(session, where, text, today)


# --- underneath --------------------------------------------------------------------------------


def _found(
    session: Session, where: sa.SelectBase, text: str, today: date
) -> tuple[tuple[int, str, str], ...]:
    wanted = text.strip()[:LONGEST_SEARCH]
    if not wanted:
        return ()
    rows = session.exec(
        sa.select(col(Teacher.id), col(Teacher.name), col(OrgUnit.name))  # type: ignore[call-overload]
        .select_from(staff.posted(today))
        .where(col(Posting.unit_id).in_(where), staff.named_like(wanted))
        .order_by(col(Teacher.staff_no))
        .limit(PAGE)
    ).all()
    return tuple((id_, name, unit) for id_, name, unit in rows)


def _may_give(session: Session, actor_id: int, unit: OrgUnit, today: date) -> frozenset[Role]:
    """The roles that the actor may give over this unit, as far as it is of a fitting kind."""
    fitting = {role for role, kinds in KINDS_OF.items() if unit.kind in kinds}
    given: set[Role] = set()
    for grant in authority.grants(session, actor_id, today=today):
        gives = authority.gives(grant)
        if not gives & fitting:
            continue
        if grant.unit_id is None or authority.covers(session, grant, Act.APPOINT, unit.id):
            given |= gives & fitting
    return frozenset(given)


def _may_end(held: RoleAssignment, actor_id: int, gives: frozenset[Role]) -> bool:
    return actor_id in (held.teacher_id, held.deputy_of) or held.role in gives


def _own(
    session: Session, teacher_id: int, role: Role, unit_id: int, today: date
) -> RoleAssignment | None:
    held = {(g.role, g.unit_id) for g in authority.grants(session, teacher_id, today=today)}
    if (role, unit_id) not in held:
        return None
    return session.exec(
        select(RoleAssignment).where(
            RoleAssignment.teacher_id == teacher_id,
            RoleAssignment.role == role,
            RoleAssignment.scope_kind == ScopeKind.UNIT,
            RoleAssignment.scope_id == unit_id,
            authority.runs(today),
        )
    ).first()


def _check_colleague(
    session: Session, actor_id: int, teacher_id: int, unit_id: int, today: date
) -> None:
    """Raise NotAllowed unless this is a colleague: of the unit, or the own one, or in reach.

    Whoever holds a role over a county is not by that a colleague of all its schools.
    """
    own = authority.unit_of(session, teacher_id, today=today)
    if own is None:
        raise NotAllowed
    if own in (unit_id, authority.unit_of(session, actor_id, today=today)):
        return
    authority.check(session, actor_id, Act.APPOINT, own, today=today)


def _deputies(session: Session, actor_id: int, held: RoleAssignment, today: date) -> frozenset[int]:
    return frozenset(
        session.exec(
            select(RoleAssignment.id).where(
                RoleAssignment.deputy_of == actor_id,
                RoleAssignment.role == held.role,
                RoleAssignment.scope_kind == held.scope_kind,
                RoleAssignment.scope_id == held.scope_id,
                authority.runs(today),
            )
        ).all()
    )


def _holders(
    session: Session, unit_id: int, gives: frozenset[Role], actor_id: int, today: date
) -> tuple[Holder, ...]:
    rows = session.exec(
        select(RoleAssignment)
        .where(
            RoleAssignment.scope_kind == ScopeKind.UNIT,
            RoleAssignment.scope_id == unit_id,
            authority.runs(today),
        )
        .order_by(col(RoleAssignment.role), col(RoleAssignment.id))
    ).all()
    return tuple(_holder(session, row, may_end=_may_end(row, actor_id, gives)) for row in rows)


def _holder(session: Session, held: RoleAssignment, *, may_end: bool) -> Holder:
    return Holder(
        assignment_id=held.id,
        teacher_id=held.teacher_id,
        name=_name(session, held.teacher_id),
        role=held.role,
        since=held.since,
        until=held.until,
        subjects=tuple(held.subjects),
        deputy_of=_name(session, held.deputy_of),
        may_end=may_end,
    )


def _name(session: Session, teacher_id: int | None) -> str:
    if teacher_id is None:
        return ""
    return session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).one()


def _tell(
    session: Session,
    kind: str,
    teacher_id: int,
    role: Role,
    unit: str,
    until: date | None,
    *,
    now: datetime,
    deputy_of: int | None = None,
    after: timedelta = timedelta(0),
) -> str:
    """Queue it, and return the key by which it can be taken back before ``after`` is over."""
    dedupe_key = f"{kind}:{teacher_id}:{role}:{unit}:{now.isoformat()}"
    outbox.put(
        session,
        kind,
        teacher_id=teacher_id,
        facts={
            "role": role.value,
            "unit": unit,
            "until": until.isoformat() if until else None,
            "deputy_of": _name(session, deputy_of),
        },
        priority=Priority.CARD,
        not_before=now + after,
        dedupe_key=dedupe_key,
        now=now,
    )
    return dedupe_key
