"""Claims and appeals in words: one of each, their states, and why not."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.context import shortened
from handlers.credits.words import amount, category_name, level_name
from locales import catalog, dates
from storage.credits import appeals, claims, ledger, posting
from storage.credits.appeals import AppealFacts
from storage.credits.claims import ClaimFacts, Filled, Twin
from storage.credits.tables import AppealState, ClaimState, EntryState
from storage.refusals import Refusal

TITLE = 60


def claim_state(state: ClaimState, language: str, by_school: bool = False) -> str:
    """Where a claim stands, in the teacher's own words; ``by_school``: it has confirmed it."""
    _ = catalog(language).gettext
    if state is ClaimState.SCHOOL_OK and by_school:
        return _("confirmed by the school, with the county")
    return {
        ClaimState.SUBMITTED: _("handed in, with the school"),
        ClaimState.SCHOOL_OK: _("with the county"),
        ClaimState.ACCEPTED: _("accepted, hours posted"),
        ClaimState.RETURNED: _("returned, please correct it"),
        ClaimState.REFUSED: _("not accepted"),
        ClaimState.WITHDRAWN: _("withdrawn"),
    }[state]


def appeal_state(state: AppealState, language: str) -> str:
    """Where an appeal stands, in the teacher's own words."""
    _ = catalog(language).gettext
    return {
        AppealState.OPEN: _("with the school"),
        AppealState.SCHOOL_REVIEWED: _("with the county"),
        AppealState.ACCEPTED: _("accepted and put right"),
        AppealState.REFUSED: _("answered; the entry stands"),
        AppealState.WITHDRAWN: _("withdrawn"),
    }[state]


def claim_lines(
    title: str,
    provider: str,
    learnt_on: date,
    hours: str,
    level: str,
    category: str,
    language: str,
    today: date,
) -> list[str]:
    """What was learnt, where, when, and what it should be worth."""
    _ = catalog(language).gettext
    return [
        f"<b>{html.escape(title)}</b>",
        _("Provider: {provider}").format(provider=html.escape(provider)),
        _("{day} · {hours}").format(day=dates.day(learnt_on, language, today), hours=hours),
        _("{level} · {category}").format(
            level=level_name(level, language),
            category=html.escape(category_name(category, language)),
        ),
    ]


def claim_text(facts: ClaimFacts, language: str, today: date) -> str:
    """One claim as its teacher sees it."""
    _ = catalog(language).gettext
    lines = claim_lines(
        facts.title,
        facts.provider,
        facts.learnt_on,
        amount(facts.hours, "hour", language),
        facts.level,
        facts.category,
        language,
        today,
    )
    lines.append(
        _("State: {state}").format(state=claim_state(facts.state, language, facts.by_school))
    )
    if facts.answer:
        lines.append(_("Reason: {reason}").format(reason=html.escape(facts.answer)))
    return "\n".join(lines)


def twins_lines(twins: Sequence[Twin], language: str, today: date) -> list[str]:
    """What looks like the same learning."""
    _ = catalog(language).gettext
    return [
        (
            _("Looks alike and is posted: {title}, {day}, {hours}")
            if twin.is_posted
            else _("Looks alike and is claimed: {title}, {day}, {hours}")
        ).format(
            title=html.escape(shortened(twin.title, TITLE)),
            day=dates.day(twin.day, language, today),
            hours=amount(twin.hours, "hour", language),
        )
        for twin in twins[:3]
    ]


def review_text(facts: ClaimFacts, waiting: int, language: str, today: date) -> str:
    """One claim as whoever reviews it sees it."""
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    lines = [
        ngettext("<b>Claims</b>: {n} waits", "<b>Claims</b>: {n} wait", waiting).format(n=waiting),
        _("{name}, {school}").format(name=html.escape(facts.name), school=html.escape(facts.unit)),
        *claim_lines(
            facts.title,
            facts.provider,
            facts.learnt_on,
            amount(facts.hours, "hour", language),
            facts.level,
            facts.category,
            language,
            today,
        ),
    ]
    if facts.is_long:
        lines.append(_("More hours than one day brings; is this several days?"))
    lines += twins_lines(facts.twins, language, today)
    if not facts.file_id:
        lines.append(_("There is no evidence with it."))
    return "\n".join(lines)


