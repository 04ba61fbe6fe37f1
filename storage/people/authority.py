"""Authority: what a person may do beyond themselves, where, and until when.

One table says which role may do what; a role reaches over its unit and everything below it,
or over one class, as long as its term runs. Each operation on somebody else asks here, in its
own transaction: what a card showed a moment ago gives no right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.people import units
from storage.people.tables import (
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherState,
)
from storage.refusals import NotAllowed


class Act(StrEnum):
    """What can be done about other people, or with a programme (domain, model 2.9)."""

    # About the people of a unit.
    COUNT_PEOPLE = "count_people"
    """See how many there are, and how many are linked."""
    SEE_PEOPLE = "see_people"
    """See the names."""
    ISSUE_CODE = "issue_code"
    """Give a teacher a link code."""
    IMPORT_ROSTER = "import_roster"
    """Add people to the roster, change and close what it says of them."""
    APPOINT = "appoint"
    """Give and end roles, as far as ``MAY_GIVE`` says."""
    NOMINATE = "nominate"
    """Send people of the unit to a programme, and put others in their place."""
    DECIDE_FIRST = "decide_first"
    """The school's decision on registrations and leave of its people."""
    MARK_PRESENCE = "mark_presence"
    """Enter attendance of the unit's own people."""
    CONFIRM_HOURS = "confirm_hours"
    """The school's view of claims, appeals and school-based hours of its people."""
    SETTLE_HOURS = "settle_hours"
    """The last word on claims and appeals."""
    NOTIFY_UNIT = "notify_unit"
    """Send a notice to the unit's people, and see who has confirmed it."""
    BIND_GROUP = "bind_group"
    """Say what a group stands for, and end it."""
    SET_CALENDAR = "set_calendar"
    """Load the holidays, make-up workdays and breaks of the whole office."""

    # With the programmes of a unit.
    SEE_PROGRAMME = "see_programme"
    """See who takes part, and how it stands."""
    RUN_PROGRAMME = "run_programme"
    """Create, change, publish and cancel it, and hand out its seats."""
    DECIDE_LAST = "decide_last"
    """The organiser's decision on registrations, exemptions and late withdrawals."""
    DECIDE_LEAVE = "decide_leave"
    """The organiser's decision on leave from a meeting."""
    TAKE_ATTENDANCE = "take_attendance"
    """Open check-in and enter attendance of everybody."""
    REVIEW_WORK = "review_work"
    """Accept or return what participants hand in."""
    ENTER_RESULTS = "enter_results"
    """Enter marks, and decide who completed."""
    POST_HOURS = "post_hours"
    """Post the hours of those who completed."""
    NOTIFY_CLASS = "notify_class"
    """Send a notice to those who take part, and see who has confirmed it."""

    # With the competitions that a unit owns, and the rounds that it holds.
    RUN_COMPETITION = "run_competition"
    """Set a competition up, hold a round of it, decide and forward."""


WITH_PROGRAMMES = frozenset(
    {
        Act.SEE_PROGRAMME,
        Act.RUN_PROGRAMME,
        Act.DECIDE_LAST,
        Act.DECIDE_LEAVE,
        Act.TAKE_ATTENDANCE,
        Act.REVIEW_WORK,
        Act.ENTER_RESULTS,
        Act.POST_HOURS,
        Act.NOTIFY_CLASS,
    }
)
"""Acts that are about a programme: they reach those that the unit owns."""

OF_SUBJECTS = WITH_PROGRAMMES | {Act.RUN_COMPETITION}
"""Acts that a role for some subjects has only with what is about these."""

_SCHOOL = frozenset(Act) - {Act.SETTLE_HOURS, Act.SET_CALENDAR}

_OF_A_GROUP = frozenset({Act.COUNT_PEOPLE, Act.BIND_GROUP, Act.RUN_COMPETITION})

