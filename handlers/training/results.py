"""Results: figures, a keypad for one after another, and tables of marks."""

from __future__ import annotations

import asyncio
import html
from dataclasses import dataclass
from pathlib import PurePath

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.files import (
    Attachment,
    Dropped,
    NotATable,
    kept_book,
    on_file,
    on_table,
    read_table,
)
from handlers.people.desk import show_desk
from handlers.training import aiming, words
from handlers.training.buttons import OpenRun
from handlers.training.results_text import (
    figures_text,
    grade_name,
    mark_text,
    preview_text,
    results_text,
    rules_text,
    score_text,
)
from handlers.training.rows_text import problem_text
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog
from storage import sheets
from storage.people import accounts, imports
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.people.tables import ImportState
from storage.refusals import NotFound
from storage.sheets import Book, Table
from storage.training import results
from storage.training.aiming import Candidate, candidates
from storage.training.results import (
    GRADES,
    Figures,
    Listed,
    Mark,
    Person,
    Preview,
    read_mark,
)
from storage.training.tables import Grade

AWAITED = "mark"
AWAITED_FILE = "marks"
LABEL = 40
DIGITS = ("123", "456", "789")
CAPS = (0, 100, 150, 200, 250, 300)  # thousandths
STEP = 5


@dataclass(frozen=True)
class OpenResults(Button):
    """The results of a class in figures."""

    tag = "res"
    batch_id: int


@dataclass(frozen=True)
class OpenAssessment(Button):
    """What follows for whom, and the organiser's decision."""

    tag = "cpl"
    batch_id: int


@dataclass(frozen=True)
class ListResults(Button):
    """Everybody's result, page by page."""

    tag = "resl"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class Keypad(Button):
    """The keypad at one person; below 0 the first without a result."""

    tag = "resk"
    batch_id: int
    number: int = -1
    typed: str = ""


@dataclass(frozen=True)
class EnterMark(Button):
    """Enter this mark for this person, and go on to the next."""

    tag = "rese"
    registration_id: int
    mark: str


@dataclass(frozen=True)
class BlankTable(Button):
    """A table of the class, to be filled in."""

    tag = "resb"
    batch_id: int


@dataclass(frozen=True)
class SendTable(Button):
    """I am going to send a table of marks of this class."""

    tag = "rest"
    batch_id: int


@dataclass(frozen=True)
class AimTable(Button):
    """The table that I sent is about this class."""

    tag = "resa"
    job_id: int
    batch_id: int


@dataclass(frozen=True)
class ApplyMarks(Button):
    """Enter what the table says."""

    tag = "resy"
    job_id: int


@dataclass(frozen=True)
class CancelMarks(Button):
    """Do not enter it."""

    tag = "resn"
    job_id: int


@dataclass(frozen=True)
class MarkedFile(Button):
    """The table back, with a column of what is wrong."""

    tag = "resf"
    job_id: int


@dataclass(frozen=True)
class SetRules(Button):
    """The marks and the share of the programme; tenths and thousandths, -1 is no share.

    With ``save`` 0 they are only shown.
    """

    tag = "resr"
    batch_id: int
    pass_mark: int = -1
    excellent_mark: int = -1
    cap: int = -1
    save: int = 0


def install(application: AnyApplication) -> None:
    on_run(application, [Act.ENTER_RESULTS], _label, OpenResults, kinds=["results"])
    on_tap(application, OpenResults, open_results)
    on_tap(application, ListResults, open_list)
    on_tap(application, Keypad, open_keypad)
    on_tap(application, EnterMark, enter_tapped)
    on_tap(application, BlankTable, send_blank)
    on_tap(application, SendTable, ask_table)
    on_tap(application, AimTable, aim_table)
    on_tap(application, ApplyMarks, apply_marks)
    on_tap(application, CancelMarks, cancel_marks)
    on_tap(application, MarkedFile, send_marked)
    on_tap(application, SetRules, set_rules)
    on_text(application, AWAITED, mark_typed)
    on_file(application, AWAITED_FILE, table_awaited)
    on_table(application, results.fits, table_dropped)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Results")


# --- cards ----------------------------------------------------------------------------------------


