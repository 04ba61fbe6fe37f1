"""The reminders of a class, for whoever runs it: each step, each person, and more time for one."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.competitions import due_text
from handlers.context import Context, alert, shortened, show, tap
from handlers.offsets import offset_text
from handlers.training import times
from handlers.training.buttons import OpenRun
from handlers.wiring import AnyApplication, on_run, on_tap, on_text
from locales import catalog, dates, numbers
from storage import kinds, moments
from storage.calendar import workdays
from storage.messaging.reminders import StepView
from storage.messaging.sweeping import BY_HAND
from storage.messaging.tables import DeadlineState, Level, ReminderState, StepOutcome
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import Refusal
from storage.training import extending, reminding
from storage.training.extending import NotLater, NotOwed
from storage.training.reminding import ItemFacts, Items, PeopleOf, PersonFacts, StepOfPerson

AWAITED = "extend"  # what a typed text answers: until when somebody has time
GIVEN = (3, 7, 14)  # calendar days that a key gives
LABEL, TITLE = 28, 60
STEPS = 14


@dataclass(frozen=True)
class OpenItems(Button):
    """A page of the deadlines of a class."""

    tag = "rem"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenReminders(Button):
    """Every step of one deadline."""

    tag = "remi"
    deadline_id: int


@dataclass(frozen=True)
class TaskReminders(Button):
    """Every step of the deadline of a task."""

    tag = "remt"
    task_id: int


@dataclass(frozen=True)
class OpenReminded(Button):
    """A page of those whom a deadline concerned."""

    tag = "remp"
    deadline_id: int
    page: int = 0


@dataclass(frozen=True)
class WhyReminded(Button):
    """Why one person got, or did not get, each step."""

    tag = "remw"
    deadline_id: int
    teacher_id: int


@dataclass(frozen=True)
class GiveTime(Button):
    """Give one person so many days more; 0 asks until when, -1 takes it back."""

    tag = "remg"
    deadline_id: int
    teacher_id: int
    days: int


def install(application: AnyApplication) -> None:
    on_tap(application, OpenItems, open_items)
    on_tap(application, OpenReminders, open_item)
    on_tap(application, TaskReminders, open_task)
    on_tap(application, OpenReminded, open_people)
    on_tap(application, WhyReminded, open_person)
    on_tap(application, GiveTime, give_time)
    on_text(application, AWAITED, time_typed)
    on_run(application, {Act.SEE_PROGRAMME}, _label, OpenItems)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Reminders")


# --- words -------------------------------------------------------------------------------------


def kind_text(kind: str, language: str) -> str:
    """What a deadline of a class is about, in a word or two."""
    _ = catalog(language).gettext
    said = {
        "reg_open": _("registration opens"),
        "reg_close": _("registration closes"),
        "nomination": _("nominated people answer"),
        "nominate_close": _("nominations close"),
        "quota_unfilled": _("seats of schools"),
        "release": _("unused seats are released"),
        "roster": _("the list is reported"),
        "batch_start": _("begins"),
        "session": _("meeting"),
        "session_lead": _("meeting, for who teaches"),
        "task_due": _("work is due"),
        "item_due": _("a part of the study is due"),
        "phase_end": _("stretch ends"),
        "phase_help": _("stretch ends, for tutors"),
        "survey_close": _("survey ends"),
        "gate": _("gate not passed"),
        "shadowing": _("school receives people"),
        "remote_start": _("remote training begins"),
        "remote_login": _("not logged in yet"),
        "remote_end": _("remote training ends"),
        "remote_not_started": _("study has not started"),
        "remote_behind": _("behind the pace"),
        "remote_idle": _("no new study"),
        "remote_idle_long": _("no new study for long"),
        "import_stale": _("figures are old"),
        "grade_due": _("completion is decided"),
        "review_due": _("work is reviewed"),
        "makeup": _("making good ends"),
        "makeup_window": _("making good ends"),
        "approve_county": _("registrations are decided"),
    }
    return said.get(kind) or due_text.kind_name(kind, language) or kind


def is_told(kind: str) -> bool:
    """Whether people are only told of it, such as of a meeting, and have nothing to get done."""
    return kinds.KINDS[kind].is_event or kind in ("reg_open", "remote_start", "shadowing")


def level_text(level: Level, kind: str, language: str) -> str:
    """Whom a step speaks to."""
    _ = catalog(language).gettext
    return {
        Level.TEACHER: _("those concerned") if is_told(kind) else _("those who owe it"),
        Level.COORDINATOR: _("school coordinators"),
        Level.PRINCIPAL: _("principals"),
        Level.OWNER: _("organiser"),
        Level.BUREAU: _("bureau, in figures"),
        Level.GROUP: _("groups, in figures"),
    }[level]


def state_text(state: ReminderState, language: str) -> str:
    """What became of one person's reminder."""
    _ = catalog(language).gettext
    return {
        ReminderState.DUE: _("waits for the next message"),
        ReminderState.SENT: _("sent"),
        ReminderState.SATISFIED: _("done before it was said"),
        ReminderState.MUTED: _("wants no more of it"),
        ReminderState.STALE: _("came too late, or the date changed"),
        ReminderState.UNREACHABLE: _("not reached"),
    }[state]


