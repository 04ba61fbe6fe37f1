"""The timetable of a class: phases, modules and meetings, one by one or a whole table at once."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.files import Attachment, Dropped, NotATable, on_file, on_table, read_table
from handlers.training import times
from handlers.training.buttons import OpenProgramme, OpenRun
from handlers.training.structure_buttons import (
    AddMeetings,
    AddModule,
    AddPhase,
    ForClass,
    MoveMeeting,
    MyTimetableCalendar,
    OpenMeeting,
    OpenMeetings,
    OpenModule,
    OpenMyTimetable,
    OpenPhase,
    OpenTimetable,
    PlaceModule,
    PlacePhase,
    PutMeetings,
    RemoveMeeting,
    RemoveModule,
    RemovePhase,
    Retype,
    SetCheckIn,
    SetGate,
    SetHost,
    SetMandatory,
    SetModule,
)
from handlers.training.structure_words import (
    check_in,
    fate,
    meeting_text,
    module_kind,
    module_text,
    outline_lines,
    phase_kind,
    phase_text,
    trainers_text,
)
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog, dates, numbers
from storage import sheets
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.sheets import Book
from storage.training import meetings, runs, structure, timetables
from storage.training.structure import MeetingFacts, ModuleFacts, Outline, PhaseFacts
from storage.training.tables import CheckIn, ModuleKind, PhaseKind
from storage.training.timetables import MOST_LINES, Applied, Fate, TimetableLine

AWAITED = "tt"
DRAFT = "timetable"
LABEL = 40
PAGE = 8
SHOWN = 15  # lines of a preview
EMPTY = ("-", "–", "—", "无", "無", "none")
"""What somebody types to leave a field empty."""

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
    on_run(application, {Act.SEE_PROGRAMME}, _label, OpenTimetable)
    on_tap(application, OpenTimetable, open_timetable)
    on_tap(application, OpenMeetings, open_meetings)
    on_tap(application, AddMeetings, ask_meetings)
    on_tap(application, PutMeetings, put_meetings)
    on_tap(application, ForClass, choose_class)
    on_tap(application, AddPhase, add_phase)
    on_tap(application, OpenPhase, open_phase)
    on_tap(application, PlacePhase, place_phase)
    on_tap(application, SetGate, set_gate)
    on_tap(application, SetHost, set_host)
    on_tap(application, RemovePhase, remove_phase)
    on_tap(application, AddModule, add_module)
    on_tap(application, OpenModule, open_module)
    on_tap(application, PlaceModule, place_module)
    on_tap(application, SetMandatory, set_mandatory)
    on_tap(application, RemoveModule, remove_module)
    on_tap(application, OpenMeeting, open_meeting)
    on_tap(application, MoveMeeting, move_meeting)
    on_tap(application, SetCheckIn, set_check_in)
    on_tap(application, SetModule, set_module)
    on_tap(application, RemoveMeeting, remove_meeting)
    on_tap(application, Retype, retype)
    on_text(application, AWAITED, typed)
    on_file(application, AWAITED, sent)
    on_table(application, is_timetable, dropped)
    on_tap(application, OpenMyTimetable, open_mine)
    on_tap(application, MyTimetableCalendar, send_calendar)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Timetable")


# --- cards -------------------------------------------------------------------------------------


def timetable_card(facts: Outline, language: str, zone: ZoneInfo, today: date) -> Card:
    """A class as it is built, with a key for each phase and for all meetings."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Timetable: {title}</b>").format(title=html.escape(facts.title)),
        dates.span(facts.starts_at, facts.ends_at, zone, language, today),
    ]
    if facts.module_hours:
        lines.append(
            _("The modules come to {hours} of {planned} hours.").format(
                hours=numbers.hours(facts.module_hours, language),
                planned=numbers.hours(facts.planned_hours, language),
            )
        )
    if facts.phases and not facts.has_ethics:
        lines.append(
            _("There is no module on ethics and conduct yet, which every training contains.")
        )
    body = outline_lines(facts, zone, language, today)
    lines += body or [_("Nothing has been planned yet.")]
    keys: list[tuple[Key, ...]] = []
    if facts.may_change:
        keys += [
            (Key(shortened(f"{phase.position}. {phase.title}", LABEL), OpenPhase(phase.phase_id)),)
            for phase in facts.phases
        ]
        if facts.all_meetings:
            keys.append((Key(_("Meetings"), OpenMeetings(facts.batch_id)),))
        keys.append(
            (
                Key(_("Add a phase"), AddPhase(facts.batch_id)),
                Key(_("Add meetings"), AddMeetings(facts.batch_id)),
            )
        )
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRun(facts.batch_id)),)))


