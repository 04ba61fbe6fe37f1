"""Delivery: failures sorted by remedy, an even pace, and one bad row that holds up nobody."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

import bot.delivery
import bot.pacer
from bot.delivery import Delivery
from bot.pacer import Pacer, Refusals
from handlers.messaging.voices_of_all import VOICES
from storage.database import Database
from storage.messaging import outbox
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.people.tables import Account
from tests.stage import Actor, Stage, stage_on


async def put(stage: Stage, who: Actor, key: str, kind: str = "link_moved") -> None:
    await stage.database.write(
        outbox.put,
        kind,
        teacher_id=who.teacher_id,
        facts={},
        priority=Priority.OFFER,
        not_before=stage.clock(),
        dedupe_key=key,
        now=stage.clock(),
    )


async def states(stage: Stage) -> list[OutboxState]:
    def look(session: Session) -> list[OutboxState]:
        rows = session.exec(select(OutboxMessage.state).order_by(col(OutboxMessage.id))).all()
        return [OutboxState(state) for state in rows]

    return await stage.database.read(look)


async def test_what_telegram_takes_is_sent_once(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    await put(stage, lin, "a")
    await put(stage, lin, "a")
    await stage.office.delivery.drain()
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.SENT]
    assert len(lin.messages()) == 1


async def test_what_was_sent_is_written_down_though_the_database_fails_for_a_moment(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = await stage.teacher("林若溪")
    await put(stage, lin, "a")
    settle, failures = outbox.settle_many, iter([True, True])

    def failing(session: Session, *about: Any) -> None:
        if next(failures, False):
            raise sa.exc.OperationalError("settle", {}, Exception("disk I/O error"))
        settle(session, *about)

    monkeypatch.setattr(outbox, "settle_many", failing)
    monkeypatch.setattr(bot.delivery, "SETTLE_PAUSE", 0.01)
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.SENT]
    stage.clock.advance(timedelta(minutes=10))
    await stage.office.delivery.drain()
    assert len(lin.messages()) == 1


async def test_one_private_chat_that_is_full_holds_up_nobody_else(stage: Stage) -> None:
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    stage.world.faults.add("sendMessage", chat_id=lin.id, status=429, retry_after=600)
    await put(stage, lin, "a")
    await stage.office.delivery.drain()
    await put(stage, lin, "b")
    await put(stage, shi, "c")
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.PENDING, OutboxState.PENDING, OutboxState.SENT]
    stage.clock.advance(timedelta(seconds=601))
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.SENT] * 3


async def test_two_that_are_full_at_once_mean_everything_and_that_outlives_a_restart(
    stage: Stage,
) -> None:
    lin, shi, wen = [await stage.teacher(name) for name in ("林若溪", "石晓岚", "闻思远")]
    stage.world.faults.add("sendMessage", status=429, retry_after=600, times=2)
    await put(stage, lin, "a")
    await put(stage, shi, "b")
    await stage.office.delivery.drain()
    await put(stage, wen, "c")
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.PENDING] * 3
    held = await stage.database.read(outbox.held_until, now=stage.clock())
    assert held == stage.clock() + timedelta(seconds=600)
    stage.clock.advance(timedelta(seconds=601))
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.SENT] * 3


def test_a_group_that_is_full_speaks_for_itself() -> None:
    refusals = Refusals()
    assert not refusals.concerns_all(-100)
    assert not refusals.concerns_all(-200)
    assert not refusals.concerns_all(1)
    assert not refusals.concerns_all(1)
    assert refusals.concerns_all(2)


@pytest.mark.parametrize("paid", [False, True])
async def test_telegram_is_offered_money_only_where_the_office_says_so(
    stage: Stage, paid: bool
) -> None:
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await put(stage, lin, "a")
    await put(stage, shi, "b")
    stage.world.flood.on = True
    stage.world.flood.whole_per_second = 1  # a second one must be paid for
    delivery = Delivery(
        stage.office.application.bot, stage.office.house, VOICES, rate=1000, paid=paid
    )
    await delivery.drain()
    sent = (await states(stage)).count(OutboxState.SENT)
    assert sent == (2 if paid else 1)


async def test_who_blocked_the_bot_is_unreachable_until_they_come_back(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    stage.world.people[lin.id].blocked = True
    await put(stage, lin, "a")
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.REFUSED]

    def reachable(session: Session) -> bool:
        return session.exec(select(Account.reachable)).one()

    assert not await stage.database.read(reachable)
    stage.world.unblock(lin.id)
    await lin.starts()
    assert await stage.database.read(reachable)


async def test_the_network_failing_loses_nothing(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    stage.world.faults.add("sendMessage", status=502, times=2)
    await put(stage, lin, "a")
    for _ in range(3):
        await stage.office.delivery.drain()
        stage.clock.advance(timedelta(minutes=2))
    assert await states(stage) == [OutboxState.SENT]


async def test_a_row_that_cannot_be_put_into_words_holds_up_nobody(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    await put(stage, lin, "a", kind="nobody speaks for this")
    await put(stage, lin, "b")
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.BROKEN, OutboxState.SENT]


async def test_a_row_in_doubt_goes_out_again_when_its_lease_has_run_out(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    await put(stage, lin, "a")
    claimed = await stage.database.write(
        outbox.claim, now=stage.clock(), lease=timedelta(minutes=3), limit=5
    )
    assert len(claimed) == 1  # and here the process dies
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.SENDING]
    stage.clock.advance(timedelta(minutes=4))
    await stage.database.write(outbox.recover, now=stage.clock())
    await stage.office.delivery.drain()
    assert await states(stage) == [OutboxState.SENT]


async def test_the_pace_is_even_over_all_chats() -> None:
    pacer = Pacer(200)
    turns: list[float] = []

    async def take(chat: int) -> None:
        async with pacer.turn(chat):
            turns.append(time.monotonic())

    await asyncio.gather(*(take(chat) for chat in range(60)))
    turns.sort()
    # Sixty turns at 200 a second take 0.295 s; no burst lets them through sooner.
    assert turns[-1] - turns[0] >= 0.28


async def test_who_waited_while_the_machine_was_busy_leaves_one_by_one() -> None:
    pacer = Pacer(200)
    turns: list[float] = []

    async def take(chat: int) -> None:
        async with pacer.turn(chat):
            turns.append(time.monotonic())

    async def is_busy() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.15)  # noqa: ASYNC251  (what is tried)

    await asyncio.gather(is_busy(), *(take(chat) for chat in range(60)))
    # Thirty were due meanwhile; a tenth of a second holds twenty, and what may be made up for.
    for first, later in zip(turns, turns[25:], strict=False):
        assert later - first >= 0.08


async def test_one_chat_waits_for_itself_and_not_for_others() -> None:
    pacer = Pacer(1000)

    async def take(chat: int) -> None:
        async with pacer.turn(chat):
            pass

    await take(1)
    second = asyncio.ensure_future(take(1))
    await take(2)
    assert not second.done()
    second.cancel()


async def test_what_was_long_on_its_way_does_not_fill_a_second_with_what_left_later() -> None:
    pacer = Pacer(40)
    counted: list[float] = []

    async def send(chat: int) -> None:
        async with pacer.turn(chat):
            await asyncio.sleep(0.02)
            # Every other second all is held up for a while, and arrives at once.
            await asyncio.sleep(max(0.0, 0.3 - time.monotonic() % 2.0))
            counted.append(time.monotonic())
            await asyncio.sleep(0.02)

    await asyncio.gather(*(send(chat) for chat in range(120)))
    counted.sort()
    # A little less than a second, for what a busy machine adds to the quickest answer.
    assert all(later - first >= 0.95 for first, later in zip(counted, counted[40:], strict=False))


async def test_an_answer_that_never_comes_does_not_stop_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.pacer, "PATIENCE", 0.05)
    pacer = Pacer(100)
    never = asyncio.Event()

    async def hang(chat: int) -> None:
        async with pacer.turn(chat):
            await never.wait()

    lost = [asyncio.ensure_future(hang(chat)) for chat in range(100)]
    async with asyncio.timeout(30):
        async with pacer.turn(100):
            pass
    assert not any(one.done() for one in lost)
    never.set()
    await asyncio.gather(*lost)


async def test_two_dispatchers_on_one_postgresql_send_nothing_twice(postgres_url: str) -> None:
    first, second = Database(postgres_url), Database(postgres_url)
    try:
        async with stage_on(first) as stage:
            people = [await stage.teacher(f"教师{n:02}") for n in range(40)]
            for who in people:
                for stream in range(2):
                    await stage.database.write(
                        outbox.put,
                        "link_moved",
                        teacher_id=who.teacher_id,
                        facts={},
                        priority=Priority.BULK,
                        not_before=stage.clock(),
                        dedupe_key=f"{who.id}:{stream}",
                        now=stage.clock(),
                        stream=stream,
                    )
            bot, house = stage.office.application.bot, stage.office.house
            other = replace(house, database=second)
            both = [Delivery(bot, one, VOICES, rate=100) for one in (house, other)]
            running = asyncio.gather(*(delivery.run() for delivery in both))
            async with asyncio.timeout(60):
                while await states(stage) != [OutboxState.SENT] * 80:
                    await asyncio.sleep(0.05)
            for delivery in both:
                delivery.stop()
            await running
            assert [len(who.messages()) for who in people] == [2] * 40
            assert all(delivery.sent for delivery in both), "one of them had nothing to do"
            assert sum(delivery.sent for delivery in both) == 80
    finally:
        second.close()
        first.close()
