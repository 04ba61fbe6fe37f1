"""Notices in groups: posted through the outbox, and their live count kept up to date.

They share one pace with the programme cards of the same group.
"""

from __future__ import annotations

from telegram import Bot

from handlers.context import House
from handlers.messaging import group_cards
from handlers.messaging.group_cards import Edit, digest
from handlers.messaging.public import (
    notice_corrected_card,
    notice_group_card,
    notice_urge_card,
)
from handlers.messaging.voices import Nothing, Said, Say
from storage.messaging import correcting, notice_posts
from storage.messaging.notice_posts import Post
from storage.messaging.outbox import Claimed

AT_ONCE = 20


async def refresh(bot: Bot, house: House) -> int:
    """Post the notices that are new and edit those that are out of date; return how many edits."""
    if await house.database.write(notice_posts.queue, now=house.clock()):
        house.wake_delivery()
    due = await house.database.write(notice_posts.to_refresh, now=house.clock(), limit=AT_ONCE)
    return sum([await _look(bot, house, post) for post in due])


async def _look(bot: Bot, house: House, post: Post) -> int:
    facts = await house.database.read(notice_posts.facts, post.notice_id)
    drawn = notice_group_card(facts, post.language, house.zone, house.clock(), house.link)
    seen = digest(drawn)
    if seen == post.shown:
        return 0

    async def drop() -> None:
        await house.database.write(notice_posts.drop, post.id)

    edit = await group_cards.edit_in_group(
        bot, house, post.tg_chat_id, post.message_id, drawn, drop
    )
    if edit is Edit.DONE:
        await house.database.write(notice_posts.shown, post.id, seen)
    return int(edit is not Edit.NOT_YET)


async def posted(house: House, row: Claimed) -> Said:
    """M04: the notice as the group is to see it now."""
    facts = await house.database.read(notice_posts.facts, row.facts["notice_id"])
    if facts.said.is_withdrawn:
        return Nothing("the notice is withdrawn")
    return Say(notice_group_card(facts, row.language, house.zone, house.clock(), house.link))


async def urged(house: House, row: Claimed) -> Said:
    """How many have not confirmed, if that may be said."""
    notice_id = row.facts["notice_id"]
    missing = await house.database.read(notice_posts.missing, notice_id)
    if missing is None:
        return Nothing("too few are missing to be counted in a group")
    facts = await house.database.read(notice_posts.facts, notice_id)
    return Say(notice_urge_card(facts.said, missing, row.language))


async def corrected(house: House, row: Claimed) -> Said:
    """What has changed, said in the group where the notice stands."""
    facts = await house.database.read(notice_posts.facts, row.facts["notice_id"])
    found = await house.database.read(
        correcting.corrections,
        row.facts["notice_id"],
        since=row.facts["since"],
        until=row.facts["revision"],
    )
    if not found or facts.said.is_withdrawn:
        return Nothing("nothing is left of this correction")
    return Say(notice_corrected_card(facts.said, found, row.language, house.zone, house.clock()))
