"""Ballots: marks that nobody sees but their judge until all of a venue are in.

A ballot that is handed in is sealed: its seal is the SHA-256 of its marks and a random number,
which the judge gets as a receipt. Only when all are in, or the chief closes with a reason, are
they revealed together, each against its seal; so nobody can follow another, or change a mark
that others know.
"""

from __future__ import annotations

import json
import secrets
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.audit import AuditLog
from storage.competitions import at_venue, conflicts, rights
from storage.competitions.at_venue import Here
from storage.competitions.conflicts import Why
from storage.competitions.tables import (
    Ballot,
    BallotState,
    Conflict,
    ConflictKind,
    Entry,
    EntryRound,
    Judge,
    JudgeState,
    Material,
    Round,
    RoundState,
    VenueState,
)
from storage.inserting import insert_new
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import offices
from storage.refusals import NotAllowed, NotFound, Refusal

CHASED = "ballots_missing"
REOPEN_ASKED = "reopen_asked"
REOPENED = "ballot_reopened"
COMMENT = 500  # characters
_ASKED = "ask_reopen"


class InConflict(Refusal):
    """This judge does not judge this entry."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Sealed(Refusal):
    """The ballot is handed in; only the chief judge can give it back."""


class Incomplete(Refusal):
    """These criteria have no points yet."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__(", ".join(titles))
        self.titles = tuple(titles)


class OutOfRange(Refusal):
    """A criterion has points from 0 to ``most``."""

    def __init__(self, title: str, most: int) -> None:
        super().__init__(f"{title}: 0 to {most}")
        self.title = title
        self.most = most


