"""Attendance as a table, in words: the sheet itself, and what reading one in would do."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key
from handlers.context import shortened
from handlers.people.buttons import OpenDesk
from handlers.training.attendance_buttons import (
    ApplySheet,
    ChooseMeeting,
    OpenMeeting,
    TakeSheet,
)
from handlers.training.attendance_text import presence_word
from handlers.training.check_in_papers import name_of, when_of
from locales import catalog, dates, numbers
from storage import sheets
from storage.training.attendance import NameLine
from storage.training.attendance_sheets import Preview, Trouble
from storage.training.tables import Method, Presence
from storage.training.windows import MeetingFacts

BY_CODE = (Method.SCAN, Method.TYPED, Method.TIME_CODE)


def sheet_of(lines: Sequence[NameLine], language: str, zone: ZoneInfo) -> bytes:
    """The workbook; what is not known stays empty, to be filled in."""
    _ = catalog(language).gettext
    rows: list[tuple[str, ...]] = [
        (
            _("Staff number"),
            _("Name"),
            _("School"),
            # The header by which the sheet is known when it comes back.
            _("Attendance"),
            _("Came at"),
            _("Left at"),
        )
    ]
    for line in lines:
        is_by_code = line.method in BY_CODE
        rows.append(
            (
                line.staff_no,
                line.name,
                line.unit,
                presence_word(line.state, language) if line.state else "",
                f"{line.at.astimezone(zone):%H:%M}" if line.at and is_by_code else "",
                f"{line.out_at.astimezone(zone):%H:%M}" if line.out_at else "",
            )
        )
    return sheets.write([(_("Attendance"), rows)])


def trouble_word(trouble: Trouble, language: str) -> str:
    """Why a row is passed over."""
    _ = catalog(language).gettext
    return {
        Trouble.NOT_ON_LIST: _("not on the list of this meeting"),
        Trouble.SEVERAL: _("several have this name; please give the staff number"),
        Trouble.OTHER_NAME: _("this staff number has another name"),
        Trouble.NO_STATE: _("the attendance is not understood"),
        Trouble.NOT_YOURS: _("only the organiser enters this"),
        Trouble.TWICE: _("this person is in the table twice"),
        Trouble.OWN: _("your own presence is entered by somebody else"),
    }[trouble]


def ask_card(meeting: MeetingFacts, language: str, zone: ZoneInfo, today: date) -> Card:
    """Ask for the file."""
    _ = catalog(language).gettext
    text = _(
        "<b>{title}</b>\n{when}\nPlease send the table as a file: a column with the staff number "
        "or the name, and one with the attendance ({words}). You see first what it would change."
    ).format(
        title=html.escape(name_of(meeting)),
        when=html.escape(when_of(meeting, zone, language, today)),
        words=numbers.joined((presence_word(state, language) for state in Presence), language),
    )
    return Card(
        text,
        (
            (Key(_("Get the table"), TakeSheet(meeting.session_id)),),
            (Key(_("Cancel"), OpenMeeting(meeting.session_id)),),
        ),
    )


def choose_card(
    job_id: int,
    found: tuple[MeetingFacts, ...],
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """Ask which meeting a dropped table is about."""
    _ = catalog(language).gettext
    keys = [
        (
            Key(
                shortened(
                    f"{dates.moment(one.starts_at, zone, language, today)} {name_of(one)}", 44
                ),
                ChooseMeeting(job_id, one.session_id),
            ),
        )
        for one in found
    ]
    return Card(
        _("This is an attendance table. Which meeting is it about?"),
        (*keys, (Key(_("Cancel"), ApplySheet(job_id, 0)),)),
    )


def preview_card(found: Preview, language: str, zone: ZoneInfo, today: date) -> Card:
    """What the table would do, before it does."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        f"<b>{html.escape(name_of(found.meeting))}</b>",
        html.escape(when_of(found.meeting, zone, language, today)),
        ngettext("{n} row in the table.", "{n} rows in the table.", found.rows).format(
            n=found.rows
        ),
    ]
    said = [
        _("{what}: {n}").format(what=presence_word(state, language), n=number)
        for state, number in sorted(
            found.counts.items(), key=lambda pair: list(Presence).index(pair[0])
        )
    ]
    if said:
        lines.append(", ".join(said) if language == "en" else "，".join(said))
    lines.append(_("Different from what is entered: {n}").format(n=found.changed))
    if found.overruled:
        lines.append(
            _("Of these, checked in by code and absent in the table: {n}").format(n=found.overruled)
        )
    if found.missing:
        lines.append(_("On the list and not in the table: {n}").format(n=found.missing))
    if found.troubles:
        lines.append(_("Passed over: {n}; the file above says why.").format(n=len(found.troubles)))
    cancel = Key(_("Cancel"), ApplySheet(found.job_id, 0))
    if not found.changed:
        lines.append(_("There is nothing to change."))
        return Card("\n".join(lines), ((Key(_("Back"), OpenDesk()),),))
    enter = Key(_("Enter"), ApplySheet(found.job_id, 1), style="primary")
    return Card("\n".join(lines), ((enter, cancel),))
