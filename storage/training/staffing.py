"""Who looks after a class: its class teacher (班主任) and tutors, appointed for it alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.messaging import news
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people import authority, offices, staff
from storage.people.authority import Act
from storage.people.tables import (
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
)
from storage.refusals import NotAllowed, NotFound
from storage.training.remote import my_study
from storage.training.tables import Batch, Programme

ROLES = (Role.CLASS_TEACHER, Role.TUTOR)
NEWS = {Role.CLASS_TEACHER: "appointed_class_teacher", Role.TUTOR: "appointed_tutor"}
"""The news that tells somebody of it."""
SHOWN = 8
LONGEST_SEARCH = 40


@dataclass(frozen=True)
class Helper:
    """Somebody who looks after a class."""

    teacher_id: int
    name: str
    unit: str
    role: Role


@dataclass(frozen=True)
class Helpers:
    """All who look after a class."""

    batch_id: int
    title: str
    people: tuple[Helper, ...]
    is_remote: bool = False  # each tutor has the people of some schools


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be appointed."""

    teacher_id: int
    name: str
    unit: str


@dataclass(frozen=True)
class Candidates:
    """Who fits what was typed; ``is_exact_only``: of others' people a full name is asked for."""

    text: str
    people: tuple[Candidate, ...]
    total: int
    is_exact_only: bool


