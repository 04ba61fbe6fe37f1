"""Why something after the judging cannot be done, and what to do next."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from locales import catalog, dates
from storage.competitions import awarding, deciding, forwarding, objections, outside, publicity
from storage.moments import local_day
from storage.refusals import Refusal


def after_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why something of a list stays as it is; empty for what is not ours."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = local_day(now, zone)
    match refusal:
        case deciding.NotSigned():
            return _("The scores are not all in and signed yet.")
        case deciding.ListChanged():
            return _("The list has changed since you looked. Please look at it once more.")
        case forwarding.TooLateToForward():
            return _(
                "The time of forwarding was over {when}. Please speak to the organiser."
            ).format(when=dates.moment(refusal.due, zone, language, today))
        case forwarding.NotStandingYet():
            return _("The list does not stand yet: it can still change.")
        case forwarding.NothingToForward():
            return _("This entry does not wait to be forwarded.")
        case publicity.NotAllDecided():
            return ngettext(
                "{n} venue has no list that stands yet.",
                "{n} venues have no list that stands yet.",
                refusal.venues,
            ).format(n=refusal.venues)
        case publicity.NothingPublic():
            return _("There is nothing to be put on public display in this round.")
        case publicity.TooEarlyToShow():
            return _("Public display begins {day}.").format(
                day=dates.day(refusal.day, language, today)
            )
        case objections.NotOnDisplay():
            return _("The list is not on public display any more.")
        case objections.TooManyObjections():
            return _("Three of your objections to this list are being looked into already.")
        case objections.BeingAnswered():
            return _("It is being answered at this moment, so it cannot be taken back any more.")
        case objections.AnswerMissing():
            return _("Please give the answer in words.")
        case objections.WrongScore(most=0):
            return _("Please type the score first, as a number, and then the reason.")
        case objections.WrongScore():
            return _("A score is a number from 0 to {most}.").format(most=refusal.most)
        case awarding.TooEarlyToConfirm():
            return _("The time of public display is not over yet.")
        case awarding.ObjectionsOpen():
            return _("The result can stand once the objections are answered.")
        case awarding.ReasonMissing():
            return _("Please give the reason in words.")
        case awarding.AlreadySettled():
            return _("This proposal is settled already.")
        case outside.QuotaFull():
            return ngettext(
                "There is {n} place, and it is taken.",
                "There are {n} places, and they are taken.",
                refusal.places,
            ).format(n=refusal.places)
        case outside.NotNominated():
            return _("This is not possible for this entry as it stands now.")
        case _:
            return ""
