"""Making a competition in a few answers, or as a copy of an earlier one.

What is answered is a draft row; each answer names the question it is for, so that a key tapped
twice, or one of an older message, answers nothing else.
"""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.competitions import running, values_text, words
from handlers.competitions.buttons import RunCompetitions
from handlers.competitions.setup_buttons import (
    BeginCompetition,
    BlankPlan,
    ChooseCopy,
    CompetitionAnswer,
    CompetitionBack,
    CopyCompetition,
    GiveUpCompetition,
    GoOnCompetition,
    MakeCompetition,
    NewCompetition,
)
from handlers.context import Context, alert, shortened, show, tap
from handlers.training.words import fact_value
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, numbers
from storage.calendar import workdays
from storage.calendar.saying import NotUnderstood, WrongWeekday, YearLeftOut
from storage.competitions import editing, making, usual, views
from storage.competitions import making_answers as answers
from storage.competitions.editing import What
from storage.competitions.making import Form, Home
from storage.competitions.making_answers import DAYS, FORWARD, KIND, READY, Answers
from storage.competitions.tables import CompetitionKind
from storage.competitions.values import LONGEST
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.plan.form import STAGES
from storage.refusals import NotFound
from storage.training.making import DatesNotInOrder, WrongValue, subjects_of

AWAITED = "competition"
LABEL = 36
SUBJECTS = 21  # subjects to choose from, those of most teachers
DONE, LATER, USUAL = "done", "later", "usual"

TYPED = ("title", "entry", DAYS, FORWARD)
"""Beginnings of the questions that are answered by typing, or may be."""


def install(application: AnyApplication) -> None:
    on_tap(application, NewCompetition, begin)
    on_tap(application, BeginCompetition, begin_first)
    on_tap(application, CompetitionAnswer, answered)
    on_tap(application, CompetitionBack, step_back)
    on_tap(application, GoOnCompetition, go_on)
    on_tap(application, GiveUpCompetition, give_up)
    on_tap(application, MakeCompetition, make_it)
    on_tap(application, ChooseCopy, choose_copy)
    on_tap(application, CopyCompetition, copy)
    on_text(application, AWAITED, typed)


# -- cards -----------------------------------------------------------------------------------------


def begin_card(begun: Answers | None, language: str) -> Card:
    """The ways to make a competition, and what was begun and not finished."""
    _ = catalog(language).gettext
    lines = [
        _("<b>New competition</b>"),
        _(
            "In a few answers there is a draft that nobody else sees; all of it can be changed "
            "there. Last year's can be copied: its dates move by a year, its rules go along."
        ),
        _("You can also drop a plan sheet (XLSX) with the sheets “rounds” and “tracks” here."),
    ]
    keys: list[tuple[Key, ...]] = []
    if begun is not None:
        what = begun.said.get("title") or _("without a title yet")
        lines.append(_("You have begun and not finished: {what}").format(what=html.escape(what)))
        keys.append(
            (
                Key(_("Go on with it"), GoOnCompetition(), style="primary"),
                Key(_("Forget it"), GiveUpCompetition()),
            )
        )
    keys.append((Key(_("Begin"), BeginCompetition()), Key(_("Copy an earlier one"), ChooseCopy())))
    keys.append((Key(_("Empty plan sheet"), BlankPlan()), Key(_("Back"), RunCompetitions())))
    return Card("\n".join(lines), tuple(keys))


def question_card(
    asked: Answers,
    homes: tuple[Home, ...],
    subjects: tuple[str, ...],
    form: Form | None,
    context: Context,
    language: str,
    trouble: str = "",
) -> Card:
    """The open question, with what was wrong with the last answer if anything was."""
    _ = catalog(language).gettext
    text, keys = _question(asked, homes, subjects, form, context, language)
    lines = [_("<b>New competition</b>"), *([trouble] if trouble else []), text]
    foot = (
        *((Key(_("Back"), CompetitionBack(asked.step)),) if asked.past else ()),
        Key(_("Give up"), GiveUpCompetition()),
    )
    return Card("\n".join(lines), (*keys, foot))


Rows = tuple[tuple[Key, ...], ...]


