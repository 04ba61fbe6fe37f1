"""Long polling: ask, keep, and only then confirm by asking on."""

from __future__ import annotations

import asyncio
import logging

from telegram import Bot
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import BaseRequest

from bot.inbox import Inbox, number_of
from bot.request import parameters

ALLOWED = ["message", "callback_query", "my_chat_member", "chat_member"]
WAIT = 25  # seconds that Telegram may let us wait for something new
BREATH = 1.0  # seconds before we ask again for what could not be kept

logger = logging.getLogger(__name__)


async def poll(bot: Bot, request: BaseRequest, inbox: Inbox) -> None:
    """Run until cancelled. An update is confirmed by the next call, when it is a row.

    The call is made by hand because the library's own parses all updates at once, and stops
    for ever at one that it cannot parse.
    """
    offset = 0
    pause = 0.0
    while True:
        try:
            wanted = parameters(offset=offset, timeout=WAIT, limit=100, allowed_updates=ALLOWED)
            updates = await request.post(
                f"{bot.base_url}/getUpdates", wanted, read_timeout=WAIT + 10
            )
        except InvalidToken:
            raise
        except RetryAfter as error:
            pause = _seconds(error)
        except Conflict:
            logger.error("Another process is polling with this token; waiting for it to end")
            pause = 10.0
        except (NetworkError, TelegramError) as error:
            pause = min(30.0, max(0.5, pause * 2))
            logger.warning("Polling failed (%s), again in %.1f s", type(error).__name__, pause)
        else:
            pause = 0.0
            assert isinstance(updates, list)
            try:
                await inbox.take(updates)
            except Exception:
                # Not confirmed, so they come again; nobody's database is away for ever.
                logger.exception("Updates could not be kept, asking again")
                pause = BREATH
            else:
                numbers = [
                    number for update in updates if (number := number_of(update)) is not None
                ]
                offset = max(numbers, default=offset - 1) + 1
                if updates and not numbers:
                    pause = BREATH
        if pause:
            await asyncio.sleep(pause)


def _seconds(error: RetryAfter) -> float:
    after = error.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()
