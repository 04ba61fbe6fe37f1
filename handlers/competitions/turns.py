"""The timetable of a venue: laid out by blocks, typed or as a table; moved; who did not come."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button, StaleButton
from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.buttons import OpenJudging, OpenVenue
from handlers.competitions.judging_buttons import (
    LayTurns,
    MoveTurn,
    NoteAbsent,
    OpenTurn,
    OpenTurns,
    PostTurns,
    PutTurns,
    TurnsSheet,
)
from handlers.competitions.venue import heading, local, sure_card
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.files import Attachment, NotATable, on_file, read_table
from handlers.training import times
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage import sheets
from storage.calendar.saying import Span
from storage.competitions import timetable
from storage.competitions.tables import RoundState
from storage.competitions.timetable import Block, Slot, Timetable, Turn
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.refusals import NotFound

AWAITED = "kgblocks"
AWAITED_MOVE = "kgmove"
AWAITED_SHEET = "kgturns"
DRAFT = "turns"
PAGE = 20
KEYS = 12  # turns on a page that have a key of their own
LABEL = 40
MINUTES = (8, 10, 12, 15, 20, 25, 30, 40, 45)
MOST_BLOCKS = 40
LONGEST_TURN = 240  # minutes
HEADERS = {
    "number": ("编号", "編號", "参赛编号", "參賽編號", "number", "no."),
    "day": ("日期", "date", "day"),
    "time": ("时间", "時間", "开始时间", "time", "start"),
    "place": ("地点", "地點", "place"),
}


def install(application: AnyApplication) -> None:
    on_tap(application, OpenTurns, open_turns)
    on_tap(application, LayTurns, lay)
    on_text(application, AWAITED, blocks_typed)
    on_tap(application, PutTurns, put)
    on_tap(application, OpenTurn, open_turn)
    on_tap(application, MoveTurn, ask_when)
    on_text(application, AWAITED_MOVE, when_typed)
    on_tap(application, NoteAbsent, note_absent)
    on_tap(application, TurnsSheet, send_sheet)
    on_file(application, AWAITED_SHEET, sheet_sent)
    on_tap(application, PostTurns, post)


# --- cards ----------------------------------------------------------------------------------------


def turns_card(
    facts: Timetable,
    page: int,
    language: str,
    zone: ZoneInfo,
    today: date,
    said: str = "",
) -> Card:
    """The timetable: with names and keys for who holds the venue, by number for judges."""
    _ = catalog(language).gettext
    id_ = facts.venue_id
    lines = [said, ""] if said else []
    lines.append(heading(facts.competition, facts.round, facts.track))
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    pages = max(1, -(-len(facts.turns) // KEYS))
    page = min(max(0, page), pages - 1)
    shown = facts.turns[page * KEYS : (page + 1) * KEYS]
    if not facts.turns:
        lines.append(_("The order is not drawn yet."))
    lines += [turn_text(one, language, zone, today) for one in shown]
    rows: list[tuple[Key, ...]] = []
    may_change = facts.has_names and facts.state in timetable.HELD
    if may_change:
        keys = [Key(one.number, OpenTurn(id_, one.place_id)) for one in shown]
        rows += [tuple(keys[n : n + 4]) for n in range(0, len(keys), 4)]
    turn = pager(page, pages, lambda n: OpenTurns(id_, n))
    if turn:
        rows.append(turn)
    if may_change:
        is_laid = any(one.slot_at for one in facts.turns)
        style = None if is_laid else "primary"
        rows.append(
            (
                Key(_("Lay it out"), LayTurns(id_), style=style),
                Key(_("By table"), TurnsSheet(id_)),
            )
        )
        if is_laid:
            rows.append((Key(_("Post in groups"), PostTurns(id_)),))
    back: Button = OpenVenue(id_) if facts.has_names else OpenJudging(id_)
    return Card("\n".join(lines), (*rows, (Key(_("Back"), back),)))


def turn_text(one: Turn, language: str, zone: ZoneInfo, today: date) -> str:
    """One turn in a line."""
    _ = catalog(language).gettext
    when = (
        _("no time yet")
        if one.slot_at is None
        else dates.moment(one.slot_at, zone, language, today)
    )
    if one.state is RoundState.ABSENT:
        when = words.round_states(language)[one.state]
    if one.room and one.state is not RoundState.ABSENT:
        when = _("{when}, {place}").format(when=when, place=html.escape(one.room))
    if one.name:
        return _("{number}  {when}  {name}, {unit}").format(
            number=one.number, when=when, name=html.escape(one.name), unit=html.escape(one.unit)
        )
    return _("{number}  {when}").format(number=one.number, when=when)


# --- what is tapped, typed and sent ---------------------------------------------------------------


async def open_turns(update: Update, context: Context) -> None:
    button = OpenTurns.parse(tap(update).data)
    reader = await context.reader(update)
    await show_turns(update, context, reader, button.venue_id, button.page)


async def show_turns(
    update: Update, context: Context, reader: Reader, venue_id: int, page: int = 0, said: str = ""
) -> None:
    facts = await _facts(context, reader, venue_id)
    card = turns_card(facts, page, reader.language, *local(context), said)
    await show(update, context, reader, card)


async def _facts(context: Context, reader: Reader, venue_id: int) -> Timetable:
    return await context.read(
        timetable.turns, reader.linked_teacher_id, venue_id, now=context.now()
    )


async def lay(update: Update, context: Context) -> None:
    """Ask how long a turn is, then take the next text as the stretches of time."""
    button = LayTurns.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    back = (Key(_("Cancel"), OpenTurns(button.venue_id)),)
    if not 0 < button.minutes <= LONGEST_TURN:
        keys = [
            Key(_("{n} min").format(n=minutes), LayTurns(button.venue_id, minutes))
            for minutes in MINUTES
        ]
        rows = tuple(tuple(keys[n : n + 3]) for n in range(0, len(keys), 3))
        text = _("How long is each turn, from one beginning to the next?")
        await show(update, context, reader, Card(text, (*rows, back)))
        return
    awaited = f"{AWAITED}:{button.venue_id}:{button.minutes}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "Please type the stretches of time, one a line, with the place behind @, such as\n"
        "<code>Dec 4 8:00-11:30 @Hall</code>\n"
        "<code>Dec 4 14:00-17:00</code>\n"
        "Breaks are what lies between; with several places turns go on side by side. "
        "You will see the turns before anybody is told."
    )
    await show(update, context, reader, Card(text, (back,)))


def read_blocks(text: str, now: datetime, zone: ZoneInfo) -> tuple[list[Block], str, list[str]]:
    """Read stretches of time, the place behind @, and what was not understood.

    A line without a place is where the one before is. Where there is one place alone, it is that
    of the venue; with several, each turn has its room.
    """
    found: list[Block] = []
    lost: list[str] = []
    place = ""
    for line in filter(None, (line.strip() for line in text.splitlines())):
        span, where = _span_and_place(line, now, zone)
        if span is None or len(found) >= MOST_BLOCKS:
            lost.append(line)
            continue
        place = " ".join(where.split()) or place
        found.append(Block(span.starts_at, span.ends_at, place))
    if len({one.room for one in found}) > 1:
        return found, "", lost
    return [replace(one, room="") for one in found], place, lost


def _span_and_place(line: str, now: datetime, zone: ZoneInfo) -> tuple[Span | None, str]:
    """Read a stretch and what follows it, be it behind @ or just behind a space."""
    hours, marked, where = line.replace("＠", "@").partition("@")
    if marked:
        return times.span(hours.strip(), now, zone), where
    words = line.split()
    for count in range(len(words), 0, -1):
        span = times.span(" ".join(words[:count]), now, zone)
        if span is not None:
            return span, " ".join(words[count:])
    return None, ""


async def blocks_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show the turns that the typed stretches make; nothing is put in yet."""
    _prefix, venue, minutes = reader.awaiting.split(":")
    _ = catalog(reader.language).gettext
    venue_id, now, zone = int(venue), context.now(), context.house.zone
    blocks, place, lost = read_blocks(text, now, zone)
    cancel = (Key(_("Cancel"), OpenTurns(venue_id)),)
    if lost or not blocks:
        wrong = "\n".join(html.escape(shortened(line, LABEL)) for line in lost[:8])
        said = _(
            "I did not understand this:\n{lines}\n"
            "Please type all lines again, such as <code>Dec 4 8:00-11:30 @Hall</code>."
        ).format(lines=wrong)
        await show(update, context, reader, Card(said, (cancel,)))
        return
    facts = await _facts(context, reader, venue_id)
    there = [one for one in facts.turns if one.state is RoundState.SCHEDULED]
    slots = timetable.laid(blocks, int(minutes), len(there))
    turns = {one.place_id: slot for one, slot in zip(there, slots, strict=True)}
    await _preview(update, context, reader, facts, turns, place or None)


