"""The questions of making a programme, in words, and what was understood so far."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from handlers.cards import Card, Key, Keys, pager
from handlers.context import shortened
from handlers.training import words
from handlers.training.buttons import OpenRun, OpenRuns
from handlers.training.run_buttons import (
    Answer,
    BeginBlank,
    BeginWith,
    BlankSheet,
    ChooseTemplate,
    GiveUp,
    GoOn,
    MakeIt,
    NewProgramme,
    StepBack,
)
from locales import catalog, dates, numbers
from storage.plan.form import STAGES
from storage.training import making_answers as answers
from storage.training.audience import wanted
from storage.training.making import Form, Home
from storage.training.making_answers import Answers
from storage.training.tables import CATEGORIES, Approval, Enrolment, Level, Mode
from storage.training.template import Template

LABEL = 36
ON_PAGE = 6  # templates on a page
SUBJECTS = 16  # subjects to choose from, those of most teachers
TITLE_ON_KEY = 34

SEATS = (20, 40, 60, 100)
HOURS = (4, 8, 16, 24, 40)
ALL = "all"  # no limit of seats, or all stages and subjects
DONE = "done"
EXAMPLES = ("12月4日 14:00-17:00", "2026-12-04 至 2026-12-06", "下周五下午")
"""Times as people here write them, whatever language they read."""
TYPED = frozenset({"title", "dates", "sure", "place", "seats", "hours", "registration"})
"""Questions that are answered by typing, or may be."""


def approval(value: Approval | str, language: str) -> str:
    """Who confirms a registration."""
    _ = catalog(language).gettext
    return {
        "none": _("nobody has to approve"),
        "school": _("the school approves"),
        "county": _("the school, then the organiser approves"),
    }[str(value)]


def begin_card(begun: Answers | None, language: str) -> Card:
    """The ways to make a programme, and what was begun and not finished."""
    _ = catalog(language).gettext
    lines = [
        _("<b>New programme</b>"),
        _(
            "In about six answers there is a draft that no teacher sees yet; all of it can be "
            "changed there. To hold an earlier one again, open it and choose “Hold it again”."
        ),
        _("You can also drop a plan sheet (XLSX or CSV) with a row for each programme here."),
    ]
    keys: list[tuple[Key, ...]] = []
    if begun is not None:
        what = begun.said.get("title") or begun.title or _("without a title yet")
        lines.append(_("You have begun and not finished: {what}").format(what=html.escape(what)))
        keys.append(
            (Key(_("Go on with it"), GoOn(), style="primary"), Key(_("Forget it"), GiveUp()))
        )
    keys.append((Key(_("From a template"), ChooseTemplate()), Key(_("Without one"), BeginBlank())))
    keys.append((Key(_("Empty plan sheet"), BlankSheet()), Key(_("Back"), OpenRuns())))
    return Card("\n".join(lines), tuple(keys))


def templates_card(found: tuple[Template, ...], page: int, language: str) -> Card:
    """A page of templates, each a key."""
    _ = catalog(language).gettext
    pages = max(1, -(-len(found) // ON_PAGE))
    page = min(max(0, page), pages - 1)
    shown = found[page * ON_PAGE : (page + 1) * ON_PAGE]
    lines = [_("<b>Templates</b>"), _("Which kind of training will it be?")]
    lines += [
        _("· {name}: {level}, {mode}, {hours} hours").format(
            name=html.escape(each.name.said(language)),
            level=words.level(each.level, language),
            mode=words.mode(each.mode, language),
            hours=numbers.hours(each.hours, language),
        )
        for each in shown
    ]
    keys = [
        (Key(shortened(each.name.said(language), LABEL), BeginWith(each.key)),) for each in shown
    ]
    turn = pager(page, pages, ChooseTemplate)
    back = (Key(_("Back"), NewProgramme()),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def question_card(
    asked: Answers,
    homes: tuple[Home, ...],
    subjects: tuple[str, ...],
    language: str,
    zone: ZoneInfo,
    now: datetime,
    trouble: str = "",
) -> Card:
    """The open question, with what was wrong with the last answer if anything was."""
    _ = catalog(language).gettext
    text, keys = _question(asked, homes, subjects, language, zone, now)
    head = {
        answers.NEW: _("New programme"),
        answers.COPY: _("Copy: {title}").format(title=html.escape(asked.title)),
        answers.CLASS: _("One more class: {title}").format(title=html.escape(asked.title)),
    }[asked.what]
    lines = [f"<b>{head}</b>", *([trouble] if trouble else []), text]
    foot = (
        *((Key(_("Back"), StepBack(asked.step)),) if asked.past else ()),
        Key(_("Give up"), GiveUp()),
    )
    return Card("\n".join(lines), (*keys, foot))


def _question(
    asked: Answers,
    homes: tuple[Home, ...],
    subjects: tuple[str, ...],
    language: str,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[str, Keys]:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    said, step = asked.said, asked.step
    match step:
        case "unit":
            keys = [(Key(shortened(h.name, LABEL), Answer(step, str(h.unit_id))),) for h in homes]
            return _("For which unit?"), tuple(keys)
        case "title":
            usual = answers.usual_title(asked, language, today.year)
            if not usual:
                return _("What is it called? Please type the title."), ()
            key = Key(shortened(usual, TITLE_ON_KEY), Answer(step, "usual"), style="primary")
            return _("What is it called? Please type the title, or take the usual one."), ((key,),)
        case "category":
            return _("What is it about?"), choice_keys(
                step, [(each, words.category(each, language)) for each in CATEGORIES]
            )
        case "dates" if asked.what == answers.COPY:
            return (
                _(
                    "When does it begin this time? All its other dates go along. Please type "
                    "the day, such as {example}."
                ).format(example=EXAMPLES[0]),
                (),
            )
        case "dates":
            return when_question(language), ()
        case "sure":
            text = understood_text(
                datetime.fromisoformat(said["starts_at"]),
                datetime.fromisoformat(said["ends_at"]),
                language,
                zone,
                now,
            )
            press = MakeIt() if asked.what == answers.COPY else Answer(step, "yes")
            sure = Key(_("Yes"), press, style="primary")
            return text, ((sure, Key(_("Type again"), StepBack(step))),)
        case "place":
            skip = Key(_("Not known yet"), Answer(step, "none"))
            return _("Where? Please type the place."), ((skip,),)
        case "seats":
            return seats_question(language), number_keys(step, SEATS, language)
        case "hours":
            return (
                _("How many hours is it worth? Please type the number, or take one."),
                number_keys(step, HOURS, language, with_all=False),
            )
        case "level":
            levels = [level.value for level in answers.home_of(asked, homes).levels]
            options = [(each, words.level(each, language)) for each in levels]
            return _("Whose programme is it?"), choice_keys(step, options)
        case "mode":
            options = [(each.value, words.mode(each, language)) for each in Mode]
            return _("How is it taught?"), choice_keys(step, options)
        case "enrolment":
            options = [(each.value, words.enrolment(each, language)) for each in Enrolment]
            return _("How do teachers come in?"), choice_keys(step, options, wide=True)
        case "approval":
            options = [(each.value, approval(each, language)) for each in Approval]
            return _("Who approves registrations?"), choice_keys(step, options, wide=True)
        case "stage" | "subject":
            chosen = set(said.get(step) or ())
            pool = STAGES if step == "stage" else subjects[:SUBJECTS]
            text = (
                _("For which stages? Choose any number; none is all.")
                if step == "stage"
                else _("For which subjects? Choose any number; none is all.")
            )
            return text, toggle_keys(step, pool, chosen, language)
        case "registration":
            usual_key = Key(_("As usual"), Answer(step, "usual"), style="primary")
            return registration_question(language), ((usual_key,),)
        case _:
            return _ready(asked, homes, language, zone)


def when_question(language: str) -> str:
    """Ask from when to when."""
    _ = catalog(language).gettext
    return _("When? Please type it as you would write it: {examples}.").format(
        examples=numbers.joined(EXAMPLES, language)
    )


def seats_question(language: str) -> str:
    """Ask for the number of seats."""
    _ = catalog(language).gettext
    return _("How many seats? Please type the number, or take one.")


def registration_question(language: str) -> str:
    """Ask for when registration opens and closes."""
    _ = catalog(language).gettext
    return _(
        "From when to when can one register? Please type it, such as {example}; one day alone "
        "is when it closes. As usual: open when published, closed three working days before."
    ).format(example=EXAMPLES[1])


def choice_keys(
    step: str, options: Iterable[tuple[str, str]], *, wide: bool = False
) -> tuple[tuple[Key, ...], ...]:
    """A key for each value."""
    keys = [Key(shortened(label, LABEL), Answer(step, value)) for value, label in options]
    width = 1 if wide else 2 if len(keys) < 10 else 3
    return tuple(tuple(keys[n : n + width]) for n in range(0, len(keys), width))


def number_keys(
    step: str, numbers_: Iterable[int], language: str, *, with_all: bool = True
) -> tuple[tuple[Key, ...], ...]:
    """Usual numbers in a row, and no limit."""
    _ = catalog(language).gettext
    row = tuple(Key(str(each), Answer(step, str(each))) for each in numbers_)
    return (row, (Key(_("Without limit"), Answer(step, ALL)),)) if with_all else (row,)


def toggle_keys(
    step: str, pool: Iterable[str], chosen: set[str], language: str
) -> tuple[tuple[Key, ...], ...]:
    """A key for each value, ticked if chosen; by its place, for names do not fit on buttons."""
    _ = catalog(language).gettext
    keys = [
        Key(
            ("✓ " if each in chosen else "") + shortened(words.fact_value(each, language), LABEL),
            Answer(step, str(at)),
        )
        for at, each in enumerate(pool)
    ]
    rows = tuple(tuple(keys[n : n + 3]) for n in range(0, len(keys), 3))
    return (*rows, (Key(_("Go on"), Answer(step, DONE), style="primary"),))


def understood_text(
    starts_at: datetime, ends_at: datetime, language: str, zone: ZoneInfo, now: datetime
) -> str:
    """Say what was understood of a time, whole; to be confirmed."""
    _ = catalog(language).gettext
    return _("Understood: {when}, {ahead}. Is that right?").format(
        when=from_to(starts_at, ends_at, language, zone),
        ahead=ahead(starts_at, language, zone, now),
    )


def from_to(starts_at: datetime, ends_at: datetime, language: str, zone: ZoneInfo) -> str:
    """From when to when, with the hours and the year, whatever they are."""
    _ = catalog(language).gettext
    if starts_at.astimezone(zone).date() == ends_at.astimezone(zone).date():
        return dates.span(starts_at, ends_at, zone, language, date.min)
    return _("{start} to {end}").format(
        start=dates.moment(starts_at, zone, language, date.min),
        end=dates.moment(ends_at, zone, language, date.min),
    )


def ahead(moment: datetime, language: str, zone: ZoneInfo, now: datetime) -> str:
    """How far off a moment is, in days."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    days = (moment.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days == 0:
        return _("today")
    if days < 0:
        return ngettext("{n} day ago", "{n} days ago", -days).format(n=-days)
    return ngettext("in {n} day", "in {n} days", days).format(n=days)


