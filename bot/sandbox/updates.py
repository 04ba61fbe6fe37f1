"""The updates that wait for the bot, and how it takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.sandbox.refusals import Json, Refused

# Telegram sends these only when they are asked for by name.
ONLY_ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
TWO_POLLERS = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)


@dataclass(slots=True)
class Waiting:
    """One update. ``injected`` ones are handed over once even when their number is old."""

    update_id: int
    body: Json
    injected: bool = False
    handed_over: bool = False


class Updates:
    """A queue in order of arrival; an update leaves it when the bot confirms it."""

    def __init__(self) -> None:
        self.next_id = 100_000_001
        self.allowed: frozenset[str] | None = None
        self._queue: deque[Waiting] = deque()
        self._out_of_order = False
        self._poller: asyncio.Future[bool] | None = None
        self._arrivals: list[Callable[[], None]] = []
        self._held: list[Waiting] | None = None
        self._newest: Waiting | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Remember which kinds the bot wants; None changes nothing, none at all is the default."""
        if kinds is not None:
            self.allowed = frozenset(kinds) or None

    def wants(self, kind: str) -> bool:
        if self.allowed is None:
            return kind not in ONLY_ON_REQUEST
        return kind in self.allowed

    def add(self, kind: str, content: Json) -> None:
        """Queue an update, unless the bot does not want its kind."""
        if self.wants(kind):
            self._append(Waiting(self.next_id, {"update_id": self.next_id, kind: content}))
            self.next_id += 1

    def inject(self, raw: Json) -> int:
        """Queue anything as it is; it gets a number when it has none."""
        update_id = raw.get("update_id")
        if not isinstance(update_id, int):
            update_id = self.next_id
            raw = {"update_id": update_id, **raw}
        self._out_of_order = self._out_of_order or update_id < self.next_id
        self.next_id = max(self.next_id, update_id + 1)
        self._append(Waiting(update_id, raw, injected=True))
        return update_id

    def hold(self, on: bool) -> None:
        """Hold back what comes from now on, as a slow network does; or let it all go."""
        if on:
            self._held = [] if self._held is None else self._held
            return
        held, self._held = self._held or [], None
        for waiting in held:
            self._append(waiting)

    def repeat(self) -> None:
        """Hand the newest update over once more, under the number that it had."""
        if self._newest is not None:
            self.inject(dict(self._newest.body))

    def on_arrival(self, listener: Callable[[], None]) -> None:
        self._arrivals.append(listener)

    def _append(self, waiting: Waiting) -> None:
        if self._held is not None:
            self._held.append(waiting)
            return
        self._newest = waiting
        self._queue.append(waiting)
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(True)
        for listener in self._arrivals:
            listener()

    def clear(self) -> None:
        self._queue.clear()
        if self._held is not None:
            self._held.clear()

    def waiting(self) -> list[Waiting]:
        """All that is not yet confirmed, oldest first."""
        return list(self._queue)

    def done(self, waiting: Waiting) -> None:
        """A webhook took this one."""
        if self._queue and self._queue[0] is waiting:
            self._queue.popleft()
        else:
            self._queue.remove(waiting)

    def release(self) -> None:
        """Let a waiting poller go, empty-handed."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(False)

    async def poll(self, offset: int, limit: int, wait: float) -> list[Json]:
        """Long polling. A second poller takes over and the first is refused, as on Telegram."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(Refused(409, TWO_POLLERS))
        self._confirm(offset)
        if not self._queue and wait > 0:
            poller: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._poller = poller
            try:
                await asyncio.wait_for(poller, wait)
            except TimeoutError:
                return []
            finally:
                if self._poller is poller:
                    self._poller = None
        taken: list[Json] = []
        for waiting in self._queue:
            if len(taken) >= limit:
                break
            waiting.handed_over = True
            taken.append(waiting.body)
        return taken

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self._queue) > -offset:
                self._queue.popleft()
            return
        queue = self._queue
        held = []
        while queue and queue[0].update_id < offset:
            waiting = queue.popleft()
            if waiting.injected and not waiting.handed_over:
                held.append(waiting)
        # An old number may also stand behind newer ones, when it was injected. Otherwise
        # the whole queue is not looked through at each poll.
        if self._out_of_order:
            kept = [one for one in queue if one.update_id >= offset or not one.handed_over]
            queue.clear()
            queue.extend(kept)
        queue.extendleft(reversed(held))

    def dump(self) -> Json:
        return {
            "next_id": self.next_id,
            "allowed": sorted(self.allowed) if self.allowed is not None else None,
            "queue": [
                [one.update_id, one.body, one.injected]
                for one in (*self._queue, *(self._held or ()))
            ],
        }

    def load(self, dumped: Json) -> None:
        self.next_id = max(self.next_id, dumped["next_id"])
        self.allow(dumped["allowed"])
        self._queue = deque(Waiting(number, body, inj) for number, body, inj in dumped["queue"])
        self._out_of_order = any(waiting.injected for waiting in self._queue)