class BallotsMissing(Refusal):
    """Not all ballots are in; the chief judge can close with a reason."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} ballots are missing")
        self.count = count


class TooFewBallots(Refusal):
    """These entries would be left with fewer ballots than a score needs."""

    def __init__(self, numbers: Sequence[str], needed: int) -> None:
        super().__init__(f"{', '.join(numbers)}: {needed} needed")
        self.numbers = tuple(numbers)
        self.needed = needed


class SealBroken(Refusal):
    """The marks of these entries are not those that were sealed."""

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__(", ".join(numbers))
        self.numbers = tuple(numbers)


class PanelTooSmall(Refusal):
    """An entry would have fewer judges than the rules ask for."""

    def __init__(self, needed: int, there: int) -> None:
        super().__init__(f"{needed} judges are needed, {there} can")
        self.needed = needed
        self.there = there


class NoChief(Refusal):
    """Nobody leads the panel, and so nobody could sign."""


class NothingAsked(Refusal):
    """The judge has not asked for the ballot back."""


class NothingToJudge(Refusal):
    """No entry of the venue has its place in the order."""


# --- seals ----------------------------------------------------------------------------------------


def seal_of(ballot_id: int, marks: Mapping[str, int], nonce: str) -> str:
    """The seal of these marks: SHA-256 of the ballot, the marks by name, and the nonce."""
    text = json.dumps(
        {"ballot": ballot_id, "marks": dict(marks), "nonce": nonce},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return sha256(text.encode()).hexdigest()


def score_of(totals: Sequence[int], drops: int) -> float:
    """The score from the totals of an entry: so many highest and lowest left out, then the mean.

    Where leaving them out would leave nothing, all count. Rounded to two places, half to even
    as the totals are whole and their number small.
    """
    kept = sorted(totals)
    if drops and len(kept) > 2 * drops:
        kept = kept[drops:-drops]
    return round(statistics.fmean(kept), 2)


# --- seating --------------------------------------------------------------------------------------


def seat(session: Session, found: Here, *, now: datetime) -> None:
    """Give every judge who serves a ballot for every drawn entry, once the venue is judged.

    For whom they do not judge it is set aside. Doing so again adds what has come since, and
    sets aside what has become a conflict.
    """
    if found.venue.state is not VenueState.JUDGING:
        return
    venue_id = found.venue.id
    places = session.exec(
        select(EntryRound.id).where(
            EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
        )
    ).all()
    judges = session.exec(
        select(Judge).where(Judge.venue_id == venue_id, Judge.state == JudgeState.ACCEPTED)
    ).all()
    for judge in judges:
        barred = (
            {}
            if judge.teacher_id is None
            else conflicts.at(session, judge.teacher_id, venue_id, now=now)
        )
        rows: list[dict[str, Any]] = [
            {
                "judge_id": judge.id,
                "entry_round_id": place_id,
                "state": BallotState.RECUSED if place_id in barred else BallotState.OPEN,
                "marks": {},
                "comment": "",
                "nonce": "",
                "seal": "",
                "on_paper": judge.teacher_id is None,
                "checked_marks": {},
            }
            for place_id in places
        ]
        if rows:
            session.exec(insert_new(session, Ballot).values(rows))
        if barred:
            session.exec(
                sa.update(Ballot)
                .where(
                    col(Ballot.judge_id) == judge.id,
                    col(Ballot.entry_round_id).in_(barred),
                    col(Ballot.state).in_([BallotState.OPEN, BallotState.COMMITTED]),
                )
                .values(state=BallotState.RECUSED, marks={}, comment="", nonce="", seal="")
            )
    session.flush()


def begin(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> bool:
    """Let the judges begin; False when they may already.

    Every entry needs as many judges who may judge it as the rules ask for. Raises NotFound,
    NotAllowed, NotUnderWay, TooEarlyAtVenue, TooLateAtVenue, NoChief or PanelTooSmall.
    """
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    venue = found.venue
    if venue.state is VenueState.JUDGING:
        seat(session, found, now=now)
        return False
    at_venue.check_state(venue, frozenset({VenueState.DRAWN}))
    there = session.exec(
        select(EntryRound.id).where(
            EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
        )
    ).all()
    if not there:
        raise NothingToJudge
    can = _can_judge(session, venue_id, there, now=now)
    if can < found.round.judges:
        raise PanelTooSmall(found.round.judges, can)
    if at_venue.chief(session, venue_id) is None:
        raise NoChief
    venue.state, venue.judging_at = VenueState.JUDGING, now
    session.flush()
    seat(session, found, now=now)
    audit.record(session, actor_id, "begin_judging", f"venue:{venue_id}", now=now)
    session.flush()
    return True


def _can_judge(session: Session, venue_id: int, places: Sequence[int], *, now: datetime) -> int:
    """Return how many judges the entry with the fewest has."""
    judges = session.exec(
        select(Judge.teacher_id).where(
            Judge.venue_id == venue_id, Judge.state == JudgeState.ACCEPTED
        )
    ).all()
    each = dict.fromkeys(places, len(judges))
    for teacher_id in judges:
        if teacher_id is not None:
            for place_id in conflicts.at(session, teacher_id, venue_id, now=now):
                if place_id in each:
                    each[place_id] -= 1
    return min(each.values(), default=0)


# --- the judge's own ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Criterion:
    """One line of the rubric."""

    key: str
    title: str
    most: int
    hint: str


@dataclass(frozen=True)
class BallotLine:
    """A ballot in the judge's list: by number alone."""

    ballot_id: int
    number: str
    state: BallotState
    slot_at: datetime | None
    marked: int
    """Criteria that have points."""
    total: int


@dataclass(frozen=True)
class Judging:
    """What a judge has to judge at a venue."""

    venue_id: int
    judge_id: int
    number: int
    is_chief: bool
    competition: str
    round: str
    track: str
    place: str
    state: VenueState
    is_over: bool
    """Whether the competition is cancelled or finished."""
    criteria: int
    lines: tuple[BallotLine, ...]
    received: int
    needed: int
    """Ballots of the whole venue that are in, and that are wanted."""
    is_signed: bool

    @property
    def open(self) -> int:
        """How many the judge still owes."""
        return sum(line.state is BallotState.OPEN for line in self.lines)


@dataclass(frozen=True)
class Sheet:
    """A piece of work as a judge sees it: without a file's name, which may say whose it is."""

    material_id: int
    title: str
    url: str
    size: int


