"""The year's report of a competition: entries, units, awards, and how many went on, in figures.

Nobody is named but who has an award that stands. The rate of forwarding is entries that went on
out of the places that there were for them (domain, rates: ``forward_rate``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import authors, deciding, ranking, rights, venues
from storage.competitions.tables import (
    CompetingState,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Honour,
    Round,
    RoundState,
    Venue,
)
from storage.people.tables import OrgUnit

ENTERED = (
    CompetingState.SUBMITTED,
    CompetingState.COMPETING,
    CompetingState.OUT,
    CompetingState.DISQUALIFIED,
)
WENT_ON = (RoundState.ADVANCED, RoundState.LAPSED)


@dataclass(frozen=True)
class TrackFigures:
    """A track in figures; ``awards`` are those that stand, by name."""

    title: str
    entries: int
    units: int
    awards: dict[str, int]


@dataclass(frozen=True)
class RoundFigures:
    """A round in figures: who was in it, who went on, and how many places there were.

    ``places`` is None where there was no limit.
    """

    name: str
    external: bool
    entries: int
    absent: int
    went_on: int
    places: int | None
    awarded: int


@dataclass(frozen=True)
class UnitFigures:
    """A unit in figures."""

    name: str
    entries: int
    awards: int


@dataclass(frozen=True)
class Winner:
    """An award that stands, as it was public."""

    track: str
    award: str
    name: str
    school: str
    level: str


@dataclass(frozen=True)
class Report:
    """The whole competition of a year."""

    competition_id: int
    title: str
    school_year: str
    state: CompetitionState
    entries: int
    people: int
    units: int
    tracks: tuple[TrackFigures, ...]
    rounds: tuple[RoundFigures, ...]
    of_units: tuple[UnitFigures, ...]
    winners: tuple[Winner, ...]
    awards: tuple[str, ...]
    """Names of the awards, the best first."""


def report(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> Report:
    """Return the report, to who organises. Raises NotFound or NotAllowed."""
    competition = rights.check_organises(session, actor_id, competition_id, now=now)
    entries = session.exec(
        select(Entry).where(Entry.competition_id == competition_id, col(Entry.state).in_(ENTERED))
    ).all()
    ids = [each.id for each in entries]
    mates = session.exec(
        select(EntryAuthor.teacher_id).where(col(EntryAuthor.entry_id).in_(ids), authors.JOINED)
    ).all()
    names = dict(
        session.exec(
            select(OrgUnit.id, OrgUnit.name).where(
                col(OrgUnit.id).in_({each.unit_id for each in entries})
            )
        ).all()
    )
    won = session.exec(
        select(Entry, Honour.award, Honour.level)
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .join(Honour, col(Honour.entry_round_id) == col(EntryRound.id))
        .where(Entry.competition_id == competition_id, col(Honour.revoked_at).is_(None))
        .distinct()
    ).all()
    order = [each["name"] for each in competition.awards]
    order += sorted({award for _entry, award, _level in won} - set(order))
    of_track: dict[int, Counter[str]] = {}
    of_unit: Counter[int] = Counter()
    for entry, award, _level in won:
        of_track.setdefault(entry.track_id, Counter())[award] += 1
        of_unit[entry.unit_id] += 1
    tracks = venues.tracks(session, competition_id)
    titles = {each.id: each.title for each in tracks}
    people = deciding.people(session, [entry.id for entry, _award, _level in won])
    called = _names(session, {each for some in people.values() for each in some})
    return Report(
        competition_id,
        competition.title,
        competition.school_year,
        competition.state,
        len(entries),
        len({each.teacher_id for each in entries} | set(mates)),
        len({each.unit_id for each in entries}),
        tuple(
            TrackFigures(
                each.title,
                sum(entry.track_id == each.id for entry in entries),
                len({entry.unit_id for entry in entries if entry.track_id == each.id}),
                dict(of_track.get(each.id, {})),
            )
            for each in tracks
        ),
        tuple(_of_round(session, each) for each in venues.rounds(session, competition_id)),
        tuple(
            UnitFigures(name, sum(entry.unit_id == unit_id for entry in entries), of_unit[unit_id])
            for unit_id, name in sorted(names.items(), key=lambda item: item[1])
        ),
        tuple(
            Winner(
                titles[entry.track_id],
                award,
                "、".join(called[each] for each in people[entry.id]),
                names.get(entry.unit_id, ""),
                level,
            )
            for entry, award, level in sorted(
                won, key=lambda row: (row[0].track_id, order.index(row[1]), row[0].id)
            )
        ),
        tuple(order),
    )


def export(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> Report:
    """The same, to be written into a file; that is written down."""
    made = report(session, actor_id, competition_id, now=now)
    audit.record(session, actor_id, "export_competition", f"competition:{competition_id}", now=now)
    return made


def _of_round(session: Session, round_: Round) -> RoundFigures:
    rows = session.exec(
        select(EntryRound.state, EntryRound.award, EntryRound.venue_id, Entry.track_id)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(EntryRound.round_id == round_.id)
    ).all()
    judged: Counter[int] = Counter()
    for state, _award, venue_id, _track in rows:
        if venue_id is not None and state in deciding.JUDGED:
            judged[venue_id] += 1
    after = venues.next_round(session, round_)
    places: int | None = 0
    if after is not None and not round_.external:
        units = dict(
            session.exec(
                select(Venue.id, Venue.unit_id).where(col(Venue.id).in_(list(judged)))
            ).all()
        )
        limits = []
        for venue_id, number in judged.items():
            own = ranking.seats(round_.quota, units[venue_id], number)
            if after.external:
                own = ranking.fewest(own, ranking.seats(after.quota, units[venue_id], number))
            limits.append(own)
        known = [each for each in limits if each is not None]
        places = sum(known) if len(known) == len(limits) else None
    return RoundFigures(
        round_.name,
        round_.external,
        len(rows),
        sum(state is RoundState.ABSENT for state, *_rest in rows),
        sum(state in WENT_ON for state, *_rest in rows),
        places,
        sum(bool(award) for _state, award, *_rest in rows),
    )


def _names(session: Session, ids: set[int]) -> dict[int, str]:
    teacher = sa.table("teacher", sa.column("id"), sa.column("name"))
    rows = session.connection().execute(
        sa.select(teacher.c.id, teacher.c.name).where(teacher.c.id.in_(ids))
    )
    return {row.id: row.name for row in rows}
