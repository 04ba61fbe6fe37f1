"""The inbox: every update is a row before it is acted on, and done once.

Telegram forgets an update as soon as it is confirmed. So it is kept here first, raw, under
its own number; what was in hand when the process died is found again by its state.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.messaging.tables import InboxState, InboxUpdate

TRIES = 3
KEPT_FOR = timedelta(days=2)  # Telegram repeats an update for at most a day


@dataclass(frozen=True)
class Arrival:
    """An update as it came: its number and its JSON text."""

    update_id: int
    raw: str


def keep(session: Session, arrivals: Sequence[Arrival], *, now: datetime) -> set[int]:
    """Keep the updates and return the numbers of those that had not come before."""
    if not arrivals:
        return set()
    rows = [
        {
            "update_id": arrival.update_id,
            "raw": arrival.raw,
            "received_at": now,
            "state": InboxState.WAITING,
            "attempts": 0,
            "fault": "",
        }
        for arrival in {arrival.update_id: arrival for arrival in arrivals}.values()
    ]
    kept = InboxUpdate.__table__.c  # type: ignore[attr-defined]
    statement = insert_new(session, InboxUpdate).returning(kept.update_id)
    # As parameters, not as values: a statement for each number of rows would be built anew.
    return set(session.connection().execute(statement, rows).scalars().all())


def settle(
    session: Session, done: Sequence[int], failed: Sequence[tuple[int, str]], *, now: datetime
) -> None:
    """Mark updates as handled, or as failed with the fault that is in the log too."""
    if done:
        session.exec(
            sa.update(InboxUpdate)
            .where(col(InboxUpdate.update_id).in_(done))
            .values(state=InboxState.DONE, settled_at=now)
        )
    for update_id, fault in failed:
        session.exec(
            sa.update(InboxUpdate)
            .where(col(InboxUpdate.update_id) == update_id)
            .values(state=InboxState.FAILED, fault=fault[:500], settled_at=now)
        )


def blot(session: Session, update_id: int) -> None:
    """Take what was typed, or tapped, out of an update that is in hand: it was a secret."""
    row = session.exec(select(InboxUpdate).where(InboxUpdate.update_id == update_id)).first()
    if row is None:
        return
    update = json.loads(row.raw)
    for name in ("message", "edited_message"):
        if "text" in update.get(name, {}):
            update[name] = update[name] | {"text": "…"}
            update[name].pop("entities", None)
    if "data" in update.get("callback_query", {}):
        update["callback_query"] = update["callback_query"] | {"data": "…"}
    row.raw = json.dumps(update)
    session.add(row)
    session.flush()


def set_aside(session: Session, update_id: int, fault: str, *, now: datetime) -> None:
    """Put away an update that cannot be parsed; it is counted and shown, never retried."""
    session.exec(
        sa.update(InboxUpdate)
        .where(col(InboxUpdate.update_id) == update_id)
        .values(state=InboxState.SET_ASIDE, fault=fault[:500], settled_at=now)
    )


def unfinished(session: Session) -> list[Arrival]:
    """Return what was confirmed to Telegram and not handled, in order."""
    rows = session.exec(
        select(InboxUpdate.update_id, InboxUpdate.raw)
        .where(InboxUpdate.state == InboxState.WAITING)
        .order_by(col(InboxUpdate.update_id))
    ).all()
    return [Arrival(update_id, raw) for update_id, raw in rows]


def try_again(session: Session, update_id: int, *, now: datetime) -> bool:
    """Count one more attempt at an unfinished update; False when it has had its tries.

    Counted in a commit of its own before the handler runs: an update that brings the process
    down each time is set aside after three tries, and stops nobody else.
    """
    attempts = session.exec(
        sa.update(InboxUpdate)
        .where(col(InboxUpdate.update_id) == update_id)
        .values(attempts=InboxUpdate.attempts + 1)
        .returning(col(InboxUpdate.attempts))
    ).scalar_one()
    if attempts <= TRIES:
        return True
    set_aside(session, update_id, f"the process ended {TRIES} times while handling it", now=now)
    return False


def forget_old(session: Session, *, now: datetime) -> None:
    """Drop updates that are done and too old to come again; faulty ones stay for a month."""
    session.exec(
        sa.delete(InboxUpdate).where(
            col(InboxUpdate.state) == InboxState.DONE,
            col(InboxUpdate.received_at) < now - KEPT_FOR,
        )
    )
    session.exec(
        sa.delete(InboxUpdate).where(
            col(InboxUpdate.state) != InboxState.WAITING,
            col(InboxUpdate.received_at) < now - timedelta(days=30),
        )
    )


def counts(session: Session) -> dict[InboxState, int]:
    """Return how many updates are in each state."""
    rows = session.exec(
        select(InboxUpdate.state, sa.func.count()).group_by(col(InboxUpdate.state))
    ).all()
    return {InboxState(state): number for state, number in rows}
