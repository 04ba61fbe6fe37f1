"""The roster from a file: dropped, looked at, applied or given up, taken back."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from telegram import Update

from handlers import progress
from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import (
    Context,
    edit_in_place,
    safe_name,
    send_file,
    shortened,
    show,
    show_anew,
    tap,
)
from handlers.files import Attachment, Dropped, on_file, on_table, read_table, with_bar
from handlers.people import roster_words
from handlers.people.buttons import OpenDesk
from handlers.progress import Progress
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_tap
from locales import catalog, dates
from storage import sheets
from storage.moments import local_day
from storage.people import (
    accounts,
    imports,
    roster,
    roster_missing,
    roster_reading,
    school_list,
    staff,
)
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.people.imports import Import, NoLongerWaiting, PreviewOutdated, Waiting
from storage.people.roster import Applied, Figures, Preview
from storage.people.roster_comparing import Comparison, Kind, RowResult
from storage.people.roster_missing import Missing
from storage.people.roster_reading import Roster, TableRead
from storage.people.school_list import SchoolList
from storage.people.tables import ImportState
from storage.refusals import NotAllowed, Refusal
from storage.sheets import Book

AWAITED = "roster"
TEMPLATE = (
    "staff_no",
    "name",
    "school",
    "stage",
    "subjects",
    "duties",
    "title",
    "hire_date",
    "state",
    "full_time",
    "phone",
    "since",
    "roles",
)
UNITS_TEMPLATE = (
    "unit_code",
    "unit_name",
    "unit_short",
    "unit_kind",
    "unit_stages",
    "unit_area_type",
    "unit_pupils",
    "unit_group",
    "unit_circle",
)
NAME = 40  # of a file's name on a card


class NotARoster(Refusal):
    """A table was awaited as a roster, and has no staff numbers and names."""


@dataclass(frozen=True)
class Source:
    """What can be imported: how its file is read, looked at and applied."""

    read: Callable[[Book], Any]
    look: Callable[..., Comparison]
    apply: Callable[..., Applied]
    nothing: TableRead
    """In the place of a file that has been applied and forgotten."""


SOURCES: Mapping[str, Source] = {
    roster.KIND: Source(roster_reading.read_roster, roster.look, roster.apply, Roster()),
    school_list.KIND: Source(
        school_list.read_school_list, school_list.look, school_list.apply, SchoolList()
    ),
}
"""By the kind of the import, in the order in which a file that was asked for is tried."""
KINDS = tuple(SOURCES)


@dataclass(frozen=True)
class OpenImports(Button):
    """How to import, and what I have imported."""

    tag = "imps"


@dataclass(frozen=True)
class EmptyRoster(Button):
    """The empty file to fill in; with ``units`` that of a list of schools."""

    tag = "rtpl"
    units: int = 0


@dataclass(frozen=True)
class OpenPreview(Button):
    """Back to a preview that waits."""

    tag = "rpre"
    job_id: int


@dataclass(frozen=True)
class ApplyRoster(Button):
    """Do what the preview says."""

    tag = "rap"
    job_id: int


@dataclass(frozen=True)
class CancelRoster(Button):
    """Give the preview up."""

    tag = "rcn"
    job_id: int


@dataclass(frozen=True)
class OpenMissing(Button):
    """Who is not in the file."""

    tag = "rms"
    job_id: int


@dataclass(frozen=True)
class CloseMissing(Button):
    """The list is complete: these have left."""

    tag = "rmc"
    job_id: int
    expected: int


def install(application: AnyApplication) -> None:
    # Who looks after the whole office may bring its schools without running any training.
    on_desk(application, {Act.IMPORT_ROSTER, Act.APPOINT}, _label, OpenImports)
    on_tap(application, OpenImports, open_imports)
    on_tap(application, EmptyRoster, send_empty)
    on_tap(application, OpenPreview, open_preview)
    on_tap(application, ApplyRoster, apply)
    on_tap(application, CancelRoster, cancel)
    on_tap(application, OpenMissing, open_missing)
    on_tap(application, CloseMissing, close_missing)
    on_file(application, AWAITED, awaited)
    on_table(application, school_list.is_school_list, dropped)
    on_table(application, roster_reading.is_roster, dropped)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Import a roster")


# --- cards ------------------------------------------------------------------------------------


def imports_card(
    recent: Sequence[Import], units: bool, language: str, zone: ZoneInfo, today: date
) -> Card:
    """How to import a roster, and what became of the last ones."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Import a roster</b>"),
        _(
            "Please send me the table as XLSX, XLS, ODS or CSV: a row a teacher, with staff "
            "number and name; school, subjects, duties, state and others as far as you have them. "
            "I show you first what it would change; nothing happens before you say so, and it can "
            "be undone for 24 hours. Phone numbers are kept as a fingerprint only."
        ),
    ]
    if units:
        lines.append(
            _(
                "You may also send me the list of schools, a row a school with code and name; "
                "it comes before their teachers."
            )
        )
    if recent:
        lines += ["", _("Your last imports:")]
        lines += [_recent_text(each, language, zone, today) for each in recent]
    keys = []
    for each in recent:
        name = shortened(each.file_name, 20)
        if each.state is ImportState.PREVIEWED:
            label = _("Open the preview: {name}").format(name=name)
            keys.append((Key(label, OpenPreview(each.job_id)),))
        elif each.state is ImportState.APPLIED and each.undo_id is not None:
            undo = undo_key(each.undo_id, language)
            label = _("Undo: {name}").format(name=name)
            keys.append((Key(label, undo.press),))
    empty = [Key(_("Empty file"), EmptyRoster())]
    if units:
        empty.append(Key(_("Empty list of schools"), EmptyRoster(1)))
    return Card("\n".join(lines), (tuple(empty), *keys, (Key(_("Back"), OpenDesk()),)))


