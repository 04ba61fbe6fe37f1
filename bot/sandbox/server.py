"""The sandbox as an HTTP server on loopback: the Bot API, file downloads, and the desk.

Requests whose Host is not this machine are refused, so that no web page elsewhere can talk
its way in through a name that it points at 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox import keeping, polls
from bot.sandbox.calls import Call, read_call
from bot.sandbox.desk import Desk
from bot.sandbox.faults import Fault
from bot.sandbox.methods import METHODS
from bot.sandbox.refusals import Json, Refused
from bot.sandbox.webhook import LOOPBACK, Webhook
from bot.sandbox.world import World

if TYPE_CHECKING:
    from bot.sandbox.tour import Tour

logger = logging.getLogger(__name__)

LARGEST_REQUEST = 64 * 1024 * 1024
SAVE_EVERY = 2.0
CALLS_KEPT = 2_000
SECONDS_KEPT = 3_600

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """The server around a world."""

    def __init__(
        self,
        world: World,
        *,
        token: str = "1000000001:sandbox",  # noqa: S107  nobody outside takes it
        port: int = 0,
        host: str = "127.0.0.1",
        next_event: Callable[[], Awaitable[datetime | None]] | None = None,
        state_file: Path | None = None,
        latency: float = 0.0,
        webhook_back_off: float = 1.0,
    ) -> None:
        if host not in LOOPBACK:
            raise ValueError("the sandbox listens on this machine only")
        self.world = world
        self.token = token
        self.host = host
        self.port = port
        self.next_event = next_event
        self.state_file = state_file
        self.latency = latency
        world.clock.on_moved(lambda: polls.close_due(world))
        self._moved = asyncio.Event()
        world.clock.on_moved(self._moved.set)
        self.calls: deque[Json] = deque(maxlen=CALLS_KEPT)
        self.counts: Counter[str] = Counter()
        self.sends: deque[list[int]] = deque(maxlen=SECONDS_KEPT)
        self.webhook = Webhook(world, self.run_noted, back_off=webhook_back_off)
        self.feed: Callable[[int], Awaitable[list[Json]]] | None = None
        self.tour: Tour | None = None
        self._runner: web.AppRunner | None = None
        self._saver: asyncio.Task[None] | None = None
        self._saved: tuple[int, int, int] | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def bot_api(self) -> str:
        """``base_url=f"{bot_api}/bot"`` and ``base_file_url=f"{bot_api}/file/bot"``."""
        return self.url

    async def start(self) -> None:
        """Take up the kept state and listen; a port of 0 becomes a free one."""
        if self.state_file is not None and self.state_file.exists():
            self._load(json.loads(self.state_file.read_text("utf-8")))
        app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_only_from_here])
        app.router.add_route("*", "/bot{token:[^/]+}/{method:.*}", self._api)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        desk = Desk(self)
        desk.install(app.router)
        app.on_shutdown.append(desk.close)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.webhook.start()
        if self.state_file is not None:
            self._saver = asyncio.get_running_loop().create_task(self._save_often())

    async def stop(self) -> None:
        """Stop listening and keep the state."""
        if self._saver is not None:
            self._saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saver
            self._saver = None
        await self.webhook.stop()
        self.world.updates.release()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.state_file is not None:
            self.save()

    # -- the Bot API -----------------------------------------------------------------------

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        status = 200
        fault: Fault | None = None
        call: Call | None = None
        began = time.perf_counter()
        if request.match_info["token"] != self.token:
            return _json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        try:
            call = await read_call(request, name)
            fault = self.world.faults.hit(name, call.chat_id())
            if fault is not None and fault.delay:
                await asyncio.sleep(fault.delay)
            if fault is not None and fault.drop_before:
                lost = {"description": "the connection was broken off before the call arrived"}
                self._note(name, call, lost, time.perf_counter() - began)
                return _dropped(request)
            if fault is not None and not fault.drop_after:
                raise fault.refusal()
            answer: Json = {"ok": True, "result": await self.run(call)}
        except Refused as refusal:
            answer, status = refusal.answer(), refusal.code
        except (
            *(TypeError, AttributeError, KeyError, ValueError),
            *(OverflowError, RecursionError),
        ) as error:
            # A parameter of the wrong shape; Telegram's own words differ for each.
            logger.info("%s could not be read", name, exc_info=True)
            answer = Refused(400, f"Bad Request: can't parse parameters: {error}").answer()
            status = 400
        self._note(name, call, answer, time.perf_counter() - began)
        if self.latency and name.lower() != "getupdates":
            await asyncio.sleep(self.latency)
        if fault is not None and fault.drop_after:
            return _dropped(request)
        return _json(answer, status)

    async def run(self, call: Call) -> Any:
        """Carry out one call of the bot, or raise ``Refused``."""
        name = call.method.lower()
        function = METHODS.get(name)
        if "ephemeral" in name and not self.world.ephemeral_supported:
            raise Refused(404, "Not Found")
        if function is not None:
            result = function(self.world, call)
        elif name == "getupdates":
            result = await self._get_updates(call)
        elif name == "setwebhook":
            result = await self.webhook.set(call)
        elif name == "deletewebhook":
            result = await self.webhook.delete(call)
        elif name == "getwebhookinfo":
            result = self.webhook.described()
        else:
            raise Refused(404, "Not Found")
        return result

    async def run_noted(self, call: Call) -> Any:
        """Carry out a call that came as the answer of a webhook."""
        result = await self.run(call)
        self._note(call.method, call, {"ok": True, "result": result}, 0.0)
        return result

    async def _get_updates(self, call: Call) -> list[Json]:
        if self.webhook.url:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self.world.updates.allow(call.object("allowed_updates"))
        polls.close_due(self.world)
        limit = min(max(call.number("limit", 100), 1), 100)
        return await self.world.updates.poll(
            call.number("offset"), limit, min(call.number("timeout"), 50)
        )

    def _note(self, name: str, call: Call | None, answer: Json, seconds: float) -> None:
        """Count a call, and keep it for whoever looks on."""
        refusal = None if answer.get("ok") else answer["description"]
        self.counts[name if refusal is None else f"{name}: {refusal}"] += 1
        lower = name.lower()
        if refusal is None and lower.startswith(("send", "copy", "forward")):
            second = int(time.time())
            if self.sends and self.sends[-1][0] == second:
                self.sends[-1][1] += 1
            else:
                self.sends.append([second, 1])
        if lower == "getupdates" and refusal is None:
            return  # it would be most of what there is to see
        noted = {
            "at": self.world.now(),
            "method": name,
            "values": call.values if call is not None else None,
            "answer": answer.get("result"),
            "refusal": refusal,
            "ms": round(1000 * seconds, 1),
        }
        self.calls.append(noted)
        self.world.changed("call", call=noted)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        stored = self.world.files.at(request.match_info["path"])
        if stored is None:
            return _json({"ok": False, "error_code": 404, "description": "Not Found"}, 404)
        return web.Response(body=stored.data, content_type="application/octet-stream")

    # -- keeping the state -----------------------------------------------------------------

    def _load(self, kept: Json) -> None:
        keeping.load(self.world, kept["world"])
        keeping.skip_ahead(self.world)
        self.webhook.url, self.webhook.secret = kept["webhook"]
        if self.tour is not None and kept.get("tour"):
            self.tour.load(kept["tour"])

    def save(self) -> None:
        """Write the state beside the file and then put it in its place, whole or not at all."""
        if self.state_file is None:
            return
        self._write(self._dumped())

    def _dumped(self) -> str:
        self._saved = self._mark()
        kept = {
            "world": keeping.dump(self.world),
            "tour": self.tour.dump() if self.tour is not None else None,
            "webhook": [self.webhook.url, self.webhook.secret],
        }
        return json.dumps(kept, ensure_ascii=False)

    def _write(self, text: str) -> None:
        if self.state_file is None:
            return
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.state_file.with_name(self.state_file.name + ".new")
        beside.write_text(text, "utf-8")
        os.replace(beside, self.state_file)

    def _mark(self) -> tuple[int, int, int]:
        updates = self.world.updates
        return self.world.revision, updates.next_id, len(updates)

    async def _save_often(self) -> None:
        pause = SAVE_EVERY
        while True:
            with contextlib.suppress(TimeoutError):  # moved time is written down at once
                async with asyncio.timeout(pause):
                    await self._moved.wait()
            self._moved.clear()
            if self._mark() != self._saved:
                began = time.perf_counter()
                text = self._dumped()
                # A large world takes long to write down, and is written down less often.
                pause = max(SAVE_EVERY, 30 * (time.perf_counter() - began))
                await asyncio.to_thread(self._write, text)


def _json(answer: Json, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        status=status,
        headers={"Content-Type": "application/json"},
    )


def _dropped(request: web.Request) -> web.Response:
    """Break the connection off; what is returned here never arrives."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@web.middleware
async def _only_from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    if _host_name(request.headers.get("Host", "")) not in LOOPBACK:
        return _json({"ok": False, "error_code": 403, "description": "Forbidden: host"}, 403)
    origin = request.headers.get("Origin")
    if origin and _host_name(origin.partition("://")[2]) not in LOOPBACK:
        return _json({"ok": False, "error_code": 403, "description": "Forbidden: origin"}, 403)
    return await handler(request)


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
