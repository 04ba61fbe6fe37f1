"""Paper ballots: typed in by two people who read the same paper and have to agree.

Neither sees what the other typed. Where they differ, both read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import at_venue, ballots, conflicts
from storage.competitions.ballots import COMMENT, Criterion, Incomplete, Sealed
from storage.competitions.conflicts import Why
from storage.competitions.tables import (
    Ballot,
    BallotState,
    EntryRound,
    Judge,
    JudgeState,
    RoundState,
    VenueState,
)
from storage.refusals import NotFound, OwnCase

_TYPING = frozenset({VenueState.JUDGING})


class Typed(StrEnum):
    """What came of typing a ballot in."""

    FIRST = "first"  # somebody else has to type it, too
    AGREED = "agreed"  # and it is handed in
    DIFFERS = "differs"  # from what the other typed: both read again


@dataclass(frozen=True)
class PaperLine:
    """A ballot of paper in the list: whose turn it is, never what it says."""

    ballot_id: int
    judge: int
    number: str
    is_in: bool
    is_typed: bool
    """Whether one person has typed it and a second is wanted."""
    is_mine: bool
    """Whether that person is who asks."""


@dataclass(frozen=True)
class PaperBallot:
    """What is to be typed: the criteria in their order, and of whom by number."""

    ballot_id: int
    venue_id: int
    judge: int
    number: str
    criteria: tuple[Criterion, ...]
    is_in: bool
    is_second: bool
    seal: str


@dataclass(frozen=True)
class PaperJudge:
    """A judge whose ballots are of paper, or can be made so; by number."""

    judge_id: int
    number: int
    is_outside: bool


def listed(
    session: Session, actor_id: int, venue_id: int, *, now: datetime
) -> tuple[PaperLine, ...]:
    """Return the ballots of paper of the venue, for who holds it."""
    at_venue.check_held(session, actor_id, venue_id, now=now)
    rows = session.exec(
        select(Ballot, Judge.number, EntryRound.number)
        .join(Judge, col(Judge.id) == col(Ballot.judge_id))
        .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
        .where(
            Judge.venue_id == venue_id,
            Judge.state == JudgeState.ACCEPTED,
            col(Ballot.on_paper),
            col(Ballot.state) != BallotState.RECUSED,
            sa.or_(
                col(EntryRound.state) == RoundState.SCHEDULED,
                col(Ballot.state) == BallotState.REVEALED,
            ),
        )
        .order_by(col(Judge.number), col(EntryRound.order_no))
    ).all()
    return tuple(
        PaperLine(
            row.id,
            judge,
            number,
            row.state is not BallotState.OPEN,
            row.typed_by is not None,
            row.typed_by == actor_id,
        )
        for row, judge, number in rows
    )


def judges(
    session: Session, actor_id: int, venue_id: int, *, now: datetime
) -> tuple[PaperJudge, ...]:
    """Return the judges who still owe ballots on the phone: theirs can be turned to paper."""
    at_venue.check_held(session, actor_id, venue_id, now=now)
    return tuple(
        PaperJudge(id_, number, teacher_id is None)
        for id_, number, teacher_id in session.exec(
            select(Judge.id, Judge.number, Judge.teacher_id)
            .join(Ballot, col(Ballot.judge_id) == col(Judge.id))
            .where(
                Judge.venue_id == venue_id,
                Judge.state == JudgeState.ACCEPTED,
                Ballot.state == BallotState.OPEN,
                col(Ballot.on_paper).is_(False),
            )
            .distinct()
            .order_by(col(Judge.number))
        ).all()
    )


def turn_to_paper(session: Session, actor_id: int, judge_id: int, *, now: datetime) -> int:
    """Let this judge's open ballots be typed in from paper; return how many.

    What was begun on the phone is dropped: the paper says it. Raises NotFound, NotAllowed,
    NotUnderWay, TooEarlyAtVenue or TooLateAtVenue.
    """
    judge = session.exec(select(Judge).where(Judge.id == judge_id)).first()
    if judge is None:
        raise NotFound("judge")
    found = at_venue.check_running(session, actor_id, judge.venue_id, now=now)
    at_venue.check_state(found.venue, _TYPING)
    turned = session.exec(
        sa.update(Ballot)
        .where(
            col(Ballot.judge_id) == judge_id,
            col(Ballot.state) == BallotState.OPEN,
            col(Ballot.on_paper).is_(False),
        )
        .values(on_paper=True, marks={}, comment="")
    ).rowcount
    audit.record(
        session, actor_id, "turn_to_paper", f"judge:{judge_id}", now=now, after={"n": turned}
    )
    session.flush()
    return turned


def paper(session: Session, actor_id: int, ballot_id: int, *, now: datetime) -> PaperBallot:
    """Return what there is to type, for who holds the venue; never what another typed."""
    row, judge, place = _of(session, ballot_id)
    found = at_venue.check_held(session, actor_id, judge.venue_id, now=now)
    return PaperBallot(
        row.id,
        judge.venue_id,
        judge.number,
        place.number,
        ballots.rubric(found.round),
        row.state is not BallotState.OPEN,
        row.typed_by is not None and row.typed_by != actor_id,
        row.seal,
    )


def type_in(
    session: Session,
    actor_id: int,
    ballot_id: int,
    marks: Mapping[str, int],
    *,
    comment: str = "",
    now: datetime,
) -> Typed:
    """Type a paper ballot in; the second of two people who agree hands it in.

    Whoever typed it first may type it anew. Where the second reads something else, nothing is
    decided until the two agree. Nobody types a ballot for their own entry. Raises NotFound,
    NotAllowed, NotUnderWay, TooEarlyAtVenue, TooLateAtVenue, Sealed, Incomplete, OutOfRange or
    OwnCase.
    """
    _row, judge, place = _of(session, ballot_id)
    found = at_venue.check_running(session, actor_id, judge.venue_id, now=now)
    at_venue.check_state(found.venue, _TYPING)
    row = session.exec(
        select(Ballot)
        .where(Ballot.id == ballot_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if judge.state is not JudgeState.ACCEPTED or place.state is not RoundState.SCHEDULED:
        raise NotFound("ballot")
    if row.state is not BallotState.OPEN:
        raise Sealed
    barred = conflicts.at(session, actor_id, judge.venue_id, place_id=place.id, now=now)
    if barred.get(place.id) is Why.OWN:
        raise OwnCase
    given = ballots.checked(found.round, marks)
    lacking = [one.title for one in ballots.rubric(found.round) if one.key not in given]
    if lacking:
        raise Incomplete(lacking)
    if row.typed_by in (None, actor_id):
        row.marks, row.typed_by = given, actor_id
        row.comment = comment.strip()[:COMMENT] or row.comment
    else:
        row.checked_marks, row.checked_by = given, actor_id
    session.flush()
    if row.checked_by is None:
        return Typed.FIRST
    if row.marks != row.checked_marks:
        return Typed.DIFFERS
    ballots.put_seal(row, found.round, now=now)
    session.flush()
    audit.record(
        session, actor_id, "commit_ballot", f"ballot:{row.id}", now=now, after={"seal": row.seal}
    )
    session.flush()
    return Typed.AGREED


def _of(session: Session, ballot_id: int) -> tuple[Ballot, Judge, EntryRound]:
    row = session.exec(select(Ballot).where(Ballot.id == ballot_id, col(Ballot.on_paper))).first()
    if row is None:
        raise NotFound("ballot")
    return (
        row,
        session.get_one(Judge, row.judge_id),
        session.get_one(EntryRound, row.entry_round_id),
    )
