"""What waits on a desk, in words: one line for each thing of each class."""

from __future__ import annotations

import html

from locales import catalog, dates
from storage.waiting_for import Waiting


def waiting_text(waiting: Waiting, language: str) -> str:
    """One thing that waits, with its class where it is of one. HTML."""
    _ = catalog(language).gettext
    if waiting.classes > 1:
        return _of_classes(waiting, language)
    said = _what(waiting, language)
    if not waiting.title:
        return said
    return _("{title}: {what}").format(title=html.escape(waiting.title), what=said)


def _of_classes(waiting: Waiting, language: str) -> str:
    """What waits in several classes; persons are not added up, some are in two of them."""
    ngettext = catalog(language).ngettext
    match waiting.kind:
        case "thin" | "drafts" | "ended":
            return _what(waiting, language)
        case "hours":
            text = ngettext(
                "hours to post in {n} class", "hours to post in {n} classes", waiting.classes
            )
        case "hours_changed":
            text = ngettext(
                "hours to put right in {n} class",
                "hours to put right in {n} classes",
                waiting.classes,
            )
        case "hours_dropped":
            text = ngettext(
                "hours to take back in {n} class",
                "hours to take back in {n} classes",
                waiting.classes,
            )
        case "confirm_hours":
            text = ngettext(
                "hours to confirm in {n} class", "hours to confirm in {n} classes", waiting.classes
            )
        case _:
            text = ngettext("{what}, in {n} class", "{what}, in {n} classes", waiting.classes)
    return text.format(n=waiting.classes, what=_what(waiting, language))


def _what(waiting: Waiting, language: str) -> str:
    """What waits, without its class."""
    n = waiting.count
    ngettext = catalog(language).ngettext
    match waiting.kind:
        case "approvals":
            text = ngettext("{n} registration to decide", "{n} registrations to decide", n)
        case "withdrawals":
            text = ngettext("{n} late withdrawal to decide", "{n} late withdrawals to decide", n)
        case "leaves":
            text = ngettext("{n} request for leave", "{n} requests for leave", n)
        case "nominate":
            text = ngettext("{n} seat to fill", "{n} seats to fill", n)
        case "thin":
            text = ngettext("{n} class is too small", "{n} classes are too small", n)
        case "drafts":
            text = ngettext("{n} draft to publish", "{n} drafts to publish", n)
        case "ended":
            text = ngettext("{n} class to close", "{n} classes to close", n)
        case "hosting":
            text = ngettext(
                "{n} training with guests at your school",
                "{n} trainings with guests at your school",
                n,
            )
        case "attendance":
            text = ngettext(
                "attendance of {n} meeting to enter", "attendance of {n} meetings to enter", n
            )
        case "work":
            text = ngettext("{n} piece of work to review", "{n} pieces of work to review", n)
        case "study_claims":
            text = ngettext(
                "{n} word of study not updated yet", "{n} words of study not updated yet", n
            )
        case "results":
            text = ngettext("{n} result to enter", "{n} results to enter", n)
        case "make_up" if waiting.window is not None:
            text = ngettext(
                "{n} person could make up what is missing, {days}",
                "{n} people could make up what is missing, {days}",
                n,
            )
        case "make_up":
            text = ngettext(
                "{n} person could make up what is missing",
                "{n} people could make up what is missing",
                n,
            )
        case "hours":
            text = ngettext("hours of {n} person to post", "hours of {n} persons to post", n)
        case "hours_changed":
            text = ngettext(
                "hours of {n} person to put right", "hours of {n} persons to put right", n
            )
        case "hours_dropped":
            text = ngettext(
                "hours of {n} person to take back", "hours of {n} persons to take back", n
            )
        case "confirm_hours":
            text = ngettext("hours of {n} person to confirm", "hours of {n} persons to confirm", n)
        case "claims":
            text = ngettext("{n} claim of hours", "{n} claims of hours", n)
        case "appeals":
            text = ngettext("{n} appeal about hours", "{n} appeals about hours", n)
        case "appeals_overdue":
            text = ngettext("{n} appeal is overdue", "{n} appeals are overdue", n)
        case "questions":
            text = ngettext("{n} question about a notice", "{n} questions about notices", n)
        case "overdue":
            text = ngettext(
                "{n} notice not confirmed in time",
                "{n} notices not confirmed in time",
                n,
            )
        case "notices":
            text = ngettext("{n} urgent notice to agree to", "{n} urgent notices to agree to", n)
        case "rule_changes":
            text = ngettext("{n} change of rules to confirm", "{n} changes of rules to confirm", n)
        case "entries":
            text = ngettext(
                "{n} competition entry to accept", "{n} competition entries to accept", n
            )
        case "venues":
            text = ngettext(
                "{n} venue of a competition to arrange", "{n} venues of competitions to arrange", n
            )
        case "reveals":
            text = ngettext(
                "{n} venue whose marks are all in", "{n} venues whose marks are all in", n
            )
        case "lists":
            text = ngettext(
                "{n} list of a competition to decide", "{n} lists of competitions to decide", n
            )
        case "forwarding":
            text = ngettext("{n} entry to forward", "{n} entries to forward", n)
        case "publicity":
            text = ngettext(
                "{n} list to put on public display", "{n} lists to put on public display", n
            )
        case "list_results":
            text = ngettext("{n} result to confirm", "{n} results to confirm", n)
        case "objections":
            text = ngettext("{n} objection to answer", "{n} objections to answer", n)
        case "pushing":
            text = ngettext("{n} entry to send up", "{n} entries to send up", n)
        case "outcomes":
            text = ngettext("{n} outcome to enter", "{n} outcomes to enter", n)
        case "tiers":
            text = ngettext("{n} proposal for a tier", "{n} proposals for a tier", n)
        case "groups":
            text = ngettext("{n} group to connect", "{n} groups to connect", n)
        case _:
            raise AssertionError(f"{waiting.kind} has no words")
    return text.format(
        n=n, days="" if waiting.window is None else dates.days(*waiting.window, language)
    )
