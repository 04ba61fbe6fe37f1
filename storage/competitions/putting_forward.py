"""Putting colleagues forward: by their school, or by the head of the research group.

What comes of it is a draft that is the colleague's own once they say yes; who says no is out of
it without a reason, and with nothing kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit
from storage.competitions import eligibility, entering, rights, venues
from storage.competitions.eligibility import LIVE
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    Track,
)
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, offices, staff, units
from storage.people.tables import Posting, Teacher, TeacherFact
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import audience

PAGE = 8


class NotPutForward(Refusal):
    """There is nothing to answer: it was answered, or taken back."""


@dataclass(frozen=True)
class Candidate:
    """A colleague who can be put forward, or has an entry in the track."""

    teacher_id: int
    name: str
    entry_id: int | None
    state: CompetingState | None
    awaits_answer: bool


@dataclass(frozen=True)
class Candidates:
    """A page of one's own unit's people for a track: those with an entry first."""

    competition_id: int
    track_id: int
    competition: str
    track: str
    unit: str
    closes_at: datetime | None
    is_open: bool
    has_tracks: bool
    """Whether there are others in which one can put people forward."""
    people: tuple[Candidate, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class Answered:
    """What a colleague is put forward for."""

    entry_id: int
    competition: str
    track: str
    by: str
    closes_at: datetime | None
    awaits_answer: bool


def _heads(session: Session, actor_id: int) -> set[str]:
    """The subjects whose research group this person heads."""
    facts = audience.facts_of(session, actor_id)
    return facts.get("subject", set()) if "group_head" in facts.get("duty", set()) else set()


def _may(session: Session, actor_id: int, unit_id: int, track: Track, *, now: datetime) -> bool:
    today = local_day(now, offices.zone(session))
    if authority.may(session, actor_id, rights.ACT, unit_id, today=today):
        return True
    own = authority.unit_of(session, actor_id, today=today)
    return own == unit_id and track.subject in _heads(session, actor_id)


def tracks_of(
    session: Session, actor_id: int, competition_id: int, *, now: datetime
) -> tuple[tuple[int, str], ...]:
    """Return the tracks in which this person can put their own unit's people forward."""
    today = local_day(now, offices.zone(session))
    unit_id = authority.unit_of(session, actor_id, today=today)
    competition = eligibility.competition_of(session, competition_id)
    if unit_id is None or competition.state is not CompetitionState.PUBLISHED:
        return ()
    return tuple(
        (track.id, track.title)
        for track in venues.tracks(session, competition_id)
        if _may(session, actor_id, unit_id, track, now=now)
        and _is_for_some(session, [_whom(competition, track, unit_id)], today)
    )


def candidates(
    session: Session,
    actor_id: int,
    competition_id: int,
    track_id: int,
    *,
    page: int = 0,
    like: str = "",
    now: datetime,
) -> Candidates:
    """Return a page of the actor's unit's people whom the track is for, or those called ``like``.

    Raises NotFound, or NotAllowed for who puts nobody forward there.
    """
    competition, track = _track(session, competition_id, track_id)
    today = local_day(now, offices.zone(session))
    unit_id = authority.unit_of(session, actor_id, today=today)
    if unit_id is None or not _may(session, actor_id, unit_id, track, now=now):
        raise NotAllowed
    condition = list(_whom(competition, track, unit_id))
    if like:
        condition.append(col(Teacher.name).contains(like, autoescape=True))
    mine = sa.and_(
        col(Entry.teacher_id) == col(Teacher.id),
        col(Entry.track_id) == track_id,
        col(Entry.state) != CompetingState.WITHDRAWN,
    )
    people = staff.posted(today).outerjoin(Entry, mine)
    total = (
        session.connection()
        .execute(sa.select(func.count()).select_from(people).where(*condition))
        .scalar_one()
    )
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows: Any = (
        session.connection()
        .execute(
            sa.select(
                col(Teacher.id),
                col(Teacher.name),
                col(Entry.id),
                col(Entry.state),
                col(Entry.agreed_at),
            )
            .select_from(people)
            .where(*condition)
            .order_by(col(Entry.id).is_(None), col(Teacher.staff_no))
            .limit(PAGE)
            .offset(page * PAGE)
        )
        .all()
    )
    first = eligibility.first_round(session, competition_id)
    return Candidates(
        competition_id=competition_id,
        track_id=track_id,
        competition=competition.title,
        track=track.title,
        unit=units.name_of(session, unit_id),
        closes_at=eligibility.closes_at(first),
        is_open=entering.is_open(first, now),
        has_tracks=len(tracks_of(session, actor_id, competition_id, now=now)) > 1,
        people=tuple(
            Candidate(
                id_,
                name,
                entry_id,
                None if state is None else CompetingState(state),
                entry_id is not None and agreed_at is None,
            )
            for id_, name, entry_id, state, agreed_at in rows
        ),
        page=page,
        pages=pages,
    )


