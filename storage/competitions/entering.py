"""Entering: what one can enter, one's own entry, handing it in, and taking it back.

    (none) —enter→ draft —submit→ submitted —accept→ competing
    submitted —return(reason)→ returned —submit→ submitted
    draft|submitted|returned|competing before judging —withdraw→ withdrawn —enter→ draft

Whom the school or the head of the research group puts forward has a draft that is theirs once
they have said yes (``storage.competitions.putting_forward``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.competitions import completeness, eligibility, schedule, unsaid, venues
from storage.competitions.authors import CHANGEABLE, JOINED, is_asked, is_of
from storage.competitions.eligibility import LIVE
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionKind,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    ResourceProposal,
    Round,
    RoundLevel,
    RoundState,
    Track,
    Venue,
    VenueState,
)
from storage.competitions.unsaid import Before
from storage.inserting import insert_new
from storage.moments import at, local_day
from storage.people import authority, offices
from storage.people.tables import OrgUnit, Teacher, TeacherState
from storage.refusals import NotFound, Refusal
from storage.training import audience
from storage.training.refusals import Misfit

LONGEST_TITLE = 60
LONGEST_REASON = 300

TO_COME = (RoundState.READY, RoundState.SCHEDULED)
"""States of an entry whose turn in a round is still to come."""

BEFORE_JUDGING = (VenueState.OPEN, VenueState.DRAWN)


class NotAgreedYet(Refusal):
    """Whoever was put forward has not said yes."""


class NoEntryTitle(Refusal):
    """An entry needs a title, of the lesson or the work."""


class EntryIncomplete(Refusal):
    """Something that has to be handed in is missing: the titles of it."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"missing: {missing}")
        self.missing = missing


class EntryStands(Refusal):
    """Where the entry stands, this can no longer be done."""

    def __init__(self, state: CompetingState) -> None:
        super().__init__(f"the entry is {state.value}")
        self.state = state


class BeingJudged(Refusal):
    """The entry is being judged, or has been: it is not taken back any more."""


# --- what there is to enter --------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A competition in somebody's list; ``entry_id`` is of their own entry, if they have one."""

    competition_id: int
    title: str
    opens_at: datetime | None
    closes_at: datetime | None
    is_open: bool
    entry_id: int | None = None
    state: CompetingState | None = None
    track: str = ""
    needs_me: bool = False
    """Something is to be done by the reader before it is in."""
    asked_by: str = ""
    """Who asks the reader to make this entry together, as long as there is no answer."""


def lines(session: Session, teacher_id: int, *, now: datetime) -> tuple[Line, ...]:
    """Return this person's entries until a competition is archived, then what they can enter.

    Entries that want something of them come first, then those that are in, then competitions
    by the end of their window. One whose audience they are not in is left out.
    """
    mine = _my_lines(session, teacher_id, now)
    entered = {line.competition_id for line in mine if not line.asked_by}
    others = [
        line for line in _open_lines(session, teacher_id, now) if line.competition_id not in entered
    ]
    mine.sort(key=lambda line: (not line.needs_me, -(line.entry_id or 0)))
    others.sort(key=lambda line: (not line.is_open, line.closes_at or now, line.competition_id))
    return (*mine, *others)


