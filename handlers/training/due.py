"""What is due: everything this teacher still owes, soonest first, and a calendar file of it."""

from __future__ import annotations

import html
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.context import Context, send_file, shortened, show
from handlers.messaging.notice_buttons import NoticeRead
from handlers.people.buttons import Home
from handlers.training.buttons import DueCalendar, OpenDue, OpenProgramme, OpenProgrammes
from handlers.training.check_in import check_in_key
from handlers.wiring import AnyApplication, on_command, on_link, on_tap
from locales import catalog, dates
from storage.people.accounts import Reader
from storage.training import check_in, programmes
from storage.training.check_in import OpenMeeting
from storage.training.programmes import DueItem, DueKind

PAGE = 6
KEY = 20


def install(application: AnyApplication) -> None:
    on_command(application, "due", open_due)
    on_link(application, "due", _linked)
    on_tap(application, OpenDue, open_due)
    on_tap(application, DueCalendar, send_calendar)


def what_text(item: DueItem, language: str) -> str:
    """What is to be done, in one line without the time. Plain text."""
    _ = catalog(language).gettext
    match item.kind:
        case DueKind.OFFER:
            return _("Answer the offered seat: {title}").format(title=item.title)
        case DueKind.NOMINATION:
            return _("Answer the nomination: {title}").format(title=item.title)
        case DueKind.SESSION | DueKind.STRETCH if (
            item.session_title and item.session_title != item.title
        ):
            return _("{title}: {session}").format(title=item.title, session=item.session_title)
        case DueKind.SESSION | DueKind.STRETCH:
            return item.title
        case DueKind.TASK if item.is_late:
            return _("Hand in late: {title}, {task}").format(title=item.title, task=item.task_title)
        case DueKind.TASK:
            return _("Hand in: {title}, {task}").format(title=item.title, task=item.task_title)
        case DueKind.START:
            return _("Begins: {title}").format(title=item.title)
        case DueKind.REMOTE_END:
            return _("Finish: {title}").format(title=item.title)
        case DueKind.CONFIRM:
            return _("Confirm: {title}").format(title=item.title)
        case DueKind.REG_CLOSE:
            return _("Registration closes: {title}").format(title=item.title)


def when_text(item: DueItem, zone: ZoneInfo, language: str, today: date) -> str:
    """When it begins, or by when it is to be done."""
    if item.ends_at is not None:
        return dates.span(item.at, item.ends_at, zone, language, today)
    if item.kind is DueKind.START:
        return dates.moment(item.at, zone, language, today)
    return dates.before(item.at, zone, language, today)


def due_card(
    items: list[DueItem],
    number: int,
    language: str,
    zone: ZoneInfo,
    today: date,
    wanted: tuple[OpenMeeting, ...] = (),
) -> Card:
    """A page of what is due, each with weekday and hour and a key to its card."""
    _ = catalog(language).gettext
    if not items:
        return Card(
            _("Nothing is due. You are up to date."),
            (
                *check_in_key(wanted, language),
                (Key(_("Training for me"), OpenProgrammes(0)),),
                (Key(_("Back"), Home()),),
            ),
        )
    pages = max(1, -(-len(items) // PAGE))
    number = min(max(0, number), pages - 1)
    lines = [_("<b>What is due</b>")]
    keys: list[tuple[Key, ...]] = [*check_in_key(wanted, language)]
    seen: set[int] = set()
    for index, item in enumerate(items[number * PAGE : (number + 1) * PAGE], number * PAGE + 1):
        when = when_text(item, zone, language, today)
        text = f"\n{index}. <b>{html.escape(what_text(item, language))}</b>\n{when}"
        if item.place:
            text += f" · {html.escape(item.place)}"
        lines.append(text)
        label = shortened(f"{index}. {item.title}", KEY)
        if item.notice_id is not None:
            keys.append((Key(label, NoticeRead(item.notice_id)),))
        elif item.batch_id not in seen:
            seen.add(item.batch_id)
            keys.append((Key(label, OpenProgramme(item.batch_id)),))
    turn = pager(number, pages, OpenDue)
    return Card(
        "\n".join(lines),
        (
            *keys,
            *((turn,) if turn else ()),
            (Key(_("Add to calendar"), DueCalendar()), Key(_("Back"), Home())),
        ),
    )


def due_calendar(items: list[DueItem], teacher_id: int, language: str, now: datetime) -> bytes:
    """An iCalendar file: what one attends as events, what one owes as moments with an alarm.

    An item keeps its UID when it moves, so importing the file again corrects the calendar.
    """
    from icalendar import Alarm, Calendar, Event  # takes long to load, and few ask for it

    calendar = Calendar()
    calendar.add("prodid", "-//Qinglan//due//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for item in items:
        event = Event()
        subject = (
            item.session_id
            or item.offer_id
            or item.task_id
            or item.phase_id
            or item.notice_id
            or item.batch_id
        )
        event.add("uid", f"{item.kind.value}-{subject}-{teacher_id}@qinglan")
        event.add("dtstamp", now)
        event.add("summary", what_text(item, language))
        event.add("dtstart", item.at)
        event.add("dtend", item.ends_at or item.at)
        if item.place:
            event.add("location", item.place)
        if item.online_url:
            event.add("url", item.online_url)
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", what_text(item, language))
        alarm.add("trigger", -timedelta(days=1 if item.ends_at is None else 0, hours=2))
        event.add_component(alarm)
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


async def open_due(update: Update, context: Context) -> None:
    page = 0
    if update.callback_query is not None:
        page = OpenDue.parse(update.callback_query.data).page
    reader = await context.reader(update)
    await _show(update, context, reader, page)


async def _show(update: Update, context: Context, reader: Reader, page: int) -> None:
    now, zone = context.now(), context.house.zone
    items = await context.read(programmes.due, reader.linked_teacher_id, now=now)
    wanted = await context.read(check_in.open_for, reader.linked_teacher_id, now=now)
    card = due_card(items, page, reader.language, zone, now.astimezone(zone).date(), wanted)
    await show(update, context, reader, card)


async def send_calendar(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    teacher_id = reader.linked_teacher_id
    items = await context.read(programmes.due, teacher_id, now=now)
    content = due_calendar(items, teacher_id, reader.language, now)
    caption = _("Open the file to put these dates into your calendar.")
    name = _("My training dates") + ".ics"
    await send_file(update, context, reader, content, name, caption)


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show(update, context, reader, 0)
