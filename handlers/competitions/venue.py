"""The desk of a venue: what waits next there, from the draw to the signed scores."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.competitions import words
from handlers.competitions.buttons import OpenJudging, OpenRound, OpenVenue
from handlers.competitions.judging_buttons import (
    BeginJudging,
    ChaseBallots,
    CloseEarly,
    DrawOrder,
    OpenPanel,
    OpenPaper,
    OpenScores,
    OpenTurns,
    RevealMarks,
    ShowProof,
    SignScores,
)
from handlers.competitions.judging_text import missing_lines
from handlers.context import Context, alert, show, tap, typed_text
from handlers.people.buttons import Home
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.competitions import (
    ballots,
    chasing,
    drawing,
    panels,
    revealing,
    rights,
    seating,
    signing,
    timetable,
    venue_desk,
)
from storage.competitions.drawing import Proof
from storage.competitions.signing import Scores
from storage.competitions.tables import JudgeState, VenueState
from storage.competitions.venue_desk import VenueDesk
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader

AWAITED = "kgclose"
PAGE = 12
LOTS = 20
SHORT = 12  # characters of a hash that are enough to compare by eye


@dataclass(frozen=True)
class Door:
    """A key on the desk of a venue that another room has put there."""

    label: Callable[[str], str]
    press: Callable[[int], Button]
    states: frozenset[VenueState]


def on_venue(
    application: AnyApplication,
    label: Callable[[str], str],
    press: Callable[[int], Button],
    states: Sequence[VenueState],
) -> None:
    """Put a key on the desk of every venue that is in one of these states."""
    doors: list[Door] = application.bot_data.setdefault("venue", [])
    doors.append(Door(label, press, frozenset(states)))


def install(application: AnyApplication) -> None:
    on_tap(application, OpenVenue, open_venue)
    on_tap(application, DrawOrder, draw_order)
    on_tap(application, ShowProof, show_proof)
    on_tap(application, BeginJudging, begin_judging)
    on_tap(application, ChaseBallots, chase)
    on_tap(application, RevealMarks, reveal)
    on_tap(application, CloseEarly, ask_why)
    on_text(application, AWAITED, close_early)
    on_tap(application, OpenScores, open_scores)
    on_tap(application, SignScores, sign)


# --- cards ----------------------------------------------------------------------------------------


def heading(competition: str, *beside: str) -> str:
    """The competition in bold, and under it the round, track and unit."""
    below = " · ".join(html.escape(part) for part in beside if part)
    return f"<b>{html.escape(competition)}</b>" + (f"\n{below}" if below else "")


def venue_card(
    facts: VenueDesk,
    language: str,
    zone: ZoneInfo,
    today: date,
    doors: Sequence[Door] = (),
    said: str = "",
) -> Card:
    """How far the venue is, what waits next, and the keys for it."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    id_ = facts.venue_id
    lines = [said, ""] if said else []
    lines.append(heading(facts.competition, facts.round, facts.track, facts.unit))
    if not facts.is_on:
        lines.append(
            _("The competition: {state}").format(
                state=words.competition_states(language)[facts.competition_state]
            )
        )
    lines.append(_("The venue: {state}").format(state=words.venue_states(language)[facts.state]))
    entries = ngettext("{n} entry", "{n} entries", facts.entries).format(n=facts.entries)
    if facts.absent:
        entries = _("{entries}, of which {n} did not take part").format(
            entries=entries, n=facts.absent
        )
    lines.append(entries)
    if facts.incomplete:
        lines.append(
            ngettext(
                "⚠ {n} entry lacks something that has to be handed in.",
                "⚠ {n} entries lack something that has to be handed in.",
                facts.incomplete,
            ).format(n=facts.incomplete)
        )
    if facts.first_at is not None and facts.last_at is not None:
        when = (
            dates.moment(facts.first_at, zone, language, today)
            if facts.first_at == facts.last_at
            else dates.span(facts.first_at, facts.last_at, zone, language, today)
        )
        lines.append(_("Turns: {when}").format(when=when))
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    accepted = facts.judges.get(JudgeState.ACCEPTED, 0)
    asked = facts.judges.get(JudgeState.INVITED, 0)
    judges = _("Judges: {there} of {needed}").format(there=accepted, needed=facts.judges_needed)
    if asked:
        judges = _("{judges}, {n} asked").format(judges=judges, n=asked)
    lines.append(judges)
    if facts.wanted:
        lines.append(
            _("Ballots in: {received} of {wanted}").format(
                received=facts.received, wanted=facts.wanted
            )
        )
    lines += missing_lines(facts.missing, facts.lacking, language)
    if facts.is_signed:
        lines.append(_("The chief judge has signed."))
    lines += ["", _next_text(facts, language, zone, today)]

    rows: list[tuple[Key, ...]] = []
    if facts.is_on:
        rows += _next_keys(facts, language)
    panel = Key(_("Judges"), OpenPanel(id_), style="primary" if _lacks_judges(facts) else None)
    if facts.state is VenueState.OPEN:
        rows.append((panel,))
    else:
        rows.append((Key(_("Order of turns"), OpenTurns(id_)), panel))
    if facts.is_on and facts.state is VenueState.JUDGING:
        rows.append((Key(_("Paper ballots"), OpenPaper(id_)),))
    rows.append((Key(_("How to check"), ShowProof(id_)),))
    if facts.is_on:
        is_next = facts.state is VenueState.REVEALED and facts.is_signed
        rows += [
            (Key(door.label(language), door.press(id_), style="primary" if is_next else None),)
            for door in doors
            if facts.state in door.states
        ]
    rows.append((Key(_("Back"), OpenRound(facts.round_id)),))
    return Card("\n".join(lines), tuple(rows))


