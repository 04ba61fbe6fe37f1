"""The world's state as JSON, kept between two runs: who, what was said, what waits for the bot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.sandbox.chats import PRESENT, Answer, Chat, Message, Person, Poll, Tap, Topic
from bot.sandbox.refusals import Json
from bot.sandbox.world import World

ROOM = 100_000
"""More than is said between two times of writing the state down."""


def dump(world: World) -> Json:
    """All state as JSON: who, what was said, what waits for the bot."""
    return {
        "version": 1,
        "now": world.clock().isoformat(),
        "bot": world.bot,
        "order": world.order,
        "last_private_id": world.last_private_id,
        "next_tap": world.next_tap,
        "people": [_person_dumped(person) for person in world.people.values()],
        "chats": [_chat_dumped(chat) for chat in world.chats.values()],
        "taps": [tap.as_json() for tap in list(world.taps.values())[-1000:]],
        "polls": [_plain(poll) for poll in world.polls.values()],
        "files": world.files.dump(),
        "updates": world.updates.dump(),
        "commands": world.commands.dump(),
        "texts": world.texts,
        "menu_button": world.menu_button,
    }


def load(world: World, dumped: Json) -> None:
    """Take up a dumped state; people and groups that it does not know stay as they are."""
    behind = datetime.fromisoformat(dumped["now"]) - world.clock()
    if behind > timedelta():
        world.clock.advance(behind)
    world.bot.update(dumped["bot"])
    world.order = dumped["order"]
    world.last_private_id = dumped["last_private_id"]
    world.next_tap = dumped["next_tap"]
    for person in dumped["people"]:
        world.people[person["id"]] = Person(**person)
    for chat in dumped["chats"]:
        _load_chat(world, chat)
    for one in dumped["taps"]:
        tap = Tap(
            one["id"],
            one["person"],
            one["chat"],
            one["message"],
            one["data"],
            datetime.fromisoformat(one["at"]).astimezone(UTC),
        )
        if one["answer"] is not None:
            tap.answer = Answer(**one["answer"])
            tap.answered.set()
        world.taps[tap.id] = tap
    for one in dumped.get("polls", ()):
        votes = {int(person): chosen for person, chosen in one["votes"].items()}
        world.polls[one["id"]] = Poll(**{**one, "votes": votes})
    world.files.load(dumped["files"])
    world.updates.load(dumped["updates"])
    world.commands.load(dumped["commands"])
    world.texts.update(dumped["texts"])
    world.menu_button = dumped["menu_button"]
    world.changed("people")


def skip_ahead(world: World) -> None:
    """Give no number twice that was given after the state was kept.

    A run that was killed has told the bot of more than is written down. The bot would take a
    new update under an old number for one that it has handled already, and say nothing.
    """
    world.updates.next_id += ROOM
    world.next_tap += ROOM
    world.last_private_id += ROOM
    for chat in world.chats.values():
        chat.last_id += ROOM


def _load_chat(world: World, dumped: Json) -> None:
    plain = {name: value for name, value in dumped.items() if name != "messages"}
    plain["topics_read"] = {
        int(person): {int(topic): order for topic, order in marks.items()}
        for person, marks in plain.get("topics_read", {}).items()
    }
    plain["topics"] = {one["id"]: Topic(**one) for one in plain.get("topics", ())}
    for name in ("members", "read", "keyboards"):
        plain[name] = {int(key): value for key, value in plain[name].items()}
    chat = Chat(**plain)
    world.chats[chat.id] = chat
    for one in dumped["messages"]:
        sender_id = one["sender_id"]
        sender = world.bot if sender_id == world.bot_id else world.people[sender_id].user
        body = {**one["body"], "from": sender, "chat": chat.api}
        chat.messages[one["id"]] = Message(**{**one, "chat_id": chat.id, "body": body})
    if not chat.is_private and chat.migrated_to is None:
        for person_id, status in chat.members.items():
            if status in PRESENT:
                world.groups_of.setdefault(person_id, set()).add(chat.id)


def _person_dumped(person: Person) -> Json:
    return {name: getattr(person, name) for name in person.__slots__ if name != "user"}


def _chat_dumped(chat: Chat) -> Json:
    dumped = {name: getattr(chat, name) for name in chat.__slots__}
    dumped["topics"] = [_plain(topic) for topic in chat.topics.values()]
    dumped["messages"] = [
        {
            "id": one.id,
            "sender_id": one.sender_id,
            "order": one.order,
            # Who and where is known from the rest of the file.
            "body": {k: v for k, v in one.body.items() if k not in {"from", "chat"}},
            "only_for": one.only_for,
            "edited": one.edited,
        }
        for one in chat.messages.values()
    ]
    return dumped


def _plain(thing: Poll | Topic) -> Json:
    return {name: getattr(thing, name) for name in thing.__slots__}
