"""Reading a teacher's ledger under a profile: earned, counted, pending, and what is missing.

The order is that of domain/4-credit-rules.md §4.5 and matters: posted entries of the cycle, the
same content once, caps per item, caps and ceiling of each year, caps of the cycle, sums,
minima, what is missing, the forecast. Where a cap leaves room for only some, earlier entries
come first. Every amount that does not count carries the reasons.

All amounts are in the profile's unit, to a tenth; only ``hours`` of a line are always hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from storage.calendar.tables import SchoolYear
from storage.calendar.years import usual_school_year
from storage.credits import profiles
from storage.credits.ledger import BATCH, OCCASION, OPEN, REVERSAL, Entry, entries_of
from storage.credits.profiles import LEVELS, OR_ABOVE, Fixed, Profile, levels_of, plain_level
from storage.credits.tables import CreditCycle, CreditProfile, EntryState
from storage.moments import local_day
from storage.people.tables import Office, Teacher, TeacherFact, TeacherState
from storage.refusals import NotFound
from storage.training.tables import (
    LIVE,
    Batch,
    Programme,
    Registration,
    RegistrationState,
)

ZERO = Decimal(0)
LONG_SICK_LEAVE = "long_sick_leave"


class Rule(StrEnum):
    """Which rule kept an amount from counting."""

    REVERSED = "reversed"
    DUPLICATE = "duplicate"
    NEW_TEACHER_APART = "new_teacher_apart"
    NEW_TEACHER_UNFINISHED = "new_teacher_unfinished"
    NEW_TEACHER_FIXED = "new_teacher_fixed"
    ITEM_CAP = "item_cap"
    LEVEL_YEAR_CAP = "level_year_cap"
    CATEGORY_YEAR_CAP = "category_year_cap"
    KIND_YEAR_CAP = "kind_year_cap"
    YEAR_CEILING = "year_ceiling"
    LEVEL_CYCLE_CAP = "level_cycle_cap"
    CATEGORY_CYCLE_CAP = "category_cycle_cap"
    KIND_CYCLE_CAP = "kind_cycle_cap"


class Need(StrEnum):
    """Which requirement is not met yet."""

    TOTAL = "total"
    YEAR_FLOOR = "year_floor"
    LEVEL = "level"
    CATEGORY = "category"
    CATEGORY_YEAR = "category_year"
    ONCE = "once"
    DUTY = "duty"
    NEW_TEACHER = "new_teacher"


@dataclass(frozen=True, slots=True)
class Span:
    """A cycle or a year: both days belong to it."""

    code: str
    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for which ``lost`` of an entry does not count."""

    rule: Rule
    lost: Decimal
    limit: Decimal | None = None  # the cap, in the profile's unit
    subject: str = ""  # a level, category or cap; of a duplicate the title that counts instead
    year: str = ""
    level: str = ""  # of a duplicate: the level of what counts instead


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and what it counts for."""

    entry_id: int
    earned_on: date
    title: str
    level: str
    category: str
    mode: str
    state: EntryState
    hours: Decimal
    earned: Decimal
    counted: Decimal
    pending: Decimal
    rule_version: str
    why: tuple[Why, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A level or category, or several under one rule: its sums and its limits."""

    key: str
    earned: Decimal
    counted: Decimal
    pending: Decimal
    minimum: Decimal | None = None  # in the cycle
    maximum: Decimal | None = None  # in the cycle
    year_counted: Decimal = ZERO
    year_minimum: Decimal | None = None
    year_maximum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class YearStanding:
    """One year of the cycle; an exempt year has no floor."""

    span: Span
    earned: Decimal
    counted: Decimal
    pending: Decimal
    floor: Decimal | None
    floor_is_advice: bool
    ceiling: Decimal | None
    is_exempt: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A requirement that is not met yet, and until when there is time."""

    need: Need
    subject: str
    have: Decimal
    required: Decimal
    gap: Decimal
    by: date
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would be if everything pending is posted and every registration is completed."""

    registrations: int
    planned: Decimal  # what the registrations bring, before any cap
    counted: Decimal
    year_counted: Decimal
    missing: tuple[Missing, ...]
    is_enough: bool  # for the cycle
    year_is_enough: bool  # for this year's floor, also when it is advice


