"""A tap on Register: update in, row written, answer out; beside bots that only answer."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import storage.database
from handlers.training.registration import register_as
from storage.database import Database
from tests.bench import county
from tests.bench.lanes import BOT_CORE, LATENCY, Lane, address, clocked, fresh, lane, running
from tests.bench.table import Report, at_least, at_most, exactly

AT_ONCE = 200
STORM = 5_000
SEATS = 200


@dataclass
class Bot:
    """A bot in its lane; ours has a database, a peer has none."""

    lane: Lane
    database: Database | None = None
    answered: int = 0

    async def storm(self, people: range, *, seats: int) -> tuple[float, int]:
        """All tap at once: the seconds until all are answered, and the batch."""
        data, batch_id = await self._register(seats)
        began = time.perf_counter()
        await self.lane.tap(people, data)
        self.answered += len(people)
        await self.lane.until_answered(self.answered)
        seconds = time.perf_counter() - began
        await self._settled()
        return seconds, batch_id

    async def one_by_one(self, people: list[int]) -> float:
        """One taps when all is quiet: the median of the milliseconds to the answer."""
        data, _ = await self._register(len(people))
        took = []
        for person in people:
            await asyncio.sleep(0.03)
            began = time.perf_counter()
            (query,) = await self.lane.tap([person], data)
            await self.lane.look("answers", query=query, wait=10)
            took.append(1000 * (time.perf_counter() - began))
        self.answered += len(people)
        return statistics.median(took)

    async def _register(self, seats: int) -> tuple[str, int]:
        if self.database is None:
            return "reg:1", 0
        await self.database.write(county.forget_registrations)
        batch_id = await self.database.write(county.open_batch, seats)
        return f"reg:{batch_id}", batch_id

    async def _settled(self) -> None:
        """Wait until the bot has nothing in hand: the cards are edited after the answers."""
        before = None
        while (now := await self.lane.calls()) != before:
            before = now
            await asyncio.sleep(0.25)


async def measure(report: Report, *, quick: bool) -> None:
    """Taps of 200 people at once, and one tap on an idle system."""
    runs = 2 if quick else 11  # a burst lasts a fifth of a second, and machines breathe
    people = range(1, AT_ONCE + 1)
    async with AsyncExitStack() as stack:
        bots = {
            "ours": await _ours(stack, AT_ONCE),
            "ordered": await _peer(stack, "ordered"),
            "default": await _peer(stack, "default"),
        }
        rates: dict[str, list[float]] = {name: [] for name in bots}
        for bot in bots.values():
            await bot.lane.latency(LATENCY)
            await bot.storm(people, seats=100)  # connections and caches, not counted
        for _ in range(runs):
            for name in random.sample(sorted(bots), len(bots)):
                seconds, _ = await bots[name].storm(people, seats=100)
                rates[name].append(AT_ONCE / seconds)
        ours, what = rates["ours"], "200 tap Register at once, answers a second"
        report.compared(
            f"{what}; bare echo, same engine", ours, rates["ordered"], "", at_least(0.6)
        )
        report.compared(f"{what}; default echo", ours, rates["default"], "", at_least(5))

        idle: dict[str, list[float]] = {"ours": [], "ordered": []}
        for name in idle:
            await bots[name].lane.latency(0)
        for _ in range(runs):
            for name in random.sample(sorted(idle), len(idle)):
                idle[name].append(await bots[name].one_by_one(random.sample(people, 15)))
        report.alone(
            "one tap on an idle system, no latency, ms; bare echo",
            idle["ours"],
            "",
            at_most(15),
            peer=f"{statistics.median(idle['ordered']):.1f}",
        )


async def opening_hour(report: Report, *, quick: bool) -> None:
    """Five thousand on two hundred seats, to the end, and what group commit is worth."""
    number = STORM // 5 if quick else STORM
    people = range(1, number + 1)
    what = f"{number:,} on {SEATS} seats"
    async with AsyncExitStack() as stack:
        bot = await _ours(stack, number)
        await bot.lane.latency(LATENCY)
        seconds, batch_id = await bot.storm(people, seats=SEATS)
        assert bot.database is not None
        has_seat, tried = await bot.database.read(county.seated, batch_id)
        calls = await bot.lane.calls()
        refused = sum(count for call, count in calls.items() if ": " in call)
        report.alone(f"{what}: seats taken", [has_seat], "", exactly(SEATS))
        report.alone(f"{what}: registered", [tried], "", exactly(number))
        report.alone(f"{what}: answered", [calls["answerCallbackQuery"]], "", exactly(number))
        errors = bot.lane.errors() + refused
        report.alone(f"{what}: errors, logged or from Telegram", [errors], "", exactly(0))
        report.alone(f"{what}: answers a second", [number / seconds], "", None)
    await _group_commit(report, runs=2 if quick else 5, number=500 if quick else 1_000)


async def _group_commit(report: Report, *, runs: int, number: int) -> None:
    """The same transactions through the database alone, in groups of 64 and one by one."""
    sizes = {"groups": storage.database.GROUP, "single": 1}
    rates: dict[str, list[float]] = {name: [] for name in sizes}
    with tempfile.TemporaryDirectory(prefix="qinglan-bench-") as folder:
        async with fresh(Path(folder)) as database:
            await database.write(county.people, number)
            for _ in range(runs):
                for name in random.sample(sorted(sizes), len(sizes)):
                    await database.write(county.forget_registrations)
                    batch_id = await database.write(county.open_batch, SEATS)
                    storage.database.GROUP = sizes[name]
                    now = datetime.now(UTC)
                    seconds = await clocked(
                        asyncio.gather(
                            *(
                                database.write(register_as, person, batch_id, now=now)
                                for person in range(1, number + 1)
                            )
                        )
                    )
                    storage.database.GROUP = sizes["groups"]
                    rates[name].append(number / seconds)
    report.compared(
        "registrations a second in groups of 64; each in a commit of its own",
        rates["groups"],
        rates["single"],
        "",
        None,
    )


async def _ours(stack: AsyncExitStack, people: int) -> Bot:
    place = await stack.enter_async_context(lane(people))
    database = await stack.enter_async_context(fresh(place.folder))
    await database.write(county.people, people)
    await place.send_cards(range(1, people + 1))
    await stack.enter_async_context(
        running(
            BOT_CORE, "-m", "bot", "run", log=place.log, settings=place.settings(address(database))
        )
    )
    await place.until_ready()
    return Bot(place, database)


async def _peer(stack: AsyncExitStack, kind: str) -> Bot:
    place = await stack.enter_async_context(lane(AT_ONCE))
    await place.send_cards(range(1, AT_ONCE + 1))
    await stack.enter_async_context(
        running(BOT_CORE, "-m", "tests.bench.echo", kind, place.url, log=place.log)
    )
    await place.until_ready()
    return Bot(place)
