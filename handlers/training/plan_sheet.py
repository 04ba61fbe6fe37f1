"""A plan sheet dropped into the chat: what it would make, the same file back, apply, undo."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Sequence
from pathlib import PurePath

from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, alert, send_file, show, tap
from handlers.files import Dropped, kept_book, on_table
from handlers.training.run_buttons import ApplySheet, BlankSheet, DropSheet, ListRuns
from handlers.training.runs import show_list
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage import sheets
from storage.people import imports
from storage.people.accounts import Reader
from storage.sheets import Book
from storage.training import plan_sheet
from storage.training.plan_sheet import Applied, Preview, Problem, Row, Trouble
from storage.training.runs import Which

SHOWN = 6  # rows with problems that the card spells out
SAID = 40  # characters of a cell that is quoted


def install(application: AnyApplication) -> None:
    on_table(application, plan_sheet.is_plan, dropped)
    on_tap(application, BlankSheet, blank)
    on_tap(application, ApplySheet, apply)
    on_tap(application, DropSheet, drop)


def preview_card(found: Preview, language: str) -> Card:
    """What applying would make, and what was not understood."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        _("<b>Plan sheet</b>: {file}").format(file=html.escape(found.file_name)),
        ngettext(
            "{n} row: {programmes} new programmes with {classes} classes, {left_out} left out "
            "as known, {wrong} not understood.",
            "{n} rows: {programmes} new programmes with {classes} classes, {left_out} left out "
            "as known, {wrong} not understood.",
            len(found.rows),
        ).format(
            n=len(found.rows),
            programmes=found.programmes,
            classes=found.classes,
            left_out=found.left_out,
            wrong=found.not_understood,
        ),
    ]
    wrong = [row for row in found.rows if row.form is None and not _is_harmless(row)]
    lines += [
        _("Row {n}: {problems}").format(
            n=row.number, problems=html.escape(problems_text(row.problems, language))
        )
        for row in wrong[:SHOWN]
    ]
    if len(wrong) > SHOWN:
        lines.append(_("All of them stand in the file, in the last column."))
    if found.unknown:
        names = (", " if language == "en" else "、").join(found.unknown[:SHOWN])
        lines.append(_("Columns I did not use: {names}").format(names=html.escape(names)))
    if found.too_many:
        lines.append(_("I read the first {n} rows only.").format(n=plan_sheet.MOST_ROWS))
    leave = Key(_("Leave it"), DropSheet(found.job_id))
    if not found.classes:
        lines.append(_("There is nothing to make of it."))
        return Card("\n".join(lines), ((leave,),))
    lines.append(_("They become drafts, which nobody sees until they are published."))
    make = Key(_("Make the drafts"), ApplySheet(found.job_id), style="primary")
    return Card("\n".join(lines), ((make, leave),))


def _is_harmless(row: Row) -> bool:
    return {problem.trouble for problem in row.problems} <= plan_sheet.HARMLESS


def problems_text(problems: Sequence[Problem], language: str) -> str:
    """What is wrong in a row, in a few words each."""
    separator = "; " if language == "en" else "；"
    return separator.join(_problem(problem, language) for problem in problems)


def _problem(problem: Problem, language: str) -> str:
    _ = catalog(language).gettext
    said = problem.said[:SAID]
    return {
        Trouble.NO_TITLE: _("the title is missing"),
        Trouble.NO_TIME: _("the start is missing"),
        Trouble.NOT_A_TIME: _("“{said}” is no time that I can read"),
        Trouble.WEEKDAY: _("“{said}”: the day is another day of the week"),
        Trouble.ORDER: _("it would end before it starts, or close too late"),
        Trouble.OVER: _("“{said}” is over already"),
        Trouble.LEVEL: _("“{said}” is no level that I know"),
        Trouble.LEVEL_NOT_YOURS: _("programmes of the level “{said}” are not your unit's"),
        Trouble.MODE: _("“{said}” is no way of teaching that I know"),
        Trouble.ENROLMENT: _("“{said}” is no way of coming in that I know"),
        Trouble.CATEGORY: _("“{said}” is no kind of training that I know"),
        Trouble.AUDIENCE: _("“{said}”: I do not know whom that means"),
        Trouble.HOURS: _("“{said}” is no number of hours"),
        Trouble.SEATS: _("“{said}” is no number of seats"),
        Trouble.TOO_LONG: _("the title or the place is longer than 120 characters"),
        Trouble.KNOWN: _("there already, left out"),
        Trouble.TWICE: _("stands above already, left out"),
        Trouble.ONE_CLASS: _("everybody is enrolled, so there is one class only"),
    }[problem.trouble].format(said=said)


def annotated(book: Book, found: Preview, language: str) -> bytes:
    """The same file with one more column that says what is wrong in each row."""
    _ = catalog(language).gettext
    table = plan_sheet.table_of(book)
    assert table is not None
    notes = {row.number: (problems_text(row.problems, language),) for row in found.rows}
    return sheets.with_notes(book, table.sheet, table.header, (_("Problem"),), notes)


def applied_card(done: Applied, language: str) -> Card:
    """What was made, and for a day the key that takes it back."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "{n} draft is made of the plan sheet. It can be taken back for a day.",
        "{n} drafts are made of the plan sheet. They can be taken back for a day.",
        done.programmes,
    ).format(n=done.programmes)
    keys = (
        (Key(_("See the drafts"), ListRuns(Which.DRAFTS.value), style="primary"),),
        (undo_key(done.deed_id, language),),
    )
    return Card(text, keys)


async def dropped(update: Update, context: Context, reader: Reader, file: Dropped) -> None:
    """Show what a dropped plan sheet would make, with the same file if anything is wrong."""
    found = await context.write(
        plan_sheet.preview,
        reader.linked_teacher_id,
        file.book,
        file.content,
        now=context.now(),
    )
    if any(row.problems for row in found.rows):
        _ = catalog(reader.language).gettext
        content = await asyncio.to_thread(annotated, file.book, found, reader.language)
        stem = PurePath(file.attachment.name).stem
        name = _("{file} with problems").format(file=stem) + ".xlsx"
        caption = _("The same table; the last column says what is wrong.")
        await send_file(update, context, reader, content, name, caption)
    await show(update, context, reader, preview_card(found, reader.language))


async def blank(update: Update, context: Context) -> None:
    """Send an empty plan sheet."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    content = await asyncio.to_thread(plan_sheet.blank, reader.language)
    caption = _("A row for each programme; only the title and the start are needed.")
    name = _("Plan sheet") + ".xlsx"
    await send_file(update, context, reader, content, name, caption)


async def apply(update: Update, context: Context) -> None:
    """Make the drafts."""
    job_id = ApplySheet.parse(tap(update).data).job_id
    reader = await context.reader(update)
    book = await kept_book(context, reader, job_id, plan_sheet.KIND)
    done = await context.write(
        plan_sheet.apply, reader.linked_teacher_id, job_id, book, now=context.now()
    )
    await show(update, context, reader, applied_card(done, reader.language))


async def drop(update: Update, context: Context) -> None:
    """Leave it as it is."""
    job_id = DropSheet.parse(tap(update).data).job_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(imports.cancel, reader.linked_teacher_id, job_id, now=context.now())
    await alert(update, _("Nothing was made of it."))
    await show_list(update, context, reader)
