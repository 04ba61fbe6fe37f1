"""Setting a competition up, as its organisers see it."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlmodel import Session, select

from handlers.competitions import round_cards
from handlers.competitions.buttons import RunCompetition, RunCompetitions
from handlers.competitions.setup_buttons import (
    AskValue,
    CopyCompetition,
    GiveValue,
    OpenChange,
    ShowRules,
)
from storage.competitions import rules
from storage.competitions.round_cards import hang
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    Round,
    RoundCardKind,
    Venue,
)
from storage.messaging.tables import Chat, ChatPurpose, Deadline
from storage.people.tables import Role
from tests import make
from tests.competitions import making
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = NOW.date()


async def organiser(stage: Stage, name: str = "顾岩", language: str = "en") -> Actor:
    return await stage.holder(name, Role.COUNTY_COORDINATOR, language, at="教师发展中心")


async def makes_a_draft(who: Actor) -> None:
    """Answer every question of the dialogue."""
    await who.says("/desk")
    await who.taps("Competitions")
    await who.taps("New competition")
    await who.taps("Begin")
    await who.taps("classroom teaching")
    await who.taps("2026-2027")
    await who.says("第十二届课堂教学大赛")
    await who.taps("primary")
    await who.taps("Go on")
    await who.taps("Chinese")
    await who.taps("Go on")
    await who.taps("Semi-final")
    await who.taps("Go on")
    await who.says("11月23日 8:00 至 12月11日 18:00")
    await who.says("12月14日 至 12月25日")
    await who.says("2027年3月15日 至 4月2日")
    await who.says("2027年4月20日 12:00")


async def test_a_competition_is_made_published_and_seen_in_a_few_minutes(stage: Stage) -> None:
    gu = await organiser(stage)
    await organiser(stage, "梁素问")
    await makes_a_draft(gu)
    assert "第十二届课堂教学大赛" in gu.sees()
    assert "2027" in gu.sees()
    await gu.taps("Make the draft")
    assert gu.alert == "The draft is made. Nobody else sees it until it is published."
    assert "Tracks: Primary 语文" in gu.sees()
    said = await gu.taps("Check and publish")
    assert "Please see to this first" not in said, said
    assert "Publish" in " ".join(gu.labels())
    said = await gu.taps("Publish")
    assert gu.alert == "Published; the rules are frozen."
    assert "under way" in said

    rounds = await stage.database.read(
        lambda s: s.exec(select(Round.frozen_hash).order_by(Round.position)).all()  # type: ignore[arg-type]
    )
    assert all(len(each) == 64 for each in rounds)
    kinds = await stage.database.read(lambda s: set(s.exec(select(Deadline.kind)).all()))
    assert {"entry_close", "forward_due", "publicity"} <= kinds

    await gu.taps("Rules")
    said = await gu.taps("Preliminary")
    assert "40% of the entries of a track, a half rounded up" in said
    assert rounds[0] in said
    assert "They are as they were published." in said
    state = await stage.database.read(lambda s: s.exec(select(Competition.state)).one())
    assert state is CompetitionState.PUBLISHED


async def a_published(stage: Stage) -> int:
    """A published competition of the county, whose entries open tomorrow."""

    def play(session: Session) -> int:
        made = making.competition(session, begins=NOW + timedelta(days=3))
        rules.freeze(session, made.id, now=NOW)
        return made.id

    return await stage.database.write(play)


async def enters(stage: Stage, made: int, *who: Actor | str) -> None:
    """Let these people compete."""

    def play(session: Session) -> None:
        for one in who:
            teacher_id = make.teacher(session, one) if isinstance(one, str) else one.teacher_id
            assert teacher_id is not None
            making.entry(session, session.get_one(Competition, made), teacher_id)

    await stage.database.write(play)


async def test_a_published_rule_is_changed_by_two_and_everybody_concerned_reads_it(
    stage: Stage,
) -> None:
    gu, liang = await organiser(stage), await organiser(stage, "梁素问")
    lin = await stage.teacher("林若溪")
    made = await a_published(stage)
    await enters(stage, made, lin)
    await gu.says("/desk")
    await gu.taps("Competitions")
    await gu.taps("课堂教学大赛")
    await gu.taps("初赛")
    assert "This rule is published" in await gu.taps("Judges")
    assert "Please type why" in await gu.says("5")
    assert "It waits for another organiser" in await gu.says("评委已到位")
    await stage.deliver()
    assert "[To confirm] 顾岩 asks for a change" in liang.sees()
    assert "after: 5 for each entry" in await liang.taps("Look and decide")
    assert "Confirmed" in await liang.taps("Confirm it")
    await stage.deliver()
    assert "[Rules changed] 课堂教学大赛 · 初赛" in lin.sees()
    assert "评委已到位" in await lin.taps("Rules")
    assert "5 for each entry" in lin.sees()
    await lin.taps("The text hashed")
    name, content = lin.files()[-1]
    assert name.endswith(".json")
    kept = await stage.database.read(
        lambda s: s.exec(select(Round.frozen_hash).where(Round.position == 1)).one()
    )
    assert hashlib.sha256(content).hexdigest() == kept


async def test_a_moved_date_and_the_end_of_it_are_told(stage: Stage) -> None:
    gu = await organiser(stage)
    lin = await stage.teacher("林若溪")
    made = await a_published(stage)
    await enters(stage, made, lin)
    await gu.says("/desk")
    await gu.taps("Competitions")
    await gu.taps("课堂教学大赛")
    await gu.taps("初赛")
    await gu.taps("Entering")
    assert "I could not read a time in this" in await gu.says("改天")
    assert "to Wed 2 Dec, 18:00" in await gu.says("11月23日 8:00 至 12月2日 18:00")
    await stage.deliver()
    assert "[New dates] 课堂教学大赛 · 初赛" in lin.sees()
    await gu.taps("Back")
    await gu.taps("More")
    assert "1 person is told" in await gu.taps("Cancel the competition")
    assert "This cannot be undone" in await gu.says("与联考时间冲突")
    assert "cancelled" in await gu.taps("Cancel the competition")
    await stage.deliver()
    assert "[Cancelled] 课堂教学大赛\nReason: 与联考时间冲突" in lin.sees()


async def test_a_draft_is_changed_key_by_key(stage: Stage) -> None:
    gu = await organiser(stage)
    await makes_a_draft(gu)
    await gu.taps("Make the draft")
    await gu.taps("Tracks")
    await gu.taps("Add tracks")
    assert "Primary 数学" in " ".join((await gu.says("Primary 数学\nJunior 英语"), *gu.labels()))
    await gu.taps("✕ Junior 英语")
    assert "Junior" not in " ".join(gu.labels())
    await gu.taps("Back")
    await gu.taps("Rounds")
    await gu.taps("Semi-final")
    assert "✕ Semi-final (school)" in gu.labels()
    await gu.taps("✕ Semi-final")
    await gu.taps("Back")
    await gu.taps("Settings")
    await gu.taps("Awards")
    assert "Please type a line" in await gu.says("第一名")
    assert "特等奖 10% 18 hours, 一等奖 20%" in await gu.says("特等奖 10% 18学时；一等奖 20%")
    await gu.taps("Who may enter")
    await gu.taps("backbone")
    assert "✓ backbone teacher" in gu.labels()
    assert "in service since 2021 or later" in await gu.taps("5 years")
    await gu.taps("Everybody")
    await gu.taps("Back")
    await gu.taps("Back")
    await gu.taps("Preliminary")
    await gu.taps("How many go on")
    assert "How many go on: 2 in each track" in await gu.says("2")
    await gu.taps("Rubric")
    assert "Rubric: 目标, 过程" in await gu.says("目标 40\n过程 60 环节清楚")
    await gu.taps("Publicity")
    assert "five working days" in await gu.says("2026-12-28 至 2026-12-29")
    await gu.taps("Back")
    await gu.taps("Back")
    await gu.taps("More")
    await gu.taps("Throw away")
    assert "There is none yet." in gu.sees()


async def test_the_card_hangs_in_the_group_once_entries_open_and_says_no_names(
    stage: Stage,
) -> None:
    gu = await organiser(stage)
    made = await a_published(stage)
    group = stage.world.add_group("课堂大赛群", members=[gu.id])

    def bound(session: Session) -> None:
        session.add(
            Chat(
                tg_chat_id=group.id,
                title="课堂大赛群",
                purpose=ChatPurpose.COMPETITION,
                unit_id=make.county(session),
                competition_id=made,
                language="en",
            )
        )

    await stage.database.write(bound)

    async def looked() -> None:
        await round_cards.refresh(stage.office.application.bot, stage.office.house)
        await stage.deliver()

    await looked()
    assert gu.messages(at=group.id) == []
    stage.clock.advance(timedelta(days=3, hours=1))
    await looked()
    said = gu.sees(at=group.id)
    assert "[Competition] 课堂教学大赛 · 初赛: entries are open" in said
    assert "0 entries" not in said

    await enters(stage, made, "林若溪", "邵云帆", "罗佳宁", "沈知行", "陆一鸣")
    await looked()
    assert "5 entries" in gu.sees(at=group.id)
    assert "林若溪" not in gu.sees(at=group.id)
    await gu.taps("Rules", at=group.id)
    assert "Rules: 课堂教学大赛" in gu.sees()


async def test_the_head_of_a_research_group_sees_the_competition_and_changes_nothing(
    stage: Stage,
) -> None:
    lin, head = await stage.teacher("林若溪"), await stage.teacher("邵云帆")
    made = await a_published(stage)
    await enters(stage, made, lin)

    def named(session: Session) -> int:
        venue = session.exec(select(Venue)).one()
        venue.organiser_id = head.teacher_id
        return venue.round_id

    round_id = await stage.database.write(named)
    await head.says("/menu")
    await head.sends_data(RunCompetitions().data)
    assert "1 list to decide" in head.sees()
    await head.taps("课堂教学大赛")
    assert "Settings" not in head.labels()
    await head.taps("初赛")
    assert "1 entry in this round." in head.sees()
    assert "Judges" not in head.labels()
    await head.sends_data(GiveValue(made, round_id, "judges", "9").data)
    assert "You do not have the right" in head.alert
    await lin.says("/menu")
    await lin.sends_data(RunCompetition(made).data)
    assert "You do not have the right" in lin.alert


async def test_buttons_of_a_competition_that_is_gone_are_answered(stage: Stage) -> None:
    gu = await organiser(stage)
    made = await a_published(stage)
    await gu.says("/desk")
    for button in (
        RunCompetition(999),
        ShowRules(999),
        OpenChange(999),
        AskValue(made, 999, "judges"),
        CopyCompetition(999),
    ):
        assert "no longer there" in await gu.sends_data(button.data), button
    assert "out of date" in await gu.sends_data(AskValue(made, 0, "nothing").data)


async def test_every_group_of_many_gets_the_card_and_the_news(stage: Stage) -> None:
    made = await a_published(stage)
    groups = [stage.world.add_group(f"学校{number}群") for number in range(23)]

    def bound(session: Session) -> None:
        round_id = session.exec(select(Round.id).where(Round.position == 1)).one()
        for group in groups:
            chat = Chat(
                tg_chat_id=group.id,
                title=group.title,
                purpose=ChatPurpose.ALL_STAFF,
                unit_id=make.school(session, group.title),
                language="en",
            )
            session.add(chat)
            session.flush()
            hang(session, chat.id, round_id, RoundCardKind.OPEN)

    await stage.database.write(bound)
    stage.clock.advance(timedelta(days=3, hours=1))

    async def looked() -> None:
        for _time in range(3):
            await round_cards.refresh(stage.office.application.bot, stage.office.house)
            await stage.deliver()
            stage.clock.advance(timedelta(minutes=2))

    await looked()

    def cancel(session: Session) -> None:
        row = session.get_one(Competition, made)
        row.state, row.ended_at = CompetitionState.CANCELLED, stage.clock()

    await stage.database.write(cancel)
    await looked()
    texts = [
        [message.body.get("text") for message in stage.world.chats[group.id].messages.values()]
        for group in groups
    ]
    assert texts == [["[Cancelled] 课堂教学大赛"]] * len(groups)


async def test_what_was_archived_can_still_be_looked_at(stage: Stage) -> None:
    gu = await organiser(stage)

    def over(session: Session) -> None:
        making.competition(session, state=CompetitionState.FINISHED)

    await stage.database.write(over)
    await gu.says("/desk")
    assert "Archived" not in await gu.taps("Competitions")
    await gu.taps("课堂教学大赛")
    await gu.taps("More")
    await gu.taps("Put away")
    await gu.says("/desk")
    assert "课堂教学大赛" not in await gu.taps("Competitions")
    assert "课堂教学大赛" in await gu.taps("Archived")
    await gu.taps("课堂教学大赛")
    await gu.taps("Lists and awards")
    assert "Year's report" in gu.labels()
