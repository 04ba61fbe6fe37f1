"""The panel of a venue: find judges, draw them, ask them, and say who leads."""

from __future__ import annotations

import html

from telegram import Update

from handlers.cards import Card, Key
from handlers.competitions import words
from handlers.competitions.buttons import OpenVenue
from handlers.competitions.judging_buttons import (
    AddExpert,
    DrawJudges,
    FindJudge,
    InviteJudge,
    MakeChief,
    OpenJudge,
    OpenPanel,
    RemoveJudge,
)
from handlers.competitions.judging_text import why_text
from handlers.competitions.venue import sure_card
from handlers.context import Context, shortened, show, tap
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.competitions import at_venue, panels
from storage.competitions.panels import Candidate, Panel, PanelLine
from storage.competitions.tables import JudgeState
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound

AWAITED = "kgfind"
AWAITED_EXPERT = "kgexpert"
LABEL = 40


def install(application: AnyApplication) -> None:
    on_tap(application, OpenPanel, open_panel)
    on_tap(application, FindJudge, ask_whom)
    on_text(application, AWAITED, name_given)
    on_tap(application, InviteJudge, invite)
    on_tap(application, DrawJudges, draw)
    on_tap(application, AddExpert, ask_expert)
    on_text(application, AWAITED_EXPERT, expert_given)
    on_tap(application, OpenJudge, open_judge)
    on_tap(application, MakeChief, make_chief)
    on_tap(application, RemoveJudge, remove)


def panel_card(facts: Panel, language: str, said: str = "") -> Card:
    """The judges, each a key; below the ways to find more."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    id_ = facts.venue_id
    lines = [said, ""] if said else []
    lines.append(
        ngettext(
            "<b>Judges</b>: each entry needs {n} ballot.",
            "<b>Judges</b>: each entry needs {n} ballots.",
            facts.needed,
        ).format(n=facts.needed)
    )
    if not facts.lines:
        lines.append(_("Nobody has been asked yet."))
    keys: list[tuple[Key, ...]] = []
    for one in facts.lines:
        lines.append(judge_text(one, language))
        if facts.may_change and one.state in panels.SERVING:
            label = shortened(_("{number} {name}").format(number=one.number, name=one.name), LABEL)
            keys.append((Key(label, OpenJudge(id_, one.judge_id)),))
    lines.append(_("Only those who hold this venue see these names before it is over."))
    if facts.may_change:
        serving = sum(one.state in panels.SERVING for one in facts.lines)
        style = "primary" if serving < facts.needed else None
        keys.append(
            (
                Key(_("Ask somebody"), FindJudge(id_), style=style),
                Key(_("Draw judges"), DrawJudges(id_)),
            )
        )
        keys.append((Key(_("Outside expert"), AddExpert(id_)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenVenue(id_)),)))


def judge_text(one: PanelLine, language: str) -> str:
    """A judge in a line, as who holds the venue sees them."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    beside = [
        html.escape(one.unit) if one.unit else "",
        _("from outside, on paper") if one.is_outside else "",
        _("leads the panel") if one.is_chief else "",
        words.judge_states(language)[one.state],
        ngettext("{n} entry set aside", "{n} entries set aside", one.recused).format(n=one.recused)
        if one.recused
        else "",
        _("knows the names") if one.knows_names else "",
    ]
    return _("{number}. {name} ({beside})").format(
        number=one.number,
        name=html.escape(one.name),
        beside=" · ".join(part for part in beside if part),
    )


def found_card(found: tuple[Candidate, ...], text: str, venue_id: int, language: str) -> Card:
    """Who fits what was typed, and what stands against whom."""
    _ = catalog(language).gettext
    lines = []
    keys: list[tuple[Key, ...]] = []
    if found:
        lines.append(_("“{text}”: whom shall I ask?").format(text=html.escape(text)))
    else:
        lines.append(_("Nobody is called “{text}”.").format(text=html.escape(text)))
    for one in found:
        if one.why is not None:
            lines.append(
                _("{name} ({unit}): {why}").format(
                    name=html.escape(one.name),
                    unit=html.escape(one.unit),
                    why=why_text(one.why, language),
                )
            )
            continue
        label = shortened(" · ".join(part for part in (one.name, one.unit) if part), LABEL)
        keys.append((Key(label, InviteJudge(venue_id, one.teacher_id)),))
    again = Key(_("Search again"), FindJudge(venue_id))
    return Card("\n".join(lines), (*keys, (again, Key(_("Back"), OpenPanel(venue_id)))))


