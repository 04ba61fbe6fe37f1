"""Undo: one key for every bulk act that can be taken back for a while."""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Key
from handlers.context import Context, alert, tap
from handlers.people.desk import show_desk
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage import undoing


@dataclass(frozen=True)
class Undo(Button):
    """Take back what I did a moment ago."""

    tag = "undo"
    deed_id: int


def install(application: AnyApplication) -> None:
    on_tap(application, Undo, undo)


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
