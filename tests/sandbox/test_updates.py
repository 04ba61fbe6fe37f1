"""How the bot hears of things: long polling, the webhook, privacy mode, broken updates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiogram import Bot as Aiogram
from aiohttp import web
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, InvalidToken

from bot.sandbox.chats import Chat, Person
from bot.sandbox.refusals import ImpossibleAct
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World


async def texts(ptb: Bot, offset: int | None = None) -> list[str | None]:
    updates = await ptb.get_updates(offset=offset)
    return [update.message.text for update in updates if update.message]


async def test_updates_stay_until_they_are_confirmed(ptb: Bot, world: World, wang: Person) -> None:
    for text in ("一", "二", "三"):
        world.say(wang.id, wang.id, text)

    first = await ptb.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["一", "二"]
    assert first[1].update_id == first[0].update_id + 1
    assert await texts(ptb) == ["一", "二", "三"]
    assert await texts(ptb, offset=first[1].update_id + 1) == ["三"]
    world.say(wang.id, wang.id, "四")
    assert await texts(ptb, offset=-1) == ["四"]


async def test_a_long_poll_ends_as_soon_as_something_happens(
    ptb: Bot, world: World, wang: Person
) -> None:
    async with asyncio.timeout(3), asyncio.TaskGroup() as both:
        poll = both.create_task(ptb.get_updates(timeout=20))
        await asyncio.sleep(0.05)
        assert not poll.done()
        world.say(wang.id, wang.id, "来了")
    assert poll.result()[0].message is not None


async def test_a_second_poller_throws_the_first_one_out(
    ptb: Bot, aiogram: Aiogram, world: World, wang: Person
) -> None:
    async def first() -> None:
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await ptb.get_updates(timeout=20)

    async with asyncio.timeout(3), asyncio.TaskGroup() as both:
        thrown_out = both.create_task(first())
        await asyncio.sleep(0.05)
        second = both.create_task(aiogram.get_updates(timeout=20))
        await thrown_out
        world.say(wang.id, wang.id, "来了")
    assert len(second.result()) == 1


async def test_what_a_member_does_is_told_only_on_request(
    ptb: Bot, world: World, wang: Person, li: Person
) -> None:
    group = world.add_group("群", members=[wang.id], bot_is_admin=True)
    world.join(li.id, group.id)
    (service,) = await ptb.get_updates()
    assert service.message is not None
    assert service.message.new_chat_members[0].id == li.id

    await ptb.get_updates(offset=service.update_id + 1, allowed_updates=Update.ALL_TYPES)
    world.leave(li.id, group.id)
    updates = await ptb.get_updates()
    assert {update.chat_member is not None for update in updates} == {True, False}
    # What was wished for last still holds; an empty wish is the default again.
    await ptb.get_updates(offset=updates[-1].update_id + 1, allowed_updates=[])
    world.join(li.id, group.id)
    assert not any(update.chat_member for update in await ptb.get_updates())


async def test_blocking_is_told(ptb: Bot, world: World, wang: Person) -> None:
    world.block(wang.id)
    world.press_start(wang.id)
    blocked, unblocked, started = await ptb.get_updates()
    assert blocked.my_chat_member is not None
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member is not None
    assert unblocked.my_chat_member.new_chat_member.status == "member"
    assert started.message is not None
    assert started.message.text == "/start"


async def test_a_deep_link_sends_its_payload(ptb: Bot, world: World, li: Person) -> None:
    world.open_link(li.id, "join_A-1")
    (update,) = await ptb.get_updates()
    assert update.message is not None
    assert update.message.text == "/start join_A-1"
    assert update.message.entities[0].type == "bot_command"
    for payload in ("", "a" * 65, "a b", "汉"):
        with pytest.raises(ImpossibleAct):
            world.open_link(li.id, payload)


async def test_a_contact_says_whose_it_is(ptb: Bot, world: World, wang: Person, li: Person) -> None:
    world.share_contact(wang.id, wang.id)
    world.share_contact(wang.id, wang.id, contact_of=li.id)
    own, other = [update.message for update in await ptb.get_updates()]
    assert own is not None
    assert own.contact is not None
    assert (own.contact.user_id, own.contact.phone_number) == (wang.id, wang.phone)
    assert other is not None
    assert other.contact is not None
    assert other.contact.user_id == li.id


async def test_in_a_group_a_plain_bot_hears_only_what_is_for_it(
    ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    ours = await ptb.send_message(group.id, "大家好")
    chatter = world.say(wang.id, group.id, "今天下雨")
    world.say(wang.id, group.id, "@qinglan_bot 在吗")
    world.say(wang.id, group.id, "/hours")
    world.say(wang.id, group.id, "/hours@Qinglan_Bot x")
    world.say(wang.id, group.id, "/hours@other_bot")
    world.say(wang.id, group.id, "回复你", reply_to=ours.message_id)
    world.say(li.id, group.id, "回复他", reply_to=chatter.id)

    assert await texts(ptb) == ["/hours", "/hours@Qinglan_Bot x", "回复你"]
    assert not (await ptb.get_me()).can_read_all_group_messages


async def test_in_a_group_an_administrator_bot_hears_all(
    ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    world.add_bot(wang.id, group.id, as_admin=True)
    world.say(wang.id, group.id, "今天下雨")
    assert await texts(ptb) == ["今天下雨"]


async def test_an_update_shows_what_was_there_when_it_happened(
    ptb: Bot, world: World, wang: Person
) -> None:
    said = world.say(wang.id, wang.id, "先")
    world.edit(wang.id, wang.id, said.id, "后 /help")
    before, after = await ptb.get_updates()
    assert before.message is not None
    assert before.message.text == "先"
    assert after.edited_message is not None
    assert after.edited_message.text == "后 /help"


async def test_any_update_can_be_injected_also_broken_and_repeated_ones(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person
) -> None:
    world.say(wang.id, wang.id, "一")
    (first,) = await ptb.get_updates()
    await ptb.get_updates(offset=first.update_id + 1)

    world.inject({"message": {"message_id": 1}})
    world.inject({"update_id": first.update_id, "message": {"repeated": True}})
    url = f"{sandbox.bot_api}/bot{sandbox.token}/getUpdates?offset={first.update_id + 1}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            raw = (await answer.json())["result"]
        assert raw == [
            {"update_id": first.update_id + 1, "message": {"message_id": 1}},
            {"update_id": first.update_id, "message": {"repeated": True}},
        ]
        async with session.get(url) as answer:
            assert [one["update_id"] for one in (await answer.json())["result"]] == [
                first.update_id + 1
            ]


Answering = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def listening(answering: Answering) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", answering)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


async def test_a_webhook_is_called_again_until_it_agrees(
    ptb: Bot, world: World, wang: Person, li: Person
) -> None:
    heard: list[tuple[str | None, str]] = []
    all_heard = asyncio.Event()
    refuse = 2

    async def hook(request: web.Request) -> web.Response:
        nonlocal refuse
        body: dict[str, Any] = await request.json()
        if body["message"]["from"]["id"] == wang.id and refuse:
            refuse -= 1
            return web.Response(status=500)
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        heard.append((secret, body["message"]["text"]))
        if len(heard) == 4:
            all_heard.set()
        return web.Response()

    async with listening(hook) as url:
        await ptb.set_webhook(url, secret_token="s3cret", max_connections=4)
        for text in ("一", "二", "三"):
            world.say(wang.id, wang.id, text)
        world.say(li.id, li.id, "别人")
        await asyncio.wait_for(all_heard.wait(), 5)
        info = await ptb.get_webhook_info()
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await ptb.get_updates()
        assert await ptb.delete_webhook()

    # In order within a chat, though another chat is not held up by its trouble.
    assert [text for _, text in heard] == ["别人", "一", "二", "三"]
    assert {secret for secret, _ in heard} == {"s3cret"}
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
    assert info.pending_update_count == 0
    assert await texts(ptb) == []


async def test_a_webhook_may_answer_with_a_call(ptb: Bot, world: World, wang: Person) -> None:
    async def hook(request: web.Request) -> web.Response:
        reply = {"method": "sendMessage", "chat_id": wang.id, "text": "收到"}
        return web.Response(text=json.dumps(reply), content_type="application/json")

    async with listening(hook) as url:
        await ptb.set_webhook(url)
        world.say(wang.id, wang.id, "在吗")
        await world.until(lambda: world.seen_by(wang.id, wang.id)[-1].text == "收到")
        await ptb.delete_webhook()


async def test_what_waits_can_be_dropped(ptb: Bot, world: World, wang: Person) -> None:
    world.say(wang.id, wang.id, "旧")
    assert (await ptb.get_webhook_info()).pending_update_count == 1
    await ptb.delete_webhook(drop_pending_updates=True)
    assert await texts(ptb) == []


async def test_a_webhook_elsewhere_is_refused(ptb: Bot) -> None:
    with pytest.raises(BadRequest, match="this machine only"):
        await ptb.set_webhook("https://example.org/hook")


async def test_a_wrong_token_is_not_let_in(sandbox: Sandbox) -> None:
    stranger = Bot("1000000001:wrong", base_url=f"{sandbox.bot_api}/bot")
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()
