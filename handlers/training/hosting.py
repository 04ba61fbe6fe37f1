"""跟岗接待: for a school that receives participants of a class, who comes when, and what is on."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.context import Context, shortened, show, tap
from handlers.people.buttons import OpenDesk
from handlers.training.attendance_buttons import OpenMeeting
from handlers.training.buttons import OpenRun
from handlers.training.hosting_buttons import OpenHosted, OpenHosting
from handlers.training.structure_words import meeting_text
from handlers.wiring import AnyApplication, on_desk, on_tap
from locales import catalog, dates, numbers
from storage.moments import local_day
from storage.people.authority import Act
from storage.training import hosting
from storage.training.hosting import Guest, Hosted, HostedLine

LABEL = 40


def install(application: AnyApplication) -> None:
    on_desk(
        application, {Act.MARK_PRESENCE}, _label, OpenHosting, kinds=(hosting.KIND,), if_any=True
    )
    on_tap(application, OpenHosting, open_hosting)
    on_tap(application, OpenHosted, open_hosted)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Guests")


def hosting_card(lines: tuple[HostedLine, ...], language: str, zone: ZoneInfo, today: date) -> Card:
    """The stretches that take place at the reader's schools, each a line and a key."""
    _ = catalog(language).gettext
    text = [_("<b>Who comes to us</b>")]
    keys = []
    for number, line in enumerate(lines, 1):
        when = dates.span(line.starts_at, line.ends_at, zone, language, today)
        title = f"{line.title} · {line.phase}"
        text.append(f"{number}. <b>{html.escape(title)}</b>")
        people = _("people: {n}").format(n=line.people)
        text.append(f"{when} · {html.escape(line.host)} · {people}")
        keys.append((Key(shortened(f"{number}. {title}", LABEL), OpenHosted(line.phase_id)),))
    if not lines:
        text.append(_("No training takes place at your school."))
    return Card("\n".join(text), (*keys, (Key(_("Back"), OpenDesk()),)))


def hosted_card(facts: Hosted, language: str, zone: ZoneInfo, today: date) -> Card:
    """One stretch: when, how many come from where, what is on, and who takes down what."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(facts.title)} · {html.escape(facts.phase)}</b>"]
    where = [html.escape(facts.host)]
    if facts.starts_at is not None and facts.ends_at is not None:
        where.insert(0, dates.span(facts.starts_at, facts.ends_at, zone, language, today))
    if facts.gate:
        where.append(_("to be passed before the next"))
    lines.append(" · ".join(where))
    lines.append(
        _("People: {people}, from schools: {schools}").format(
            people=facts.people, schools=facts.schools
        )
        if facts.people
        else _("Nobody takes part yet.")
    )
    lines += ["· " + meeting_text(one.meeting, zone, language, today) for one in facts.meetings]
    recorded = [one.meeting for one in facts.meetings if one.is_recorded]
    lines.append(
        _("Your school takes down who was there at each meeting, for all who come.")
        if recorded
        else _("No meeting at which presence is taken down has been planned yet.")
    )
    lines += _told_by(facts, language)
    lines += [""] if facts.guests else []
    lines += _guest_lines(facts.guests, language)
    pages = pager(facts.page, facts.pages, lambda page: OpenHosted(facts.phase_id, page))
    keys: list[tuple[Key, ...]] = [
        (Key(shortened(one.title, LABEL), OpenMeeting(one.session_id)),) for one in recorded
    ]
    keys += [pages] if pages else []
    back = OpenHosting() if facts.is_host else OpenRun(facts.batch_id)
    return Card("\n".join(lines), (*keys, (Key(_("Back"), back),)))


def _told_by(facts: Hosted, language: str) -> list[str]:
    """Who judges work, and whom to ask."""
    _ = catalog(language).gettext
    lines = []
    if facts.tutors:
        names = numbers.joined(facts.tutors, language)
        lines.append(_("Work is judged by the tutors: {names}").format(names=html.escape(names)))
    if facts.class_teachers:
        names = numbers.joined(facts.class_teachers, language)
        lines.append(_("Class teacher: {names}").format(names=html.escape(names)))
    if not lines:
        lines.append(_("Work is judged by the organiser."))
    return lines


def _guest_lines(guests: Iterable[Guest], language: str) -> list[str]:
    """The people of each school in a line. HTML."""
    _ = catalog(language).gettext
    return [
        _("{school}: {names}").format(
            school=html.escape(school),
            names=html.escape(numbers.joined([one.name for one in some], language)),
        )
        for school, some in groupby(guests, key=lambda one: one.unit)
    ]


async def open_hosting(update: Update, context: Context) -> None:
    """Show what takes place at the reader's schools."""
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    lines = await context.read(hosting.hosting, reader.linked_teacher_id, now=now)
    card = hosting_card(lines, reader.language, zone, local_day(now, zone))
    await show(update, context, reader, card)


async def open_hosted(update: Update, context: Context) -> None:
    """Show who comes in one stretch."""
    button = OpenHosted.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.write(
        hosting.hosted, reader.linked_teacher_id, button.phase_id, page=button.page, now=now
    )
    card = hosted_card(facts, reader.language, zone, local_day(now, zone))
    await show(update, context, reader, card)
