"""My hours as a picture: the balance's figures put into words and shares for the template."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from handlers import documents
from handlers.credits.hours_text import limits_text
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
)
from handlers.documents import Bar, HoursPicture, Lack
from locales import catalog, dates, numbers
from storage.credits.balance import Balance, Standing

CATEGORIES_SHOWN = 8
HERO_LINES = 4
MISSING_SHOWN = 6


def my_hours_png(facts: Balance, name: str, language: str) -> bytes:
    """Draw the picture, for the teacher's own eyes: it bears the name. Call it off the loop."""
    return documents.hours_picture(_facts(facts, name, language), _labels(facts, language))


def _facts(facts: Balance, name: str, language: str) -> HoursPicture:
    _ = catalog(language).gettext
    unit = facts.unit
    hero = [(_("Cycle"), cycle_dates(facts))]
    if facts.earned != facts.counted:
        hero.append((_("Earned in all"), amount(facts.earned, unit, language)))
    if facts.pending:
        hero.append((_("Pending"), amount(facts.pending, unit, language)))
    elif facts.gap:
        hero.append((_("To go"), amount(facts.gap, unit, language)))
    if facts.new_teacher is not None:
        novice = facts.new_teacher
        value = of_total(novice.earned, novice.required, "hour", language)
        hero.append((_("New-teacher training"), value))
    if facts.forecast.counted > facts.counted:
        value = amount(facts.forecast.counted, unit, language)
        hero.append((_("If all is completed"), value))
    return HoursPicture(
        language=language,
        name=name,
        as_of=dates.day(facts.as_of, language),
        counted=numbers.hours(facts.counted, language),
        total=_("of {total}").format(total=amount(facts.total, unit, language)),
        share=_share(facts.counted, facts.total),
        share_if_completed=_share(facts.forecast.counted, facts.total),
        hero=tuple(hero[:HERO_LINES]),
        year=_year(facts, language),
        levels=tuple(
            _bar(s, level_name(s.key, language), _most(facts.level_groups), language)
            for s in facts.level_groups
        ),
        categories=tuple(
            _bar(s, category_name(s.key, language), _most(facts.categories), language)
            for s in facts.categories[:CATEGORIES_SHOWN]
        ),
        missing=tuple(
            Lack(
                missing_sentence(missing, facts, language),
                missing_by(missing, facts, language),
                missing.is_advice,
            )
            for missing in facts.missing[:MISSING_SHOWN]
        ),
        forecast=forecast_sentence(facts, language),
        small_print=(
            _("As of {day}. Rules: {profile}, version {version}.").format(
                day=dates.day(facts.as_of, language, date.min),
                profile=profile_name(facts, language),
                version=facts.profile_version,
            ),
        ),
    )


def _labels(facts: Balance, language: str) -> dict[str, str]:
    _ = catalog(language).gettext
    in_credits = facts.unit == "credit"
    return {
        "title": _("My credits") if in_credits else _("My hours"),
        "this_year": _("This year {year}").format(year=facts.year.span.code),
        "by_level": _("By level"),
        "by_category": _("By category"),
        "missing": _("Still missing"),
        "nothing_missing": _("Everything that the cycle requires is there."),
        "forecast": _("Forecast"),
        "counted": _("counted"),
        "not_counted": _("earned, not counted"),
        "not_official": _("Not an official record."),
    }


def _year(facts: Balance, language: str) -> Bar:
    _ = catalog(language).gettext
    year = facts.year
    floor = year.floor
    # The floor stands at four fifths, so that there is room to be seen beyond it.
    usual = facts.total / len(facts.years) if floor is None else floor
    whole = max(year.ceiling or Decimal(0), usual * 5 / 4, year.earned, Decimal(1))
    if year.is_exempt:
        note = _("exempt")
    elif floor is None:
        note = ""
    elif year.floor_is_advice:
        note = _("reference {amount}").format(amount=numbers.hours(floor, language))
    else:
        note = _("at least {amount}").format(amount=numbers.hours(floor, language))
    return Bar(
        label=_("Counted this year"),
        value=amount(year.counted, facts.unit, language),
        note=note,
        counted=_share(year.counted, whole),
        earned=_share(year.earned, whole),
        mark=None if floor is None else _share(floor, whole),
    )


def _bar(standing: Standing, name: str, most: Decimal, language: str) -> Bar:
    earned, counted = standing.earned, standing.counted
    limit = standing.minimum if standing.minimum is not None else standing.maximum
    if limit is None and standing.year_minimum is not None:
        earned = counted = standing.year_counted
        limit = standing.year_minimum
    # Bars without a limit of their own share one length, so that they can be compared.
    whole = max(most if limit is None else limit * 5 / 4, earned, Decimal(1))
    return Bar(
        label=name,
        value=numbers.hours(standing.counted, language),
        note=limits_text(standing, language),
        counted=_share(counted, whole),
        earned=_share(earned, whole),
        mark=None if limit is None else _share(limit, whole),
    )


def _most(standings: Sequence[Standing]) -> Decimal:
    return max((standing.earned for standing in standings), default=Decimal(0))


def _share(part: Decimal, whole: Decimal) -> float:
    return float(min(part / whole, Decimal(1))) if whole else 0.0
