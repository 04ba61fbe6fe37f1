"""跟岗: what a school that receives participants of a class is told, and all when it changes.

The school hears in its next brief that a stretch takes place there, as soon as that is said and
the class is published; when people come, ``storage.kinds`` reminds it (``shadowing``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import news, outbox
from storage.messaging.tables import News, OutboxMessage, OutboxState, Priority
from storage.people import offices, units
from storage.people.owing import holders
from storage.people.tables import OrgUnit, Role, Teacher
from storage.training.owing import TAKES_PART
from storage.training.tables import (
    Batch,
    Phase,
    PhaseKind,
    Programme,
    ProgrammeState,
    Registration,
)

CHANGED = "phase_changed"
"""The kind of what participants are told when a stretch takes place elsewhere, or another day."""
NEWS = "hosting"
"""The kind of news that a stretch takes place at one's school."""
NEWS_OFF = "hosting_off"
"""The kind of news that it does not, after all, or not at all."""
HOSTS = (Role.SCHOOL_COORDINATOR, Role.PRINCIPAL)
"""Who hears of it at a school."""


class Hears(StrEnum):
    """As what somebody is told that a stretch has moved."""

    PARTICIPANT = "participant"
    HOST = "host"  # tends a school that receives people, or did
    TUTOR = "tutor"


@dataclass(frozen=True)
class Place:
    """Where and when a stretch takes place."""

    host: str
    starts_at: datetime | None
    ends_at: datetime | None
    unit_id: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Moved:
    """A stretch before and now, and as what the reader hears of it."""

    batch_id: int
    phase_id: int
    title: str
    phase: str
    before: Place
    now: Place
    hears: Hears = Hears.PARTICIPANT


def place_of(session: Session, phase: Phase) -> Place:
    """Return where and when it takes place."""
    host = units.name_of(session, phase.host_unit_id) if phase.host_unit_id else ""
    return Place(host, phase.starts_at, phase.ends_at, phase.host_unit_id)


def invite(session: Session, programme: Programme, batch: Batch, *, now: datetime) -> None:
    """Let whoever tends a school at which a stretch takes place hear of it, each once.

    What no brief has told yet is said as it is now. Nobody is told of a draft or of a stretch
    that is over.
    """
    phases = session.exec(select(Phase).where(Phase.batch_id == batch.id)).all()
    takes_place = programme.state is ProgrammeState.PUBLISHED and batch.cancelled_at is None
    for row in _untold(session, [phase.id for phase in phases]):
        session.delete(row)
    session.flush()
    zone = offices.zone(session)
    for phase in phases:
        if not takes_place or phase.kind is not PhaseKind.SHADOWING or phase.host_unit_id is None:
            continue
        if phase.starts_at is None or phase.ends_at is None or phase.ends_at <= now:
            continue
        facts = {
            "title": programme.title,
            "phase": phase.title,
            "starts_at": phase.starts_at.astimezone(zone).isoformat(),
            "ends_at": phase.ends_at.astimezone(zone).isoformat(),
        }
        for teacher_id in _tending(session, [phase.host_unit_id], now):
            news.tell(session, NEWS, teacher_id, phase.id, facts, now=now)


def call_off(session: Session, title: str, phases: Sequence[Phase], *, now: datetime) -> None:
    """Let whoever has heard of these stretches hear that nobody comes."""
    ids = {phase.id: phase.title for phase in phases}
    for row in _untold(session, ids):
        session.delete(row)
    session.flush()
    for row in session.exec(
        select(News).where(News.kind == NEWS, col(News.subject_id).in_(ids))
    ).all():
        facts = {"title": title, "phase": ids[row.subject_id]}
        news.tell(session, NEWS_OFF, row.teacher_id, row.subject_id, facts, now=now)


def _untold(session: Session, phase_ids: Collection[int]) -> Sequence[News]:
    """The news of these stretches that no brief has told."""
    return session.exec(
        select(News).where(
            News.kind == NEWS,
            col(News.subject_id).in_(phase_ids),
            col(News.told_at).is_(None),
            col(News.outbox_id).is_(None),
        )
    ).all()


