"""Attendance in words: what is entered of somebody, and the cards of those who enter it."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.context import shortened
from handlers.training.attendance_buttons import (
    AskSheet,
    OpenMark,
    OpenMarks,
    OpenMeeting,
    OpenMeetings,
    OpenNames,
    OpenSchools,
    OpenWalkIns,
    SaveMarks,
    SetCheckIn,
    SetMark,
    ShowCode,
    StartMarks,
    TakeKit,
    TakeSheet,
    TurnMark,
)
from handlers.training.buttons import OpenRun
from handlers.training.check_in_papers import digits, name_of, when_of
from handlers.undoing import undo_key
from locales import catalog, dates, numbers
from storage.refusals import Refusal
from storage.training.attendance import (
    CheckInClosed,
    Counts,
    MeetingCard,
    MeetingLine,
    Meetings,
    NameLine,
    Names,
    NoLongerMarked,
    NotBegun,
    Shown,
    UnitCount,
    WalkIn,
)
from storage.training.attendance_sheets import NoAttendanceTable
from storage.training.check_codes import Box
from storage.training.marking import MARKED_BY_SCHOOL, Marked
from storage.training.marks_draft import MarksDraft
from storage.training.tables import CheckIn, Method, Presence
from storage.training.windows import CAME, MeetingFacts

KEY = 24
SCHOOLS = 8
SHOWN = 4  # meetings that a card names because they wait
WALK_INS = 30  # that a card names


def attendance_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why presence cannot be taken so; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case NotBegun(opens_at=opens_at):
            return _("Presence can be entered from {time} on.").format(
                time=dates.moment(opens_at, zone, language, today)
            )
        case NoLongerMarked(until=until):
            return _(
                "Schools could enter presence until {time}. Please ask the organiser, "
                "who can still correct it."
            ).format(time=dates.moment(until, zone, language, today))
        case CheckInClosed(closed_at=closed_at):
            return _("Check-in closed at {time}. Open it again to show a code.").format(
                time=dates.moment(closed_at, zone, language, today)
            )
        case NoAttendanceTable():
            return _(
                "This is no attendance table: I look for a column with the staff number or the "
                "name and one with the attendance, such as present or absent."
            )
        case _:
            return ""


def presence_word(state: Presence | None, language: str) -> str:
    """How somebody took part."""
    _ = catalog(language).gettext
    if state is None:
        return _("nothing entered")
    return {
        Presence.PRESENT: _("present"),
        Presence.LATE: _("late"),
        Presence.LEFT_EARLY: _("left early"),
        Presence.ABSENT: _("absent"),
        Presence.LEAVE: _("on leave"),
        Presence.EXCUSED: _("excused"),
    }[state]


def presence_key(state: Presence, language: str) -> str:
    """The same on a key."""
    _ = catalog(language).gettext
    return {
        Presence.PRESENT: _("Present"),
        Presence.LATE: _("Late"),
        Presence.LEFT_EARLY: _("Left early"),
        Presence.ABSENT: _("Absent"),
        Presence.LEAVE: _("On leave"),
        Presence.EXCUSED: _("Excused"),
    }[state]


def method_word(method: Method, language: str) -> str:
    """How it became known."""
    _ = catalog(language).gettext
    return {
        Method.SCAN: _("scanned"),
        Method.TYPED: _("code typed in"),
        Method.TIME_CODE: _("code of the room, typed in later"),
        Method.COORDINATOR: _("entered by hand"),
        Method.IMPORT: _("from a sheet"),
        Method.CLOCK: _("entered at the end of the meeting"),
    }[method]


def odd_word(odd: str, language: str) -> str:
    """What looks odd, as a thing to ask about and no verdict."""
    _ = catalog(language).gettext
    return {
        "quick_out": _("checked in and out within a minute"),
        "overlap": _("present at another meeting at the same time"),
        "burst": _("one of several who typed the code together after the end"),
        "after_end": _("checked in after the end"),
        "only_out": _("checked out without having checked in"),
        "marked_before": _("had been entered as missing, and then checked in"),
    }.get(odd, odd)


def counts_text(counts: Counts, language: str) -> str:
    """A meeting in figures, in one line."""
    _ = catalog(language).gettext
    parts = [_("Present: {n} of {total}").format(n=counts.came, total=counts.expected)]
    for number, text in (
        (counts.late, _("late {n}")),
        (counts.left_early, _("left early {n}")),
        (counts.gone, _("checked out {n}")),
        (counts.leave, _("leave {n}")),
        (counts.excused, _("excused {n}")),
        (counts.absent, _("absent {n}")),
    ):
        if number:
            parts.append(text.format(n=number))
    return ", ".join(parts) if language == "en" else "，".join(parts)


def _head(meeting: MeetingFacts, zone: ZoneInfo, language: str, today: date) -> list[str]:
    return [
        f"<b>{html.escape(name_of(meeting))}</b>",
        html.escape(when_of(meeting, zone, language, today)),
    ]


def meetings_card(facts: Meetings, language: str, zone: ZoneInfo, today: date) -> Card:
    """A page of the class's meetings, each a key with its count."""
    _ = catalog(language).gettext
    lines = [_("<b>Attendance</b> · {title}").format(title=html.escape(facts.title))]
    if not facts.lines:
        lines.append(
            _(
                "This class has no meetings with attendance yet. "
                "They are entered with the class's timetable."
            )
        )
    if facts.waiting:
        # The key may stand on another page.
        times = [dates.moment(at, zone, language, today) for at in facts.waiting[:SHOWN]]
        said = numbers.joined(times, language)
        if len(facts.waiting) > SHOWN:
            said = _("{names} and others").format(names=said)
        lines.append(_("○ Over, and nothing entered yet: {times}").format(times=said))
    keys = [
        (Key(_meeting_label(line, language, zone, today), OpenMeeting(line.meeting.session_id)),)
        for line in facts.lines
    ]
    turn = pager(facts.page, facts.pages, lambda page: OpenMeetings(facts.batch_id, page))
    return Card(
        "\n".join(lines),
        (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenRun(facts.batch_id)),)),
    )


