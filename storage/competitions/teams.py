"""Making an entry together: a colleague is asked by name, and joins by saying yes.

Whom the entrant has asked stands in a draft of theirs until there is an answer: an entry's
author is only who has agreed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from storage.competitions import eligibility, entering
from storage.competitions.entering import EntryStands
from storage.competitions.tables import CompetingState, Competition, Entry, EntryAuthor, Track
from storage.inserting import insert_new
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, drafts, offices, staff, units
from storage.people.tables import Account, Draft, OrgUnit, Teacher
from storage.refusals import NotFound, Refusal

DRAFT = "entry_team"
MOST_FOUND = 8
CHANGEABLE = (CompetingState.DRAFT, CompetingState.RETURNED, CompetingState.SUBMITTED)
"""States of an entry whose makers can still change; from then on its team is fixed."""


class TeamFull(Refusal):
    """An entry is made by so many people at most."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most}")
        self.most = most


class NotAsked(Refusal):
    """Nobody has asked this person, or not any more."""


@dataclass(frozen=True)
class Mate:
    """A colleague; ``agreed`` is False as long as they have not answered."""

    teacher_id: int
    name: str
    unit: str
    agreed: bool
    is_reachable: bool


@dataclass(frozen=True)
class Team:
    """With whom an entry is made, for its entrant."""

    entry_id: int
    competition: str
    mates: tuple[Mate, ...]
    most: int
    can_change: bool


@dataclass(frozen=True)
class Asked:
    """What somebody is asked to make together."""

    entry_id: int
    competition: str
    track: str
    title: str
    teacher: str


def _kind(entry_id: int) -> str:
    return f"{DRAFT}:{entry_id}"


def _asked(session: Session, entry: Entry) -> list[int]:
    """The ids of those who are asked and have not answered."""
    data = session.exec(
        select(Draft.data)
        .join(Account, col(Account.id) == col(Draft.account_id))
        .where(Draft.kind == _kind(entry.id), Account.teacher_id == entry.teacher_id)
    ).first()
    return list((data or {}).get("asked", []))


def _keep(session: Session, entry: Entry, asked: list[int], now: datetime) -> None:
    account_id = session.exec(
        select(Account.id).where(Account.teacher_id == entry.teacher_id)
    ).first()
    if account_id is None:
        return
    if asked:
        drafts.keep(session, account_id, _kind(entry.id), {"asked": asked}, now=now)
    else:
        drafts.drop(session, account_id, _kind(entry.id))


def team(session: Session, teacher_id: int, entry_id: int, *, now: datetime) -> Team:
    """Return with whom one's entry is made. Raises NotFound."""
    entry, competition = entering.own(session, teacher_id, entry_id, lock=False)
    agreed = [id_ for id_, _name in entering.authors(session, entry.id)]
    mates = [_mate(session, id_, agreed=True, now=now) for id_ in agreed]
    mates += [
        _mate(session, id_, agreed=False, now=now)
        for id_ in _asked(session, entry)
        if id_ not in agreed
    ]
    return Team(
        entry_id=entry.id,
        competition=competition.title,
        mates=tuple(mates),
        most=competition.team_most,
        can_change=entry.state in CHANGEABLE,
    )


def _mate(session: Session, teacher_id: int, *, agreed: bool, now: datetime) -> Mate:
    today = local_day(now, offices.zone(session))
    unit_id = authority.unit_of(session, teacher_id, today=today)
    reachable = session.exec(
        select(Account.id).where(Account.teacher_id == teacher_id, col(Account.reachable))
    ).first()
    return Mate(
        teacher_id,
        eligibility.name_of(session, teacher_id),
        "" if unit_id is None else units.name_of(session, unit_id),
        agreed,
        reachable is not None,
    )


def find(
    session: Session, teacher_id: int, entry_id: int, text: str, *, now: datetime
) -> tuple[tuple[int, str, str], ...]:
    """Return the colleagues of exactly this name, the own school's first: id, name, school.

    One knows whom one wants to work with: a part of a name finds nobody. Raises NotFound.
    """
    entry, _competition = entering.own(session, teacher_id, entry_id, lock=False)
    wanted = "".join(text.split())
    if not wanted:
        return ()
    today = local_day(now, offices.zone(session))
    rows: Any = session.exec(
        select(Teacher.id, Teacher.name, OrgUnit.name, OrgUnit.id)
        .select_from(staff.posted(today))
        .where(Teacher.name == wanted, Teacher.id != entry.teacher_id)
        .order_by(col(Teacher.id))
        .limit(MOST_FOUND * 4)
    ).all()
    rows = sorted(rows, key=lambda row: row[3] != entry.unit_id)
    return tuple((id_, name, unit) for id_, name, unit, _unit_id in rows[:MOST_FOUND])