@dataclass(frozen=True)
class Open:
    """A competition that can be entered now, and for which one has people to put forward."""

    competition_id: int
    title: str
    closes_at: datetime | None


def open_to(session: Session, actor_id: int, *, now: datetime) -> tuple[Open, ...]:
    """Return the competitions to which this person can put people of their own school forward.

    Those are left out that their unit organises itself: they stand in the list already.
    """
    today = local_day(now, offices.zone(session))
    unit_id = authority.unit_of(session, actor_id, today=today)
    if unit_id is None:
        return ()
    organised = rights.organised(session, actor_id, today=today)
    rows = session.exec(
        select(Competition)
        .where(
            Competition.state == CompetitionState.PUBLISHED,
            col(Competition.id).not_in(organised),
        )
        .order_by(col(Competition.id).desc())
    ).all()
    found = []
    for competition in rows:
        first = eligibility.first_round(session, competition.id)
        if not entering.is_open(first, now):
            continue
        ways = [
            _whom(competition, track, unit_id)
            for track in venues.tracks(session, competition.id)
            if _may(session, actor_id, unit_id, track, now=now)
        ]
        if not ways:
            continue
        if _is_for_some(session, ways, today):
            closes = eligibility.closes_at(first)
            found.append(Open(competition.id, competition.title, closes))
    return tuple(found)


def _is_for_some(
    session: Session, ways: Sequence[tuple[sa.ColumnElement[bool], ...]], today: date
) -> bool:
    """Whether anybody is there of whom one of these sets of conditions holds."""
    anybody = (
        sa.select(col(Teacher.id))
        .select_from(staff.posted(today))
        .where(sa.or_(*(sa.and_(*way) for way in ways)))
    )
    return session.connection().execute(anybody.limit(1)).first() is not None