def _my_lines(session: Session, teacher_id: int, now: datetime) -> list[Line]:
    asked = sa.and_(is_asked(teacher_id), col(Entry.state).in_(CHANGEABLE))
    invited = set(session.exec(select(Entry.id).where(asked)).all())
    rows = session.exec(
        select(Entry, Competition, Track.title, Teacher.name)
        .join(Competition, col(Competition.id) == col(Entry.competition_id))
        .join(Track, col(Track.id) == col(Entry.track_id))
        .join(Teacher, col(Teacher.id) == col(Entry.teacher_id))
        .where(
            sa.or_(is_of(teacher_id), asked),
            col(Competition.state).in_([CompetitionState.PUBLISHED, CompetitionState.FINISHED]),
            Entry.state != CompetingState.WITHDRAWN,
        )
    ).all()
    before = unsaid.before(session, [entry.id for entry, *_rest in rows], now=now)
    found = []
    for entry, competition, track, name in rows:
        is_invited = entry.id in invited
        state = _whole(entry.id, entry.state, before)
        if competition.state is CompetitionState.FINISHED and state is CompetingState.COMPETING:
            state = CompetingState.OUT  # such as a reserve: nothing comes after
        first = eligibility.first_round(session, competition.id)
        found.append(
            Line(
                competition_id=competition.id,
                title=competition.title,
                opens_at=first.entry_opens_at,
                closes_at=eligibility.closes_at(first),
                is_open=is_open(first, now),
                entry_id=entry.id,
                state=None if is_invited else state,
                track=track,
                needs_me=competition.state is CompetitionState.PUBLISHED
                and (is_invited or entry.state in (CompetingState.DRAFT, CompetingState.RETURNED)),
                asked_by=name if is_invited else "",
            )
        )
    return found


def _open_lines(session: Session, teacher_id: int, now: datetime) -> list[Line]:
    first = sa.orm.aliased(Round)
    before = sa.orm.aliased(Round)
    rows = session.exec(
        select(Competition, first)
        .join(first, col(first.competition_id) == col(Competition.id))
        .where(
            Competition.state == CompetitionState.PUBLISHED,
            ~sa.exists().where(
                col(before.competition_id) == col(Competition.id),
                col(before.position) < col(first.position),
            ),
            sa.or_(
                col(first.entry_closes_at) > now,
                sa.and_(
                    col(first.entry_closes_at).is_(None),
                    sa.or_(col(first.starts_at).is_(None), col(first.starts_at) > now),
                ),
            ),
        )
    ).all()
    if not rows:
        return []
    has = audience.facts_of(session, teacher_id)
    state = session.exec(select(Teacher.state).where(Teacher.id == teacher_id)).one()
    return [
        Line(
            competition_id=competition.id,
            title=competition.title,
            opens_at=round_.entry_opens_at,
            closes_at=eligibility.closes_at(round_),
            is_open=is_open(round_, now),
        )
        for competition, round_ in rows
        if not audience.compare(competition.audience, has, TeacherState(state))
    ]


def is_open(round_: Round, now: datetime) -> bool:
    """Whether the round can be entered now."""
    closes = eligibility.closes_at(round_)
    return (round_.entry_opens_at is None or now >= round_.entry_opens_at) and (
        closes is None or now < closes
    )


# --- a competition -----------------------------------------------------------------------------


@dataclass(frozen=True)
class RoundLine:
    """A round as its entrants see it."""

    round_id: int
    name: str
    level: RoundLevel
    external: bool
    material_due_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    publicity_from: date | None
    publicity_until: date | None


@dataclass(frozen=True)
class TrackLine:
    """A track, and in what it is not the reader's, if it is not."""

    track_id: int
    title: str
    misfits: tuple[Misfit, ...]


@dataclass(frozen=True)
class Shown:
    """A competition as a teacher sees it."""

    competition_id: int
    title: str
    kind: CompetitionKind
    school_year: str
    owner: str
    state: CompetitionState
    scheme: str
    contact: str
    opens_at: datetime | None
    closes_at: datetime | None
    one_entry: bool
    team_most: int
    is_blind: bool
    awards: tuple[str, ...]
    rounds: tuple[RoundLine, ...]
    tracks: tuple[TrackLine, ...]
    entries: tuple[tuple[int, str, CompetingState], ...]
    """The reader's own that stand: id, track, state."""
    why_not: Refusal | None
    """Why the reader cannot enter now; None when they can."""
    reason: str
    """Why it was cancelled."""
    hanging: int
    """The round whose list is on public display now; 0 for none."""


