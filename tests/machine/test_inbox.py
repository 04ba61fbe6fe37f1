"""The inbox: kept before confirmed, in order per person, and nobody stopped by anybody."""

import asyncio
import json

import pytest
from sqlmodel import Session, select

from bot.inbox import Inbox
from storage.database import Database
from storage.messaging import inbox
from storage.messaging.inbox import Arrival
from storage.messaging.tables import InboxState, InboxUpdate
from tests import make
from tests.make import NOW
from tests.stage import Stage


def states(session: Session) -> dict[int, InboxState]:
    rows = session.exec(select(InboxUpdate.update_id, InboxUpdate.state)).all()
    return {update_id: InboxState(state) for update_id, state in rows}


def text_update(update_id: int, person: int, text: str) -> dict[str, object]:
    user = {"id": person, "is_bot": False, "first_name": "某"}
    chat = {"id": person, "type": "private", "first_name": "某"}
    message = {"message_id": update_id, "date": 1, "chat": chat, "from": user, "text": text}
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return {"update_id": update_id, "message": message}


async def test_a_repeated_number_is_kept_once(database: Database) -> None:
    first = await database.write(inbox.keep, [Arrival(7, "{}"), Arrival(8, "{}")], now=NOW)
    again = await database.write(inbox.keep, [Arrival(8, "{}"), Arrival(9, "{}")], now=NOW)
    assert (first, again) == ({7, 8}, {9})


async def test_what_was_not_handled_is_found_in_order(database: Database) -> None:
    await database.write(inbox.keep, [Arrival(n, str(n)) for n in (3, 1, 2)], now=NOW)
    await database.write(inbox.settle, [2], [], now=NOW)
    assert await database.read(inbox.unfinished) == [Arrival(1, "1"), Arrival(3, "3")]


async def test_an_update_that_brings_the_process_down_is_set_aside_after_three_tries(
    database: Database,
) -> None:
    await database.write(inbox.keep, [Arrival(1, "{}")], now=NOW)
    tries = [await database.write(inbox.try_again, 1, now=NOW) for _ in range(4)]
    assert tries == [True, True, True, False]
    assert await database.read(states) == {1: InboxState.SET_ASIDE}


async def test_done_updates_are_forgotten_after_two_days_and_faulty_ones_after_a_month(
    database: Database,
) -> None:
    from datetime import timedelta

    await database.write(inbox.keep, [Arrival(1, "{}"), Arrival(2, "{}")], now=NOW)
    await database.write(inbox.settle, [1], [(2, "fault")], now=NOW)
    await database.write(inbox.forget_old, now=NOW + timedelta(days=3))
    assert await database.read(states) == {2: InboxState.FAILED}
    await database.write(inbox.forget_old, now=NOW + timedelta(days=31))
    assert await database.read(states) == {}


async def test_a_poisonous_update_between_good_ones_stops_nobody(stage: Stage) -> None:
    lin, shi = stage.newcomer("林若溪", language="en"), stage.newcomer("石晓岚", language="en")
    stage.world.press_start(lin.id)
    stage.world.inject({"message": {"message_id": 5, "text": "no chat, no date"}})
    stage.world.inject({"callback_query": {"id": 3}})
    stage.world.press_start(shi.id)
    await stage.settle()
    assert "link code" in lin.sees()
    assert "link code" in shi.sees()
    kept = await stage.database.read(states)
    assert sorted(state.value for state in kept.values()) == [
        "done",
        "done",
        "set_aside",
        "set_aside",
    ]


async def test_a_replayed_update_changes_nothing(stage: Stage) -> None:
    lin = stage.newcomer("林若溪", language="en")
    await lin.starts()
    before = len(lin.messages())
    update = text_update(999_000_001, lin.id, "/help")
    for _ in range(3):
        stage.world.inject(dict(update))
        await stage.settle()
    assert len([m for m in lin.messages() if not m.mine]) <= before


async def test_one_persons_updates_are_handled_in_order_and_others_do_not_wait(
    stage: Stage,
) -> None:
    seen: list[tuple[int, str]] = []
    slow = asyncio.Event()

    class Slow:
        bot = stage.office.application.bot

        async def process_update(self, update: object) -> None:
            message = update.message  # type: ignore[attr-defined]
            if message.from_user.id == 1 and message.text == "a":
                await slow.wait()
            seen.append((message.from_user.id, message.text))

    handled = Inbox(Slow(), stage.database, stage.clock)  # type: ignore[arg-type]
    await handled.take(
        [
            text_update(1, 1, "a"),
            text_update(2, 1, "b"),
            text_update(3, 2, "a"),
            text_update(4, 2, "b"),
        ]
    )
    await asyncio.sleep(0.1)
    assert seen == [(2, "a"), (2, "b")]
    slow.set()
    await handled.finish()
    assert seen[2:] == [(1, "a"), (1, "b")]


async def test_a_failing_handler_tells_the_person_and_is_kept_with_its_number(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    lin = await stage.teacher("林若溪")

    async def fail(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    from telegram.ext import CommandHandler

    stage.office.application.add_handler(CommandHandler("fail", fail), group=-1)
    answer = await lin.says("/fail")
    assert "Something went wrong" in "".join(m.text for m in lin.messages()) or answer
    kept = await stage.database.read(states)
    failed = [number for number, state in kept.items() if state is InboxState.FAILED]
    assert len(failed) == 1
    assert any(str(failed[0]) in record.getMessage() for record in caplog.records)
    stage.office.inbox.faulty.clear()
    assert "good to see you" in await lin.says("/menu")


async def test_what_was_kept_and_not_handled_is_handled_at_the_next_start(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, "作业设计专题培训")
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    update = text_update(999_000_002, lin.id, "/due")
    arrival = Arrival(999_000_002, json.dumps(update))
    await stage.database.write(inbox.keep, [arrival], now=stage.clock())
    assert await stage.office.inbox.recover() == 1
    await stage.office.inbox.drained()
    assert "Nothing is due" in lin.sees()
