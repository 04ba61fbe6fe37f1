"""The lists of a round for its organisers: public display, confirming, certificates."""

from __future__ import annotations

import asyncio
import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import certificates, words
from handlers.competitions.deciding_buttons import (
    ChooseAward,
    CompetitionLists,
    ConfirmRevoke,
    ConfirmRound,
    OpenList,
    OpenLists,
    OpenObjections,
    PutUpList,
    RevokeAward,
    RoundCertificates,
    ShowPublicList,
)
from handlers.context import Context, alert, send_file, shortened, show, tap
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates, numbers
from storage.competitions import awarding, publicity
from storage.competitions.awarding import Award
from storage.competitions.publicity import Lists
from storage.competitions.tables import CompetitionState
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.refusals import NotFound

AWAITED = "kdrevoke"
REVOKED = "revoked_award"
LABEL = 40
AWARDS = 8


def install(application: AnyApplication) -> None:
    on_tap(application, OpenLists, open_lists)
    on_tap(application, PutUpList, put_up)
    on_tap(application, ConfirmRound, confirm)
    on_tap(application, RoundCertificates, send_certificates)
    on_tap(application, ChooseAward, choose_award)
    on_tap(application, RevokeAward, ask_why)
    on_text(application, AWAITED, reason_typed)
    on_tap(application, ConfirmRevoke, revoke)


# --- cards ----------------------------------------------------------------------------------------


def lists_card(
    facts: Lists, language: str, zone: ZoneInfo, now: datetime, *, asks: str = ""
) -> Card:
    """Where the lists of a round stand, and what comes next."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    id_ = facts.round_id
    lines = [f"<b>{html.escape(facts.title)} · {html.escape(facts.round_name)}</b>"]
    keys: list[tuple[Key, ...]] = []
    if not facts.total:
        lines.append(_("There is no entry in this round yet."))
    states = words.venue_states(language)
    for n, each in enumerate(facts.venues, 1 + facts.page * publicity.PAGE):
        lines.append(
            _("{n}. {unit}, {track}: {entries}, {state}").format(
                n=n,
                unit=html.escape(each.unit),
                track=html.escape(each.track),
                entries=ngettext("{n} entry", "{n} entries", each.entries).format(n=each.entries),
                state=states[each.state],
            )
        )
        if each.to_forward:
            lines.append(
                "   "
                + ngettext(
                    "{n} entry to forward", "{n} entries to forward", each.to_forward
                ).format(n=each.to_forward)
            )
    row = [
        Key(str(n), OpenList(each.venue_id))
        for n, each in enumerate(facts.venues, 1 + facts.page * publicity.PAGE)
    ]
    keys += [tuple(row[n : n + 4]) for n in range(0, len(row), 4)]
    turn = pager(facts.page, facts.pages, lambda page: OpenLists(id_, page))
    keys += [turn] if turn else []
    lines += _public_lines(facts, language, today)
    if facts.deed_id is not None and facts.public is not None:
        lines.append(_("The groups see it after ten minutes; until then you can take it back."))
        keys.append((undo_key(facts.deed_id, language),))
    keys += _next_keys(facts, lines, language, today, asks)
    keys += _more_keys(facts, language)
    return Card(
        "\n".join(lines), (*keys, (Key(_("Back"), CompetitionLists(facts.competition_id)),))
    )


def _public_lines(facts: Lists, language: str, today: date) -> list[str]:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = []
    public = facts.public
    if public is not None and public.until is not None and not facts.is_confirmed:
        lines.append(
            _("Public display until {day}, list version {n}.").format(
                day=dates.day(public.until, language, today), n=public.version
            )
        )
        if facts.open_objections:
            lines.append(
                ngettext(
                    "{n} objection is open.", "{n} objections are open.", facts.open_objections
                ).format(n=facts.open_objections)
            )
    if facts.is_confirmed:
        lines.append(_("The result stands."))
    if facts.winners:
        lines.append(
            ngettext("{n} honour given.", "{n} honours given.", facts.winners).format(
                n=facts.winners
            )
        )
    return lines


def _next_keys(
    facts: Lists, lines: list[str], language: str, today: date, asks: str
) -> list[tuple[Key, ...]]:
    """The one thing that comes next."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    id_ = facts.round_id
    if facts.state is not CompetitionState.PUBLISHED or not facts.total or facts.is_confirmed:
        return []
    if facts.undecided:
        lines.append(
            ngettext(
                "{n} venue has no list that stands yet.",
                "{n} venues have no list that stands yet.",
                facts.undecided,
            ).format(n=facts.undecided)
        )
        return []
    if facts.has_publicity and facts.public is None:
        if facts.begins is not None and facts.begins > today:
            lines.append(
                _("Public display begins {day}.").format(
                    day=dates.day(facts.begins, language, today)
                )
            )
            return []
        if asks == "put_up":
            lines.append(
                ngettext(
                    "The list (name, school, award) goes to {n} group and hangs for five "
                    "working days at least. Nothing else of anybody is shown.",
                    "The list (name, school, award) goes to {n} groups and hangs for five "
                    "working days at least. Nothing else of anybody is shown.",
                    facts.groups,
                ).format(n=facts.groups)
            )
            return [(Key(_("Put it up"), PutUpList(id_, 1), style="primary"),)]
        return [(Key(_("Public display"), PutUpList(id_), style="primary"),)]
    if not facts.is_over or not (facts.has_publicity or facts.is_deciding):
        return []
    if facts.open_objections:
        lines.append(_("The result can stand once the objections are answered."))
        return []
    if asks == "confirm":
        lines.append(
            _(
                "With this the result stands: honours, certificates and hours are given, tiers "
                "are proposed, entries go on, and winners are congratulated in private; the "
                "groups name those who agreed to it."
            )
        )
        return [(Key(_("Let it stand"), ConfirmRound(id_, 1), style="primary"),)]
    return [(Key(_("Confirm result"), ConfirmRound(id_), style="primary"),)]


