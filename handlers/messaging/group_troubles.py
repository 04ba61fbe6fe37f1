"""What Telegram's refusals say of a group: sorted here, for whoever posts or edits there."""

from __future__ import annotations

from telegram.error import BadRequest, Forbidden, TelegramError

from handlers.context import House
from storage.messaging import presence

CLOSED = ("topic_closed",)
DELETED = ("message thread not found", "topic_deleted", "topic_id_invalid")
SILENCED = (
    "not enough rights to send",
    "have no rights to send",
    "chat_write_forbidden",
    "chat_send_plain_forbidden",
    "need administrator rights",
)
GONE = ("chat not found", "peer_id_invalid", "group is deactivated", "chat was deleted")


async def noted(house: House, tg_chat_id: int, thread_id: int, error: TelegramError) -> bool:
    """Keep what the refusal says of the group, and tell who answers for it.

    True when the message may still be sent one day: then it waits, and goes nowhere else.
    """
    write, now = house.database.write, house.clock()
    said = str(error).lower()
    if isinstance(error, Forbidden) or any(sign in said for sign in GONE):
        await write(presence.removed, tg_chat_id, now=now)
    elif not isinstance(error, BadRequest):
        return False
    elif any(sign in said for sign in (*CLOSED, *DELETED)):
        deleted = any(sign in said for sign in DELETED)
        await write(presence.close_topic, tg_chat_id, thread_id, deleted=deleted, now=now)
        house.wake_delivery()
        return True
    elif any(sign in said for sign in SILENCED):
        await write(presence.silence, tg_chat_id, now=now)
        house.wake_delivery()
        return True
    return False
