"""Making a competition: from a few answers, or as a copy of an earlier one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import workdays
from storage.calendar.workdays import WorkCalendar
from storage.competitions import rights, usual, venues
from storage.competitions.tables import (
    Competition,
    CompetitionKind,
    CompetitionState,
    Round,
    RoundLevel,
    Track,
)
from storage.competitions.values import FEWEST_DAYS, LONGEST
from storage.moments import at, local_day
from storage.people import authority, offices
from storage.people.authority import MAY, Act
from storage.people.tables import Office, OrgUnit, Role, UnitKind
from storage.refusals import NotAllowed, Refusal
from storage.tables import Row
from storage.training.making import DatesNotInOrder, WrongValue

R = TypeVar("R", bound=Row)

ENDS = 17 * 60
MOST_TRACKS = 60
RESULT_AFTER = 2
"""Working days after a round by which its list is usually decided."""
FORWARD_AFTER = 3
"""Working days after the list by which a unit usually forwards."""

MOMENTS = (
    "entry_opens_at",
    "entry_closes_at",
    "material_due_at",
    "starts_at",
    "ends_at",
    "result_due_at",
    "forward_due_at",
)
DAYS = ("publicity_from", "publicity_until")


class NoLongerDraft(Refusal):
    """It is published: it can be cancelled, and not thrown away."""


@dataclass(frozen=True)
class Home:
    """A unit that somebody may hold competitions for."""

    unit_id: int
    name: str
    kind: str


@dataclass(frozen=True)
class RoundForm:
    """A round as it is to be; what is left out can be said on the draft."""

    name: str
    level: RoundLevel
    season: str = ""
    external: bool = False
    entry_opens_at: datetime | None = None
    entry_closes_at: datetime | None = None
    material_due_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    result_due_at: datetime | None = None
    publicity_from: date | None = None
    publicity_until: date | None = None
    forward_due_at: datetime | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Columns of its rules, where they are not the usual ones."""


