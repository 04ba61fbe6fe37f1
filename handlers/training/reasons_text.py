"""The usual reasons for a no, each a key; what is typed instead stays as it is.

A usual reason is kept as its name, so that everybody reads it in their own language.
"""

from __future__ import annotations

from collections.abc import Mapping

from locales import catalog

USUAL = "usual."


def reasons(language: str) -> Mapping[str, str]:
    """Every usual reason by its name, as whoever is told no reads it."""
    _ = catalog(language).gettext
    return {
        "usual.duties": _("It falls on the same days as your duties at school."),
        "usual.turn": _("Another colleague goes this time."),
        "usual.many": _("Too many colleagues of your subject would be away."),
        "usual.fit": _("It is meant for another subject or stage."),
        "usual.before": _("You have had this kind of training not long ago."),
        "usual.full": _("There are more registrations than places."),
        "usual.listed": _("The list of participants has been handed in already."),
        "usual.needed": _("Your part in it cannot be taken by anybody else."),
        "usual.attendance": _("With this absence you would miss more than the rules allow."),
        "usual.swap": _("Please arrange it with a colleague on another day."),
        "usual.seconded": _("You are seconded or support another school."),
        "usual.retiring": _("You retire before the end of the school year."),
        "usual.maternity": _("You are on maternity leave."),
        "usual.sick": _("You are on sick leave for at least half of its time."),
        "usual.assigned": _("The county has given you another task for this time."),
        "usual.age": _("At your age it is no longer required."),
        "long_leave": _("You are on long leave."),
    }


def labels(language: str) -> Mapping[str, str]:
    """The same reasons as short keys."""
    _ = catalog(language).gettext
    return {
        "usual.duties": _("Clash of duties"),
        "usual.turn": _("Another's turn"),
        "usual.many": _("Too many away"),
        "usual.fit": _("Other subject or stage"),
        "usual.before": _("Had it recently"),
        "usual.full": _("Too few places"),
        "usual.listed": _("List handed in"),
        "usual.needed": _("Cannot be replaced"),
        "usual.attendance": _("Would miss too much"),
        "usual.swap": _("Another day"),
        "usual.seconded": _("Seconded"),
        "usual.retiring": _("Retires soon"),
        "usual.maternity": _("Maternity leave"),
        "usual.sick": _("Long sick leave"),
        "usual.assigned": _("Official task"),
        "usual.age": _("By age"),
        "long_leave": _("On long leave"),
    }


OFFERED: Mapping[str, tuple[str, ...]] = {
    "return": ("usual.duties", "usual.turn", "usual.many", "usual.fit", "usual.before"),
    "reject": ("usual.full", "usual.fit", "usual.before"),
    # Those of domain/3-rates.md §3.4.2: who is exempt leaves the denominator of every rate.
    "exempt": (
        "usual.maternity",
        "usual.sick",
        "long_leave",
        "usual.seconded",
        "usual.assigned",
        "usual.retiring",
        "usual.age",
    ),
    "keep": ("usual.listed", "usual.needed"),
    "leave": ("usual.attendance", "usual.needed", "usual.swap"),
}
"""Which of them fit which no."""


def reason_text(reason: str, language: str) -> str:
    """A reason as it is read: a usual one in words, a typed one as it was typed. Plain text."""
    return reasons(language).get(reason, reason)
