"""The panel of a venue (评委): found or drawn around conflicts, asked, led by a chief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import at_venue, conflicts, drawing, rights, seating, venue_news, venues
from storage.competitions.at_venue import Here
from storage.competitions.conflicts import Why
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    EntryRound,
    Judge,
    JudgeState,
    Round,
    RoundLevel,
    Venue,
    VenueState,
)
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import offices, staff, units
from storage.people.tables import Office, OrgUnit, Posting, Teacher, TeacherFact, TeacherState
from storage.refusals import NotFound, OwnCase, Refusal

INVITED = "judge_invited"
SHOWN = 8
LONGEST_SEARCH = 40
LONGEST_NAME = 40
MOST = 30  # judges of one venue

_OF_A_PART = venues.AT_HOME | {RoundLevel.AREA}

SERVING = (JudgeState.INVITED, JudgeState.ACCEPTED)


class HasConflict(Refusal):
    """This person cannot judge there: their own entry, or one of their own school."""

    def __init__(self, why: Why, count: int) -> None:
        super().__init__(f"{count} entries: {why}")
        self.why = why
        self.count = count


class PanelFull(Refusal):
    """There are as many judges as a venue can have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} judges at most")
        self.most = most


class NobodyToDraw(Refusal):
    """Nobody of the subject is left who has no conflict there."""


class NotOfTheRoster(Refusal):
    """An expert from outside cannot lead a panel: there is no phone to sign with."""


@dataclass(frozen=True)
class Candidate:
    """Somebody who could be asked; ``why`` says what stands against it."""

    teacher_id: int
    name: str
    unit: str
    why: Why | None = None
    state: JudgeState | None = None
    """Where they stand if they are of the panel already."""
    knows_names: bool = False
    """Whether they hold the venue: who does sees there whose each number is."""


@dataclass(frozen=True)
class PanelLine:
    """A judge as who holds the venue sees them."""

    judge_id: int
    number: int
    name: str
    unit: str
    is_chief: bool
    state: JudgeState
    is_outside: bool
    recused: int
    """Entries of the venue that this judge does not judge."""
    knows_names: bool = False
    """Whether they hold the venue, and it is judged blind."""


@dataclass(frozen=True)
class Panel:
    """The judges of a venue, and how many ballots each entry needs."""

    venue_id: int
    needed: int
    lines: tuple[PanelLine, ...]
    may_change: bool


@dataclass(frozen=True)
class Invitation:
    """What somebody is asked: to judge at a venue, of which the place and time are said."""

    judge_id: int
    venue_id: int
    competition: str
    round: str
    track: str
    unit: str
    place: str
    first_turn_at: datetime | None
    """When the first entry has its turn; until that is laid out the round's own days count."""
    starts_at: datetime | None
    ends_at: datetime | None
    state: JudgeState
    is_chief: bool
    is_over: bool
    knows_names: bool = False
    """Whether they hold the venue: who does sees there whose each number is."""


