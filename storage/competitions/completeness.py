"""What an entry still lacks of the materials that a round requires."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions.tables import Entry, Material, Round


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
