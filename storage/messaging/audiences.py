"""Whom a notice is for: data, and one set-based select that never reaches beyond its author.

What an audience says (``Notice.audience``), all of it together:

``units``   these units and all below them, by id
``whom``    ``coordinators`` or ``principals`` of the units instead of everybody
``facts``   ``stage``, ``subject``, ``tier``, ``duty`` → the values of which one is enough
``batch``   who is registered in this class, in the state ``state`` (a key of ``STATES``)
``owes``    a kind and an id: only those who still owe that task, choice or confirmation
``names``   what these were called when the notice was sent

An empty one is everybody whom the author may write to in the name of a unit. A right to write
to a class reaches all of that class, and nobody else. Nobody writes to themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds
from storage.messaging.tables import Notice, NoticeRecipient, NoticeState
from storage.moments import at
from storage.people import authority, offices, units
from storage.people.authority import Act
from storage.people.tables import (
    Account,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherFact,
    TeacherState,
    UnitKind,
)
from storage.plan.form import STAGES
from storage.refusals import NotFound
from storage.training.audience import described
from storage.training.tables import (
    Batch,
    Menu,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Task,
)

FACTS = ("stage", "subject", "tier", "duty")
COORDINATORS, PRINCIPALS = "coordinators", "principals"
WHOM = {
    COORDINATORS: (Role.SCHOOL_COORDINATOR,),
    PRINCIPALS: (Role.PRINCIPAL,),
}
IN, WAITING, ASKED, COMPLETED, UNFINISHED = "in", "waiting", "asked", "completed", "unfinished"
STATES: Mapping[str, tuple[RegistrationState, ...]] = {
    IN: (
        RegistrationState.APPROVED,
        RegistrationState.ATTENDING,
        RegistrationState.COMPLETED,
        RegistrationState.NOT_COMPLETED,
    ),
    ASKED: (
        RegistrationState.SUBMITTED,
        RegistrationState.NOMINATED,
        RegistrationState.SCHOOL_APPROVED,
    ),
    WAITING: (RegistrationState.WAITLISTED, RegistrationState.OFFERED),
    COMPLETED: (RegistrationState.COMPLETED,),
    UNFINISHED: (RegistrationState.NOT_COMPLETED,),
}
"""How somebody stands in a class: takes part, has asked for a seat, waits for one, …"""

TASK, MENU, NOTICE = "task_due", "menu_close", "notice"
"""What somebody may still owe."""
OWED = (TASK, MENU, NOTICE)

AT_WORK = (TeacherState.ACTIVE, TeacherState.SECONDED)
"""Whoever is on long leave or gone is left in peace."""
REMEMBERED = timedelta(days=120)
"""How long after its end a class can be chosen."""
PAGE = 8


@dataclass(frozen=True)
class Count:
    """How many an audience is, and how many of them messages reach."""

    people: int
    reached: int

    @property
    def unreached(self) -> int:
        return self.people - self.reached


@dataclass(frozen=True)
class Described:
    """An audience by its names; the words are the reader's language's."""

    units: tuple[str, ...] = ()
    whom: str = ""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    batch: str = ""
    state: str = ""
    owes: str = ""  # the kind
    owed: str = ""  # its title


@dataclass(frozen=True)
class Option:
    """Something that an audience can be narrowed to, and whether it is."""

    key: str
    """A number, or a short mark of a value."""
    label: str
    chosen: bool


@dataclass(frozen=True)
class Options:
    """A page of options."""

    lines: tuple[Option, ...]
    page: int
    pages: int
    closed: tuple[str, ...] = ()
    """Groups by name that could be chosen if anything could be posted there now."""


@dataclass(frozen=True)
class UnreachedUnit:
    """How many of a unit's people in the audience are not reached; names only of one's own."""

    unit: str
    number: int
    names: tuple[str, ...]


def people(session: Session, author_id: int, spec: Mapping[str, Any], *, today: date) -> Any:
    """Select the ids of those whom this author reaches with it today, each once."""
    batch_id = spec.get("batch")
    of_class = batch_id is not None and authority.may_with(
        session, author_id, Act.NOTIFY_CLASS, batch_id, today=today
    )
    found = sa.select(col(Teacher.id)).where(
        col(Teacher.state).in_(AT_WORK), col(Teacher.id) != author_id
    )
    whom = spec.get("whom", "")
    chosen = units.below(spec["units"]) if spec.get("units") else None
    limits = [] if chosen is None else [chosen]
    if not of_class:
        limits.append(authority.reaches(session, author_id, Act.NOTIFY_UNIT, today=today))
    if whom:
        found = found.where(col(Teacher.id).in_(_holding(WHOM[whom], limits, today)))
    elif limits:
        found = found.where(col(Teacher.id).in_(_posted(limits, today)))
    if batch_id is not None:
        found = found.where(
            sa.exists().where(
                col(Registration.batch_id) == batch_id,
                col(Registration.teacher_id) == col(Teacher.id),
                col(Registration.state).in_(STATES[spec.get("state", IN)]),
            )
        )
    if spec.get("facts"):
        found = found.where(described(spec["facts"]))
    if spec.get("owes"):
        kind, subject_id = spec["owes"]
        found = found.where(col(Teacher.id).in_(_owing(session, kind, subject_id, today)))
    return found


def _in_each(column: Any, limits: list[Any]) -> list[sa.ColumnElement[bool]]:
    return [col(column).in_(sa.select(each.subquery().c.id)) for each in limits]


def _posted(limits: list[Any], today: date) -> Any:
    return sa.select(col(Posting.teacher_id)).where(
        col(Posting.is_primary),
        col(Posting.since) <= today,
        sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
        *_in_each(Posting.unit_id, limits),
    )


def _holding(roles: tuple[Role, ...], limits: list[Any], today: date) -> Any:
    return sa.select(col(RoleAssignment.teacher_id)).where(
        col(RoleAssignment.role).in_(roles),
        col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
        authority.runs(today),
        *_in_each(RoleAssignment.scope_id, limits),
    )


def _owing(session: Session, kind: str, subject_id: int, today: date) -> Any:
    if kind == NOTICE:
        return sa.select(col(NoticeRecipient.teacher_id)).where(
            col(NoticeRecipient.notice_id) == subject_id,
            col(NoticeRecipient.confirmed_at).is_(None),
        )
    now = at(today, 0, offices.zone(session))
    return kinds.owes(session, kind, subject_id, now=now)


def count(session: Session, author_id: int, spec: Mapping[str, Any], *, today: date) -> Count:
    """Return how many the audience is, and how many of them have a chat that is open."""
    found = people(session, author_id, spec, today=today).subquery()
    row = session.exec(
        sa.select(  # type: ignore[call-overload]
            sa.func.count(), sa.func.count(col(Account.id))
        )
        .select_from(found)
        .outerjoin(Account, sa.and_(col(Account.teacher_id) == found.c.id, col(Account.reachable)))
    ).one()
    return Count(*row)


def unreached(
    session: Session,
    author_id: int,
    spec: Mapping[str, Any],
    *,
    page: int = 0,
    today: date,
) -> tuple[tuple[UnreachedUnit, ...], int, int]:
    """Return a page of units with how many are not reached, its number, and how many pages.

    Names are said of units that the author tends, not of those seen from above.
    """
    found = people(session, author_id, spec, today=today)
    lost = (
        sa.select(col(OrgUnit.id), col(OrgUnit.name), sa.func.count().label("n"))
        .select_from(Teacher)
        .join(
            Posting,
            sa.and_(
                col(Posting.teacher_id) == col(Teacher.id),
                col(Posting.is_primary),
                col(Posting.since) <= today,
                sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            ),
        )
        .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
        .where(col(Teacher.id).in_(found), _has_no_chat())
        .group_by(col(OrgUnit.id), col(OrgUnit.name))
    )
    rows = session.exec(  # type: ignore[call-overload]
        lost.order_by(sa.desc("n"), col(OrgUnit.name))
    ).all()
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(0, page), pages - 1)
    own = authority.reaches(session, author_id, Act.SEE_PEOPLE, today=today, own=True)
    mine = {row[0] for row in session.exec(own).all()}
    lines = []
    for unit_id, name, number in rows[page * PAGE : (page + 1) * PAGE]:
        names: tuple[str, ...] = ()
        if unit_id in mine:
            names = tuple(
                session.exec(
                    select(Teacher.name)
                    .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
                    .where(
                        Posting.unit_id == unit_id,
                        col(Posting.is_primary),
                        col(Posting.since) <= today,
                        sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
                        col(Teacher.id).in_(found),
                        _has_no_chat(),
                    )
                    .order_by(Teacher.staff_no)
                ).all()
            )
        lines.append(UnreachedUnit(name, number, names))
    return tuple(lines), page, pages


def _has_no_chat() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(col(Account.teacher_id) == col(Teacher.id), col(Account.reachable))


# --- names ---------------------------------------------------------------------------------


def names(session: Session, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the units, the class and the thing owed are called now."""
    found: dict[str, Any] = {}
    if spec.get("units"):
        found["units"] = list(
            session.exec(
                select(OrgUnit.name)
                .where(col(OrgUnit.id).in_(spec["units"]))
                .order_by(OrgUnit.name)
            ).all()
        )
    if spec.get("batch"):
        found["batch"] = class_title(session, spec["batch"])
    if spec.get("owes"):
        found["owed"] = owed_title(session, *spec["owes"])
    return found


