"""The deadlines of competitions in a line, for the brief and for the daily list above."""

from __future__ import annotations

import html

from locales import catalog, numbers
from storage.competitions.completeness import Lacking
from storage.competitions.timetable import MyTurn

KINDS = frozenset(
    {
        "entry_close",
        "material_due",
        "round_day",
        "result_due",
        "ballots_due",
        "judge_answer",
        "venue_materials",
        "forward_due",
        "publicity",
        "external_close",
    }
)


def sentence(kind: str, language: str, *, has_place: bool) -> str:
    """What is due, with {title}, {when} and {place} to be filled in; empty for other kinds."""
    _ = catalog(language).gettext
    sentences = {
        "entry_close": _("<b>{title}</b>: entries close {when}."),
        "material_due": _(
            "<b>{title}</b>: something you have to hand in is still missing; it is due {when}."
        ),
        "round_day": _("<b>{title}</b> begins {when}, {place}.")
        if has_place
        else _("<b>{title}</b> begins {when}."),
        "result_due": _("<b>{title}</b>: the list is due {when} and not decided yet."),
        "ballots_due": _("<b>{title}</b>: some of your ballots are still open, due {when}."),
        "judge_answer": _(
            "<b>{title}</b> begins {when}: please say whether you can serve as a judge."
        ),
        "venue_materials": _(
            "<b>{title}</b>: an entry still lacks materials or waits to be accepted, by {when}."
        ),
        "forward_due": _("<b>{title}</b>: please forward those who go on by {when}."),
        "publicity": _("<b>{title}</b>: the list is on public display until {when}."),
        "external_close": _("<b>{title}</b>: the level above closes {when}."),
    }
    return sentences.get(kind, "")


def lacking_text(title: str, when: str, facts: Lacking, language: str) -> str:
    """M20: an entry's materials are due, and what it lacks; ``title`` is HTML."""
    _ = catalog(language).gettext
    what = numbers.joined([html.escape(each) for each in facts.titles], language)
    lines = [
        _("Materials for <b>{title}</b>, in which you take part, are due {due}.").format(
            title=title, due=when
        ),
        _("Still missing: {what}").format(what=what),
    ]
    if facts.is_blind:
        lines.append(
            _("Work is judged without names: please keep school and personal names out of it.")
        )
    return "\n".join(lines)


def turn_text(title: str, when: str, facts: MyTurn, language: str) -> str:
    """When one's own turn is, where and under which number; ``title`` is HTML."""
    _ = catalog(language).gettext
    text = (
        _("<b>{title}</b>: your turn is {when}, {place}; your number is {number}.")
        if facts.place
        else _("<b>{title}</b>: your turn is {when}; your number is {number}.")
    )
    return text.format(
        title=title, when=when, place=html.escape(facts.place), number=html.escape(facts.number)
    )


def kind_name(kind: str, language: str) -> str:
    """Name the kind; empty for other kinds."""
    _ = catalog(language).gettext
    return {
        "entry_close": _("entries close"),
        "material_due": _("materials are due"),
        "round_day": _("day of the round"),
        "result_due": _("the list is due"),
        "ballots_due": _("ballots are due"),
        "judge_answer": _("judges are to answer"),
        "venue_materials": _("entries at one's venue are to be complete"),
        "forward_due": _("forwarding is due"),
        "publicity": _("publicity ends"),
        "external_close": _("the level above closes"),
    }.get(kind, "")


def count(kind: str, number: int, language: str) -> str:
    """How much is still owed, as people say it; empty for other kinds."""
    ngettext = catalog(language).ngettext
    match kind:
        case "entry_close":
            text = ngettext("{n} has not entered", "{n} have not entered", number)
        case "material_due":
            text = ngettext("{n} without materials", "{n} without materials", number)
        case "round_day":
            text = ngettext("{n} not reached by messages", "{n} not reached by messages", number)
        case "result_due":
            text = ngettext("{n} list not decided", "{n} lists not decided", number)
        case "ballots_due":
            text = ngettext("{n} judge with open ballots", "{n} judges with open ballots", number)
        case "judge_answer":
            text = ngettext("{n} judge has not answered", "{n} judges have not answered", number)
        case "forward_due" | "external_close":
            text = ngettext("{n} entry not forwarded", "{n} entries not forwarded", number)
        case _:
            return ""
    return text.format(n=number)
