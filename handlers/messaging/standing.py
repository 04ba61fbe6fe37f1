"""What the bot may do in a group, as Telegram says it."""

from __future__ import annotations

import logging

from telegram import (
    Bot,
    ChatMember,
    ChatMemberAdministrator,
    ChatMemberRestricted,
    ChatPermissions,
)
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from handlers.context import House
from storage.messaging import groups, presence
from storage.messaging.presence import Standing

logger = logging.getLogger(__name__)


def standing_of(member: ChatMember, permissions: ChatPermissions | None = None) -> Standing:
    """What the bot may do in a group; ``permissions`` are those of every member."""
    if isinstance(member, ChatMemberAdministrator):
        rights = {
            presence.POST: True,
            presence.PIN: member.can_pin_messages,
            presence.DELETE: member.can_delete_messages,
            presence.TOPICS: member.can_manage_topics,
        }
    else:
        may = member if isinstance(member, ChatMemberRestricted) else permissions
        rights = {
            presence.POST: may is None or may.can_send_messages is not False,
            presence.PIN: may is not None and may.can_pin_messages,
            presence.TOPICS: may is not None and may.can_manage_topics,
        }
    is_admin = member.status in (ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)
    return Standing(is_admin, tuple(right for right in presence.RIGHTS if rights.get(right)))


async def look(bot: Bot, house: House, tg_chat_id: int) -> None:
    """Ask Telegram what the bot may do in the group now, and keep it."""
    write, now = house.database.write, house.clock()
    try:
        chat = await bot.get_chat(tg_chat_id)
        member = await bot.get_chat_member(tg_chat_id, bot.id)
    except ChatMigrated as error:
        await write(groups.migrate, tg_chat_id, error.new_chat_id)
    except (BadRequest, Forbidden):
        await write(presence.removed, tg_chat_id, now=now)
    except TelegramError as error:
        # What was known before is shown; the next look may be luckier.
        logger.warning("A group could not be looked at: %s", type(error).__name__)
    else:
        await write(presence.note, tg_chat_id, standing_of(member, chat.permissions), now=now)
    house.wake_delivery()
