"""Screens that change by themselves while somebody looks: a code, a count.

Nothing here is kept: after a restart a screen stands still until its key is tapped, and what
it shows is worked out anew each time, with the right to see it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from telegram import Bot, InputMediaPhoto
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError

from handlers.cards import Card
from storage.refusals import Refusal

MOST = 500  # screens at a time; the oldest stand still first

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What a screen shows now. Two looks of the same ``mark`` look the same.

    ``draw`` makes the picture of a screen that has one; without it a picture's caption is
    all that changes.
    """

    mark: str
    card: Card
    draw: Callable[[], bytes] | None = None


@dataclass
class Screen:
    """A message that is kept up to date until a moment, or until it shows something else."""

    until: datetime
    look: Callable[[], Awaitable[Look]]
    last: Callable[[], Card] | None  # what stands there afterwards, of what was seen last
    is_picture: bool
    is_still: Callable[[], bool]
    mark: str


class Live:
    """The screens of this process."""

    def __init__(self) -> None:
        self._screens: dict[tuple[int, int], Screen] = {}

    def watch(self, chat_id: int, message_id: int, screen: Screen) -> None:
        """Keep this message up to date from now on."""
        self._screens.pop((chat_id, message_id), None)
        self._screens[chat_id, message_id] = screen
        while len(self._screens) > MOST:
            del self._screens[next(iter(self._screens))]

    async def refresh(self, bot: Bot, now: datetime) -> None:
        """Look at each screen once, and change those that are out of date."""
        for key, screen in list(self._screens.items()):
            if self._screens.get(key) is not screen:
                continue
            try:
                goes_on = await self._refresh(bot, key, screen, now)
            except (BadRequest, Forbidden):
                goes_on = False  # the message is gone, or shows this already
            except TelegramError:
                goes_on = True
            except Exception:
                logger.exception("A live screen cannot be drawn")
                goes_on = False
            if not goes_on and self._screens.get(key) is screen:
                del self._screens[key]

    async def _refresh(self, bot: Bot, key: tuple[int, int], screen: Screen, now: datetime) -> bool:
        if not screen.is_still():
            return False
        try:
            look = await screen.look()
        except Refusal:
            await self._end(bot, key, screen)
            return False
        is_over = now >= screen.until
        if is_over and screen.last is not None:
            await self._end(bot, key, screen)
        elif look.mark != screen.mark:
            picture = None if look.draw is None else await asyncio.to_thread(look.draw)
            if screen.is_still():
                await put(bot, key, look.card, picture, is_picture=screen.is_picture)
                screen.mark = look.mark
        return not is_over

    async def _end(self, bot: Bot, key: tuple[int, int], screen: Screen) -> None:
        if screen.last is not None:
            await put(bot, key, screen.last(), None, is_picture=screen.is_picture)


async def put(
    bot: Bot, key: tuple[int, int], card: Card, picture: bytes | None, *, is_picture: bool
) -> None:
    """Change a message in place: its picture, its caption, or its text."""
    chat_id, message_id = key
    markup = card.markup()
    if picture is not None:
        media = InputMediaPhoto(
            picture, caption=card.text, parse_mode=ParseMode.HTML, filename="code.png"
        )
        await bot.edit_message_media(media, chat_id, message_id, reply_markup=markup)
    elif is_picture:
        await bot.edit_message_caption(
            chat_id, message_id, caption=card.text, parse_mode=ParseMode.HTML, reply_markup=markup
        )
    else:
        await bot.edit_message_text(
            card.text, chat_id, message_id, parse_mode=ParseMode.HTML, reply_markup=markup
        )
