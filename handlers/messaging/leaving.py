"""Leaving groups: those that stand for nothing, and those whose task is over."""

from __future__ import annotations

import logging
from datetime import date

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from handlers.context import House
from handlers.messaging.public import closing_card, goodbye_card
from handlers.messaging.voices import Nothing, Said, Say
from storage.messaging import binding, groups, presence
from storage.messaging.outbox import Claimed
from storage.moments import local_day

logger = logging.getLogger(__name__)


async def goodbye(house: House, row: Claimed) -> Said:
    """One polite sentence, if there is still nothing to stay for."""
    if await house.database.read(groups.bound_places, row.tg_chat_id):
        return Nothing(presence.BOUND)
    return Say(goodbye_card(row.language))


async def closing(house: House, row: Claimed) -> Said:
    """``chat_close``, if the group is still to be over on that day."""
    place = await house.database.read(groups.place, row.chat_id or 0)
    day = date.fromisoformat(row.facts["day"])
    if place is None or place.dissolve_at is None:
        return Nothing("the group stays")
    if local_day(place.dissolve_at, house.zone) != day:
        return Nothing("the group is kept longer")
    return Say(closing_card(day, row.language, local_day(house.clock(), house.zone)))


async def tend(bot: Bot, house: House) -> int:
    """Say goodbye where it is time, and leave where it has been said; return how many."""
    write = house.database.write
    await write(binding.follow_classes, now=house.clock())
    await write(binding.announce_ends, now=house.clock())
    await write(presence.weary, now=house.clock())
    left = 0
    for tg_chat_id in await house.database.read(presence.to_leave):
        try:
            await bot.leave_chat(tg_chat_id)
        except ChatMigrated as error:
            await write(groups.migrate, tg_chat_id, error.new_chat_id)
            continue
        except (BadRequest, Forbidden):
            pass  # it is out already
        except TelegramError as error:
            logger.warning("A group was not left: %s", type(error).__name__)
            continue
        await write(presence.has_left, tg_chat_id, now=house.clock())
        left += 1
    return left
