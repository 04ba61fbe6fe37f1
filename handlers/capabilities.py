"""Newer calls of the Bot API that python-telegram-bot has no names for yet, behind flags.

A message that only one member of a group sees (Bot API 10.3). A server that does not know the
parameter ignores it and would show the message to everybody, so the server's word is taken
before the first use, and its answer is looked at each time.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass

from telegram import Bot, CallbackQuery, InlineKeyboardMarkup, Message
from telegram.constants import ParseMode
from telegram.error import BadRequest, EndPointNotFound, Forbidden

logger = logging.getLogger(__name__)


@dataclass
class Capabilities:
    """What the server has been found to support; None until it was tried."""

    ephemeral: bool | None = None


async def say_to_one(
    bot: Bot,
    capabilities: Capabilities,
    query: CallbackQuery,
    chat_id: int,
    text: str,
    markup: InlineKeyboardMarkup | None,
) -> bool:
    """Answer a tap in a group with a message that only this person sees.

    False when that is not possible, and then nobody has seen anything. Delivery is not
    guaranteed even when it is True, so it is never the only copy of anything.
    """
    if capabilities.ephemeral is None:
        capabilities.ephemeral = await _is_supported(bot, chat_id, query.from_user.id)
    if not capabilities.ephemeral:
        return False
    tapped = query.message if isinstance(query.message, Message) else None
    in_topic = tapped is not None and tapped.is_topic_message
    try:
        sent = await bot.send_message(
            chat_id,
            text,
            parse_mode=ParseMode.HTML,
            reply_markup=markup,
            message_thread_id=tapped.message_thread_id if tapped and in_topic else None,
            api_kwargs={
                "ephemeral_message_parameters": {
                    "receiver_user_id": query.from_user.id,
                    "callback_query_id": query.id,
                }
            },
        )
    except BadRequest as error:
        logger.info("A message for one member was refused: %s", error)
        return False
    if "ephemeral_message_id" in sent.api_kwargs:
        return True
    capabilities.ephemeral = False
    logger.error("The server showed a message for one member to the group; it is taken back")
    with contextlib.suppress(BadRequest, Forbidden):
        await bot.delete_message(chat_id, sent.message_id)
    return False


async def _is_supported(bot: Bot, chat_id: int, user_id: int) -> bool:
    """Ask for the deletion of a message that is not there: only a server that knows these
    messages has an opinion on it."""
    try:
        await bot.do_api_request(
            "deleteEphemeralMessage",
            {"chat_id": chat_id, "receiver_user_id": user_id, "ephemeral_message_id": 1},
        )
    except EndPointNotFound:
        return False
    except (BadRequest, Forbidden):
        return True
    return True
