"""Lists in groups: on public display, edited silently, taken down after; and the winners."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session
from telegram import Bot
from telegram.error import BadRequest, Forbidden, TelegramError

from handlers.cards import GroupCard
from handlers.context import House
from handlers.messaging import group_cards
from handlers.messaging.group_cards import Edit, digest
from handlers.messaging.public import list_taken_down_card, public_list_card, winners_card
from handlers.messaging.voices import Nothing, Said, Say
from storage import moments
from storage.calendar import quiet, workdays
from storage.competitions import forwarding, publicity, round_cards
from storage.competitions.publicity import PublicList
from storage.competitions.round_cards import Hung
from storage.competitions.tables import RoundCardKind
from storage.messaging import outbox
from storage.messaging.outbox import Claimed
from storage.messaging.tables import Priority

KIND = publicity.KIND
AT_ONCE = 20


async def refresh(bot: Bot, house: House) -> int:
    """Post the lists that are new, edit what has changed, take down what is over."""
    now = house.clock()
    due = await house.database.read(publicity.cards_due, now=now, limit=AT_ONCE)
    edits = 0
    queued = False
    for card in due:
        facts = await house.database.read(publicity.card_facts, card.round_id, card.kind, now=now)
        over = card.kind is RoundCardKind.PUBLICITY and (
            facts is None or not (facts.is_up or facts.is_cancelled)
        )
        if over:
            await _take_down(bot, house, card)
        elif facts is None:
            continue
        elif card.message_id is None:
            if facts.is_cancelled:
                await house.database.write(publicity.took_down, card.id, now=now)
            else:
                await house.database.write(_queue, card, house, facts)
                queued = True
        else:
            edits += await _look(bot, house, card, card.message_id, facts)
    if queued:
        house.wake_delivery()
    return edits


def _queue(session: Session, card: Hung, house: House, facts: PublicList) -> None:
    """Put a card that hangs nowhere yet into the outbox, for the next hour of work."""
    now, version = house.clock(), facts.version
    calendar = workdays.load(session)
    at = quiet.next_push(calendar, now)
    day = moments.local_day(at, calendar.zone)
    outbox.put(
        session,
        KIND,
        chat_id=card.chat_id,
        facts={
            "round_id": card.round_id,
            "card_id": card.id,
            "card": card.kind.value,
            "version": version,
        },
        priority=Priority.CARD,
        not_before=at,
        useful_until=moments.at(day + timedelta(days=1), 0, calendar.zone),
        dedupe_key=f"{KIND}:{card.id}:{day.isoformat()}:{version}",
        now=now,
    )


async def voice(house: House, row: Claimed) -> Said:
    """Say the list as the group is to see it now."""
    kind = RoundCardKind(row.facts["card"])
    facts = await house.database.read(
        publicity.card_facts, row.facts["round_id"], kind, now=house.clock()
    )
    if facts is None or not facts.is_up:
        return Nothing("it is not on display any more")
    return Say(_drawn(house, facts, kind, row.language))


async def posted(house: House, row: Claimed, message_id: int) -> None:
    """Note which message the list has become; delivery calls this once it is sent."""
    shown = _mark(int(row.facts.get("version", 0)), "")
    await house.database.write(
        round_cards.shown, row.facts["card_id"], shown, message_id, now=house.clock()
    )


async def _look(bot: Bot, house: House, card: Hung, message_id: int, facts: PublicList) -> int:
    """Edit a list that says something else by now, without a ring.

    One that was put right hangs anew, where everybody sees it: one can object once more.
    """
    drawn = _drawn(house, facts, card.kind, card.language)
    seen = _mark(facts.version, digest(drawn))
    if seen == card.shown:
        return 0
    version = card.shown.partition(":")[0]
    if card.kind is RoundCardKind.PUBLICITY and version.isdigit() and int(version) < facts.version:
        return await _replace(bot, house, card, message_id)

    async def drop() -> None:
        await house.database.write(publicity.took_down, card.id, now=house.clock())

    edit = await group_cards.edit_in_group(
        bot, house, card.tg_chat_id, card.thread_id, message_id, drawn, drop
    )
    if edit is not Edit.DONE:
        return int(edit is Edit.FAILED)
    await house.database.write(round_cards.shown, card.id, seen, message_id, now=house.clock())
    return 1


def _mark(version: int, seen: str) -> str:
    """What is kept of what a group sees: which version of the list, and what it says."""
    return f"{version}:{seen}"


async def _replace(bot: Bot, house: House, card: Hung, message_id: int) -> int:
    """Delete a list that was put right; the right one is posted in its place."""
    try:
        await bot.delete_message(card.tg_chat_id, message_id)
    except (BadRequest, Forbidden):
        pass  # it is gone, or too old: the new one says that it replaces it
    except TelegramError:
        return 1  # the next look tries again
    await house.database.write(round_cards.again, card.id)
    return 0


async def _take_down(bot: Bot, house: House, card: Hung) -> None:
    """Delete the list; where Telegram does not let us, nothing of it stays to be read."""
    if card.message_id is not None:
        try:
            await bot.delete_message(card.tg_chat_id, card.message_id)
        except (BadRequest, Forbidden):

            async def gone() -> None:
                """It is not there any more, which is what was wanted."""

            found = await house.database.read(forwarding.round_name, card.round_id)
            title, name = ("", "") if found is None else found[1:]
            edit = await group_cards.edit_in_group(
                bot,
                house,
                card.tg_chat_id,
                card.thread_id,
                card.message_id,
                list_taken_down_card(title, name, card.language),
                gone,
            )
            if edit is Edit.NOT_YET:
                return
        except TelegramError:
            return  # the next look tries again
    await house.database.write(publicity.took_down, card.id, now=house.clock())


def _drawn(house: House, facts: PublicList, kind: RoundCardKind, language: str) -> GroupCard:
    if kind is RoundCardKind.WINNERS:
        return winners_card(facts, language)
    today = moments.local_day(house.clock(), house.zone)
    return public_list_card(facts, language, today, house.link)
