"""What every handler stands on: the house's resources, who is speaking, and how to answer.

The order is always the same: read the update, run one operation in one transaction, speak.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import CallbackQuery, InputFile, Message, Update, User
from telegram.constants import ChatType, ParseMode
from telegram.error import (
    BadRequest,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import CallbackContext, ExtBot
from telegram.helpers import create_deep_linked_url

from handlers.capabilities import Capabilities, say_to_one
from handlers.cards import Card, Key
from handlers.live import Live
from handlers.paces import Paces
from handlers.rush import Rush
from locales import best_language
from storage.database import Database
from storage.people import accounts
from storage.people.accounts import Reader
from storage.scratch import Copied

P = ParamSpec("P")
T = TypeVar("T")

ALERT = 200  # characters that an alert may have
LONGEST_NAME = 80  # characters of a file's name: no disk takes 256 bytes
EDIT_PAUSES = (0.5, 1.0)  # seconds before an edit is tried again
LONGEST_WAIT = 3.0
# Telegram takes this for a command, and a tap on it sends it.
_COMMAND = re.compile(r"(?:^|(?<=[\s<(（“‘「『、，。；：]))/(?=[A-Za-z0-9_])", re.MULTILINE)

# The tap that was answered last. A person's updates are handled one after the other in a task
# of their own, so this is the tap in hand or an older one.
_answered: ContextVar[str] = ContextVar("answered", default="")


class Screens:
    """Which tap has turned a message into what it shows; the newest few thousand are kept.

    What follows a tap later must not overwrite what the person has opened since.
    """

    KEPT = 4096

    def __init__(self) -> None:
        self._by: dict[tuple[int, int], int] = {}
        self._shows: dict[tuple[int, int], str] = {}

    def turned(self, message: Message, update_id: int) -> None:
        """This update is about to change the message."""
        self.turned_at((message.chat.id, message.message_id), update_id)

    def turned_at(self, key: tuple[int, int], update_id: int) -> None:
        """The same, of a message by its chat and number."""
        self._shows.pop(key, None)
        self._by[key] = max(update_id, self._by.pop(key, update_id))
        if len(self._by) > self.KEPT:
            del self._by[next(iter(self._by))]

    def shows(self, key: tuple[int, int], what: str) -> None:
        """Note what the message shows until a tap turns it; a restart forgets it."""
        self._shows.pop(key, None)
        self._shows[key] = what
        if len(self._shows) > self.KEPT:
            del self._shows[next(iter(self._shows))]

    def is_showing(self, key: tuple[int, int], what: str) -> bool:
        """Whether the message is known to show this."""
        return self._shows.get(key) == what

    def is_still(self, message: Message, update_id: int) -> bool:
        """Whether no newer update has changed it."""
        return self.is_newest((message.chat.id, message.message_id), update_id)

    def is_newest(self, key: tuple[int, int], update_id: int) -> bool:
        """The same, of a message by its chat and number."""
        return self._by.get(key, update_id) <= update_id


@dataclass(frozen=True)
class Channels:
    """Which second channels this machine can send through."""

    installed: bool = False
    mailbox: bool = False
    """Whether the office has a mailbox that writes to the addresses people give."""


@dataclass
class House:
    """The resources that handlers use, made once at assembly."""

    database: Database
    clock: Callable[[], datetime]
    zone: ZoneInfo
    language: str = "zh_Hans"
    bot_username: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    wake_delivery: Callable[[], None] = lambda: None
    channels: Channels = Channels()
    rush: Rush = field(default_factory=Rush)
    screens: Screens = field(default_factory=Screens)
    live: Live = field(default_factory=Live)
    paces: Paces = field(default_factory=Paces)
    letters: dict[tuple[int, int, str, date, bool, bool], Any] = field(default_factory=dict)
    """A notice as it goes out: by its id and revision, language, day, and whether confirmed."""

    def link(self, payload: str) -> str:
        """A deep link into the private chat."""
        return create_deep_linked_url(self.bot_username, payload)


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """The context of one update."""

    @property
    def house(self) -> House:
        return cast(House, self.bot_data["house"])

    def now(self) -> datetime:
        return self.house.clock()

    async def write(
        self, operation: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.house.database.write(operation, *args, **kwargs)

    async def read(
        self, operation: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.house.database.read(operation, *args, **kwargs)

    async def aside(
        self,
        copied: Copied,
        operation: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self.house.database.aside(copied, operation, *args, **kwargs)

    async def reader(self, update: Update) -> Reader:
        """Who sent this update: always by the numeric id, never by what it says."""
        user = sender(update)
        known = await self.read(accounts.find, user.id, now=self.now())
        if known is not None:
            if known.awaiting and _goes_elsewhere(update):
                await self.write(accounts.await_text, known.account_id, "", now=self.now())
                return replace(known, awaiting="")
            return known
        language = best_language(user.language_code, self.house.language)
        return await self.write(accounts.meet, user.id, language, now=self.now())


def sender(update: Update) -> User:
    """The person of the update. Handlers are installed so that there always is one."""
    user = update.effective_user
    assert user is not None
    return user


def _goes_elsewhere(update: Update) -> bool:
    """Whether this is a tap or a command: then a text that was asked for is not awaited now."""
    message = update.message
    return update.callback_query is not None or (
        message is not None and (message.text or "").startswith("/")
    )


def tap(update: Update) -> CallbackQuery:
    """The tap of the update."""
    query = update.callback_query
    assert query is not None
    return query


def is_private(update: Update) -> bool:
    """Whether this happens in the private chat with the bot."""
    chat = update.effective_chat
    return chat is not None and chat.type == ChatType.PRIVATE


async def show(update: Update, context: Context, reader: Reader, card: Card) -> int:
    """Put the card in front of the person: in place after a tap, else as the one new card.

    Returns the number of the message that it is.

    A personal card is shown in the private chat and nowhere else, whatever chat the tap says
    it comes from: a forged tap on a group's message must not turn that into somebody's hours.
    """
    query = update.callback_query
    if query is not None:
        answered, edited = await asyncio.gather(
            _hush(query), edit_in_place(update, context, card), return_exceptions=True
        )
        for failure in (answered, edited):
            if isinstance(failure, BaseException):
                raise failure
        if edited is True and query.message is not None:
            return query.message.message_id
    return await show_anew(context, reader, card)


async def edit_in_place(update: Update, context: Context, card: Card) -> bool:
    """Make the tapped message into the card; False where that is not possible or not private."""
    message = _own_card(update)
    if message is None:
        return False
    context.house.screens.turned(message, update.update_id)
    return await _edit_while(
        message, card, lambda: context.house.screens.is_still(message, update.update_id)
    )


async def follow_up(update: Update, context: Context, card: Card) -> None:
    """Show what a tap has changed a moment later, unless the person has gone on meanwhile."""
    message = _own_card(update)
    if message is not None:
        await _edit_while(
            message, card, lambda: context.house.screens.is_still(message, update.update_id)
        )


def _own_card(update: Update) -> Message | None:
    """The tapped message, where it is a text of ours in the private chat."""
    query = update.callback_query
    if query is None or not isinstance(query.message, Message) or not query.message.text:
        return None
    return query.message if query.message.chat.type == ChatType.PRIVATE else None


async def show_anew(context: Context, reader: Reader, card: Card) -> int:
    """Send the card as a new message and take the former card away; return its number."""
    sent = await context.bot.send_message(
        reader.tg_user_id, card.text, parse_mode=ParseMode.HTML, reply_markup=card.markup()
    )
    await _becomes_the_card(context, reader, sent.message_id)
    return sent.message_id


async def show_picture(
    update: Update, context: Context, reader: Reader, picture: bytes, card: Card, name: str
) -> int:
    """Send a picture as the card; the card's text becomes its caption. Returns its number."""
    if update.callback_query is not None:
        await _hush(update.callback_query)
    sent = await context.bot.send_photo(
        reader.tg_user_id,
        InputFile(picture, filename=name),
        caption=card.text,
        parse_mode=ParseMode.HTML,
        reply_markup=card.markup(),
    )
    await _becomes_the_card(context, reader, sent.message_id)
    return sent.message_id


