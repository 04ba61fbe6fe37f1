"""What participants are told unprompted: a meeting was changed, work came back."""

from __future__ import annotations

import html
from datetime import date
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key
from handlers.context import House, shortened
from handlers.messaging.voices import Nothing, Said, Say
from handlers.training.buttons import OpenProgramme
from handlers.training.hosting_buttons import OpenHosting
from handlers.training.structure_buttons import OpenMyTimetable
from handlers.training.tasks_buttons import OpenMyTask
from locales import catalog, dates
from storage.messaging.outbox import Claimed
from storage.moments import local_day
from storage.training import meetings, reviewing, shadowing
from storage.training.meetings import Changed
from storage.training.reviewing import Returned
from storage.training.shadowing import Hears, Moved

TITLE = 80


def changed_card(facts: Changed, language: str, zone: ZoneInfo, today: date) -> Card:
    """A meeting was moved, or does not take place."""
    _ = catalog(language).gettext
    title = html.escape(shortened(facts.title, TITLE))
    meeting = html.escape(shortened(facts.before.title, TITLE))
    was = dates.span(facts.before.starts_at, facts.before.ends_at, zone, language, today)
    if facts.now is None:
        text = _(
            "[Changed] <b>{title}</b>\n“{meeting}”, planned for {was}, does not take place."
        ).format(title=title, meeting=meeting, was=was)
    else:
        now = dates.span(facts.now.starts_at, facts.now.ends_at, zone, language, today)
        text = _("[Changed] <b>{title}</b>\n“{meeting}” is now {now} (planned: {was}).").format(
            title=title, meeting=meeting, now=now, was=was
        )
        if facts.now.place:
            text += "\n" + _("Where: {place}").format(place=html.escape(facts.now.place))
        if facts.now.online_url:
            text += "\n" + _("Online: {address}").format(address=html.escape(facts.now.online_url))
    keys = (
        Key(_("Timetable"), OpenMyTimetable(facts.batch_id)),
        Key(_("View"), OpenProgramme(facts.batch_id)),
    )
    return Card(text, (keys,))


def phase_card(facts: Moved, language: str, zone: ZoneInfo, today: date) -> Card:
    """A stretch of a class takes place elsewhere, or on other days."""
    _ = catalog(language).gettext
    lines = [
        _("[Changed] <b>{title}</b>, {phase}").format(
            title=html.escape(shortened(facts.title, TITLE)),
            phase=html.escape(shortened(facts.phase, TITLE)),
        )
    ]
    if facts.now.host != facts.before.host:
        lines.append(
            _("New place: {place} (it was {before})").format(
                place=html.escape(facts.now.host or "—"),
                before=html.escape(facts.before.host or "—"),
            )
        )
    starts_at, ends_at = facts.now.starts_at, facts.now.ends_at
    is_moved = (starts_at, ends_at) != (facts.before.starts_at, facts.before.ends_at)
    if is_moved and starts_at is not None and ends_at is not None:
        lines.append(
            _("New time: {when}").format(when=dates.span(starts_at, ends_at, zone, language, today))
        )
    if facts.hears is Hears.HOST:
        return Card("\n".join(lines), ((Key(_("Guests"), OpenHosting()),),))
    keys: tuple[Key, ...] = (Key(_("View"), OpenProgramme(facts.batch_id)),)
    if facts.hears is Hears.PARTICIPANT:
        keys = (Key(_("Timetable"), OpenMyTimetable(facts.batch_id)), *keys)
    return Card("\n".join(lines), (keys,))


def returned_card(facts: Returned, language: str, zone: ZoneInfo, today: date) -> Card:
    """Work came back with a comment, to be handed in again."""
    _ = catalog(language).gettext
    text = _(
        "Your work for <b>{task}</b> ({title}) has been returned with this comment:\n{comment}\n"
        "Please hand it in again {before}."
    ).format(
        task=html.escape(shortened(facts.task, TITLE)),
        title=html.escape(shortened(facts.programme, TITLE)),
        comment=html.escape(facts.comment),
        before=dates.before(facts.until, zone, language, today),
    )
    keys = ((Key(_("Hand in again"), OpenMyTask(facts.task_id), style="primary"),),)
    return Card(text, keys)


async def meeting_changed(house: House, row: Claimed) -> Said:
    """A meeting is not when or where this person knows it; nothing when it is after all."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    facts = await house.database.read(meetings.changed, row.facts, row.teacher_id)
    if facts is None:
        return Nothing("it is as it was")
    today = local_day(house.clock(), house.zone)
    return Say(changed_card(facts, row.language, house.zone, today))


async def phase_changed(house: House, row: Claimed) -> Said:
    """A stretch is not where or when this person knows it; nothing when it is after all."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    facts = await house.database.read(shadowing.moved, row.facts, row.teacher_id)
    if facts is None:
        return Nothing("it is as it was")
    today = local_day(house.clock(), house.zone)
    return Say(phase_card(facts, row.language, house.zone, today))


async def work_returned(house: House, row: Claimed) -> Said:
    """Work came back, unless it was handed in again since."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    now = house.clock()
    facts = await house.database.read(
        reviewing.returned, row.facts["submission_id"], row.teacher_id, now=now
    )
    if facts is None:
        return Nothing("it was handed in again")
    return Say(returned_card(facts, row.language, house.zone, local_day(now, house.zone)))