@dataclass(frozen=True)
class TrackForm:
    """A track as it is to be."""

    title: str
    stage: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Form:
    """A competition as it is to be."""

    owner_unit_id: int
    title: str
    kind: CompetitionKind
    school_year: str
    tracks: tuple[TrackForm, ...]
    rounds: tuple[RoundForm, ...]
    more: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the competition that were said."""


def homes(session: Session, actor_id: int, *, now: datetime) -> tuple[Home, ...]:
    """Return the units that the actor may hold competitions for. Raises NotAllowed for none.

    A research officer first has the research office where they work, if their role reaches it.
    """
    today = local_day(now, offices.zone(session))
    found: dict[int, Home] = {}
    own = authority.unit_of(session, actor_id, today=today)
    for grant in authority.grants(session, actor_id, today=today):
        if Act.RUN_COMPETITION not in MAY[grant.role] or grant.batch_id is not None:
            continue
        unit_id = grant.unit_id or session.exec(select(Office.unit_id)).first()
        wanted = (own, unit_id) if grant.role is Role.RESEARCH_OFFICER else (unit_id,)
        for unit in (session.get(OrgUnit, each) for each in wanted if each is not None):
            if unit is None or (unit.id != unit_id and unit.kind is not UnitKind.RESEARCH_OFFICE):
                continue
            if authority.may(session, actor_id, Act.RUN_COMPETITION, unit.id, today=today):
                found.setdefault(unit.id, Home(unit.id, unit.name, unit.kind))
    if not found:
        raise NotAllowed
    return tuple(found.values())


def school_year(day: date) -> str:
    """Return the school year of a day, which begins in August: 2026-2027."""
    first = day.year if day.month >= 8 else day.year - 1
    return f"{first}-{first + 1}"


def create(
    session: Session, actor_id: int, form: Form, *, language: str = "zh_Hans", now: datetime
) -> int:
    """Write down a draft and return its id. What was not said is what is usual.

    Raises NotAllowed, WrongValue or DatesNotInOrder.
    """
    today = local_day(now, offices.zone(session))
    authority.check(session, actor_id, Act.RUN_COMPETITION, form.owner_unit_id, today=today)
    if not form.title or len(form.title) > LONGEST:
        raise WrongValue("title")
    if not re.fullmatch(r"\d{4}-\d{4}", form.school_year):
        raise WrongValue("school_year")
    if len(form.tracks) > MOST_TRACKS:
        raise WrongValue("tracks")
    row = Competition(
        code="",
        title=form.title,
        kind=form.kind,
        school_year=form.school_year,
        owner_unit_id=form.owner_unit_id,
        **{"awards": usual.awards(language), **form.more},
    )
    _add(session, row)
    for position, track in enumerate(form.tracks, 1):
        session.add(
            Track(
                competition_id=row.id,
                position=position,
                title=track.title,
                stage=track.stage,
                subject=track.subject,
            )
        )
    own = [each for each in form.rounds if not each.external]
    lines = usual.rubric(form.kind, language)
    for position, each in enumerate(form.rounds, 1):
        check_order(each)
        rules: dict[str, Any] = {}
        if each.external:
            rules["quota"] = {"each": 1, "units": {}}
        else:
            rules = {
                "materials": usual.materials(form.kind, language),
                "rubric": lines,
                "ties": usual.ties(lines),
                "quota": {} if each is own[-1] else dict(usual.QUOTA),
            }
        session.add(
            Round(
                competition_id=row.id,
                position=position,
                name=each.name,
                level=each.level,
                season=each.season,
                external=each.external,
                **{name: getattr(each, name) for name in (*MOMENTS, *DAYS)},
                **{**rules, **each.more},
            )
        )
    audit.record(session, actor_id, "make_competition", f"competition:{row.id}", now=now)
    session.flush()
    return row.id


def with_usual_dates(rounds: Iterable[RoundForm], calendar: WorkCalendar) -> tuple[RoundForm, ...]:
    """Return the rounds with what follows from their days: list, publicity, forwarding."""
    zone = calendar.zone
    found = list(rounds)
    own = [each for each in found if not each.external]
    done = []
    for each in found:
        if each.external or each.ends_at is None:
            done.append(each)
            continue
        last = local_day(each.ends_at, zone)
        result = calendar.shift(last, RESULT_AFTER)
        dates: dict[str, Any] = {}
        if each.result_due_at is None:
            dates["result_due_at"] = at(result, ENDS, zone)
        if each is own[-1]:
            if each.publicity_from is None:
                first = calendar.shift(result, 1)
                dates["publicity_from"] = first
                dates["publicity_until"] = last_day(calendar, first)
        elif each.forward_due_at is None:
            dates["forward_due_at"] = at(calendar.shift(result, FORWARD_AFTER), ENDS, zone)
        done.append(replace(each, **dates))
    return tuple(done)


def last_day(calendar: WorkCalendar, first: date) -> date:
    """Return the last day of a publicity that begins on this day and is as short as it may be."""
    day = calendar.workday_from(first)
    return calendar.shift(day, FEWEST_DAYS - 1)


def check_order(each: RoundForm | Round) -> None:
    """Raise DatesNotInOrder where one of a round's dates comes before one it must follow."""
    for earlier, later in (
        (each.entry_opens_at, each.entry_closes_at),
        (each.entry_closes_at, each.ends_at),
        (each.starts_at, each.ends_at),
        (each.starts_at, each.result_due_at),
        (each.material_due_at, each.ends_at),
        (each.result_due_at, each.forward_due_at),
    ):
        if earlier is not None and later is not None and later < earlier:
            raise DatesNotInOrder(earlier, later)


def check_days(first: datetime, last: datetime) -> None:
    """Raise DatesNotInOrder for days that would end before they begin."""
    if last < first:
        raise DatesNotInOrder(first, last)


