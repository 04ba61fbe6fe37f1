"""The desk: what the chat page, tests and authors of other bots use to act as people.

Everything under ``/sandbox/`` speaks JSON. An act's body may also be a list of bodies; then
the answer is a list. The page hears of changes by one stream of server-sent events.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.sandbox import forum, guide, inline, polls
from bot.sandbox.chats import PRESENT, Chat, Person
from bot.sandbox.refusals import ImpossibleAct, Json, Refused
from bot.sandbox.world import World

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

PAGE = Path(__file__).with_name("page")
PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/page/style.css": ("style.css", "text/css"),
    "/page/guide.css": ("guide.css", "text/css"),
} | {
    f"/page/{name}.js": (f"{name}.js", "text/javascript")
    for name in (
        "chat",
        "chats",
        "clock",
        "links",
        "messages",
        "panel",
        "people",
        "polls",
        "refresh",
        "server",
        "state",
        "telling",
        "text",
        "topics",
        "tour",
        "words",
        "writing",
    )
}
# The page loads nothing from elsewhere and nothing may frame it.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
ZONE = ZoneInfo("Asia/Shanghai")
PEOPLE_SHOWN = 200
MESSAGES_SHOWN = 300
MOST_CALLS_TOLD = 200  # in one breath; who wants more looks at the log
INLINE_IMAGES = {"image/png", "image/jpeg", "image/gif"}

WRONG_INPUT = (KeyError, TypeError, ValueError, OverflowError, AttributeError)

Act = Callable[[Json], Any]


class Desk:
    """The routes beside the Bot API."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._streams: set[Stream] = set()

    @property
    def _world(self) -> World:
        return self._sandbox.world

    def install(self, router: web.UrlDispatcher) -> None:
        for path in PAGE_FILES:
            router.add_get(path, self._page)
        looks: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
            "people": self._people,
            "chats": self._chats,
            "seen": self._seen,
            "answers": self._answers,
            "log": self._log,
            "stats": self._stats,
            "clock": self._clock,
            "faults": self._faults,
            "settings": self._settings_now,
            "inline": self._inline,
            "feed": self._feed,
            "tour": self._tour,
            "": self._described,
            "events": self._events,
            "file/{id}": self._file,
        }
        for name, look in looks.items():
            router.add_get(f"/sandbox/{name}", _looked(look))
        acts: dict[str, Act] = {
            "people": self._add_person,
            "groups": self._add_group,
            "say": self._say,
            "edit": self._edit,
            "tap": self._tap,
            "contact": self._contact,
            "location": self._location,
            "vote": self._vote,
            "topic": self._topic,
            "inline": self._ask_inline,
            "choose": self._choose,
            "document": self._document,
            "start": self._start,
            "block": self._block,
            "member": self._member,
            "read": self._read,
            "inject": self._inject,
            "updates": self._updates,
            "faults": self._add_fault,
            "settings": self._settings,
        }
        for name, act in acts.items():
            router.add_post(f"/sandbox/{name}", self._acted(act))
        router.add_post("/sandbox/clock", self._move_clock)

    async def close(self, _: web.Application) -> None:
        """End the streams, so that the server can stop."""
        for stream in self._streams:
            stream.end()

    def _acted(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await _body(request)
            try:
                if isinstance(body, list):
                    return web.json_response([act(one) for one in body])
                return web.json_response(act(body))
            except (ImpossibleAct, Refused) as refusal:
                return web.json_response({"error": str(refusal)}, status=409)
            except WRONG_INPUT as error:
                return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

        return handle

    # -- looking ---------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        name, kind = PAGE_FILES[request.path]
        text = await asyncio.to_thread((PAGE / name).read_text, "utf-8")
        return web.Response(text=text, content_type=kind, headers=PAGE_HEADERS)

    async def _people(self, request: web.Request) -> web.StreamResponse:
        """People whose name, note or id holds ``q``; the pinned ones first."""
        wanted = request.query.get("q", "").strip().lower()
        limit = int(request.query.get("limit", PEOPLE_SHOWN))
        found = [
            person
            for person in self._world.people.values()
            if wanted in f"{person.name} {person.note} {person.id}".lower()
        ]
        found.sort(key=lambda person: not person.pinned)
        return web.json_response(
            {"total": len(found), "people": [self._person(one) for one in found[:limit]]}
        )

    def _person(self, person: Person) -> Json:
        return {
            "id": person.id,
            "name": person.name,
            "note": person.note,
            "language": person.language_code,
            "pinned": person.pinned,
            "started": person.started,
            "blocked": person.blocked,
            "deactivated": person.deactivated,
            "unread": self._world.unread(person.id, person.id),
        }

    async def _chats(self, request: web.Request) -> web.StreamResponse:
        """Everything the page shows around the messages, for one person."""
        person = self._world.people.get(int(request.query["person"]))
        if person is None:
            return web.json_response({"error": "no such person"}, status=404)
        return web.json_response(
            {
                "person": self._person(person),
                "bot": {
                    **self._world.bot,
                    "first_name": self._world.text_for("name", person.language_code)
                    or self._world.bot["first_name"],
                    "description": self._world.text_for("description", person.language_code),
                },
                "chats": [self._chat(person, chat) for chat in self._world.chats_of(person.id)],
            }
        )

    def _chat(self, person: Person, chat: Chat) -> Json:
        shown: Json = {
            "id": chat.id,
            "private": chat.is_private,
            "title": chat.title,
            "members": sum(status in PRESENT for status in chat.members.values()) + 1,
            "bot": chat.bot_status,
            "admin": not chat.is_private and chat.is_led_by(person.id),
            "supergroup": chat.type == "supergroup",
            "forum": chat.is_forum,
            **self._newest(person, chat),
        }
        if chat.is_forum:
            general = (0, "", False)
            topics = [(topic.id, topic.name, topic.closed) for topic in chat.topics.values()]
            shown["topics"] = [
                {"id": id_, "name": name, "closed": closed} | self._newest(person, chat, id_)
                for id_, name, closed in (general, *topics)
            ]
        return shown

    def _newest(self, person: Person, chat: Chat, topic: int | None = None) -> Json:
        last = self._world.seen_by(person.id, chat.id, last=1, topic=topic)
        return {
            "unread": self._world.unread(person.id, chat.id, topic=topic),
            "last": last[0].as_json() if last else None,
        }

    async def _seen(self, request: web.Request) -> web.StreamResponse:
        person_id, chat_id = int(request.query["person"]), int(request.query["chat"])
        last = int(request.query.get("last", MESSAGES_SHOWN))
        topic = int(request.query["topic"]) if request.query.get("topic") else None
        polls.close_due(self._world)
        try:
            chat = self._world.chat(chat_id)
            messages = self._world.seen_by(person_id, chat_id, last=last, topic=topic)
            commands = self._world.commands_for(person_id, chat_id)
        except ImpossibleAct as impossible:
            return web.json_response({"error": str(impossible)}, status=404)
        pinned = [one for one in messages if one.id in chat.pinned]
        return web.json_response(
            {
                "messages": [one.as_json() for one in messages],
                "keyboard": chat.keyboards.get(person_id),
                "commands": commands,
                "pinned": pinned[-1].as_json() if pinned else None,
            }
        )

    async def _answers(self, request: web.Request) -> web.StreamResponse:
        """All taps and their answers, or one tap, waiting up to ``wait`` seconds for it."""
        query_id = request.query.get("query")
        if query_id is None:
            return web.json_response([tap.as_json() for tap in self._world.taps.values()])
        tap = self._world.taps.get(query_id)
        if tap is None:
            return web.json_response({"error": "no such tap"}, status=404)
        wait = float(request.query.get("wait", 0))
        if wait > 0 and tap.answer is None:
            with contextlib.suppress(TimeoutError):
                await self._world.answered(query_id, within=wait)
        return web.json_response(tap.as_json())

    async def _log(self, request: web.Request) -> web.StreamResponse:
        last = int(request.query.get("last", 200))
        return web.json_response(list(self._sandbox.calls)[-last:])

    async def _stats(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "calls": dict(self._sandbox.counts),
                "sends_per_second": list(self._sandbox.sends),
                "people": len(self._world.people),
                "updates_waiting": len(self._world.updates),
            }
        )

    async def _inline(self, request: web.Request) -> web.StreamResponse:
        try:
            results = await inline.offered(
                self._world, request.query["query"], within=float(request.query.get("wait", 0))
            )
        except ImpossibleAct as impossible:
            return web.json_response({"error": str(impossible)}, status=404)
        return web.json_response({"results": results})

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        """What the scheduler has done, newest last; empty where no office is at work."""
        feed = self._sandbox.feed
        last = int(request.query.get("last", 50))
        return web.json_response(await feed(last) if feed is not None else [])

    async def _tour(self, request: web.Request) -> web.StreamResponse:
        tour = self._sandbox.tour
        language = request.query.get("language", "zh_Hans")
        return web.json_response({"steps": tour.steps(language) if tour is not None else []})

    async def _described(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=guide.page(), content_type="text/html", headers=PAGE_HEADERS)

    async def _settings_now(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._settings({}))

    async def _faults(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._world.faults.listed())

    async def _file(self, request: web.Request) -> web.StreamResponse:
        stored = self._world.files.get(request.match_info["id"])
        if stored is None:
            raise web.HTTPNotFound
        headers = {"X-Content-Type-Options": "nosniff"}
        if stored.mime not in INLINE_IMAGES or stored.kind != "photo":
            # A document is never shown as a page of this origin, whatever it says it is.
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(stored.name)}"
            return web.Response(
                body=stored.data, content_type="application/octet-stream", headers=headers
            )
        return web.Response(body=stored.data, content_type=stored.mime, headers=headers)

    # -- the clock -------------------------------------------------------------------------

    async def _clock(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(self._time())

    def _time(self) -> Json:
        now = self._world.clock()
        # The page ticks on by itself between two looks, so it wants milliseconds.
        return {"now": now.isoformat(), "ms": int(now.timestamp() * 1000)}

    async def _move_clock(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        clock = self._world.clock
        if "advance_seconds" in body:
            seconds = float(body["advance_seconds"])
            if seconds < 0:
                return web.json_response({"error": "time does not run backwards"}, status=400)
            clock.advance(timedelta(seconds=seconds))
            return web.json_response({**self._time(), "moved": True})
        if not body.get("next_event"):
            return web.json_response({"error": "advance_seconds or next_event"}, status=400)
        event: datetime | None = None
        if self._sandbox.next_event is not None:
            event = await self._sandbox.next_event()
        if event is None:
            return web.json_response({**self._time(), "moved": False, "event": None})
        clock.advance(max(event - clock(), timedelta()))
        return web.json_response({**self._time(), "moved": True, "event": event.isoformat()})

    # -- acting ----------------------------------------------------------------------------

    def _add_person(self, body: Json) -> Json:
        return self._person(self._world.add_person(body.pop("name"), **body))

    def _add_group(self, body: Json) -> Json:
        return {"id": self._world.add_group(body.pop("title"), **body).id}

    def _say(self, body: Json) -> Json:
        message = self._world.say(
            int(body["person"]),
            int(body.get("chat") or body["person"]),
            body["text"],
            body.get("reply_to"),
            body.get("topic"),
        )
        return {"message_id": message.id}

    def _edit(self, body: Json) -> Json:
        self._world.edit(int(body["person"]), int(body["chat"]), body["message"], body["text"])
        return {}

    def _tap(self, body: Json) -> Json:
        query_id = self._world.tap(
            int(body["person"]),
            int(body.get("chat") or body["person"]),
            int(body["message"]),
            body["data"],
            forged=bool(body.get("forged")),
        )
        return {"query": query_id}

    def _contact(self, body: Json) -> Json:
        person_id = int(body["person"])
        message = self._world.share_contact(
            person_id,
            int(body.get("chat") or person_id),
            body.get("contact_of"),
            body.get("topic"),
        )
        return {"message_id": message.id}

    def _location(self, body: Json) -> Json:
        person_id = int(body["person"])
        message = self._world.share_location(
            person_id,
            int(body.get("chat") or person_id),
            float(body["latitude"]),
            float(body["longitude"]),
            body.get("topic"),
        )
        return {"message_id": message.id}

    def _vote(self, body: Json) -> Json:
        polls.vote(
            self._world,
            int(body["person"]),
            int(body.get("chat") or body["person"]),
            int(body["message"]),
            [int(one) for one in body["options"]],
        )
        return {}

    def _topic(self, body: Json) -> Json:
        topic = forum.act(self._world, int(body["person"]), int(body["chat"]), body["act"], body)
        return {"topic": topic.id}

    def _ask_inline(self, body: Json) -> Json:
        person_id, chat_id = int(body["person"]), int(body.get("chat") or body["person"])
        asked = inline.ask(
            self._world, person_id, chat_id, body.get("query", ""), body.get("offset", "")
        )
        return {"query": asked.id}

    def _choose(self, body: Json) -> Json:
        person_id = int(body["person"])
        message = inline.choose(
            self._world,
            person_id,
            int(body.get("chat") or person_id),
            str(body["query"]),
            str(body["result"]),
        )
        return {"message_id": message.id}

    def _document(self, body: Json) -> Json:
        """``data`` is base64; ``photo`` true sends it as a picture."""
        person_id = int(body["person"])
        chat_id = int(body.get("chat") or person_id)
        data = base64.b64decode(body["data"])
        said = {"caption": body.get("caption", ""), "topic": body.get("topic")}
        if body.get("photo"):
            message = self._world.send_photo(person_id, chat_id, data, **said)
        else:
            message = self._world.send_document(person_id, chat_id, data, body["name"], **said)
        return {"message_id": message.id}

    def _start(self, body: Json) -> Json:
        person_id, payload = int(body["person"]), body.get("payload", "")
        if "group" in body:
            self._world.open_group_link(person_id, int(body["group"]), payload)
            return {}
        if payload:
            return {"message_id": self._world.open_link(person_id, payload).id}
        return {"message_id": self._world.press_start(person_id).id}

    def _block(self, body: Json) -> Json:
        if body.get("blocked", True):
            self._world.block(int(body["person"]))
        else:
            self._world.unblock(int(body["person"]))
        return {}

    def _member(self, body: Json) -> Json:
        """``act``: what a person does to a group, or to whom is in it."""
        world, person_id, chat_id = self._world, int(body["person"]), int(body.get("chat") or 0)
        match body["act"]:
            case "join":
                world.join(person_id, chat_id)
            case "leave":
                world.leave(person_id, chat_id)
            case "add_bot":
                world.add_bot(person_id, chat_id)
            case "promote_bot":
                world.add_bot(person_id, chat_id, as_admin=True)
            case "silence_bot":
                world.restrict_bot(person_id, chat_id, may_write=False)
            case "kick_bot":
                world.kick_bot(person_id, chat_id)
            case "migrate":
                return {"id": world.migrate(chat_id).id}
            case "deactivate":
                world.deactivate(person_id)
            case "promote":
                world.set_status(person_id, chat_id, "administrator")
            case "demote":
                world.set_status(person_id, chat_id, "member")
            case "forum":
                world.set_forum(chat_id, bool(body.get("on", True)))
            case other:
                raise ValueError(other)
        return {}

    def _read(self, body: Json) -> Json:
        self._world.mark_read(int(body["person"]), int(body["chat"]), int(body.get("topic") or 0))
        return {}

    def _inject(self, body: Json) -> Json:
        return {"update_id": self._world.inject(body)}

    def _add_fault(self, body: Json) -> Json:
        if body.pop("clear", False):
            self._world.faults.clear()
        elif "fault" in body:
            self._world.faults.add_named(body.pop("fault"), **body)
        else:
            self._world.faults.add(**body)
        return {}

    def _updates(self, body: Json) -> Json:
        """Hold updates back, let them go, or hand the newest over once more."""
        updates = self._world.updates
        if "hold" in body:
            updates.hold(bool(body["hold"]))
        if body.get("repeat"):
            updates.repeat()
        return {"waiting": len(updates)}

    def _settings(self, body: Json) -> Json:
        """Set what is given of flood limits, privacy mode, ephemeral messages and latency."""
        world = self._world
        if "flood" in body:
            world.flood.on = bool(body["flood"])
        if "paid" in body:
            world.flood.all_paid = bool(body["paid"])
        if "inline" in body:
            world.inline = bool(body["inline"])
        if "inline_feedback" in body:
            world.inline_feedback = bool(body["inline_feedback"])
        for name in ("whole_per_second", "private_per_second", "private_burst", "group_per_minute"):
            if name in body:
                setattr(world.flood, name, int(body[name]))
        if "privacy_mode" in body:
            world.privacy_mode = bool(body["privacy_mode"])
        if "ephemeral_supported" in body:
            world.ephemeral_supported = bool(body["ephemeral_supported"])
        if "latency_ms" in body:
            self._sandbox.latency = float(body["latency_ms"]) / 1000
        return {
            "flood": world.flood.on,
            "paid": world.flood.all_paid,
            "inline": world.inline,
            "inline_feedback": world.inline_feedback,
            "privacy_mode": world.privacy_mode,
            "ephemeral_supported": world.ephemeral_supported,
            "latency_ms": self._sandbox.latency * 1000,
        }

    # -- the stream of changes -------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        stream = Stream(
            self._world, int(request.query["person"]), calls=request.query.get("calls") == "1"
        )
        self._streams.add(stream)
        stop = self._world.listen(stream.take)
        try:
            await response.write(b"retry: 1000\n\n")
            while not stream.ended:
                for change in await stream.changes():
                    text = json.dumps(change, ensure_ascii=False)
                    await response.write(f"data: {text}\n\n".encode())
        except ConnectionError:
            pass
        finally:
            stop()
            self._streams.discard(stream)
        return response


class Stream:
    """The changes that one page has not yet heard of, each chat named once."""

    # A broadcast to thousands would otherwise redraw the list of people for each of them.
    PEOPLE_EVERY = 1.0

    def __init__(self, world: World, person_id: int, *, calls: bool = False) -> None:
        self._world = world
        self._person_id = person_id
        self._with_calls = calls
        self._calls = 0
        self._pending: dict[str, Json] = {}
        self._wake = asyncio.Event()
        self._people_at = 0.0
        self.ended = False

    def take(self, change: Json) -> None:
        """Keep a change when it concerns this person."""
        kind = change["kind"]
        match kind:
            case "chat" | "action" if not self._world.is_in(self._person_id, change["chat"]):
                # Only the unread mark in the list of people may have changed.
                if change["chat"] <= 0 or kind == "action":
                    return
                kind, change = "people", {"kind": "people"}
            case "answer" | "read" | "inline" if change["person"] != self._person_id:
                return
            case "call":
                if not self._with_calls:
                    return
                self._calls += 1
                kind = f"call {self._calls % MOST_CALLS_TOLD}"
        key = f"{kind} {change.get('chat', '')} {change.get('tap', {}).get('id', '')}"
        self._pending[key] = change
        self._wake.set()

    async def changes(self) -> list[Json]:
        """Wait for something to tell; an empty list now and then keeps the connection alive."""
        try:
            async with asyncio.timeout(15):
                await self._wake.wait()
        except TimeoutError:
            return [{"kind": "alive"}]
        # What happens in one breath is told in one breath.
        await asyncio.sleep(0.02)
        self._wake.clear()
        told = list(self._pending.values())
        self._pending.clear()
        now = time.monotonic()
        if any(one["kind"] == "people" for one in told):
            if now - self._people_at < self.PEOPLE_EVERY:
                told = [one for one in told if one["kind"] != "people"]
                asyncio.get_running_loop().call_later(
                    self.PEOPLE_EVERY, self.take, {"kind": "people"}
                )
            else:
                self._people_at = now
        return told

    def end(self) -> None:
        self.ended = True
        self._wake.set()


def _looked(
    look: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await look(request)
        except WRONG_INPUT as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return handle


async def _body(request: web.Request) -> Any:
    # A form of another web page cannot send this type without asking first.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="application/json expected")
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="not JSON") from None
