"""The organisers' desk: the list of competitions, one competition, one round."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import values_text, words
from handlers.competitions.buttons import (
    OpenRound,
    OpenVenue,
    RunCompetition,
    RunCompetitions,
)
from handlers.competitions.deciding_buttons import CompetitionLists, OpenLists, OpenOutside
from handlers.competitions.entering_buttons import PutForward
from handlers.competitions.setup_buttons import (
    ArchivedCompetitions,
    AskValue,
    CheckCompetition,
    EditRounds,
    EditTracks,
    EditWhole,
    MoreOfCompetition,
    NewCompetition,
    OpenChange,
    RoundCardPlaces,
    RulesOf,
    ShowRules,
    VenuesOfRound,
)
from handlers.context import Context, shortened, show, tap
from handlers.people.buttons import Home, OpenDesk
from handlers.wiring import AnyApplication, on_desk, on_tap
from locales import catalog, dates, numbers
from storage.competitions import editing, putting_forward, views
from storage.competitions.editing import DATED, OF_DRAFT, What
from storage.competitions.putting_forward import Open
from storage.competitions.tables import CompetingState, CompetitionState
from storage.competitions.views import Desk, Line, RoundDesk, RoundLine, Runs
from storage.moments import local_day
from storage.people.accounts import Reader
from storage.people.authority import Act

LABEL = 40
TITLE = 60


def install(application: AnyApplication) -> None:
    on_desk(
        application,
        {Act.RUN_COMPETITION},
        _label,
        RunCompetitions,
        ("rule_changes",),
    )
    on_tap(application, RunCompetitions, open_list)
    on_tap(application, ArchivedCompetitions, open_archived)
    on_tap(application, RunCompetition, open_desk)
    on_tap(application, OpenRound, open_round)
    on_tap(application, VenuesOfRound, turn_venues)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Competitions")


# -- cards -----------------------------------------------------------------------------------------


def list_card(
    found: Runs, language: str, zone: ZoneInfo, now: datetime, to_enter: Sequence[Open] = ()
) -> Card:
    """The competitions that somebody organises or holds a part of, or can put people forward to."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Archived competitions</b>") if found.archived else _("<b>Competitions</b>"),
    ]
    if not found.lines and not to_enter:
        lines.append(_("There is none yet."))
    for number, line in enumerate(found.lines, 1 + found.page * views.PAGE):
        lines += _line(number, line, language, zone, now)
    keys: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(_("{n}. {title}").format(n=number, title=line.title), LABEL),
                RunCompetition(line.competition_id),
            ),
        )
        for number, line in enumerate(found.lines, 1 + found.page * views.PAGE)
    ]
    turn = pager(
        found.page, found.pages, ArchivedCompetitions if found.archived else RunCompetitions
    )
    keys += [turn] if turn else []
    if to_enter:
        lines.append(_("Your school's people can be put forward now:"))
    for each in to_enter:
        lines.append(_open_line(each, language, zone, now))
        label = _("Put forward: {title}").format(title=each.title)
        keys.append((Key(shortened(label, LABEL), PutForward(each.competition_id)),))
    if found.archived:
        return Card("\n".join(lines), (*keys, (Key(_("Back"), RunCompetitions()),)))
    if found.has_archived:
        keys.append((Key(_("Archived"), ArchivedCompetitions()),))
    foot = [Key(_("Back"), OpenDesk() if found.may_make else Home())]
    if found.may_make:
        foot.insert(0, Key(_("New competition"), NewCompetition(), style="primary"))
    return Card("\n".join(lines), (*keys, tuple(foot)))


def _open_line(each: Open, language: str, zone: ZoneInfo, now: datetime) -> str:
    _ = catalog(language).gettext
    title = html.escape(shortened(each.title, TITLE))
    if each.closes_at is None:
        return _("· <b>{title}</b>").format(title=title)
    when = dates.before(each.closes_at, zone, language, local_day(now, zone))
    return _("· <b>{title}</b>: entries {when}").format(title=title, when=when)