def _recent_text(each: Import, language: str, zone: ZoneInfo, today: date) -> str:
    _ = catalog(language).gettext
    states = {
        ImportState.PREVIEWED: _("waiting to be applied"),
        ImportState.APPLIED: _("applied"),
        ImportState.CANCELLED: _("given up"),
        ImportState.UNDONE: _("undone"),
    }
    return _("· {time} {name}: {state} ({new} new, {changed} changed)").format(
        time=dates.moment(each.at, zone, language, today),
        name=html.escape(shortened(each.file_name, NAME)),
        state=states[each.state],
        new=each.found.get("new", 0),
        changed=each.found.get("changed", 0),
    )


def figures_text(figures: Figures, language: str) -> str:
    """All rows, by what becomes of them."""
    ngettext = catalog(language).ngettext
    return ngettext(
        "{rows} row: {new} new, {changed} changed, {same} unchanged, {conflicts} in conflict, "
        "{unclear} not understood.",
        "{rows} rows: {new} new, {changed} changed, {same} unchanged, {conflicts} in conflict, "
        "{unclear} not understood.",
        figures.rows,
    ).format(
        rows=figures.rows,
        new=figures.new,
        changed=figures.changed,
        same=figures.same,
        conflicts=figures.conflicts,
        unclear=figures.not_understood,
    )