def panel(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Panel:
    """Return the judges with their names, for who holds the venue."""
    found = at_venue.check_held(session, actor_id, venue_id, now=now)
    judges = session.exec(
        select(Judge).where(Judge.venue_id == venue_id).order_by(col(Judge.number))
    ).all()
    known = [judge.teacher_id for judge in judges if judge.teacher_id is not None]
    names = _people(session, known, now=now)
    lines = []
    for judge in judges:
        name, unit = names.get(judge.teacher_id or 0, (judge.name, ""))
        recused, knows = 0, False
        if judge.teacher_id is not None and judge.state in SERVING:
            recused = len(conflicts.at(session, judge.teacher_id, venue_id, now=now))
            knows = found.competition.is_blind and rights.holds(
                session, judge.teacher_id, venue_id, now=now
            )
        lines.append(
            PanelLine(
                judge.id,
                judge.number,
                name,
                unit,
                judge.is_chief,
                judge.state,
                judge.teacher_id is None,
                recused,
                knows,
            )
        )
    may_change = found.venue.state in at_venue.BEFORE_REVEAL
    return Panel(venue_id, found.round.judges, tuple(lines), may_change)


def candidates(
    session: Session, actor_id: int, venue_id: int, text: str, *, now: datetime
) -> tuple[Candidate, ...]:
    """Find whom to ask: by part of a name or number on the roster, the best fits first.

    The log keeps what was searched for. Raises NotFound or NotAllowed.
    """
    at_venue.check_held(session, actor_id, venue_id, now=now)
    wanted = text.strip()[:LONGEST_SEARCH]
    audit.record(session, actor_id, "search_people", "people", now=now, after={"text": wanted})
    session.flush()
    if not wanted:
        return ()
    rows = session.exec(
        select(Teacher.id)
        .where(staff.named_like(wanted), Teacher.state == TeacherState.ACTIVE)
        .order_by(col(Teacher.name) != wanted, col(Teacher.staff_no))
        .limit(SHOWN)
    ).all()
    return tuple(_candidate(session, venue_id, one, now=now) for one in rows)


def candidate(
    session: Session, actor_id: int, venue_id: int, teacher_id: int, *, now: datetime
) -> Candidate:
    """Return one person with what stands against their judging there, for who holds the venue.

    Raises NotFound or NotAllowed.
    """
    at_venue.check_held(session, actor_id, venue_id, now=now)
    return _candidate(session, venue_id, teacher_id, now=now)


def _candidate(session: Session, venue_id: int, teacher_id: int, *, now: datetime) -> Candidate:
    names = _people(session, [teacher_id], now=now)
    if teacher_id not in names:
        raise NotFound("teacher")
    name, unit = names[teacher_id]
    known = session.exec(
        select(Judge.state).where(Judge.venue_id == venue_id, Judge.teacher_id == teacher_id)
    ).first()
    why = _bars(conflicts.at(session, teacher_id, venue_id, now=now))
    return Candidate(
        teacher_id,
        name,
        unit,
        None if why is None else why[0],
        None if known is None else JudgeState(known),
        rights.holds(session, teacher_id, venue_id, now=now),
    )


def invite(
    session: Session, actor_id: int, venue_id: int, teacher_id: int, *, now: datetime
) -> int:
    """Ask somebody of the roster to judge at the venue; return the judge's id.

    Asking again changes nothing; who declined is asked anew. Raises NotFound, NotAllowed,
    NotUnderWay, TooLateAtVenue, PanelFull, or HasConflict: nobody judges where they compete,
    or where their own school does among others.
    """
    found = _changing(session, actor_id, venue_id, now=now)
    return _invite(session, actor_id, found, teacher_id, now=now)


def draw(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> tuple[int, ...]:
    """Draw so many of the subject's teachers as the panel lacks, and ask them.

    The pool is who teaches the track's subject and stage where the venue's unit reaches, without
    any conflict at the venue. Whose lot of the venue's seed is lowest is asked. Raises NotFound,
    NotAllowed, NotUnderWay, TooLateAtVenue, or NobodyToDraw.
    """
    found = _changing(session, actor_id, venue_id, now=now)
    serving = len(_serving(session, venue_id))
    lacking = found.round.judges - serving
    if lacking <= 0:
        return ()
    drawn: list[int] = []
    for teacher_id in _pool(session, found, now=now):
        if len(drawn) >= lacking:
            break
        if not conflicts.at(session, teacher_id, venue_id, now=now):
            drawn.append(_invite(session, actor_id, found, teacher_id, now=now))
    if not drawn:
        raise NobodyToDraw
    return tuple(drawn)


def add_expert(session: Session, actor_id: int, venue_id: int, name: str, *, now: datetime) -> int:
    """Add an expert from outside, whose ballots are of paper; return the judge's id.

    Raises NotFound, NotAllowed, NotUnderWay, TooLateAtVenue or PanelFull.
    """
    found = _changing(session, actor_id, venue_id, now=now)
    called = " ".join(name.split())[:LONGEST_NAME]
    known = session.exec(
        select(Judge).where(
            Judge.venue_id == venue_id, Judge.name == called, col(Judge.teacher_id).is_(None)
        )
    ).first()
    if known is not None and known.state is JudgeState.ACCEPTED:
        return known.id
    if known is None:
        known = Judge(
            venue_id=venue_id,
            name=called,
            number=_next_number(session, venue_id),
            invited_by=actor_id,
            invited_at=now,
        )
        session.add(known)
    known.state, known.answered_at = JudgeState.ACCEPTED, now
    session.flush()
    _record(session, actor_id, "add_expert", known, now=now)
    seating.seat(session, found, now=now)
    return known.id


def make_chief(session: Session, actor_id: int, judge_id: int, *, now: datetime) -> None:
    """Let this judge lead the panel, in place of whoever does.

    Raises NotFound, NotAllowed, NotUnderWay, TooLateAtVenue or NotOfTheRoster.
    """
    judge = _judge(session, judge_id)
    _changing(session, actor_id, judge.venue_id, now=now)
    if judge.teacher_id is None:
        raise NotOfTheRoster
    if judge.state not in SERVING:
        raise NotFound("judge")
    if judge.is_chief:
        return
    session.exec(
        sa.update(Judge).where(col(Judge.venue_id) == judge.venue_id).values(is_chief=False)
    )
    judge.is_chief = True
    session.flush()
    _record(session, actor_id, "chief_judge", judge, now=now)


def remove(session: Session, actor_id: int, judge_id: int, *, now: datetime) -> bool:
    """Let this judge judge no longer; False when they do not. What they gave is not counted.

    Raises NotFound, NotAllowed, NotUnderWay or TooLateAtVenue.
    """
    judge = _judge(session, judge_id)
    _changing(session, actor_id, judge.venue_id, now=now)
    if judge.state not in SERVING:
        return False
    judge.state, judge.answered_at, judge.is_chief = JudgeState.REMOVED, now, False
    outbox.take_back(session, [_key(judge)])
    session.flush()
    _record(session, actor_id, "remove_judge", judge, now=now)
    return True


def invitation(session: Session, teacher_id: int, judge_id: int, *, now: datetime) -> Invitation:
    """Return what this person is asked. Raises NotFound for who is not meant."""
    judge = _own(session, teacher_id, judge_id)
    found = at_venue.here(session, judge.venue_id)
    unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == found.venue.unit_id)).one()
    first = session.exec(
        select(sa.func.min(EntryRound.slot_at)).where(EntryRound.venue_id == found.venue.id)
    ).one()
    over = (
        found.competition.state is not CompetitionState.PUBLISHED
        or found.venue.state not in at_venue.BEFORE_REVEAL
    )
    return Invitation(
        judge.id,
        judge.venue_id,
        found.competition.title,
        found.round.name,
        found.track.title,
        unit,
        found.venue.place,
        first,
        found.round.starts_at,
        found.round.ends_at,
        judge.state,
        judge.is_chief,
        over,
        rights.holds(session, teacher_id, judge.venue_id, now=now),
    )


