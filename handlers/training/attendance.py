"""Attendance, as whoever runs a class or looks after a school takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import PurePath
from zoneinfo import ZoneInfo

from telegram import Message, Update
from telegram.constants import ChatType

from handlers.cards import Card, Key
from handlers.context import (
    Context,
    alert,
    hush,
    send_file,
    show,
    show_anew,
    show_picture,
    tap,
)
from handlers.files import Attachment, Dropped, kept_book, on_file, on_table, read_table
from handlers.live import Look, Screen, put
from handlers.people.buttons import OpenDesk
from handlers.training import attendance_sheet_text as sheet_text
from handlers.training import attendance_text as text
from handlers.training import check_in_papers as papers
from handlers.training.attendance_buttons import (
    ApplySheet,
    AskSheet,
    ChooseMeeting,
    OpenMark,
    OpenMarks,
    OpenMeeting,
    OpenMeetings,
    OpenNames,
    OpenSchools,
    OpenWalkIns,
    SaveMarks,
    SetCheckIn,
    SetMark,
    ShowCode,
    StartMarks,
    TakeKit,
    TakeSheet,
    TurnMark,
)
from handlers.wiring import AnyApplication, on_link, on_run, on_tap
from locales import catalog
from storage import sheets
from storage.moments import local_day
from storage.people import accounts, imports
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.sheets import Book
from storage.training import attendance, attendance_sheets, marking, marks_draft
from storage.training.attendance import Shown
from storage.training.attendance_sheets import Preview
from storage.training.check_codes import Box
from storage.training.tables import Presence

AWAITED = "attsheet"
CODE_RENEWS_FOR = timedelta(minutes=45)
COUNT_LIVES_FOR = timedelta(minutes=30)


def install(application: AnyApplication) -> None:
    on_run(
        application,
        {Act.TAKE_ATTENDANCE, Act.MARK_PRESENCE},
        _label,
        OpenMeetings,
        kinds=["attendance"],
    )
    on_link(application, "at([0-9]{1,18})", _linked)
    on_tap(application, OpenMeetings, open_meetings)
    on_tap(application, OpenMeeting, open_meeting)
    on_tap(application, SetCheckIn, set_check_in)
    on_tap(application, ShowCode, show_code)
    on_tap(application, TakeKit, take_kit)
    on_tap(application, OpenSchools, open_schools)
    on_tap(application, OpenNames, open_names)
    on_tap(application, OpenMark, open_mark)
    on_tap(application, SetMark, set_mark)
    on_tap(application, StartMarks, start_marks)
    on_tap(application, TurnMark, turn_mark)
    on_tap(application, OpenMarks, open_marks)
    on_tap(application, SaveMarks, save_marks)
    on_tap(application, OpenWalkIns, open_walk_ins)
    on_tap(application, TakeSheet, take_sheet)
    on_tap(application, AskSheet, ask_sheet)
    on_tap(application, ChooseMeeting, choose_meeting)
    on_tap(application, ApplySheet, apply_sheet)
    on_file(application, AWAITED, sheet_came)
    on_table(application, attendance_sheets.is_attendance, sheet_dropped)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Attendance")


def _today(context: Context) -> tuple[ZoneInfo, date, datetime]:
    now = context.now()
    return context.house.zone, local_day(now, context.house.zone), now


# --- the class and the meeting ---------------------------------------------------------------


async def open_meetings(update: Update, context: Context) -> None:
    """Show a page of the class's meetings."""
    button = OpenMeetings.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    facts = await context.read(
        attendance.list_meetings,
        reader.linked_teacher_id,
        button.batch_id,
        page=None if button.page < 0 else button.page,
        now=now,
    )
    await show(update, context, reader, text.meetings_card(facts, reader.language, zone, today))


async def open_meeting(update: Update, context: Context) -> None:
    """Show one meeting; its count changes by itself for a while."""
    button = OpenMeeting.parse(tap(update).data)
    await show_meeting(update, context, await context.reader(update), button.session_id)


