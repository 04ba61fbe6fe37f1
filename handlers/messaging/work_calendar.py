"""The office's calendar: holidays, make-up workdays and breaks, shown by month and from a file."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button, StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, alert, shortened, show, tap
from handlers.files import (
    Attachment,
    Dropped,
    NotATable,
    fetch,
    on_document,
    on_file,
    on_table,
    sort_out,
)
from handlers.people.buttons import OpenDesk
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_tap
from locales import catalog, dates
from storage import sheets
from storage.calendar import loading
from storage.calendar.loading import Applied, Day, Month, NotACalendar, Preview
from storage.calendar.tables import DayKind
from storage.moments import local_day
from storage.people import accounts, imports
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting
from storage.refusals import Refusal

ICS = ".ics"
AWAITED = "calendar"  # a file that is sent while a month is looked at
SHOWN = 12  # stretches of days, or rows not understood, that a card lists
SAID = 40  # characters of what is not understood


@dataclass(frozen=True)
class OpenCalendar(Button):
    """One month of the calendar; of 0 the present one."""

    tag = "wc"
    year: int = 0
    month: int = 0


@dataclass(frozen=True)
class ApplyCalendar(Button):
    """Take over a file that was looked at, or (1) what of it does not lie far from the rest."""

    tag = "wca"
    job_id: int
    without: int = 0


@dataclass(frozen=True)
class LeaveStrays(Button):
    """Look at a file without the days that lie far from the rest."""

    tag = "wcl"
    job_id: int


@dataclass(frozen=True)
class DropCalendar(Button):
    """Forget a file that was looked at."""

    tag = "wcx"
    job_id: int


def install(application: AnyApplication) -> None:
    on_tap(application, OpenCalendar, open_month)
    on_tap(application, ApplyCalendar, apply)
    on_tap(application, LeaveStrays, leave_strays)
    on_tap(application, DropCalendar, drop)
    on_file(application, AWAITED, take_file)
    on_document(application, ICS, take_ics)
    on_table(application, loading.is_calendar, take_table)
    on_desk(application, {Act.SET_CALENDAR}, _label, OpenCalendar)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Work calendar")


# --- cards -------------------------------------------------------------------------------------


def month_card(facts: Month, language: str, today: date) -> Card:
    """A month: its days that differ, and how many working days it has."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        _("<b>Work calendar {year}-{month}</b>").format(year=facts.year, month=f"{facts.month:02}"),
        ngettext("{n} working day", "{n} working days", facts.workdays).format(n=facts.workdays),
    ]
    lines += _stretches(facts.days, language, today)
    if not facts.days:
        lines.append(_("No day differs from its weekday."))
    if facts.may_load:
        lines.append(
            _(
                "To change it, send me an .ics file, or a table with the columns date, until, "
                "type and name."
            )
        )
    first = date(facts.year, facts.month, 1)
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    keys = (
        (
            Key("‹", OpenCalendar(before.year, before.month)),
            Key("›", OpenCalendar(after.year, after.month)),
        ),
        (Key(_("Back"), OpenDesk()),),
    )
    return Card("\n".join(lines), keys)


