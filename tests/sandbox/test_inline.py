"""Inline mode: a person asks behind the bot's name, chooses, and sends it in their own name."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiogram import Bot as Aiogram
from aiogram.types import InlineQueryResultArticle as Article2
from aiogram.types import InputTextMessageContent as Content2
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
)
from telegram.error import BadRequest

from bot.sandbox import inline
from bot.sandbox.chats import Chat, Person
from bot.sandbox.refusals import ImpossibleAct
from bot.sandbox.world import World


def article(name: str, text: str) -> InlineQueryResultArticle:
    content = InputTextMessageContent(f"<b>{text}</b>", parse_mode="HTML")
    return InlineQueryResultArticle(name, text, content)


@pytest.fixture(autouse=True)
def on(world: World) -> None:
    world.inline = True
    world.inline_feedback = True


async def test_a_tap_on_what_came_by_way_of_the_bot_names_no_message(
    ptb: Bot, world: World, group: Chat, wang: Person, li: Person
) -> None:
    made = inline.ask(world, wang.id, group.id, "报名")
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("报名", callback_data="join")]])
    content = InputTextMessageContent("春季研修")
    result = InlineQueryResultArticle("1", "春季研修", content, reply_markup=keys)
    await ptb.answer_inline_query(made.id, [result])
    sent = inline.choose(world, wang.id, group.id, made.id, "1")
    world.tap(li.id, group.id, sent.id, "join")
    updates = await ptb.get_updates()
    assert any(one.message and one.message.via_bot for one in updates)  # privacy mode or not
    query = updates[-1].callback_query
    assert query is not None
    assert query.message is None
    assert await query.edit_message_text("已报名") is True
    assert world.seen_by(wang.id, group.id)[-1].text == "已报名"
    with pytest.raises(BadRequest):
        await ptb.edit_message_text("x", inline_message_id="inline:1:2")


async def test_what_is_chosen_is_sent_in_the_persons_name(
    ptb: Bot, world: World, group: Chat, wang: Person, li: Person
) -> None:
    assert (await ptb.get_me()).supports_inline_queries
    made = inline.ask(world, wang.id, group.id, "命题")
    (update,) = await ptb.get_updates()
    query = update.inline_query
    assert query is not None
    assert (query.query, query.from_user.id, query.chat_type) == ("命题", wang.id, "supergroup")
    async with asyncio.TaskGroup() as group_of_tasks:
        waiting = group_of_tasks.create_task(inline.offered(world, made.id, within=5))
        await query.answer([article("1", "命题培训"), article("2", "命题比赛")])
    assert [one["title"] for one in waiting.result()] == ["命题培训", "命题比赛"]

    inline.choose(world, wang.id, group.id, made.id, "2")
    seen = world.seen_by(li.id, group.id)[-1]
    assert (seen.sender, seen.text, seen.via_bot) == ("王芳", "命题比赛", "qinglan_bot")
    chosen = (await ptb.get_updates(offset=update.update_id + 1))[-1].chosen_inline_result
    assert chosen is not None
    assert chosen.result_id == "2"


async def test_an_answer_comes_once_and_in_time(ptb: Bot, world: World, wang: Person) -> None:
    made = inline.ask(world, wang.id, wang.id, "")
    await ptb.answer_inline_query(made.id, [])
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await ptb.answer_inline_query(made.id, [])
    late = inline.ask(world, wang.id, wang.id, "x")
    world.clock.advance(timedelta(minutes=2))
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await ptb.answer_inline_query(late.id, [article("1", "晚了")])
    assert await inline.offered(world, late.id, within=0.01) == []


async def test_results_that_telegram_would_not_take(ptb: Bot, world: World, wang: Person) -> None:
    made = inline.ask(world, wang.id, wang.id, "x")
    with pytest.raises(BadRequest, match=r"(?i)RESULT_ID_DUPLICATE"):
        await ptb.answer_inline_query(made.id, [article("1", "甲"), article("1", "乙")])
    with pytest.raises(ImpossibleAct, match="not offered"):
        inline.choose(world, wang.id, wang.id, made.id, "1")


async def test_a_bot_without_inline_mode_is_not_asked(world: World, wang: Person) -> None:
    world.inline = False
    with pytest.raises(ImpossibleAct, match="no inline queries"):
        inline.ask(world, wang.id, wang.id, "x")


async def test_the_second_client_answers_inline_queries_too(
    aiogram: Aiogram, world: World, wang: Person
) -> None:
    made = inline.ask(world, wang.id, wang.id, "学时")
    (update,) = await aiogram.get_updates()
    assert update.inline_query is not None
    content = Content2(message_text="我的学时")
    result = Article2(id="a", title="学时", input_message_content=content)
    await aiogram.answer_inline_query(update.inline_query.id, [result])
    inline.choose(world, wang.id, wang.id, made.id, "a")
    assert world.seen_by(wang.id, wang.id)[-1].text == "我的学时"