MAY: dict[Role, frozenset[Act]] = {
    Role.SCHOOL_COORDINATOR: _SCHOOL,
    Role.PRINCIPAL: _SCHOOL,
    Role.GROUP_COORDINATOR: WITH_PROGRAMMES | _OF_A_GROUP,
    Role.AREA_COORDINATOR: WITH_PROGRAMMES | _OF_A_GROUP,
    # The county helps a school that has nobody: looking at a name is written down.
    Role.COUNTY_COORDINATOR: frozenset(Act),
    Role.CITY_COORDINATOR: WITH_PROGRAMMES | _OF_A_GROUP,
    Role.RESEARCH_OFFICER: frozenset(
        {
            Act.SEE_PROGRAMME,
            Act.RUN_PROGRAMME,
            Act.TAKE_ATTENDANCE,
            Act.REVIEW_WORK,
            Act.ENTER_RESULTS,
            Act.NOTIFY_CLASS,
            Act.RUN_COMPETITION,
        }
    ),
    Role.CLASS_TEACHER: frozenset(
        {
            Act.SEE_PROGRAMME,
            Act.DECIDE_LEAVE,
            Act.TAKE_ATTENDANCE,
            Act.REVIEW_WORK,
            Act.NOTIFY_CLASS,
        }
    ),
    Role.TUTOR: frozenset({Act.SEE_PROGRAMME, Act.REVIEW_WORK}),
    Role.BUREAU_VIEWER: frozenset({Act.COUNT_PEOPLE}),
    Role.SYSADMIN: frozenset({Act.APPOINT, Act.SET_CALENDAR}),
}

MAY_GIVE: dict[Role, frozenset[Role]] = {
    Role.SCHOOL_COORDINATOR: frozenset({Role.SCHOOL_COORDINATOR}),
    Role.PRINCIPAL: frozenset({Role.SCHOOL_COORDINATOR, Role.PRINCIPAL}),
    Role.COUNTY_COORDINATOR: frozenset(Role) - {Role.SYSADMIN, Role.CITY_COORDINATOR},
    Role.SYSADMIN: frozenset(Role),
}
"""Which roles whoever holds APPOINT by this role may give and end within its unit."""

OVERSEES = frozenset({Role.COUNTY_COORDINATOR, Role.CITY_COORDINATOR, Role.BUREAU_VIEWER})
"""Roles that look at units from above; for the others a unit is their own."""

OWN_PROGRAMMES_ONLY = frozenset(
    {Role.CITY_COORDINATOR, Role.GROUP_COORDINATOR, Role.AREA_COORDINATOR}
)
"""Roles whose acts with programmes stop at those of the unit itself, not of units below."""


STATEMENTS = 1_024
"""So many questions for a reach are kept as they were put together, the last used of them."""


@dataclass(frozen=True)
class Grant:
    """One role that runs today: its unit (None is the whole office) or its batch.

    ``subjects`` narrows acts with programmes to those for these subjects; empty is all.
    """

    role: Role
    unit_id: int | None
    batch_id: int | None = None
    subjects: tuple[str, ...] = ()
    deputy_of: int | None = None


def runs(day: date | sa.BindParameter[date]) -> sa.ColumnElement[bool]:
    """Whether the term of a ``RoleAssignment`` covers the day."""
    return sa.and_(
        col(RoleAssignment.since) <= day,
        sa.or_(col(RoleAssignment.until).is_(None), col(RoleAssignment.until) >= day),
    )


def grants(session: Session, teacher_id: int, *, today: date) -> tuple[Grant, ...]:
    """Return the roles that this person holds today."""
    rows = session.exec(_held(), params={"teacher_id": teacher_id, "today": today})
    return tuple(
        Grant(
            role,
            scope_id if scope_kind is ScopeKind.UNIT else None,
            scope_id if scope_kind is ScopeKind.BATCH else None,
            tuple(subjects),
            deputy_of,
        )
        for role, scope_kind, scope_id, subjects, deputy_of in rows
    )


@cache
def _held() -> Any:
    """Select the roles of one person on a day; asked at every step, so it is put together once."""
    return (
        sa.select(
            col(RoleAssignment.role),
            col(RoleAssignment.scope_kind),
            col(RoleAssignment.scope_id),
            col(RoleAssignment.subjects),
            col(RoleAssignment.deputy_of),
        )
        .join(Teacher, col(Teacher.id) == col(RoleAssignment.teacher_id))
        .where(
            col(RoleAssignment.teacher_id) == sa.bindparam("teacher_id"),
            col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]),
            runs(sa.bindparam("today", type_=sa.Date)),
        )
        .order_by(col(RoleAssignment.id))
    )


