"""A whole timetable at once: typed lines or a table, shown before they are put in."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, shortened, show, tap
from handlers.files import Attachment, Dropped, NotATable, on_file, on_table, read_table
from handlers.training import times
from handlers.training.structure import local, show_timetable
from handlers.training.structure_buttons import (
    AddMeetings,
    ForClass,
    OpenModule,
    OpenTimetable,
    PutMeetings,
)
from handlers.training.structure_words import (
    fate,
    meeting_text,
)
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog
from storage import sheets
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.sheets import Book
from storage.training import runs, structure, timetables
from storage.training.structure import MeetingFacts, Outline
from storage.training.tables import CheckIn
from storage.training.timetables import MOST_LINES, Applied, Fate, TimetableLine

AWAITED = "ttl"
DRAFT = "timetable"
LABEL = 40
SHOWN = 15  # lines of a preview

HEADERS: Mapping[str, tuple[str, ...]] = {
    "day": ("日期", "上课日期", "培训日期", "date", "day"),
    "time": ("时间", "時間", "上课时间", "上課時間", "培训时间", "时段", "time", "hours"),
    "start": ("开始时间", "開始時間", "开始", "起", "start", "from"),
    "end": ("结束时间", "結束時間", "结束", "止", "end", "until"),
    "title": (
        *("内容", "內容", "培训内容", "培訓內容", "课程", "課程", "课程内容", "主题", "主題"),
        *("专题", "專題", "活动", "活動", "题目", "content", "subject", "topic", "title"),
    ),
    "trainers": (
        *("主讲", "主講", "主讲人", "主講人", "授课教师", "授課教師", "讲师", "講師"),
        *("专家", "專家", "主持", "trainer", "trainers", "speaker", "lecturer"),
    ),
    "place": ("地点", "地點", "上课地点", "教室", "场地", "place", "room", "venue"),
}


def install(application: AnyApplication) -> None:
    on_tap(application, AddMeetings, ask_meetings)
    on_tap(application, PutMeetings, put_meetings)
    on_tap(application, ForClass, choose_class)
    on_text(application, AWAITED, typed)
    on_file(application, AWAITED, sent)
    on_table(application, is_timetable, dropped)


def preview_card(
    facts: Outline,
    lines: Sequence[TimetableLine],
    fates: Sequence[Fate],
    lost: Sequence[str],
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """What putting the lines in would do, before it is done."""
    _ = catalog(language).gettext
    counted = {one: fates.count(one) for one in Fate}
    bad = len(fates) - counted[Fate.NEW] - counted[Fate.CHANGED] - counted[Fate.SAME] + len(lost)
    text = [
        _("<b>Timetable: {title}</b>").format(title=html.escape(facts.title)),
        _("New: {new}. Changed: {changed}. Already there: {same}. Not to be put in: {bad}.").format(
            new=counted[Fate.NEW], changed=counted[Fate.CHANGED], same=counted[Fate.SAME], bad=bad
        ),
    ]
    marks = {Fate.NEW: "＋", Fate.CHANGED: "↻", Fate.SAME: "＝"}
    said = []
    for line, one in zip(lines, fates, strict=True):
        shown = meeting_text(_as_meeting(line), zone, language, today)
        why = fate(one, language)
        said.append(f"{marks.get(one, '✗')} {shown}" + (f" ({why})" if why else ""))
    said += [
        "✗ " + _("{line} (not understood)").format(line=html.escape(shortened(line, LABEL)))
        for line in lost
    ]
    more = len(said) - SHOWN
    # What will not be put in matters most.
    said.sort(key=lambda line: not line.startswith("✗"))
    text += said[:SHOWN]
    if more > 0:
        ngettext = catalog(language).ngettext
        text.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    keys: list[tuple[Key, ...]] = []
    if counted[Fate.NEW] or counted[Fate.CHANGED]:
        keys.append((Key(_("Put it in"), PutMeetings(), style="primary"),))
    keys.append(
        (
            Key(_("Send it again"), AddMeetings(facts.batch_id)),
            Key(_("Cancel"), OpenTimetable(facts.batch_id)),
        )
    )
    return Card("\n".join(text), tuple(keys))


def _as_meeting(line: TimetableLine) -> MeetingFacts:
    return MeetingFacts(
        session_id=0,
        module_id=None,
        title=line.title,
        starts_at=line.starts_at,
        ends_at=line.ends_at,
        place=line.place,
        online_url="",
        bring="",
        trainers=line.trainers,
        check_in=CheckIn.CODE,
    )


def applied_text(done: Applied, language: str) -> str:
    """What putting a timetable in came to, in a sentence or two."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if done.deed_id is None:
        return _("Everything was there already; nothing was changed.")
    text = ngettext("{n} meeting was put in.", "{n} meetings were put in.", done.new).format(
        n=done.new
    )
    if done.changed:
        text += " " + ngettext(
            "{n} meeting was changed.", "{n} meetings were changed.", done.changed
        ).format(n=done.changed)
    if done.told:
        text += " " + _("Participants are told of new times and places.")
    return text


