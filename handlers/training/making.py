"""Making programmes in a few answers: from nothing, from a template, as a copy, one more class.

What is answered is a draft row; each answer names the question it is for, so that a key tapped
twice, or one of an older message, answers nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card
from handlers.context import Context, alert, show, tap
from handlers.training import making_text
from handlers.training.making_text import ALL, DONE, SUBJECTS, TYPED
from handlers.training.run_buttons import (
    AddClass,
    Answer,
    BeginBlank,
    BeginWith,
    ChooseTemplate,
    CopyRun,
    GiveUp,
    GoOn,
    MakeIt,
    NewProgramme,
    StepBack,
)
from handlers.training.runs import show_list, show_run
from handlers.wiring import AnyApplication, on_runs, on_tap, on_text
from locales import catalog, dates
from storage.calendar import saying
from storage.calendar.saying import NotUnderstood, WrongWeekday
from storage.moments import local_day
from storage.people import accounts, drafts, offices
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.plan.form import STAGES
from storage.refusals import NotFound, Refusal
from storage.sheets import as_number
from storage.training import changing, making, template
from storage.training import making_answers as answers
from storage.training.making import DatesNotInOrder, Home, Made, WrongValue
from storage.training.making_answers import CLASS, COPY, KIND, NEW, READY, Answers
from storage.training.tables import CATEGORIES, Approval, Enrolment, Level, Mode

AWAITED = "programme"
_CHOICES = {"mode": Mode, "enrolment": Enrolment, "approval": Approval, "level": Level}


def install(application: AnyApplication) -> None:
    on_tap(application, NewProgramme, begin)
    on_tap(application, ChooseTemplate, choose_template)
    on_tap(application, BeginBlank, begin_blank)
    on_tap(application, BeginWith, begin_with)
    on_tap(application, CopyRun, begin_copy)
    on_tap(application, AddClass, begin_class)
    on_tap(application, GoOn, go_on)
    on_tap(application, Answer, answered)
    on_tap(application, StepBack, step_back)
    on_tap(application, GiveUp, give_up)
    on_tap(application, MakeIt, make_it)
    on_text(application, AWAITED, typed)
    on_runs(application, {Act.RUN_PROGRAMME}, _label, NewProgramme)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("New programme")


async def begin(update: Update, context: Context) -> None:
    """Offer the ways to make a programme."""
    reader = await context.reader(update)
    _homes, begun, _subjects = await context.read(_where, reader, now=context.now())
    await show(update, context, reader, making_text.begin_card(begun, reader.language))


async def choose_template(update: Update, context: Context) -> None:
    """Show a page of the templates that fit the actor's units."""
    page = ChooseTemplate.parse(tap(update).data).page
    reader = await context.reader(update)
    homes, _begun, _subjects = await context.read(_where, reader, now=context.now())
    fitting = _fitting(homes)
    await show(update, context, reader, making_text.templates_card(fitting, page, reader.language))


def _fitting(homes: tuple[Home, ...]) -> tuple[template.Template, ...]:
    """Templates of the units' levels; what a county holds, a school may hold for itself."""
    levels = {level for home in homes for level in home.levels} | {Level.COUNTY, Level.SCHOOL}
    return tuple(each for each in template.templates() if each.level in levels)


async def begin_blank(update: Update, context: Context) -> None:
    """Begin without a template."""
    await _start(update, context, Answers(NEW))


async def begin_with(update: Update, context: Context) -> None:
    """Begin with a template."""
    key = BeginWith.parse(tap(update).data).key
    if template.of_key(key) is None:
        raise NotFound("template")
    await _start(update, context, Answers(NEW, template=key))


async def begin_copy(update: Update, context: Context) -> None:
    """Begin to hold a programme once more."""
    batch_id = CopyRun.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    face = await context.read(changing.face, reader.linked_teacher_id, batch_id, now=context.now())
    await _start(update, context, Answers(COPY, of=batch_id, title=face.title))


async def begin_class(update: Update, context: Context) -> None:
    """Begin to add one more class to a programme."""
    batch_id = AddClass.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    face = await context.read(changing.face, reader.linked_teacher_id, batch_id, now=context.now())
    if face.enrolment is Enrolment.AUTOMATIC:
        raise WrongValue("classes")
    said = {"mode": face.mode.value}
    await _start(update, context, Answers(CLASS, of=batch_id, title=face.title, said=said))


async def _start(update: Update, context: Context, first: Answers) -> None:
    reader = await context.reader(update)
    await context.write(_begin, reader, first, now=context.now())
    await _ask(update, context, reader)


async def go_on(update: Update, context: Context) -> None:
    """Ask the open question again."""
    await _ask(update, context, await context.reader(update))


async def step_back(update: Update, context: Context) -> None:
    """Ask the question before; twice goes back once."""
    step = StepBack.parse(tap(update).data).step
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
    await show_list(update, context, reader)


