"""A tap on Register: update in, row written, answer out; beside bots that only answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from storage.database import Database
from tests.bench import county
from tests.bench.lanes import BOT_CORE, LATENCY, Lane, address, fresh, lane, running
from tests.bench.table import Report, at_least, at_most, exactly

AT_ONCE = 200
STORM = 5_000
SEATS = 200
IDLE_TAPS = 60


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


async def measure(report: Report, runs: int, *, storm_people: int = STORM) -> None:
    """Taps of 200 people, the opening hour, and one tap on an idle system."""
    async with AsyncExitStack() as stack:
        ours = await _ours(stack, max(storm_people, AT_ONCE), "bot")
        ordered, default = await _peer(stack, "ordered"), await _peer(stack, "default")
        people = range(1, AT_ONCE + 1)
        rates: dict[str, list[float]] = {"ours": [], "ordered": [], "default": []}
        bots = {"ours": ours, "ordered": ordered, "default": default}
        for bot in bots.values():
            await bot.lane.latency(LATENCY)
            await bot.storm(people, seats=100)  # connections and caches, not counted
        for _ in range(runs):
            for name in random.sample(sorted(bots), len(bots)):
                seconds, _ = await bots[name].storm(people, seats=100)
                rates[name].append(AT_ONCE / seconds)
        what = "taps, 200 at once, answered a second"
        report.compared(
            f"{what}; bare echo, same engine", rates["ours"], rates["ordered"], "", at_least(0.6)
        )
        report.compared(
            f"{what}; echo, library as it comes", rates["ours"], rates["default"], "", at_least(5)
        )

        idle: dict[str, list[float]] = {"ours": [], "ordered": []}
        for bot in (ours, ordered):
            await bot.lane.latency(0)
        for _ in range(runs):
            for name in random.sample(sorted(idle), len(idle)):
                quick = await bots[name].one_by_one(random.sample(people, IDLE_TAPS // runs))
                idle[name].append(quick)
        report.alone(
            "one tap when idle, no latency, ms; bare echo",
            idle["ours"],
            "",
            at_most(15),
            peer=f"{statistics.median(idle['ordered']):.1f}",
        )
        await default.lane.latency(0)

        if storm_people < 10: return
        single = await _ours(stack, storm_people, "tests.bench.ungrouped")
        await _opening_hour(report, runs, ours, single, storm_people)


async def _opening_hour(
    report: Report, runs: int, ours: Bot, single: Bot, storm_people: int
) -> None:
    """Thousands on few seats, beside the same without group commit."""
    people = range(1, storm_people + 1)
    took: dict[str, list[float]] = {"ours": [], "single": []}
    bots = {"ours": ours, "single": single}
    for bot in bots.values():
        await bot.lane.latency(LATENCY)
    seated, errors = [], 0
    for _ in range(runs):
        for name in random.sample(sorted(bots), len(bots)):
            seconds, batch_id = await bots[name].storm(people, seats=SEATS)
            took[name].append(storm_people / seconds)
            database = bots[name].database
            assert database is not None
            has_seat, tried = await database.read(county.seated, batch_id)
            assert tried == storm_people, f"{tried} of {storm_people} were registered"
            if name == "ours":
                seated.append(float(has_seat))
    for name, bot in bots.items():
        calls = await bot.lane.calls()
        refused = sum(count for call, count in calls.items() if ": " in call)
        errors += bot.lane.errors() + refused
        assert calls["answerCallbackQuery"] == bot.answered, name
    what = f"{storm_people:,} on {SEATS} seats"
    report.alone(
        f"{what}: seats taken, the run farthest off",
        seated,
        "",
        exactly(SEATS),
        worst=lambda found: max(found, key=lambda one: abs(one - SEATS)),
    )
    report.alone(f"{what}: errors, in the log or from Telegram", [errors], "", exactly(0))
    report.compared(
        f"{what}: answered a second; without group commit",
        took["ours"],
        took["single"],
        "",
        None,
    )


_names = itertools.count(1)


async def _ours(stack: AsyncExitStack, people: int, module: str) -> Bot:
    place = await stack.enter_async_context(lane(people))
    database = await stack.enter_async_context(fresh(place.folder, f"office{next(_names)}"))
    await database.write(county.people, people)
    await place.send_cards(range(1, people + 1))
    await stack.enter_async_context(
        running(
            BOT_CORE, "-m", module, "run", log=place.log, **place.settings(address(database))
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
