"""What an entry still lacks of the materials that a round requires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions.tables import Competition, Entry, EntryRound, Material, Round


@dataclass(frozen=True)
class Lacking:
    """What somebody's own entry still lacks for a round: the titles of it."""

    entry_id: int
    round_id: int
    titles: tuple[str, ...]
    is_blind: bool
    """Whether names of schools and people are to be kept out of it."""


def required(round_: Round) -> tuple[str, ...]:
    """Return the keys of the materials that every entry has to hand in for the round."""
    return tuple(each["key"] for each in round_.materials if each.get("required", True))


def missing(session: Session, entry_id: int, round_: Round) -> tuple[str, ...]:
    """Return the keys of what the entry still lacks, in the order of the round."""
    there = set(
        session.exec(
            select(Material.slot).where(
                Material.entry_id == entry_id,
                Material.round_id == round_.id,
                col(Material.removed_at).is_(None),
            )
        ).all()
    )
    return tuple(key for key in required(round_) if key not in there)


def lacks(round_: Round) -> Any:
    """The condition on ``Entry`` that something required is missing."""
    return sa.or_(
        sa.false(),
        *(
            ~sa.exists().where(
                col(Material.entry_id) == col(Entry.id),
                col(Material.round_id) == round_.id,
                col(Material.slot) == key,
                col(Material.removed_at).is_(None),
            )
            for key in required(round_)
        ),
    )


def lacking_of(session: Session, teacher_id: int, round_id: int) -> Lacking | None:
    """Return what this person's own entry lacks for a round; None where nothing is missing.

    Of several entries, one in each track, that which lacks something first.
    """
    rows = session.exec(
        select(Entry.id, Round, Competition.is_blind)
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Entry.teacher_id == teacher_id, Round.id == round_id)
        .order_by(col(Entry.id))
    ).all()
    for entry_id, round_, is_blind in rows:
        titles = {each["key"]: each["title"] for each in round_.materials}
        keys = missing(session, entry_id, round_)
        if keys:
            return Lacking(entry_id, round_id, tuple(titles[key] for key in keys), is_blind)
    return None
