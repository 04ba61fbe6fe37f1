"""From the command to the first answer, and what the process needs while nothing happens."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tests.bench.lanes import BOT_CORE, address, fresh, lane, resident, running
from tests.bench.table import Report, at_most

Look = Callable[..., Awaitable[dict[str, list[dict[str, object]]]]]

IDLE = 3.0  # seconds after which a process counts as idle


async def measure(report: Report, *, quick: bool) -> None:
    """The sample county in its sandbox, all in one process; and the bot alone, without it."""
    runs = 2 if quick else 5
    seconds: list[float] = []
    county: list[float] = []
    with TemporaryDirectory(prefix="qinglan-bench-") as name:
        await _first_answer(Path(name))  # loads the county, once
        for _ in range(runs):
            took, memory = await _first_answer(Path(name))
            seconds.append(took)
            county.append(memory)
    alone = [await _memory_alone() for _ in range(runs)]
    report.alone("start to first answer, county loaded, s", seconds, "", at_most(2))
    report.alone("memory when idle, MB", alone, "", at_most(120))
    report.alone("memory when idle, county and sandbox included, MB", county, "", at_most(160))


async def _first_answer(folder: Path) -> tuple[float, float]:
    """Start the sandbox, let somebody say something at once: seconds, and megabytes later."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/sandbox"
    settings = {
        "QINGLAN_TOKEN": "",
        "QINGLAN_DATABASE": "",
        "QINGLAN_DATA": str(folder),
        "QINGLAN_SANDBOX_PORT": str(port),
    }
    began = time.perf_counter()
    async with (
        aiohttp.ClientSession() as http,
        running(BOT_CORE, "-m", "bot", "run", settings=settings) as process,
        asyncio.timeout(120),
    ):

        async def look(name: str, **query: int) -> dict[str, list[dict[str, object]]]:
            async with http.get(f"{url}/{name}", params=query) as response:
                found: dict[str, list[dict[str, object]]] = await response.json()
                return found

        while True:
            try:
                people = (await look("people", limit=1))["people"]
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
        person = int(str(people[0]["id"]))
        newest = await _newest_answer(look, person)
        async with http.post(f"{url}/start", json={"person": person}) as response:
            response.raise_for_status()
        while await _newest_answer(look, person) == newest:
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        await asyncio.sleep(IDLE)
        return seconds, resident(process.pid)


async def _newest_answer(look: Look, person: int) -> int:
    seen = (await look("seen", person=person, chat=person))["messages"]
    return max((int(str(one["id"])) for one in seen if not one["mine"]), default=0)


async def _memory_alone() -> float:
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(lane(1))
        database = await stack.enter_async_context(fresh(place.folder))
        process = await stack.enter_async_context(
            running(BOT_CORE, "-m", "bot", "run", settings=place.settings(address(database)))
        )
        await place.until_ready()
        await asyncio.sleep(IDLE)
        return resident(process.pid)