def ask(session: Session, teacher_id: int, entry_id: int, mate_id: int, *, now: datetime) -> None:
    """Ask a colleague to make the entry together; asked twice is once.

    Raises NotFound, CompetitionOver, EntryStands, TeamFull, NotForThem, WonLately or
    EnteredAlready.
    """
    entry, competition = entering.own(session, teacher_id, entry_id)
    asked = _asked(session, entry)
    agreed = [id_ for id_, _name in entering.authors(session, entry.id)]
    if mate_id in asked or mate_id in agreed:
        return
    _check(entry, competition)
    if mate_id == teacher_id:
        raise NotFound("teacher")
    if 1 + len(agreed) + len(asked) >= competition.team_most:
        raise TeamFull(competition.team_most)
    name = eligibility.name_of(session, mate_id)
    eligibility.check_person(session, mate_id, competition, name=name, besides=entry.id, now=now)
    _keep(session, entry, [*asked, mate_id], now)
    outbox.put(
        session,
        "entry_mate",
        teacher_id=mate_id,
        facts={"entry_id": entry.id},
        priority=Priority.CARD,
        not_before=now,
        dedupe_key=f"entry_mate:{entry.id}:{mate_id}:{now.isoformat()}",
        now=now,
    )


def _check(entry: Entry, competition: Competition) -> None:
    eligibility.check_on(competition)
    if entry.state not in CHANGEABLE:
        raise EntryStands(entry.state)
    if entry.agreed_at is None:
        raise entering.NotAgreedYet


def asked_of(session: Session, teacher_id: int, entry_id: int) -> Asked | None:
    """Return what this person is asked to make together; None when they are not asked."""
    entry, competition = entering.entry_of(session, entry_id, lock=False)
    if entry.state not in CHANGEABLE or teacher_id not in _asked(session, entry):
        return None
    return Asked(
        entry_id=entry.id,
        competition=competition.title,
        track=session.exec(select(Track.title).where(Track.id == entry.track_id)).one(),
        title=entry.title,
        teacher=eligibility.name_of(session, entry.teacher_id),
    )


def answer(session: Session, teacher_id: int, entry_id: int, *, yes: bool, now: datetime) -> bool:
    """Join an entry one was asked to make together, or do not; whether one is in it now.

    Raises NotFound, NotAsked, CompetitionOver, EntryStands, TeamFull, NotForThem, WonLately or
    EnteredAlready.
    """
    entry, competition = entering.entry_of(session, entry_id)
    agreed = [id_ for id_, _name in entering.authors(session, entry.id)]
    if yes and teacher_id in agreed:
        return True
    asked = _asked(session, entry)
    if teacher_id not in asked:
        raise NotAsked
    if yes:
        _check(entry, competition)
        if 1 + len(agreed) >= competition.team_most:
            raise TeamFull(competition.team_most)
        session.exec(select(Teacher.id).where(Teacher.id == teacher_id).with_for_update()).all()
        eligibility.check_person(session, teacher_id, competition, besides=entry.id, now=now)
        session.exec(
            insert_new(session, EntryAuthor).values(entry_id=entry.id, teacher_id=teacher_id)
        )
        entry.changed_at = now
    _keep(session, entry, [id_ for id_ in asked if id_ != teacher_id], now)
    session.flush()
    return yes


def drop(session: Session, teacher_id: int, entry_id: int, mate_id: int, *, now: datetime) -> None:
    """Make the entry without this colleague, who was asked or has joined.

    Whoever joined leaves by the same way. Raises NotFound, CompetitionOver or EntryStands.
    """
    if mate_id == teacher_id:
        entry, competition = entering.made_by(session, teacher_id, entry_id)
    else:
        entry, competition = entering.own(session, teacher_id, entry_id)
    _check(entry, competition)
    asked = _asked(session, entry)
    if mate_id in asked:
        _keep(session, entry, [id_ for id_ in asked if id_ != mate_id], now)
    row = session.exec(
        select(EntryAuthor).where(
            EntryAuthor.entry_id == entry.id, EntryAuthor.teacher_id == mate_id
        )
    ).first()
    if row is not None:
        session.delete(row)
        entry.changed_at = now
    session.flush()
