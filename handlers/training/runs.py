"""The desk of a class: what somebody runs, or sends people to, and the doors to its rooms."""

from __future__ import annotations

import html
from datetime import date
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, shortened, show, tap
from handlers.people.buttons import OpenDesk
from handlers.training import words
from handlers.training.buttons import OpenRun, OpenRuns
from handlers.training.run_buttons import (
    ChangeRun,
    CheckRun,
    CopyRun,
    FinishRun,
    ListRuns,
    MoreOfRun,
    ResumeRun,
)
from handlers.wiring import AnyApplication, keys_for, on_desk, on_link, on_tap
from locales import catalog, dates
from storage import overview
from storage.moments import local_day
from storage.people.accounts import Reader
from storage.people.authority import WITH_PROGRAMMES, Act
from storage.training import runs
from storage.training.runs import OF_PEOPLE, Run, RunLine, Runs, Which
from storage.training.tables import ProgrammeState

LABEL = 40


OF_CLASSES = (
    "nominate",
    "thin",
    "drafts",
    "ended",
    "attendance",
    "work",
    "results",
    "make_up",
    "hours",
    "hours_changed",
    "hours_dropped",
)
"""What waits in a class, behind the key of the programmes."""


def install(application: AnyApplication) -> None:
    on_tap(application, OpenRuns, open_runs)
    on_tap(application, ListRuns, list_runs)
    on_tap(application, OpenRun, open_run)
    on_link(application, "run([0-9]{1,18})", _linked)
    acts = WITH_PROGRAMMES | set(OF_PEOPLE)
    on_desk(application, acts, _label, OpenRuns, kinds=OF_CLASSES, by_class=True)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Programmes")


def runs_card(facts: Runs, language: str, zone: ZoneInfo, today: date, doors: Keys = ()) -> Card:
    """A page of classes, each a line and a key; what is under way, drafts, and what is over."""
    _ = catalog(language).gettext
    lines = [_("<b>Programmes</b>")]
    if not facts.lines:
        lines.append(
            {
                Which.RUNNING: _("Nothing is under way."),
                Which.DRAFTS: _("There is no draft."),
                Which.FINISHED: _("Nothing is over yet."),
            }[facts.which]
        )
    keys: list[tuple[Key, ...]] = []
    for number, line in enumerate(facts.lines, facts.page * runs.PAGE + 1):
        when = dates.days(
            line.starts_at.astimezone(zone).date(),
            line.ends_at.astimezone(zone).date(),
            language,
            today,
        )
        title = html.escape(_title(line, language))
        lines.append(f"{number}. <b>{title}</b>\n{when} · {run_state(line, language, today, zone)}")
        label = f"{number}. {_title(line, language)}"
        keys.append((Key(shortened(label, LABEL), OpenRun(line.batch_id)),))
    chips = tuple(_chip(facts, which, language) for which in Which)
    turn = pager(facts.page, facts.pages, lambda page: ListRuns(facts.which.value, page))
    foot = ((turn,) if turn else ()), ((Key(_("Back"), OpenDesk()),),)
    return Card("\n".join(lines), (*doors, chips, *keys, *foot[0], *foot[1]))


def _chip(facts: Runs, which: Which, language: str) -> Key:
    _ = catalog(language).gettext
    number = facts.counts.get(which, 0)
    label = {
        Which.RUNNING: _("Under way {n}"),
        Which.DRAFTS: _("Drafts {n}"),
        Which.FINISHED: _("Over {n}"),
    }[which].format(n=number)
    return Key(f"· {label}" if which is facts.which else label, ListRuns(which.value, 0))


def run_state(line: RunLine, language: str, today: date, zone: ZoneInfo) -> str:
    """Where a class stands, as those who run it say it."""
    _ = catalog(language).gettext
    if line.is_cancelled:
        return _("cancelled")
    if line.state is ProgrammeState.DRAFT:
        return _("draft, seen by nobody else")
    if line.state is not ProgrammeState.PUBLISHED:
        return _("finished")
    if line.is_paused:
        return _("paused")
    if line.ends_at.astimezone(zone).date() < today:
        return _("ended, not closed yet")
    if line.starts_at.astimezone(zone).date() <= today:
        return _("running")
    return _("published")


def _title(line: RunLine, language: str) -> str:
    _ = catalog(language).gettext
    batch = line.batch or (_("Class {n}").format(n=line.no) if line.of > 1 else "")
    title = " · ".join(part for part in (line.title, batch) if part)
    return shortened(title, LABEL)


