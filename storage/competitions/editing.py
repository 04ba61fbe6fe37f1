"""Changing a competition: freely as a draft; once published, dates by one, rules by two.

What is typed, or chosen by a key, is a text here, whoever says it: the dialogue, a draft row or
a request that waits. A rule (``rules.OF_ALL``, ``rules.OF_ROUND``) of a published competition
changes when a second organiser has confirmed it, and then everybody concerned is told; the
rules of a round that is being judged stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import saying, workdays
from storage.calendar.workdays import WorkCalendar
from storage.competitions import making, rights, rules, schedule, telling, usual, values, venues
from storage.competitions.tables import (
    Competition,
    CompetitionKind,
    CompetitionState,
    Round,
    RoundLevel,
    RuleChange,
    Track,
    Venue,
    VenueState,
)
from storage.deeds import ChangedSince
from storage.moments import local_day
from storage.people import offices
from storage.people.facts import GIVEN
from storage.people.tables import OrgUnit, Teacher, UnitKind
from storage.refusals import NotFound, OwnCase, Refusal
from storage.training.making import WrongValue
from storage.waiting_for import Waiting

ASKED = "rule_change_asked"
RULES = "competition_rules"
DATES = "competition_dates"
"""Kinds of messages: a change waits for a second person; rules are other; dates are other."""

LONGEST_REASON = 300
OPENED = timedelta(days=60)
"""So long ago a window that is open now may have opened, when its year is not said."""
NONE = "none"
"""The key's value for what is left open."""
YES, NO = "yes", "no"


class What(StrEnum):
    """What of a competition can be changed: of the whole, then of a round."""

    TITLE = "title"
    KIND = "kind"
    YEAR = "school_year"
    SCHEME = "scheme"
    CONTACT = "contact"
    AUDIENCE = "audience"
    BARRED = "barred"
    ONE_ENTRY = "one_entry"
    TEAM = "team"
    BLIND = "blind"
    MIN_SHARE = "min_share"
    AWARDS = "awards"
    OFFERS = "offers"
    NAME = "name"
    SEASON = "season"
    LEVEL = "level"
    ENTRY = "entry"
    MATERIAL_DUE = "material_due"
    DAYS = "days"
    RESULT_DUE = "result_due"
    PUBLICITY = "publicity"
    FORWARD_DUE = "forward_due"
    QUOTA = "quota"
    UNIT_MOST = "unit_most"
    MATERIALS = "materials"
    RUBRIC = "rubric"
    DROPS = "drops"
    JUDGES = "judges"
    TIES = "ties"
    NUMBERS = "numbers"


OF_ALL = (
    What.TITLE,
    What.KIND,
    What.YEAR,
    What.SCHEME,
    What.CONTACT,
    What.AUDIENCE,
    What.BARRED,
    What.ONE_ENTRY,
    What.TEAM,
    What.BLIND,
    What.MIN_SHARE,
    What.AWARDS,
    What.OFFERS,
)
DATED = (
    What.ENTRY,
    What.MATERIAL_DUE,
    What.DAYS,
    What.RESULT_DUE,
    What.PUBLICITY,
    What.FORWARD_DUE,
)
OF_DRAFT = (What.KIND, What.YEAR, What.LEVEL)
"""What is fixed once a competition is published."""
RULED = (
    What.AUDIENCE,
    What.BARRED,
    What.ONE_ENTRY,
    What.TEAM,
    What.BLIND,
    What.MIN_SHARE,
    What.AWARDS,
    What.QUOTA,
    What.UNIT_MOST,
    What.MATERIALS,
    What.RUBRIC,
    What.DROPS,
    What.JUDGES,
    What.TIES,
    What.NUMBERS,
)
"""What is part of the rules: with a published competition it needs a second person."""

