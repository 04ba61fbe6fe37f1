"""Pacing: an even stream at the allowed rate, without the burst that Telegram answers 429."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHAT_EVERY = 1.05  # seconds between two messages to one person
GROUP_EVERY = 3.2  # twenty a minute in a group
MAKES_UP = 0.015  # seconds of the stream that may follow at once after a moment's delay
MARGIN = 0.995  # of the rate: calls leave a little earlier or later than they were given turns
WINDOW = 1.0  # seconds over which Telegram counts
PATIENCE = 3.0  # seconds after a turn when its call is taken as counted, answered or not
QUICKENS = 0.001  # of the way by which the quickest answer goes towards a slower one
KEPT = 8192
TOGETHER = 5.0  # seconds in which two private chats that are full mean that all is


class _Turn:
    """One of those that a second has; it is given back once."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._is_out = True

    def give_back(self) -> None:
        if self._is_out:
            self._is_out = False
            self._free.release()


class Pacer:
    """Hand out turns over all chats, evenly: ``rate`` of them a second, and a hair less.

    Turns pass one gate, each a step after the one before. What was late by a moment is made up
    for, by less than any server's count of a second would notice; what was late by more is
    lost: when the machine was busy, those who waited leave one by one and not all at once.

    Telegram counts when calls arrive, and one that was long on its way is counted late, with
    those that left after it. It was counted before it was answered, though; so each of the turns
    that a second has is out until a second after its call can have been counted: after its
    answer, less what the quickest of answers takes.
    """

    def __init__(self, rate: float) -> None:
        self._every = 1 / (MARGIN * rate)
        self._next = 0.0
        self._gate = asyncio.Lock()
        self._chats: dict[int, float] = {}
        self._free = asyncio.Semaphore(math.ceil(rate * WINDOW))
        self._quickest = math.inf

    @asynccontextmanager
    async def turn(self, chat_id: int) -> AsyncIterator[None]:
        """Wait until a message to this chat may go out; the call to Telegram goes inside."""
        # A chat that must wait for its own turn does not hold up the others' stream.
        while True:
            left = self._chats.get(chat_id, 0.0) - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(left)
        self._keep(chat_id, time.monotonic())
        async with self._gate:
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
            await self._free.acquire()
            now = time.monotonic()
            self._next = max(now - MAKES_UP, self._next) + self._every
        self._keep(chat_id, now)
        turn, loop = _Turn(self._free), asyncio.get_running_loop()
        patience = loop.call_later(PATIENCE, turn.give_back)
        try:
            yield
            # What fails at once, since nobody is there, says nothing about the way.
            took = time.monotonic() - now
            slower = took - self._quickest
            self._quickest = took if slower < 0 else self._quickest + QUICKENS * slower
        finally:
            patience.cancel()
            known = self._quickest if self._quickest < math.inf else 0.0
            loop.call_later(max(0.0, WINDOW - known), turn.give_back)

    def _keep(self, chat_id: int, now: float) -> None:
        if len(self._chats) > KEPT:
            self._chats = {chat: at for chat, at in self._chats.items() if at > now}
        self._chats[chat_id] = now + (GROUP_EVERY if chat_id < 0 else CHAT_EVERY)


class Refusals:
    """What an answer "too many requests" is about: the chat, or everything.

    Telegram does not say. A group has a limit of its own, twenty a minute, and ours is kept;
    so a group speaks for itself. One private chat may be full of what it got beside the
    stream, as answers to taps. When a second one is full in the same seconds, it is the whole
    bot that sends too much.
    """

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None

    def concerns_all(self, chat_id: int) -> bool:
        """Take note that this chat answered so; whether everything must pause."""
        if chat_id < 0:
            return False
        now = time.monotonic()
        before, self._last = self._last, (chat_id, now)
        return before is not None and before[0] != chat_id and now - before[1] <= TOGETHER
