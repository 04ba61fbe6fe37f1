"""External rounds: who is nominated, the list that goes up by its hour, and what came back.

A round of a higher level is held elsewhere. What is known of it here is who was nominated within
its quota, when the list was sent, and the award each of them got, if any.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import awarding, deciding, ranking, rights, schedule, venues
from storage.competitions.editing import NotUnderWay
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Honour,
    Round,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.moments import local_day
from storage.people import offices
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotFound, OwnCase, Refusal

PAGE = 10
LONGEST = 60
NO_AWARD = frozenset({"", "无", "無", "未获奖", "未獲獎", "none", "-", "—"})
"""What a sheet says of who came back without an award; an empty cell says nothing yet."""
PUSHED = (RoundState.PUSHED, RoundState.PUSHED_AWARDED, RoundState.PUSHED_OUT)


class QuotaFull(Refusal):
    """As many entries of the track are nominated as may be."""

    def __init__(self, places: int) -> None:
        super().__init__(f"{places} places")
        self.places = places


class NotNominated(Refusal):
    """This entry cannot be nominated, or is none that was sent."""


@dataclass(frozen=True)
class Nominee:
    """An entry in an external round, or one that could be nominated into it."""

    entry_id: int
    place_id: int | None
    track: str
    name: str
    school: str
    title: str
    before: str
    """The award that it has from our own rounds, or the round before."""
    state: RoundState | None
    award: str


@dataclass(frozen=True)
class Outside:
    """An external round for who organises.

    ``quota`` of each track; None without a limit, or where it is a share and each has its own.
    """

    round_id: int
    competition_id: int
    title: str
    round_name: str
    state: CompetitionState
    due_at: datetime | None
    nominees: tuple[Nominee, ...]
    others: tuple[Nominee, ...]
    """Those who could be nominated yet."""
    quota: int | None
    unsent: int
    sent_at: datetime | None
    open_outcomes: int


def outside(session: Session, actor_id: int, round_id: int, *, now: datetime) -> Outside:
    """Return who is nominated into an external round. Raises NotFound or NotAllowed."""
    round_, competition = _round(session, actor_id, round_id, now=now)
    nominees = _nominees(session, round_)
    rows = session.exec(
        select(EntryRound.forwarded_at).where(
            EntryRound.round_id == round_id, col(EntryRound.state).in_(PUSHED)
        )
    ).all()
    return Outside(
        round_id,
        competition.id,
        competition.title,
        round_.name,
        competition.state,
        round_.forward_due_at,
        nominees,
        _others(session, round_, {each.entry_id for each in nominees}),
        None
        if "share" in round_.quota
        else ranking.seats(round_.quota, competition.owner_unit_id, 0),
        sum(each.state is RoundState.NOMINATED for each in nominees),
        max((each for each in rows if each is not None), default=None),
        sum(each.state is RoundState.PUSHED for each in nominees),
    )


def export(session: Session, actor_id: int, round_id: int, *, now: datetime) -> Outside:
    """The same, to be written into a file; that is written down."""
    made = outside(session, actor_id, round_id, now=now)
    audit.record(session, actor_id, "export_nominees", f"round:{round_id}", now=now)
    return made


def nominate(
    session: Session, actor_id: int, round_id: int, entry_id: int, *, now: datetime
) -> int:
    """Nominate an entry that could be; return its place. Never above the quota of its track.

    Raises NotFound, NotAllowed, OwnCase, NotUnderWay, NotNominated or QuotaFull.
    """
    session.exec(select(Round.id).where(Round.id == round_id).with_for_update())
    round_, competition = _round(session, actor_id, round_id, now=now)
    _check_on(competition)
    known = session.exec(
        select(EntryRound).where(EntryRound.round_id == round_id, EntryRound.entry_id == entry_id)
    ).first()
    if known is not None:
        return known.id
    there = {each.entry_id for each in _nominees(session, round_)}
    if entry_id not in {each.entry_id for each in _others(session, round_, there)}:
        raise NotNominated
    entry = session.exec(select(Entry).where(Entry.id == entry_id)).one()
    if actor_id in deciding.people(session, [entry_id])[entry_id]:
        raise OwnCase
    quota = ranking.seats(
        round_.quota, competition.owner_unit_id, _of_before(session, round_, entry.track_id)
    )
    rows = session.exec(
        select(Entry)
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(EntryRound.round_id == round_id, Entry.track_id == entry.track_id)
    ).all()
    of_unit = Counter(each.unit_id for each in rows)
    if quota is not None and len(rows) >= quota:
        raise QuotaFull(quota)
    if round_.unit_most is not None and of_unit[entry.unit_id] >= round_.unit_most:
        raise QuotaFull(round_.unit_most)
    place = venues.let_in(session, entry, round_, now=now)
    entry.state, entry.changed_at = CompetingState.COMPETING, now
    before = session.exec(
        select(EntryRound)
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .where(EntryRound.entry_id == entry_id, Round.position < round_.position)
        .order_by(col(Round.position).desc())
    ).first()
    if before is not None and before.state in (
        RoundState.RESERVE,
        RoundState.ADVANCED,
        RoundState.AWARDED,
    ):
        before.state = RoundState.ADVANCED
        before.forwarded_by, before.forwarded_at, before.changed_at = actor_id, now, now
    session.flush()
    deciding.tell(session, [place.id], now=now)
    audit.record(session, actor_id, "nominate_entry", f"entry_round:{place.id}", now=now)
    return place.id


def withdraw(session: Session, actor_id: int, place_id: int, *, now: datetime) -> bool:
    """Nominate an entry no longer, as long as the list was not sent; False when it is not."""
    place = session.exec(select(EntryRound).where(EntryRound.id == place_id)).first()
    if place is None:
        return False
    _round(session, actor_id, place.round_id, now=now)
    if place.state is not RoundState.NOMINATED:
        raise NotNominated
    entry = session.exec(select(Entry).where(Entry.id == place.entry_id)).one()
    entry.state, entry.changed_at = CompetingState.OUT, now
    audit.record(
        session,
        actor_id,
        "withdraw_nomination",
        f"entry:{entry.id}",
        now=now,
        before={"round_id": place.round_id},
    )
    session.delete(place)
    session.flush()
    return True


def push(session: Session, actor_id: int, round_id: int, *, now: datetime) -> int:
    """Say that the list has gone up; each nominated entry is sent then. Returns how many.

    Saying so again sends nothing twice. Raises NotFound, NotAllowed or NotUnderWay.
    """
    session.exec(select(Round.id).where(Round.id == round_id).with_for_update())
    round_, competition = _round(session, actor_id, round_id, now=now)
    _check_on(competition)
    rows = session.exec(
        select(EntryRound).where(
            EntryRound.round_id == round_id, EntryRound.state == RoundState.NOMINATED
        )
    ).all()
    for row in rows:
        row.state, row.changed_at = RoundState.PUSHED, now
        row.forwarded_by, row.forwarded_at = actor_id, now
    session.flush()
    if rows:
        deciding.tell(session, [row.id for row in rows], now=now)
        schedule.plan_deadlines(session, competition.id, now=now)
        audit.record(
            session,
            actor_id,
            "push_entries",
            f"round:{round_id}",
            now=now,
            after={
                "entry_rounds": [row.id for row in rows],
                "late": round_.forward_due_at is not None and now > round_.forward_due_at,
            },
        )
    return len(rows)


def came_back(
    session: Session, actor_id: int, place_id: int, award: str, *, now: datetime
) -> RoundState:
    """Record what came back of an entry that was sent: its award, or none.

    Saying the same again changes nothing; saying another thing corrects it. Raises NotFound,
    NotAllowed, OwnCase, NotUnderWay or NotNominated.
    """
    place = session.exec(
        select(EntryRound).where(EntryRound.id == place_id).with_for_update()
    ).first()
    if place is None:
        raise NotFound("entry")
    round_, competition = _round(session, actor_id, place.round_id, now=now)
    _check_on(competition)
    if actor_id in deciding.people(session, [place.entry_id])[place.entry_id]:
        raise OwnCase
    if place.state not in PUSHED:
        raise NotNominated
    award = " ".join(award.split())[:LONGEST]
    state = RoundState.PUSHED_AWARDED if award else RoundState.PUSHED_OUT
    if (place.state, place.award) == (state, award):
        return state
    before = {"state": place.state.value, "award": place.award}
    place.state, place.award, place.changed_at = state, award, now
    entry = session.exec(select(Entry).where(Entry.id == place.entry_id)).one()
    entry.state, entry.changed_at = CompetingState.OUT, now
    for row in session.exec(
        select(Honour).where(Honour.entry_round_id == place_id, col(Honour.revoked_at).is_(None))
    ).all():
        row.revoked_at = now
    if award:
        today = local_day(now, offices.zone(session))
        for teacher_id in deciding.people(session, [entry.id])[entry.id]:
            session.add(
                Honour(
                    teacher_id=teacher_id,
                    title=competition.title,
                    award=award,
                    level=awarding.HONOUR_LEVEL[round_.level],
                    awarded_on=today,
                    entry_round_id=place_id,
                )
            )
    session.flush()
    deciding.tell(session, [place_id], now=now)
    audit.record(
        session,
        actor_id,
        "record_outcome",
        f"entry_round:{place_id}",
        now=now,
        before=before,
        after={"state": state.value, "award": award},
    )
    return state


@dataclass(frozen=True)
class Read:
    """What a sheet of outcomes said: how many were recorded, and numbers that nobody sent has."""

    recorded: int
    rounds: tuple[int, ...]
    unknown: tuple[str, ...]


def record_all(session: Session, actor_id: int, given: Mapping[str, str], *, now: datetime) -> Read:
    """Record outcomes by the numbers on the list that went up; empty ones are left out.

    Raises NotFound, NotAllowed or NotUnderWay.
    """
    recorded = 0
    rounds: set[int] = set()
    unknown: list[str] = []
    for number, outcome in given.items():
        if not outcome.strip():
            continue
        found = _NUMBER.fullmatch(number.strip())
        place = None
        if found is not None:
            place = session.exec(
                select(EntryRound).where(
                    EntryRound.entry_id == int(found[1]),
                    EntryRound.round_id == int(found[2]),
                    col(EntryRound.state).in_(PUSHED),
                )
            ).first()
        if place is None:
            unknown.append(number)
            continue
        award = "" if outcome.strip().lower() in NO_AWARD else outcome
        came_back(session, actor_id, place.id, award, now=now)
        rounds.add(place.round_id)
        recorded += 1
    return Read(recorded, tuple(sorted(rounds)), tuple(unknown))


_NUMBER = re.compile(r"K?([0-9]{1,12})-([0-9]{1,12})")


def entry_number(entry_id: int, round_id: int) -> str:
    """How an entry in a round is called on a sheet."""
    return f"K{entry_id:05}-{round_id}"


def _check_on(competition: Competition) -> None:
    # What comes back may come after everything else is over.
    if competition.state not in (CompetitionState.PUBLISHED, CompetitionState.FINISHED):
        raise NotUnderWay


def _round(
    session: Session, actor_id: int, round_id: int, *, now: datetime
) -> tuple[Round, Competition]:
    round_ = session.exec(select(Round).where(Round.id == round_id, col(Round.external))).first()
    if round_ is None:
        raise NotFound("round")
    return round_, rights.check_organises(session, actor_id, round_.competition_id, now=now)


def _before(session: Session, round_: Round) -> Round | None:
    return session.exec(
        select(Round)
        .where(Round.competition_id == round_.competition_id, Round.position < round_.position)
        .order_by(col(Round.position).desc())
        .limit(1)
    ).first()


def _of_before(session: Session, round_: Round, track_id: int) -> int:
    """How many entries were judged in the round before, of which a share may be nominated.

    As where a list is made: who did not come makes no place for others.
    """
    before = _before(session, round_)
    if before is None:
        return 0
    query = (
        select(EntryRound.id)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(EntryRound.round_id == before.id, Entry.track_id == track_id)
    )
    if not before.external:
        query = query.where(
            col(EntryRound.state).in_(deciding.JUDGED), col(EntryRound.score).is_not(None)
        )
    return len(session.exec(query).all())


def _nominees(session: Session, round_: Round) -> tuple[Nominee, ...]:
    rows = session.exec(
        select(EntryRound, Entry, Track.position)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .where(EntryRound.round_id == round_.id)
        .order_by(col(Track.position), col(EntryRound.id))
    ).all()
    return _named(session, round_, [(entry, place) for place, entry, _position in rows])


def _others(session: Session, round_: Round, there: set[int]) -> tuple[Nominee, ...]:
    """Who could be nominated yet: awarded in the round before, which stands."""
    before = _before(session, round_)
    if before is None or not (before.external or _stands(session, before.id)):
        return ()
    wanted = (
        [RoundState.PUSHED_AWARDED]
        if before.external
        else [RoundState.ADVANCED, RoundState.RESERVE, RoundState.AWARDED]
    )
    rows = session.exec(
        select(EntryRound, Entry)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(
            EntryRound.round_id == before.id,
            col(EntryRound.state).in_(wanted),
            col(Entry.state).not_in([CompetingState.WITHDRAWN, CompetingState.DISQUALIFIED]),
        )
        .order_by(col(Entry.track_id), col(EntryRound.rank), col(EntryRound.id))
    ).all()
    return _named(
        session, round_, [(entry, None) for _place, entry in rows if entry.id not in there]
    )


def _stands(session: Session, round_id: int) -> bool:
    """Whether the lists of a round of our own stand."""
    left = session.exec(
        select(Venue.id)
        .join(EntryRound, col(EntryRound.venue_id) == col(Venue.id))
        .where(Venue.round_id == round_id, Venue.state != VenueState.CONFIRMED)
        .limit(1)
    ).first()
    return left is None


def _named(
    session: Session, round_: Round, rows: Sequence[tuple[Entry, EntryRound | None]]
) -> tuple[Nominee, ...]:
    ids = [entry.id for entry, _place in rows]
    facts = {
        entry_id: (track, school)
        for entry_id, track, school in session.exec(
            select(Entry.id, Track.title, OrgUnit.name)
            .join(Track, col(Track.id) == col(Entry.track_id))
            .join(OrgUnit, col(OrgUnit.id) == col(Entry.unit_id))
            .where(col(Entry.id).in_(ids))
        ).all()
    }
    people = deciding.people(session, ids)
    everybody = {each for some in people.values() for each in some}
    names = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(everybody))).all()
    )
    won = session.exec(
        select(EntryRound.entry_id, EntryRound.award)
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .where(
            col(EntryRound.entry_id).in_(ids),
            Round.position < round_.position,
            EntryRound.award != "",
        )
        .order_by(col(Round.position))
    ).all()
    awards = dict(won)  # of several the last one
    return tuple(
        Nominee(
            entry.id,
            None if place is None else place.id,
            facts[entry.id][0],
            "、".join(names[each] for each in people[entry.id]),
            facts[entry.id][1],
            entry.title,
            awards.get(entry.id, ""),
            None if place is None else place.state,
            "" if place is None else place.award,
        )
        for entry, place in rows
    )