async def show_meeting(update: Update, context: Context, reader: Reader, session_id: int) -> None:
    """Put a meeting in front of the person, from wherever they come back to it."""
    house, language, actor_id = context.house, reader.language, reader.linked_teacher_id

    async def look() -> Look:
        now = house.clock()
        facts = await house.database.read(attendance.meeting_card, actor_id, session_id, now=now)
        card = text.meeting_card(facts, language, house.zone, now)
        return Look(card.text + repr(card.keys), card)

    seen = await look()
    await show(update, context, reader, seen.card)
    message = _shown_in(update)
    if message is None:  # it became a message of its own
        after = await context.reader(update)
        chat_id, message_id = reader.tg_user_id, after.card_message_id
    else:
        chat_id, message_id = message.chat.id, message.message_id
    if message_id is not None:
        screen = Screen(
            until=house.clock() + COUNT_LIVES_FOR,
            look=look,
            last=None,
            is_picture=False,
            is_still=_is_still(context, chat_id, message_id, update.update_id),
            mark=seen.mark,
        )
        house.live.watch(chat_id, message_id, screen)


def _shown_in(update: Update) -> Message | None:
    """The message that a tap has turned into what it shows: a text in the private chat."""
    query = update.callback_query
    if query is None or not isinstance(query.message, Message) or not query.message.text:
        return None
    return query.message if query.message.chat.type == ChatType.PRIVATE else None


def _is_still(
    context: Context, chat_id: int, message_id: int, update_id: int
) -> Callable[[], bool]:
    screens = context.house.screens
    return lambda: screens.is_newest((chat_id, message_id), update_id)


async def set_check_in(update: Update, context: Context) -> None:
    """Open or close check-in, and show the meeting as it is then."""
    button = SetCheckIn.parse(tap(update).data)
    reader = await context.reader(update)
    change = attendance.open_now if button.on else attendance.close_now
    await context.write(change, reader.linked_teacher_id, button.session_id, now=context.now())
    context.house.wake_delivery()
    await show_meeting(update, context, reader, button.session_id)


async def show_code(update: Update, context: Context) -> None:
    """Show the code of the moment as a picture that renews itself."""
    button = ShowCode.parse(tap(update).data)
    reader = await context.reader(update)
    house, language, actor_id = context.house, reader.language, reader.linked_teacher_id
    box = Box.OUT if button.out else Box.IN
    until = house.clock() + CODE_RENEWS_FOR
    last: list[Shown] = []

    async def look() -> Look:
        now = house.clock()
        shown = await house.database.write(
            attendance.show_code, actor_id, button.session_id, box, now=now
        )
        last[:] = [shown]
        today = local_day(now, house.zone)
        link = house.link(papers.payload(shown))
        card = text.code_card(shown, language, house.zone, now, until)
        return Look(
            card.text,
            card,
            draw=lambda: papers.code_png(shown, link, language, house.zone, today),
        )

    seen = await look()
    assert seen.draw is not None
    picture = await asyncio.to_thread(seen.draw)
    message = tap(update).message
    if isinstance(message, Message) and message.photo and message.chat.type == ChatType.PRIVATE:
        message_id = message.message_id
        await hush(update)
        await put(context.bot, (reader.tg_user_id, message_id), seen.card, picture, is_picture=True)
    else:
        message_id = await show_picture(update, context, reader, picture, seen.card, "code.png")
    house.screens.turned_at((reader.tg_user_id, message_id), update.update_id)
    screen = Screen(
        until=until,
        look=look,
        last=lambda: text.code_card(last[0], language, house.zone, house.clock(), None),
        is_picture=True,
        is_still=_is_still(context, reader.tg_user_id, message_id, update.update_id),
        mark=seen.mark,
    )
    house.live.watch(reader.tg_user_id, message_id, screen)


async def take_kit(update: Update, context: Context) -> None:
    """Send the kit for a room without a signal."""
    button = TakeKit.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    _ = catalog(reader.language).gettext
    kit = await context.write(attendance.kit, reader.linked_teacher_id, button.session_id, now=now)
    sheet = await asyncio.to_thread(papers.kit_pdf, kit, reader.language, zone, today)
    name = _("{title} check-in codes {time}").format(
        title=kit.meeting.title, time=f"{kit.meeting.starts_at.astimezone(zone):%m-%d %H%M}"
    )
    caption = _(
        "For a room without a signal: please print this, or scan its picture with an "
        "authenticator app. It is a key to the meeting; keep it to yourself."
    )
    await send_file(update, context, reader, sheet, f"{name}.pdf", caption)


