"""异议: raised in private while a list is on display, answered within five working days.

Who raised it only those see who decide, and of these nobody decides who judged in the round,
competes in it, belongs to the school concerned, or raised it. Upheld, the list follows from the
rules anew and hangs as a new version; refused, whoever raised it reads why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.calendar import workdays
from storage.competitions import authors, deciding, publicity, rights, schedule, telling, unsaid
from storage.competitions.editing import NotUnderWay
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Judge,
    JudgeState,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.deeds import ChangedSince, Deed
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import at, local_day
from storage.people import authority, offices
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal

RAISED = "objection_raised"
ANSWERED = "objection_answered"
"""Kinds of messages: to those who decide, and to whoever raised it."""
DAYS = 5
"""Working days in which an objection is answered."""
LONGEST = 1000
MOST = 3
"""Open objections that one person may have to one list."""


class NotOnDisplay(Refusal):
    """The list is not on public display (any more)."""


class TooManyObjections(Refusal):
    """This person has as many open objections to this list as one may."""


class BeingAnswered(Refusal):
    """It is answered at this moment, so it is not taken back any more."""


class AnswerMissing(Refusal):
    """An objection is answered in words."""


class WrongScore(Refusal):
    """The score that would be right lies outside of what can be reached."""

    def __init__(self, most: int) -> None:
        super().__init__(f"0 to {most}")
        self.most = most


class How(StrEnum):
    """How an objection is settled."""

    REFUSE = "refuse"
    NOTED = "noted"  # upheld; what was wrong is put right elsewhere, such as a name
    OUT = "out"  # upheld; the entry is taken out
    SCORE = "score"  # upheld; the entry has another score


@dataclass(frozen=True)
class Mine:
    """One's own objection, as one follows it."""

    id: int
    title: str
    round_name: str
    about: str
    text: str
    evidence_name: str
    submitted_at: datetime
    due_at: datetime
    state: ObjectionState
    answer: str


@dataclass(frozen=True)
class Raised:
    """An objection for those who decide it."""

    id: int
    round_id: int
    competition_id: int
    title: str
    round_name: str
    about: str
    """The entry it is about: name, school and award; empty for the list as a whole."""
    place_id: int | None
    score: float | None
    by_name: str
    by_school: str
    text: str
    evidence_file_id: str
    evidence_name: str
    submitted_at: datetime
    due_at: datetime
    state: ObjectionState
    answer: str
    decided_at: datetime | None
    can_correct: bool
    """Whether the list does not stand yet, so that an entry can be put right."""
    deed_id: int | None = None
    """What takes the newest correction back, for whoever made it, while there is time."""


@dataclass(frozen=True)
class Choice:
    """An entry that could be put right."""

    place_id: int
    track: str
    name: str
    school: str


@dataclass(frozen=True)
class Shift:
    """Whose result a correction would change, from what to what."""

    name: str
    school: str
    was: RoundState
    was_award: str
    state: RoundState
    award: str


@dataclass(frozen=True)
class Preview:
    """What a correction would do; ``score`` is None where the entry is taken out."""

    objection_id: int
    name: str
    school: str
    was: float | None
    score: float | None
    shifts: tuple[Shift, ...]
    people: int
    groups: int


def submit(
    session: Session,
    teacher_id: int,
    round_id: int,
    text: str,
    *,
    place_id: int | None = None,
    evidence_file_id: str = "",
    evidence_name: str = "",
    now: datetime,
) -> Mine:
    """Raise an objection to a list on display; the same words twice are one.

    Raises NotFound, NotOnDisplay or TooManyObjections.
    """
    public = publicity.public_list(session, round_id, now=now)
    if public is None or not public.is_up:
        raise NotOnDisplay
    text = text.strip()[:LONGEST]
    entry_id = None
    if place_id is not None:
        entry_id = session.exec(
            select(EntryRound.entry_id).where(
                EntryRound.id == place_id, EntryRound.round_id == round_id
            )
        ).first()
        if entry_id is None:
            raise NotFound("entry")
    own_ones = session.exec(
        select(Objection).where(Objection.round_id == round_id, Objection.by_id == teacher_id)
    ).all()
    mine = [
        one
        for one in own_ones
        if one.state is ObjectionState.OPEN or unsaid.answered(session, one.id, now=now)
    ]
    same = next((one for one in mine if (one.text, one.entry_id) == (text, entry_id)), None)
    if same is not None:
        return _mine(session, same, now=now)
    if len(mine) >= MOST:
        raise TooManyObjections
    calendar = workdays.load(session)
    due = calendar.shift(local_day(now, calendar.zone), DAYS)
    row = Objection(
        round_id=round_id,
        entry_id=entry_id,
        by_id=teacher_id,
        text=text,
        evidence_file_id=evidence_file_id,
        evidence_name=evidence_name,
        submitted_at=now,
        due_at=at(due, schedule.ENDS, calendar.zone),
    )
    session.add(row)
    session.flush()
    for person in deciders(session, row, now=now):
        outbox.put(
            session,
            RAISED,
            teacher_id=person,
            facts={"objection_id": row.id},
            priority=Priority.CARD,
            not_before=now,
            dedupe_key=f"{RAISED}:{row.id}:{person}",
            now=now,
        )
    return _mine(session, row, now=now)


