"""``python -m tests.soak``: kill the bot again and again while it is busy, then count.

Three hundred teachers tap, offers lapse and two thousand messages go out, one call in twenty
of the bot fails (429, 500, a broken connection), and the process is killed at random moments.
At the end nothing may be lost, repeated beyond what was in flight, or given away twice.

After that a broadcast to twenty thousand is killed fifty times on its way.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from bot.clock import Clock
from bot.sandbox.calls import Call
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from handlers.messaging.brief_text import link_moved_card
from storage import migrations
from storage.database import Database
from storage.inserting import insert_new
from storage.messaging import inbox
from storage.messaging.tables import InboxState, OutboxMessage, OutboxState, Priority
from storage.training.tables import (
    SEATED,
    OfferState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)
from tests.bench import county
from tests.machine.test_crash import ROOT, TOKEN, forget_leases
from tests.soak.broadcast import broadcast

T = TypeVar("T")

TEACHERS = 300
MESSAGES = 2_000
SEATS = (40, 20, 5)
IN_FLIGHT = 40  # messages that delivery has in hand at most
FAULTY = ("sendMessage", "answerCallbackQuery", "editMessageText", "getUpdates")
SHARE = 0.05
MESSAGE = re.sub(r"<[^>]+>", "", link_moved_card("zh_Hans").text)


@dataclass
class Soak:
    """The office under test and the people who give it no rest."""

    database: Database
    world: World
    sandbox: Sandbox
    console: Console
    batches: list[int]
    log: Path
    process: asyncio.subprocess.Process | None = None
    kills: int = 0
    taps: int = 0
    lapsed: int = 0

    async def start(self) -> None:
        """Start the bot; what it says goes into a file, since a pipe would fill up."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                cwd=ROOT,
                env={
                    **os.environ,
                    "QINGLAN_TOKEN": TOKEN,
                    "QINGLAN_BOT_API": self.sandbox.bot_api,
                    "QINGLAN_DATABASE": self.database.url.render_as_string(hide_password=False),
                    "QINGLAN_RATE": "200",
                    "QINGLAN_PAID_BROADCAST": "true",
                },
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )

    async def stop(self, sign: signal.Signals) -> None:
        """End the bot by this signal, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(sign)
            async with asyncio.timeout(40):
                await self.process.wait()

    def check_alive(self) -> None:
        """The bot ends only when it is told to."""
        assert self.process is not None
        assert self.process.returncode is None, "the bot ended by itself"

    async def write(self, operation: Callable[[Session], T]) -> T:
        """Write beside the bot: SQLite is not fair to a second process while one is busy."""
        for _ in range(4):
            with contextlib.suppress(OperationalError):
                return await self.database.write(operation)
        return await self.database.write(operation)

    async def kill_often(self, ends: float) -> None:
        """Start the bot and kill it at random moments; the last one is left to its work."""
        await self.start()
        while True:
            await asyncio.sleep(random.choice([random.uniform(2, 8), random.uniform(8, 40)]))
            if time.monotonic() >= ends:
                return
            self.check_alive()
            await self.stop(signal.SIGKILL)
            self.kills += 1
            # The minutes of the dead process's leases, without waiting for them.
            await self.write(forget_leases)
            await self.start()

    async def tap_on(self, ends: float) -> None:
        """Somebody registers, withdraws, or answers an offer, about a dozen times a second."""
        while time.monotonic() < ends:
            await asyncio.sleep(random.uniform(0, 0.15))
            person, batch_id = random.randint(1, TEACHERS), random.choice(self.batches)
            data = random.choice([f"reg:{batch_id}", f"reg:{batch_id}", f"wd:{batch_id}:1"])
            if random.random() < 0.1:
                offer = await self.database.read(_some_offer)
                if offer is not None:
                    person, offer_id = offer
                    data = random.choice([f"oa:{offer_id}", f"op:{offer_id}"])
            self.world.tap(person, person, self._card_of(person), data, forged=True)
            self.taps += 1

    def _card_of(self, person: int) -> int:
        """The newest message that a tap may turn into a card: not one that is to be counted."""
        seen = self.world.seen_by(person, person)
        return max(one.id for one in seen if one.text != MESSAGE)

    async def let_offers_lapse(self, ends: float) -> None:
        """Let the time of the open offers run out now and then, and look at the seats."""
        while time.monotonic() < ends:
            await asyncio.sleep(5)
            self.lapsed += await self.write(_lapse)
            await self.database.read(check_seats)


def _some_offer(session: Session) -> tuple[int, int] | None:
    found = session.exec(
        select(Registration.teacher_id, SeatOffer.id)
        .join(SeatOffer, col(SeatOffer.registration_id) == col(Registration.id))
        .where(SeatOffer.state == OfferState.OPEN)
    ).all()
    return random.choice(found) if found else None


def _lapse(session: Session) -> int:
    over = sa.update(SeatOffer).where(col(SeatOffer.state) == OfferState.OPEN)
    done: int = session.exec(over.values(lapses_at=datetime.now(UTC))).rowcount
    return done


def check_seats(session: Session) -> None:
    """Every taken seat is somebody's or held by an open offer, and none is taken twice."""
    for quota in session.exec(select(Quota)).all():
        held = session.exec(
            select(sa.func.count())
            .select_from(Registration)
            .where(Registration.quota_id == quota.id, col(Registration.state).in_(SEATED))
        ).one()
        offered = session.exec(
            select(sa.func.count())
            .select_from(SeatOffer)
            .where(SeatOffer.quota_id == quota.id, SeatOffer.state == OfferState.OPEN)
        ).one()
        assert quota.taken <= quota.seats, f"{quota.taken} of {quota.seats} seats are taken"
        assert held + offered == quota.taken, f"{held} + {offered} hold {quota.taken} seats"


