"""The timetable of a class for who is in it, and as a calendar file."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, send_file, show, tap
from handlers.training.buttons import OpenProgramme
from handlers.training.structure import local
from handlers.training.structure_buttons import (
    MyTimetableCalendar,
    OpenMyTimetable,
)
from handlers.training.structure_words import (
    outline_lines,
    trainers_text,
)
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage.training import structure
from storage.training.structure import Outline


def install(application: AnyApplication) -> None:
    on_tap(application, OpenMyTimetable, open_mine)
    on_tap(application, MyTimetableCalendar, send_calendar)


def my_timetable_card(facts: Outline, language: str, zone: ZoneInfo, today: date) -> Card:
    """The timetable by phases, for somebody who is in the class."""
    _ = catalog(language).gettext
    lines = [_("<b>Timetable: {title}</b>").format(title=html.escape(facts.title))]
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    lines += outline_lines(facts, zone, language, today) or [_("Nothing has been planned yet.")]
    keys: list[tuple[Key, ...]] = []
    if facts.all_meetings:
        keys.append((Key(_("Add to calendar"), MyTimetableCalendar(facts.batch_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenProgramme(facts.batch_id)),)))


def timetable_calendar(facts: Outline, language: str, now: datetime) -> bytes:
    """All meetings as an iCalendar file; a meeting keeps its UID when it moves."""
    from icalendar import Calendar, Event  # takes long to load, and few ask for it

    calendar = Calendar()
    calendar.add("prodid", "-//Qinglan//timetable//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for meeting in facts.all_meetings:
        event = Event()
        event.add("uid", f"session-{meeting.session_id}@qinglan")
        event.add("dtstamp", now)
        event.add("summary", f"{facts.title} · {meeting.title}")
        event.add("dtstart", meeting.starts_at)
        event.add("dtend", meeting.ends_at)
        if meeting.place or facts.place:
            event.add("location", meeting.place or facts.place)
        if meeting.online_url:
            event.add("url", meeting.online_url)
        if meeting.trainers:
            event.add("description", trainers_text(meeting.trainers, language))
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


async def open_mine(update: Update, context: Context) -> None:
    """Show the timetable of a class that the person is in."""
    button = OpenMyTimetable.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today = local(context)
    facts = await context.read(structure.timetable, reader.linked_teacher_id, button.batch_id)
    await show(update, context, reader, my_timetable_card(facts, reader.language, zone, today))


async def send_calendar(update: Update, context: Context) -> None:
    """Send that timetable as a calendar file."""
    button = MyTimetableCalendar.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(structure.timetable, reader.linked_teacher_id, button.batch_id)
    content = timetable_calendar(facts, reader.language, context.now())
    caption = _("Open the file to put these dates into your calendar.")
    name = _("{title} timetable").format(title=facts.title) + ".ics"
    await send_file(update, context, reader, content, name, caption)