def preview_card(facts: Preview, language: str, today: date, *, without: bool = False) -> Card:
    """What a file would change, before anything is changed.

    ``without``: the days that lie far from the rest are left out already.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    span = dates.days(facts.first, facts.last, language, today)
    lines = [
        _("<b>Work calendar, {span}</b>").format(span=span),
        _(
            "The file replaces all of the calendar in this time: a day that it does not name "
            "follows its weekday."
        ),
    ]
    if facts.strays:
        lines.append(_("These days lie far from the rest. Are they meant?"))
        lines += _stretches(facts.strays, language, today)
    for one in facts.doubtful[:SHOWN]:
        assert one.also is not None
        lines.append(
            _("{day} is in the file twice: {kind} and {also}. It would be {kind}.").format(
                day=dates.day(one.day, language, today),
                kind=kind_text(one.kind, language),
                also=kind_text(one.also, language),
            )
        )
    parts = (
        (facts.new, _("New: {n}")),
        (facts.changed, _("Changed: {n}")),
        (facts.removed, _("Removed: {n}")),
    )
    for days, sentence in parts:
        if days:
            lines.append(sentence.format(n=len(days)))
            lines += _stretches(days, language, today)
        if days and days is facts.changed:
            lines.append(_("Until now:"))
            lines += _stretches(facts.was, language, today)
    back = Key(_("Cancel"), DropCalendar(facts.job_id))
    if not facts.total and not facts.strays:
        lines.append(_("This is what the calendar says already."))
        return Card("\n".join(lines), ((back,),))
    lines.append(
        ngettext(
            "{n} step of reminders moves.", "{n} steps of reminders move.", facts.steps
        ).format(n=facts.steps)
    )
    if facts.strays:
        keys = (
            (Key(_("Leave them out"), LeaveStrays(facts.job_id), style="primary"),),
            (Key(_("Apply all the same"), ApplyCalendar(facts.job_id)), back),
        )
        return Card("\n".join(lines), keys)
    apply_it = ApplyCalendar(facts.job_id, int(without))
    return Card("\n".join(lines), ((Key(_("Apply"), apply_it, style="primary"), back),))


def applied_card(facts: Applied, language: str) -> Card:
    """What was taken over."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        ngettext(
            "{n} day of the calendar was set.", "{n} days of the calendar were set.", facts.days
        ).format(n=facts.days),
        ngettext(
            "{n} step of reminders moved.", "{n} steps of reminders moved.", facts.steps
        ).format(n=facts.steps),
    ]
    keys: list[tuple[Key, ...]] = []
    if facts.deed_id is not None:
        keys.append((undo_key(facts.deed_id, language),))
    keys.append((Key(_("Work calendar"), OpenCalendar()), Key(_("Desk"), OpenDesk())))
    return Card("\n".join(lines), tuple(keys))


def _stretches(days: Sequence[Day], language: str, today: date) -> list[str]:
    """Days that follow each other and are alike, in a line each."""
    ngettext = catalog(language).ngettext
    found: list[list[Day]] = []
    for one in days:
        last = found[-1][-1] if found else None
        alike = last is not None and (last.kind, last.label) == (one.kind, one.label)
        if alike and last is not None and one.day - last.day == timedelta(days=1):
            found[-1].append(one)
        else:
            found.append([one])
    lines = []
    for part in found[:SHOWN]:
        when = dates.days(part[0].day, part[-1].day, language, today)
        label = html.escape(part[0].label)
        kind = kind_text(part[0].kind, language)
        lines.append(f"· {when} {kind}" + (f" · {label}" if label else ""))
    more = len(found) - SHOWN
    if more > 0:
        lines.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    return lines


def kind_text(kind: DayKind, language: str) -> str:
    """What people do on such a day."""
    _ = catalog(language).gettext
    return {
        DayKind.HOLIDAY: _("holiday"),
        DayKind.MAKEUP_WORKDAY: _("make-up workday"),
        DayKind.SCHOOL_BREAK: _("school break"),
    }[kind]


def calendar_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a file is no calendar; empty for what is not ours. Plain text."""
    catalogue = catalog(language)
    _ = catalogue.gettext
    match refusal:
        case NotACalendar(rows=()):
            return _("I found no holidays, make-up workdays or breaks in this file.")
        case NotACalendar(rows=((0, said), *_others)):
            return _("I do not understand “{said}” in this file.").format(
                said=shortened(said, SAID)
            )
        case NotACalendar(rows=rows):
            lines = [
                (
                    _("Row {row}: I do not understand “{said}”.")
                    if said
                    else _("Row {row}: a date or the type is missing.")
                ).format(row=row, said=shortened(said, SAID))
                for row, said in rows[:SHOWN]
            ]
            more = len(rows) - SHOWN
            if more > 0:
                lines.append(
                    catalogue.ngettext("and {n} more", "and {n} more", more).format(n=more)
                )
            lines.append(
                _(
                    "A date looks like 2027-01-01; the type is holiday, make-up workday or school "
                    "break."
                )
            )
            return "\n".join(lines)
        case _:
            return ""


def refused_card(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Why a file that was sent for the calendar changes nothing, and the way back to it."""
    _ = catalog(language).gettext
    text = calendar_text(refusal, language, zone, now) or _(
        "This is not a calendar that I can read. Please send an .ics file, or a table (XLSX, XLS "
        "or CSV) with the columns date, until, type and name."
    )
    keys = ((Key(_("Work calendar"), OpenCalendar()), Key(_("Desk"), OpenDesk())),)
    return Card(html.escape(text, quote=False), keys)