def helpers(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Helpers:
    """Return who looks after this class. Raises NotFound or NotAllowed."""
    title = _check(session, actor_id, batch_id, now=now)
    today = local_day(now, offices.zone(session))
    rows = session.exec(
        select(Teacher.id, Teacher.name, RoleAssignment.role)
        .join(RoleAssignment, col(RoleAssignment.teacher_id) == col(Teacher.id))
        .where(
            RoleAssignment.scope_kind == ScopeKind.BATCH,
            RoleAssignment.scope_id == batch_id,
            authority.runs(today),
        )
        .order_by(col(RoleAssignment.role), col(RoleAssignment.id))
    ).all()
    units = _units(session, [row[0] for row in rows], now=now)
    people = tuple(Helper(id_, name, units.get(id_, ""), Role(role)) for id_, name, role in rows)
    return Helpers(batch_id, title, people, my_study.is_remote(session, batch_id))


def candidates(
    session: Session, actor_id: int, batch_id: int, text: str, *, now: datetime
) -> Candidates:
    """Find whom to appoint: by part of a name among one's own people, else by the full name.

    A full name or staff number finds everybody in active service, so that a teacher of another
    school can be asked to help. The log keeps what was searched for. Raises NotFound or
    NotAllowed.
    """
    _check(session, actor_id, batch_id, now=now)
    today = local_day(now, offices.zone(session))
    wanted = text.strip()[:LONGEST_SEARCH]
    sees = Act.SEE_PEOPLE in authority.acts(session, actor_id, today=today)
    found: dict[int, Candidate] = {}
    total = 0
    if wanted and sees:
        own = staff.search(session, actor_id, wanted, now=now)
        total = own.total
        found = {x.teacher_id: Candidate(x.teacher_id, x.name, x.beside) for x in own.lines}
    elif wanted:
        audit.record(session, actor_id, "search_people", "people", now=now, after={"text": wanted})
    exact = session.exec(
        select(Teacher.id, Teacher.name)
        .where(
            sa.or_(
                col(Teacher.name) == wanted,
                sa.func.upper(col(Teacher.staff_no)) == wanted.upper(),
            ),
            col(Teacher.state).in_(staff.ON_THE_ROSTER),
        )
        .order_by(col(Teacher.staff_no))
        .limit(SHOWN)
    ).all()
    units = _units(session, [row[0] for row in exact], now=now)
    for id_, name in exact:
        if id_ not in found:
            found[id_] = Candidate(id_, name, units.get(id_, ""))
            total += 1
    session.flush()
    return Candidates(wanted, tuple(found.values())[:SHOWN], total, not sees)


def candidate(
    session: Session, actor_id: int, batch_id: int, teacher_id: int, *, now: datetime
) -> Candidate:
    """Return the person about to be appointed; the log keeps who was looked at.

    Raises NotFound or NotAllowed.
    """
    _check(session, actor_id, batch_id, now=now)
    name = _name(session, teacher_id)
    audit.record(session, actor_id, "look_at_person", f"teacher:{teacher_id}", now=now)
    session.flush()
    return Candidate(teacher_id, name, _units(session, [teacher_id], now=now).get(teacher_id, ""))


def appoint(
    session: Session,
    actor_id: int,
    batch_id: int,
    teacher_id: int,
    role: Role,
    *,
    now: datetime,
) -> bool:
    """Let this teacher look after this class from today; False when they do already.

    Their next brief tells them. Raises NotFound, or NotAllowed for another role than class
    teacher or tutor.
    """
    title = _check(session, actor_id, batch_id, now=now)
    _name(session, teacher_id)
    if role not in ROLES:
        raise NotAllowed
    today = local_day(now, offices.zone(session))
    held = _held(session, batch_id, teacher_id, role)
    if held is not None and held.since <= today and (held.until is None or held.until >= today):
        return False
    if held is None:
        session.add(
            RoleAssignment(
                teacher_id=teacher_id,
                role=role,
                scope_kind=ScopeKind.BATCH,
                scope_id=batch_id,
                since=today,
                by_plan=False,
            )
        )
    else:
        held.since, held.until, held.by_plan = today, None, False
    if teacher_id != actor_id:
        news.tell(session, NEWS[role], teacher_id, batch_id, {"title": title}, now=now)
    _record(session, actor_id, "appoint", batch_id, teacher_id, role, now=now)
    return True


def dismiss(
    session: Session,
    actor_id: int,
    batch_id: int,
    teacher_id: int,
    role: Role,
    *,
    now: datetime,
) -> bool:
    """End it again, at once; False when it does not run. Raises NotFound or NotAllowed."""
    _check(session, actor_id, batch_id, now=now)
    today = local_day(now, offices.zone(session))
    held = _held(session, batch_id, teacher_id, role)
    if held is None or (held.until is not None and held.until < today):
        return False
    held.until, held.by_plan = today - timedelta(days=1), False
    session.exec(
        sa.delete(News).where(
            col(News.kind) == NEWS[role],
            col(News.teacher_id) == teacher_id,
            col(News.subject_id) == batch_id,
            col(News.told_at).is_(None),
        )
    )
    _record(session, actor_id, "dismiss", batch_id, teacher_id, role, now=now)
    return True


def _check(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> str:
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    if title is None:
        raise NotFound("programme")
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    return title


def _name(session: Session, teacher_id: int) -> str:
    name = session.exec(
        select(Teacher.name).where(
            Teacher.id == teacher_id, col(Teacher.state).in_(staff.ON_THE_ROSTER)
        )
    ).first()
    if name is None:
        raise NotFound("teacher")
    return name


def _units(session: Session, teacher_ids: list[int], *, now: datetime) -> dict[int, str]:
    today = local_day(now, offices.zone(session))
    return dict(
        session.exec(
            select(Posting.teacher_id, OrgUnit.name)
            .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
            .where(
                col(Posting.teacher_id).in_(teacher_ids),
                col(Posting.is_primary),
                col(Posting.since) <= today,
                sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            )
        ).all()
    )


def _held(session: Session, batch_id: int, teacher_id: int, role: Role) -> RoleAssignment | None:
    return session.exec(
        select(RoleAssignment).where(
            RoleAssignment.teacher_id == teacher_id,
            RoleAssignment.role == role,
            RoleAssignment.scope_kind == ScopeKind.BATCH,
            RoleAssignment.scope_id == batch_id,
        )
    ).first()


def _record(
    session: Session,
    actor_id: int,
    act: str,
    batch_id: int,
    teacher_id: int,
    role: Role,
    *,
    now: datetime,
) -> None:
    after = {"role": role.value, "batch_id": batch_id}
    audit.record(session, actor_id, act, f"teacher:{teacher_id}", now=now, after=after)
    session.flush()
