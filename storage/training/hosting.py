"""跟岗: what the school that receives people sees of a stretch of a class, and takes down of it.

Who comes, from which schools and when; and, at the meetings of the stretch, who was there. What
comes of it, work and marks, is for the tutors of the class and its organiser (domain, model
2.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.owing import holders
from storage.people.tables import OrgUnit, Role, Teacher
from storage.refusals import NotAllowed, NotFound
from storage.training import gates
from storage.training.owing import TAKES_PART
from storage.training.structure import MeetingFacts, meeting_facts
from storage.training.tables import (
    Batch,
    CheckIn,
    ClassSession,
    Phase,
    PhaseKind,
    Programme,
    ProgrammeState,
    Registration,
)
from storage.waiting_for import Waiting

KIND = "hosting"
SOON = timedelta(days=14)
"""So long before it begins, a stretch stands on the desk of the school."""
SHOWN_AFTER = timedelta(days=14)
"""So long after its end, a stretch is still in the list of the school."""
PAGE = 12


@dataclass(frozen=True)
class HostedLine:
    """A stretch of a class at a school that the reader tends."""

    phase_id: int
    title: str
    phase: str
    host: str
    starts_at: datetime
    ends_at: datetime
    people: int


@dataclass(frozen=True)
class Guest:
    """Somebody who comes."""

    name: str
    unit: str


@dataclass(frozen=True)
class HostedMeeting:
    """A meeting of the stretch; ``is_recorded``: somebody takes down who was there."""

    meeting: MeetingFacts
    is_recorded: bool


@dataclass(frozen=True)
class Hosted:
    """A stretch for the school that receives people; pages count from 0."""

    phase_id: int
    batch_id: int
    title: str
    phase: str
    host: str
    starts_at: datetime | None
    ends_at: datetime | None
    gate: bool
    people: int
    schools: int
    guests: tuple[Guest, ...]
    page: int
    pages: int
    meetings: tuple[HostedMeeting, ...]
    tutors: tuple[str, ...]
    class_teachers: tuple[str, ...]
    is_host: bool


def hosting(session: Session, actor_id: int, *, now: datetime) -> tuple[HostedLine, ...]:
    """Return the stretches at schools that the actor tends, the soonest first.

    Those that are over stay for a while. Raises NotAllowed for who tends no school.
    """
    today = local_day(now, offices.zone(session))
    if Act.MARK_PRESENCE not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    own = authority.reaches(session, actor_id, Act.MARK_PRESENCE, today=today, own=True)
    rows = session.exec(
        select(Phase, Programme.title, OrgUnit.name)
        .join(Batch, col(Batch.id) == col(Phase.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Phase.host_unit_id))
        .where(
            col(Phase.host_unit_id).in_(own),
            Phase.kind == PhaseKind.SHADOWING,
            col(Phase.starts_at).is_not(None),
            col(Phase.ends_at) > now - SHOWN_AFTER,
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
        )
        .order_by(col(Phase.starts_at), col(Phase.id))
    ).all()
    return tuple(
        HostedLine(
            phase.id,
            title,
            phase.title,
            host,
            phase.starts_at,
            phase.ends_at,
            _count(session, phase, now),
        )
        for phase, title, host in rows
        if phase.starts_at is not None and phase.ends_at is not None
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return the stretches with people at the actor's schools, from a fortnight before on."""
    today = local_day(now, offices.zone(session))
    if Act.MARK_PRESENCE not in authority.acts(session, actor_id, today=today):
        return ()
    return tuple(
        Waiting(KIND, 1, title=f"{line.title} · {line.phase}")
        for line in hosting(session, actor_id, now=now)
        if line.people and line.starts_at <= now + SOON and line.ends_at > now
    )


