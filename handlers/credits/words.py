"""Words for what a balance speaks of: amounts, levels, categories, reasons and needs.

Everything here returns plain text; whoever puts it into a message escapes it.
"""

from decimal import Decimal

from handlers.training import words
from locales import catalog, dates, numbers
from storage.credits.balance import Balance, Missing, Need, Rule, Why
from storage.credits.profiles import LEVELS, OR_ABOVE, plain_level
from storage.training.tables import CATEGORIES


def amount(value: Decimal, unit: str, language: str) -> str:
    """``12.5 hours``, ``1 credit``; ``unit`` is that of the profile."""
    ngettext = catalog(language).ngettext
    number = 1 if value == 1 else 2
    if unit == "credit":
        sentence = ngettext("{amount} credit", "{amount} credits", number)
    else:
        sentence = ngettext("{amount} hour", "{amount} hours", number)
    return sentence.format(amount=numbers.hours(value, language))


def of_total(value: Decimal, total: Decimal, unit: str, language: str) -> str:
    """``34 of 360 hours``."""
    _ = catalog(language).gettext
    return _("{counted} of {total}").format(
        counted=numbers.hours(value, language), total=amount(total, unit, language)
    )


def profile_name(facts: Balance, language: str) -> str:
    """How the rules are called; their code where this language has no name for them."""
    return facts.profile_names.get(language, facts.profile_code)


def source_note(facts: Balance, language: str) -> str:
    """Where the rules come from, in the reader's language where it is there."""
    return facts.source_notes.get(language, facts.source_note)


def level_name(key: str, language: str) -> str:
    """A level, or a level and all above it; one that we do not know as it stands."""
    _ = catalog(language).gettext
    level = plain_level(key.removesuffix(OR_ABOVE))
    if level not in LEVELS:
        return key
    if level == "area":
        return _("Area and above") if key.endswith(OR_ABOVE) else _("Area")
    if not key.endswith(OR_ABOVE) or level == "national":
        return _begun(words.level(level, language))
    return {
        "provincial": _("Province and above"),
        "city": _("City and above"),
        "county": _("County and above"),
        "school": _("All levels"),
    }[level]


def category_name(key: str, language: str) -> str:
    """A category of programmes, or one that only a profile has, as it stands there."""
    _ = catalog(language).gettext
    own = {"new_teacher": _("New-teacher training"), "core": _("Core training")}
    if key in own:
        return own[key]
    return _begun(words.category(key, language)) if key in ("", *CATEGORIES) else key


def _begun(text: str) -> str:
    """The words as a line begins with them; Chinese has no capitals to change."""
    return text[:1].upper() + text[1:]


def kind_name(key: str, language: str) -> str:
    """A kind of entry that a profile limits or asks for; an office's own as it stands."""
    _ = catalog(language).gettext
    names = {
        "open_lesson": _("Open lessons"),
        "block90": _("Concentrated training in one block"),
        "homeroom": _("Class-teacher training"),
    }
    return names.get(key, key)


def why_sentence(why: Why, unit: str, language: str) -> str:
    """Say why so much of an entry does not count."""
    _ = catalog(language).gettext
    sentences = {
        Rule.REVERSED: _("{lost} were taken back by a later correction."),
        Rule.DUPLICATE: _(
            "{lost} do not count: the same content counts once, at the highest level, "
            "here as “{title}” ({level})."
        ),
        Rule.NEW_TEACHER_APART: _(
            "{lost} are new-teacher training: they count towards its {limit}, "
            "not towards the cycle."
        ),
        Rule.NEW_TEACHER_UNFINISHED: _(
            "{lost} of new-teacher training count once all {limit} are complete."
        ),
        Rule.NEW_TEACHER_FIXED: _(
            "{lost} do not count: new-teacher training counts for {limit} in all."
        ),
        Rule.ITEM_CAP: _("{lost} do not count: “{kind}” counts for at most {limit} each time."),
        Rule.LEVEL_YEAR_CAP: _(
            "{lost} do not count: “{level}” counts for at most {limit} a year, "
            "and {year} has reached that."
        ),
        Rule.CATEGORY_YEAR_CAP: _(
            "{lost} do not count: “{category}” counts for at most {limit} a year, "
            "and {year} has reached that."
        ),
        Rule.KIND_YEAR_CAP: _(
            "{lost} do not count: “{kind}” counts for at most {limit} a year, "
            "and {year} has reached that."
        ),
        Rule.YEAR_CEILING: _(
            "{lost} do not count: a year counts for at most {limit}, and {year} has reached that."
        ),
        Rule.LEVEL_CYCLE_CAP: _(
            "{lost} do not count: “{level}” counts for at most {limit} in a cycle."
        ),
        Rule.CATEGORY_CYCLE_CAP: _(
            "{lost} do not count: “{category}” counts for at most {limit} in a cycle."
        ),
        Rule.KIND_CYCLE_CAP: _(
            "{lost} do not count: “{kind}” counts for at most {limit} in a cycle."
        ),
    }
    in_hours = why.rule in (Rule.NEW_TEACHER_APART, Rule.NEW_TEACHER_UNFINISHED)
    return sentences[why.rule].format(
        lost=amount(why.lost, unit, language),
        # The requirement of new teachers is in hours, whatever the profile's unit is.
        limit=(
            "" if why.limit is None else amount(why.limit, "hour" if in_hours else unit, language)
        ),
        title=why.subject,
        level=level_name(why.level or why.subject, language),
        category=category_name(why.subject, language),
        kind=kind_name(why.subject, language),
        year=why.year,
    )