def _queue(session: Session, seconds: float) -> None:
    """Messages that come due evenly over this time."""
    now = datetime.now(UTC)
    usual = OutboxMessage(
        kind="link_moved", not_before=now, created_at=now, priority=Priority.BULK, rings=False
    ).model_dump(exclude={"id"})
    rows = [
        usual
        | {
            "teacher_id": n,
            "account_id": n,
            "dedupe_key": f"soak:{n}",
            "not_before": now + timedelta(seconds=seconds * n / MESSAGES),
        }
        for n in range(1, MESSAGES + 1)
    ]
    session.exec(insert_new(session, OutboxMessage), params=rows)


def break_often(world: World) -> list[Fault]:
    """Let one call in twenty fail, in four ways that take turns."""
    ways = (
        {"status": 429, "retry_after": 1},
        {"status": 500},
        {"drop_before": True},
        {"drop_after": True},
    )
    return [
        world.faults.add(method, share=SHARE / len(ways), times=None, **way)
        for method in FAULTY
        for way in ways
    ]


async def soak(minutes: float, console: Console, folder: Path) -> None:
    """Run for so many minutes, then let the bot finish and reckon."""
    url = f"sqlite:///{folder}/soak.sqlite3"
    await asyncio.to_thread(migrations.upgrade, url)
    database = Database(url)
    world = World(Clock())
    sandbox = Sandbox(world, token=TOKEN, latency=0.05)
    await sandbox.start()
    run = Soak(database, world, sandbox, console, [], folder / "bot.log")
    try:
        await database.write(county.people, MESSAGES)
        run.batches = [await database.write(county.open_batch, seats) for seats in SEATS]
        for number in range(1, MESSAGES + 1):
            world.add_person("教师", id=number, started=True)
        for number in range(1, TEACHERS + 1):
            await sandbox.run(Call("sendMessage", {"chat_id": number, "text": "卡片"}))
        faults = break_often(world)
        await database.write(_queue, 0.8 * 60 * minutes)
        ends = time.monotonic() + 60 * minutes
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run.kill_often(ends))
            tasks.create_task(run.tap_on(ends))
            tasks.create_task(run.let_offers_lapse(ends))
        world.faults.clear()
        await _until_quiet(run)
        await run.stop(signal.SIGTERM)
        await _reckon(run, faults)
    finally:
        await run.stop(signal.SIGKILL)
        await sandbox.stop()
        database.close()


