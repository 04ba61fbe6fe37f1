"""People with phones, for long plays: a person taps the keys that are there, by what they do.

A key is found by its data and not by its words, so that a play reads the same in any language.
What the bot calls is noted at the wire, with when and where: that is what people really saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlmodel import Session

from bot.sandbox.calls import Call
from handlers.buttons import Button, tag_of
from storage.messaging import reminders
from tests.stage import Stage

T = TypeVar("T")
Wanted = Button | type[Button] | Callable[[str], bool]
"""A key by its data, the first of a kind, or one whose data is as wanted."""


@dataclass(frozen=True)
class Maybe:
    """A key that is tapped where it is there."""

    key: Wanted


Step = Wanted | Maybe | str | tuple[str, bytes]
"""A key, something typed, or a file."""

LOOKED_AT = 12  # of the newest messages a person looks for a key in so many
TRIES = 6
LONGEST_JUMP = timedelta(hours=12)
SAYING = frozenset({"sendMessage", "editMessageText", "sendDocument", "sendPhoto"})


class Lost(AssertionError):
    """The key that somebody wants to tap is not there, or what they did came to nothing."""


@dataclass(frozen=True)
class Said:
    """Something that the bot said: where, when, and whether anybody had asked for it."""

    at: datetime
    method: str
    chat_id: int
    text: str
    unasked: bool
    message_id: int = 0


@dataclass
class World:
    """The stage with its wire tapped, and a clock that people's days are driven by."""

    stage: Stage
    faults: bool = False
    said: list[Said] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    before_sweep: list[Callable[[Session, datetime], None]] = field(default_factory=list)
    """Asked with the moment before each sweep."""
    _delivers: bool = False

    def __post_init__(self) -> None:
        run = self.stage.sandbox.run

        async def noted(call: Call) -> Any:
            result = await run(call)
            if call.method in SAYING:
                text = str(call.values.get("text") or call.values.get("caption") or "")
                text += "".join(f" [{each.name}]" for each in call.uploads.values())
                chat_id = int(str(call.values.get("chat_id") or 0))
                message_id = result["message_id"] if isinstance(result, dict) else 0
                self.said.append(
                    Said(self.stage.clock(), call.method, chat_id, text, self._delivers, message_id)
                )
            return result

        self.stage.sandbox.run = noted  # type: ignore[method-assign]

    async def read(self, operation: Callable[..., T], *given: Any, **named: Any) -> T:
        return await self.stage.database.read(operation, *given, **named)

    async def write(self, operation: Callable[..., T], *given: Any, **named: Any) -> T:
        return await self.stage.database.write(operation, *given, **named)

    @property
    def now(self) -> datetime:
        return self.stage.clock()

    async def delivers(self) -> None:
        """Sweep and send what is due now."""
        for ask in self.before_sweep:
            await self.read(ask, self.now)
        self._delivers = True
        try:
            await self.stage.deliver()
        finally:
            self._delivers = False

    async def until(self, moment: datetime) -> None:
        """Let time pass to this moment, from one event to the next."""
        while self.now < moment:
            now = self.now
            following = await self.read(reminders.next_event, now=now)
            soonest = min(at for at in (following, now + LONGEST_JUMP, moment) if at is not None)
            soonest = min(max(soonest, now + timedelta(minutes=1)), moment)
            self.stage.clock.advance(soonest - now)
            await self.delivers()


