"""How a class is built, in words: phases, modules, meetings, and why it cannot be so."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from locales import catalog, dates, numbers
from storage.refusals import Refusal
from storage.training.structure import (
    EndsFirst,
    InUse,
    MeetingFacts,
    ModuleFacts,
    NoTitle,
    Outline,
    OutsideClass,
    PhaseFacts,
    SameTime,
    TitleTooLong,
    Use,
)
from storage.training.tables import CheckIn, ModuleKind, PhaseKind
from storage.training.timetables import Fate


def phase_kind(value: PhaseKind, language: str) -> str:
    """What a stretch of a programme is."""
    _ = catalog(language).gettext
    return {
        PhaseKind.CONCENTRATED: _("concentrated training"),
        PhaseKind.SHADOWING: _("shadowing practice"),
        PhaseKind.ONLINE: _("online study"),
        PhaseKind.PRACTICE: _("practice at school"),
        PhaseKind.REVIEW: _("review"),
        PhaseKind.MENTORSHIP: _("mentorship"),
        PhaseKind.COMPETITION: _("competition"),
    }[value]


def module_kind(value: ModuleKind, language: str) -> str:
    """What a module is about."""
    _ = catalog(language).gettext
    return {
        ModuleKind.VIDEO_QA: _("video and questions"),
        ModuleKind.OBSERVE_CASE: _("observation and cases"),
        ModuleKind.SEMINAR_SELFSTUDY: _("seminar and self-study"),
        ModuleKind.OUTCOME_EXCHANGE: _("exchange of outcomes"),
        ModuleKind.EXPERT_LEAD: _("led by experts"),
        ModuleKind.PRACTICE: _("practice"),
        ModuleKind.RESEARCH_LINE: _("led by research"),
        ModuleKind.EVALUATION: _("evaluation"),
        ModuleKind.ETHICS: _("ethics and conduct"),
        ModuleKind.OTHER: _("other content"),
    }[value]


def check_in(value: CheckIn, language: str) -> str:
    """How presence is found out."""
    _ = catalog(language).gettext
    return {
        CheckIn.CODE: _("by a code on the spot"),
        CheckIn.COORDINATOR: _("entered by the organiser"),
        CheckIn.IMPORT: _("from a table"),
        CheckIn.NONE: _("not recorded"),
    }[value]


def fate(value: Fate, language: str) -> str:
    """Why a line of a timetable is not put in; empty for one that is."""
    _ = catalog(language).gettext
    return {
        Fate.OUTSIDE: _("not on the days of the class"),
        Fate.ENDS_FIRST: _("ends before it begins"),
        Fate.TWICE: _("begins like a line before it"),
        Fate.LONG: _("the name is too long"),
        Fate.IN_USE: _("attendance has been taken, so it stays as it is"),
    }.get(value, "")


def phase_text(phase: PhaseFacts, zone: ZoneInfo, language: str, today: date) -> str:
    """A phase in one line: number, name, days and host. HTML."""
    _ = catalog(language).gettext
    parts = [f"<b>{phase.position}. {html.escape(phase.title)}</b>"]
    if phase.starts_at is not None and phase.ends_at is not None:
        parts.append(dates.span(phase.starts_at, phase.ends_at, zone, language, today))
    if phase.host:
        parts.append(html.escape(phase.host))
    if phase.gate:
        parts.append(_("to be passed before the next"))
    return " · ".join(parts)


def module_text(module: ModuleFacts, zone: ZoneInfo, language: str, today: date) -> str:
    """A module in one line. HTML."""
    _ = catalog(language).gettext
    parts = [html.escape(module.title)]
    kind = module_kind(module.kind, language)
    if kind != module.title:
        parts.append(kind)
    if module.hours is not None:
        parts.append(_("{n} hours").format(n=numbers.hours(module.hours, language)))
    if not module.mandatory:
        parts.append(_("optional"))
    if module.due_at is not None:
        parts.append(dates.before(module.due_at, zone, language, today))
    return " · ".join(parts)


def meeting_text(
    meeting: MeetingFacts, zone: ZoneInfo, language: str, today: date, place: str = ""
) -> str:
    """A meeting in one line: when, what, where and who speaks. HTML."""
    when = dates.span(meeting.starts_at, meeting.ends_at, zone, language, today)
    parts = [f"{when} {html.escape(meeting.title)}"]
    if meeting.place or place:
        parts.append(html.escape(meeting.place or place))
    if meeting.trainers:
        parts.append(html.escape(trainers_text(meeting.trainers, language)))
    return " · ".join(parts)


def trainers_text(names: Iterable[str], language: str) -> str:
    """Several names as one list, as they are written."""
    return (", " if language == "en" else "、").join(names)


def outline_lines(facts: Outline, zone: ZoneInfo, language: str, today: date) -> list[str]:
    """The whole timetable by phases, a line each. HTML."""
    _ = catalog(language).gettext
    lines: list[str] = []
    for phase in facts.phases:
        lines.append(phase_text(phase, zone, language, today))
        for module in phase.modules:
            lines.append("▸ " + module_text(module, zone, language, today))
            lines += ["· " + meeting_text(one, zone, language, today) for one in module.meetings]
        lines += ["· " + meeting_text(one, zone, language, today) for one in phase.meetings]
    if facts.meetings:
        if facts.phases:
            lines.append(_("<b>Further meetings</b>"))
        lines += ["· " + meeting_text(one, zone, language, today) for one in facts.meetings]
    return lines


def structure_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why a class cannot be built like that; empty for what is not ours."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    match refusal:
        case NoTitle():
            return _("Please give it a name.")
        case TitleTooLong(longest=longest):
            return _("A name has at most {n} characters.").format(n=longest)
        case EndsFirst():
            return _("It would end before it begins. Please check the times.")
        case OutsideClass(starts_at=starts_at, ends_at=ends_at):
            return _(
                "This is not on the days of the class, {when}. "
                "Please check the date, or change the dates of the class first."
            ).format(when=dates.span(starts_at, ends_at, zone, language, today))
        case SameTime(title=title, at=at):
            return _("“{title}” begins at the same time, {time}.").format(
                title=title, time=dates.moment(at, zone, language, today)
            )
        case InUse(title=title, use=Use.ATTENDANCE, people=people):
            return ngettext(
                "The attendance of {n} person has been recorded for “{title}”, so it stays.",
                "The attendance of {n} persons has been recorded for “{title}”, so it stays.",
                people,
            ).format(n=people, title=title)
        case InUse(title=title, use=Use.LEAVE, people=people):
            return ngettext(
                "{n} person has asked for leave from “{title}”, so it stays.",
                "{n} persons have asked for leave from “{title}”, so it stays.",
                people,
            ).format(n=people, title=title)
        case InUse(title=title, people=people):
            return ngettext(
                "{n} person has handed in work for “{title}”, so this stays.",
                "{n} persons have handed in work for “{title}”, so this stays.",
                people,
            ).format(n=people, title=title)
    return ""
