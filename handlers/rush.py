"""Answers first: while people wait for theirs, what can come a moment later waits.

In the minute in which registration opens hundreds tap at once. Each is owed a sentence; the
card that shows the same once more is drawn when everybody has theirs, a few at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

Start = Callable[[], "asyncio.Task[Any]"]


class Rush:
    """Who is owed an answer, and what is done when nobody is. All times are in seconds.

    At most ``at_once`` things are done together. Nothing waits longer than ``longest``, however
    many keep tapping. ``breath`` passes after the last answer, because between two batches of
    taps it only looks calm.
    """

    def __init__(self, *, at_once: int = 16, longest: float = 5.0, breath: float = 0.1) -> None:
        self._at_once, self._longest, self._breath = at_once, longest, breath
        self._owed = 0
        self._running = 0
        self._queue: deque[tuple[float, Start]] = deque()
        self._soon: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self._caught_up = asyncio.Event()
        self._caught_up.set()

    @contextlib.contextmanager
    def owing(self) -> Iterator[None]:
        """Somebody waits for an answer while this lasts."""
        self._owed += 1
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        try:
            yield
        finally:
            self._owed -= 1
            self._look_soon()

    def afterwards(self, start: Start) -> None:
        """Start this task when nobody waits for an answer, or when it has waited long enough."""
        loop = asyncio.get_running_loop()
        self._queue.append((loop.time() + self._longest, start))
        self._caught_up.clear()
        if self._late is None:
            self._late = loop.call_later(self._longest, self._look_late)
        self._look_soon()

    def give_up(self) -> None:
        """The process ends: what was only to be shown once more is left undone."""
        self._queue.clear()
        for timer in (self._soon, self._late):
            if timer is not None:
                timer.cancel()
        self._soon = self._late = None
        self._note()

    async def caught_up(self) -> None:
        """Wait until nothing is left to be done afterwards."""
        await self._caught_up.wait()

    def _look_soon(self) -> None:
        if self._owed == 0 and self._queue and self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(self._breath, self._look_calm)

    def _look_calm(self) -> None:
        self._soon = None
        self._go_on()

    def _look_late(self) -> None:
        self._late = None
        self._go_on()
        if self._queue:
            loop = asyncio.get_running_loop()
            self._late = loop.call_at(max(self._queue[0][0], loop.time() + 0.1), self._look_late)

    def _go_on(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._queue and self._running < self._at_once:
            until, start = self._queue[0]
            if self._owed and now < until:
                break
            self._queue.popleft()
            self._running += 1
            start().add_done_callback(self._ended)
        self._note()

    def _ended(self, _task: asyncio.Task[Any]) -> None:
        self._running -= 1
        self._go_on()

    def _note(self) -> None:
        if not self._queue and not self._running:
            self._caught_up.set()