def _whom(
    competition: Competition, track: Track, unit_id: int
) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions of people posted to a unit whom the track is for."""
    return (
        col(Posting.unit_id) == unit_id,
        audience.fits(competition),
        *(
            sa.exists().where(
                col(TeacherFact.teacher_id) == col(Teacher.id),
                col(TeacherFact.key) == key,
                col(TeacherFact.value) == value,
            )
            for key, value in (("stage", track.stage), ("subject", track.subject))
            if value
        ),
    )


def _track(session: Session, competition_id: int, track_id: int) -> tuple[Competition, Track]:
    competition = eligibility.competition_of(session, competition_id)
    if competition.state is CompetitionState.DRAFT:
        raise NotFound("competition")
    track = session.exec(
        select(Track).where(Track.id == track_id, Track.competition_id == competition_id)
    ).first()
    if track is None:
        raise NotFound("track")
    return competition, track


def put_forward(
    session: Session,
    actor_id: int,
    competition_id: int,
    track_id: int,
    teacher_id: int,
    *,
    now: datetime,
) -> int:
    """Put a colleague forward and return the entry; one that they have is that one.

    Raises NotFound, NotAllowed, CompetitionOver, EntriesNotOpen, EntriesClosed, NotForThem,
    WonLately or EnteredAlready.
    """
    competition, track = _track(session, competition_id, track_id)
    today = local_day(now, offices.zone(session))
    unit_id = authority.unit_of(session, teacher_id, today=today)
    if unit_id is None or not _may(session, actor_id, unit_id, track, now=now):
        raise NotAllowed
    known = entering.own_in(session, teacher_id, track_id)
    if known is not None and known.state in LIVE:
        return known.id
    name = eligibility.name_of(session, teacher_id)
    entry = entering.begin(session, teacher_id, competition, track_id, known, name=name, now=now)
    if teacher_id == actor_id:
        entry.agreed_at, entry.put_forward_by = now, None
        session.flush()
        return entry.id
    entry.agreed_at, entry.put_forward_by = None, actor_id
    audit.record(
        session,
        actor_id,
        "put_forward",
        f"entry:{entry.id}",
        now=now,
        after={"teacher_id": teacher_id},
    )
    session.flush()
    outbox.put(
        session,
        "entry_put_forward",
        teacher_id=teacher_id,
        facts={"entry_id": entry.id},
        priority=Priority.CARD,
        not_before=now,
        useful_until=eligibility.closes_at(eligibility.first_round(session, competition.id)),
        dedupe_key=f"entry_put_forward:{entry.id}:{now.isoformat()}",
        now=now,
    )
    return entry.id


def take_back(session: Session, actor_id: int, entry_id: int, *, now: datetime) -> bool:
    """Do not put a colleague forward after all, as long as they have not answered.

    False when that was done before. Raises NotFound, NotAllowed or NotPutForward.
    """
    entry, _competition = entering.entry_of(session, entry_id)
    track = session.exec(select(Track).where(Track.id == entry.track_id)).one()
    if not _may(session, actor_id, entry.unit_id, track, now=now):
        raise NotAllowed
    if entry.state is CompetingState.WITHDRAWN:
        return False
    if entry.agreed_at is not None or entry.put_forward_by is None:
        raise NotPutForward
    entering.set_state(entry, CompetingState.WITHDRAWN, now)
    audit.record(session, actor_id, "take_back_put_forward", f"entry:{entry.id}", now=now)
    session.flush()
    return True


def answer(session: Session, teacher_id: int, entry_id: int, *, yes: bool, now: datetime) -> bool:
    """Say whether one enters, having been put forward; what was said before stands.

    Whoever put one forward is told of a no, and not why. Raises NotFound, CompetitionOver,
    EntriesClosed or NotPutForward.
    """
    entry, competition = entering.own(session, teacher_id, entry_id)
    if entry.agreed_at is not None or entry.state not in LIVE:
        if yes is (entry.state in LIVE):
            return yes
        raise NotPutForward
    if yes:
        eligibility.check_on(competition)
        first = eligibility.first_round(session, competition.id)
        eligibility.check_window(competition, first, now=now)
        entry.agreed_at = entry.changed_at = now
        session.flush()
        return True
    entering.set_state(entry, CompetingState.WITHDRAWN, now)
    session.flush()
    if entry.put_forward_by is not None:
        outbox.put(
            session,
            "entry_declined",
            teacher_id=entry.put_forward_by,
            facts={"entry_id": entry.id},
            priority=Priority.CARD,
            not_before=now,
            dedupe_key=f"entry_declined:{entry.id}:{now.isoformat()}",
            now=now,
        )
    return False


def asked(session: Session, entry_id: int) -> Answered | None:
    """Return what an entry's teacher is, or was, put forward for; None when it is gone."""
    row = session.exec(
        select(Entry, Competition, Track.title)
        .join(Competition, col(Competition.id) == col(Entry.competition_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .where(Entry.id == entry_id)
    ).first()
    if row is None or row[1].state is not CompetitionState.PUBLISHED:
        return None
    entry, competition, track = row
    if entry.put_forward_by is None:
        return None
    return Answered(
        entry_id=entry.id,
        competition=competition.title,
        track=track,
        by=eligibility.name_of(session, entry.put_forward_by),
        closes_at=eligibility.closes_at(eligibility.first_round(session, competition.id)),
        awaits_answer=entry.agreed_at is None and entry.state in LIVE,
    )


def declined(session: Session, entry_id: int) -> tuple[str, str, int] | None:
    """Return who does not enter after all, what, and its id; None where they do now."""
    row = session.exec(
        select(Teacher.name, Competition.title, Competition.id, Entry.state)
        .select_from(Entry)
        .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
        .join(Competition, col(Competition.id) == col(Entry.competition_id))
        .where(Entry.id == entry_id, Competition.state == CompetitionState.PUBLISHED)
    ).first()
    if row is None or row[3] is not CompetingState.WITHDRAWN:
        return None
    return row[0], row[1], row[2]
