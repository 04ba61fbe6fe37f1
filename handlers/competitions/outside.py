"""External rounds for their organisers: nominees, the list that goes up, what comes back."""

from __future__ import annotations

import asyncio
import html
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.deciding_buttons import (
    ChooseNominee,
    CompetitionLists,
    DropNominee,
    NoAward,
    Nominate,
    OpenAfter,
    OpenOutside,
    OutcomeOf,
    OutsideSheet,
    PushList,
)
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.files import Dropped, on_table
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import LANGUAGES, catalog, dates
from storage import sheets
from storage.competitions import awarding, outside
from storage.competitions.outside import Outside
from storage.competitions.tables import CompetitionState, RoundState
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.sheets import Book

AWAITED = "kdout"
PAGE = 8
LABEL = 40
SHOWN = 5


def install(application: AnyApplication) -> None:
    on_tap(application, OpenOutside, open_outside)
    on_tap(application, ChooseNominee, choose)
    on_tap(application, Nominate, nominate)
    on_tap(application, DropNominee, drop)
    on_tap(application, OutsideSheet, send_sheet)
    on_tap(application, PushList, push)
    on_tap(application, OutcomeOf, ask_outcome)
    on_tap(application, NoAward, no_award)
    on_text(application, AWAITED, outcome_given)
    on_table(application, fits, sheet_dropped)


# --- cards ----------------------------------------------------------------------------------------


