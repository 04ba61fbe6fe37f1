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
from handlers.wiring import AnyApplication, keys_for, on_desk, on_link, on_tap
from locales import catalog, dates
from storage.moments import local_day
from storage.people.accounts import Reader
from storage.people.authority import WITH_PROGRAMMES
from storage.training import runs
from storage.training.runs import OF_PEOPLE, Run, RunLine, Runs

LABEL = 40


def install(application: AnyApplication) -> None:
    on_tap(application, OpenRuns, open_runs)
    on_tap(application, OpenRun, open_run)
    on_link(application, "run([0-9]{1,18})", _linked)
    on_desk(application, WITH_PROGRAMMES | set(OF_PEOPLE), _label, OpenRuns)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Programmes")


def runs_card(facts: Runs, language: str, doors: Keys = ()) -> Card:
    """A page of classes, each a key."""
    _ = catalog(language).gettext
    text = _("<b>Programmes</b>")
    if not facts.lines:
        text += "\n" + _("There is no programme yet.")
    keys = [(Key(_title(line), OpenRun(line.batch_id)),) for line in facts.lines]
    turn = pager(facts.page, facts.pages, OpenRuns)
    return Card(text, (*doors, *keys, *((turn,) if turn else ()), (Key(_("Back"), OpenDesk()),)))


def _title(line: RunLine) -> str:
    title = " · ".join(part for part in (line.title, line.batch) if part)
    return shortened(title, LABEL)


def run_card(facts: Run, language: str, zone: ZoneInfo, today: date, doors: Keys = ()) -> Card:
    """One class in figures, and what can be done with it."""
    _ = catalog(language).gettext
    line = facts.line
    lines = [
        f"<b>{html.escape(_title(line))}</b>",
        _("Organised by {unit}").format(unit=html.escape(facts.owner)),
        dates.span(line.starts_at, line.ends_at, zone, language, today),
    ]
    if facts.seats is not None:
        lines.append(
            _("Seats: {seats}, taken: {taken}").format(seats=facts.seats, taken=facts.taken)
        )
    if facts.counts:
        if not facts.runs_it:
            lines.append(_("Of your own people:"))
        lines += [
            _("{state}: {n}").format(state=words.registration_state(state, language), n=number)
            for state, number in sorted(facts.counts.items())
        ]
    else:
        lines.append(_("Nobody has registered yet."))
    return Card("\n".join(lines), (*doors, (Key(_("Back"), OpenRuns()),)))


async def open_runs(update: Update, context: Context) -> None:
    """Show a page of classes."""
    button = OpenRuns.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        runs.runs, reader.linked_teacher_id, page=button.page, now=context.now()
    )
    doors = keys_for(context, "runs", facts.acts, reader.language)
    await show(update, context, reader, runs_card(facts, reader.language, doors))


async def open_run(update: Update, context: Context) -> None:
    """Show one class."""
    button = OpenRun.parse(tap(update).data)
    await show_run(update, context, await context.reader(update), button.batch_id)


async def show_run(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Show one class, from wherever somebody comes back to it."""
    now, zone = context.now(), context.house.zone
    facts = await context.read(runs.run, reader.linked_teacher_id, batch_id, now=now)
    doors = keys_for(context, "run", facts.acts, reader.language, batch_id)
    card = run_card(facts, reader.language, zone, local_day(now, zone), doors)
    await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_run(update, context, reader, int(payload))
