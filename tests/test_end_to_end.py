"""The whole stack over real HTTP: the sandbox's server, a running office, and one teacher's day.

Nothing is taken out: updates come by long poll or by webhook, answers go out through the real
request class, the scheduler ticks, and the office ends by SIGTERM as it does in life.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from sqlmodel import Session, col, func, select

from bot.clock import Clock
from bot.office import Office
from bot.sandbox.chats import Seen
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.settings import Settings
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.messaging import groups, reminders
from storage.messaging.tables import ChatPurpose, InboxState, InboxUpdate
from storage.people import linking
from storage.training import schedule
from storage.training.tables import Quota, Registration
from tests import make

TITLE = "朗读指导专题培训"
SECRET = "s3cret-of_the-webhook"


@dataclass
class Town:
    """A running office, and one teacher with a phone in a group of the school."""

    database: Database
    clock: Clock
    world: World
    sandbox: Sandbox
    person: int
    group: int
    code: str
    hook: str = ""

    def seen(self, chat: int) -> list[Seen]:
        return [one for one in self.world.seen_by(self.person, chat) if not one.mine]

    async def sees(self, text: str, *, chat: int | None = None) -> Seen:
        """Wait until a message with this text is there."""

        def found() -> Seen | None:
            return next((m for m in self.seen(chat or self.person) if text in m.text), None)

        shown = await self.world.until(found, within=10)
        assert shown is not None
        return shown

    async def taps(self, message: Seen, kind: str, *, chat: int) -> str:
        """Tap the key of this kind and return the alert."""
        keys = [one for row in message.buttons for one in row]
        data = next(
            str(one["callback_data"])
            for one in keys
            if str(one.get("callback_data", "")).split(":")[0] == kind
        )
        query = self.world.tap(self.person, chat, message.id, data)
        return (await self.world.answered(query, within=10)).text

    async def comes_due(self, text: str) -> Seen:
        """Move the clock from event to event until a message with this text has come."""
        known = {message.id for message in self.seen(self.person)}

        def found() -> Seen | None:
            return next(
                (m for m in self.seen(self.person) if m.id not in known and text in m.text), None
            )

        for _ in range(12):
            now = self.clock()
            following = await self.database.read(reminders.next_event, now=now)
            assert following is not None
            self.clock.advance(max(following - now, timedelta()) + timedelta(seconds=1))
            try:
                shown = await self.world.until(found, within=1.5)
            except TimeoutError:
                continue
            assert shown is not None
            return shown
        raise AssertionError(f"nothing with {text!r} came")


def settle_town(session: Session, tg_chat_id: int) -> str:
    """A teacher with hours, a programme that starts on Tuesday and its card; the link code."""
    teacher_id = make.teacher(session, "林若溪")
    session.add(
        CreditEntry(
            teacher_id=teacher_id,
            earned_on=date(2026, 10, 20),
            level="county",
            category="post_skill",
            hours=Decimal("12.5"),
            title="校本研修",
            source_kind="manual",
            source_id=1,
            state=EntryState.POSTED,
            posted_at=make.NOW,
        )
    )
    batch_id = make.batch(
        session,
        TITLE,
        reg_close=make.NOW + timedelta(days=1),
        starts_at=make.NOW + timedelta(days=4),
        ends_at=make.NOW + timedelta(days=4, hours=8),
    )
    schedule.plan_deadlines(session, batch_id, now=make.NOW)
    chat = groups.bind(
        session, tg_chat_id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    groups.post_card(session, chat.id, batch_id)
    return linking.issue_code(session, teacher_id, now=make.NOW)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@asynccontextmanager
async def town(database: Database, *, by_webhook: bool) -> AsyncIterator[Town]:
    clock = Clock(make.NOW)
    world = World(clock)
    sandbox = Sandbox(world, webhook_back_off=0.05)
    await sandbox.start()
    person = world.add_person("林若溪", language_code="en")
    group = world.add_group("全体教师", members=[person.id])
    await database.write(make.office)
    code = await database.write(settle_town, group.id)
    given: dict[str, Any] = {}
    if by_webhook:
        port = free_port()
        given = {
            "webhook": f"http://127.0.0.1:{port}/hook",
            "webhook_port": port,
            "webhook_secret": SECRET,
        }
    settings = Settings(language="en", token=None, _env_file=None, **given)  # type: ignore[call-arg]
    office = Office(settings, sandbox.token, database, clock, bot_api=sandbox.bot_api)
    clock.on_moved(office.clock_moved)
    running = asyncio.get_running_loop().create_task(office.run())
    try:
        yield Town(
            database, clock, world, sandbox, person.id, group.id, code, given.get("webhook", "")
        )
        assert not running.done()
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(running, 10)
        assert not office.inbox.faulty
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sandbox.stop()


def figures(session: Session) -> tuple[int, int]:
    """How many registrations there are, and how many seats are taken."""
    registrations = session.exec(select(func.count(col(Registration.id)))).one()
    return registrations, session.exec(select(Quota.taken)).one()


@pytest.mark.parametrize("by_webhook", [False, True], ids=["polling", "webhook"])
async def test_a_teacher_links_registers_sees_hours_and_is_reminded(
    sqlite: Database, by_webhook: bool
) -> None:
    async with town(sqlite, by_webhook=by_webhook) as at:
        at.world.press_start(at.person)
        await at.sees("link code")
        at.world.say(at.person, at.person, at.code)
        await at.sees("Linked")

        at.clock.advance(timedelta(seconds=1))  # the sweeps look at once
        card = await at.sees(TITLE, chat=at.group)
        assert "You have a place" in await at.taps(card, "gr", chat=at.group)
        assert await at.database.read(figures) == (1, 1)

        at.world.say(at.person, at.person, "/hours")
        await at.sees("12.5")

        brief = await at.comes_due(TITLE)
        assert brief.buttons
        assert not any("12.5" in one.text for one in at.seen(at.group))


async def test_the_webhook_lets_in_who_knows_the_secret_and_does_each_update_once(
    sqlite: Database,
) -> None:
    async with town(sqlite, by_webhook=True) as at, aiohttp.ClientSession() as session:
        at.world.press_start(at.person)
        await at.sees("link code")
        at.world.say(at.person, at.person, at.code)
        await at.sees("Linked")
        at.clock.advance(timedelta(seconds=1))  # the sweeps look at once
        card = await at.sees(TITLE, chat=at.group)
        alert = await at.taps(card, "gr", chat=at.group)
        assert alert

        start = {
            "update_id": 900_000_001,
            "message": {
                "message_id": 900,
                "date": at.world.now(),
                "chat": {"id": at.person, "type": "private", "first_name": "林若溪"},
                "from": {"id": at.person, "is_bot": False, "first_name": "林若溪"},
                "text": "/hours",
                "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
            },
        }
        sent_before = at.sandbox.counts["sendMessage"]
        for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}):
            async with session.post(at.hook, json=start, headers=headers) as answer:
                assert answer.status == 403
        assert await at.database.read(numbered, 900_000_001) is None
        assert at.sandbox.counts["sendMessage"] == sent_before

        right = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        for _ in range(3):
            async with session.post(at.hook, json=start, headers=right) as answer:
                assert answer.status == 200
        await at.sees("12.5")
        await asyncio.sleep(0.3)
        assert await at.database.read(numbered, 900_000_001) is InboxState.DONE
        assert at.sandbox.counts["sendMessage"] == sent_before + 1

        async with session.post(at.hook, data=b"\xff{", headers=right) as answer:
            assert answer.status == 400
        async with session.post(at.hook, json=["odd"], headers=right) as answer:
            assert answer.status == 200
        async with session.get(at.hook.replace("/hook", "/health")) as answer:
            assert answer.status == 200


async def test_an_update_that_cannot_be_kept_or_read_holds_up_neither_way_in(
    sqlite: Database,
) -> None:
    async with town(sqlite, by_webhook=False) as at:
        at.world.press_start(at.person)
        await at.sees("link code")
        at.world.inject({"message": {"message_id": 1}})
        at.world.inject({"message": {"text": "\ud800", "from": {"id": at.person}}})
        at.world.say(at.person, at.person, "/privacy")
        await at.sees("What is kept about you")


def numbered(session: Session, update_id: int) -> InboxState | None:
    found = session.exec(select(InboxUpdate).where(InboxUpdate.update_id == update_id)).first()
    return None if found is None else found.state
