"""Why not, in words: the refusals of this wing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from handlers.training.words import fact_key, joined
from locales import catalog, dates
from storage.refusals import Refusal
from storage.training.refusals import (
    Misfit,
    NominationGone,
    NotEligible,
    NotSelfRegistration,
    NotWithdrawable,
    OfferGone,
    ProgrammeCancelled,
    ProgrammePaused,
    ReasonNeeded,
    RegistrationClosed,
    RegistrationNotOpen,
    WaitingListFull,
)
from storage.training.tables import Enrolment, OfferState, Source


def misfit_text(misfit: Misfit, language: str) -> str:
    """One thing that is asked for and not there. HTML."""
    _ = catalog(language).gettext
    if misfit.key == "state":
        return _("it is for teachers in service")
    if misfit.key == "posting":
        return _("the roster has no school for you yet; please ask your school coordinator")
    if misfit.has:
        return _("it is for {what} {wanted}; the roster says {has}").format(
            what=fact_key(misfit.key, language),
            wanted=joined(misfit.wanted, language),
            has=joined(misfit.has, language),
        )
    return _("it is for {what} {wanted}").format(
        what=fact_key(misfit.key, language), wanted=joined(misfit.wanted, language)
    )


def misfits_text(misfits: tuple[Misfit, ...], language: str) -> str:
    """All of them in one line. HTML."""
    return joined_reasons([misfit_text(misfit, language) for misfit in misfits], language)


def joined_reasons(reasons: Sequence[str], language: str) -> str:
    """Several reasons in one line."""
    return ("; " if language == "en" else "；").join(reasons)


def training_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Say why not in a plain sentence of an alert's length; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()

    def at(moment: datetime) -> str:
        return dates.moment(moment, zone, language, today)

    match refusal:
        case RegistrationNotOpen(opens_at=opens_at):
            return _("Registration opens on {time}. I can remind you.").format(time=at(opens_at))
        case RegistrationClosed(closed_at=closed_at):
            return _("Registration closed on {time}.").format(time=at(closed_at))
        case ProgrammeCancelled():
            return _("This training has been cancelled.")
        case ProgrammePaused():
            return _(
                "This training is paused for the moment. What you have stays as it is; please "
                "try again when the organiser goes on."
            )
        case NotEligible(misfits=misfits):
            return _("This training is not for you this time: {reasons}.").format(
                reasons=html.unescape(misfits_text(misfits, language))
            )
        case NotSelfRegistration(enrolment=Enrolment.NOMINATION):
            return _("The school nominates for this training. Please talk to your coordinator.")
        case NotSelfRegistration(enrolment=Enrolment.AUTOMATIC):
            return _("Everybody concerned is enrolled in this training; nothing is left to do.")
        case NotSelfRegistration(enrolment=Enrolment.MENU):
            return _("One chooses this training from a menu; you are told when the menu opens.")
        case NotSelfRegistration():
            return _("This training is by invitation.")
        case WaitingListFull(limit=limit):
            ngettext = catalog(language).ngettext
            return ngettext(
                "All seats are taken, and the waiting list is full with {n} person.",
                "All seats are taken, and the waiting list is full with {n} persons.",
                limit,
            ).format(n=limit)
        case NotWithdrawable(source=Source.AUTOMATIC):
            return _(
                "This training is due for everybody concerned. If you cannot take part, your "
                "school coordinator can apply for an exemption."
            )
        case NotWithdrawable():
            return _("This can no longer be withdrawn here. Please talk to your coordinator.")
        case ReasonNeeded(deadline=deadline):
            return _("Withdrawing was free until {time}; now it needs a reason.").format(
                time=at(deadline)
            )
        case OfferGone(state=OfferState.ACCEPTED):
            return _("You have accepted this seat already.")
        case OfferGone(state=OfferState.LAPSED):
            return _("The time for this seat has run out; it went to the next person.")
        case OfferGone():
            return _("This offer is settled; the seat is no longer held.")
        case NominationGone():
            return _("This nomination has been answered already.")
    return ""
