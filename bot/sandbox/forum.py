"""Topics: made, renamed, closed and opened again, by the bot and by administrators."""

from __future__ import annotations

from bot.sandbox.calls import Call
from bot.sandbox.chats import Chat, Topic
from bot.sandbox.methods import chat_of, method
from bot.sandbox.refusals import ImpossibleAct, Json, bad
from bot.sandbox.world import World

COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
LONGEST_NAME = 128


@method("createForumTopic")
def create_forum_topic(world: World, call: Call) -> Json:
    chat = _forum(world, call, "create a topic")
    name = _name(call.text("name"))
    color = call.number("icon_color", COLORS[0])
    if color not in COLORS:
        raise bad("wrong topic icon color specified")
    topic = _create(world, chat, world.bot_id, name, color)
    return {"message_thread_id": topic.id, "name": topic.name, "icon_color": topic.icon_color}


@method("editForumTopic")
def edit_forum_topic(world: World, call: Call) -> bool:
    chat = _forum(world, call, "edit the topic")
    topic = _topic(chat, call)
    if "name" in call.values:
        name = _name(call.text("name"))
        if name == topic.name:
            raise bad("TOPIC_NOT_MODIFIED")
        topic.name = name
        _tell(world, chat, world.bot_id, topic, forum_topic_edited={"name": name})
    return True


@method("closeForumTopic")
def close_forum_topic(world: World, call: Call) -> bool:
    chat = _forum(world, call, "close the topic")
    return _set_closed(world, chat, _topic(chat, call), world.bot_id, closed=True)


@method("reopenForumTopic")
def reopen_forum_topic(world: World, call: Call) -> bool:
    chat = _forum(world, call, "reopen the topic")
    return _set_closed(world, chat, _topic(chat, call), world.bot_id, closed=False)


@method("deleteForumTopic")
def delete_forum_topic(world: World, call: Call) -> bool:
    """The topic goes with everything that was written in it."""
    chat = _forum(world, call, "delete the topic")
    _delete(world, chat, _topic(chat, call))
    return True


def _delete(world: World, chat: Chat, topic: Topic) -> None:
    for message in [one for one in chat.messages.values() if one.topic == topic.id]:
        world.remove(message)
    del chat.topics[topic.id]
    world.changed("people")


@method("getForumTopicIconStickers")
def get_forum_topic_icon_stickers(world: World, call: Call) -> list[Json]:  # noqa: ARG001
    """There are none here."""
    return []


def act(world: World, person_id: int, chat_id: int, what: str, body: Json) -> Topic:
    """A person's act: ``create`` with a name; ``close``, ``reopen``, ``rename``, ``delete``.

    The bot is told of all but the last.
    """
    _, chat = world.writable(person_id, chat_id)
    if not chat.is_forum:
        raise ImpossibleAct(f"{chat.title or chat.id} has no topics")
    if not chat.is_led_by(person_id):
        raise ImpossibleAct("only administrators do this here")
    if what == "create":
        return _create(world, chat, person_id, _name(str(body["name"])), COLORS[0])
    topic = chat.topics.get(int(body["topic"]))
    if topic is None:
        raise ImpossibleAct("there is no such topic")
    match what:
        case "close" | "reopen":
            if topic.closed != (what == "close"):
                _set_closed(world, chat, topic, person_id, closed=what == "close")
        case "rename":
            topic.name = _name(str(body["name"]))
            _tell(world, chat, person_id, topic, forum_topic_edited={"name": topic.name})
        case "delete":
            _delete(world, chat, topic)
        case other:
            raise ValueError(other)
    return topic


def _forum(world: World, call: Call, what: str) -> Chat:
    chat = chat_of(world, call)
    if not chat.is_forum:
        raise bad("the chat is not a forum")
    if not chat.bot_may("can_manage_topics"):
        raise bad(f"not enough rights to {what}")
    return chat


def _topic(chat: Chat, call: Call) -> Topic:
    topic = chat.topics.get(call.number("message_thread_id"))
    if topic is None:
        raise bad("TOPIC_ID_INVALID")
    return topic


def _name(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_NAME:
        raise bad("TOPIC_TITLE_EMPTY" if not text else "topic name is too long")
    return text


def _create(world: World, chat: Chat, actor_id: int, name: str, color: int) -> Topic:
    made = {"name": name, "icon_color": color}
    message = world.post(chat, actor_id, {"forum_topic_created": made})
    world.rewrite(message, edited=False, message_thread_id=message.id, is_topic_message=True)
    if actor_id != world.bot_id:
        world.updates.add("message", message.body)
    topic = Topic(message.id, name, color)
    chat.topics[topic.id] = topic
    world.changed("people")
    return topic


def _set_closed(world: World, chat: Chat, topic: Topic, actor_id: int, *, closed: bool) -> bool:
    if topic.closed == closed:
        raise bad("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    if closed:
        _tell(world, chat, actor_id, topic, forum_topic_closed={})
    else:
        _tell(world, chat, actor_id, topic, forum_topic_reopened={})
    return True


def _tell(world: World, chat: Chat, actor_id: int, topic: Topic, **content: Json) -> None:
    place = {"message_thread_id": topic.id, "is_topic_message": True}
    world.service(chat, actor_id, **content, **place)
    world.changed("people")
