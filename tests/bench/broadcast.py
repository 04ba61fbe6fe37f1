"""A broadcast to a whole county, under the limits that Telegram publishes and not a hair above.

At a thousand a second (paid for) to all 74,000; at thirty a second to as many as two minutes
allow, since all of them would take forty: ``python -m tests.bench.broadcast 30`` takes them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from tests.bench import county
from tests.bench.lanes import BOT_CORE, LATENCY, Lane, address, fresh, lane, running
from tests.bench.outbox import at_rate, fill
from tests.bench.table import Report, at_least, exactly

COUNTY = 74_000
USES = 0.985  # of the limit, as an office should set its rate: what is late by a moment has room


async def measure(report: Report, *, quick: bool) -> None:
    """To all at a thousand a second, to some at thirty."""
    await measure_at(report, 1_000, 5_000 if quick else COUNTY)
    await measure_at(report, 30, 300 if quick else 3_500)


async def measure_at(report: Report, limit: int, count: int) -> None:
    """One broadcast to so many; the sandbox answers 429 to what is above the limit."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(
            lane(count, "--flood", "--per-second", "30", "--paid-per-second", str(limit))
        )
        database = await stack.enter_async_context(fresh(one.folder))
        await database.write(county.people, count)
        bot = await stack.enter_async_context(
            running(
                BOT_CORE,
                *("-m", "bot", "run"),
                log=one.log,
                settings=one.settings(address(database), **at_rate(USES * limit)),
            )
        )
        await one.until_ready()
        await one.latency(LATENCY)
        await database.write(fill, count, 1)
        worked = _processor_time(bot.pid)
        seconds, refused = await _watch(one, count, limit)
        worked = _processor_time(bot.pid) - worked
    what = f"{count:,} messages under a limit of {limit:,} a second"
    report.alone(f"{what}: share of it used", [count / seconds / limit], "", at_least(0.97))
    report.alone(f"{what}: answered 429", [refused], "", exactly(0))
    report.alone(f"{what}: seconds", [seconds], "", None)
    # On a machine that others use too, this says how near to the limit one core could come.
    report.alone(f"{what}: processor time of one, ms", [1000 * worked / count], "", None)


def _processor_time(pid: int) -> float:
    """Seconds that the process has worked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _watch(one: Lane, count: int, limit: int) -> tuple[float, int]:
    """The seconds from the first message to the last, and how often the answer was 429."""
    first: float | None = None
    async with asyncio.timeout(60 + 3 * count / limit):
        while True:
            calls = await one.calls()
            now = time.perf_counter()
            taken = calls["sendMessage"]
            if taken and first is None:
                # What came before the first look came at the same pace.
                first = now - taken / limit
            if taken >= count:
                break
            await asyncio.sleep(0.05)
    assert first is not None
    refused = sum(number for call, number in calls.items() if "Too Many" in call)
    return now - first, refused


if __name__ == "__main__":
    out = Report(Console(width=130))
    asyncio.run(measure_at(out, int(sys.argv[1]), COUNTY))
    out.print(0)
