"""跟岗: the school that receives participants of a class, and what is told when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import outbox
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.people import units
from storage.training.owing import TAKES_PART
from storage.training.tables import Batch, Phase, Programme, ProgrammeState, Registration

CHANGED = "phase_changed"
"""The kind of what participants are told when a stretch takes place elsewhere, or another day."""


@dataclass(frozen=True)
class Place:
    """Where and when a stretch takes place."""

    host: str
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class Moved:
    """A stretch before and now."""

    batch_id: int
    title: str
    phase: str
    before: Place
    now: Place


def place_of(session: Session, phase: Phase) -> Place:
    """Return where and when it takes place."""
    host = units.name_of(session, phase.host_unit_id) if phase.host_unit_id else ""
    return Place(host, phase.starts_at, phase.ends_at)


def tell(
    session: Session,
    programme: Programme,
    batch: Batch,
    phase: Phase,
    before: Place,
    *,
    now: datetime,
) -> None:
    """Leave one message for each participant; who still waits for one is told once.

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
    teachers = sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch.id,
        col(Registration.state).in_(TAKES_PART),
        ~sa.exists().where(waits, col(OutboxMessage.teacher_id) == col(Registration.teacher_id)),
    )
    outbox.put_all(
        session,
        CHANGED,
        teachers,
        facts={
            "phase_id": phase.id,
            "batch_id": batch.id,
            "host": before.host,
            "starts_at": before.starts_at and before.starts_at.isoformat(),
            "ends_at": before.ends_at and before.ends_at.isoformat(),
        },
        priority=Priority.OFFER,
        not_before=now,
        useful_until=after.ends_at or batch.ends_at,
        key=f"{prefix}{batch.revision}:",
        now=now,
    )


def moved(session: Session, facts: Mapping[str, Any], teacher_id: int) -> Moved | None:
    """Return what this person is to be told; None when it is as it was, or no longer theirs."""
    found = session.exec(
        select(Phase, Programme)
        .join(Batch, col(Batch.id) == col(Phase.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            Phase.id == facts["phase_id"],
            Phase.batch_id == facts["batch_id"],
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
    ).first()
    if found is None:
        return None
    phase, programme = found
    before = Place(facts["host"], _moment(facts["starts_at"]), _moment(facts["ends_at"]))
    after = place_of(session, phase)
    if before == after:
        return None
    return Moved(phase.batch_id, programme.title, phase.title, before, after)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