def withdraw(session: Session, teacher_id: int, objection_id: int, *, now: datetime) -> Mine:
    """Take one's own objection back, as long as it is open.

    Raises NotFound, NotAllowed, or BeingAnswered.
    """
    row = _row(session, objection_id)
    if row.by_id != teacher_id:
        raise NotAllowed
    if unsaid.answered(session, objection_id, now=now):
        raise BeingAnswered
    if row.state is ObjectionState.OPEN:
        row.state, row.decided_at = ObjectionState.WITHDRAWN, now
        session.flush()
    return _mine(session, row, now=now)


def own(session: Session, teacher_id: int, objection_id: int, *, now: datetime) -> Mine:
    """Return one's own objection. Raises NotFound or NotAllowed."""
    row = _row(session, objection_id)
    if row.by_id != teacher_id:
        raise NotAllowed
    return _mine(session, row, now=now)


def owned(session: Session, teacher_id: int, round_id: int, *, now: datetime) -> tuple[Mine, ...]:
    """Return one's own objections to a list, the newest first."""
    rows = session.exec(
        select(Objection)
        .where(Objection.by_id == teacher_id, Objection.round_id == round_id)
        .order_by(col(Objection.id).desc())
        .limit(10)
    ).all()
    return tuple(_mine(session, row, now=now) for row in rows)


def of_round(
    session: Session, actor_id: int, round_id: int, *, now: datetime
) -> tuple[Raised, ...]:
    """Return the objections to a round's list that this person may decide, open ones first.

    Raises NotFound or NotAllowed.
    """
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        raise NotFound("round")
    rights.check_organises(session, actor_id, round_.competition_id, now=now)
    rows = session.exec(
        select(Objection).where(Objection.round_id == round_id).order_by(col(Objection.due_at))
    ).all()
    seen = [row for row in rows if _bar(session, actor_id, row, now=now) is None]
    seen.sort(key=lambda row: row.state is not ObjectionState.OPEN)
    return tuple(_raised(session, row) for row in seen)


def open_one(session: Session, actor_id: int, objection_id: int, *, now: datetime) -> Raised:
    """Return an objection to who decides it; the look is written down.

    Raises NotFound, NotAllowed, or OwnCase for a judge, an entrant, or the school concerned.
    """
    row = _may_decide(session, actor_id, objection_id, now=now)
    audit.looked(session, actor_id, "see_objection", f"objection:{row.id}", now=now)
    deed_id = deeds.standing(
        session, actor_id, unsaid.CORRECTED, row.id, now=now, of="objection_id"
    )
    return replace(_raised(session, row), deed_id=deed_id)


def to_say(session: Session, actor_id: int, objection_id: int, *, now: datetime) -> Raised | None:
    """Return an open objection for the message to who decides it; None when it is settled.

    Raises NotFound or NotAllowed.
    """
    row = _may_decide(session, actor_id, objection_id, now=now)
    return _raised(session, row) if row.state is ObjectionState.OPEN else None


def choices(
    session: Session, actor_id: int, objection_id: int, *, now: datetime
) -> tuple[Choice, ...]:
    """Return the entries that could be put right for an objection, in their order.

    Raises NotFound, NotAllowed or OwnCase.
    """
    row = _may_decide(session, actor_id, objection_id, now=now)
    rows = session.exec(
        select(EntryRound, Track.title, Teacher.name, OrgUnit.name)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Venue, col(Venue.id) == col(EntryRound.venue_id))
        .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .where(
            EntryRound.round_id == row.round_id,
            col(EntryRound.state).in_(deciding.JUDGED),
            Venue.state == VenueState.DECIDED,
        )
        .order_by(col(Track.position), col(EntryRound.rank), col(EntryRound.id))
    ).all()
    return tuple(
        Choice(place.id, track, name, school)
        for place, track, name, school in rows
        if row.entry_id in (None, place.entry_id)
    )


