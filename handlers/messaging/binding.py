"""Connecting groups: what a group, or one topic of it, stands for, chosen in private by keys."""

from __future__ import annotations

from collections.abc import Callable

from telegram import Update
from telegram.ext import CommandHandler, filters

from handlers.buttons import StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, House, alert, show, tap, typed_text
from handlers.messaging import binding_text
from handlers.messaging.group_buttons import (
    Bind,
    BindFind,
    BindLanguage,
    BindPurpose,
    BindTarget,
    Dissolve,
    GroupSubject,
    KeepLonger,
    OpenGroup,
    OpenGroups,
    PostAllTheSame,
    SpeakThere,
    Unbind,
    UrgeThere,
)
from handlers.messaging.standing import look
from handlers.messaging.voices import Nothing, Said, Say
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_link, on_tap, on_text
from locales import LANGUAGES, catalog
from storage.messaging import binding, presence
from storage.messaging.addressing import mark
from storage.messaging.binding import Choices, Place, SecondPlace
from storage.messaging.outbox import Claimed
from storage.messaging.presence import Turn
from storage.messaging.tables import ChatPurpose
from storage.people import accounts
from storage.people.accounts import Reader

AWAITED = "bindunit"


def install(application: AnyApplication) -> None:
    on_desk(application, binding.TO_BIND, _label, OpenGroups, kinds=("groups",))
    private = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
    application.add_handler(CommandHandler("bind", open_groups, filters=private))
    on_link(application, "bind([0-9]{1,9})", _linked)
    on_tap(application, OpenGroups, open_groups)
    on_tap(application, OpenGroup, open_group)
    on_tap(application, BindPurpose, choose_purpose)
    on_tap(application, BindTarget, choose_target)
    on_tap(application, BindFind, ask_unit)
    on_tap(application, BindLanguage, choose_language)
    on_tap(application, Bind, bind)
    on_tap(application, GroupSubject, choose_subject)
    on_tap(application, Unbind, unbind)
    on_tap(application, SpeakThere, speak)
    on_tap(application, UrgeThere, urge)
    on_tap(application, PostAllTheSame, post_all_the_same)
    on_tap(application, KeepLonger, keep_longer)
    on_tap(application, Dissolve, dissolve)
    on_text(application, AWAITED, unit_typed)


_CHOICES: dict[ChatPurpose, Callable[..., Choices]] = {
    ChatPurpose.PROGRAMME: binding.programmes,
    ChatPurpose.COMPETITION: binding.competitions,
}
"""Where a group is of something else than a unit."""


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Group chats")


def _purpose(text: str) -> ChatPurpose:
    try:
        return ChatPurpose(text)
    except ValueError:
        raise StaleButton from None


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise StaleButton
    return text


def add_link(house: House) -> str:
    """The link that lets somebody choose a group to add the bot to."""
    return f"https://t.me/{house.bot_username}?startgroup=bind"


async def place_news(house: House, row: Claimed) -> Said:
    """Tell whoever answers for a group what happened to it, if it is so still."""
    turn = Turn(row.facts["turn"])
    if not await house.database.read(presence.is_so, row.facts["chat_id"], turn):
        return Nothing("it is otherwise again")
    facts = row.facts
    return Say(
        binding_text.turn_card(turn, facts["title"], facts["topic"], facts["chat_id"], row.language)
    )


async def open_groups(update: Update, context: Context) -> None:
    """Show the groups that this person tends."""
    page = 0
    if update.callback_query is not None:
        page = OpenGroups.parse(tap(update).data).page
    reader = await context.reader(update)
    found = await context.read(
        binding.places, reader.linked_teacher_id, page=page, now=context.now()
    )
    card = binding_text.places_card(found, reader.language, add_link(context.house))
    await show(update, context, reader, card)


async def show_place(update: Update, context: Context, reader: Reader, place_id: int) -> None:
    """Show a group: how it stands, or what it is to stand for."""
    actor_id = reader.linked_teacher_id
    place = await context.read(binding.place, actor_id, place_id, now=context.now())
    if place.group.purpose is None:
        place, purposes = await context.read(
            binding.purposes, actor_id, place_id, now=context.now()
        )
        card = binding_text.purposes_card(place, purposes, reader.language)
        await show(update, context, reader, card)
        return
    await look(context.bot, context.house, place.group.tg_chat_id)
    place = await context.read(binding.place, actor_id, place_id, now=context.now())
    await _show(update, context, reader, place)


