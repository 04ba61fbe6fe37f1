"""Receiving entries, as whoever holds a venue does it: look, accept, return, take out."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update
from telegram.constants import ParseMode
from telegram.error import BadRequest

from handlers.cards import Card, Key
from handlers.competitions.buttons import ShowCompetition
from handlers.competitions.entering_buttons import (
    AcceptEntries,
    AcceptEntry,
    DisqualifyEntry,
    EntryFiles,
    OpenEntries,
    OpenHeld,
    OpenReceiving,
    OpenShares,
    ReturnEntry,
)
from handlers.competitions.entering_text import asked_card, put_forward_card
from handlers.competitions.receiving_text import (
    accepted_card,
    disqualified_card,
    entries_card,
    held_card,
    receiving_card,
    returned_card,
    shares_card,
    sure_card,
)
from handlers.competitions.venue import on_venue
from handlers.context import Context, House, hush, show, show_anew, tap
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import Home, OpenDesk
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_tap, on_text
from locales import catalog
from storage.competitions import putting_forward, receiving, teams
from storage.competitions.receiving import Told
from storage.competitions.tables import CompetingState, VenueState
from storage.messaging.outbox import Claimed
from storage.people import accounts, staff
from storage.people.accounts import Reader
from storage.people.authority import Act

RETURN = "entryreturn"
OUT = "entryout"


def install(application: AnyApplication) -> None:
    on_desk(application, (Act.RUN_COMPETITION,), _label, OpenReceiving, ("entries",), if_any=True)
    on_venue(application, _entries, OpenEntries, (VenueState.OPEN,))
    on_tap(application, OpenReceiving, open_receiving)
    on_tap(application, OpenEntries, open_entries)
    on_tap(application, OpenHeld, open_held)
    on_tap(application, EntryFiles, send_files)
    on_tap(application, AcceptEntry, accept)
    on_tap(application, AcceptEntries, accept_all)
    on_tap(application, ReturnEntry, ask_return)
    on_text(application, RETURN, return_typed)
    on_tap(application, DisqualifyEntry, ask_out)
    on_text(application, OUT, out_typed)
    on_tap(application, OpenShares, open_shares)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Entries to accept")


def _entries(language: str) -> str:
    _ = catalog(language).gettext
    return _("Entries")


async def open_receiving(update: Update, context: Context) -> None:
    """Show where entries wait for me; at once the one place, where there is one."""
    reader = await context.reader(update)
    teacher_id, now = reader.linked_teacher_id, context.now()
    places = await context.read(receiving.to_receive, teacher_id, now=now)
    if len(places) == 1:
        await _show_entries(update, context, reader, places[0][0])
        return
    has_desk = await context.read(staff.has_desk, teacher_id, now=now)
    back = OpenDesk() if has_desk else Home()
    await show(update, context, reader, receiving_card(places, reader.language, back))


async def open_entries(update: Update, context: Context) -> None:
    """Show a page of the entries of a venue."""
    button = OpenEntries.parse(tap(update).data)
    await _show_entries(update, context, await context.reader(update), button.venue_id, button.page)


async def _show_entries(
    update: Update,
    context: Context,
    reader: Reader,
    venue_id: int,
    page: int = 0,
    said: str = "",
) -> None:
    now = context.now()
    facts = await context.read(
        receiving.entries, reader.linked_teacher_id, venue_id, page=page, now=now
    )
    card = entries_card(facts, reader.language, context.house.zone, now, said)
    await show(update, context, reader, card)


async def open_held(update: Update, context: Context) -> None:
    """Show an entry."""
    button = OpenHeld.parse(tap(update).data)
    await _show_held(update, context, await context.reader(update), button.entry_id)


async def _show_held(
    update: Update, context: Context, reader: Reader, entry_id: int, said: str = ""
) -> None:
    now = context.now()
    facts = await context.write(receiving.held_entry, reader.linked_teacher_id, entry_id, now=now)
    card = held_card(facts, reader.language, context.house.zone, now, said)
    await show(update, context, reader, card)


async def send_files(update: Update, context: Context) -> None:
    """Send what was handed in, each with what it is, and the card below it."""
    button = EntryFiles.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    found = await context.write(
        receiving.files, reader.linked_teacher_id, button.entry_id, now=context.now()
    )
    await hush(update)
    gone = False
    for title, piece in found:
        caption = html.escape(title)
        if not piece.file_id:
            text = _("{title}: {address}").format(title=caption, address=html.escape(piece.url))
            await context.bot.send_message(reader.tg_user_id, text, parse_mode=ParseMode.HTML)
            continue
        send: Any = context.bot.send_document if piece.file_name else context.bot.send_photo
        if piece.is_video:
            send = context.bot.send_video
        try:
            await send(reader.tg_user_id, piece.file_id, caption=caption, parse_mode=ParseMode.HTML)
        except BadRequest:
            gone = True
    if gone:
        text = _("A file is no longer to be had; please ask the entrant to send it again.")
        await context.bot.send_message(reader.tg_user_id, text)
    # Below what was sent: what to do with it is decided after looking.
    now = context.now()
    facts = await context.write(
        receiving.held_entry, reader.linked_teacher_id, button.entry_id, now=now
    )
    card = held_card(facts, reader.language, context.house.zone, now)
    await show_anew(context, reader, card)


async def accept(update: Update, context: Context) -> None:
    """Accept an entry."""
    button = AcceptEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    done = await context.write(
        receiving.accept, reader.linked_teacher_id, button.entry_id, now=context.now()
    )
    said = (
        _("Accepted. The entrant is told in ten minutes; until then it can be undone.")
        if done.number
        else _("This entry is accepted already; nothing is left to do.")
    )
    now = context.now()
    facts = await context.write(
        receiving.held_entry, reader.linked_teacher_id, button.entry_id, now=now
    )
    card = held_card(facts, reader.language, context.house.zone, now, said)
    if done.deed_id is not None:
        card = Card(card.text, ((undo_key(done.deed_id, reader.language),), *card.keys))
    await show(update, context, reader, card)


async def accept_all(update: Update, context: Context) -> None:
    """Ask once more, then accept all that wait."""
    button = AcceptEntries.parse(tap(update).data)
    reader = await context.reader(update)
    ngettext = catalog(reader.language).ngettext
    _ = catalog(reader.language).gettext
    now = context.now()
    if not button.sure:
        facts = await context.read(
            receiving.entries, reader.linked_teacher_id, button.venue_id, now=now
        )
        if facts.to_accept:
            await show(update, context, reader, sure_card(facts, reader.language))
            return
    done = await context.write(
        receiving.accept_all, reader.linked_teacher_id, button.venue_id, now=now
    )
    if not done.number:
        said = _("No entry waits here any more.")
    else:
        said = ngettext(
            "{n} entry is accepted. Its entrant is told in ten minutes; until then it can be "
            "undone.",
            "{n} entries are accepted. Their entrants are told in ten minutes; until then it can "
            "be undone.",
            done.number,
        ).format(n=done.number)
    await _show_entries(update, context, reader, button.venue_id, 0, said)


async def ask_return(update: Update, context: Context) -> None:
    """Take the next text as what is to be mended."""
    button = ReturnEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _("Please type in a few words what is to be completed or changed.")
    await _ask(update, context, reader, RETURN, button.entry_id, text)


async def ask_out(update: Update, context: Context) -> None:
    """Take the next text as the reason for taking the entry out."""
    button = DisqualifyEntry.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _(
        "Please type the reason for which this entry is taken out. Only the entrant is told, in "
        "ten minutes; until then it can be undone."
    )
    await _ask(update, context, reader, OUT, button.entry_id, text)


async def _ask(
    update: Update, context: Context, reader: Reader, what: str, entry_id: int, text: str
) -> None:
    _ = catalog(reader.language).gettext
    now = context.now()
    await context.write(receiving.held_entry, reader.linked_teacher_id, entry_id, now=now)
    await context.write(accounts.await_text, reader.account_id, f"{what}:{entry_id}", now=now)
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), OpenHeld(entry_id)),),)))


async def return_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Return the entry for this reason."""
    _ = catalog(reader.language).gettext
    said = _("Returned. The entrant has been told what to complete.")
    await _typed(update, context, reader, text, receiving.send_back, said)