async def _until_quiet(run: Soak) -> None:
    """Wait until the bot has taken every update and sent every message, and says so in time."""
    gives_up = time.monotonic() + 300
    while True:
        run.check_alive()
        waiting = (await run.database.read(inbox.counts)).get(InboxState.WAITING, 0)
        queued, unsent = len(run.world.updates), MESSAGES - await run.database.read(_settled)
        if queued == waiting == unsent == 0:
            return
        left = f"{queued} updates not fetched, {waiting} in hand, {unsent} messages unsent"
        assert time.monotonic() < gives_up, f"the bot does not finish: {left}"
        await asyncio.sleep(0.5)


def _settled(session: Session) -> int:
    return session.exec(
        select(sa.func.count())
        .select_from(OutboxMessage)
        .where(
            OutboxMessage.kind == "link_moved",
            col(OutboxMessage.state).not_in([OutboxState.PENDING, OutboxState.SENDING]),
        )
    ).one()


async def _reckon(run: Soak, faults: list[Fault]) -> None:
    """Count, print, and fail if anything is lost, repeated too often or given away twice."""
    got = Counter(
        {
            number: sum(
                not seen.mine and seen.text == MESSAGE for seen in run.world.seen_by(number, number)
            )
            for number in range(1, MESSAGES + 1)
        }
    )
    lost = sum(count == 0 for count in got.values())
    repeats = sum(count - 1 for count in got.values() if count > 1)
    # Telegram has the message and the answer was broken off: nobody can know, so it is repeated.
    unanswered = sum(f.hits for f in faults if f.method == "sendMessage" and f.drop_after)
    may_repeat = IN_FLIGHT * run.kills + unanswered
    states = await run.database.read(inbox.counts)
    failed, waiting = states.get(InboxState.FAILED, 0), states.get(InboxState.WAITING, 0)
    aside = states.get(InboxState.SET_ASIDE, 0)
    # A fault that hits an answer or a card leaves the update failed, with an apology tried.
    may_fail = sum(f.hits for f in faults if f.method not in ("sendMessage", "getUpdates"))
    registrations = await run.database.read(
        lambda session: Counter(session.exec(select(Registration.state)).all())
    )
    say = run.console.print
    say(f"{run.kills} kills, {sum(f.hits for f in faults)} faults, {run.lapsed} offers lapsed")
    say(f"messages: {MESSAGES} of which {lost} lost; {repeats} repeats, at most {may_repeat}")
    say(f"taps: {run.taps}; updates {_shown(states)}; failed at most {may_fail}")
    say(f"registrations: {_shown(registrations)}")
    assert lost == 0, "a message was lost"
    assert repeats <= may_repeat, "more repeats than messages in flight"
    assert (waiting, aside) == (0, 0), "an update was not seen through"
    assert failed <= may_fail, "a handler failed by itself"
    assert sum(states.values()) >= run.taps, "an update was lost"
    await run.database.read(check_seats)
    assert registrations[RegistrationState.APPROVED] <= sum(SEATS)
    say("Nothing was lost, repeated beyond what was in flight, or given away twice.", style="green")


def _shown(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in counts.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--messages", type=int, default=20_000, help="of the broadcast")
    parser.add_argument("--kills", type=int, default=50, help="in the course of the broadcast")
    parser.add_argument("--no-faults", action="store_true", help="in the broadcast")
    parser.add_argument("--only", choices=("office", "broadcast"))
    parser.add_argument("--seed", type=int, help="of the random moments and taps")
    return parser.parse_args()


async def _all(given: argparse.Namespace, console: Console, folder: Path) -> None:
    if given.only != "broadcast":
        console.print(f"soaking for {given.minutes:g} minutes")
        await soak(given.minutes, console, folder)
    if given.only != "office":
        console.print(f"a broadcast of {given.messages}, killed {given.kills} times")
        faults = not given.no_faults
        await broadcast(given.messages, given.kills, console, folder, faults=faults)


if __name__ == "__main__":
    given = _arguments()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    random.seed(seed)
    out = Console()
    out.print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="qinglan-soak-") as name:
        try:
            asyncio.run(_all(given, out, Path(name)))
        except* AssertionError as failed:
            for one in failed.exceptions:
                out.print(f"FAILED: {one!r}", style="red", markup=False)
            traceback.print_exception(failed)
            sys.exit(1)