def draft_text(filled: Filled, twins: Sequence[Twin], language: str, today: date) -> str:
    """What is filled in, before it is handed in."""
    _ = catalog(language).gettext
    assert filled.learnt_on is not None
    assert filled.hours is not None
    lines = [
        _("Please look at it once more:"),
        *claim_lines(
            filled.title,
            filled.provider,
            filled.learnt_on,
            amount(filled.hours, "hour", language),
            filled.level,
            filled.category,
            language,
            today,
        ),
        (
            _("Evidence: {name}").format(name=html.escape(filled.file_name))
            if filled.file_name
            else _("Evidence: a photo")
        ),
        *twins_lines(twins, language, today),
    ]
    return "\n".join(lines)


def ask_text(field: str, language: str) -> str:
    """What to give next."""
    _ = catalog(language).gettext
    return {
        "title": _("What was it called? Please type the title of the training."),
        "provider": _("Who held it? Please type the provider."),
        "learnt_on": _("On which day did it end? For example 2026-10-17."),
        "hours": _("How many hours was it, in training hours of 45 minutes? For example 6."),
        "level": _("Of which level was it?"),
        "category": _("What was it about?"),
        "file_id": _(
            "Please send the evidence: a photo of the certificate, or a file. "
            "Only your school and the county see it."
        ),
    }[field]


def appeal_text(facts: AppealFacts, language: str, today: date) -> str:
    """One appeal, as everybody concerned sees it."""
    _ = catalog(language).gettext
    lines = []
    line = facts.line
    if line is None:
        lines.append(_("Hours that are missing"))
    else:
        lines.append(f"<b>{html.escape(line.title)}</b>")
        if line.state is EntryState.REVERSED:
            sentence = _("{day} · {level} · {category} · {amount}, taken back")
        elif line.state is EntryState.DISPUTED:
            sentence = _("{day} · {level} · {category} · {amount}, under review")
        else:
            sentence = _("{day} · {level} · {category} · {amount}")
        lines.append(
            sentence.format(
                day=dates.day(line.earned_on, language, today),
                level=level_name(line.level, language),
                category=html.escape(category_name(line.category, language)),
                amount=amount(line.hours, "hour", language),
            )
        )
    lines.append(_("Appeal: {text}").format(text=html.escape(facts.about)))
    if facts.school_view:
        lines.append(_("School: {text}").format(text=html.escape(facts.school_view)))
    if facts.state in appeals.UNDER_WAY:
        sentence = (
            _("Was to be answered by {day}; it is overdue.")
            if facts.is_overdue
            else _("To be answered by {day}.")
        )
        lines.append(sentence.format(day=dates.day(facts.due_on, language, today)))
    lines.append(_("State: {state}").format(state=appeal_state(facts.state, language)))
    if facts.answer:
        lines.append(_("Answer: {text}").format(text=html.escape(facts.answer)))
    return "\n".join(lines)


def credits_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why not; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case claims.NotAClaim(field="learnt_on"):
            return _("I cannot read this as a day of the last five years. For example 2026-10-17.")
        case claims.NotAClaim(field="hours"):
            return _("I cannot read this as hours, up to 200. For example 6 or 12.5.")
        case claims.TooLong(most=most):
            ngettext = catalog(language).ngettext
            return ngettext(
                "This is too long; please use at most {n} character.",
                "This is too long; please use at most {n} characters.",
                most,
            ).format(n=most)
        case claims.NotAClaim():
            return _("Something is still missing here; please fill it in.")
        case claims.ClaimSettled(state=state):
            return _("This is not possible any more; the claim is: {state}.").format(
                state=claim_state(state, language)
            )
        case claims.ReasonMissing():
            return _("Please write a few words; without them it cannot be understood.")
        case appeals.AppealSettled(state=state):
            return _("This is not possible any more; the appeal is: {state}.").format(
                state=appeal_state(state, language)
            )
        case ledger.WrongEntryState():
            return _("This entry is not in a state that allows this.")
        case posting.NothingToPost():
            return _("Nobody has completed this class yet, so there are no hours to post.")
        case _:
            return ""
