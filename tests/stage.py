"""The whole product in one process: the real application against the sandbox, without a socket.

The only fake is at the outermost seam: instead of going over HTTP, a call of the Bot API is
handed to the sandbox's own methods. Nothing of ours is patched, and the clock stands still
until a test moves it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from telegram._utils.types import ODVInput
from telegram.request import BaseRequest, RequestData

from bot.clock import Clock
from bot.office import Office
from bot.sandbox.calls import Call, Upload
from bot.sandbox.chats import Seen
from bot.sandbox.refusals import Refused
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.settings import Settings
from storage.database import Database
from storage.people.tables import Role
from tests import make

TOKEN = "1000000001:sandbox"


class StillClock(Clock):
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        self._now += by
        return self._now


class Wire(BaseRequest):
    """Hands each call to the sandbox instead of sending it over HTTP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def read_timeout(self) -> float | None:
        return 5.0

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        connect_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        if "/file/bot" in url:
            stored = self._sandbox.world.files.at(url.split("/", 5)[5])
            return (404, b"{}") if stored is None else (200, stored.data)
        call = Call(
            url.rsplit("/", 1)[1], dict(request_data.json_parameters if request_data else {})
        )
        if request_data is not None and request_data.contains_files:
            for name, (filename, content, mime) in (request_data.multipart_data or {}).items():
                data = content if isinstance(content, bytes) else content.read()
                call.uploads[name] = Upload(filename, mime, data)
        try:
            fault = self._sandbox.world.faults.hit(call.method, call.chat_id())
            if fault is not None:
                raise fault.refusal()
            answer: dict[str, Any] = {"ok": True, "result": await self._sandbox.run(call)}
            status = 200
        except Refused as refusal:
            answer, status = refusal.answer(), refusal.code
        return status, json.dumps(answer).encode()


@dataclass
class Actor:
    """A person with a phone: says, taps what is seen, and looks at what came."""

    stage: Stage
    id: int
    name: str
    teacher_id: int | None = None
    alert: str = ""
    opened: str = ""

    async def says(self, text: str, *, at: int | None = None) -> str:
        """Type a text (in private unless a chat is given) and return the newest message."""
        chat = at or self.id
        self.stage.world.say(self.id, chat, text)
        await self.stage.settle()
        return self.sees(at=at)

    async def taps(self, label: str, *, at: int | None = None, message: int | None = None) -> str:
        """Tap the newest key whose label contains this; return what stands there now.

        The tap must be answered, exactly once, or the test fails.
        """
        shown = self._with_button(label, at or self.id, message)
        button = shown.button(label)
        if "url" in button:
            return await self._opens(button["url"])
        query = self.stage.world.tap(self.id, at or self.id, shown.id, button["callback_data"])
        await self._answered(query)
        return self.sees(at=at)

    async def sends_data(self, data: str, *, at: int | None = None) -> str:
        """Send any callback data with the newest message, as a doctored client can."""
        chat = at or self.id
        shown = self.messages(at=at)[-1]
        query = self.stage.world.tap(self.id, chat, shown.id, data, forged=True)
        await self._answered(query)
        return self.alert

    async def sends_file(self, name: str, content: bytes) -> str:
        """Send a document in private and return the newest message."""
        self.stage.world.send_document(self.id, self.id, content, name)
        await self.stage.settle()
        return self.sees()

    async def sends_video(self, name: str, content: bytes) -> str:
        """Send a video from the gallery in private and return the newest message."""
        self.stage.world.send_video(self.id, self.id, content, name)
        await self.stage.settle()
        return self.sees()

    def files(self) -> list[tuple[str, bytes]]:
        """The names and contents of the documents that came in private, oldest first."""
        kept = self.stage.world.files
        found = []
        for message in self.messages():
            if message.document is not None and not message.mine:
                stored = kept.get(message.document["file_id"])
                assert stored is not None
                found.append((stored.name, stored.data))
        return found

    async def starts(self, payload: str = "") -> str:
        """Press Start, or open a deep link."""
        self.stage.world.press_start(self.id, payload)
        await self.stage.settle()
        return self.sees()

    def messages(self, *, at: int | None = None) -> list[Seen]:
        return self.stage.world.seen_by(self.id, at or self.id)

    def sees(self, *, at: int | None = None) -> str:
        """The newest message that is not one's own."""
        others = [message for message in self.messages(at=at) if not message.mine]
        return others[-1].text if others else ""

    def labels(self, *, at: int | None = None) -> list[str]:
        """The labels under the newest message with keys."""
        for message in reversed(self.messages(at=at)):
            if message.buttons:
                return [button["text"] for row in message.buttons for button in row]
        return []

    async def _answered(self, query: str) -> None:
        await self.stage.settle()
        answer = await self.stage.world.answered(query, within=1)
        self.alert = answer.text or ""
        self.opened = answer.url or ""
        if self.opened:
            await self._opens(self.opened)

    async def _opens(self, url: str) -> str:
        found = re.search(r"[?&]start=([A-Za-z0-9_-]+)", url)
        assert found is not None, url
        self.opened = url
        return await self.starts(found.group(1))

    def _with_button(self, label: str, chat: int, message: int | None) -> Seen:
        for shown in reversed(self.stage.world.seen_by(self.id, chat)):
            if message is not None and shown.id != message:
                continue
            if any(label in button["text"] for row in shown.buttons for button in row):
                return shown
        raise AssertionError(f"no key {label!r}; there are {self.labels(at=chat)}")