def results_card(facts: Figures, language: str, doors: Keys = (), said: str = "") -> Card:
    """The results in figures, and the ways to enter them; above them what was ``said`` before."""
    _ = catalog(language).gettext
    id_ = facts.batch_id
    rows: list[tuple[Key, ...]] = []
    if facts.people:
        rows.append(
            (
                Key(_("One by one"), Keypad(id_), style="primary" if facts.missing else None),
                Key(_("By table"), SendTable(id_)),
            )
        )
        rows.append((Key(_("List"), ListResults(id_)), Key(_("Table to fill in"), BlankTable(id_))))
    if facts.may_set_rules:
        rows.append((Key(_("Marks and share"), _rules_button(facts)),))
    text = f"{said}\n\n{figures_text(facts, language)}" if said else figures_text(facts, language)
    return Card(text, (*rows, *doors, (Key(_("Back"), OpenRun(id_)),)))


def _rules_button(facts: Figures) -> SetRules:
    rules = facts.rules
    return SetRules(
        facts.batch_id,
        round(rules.pass_mark * 10),
        round(rules.excellent_mark * 10),
        -1 if rules.cap is None else round(rules.cap * 1000),
    )


def list_card(facts: Listed, language: str) -> Card:
    """A page of people with their results; each leads to the keypad."""
    _ = catalog(language).gettext
    text = _("<b>Results</b>: {title}").format(title=html.escape(facts.title))
    if not facts.lines:
        text += "\n" + _("Nobody takes part.")
    keys = [
        (
            Key(
                shortened(f"{line.name} · {mark_text(line.score, line.grade, language)}", LABEL),
                Keypad(facts.batch_id, line.number),
            ),
        )
        for line in facts.lines
    ]
    turn = pager(facts.page, facts.pages, lambda page: ListResults(facts.batch_id, page))
    back = (Key(_("Back"), OpenResults(facts.batch_id)),)
    return Card(text, (*keys, *((turn,) if turn else ()), back))


def keypad_card(facts: Person, typed: str, language: str, said: str = "") -> Card:
    """One person, what is being typed, and the keys; above them what was ``said`` before."""
    _ = catalog(language).gettext
    lines = [
        *([said, ""] if said else []),
        _("<b>{name}</b>, {unit} ({n} of {of})").format(
            name=html.escape(facts.name),
            unit=html.escape(facts.unit),
            n=facts.number + 1,
            of=facts.of,
        ),
    ]
    if facts.state in results.DECIDED:
        lines.append(words.standing(facts.state, language))
    if facts.grade is not None:
        lines.append(_("So far: {mark}").format(mark=mark_text(facts.score, facts.grade, language)))
    if typed:
        lines.append(_("Mark: <b>{typed}</b>").format(typed=html.escape(typed)))
    else:
        lines.append(_("Mark from 0 to 100, or a grade; you can type it as well."))
    id_, at = facts.batch_id, facts.number

    def digit(char: str) -> Key:
        # What can be no mark any more begins anew.
        longer = (typed + char).lstrip("0") or "0"
        return Key(char, Keypad(id_, at, longer if int(longer) <= results.TOP else char))

    enter = EnterMark(facts.registration_id, typed) if typed else Keypad(id_, at)
    rows: list[tuple[Key, ...]] = [tuple(digit(char) for char in row) for row in DIGITS]
    rows.append(
        (
            Key("⌫", Keypad(id_, at, typed[:-1])),
            digit("0"),
            Key("✓", enter, style="success" if typed else None),
        )
    )
    grades = [
        Key(_begun(grade_name(grade, language)), EnterMark(facts.registration_id, grade.value))
        for grade in Grade
    ]
    rows += [tuple(grades[:3]), tuple(grades[3:])]
    walk = []
    if at > 0:
        walk.append(Key(_("‹ Previous"), Keypad(id_, at - 1)))
    walk.append(Key(_("Skip ›"), Keypad(id_, at + 1)))
    return Card("\n".join(lines), (*rows, tuple(walk), (Key(_("Back"), OpenResults(id_)),)))


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def preview_card(facts: Preview, language: str) -> Card:
    """What the table would do, with Enter and Cancel; or what it did, with Undo."""
    _ = catalog(language).gettext
    rows: list[tuple[Key, ...]] = []
    if facts.state is ImportState.PREVIEWED:
        cancel = Key(_("Cancel"), CancelMarks(facts.job_id))
        if facts.changes:
            label = _("Enter {n}").format(n=facts.changes)
            rows.append((Key(label, ApplyMarks(facts.job_id), style="primary"), cancel))
        else:
            rows.append((cancel,))
    elif facts.state is ImportState.APPLIED and facts.deed_id is not None:
        rows.append((undo_key(facts.deed_id, language),))
    if facts.problems:
        rows.append((Key(_("The table with problems"), MarkedFile(facts.job_id)),))
    rows.append((Key(_("Results"), OpenResults(facts.batch_id)),))
    return Card(preview_text(facts, language), tuple(rows))


