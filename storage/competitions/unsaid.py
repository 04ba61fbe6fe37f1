"""What became of entries a moment ago, and can still be taken back: it is said to nobody yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.competitions.tables import CompetingState, EntryRound, RoundState
from storage.deeds import Deed

DECIDED = "decide_venue"
"""The deed that lets a list stand."""
CORRECTED = "correct_list"
"""The deed that puts a list right; it is shown once it can be taken back no longer."""


@dataclass(frozen=True)
class Before:
    """What was written on an entry before its list was decided or put right."""

    place_id: int
    state: RoundState
    award: str
    score: float | None
    whole: CompetingState
    is_decided: bool
    """Whether there was a list before, so that it was put right."""


def before(session: Session, *, now: datetime) -> dict[int, Before]:
    """Return, by entry, what those who made it are still to see.

    What was decided or put right a moment ago can be taken back, and nobody is told of it before.
    """
    found: dict[int, Before] = {}
    for deed in _standing(session, now):  # the first of several to a list is what is known
        decided = deed.kind == CORRECTED
        old = {deed.data["place_id"]: deed.data["old_score"]} if decided else {}
        kept = deed.data["before"]
        places = session.exec(
            select(EntryRound).where(col(EntryRound.id).in_([int(id_) for id_ in kept]))
        ).all()
        for place in places:
            state, _rank, _tie, award, whole = kept[str(place.id)]
            known = found.get(place.entry_id)
            score = place.score if known is None else known.score
            found[place.entry_id] = Before(
                place.id,
                RoundState(state),
                award,
                old.get(place.id, score),
                CompetingState(whole),
                decided,
            )
    return found


def answered(session: Session, objection_id: int, *, now: datetime) -> tuple[str, str] | None:
    """Return the state and the answer that this objection had before, if both are still unsaid."""
    for deed in _standing(session, now):
        if deed.kind == CORRECTED and deed.data["objection_id"] == objection_id:
            state, answer = deed.data["objection"]
            return state, answer
    return None


def _standing(session: Session, now: datetime) -> Sequence[Deed]:
    """Return the deeds that can still be taken back, the newest first."""
    return session.exec(
        select(Deed)
        .where(
            col(Deed.kind).in_((DECIDED, CORRECTED)),
            Deed.until > now,
            col(Deed.undone_at).is_(None),
        )
        .order_by(col(Deed.id).desc())
    ).all()
