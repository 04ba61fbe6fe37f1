"""The sandbox's world: people, chats, what they do, and what the bot is told of it.

Nothing here knows of HTTP. A person's act changes the world and queues the update that
Telegram would send to the bot, or none where Telegram would send none.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from bot.clock import Clock
from bot.sandbox.chats import (
    PRESENT,
    Answer,
    Chat,
    InlineQuery,
    Message,
    Person,
    Poll,
    Seen,
    Tap,
)
from bot.sandbox.commands import CommandLists
from bot.sandbox.entities import found_in, trimmed, units
from bot.sandbox.faults import Faults
from bot.sandbox.files import Files
from bot.sandbox.flood import Flood
from bot.sandbox.refusals import ImpossibleAct, Json, bad
from bot.sandbox.seeing import as_seen
from bot.sandbox.updates import Updates

T = TypeVar("T")

BOT_ID = 1_000_000_001
# Above 32 bits, as on Telegram: whoever keeps ids in small integers learns it here.
FIRST_PERSON = 7_000_000_001
FIRST_SUPERGROUP = -1_002_000_000_001
FIRST_GROUP = -4_000_000_001
MOST_TAPS_KEPT = 100_000
# Telegram gives the bot some minutes to answer a tap.
TAP_LIFETIME = timedelta(minutes=15)
EPHEMERAL_WINDOW = timedelta(seconds=15)

_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}$")
_COMMAND = re.compile(r"/[A-Za-z0-9_]+(?:@([A-Za-z0-9_]+))?(?:\s|$)")


class World:
    """All state of the sandbox. Everything happens on one event loop."""

    def __init__(
        self,
        clock: Clock,
        *,
        bot_username: str = "qinglan_bot",
        bot_name: str = "青蓝助手",
        bot_id: int = BOT_ID,
        privacy_mode: bool = True,
        ephemeral_supported: bool = True,
        flood: bool = False,
        inline: bool = False,
    ) -> None:
        self.clock = clock
        self.bot = {
            "id": bot_id,
            "is_bot": True,
            "first_name": bot_name,
            "username": bot_username,
        }
        self.privacy_mode = privacy_mode
        self.ephemeral_supported = ephemeral_supported
        self.inline = inline
        self.inline_feedback = False
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.files = Files()
        self.updates = Updates()
        self.faults = Faults()
        self.flood = Flood(on=flood)
        self.commands = CommandLists()
        self.texts: dict[str, str] = {}
        self.menu_button: Json = {"type": "commands"}
        self.taps: dict[str, Tap] = {}
        self.polls: dict[str, Poll] = {}
        self.inline_queries: dict[str, InlineQuery] = {}
        self.revision = 0
        self.groups_of: dict[int, set[int]] = {}
        self.next_tap = 4_300_000_000_000_000_001
        self.last_private_id = 0
        self.order = 0
        self._listeners: list[Callable[[Json], None]] = []
        clock.on_moved(lambda: self.changed("clock"))

    # -- who and what there is -------------------------------------------------------------

    @property
    def bot_id(self) -> int:
        return int(str(self.bot["id"]))

    @property
    def bot_username(self) -> str:
        return str(self.bot["username"])

    def add_person(
        self,
        name: str,
        *,
        id: int | None = None,  # noqa: A002
        username: str | None = None,
        language_code: str = "zh-hans",
        phone: str | None = None,
        note: str = "",
        pinned: bool = False,
        started: bool = False,
    ) -> Person:
        """Add an invented person; ``note`` and ``pinned`` are for the page's list of people."""
        if id is None:
            id = next(n for n in count(FIRST_PERSON + len(self.people)) if n not in self.people)  # noqa: A001
        person = Person(
            id, name, username, language_code, phone or "", note, pinned, started=started
        )
        self.people[id] = person
        self.changed("people")
        return person

    def add_group(
        self,
        title: str,
        *,
        id: int | None = None,  # noqa: A002
        members: Iterable[int] = (),
        admins: Iterable[int] = (),
        supergroup: bool = True,
        bot_is_admin: bool = False,
        announce: bool = False,
    ) -> Chat:
        """Add a group that the bot is in; ``announce`` tells the bot as if it were just added."""
        if id is None:
            first = FIRST_SUPERGROUP if supergroup else FIRST_GROUP
            id = next(n for n in count(first, -1) if n not in self.chats)  # noqa: A001
        chat = Chat(id, "supergroup" if supergroup else "group", title)
        chat.bot_status = "administrator" if bot_is_admin else "member"
        for person_id in members:
            self._admit(chat, person_id, "member")
        for person_id in admins:
            self._admit(chat, person_id, "administrator")
        self.chats[id] = chat
        if announce:
            adder = next(iter(chat.members), self.bot_id)
            self._bot_moved(chat, adder, "left", chat.bot_status)
            self.service(chat, adder, new_chat_members=[self.bot])
        self.changed("people")
        return chat

    def person(self, person_id: int) -> Person:
        try:
            return self.people[person_id]
        except KeyError:
            raise ImpossibleAct(f"there is no person {person_id}") from None

    def chat(self, chat_id: int) -> Chat:
        """The chat, made on first use when it is a person's private one."""
        chat = self.chats.get(chat_id)
        if chat is None:
            person = self.people.get(chat_id)
            if person is None:
                raise ImpossibleAct(f"there is no chat {chat_id}")
            chat = Chat(chat_id, "private")
            chat.members[chat_id] = "member"
            chat.api["first_name"] = person.name
            if person.username:
                chat.api["username"] = person.username
            self.chats[chat_id] = chat
        return chat

    def _admit(self, chat: Chat, person_id: int, status: str) -> None:
        self.person(person_id)
        chat.members[person_id] = status
        self.groups_of.setdefault(person_id, set()).add(chat.id)

    def now(self) -> int:
        return int(self.clock().timestamp())

    # -- being told of changes -------------------------------------------------------------

    def listen(self, listener: Callable[[Json], None]) -> Callable[[], None]:
        """Call the listener with each change; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self, kind: str, **details: Any) -> None:
        """Tell the listeners of a change: ``chat``, ``people``, ``answer``, ``clock`` …"""
        self.revision += 1
        if self._listeners:
            change = {"kind": kind, **details}
            for listener in list(self._listeners):
                listener(change)

    async def until(self, condition: Callable[[], T], *, within: float = 5.0) -> T:
        """Wait until the condition holds and return what it gave; it is asked at each change."""
        if found := condition():
            return found
        changed = asyncio.Event()
        stop = self.listen(lambda _: changed.set())
        try:
            async with asyncio.timeout(within):
                while not (found := condition()):
                    changed.clear()
                    await changed.wait()
        finally:
            stop()
        return found

    # -- messages --------------------------------------------------------------------------

    def post(
        self, chat: Chat, sender_id: int, content: Json, *, only_for: int | None = None
    ) -> Message:
        """Put a message into a chat. The bot is told of nothing here."""
        sender = self.bot if sender_id == self.bot_id else self.people[sender_id].user
        self.order += 1
        if only_for is not None:
            chat.last_ephemeral_id += 1
            kept_as = -chat.last_ephemeral_id
            body = {
                "message_id": 0,
                "ephemeral_message_id": chat.last_ephemeral_id,
                "receiver_user": self.people[only_for].user,
            }
        else:
            # Supergroups count their own messages; all other chats share the bot's count.
            if chat.type == "supergroup":
                chat.last_id = kept_as = chat.last_id + 1
            else:
                self.last_private_id = kept_as = self.last_private_id + 1
            body = {"message_id": kept_as}
        body |= {"from": sender, "chat": chat.api, "date": self.now(), **content}
        message = Message(kept_as, chat.id, sender_id, self.order, body, only_for)
        chat.messages[kept_as] = message
        self.changed("chat", chat=chat.id)
        return message

    def rewrite(self, message: Message, *, edited: bool = True, **content: Any) -> None:
        """Change a message: a field given as None is taken away."""
        body = {**message.body, **content}
        for name, value in content.items():
            if value is None:
                del body[name]
        message.body = body
        message.edited = message.edited or edited
        self.changed("chat", chat=message.chat_id)

    def remove(self, message: Message) -> None:
        """Take a message out of its chat."""
        chat = self.chats[message.chat_id]
        chat.messages.pop(message.id, None)
        if message.id in chat.pinned:
            chat.pinned.remove(message.id)
        self.changed("chat", chat=chat.id)

    def show_keyboard(self, chat: Chat, markup: Json | None, only_for: int | None) -> None:
        """Keep, replace or take away the keyboard under the text box."""
        if markup is None or "inline_keyboard" in markup:
            return
        targets = [only_for] if only_for is not None else list(chat.members)
        for person_id in targets:
            if markup.get("remove_keyboard"):
                chat.keyboards.pop(person_id, None)
            else:
                chat.keyboards[person_id] = markup

    def said(
        self,
        person_id: int,
        chat_id: int,
        content: Json,
        reply_to: int | None = None,
        topic: int | None = None,
    ) -> Message:
        """A person's message, and the update for the bot when it may know of it."""
        person, chat = self.writable(person_id, chat_id, topic)
        if topic:
            content |= {"message_thread_id": topic, "is_topic_message": True}
        answered: Message | None = None
        if reply_to is not None:
            answered = self.visible(person_id, chat, reply_to)
            content["reply_to_message"] = _quoted(answered.body)
        elif topic and (root := chat.messages.get(topic)) is not None:
            # As on Telegram, where what answers nothing answers the topic itself.
            content["reply_to_message"] = _quoted(root.body)
        if chat.is_private:
            person.started = True
        message = self.post(chat, person_id, content)
        keyboard = chat.keyboards.get(person_id)
        if keyboard and (keyboard.get("one_time_keyboard") or keyboard.get("force_reply")):
            del chat.keyboards[person_id]
        chat.mark(person_id, message.topic, message.order)
        if self._bot_hears(chat, content, answered):
            self.updates.add("message", message.body)
        return message

    def writable(
        self, person_id: int, chat_id: int, topic: int | None = None
    ) -> tuple[Person, Chat]:
        person, chat = self.person(person_id), self.chat(chat_id)
        if person.deactivated:
            raise ImpossibleAct(f"{person.name} has no account any more")
        if chat.members.get(person_id) not in PRESENT:
            raise ImpossibleAct(f"{person.name} is not in {chat.title or chat.id}")
        if chat.is_private and person.blocked:
            raise ImpossibleAct(f"{person.name} has blocked the bot")
        if chat.migrated_to is not None:
            raise ImpossibleAct(f"{chat.title} has become {chat.migrated_to}")
        if topic:
            found = chat.topics.get(topic)
            if found is None:
                raise ImpossibleAct(f"there is no topic {topic} in {chat.title}")
            if found.closed and not chat.is_led_by(person_id):
                raise ImpossibleAct(f"the topic {found.name} is closed")
        return person, chat

    def visible(self, person_id: int, chat: Chat, message_id: int) -> Message:
        message = chat.messages.get(message_id)
        if message is None or message.only_for not in {None, person_id}:
            raise ImpossibleAct(f"{person_id} sees no message {message_id} in {chat.id}")
        return message

    def _bot_hears(self, chat: Chat, content: Json, answered: Message | None) -> bool:
        """Privacy mode: a plain member bot hears commands for it and replies to it only."""
        if chat.is_private or chat.bot_status == "administrator":
            return True
        if chat.bot_status not in PRESENT:
            return False
        if "via_bot" in content:
            return True
        if not self.privacy_mode or (answered and answered.sender_id == self.bot_id):
            return True
        command = _COMMAND.match(content.get("text") or content.get("caption") or "")
        if command is None:
            return False
        return command[1] is None or command[1].lower() == self.bot_username.lower()

    def service(self, chat: Chat, actor_id: int, **content: Any) -> Message:
        """A service message; a bot in the group always hears of it, except of its own acts."""
        message = self.post(chat, actor_id, content)
        if actor_id != self.bot_id and (chat.is_private or chat.bot_status in PRESENT):
            self.updates.add("message", message.body)
        return message

    # -- acts of a person ------------------------------------------------------------------

    def say(
        self,
        person_id: int,
        chat_id: int,
        text: str,
        reply_to: int | None = None,
        topic: int | None = None,
    ) -> Message:
        """Write a text. In a private chat this also lets the bot write back."""
        text, _ = trimmed(text, [])
        if not text or units(text) > 4096:
            raise ImpossibleAct("a client sends texts of 1 to 4096 characters")
        content: Json = {"text": text}
        if entities := found_in(text, []):
            content["entities"] = entities
        return self.said(person_id, chat_id, content, reply_to, topic)

    def edit(self, person_id: int, chat_id: int, message_id: int, text: str) -> None:
        """A person changes a text of their own."""
        _, chat = self.writable(person_id, chat_id)
        message = self.visible(person_id, chat, message_id)
        if message.sender_id != person_id or "text" not in message.body:
            raise ImpossibleAct("only one's own texts can be changed")
        entities = found_in(text, []) or None
        self.rewrite(message, text=text, entities=entities, edit_date=self.now())
        if self._bot_hears(chat, message.body, None):
            self.updates.add("edited_message", message.body)

    def press_start(self, person_id: int, payload: str = "") -> Message:
        """Press Start in the private chat; it also unblocks a blocked bot."""
        person = self.person(person_id)
        if person.blocked:
            self.unblock(person_id)
        return self.say(person_id, person_id, f"/start {payload}".strip())

    def open_link(self, person_id: int, payload: str) -> Message:
        """Follow ``t.me/<bot>?start=<payload>`` and press Start."""
        if not _PAYLOAD.match(payload):
            raise ImpossibleAct("a payload has 1 to 64 of A-Z a-z 0-9 _ -")
        return self.press_start(person_id, payload)

    def open_group_link(self, person_id: int, chat_id: int, payload: str = "") -> None:
        """Follow ``t.me/<bot>?startgroup=<payload>``: add the bot, then start it there."""
        self.add_bot(person_id, chat_id)
        if payload:
            self.say(person_id, chat_id, f"/start@{self.bot_username} {payload}")

    def tap(
        self,
        person_id: int,
        chat_id: int,
        message_id: int,
        callback_data: str,
        *,
        forged: bool = False,
    ) -> str:
        """Tap an inline button and return the query's id.

        ``forged`` skips the look whether the button is there: a doctored client can send any
        data with any message that it sees.
        """
        person, chat = self.writable(person_id, chat_id)
        message = self.visible(person_id, chat, message_id)
        markup = message.body.get("reply_markup") or {}
        shown = [one for row in markup.get("inline_keyboard", ()) for one in row]
        if not forged and not any(one.get("callback_data") == callback_data for one in shown):
            raise ImpossibleAct(f"message {message_id} has no button with {callback_data!r}")
        tap = Tap(str(self.next_tap), person_id, chat_id, message_id, callback_data, self.clock())
        self.next_tap += 1
        self.taps[tap.id] = tap
        if len(self.taps) > MOST_TAPS_KEPT:
            del self.taps[next(iter(self.taps))]
        # Of what a person sent by way of the bot, the bot has no message: only an id to edit by.
        inline_id = self.inline_id(message)
        of = {"inline_message_id": inline_id} if inline_id else {"message": message.body}
        self.updates.add(
            "callback_query",
            {
                "id": tap.id,
                "from": person.user,
                **of,
                "chat_instance": str(chat.id * 7919),
                "data": callback_data,
            },
        )
        return tap.id

    def inline_id(self, message: Message) -> str:
        """The id by which the bot edits a message that was sent by way of it; else empty."""
        return f"inline:{message.chat_id}:{message.id}" if "via_bot" in message.body else ""

    def share_contact(
        self,
        person_id: int,
        chat_id: int,
        contact_of: int | None = None,
        topic: int | None = None,
    ) -> Message:
        """Share one's own number, or somebody else's card."""
        whose = self.person(person_id if contact_of is None else contact_of)
        contact = {"phone_number": whose.phone, "first_name": whose.name, "user_id": whose.id}
        return self.said(person_id, chat_id, {"contact": contact}, topic=topic)

    def share_location(
        self,
        person_id: int,
        chat_id: int,
        latitude: float,
        longitude: float,
        topic: int | None = None,
    ) -> Message:
        """Share a point on the map, in degrees."""
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise ImpossibleAct("there is no such point on the map")
        location = {"latitude": latitude, "longitude": longitude}
        return self.said(person_id, chat_id, {"location": location}, topic=topic)

    def send_document(
        self,
        person_id: int,
        chat_id: int,
        data: bytes,
        file_name: str,
        *,
        mime_type: str = "",
        caption: str = "",
        reply_to: int | None = None,
        topic: int | None = None,
    ) -> Message:
        """Attach a file."""
        self.writable(person_id, chat_id, topic)
        stored = self.files.keep("document", file_name, data, mime_type)
        content = {"document": stored.as_document(), **_captioned(caption)}
        return self.said(person_id, chat_id, content, reply_to, topic)

    def send_video(self, person_id: int, chat_id: int, data: bytes, file_name: str) -> Message:
        """Send a video from the gallery, which Telegram makes an MP4."""
        self.writable(person_id, chat_id, None)
        stored = self.files.keep("video", file_name, data, "video/mp4")
        return self.said(person_id, chat_id, {"video": stored.as_video()})

    def send_photo(
        self,
        person_id: int,
        chat_id: int,
        data: bytes,
        *,
        caption: str = "",
        reply_to: int | None = None,
        topic: int | None = None,
    ) -> Message:
        """Attach a picture."""
        self.writable(person_id, chat_id, topic)
        stored = self.files.keep("photo", "photo.jpg", data)
        content = {"photo": stored.as_photo(), **_captioned(caption)}
        return self.said(person_id, chat_id, content, reply_to, topic)

    def block(self, person_id: int) -> None:
        """Block the bot; it is told once, and its messages are refused from now on."""
        person = self.person(person_id)
        if not person.blocked:
            person.blocked = True
            self._bot_moved(self.chat(person_id), person_id, "member", "kicked")

    def unblock(self, person_id: int) -> None:
        """Let the bot write again."""
        person = self.person(person_id)
        if person.blocked:
            person.blocked = False
            self._bot_moved(self.chat(person_id), person_id, "kicked", "member")

    def deactivate(self, person_id: int) -> None:
        """The account is gone; the bot is not told."""
        self.person(person_id).deactivated = True
        self.changed("people")

    def join(self, person_id: int, chat_id: int) -> None:
        """Come into a group."""
        chat = self.chat(chat_id)
        before = chat.members.get(person_id, "left")
        if before in PRESENT:
            return
        self._admit(chat, person_id, "member")
        person = self.people[person_id]
        self._member_moved(chat, person_id, before, "member")
        self.service(chat, person_id, new_chat_members=[person.user])

    def leave(self, person_id: int, chat_id: int) -> None:
        """Go out of a group."""
        chat = self.chat(chat_id)
        before = chat.members.get(person_id, "left")
        if before not in PRESENT:
            return
        self.service(chat, person_id, left_chat_member=self.people[person_id].user)
        self._member_moved(chat, person_id, before, "left")
        chat.members[person_id] = "left"
        self.groups_of[person_id].discard(chat_id)
        self.changed("people")

    def set_status(self, person_id: int, chat_id: int, status: str) -> None:
        """Make a member an ``administrator`` or a plain ``member``."""
        chat = self.chat(chat_id)
        before = chat.members.get(person_id, "left")
        self._admit(chat, person_id, status)
        self._member_moved(chat, person_id, before, status)

    def add_bot(
        self, person_id: int, chat_id: int, *, as_admin: bool = False, without: Iterable[str] = ()
    ) -> None:
        """A member adds the bot to a group, or makes it an administrator, or none any more.

        An administrator has all rights ``without`` these, such as can_pin_messages.
        """
        chat = self.chat(chat_id)
        self._present(person_id, chat)
        was_there = chat.bot_status in PRESENT
        chat.bot_lacks = list(without)
        chat.bot_may_write = True
        self._bot_moved(chat, person_id, chat.bot_status, "administrator" if as_admin else "member")
        if not was_there:
            self.service(chat, person_id, new_chat_members=[self.bot])

    def kick_bot(self, person_id: int, chat_id: int) -> None:
        """A member throws the bot out of a group."""
        chat = self.chat(chat_id)
        self._present(person_id, chat)
        self.post(chat, person_id, {"left_chat_member": self.bot})
        self._bot_moved(chat, person_id, chat.bot_status, "kicked")

    def restrict_bot(self, person_id: int, chat_id: int, *, may_write: bool) -> None:
        """An administrator lets the bot read only, or write again."""
        chat = self.chat(chat_id)
        self._present(person_id, chat)
        chat.bot_may_write = may_write
        self._bot_moved(chat, person_id, chat.bot_status, "member" if may_write else "restricted")

    def leave_bot(self, chat: Chat) -> None:
        """The bot goes of its own accord; it is told of that, too."""
        self.post(chat, self.bot_id, {"left_chat_member": self.bot})
        self._bot_moved(chat, self.bot_id, chat.bot_status, "left")

    def bot_as_member(self, chat: Chat, status: str) -> Json:
        """The bot as a ChatMember of this chat."""
        member = member_as_json(self.bot, status)
        return (
            member | dict.fromkeys(chat.bot_lacks, False) if status == "administrator" else member
        )

    def _present(self, person_id: int, chat: Chat) -> None:
        if chat.is_private or chat.members.get(person_id) not in PRESENT:
            raise ImpossibleAct(f"{person_id} is not a member of {chat.id}")

    def migrate(self, chat_id: int) -> Chat:
        """Turn a plain group into a supergroup with another id, as Telegram does."""
        old = self.chat(chat_id)
        if old.type != "group" or old.migrated_to is not None:
            raise ImpossibleAct(f"{chat_id} is not a plain group")
        present = {who: status for who, status in old.members.items() if status in PRESENT}
        new = self.add_group(old.title, members=present, bot_is_admin=False)
        new.bot_status = old.bot_status
        new.members.update(present)
        actor = next(iter(present), self.bot_id)
        moved = self.post(old, actor, {"migrate_to_chat_id": new.id})
        arrived = self.post(new, actor, {"migrate_from_chat_id": old.id})
        if old.bot_status in PRESENT:
            self.updates.add("message", moved.body)
            self.updates.add("message", arrived.body)
        old.migrated_to = new.id
        for person_id in present:
            self.groups_of[person_id].discard(old.id)
        self.changed("people")
        return new

    def set_forum(self, chat_id: int, on: bool) -> None:
        """Let a supergroup have topics, or have none any more."""
        chat = self.chat(chat_id)
        if chat.type != "supergroup":
            raise ImpossibleAct("only a supergroup can have topics")
        chat.set_forum(on)
        self.changed("people")

    def inject(self, raw_update: Json) -> int:
        """Give the bot any update: broken, unknown, or with a number it has seen before."""
        return self.updates.inject(raw_update)

    def _bot_moved(self, chat: Chat, actor_id: int, before: str, after: str) -> None:
        if not chat.is_private:
            chat.bot_status = after
        self._member_update("my_chat_member", chat, actor_id, self.bot, before, after)
        self.changed("people")

    def _member_moved(self, chat: Chat, person_id: int, before: str, after: str) -> None:
        # Telegram tells of other members only to a bot that is an administrator.
        if chat.bot_status == "administrator":
            user = self.people[person_id].user
            self._member_update("chat_member", chat, person_id, user, before, after)
        self.changed("people")

    def _member_update(
        self, kind: str, chat: Chat, actor_id: int, user: Json, before: str, after: str
    ) -> None:
        actor = self.people[actor_id].user if actor_id in self.people else self.bot
        content = {
            "chat": chat.api,
            "from": actor,
            "date": self.now(),
            "old_chat_member": member_as_json(user, before),
            "new_chat_member": (
                self.bot_as_member(chat, after) if user is self.bot else member_as_json(user, after)
            ),
        }
        self.updates.add(kind, content)

    # -- what the bot answers to a tap -----------------------------------------------------

    def answer_tap(self, query_id: str, answer: Answer) -> None:
        """Keep the bot's answer; only the first one in time counts."""
        tap = self.taps.get(query_id)
        if tap is None or tap.answer is not None or self.clock() - tap.at > TAP_LIFETIME:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        tap.answer = answer
        tap.answered.set()
        self.changed("answer", tap=tap.as_json(), person=tap.person_id)

    async def answered(self, query_id: str, *, within: float = 5.0) -> Answer:
        """Wait for the bot's answer to a tap."""
        tap = self.taps[query_id]
        async with asyncio.timeout(within):
            await tap.answered.wait()
        if tap.answer is None:
            raise LookupError(query_id)
        return tap.answer

    def is_fresh(self, query_id: str, person_id: int) -> bool:
        """Whether this person tapped so lately that the bot may answer only to them."""
        tap = self.taps.get(query_id)
        return (
            tap is not None
            and tap.person_id == person_id
            and self.clock() - tap.at <= EPHEMERAL_WINDOW
        )

    # -- what a person sees ----------------------------------------------------------------

    def chats_of(self, person_id: int) -> list[Chat]:
        """The private chat with the bot first, then the groups."""
        groups = [self.chats[chat_id] for chat_id in self.groups_of.get(person_id, ())]
        return [self.chat(person_id), *sorted(groups, key=lambda chat: chat.title)]

    def is_in(self, person_id: int, chat_id: int) -> bool:
        return chat_id == person_id or chat_id in self.groups_of.get(person_id, ())

    def seen_by(
        self,
        person_id: int,
        chat_id: int,
        *,
        last: int | None = None,
        topic: int | None = None,
    ) -> list[Seen]:
        """The messages of a chat, or of one topic (0 is General), oldest first."""
        chat = self.chat(chat_id)
        if chat.members.get(person_id) not in PRESENT:
            return []
        visible: list[Message] = []
        for message in reversed(chat.messages.values()):
            if message.only_for not in {None, person_id}:
                continue
            if topic is not None and message.topic != topic:
                continue
            visible.append(message)
            if len(visible) == last:
                break
        return [as_seen(self, person_id, message) for message in reversed(visible)]

    def unread(self, person_id: int, chat_id: int, *, topic: int | None = None) -> int:
        """How many messages of others this person has not read; 99 stands for any more."""
        chat = self.chats.get(chat_id)
        if chat is None:
            return 0
        mark, unread = chat.read.get(person_id, 0), 0
        for message in reversed(chat.messages.values()):
            if message.order <= mark or unread >= 99:
                break
            if topic is not None and message.topic != topic:
                continue
            if chat.is_forum and message.order <= chat.marked(person_id, message.topic):
                continue
            unread += message.sender_id != person_id and message.only_for in {None, person_id}
        return unread

    def mark_read(self, person_id: int, chat_id: int, topic: int = 0) -> None:
        """This person has looked at the chat, or at one topic of it."""
        chat = self.chat(chat_id)
        if self.unread(person_id, chat_id, topic=topic if chat.is_forum else None):
            chat.mark(person_id, topic, self.order)
            self.changed("read", chat=chat_id, person=person_id)

    def commands_for(self, person_id: int, chat_id: int) -> list[Json]:
        """The command menu that this person is shown in this chat."""
        person, chat = self.person(person_id), self.chat(chat_id)
        is_admin = chat.members.get(person_id) in {"administrator", "creator"}
        return self.commands.seen_by(person_id, chat_id, person.language_code, is_admin=is_admin)

    def text_for(self, kind: str, language_code: str) -> str:
        """The bot's ``name``, ``description`` or ``short_description`` for a language."""
        short = language_code.split("-")[0]
        return self.texts.get(f"{kind}|{short}") or self.texts.get(f"{kind}|") or ""

    def name_of(self, user_id: int) -> str:
        if user_id == self.bot_id:
            return str(self.bot["first_name"])
        person = self.people.get(user_id)
        return person.name if person else "?"