async def open_panel(update: Update, context: Context) -> None:
    venue_id = OpenPanel.parse(tap(update).data).venue_id
    await show_panel(update, context, await context.reader(update), venue_id)


async def show_panel(
    update: Update, context: Context, reader: Reader, venue_id: int, said: str = ""
) -> None:
    facts = await context.read(panels.panel, reader.linked_teacher_id, venue_id, now=context.now())
    await show(update, context, reader, panel_card(facts, reader.language, said))


async def ask_whom(update: Update, context: Context) -> None:
    """Take the next text as a name."""
    venue_id = FindJudge.parse(tap(update).data).venue_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    await context.read(panels.panel, reader.linked_teacher_id, venue_id, now=now)
    await context.write(accounts.await_text, reader.account_id, f"{AWAITED}:{venue_id}", now=now)
    text = _("Who shall judge? Please type a name or a staff number.")
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenPanel(venue_id)),),)))


async def name_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who fits; another name may follow."""
    venue_id = int(reader.awaiting.split(":")[1])
    found = await context.write(
        panels.candidates, reader.linked_teacher_id, venue_id, text, now=context.now()
    )
    await show(update, context, reader, found_card(found, text, venue_id, reader.language))


async def invite(update: Update, context: Context) -> None:
    """Ask once more, then ask them."""
    button = InviteJudge.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    actor_id, now, venue_id = reader.linked_teacher_id, context.now(), button.venue_id
    if not button.sure:
        who = await context.read(panels.candidate, actor_id, venue_id, button.teacher_id, now=now)
        when = await _told_when(context, reader)
        if when:
            text = _("Ask {name} ({unit}) to judge here? They are told {when} and answer.")
        else:
            text = _("Ask {name} ({unit}) to judge here? They are told at once and answer.")
        text = text.format(name=html.escape(who.name), unit=html.escape(who.unit), when=when)
        if who.knows_names:
            text += "\n\n" + (
                _(
                    "You hold this venue and know whose work each number is; the panel's card "
                    "marks that. Somebody who does not know is the fairer choice."
                )
                if button.teacher_id == actor_id
                else _(
                    "They hold this venue and know whose work each number is; the panel's card "
                    "marks that. Somebody who does not know is the fairer choice."
                )
            )
        sure = InviteJudge(venue_id, button.teacher_id, 1)
        yes = Key(_("Yes, ask"), sure, style="primary")
        card = sure_card(text, yes, OpenPanel(venue_id), reader.language)
        await show(update, context, reader, card)
        return
    await context.write(panels.invite, actor_id, venue_id, button.teacher_id, now=now)
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    context.house.wake_delivery()
    when = await _told_when(context, reader)
    said = _("The invitation goes out {when}.") if when else _("They have been asked.")
    await show_panel(update, context, reader, venue_id, said.format(when=when))


async def _told_when(context: Context, reader: Reader) -> str:
    """When an invitation goes out, if not now: outside working hours none does."""
    now = context.now()
    at = await context.read(at_venue.next_ring, now)
    return "" if at <= now else dates.moment(at, context.house.zone, reader.language)


async def draw(update: Update, context: Context) -> None:
    """Ask once more, then draw and ask those drawn."""
    button = DrawJudges.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not button.sure:
        text = _(
            "Draw as many judges as are lacking? The pool is whoever teaches the subject and "
            "stage here and has no conflict with any entry; those drawn are asked at once."
        )
        when = await _told_when(context, reader)
        if when:
            text = _(
                "Draw as many judges as are lacking? The pool is whoever teaches the subject and "
                "stage here and has no conflict with any entry; those drawn are asked {when}."
            ).format(when=when)
        yes = Key(_("Yes, draw judges"), DrawJudges(button.venue_id, 1), style="primary")
        card = sure_card(text, yes, OpenPanel(button.venue_id), reader.language)
        await show(update, context, reader, card)
        return
    drawn = await context.write(
        panels.draw, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    context.house.wake_delivery()
    said = (
        ngettext(
            "{n} judge was drawn and asked.", "{n} judges were drawn and asked.", len(drawn)
        ).format(n=len(drawn))
        if drawn
        else _("The panel is complete.")
    )
    when = await _told_when(context, reader)
    if drawn and when:
        said = ngettext(
            "{n} judge was drawn; the invitation goes out {when}.",
            "{n} judges were drawn; the invitations go out {when}.",
            len(drawn),
        ).format(n=len(drawn), when=when)
    await show_panel(update, context, reader, button.venue_id, said)


async def ask_expert(update: Update, context: Context) -> None:
    """Take the next text as the name of an expert from outside."""
    venue_id = AddExpert.parse(tap(update).data).venue_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    await context.read(panels.panel, reader.linked_teacher_id, venue_id, now=now)
    awaited = f"{AWAITED_EXPERT}:{venue_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    text = _(
        "Please type the expert's name. Experts from outside judge on paper; two people type "
        "each paper in, and both have to read the same."
    )
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenPanel(venue_id)),),)))


async def expert_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    venue_id = int(reader.awaiting.split(":")[1])
    _ = catalog(reader.language).gettext
    now = context.now()
    await context.write(panels.add_expert, reader.linked_teacher_id, venue_id, text, now=now)
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    await show_panel(update, context, reader, venue_id, _("The expert is on the panel."))


async def open_judge(update: Update, context: Context) -> None:
    """Show one judge, and what can be done."""
    button = OpenJudge.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(
        panels.panel, reader.linked_teacher_id, button.venue_id, now=context.now()
    )
    one = _line(facts, button.judge_id)
    keys: list[tuple[Key, ...]] = []
    if facts.may_change and one.state in panels.SERVING:
        if not one.is_chief and not one.is_outside:
            chief = MakeChief(button.venue_id, one.judge_id)
            keys.append((Key(_("Leads the panel"), chief, style="primary"),))
        keys.append((Key(_("Take off"), RemoveJudge(button.venue_id, one.judge_id)),))
    back = (Key(_("Back"), OpenPanel(button.venue_id)),)
    await show(update, context, reader, Card(judge_text(one, reader.language), (*keys, back)))


def _line(facts: Panel, judge_id: int) -> PanelLine:
    found = next((one for one in facts.lines if one.judge_id == judge_id), None)
    if found is None:
        raise NotFound("judge")
    return found


async def make_chief(update: Update, context: Context) -> None:
    button = MakeChief.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        panels.make_chief, reader.linked_teacher_id, button.judge_id, now=context.now()
    )
    await show_panel(update, context, reader, button.venue_id, _("Noted: they lead the panel."))


async def remove(update: Update, context: Context) -> None:
    """Ask once more, then take a judge off."""
    button = RemoveJudge.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    actor_id, now = reader.linked_teacher_id, context.now()
    if not button.sure:
        facts = await context.read(panels.panel, actor_id, button.venue_id, now=now)
        one = _line(facts, button.judge_id)
        text = (
            _("Take {name} off the panel? Ballots they have handed in will not count.")
            if one.state is JudgeState.ACCEPTED
            else _("Take {name} off the panel?")
        ).format(name=html.escape(one.name))
        sure = RemoveJudge(button.venue_id, button.judge_id, 1)
        yes = Key(_("Yes, take off"), sure, style="danger")
        card = sure_card(text, yes, OpenPanel(button.venue_id), reader.language)
        await show(update, context, reader, card)
        return
    await context.write(panels.remove, actor_id, button.judge_id, now=now)
    await show_panel(update, context, reader, button.venue_id, _("Taken off the panel."))
