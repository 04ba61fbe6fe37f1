"""How far a venue is and what waits next, for who holds it: figures, and no mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import at_venue, chasing, completeness, drawing
from storage.competitions.chasing import Lack, Missing
from storage.competitions.entering import TO_COME
from storage.competitions.tables import (
    CompetitionState,
    Entry,
    EntryRound,
    Judge,
    JudgeState,
    RoundState,
    VenueState,
)
from storage.people.tables import OrgUnit
from storage.training.allocation import commitment


@dataclass(frozen=True)
class VenueDesk:
    """A venue as its desk shows it."""

    venue_id: int
    round_id: int
    competition_id: int
    competition: str
    competition_state: CompetitionState
    round: str
    track: str
    unit: str
    place: str
    state: VenueState
    entries: int
    undrawn: int
    absent: int
    without_turn: int
    first_at: datetime | None
    last_at: datetime | None
    entries_until: datetime | None
    """Until when entries can still come; None when that time is over."""
    work_until: datetime | None
    """Until when entrants can replace their work unless judging begins; None when it is due."""
    commitment: str
    judges_needed: int
    judges: Mapping[JudgeState, int]
    chief: int | None
    """The chief judge's number."""
    received: int
    wanted: int
    missing: tuple[Missing, ...]
    lacking: tuple[Lack, ...]
    result_due_at: datetime | None
    is_signed: bool
    incomplete: int
    """Entries that are still to be judged and lack something the round requires."""

    @property
    def is_on(self) -> bool:
        """Whether the competition is under way."""
        return self.competition_state is CompetitionState.PUBLISHED


def desk(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> VenueDesk:
    """Return how far a venue is. Raises NotFound, or NotAllowed for who does not hold it."""
    found = at_venue.check_held(session, actor_id, venue_id, now=now)
    venue, round_ = found.venue, found.round
    counted = dict(
        session.exec(
            select(EntryRound.state, sa.func.count())
            .where(EntryRound.venue_id == venue_id)
            .group_by(col(EntryRound.state))
        ).all()
    )
    first, last = session.exec(
        select(sa.func.min(EntryRound.slot_at), sa.func.max(EntryRound.slot_at)).where(
            EntryRound.venue_id == venue_id, EntryRound.state != RoundState.ABSENT
        )
    ).one()
    without = session.exec(
        select(sa.func.count())
        .select_from(EntryRound)
        .where(
            EntryRound.venue_id == venue_id,
            EntryRound.state == RoundState.SCHEDULED,
            col(EntryRound.slot_at).is_(None),
        )
    ).one()
    judges = dict(
        session.exec(
            select(Judge.state, sa.func.count())
            .where(Judge.venue_id == venue_id)
            .group_by(col(Judge.state))
        ).all()
    )
    received, wanted = chasing.progress(session, venue_id)
    chief = at_venue.chief(session, venue_id)
    closes = round_.entry_closes_at
    work_due = round_.material_due_at or (None if round_.entry_opens_at else round_.starts_at)
    return VenueDesk(
        venue_id,
        round_.id,
        found.competition.id,
        found.competition.title,
        found.competition.state,
        round_.name,
        found.track.title,
        session.exec(select(OrgUnit.name).where(OrgUnit.id == venue.unit_id)).one(),
        venue.place,
        venue.state,
        sum(counted.values()),
        drawing.undrawn(session, venue_id),
        counted.get(RoundState.ABSENT, 0),
        without,
        first,
        last,
        closes if closes is not None and now < closes else None,
        work_due if round_.materials and work_due is not None and now < work_due else None,
        commitment(venue.seed),
        round_.judges,
        {JudgeState(state): count for state, count in judges.items()},
        None if chief is None else chief.number,
        received,
        wanted,
        chasing.missing(session, venue_id),
        chasing.lacking(session, found),
        round_.result_due_at,
        venue.signed_at is not None,
        session.exec(
            select(sa.func.count())
            .select_from(EntryRound)
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .where(
                EntryRound.venue_id == venue_id,
                col(EntryRound.state).in_(TO_COME),
                completeness.lacks(round_),
            )
        ).one(),
    )
