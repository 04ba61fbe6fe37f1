"""The proof of ``tests.soak.competition``: everything computed once more, by other means.

What people typed, the text of the rules as a teacher got it, and the rows as they are kept are
looked at with plain arithmetic of its own; nothing of ``storage.competitions`` but the tables is
used. Each finding is a sentence about what must not be.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import python_calamine
import sqlalchemy as sa
import yaml  # type: ignore[import-untyped]
from sqlmodel import Session, col, select

from bot.sandbox import county
from storage.competitions.tables import (
    Ballot,
    BallotState,
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Honour,
    Judge,
    JudgeState,
    Material,
    ResourceProposal,
    Round,
    RoundState,
    TierProposal,
    Track,
    Venue,
    VenueState,
)
from storage.credits.tables import CreditEntry
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderState,
    StepOutcome,
)
from storage.people.tables import (
    Account,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    Teacher,
    TeacherFact,
    TeacherState,
    UnitKind,
)

if TYPE_CHECKING:
    from tests.soak.season import Season

ZONE = ZoneInfo("Asia/Shanghai")
KINDS = (
    "entry_close",
    "material_due",
    "round_day",
    "result_due",
    "forward_due",
    "publicity",
    "external_close",
    "ballots_due",
    "judge_answer",
    "venue_materials",
)
"""Kinds 31 to 37 of the reminder calendar, and what judges and heads of groups owe."""

RANKED = re.compile(r"第\s*\d+\s*名|排名|得分|名次|\d+(\.\d+)?\s*分(?!钟)|points")
"""Words of a score or a rank."""
TO_COME = (RoundState.READY, RoundState.SCHEDULED)
OFFICES = (Role.SCHOOL_COORDINATOR, Role.COUNTY_COORDINATOR, Role.RESEARCH_OFFICER)
NIGHT = (7 * 60 + 30, 21 * 60)
"""No phone rings before and after these minutes of the day (domain/5-reminders.md §5.2)."""


# --- who owes it, asked before each sweep --------------------------------------------------------


@dataclass
class Owed:
    """Who owed what when a step came due, by the step; asked of the rows, not of the product."""

    steps: dict[int, tuple[str, frozenset[int]]] = field(default_factory=dict)

    def note(self, session: Session, now: datetime) -> None:
        """Look at every step of these kinds that is due and not swept."""
        rows = session.exec(
            select(DeadlineStep.id, Deadline.kind, Deadline.subject_id)
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(
                col(DeadlineStep.outcome).is_(None),
                col(DeadlineStep.due_at) <= now,
                col(DeadlineStep.useful_until) > now,
                col(DeadlineStep.level) == Level.TEACHER,
                col(Deadline.kind).in_(KINDS),
            )
        ).all()
        for step_id, kind, subject_id in rows:
            self.steps[step_id] = kind, frozenset(_owing(session, kind, subject_id, now))


def _owing(session: Session, kind: str, subject_id: int, now: datetime) -> set[int]:
    if kind in ("ballots_due", "judge_answer", "venue_materials"):
        return _owing_at(session, kind, session.get_one(Venue, subject_id))
    if kind in ("round_day", "result_due"):
        venue = session.get_one(Venue, subject_id)
        round_ = session.get_one(Round, venue.round_id)
        if not _is_on(session, round_) or venue.state in (
            VenueState.DECIDED,
            VenueState.CONFIRMED,
        ):
            return set()
        hosts = (
            {venue.organiser_id}
            if venue.organiser_id is not None
            else _offices(session, venue.unit_id, now)
        )
        places = session.exec(select(EntryRound).where(EntryRound.venue_id == venue.id)).all()
        if kind == "result_due":
            return hosts if places else set()
        coming = [each for each in places if each.state in TO_COME]
        if not coming:
            return set()
        judges = session.exec(
            select(Judge.teacher_id).where(
                Judge.venue_id == venue.id, Judge.state == JudgeState.ACCEPTED
            )
        ).all()
        return (
            hosts
            | _entrants(session, coming)
            | _mates(session, [each.entry_id for each in coming], agreed=True)
            | {one for one in judges if one is not None}
        )
    round_ = session.get_one(Round, subject_id)
    if not _is_on(session, round_):
        return set()
    competition = session.get_one(Competition, round_.competition_id)
    places = session.exec(select(EntryRound).where(EntryRound.round_id == round_.id)).all()
    match kind:
        case "entry_close":
            return _to_enter(session, competition)
        case "material_due":
            wanted = _wanted(round_)
            return {
                who
                for place in places
                if place.state in TO_COME
                for who in _entrants(session, [place])
                if not _has_all(session, place, wanted)
            }
        case "forward_due":
            units = set()
            for place in places:
                if place.forwarded_at is None and place.state in (
                    RoundState.ADVANCED,
                    RoundState.NOMINATED,
                ):
                    units.add(
                        competition.owner_unit_id
                        if place.venue_id is None
                        else session.get_one(Venue, place.venue_id).unit_id
                    )
            return {who for unit_id in units for who in _offices(session, unit_id, now)}
        case "publicity":
            return _offices(session, competition.owner_unit_id, now)
        case _:
            waiting = [each for each in places if each.state is RoundState.NOMINATED]
            if not waiting:
                return set()
            return _entrants(session, waiting) | _offices(session, competition.owner_unit_id, now)


def _owing_at(session: Session, kind: str, venue: Venue) -> set[int]:
    """What judges owe at a venue, and whoever is named for it."""
    round_ = session.get_one(Round, venue.round_id)
    if not _is_on(session, round_):
        return set()
    judges = session.exec(select(Judge).where(Judge.venue_id == venue.id)).all()
    places = session.exec(select(EntryRound).where(EntryRound.venue_id == venue.id)).all()
    found: set[int | None] = set()
    match kind:
        case "judge_answer" if venue.state in (
            VenueState.OPEN,
            VenueState.DRAWN,
            VenueState.JUDGING,
        ):
            found = {one.teacher_id for one in judges if one.state is JudgeState.INVITED}
        case "ballots_due" if venue.state is VenueState.JUDGING:
            turns = {each.id for each in places if each.state is RoundState.SCHEDULED}
            for one in judges:
                ballots = session.exec(select(Ballot).where(Ballot.judge_id == one.id)).all()
                if one.state is JudgeState.ACCEPTED and any(
                    each.entry_round_id in turns and each.state is BallotState.OPEN
                    for each in ballots
                ):
                    found.add(one.teacher_id)
        case "venue_materials" if _waits(session, venue, round_) or any(
            each.state in TO_COME and not _has_all(session, each, _wanted(round_))
            for each in places
        ):
            found = {venue.organiser_id}
    return {one for one in found if one is not None}


def _waits(session: Session, venue: Venue, round_: Round) -> bool:
    """Whether an entry waits to be accepted there: the first round is each school's own."""
    if round_.position != 1:
        return False
    waiting = select(Entry.id).where(
        Entry.track_id == venue.track_id,
        Entry.unit_id == venue.unit_id,
        Entry.state == CompetingState.SUBMITTED,
    )
    return session.exec(waiting).first() is not None