def _question(
    asked: Answers,
    homes: tuple[Home, ...],
    subjects: tuple[str, ...],
    form: Form | None,
    context: Context,
    language: str,
) -> tuple[str, Rows]:
    _ = catalog(language).gettext
    step, now, zone = asked.step, context.now(), context.house.zone
    home = answers.home_of(asked, homes)
    match step:
        case "unit":
            keys = [Key(shortened(h.name, LABEL), _press(step, str(h.unit_id))) for h in homes]
            return _("Which unit organises it?"), _rows(keys, 1)
        case "kind":
            names = words.kinds(language)
            keys = [Key(names[each], _press(step, each.value)) for each in CompetitionKind]
            return _("What kind of competition is it?"), _rows(keys, 2)
        case "year":
            this = making.school_year(local_day(now, zone))
            following = _after(this)
            keys = [Key(each, _press(step, each)) for each in (this, following)]
            return _("In which school year?"), _rows(keys, 2)
        case "title":
            usual_title = title_of(asked, home, context.house.language)
            key = Key(shortened(usual_title, LABEL), _press(step, USUAL), style="primary")
            text = _(
                "What shall the competition be called? Please type it, or take the usual name."
            )
            return text, ((key,),)
        case "stage":
            picked = asked.said.get("stage") or []
            text = _("For which stages? Each stage and subject make a track.")
            return text, _toggles(step, STAGES, picked, language)
        case "subject":
            picked = asked.said.get("subject") or []
            text = _("In which subjects? Choose any number; none is one track for each stage.")
            return text, _toggles(step, subjects[:SUBJECTS], picked, language)
        case "rounds":
            names = words.levels(language)
            ticked = {each.key for each in answers.chosen(asked, homes)}
            keys = [
                Key(
                    _("{mark} {name} ({level})").format(
                        mark="✓" if key in ticked else "○",
                        name=usual.said(each.name, language),
                        level=names[each.level],
                    ),
                    _press(step, key),
                )
                for key, each in usual.rounds_of(home.kind).items()
            ]
            text = _("Which rounds does it have? Those “on to …” are held by the level above.")
            return text, (*_rows(keys, 1), (Key(_("Go on"), _press(step, DONE), style="primary"),))
        case "entry":
            text = _(
                "From when to when can one enter? Please type it with the hour, such as {example}."
            ).format(example="9月14日 8:00 至 10月9日 18:00")
            return text, ((Key(_("Not known yet"), _press(step, LATER)),),)
    later = ((Key(_("Not known yet"), _press(step, LATER)),),)
    if step.startswith(DAYS):
        text = _("When is {round} held? Please type its days, such as {example}.").format(
            round=_name(step, home, language), example="10月12日 至 10月30日"
        )
        return text, later
    if step.startswith(FORWARD):
        text = _(
            "{round}: until when does the level above want the list? "
            "Please type it, such as {example}."
        ).format(round=_name(step, home, language), example="2027年4月20日 12:00")
        return text, later
    assert form is not None
    lines = form_lines(form, language, context)
    lines.insert(1, _("In the name of {unit}").format(unit=html.escape(home.name)))
    lines += ["", _("All of it can be changed on the draft.")]
    make = Key(_("Make the draft"), MakeCompetition(), style="primary")
    return "\n".join(lines), ((make,),)


def form_lines(form: Form, language: str, context: Context) -> list[str]:
    """What a draft will say, a few lines."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(form.title)}</b>",
        _("{kind} · school year {year}").format(
            kind=words.kinds(language)[form.kind], year=form.school_year
        ),
        _("Tracks: {tracks}").format(
            tracks=html.escape(numbers.joined([each.title for each in form.tracks], language))
            or _("none yet")
        ),
    ]
    for each in form.rounds:
        dates = values_text.round_dates(vars(each), language, context.house.zone, context.now())
        lines.append(f"<b>{html.escape(each.name)}</b>")
        lines += [f"· {line}" for line in dates] or [_("· without dates yet")]
    return lines


def copies_card(found: views.Runs, language: str) -> Card:
    """Earlier competitions, each a key that copies it."""
    _ = catalog(language).gettext
    lines = [_("<b>Copy an earlier one</b>"), _("Which one? The copy is a draft.")]
    mine = [line for line in found.lines if line.organises]
    if not mine:
        lines = [_("There is none to copy yet.")]
    keys = [
        (Key(shortened(line.title, LABEL), CopyCompetition(line.competition_id)),) for line in mine
    ]
    turn = pager(found.page, found.pages, ChooseCopy)
    back = (Key(_("Back"), NewCompetition()),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def title_of(asked: Answers, home: Home, language: str) -> str:
    """What such a competition is usually called, in the office's language."""
    _ = catalog(language).gettext
    return _("{unit}: {kind} {year}").format(
        unit=home.name,
        kind=words.kinds(language)[CompetitionKind(asked.said["kind"])],
        year=asked.said["year"],
    )


def _after(year: str) -> str:
    first = int(year[:4]) + 1
    return f"{first}-{first + 1}"


def _name(step: str, home: Home, language: str) -> str:
    key = step.removeprefix(DAYS).removeprefix(FORWARD)
    return usual.said(usual.rounds_of(home.kind)[key].name, language)


def _press(step: str, value: str) -> CompetitionAnswer:
    return CompetitionAnswer(step, value)


def _rows(keys: list[Key], width: int) -> Rows:
    return tuple(tuple(keys[n : n + width]) for n in range(0, len(keys), width))


