"""Cards of competitions in groups: the opening when entries open, timetables when posted."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session
from telegram import Bot, Update

from handlers import cards
from handlers.cards import Card, Key, pager
from handlers.competitions.buttons import RunCompetition, ShowCompetition
from handlers.competitions.setup_buttons import HangRoundCard, RoundCardPlaces, RulesOf
from handlers.context import Context, House, alert, shortened, show, tap
from handlers.messaging import group_cards
from handlers.messaging.binding_text import group_name
from handlers.messaging.group_cards import Edit, digest
from handlers.messaging.public import round_opening_card, turns_group_card
from handlers.messaging.voices import Nothing, Said, Say
from handlers.wiring import AnyApplication, on_link, on_tap
from locales import catalog
from storage import moments
from storage.calendar import quiet, workdays
from storage.competitions import round_cards, rules, timetable
from storage.competitions.round_cards import Hung, Opening, Places
from storage.competitions.timetable import PublicTimetable
from storage.messaging import outbox
from storage.messaging.outbox import Claimed
from storage.messaging.tables import Priority
from storage.people.accounts import Reader
from storage.refusals import NotFound

KIND = round_cards.KIND
AT_ONCE = 20
LABEL = 40


def install(application: AnyApplication) -> None:
    on_tap(application, RoundCardPlaces, open_places)
    on_tap(application, HangRoundCard, hang)
    on_link(application, r"comp([0-9]{1,18})", by_link)


async def refresh(bot: Bot, house: House) -> int:
    """Post the cards whose entries have opened, edit what is out of date; return the edits."""
    now = house.clock()
    late = await house.database.read(round_cards.late, now=now)
    if late:
        await house.database.write(round_cards.hang_late, late)
    due = [
        *await house.database.read(round_cards.due, now=now),
        *await house.database.read(timetable.cards_due),
    ]
    new = [card for card in due if card.message_id is None]
    if new:
        await house.database.write(_queue, new[:AT_ONCE], house)
        house.wake_delivery()
    # All cards of a thing say the same in a language: it is drawn once, however many hang.
    drawn: dict[tuple[int, int | None, str], cards.GroupCard | None] = {}
    edits = 0
    for card in due:
        if card.message_id is None or edits >= AT_ONCE:
            continue
        place = card.round_id, card.venue_id, card.language
        if place not in drawn:
            facts = await _facts(house, card.round_id, card.venue_id)
            drawn[place] = None if facts is None else _drawn(house, facts, card.language)
        says = drawn[place]
        if says is not None and digest(says) != card.shown:
            edits += await _edit(bot, house, card, card.message_id, says)
    return edits


def _queue(session: Session, new: Sequence[Hung], house: House) -> None:
    """Put cards that hang nowhere yet into the outbox, for the next hour of work."""
    now = house.clock()
    calendar = workdays.load(session)
    at = quiet.next_push(calendar, now)
    day = moments.local_day(at, calendar.zone)
    for card in new:
        outbox.put(
            session,
            KIND,
            chat_id=card.chat_id,
            facts={"round_id": card.round_id, "venue_id": card.venue_id, "card_id": card.id},
            priority=Priority.CARD,
            not_before=at,
            useful_until=moments.at(day + timedelta(days=1), 0, calendar.zone),
            dedupe_key=f"{KIND}:{card.id}:{day.isoformat()}",
            now=now,
        )


async def voice(house: House, row: Claimed) -> Said:
    """Say the card as the group is to see it now."""
    facts = await _facts(house, row.facts["round_id"], row.facts.get("venue_id"))
    if facts is None:
        return Nothing("the competition is gone")
    if isinstance(facts, PublicTimetable) and not facts.is_held:
        return Nothing("the venue has gone on")
    return Say(_drawn(house, facts, row.language))


async def posted(house: House, row: Claimed, message_id: int) -> None:
    """Note which message the card has become; delivery calls this once it is sent."""
    # What exactly was shown is not known any more; the next look compares and knows.
    await house.database.write(
        round_cards.shown, row.facts["card_id"], "", message_id, now=house.clock()
    )


async def _edit(bot: Bot, house: House, card: Hung, message_id: int, drawn: cards.GroupCard) -> int:
    """Let a card say what is true now; return whether Telegram was asked to."""

    async def drop() -> None:
        await house.database.write(round_cards.drop, card.id)

    edit = await group_cards.edit_in_group(
        bot, house, card.tg_chat_id, card.thread_id, message_id, drawn, drop
    )
    if edit is not Edit.DONE:
        return int(edit is Edit.FAILED)
    await house.database.write(
        round_cards.shown, card.id, digest(drawn), message_id, now=house.clock()
    )
    return 1


async def _facts(
    house: House, round_id: int, venue_id: int | None
) -> Opening | PublicTimetable | None:
    try:
        if venue_id is not None:
            return await house.database.read(timetable.public, venue_id)
        return await house.database.read(round_cards.opening, round_id)
    except NotFound:
        return None


def _drawn(house: House, facts: Opening | PublicTimetable, language: str) -> cards.GroupCard:
    if isinstance(facts, PublicTimetable):
        return turns_group_card(facts, language, house.zone, house.clock(), house.link)
    return round_opening_card(facts, language, house.zone, house.clock(), house.link)


def places_card(found: Places, language: str) -> Card:
    """The groups, each with whether the card hangs there."""
    _ = catalog(language).gettext
    lines = [
        _("In which groups shall the card of this competition hang?"),
        _("It goes there when entries open: dates, tracks, and from five on how many entries."),
    ]
    if not found.lines:
        lines.append(_("No group is connected yet."))
    keys: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(f"{'✓' if hangs else '○'} {group_name(group)}", LABEL),
                HangRoundCard(found.round_id, group.id, found.page),
            ),
        )
        for group, hangs in found.lines
    ]
    turn = pager(found.page, found.pages, lambda page: RoundCardPlaces(found.round_id, page))
    keys += [turn] if turn else []
    back = (Key(_("Back"), RunCompetition(found.competition_id)),)
    return Card("\n".join(lines), (*keys, back))


async def open_places(update: Update, context: Context) -> None:
    """Show the groups."""
    button = RoundCardPlaces.parse(tap(update).data)
    await _show(update, context, await context.reader(update), button.round_id, button.page)


async def hang(update: Update, context: Context) -> None:
    """Hang the card, once."""
    button = HangRoundCard.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    is_new = await context.write(
        round_cards.hang_in,
        reader.linked_teacher_id,
        button.round_id,
        button.chat_id,
        now=context.now(),
    )
    if is_new:
        await alert(update, _("The card goes there in the next hour of work."))
    else:
        await alert(update, _("The card hangs there already, and is kept up to date."))
    await _show(update, context, reader, button.round_id, button.page)


async def _show(update: Update, context: Context, reader: Reader, round_id: int, page: int) -> None:
    found = await context.read(
        round_cards.places, reader.linked_teacher_id, round_id, page=page, now=context.now()
    )
    await show(update, context, reader, places_card(found, reader.language))


async def by_link(update: Update, context: Context, reader: Reader, payload: str) -> None:
    """Whoever comes from the card of a group finds the way in."""
    competition_id = int(payload)
    title, _rounds = await context.read(rules.of_competition, competition_id)
    _ = catalog(reader.language).gettext
    enter = Key(_("Enter the competition"), ShowCompetition(competition_id), style="primary")
    card = Card(
        f"<b>{html.escape(title)}</b>", ((enter, Key(_("Rules"), RulesOf(competition_id))),)
    )
    await show(update, context, reader, card)