COLUMNS: Mapping[What, tuple[str, ...]] = {
    What.BARRED: ("barred_years", "barred_awards"),
    What.TEAM: ("team_most",),
    What.BLIND: ("is_blind",),
    What.OFFERS: ("offers_resources",),
    What.ENTRY: ("entry_opens_at", "entry_closes_at"),
    What.MATERIAL_DUE: ("material_due_at",),
    What.DAYS: ("starts_at", "ends_at"),
    What.RESULT_DUE: ("result_due_at",),
    What.PUBLICITY: ("publicity_from", "publicity_until"),
    What.FORWARD_DUE: ("forward_due_at",),
    What.NUMBERS: ("numbers_only",),
    What.LEVEL: ("level", "external"),
}
"""Where a thing is kept; elsewhere its column is called as it is."""


OWN_LEVEL: Mapping[str, RoundLevel] = {
    UnitKind.SCHOOL: RoundLevel.SCHOOL,
    UnitKind.GROUP: RoundLevel.SCHOOL,
    UnitKind.AREA: RoundLevel.AREA,
    UnitKind.CITY: RoundLevel.CITY,
}
"""The highest level at which a unit holds a round itself; any other body does at the county's."""


class PublicityTooShort(Refusal):
    """A list is on public display for five working days at least: until this day."""

    def __init__(self, until: date) -> None:
        super().__init__(f"on public display until {until} at least")
        self.until = until


class NotUnderWay(Refusal):
    """It is finished, put away or cancelled: nothing of it changes any more."""


class RulesStand(Refusal):
    """The order is drawn, or marks are given: by these rules the round ends."""


class NeedsSecond(Refusal):
    """A rule that is published is changed by two: one asks with a reason, another confirms."""


class AlreadyAsked(Refusal):
    """Another change of the same thing waits to be confirmed."""


class ReasonWrong(Refusal):
    """A reason is a text of at most 300 characters."""


class FixedOnceSaid(Refusal):
    """Tracks and rounds are fixed once a competition is published."""


@dataclass(frozen=True)
class Changed:
    """What came of a change: whether anything is different, and how many people are told."""

    is_new: bool
    told: int = 0


@dataclass(frozen=True)
class Request:
    """A change of the rules that waits, or has waited, for a second person."""

    id: int
    competition_id: int
    round_id: int
    title: str
    round_name: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    asked_by: int
    asked_name: str
    asked_at: datetime
    settled: bool
    confirmed: bool
    rubric: list[dict[str, Any]]
    """Of the round, whose criteria a rule may name."""
    units: dict[int, str]
    """Names of the units with a number of their own, before or after."""


def columns_of(what: What) -> tuple[str, ...]:
    """Return the columns in which this is kept."""
    return COLUMNS.get(what, (what.value,))


def read(
    session: Session,
    what: What,
    text: str,
    competition: Competition,
    round_: Round | None,
    *,
    now: datetime,
) -> dict[str, Any]:
    """Return the columns that a text means. Raises WrongValue, or why a time is none."""
    if what in OF_ALL:
        return _of_all(session, what, text, competition, now=now)
    if round_ is None:
        raise NotFound("round")
    if what in DATED:
        return _dates(session, what, text, round_, now=now)
    if what is What.LEVEL:
        return _level(session, text, competition)
    return _of_round(session, what, text, round_)


def change(
    session: Session,
    actor_id: int,
    competition_id: int,
    what: What,
    text: str,
    *,
    round_id: int = 0,
    now: datetime,
) -> Changed:
    """Give one thing another value; the same value again changes nothing.

    Of a published competition everybody concerned by a moved date is told. Raises NotFound,
    NotAllowed, WrongValue, DatesNotInOrder, PublicityTooShort, NotUnderWay, NeedsSecond for a
    rule that is published, or FixedOnceSaid.
    """
    competition, round_ = _looked_at(session, actor_id, competition_id, round_id, now=now)
    row: Competition | Round = competition if round_ is None or what in OF_ALL else round_
    if what in OF_DRAFT and competition.state is not CompetitionState.DRAFT:
        raise FixedOnceSaid
    after = read(session, what, text, competition, round_, now=now)
    before = {name: getattr(row, name) for name in after}
    if before == after:
        return Changed(False)
    is_draft = competition.state is CompetitionState.DRAFT
    if not is_draft and what in RULED:
        raise NeedsSecond
    for name, value in after.items():
        setattr(row, name, value)
    if isinstance(row, Round) and what in DATED:
        making.check_order(row)
    session.flush()
    told = 0
    if not is_draft and what in DATED and round_ is not None:
        schedule.plan_deadlines(session, competition_id, now=now)
        if after != before:
            told = _tell_dates(session, competition, round_, before, now=now)
    audit.record(
        session,
        actor_id,
        "change_competition",
        f"competition:{competition_id}",
        now=now,
        before=_plain(before),
        after=_plain(after),
    )
    return Changed(True, told)


