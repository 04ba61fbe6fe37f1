"""After the time of objections: the result stands, and what follows from it.

An award becomes an honour of everybody who made the entry, hours in their ledger, a proposal for
a tier (which the school and the county still agree to) and the question whether the work may be
shared. Confirming again adds nothing. An award taken back later leaves its honour marked as
revoked, its hours mirrored, and what was proposed for it withdrawn.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import quiet, workdays
from storage.competitions import deciding, forwarding, publicity, rights, values
from storage.competitions.editing import NotUnderWay
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Honour,
    ResourceProposal,
    Round,
    RoundCardKind,
    RoundLevel,
    RoundState,
    TierProposal,
    TierProposalState,
    Track,
    Venue,
    VenueState,
)
from storage.credits import ledger
from storage.credits.ledger import NewEntry
from storage.credits.tables import CreditEntry
from storage.inserting import insert_new
from storage.messaging import outbox
from storage.messaging.tables import Priority
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Teacher, TeacherFact
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal

SOURCE = "competition"
"""The source of an award's hours in the ledger; its id is the honour's."""
CATEGORY = "post_skill"
GIVEN = "award_given"
REVOKED = "award_revoked"
TIER = "tier_settled"
"""Kinds of messages to a winner."""

HONOUR_LEVEL = {
    RoundLevel.TEACHING_GROUP: "school",
    RoundLevel.SCHOOL: "school",
    RoundLevel.AREA: "school",
    RoundLevel.COUNTY: "county",
    RoundLevel.CITY: "city",
    RoundLevel.PROVINCE: "province",
    RoundLevel.NATIONAL: "national",
}
CREDIT_LEVEL = {"province": "provincial"}
"""How the ledger calls a level where it calls it otherwise."""


class TooEarlyToConfirm(Refusal):
    """The list has not been on display for its whole time."""


class ObjectionsOpen(Refusal):
    """Objections have to be answered first."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} open")
        self.number = number


class ReasonMissing(Refusal):
    """What is taken back is taken back with a reason."""


class AlreadySettled(Refusal):
    """This proposal is settled, or not at this step."""


@dataclass(frozen=True)
class Confirmed:
    """What confirming came to."""

    round_id: int
    winners: int
    hours: int
    """Lines of the ledger."""
    proposals: int
    forwarded: int
    is_new: bool


@dataclass(frozen=True)
class Award:
    """An honour, as its winner sees it, and as it stands on a certificate."""

    honour_id: int
    place_id: int | None
    entry_id: int | None
    title: str
    round_name: str
    track: str
    entry_title: str
    award: str
    level: str
    own_name: str
    names: tuple[str, ...]
    """Of all who made the entry."""
    school: str
    issuer: str
    awarded_on: date
    certificate_no: str
    is_revoked: bool
    hours: Decimal
    tier: str
    asks_to_share: bool
    """Whether the work may be shared is asked, and not answered yet."""
    agreed: bool | None


@dataclass(frozen=True)
class Proposal:
    """A proposal for a tier, for who decides on it."""

    id: int
    name: str
    school: str
    tier: str
    title: str
    award: str
    state: TierProposalState
    proposed_at: datetime
    reason: str
    has: str
    """The tier that they are in by the roster; empty for none."""