def _line(number: int, line: Line, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    said = [
        _("{n}. <b>{title}</b>: {state}").format(
            n=number,
            title=html.escape(shortened(line.title, TITLE)),
            state=words.competition_states(language)[line.state],
        )
    ]
    if line.next_at is not None:
        said.append(
            "   "
            + _("Next: {what} ({round}), {when}").format(
                what=_next_names(language)[line.next_what],
                round=html.escape(line.next_round),
                when=dates.moment(line.next_at, zone, language, today),
            )
        )
    parts = []
    if line.entries:
        parts.append(ngettext("{n} entry", "{n} entries", line.entries).format(n=line.entries))
    if line.to_accept:
        parts.append(
            ngettext("{n} to accept", "{n} to accept", line.to_accept).format(n=line.to_accept)
        )
    if line.venues:
        parts.append(
            ngettext("{n} list to decide", "{n} lists to decide", line.venues).format(n=line.venues)
        )
    if line.requests:
        parts.append(
            ngettext("{n} change to confirm", "{n} changes to confirm", line.requests).format(
                n=line.requests
            )
        )
    if parts:
        said.append("   " + numbers.joined(parts, language))
    return said


def _next_names(language: str) -> dict[str, str]:
    _ = catalog(language).gettext
    return {
        "entry_opens_at": _("entries open"),
        "entry_closes_at": _("entries close"),
        "material_due_at": _("materials are due"),
        "starts_at": _("the round begins"),
        "result_due_at": _("the list is due"),
        "forward_due_at": _("forwarding is due"),
    }


def desk_card(facts: Desk, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One competition: where it stands, its rounds, what can be done."""
    _ = catalog(language).gettext
    id_ = facts.competition_id
    is_draft = facts.state is CompetitionState.DRAFT
    lines = [
        f"<b>{html.escape(facts.title)}</b>",
        _("{kind} · school year {year}").format(
            kind=words.kinds(language)[facts.kind], year=html.escape(facts.school_year)
        ),
        _("{unit} · {state}").format(
            unit=html.escape(facts.owner), state=words.competition_states(language)[facts.state]
        ),
        _("Tracks: {tracks}").format(
            tracks=html.escape(
                shortened(numbers.joined([title for _id, title in facts.tracks], language), 300)
            )
            or _("none yet")
        ),
    ]
    if facts.reason:
        lines.append(_("Reason: {reason}").format(reason=html.escape(facts.reason)))
    lines += _entries(facts, language)
    for each in facts.rounds:
        lines += _round_lines(each, language, zone, now)
    if not facts.rounds:
        lines.append(_("No round yet."))
    for request in facts.requests:
        lines.append(
            _("⏳ {name} asks for a change of the rules ({round}).").format(
                name=html.escape(request.asked_name), round=html.escape(request.round_name)
            )
        )
    keys: list[tuple[Key, ...]] = []
    row = [Key(shortened(each.name, LABEL), OpenRound(each.round_id)) for each in facts.rounds]
    keys += [tuple(row[n : n + 3]) for n in range(0, len(row), 3)]
    keys += [
        (Key(_("The change"), OpenChange(each.id), style="primary"),) for each in facts.requests
    ]
    if facts.organises and is_draft:
        keys.append((Key(_("Settings"), EditWhole(id_)), Key(_("Tracks"), EditTracks(id_))))
        keys.append((Key(_("Rounds"), EditRounds(id_)), Key(_("More"), MoreOfCompetition(id_))))
        keys.append((Key(_("Check and publish"), CheckCompetition(id_), style="primary"),))
    elif facts.organises:
        keys.append((Key(_("Settings"), EditWhole(id_)), Key(_("Rules"), RulesOf(id_))))
        last = [Key(_("More"), MoreOfCompetition(id_))]
        own = [each for each in facts.rounds if not each.external]
        if facts.state is CompetitionState.PUBLISHED and own:
            last.insert(0, Key(_("Card in groups"), RoundCardPlaces(own[0].round_id)))
        keys.append((Key(_("Lists and awards"), CompetitionLists(id_)),))
        keys.append(tuple(last))
    else:
        keys.append((Key(_("Rules"), RulesOf(id_)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), RunCompetitions()),)))


def _entries(facts: Desk, language: str) -> list[str]:
    _ = catalog(language).gettext
    shown = [state for state in CompetingState if facts.counts.get(state)]
    if not shown:
        return [] if facts.state is CompetitionState.DRAFT else [_("No entry yet.")]
    names = words.entry_states(language)
    said = [_("{state} {n}").format(state=names[state], n=facts.counts[state]) for state in shown]
    return [_("Entries: {counts}").format(counts=numbers.joined(said, language))]


def _round_lines(each: RoundLine, language: str, zone: ZoneInfo, now: datetime) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    if each.starts_at is not None and each.ends_at is not None:
        when = dates.span(each.starts_at, each.ends_at, zone, language, today)
    elif each.due_at is not None:
        when = dates.before(each.due_at, zone, language, today)
    else:
        when = _("without dates yet")
    lines = [
        _("▸ <b>{name}</b> ({level}): {when}").format(
            name=html.escape(each.name), level=words.levels(language)[each.level], when=when
        )
    ]
    if each.entries:
        entries = ngettext("{n} entry", "{n} entries", each.entries).format(n=each.entries)
        if each.external:
            lines.append(f"   {entries}")
        else:
            lines.append(
                "   "
                + _("{entries}; lists decided {done} of {all}").format(
                    entries=entries, done=each.decided, all=each.venues
                )
            )
    return lines


ROUND_KEYS = (
    (What.ENTRY, What.MATERIAL_DUE, What.DAYS),
    (What.RESULT_DUE, What.PUBLICITY, What.FORWARD_DUE),
    (What.QUOTA, What.UNIT_MOST, What.TIES),
    (What.MATERIALS, What.RUBRIC),
    (What.JUDGES, What.DROPS, What.NUMBERS),
    (What.NAME, What.SEASON, What.LEVEL),
)
OUTSIDE_KEYS = (
    (What.FORWARD_DUE, What.ENTRY),
    (What.QUOTA, What.UNIT_MOST),
    (What.NAME, What.SEASON, What.LEVEL),
)
"""What an external round has."""


def round_card(facts: RoundDesk, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """One round: its dates and rules with a key for each, and its venues.

    Whoever holds a venue alone reads the dates there are; the rules stand behind their key.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    is_open = facts.state in (CompetitionState.DRAFT, CompetitionState.PUBLISHED)
    lines = [f"<b>{html.escape(facts.title)} · {html.escape(facts.name)}</b>"]
    rows = OUTSIDE_KEYS if facts.external else ROUND_KEYS
    for what in (what for row in rows for what in row):
        if not _has(what, facts) or not (facts.organises or _is_dated(what, facts)):
            continue
        if what in DATED:
            text = values_text.dates_text(what, facts.fields, language, zone, today)
        elif what in (What.MATERIALS, What.RUBRIC):
            some = facts.fields[what.value]
            text = html.escape(
                shortened(numbers.joined([each["title"] for each in some], language), 120)
            ) or _("not said yet")
        else:
            text = values_text.value_text(what, facts.fields, language, units=facts.units)
        lines.append(
            _("{what}: {value}").format(
                what=values_text.label(what, language, external=facts.external), value=text
            )
        )
    if facts.organises and facts.frozen_hash:
        lines.append(_("Rules frozen: <code>{hash}</code>").format(hash=facts.frozen_hash[:16]))
    if facts.entries:
        lines.append(
            ngettext(
                "{n} entry in this round.", "{n} entries in this round.", facts.entries
            ).format(n=facts.entries)
        )
    keys: list[tuple[Key, ...]] = []
    names = words.venue_states(language)
    for venue in facts.venues:
        said = [ngettext("{n} entry", "{n} entries", venue.entries).format(n=venue.entries)]
        if venue.to_accept:
            waits = ngettext("{n} to be accepted", "{n} to be accepted", venue.to_accept)
            said.append(waits.format(n=venue.to_accept))
        lines.append(
            _("· {unit}, {track}: {n}, {state}").format(
                unit=html.escape(venue.unit),
                track=html.escape(venue.track),
                n=numbers.joined(said, language),
                state=names[venue.state],
            )
        )
        label = _("{unit} {track}").format(unit=venue.unit, track=venue.track)
        keys.append((Key(shortened(label, LABEL), OpenVenue(venue.venue_id)),))
    turn = pager(facts.page, facts.pages, lambda page: VenuesOfRound(facts.round_id, page))
    keys += [turn] if turn else []
    if facts.organises and is_open:
        for row in rows:
            keys.append(
                tuple(
                    Key(
                        values_text.label(what, language, external=facts.external),
                        AskValue(facts.competition_id, facts.round_id, what.value),
                    )
                    for what in row
                    if _has(what, facts)
                )
            )
    foot = [Key(_("Back"), RunCompetition(facts.competition_id))]
    if facts.organises and facts.frozen_hash:
        lists = OpenOutside if facts.external else OpenLists
        keys.append((Key(_("Lists and awards"), lists(facts.round_id)),))
    if facts.frozen_hash:
        foot.insert(0, Key(_("Rules"), ShowRules(facts.round_id)))
    return Card("\n".join(lines), (*(row for row in keys if row), tuple(foot)))


def _has(what: What, facts: RoundDesk) -> bool:
    """Whether this is asked of the round: entering of the first, publicity of the last."""
    if what in OF_DRAFT:
        return facts.state is CompetitionState.DRAFT
    if what is What.ENTRY:
        return facts.is_first or facts.external
    if what is What.QUOTA:
        return facts.external or not facts.is_last
    return True


def _is_dated(what: What, facts: RoundDesk) -> bool:
    """Whether it is a date of the round that has been said."""
    return what in DATED and any(facts.fields[name] for name in editing.columns_of(what))


# -- taps ------------------------------------------------------------------------------------------


async def open_list(update: Update, context: Context) -> None:
    """Show a page of the list."""
    page = RunCompetitions.parse(tap(update).data).page
    await show_list(update, context, await context.reader(update), page)


async def show_list(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    """Show the list."""
    now = context.now()
    teacher_id = reader.linked_teacher_id
    found = await context.read(views.runs, teacher_id, page=page, now=now)
    to_enter = await context.read(putting_forward.open_to, teacher_id, now=now)
    card = list_card(found, reader.language, context.house.zone, now, to_enter)
    await show(update, context, reader, card)


async def open_archived(update: Update, context: Context) -> None:
    """Show a page of those that were put away."""
    page = ArchivedCompetitions.parse(tap(update).data).page
    reader, now = await context.reader(update), context.now()
    found = await context.read(
        views.runs, reader.linked_teacher_id, page=page, archived=True, now=now
    )
    await show(update, context, reader, list_card(found, reader.language, context.house.zone, now))


async def open_desk(update: Update, context: Context) -> None:
    """Show a competition."""
    competition_id = RunCompetition.parse(tap(update).data).competition_id
    await show_desk(update, context, await context.reader(update), competition_id)


async def show_desk(update: Update, context: Context, reader: Reader, competition_id: int) -> None:
    """Show its desk."""
    now = context.now()
    facts = await context.read(views.desk, reader.linked_teacher_id, competition_id, now=now)
    await show(update, context, reader, desk_card(facts, reader.language, context.house.zone, now))


async def open_round(update: Update, context: Context) -> None:
    """Show a round."""
    round_id = OpenRound.parse(tap(update).data).round_id
    await show_round(update, context, await context.reader(update), round_id)


async def turn_venues(update: Update, context: Context) -> None:
    """Show another page of a round's venues."""
    button = VenuesOfRound.parse(tap(update).data)
    await show_round(update, context, await context.reader(update), button.round_id, button.page)


async def show_round(
    update: Update, context: Context, reader: Reader, round_id: int, page: int = 0
) -> None:
    """Show a round's desk."""
    now = context.now()
    facts = await context.read(
        views.round_desk, reader.linked_teacher_id, round_id, page=page, now=now
    )
    card = round_card(facts, reader.language, context.house.zone, now)
    await show(update, context, reader, card)