def run_card(facts: Run, language: str, zone: ZoneInfo, today: date, doors: Keys = ()) -> Card:
    """One class in figures, and what can be done with it."""
    _ = catalog(language).gettext
    line = facts.line
    lines = [
        f"<b>{html.escape(_title(line, language))}</b>",
        _("State: {state}").format(state=run_state(line, language, today, zone)),
        _("Organised by {unit}").format(unit=html.escape(facts.owner)),
        dates.span(line.starts_at, line.ends_at, zone, language, today),
    ]
    if facts.place:
        lines.append(_("Where: {place}").format(place=html.escape(facts.place)))
    if facts.reg_close is not None and line.state is ProgrammeState.PUBLISHED:
        lines.append(
            _("Registration closes: {time}").format(
                time=dates.moment(facts.reg_close, zone, language, today)
            )
        )
    if facts.seats is not None:
        lines.append(
            _("Seats: {seats}, taken: {taken}").format(seats=facts.seats, taken=facts.taken)
        )
    if facts.counts:
        if not facts.runs_it:
            lines.append(_("Of your own people:"))
        lines += [
            _("{state}: {n}").format(state=words.standing(state, language), n=number)
            for state, number in sorted(facts.counts.items())
        ]
    else:
        lines.append(
            _("Nobody has registered yet.")
            if facts.runs_it
            else _("None of your own people has registered.")
        )
    back = (Key(_("Back"), ListRuns(_which(line).value)),)
    return Card("\n".join(lines), (*_own_keys(facts, language), *doors, back))


def _which(line: RunLine) -> Which:
    if line.state is ProgrammeState.DRAFT:
        return Which.DRAFTS
    is_over = line.is_cancelled or line.state is not ProgrammeState.PUBLISHED
    return Which.FINISHED if is_over else Which.RUNNING


def _own_keys(facts: Run, language: str) -> Keys:
    """What whoever runs the programme does next; the rest stands behind More."""
    _ = catalog(language).gettext
    if Act.RUN_PROGRAMME not in facts.acts:
        return ()
    line = facts.line
    more = Key(_("More"), MoreOfRun(line.batch_id))
    change = Key(_("Look and change"), ChangeRun(line.batch_id))
    if line.is_cancelled or line.state in (ProgrammeState.FINISHED, ProgrammeState.ARCHIVED):
        return ((Key(_("Hold it again"), CopyRun(line.batch_id)), more),)
    if line.state is ProgrammeState.DRAFT:
        publish = Key(_("Check and publish"), CheckRun(line.batch_id), style="primary")
        return ((publish,), (change, more))
    if facts.is_paused:
        return ((Key(_("Go on"), ResumeRun(line.batch_id), style="primary"),), (change, more))
    if facts.has_ended:
        return ((Key(_("Close it"), FinishRun(line.batch_id), style="primary"), more),)
    return ((change, more),)


async def open_runs(update: Update, context: Context) -> None:
    """Show the classes under way, or what there is."""
    page = OpenRuns.parse(tap(update).data).page
    await show_list(update, context, await context.reader(update), page=page)


async def list_runs(update: Update, context: Context) -> None:
    """Show a page of the classes of one kind."""
    button = ListRuns.parse(tap(update).data)
    which = next((each for each in Which if each.value == button.which), None)
    reader = await context.reader(update)
    await show_list(update, context, reader, which=which, page=button.page)


async def show_list(
    update: Update,
    context: Context,
    reader: Reader,
    *,
    which: Which | None = None,
    page: int = 0,
) -> None:
    """Show the list of classes, from wherever somebody comes back to it."""
    now, zone = context.now(), context.house.zone
    me = reader.linked_teacher_id
    facts = await context.read(overview.classes, me, page=page, which=which, now=now)
    doors = keys_for(context, "runs", facts.acts, reader.language)
    card = runs_card(facts, reader.language, zone, local_day(now, zone), doors)
    await show(update, context, reader, card)


async def open_run(update: Update, context: Context) -> None:
    """Show one class."""
    button = OpenRun.parse(tap(update).data)
    await show_run(update, context, await context.reader(update), button.batch_id)


async def show_run(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Show one class, from wherever somebody comes back to it."""
    now, zone = context.now(), context.house.zone
    facts = await context.read(runs.run, reader.linked_teacher_id, batch_id, now=now)
    doors = keys_for(
        context,
        "run",
        facts.acts,
        reader.language,
        batch_id,
        only_preparing=facts.line.state is ProgrammeState.DRAFT,
        mode=facts.mode,
    )
    card = run_card(facts, reader.language, zone, local_day(now, zone), doors)
    await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_run(update, context, reader, int(payload))