async def _show(
    update: Update,
    context: Context,
    reader: Reader,
    place: Place,
    *,
    first: str = "",
    deed_id: int | None = None,
) -> None:
    undo = None if deed_id is None else undo_key(deed_id, reader.language)
    card = binding_text.place_card(
        place, reader.language, context.house.zone, context.now(), first=first, undo=undo
    )
    await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, place_id: str) -> None:
    await show_place(update, context, reader, int(place_id))


async def open_group(update: Update, context: Context) -> None:
    """Show one group, as Telegram says that it stands now."""
    button = OpenGroup.parse(tap(update).data)
    await show_place(update, context, await context.reader(update), button.chat_id)


async def choose_purpose(update: Update, context: Context) -> None:
    """Ask what the place is for."""
    button = BindPurpose.parse(tap(update).data)
    reader = await context.reader(update)
    place, purposes = await context.read(
        binding.purposes, reader.linked_teacher_id, button.chat_id, now=context.now()
    )
    card = binding_text.purposes_card(place, purposes, reader.language)
    await show(update, context, reader, card)


async def choose_target(update: Update, context: Context) -> None:
    """Ask of which unit, or which training."""
    button = BindTarget.parse(tap(update).data)
    purpose = _purpose(button.purpose)
    reader = await context.reader(update)
    found: Choices = await context.read(
        _CHOICES.get(purpose, binding.units),
        reader.linked_teacher_id,
        button.chat_id,
        page=button.page,
        now=context.now(),
    )
    card = binding_text.targets_card(found, purpose, reader.language)
    await show(update, context, reader, card)


async def ask_unit(update: Update, context: Context) -> None:
    """Take the next text as a part of a unit's name."""
    button = BindFind.parse(tap(update).data)
    purpose = _purpose(button.purpose)
    reader = await context.reader(update)
    awaited = f"{AWAITED}:{button.chat_id}:{purpose.value}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    _ = catalog(reader.language).gettext
    back = Key(_("Back"), BindTarget(button.chat_id, purpose.value))
    card = Card(_("Please type a part of the unit's name."), ((back,),))
    await show(update, context, reader, card)


