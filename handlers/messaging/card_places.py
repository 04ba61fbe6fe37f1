"""A class's card in groups: its organiser chooses where it hangs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from telegram import Update
from telegram.error import TelegramError

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, alert, shortened, show, tap
from handlers.messaging.binding_text import group_name
from handlers.messaging.group_buttons import OpenGroup, OpenHanging, TakeDown
from handlers.training.buttons import OpenRun
from handlers.wiring import AnyApplication, on_run, on_tap
from locales import catalog
from storage.messaging import card_places
from storage.messaging.card_places import CardPlaces, Hanging
from storage.people.accounts import Reader
from storage.people.authority import Act

LABEL = 40


@dataclass(frozen=True)
class OpenCardPlaces(Button):
    """A page of the groups in which a class's card may hang."""

    tag = "gcp"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class HangCard(Button):
    """Hang it there."""

    tag = "gch"
    batch_id: int
    chat_id: int
    page: int


@dataclass(frozen=True)
class TellCard(Button):
    """Send it once, as a text, to a unit that has no group."""

    tag = "gct"
    batch_id: int
    unit_id: int


def install(application: AnyApplication) -> None:
    on_run(application, {Act.NOTIFY_CLASS}, _label, OpenCardPlaces)
    on_tap(application, OpenCardPlaces, open_places)
    on_tap(application, HangCard, hang)
    on_tap(application, TellCard, tell)
    on_tap(application, OpenHanging, open_hanging)
    on_tap(application, TakeDown, take_down)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Card in groups")


def places_card(found: CardPlaces, batch_id: int, language: str) -> Card:
    """The groups, each with whether the card hangs there."""
    _ = catalog(language).gettext
    lines = [
        _("In which groups shall the card of this class hang?"),
        _("It shows the dates and the seats left, and everybody registers there with one tap."),
    ]
    if found.units:
        lines.append(_("Through a second channel it goes once, as a text."))
    if not found.lines:
        lines.append(_("No group is connected yet."))
    keys: list[tuple[Key, ...]] = [
        (
            Key(
                shortened(f"{'✓' if hangs else '○'} {group_name(group)}", LABEL),
                HangCard(batch_id, group.id, found.page),
            ),
        )
        for group, hangs in found.lines
    ]
    for unit_id, name, told in found.units:
        label = _("{unit}: second channel").format(unit=name)
        mark = "✓" if told else "○"
        keys.append((Key(shortened(f"{mark} {label}", LABEL), TellCard(batch_id, unit_id)),))
    turn = pager(found.page, found.pages, lambda page: OpenCardPlaces(batch_id, page))
    keys += [turn] if turn else []
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRun(batch_id)),)))


async def open_places(update: Update, context: Context) -> None:
    """Show the groups."""
    button = OpenCardPlaces.parse(tap(update).data)
    await _show(update, context, await context.reader(update), button.batch_id, button.page)


async def hang(update: Update, context: Context) -> None:
    """Hang the card, once."""
    button = HangCard.parse(tap(update).data)
    reader = await context.reader(update)
    is_new = await context.write(
        card_places.hang,
        reader.linked_teacher_id,
        button.batch_id,
        button.chat_id,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    if is_new:
        await alert(update, _("The card goes there in the next hour of work."))
    else:
        await alert(update, _("The card hangs there already, and is kept up to date."))
    await _show(update, context, reader, button.batch_id, button.page)


async def tell(update: Update, context: Context) -> None:
    """Send the card as a text, once."""
    button = TellCard.parse(tap(update).data)
    reader = await context.reader(update)
    is_new = await context.write(
        card_places.tell,
        reader.linked_teacher_id,
        button.batch_id,
        button.unit_id,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    if is_new:
        await alert(update, _("The card goes there in the next hour of work."))
    else:
        await alert(update, _("It has gone there already."))
    await _show(update, context, reader, button.batch_id, 0)


def hanging_card(found: Sequence[Hanging], chat_id: int, language: str) -> Card:
    """The cards that hang in a group, each with a key that takes it down."""
    _ = catalog(language).gettext
    text = (
        _("Which card shall I take down? Nothing else changes; it can be hung there again.")
        if found
        else _("No card of a class hangs there.")
    )
    keys = [
        (Key(shortened(each.title, LABEL), TakeDown(chat_id, each.batch_id)),) for each in found
    ]
    return Card(text, (*keys, (Key(_("Back"), OpenGroup(chat_id)),)))


async def open_hanging(update: Update, context: Context) -> None:
    """Show the cards that hang in a group."""
    chat_id = OpenHanging.parse(tap(update).data).chat_id
    await _show_hanging(update, context, await context.reader(update), chat_id)


async def take_down(update: Update, context: Context) -> None:
    """Take a card down: its message goes, or loses its keys where it is too old for that."""
    button = TakeDown.parse(tap(update).data)
    reader = await context.reader(update)
    one = await context.write(
        card_places.take_down,
        reader.linked_teacher_id,
        button.chat_id,
        button.batch_id,
        now=context.now(),
    )
    if one is not None and one.message_id is not None:
        await _remove(context, one.tg_chat_id, one.message_id)
    _ = catalog(reader.language).gettext
    await alert(update, _("The card does not hang there any more."))
    await _show_hanging(update, context, reader, button.chat_id)


async def _remove(context: Context, tg_chat_id: int, message_id: int) -> None:
    try:
        await context.bot.delete_message(tg_chat_id, message_id)
    except TelegramError:
        # After two days a bot without the right deletes nothing.
        with suppress(TelegramError):
            await context.bot.edit_message_reply_markup(tg_chat_id, message_id)


async def _show_hanging(update: Update, context: Context, reader: Reader, chat_id: int) -> None:
    found = await context.read(
        card_places.hanging, reader.linked_teacher_id, chat_id, now=context.now()
    )
    await show(update, context, reader, hanging_card(found, chat_id, reader.language))


async def _show(update: Update, context: Context, reader: Reader, batch_id: int, page: int) -> None:
    found = await context.read(
        card_places.card_places,
        reader.linked_teacher_id,
        batch_id,
        page=page,
        now=context.now(),
    )
    await show(update, context, reader, places_card(found, batch_id, reader.language))
