"""Importing progress: a platform's table is dropped, explained once, seen, and taken over."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.files import (
    Attachment,
    Dropped,
    NotATable,
    kept_book,
    on_file,
    on_table,
    read_table,
    with_bar,
)
from handlers.people.desk import show_desk
from handlers.progress import Progress
from handlers.training import aiming
from handlers.training.buttons import OpenRun
from handlers.training.remote.importing_buttons import (
    AimProgress,
    ApplyProgress,
    CancelProgress,
    ColumnOf,
    ConfirmColumns,
    LookProgress,
    MeanColumn,
    MeanPerson,
    OpenProgressImport,
    ProgressAsOf,
    ProgressProblems,
    SettleRow,
    ShowColumns,
)
from handlers.training.remote.importing_text import (
    columns_text,
    imports_card_text,
    meaning_name,
    preview_text,
    unclear_text,
)
from handlers.training.rows_text import problem_text
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog, dates
from storage import sheets
from storage.moments import local_day
from storage.people import accounts, imports
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.people.tables import ImportState
from storage.refusals import NotFound
from storage.sheets import Book
from storage.training.aiming import Candidate
from storage.training.remote import importing, mapping, reading, unclear
from storage.training.remote.importing import Imports, Preview
from storage.training.remote.mapping import Columns
from storage.training.remote.rows import RowState
from storage.training.remote.unclear import Unclear

AWAITED = "progress_row"
AWAITED_FILE = "progress"
LABEL = 40
IN_A_ROW = 5
DAYS = 14  # so many days back the figures may be of
WHOLE_COPY = 20_000  # rows; of a longer table only those with a problem are sent back


def install(application: AnyApplication) -> None:
    on_run(application, [Act.ENTER_RESULTS], _label, OpenProgressImport)
    for button, handler in (
        (OpenProgressImport, open_import),
        (AimProgress, aim_tapped),
        (ShowColumns, show_columns),
        (ColumnOf, open_column),
        (MeanColumn, mean_column),
        (ConfirmColumns, confirm_columns),
        (LookProgress, look_tapped),
        (ApplyProgress, apply_tapped),
        (CancelProgress, cancel_tapped),
        (ProgressProblems, send_problems),
        (ProgressAsOf, as_of_tapped),
        (SettleRow, open_row),
        (MeanPerson, mean_person),
    ):
        on_tap(application, button, handler)
    on_text(application, AWAITED, person_typed)
    on_file(application, AWAITED_FILE, table_awaited)
    on_table(application, reading.fits, table_dropped)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Import progress")


# --- cards ----------------------------------------------------------------------------------------


def which_card(found: tuple[Candidate, ...], job_id: int, language: str) -> Card:
    """Which class is this table about?"""
    _ = catalog(language).gettext
    return aiming.which_card(
        found,
        _("Study progress: which class is this table about?"),
        _(
            "This looks like a table of study progress, but none of your classes that study on "
            "a platform has any of these people. Please check the staff numbers and names."
        ),
        lambda batch_id: AimProgress(job_id, batch_id),
        CancelProgress(job_id),
        language,
    )


def columns_card(facts: Columns, language: str) -> Card:
    """What the columns are taken for; each number changes one."""
    _ = catalog(language).gettext
    chips = [
        Key(str(number), ColumnOf(facts.job_id, facts.form, said.number))
        for number, said in enumerate(facts.columns, start=1)
    ]
    rows = [tuple(chips[n : n + IN_A_ROW]) for n in range(0, len(chips), IN_A_ROW)]
    confirm = Key(_("That is right"), ConfirmColumns(facts.job_id, facts.form), style="primary")
    cancel = Key(_("Cancel"), CancelProgress(facts.job_id))
    return Card(columns_text(facts, language), (*rows, (confirm, cancel)))


def column_card(facts: Columns, column: int, language: str) -> Card:
    """What one column may be."""
    _ = catalog(language).gettext
    said = next((each for each in facts.columns if each.number == column), None)
    if said is None:
        raise NotFound("column")
    text = _("What is “{heading}”?").format(heading=html.escape(said.heading))
    if said.samples:
        samples = " · ".join(html.escape(each) for each in said.samples)
        text = _("{question}\nFor example: {samples}").format(question=text, samples=samples)

    def key(label: str, meaning: str) -> Key:
        button = MeanColumn(facts.job_id, facts.form, column, meaning)
        return Key(label, button, style="primary" if meaning == said.meaning else None)

    items = [key(shortened(item.title, LABEL), str(item.id)) for item in facts.items]
    others = [
        key(_begun(meaning_name(meaning, None, language)), meaning)
        for meaning in (*mapping.ONCE, mapping.NOTHING)
    ]
    keys = [*items, *others]
    rows = [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    back = (Key(_("Back"), ShowColumns(facts.job_id, facts.form)),)
    return Card(text, (*rows, back))


def preview_card(facts: Preview, language: str, context: Context) -> Card:
    """What the table would do, with Import and Cancel; or what it did, with Undo."""
    _ = catalog(language).gettext
    zone = context.house.zone
    text = preview_text(facts, language, zone, local_day(context.now(), zone))
    rows: list[tuple[Key, ...]] = []
    if facts.state is ImportState.PREVIEWED:
        cancel = Key(_("Cancel"), CancelProgress(facts.job_id))
        if facts.changes:
            rows.append((Key(_("Import it"), ApplyProgress(facts.job_id), style="primary"), cancel))
        else:
            rows.append((cancel,))
        if facts.open > 0 or facts.settled:
            label = _("Say whom ({n})").format(n=facts.open)
            rows.append((Key(label, SettleRow(facts.job_id)),))
        rows.append(
            (
                Key(_("As of"), ProgressAsOf(facts.job_id)),
                Key(_("Columns"), ShowColumns(facts.job_id, 0)),
            )
        )
    elif facts.state is ImportState.APPLIED and facts.deed_id is not None:
        rows.append((undo_key(facts.deed_id, language),))
    if facts.problems > 0 and facts.state in (ImportState.PREVIEWED, ImportState.APPLIED):
        rows.append((Key(_("The table with problems"), ProgressProblems(facts.job_id)),))
    rows.append((Key(_("Back"), OpenProgressImport(facts.batch_id)),))
    return Card(text, tuple(rows))


def unclear_card(facts: Unclear, language: str) -> Card:
    """One row, whom it may mean, and the way on."""
    _ = catalog(language).gettext
    keys: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(f"{one.name} · {one.unit} · {one.staff_no}", LABEL),
                MeanPerson(facts.job_id, facts.at, one.teacher_id),
            ),
        )
        for one in facts.choices
    ]
    keys.append((Key(_("Nobody of ours"), MeanPerson(facts.job_id, facts.at, 0)),))
    walk = []
    if facts.at > 0:
        walk.append(Key(_("‹ Previous"), SettleRow(facts.job_id, facts.at - 1)))
    if facts.at + 1 < facts.of:
        walk.append(Key(_("Skip ›"), SettleRow(facts.job_id, facts.at + 1)))
    back = (Key(_("Back"), LookProgress(facts.job_id)),)
    return Card(unclear_text(facts, language), (*keys, *((tuple(walk),) if walk else ()), back))


def as_of_card(job_id: int, language: str, context: Context) -> Card:
    """Of which day are the figures?"""
    _ = catalog(language).gettext
    today = local_day(context.now(), context.house.zone)
    keys = [
        Key(dates.day(today - timedelta(days=n), language, today), ProgressAsOf(job_id, n))
        for n in range(DAYS)
    ]
    rows = tuple(tuple(keys[n : n + 2]) for n in range(0, DAYS, 2))
    back = (Key(_("Back"), LookProgress(job_id)),)
    return Card(_("Of which day are the figures in this table?"), (*rows, back))


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- what is sent and tapped ----------------------------------------------------------------------


async def open_import(update: Update, context: Context) -> None:
    """Show what was imported, and wait for the next table."""
    batch_id = OpenProgressImport.parse(tap(update).data).batch_id
    await show_import(update, context, await context.reader(update), batch_id)


async def show_import(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Show what was imported, from wherever somebody comes back to it."""
    now, zone = context.now(), context.house.zone
    facts: Imports = await context.read(
        importing.imports_of, reader.linked_teacher_id, batch_id, now=now
    )
    if facts.is_ready:
        await context.write(
            accounts.await_text, reader.account_id, f"{AWAITED_FILE}:{batch_id}", now=now
        )
    _ = catalog(reader.language).gettext
    text = imports_card_text(facts, reader.language, zone, local_day(now, zone))
    card = Card(text, ((Key(_("Back"), OpenRun(batch_id)),),))
    await show(update, context, reader, card)


