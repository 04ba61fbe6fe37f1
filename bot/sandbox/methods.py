"""The Bot API's methods as the bot calls them, refused where Telegram refuses them.

Each is a plain function of the world and the call; getUpdates and the webhook methods,
which need the network, stand in ``server.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bot.sandbox import keyboards
from bot.sandbox.calls import Call
from bot.sandbox.chats import PRESENT, Answer, Chat, Message
from bot.sandbox.commands import language_checked
from bot.sandbox.entities import found_in, parse_html, trimmed, units
from bot.sandbox.files import LARGEST_DOWNLOAD, Stored
from bot.sandbox.refusals import Json, bad, forbidden, too_many
from bot.sandbox.world import World, member_as_json

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
# After this long a bot that is no administrator cannot delete a message any more.
DELETABLE_FOR = timedelta(hours=48)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
CONTENT = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "document",
    "video",
    "contact",
    "location",
    "poll",
)

Method = Callable[[World, Call], Any]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Make a function a method of the Bot API; case does not matter to Telegram."""

    def register(function: Method) -> Method:
        METHODS[name.lower()] = function
        return function

    return register


# -- finding the chat and the message ------------------------------------------------------


def chat_of(world: World, call: Call) -> Chat:
    """The chat, when the bot may know of it at all."""
    if "chat_id" not in call.values or call.values["chat_id"] == "":
        raise bad("chat_id is empty")
    chat_id = call.chat_id()
    if chat_id is None:
        raise bad("chat not found")
    chat = world.chats.get(chat_id)
    if chat is None:
        if chat_id not in world.people:
            raise bad("chat not found")
        chat = world.chat(chat_id)
    if chat.migrated_to is not None:
        raise bad(
            "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
        )
    if not chat.is_private:
        if chat.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {chat.kind_name} chat")
        if chat.bot_status not in PRESENT:
            raise forbidden(f"bot is not a member of the {chat.kind_name} chat")
    return chat


def chat_to_write(world: World, call: Call) -> Chat:
    """The chat, when the bot may write there, and not too fast."""
    chat = chat_of(world, call)
    if chat.is_private:
        person = world.people[chat.id]
        if person.deactivated:
            raise forbidden("user is deactivated")
        if person.blocked:
            raise forbidden("bot was blocked by the user")
        if not person.started:
            raise forbidden("bot can't initiate conversation with a user")
    elif not chat.bot_may_write:
        raise bad("not enough rights to send text messages to the chat")
    return chat


def _pace(world: World, chat: Chat, call: Call) -> None:
    # Asked last: a message that is refused anyway does not count.
    if world.flood.on and (
        wait := world.flood.wait(chat.id, paid=call.flag("allow_paid_broadcast"))
    ):
        raise too_many(wait)


def message_of(chat: Chat, call: Call, missing: str) -> Message:
    message = chat.messages.get(call.number("message_id"))
    if message is None or message.only_for is not None:
        raise bad(missing)
    return message


def own_message(world: World, call: Call) -> tuple[Chat, Message]:
    """The message to edit."""
    if inline_id := call.text("inline_message_id"):
        return _inline_message(world, inline_id)
    chat = chat_of(world, call)
    if "message_id" not in call.values:
        raise bad("message identifier is not specified")
    message = message_of(chat, call, "message to edit not found")
    _check_own(world, message)
    return chat, message


def _inline_message(world: World, inline_id: str) -> tuple[Chat, Message]:
    parts = inline_id.split(":")
    if len(parts) == 3 and parts[0] == "inline" and parts[2].isdigit():
        chat = world.chats.get(int(parts[1])) if parts[1].lstrip("-").isdigit() else None
        message = chat.messages.get(int(parts[2])) if chat is not None else None
        if chat is not None and message is not None and world.inline_id(message):
            return chat, message
    raise bad("MESSAGE_ID_INVALID")


def _check_own(world: World, message: Message) -> None:
    if message.sender_id != world.bot_id or not any(name in message.body for name in CONTENT):
        raise bad("message can't be edited")


# -- reading texts -------------------------------------------------------------------------


