"""A client that does nothing but take updates: how fast the sandbox hands them over."""

from __future__ import annotations

import asyncio
import sys

import aiohttp

from tests.bench.lanes import TOKEN


async def take(bot_api: str, count: int) -> None:
    """Poll until so many updates have come, and say so."""
    address = f"{bot_api}/bot{TOKEN}/getUpdates"
    taken = offset = 0
    async with aiohttp.ClientSession() as http:
        while taken < count:
            asked = {"offset": offset, "timeout": 10, "limit": 100}
            async with http.post(address, json=asked) as response:
                updates = (await response.json())["result"]
            if updates:
                offset = updates[-1]["update_id"] + 1
                taken += len(updates)
    sys.stdout.write("all\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1], int(sys.argv[2])))
