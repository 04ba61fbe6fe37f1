"""Processes under test: a sandbox on one core, a bot on the other, and the way to both."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from storage import migrations
from storage.database import Database

ROOT = Path(__file__).parent.parent.parent
TOKEN = "1000000001:sandbox"
SANDBOX_CORE, BOT_CORE = 0, 1
LATENCY = 0.05  # seconds that the sandbox takes to answer, as Telegram does


def pinned(core: int, arguments: Sequence[str]) -> list[str]:
    """The command, held on one core where that can be done."""
    command = [sys.executable, *arguments]
    if shutil.which("taskset") and (os.cpu_count() or 1) > core:
        return ["taskset", "-c", str(core), *command]
    return command


@asynccontextmanager
async def running(
    core: int, *arguments: str, log: Path | None = None, settings: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process of ours, ended on the way out."""
    errors = (log or Path(os.devnull)).open("ab")
    process = await asyncio.create_subprocess_exec(
        *pinned(core, arguments),
        cwd=ROOT,
        env={**os.environ, **(settings or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
    )
    try:
        yield process
    finally:
        errors.close()
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(15):
                    await process.communicate()
            except TimeoutError:
                process.kill()
                await process.communicate()


@dataclass
class Lane:
    """A sandbox of its own, and what acts as the people in it."""

    url: str
    http: aiohttp.ClientSession
    folder: Path
    messages: dict[int, int] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What the bot of this lane has logged."""
        return self.folder / "bot.log"

    def errors(self) -> int:
        """How often the bot has logged an error or a traceback."""
        lines = self.said().splitlines()
        return sum(" ERROR " in line or line.startswith("Traceback") for line in lines)

    def said(self) -> str:
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def settings(self, url: str = "", **more: str) -> dict[str, str]:
        """The environment of a bot that works in this lane."""
        return {
            "QINGLAN_TOKEN": TOKEN,
            "QINGLAN_BOT_API": self.url,
            "QINGLAN_DATABASE": url,
            **more,
        }

    async def act(self, name: str, body: Any) -> Any:
        async with self.http.post(f"{self.url}/sandbox/{name}", json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def look(self, name: str, **query: str | float) -> Any:
        async with self.http.get(f"{self.url}/sandbox/{name}", params=query) as response:
            response.raise_for_status()
            return await response.json()

    async def calls(self) -> Counter[str]:
        """How often each method was called, refusals under names of their own."""
        return Counter((await self.look("stats"))["calls"])

    async def send_cards(self, people: Sequence[int]) -> None:
        """Put a message of the bot into each private chat, so that there is one to tap on."""
        turns = asyncio.Semaphore(32)

        async def send(person: int) -> None:
            async with turns:
                body = {"chat_id": person, "text": "卡片"}
                address = f"{self.url}/bot{TOKEN}/sendMessage"
                async with self.http.post(address, json=body) as response:
                    self.messages[person] = (await response.json())["result"]["message_id"]

        await asyncio.gather(*(send(person) for person in people))

    async def tap(self, people: Sequence[int], data: str) -> list[str]:
        """All tap at once; the ids of the queries."""
        bodies = [
            {"person": one, "message": self.messages[one], "data": data, "forged": True}
            for one in people
        ]
        return [made["query"] for made in await self.act("tap", bodies)]

    async def until_answered(self, number: int, *, within: float = 120) -> None:
        """Wait until so many taps have been answered since the sandbox began."""
        async with asyncio.timeout(within):
            while (await self.calls())["answerCallbackQuery"] < number:
                await asyncio.sleep(0.004)

    async def until_ready(self, *, within: float = 30) -> None:
        """Wait until a bot has started and come for updates."""
        began = time.monotonic()
        while not (await self.calls())["deleteWebhook"]:
            if time.monotonic() - began > within:
                raise TimeoutError(f"the bot did not start; it said: {self.said()[-2000:]}")
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)

    async def latency(self, seconds: float) -> None:
        await self.act("settings", {"latency_ms": seconds * 1000})


@asynccontextmanager
async def lane(people: int, *arguments: str) -> AsyncIterator[Lane]:
    """A sandbox in a process of its own with people 1..N, answering at once until told."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qinglan-bench-")))
        process = await stack.enter_async_context(
            running(
                SANDBOX_CORE,
                *("-m", "bot.sandbox", "--port", "0", "--people", str(people), *arguments),
            )
        )
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        assert url, "the sandbox did not start"
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=64), timeout=aiohttp.ClientTimeout(total=120)
            )
        )
        yield Lane(url, http, folder)


@asynccontextmanager
async def fresh(folder: Path, name: str = "bench") -> AsyncIterator[Database]:
    """An empty database file with the present tables."""
    url = f"sqlite:///{folder / name}.sqlite3"
    await asyncio.to_thread(migrations.upgrade, url)
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def address(database: Database) -> str:
    """The database's address as a setting."""
    return database.url.render_as_string(hide_password=False)


def resident(pid: int) -> float:
    """Memory of a process in MB, as the system counts what is resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise LookupError(pid)


async def clocked(made: Any) -> float:
    """Seconds until this is done."""
    began = time.perf_counter()
    await made
    return time.perf_counter() - began