def _wanted(round_: Round) -> list[str]:
    return [each["key"] for each in round_.materials if each.get("required", True) is not False]


def _mates(session: Session, entries: Iterable[int], *, agreed: bool) -> set[int]:
    """With whom these entries are made, or who was asked to and has not answered."""
    wanted = set(entries)
    return {
        row.teacher_id
        for row in session.exec(select(EntryAuthor)).all()
        if row.entry_id in wanted and (row.agreed_at is not None) == agreed
    }


def _is_on(session: Session, round_: Round) -> bool:
    state = session.get_one(Competition, round_.competition_id).state
    return state is CompetitionState.PUBLISHED


def _to_enter(session: Session, competition: Competition) -> set[int]:
    """Who has begun and not handed in; who is asked to make one together and is silent; heads of
    research groups nobody of which has entered; who entered last year and is silent this year.
    """
    entries = session.exec(select(Entry).where(Entry.competition_id == competition.id)).all()
    found = {
        each.teacher_id
        for each in entries
        if each.state in (CompetingState.DRAFT, CompetingState.RETURNED)
    }
    open_still = (CompetingState.DRAFT, CompetingState.RETURNED, CompetingState.SUBMITTED)
    found |= _mates(
        session, [each.id for each in entries if each.state in open_still], agreed=False
    )
    if competition.cloned_from_id is not None:
        before = session.exec(
            select(Entry).where(Entry.competition_id == competition.cloned_from_id)
        ).all()
        found |= {
            each.teacher_id for each in before if each.state is not CompetingState.WITHDRAWN
        } - {each.teacher_id for each in entries}
    heads = set(
        session.exec(
            select(TeacherFact.teacher_id).where(
                TeacherFact.key == "duty", TeacherFact.value == "group_head"
            )
        ).all()
    )
    for head in heads:
        unit_id = session.exec(
            select(Posting.unit_id).where(
                Posting.teacher_id == head, col(Posting.is_primary), col(Posting.until).is_(None)
            )
        ).first()
        subjects = session.exec(
            select(TeacherFact.value).where(
                TeacherFact.teacher_id == head, TeacherFact.key == "subject"
            )
        ).all()
        for track in session.exec(
            select(Track).where(Track.competition_id == competition.id)
        ).all():
            if track.subject in subjects and not any(
                each.track_id == track.id
                and each.unit_id == unit_id
                and each.state in (CompetingState.SUBMITTED, CompetingState.COMPETING)
                for each in entries
            ):
                found.add(head)
    active = set(session.exec(select(Teacher.id).where(Teacher.state == TeacherState.ACTIVE)).all())
    return found & active


