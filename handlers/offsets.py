"""The steps of a deadline in words: how far from it something is said."""

from __future__ import annotations

from locales import catalog
from storage.calendar.steps import WEEKLY, Count, parse_offset


def offset_text(name: str, language: str) -> str:
    """A step by its name, such as ``T-3`` or ``W+2``: ``3 working days before``, ``every week``."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if name.startswith(("W", WEEKLY)):
        return _("every week")
    offset = parse_offset(name)
    n = offset.number
    if not n:
        return _("the same day")
    before, after = {
        Count.HOURS: (
            ngettext("{n} hour before", "{n} hours before", n),
            ngettext("{n} hour after", "{n} hours after", n),
        ),
        Count.DAYS: (
            ngettext("{n} day before", "{n} days before", n),
            ngettext("{n} day after", "{n} days after", n),
        ),
        Count.WORKDAYS: (
            ngettext("{n} working day before", "{n} working days before", n),
            ngettext("{n} working day after", "{n} working days after", n),
        ),
    }[offset.count]
    return (after if offset.after else before).format(n=n)