def preview_card(
    preview: Preview, read: TableRead, file_name: str, language: str, note: str = ""
) -> Card:
    """What applying the file would do, with examples."""
    _ = catalog(language).gettext
    figures = preview.figures
    lines = [_title(read, file_name, language)]
    if note:
        lines.append(note)
    lines.append(figures_text(figures, language))
    if figures.new:
        names = "、" if language != "en" else ", "
        lines.append(
            _("New: {names}").format(
                names=html.escape(
                    names.join(shortened(row.name, 16) for row in preview.examples(Kind.NEW))
                )
                + ("…" if figures.new > len(preview.examples(Kind.NEW)) else "")
            )
        )
    if figures.transfers or figures.leavers or figures.returning or figures.roles:
        lines.append(
            _(
                "Among them: {transfers} moving, {leavers} leaving, {returning} coming back, "
                "{roles} roles given."
            ).format(
                transfers=figures.transfers,
                leavers=figures.leavers,
                returning=figures.returning,
                roles=figures.roles,
            )
        )
    for kind in (Kind.CHANGED, Kind.CONFLICT, Kind.NOT_UNDERSTOOD):
        lines += [_example(row, language) for row in preview.examples(kind)[:2]]
    if figures.missing:
        lines.append(_("Not in the file: {n}. They stay as they are.").format(n=figures.missing))
    lines += _about_the_file(read, language)
    keys: list[tuple[Key, ...]] = []
    cancel_key = Key(_("Cancel"), CancelRoster(preview.job_id))
    if figures.applies:
        keys.append((Key(_("Apply"), ApplyRoster(preview.job_id), style="primary"), cancel_key))
    elif figures.missing and not figures.conflicts and not figures.not_understood:
        lines.append(_("The roster says the same already."))
        keys.append((Key(_("Go on"), ApplyRoster(preview.job_id)), cancel_key))
    else:
        lines.append(_("There is nothing to apply."))
        keys.append((cancel_key,))
    return Card("\n".join(lines), tuple(keys))


def _title(read: TableRead, file_name: str, language: str) -> str:
    """What the file is taken for, and its name."""
    _ = catalog(language).gettext
    name = html.escape(shortened(file_name, NAME))
    if isinstance(read, SchoolList):
        return _("<b>List of schools</b>: {file}").format(file=name)
    return _("<b>Roster</b>: {file}").format(file=name)


def _example(row: RowResult, language: str) -> str:
    _ = catalog(language).gettext
    said = (
        roster_words.trouble_text(row.trouble, language)
        if row.trouble is not None
        else roster_words.changes_text(row, language)
    )
    return _("· Row {row}, {name}: {what}").format(
        row=row.row,
        name=html.escape(shortened(row.name, 12)) or "—",
        what=html.escape(shortened(said, 160)),
    )


def _about_the_file(read: TableRead, language: str) -> list[str]:
    _ = catalog(language).gettext
    lines = []
    if read.hidden_rows or read.hidden_columns:
        lines.append(
            _("Hidden rows ({rows}) and columns ({columns}) were read like the others.").format(
                rows=read.hidden_rows, columns=len(read.hidden_columns)
            )
        )
    if read.hidden_sheets:
        lines.append(
            _("Hidden sheets were left out: {names}.").format(
                names=html.escape("、".join(read.hidden_sheets)[:80])
            )
        )
    if read.unknown:
        lines.append(
            _("Columns that I do not use: {names}.").format(
                names=html.escape(shortened("、".join(read.unknown), 80))
            )
        )
    return lines


def applied_card(applied: Applied, kind: str, language: str, zone: ZoneInfo, today: date) -> Card:
    """What was done, the way back, and after schools the way on."""
    _ = catalog(language).gettext
    figures = applied.figures
    lines = [
        _("Done: {new} added, {changed} changed.").format(new=figures.new, changed=figures.changed)
    ]
    if figures.conflicts or figures.not_understood:
        left = figures.conflicts + figures.not_understood
        lines.append(
            _(
                "{n} rows were left out; they are marked in the file above. Once corrected it "
                "can be sent again as a whole: what is the same already changes nothing."
            ).format(n=left)
        )
    if kind == school_list.KIND and figures.new:
        lines.append(_("Next, please send me the roster of their teachers."))
    lines.append(
        _("This can be undone until {time}.").format(
            time=dates.moment(applied.undo_until, zone, language, today)
        )
    )
    keys: list[tuple[Key, ...]] = [(undo_key(applied.deed_id, language),)]
    if figures.missing:
        label = _("Not in the file: {n}").format(n=figures.missing)
        keys.append((Key(label, OpenMissing(applied.job_id)),))
    keys.append((Key(_("Back"), OpenDesk()),))
    return Card("\n".join(lines), tuple(keys))


