"""Telegram's speed limits for sending, as its FAQ gives them. Off unless asked for.

They run on the wall's time, not on the sandbox clock: moving the clock must not make a
slow bot look like a fast one.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Flood:
    """Sliding windows: the whole bot, one private chat, one group, paid broadcasts."""

    on: bool = False
    all_paid: bool = False
    whole_per_second: int = 30
    paid_per_second: int = 1000
    private_per_second: int = 1
    private_burst: int = 3
    group_per_minute: int = 20
    _whole: deque[float] = field(default_factory=deque)
    _paid: deque[float] = field(default_factory=deque)
    _chats: dict[int, deque[float]] = field(default_factory=dict)

    def wait(self, chat_id: int, *, paid: bool = False) -> int:
        """Seconds to wait before this message may go; 0 takes it into account and lets it go."""
        if not self.on:
            return 0
        now = time.monotonic()
        whole, most = (
            (self._paid, self.paid_per_second)
            if paid or self.all_paid
            else (self._whole, self.whole_per_second)
        )
        if (left := _left(whole, now, 1.0, most)) > 0:
            return math.ceil(left)
        recent = self._chats.setdefault(chat_id, deque())
        if chat_id > 0:
            burst = max(self.private_burst, self.private_per_second)
            left = _left(recent, now, burst / self.private_per_second, burst)
        else:
            left = _left(recent, now, 60.0, self.group_per_minute)
        if left > 0:
            return math.ceil(left)
        whole.append(now)
        recent.append(now)
        return 0


def _left(recent: deque[float], now: float, window: float, most: int) -> float:
    while recent and recent[0] <= now - window:
        recent.popleft()
    return 0.0 if len(recent) < most else max(recent[0] + window - now, 0.001)
