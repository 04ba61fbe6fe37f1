"""The sandbox by itself: whether it slows as it fills, and how many updates it hands over."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from tests.bench.lanes import BOT_CORE, TOKEN, Lane, lane, running
from tests.bench.table import Report, at_least, at_most

CHATS = 200
MESSAGES = 100_000
ASKED = 1_000  # updates a second


async def measure(report: Report, *, quick: bool) -> None:
    """Sends into an empty sandbox and into a full one; looks at it; updates a second."""
    runs, messages, sample = (2, 10_000, 500) if quick else (5, MESSAGES, 2_000)
    async with AsyncExitStack() as stack:
        empty = await stack.enter_async_context(lane(CHATS))
        full = await stack.enter_async_context(lane(CHATS))
        await _send(full, messages)
        rates: dict[str, list[float]] = {"empty": [], "full": []}
        looks: list[float] = []
        for _ in range(runs):
            for name, one in (("full", full), ("empty", empty)):
                rates[name].append(sample / await _send(one, sample))
            began = time.perf_counter()
            await full.look("chats", person=1)
            await full.look("seen", person=1, chat=1)
            looks.append(1000 * (time.perf_counter() - began))
        report.compared(
            f"sends a second with {messages:,} messages in {CHATS} chats; empty",
            rates["full"],
            rates["empty"],
            "",
            at_least(0.9),
        )
        report.alone("a look at the chats and at one of them, ms", looks, "", at_most(100))
        report.alone(
            "updates handed over a second",
            [await _updates(empty, sample) for _ in range(runs)],
            "",
            at_least(ASKED),
        )


async def _send(place: Lane, count: int) -> float:
    """Send so many messages, evenly over the chats; the seconds it took."""
    numbers = iter(range(count))
    address = f"{place.url}/bot{TOKEN}/sendMessage"

    async def send() -> None:
        for number in numbers:
            body = {"chat_id": number % CHATS + 1, "text": f"第 {number} 条通知"}
            async with place.http.post(address, json=body) as response:
                assert response.status == 200
                await response.read()

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(32)))
    return time.perf_counter() - began


async def _updates(place: Lane, count: int) -> float:
    arguments = ("-m", "tests.bench.taker", place.url, str(count))
    async with running(BOT_CORE, *arguments) as process:
        await asyncio.sleep(1.0)  # until it polls
        assert process.stdout is not None
        began = time.perf_counter()
        for first in range(0, count, 50):  # people write, and the bot takes it meanwhile
            said = [{"person": n % CHATS + 1, "text": f"{n}"} for n in range(first, first + 50)]
            await place.act("say", said)
        await process.stdout.readline()
        return count / (time.perf_counter() - began)
