"""My hours in words: summary, details page by page, why an entry is capped, how it is computed.

Pure functions of a balance and the reader's language; all return HTML for Telegram.
"""

from decimal import Decimal
from html import escape

from handlers.credits.words import (
    amount,
    category_name,
    cycle_dates,
    forecast_sentence,
    level_name,
    missing_by,
    missing_sentence,
    of_total,
    profile_name,
    source_note,
    why_sentence,
)
from locales import catalog, dates, numbers
from storage.credits.balance import Balance, Line, Rule, Standing
from storage.credits.tables import EntryState
from storage.refusals import NotFound

LINES_A_PAGE = 6
MISSING_SHOWN = 5


def summary_text(facts: Balance, language: str) -> str:
    """Return the summary of domain/8-messages.md M22, with categories and the forecast."""
    _ = catalog(language).gettext
    parts = [_head(facts, language), _sums(facts, language)]
    levels = [_standing(s, level_name(s.key, language), language) for s in facts.level_groups]
    if levels:
        parts.append("\n".join([_bold(_("By level")), *levels]))
    named = [_standing(s, category_name(s.key, language), language) for s in facts.categories]
    if named:
        parts.append("\n".join([_bold(_("By category")), *named]))
    parts.append(_missing(facts, language))
    parts.append(escape(forecast_sentence(facts, language)))
    parts.append(f"<i>{escape(_small_print(facts, language))}</i>")
    return "\n\n".join(parts)