@dataclass
class Stage:
    """The office, the sandbox's world, and the people of the play."""

    database: Database
    clock: StillClock
    world: World
    sandbox: Sandbox
    office: Office
    _offset: int = 0
    faults: list[str] = field(default_factory=list)

    async def settle(self) -> None:
        """Let everything that was said be handled, and what is due be delivered."""
        while True:
            updates = await self.world.updates.poll(self._offset, 100, 0)
            if not updates:
                break
            await self.office.inbox.take(updates)
            self._offset = max(update["update_id"] for update in updates) + 1
            await self.office.inbox.drained()
            await self.office.house.rush.caught_up()

    async def deliver(self) -> None:
        """Sweep, and send all that is due."""
        await self.office.sweep()
        await self.office.delivery.drain()
        await self.settle()

    async def passes(self, **time: float) -> None:
        """Let time pass and do what comes due."""
        self.clock.advance(timedelta(**time))
        await self.deliver()

    def newcomer(self, name: str = "林若溪", language: str = "zh-hans", **more: Any) -> Actor:
        """Somebody who has never spoken to the bot."""
        person = self.world.add_person(name, language_code=language, **more)
        return Actor(self, person.id, name)

    async def teacher(
        self, name: str = "林若溪", language: str = "en", *, account: Any = None, **roster: Any
    ) -> Actor:
        """A linked teacher who has the private chat open."""
        person = self.world.add_person(name, language_code=language, started=True)
        teacher_id = await self.database.write(make.teacher, name, **roster)
        spoken = {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}.get(language, "en")
        await self.database.write(
            make.account,
            teacher_id,
            tg_user_id=person.id,
            language=spoken,
            **(account or {}),
        )
        return Actor(self, person.id, name, teacher_id)

    async def holder(self, name: str, role: Role, language: str = "en", **roster: Any) -> Actor:
        """A linked teacher who holds a role over the own school, or over the county."""
        who = await self.teacher(name, language, **roster)
        assert who.teacher_id is not None
        await self.database.write(make.role, who.teacher_id, role)
        return who


@asynccontextmanager
async def stage_on(
    database: Database, now: datetime = make.NOW, *, founded: bool = False
) -> AsyncIterator[Stage]:
    """Set the stage on this database and clear it away; ``founded``: the play founds the office."""
    clock = StillClock(now)
    world = World(clock)
    world.updates.allow(["message", "callback_query", "my_chat_member", "chat_member"])
    sandbox = Sandbox(world, token=TOKEN)
    settings = Settings(
        language="en",
        paid_broadcast=True,
        rate=1000,
        token=None,
        _env_file=None,  # type: ignore[call-arg]
    )
    if not founded:
        await database.write(make.office)
    office = Office(
        settings, TOKEN, database, clock, bot_api="http://sandbox", request=Wire(sandbox)
    )
    made = Stage(database, clock, world, sandbox, office)
    async with office.open():
        yield made
