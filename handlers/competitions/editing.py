"""Changing a competition by key and text; a published rule with a reason, by two."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key, Keys, pager
from handlers.competitions import running, values_text, words
from handlers.competitions.buttons import OpenRound, RunCompetition
from handlers.competitions.setup_buttons import (
    AddRound,
    AddTrack,
    AskValue,
    DropRound,
    DropTrack,
    EditRounds,
    EditTracks,
    EditWhole,
    GiveValue,
    OpenChange,
    SettleChange,
)
from handlers.context import Context, alert, shortened, show, tap
from handlers.training.words import fact_value
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.calendar.saying import NotUnderstood, WrongWeekday, YearLeftOut
from storage.competitions import editing, usual, values, views
from storage.competitions.editing import (
    DATED,
    NO,
    NONE,
    OF_ALL,
    OF_DRAFT,
    RULED,
    YES,
    Changed,
    PublicityTooShort,
    ReasonWrong,
    Request,
    What,
)
from storage.competitions.tables import CompetitionState
from storage.competitions.views import Desk, RoundDesk
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.refusals import NotFound
from storage.training.making import DatesNotInOrder, WrongValue

AWAITED, REASON, TRACK = "compval", "comprule", "comptrack"
LABEL = 40
TRACKS = 10

YES_NO = (What.ONE_ENTRY, What.BLIND, What.OFFERS, What.NUMBERS)
BY_KEY = (*YES_NO, What.AUDIENCE, What.SEASON, *OF_DRAFT)
"""What is answered by a key and never typed."""
EMPTY = (
    What.CONTACT,
    What.SCHEME,
    What.BARRED,
    What.MIN_SHARE,
    What.AWARDS,
    What.QUOTA,
    What.UNIT_MOST,
    What.MATERIALS,
    What.TIES,
    *DATED,
)
"""What can be left open."""
TIERS = ("rising_star", "backbone", "named_leader", "none")
AREAS = ("urban", "town", "rural")
YEARS = (3, 5, 10)
NUMBERS: dict[What, tuple[int, ...]] = {
    What.TEAM: (1, 2, 3, 5),
    What.DROPS: (0, 1, 2),
    What.JUDGES: (3, 5, 7, 9),
    What.UNIT_MOST: (1, 2, 3),
}
TROUBLES = (
    NotUnderstood,
    WrongWeekday,
    YearLeftOut,
    WrongValue,
    DatesNotInOrder,
    PublicityTooShort,
)


def install(application: AnyApplication) -> None:
    on_tap(application, EditWhole, edit_whole)
    on_tap(application, AskValue, ask_value)
    on_tap(application, GiveValue, give_value)
    on_tap(application, EditTracks, edit_tracks)
    on_tap(application, AddTrack, ask_track)
    on_tap(application, DropTrack, drop_track)
    on_tap(application, EditRounds, edit_rounds)
    on_tap(application, AddRound, add_round)
    on_tap(application, DropRound, drop_round)
    on_tap(application, OpenChange, open_change)
    on_tap(application, SettleChange, settle_change)
    on_text(application, AWAITED, typed)
    on_text(application, REASON, reason_given)
    on_text(application, TRACK, track_typed)


# -- cards -----------------------------------------------------------------------------------------


def whole_card(facts: Desk, language: str) -> Card:
    """What can be changed of the whole, with its value, each a key."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(facts.title)}</b>"]
    for what in OF_ALL:
        text = values_text.value_text(what, facts.fields, language)
        lines.append(
            _("{what}: {value}").format(what=values_text.label(what, language), value=_first(text))
        )
    keys: list[Key] = []
    if facts.state in (CompetitionState.DRAFT, CompetitionState.PUBLISHED) and facts.organises:
        keys = [
            Key(
                values_text.label(what, language),
                AskValue(facts.competition_id, 0, what.value),
            )
            for what in OF_ALL
            if facts.state is CompetitionState.DRAFT or what not in OF_DRAFT
        ]
    rows = tuple(tuple(keys[n : n + 3]) for n in range(0, len(keys), 3))
    return Card("\n".join(lines), (*rows, (Key(_("Back"), RunCompetition(facts.competition_id)),)))


def _first(text: str) -> str:
    """A long value's beginning; its data is escaped, and no entity is cut."""
    plain = html.unescape(text)
    return html.escape(shortened(" ".join(plain.split()), 160))