@dataclass(frozen=True)
class BallotFacts:
    """A ballot as its judge sees it."""

    ballot_id: int
    venue_id: int
    number: str
    state: BallotState
    criteria: tuple[Criterion, ...]
    marks: Mapping[str, int]
    comment: str
    seal: str
    nonce: str
    """Known to the judge once the marks are revealed, to check the seal with."""
    committed_at: datetime | None
    sheets: tuple[Sheet, ...]
    is_open: bool
    """Whether marks can be given now."""
    asked_back: bool

    @property
    def total(self) -> int:
        return sum(self.marks.values())

    @property
    def lacks(self) -> tuple[str, ...]:
        """The titles of the criteria without points."""
        return tuple(one.title for one in self.criteria if one.key not in self.marks)


def judging(session: Session, teacher_id: int, venue_id: int) -> Judging:
    """Return what this judge has to judge there. Raises NotFound for who is no judge there."""
    judge = _serving(session, teacher_id, venue_id)
    found = at_venue.here(session, venue_id)
    rows = session.exec(
        select(Ballot, EntryRound)
        .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
        .where(Ballot.judge_id == judge.id, _TAKES_PART)
        .order_by(col(EntryRound.order_no))
    ).all()
    received, needed = progress(session, venue_id)
    return Judging(
        venue_id,
        judge.id,
        judge.number,
        judge.is_chief,
        found.competition.title,
        found.round.name,
        found.track.title,
        found.venue.place,
        found.venue.state,
        _is_over(found),
        len(found.round.rubric),
        tuple(
            BallotLine(
                ballot.id,
                place.number,
                ballot.state,
                place.slot_at,
                len(ballot.marks),
                sum(ballot.marks.values()),
            )
            for ballot, place in rows
        ),
        received,
        needed,
        found.venue.signed_at is not None,
    )


def ballot(session: Session, teacher_id: int, ballot_id: int) -> BallotFacts:
    """Return this judge's own ballot. Raises NotFound for anybody else's."""
    row, place, judge = _own(session, teacher_id, ballot_id)
    found = at_venue.here(session, judge.venue_id)
    sheets: tuple[Sheet, ...] = ()
    if row.state is not BallotState.RECUSED:
        sheets = _sheets(session, place, found.round)
    revealed = row.state is BallotState.REVEALED
    return BallotFacts(
        row.id,
        judge.venue_id,
        place.number,
        row.state,
        rubric(found.round),
        dict(row.marks),
        row.comment,
        row.seal,
        row.nonce if revealed else "",
        row.committed_at,
        sheets,
        row.state is BallotState.OPEN
        and found.venue.state is VenueState.JUDGING
        and place.state is RoundState.SCHEDULED
        and not _is_over(found),
        _asked(session, row),
    )


def give(
    session: Session,
    teacher_id: int,
    ballot_id: int,
    marks: Mapping[str, int],
    *,
    now: datetime,
) -> BallotFacts:
    """Note points for some criteria; they can be changed until the ballot is handed in.

    Raises NotFound, NotUnderWay, TooEarlyAtVenue, TooLateAtVenue, InConflict, Sealed, or
    OutOfRange.
    """
    row, _judge = _writable(session, teacher_id, ballot_id, now=now)
    round_ = at_venue.here(session, _judge.venue_id).round
    row.marks = {**row.marks, **checked(round_, marks)}
    session.flush()
    return ballot(session, teacher_id, ballot_id)


def comment(
    session: Session, teacher_id: int, ballot_id: int, text: str, *, now: datetime
) -> BallotFacts:
    """Note a comment, which goes to the entrant alone, without the judge's name.

    Raises as ``give``.
    """
    row, _judge = _writable(session, teacher_id, ballot_id, now=now)
    row.comment = text.strip()[:COMMENT]
    session.flush()
    return ballot(session, teacher_id, ballot_id)


