"""Who may enter: every no is a rule of its own, and says which.

A competition is for an audience, as a programme is; who has won lately may be barred from it,
and people enter once. All of it holds for those who make an entry together as well, but for the
track: that is its teacher's.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.competitions import authors, venues
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Honour,
    Round,
    Track,
)
from storage.people.tables import Teacher
from storage.refusals import NotFound, Refusal
from storage.training import audience
from storage.training.refusals import Misfit

LIVE = (
    CompetingState.DRAFT,
    CompetingState.SUBMITTED,
    CompetingState.RETURNED,
    CompetingState.COMPETING,
)
"""States of an entry that is being prepared, or is still in."""

ONCE = (*LIVE, CompetingState.OUT, CompetingState.DISQUALIFIED)
"""States of an entry that stand in the way of another one: all but one that was withdrawn."""

_YEAR = timedelta(days=366)
_EDITION = re.compile(r"第[^届屆]{1,5}[届屆]|[0-9]{4}(?:[-—–－~至][0-9]{2,4})?(?:学年|學年|年)?")


class CompetitionOver(Refusal):
    """It is not under way: it was cancelled, or has ended."""

    def __init__(self, title: str, state: CompetitionState) -> None:
        super().__init__(f"{title!r} is {state.value}")
        self.title = title
        self.state = state


class EntriesNotOpen(Refusal):
    """Entries open later."""

    def __init__(self, title: str, opens_at: datetime) -> None:
        super().__init__(f"entries for {title!r} open at {opens_at}")
        self.title = title
        self.opens_at = opens_at


class EntriesClosed(Refusal):
    """The time in which one enters is over."""

    def __init__(self, title: str, closed_at: datetime) -> None:
        super().__init__(f"entries for {title!r} closed at {closed_at}")
        self.title = title
        self.closed_at = closed_at


class NotForThem(Refusal):
    """The competition, or this track of it, is for others; ``name`` where it is a colleague."""

    def __init__(self, misfits: tuple[Misfit, ...], name: str = "") -> None:
        super().__init__(f"not in the audience: {misfits}")
        self.misfits = misfits
        self.name = name


class WonLately(Refusal):
    """Whoever won this award so lately leaves the place to others for a while."""

    def __init__(self, award: str, years: int, name: str = "") -> None:
        super().__init__(f"won {award!r} in the last {years} years")
        self.award = award
        self.years = years
        self.name = name


class EnteredAlready(Refusal):
    """There is an entry of theirs already, their own or one made together."""

    def __init__(self, title: str, name: str = "") -> None:
        super().__init__(f"entered {title!r} already")
        self.title = title
        self.name = name


def competition_of(session: Session, competition_id: int) -> Competition:
    """Return the competition as it is now. Raises NotFound."""
    found = session.exec(
        select(Competition)
        .where(Competition.id == competition_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("competition")
    return found


def first_round(session: Session, competition_id: int) -> Round:
    """Return the round that one enters. Raises NotFound for a competition without rounds."""
    rounds = venues.rounds(session, competition_id)
    if not rounds:
        raise NotFound("round")
    return rounds[0]


def closes_at(round_: Round) -> datetime | None:
    """Until when one enters: at the latest the round begins."""
    return round_.entry_closes_at or round_.starts_at


def check_on(competition: Competition) -> None:
    """Raise CompetitionOver unless it is under way; nobody knows of a draft."""
    if competition.state is CompetitionState.DRAFT:
        raise NotFound("competition")
    if competition.state is not CompetitionState.PUBLISHED:
        raise CompetitionOver(competition.title, competition.state)


def check_window(competition: Competition, round_: Round, *, now: datetime) -> None:
    """Raise EntriesNotOpen or EntriesClosed outside the time in which one enters."""
    if round_.entry_opens_at is not None and now < round_.entry_opens_at:
        raise EntriesNotOpen(competition.title, round_.entry_opens_at)
    closes = closes_at(round_)
    if closes is not None and now >= closes:
        raise EntriesClosed(competition.title, closes)


def check_person(
    session: Session,
    teacher_id: int,
    competition: Competition,
    track: Track | None = None,
    *,
    name: str = "",
    besides: int | None = None,
    now: datetime,
) -> None:
    """Raise NotForThem, WonLately or EnteredAlready for who may not enter.

    ``name`` is put into what is said of a colleague; ``besides`` is an entry that does not count.
    """
    misfits = audience.misfits(session, teacher_id, competition)
    if track is not None:
        misfits += track_misfits(session, teacher_id, track)
    if misfits:
        raise NotForThem(tuple(dict.fromkeys(misfits)), name)
    award = _won(session, teacher_id, competition, now)
    if award is not None:
        raise WonLately(award, competition.barred_years, name)
    if has_entry(
        session,
        teacher_id,
        competition.id,
        track_id=None if competition.one_entry or track is None else track.id,
        besides=besides,
    ):
        raise EnteredAlready(competition.title, name)


def track_misfits(session: Session, teacher_id: int, track: Track) -> tuple[Misfit, ...]:
    """Return in what the track is not this person's; one that says nothing is everybody's.

    Who teaches no subject by the roster is held to the stage alone.
    """
    has = audience.facts_of(session, teacher_id)
    found = []
    for key, wanted in (("stage", track.stage), ("subject", track.subject)):
        own = has.get(key, set())
        if wanted and own and wanted not in own:
            found.append(Misfit(key, (wanted,), tuple(sorted(own))))
    return tuple(found)


def has_entry(
    session: Session,
    teacher_id: int,
    competition_id: int,
    *,
    track_id: int | None = None,
    besides: int | None = None,
) -> bool:
    """Whether this person has an entry that stands, of their own or one made together."""
    query = select(Entry.id).where(
        Entry.competition_id == competition_id,
        col(Entry.state).in_(ONCE),
        authors.is_of(teacher_id),
    )
    if track_id is not None:
        query = query.where(Entry.track_id == track_id)
    if besides is not None:
        query = query.where(Entry.id != besides)
    return session.exec(query.limit(1)).first() is not None


def _won(session: Session, teacher_id: int, competition: Competition, now: datetime) -> str | None:
    """Return the award that bars this person, if one does.

    An award of an earlier year's competition of this kind, also one that was won together, as
    long as no honour of it was revoked; or an honour from elsewhere of the same name.
    """
    if not competition.barred_years:
        return None
    years = _years_before(competition)
    barring = competition.barred_awards
    mine = authors.is_of(teacher_id)
    awards = session.exec(
        select(EntryRound.award)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Competition, col(Competition.id) == col(Entry.competition_id))
        .where(
            mine,
            EntryRound.award != "",
            Competition.kind == competition.kind,
            Competition.id != competition.id,
            col(Competition.school_year).in_(years),
            ~sa.exists().where(
                col(Honour.entry_round_id) == col(EntryRound.id),
                col(Honour.revoked_at).is_not(None),
            ),
        )
    ).all()
    honours = session.exec(
        select(Honour.title, Honour.award).where(
            Honour.teacher_id == teacher_id,
            col(Honour.entry_round_id).is_(None),
            col(Honour.revoked_at).is_(None),
            Honour.awarded_on >= (now - competition.barred_years * _YEAR).date(),
        )
    ).all()
    same = [award for title, award in honours if _plain(title) == _plain(competition.title)]
    return _barring((*awards, *same), barring)


def _barring(awards: Collection[str], barring: Collection[str]) -> str | None:
    return next((award for award in awards if not barring or award in barring), None)


def _years_before(competition: Competition) -> list[str]:
    """The school years before this one in which an award bars, as they are written."""
    first = competition.school_year[:4]
    if not first.isdigit():
        return []
    begins = int(first)
    return [f"{begins - n}-{begins - n + 1}" for n in range(1, competition.barred_years + 1)]


def _plain(title: str) -> str:
    """A title without its year and number: next year's is the same competition."""
    return "".join(_EDITION.sub("", title).split())


def name_of(session: Session, teacher_id: int) -> str:
    """Return what somebody is called. Raises NotFound."""
    name = session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).first()
    if name is None:
        raise NotFound("teacher")
    return name