async def _preview(
    update: Update,
    context: Context,
    reader: Reader,
    facts: Timetable,
    turns: Mapping[int, Slot],
    place: str | None,
    lost: Sequence[str] = (),
) -> None:
    """Keep what was understood until it is put in, and show it."""
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    zone, today = local(context)
    data = {
        "venue_id": facts.venue_id,
        "turns": {str(key): [slot.at.isoformat(), slot.room] for key, slot in turns.items()},
        "place": place,
    }
    await context.write(drafts.keep, reader.account_id, DRAFT, data, now=context.now())
    moved = [
        one
        for one in facts.turns
        if one.place_id in turns
        and (turns[one.place_id].at, turns[one.place_id].room) != (one.slot_at, one.room)
    ]
    lines = [
        heading(facts.competition, facts.round, facts.track),
        ngettext(
            "{n} turn is new or moved; whom it concerns is told.",
            "{n} turns are new or moved; those whom it concerns are told.",
            len(moved),
        ).format(n=len(moved)),
    ]
    if place:
        lines.append(_("Where: {place}").format(place=html.escape(place)))
    for one in moved[:PAGE]:
        moved_to = replace(
            one, slot_at=turns[one.place_id].at, room=turns[one.place_id].room, name=""
        )
        lines.append(turn_text(moved_to, reader.language, zone, today))
    if len(moved) > PAGE:
        more = len(moved) - PAGE
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    lines += [
        "✗ " + _("{line} (not understood)").format(line=html.escape(shortened(line, LABEL)))
        for line in lost[:8]
    ]
    now = context.now()
    is_past = any(turns[one.place_id].at <= now for one in moved)
    days = [local_day(turns[one.place_id].at, zone) for one in moved]
    if is_past:
        lines.append(_("This time is over; please type a later one."))
    elif days and facts.starts_at is not None and facts.ends_at is not None:
        first, last = (local_day(moment, zone) for moment in (facts.starts_at, facts.ends_at))
        if min(days) < first or max(days) > last:
            lines.append(
                _("⚠ The round is held {days}; some of these turns are on other days.").format(
                    days=dates.days(first, last, reader.language, today)
                )
            )
    rows: list[tuple[Key, ...]] = []
    if (moved or place) and not is_past:
        rows.append((Key(_("Set the turns"), PutTurns(), style="primary"),))
    rows.append((Key(_("Cancel"), OpenTurns(facts.venue_id)),))
    await show(update, context, reader, Card("\n".join(lines), tuple(rows)))