def _entrants(session: Session, places: Iterable[EntryRound]) -> set[int]:
    return {session.get_one(Entry, each.entry_id).teacher_id for each in places}


def _has_all(session: Session, place: EntryRound, wanted: Sequence[str]) -> bool:
    there = set(
        session.exec(
            select(Material.slot).where(
                Material.entry_id == place.entry_id,
                Material.round_id == place.round_id,
                col(Material.removed_at).is_(None),
            )
        ).all()
    )
    return set(wanted) <= there


def _offices(session: Session, unit_id: int, now: datetime) -> set[int]:
    """Who holds an office that runs competitions in a unit or, of a body with none, above it."""
    day = now.astimezone(ZONE).date()
    unit = session.get_one(OrgUnit, unit_id)
    found = {
        row.teacher_id
        for row in session.exec(
            select(RoleAssignment).where(
                col(RoleAssignment.role).in_(OFFICES),
                RoleAssignment.scope_kind == ScopeKind.UNIT,
                RoleAssignment.scope_id == unit_id,
            )
        ).all()
        if row.since <= day and (row.until is None or row.until >= day)
    }
    if found or unit.kind is UnitKind.SCHOOL or unit.parent_id is None:
        return found
    return _offices(session, unit.parent_id, now)


# --- afterwards ----------------------------------------------------------------------------------


