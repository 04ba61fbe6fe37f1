"""A school's own competition after its judging, for the matrix of who may do what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from storage.competitions import awarding, deciding, outside, venues
from storage.competitions.tables import (
    Competition,
    Entry,
    EntryRound,
    Honour,
    Objection,
    Round,
    RoundState,
    Venue,
    VenueState,
)
from tests import make
from tests.competitions import judged, making
from tests.make import NOW

BEFORE = NOW - timedelta(days=1)


def _made(session: Session, at: Any, position: int) -> tuple[Competition, Venue, EntryRound]:
    made = making.competition(session, code=f"KD-{at.unit_id}", owner_unit_id=at.unit_id)
    round_ = session.exec(
        select(Round).where(Round.competition_id == made.id, Round.position == position)
    ).one()
    entrant = make.teacher(session, "石晓岚", at=at.name)
    entry, place = making.entry(session, made, entrant)
    if position > 1:
        session.delete(place)
        session.flush()
        place = venues.let_in(session, entry, round_, now=NOW)
    assert place is not None
    venue_id = judged.score(session, [place], judged.totals(90))
    return made, session.get_one(Venue, venue_id), place


def _things(made: Competition, venue: Venue, place: EntryRound) -> dict[str, Any]:
    return {
        "competition_id": made.id,
        "round_id": venue.round_id,
        "venue_id": venue.id,
        "place_id": place.id,
        "entry_id": place.entry_id,
        "reason": "说明",
    }


def signed(session: Session, at: Any) -> dict[str, Any]:
    """A venue whose scores are signed."""
    return _things(*_made(session, at, 1)) | {"mark": ""}


def to_forward(session: Session, at: Any) -> dict[str, Any]:
    """A list that stands, with an entry to forward."""
    made, venue, place = _made(session, at, 1)
    session.get_one(Round, venue.round_id).forward_due_at = NOW + timedelta(days=9)
    deciding.write(session, venue, now=NOW)
    venue.state, venue.decided_at = VenueState.CONFIRMED, BEFORE
    session.flush()
    return _things(made, venue, place)


def final(session: Session, at: Any) -> dict[str, Any]:
    """A final that is decided, and may go on public display."""
    made, venue, place = _made(session, at, 2)
    deciding.write(session, venue, now=NOW)
    round_ = session.get_one(Round, venue.round_id)
    round_.publicity_from = round_.publicity_until = NOW.date()
    venue.state, venue.decided_at = VenueState.DECIDED, BEFORE
    session.flush()
    return _things(made, venue, place)


def objected(session: Session, at: Any) -> dict[str, Any]:
    """An objection to a list on display."""
    things = final(session, at)
    row = Objection(
        round_id=things["round_id"],
        by_id=make.teacher(session, "周知行", at="柳渡镇中心小学"),
        text="请复核",
        submitted_at=NOW,
        due_at=NOW + timedelta(days=7),
    )
    session.add(row)
    session.flush()
    return things | {"objection_id": row.id, "answer": "名单无误"}


def awarded(session: Session, at: Any) -> dict[str, Any]:
    """A final with an award that stands."""
    things = final(session, at)
    entry = session.get_one(Entry, things["entry_id"])
    session.add(
        Honour(
            teacher_id=entry.teacher_id,
            title="课堂教学大赛",
            award="一等奖",
            level=awarding.HONOUR_LEVEL[session.get_one(Round, things["round_id"]).level],
            awarded_on=NOW.date(),
            entry_round_id=things["place_id"],
        )
    )
    session.flush()
    return things


def _above(session: Session, at: Any, state: RoundState) -> dict[str, Any]:
    things = final(session, at)
    round_ = session.exec(
        select(Round).where(Round.competition_id == things["competition_id"], Round.position == 3)
    ).one()
    entry = session.get_one(Entry, things["entry_id"])
    place = venues.let_in(session, entry, round_, now=NOW)
    place.state = state
    session.flush()
    return things | {"round_id": round_.id, "place_id": place.id}


def nominated(session: Session, at: Any) -> dict[str, Any]:
    """An entry that is nominated into an external round."""
    return _above(session, at, RoundState.NOMINATED)


def sent(session: Session, at: Any) -> dict[str, Any]:
    """An entry that was sent up."""
    things = _above(session, at, RoundState.PUSHED)
    number = outside.entry_number(things["entry_id"], things["round_id"])
    return things | {"award": "市一等奖", "given": {number: "市一等奖"}}


def decided_deed(session: Session, at: Any) -> dict[str, Any]:
    """What deciding a list would have kept."""
    things = signed(session, at)
    venue = session.get_one(Venue, things["venue_id"])
    before = deciding.snapshot(session, venue.id)
    venue.state = VenueState.DECIDED
    session.flush()
    return {"venue_id": venue.id, "before": before, "keys": []}


def shown_deed(session: Session, at: Any) -> dict[str, Any]:
    """What putting a list on display would have kept."""
    things = final(session, at)
    return {
        "round_id": things["round_id"],
        "version": 1,
        "lines": [],
        "first": NOW.date().isoformat(),
        "until": NOW.date().isoformat(),
        "before_until": None,
    }


def corrected_deed(session: Session, at: Any) -> dict[str, Any]:
    """What correcting a list after an objection would have kept."""
    things = objected(session, at)
    place = session.get_one(EntryRound, things["place_id"])
    now_there = deciding.snapshot(session, things["venue_id"])
    return {name: things[name] for name in ("objection_id", "round_id", "venue_id", "place_id")} | {
        "before": now_there,
        "after": now_there,
        "old_score": place.score,
        "score": place.score,
        "old_reason": "",
        "objection": ["open", ""],
        "keys": [],
    }
