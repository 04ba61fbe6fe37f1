"""A broadcast, killed at random points again and again: what was lost, what came twice, and which.

The bot sends at two hundred a second; whenever the sandbox has got so many more messages the
process is killed. What it had in hand then is read from its rows: only that may come twice.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from sqlmodel import Session, select

from bot.clock import Clock
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from storage import migrations
from storage.database import Database
from storage.messaging import outbox
from storage.messaging.tables import OutboxMessage, OutboxState
from tests.bench import county
from tests.bench.outbox import at_rate, fill
from tests.machine.test_crash import TOKEN, end, forget_leases, start

RATE = 200
FLIGHT = RATE // 5  # messages in flight at most
FAULTY = 0.05


@dataclass
class Kill:
    """One kill: how many had come by then, and whose messages were in hand."""

    after: int
    in_hand: list[int]


async def broadcast(
    messages: int, kills: int, console: Console, folder: Path, *, faults: bool = True
) -> None:
    """Send to so many people, killed so often on the way; fail if anything is lost."""
    url = f"sqlite:///{folder}/broadcast.sqlite3"
    await asyncio.to_thread(migrations.upgrade, url)
    database = Database(url)
    world = World(Clock())
    for number in range(1, messages + 1):
        world.add_person("教师", id=number, started=True)
    sandbox = Sandbox(world, token=TOKEN, latency=0.05)
    await sandbox.start()
    process: asyncio.subprocess.Process | None = None
    done: list[Kill] = []
    began = time.monotonic()
    try:
        await database.write(county.people, messages)
        await database.write(fill, messages, 1)
        broken = _break(world) if faults else []
        for point in sorted(random.sample(range(1, messages), kills)):
            process = await start(url, sandbox, **at_rate(RATE))
            await _until(sandbox, process, point)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            done.append(Kill(sandbox.counts["sendMessage"], await database.read(_in_hand)))
            await database.write(forget_leases)
        world.faults.clear()
        process = await start(url, sandbox, **at_rate(RATE))
        async with asyncio.timeout(600):
            while (await database.read(outbox.stats)).get(OutboxState.SENT, 0) < messages:
                await asyncio.sleep(0.2)
        await end(process)
        got = Counter(
            {n: sum(not seen.mine for seen in world.seen_by(n, n)) for n in range(1, messages + 1)}
        )
        _reckon(console, done, got, broken, time.monotonic() - began)
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.communicate()
        await sandbox.stop()
        database.close()


def _break(world: World) -> list[Fault]:
    """Let one call in twenty fail; the last of these ways leaves it open whether it arrived."""
    ways = (
        {"status": 429, "retry_after": 1},
        {"status": 500},
        {"drop_before": True},
        {"drop_after": True},
    )
    share = FAULTY / len(ways)
    return [world.faults.add("sendMessage", share=share, times=None, **way) for way in ways]


async def _until(sandbox: Sandbox, process: asyncio.subprocess.Process, point: int) -> None:
    """Wait until so many messages have come, or until nothing comes any more."""
    last, since = sandbox.counts["sendMessage"], time.monotonic()
    while sandbox.counts["sendMessage"] < point:
        assert process.returncode is None, "the bot ended by itself"
        await asyncio.sleep(random.uniform(0.0, 0.01))
        if sandbox.counts["sendMessage"] > last:
            last, since = sandbox.counts["sendMessage"], time.monotonic()
        assert time.monotonic() - since < 120, "nothing is sent any more"


def _in_hand(session: Session) -> list[int]:
    found = session.exec(
        select(OutboxMessage.teacher_id).where(OutboxMessage.state == OutboxState.SENDING)
    ).all()
    return [teacher_id for teacher_id in found if teacher_id is not None]


def _ranges(numbers: list[int]) -> str:
    """Sorted numbers, those in a row as one: 3, 7–12."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _reckon(
    console: Console, kills: list[Kill], got: Counter[int], faults: list[Fault], seconds: float
) -> None:
    """Say which were lost and which came twice, and at which kill they were in hand."""
    lost = sorted(number for number, count in got.items() if count == 0)
    twice = {number: count for number, count in got.items() if count > 1}
    unanswered = sum(fault.hits for fault in faults if fault.drop_after)
    say = console.print
    total, hits = len(got), sum(fault.hits for fault in faults)
    say(f"{total} messages, {len(kills)} kills, {hits} faults, in {seconds:.0f} s")
    explained: set[int] = set()
    for number, kill in enumerate(kills, 1):
        mine = sorted(twice.keys() & set(kill.in_hand))
        explained |= set(mine)
        assert len(kill.in_hand) <= FLIGHT, "more in hand than may be in flight"
        if mine:
            say(
                f"  kill {number:2} after {kill.after:5}: {len(kill.in_hand):3} in hand, "
                f"{len(mine)} of these came twice: {_ranges(mine)}",
                highlight=False,
            )
    repeats = sum(twice.values()) - len(twice)
    in_hand = sum(len(kill.in_hand) for kill in kills)
    others = sorted(twice.keys() - explained)
    say(f"lost: {len(lost)} {_ranges(lost)}")
    say(f"repeats: {repeats}; in hand at the kills: {in_hand}; broken off: {unanswered}")
    assert not lost, "a message was lost"
    say(f"came twice though not in hand, their answer broken off: {_ranges(others) or 'none'}")
    assert repeats <= in_hand + unanswered, "more repeats than messages in flight"
    assert len(others) <= unanswered, "a message came twice that nobody had in hand"
    say("None was lost, and none came twice that was not in flight.", style="green")