def _tending(session: Session, unit_ids: Collection[int], now: datetime) -> set[int]:
    """Who tends one of these schools, as those who receive people."""
    units_ = sa.select(col(OrgUnit.id)).where(col(OrgUnit.id).in_(unit_ids))
    return set(session.connection().execute(holders(session, HOSTS, of=units_, now=now)).scalars())


def tell(
    session: Session,
    programme: Programme,
    batch: Batch,
    phase: Phase,
    before: Place,
    *,
    now: datetime,
) -> None:
    """Leave one message for each participant, each tutor, and who tends the schools concerned.

    Who still waits for one is told once, and a school that has not heard of the stretch at all
    hears of that alone (``invite``, which comes first).

    Nobody is told of a draft, of a stretch that is over, or of one that had no place before.
    """
    after = place_of(session, phase)
    is_over = after.ends_at is not None and after.ends_at <= now
    was_said = before.host or before.starts_at is not None
    if programme.state is not ProgrammeState.PUBLISHED or after == before:
        return
    if is_over or not was_said:
        return
    prefix = f"{CHANGED}:{phase.id}:"
    waits = sa.and_(
        col(OutboxMessage.kind) == CHANGED,
        col(OutboxMessage.state) == OutboxState.PENDING,
        col(OutboxMessage.dedupe_key).startswith(prefix, autoescape=True),
    )
    participants = sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch.id,
        col(Registration.state).in_(TAKES_PART),
        ~sa.exists().where(waits, col(OutboxMessage.teacher_id) == col(Registration.teacher_id)),
    )
    schools = {unit for unit in (before.unit_id, after.unit_id) if unit is not None}
    new = {row.teacher_id for row in _untold(session, [phase.id])}
    others = sa.select(col(Teacher.id)).where(
        ~sa.exists().where(waits, col(OutboxMessage.teacher_id) == col(Teacher.id)),
        ~sa.exists().where(
            col(Registration.batch_id) == batch.id,
            col(Registration.teacher_id) == col(Teacher.id),
            col(Registration.state).in_(TAKES_PART),
        ),
    )
    receiving = _tending(session, schools, now) if phase.kind is PhaseKind.SHADOWING else set()
    tutors = holders(session, (Role.TUTOR,), batch_id=batch.id, now=now)
    who = {
        Hears.PARTICIPANT: participants,
        Hears.HOST: others.where(col(Teacher.id).in_(receiving - new)),
        Hears.TUTOR: others.where(col(Teacher.id).in_(tutors), col(Teacher.id).not_in(receiving)),
    }
    facts = {
        "phase_id": phase.id,
        "batch_id": batch.id,
        "host": before.host,
        "starts_at": before.starts_at and before.starts_at.isoformat(),
        "ends_at": before.ends_at and before.ends_at.isoformat(),
    }
    for hears, people in who.items():
        outbox.put_all(
            session,
            CHANGED,
            people,
            facts=facts | {"hears": hears},
            priority=Priority.OFFER,
            not_before=now,
            useful_until=after.ends_at or batch.ends_at,
            key=f"{prefix}{batch.revision}:",
            now=now,
        )


def moved(session: Session, facts: Mapping[str, Any], teacher_id: int) -> Moved | None:
    """Return what this person is to be told; None when it is as it was, or no longer theirs."""
    usually = Hears.HOST if facts.get("to_host") else Hears.PARTICIPANT  # as it was queued once
    hears = Hears(facts.get("hears", usually))
    takes_part = sa.exists().where(
        col(Registration.batch_id) == col(Batch.id),
        col(Registration.teacher_id) == teacher_id,
        col(Registration.state).in_(TAKES_PART),
    )
    found = session.exec(
        select(Phase, Programme)
        .join(Batch, col(Batch.id) == col(Phase.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Phase.id == facts["phase_id"],
            Phase.batch_id == facts["batch_id"],
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            takes_part if hears is Hears.PARTICIPANT else sa.true(),
        )
    ).first()
    if found is None:
        return None
    phase, programme = found
    before = Place(facts["host"], _moment(facts["starts_at"]), _moment(facts["ends_at"]))
    after = place_of(session, phase)
    if before == after:
        return None
    return Moved(phase.batch_id, phase.id, programme.title, phase.title, before, after, hears)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