def answer(
    session: Session, teacher_id: int, judge_id: int, *, accepts: bool, now: datetime
) -> Invitation:
    """Say yes or no to judging; the same twice is once, and no is possible until the marks.

    Raises NotFound for who is not meant or no longer asked, NotUnderWay, TooLateAtVenue, or
    OwnCase for who has come to compete there themselves meanwhile.
    """
    judge = _own(session, teacher_id, judge_id)
    found = at_venue.here(session, judge.venue_id, lock=True)
    at_venue.check_under_way(found)
    at_venue.check_state(found.venue, at_venue.BEFORE_REVEAL)
    if judge.state is JudgeState.REMOVED:
        raise NotFound("judge")
    wanted = JudgeState.ACCEPTED if accepts else JudgeState.DECLINED
    if judge.state is not wanted:
        if (
            accepts
            and Why.OWN in conflicts.at(session, teacher_id, judge.venue_id, now=now).values()
        ):
            raise OwnCase
        judge.state, judge.answered_at = wanted, now
        if not accepts:
            judge.is_chief = False
        session.flush()
        audit.record(
            session,
            teacher_id,
            "answer_judging",
            f"judge:{judge.id}",
            now=now,
            after={"state": wanted.value},
        )
        seating.seat(session, found, now=now)
        if not accepts:
            venue_news.left(session, judge, now=now)
    return invitation(session, teacher_id, judge_id, now=now)


def _changing(session: Session, actor_id: int, venue_id: int, *, now: datetime) -> Here:
    found = at_venue.check_running(session, actor_id, venue_id, now=now)
    at_venue.check_state(found.venue, at_venue.BEFORE_REVEAL)
    return found


def _invite(session: Session, actor_id: int, found: Here, teacher_id: int, *, now: datetime) -> int:
    venue_id = found.venue.id
    _exists(session, teacher_id)
    barred = _bars(conflicts.at(session, teacher_id, venue_id, now=now))
    if barred is not None:
        raise HasConflict(*barred)
    judge = session.exec(
        select(Judge).where(Judge.venue_id == venue_id, Judge.teacher_id == teacher_id)
    ).first()
    if judge is not None and judge.state in SERVING:
        return judge.id
    if len(_serving(session, venue_id)) >= MOST:
        raise PanelFull(MOST)
    if judge is None:
        judge = Judge(
            venue_id=venue_id,
            teacher_id=teacher_id,
            number=_next_number(session, venue_id),
            invited_by=actor_id,
            invited_at=now,
        )
        session.add(judge)
    judge.state, judge.invited_by, judge.invited_at = JudgeState.INVITED, actor_id, now
    judge.answered_at = None
    session.flush()
    _record(session, actor_id, "invite_judge", judge, now=now)
    outbox.put(
        session,
        INVITED,
        teacher_id=teacher_id,
        facts={"judge_id": judge.id},
        priority=Priority.LAST_HOURS,
        not_before=at_venue.next_ring(session, now),
        useful_until=found.round.ends_at,
        dedupe_key=_key(judge),
        now=now,
    )
    return judge.id


def _key(judge: Judge) -> str:
    return f"{INVITED}:{judge.id}:{judge.invited_at.isoformat()}"


