"""My hours: the summary, the entries behind it, why some count for less, and a picture."""

from __future__ import annotations

import asyncio

from telegram import Update

from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, show, show_picture, tap
from handlers.credits.appeals import MyAppeals, PickLine
from handlers.credits.buttons import (
    HourLines,
    HoursPicture,
    HowCounted,
    OpenHours,
    WhyAllCapped,
    WhyCapped,
)
from handlers.credits.claims import MyClaims
from handlers.credits.hours_picture import my_hours_png
from handlers.credits.hours_text import (
    LINES_A_PAGE,
    all_why_text,
    capped_lines,
    detail_pages,
    detail_text,
    how_text,
    lines_on,
    summary_text,
    why_text,
)
from handlers.people.buttons import Home
from handlers.training.buttons import OpenCertificates
from handlers.wiring import AnyApplication, on_command, on_link, on_tap
from locales import catalog, dates
from storage.credits import balance
from storage.credits.balance import Balance
from storage.credits.tables import EntryState
from storage.people.accounts import Reader

WHY_A_ROW = 3


def install(application: AnyApplication) -> None:
    on_command(application, ["hours", "credits"], open_hours)
    on_link(application, "hours", _linked)
    on_tap(application, OpenHours, open_hours)
    on_tap(application, HourLines, open_lines)
    on_tap(application, WhyCapped, tell_why)
    on_tap(application, WhyAllCapped, tell_why_all)
    on_tap(application, HowCounted, tell_how)
    on_tap(application, HoursPicture, draw)


def summary_card(facts: Balance, language: str) -> Card:
    """Where the person stands; *why?* is offered when something does not count."""
    _ = catalog(language).gettext
    # What was taken back says so by itself; the key is for what a rule keeps from counting.
    is_capped = any(line.state is not EntryState.REVERSED for line in capped_lines(facts))
    why = (Key(_("Why not all count"), WhyAllCapped()),) if is_capped else ()
    return Card(
        summary_text(facts, language),
        (
            (Key(_("Details"), HourLines(0)), Key(_("As a picture"), HoursPicture())),
            (Key(_("How it is computed"), HowCounted()), *why),
            (Key(_("Claim hours"), MyClaims()), Key(_("Appeals"), MyAppeals())),
            (Key(_("My certificates"), OpenCertificates()), Key(_("Menu"), Home())),
        ),
    )


def lines_card(facts: Balance, page: int, language: str) -> Card:
    """One page of entries; those of which something does not count have a key each."""
    _ = catalog(language).gettext
    pages = detail_pages(facts)
    page = min(max(page, 0), pages - 1)
    first = page * LINES_A_PAGE + 1
    whys = [
        Key(_("Why? ({number})").format(number=number), WhyCapped(line.entry_id, page))
        for number, line in enumerate(lines_on(facts, page), first)
        if line.why
    ]
    rows: Keys = tuple(tuple(whys[n : n + WHY_A_ROW]) for n in range(0, len(whys), WHY_A_ROW))
    turning = pager(page, pages, HourLines)
    return Card(
        detail_text(facts, page, language),
        (
            *rows,
            *((turning,) if turning else ()),
            (Key(_("Something is wrong"), PickLine(page)), Key(_("Back"), OpenHours())),
        ),
    )


def why_card(facts: Balance, entry_id: int, page: int, language: str) -> Card:
    """Why one entry counts for less. Raises ``NotFound`` when it is none of this balance."""
    _ = catalog(language).gettext
    return Card(
        why_text(facts, entry_id, language),
        ((Key(_("Back"), HourLines(max(page, 0))), Key(_("My hours"), OpenHours())),),
    )


def picture_caption(facts: Balance, language: str) -> Card:
    """What stands under the picture."""
    _ = catalog(language).gettext
    text = _("As of {day}. Only you see this.").format(day=dates.day(facts.as_of, language))
    return Card(text, ((Key(_("Back"), OpenHours()),),))


async def open_hours(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    await _show_summary(update, context, reader)


async def open_lines(update: Update, context: Context) -> None:
    page = HourLines.parse(tap(update).data).page
    reader = await context.reader(update)
    facts = await _facts(context, reader)
    await show(update, context, reader, lines_card(facts, page, reader.language))


async def tell_why(update: Update, context: Context) -> None:
    asked = WhyCapped.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _facts(context, reader)
    card = why_card(facts, asked.entry_id, asked.page, reader.language)
    await show(update, context, reader, card)


async def tell_why_all(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    text = all_why_text(await _facts(context, reader), reader.language)
    await show(update, context, reader, Card(text, _back(reader.language)))


async def tell_how(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    text = how_text(await _facts(context, reader), reader.language)
    await show(update, context, reader, Card(text, _back(reader.language)))


async def draw(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    facts = await _facts(context, reader)
    picture = await asyncio.to_thread(my_hours_png, facts, reader.name, reader.language)
    caption = picture_caption(facts, reader.language)
    await show_picture(update, context, reader, picture, caption, "hours.png")


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_summary(update, context, reader)


async def _show_summary(update: Update, context: Context, reader: Reader) -> None:
    facts = await _facts(context, reader)
    await show(update, context, reader, summary_card(facts, reader.language))


async def _facts(context: Context, reader: Reader) -> Balance:
    return await context.read(balance.balance_of, reader.linked_teacher_id, now=context.now())


def _back(language: str) -> Keys:
    _ = catalog(language).gettext
    return ((Key(_("Back"), OpenHours()),),)