async def send_file(
    update: Update, context: Context, reader: Reader, content: bytes, name: str, caption: str
) -> None:
    """Send a file to the person in private; the card stays where it is."""
    if update.callback_query is not None:
        await _hush(update.callback_query)
    await context.bot.send_document(
        reader.tg_user_id,
        InputFile(content, filename=safe_name(name)),
        caption=caption,
        parse_mode=ParseMode.HTML,
    )


def safe_name(name: str) -> str:
    """The name of a file, as every system takes it: titles may say what no path can."""
    stem, ending = os.path.splitext(name)
    kept = " ".join(re.sub(r'[\x00-\x1f<>:"/\\|?*]', " ", stem).split())
    return kept[:LONGEST_NAME].strip(" .") + ending


async def whisper(update: Update, context: Context, text: str, payload: str, key: str) -> None:
    """Answer a tap in a group to this one person, and never to the group.

    The ladder: a message that only this member sees, with a ``key`` into the private chat
    where ``payload`` leads; the tap's alert, when the text is short and plain; the private
    chat itself, opened by the tap.
    """
    query = tap(update)
    chat = update.effective_chat
    card = Card(text, ((Key(key, url=context.house.link(payload)),),))
    if chat is not None and await say_to_one(
        context.bot, context.house.capabilities, query, chat.id, card.text, card.markup()
    ):
        await _hush(query)
        return
    if len(text) <= ALERT and "<" not in text:
        await alert(update, html.unescape(text))
    else:
        await lead(update, context, payload)


