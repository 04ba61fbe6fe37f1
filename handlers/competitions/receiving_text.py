"""Receiving entries in words: the entries of a venue, one of them, and who has entered."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.buttons import OpenEntry, OpenVenue, RunCompetitions
from handlers.competitions.entering_buttons import (
    AcceptEntries,
    AcceptEntry,
    DisqualifyEntry,
    EntryFiles,
    OpenEntries,
    OpenHeld,
    OpenReceiving,
    OpenShares,
    ReturnEntry,
)
from handlers.context import shortened
from handlers.undoing import undo_key
from locales import catalog, dates, numbers
from storage.competitions.receiving import PAGE, Entries, EntryLine, Held, Share, Told
from storage.competitions.tables import CompetingState, CompetitionState

LABEL = 40
SHARES = 12


def receiving_card(places: tuple[tuple[int, str, int], ...], language: str, back: Button) -> Card:
    """Where entries wait for me, each a key."""
    _ = catalog(language).gettext
    text = [_("<b>Entries to accept</b>")]
    if not places:
        text.append(_("No entry waits for you at the moment."))
    keys = []
    for number, (venue_id, title, waiting) in enumerate(places[:20], 1):
        text.append(f"{number}. {html.escape(title)} · {waiting}")
        keys.append((Key(shortened(f"{number}. {title}", LABEL), OpenEntries(venue_id)),))
    return Card("\n".join(text), (*keys, (Key(_("Back"), back),)))


def entries_card(
    facts: Entries, language: str, zone: ZoneInfo, now: datetime, said: str = ""
) -> Card:
    """The entries of a venue, those to accept first."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    today = now.astimezone(zone).date()
    lines = [html.escape(said), ""] if said else []
    lines.append(
        _("<b>{competition}</b>\n{round}, {track}, {unit}").format(
            competition=html.escape(facts.competition),
            round=html.escape(facts.round),
            track=html.escape(facts.track),
            unit=html.escape(facts.unit),
        )
    )
    states = words.entry_states(language)
    counted = [f"{states[state]} {n}" for state, n in facts.counts.items()]
    lines.append(numbers.joined(counted, language) or _("No entry yet."))
    if facts.closes_at is not None and now < facts.closes_at:
        before = dates.before(facts.closes_at, zone, language, today)
        lines.append(_("Entries come in {before}.").format(before=before))
    if facts.share is not None:
        lines.append(share_text(facts.share, language))
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(facts.lines, facts.page * PAGE + 1):
        lines.append(f"\n{number}. " + _entry_line(line, language))
        label = shortened(f"{number}. {line.teacher}", LABEL)
        waits = line.state is CompetingState.SUBMITTED
        keys.append((Key(label, OpenHeld(line.entry_id), style="primary" if waits else None),))
    turn = pager(facts.page, facts.pages, lambda page: OpenEntries(facts.venue_id, page))
    if turn:
        keys.append(turn)
    if facts.to_accept:
        label = ngettext("Accept {n}", "Accept all {n}", facts.to_accept).format(n=facts.to_accept)
        keys.append((Key(label, AcceptEntries(facts.venue_id), style="success"),))
    if facts.deed_id is not None:
        keys.append((undo_key(facts.deed_id, language),))
    more = [Key(_("Who has entered"), OpenShares(facts.competition_id))]
    more.append(Key(_("The venue"), OpenVenue(facts.venue_id)))
    keys.append(tuple(more))
    keys.append((Key(_("Back"), OpenReceiving()),))
    return Card("\n".join(lines), tuple(keys))


def _entry_line(line: EntryLine, language: str) -> str:
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    text = _("<b>{name}</b> ({unit}): {state}").format(
        name=html.escape(line.teacher),
        unit=html.escape(line.unit),
        state=words.entry_states(language)[line.state],
    )
    if line.title:
        text += "\n" + html.escape(line.title)
    if line.missing:
        text += "\n" + ngettext(
            "{n} piece of material is missing", "{n} pieces of material are missing", line.missing
        ).format(n=line.missing)
    if line.to_look_at:
        text += "\n" + ngettext(
            "{n} name in the materials", "{n} names in the materials", line.to_look_at
        ).format(n=line.to_look_at)
    return text


