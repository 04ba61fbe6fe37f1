"""``python -m bot.sandbox``: the server alone, with invented people 1..N; for other bots too."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from bot.clock import Clock
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--people", type=int, default=100, help="people with the ids 1..N")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to each answer")
    parser.add_argument("--state", type=Path, help="keep the state in this file")
    parser.add_argument("--token", default="1000000001:sandbox")
    parser.add_argument("--flood", action="store_true", help="enforce the speed limits")
    parser.add_argument("--per-second", type=int, default=30, help="the limit for the whole bot")
    parser.add_argument("--paid-per-second", type=int, default=1000, help="of paid broadcasts")
    parser.add_argument("--not-started", action="store_true", help="nobody has pressed Start yet")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    world = World(Clock(), flood=arguments.flood)
    world.flood.whole_per_second = arguments.per_second
    world.flood.paid_per_second = arguments.paid_per_second
    for number in range(1, arguments.people + 1):
        world.add_person(f"教师{number:05d}", id=number, started=not arguments.not_started)
    sandbox = Sandbox(
        world,
        token=arguments.token,
        port=arguments.port,
        state_file=arguments.state,
        latency=arguments.latency_ms / 1000,
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopped.set)
    await sandbox.start()
    # Whoever started this process waits for the line to know that it may call.
    print(sandbox.url, flush=True)  # noqa: T201
    await stopped.wait()
    await sandbox.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_serve(_arguments()))
