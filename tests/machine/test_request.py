"""Calls to Telegram: those that do no harm twice are made again, the others are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile
from telegram.error import BadRequest, NetworkError, RetryAfter

from bot.clock import Clock
from bot.request import AiohttpRequest
from bot.sandbox.chats import Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World


@pytest.fixture
def world() -> World:
    return World(Clock(datetime(2026, 11, 20, 1, 0, tzinfo=UTC)))


@pytest.fixture
def amina(world: World) -> Person:
    return world.add_person("阿米娜", started=True)


@pytest.fixture
async def client(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    monkeypatch.setattr("bot.request.PAUSE", 0.01)
    sandbox = Sandbox(world)
    await sandbox.start()
    made = Bot(
        sandbox.token,
        base_url=f"{sandbox.bot_api}/bot",
        request=AiohttpRequest(),
        get_updates_request=AiohttpRequest(),
    )
    async with made:
        yield made
    await sandbox.stop()


async def tapped(client: Bot, world: World, amina: Person) -> str:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("好", callback_data="ok")]])
    card = await client.send_message(amina.id, "卡片", reply_markup=keys)
    return world.tap(amina.id, amina.id, card.message_id, "ok")


@pytest.mark.parametrize("fault", ["error", "bad_gateway", "reset_before", "reset_after"])
async def test_an_answer_survives_a_moments_fault(
    fault: str, client: Bot, world: World, amina: Person
) -> None:
    query = await tapped(client, world, amina)
    world.faults.add_named(fault, method="answerCallbackQuery")
    answered = client.answer_callback_query(query, "收到")
    if fault == "reset_after":  # it had been done before the connection broke
        with pytest.raises(BadRequest):
            await answered
    else:
        await answered
    assert (await world.answered(query)).text == "收到"


@pytest.mark.parametrize("fault", ["error", "reset_before"])
async def test_an_edit_is_left_to_who_knows_whether_it_is_still_wanted(
    fault: str, client: Bot, world: World, amina: Person
) -> None:
    card = await client.send_message(amina.id, "旧")
    world.faults.add_named(fault, method="editMessageText")
    with pytest.raises(NetworkError):
        await client.edit_message_text("新", amina.id, card.message_id)


@pytest.mark.parametrize("fault", ["error", "reset_before", "reset_after"])
async def test_a_message_is_never_sent_again_by_itself(
    fault: str, client: Bot, world: World, amina: Person
) -> None:
    world.faults.add_named(fault, method="sendMessage")
    with pytest.raises(NetworkError):
        await client.send_message(amina.id, "一次")
    sent = len(world.seen_by(amina.id, amina.id))
    assert sent == (1 if fault == "reset_after" else 0)


async def test_a_fault_that_lasts_is_told(client: Bot, world: World, amina: Person) -> None:
    query = await tapped(client, world, amina)
    world.faults.add_named("error", method="answerCallbackQuery", times=None)
    with pytest.raises(NetworkError):
        await client.answer_callback_query(query)


async def test_a_short_pause_is_kept_and_a_long_one_is_told(
    client: Bot, world: World, amina: Person
) -> None:
    query = await tapped(client, world, amina)
    world.faults.add_named("flood", method="answerCallbackQuery", retry_after=60)
    with pytest.raises(RetryAfter):
        await client.answer_callback_query(query, "好")
    world.faults.add_named("flood", method="answerCallbackQuery", retry_after=1)
    await client.answer_callback_query(query, "好")
    assert (await world.answered(query)).text == "好"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("名册 一.xlsx", "名册 一.xlsx"), ('a"b\r\nX: y\\.csv', "a_b__X: y_.csv")],
)
async def test_a_file_keeps_its_name_and_no_name_breaks_out_of_it(
    name: str, shown: str, client: Bot, amina: Person
) -> None:
    sent = await client.send_document(amina.id, InputFile(b"x", filename=name))
    assert sent.document is not None
    assert sent.document.file_name == shown