def question_card(
    facts: Desk,
    round_: RoundDesk | None,
    what: What,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    trouble: str = "",
) -> Card:
    """Ask for another value: what it is, and how it is said."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    fields = facts.fields if round_ is None else round_.fields
    place = facts.title if round_ is None else f"{facts.title} · {round_.name}"
    if what in DATED:
        value = values_text.dates_text(what, fields, language, zone, today)
    else:
        units = {} if round_ is None else round_.units
        value = values_text.value_text(what, fields, language, units=units)
    form = _("Now: {value}") if "\n" not in value else _("Now:\n{value}")
    name = values_text.label(what, language, external=round_ is not None and round_.external)
    lines = [
        f"<b>{html.escape(place)}</b>",
        _("<b>{what}</b>").format(what=name),
        form.format(value=value),
    ]
    if trouble:
        lines.append(trouble)
    elif what not in BY_KEY:
        lines.append(values_text.example(what, language))
    if facts.state is CompetitionState.PUBLISHED and what in RULED:
        lines.append(
            _(
                "This rule is published. A change needs a reason and a second organiser, "
                "and everybody concerned is told."
            )
        )
    elif facts.state is CompetitionState.PUBLISHED and what in DATED:
        lines.append(_("Whoever is concerned is told of a new date at once."))
    round_id = 0 if round_ is None else round_.round_id
    keys = _value_keys(facts, round_id, what, fields, language, years=editing.years(now, zone))
    back = EditWhole(facts.competition_id) if round_ is None else OpenRound(round_.round_id)
    return Card("\n".join(lines), (*keys, (Key(_("Back"), back),)))


def _value_keys(
    facts: Desk,
    round_id: int,
    what: What,
    fields: dict[str, Any],
    language: str,
    *,
    years: Sequence[str] = (),
) -> Keys:
    _ = catalog(language).gettext

    def press(value: str) -> GiveValue:
        return GiveValue(facts.competition_id, round_id, what.value, value)

    if what in YES_NO:
        said = {YES: _("yes"), NO: _("no")}
        if what is What.ONE_ENTRY:
            said = {
                value: values_text.value_text(what, {what.value: value == YES}, language)
                for value in said
            }
        return (tuple(Key(text.capitalize(), press(value)) for value, text in said.items()),)
    names: Mapping[str, str] = {}
    match what:
        case What.KIND:
            names = words.kinds(language)
        case What.LEVEL:
            names = words.levels(language)
        case What.YEAR:
            names = {year: year for year in years}
    if names:
        one = [Key(name, press(str(value))) for value, name in names.items()]
        return tuple(tuple(one[n : n + 2]) for n in range(0, len(one), 2))
    if what is What.SEASON:
        pair = Key(_("Autumn"), press("autumn")), Key(_("Spring"), press("spring"))
        return (pair,)
    if what is What.AUDIENCE:
        wanted = fields["audience"]
        rows: list[tuple[Key, ...]] = []
        for key, pool in (("tier", TIERS), ("area_type", AREAS)):
            rows.append(
                tuple(
                    Key(
                        ("✓ " if one in wanted.get(key, []) else "") + fact_value(one, language),
                        press(f"{key}.{one}"),
                    )
                    for one in pool
                )
            )
        rows.append(
            tuple(
                Key(_("{n} years’ service").format(n=years), press(f"years.{years}"))
                for years in YEARS
            )
        )
        return (*rows, (Key(_("Everybody"), press(NONE)),))
    row = [Key(str(each), press(str(each))) for each in NUMBERS.get(what, ())]
    empty = [Key(_("Without"), press(NONE))] if what in EMPTY else []
    return tuple(tuple(each) for each in (row, empty) if each)


def tracks_card(facts: Desk, page: int, language: str) -> Card:
    """The tracks of a draft, each with a key that takes it out."""
    _ = catalog(language).gettext
    pages = max(1, -(-len(facts.tracks) // TRACKS))
    page = min(max(0, page), pages - 1)
    lines = [
        _("<b>Tracks: {title}</b>").format(title=html.escape(facts.title)),
        _("An entry competes with those of its track. A tap takes a track out."),
    ]
    if not facts.tracks:
        lines.append(_("None yet."))
    keys: list[tuple[Key, ...]] = []
    shown = facts.tracks[page * TRACKS : (page + 1) * TRACKS]
    row = [
        Key(
            _("✕ {title}").format(title=shortened(title, LABEL)),
            DropTrack(facts.competition_id, track_id, page),
        )
        for track_id, title in shown
    ]
    keys += [tuple(row[n : n + 2]) for n in range(0, len(row), 2)]
    turn = pager(page, pages, lambda number: EditTracks(facts.competition_id, number))
    keys += [turn] if turn else []
    keys.append(
        (
            Key(_("Add tracks"), AddTrack(facts.competition_id), style="primary"),
            Key(_("Back"), RunCompetition(facts.competition_id)),
        )
    )
    return Card("\n".join(lines), tuple(keys))


def rounds_card(facts: Desk, kind: str, language: str) -> Card:
    """The rounds of a draft, to add and to take out."""
    _ = catalog(language).gettext
    names = words.levels(language)
    lines = [
        _("<b>Rounds: {title}</b>").format(title=html.escape(facts.title)),
        _("A tap adds a round, or takes it out with its dates and rules."),
    ]
    keys: list[tuple[Key, ...]] = []
    there = {each.level for each in facts.rounds}
    for each in facts.rounds:
        label = _("✕ {name} ({level})").format(name=each.name, level=names[each.level])
        keys.append((Key(shortened(label, LABEL), DropRound(facts.competition_id, each.round_id)),))
    for key, one in usual.rounds_of(kind).items():
        if one.level not in there:
            label = _("＋ {name} ({level})").format(
                name=usual.said(one.name, language), level=names[one.level]
            )
            keys.append((Key(shortened(label, LABEL), AddRound(facts.competition_id, key)),))
    back = (Key(_("Back"), RunCompetition(facts.competition_id)),)
    return Card("\n".join(lines), (*keys, back))


def request_card(facts: Request, own: bool, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """A change of the rules: what was, what is to be, why; and the second person's keys."""
    _ = catalog(language).gettext
    lines = [
        _("<b>Change of the rules: {title} · {round}</b>").format(
            title=html.escape(facts.title), round=html.escape(facts.round_name)
        ),
        *change_lines(facts, language),
        _("Reason: {reason}").format(reason=html.escape(facts.reason)),
        _("Asked by {name}, {when}").format(
            name=html.escape(facts.asked_name),
            when=dates.moment(facts.asked_at, zone, language, local_day(now, zone)),
        ),
    ]
    back = (Key(_("Back"), RunCompetition(facts.competition_id)),)
    if facts.settled:
        lines.append(
            _("Confirmed; everybody concerned is told.")
            if facts.confirmed
            else _("It was not confirmed; the rules stay.")
        )
        return Card("\n".join(lines), (back,))
    no = Key(_("Take it back") if own else _("Do not confirm"), SettleChange(facts.id, 0))
    if own:
        lines.append(_("It waits for another organiser."))
        return Card("\n".join(lines), ((no,), back))
    lines.append(_("When you confirm it, the rules are frozen anew and everybody is told."))
    yes = Key(_("Confirm it"), SettleChange(facts.id, 1), style="primary")
    return Card("\n".join(lines), ((yes, no), back))


