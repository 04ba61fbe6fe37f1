"""Faults and switches on demand: what the bot meets, and what was done all the same."""

from __future__ import annotations

import time

import aiohttp
import pytest
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

from bot.sandbox.chats import Chat, Person
from bot.sandbox.faults import NAMED
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World

MEANT = {
    "flood": RetryAfter,
    "error": NetworkError,
    "bad_gateway": NetworkError,
    "timeout": NetworkError,
    "reset_before": NetworkError,
    "reset_after": NetworkError,
    "blocked": Forbidden,
    "deactivated": Forbidden,
    "kicked": Forbidden,
    "migrated": ChatMigrated,
    "topic_closed": BadRequest,
}


@pytest.mark.parametrize("name", sorted(NAMED))
async def test_each_named_fault_is_met_once_and_then_all_is_well(
    name: str, ptb: Bot, world: World, group: Chat
) -> None:
    more = {"delay": 0.05} if name == "timeout" else {}
    world.faults.add_named(name, method="sendMessage", **more)
    with pytest.raises(MEANT[name]):
        await ptb.send_message(group.id, "一")
    await ptb.send_message(group.id, "二")
    stored = [one.body["text"] for one in group.messages.values()]
    assert stored == (["一", "二"] if name == "reset_after" else ["二"])
    assert world.faults.listed() == []


async def test_a_fault_hits_its_share_of_its_chat(
    ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    world.faults.add_named("error", chat_id=group.id, share=0.25, times=None)
    failed = 0
    for number in range(20):
        await ptb.send_message(wang.id, f"{number}")
        try:
            await ptb.send_message(group.id, f"{number}")
        except NetworkError:
            failed += 1
    assert failed == 5


async def test_the_paid_switch_lets_a_broadcast_through(
    ptb: Bot, world: World, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sandbox.flood.time.monotonic", lambda: 1_000.0)  # all in a moment
    people = [world.add_person(f"教师{n}", started=True) for n in range(60)]
    world.flood.on = True
    for person in people[:30]:
        await ptb.send_message(person.id, "通知")
    with pytest.raises(RetryAfter):
        await ptb.send_message(people[30].id, "通知")
    async with aiohttp.ClientSession() as http:
        url = f"{sandbox.url}/sandbox/settings"
        async with http.post(url, json={"paid": True}) as answer:
            assert (await answer.json())["paid"] is True
        async with http.get(url) as answer:
            assert (await answer.json())["flood"] is True
    for person in reversed(people):
        await ptb.send_message(person.id, "再通知")


async def test_updates_come_late_and_twice(ptb: Bot, world: World, wang: Person) -> None:
    world.updates.hold(True)
    world.say(wang.id, wang.id, "早")
    assert len(world.updates.dump()["queue"]) == 1  # a restart does not lose it
    assert await ptb.get_updates() == ()
    world.updates.hold(False)
    (first,) = await ptb.get_updates()
    world.updates.repeat()
    again = await ptb.get_updates(offset=first.update_id + 1)
    assert [one.update_id for one in again] == [first.update_id]


async def test_the_calls_can_be_watched_with_their_answers(
    ptb: Bot, sandbox: Sandbox, wang: Person
) -> None:
    async with aiohttp.ClientSession() as http:
        query = {"person": str(wang.id), "calls": "1"}
        async with http.get(f"{sandbox.url}/sandbox/events", params=query) as stream:
            await ptb.send_message(wang.id, "一")
            with pytest.raises(BadRequest):
                await ptb.send_message(wang.id, "")
            lines = b""
            began = time.monotonic()
            while lines.count(b'"kind": "call"') < 2 and time.monotonic() - began < 5:
                lines += await stream.content.readany()
            assert "message text is empty" in lines.decode()
        async with http.get(f"{sandbox.url}/sandbox/log", params={"last": "2"}) as answer:
            sent, refused = await answer.json()
    assert sent["answer"]["text"] == "一"
    assert sent["refusal"] is None
    assert refused["answer"] is None
    assert refused["ms"] >= 0


async def test_the_interface_is_described_as_it_is(sandbox: Sandbox) -> None:
    from bot.sandbox import guide

    described = {(one.verb, f"/sandbox/{one.path}") for one in (*guide.LOOKS, *guide.ACTS)}
    assert sandbox._runner is not None
    assert sandbox._runner.app is not None
    real = {
        (route.method, route.resource.canonical)
        for route in sandbox._runner.app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/sandbox")
        and route.method in {"GET", "POST"}
    }
    assert described == real
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{sandbox.url}/sandbox/") as answer,
    ):
        assert "/sandbox/say" in await answer.text()
