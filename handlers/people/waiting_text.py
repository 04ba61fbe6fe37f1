"""What waits on a desk, in words: one line for each thing of each class."""

from __future__ import annotations

import html

from locales import catalog
from storage.waiting_for import Waiting


def waiting_text(waiting: Waiting, language: str) -> str:
    """One thing that waits, with its class where it is of one. HTML."""
    _ = catalog(language).gettext
    said = _what(waiting, language)
    if not waiting.title:
        return "· " + said
    return "· " + _("{title}: {what}").format(title=html.escape(waiting.title), what=said)


def _what(waiting: Waiting, language: str) -> str:
    n = waiting.count
    ngettext = catalog(language).ngettext
    match waiting.kind:
        case "approvals":
            text = ngettext("{n} registration to decide", "{n} registrations to decide", n)
        case "withdrawals":
            text = ngettext("{n} late withdrawal to decide", "{n} late withdrawals to decide", n)
        case "leaves":
            text = ngettext("{n} request for leave", "{n} requests for leave", n)
        case _:
            raise AssertionError(f"{waiting.kind} has no words")
    return text.format(n=n)