def gives(grant: Grant) -> frozenset[Role]:
    """Which roles this one role lets its holder give and end within its unit.

    A deputy keeps the office running and appoints nobody.
    """
    if grant.deputy_of is not None or grant.batch_id is not None:
        return frozenset()
    return MAY_GIVE.get(grant.role, frozenset())


def acts(session: Session, teacher_id: int, *, today: date) -> frozenset[Act]:
    """Return whatever this person may do somewhere today."""
    held = grants(session, teacher_id, today=today)
    return frozenset().union(*(MAY[grant.role] for grant in held))


def reaches(session: Session, teacher_id: int, act: Act, *, today: date, own: bool = False) -> Any:
    """Select the ids of the units in which this person may do this today.

    For an act with programmes these are the units that own them; a role in one class, or for
    some subjects only, reaches no unit (``batches`` knows those). With ``own`` only the units
    that are this person's to tend, not those looked at from above.
    """
    return _reached(_reaching(session, teacher_id, act, today=today, own=own), act)


def _reaching(
    session: Session, teacher_id: int, act: Act, *, today: date, own: bool = False
) -> tuple[Grant, ...]:
    return tuple(
        grant
        for grant in grants(session, teacher_id, today=today)
        if act in MAY[grant.role]
        and grant.batch_id is None
        and not (act in OF_SUBJECTS and grant.subjects)
        and not (own and grant.role in OVERSEES)
    )


def units_of(grant: Grant, act: Act) -> Any:
    """Select the ids of the units that this one role reaches with this act."""
    return _reached((grant,), act)


@lru_cache(STATEMENTS)
def _reached(held: tuple[Grant, ...], act: Act) -> Any:
    if any(grant.unit_id is None for grant in held):
        return sa.select(col(OrgUnit.id))
    exact = {
        grant.unit_id for grant in held if act in OF_SUBJECTS and grant.role in OWN_PROGRAMMES_ONLY
    }
    deep = {grant.unit_id for grant in held if grant.unit_id is not None} - exact
    every = units.below(deep, across=act not in OF_SUBJECTS)
    if not exact:
        return every
    return every.union(sa.select(col(OrgUnit.id)).where(col(OrgUnit.id).in_(exact)))


def batches(session: Session, teacher_id: int, act: Act, *, today: date) -> Any:
    """Select the ids of the batches with which this person may do this act today."""
    held = tuple(
        grant for grant in grants(session, teacher_id, today=today) if act in MAY[grant.role]
    )
    return _batches(held, act, tuple(_for_subjects(session, held)))


@lru_cache(STATEMENTS)
def _batches(
    held: tuple[Grant, ...], act: Act, of_subjects: tuple[tuple[Grant, tuple[int, ...]], ...]
) -> Any:
    batch, programme = (SQLModel.metadata.tables[name] for name in ("batch", "programme"))
    wide = tuple(
        grant
        for grant in held
        if grant.batch_id is None and not (act in OF_SUBJECTS and grant.subjects)
    )
    owned = _reached(wide, act).subquery()
    ways: list[sa.ColumnElement[bool]] = [programme.c.owner_unit_id.in_(sa.select(owned.c.id))]
    ways += [batch.c.id == grant.batch_id for grant in held if grant.batch_id is not None]
    for grant, programme_ids in of_subjects:
        where = _reached((grant,), act).subquery()
        ways.append(
            sa.and_(
                programme.c.owner_unit_id.in_(sa.select(where.c.id)),
                programme.c.id.in_(programme_ids),
            )
        )
    return (
        sa.select(batch.c.id)
        .join(programme, programme.c.id == batch.c.programme_id)
        .where(sa.or_(*ways))
    )


def _for_subjects(
    session: Session, held: tuple[Grant, ...]
) -> Iterator[tuple[Grant, tuple[int, ...]]]:
    """Yield each role for some subjects with the programmes for just these and no others."""
    narrow = [grant for grant in held if grant.batch_id is None and grant.subjects]
    if not narrow:
        return
    programme = SQLModel.metadata.tables["programme"]
    rows = session.connection().execute(sa.select(programme.c.id, programme.c.audience)).all()
    for grant in narrow:
        found = []
        for id_, audience in rows:
            wanted = (audience or {}).get("subject") or []
            wanted = wanted if isinstance(wanted, list) else [wanted]
            if wanted and set(wanted) <= set(grant.subjects):
                found.append(id_)
        yield grant, tuple(found)


