"""Calls to Telegram: those that do no harm twice are made again, the others are not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from telegram import Bot
from telegram.error import NetworkError, RetryAfter

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


@pytest.mark.parametrize("fault", ["error", "bad_gateway", "reset_before", "reset_after"])
async def test_an_edit_survives_a_moments_fault(
    fault: str, client: Bot, world: World, amina: Person
) -> None:
    card = await client.send_message(amina.id, "旧")
    world.faults.add_named(fault, method="editMessageText")
    edited = client.edit_message_text("新", amina.id, card.message_id)
    if fault == "reset_after":  # it had been done before the connection broke
        with pytest.raises(NetworkError, match="not modified"):
            await edited
    else:
        await edited
    assert world.seen_by(amina.id, amina.id)[-1].text == "新"


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
    card = await client.send_message(amina.id, "旧")
    world.faults.add_named("error", method="editMessageText", times=None)
    with pytest.raises(NetworkError):
        await client.edit_message_text("新", amina.id, card.message_id)


async def test_a_short_pause_is_kept_and_a_long_one_is_told(
    client: Bot, world: World, amina: Person
) -> None:
    card = await client.send_message(amina.id, "旧")
    world.faults.add_named("flood", method="editMessageText", retry_after=1)
    await client.edit_message_text("新", amina.id, card.message_id)
    world.faults.add_named("flood", method="editMessageText", retry_after=60)
    with pytest.raises(RetryAfter):
        await client.edit_message_text("再新", amina.id, card.message_id)
