"""The rehearsal in words: a card of figures, pages of details, and the sheets to take home."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import shortened
from handlers.training.buttons import OpenRun
from locales import catalog, dates
from storage.messaging.dry_run import Message
from storage.refusals import Refusal
from storage.training.frictions import DayOff, Doubt, OffDay
from storage.training.rehearsal import NothingToRehearse, Rehearsal, SchoolLine
from storage.training.tables import ProgrammeState

LINES = 8  # of details on a page
FIRST = 3  # of a kind on the first card
TITLE = 40

_STEP = re.compile(r"T([+-])(\d+)([hd]?)")


@dataclass(frozen=True)
class Rehearse(Button):
    """Reckon anew what publishing this class's programme would send."""

    tag = "reh"
    batch_id: int


@dataclass(frozen=True)
class RehearsalPage(Button):
    """A page of details: ``part`` is days, schools or clashes."""

    tag = "rehp"
    batch_id: int
    part: str
    page: int = 0


@dataclass(frozen=True)
class RehearsalSheet(Button):
    """All of it as a file."""

    tag = "rehs"
    batch_id: int


def rehearsal_refused(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why there is nothing to rehearse."""
    if not isinstance(refusal, NothingToRehearse):
        return ""
    _ = catalog(language).gettext
    return _("This programme is over or cancelled: nothing more is sent for it.")


def rehearsal_card(facts: Rehearsal, language: str, zone: ZoneInfo) -> Card:
    """The figures first, then whatever does not fit together."""
    _ = catalog(language).gettext
    today = facts.made_at.astimezone(zone).date()
    lines = [
        _("<b>Rehearsal: {title}</b>").format(title=html.escape(shortened(facts.title, TITLE))),
        *_figures(facts, language),
        *_frictions(facts, language, zone, today),
    ]
    parts = [
        Key(label, RehearsalPage(facts.batch_id, part))
        for part, label, there in (
            ("days", _("Day by day"), facts.lines),
            ("schools", _("By school"), facts.schools),
            ("clashes", _("Clashes"), facts.off_days or facts.overlaps),
        )
        if there
    ]
    return Card(
        "\n".join(lines),
        (
            tuple(parts),
            (
                Key(_("As a sheet"), RehearsalSheet(facts.batch_id)),
                Key(_("Rehearse again"), Rehearse(facts.batch_id)),
            ),
            (Key(_("Back"), OpenRun(facts.batch_id)),),
        ),
    )


def _figures(facts: Rehearsal, language: str) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    rings = facts.rings
    told = sum(school.told for school in facts.schools)
    if not facts.lines:
        heard = _("Nobody would be sent anything.")
    elif facts.state is ProgrammeState.DRAFT:
        heard = ngettext(
            "Published now, it would reach {n} person, if nobody did anything meanwhile.",
            "Published now, it would reach {n} persons, if nobody did anything meanwhile.",
            told,
        ).format(n=told)
    else:
        heard = ngettext(
            "What is still to come would reach {n} person, if nobody did anything meanwhile.",
            "What is still to come would reach {n} persons, if nobody did anything meanwhile.",
            told,
        ).format(n=told)
    lines = [heard]
    if rings.people:
        lines.append(
            _(
                "Rings until then, with everything else: {average} each, at most {most} a person, "
                "{day} on a day, {week} in a week."
            ).format(
                average=f"{rings.average:.1f}",
                most=rings.most,
                day=rings.most_a_day,
                week=rings.most_a_week,
            )
        )
    if rings.over:
        lines.append(
            ngettext(
                "More than one ring a day or three a week: {n} person.",
                "More than one ring a day or three a week: {n} persons.",
                rings.over,
            ).format(n=rings.over)
        )
    if facts.unlinked or facts.blocked:
        lines.append(
            _("Not reached: {unlinked} not linked, {blocked} have blocked messages.").format(
                unlinked=facts.unlinked, blocked=facts.blocked
            )
        )
    if facts.seats is None:
        lines.append(
            _("No limit of seats. In the audience: {audience}.").format(audience=facts.audience)
        )
    else:
        lines.append(
            _(
                "Seats: {seats}, of these {pool} open to all schools. In the audience: {audience}."
            ).format(seats=facts.seats, pool=facts.pool, audience=facts.audience)
        )
    return lines


def _frictions(facts: Rehearsal, language: str, zone: ZoneInfo, today: date) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = ["⚠ " + doubt_text(doubt, language) for doubt in facts.doubts]
    lines += ["⚠ " + off_day_text(day, language, today) for day in facts.off_days[:FIRST]]
    more = len(facts.off_days) - FIRST
    if more > 0:
        lines.append(ngettext("and {n} more day off", "and {n} more days off", more).format(n=more))
    for overlap in facts.overlaps[:FIRST]:
        lines.append(
            "⚠ "
            + ngettext(
                "At the same time: {title}, {when}, with {n} person of this one",
                "At the same time: {title}, {when}, with {n} persons of this one",
                overlap.people,
            ).format(
                title=html.escape(overlap.title),
                when=dates.span(overlap.starts_at, overlap.ends_at, zone, language, today),
                n=overlap.people,
            )
        )
    return lines


def part_card(facts: Rehearsal, part: str, page: int, language: str, zone: ZoneInfo) -> Card:
    """A page of details."""
    _ = catalog(language).gettext
    today = facts.made_at.astimezone(zone).date()
    match part:
        case "days":
            heading = _("<b>Day by day</b>")
            rows = day_texts(facts, language, today)
        case "schools":
            heading = _("<b>By school</b>")
            rows = [_school_text(line, language) for line in facts.schools]
        case _:
            heading = _("<b>Clashes</b>")
            rows = [off_day_text(day, language, today) for day in facts.off_days]
            rows += [
                f"{html.escape(one.title)} · "
                f"{dates.span(one.starts_at, one.ends_at, zone, language, today)} · {one.people}"
                for one in facts.overlaps
            ]
    pages = max(1, -(-len(rows) // LINES))
    page = min(max(0, page), pages - 1)
    lines = [heading, *rows[page * LINES : (page + 1) * LINES]]
    turn = pager(page, pages, lambda to: RehearsalPage(facts.batch_id, part, to))
    back = Key(_("Back"), RehearsalPage(facts.batch_id, ""))
    return Card("\n".join(lines), (*((turn,) if turn else ()), (back,)))


def day_texts(facts: Rehearsal, language: str, today: date) -> list[str]:
    """What goes out on each day, one line a step."""
    ngettext = catalog(language).ngettext
    return [
        ngettext("{day}: {what} · {n} person", "{day}: {what} · {n} persons", line.people).format(
            day=dates.day(line.day, language, today),
            what=step_text(line.kind, line.step, language),
            n=line.people,
        )
        for line in facts.lines
    ]


def step_text(kind: str, step: str, language: str) -> str:
    """A step of a deadline, or a message of another kind. Plain text."""
    _ = catalog(language).gettext
    name = {
        "reg_open": _("registration opens"),
        "reg_close": _("registration closes"),
        "offer": _("an offered seat"),
        "batch_start": _("the training begins"),
        "session": _("a meeting"),
        "session_lead": _("a meeting, for who teaches"),
        "remote_start": _("remote training begins"),
        "remote_login": _("not logged in yet"),
        "remote_end": _("remote training ends"),
        "remote_not_started": _("study has not started"),
        "remote_behind": _("behind the pace"),
        "remote_idle": _("no new study"),
        "remote_idle_long": _("no new study for long"),
        "import_stale": _("figures are old"),
        "menu_open": _("the menu opens"),
        "menu_close": _("the menu closes"),
        "task_due": _("work is due"),
        "item_due": _("a part of the study is due"),
        "makeup": _("making good ends"),
        "makeup_window": _("making good ends"),
        "nomination": _("nomination closes"),
        "release": _("seats are released"),
        "cancelled": _("cancelled"),
    }.get(kind, _("another message"))
    found = _STEP.fullmatch(step)
    if found is None:
        return name
    catalogue = catalog(language)
    sign, number, unit = found[1], int(found[2]), found[3]
    if sign == "+":
        return name
    if unit == "h":
        text = catalogue.ngettext("{what}, {n} hour before", "{what}, {n} hours before", number)
    elif unit == "d":
        text = catalogue.ngettext("{what}, {n} day before", "{what}, {n} days before", number)
    else:
        text = catalogue.ngettext(
            "{what}, {n} working day before", "{what}, {n} working days before", number
        )
    return text.format(what=name, n=number)


def _school_text(line: SchoolLine, language: str) -> str:
    _ = catalog(language).gettext
    text = _("<b>{unit}</b>: audience {audience}, reached {told}, not reached {rest}").format(
        unit=html.escape(line.unit),
        audience=line.audience,
        told=line.told,
        rest=line.unlinked + line.blocked,
    )
    if line.seats is not None:
        text += " · " + _("own seats {seats}").format(seats=line.seats)
    return text


def off_day_text(day: OffDay, language: str, today: date) -> str:
    """A date of the programme that falls on a day off. HTML."""
    _ = catalog(language).gettext
    why = (
        html.escape(day.label)
        or {
            DayOff.WEEKEND: _("weekend"),
            DayOff.HOLIDAY: _("public holiday"),
            DayOff.SCHOOL_BREAK: _("school break"),
        }[day.why]
    )
    if day.is_close:
        sentence = _("Registration closes on a day off: {day} ({why})")
    elif day.what:
        sentence = _("Meeting on a day off: {day} ({why}), {what}")
    else:
        sentence = _("Training on a day off: {day} ({why})")
    return sentence.format(
        day=dates.day(day.day, language, today), why=why, what=html.escape(day.what)
    )


def doubt_text(doubt: Doubt, language: str) -> str:
    """What does not fit together, and where to look."""
    _ = catalog(language).gettext
    return {
        Doubt.NO_AUDIENCE: _("Nobody fits the conditions: please look at whom it is for."),
        Doubt.NO_SEATS: _("There are fewer seats than the class needs to run."),
        Doubt.OPENED_BEFORE: _("Registration was to open before today."),
        Doubt.CLOSED_BEFORE: _("Registration would be closed already."),
        Doubt.WINDOW_REVERSED: _("Registration closes before it opens."),
        Doubt.WINDOW_SHORT: _("Registration is open for less than three working days."),
        Doubt.CLOSES_AFTER_START: _("Registration closes after the training has begun."),
        Doubt.SHORT_NOTICE: _("Less than ten working days remain until the first date."),
        Doubt.STARTED: _("The training has begun already."),
        Doubt.OUTSIDE_MEETING: _("A meeting lies outside the dates of the class."),
    }[doubt]


def rehearsal_sheets(
    facts: Rehearsal, language: str, zone: ZoneInfo
) -> list[tuple[str, Sequence[Sequence[Any]]]]:
    """The sheets: what goes out when, to whom, who is not reached, schools, and clashes.

    Names stand there only as far as the facts have them.
    """
    _ = catalog(language).gettext
    today = facts.made_at.astimezone(zone).date()
    timeline: list[Sequence[Any]] = [
        (_("Day"), _("Starting at"), _("What"), _("By itself"), _("Persons")),
        *(
            (
                line.day.isoformat(),
                f"{line.first.astimezone(zone):%H:%M}",
                step_text(line.kind, line.step, language),
                _("yes") if line.is_alone else _("in the brief"),
                line.people,
            )
            for line in facts.lines
        ),
    ]
    people: list[Sequence[Any]] = [
        (
            _("School"),
            _("Name"),
            _("Of this programme"),
            _("All messages"),
            _("Most on a day"),
            _("Most in a week"),
            _("When"),
        ),
        *(
            (
                line.unit,
                line.name,
                line.about,
                line.rings,
                line.most_a_day,
                line.most_a_week,
                _moments(line.messages, zone),
            )
            for line in facts.people
        ),
    ]
    unreached: list[Sequence[Any]] = [
        (_("School"), _("Name"), _("Why")),
        *(
            (one.unit, one.name, _("blocked messages") if one.has_blocked else _("not linked"))
            for one in facts.unreached
        ),
    ]
    if facts.unseen:
        # Others' names are not this reader's to see.
        rest = facts.concerned - len(facts.people) - len(facts.unreached)
        people.append((_("People of other units"), "", rest))
    schools: list[Sequence[Any]] = [
        (
            _("School"),
            _("Audience"),
            _("Taking part"),
            _("Reached"),
            _("Not linked"),
            _("Blocked"),
            _("Own seats"),
        ),
        *(
            (
                line.unit,
                line.audience,
                line.taking_part,
                line.told,
                line.unlinked,
                line.blocked,
                "" if line.seats is None else line.seats,
            )
            for line in facts.schools
        ),
    ]
    clashes: list[Sequence[Any]] = [
        (_("What"), _("When"), _("Persons")),
        *((doubt_text(doubt, language), "", "") for doubt in facts.doubts),
        *(
            (html.unescape(off_day_text(day, language, today)), day.day.isoformat(), "")
            for day in facts.off_days
        ),
        *(
            (one.title, dates.span(one.starts_at, one.ends_at, zone, language), one.people)
            for one in facts.overlaps
        ),
    ]
    return [
        (_("Timeline"), timeline),
        (_("People"), people),
        (_("Not reached"), unreached),
        (_("Schools"), schools),
        (_("Clashes"), clashes),
    ]


def _moments(messages: Sequence[Message], zone: ZoneInfo) -> str:
    return "; ".join(f"{message.at.astimezone(zone):%m-%d %H:%M}" for message in messages)
