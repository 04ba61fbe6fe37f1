"""How topics put their handlers into the application."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from telegram import Update
from telegram.error import BadRequest, Forbidden
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, filters

from handlers.buttons import Button, StaleButton, tag_of
from handlers.cards import Card, Key, drawn
from handlers.context import Context, House, is_private, take_away, tap
from locales import catalog
from storage.messaging import groups
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import Refusal
from storage.training.tables import Mode
from storage.waiting_for import Waiting

AnyApplication = Application[Any, Context, Any, Any, Any, Any]
Handler = Callable[[Update, Context], Coroutine[Any, Any, None]]

# A deep link's handler gets what stands behind its letter, and the reader it is for.
Route = Callable[[Update, Context, Reader, str], Coroutine[Any, Any, None]]

# What takes a typed text that was asked for.
TextRoute = Callable[[Update, Context, Reader, str], Coroutine[Any, Any, None]]

ONCE_IN = timedelta(minutes=1)

logger = logging.getLogger(__name__)


def on_link(application: AnyApplication, pattern: str, route: Route) -> None:
    """Call the route for a deep link whose payload matches; its first group is passed on."""
    application.bot_data.setdefault("routes", []).append((re.compile(pattern), route))


async def follow(update: Update, context: Context, reader: Reader, payload: str) -> bool:
    """Go where a deep link leads; False when it leads nowhere (any more)."""
    routes: list[tuple[re.Pattern[str], Route]] = context.bot_data.get("routes", [])
    for pattern, route in routes:
        found = pattern.fullmatch(payload)
        if found is not None:
            await route(update, context, reader, found.group(1) if pattern.groups else "")
            return True
    return False


def on_text(application: AnyApplication, awaited: str, route: TextRoute) -> None:
    """Call the route with a text that is typed while ``awaiting`` is this, or this and more.

    What stands behind a colon in ``reader.awaiting`` is the route's own to read.
    """
    routes: dict[str, TextRoute] = application.bot_data.setdefault("texts", {})
    if awaited in routes:
        raise ValueError(f"two routes for the text {awaited!r}")
    routes[awaited] = route


def on_form(application: AnyApplication, pattern: str, route: TextRoute) -> None:
    """Call the route with a text of this form that a linked person types unasked."""
    forms: list[tuple[re.Pattern[str], TextRoute]] = application.bot_data.setdefault("forms", [])
    forms.append((re.compile(pattern), route))


def form_route(context: Context, text: str) -> TextRoute | None:
    """The route of a text that nobody asked for, if it has a form that one knows."""
    forms: list[tuple[re.Pattern[str], TextRoute]] = context.bot_data.get("forms", [])
    return next((route for pattern, route in forms if pattern.fullmatch(text)), None)


def text_route(context: Context, awaiting: str) -> TextRoute | None:
    """The route of what is awaited, if anything is."""
    routes: dict[str, TextRoute] = context.bot_data.get("texts", {})
    return routes.get(awaiting.partition(":")[0])


@dataclass(frozen=True)
class Door:
    """A key of a desk: shown to whoever may do one of the acts."""

    acts: frozenset[Act]
    label: Callable[[str], str]
    """The label in a language."""
    press: Callable[[int], Button]
    """The button, of a batch where the desk is a class's; of 0 otherwise."""
    kinds: frozenset[str] = frozenset()
    """The kinds of things that wait behind it; the key says how many."""
    prepares: bool = False
    """Whether it is of use before a class is published."""
    if_any: bool = False
    """Whether it is there only when something waits behind it."""
    by_class: bool = False
    """Whether it says in how many classes something waits, and not how much."""
    modes: frozenset[Mode] = frozenset()
    """The ways of teaching for which a class has it; without any, all."""


def on_desk(
    application: AnyApplication,
    acts: Collection[Act],
    label: Callable[[str], str],
    press: Callable[[], Button],
    kinds: Collection[str] = (),
    *,
    if_any: bool = False,
    by_class: bool = False,
) -> None:
    """Put a key on the desk of whoever may do one of these acts somewhere.

    With ``kinds`` of ``storage.waiting_for`` the key says how much waits behind it (``by_class``:
    in how many classes something does), and with ``if_any`` it is there only when something does.
    """
    door = Door(
        frozenset(acts),
        label,
        lambda _batch_id: press(),
        frozenset(kinds),
        if_any=if_any,
        by_class=by_class,
    )
    _add_door(application, "desk", door)


def on_runs(
    application: AnyApplication,
    acts: Collection[Act],
    label: Callable[[str], str],
    press: Callable[[], Button],
) -> None:
    """Put a key above the list of classes, for whoever may do one of these acts somewhere."""
    _add_door(application, "runs", Door(frozenset(acts), label, lambda _batch_id: press()))


def on_run(
    application: AnyApplication,
    acts: Collection[Act],
    label: Callable[[str], str],
    press: Callable[[int], Button],
    *,
    prepares: bool = False,
    modes: Collection[Mode] = (),
    kinds: Collection[str] = (),
) -> None:
    """Put a key on the desk card of a class, for whoever may do one of these acts there.

    A class that is still a draft has the keys alone that prepare it; with ``modes`` only a
    class that is taught in one of these ways has it. What waits of these ``kinds`` in a class
    leads there from the desk (``way_to``).
    """
    door = Door(
        frozenset(acts), label, press, frozenset(kinds), prepares=prepares, modes=frozenset(modes)
    )
    _add_door(application, "run", door)