def confirm(session: Session, actor_id: int, round_id: int, *, now: datetime) -> Confirmed:
    """Let the result of a round stand, with all that follows; a second time adds nothing.

    Raises NotFound, NotAllowed, OwnCase for who competes in it, NotUnderWay, NotAllDecided,
    TooEarlyToConfirm or ObjectionsOpen.
    """
    session.exec(select(Round.id).where(Round.id == round_id).with_for_update())
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        raise NotFound("round")
    competition = rights.check_organises(session, actor_id, round_.competition_id, now=now)
    venues = session.exec(
        select(Venue).where(
            Venue.round_id == round_id,
            sa.exists().where(col(EntryRound.venue_id) == col(Venue.id)),
        )
    ).all()
    if venues and all(each.state is VenueState.CONFIRMED for each in venues):
        return Confirmed(round_id, 0, 0, 0, 0, is_new=False)
    if competition.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    if any(deciding.is_entrant(session, actor_id, each.id) for each in venues):
        raise OwnCase
    publicity.correct_due(session, now=now)
    facts = publicity.lists(session, actor_id, round_id, now=now)
    if facts.undecided or not venues:
        raise publicity.NotAllDecided(facts.undecided)
    if facts.open_objections:
        raise ObjectionsOpen(facts.open_objections)
    if not facts.is_over:
        raise TooEarlyToConfirm
    for venue in venues:
        venue.state = VenueState.CONFIRMED
    session.flush()
    number, hours, proposals = _honour(session, actor_id, round_, competition, now=now)
    forwarded = forwarding.goes_on(session, round_, [each.id for each in venues], now=now)
    if number:
        publicity.hang(session, competition, round_id, RoundCardKind.WINNERS)
    audit.record(
        session,
        actor_id,
        "confirm_round",
        f"round:{round_id}",
        now=now,
        after={"honours": number, "hours": hours, "forwarded": forwarded},
    )
    return Confirmed(round_id, number, hours, proposals, forwarded, is_new=True)


def would_revoke(
    session: Session, actor_id: int, place_id: int, *, now: datetime
) -> tuple[str, tuple[str, ...]]:
    """Return the award of this place and whose it is. Raises as ``revoke``, and NotFound."""
    _place_of_award(session, actor_id, place_id, now=now)
    rows = session.exec(
        select(Honour.award, Teacher.name)
        .join(Teacher, col(Teacher.id) == col(Honour.teacher_id))
        .where(Honour.entry_round_id == place_id, col(Honour.revoked_at).is_(None))
        .order_by(col(Honour.id))
    ).all()
    if not rows:
        raise NotFound("award")
    return rows[0][0], tuple(name for _award, name in rows)


def _place_of_award(
    session: Session, actor_id: int, place_id: int, *, now: datetime, lock: bool = False
) -> EntryRound:
    query = select(EntryRound).where(EntryRound.id == place_id)
    place = session.exec(query.with_for_update() if lock else query).first()
    if place is None:
        raise NotFound("entry")
    round_ = session.exec(select(Round).where(Round.id == place.round_id)).one()
    rights.check_organises(session, actor_id, round_.competition_id, now=now)
    if actor_id in deciding.people(session, [place.entry_id])[place.entry_id]:
        raise OwnCase
    return place


def revoke(session: Session, actor_id: int, place_id: int, reason: str, *, now: datetime) -> int:
    """Take an award back, with all that followed from it; return of how many people.

    Raises NotFound, NotAllowed, OwnCase or ReasonMissing.
    """
    place = _place_of_award(session, actor_id, place_id, now=now, lock=True)
    if not reason.strip():
        raise ReasonMissing
    rows = session.exec(
        select(Honour).where(Honour.entry_round_id == place_id, col(Honour.revoked_at).is_(None))
    ).all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    for row in rows:
        row.revoked_at = now
    lines = session.exec(
        select(CreditEntry.id).where(
            CreditEntry.source_kind == SOURCE,
            col(CreditEntry.source_id).in_(ids),
            col(CreditEntry.reverses_id).is_(None),
        )
    ).all()
    about = f"entry_round:{place_id}"
    ledger.reverse_many(session, lines, reason, actor_id=actor_id, now=now, about=about)
    session.exec(
        sa.update(TierProposal)
        .where(
            col(TierProposal.honour_id).in_(ids),
            col(TierProposal.state).in_([TierProposalState.PROPOSED, TierProposalState.SCHOOL_OK]),
        )
        .values(state=TierProposalState.WITHDRAWN, decided_by=actor_id, decided_at=now)
    )
    before = place.award
    place.award, place.changed_at = "", now
    if place.state is RoundState.AWARDED:
        place.state = RoundState.OUT
    session.flush()
    _tell(session, REVOKED, rows, now=now, reason=reason.strip())
    audit.record(
        session,
        actor_id,
        "revoke_award",
        about,
        now=now,
        before={"award": before},
        after={"honours": ids},
        reason=reason.strip(),
    )
    return len(rows)


