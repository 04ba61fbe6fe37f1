"""``python -m tests.bench``: measure, and print one table."""

from __future__ import annotations

import argparse
import asyncio
import os
import time

from rich.console import Console

from tests.bench import broadcast, hours, outbox, remote, roster, sandbox, starting, sweep, taps
from tests.bench.table import Report

SECTIONS = {
    "taps": taps.measure,
    "opening": taps.opening_hour,
    "sweep": sweep.measure,
    "outbox": outbox.measure,
    "broadcast": broadcast.measure,
    "start": starting.measure,
    "hours": hours.measure,
    "roster": roster.measure,
    "remote": remote.measure,
    "sandbox": sandbox.measure,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two runs of each, in 90 seconds")
    parser.add_argument("--only", choices=sorted(SECTIONS), nargs="*", help="these parts alone")
    return parser.parse_args()


async def _measure(arguments: argparse.Namespace, console: Console) -> None:
    report = Report(console)
    began = time.perf_counter()
    for name, section in SECTIONS.items():
        if not arguments.only or name in arguments.only:
            console.print(f"[bold]{name}[/bold]")
            await section(report, quick=arguments.quick)
    report.print(time.perf_counter() - began)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})  # beside the sandboxes: the other core is the bot's
    out = Console()
    asyncio.run(_measure(_arguments(), out if out.is_terminal else Console(width=130)))