async def unit_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show the units that fit."""
    _prefix, chat_id, purpose = reader.awaiting.split(":")
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    found = await context.read(
        binding.units, reader.linked_teacher_id, int(chat_id), like=text, now=context.now()
    )
    await show(
        update,
        context,
        reader,
        binding_text.targets_card(found, _purpose(purpose), reader.language, searched=True),
    )


async def choose_language(update: Update, context: Context) -> None:
    """Ask in which language."""
    button = BindLanguage.parse(tap(update).data)
    _purpose(button.purpose)
    reader = await context.reader(update)
    place = await context.read(
        binding.place, reader.linked_teacher_id, button.chat_id, now=context.now()
    )
    card = binding_text.language_card(place, button, reader.language)
    await show(update, context, reader, card)


async def bind(update: Update, context: Context) -> None:
    """Let the place stand for what was chosen, and show what is missing there."""
    button = Bind.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id = reader.linked_teacher_id
    try:
        bound = await context.write(
            binding.bind,
            actor_id,
            button.chat_id,
            _purpose(button.purpose),
            button.target_id,
            _language(button.language),
            seen=button.seen,
            sure=bool(button.sure),
            now=context.now(),
        )
    except SecondPlace as second:
        place = await context.read(binding.place, actor_id, button.chat_id, now=context.now())
        card = binding_text.second_card(place, button, second.title, reader.language)
        await show(update, context, reader, card)
        return
    context.house.wake_delivery()
    await look(context.bot, context.house, bound.place.group.tg_chat_id)
    place = await context.read(binding.place, actor_id, button.chat_id, now=context.now())
    _ = catalog(reader.language).gettext
    first = _("Connected.")
    if place.group.purpose is ChatPurpose.SUBJECT and not place.group.subject:
        await _ask_subject(update, context, reader, place, first=first)
        return
    await _show(update, context, reader, place, first=first, deed_id=bound.deed_id)


async def _ask_subject(
    update: Update, context: Context, reader: Reader, place: Place, page: int = 0, *, first: str
) -> None:
    found = await context.read(
        binding.subjects, reader.linked_teacher_id, place.id, now=context.now()
    )
    card = binding_text.subjects_card(place, found, page, reader.language, first=first)
    await show(update, context, reader, card)


async def choose_subject(update: Update, context: Context) -> None:
    """Say of which subject the group is, or ask."""
    button = GroupSubject.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id, now = reader.linked_teacher_id, context.now()
    place = await context.read(binding.place, actor_id, button.chat_id, now=now)
    if not button.mark:
        await _ask_subject(update, context, reader, place, button.page, first="")
        return
    found = await context.read(binding.subjects, actor_id, button.chat_id, now=now)
    chosen = next((each for each in found if mark(each) == button.mark), "")
    place = await context.write(binding.set_subject, actor_id, button.chat_id, chosen, now=now)
    await _show(update, context, reader, place)


async def unbind(update: Update, context: Context) -> None:
    """Let the place stand for nothing, after asking once more."""
    button = Unbind.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id = reader.linked_teacher_id
    if not button.sure:
        place = await context.read(binding.place, actor_id, button.chat_id, now=context.now())
        card = binding_text.sure_card(place, leaves=False, language=reader.language)
        await show(update, context, reader, card)
        return
    bound = await context.write(binding.unbind, actor_id, button.chat_id, now=context.now())
    _ = catalog(reader.language).gettext
    await _show(
        update, context, reader, bound.place, first=_("Disconnected."), deed_id=bound.deed_id
    )


async def speak(update: Update, context: Context) -> None:
    """Choose the language of a place."""
    button = SpeakThere.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id = reader.linked_teacher_id
    if not button.language:
        place = await context.read(binding.place, actor_id, button.chat_id, now=context.now())
        await show(update, context, reader, binding_text.speak_card(place, reader.language))
        return
    place = await context.write(
        binding.set_language,
        actor_id,
        button.chat_id,
        _language(button.language),
        now=context.now(),
    )
    await _show(update, context, reader, place)


async def urge(update: Update, context: Context) -> None:
    """Say whether the group may read how many have not confirmed."""
    button = UrgeThere.parse(tap(update).data)
    reader = await context.reader(update)
    place = await context.write(
        binding.set_urges,
        reader.linked_teacher_id,
        button.chat_id,
        bool(button.on),
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    if place.group.urges:
        await alert(update, _("The group may read how many have not confirmed, never who."))
    else:
        await alert(update, _("The group reads nothing about who has confirmed."))
    await _show(update, context, reader, place)


async def post_all_the_same(update: Update, context: Context) -> None:
    """Post in a topic that is closed for others."""
    button = PostAllTheSame.parse(tap(update).data)
    reader = await context.reader(update)
    place = await context.write(
        binding.post_all_the_same, reader.linked_teacher_id, button.chat_id, now=context.now()
    )
    context.house.wake_delivery()
    await _show(update, context, reader, place)


async def keep_longer(update: Update, context: Context) -> None:
    """Keep a group for one task for 14 days more."""
    button = KeepLonger.parse(tap(update).data)
    day = binding_text.ended(button.day)
    if day is None:
        raise StaleButton
    reader = await context.reader(update)
    place = await context.write(
        binding.keep_longer, reader.linked_teacher_id, button.chat_id, day, now=context.now()
    )
    await _show(update, context, reader, place)


async def dissolve(update: Update, context: Context) -> None:
    """Leave a group whose task is over, after asking once more."""
    button = Dissolve.parse(tap(update).data)
    reader = await context.reader(update)
    actor_id = reader.linked_teacher_id
    if not button.sure:
        place = await context.read(binding.place, actor_id, button.chat_id, now=context.now())
        card = binding_text.sure_card(place, leaves=True, language=reader.language)
        await show(update, context, reader, card)
        return
    place = await context.write(binding.dissolve, actor_id, button.chat_id, now=context.now())
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    text = _("I say goodbye in {group} and leave it.").format(
        group=typed_text(binding_text.name_of(place))
    )
    await show(update, context, reader, Card(text, ((Key(_("Group chats"), OpenGroups()),),)))
