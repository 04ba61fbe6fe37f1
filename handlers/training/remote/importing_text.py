"""The words of importing progress."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.context import shortened
from handlers.training.rows_text import problem_count, problem_text
from locales import catalog, dates, numbers
from storage.people.tables import ImportState
from storage.refusals import Refusal
from storage.training.remote import mapping
from storage.training.remote.importing import AsOfFrom, Imports, Preview
from storage.training.remote.mapping import Columns, Said
from storage.training.remote.rows import UNDERSTOOD, RowState
from storage.training.remote.tables import Measure
from storage.training.remote.unclear import Unclear

SAMPLE = 24


def imports_card_text(facts: Imports, language: str, zone: ZoneInfo, today: date) -> str:
    """What was imported of a class, and how the next table is sent."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    lines = [_("<b>Import progress</b>: {title}").format(title=html.escape(facts.title))]
    if facts.platform:
        lines.append(_("Platform: {platform}").format(platform=html.escape(facts.platform)))
    if not facts.is_ready:
        lines.append(nothing_counts(language))
        return "\n".join(lines)
    for line in facts.lines:
        sentence = ngettext(
            "As of {time}: {n} person", "As of {time}: {n} people", line.people
        ).format(time=dates.moment(line.as_of, zone, language, today), n=line.people)
        if line.is_undone:
            sentence = _("{line} (taken back)").format(line=sentence)
        lines.append(sentence)
    if not facts.lines:
        lines.append(_("Nothing has been imported yet."))
    lines.append(
        _(
            "Please send the table that the platform exports (XLSX, XLS or CSV), just as it is. "
            "Nothing is taken over before you have seen it."
        )
    )
    return "\n".join(lines)


def nothing_counts(language: str) -> str:
    """That the settings of the class come first."""
    _ = catalog(language).gettext
    return _(
        "It is not said yet what counts in this class, or on which platform. "
        "Please set up its remote training first; the key is on the card of the class."
    )


def meaning_name(meaning: str, said: Said | None, language: str) -> str:
    """What a column is taken for."""
    _ = catalog(language).gettext
    if said is not None and said.item is not None:
        return said.item.title
    return {
        mapping.STAFF_NO: _("staff number"),
        mapping.NAME: _("name"),
        mapping.SCHOOL: _("school"),
        mapping.PHONE: _("phone, or its last digits"),
        mapping.SCORE: _("score"),
        mapping.ACTIVE: _("day of the last study"),
    }.get(meaning, _("left out"))