def _toggles(step: str, pool: Collection[str], picked: Collection[str], language: str) -> Rows:
    _ = catalog(language).gettext
    keys = [
        Key(
            ("✓ " if each in picked else "") + shortened(fact_value(each, language), LABEL),
            _press(step, str(at)),
        )
        for at, each in enumerate(pool)
    ]
    return (*_rows(keys, 3), (Key(_("Go on"), _press(step, DONE), style="primary"),))


# -- what happens ----------------------------------------------------------------------------------


async def begin(update: Update, context: Context) -> None:
    """Offer the ways to make one."""
    reader = await context.reader(update)
    _homes, begun, _subjects = await context.read(_where, reader, now=context.now())
    await show(update, context, reader, begin_card(begun, reader.language))


async def begin_first(update: Update, context: Context) -> None:
    """Ask the first question."""
    reader = await context.reader(update)
    await context.write(_begin, reader, now=context.now())
    await _ask(update, context, reader)


async def go_on(update: Update, context: Context) -> None:
    """Ask the open question again."""
    await _ask(update, context, await context.reader(update))


async def step_back(update: Update, context: Context) -> None:
    """Ask the question before; twice goes back once."""
    step = CompetitionBack.parse(tap(update).data).step
    reader = await context.reader(update)
    await context.write(_back, reader, step, now=context.now())
    await _ask(update, context, reader)


async def give_up(update: Update, context: Context) -> None:
    """Forget the answers."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    dropped = await context.write(_forget, reader, now=context.now())
    if dropped:
        await alert(update, _("Forgotten; nothing was made."))
    await running.show_list(update, context, reader)


async def answered(update: Update, context: Context) -> None:
    """Take a key as the answer to its question."""
    button = CompetitionAnswer.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        _answer, reader, button.step, button.value, context.house.language, now=context.now()
    )
    await _ask(update, context, reader)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the answer to the open question."""
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    trouble = ""
    try:
        await context.write(_type, reader, text, now=now)
    except (NotUnderstood, WrongWeekday, YearLeftOut, WrongValue, DatesNotInOrder) as refusal:
        trouble = values_text.trouble(refusal, reader.language, context.house.zone, now)
    await _ask(update, context, reader, trouble)


async def make_it(update: Update, context: Context) -> None:
    """Make what was answered."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    made = await context.write(_make, reader, context.house.language, now=context.now())
    await alert(update, _("The draft is made. Nobody else sees it until it is published."))
    await running.show_desk(update, context, reader, made)


async def choose_copy(update: Update, context: Context) -> None:
    """Show the earlier competitions."""
    page = ChooseCopy.parse(tap(update).data).page
    reader = await context.reader(update)
    found = await context.read(views.runs, reader.linked_teacher_id, page=page, now=context.now())
    await show(update, context, reader, copies_card(found, reader.language))


async def copy(update: Update, context: Context) -> None:
    """Make next year's draft."""
    competition_id = CopyCompetition.parse(tap(update).data).competition_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    made = await context.write(
        making.clone, reader.linked_teacher_id, competition_id, now=context.now()
    )
    await alert(update, _("The copy is a draft; please look through its dates."))
    await running.show_desk(update, context, reader, made)


async def _ask(update: Update, context: Context, reader: Reader, trouble: str = "") -> None:
    homes, asked, subjects, form = await context.write(
        _open, reader, context.house.language, now=context.now()
    )
    if asked is None:
        await show(update, context, reader, begin_card(None, reader.language))
        return
    card = question_card(asked, homes, subjects, form, context, reader.language, trouble)
    await show(update, context, reader, card)


# -- the answers, in one transaction each ----------------------------------------------------------


def _where(
    session: Session, reader: Reader, *, now: datetime
) -> tuple[tuple[Home, ...], Answers | None, tuple[str, ...]]:
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    kept = drafts.read(session, reader.account_id, KIND)
    return homes, None if kept is None else Answers.of_data(kept), subjects_of(session)


def _open(
    session: Session, reader: Reader, language: str, *, now: datetime
) -> tuple[tuple[Home, ...], Answers | None, tuple[str, ...], Form | None]:
    homes, asked, subjects = _where(session, reader, now=now)
    form = None
    if asked is not None and asked.step.startswith(TYPED):
        accounts.await_text(session, reader.account_id, AWAITED, now=now)
    elif asked is not None and asked.step == READY:
        form = answers.form(asked, homes, workdays.load(session), language)
    return homes, asked, subjects, form


def _keep(session: Session, reader: Reader, asked: Answers, *, now: datetime) -> None:
    drafts.keep(session, reader.account_id, KIND, asked.data(), now=now)


