"""Making, changing, publishing and cancelling competitions: the rules."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from handlers.competitions.editing import change_lines
from storage.competitions import (
    editing,
    publishing,
    round_cards,
    rules,
    values,
    venues,
    views,
)
from storage.competitions import (
    making as setting_up,
)
from storage.competitions.editing import What
from storage.competitions.making import Form, RoundForm, TrackForm
from storage.competitions.publishing import Check
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionKind,
    CompetitionState,
    RoundCard,
    RoundLevel,
    RoundState,
    RuleChange,
    VenueState,
)
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging.tables import Chat, ChatPurpose, Deadline, DeadlineState, OutboxMessage
from storage.people import roles
from storage.people.tables import Role, UnitKind
from storage.refusals import NotAllowed, OwnCase, Refusal
from storage.training.making import WrongValue
from tests import make
from tests.competitions import making
from tests.make import NOW

TODAY = NOW.date()
SOON = NOW + timedelta(days=1)


def coordinator(session: Session, name: str = "顾岩") -> int:
    who = make.teacher(session, name, at="教师发展中心")
    roles.appoint(session, who, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW)
    return who


def draft(session: Session, **differs: Any) -> Competition:
    return making.competition(session, begins=SOON, state=CompetitionState.DRAFT, **differs)


def told(session: Session, kind: str) -> list[int | None]:
    rows = session.exec(
        select(OutboxMessage.teacher_id)
        .where(OutboxMessage.kind == kind)
        .order_by(col(OutboxMessage.id))
    )
    return list(rows.all())


def refused(what: Callable[[], object]) -> type[Refusal] | None:
    try:
        what()
    except Refusal as refusal:
        return type(refusal)
    return None


async def test_publishing_freezes_the_rules_as_a_text_that_anybody_can_hash(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[bool, bool, list[str], list[tuple[str, str]]]:
        gu = coordinator(session)
        made = draft(session)
        first = publishing.publish(session, gu, made.id, now=NOW)
        again = publishing.publish(session, gu, made.id, now=NOW)
        session.commit()
        session.expire_all()
        kinds = session.exec(select(Deadline.kind).where(Deadline.state == DeadlineState.ACTIVE))
        found = []
        for round_ in venues.rounds(session, made.id):
            shown = rules.rules(session, round_.id)
            assert shown.intact
            found.append((shown.hash, hashlib.sha256(shown.text.encode()).hexdigest()))
        return first, again, sorted(set(kinds.all())), found

    first, again, kinds, hashes = await database.write(play)
    assert (first, again) == (True, False)
    assert {"entry_close", "publicity", "forward_due"} <= set(kinds)
    assert len(hashes) == 3
    assert all(kept == computed for kept, computed in hashes)
    assert len({kept for kept, _computed in hashes}) == 3


async def test_what_stands_in_the_way_is_found_before_publishing(database: Database) -> None:
    def play(session: Session) -> dict[str, set[Check]]:
        gu = coordinator(session)
        found: dict[str, set[Check]] = {}

        def look(name: str, change: Callable[[Competition], object]) -> None:
            made = draft(session, code=name)
            change(made)
            session.flush()
            checks = publishing.check(session, gu, made.id, now=NOW).findings
            found[name] = {each.check for each in checks}

        def of(position: int, **values_: Any) -> Callable[[Competition], None]:
            def change(made: Competition) -> None:
                round_ = venues.rounds(session, made.id)[position - 1]
                for key, value in values_.items():
                    setattr(round_, key, value)

            return change

        look("well", lambda made: None)
        look("over", of(1, entry_closes_at=NOW - timedelta(days=1), entry_opens_at=None))
        look("rubric", of(1, rubric=[]))
        look("ties", of(1, ties=["criterion:gone"]))
        look("drops", of(1, drops=1))
        look("silent", of(2, publicity_from=None, publicity_until=None))
        look("short", of(2, publicity_until=(SOON + timedelta(weeks=4, days=3)).date()))
        look("order", of(2, starts_at=SOON, ends_at=SOON))
        look("nobody", lambda made: setattr(made, "audience", {"tier": ["master_educator"]}))
        return found

    found = await database.write(play)
    blocks = {name: checks & publishing.BLOCKS for name, checks in found.items()}
    assert blocks == {
        "well": set(),
        "over": {Check.ENTRY_OVER},
        "rubric": {Check.NO_RUBRIC, Check.TIES},
        "ties": {Check.TIES},
        "drops": {Check.DROPS},
        "silent": {Check.NO_PUBLICITY},
        "short": {Check.SHORT_PUBLICITY},
        "order": {Check.ORDER},
        "nobody": {Check.NOBODY},
    }
    assert Check.ONE_ORGANISER in found["well"]


async def test_a_published_rule_changes_when_a_second_organiser_confirms_it(
    database: Database,
) -> None:
    def play(session: Session) -> dict[str, Any]:
        gu, liang = coordinator(session), coordinator(session, "梁素问")
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        lin = make.teacher(session, "林若溪")
        making.entry(session, made, lin)
        first = venues.rounds(session, made.id)[0]
        before = first.frozen_hash

        def change(what: What, text: str, who: int = gu) -> Any:
            return editing.change(session, who, made.id, what, text, round_id=first.id, now=NOW)

        def ask(what: What, text: str, reason: str = "评委已到位") -> Any:
            return editing.ask(session, gu, made.id, what, text, reason, round_id=first.id, now=NOW)

        found: dict[str, Any] = {"alone": refused(lambda: change(What.JUDGES, "5"))}
        found["no reason"] = refused(lambda: ask(What.JUDGES, "5", "  "))
        found["same"] = ask(What.JUDGES, "2")
        asked = ask(What.JUDGES, "5")
        found["twice"] = ask(What.JUDGES, "5") == asked
        found["another"] = refused(lambda: ask(What.JUDGES, "7"))
        found["asker"] = refused(lambda: editing.settle(session, gu, asked, True, now=NOW))
        found["stranger"] = refused(lambda: editing.settle(session, lin, asked, True, now=NOW))
        found["unchanged"] = first.judges, first.frozen_hash == before
        found["waits"] = [editing.waits(session, who, now=NOW)[0].count for who in (gu, liang, lin)]
        editing.settle(session, liang, asked, True, now=NOW)
        editing.settle(session, liang, asked, True, now=NOW)
        found["changed"] = first.judges, first.frozen_hash == before
        shown = rules.rules(session, first.id)
        found["shown"] = shown.intact, [each.reason for each in shown.changes]
        found["asked of"] = told(session, editing.ASKED) == [liang]
        found["told"] = told(session, editing.RULES) == [lin]
        return found

    found = await database.write(play)
    assert found == {
        "alone": editing.NeedsSecond,
        "no reason": editing.ReasonWrong,
        "same": None,
        "twice": True,
        "another": editing.AlreadyAsked,
        "asker": OwnCase,
        "stranger": NotAllowed,
        "unchanged": (2, True),
        "waits": [0, 1, 0],
        "changed": (5, False),
        "shown": (True, ["评委已到位"]),
        "asked of": True,
        "told": True,
    }


async def test_the_rules_of_a_round_whose_order_is_drawn_stay(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        gu, liang = coordinator(session), coordinator(session, "梁素问")
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        _entry, place = making.entry(session, made, make.teacher(session, "林若溪"))
        first = venues.rounds(session, made.id)[0]
        asked = editing.ask(
            session, gu, made.id, What.TIES, "抽签", "简化", round_id=first.id, now=NOW
        )
        assert asked is not None
        assert place is not None
        venue = venues.venue_for(
            session, first, make.school(session), venues.tracks(session, made.id)[0].id, now=NOW
        )
        assert venue.id == place.venue_id
        venue.state = VenueState.DRAWN
        session.flush()
        return [
            refused(lambda: editing.settle(session, liang, asked, True, now=NOW)),
            refused(
                lambda: editing.ask(
                    session, gu, made.id, What.DROPS, "0", "x", round_id=first.id, now=NOW
                )
            ),
            editing.settle(session, liang, asked, False, now=NOW).confirmed,
        ]

    same, no_change, confirmed = await database.write(play)
    assert same is editing.RulesStand
    assert no_change in (None, editing.RulesStand)
    assert confirmed is False


async def test_kind_year_and_level_are_open_until_it_is_published(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        gu = coordinator(session)
        made = draft(session)
        last = venues.rounds(session, made.id)[-1]
        new = {What.KIND: "micro_lesson", What.YEAR: "2027-2028", What.LEVEL: "province"}

        def give(what: What, text: str) -> Any:
            return editing.change(session, gu, made.id, what, text, round_id=last.id, now=NOW)

        said = [give(what, text).is_new for what, text in new.items()]
        wrong = [refused(partial(give, what, "x")) for what in new]
        found = [made.kind, made.school_year, last.level, last.external]
        give(What.LEVEL, "county")
        inside = last.external
        made.state = CompetitionState.PUBLISHED
        session.flush()
        fixed = [refused(partial(give, what, text)) for what, text in new.items()]
        return [said, wrong, found, inside, fixed]

    said, wrong, found, inside, fixed = await database.write(play)
    assert said == [True, True, True]
    assert wrong == [WrongValue] * 3
    assert found == [CompetitionKind.MICRO_LESSON, "2027-2028", RoundLevel.PROVINCE, True]
    assert not inside
    assert fixed == [editing.FixedOnceSaid] * 3


async def test_a_research_officer_makes_it_in_the_name_of_the_research_office(
    database: Database,
) -> None:
    def play(session: Session) -> list[Any]:
        county = make.county(session)
        office = make.school(session, "澄禾县教研室", kind=UnitKind.RESEARCH_OFFICE)
        found = []
        for name, at, unit in (
            ("梁素问", "澄禾县教研室", county),
            ("钟牧之", "澄禾县实验小学", county),
            ("顾岩", "澄禾县教研室", office),
        ):
            who = make.teacher(session, name, at=at)
            roles.appoint(session, who, Role.RESEARCH_OFFICER, unit, today=NOW.date(), now=NOW)
            found.append([home.unit_id for home in setting_up.homes(session, who, now=NOW)])
        return [county, office, found]

    county, office, found = await database.write(play)
    assert found == [[office, county], [county], [office]]


async def test_a_change_is_not_confirmed_upon_another_rule_than_was_read(
    database: Database,
) -> None:
    def play(session: Session) -> Any:
        gu, liang = coordinator(session), coordinator(session, "梁素问")
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        first = venues.rounds(session, made.id)[0]
        asked = editing.ask(session, gu, made.id, What.JUDGES, "5", "x", round_id=first.id, now=NOW)
        assert asked is not None
        first.judges = 4
        session.flush()
        return refused(lambda: editing.settle(session, liang, asked, True, now=NOW))

    assert await database.write(play) is ChangedSince


async def test_a_moved_date_is_told_and_moves_its_deadline(database: Database) -> None:
    def play(session: Session) -> tuple[int, bool, list[int | None], datetime]:
        gu = coordinator(session)
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        lin = make.teacher(session, "林若溪")
        making.entry(session, made, lin)
        first = venues.rounds(session, made.id)[0]

        def move() -> editing.Changed:
            return editing.change(
                session,
                gu,
                made.id,
                What.MATERIAL_DUE,
                "2026-12-01 18:00",
                round_id=first.id,
                now=NOW,
            )

        moved, again = move(), move()
        at = session.exec(
            select(Deadline.at).where(
                Deadline.kind == "material_due", Deadline.subject_id == first.id
            )
        ).one()
        assert told(session, editing.DATES) == [lin]
        return moved.told, again.is_new, told(session, editing.DATES), at

    number, again, _told, at = await database.write(play)
    assert (number, again) == (1, False)
    assert at.isoformat() == "2026-12-01T10:00:00+00:00"


async def test_a_cancelled_competition_tells_those_concerned_once_and_stops_its_deadlines(
    database: Database,
) -> None:
    def play(session: Session) -> dict[str, Any]:
        gu, liang = coordinator(session), coordinator(session, "梁素问")
        made = draft(session)
        early = refused(lambda: publishing.cancel(session, gu, made.id, "x", now=NOW))
        publishing.publish(session, gu, made.id, now=NOW)
        lin, shao = make.teacher(session, "林若溪"), make.teacher(session, "邵云帆")
        making.entry(session, made, lin)
        making.entry(session, made, shao, state=CompetingState.WITHDRAWN)
        first = venues.rounds(session, made.id)[0]
        asked = editing.ask(session, gu, made.id, What.JUDGES, "5", "x", round_id=first.id, now=NOW)
        numbers = [
            publishing.cancel(session, gu, made.id, "与联考时间冲突", now=NOW),
            publishing.cancel(session, gu, made.id, "又一次", now=NOW),
        ]
        active = session.exec(
            select(Deadline.id).where(
                Deadline.state == DeadlineState.ACTIVE, Deadline.subject_id == first.id
            )
        ).all()
        assert asked is not None
        return {
            "early": early,
            "numbers": numbers,
            "told": told(session, publishing.CANCELLED) == [lin],
            "active": len(active),
            "settled": editing.settle(session, liang, asked, True, now=NOW).confirmed,
            "fixed": refused(
                lambda: editing.change(session, gu, made.id, What.TITLE, "新题目", now=NOW)
            ),
            "reason": session.get_one(Competition, made.id).reason,
        }

    assert await database.write(play) == {
        "early": publishing.NotUnderWay,
        "numbers": [1, 0],
        "told": True,
        "active": 0,
        "settled": False,
        "fixed": editing.NotUnderWay,
        "reason": "与联考时间冲突",
    }


async def test_it_is_finished_once_its_lists_are_decided_and_then_put_away(
    database: Database,
) -> None:
    def play(session: Session) -> list[object]:
        gu = coordinator(session)
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        _entry, place = making.entry(session, made, make.teacher(session, "林若溪"))
        assert place is not None
        found: list[object] = [
            refused(lambda: publishing.archive(session, gu, made.id, now=NOW)),
            refused(lambda: publishing.finish(session, gu, made.id, now=NOW)),
        ]
        place.state = RoundState.OUT
        session.flush()
        over = (publishing.finish, publishing.finish, publishing.archive, publishing.archive)
        found += [do(session, gu, made.id, now=NOW) for do in over]
        found.append(list(views.runs(session, gu, now=NOW).lines))
        return found

    assert await database.write(play) == [
        publishing.NotUnderWay,
        publishing.StillRunning,
        True,
        False,
        True,
        False,
        [],
    ]


TYPED = ("5", "40%", "不限", "yes", "no", "none", "1", "tier:backbone", "2027-05-01", "抽签",
         "一等奖 20%", "教学目标 100", "教案 docx", "2年", "")  # fmt: skip


history = st.lists(st.tuples(st.sampled_from(list(What)), st.sampled_from(TYPED)), max_size=12)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history)
def test_one_organiser_alone_never_changes_what_is_frozen(
    sqlite: Database, acts: list[tuple[What, str]]
) -> None:
    def live_through(session: Session) -> None:
        gu = coordinator(session)
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        rounds = venues.rounds(session, made.id)
        before = {each.id: each.frozen_hash for each in rounds}

        def act(round_id: int, what: What, text: str) -> None:
            def change() -> None:
                editing.change(session, gu, made.id, what, text, round_id=round_id, now=NOW)

            def ask_and_confirm() -> None:
                asked = editing.ask(
                    session, gu, made.id, what, text, "x", round_id=round_id, now=NOW
                )
                if asked is not None:
                    editing.settle(session, gu, asked, True, now=NOW)

            refused(change)
            refused(ask_and_confirm)

        for what, text in acts:
            for round_id in before:
                act(round_id, what, text)
        session.flush()
        session.expire_all()
        for round_id, kept in before.items():
            shown = rules.rules(session, round_id)
            assert (shown.intact, shown.hash) == (True, kept)
        session.rollback()

    asyncio.run(sqlite.write(live_through))


async def test_next_years_copy_moves_by_a_year_to_days_of_work(database: Database) -> None:
    def play(session: Session) -> dict[str, Any]:
        gu = coordinator(session)
        made = draft(session, title="澄禾县第十二届课堂教学大赛（2026）", code="KT")
        publishing.publish(session, gu, made.id, now=NOW)
        copy = setting_up.clone(session, gu, made.id, now=NOW)
        again = setting_up.clone(session, gu, made.id, now=NOW)
        row = session.get_one(Competition, copy)
        pairs = list(
            zip(venues.rounds(session, made.id), venues.rounds(session, copy), strict=True)
        )
        days = [
            moment.date()
            for _old, new in pairs
            for name in setting_up.MOMENTS
            if (moment := getattr(new, name)) is not None
        ]
        deciding = pairs[1][1]
        first, last = deciding.publicity_from, deciding.publicity_until
        assert first is not None
        assert last is not None
        return {
            "twice": copy == again,
            "title": row.title,
            "year": row.school_year,
            "state": row.state,
            "frozen": [new.frozen_hash for _old, new in pairs],
            "rules": [old.rubric == new.rubric for old, new in pairs],
            "weekend": [day for day in days if day.weekday() > 4],
            "year of dates": min(days).year,
            "publicity": last - first >= timedelta(days=4),
            "check": publishing.check(session, gu, copy, now=NOW).is_ready,
        }

    found = await database.write(play)
    assert found == {
        "twice": True,
        "title": "澄禾县第十三届课堂教学大赛（2027）",
        "year": "2027-2028",
        "state": CompetitionState.DRAFT,
        "frozen": ["", "", ""],
        "rules": [True, True, True],
        "weekend": [],
        "year of dates": 2027,
        "publicity": True,
        "check": True,
    }


async def test_a_made_draft_has_what_is_usual_and_can_be_thrown_away(database: Database) -> None:
    def play(session: Session) -> dict[str, Any]:
        gu, lin = coordinator(session), make.teacher(session, "林若溪")
        form = Form(
            make.county(session),
            "优课评选",
            CompetitionKind.QUALITY_LESSON,
            "2026-2027",
            (TrackForm("小学语文", "primary", "语文"),),
            (
                RoundForm("复赛", RoundLevel.SCHOOL),
                RoundForm("决赛", RoundLevel.COUNTY),
                RoundForm("推送", RoundLevel.CITY, external=True),
            ),
        )
        made = setting_up.create(session, gu, form, now=NOW)
        rounds = venues.rounds(session, made)
        added = editing.add_round(session, gu, made, "group", language="zh_Hans", now=NOW)
        names = [each.name for each in venues.rounds(session, made)]
        editing.drop_round(session, gu, made, added, now=NOW)
        return {
            "stranger": refused(lambda: setting_up.create(session, lin, form, now=NOW)),
            "quotas": [each.quota for each in rounds],
            "points": sum(line["most"] for line in rounds[0].rubric),
            "names": names,
            "positions": [each.position for each in venues.rounds(session, made)],
            "track": [
                editing.add_track(session, gu, made, "初中 英语", language="zh_Hans", now=NOW)
                == editing.add_track(session, gu, made, "初中英语", language="zh_Hans", now=NOW),
                [(each.title, each.stage) for each in venues.tracks(session, made)],
            ],
            "gone": [
                setting_up.discard(session, gu, made, now=NOW),
                setting_up.discard(session, gu, made, now=NOW),
            ],
        }

    found = await database.write(play)
    assert found == {
        "stranger": NotAllowed,
        "quotas": [{"share": 0.4, "min": 1}, {}, {"each": 1, "units": {}}],
        "points": 100,
        "names": ["初赛", "复赛", "决赛", "推送"],
        "positions": [1, 2, 3],
        "track": [True, [("小学语文", "primary"), ("初中英语", "junior")]],
        "gone": [True, False],
    }


async def test_a_group_reads_how_many_entries_there_are_from_five_on(database: Database) -> None:
    def play(session: Session) -> tuple[list[int | None], int]:
        gu = coordinator(session)
        made = draft(session)
        for number, purpose in enumerate((ChatPurpose.ALL_STAFF, ChatPurpose.COORDINATORS)):
            session.add(
                Chat(
                    tg_chat_id=-100 - number,
                    title="全体教师",
                    purpose=purpose,
                    unit_id=make.county(session),
                )
            )
        session.flush()
        publishing.publish(session, gu, made.id, now=NOW)
        hung = len(session.exec(select(RoundCard)).all())
        first = venues.rounds(session, made.id)[0]
        numbers = []
        for count in range(6):
            making.entry(session, made, make.teacher(session, f"教师{count}"))
            numbers.append(round_cards.opening(session, first.id).entries)
        return numbers, hung

    assert await database.write(play) == ([None, None, None, None, 5, 6], 1)


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        (values.awards("一等奖 15% 18学时 骨干教师；二等奖 25%")[0]["tier"], "backbone"),
        (values.awards("一等奖 15% 18学时\n二等奖 25%")[1]["share"], 0.25),
        (values.materials("教学设计 docx pdf 20MB\n课堂实录 链接 选交")[1]["kinds"], ["link"]),
        (values.rubric("教学目标 20 目标明确，符合课标")[0]["hint"], "目标明确，符合课标"),
        (values.rubric("教学目标（４０分）")[0]["most"], 40),
        (values.barred("2年 一等奖、二等奖")["barred_awards"], ["一等奖", "二等奖"]),
        (values.unit_most("不限"), None),
        (values.share("30%", "min_share"), 0.3),
        (
            values.ties("教学过程、中位数、抽签", making.RUBRIC),
            ["criterion:process", "median", "lot"],
        ),
        (setting_up.next_title("第十九届微课大赛"), "第二十届微课大赛"),
        (setting_up.school_year(date(2027, 3, 1)), "2026-2027"),
    ],
)
def test_what_is_typed_is_understood(read: object, meant: object) -> None:
    assert read == meant


@pytest.mark.parametrize(
    "typed",
    [
        lambda: values.awards("一等奖 80%\n二等奖 30%"),
        lambda: values.awards("一等奖"),
        lambda: values.rubric("教学目标"),
        lambda: values.rubric("目标 20\n目标 30"),
        lambda: values.materials("教学设计"),
        lambda: values.share("0", "min_share"),
        lambda: values.ties("天气", making.RUBRIC),
    ],
)
def test_what_cannot_be_meant_is_refused(typed: Callable[[], object]) -> None:
    with pytest.raises(WrongValue):
        typed()


async def test_a_quota_is_a_share_a_number_or_one_for_a_unit(database: Database) -> None:
    def play(session: Session) -> list[Any]:
        school = make.school(session)
        return [
            values.quota(session, "40% 至少1"),
            values.quota(session, "每校1个\n实验小学 2") == {"each": 1, "units": {str(school): 2}},
            values.quota(session, "不限"),
            refused(lambda: values.quota(session, "1\n没有的学校 2")),
        ]

    assert await database.write(play) == [{"share": 0.4, "min": 1}, True, {}, WrongValue]


async def test_a_change_of_ties_and_numbers_can_be_read_by_who_confirms_it(
    sqlite: Database,
) -> None:
    def play(session: Session) -> list[str]:
        gu = coordinator(session)
        made = draft(session)
        publishing.publish(session, gu, made.id, now=NOW)
        school = make.school(session, "柳渡镇中心小学")
        round_ = venues.rounds(session, made.id)[0]
        asked = RuleChange(
            round_id=round_.id,
            before={"ties": ["criterion:process"], "quota": {"each": 1, "units": {}}},
            after={"ties": ["lot"], "quota": {"each": 1, "units": {str(school): 2}}},
            reason="评委已到位",
            asked_by=gu,
            asked_at=NOW,
        )
        session.add(asked)
        session.flush()
        facts = editing.said_change(session, asked.id)
        assert facts is not None
        return change_lines(facts, "en")

    text = "\n".join(await sqlite.write(play))
    assert "before: 教学过程 → if still equal, the lot\nafter: lot" in text
    assert "柳渡镇中心小学 2" in text