def commit(session: Session, teacher_id: int, ballot_id: int, *, now: datetime) -> BallotFacts:
    """Hand the ballot in and seal it; handing it in again returns the same receipt.

    Raises as ``give``, and Incomplete.
    """
    _lock(session, teacher_id, ballot_id)
    row, _place, _judge = _own(session, teacher_id, ballot_id, lock=True)
    if row.state is BallotState.COMMITTED:
        return ballot(session, teacher_id, ballot_id)
    row, judge = _writable(session, teacher_id, ballot_id, now=now)
    put_seal(row, at_venue.here(session, judge.venue_id).round, now=now)
    session.flush()
    # The seal, and never the marks.
    audit.record(
        session, teacher_id, "commit_ballot", f"ballot:{row.id}", now=now, after={"seal": row.seal}
    )
    session.flush()
    return ballot(session, teacher_id, ballot_id)


def put_seal(row: Ballot, round_: Round, *, now: datetime) -> None:
    """Seal a ballot that has points for every criterion. Raises Incomplete."""
    lacking = [one.title for one in rubric(round_) if one.key not in row.marks]
    if lacking:
        raise Incomplete(lacking)
    row.nonce = secrets.token_hex(16)
    row.seal = seal_of(row.id, row.marks, row.nonce)
    row.state, row.committed_at = BallotState.COMMITTED, now


def recuse(session: Session, teacher_id: int, ballot_id: int, *, now: datetime) -> None:
    """Say that one does not judge this entry (回避); twice is once.

    Whose it is the judge need not know: the conflict is kept with the entry's teacher, so that
    it holds in later rounds, too. Raises NotFound, NotUnderWay, TooLateAtVenue or Sealed.
    """
    found = _lock(session, teacher_id, ballot_id)
    row, place, _judge = _own(session, teacher_id, ballot_id, lock=True)
    if row.state is BallotState.RECUSED:
        return
    at_venue.check_under_way(found)
    at_venue.check_state(found.venue, at_venue.BEFORE_REVEAL)
    if row.state is not BallotState.OPEN:
        raise Sealed
    entrant = session.exec(select(Entry.teacher_id).where(Entry.id == place.entry_id)).one()
    session.add(
        Conflict(
            teacher_id=teacher_id,
            other_id=entrant,
            kind=ConflictKind.DECLARED,
            by_id=teacher_id,
            at=now,
        )
    )
    row.state, row.marks, row.comment = BallotState.RECUSED, {}, ""
    session.flush()
    audit.record(session, teacher_id, "recuse", f"ballot:{row.id}", now=now)
    session.flush()


def ask_back(session: Session, teacher_id: int, ballot_id: int, *, now: datetime) -> bool:
    """Ask the chief judge for a sealed ballot back; False when one has asked already.

    The chief's own is given back by who holds the venue. Raises NotFound, NotUnderWay, or
    TooLateAtVenue once the marks are revealed.
    """
    found = _lock(session, teacher_id, ballot_id)
    row, place, judge = _own(session, teacher_id, ballot_id, lock=True)
    at_venue.check_under_way(found)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    if row.state is not BallotState.COMMITTED:
        raise NotFound("ballot")
    if _asked(session, row):
        return False
    audit.record(session, teacher_id, _ASKED, f"ballot:{row.id}", now=now)
    session.flush()
    leader = at_venue.chief(session, judge.venue_id)
    to = found.venue.organiser_id if judge.is_chief or leader is None else leader.teacher_id
    if to is not None and row.committed_at is not None:
        outbox.put(
            session,
            REOPEN_ASKED,
            teacher_id=to,
            facts={"ballot_id": row.id, "judge": judge.number, "number": place.number},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            dedupe_key=f"{REOPEN_ASKED}:{row.id}:{row.committed_at.isoformat()}",
            now=now,
        )
    return True


def material(
    session: Session, teacher_id: int, ballot_id: int, material_id: int, *, now: datetime
) -> tuple[str, str, int, str]:
    """Return a piece of work of the entry on this ballot: its file, ending, size, neutral title.

    The log keeps that it was looked at. Raises NotFound, or InConflict.
    """
    row, place, judge = _own(session, teacher_id, ballot_id)
    barred = conflicts.at(session, teacher_id, judge.venue_id, place_id=place.id, now=now)
    if place.id in barred:
        raise InConflict(barred[place.id])
    if row.state is BallotState.RECUSED:
        raise InConflict(Why.DECLARED)
    kept = session.exec(
        select(Material).where(
            Material.id == material_id,
            Material.entry_id == place.entry_id,
            col(Material.removed_at).is_(None),
        )
    ).first()
    if kept is None or not kept.file_id:
        raise NotFound("material")
    round_ = at_venue.here(session, judge.venue_id).round
    title = next(
        (each["title"] for each in round_.materials if each["key"] == kept.slot), kept.slot
    )
    audit.looked(session, teacher_id, "look_at_material", f"material:{kept.id}", now=now)
    session.flush()
    _stem, dot, ending = kept.file_name.rpartition(".")
    neutral = f"{place.number} {title}" + (f".{ending.lower()}" if dot else "")
    return kept.file_id, neutral, kept.size, title