def meetings_card(facts: Outline, page: int, language: str, zone: ZoneInfo, today: date) -> Card:
    """A page of all meetings, each a key."""
    _ = catalog(language).gettext
    found = facts.all_meetings
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(0, page), pages - 1)
    keys = [
        (Key(shortened(_key_of(one, zone, language, today), LABEL), OpenMeeting(one.session_id)),)
        for one in found[page * PAGE : (page + 1) * PAGE]
    ]
    text = _("<b>Meetings: {title}</b>").format(title=html.escape(facts.title))
    if not found:
        text += "\n" + _("Nothing has been planned yet.")
    turn = pager(page, pages, lambda number: OpenMeetings(facts.batch_id, number))
    back = (
        Key(_("Add meetings"), AddMeetings(facts.batch_id)),
        Key(_("Back"), OpenTimetable(facts.batch_id)),
    )
    return Card(text, (*keys, *((turn,) if turn else ()), back))


def _key_of(one: MeetingFacts, zone: ZoneInfo, language: str, today: date) -> str:
    return f"{dates.moment(one.starts_at, zone, language, today)} {one.title}"


def phase_card(
    facts: Outline, phase: PhaseFacts, language: str, zone: ZoneInfo, today: date
) -> Card:
    """One phase, with what can be changed."""
    _ = catalog(language).gettext
    lines = [phase_text(phase, zone, language, today), phase_kind(phase.kind, language)]
    for module in phase.modules:
        lines.append("▸ " + module_text(module, zone, language, today))
        lines += ["· " + meeting_text(one, zone, language, today) for one in module.meetings]
    lines += ["· " + meeting_text(one, zone, language, today) for one in phase.meetings]
    keys: list[tuple[Key, ...]] = [
        (Key(shortened(module.title, LABEL), OpenModule(module.module_id)),)
        for module in phase.modules
    ]
    keys += [
        (
            Key(_("Add a module"), AddModule(phase.phase_id)),
            Key(_("Add meetings"), AddMeetings(facts.batch_id)),
        ),
        (
            Key(_("Rename"), Retype("pt", phase.phase_id)),
            Key(_("Dates"), Retype("pd", phase.phase_id)),
            Key(_("Host"), Retype("ph", phase.phase_id)),
        ),
        (
            Key(
                _("Need not be passed") if phase.gate else _("To be passed"),
                SetGate(phase.phase_id, int(not phase.gate)),
            ),
            Key(_("Remove"), RemovePhase(phase.phase_id)),
        ),
    ]
    numbers_of = [one.phase_id for one in facts.phases]
    here = numbers_of.index(phase.phase_id) + 1
    keys += _order_keys(
        here, len(numbers_of), lambda place: PlacePhase(phase.phase_id, place), language
    )
    keys.append((Key(_("Back"), OpenTimetable(facts.batch_id)),))
    return Card("\n".join(lines), tuple(keys))


def _order_keys(
    here: int, of: int, press: Callable[[int], Any], language: str
) -> list[tuple[Key, ...]]:
    _ = catalog(language).gettext
    row = [Key(_("Move up"), press(here - 1))] if here > 1 else []
    row += [Key(_("Move down"), press(here + 1))] if here < of else []
    return [tuple(row)] if row else []


