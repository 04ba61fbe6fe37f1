"""Delivery of updates to the bot's webhook: in order within a chat, again until it says 2xx."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.sandbox.calls import Call
from bot.sandbox.refusals import Json, bad
from bot.sandbox.updates import Waiting
from bot.sandbox.world import World

logger = logging.getLogger(__name__)

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SECRET_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
LONGEST_BACK_OFF = 60.0


class Webhook:
    """The webhook and the task that feeds it. Only addresses on this machine are called."""

    def __init__(
        self, world: World, run: Callable[[Call], Awaitable[Any]], *, back_off: float = 1.0
    ) -> None:
        self._world = world
        self._run = run
        self._back_off = back_off
        self._arrived = asyncio.Event()
        self._feeder: asyncio.Task[None] | None = None
        self.url = ""
        self.secret = ""
        self.max_connections = 40
        self.last_error: Json = {}
        world.updates.on_arrival(self._arrived.set)

    async def set(self, call: Call) -> bool:
        """setWebhook; an empty address takes the webhook away."""
        url = call.text("url")
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or parts.hostname not in LOOPBACK):
            raise bad("bad webhook: the sandbox calls addresses on this machine only")
        secret = call.text("secret_token")
        if len(secret) > 256 or not SECRET_CHARACTERS.issuperset(secret):
            raise bad("secret token contains unallowed characters")
        self._world.updates.allow(call.object("allowed_updates"))
        await self.stop()
        if call.flag("drop_pending_updates"):
            self._world.updates.clear()
        self.url, self.secret, self.last_error = url, secret, {}
        self.max_connections = min(max(call.number("max_connections", 40), 1), 100)
        if url:
            self.start()
        return True

    async def delete(self, call: Call) -> bool:
        """deleteWebhook."""
        await self.stop()
        self.url = ""
        if call.flag("drop_pending_updates"):
            self._world.updates.clear()
        return True

    def described(self) -> Json:
        """getWebhookInfo."""
        described: Json = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._world.updates),
            **self.last_error,
        }
        if self.url:
            described["max_connections"] = self.max_connections
        if self._world.updates.allowed is not None:
            described["allowed_updates"] = sorted(self._world.updates.allowed)
        return described

    def start(self) -> None:
        if self.url and self._feeder is None:
            self._feeder = asyncio.get_running_loop().create_task(self._feed())

    async def stop(self) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._feeder
            self._feeder = None

    async def _feed(self) -> None:
        busy: set[int] = set()
        in_hand: set[int] = set()
        freed = asyncio.Semaphore(self.max_connections)
        connector = aiohttp.TCPConnector(limit=self.max_connections)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            asyncio.TaskGroup() as all_,
        ):

            async def deliver(waiting: Waiting, key: int) -> None:
                try:
                    await self._deliver(session, waiting)
                finally:
                    busy.discard(key)
                    in_hand.discard(id(waiting))
                    freed.release()
                    self._arrived.set()

            while True:
                self._arrived.clear()
                passed: set[int] = set()
                for waiting in self._world.updates.waiting():
                    key = _queue_of(waiting.body)
                    # Once one update of a chat is passed over, later ones must not overtake it.
                    if key in busy or key in passed or id(waiting) in in_hand:
                        passed.add(key)
                        continue
                    await freed.acquire()
                    busy.add(key)
                    in_hand.add(id(waiting))
                    all_.create_task(deliver(waiting, key))
                await self._arrived.wait()

    async def _deliver(self, session: aiohttp.ClientSession, waiting: Waiting) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        pause = self._back_off
        while True:
            try:
                async with session.post(self.url, json=waiting.body, headers=headers) as answer:
                    body = await answer.read()
                    if 200 <= answer.status < 300:
                        self._world.updates.done(waiting)
                        await self._run_reply(body, answer.content_type)
                        return
                    problem = f"Wrong response from the webhook: {answer.status} {answer.reason}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = str(error) or type(error).__name__
            self.last_error = {
                "last_error_date": self._world.now(),
                "last_error_message": problem,
            }
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_BACK_OFF)

    async def _run_reply(self, body: bytes, content_type: str) -> None:
        """A webhook may answer with a method to call; nobody learns how it went."""
        if content_type != "application/json" or not body:
            return
        try:
            values = json.loads(body)
        except ValueError:
            return
        if isinstance(values, dict) and isinstance(values.get("method"), str):
            try:
                await self._run(Call(values.pop("method"), values))
            except Exception as error:  # as on Telegram, the bot never hears of it
                logger.info("The call in a webhook's answer was refused: %s", error)


def _queue_of(update: Json) -> int:
    """Updates of one chat, or of one person where there is no chat, go one after another."""
    for content in update.values():
        if isinstance(content, dict):
            for place in (content, content.get("message")):
                if isinstance(place, dict) and isinstance(place.get("chat"), dict):
                    return int(place["chat"].get("id", 0))
            if isinstance(content.get("from"), dict):
                return int(content["from"].get("id", 0))
    return 0