def detail_pages(facts: Balance) -> int:
    """Return how many pages the details have, at least one."""
    return max(1, -(-len(facts.lines) // LINES_A_PAGE))


def lines_on(facts: Balance, page: int) -> tuple[Line, ...]:
    """Return the lines of a page, newest first; pages count from 0, and one too far is the last."""
    page = min(max(page, 0), detail_pages(facts) - 1)
    return facts.lines[page * LINES_A_PAGE : (page + 1) * LINES_A_PAGE]


def detail_text(facts: Balance, page: int, language: str) -> str:
    """Return one page of the entries, each with what it counts for."""
    _ = catalog(language).gettext
    pages = detail_pages(facts)
    page = min(max(page, 0), pages - 1)
    head = _("My hours, entry by entry ({page}/{pages})").format(page=page + 1, pages=pages)
    if not facts.lines:
        return "\n\n".join([_bold(head), escape(_("Nothing has been entered in this cycle yet."))])
    first = page * LINES_A_PAGE + 1
    items = [
        _line(number, line, facts, language)
        for number, line in enumerate(lines_on(facts, page), first)
    ]
    return "\n\n".join([_bold(head), *items])


def capped_lines(facts: Balance) -> tuple[Line, ...]:
    """Return the lines that have a *why?*: those of which something does not count."""
    return tuple(line for line in facts.lines if line.why)


def why_text(facts: Balance, entry_id: int, language: str) -> str:
    """Say why an entry counts for less than it earned.

    Raises ``NotFound`` when the balance has no such entry.
    """
    _ = catalog(language).gettext
    line = next((found for found in facts.lines if found.entry_id == entry_id), None)
    if line is None:
        raise NotFound("credit entry")
    reasons = [escape(why_sentence(why, facts.unit, language)) for why in line.why]
    if not reasons:
        reasons = [escape(_("This entry counts in full."))]
    version = _("Rules: {profile}, version {version}").format(
        profile=profile_name(facts, language), version=facts.profile_version
    )
    return "\n\n".join(
        [
            _bold(line.title) + "\n" + escape(_line_facts(line, facts, language)),
            "\n".join(f"· {reason}" for reason in reasons),
            f"<i>{escape(version)}</i>",
        ]
    )


def all_why_text(facts: Balance, language: str) -> str:
    """Say for every capped entry in one text why it counts for less, newest first."""
    _ = catalog(language).gettext
    lines = [line for line in capped_lines(facts) if line.state is not EntryState.REVERSED]
    if not lines:
        return escape(_("Everything that was posted counts in full."))
    items = [
        "\n".join(
            [
                _bold(line.title),
                *(f"· {escape(why_sentence(why, facts.unit, language))}" for why in line.why),
            ]
        )
        for line in lines[:LINES_A_PAGE]
    ]
    return "\n\n".join([_bold(_("Why some hours do not count")), *items])


def how_text(facts: Balance, language: str) -> str:
    """Say how the figures are computed, under which rules and from which source."""
    _ = catalog(language).gettext
    steps = [
        _("Posted entries of the cycle are added up; pending ones are shown apart."),
        _("The same content counts once, at the highest level."),
        _("Then come the limits for each item, for each year and for the cycle."),
        _("Where a limit leaves room for only some, earlier entries count first."),
        _("What counts is compared with what is required."),
    ]
    version = _("Rules: {profile}, version {version}").format(
        profile=profile_name(facts, language), version=facts.profile_version
    )
    rolling = []
    if facts.rolling is not None:
        sentence = _("In the last five years up to today: {counted} counted, {earned} earned.")
        rolling.append(
            escape(
                sentence.format(
                    counted=amount(facts.rolling.counted, facts.unit, language),
                    earned=amount(facts.rolling.earned, facts.unit, language),
                )
            )
        )
    return "\n\n".join(
        [
            _bold(_("How your hours are computed")),
            "\n".join(f"{number}. {escape(step)}" for number, step in enumerate(steps, 1)),
            *rolling,
            f"{escape(version)}\n<i>{escape(source_note(facts, language))}</i>",
        ]
    )


def _bold(text: str) -> str:
    return f"<b>{escape(text)}</b>"


def _head(facts: Balance, language: str) -> str:
    _ = catalog(language).gettext
    sentence = (
        _("My continuing-education credits (as of {day})")
        if facts.unit == "credit"
        else _("My continuing-education hours (as of {day})")
    )
    return _bold(sentence.format(day=dates.day(facts.as_of, language)))


def _sums(facts: Balance, language: str) -> str:
    _ = catalog(language).gettext
    unit = facts.unit
    year = facts.year
    lines = []
    if year.is_exempt:
        sentence = _("This year ({year}): {counted}, exempt from the yearly reference")
    elif year.floor is None:
        sentence = _("This year ({year}): {counted}")
    else:
        sentence = _("This year ({year}): {of_floor}")
    lines.append(
        sentence.format(
            year=year.span.code,
            counted=amount(year.counted, unit, language),
            of_floor=of_total(year.counted, year.floor or Decimal(0), unit, language),
        )
    )
    lines.append(
        _("This cycle ({cycle}): {of_total}").format(
            cycle=cycle_dates(facts), of_total=of_total(facts.counted, facts.total, unit, language)
        )
    )
    if facts.earned != facts.counted:
        lines.append(
            _("Earned {earned}, of these {counted} count").format(
                earned=amount(facts.earned, unit, language),
                counted=numbers.hours(facts.counted, language),
            )
        )
    if facts.pending:
        lines.append(_("Pending: {amount}").format(amount=amount(facts.pending, unit, language)))
    novice = facts.new_teacher
    if novice is not None:
        lines.append(
            _("New-teacher training, counted apart: {of_total}").format(
                of_total=of_total(novice.earned, novice.required, "hour", language)
            )
        )
    return "\n".join(escape(line) for line in lines)


def _standing(standing: Standing, name: str, language: str) -> str:
    _ = catalog(language).gettext
    number = numbers.hours(standing.counted, language)
    limits = limits_text(standing, language)
    if limits:
        text = _("{name}: {amount} ({limits})").format(name=name, amount=number, limits=limits)
    else:
        text = _("{name}: {amount}").format(name=name, amount=number)
    return f"· {escape(text)}"


def limits_text(standing: Standing, language: str) -> str:
    """Say a standing's limits: ``at most 120, this year 10 of at most 24``."""
    _ = catalog(language).gettext

    def number(value: Decimal) -> str:
        return numbers.hours(value, language)

    limits = []
    if standing.minimum is not None:
        limits.append(_("at least {amount}").format(amount=number(standing.minimum)))
    if standing.maximum is not None:
        limits.append(_("at most {amount}").format(amount=number(standing.maximum)))
    if standing.year_minimum is not None:
        limits.append(
            _("this year {counted} of at least {amount}").format(
                counted=number(standing.year_counted), amount=number(standing.year_minimum)
            )
        )
    if standing.year_maximum is not None:
        limits.append(
            _("this year {counted} of at most {amount}").format(
                counted=number(standing.year_counted), amount=number(standing.year_maximum)
            )
        )
    return (", " if language == "en" else "，").join(limits)


def _missing(facts: Balance, language: str) -> str:
    _ = catalog(language).gettext
    ngettext = catalog(language).ngettext
    if not facts.missing:
        return _bold(_("Nothing is missing"))
    shown = [
        "· "
        + escape(
            _("{what} ({until})").format(
                what=missing_sentence(missing, facts, language),
                until=missing_by(missing, facts, language),
            )
        )
        for missing in facts.missing[:MISSING_SHOWN]
    ]
    more = len(facts.missing) - len(shown)
    if more > 0:
        sentence = ngettext("and {number} more", "and {number} more", more)
        shown.append(f"· {escape(sentence.format(number=more))}")
    return "\n".join([_bold(_("Still missing")), *shown])


def _small_print(facts: Balance, language: str) -> str:
    _ = catalog(language).gettext
    return _(
        "Rules: {profile}, version {version}. Not an official record. If something is wrong, "
        "please tap “Appeals”; you are answered within {days} working days."
    ).format(
        profile=profile_name(facts, language), version=facts.profile_version, days=facts.appeal_days
    )


def _line(number: int, line: Line, facts: Balance, language: str) -> str:
    _ = catalog(language).gettext
    head = f"{number}. {_bold(line.title)}"
    body = [escape(_line_facts(line, facts, language))]
    if line.why and line.why[0].rule is not Rule.REVERSED:
        counted = numbers.hours(line.counted, language)
        earned = amount(line.earned, facts.unit, language)
        text = _("{counted} of {earned} count").format(counted=counted, earned=earned)
        body.append(escape(text))
    return "\n".join([head, *body])


def _line_facts(line: Line, facts: Balance, language: str) -> str:
    _ = catalog(language).gettext
    sentences = {
        EntryState.POSTED: _("{day} · {level} · {category} · {amount}"),
        EntryState.PENDING: _("{day} · {level} · {category} · {amount}, pending"),
        EntryState.SCHOOL_CONFIRMED: _(
            "{day} · {level} · {category} · {amount}, confirmed by the school, not posted yet"
        ),
        EntryState.DISPUTED: _("{day} · {level} · {category} · {amount}, under review"),
        EntryState.REVERSED: _("{day} · {level} · {category} · {amount}, taken back"),
    }
    if line.state is EntryState.POSTED:
        value = line.earned
    elif line.state is EntryState.REVERSED:
        value = line.why[0].lost
    else:
        value = line.pending
    return sentences[line.state].format(
        day=dates.day(line.earned_on, language, facts.as_of),
        level=level_name(line.level, language),
        category=category_name(line.category, language),
        amount=amount(value, facts.unit, language),
    )