def outside_card(
    facts: Outside,
    page: int,
    language: str,
    zone: ZoneInfo,
    now: datetime,
    *,
    asks: bool = False,
) -> Card:
    """Who is nominated into an external round, and what comes next."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    id_ = facts.round_id
    lines = [f"<b>{html.escape(facts.title)} · {html.escape(facts.round_name)}</b>"]
    if facts.due_at is not None and (facts.sent_at is None or facts.unsent):
        lines.append(
            _("The list goes up {before}.").format(
                before=dates.before(facts.due_at, zone, language, today)
            )
        )
    if facts.quota is not None:
        lines.append(
            ngettext("{n} place in each track.", "{n} places in each track.", facts.quota).format(
                n=facts.quota
            )
        )
    if facts.sent_at is not None:
        lines.append(
            _("Sent up {when}.").format(when=dates.moment(facts.sent_at, zone, language, today))
        )
    if not facts.nominees:
        lines.append(_("Nobody is nominated yet."))
    pages = max(1, -(-len(facts.nominees) // PAGE))
    page = min(max(0, page), pages - 1)
    states = words.round_states(language)
    row: list[Key] = []
    is_on = facts.state in (CompetitionState.PUBLISHED, CompetitionState.FINISHED)
    for n, each in enumerate(facts.nominees[page * PAGE : (page + 1) * PAGE], 1 + page * PAGE):
        state = states[each.state] if each.state is not None else ""
        lines.append(
            _("{n}. {track}: {name} ({school}), {state}").format(
                n=n,
                track=html.escape(each.track),
                name=html.escape(each.name),
                school=html.escape(each.school),
                state=html.escape(each.award) or state,
            )
        )
        if each.place_id is None or not is_on:
            continue
        if each.state is RoundState.NOMINATED:
            row.append(Key(_("{n} Withdraw").format(n=n), DropNominee(id_, each.place_id)))
        else:
            row.append(Key(_("{n} Outcome").format(n=n), OutcomeOf(each.place_id)))
    keys: list[tuple[Key, ...]] = [tuple(row[n : n + 2]) for n in range(0, len(row), 2)]
    turn = pager(page, pages, lambda other: OpenOutside(id_, other))
    keys += [turn] if turn else []
    if facts.state is CompetitionState.PUBLISHED and facts.others:
        keys.append((Key(_("Nominate"), ChooseNominee(id_)),))
    if facts.nominees:
        keys.append((Key(_("List as a table"), OutsideSheet(id_)),))
    if facts.unsent and is_on:
        if asks:
            lines.append(
                ngettext(
                    "Has the list with {n} entry been sent up? Those on it are told.",
                    "Has the list with {n} entries been sent up? Those on it are told.",
                    facts.unsent,
                ).format(n=facts.unsent)
            )
        label = _("Yes, it is sent") if asks else _("Sent up")
        keys.append((Key(label, PushList(id_, int(asks)), style="primary"),))
    if facts.open_outcomes:
        lines.append(
            _(
                "What came back can be entered one by one, or by filling in the last column of "
                "the table and sending it to me."
            )
        )
    return Card(
        "\n".join(lines), (*keys, (Key(_("Back"), CompetitionLists(facts.competition_id)),))
    )


def choose_card(facts: Outside, page: int, language: str) -> Card:
    """Who could be nominated yet."""
    _ = catalog(language).gettext
    lines = [_("Who is nominated? Never more than there are places.")]
    if not facts.others:
        lines = [_("There is nobody else who could be nominated.")]
    pages = max(1, -(-len(facts.others) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    for each in facts.others[page * PAGE : (page + 1) * PAGE]:
        label = _("{name} {award} · {track}").format(
            name=each.name, award=each.before, track=each.track
        )
        keys.append((Key(shortened(label, LABEL), Nominate(facts.round_id, each.entry_id)),))
    turn = pager(page, pages, lambda other: ChooseNominee(facts.round_id, other))
    keys += [turn] if turn else []
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenOutside(facts.round_id)),)))


# --- the sheet ------------------------------------------------------------------------------------


def headers(language: str) -> dict[str, str]:
    """The columns of the list, by field."""
    _ = catalog(language).gettext
    return {
        "entry": _("Entry no."),
        "track": _("Track"),
        "name": _("Name"),
        "school": _("School"),
        "title": _("Title of the work"),
        "before": _("Award so far"),
        "outcome": _("Outcome above"),
    }


def _fields() -> dict[str, list[str]]:
    every = [headers(language) for language in LANGUAGES]
    return {field: [each[field] for each in every] for field in every[0]}


def fits(book: Book) -> bool:
    """Whether this is a list of an external round."""
    return sheets.find_table(book, _fields(), ("entry", "outcome")) is not None


def sheet(facts: Outside, language: str) -> bytes:
    """The list as a table, with an empty column for what comes back."""
    head = headers(language)
    rows = [list(head.values())]
    rows += [
        [
            outside.entry_number(each.entry_id, facts.round_id),
            each.track,
            each.name,
            each.school,
            each.title,
            each.before,
            each.award,
        ]
        for each in facts.nominees
    ]
    return sheets.write([(facts.round_name, rows)])


# --- taps -----------------------------------------------------------------------------------------


async def open_outside(update: Update, context: Context) -> None:
    """Show an external round."""
    button = OpenOutside.parse(tap(update).data)
    await _show(update, context, await context.reader(update), button.round_id, button.page)


async def _show(
    update: Update,
    context: Context,
    reader: Reader,
    round_id: int,
    page: int = 0,
    *,
    asks: bool = False,
) -> None:
    now = context.now()
    facts = await context.read(outside.outside, reader.linked_teacher_id, round_id, now=now)
    card = outside_card(facts, page, reader.language, context.house.zone, now, asks=asks)
    await show(update, context, reader, card)


async def choose(update: Update, context: Context) -> None:
    """Show who could be nominated."""
    button = ChooseNominee.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        outside.outside, reader.linked_teacher_id, button.round_id, now=context.now()
    )
    await show(update, context, reader, choose_card(facts, button.page, reader.language))


async def nominate(update: Update, context: Context) -> None:
    """Nominate somebody."""
    button = Nominate.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        outside.nominate,
        reader.linked_teacher_id,
        button.round_id,
        button.entry_id,
        now=context.now(),
    )
    context.house.wake_delivery()
    await alert(update, _("Nominated, and told in private."))
    await _show(update, context, reader, button.round_id)


async def drop(update: Update, context: Context) -> None:
    """Nominate somebody no longer."""
    button = DropNominee.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        outside.withdraw, reader.linked_teacher_id, button.place_id, now=context.now()
    )
    await _show(update, context, reader, button.round_id)


async def send_sheet(update: Update, context: Context) -> None:
    """Send the list as a table."""
    round_id = OutsideSheet.parse(tap(update).data).round_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.write(
        outside.export, reader.linked_teacher_id, round_id, now=context.now()
    )
    content = await asyncio.to_thread(sheet, facts, reader.language)
    name = _("{title} {round}").format(title=facts.title, round=facts.round_name) + ".xlsx"
    caption = _("The list of {round}. The last column is for what comes back.").format(
        round=html.escape(facts.round_name)
    )
    await send_file(update, context, reader, content, name, caption)


async def push(update: Update, context: Context) -> None:
    """Ask once, then note that the list has gone up."""
    button = PushList.parse(tap(update).data)
    reader = await context.reader(update)
    if not button.sure:
        await _show(update, context, reader, button.round_id, asks=True)
        return
    catalogue = catalog(reader.language)
    done = await context.write(
        outside.push, reader.linked_teacher_id, button.round_id, now=context.now()
    )
    context.house.wake_delivery()
    await alert(
        update,
        catalogue.ngettext("{n} entry is sent up.", "{n} entries are sent up.", done).format(
            n=done
        ),
    )
    await _show(update, context, reader, button.round_id)


async def ask_outcome(update: Update, context: Context) -> None:
    """Ask for the award."""
    place_id = OutcomeOf.parse(tap(update).data).place_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    round_id = await context.read(awarding.round_of, place_id)
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED}:{place_id}", now=context.now()
    )
    text = _("Please type the award that came back, such as {example}.").format(example="市一等奖")
    keys = (
        (Key(_("Without an award"), NoAward(place_id)),),
        (Key(_("Cancel"), OpenOutside(round_id)),),
    )
    await show(update, context, reader, Card(text, keys))


async def no_award(update: Update, context: Context) -> None:
    """It came back without an award."""
    place_id = NoAward.parse(tap(update).data).place_id
    await _record(update, context, await context.reader(update), place_id, "")


async def outcome_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the award."""
    place_id = int(reader.awaiting.partition(":")[2])
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await _record(update, context, reader, place_id, text)