# --- who leads ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Missing:
    """A judge who owes ballots, by number; how many."""

    judge_id: int
    number: int
    is_outside: bool
    count: int


def progress(session: Session, venue_id: int) -> tuple[int, int]:
    """Return how many ballots are in, and how many are wanted: never what they say."""
    counted = dict(
        session.exec(
            select(Ballot.state, sa.func.count())
            .where(*_counting(venue_id))
            .group_by(col(Ballot.state))
        ).all()
    )
    received = counted.get(BallotState.COMMITTED, 0) + counted.get(BallotState.REVEALED, 0)
    return received, received + counted.get(BallotState.OPEN, 0)


def missing(session: Session, venue_id: int) -> tuple[Missing, ...]:
    """Return which judges owe how many ballots."""
    rows = session.exec(
        select(Judge.id, Judge.number, Judge.teacher_id, sa.func.count())
        .select_from(Ballot)
        .where(*_counting(venue_id), Ballot.state == BallotState.OPEN)
        .group_by(col(Judge.id), col(Judge.number), col(Judge.teacher_id))
        .order_by(col(Judge.number))
    ).all()
    return tuple(Missing(id_, number, who is None, count) for id_, number, who, count in rows)


def chase(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> int:
    """Remind privately each judge who owes ballots, once a day; return how many owe any.

    For the chief judge and who holds the venue. Raises NotFound, NotAllowed, NotUnderWay,
    TooEarlyAtVenue or TooLateAtVenue.
    """
    found = at_venue.check_leads(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    day = local_day(now, offices.zone(session))
    owing = session.exec(
        select(Judge.id, Judge.teacher_id)
        .select_from(Ballot)
        .where(
            *_counting(venue_id),
            Ballot.state == BallotState.OPEN,
            col(Judge.teacher_id).is_not(None),
        )
        .distinct()
    ).all()
    for judge_id, teacher_id in owing:
        outbox.put(
            session,
            CHASED,
            teacher_id=teacher_id,
            facts={"venue_id": venue_id},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            useful_until=found.round.result_due_at,
            dedupe_key=f"{CHASED}:{judge_id}:{day.isoformat()}",
            now=now,
        )
    audit.record(
        session, actor_id, "chase_ballots", f"venue:{venue_id}", now=now, after={"n": len(owing)}
    )
    session.flush()
    return len(owing)


def reopen(session: Session, actor_id: int, ballot_id: int, *, now: datetime) -> bool:
    """Give a sealed ballot back to the judge who has asked for it; False when it is open.

    For the chief judge, of the chief's own for who holds the venue. The log keeps the seal that
    was broken. Raises NotFound, NotAllowed, NotUnderWay, TooLateAtVenue or NothingAsked.
    """
    _row, _place, judge = _any(session, ballot_id)
    found = at_venue.check_leads(session, actor_id, judge.venue_id, now=now)
    row, place, judge = _any(session, ballot_id, lock=True)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    if judge.teacher_id == actor_id:
        raise NotAllowed
    if judge.is_chief and not rights.holds(session, actor_id, judge.venue_id, now=now):
        raise NotAllowed
    if row.state is BallotState.OPEN:
        return False
    if row.state is not BallotState.COMMITTED:
        raise NotFound("ballot")
    if not _asked(session, row):
        raise NothingAsked
    audit.record(
        session, actor_id, "reopen_ballot", f"ballot:{row.id}", now=now, before={"seal": row.seal}
    )
    row.state, row.seal, row.nonce, row.committed_at = BallotState.OPEN, "", "", None
    session.flush()
    if judge.teacher_id is not None:
        outbox.put(
            session,
            REOPENED,
            teacher_id=judge.teacher_id,
            facts={"ballot_id": row.id, "number": place.number, "venue_id": judge.venue_id},
            priority=Priority.LAST_HOURS,
            not_before=at_venue.next_ring(session, now),
            dedupe_key=f"{REOPENED}:{row.id}:{now.isoformat()}",
            now=now,
        )
    return True


def reveal(
    session: Session, actor_id: int, venue_id: int, *, reason: str = "", now: datetime
) -> bool:
    """Open all seals together and make the scores; False when that is done.

    All ballots must be in, as many for each entry as the rules ask for, or the chief judge
    closes with a reason; each entry must keep as many as its score needs. Raises NotFound,
    NotAllowed, NotUnderWay, TooEarlyAtVenue, BallotsMissing, PanelTooSmall, TooFewBallots or
    SealBroken.
    """
    found = at_venue.check_leads(session, actor_id, venue_id, now=now)
    venue = found.venue
    if venue.state in (VenueState.REVEALED, VenueState.DECIDED, VenueState.CONFIRMED):
        return False
    at_venue.check_state(venue, frozenset({VenueState.JUDGING}))
    seat(session, found, now=now)
    received, needed = progress(session, venue_id)
    closes = bool(reason.strip()) and at_venue.is_chief(session, actor_id, venue_id)
    if received < needed and not closes:
        raise BallotsMissing(needed - received)
    places = session.exec(
        select(EntryRound).where(
            EntryRound.venue_id == venue_id, EntryRound.state == RoundState.SCHEDULED
        )
    ).all()
    given: dict[int, list[Ballot]] = defaultdict(list)
    for row in session.exec(
        select(Ballot).where(*_counting(venue_id), Ballot.state == BallotState.COMMITTED)
    ).all():
        given[row.entry_round_id].append(row)
    fewest = min((len(given[place.id]) for place in places), default=0)
    if fewest < found.round.judges and not closes:
        # Somebody was set aside or taken off since the judges began.
        raise PanelTooSmall(found.round.judges, fewest)
    least = max(1, min(2 * found.round.drops + 1, found.round.judges))
    few = [place.number for place in places if len(given[place.id]) < least]
    if few:
        raise TooFewBallots(few, least)
    broken = [
        place.number
        for place in places
        if any(seal_of(row.id, row.marks, row.nonce) != row.seal for row in given[place.id])
    ]
    if broken:
        raise SealBroken(broken)
    for place in places:
        for row in given[place.id]:
            row.total, row.state = sum(row.marks.values()), BallotState.REVEALED
        totals = [sum(row.marks.values()) for row in given[place.id]]
        place.score = score_of(totals, found.round.drops)
        place.state, place.changed_at = RoundState.SCORED, now
    venue.state, venue.revealed_at = VenueState.REVEALED, now
    audit.record(
        session,
        actor_id,
        "reveal_marks",
        f"venue:{venue_id}",
        now=now,
        after={"received": received, "needed": needed},
        reason=reason.strip(),
    )
    session.flush()
    return True


@dataclass(frozen=True)
class ScoreLine:
    """An entry's score with the totals it came from, by the judges' numbers."""

    place_id: int
    number: str
    score: float | None
    totals: tuple[tuple[int, int], ...]
    state: RoundState


@dataclass(frozen=True)
class Leaning:
    """How far a judge's totals lie from the middle of their entries, on the average; signed."""

    number: int
    difference: float


@dataclass(frozen=True)
class Scores:
    """All scores of a revealed venue, and a hint for the chief judge."""

    venue_id: int
    state: VenueState
    lines: tuple[ScoreLine, ...]
    leanings: tuple[Leaning, ...]
    most: int
    drops: int
    is_signed: bool
    may_sign: bool


FAR = 0.08
"""Of the points that there are: from here on a judge's leaning is worth a look."""


def scores(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Scores:
    """Return the revealed scores to the chief judge and to who holds the venue.

    The log keeps that they were looked at. Raises NotFound, NotAllowed, or TooEarlyAtVenue as
    long as they are sealed: then nobody may know a mark of another's.
    """
    found = at_venue.here(session, venue_id)
    is_chief = at_venue.is_chief(session, actor_id, venue_id)
    if not is_chief and not rights.holds(session, actor_id, venue_id, now=now):
        raise NotAllowed
    at_venue.check_state(
        found.venue,
        frozenset({VenueState.REVEALED, VenueState.DECIDED, VenueState.CONFIRMED}),
    )
    totals: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place_id, number, total in session.exec(
        select(Ballot.entry_round_id, Judge.number, Ballot.total)
        .join(Judge, col(Judge.id) == col(Ballot.judge_id))
        .where(
            Judge.venue_id == venue_id,
            Ballot.state == BallotState.REVEALED,
            col(Ballot.total).is_not(None),
        )
        .order_by(col(Judge.number))
    ).all():
        totals[place_id].append((number, total or 0))
    places = session.exec(
        select(EntryRound)
        .where(EntryRound.venue_id == venue_id, col(EntryRound.order_no).is_not(None))
        .order_by(col(EntryRound.order_no))
    ).all()
    most = sum(one.most for one in rubric(found.round))
    audit.looked(session, actor_id, "look_at_scores", f"venue:{venue_id}", now=now)
    session.flush()
    return Scores(
        venue_id,
        found.venue.state,
        tuple(
            ScoreLine(one.id, one.number, one.score, tuple(totals[one.id]), one.state)
            for one in places
        ),
        _leanings(totals, most) if is_chief else (),
        most,
        found.round.drops,
        found.venue.signed_at is not None,
        is_chief and found.venue.signed_at is None,
    )


def _leanings(totals: Mapping[int, Sequence[tuple[int, int]]], most: int) -> tuple[Leaning, ...]:
    """Return who lies far from the middle: something to talk about, and no accusation."""
    apart: dict[int, list[float]] = defaultdict(list)
    for each in totals.values():
        if len(each) < 3:
            continue
        middle = statistics.median(total for _number, total in each)
        for number, total in each:
            apart[number].append(total - middle)
    found = [
        Leaning(number, round(statistics.fmean(away), 1)) for number, away in sorted(apart.items())
    ]
    return tuple(one for one in found if abs(one.difference) >= FAR * most)


def sign(session: Session, teacher_id: int, venue_id: int, *, now: datetime) -> bool:
    """Let the chief judge sign the revealed scores; False when they are signed.

    Raises NotFound, NotAllowed for anybody else, NotUnderWay or TooEarlyAtVenue.
    """
    found = at_venue.here(session, venue_id, lock=True)
    if not at_venue.is_chief(session, teacher_id, venue_id):
        raise NotAllowed
    at_venue.check_under_way(found)
    venue = found.venue
    if venue.signed_at is not None:
        return False
    at_venue.check_state(venue, frozenset({VenueState.REVEALED}))
    venue.signed_by, venue.signed_at = teacher_id, now
    audit.record(session, teacher_id, "sign_scores", f"venue:{venue_id}", now=now)
    session.flush()
    return True


# --- what the above stand on ----------------------------------------------------------------------

# What has left the round, by whatever way, is neither judged nor waited for.
_TAKES_PART = sa.or_(
    col(EntryRound.state) == RoundState.SCHEDULED, col(Ballot.state) == BallotState.REVEALED
)


def rubric(round_: Round) -> tuple[Criterion, ...]:
    """Return the criteria of a round in their order."""
    return tuple(
        Criterion(each["key"], each["title"], int(each["most"]), each.get("hint", ""))
        for each in round_.rubric
    )


def checked(round_: Round, marks: Mapping[str, int]) -> dict[str, int]:
    """Return the marks, all of them of the rubric. Raises NotFound or OutOfRange."""
    known = {one.key: one for one in rubric(round_)}
    for key, points in marks.items():
        if key not in known:
            raise NotFound("criterion")
        if not 0 <= points <= known[key].most:
            raise OutOfRange(known[key].title, known[key].most)
    return dict(marks)


def _is_over(found: Here) -> bool:
    try:
        at_venue.check_under_way(found)
    except at_venue.NotUnderWay:
        return True
    return False


def _counting(venue_id: int) -> tuple[Any, ...]:
    """The conditions under which a ballot counts: its judge serves, its entry takes part."""
    return (
        col(Judge.id) == col(Ballot.judge_id),
        Judge.venue_id == venue_id,
        Judge.state == JudgeState.ACCEPTED,
        col(EntryRound.id) == col(Ballot.entry_round_id),
        _TAKES_PART,
    )


def _serving(session: Session, teacher_id: int, venue_id: int) -> Judge:
    judge = session.exec(
        select(Judge).where(
            Judge.venue_id == venue_id,
            Judge.teacher_id == teacher_id,
            Judge.state == JudgeState.ACCEPTED,
        )
    ).first()
    if judge is None:
        raise NotFound("judge")
    return judge


def _any(
    session: Session, ballot_id: int, *, lock: bool = False
) -> tuple[Ballot, EntryRound, Judge]:
    query = (
        select(Ballot, EntryRound, Judge)
        .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
        .join(Judge, col(Judge.id) == col(Ballot.judge_id))
        .where(Ballot.id == ballot_id)
    )
    if lock:
        query = query.with_for_update(of=Ballot).execution_options(populate_existing=True)
    found = session.exec(query).first()
    if found is None:
        raise NotFound("ballot")
    row, place, judge = found
    return row, place, judge


def _own(
    session: Session, teacher_id: int, ballot_id: int, *, lock: bool = False
) -> tuple[Ballot, EntryRound, Judge]:
    row, place, judge = _any(session, ballot_id, lock=lock)
    if judge.teacher_id != teacher_id or judge.state is not JudgeState.ACCEPTED:
        raise NotFound("ballot")
    return row, place, judge


def _lock(session: Session, teacher_id: int, ballot_id: int) -> Here:
    """Lock the venue of this judge's ballot: before the ballot, as the reveal takes them."""
    _row, _place, judge = _own(session, teacher_id, ballot_id)
    return at_venue.here(session, judge.venue_id, lock=True)


def _writable(
    session: Session, teacher_id: int, ballot_id: int, *, now: datetime
) -> tuple[Ballot, Judge]:
    """Return this judge's ballot to write on, after everything was asked again."""
    found = _lock(session, teacher_id, ballot_id)
    at_venue.check_under_way(found)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    row, place, judge = _own(session, teacher_id, ballot_id, lock=True)
    if row.on_paper:
        raise NotFound("ballot")
    barred = conflicts.at(session, teacher_id, judge.venue_id, place_id=place.id, now=now)
    if place.id in barred:
        raise InConflict(barred[place.id])
    if row.state is BallotState.RECUSED:
        raise InConflict(Why.DECLARED)
    if row.state is not BallotState.OPEN:
        raise Sealed
    if place.state is not RoundState.SCHEDULED:
        raise NotFound("ballot")
    return row, judge


def _asked(session: Session, row: Ballot) -> bool:
    """Whether the judge has asked for the ballot back since it was handed in."""
    if row.committed_at is None:
        return False
    asked = select(AuditLog.id).where(
        AuditLog.action == _ASKED,
        AuditLog.thing == f"ballot:{row.id}",
        col(AuditLog.at) >= row.committed_at,
    )
    return session.exec(asked).first() is not None


def _sheets(session: Session, place: EntryRound, round_: Round) -> tuple[Sheet, ...]:
    titles = {each["key"]: each["title"] for each in round_.materials}
    rows = session.exec(
        select(Material)
        .where(
            Material.entry_id == place.entry_id,
            Material.round_id == round_.id,
            col(Material.removed_at).is_(None),
        )
        .order_by(col(Material.slot), col(Material.version))
    ).all()
    newest = {row.slot: row for row in rows}  # of several versions the last
    order = [key for key in titles if key in newest] + sorted(set(newest) - set(titles))
    return tuple(
        Sheet(newest[key].id, titles.get(key, key), newest[key].url, newest[key].size)
        for key in order
    )