async def open_walk_ins(update: Update, context: Context) -> None:
    """Show who was there and is not on the list."""
    button = OpenWalkIns.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    meeting, people = await context.write(
        attendance.walk_ins, reader.linked_teacher_id, button.session_id, now=now
    )
    card = text.walk_ins_card(meeting, people, reader.language, zone, today)
    await show(update, context, reader, card)


# --- names and marks -------------------------------------------------------------------------


async def open_schools(update: Update, context: Context) -> None:
    """Show the schools at a meeting."""
    button = OpenSchools.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    meeting, units = await context.read(
        attendance.units_of, reader.linked_teacher_id, button.session_id, now=now
    )
    card = text.schools_card(meeting, units, button.page, reader.language, zone, today)
    await show(update, context, reader, card)


async def open_names(update: Update, context: Context) -> None:
    """Show a page of the people at a meeting."""
    button = OpenNames.parse(tap(update).data)
    await _show_names(update, context, await context.reader(update), button)


async def _show_names(update: Update, context: Context, reader: Reader, button: OpenNames) -> None:
    zone, today, now = _today(context)
    facts = await context.write(
        attendance.names,
        reader.linked_teacher_id,
        button.session_id,
        unit_id=button.unit_id,
        only=button.only,
        page=button.page,
        now=now,
    )
    meeting = await context.read(
        attendance.meeting_card, reader.linked_teacher_id, button.session_id, now=now
    )
    card = text.names_card(facts, button.only, meeting.may_mark, reader.language, zone, today)
    await show(update, context, reader, card)


async def open_mark(update: Update, context: Context) -> None:
    """Show one person at a meeting."""
    button = OpenMark.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    meeting, line, runs_it = await context.write(
        attendance.person,
        reader.linked_teacher_id,
        button.session_id,
        button.registration_id,
        now=now,
    )
    back = OpenNames(button.session_id, button.unit_id, button.page, button.only)
    card = text.person_card(meeting, line, runs_it, back, reader.language, zone, today)
    await show(update, context, reader, card)


