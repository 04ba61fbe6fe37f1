"""Leases: a job that only one process may do belongs to whoever holds its row."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.inserting import insert_new
from storage.messaging.tables import Lease


def take(session: Session, name: str, holder: str, *, now: datetime, length: timedelta) -> bool:
    """Take or prolong the lease; False while somebody else holds it."""
    session.exec(insert_new(session, Lease).values(name=name, holder=holder, until=now + length))
    taken = session.exec(
        sa.update(Lease)
        .where(
            col(Lease.name) == name,
            sa.or_(col(Lease.holder) == holder, col(Lease.until) <= now),
        )
        .values(holder=holder, until=now + length)
    )
    return taken.rowcount == 1


def give_back(session: Session, name: str, holder: str) -> None:
    """Let the next one have it at once; somebody else's lease stays as it is."""
    session.exec(sa.delete(Lease).where(col(Lease.name) == name, col(Lease.holder) == holder))
