"""Where the product's time comes from. Nobody below reads the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Tell the time in UTC; the sandbox and the tests may move it forward.

    ``clock()`` is the moment now, always aware and in UTC. ``start`` sets what the
    clock shows first (the wall's time when it is None); from then on it runs with the wall.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._ahead = timedelta() if start is None else start.astimezone(UTC) - self._wall()
        self._listeners: list[Callable[[], None]] = []

    def __call__(self) -> datetime:
        return self._wall() + self._ahead

    def advance(self, by: timedelta) -> datetime:
        """Move forward, tell the listeners, and return the new time. Time never runs back."""
        if by < timedelta():
            raise ValueError("a clock does not run backwards")
        self._ahead += by
        for listener in self._listeners:
            listener()
        return self()

    def on_moved(self, listener: Callable[[], None]) -> None:
        """Call the listener after each jump, so that what came due is looked at once."""
        self._listeners.append(listener)

    @staticmethod
    def _wall() -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)