def describe(session: Session, spec: Mapping[str, Any]) -> Described:
    """Return the audience by its names: those it was sent with, or those of now."""
    named = spec.get("names")
    if named is None:
        named = names(session, spec)
    return Described(
        units=tuple(named.get("units", ())),
        whom=spec.get("whom", ""),
        facts={key: tuple(values) for key, values in spec.get("facts", {}).items()},
        batch=named.get("batch", ""),
        state=spec.get("state", IN) if spec.get("batch") else "",
        owes=spec["owes"][0] if spec.get("owes") else "",
        owed=named.get("owed", ""),
    )


def class_title(session: Session, batch_id: int) -> str:
    """Return what a class is called, empty when it is gone."""
    row = session.exec(
        select(Programme.title, Batch.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    return "" if row is None else " · ".join(part for part in row if part)


def owed_title(session: Session, kind: str, subject_id: int) -> str:
    """Return what somebody may owe, empty when it is gone."""
    title: Any = {TASK: Task.title, MENU: Menu.title, NOTICE: Notice.title}[kind]
    table: Any = {TASK: Task, MENU: Menu, NOTICE: Notice}[kind]
    return session.exec(select(title).where(table.id == subject_id)).first() or ""


# --- what can be chosen ----------------------------------------------------------------------


def facts_there(
    session: Session, author_id: int, key: str, spec: Mapping[str, Any], *, today: date
) -> list[str]:
    """Return the values of a fact that anybody has of whom the audience would be without it.

    Stages stand in the order of school, all else as most people have it; what is chosen already
    is among them.
    """
    facts = dict(spec.get("facts", {}))
    chosen = facts.pop(key, [])
    reach = people(session, author_id, {**spec, "facts": facts}, today=today)
    found = list(
        session.exec(
            select(TeacherFact.value)
            .where(TeacherFact.key == key, col(TeacherFact.teacher_id).in_(reach))
            .group_by(TeacherFact.value)
            .order_by(sa.func.count().desc(), TeacherFact.value)
        ).all()
    )
    found += [value for value in chosen if value not in found]
    return sorted(found, key=lambda value: STAGES.index(value) if value in STAGES else 0)


def units_there(session: Session, author_id: int, *, today: date) -> list[tuple[int, str]]:
    """Return the units that the author may write to, by name: schools, then what is above."""
    reach = authority.reaches(session, author_id, Act.NOTIFY_UNIT, today=today).subquery()
    rows = session.exec(
        select(OrgUnit.id, OrgUnit.name)
        .where(col(OrgUnit.id).in_(sa.select(reach.c.id)), col(OrgUnit.active))
        .order_by(
            sa.case((col(OrgUnit.kind) == UnitKind.SCHOOL, 0), else_=1),
            OrgUnit.name,
            col(OrgUnit.id),
        )
    ).all()
    return [(id_, name) for id_, name in rows]


def classes_there(session: Session, author_id: int, *, now: datetime, today: date) -> Any:
    """Select id and titles of the classes that the author runs, or has people in."""
    run = authority.batches(session, author_id, Act.NOTIFY_CLASS, today=today).subquery()
    reach = authority.reaches(session, author_id, Act.NOTIFY_UNIT, today=today).subquery()
    return (
        sa.select(col(Batch.id), col(Programme.title), col(Batch.title), col(Batch.starts_at))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Programme.state).not_in([ProgrammeState.DRAFT, ProgrammeState.CANCELLED]),
            col(Batch.cancelled_at).is_(None),
            col(Batch.ends_at) > now - REMEMBERED,
            sa.or_(
                col(Batch.id).in_(sa.select(run.c.id)),
                sa.exists().where(
                    col(Registration.batch_id) == col(Batch.id),
                    col(Registration.unit_id_at).in_(sa.select(reach.c.id)),
                ),
            ),
        )
        .order_by(col(Batch.starts_at).desc(), col(Batch.id))
    )


