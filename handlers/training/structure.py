"""The timetable of a class, built by keys: phases, modules and meetings, one by one."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key, Keys
from handlers.context import Context, alert, shortened, show, tap
from handlers.training import times
from handlers.training.structure_buttons import (
    AddModule,
    AddPhase,
    MoveMeeting,
    OpenMeeting,
    OpenMeetings,
    OpenModule,
    OpenPhase,
    OpenTimetable,
    PlaceModule,
    PlacePhase,
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
from handlers.training.structure_text import (
    meeting_card,
    meetings_card,
    module_card,
    phase_card,
    timetable_card,
)
from handlers.training.structure_words import (
    check_in,
    meeting_text,
    module_kind,
    phase_kind,
)
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog, dates
from storage import sheets
from storage.calendar.saying import Span
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training import meetings, structure
from storage.training.structure import MeetingFacts, ModuleFacts, Outline, PhaseFacts
from storage.training.tables import CheckIn, ModuleKind, PhaseKind

AWAITED = "tt"
LABEL = 40
EMPTY = ("-", "–", "—", "无", "無", "none")
"""What somebody types to leave a field empty."""


def install(application: AnyApplication) -> None:
    on_run(application, {Act.SEE_PROGRAMME}, _label, OpenTimetable, prepares=True)
    on_tap(application, OpenTimetable, open_timetable)
    on_tap(application, OpenMeetings, open_meetings)
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


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Timetable")


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


def local(context: Context) -> tuple[ZoneInfo, date]:
    """The office's zone, and its present day."""
    return context.house.zone, local_day(context.now(), context.house.zone)


# --- showing -----------------------------------------------------------------------------------


async def open_timetable(update: Update, context: Context) -> None:
    """Show how the class is built."""
    button = OpenTimetable.parse(tap(update).data)
    await show_timetable(update, context, await context.reader(update), button.batch_id)


async def show_timetable(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    said: str = "",
    deed_id: int | None = None,
) -> None:
    """Show how the class is built; ``said`` is what was just done, ``deed_id`` undoes it."""
    zone, today = local(context)
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
    zone, today = local(context)
    facts = await context.read(
        structure.outline, reader.linked_teacher_id, batch_id, now=context.now()
    )
    await show(update, context, reader, meetings_card(facts, page, reader.language, zone, today))


async def open_phase(update: Update, context: Context) -> None:
    """Show one phase."""
    button = OpenPhase.parse(tap(update).data)
    await _show_phase(update, context, await context.reader(update), button.phase_id)


async def _show_phase(update: Update, context: Context, reader: Reader, phase_id: int) -> None:
    zone, today = local(context)
    facts, phase = await context.read(
        _of_phase, reader.linked_teacher_id, phase_id, now=context.now()
    )
    await show(update, context, reader, phase_card(facts, phase, reader.language, zone, today))


async def open_module(update: Update, context: Context) -> None:
    """Show one module."""
    button = OpenModule.parse(tap(update).data)
    await _show_module(update, context, await context.reader(update), button.module_id)


async def _show_module(update: Update, context: Context, reader: Reader, module_id: int) -> None:
    zone, today = local(context)
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
    zone, today = local(context)
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
    days: Span | None,
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
    await show_timetable(update, context, reader, facts.batch_id)


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
    try:
        moments = {
            "starts_at": datetime.fromtimestamp(button.start * 60, UTC),
            "ends_at": datetime.fromtimestamp(button.end * 60, UTC),
        }
    except (OverflowError, ValueError, OSError):
        raise StaleButton from None
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
    now, (zone, today) = context.now(), local(context)
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


def _named_days(text: str, now: datetime, zone: ZoneInfo) -> tuple[str, Span | None]:
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
    now, (zone, today) = context.now(), local(context)
    _facts, meeting = await context.read(_of_meeting, reader.linked_teacher_id, session_id, now=now)
    span = times.span(text, now, zone)
    start = times.moment(text, now, zone)
    if span is None and start is not None:
        span = Span(start, start + (meeting.ends_at - meeting.starts_at))
    if span is None:
        await _again(update, context, reader, "sw", session_id, _unread(text, reader.language))
        return
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
