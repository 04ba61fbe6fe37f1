"""The programme cards in groups, kept up to date: posted through the outbox, edited rarely.

A card is edited when what it would say differs from what the group sees, at most once in
``AT_LEAST`` and, over all cards of one group, at most ``EDITS_A_MINUTE`` times a minute.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import Enum

from sqlmodel import Session
from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from handlers import cards
from handlers.context import House
from handlers.messaging.group_troubles import noted
from handlers.messaging.public import programme_group_card
from handlers.messaging.voices import Nothing, Said, Say
from storage import moments
from storage.calendar import quiet, workdays
from storage.messaging import groups, outbox
from storage.messaging.groups import Card
from storage.messaging.outbox import Claimed
from storage.messaging.tables import Priority
from storage.refusals import NotFound
from storage.training import programmes
from storage.training.programmes import GroupProgramme

KIND = "group_card"
AT_LEAST = timedelta(seconds=5)
AT_ONCE = 20
# What Telegram says of a message that will never be edited again.
MESSAGE_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")

logger = logging.getLogger(__name__)


async def refresh(bot: Bot, house: House) -> int:
    """Post the cards that are new and edit those that are out of date; return how many edits."""
    now = house.clock()
    due = await house.database.write(
        groups.cards_to_refresh, now=now, at_least=AT_LEAST, limit=AT_ONCE
    )
    edits = 0
    for card in due:
        if card.message_id is None:
            await house.database.write(queue, card, now=now)
        else:
            edits += await _look(bot, house, card, card.message_id, now)
    if any(card.message_id is None for card in due):
        house.wake_delivery()
    return edits


def queue(session: Session, card: Card, *, now: datetime) -> None:
    """Put a card that hangs nowhere yet into the outbox, for the next hour of work.

    Doing so again on the same day changes nothing; a message that did not get out on its day
    gives way to that of the next.
    """
    calendar = workdays.load(session)
    at = quiet.next_push(calendar, now)
    day = moments.local_day(at, calendar.zone)
    outbox.put(
        session,
        KIND,
        chat_id=card.chat_id,
        facts={"batch_id": card.batch_id, "card_id": card.id, "revision": card.revision},
        priority=Priority.CARD,
        not_before=at,
        useful_until=moments.at(day + timedelta(days=1), 0, calendar.zone),
        dedupe_key=f"{KIND}:{card.id}:{card.tg_chat_id}:{day.isoformat()}",
        now=now,
    )


async def voice(house: House, row: Claimed) -> Said:
    """Say the card as the group is to see it now."""
    facts = await _facts(house, row.facts["batch_id"])
    if facts is None:
        return Nothing("the programme is gone")
    return Say(_drawn(house, facts, row.language))


async def posted(house: House, row: Claimed, message_id: int) -> None:
    """Note which message the card has become; delivery calls this once it is sent."""
    card = Card(
        id=row.facts["card_id"],
        chat_id=row.chat_id or 0,
        tg_chat_id=row.tg_chat_id,
        thread_id=row.thread_id,
        language=row.language,
        batch_id=row.facts["batch_id"],
        message_id=message_id,
        shown="",
        revision=row.facts["revision"],
    )
    # What exactly was shown is not known any more; the next look compares and knows.
    await house.database.write(groups.card_shown, card, "", message_id, now=house.clock())


def digest(card: cards.GroupCard) -> str:
    """What a group sees, in a few characters to compare."""
    seen = "\n".join([card.text, *(repr(key) for row in card.keys for key in row)])
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


async def _look(bot: Bot, house: House, card: Card, message_id: int, now: datetime) -> int:
    """Compare one card with the truth and edit it if they differ; return the edits made."""
    facts = await _facts(house, card.batch_id)
    if facts is None:
        await house.database.write(groups.card_shown, card, card.shown, message_id, now=now)
        return 0
    drawn = _drawn(house, facts, card.language)
    seen = digest(drawn)
    if seen != card.shown:

        async def drop() -> None:
            await house.database.write(groups.drop_card, card.id)

        edit = await edit_in_group(
            bot, house, card.tg_chat_id, card.thread_id, message_id, drawn, drop
        )
        if edit is not Edit.DONE:
            return int(edit is Edit.FAILED)
    await house.database.write(groups.card_shown, card, seen, message_id, now=now)
    return int(seen != card.shown)


class Edit(Enum):
    """What came of an edit in a group."""

    DONE = "done"
    FAILED = "failed"
    NOT_YET = "not yet"  # the group has been edited in enough this minute


async def edit_in_group(
    bot: Bot,
    house: House,
    tg_chat_id: int,
    thread_id: int,
    message_id: int,
    drawn: cards.GroupCard,
    drop: Callable[[], Awaitable[None]],
) -> Edit:
    """Edit a message of ours in a group, at the one pace that all its messages share.

    ``drop`` is called when the message is gone.
    """
    now, write = house.clock(), house.database.write
    pace = house.paces.of(tg_chat_id)
    if not pace.may_edit(now):
        return Edit.NOT_YET
    pace.edits.append(now)
    try:
        await bot.edit_message_text(
            drawn.text,
            tg_chat_id,
            message_id,
            parse_mode=ParseMode.HTML,
            reply_markup=drawn.markup(),
        )
    except RetryAfter as error:
        after = error.retry_after
        pause = after if isinstance(after, timedelta) else timedelta(seconds=after)
        pace.paused_until = now + pause
        logger.warning("A group asks for a pause of %s; its cards wait", pause)
    except ChatMigrated as error:
        await write(groups.migrate, tg_chat_id, error.new_chat_id)
    except Forbidden as error:
        await noted(house, tg_chat_id, thread_id, error)
    except BadRequest as error:
        said = str(error).lower()
        if "not modified" in said:
            return Edit.DONE
        if any(sign in said for sign in MESSAGE_GONE):
            await drop()
        elif not await noted(house, tg_chat_id, thread_id, error):
            logger.error("Message %d of a group cannot be edited: %s", message_id, error)
    except TelegramError as error:
        logger.warning("A group's message was not edited: %s", type(error).__name__)
    else:
        return Edit.DONE
    return Edit.FAILED


async def _facts(house: House, batch_id: int) -> GroupProgramme | None:
    try:
        return await house.database.read(programmes.group_facts, batch_id, now=house.clock())
    except NotFound:
        return None


def _drawn(house: House, facts: GroupProgramme, language: str) -> cards.GroupCard:
    return programme_group_card(facts, language, house.zone, house.clock(), house.link)
