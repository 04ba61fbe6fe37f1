"""Dates and rules of a competition in words, the same for organisers and for everybody."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from handlers.competitions import words
from handlers.training import words as of_training
from handlers.training.making import making_words
from locales import catalog, dates, numbers
from storage.calendar.saying import YearLeftOut
from storage.competitions import editing, making, publishing, values
from storage.competitions.editing import What
from storage.competitions.round_cards import Dates
from storage.competitions.tables import CompetitionKind, RoundLevel
from storage.moments import local_day
from storage.refusals import Refusal
from storage.training.making import WrongValue


def label(what: What, language: str, *, external: bool = False) -> str:
    """What a thing that can be changed is called, short enough for a key.

    Nobody enters a round that is ``external``: its window is that of the level above.
    """
    _ = catalog(language).gettext
    if external and what is What.ENTRY:
        return _("Open above")
    return {
        What.TITLE: _("What it is called"),
        What.KIND: _("Kind"),
        What.YEAR: _("School year"),
        What.LEVEL: _("Level"),
        What.SCHEME: _("Scheme"),
        What.CONTACT: _("Contact"),
        What.AUDIENCE: _("Who may enter"),
        What.BARRED: _("Recent winners"),
        What.ONE_ENTRY: _("One entry each"),
        What.TEAM: _("Size of a team"),
        What.BLIND: _("Anonymous work"),
        What.MIN_SHARE: _("Share of each unit"),
        What.AWARDS: _("Awards"),
        What.OFFERS: _("Share the work"),
        What.NAME: _("Name of the round"),
        What.SEASON: _("Season"),
        What.ENTRY: _("Entering"),
        What.MATERIAL_DUE: _("Materials due"),
        What.DAYS: _("Days of the round"),
        What.RESULT_DUE: _("List due"),
        What.PUBLICITY: _("Publicity"),
        What.FORWARD_DUE: _("Forwarding due"),
        What.QUOTA: _("How many go on"),
        What.UNIT_MOST: _("Most of a unit"),
        What.MATERIALS: _("What to hand in"),
        What.RUBRIC: _("Rubric"),
        What.DROPS: _("Marks left out"),
        What.JUDGES: _("Judges"),
        What.TIES: _("Ties"),
        What.NUMBERS: _("By number only"),
    }[what]


def round_dates(
    fields: Mapping[str, Any], language: str, zone: ZoneInfo, now: datetime
) -> list[str]:
    """The dates of a round, a line each, those that are said."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    lines = []
    for what in editing.DATED:
        columns = editing.columns_of(what)
        if any(fields.get(name) is not None for name in columns):
            lines.append(
                _("{what}: {value}").format(
                    what=label(what, language, external=bool(fields.get("external"))),
                    value=dates_text(what, fields, language, zone, today),
                )
            )
    return lines


def schedule(rounds: Iterable[Dates], language: str, zone: ZoneInfo, today: date) -> str:
    """When the rounds are held, in a line; those without days are left out."""
    _ = catalog(language).gettext
    return ("; " if language == "en" else "；").join(
        _("{round} {when}").format(
            round=html.escape(each.name), when=dates.span(start, end, zone, language, today)
        )
        for each in rounds
        if (start := each.starts_at) is not None and (end := each.ends_at) is not None
    )