async def table_awaited(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take the table that was asked for, whatever its columns are called."""
    batch_id = int(reader.awaiting.partition(":")[2])
    if attachment.is_photo:
        raise NotATable

    async def work(told: Progress) -> None:
        dropped = await read_table(context, attachment)
        if not reading.grids(dropped.book):
            raise NotATable
        mapping.check_rows(dropped.book)
        await context.write(accounts.await_text, reader.account_id, "", now=context.now())
        job_id = await _kept(context, reader, dropped)
        await _aim(update, context, reader, job_id, batch_id, dropped.book, told)

    await with_bar(context, reader, work)


async def table_dropped(update: Update, context: Context, reader: Reader, dropped: Dropped) -> None:
    """Take a table that was dropped into the chat; ask which class, if there are several."""
    numbers, names = await asyncio.to_thread(mapping.sample, dropped.book)
    found = await context.read(
        mapping.candidates, reader.linked_teacher_id, numbers, names, now=context.now()
    )
    job_id = await _kept(context, reader, dropped)
    if len(found) == 1:
        book, told = dropped.book, dropped.progress
        await _aim(update, context, reader, job_id, found[0].batch_id, book, told)
        return
    await show(update, context, reader, which_card(found, job_id, reader.language))


async def _kept(context: Context, reader: Reader, dropped: Dropped) -> int:
    return await context.write(
        imports.keep_preview,
        reader.linked_teacher_id,
        mapping.KIND,
        dropped.attachment.name,
        dropped.content,
        now=context.now(),
    )


async def _aim(
    update: Update,
    context: Context,
    reader: Reader,
    job_id: int,
    batch_id: int,
    book: Book,
    told: Progress,
) -> None:
    """Ask what the columns mean where nobody has said so, else show what the table would do."""
    form = await context.write(
        mapping.aim,
        reader.linked_teacher_id,
        job_id,
        batch_id,
        reading.grids(book),
        now=context.now(),
    )
    if form is not None:
        await show(update, context, reader, columns_card(form, reader.language))
        return
    await _look(update, context, reader, job_id, book, told)


async def _look(
    update: Update, context: Context, reader: Reader, job_id: int, book: Book, told: Progress
) -> None:
    looked = await context.read(
        importing.look, reader.linked_teacher_id, job_id, book, now=context.now(), tell=told.at
    )
    facts = await context.write(
        importing.keep, reader.linked_teacher_id, job_id, looked, now=context.now()
    )
    await show(update, context, reader, preview_card(facts, reader.language, context))


async def _again(
    context: Context,
    reader: Reader,
    job_id: int,
    go_on: Callable[[Book, Progress], Coroutine[Any, Any, None]],
) -> None:
    """Read the file once more, which takes its time, and go on."""

    async def work(told: Progress) -> None:
        await go_on(await kept_book(context, reader, job_id, mapping.KIND), told)

    await with_bar(context, reader, work)


async def aim_tapped(update: Update, context: Context) -> None:
    button = AimProgress.parse(tap(update).data)
    reader = await context.reader(update)

    async def go_on(book: Book, told: Progress) -> None:
        await _aim(update, context, reader, button.job_id, button.batch_id, book, told)

    await _again(context, reader, button.job_id, go_on)


async def _looked_again(update: Update, context: Context, reader: Reader, job_id: int) -> None:
    async def go_on(book: Book, told: Progress) -> None:
        await _look(update, context, reader, job_id, book, told)

    await _again(context, reader, job_id, go_on)


async def show_columns(update: Update, context: Context) -> None:
    """Show what the columns are taken for, also where that is known."""
    button = ShowColumns.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _columns(context, reader, button.job_id, button.form)
    await show(update, context, reader, columns_card(facts, reader.language))


async def _columns(context: Context, reader: Reader, job_id: int, form: int) -> Columns:
    return await context.write(
        mapping.columns, reader.linked_teacher_id, job_id, form, now=context.now()
    )


async def open_column(update: Update, context: Context) -> None:
    button = ColumnOf.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _columns(context, reader, button.job_id, button.form)
    await show(update, context, reader, column_card(facts, button.column, reader.language))


async def mean_column(update: Update, context: Context) -> None:
    """Take a column for something else."""
    button = MeanColumn.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        mapping.choose,
        reader.linked_teacher_id,
        button.job_id,
        button.form,
        button.column,
        button.meaning,
        now=context.now(),
    )
    await show(update, context, reader, columns_card(facts, reader.language))


async def confirm_columns(update: Update, context: Context) -> None:
    """Remember what the columns mean, and go on."""
    button = ConfirmColumns.parse(tap(update).data)
    reader = await context.reader(update)
    form = await context.write(
        mapping.confirm, reader.linked_teacher_id, button.job_id, button.form, now=context.now()
    )
    if form is not None:
        await show(update, context, reader, columns_card(form, reader.language))
        return
    await _looked_again(update, context, reader, button.job_id)


async def look_tapped(update: Update, context: Context) -> None:
    button = LookProgress.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        importing.preview, reader.linked_teacher_id, button.job_id, now=context.now()
    )
    await show(update, context, reader, preview_card(facts, reader.language, context))


async def apply_tapped(update: Update, context: Context) -> None:
    """Take over what the table says; a second tap shows the same."""
    job_id = ApplyProgress.parse(tap(update).data).job_id
    reader = await context.reader(update)
    try:
        facts = await context.write(
            importing.apply, reader.linked_teacher_id, job_id, now=context.now()
        )
    except imports.PreviewOutdated:
        _ = catalog(reader.language).gettext
        await alert(update, _("Something has changed since; please look at it once more."))
        await _looked_again(update, context, reader, job_id)
        return
    await show(update, context, reader, preview_card(facts, reader.language, context))


async def cancel_tapped(update: Update, context: Context) -> None:
    job_id = CancelProgress.parse(tap(update).data).job_id
    reader = await context.reader(update)
    await context.write(imports.cancel, reader.linked_teacher_id, job_id, now=context.now())
    _ = catalog(reader.language).gettext
    await alert(update, _("Nothing was imported."))
    await show_desk(update, context, reader)


async def as_of_tapped(update: Update, context: Context) -> None:
    """Ask of which day the figures are, or take the answer."""
    button = ProgressAsOf.parse(tap(update).data)
    reader = await context.reader(update)
    if not 0 <= button.days < DAYS:
        await show(update, context, reader, as_of_card(button.job_id, reader.language, context))
        return
    now, zone = context.now(), context.house.zone
    day = local_day(now, zone) - timedelta(days=button.days)
    end = datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(minutes=1)
    as_of = min(end.astimezone(now.tzinfo), now)
    await context.write(
        importing.set_as_of, reader.linked_teacher_id, button.job_id, as_of, now=now
    )
    await _looked_again(update, context, reader, button.job_id)


async def open_row(update: Update, context: Context) -> None:
    button = SettleRow.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_row(update, context, reader, button.job_id, button.at)


async def _show_row(
    update: Update, context: Context, reader: Reader, job_id: int, at: int, typed: str = ""
) -> None:
    """Show the row and wait for a name; past the last one, what the table would do."""
    now = context.now()
    facts = await context.write(
        unclear.unclear, reader.linked_teacher_id, job_id, at, typed=typed, now=now
    )
    if facts is None:
        await context.write(accounts.await_text, reader.account_id, "", now=now)
        seen = await context.read(importing.preview, reader.linked_teacher_id, job_id, now=now)
        await show(update, context, reader, preview_card(seen, reader.language, context))
        return
    await context.write(accounts.await_text, reader.account_id, f"{AWAITED}:{job_id}:{at}", now=now)
    await show(update, context, reader, unclear_card(facts, reader.language))


async def person_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Offer those who are called as was typed."""
    job_id, at = (int(part) for part in reader.awaiting.split(":")[1:3])
    await _show_row(update, context, reader, job_id, at, typed=text[:40])


async def mean_person(update: Update, context: Context) -> None:
    """Say whom the row means, and go on to the next."""
    button = MeanPerson.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        unclear.settle,
        reader.linked_teacher_id,
        button.job_id,
        button.at,
        button.teacher_id or None,
        now=context.now(),
    )
    await _show_row(update, context, reader, button.job_id, button.at + 1)