def ask(
    session: Session,
    actor_id: int,
    competition_id: int,
    what: What,
    text: str,
    reason: str,
    *,
    round_id: int = 0,
    now: datetime,
) -> int | None:
    """Ask for a change of a published rule; return the request's id, None for no change.

    Whoever else organises is told that it waits. Asking for the same again returns the first.
    Raises NotFound, NotAllowed, WrongValue, NotUnderWay, RulesStand, ReasonWrong, or
    AlreadyAsked where another change of the same thing waits.
    """
    competition, round_ = _looked_at(session, actor_id, competition_id, round_id, now=now)
    said = " ".join(reason.split())
    if not said or len(said) > LONGEST_REASON:
        raise ReasonWrong
    if what not in RULED or competition.state is not CompetitionState.PUBLISHED:
        raise NotUnderWay
    row: Competition | Round = competition if round_ is None or what in OF_ALL else round_
    after = read(session, what, text, competition, round_, now=now)
    before = {name: getattr(row, name) for name in after}
    if before == after:
        return None
    if isinstance(row, Competition):
        round_ = venues.rounds(session, competition_id)[0]
    assert round_ is not None
    _check_not_drawn(session, row)
    for open_ in _open(session, competition_id):
        if set(open_.after) & set(after) and (open_.round_id == round_.id or what in OF_ALL):
            if open_.after == _plain(after) and open_.asked_by == actor_id:
                return open_.id
            raise AlreadyAsked
    asked = RuleChange(
        round_id=round_.id,
        before=_plain(before),
        after=_plain(after),
        reason=said,
        asked_by=actor_id,
        asked_at=now,
    )
    session.add(asked)
    session.flush()
    others = telling.organisers(session, competition_id, now=now)
    others = others.where(others.selected_columns[0] != actor_id)
    telling.tell(session, ASKED, others, {"change_id": asked.id}, f"{ASKED}:{asked.id}", now=now)
    audit.record(
        session,
        actor_id,
        "ask_rule_change",
        f"round:{round_.id}",
        now=now,
        before=asked.before,
        after=asked.after,
        reason=said,
    )
    return asked.id