def dates_text(
    what: What, fields: Mapping[str, Any], language: str, zone: ZoneInfo, today: date
) -> str:
    """One of a round's dates; “not said yet” where it is open."""
    _ = catalog(language).gettext
    some = [fields.get(name) for name in editing.columns_of(what)]
    first, last = some[0], some[-1]
    if last is None:
        return _("not said yet")
    if what is What.PUBLICITY:
        return dates.days(_day(first), _day(last), language, today)
    if what is What.DAYS:
        start, end = _moment(first), _moment(last)
        return dates.span(start, end, zone, language, today)
    if what is What.ENTRY and first is not None:
        return _("{start} to {end}").format(
            start=dates.moment(_moment(first), zone, language, today),
            end=dates.moment(_moment(last), zone, language, today),
        )
    return dates.before(_moment(last), zone, language, today)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def value_text(
    what: What,
    fields: Mapping[str, Any],
    language: str,
    *,
    units: Mapping[int, str] | None = None,
    rubric: list[dict[str, Any]] | None = None,
) -> str:
    """A rule, or another thing that is no date, in words; its data is escaped."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    value: Any = fields.get(editing.columns_of(what)[0])
    match what:
        case What.AUDIENCE:
            return html.escape(audience(value or {}, language))
        case What.BARRED:
            return barred(fields, language)
        case What.ONE_ENTRY:
            return _("one for each person") if value else _("one in each track")
        case What.TEAM:
            if value == 1:
                return _("alone")
            return ngettext("at most {n} person", "at most {n} people", value).format(n=value)
        case What.BLIND:
            return _("yes, without names of people and schools") if value else _("no")
        case What.MIN_SHARE:
            if value is None:
                return _("not asked for")
            return _("at least {percent} of its teachers").format(percent=percent(value))
        case What.AWARDS:
            return awards(value or [], language)
        case What.OFFERS:
            return _("winners are asked") if value else _("no")
        case What.KIND:
            return words.kinds(language)[CompetitionKind(value)]
        case What.LEVEL:
            return words.levels(language)[RoundLevel(value)]
        case What.SEASON:
            names = {"autumn": _("autumn"), "spring": _("spring")}
            return names.get(value or "", _("not said yet"))
        case What.QUOTA:
            return quota(value or {}, language, units or {})
        case What.UNIT_MOST:
            if value is None:
                return _("without limit")
            return _("{n} in each track").format(n=value)
        case What.MATERIALS:
            return "\n".join(materials(value or [], language)) or _("nothing")
        case What.RUBRIC:
            return "\n".join(rubric_lines(value or [], language)) or _("not said yet")
        case What.DROPS:
            if not value:
                return _("none")
            return ngettext(
                "{n} highest and {n} lowest", "{n} highest and {n} lowest", value
            ).format(n=value)
        case What.JUDGES:
            return ngettext("{n} for each entry", "{n} for each entry", value).format(n=value)
        case What.TIES:
            return ties(value or [], rubric or fields.get("rubric") or [], language)
        case What.NUMBERS:
            return _("yes") if value else _("no")
    return html.escape(str(value or "")) or _("not said yet")


def percent(value: float) -> str:
    """A share as people read it: 40%, 12.5%."""
    return f"{value * 100:.4g}%"


def audience(wanted: Mapping[str, Any], language: str) -> str:
    """Who may enter; years of coming into service as how long ago at most."""
    _ = catalog(language).gettext
    rest = {key: [str(x) for x in some] for key, some in wanted.items() if key != "hire_year"}
    parts = [of_training.audience(rest, language)] if rest else []
    if wanted.get("hire_year"):
        first = min(int(year) for year in wanted["hire_year"])
        parts.append(_("in service since {year} or later").format(year=first))
    return ("; " if language == "en" else "；").join(parts) or _("everybody of its tracks")


def barred(fields: Mapping[str, Any], language: str) -> str:
    """Which winners may not enter."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    years = fields.get("barred_years") or 0
    names = fields.get("barred_awards") or []
    if not years:
        return _("may enter")
    if not names:
        return ngettext(
            "no winner of the last {n} year", "no winner of the last {n} years", years
        ).format(n=years)
    return ngettext(
        "nobody who won {awards} in the last {n} year",
        "nobody who won {awards} in the last {n} years",
        years,
    ).format(n=years, awards=html.escape(numbers.joined(names, language)))


def awards(some: list[dict[str, Any]], language: str) -> str:
    """The awards, the best first, each with its share and what follows from it."""
    _ = catalog(language).gettext
    lines = []
    for each in some:
        parts = [html.escape(each["name"]), percent(each["share"])]
        hours = Decimal(each.get("hours") or 0)
        if hours:
            parts.append(_("{n} hours").format(n=numbers.hours(hours, language)))
        if each.get("tier"):
            parts.append(
                _("proposed as {tier}").format(tier=of_training.fact_value(each["tier"], language))
            )
        lines.append(" ".join(parts))
    return numbers.joined(lines, language) or _("none")


