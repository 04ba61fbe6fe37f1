"""The year's report of a competition: a card of figures, and a table."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Mapping

from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions import words
from handlers.competitions.deciding_buttons import CompetitionLists, OpenReport, ReportSheet
from handlers.context import Context, send_file, show, tap
from handlers.wiring import AnyApplication, on_tap
from locales import catalog, numbers
from storage import sheets
from storage.competitions import reporting
from storage.competitions.reporting import Report, RoundFigures
from storage.competitions.tables import RoundLevel

TRACKS = 15


def install(application: AnyApplication) -> None:
    on_tap(application, OpenReport, open_report)
    on_tap(application, ReportSheet, send_sheet)


def report_card(facts: Report, language: str) -> Card:
    """The competition in figures."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        _("Report of the school year {year}: {state}").format(
            year=html.escape(facts.school_year),
            state=words.competition_states(language)[facts.state],
        ),
        _("{entries}, {people}, {units}").format(
            entries=ngettext("{n} entry", "{n} entries", facts.entries).format(n=facts.entries),
            people=ngettext("{n} person", "{n} people", facts.people).format(n=facts.people),
            units=ngettext("{n} unit", "{n} units", facts.units).format(n=facts.units),
        ),
    ]
    lines += [_round_text(each, language) for each in facts.rounds]
    for each in facts.tracks[:TRACKS]:
        awards = _awards_text(each.awards, facts.awards, language)
        lines.append(
            _("· {track}: {entries}; {awards}").format(
                track=html.escape(each.title),
                entries=ngettext("{n} entry", "{n} entries", each.entries).format(n=each.entries),
                awards=awards,
            )
        )
    keys = (
        (Key(_("As a table"), ReportSheet(facts.competition_id)),),
        (Key(_("Back"), CompetitionLists(facts.competition_id)),),
    )
    return Card("\n".join(lines), keys)


def _awards_text(found: Mapping[str, int], order: tuple[str, ...], language: str) -> str:
    _ = catalog(language).gettext
    said = [
        _("{award} {n}").format(award=html.escape(name), n=found[name])
        for name in order
        if found.get(name)
    ]
    return numbers.joined(said, language) or _("no award yet")


def _round_text(each: RoundFigures, language: str) -> str:
    """A round: entries, who went on, and the rate of forwarding with what it is of."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    entries = ngettext("{n} entry", "{n} entries", each.entries).format(n=each.entries)
    name = html.escape(each.name)
    if each.external:
        return _("▸ {round}: {entries}, {n} awarded").format(
            round=name, entries=entries, n=each.awarded
        )
    if not each.places:
        return _("▸ {round}: {entries}, {n} went on").format(
            round=name, entries=entries, n=each.went_on
        )
    return _(
        "▸ {round}: {entries}, {n} went on; rate of forwarding {n}/{places} = {percent}%"
    ).format(
        round=name,
        entries=entries,
        n=each.went_on,
        places=each.places,
        percent=numbers.percent(each.went_on, each.places),
    )


def sheet(facts: Report, language: str) -> bytes:
    """The report as a table: tracks, rounds, units, and the awards that stand."""
    _ = catalog(language).gettext
    levels = words.levels(language)
    names = {each.value: name for each, name in ((RoundLevel(k), v) for k, v in levels.items())}
    return sheets.write(
        [
            (
                _("Tracks"),
                [
                    [_("Track"), _("Entries"), _("Units"), *facts.awards],
                    *(
                        [
                            each.title,
                            each.entries,
                            each.units,
                            *(each.awards.get(name, 0) for name in facts.awards),
                        ]
                        for each in facts.tracks
                    ),
                ],
            ),
            (
                _("Rounds"),
                [
                    [
                        _("Round"),
                        _("Entries"),
                        _("Absent"),
                        _("Went on"),
                        _("Places"),
                        _("Rate of forwarding (%)"),
                        _("Awarded"),
                    ],
                    *(
                        [
                            each.name,
                            each.entries,
                            each.absent,
                            each.went_on,
                            "" if each.places is None or each.external else each.places,
                            numbers.percent(each.went_on, each.places)
                            if each.places and not each.external
                            else "",
                            each.awarded,
                        ]
                        for each in facts.rounds
                    ),
                ],
            ),
            (
                _("Units"),
                [
                    [_("School"), _("Entries"), _("Awarded")],
                    *([each.name, each.entries, each.awards] for each in facts.of_units),
                ],
            ),
            (
                _("Awards"),
                [
                    [_("Track"), _("Award"), _("Name"), _("School"), _("Level")],
                    *(
                        [
                            each.track,
                            each.award,
                            each.name,
                            each.school,
                            names.get(each.level, each.level),
                        ]
                        for each in facts.winners
                    ),
                ],
            ),
        ]
    )


async def open_report(update: Update, context: Context) -> None:
    """Show the report."""
    competition_id = OpenReport.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    facts = await context.read(
        reporting.report, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await show(update, context, reader, report_card(facts, reader.language))


async def send_sheet(update: Update, context: Context) -> None:
    """Send it as a table."""
    competition_id = ReportSheet.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.write(
        reporting.export, reader.linked_teacher_id, competition_id, now=context.now()
    )
    content = await asyncio.to_thread(sheet, facts, reader.language)
    name = _("Report {title}").format(title=facts.title) + ".xlsx"
    await send_file(update, context, reader, content, name, html.escape(facts.title))