def change_lines(facts: Request, language: str) -> list[str]:
    """What was and what is to be, for each thing that changes."""
    _ = catalog(language).gettext
    lines = []
    for what in What:
        columns = editing.columns_of(what)
        if not set(columns) & set(facts.after):
            continue
        before, after = (
            values_text.value_text(what, fields, language, units=facts.units, rubric=facts.rubric)
            for fields in (facts.before, facts.after)
        )
        lines += [
            _("<b>{what}</b>").format(what=values_text.label(what, language)),
            _("before: {value}").format(value=before),
            _("after: {value}").format(value=after),
        ]
    return lines


# -- taps and texts --------------------------------------------------------------------------------


async def edit_whole(update: Update, context: Context) -> None:
    """Show what can be changed of the whole."""
    competition_id = EditWhole.parse(tap(update).data).competition_id
    await _show_whole(update, context, await context.reader(update), competition_id)


async def _show_whole(
    update: Update, context: Context, reader: Reader, competition_id: int
) -> None:
    facts = await context.read(
        views.desk, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await show(update, context, reader, whole_card(facts, reader.language))


async def ask_value(update: Update, context: Context) -> None:
    """Ask for another value of one thing."""
    button = AskValue.parse(tap(update).data)
    reader = await context.reader(update)
    await _ask(update, context, reader, button.competition_id, button.round_id, _what(button.what))


async def _ask(
    update: Update,
    context: Context,
    reader: Reader,
    competition_id: int,
    round_id: int,
    what: What,
    trouble: str = "",
) -> None:
    now = context.now()
    facts, round_ = await context.write(_open, reader, competition_id, round_id, what, now=now)
    card = question_card(facts, round_, what, reader.language, context.house.zone, now, trouble)
    await show(update, context, reader, card)


async def give_value(update: Update, context: Context) -> None:
    """Take a key's value."""
    button = GiveValue.parse(tap(update).data)
    reader = await context.reader(update)
    what = _what(button.what)
    # A colon parts the fields of a button; inside a value it is a full stop.
    value = button.value.replace(".", ":") if what is What.AUDIENCE else button.value
    await _take(update, context, reader, button.competition_id, button.round_id, what, value)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the value that was asked for."""
    _awaited, competition, round_, name = reader.awaiting.split(":")
    competition_id, round_id, what = int(competition), int(round_), _what(name)
    now, zone = context.now(), context.house.zone
    try:
        await _take(update, context, reader, competition_id, round_id, what, text)
    except TROUBLES as refusal:
        trouble = values_text.trouble(refusal, reader.language, zone, now)
        await _ask(update, context, reader, competition_id, round_id, what, trouble)


async def _take(
    update: Update,
    context: Context,
    reader: Reader,
    competition_id: int,
    round_id: int,
    what: What,
    text: str,
) -> None:
    """Do it; of a published rule ask for the reason first."""
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    now = context.now()
    done = await context.write(_change, reader, competition_id, round_id, what, text, now=now)
    if done is None:
        card = reason_card(competition_id, round_id, what, reader.language)
        await show(update, context, reader, card)
        return
    context.house.wake_delivery()
    if done.told and update.callback_query is not None:
        await alert(
            update,
            ngettext(
                "Changed; {n} person is told.", "Changed; {n} people are told.", done.told
            ).format(n=done.told),
        )
    if what is What.AUDIENCE:
        await _ask(update, context, reader, competition_id, round_id, what)
    elif round_id:
        await running.show_round(update, context, reader, round_id)
    else:
        await _show_whole(update, context, reader, competition_id)


def reason_card(
    competition_id: int, round_id: int, what: What, language: str, trouble: str = ""
) -> Card:
    """Ask why a published rule is to change."""
    _ = catalog(language).gettext
    lines = [
        _("<b>{what}</b>").format(what=values_text.label(what, language)),
        *([trouble] if trouble else []),
        _(
            "This rule is published. Please type why it is to change; everybody concerned will "
            "read it once another organiser has confirmed it."
        ),
    ]
    back = AskValue(competition_id, round_id, what.value)
    return Card("\n".join(lines), ((Key(_("Back"), back),),))


async def reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Ask a second organiser for the change."""
    _ = catalog(reader.language).gettext
    kept = await context.read(_pending, reader)
    try:
        change_id = await context.write(_request, reader, text, now=context.now())
    except ReasonWrong:
        trouble = _("Please type a reason of at most 300 characters.")
        card = reason_card(
            kept["competition_id"],
            kept["round_id"],
            What(kept["what"]),
            reader.language,
            trouble,
        )
        await show(update, context, reader, card)
        return
    context.house.wake_delivery()
    if change_id is None:
        await running.show_desk(update, context, reader, kept["competition_id"])
    else:
        await _show_change(update, context, reader, change_id)


async def open_change(update: Update, context: Context) -> None:
    """Show a change that waits."""
    change_id = OpenChange.parse(tap(update).data).change_id
    await _show_change(update, context, await context.reader(update), change_id)


async def _show_change(update: Update, context: Context, reader: Reader, change_id: int) -> None:
    now = context.now()
    facts = await context.read(editing.request, reader.linked_teacher_id, change_id, now=now)
    own = facts.asked_by == reader.teacher_id
    card = request_card(facts, own, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def settle_change(update: Update, context: Context) -> None:
    """Confirm it, or not."""
    button = SettleChange.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        editing.settle,
        reader.linked_teacher_id,
        button.change_id,
        button.confirmed == 1,
        now=context.now(),
    )
    context.house.wake_delivery()
    await _show_change(update, context, reader, button.change_id)


async def edit_tracks(update: Update, context: Context) -> None:
    """Show the tracks."""
    button = EditTracks.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_tracks(update, context, reader, button.competition_id, button.page)


async def _show_tracks(
    update: Update, context: Context, reader: Reader, competition_id: int, page: int
) -> None:
    facts = await context.read(
        views.desk, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await show(update, context, reader, tracks_card(facts, page, reader.language))


async def ask_track(update: Update, context: Context) -> None:
    """Ask for tracks to add."""
    competition_id = AddTrack.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    awaited = f"{TRACK}:{competition_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _("Please type the tracks, a line each, such as\n<code>小学语文\n初中英语</code>")
    back = (Key(_("Back"), EditTracks(competition_id)),)
    await show(update, context, reader, Card(text, (back,)))


async def track_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Add the tracks that were typed."""
    competition_id = int(reader.awaiting.partition(":")[2])
    await context.write(
        _add_tracks, reader, competition_id, text, context.house.language, now=context.now()
    )
    await _show_tracks(update, context, reader, competition_id, 0)


async def drop_track(update: Update, context: Context) -> None:
    """Take a track out."""
    button = DropTrack.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        editing.drop_track,
        reader.linked_teacher_id,
        button.competition_id,
        button.track_id,
        now=context.now(),
    )
    await _show_tracks(update, context, reader, button.competition_id, button.page)


async def edit_rounds(update: Update, context: Context) -> None:
    """Show the rounds."""
    competition_id = EditRounds.parse(tap(update).data).competition_id
    await _show_rounds(update, context, await context.reader(update), competition_id)


async def _show_rounds(
    update: Update, context: Context, reader: Reader, competition_id: int
) -> None:
    now = context.now()
    facts = await context.read(views.desk, reader.linked_teacher_id, competition_id, now=now)
    kind = await context.read(views.owner_kind, competition_id)
    await show(update, context, reader, rounds_card(facts, kind, reader.language))


async def add_round(update: Update, context: Context) -> None:
    """Add a round."""
    button = AddRound.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        editing.add_round,
        reader.linked_teacher_id,
        button.competition_id,
        button.key,
        language=context.house.language,
        now=context.now(),
    )
    await _show_rounds(update, context, reader, button.competition_id)


async def drop_round(update: Update, context: Context) -> None:
    """Take a round out."""
    button = DropRound.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        editing.drop_round,
        reader.linked_teacher_id,
        button.competition_id,
        button.round_id,
        now=context.now(),
    )
    await _show_rounds(update, context, reader, button.competition_id)


def _what(name: str) -> What:
    try:
        return What(name)
    except ValueError:
        raise StaleButton from None


# -- in one transaction each -----------------------------------------------------------------------


def _open(
    session: Session,
    reader: Reader,
    competition_id: int,
    round_id: int,
    what: What,
    *,
    now: datetime,
) -> tuple[Desk, RoundDesk | None]:
    """Open the question of one thing; what is typed next answers it."""
    actor_id = reader.linked_teacher_id
    facts = views.desk(session, actor_id, competition_id, now=now)
    round_ = views.round_desk(session, actor_id, round_id, now=now) if round_id else None
    if what not in OF_ALL and (round_ is None or round_.competition_id != competition_id):
        raise NotFound("round")
    if what not in BY_KEY:
        awaited = f"{AWAITED}:{competition_id}:{round_id}:{what.value}"
        accounts.await_text(session, reader.account_id, awaited, now=now)
    return facts, None if what in OF_ALL else round_


def _change(
    session: Session,
    reader: Reader,
    competition_id: int,
    round_id: int,
    what: What,
    text: str,
    *,
    now: datetime,
) -> Changed | None:
    """Change it; None where it needs a reason first, for which is asked."""
    try:
        done = editing.change(
            session,
            reader.linked_teacher_id,
            competition_id,
            what,
            text,
            round_id=round_id,
            now=now,
        )
    except editing.NeedsSecond:
        data = {
            "competition_id": competition_id,
            "round_id": round_id,
            "what": what.value,
            "text": text,
        }
        drafts.keep(session, reader.account_id, REASON, data, now=now)
        accounts.await_text(session, reader.account_id, REASON, now=now)
        return None
    accounts.await_text(session, reader.account_id, "", now=now)
    return done


def _pending(session: Session, reader: Reader) -> dict[str, Any]:
    kept = drafts.read(session, reader.account_id, REASON)
    if kept is None:
        raise NotFound("draft")
    return kept


def _request(session: Session, reader: Reader, reason: str, *, now: datetime) -> int | None:
    kept = _pending(session, reader)
    change_id = editing.ask(
        session,
        reader.linked_teacher_id,
        kept["competition_id"],
        What(kept["what"]),
        kept["text"],
        reason,
        round_id=kept["round_id"],
        now=now,
    )
    drafts.drop(session, reader.account_id, REASON)
    accounts.await_text(session, reader.account_id, "", now=now)
    return change_id


def _add_tracks(
    session: Session,
    reader: Reader,
    competition_id: int,
    text: str,
    language: str,
    *,
    now: datetime,
) -> None:
    accounts.await_text(session, reader.account_id, "", now=now)
    for line in values.lines_of(text):
        editing.add_track(
            session,
            reader.linked_teacher_id,
            competition_id,
            line,
            language=language,
            now=now,
        )