async def set_mark(update: Update, context: Context) -> None:
    """Enter one person by hand, and show the list again."""
    button = SetMark.parse(tap(update).data)
    reader = await context.reader(update)
    if button.state not in list(Presence):
        raise NotFound("state")
    state = Presence(button.state)
    await context.write(
        marking.set_state,
        reader.linked_teacher_id,
        button.session_id,
        button.registration_id,
        state,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    await alert(
        update, _("Entered: {state}").format(state=text.presence_word(state, reader.language))
    )
    back = OpenNames(button.session_id, button.unit_id, button.page)
    await _show_names(update, context, reader, back)


async def start_marks(update: Update, context: Context) -> None:
    """Begin to mark everybody present but for some."""
    button = StartMarks.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    draft = await context.write(
        marks_draft.begin,
        reader.account_id,
        reader.linked_teacher_id,
        button.session_id,
        button.unit_id,
        now=now,
    )
    await show(update, context, reader, text.marks_card(draft, reader.language, zone, today))


async def turn_mark(update: Update, context: Context) -> None:
    """Let one person be absent, or not."""
    button = TurnMark.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    draft = await context.write(
        marks_draft.turn,
        reader.account_id,
        reader.linked_teacher_id,
        button.registration_id,
        bool(button.absent),
        page=button.page,
        now=now,
    )
    await show(update, context, reader, text.marks_card(draft, reader.language, zone, today))


async def open_marks(update: Update, context: Context) -> None:
    """Show a page of what is being filled in."""
    button = OpenMarks.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    draft = await context.write(
        marks_draft.look,
        reader.account_id,
        reader.linked_teacher_id,
        page=button.page,
        now=now,
    )
    await show(update, context, reader, text.marks_card(draft, reader.language, zone, today))


async def save_marks(update: Update, context: Context) -> None:
    """Enter what was filled in."""
    SaveMarks.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    marked = await context.write(
        marks_draft.save, reader.account_id, reader.linked_teacher_id, now=now
    )
    await show(update, context, reader, text.marked_card(marked, reader.language, zone, today))


# --- sheets ----------------------------------------------------------------------------------


async def take_sheet(update: Update, context: Context) -> None:
    """Send the meeting's attendance as a table, which can be filled in and sent back."""
    button = TakeSheet.parse(tap(update).data)
    reader = await context.reader(update)
    zone, now = context.house.zone, context.now()
    meeting, lines = await context.write(
        attendance_sheets.sheet, reader.linked_teacher_id, button.session_id, now=now
    )
    content = await asyncio.to_thread(sheet_text.sheet_of, lines, reader.language, zone)
    _ = catalog(reader.language).gettext
    name = _("{title} attendance {time}").format(
        title=meeting.title, time=f"{meeting.starts_at.astimezone(zone):%m-%d %H%M}"
    )
    caption = _("Fill in the column of the attendance and send the file back to enter it.")
    await send_file(update, context, reader, content, f"{name}.xlsx", caption)


async def ask_sheet(update: Update, context: Context) -> None:
    """Take the next file as the attendance of this meeting."""
    button = AskSheet.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    facts = await context.read(
        attendance.meeting_card, reader.linked_teacher_id, button.session_id, now=now
    )
    awaited = f"{AWAITED}:{button.session_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    card = sheet_text.ask_card(facts.meeting, reader.language, zone, today)
    await show(update, context, reader, card)


async def sheet_came(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Show what an awaited sheet would do."""
    session_id = int(reader.awaiting.partition(":")[2])
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    dropped = await read_table(context, attachment)
    job_id = await _keep(context, reader, dropped, session_id)
    await _preview(update, context, reader, job_id, session_id)


async def sheet_dropped(update: Update, context: Context, reader: Reader, dropped: Dropped) -> None:
    """Ask which meeting a sheet is about that nobody asked for."""
    zone, today, now = _today(context)
    found = await context.read(attendance_sheets.choices, reader.linked_teacher_id, now=now)
    if not found:
        raise NotFound("meeting")
    job_id = await _keep(context, reader, dropped, None)
    card = sheet_text.choose_card(job_id, found, reader.language, zone, today)
    await show(update, context, reader, card)


async def _keep(context: Context, reader: Reader, dropped: Dropped, session_id: int | None) -> int:
    return await context.write(
        attendance_sheets.keep,
        reader.linked_teacher_id,
        dropped.book,
        dropped.content,
        session_id=session_id,
        now=context.now(),
    )


async def choose_meeting(update: Update, context: Context) -> None:
    """Show what the sheet would do to this meeting."""
    button = ChooseMeeting.parse(tap(update).data)
    reader = await context.reader(update)
    await _preview(update, context, reader, button.job_id, button.session_id)


async def _preview(
    update: Update, context: Context, reader: Reader, job_id: int, session_id: int
) -> None:
    zone, today, now = _today(context)
    actor_id = reader.linked_teacher_id
    book = await kept_book(context, reader, job_id, attendance_sheets.KIND)
    found = await context.write(
        attendance_sheets.preview, actor_id, job_id, session_id, book, now=now
    )
    if found.troubles:
        content = await asyncio.to_thread(_with_troubles, book, found, reader.language)
        _ = catalog(reader.language).gettext
        caption = _("The same rows with a column that says what is wrong.")
        name = _("{file} with problems").format(file=PurePath(book.name).stem) + ".xlsx"
        await send_file(update, context, reader, content, name, caption)
    card = sheet_text.preview_card(found, reader.language, zone, today)
    if found.troubles:  # the file has come below the former card
        await show_anew(context, reader, card)
    else:
        await show(update, context, reader, card)


def _with_troubles(book: Book, found: Preview, language: str) -> bytes:
    """The file as it came, with a column that says what is wrong in a row."""
    table = attendance_sheets.table_of(book)
    assert table is not None
    notes = {
        number: (sheet_text.trouble_word(trouble, language),)
        for number, trouble in found.troubles.items()
    }
    return sheets.with_notes(
        book, table.sheet, table.header, (catalog(language).gettext("Problem"),), notes
    )


async def apply_sheet(update: Update, context: Context) -> None:
    """Enter what the sheet says, or leave everything as it is."""
    button = ApplySheet.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    actor_id = reader.linked_teacher_id
    if button.yes:
        book = await kept_book(context, reader, button.job_id, attendance_sheets.KIND)
        marked = await context.write(
            attendance_sheets.apply, actor_id, button.job_id, book, now=now
        )
        card = text.marked_card(marked, reader.language, zone, today)
    else:
        await context.write(imports.cancel, actor_id, button.job_id, now=now)
        _ = catalog(reader.language).gettext
        card = Card(_("Nothing was changed."), ((Key(_("Back"), OpenDesk()),),))
    await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_meeting(update, context, reader, int(payload))
