"""Rehearsing a programme: what publishing it would send, before anybody is sent anything."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from telegram import Update

from handlers.cards import Card
from handlers.context import Context, edit_in_place, hush, send_file, show, tap
from handlers.training.rehearsal_text import (
    RehearsalPage,
    RehearsalSheet,
    Rehearse,
    part_card,
    rehearsal_card,
    rehearsal_sheets,
)
from handlers.wiring import AnyApplication, on_run, on_tap
from locales import catalog
from storage import sheets
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.training import rehearsal
from storage.training.rehearsal import Rehearsal

KEPT = 8  # rehearsals whose pages can be turned without reckoning anew
FRESH = timedelta(minutes=10)


def install(application: AnyApplication) -> None:
    on_run(application, {Act.RUN_PROGRAMME}, _label, Rehearse, prepares=True)
    on_tap(application, Rehearse, rehearse)
    on_tap(application, RehearsalPage, turn)
    on_tap(application, RehearsalSheet, send_sheets)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Rehearse")


async def rehearse(update: Update, context: Context) -> None:
    """Reckon anew and show the figures."""
    button = Rehearse.parse(tap(update).data)
    reader = await context.reader(update)
    await context.read(
        rehearsal.check, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    # It takes a moment, and a tap that shows nothing looks as if nothing happened.
    _ = catalog(reader.language).gettext
    reckoning = Card(_("Reckoning what would be sent. This takes a moment…"))
    await asyncio.gather(hush(update), edit_in_place(update, context, reckoning))
    facts = await _reckon(context, reader, button.batch_id)
    await show(update, context, reader, rehearsal_card(facts, reader.language, context.house.zone))


async def turn(update: Update, context: Context) -> None:
    """Show a page of details of the rehearsal that was made last."""
    button = RehearsalPage.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _facts(update, context, reader, button.batch_id)
    language, zone = reader.language, context.house.zone
    if button.part:
        card = part_card(facts, button.part, button.page, language, zone)
    else:
        card = rehearsal_card(facts, language, zone)
    await show(update, context, reader, card)


async def send_sheets(update: Update, context: Context) -> None:
    """Send all of it as a file; the log keeps that it was taken."""
    button = RehearsalSheet.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await _facts(update, context, reader, button.batch_id)
    await context.write(
        rehearsal.exported,
        reader.linked_teacher_id,
        button.batch_id,
        rows=len(facts.people) + len(facts.unreached),
        now=context.now(),
    )
    content = sheets.write(rehearsal_sheets(facts, reader.language, context.house.zone))
    caption = _("The rehearsal as of {time}, reckoned as if nobody did anything meanwhile.").format(
        time=f"{facts.made_at.astimezone(context.house.zone):%Y-%m-%d %H:%M}"
    )
    name = _("{title} rehearsal").format(title=facts.title) + ".xlsx"
    await send_file(update, context, reader, content, name, caption)


async def _facts(update: Update, context: Context, reader: Reader, batch_id: int) -> Rehearsal:
    """The rehearsal that this person made last, as long as it is fresh; else a new one."""
    teacher_id, now = reader.linked_teacher_id, context.now()
    await context.read(rehearsal.check, teacher_id, batch_id, now=now)
    kept: dict[tuple[int, int], Rehearsal] = context.bot_data.get("rehearsals", {})
    known = kept.get((teacher_id, batch_id))
    if known is not None and now - known.made_at < FRESH:
        return known
    await hush(update)
    return await _reckon(context, reader, batch_id)


async def _reckon(context: Context, reader: Reader, batch_id: int) -> Rehearsal:
    teacher_id, now = reader.linked_teacher_id, context.now()
    facts = await context.aside(
        rehearsal.copied(now), rehearsal.rehearse, teacher_id, batch_id, now=now
    )
    # Only to turn its pages: whatever is not here any more is reckoned anew.
    kept: dict[tuple[int, int], Rehearsal] = context.bot_data.setdefault("rehearsals", {})
    kept.pop((teacher_id, batch_id), None)
    kept[teacher_id, batch_id] = facts
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
    return facts
