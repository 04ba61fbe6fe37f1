"""After the judging: what waits, the list of a venue, deciding it, forwarding who goes on."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.buttons import OpenVenue
from handlers.competitions.deciding_buttons import (
    ChooseToPassOver,
    CompetitionLists,
    ConfirmPassOver,
    DecideList,
    ForwardAll,
    OpenAfter,
    OpenList,
    OpenLists,
    OpenObjection,
    OpenOutside,
    OpenProposals,
    OpenReport,
    PassOver,
)
from handlers.competitions.venue import on_venue
from handlers.context import Context, alert, shortened, show, tap
from handlers.people.buttons import Home, OpenDesk
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_tap, on_text
from locales import catalog, dates, numbers
from storage.competitions import deciding, forwarding, lists_waiting
from storage.competitions.deciding import Line, Listing
from storage.competitions.lists_waiting import Item, OfCompetition, Overview
from storage.competitions.tables import RoundState, VenueState
from storage.competitions.values import BEST, CRITERION, LOT, MEDIAN
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound

AWAITED = "kdwhy"
PASSED_OVER = "passed_over"
LONGEST_REASON = 500
PAGE = 8
LABEL = 40
MARKS = {RoundState.ADVANCED: "✅", RoundState.RESERVE: "🟡"}


def install(application: AnyApplication) -> None:
    on_desk(application, {Act.RUN_COMPETITION}, _desk_label, OpenAfter, lists_waiting.KINDS)
    with_marks = (VenueState.REVEALED, VenueState.DECIDED, VenueState.CONFIRMED)
    on_venue(application, _label, OpenList, with_marks)
    on_tap(application, OpenAfter, open_after)
    on_tap(application, CompetitionLists, open_competition)
    on_tap(application, OpenList, open_list)
    on_tap(application, DecideList, decide)
    on_tap(application, ForwardAll, forward)
    on_tap(application, ChooseToPassOver, choose)
    on_tap(application, PassOver, ask_why)
    on_text(application, AWAITED, reason_typed)
    on_tap(application, ConfirmPassOver, pass_over)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Lists and awards")


def _desk_label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Venues and lists")


# --- cards ----------------------------------------------------------------------------------------


def item_text(item: Item, language: str) -> str:
    """What waits, in words. HTML."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    n = item.count
    what = {
        lists_waiting.ARRANGE: _("a venue to arrange"),
        lists_waiting.REVEAL: _("all marks are in, to be revealed"),
        lists_waiting.DECIDE: _("a list to decide"),
        lists_waiting.FORWARD: ngettext("{n} entry to forward", "{n} entries to forward", n).format(
            n=n
        ),
        lists_waiting.SHOW: _("a list to put on public display"),
        lists_waiting.CONFIRM: _("a result to confirm"),
        lists_waiting.OBJECTION: _("an objection to answer"),
        lists_waiting.PUSH: ngettext("{n} entry to send up", "{n} entries to send up", n).format(
            n=n
        ),
        lists_waiting.OUTCOMES: ngettext("{n} outcome to enter", "{n} outcomes to enter", n).format(
            n=n
        ),
        lists_waiting.TIERS: ngettext(
            "{n} proposal for a tier", "{n} proposals for a tier", n
        ).format(n=n),
    }[item.kind]
    if not item.title:
        return what
    beside = html.escape(" · ".join((item.title, *item.beside)))
    return _("{what}: {where}").format(what=what, where=beside)


def way(item: Item) -> Button:
    """Where it is done."""
    match item.kind:
        case lists_waiting.ARRANGE | lists_waiting.REVEAL:
            return OpenVenue(item.subject_id)
        case lists_waiting.DECIDE | lists_waiting.FORWARD:
            return OpenList(item.subject_id)
        case lists_waiting.SHOW | lists_waiting.CONFIRM:
            return OpenLists(item.subject_id)
        case lists_waiting.OBJECTION:
            return OpenObjection(item.subject_id)
        case lists_waiting.PUSH | lists_waiting.OUTCOMES:
            return OpenOutside(item.subject_id)
        case _:
            return OpenProposals()