# --- talk --------------------------------------------------------------------------------------


async def open_month(update: Update, context: Context) -> None:
    """Show a month."""
    button = OpenCalendar.parse(tap(update).data)
    await _show_month(update, context, await context.reader(update), button.year, button.month)


async def _show_month(
    update: Update, context: Context, reader: Reader, year: int = 0, number: int = 0
) -> None:
    now = context.now()
    today = local_day(now, context.house.zone)
    if not year:
        year, number = today.year, today.month
    if not (1 <= number <= 12 and today.year - 50 <= year <= today.year + 50):
        raise StaleButton
    facts = await context.read(loading.month, reader.linked_teacher_id, year, number, now=now)
    if facts.may_load:
        await context.write(accounts.await_text, reader.account_id, AWAITED, now=now)
    await show(update, context, reader, month_card(facts, reader.language, today))


async def take_file(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Look at a file sent beside the calendar; a table of another topic goes there all the same."""
    try:
        if attachment.name.lower().endswith(ICS):
            await take_ics(update, context, reader, attachment)
        else:
            await sort_out(update, context, reader)
    except NotATable as refusal:
        await _refuse(update, context, reader, refusal)


async def _refuse(update: Update, context: Context, reader: Reader, refusal: Refusal) -> None:
    card = refused_card(refusal, reader.language, context.house.zone, context.now())
    await show(update, context, reader, card)


async def take_table(update: Update, context: Context, reader: Reader, dropped: Dropped) -> None:
    """Look at a table of days."""
    await context.read(loading.check, reader.linked_teacher_id, now=context.now())
    try:
        days = loading.of_table(dropped.book)
    except NotACalendar as refusal:
        await _refuse(update, context, reader, refusal)
        return
    await _preview(update, context, reader, days, dropped.attachment.name, dropped.content)


async def take_ics(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Look at an iCalendar file."""
    await context.read(loading.check, reader.linked_teacher_id, now=context.now())
    content = await fetch(context, attachment)
    try:
        days = await asyncio.to_thread(loading.of_ics, content)
    except NotACalendar as refusal:
        await _refuse(update, context, reader, refusal)
        return
    await _preview(update, context, reader, days, attachment.name, content)


async def _preview(
    update: Update,
    context: Context,
    reader: Reader,
    days: tuple[Day, ...],
    name: str,
    content: bytes,
    *,
    without: bool = False,
) -> None:
    now = context.now()
    facts = await context.write(
        loading.preview, reader.linked_teacher_id, days, name=name, content=content, now=now
    )
    today = local_day(now, context.house.zone)
    card = preview_card(facts, reader.language, today, without=without)
    await show(update, context, reader, card)


async def leave_strays(update: Update, context: Context) -> None:
    """Look at the file once more, without the days that lie far from the rest."""
    button = LeaveStrays.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id = reader.linked_teacher_id
    kept = await context.read(imports.content_of, actor_id, button.job_id, loading.KIND)
    days = await asyncio.to_thread(_days_of, kept.name, kept.content)
    await _preview(
        update,
        context,
        reader,
        loading.without_strays(days),
        kept.name,
        kept.content,
        without=True,
    )


async def apply(update: Update, context: Context) -> None:
    """Take the file over."""
    button = ApplyCalendar.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id = reader.linked_teacher_id
    days: tuple[Day, ...] = ()
    # One that was taken over and forgotten has nothing left to read: then it is said once more.
    with suppress(NoLongerWaiting):
        kept = await context.read(imports.content_of, actor_id, button.job_id, loading.KIND)
        days = await asyncio.to_thread(_days_of, kept.name, kept.content)
    if button.without:
        days = loading.without_strays(days)
    facts = await context.write(loading.apply, actor_id, button.job_id, days, now=context.now())
    context.house.wake_delivery()
    await show(update, context, reader, applied_card(facts, reader.language))


async def drop(update: Update, context: Context) -> None:
    """Forget the file and show the calendar as it is."""
    button = DropCalendar.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(loading.cancel, reader.linked_teacher_id, button.job_id, now=context.now())
    _ = catalog(reader.language).gettext
    await alert(update, _("Nothing was changed."))
    await _show_month(update, context, reader)


def _days_of(name: str, content: bytes) -> tuple[Day, ...]:
    if name.lower().endswith(ICS):
        return loading.of_ics(content)
    return loading.of_table(sheets.read(content, name))