def settle(
    session: Session, actor_id: int, change_id: int, confirmed: bool, *, now: datetime
) -> Request:
    """Confirm a change of the rules, or not; twice is once.

    It is done, frozen anew, and told to everybody concerned. Whoever asked takes back what they
    asked by not confirming it, and never confirms it. Raises NotFound, NotAllowed, OwnCase,
    NotUnderWay, RulesStand, or ChangedSince where the rule is another one by now.
    """
    asked = session.exec(
        select(RuleChange)
        .where(RuleChange.id == change_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if asked is None:
        raise NotFound("rule_change")
    round_ = session.exec(select(Round).where(Round.id == asked.round_id)).one()
    competition = rights.check_organises(session, actor_id, round_.competition_id, now=now)
    if asked.settled_at is not None:
        return _request(session, asked)
    if confirmed:
        if asked.asked_by == actor_id:
            raise OwnCase
        if competition.state is not CompetitionState.PUBLISHED:
            raise NotUnderWay
        row: Competition | Round = competition if set(asked.after) <= set(rules.OF_ALL) else round_
        _check_not_drawn(session, row)
        if _plain({name: getattr(row, name) for name in asked.before}) != asked.before:
            raise ChangedSince(round_.name)
        for name, value in asked.after.items():
            setattr(row, name, value)
    asked.settled_by, asked.settled_at, asked.confirmed = actor_id, now, confirmed
    session.flush()
    if confirmed:
        rules.freeze(session, competition.id, now=now)
        only = None if set(asked.after) <= set(rules.OF_ALL) else round_.id
        telling.tell(
            session,
            RULES,
            telling.concerned(competition.id, only),
            {"change_id": asked.id},
            f"{RULES}:{asked.id}",
            now=now,
        )
    audit.record(
        session,
        actor_id,
        "settle_rule_change",
        f"round:{round_.id}",
        now=now,
        after={"change": asked.id, "confirmed": confirmed},
    )
    return _request(session, asked)


def request(session: Session, actor_id: int, change_id: int, *, now: datetime) -> Request:
    """Return a change that was asked for, to who organises. Raises NotFound or NotAllowed."""
    asked = session.exec(select(RuleChange).where(RuleChange.id == change_id)).first()
    if asked is None:
        raise NotFound("rule_change")
    found = _request(session, asked)
    rights.check_organises(session, actor_id, found.competition_id, now=now)
    return found


def said_change(session: Session, change_id: int) -> Request | None:
    """Return a change for the message about it; None when it is gone."""
    asked = session.exec(select(RuleChange).where(RuleChange.id == change_id)).first()
    return None if asked is None else _request(session, asked)


def open_requests(session: Session, competition_id: int) -> tuple[Request, ...]:
    """Return the changes that wait for a second person, the oldest first."""
    return tuple(_request(session, each) for each in _open(session, competition_id))


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many changes of rules wait for this person's yes; none they asked for."""
    today = local_day(now, offices.zone(session))
    mine = rights.organised(session, actor_id, today=today)
    number = session.exec(
        select(sa.func.count())
        .select_from(RuleChange)
        .join(Round, col(Round.id) == col(RuleChange.round_id))
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(
            col(RuleChange.settled_at).is_(None),
            RuleChange.asked_by != actor_id,
            Competition.state == CompetitionState.PUBLISHED,
            col(Competition.id).in_(mine),
        )
    ).one()
    return (Waiting("rule_changes", number),)


def add_track(
    session: Session, actor_id: int, competition_id: int, text: str, *, language: str, now: datetime
) -> int:
    """Add a track to a draft, such as 小学 语文, and return its id; a known title is that one.

    Raises NotFound, NotAllowed, WrongValue or FixedOnceSaid.
    """
    competition = _draft(session, actor_id, competition_id, now=now)
    title = values.short(text, "tracks")
    there = venues.tracks(session, competition.id)
    stage, subject = "", title
    for key, words in usual.STAGES.items():
        found = next((word for word in words if title.lower().startswith(word.lower())), "")
        if found:
            stage, subject = key, title[len(found) :].strip()
            title = usual.track(stage, subject, language)
    known = next((each for each in there if each.title == title), None)
    if known is not None:
        return known.id
    if len(there) >= making.MOST_TRACKS:
        raise WrongValue("tracks")
    last = max((each.position for each in there), default=0)
    row = Track(
        competition_id=competition.id,
        position=last + 1,
        title=title,
        stage=stage,
        subject=subject,
    )
    session.add(row)
    session.flush()
    return row.id


def drop_track(
    session: Session, actor_id: int, competition_id: int, track_id: int, *, now: datetime
) -> bool:
    """Take a track out of a draft; False when it was out. Raises as ``add_track``."""
    competition = _draft(session, actor_id, competition_id, now=now)
    gone = session.exec(
        sa.delete(Track).where(
            col(Track.id) == track_id, col(Track.competition_id) == competition.id
        )
    )
    session.flush()
    return bool(gone.rowcount)


def add_round(
    session: Session, actor_id: int, competition_id: int, key: str, *, language: str, now: datetime
) -> int:
    """Add one of the usual rounds to a draft, behind the others of its level or below.

    Asking for one that is there returns it. Raises NotFound, NotAllowed or FixedOnceSaid.
    """
    competition = _draft(session, actor_id, competition_id, now=now)
    kind = session.exec(select(OrgUnit.kind).where(OrgUnit.id == competition.owner_unit_id)).one()
    chosen = usual.rounds_of(kind).get(key)
    if chosen is None:
        raise NotFound("round")
    there = list(venues.rounds(session, competition.id))
    known = next((each for each in there if each.level is chosen.level), None)
    if known is not None:
        return known.id
    lines = usual.rubric(competition.kind, language)
    more: dict[str, Any] = {"quota": {"each": 1, "units": {}}}
    if not chosen.external:
        more = {
            "materials": usual.materials(competition.kind, language),
            "rubric": lines,
            "ties": usual.ties(lines),
            "quota": dict(usual.QUOTA),
        }
    order = list(RoundLevel)
    at = sum(order.index(each.level) < order.index(chosen.level) for each in there)
    _number(session, there, {n: n + 1 if n < at else n + 2 for n in range(len(there))})
    row = Round(
        competition_id=competition.id,
        position=at + 1,
        name=usual.said(chosen.name, language),
        level=chosen.level,
        season=chosen.season,
        external=chosen.external,
        **more,
    )
    session.add(row)
    session.flush()
    return row.id


def drop_round(
    session: Session, actor_id: int, competition_id: int, round_id: int, *, now: datetime
) -> bool:
    """Take a round out of a draft; False when it was out. Raises as ``add_round``."""
    competition = _draft(session, actor_id, competition_id, now=now)
    gone = session.exec(
        sa.delete(Round).where(
            col(Round.id) == round_id, col(Round.competition_id) == competition.id
        )
    )
    session.flush()
    left = list(venues.rounds(session, competition.id))
    _number(session, left, {n: n + 1 for n in range(len(left))})
    return bool(gone.rowcount)


# -- inside ----------------------------------------------------------------------------------------


def _number(session: Session, there: list[Round], positions: Mapping[int, int]) -> None:
    """Give the rounds these positions, by way of numbers that none has."""
    for away in (1000, 0):
        for n, each in enumerate(there):
            each.position = positions[n] + away
        session.flush()


def _draft(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> Competition:
    competition = rights.check_organises(session, actor_id, competition_id, now=now)
    if competition.state is not CompetitionState.DRAFT:
        raise FixedOnceSaid
    return competition


def _looked_at(
    session: Session, actor_id: int, competition_id: int, round_id: int, *, now: datetime
) -> tuple[Competition, Round | None]:
    competition = rights.check_organises(session, actor_id, competition_id, now=now)
    session.exec(select(Competition.id).where(Competition.id == competition_id).with_for_update())
    if competition.state not in (CompetitionState.DRAFT, CompetitionState.PUBLISHED):
        raise NotUnderWay
    if not round_id:
        return competition, None
    round_ = session.exec(
        select(Round).where(Round.id == round_id, Round.competition_id == competition_id)
    ).first()
    if round_ is None:
        raise NotFound("round")
    return competition, round_


def _check_not_drawn(session: Session, row: Competition | Round) -> None:
    """Raise RulesStand where an order is drawn by these rules, or marks are given.

    From the draw on everybody knows who competes with whom; nobody changes a rule then, not even
    two who organise.
    """
    begun = (
        sa.select(col(Venue.id))
        .join(Round, col(Round.id) == col(Venue.round_id))
        .where(col(Venue.state) != VenueState.OPEN)
    )
    if isinstance(row, Round):
        begun = begun.where(col(Round.id) == row.id)
    else:
        # What holds for all rounds decides last in the last of our own.
        own = [each for each in venues.rounds(session, row.id) if not each.external]
        begun = begun.where(col(Round.id) == (own[-1].id if own else 0))
    if session.exec(begun.limit(1)).first() is not None:  # type: ignore[call-overload]
        raise RulesStand


def _open(session: Session, competition_id: int) -> list[RuleChange]:
    return list(
        session.exec(
            select(RuleChange)
            .join(Round, col(Round.id) == col(RuleChange.round_id))
            .where(Round.competition_id == competition_id, col(RuleChange.settled_at).is_(None))
            .order_by(col(RuleChange.id))
        ).all()
    )


def _request(session: Session, asked: RuleChange) -> Request:
    round_ = session.get_one(Round, asked.round_id)
    title, competition_id, name = session.exec(
        select(Competition.title, Competition.id, Teacher.name)
        .join(Round, col(Round.competition_id) == col(Competition.id))
        .join(Teacher, col(Teacher.id) == asked.asked_by)
        .where(Round.id == asked.round_id)
    ).one()
    return Request(
        asked.id,
        competition_id,
        round_.id,
        title,
        round_.name,
        dict(asked.before),
        dict(asked.after),
        asked.reason,
        asked.asked_by,
        name,
        asked.asked_at,
        asked.settled_at is not None,
        asked.confirmed,
        round_.rubric,
        rules.named_units(
            session, *(each.get("quota") or {} for each in (asked.before, asked.after))
        ),
    )


def _tell_dates(
    session: Session,
    competition: Competition,
    round_: Round,
    before: Mapping[str, Any],
    *,
    now: datetime,
) -> int:
    """Leave one message for whom the round concerns; it says the dates as they are then."""
    facts = {"round_id": round_.id, "before": _plain(before)}
    key = f"{DATES}:{round_.id}:{now.isoformat()}"
    return telling.tell(
        session, DATES, telling.concerned(competition.id, round_.id), facts, key, now=now
    )


def _plain(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as plain JSON."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in columns.items()
    }


def _of_all(
    session: Session, what: What, text: str, row: Competition, *, now: datetime
) -> dict[str, Any]:
    match what:
        case What.TITLE:
            return {"title": values.short(text, what)}
        case What.KIND:
            if text not in set(CompetitionKind):
                raise WrongValue(what)
            return {"kind": CompetitionKind(text)}
        case What.YEAR:
            if text not in years(now, offices.zone(session)):
                raise WrongValue(what)
            return {"school_year": text}
        case What.CONTACT:
            return {"contact": "" if text == NONE else values.short(text, what)}
        case What.SCHEME:
            said = "" if text == NONE else text.strip()
            if len(said) > values.LONGEST_TEXT:
                raise WrongValue(what)
            return {"scheme": said}
        case What.AUDIENCE:
            return {"audience": _audience(text, row, now, session)}
        case What.BARRED:
            return values.barred("" if text == NONE else text)
        case What.TEAM:
            return {"team_most": values.whole(text, what, 1, values.MOST_IN_TEAM)}
        case What.MIN_SHARE:
            none = text == NONE or values.is_without(text)
            return {"min_share": None if none else values.share(text, what)}
        case What.AWARDS:
            return {"awards": values.awards("" if text == NONE else text)}
    return {columns_of(what)[0]: _yes(text, what)}


def _audience(text: str, row: Competition, now: datetime, session: Session) -> dict[str, Any]:
    """Read one step of saying whom it is for: a value ticked or not, years of service, or all.

    ``tier:backbone`` turns this one over; ``years:5`` is who came into service so many years ago
    at most, ``years:0`` anybody.
    """
    if text == NONE:
        return {}
    found = {key: list(some) for key, some in row.audience.items()}
    key, colon, value = text.partition(":")
    if not colon or not value:
        raise WrongValue(What.AUDIENCE)
    if key == "years":
        years = values.whole(value, What.AUDIENCE, 0, 40)
        found.pop("hire_year", None)
        if years:
            today = local_day(now, offices.zone(session))
            found["hire_year"] = values.hired_within(years, today)
    elif key in (*GIVEN, "area_type"):
        some = found.get(key, [])
        found[key] = [x for x in some if x != value] if value in some else [*some, value]
    else:
        raise WrongValue(What.AUDIENCE)
    return {key: some for key, some in found.items() if some}


def years(now: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the school years in which a competition can be: this one and the next."""
    this = making.school_year(local_day(now, zone))
    first = int(this[:4]) + 1
    return this, f"{first}-{first + 1}"


def _level(session: Session, text: str, competition: Competition) -> dict[str, Any]:
    """Read who holds a round: whoever is above the owner holds it outside."""
    if text not in set(RoundLevel):
        raise WrongValue(What.LEVEL)
    kind = session.exec(select(OrgUnit.kind).where(OrgUnit.id == competition.owner_unit_id)).one()
    own = OWN_LEVEL.get(kind, RoundLevel.COUNTY)
    order = list(RoundLevel)
    level = RoundLevel(text)
    return {"level": level, "external": order.index(level) > order.index(own)}


def _yes(text: str, field: str) -> bool:
    said = text.strip().lower()
    if said in (YES, "是", "1", "要"):
        return True
    if said in (NO, "否", "0", "不", NONE):
        return False
    raise WrongValue(field)


def _of_round(session: Session, what: What, text: str, row: Round) -> dict[str, Any]:
    said = "" if text == NONE else text
    match what:
        case What.NAME:
            return {"name": values.short(said, what)}
        case What.SEASON:
            if said not in ("autumn", "spring", ""):
                raise WrongValue(what)
            return {"season": said}
        case What.QUOTA:
            return {"quota": values.quota(session, said)}
        case What.UNIT_MOST:
            return {"unit_most": values.unit_most(said)}
        case What.MATERIALS:
            return {"materials": values.materials(said, row.materials)}
        case What.RUBRIC:
            lines = values.rubric(said, row.rubric)
            kept = {values.CRITERION + line["key"] for line in lines}
            left = [x for x in row.ties if x in kept or not x.startswith(values.CRITERION)]
            # What breaks a tie is a criterion that there is.
            return {"rubric": lines, **({} if left == row.ties else {"ties": left})}
        case What.DROPS:
            return {"drops": values.whole(said, what, 0, values.MOST_DROPPED)}
        case What.JUDGES:
            return {"judges": values.whole(said, what, 1, values.MOST_JUDGES)}
        case What.TIES:
            return {"ties": values.ties(said, row.rubric)}
    return {columns_of(what)[0]: _yes(text, what)}


def _dates(session: Session, what: What, text: str, row: Round, *, now: datetime) -> dict[str, Any]:
    calendar = workdays.load(session)
    if text == NONE or values.is_without(text):
        found = dict.fromkeys(columns_of(what))
    else:
        found = read_dates(what, text, row, calendar, now=now)
    promised = row.publicity_until if row.list_version else None
    if what is What.PUBLICITY and promised is not None:
        # What hangs in public says until when: it comes down no earlier.
        until = found["publicity_until"]
        if until is None or until < promised:
            raise PublicityTooShort(promised)
    return found


def _window(text: str, today: date) -> saying.Said:
    """Read a window; one that is open already has a first day that is over."""
    with suppress(saying.WrongWeekday):
        running = saying.read(text, today, since=today - OPENED)
        if running.last_day is not None and running.day < today <= running.last_day:
            return running
    return saying.read(text, today)


def read_dates(
    what: What, text: str, row: Round | None, calendar: WorkCalendar, *, now: datetime
) -> dict[str, Any]:
    """Return the columns that a typed time means.

    Raises NotUnderstood, WrongWeekday, YearLeftOut, DatesNotInOrder or PublicityTooShort.
    """
    zone = calendar.zone
    today = local_day(now, zone)
    said = _window(text, today) if what is What.ENTRY else saying.read(text, today)
    match what:
        case What.ENTRY:
            dates: dict[str, Any] = {"entry_closes_at": saying.deadline(said, zone)}
            if said.last_day is not None:
                dates = {"entry_opens_at": saying.opening(said, zone), **dates}
            elif row is not None:
                dates = {"entry_opens_at": row.entry_opens_at, **dates}
            return dates
        case What.DAYS:
            span = saying.span(said, zone)
            making.check_days(span.starts_at, span.ends_at)
            return {"starts_at": span.starts_at, "ends_at": span.ends_at}
        case What.PUBLICITY:
            first = said.day
            least = making.last_day(calendar, first)
            until = said.last_day or least
            if until < least:
                raise PublicityTooShort(least)
            return {"publicity_from": first, "publicity_until": until}
    return {columns_of(what)[0]: saying.deadline(said, zone)}
