"""The scheduler only wakes sweeps; what is due is a row, and nothing is kept here.

Ticks are in UTC, run late rather than never, and one at a time. The age of the last sweep is
watched, because a scheduler that has died looks just like a quiet day.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

logger = logging.getLogger(__name__)

Sweep = Callable[[], Awaitable[None]]


class Ticks:
    """Runs each sweep at its interval, and knows when each last went through."""

    def __init__(self) -> None:
        self._sweeps: dict[str, tuple[Sweep, timedelta]] = {}
        # In the machine's own time: the sandbox's clock may jump, and that is no fault.
        self._last: dict[str, float] = {}
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def every(self, interval: timedelta, name: str, sweep: Sweep) -> None:
        """Run the sweep again and again; a failure is logged and the next tick comes."""
        self._sweeps[name] = (sweep, interval)

        async def tick() -> None:
            await self.run(name)

        self._scheduler.add_job(
            tick, IntervalTrigger(seconds=interval.total_seconds(), timezone="UTC"), name=name
        )

    async def run(self, name: str) -> None:
        """Run one sweep now."""
        sweep, _ = self._sweeps[name]
        try:
            await sweep()
        except Exception:
            logger.exception("The sweep %s failed; the next tick tries again", name)
        else:
            self._last[name] = time.monotonic()

    async def run_all(self) -> None:
        """Run every sweep once, in the order in which they were added."""
        for name in self._sweeps:
            await self.run(name)

    def start(self) -> None:
        for name in self._sweeps:
            self._last.setdefault(name, time.monotonic())
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def late(self) -> list[str]:
        """Return the sweeps that have not gone through for a minute and five intervals."""
        now = time.monotonic()
        return [
            name
            for name, (_, interval) in self._sweeps.items()
            if now - self._last.get(name, now) > 60 + 5 * interval.total_seconds()
        ]