def _more_keys(facts: Lists, language: str) -> list[tuple[Key, ...]]:
    _ = catalog(language).gettext
    keys: list[tuple[Key, ...]] = []
    id_ = facts.round_id
    if facts.public is not None:
        keys.append(
            (
                Key(_("The public list"), ShowPublicList(id_)),
                Key(_("Objections"), OpenObjections(id_)),
            )
        )
    if facts.winners:
        keys.append(
            (
                Key(_("Certificates"), RoundCertificates(id_)),
                Key(_("Take one back"), ChooseAward(id_)),
            )
        )
    return keys


def choose_card(found: tuple[Award, ...], round_id: int, page: int, language: str) -> Card:
    """Which award is taken back; each entry once."""
    _ = catalog(language).gettext
    by_place = {each.place_id: each for each in found if each.place_id is not None}
    each_once = list(by_place.values())
    pages = max(1, -(-len(each_once) // AWARDS))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    for each in each_once[page * AWARDS : (page + 1) * AWARDS]:
        label = _("{award} · {name}").format(award=each.award, name="、".join(each.names))
        keys.append((Key(shortened(label, LABEL), RevokeAward(each.place_id or 0)),))
    turn = pager(page, pages, lambda other: ChooseAward(round_id, other))
    keys += [turn] if turn else []
    text = _(
        "Which award is taken back? Its hours are reversed and what was proposed for it is "
        "withdrawn. A reason is asked for."
    )
    return Card(text, (*keys, (Key(_("Back"), OpenLists(round_id)),)))


# --- taps -----------------------------------------------------------------------------------------


async def open_lists(update: Update, context: Context) -> None:
    """Show the lists of a round."""
    button = OpenLists.parse(tap(update).data)
    await show_lists(update, context, await context.reader(update), button.round_id, button.page)


async def show_lists(
    update: Update,
    context: Context,
    reader: Reader,
    round_id: int,
    page: int = 0,
    *,
    asks: str = "",
) -> None:
    """The same."""
    now = context.now()
    facts = await context.read(
        publicity.lists, reader.linked_teacher_id, round_id, page=page, now=now
    )
    card = lists_card(facts, reader.language, context.house.zone, now, asks=asks)
    await show(update, context, reader, card)


async def put_up(update: Update, context: Context) -> None:
    """Ask once, then put the list on public display."""
    button = PutUpList.parse(tap(update).data)
    reader = await context.reader(update)
    if not button.sure:
        await show_lists(update, context, reader, button.round_id, asks="put_up")
        return
    _ = catalog(reader.language).gettext
    now = context.now()
    public = await context.write(
        publicity.put_up, reader.linked_teacher_id, button.round_id, now=now
    )
    today = local_day(now, context.house.zone)
    if public.until is not None:
        await alert(
            update,
            _("The list hangs until {day}. The groups see it in the next hour of work.").format(
                day=dates.day(public.until, reader.language, today)
            ),
        )
    await show_lists(update, context, reader, button.round_id)


async def confirm(update: Update, context: Context) -> None:
    """Ask once, then let the result stand."""
    button = ConfirmRound.parse(tap(update).data)
    reader = await context.reader(update)
    if not button.sure:
        await show_lists(update, context, reader, button.round_id, asks="confirm")
        return
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    done = await context.write(
        awarding.confirm, reader.linked_teacher_id, button.round_id, now=context.now()
    )
    context.house.wake_delivery()
    await alert(
        update,
        ngettext(
            "The result stands: {n} honour.", "The result stands: {n} honours.", done.winners
        ).format(n=done.winners)
        if done.is_new
        else _("The result stands already."),
    )
    await show_lists(update, context, reader, button.round_id)


async def send_certificates(update: Update, context: Context) -> None:
    """Send all certificates of a round as one file."""
    round_id = RoundCertificates.parse(tap(update).data).round_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    found = await context.write(
        awarding.awards_in, reader.linked_teacher_id, round_id, now=context.now()
    )
    found = tuple(each for each in found if each.certificate_no)
    if not found:
        await alert(update, _("There is no certificate yet."))
        return
    content = await asyncio.to_thread(certificates.pdf, found, reader.language)
    name = _("Certificates {title}").format(title=found[0].title) + ".pdf"
    await send_file(update, context, reader, content, name, html.escape(found[0].title))


async def choose_award(update: Update, context: Context) -> None:
    """Show which award could be taken back."""
    button = ChooseAward.parse(tap(update).data)
    reader = await context.reader(update)
    found = await context.write(
        awarding.awards_in, reader.linked_teacher_id, button.round_id, now=context.now()
    )
    await show(
        update, context, reader, choose_card(found, button.round_id, button.page, reader.language)
    )


async def ask_why(update: Update, context: Context) -> None:
    """Ask for the reason."""
    place_id = RevokeAward.parse(tap(update).data).place_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        accounts.await_text, reader.account_id, f"{AWAITED}:{place_id}", now=context.now()
    )
    text = _("Please type why this award is taken back. Its winner reads the reason.")
    back = await context.read(awarding.round_of, place_id)
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), OpenLists(back)),),)))