def shown(session: Session, teacher_id: int, competition_id: int, *, now: datetime) -> Shown:
    """Return the competition for a teacher. Raises NotFound for one that nobody knows of yet."""
    competition = eligibility.competition_of(session, competition_id)
    if competition.state is CompetitionState.DRAFT:
        raise NotFound("competition")
    first = eligibility.first_round(session, competition_id)
    tracks = tuple(
        TrackLine(each.id, each.title, eligibility.track_misfits(session, teacher_id, each))
        for each in venues.tracks(session, competition_id)
    )
    entries = session.exec(
        select(Entry.id, Track.title, Entry.state)
        .join(Track, col(Track.id) == col(Entry.track_id))
        .where(
            Entry.competition_id == competition_id,
            is_of(teacher_id),
            Entry.state != CompetingState.WITHDRAWN,
        )
        .order_by(col(Entry.id))
    ).all()
    before = unsaid.before(session, [id_ for id_, *_rest in entries], now=now)
    return Shown(
        competition_id=competition.id,
        title=competition.title,
        kind=competition.kind,
        school_year=competition.school_year,
        owner=session.exec(
            select(OrgUnit.name).where(OrgUnit.id == competition.owner_unit_id)
        ).one(),
        state=competition.state,
        scheme=competition.scheme,
        contact=competition.contact,
        opens_at=first.entry_opens_at,
        closes_at=eligibility.closes_at(first),
        one_entry=competition.one_entry,
        team_most=competition.team_most,
        is_blind=competition.is_blind,
        awards=tuple(each["name"] for each in competition.awards),
        rounds=tuple(
            RoundLine(
                each.id,
                each.name,
                each.level,
                each.external,
                each.material_due_at,
                each.starts_at,
                each.ends_at,
                each.publicity_from,
                each.publicity_until,
            )
            for each in venues.rounds(session, competition_id)
        ),
        tracks=tracks,
        entries=tuple(
            (id_, title, _whole(id_, CompetingState(state), before))
            for id_, title, state in entries
        ),
        why_not=_why_not(session, teacher_id, competition, first, tracks, now),
        reason=competition.reason,
        hanging=_hanging(session, competition, now=now),
    )


def _hanging(session: Session, competition: Competition, *, now: datetime) -> int:
    """Return the latest round whose list is on public display now; 0 for none."""
    if competition.state not in (CompetitionState.PUBLISHED, CompetitionState.FINISHED):
        return 0
    zone = offices.zone(session)
    found = (
        each.id
        for each in reversed(venues.rounds(session, competition.id))
        if each.publicity_started_at is not None
        and each.publicity_until is not None
        and now < at(each.publicity_until, schedule.ENDS, zone)
    )
    return next(found, 0)


def _why_not(
    session: Session,
    teacher_id: int,
    competition: Competition,
    first: Round,
    tracks: tuple[TrackLine, ...],
    now: datetime,
) -> Refusal | None:
    try:
        eligibility.check_on(competition)
        eligibility.check_window(competition, first, now=now)
        eligibility.check_person(session, teacher_id, competition, now=now)
    except Refusal as refusal:
        return refusal
    if tracks and all(each.misfits for each in tracks):
        return eligibility.NotForThem(
            tuple(dict.fromkeys(misfit for each in tracks for misfit in each.misfits))
        )
    return None


# --- the entry ---------------------------------------------------------------------------------


def enter(
    session: Session, teacher_id: int, competition_id: int, track_id: int, *, now: datetime
) -> int:
    """Begin an entry of one's own and return it; one that is there already is that one.

    Raises NotFound, CompetitionOver, EntriesNotOpen, EntriesClosed, NotForThem, WonLately or
    EnteredAlready.
    """
    competition = eligibility.competition_of(session, competition_id)
    known = own_in(session, teacher_id, track_id)
    if known is not None and known.state in LIVE:
        if known.agreed_at is None:
            known.agreed_at = known.changed_at = now
        return known.id
    entry = begin(session, teacher_id, competition, track_id, known, now=now)
    entry.agreed_at = now
    entry.put_forward_by = None
    session.flush()
    return entry.id