def sure_card(facts: Entries, language: str) -> Card:
    """Ask once more before all are accepted; who lacks something is said."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    text = ngettext(
        "Accept {n} entry into the round “{round}”?",
        "Accept {n} entries into the round “{round}”?",
        facts.to_accept,
    ).format(n=facts.to_accept, round=html.escape(facts.round))
    return Card(
        text,
        (
            (Key(_("Accept them"), AcceptEntries(facts.venue_id, 1), style="success"),),
            (Key(_("Back"), OpenEntries(facts.venue_id)),),
        ),
    )


def held_card(facts: Held, language: str, zone: ZoneInfo, now: datetime, said: str = "") -> Card:
    """An entry for who holds its venue."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    today = now.astimezone(zone).date()
    lines = [html.escape(said), ""] if said else []
    lines.append(f"<b>{html.escape(facts.competition)}</b>")
    lines.append(
        _("{name}, {unit}; track {track}").format(
            name=html.escape(facts.teacher),
            unit=html.escape(facts.unit),
            track=html.escape(facts.track),
        )
    )
    if facts.title:
        lines.append(_("Title: {title}").format(title=html.escape(facts.title)))
    if facts.mates:
        names = numbers.joined([html.escape(name) for _id, name in facts.mates], language)
        lines.append(_("Together with: {names}").format(names=names))
    if facts.put_forward_by:
        lines.append(_("Put forward by {name}").format(name=html.escape(facts.put_forward_by)))
    state = words.entry_states(language)[facts.state]
    if facts.state is CompetingState.COMPETING and facts.round_state is not None:
        state = f"{html.escape(facts.round)} · {words.round_states(language)[facts.round_state]}"
    lines.append(_("<b>Now: {state}</b>").format(state=state))
    if facts.submitted_at is not None:
        when = dates.moment(facts.submitted_at, zone, language, today)
        lines.append(_("Handed in: {time}").format(time=when))
    if facts.reason:
        lines.append(_("Reason: {reason}").format(reason=html.escape(facts.reason)))
    lines.append("")
    for slot in facts.slots:
        title = html.escape(slot.title)
        if slot.piece is not None:
            when = dates.moment(slot.piece.uploaded_at, zone, language, today)
            lines.append(
                _("✅ {title}: version {n}, {time}").format(
                    title=title, n=slot.piece.version, time=when
                )
            )
        elif slot.required:
            lines.append(_("▫️ {title}: missing").format(title=title))
        else:
            lines.append(_("▫️ {title}: not handed in, may be left out").format(title=title))
    if facts.is_blind and facts.names_left:
        lines.append(
            ngettext(
                "The check found {n} name in the materials; the entrant knows where.",
                "The check found {n} names in the materials; the entrant knows where.",
                facts.names_left,
            ).format(n=facts.names_left)
        )
    if facts.is_blind and facts.not_names:
        lines.append(
            ngettext(
                "Of {n} finding the entrant says that it is no name.",
                "Of {n} findings the entrant says that they are no names.",
                facts.not_names,
            ).format(n=facts.not_names)
        )
    return Card("\n".join(lines), _held_keys(facts, language))


def _held_keys(facts: Held, language: str) -> tuple[tuple[Key, ...], ...]:
    _ = catalog(language).gettext
    keys: list[tuple[Key, ...]] = []
    on = facts.competition_state is CompetitionState.PUBLISHED
    decides = on and facts.receives and not facts.is_own
    if decides and facts.state is CompetingState.SUBMITTED:
        row = [Key(_("Return"), ReturnEntry(facts.entry_id))]
        if facts.is_open:
            row.insert(0, Key(_("Accept the entry"), AcceptEntry(facts.entry_id), style="success"))
        keys.append(tuple(row))
    if any(slot.piece is not None for slot in facts.slots):
        keys.append((Key(_("Send me the files"), EntryFiles(facts.entry_id)),))
    if facts.deed_id is not None:
        keys.append((undo_key(facts.deed_id, language),))
    outable = facts.state in (
        CompetingState.SUBMITTED,
        CompetingState.RETURNED,
        CompetingState.COMPETING,
    )
    if on and facts.organises and not facts.is_own and outable:
        keys.append((Key(_("Take out"), DisqualifyEntry(facts.entry_id), style="danger"),))
    if facts.is_own:
        keys.append((Key(_("My entry"), OpenEntry(facts.entry_id)),))
    if facts.venue_id is not None and facts.receives:
        keys.append((Key(_("Back"), OpenEntries(facts.venue_id)),))
    else:
        keys.append((Key(_("Back"), RunCompetitions()),))
    return tuple(keys)


