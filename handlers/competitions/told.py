"""What a competition says unprompted to one person: rules, dates, the end of it."""

from __future__ import annotations

import html

from sqlmodel import Session

from handlers.cards import Card, Key
from handlers.competitions import values_text
from handlers.competitions.buttons import ShowCompetition
from handlers.competitions.editing import change_lines
from handlers.competitions.setup_buttons import OpenChange, ShowRules
from handlers.context import House
from handlers.messaging.voices import Nothing, Said, Say
from locales import catalog
from storage.competitions import editing, views
from storage.competitions.tables import CompetitionState
from storage.messaging.outbox import Claimed


async def rule_change_asked(house: House, row: Claimed) -> Said:
    """A change of the rules waits for a second organiser."""
    facts = await house.database.read(editing.said_change, row.facts["change_id"])
    if facts is None or facts.settled:
        return Nothing("it is settled")
    _ = catalog(row.language).gettext
    lines = [
        _("[To confirm] {name} asks for a change of the rules: {title} · {round}").format(
            name=html.escape(facts.asked_name),
            title=html.escape(facts.title),
            round=html.escape(facts.round_name),
        ),
        *change_lines(facts, row.language),
        _("Reason: {reason}").format(reason=html.escape(facts.reason)),
    ]
    key = Key(_("Look and decide"), OpenChange(facts.id), style="primary")
    return Say(Card("\n".join(lines), ((key,),)))


async def rules_changed(house: House, row: Claimed) -> Said:
    """The rules of a round are other ones now; whoever is concerned reads what and why."""
    facts = await house.database.read(editing.said_change, row.facts["change_id"])
    if facts is None or not facts.confirmed:
        return Nothing("it was not confirmed")
    _ = catalog(row.language).gettext
    lines = [
        _("[Rules changed] {title} · {round}").format(
            title=html.escape(facts.title), round=html.escape(facts.round_name)
        ),
        *change_lines(facts, row.language),
        _("Reason: {reason}").format(reason=html.escape(facts.reason)),
        _("Two organisers have confirmed it. The rules are frozen anew."),
    ]
    return Say(Card("\n".join(lines), ((Key(_("Rules"), ShowRules(facts.round_id)),),)))


async def dates_moved(house: House, row: Claimed) -> Said:
    """Dates of a round have moved: how they are when this goes out."""
    found = await house.database.read(_round, row.facts["round_id"])
    if found is None:
        return Nothing("it is not under way any more")
    before = row.facts["before"]
    if all(_plain(found.fields[name]) == value for name, value in before.items()):
        return Nothing("it is as it was")
    _ = catalog(row.language).gettext
    lines = [
        _("[New dates] {title} · {round}").format(
            title=html.escape(found.title), round=html.escape(found.name)
        ),
        *values_text.round_dates(found.fields, row.language, house.zone, house.clock()),
        _("All other dates stay as they are."),
    ]
    key = Key(_("Open it"), ShowCompetition(found.competition_id))
    return Say(Card("\n".join(lines), ((key,),)))


async def cancelled(house: House, row: Claimed) -> Said:
    """A competition is called off: why, and thanks."""
    found = await house.database.read(views.cancelled, row.facts["competition_id"])
    if found is None:
        return Nothing("it is not cancelled")
    title, reason = found
    _ = catalog(row.language).gettext
    lines = [
        _("[Cancelled] {title}").format(title=html.escape(title)),
        _("Reason: {reason}").format(reason=html.escape(reason)),
        _("There is nothing more to do for it. Thank you for your work."),
    ]
    return Say(Card("\n".join(lines)))


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _round(session: Session, round_id: int) -> views.Dated | None:
    found = views.dated(session, round_id)
    return found if found is not None and found.state is CompetitionState.PUBLISHED else None
