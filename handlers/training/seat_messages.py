"""What is said of seats unasked: nominations, allotments, and classes that are too small."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key
from handlers.context import House
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import Home
from handlers.training.allotting import OpenSeats, SettleThin, reserves_text
from handlers.training.buttons import AnswerNomination, OpenProgramme
from handlers.training.nominating_buttons import OpenMembers
from locales import catalog, dates
from storage.messaging.outbox import Claimed
from storage.refusals import NotFound
from storage.training import allotting, nominating, thinning
from storage.training.allotting import SchoolAllotment
from storage.training.nominating import Chosen
from storage.training.tables import RegistrationState
from storage.training.thinning import Thin

SENT = (RegistrationState.SCHOOL_APPROVED, RegistrationState.APPROVED)


async def nominated(house: House, row: Claimed) -> Said:
    """The school sends this person: to be answered, or decided already."""
    chosen = await _chosen(house, row)
    if chosen is None or not chosen.takes_place:
        return Nothing("the nomination is gone")
    zone, now = house.zone, house.clock()
    if chosen.state is RegistrationState.NOMINATED and now < chosen.starts_at:
        return Say(nomination_card(chosen, row.language, zone, now))
    if chosen.state in SENT:
        return Say(sent_card(chosen, row.language, zone, now))
    return Nothing("the nomination is settled")


async def replaced(house: House, row: Claimed) -> Said:
    """Somebody else goes in this person's place."""
    chosen = await _chosen(house, row)
    if chosen is None or chosen.state is not RegistrationState.WITHDRAWN:
        return Nothing("the person is in again")
    return Say(replaced_card(chosen, row.language))


async def nomination_gone(house: House, row: Claimed) -> Said:
    """The school has taken the nomination back."""
    chosen = await _chosen(house, row)
    if chosen is None or chosen.state is not RegistrationState.WITHDRAWN:
        return Nothing("the person is in again")
    return Say(taken_back_card(chosen, row.language))


async def allotted(house: House, row: Claimed) -> Said:
    """A school's coordinator has other seats in a class, unless it was undone."""
    now = house.clock()
    facts = await house.database.read(
        allotting.of_school,
        row.facts["batch_id"],
        row.facts["unit_id"],
        row.facts["deed_id"],
        now=now,
    )
    if facts is None:
        return Nothing("it was undone, or it is past")
    return Say(allotted_card(facts, row.language, house.zone, now.astimezone(house.zone).date()))


async def thin_class(house: House, row: Claimed) -> Said:
    """A class is too small a day before that is decided."""
    try:
        facts = await house.database.read(thinning.thin, row.facts["batch_id"])
    except NotFound:
        return Nothing("the class has no minimum any more")
    if facts.is_settled or facts.is_cancelled or not facts.is_thin:
        return Nothing("it is settled")
    zone = house.zone
    today = house.clock().astimezone(zone).date()
    return Say(thin_card(facts, row.language, zone, today))


async def _chosen(house: House, row: Claimed) -> Chosen | None:
    try:
        return await house.database.read(nominating.chosen, row.facts["registration_id"])
    except NotFound:
        return None


def nomination_card(chosen: Chosen, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Ask a teacher whether they go."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    text = _(
        "Your school would like to send you to <b>{title}</b>, {when}, {place}.\n"
        "Please answer {before}. If it does not suit you, a colleague can go instead."
    ).format(
        title=html.escape(chosen.title),
        when=dates.span(chosen.starts_at, chosen.ends_at, zone, language, today),
        place=html.escape(chosen.place) or _("place to be announced"),
        before=dates.before(chosen.answer_by, zone, language, today),
    )
    return Card(
        text,
        (
            (
                Key(_("Agree to go"), AnswerNomination(chosen.batch_id, 1), style="success"),
                Key(_("Not this time"), AnswerNomination(chosen.batch_id, 0)),
            ),
            (Key(_("View"), OpenProgramme(chosen.batch_id)),),
        ),
    )


def sent_card(chosen: Chosen, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Tell a teacher that the school sends them."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    text = _(
        "Your school sends you to <b>{title}</b>, {when}. "
        "If that is not possible, please talk to your coordinator."
    ).format(
        title=html.escape(chosen.title),
        when=dates.span(chosen.starts_at, chosen.ends_at, zone, language, today),
    )
    return Card(text, ((Key(_("View"), OpenProgramme(chosen.batch_id)), Key(_("Menu"), Home())),))


def replaced_card(chosen: Chosen, language: str) -> Card:
    """Tell a teacher that a colleague goes instead."""
    _ = catalog(language).gettext
    text = _(
        "A colleague goes to <b>{title}</b> in your place. There is nothing left for you to do; "
        "your coordinator knows more."
    ).format(title=html.escape(chosen.title))
    return Card(text, ((Key(_("Menu"), Home()),),))


def taken_back_card(chosen: Chosen, language: str) -> Card:
    """Tell a teacher that the school does not ask any more."""
    _ = catalog(language).gettext
    text = _(
        "Your school has taken back its nomination for <b>{title}</b>. There is nothing left for "
        "you to do; your coordinator knows more."
    ).format(title=html.escape(chosen.title))
    return Card(text, ((Key(_("Menu"), Home()),),))


def allotted_card(facts: SchoolAllotment, language: str, zone: ZoneInfo, today: date) -> Card:
    """Tell a school's coordinator of its seats."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [
        ngettext(
            "{school} has {n} seat in <b>{title}</b>.",
            "{school} has {n} seats in <b>{title}</b>.",
            facts.seats,
        ).format(school=html.escape(facts.school), n=facts.seats, title=html.escape(facts.title))
    ]
    if any(facts.reserved.values()):
        lines.append(
            _("Reserved among them: {kinds}").format(
                kinds=html.escape(reserves_text(facts.reserved, language))
            )
        )
    if facts.nominate_close is not None:
        lines.append(
            _("Please nominate {before}.").format(
                before=dates.before(facts.nominate_close, zone, language, today)
            )
        )
    if facts.release_at is not None:
        lines.append(
            _("Unused seats of schools go to everybody on {time}.").format(
                time=dates.moment(facts.release_at, zone, language, today)
            )
        )
    return Card("\n".join(lines), ((Key(_("My people"), OpenMembers(facts.batch_id)),),))


def thin_card(facts: Thin, language: str, zone: ZoneInfo, today: date) -> Card:
    """Ask whoever runs a class that is too small."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "[To do] <b>{title}</b> has {n} person so far; the smallest class is {minimum}.\n"
        "Without a word from you it is cancelled on {time}, and everybody in it is told.",
        "[To do] <b>{title}</b> has {n} persons so far; the smallest class is {minimum}.\n"
        "Without a word from you it is cancelled on {time}, and everybody in it is told.",
        facts.seated,
    ).format(
        title=html.escape(facts.title),
        n=facts.seated,
        minimum=facts.minimum,
        time=dates.moment(facts.thin_at, zone, language, today),
    )
    return Card(
        text,
        (
            (Key(_("Run it all the same"), SettleThin(facts.batch_id, 1), style="success"),),
            (Key(_("Cancel the class"), SettleThin(facts.batch_id, 0)),),
            (Key(_("Seats"), OpenSeats(facts.batch_id)),),
        ),
    )