def module_card(
    facts: Outline,
    phase: PhaseFacts,
    module: ModuleFacts,
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """One module, with what can be changed."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(module.title)}</b>",
        html.escape(phase.title),
        module_text(module, zone, language, today),
    ]
    lines += ["· " + meeting_text(one, zone, language, today) for one in module.meetings]
    keys: list[tuple[Key, ...]] = [
        (Key(shortened(_key_of(one, zone, language, today), LABEL), OpenMeeting(one.session_id)),)
        for one in module.meetings[:PAGE]
    ]
    keys += [
        (Key(_("Add meetings"), AddMeetings(facts.batch_id, module.module_id)),),
        (
            Key(_("Rename"), Retype("mt", module.module_id)),
            Key(_("Set hours"), Retype("mh", module.module_id)),
            Key(_("Due date"), Retype("md", module.module_id)),
        ),
        (
            Key(
                _("Make it optional") if module.mandatory else _("Make it mandatory"),
                SetMandatory(module.module_id, int(not module.mandatory)),
            ),
            Key(_("Remove"), RemoveModule(module.module_id)),
        ),
    ]
    ids = [one.module_id for one in phase.modules]
    here = ids.index(module.module_id) + 1
    keys += _order_keys(
        here, len(ids), lambda place: PlaceModule(module.module_id, place), language
    )
    keys.append((Key(_("Back"), OpenPhase(phase.phase_id)),))
    return Card("\n".join(lines), tuple(keys))


def meeting_card(
    facts: Outline,
    meeting: MeetingFacts,
    language: str,
    zone: ZoneInfo,
    today: date,
    said: str = "",
) -> Card:
    """One meeting, with what can be changed; ``said`` is a sentence about what was just done."""
    _ = catalog(language).gettext
    lines = [html.escape(said)] if said else []
    lines += [
        f"<b>{html.escape(meeting.title)}</b>",
        _("When: {when}").format(
            when=dates.span(meeting.starts_at, meeting.ends_at, zone, language, today)
        ),
    ]
    if meeting.place or facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(meeting.place or facts.place)))
    if meeting.online_url:
        lines.append(_("Online: {address}").format(address=html.escape(meeting.online_url)))
    if meeting.trainers:
        names = html.escape(trainers_text(meeting.trainers, language))
        lines.append(_("Trainers: {names}").format(names=names))
    if meeting.bring:
        lines.append(_("Please bring: {things}").format(things=html.escape(meeting.bring)))
    module = next(
        (
            one
            for phase in facts.phases
            for one in phase.modules
            if one.module_id == meeting.module_id
        ),
        None,
    )
    if module is not None:
        lines.append(_("Module: {title}").format(title=html.escape(module.title)))
    lines.append(_("Attendance: {how}").format(how=check_in(meeting.check_in, language)))
    at = meeting.session_id
    keys: list[tuple[Key, ...]] = []
    if facts.may_change:
        keys = [
            (
                Key(_("Time"), Retype("sw", at)),
                Key(_("Place"), Retype("sp", at)),
                Key(_("Rename"), Retype("st", at)),
            ),
            (
                Key(_("Trainers"), Retype("sr", at)),
                Key(_("To bring"), Retype("sb", at)),
                Key(_("Online address"), Retype("su", at)),
            ),
            (
                Key(_("Attendance"), SetCheckIn(at)),
                *((Key(_("Module"), SetModule(at)),) if facts.phases else ()),
                Key(_("Remove"), RemoveMeeting(at)),
            ),
        ]
    keys.append((Key(_("Back"), OpenMeetings(facts.batch_id)),))
    return Card("\n".join(lines), tuple(keys))


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


# --- reading -----------------------------------------------------------------------------------


def _of_phase(
    session: Session, actor_id: int, phase_id: int, *, now: datetime
) -> tuple[Outline, PhaseFacts]:
    batch_id = structure.class_of(session, phase_id=phase_id)
    facts = structure.outline(session, actor_id, batch_id, now=now)
    return facts, next(one for one in facts.phases if one.phase_id == phase_id)


def _of_module(
    session: Session, actor_id: int, module_id: int, *, now: datetime
) -> tuple[Outline, PhaseFacts, ModuleFacts]:
    batch_id = structure.class_of(session, module_id=module_id)
    facts = structure.outline(session, actor_id, batch_id, now=now)
    for phase in facts.phases:
        for module in phase.modules:
            if module.module_id == module_id:
                return facts, phase, module
    raise NotFound("module")


def _of_meeting(
    session: Session, actor_id: int, session_id: int, *, now: datetime
) -> tuple[Outline, MeetingFacts]:
    batch_id = structure.class_of(session, session_id=session_id)
    facts = structure.outline(session, actor_id, batch_id, now=now)
    return facts, next(one for one in facts.all_meetings if one.session_id == session_id)


def _local(context: Context) -> tuple[ZoneInfo, date]:
    return context.house.zone, local_day(context.now(), context.house.zone)


# --- showing -----------------------------------------------------------------------------------


async def open_timetable(update: Update, context: Context) -> None:
    """Show how the class is built."""
    button = OpenTimetable.parse(tap(update).data)
    await _show_timetable(update, context, await context.reader(update), button.batch_id)


async def _show_timetable(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    said: str = "",
    deed_id: int | None = None,
) -> None:
    zone, today = _local(context)
    facts = await context.read(
        structure.outline, reader.linked_teacher_id, batch_id, now=context.now()
    )
    card = timetable_card(facts, reader.language, zone, today)
    undo: Keys = ((undo_key(deed_id, reader.language),),) if deed_id is not None else ()
    text = f"{html.escape(said)}\n{card.text}" if said else card.text
    await show(update, context, reader, Card(text, (*undo, *card.keys)))


async def open_meetings(update: Update, context: Context) -> None:
    """Show a page of the meetings."""
    button = OpenMeetings.parse(tap(update).data)
    await _show_meetings(
        update, context, await context.reader(update), button.batch_id, button.page
    )


async def _show_meetings(
    update: Update, context: Context, reader: Reader, batch_id: int, page: int
) -> None:
    zone, today = _local(context)
    facts = await context.read(
        structure.outline, reader.linked_teacher_id, batch_id, now=context.now()
    )
    await show(update, context, reader, meetings_card(facts, page, reader.language, zone, today))


async def open_phase(update: Update, context: Context) -> None:
    """Show one phase."""
    button = OpenPhase.parse(tap(update).data)
    await _show_phase(update, context, await context.reader(update), button.phase_id)


async def _show_phase(update: Update, context: Context, reader: Reader, phase_id: int) -> None:
    zone, today = _local(context)
    facts, phase = await context.read(
        _of_phase, reader.linked_teacher_id, phase_id, now=context.now()
    )
    await show(update, context, reader, phase_card(facts, phase, reader.language, zone, today))


async def open_module(update: Update, context: Context) -> None:
    """Show one module."""
    button = OpenModule.parse(tap(update).data)
    await _show_module(update, context, await context.reader(update), button.module_id)


async def _show_module(update: Update, context: Context, reader: Reader, module_id: int) -> None:
    zone, today = _local(context)
    facts, phase, module = await context.read(
        _of_module, reader.linked_teacher_id, module_id, now=context.now()
    )
    card = module_card(facts, phase, module, reader.language, zone, today)
    await show(update, context, reader, card)


async def open_meeting(update: Update, context: Context) -> None:
    """Show one meeting."""
    button = OpenMeeting.parse(tap(update).data)
    await _show_meeting(update, context, await context.reader(update), button.session_id)


async def _show_meeting(
    update: Update, context: Context, reader: Reader, session_id: int, said: str = ""
) -> None:
    zone, today = _local(context)
    facts, meeting = await context.read(
        _of_meeting, reader.linked_teacher_id, session_id, now=context.now()
    )
    card = meeting_card(facts, meeting, reader.language, zone, today, said)
    await show(update, context, reader, card)


# --- phases and modules ------------------------------------------------------------------------


async def add_phase(update: Update, context: Context) -> None:
    """Ask for the kind, then for the days; without days it is put in at once."""
    button = AddPhase.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    kinds = {kind.value: kind for kind in PhaseKind}
    if button.kind not in kinds:
        keys = [
            (Key(phase_kind(kind, reader.language), AddPhase(button.batch_id, kind.value)),)
            for kind in PhaseKind
        ]
        text = _("Which kind of phase is it?")
        back = (Key(_("Back"), OpenTimetable(button.batch_id)),)
        await show(update, context, reader, Card(text, (*keys, back)))
        return
    kind = kinds[button.kind]
    if button.sure:
        phase_id = await context.write(
            _add_phase, reader, button.batch_id, kind, "", None, now=context.now()
        )
        await _show_phase(update, context, reader, phase_id)
        return
    await _await(context, reader, "pa", button.batch_id, kind.value)
    text = _(
        "<b>{kind}</b>\nPlease type the days, with a name before them if you like, such as "
        "“{name} Dec 1 to Dec 5” or only the days."
    ).format(
        kind=html.escape(phase_kind(kind, reader.language)),
        name=html.escape(phase_kind(kind, reader.language)),
    )
    keys = [
        (Key(_("Without dates"), AddPhase(button.batch_id, kind.value, 1)),),
        (Key(_("Cancel"), OpenTimetable(button.batch_id)),),
    ]
    await show(update, context, reader, Card(text, tuple(keys)))


def _add_phase(
    session: Session,
    reader: Reader,
    batch_id: int,
    kind: PhaseKind,
    title: str,
    days: times.Span | None,
    *,
    now: datetime,
) -> int:
    accounts.await_text(session, reader.account_id, "", now=now)
    return structure.add_phase(
        session,
        reader.linked_teacher_id,
        batch_id,
        kind=kind,
        title=title or phase_kind(kind, reader.language),
        starts_at=None if days is None else days.starts_at,
        ends_at=None if days is None else days.ends_at,
        now=now,
    )


async def place_phase(update: Update, context: Context) -> None:
    """Move a phase up or down."""
    button = PlacePhase.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        structure.place_phase,
        reader.linked_teacher_id,
        button.phase_id,
        button.position,
        now=context.now(),
    )
    await _show_phase(update, context, reader, button.phase_id)


async def set_gate(update: Update, context: Context) -> None:
    """Let the phase be one that is passed before the next, or not."""
    button = SetGate.parse(tap(update).data)
    await _change_phase(update, context, button.phase_id, {"gate": bool(button.on)})


async def set_host(update: Update, context: Context) -> None:
    """Let the phase take place at a unit."""
    button = SetHost.parse(tap(update).data)
    await _change_phase(update, context, button.phase_id, {"host_unit_id": button.unit_id or None})


async def _change_phase(
    update: Update, context: Context, phase_id: int, changes: Mapping[str, Any]
) -> None:
    reader = await context.reader(update)
    await context.write(
        structure.change_phase, reader.linked_teacher_id, phase_id, changes, now=context.now()
    )
    await _show_phase(update, context, reader, phase_id)


async def remove_phase(update: Update, context: Context) -> None:
    """Ask once more, then take the phase away."""
    button = RemovePhase.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    facts, phase = await context.read(_of_phase, reader.linked_teacher_id, button.phase_id, now=now)
    if not button.sure:
        text = _(
            "Take the phase “{title}” away? Its modules go with it; meetings and tasks stay "
            "with the class."
        ).format(title=html.escape(phase.title))
        keys = (
            (Key(_("Remove"), RemovePhase(button.phase_id, 1), style="danger"),),
            (Key(_("Back"), OpenPhase(button.phase_id)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    await context.write(structure.remove_phase, reader.linked_teacher_id, button.phase_id, now=now)
    await _show_timetable(update, context, reader, facts.batch_id)


async def add_module(update: Update, context: Context) -> None:
    """Ask what the module is about, then for its name and hours."""
    button = AddModule.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    kinds = {kind.value: kind for kind in ModuleKind}
    if button.kind not in kinds:
        every = [
            Key(module_kind(kind, reader.language), AddModule(button.phase_id, kind.value))
            for kind in ModuleKind
        ]
        rows = [tuple(every[n : n + 2]) for n in range(0, len(every), 2)]
        text = _("What is the module about?")
        back = (Key(_("Back"), OpenPhase(button.phase_id)),)
        await show(update, context, reader, Card(text, (*rows, back)))
        return
    kind = kinds[button.kind]
    await _await(context, reader, "ma", button.phase_id, kind.value)
    text = _(
        "<b>{kind}</b>\nPlease type its name, with the hours behind it if you like, such as "
        "“{name} 6”."
    ).format(
        kind=html.escape(module_kind(kind, reader.language)),
        name=html.escape(module_kind(kind, reader.language)),
    )
    keys = ((Key(_("Cancel"), OpenPhase(button.phase_id)),),)
    await show(update, context, reader, Card(text, keys))


async def place_module(update: Update, context: Context) -> None:
    """Move a module up or down."""
    button = PlaceModule.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        structure.place_module,
        reader.linked_teacher_id,
        button.module_id,
        button.position,
        now=context.now(),
    )
    await _show_module(update, context, reader, button.module_id)


async def set_mandatory(update: Update, context: Context) -> None:
    """Make a module mandatory, or optional."""
    button = SetMandatory.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        structure.change_module,
        reader.linked_teacher_id,
        button.module_id,
        {"mandatory": bool(button.on)},
        now=context.now(),
    )
    await _show_module(update, context, reader, button.module_id)


async def remove_module(update: Update, context: Context) -> None:
    """Ask once more, then take the module away."""
    button = RemoveModule.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    _facts, phase, module = await context.read(
        _of_module, reader.linked_teacher_id, button.module_id, now=now
    )
    if not button.sure:
        text = _(
            "Take the module “{title}” away? Its meetings and tasks stay with the class."
        ).format(title=html.escape(module.title))
        keys = (
            (Key(_("Remove"), RemoveModule(button.module_id, 1), style="danger"),),
            (Key(_("Back"), OpenModule(button.module_id)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    await context.write(
        structure.remove_module, reader.linked_teacher_id, button.module_id, now=now
    )
    await _show_phase(update, context, reader, phase.phase_id)


# --- meetings ----------------------------------------------------------------------------------


async def move_meeting(update: Update, context: Context) -> None:
    """Move the meeting to the time that was confirmed."""
    button = MoveMeeting.parse(tap(update).data)
    moments = {
        "starts_at": datetime.fromtimestamp(button.start * 60, UTC),
        "ends_at": datetime.fromtimestamp(button.end * 60, UTC),
    }
    reader = await context.reader(update)
    await _change_meeting(update, context, reader, button.session_id, moments)


async def set_check_in(update: Update, context: Context) -> None:
    """Ask how presence is found out, or set it."""
    button = SetCheckIn.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    ways = {way.value: way for way in CheckIn}
    if button.how in ways:
        changes = {"check_in": ways[button.how]}
        await _change_meeting(update, context, reader, button.session_id, changes)
        return
    keys = [
        (Key(check_in(way, reader.language), SetCheckIn(button.session_id, way.value)),)
        for way in CheckIn
    ]
    text = _("How is attendance at this meeting found out?")
    back = (Key(_("Back"), OpenMeeting(button.session_id)),)
    await show(update, context, reader, Card(text, (*keys, back)))


async def set_module(update: Update, context: Context) -> None:
    """Ask to which module a meeting belongs, or set it."""
    button = SetModule.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if button.module_id >= 0:
        changes = {"module_id": button.module_id or None}
        await _change_meeting(update, context, reader, button.session_id, changes)
        return
    facts, meeting = await context.read(
        _of_meeting, reader.linked_teacher_id, button.session_id, now=context.now()
    )
    keys = [
        (Key(shortened(module.title, LABEL), SetModule(button.session_id, module.module_id)),)
        for phase in facts.phases
        for module in phase.modules
    ]
    text = _("To which module does “{title}” belong?").format(title=html.escape(meeting.title))
    last = (
        Key(_("To none"), SetModule(button.session_id, 0)),
        Key(_("Back"), OpenMeeting(button.session_id)),
    )
    await show(update, context, reader, Card(text, (*keys, last)))


async def _change_meeting(
    update: Update, context: Context, reader: Reader, session_id: int, changes: Mapping[str, Any]
) -> None:
    told = await context.write(
        meetings.change_meeting,
        reader.linked_teacher_id,
        session_id,
        changes,
        now=context.now(),
    )
    context.house.wake_delivery()
    said = _told_text(told, reader.language) if told else ""
    await _show_meeting(update, context, reader, session_id, said)


def _told_text(told: int, language: str) -> str:
    ngettext = catalog(language).ngettext
    return ngettext(
        "Done. {n} participant is told.", "Done. {n} participants are told.", told
    ).format(n=told)


async def remove_meeting(update: Update, context: Context) -> None:
    """Ask once more, then take the meeting away and tell who was expected."""
    button = RemoveMeeting.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now, (zone, today) = context.now(), _local(context)
    facts, meeting = await context.read(
        _of_meeting, reader.linked_teacher_id, button.session_id, now=now
    )
    if not button.sure:
        text = _(
            "Take this meeting away? Participants are told that it does not take place.\n{meeting}"
        ).format(meeting=meeting_text(meeting, zone, reader.language, today))
        keys = (
            (Key(_("Remove"), RemoveMeeting(button.session_id, 1), style="danger"),),
            (Key(_("Back"), OpenMeeting(button.session_id)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    told = await context.write(
        meetings.remove_meeting, reader.linked_teacher_id, button.session_id, now=now
    )
    context.house.wake_delivery()
    if told:
        await alert(update, _told_text(told, reader.language))
    await _show_meetings(update, context, reader, facts.batch_id, 0)


# --- typed -------------------------------------------------------------------------------------


async def retype(update: Update, context: Context) -> None:
    """Take the next text as what was asked for."""
    button = Retype.parse(tap(update).data)
    reader = await context.reader(update)
    prompts = _prompts(reader.language)
    if button.what not in prompts:
        raise NotFound("field")
    await _await(context, reader, button.what, button.thing_id)
    _ = catalog(reader.language).gettext
    keys = ((Key(_("Cancel"), _home_of(button.what, button.thing_id)),),)
    await show(update, context, reader, Card(prompts[button.what], keys))


def _home_of(what: str, thing_id: int) -> OpenPhase | OpenModule | OpenMeeting:
    if what.startswith("p"):
        return OpenPhase(thing_id)
    return OpenModule(thing_id) if what.startswith("m") else OpenMeeting(thing_id)


def _prompts(language: str) -> Mapping[str, str]:
    _ = catalog(language).gettext
    empty = _("Type “-” to leave it empty.")
    return {
        "pt": _("Please type the name of the phase."),
        "pd": _("Please type from which to which day, such as Dec 1 to Dec 5.") + "\n" + empty,
        "ph": _("Please type a part of the name of the hosting school.") + "\n" + empty,
        "mt": _("Please type the name of the module."),
        "mh": _("How many hours does it come to? Please type a number.") + "\n" + empty,
        "md": _("By when is it to be done? Such as Dec 18 17:00.") + "\n" + empty,
        "st": _("Please type what the meeting is about."),
        "sw": _("Please type the new time, such as Dec 4 14:00-17:00."),
        "sp": _("Please type the place.") + "\n" + empty,
        "su": _("Please send the address for taking part online.") + "\n" + empty,
        "sb": _("What is to be brought?") + "\n" + empty,
        "sr": _("Who speaks? Several names with a comma between them.") + "\n" + empty,
    }


async def _await(context: Context, reader: Reader, what: str, thing: int, more: str = "") -> None:
    awaited = f"{AWAITED}:{what}:{thing}:{more}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as what was asked for; what cannot be read is asked for again."""
    _prefix, what, number, more = (reader.awaiting + ":::").split(":")[:4]
    thing = int(number)
    text = text.strip()
    match what:
        case "add":
            await _lines_given(update, context, reader, thing, int(more or 0), text)
        case "pa":
            await _phase_given(update, context, reader, thing, PhaseKind(more), text)
        case "ma":
            await _module_given(update, context, reader, thing, ModuleKind(more), text)
        case "ph":
            await _host_given(update, context, reader, thing, text)
        case "sw":
            await _time_given(update, context, reader, thing, text)
        case _:
            await _field_given(update, context, reader, what, thing, text)


async def _again(
    update: Update, context: Context, reader: Reader, what: str, thing: int, sentence: str
) -> None:
    """Say that it was not understood; the next text is still awaited."""
    _ = catalog(reader.language).gettext
    keys = ((Key(_("Cancel"), _home_of(what, thing)),),)
    await show(update, context, reader, Card(sentence, keys))


def _unread(text: str, language: str) -> str:
    _ = catalog(language).gettext
    return _(
        "I could not read “{text}” as a day or a time. "
        "Please type it like Dec 4 14:00-17:00, with the weekday if you like."
    ).format(text=html.escape(shortened(text, LABEL)))


async def _phase_given(
    update: Update, context: Context, reader: Reader, batch_id: int, kind: PhaseKind, text: str
) -> None:
    now, zone = context.now(), context.house.zone
    title, days = _named_days(text, now, zone)
    if days is None:
        _ = catalog(reader.language).gettext
        keys = (
            (Key(_("Without dates"), AddPhase(batch_id, kind.value, 1)),),
            (Key(_("Cancel"), OpenTimetable(batch_id)),),
        )
        await show(update, context, reader, Card(_unread(text, reader.language), keys))
        return
    phase_id = await context.write(_add_phase, reader, batch_id, kind, title, days, now=now)
    await _show_phase(update, context, reader, phase_id)


def _named_days(text: str, now: datetime, zone: ZoneInfo) -> tuple[str, times.Span | None]:
    """A name, perhaps, and the days behind it; the days are None when they cannot be read."""
    parts = text.split()
    for cut in range(len(parts)):
        days = times.days(" ".join(parts[cut:]), now, zone)
        if days is not None:
            return " ".join(parts[:cut]), days
    return text, None


async def _module_given(
    update: Update, context: Context, reader: Reader, phase_id: int, kind: ModuleKind, text: str
) -> None:
    title, hours = _named_hours(text)
    module_id = await context.write(
        _add_module, reader, phase_id, kind, title, hours, now=context.now()
    )
    await _show_module(update, context, reader, module_id)


def _named_hours(text: str) -> tuple[str, Decimal | None]:
    found = re.fullmatch(
        r"(.*?)[\s,，:：]+(\d{1,3}(?:\.\d)?)\s*(?:学时|學時|hours?|h)?", text.strip()
    )
    if found is None or not found.group(1).strip():
        return text, None
    return found.group(1), Decimal(found.group(2))


def _add_module(
    session: Session,
    reader: Reader,
    phase_id: int,
    kind: ModuleKind,
    title: str,
    hours: Decimal | None,
    *,
    now: datetime,
) -> int:
    module_id = structure.add_module(
        session,
        reader.linked_teacher_id,
        phase_id,
        kind=kind,
        title=title,
        hours=hours,
        now=now,
    )
    accounts.await_text(session, reader.account_id, "", now=now)
    return module_id


async def _host_given(
    update: Update, context: Context, reader: Reader, phase_id: int, text: str
) -> None:
    _ = catalog(reader.language).gettext
    if text.lower() in EMPTY:
        await _field_given(update, context, reader, "ph", phase_id, text)
        return
    found = await context.read(structure.hosts, text)
    if not found:
        sentence = _("No unit is called “{text}”. A part of the name is enough.").format(
            text=html.escape(shortened(text, LABEL))
        )
        await _again(update, context, reader, "ph", phase_id, sentence)
        return
    keys = [(Key(shortened(name, LABEL), SetHost(phase_id, unit_id)),) for unit_id, name in found]
    await show(
        update,
        context,
        reader,
        Card(_("Which one is it?"), (*keys, (Key(_("Cancel"), OpenPhase(phase_id)),))),
    )


async def _time_given(
    update: Update, context: Context, reader: Reader, session_id: int, text: str
) -> None:
    _ = catalog(reader.language).gettext
    now, (zone, today) = context.now(), _local(context)
    _facts, meeting = await context.read(_of_meeting, reader.linked_teacher_id, session_id, now=now)
    span = times.span(text, now, zone)
    start = times.moment(text, now, zone)
    if span is None and start is not None:
        span = times.Span(start, start + (meeting.ends_at - meeting.starts_at))
    if span is None:
        await _again(update, context, reader, "sw", session_id, _unread(text, reader.language))
        return
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    said = _("Move <b>{title}</b>\nfrom {was}\nto {then}?\nParticipants are told once.").format(
        title=html.escape(meeting.title),
        was=dates.span(meeting.starts_at, meeting.ends_at, zone, reader.language, today),
        then=dates.span(span.starts_at, span.ends_at, zone, reader.language, today),
    )
    minutes = [int(moment.timestamp()) // 60 for moment in (span.starts_at, span.ends_at)]
    keys = (
        (Key(_("Move it"), MoveMeeting(session_id, *minutes), style="primary"),),
        (Key(_("Type again"), Retype("sw", session_id)), Key(_("Cancel"), OpenMeeting(session_id))),
    )
    await show(update, context, reader, Card(said, keys))


async def _field_given(
    update: Update, context: Context, reader: Reader, what: str, thing: int, text: str
) -> None:
    now, zone = context.now(), context.house.zone
    changes = _changes(what, text, now, zone)
    if changes is None:
        _ = catalog(reader.language).gettext
        sentence = (
            _("Please type a number of hours, such as 6 or 1.5.")
            if what == "mh"
            else _unread(text, reader.language)
        )
        await _again(update, context, reader, what, thing, sentence)
        return
    told = await context.write(_change, reader, what, thing, changes, now=now)
    context.house.wake_delivery()
    match what[0]:
        case "p":
            await _show_phase(update, context, reader, thing)
        case "m":
            await _show_module(update, context, reader, thing)
        case _:
            said = _told_text(told, reader.language) if told else ""
            await _show_meeting(update, context, reader, thing, said)


def _changes(what: str, text: str, now: datetime, zone: ZoneInfo) -> dict[str, Any] | None:
    """What a typed text changes; None when it cannot be read."""
    is_empty = text.lower() in EMPTY
    match what:
        case "pt" | "mt" | "st":
            return {"title": text}
        case "pd" if is_empty:
            return {"starts_at": None, "ends_at": None}
        case "pd":
            days = times.days(text, now, zone)
            return None if days is None else {"starts_at": days.starts_at, "ends_at": days.ends_at}
        case "ph":
            return {"host_unit_id": None}
        case "mh":
            hours = None if is_empty else sheets.as_number(text)
            if hours is not None and not 0 <= hours <= 999:
                return None
            return None if hours is None and not is_empty else {"hours": hours}
        case "md":
            due = None if is_empty else times.due(text, now, zone)
            return None if due is None and not is_empty else {"due_at": due}
        case "sr":
            names = [] if is_empty else re.split(r"[,，、;；\s]+", text)
            return {"trainers": tuple(name for name in names if name)}
        case "sp" | "su" | "sb":
            field = {"sp": "place", "su": "online_url", "sb": "bring"}[what]
            return {field: "" if is_empty else " ".join(text.split())[:300]}
    raise NotFound("field")


def _change(
    session: Session,
    reader: Reader,
    what: str,
    thing: int,
    changes: Mapping[str, Any],
    *,
    now: datetime,
) -> int:
    accounts.await_text(session, reader.account_id, "", now=now)
    actor_id, told = reader.linked_teacher_id, 0
    match what[0]:
        case "p":
            structure.change_phase(session, actor_id, thing, changes, now=now)
        case "m":
            structure.change_module(session, actor_id, thing, changes, now=now)
        case _:
            told = meetings.change_meeting(session, actor_id, thing, changes, now=now)
    return told


# --- a whole timetable -------------------------------------------------------------------------


async def ask_meetings(update: Update, context: Context) -> None:
    """Take the next text, or table, as meetings."""
    button = AddMeetings.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await _await(context, reader, "add", button.batch_id, str(button.module_id))
    text = _(
        "Please type one meeting a line, with the place behind @, such as\n"
        "<code>Dec 4 14:00-17:00 Opening @Hall</code>\n"
        "or send the timetable as a table with the columns date, time, content, trainer, place. "
        "You will see what was understood before anything is put in."
    )
    back = OpenModule(button.module_id) if button.module_id else OpenTimetable(button.batch_id)
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), back),),)))


