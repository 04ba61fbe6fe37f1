"""What became of entries a moment ago, and can still be taken back: it is said to nobody yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from storage.competitions.tables import CompetingState, EntryRound, RoundState
from storage.deeds import Deed

DECIDED = "decide_venue"
"""The deed that lets a list stand."""
CORRECTED = "correct_list"
"""The deed that puts a list right; it is shown once it can be taken back no longer."""
ACCEPTED = "accept_entries"
"""The deed that lets entries in."""
TAKEN_OUT = "disqualify_entry"
"""The deed that takes an entry out of the competition."""


@dataclass(frozen=True)
class Before:
    """What was written on an entry before all that can still be taken back."""

    place_id: int
    """Of the round that it is about; 0 for an entry that is in none."""
    state: RoundState | None
    award: str
    score: float | None
    whole: CompetingState
    reason: str
    is_decided: bool
    """Whether there was a list that had been said."""


def before(session: Session, entry_ids: Collection[int], *, now: datetime) -> dict[int, Before]:
    """Return, by entry, what those who made it are still to see.

    What was accepted, decided, put right or taken out a moment ago can be taken back, and nobody
    is told of it before.
    """
    if not entry_ids:
        return {}
    deeds = _standing(session, now)
    if not deeds:
        return {}
    places = session.exec(select(EntryRound).where(col(EntryRound.entry_id).in_(entry_ids))).all()
    found: dict[int, Before] = {}
    for deed in deeds:  # the first of several is what everybody knows
        if deed.kind == TAKEN_OUT:
            _before_taken_out(found, deed, entry_ids, places)
        elif deed.kind == ACCEPTED:
            for place in places:
                if place.entry_id in deed.data["entries"]:
                    found[place.entry_id] = Before(
                        place.id, None, "", None, CompetingState.SUBMITTED, "", is_decided=False
                    )
        else:
            _before_list(found, deed, places)
    return found


def _before_list(found: dict[int, Before], deed: Deed, places: Sequence[EntryRound]) -> None:
    is_decided = deed.kind == CORRECTED
    scores = {deed.data["place_id"]: deed.data["old_score"]} if is_decided else {}
    for place in places:
        kept = deed.data["before"].get(str(place.id))
        if kept is None:
            continue
        state, _rank, _tie, award, whole = kept
        known = found.get(place.entry_id)
        score = place.score if known is None else known.score
        found[place.entry_id] = Before(
            place.id,
            RoundState(state),
            award,
            scores.get(place.id, score),
            CompetingState(whole),
            "",
            is_decided,
        )


def _before_taken_out(
    found: dict[int, Before],
    deed: Deed,
    entry_ids: Collection[int],
    places: Sequence[EntryRound],
) -> None:
    data = deed.data
    by_id = {place.id: place for place in places}
    entry_id, place = data["entry_id"], by_id.get(data["place_id"])
    if entry_id in entry_ids:
        known = found.get(entry_id)
        found[entry_id] = Before(
            data["place_id"],
            RoundState(data["place"]) if data["place"] else None,
            "" if place is None else place.award if known is None else known.award,
            None if place is None else place.score if known is None else known.score,
            CompetingState(data["state"]),
            data["reason"],
            is_decided=True,
        )
    reserve = by_id.get(data.get("reserve", 0))
    if reserve is not None:
        known = found.get(reserve.entry_id)
        found[reserve.entry_id] = (
            Before(
                reserve.id,
                RoundState.RESERVE,
                reserve.award,
                reserve.score,
                CompetingState.COMPETING,
                "",
                is_decided=True,
            )
            if known is None
            else replace(known, state=RoundState.RESERVE)
        )


def answered(session: Session, objection_id: int, *, now: datetime) -> tuple[str, str] | None:
    """Return the state and the answer that this objection had, if what it has now is unsaid."""
    found: tuple[str, str] | None = None
    for deed in _standing(session, now):  # the first of several is what is known
        if deed.kind == CORRECTED and deed.data["objection_id"] == objection_id:
            state, answer = deed.data["objection"]
            found = state, answer
    return found


def things(session: Session, *, now: datetime) -> dict[str, set[int]]:
    """Return what is not to be said of yet, by table."""
    found: dict[str, set[int]] = defaultdict(set)
    for deed in _standing(session, now):
        data = deed.data
        if deed.kind == ACCEPTED:
            found["entry"] |= set(data["entries"])
        elif deed.kind == TAKEN_OUT:
            found["entry"].add(data["entry_id"])
            found["entry_round"] |= {data["place_id"], data.get("reserve", 0)}
        else:
            found["entry_round"] |= {int(id_) for id_ in data["before"]}
        if deed.kind == CORRECTED:
            found["objection"].add(data["objection_id"])
    ids = found["entry_round"]
    if ids:
        found["entry"] |= set(
            session.exec(select(EntryRound.entry_id).where(col(EntryRound.id).in_(ids))).all()
        )
    return dict(found)


def _standing(session: Session, now: datetime) -> Sequence[Deed]:
    """Return the deeds that can still be taken back, the newest first."""
    return session.exec(
        select(Deed)
        .where(
            col(Deed.kind).in_((ACCEPTED, DECIDED, CORRECTED, TAKEN_OUT)),
            Deed.until > now,
            col(Deed.undone_at).is_(None),
        )
        .order_by(col(Deed.id).desc())
    ).all()