def items_card(facts: Items, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """The deadlines of a class, and when something is said next of each."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [_("<b>Reminders</b>")]
    if not facts.lines:
        lines.append(_("Nothing is reminded of in this class."))
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(facts.lines, facts.page * reminding.PAGE + 1):
        title = "" if line.subject is None else line.subject.title
        what = kind_text(line.kind, language)
        when = _at(line.kind, line.at, zone, language, today)
        text = f"{number}. <b>{html.escape(shortened(title, TITLE))}</b>\n{what} · {when}"
        if line.state is not DeadlineState.ACTIVE:
            text += " · " + _("cancelled")
        elif line.next_at is not None:
            soon = dates.moment(line.next_at, zone, language, today)
            text += " · " + _("next: {when}").format(when=soon)
        lines.append(text)
        keys.append((Key(shortened(f"{number}. {what}", LABEL), OpenReminders(line.deadline_id)),))
    turn = pager(facts.page, facts.pages, lambda page: OpenItems(facts.batch_id, page))
    back = (Key(_("Back"), OpenRun(facts.batch_id)),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def _at(kind: str, moment: datetime, zone: ZoneInfo, language: str, today: date) -> str:
    """When something takes place, or by when it is due: midnight ends the day before."""
    said = dates.moment if is_told(kind) else dates.before
    return said(moment, zone, language, today)


def item_card(facts: ItemFacts, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Every step of a deadline: planned, sent, skipped and why, with counts."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    view = facts.overview
    title = "" if facts.subject is None else facts.subject.title
    lines = [
        f"<b>{html.escape(shortened(title, TITLE))}</b>",
        f"{kind_text(view.kind, language)} · {_at(view.kind, view.at, zone, language, today)}",
        (
            ngettext("It concerns {n} person", "It concerns {n} people", facts.owing)
            if is_told(view.kind)
            else ngettext("{n} still owes it", "{n} still owe it", facts.owing)
        ).format(n=facts.owing),
    ]
    if view.state is not DeadlineState.ACTIVE:
        lines.append(_("cancelled"))
    if facts.own_dates:
        lines.append(
            ngettext("{n} has a later date", "{n} have a later date", facts.own_dates).format(
                n=facts.own_dates
            )
        )
    shown = [step for step in view.steps if step.outcome is not StepOutcome.SUPERSEDED]
    for level in Level:
        theirs = [step for step in shown if step.level is level]
        if theirs:
            lines.append("\n" + level_text(level, view.kind, language))
        lines += [_step_line(step, language, zone, now) for step in theirs[:STEPS]]
    keys = (
        (Key(_("Person by person"), OpenReminded(view.deadline_id)),),
        (Key(_("Back"), OpenItems(facts.batch_id)),),
    )
    return Card("\n".join(lines), keys)


def _step_line(step: StepView, language: str, zone: ZoneInfo, now: datetime) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    when = dates.moment(step.due_at, zone, language, now.astimezone(zone).date())
    if step.outcome is StepOutcome.STALE:
        what = ngettext(
            "found too late, {n} not told", "found too late, {n} not told", step.reminded
        ).format(n=step.reminded)
    elif step.level is Level.GROUP and step.outcome is StepOutcome.SWEPT:
        what = _groups_text(step, language)
    elif step.persons:
        what = numbers.joined(
            [
                _("{what}: {n}").format(what=state_text(state, language), n=step.persons[state])
                for state in ReminderState
                if state in step.persons
            ],
            language,
        )
    elif step.outcome is StepOutcome.SWEPT:
        what = _("there was nothing to remind of")
    elif step.due_at > now:
        what = _("planned")
    else:
        what = _("under way")
    return _("· {step}, {when}: {what}").format(
        step=step_text(step.name, language), when=when, what=what
    )


def step_text(name: str, language: str) -> str:
    """A step by its name in words."""
    _ = catalog(language).gettext
    return _("by hand") if name.startswith(BY_HAND) else offset_text(name, language)


def _groups_text(step: StepView, language: str) -> str:
    """In how many groups a step was said, and why not in the others."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    enough, nothing = step.unsaid.enough, step.unsaid.nothing
    posted = step.reminded - nothing
    each = (
        (posted, ngettext("posted in {n} group", "posted in {n} groups", posted)),
        (
            enough,
            ngettext(
                "{n} group had heard enough of me", "{n} groups had heard enough of me", enough
            ),
        ),
        (
            nothing,
            ngettext(
                "in {n} group nothing was left to say, or too few are meant to be counted",
                "in {n} groups nothing was left to say, or too few are meant to be counted",
                nothing,
            ),
        ),
    )
    said = [text.format(n=n) for n, text in each if n > 0]
    return numbers.joined(said, language) or _("no group is connected for it")


def people_card(facts: PeopleOf, language: str) -> Card:
    """Those whom a deadline concerned, each with the last that became of it."""
    _ = catalog(language).gettext
    title = "" if facts.subject is None else facts.subject.title
    lines = [f"<b>{html.escape(shortened(title, TITLE))}</b>", kind_text(facts.kind, language)]
    if not facts.lines:
        lines.append(_("This has concerned nobody so far."))
    keys: list[tuple[Key, ...]] = []
    for line in facts.lines:
        if is_told(facts.kind):
            owes = _("concerned") if line.owes else _("not concerned any more")
        else:
            owes = _("owes it") if line.owes else _("done")
        last = "" if line.last is None else f" · {state_text(line.last, language)}"
        lines.append(f"{html.escape(line.name)} · {owes}{last}")
        press = WhyReminded(facts.deadline_id, line.teacher_id)
        keys.append((Key(shortened(line.name, LABEL), press),))
    turn = pager(facts.page, facts.pages, lambda page: OpenReminded(facts.deadline_id, page))
    back = (Key(_("Back"), OpenReminders(facts.deadline_id)),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


def person_card(facts: PersonFacts, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """Why somebody got, or did not get, each step; and more time for them."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    title = "" if facts.subject is None else facts.subject.title
    lines = [
        f"<b>{html.escape(facts.name)}</b>",
        f"{html.escape(shortened(title, TITLE))} · {kind_text(facts.kind, language)}",
    ]
    if is_told(facts.kind):
        is_meant = _("It concerns this person."), _("It does not concern this person (any more).")
    else:
        is_meant = _("Still owes it."), _("Owes nothing there (any more).")
    lines.append(is_meant[0] if facts.owes else is_meant[1])
    if facts.own_date is not None:
        when = dates.before(facts.own_date, zone, language, today)
        lines.append(_("Has a date of their own: {when}").format(when=when))
    if facts.muted:
        lines.append(_("Has asked not to be reminded of this."))
    if not facts.reachable:
        lines.append(_("Cannot be reached by messages now."))
    for step in facts.steps[:STEPS]:
        when = dates.moment(step.due_at, zone, language, today)
        lines.append(
            _("· {step}, {when}: {what}").format(
                step=step_text(step.name, language),
                when=when,
                what=_why(step, facts, language, zone, now),
            )
        )
    keys: list[tuple[Key, ...]] = []
    if facts.may_extend and facts.owes:
        of = (facts.deadline_id, facts.teacher_id)
        more = [Key(_("+{n} days").format(n=days), GiveTime(*of, days)) for days in GIVEN]
        keys.append(tuple(more))
        own = [Key(_("Another date"), GiveTime(*of, 0))]
        if facts.own_date is not None:
            own.append(Key(_("No extra time"), GiveTime(*of, -1)))
        keys.append(tuple(own))
    keys.append((Key(_("Back"), OpenReminded(facts.deadline_id)),))
    return Card("\n".join(lines), tuple(keys))


def _why(
    step: StepOfPerson, facts: PersonFacts, language: str, zone: ZoneInfo, now: datetime
) -> str:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    if step.state is ReminderState.DUE and step.not_before is not None and step.not_before > now:
        when = dates.moment(step.not_before, zone, language, today)
        return _("put off to {when}").format(when=when)
    if step.state is not None:
        text = state_text(step.state, language)
        if step.state is ReminderState.SENT and step.settled_at is not None:
            text += " " + dates.moment(step.settled_at, zone, language, today)
        return text
    if step.outcome is StepOutcome.STALE:
        return _("found too late, said to nobody")
    if step.outcome is StepOutcome.SWEPT:
        if facts.muted:
            return _("wants no more of it")
        return _("was not concerned then") if is_told(facts.kind) else _("did not owe it then")
    return _("planned")


def extending_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why somebody gets no more time; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case NotLater():
            today = now.astimezone(zone).date()
            return _("More time means a date after {when}, and before the class is over.").format(
                when=dates.moment(refusal.than, zone, language, today)
            )
        case NotOwed():
            return _("This person has nothing left to do there.")
        case _:
            return ""


# --- talk --------------------------------------------------------------------------------------


async def open_items(update: Update, context: Context) -> None:
    """Show the deadlines of a class."""
    button = OpenItems.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.read(
        reminding.items, reader.linked_teacher_id, button.batch_id, page=button.page, now=now
    )
    await show(update, context, reader, items_card(facts, reader.language, zone, now))


async def open_item(update: Update, context: Context) -> None:
    """Show every step of one deadline."""
    button = OpenReminders.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.read(
        reminding.item, reader.linked_teacher_id, button.deadline_id, now=now
    )
    await show(update, context, reader, item_card(facts, reader.language, zone, now))


async def open_task(update: Update, context: Context) -> None:
    """Show every step of a task's deadline."""
    button = TaskReminders.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.read(reminding.of_task, reader.linked_teacher_id, button.task_id, now=now)
    await show(update, context, reader, item_card(facts, reader.language, zone, now))


async def open_people(update: Update, context: Context) -> None:
    """Show whom a deadline concerned."""
    button = OpenReminded.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        reminding.people,
        reader.linked_teacher_id,
        button.deadline_id,
        page=button.page,
        now=context.now(),
    )
    await show(update, context, reader, people_card(facts, reader.language))


async def open_person(update: Update, context: Context) -> None:
    """Show why one person got, or did not get, each step."""
    button = WhyReminded.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_person(update, context, reader, button.deadline_id, button.teacher_id)


async def _show_person(
    update: Update, context: Context, reader: Reader, deadline_id: int, teacher_id: int
) -> None:
    now, zone = context.now(), context.house.zone
    facts = await context.read(
        reminding.person, reader.linked_teacher_id, deadline_id, teacher_id, now=now
    )
    await show(update, context, reader, person_card(facts, reader.language, zone, now))


async def give_time(update: Update, context: Context) -> None:
    """Give more time, ask until when, or take it back."""
    button = GiveTime.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    of = (button.deadline_id, button.teacher_id)
    if button.days == 0:
        awaited = f"{AWAITED}:{button.deadline_id}:{button.teacher_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
        await show(update, context, reader, _ask(of, reader.language))
        return
    await context.write(_give, reader.linked_teacher_id, *of, button.days, None, now=context.now())
    await alert(update, _("Noted.") if button.days > 0 else _("Taken back."))
    await _show_person(update, context, reader, *of)


def _ask(of: tuple[int, int], language: str) -> Card:
    _ = catalog(language).gettext
    text = _("Until when? Type a day, with an hour if you like, such as 12-04 17:00.")
    return Card(text, ((Key(_("Cancel"), WhyReminded(*of)),),))


async def time_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the typed date of somebody's own."""
    _awaited, deadline_id, teacher_id = reader.awaiting.split(":")
    of = (int(deadline_id), int(teacher_id))
    zone = context.house.zone
    until = times.due(text, context.now(), zone)
    if until is None:
        await show(update, context, reader, _ask(of, reader.language))
        return
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await context.write(_give, reader.linked_teacher_id, *of, 1, until, now=context.now())
    await _show_person(update, context, reader, *of)


def _give(
    session: Session,
    actor_id: int,
    deadline_id: int,
    teacher_id: int,
    days: int,
    until: datetime | None,
    *,
    now: datetime,
) -> None:
    """So many days after the person's present date, at the office's hour; negative takes back."""
    facts = reminding.person(session, actor_id, deadline_id, teacher_id, now=now)
    if facts.subject is None:
        raise NotOwed
    of = (facts.kind, facts.subject.subject_id, teacher_id)
    if days < 0:
        extending.take_back(session, actor_id, *of, now=now)
        return
    if until is None:
        zone = workdays.load(session).zone
        since = max(now, facts.own_date or facts.at)
        day = moments.local_day(since, zone) + timedelta(days=days)
        until = moments.at(day, moments.minute_of_day(facts.at, zone), zone)
    extending.extend(session, actor_id, *of, until, now=now)