def member_as_json(user: Json, status: str) -> Json:
    """A ChatMember of the Bot API."""
    member: Json = {"user": user, "status": status}
    if status == "administrator":
        rights = (
            "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members "
            "can_change_info can_invite_users can_post_stories can_edit_stories "
            "can_delete_stories can_pin_messages can_manage_topics can_send_welcome_messages"
        )
        member |= dict.fromkeys(rights.split(), True)
        member |= {"can_be_edited": False, "is_anonymous": False, "can_promote_members": False}
    elif status == "creator":
        member["is_anonymous"] = False
    elif status == "restricted":
        rights = (
            "can_send_messages can_send_audios can_send_documents can_send_photos "
            "can_send_videos can_send_video_notes can_send_voice_notes can_send_polls "
            "can_send_other_messages can_add_web_page_previews can_change_info "
            "can_invite_users can_pin_messages can_manage_topics can_edit_tag can_react_to_messages"
        )
        member |= dict.fromkeys(rights.split(), False) | {"is_member": True, "until_date": 0}
    elif status == "kicked":
        member["until_date"] = 0
    return member


def _captioned(caption: str) -> Json:
    if not caption:
        return {}
    entities = found_in(caption, [])
    return {"caption": caption} | ({"caption_entities": entities} if entities else {})


def _quoted(body: Json) -> Json:
    """A message inside another one carries no further message."""
    return {name: value for name, value in body.items() if name != "reply_to_message"}
