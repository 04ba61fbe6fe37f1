"""What one person sees of a message: as the page draws it, with nothing that is not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.chats import Message, Seen
from bot.sandbox.entities import cut, units
from bot.sandbox.refusals import Json

if TYPE_CHECKING:
    from bot.sandbox.world import World


def as_seen(world: World, person_id: int, message: Message) -> Seen:
    """The message as this person sees it."""
    body = message.body
    has_text = "text" in body
    reply = body.get("reply_to_message")
    if reply and "forum_topic_created" in reply:
        reply = None  # a client shows no quote of the topic itself
    photo = body.get("photo")
    origin = body.get("forward_origin")
    reactions = body.get("reaction")
    via = body.get("via_bot")
    return Seen(
        id=message.id,
        sender_id=message.sender_id,
        sender=world.name_of(message.sender_id),
        mine=message.sender_id == person_id,
        at=body["date"],
        text=body["text"] if has_text else body.get("caption", ""),
        entities=body.get("entities" if has_text else "caption_entities", []),
        buttons=(body.get("reply_markup") or {}).get("inline_keyboard", []),
        photo=photo[-1]["file_id"] if photo else None,
        document=body.get("document") or body.get("video"),
        contact=body.get("contact"),
        location=body.get("location"),
        poll=_poll(world, person_id, body),
        topic=message.topic or None,
        service=_service(world, message),
        reply_to=reply
        and {
            "id": reply["message_id"] or -reply.get("ephemeral_message_id", 0),
            "sender": reply["from"]["first_name"],
            "text": short(reply),
        },
        reaction=reactions[0].get("emoji") if reactions else None,
        edited=message.edited,
        only_for_you=message.only_for is not None,
        forwarded_from=origin and origin["sender_user"]["first_name"],
        via_bot=via and via["username"],
    )


def short(body: Json) -> str:
    """The beginning of a message's text; empty when it has none."""
    text: str = body.get("text") or body.get("caption") or ""
    return text if units(text) <= 60 else cut(text, 0, 58) + "…"


def _poll(world: World, person_id: int, body: Json) -> Json | None:
    shown = body.get("poll")
    poll = world.polls.get(shown["id"]) if shown else None
    if poll is None:
        return None
    mine = poll.votes.get(person_id, [])
    full = poll.as_json()
    may_know = bool(mine) or poll.is_closed
    options = [
        {
            "text": option["text"],
            # As in a client, the result is seen by who has voted, and when it is over.
            "voter_count": option["voter_count"] if may_know else None,
            "mine": place in mine,
        }
        for place, option in enumerate(full["options"])
    ]
    return {**full, "options": options, "voted": bool(mine)}


def _service(world: World, message: Message) -> Json | None:
    """What is not a message of somebody; the page words it, and the bot never sees this."""
    body, who = message.body, world.name_of(message.sender_id)
    match body:
        case {"new_chat_members": [{"id": id_, "first_name": name}, *_]}:
            if id_ == message.sender_id:
                return {"kind": "joined", "who": who}
            return {"kind": "invited", "who": who, "whom": name}
        case {"left_chat_member": {"id": id_, "first_name": name}}:
            if id_ == message.sender_id:
                return {"kind": "left", "who": who}
            return {"kind": "removed", "who": who, "whom": name}
        case {"pinned_message": pinned}:
            return {"kind": "pinned", "who": who, "text": short(pinned)}
        case {"migrate_to_chat_id": _}:
            return {"kind": "upgraded", "who": who}
        case {"migrate_from_chat_id": _}:
            return {"kind": "upgraded_from", "who": who}
        case {"forum_topic_created": {"name": name}}:
            return {"kind": "topic_created", "who": who, "text": name}
        case {"forum_topic_edited": changed}:
            return {"kind": "topic_renamed", "who": who, "text": changed.get("name", "")}
        case {"forum_topic_closed": _}:
            return {"kind": "topic_closed", "who": who}
        case {"forum_topic_reopened": _}:
            return {"kind": "topic_reopened", "who": who}
    return None