def missing_card(facts: Missing, language: str) -> Card:
    """Who would be marked as left; asked before it is done."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    back = Key(_("Back"), OpenImports())
    if not facts.total:
        return Card(_("Everybody who works there stands in the file."), ((back,),))
    names = "、" if language != "en" else ", "
    text = ngettext(
        "{n} person works in the schools of this file and does not stand in it: {names}\n"
        "If, and only if, the file lists everybody, this person may be marked as left. The entry "
        "is closed and not deleted; it can be undone for 24 hours.",
        "{n} people work in the schools of this file and do not stand in it: {names}\n"
        "If, and only if, the file lists everybody, they may be marked as left. Their entries are "
        "closed and not deleted; it can be undone for 24 hours.",
        facts.total,
    ).format(
        n=facts.total,
        names=html.escape(names.join(facts.names))
        + ("…" if facts.total > len(facts.names) else ""),
    )
    label = _("Mark {n} as left").format(n=facts.total)
    press = CloseMissing(facts.job_id, facts.total)
    return Card(text, ((Key(label, press, style="danger"),), (back,)))


# --- the file sent back -----------------------------------------------------------------------


def annotated(book: Book, read: TableRead, results: Sequence[RowResult], language: str) -> bytes:
    """The same file with two more columns: what becomes of each row, and its problem."""
    _ = catalog(language).gettext
    # Not “Result”: with that column the file would be one of marks when it comes back.
    labels = [_("What becomes of it"), _("Problem")]
    notes = {result.row: _notes(result, language) for result in results}
    return sheets.with_notes(book, read.sheet, read.header, labels, notes)


def _notes(result: RowResult, language: str) -> list[str]:
    if result.trouble is not None:
        said = roster_words.trouble_text(result.trouble, language)
        return [roster_words.kind_name(result, language), said]
    name = roster_words.kind_name(result, language)
    changes = roster_words.changes_text(result, language)
    return [" · ".join(part for part in (name, changes) if part), ""]


def empty_file(language: str) -> bytes:
    """The columns that are understood, and on a second sheet what may stand in them."""
    _ = catalog(language).gettext
    names = {field: roster_words.field_name(field, language) for field in TEMPLATE}
    notes = {
        "staff_no": _("Must be there. It tells who is who, also when a name is corrected."),
        "name": _("Must be there. To correct one, add a column “Former name” with the old one."),
        "school": _("Name, short name or code. A school's own list does not need it."),
        "stage": _("Kindergarten, primary, junior, senior or vocational."),
        "subjects": _("Several are separated by commas."),
        "duties": _("Such as class teacher, grade head, vice-principal; “none” ends them."),
        "title": _("As it stands on the certificate."),
        "hire_date": _("Such as 2018-08-24; a month is enough."),
        "state": _("Active, on leave, seconded, retired or left."),
        "full_time": _("Yes or no."),
        "phone": _("For linking without a code. Only a fingerprint of it is kept."),
        "since": _("The first day at the school, for those who move there."),
        "roles": _("School coordinator or principal, where somebody is to be one."),
    }
    about = [[_("Column"), _("What may stand in it")]]
    about += [[names[field], notes[field]] for field in TEMPLATE]
    about.append(["", _("An empty cell leaves what is known as it is.")])
    return sheets.write([(_("Roster"), [list(names.values())]), (_("Notes"), about)])


def empty_school_list(language: str) -> bytes:
    """The columns of a list of schools."""
    _ = catalog(language).gettext
    names = [roster_words.unit_field_name(field, language) for field in UNITS_TEMPLATE]
    return sheets.write([(_("List of schools"), [names])])


# --- talk -------------------------------------------------------------------------------------


def _today(context: Context) -> tuple[ZoneInfo, date, datetime]:
    now = context.now()
    return context.house.zone, local_day(now, context.house.zone), now


async def open_imports(update: Update, context: Context) -> None:
    """Say how to import, and wait for the file."""
    reader = await context.reader(update)
    zone, today, now = _today(context)
    facts = await context.read(staff.desk, reader.linked_teacher_id, now=now)
    units = await context.read(school_list.may_import, reader.linked_teacher_id, today=today)
    if Act.IMPORT_ROSTER not in facts.acts and not units:
        raise NotAllowed
    recent = await context.read(imports.recent, reader.linked_teacher_id, KINDS, now=now)
    await context.write(accounts.await_text, reader.account_id, AWAITED, now=now)
    card = imports_card(recent, units, reader.language, zone, today)
    await show(update, context, reader, card)


async def send_empty(update: Update, context: Context) -> None:
    """Send the empty file, and go on waiting for a filled one."""
    units = EmptyRoster.parse(tap(update).data).units
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    made = empty_school_list if units else empty_file
    content = await asyncio.to_thread(made, reader.language)
    await context.write(accounts.await_text, reader.account_id, AWAITED, now=context.now())
    caption = _("Please fill this in and send it back to me here.")
    name = _("List of schools") if units else _("Roster")
    await send_file(update, context, reader, content, f"{name}.xlsx", caption)


async def awaited(
    _update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take the file that was asked for."""

    async def work(told: Progress) -> None:
        table = await read_table(context, attachment)
        await _take(context, reader, attachment.name, table.content, table.book, told)

    # A corrected file may follow: it is awaited until the person goes elsewhere.
    await with_bar(context, reader, work)


