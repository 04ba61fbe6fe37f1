"""Pacing: an even stream at the allowed rate, without the burst that Telegram answers 429."""

from __future__ import annotations

import asyncio
import time

CHAT_EVERY = 1.05  # seconds between two messages to one person
GROUP_EVERY = 3.2  # twenty a minute in a group
MAKES_UP = 0.015  # seconds of the stream that may follow at once after a moment's delay
MARGIN = 0.995  # of the rate: calls leave a little earlier or later than they were given turns
KEPT = 8192


class Pacer:
    """Hand out turns over all chats, evenly: ``rate`` of them a second, and a hair less.

    What was late by a moment is made up for, by less than any server's count of a second
    would notice; what was late by more is lost.
    """

    def __init__(self, rate: float) -> None:
        self._every = 1 / (MARGIN * rate)
        self._next = 0.0
        self._chats: dict[int, float] = {}

    async def turn(self, chat_id: int) -> None:
        """Wait until a message to this chat may go out."""
        now = time.monotonic()
        start = max(now, self._next, self._chats.get(chat_id, 0.0))
        # A chat that must wait for its own turn does not hold up the others' stream.
        self._next = max(now - MAKES_UP, self._next) + self._every
        if len(self._chats) > KEPT:
            self._chats = {chat: at for chat, at in self._chats.items() if at > now}
        self._chats[chat_id] = start + (GROUP_EVERY if chat_id < 0 else CHAT_EVERY)
        if start > now:
            await asyncio.sleep(start - now)