def hosted(
    session: Session, actor_id: int, phase_id: int, *, page: int = 0, now: datetime
) -> Hosted:
    """Return who comes in a stretch, and what is on, for the school and who runs the class.

    The log keeps that somebody looked at the names. Raises NotFound or NotAllowed.
    """
    found = session.exec(
        select(Phase, Programme, OrgUnit.name)
        .join(Batch, col(Batch.id) == col(Phase.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Phase.host_unit_id))
        .where(Phase.id == phase_id, col(Batch.cancelled_at).is_(None))
    ).first()
    if found is None:
        raise NotFound("phase")
    phase, programme, host = found
    assert phase.host_unit_id is not None
    today = local_day(now, offices.zone(session))
    is_host = programme.state is not ProgrammeState.DRAFT and authority.may(
        session, actor_id, Act.MARK_PRESENCE, phase.host_unit_id, today=today, own=True
    )
    if not is_host and not authority.may_with(
        session, actor_id, Act.SEE_PROGRAMME, phase.batch_id, today=today
    ):
        raise NotAllowed
    everybody = _guests(session, phase, now)
    people = _count(session, phase, now)
    schools = session.exec(
        everybody.with_only_columns(sa.func.count(sa.distinct(col(Registration.unit_id_at))))
    ).scalar_one()
    pages = max(1, -(-people // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        everybody.join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .with_only_columns(col(Teacher.name), col(OrgUnit.name))
        .order_by(col(OrgUnit.code), col(OrgUnit.id), col(Teacher.staff_no))
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    meetings = session.exec(
        select(ClassSession).where(gates.of_stretch(phase)).order_by(col(ClassSession.starts_at))
    ).all()
    audit.looked(session, actor_id, "look_at_people", f"phase:{phase_id}", now=now)
    return Hosted(
        phase_id=phase_id,
        batch_id=phase.batch_id,
        title=programme.title,
        phase=phase.title,
        host=host,
        starts_at=phase.starts_at,
        ends_at=phase.ends_at,
        gate=phase.gate,
        people=people,
        schools=schools,
        guests=tuple(Guest(name, unit) for name, unit in rows),
        page=page,
        pages=pages,
        meetings=tuple(
            HostedMeeting(meeting_facts(one), one.check_in is not CheckIn.NONE) for one in meetings
        ),
        tutors=_names(session, Role.TUTOR, phase.batch_id, now),
        class_teachers=_names(session, Role.CLASS_TEACHER, phase.batch_id, now),
        is_host=is_host,
    )


def receives(session: Session, actor_id: int, meeting: ClassSession, *, now: datetime) -> bool:
    """Whether the meeting is one of a stretch at a school that the actor tends."""
    today = local_day(now, offices.zone(session))
    own = authority.reaches(session, actor_id, Act.MARK_PRESENCE, today=today, own=True)
    phases = session.exec(
        select(Phase).where(
            Phase.batch_id == meeting.batch_id,
            Phase.kind == PhaseKind.SHADOWING,
            col(Phase.host_unit_id).in_(own),
        )
    ).all()
    its = sa.or_(sa.false(), *(gates.of_stretch(phase) for phase in phases))
    found = select(ClassSession.id).where(ClassSession.id == meeting.id, its)
    return session.exec(found).first() is not None


def _guests(session: Session, phase: Phase, now: datetime) -> Any:
    """Select those who take part and were not held back at a gate before."""
    return sa.select(col(Registration.id)).where(
        col(Registration.batch_id) == phase.batch_id,
        col(Registration.state).in_(TAKES_PART),
        gates.may_enter(session, phase, now=now),
    )


def _count(session: Session, phase: Phase, now: datetime) -> int:
    number: int = session.exec(
        _guests(session, phase, now).with_only_columns(sa.func.count())
    ).scalar_one()
    return number


def _names(session: Session, role: Role, batch_id: int, now: datetime) -> tuple[str, ...]:
    who = holders(session, (role,), batch_id=batch_id, now=now)
    return tuple(
        session.exec(
            select(Teacher.name).where(col(Teacher.id).in_(who)).order_by(col(Teacher.staff_no))
        ).all()
    )
