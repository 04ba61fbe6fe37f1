"""Inline mode: ``@bot query`` typed in any chat, what the bot offers, and what is chosen."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.sandbox.calls import Call
from bot.sandbox.chats import InlineQuery, Message
from bot.sandbox.entities import found_in, parse_html, trimmed
from bot.sandbox.keyboards import checked
from bot.sandbox.methods import method
from bot.sandbox.refusals import ImpossibleAct, Json, bad
from bot.sandbox.world import World

MOST_RESULTS = 50
MOST_KEPT = 1_000
LIFETIME = timedelta(minutes=1)
LONGEST_QUERY = 256


def ask(world: World, person_id: int, chat_id: int, text: str, offset: str = "") -> InlineQuery:
    """Type the bot's name and something behind it; the bot is asked what it offers."""
    if not world.inline:
        raise ImpossibleAct("this bot takes no inline queries")
    person, chat = world.writable(person_id, chat_id)
    made = InlineQuery(
        str(7_100_000_000_000_000_001 + world.order + len(world.inline_queries)),
        person_id,
        chat_id,
        text[:LONGEST_QUERY],
        world.clock(),
    )
    world.order += 1
    world.inline_queries[made.id] = made
    if len(world.inline_queries) > MOST_KEPT:
        del world.inline_queries[next(iter(world.inline_queries))]
    world.updates.add(
        "inline_query",
        {
            "id": made.id,
            "from": person.user,
            "chat_type": "sender" if chat.is_private else chat.type,
            "query": made.query,
            "offset": offset,
        },
    )
    return made


async def offered(world: World, query_id: str, *, within: float) -> list[Json]:
    """What the bot offers, waited for; empty when it has not answered in time."""
    made = world.inline_queries.get(query_id)
    if made is None:
        raise ImpossibleAct("there is no such query")
    if within > 0 and made.results is None:
        try:
            async with asyncio.timeout(within):
                await made.answered.wait()
        except TimeoutError:
            return []
    return made.results or []


def choose(world: World, person_id: int, chat_id: int, query_id: str, result_id: str) -> Message:
    """Send one of the results into the chat, in one's own name by way of the bot."""
    made = world.inline_queries.get(query_id)
    if made is None or made.person_id != person_id:
        raise ImpossibleAct("there is no such query")
    result = next((one for one in made.results or () if one["id"] == result_id), None)
    if result is None:
        raise ImpossibleAct("the bot has not offered this")
    content = _content(world, result)
    if markup := result.get("reply_markup"):
        content["reply_markup"] = markup
    message = world.said(person_id, chat_id, {**content, "via_bot": world.bot})
    if world.inline_feedback:
        chosen = {"result_id": result_id, "from": world.people[person_id].user}
        if "reply_markup" in content:
            chosen["inline_message_id"] = world.inline_id(message)
        world.updates.add("chosen_inline_result", {**chosen, "query": made.query})
    return message


@method("answerInlineQuery")
def answer_inline_query(world: World, call: Call) -> bool:
    made = world.inline_queries.get(call.text("inline_query_id"))
    if made is None or made.results is not None or world.clock() - made.at > LIFETIME:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    results = call.object("results")
    if not isinstance(results, list):
        raise bad("can't parse inline query results JSON object")
    if len(results) > MOST_RESULTS:
        raise bad("too many inline query results")
    seen: set[str] = set()
    for result in results:
        name = str(result.get("id", "")) if isinstance(result, dict) else ""
        if not 1 <= len(name.encode()) <= 64:
            raise bad("RESULT_ID_INVALID")
        if name in seen:
            raise bad("RESULT_ID_DUPLICATE")
        seen.add(name)
        if result.get("type") == "article" and not result.get("title"):
            raise bad("can't parse inline query result: Title must be non-empty")
        _content(world, result)
        if result.get("reply_markup"):
            result["reply_markup"] = checked(result["reply_markup"], private=False)
    made.results, made.next_offset = results, call.text("next_offset")
    made.answered.set()
    world.changed("inline", query=made.id, person=made.person_id)
    return True


def _content(world: World, result: Json) -> Json:
    """The message that a result becomes: a text, a place, or a file that was sent before."""
    given = result.get("input_message_content")
    if given is None:
        for kind in ("photo", "document"):
            if file_id := result.get(f"{kind}_file_id"):
                stored = world.files.reused(kind, str(file_id))
                content = stored.as_photo() if kind == "photo" else stored.as_document()
                caption = str(result.get("caption", ""))
                return {kind: content} | ({"caption": caption} if caption else {})
    if not isinstance(given, dict):
        raise bad("can't parse inline query result: message content is not specified")
    if "latitude" in given:
        return {"location": {name: given[name] for name in ("latitude", "longitude")}}
    text, entities = str(given.get("message_text", "")), given.get("entities") or []
    if str(given.get("parse_mode", "")).lower() == "html":
        text, entities = parse_html(text)
    text, entities = trimmed(text, entities)
    if not text:
        raise bad("message text is empty")
    entities = found_in(text, entities)
    return {"text": text, "entities": entities} if entities else {"text": text}
