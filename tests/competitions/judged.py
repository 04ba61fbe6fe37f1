"""Entries that have been judged, for tests of what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from storage.competitions import venues
from storage.competitions.tables import (
    Ballot,
    BallotState,
    Competition,
    EntryRound,
    Judge,
    JudgeState,
    Round,
    RoundState,
    Venue,
    VenueState,
)
from storage.people import roles
from storage.people.tables import Role
from tests import make
from tests.competitions import making
from tests.make import NOW

Marks = Mapping[str, int]


def holder(
    session: Session,
    name: str = "顾岩",
    role: Role = Role.COUNTY_COORDINATOR,
    unit_id: int | None = None,
) -> int:
    """Somebody who organises (or holds, with another role and unit)."""
    who = make.teacher(session, name, at="教师发展中心")
    at = make.county(session) if unit_id is None else unit_id
    roles.appoint(session, who, role, at, today=NOW.date(), now=NOW)
    return who


def judges(session: Session, venue_id: int, number: int = 2) -> list[Judge]:
    """Outside experts, the first of them the chief."""
    rows = [
        Judge(
            venue_id=venue_id,
            name=f"专家{n}",
            number=n,
            is_chief=n == 1,
            state=JudgeState.ACCEPTED,
            invited_by=session.exec(select(Judge.invited_by)).first() or _anybody(session),
            invited_at=NOW,
        )
        for n in range(1, number + 1)
    ]
    session.add_all(rows)
    session.flush()
    return rows


def _anybody(session: Session) -> int:
    return make.teacher(session, "钟牧之", at="教师发展中心")


def score(session: Session, places: Sequence[EntryRound], marks: Sequence[Sequence[Marks]]) -> int:
    """Give each place (all of one venue) the marks of each judge; reveal and sign them."""
    venue_id = places[0].venue_id
    assert venue_id is not None
    panel = judges(session, venue_id, len(marks[0]))
    for n, (place, given) in enumerate(zip(places, marks, strict=True), start=1):
        place.order_no, place.number = n, f"A{n:02}"
        place.state = RoundState.SCORED
        for judge, one in zip(panel, given, strict=True):
            session.add(
                Ballot(
                    judge_id=judge.id,
                    entry_round_id=place.id,
                    state=BallotState.REVEALED,
                    marks=dict(one),
                    total=sum(one.values()),
                    comment=f"评语 {judge.number}",
                )
            )
        place.score = sum(sum(one.values()) for one in given) / len(given)
    return sign(session, venue_id)


def sign(session: Session, venue_id: int) -> int:
    """Reveal and sign the scores of a venue."""
    venue = session.exec(select(Venue).where(Venue.id == venue_id)).one()
    venue.state, venue.revealed_at, venue.signed_at = VenueState.REVEALED, NOW, NOW
    session.flush()
    return venue.id


def points(aims: int, process: int) -> dict[str, int]:
    """Marks by the rubric of the tests."""
    return {"aims": aims, "process": process}


def totals(*each: int) -> list[list[dict[str, int]]]:
    """For each entry two judges' marks that come to this score."""
    return [[points(40, total - 40), points(40, total - 40)] for total in each]


def venue(
    session: Session,
    made: Competition,
    names: Mapping[str, str],
    given: Sequence[Sequence[Marks]],
    *,
    position: int = 1,
    now: datetime = NOW,
) -> tuple[int, list[EntryRound]]:
    """Entries of these people (name → school) judged in a round; its venue and their places.

    All come to one venue: the round is one of the county, or they are of one school.
    """
    round_ = session.exec(
        select(Round).where(Round.competition_id == made.id, Round.position == position)
    ).one()
    places = []
    for name, school in names.items():
        teacher_id = make.teacher(session, name, at=school)
        entry, place = making.entry(session, made, teacher_id, now=now)
        if position > 1:
            if place is not None:
                session.delete(place)
                session.flush()
            place = venues.let_in(session, entry, round_, now=now)
        assert place is not None
        places.append(place)
    venue_id = score(session, places, given)
    for empty in session.exec(
        select(Venue).where(
            col(Venue.id) != venue_id,
            ~select(EntryRound.id).where(EntryRound.venue_id == Venue.id).exists(),
        )
    ).all():
        session.delete(empty)
    session.flush()
    return venue_id, places