def formatted(
    world: World, call: Call, field: str, entities_field: str, longest: int
) -> tuple[str, list[Json]]:
    text = call.text(field)
    parse_mode = call.text("parse_mode").lower()
    entities: list[Json] = []
    if parse_mode == "html":
        text, entities = parse_html(text)
        for entity in entities:
            if entity["type"] == "text_mention":
                entity["user"] = _mentioned(world, entity["user"]["id"])
        entities = [one for one in entities if one.get("user", True)]
    elif parse_mode:
        raise bad("unsupported parse_mode")
    else:
        entities = call.object(entities_field) or []
        if not isinstance(entities, list):
            raise bad("can't parse entities: expected an Array of MessageEntity")
    text, entities = trimmed(text, entities)
    # No text of half the limit can be too long, so most are not counted.
    if len(text) > longest // 2 and units(text) > longest:
        name = "message" if field == "text" else "message caption"
        raise bad(f"{name} is too long")
    return text, found_in(text, entities)


def _mentioned(world: World, user_id: int) -> Json | None:
    person = world.people.get(user_id)
    return person.user if person else None


def text_content(world: World, call: Call) -> Json:
    text, entities = formatted(world, call, "text", "entities", LONGEST_TEXT)
    if not text:
        raise bad("message text is empty")
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption_content(world: World, call: Call) -> Json:
    caption, entities = formatted(world, call, "caption", "caption_entities", LONGEST_CAPTION)
    if not caption:
        return {}
    return {"caption": caption} | ({"caption_entities": entities} if entities else {})


def _markup(chat: Chat, call: Call) -> Json | None:
    if "reply_markup" not in call.values:
        return None
    return keyboards.checked(call.object("reply_markup"), private=chat.is_private)


def inline_markup(chat: Chat, call: Call) -> Json | None:
    markup = _markup(chat, call)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad("inline keyboard expected")
    return markup


# -- sending -------------------------------------------------------------------------------


def send(world: World, call: Call, chat: Chat, content: Json) -> Json:
    """Post what was read from a call, with everything that all kinds of messages share."""
    values = call.values
    markup = _markup(chat, call)
    only_for: int | None = None
    if "ephemeral_message_parameters" in values and world.ephemeral_supported:
        # An older server does not refuse what it does not know: it passes over it, and the
        # whole group sees the message.
        only_for = _receiver(world, chat, call)
    topic = _topic_to_write(chat, call)
    if "reply_parameters" in values or "reply_to_message_id" in values:
        quoted = _replied(chat, call)
        if quoted is not None:
            content["reply_to_message"] = quoted
            topic = topic or (quoted.get("message_thread_id") if chat.is_forum else None)
    if topic:
        content |= {"message_thread_id": topic, "is_topic_message": True}
        if "reply_to_message" not in content and topic in chat.messages:
            content["reply_to_message"] = chat.messages[topic].body
    if markup is not None and "inline_keyboard" in markup:
        content["reply_markup"] = markup
    if call.flag("protect_content"):
        content["has_protected_content"] = True
    _pace(world, chat, call)
    message = world.post(chat, world.bot_id, content, only_for=only_for)
    if markup is not None:
        world.show_keyboard(chat, markup, only_for)
    return message.body


def _topic_to_write(chat: Chat, call: Call) -> int | None:
    """The topic that the call names, when the bot may write there. General is not named."""
    number = call.number("message_thread_id")
    if not number:
        return None
    topic = chat.topics.get(number) if chat.is_forum else None
    if topic is None:
        raise bad("message thread not found")
    if topic.closed and not chat.bot_may("can_manage_topics"):
        raise bad("TOPIC_CLOSED")
    return topic.id


def _receiver(world: World, chat: Chat, call: Call) -> int:
    """The one member who is to see the message, when Telegram would show it."""
    given = call.object("ephemeral_message_parameters")
    if chat.is_private:
        raise bad("ephemeral messages can be sent only in group and supergroup chats")
    if not isinstance(given, dict) or not str(given.get("receiver_user_id", "")).isdigit():
        raise bad("receiver_user_id is not specified")
    receiver = int(given["receiver_user_id"])
    if chat.members.get(receiver) not in PRESENT:
        raise bad("user not found")
    fresh = world.is_fresh(str(given.get("callback_query_id") or ""), receiver)
    if chat.bot_status != "administrator" and not fresh:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    return receiver