def which_card(found: tuple[Candidate, ...], job_id: int, language: str) -> Card:
    """Which class is this table about?"""
    _ = catalog(language).gettext
    return aiming.which_card(
        found,
        _("Marks: which class are they of? The number says how many of the people are in it."),
        _(
            "This looks like a table of marks, but none of your classes has any of these "
            "people. Please check the staff numbers."
        ),
        lambda batch_id: AimTable(job_id, batch_id),
        CancelMarks(job_id),
        language,
    )


def rules_card(facts: Figures, given: SetRules, language: str) -> Card:
    """The marks and the share, with keys that move them; nothing is kept before Save."""
    _ = catalog(language).gettext
    cap = None if given.cap < 0 else given.cap / 1000
    rules = results.Rules(given.pass_mark / 10, given.excellent_mark / 10, cap)
    text = "\n".join(
        [
            _("<b>Marks and share</b>: {title}").format(title=html.escape(facts.title)),
            rules_text(rules, language),
            _("They hold for the whole programme. Whoever has been decided keeps the grade."),
        ]
    )

    def moved(passes: int = 0, excellent: int = 0, cap: int | None = None) -> SetRules:
        pass_mark = min(max(given.pass_mark + passes * 10, 0), results.TOP * 10)
        top = min(max(given.excellent_mark + excellent * 10, 0), results.TOP * 10)
        return SetRules(
            given.batch_id,
            min(pass_mark, top) if excellent else pass_mark,
            max(pass_mark, top) if passes else top,
            given.cap if cap is None else cap,
        )

    def label(value: int) -> str:
        return f"{score_text(value / 10)} %" if value else _("no limit")

    shares = [Key(label(value), moved(cap=value or -1)) for value in CAPS]
    save = SetRules(given.batch_id, given.pass_mark, given.excellent_mark, given.cap, 1)
    return Card(
        text,
        (
            (
                Key(_("Passed −5"), moved(passes=-STEP)),
                Key(_("Passed +5"), moved(passes=STEP)),
            ),
            (
                Key(_("Excellent −5"), moved(excellent=-STEP)),
                Key(_("Excellent +5"), moved(excellent=STEP)),
            ),
            tuple(shares[:3]),
            tuple(shares[3:]),
            (Key(_("Save"), save, style="primary"), Key(_("Back"), OpenResults(given.batch_id))),
        ),
    )


# --- what is tapped, typed and sent ---------------------------------------------------------------


async def open_results(update: Update, context: Context) -> None:
    batch_id = OpenResults.parse(tap(update).data).batch_id
    await show_results(update, context, await context.reader(update), batch_id)


async def show_results(
    update: Update, context: Context, reader: Reader, batch_id: int, said: str = ""
) -> None:
    """Show the results of a class, from wherever somebody comes back to them."""
    facts = await context.read(
        results.figures, reader.linked_teacher_id, batch_id, now=context.now()
    )
    _ = catalog(reader.language).gettext
    doors = ((Key(_("Completion"), OpenAssessment(batch_id)),),) if facts.people else ()
    await show(update, context, reader, results_card(facts, reader.language, doors, said))


async def open_list(update: Update, context: Context) -> None:
    button = ListResults.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        results.listed,
        reader.linked_teacher_id,
        button.batch_id,
        page=button.page,
        now=context.now(),
    )
    await show(update, context, reader, list_card(facts, reader.language))


async def open_keypad(update: Update, context: Context) -> None:
    button = Keypad.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_keypad(
        update, context, reader, button.batch_id, button.number, _digits(button.typed)
    )


def _digits(typed: str) -> str:
    return typed if typed.isascii() and typed.isdigit() and int(typed) <= results.TOP else ""


