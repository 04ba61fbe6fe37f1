"""How much of the allowed rate delivery uses, and that it never goes above it."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import Session

from storage.inserting import insert_new
from storage.messaging.tables import OutboxMessage, Priority
from tests.bench import county
from tests.bench.lanes import BOT_CORE, LATENCY, Lane, address, fresh, lane, running
from tests.bench.table import Report, at_least, at_most, exactly

MOST = {30: 31, 1_000: 1_030}
"""What one second may see at each rate; the sandbox answers 429 to anything above."""


def at_rate(rate: float) -> dict[str, str]:
    """The settings of a bot that sends so fast; above thirty a second it pays."""
    return {"QINGLAN_RATE": str(rate), "QINGLAN_PAID_BROADCAST": str(rate > 30)}


@dataclass
class Course:
    """What delivery did at one rate, run by run."""

    shares: list[float] = field(default_factory=list)


def fill(session: Session, count: int, run: int) -> None:
    """A broadcast to the people 1, 2, 3, …, due at once."""
    now = datetime.now(UTC)
    usual = OutboxMessage(
        kind="link_moved", not_before=now, created_at=now, priority=Priority.BULK, rings=False
    ).model_dump(exclude={"id"})
    rows = [
        usual | {"teacher_id": n, "account_id": n, "dedupe_key": f"bench:{run}:{n}"}
        for n in range(1, count + 1)
    ]
    session.exec(insert_new(session, OutboxMessage), params=rows)


async def measure(report: Report, *, quick: bool) -> None:
    """A broadcast at a thousand a second, then at thirty."""
    runs = 2 if quick else 5
    for rate, count in ((1_000, 500 if quick else 2_000), (30, 150 if quick else 300)):
        await _at(report, rate, count, runs)


async def _at(report: Report, rate: int, count: int, runs: int) -> None:
    ours, raw = Course(), Course()
    most = str(MOST[rate])
    limits = ("--flood", "--per-second", most, "--paid-per-second", most)
    async with AsyncExitStack() as stack:
        our_lane = await stack.enter_async_context(lane(count, *limits))
        raw_lane = await stack.enter_async_context(lane(count, *limits))
        database = await stack.enter_async_context(fresh(our_lane.folder))
        await database.write(county.people, count)
        await stack.enter_async_context(
            running(
                BOT_CORE,
                *("-m", "bot", "run"),
                log=our_lane.log,
                settings=our_lane.settings(address(database), **at_rate(rate)),
            )
        )
        await our_lane.until_ready()
        for one in (our_lane, raw_lane):
            await one.latency(LATENCY)

        async def deliver(run: int) -> None:
            await database.write(fill, count, run)
            await _watch(our_lane, ours, rate, count)

        async def call(_run: int) -> None:
            arguments = ("-m", "tests.bench.raw", raw_lane.url, str(rate), str(count))
            async with running(BOT_CORE, *arguments) as process:
                await _watch(raw_lane, raw, rate, count)
                await process.wait()

        for run in range(runs):
            if rate < 100:  # both are idle most of the time: no need to take turns
                await asyncio.gather(deliver(run), call(run))
            else:
                for turn in (deliver, call) if run % 2 else (call, deliver):
                    await turn(run)
                    await asyncio.sleep(1.5)
        what = f"{count:,} messages at {rate:,} a second"
        report.compared(
            f"{what}: share of the rate used; bare HTTP calls",
            ours.shares,
            raw.shares,
            "",
            None,
        )
        report.alone(f"{what}: share of the rate used", ours.shares, "", at_least(0.99))
        most = max(number for _, number in (await our_lane.look("stats"))["sends_per_second"])
        report.alone(f"{what}: most in one second", [most], "", at_most(MOST[rate]))
        report.alone(f"{what}: answered 429", [await _refused(our_lane)], "", exactly(0))


async def _watch(lane: Lane, course: Course, rate: int, count: int) -> None:
    """Follow one broadcast to its end and note what share of the rate it used."""
    before = await _sent(lane)
    first: tuple[float, int] | None = None
    async with asyncio.timeout(120):
        while True:
            await asyncio.sleep(0.005)
            sent, now = await _sent(lane) - before, time.perf_counter()
            if sent and first is None:
                first = (now, sent)
            if sent >= count:
                break
    assert first is not None
    course.shares.append((sent - first[1]) / (now - first[0]) / rate)


async def _sent(lane: Lane) -> int:
    """Messages that have come, those that were refused included."""
    return sum(number for call, number in (await lane.calls()).items() if "sendMessage" in call)


async def _refused(lane: Lane) -> int:
    calls = await lane.calls()
    return sum(number for call, number in calls.items() if "Too Many" in call)
