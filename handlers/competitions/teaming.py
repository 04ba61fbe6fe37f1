"""With whom an entry is made: asking colleagues, and answering them."""

from __future__ import annotations

import html

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions.buttons import Competitions, OpenEntry
from handlers.competitions.entering import show_mine
from handlers.competitions.entering_buttons import (
    AnswerMate,
    AskMate,
    DropMate,
    OpenTeam,
    PickMate,
)
from handlers.context import Context, shortened, show, tap
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog
from storage.competitions import teams
from storage.competitions.teams import Mate, Team
from storage.people import accounts
from storage.people.accounts import Reader

NAME = "entrymate"
LABEL = 40


def install(application: AnyApplication) -> None:
    on_tap(application, OpenTeam, open_team)
    on_tap(application, AskMate, ask_name)
    on_text(application, NAME, name_typed)
    on_tap(application, PickMate, pick)
    on_tap(application, DropMate, drop)
    on_tap(application, AnswerMate, answer)


def team_card(facts: Team, language: str, said: str = "") -> Card:
    """With whom the entry is made, and whom that is asked of."""
    _, ngettext = catalog(language).gettext, catalog(language).ngettext
    lines = [html.escape(said), ""] if said else []
    lines.append(
        _("<b>With whom: {competition}</b>").format(competition=html.escape(facts.competition))
    )
    lines.append(
        ngettext(
            "An entry is made by {n} person.", "An entry is made by up to {n} people.", facts.most
        ).format(n=facts.most)
    )
    if not facts.mates:
        lines.append(_("So far you make it alone."))
    lines += ["· " + _mate_text(mate, language) for mate in facts.mates]
    keys: list[tuple[Key, ...]] = []
    if facts.can_change:
        keys += [
            (
                Key(
                    shortened(_("Without {name}").format(name=mate.name), LABEL),
                    DropMate(facts.entry_id, mate.teacher_id),
                ),
            )
            for mate in facts.mates
        ]
        if 1 + len(facts.mates) < facts.most:
            keys.append((Key(_("Ask a colleague"), AskMate(facts.entry_id), style="primary"),))
    keys.append((Key(_("Back"), OpenEntry(facts.entry_id)),))
    return Card("\n".join(lines), tuple(keys))


def _mate_text(mate: Mate, language: str) -> str:
    _ = catalog(language).gettext
    who = _("{name}, {unit}").format(name=html.escape(mate.name), unit=html.escape(mate.unit))
    if mate.agreed:
        return _("{who}: takes part").format(who=who)
    if not mate.is_reachable:
        return _("{who}: asked, but not reached by messages; please speak to them").format(who=who)
    return _("{who}: asked").format(who=who)


async def open_team(update: Update, context: Context) -> None:
    """Show with whom I make the entry."""
    button = OpenTeam.parse(tap(update).data)
    await _show(update, context, await context.reader(update), button.entry_id)


async def _show(
    update: Update, context: Context, reader: Reader, entry_id: int, said: str = ""
) -> None:
    facts = await context.read(teams.team, reader.linked_teacher_id, entry_id, now=context.now())
    await show(update, context, reader, team_card(facts, reader.language, said))


async def ask_name(update: Update, context: Context) -> None:
    """Take the next text as a colleague's name."""
    button = AskMate.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    await context.read(teams.team, reader.linked_teacher_id, button.entry_id, now=now)
    awaited = f"{NAME}:{button.entry_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    await show(update, context, reader, _asking(button.entry_id, reader.language))


def _asking(entry_id: int, language: str, said: str = "") -> Card:
    _ = catalog(language).gettext
    text = _("Please type the whole name of the colleague with whom you make the entry.")
    if said:
        text = f"{html.escape(said)}\n\n{text}"
    return Card(text, ((Key(_("Cancel"), OpenTeam(entry_id)),),))


async def name_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who is called so; whoever is meant is asked by a tap."""
    entry_id = int(reader.awaiting.partition(":")[2])
    _ = catalog(reader.language).gettext
    now = context.now()
    found = await context.read(teams.find, reader.linked_teacher_id, entry_id, text, now=now)
    if not found:
        said = _("Nobody of exactly this name is on the roster.")
        await show(update, context, reader, _asking(entry_id, reader.language, said))
        return
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    keys = tuple(
        (
            Key(
                shortened(_("{name}, {unit}").format(name=name, unit=unit), LABEL),
                PickMate(entry_id, id_),
            ),
        )
        for id_, name, unit in found
    )
    back = (Key(_("Back"), OpenTeam(entry_id)),)
    await show(update, context, reader, Card(_("Whom do you mean?"), (*keys, back)))


async def pick(update: Update, context: Context) -> None:
    """Ask this colleague."""
    button = PickMate.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        teams.ask,
        reader.linked_teacher_id,
        button.entry_id,
        button.teacher_id,
        now=context.now(),
    )
    context.house.wake_delivery()
    said = _("Your colleague is asked, and takes part with their yes.")
    await _show(update, context, reader, button.entry_id, said)


async def drop(update: Update, context: Context) -> None:
    """Make it without this colleague."""
    button = DropMate.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        teams.drop,
        reader.linked_teacher_id,
        button.entry_id,
        button.teacher_id,
        now=context.now(),
    )
    await _show(update, context, reader, button.entry_id)


async def answer(update: Update, context: Context) -> None:
    """Say whether I make it together with them."""
    button = AnswerMate.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()

    def change(session: Session) -> bool:
        return teams.answer(
            session, reader.linked_teacher_id, button.entry_id, yes=bool(button.yes), now=now
        )

    if await context.write(change):
        said = _("Thank you. You make this entry together, and can hand materials in as well.")
        await show_mine(update, context, reader, button.entry_id, said)
        return
    text = _("Thank you for your answer. You take no part in this entry.")
    await show(update, context, reader, Card(text, ((Key(_("Competitions"), Competitions()),),)))
