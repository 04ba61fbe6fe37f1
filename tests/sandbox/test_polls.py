"""Polls and places: what people can do with them, and what the bot hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiogram import Bot as Aiogram
from telegram import Bot, Update
from telegram.error import BadRequest

from bot.sandbox import polls
from bot.sandbox.chats import Chat, Person
from bot.sandbox.refusals import ImpossibleAct
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World


async def test_a_vote_is_counted_and_told(
    ptb: Bot, world: World, group: Chat, wang: Person, li: Person
) -> None:
    await ptb.get_updates(allowed_updates=Update.ALL_TYPES)
    sent = await ptb.send_poll(group.id, "活动时间？", ["周一", "周三"], is_anonymous=False)
    polls.vote(world, wang.id, group.id, sent.message_id, [1])
    polls.vote(world, li.id, group.id, sent.message_id, [0])
    polls.vote(world, li.id, group.id, sent.message_id, [1])

    updates = await ptb.get_updates()
    answers = [one.poll_answer for one in updates if one.poll_answer]
    assert [(one.user and one.user.id, one.option_ids) for one in answers] == [
        (wang.id, (1,)),
        (li.id, (0,)),
        (li.id, (1,)),
    ]
    newest = [one.poll for one in updates if one.poll][-1]
    assert [one.voter_count for one in newest.options] == [0, 2]
    assert newest.total_voter_count == 2


async def test_the_result_is_seen_by_who_has_voted(
    ptb: Bot, world: World, group: Chat, wang: Person, li: Person
) -> None:
    sent = await ptb.send_poll(group.id, "几点？", ["三点", "四点"])
    polls.vote(world, wang.id, group.id, sent.message_id, [0])
    mine, other = (world.seen_by(who.id, group.id)[-1].poll for who in (wang, li))
    assert mine is not None
    assert other is not None
    assert mine["voted"]
    assert mine["options"][0] == {"text": "三点", "voter_count": 1, "mine": True}
    assert not other["voted"]
    assert other["options"][0]["voter_count"] is None


async def test_an_anonymous_poll_names_nobody(
    ptb: Bot, world: World, group: Chat, wang: Person
) -> None:
    sent = await ptb.send_poll(group.id, "满意吗？", ["满意", "不满意"])
    polls.vote(world, wang.id, group.id, sent.message_id, [0])
    polls.vote(world, wang.id, group.id, sent.message_id, [])
    updates = await ptb.get_updates()
    assert [one.poll_answer for one in updates] == [None, None]
    assert updates[-1].poll is not None
    assert updates[-1].poll.total_voter_count == 0


async def test_a_poll_ends_by_hand_or_by_the_clock(
    ptb: Bot, sandbox: Sandbox, world: World, group: Chat, wang: Person
) -> None:
    assert sandbox.world is world
    by_hand = await ptb.send_poll(group.id, "一？", ["甲", "乙"])
    stopped = await ptb.stop_poll(group.id, by_hand.message_id)
    assert stopped.is_closed
    with pytest.raises(BadRequest, match=r"(?i)already been closed"):
        await ptb.stop_poll(group.id, by_hand.message_id)

    by_clock = await ptb.send_poll(group.id, "二？", ["甲", "乙"], open_period=60)
    await ptb.get_updates(offset=-1)
    world.clock.advance(timedelta(seconds=61))
    ended = (await ptb.get_updates())[-1].poll
    assert ended is not None
    assert ended.is_closed
    for message in (by_hand, by_clock):
        with pytest.raises(ImpossibleAct, match="closed"):
            polls.vote(world, wang.id, group.id, message.message_id, [0])


@pytest.mark.parametrize(
    ("question", "options", "refusal"),
    [
        ("？", ["只有一个"], "at least 2"),
        ("？", ["x"] * 13, "more than 12"),
        ("？", ["好", " "], "non-empty"),
        ("问" * 301, ["甲", "乙"], "length must not exceed 300"),
        ("？", ["甲" * 101, "乙"], "length must not exceed 100"),
    ],
)
async def test_a_poll_that_telegram_would_not_take(
    ptb: Bot, wang: Person, question: str, options: list[str], refusal: str
) -> None:
    with pytest.raises(BadRequest, match=rf"(?i){refusal}"):
        await ptb.send_poll(wang.id, question, options)


async def test_what_a_client_cannot_do_with_a_poll(ptb: Bot, world: World, wang: Person) -> None:
    one = await ptb.send_poll(wang.id, "？", ["甲", "乙"])
    with pytest.raises(ImpossibleAct, match="one answer"):
        polls.vote(world, wang.id, wang.id, one.message_id, [0, 1])
    with pytest.raises(ImpossibleAct, match="no such option"):
        polls.vote(world, wang.id, wang.id, one.message_id, [2])
    quiz = await ptb.send_poll(wang.id, "1+1", ["2", "3"], type="quiz", correct_option_ids=[0])
    polls.vote(world, wang.id, wang.id, quiz.message_id, [1])
    with pytest.raises(ImpossibleAct, match="taken back"):
        polls.vote(world, wang.id, wang.id, quiz.message_id, [0])


async def test_a_place_goes_both_ways(ptb: Bot, world: World, wang: Person) -> None:
    sent = await ptb.send_location(wang.id, 30.66, 104.07)
    assert sent.location is not None
    assert sent.location.latitude == 30.66
    venue = await ptb.send_venue(wang.id, 30.6, 104.0, "实验小学", "县城东路 1 号")
    assert venue.venue is not None
    contact = await ptb.send_contact(wang.id, "8610000000002", "联系人")
    assert contact.contact is not None
    world.share_location(wang.id, wang.id, 30.5, 104.1)
    (update,) = await ptb.get_updates()
    assert update.message is not None
    assert update.message.location is not None
    with pytest.raises(BadRequest, match=r"(?i)wrong location"):
        await ptb.send_location(wang.id, 91, 0)
    with pytest.raises(ImpossibleAct):
        world.share_location(wang.id, wang.id, 0, 181)


async def test_the_second_client_reads_polls_too(
    aiogram: Aiogram, world: World, group: Chat, wang: Person
) -> None:
    await aiogram.get_updates(allowed_updates=["poll", "poll_answer", "message"])
    sent = await aiogram.send_poll(group.id, "去吗？", ["去", "不去"], is_anonymous=False)
    polls.vote(world, wang.id, group.id, sent.message_id, [0])
    updates = await aiogram.get_updates()
    assert updates[0].poll is not None
    assert updates[1].poll_answer is not None
    assert updates[1].poll_answer.option_ids == [0]
    assert (await aiogram.stop_poll(group.id, sent.message_id)).is_closed
    location = await aiogram.send_location(wang.id, latitude=1.5, longitude=2.5)
    assert location.location is not None