async def put(update: Update, context: Context) -> None:
    """Put in what was shown; a second tap finds it put in."""
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    ngettext = catalogue.ngettext
    venue_id, moved = await context.write(_put, reader, now=context.now())
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    context.house.wake_delivery()
    said = ngettext("{n} turn was set.", "{n} turns were set.", moved).format(n=moved)
    await show_turns(update, context, reader, venue_id, said=said)


def _put(session: Session, reader: Reader, *, now: datetime) -> tuple[int, int]:
    data: dict[str, Any] | None = drafts.read(session, reader.account_id, DRAFT, lock=True)
    if data is None:
        raise NotFound("draft")
    if "done" in data:  # the second of two taps is told what the first did
        return data["venue_id"], data["done"]
    given = {
        int(key): Slot(datetime.fromisoformat(at), room)
        for key, (at, room) in data["turns"].items()
    }
    moved = timetable.put(
        session, reader.linked_teacher_id, data["venue_id"], given, place=data["place"], now=now
    )
    drafts.keep(session, reader.account_id, DRAFT, data | {"done": moved}, now=now)
    return data["venue_id"], moved


async def open_turn(update: Update, context: Context) -> None:
    """Show one turn, with what can be done about it."""
    button = OpenTurn.parse(tap(update).data)
    await _show_turn(update, context, await context.reader(update), button)