@dataclass(frozen=True, slots=True)
class NewTeacherStanding:
    """The training of the probation time, in hours, counted apart."""

    earned: Decimal
    pending: Decimal
    required: Decimal
    by: date | None  # unknown without a hire date
    split: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last years up to today, as inspections ask for them."""

    start: date
    end: date
    earned: Decimal
    counted: Decimal
    required: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """Everything that is to be said about a teacher's hours."""

    as_of: date
    profile_code: str
    profile_version: int
    profile_names: Mapping[str, str]  # by language
    source_note: str
    source_notes: Mapping[str, str]  # in other languages
    unit: str  # hour or credit
    cycle: Span
    total: Decimal
    earned: Decimal
    counted: Decimal
    pending: Decimal
    year: YearStanding
    years: tuple[YearStanding, ...]
    levels: tuple[Standing, ...]  # each level that has something, highest first
    level_groups: tuple[Standing, ...]  # as the profile groups levels, then the others
    categories: tuple[Standing, ...]
    lines: tuple[Line, ...]  # newest first; a reversed line stays, its mirror is left out
    missing: tuple[Missing, ...]  # most urgent first
    forecast: Forecast
    new_teacher: NewTeacherStanding | None
    rolling: Rolling | None
    appeal_days: int

    @property
    def gap(self) -> Decimal:
        """What the cycle's total still needs; never negative."""
        return max(self.total - self.counted, ZERO)


@dataclass(frozen=True, slots=True)
class Person:
    """What of a person the rules ask about."""

    hire_date: date | None = None
    duties: frozenset[str] = frozenset()
    exemptions: frozenset[tuple[str, str]] = frozenset()  # (reason, code of the year)


@dataclass(frozen=True, slots=True)
class Underway:
    """A registration that will bring hours when it is completed."""

    title: str
    level: str
    category: str
    mode: str
    hours: Decimal
    ends_on: date
    dedupe_group: str = ""


@dataclass(slots=True)
class _Count:
    """An entry while the rules are applied to it."""

    entry: Entry
    earned: Decimal
    counted: Decimal
    why: list[Why] = field(default_factory=list)

    def cut(self, to: Decimal, why: Why) -> None:
        if to < self.counted:
            self.why.append(replace(why, lost=self.counted - to))
            self.counted = to


@dataclass(frozen=True, slots=True)
class _Reading:
    """The counted entries of one window, and sums over them."""

    counts: tuple[_Count, ...]
    pending: tuple[tuple[Entry, Decimal], ...]
    reversed: tuple[Entry, ...]

    def earned(self, wanted: Callable[[Entry], bool]) -> Decimal:
        return sum((c.earned for c in self.counts if wanted(c.entry)), ZERO)

    def counted(self, wanted: Callable[[Entry], bool]) -> Decimal:
        return sum((c.counted for c in self.counts if wanted(c.entry)), ZERO)

    def waiting(self, wanted: Callable[[Entry], bool]) -> Decimal:
        return sum((amount for entry, amount in self.pending if wanted(entry)), ZERO)


def balance(
    entries: Iterable[Entry],
    profile: Profile,
    *,
    cycle: Span,
    years: Sequence[Span],
    today: date,
    person: Person | None = None,
    underway: Sequence[Underway] = (),
    known_years: Sequence[Span] = (),
) -> Balance:
    """Read the entries under the profile's rules.

    ``years`` divide the cycle (``years_between``). ``entries`` may reach back before the cycle,
    for the rolling report and for new teachers. A pure function: the same in, the same out.
    """
    who = person or Person()
    ledger = tuple(entries)
    reading = _read(ledger, profile, cycle, years, who)
    year = _year_of(years, today)
    missing = _missing(reading, ledger, profile, cycle, year, today, who)
    standings = tuple(_year_standing(reading, profile, span, who) for span in years)
    return Balance(
        as_of=today,
        profile_code=profile.code,
        profile_version=profile.version,
        profile_names=profile.names,
        source_note=profile.source_note,
        source_notes=profile.notes,
        unit=profile.unit,
        cycle=cycle,
        total=profile.total_required,
        earned=reading.earned(_any),
        counted=reading.counted(_any),
        pending=reading.waiting(_any),
        year=standings[list(years).index(year)],
        years=standings,
        levels=_levels(reading, year),
        level_groups=_level_groups(reading, profile, year),
        categories=_categories(reading, profile, year, who),
        lines=_lines(reading, profile),
        missing=missing,
        forecast=_forecast(ledger, underway, profile, cycle, years, today, who),
        new_teacher=_new_teacher(ledger, profile, today, who),
        rolling=_rolling(ledger, profile, today, who, known_years or years),
        appeal_days=profile.appeal_days,
    )


