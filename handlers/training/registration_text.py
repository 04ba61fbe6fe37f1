"""What came of a tap on Register or Withdraw, in a plain sentence of an alert's length."""

from __future__ import annotations

from locales import catalog
from storage.training.registration import Outcome, Withdrawal
from storage.training.tables import RegistrationState

LONGEST_TITLE = 40


def outcome_text(outcome: Outcome, language: str) -> str:
    """Say what the registration is now. Plain text, at most 200 characters."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    title = _shortened(outcome.title)
    match outcome.state:
        case RegistrationState.APPROVED | RegistrationState.ATTENDING:
            text = _("You have a place: {title}").format(title=title)
        case RegistrationState.SUBMITTED:
            text = _(
                "Your registration was received: {title}. A seat is kept for you; your school "
                "decides, usually within two working days."
            ).format(title=title)
        case RegistrationState.SCHOOL_APPROVED:
            text = _("Your school has approved: {title}. The county decides next.").format(
                title=title
            )
        case RegistrationState.WAITLISTED if outcome.place is not None:
            text = ngettext(
                "All seats are taken: {title}. You are number {n} on the waiting list.",
                "All seats are taken: {title}. You are number {n} on the waiting list.",
                outcome.place,
            ).format(title=title, n=outcome.place)
        case RegistrationState.OFFERED:
            text = _("A seat is held for you: {title}. Please accept it in private.").format(
                title=title
            )
        case RegistrationState.NOMINATED:
            text = _("Your school has nominated you: {title}. Please answer in private.").format(
                title=title
            )
        case RegistrationState.COMPLETED:
            text = _("You have completed this: {title}").format(title=title)
        case _:
            text = _("Your registration is noted: {title}").format(title=title)
    if outcome.clashes and outcome.is_new:
        text += "\n" + _("Please note: it clashes with {other}.").format(
            other=_shortened(outcome.clashes[0].title)
        )
    return text


def withdrawal_text(withdrawal: Withdrawal, language: str) -> str:
    """Say what came of the wish to withdraw."""
    _ = catalog(language).gettext
    title = _shortened(withdrawal.title)
    if withdrawal.requested:
        return _(
            "Your request to withdraw from {title} is with the school. Until it is decided you "
            "keep your place."
        ).format(title=title)
    return _("You have withdrawn: {title}").format(title=title)


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