async def ask_meetings(update: Update, context: Context) -> None:
    """Take the next text, or table, as meetings."""
    button = AddMeetings.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    awaited = f"{AWAITED}:{button.batch_id}:{button.module_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "Please type one meeting a line, with the place behind @, such as\n"
        "<code>Dec 4 14:00-17:00 Opening @Hall</code>\n"
        "or send the timetable as a table with the columns date, time, content, trainer, place. "
        "You will see what was understood before anything is put in."
    )
    back = OpenModule(button.module_id) if button.module_id else OpenTimetable(button.batch_id)
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), back),),)))


def _asked_for(reader: Reader) -> tuple[int, int]:
    """The class and the module (0 for none) whose lines are awaited."""
    _prefix, batch, module = reader.awaiting.split(":")
    return int(batch), int(module)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take typed lines as meetings, and show what they would do."""
    batch_id, module_id = _asked_for(reader)
    now, zone = context.now(), context.house.zone
    found: list[TimetableLine] = []
    lost: list[str] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        one = times.meeting(line, now, zone)
        if one is None or len(found) >= MOST_LINES:
            lost.append(line)
        else:
            span = one.span
            found.append(TimetableLine(span.starts_at, span.ends_at, one.title, one.place))
    await _show_preview(update, context, reader, batch_id, module_id, found, lost)


async def _show_preview(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    module_id: int,
    found: Sequence[TimetableLine],
    lost: Sequence[str],
) -> None:
    zone, today = local(context)
    facts, fates = await context.write(
        _preview, reader, batch_id, module_id, found, lost, now=context.now()
    )
    card = preview_card(facts, found, fates, lost, reader.language, zone, today)
    await show(update, context, reader, card)


def _preview(
    session: Session,
    reader: Reader,
    batch_id: int,
    module_id: int,
    found: Sequence[TimetableLine],
    lost: Sequence[str],
    *,
    now: datetime,
) -> tuple[Outline, tuple[Fate, ...]]:
    """Keep what was understood until it is put in, and say what that would do.

    Corrected lines are still awaited.
    """
    data = {
        "batch_id": batch_id,
        "module_id": module_id,
        "lines": [_line_as_kept(line) for line in found],
        "lost": list(lost)[:SHOWN],
    }
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    actor_id = reader.linked_teacher_id
    fates = timetables.preview(session, actor_id, batch_id, found, now=now)
    return structure.outline(session, actor_id, batch_id, now=now), fates


def _line_as_kept(line: TimetableLine) -> dict[str, Any]:
    return {
        "starts_at": line.starts_at.isoformat(),
        "ends_at": line.ends_at.isoformat(),
        "title": line.title,
        "place": line.place,
        "trainers": list(line.trainers),
    }


def _lines_kept(data: Mapping[str, Any]) -> list[TimetableLine]:
    return [
        TimetableLine(
            datetime.fromisoformat(line["starts_at"]),
            datetime.fromisoformat(line["ends_at"]),
            line["title"],
            line["place"],
            tuple(line["trainers"]),
        )
        for line in data["lines"]
    ]


async def put_meetings(update: Update, context: Context) -> None:
    """Put in what was shown; tapped twice it is put in once."""
    reader = await context.reader(update)
    batch_id, done = await context.write(_put_in, reader, now=context.now())
    context.house.wake_delivery()
    said = applied_text(done, reader.language)
    await show_timetable(update, context, reader, batch_id, said, done.deed_id)


def _put_in(session: Session, reader: Reader, *, now: datetime) -> tuple[int, Applied]:
    data = drafts.read(session, reader.account_id, DRAFT)
    if data is None or not data.get("batch_id"):
        raise NotFound("draft")
    if "done" in data:  # the second of two taps is told what the first did
        return data["batch_id"], Applied(**data["done"])
    done = timetables.apply(
        session,
        reader.linked_teacher_id,
        data["batch_id"],
        _lines_kept(data),
        module_id=data["module_id"] or None,
        now=now,
    )
    drafts.keep(session, reader.account_id, DRAFT, data | {"done": asdict(done)}, now=now)
    return data["batch_id"], done


def is_timetable(book: Book) -> bool:
    """Whether a dropped table has days, hours and contents."""
    return any(
        sheets.find_table(book, HEADERS, required) is not None
        for required in (("day", "time", "title"), ("day", "start", "end", "title"))
    )


def read_timetable(
    book: Book, now: datetime, zone: ZoneInfo
) -> tuple[list[TimetableLine], list[str]]:
    """The lines of a table that were understood, and those that were not."""
    table = sheets.find_table(book, HEADERS, ("day", "time", "title")) or sheets.find_table(
        book, HEADERS, ("day", "start", "end", "title")
    )
    found: list[TimetableLine] = []
    lost: list[str] = []
    day = ""
    for line in table.lines if table is not None else ():
        values = line.values
        day = values.get("day") or day  # a day is often said once for all its lines
        title = " ".join(values.get("title", "").split())
        hours = values.get("time") or "-".join(
            part for part in (values.get("start", ""), values.get("end", "")) if part
        )
        span = times.span(f"{_plain_day(day)} {_plain_hours(hours)}", now, zone)
        if span is None or not title or len(found) >= MOST_LINES:
            if title or hours:
                lost.append(" ".join(part for part in (day, hours, title) if part))
            continue
        names = re.split(r"[,，、;；/\s]+", values.get("trainers", ""))
        found.append(
            TimetableLine(
                span.starts_at,
                span.ends_at,
                title,
                values.get("place", ""),
                tuple(name for name in names if name),
            )
        )
    return found, lost


def _plain_day(text: str) -> str:
    day = sheets.as_day(text)
    return text if day is None else day.isoformat()


def _plain_hours(text: str) -> str:
    """Hours without the seconds that a spreadsheet adds."""
    return re.sub(r"(\d{1,2}:\d{2}):\d{2}", r"\1", sheets.plain(text))


async def sent(update: Update, context: Context, reader: Reader, attachment: Attachment) -> None:
    """Take a table that was asked for."""
    table = await read_table(context, attachment)
    if not is_timetable(table.book):
        raise NotATable
    found, lost = read_timetable(table.book, context.now(), context.house.zone)
    await _show_preview(update, context, reader, *_asked_for(reader), found, lost)


async def dropped(update: Update, context: Context, reader: Reader, table: Dropped) -> None:
    """A timetable out of the blue: ask whose it is, unless there is one class only."""
    now = context.now()
    found, lost = read_timetable(table.book, now, context.house.zone)
    mine = await context.write(_keep_dropped, reader, found, lost, now=now)
    if len(mine) == 1:
        await _show_preview(update, context, reader, mine[0][0], 0, found, lost)
        return
    _ = catalog(reader.language).gettext
    if not mine:
        text = _("This looks like a timetable, and there is no class of yours to put it into.")
        await show(update, context, reader, Card(text))
        return
    keys = [(Key(shortened(title, LABEL), ForClass(batch_id)),) for batch_id, title in mine]
    text = _("This looks like a timetable. Of which class?")
    await show(update, context, reader, Card(text, tuple(keys)))


def _keep_dropped(
    session: Session,
    reader: Reader,
    found: Sequence[TimetableLine],
    lost: Sequence[str],
    *,
    now: datetime,
) -> tuple[tuple[int, str], ...]:
    """Keep the lines until it is said whose they are; the classes that it may be."""
    data = {
        "batch_id": 0,
        "module_id": 0,
        "lines": [_line_as_kept(line) for line in found],
        "lost": list(lost)[:SHOWN],
    }
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)
    return runs.under_way(session, reader.linked_teacher_id, Act.RUN_PROGRAMME, now=now)


async def choose_class(update: Update, context: Context) -> None:
    """The class of a dropped timetable was said."""
    button = ForClass.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.read(drafts.read, reader.account_id, DRAFT)
    if data is None:
        raise NotFound("draft")
    await _show_preview(
        update, context, reader, button.batch_id, 0, _lines_kept(data), data["lost"]
    )
