"""Undo: one key for every bulk act that can be taken back for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import Context, alert, show, tap, typed_text
from handlers.people.buttons import OpenDesk
from handlers.people.desk import show_desk
from handlers.wiring import AnyApplication, on_desk, on_tap
from locales import catalog, dates
from storage import deeds, undoing
from storage.deeds import Undoable
from storage.people.authority import Act

SHOWN = 8


@dataclass(frozen=True)
class Undo(Button):
    """Take back what I did a moment ago."""

    tag = "undo"
    deed_id: int


@dataclass(frozen=True)
class OpenUndo(Button):
    """What I have done and can still take back."""

    tag = "undos"


def install(application: AnyApplication) -> None:
    on_tap(application, Undo, undo)
    on_tap(application, OpenUndo, open_undo)
    # The card that offered it may be gone; what can be undone is found here until its time is up.
    on_desk(application, set(Act), _label, OpenUndo, ("undo",), if_any=True)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Undo something")


def kinds_of_deeds(language: str) -> Mapping[str, str]:
    """What each kind of deed is called by those who do it."""
    _ = catalog(language).gettext
    return {
        "hand_over": _("handing a role over"),
        "decide_registrations": _("deciding on registrations"),
        "decide_leave": _("deciding on leave"),
        "roster": _("importing a roster"),
        "roster_missing": _("marking people as left"),
        "units": _("importing a list of schools"),
        "timetable": _("entering a timetable"),
        "review_work": _("reviewing handed-in work"),
        "allot": _("handing out seats"),
        "marks": _("entering marks"),
        "completion": _("deciding who completed"),
        "post_hours": _("posting hours"),
        "confirm_hours": _("confirming hours"),
        "accept_claim": _("granting claimed hours"),
        "attendance": _("entering attendance"),
        "plan": _("making programmes from a sheet"),
        "calendar": _("loading the work calendar"),
        "bind_group": _("saying what a group stands for"),
        "progress": _("importing progress"),
        "accept_entries": _("accepting competition entries"),
        "disqualify_entry": _("taking a competition entry out"),
        "decide_venue": _("deciding a list of a competition"),
        "publicity": _("putting a list on public display"),
        "correct_list": _("correcting a list of a competition"),
    }


def undo_card(found: Sequence[Undoable], language: str, zone: ZoneInfo, now: datetime) -> Card:
    """The newest acts that can be taken back, each with its key."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    names = kinds_of_deeds(language)
    lines = [_("<b>What you can still undo</b>")]
    if not found:
        lines.append(_("There is nothing to undo at the moment."))
    keys = []
    for number, each in enumerate(found[:SHOWN], start=1):
        what = names[each.kind]
        if each.about:
            what = _("{what} ({about})").format(what=what, about=typed_text(each.about))
        lines.append(
            _("{number}. {time}, {what}: until {until}").format(
                number=number,
                time=dates.moment(each.at, zone, language, today),
                what=what,
                until=dates.moment(each.until, zone, language, today),
            )
        )
        keys.append(Key(_("Undo {number}").format(number=number), Undo(each.deed_id)))
    rows = tuple(tuple(keys[n : n + 4]) for n in range(0, len(keys), 4))
    return Card("\n".join(lines), (*rows, (Key(_("Back"), OpenDesk()),)))


async def open_undo(update: Update, context: Context) -> None:
    """Show what can still be taken back."""
    reader = await context.reader(update)
    found = await context.read(deeds.undoable, reader.linked_teacher_id, now=context.now())
    card = undo_card(found, reader.language, context.house.zone, context.now())
    await show(update, context, reader, card)


def undo_key(deed_id: int, language: str) -> Key:
    """The key that takes this deed back."""
    _ = catalog(language).gettext
    return Key(_("Undo"), Undo(deed_id))


async def undo(update: Update, context: Context) -> None:
    """Take a deed back, once; then the desk."""
    button = Undo.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    is_new = await context.write(
        undoing.undo, reader.linked_teacher_id, button.deed_id, now=context.now()
    )
    context.house.wake_delivery()
    text = _("Undone. Everything is as it was before.") if is_new else _("This was undone already.")
    await alert(update, text)
    await show_desk(update, context, reader)
