"""The usual way of studying remotely, as the templates of programmes say it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from storage.training import structure
from storage.training.remote.plan import of_batch
from storage.training.remote.tables import ProgressItem, RemotePlan
from storage.training.template import RemotePart, of_key

USUAL = "remote_all_staff"
"""The template whose plan is the usual one (domain/sample-county.yaml, QY26)."""


def take_usual(
    session: Session, actor_id: int, batch_id: int, *, language: str, now: datetime
) -> bool:
    """Give the class what is usual for its kind, titles in this language.

    False, and nothing happens, when something counts already. Raises NotAllowed, NotFound or
    ProgrammeCancelled.
    """
    batch, programme = structure.to_change(session, actor_id, batch_id, now)
    part = usual(programme.template) or usual(USUAL)
    there = session.exec(select(ProgressItem.id).where(ProgressItem.batch_id == batch_id)).first()
    if part is None or there is not None:
        return False
    take(session, batch_id, part, language)
    structure.note(session, actor_id, "take_usual_plan", f"batch:{batch_id}", batch, now=now)
    return True


def usual(key: str) -> RemotePart | None:
    """Return how classes of this template study remotely."""
    found = of_key(key)
    return found.remote if found else None


def take(session: Session, batch_id: int, part: RemotePart, language: str) -> None:
    """Give the class the items of a template, and its plan where it has none yet."""
    if of_batch(session, batch_id) is None:
        session.add(
            RemotePlan(
                batch_id=batch_id,
                minutes_a_day=part.minutes_a_day,
                participation_target=part.participation_target,
                pass_target=part.pass_target,
            )
        )
    session.add_all(
        ProgressItem(
            batch_id=batch_id,
            position=position,
            kind=item.kind,
            title=item.title.said(language),
            measure=item.measure,
            required=item.required,
            weight=item.weight,
            mandatory=item.mandatory,
        )
        for position, item in enumerate(part.items, 1)
    )
    session.flush()