async def _show_turn(
    update: Update, context: Context, reader: Reader, button: OpenTurn, said: str = ""
) -> None:
    _ = catalog(reader.language).gettext
    facts = await _facts(context, reader, button.venue_id)
    one = next((turn for turn in facts.turns if turn.place_id == button.place_id), None)
    if one is None:
        raise StaleButton
    lines = [said, ""] if said else []
    lines.append(turn_text(one, reader.language, *local(context)))
    if one.title:
        lines.append(html.escape(one.title))
    keys: list[tuple[Key, ...]] = []
    if facts.has_names and facts.state in timetable.HELD:
        place = (button.venue_id, button.place_id)
        if one.state is RoundState.SCHEDULED:
            keys.append(
                (
                    Key(_("Another time"), MoveTurn(*place)),
                    Key(_("Not there"), NoteAbsent(*place, 1)),
                )
            )
        elif one.state is RoundState.ABSENT:
            keys.append((Key(_("Came after all"), NoteAbsent(*place, 0)),))
    back = (Key(_("Back"), OpenTurns(button.venue_id)),)
    await show(update, context, reader, Card("\n".join(lines), (*keys, back)))


async def ask_when(update: Update, context: Context) -> None:
    """Take the next text as another time."""
    button = MoveTurn.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    awaited = f"{AWAITED_MOVE}:{button.venue_id}:{button.place_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "When instead? Such as <code>Dec 4 14:20</code>, with another place behind @. "
        "Only whom it concerns is told."
    )
    back = ((Key(_("Cancel"), OpenTurn(button.venue_id, button.place_id)),),)
    await show(update, context, reader, Card(text, back))


async def when_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    _prefix, venue_id, place_id = reader.awaiting.split(":")
    _ = catalog(reader.language).gettext
    button = OpenTurn(int(venue_id), int(place_id))
    now = context.now()
    when, _at, where = text.partition("@")
    at = times.moment(when.strip(), now, context.house.zone)
    if at is None:
        back = ((Key(_("Cancel"), button),),)
        said = _("I did not understand this time. Such as <code>Dec 4 14:20</code>, please.")
        await show(update, context, reader, Card(said, back))
        return
    await context.write(
        timetable.move,
        reader.linked_teacher_id,
        button.place_id,
        at,
        room=where.strip() or None,
        now=now,
    )
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    context.house.wake_delivery()
    await _show_turn(update, context, reader, button, _("Moved; they are told."))


async def note_absent(update: Update, context: Context) -> None:
    """Ask once more, then note who did not come."""
    button = NoteAbsent.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    place = OpenTurn(button.venue_id, button.place_id)
    if button.absent and not button.sure:
        text = _(
            "Note that this entry does not take part? Nobody is told; until the marks are "
            "revealed it can be taken back."
        )
        sure = NoteAbsent(button.venue_id, button.place_id, 1, 1)
        yes = Key(_("Yes, note it"), sure, style="danger")
        await show(update, context, reader, sure_card(text, yes, place, reader.language))
        return
    await context.write(
        timetable.absent,
        reader.linked_teacher_id,
        button.place_id,
        absent=bool(button.absent),
        now=context.now(),
    )
    await _show_turn(update, context, reader, place, _("Noted."))