def missing_sentence(missing: Missing, facts: Balance, language: str) -> str:
    """Say what is missing and how much, such as ``County and above: 156 hours``."""
    _ = catalog(language).gettext
    sentences = {
        Need.TOTAL: _("Total of the cycle: {gap}"),
        Need.YEAR_FLOOR: _("Reference of this year: {gap}"),
        Need.LEVEL: _("{level}: {gap}"),
        Need.CATEGORY: _("{category}: {gap}"),
        Need.CATEGORY_YEAR: _("{category}, this year: {gap}"),
        Need.ONCE: _("{kind}: {gap}"),
        Need.DUTY: _("{kind}: {gap}"),
        Need.NEW_TEACHER: _("New-teacher training: {gap}"),
    }
    if missing.need is Need.YEAR_FLOOR and not missing.is_advice:
        sentence = _("Minimum of this year: {gap}")
    elif missing.need is Need.ONCE:
        # A block is missing as a whole: parts of it do not add up.
        sentence = _("{kind}: {required}")
    else:
        sentence = sentences[missing.need]
    unit = "hour" if missing.need is Need.NEW_TEACHER else facts.unit
    return sentence.format(
        gap=amount(missing.gap, unit, language),
        required=amount(missing.required, unit, language),
        level=level_name(missing.subject, language),
        category=category_name(missing.subject, language),
        kind=kind_name(missing.subject, language),
    )


def missing_by(missing: Missing, facts: Balance, language: str) -> str:
    """Say until when there is time, and whether it is advice only."""
    _ = catalog(language).gettext
    sentence = _("until {day}, as a reference only") if missing.is_advice else _("until {day}")
    return sentence.format(day=dates.day(missing.by, language, facts.as_of))


def forecast_sentence(facts: Balance, language: str) -> str:
    """Say what would be if everything pending and under way were completed."""
    _ = catalog(language).gettext
    forecast = facts.forecast
    year = amount(forecast.year_counted, facts.unit, language)
    cycle = of_total(forecast.counted, facts.total, facts.unit, language)
    if not forecast.registrations and not facts.pending:
        return _("Nothing is under way that would add to this.")
    if forecast.is_enough:
        sentence = _(
            "If you complete everything you are registered for: {year} this year, "
            "{cycle} in the cycle. That is enough for the cycle."
        )
    elif facts.year.floor is None:
        sentence = _(
            "If you complete everything you are registered for: {year} this year, "
            "{cycle} in the cycle."
        )
    elif forecast.year_is_enough:
        sentence = _(
            "If you complete everything you are registered for: {year} this year, "
            "{cycle} in the cycle. That is enough for this year."
        )
    else:
        sentence = _(
            "If you complete everything you are registered for: {year} this year, "
            "{cycle} in the cycle. This year would still lack {gap}."
        )
    floor = facts.year.floor or Decimal(0)
    gap = amount(max(floor - forecast.year_counted, Decimal(0)), facts.unit, language)
    return sentence.format(year=year, cycle=cycle, gap=gap)


def cycle_dates(facts: Balance) -> str:
    """``2026.09–2031.08``, alike in every language."""
    return f"{facts.cycle.start:%Y.%m}–{facts.cycle.end:%Y.%m}"