def _next_text(facts: VenueDesk, language: str, zone: ZoneInfo, today: date) -> str:
    """What waits next, in a sentence."""
    _ = catalog(language).gettext
    accepted = facts.judges.get(JudgeState.ACCEPTED, 0)
    if not facts.is_on:
        return _("Nothing is left to do here.")
    match facts.state:
        case VenueState.OPEN if facts.entries_until is not None:
            return _("Next: the draw, once entries have closed ({until}).").format(
                until=dates.moment(facts.entries_until, zone, language, today)
            )
        case VenueState.OPEN if not facts.entries:
            return _("There are no entries here yet.")
        case VenueState.OPEN:
            return _("Next: draw the order.")
        case VenueState.DRAWN if facts.undrawn:
            return _("Next: draw for those who came later ({n}).").format(n=facts.undrawn)
        case VenueState.DRAWN if accepted < facts.judges_needed:
            return _("Next: find the judges.")
        case VenueState.DRAWN if facts.chief is None:
            return _("Next: say who leads the panel.")
        case VenueState.DRAWN if facts.without_turn:
            return _("Next: the timetable; judging can begin without one, too.")
        case VenueState.DRAWN:
            return _("Next: let the judges begin.")
        case VenueState.JUDGING if facts.received < facts.wanted:
            return _("Next: the missing ballots. Nobody sees a mark before all are in.")
        case VenueState.JUDGING if facts.lacking:
            return _(
                "Next: ask another judge, or the chief judge closes early with a reason. "
                "Until then the marks cannot be revealed."
            )
        case VenueState.JUDGING:
            return _("Next: all ballots are in; the marks can be revealed.")
        case VenueState.REVEALED if not facts.is_signed:
            return _("Next: the chief judge signs the scores.")
        case VenueState.REVEALED:
            return _("Next: decide on the list.")
        case VenueState.DECIDED:
            return _("The list is decided.")
        case _:
            return _("The result stands.")


def _next_keys(facts: VenueDesk, language: str) -> list[tuple[Key, ...]]:
    _ = catalog(language).gettext
    id_ = facts.venue_id
    match facts.state:
        case VenueState.OPEN if facts.entries and facts.entries_until is None:
            return [(Key(_("Draw the order"), DrawOrder(id_), style="primary"),)]
        case VenueState.DRAWN if facts.undrawn:
            return [(Key(_("Draw the order"), DrawOrder(id_), style="primary"),)]
        case VenueState.DRAWN:
            style = None if _lacks_judges(facts) else "primary"
            return [(Key(_("Begin judging"), BeginJudging(id_), style=style),)]
        case VenueState.JUDGING if facts.received < facts.wanted:
            return [(Key(_("Remind judges"), ChaseBallots(id_), style="primary"),)]
        case VenueState.JUDGING if facts.lacking:
            return []
        case VenueState.JUDGING:
            return [(Key(_("Reveal the marks"), RevealMarks(id_), style="primary"),)]
        case VenueState.REVEALED | VenueState.DECIDED | VenueState.CONFIRMED:
            return [(Key(_("Scores"), OpenScores(id_)),)]
    return []


def _lacks_judges(facts: VenueDesk) -> bool:
    """Whether the next step is to find judges, or who leads them."""
    if facts.state is VenueState.JUDGING:
        return bool(facts.lacking) and facts.received >= facts.wanted
    there = facts.judges.get(JudgeState.ACCEPTED, 0) >= facts.judges_needed
    is_ready = there and facts.chief is not None
    return facts.state is VenueState.DRAWN and not facts.undrawn and not is_ready


