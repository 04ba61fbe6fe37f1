"""A sealed ballot given back: the judge asks for it, and whoever leads breaks the seal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from storage import audit
from storage.audit import AuditLog
from storage.competitions import at_ballot, at_venue, owing, rights
from storage.competitions.tables import (
    Ballot,
    BallotState,
    VenueState,
)
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.refusals import NotAllowed, NotFound, Refusal

REOPEN_ASKED = "reopen_asked"
REOPENED = "ballot_reopened"
_ASKED = "ask_reopen"


class NothingAsked(Refusal):
    """The judge has not asked for the ballot back."""


def ask_back(session: Session, teacher_id: int, ballot_id: int, *, now: datetime) -> bool:
    """Ask the chief judge for a sealed ballot back; False when one has asked already.

    The chief's own is given back by who holds the venue. Raises NotFound, NotUnderWay, or
    TooLateAtVenue once the marks are revealed.
    """
    found = at_ballot.lock_venue(session, teacher_id, ballot_id)
    row, place, judge = at_ballot.own(session, teacher_id, ballot_id, lock=True)
    at_venue.check_under_way(found)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    if row.state is not BallotState.COMMITTED:
        raise NotFound("ballot")
    if asked(session, row):
        return False
    audit.record(session, teacher_id, _ASKED, f"ballot:{row.id}", now=now)
    session.flush()
    leader = at_venue.chief(session, judge.venue_id)
    asked_of: Iterable[int | None] = (
        session.connection().execute(owing.hosts(session, judge.venue_id, now)).scalars()
        if judge.is_chief or leader is None
        else (leader.teacher_id,)
    )
    assert row.committed_at is not None
    for to in asked_of:
        if to is None:
            continue
        outbox.put(
            session,
            REOPEN_ASKED,
            teacher_id=to,
            facts={"ballot_id": row.id, "judge": judge.number, "number": place.number},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            dedupe_key=f"{REOPEN_ASKED}:{row.id}:{row.committed_at.isoformat()}:{to}",
            now=now,
        )
    return True


def reopen(session: Session, actor_id: int, ballot_id: int, *, now: datetime) -> bool:
    """Give a sealed ballot back to the judge who has asked for it; False when it is open.

    For the chief judge, of the chief's own for who holds the venue. The log keeps the seal that
    was broken. Raises NotFound, NotAllowed, NotUnderWay, TooLateAtVenue or NothingAsked.
    """
    _row, _place, judge = at_ballot.find(session, ballot_id)
    found = at_venue.check_leads(session, actor_id, judge.venue_id, now=now)
    row, place, judge = at_ballot.find(session, ballot_id, lock=True)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    if judge.teacher_id == actor_id:
        raise NotAllowed
    if judge.is_chief and not rights.holds(session, actor_id, judge.venue_id, now=now):
        raise NotAllowed
    if row.state is BallotState.OPEN:
        return False
    if row.state is not BallotState.COMMITTED:
        raise NotFound("ballot")
    if not asked(session, row):
        raise NothingAsked
    audit.record(
        session, actor_id, "reopen_ballot", f"ballot:{row.id}", now=now, before={"seal": row.seal}
    )
    row.state, row.seal, row.nonce, row.committed_at = BallotState.OPEN, "", "", None
    session.flush()
    if judge.teacher_id is not None:
        outbox.put(
            session,
            REOPENED,
            teacher_id=judge.teacher_id,
            facts={"ballot_id": row.id, "number": place.number, "venue_id": judge.venue_id},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            dedupe_key=f"{REOPENED}:{row.id}:{now.isoformat()}",
            now=now,
        )
    return True


def asked(session: Session, row: Ballot) -> bool:
    """Whether the judge has asked for the ballot back since it was handed in."""
    if row.committed_at is None:
        return False
    asked = select(AuditLog.id).where(
        AuditLog.action == _ASKED,
        AuditLog.thing == f"ballot:{row.id}",
        col(AuditLog.at) >= row.committed_at,
    )
    return session.exec(asked).first() is not None
