"""Publishing a competition, which freezes its rules; cancelling, finishing, putting it away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import SimpleNamespace

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import workdays
from storage.calendar.workdays import WorkCalendar
from storage.competitions import (
    making,
    rights,
    round_cards,
    rules,
    schedule,
    telling,
    values,
    venues,
)
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    EntryRound,
    Objection,
    ObjectionState,
    Round,
    RoundState,
    RuleChange,
    Venue,
    VenueState,
)
from storage.moments import local_day
from storage.people.tables import Teacher
from storage.refusals import Refusal
from storage.training.audience import NONE, described, fits
from storage.training.making import DatesNotInOrder

CANCELLED = "competition_cancelled"
LONGEST_REASON = 300


class Check(StrEnum):
    """What is looked at before publishing; see ``BLOCKS`` for what stands in the way."""

    NO_TRACKS = "no_tracks"
    NO_ROUNDS = "no_rounds"  # none of our own
    NO_ENTRY = "no_entry"  # nobody knows until when to enter
    ENTRY_OVER = "entry_over"
    ORDER = "order"  # dates of a round, or of two rounds, are not in order
    NO_DAYS = "no_days"
    NO_PUBLICITY = "no_publicity"  # of the deciding round
    SHORT_PUBLICITY = "short_publicity"
    NO_RUBRIC = "no_rubric"
    NO_MATERIALS = "no_materials"
    DROPS = "drops"  # more marks are left out than there are
    TIES = "ties"  # a criterion breaks ties that is none
    NO_TIES = "no_ties"
    NO_QUOTA = "no_quota"  # all go on from a round that another follows
    NO_AWARDS = "no_awards"
    NO_FORWARD = "no_forward"  # nobody knows until when to forward
    NOBODY = "nobody"  # it is for nobody
    ONE_ORGANISER = "one_organiser"  # nobody could confirm a change of the rules
    DAYS_OFF = "days_off"  # something is due on a day off


BLOCKS = frozenset(
    {
        Check.NO_TRACKS,
        Check.NO_ROUNDS,
        Check.NO_ENTRY,
        Check.ENTRY_OVER,
        Check.ORDER,
        Check.NO_PUBLICITY,
        Check.SHORT_PUBLICITY,
        Check.NO_RUBRIC,
        Check.DROPS,
        Check.TIES,
        Check.NOBODY,
    }
)


@dataclass(frozen=True)
class Finding:
    """Something to look at, in the whole (0) or in one round."""

    check: Check
    round_id: int = 0
    round_name: str = ""
    days: tuple[date, ...] = ()


@dataclass(frozen=True)
class Readiness:
    """What publishing would meet: for how many people it is, and what stands out."""

    competition_id: int
    title: str
    state: CompetitionState
    people: int
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        return not any(each.check in BLOCKS for each in self.findings)


class NotReady(Refusal):
    """Something stands in the way of publishing."""


class NotUnderWay(Refusal):
    """This is not possible as the competition stands."""


class ReasonWrong(Refusal):
    """A reason is a text of at most 300 characters."""


class StillRunning(Refusal):
    """So many lists are not decided, or objections not answered, and it cannot be finished."""

    def __init__(self, venues_: int, objections: int) -> None:
        super().__init__(f"{venues_} venues and {objections} objections are open")
        self.venues = venues_
        self.objections = objections


def check(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> Readiness:
    """Look whether everything is there. Raises NotFound or NotAllowed."""
    row = rights.check_organises(session, actor_id, competition_id, now=now)
    people = _may_enter(session, row)
    return Readiness(
        row.id,
        row.title,
        row.state,
        people,
        tuple(_findings(session, actor_id, row, people, now=now)),
    )


def _may_enter(session: Session, row: Competition) -> int:
    """How many active teachers some track is for, as entering asks it of each."""
    of_tracks = (
        described({key: [value, NONE] for key, value in wanted.items() if value})
        for track in venues.tracks(session, row.id)
        for wanted in [{"stage": track.stage, "subject": track.subject}]
    )
    return session.exec(
        select(sa.func.count())
        .select_from(Teacher)
        .where(fits(SimpleNamespace(audience=row.audience)), sa.or_(sa.false(), *of_tracks))
    ).one()


def publish(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> bool:
    """Publish it: freeze each round's rules, plan the deadlines, hang the card; twice is once.

    False when it was published before. Raises NotFound, NotAllowed, NotReady or NotUnderWay.
    """
    row = _locked(session, actor_id, competition_id, now=now)
    if row.state is CompetitionState.PUBLISHED:
        return False
    if row.state is not CompetitionState.DRAFT:
        raise NotUnderWay
    if not check(session, actor_id, competition_id, now=now).is_ready:
        raise NotReady
    row.state, row.published_at = CompetitionState.PUBLISHED, now
    session.flush()
    rules.freeze(session, competition_id, now=now)
    schedule.plan_deadlines(session, competition_id, now=now)
    round_cards.hang_opening(session, competition_id)
    hashes = {each.name: each.frozen_hash for each in venues.rounds(session, competition_id)}
    _record(session, actor_id, "publish_competition", row, now=now, after=hashes)
    return True


def cancel(
    session: Session, actor_id: int, competition_id: int, reason: str, *, now: datetime
) -> int:
    """Call it off and tell everybody whom it concerns, once; return how many people.

    Raises NotFound, NotAllowed, NotUnderWay for a draft or what is over, or ReasonWrong.
    """
    row = _locked(session, actor_id, competition_id, now=now)
    if row.state is CompetitionState.CANCELLED:
        return 0
    if row.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    said = " ".join(reason.split())
    if not said or len(said) > LONGEST_REASON:
        raise ReasonWrong
    row.state, row.ended_at, row.reason = CompetitionState.CANCELLED, now, said
    session.exec(
        sa.update(RuleChange)
        .where(
            col(RuleChange.round_id).in_(
                sa.select(col(Round.id)).where(col(Round.competition_id) == competition_id)
            ),
            col(RuleChange.settled_at).is_(None),
        )
        .values(settled_at=now, settled_by=actor_id)
    )
    session.flush()
    schedule.plan_deadlines(session, competition_id, now=now)
    told = telling.tell(
        session,
        CANCELLED,
        telling.concerned(competition_id),
        {"competition_id": competition_id},
        f"{CANCELLED}:{competition_id}",
        now=now,
    )
    _record(session, actor_id, "cancel_competition", row, now=now, reason=said)
    return told


def finish(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> bool:
    """Say that it is over; False when it was said before.

    Raises NotFound, NotAllowed, NotUnderWay, or StillRunning while a list is open.
    """
    row = _locked(session, actor_id, competition_id, now=now)
    if row.state is CompetitionState.FINISHED:
        return False
    if row.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    running = _running(session, competition_id)
    if any(running):
        raise StillRunning(*running)
    row.state, row.ended_at = CompetitionState.FINISHED, now
    session.flush()
    schedule.plan_deadlines(session, competition_id, now=now)
    _record(session, actor_id, "finish_competition", row, now=now)
    return True


def away(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> int:
    """Return how many entries are with a level above, which has not said what came of them.

    Raises NotFound or NotAllowed.
    """
    rights.check_organises(session, actor_id, competition_id, now=now)
    return session.exec(
        select(sa.func.count())
        .select_from(EntryRound)
        .join(Round, col(Round.id) == col(EntryRound.round_id))
        .where(
            Round.competition_id == competition_id,
            col(EntryRound.state).in_([RoundState.NOMINATED, RoundState.PUSHED]),
        )
    ).one()


def archive(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> bool:
    """Put it away; False when that was done before. What it led to stays.

    Raises NotFound, NotAllowed, or NotUnderWay for what is a draft or under way.
    """
    row = _locked(session, actor_id, competition_id, now=now)
    if row.state is CompetitionState.ARCHIVED:
        return False
    if row.state not in (CompetitionState.FINISHED, CompetitionState.CANCELLED):
        raise NotUnderWay
    row.state = CompetitionState.ARCHIVED
    session.flush()
    _record(session, actor_id, "archive_competition", row, now=now)
    return True


def concerned(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> int:
    """How many people would hear that it is cancelled. Raises NotFound or NotAllowed."""
    rights.check_organises(session, actor_id, competition_id, now=now)
    return telling.count(session, telling.concerned(competition_id))


# -- inside ----------------------------------------------------------------------------------------


def _locked(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> Competition:
    row = rights.check_organises(session, actor_id, competition_id, now=now)
    return session.exec(
        select(Competition)
        .where(Competition.id == row.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _record(
    session: Session,
    actor_id: int,
    act: str,
    row: Competition,
    *,
    now: datetime,
    after: dict[str, str] | None = None,
    reason: str = "",
) -> None:
    audit.record(
        session, actor_id, act, f"competition:{row.id}", now=now, after=after, reason=reason
    )
    session.flush()


def _running(session: Session, competition_id: int) -> tuple[int, int]:
    """How many venues that anybody is in are not confirmed, and how many objections are open."""
    mine = sa.select(col(Round.id)).where(col(Round.competition_id) == competition_id)
    venues_ = session.exec(
        select(sa.func.count())
        .select_from(Venue)
        .where(
            col(Venue.round_id).in_(mine),
            col(Venue.state).not_in([VenueState.DECIDED, VenueState.CONFIRMED]),
            sa.exists().where(
                col(EntryRound.venue_id) == col(Venue.id),
                col(EntryRound.state).in_(
                    [RoundState.READY, RoundState.SCHEDULED, RoundState.SCORED]
                ),
            ),
        )
    ).one()
    objections = session.exec(
        select(sa.func.count())
        .select_from(Objection)
        .where(col(Objection.round_id).in_(mine), Objection.state == ObjectionState.OPEN)
    ).one()
    return venues_, objections


def _findings(
    session: Session, actor_id: int, row: Competition, people: int, *, now: datetime
) -> Iterator[Finding]:
    calendar = workdays.load(session)
    rounds = venues.rounds(session, row.id)
    own = [each for each in rounds if not each.external]
    if not venues.tracks(session, row.id):
        yield Finding(Check.NO_TRACKS)
    if not own:
        yield Finding(Check.NO_ROUNDS)
        return
    if not people:
        yield Finding(Check.NOBODY)
    first = own[0]
    if first.entry_closes_at is None:
        yield Finding(Check.NO_ENTRY, first.id, first.name)
    elif first.entry_closes_at <= now:
        yield Finding(Check.ENTRY_OVER, first.id, first.name)
    for n, each in enumerate(rounds):
        for check_, days in _of_round(each, calendar, is_deciding=each is own[-1]):
            yield Finding(check_, each.id, each.name, days)
        follows = rounds[n + 1] if n + 1 < len(rounds) else None
        begins = None if follows is None else _begins(follows)
        ends = _ends(each)
        if follows is not None and begins is not None and ends is not None and begins < ends:
            yield Finding(Check.ORDER, follows.id, follows.name)
    if not row.awards:
        yield Finding(Check.NO_AWARDS)
    others = telling.organisers(session, row.id, now=now)
    if not telling.count(session, others.where(others.selected_columns[0] != actor_id)):
        yield Finding(Check.ONE_ORGANISER)


def _of_round(
    each: Round, calendar: WorkCalendar, *, is_deciding: bool
) -> Iterator[tuple[Check, tuple[date, ...]]]:
    try:
        making.check_order(each)
    except DatesNotInOrder:
        yield Check.ORDER, ()
    if each.external:
        if each.forward_due_at is None:
            yield Check.NO_FORWARD, ()
        return
    if each.starts_at is None or each.ends_at is None:
        yield Check.NO_DAYS, ()
    if not each.rubric:
        yield Check.NO_RUBRIC, ()
    if not each.materials:
        yield Check.NO_MATERIALS, ()
    if each.judges <= 2 * each.drops:
        yield Check.DROPS, ()
    known = {values.CRITERION + line["key"] for line in each.rubric}
    known |= {values.MEDIAN, values.BEST, values.LOT}
    if not set(each.ties) <= known:
        yield Check.TIES, ()
    elif not each.ties:
        yield Check.NO_TIES, ()
    if is_deciding:
        if each.publicity_from is None or each.publicity_until is None:
            yield Check.NO_PUBLICITY, ()
    elif not each.quota:
        yield Check.NO_QUOTA, ()
    first, last = each.publicity_from, each.publicity_until
    if first is not None and last is not None and last < making.last_day(calendar, first):
        yield Check.SHORT_PUBLICITY, ()
    due = (
        each.entry_closes_at,
        each.material_due_at,
        each.result_due_at,
        each.forward_due_at,
    )
    days = {local_day(moment, calendar.zone) for moment in due if moment is not None}
    off = tuple(sorted(day for day in days if not calendar.is_workday(day)))
    if off:
        yield Check.DAYS_OFF, off


def _begins(each: Round) -> datetime | None:
    return each.forward_due_at if each.external else each.starts_at


def _ends(each: Round) -> datetime | None:
    return each.forward_due_at if each.external else each.ends_at