def award(session: Session, teacher_id: int, honour_id: int) -> Award:
    """Return one's own honour. Raises NotFound, or NotAllowed for another's."""
    row = session.exec(select(Honour).where(Honour.id == honour_id)).first()
    if row is None:
        raise NotFound("honour")
    if row.teacher_id != teacher_id:
        raise NotAllowed
    return _award(session, row)


def has_awards(session: Session, teacher_id: int) -> bool:
    """Whether this person has an honour that stands."""
    some = select(Honour.id).where(
        Honour.teacher_id == teacher_id, col(Honour.revoked_at).is_(None)
    )
    return session.exec(some.limit(1)).first() is not None


def awards_of(session: Session, teacher_id: int) -> tuple[Award, ...]:
    """Return one's own honours that stand, the newest first."""
    rows = session.exec(
        select(Honour)
        .where(Honour.teacher_id == teacher_id, col(Honour.revoked_at).is_(None))
        .order_by(col(Honour.awarded_on).desc(), col(Honour.id).desc())
        .limit(50)
    ).all()
    return tuple(_award(session, row) for row in rows)


def awards_in(
    session: Session, actor_id: int, round_id: int, *, now: datetime
) -> tuple[Award, ...]:
    """Return the honours of a round for its organisers, for certificates; it is written down.

    Raises NotFound or NotAllowed.
    """
    round_ = session.exec(select(Round).where(Round.id == round_id)).first()
    if round_ is None:
        raise NotFound("round")
    rights.check_organises(session, actor_id, round_.competition_id, now=now)
    rows = session.exec(
        select(Honour)
        .join(EntryRound, col(EntryRound.id) == col(Honour.entry_round_id))
        .where(EntryRound.round_id == round_id, col(Honour.revoked_at).is_(None))
        .order_by(col(Honour.certificate_no), col(Honour.id))
    ).all()
    audit.record(session, actor_id, "export_certificates", f"round:{round_id}", now=now)
    return tuple(_award(session, row) for row in rows)


def answer_sharing(
    session: Session, teacher_id: int, entry_id: int, agreed: bool, *, now: datetime
) -> bool:
    """Say whether one's winning work may be shared; can be said anew. Raises NotAllowed."""
    if teacher_id != session.exec(select(Entry.teacher_id).where(Entry.id == entry_id)).first():
        raise NotAllowed
    row = session.exec(
        select(ResourceProposal).where(ResourceProposal.entry_id == entry_id)
    ).first()
    if row is None:
        raise NotFound("proposal")
    row.agreed, row.answered_at = agreed, now
    session.flush()
    return agreed


def proposals(session: Session, actor_id: int, *, now: datetime) -> tuple[Proposal, ...]:
    """Return the proposals for a tier that wait for this person: of the school, or the county.

    The school agrees first; then whoever runs competitions above it.
    """
    today = local_day(now, offices.zone(session))
    rows = session.exec(
        select(TierProposal, Honour)
        .join(Honour, col(Honour.id) == col(TierProposal.honour_id))
        .where(
            col(TierProposal.state).in_([TierProposalState.PROPOSED, TierProposalState.SCHOOL_OK]),
            TierProposal.teacher_id != actor_id,
        )
        .order_by(col(TierProposal.id))
    ).all()
    found = []
    for row, honour in rows:
        if _may_settle(session, actor_id, row, today=today):
            found.append(_proposal(session, row, honour))
    return tuple(found)


