"""Who and what there is in the sandbox: people, chats, messages, taps on buttons."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.refusals import Json

PRESENT = frozenset({"creator", "administrator", "member", "restricted"})
LEADING = frozenset({"creator", "administrator"})


@dataclass(slots=True)
class Person:
    """An invented person. ``user`` is how the Bot API shows them."""

    id: int
    name: str
    username: str | None = None
    language_code: str = "zh-hans"
    phone: str = ""
    note: str = ""
    pinned: bool = False
    started: bool = False
    blocked: bool = False
    deactivated: bool = False
    user: Json = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.user = {"id": self.id, "is_bot": False, "first_name": self.name}
        if self.username:
            self.user["username"] = self.username
        if self.language_code:
            self.user["language_code"] = self.language_code
        # No real number begins like this, so an invented one rings nobody.
        self.phone = self.phone or f"8610{self.id % 10**9:09d}"


@dataclass(slots=True)
class Message:
    """A message; ``body`` is how the Bot API shows it.

    A body is never changed in place but replaced, so that an update which still waits for
    the bot keeps showing what was there when it happened. Messages for one member only are
    kept under ``-ephemeral_message_id``.
    """

    id: int
    chat_id: int
    sender_id: int
    order: int
    body: Json
    only_for: int | None = None
    edited: bool = False

    @property
    def topic(self) -> int:
        """The topic that it stands in; 0 is General, and every group without topics."""
        thread = self.body.get("message_thread_id")
        return int(thread) if thread and self.body.get("is_topic_message") else 0


@dataclass(slots=True)
class Topic:
    """A topic of a forum; its id is that of the message that began it."""

    id: int
    name: str
    icon_color: int
    closed: bool = False


@dataclass(slots=True)
class Poll:
    """A poll and who has voted for which of its options."""

    id: str
    chat_id: int
    message_id: int
    settings: Json
    options: list[str]
    votes: dict[int, list[int]] = field(default_factory=dict)
    closes_at: int | None = None
    is_closed: bool = False

    def as_json(self) -> Json:
        """How the Bot API shows it."""
        return {
            "id": self.id,
            **self.settings,
            "options": [
                {
                    "persistent_id": f"{self.id}_{place}",
                    "text": text,
                    "voter_count": sum(place in chosen for chosen in self.votes.values()),
                }
                for place, text in enumerate(self.options)
            ],
            "total_voter_count": len(self.votes),
            "is_closed": self.is_closed,
        }


@dataclass(slots=True)
class InlineQuery:
    """What a person typed behind the bot's name, and what the bot offered."""

    id: str
    person_id: int
    chat_id: int
    query: str
    at: datetime
    results: list[Json] | None = None
    next_offset: str = ""
    answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


@dataclass(slots=True)
class Chat:
    """A private chat with the bot (its id is the person's) or a group."""

    id: int
    type: str
    title: str = ""
    members: dict[int, str] = field(default_factory=dict)
    bot_status: str = "member"
    bot_may_write: bool = True
    bot_lacks: list[str] = field(default_factory=list)
    migrated_to: int | None = None
    messages: dict[int, Message] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    topics_read: dict[int, dict[int, int]] = field(default_factory=dict)
    keyboards: dict[int, Json] = field(default_factory=dict)
    pinned: list[int] = field(default_factory=list)
    menu_button: Json | None = None
    last_id: int = 0
    last_ephemeral_id: int = 0
    topics: dict[int, Topic] = field(default_factory=dict)
    api: Json = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.api:
            self.api = {"id": self.id, "type": self.type}
            if self.title:
                self.api["title"] = self.title

    @property
    def is_private(self) -> bool:
        return self.type == "private"

    @property
    def is_forum(self) -> bool:
        return bool(self.api.get("is_forum"))

    def set_forum(self, on: bool) -> None:
        """Whether it has topics."""
        if on:
            self.api["is_forum"] = True
        else:
            self.api.pop("is_forum", None)

    def bot_may(self, right: str) -> bool:
        """Whether the bot is an administrator here with this right, such as can_pin_messages."""
        return self.bot_status == "administrator" and right not in self.bot_lacks

    def mark(self, person_id: int, topic: int, order: int) -> None:
        """This person has read up to there: in one topic of a forum, else in the whole chat."""
        if self.is_forum:
            self.topics_read.setdefault(person_id, {})[topic] = order
        else:
            self.read[person_id] = order

    def marked(self, person_id: int, topic: int) -> int:
        """Up to where this person has read a topic; in a chat without topics all of it."""
        own = self.topics_read.get(person_id, {}).get(topic, 0) if self.is_forum else 0
        return max(self.read.get(person_id, 0), own)

    def is_led_by(self, person_id: int) -> bool:
        """Whether this person is one of its administrators."""
        return self.members.get(person_id) in LEADING

    @property
    def kind_name(self) -> str:
        """What Telegram calls it in its refusals."""
        return "supergroup" if self.type == "supergroup" else "group"


@dataclass(slots=True)
class Answer:
    """What the bot answered to a tap."""

    text: str = ""
    show_alert: bool = False
    url: str = ""


@dataclass(slots=True)
class Tap:
    """A callback query and, once there is one, its answer."""

    id: str
    person_id: int
    chat_id: int
    message_id: int
    data: str
    at: datetime
    answer: Answer | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "person": self.person_id,
            "chat": self.chat_id,
            "message": self.message_id,
            "data": self.data,
            "at": self.at.isoformat(),
            "answer": asdict(self.answer) if self.answer else None,
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as one person sees it."""

    id: int
    sender_id: int
    sender: str
    mine: bool
    at: int
    text: str
    entities: list[Json]
    buttons: list[list[Json]]
    photo: str | None
    document: Json | None
    contact: Json | None
    location: Json | None
    poll: Json | None
    topic: int | None
    service: Json | None
    reply_to: Json | None
    reaction: str | None
    edited: bool
    only_for_you: bool
    forwarded_from: str | None
    via_bot: str | None

    def button(self, label: str) -> Json:
        """The button with this label (or whose label contains it)."""
        flat = [button for row in self.buttons for button in row]
        for button in flat:
            if button["text"] == label:
                return button
        for button in flat:
            if label in button["text"]:
                return button
        raise LookupError(f"no button {label!r} among {[one['text'] for one in flat]}")

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}
