"""Relaying: what waits for second channels, one message a channel at a time, at their pace."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from bot import channels
from bot.channels import Outcome, Remedy
from handlers.cards import GroupCard, plain
from handlers.context import House
from handlers.messaging.voices import Later, Say, Voice
from storage.messaging import outbox, relays
from storage.messaging.relays import Claimed, RelayKind

EVERY = {
    RelayKind.WECOM: 3.2,  # twenty a minute
    RelayKind.DINGTALK: 3.2,  # the same; above it a robot is shut for ten minutes
    RelayKind.FEISHU: 0.65,  # a hundred a minute, five a second
    RelayKind.MAIL: 1.0,
    RelayKind.MAILBOX: 1.0,
}
"""Seconds between two messages to one robot or through one mailbox."""

FLIGHT = 8
LEASE = timedelta(minutes=5)
LOOK = 2.0  # seconds between looks when nobody has woken us

logger = logging.getLogger(__name__)


class Relaying:
    """Sends what the outbox holds for second channels; without ``apprise`` it rests."""

    def __init__(self, house: House, voices: Mapping[str, Voice], *, mailbox: str = "") -> None:
        """``mailbox`` is the office's own, an address with a login."""
        self._house = house
        self._voices = voices
        self._mailbox = mailbox
        self._rests = not channels.is_installed()
        self._in_flight: dict[asyncio.Task[None], int] = {}
        self._free_at: dict[str, float] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look at once."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Send until ``stop`` is called; then finish what is in flight."""
        self._stopping = self._rests
        while not self._stopping:
            self._woken.clear()
            try:
                claimed = await self._claim()
            except Exception:
                logger.exception("What waits for second channels could not be read")
                claimed = []
            for row in claimed:
                task = asyncio.get_running_loop().create_task(self._send(row))
                self._in_flight[task] = row.relay_id
                task.add_done_callback(self._landed)
            if not claimed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK)
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        self._close()

    async def drain(self) -> None:
        """Send all that is due now and return when it is out; for tests."""
        while not self._rests and (claimed := await self._claim()):
            await asyncio.gather(*(self._send(row) for row in claimed))
        self._close()

    def _close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    async def _claim(self) -> list[Claimed]:
        free = FLIGHT - len(self._in_flight)
        if free <= 0:
            return []
        return await self._house.database.write(
            relays.claim,
            now=self._house.clock(),
            lease=LEASE,
            limit=free,
            busy=set(self._in_flight.values()),
        )

    def _landed(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            logger.error("A second channel failed outside its guard", exc_info=task.exception())

    async def _send(self, row: Claimed) -> None:
        text = await self._text(row)
        if text is None:
            return
        await self._turn(row)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(FLIGHT, thread_name_prefix="relay")
        try:
            outcome = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: channels.send(row.url, text, mailbox=self._mailbox)
            )
        except Exception as error:
            # Not the error itself: its text may hold the address.
            logger.error("Relay %d fails: %s", row.relay_id, type(error).__name__)
            outcome = Outcome(Remedy.LATER, type(error).__name__)
        await self._settle(row, outcome)

    async def _text(self, row: Claimed) -> str | None:
        """What the row says now; None, and the row settled, when that is nothing."""
        if row.asks is None:
            return row.text
        database = self._house.database
        try:
            said = await self._voices[row.asks.kind](self._house, row.asks)
            if isinstance(said, Say):
                if row.asks.chat_id is not None and not isinstance(said.card, GroupCard):
                    raise TypeError("only what a group may see goes to the channel of a unit")
                return plain(said.card.text)
        except Exception as error:
            logger.exception("Message %d (%s) cannot be put into words", row.id, row.asks.kind)
            await database.write(outbox.settle_broken, row.id, fault=repr(error))
            return None
        if isinstance(said, Later):
            await database.write(outbox.try_later, row.id, said.until)
        else:
            await database.write(outbox.settle_skipped, row.id, reason=said.reason)
        return None

    async def _turn(self, row: Claimed) -> None:
        """Wait until this robot, or this mailbox, may be used again."""
        of = RelayKind.MAIL if row.kind is RelayKind.MAIL else row.url
        now = time.monotonic()
        start = max(now, self._free_at.get(of, 0.0))
        if len(self._free_at) > 1024:
            self._free_at = {url: at for url, at in self._free_at.items() if at > now}
        self._free_at[of] = start + EVERY[row.kind]
        if start > now:
            await asyncio.sleep(start - now)

    async def _settle(self, row: Claimed, outcome: Outcome) -> None:
        database, now = self._house.database, self._house.clock()
        match outcome.remedy:
            case Remedy.SENT:
                await database.write(relays.settle_sent, row.id, now=now)
            case Remedy.LATER:
                logger.warning("Relay %d cannot be used now: %s", row.relay_id, outcome.fault)
                wait = timedelta(minutes=min(60, 2 ** min(row.attempts, 6)))
                await database.write(relays.try_later, row.id, now + wait, fault=outcome.fault)
            case Remedy.BAD:
                logger.warning("Relay %d does not work: %s", row.relay_id, outcome.fault)
                await database.write(relays.settle_bad, row.id, fault=outcome.fault, now=now)
                self._house.wake_delivery()
