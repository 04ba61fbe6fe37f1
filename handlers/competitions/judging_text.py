"""Words of a venue: why something is not possible there, and how points are typed."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from locales import catalog, dates, numbers
from storage.competitions import ballots, reopening, revealing, seating
from storage.competitions.at_venue import NotUnderWay, TooEarlyAtVenue, TooLateAtVenue
from storage.competitions.ballots import Criterion
from storage.competitions.chasing import Lack, Missing
from storage.competitions.conflicts import Why
from storage.competitions.drawing import EntriesStillOpen, NothingToDraw, RulesJustChanged
from storage.competitions.panels import HasConflict, NobodyToDraw, NotOfTheRoster, PanelFull
from storage.competitions.timetable import DoesNotFit, TurnInThePast
from storage.refusals import Refusal


def why_text(why: Why, language: str) -> str:
    """Why somebody does not judge, in a few words."""
    _ = catalog(language).gettext
    return {
        Why.OWN: _("competes there"),
        Why.SCHOOL: _("of a school that competes there"),
        Why.MENTORSHIP: _("mentor and mentee"),
        Why.CO_AUTHOR: _("worked together on an entry"),
        Why.DECLARED: _("declared a conflict"),
    }[why]


def missing_lines(missing: Sequence[Missing], lacking: Sequence[Lack], language: str) -> list[str]:
    """Whose ballots are open, and which entries have too few judges."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = []
    if missing:
        judges = [_("judge {number} ({n})").format(number=m.number, n=m.count) for m in missing]
        lines.append(_("Still open: {judges}").format(judges=numbers.joined(judges, language)))
    grouped: dict[int, list[str]] = {}
    for one in lacking:
        grouped.setdefault(one.there, []).append(one.number)
    for there, called in grouped.items():
        lines.append(
            ngettext(
                "No. {numbers}: only {there} of the {n} ballot that the rules ask for.",
                "No. {numbers}: only {there} of the {n} ballots that the rules ask for.",
                lacking[0].needed,
            ).format(
                numbers=html.escape(numbers.joined(called, language)),
                there=there,
                n=lacking[0].needed,
            )
        )
    return lines


def judging_refused(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Say why; empty for a refusal of others."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    match refusal:
        case NotUnderWay():
            return _("This competition is not under way, so nothing was changed.")
        case TooEarlyAtVenue():
            return _("It is too early for this. The venue's desk says what comes first.")
        case TooLateAtVenue():
            return _("It is too late for this: the venue has gone on meanwhile.")
        case EntriesStillOpen():
            return _("Entries are open until {until}; the order is drawn after that.").format(
                until=dates.moment(refusal.until, zone, language, today)
            )
        case RulesJustChanged():
            return _(
                "A rule was changed, and those concerned are told first; the order can be drawn "
                "from {until} on."
            ).format(until=dates.moment(refusal.until, zone, language, today))
        case NothingToDraw():
            return _("There are no entries here yet, so there is nothing to draw.")
        case HasConflict():
            return _("They cannot judge here: {why} ({entries}).").format(
                why=why_text(refusal.why, language),
                entries=ngettext("{n} entry", "{n} entries", refusal.count).format(n=refusal.count),
            )
        case PanelFull():
            return _("A venue has at most {n} judges.").format(n=refusal.most)
        case NobodyToDraw():
            return _(
                "Nobody else teaches this subject here without a conflict. "
                "Please ask somebody by name, or an expert from outside."
            )
        case NotOfTheRoster():
            return _("Who leads the panel signs on the phone, so it cannot be an outside expert.")
        case DoesNotFit():
            return _("There is time for {room} turns, and {count} entries need one.").format(
                room=refusal.room, count=refusal.count
            )
        case TurnInThePast():
            return _("That time is over already. Please give one that is still to come.")
        case _:
            return _of_ballots(refusal, language)


def _of_ballots(refusal: Refusal, language: str) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match refusal:
        case ballots.InConflict():
            return _("You do not judge this entry: {why}. That is as it should be.").format(
                why=_own_why(refusal.why, language)
            )
        case ballots.Sealed():
            return _(
                "This ballot is handed in and sealed. Should it be changed, please ask for it back."
            )
        case ballots.Incomplete():
            return _("Points are missing for: {titles}").format(
                titles=html.escape(numbers.joined(refusal.titles, language))
            )
        case ballots.OutOfRange():
            return _("{title}: please give whole points from 0 to {most}.").format(
                title=html.escape(refusal.title), most=refusal.most
            )
        case revealing.BallotsMissing():
            return ngettext(
                "{n} ballot is missing. The chief judge can close without it, with a reason.",
                "{n} ballots are missing. The chief judge can close without them, with a reason.",
                refusal.count,
            ).format(n=refusal.count)
        case revealing.TooFewBallots():
            return ngettext(
                "No. {numbers} would have too few ballots: each entry needs {n}.",
                "No. {numbers} would have too few ballots: each entry needs {n}.",
                refusal.needed,
            ).format(numbers=numbers.joined(refusal.numbers, language), n=refusal.needed)
        case revealing.SealBroken():
            return _(
                "The marks of no. {numbers} are not those that were sealed, so nothing was "
                "revealed. Please have these ballots given anew, and tell the organiser."
            ).format(numbers=numbers.joined(refusal.numbers, language))
        case seating.PanelTooSmall():
            return _(
                "Each entry needs {needed} judges who may judge it; "
                "at the moment one has {there}. Please ask more judges; "
                "once judging has begun, the chief judge can also close with a reason."
            ).format(needed=refusal.needed, there=refusal.there)
        case seating.NoChief():
            return _("Please say first which judge leads the panel: they sign in the end.")
        case reopening.NothingAsked():
            return _("The judge has not asked for this ballot back.")
        case seating.NothingToJudge():
            return _("No entry has its place in the order yet.")
    return ""


def _own_why(why: Why, language: str) -> str:
    _ = catalog(language).gettext
    return {
        Why.OWN: _("it is your own"),
        Why.SCHOOL: _("it is of your school"),
        Why.MENTORSHIP: _("mentor and mentee"),
        Why.CO_AUTHOR: _("worked together on an entry"),
        Why.DECLARED: _("declared a conflict"),
    }[why]


def points_like(criteria: Iterable[Criterion]) -> str:
    """How points are typed, one for each criterion: half of each, to hint at none."""
    return " ".join(str(one.most // 2) for one in criteria)