@dataclass
class Proof:
    """What was found wrong, and how much was looked at."""

    season: Season
    owed: Owed
    wrong: list[str] = field(default_factory=list)
    looked: Counter[str] = field(default_factory=Counter)

    def check(self, holds: bool, sentence: str) -> None:
        """Note the sentence unless it holds."""
        if not holds:
            self.wrong.append(sentence)

    def all(self, session: Session) -> None:
        """Look at everything."""
        self.rules(session)
        self.draws(session)
        self.ballots(session)
        self.advancing(session)
        self.awards(session)
        self.groups(session)
        self.judges()
        self.reminders(session)
        self.upward(session)
        self.messages(session)
        self.report(session)

    # -- rules and draws ---------------------------------------------------------------------------

    def rules(self, session: Session) -> None:
        """The text that a teacher got in September is what the rounds were decided by."""
        self.texts: dict[int, dict[str, Any]] = {}
        for position, content in self.season.typed.rules.items():
            round_ = session.get_one(Round, self.season.rounds[position - 1])
            found = hashlib.sha256(content).hexdigest()
            self.check(found == round_.frozen_hash, f"the rules of round {position} have changed")
            self.texts[position] = json.loads(content)
            self.looked["rules"] += 1

    def draws(self, session: Session) -> None:
        """Every order is that of the lots, and the seed is the one that was promised."""
        for venue in session.exec(select(Venue).where(col(Venue.drawn_at).is_not(None))).all():
            promised = self.season.typed.promised.get(venue.id)
            self.check(
                promised == hashlib.sha256(venue.seed.encode()).hexdigest(),
                f"venue {venue.id}: the seed is not the one that was promised",
            )
            places = session.exec(
                select(EntryRound).where(
                    EntryRound.venue_id == venue.id, col(EntryRound.order_no).is_not(None)
                )
            ).all()
            lots = sorted(
                places,
                key=lambda each: hashlib.sha256(
                    f"{venue.seed}:{venue.id}:{each.entry_id}".encode()
                ).hexdigest(),
            )
            for n, place in enumerate(lots, 1):
                self.check(
                    (place.order_no, place.number) == (n, f"{n:02}"),
                    f"venue {venue.id}: entry {place.entry_id} was drawn {place.order_no}, not {n}",
                )
                self.looked["lots"] += 1

    # -- ballots -----------------------------------------------------------------------------------

    def ballots(self, session: Session) -> None:
        """What counts is what was typed, sealed, and by nobody in a conflict."""
        typed = dict(self.season.typed.marks)
        keys = [each["key"] for each in self.texts[1]["round"]["rubric"]]
        rows = session.exec(
            select(Ballot, Judge, Entry, Round)
            .join(Judge, col(Judge.id) == col(Ballot.judge_id))
            .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .join(Round, col(Round.id) == col(EntryRound.round_id))
            .where(col(Ballot.state).in_([BallotState.COMMITTED, BallotState.REVEALED]))
        ).all()
        mates = {
            one.entry_id: one.mate.teacher_id
            for one in self.season.entrants
            if one.mate is not None
        }
        for ballot, judge, entry, round_ in rows:
            given = typed.pop((judge.id, entry.id), None)
            self.check(
                given is not None and dict(zip(keys, given, strict=True)) == ballot.marks,
                f"ballot {ballot.id}: {ballot.marks} was never typed ({given})",
            )
            sealed = json.dumps(
                {"ballot": ballot.id, "marks": ballot.marks, "nonce": ballot.nonce},
                sort_keys=True,
                separators=(",", ":"),
                ensure_ascii=False,
            )
            self.check(
                hashlib.sha256(sealed.encode()).hexdigest() == ballot.seal,
                f"ballot {ballot.id}: its seal does not fit its marks",
            )
            self.looked["ballots"] += 1
            if judge.teacher_id is None:
                continue
            home = session.exec(
                select(Posting.unit_id).where(
                    Posting.teacher_id == judge.teacher_id, col(Posting.until).is_(None)
                )
            ).all()
            at_home = round_.level.value in ("teaching_group", "school")
            bad = (
                (judge.teacher_id, entry.id) in self.season.typed.conflicts
                or judge.teacher_id in (entry.teacher_id, mates.get(entry.id))
                or (not at_home and entry.unit_id in home)
            )
            self.check(not bad, f"judge {judge.teacher_id} scored {entry.id} in a conflict")
        self.check(not typed, f"{len(typed)} ballots that were typed do not count: {typed}")

    # -- who advanced ------------------------------------------------------------------------------

    def advancing(self, session: Session) -> None:
        """By the rules as published, from what the judges typed, round by round."""
        self.winners: dict[int, str] = {}
        for position in (1, 2, 3):
            round_id = self.season.rounds[position - 1]
            expected: set[int] = set()
            for venue in session.exec(select(Venue).where(Venue.round_id == round_id)).all():
                expected |= self._of_venue(session, position, venue)
            there = set(
                session.exec(
                    select(EntryRound.entry_id).where(
                        EntryRound.round_id == self.season.rounds[position]
                    )
                ).all()
            )
            self.check(
                there == expected,
                f"round {position + 1} has {sorted(there - expected)} too many and "
                f"{sorted(expected - there)} too few",
            )
            self.looked[f"go on to round {position + 1}"] = len(expected)
        self._outside(session)

    def _of_venue(self, session: Session, position: int, venue: Venue) -> set[int]:
        """The entries that go on from a venue, and in the final their awards."""
        places = session.exec(select(EntryRound).where(EntryRound.venue_id == venue.id)).all()
        units = {each.entry_id: session.get_one(Entry, each.entry_id).unit_id for each in places}
        judges = session.exec(
            select(Judge.id).where(Judge.venue_id == venue.id, Judge.state == JudgeState.ACCEPTED)
        ).all()
        marks = {
            each.id: [
                self.season.typed.marks[judge, each.entry_id]
                for judge in judges
                if (judge, each.entry_id) in self.season.typed.marks
            ]
            for each in places
            if each.id not in self.season.typed.taken_out
        }
        order = self._order(position, venue, [each for each in places if marks.get(each.id)], marks)
        rules = self.texts[position]["round"]
        quota = rules["quota"]
        if position == 3:
            quota = self.texts[4]["round"]["quota"]
        if "share" in quota:
            room = max(half_up(quota["share"], len(order)), quota.get("min", 0))
        else:
            room = quota.get("units", {}).get(str(venue.unit_id), quota["each"])
        on = order[:room]
        rest = order[room : room + min(len(on), 3)]
        self.check(rules["unit_most"] is None, "the county's rules have no cap of a unit")
        passed = [each for each in on if each.id in self.season.typed.passed_over]
        for each in passed:
            on = [one for one in on if one is not each]
            if rest:
                on.append(rest.pop(0))
        self.check(len(on) <= room, f"venue {venue.id}: above its quota")
        if position == 3:
            self._awards_of(order)
        unit = session.get_one(OrgUnit, venue.unit_id).code
        track = session.get_one(Track, venue.track_id).title
        if position == 2 and (unit, track) == self.season.forgotten:
            return set()
        for each in order:
            self.looked["places ranked"] += 1
            self.check(
                (each.state is RoundState.ADVANCED) == (each in on),
                f"venue {venue.id}: {each.number} is {each.state.value}, "
                f"{'and' if each in on else 'though not'} among the {room} that go on",
            )
        del units
        return {each.entry_id for each in on}

    def _order(
        self,
        position: int,
        venue: Venue,
        places: Sequence[EntryRound],
        marks: dict[int, list[tuple[int, ...]]],
    ) -> list[EntryRound]:
        """The places in the order that the rules give, each with the score that it must have."""
        rules = self.texts[position]["round"]
        names = [each["key"] for each in rules["rubric"]]
        self.check(rules["drops"] == 0, "the county's rules leave no marks out")

        def key(place: EntryRound) -> tuple[Any, ...]:
            totals = [sum(each) for each in marks[place.id]]
            score = round(Fraction(sum(totals), len(totals)) * 100) / 100
            self.check(
                abs(float(score) - (place.score or 0)) < 0.011,
                f"venue {venue.id}: {place.number} has {place.score}, and should have {score}",
            )
            found: list[Any] = [-round(statistics.fmean(totals), 2)]
            for tie in rules["ties"]:
                if tie == "median":
                    found.append(-statistics.median(totals))
                elif tie == "lot":
                    text = f"{venue.seed}:{venue.id}:{place.number}"
                    found.append(hashlib.sha256(text.encode()).hexdigest())
                else:
                    n = names.index(tie.removeprefix("criterion:"))
                    found.append(-statistics.fmean(each[n] for each in marks[place.id]))
            return tuple(found)

        keyed = {each.id: key(each) for each in places}
        scores = Counter(each[0] for each in keyed.values())
        self.looked["ties"] += sum(number > 1 for number in scores.values())
        return sorted(places, key=lambda each: keyed[each.id])

    def _awards_of(self, order: Sequence[EntryRound]) -> None:
        turn = iter(order)
        for award in self.texts[3]["competition"]["awards"]:
            for _n in range(half_up(award["share"], len(order))):
                place = next(turn, None)
                if place is not None:
                    self.winners[place.id] = award["name"]

    def _outside(self, session: Session) -> None:
        """Two of a track at most went to the city, and one that won there to the province."""
        for position, most in ((4, 2), (5, 1)):
            rows = session.exec(
                select(EntryRound.entry_id, Entry.track_id)
                .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
                .where(EntryRound.round_id == self.season.rounds[position - 1])
            ).all()
            for track_id, number in Counter(track for _entry, track in rows).items():
                self.check(number <= most, f"track {track_id}: {number} in round {position}")
        won = session.exec(
            select(EntryRound.entry_id).where(
                EntryRound.round_id == self.season.rounds[3], EntryRound.award != ""
            )
        ).all()
        went = session.exec(
            select(EntryRound.entry_id).where(EntryRound.round_id == self.season.rounds[4])
        ).all()
        self.check(set(went) <= set(won), "somebody went to the province without the city")

    # -- awards ------------------------------------------------------------------------------------

    def awards(self, session: Session) -> None:
        """Honours, hours, proposals and questions follow from the awards, each once."""
        mates = {
            one.entry_id: one.mate.teacher_id
            for one in self.season.entrants
            if one.mate is not None
        }
        expected: Counter[tuple[int, str]] = Counter()
        for place_id, award in self.winners.items():
            place = session.get_one(EntryRound, place_id)
            self.check(
                place.award == award,
                f"place {place_id} has {place.award!r}, and should have {award!r}",
            )
            entry = session.get_one(Entry, place.entry_id)
            for who in (entry.teacher_id, mates.get(entry.id)):
                if who is not None:
                    expected[who, award] += 1
        rows = session.exec(
            select(Honour).where(Honour.level == "county", col(Honour.revoked_at).is_(None))
        ).all()
        found = Counter((row.teacher_id, row.award) for row in rows)
        self.check(found == expected, f"honours {found - expected} more, {expected - found} fewer")
        numbers = [row.certificate_no for row in rows]
        self.check(len(set(numbers)) == len(numbers), "two certificates have one number")
        hours = {each["name"]: Decimal(each["hours"]) for each in self._given()}
        lines = session.exec(
            select(CreditEntry).where(CreditEntry.source_kind == "competition")
        ).all()
        for row in rows:
            mine = [each.hours for each in lines if each.source_id == row.id]
            self.check(mine == [hours[row.award]], f"honour {row.id} has the hours {mine}")
        self.check(len(lines) == len(rows), f"{len(lines)} lines of hours for {len(rows)} honours")
        tiers = {each["name"] for each in self._given() if each["tier"]}
        proposed = Counter(session.exec(select(TierProposal.teacher_id)).all())
        self.check(
            proposed == Counter(row.teacher_id for row in rows if row.award in tiers),
            "proposals for a tier are not those of its award",
        )
        asked = session.exec(select(ResourceProposal.entry_id)).all()
        entries = {session.get_one(EntryRound, each).entry_id for each in self.winners}
        agreed = [each for each in entries if each in self.season.typed.consents]
        self.check(
            sorted(asked) == sorted(agreed), "who was asked to share is not who may be shown"
        )
        self.looked["honours"] = len(rows)
        self.looked["hours"] = int(sum((each.hours for each in lines), Decimal(0)))

    def _given(self) -> list[dict[str, Any]]:
        given: list[dict[str, Any]] = self.texts[3]["competition"]["awards"]
        return given

    # -- what was said -----------------------------------------------------------------------------

    def groups(self, session: Session) -> None:
        """No group ever read a score, a rank, or the name of somebody who is not on a list."""
        title = session.get_one(Competition, self.season.competition_id).title
        people: dict[str, set[int]] = defaultdict(set)
        for one in self.season.entrants:
            for phone in (one.phone, one.mate):
                if phone is not None:
                    people[phone.name].add(one.entry_id)
        scores = {
            f"{score:g}"
            for score in session.exec(
                select(EntryRound.score).where(col(EntryRound.score).is_not(None))
            ).all()
            if score is not None and not float(score).is_integer()
        }
        # Whoever was taken out stood on the first list, and is on none after it; so does an entry
        # that had the last of an award's places, of which there are fewer now.
        first = {session.get_one(EntryRound, each).entry_id for each in self.season.typed.listed}
        public = {session.get_one(EntryRound, each).entry_id for each in self.winners}
        public |= {
            session.get_one(EntryRound, each).entry_id for each in self.season.typed.taken_out
        }
        winners = {session.get_one(EntryRound, each).entry_id for each in self.winners}
        titles_read: set[int] = set()
        for said in self.season.world.said:
            if said.chat_id >= 0:
                continue
            plain = re.sub(r"<[^>]+>", "", said.text)
            about = title in plain
            self.looked["group posts about it" if about else "other group posts"] += 1
            for entry_id, work in self.season.typed.titles.items():
                if about and work in plain:
                    self.looked["titles read in groups"] += 1
                    self.check(
                        entry_id in self.season.typed.consents & winners,
                        f"a group read the title of entry {entry_id} on {said.at}",
                    )
                    titles_read.add(entry_id)
            for name, entries in people.items():
                # The contact of a programme may happen to be called alike.
                if about and name in plain:
                    self.check(
                        date(2027, 4, 7) <= said.at.astimezone(ZONE).date()
                        and bool(
                            entries & public
                            or (entries & first and said.at.date() <= date(2027, 4, 12))
                        ),
                        f"a group read the name {name} on {said.at}",
                    )
            if about:
                words = re.search(
                    r"第\s*\d+\s*名|排名|得分|名次|\d+(\.\d+)?\s*分(?!钟)|points", plain
                )
                self.check(words is None, f"a group read {words and words[0]!r} on {said.at}")
                for score in scores:
                    self.check(
                        not re.search(rf"(?<![\d.]){re.escape(score)}(?![\d.])", plain),
                        f"a group read the score {score} on {said.at}",
                    )
        self.check(
            titles_read == self.season.typed.consents & winners,
            f"of the winners who agreed to it groups read the titles of {sorted(titles_read)} only",
        )

    def judges(self) -> None:
        """No judge ever read the name of somebody whose work they judge, nor a file's own."""
        names: dict[str, set[str]] = defaultdict(set)
        for one in self.season.entrants:
            names[one.track].add(one.phone.name)
            if one.mate is not None:
                names[one.track].add(one.mate.name)
        for track, judges in self.season.judges.items():
            for judge in judges:
                for said in self.season.world.said:
                    if said.chat_id != judge.id:
                        continue
                    self.looked["messages to judges"] += 1
                    for name in names[track]:
                        self.check(
                            name not in said.text,
                            f"judge {judge.name} read the name {name} on {said.at}",
                        )

    def upward(self, session: Session) -> None:
        """What is said upward of these kinds is said in working hours, too."""
        holidays = days_off()
        rows = session.exec(
            select(Deadline.kind, DeadlineStep.level, Reminder.state, OutboxMessage.sent_at)
            .join(DeadlineStep, col(DeadlineStep.deadline_id) == col(Deadline.id))
            .join(Reminder, col(Reminder.step_id) == col(DeadlineStep.id))
            .outerjoin(OutboxMessage, col(OutboxMessage.id) == col(Reminder.outbox_id))
            .where(col(Deadline.kind).in_(KINDS), DeadlineStep.level != Level.TEACHER)
        ).all()
        for kind, level, state, sent_at in rows:
            self.looked[f"{kind} to {level}: {state}"] += 1
            if state is ReminderState.SENT and sent_at is not None:
                local = sent_at.astimezone(ZONE)
                self.check(
                    NIGHT[0] <= local.hour * 60 + local.minute < NIGHT[1]
                    and is_workday(local.date(), holidays),
                    f"{kind} rang {level} at {local:%Y-%m-%d %H:%M}",
                )

    def reminders(self, session: Session) -> None:
        """Each step of the kinds 31 to 37 reached exactly those who owed it, once, in hours."""
        holidays = days_off()
        for step_id, (kind, owing) in self.owed.steps.items():
            step = session.get_one(DeadlineStep, step_id)
            deadline = session.get_one(Deadline, step.deadline_id)
            if step.outcome in (StepOutcome.SUPERSEDED, None):
                continue
            rows = session.exec(select(Reminder).where(Reminder.step_id == step_id)).all()
            people = {row.teacher_id for row in rows}
            self.looked[f"{kind} steps"] += 1
            self.check(
                people == owing,
                f"{kind} {step.name} of {deadline.subject_id} ({step.due_at:%m-%d %H:%M}): "
                f"{sorted(people - owing)} too many, {sorted(owing - people)} too few",
            )
            for row in rows:
                self.looked[f"{kind} {row.state.value}"] += 1
                if row.state is ReminderState.DUE and deadline.state is DeadlineState.ACTIVE:
                    self.check(
                        step.useful_until > self.season.world.now,
                        f"{kind} {step.name}: {row.teacher_id} was never told",
                    )
                if row.state is not ReminderState.SENT or row.outbox_id is None:
                    continue
                sent = session.get_one(OutboxMessage, row.outbox_id)
                if sent.sent_at is None:
                    continue
                local = sent.sent_at.astimezone(ZONE)
                minute = local.hour * 60 + local.minute
                self.check(
                    NIGHT[0] <= minute < NIGHT[1]
                    and (is_workday(local.date(), holidays) or kind == "round_day"),
                    f"{kind} {step.name} rang {row.teacher_id} at {local:%Y-%m-%d %H:%M}",
                )
                self.check(
                    sent.sent_at < max(step.useful_until, deadline.at),
                    f"{kind} {step.name} came to {row.teacher_id} when it was over",
                )

    def messages(self, session: Session) -> None:
        """Nothing unasked was said twice; everybody heard what became of their entry."""
        rows = session.exec(
            select(Account.tg_user_id, OutboxMessage.message_id, OutboxMessage.dedupe_key)
            .join(Account, col(Account.id) == col(OutboxMessage.account_id))
            .where(
                OutboxMessage.state == OutboxState.SENT, col(OutboxMessage.message_id).is_not(None)
            )
        ).all()
        keys = {(user_id, message_id): key for user_id, message_id, key in rows}
        self.check(len(keys) == len(rows), "two messages of the outbox were one on the phone")
        seen: Counter[tuple[int, date, str, str | None]] = Counter()
        for said in self.season.world.said:
            if said.unasked and said.method == "sendMessage" and said.chat_id > 0:
                self.looked["messages unasked"] += 1
                known = (said.chat_id, said.message_id) in keys
                self.check(known, f"{said.chat_id} was sent at {said.at}: {said.text[:80]!r}")
                key = keys.get((said.chat_id, said.message_id))
                seen[said.chat_id, said.at.astimezone(ZONE).date(), said.text, key] += 1
        for (chat_id, day, text, _key), number in seen.items():
            self.check(number == 1, f"{number} times on {day} to {chat_id}: {text[:80]!r}")
        left = session.exec(
            select(OutboxMessage.kind, sa.func.count())
            .where(
                col(OutboxMessage.state).in_([OutboxState.BROKEN]),
                col(OutboxMessage.not_before) < self.season.world.now - timedelta(days=1),
            )
            .group_by(col(OutboxMessage.kind))
        ).all()
        self.check(not left, f"messages were lost: {left}")
        told: Counter[tuple[int, int]] = Counter()
        for row in session.exec(
            select(OutboxMessage).where(
                OutboxMessage.kind == "competition_outcome",
                OutboxMessage.state == OutboxState.SENT,
            )
        ).all():
            told[row.teacher_id or 0, row.facts["place_id"]] += 1
            venue = self._venue_of(session, row.facts["place_id"])
            if venue is not None and venue.decided_at is not None and row.sent_at is not None:
                self.check(
                    row.sent_at >= venue.decided_at + timedelta(minutes=10),
                    f"outcome {row.id} was told while it could be taken back",
                )
        for place in session.exec(
            select(EntryRound).where(
                col(EntryRound.venue_id).is_not(None), col(EntryRound.score).is_not(None)
            )
        ).all():
            who = session.get_one(Entry, place.entry_id).teacher_id
            self.looked["outcomes told"] += told[who, place.id]
            self.check(told[who, place.id] >= 1, f"{who} never heard of place {place.id}")

    def _venue_of(self, session: Session, place_id: int) -> Venue | None:
        venue_id = session.get_one(EntryRound, place_id).venue_id
        return None if venue_id is None else session.get_one(Venue, venue_id)

    def report(self, session: Session) -> None:
        """The year's report counts what there was."""
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(self.season.typed.report))
        cells = [
            str(cell)
            for name in book.sheet_names
            for row in book.get_sheet_by_name(name).to_python()
            for cell in row
        ]
        numbers = {cell.removesuffix(".0") for cell in cells}
        entered = session.exec(
            select(sa.func.count())
            .select_from(Entry)
            .where(
                Entry.competition_id == self.season.competition_id,
                col(Entry.state).not_in(
                    [CompetingState.DRAFT, CompetingState.WITHDRAWN, CompetingState.RETURNED]
                ),
            )
        ).one()
        self.check(str(entered) in numbers, f"the report does not say that {entered} entered")
        self.looked["cells of the report"] = len(cells)


def half_up(share: float, of: int) -> int:
    """So much of a number, a half rounded up, as the rules say."""
    return int((Decimal(str(share)) * of).quantize(Decimal(1), ROUND_HALF_UP))


def days_off() -> dict[date, str]:
    """The days of the county's calendar that are not what their weekday says."""
    found: dict[date, str] = {}
    for each in yaml.safe_load(county.plan_text())["calendar"]["days"]:
        day = each["date"]
        while day <= each.get("to", each["date"]):
            found[day] = each["kind"]
            day += timedelta(days=1)
    return found


def is_workday(day: date, special: dict[date, str]) -> bool:
    """Whether people work on this day."""
    kind = special.get(day)
    return day.weekday() < 5 if kind is None else kind == "makeup_workday"
