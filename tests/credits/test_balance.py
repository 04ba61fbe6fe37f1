"""Reading the ledger: worked examples for each profile, and what holds for every ledger."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from storage.credits import ledger, profiles
from storage.credits.balance import (
    Balance,
    Missing,
    Need,
    Person,
    Rule,
    Span,
    Underway,
    balance_of,
    years_between,
)
from storage.credits.ledger import Entry, NewEntry
from storage.credits.profiles import Profile, bundled
from storage.credits.tables import EntryState
from storage.database import Database
from storage.people.tables import TeacherFact, TeacherState
from storage.refusals import NotFound
from storage.training.tables import Registration, RegistrationState
from tests import make
from tests.credits.entries import TODAY, entry, of, read
from tests.make import NOW

NOVICE = Person(hire_date=date(2026, 9, 1))


def needs(facts: Balance) -> list[Any]:
    return [(m.need, m.subject, m.gap) for m in facts.missing]


def only_why(facts: Balance) -> dict[str, Any]:
    return {line.title: [(w.rule, w.lost) for w in line.why] for line in facts.lines if line.why}


# The worked examples, one after another as a person would do the sum on paper.


def test_an_empty_ledger_lacks_everything_the_nearest_first() -> None:
    facts = read([])
    assert of(facts.earned, facts.counted, facts.pending, facts.gap) == (0, 0, 0, 360)
    assert needs(facts) == [
        (Need.YEAR_FLOOR, "2026-2027", 72),
        (Need.CATEGORY_YEAR, "ethics", 8),
        (Need.TOTAL, "", 360),
        (Need.LEVEL, "county_or_above", 180),
    ]


def test_default_school_based_hours_count_24_a_year_the_earlier_ones_first() -> None:
    early = entry(20, level="school", earned_on=date(2026, 9, 10), title="early")
    late = entry("9.5", level="school", earned_on=date(2026, 10, 10), title="late")
    facts = read([late, early])
    assert of(facts.earned, facts.counted) == (Decimal("29.5"), 24)
    assert only_why(facts) == {"late": [(Rule.LEVEL_YEAR_CAP, Decimal("5.5"))]}
    line = next(line for line in facts.lines if line.title == "late")
    assert of(line.why[0].limit, line.why[0].subject, line.why[0].year) == (
        24,
        "school",
        "2026-2027",
    )


def test_default_school_based_hours_count_120_a_cycle() -> None:
    yearly = [
        entry(24, level="school", earned_on=date(2026 + n, 10, 10), title=str(n)) for n in range(5)
    ]
    profile = bundled()["cn-default"]
    tight = profile.model_copy(
        update={
            "levels": profile.levels
            | {"school": profiles.LevelRule(max_per_year=Decimal(24), max_per_cycle=Decimal(100))}
        }
    )
    assert read(yearly, tight, today=date(2031, 1, 1)).counted == 100
    facts = read(yearly, today=date(2031, 1, 1))
    assert facts.counted == 120
    assert [year.counted for year in facts.years] == [24] * 5


def test_the_same_content_counts_once_at_the_highest_level() -> None:
    county = entry(20, dedupe_group="x", title="county")
    city = entry(8, level="city", dedupe_group="x", title="city")
    facts = read([county, city])
    assert facts.counted == 8
    assert only_why(facts) == {"county": [(Rule.DUPLICATE, 20)]}
    off = bundled()["cn-default"].model_copy(update={"dedupe": "off"})
    assert read([county, city], off).counted == 28


def test_what_counts_once_leaves_room_under_a_cap() -> None:
    # Dedupe comes before caps: the duplicate does not use up the school's 24 hours.
    first = entry(24, level="school", dedupe_group="x", earned_on=date(2026, 9, 5))
    better = entry(24, dedupe_group="x", earned_on=date(2026, 9, 6))
    other = entry(10, level="school", earned_on=date(2026, 9, 7))
    assert read([first, better, other]).counted == 34


def test_zhejiang_a_year_counts_up_to_144_and_asks_for_a_block_of_90() -> None:
    facts = read([entry(100), entry(60)], "cn-zhejiang-like")
    assert of(facts.earned, facts.counted) == (160, 144)
    assert facts.missing[-1].need is not Need.LEVEL
    assert (Need.TOTAL, "", 216) in needs(facts)
    assert Need.ONCE not in {need for need, _, _ in needs(facts)}
    in_parts = read([entry(50), entry(50, earned_on=date(2026, 10, 21))], "cn-zhejiang-like")
    assert (Need.ONCE, "block90", 40) in needs(in_parts)
    remote = read([entry(100, mode="remote")], "cn-zhejiang-like")
    assert (Need.ONCE, "block90", 90) in needs(remote)


def test_jiangsu_open_lessons_count_6_each_and_18_in_all() -> None:
    lessons = [entry(8, rule="open_lesson", title=f"lesson {n}") for n in range(4)]
    facts = read(lessons, "cn-jiangsu-like")
    assert of(facts.earned, facts.counted) == (32, 18)
    assert only_why(facts)["lesson 0"] == [(Rule.ITEM_CAP, 2)]
    assert only_why(facts)["lesson 3"] == [(Rule.ITEM_CAP, 2), (Rule.KIND_CYCLE_CAP, 6)]
    school = read([entry(40, level="school")], "cn-jiangsu-like")
    assert school.counted == 40
    assert (Need.LEVEL, "county_or_above", 180) in needs(school)


def test_shanghai_counts_credits_by_category_and_level() -> None:
    facts = read(
        [
            entry(45, category="ethics", level="city"),
            entry(33, category="ict"),
            entry(4, category="自主研修", level="school"),
        ],
        "cn-shanghai-145",
    )
    assert facts.unit == "credit"
    assert facts.cycle == Span("2026-2030", date(2026, 1, 1), date(2030, 12, 31))
    assert of(facts.counted, facts.gap) == (Decimal("8.2"), Decimal("27.8"))
    assert {s.key: s.counted for s in facts.categories} == {
        "师德素养": Decimal("4.5"),
        "知识技能": Decimal("3.3"),
        "实践体验": 0,
        "自主研修": Decimal("0.4"),
    }
    assert (Need.LEVEL, "district", Decimal("6.7")) in needs(facts)
    assert facts.year.floor is None


def test_shandong_new_teacher_training_gives_72_once_all_120_hours_are_there() -> None:
    half = [entry(60, category="pre_service", title="half")]
    facts = read(half, "cn-shandong-like", person=NOVICE)
    assert of(facts.earned, facts.counted) == (60, 0)
    assert only_why(facts) == {"half": [(Rule.NEW_TEACHER_UNFINISHED, 60)]}
    whole = [*half, entry(60, category="pre_service", title="rest")]
    facts = read(whole, "cn-shandong-like", person=NOVICE)
    assert of(facts.earned, facts.counted) == (120, 72)
    assert only_why(facts) == {"rest": [(Rule.NEW_TEACHER_FIXED, 48)]}


def test_shandong_class_teachers_need_30_hours_of_their_own() -> None:
    who = Person(duties=frozenset({"homeroom"}))
    facts = read([entry(12, category="homeroom")], "cn-shandong-like", person=who)
    assert (Need.DUTY, "homeroom", 18) in needs(facts)
    assert Need.DUTY not in {need for need, _, _ in needs(read([], "cn-shandong-like"))}


def test_hong_kong_reads_three_years_and_wants_30_core_hours() -> None:
    old = entry(50, earned_on=date(2024, 9, 1))
    older = entry(50, earned_on=date(2024, 8, 31))
    facts = read([old, older, entry(10, category="core")], "hk-cpd")
    assert facts.cycle == Span("2024-2027", date(2024, 9, 1), date(2027, 8, 31))
    assert facts.counted == 60
    assert needs(facts) == [(Need.TOTAL, "", 90), (Need.CATEGORY, "core", 20)]


def test_new_teacher_training_counts_apart_until_the_probation_time_is_over() -> None:
    within = entry(60, category="pre_service", title="within")
    after = entry(60, category="new_teacher_completion", earned_on=date(2027, 9, 1))
    facts = read([within, after, entry(8)], person=NOVICE)
    assert facts.counted == 68
    assert facts.new_teacher is not None
    assert of(facts.new_teacher.earned, facts.new_teacher.required) == (60, 120)
    assert facts.new_teacher.by == date(2027, 8, 31)
    assert (Need.NEW_TEACHER, "", 60) in needs(facts)
    assert read([entry(8)], person=Person(hire_date=date(2010, 9, 1))).new_teacher is None


def test_pending_and_disputed_hours_are_shown_apart() -> None:
    facts = read(
        [
            entry(8),
            entry(4, state=EntryState.PENDING),
            entry(2, state=EntryState.SCHOOL_CONFIRMED),
            entry(1, state=EntryState.DISPUTED),
        ]
    )
    assert of(facts.earned, facts.counted, facts.pending) == (8, 8, 7)
    assert facts.forecast.counted == 15


def test_a_reversed_entry_is_nothing_however_it_was_marked() -> None:
    wrong = entry(30, state=EntryState.REVERSED, dedupe_group="x", title="wrong")
    mirror = entry(-30, state=EntryState.REVERSED, dedupe_group="x", reverses_id=wrong.id)
    right = entry(10, dedupe_group="x", level="school")
    facts = read([wrong, mirror, right])
    assert of(facts.earned, facts.counted) == (10, 10)
    assert only_why(facts) == {"wrong": [(Rule.REVERSED, 30)]}
    plain = [entry(30), entry(8)]
    posted_mirror = entry(-30, reverses_id=plain[0].id)
    assert read([*plain, posted_mirror]).earned == 8


def test_an_exempt_year_has_no_floor_but_the_total_stays() -> None:
    who = Person(exemptions=frozenset({("maternity", "2026-2027")}))
    facts = read([], person=who)
    assert facts.year.is_exempt
    assert [need for need, _, _ in needs(facts)] == [Need.TOTAL, Need.LEVEL]
    other = Person(exemptions=frozenset({("travel", "2026-2027")}))
    assert not read([], person=other).year.is_exempt


def test_what_is_due_first_is_said_first_and_duties_before_advice() -> None:
    facts = read([], person=NOVICE)
    order = [(m.need, m.is_advice) for m in facts.missing]
    assert order == [
        (Need.NEW_TEACHER, False),
        (Need.YEAR_FLOOR, True),
        (Need.CATEGORY_YEAR, True),
        (Need.TOTAL, False),
        (Need.LEVEL, False),
    ]


def test_the_forecast_obeys_the_same_caps() -> None:
    plans = (
        Underway("校本", "school", "school_based", "face_to_face", Decimal(24), date(2026, 12, 1)),
        Underway("网络", "national", "post_skill", "remote", Decimal(80), date(2026, 12, 25)),
        Underway("明年", "county", "ethics", "live", Decimal(8), date(2027, 10, 1)),
        Underway("后来", "county", "ethics", "live", Decimal(8), date(2040, 10, 1)),
    )
    facts = read([entry(10, level="school")], underway=plans)
    assert facts.counted == 10
    forecast = facts.forecast
    assert of(forecast.registrations, forecast.planned) == (3, 112)
    assert of(forecast.counted, forecast.year_counted) == (112, 104)
    assert forecast.year_is_enough
    assert not forecast.is_enough


def test_the_rolling_report_looks_five_years_back_whatever_the_cycle_is() -> None:
    before = entry(70, earned_on=date(2021, 11, 21))
    too_old = entry(70, earned_on=date(2021, 11, 20))
    facts = read([before, too_old, entry(10)])
    assert facts.counted == 10
    assert facts.rolling is not None
    assert of(facts.rolling.start, facts.rolling.counted) == (date(2021, 11, 21), 80)


def test_years_follow_the_calendar_that_the_office_keeps() -> None:
    odd = Span("2027-2028", date(2027, 8, 30), date(2028, 8, 27))
    years = years_between(date(2026, 9, 1), date(2029, 8, 31), "school_year", (odd,))
    assert [(y.code, y.start, y.end) for y in years] == [
        ("2026-2027", date(2026, 9, 1), date(2027, 8, 29)),
        ("2027-2028", date(2027, 8, 30), date(2028, 8, 27)),
        ("2027-2028", date(2028, 8, 28), date(2028, 8, 31)),
        ("2028-2029", date(2028, 9, 1), date(2029, 8, 31)),
    ]


# What holds for every ledger under every profile.

# Few days, so that lines meet in a year; a profile whose every cap is within their reach.
DAYS = st.dates(date(2026, 6, 1), date(2028, 8, 31))
TIGHT = profiles.read(
    """
    code: tight
    extends: cn-default
    yearly: {ceiling: 90}
    levels:
      school: {max_per_year: 10, max_per_cycle: 12}
      county_or_above: {max_per_cycle: 50}
    categories: {ict: {max_per_year: 15, max_per_cycle: 20}}
    roles: {enabled: true, open_lesson: {level: county, hours: 6, cap: 8}}
    """
)
RULES = st.sampled_from([*bundled().values(), TIGHT, TIGHT, TIGHT])
LEVELS = st.sampled_from(["national", "provincial", "city", "county", "district", "school", "odd"])
CATEGORIES = st.sampled_from(["ethics", "post_skill", "pre_service", "homeroom", "core", "ict"])
TENTHS = st.integers(0, 900).map(lambda tenths: Decimal(tenths) / 10)


@st.composite
def ledgers(draw: st.DrawFn) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, draw(st.integers(0, 20)) + 1):
        made = entry(
            draw(TENTHS),
            id=number,
            earned_on=draw(DAYS),
            level=draw(LEVELS),
            category=draw(CATEGORIES),
            mode=draw(st.sampled_from(["face_to_face", "remote"])),
            rule=draw(st.sampled_from(["programme_completed", "open_lesson"])),
            dedupe_group=draw(st.sampled_from(["", "", "a", "b"])),
            state=draw(st.sampled_from([EntryState.POSTED] * 6 + list(EntryState))),
        )
        entries.append(made)
    return entries


@settings(max_examples=150, deadline=None)
@given(
    entries=ledgers(),
    profile=RULES,
    today=DAYS,
    hired=st.none() | DAYS,
)
def test_counted_is_never_more_than_earned_nor_than_any_cap(
    entries: list[Entry], profile: Profile, today: date, hired: date | None
) -> None:
    facts = read(entries, profile, today=today, person=Person(hire_date=hired))
    assert 0 <= facts.counted <= facts.earned
    for line in facts.lines:
        assert 0 <= line.counted <= line.earned
        if line.state is EntryState.POSTED:
            assert line.earned - line.counted == sum(w.lost for w in line.why)
    for year in facts.years:
        assert year.ceiling is None or year.counted <= year.ceiling
    for group in facts.level_groups:
        assert group.maximum is None or group.counted <= group.maximum
        assert group.year_maximum is None or group.year_counted <= group.year_maximum
    for category in facts.categories:
        assert category.maximum is None or category.counted <= category.maximum
        assert category.year_maximum is None or category.year_counted <= category.year_maximum
    for cap in profile.limits():
        lessons = [
            e.id for e in entries if e.rule == cap.rule and e.level in ("county", "district")
        ]
        counted = sum(line.counted for line in facts.lines if line.entry_id in lessons)
        assert cap.per_cycle is None or counted <= cap.per_cycle
        for line in facts.lines:
            assert line.entry_id not in lessons or line.counted <= (cap.per_item or line.counted)
    groups = {e.id: e.dedupe_group for e in entries if e.dedupe_group}
    counting = [groups[x.entry_id] for x in facts.lines if x.counted and x.entry_id in groups]
    assert len(counting) == len(set(counting))
    # Every sum is the sum of the lines: a figure can be traced.
    assert facts.counted == sum(line.counted for line in facts.lines)
    assert facts.counted == sum(level.counted for level in facts.levels)
    assert facts.counted == sum(year.counted for year in facts.years)
    assert facts.pending == sum(line.pending for line in facts.lines)
    for amount in (facts.earned, facts.counted, facts.pending):
        assert amount == amount.quantize(Decimal("0.1"))


@settings(max_examples=60, deadline=None)
@given(entries=ledgers(), profile=RULES, order=st.randoms())
def test_the_order_of_the_lines_does_not_matter(
    entries: list[Entry], profile: Profile, order: Any
) -> None:
    shuffled = list(entries)
    order.shuffle(shuffled)
    assert read(shuffled, profile) == read(entries, profile)


@settings(max_examples=60, deadline=None)
@given(entries=ledgers(), profile=RULES)
def test_a_line_and_its_mirror_are_as_if_neither_had_been(
    entries: list[Entry], profile: Profile
) -> None:
    wrong = entry(50, id=1000, dedupe_group="a", state=EntryState.REVERSED)
    mirror = entry(-50, id=1001, dedupe_group="a", reverses_id=1000, state=EntryState.REVERSED)
    without, with_both = read(entries, profile), read([*entries, wrong, mirror], profile)
    assert of(with_both.earned, with_both.counted, with_both.missing) == (
        without.earned,
        without.counted,
        without.missing,
    )


# From the database.


def person(session: Session) -> int:
    return make.teacher(session)


def new(teacher_id: int, source_id: int, **differs: Any) -> NewEntry:
    usual: dict[str, Any] = {
        "teacher_id": teacher_id,
        "earned_on": TODAY,
        "level": "county",
        "category": "ethics",
        "hours": Decimal(8),
        "title": "师德师风专题",
        "source_kind": "batch",
        "source_id": source_id,
    }
    return NewEntry(**usual | differs)


def seated(session: Session, batch_id: int, who: int, state: RegistrationState) -> None:
    session.add(
        Registration(
            batch_id=batch_id,
            teacher_id=who,
            unit_id_at=make.school(session),
            state=state,
            submitted_at=NOW,
            queued_at=NOW,
            changed_at=NOW,
        )
    )
    session.flush()


async def test_a_balance_is_read_with_pending_lines_and_registrations(
    database: Database,
) -> None:
    def prepare(session: Session) -> int:
        who = make.teacher(session)
        kept = profiles.keep_profile(session, bundled()["cn-default"])
        profiles.keep_cycle(
            session, kept.id, code="C2026", start=date(2026, 9, 1), end=date(2031, 8, 31)
        )
        ledger.post(session, new(who, 901), actor_id=None, now=NOW)
        ledger.pending(session, new(who, 902, hours=Decimal(4)), actor_id=None, now=NOW)
        seated(session, make.batch(session), who, RegistrationState.APPROVED)
        seated(session, make.batch(session), who, RegistrationState.WAITLISTED)
        done = make.batch(session)
        seated(session, done, who, RegistrationState.ATTENDING)
        ledger.post(session, new(who, done, hours=Decimal(16)), actor_id=None, now=NOW)
        return who

    who = await database.write(prepare)
    facts = await database.read(balance_of, who, now=NOW)
    assert facts.cycle.code == "C2026"
    assert of(facts.earned, facts.counted, facts.pending) == (24, 24, 4)
    assert of(facts.forecast.registrations, facts.forecast.counted) == (1, 36)


async def test_another_teachers_hours_are_not_mine(sqlite: Database) -> None:
    def prepare(session: Session) -> int:
        mine, theirs = make.teacher(session), make.teacher(session)
        ledger.post(session, new(theirs, 901), actor_id=None, now=NOW)
        return mine

    assert (await sqlite.read(balance_of, await sqlite.write(prepare), now=NOW)).earned == 0
    with pytest.raises(NotFound):
        await sqlite.read(balance_of, 999, now=NOW)


async def test_reversing_in_the_ledger_is_nothing_in_the_balance(database: Database) -> None:
    def prepare(session: Session) -> int:
        who = make.teacher(session)
        wrong = ledger.post(session, new(who, 901), actor_id=None, now=NOW)
        ledger.post(session, new(who, 901), actor_id=None, now=NOW)
        ledger.reverse(session, wrong.id, "误登", actor_id=None, now=NOW)
        return who

    facts = await database.read(balance_of, await database.write(prepare), now=NOW)
    assert of(facts.earned, facts.counted, facts.pending) == (0, 0, 0)
    assert [line.state for line in facts.lines] == [EntryState.REVERSED]


async def test_long_leave_and_facts_exempt_from_the_yearly_floor(sqlite: Database) -> None:
    def prepare(session: Session) -> tuple[int, int]:
        ill = make.teacher(session, state=TeacherState.LONG_LEAVE)
        mother = make.teacher(session)
        session.add(TeacherFact(teacher_id=mother, key="exemption", value="maternity:2026-2027"))
        return ill, mother

    for who in await sqlite.write(prepare):
        assert (await sqlite.read(balance_of, who, now=NOW)).year.is_exempt


async def test_the_local_day_decides_the_cycle(sqlite: Database) -> None:
    who = await sqlite.write(person)
    last_moment = NOW.replace(year=2031, month=8, day=31, hour=15, minute=59)
    before = await sqlite.read(balance_of, who, now=last_moment)
    after = await sqlite.read(balance_of, who, now=last_moment + timedelta(minutes=1))
    assert before.cycle.end == date(2031, 8, 31)
    assert after.cycle.start == date(2031, 9, 1)


def test_a_missing_requirement_adds_up() -> None:
    for missing in read([entry(7)]).missing:
        assert isinstance(missing, Missing)
        assert missing.have + missing.gap == missing.required
