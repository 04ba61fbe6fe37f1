"""Killing the process: nothing that Telegram confirmed is lost, and nothing is done twice."""

import asyncio
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, func, select

from bot.clock import Clock
from bot.sandbox.calls import Call
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from storage import migrations
from storage.database import Database
from storage.messaging import outbox
from storage.messaging.tables import InboxState, InboxUpdate, OutboxState, Priority
from storage.training.tables import Decision, Registration, RegistrationState
from tests import make

TOKEN = "1000000001:sandbox"
COUNT, SEATS = 50, 20

PAID = {"QINGLAN_PAID_BROADCAST": "true", "QINGLAN_RATE": "200"}
FLIGHT = 40  # messages in flight at that rate
ROOT = Path(__file__).parent.parent.parent


started: list[asyncio.subprocess.Process] = []


@pytest.fixture(autouse=True)
async def _leave_none_behind() -> AsyncIterator[None]:
    yield
    while started:
        process = started.pop()
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crash") / "empty.sqlite3"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(empty: Path, tmp_path: Path) -> str:
    """The address of a database as an office has it before its first start."""
    path = tmp_path / "qinglan.sqlite3"
    shutil.copy(empty, path)
    return f"sqlite:///{path}"


async def start(url: str, sandbox: Sandbox, **more: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        cwd=ROOT,
        env={
            **os.environ,
            "QINGLAN_TOKEN": TOKEN,
            "QINGLAN_BOT_API": sandbox.bot_api,
            "QINGLAN_DATABASE": url,
            **more,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    started.append(process)
    return process


async def until(true: Callable[[], bool], within: float = 60, every: float = 0.01) -> None:
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(every)


async def end(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        await process.communicate()


def people(session: Session, count: int) -> list[int]:
    school = [f"第{n}小学" for n in range(5)]
    ids = []
    for n in range(count):
        teacher_id = make.teacher(session, f"教师{n}", at=school[n % 5])
        ids.append(7_300_000_000 + n)
        make.account(session, teacher_id, tg_user_id=ids[-1])
    return ids


async def test_confirmed_updates_survive_a_kill_and_none_is_done_twice(url: str) -> None:
    database = Database(url)
    world = World(Clock())
    sandbox = Sandbox(world, token=TOKEN, latency=0.3)
    await sandbox.start()
    now = datetime.now(UTC)
    try:
        ids = await database.write(people, COUNT)
        batch_id = await database.write(
            make.batch,
            seats=SEATS,
            reg_open=now - timedelta(days=1),
            reg_close=now + timedelta(days=5),
            starts_at=now + timedelta(days=9),
            ends_at=now + timedelta(days=10),
        )
        for number in ids:
            world.add_person("教师", id=number, started=True)
            sent = await sandbox.run(Call("sendMessage", {"chat_id": number, "text": "card"}))
            world.tap(number, number, sent["message_id"], f"reg:{batch_id}", forged=True)

        process = await start(url, sandbox)
        # The queue is empty when all are confirmed; by then few have been answered.
        await until(lambda: len(world.updates) == 0)
        process.kill()
        await process.communicate()
        answered = sum(tap.answer is not None for tap in world.taps.values())
        assert answered < COUNT * 0.9, "too quick: the kill came when all was done"

        process = await start(url, sandbox)
        await until(lambda: all(tap.answer is not None for tap in world.taps.values()))
        await end(process)

        def look(session: Session) -> tuple[int, Counter[RegistrationState], int, int]:
            states = Counter(
                RegistrationState(s) for s in session.exec(select(Registration.state)).all()
            )
            decisions = session.exec(select(func.count()).select_from(Decision)).one()
            open_rows = session.exec(
                select(func.count())
                .select_from(InboxUpdate)
                .where(InboxUpdate.state != InboxState.DONE)
            ).one()
            return sum(states.values()), states, decisions, open_rows

        total, found, decisions, open_rows = await database.read(look)
        assert (total, decisions, open_rows) == (COUNT, COUNT, 0)
        assert found[RegistrationState.APPROVED] == SEATS
        assert found[RegistrationState.WAITLISTED] == COUNT - SEATS
    finally:
        await sandbox.stop()
        database.close()


async def test_a_kill_in_mid_dispatch_loses_no_message(url: str) -> None:
    database = Database(url)
    world = World(Clock())
    sandbox = Sandbox(world, token=TOKEN, latency=0.05)
    await sandbox.start()
    now = datetime.now(UTC)
    try:
        ids = await database.write(people, COUNT)
        for number in ids:
            world.add_person("教师", id=number, started=True)

        def fill(session: Session) -> None:
            from storage.people.tables import Account

            for number in ids:
                teacher_id = session.exec(
                    select(Account.teacher_id).where(Account.tg_user_id == number)
                ).one()
                outbox.put(
                    session,
                    "link_moved",
                    teacher_id=teacher_id,
                    facts={},
                    priority=Priority.OFFER,
                    not_before=now,
                    dedupe_key=f"test:{number}",
                    now=now,
                    rings=False,  # or they would wait for Monday when this runs on a Sunday
                )

        await database.write(fill)

        def received() -> Counter[int]:
            return Counter(
                {
                    number: sum(not seen.mine for seen in world.seen_by(number, number))
                    for number in ids
                }
            )

        process = await start(url, sandbox, **PAID)
        # Counted by the sandbox: to look into all chats again and again would slow it down.
        await until(lambda: sandbox.counts["sendMessage"] >= COUNT // 3)
        process.kill()
        await process.communicate()
        await database.write(forget_leases)
        process = await start(url, sandbox, **PAID)

        async def is_over() -> bool:
            stats = await database.read(outbox.stats)
            return stats.get(OutboxState.SENT, 0) == len(ids)

        async with asyncio.timeout(90):
            while not await is_over():
                await asyncio.sleep(0.1)
        await end(process)
        got = received()
        assert min(got.values()) == 1, "a message was lost"
        repeats = sum(count - 1 for count in got.values())
        assert repeats <= FLIGHT, "more repeats than messages in flight at the kill"
    finally:
        await sandbox.stop()
        database.close()


def forget_leases(session: Session) -> None:
    """Let the minutes of the dead process's leases pass."""
    import sqlalchemy as sa

    from storage.messaging.tables import Lease, OutboxMessage

    past = datetime.now(UTC) - timedelta(minutes=5)
    session.exec(sa.update(Lease).values(until=past))
    session.exec(
        sa.update(OutboxMessage)
        .where(OutboxMessage.state == OutboxState.SENDING)  # type: ignore[arg-type]
        .values(lease_until=past)
    )
