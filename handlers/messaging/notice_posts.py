"""Notices in groups: posted through the outbox, and their live count kept up to date.

They share one pace with the programme cards of the same group.
"""

from __future__ import annotations

from telegram import Bot

from handlers.cards import GroupCard
from handlers.context import House
from handlers.messaging import group_cards
from handlers.messaging.group_cards import Edit, digest
from handlers.messaging.notice_text import letter_text
from handlers.messaging.public import (
    notice_corrected_card,
    notice_group_card,
    notice_urge_card,
    notice_withdrawn_card,
)
from handlers.messaging.voices import Nothing, Said, Say
from storage.messaging import correcting, notice_posts
from storage.messaging.notice_posts import GroupNotice, Post
from storage.messaging.outbox import Claimed
from storage.moments import local_day

AT_ONCE = 20


async def refresh(bot: Bot, house: House) -> int:
    """Post the notices that are new and edit those that are out of date; return how many edits."""
    if await house.database.write(notice_posts.queue, now=house.clock()):
        house.wake_delivery()
    due = await house.database.write(notice_posts.to_refresh, now=house.clock(), limit=AT_ONCE)
    return sum([await _look(bot, house, post) for post in due])


async def _look(bot: Bot, house: House, post: Post) -> int:
    facts = await house.database.read(notice_posts.facts, post.notice_id)
    drawn = group_card(facts, post.language, house)
    seen = digest(drawn)
    if seen == post.shown:
        return 0

    async def drop() -> None:
        await house.database.write(notice_posts.drop, post.id)

    edit = await group_cards.edit_in_group(
        bot, house, post.tg_chat_id, post.thread_id, post.message_id, drawn, drop
    )
    if edit is Edit.DONE:
        await house.database.write(notice_posts.shown, post.id, seen)
    return int(edit is not Edit.NOT_YET)


def group_card(facts: GroupNotice, language: str, house: House) -> GroupCard:
    """M04: the notice as a group sees it now, with its count."""
    if facts.said.is_withdrawn:
        return notice_withdrawn_card(facts.said, language)
    letter, today = facts.said.letter, local_day(house.clock(), house.zone)
    counted = None
    if facts.confirmed is not None and facts.of is not None:
        counted = facts.confirmed, facts.of
    text = letter_text(letter, language, house.zone, today, in_group=True)
    return notice_group_card(text, letter.notice_id, letter.wants_answer, language, counted=counted)


async def posted(house: House, row: Claimed) -> Said:
    """M04: the notice as the group is to see it now."""
    facts = await house.database.read(notice_posts.facts, row.facts["notice_id"])
    if facts.said.is_withdrawn:
        return Nothing("the notice is withdrawn")
    return Say(group_card(facts, row.language, house))


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
    if facts.said.is_withdrawn and not row.chat_id:
        # What a group reads is struck in place; a text that has gone elsewhere stays as it is.
        return Say(notice_withdrawn_card(facts.said, row.language))
    found = await house.database.read(
        correcting.corrections,
        row.facts["notice_id"],
        since=row.facts["since"],
        until=row.facts["revision"],
    )
    if not found or facts.said.is_withdrawn:
        return Nothing("nothing is left of this correction")
    return Say(notice_corrected_card(facts.said, found, row.language, house.zone, house.clock()))