async def answered(update: Update, context: Context) -> None:
    """Take a key as the answer to its question."""
    button = Answer.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(_answer, reader, button.step, button.value, now=context.now())
    await _ask(update, context, reader)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the answer to the open question."""
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    trouble = ""
    try:
        await context.write(_type, reader, text, now=now)
    except (NotUnderstood, WrongWeekday, WrongValue, DatesNotInOrder) as refusal:
        trouble = making_words(refusal, reader.language, context.house.zone, now)
    await _ask(update, context, reader, trouble)


async def make_it(update: Update, context: Context) -> None:
    """Make what was answered."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    # Names of classes are kept, so they are in the office's own language.
    word = catalog(context.house.language).gettext
    names = (word("Class {n}"), context.house.language)
    what, made = await context.write(_make, reader, names, now=context.now())
    context.house.wake_delivery()
    text = {
        NEW: _("The draft is made. No teacher sees it until it is published."),
        COPY: _("The copy is a draft. No teacher sees it until it is published."),
        CLASS: _("The class is added."),
    }[what]
    await alert(update, text)
    await show_run(update, context, reader, made.batch_id)


async def _ask(update: Update, context: Context, reader: Reader, trouble: str = "") -> None:
    """Put the open question; a text typed next answers it if it can be typed."""
    now, zone = context.now(), context.house.zone
    homes, asked, subjects = await context.write(_open, reader, now=now)
    if asked is None:
        await show(update, context, reader, making_text.begin_card(None, reader.language))
        return
    card: Card = making_text.question_card(
        asked, homes, subjects, reader.language, zone, now, trouble
    )
    await show(update, context, reader, card)


# -- what happens to the answers, in one transaction each --------------------------------------


def _where(
    session: Session, reader: Reader, *, now: datetime
) -> tuple[tuple[Home, ...], Answers | None, tuple[str, ...]]:
    """The actor's units, the answers so far, and the subjects to choose from."""
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    kept = drafts.read(session, reader.account_id, KIND)
    subjects = making.subjects_of(session)
    only = {subject for home in homes for subject in home.subjects}
    narrow = only and all(home.subjects for home in homes)
    fitting = tuple(each for each in subjects if each in only) if narrow else subjects
    return homes, None if kept is None else Answers.of_data(kept), fitting


def _open(
    session: Session, reader: Reader, *, now: datetime
) -> tuple[tuple[Home, ...], Answers | None, tuple[str, ...]]:
    homes, asked, subjects = _where(session, reader, now=now)
    if asked is not None and asked.step in TYPED:
        accounts.await_text(session, reader.account_id, AWAITED, now=now)
    return homes, asked, subjects


def _keep(session: Session, reader: Reader, asked: Answers, *, now: datetime) -> None:
    drafts.keep(session, reader.account_id, KIND, asked.data(), now=now)


def _begin(session: Session, reader: Reader, first: Answers, *, now: datetime) -> None:
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    asked = first.asking(answers.next_step(first, homes))
    _keep(session, reader, replace(asked, unit_id=homes[0].unit_id), now=now)


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
    """Keep the answers and open the next question."""
    homes = making.homes(session, reader.linked_teacher_id, now=now)
    _keep(session, reader, asked.asking(answers.next_step(asked, homes)), now=now)


def _answer(session: Session, reader: Reader, step: str, value: str, *, now: datetime) -> None:
    asked = _current(session, reader)
    if asked.step != step:
        return  # tapped twice, or on an older message: the open question is asked again
    zone = offices.zone(session)
    match step:
        case "unit":
            homes = making.homes(session, reader.linked_teacher_id, now=now)
            if not any(str(home.unit_id) == value for home in homes):
                raise WrongValue(step)
            asked = replace(asked, unit_id=int(value))
        case "title":
            usual = answers.usual_title(asked, reader.language, local_day(now, zone).year)
            asked = asked.with_(title=usual)
        case "category" if value in CATEGORIES:
            asked = asked.with_(category=value)
        case "sure":
            pass
        case "place":
            asked = asked.with_(place="")
        case "seats":
            asked = asked.with_(seats=None if value == ALL else _seats(value))
        case "hours":
            asked = asked.with_(hours=_hours(value))
        case "registration":
            asked = asked.with_(reg_open=None, reg_close=None)
        case "stage" | "subject" if value != DONE:
            pool = STAGES if step == "stage" else _where(session, reader, now=now)[2][:SUBJECTS]
            _keep(session, reader, _toggled(asked, step, pool, value), now=now)
            return
        case "stage" | "subject":
            asked = asked.with_(**{step: asked.said.get(step) or []})
        case "ready":
            asked = replace(asked, all=True)
            homes = making.homes(session, reader.linked_teacher_id, now=now)
            order = list(answers.steps(asked, homes))
            _keep(session, reader, asked.asking(order[order.index(READY) + 1]), now=now)
            return
        case _ if step in _CHOICES and value in set(_CHOICES[step]):
            asked = asked.with_(**{step: value})
        case _:
            raise WrongValue(step)
    _go(session, reader, asked, now=now)