async def out_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the entry out for this reason."""
    _ = catalog(reader.language).gettext
    said = _("Taken out. The entrant is told in ten minutes; until then it can be undone.")
    await _typed(update, context, reader, text, receiving.disqualify, said)


async def _typed(
    update: Update,
    context: Context,
    reader: Reader,
    text: str,
    operation: Callable[..., object],
    said: str,
) -> None:
    entry_id = int(reader.awaiting.partition(":")[2])
    now = context.now()

    def change(session: Session) -> None:
        operation(session, reader.linked_teacher_id, entry_id, text, now=now)
        accounts.await_text(session, reader.account_id, "", now=now)

    await context.write(change)
    context.house.wake_delivery()
    await _show_held(update, context, reader, entry_id, said)


async def open_shares(update: Update, context: Context) -> None:
    """Show how many of each school's people have entered."""
    button = OpenShares.parse(tap(update).data)
    reader = await context.reader(update)
    found = await context.read(
        receiving.shares, reader.linked_teacher_id, button.competition_id, now=context.now()
    )
    card = shares_card(button.competition_id, found, button.page, reader.language)
    await show(update, context, reader, card)


# --- what is said unasked ----------------------------------------------------------------------

Drawn = Callable[[Told, str, ZoneInfo, date], Card]


async def _told(house: House, row: Claimed, state: CompetingState, drawn: Drawn) -> Said:
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    facts = await house.database.read(receiving.told, row.facts, row.teacher_id)
    if facts is None or facts.state is not state:
        return Nothing("the entry stands otherwise by now")
    today = house.clock().astimezone(house.zone).date()
    return Say(drawn(facts, row.language, house.zone, today))


