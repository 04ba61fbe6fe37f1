"""What others still owe, in words: the lines of the daily card, the schools, the names."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.competitions import due_text
from handlers.context import shortened
from handlers.messaging.brief_text import Subjects
from handlers.messaging.notice_buttons import NoticeShow
from handlers.messaging.upward_buttons import (
    OpenDailyList,
    OpenOwing,
    OpenOwingNames,
    SpokeWith,
)
from handlers.people.buttons import OpenDesk
from handlers.training.buttons import OpenRun
from handlers.training.remote.importing_buttons import OpenProgressImport
from handlers.training.remote.last_mile_buttons import OpenLastMile
from locales import catalog, dates
from storage.messaging.upward import Line, Names, Units
from storage.training.remote.last_mile import REMINDING
from storage.training.subjects import Subject

SHOWN = 8  # deadlines that the card of the day spells out
SCHOOLS = 3  # that a line names
TITLE, LABEL = 60, 24
PAGE = 8


def daily_card(
    lines: Sequence[Line],
    subjects: Subjects,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    *,
    day: date | None = None,
) -> Card:
    """M16 and the head's digest: what others still owe, in figures; names are one tap away.

    ``day`` is that of a list that has gone out and is read again.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    text = [_("<b>[Daily list] {day}</b>").format(day=dates.day(day or today, language))]
    if not lines:
        text.append(_("Nothing of this list is open any more."))
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(lines[:SHOWN], 1):
        title = _title(line.kind, subjects.get((line.kind, line.subject_id)), language)
        text.append(
            _("{number}. {title}: {what}, {when}").format(
                number=number,
                title=html.escape(shortened(title, TITLE)),
                what=count_text(line.kind, line.number, language),
                when=_due(line.at, zone, language, now),
            )
        )
        if len(line.units) > 1:
            named = [f"{html.escape(name)} {n}" for _id, name, n in line.units[:SCHOOLS]]
            text.append("　" + ("、" if language != "en" else ", ").join(named))
        if line.units:
            label = shortened(f"{number}. {title}", LABEL)
            keys.append((Key(label, OpenOwing(line.deadline_id)),))
    more = len(lines) - SHOWN
    if more > 0:
        text.append(ngettext("and {n} more", "and {n} more", more).format(n=more))
    return Card("\n".join(text), tuple(keys))


def count_text(kind: str, number: int, language: str) -> str:
    """How many still owe it, as people say it of this kind of thing."""
    ngettext = catalog(language).ngettext
    match kind:
        case "reg_close":
            text = ngettext(
                "{n} interested and not registered", "{n} interested and not registered", number
            )
        case "nominate_close" | "quota_unfilled":
            text = ngettext("{n} seat without a name", "{n} seats without a name", number)
        case "roster":
            text = ngettext("{n} not settled yet", "{n} not settled yet", number)
        case "batch_start" | "session":
            text = ngettext("{n} not reached by messages", "{n} not reached by messages", number)
        case "ack_due":
            text = ngettext("{n} has not confirmed", "{n} have not confirmed", number)
        case "task_due":
            text = ngettext("{n} has not handed in", "{n} have not handed in", number)
        case "grade_due":
            text = ngettext("{n} not decided on", "{n} not decided on", number)
        case "year_hours" | "cycle_hours" | "new_teacher_hours":
            text = ngettext("{n} short of hours", "{n} short of hours", number)
        case "import_stale":
            text = ngettext(
                "figures of {n} class are old", "figures of {n} classes are old", number
            )
        case "remote_login":
            text = ngettext("{n} has not logged in yet", "{n} have not logged in yet", number)
        case "remote_not_started":
            text = ngettext("{n} has not started studying", "{n} have not started studying", number)
        case "remote_behind":
            text = ngettext("{n} is behind the pace", "{n} are behind the pace", number)
        case "remote_idle" | "remote_idle_long":
            text = ngettext("{n} without new study", "{n} without new study", number)
        case "appeal":
            text = ngettext("{n} appeal not answered", "{n} appeals not answered", number)
        case "approve_county":
            text = ngettext("{n} waits for a decision", "{n} wait for a decision", number)
        case "menu_open" | "menu_close":
            text = ngettext("{n} has not chosen", "{n} have not chosen", number)
        case "role_gap":
            text = ngettext("{n} school without a coordinator", "{n} schools without one", number)
        case _:
            text = due_text.count(kind, number, language)
            text = text or ngettext("{n} has not finished", "{n} have not finished", number)
    return text.format(n=number)