async def _show_keypad(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    number: int,
    typed: str = "",
    said: str = "",
) -> None:
    now = context.now()
    facts = await context.write(results.person, reader.linked_teacher_id, batch_id, number, now=now)
    if facts is None:
        await context.write(accounts.await_text, reader.account_id, "", now=now)
        await show_results(update, context, reader, batch_id, said)
        return
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED}:{facts.registration_id}", now=now
    )
    await show(update, context, reader, keypad_card(facts, typed, reader.language, said))


async def enter_tapped(update: Update, context: Context) -> None:
    """Enter the mark that the key says, and go on to the next person."""
    button = EnterMark.parse(tap(update).data)
    reader = await context.reader(update)
    grades = {grade.value: grade for grade in Grade}
    entered = grades.get(button.mark)
    if entered is not None:
        mark = Mark(None, entered)
    else:
        read = read_mark(button.mark, "")
        if read is None:
            raise results.WrongMark
        mark = read
    await _enter(update, context, reader, button.registration_id, mark)


async def mark_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed mark for the person on the keypad; what is none leaves the keypad there."""
    registration_id = int(reader.awaiting.partition(":")[2])
    try:
        mark = read_mark(text, "")
        if mark is None:
            raise results.WrongMark
    except results.WrongMark as refusal:
        zone, now = context.house.zone, context.now()
        facts = await context.write(
            results.of_registration, reader.linked_teacher_id, registration_id, now=now
        )
        why = results_text(refusal, reader.language, zone, now)
        await show(update, context, reader, keypad_card(facts, "", reader.language, why))
        return
    await _enter(update, context, reader, registration_id, mark)


async def _enter(
    update: Update, context: Context, reader: Reader, registration_id: int, mark: Mark
) -> None:
    """Enter the mark, and go on to the next person, saying what was entered for whom."""
    facts = await context.write(
        results.enter, reader.linked_teacher_id, registration_id, mark, now=context.now()
    )
    _ = catalog(reader.language).gettext
    said = _("Entered for {name}: {mark}.").format(
        name=html.escape(facts.name), mark=mark_text(facts.score, facts.grade, reader.language)
    )
    await _show_keypad(update, context, reader, facts.batch_id, facts.number + 1, said=said)


async def send_blank(update: Update, context: Context) -> None:
    """Send a table with everybody in it, to be filled in and sent back."""
    batch_id = BlankTable.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    title, rows = await context.write(
        results.blank, reader.linked_teacher_id, batch_id, now=context.now()
    )
    _ = catalog(reader.language).gettext
    head = [_("Staff number"), _("Name"), _("School"), _("Score"), _("Grade"), _("Comment")]
    filled = [
        [
            number,
            name,
            unit,
            "" if score is None else score,
            "" if grade is None else _word(grade, reader.language),
            "",
        ]
        for number, name, unit, score, grade in rows
    ]
    content = await asyncio.to_thread(sheets.write, [(_("Results"), [head, *filled])])
    name = _("Marks {title}").format(title=title) + ".xlsx"
    caption = _("Please fill in scores or grades and send the table back to me.")
    await send_file(update, context, reader, content, name, caption)


def _word(grade: Grade, language: str) -> str:
    """A grade as a table says it, so that it can be read back."""
    said = [word for word, found in GRADES.items() if found is grade]
    return next(word for word in said if word.isascii() == (language == "en"))


async def ask_table(update: Update, context: Context) -> None:
    """Wait for a table of marks of this class."""
    batch_id = SendTable.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    now = context.now()
    await context.read(results.figures, reader.linked_teacher_id, batch_id, now=now)
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED_FILE}:{batch_id}", now=now
    )
    _ = catalog(reader.language).gettext
    text = _(
        "Please send the table of marks (XLSX or CSV). It needs a column of staff numbers or "
        "names, and one of scores or grades. Nothing is entered before you have seen it."
    )
    keys = (
        (Key(_("Table to fill in"), BlankTable(batch_id)),),
        (Key(_("Back"), OpenResults(batch_id)),),
    )
    await show(update, context, reader, Card(text, keys))


async def table_awaited(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take the table that was asked for."""
    batch_id = int(reader.awaiting.partition(":")[2])
    if attachment.is_photo:
        raise NotATable
    dropped = await read_table(context, attachment)
    table = _table(dropped.book)
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    job_id = await _kept(context, reader, dropped)
    facts = await context.write(
        results.aim, reader.linked_teacher_id, job_id, batch_id, table, now=context.now()
    )
    await show(update, context, reader, preview_card(facts, reader.language))


