"""Ballots: marks that nobody sees but their judge until all of a venue are in.

A ballot that is handed in is sealed: its seal is the SHA-256 of its marks and a random number,
which the judge gets as a receipt. Only when all are in, or the chief closes with a reason, are
they revealed together, each against its seal; so nobody can follow another, or change a mark
that others know.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import (
    at_ballot,
    at_venue,
    chasing,
    conflicts,
    materials,
    reopening,
    venue_news,
)
from storage.competitions.chasing import Lack, Missing
from storage.competitions.conflicts import Why
from storage.competitions.tables import (
    Ballot,
    BallotState,
    Conflict,
    ConflictKind,
    Entry,
    EntryRound,
    Judge,
    Material,
    Round,
    RoundState,
    VenueState,
)
from storage.refusals import NotFound, Refusal

COMMENT = 500  # characters


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


def seal_of(ballot_id: int, marks: Mapping[str, int], nonce: str) -> str:
    """The seal of these marks: SHA-256 of the ballot, the marks by name, and the nonce."""
    text = json.dumps(
        {"ballot": ballot_id, "marks": dict(marks), "nonce": nonce},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return sha256(text.encode()).hexdigest()


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
    missing: tuple[Missing, ...]
    lacking: tuple[Lack, ...]
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
class Shown:
    """A piece of work to send to a judge; ``name`` says its number, and nobody's name."""

    file_id: str
    name: str
    size: int
    title: str
    is_video: bool


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
    judge = at_ballot.serving(session, teacher_id, venue_id)
    found = at_venue.here(session, venue_id)
    rows = session.exec(
        select(Ballot, EntryRound)
        .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
        .where(Ballot.judge_id == judge.id, at_ballot.TAKES_PART)
        .order_by(col(EntryRound.order_no))
    ).all()
    received, needed = chasing.progress(session, venue_id)
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
        at_ballot.is_over(found),
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
        chasing.missing(session, venue_id),
        chasing.lacking(session, found),
        found.venue.signed_at is not None,
    )


def ballot(session: Session, teacher_id: int, ballot_id: int) -> BallotFacts:
    """Return this judge's own ballot. Raises NotFound for anybody else's."""
    row, place, judge = at_ballot.own(session, teacher_id, ballot_id)
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
        and not at_ballot.is_over(found),
        reopening.asked(session, row),
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
    at_ballot.lock_venue(session, teacher_id, ballot_id)
    row, _place, _judge = at_ballot.own(session, teacher_id, ballot_id, lock=True)
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
    venue_news.ballot_in(session, judge.venue_id, teacher_id, now=now)
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
    found = at_ballot.lock_venue(session, teacher_id, ballot_id)
    row, place, judge = at_ballot.own(session, teacher_id, ballot_id, lock=True)
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
    venue_news.set_aside(session, judge, place.number, now=now)


def material(
    session: Session, teacher_id: int, ballot_id: int, material_id: int, *, now: datetime
) -> Shown:
    """Return a piece of work of the entry on this ballot, under a name that says nobody's.

    The log keeps that it was looked at. Raises NotFound, or InConflict.
    """
    row, place, judge = at_ballot.own(session, teacher_id, ballot_id)
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
    is_video = materials.is_video(kept.file_name, kept.mime)
    _stem, dot, ending = (materials.VIDEO if is_video else kept.file_name).rpartition(".")
    neutral = f"{place.number} {title}" + (f".{ending.lower()}" if dot else "")
    return Shown(kept.file_id, neutral, kept.size, title, is_video)


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


def _writable(
    session: Session, teacher_id: int, ballot_id: int, *, now: datetime
) -> tuple[Ballot, Judge]:
    """Return this judge's ballot to write on, after everything was asked again."""
    found = at_ballot.lock_venue(session, teacher_id, ballot_id)
    at_venue.check_under_way(found)
    at_venue.check_state(found.venue, frozenset({VenueState.JUDGING}))
    row, place, judge = at_ballot.own(session, teacher_id, ballot_id, lock=True)
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
