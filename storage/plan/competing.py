"""Entries of a plan's competitions, with the rounds that they have been through.

What the file says of an entry is how it stood when its competition came with the file; from then
on it is lived with, and a later file changes nothing of it. What is still to come on that day is
left to be played.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import datetime

from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import ballots, drawing, revealing, rights, venues
from storage.competitions.tables import (
    Ballot,
    BallotState,
    CompetingState,
    Entry,
    EntryRound,
    Judge,
    JudgeState,
    Material,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.people.owing import holders
from storage.plan.form import CompetitionPart, EntryPart, PlacePart
from storage.plan.lines import Path
from storage.plan.load import Load
from storage.plan.reading import starts

ON = (RoundState.READY, RoundState.ADVANCED)
"""States in a round after which an entry is still in the competition."""


def keep_entries(load: Load, competition_id: int, part: CompetitionPart, path: Path) -> None:
    """Keep the entries that are new: where they stand, their marks and comments."""
    session = load.session
    tracks = {track.title: track for track in venues.tracks(session, competition_id)}
    rounds = venues.rounds(session, competition_id)
    judged: dict[int, dict[int, PlacePart]] = defaultdict(dict)
    for n, each in enumerate(part.entries):
        here = (*path, "entries", n)
        teacher_id = load.known(load.teachers, each.teacher, (*here, "teacher"), "teacher")
        if each.track not in tracks:
            raise load.plan.wrong((*here, "track"), f"no track {each.track}")
        if len(each.rounds) > len(rounds):
            raise load.plan.wrong((*here, "rounds"), "the competition has fewer rounds")
        track = tracks[each.track]
        for round_, place in zip(rounds, each.rounds, strict=False):
            _check_marks(load, round_, place, here)
        if each.on > load.today:
            continue
        entry = _entry(load, competition_id, track, teacher_id, each)
        for round_, place in zip(rounds, each.rounds, strict=False):
            row = venues.let_in(session, entry, round_, now=entry.created_at)
            for slot, url in each.works.items():
                _material(session, entry, round_, slot, url)
            is_over = round_.result_due_at is None or round_.result_due_at <= load.now
            if place.state is not RoundState.READY and not is_over:
                break
            row.state = place.state
            if place.state not in ON:
                entry.state = CompetingState.OUT
            if row.venue_id is not None and place.marks:
                judged[row.venue_id][row.id] = place
        session.flush()
    for venue_id, places in judged.items():
        _judge(load, venue_id, places)
    session.flush()


def _entry(
    load: Load, competition_id: int, track: Track, teacher_id: int, part: EntryPart
) -> Entry:
    session = load.session
    at = starts(part.on, load.zone)
    entry = Entry(
        competition_id=competition_id,
        track_id=track.id,
        teacher_id=teacher_id,
        unit_id=load.unit_of[teacher_id],
        title=part.title,
        state=CompetingState.COMPETING,
        agreed_at=at,
        created_at=at,
        submitted_at=at,
        changed_at=at,
    )
    session.add(entry)
    session.flush()
    load.new["entry"] += 1
    return entry


def _check_marks(load: Load, round_: Round, part: PlacePart, path: Path) -> None:
    most = [one.most for one in ballots.rubric(round_)]
    for marks in part.marks:
        if len(marks) != len(most) or any(
            not 0 <= points <= top for points, top in zip(marks, most, strict=True)
        ):
            raise load.plan.wrong(path, f"marks of {round_.name} are as in its rubric: {most}")


def _material(session: Session, entry: Entry, round_: Round, slot: str, url: str) -> None:
    if slot in {each["key"] for each in round_.materials}:
        session.add(
            Material(
                entry_id=entry.id,
                round_id=round_.id,
                slot=slot,
                version=1,
                url=url,
                uploaded_by=entry.teacher_id,
                uploaded_at=entry.created_at,
            )
        )


def _judge(load: Load, venue_id: int, places: dict[int, PlacePart]) -> None:
    """Draw the order of a venue, and give its places the marks and the list that they had."""
    session = load.session
    venue = session.get_one(Venue, venue_id)
    round_ = session.get_one(Round, venue.round_id)
    rows = {row.id: row for row in _rows(session, places)}
    at = min(load.now, round_.result_due_at or load.now)
    entries = {row.entry_id: row for row in rows.values()}
    for n, entry_id in enumerate(drawing.order(venue.seed, venue.id, entries), 1):
        entries[entry_id].order_no, entries[entry_id].number = n, f"{n:02}"
    # With this line anybody can draw again.
    audit.record(
        session,
        None,
        drawing.DRAWN,
        f"venue:{venue.id}",
        now=round_.starts_at or at,
        after={"entries": sorted(entries)},
    )
    judges = _experts(load, venue, max(len(place.marks) for place in places.values()), at)
    for place_id, place in places.items():
        row = rows[place_id]
        for n, (judge, marks) in enumerate(zip(judges, place.marks, strict=False)):
            comment = place.comments[n] if n < len(place.comments) else ""
            _ballot(session, judge, row, round_, marks, comment, at)
        row.score = revealing.score_of([sum(marks) for marks in place.marks], round_.drops)
        row.changed_at = at
        if row.state is RoundState.ADVANCED:
            row.forwarded_at = at
    scores = sorted((row.score or 0.0 for row in rows.values()), reverse=True)
    for row in rows.values():
        row.rank = scores.index(row.score or 0.0) + 1
    venue.state = VenueState.CONFIRMED
    venue.drawn_at = venue.judging_at = round_.starts_at or at
    venue.revealed_at = venue.signed_at = venue.decided_at = at
    session.flush()


def _rows(session: Session, places: dict[int, PlacePart]) -> list[EntryRound]:
    return list(session.exec(select(EntryRound).where(col(EntryRound.id).in_(places))).all())


def _experts(load: Load, venue: Venue, number: int, at: datetime) -> list[Judge]:
    """Experts from outside, the first of them the chief."""
    session = load.session
    who = holders(session, rights.ASKED, now=load.now).limit(1)
    asked_by = venue.organiser_id or session.connection().execute(who).scalars().first()
    made = [
        Judge(
            venue_id=venue.id,
            name=f"专家{n}",
            number=n,
            is_chief=n == 1,
            state=JudgeState.ACCEPTED,
            invited_by=asked_by or min(load.teachers.values()),
            invited_at=at,
            answered_at=at,
        )
        for n in range(1, number + 1)
    ]
    session.add_all(made)
    session.flush()
    return made


def _ballot(
    session: Session,
    judge: Judge,
    place: EntryRound,
    round_: Round,
    marks: list[int],
    comment: str,
    at: datetime,
) -> None:
    given = dict(zip((one.key for one in ballots.rubric(round_)), marks, strict=True))
    row = Ballot(
        judge_id=judge.id,
        entry_round_id=place.id,
        state=BallotState.REVEALED,
        marks=given,
        total=sum(marks),
        comment=comment,
        nonce=secrets.token_hex(16),
        committed_at=at,
        on_paper=True,
    )
    session.add(row)
    session.flush()
    row.seal = ballots.seal_of(row.id, given, row.nonce)
