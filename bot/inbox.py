"""The inbox at work: keep what comes, handle it in order per person, mark it done.

python-telegram-bot keeps confirmed updates in memory and stops for ever at one that it
cannot parse. Here an update is a row before it is confirmed, is parsed by itself, and is
handled again if the process ended first.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from telegram import Update
from telegram.ext import Application

from storage.database import Database
from storage.messaging import inbox
from storage.messaging.inbox import Arrival

AT_ONCE = 256
# Parsing these is a third of what parsing a tap costs, and no handler reads them.
OURS = frozenset({"reply_markup", "entities", "caption_entities", "link_preview_options"})
BACKLOG = 4096  # beyond it the poller waits, so that memory stays flat

logger = logging.getLogger(__name__)

AnyApplication = Application[Any, Any, Any, Any, Any, Any]


class Inbox:
    """Takes raw updates in and sees each through to its end."""

    def __init__(
        self, application: AnyApplication, database: Database, clock: Callable[[], datetime]
    ) -> None:
        self._application = application
        self._database = database
        self._clock = clock
        self._lanes: dict[int, deque[tuple[int, dict[str, Any], bool]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._room = asyncio.Event()
        self._room.set()
        self._done: list[int] = []
        self._failed: list[tuple[int, str]] = []
        self._faults: dict[int, str] = {}
        self.faulty: deque[str] = deque(maxlen=50)  # the last handlers that failed, for a look
        self._settling: asyncio.Task[None] | None = None

    async def take(self, updates: Sequence[dict[str, Any]]) -> None:
        """Keep the updates; when this returns, Telegram may be told that they are ours."""
        arrived: dict[int, tuple[Arrival, dict[str, Any]]] = {}
        for update in updates:
            update_id = number_of(update)
            if update_id is not None:
                arrived.setdefault(update_id, (Arrival(update_id, _raw(update)), update))
            else:
                logger.error("An update without a number was dropped")
        arrivals = [arrival for arrival, _ in arrived.values()]
        new = await self._database.write(inbox.keep, arrivals, now=self._clock())
        for arrival, update in arrived.values():
            if arrival.update_id in new:
                self._line_up(arrival.update_id, update, again=False)
            else:
                logger.warning("Update %d came before and is not handled again", arrival.update_id)
        await self._room.wait()

    async def recover(self) -> int:
        """Line up again what a former run had confirmed and not handled; return how many."""
        arrivals = await self._database.read(inbox.unfinished)
        for arrival in arrivals:
            self._line_up(arrival.update_id, json.loads(arrival.raw), again=True)
        return len(arrivals)

    async def drained(self) -> None:
        """Wait until nothing is in hand, and what became of it is written down."""
        await self._drained.wait()
        if self._settling is not None:
            await self._settling

    async def finish(self, within: timedelta = timedelta(seconds=20)) -> None:
        """Handle what is in hand and write down what became of it."""
        try:
            await asyncio.wait_for(self._drained.wait(), within.total_seconds())
        except TimeoutError:
            logger.warning("%d updates are left for the next start", self._waiting)
            for task in self._tasks:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._settling is not None:
            await self._settling
        await self._settle()

    def failed(self, update_id: int, fault: str) -> None:
        """Note that a handler failed; told by the application's error handler."""
        self.faulty.append(f"{update_id}: {fault}")
        self._faults[update_id] = fault

    def _line_up(self, update_id: int, update: dict[str, Any], *, again: bool) -> None:
        person = _person(update) or -update_id
        self._waiting += 1
        self._drained.clear()
        if self._waiting >= BACKLOG:
            self._room.clear()
        lane = self._lanes.get(person)
        if lane is not None:
            lane.append((update_id, update, again))
            return
        self._lanes[person] = deque([(update_id, update, again)])
        task = asyncio.get_running_loop().create_task(self._run(person))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, person: int) -> None:
        """Handle one person's updates, one after the other."""
        lane = self._lanes[person]
        async with self._places:
            while lane:
                update_id, update, again = lane.popleft()
                try:
                    await self._handle(update_id, update, again=again)
                except Exception:
                    logger.exception("Update %d could not be seen through", update_id)
                self._waiting -= 1
                if self._waiting < BACKLOG:
                    self._room.set()
            del self._lanes[person]
        if self._waiting == 0:
            self._drained.set()

    async def _handle(self, update_id: int, raw: dict[str, Any], *, again: bool) -> None:
        if again and not await self._database.write(inbox.try_again, update_id, now=self._clock()):
            logger.error("Update %d is set aside after repeated tries", update_id)
            return
        try:
            update = Update.de_json(_lightened(raw), self._application.bot)
        except Exception as error:
            logger.error("Update %d cannot be parsed: %r", update_id, error)
            await self._database.write(inbox.set_aside, update_id, repr(error), now=self._clock())
            return
        try:
            await self._application.process_update(update)
        except Exception as error:
            logger.exception("Update %d failed outside its handler", update_id)
            self.failed(update_id, repr(error))
        fault = self._faults.pop(update_id, None)
        if fault is None:
            self._done.append(update_id)
        else:
            self._failed.append((update_id, fault))
        if self._settling is None or self._settling.done():
            self._settling = asyncio.get_running_loop().create_task(self._settle_all())

    async def _settle_all(self) -> None:
        while self._done or self._failed:
            await self._settle()

    async def _settle(self) -> None:
        """One write for all that was finished since the last one."""
        done, self._done = self._done, []
        failed, self._failed = self._failed, []
        if done or failed:
            await self._database.write(inbox.settle, done, failed, now=self._clock())


def number_of(update: object) -> int | None:
    """The update's number, if it is one that can be kept."""
    number = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if 0 <= number < 2**63 else None


def _lightened(update: dict[str, Any]) -> dict[str, Any]:
    """The update without what stands on a tapped message: we have put it there ourselves."""
    tap = update.get("callback_query")
    if not isinstance(tap, dict) or not isinstance(message := tap.get("message"), dict):
        return update
    rest = {name: value for name, value in message.items() if name not in OURS}
    return {**update, "callback_query": {**tap, "message": rest}}


def _raw(update: dict[str, Any]) -> str:
    """The update as JSON that any database keeps, whatever characters are in it."""
    text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair: kept as an escape.
        return json.dumps(update, separators=(",", ":"))
    return text


def _person(update: dict[str, Any]) -> int | None:
    """Whose order this update belongs to: the sender's, else the chat's."""
    for kind, body in update.items():
        if kind == "update_id" or not isinstance(body, dict):
            continue
        for path in (("from",), ("user",), ("chat",), ("message", "chat")):
            found: Any = body
            for name in path:
                found = found.get(name) if isinstance(found, dict) else None
            if isinstance(found, dict) and isinstance(found.get("id"), int):
                return int(found["id"])
    return None