def _ready(
    asked: Answers, homes: tuple[Home, ...], language: str, zone: ZoneInfo
) -> tuple[str, Keys]:
    _ = catalog(language).gettext
    if asked.what == answers.CLASS:
        said = asked.said
        seats = said.get("seats")
        lines = [
            from_to(
                datetime.fromisoformat(said["starts_at"]),
                datetime.fromisoformat(said["ends_at"]),
                language,
                zone,
            ),
            _("Where: {place}").format(place=html.escape(said.get("place") or "—")),
            _("Seats: {seats}").format(seats=_("without limit") if seats is None else seats),
            _("In a published programme the class is announced at once."),
        ]
        make = Key(_("Add the class"), MakeIt(), style="primary")
        return "\n".join(lines), ((make,),)
    form = answers.form(asked, homes, zone)
    lines = [*form_lines(form, language, zone), "", _("All of it can be changed on the draft.")]
    keys = [Key(_("Make the draft"), MakeIt(), style="primary")]
    if not asked.all:
        keys.append(Key(_("Ask me the rest"), Answer(answers.READY, "more")))
    return "\n".join(lines), (tuple(keys),)


def form_lines(form: Form, language: str, zone: ZoneInfo) -> list[str]:
    """What a draft will say, a few lines."""
    _ = catalog(language).gettext
    seats = _("without limit") if form.seats is None else str(form.seats)
    return [
        html.escape(form.title),
        _("{level} · {mode} · {hours} hours").format(
            level=words.level(Level(form.level), language),
            mode=words.mode(form.mode, language),
            hours=numbers.hours(form.hours, language),
        ),
        _("When: {when}").format(when=from_to(form.starts_at, form.ends_at, language, zone)),
        _("Where: {place}").format(place=html.escape(form.place or "—")),
        _("For: {audience}").format(audience=words.audience(wanted(form.audience), language)),
        _("Enrolment: {how}").format(how=words.enrolment(form.enrolment, language)),
        _("Approval: {who}").format(who=approval(form.approval, language)),
        _("Seats: {seats}").format(seats=seats),
    ]


def made_card(batch_id: int, text: str, language: str) -> Card:
    """It is made; where it is."""
    _ = catalog(language).gettext
    return Card(text, ((Key(_("Open it"), OpenRun(batch_id), style="primary"),),))