def owed_there(
    session: Session, author_id: int, spec: Mapping[str, Any], *, now: datetime, today: date
) -> list[tuple[str, int, str]]:
    """Return kind, id and title of what people of this audience may still owe."""
    found: list[tuple[str, int, str]] = []
    if spec.get("batch"):
        tasks = session.exec(
            select(Task.id, Task.title)
            .where(Task.batch_id == spec["batch"])
            .order_by(col(Task.due_at))
        ).all()
        found += [(TASK, id_, title) for id_, title in tasks]
    reach = authority.reaches(session, author_id, Act.NOTIFY_UNIT, today=today).subquery()
    own = sa.select(reach.c.id)
    menus = session.exec(
        select(Menu.id, Menu.title)
        .where(col(Menu.cancelled_at).is_(None), Menu.opens_at <= now, Menu.closes_at > now)
        .order_by(col(Menu.closes_at))
    ).all()
    if not spec.get("batch"):
        found += [(MENU, id_, title) for id_, title in menus]
    notices = session.exec(
        select(Notice.id, Notice.title)
        .where(
            sa.or_(col(Notice.author_id) == author_id, col(Notice.unit_id).in_(own)),
            Notice.state == NoticeState.SENT,
            col(Notice.wants_answer),
            col(Notice.filled_at) > now - REMEMBERED,
        )
        .order_by(col(Notice.filled_at).desc())
        .limit(2 * PAGE)
    ).all()
    return found + [(NOTICE, id_, title) for id_, title in notices]


def check_class(
    session: Session, author_id: int, batch_id: int, *, now: datetime, today: date
) -> None:
    """Raise NotFound unless this is a class that the author can choose."""
    there = classes_there(session, author_id, now=now, today=today)
    if session.exec(there.where(col(Batch.id) == batch_id)).first() is None:
        raise NotFound("batch")