async def reason_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Say what is taken back, and ask once more."""
    place_id = int(reader.awaiting.partition(":")[2])
    _ = catalog(reader.language).gettext
    award, names = await context.read(
        awarding.would_revoke, reader.linked_teacher_id, place_id, now=context.now()
    )
    reason = text.strip()[:500]

    def keep(session: Session) -> None:
        data = {"place_id": place_id, "reason": reason}
        drafts.keep(session, reader.account_id, REVOKED, data, now=context.now())
        accounts.await_text(session, reader.account_id, "", now=context.now())

    await context.write(keep)
    said = _(
        "Take back: {award}, {names}? The honour, the certificate and the hours go with it, and "
        "they are told in private. It cannot be taken back.\nReason: {reason}"
    ).format(
        award=html.escape(award),
        names=html.escape(numbers.joined(names, reader.language)),
        reason=html.escape(reason),
    )
    back = await context.read(awarding.round_of, place_id)
    keys = (
        (Key(_("Yes, take it back"), ConfirmRevoke(place_id), style="danger"),),
        (Key(_("Cancel"), OpenLists(back)),),
    )
    await show(update, context, reader, Card(said, keys))


async def revoke(update: Update, context: Context) -> None:
    """Take the award back; a second tap finds it done."""
    place_id = ConfirmRevoke.parse(tap(update).data).place_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext

    def change(session: Session) -> int:
        data = drafts.read(session, reader.account_id, REVOKED, lock=True)
        if data is None or data["place_id"] != place_id:
            raise NotFound("draft")
        return awarding.revoke(
            session, reader.linked_teacher_id, place_id, data["reason"], now=context.now()
        )

    done = await context.write(change)
    context.house.wake_delivery()
    round_id = await context.read(awarding.round_of, place_id)
    said = (
        _("The award is taken back; whoever it concerns is told in private.")
        if done
        else _("It was taken back already.")
    )
    await show(update, context, reader, Card(said, ((Key(_("Back"), OpenLists(round_id)),),)))
