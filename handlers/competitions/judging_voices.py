"""What judges and entrants are told unprompted: you are asked, your turn, your ballots."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key
from handlers.competitions.buttons import OpenJudging, OpenVenue
from handlers.competitions.judging import invitation_card
from handlers.competitions.judging_buttons import OpenBallot, OpenScores, ReopenBallot, ShowProof
from handlers.competitions.venue import heading
from handlers.context import House
from handlers.messaging.voices import Nothing, Said, Say
from locales import catalog, dates
from storage.competitions import at_venue, ballots, panels, timetable, venue_news
from storage.competitions.tables import JudgeState, VenueState
from storage.competitions.timetable import MyTurn
from storage.competitions.venue_news import What
from storage.messaging.outbox import Claimed
from storage.moments import local_day
from storage.refusals import NotFound


async def invited(house: House, row: Claimed) -> Said:
    """Somebody is asked to judge; nothing when they have answered or it is over."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    try:
        facts = await house.database.read(
            panels.invitation, row.teacher_id, row.facts["judge_id"], now=house.clock()
        )
    except NotFound:
        return Nothing("they are not asked any more")
    if facts.state is not JudgeState.INVITED or facts.is_over:
        return Nothing("it is answered, or over")
    today = local_day(house.clock(), house.zone)
    return Say(invitation_card(facts, row.language, house.zone, today))


def turn_card(
    facts: MyTurn, language: str, zone: ZoneInfo, today: date, was: datetime | None = None
) -> Card:
    """Your number and your turn, and which it was before."""
    _ = catalog(language).gettext
    lines = []
    if was is not None and was != facts.slot_at:
        lines.append(
            _("[Change] Your turn has been moved; it was {when}.").format(
                when=dates.moment(was, zone, language, today)
            )
        )
    elif was is not None:
        lines.append(_("[Change] The place of your turn is another."))
    lines += [
        heading(facts.competition, facts.round, facts.title),
        _("Your number: <b>{number}</b>").format(number=html.escape(facts.number)),
    ]
    if facts.slot_at is not None:
        lines.append(
            _("Your turn: <b>{when}</b>").format(
                when=dates.moment(facts.slot_at, zone, language, today)
            )
        )
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    lines.append(
        _("To check the draw: your entry is registered as {entry}.").format(entry=facts.entry_id)
    )
    lines.append(_("Judges know your number alone. We wish you all the best."))
    return Card("\n".join(lines), ((Key(_("How to check"), ShowProof(facts.venue_id)),),))


async def turn(house: House, row: Claimed) -> Said:
    """When an entrant has their turn, as it stands now."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    facts = await house.database.read(timetable.my_turn, row.teacher_id, row.facts["place_id"])
    if facts is None or not facts.is_to_come:
        return Nothing("there is no turn any more")
    today = local_day(house.clock(), house.zone)
    known = row.facts.get("was")
    was = None if known is None else datetime.fromisoformat(known)
    return Say(turn_card(facts, row.language, house.zone, today, was))


async def chased(house: House, row: Claimed) -> Said:
    """A judge still owes ballots."""
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    venue_id = row.facts["venue_id"]
    try:
        facts = await house.database.read(ballots.judging, row.teacher_id, venue_id)
    except NotFound:
        return Nothing("they do not judge any more")
    if not facts.open or facts.is_over or facts.state is not VenueState.JUDGING:
        return Nothing("nothing is owed")
    catalogue = catalog(row.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = "\n".join(
        [
            heading(facts.competition, facts.round, facts.track),
            ngettext(
                "A gentle reminder: {n} ballot of yours is still open.",
                "A gentle reminder: {n} ballots of yours are still open.",
                facts.open,
            ).format(n=facts.open),
            _("The marks are revealed when all are in. Thank you for judging."),
        ]
    )
    return Say(Card(text, ((Key(_("To judging"), OpenJudging(venue_id), style="primary"),),)))


async def news(house: House, row: Claimed) -> Said:
    """Something has happened at a venue, to who holds it."""
    venue_id, what = row.facts["venue_id"], row.facts["what"]
    if not await house.database.read(venue_news.is_true, venue_id, what):
        return Nothing("it is not so any more")
    found = await house.database.read(at_venue.here, venue_id)
    _ = catalog(row.language).gettext
    text = {
        What.ALL_IN: _("All ballots are in; the marks can be revealed."),
        What.LEFT: _("Judge {judge} does not judge here. Perhaps another has to be asked."),
        What.SET_ASIDE: _("Judge {judge} does not judge no. {number}, because of a conflict."),
    }[What(what)]
    lines = [
        heading(found.competition.title, found.round.name, found.track.title),
        text.format(
            judge=row.facts.get("judge", ""), number=html.escape(row.facts.get("number", ""))
        ),
    ]
    go = Key(_("The venue"), OpenVenue(venue_id), style="primary")
    return Say(Card("\n".join(lines), ((go,),)))


async def to_sign(house: House, row: Claimed) -> Said:
    """The marks are open: the chief judge is asked to sign."""
    venue_id = row.facts["venue_id"]
    if not await house.database.read(venue_news.is_true, venue_id, venue_news.SIGN):
        return Nothing("it is signed")
    found = await house.database.read(at_venue.here, venue_id)
    _ = catalog(row.language).gettext
    lines = [
        heading(found.competition.title, found.round.name, found.track.title),
        _("The marks are revealed. As chief judge, please look at the scores and sign them."),
    ]
    go = Key(_("Scores"), OpenScores(venue_id), style="primary")
    return Say(Card("\n".join(lines), ((go,),)))


async def reopen_asked(_house: House, row: Claimed) -> Said:
    """A judge asks for a sealed ballot; no word of what it says."""
    _ = catalog(row.language).gettext
    text = _(
        "Judge {judge} asks for the ballot of no. {number} back, to change it. "
        "If you give it back, the log keeps that, and it is sealed anew."
    ).format(judge=row.facts["judge"], number=html.escape(row.facts["number"]))
    give = Key(_("Give it back"), ReopenBallot(row.facts["ballot_id"]), style="primary")
    return Say(Card(text, ((give,),)))


async def reopened(_house: House, row: Claimed) -> Said:
    """A ballot has come back to its judge."""
    _ = catalog(row.language).gettext
    text = _("The ballot of no. {number} is open again. Please hand it in once more.").format(
        number=html.escape(row.facts["number"])
    )
    go = Key(_("To the ballot"), OpenBallot(row.facts["ballot_id"]), style="primary")
    return Say(Card(text, ((go,),)))