async def dropped(_update: Update, context: Context, reader: Reader, file: Dropped) -> None:
    """Take a roster that somebody dropped without being asked."""
    await _take(context, reader, file.attachment.name, file.content, file.book, file.progress)


async def _take(
    context: Context, reader: Reader, name: str, content: bytes, book: Book, told: Progress
) -> None:
    """Look at the file, send it back with its problems, and show the preview."""
    kind, read = await asyncio.to_thread(_read, book)
    preview = await _preview(context, reader, kind, name, content, read, told)
    await _send_back(context, reader, name, book, read, preview, told)
    await show_anew(context, reader, preview_card(preview, read, name, reader.language))


def _read(book: Book) -> tuple[str, Any]:
    """What the file is, and what it says. Raises NotARoster."""
    for kind, source in SOURCES.items():
        read = source.read(book)
        if read is not None:
            return kind, read
    raise NotARoster


async def _preview(
    context: Context,
    reader: Reader,
    kind: str,
    name: str,
    content: bytes,
    read: Any,
    told: Progress,
) -> Preview:
    _ = catalog(reader.language).gettext
    now = context.now()
    told.says(_("Comparing with the roster…"))
    actor_id = reader.linked_teacher_id
    comparison = await context.read(SOURCES[kind].look, actor_id, read, now=now, tell=told.at)
    return await context.write(
        roster.keep_preview, actor_id, name, content, comparison, now=now, kind=kind
    )


async def _send_back(
    context: Context,
    reader: Reader,
    name: str,
    book: Book,
    read: TableRead,
    preview: Preview,
    told: Progress,
) -> None:
    figures = preview.figures
    if not (figures.changed or figures.conflicts or figures.not_understood):
        return
    _ = catalog(reader.language).gettext
    told.says(_("Writing your file with remarks…"))
    marked = await asyncio.to_thread(annotated, book, read, preview.results, reader.language)
    caption = _("Your file, with two more columns: what becomes of each row, and its problem.")
    made = safe_name(_("{file} with problems").format(file=PurePath(name).stem) + ".xlsx")
    await context.bot.send_document(reader.tg_user_id, marked, filename=made, caption=caption)


async def open_preview(update: Update, context: Context) -> None:
    """Look at a waiting file once more."""
    job_id = OpenPreview.parse(tap(update).data).job_id
    reader = await context.reader(update)
    await _again(update, context, reader, job_id, "")


async def _again(update: Update, context: Context, reader: Reader, job_id: int, note: str) -> None:
    waiting, read = await _kept(context, reader, job_id)
    told = Progress()
    preview = await _preview(
        context, reader, waiting.kind, waiting.name, waiting.content, read, told
    )
    card = preview_card(preview, read, waiting.name, reader.language, note)
    await show(update, context, reader, card)