def on_waiting(
    application: AnyApplication, kinds: Collection[str], press: Callable[[int], Button]
) -> None:
    """Lead from the desk to what waits of these kinds in a class, where its card has no key."""
    _add_door(application, "ways", Door(frozenset(), lambda _language: "", press, frozenset(kinds)))


def way_to(context: Context, kind: str, batch_id: int) -> Button | None:
    """The button that opens what waits of this kind in a class, if a room has said so."""
    doors: list[Door] = [*context.bot_data.get("run", []), *context.bot_data.get("ways", [])]
    return next((door.press(batch_id) for door in doors if kind in door.kinds), None)


def _add_door(application: AnyApplication, desk: str, door: Door) -> None:
    doors: list[Door] = application.bot_data.setdefault(desk, [])
    doors.append(door)


def keys_for(
    context: Context,
    desk: str,
    acts: Collection[Act],
    language: str,
    batch_id: int = 0,
    waiting: Collection[Waiting] = (),
    *,
    only_preparing: bool = False,
    mode: Mode | None = None,
) -> tuple[tuple[Key, ...], ...]:
    """The keys of a desk (``desk``, ``runs`` or ``run``) for these acts, two in a row.

    Those that are there at times stand last, so that the others keep their places.
    """
    _ = catalog(language).gettext
    doors: list[Door] = sorted(context.bot_data.get(desk, []), key=lambda door: door.if_any)

    def number_of(door: Door) -> int:
        behind = [each for each in waiting if each.kind in door.kinds]
        if door.by_class:
            return len({each.batch_id for each in behind})
        return sum(each.count for each in behind)

    def label(door: Door) -> str:
        number = number_of(door)
        text = door.label(language)
        return _("{label} ({n})").format(label=text, n=number) if number else text

    keys = [
        Key(label(door), door.press(batch_id))
        for door in doors
        if door.acts & frozenset(acts)
        and (door.prepares or not only_preparing)
        and (not door.modes or mode in door.modes)
        and (number_of(door) or not door.if_any)
    ]
    return tuple(tuple(keys[n : n + 2]) for n in range(0, len(keys), 2))


def on_tap(application: AnyApplication, button: type[Button], handler: Handler) -> None:
    """Call the handler when a button of this class is tapped."""
    taps: dict[str, Handler] | None = application.bot_data.get("taps")
    if taps is None:
        taps = application.bot_data["taps"] = {}
        application.add_handler(CallbackQueryHandler(_tapped))
    if button.tag in taps:
        raise ValueError(f"two handlers for the button {button.tag!r}")
    taps[button.tag] = handler


async def _tapped(update: Update, context: Context) -> None:
    """Look the handler up by the button's tag; one of last month, or of nobody, has none."""
    taps: dict[str, Handler] = context.bot_data["taps"]
    handler = taps.get(tag_of(tap(update).data))
    if handler is None:
        raise StaleButton
    await handler(update, context)


def on_command(application: AnyApplication, names: str | list[str], handler: Handler) -> None:
    """Call the handler for a command; one typed in a group is answered in private."""

    async def privately(update: Update, context: Context) -> None:
        if is_private(update):
            await handler(update, context)
            return
        try:
            await handler(update, context)
        except Forbidden:
            logger.debug("Somebody asked in a group and has no private chat yet")
        except Refusal:
            await _answered_in_private(update, context)
            raise
        await _answered_in_private(update, context)

    application.add_handler(
        CommandHandler(names, privately, filters=filters.UpdateType.MESSAGE, block=True)
    )


async def _answered_in_private(update: Update, context: Context) -> None:
    """Say in the group, to nobody by name, where the answer went."""
    chat, message = update.effective_chat, update.effective_message
    if chat is None or message is None:
        return
    await take_away(context, chat.id, message.message_id)
    # Once a minute is enough for everybody who asks: the group is not flooded by its members.
    thread_id = message.message_thread_id if message.is_topic_message else None
    place = chat.id, thread_id or 0
    said: dict[tuple[int, int], datetime] = context.bot_data.setdefault("redirected", {})
    if place in said and context.now() - said[place] < ONCE_IN:
        return
    said[place] = context.now()
    language = await context.read(groups.language_of, *place)
    card = redirect_card(context.house, language or context.house.language)
    try:
        await context.bot.send_message(
            chat.id,
            card.text,
            reply_markup=drawn(card.keys),
            disable_notification=True,
            message_thread_id=thread_id,
        )
    except (BadRequest, Forbidden):
        logger.info("The group of a command cannot be written to")


def redirect_card(house: House, language: str) -> Card:
    """M25: personal information is not shown in groups."""
    _ = catalog(language).gettext
    return Card(
        _(
            "Personal information is not shown in groups; I have sent it to you in private. "
            "If nothing arrives, tap “Open private chat” first."
        ),
        ((Key(_("Open private chat"), url=house.link("menu")),),),
    )