async def send_sheet(update: Update, context: Context) -> None:
    """Send the timetable as a table by number, and wait for it to come back."""
    venue_id = TurnsSheet.parse(tap(update).data).venue_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await _facts(context, reader, venue_id)
    zone = context.house.zone
    rows: list[list[str]] = [[_("Number"), _("Day"), _("Time"), _("Place")]]
    for one in facts.turns:
        at = None if one.slot_at is None else one.slot_at.astimezone(zone)
        rows.append(
            [
                one.number,
                "" if at is None else f"{at:%Y-%m-%d}",
                "" if at is None else f"{at:%H:%M}",
                one.room or facts.place,
            ]
        )
    content = sheets.write([(_("Order of turns"), rows)])
    name = _("Order of turns {round}").format(round=facts.round) + ".xlsx"
    awaited = f"{AWAITED_SHEET}:{venue_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    caption = _("Please fill in date and time of each number, and send the table back here.")
    await send_file(update, context, reader, content, name, caption)


async def sheet_sent(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Read the table that came back, and show what it would do."""
    venue_id = int(reader.awaiting.split(":")[1])
    facts = await _facts(context, reader, venue_id)
    dropped = await read_table(context, attachment)
    table = sheets.find_table(dropped.book, HEADERS, ("number", "day", "time"))
    if table is None:
        raise NotATable
    now, zone = context.now(), context.house.zone
    by_number = {
        one.number.lstrip("0"): one for one in facts.turns if one.state is RoundState.SCHEDULED
    }
    turns: dict[int, Slot] = {}
    lost: list[str] = []
    for line in table.lines:
        number = line.values.get("number", "").strip()
        day, hour = line.values.get("day", ""), line.values.get("time", "")
        if not day and not hour:
            continue
        kept = by_number.get(number.lstrip("0"))
        at = times.moment(f"{_day(day)} {_hour(hour)}", now, zone)
        if kept is None or at is None:
            lost.append(" ".join((number, day, hour)))
            continue
        turns[kept.place_id] = Slot(at, " ".join(line.values.get("place", "").split()))
    places = {slot.room for slot in turns.values()} - {""}
    # One place for all is that of the venue; among several each turn says its own.
    alone = places.pop() if len(places) == 1 else ""
    venues = {alone, facts.place}
    turns = {
        key: Slot(slot.at, "" if slot.room in venues else slot.room) for key, slot in turns.items()
    }
    await _preview(update, context, reader, facts, turns, alone or None, lost)


def _day(text: str) -> str:
    day = sheets.as_day(text)
    return text if day is None else day.isoformat()


def _hour(text: str) -> str:
    """The hour of a cell: a spreadsheet may give it with seconds, or behind a day."""
    found = re.search(r"(\d{1,2})[:：](\d{2})(?:[:：]\d{2})?\s*$", text.strip())
    return text if found is None else f"{found[1]}:{found[2]}"


async def post(update: Update, context: Context) -> None:
    """Ask once more, then post the timetable by number in the groups."""
    button = PostTurns.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not button.sure:
        text = _(
            "Post the timetable in the groups of this competition and of your unit? It says "
            "numbers and times, or names where the rules want them, and is kept up to date."
        )
        yes = Key(_("Yes, post it"), PostTurns(button.venue_id, 1), style="primary")
        card = sure_card(text, yes, OpenTurns(button.venue_id), reader.language)
        await show(update, context, reader, card)
        return
    count = await context.write(
        timetable.post, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    context.house.wake_delivery()
    if not count:
        await alert(update, _("No group is bound to this competition or your unit."))
        return
    said = ngettext("It goes to {n} group.", "It goes to {n} groups.", count).format(n=count)
    await show_turns(update, context, reader, button.venue_id, said=said)