def _replied(chat: Chat, call: Call) -> Json | None:
    given = call.object("reply_parameters") or {}
    message_id = given.get("message_id", call.values.get("reply_to_message_id"))
    lenient = given.get("allow_sending_without_reply") or call.flag("allow_sending_without_reply")
    quoted = chat.messages.get(int(message_id)) if message_id is not None else None
    if quoted is None:
        if lenient or message_id is None:
            return None
        raise bad("message to be replied not found")
    return {name: value for name, value in quoted.body.items() if name != "reply_to_message"}


@method("sendMessage")
def send_message(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    return send(world, call, chat, text_content(world, call))


@method("sendPhoto")
def send_photo(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    caption = caption_content(world, call)
    stored = _file(world, call, "photo")
    return send(world, call, chat, {"photo": stored.as_photo(), **caption})


@method("sendDocument")
def send_document(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    caption = caption_content(world, call)
    stored = _file(world, call, "document")
    return send(world, call, chat, {"document": stored.as_document(), **caption})


@method("sendVideo")
def send_video(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    caption = caption_content(world, call)
    stored = _file(world, call, "video")
    return send(world, call, chat, {"video": stored.as_video(), **caption})


@method("sendContact")
def send_contact(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    contact = {name: call.text(name).strip() for name in ("phone_number", "first_name")}
    for name, given in contact.items():
        if not given:
            raise bad(f"contact {name.replace('_', ' ')} must be non-empty")
    if last := call.text("last_name").strip():
        contact["last_name"] = last
    return send(world, call, chat, {"contact": contact})


@method("sendLocation")
def send_location(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    return send(world, call, chat, {"location": _location(call)})


@method("sendVenue")
def send_venue(world: World, call: Call) -> Json:
    chat = chat_to_write(world, call)
    location = _location(call)
    venue = {"location": location, "title": call.text("title"), "address": call.text("address")}
    if not venue["title"] or not venue["address"]:
        raise bad("venue title and address must be non-empty")
    return send(world, call, chat, {"venue": venue, "location": location})


def _location(call: Call) -> Json:
    try:
        latitude, longitude = (float(call.values[name]) for name in ("latitude", "longitude"))
    except (KeyError, TypeError, ValueError):
        raise bad("latitude and longitude must be numbers") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise bad("wrong location specified")
    return {"latitude": latitude, "longitude": longitude}


def _file(world: World, call: Call, kind: str) -> Stored:
    """The file of a call: uploaded under its own name or by ``attach://``, or sent before."""
    given = call.text(kind)
    upload = call.uploads.get(given.removeprefix("attach://") if given else kind)
    if upload is not None:
        return world.files.keep(kind, upload.name, upload.data, upload.mime)
    if not given or given.startswith("attach://"):
        raise bad(f"there is no {kind} in the request")
    return world.files.reused(kind, given)


@method("forwardMessage")
def forward_message(world: World, call: Call) -> Json:
    chat, source = chat_to_write(world, call), _source(world, call, "forward")
    content = {name: source.body[name] for name in CONTENT if name in source.body}
    content["forward_origin"] = source.body.get("forward_origin") or {
        "type": "user",
        "sender_user": source.body["from"],
        "date": source.body["date"],
    }
    return send(world, call, chat, content)


@method("copyMessage")
def copy_message(world: World, call: Call) -> Json:
    chat, source = chat_to_write(world, call), _source(world, call, "copy")
    content = {name: source.body[name] for name in CONTENT if name in source.body}
    if "caption" in call.values and "text" not in content:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        content |= caption_content(world, call)
    return {"message_id": send(world, call, chat, content)["message_id"]}


def _source(world: World, call: Call, act: str) -> Message:
    origin = Call(call.method, {"chat_id": call.values.get("from_chat_id", "")})
    message = message_of(chat_of(world, origin), call, f"message to {act} not found")
    if not any(name in message.body for name in CONTENT):
        raise bad(f"message can't be {'forwarded' if act == 'forward' else 'copied'}")
    return message


@method("sendChatAction")
def send_chat_action(world: World, call: Call) -> bool:
    chat = chat_to_write(world, call)
    if not call.text("action"):
        raise bad("wrong parameter action in request")
    world.changed("action", chat=chat.id, action=call.text("action"))
    return True


# -- changing and deleting -----------------------------------------------------------------


@method("editMessageText")
def edit_message_text(world: World, call: Call) -> Any:
    return _edit_text(world, call, *own_message(world, call))


@method("editMessageCaption")
def edit_message_caption(world: World, call: Call) -> Any:
    return _edit_caption(world, call, *own_message(world, call))


@method("editMessageMedia")
def edit_message_media(world: World, call: Call) -> Any:
    chat, message = own_message(world, call)
    media = call.object("media")
    if not isinstance(media, dict) or media.get("type") not in ("photo", "document"):
        raise bad("can't parse InputMedia: a photo or a document is expected")
    if "photo" not in message.body and "document" not in message.body:
        raise bad("there is no media in the message to edit")
    kind = media["type"]
    given = Call(call.method, {**media, kind: media.get("media")}, call.uploads)
    stored = _file(world, given, kind)
    content = caption_content(world, given)
    changed: Json = {"caption": None, "caption_entities": None, "photo": None, "document": None}
    changed[kind] = stored.as_photo() if kind == "photo" else stored.as_document()
    return _rewrite(world, call, chat, message, {**changed, **content})


@method("editMessageReplyMarkup")
def edit_message_reply_markup(world: World, call: Call) -> Any:
    return _edit_markup(world, call, *own_message(world, call))


@method("editEphemeralMessageText")
def edit_ephemeral_message_text(world: World, call: Call) -> bool:
    _edit_text(world, call, *_own_ephemeral(world, call, "edit"))
    return True


@method("editEphemeralMessageCaption")
def edit_ephemeral_message_caption(world: World, call: Call) -> bool:
    _edit_caption(world, call, *_own_ephemeral(world, call, "edit"))
    return True


@method("editEphemeralMessageReplyMarkup")
def edit_ephemeral_message_reply_markup(world: World, call: Call) -> bool:
    _edit_markup(world, call, *_own_ephemeral(world, call, "edit"))
    return True


@method("deleteEphemeralMessage")
def delete_ephemeral_message(world: World, call: Call) -> bool:
    world.remove(_own_ephemeral(world, call, "delete")[1])
    return True


def _own_ephemeral(world: World, call: Call, act: str) -> tuple[Chat, Message]:
    chat = chat_of(world, call)
    message = chat.messages.get(-call.number("ephemeral_message_id"))
    receiver = call.number("receiver_user_id")
    if message is None or message.only_for != receiver:
        raise bad(f"message to {act} not found")
    return chat, message


def _edit_text(world: World, call: Call, chat: Chat, message: Message) -> Any:
    content = text_content(world, call)
    if "text" not in message.body:
        raise bad("there is no text in the message to edit")
    return _rewrite(world, call, chat, message, {"entities": None, **content})


def _edit_caption(world: World, call: Call, chat: Chat, message: Message) -> Any:
    content = caption_content(world, call)
    if "photo" not in message.body and "document" not in message.body:
        raise bad("there is no caption in the message to edit")
    changed = {"caption": None, "caption_entities": None, **content}
    return _rewrite(world, call, chat, message, changed)


def _edit_markup(world: World, call: Call, chat: Chat, message: Message) -> Any:
    return _rewrite(world, call, chat, message, {})


def _rewrite(world: World, call: Call, chat: Chat, message: Message, content: Json) -> Any:
    """Put new content and new buttons in place; an edit without buttons takes them away."""
    changed = {**content, "reply_markup": inline_markup(chat, call)}
    if all(message.body.get(name) == value for name, value in changed.items()):
        raise bad(NOT_MODIFIED)
    _pace(world, chat, call)
    world.rewrite(message, edited=bool(content), edit_date=world.now(), **changed)
    return True if call.text("inline_message_id") else message.body


@method("deleteMessage")
def delete_message(world: World, call: Call) -> bool:
    chat = chat_of(world, call)
    message = message_of(chat, call, "message to delete not found")
    _check_deletable(world, chat, message)
    world.remove(message)
    return True


@method("deleteMessages")
def delete_messages(world: World, call: Call) -> bool:
    """What is not there any more is passed over."""
    chat = chat_of(world, call)
    numbers = call.numbers("message_ids")
    if not 1 <= len(numbers) <= 100:
        raise bad("wrong number of message identifiers specified")
    found = [chat.messages[number] for number in numbers if number in chat.messages]
    for message in found:
        _check_deletable(world, chat, message)
    for message in found:
        world.remove(message)
    return True


def _check_deletable(world: World, chat: Chat, message: Message) -> None:
    if chat.bot_may("can_delete_messages") and not chat.is_private:
        return
    if not chat.is_private and message.sender_id != world.bot_id:
        raise bad("message can't be deleted")
    if world.now() - message.body["date"] > DELETABLE_FOR.total_seconds():
        raise bad("message can't be deleted for everyone")


@method("setMessageReaction")
def set_message_reaction(world: World, call: Call) -> bool:
    chat = chat_of(world, call)
    message = message_of(chat, call, "message to react not found")
    reaction = call.object("reaction") or []
    if len(reaction) > 1:
        raise bad("REACTIONS_TOO_MANY")
    world.rewrite(message, edited=False, reaction=reaction or None)
    return True


@method("pinChatMessage")
def pin_chat_message(world: World, call: Call) -> bool:
    chat = _chat_to_pin(world, call)
    message = message_of(chat, call, "message to pin not found")
    if message.id not in chat.pinned:
        chat.pinned.append(message.id)
        pinned = {k: v for k, v in message.body.items() if k != "reply_to_message"}
        world.post(chat, world.bot_id, {"pinned_message": pinned})
    return True


@method("unpinChatMessage")
def unpin_chat_message(world: World, call: Call) -> bool:
    chat = _chat_to_pin(world, call)
    if "message_id" in call.values:
        number = call.number("message_id")
        if number not in chat.pinned:
            raise bad("message to unpin not found")
        chat.pinned.remove(number)
    elif chat.pinned:
        chat.pinned.pop()
    return True


def _chat_to_pin(world: World, call: Call) -> Chat:
    chat = chat_of(world, call)
    if not chat.is_private and not chat.bot_may("can_pin_messages"):
        raise bad("not enough rights to manage pinned messages in the chat")
    return chat


# -- taps ----------------------------------------------------------------------------------


@method("answerCallbackQuery")
def answer_callback_query(world: World, call: Call) -> bool:
    text = call.text("text")
    if len(text) > 100 and units(text) > 200:
        raise bad("MESSAGE_TOO_LONG")
    url = call.text("url")
    own = (f"https://t.me/{world.bot_username}?", f"t.me/{world.bot_username}?")
    if url and not url.lower().startswith(tuple(one.lower() for one in own)):
        # Any other address is for games only.
        raise bad("URL_INVALID")
    answer = Answer(text, call.flag("show_alert"), url)
    world.answer_tap(call.text("callback_query_id"), answer)
    return True


# -- asking about chats and people ---------------------------------------------------------


@method("getMe")
def get_me(world: World, call: Call) -> Json:  # noqa: ARG001
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": not world.privacy_mode,
        "supports_inline_queries": world.inline,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
    }


@method("getChat")
def get_chat(world: World, call: Call) -> Json:
    chat = chat_of(world, call)
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    full = {
        **chat.api,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), False),
    }
    if not chat.is_private:
        full["permissions"] = {"can_send_messages": chat.bot_may_write}
    if chat.pinned:
        full["pinned_message"] = chat.messages[chat.pinned[-1]].body
    return full


def _member(world: World, chat: Chat, user_id: int) -> Json:
    if user_id == world.bot_id:
        return world.bot_as_member(chat, chat.bot_status)
    person = world.people.get(user_id)
    if person is None:
        raise bad("PARTICIPANT_ID_INVALID")
    return member_as_json(person.user, chat.members.get(user_id, "left"))


@method("getChatMember")
def get_chat_member(world: World, call: Call) -> Json:
    return _member(world, chat_of(world, call), call.number("user_id"))


@method("getChatAdministrators")
def get_chat_administrators(world: World, call: Call) -> list[Json]:
    chat = group_of(world, call, "there are no administrators in the private chat")
    leading = {"creator", "administrator"}
    found = [_member(world, chat, who) for who, status in chat.members.items() if status in leading]
    if chat.bot_status in leading:
        found.append(_member(world, chat, world.bot_id))
    return found


@method("getChatMemberCount")
def get_chat_member_count(world: World, call: Call) -> int:
    chat = chat_of(world, call)
    return 1 + sum(status in PRESENT for status in chat.members.values())


@method("leaveChat")
def leave_chat(world: World, call: Call) -> bool:
    chat = group_of(world, call, "chat member status can't be changed in private chats")
    world.leave_bot(chat)
    return True


def group_of(world: World, call: Call, refusal: str) -> Chat:
    chat = chat_of(world, call)
    if chat.is_private:
        raise bad(refusal)
    return chat


@method("getFile")
def get_file(world: World, call: Call) -> Json:
    stored = world.files.get(call.text("file_id"))
    if stored is None:
        raise bad("invalid file_id")
    if len(stored.data) > LARGEST_DOWNLOAD:
        raise bad("file is too big")
    return {
        "file_id": stored.id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.data),
        "file_path": stored.path,
    }


# -- how the bot presents itself -----------------------------------------------------------


@method("setMyCommands")
def set_my_commands(world: World, call: Call) -> bool:
    world.commands.set(call.object("scope"), call.text("language_code"), call.object("commands"))
    world.changed("commands")
    return True


@method("getMyCommands")
def get_my_commands(world: World, call: Call) -> list[Json]:
    return world.commands.get(call.object("scope"), call.text("language_code"))


@method("deleteMyCommands")
def delete_my_commands(world: World, call: Call) -> bool:
    world.commands.set(call.object("scope"), call.text("language_code"), [])
    return True


def _text_methods(kind: str, suffix: str, longest: int) -> None:
    """The pair that sets and gets one of the bot's texts for a language."""

    @method(f"setMy{suffix}")
    def set_text(world: World, call: Call) -> bool:
        text = call.text(kind)
        if units(text) > longest:
            raise bad(f"{kind.upper()}_TOO_LONG")
        key = f"{kind}|{language_checked(call.text('language_code'))}"
        if text:
            world.texts[key] = text
        else:
            world.texts.pop(key, None)
        return True

    @method(f"getMy{suffix}")
    def get_text(world: World, call: Call) -> Json:
        text = world.text_for(kind, language_checked(call.text("language_code")))
        return {kind: text or (world.bot["first_name"] if kind == "name" else "")}


_text_methods("name", "Name", 64)
_text_methods("description", "Description", 512)
_text_methods("short_description", "ShortDescription", 120)


@method("setChatMenuButton")
def set_chat_menu_button(world: World, call: Call) -> bool:
    button = call.object("menu_button") or {"type": "default"}
    if button.get("type") not in {"commands", "web_app", "default"}:
        raise bad("can't parse menu button: unsupported type specified")
    if "chat_id" in call.values:
        _private(world, call).menu_button = None if button["type"] == "default" else button
    else:
        world.menu_button = button
    return True


@method("getChatMenuButton")
def get_chat_menu_button(world: World, call: Call) -> Json:
    own = _private(world, call).menu_button if "chat_id" in call.values else None
    return own or world.menu_button


def _private(world: World, call: Call) -> Chat:
    chat = chat_of(world, call)
    if not chat.is_private:
        raise bad("chat_id must be a private chat")
    return chat


@method("logOut")
@method("close")
def part(world: World, call: Call) -> bool:  # noqa: ARG001
    """Only a change between real servers needs these; here there is nothing to leave."""
    return True