def quota(value: Mapping[str, Any], language: str, units: Mapping[int, str]) -> str:
    """How many go on from a venue, in words that say how a share is rounded."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not value:
        return _("all, without limit")
    if "share" in value:
        text = _("{percent} of the entries of a track, a half rounded up").format(
            percent=percent(value["share"])
        )
        least = value.get("min") or 0
        if least:
            text = _("{text}; at least {n}").format(text=text, n=least)
        return text
    text = ngettext("{n} in each track", "{n} in each track", value["each"]).format(n=value["each"])
    own = [
        _("{unit} {n}").format(unit=html.escape(units[int(id_)]), n=number)
        for id_, number in (value.get("units") or {}).items()
        if int(id_) in units
    ]
    if own:
        text = _("{text} ({units})").format(text=text, units=numbers.joined(own, language))
    elif value.get("units"):
        text = _("{text}; some schools have a number of their own").format(text=text)
    return text


def materials(some: list[dict[str, Any]], language: str) -> list[str]:
    """What is handed in, a line each."""
    _ = catalog(language).gettext
    lines = []
    for each in some:
        kinds = numbers.joined(
            [_("link") if kind == values.LINK else kind for kind in each["kinds"]], language
        )
        form = (
            _("{title}: {kinds}, up to {mb} MB")
            if each.get("required", True)
            else _("{title}: {kinds}, up to {mb} MB (may be left out)")
        )
        lines.append(form.format(title=html.escape(each["title"]), kinds=kinds, mb=each["most_mb"]))
    return lines


def rubric_lines(some: list[dict[str, Any]], language: str) -> list[str]:
    """By what it is judged, a line each, with the points in all."""
    _ = catalog(language).gettext
    lines = []
    for each in some:
        form = _("{title}: {n} points, {hint}") if each.get("hint") else _("{title}: {n} points")
        lines.append(
            form.format(
                title=html.escape(each["title"]),
                n=each["most"],
                hint=html.escape(each.get("hint") or ""),
            )
        )
    if len(some) > 1:
        lines.append(_("In all {n} points").format(n=sum(each["most"] for each in some)))
    return lines


def ties(some: list[str], rubric: list[dict[str, Any]], language: str) -> str:
    """What decides between equals, in its order."""
    _ = catalog(language).gettext
    titles = {values.CRITERION + each["key"]: html.escape(each["title"]) for each in rubric}
    names = {
        values.MEDIAN: _("median of the totals"),
        values.BEST: _("highest total"),
        values.LOT: _("lot"),
        **titles,
    }
    said = [names.get(each, "?") for each in some]
    if values.LOT not in some:
        said.append(_("if still equal, the lot") if some else _("equals draw lots"))
    return " → ".join(said)


def trouble(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why an answer cannot be taken, and how it is typed; empty for what is not ours."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    match refusal:
        case YearLeftOut():
            return _("That would be {day}. Please type the year too.").format(
                day=dates.day(refusal.day, language, today)
            )
        case editing.PublicityTooShort():
            return _(
                "A list is on public display for five working days at least; "
                "please let it end on {day} or later."
            ).format(day=dates.day(refusal.until, language, today))
        case WrongValue(field="unit"):
            return _("I do not know a unit of this name, or more than one has it.")
        case WrongValue(field=field) if field in set(What):
            return "\n".join((_("I could not read this."), example(What(field), language)))
    return making_words(refusal, language, zone, now)


def example(what: What, language: str) -> str:
    """How a value is typed."""
    _ = catalog(language).gettext
    return {
        What.TITLE: _("Please type a text of at most 120 characters."),
        What.NAME: _("Please type a text of at most 120 characters."),
        What.CONTACT: _("Please type a text of at most 120 characters."),
        What.SCHEME: _("Please type a text of at most 2000 characters."),
        What.AWARDS: _(
            "Please type a line for each award, the best first, such as\n"
            "<code>一等奖 15% 18学时 骨干教师\n二等奖 25% 12学时</code>\n"
            "The shares are of the entries of a track in the deciding round; 100% at most."
        ),
        What.BARRED: _(
            "Please type for how many years, and which awards if not all, such as "
            "<code>2年 一等奖、二等奖</code>."
        ),
        What.TEAM: _("How many people may make one entry together? Please type 1 to 10."),
        What.MIN_SHARE: _("Which share of a unit's teachers should enter? Such as 30%."),
        What.ENTRY: _("Please type from when to when, with the hour, such as {example}.").format(
            example="9月14日 8:00 至 10月9日 18:00"
        ),
        What.DAYS: _("Please type the days, such as {example}.").format(
            example="10月12日 至 10月30日"
        ),
        What.PUBLICITY: _(
            "Please type the first day, or the first and the last, such as {example}; "
            "five working days at least."
        ).format(example="2027年4月7日 至 4月13日"),
        What.MATERIAL_DUE: _("Please type the day and the hour, such as {example}.").format(
            example="2027年3月8日 18:00"
        ),
        What.RESULT_DUE: _("Please type the day and the hour, such as {example}.").format(
            example="11月2日 17:00"
        ),
        What.FORWARD_DUE: _("Please type the day and the hour, such as {example}.").format(
            example="12月4日 17:00"
        ),
        What.QUOTA: _(
            "Please type a share or a number for each unit and track, such as\n"
            "<code>40% 至少1</code>\nor\n<code>1\n实验小学 2</code>\n"
            "A half is rounded up."
        ),
        What.UNIT_MOST: _("Please type how many of one unit may go on in a track."),
        What.MATERIALS: _(
            "Please type a line for each thing, such as\n"
            "<code>教学设计 docx pdf 20MB\n课堂实录 链接 mp4 选交</code>"
        ),
        What.RUBRIC: _(
            "Please type a line for each criterion with its points, such as\n"
            "<code>教学目标 20 目标明确，符合课标\n教学过程 40</code>"
        ),
        What.DROPS: _("How many of the highest and of the lowest are left out? 0 to 3."),
        What.JUDGES: _("How many judges does each entry need? Please type 1 to 30."),
        What.TIES: _(
            "Please type what decides between equals, in this order, such as "
            "<code>教学过程、中位数、抽签</code>."
        ),
    }.get(what, _("This is not possible here. Please choose one of the keys."))


def setup_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why something of a competition stays as it is; empty for what is not ours."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match refusal:
        case editing.PublicityTooShort() | YearLeftOut():
            return trouble(refusal, language, zone, now)
        case editing.NotUnderWay() | publishing.NotUnderWay():
            return _("This is not possible as the competition stands now.")
        case editing.RulesStand():
            return _("The order is drawn, so the rules of this round stay as they are.")
        case editing.NeedsSecond():
            return _("This rule is published: a change needs a reason and a second organiser.")
        case editing.AlreadyAsked():
            return _("A change of this waits for a second organiser already.")
        case editing.ReasonWrong() | publishing.ReasonWrong():
            return _("Please type a reason of at most 300 characters.")
        case editing.FixedOnceSaid() | making.NoLongerDraft():
            return _(
                "The competition is published, so its tracks and rounds stay. "
                "You can cancel it, or copy it."
            )
        case publishing.NotReady():
            return _("Something is missing still; please look at the check list.")
        case publishing.StillRunning(venues=0):
            return ngettext(
                "{n} objection is not answered yet.",
                "{n} objections are not answered yet.",
                refusal.objections,
            ).format(n=refusal.objections)
        case publishing.StillRunning():
            return ngettext(
                "{n} list is not decided yet.", "{n} lists are not decided yet.", refusal.venues
            ).format(n=refusal.venues)
    return ""
