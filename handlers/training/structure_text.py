"""The timetable of a class in cards: pure functions of facts and a language."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, pager
from handlers.context import shortened
from handlers.training.buttons import OpenRun
from handlers.training.structure_buttons import (
    AddMeetings,
    AddModule,
    AddPhase,
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
    SetMandatory,
    SetModule,
)
from handlers.training.structure_words import (
    check_in,
    meeting_text,
    module_text,
    outline_lines,
    phase_kind,
    phase_text,
    trainers_text,
)
from locales import catalog, dates, numbers
from storage.training.structure import MeetingFacts, ModuleFacts, Outline, PhaseFacts

LABEL = 40
PAGE = 8


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