def _meeting_label(line: MeetingLine, language: str, zone: ZoneInfo, today: date) -> str:
    when = dates.moment(line.meeting.starts_at, zone, language, today)
    mark = "● " if line.is_open else "○ " if line.waits else ""
    count = ""
    if line.is_open or line.is_over:
        count = f" · {line.counts.came}/{line.counts.expected}"
    return shortened(f"{mark}{when}{count} {line.meeting.name}".rstrip(), 44)


def meeting_card(card: MeetingCard, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One meeting: how it stands, and what can be done."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = _head(card.meeting, zone, language, today)
    if card.check_in is CheckIn.CODE:
        lines.append(_door_text(card, language, zone, now))
    if not card.runs_it:
        lines.append(_("Of your own people:"))
    lines.append(f"<b>{counts_text(card.counts, language)}</b>")
    if card.counts.unknown and now >= card.opens_at:
        lines.append(_("Nothing entered yet: {n}").format(n=card.counts.unknown))
    if card.walk_ins:
        lines.append(_("Here, but not on the list: {n}").format(n=card.walk_ins))
    if card.odd:
        lines.append(_("Worth a look: {n}").format(n=card.odd))
    return Card("\n".join(lines), _meeting_keys(card, language, now))


def _door_text(card: MeetingCard, language: str, zone: ZoneInfo, now: datetime) -> str:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    if card.is_open:
        return _("Check-in is open {until}.").format(
            until=dates.before(card.closes_at, zone, language, today)
        )
    if now < card.opens_at:
        return _("Check-in opens {time}.").format(
            time=dates.moment(card.opens_at, zone, language, today)
        )
    return _("Check-in closed {time}.").format(
        time=dates.moment(card.closes_at, zone, language, today)
    )


def _meeting_keys(card: MeetingCard, language: str, now: datetime) -> Keys:
    _ = catalog(language).gettext
    meeting_id = card.meeting.session_id
    rows: list[tuple[Key, ...]] = []
    if card.runs_it and card.check_in is CheckIn.CODE:
        if card.is_open or now < card.opens_at:
            code = [Key(_("Show the code"), ShowCode(meeting_id, 0), style="primary")]
            if card.counts_check_out:
                code.append(Key(_("Check-out code"), ShowCode(meeting_id, 1)))
            rows.append(tuple(code))
        if card.is_open:
            door = Key(_("Close check-in"), SetCheckIn(meeting_id, 0))
        else:
            door = Key(_("Open check-in"), SetCheckIn(meeting_id, 1))
        rows.append((door, Key(_("Without a signal"), TakeKit(meeting_id))))
    if card.counts.expected:
        mark = (Key(_("Mark present"), StartMarks(meeting_id)),) if card.may_mark else ()
        rows.append((*mark, Key(_("Names"), OpenNames(meeting_id))))
        if card.units > 1:
            rows.append((Key(_("By school"), OpenSchools(meeting_id)),))
        table = (Key(_("As a table"), TakeSheet(meeting_id)),)
        rows.append(
            (*table, Key(_("Read in a table"), AskSheet(meeting_id))) if card.may_mark else table
        )
    looks = []
    if card.walk_ins:
        looks.append(Key(_("Not on the list"), OpenWalkIns(meeting_id)))
    if card.odd:
        looks.append(Key(_("Worth a look"), OpenNames(meeting_id, 0, 0, "odd")))
    rows.append(tuple(looks))
    rows.append(
        (
            Key(_("Refresh"), OpenMeeting(meeting_id)),
            Key(_("Back"), OpenMeetings(card.meeting.batch_id, -1)),
        )
    )
    return tuple(row for row in rows if row)


def code_card(
    shown: Shown, language: str, zone: ZoneInfo, now: datetime, until: datetime | None
) -> Card:
    """What stands under the picture of the code; ``until`` it renews itself."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(name_of(shown.meeting))}</b>"]
    if now < shown.opens_at:
        lines.append(
            _("Check-in opens at {time}; whoever scans now is told then.").format(
                time=f"{shown.opens_at.astimezone(zone):%H:%M}"
            )
        )
    lines.append(counts_text(shown.counts, language))
    if until is None:
        lines.append(_("The code is not shown any more. Tap “Go on showing” to go on."))
    else:
        lines.append(
            _("Code <b>{code}</b>. It changes every half minute; it is shown until {time}.").format(
                code=digits(shown.code.digits), time=f"{until.astimezone(zone):%H:%M}"
            )
        )
    again = ShowCode(shown.meeting.session_id, int(shown.box is Box.OUT))
    return Card(
        "\n".join(lines),
        ((Key(_("Go on showing"), again), Key(_("Back"), OpenMeeting(shown.meeting.session_id))),),
    )


def schools_card(
    meeting: MeetingFacts,
    units: tuple[UnitCount, ...],
    page: int,
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """The schools at a meeting with their counts; a key leads to their people."""
    _ = catalog(language).gettext
    pages = max(1, -(-len(units) // SCHOOLS))
    page = min(max(0, page), pages - 1)
    keys = [
        (
            Key(
                shortened(f"{unit.came}/{unit.expected} {unit.name}", 40),
                OpenNames(meeting.session_id, unit.unit_id),
            ),
        )
        for unit in units[page * SCHOOLS : (page + 1) * SCHOOLS]
    ]
    turn = pager(page, pages, lambda to: OpenSchools(meeting.session_id, to))
    return Card(
        "\n".join(_head(meeting, zone, language, today)),
        (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenMeeting(meeting.session_id)),)),
    )


def mark_of(state: Presence | None) -> str:
    """A sign for a list."""
    if state in CAME:
        return "✓" if state is Presence.PRESENT else "◐"
    return {None: "○", Presence.ABSENT: "✗"}.get(state, "–")


def names_card(
    facts: Names, only: str, may_mark: bool, language: str, zone: ZoneInfo, today: date
) -> Card:
    """A page of people, each a key with a sign for how they stand."""
    _ = catalog(language).gettext
    meeting_id = facts.meeting.session_id
    lines = _head(facts.meeting, zone, language, today)
    if facts.unit:
        lines.append(html.escape(facts.unit))
    if only == "odd":
        lines.append(_("Worth a look; nothing follows from it by itself:"))
        for line in facts.lines:
            odd = "；".join(odd_word(one, language) for one in line.odd)
            lines.append(
                f"· {html.escape(line.name)}: {odd}"
                if language == "en"
                else f"· {html.escape(line.name)}：{odd}"
            )
    elif not facts.total:
        lines.append(_("There is nobody in this list."))
    else:
        lines.append(_("✓ present · ◐ late or left early · ✗ absent · – leave or excused"))
    keys = [
        (
            Key(
                shortened(f"{mark_of(line.state)} {line.name} · {line.unit}", 40),
                OpenMark(meeting_id, line.registration_id, facts.unit_id, facts.page, only),
            ),
        )
        for line in facts.lines
    ]
    turn = pager(facts.page, facts.pages, lambda to: OpenNames(meeting_id, facts.unit_id, to, only))
    rows: list[tuple[Key, ...]] = [*keys, *((turn,) if turn else ())]
    if facts.unit_id and may_mark and facts.total:
        rows.append((Key(_("Mark present"), StartMarks(meeting_id, facts.unit_id)),))
    if only != "odd":
        other = (
            Key(_("Everybody"), OpenNames(meeting_id, facts.unit_id))
            if only
            else Key(_("Who has not come"), OpenNames(meeting_id, facts.unit_id, 0, "missing"))
        )
        rows.append((other,))
    rows.append((Key(_("Back"), OpenMeeting(meeting_id)),))
    return Card("\n".join(lines), tuple(rows))


def person_card(
    meeting: MeetingFacts,
    line: NameLine,
    runs_it: bool,
    back: OpenNames,
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """One person at a meeting: what is entered and how, and keys to correct it."""
    _ = catalog(language).gettext
    lines = _head(meeting, zone, language, today)
    lines.append(f"<b>{html.escape(line.name)}</b> · {html.escape(line.unit)}")
    lines.append(presence_word(line.state, language))
    if line.method is not None:
        lines.append(method_word(line.method, language))
    if line.at is not None and line.method in (Method.SCAN, Method.TYPED, Method.TIME_CODE):
        lines.append(_("Came at {time}").format(time=dates.moment(line.at, zone, language, today)))
    if line.out_at is not None:
        lines.append(
            _("Left at {time}").format(time=dates.moment(line.out_at, zone, language, today))
        )
    lines += [odd_word(odd, language) for odd in line.odd]
    lines.append(_("A correction is written down with what stood there before."))
    may = tuple(Presence) if runs_it else MARKED_BY_SCHOOL
    keys = [
        Key(
            presence_key(state, language),
            SetMark(meeting.session_id, line.registration_id, state.value, back.unit_id, back.page),
        )
        for state in may
        if state is not line.state
    ]
    rows = [tuple(keys[n : n + 3]) for n in range(0, len(keys), 3)]
    return Card("\n".join(lines), (*rows, (Key(_("Back"), back),)))


def marks_card(draft: MarksDraft, language: str, zone: ZoneInfo, today: date) -> Card:
    """Everybody is present but for who is tapped; nothing is entered before saving."""
    _ = catalog(language).gettext
    names = draft.names
    lines = _head(names.meeting, zone, language, today)
    if names.unit:
        lines.append(html.escape(names.unit))
    if not names.total:
        lines.append(_("There is nobody in this list."))
    else:
        lines.append(
            _("Tap whoever is not here. All the others are entered as present when you save.")
        )
        lines.append(
            _("Present: {present}, absent: {absent}, unchanged: {stays}").format(
                present=draft.present, absent=len(draft.absent), stays=draft.stays
            )
        )
    if draft.own is not None:
        lines.append(_("Your own presence is entered by your code, or by somebody else."))
    keys = []
    for line in names.lines:
        if line.registration_id == draft.own:
            continue
        is_absent = line.registration_id in draft.absent
        sign = "✗" if is_absent else "✓"
        label = f"{sign} {line.name}"
        if not is_absent and line.state not in (None, Presence.PRESENT, Presence.ABSENT):
            label = f"{mark_of(line.state)} {line.name} · {presence_word(line.state, language)}"
        keys.append(
            (
                Key(
                    shortened(label, 40),
                    TurnMark(line.registration_id, int(not is_absent), names.page),
                ),
            )
        )
    turn = pager(names.page, names.pages, OpenMarks)
    save = (Key(_("Save"), SaveMarks(), style="primary"),) if names.total else ()
    return Card(
        "\n".join(lines),
        (
            *keys,
            *((turn,) if turn else ()),
            (*save, Key(_("Cancel"), OpenMeeting(names.meeting.session_id))),
        ),
    )


def marked_card(marked: Marked, language: str, zone: ZoneInfo, today: date) -> Card:
    """What was entered, and the way to undo it."""
    _ = catalog(language).gettext
    lines = _head(marked.meeting, zone, language, today)
    if marked.present or marked.absent or marked.other:
        lines.append(
            _(
                "Entered: present {present}, absent {absent}, other {other}. Unchanged: {kept}."
            ).format(
                present=marked.present,
                absent=marked.absent,
                other=marked.other,
                kept=marked.kept,
            )
        )
    else:
        lines.append(_("Everything was so already; nothing was changed."))
    undo = (undo_key(marked.deed_id, language),) if marked.deed_id is not None else ()
    return Card(
        "\n".join(lines),
        ((*undo, Key(_("Back"), OpenMeeting(marked.meeting.session_id))),),
    )


def walk_ins_card(
    meeting: MeetingFacts,
    people: tuple[WalkIn, ...],
    language: str,
    zone: ZoneInfo,
    today: date,
) -> Card:
    """Who was there and is not on the list: for the organiser alone."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = _head(meeting, zone, language, today)
    lines.append(
        _("They had the right code and are not on the list. Whoever belongs there can be added.")
        if people
        else _("There is nobody in this list.")
    )
    for one in people[:WALK_INS]:
        lines.append(
            _("· {name}, {unit}, {time}").format(
                name=html.escape(one.name),
                unit=html.escape(one.unit),
                time=f"{one.at.astimezone(zone):%H:%M}",
            )
        )
    more = len(people) - WALK_INS
    if more > 0:
        lines.append(ngettext("· and {n} more", "· and {n} more", more).format(n=more))
    return Card("\n".join(lines), ((Key(_("Back"), OpenMeeting(meeting.session_id)),),))