def _bars(found: dict[int, Why]) -> tuple[Why, int] | None:
    """Return what keeps somebody from the panel as a whole; a conflict with one does not."""
    for why in (Why.OWN, Why.SCHOOL):
        count = sum(one is why for one in found.values())
        if count:
            return why, count
    return None


def _pool(session: Session, found: Here, *, now: datetime) -> Sequence[int]:
    """Return who could be drawn, in the order of their lots."""
    today = local_day(now, offices.zone(session))
    unit_id = found.venue.unit_id
    if found.round.level not in _OF_A_PART:
        # A research office holds the final for schools that are not below it in the tree.
        unit_id = session.exec(select(Office.unit_id)).first() or unit_id
    tree = units.below([unit_id]).subquery()
    facts = [
        sa.exists().where(
            col(TeacherFact.teacher_id) == col(Teacher.id),
            col(TeacherFact.key) == key,
            col(TeacherFact.value) == value,
        )
        for key, value in (("subject", found.track.subject), ("stage", found.track.stage))
        if value
    ]
    asked = select(Judge.teacher_id).where(
        Judge.venue_id == found.venue.id, col(Judge.teacher_id).is_not(None)
    )
    pool: Any = (
        sa.select(col(Teacher.id))
        .select_from(staff.posted(today))
        .where(
            col(Posting.unit_id).in_(sa.select(tree.c.id)),
            col(Teacher.state) == TeacherState.ACTIVE,
            col(Teacher.id).not_in(asked),
            *facts,
        )
    )
    ids = session.exec(pool).scalars().all()
    seed, venue_id = found.venue.seed, found.venue.id
    return sorted(ids, key=lambda one: drawing.lot(f"{seed}:judge", venue_id, one))


def _serving(session: Session, venue_id: int) -> Sequence[Judge]:
    return session.exec(
        select(Judge).where(Judge.venue_id == venue_id, col(Judge.state).in_(SERVING))
    ).all()


def _next_number(session: Session, venue_id: int) -> int:
    last = session.exec(select(sa.func.max(Judge.number)).where(Judge.venue_id == venue_id)).one()
    return (last or 0) + 1


def _judge(session: Session, judge_id: int) -> Judge:
    judge = session.exec(select(Judge).where(Judge.id == judge_id)).first()
    if judge is None:
        raise NotFound("judge")
    return judge


def _own(session: Session, teacher_id: int, judge_id: int) -> Judge:
    judge = _judge(session, judge_id)
    if judge.teacher_id != teacher_id:
        raise NotFound("judge")
    return judge


def _exists(session: Session, teacher_id: int) -> None:
    there = select(Teacher.id).where(Teacher.id == teacher_id, Teacher.state == TeacherState.ACTIVE)
    if session.exec(there).first() is None:
        raise NotFound("teacher")


def _people(
    session: Session, teacher_ids: Sequence[int], *, now: datetime
) -> dict[int, tuple[str, str]]:
    today = local_day(now, offices.zone(session))
    names = session.exec(
        select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(teacher_ids))
    ).all()
    schools = dict(
        session.exec(
            select(Posting.teacher_id, OrgUnit.name)
            .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
            .where(
                col(Posting.teacher_id).in_(teacher_ids),
                col(Posting.is_primary),
                col(Posting.since) <= today,
                sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            )
        ).all()
    )
    return {id_: (name, schools.get(id_, "")) for id_, name in names}


def _record(session: Session, actor_id: int, act: str, judge: Judge, *, now: datetime) -> None:
    after = {"venue_id": judge.venue_id, "number": judge.number}
    audit.record(session, actor_id, act, f"judge:{judge.id}", now=now, after=after)
    session.flush()


def judged_by(teacher_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions under which somebody judges a venue now, or is asked to.

    Of competitions that are under way, until the scores are signed; over ``Judge``, ``Venue``,
    ``Round`` and ``Competition``.
    """
    return (
        col(Venue.id) == col(Judge.venue_id),
        col(Round.id) == col(Venue.round_id),
        col(Competition.id) == col(Round.competition_id),
        col(Judge.teacher_id) == teacher_id,
        col(Judge.state).in_(SERVING),
        col(Venue.state).in_(at_venue.BEFORE_REVEAL | {VenueState.REVEALED}),
        col(Venue.signed_at).is_(None),
        col(Competition.state) == CompetitionState.PUBLISHED,
    )


def judging(session: Session, teacher_id: int) -> tuple[tuple[int, int, JudgeState], ...]:
    """Return where this person judges or is asked to: judge, venue, and their answer."""
    rows = session.exec(
        select(Judge.id, Judge.venue_id, Judge.state)
        .where(*judged_by(teacher_id))
        .order_by(col(Judge.id).desc())
    ).all()
    return tuple((judge_id, venue_id, JudgeState(state)) for judge_id, venue_id, state in rows)