def may(
    session: Session, teacher_id: int, act: Act, unit_id: int, *, today: date, own: bool = False
) -> bool:
    """Whether this person may do this in this unit today; with ``own`` as one who tends it."""
    held = _reaching(session, teacher_id, act, today=today, own=own)
    return _is_among(session, _reached(held, act), unit_id)


def _is_among(session: Session, ids: Any, wanted: int) -> bool:
    return session.exec(_one_of(ids), params={"wanted": wanted}).first() is not None


@lru_cache(STATEMENTS)
def _one_of(ids: Any) -> Any:
    """Ask whether an id, given with the question, is among those that are selected."""
    where = ids.subquery()
    return sa.select(where.c.id).where(where.c.id == sa.bindparam("wanted"))


def may_with(session: Session, teacher_id: int, act: Act, batch_id: int, *, today: date) -> bool:
    """Whether this person may do this act with this batch today."""
    return _is_among(session, batches(session, teacher_id, act, today=today), batch_id)


def check_with(session: Session, teacher_id: int, act: Act, batch_id: int, *, today: date) -> None:
    """Raise NotAllowed unless this person may do this act with this batch today."""
    if not may_with(session, teacher_id, act, batch_id, today=today):
        raise NotAllowed


def check(session: Session, teacher_id: int, act: Act, unit_id: int, *, today: date) -> None:
    """Raise NotAllowed unless this person may do this in this unit today."""
    if not may(session, teacher_id, act, unit_id, today=today):
        raise NotAllowed


def covers(session: Session, grant: Grant, act: Act, unit_id: int) -> bool:
    """Whether this one role reaches this unit with this act."""
    return _is_among(session, _reached((grant,), act), unit_id)


def alone(act: Act, unit_ids: Any, *, today: date) -> Any:
    """Select unit and teacher for those of the units that one person alone tends with this act.

    What this person may not decide, because it is their own, nobody else of the unit can.
    """
    tends = [role for role, acts_ in MAY.items() if act in acts_ and role not in OVERSEES]
    return (
        sa.select(col(RoleAssignment.scope_id), sa.func.min(RoleAssignment.teacher_id))
        .join(Teacher, col(Teacher.id) == col(RoleAssignment.teacher_id))
        .where(
            col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
            col(RoleAssignment.scope_id).in_(unit_ids),
            col(RoleAssignment.role).in_(tends),
            col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]),
            runs(today),
        )
        .group_by(col(RoleAssignment.scope_id))
        .having(sa.func.count(sa.distinct(col(RoleAssignment.teacher_id))) == 1)
    )


def unit_of(session: Session, teacher_id: int, *, today: date) -> int | None:
    """Return the unit of the primary posting on the day; None for somebody without one."""
    return session.exec(
        select(Posting.unit_id)
        .where(
            Posting.teacher_id == teacher_id,
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        )
        .order_by(col(Posting.since).desc(), col(Posting.id).desc())
    ).first()


def check_about(session: Session, actor_id: int, act: Act, teacher_id: int, *, today: date) -> int:
    """Raise NotAllowed unless the actor may do this about this teacher; return their unit.

    The unit is that of the primary posting on the day. Somebody without one is nobody's.
    """
    unit_id = unit_of(session, teacher_id, today=today)
    if unit_id is None:
        raise NotAllowed
    check(session, actor_id, act, unit_id, today=today)
    return unit_id


def check_covers(
    session: Session, actor_id: int, act: Act, teacher_id: int, *, today: date
) -> None:
    """Raise NotAllowed when this teacher's own roles reach further than the actor may do this.

    Whoever could hand out a link code for a superior would hold the superior's rights.
    """
    for grant in grants(session, teacher_id, today=today):
        if grant.batch_id is not None:
            continue  # the class is the organiser's, who can take the role away
        if grant.unit_id is None:
            raise NotAllowed
        check(session, actor_id, act, grant.unit_id, today=today)