def reads_text(said: Said, language: str) -> str:
    """A figure in the measure of its item."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    assert said.item is not None
    assert said.reads is not None
    figure = f"{said.reads:g}"
    match said.item.measure:
        case Measure.MINUTES:
            return _("{n} min").format(n=figure)
        case Measure.TIMES:
            return ngettext("{n} time", "{n} times", round(said.reads)).format(n=figure)
        case Measure.POINTS:
            return ngettext("{n} point", "{n} points", round(said.reads)).format(n=figure)
        case Measure.PERCENT:
            return _("{n} %").format(n=figure)


def columns_text(facts: Columns, language: str) -> str:
    """What the columns are taken for, each with an example."""
    _ = catalog(language).gettext
    lines = [
        _("<b>What do the columns mean?</b> {file}").format(file=html.escape(facts.file_name)),
        _("I ask once for each form of table of a platform, and remember the answer."),
    ]
    if facts.of > 1:
        lines.append(
            _("Form {n} of {of}, sheet {sheets}").format(
                n=facts.form + 1,
                of=facts.of,
                sheets=html.escape(numbers.joined(facts.sheets, language)),
            )
        )
    for number, said in enumerate(facts.columns, start=1):
        meaning = html.escape(meaning_name(said.meaning, said, language))
        sample = html.escape(shortened(said.samples[0], SAMPLE)) if said.samples else ""
        heading = html.escape(said.heading)
        if said.item is not None and said.reads is not None:
            sentence = _("{n}. {heading} → <b>{meaning}</b> ({sample}: {reads})").format(
                n=number,
                heading=heading,
                meaning=meaning,
                sample=sample,
                reads=reads_text(said, language),
            )
        elif said.item is not None and sample:
            sentence = _("{n}. {heading} → <b>{meaning}</b> ({sample}: not understood)").format(
                n=number, heading=heading, meaning=meaning, sample=sample
            )
        elif said.meaning:
            sentence = _("{n}. {heading} → <b>{meaning}</b> ({sample})").format(
                n=number, heading=heading, meaning=meaning, sample=sample or numbers.NO_FIGURE
            )
        else:
            sentence = _("{n}. {heading} → {meaning}").format(
                n=number, heading=heading, meaning=meaning
            )
        lines.append(sentence)
    lines.append(_("To change one, tap its number."))
    return "\n".join(lines)


def preview_text(facts: Preview, language: str, zone: ZoneInfo, today: date) -> str:
    """What a table of progress would do, or did."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    head = {
        ImportState.APPLIED: _("<b>Progress imported</b>: {title}"),
        ImportState.CANCELLED: _("<b>Not imported</b>: {title}"),
        ImportState.UNDONE: _("<b>Taken back</b>: {title}"),
    }.get(facts.state, _("<b>Progress to import</b>: {title}"))
    lines = [
        head.format(title=html.escape(facts.title)),
        _("{platform} · {file}").format(
            platform=html.escape(facts.platform), file=html.escape(facts.file_name)
        ),
        _as_of(facts, language, dates.moment(facts.as_of, zone, language, today)),
    ]
    rows = ngettext("{n} row", "{n} rows", facts.rows).format(n=facts.rows)
    parts = [rows, _("{n} of this class").format(n=facts.matched)]
    parts += [
        problem_count(state, facts.counts[state], language)
        for state in RowState
        if state not in UNDERSTOOD and facts.counts.get(state)
    ]
    if facts.settled:
        parts.append(_("{n} said by you").format(n=facts.settled))
    lines.append(("; " if language == "en" else "；").join(parts))
    lines.append(
        _("First figures: {new}, further: {forward}, as before: {same}, less: {back}").format(
            new=facts.counts.get(RowState.NEW, 0),
            forward=facts.counts.get(RowState.FORWARD, 0),
            same=facts.counts.get(RowState.SAME, 0),
            back=facts.counts.get(RowState.BACK, 0),
        )
    )
    lines.append(
        _("Of {people} participants, begun: {begun} → {begins}, all done: {done} → {does}").format(
            people=facts.people,
            begun=facts.started[0],
            begins=facts.started[1],
            done=facts.learned[0],
            does=facts.learned[1],
        )
    )
    if facts.absent:
        lines.append(_("Not in this table: {n}").format(n=facts.absent))
    if facts.skipped:
        lines.append(
            _("Sheets without people: {sheets}").format(
                sheets=html.escape(numbers.joined(facts.skipped, language))
            )
        )
    if facts.newest is not None and facts.is_older:
        lines.append(
            _("Figures as of {time} are there already and stay; only gaps are filled.").format(
                time=dates.moment(facts.newest, zone, language, today)
            )
        )
    if facts.state is ImportState.PREVIEWED and not facts.changes:
        lines.append(_("All progress in this table is there already; nothing would change."))
    return "\n".join(lines)


def _as_of(facts: Preview, language: str, time: str) -> str:
    _ = catalog(language).gettext
    return {
        AsOfFrom.FILE: _("As of {time}, as the table says"),
        AsOfFrom.NOW: _("As of {time}: the table does not say, so I take this moment"),
        AsOfFrom.SET: _("As of {time}, as you have said"),
        AsOfFrom.SAME: _("As of {time}: this very file was imported before"),
    }[facts.as_of_from].format(time=time)


def unclear_text(facts: Unclear, language: str) -> str:
    """A row of which nobody can tell whom it means."""
    _ = catalog(language).gettext
    said = " · ".join(
        html.escape(part) for part in (facts.staff_no, facts.name, facts.school, facts.tail) if part
    )
    lines = [
        _("<b>Whom does this row mean?</b> ({n} of {of})").format(n=facts.at + 1, of=facts.of),
        _("Row {number}: {said}").format(number=facts.number, said=said),
        problem_text(facts.state, language).capitalize(),
    ]
    if facts.settled:
        lines.append(_("You have said: {name}").format(name=html.escape(facts.settled)))
    elif facts.settled is not None:
        lines.append(_("You have said that it is nobody of this class."))
    lines.append(
        _(
            "Choose the person, or type a staff number or a name. "
            "I remember it for the next table of this platform."
        )
    )
    return "\n".join(lines)


def importing_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why not; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case mapping.NothingCounts():
            return nothing_counts(language)
        case mapping.NoRows():
            return _("There is nobody in this table: nothing stands below its headings.")
        case mapping.OthersImport():
            return _(
                "Study progress is imported by the coordinator who runs the class; "
                "nothing was changed, and you need not do anything."
            )
        case mapping.Unfinished(lacks="person"):
            return _("Please say first which column holds the staff number or the name.")
        case mapping.Unfinished():
            return _("Please say first which column holds a figure of what counts.")
        case _:
            return ""
