"""Conditions in words: what a programme asks beyond its audience, and what somebody lacks."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from handlers.training import words
from handlers.training.refusals_text import joined_reasons, misfit_text
from locales import catalog
from storage.refusals import Refusal
from storage.training.eligibility import (
    AT_LEAST,
    COMPLETED,
    CYCLE_HOURS,
    HIRE_YEAR,
    IN_SERVICE,
    IS,
    SINCE_NATIONAL,
    TITLE,
    NoSuchRule,
    RuleFacts,
)
from storage.training.refusals import ConditionsNotMet, Finding, Misfit, NotRecommended


def field(value: str, language: str) -> str:
    """What a condition asks about."""
    _ = catalog(language).gettext
    return {
        TITLE: _("professional title"),
        COMPLETED: _("completed training"),
        HIRE_YEAR: _("year of hire"),
        IN_SERVICE: _("years in service"),
        SINCE_NATIONAL: _("years since national training"),
        CYCLE_HOURS: _("hours in the cycle"),
    }.get(value) or words.fact_key(value, language)


def value(of: str, what: str, language: str) -> str:
    """A value of a field, as people say it."""
    return words.category(what, language) if of == COMPLETED else words.fact_value(what, language)


def rule_text(rule: RuleFacts | Finding, language: str) -> str:
    """One condition as a sentence without its full stop. HTML."""
    _ = catalog(language).gettext
    separator = ", " if language == "en" else "、"
    values = separator.join(html.escape(value(rule.field, one, language)) for one in rule.values)
    more = rule.op == AT_LEAST
    match rule.field:
        case "hire_year" if more:
            text = _("hired in {values} or later")
        case "hire_year":
            text = _("hired in {values} or earlier")
        case "years_in_service" if more:
            text = _("at least {values} years in service")
        case "years_in_service":
            text = _("at most {values} years in service")
        case "years_since_national" if more:
            text = _("no national training in the last {values} years")
        case "years_since_national":
            text = _("a national training not longer than {values} years ago")
        case "hours_in_cycle" if more:
            text = _("at least {values} hours in this cycle")
        case "hours_in_cycle":
            text = _("at most {values} hours in this cycle")
        case "completed" if rule.op == IS:
            text = _("a completed training of this kind: {values}")
        case "completed":
            text = _("no completed training of this kind yet: {values}")
        case _ if rule.op == IS:
            text = _("{what}: {values}")
        case _:
            text = _("{what}: not {values}")
    return text.format(what=html.escape(field(rule.field, language)), values=values)


def finding_text(finding: Finding, language: str) -> str:
    """One condition that is not met, and what the books say instead. HTML."""
    _ = catalog(language).gettext
    asked = rule_text(finding, language)
    separator = ", " if language == "en" else "、"
    has = separator.join(html.escape(value(finding.field, one, language)) for one in finding.has)
    template = _("it is for {asked}; the roster says {has}") if has else _("it is for {asked}")
    if not finding.hard:
        template = (
            _("it is recommended for {asked}; the roster says {has}")
            if has
            else _("it is recommended for {asked}")
        )
    return template.format(asked=asked, has=has)


def findings_text(findings: Sequence[Finding], language: str) -> str:
    """All of them in one line. HTML."""
    return joined_reasons([finding_text(one, language) for one in findings], language)


def unfit_text(reasons: Sequence[Misfit | Finding], language: str) -> str:
    """Why somebody cannot be sent: what the audience or a hard condition asks for. HTML."""
    said = [
        finding_text(one, language) if isinstance(one, Finding) else misfit_text(one, language)
        for one in reasons
    ]
    return joined_reasons(said, language)


def conditions_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why not, in a plain sentence of an alert's length; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case ConditionsNotMet(findings=findings):
            return _("This training is not for you this time: {reasons}.").format(
                reasons=html.unescape(findings_text(findings, language))
            )
        case NotRecommended(findings=findings):
            return _(
                "Please note: {reasons}. "
                "You can register all the same on the programme's card in private."
            ).format(reasons=html.unescape(findings_text(findings, language)))
        case NoSuchRule():
            return _("This condition cannot be set like that. Please choose again.")
    return ""