async def lead(update: Update, context: Context, payload: str) -> None:
    """Let the tap open the private chat where ``payload`` leads; too late is no harm."""
    await _answer(tap(update), url=context.house.link(payload))


async def hush(update: Update) -> None:
    """Let the tap's spinner stop without a word."""
    await _hush(tap(update))


async def alert(update: Update, text: str) -> None:
    """Say a short sentence to whoever tapped, seen by nobody else.

    A tap that was in hand at a crash may be too old to be answered when it is handled again;
    what it asked for is done all the same, and the card shows it.
    """
    await _answer(tap(update), text=shortened(text, ALERT), show_alert=True)


def shortened(text: str, limit: int) -> str:
    """The text, cut with an ellipsis to so many UTF-16 units, as Telegram counts."""
    while len(text.encode("utf-16-le")) // 2 > limit:
        text = text[: limit - 1 if len(text) > limit else len(text) - 2].rstrip() + "…"
    return text


def typed_text(text: str) -> str:
    """What somebody has typed, escaped: no word of it becomes a command that one could tap."""
    return html.escape(_COMMAND.sub("/\N{WORD JOINER}", text))


async def take_away(context: Context, chat_id: int, message_id: int) -> None:
    """Delete a message of ours if it is still there."""
    with contextlib.suppress(BadRequest, Forbidden):
        await context.bot.delete_message(chat_id, message_id)


async def _becomes_the_card(context: Context, reader: Reader, message_id: int) -> None:
    await context.write(accounts.remember_card, reader.account_id, message_id)
    if reader.card_message_id is not None and reader.card_message_id != message_id:
        await take_away(context, reader.tg_user_id, reader.card_message_id)


async def _hush(query: CallbackQuery) -> None:
    """Stop the tap's spinner, unless something was said to it already."""
    await _answer(query)


async def _answer(query: CallbackQuery, **said: Any) -> None:
    """Answer the tap once; too late is no harm."""
    if _answered.get() == query.id:
        return
    with contextlib.suppress(BadRequest):
        await query.answer(**said)
    _answered.set(query.id)


async def _edit_while(message: Message, card: Card, is_still: Callable[[], bool]) -> bool:
    """Edit, once more if the network fails for a moment, as long as nothing newer is shown."""
    for pause in (*EDIT_PAUSES, None):
        if not is_still():
            return True
        try:
            return await _edit(message, card)
        except (BadRequest, TimedOut):
            raise
        except (NetworkError, RetryAfter) as error:
            wait = _asked(error) if isinstance(error, RetryAfter) else pause
            if pause is None or wait is None or wait > LONGEST_WAIT:
                raise
            await asyncio.sleep(wait)
    return False


def _asked(error: RetryAfter) -> float:
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


async def _edit(message: Message, card: Card) -> bool:
    """Edit in place; False when that message can no longer be edited."""
    try:
        await message.edit_text(card.text, parse_mode=ParseMode.HTML, reply_markup=card.markup())
    except BadRequest as error:
        return "not modified" in str(error)
    return True


__all__ = [
    "ALERT",
    "Capabilities",
    "Context",
    "House",
    "TelegramError",
    "alert",
    "edit_in_place",
    "follow_up",
    "hush",
    "is_private",
    "lead",
    "send_file",
    "sender",
    "shortened",
    "show",
    "show_anew",
    "show_picture",
    "take_away",
    "tap",
    "whisper",
]
