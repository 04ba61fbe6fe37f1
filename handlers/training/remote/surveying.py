"""The survey after a class: three taps, and what came of it for whoever ran the class."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import Context, show, tap
from handlers.people.buttons import Home
from handlers.training.buttons import OpenRun, OpenSurvey
from handlers.wiring import AnyApplication, on_run, on_tap
from locales import catalog, dates
from storage.messaging import inbox
from storage.moments import local_day
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import Refusal
from storage.training import surveys
from storage.training.remote.plan import REMOTE_MODES
from storage.training.surveys import Satisfaction, Sheet, SurveyNotOpen


@dataclass(frozen=True)
class OpenSatisfaction(Button):
    """What the participants of a class think, for who runs it."""

    tag = "svs"
    batch_id: int


@dataclass(frozen=True)
class Rate(Button):
    """The marks given so far, 0 for what is still asked."""

    tag = "svr"
    batch_id: int
    content: int = 0
    usefulness: int = 0
    support: int = 0


_ASKED = ("content", "usefulness", "support")


def install(application: AnyApplication) -> None:
    on_run(application, {Act.RUN_PROGRAMME}, _label, OpenSatisfaction, modes=REMOTE_MODES)
    on_tap(application, OpenSurvey, open_survey)
    on_tap(application, Rate, rate)
    on_tap(application, OpenSatisfaction, open_satisfaction)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Satisfaction")


def question_card(facts: Sheet, given: Rate, language: str, zone: ZoneInfo, today: date) -> Card:
    """The next of the three questions; or that there is nothing left to answer."""
    _ = catalog(language).gettext
    title = html.escape(facts.title)
    menu = (Key(_("Menu"), Home()),)
    if facts.is_taken:
        text = _("<b>{title}</b>\nYou have answered; thank you.").format(title=title)
        return Card(text, (menu,))
    questions = (
        _("How good was what was taught?"),
        _("How useful is it for your work?"),
        _("How well were you supported?"),
    )
    number = 0 if not given.content else 1 if not given.usefulness else 2
    text = "\n".join(
        (
            _("<b>{title}</b>, question {n} of 3").format(title=title, n=number + 1),
            questions[number],
            _("1 is poor, 5 is very good. Nobody can tell who answered what."),
            _("Open until {time}.").format(
                time=dates.moment(facts.closes_at, zone, language, today)
            ),
        )
    )
    row = tuple(
        Key(str(mark), replace(given, **{_ASKED[number]: mark}))
        for mark in range(surveys.LEAST, surveys.MOST + 1)
    )
    return Card(text, (row, menu))


def satisfaction_card(facts: Satisfaction, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """What the participants think, as soon as it may be shown."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [
        _("<b>Satisfaction: {title}</b>").format(title=html.escape(facts.title)),
        _("Answered: {n} of {all}").format(n=facts.answers, all=facts.asked),
    ]
    if facts.content is not None and facts.usefulness is not None and facts.support is not None:
        lines += [
            _("What was taught: {mean} of 5").format(mean=f"{facts.content:.1f}"),
            _("Usefulness: {mean} of 5").format(mean=f"{facts.usefulness:.1f}"),
            _("Support: {mean} of 5").format(mean=f"{facts.support:.1f}"),
        ]
    elif now < facts.closes_at:
        lines.append(
            _("The survey is open from {start} to {end}; its results are shown afterwards.").format(
                start=dates.moment(facts.opens_at, zone, language, today),
                end=dates.moment(facts.closes_at, zone, language, today),
            )
        )
    else:
        lines.append(
            _("With fewer than {n} answers nothing is shown, so that nobody can be told.").format(
                n=surveys.FEWEST
            )
        )
    return Card("\n".join(lines), ((Key(_("Back"), OpenRun(facts.batch_id)),),))


def survey_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why there is no survey now; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case SurveyNotOpen(opens_at=opens_at) if now < opens_at:
            return _("The survey opens {time}.").format(
                time=dates.moment(opens_at, zone, language, today)
            )
        case SurveyNotOpen():
            return _("The survey of this class is over. Thank you for wanting to answer.")
    return ""


async def open_survey(update: Update, context: Context) -> None:
    """Ask the first question."""
    batch_id = OpenSurvey.parse(tap(update).data).batch_id
    await _ask(update, context, await context.reader(update), Rate(batch_id))


async def rate(update: Update, context: Context) -> None:
    """Take a mark and ask what is next; with the third one all are kept."""
    given = Rate.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    await context.write(_keep, reader, given, update.update_id, now=now)
    await _ask(update, context, reader, given)


def _keep(session: Session, reader: Reader, given: Rate, update_id: int, *, now: datetime) -> None:
    """Keep the answer when it is whole, and take the marks out of the tap that is kept."""
    inbox.blot(session, update_id)
    if not (given.content and given.usefulness and given.support):
        return
    surveys.answer(
        session,
        reader.linked_teacher_id,
        given.batch_id,
        content=given.content,
        usefulness=given.usefulness,
        support=given.support,
        now=now,
    )


async def _ask(update: Update, context: Context, reader: Reader, given: Rate) -> None:
    now, zone = context.now(), context.house.zone
    facts = await context.read(surveys.sheet, reader.linked_teacher_id, given.batch_id, now=now)
    card = question_card(facts, given, reader.language, zone, local_day(now, zone))
    await show(update, context, reader, card)


async def open_satisfaction(update: Update, context: Context) -> None:
    """Show what the participants think."""
    batch_id = OpenSatisfaction.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    now = context.now()
    facts = await context.read(surveys.satisfaction, reader.linked_teacher_id, batch_id, now=now)
    card = satisfaction_card(facts, reader.language, context.house.zone, now)
    await show(update, context, reader, card)