def balance_of(session: Session, teacher_id: int, *, now: datetime) -> Balance:
    """Return the teacher's balance under the office's profile and the cycle of today."""
    office = session.exec(select(Office)).one()
    teacher = session.get(Teacher, teacher_id)
    if teacher is None:
        raise NotFound("teacher")
    zone = ZoneInfo(office.timezone)
    today = local_day(now, zone)
    profile = profiles.current(session, office.credit_profile)
    known = tuple(
        Span(row.code, row.start, row.end)
        for row in session.exec(select(SchoolYear).order_by(col(SchoolYear.start)))
    )
    cycle = _kept_cycle(session, profile, today) or cycle_at(profile, today, known)
    years = years_between(cycle.start, cycle.end, profile.year_kind, known)
    reach = _back(today, max(profile.cycle.years, 5))
    since = min(day for day in (cycle.start, reach, teacher.hire_date) if day is not None)
    entries = entries_of(session, teacher_id, since=since, until=max(cycle.end, today))
    seated = [state for state in LIVE if state is not RegistrationState.WAITLISTED]
    completed = [
        plan
        for plan in _not_entered(session, teacher_id, zone, entries, [RegistrationState.COMPLETED])
        if plan.ends_on >= since and plan.hours
    ]
    return balance(
        [*entries, *_expected(entries, completed, EntryState.PENDING)],
        profile,
        cycle=cycle,
        years=years,
        today=today,
        person=_person(session, teacher, _year_of(years, today)),
        # A place in a queue is no ground for a forecast.
        underway=_not_entered(session, teacher_id, zone, entries, seated),
        known_years=known,
    )


def cycle_of(session: Session, *, now: datetime) -> Span:
    """Return the office's present cycle: the one it keeps, or its profile's own."""
    office = session.exec(select(Office)).one()
    today = local_day(now, ZoneInfo(office.timezone))
    profile = profiles.current(session, office.credit_profile)
    known = tuple(
        Span(row.code, row.start, row.end)
        for row in session.exec(select(SchoolYear).order_by(col(SchoolYear.start)))
    )
    return _kept_cycle(session, profile, today) or cycle_at(profile, today, known)


def years_between(
    start: date, end: date, kind: str, known: Sequence[Span] = ()
) -> tuple[Span, ...]:
    """Divide the days from ``start`` to ``end`` into school or calendar years.

    School years that the office's calendar knows are taken from it; others begin in September.
    """
    spans: list[Span] = []
    day = start
    while day <= end:
        span = _natural_year(day, kind, known)
        spans.append(Span(span.code, day, min(span.end, end)))
        day = spans[-1].end + timedelta(days=1)
    return tuple(spans)