def _begin(session: Session, reader: Reader, *, now: datetime) -> None:
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    first = Answers(homes[0].unit_id)
    _keep(session, reader, first.asking(answers.next_step(first, homes)), now=now)


def _current(session: Session, reader: Reader) -> Answers:
    kept = drafts.read(session, reader.account_id, KIND)
    if kept is None:
        raise NotFound("draft")
    return Answers.of_data(kept)


def _back(session: Session, reader: Reader, step: str, *, now: datetime) -> None:
    asked = _current(session, reader)
    before = asked.back() if asked.step == step else None
    if before is not None:
        _keep(session, reader, before, now=now)


def _forget(session: Session, reader: Reader, *, now: datetime) -> bool:
    accounts.await_text(session, reader.account_id, "", now=now)
    return drafts.drop(session, reader.account_id, KIND)


def _go(session: Session, reader: Reader, asked: Answers, *, now: datetime) -> None:
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    _keep(session, reader, asked.asking(answers.next_step(asked, homes)), now=now)


def _answer(
    session: Session, reader: Reader, step: str, value: str, language: str, *, now: datetime
) -> None:
    homes, asked, subjects = _where(session, reader, now=now)
    if asked is None:
        raise NotFound("draft")
    if asked.step != step:
        return  # tapped twice, or on an older message: the open question is asked again
    home = answers.home_of(asked, homes)
    match step:
        case "unit":
            if not any(str(each.unit_id) == value for each in homes):
                raise WrongValue(step)
            asked = replace(asked, unit_id=int(value))
        case "kind" if value in set(CompetitionKind):
            asked = asked.with_(kind=value)
        case "year" if len(value) == 9:
            asked = asked.with_(year=value)
        case "title":
            asked = asked.with_(title=title_of(asked, home, language))
        case "stage" | "subject" if value != DONE:
            pool = STAGES if step == "stage" else subjects[:SUBJECTS]
            _keep(session, reader, _toggled(asked, step, pool, value), now=now)
            return
        case "stage" | "subject":
            asked = asked.with_(**{step: asked.said.get(step) or []})
        case "rounds" if value != DONE:
            ticked = {each.key for each in answers.chosen(asked, homes)} ^ {value}
            known = usual.rounds_of(home.kind)
            _keep(
                session,
                reader,
                asked.with_(rounds=[key for key in known if key in ticked]),
                now=now,
            )
            return
        case "rounds":
            if all(each.external for each in answers.chosen(asked, homes)):
                raise WrongValue(step)
        case "entry" if value == LATER:
            asked = asked.with_(entry_opens_at=None, entry_closes_at=None)
        case _ if value == LATER and step.startswith((DAYS, FORWARD)):
            asked = asked.with_(**{step: None, f"{step}-end": None})
        case _:
            raise WrongValue(step)
    _go(session, reader, asked, now=now)


def _toggled(asked: Answers, step: str, pool: Collection[str], value: str) -> Answers:
    known = list(pool)
    if not value.isdigit() or int(value) >= len(known):
        raise WrongValue(step)
    picked = set(asked.said.get(step) or []) ^ {known[int(value)]}
    return asked.with_(**{step: [each for each in known if each in picked]})


def _type(session: Session, reader: Reader, text: str, *, now: datetime) -> None:
    asked = _current(session, reader)
    calendar = workdays.load(session)
    step = asked.step

    def read(what: What) -> dict[str, Any]:
        dates = editing.read_dates(what, text, None, calendar, now=now)
        return {name: value.isoformat() for name, value in dates.items()}

    if step == "title":
        said = " ".join(text.split())
        if not said or len(said) > LONGEST:
            raise WrongValue(step)
        asked = asked.with_(title=said)
    elif step == "entry":
        dates = read(What.ENTRY)
        opens, closes = dates.get("entry_opens_at"), dates["entry_closes_at"]
        if opens is not None:
            making.check_days(datetime.fromisoformat(opens), datetime.fromisoformat(closes))
        asked = asked.with_(entry_opens_at=opens, entry_closes_at=closes)
    elif step.startswith(DAYS):
        dates = read(What.DAYS)
        asked = asked.with_(**{step: dates["starts_at"], f"{step}-end": dates["ends_at"]})
    elif step.startswith(FORWARD):
        asked = asked.with_(**{step: read(What.FORWARD_DUE)["forward_due_at"]})
    else:
        raise WrongValue(step)
    _go(session, reader, asked, now=now)


def _make(session: Session, reader: Reader, language: str, *, now: datetime) -> int:
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    asked = _current(session, reader)
    if asked.step != READY:
        raise NotFound("draft")
    form = answers.form(asked, homes, workdays.load(session), language)
    made = making.create(session, reader.linked_teacher_id, form, language=language, now=now)
    drafts.drop(session, reader.account_id, KIND)
    accounts.await_text(session, reader.account_id, "", now=now)
    return made
