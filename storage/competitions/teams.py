"""Making an entry together: a colleague is asked by name, and joins by saying yes.

An entry's author is only who has agreed; whom the entrant has asked stands beside them in the
table until there is an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from storage.competitions import authors, eligibility, entering
from storage.competitions.authors import CHANGEABLE
from storage.competitions.entering import EntryStands
from storage.competitions.tables import Competition, Entry, EntryAuthor, Track
from storage.inserting import insert_new
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, offices, staff, units
from storage.people.tables import Account, OrgUnit, Teacher
from storage.refusals import NotFound, Refusal

MOST_FOUND = 8


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


def _asked(session: Session, entry_id: int) -> list[int]:
    """The ids of those who are asked and have not answered, the first one first."""
    return list(
        session.exec(
            select(EntryAuthor.teacher_id)
            .where(EntryAuthor.entry_id == entry_id, authors.ASKED)
            .order_by(col(EntryAuthor.id))
        ).all()
    )


def _row(session: Session, entry_id: int, teacher_id: int) -> EntryAuthor | None:
    return session.exec(
        select(EntryAuthor).where(
            EntryAuthor.entry_id == entry_id, EntryAuthor.teacher_id == teacher_id
        )
    ).first()


def team(session: Session, teacher_id: int, entry_id: int, *, now: datetime) -> Team:
    """Return with whom one's entry is made. Raises NotFound."""
    entry, competition = entering.own(session, teacher_id, entry_id, lock=False)
    mates = [
        _mate(session, id_, agreed=True, now=now)
        for id_, _name in entering.authors(session, entry.id)
    ]
    mates += [_mate(session, id_, agreed=False, now=now) for id_ in _asked(session, entry.id)]
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
    if _row(session, entry.id, mate_id) is not None:
        return
    _check(entry, competition)
    if mate_id == teacher_id:
        raise NotFound("teacher")
    there = session.exec(
        select(func.count()).select_from(EntryAuthor).where(EntryAuthor.entry_id == entry.id)
    ).one()
    if 1 + there >= competition.team_most:
        raise TeamFull(competition.team_most)
    name = eligibility.name_of(session, mate_id)
    eligibility.check_person(session, mate_id, competition, name=name, besides=entry.id, now=now)
    session.exec(
        insert_new(session, EntryAuthor).values(
            entry_id=entry.id, teacher_id=mate_id, asked_by=teacher_id, asked_at=now
        )
    )
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
    row = _row(session, entry.id, teacher_id)
    if entry.state not in CHANGEABLE or row is None or row.agreed_at is not None:
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
    row = _row(session, entry.id, teacher_id)
    if row is None or (row.agreed_at is not None and not yes):
        raise NotAsked
    if row.agreed_at is not None:
        return True
    if yes:
        _check(entry, competition)
        if 1 + len(entering.authors(session, entry.id)) >= competition.team_most:
            raise TeamFull(competition.team_most)
        session.exec(select(Teacher.id).where(Teacher.id == teacher_id).with_for_update()).all()
        eligibility.check_person(session, teacher_id, competition, besides=entry.id, now=now)
        row.agreed_at = entry.changed_at = now
    else:
        # Whoever says no leaves nothing behind, and can be asked again.
        session.delete(row)
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
    row = _row(session, entry.id, mate_id)
    if row is not None:
        if row.agreed_at is not None:
            entry.changed_at = now
        session.delete(row)
    session.flush()
