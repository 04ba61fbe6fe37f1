"""The plan sheet of a competition dropped into the chat: what it would make, or what is wrong."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import datetime
from pathlib import PurePath
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions import making, running, values_text
from handlers.competitions.setup_buttons import ApplyPlan, BlankPlan, DropPlan
from handlers.context import Context, alert, send_file, show, tap
from handlers.files import Dropped, kept_book, on_table
from handlers.wiring import AnyApplication, on_tap
from locales import catalog, numbers
from storage.competitions import plan_sheet
from storage.competitions.editing import PublicityTooShort, What
from storage.competitions.plan_sheet import Preview, Problem
from storage.people import imports
from storage.people.accounts import Reader

SHOWN = 8  # problems that the card spells out
SAID = 40  # characters of a cell that is quoted


def install(application: AnyApplication) -> None:
    on_table(application, plan_sheet.is_plan, dropped)
    on_tap(application, BlankPlan, blank)
    on_tap(application, ApplyPlan, apply)
    on_tap(application, DropPlan, drop)


def preview_card(found: Preview, context: Context, language: str) -> Card:
    """What the workbook would make, or what is wrong in it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Plan of a competition</b>: {file}").format(file=html.escape(found.file_name))]
    leave = Key(_("Leave it"), DropPlan(found.job_id))
    if found.form is None:
        number = len(found.problems)
        lines.append(
            ngettext(
                "{n} cell was not understood; please mend it and drop the file again.",
                "{n} cells were not understood; please mend them and drop the file again.",
                number,
            ).format(n=number)
        )
        lines += [
            _("{sheet}, row {n}: {problem}").format(
                sheet=html.escape(each.sheet),
                n=each.row,
                problem=html.escape(
                    problem_text(each, language, context.house.zone, context.now())
                ),
            )
            for each in found.problems[:SHOWN]
        ]
        if number > SHOWN:
            lines.append(_("All of them stand in the file, in the last column."))
        return Card("\n".join(lines), ((leave,),))
    lines += making.form_lines(found.form, language, context)
    make = Key(_("Make the draft"), ApplyPlan(found.job_id), style="primary")
    return Card("\n".join(lines), ((make, leave),))


def problem_text(problem: Problem, language: str, zone: ZoneInfo, now: datetime) -> str:
    """What is wrong in a cell, in a few words."""
    _ = catalog(language).gettext
    names = {
        "title": _("What it is called"),
        "kind": _("Kind"),
        "year": _("School year"),
        "name": _("Name of the round"),
        "level": _("Level"),
        "track": _("Track"),
        "stage": _("Stage"),
    }
    if problem.field == "order":
        read = values_text.round_dates(problem.read, language, zone, now)
        return _("the dates of the round are not in order, as they were read: {dates}").format(
            dates=("; " if language == "en" else "；").join(read)
        )
    if problem.field == What.PUBLICITY and problem.read:
        short = PublicityTooShort(problem.read["publicity_until"])
        return values_text.trouble(short, language, zone, now)
    name = names.get(problem.field) or values_text.label(What(problem.field), language)
    if not problem.said:
        return _("{what} is missing, or stands twice").format(what=name)
    return _("{what}: “{said}” is not understood").format(what=name, said=problem.said[:SAID])


async def dropped(update: Update, context: Context, reader: Reader, file: Dropped) -> None:
    """Show what it would make, with the same file if anything is wrong."""
    found = await context.write(
        plan_sheet.preview,
        reader.linked_teacher_id,
        file.book,
        file.content,
        language=context.house.language,
        now=context.now(),
    )
    if found.problems:
        _ = catalog(reader.language).gettext
        separator = "; " if reader.language == "en" else "；"
        notes: dict[tuple[str, int], str] = {}
        zone, now = context.house.zone, context.now()
        for each in found.problems:
            place, text = (each.sheet, each.row), problem_text(each, reader.language, zone, now)
            notes[place] = f"{notes[place]}{separator}{text}" if place in notes else text
        content = await asyncio.to_thread(plan_sheet.annotated, file.book, notes, _("Problem"))
        stem = PurePath(file.attachment.name).stem
        name = _("{file} with problems").format(file=stem) + ".xlsx"
        caption = _("The same table; the last column says what is wrong.")
        await send_file(update, context, reader, content, name, caption)
    await show(update, context, reader, preview_card(found, context, reader.language))


async def blank(update: Update, context: Context) -> None:
    """Send an empty workbook, and in it what is written in each column."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    content = await asyncio.to_thread(
        plan_sheet.blank, reader.language, _("How to fill it in"), guide(reader.language)
    )
    caption = _(
        "A row for each round and each track. The title, kind and school year stand in the "
        "first row of the rounds; what is left empty is what is usual. The third sheet says how "
        "each column is filled in."
    )
    name = _("Plan of a competition") + ".xlsx"
    await send_file(update, context, reader, content, name, caption)


def guide(language: str) -> list[list[str]]:
    """What is written in each column, as rows of a sheet."""
    _ = catalog(language).gettext
    words = plan_sheet.choices(language)
    said = {
        "year": _("Such as {example}; empty is this school year.").format(example="2026-2027"),
        "track": _("One row for each track, such as {example}.").format(example="小学语文"),
        "subject": _("A subject; empty is for all."),
    }
    rounds, tracks = plan_sheet.headers(language)
    rows = [[_("Column"), _("What to write")]]
    for field, name in (rounds | tracks).items():
        text = said.get(field)
        if field in words:
            text = _("One of these: {words}").format(words=numbers.joined(words[field], language))
        if text is None:
            text = values_text.example(What(field), language)
        rows.append([name, html.unescape(re.sub(r"</?code>", "", text))])
    return rows


async def apply(update: Update, context: Context) -> None:
    """Make the draft."""
    job_id = ApplyPlan.parse(tap(update).data).job_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    book = await kept_book(context, reader, job_id, plan_sheet.KIND)
    made = await context.write(
        plan_sheet.apply,
        reader.linked_teacher_id,
        job_id,
        book,
        language=context.house.language,
        now=context.now(),
    )
    await alert(update, _("The draft is made. Nobody else sees it until it is published."))
    await running.show_desk(update, context, reader, made)


async def drop(update: Update, context: Context) -> None:
    """Leave it as it is."""
    job_id = DropPlan.parse(tap(update).data).job_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(imports.cancel, reader.linked_teacher_id, job_id, now=context.now())
    await alert(update, _("Nothing was made of it."))
    await running.show_list(update, context, reader)
