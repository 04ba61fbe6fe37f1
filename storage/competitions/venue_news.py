"""What happens at a venue that somebody waits for: told to who holds it, or leads its panel.

They would otherwise look again and again: all ballots are in, a judge has left or set an entry
aside, the scores wait for a signature. No mark is told, and no entry's name.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from storage.competitions import at_venue, chasing, owing
from storage.competitions.tables import CompetitionState, Judge, VenueState
from storage.messaging import outbox
from storage.messaging.tables import Priority

NEWS = "venue_news"
"""The kind of message to who holds the venue."""
SIGN = "scores_to_sign"
"""The kind of message to the chief judge."""


class What(StrEnum):
    """What has happened."""

    ALL_IN = "all_in"
    LEFT = "left"
    SET_ASIDE = "set_aside"


def ballot_in(session: Session, venue_id: int, actor_id: int, *, now: datetime) -> None:
    """Tell that all ballots are in, if they are."""
    received, wanted = chasing.progress(session, venue_id)
    if received == wanted:
        _tell(session, venue_id, actor_id, What.ALL_IN, str(received), now=now)


def left(session: Session, judge: Judge, *, now: datetime) -> None:
    """Tell that a judge does not judge there."""
    facts = {"judge": judge.number}
    key = f"{judge.id}:{now.isoformat()}"
    _tell(session, judge.venue_id, judge.teacher_id, What.LEFT, key, facts, now=now)


def set_aside(session: Session, judge: Judge, number: str, *, now: datetime) -> None:
    """Tell that a judge does not judge the entry with this number."""
    facts = {"judge": judge.number, "number": number}
    key = f"{judge.id}:{number}"
    _tell(session, judge.venue_id, judge.teacher_id, What.SET_ASIDE, key, facts, now=now)


def revealed(session: Session, venue_id: int, actor_id: int, *, now: datetime) -> None:
    """Ask the chief judge to sign, unless it was the chief who opened the seals."""
    chief = at_venue.chief(session, venue_id)
    if chief is None or chief.teacher_id is None or chief.teacher_id == actor_id:
        return
    outbox.put(
        session,
        SIGN,
        teacher_id=chief.teacher_id,
        facts={"venue_id": venue_id},
        priority=Priority.LAST_HOURS,
        not_before=at_venue.next_ring(session, now),
        dedupe_key=f"{SIGN}:{venue_id}",
        now=now,
    )


def is_true(session: Session, venue_id: int, what: str) -> bool:
    """Whether it is still worth telling."""
    found = at_venue.here(session, venue_id)
    if found.competition.state is not CompetitionState.PUBLISHED:
        return False
    if what == SIGN:
        return found.venue.state is VenueState.REVEALED and found.venue.signed_at is None
    if what == What.ALL_IN:
        received, wanted = chasing.progress(session, venue_id)
        return found.venue.state is VenueState.JUDGING and received == wanted
    return found.venue.state in at_venue.BEFORE_REVEAL


def _tell(
    session: Session,
    venue_id: int,
    actor_id: int | None,
    what: What,
    key: str,
    facts: dict[str, Any] | None = None,
    *,
    now: datetime,
) -> None:
    hosts = session.connection().execute(owing.hosts(session, venue_id, now)).scalars().all()
    for teacher_id in hosts:
        if teacher_id == actor_id:
            continue
        outbox.put(
            session,
            NEWS,
            teacher_id=teacher_id,
            facts={"venue_id": venue_id, "what": what.value, **(facts or {})},
            priority=Priority.CARD,
            not_before=at_venue.next_ring(session, now),
            dedupe_key=f"{NEWS}:{venue_id}:{what.value}:{key}:{teacher_id}",
            now=now,
        )
