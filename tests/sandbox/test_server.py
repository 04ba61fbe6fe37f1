"""The server itself: ways to call it, faults, floods, keeping its state, the desk."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogram import Bot as Aiogram
from aiogram.exceptions import TelegramServerError
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import Forbidden, NetworkError, RetryAfter

from bot.clock import Clock
from bot.sandbox import keeping
from bot.sandbox.chats import Chat, Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.conftest import MORNING, picture


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        yield session


async def posted(http: aiohttp.ClientSession, path: str, body: Any) -> Any:
    async with http.post(f"/sandbox/{path}", json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def got(http: aiohttp.ClientSession, path: str, **query: Any) -> Any:
    async with http.get(f"/sandbox/{path}", params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


# -- ways to call ---------------------------------------------------------------------------


async def test_a_call_may_be_made_in_any_of_the_four_ways(
    sandbox: Sandbox, http: aiohttp.ClientSession, wang: Person
) -> None:
    path = f"/bot{sandbox.token}/SENDMESSAGE"
    values = {"chat_id": str(wang.id), "text": "a&b 字"}
    form = aiohttp.FormData(values)
    form.add_field("unused", b"x", filename="x.bin")
    for answer in (
        await http.get(path, params=values),
        await http.post(path, json={**values, "chat_id": wang.id}),
        await http.post(path, data=values),
        await http.post(path, data=form),
    ):
        assert (await answer.json())["result"]["text"] == "a&b 字"


async def test_refusals_have_telegrams_shape(
    sandbox: Sandbox, http: aiohttp.ClientSession, wang: Person
) -> None:
    async def refused(path: str, body: Any = None) -> tuple[int, Any]:
        async with http.post(path, json=body or {}) as answer:
            return answer.status, await answer.json()

    own = f"/bot{sandbox.token}"
    assert await refused("/bot5:no/getMe") == (
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )
    assert await refused(f"{own}/getNothing") == (
        404,
        {"ok": False, "error_code": 404, "description": "Not Found"},
    )
    assert await refused(f"{own}/sendMessage", {"chat_id": 5, "text": "x"}) == (
        400,
        {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},
    )
    for wrong in ({"reply_markup": 5}, {"reply_parameters": "x{"}, {"entities": 7}):
        status, _ = await refused(f"{own}/sendMessage", {"chat_id": wang.id, "text": "x", **wrong})
        assert status == 400, wrong


async def test_a_request_for_another_host_is_refused(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        async with http.get("/sandbox/people", headers=headers) as answer:
            assert answer.status == 403
    async with http.post("/sandbox/say", data="{}") as answer:
        assert answer.status == 415


# -- faults and floods ----------------------------------------------------------------------


async def test_faults_hit_the_chosen_calls_only(
    ptb: Bot, world: World, wang: Person, li: Person
) -> None:
    world.press_start(li.id)
    world.faults.add(method="sendMessage", chat_id=wang.id, status=429, retry_after=7)
    await ptb.send_message(li.id, "x")
    with pytest.raises(RetryAfter) as later:
        await ptb.send_message(wang.id, "x")
    assert later.value.retry_after == timedelta(seconds=7)
    await ptb.send_message(wang.id, "x")

    world.faults.add(method="sendMessage", status=502, times=2)
    for _ in range(2):
        with pytest.raises(NetworkError, match="Bad Gateway"):
            await ptb.send_message(wang.id, "x")
    world.faults.add(status=403)
    with pytest.raises(Forbidden):
        await ptb.send_message(wang.id, "x")
    await ptb.send_message(wang.id, "x")


async def test_a_share_of_calls_fails_evenly(ptb: Bot, world: World, wang: Person) -> None:
    world.faults.add(method="sendMessage", status=500, share=0.25, times=None)
    failed = 0
    for _ in range(12):
        try:
            await ptb.send_message(wang.id, "x")
        except NetworkError:
            failed += 1
    assert failed == 3
    world.faults.clear()


async def test_a_connection_can_break_before_and_after_the_message_is_there(
    ptb: Bot, world: World, wang: Person
) -> None:
    world.faults.add(method="sendMessage", drop_before=True)
    with pytest.raises(NetworkError):
        await ptb.send_message(wang.id, "前")
    world.faults.add(method="sendMessage", drop_after=True)
    with pytest.raises(NetworkError):
        await ptb.send_message(wang.id, "后")
    assert [one.text for one in world.seen_by(wang.id, wang.id)] == ["后"]


async def test_the_other_client_meets_faults_too(
    aiogram: Aiogram, world: World, wang: Person
) -> None:
    world.faults.add(status=500)
    with pytest.raises(TelegramServerError):
        await aiogram.send_message(wang.id, "x")


async def test_the_flood_limits_hold_when_they_are_on(
    ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    for _ in range(25):
        await ptb.send_message(group.id, "不限")
    world.flood.on = True
    for _ in range(20):
        await ptb.send_message(group.id, "限")
    with pytest.raises(RetryAfter) as later:
        await ptb.send_message(group.id, "多了")
    assert timedelta(seconds=50) < later.value.retry_after <= timedelta(seconds=60)  # type: ignore[operator]
    for _ in range(3):
        await ptb.send_message(wang.id, "连发")
    with pytest.raises(RetryAfter):
        await ptb.send_message(wang.id, "连发")


async def test_the_flood_limit_for_the_whole_bot_is_thirty_a_second(ptb: Bot, world: World) -> None:
    people = [world.add_person(f"教师{n}", started=True) for n in range(40)]
    world.flood.on = True
    sent = refused = 0
    for person in people:
        try:
            await ptb.send_message(person.id, "x")
            sent += 1
        except RetryAfter:
            refused += 1
    assert sent >= 30
    assert sent + refused == 40


# -- keeping --------------------------------------------------------------------------------


async def test_a_restarted_sandbox_shows_the_same_chats(
    tmp_path: Path, world: World, wang: Person, li: Person, group: Chat
) -> None:
    state = tmp_path / "state.json"
    sandbox = Sandbox(world, state_file=state)
    await sandbox.start()
    async with Bot(sandbox.token, base_url=f"{sandbox.bot_api}/bot") as ptb:
        button = InlineKeyboardMarkup([[InlineKeyboardButton("报名", callback_data="r:7")]])
        card = await ptb.send_message(group.id, "研修", reply_markup=button)
        photo = await ptb.send_photo(wang.id, picture(), caption="海报")
        await ptb.set_my_commands([("hours", "学时")])
    world.say(wang.id, wang.id, "/hours")
    world.block(li.id)
    world.clock.advance(timedelta(days=2))
    await sandbox.stop()
    assert os.listdir(tmp_path) == ["state.json"]

    again = World(Clock(MORNING))
    again.add_person("王芳", id=wang.id, note="新注")
    fresh = again.add_person("新人", id=42)
    sandbox = Sandbox(again, state_file=state)
    await sandbox.start()
    assert again.clock() >= MORNING + timedelta(days=2)
    assert again.people[li.id].blocked
    assert again.people[fresh.id].name == "新人"
    for person in (wang, li):
        assert again.seen_by(person.id, group.id) == world.seen_by(person.id, group.id)
    assert again.seen_by(wang.id, wang.id) == world.seen_by(wang.id, wang.id)
    assert again.files.get(photo.photo[-1].file_id) is not None
    assert again.commands_for(wang.id, wang.id) == [{"command": "hours", "description": "学时"}]
    async with Bot(sandbox.token, base_url=f"{sandbox.bot_api}/bot") as ptb:
        updates = await ptb.get_updates()
        assert updates[0].message is not None
        assert updates[0].message.text == "/hours"
        assert (await ptb.send_message(group.id, "x")).message_id > card.message_id
        again.tap(wang.id, group.id, card.message_id, "r:7")
    await sandbox.stop()


async def test_a_killed_sandbox_gives_no_number_twice(
    tmp_path: Path, world: World, wang: Person
) -> None:
    state = tmp_path / "state.json"
    sandbox = Sandbox(world, state_file=state)
    sandbox.save()
    world.say(wang.id, wang.id, "之后说的")  # and then the power fails
    said = (await world.updates.poll(0, 100, 0))[-1]

    again = World(Clock(MORNING))
    sandbox = Sandbox(again, state_file=state)
    await sandbox.start()
    again.say(wang.id, wang.id, "新的一天")
    new = (await again.updates.poll(0, 100, 0))[-1]
    await sandbox.stop()
    assert new["update_id"] > said["update_id"]
    assert new["message"]["message_id"] > said["message"]["message_id"]


def test_a_dump_is_plain_json_and_loads_to_the_same(world: World, wang: Person) -> None:
    world.say(wang.id, wang.id, "你好")
    world.send_document(wang.id, wang.id, b"x", "x.txt")
    dumped = json.loads(json.dumps(keeping.dump(world)))
    again = World(Clock(MORNING))
    keeping.load(again, dumped)
    assert keeping.dump(again) | {"now": ""} == keeping.dump(world) | {"now": ""}


# -- the desk -------------------------------------------------------------------------------


async def test_people_can_be_acted_over_http(
    http: aiohttp.ClientSession, ptb: Bot, world: World
) -> None:
    amina = await posted(http, "people", {"name": "阿米娜", "note": "英语"})
    group = await posted(http, "groups", {"title": "群", "members": [amina["id"]]})
    assert (await got(http, "people", q="英语"))["total"] == 1
    me = {"person": amina["id"]}
    await posted(http, "start", {**me, "payload": "abc"})
    await posted(http, "say", [{**me, "text": "一"}, {**me, "text": "二"}])
    await posted(http, "say", {**me, "chat": group["id"], "text": "/hours"})
    await posted(http, "contact", me)
    data = base64.b64encode(picture()).decode()
    await posted(http, "document", {**me, "name": "a.png", "data": data, "photo": True})
    await posted(http, "inject", {"message": {}})
    assert (await got(http, "stats"))["updates_waiting"] == 7

    button = InlineKeyboardMarkup([[InlineKeyboardButton("好", callback_data="ok")]])
    message = await ptb.send_message(amina["id"], "问", reply_markup=button)
    tap = await posted(http, "tap", {**me, "message": message.message_id, "data": "ok"})
    await ptb.answer_callback_query(tap["query"], "答")
    answer = await got(http, "answers", query=tap["query"], wait=2)
    assert answer["answer"]["text"] == "答"
    assert len(await got(http, "answers")) == 1
    seen = await got(http, "seen", person=amina["id"], chat=amina["id"])
    assert [one["text"] for one in seen["messages"]][:3] == ["/start abc", "一", "二"]
    chats = await got(http, "chats", person=amina["id"])
    assert [one["title"] for one in chats["chats"]] == ["", "群"]
    assert chats["chats"][0]["unread"] == 1

    await posted(http, "block", me)
    async with http.post("/sandbox/say", json={**me, "text": "x"}) as refused:
        assert refused.status == 409
    await posted(http, "faults", {"method": "sendMessage", "status": 500})
    assert (await got(http, "faults"))[0]["status"] == 500
    await posted(http, "faults", {"clear": True})
    assert (await posted(http, "settings", {"flood": True}))["flood"] is True
    assert world.flood.on
    assert [one["method"] for one in await got(http, "log")][-1] == "answerCallbackQuery"
    assert (await got(http, "stats"))["calls"]["sendMessage"] == 1


async def test_the_clock_moves_by_a_span_or_to_the_next_event(
    sandbox: Sandbox, http: aiohttp.ClientSession, world: World
) -> None:
    before = world.clock()
    await posted(http, "clock", {"advance_seconds": 3600})
    assert world.clock() - before >= timedelta(hours=1)
    assert (await posted(http, "clock", {"next_event": True}))["moved"] is False

    event = MORNING + timedelta(days=3)

    async def next_event() -> datetime | None:
        return event

    sandbox.next_event = next_event
    moved = await posted(http, "clock", {"next_event": True})
    assert moved["moved"] is True
    assert moved["event"] == event.isoformat()
    assert event <= world.clock() < event + timedelta(minutes=1)
    async with http.post("/sandbox/clock", json={"advance_seconds": -5}) as refused:
        assert refused.status == 400


async def test_the_page_is_served_and_hears_of_changes(
    http: aiohttp.ClientSession, world: World, wang: Person
) -> None:
    for path in ("/", "/page/style.css", "/page/chat.js", "/page/text.js"):
        async with http.get(path) as answer:
            assert answer.status == 200
            assert "https://" not in (await answer.text()).replace("https://${", "")
    async with asyncio.timeout(5), http.get(f"/sandbox/events?person={wang.id}") as stream:
        assert (await stream.content.readline()).startswith(b"retry:")
        await stream.content.readline()
        world.say(wang.id, wang.id, "你好")
        line = await stream.content.readline()
        assert json.loads(line.removeprefix(b"data: ")) == {"kind": "chat", "chat": wang.id}


async def test_the_server_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.sandbox", "--port", "0", "--people", "3"),
        *("--latency-ms", "5", "--state", str(tmp_path / "state.json")),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
    async with Bot("1000000001:sandbox", base_url=f"{url}/bot") as ptb:
        assert (await ptb.send_message(3, "你好")).chat.id == 3
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert "你好" in (tmp_path / "state.json").read_text("utf-8")


async def test_wrong_input_is_refused_and_never_a_fault_of_the_server(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for path in ("chats", "seen?person=x", "seen?person=1e308&chat=inf", "inline", "log?last=%00"):
        async with http.get(f"{sandbox.url}/sandbox/{path}") as answer:
            assert answer.status == 400, path
    bodies: list[Any] = [{"person": "x"}, {"person": float("inf")}, [], {}, {"person": []}]
    for body in bodies:
        async with http.post(f"{sandbox.url}/sandbox/tap", json=body) as answer:
            assert answer.status in ({200} if body == [] else {400}), body
    deep = "[" * 100_000
    async with http.post(
        f"{sandbox.bot_api}/bot{sandbox.token}/sendMessage",
        data={"chat_id": deep, "entities": deep},
    ) as answer:
        assert answer.status == 400