async def _lines_given(
    update: Update, context: Context, reader: Reader, batch_id: int, module_id: int, text: str
) -> None:
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
    zone, today = _local(context)
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
    """Keep what was understood until it is put in, and say what that would do."""
    accounts.await_text(session, reader.account_id, "", now=now)
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
    await _show_timetable(update, context, reader, batch_id, said, done.deed_id)


def _put_in(session: Session, reader: Reader, *, now: datetime) -> tuple[int, Applied]:
    data = drafts.read(session, reader.account_id, DRAFT)
    if data is None or not data.get("batch_id"):
        raise NotFound("draft")
    done = timetables.apply(
        session,
        reader.linked_teacher_id,
        data["batch_id"],
        _lines_kept(data),
        module_id=data["module_id"] or None,
        now=now,
    )
    drafts.drop(session, reader.account_id, DRAFT)
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
    _prefix, what, number, more = (reader.awaiting + ":::").split(":")[:4]
    if what != "add":
        raise NotATable
    table = await read_table(context, attachment)
    if not is_timetable(table.book):
        raise NotATable
    found, lost = read_timetable(table.book, context.now(), context.house.zone)
    await _show_preview(update, context, reader, int(number), int(more or 0), found, lost)


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


# --- who takes part ----------------------------------------------------------------------------


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
    zone, today = _local(context)
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
    await send_file(update, context, reader, content, "timetable.ics", caption)