def _toggled(asked: Answers, step: str, pool: Collection[str], value: str) -> Answers:
    known = list(pool)
    if not value.isdigit() or int(value) >= len(known):
        raise WrongValue(step)
    chosen = list(asked.said.get(step) or [])
    one = known[int(value)]
    chosen = [each for each in chosen if each != one] if one in chosen else [*chosen, one]
    return asked.with_(**{step: chosen})


def _type(session: Session, reader: Reader, text: str, *, now: datetime) -> None:
    asked = _current(session, reader)
    zone = offices.zone(session)
    match asked.step:
        case "title":
            asked = asked.with_(title=_short(text, "title"))
        case "place":
            asked = asked.with_(place=_short(text, "place"))
        case "dates":
            asked = asked.with_(**read_dates(text, zone, now))
        case "sure":  # what is asked for confirmation, is put right
            before = asked.back() or asked
            asked = before.with_(**read_dates(text, zone, now))
        case "seats":
            asked = asked.with_(seats=_seats(text))
        case "hours":
            asked = asked.with_(hours=_hours(text))
        case "registration":
            read = read_registration(text, zone, now)
            asked = asked.with_(**read)
            form = answers.form(
                asked, making.homes(session, reader.linked_teacher_id, now=now), zone
            )
            making.check_form(form)
        case _:
            raise WrongValue(asked.step)
    _go(session, reader, asked, now=now)


def _make(
    session: Session, reader: Reader, names: tuple[str, str], *, now: datetime
) -> tuple[str, Made]:
    asked = _current(session, reader)
    actor_id, zone = reader.linked_teacher_id, offices.zone(session)
    class_name, language = names
    match asked.what:
        case answers.COPY:
            starts_at = datetime.fromisoformat(asked.said["starts_at"])
            made = making.clone(session, actor_id, asked.of, starts_at, now=now)
        case answers.CLASS:
            said = asked.said
            made = making.add_batch(
                session,
                actor_id,
                asked.of,
                datetime.fromisoformat(said["starts_at"]),
                datetime.fromisoformat(said["ends_at"]),
                place=said.get("place", ""),
                seats_=said.get("seats"),
                title=class_name,
                now=now,
            )
        case _:
            homes = making.homes(session, actor_id, now=now)
            form = answers.form(asked, homes, zone)
            made = making.create(session, actor_id, form, language=language, now=now)
    drafts.drop(session, reader.account_id, KIND)
    accounts.await_text(session, reader.account_id, "", now=now)
    return asked.what, made


# -- reading what is typed -------------------------------------------------------------------------


def read_dates(text: str, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Read from when to when. Raises NotUnderstood, WrongWeekday or DatesNotInOrder."""
    span = saying.span(saying.read(text, local_day(now, zone)), zone)
    making.check_order(span.starts_at, span.ends_at, None, None)
    return {"starts_at": span.starts_at.isoformat(), "ends_at": span.ends_at.isoformat()}


def read_registration(text: str, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Read when registration opens and closes; one day alone is when it closes."""
    said = saying.read(text, local_day(now, zone))
    closes = saying.deadline(said, zone).isoformat()
    if said.last_day is None:
        return {"reg_close": closes}
    return {"reg_open": saying.opening(said, zone).isoformat(), "reg_close": closes}


def _short(text: str, step: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > making.LONGEST:
        raise WrongValue(step)
    return text


def _seats(text: str) -> int:
    number = as_number(text)
    if number is None or number != int(number) or not 0 < number <= making.MOST_SEATS:
        raise WrongValue("seats")
    return int(number)


def _hours(text: str) -> str:
    number = as_number(text)
    if number is None or not 0 <= number <= 1000 or number * 10 != int(number * 10):
        raise WrongValue("hours")
    return str(number)


def making_words(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why an answer cannot be taken; empty for what is not ours."""
    _ = catalog(language).gettext
    today = local_day(now, zone)
    match refusal:
        case NotUnderstood():
            return _(
                "I could not read a time in this. Please type the day and the hour, such as "
                "{example}."
            ).format(example=making_text.EXAMPLES[0])
        case WrongWeekday():
            return _("That day is {day}. Please look again which of the two is meant.").format(
                day=dates.day(refusal.day, language, today)
            )
        case DatesNotInOrder():
            return _(
                "{earlier} should come before {later}. Please look at the times again."
            ).format(
                earlier=dates.moment(refusal.earlier, zone, language, today),
                later=dates.moment(refusal.later, zone, language, today),
            )
        case WrongValue(field="title" | "place" | "bring" | "contact" | "certificate" | "provider"):
            return _("Please type a text of at most 120 characters.")
        case WrongValue(field="seats"):
            return _("Please type a whole number from 1 to 100,000.")
        case WrongValue(field="number"):
            return _("Please type a number, such as 12.")
        case WrongValue(field="hours"):
            return _("Please type a number of hours from 0 to 1000, such as 8 or 7.5.")
        case WrongValue(field="enrolment" | "classes"):
            return _("Everybody concerned is enrolled in this programme, so it has one class only.")
        case WrongValue():
            return _("This is not possible here. Please choose one of the keys.")
    return ""