def own_in(session: Session, teacher_id: int, track_id: int) -> Entry | None:
    """Return this person's own entry in a track, whatever its state; locked."""
    return session.exec(
        select(Entry)
        .where(Entry.track_id == track_id, Entry.teacher_id == teacher_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def begin(
    session: Session,
    teacher_id: int,
    competition: Competition,
    track_id: int,
    known: Entry | None,
    *,
    name: str = "",
    now: datetime,
) -> Entry:
    """Make a draft, or take up one that was withdrawn, after all the checks of ``enter``.

    ``name`` is of the colleague who is put forward, for what is said to whoever does so.
    """
    eligibility.check_on(competition)
    first = eligibility.first_round(session, competition.id)
    eligibility.check_window(competition, first, now=now)
    track = session.exec(
        select(Track).where(Track.id == track_id, Track.competition_id == competition.id)
    ).first()
    if track is None:
        raise NotFound("track")
    # Two taps on two tracks at once would each find no entry yet.
    session.exec(select(Teacher.id).where(Teacher.id == teacher_id).with_for_update()).all()
    eligibility.check_person(session, teacher_id, competition, track, name=name, now=now)
    unit_id = authority.unit_of(session, teacher_id, today=local_day(now, offices.zone(session)))
    if unit_id is None:
        raise eligibility.NotForThem((Misfit("posting", (), ()),), name)
    if known is None:
        session.exec(
            insert_new(session, Entry).values(
                competition_id=competition.id,
                track_id=track_id,
                teacher_id=teacher_id,
                unit_id=unit_id,
                title="",
                state=CompetingState.DRAFT,
                may_publish=False,
                reason="",
                created_at=now,
                changed_at=now,
            )
        )
        known = own_in(session, teacher_id, track_id)
        assert known is not None
        return known
    # With whom it was made before is asked anew: they may have gone on without it.
    session.exec(sa.delete(EntryAuthor).where(col(EntryAuthor.entry_id) == known.id))
    known.unit_id = unit_id
    known.reason = ""
    known.submitted_at = None
    set_state(known, CompetingState.DRAFT, now)
    return known


def set_state(entry: Entry, state: CompetingState, now: datetime) -> None:
    """Let the entry stand like this from now on."""
    entry.state = state
    entry.changed_at = now


def entry_of(session: Session, entry_id: int, *, lock: bool = True) -> tuple[Entry, Competition]:
    """Return the entry and its competition as they are now. Raises NotFound."""
    query = select(Entry).where(Entry.id == entry_id).execution_options(populate_existing=True)
    entry = session.exec(query.with_for_update() if lock else query).first()
    if entry is None:
        raise NotFound("entry")
    return entry, eligibility.competition_of(session, entry.competition_id)


def authors(session: Session, entry_id: int) -> tuple[tuple[int, str], ...]:
    """Return those who make the entry together with its teacher: id and name."""
    return tuple(
        session.exec(
            select(Teacher.id, Teacher.name)
            .join(EntryAuthor, col(EntryAuthor.teacher_id) == col(Teacher.id))
            .where(EntryAuthor.entry_id == entry_id, JOINED)
            .order_by(col(EntryAuthor.id))
        ).all()
    )


def makes(session: Session, teacher_id: int, entry: Entry) -> bool:
    """Whether this is one of those who make the entry."""
    return entry.teacher_id == teacher_id or teacher_id in {
        id_ for id_, _name in authors(session, entry.id)
    }


def own(
    session: Session, teacher_id: int, entry_id: int, *, lock: bool = True
) -> tuple[Entry, Competition]:
    """Return somebody's own entry. Raises NotFound for anybody else's."""
    entry, competition = entry_of(session, entry_id, lock=lock)
    if entry.teacher_id != teacher_id:
        raise NotFound("entry")
    return entry, competition


def made_by(
    session: Session, teacher_id: int, entry_id: int, *, lock: bool = True
) -> tuple[Entry, Competition]:
    """Return an entry of one of those who make it. Raises NotFound for anybody else's."""
    entry, competition = entry_of(session, entry_id, lock=lock)
    if not makes(session, teacher_id, entry):
        raise NotFound("entry")
    return entry, competition


def set_title(
    session: Session, teacher_id: int, entry_id: int, text: str, *, now: datetime
) -> None:
    """Give the entry a title, until it has been accepted.

    Raises NotFound, CompetitionOver, NoEntryTitle or EntryStands.
    """
    entry, competition = made_by(session, teacher_id, entry_id)
    eligibility.check_on(competition)
    title = " ".join(text.split())[:LONGEST_TITLE]
    if not title:
        raise NoEntryTitle
    if entry.state not in (
        CompetingState.DRAFT,
        CompetingState.RETURNED,
        CompetingState.SUBMITTED,
    ):
        raise EntryStands(entry.state)
    if entry.title != title:
        entry.title, entry.changed_at = title, now
        session.flush()


def set_publish(
    session: Session, teacher_id: int, entry_id: int, *, may: bool, now: datetime
) -> None:
    """Say whether more than name, school and award may be published; at any time.

    Who takes it back shares the work no more, either.
    """
    entry, _competition = own(session, teacher_id, entry_id)
    if entry.may_publish == may:
        return
    entry.may_publish, entry.changed_at = may, now
    if not may:
        session.exec(
            sa.update(ResourceProposal)
            .where(col(ResourceProposal.entry_id) == entry_id)
            .values(agreed=False, answered_at=now)
        )
    session.flush()


def submit(session: Session, teacher_id: int, entry_id: int, *, now: datetime) -> bool:
    """Hand the entry in; False when it was in already.

    Raises NotFound, CompetitionOver, EntriesNotOpen, EntriesClosed, NotAgreedYet, NoEntryTitle,
    EntryIncomplete or EntryStands.
    """
    entry, competition = own(session, teacher_id, entry_id)
    eligibility.check_on(competition)
    if entry.state in (CompetingState.SUBMITTED, CompetingState.COMPETING):
        return False
    if entry.state not in (CompetingState.DRAFT, CompetingState.RETURNED):
        raise EntryStands(entry.state)
    if entry.agreed_at is None:
        raise NotAgreedYet
    first = eligibility.first_round(session, competition.id)
    check_submit_window(entry, competition, first, now)
    if not entry.title:
        raise NoEntryTitle
    missing = missing_to_submit(session, entry.id, first)
    if missing:
        raise EntryIncomplete(missing)
    set_state(entry, CompetingState.SUBMITTED, now)
    entry.submitted_at = now
    session.flush()
    if not first.external:
        # Whoever holds the venue is who accepts; it is there from its first entry on.
        holder = venues.holder(session, first, entry.unit_id)
        venue = venues.venue_for(session, first, holder, entry.track_id, now=now)
        schedule.plan_venue(session, venue.id, now=now)
    return True


def check_submit_window(
    entry: Entry, competition: Competition, first: Round, now: datetime
) -> None:
    """One enters in the window; what was returned is mended until the round begins."""
    until = mended_until(first)
    if entry.state is CompetingState.RETURNED and (until is None or now < until):
        return
    eligibility.check_window(competition, first, now=now)


def mended_until(first: Round) -> datetime | None:
    """Until when an entry that was returned can be handed in again; None is without an end."""
    moments = (first.entry_closes_at, first.material_due_at, first.starts_at)
    return max((moment for moment in moments if moment is not None), default=None)


def missing_to_submit(session: Session, entry_id: int, first: Round) -> tuple[str, ...]:
    """Return the titles of what has to be there before the entry is handed in.

    Materials that are due only after the window has closed may follow.
    """
    closes = eligibility.closes_at(first)
    due = first.material_due_at
    if due is not None and (closes is None or due > closes):
        return ()
    titles = {each["key"]: each["title"] for each in first.materials}
    return tuple(titles[key] for key in completeness.missing(session, entry_id, first))


def withdraw(
    session: Session, teacher_id: int, entry_id: int, reason: str, *, now: datetime
) -> bool:
    """Take the entry back, before it is judged; False when it was taken back already.

    The reason stays with the entry and is shown to nobody. An entry whose order is drawn keeps
    its place in it, so that the draw can still be recomputed, and counts as absent.

    Raises NotFound, BeingJudged or EntryStands.
    """
    entry, _competition = own(session, teacher_id, entry_id)
    if entry.state is CompetingState.WITHDRAWN:
        return False
    if entry.state not in LIVE:
        raise EntryStands(entry.state)
    place = venues.place_of(session, entry.id)
    if place is not None:
        _leave(session, place[0], now)
    set_state(entry, CompetingState.WITHDRAWN, now)
    entry.reason = reason.strip()[:LONGEST_REASON]
    audit.record(session, teacher_id, "withdraw_entry", f"entry:{entry.id}", now=now)
    session.flush()
    return True


def _leave(session: Session, place: EntryRound, now: datetime) -> None:
    """Give up the place in a round. Raises BeingJudged once it is being judged."""
    if place.state not in TO_COME or place.venue_id is None:
        raise BeingJudged
    venue = session.exec(
        select(Venue)
        .where(Venue.id == place.venue_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).one()
    if venue.state not in BEFORE_JUDGING:
        raise BeingJudged
    if venue.state is VenueState.OPEN:
        session.delete(place)
    else:
        place.state, place.changed_at = RoundState.ABSENT, now
    session.flush()
    schedule.plan_venue(session, venue.id, now=now)


# --- one's own entry ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Now:
    """Where an entry stands in its latest round, or in the first, which it is to enter."""

    round_id: int
    name: str
    due_at: datetime | None
    """Until when materials are handed in, replaced and taken away."""
    state: RoundState | None
    venue_state: VenueState | None
    number: str
    slot_at: datetime | None
    place: str
    award: str
    place_id: int = 0
    decided_at: datetime | None = None
    """When it was decided what became of it here; None as long as the entrant is not to know."""


@dataclass(frozen=True)
class MyEntry:
    """An entry as one of those who make it sees it."""

    entry_id: int
    competition_id: int
    competition: str
    competition_state: CompetitionState
    track: str
    title: str
    state: CompetingState
    reason: str
    teacher: str
    is_own: bool
    put_forward_by: str
    """By whom, where somebody else has done so."""
    agreed: bool
    may_publish: bool
    mates: tuple[tuple[int, str], ...]
    team_most: int
    is_blind: bool
    now: Now
    missing: tuple[str, ...]
    """Titles of what the round still requires."""
    closes_at: datetime | None
    can_submit: bool
    """As far as its state and the time go; what is missing is said besides."""
    can_withdraw: bool
    hanging: int
    """The round whose list is on public display now; 0 for none."""


def my_entry(session: Session, teacher_id: int, entry_id: int, *, now: datetime) -> MyEntry:
    """Return the entry for one of those who make it. Raises NotFound."""
    entry, competition = made_by(session, teacher_id, entry_id, lock=False)
    first = eligibility.first_round(session, competition.id)
    round_, where = standing(session, entry, first)
    hidden = unsaid.before(session, [entry.id], now=now)
    where = _as_told(where, hidden.get(entry.id))
    titles = {each["key"]: each["title"] for each in round_.materials}
    is_own = entry.teacher_id == teacher_id
    on = competition.state is CompetitionState.PUBLISHED
    before = entry.state in (CompetingState.DRAFT, CompetingState.RETURNED)
    return MyEntry(
        entry_id=entry.id,
        competition_id=competition.id,
        competition=competition.title,
        competition_state=competition.state,
        track=session.exec(select(Track.title).where(Track.id == entry.track_id)).one(),
        title=entry.title,
        state=_whole(entry.id, entry.state, hidden),
        reason=""
        if not is_own
        else hidden[entry.id].reason
        if entry.id in hidden
        else entry.reason,
        teacher=eligibility.name_of(session, entry.teacher_id),
        is_own=is_own,
        put_forward_by=""
        if entry.put_forward_by is None
        else eligibility.name_of(session, entry.put_forward_by),
        agreed=entry.agreed_at is not None,
        may_publish=entry.may_publish,
        mates=authors(session, entry.id),
        team_most=competition.team_most,
        is_blind=competition.is_blind,
        now=where,
        missing=tuple(titles[key] for key in completeness.missing(session, entry.id, round_))
        if where.state is None or where.state in TO_COME
        else (),
        closes_at=eligibility.closes_at(first),
        can_submit=on and is_own and before and _in_time(entry, competition, first, now),
        can_withdraw=is_own
        and entry.state in LIVE
        and (
            where.state is None or (where.state in TO_COME and where.venue_state in BEFORE_JUDGING)
        ),
        hanging=_hanging(session, competition, now=now),
    )


def _in_time(entry: Entry, competition: Competition, first: Round, now: datetime) -> bool:
    try:
        check_submit_window(entry, competition, first, now)
    except Refusal:
        return False
    return True


def standing(session: Session, entry: Entry, first: Round) -> tuple[Round, Now]:
    """Return the round in which an entry stands, and how."""
    found = venues.place_of(session, entry.id)
    if found is None:
        return first, Now(
            first.id, first.name, due_at(entry, first, first), None, None, "", None, "", ""
        )
    place, round_ = found
    venue = (
        None
        if place.venue_id is None
        else session.exec(select(Venue).where(Venue.id == place.venue_id)).one()
    )
    return round_, Now(
        round_id=round_.id,
        name=round_.name,
        due_at=due_at(entry, round_, first),
        state=place.state,
        venue_state=None if venue is None else venue.state,
        number=place.number,
        slot_at=place.slot_at,
        place=place.place or ("" if venue is None else venue.place),
        award=place.award,
        place_id=place.id,
        decided_at=None if venue is None else venue.decided_at,
    )


def _as_told(where: Now, before: Before | None) -> Now:
    """What an entrant may know: not a list that can still be taken back."""
    if before is None or before.place_id != where.place_id:
        return where
    decided_at = where.decided_at if before.is_decided else None
    return replace(where, state=before.state, award=before.award, decided_at=decided_at)


def _whole(entry_id: int, state: CompetingState, before: Mapping[int, Before]) -> CompetingState:
    """What the entrant may know of the entry as a whole."""
    return before[entry_id].whole if entry_id in before else state


def due_at(entry: Entry, round_: Round, first: Round) -> datetime | None:
    """Until when materials of the round are handed in; at the latest it begins."""
    if entry.state is CompetingState.RETURNED:
        return mended_until(first)
    if round_.material_due_at is not None:
        return round_.material_due_at
    return eligibility.closes_at(first) if round_.id == first.id else round_.starts_at


def entered(competition_id: int) -> Any:
    """Select the teachers of entries that are in, makers together among them, and their units.

    Columns ``teacher_id`` and ``unit_id``, each pair once.
    """
    counts = col(Entry.state).in_(
        [CompetingState.SUBMITTED, CompetingState.COMPETING, CompetingState.OUT]
    )
    alone = sa.select(col(Entry.teacher_id), col(Entry.unit_id)).where(
        col(Entry.competition_id) == competition_id, counts
    )
    together = (
        sa.select(col(EntryAuthor.teacher_id), col(Entry.unit_id))
        .join(Entry, col(Entry.id) == col(EntryAuthor.entry_id))
        .where(col(Entry.competition_id) == competition_id, counts, JOINED)
    )
    return alone.union(together)