async def send_problems(update: Update, context: Context) -> None:
    """Send the table back with a column of what is wrong."""
    job_id = ProgressProblems.parse(tap(update).data).job_id
    reader = await context.reader(update)
    wrong = await context.write(
        importing.remarks, reader.linked_teacher_id, job_id, now=context.now()
    )

    async def go_on(book: Book, _told: Progress) -> None:
        _ = catalog(reader.language).gettext
        content = await asyncio.to_thread(annotated, book, wrong, reader.language)
        name = _("{file} with problems").format(file=PurePath(book.name).stem) + ".xlsx"
        caption = _("The last column says what is wrong with a row.")
        await send_file(update, context, reader, content, name, caption)

    await _again(context, reader, job_id, go_on)


def annotated(book: Book, wrong: Mapping[str, Mapping[int, RowState]], language: str) -> bytes:
    """The workbook again, with a column of what is wrong behind each sheet's table.

    Of a table of very many rows only those are sent back that have a problem.
    """
    _ = catalog(language).gettext
    is_long = sum(len(sheet.rows) for sheet in book.sheets) > WHOLE_COPY
    headers = {grid.name: grid.header for grid in reading.grids(book)}
    made = []
    for sheet in book.sheets:
        notes = wrong.get(sheet.name, {})
        header = headers.get(sheet.name, 0)
        width = max((len(row) for row in sheet.rows), default=0)
        rows = []
        for number, row in enumerate(sheet.rows, start=1):
            if is_long and number > header and number not in notes:
                continue
            said = problem_text(notes[number], language) if number in notes else ""
            note = _("Problem") if number == header else said
            rows.append([*row, *[""] * (width - len(row)), note] if note else list(row))
        made.append((sheet.name, rows))
    return sheets.write(made)
