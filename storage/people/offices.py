"""The office that this database belongs to."""

import secrets
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from storage import moments
from storage.people.tables import Office


def settle_in(session: Session, *, timezone: str, language: str) -> None:
    """Make the office's row if there is none; a plan that is loaded later fills it in."""
    if session.exec(select(Office.id)).first() is None:
        session.add(
            Office(
                tenant="",
                name="",
                timezone=timezone,
                language=language,
                salt=secrets.token_hex(16),
            )
        )
        session.flush()


def lock(session: Session) -> None:
    """Wait for whoever brings a file about people or schools in, and keep others waiting."""
    session.exec(select(Office.id).with_for_update(key_share=True)).all()


def zone(session: Session) -> ZoneInfo:
    """Return the office's time zone."""
    return ZoneInfo(session.exec(select(Office.timezone)).first() or "Asia/Shanghai")


def today(session: Session, now: datetime) -> date:
    """Return the day that it is at the office."""
    return moments.local_day(now, zone(session))