def cycle_at(profile: Profile, today: date, known: Sequence[Span] = ()) -> Span:
    """Return the profile's own cycle around today, where the office has kept none.

    A rolling cycle, and a fixed one without a first day, is the last years up to the end of
    the present one.
    """
    length = profile.cycle.years
    start = profile.cycle.starts
    if profile.cycle.kind == "fixed" and start is not None:
        gone = today.year - start.year - (_in_year(start, today.year) > today)
        start = _in_year(start, start.year + gone // length * length)
        end = _in_year(start, start.year + length) - timedelta(days=1)
    else:
        end = _natural_year(today, profile.year_kind, known).end
        start = _back(end, length)
    return Span(f"{start.year}-{end.year}", start, end)


def _read(
    ledger: Sequence[Entry], profile: Profile, window: Span, years: Sequence[Span], who: Person
) -> _Reading:
    """Apply steps 1 to 5 to the entries of the window."""
    mirrored = {entry.reverses_id for entry in ledger if entry.reverses_id is not None}
    inside = sorted(
        (e for e in ledger if e.earned_on in window and e.reverses_id is None),
        key=lambda e: (e.earned_on, e.id),
    )
    undone = [e for e in inside if e.id in mirrored or e.state is EntryState.REVERSED]
    alive = [e for e in inside if e.id not in mirrored]
    counts = []
    for entry in alive:
        if entry.state is EntryState.POSTED:
            amount = _amount(profile, entry)
            counts.append(_Count(entry, amount, amount))
    if profile.dedupe == "highest_level":
        _once_each(counts)
    _new_teacher_apart(counts, ledger, profile, who)
    _item_caps(counts, profile)
    _year_caps(counts, profile, years)
    _cycle_caps(counts, profile)
    waiting = (EntryState.DISPUTED, *OPEN)
    return _Reading(
        counts=tuple(counts),
        pending=tuple((e, _amount(profile, e)) for e in alive if e.state in waiting),
        reversed=tuple(undone),
    )


def _once_each(counts: Sequence[_Count]) -> None:
    """Of the same content only the best occasion counts, whole: its lines add up."""
    contents: dict[str, dict[str, list[_Count]]] = {}
    for number, count in enumerate(counts):
        content, mark, occasion = count.entry.dedupe_group.partition(OCCASION)
        if content:
            # Without a mark each line is an occasion of its own.
            key = occasion if mark else f"{OCCASION}{number}"
            contents.setdefault(content, {}).setdefault(key, []).append(count)
    for occasions in contents.values():
        best = max(occasions.values(), key=_worth)
        kept = best[0].entry
        for lines in occasions.values():
            for count in lines if lines is not best else ():
                why = Why(Rule.DUPLICATE, ZERO, subject=kept.title, level=kept.level)
                count.cut(ZERO, why)


def _worth(lines: Sequence[_Count]) -> tuple[int, Decimal]:
    return max(_rank(c.entry.level) for c in lines), sum((c.earned for c in lines), ZERO)


def _new_teacher_apart(
    counts: Sequence[_Count], ledger: Sequence[Entry], profile: Profile, who: Person
) -> None:
    rule = profile.new_teacher
    if rule is None or rule.counts == "full":
        return
    own = [count for count in counts if _is_new_teacher_training(count.entry, profile, who)]
    if not isinstance(rule.counts, Fixed):
        for count in own:
            count.cut(ZERO, Why(Rule.NEW_TEACHER_APART, ZERO, limit=rule.hours))
    elif _new_teacher_hours(ledger, profile, who) < rule.hours:
        for count in own:
            count.cut(ZERO, Why(Rule.NEW_TEACHER_UNFINISHED, ZERO, limit=rule.hours))
    else:
        _fill(own, rule.counts.fixed, Why(Rule.NEW_TEACHER_FIXED, ZERO))


def _item_caps(counts: Sequence[_Count], profile: Profile) -> None:
    for cap in profile.limits():
        if cap.per_item is not None:
            why = Why(Rule.ITEM_CAP, ZERO, limit=cap.per_item, subject=cap.key)
            for count in counts:
                if _is_of_kind(count.entry, cap):
                    count.cut(min(count.counted, cap.per_item), why)


def _year_caps(counts: Sequence[_Count], profile: Profile, years: Sequence[Span]) -> None:
    for year in years:
        these = [count for count in counts if count.entry.earned_on in year]
        _caps(
            these,
            profile,
            year.code,
            (Rule.LEVEL_YEAR_CAP, Rule.CATEGORY_YEAR_CAP, Rule.KIND_YEAR_CAP),
        )
        if profile.yearly.ceiling is not None:
            _fill(these, profile.yearly.ceiling, Why(Rule.YEAR_CEILING, ZERO, year=year.code))


def _cycle_caps(counts: Sequence[_Count], profile: Profile) -> None:
    _caps(
        counts,
        profile,
        "",
        (Rule.LEVEL_CYCLE_CAP, Rule.CATEGORY_CYCLE_CAP, Rule.KIND_CYCLE_CAP),
    )


def _caps(
    counts: Sequence[_Count], profile: Profile, year: str, rules: tuple[Rule, Rule, Rule]
) -> None:
    """Apply the caps of one year, or of the cycle when ``year`` is empty."""
    by_level, by_category, by_kind = rules
    for key, level in profile.levels.items():
        limit = level.max_per_year if year else level.max_per_cycle
        these = [c for c in counts if _is_at(c.entry, key)]
        _fill(these, limit, Why(by_level, ZERO, subject=key, year=year))
    for key, category in profile.categories.items():
        limit = category.max_per_year if year else category.max_per_cycle
        these = [c for c in counts if _is_in(c.entry, key, profile)]
        _fill(these, limit, Why(by_category, ZERO, subject=key, year=year))
    for cap in profile.limits():
        limit = cap.per_year if year else cap.per_cycle
        these = [c for c in counts if _is_of_kind(c.entry, cap)]
        _fill(these, limit, Why(by_kind, ZERO, subject=cap.key, year=year))


def _fill(counts: Sequence[_Count], limit: Decimal | None, why: Why) -> None:
    """Let the entries count in their order until the limit is reached."""
    if limit is None:
        return
    room = limit
    for count in counts:
        count.cut(min(count.counted, room), replace(why, limit=limit))
        room -= count.counted


def _year_standing(reading: _Reading, profile: Profile, span: Span, who: Person) -> YearStanding:
    def within(entry: Entry) -> bool:
        return entry.earned_on in span

    exempt = _is_exempt(profile, span, who)
    return YearStanding(
        span=span,
        earned=reading.earned(within),
        counted=reading.counted(within),
        pending=reading.waiting(within),
        floor=None if exempt else profile.yearly.floor,
        floor_is_advice=profile.yearly.floor_mode == "warn",
        ceiling=profile.yearly.ceiling,
        is_exempt=exempt,
    )


def _standing(reading: _Reading, key: str, wanted: Callable[[Entry], bool], year: Span) -> Standing:
    return Standing(
        key=key,
        earned=reading.earned(wanted),
        counted=reading.counted(wanted),
        pending=reading.waiting(wanted),
        year_counted=reading.counted(lambda e: wanted(e) and e.earned_on in year),
    )


def _levels(reading: _Reading, year: Span) -> tuple[Standing, ...]:
    present = sorted({plain_level(e.level) for e in _entries(reading)}, key=_rank, reverse=True)
    return tuple(_standing(reading, level, _at(level), year) for level in present)


def _level_groups(reading: _Reading, profile: Profile, year: Span) -> tuple[Standing, ...]:
    grouped = [
        replace(
            _standing(reading, key, _at(key), year),
            minimum=rule.min,
            maximum=rule.max_per_cycle,
            year_maximum=rule.max_per_year,
        )
        for key, rule in profile.levels.items()
    ]
    covered = frozenset[str]().union(*(levels_of(key) for key in profile.levels))
    return (*grouped, *(s for s in _levels(reading, year) if s.key not in covered))


def _categories(
    reading: _Reading, profile: Profile, year: Span, who: Person
) -> tuple[Standing, ...]:
    exempt = _is_exempt(profile, year, who)
    ruled = [
        replace(
            _standing(reading, key, _of_category(key, profile), year),
            minimum=rule.min,
            maximum=rule.max_per_cycle,
            year_minimum=None if exempt else rule.min_per_year,
            year_maximum=rule.max_per_year,
        )
        for key, rule in profile.categories.items()
    ]
    covered = {name for key, rule in profile.categories.items() for name in (key, *rule.includes)}
    others = [
        _standing(reading, key, _of_category(key, profile), year)
        for key in sorted({e.category for e in _entries(reading)} - covered)
    ]
    return (*ruled, *sorted(others, key=lambda s: -s.earned))


def _lines(reading: _Reading, profile: Profile) -> tuple[Line, ...]:
    lines = [
        _line(c.entry, earned=c.earned, counted=c.counted, why=tuple(c.why)) for c in reading.counts
    ]
    lines += [_line(entry, pending=amount) for entry, amount in reading.pending]
    for entry in reading.reversed:
        why = Why(Rule.REVERSED, _amount(profile, entry))
        lines.append(replace(_line(entry, why=(why,)), state=EntryState.REVERSED))
    return tuple(sorted(lines, key=lambda line: (line.earned_on, line.entry_id), reverse=True))


def _line(
    entry: Entry,
    *,
    earned: Decimal = ZERO,
    counted: Decimal = ZERO,
    pending: Decimal = ZERO,
    why: tuple[Why, ...] = (),
) -> Line:
    return Line(
        entry_id=entry.id,
        earned_on=entry.earned_on,
        title=entry.title,
        level=plain_level(entry.level),
        category=entry.category,
        mode=entry.mode,
        state=entry.state,
        hours=entry.hours,
        earned=earned,
        counted=counted,
        pending=pending,
        rule_version=entry.rule_version,
        why=why,
    )


def _missing(
    reading: _Reading,
    ledger: Sequence[Entry],
    profile: Profile,
    cycle: Span,
    year: Span,
    today: date,
    who: Person,
) -> tuple[Missing, ...]:
    found: list[Missing] = []

    def need(
        what: Need,
        subject: str,
        have: Decimal,
        required: Decimal | None,
        by: date,
        *,
        is_advice: bool = False,
    ) -> None:
        if required is not None and have < required:
            gap = required - have
            found.append(Missing(what, subject, have, required, gap, by, is_advice))

    def this_year(wanted: Callable[[Entry], bool]) -> Decimal:
        return reading.counted(lambda e: wanted(e) and e.earned_on in year)

    need(Need.TOTAL, "", reading.counted(_any), profile.total_required, cycle.end)
    for key, level in profile.levels.items():
        need(Need.LEVEL, key, reading.counted(_at(key)), level.min, cycle.end)
    for key, category in profile.categories.items():
        wanted = _of_category(key, profile)
        advice = category.mode == "warn"
        have = reading.counted(wanted)
        need(Need.CATEGORY, key, have, category.min, cycle.end, is_advice=advice)
        if not _is_exempt(profile, year, who):
            minimum = category.min_per_year
            have = this_year(wanted)
            need(Need.CATEGORY_YEAR, key, have, minimum, year.end, is_advice=advice)
    if not _is_exempt(profile, year, who):
        advice = profile.yearly.floor_mode == "warn"
        floor = profile.yearly.floor
        need(Need.YEAR_FLOOR, year.code, this_year(_any), floor, year.end, is_advice=advice)
    for block in profile.once_per_cycle:
        fitting = [c.earned for c in reading.counts if not block.mode or c.entry.mode == block.mode]
        have = max(fitting, default=ZERO) if block.uninterrupted else sum(fitting, ZERO)
        need(Need.ONCE, block.key, have, block.hours, cycle.end)
    for name, duty in profile.duty.items():
        if name in who.duties:
            have = reading.counted(_of_category(name, profile))
            need(Need.DUTY, name, have, duty.hours_per_cycle, cycle.end)
    novice = _new_teacher(ledger, profile, today, who)
    if novice is not None and novice.by is not None and today <= novice.by:
        need(Need.NEW_TEACHER, "", novice.earned, novice.required, novice.by)
    return tuple(sorted(found, key=lambda m: (m.by, m.is_advice, -m.gap)))


def _forecast(
    ledger: Sequence[Entry],
    underway: Sequence[Underway],
    profile: Profile,
    cycle: Span,
    years: Sequence[Span],
    today: date,
    who: Person,
) -> Forecast:
    waiting = (EntryState.DISPUTED, *OPEN)
    posted = [replace(e, state=EntryState.POSTED) if e.state in waiting else e for e in ledger]
    expected = _expected(ledger, underway, EntryState.POSTED)
    whole = [*posted, *expected]
    reading = _read(whole, profile, cycle, years, who)
    year = _year_of(years, today)
    missing = _missing(reading, whole, profile, cycle, year, today, who)
    year_standing = _year_standing(reading, profile, year, who)
    floor = year_standing.floor
    inside = [e for e in expected if e.earned_on in cycle]
    return Forecast(
        registrations=len(inside),
        planned=sum((_amount(profile, e) for e in inside), ZERO),
        counted=reading.counted(_any),
        year_counted=year_standing.counted,
        missing=missing,
        is_enough=not any(not m.is_advice for m in missing),
        year_is_enough=floor is None or year_standing.counted >= floor,
    )


def _expected(ledger: Sequence[Entry], plans: Sequence[Underway], state: EntryState) -> list[Entry]:
    """Lines for hours that nobody has entered.

    Their ids are beyond all others: where a cap leaves room for one of two, it is what came first.
    """
    first = max((entry.id for entry in ledger), default=0) + 1
    return [
        Entry(
            id=first + number,
            teacher_id=0,
            earned_on=plan.ends_on,
            level=plan.level,
            category=plan.category,
            hours=plan.hours,
            title=plan.title,
            source_kind="registration",
            source_id=0,
            mode=plan.mode,
            rule="",
            rule_version="",
            dedupe_group=plan.dedupe_group,
            evidence="",
            state=state,
            reverses_id=None,
            posted_at=None,
        )
        for number, plan in enumerate(plans)
    ]


def _new_teacher(
    ledger: Sequence[Entry], profile: Profile, today: date, who: Person
) -> NewTeacherStanding | None:
    rule = profile.new_teacher
    if rule is None:
        return None
    earned = _new_teacher_hours(ledger, profile, who)
    waiting = _new_teacher_hours(ledger, profile, who, (EntryState.DISPUTED, *OPEN))
    by = None if who.hire_date is None else _probation_end(who.hire_date, rule.within_months)
    if (by is None or today > by) and not earned and not waiting:
        return None
    return NewTeacherStanding(earned, waiting, rule.hours, by, tuple(rule.split.items()))


def _new_teacher_hours(
    ledger: Sequence[Entry],
    profile: Profile,
    who: Person,
    states: Sequence[EntryState] = (EntryState.POSTED,),
) -> Decimal:
    mirrored = {entry.reverses_id for entry in ledger}
    return sum(
        (
            e.hours
            for e in ledger
            if e.state in states
            and e.reverses_id is None
            and e.id not in mirrored
            and _is_new_teacher_training(e, profile, who)
        ),
        ZERO,
    )


def _is_new_teacher_training(entry: Entry, profile: Profile, who: Person) -> bool:
    """New-teacher training counts apart until the probation time is over, then like any other."""
    rule = profile.new_teacher
    if rule is None or entry.category not in rule.categories:
        return False
    if who.hire_date is None:
        return True
    return entry.earned_on <= _probation_end(who.hire_date, rule.within_months)


def _rolling(
    ledger: Sequence[Entry], profile: Profile, today: date, who: Person, known: Sequence[Span]
) -> Rolling | None:
    if not profile.cycle.also_rolling_report:
        return None
    window = Span("", _back(today, profile.cycle.years), today)
    years = years_between(window.start, window.end, profile.year_kind, known)
    reading = _read(ledger, profile, window, years, who)
    return Rolling(
        start=window.start,
        end=window.end,
        earned=reading.earned(_any),
        counted=reading.counted(_any),
        required=profile.total_required,
    )


def _kept_cycle(session: Session, profile: Profile, today: date) -> Span | None:
    row = session.exec(
        select(CreditCycle)
        .join(CreditProfile, col(CreditProfile.id) == CreditCycle.profile_id)
        .where(
            CreditProfile.code == profile.code,
            col(CreditCycle.start) <= today,
            col(CreditCycle.end) >= today,
        )
        .order_by(col(CreditCycle.start).desc())
        .limit(1)
    ).first()
    return None if row is None else Span(row.code, row.start, row.end)


def _person(session: Session, teacher: Teacher, year: Span) -> Person:
    """Duties and exemptions stand among the facts; an exemption's value is ``reason:year``."""
    facts = session.exec(
        select(TeacherFact.key, TeacherFact.value).where(
            TeacherFact.teacher_id == teacher.id, col(TeacherFact.key).in_(["duty", "exemption"])
        )
    ).all()
    exempt = {
        (reason, code)
        for key, value in facts
        if key == "exemption"
        for reason, _, code in [value.partition(":")]
    }
    if teacher.state is TeacherState.LONG_LEAVE:
        exempt.add((LONG_SICK_LEAVE, year.code))
    return Person(
        hire_date=teacher.hire_date,
        duties=frozenset(value for key, value in facts if key == "duty"),
        exemptions=frozenset(exempt),
    )


def _not_entered(
    session: Session,
    teacher_id: int,
    zone: ZoneInfo,
    entries: Sequence[Entry],
    states: Sequence[RegistrationState],
) -> tuple[Underway, ...]:
    """Registrations in these states of which no hours stand, and none were taken back by hand."""
    rows = session.exec(
        select(Batch, Programme)
        .join(Registration, col(Registration.batch_id) == Batch.id)
        .join(Programme, col(Programme.id) == Batch.programme_id)
        .where(Registration.teacher_id == teacher_id, col(Registration.state).in_(states))
        .order_by(col(Batch.ends_at), col(Batch.id))
    ).all()
    entered = {
        entry.source_id if entry.source_kind == BATCH else entry.batch_id
        for entry in entries
        if entry.state is not EntryState.REVERSED or entry.source_kind == REVERSAL
    }
    return tuple(
        Underway(
            title=programme.title,
            level=programme.level,
            category=programme.category,
            mode=programme.mode,
            hours=programme.planned_hours,
            ends_on=local_day(batch.ends_at, zone),
            dedupe_group=f"programme:{programme.id}",
        )
        for batch, programme in rows
        if batch.id not in entered
    )


def _any(_entry: Entry) -> bool:
    return True


def _entries(reading: _Reading) -> list[Entry]:
    return [c.entry for c in reading.counts] + [entry for entry, _ in reading.pending]


def _amount(profile: Profile, entry: Entry) -> Decimal:
    return profile.amount(entry.hours, level=plain_level(entry.level), mode=entry.mode)


def _rank(level: str) -> int:
    plain = plain_level(level)
    return LEVELS.index(plain) if plain in LEVELS else -1


def _is_at(entry: Entry, key: str) -> bool:
    if plain_level(key.removesuffix(OR_ABOVE)) not in LEVELS:
        return entry.level == key
    return plain_level(entry.level) in levels_of(key)


def _at(key: str) -> Callable[[Entry], bool]:
    return lambda entry: _is_at(entry, key)


def _is_in(entry: Entry, key: str, profile: Profile) -> bool:
    rule = profile.categories.get(key)
    return entry.category == key or (rule is not None and entry.category in rule.includes)


def _of_category(key: str, profile: Profile) -> Callable[[Entry], bool]:
    return lambda entry: _is_in(entry, key, profile)


def _is_of_kind(entry: Entry, cap: profiles.Cap) -> bool:
    return all(
        not wanted or wanted == given
        for wanted, given in (
            (cap.source_kind, entry.source_kind),
            (cap.rule, entry.rule),
            (plain_level(cap.level), plain_level(entry.level)),
            (cap.category, entry.category),
            (cap.mode, entry.mode),
        )
    )


def _is_exempt(profile: Profile, year: Span, who: Person) -> bool:
    return any((reason, year.code) in who.exemptions for reason in profile.exemptions)


def _year_of(years: Sequence[Span], day: date) -> Span:
    """Return the year of the day; outside the cycle the nearest one."""
    for year in years:
        if day <= year.end:
            return year
    return years[-1]


def _natural_year(day: date, kind: str, known: Sequence[Span]) -> Span:
    if kind == "calendar":
        return Span(str(day.year), date(day.year, 1, 1), date(day.year, 12, 31))
    for span in known:
        if day in span:
            return span
    usual = usual_school_year(day)
    # A guessed year ends where a known one begins, so that no day belongs to two.
    later = min((s.start for s in known if day < s.start <= usual.end), default=None)
    end = usual.end if later is None else later - timedelta(days=1)
    return Span(usual.code, usual.start, end)


def _in_year(day: date, year: int) -> date:
    """Return the same day of another year; the 29th of February becomes the 1st of March."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _back(day: date, years: int) -> date:
    """Return the first day of the ``years`` years that end with ``day``."""
    return _in_year(day, day.year - years) + timedelta(days=1)


def _probation_end(hired: date, months: int) -> date:
    """Return the last day of the months that begin with the hire date."""
    years, month = divmod(hired.month - 1 + months, 12)
    first = date(hired.year + years, month + 1, 1)
    return first + timedelta(days=hired.day - 1) - timedelta(days=1)