# --- shares ------------------------------------------------------------------------------------


def share_text(share: Share, language: str) -> str:
    """How many of a unit's people have entered, and how many should."""
    _ = catalog(language).gettext
    percent = numbers.percent(share.entered, share.people, share.wanted)
    if share.wanted is None:
        return _("{unit}: {entered} of {people} ({percent} %)").format(
            unit=html.escape(share.unit),
            entered=share.entered,
            people=share.people,
            percent=percent,
        )
    wanted = numbers.percent(round(share.wanted * 1000), 1000)
    return _("{unit}: {entered} of {people} ({percent} %); at least {wanted} % should").format(
        unit=html.escape(share.unit),
        entered=share.entered,
        people=share.people,
        percent=percent,
        wanted=wanted,
    )


def shares_card(competition_id: int, shares: tuple[Share, ...], page: int, language: str) -> Card:
    """How many of each school's people have entered; only for who sees to it."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    lines = [_("<b>Who has entered</b>")]
    if not shares:
        lines.append(_("There is nobody in reach for whom this competition is."))
    below = sum(not share.is_reached for share in shares)
    if below:
        lines.append(
            ngettext(
                "{n} school is below the share that is asked for.",
                "{n} schools are below the share that is asked for.",
                below,
            ).format(n=below)
        )
    pages = max(1, -(-len(shares) // SHARES))
    page = min(max(0, page), pages - 1)
    lines += ["· " + share_text(each, language) for each in shares[page * SHARES :][:SHARES]]
    turn = pager(page, pages, lambda number: OpenShares(competition_id, number))
    return Card(
        "\n".join(lines),
        (*((turn,) if turn else ()), (Key(_("Back"), RunCompetitions()),)),
    )


# --- what is said unasked ----------------------------------------------------------------------


def accepted_card(facts: Told, language: str, zone: ZoneInfo, today: date) -> Card:
    """The entry is accepted, and in the first round."""
    _ = catalog(language).gettext
    text = _("Your entry for <b>{title}</b> ({track}) has been accepted: {round}.").format(
        title=html.escape(facts.title),
        track=html.escape(facts.track),
        round=html.escape(facts.round),
    )
    if facts.starts_at is not None:
        when = dates.moment(facts.starts_at, zone, language, today)
        text += "\n" + _("It begins {when}. You will be told your turn.").format(when=when)
    return Card(text, ((Key(_("View"), OpenEntry(facts.entry_id)),),))


def returned_card(facts: Told, language: str, zone: ZoneInfo, today: date) -> Card:
    """The entry comes back to be mended."""
    _ = catalog(language).gettext
    text = _(
        "Your entry for <b>{title}</b> ({track}) has come back to be completed:\n{reason}"
    ).format(
        title=html.escape(facts.title),
        track=html.escape(facts.track),
        reason=html.escape(facts.reason),
    )
    if facts.until is not None:
        before = dates.before(facts.until, zone, language, today)
        text += "\n" + _("Please hand it in again {before}.").format(before=before)
    return Card(text, ((Key(_("View"), OpenEntry(facts.entry_id), style="primary"),),))


def disqualified_card(facts: Told, language: str) -> Card:
    """The organiser has taken the entry out; said to the entrant alone."""
    _ = catalog(language).gettext
    text = _(
        "Your entry for <b>{title}</b> ({track}) has been taken out by the organiser.\n"
        "Reason: {reason}\nIf you see it differently, please talk to the organiser."
    ).format(
        title=html.escape(facts.title),
        track=html.escape(facts.track),
        reason=html.escape(facts.reason),
    )
    return Card(text, ((Key(_("View"), OpenEntry(facts.entry_id)),),))