def units_card(
    facts: Units, page: int, subject: Subject | None, language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """The schools that still owe something, each with how much and a key to the names."""
    _ = catalog(language).gettext
    lines = [_head(facts.kind, facts.at, subject, language, zone, now)]
    if not facts.lines:
        lines.append(_("Nobody owes this any more."))
    pages = max(1, -(-len(facts.lines) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    for unit_id, name, number in facts.lines[page * PAGE : (page + 1) * PAGE]:
        what = count_text(facts.kind, number, language)
        lines.append(_("{school}: {what}").format(school=html.escape(name), what=what))
        if not facts.has_names:
            continue
        label = shortened(f"{name} {number}", LABEL)
        keys.append((Key(label, OpenOwingNames(facts.deadline_id, unit_id)),))
    turn = pager(page, pages, lambda number: OpenOwing(facts.deadline_id, number))
    thing = (*_mile(facts.kind, facts.subject_id, language), *_thing(facts.kind, subject, language))
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), thing, _back(language)))


def names_card(
    facts: Names, subject: Subject | None, language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """Who of a school still owes it; a tap notes that one has spoken with them."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        _head(facts.kind, facts.at, subject, language, zone, now),
        html.escape(facts.unit)
        + " · "
        + ngettext("{n} person", "{n} people", facts.total).format(n=facts.total),
    ]
    if facts.lines:
        lines.append(
            _(
                "Tap a name once you have spoken with that person. Nobody above is told of a "
                "school in which all have been spoken with, for two working days."
            )
        )
    else:
        lines.append(_("Nobody owes this any more."))
    keys: list[tuple[Key, ...]] = []
    for one in facts.lines:
        mark = "✓ " if one.contacted_at is not None else ""
        press = SpokeWith(facts.deadline_id, facts.unit_id, one.teacher_id, facts.page)
        keys.append((Key(shortened(mark + one.name, LABEL), press),))
    turn = pager(
        facts.page,
        facts.pages,
        lambda number: OpenOwingNames(facts.deadline_id, facts.unit_id, number),
    )
    thing = (*_mile(facts.kind, facts.subject_id, language), *_thing(facts.kind, subject, language))
    up: tuple[Key, ...] = (Key(_("Schools"), OpenOwing(facts.deadline_id)), *_back(language))
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), thing, up))


def _head(
    kind: str,
    at: datetime,
    subject: Subject | None,
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> str:
    title = html.escape(shortened(_title(kind, subject, language), TITLE))
    return f"<b>{title}</b>\n{_due(at, zone, language, now)}"


def _title(kind: str, subject: Subject | None, language: str) -> str:
    """What a deadline is called where several stand in a list."""
    _ = catalog(language).gettext
    title = "" if subject is None else subject.title
    match kind:
        case "year_hours":
            return _("Hours of the year {title}").format(title=title)
        case "cycle_hours":
            return _("Hours of the cycle {title}").format(title=title)
        case "new_teacher_hours":
            return _("Training of the first year")
        case "appeal":
            return _("Appeals")
        case "role_gap":
            return _("Coordinators of schools")
    return title or _("something that is gone")


def _due(at: datetime, zone: ZoneInfo, language: str, now: datetime) -> str:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    if at > now:
        return _("due {before}").format(before=dates.before(at, zone, language, today))
    return _("was due {when}").format(when=dates.moment(at, zone, language, today))


def _mile(kind: str, batch_id: int, language: str) -> tuple[Key, ...]:
    """A key to where the people of a remote class stand, with what holds them up."""
    _ = catalog(language).gettext
    is_of_study = kind in (*REMINDING, "remote_login")
    return (Key(_("Last mile"), OpenLastMile(batch_id)),) if is_of_study else ()


def _thing(kind: str, subject: Subject | None, language: str) -> tuple[Key, ...]:
    """Keys to the thing itself: the report of a notice, or the class and what is wanted there."""
    _ = catalog(language).gettext
    if subject is None:
        return ()
    if subject.notice_id:
        return (Key(_("View"), NoticeShow(subject.notice_id)),)
    if not subject.batch_id:
        return ()
    run = Key(_("View"), OpenRun(subject.batch_id))
    if kind == "import_stale":
        return (Key(_("Import progress"), OpenProgressImport(subject.batch_id)), run)
    return (run,)


def _back(language: str) -> tuple[Key, ...]:
    _ = catalog(language).gettext
    return (Key(_("Daily list"), OpenDailyList()), Key(_("Desk"), OpenDesk()))


def joined(first: Card, second: Card) -> Card:
    """Two cards as one message."""
    keys: Keys = (*first.keys, *second.keys)
    return Card(f"{first.text}\n\n{second.text}", keys)