def preview(
    session: Session,
    actor_id: int,
    objection_id: int,
    how: How,
    *,
    place_id: int | None = None,
    score: float | None = None,
    now: datetime,
) -> Preview:
    """Return what a correction would change; it changes nothing.

    Raises what ``settle`` raises.
    """
    row = _may_decide(session, actor_id, objection_id, now=now)
    place, venue = _place(session, actor_id, row, place_id, now=now)
    right = _right_score(session, row, how, score)
    changes = deciding.would_be(session, venue, {place.id: right})
    entries = {
        found.id: (found, name, school)
        for found, name, school in session.exec(
            select(EntryRound, Teacher.name, OrgUnit.name)
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
            .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
            .where(col(EntryRound.id).in_({*changes, place.id}))
        ).all()
    }
    told = deciding.people(session, [entries[id_][0].entry_id for id_ in changes])
    _found, name, school = entries[place.id]
    return Preview(
        row.id,
        name,
        school,
        place.score,
        right,
        tuple(
            Shift(entries[id_][1], entries[id_][2], old.state, old.award, state, award)
            for id_, (state, award) in changes.items()
            for old in [entries[id_][0]]
        ),
        len({each for some in told.values() for each in some}),
        publicity.groups(session, row.round_id),
    )


def settle(
    session: Session,
    actor_id: int,
    objection_id: int,
    how: How,
    answer: str,
    *,
    place_id: int | None = None,
    score: float | None = None,
    now: datetime,
) -> Raised:
    """Decide an objection, in words that its author reads; what is decided stays so.

    Upheld, an entry can be put right, then or afterwards: that of the objection, or ``place_id``
    where it is about the whole list. The list is made anew from the rules. For ten minutes that
    can be taken back; then whoever it changes is told, and the list hangs as a new version.
    Raises NotFound, NotAllowed, OwnCase, NotUnderWay, AnswerMissing or WrongScore.
    """
    session.exec(select(Objection.id).where(Objection.id == objection_id).with_for_update())
    row = _may_decide(session, actor_id, objection_id, now=now)
    corrects = how in (How.OUT, How.SCORE)
    if row.state is not ObjectionState.OPEN and not (
        corrects and row.state is ObjectionState.UPHELD
    ):
        return _raised(session, row)
    if not answer.strip():
        raise AnswerMissing
    state = session.exec(
        select(Competition.state)
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .where(Round.id == row.round_id)
    ).one()
    if state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    answer = answer.strip()[:LONGEST]
    key = f"{ANSWERED}:{row.id}:{int(now.timestamp())}"
    if corrects:
        place, venue = _place(session, actor_id, row, place_id, now=now)
        right = _right_score(session, row, how, score)
        if place.state is RoundState.DISQUALIFIED or (
            row.state is ObjectionState.UPHELD and place.score == right
        ):
            return _raised(session, row)
        _correct(session, actor_id, row, place, venue, right, answer, key, now=now)
    row.state = ObjectionState.REFUSED if how is How.REFUSE else ObjectionState.UPHELD
    row.decided_by, row.decided_at, row.answer = actor_id, now, answer
    session.flush()
    outbox.put(
        session,
        ANSWERED,
        teacher_id=row.by_id,
        facts={"objection_id": row.id},
        priority=Priority.CARD,
        not_before=now + deeds.MINUTES if corrects else now,
        dedupe_key=key,
        now=now,
    )
    audit.record(
        session,
        actor_id,
        "settle_objection",
        f"objection:{row.id}",
        now=now,
        after={"how": how.value, "score": score},
        reason=answer,
    )
    return _raised(session, row)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Take a correction back: the list and the objection are as they were, and nobody is told."""
    data = deed.data
    row = _may_decide(session, deed.actor_id, data["objection_id"], now=now)
    venue = session.exec(select(Venue).where(Venue.id == data["venue_id"])).one()
    place, entry = session.exec(
        select(EntryRound, Entry)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(EntryRound.id == data["place_id"])
    ).one()
    if (
        venue.state is not VenueState.DECIDED
        or place.score != data["score"]
        or deciding.snapshot(session, venue.id) != data["after"]
    ):
        raise ChangedSince("list")
    place.score, entry.reason = data["old_score"], data["old_reason"]
    deciding.put_back(session, deciding.places(session, venue.id), data["before"], now=now)
    state, row.answer = data["objection"]
    row.state = ObjectionState(state)
    if row.state is ObjectionState.OPEN:
        row.decided_by = row.decided_at = None
    outbox.take_back(session, data["keys"])
    session.flush()


def deciders(session: Session, row: Objection, *, now: datetime) -> list[int]:
    """Return the organisers who may decide this objection."""
    competition_id = session.exec(
        select(Round.competition_id).where(Round.id == row.round_id)
    ).one()
    found = session.exec(telling.organisers(session, competition_id, now=now)).scalars().all()
    return [each for each in found if _bar(session, each, row, now=now) is None]


def waits(session: Session, actor_id: int, *, now: datetime) -> list[tuple[int, int]]:
    """Return the open objections that this person may decide: id and round, the first due first."""
    today = local_day(now, offices.zone(session))
    mine = rights.organised(session, actor_id, today=today)
    rows = session.exec(
        select(Objection)
        .join(Round, col(Round.id) == col(Objection.round_id))
        .where(
            Objection.state == ObjectionState.OPEN,
            col(Round.competition_id).in_(mine),
        )
        .order_by(col(Objection.due_at), col(Objection.id))
    ).all()
    return [(row.id, row.round_id) for row in rows if _bar(session, actor_id, row, now=now) is None]


def _row(session: Session, objection_id: int) -> Objection:
    row = session.exec(select(Objection).where(Objection.id == objection_id)).first()
    if row is None:
        raise NotFound("objection")
    return row


def _may_decide(session: Session, actor_id: int, objection_id: int, *, now: datetime) -> Objection:
    row = _row(session, objection_id)
    competition_id = session.exec(
        select(Round.competition_id).where(Round.id == row.round_id)
    ).one()
    rights.check_organises(session, actor_id, competition_id, now=now)
    barred = _bar(session, actor_id, row, now=now)
    if barred is not None:
        raise barred
    return row


def _bar(session: Session, actor_id: int, row: Objection, *, now: datetime) -> NotAllowed | None:
    """Why somebody who organises does not decide this one; None when they may."""
    if row.by_id == actor_id:
        return OwnCase()
    judged = session.exec(
        select(Judge.id)
        .join(Venue, col(Venue.id) == col(Judge.venue_id))
        .where(
            Venue.round_id == row.round_id,
            Judge.teacher_id == actor_id,
            Judge.state == JudgeState.ACCEPTED,
        )
    ).first()
    if judged is not None:
        return OwnCase()
    competes = session.exec(
        select(Entry.id)
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(
            EntryRound.round_id == row.round_id,
            authors.is_of(actor_id),
        )
    ).first()
    if competes is not None:
        return OwnCase()
    if row.entry_id is not None and _is_of_school(session, actor_id, row.entry_id, now=now):
        return OwnCase()
    return None


def _is_of_school(session: Session, actor_id: int, entry_id: int, *, now: datetime) -> bool:
    """Whether somebody is of the school that an entry comes from."""
    concerned, owner = session.exec(
        select(Entry.unit_id, Competition.owner_unit_id)
        .join(Competition, col(Competition.id) == col(Entry.competition_id))
        .where(Entry.id == entry_id)
    ).one()
    today = local_day(now, offices.zone(session))
    at_home = authority.unit_of(session, actor_id, today=today)
    # In a school's own competition all are of the school concerned.
    return at_home == concerned and concerned != owner


def _place(
    session: Session, actor_id: int, row: Objection, place_id: int | None, *, now: datetime
) -> tuple[EntryRound, Venue]:
    """The entry to put right, on a list that does not stand yet, with its venue."""
    query = (
        select(EntryRound, Venue)
        .join(Venue, col(Venue.id) == col(EntryRound.venue_id))
        .where(EntryRound.round_id == row.round_id)
    )
    query = (
        query.where(EntryRound.id == place_id)
        if row.entry_id is None
        else query.where(EntryRound.entry_id == row.entry_id)
    )
    found = session.exec(query).first()
    if found is None:
        raise NotFound("entry")
    place, venue = found
    if venue.state is not VenueState.DECIDED:
        raise NotUnderWay
    if _is_of_school(session, actor_id, place.entry_id, now=now):
        raise OwnCase
    return place, venue


def _right_score(session: Session, row: Objection, how: How, score: float | None) -> float | None:
    """The score that is right; None for an entry that is taken out."""
    if how is How.OUT:
        return None
    rubric = session.exec(select(Round.rubric).where(Round.id == row.round_id)).one()
    most = sum(each["most"] for each in rubric)
    if score is None or not 0 <= score <= most:
        raise WrongScore(most)
    return round(score, 2)


def _correct(
    session: Session,
    actor_id: int,
    row: Objection,
    place: EntryRound,
    venue: Venue,
    right: float | None,
    reason: str,
    key: str,
    *,
    now: datetime,
) -> None:
    """Put right what was wrong with the entry, and let the list follow from it."""
    entry = session.exec(select(Entry).where(Entry.id == place.entry_id)).one()
    before = deciding.snapshot(session, venue.id)
    old_score, old_reason = place.score, entry.reason
    changed: set[int] = set()
    if right is None:
        place.state, entry.state = RoundState.DISQUALIFIED, CompetingState.DISQUALIFIED
        entry.changed_at = now
        entry.reason = "objection"
        changed.add(place.id)
    else:
        place.score = right
    place.changed_at = now
    session.flush()
    changed |= set(deciding.write(session, venue, now=now))
    more = {
        id_: {"corrected": reason, "was": [before[str(id_)][0], before[str(id_)][3]]}
        for id_ in changed
    }
    keys = deciding.tell(session, sorted(changed), after=deeds.MINUTES, more=more, now=now)
    data = {
        "objection_id": row.id,
        "round_id": row.round_id,
        "venue_id": venue.id,
        "place_id": place.id,
        "before": before,
        "after": deciding.snapshot(session, venue.id),
        "old_score": old_score,
        "score": place.score,
        "old_reason": old_reason,
        "objection": [row.state.value, row.answer],
        "keys": [*keys, key],
    }
    deeds.done(session, unsaid.CORRECTED, actor_id, data, now=now)
    was = before[str(place.id)]
    audit.record(
        session,
        actor_id,
        "correct_list",
        f"entry_round:{place.id}",
        now=now,
        before={"state": was[0], "score": old_score, "award": was[3]},
        after={"state": place.state.value, "score": place.score, "award": place.award},
    )


def _about(
    session: Session, row: Objection, *, now: datetime | None = None
) -> tuple[str, EntryRound | None]:
    """Whose entry it is about, in words; with ``now`` as far as it is said by then."""
    if row.entry_id is None:
        return "", None
    name, school, track, place = session.exec(
        select(Teacher.name, OrgUnit.name, Track.title, EntryRound)
        .select_from(Entry)
        .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(Entry.id == row.entry_id, EntryRound.round_id == row.round_id)
    ).one()
    hidden = {} if now is None else unsaid.before(session, [row.entry_id], now=now)
    before = hidden.get(row.entry_id)
    known = before is not None and before.place_id == place.id
    parts = (track, name, school, before.award if before and known else place.award)
    return " · ".join(part for part in parts if part), place


def _titles(session: Session, row: Objection) -> tuple[int, str, str]:
    return session.exec(
        select(Competition.id, Competition.title, Round.name)
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .where(Round.id == row.round_id)
    ).one()


def _mine(session: Session, row: Objection, *, now: datetime) -> Mine:
    """As it is known to whoever raised it: a correction that can be taken back is not."""
    _id, title, round_name = _titles(session, row)
    state, answer = unsaid.answered(session, row.id, now=now) or (row.state, row.answer)
    return Mine(
        row.id,
        title,
        round_name,
        _about(session, row, now=now)[0],
        row.text,
        row.evidence_name,
        row.submitted_at,
        row.due_at,
        ObjectionState(state),
        answer,
    )


def _raised(session: Session, row: Objection) -> Raised:
    competition_id, title, round_name = _titles(session, row)
    about, place = _about(session, row)
    today = local_day(row.submitted_at, offices.zone(session))
    unit_id = authority.unit_of(session, row.by_id, today=today)
    school = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    return Raised(
        row.id,
        row.round_id,
        competition_id,
        title,
        round_name,
        about,
        None if place is None else place.id,
        None if place is None else place.score,
        session.exec(select(Teacher.name).where(Teacher.id == row.by_id)).one(),
        school or "",
        row.text,
        row.evidence_file_id,
        row.evidence_name,
        row.submitted_at,
        row.due_at,
        row.state,
        row.answer,
        row.decided_at,
        session.exec(
            select(Venue.id).where(
                Venue.round_id == row.round_id, Venue.state == VenueState.DECIDED
            )
        ).first()
        is not None,
    )