async def _kept(context: Context, reader: Reader, job_id: int) -> tuple[Waiting, Any]:
    """The kept file, read again. Raises NotFound, NotAllowed or NoLongerWaiting."""
    waiting = await context.read(imports.content_of, reader.linked_teacher_id, job_id)
    book = await asyncio.to_thread(sheets.read, waiting.content, waiting.name)
    read = await asyncio.to_thread(SOURCES[waiting.kind].read, book)
    if read is None:
        raise NotARoster
    return waiting, read


async def apply(update: Update, context: Context) -> None:
    """Do what the preview said; what has changed since is shown instead."""
    job_id = ApplyRoster.parse(tap(update).data).job_id
    reader = await context.reader(update)
    zone, today, now = _today(context)
    _ = catalog(reader.language).gettext
    told = Progress(_("Applying the roster…"))

    async def work() -> tuple[str, Applied]:
        kind = await context.read(imports.kind_of, reader.linked_teacher_id, job_id)
        source = SOURCES[kind]
        try:
            _waiting, read = await _kept(context, reader, job_id)
        except NoLongerWaiting as over:
            if over.state is not ImportState.APPLIED:
                raise
            read = source.nothing  # applied by an earlier tap, and forgotten
        return kind, await context.write(
            source.apply, reader.linked_teacher_id, job_id, read, now=now, tell=told.at
        )

    async def bar(text: str) -> None:
        await edit_in_place(update, context, Card(text))

    try:
        kind, applied = await progress.shown(work(), told, bar)
    except PreviewOutdated:
        note = _("Something has changed since the preview, so here is a new one.")
        await _again(update, context, reader, job_id, note)
        return
    context.house.wake_delivery()
    card = applied_card(applied, kind, reader.language, zone, today)
    await show(update, context, reader, card)


async def cancel(update: Update, context: Context) -> None:
    """Give the preview up."""
    job_id = CancelRoster.parse(tap(update).data).job_id
    reader = await context.reader(update)
    now = context.now()
    cancelled = await context.write(imports.cancel, reader.linked_teacher_id, job_id, now=now)
    _ = catalog(reader.language).gettext
    text = _("Given up; nothing was changed.") if cancelled else _("This import is settled.")
    card = Card(text, ((Key(_label(reader.language), OpenImports()), Key(_("Back"), OpenDesk())),))
    await show(update, context, reader, card)


async def open_missing(update: Update, context: Context) -> None:
    """Show who is not in the file."""
    job_id = OpenMissing.parse(tap(update).data).job_id
    reader = await context.reader(update)
    facts = await context.write(
        roster_missing.missing, reader.linked_teacher_id, job_id, now=context.now()
    )
    await show(update, context, reader, missing_card(facts, reader.language))


async def close_missing(update: Update, context: Context) -> None:
    """Mark them as left, as was confirmed."""
    button = CloseMissing.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    done = await context.write(
        roster_missing.close_missing,
        reader.linked_teacher_id,
        button.job_id,
        button.expected,
        now=now,
    )
    ngettext, _ = catalog(reader.language).ngettext, catalog(reader.language).gettext
    text = ngettext(
        "{n} person is marked as left. This can be undone until {time}.",
        "{n} people are marked as left. This can be undone until {time}.",
        done.figures.leavers,
    ).format(
        n=done.figures.leavers,
        time=dates.moment(done.undo_until, zone, reader.language, today),
    )
    keys = ((undo_key(done.deed_id, reader.language),), (Key(_("Back"), OpenDesk()),))
    await show(update, context, reader, Card(text, keys))


def imports_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why an import cannot go on; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case NotARoster():
            return _(
                "I cannot find staff numbers and names in this table. Its first rows must name "
                "the columns; the empty file shows how."
            )
        case NoLongerWaiting(state=ImportState.UNDONE):
            return _("This import was undone. To repeat it, please send the file again.")
        case NoLongerWaiting():
            return _("This preview does not wait any more. Please send the file again.")
        case PreviewOutdated():
            return _("Something has changed meanwhile; nothing was done. Please look again.")
        case _:
            return ""