def settle_proposal(
    session: Session,
    actor_id: int,
    proposal_id: int,
    agreed: bool,
    *,
    reason: str = "",
    now: datetime,
) -> Proposal:
    """Agree to a proposal as its school or as the county, or refuse it; never the tier itself.

    Raises NotFound, NotAllowed, OwnCase or AlreadySettled.
    """
    row = session.exec(
        select(TierProposal).where(TierProposal.id == proposal_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound("proposal")
    today = local_day(now, offices.zone(session))
    if row.teacher_id == actor_id:
        raise OwnCase
    if row.state not in (TierProposalState.PROPOSED, TierProposalState.SCHOOL_OK):
        raise AlreadySettled
    if not _may_settle(session, actor_id, row, today=today):
        # The second of two taps finds it with whoever decides next.
        raise AlreadySettled if row.decided_by == actor_id else NotAllowed
    before = row.state
    row.state = (
        TierProposalState.REFUSED
        if not agreed
        else TierProposalState.SCHOOL_OK
        if before is TierProposalState.PROPOSED
        else TierProposalState.COUNTY_OK
    )
    row.decided_by, row.decided_at, row.reason = actor_id, now, reason.strip()
    session.flush()
    audit.record(
        session,
        actor_id,
        "settle_tier_proposal",
        f"tier_proposal:{row.id}",
        now=now,
        before={"state": before.value},
        after={"state": row.state.value},
        reason=reason.strip(),
    )
    if row.state is not TierProposalState.SCHOOL_OK:
        outbox.put(
            session,
            TIER,
            teacher_id=row.teacher_id,
            facts={"proposal_id": row.id},
            priority=Priority.CARD,
            not_before=quiet.next_push(workdays.load(session), now),
            dedupe_key=f"{TIER}:{row.id}",
            now=now,
        )
    honour = session.exec(select(Honour).where(Honour.id == row.honour_id)).one()
    return _proposal(session, row, honour)


# --- how it is done -------------------------------------------------------------------------------


def _honour(
    session: Session, actor_id: int, round_: Round, competition: Competition, *, now: datetime
) -> tuple[int, int, int]:
    """Write honours, hours and proposals of a round's awards; how many there are of each."""
    rules = {each["name"]: each for each in competition.awards}
    places = session.exec(
        select(EntryRound, Entry, Venue.unit_id)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .join(Venue, col(Venue.id) == col(EntryRound.venue_id))
        .where(EntryRound.round_id == round_.id, EntryRound.award != "")
        .order_by(col(Entry.track_id), col(EntryRound.rank), col(EntryRound.id))
    ).all()
    people = deciding.people(session, [entry.id for _place, entry, _unit in places])
    today = local_day(now, offices.zone(session))
    level = HONOUR_LEVEL[round_.level]
    rows = [
        Honour(
            teacher_id=teacher_id,
            title=competition.title,
            award=place.award,
            level=level,
            issuer_unit_id=unit_id,
            awarded_on=today,
            entry_round_id=place.id,
        )
        for place, entry, unit_id in places
        for teacher_id in people[entry.id]
    ]
    made = give(session, rows)
    lines = [
        NewEntry(
            teacher_id=row.teacher_id,
            earned_on=row.awarded_on,
            level=CREDIT_LEVEL.get(level, level),
            category=CATEGORY,
            hours=Decimal(rules[row.award].get("hours") or 0),
            title=f"{competition.title} {row.award}",
            source_kind=SOURCE,
            source_id=row.id,
            rule="award",
            rule_version=round_.frozen_hash[:16],
            dedupe_group=f"{SOURCE}:{competition.id}",
            evidence=row.certificate_no or "",
        )
        for row in made
        if row.award in rules and Decimal(rules[row.award].get("hours") or 0)
    ]
    posted = ledger.post_many(
        session, lines, actor_id=actor_id, now=now, about=f"round:{round_.id}"
    )
    proposed = 0
    has = _tiers_of(session, [row.teacher_id for row in made])
    for row in made:
        tier = rules.get(row.award, {}).get("tier") or ""
        # Nobody is proposed to what they are, or to less.
        if tier and values.TIERS.index(tier) > has.get(row.teacher_id, -1):
            session.add(
                TierProposal(
                    teacher_id=row.teacher_id, tier=tier, honour_id=row.id, proposed_at=now
                )
            )
            proposed += 1
    if competition.offers_resources:
        # Who has said at entering that only the award may be published is not asked again.
        for entry in (entry for _place, entry, _unit in places if entry.may_publish):
            session.exec(
                insert_new(session, ResourceProposal).values(entry_id=entry.id, asked_at=now)
            )
    session.flush()
    _tell(session, GIVEN, made, now=now)
    return len(made), posted.new, proposed


def _tiers_of(session: Session, teacher_ids: Collection[int]) -> dict[int, int]:
    """Return which tier these people are in by the roster, as its place among the tiers."""
    rows = session.exec(
        select(TeacherFact.teacher_id, TeacherFact.value).where(
            TeacherFact.key == "tier", col(TeacherFact.teacher_id).in_(teacher_ids)
        )
    ).all()
    found: dict[int, int] = {}
    for teacher_id, tier in rows:
        if tier in values.TIERS:
            place = values.TIERS.index(tier)
            found[teacher_id] = max(place, found.get(teacher_id, -1))
    return found


def give(session: Session, rows: Sequence[Honour]) -> list[Honour]:
    """Keep these honours with a certificate number each; what is there already stays.

    Returns the new ones. A number is the issuer's code, ``J``, the year and a running number.
    """
    keys = {
        (place_id, teacher_id)
        for place_id, teacher_id in session.exec(
            select(Honour.entry_round_id, Honour.teacher_id).where(
                col(Honour.entry_round_id).in_([row.entry_round_id for row in rows]),
                col(Honour.revoked_at).is_(None),
            )
        ).all()
    }
    fresh = [row for row in rows if (row.entry_round_id, row.teacher_id) not in keys]
    last: dict[str, int] = {}
    for row in fresh:
        unit_id = row.issuer_unit_id
        # One at a time for each issuer, or two rounds would give out the same number.
        code = session.exec(
            select(OrgUnit.code).where(OrgUnit.id == unit_id).with_for_update(key_share=True)
        ).first()
        prefix = f"{code or 'Q'}-J{row.awarded_on.year}-"
        if prefix not in last:
            last[prefix] = _last_number(session, prefix)
        last[prefix] += 1
        row.certificate_no = f"{prefix}{last[prefix]:04}"
        session.add(row)
    session.flush()
    return fresh


def _last_number(session: Session, prefix: str) -> int:
    given = session.exec(
        select(Honour.certificate_no).where(
            col(Honour.certificate_no).startswith(prefix, autoescape=True)
        )
    ).all()
    rests = (str(number)[len(prefix) :] for number in given)
    return max((int(rest) for rest in rests if re.fullmatch("[0-9]+", rest)), default=0)


def _tell(
    session: Session, kind: str, rows: Sequence[Honour], *, now: datetime, reason: str = ""
) -> None:
    at = quiet.next_push(workdays.load(session), now)
    for row in rows:
        facts: dict[str, Any] = {"honour_id": row.id}
        outbox.put(
            session,
            kind,
            teacher_id=row.teacher_id,
            facts=facts | ({"reason": reason} if reason else {}),
            priority=Priority.CARD,
            not_before=at,
            dedupe_key=f"{kind}:{row.id}",
            now=now,
        )


def _may_settle(session: Session, actor_id: int, row: TierProposal, *, today: date) -> bool:
    """Whether this step of the proposal is this person's: the school's, then the one above."""
    home = authority.unit_of(session, row.teacher_id, today=today)
    if home is None:
        return False
    act = Act.RUN_COMPETITION
    if row.state is TierProposalState.PROPOSED:
        return authority.may(session, actor_id, act, home, today=today, own=True)
    parent = session.exec(select(OrgUnit.parent_id).where(OrgUnit.id == home)).first()
    return parent is not None and authority.may(session, actor_id, act, parent, today=today)


def own_proposal(session: Session, teacher_id: int, proposal_id: int) -> Proposal:
    """Return what became of a proposal of one's own. Raises NotFound."""
    row = session.exec(
        select(TierProposal).where(
            TierProposal.id == proposal_id, TierProposal.teacher_id == teacher_id
        )
    ).first()
    if row is None:
        raise NotFound("proposal")
    honour = session.exec(select(Honour).where(Honour.id == row.honour_id)).one()
    return _proposal(session, row, honour)


def _tier_of(session: Session, teacher_id: int) -> str:
    place = _tiers_of(session, [teacher_id]).get(teacher_id)
    return "" if place is None else values.TIERS[place]


def _proposal(session: Session, row: TierProposal, honour: Honour) -> Proposal:
    name = session.exec(select(Teacher.name).where(Teacher.id == row.teacher_id)).one()
    return Proposal(
        row.id,
        name,
        _school(session, honour),
        row.tier,
        honour.title,
        honour.award,
        row.state,
        row.proposed_at,
        row.reason,
        _tier_of(session, row.teacher_id),
    )


def _school(session: Session, honour: Honour) -> str:
    """The school for which it was won, or where the winner is."""
    won = (
        select(OrgUnit.name)
        .join(Entry, col(Entry.unit_id) == col(OrgUnit.id))
        .join(EntryRound, col(EntryRound.entry_id) == col(Entry.id))
        .where(EntryRound.id == honour.entry_round_id)
    )
    found = session.exec(won).first()
    if found is not None:
        return found
    unit_id = authority.unit_of(session, honour.teacher_id, today=honour.awarded_on)
    return session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first() or ""


def _award(session: Session, row: Honour) -> Award:
    round_name = track = entry_title = ""
    entry_id: int | None = None
    people = [row.teacher_id]
    if row.entry_round_id is not None:
        round_name, track, entry_title, entry_id = session.exec(
            select(Round.name, Track.title, Entry.title, Entry.id)
            .select_from(EntryRound)
            .join(Round, col(Round.id) == col(EntryRound.round_id))
            .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
            .join(Track, col(Track.id) == col(Entry.track_id))
            .where(EntryRound.id == row.entry_round_id)
        ).one()
        people = deciding.people(session, [entry_id])[entry_id]
    names = dict(
        session.exec(
            select(Teacher.id, Teacher.name).where(col(Teacher.id).in_({row.teacher_id, *people}))
        ).all()
    )
    line = session.exec(
        select(CreditEntry).where(
            CreditEntry.source_kind == SOURCE,
            CreditEntry.source_id == row.id,
            CreditEntry.teacher_id == row.teacher_id,
        )
    ).first()
    asked = (
        None
        if entry_id is None
        else session.exec(
            select(ResourceProposal).where(ResourceProposal.entry_id == entry_id)
        ).first()
    )
    is_own = people[0] == row.teacher_id
    tier = session.exec(select(TierProposal.tier).where(TierProposal.honour_id == row.id)).first()
    issuer = session.exec(select(OrgUnit.name).where(OrgUnit.id == row.issuer_unit_id)).first()
    return Award(
        row.id,
        row.entry_round_id,
        entry_id,
        row.title,
        round_name,
        track,
        entry_title,
        row.award,
        row.level,
        names[row.teacher_id],
        tuple(names[each] for each in people),
        _school(session, row),
        issuer or "",
        row.awarded_on,
        row.certificate_no or "",
        row.revoked_at is not None,
        Decimal(0) if line is None else line.hours,
        tier or "",
        asked is not None and asked.agreed is None and is_own,
        None if asked is None else asked.agreed,
    )


def round_of(session: Session, place_id: int) -> int:
    """Return the round in which an entry has this place. Raises NotFound."""
    found = session.exec(select(EntryRound.round_id).where(EntryRound.id == place_id)).first()
    if found is None:
        raise NotFound("entry")
    return found