async def accepted(house: House, row: Claimed) -> Said:
    """The entry is accepted, unless that was taken back."""
    return await _told(house, row, CompetingState.COMPETING, accepted_card)


async def returned(house: House, row: Claimed) -> Said:
    """The entry comes back to be mended, unless it was handed in again."""
    return await _told(house, row, CompetingState.RETURNED, returned_card)


async def disqualified(house: House, row: Claimed) -> Said:
    """The entry is taken out, unless that was taken back."""

    def drawn(facts: Told, language: str, _zone: ZoneInfo, _today: date) -> Card:
        return disqualified_card(facts, language)

    return await _told(house, row, CompetingState.DISQUALIFIED, drawn)


async def mate_asked(house: House, row: Claimed) -> Said:
    """A colleague asks to make an entry together, unless it was taken back or answered."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    facts = await house.database.read(teams.asked_of, row.teacher_id, row.facts["entry_id"])
    if facts is None:
        return Nothing("it is settled")
    return Say(asked_card(facts, row.language))


async def put_forward(house: House, row: Claimed) -> Said:
    """Somebody would like to put this person forward, unless it was answered."""
    facts = await house.database.read(putting_forward.asked, row.facts["entry_id"])
    if facts is None or not facts.awaits_answer:
        return Nothing("it is settled")
    today = house.clock().astimezone(house.zone).date()
    return Say(put_forward_card(facts, row.language, house.zone, today))


async def declined(house: House, row: Claimed) -> Said:
    """Whom this person put forward does not enter this time."""
    found = await house.database.read(putting_forward.declined, row.facts["entry_id"])
    if found is None:
        return Nothing("the person enters after all")
    _ = catalog(row.language).gettext
    name, title, competition_id = found
    text = _(
        "{name} does not enter <b>{title}</b> this time. You can put somebody else forward."
    ).format(name=html.escape(name), title=html.escape(title))
    return Say(Card(text, ((Key(_("The competition"), ShowCompetition(competition_id)),),)))
