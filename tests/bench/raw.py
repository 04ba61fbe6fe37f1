"""The peer of delivery: bare HTTP calls at an even pace, without rows, words or a library."""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp

from tests.bench.lanes import TOKEN


async def send(bot_api: str, rate: float, count: int) -> None:
    """Call sendMessage ``count`` times for the people 1, 2, 3, …, so many a second."""
    address = f"{bot_api}/bot{TOKEN}/sendMessage"
    connector = aiohttp.TCPConnector(limit=256)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as calls:

        async def call(person: int) -> None:
            async with http.post(address, data={"chat_id": person, "text": "通知"}) as response:
                await response.read()

        began = time.monotonic()
        for number in range(count):
            wait = began + number / rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            calls.create_task(call(number + 1))


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