@dataclass
class Phone:
    """Somebody's private chat with the bot."""

    world: World
    id: int
    teacher_id: int
    name: str
    alert: str = ""

    @property
    def sees(self) -> str:
        """The newest text that is not their own."""
        for seen in reversed(self._seen(LOOKED_AT)):
            if not seen.mine:
                return str(seen.text)
        return ""

    def reads(self, word: str) -> str:
        """The newest text that is not their own and has this word in it."""
        for seen in reversed(self._seen(LOOKED_AT)):
            if not seen.mine and word in seen.text:
                return str(seen.text)
        return ""

    def files(self) -> list[tuple[str, bytes]]:
        """The documents that came, oldest first."""
        kept = self.world.stage.world.files
        found = []
        for seen in self._seen(None):
            if seen.document is not None and not seen.mine:
                stored = kept.get(seen.document["file_id"])
                if stored is not None:
                    found.append((stored.name, stored.data))
        return found

    def shows(self, wanted: Wanted) -> bool:
        """Whether the key is there."""
        return self._key(wanted) is not None

    async def awaits(self, wanted: Wanted) -> None:
        """Wait for a message with this key; a minute, longer where calls fail."""
        for attempt in range(TRIES):
            await self.world.until(self.world.now + timedelta(minutes=1 + 10 * attempt))
            if self.shows(wanted):
                return
            if not self.world.faults:
                break
        raise Lost(f"{self.name}: nothing came with {wanted!r}; {self.offered()}")

    def offered(self) -> list[str]:
        """The data of the keys of the newest message that has any."""
        for seen in reversed(self._seen(LOOKED_AT)):
            data = [str(key.get("callback_data")) for row in seen.buttons for key in row]
            if data:
                return data
        return []

    async def does(
        self,
        *steps: Step,
        done: Callable[[Session], bool] | None = None,
        pages: type[Button] | None = None,
        way: int = 0,
    ) -> None:
        """Take these steps one after the other; where calls fail, as people do, once more.

        The first ``way`` of them lead somewhere: where the key of the last of these is there, it
        is tapped at once.

        ``done`` says whether it has come about; without it every step's key having been there is
        enough. ``pages`` is the key by which to look for a key on another page.
        """
        self.world.counts["acts"] += 1
        for attempt in range(TRIES):
            begins = (
                way - 1 if way and not attempt and self.shows(cast(Wanted, steps[way - 1])) else 0
            )
            try:
                for step in steps[begins:]:
                    await self._takes(step, pages)
                if done is None or await self.world.read(done):
                    return
                failure = f"{self.name}: {steps!r} came to nothing; {self.alert!r} {self.sees!r}"
            except Lost as lost:
                if done is not None and attempt and await self.world.read(done):
                    return
                failure = str(lost)
            if not self.world.faults:
                raise Lost(failure)
            self.world.counts["tried again"] += 1
        raise Lost(failure)

    async def _takes(self, step: Step, pages: type[Button] | None) -> None:
        stage = self.world.stage
        if isinstance(step, str):
            stage.world.say(self.id, self.id, step)
            await stage.settle()
        elif isinstance(step, tuple):
            stage.world.send_document(self.id, self.id, step[1], step[0])
            await stage.settle()
        elif isinstance(step, Maybe):
            if self.shows(step.key):
                await self.taps(step.key)
        else:
            await self.taps(step, pages)

    async def taps(self, wanted: Wanted, pages: type[Button] | None = None) -> None:
        """Tap this key, on another page if it must be."""
        found = self._key(wanted)
        while found is None and pages is not None:
            turn = self._next_page(pages)
            if turn is None:
                break
            await self._tap(*turn)
            found = self._key(wanted)
        if found is None:
            raise Lost(f"{self.name}: no {wanted!r} among {self.offered()}\n{self.sees}")
        await self._tap(*found)

    async def _tap(self, message_id: int, data: str) -> None:
        stage = self.world.stage
        query = stage.world.tap(self.id, self.id, message_id, data)
        self.world.counts["taps"] += 1
        await stage.settle()
        try:
            answer = await stage.world.answered(query, within=0.2)
        except TimeoutError:
            if not self.world.faults:
                raise Lost(f"{self.name}: a tap on {data} was not answered") from None
            self.world.counts["unanswered"] += 1
            return
        self.alert = answer.text or ""

    def _key(self, wanted: Wanted) -> tuple[int, str] | None:
        for seen in reversed(self._seen(LOOKED_AT)):
            for row in seen.buttons:
                for key in row:
                    data = key.get("callback_data")
                    if data is not None and _fits(data, wanted):
                        return seen.id, data
        return None

    def _next_page(self, pages: type[Button]) -> tuple[int, str] | None:
        """The key to the next page."""
        for seen in reversed(self._seen(LOOKED_AT)):
            turns = [
                key
                for row in seen.buttons
                for key in row
                if tag_of(key.get("callback_data")) == pages.tag
            ]
            if turns:
                on = next((key for key in turns if key["text"] == "›"), None)
                return None if on is None else (seen.id, on["callback_data"])
        return None

    def _seen(self, last: int | None) -> list[Any]:
        return self.world.stage.world.seen_by(self.id, self.id, last=last)


def _fits(data: str, wanted: Wanted) -> bool:
    if isinstance(wanted, Button):
        return data == wanted.data
    if isinstance(wanted, type) and issubclass(wanted, Button):
        return tag_of(data) == wanted.tag
    return bool(wanted(data))  # type: ignore[call-arg]