def after_card(facts: Overview, page: int, language: str) -> Card:
    """What waits after the judging, and the way to every competition's lists."""
    _ = catalog(language).gettext
    lines = [_("<b>Venues and lists</b>")]
    pages = max(1, -(-len(facts.items) // PAGE))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    if not facts.items:
        lines.append(_("Nothing waits for you here at the moment."))
    row: list[Key] = []
    for number, item in enumerate(facts.items[page * PAGE : (page + 1) * PAGE], 1 + page * PAGE):
        lines.append(
            _("{n}. {text}").format(n=number, text=shortened(item_text(item, language), 200))
        )
        row.append(Key(str(number), way(item)))
    keys += [tuple(row[n : n + 4]) for n in range(0, len(row), 4)]
    turn = pager(page, pages, OpenAfter)
    keys += [turn] if turn else []
    keys += [
        (Key(shortened(title, LABEL), CompetitionLists(id_)),) for id_, title in facts.competitions
    ]
    back = OpenDesk() if facts.has_desk else Home()
    return Card("\n".join(lines), (*keys, (Key(_("Back"), back),)))


def competition_card(facts: OfCompetition, language: str) -> Card:
    """The rounds of a competition, each the way to its lists."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [f"<b>{html.escape(facts.title)}</b>", _("Lists of each round, and the report.")]
    keys: list[tuple[Key, ...]] = []
    for each in facts.rounds:
        entries = ngettext("{n} entry", "{n} entries", each.entries).format(n=each.entries)
        lines.append(_("· {name}: {entries}").format(name=html.escape(each.name), entries=entries))
        press = OpenOutside(each.round_id) if each.external else OpenLists(each.round_id)
        keys.append((Key(shortened(each.name, LABEL), press),))
    keys.append((Key(_("Year's report"), OpenReport(facts.competition_id)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenAfter()),)))


def tie_name(tie: str, criteria: dict[str, str], language: str) -> str:
    """What told an entry from its equals."""
    _ = catalog(language).gettext
    known = {MEDIAN: _("median of the totals"), BEST: _("highest total"), LOT: _("lot")}
    return known.get(tie) or criteria.get(tie.removeprefix(CRITERION), tie)


def list_card(
    facts: Listing, page: int, language: str, zone: ZoneInfo, now: datetime, *, asks: bool = False
) -> Card:
    """The list of a venue: as it would be, or as it was decided."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    head = " · ".join((facts.round_name, facts.unit, facts.track))
    lines = [f"<b>{html.escape(facts.title)}</b>", html.escape(head)]
    keys: list[tuple[Key, ...]] = []
    id_ = facts.venue_id
    back = (Key(_("The venue"), OpenVenue(id_)), Key(_("Back"), OpenAfter()))
    if not facts.is_signed:
        lines.append(
            _("The scores are not all in and signed yet. The list follows from them by the rules.")
        )
        return Card("\n".join(lines), (back,))
    is_open = facts.state is VenueState.REVEALED
    lines.append(
        _("This list follows from the signed scores by the frozen rules.")
        if is_open
        else _("Decided {when}.").format(
            when=dates.moment(facts.decided_at, zone, language, today)
            if facts.decided_at is not None
            else "—"
        )
    )
    if facts.next_round:
        if facts.places is None:
            lines.append(
                _("To {round}: without a limit").format(round=html.escape(facts.next_round))
            )
        else:
            lines.append(
                ngettext("To {round}: {n} place", "To {round}: {n} places", facts.places).format(
                    round=html.escape(facts.next_round), n=facts.places
                )
            )
    if facts.awards:
        each_award = numbers.joined(
            [
                _("{award} {n}").format(award=html.escape(award), n=number)
                for award, number in facts.awards
            ],
            language,
        )
        lines.append(_("By their shares there are here: {awards}.").format(awards=each_award))
    pages = max(1, -(-len(facts.lines) // PAGE))
    page = min(max(0, page), pages - 1)
    lines += [
        _line_text(line, facts, language) for line in facts.lines[page * PAGE : (page + 1) * PAGE]
    ]
    if not facts.lines:
        lines.append(_("There is no entry here."))
    turn = pager(page, pages, lambda other: OpenList(id_, other))
    keys += [turn] if turn else []
    if is_open and facts.is_on:
        if asks:
            lines.append(
                _(
                    "Let this list stand? For ten minutes you can take it back; then each "
                    "entrant is told in private."
                )
            )
            keys.append((Key(_("Let it stand"), DecideList(id_, facts.mark, 1), style="primary"),))
        else:
            keys.append((Key(_("Decide"), DecideList(id_, facts.mark), style="primary"),))
    if facts.deed_id is not None:
        lines.append(_("Nobody has been told yet. You can still take it back."))
        keys.append((undo_key(facts.deed_id, language),))
    keys += _forward_keys(facts, lines, language, zone, now)
    return Card("\n".join(lines), (*keys, back))


def _line_text(line: Line, facts: Listing, language: str) -> str:
    """An entry on the list: rank, number, name, school, score, what becomes of it."""
    _ = catalog(language).gettext
    state = words.round_states(language)[line.state]
    if line.forwarded and line.state is RoundState.ADVANCED:
        state = _("recommended upward")
    if line.state is RoundState.OUT and not facts.next_round:
        state = _("no award")
    parts = [state]
    if line.award:
        award = html.escape(line.award)
        parts = [award] if line.state is RoundState.AWARDED else [award, state]
    said = numbers.joined(dict.fromkeys(parts), language)
    name = html.escape(line.name)
    text = (
        _("{mark} {rank}. {name} ({school}) {score}: {state}")
        if line.rank is not None and line.score is not None
        else _("– {name} ({school}): {state}")
    ).format(
        mark=MARKS.get(line.state, "·"),
        rank=line.rank,
        name=name,
        school=html.escape(line.school),
        score=f"{line.score:g}" if line.score is not None else "",
        state=said,
    )
    if line.tie:
        text += "\n" + _("   equal score, told apart by: {tie}").format(
            tie=html.escape(tie_name(line.tie, facts.criteria, language))
        )
    return text


def waiting(facts: Listing) -> list[Line]:
    """The entries that go on and have not been forwarded."""
    return [
        line for line in facts.lines if line.state is RoundState.ADVANCED and not line.forwarded
    ]


def _forward_keys(
    facts: Listing, lines: list[str], language: str, zone: ZoneInfo, now: datetime
) -> list[tuple[Key, ...]]:
    """Forward, or pass over, while there is time."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    due = facts.forward_due_at
    number = len(waiting(facts))
    if facts.state not in deciding.OVER or not number or due is None or not facts.is_on:
        return []
    when = dates.before(due, zone, language, local_day(now, zone))
    if now >= due:
        return []
    lines.append(
        ngettext(
            "{n} entry waits to be forwarded, {when}.",
            "{n} entries wait to be forwarded, {when}.",
            number,
        ).format(n=number, when=when)
    )
    if facts.state is not VenueState.CONFIRMED:
        return []
    label = _("Forward {n}").format(n=number)
    return [
        (
            Key(label, ForwardAll(facts.venue_id), style="primary"),
            Key(_("Not forward one"), ChooseToPassOver(facts.venue_id)),
        )
    ]


def choose_card(facts: Listing, language: str) -> Card:
    """Which entry is not forwarded."""
    _ = catalog(language).gettext
    lines = [
        _("Which entry is not forwarded? The first reserve moves up in its place."),
    ]
    keys = [
        (
            Key(
                shortened(_("{name} ({school})").format(name=line.name, school=line.school), LABEL),
                PassOver(line.place_id),
            ),
        )
        for line in facts.lines
        if line.state is RoundState.ADVANCED and not line.forwarded
    ]
    if not keys:
        lines = [_("No entry waits to be forwarded.")]
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenList(facts.venue_id)),)))


# --- taps -----------------------------------------------------------------------------------------


async def open_after(update: Update, context: Context) -> None:
    """Show what waits."""
    page = OpenAfter.parse(tap(update).data).page
    await show_after(update, context, await context.reader(update), page)


async def show_after(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    """The same."""
    facts = await context.read(lists_waiting.overview, reader.linked_teacher_id, now=context.now())
    await show(update, context, reader, after_card(facts, page, reader.language))


async def open_competition(update: Update, context: Context) -> None:
    """Show the rounds of a competition."""
    button = CompetitionLists.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        lists_waiting.of_competition,
        reader.linked_teacher_id,
        button.competition_id,
        now=context.now(),
    )
    await show(update, context, reader, competition_card(facts, reader.language))


async def open_list(update: Update, context: Context) -> None:
    """Show the list of a venue."""
    button = OpenList.parse(tap(update).data)
    await show_list(update, context, await context.reader(update), button.venue_id, button.page)


async def show_list(
    update: Update,
    context: Context,
    reader: Reader,
    venue_id: int,
    page: int = 0,
    *,
    asks: bool = False,
) -> None:
    """The same."""
    now = context.now()
    facts = await context.read(deciding.listing, reader.linked_teacher_id, venue_id, now=now)
    card = list_card(facts, page, reader.language, context.house.zone, now, asks=asks)
    await show(update, context, reader, card)


async def decide(update: Update, context: Context) -> None:
    """Ask once, then let the list stand."""
    button = DecideList.parse(tap(update).data)
    reader = await context.reader(update)
    if not button.sure:
        await show_list(update, context, reader, button.venue_id, asks=True)
        return
    _ = catalog(reader.language).gettext
    done = await context.write(
        deciding.decide,
        reader.linked_teacher_id,
        button.venue_id,
        button.mark,
        now=context.now(),
    )
    context.house.wake_delivery()
    await alert(
        update,
        _("The list stands. Entrants are told in ten minutes, each in private.")
        if done.is_new
        else _("The list was decided already."),
    )
    await show_list(update, context, reader, button.venue_id)


async def forward(update: Update, context: Context) -> None:
    """Forward all that wait at a venue, after a question: it cannot be taken back."""
    button = ForwardAll.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not button.sure:
        facts = await context.read(
            deciding.listing, reader.linked_teacher_id, button.venue_id, now=context.now()
        )
        number = len(waiting(facts))
        if number:
            text = ngettext(
                "Forward {n} entry to {round}? Those who made it are told, and it cannot be "
                "taken back.",
                "Forward {n} entries to {round}? Those who made them are told, and it cannot be "
                "taken back.",
                number,
            ).format(n=number, round=html.escape(facts.next_round))
            yes = Key(_("Yes, forward"), ForwardAll(button.venue_id, 1), style="primary")
            back = Key(_("Back"), OpenList(button.venue_id))
            await show(update, context, reader, Card(text, ((yes,), (back,))))
            return
    done = await context.write(
        forwarding.forward, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    context.house.wake_delivery()
    await alert(
        update,
        ngettext(
            "{n} entry is forwarded to {round}.",
            "{n} entries are forwarded to {round}.",
            done.number,
        ).format(n=done.number, round=done.next_round),
    )
    await show_list(update, context, reader, button.venue_id)


async def choose(update: Update, context: Context) -> None:
    """Show who could be passed over."""
    venue_id = ChooseToPassOver.parse(tap(update).data).venue_id
    reader = await context.reader(update)
    facts = await context.read(
        deciding.listing, reader.linked_teacher_id, venue_id, now=context.now()
    )
    await show(update, context, reader, choose_card(facts, reader.language))


async def ask_why(update: Update, context: Context) -> None:
    """Ask for the reason."""
    place_id = PassOver.parse(tap(update).data).place_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED}:{place_id}", now=context.now()
    )
    text = _("Please type why this entry is not forwarded. Only those who decide can read it.")
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), OpenAfter()),),)))


async def reason_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Say what would follow, and ask once more: it cannot be taken back."""
    place_id = int(reader.awaiting.partition(":")[2])
    _ = catalog(reader.language).gettext
    name, reserve = await context.read(
        forwarding.would_pass_over, reader.linked_teacher_id, place_id, now=context.now()
    )
    reason = text.strip()[:LONGEST_REASON]

    def keep(session: Session) -> None:
        data = {"place_id": place_id, "reason": reason}
        drafts.keep(session, reader.account_id, PASSED_OVER, data, now=context.now())
        accounts.await_text(session, reader.account_id, "", now=context.now())

    await context.write(keep)
    lines = [
        _("<b>{name}</b> is not forwarded. Reason: {reason}").format(
            name=html.escape(name), reason=html.escape(reason)
        ),
        _("{name}, the first reserve, moves up.").format(name=html.escape(reserve))
        if reserve
        else _("There is no reserve that could move up."),
        _("They are told in private, and it cannot be taken back."),
    ]
    yes = Key(_("Yes, not forward"), ConfirmPassOver(place_id), style="danger")
    await show(
        update, context, reader, Card("\n".join(lines), ((yes,), (Key(_("Cancel"), OpenAfter()),)))
    )


async def pass_over(update: Update, context: Context) -> None:
    """Do not forward the entry, and let a reserve move up; a second tap finds it done."""
    place_id = ConfirmPassOver.parse(tap(update).data).place_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext

    def change(session: Session) -> int | None:
        data = drafts.read(session, reader.account_id, PASSED_OVER, lock=True)
        if data is None or data["place_id"] != place_id:
            raise NotFound("draft")
        return forwarding.pass_over(
            session, reader.linked_teacher_id, place_id, data["reason"], now=context.now()
        )

    moved = await context.write(change)
    context.house.wake_delivery()
    said = (
        _("Noted. The first reserve has moved up and is told in private.")
        if moved is not None
        else _("Noted. There is no reserve that could move up.")
    )
    await show(update, context, reader, Card(said, ((Key(_("Back"), OpenAfter()),),)))