async def table_dropped(update: Update, context: Context, reader: Reader, dropped: Dropped) -> None:
    """Take a table that was dropped into the chat, and ask which class it is about."""
    table = _table(dropped.book)
    job_id = await _kept(context, reader, dropped)
    found = await context.read(
        candidates, reader.linked_teacher_id, *results.named(table), now=context.now()
    )
    await show(update, context, reader, which_card(found, job_id, reader.language))


def _table(book: Book) -> Table:
    table = results.table_of(book)
    if table is None:
        raise NotATable
    return table


async def _kept(context: Context, reader: Reader, dropped: Dropped) -> int:
    return await context.write(
        imports.keep_preview,
        reader.linked_teacher_id,
        results.KIND,
        dropped.attachment.name,
        dropped.content,
        now=context.now(),
    )


async def _again(context: Context, reader: Reader, job_id: int) -> tuple[Book, Table]:
    book = await kept_book(context, reader, job_id, results.KIND)
    return book, _table(book)


async def aim_table(update: Update, context: Context) -> None:
    button = AimTable.parse(tap(update).data)
    reader = await context.reader(update)
    _book, table = await _again(context, reader, button.job_id)
    facts = await context.write(
        results.aim,
        reader.linked_teacher_id,
        button.job_id,
        button.batch_id,
        table,
        now=context.now(),
    )
    await show(update, context, reader, preview_card(facts, reader.language))


async def apply_marks(update: Update, context: Context) -> None:
    """Enter what the table says; a second tap shows the same."""
    job_id = ApplyMarks.parse(tap(update).data).job_id
    reader = await context.reader(update)
    facts = await context.write(results.apply, reader.linked_teacher_id, job_id, now=context.now())
    await show(update, context, reader, preview_card(facts, reader.language))


async def cancel_marks(update: Update, context: Context) -> None:
    job_id = CancelMarks.parse(tap(update).data).job_id
    reader = await context.reader(update)
    await context.write(imports.cancel, reader.linked_teacher_id, job_id, now=context.now())
    _ = catalog(reader.language).gettext
    await alert(update, _("Nothing was entered."))
    try:
        facts = await context.write(
            results.preview, reader.linked_teacher_id, job_id, now=context.now()
        )
    except NotFound:  # it was never said which class it is about
        await show_desk(update, context, reader)
        return
    await show_results(update, context, reader, facts.batch_id)


async def send_marked(update: Update, context: Context) -> None:
    """Send the table back with a column of what is wrong."""
    job_id = MarkedFile.parse(tap(update).data).job_id
    reader = await context.reader(update)
    book, table = await _again(context, reader, job_id)
    facts = await context.write(
        results.preview, reader.linked_teacher_id, job_id, now=context.now()
    )
    _ = catalog(reader.language).gettext
    wrong = {
        problem.number: (problem_text(problem.state, reader.language),)
        for problem in facts.problems
    }
    content = await asyncio.to_thread(
        sheets.with_notes, book, table.sheet, table.header, (_("Problem"),), wrong
    )
    name = _("{file} with problems").format(file=PurePath(book.name).stem) + ".xlsx"
    caption = _("The last column says what is wrong. Please correct it and send the table again.")
    await send_file(update, context, reader, content, name, caption)


async def set_rules(update: Update, context: Context) -> None:
    """Show the marks and the share as they would be, or keep them."""
    given = SetRules.parse(tap(update).data)
    reader = await context.reader(update)
    if not given.save:
        facts = await context.read(
            results.figures, reader.linked_teacher_id, given.batch_id, now=context.now()
        )
        await show(update, context, reader, rules_card(facts, given, reader.language))
        return
    await context.write(
        results.set_rules,
        reader.linked_teacher_id,
        given.batch_id,
        pass_mark=given.pass_mark / 10,
        excellent_mark=given.excellent_mark / 10,
        cap=None if given.cap < 0 else given.cap / 1000,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    await alert(update, _("Kept."))
    await show_results(update, context, reader, given.batch_id)