def clone(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> int:
    """Copy a competition to the next year as a draft; return the new one's id.

    Its dates move by a year, those of a day off to the next working day, and its rules go
    along; nobody is entered. A copy that is still a draft is returned again. Raises NotFound
    or NotAllowed.
    """
    before = rights.check_organises(session, actor_id, competition_id, now=now)
    there = session.exec(
        select(Competition.id).where(
            Competition.cloned_from_id == before.id, Competition.state == CompetitionState.DRAFT
        )
    ).first()
    if there is not None:
        return there
    calendar = workdays.load(session)
    first = int(before.school_year[:4]) + 1 if before.school_year[:4].isdigit() else now.year
    row = _copied(
        before,
        title=next_title(before.title),
        school_year=f"{first}-{first + 1}",
        code="",
        state=CompetitionState.DRAFT,
        cloned_from_id=before.id,
        published_at=None,
        ended_at=None,
        reason="",
    )
    _add(session, row)
    for track in venues.tracks(session, before.id):
        session.add(_copied(track, competition_id=row.id))
    for round_ in venues.rounds(session, before.id):
        dates: dict[str, Any] = {
            name: _next_moment(getattr(round_, name), calendar) for name in MOMENTS
        }
        for name in DAYS:
            value = getattr(round_, name)
            dates[name] = None if value is None else calendar.workday_from(_next_year(value))
        if dates["publicity_from"] is not None:
            least = last_day(calendar, dates["publicity_from"])
            dates["publicity_until"] = max(dates["publicity_until"] or least, least)
        session.add(_copied(round_, competition_id=row.id, frozen_at=None, frozen_hash="", **dates))
    after = {"from": before.id}
    audit.record(
        session, actor_id, "copy_competition", f"competition:{row.id}", now=now, after=after
    )
    session.flush()
    return row.id


def discard(session: Session, actor_id: int, competition_id: int, *, now: datetime) -> bool:
    """Throw a draft away; False when that was done before.

    Raises NotAllowed, or NoLongerDraft for what is published.
    """
    if session.exec(select(Competition.id).where(Competition.id == competition_id)).first() is None:
        return False
    row = rights.check_organises(session, actor_id, competition_id, now=now)
    if row.state is not CompetitionState.DRAFT:
        raise NoLongerDraft
    for table in (Track, Round):
        session.exec(sa.delete(table).where(col(table.competition_id) == competition_id))
    session.exec(
        sa.update(Competition)
        .where(col(Competition.cloned_from_id) == competition_id)
        .values(cloned_from_id=None)
    )
    session.exec(sa.delete(Competition).where(col(Competition.id) == competition_id))
    before = {"title": row.title}
    audit.record(
        session,
        actor_id,
        "discard_competition",
        f"competition:{competition_id}",
        now=now,
        before=before,
    )
    session.flush()
    return True


def next_title(title: str) -> str:
    """Return the title of the next edition: 第十二届 becomes 第十三届, 2026 becomes 2027."""

    def edition(found: re.Match[str]) -> str:
        said = found[2]
        number = int(said) if said.isdigit() else _of_chinese(said)
        after = str(number + 1) if said.isdigit() else _chinese(number + 1)
        return f"{found[1]}{after}{found[3]}"

    done = re.sub(r"(第)(\d{1,3}|[一二三四五六七八九十]{1,3})([届屆])", edition, title)
    return re.sub(r"(?<!\d)(20\d{2})(?!\d)", lambda found: str(int(found[1]) + 1), done)


_DIGITS = "零一二三四五六七八九"


def _of_chinese(said: str) -> int:
    tens, ten, ones = said.rpartition("十")
    if not ten:
        return _DIGITS.index(said[-1])
    return (_DIGITS.index(tens[-1]) if tens else 1) * 10 + (_DIGITS.index(ones[-1]) if ones else 0)


def _chinese(number: int) -> str:
    if number >= 100:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if not tens else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def _add(session: Session, row: Competition) -> None:
    """Add a competition under a code of its own: the year and its number."""
    row.code = f"new-{row.owner_unit_id}-{row.school_year}"
    session.add(row)
    session.flush()
    row.code = f"C{row.school_year[:4]}-{row.id}"
    session.flush()


def _copied(row: R, **differs: Any) -> R:
    return type(row)(**row.model_dump(exclude={"id"}) | differs)


def _next_year(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day + timedelta(days=365)


def _next_moment(moment: datetime | None, calendar: WorkCalendar) -> datetime | None:
    if moment is None:
        return None
    local = moment.astimezone(calendar.zone)
    day = calendar.workday_from(_next_year(local.date()))
    return at(day, local.hour * 60 + local.minute, calendar.zone)
