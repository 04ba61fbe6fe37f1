"""Who makes an entry together with its teacher: whoever was asked and has agreed.

The table keeps the asked beside the authors; everybody who reads it says by these which of them
are meant.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col

from storage.competitions.tables import CompetingState, Entry, EntryAuthor

CHANGEABLE = (CompetingState.DRAFT, CompetingState.RETURNED, CompetingState.SUBMITTED)
"""States of an entry whose makers can still change; from then on its team is fixed."""

JOINED = col(EntryAuthor.agreed_at).is_not(None)
ASKED = col(EntryAuthor.agreed_at).is_(None)


def is_mate(teacher_id: int) -> sa.ColumnElement[bool]:
    """Whether an ``Entry`` is made together with this person, who is not its teacher."""
    return sa.exists().where(
        col(EntryAuthor.entry_id) == col(Entry.id),
        col(EntryAuthor.teacher_id) == teacher_id,
        JOINED,
    )


def is_of(teacher_id: int) -> sa.ColumnElement[bool]:
    """Whether an ``Entry`` is this person's own, or one made together."""
    return sa.or_(col(Entry.teacher_id) == teacher_id, is_mate(teacher_id))


def is_asked(teacher_id: int) -> sa.ColumnElement[bool]:
    """Whether an ``Entry`` is one that this person is asked to make together."""
    return sa.exists().where(
        col(EntryAuthor.entry_id) == col(Entry.id),
        col(EntryAuthor.teacher_id) == teacher_id,
        ASKED,
    )