def sure_card(text: str, yes: Key, back: Button, language: str) -> Card:
    """Ask once more."""
    _ = catalog(language).gettext
    return Card(text, ((yes,), (Key(_("Cancel"), back),)))


def proof_card(
    facts: Proof, page: int, language: str, zone: ZoneInfo, today: date, back: Button
) -> Card:
    """How anybody can draw again, with everything that takes."""
    _ = catalog(language).gettext
    lines = [
        _("<b>How to check the draw</b>"),
        _(
            "A random seed was fixed when this venue was made, before anybody could know who "
            "would be in it. This is its SHA-256:"
        ),
        f"<code>{facts.commitment}</code>",
    ]
    lots = [(round_, lot) for round_, group in enumerate(facts.draws) for lot in group]
    pages = max(1, -(-len(lots) // LOTS))
    page = min(max(0, page), pages - 1)
    if facts.drawn_at is None:
        lines.append(_("The seed is shown with the draw, so that everybody can compare."))
    else:
        lines += [
            _("Drawn: {when}").format(when=dates.moment(facts.drawn_at, zone, language, today)),
            _("The seed: <code>{seed}</code>").format(seed=facts.seed),
            _(
                "The lot of an entry is the SHA-256 of seed:venue:entry, here "
                "<code>seed:{venue}:entry</code>. The smallest, as text, comes first."
            ).format(venue=facts.venue_id),
            "",
        ]
        shown = None if page == 0 else lots[page * LOTS - 1][0]
        for round_, lot in lots[page * LOTS : (page + 1) * LOTS]:
            if round_ and round_ != shown:
                lines.append(_("Came later, and drawn among themselves:"))
            shown = round_
            lines.append(
                _("No. {number}: entry {entry}, lot {lot}…").format(
                    number=lot.number, entry=lot.entry_id, lot=lot.lot[:SHORT]
                )
            )
    turn = pager(page, pages, lambda n: ShowProof(facts.venue_id, n))
    return Card("\n".join(lines), (*((turn,) if turn else ()), (Key(_("Back"), back),)))


def scores_card(facts: Scores, page: int, language: str, back: Button, said: str = "") -> Card:
    """The scores by number; who leans how far, as a hint to the chief judge alone."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [said, ""] if said else []
    lines.append(_("<b>Scores</b>, of {most} points").format(most=facts.most))
    if facts.drops:
        lines.append(
            ngettext(
                "The {n} highest and the {n} lowest total are left out.",
                "The {n} highest and the {n} lowest totals are left out.",
                facts.drops,
            ).format(n=facts.drops)
        )
    pages = max(1, -(-len(facts.lines) // PAGE))
    page = min(max(0, page), pages - 1)
    for line in facts.lines[page * PAGE : (page + 1) * PAGE]:
        if line.score is None:
            lines.append(
                _("No. {number}: {state}").format(
                    number=line.number, state=words.round_states(language)[line.state]
                )
            )
            continue
        lines.append(
            _("No. {number}: <b>{score}</b> ({totals})").format(
                number=line.number,
                score=f"{line.score:g}",
                totals=" · ".join(str(total) for _number, total in line.totals),
            )
        )
    if facts.leanings:
        lines += [
            "",
            _(
                "For you alone, to talk about if you like: on the average some totals lie apart "
                "from the middle of the same entries. That is no fault in itself."
            ),
        ]
        for one in facts.leanings:
            lines.append(
                _("Judge {number}: {difference} points").format(
                    number=one.number, difference=f"{one.difference:+g}"
                )
            )
    lines.append(
        _("The chief judge has signed.")
        if facts.is_signed
        else _("The chief judge has not signed yet.")
    )
    rows: list[tuple[Key, ...]] = []
    if facts.may_sign:
        rows.append((Key(_("Sign"), SignScores(facts.venue_id), style="primary"),))
    turn = pager(page, pages, lambda n: OpenScores(facts.venue_id, n))
    if turn:
        rows.append(turn)
    return Card("\n".join(lines), (*rows, (Key(_("Back"), back),)))


# --- what is tapped and typed ---------------------------------------------------------------------


def local(context: Context) -> tuple[ZoneInfo, date]:
    """The zone of the office, and its day."""
    zone = context.house.zone
    return zone, local_day(context.now(), zone)


async def _back(context: Context, teacher_id: int, venue_id: int, now: datetime) -> Button:
    """Where this person has come from: the venue's desk, their judging, or home."""
    if await context.read(rights.holds, teacher_id, venue_id, now=now):
        return OpenVenue(venue_id)
    mine = await context.read(panels.judging, teacher_id)
    return OpenJudging(venue_id) if any(one[1] == venue_id for one in mine) else Home()


async def open_venue(update: Update, context: Context) -> None:
    venue_id = OpenVenue.parse(tap(update).data).venue_id
    await show_venue(update, context, await context.reader(update), venue_id)


async def show_venue(
    update: Update, context: Context, reader: Reader, venue_id: int, said: str = ""
) -> None:
    """Show the desk of a venue, from wherever somebody comes back to it."""
    facts = await context.read(
        venue_desk.desk, reader.linked_teacher_id, venue_id, now=context.now()
    )
    doors: list[Door] = context.bot_data.get("venue", [])
    card = venue_card(facts, reader.language, *local(context), doors, said)
    await show(update, context, reader, card)


async def draw_order(update: Update, context: Context) -> None:
    """Ask once more, then draw."""
    button = DrawOrder.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not button.sure:
        facts = await context.read(
            venue_desk.desk, reader.linked_teacher_id, button.venue_id, now=context.now()
        )
        text = ngettext(
            "Draw the order of {n} entry now? The draw cannot be repeated: the same seed gives "
            "the same order, and anybody can check it.",
            "Draw the order of {n} entries now? The draw cannot be repeated: the same seed gives "
            "the same order, and anybody can check it.",
            facts.undrawn,
        ).format(n=facts.undrawn)
        yes = Key(_("Yes, draw"), DrawOrder(button.venue_id, 1), style="primary")
        back = OpenVenue(button.venue_id)
        await show(update, context, reader, sure_card(text, yes, back, reader.language))
        return
    drawn = await context.write(
        drawing.draw, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    said = (
        ngettext(
            "{n} entry has its place in the order.",
            "{n} entries have their place in the order.",
            drawn.new,
        ).format(n=drawn.new)
        if drawn.new
        else _("The order was drawn already.")
    )
    await show_venue(update, context, reader, button.venue_id, said)


async def show_proof(update: Update, context: Context) -> None:
    """Show how to draw again: to anybody who asks, for it names nobody."""
    button = ShowProof.parse(tap(update).data)
    reader = await context.reader(update)
    teacher_id, now = reader.linked_teacher_id, context.now()
    facts = await context.read(drawing.proof, button.venue_id)
    back = await _back(context, teacher_id, button.venue_id, now)
    card = proof_card(facts, button.page, reader.language, *local(context), back)
    await show(update, context, reader, card)


def _begin(session: Session, teacher_id: int, venue_id: int, *, now: datetime) -> bool:
    is_new = seating.begin(session, teacher_id, venue_id, now=now)
    if is_new:
        timetable.tell_numbers(session, venue_id, now=now)
    return is_new


async def begin_judging(update: Update, context: Context) -> None:
    """Ask once more, then let the judges begin."""
    button = BeginJudging.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        text = _(
            "Shall the judges begin? Each sees the entries by number alone. Judges can still be "
            "added, and whoever comes to stand in a conflict is set aside."
        )
        facts = await context.read(
            venue_desk.desk, reader.linked_teacher_id, button.venue_id, now=context.now()
        )
        if facts.chief is None:
            raise seating.NoChief
        if facts.work_until is not None:
            zone, today = local(context)
            text += "\n\n" + _(
                "Please note: entrants may still replace their work {before}. Once judging "
                "begins they cannot any more."
            ).format(before=dates.before(facts.work_until, zone, reader.language, today))
        yes = Key(_("Yes, begin"), BeginJudging(button.venue_id, 1), style="primary")
        back = OpenVenue(button.venue_id)
        await show(update, context, reader, sure_card(text, yes, back, reader.language))
        return
    is_new = await context.write(
        _begin, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    context.house.wake_delivery()
    said = _("The judges can begin.") if is_new else _("The judges have begun already.")
    await show_venue(update, context, reader, button.venue_id, said)


async def chase(update: Update, context: Context) -> None:
    """Remind the judges whose ballots are missing, privately."""
    venue_id = ChaseBallots.parse(tap(update).data).venue_id
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    count = await context.write(
        chasing.chase, reader.linked_teacher_id, venue_id, now=context.now()
    )
    context.house.wake_delivery()
    text = (
        ngettext(
            "{n} judge is reminded privately, once a day.",
            "{n} judges are reminded privately, once a day.",
            count,
        ).format(n=count)
        if count
        else _("No judge on the phone owes a ballot; please look at the paper ballots.")
    )
    await alert(update, text)


async def reveal(update: Update, context: Context) -> None:
    """Ask once more, then open the seals."""
    button = RevealMarks.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    back = await _back(context, reader.linked_teacher_id, button.venue_id, context.now())
    if not button.sure:
        text = _(
            "Reveal the marks now? All seals are opened together, the scores are made by the "
            "rules, and no ballot can be changed any more."
        )
        yes = Key(_("Yes, reveal"), RevealMarks(button.venue_id, 1), style="primary")
        await show(update, context, reader, sure_card(text, yes, back, reader.language))
        return
    is_new = await context.write(
        revealing.reveal, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    said = _("The marks are revealed.") if is_new else _("The marks were revealed already.")
    await _show_scores(update, context, reader, button.venue_id, 0, said)


async def ask_why(update: Update, context: Context) -> None:
    """Take the next text as the reason for closing without the missing ballots."""
    button = CloseEarly.parse(tap(update).data)
    venue_id = button.venue_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if button.sure:
        await context.write(_close_early, reader, venue_id, now=context.now())
        await _show_scores(update, context, reader, venue_id, 0, _("The marks are revealed."))
        return
    facts = await context.read(ballots.judging, reader.linked_teacher_id, venue_id)
    awaited = f"{AWAITED}:{venue_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "{received} of {needed} ballots are in. Please type why the marks are to be revealed "
        "without the others; the log keeps it. Ballots that are open will not count."
    ).format(received=facts.received, needed=facts.needed)
    back = ((Key(_("Cancel"), OpenJudging(venue_id)),),)
    await show(update, context, reader, Card(text, back))


async def close_early(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Keep the typed reason, and ask once more, saying what is missing."""
    venue_id = int(reader.awaiting.split(":")[1])
    _ = catalog(reader.language).gettext
    facts = await context.read(ballots.judging, reader.linked_teacher_id, venue_id)
    await context.write(_keep_reason, reader, venue_id, text, now=context.now())
    lines = [
        _("<b>Reveal the marks without what is missing?</b>"),
        _("Ballots in: {received} of {wanted}").format(
            received=facts.received, wanted=facts.needed
        ),
        *missing_lines(facts.missing, facts.lacking, reader.language),
        _("Reason: {reason}").format(reason=typed_text(text)),
        _(
            "All seals are opened together, the scores are made by the rules, and no ballot can "
            "be added or changed any more."
        ),
    ]
    yes = Key(_("Yes, reveal"), CloseEarly(venue_id, 1), style="danger")
    back = OpenJudging(venue_id)
    await show(update, context, reader, sure_card("\n".join(lines), yes, back, reader.language))


def _keep_reason(
    session: Session, reader: Reader, venue_id: int, reason: str, *, now: datetime
) -> None:
    kept = {"venue_id": venue_id, "reason": reason}
    drafts.keep(session, reader.account_id, AWAITED, kept, now=now)
    accounts.await_text(session, reader.account_id, "", now=now)


def _close_early(session: Session, reader: Reader, venue_id: int, *, now: datetime) -> None:
    """Reveal without the missing ballots, for the reason that was typed for this venue."""
    kept = drafts.read(session, reader.account_id, AWAITED)
    reason = kept["reason"] if kept is not None and kept["venue_id"] == venue_id else ""
    revealing.reveal(session, reader.linked_teacher_id, venue_id, reason=reason, now=now)
    drafts.drop(session, reader.account_id, AWAITED)


async def open_scores(update: Update, context: Context) -> None:
    button = OpenScores.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_scores(update, context, reader, button.venue_id, button.page)


async def _show_scores(
    update: Update, context: Context, reader: Reader, venue_id: int, page: int, said: str = ""
) -> None:
    now = context.now()
    facts = await context.write(signing.scores, reader.linked_teacher_id, venue_id, now=now)
    back = await _back(context, reader.linked_teacher_id, venue_id, now)
    await show(update, context, reader, scores_card(facts, page, reader.language, back, said))


async def sign(update: Update, context: Context) -> None:
    """Ask once more, then sign."""
    button = SignScores.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        text = _(
            "Sign the scores as the chief judge? With that you say that they were given and "
            "counted by the rules."
        )
        yes = Key(_("Yes, sign"), SignScores(button.venue_id, 1), style="primary")
        back = OpenScores(button.venue_id)
        await show(update, context, reader, sure_card(text, yes, back, reader.language))
        return
    is_new = await context.write(
        signing.sign, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    said = _("Signed. Thank you.") if is_new else _("It is signed already.")
    await _show_scores(update, context, reader, button.venue_id, 0, said)
