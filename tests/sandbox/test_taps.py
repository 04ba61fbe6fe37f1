"""Taps on buttons, their answers, and messages that one member alone sees."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aiogram import Bot as Aiogram
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import EphemeralMessageParameters
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, EndPointNotFound

from bot.sandbox.chats import Answer, Chat, Person
from bot.sandbox.refusals import ImpossibleAct
from bot.sandbox.world import World

REGISTER = InlineKeyboardMarkup([[InlineKeyboardButton("报名", callback_data="r:7")]])


async def test_a_tap_is_answered_once(ptb: Bot, world: World, wang: Person) -> None:
    message = await ptb.send_message(wang.id, "研修", reply_markup=REGISTER)
    query_id = world.tap(wang.id, wang.id, message.message_id, "r:7")

    (update,) = await ptb.get_updates()
    query = update.callback_query
    assert query is not None
    assert (query.id, query.data, query.from_user.id) == (query_id, "r:7", wang.id)
    await query.answer("已报名", show_alert=True)
    assert await world.answered(query_id) == Answer("已报名", show_alert=True)
    with pytest.raises(BadRequest, match=r"^Query is too old and response timeout expired"):
        await query.answer("又一次")


async def test_a_late_or_foreign_answer_is_refused(ptb: Bot, world: World, wang: Person) -> None:
    message = await ptb.send_message(wang.id, "研修", reply_markup=REGISTER)
    query_id = world.tap(wang.id, wang.id, message.message_id, "r:7")
    world.clock.advance(timedelta(hours=1))
    for one in (query_id, "123"):
        with pytest.raises(BadRequest, match=r"^Query is too old and response timeout expired"):
            await ptb.answer_callback_query(one)


async def test_answers_have_their_limits(ptb: Bot, world: World, wang: Person) -> None:
    message = await ptb.send_message(wang.id, "研修", reply_markup=REGISTER)
    query_id = world.tap(wang.id, wang.id, message.message_id, "r:7")
    with pytest.raises(BadRequest, match=r"^Message_too_long$"):
        await ptb.answer_callback_query(query_id, "字" * 201)
    with pytest.raises(BadRequest, match=r"^Url_invalid$"):
        await ptb.answer_callback_query(query_id, url="https://example.org")
    await ptb.answer_callback_query(query_id, url="https://t.me/qinglan_bot?start=a")
    assert (await world.answered(query_id)).url == "https://t.me/qinglan_bot?start=a"


async def test_only_buttons_that_are_seen_can_be_tapped(
    ptb: Bot, world: World, wang: Person, li: Person
) -> None:
    message = await ptb.send_message(wang.id, "研修", reply_markup=REGISTER)
    with pytest.raises(ImpossibleAct):
        world.tap(wang.id, wang.id, message.message_id, "r:8")
    with pytest.raises(ImpossibleAct):
        world.tap(li.id, wang.id, message.message_id, "r:7")
    world.tap(wang.id, wang.id, message.message_id, "r:8", forged=True)
    (update,) = await ptb.get_updates()
    assert update.callback_query is not None
    assert update.callback_query.data == "r:8"


async def test_a_message_for_one_member_is_seen_by_nobody_else(
    aiogram: Aiogram, world: World, wang: Person, li: Person, group: Chat
) -> None:
    card = world.post(group, world.bot_id, {"text": "研修", "reply_markup": REGISTER.to_dict()})
    query_id = world.tap(wang.id, group.id, card.id, "r:7")

    message = await aiogram.send_message(
        group.id,
        "你已有 30 学时",
        ephemeral_message_parameters=EphemeralMessageParameters(
            receiver_user_id=wang.id, callback_query_id=query_id
        ),
    )

    assert (message.message_id, message.ephemeral_message_id) == (0, 1)
    assert [one.text for one in world.seen_by(wang.id, group.id)] == ["研修", "你已有 30 学时"]
    assert world.seen_by(wang.id, group.id)[-1].only_for_you
    assert [one.text for one in world.seen_by(li.id, group.id)] == ["研修"]

    await aiogram.edit_ephemeral_message_text(
        chat_id=group.id, receiver_user_id=wang.id, ephemeral_message_id=1, text="现在 32 学时"
    )
    assert world.seen_by(wang.id, group.id)[-1].text == "现在 32 学时"
    await aiogram.delete_ephemeral_message(
        chat_id=group.id, receiver_user_id=wang.id, ephemeral_message_id=1
    )
    assert len(world.seen_by(wang.id, group.id)) == 1


async def test_a_message_for_one_member_needs_a_fresh_tap_of_that_member(
    ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    async def tell(receiver: int, query_id: str | None) -> int:
        given = {"receiver_user_id": receiver, "callback_query_id": query_id}
        message = await ptb.send_message(
            group.id, "x", api_kwargs={"ephemeral_message_parameters": given}
        )
        return int(message.api_kwargs["ephemeral_message_id"])

    card = await ptb.send_message(group.id, "研修", reply_markup=REGISTER)
    query_id = world.tap(wang.id, group.id, card.message_id, "r:7")
    assert await tell(wang.id, query_id) == 1
    with pytest.raises(BadRequest, match=r"^Query is too old"):
        await tell(li.id, query_id)
    with pytest.raises(BadRequest, match=r"^Query is too old"):
        await tell(wang.id, None)
    world.clock.advance(timedelta(seconds=16))
    with pytest.raises(BadRequest, match=r"^Query is too old"):
        await tell(wang.id, query_id)
    world.add_bot(li.id, group.id, as_admin=True)
    assert await tell(wang.id, None) == 2
    # An older server passes over what it does not know, and shows the message to all.
    world.ephemeral_supported = False
    shown = await ptb.send_message(
        group.id, "x", api_kwargs={"ephemeral_message_parameters": {"receiver_user_id": wang.id}}
    )
    assert shown.message_id
    assert "ephemeral_message_id" not in shown.api_kwargs
    with pytest.raises(EndPointNotFound):
        await ptb.do_api_request("deleteEphemeralMessage", {"chat_id": group.id})


async def test_the_other_client_meets_the_same_refusals(
    aiogram: Aiogram, world: World, wang: Person
) -> None:
    message = await aiogram.send_message(wang.id, "<b>研修</b>", parse_mode="HTML")
    assert (await aiogram.me()).username == "qinglan_bot"
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await message.edit_text("<b>研修</b>", parse_mode="HTML")
    world.say(wang.id, wang.id, "/start")
    (update,) = await aiogram.get_updates()
    assert update.message is not None
    assert update.message.text == "/start"