async def _record(
    update: Update, context: Context, reader: Reader, place_id: int, award: str
) -> None:
    await context.write(
        outside.came_back, reader.linked_teacher_id, place_id, award, now=context.now()
    )
    context.house.wake_delivery()
    round_id = await context.read(awarding.round_of, place_id)
    await _show(update, context, reader, round_id)


async def sheet_dropped(update: Update, context: Context, reader: Reader, dropped: Dropped) -> None:
    """Record what came back from a filled-in list."""
    table = sheets.find_table(dropped.book, _fields(), ("entry", "outcome"))
    assert table is not None, "it was looked at before"
    given = {
        line.values.get("entry", ""): line.values.get("outcome", "")
        for line in table.lines
        if line.values.get("entry")
    }
    done = await context.write(
        outside.record_all, reader.linked_teacher_id, given, now=context.now()
    )
    context.house.wake_delivery()
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        ngettext("{n} outcome is recorded.", "{n} outcomes are recorded.", done.recorded).format(
            n=done.recorded
        )
    ]
    if done.unknown:
        lines.append(
            _("These numbers are not on a list that was sent: {numbers}").format(
                numbers=html.escape(", ".join(done.unknown[:SHOWN]))
            )
        )
    back = OpenOutside(done.rounds[0]) if done.rounds else OpenAfter()
    await show(update, context, reader, Card("\n".join(lines), ((Key(_("Back"), back),),)))
