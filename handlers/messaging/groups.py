"""What happens in groups: taps on public cards, the bot's coming and going, and migrations.

Whoever taps is answered alone, down the ladder of ``whisper``; the group sees nothing of it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from sqlmodel import Session
from telegram import (
    ChatMember,
    ChatMemberRestricted,
    Message,
    Update,
    User,
)
from telegram.constants import ChatMemberStatus, ChatType, ParseMode
from telegram.error import BadRequest, Forbidden
from telegram.ext import ApplicationHandlerStop, CommandHandler, MessageHandler, filters

from handlers.buttons import StaleButton
from handlers.cards import GroupCard
from handlers.context import (
    Context,
    House,
    alert,
    hush,
    is_private,
    lead,
    sender,
    shortened,
    take_away,
    tap,
    typed_text,
    whisper,
)
from handlers.files import TABLES
from handlers.messaging.binding import show_place
from handlers.messaging.buttons import GroupDetails, GroupRegister
from handlers.messaging.group_buttons import BindHere
from handlers.messaging.notice_text import several
from handlers.messaging.public import anonymous_card, bind_card, intro_card, unbound_card
from handlers.messaging.standing import standing_of
from handlers.messaging.voices import Nothing, Said, Say
from handlers.training.programme_text import programme_text
from handlers.training.programmes import show_programme
from handlers.training.registration import register_as
from handlers.training.registration_text import outcome_text
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage.messaging import binding, groups, owners, presence
from storage.messaging.binding import Met
from storage.messaging.groups import Group
from storage.messaging.outbox import Claimed
from storage.messaging.presence import Adder
from storage.people import accounts, units
from storage.people.accounts import Reader
from storage.refusals import NotAllowed, NotLinked
from storage.training import programmes
from storage.training.refusals import NotRecommended

TITLE = 60  # characters of a group's title or a file's name
ONCE_IN = timedelta(minutes=1)
# Telegram's own stand-ins for an anonymous administrator, for a channel, and for itself.
NOBODY = (1087968824, 136817688, 777000)
PRESENT = (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)

logger = logging.getLogger(__name__)


def install(application: AnyApplication) -> None:
    on_tap(application, GroupRegister, register)
    on_tap(application, GroupDetails, details)
    on_tap(application, BindHere, bind_here)
    here = filters.ChatType.GROUPS & filters.UpdateType.MESSAGE
    application.add_handler(CommandHandler("bind", bind_asked, filters=here))
    application.add_handler(CommandHandler("start", started_here, filters=here))
    application.add_handler(MessageHandler(here & filters.Document.ALL, table_shared))
    # Before everybody else: a migration is often told in the name of an anonymous
    # administrator, and nothing else that comes in such a name is a person's.
    in_groups = filters.ChatType.GROUPS
    application.add_handler(
        MessageHandler(in_groups & filters.StatusUpdate.MIGRATE, migrated), group=-1
    )
    of_topics = (
        filters.StatusUpdate.FORUM_TOPIC_CLOSED
        | filters.StatusUpdate.FORUM_TOPIC_REOPENED
        | filters.StatusUpdate.FORUM_TOPIC_EDITED
        | filters.StatusUpdate.NEW_CHAT_TITLE
    )
    application.add_handler(MessageHandler(in_groups & of_topics, topic_changed), group=-1)
    application.add_handler(
        MessageHandler(
            in_groups & (filters.SenderChat.ALL | filters.User(NOBODY)), spoken_by_nobody
        ),
        group=-1,
    )


async def register(update: Update, context: Context) -> None:
    """Register whoever tapped, and tell them alone what came of it."""
    batch_id = GroupRegister.parse(tap(update).data).batch_id
    if not _is_person(sender(update)):
        await hush(update)
        return
    try:
        with context.house.rush.owing():
            reader, outcome = await context.write(
                register_as, sender(update).id, batch_id, now=context.now()
            )
            await alert(update, outcome_text(outcome, reader.language))
    except (NotLinked, NotRecommended):
        # /start remembers where the link leads, and linking goes on there; for whom a
        # programme is recommended is asked in private.
        await lead(update, context, f"p{batch_id}")


async def details(update: Update, context: Context) -> None:
    """Show the programme, as it is for whoever tapped, to them alone."""
    batch_id = GroupDetails.parse(tap(update).data).batch_id
    if not _is_person(sender(update)):
        await hush(update)
        return
    reader = await context.reader(update)
    if is_private(update):
        await show_programme(update, context, reader, batch_id)
        return
    _ = catalog(reader.language).gettext
    now = context.now()
    facts = await context.read(programmes.card, batch_id, reader.teacher_id, now=now)
    text = programme_text(facts, reader.language, context.house.zone, now)
    await whisper(update, context, text, f"p{batch_id}", _("Open in private"))


async def bot_moved(update: Update, context: Context) -> None:
    """The bot was added to a group, removed, or given or refused an administrator's rights."""
    change = update.my_chat_member
    if change is None or change.chat.type not in (ChatType.GROUP, ChatType.SUPERGROUP):
        return
    if change.from_user.id == context.bot.id:
        return  # it has left of its own accord, and whoever let it go notes that
    chat, member, now = change.chat, change.new_chat_member, context.now()
    if not _is_in(member):
        await context.write(presence.removed, chat.id, now=now)
        context.house.wake_delivery()
        return
    is_new = not _is_in(change.old_chat_member)
    adder, actor = await _adder(change.from_user, context)
    place_id = await context.write(
        presence.arrive,
        chat.id,
        chat.title or "",
        standing_of(member),
        is_forum=bool(chat.is_forum),
        is_new=is_new,
        adder=adder,
        language=context.house.language,
        now=now,
    )
    context.house.wake_delivery()
    if is_new and adder is Adder.MAY_BIND and actor is not None:
        met = Met(chat.id, chat.title or "", is_forum=bool(chat.is_forum))
        # Whoever may not tend a group that stands for something is not asked about it.
        with suppress(NotAllowed, Forbidden):
            await context.write(binding.begin, actor.linked_teacher_id, met, now=now)
            await show_place(update, context, actor, place_id)
    elif is_new and actor is not None:
        await _say_why_silent(chat.id, chat.title or "", actor, context)


async def _say_why_silent(tg_chat_id: int, title: str, adder: Reader, context: Context) -> None:
    """Tell who has added the bot and may not bind the group why it leaves, and whom to ask."""
    if await context.read(groups.bound_places, tg_chat_id):
        return
    names = await context.read(owners.askable, adder.linked_teacher_id, now=context.now())
    _ = catalog(adder.language).gettext
    if names:
        whom = _(
            "Please ask {names} to send /bind in the group; whoever is not in it has to be added "
            "to it first."
        ).format(names=several(names, adder.language))
    else:
        whom = _(
            "Please ask the coordinator of your school to send /bind in the group; whoever is not "
            "in it has to be added to it first."
        )
    text = _(
        "You have added me to {group}. What a group is for is said by a training coordinator; "
        "until then I post nothing there, and after {n} days I leave."
    ).format(group=typed_text(shortened(title, TITLE)), n=presence.KNOWN_FOR.days)
    with suppress(Forbidden):
        await context.bot.send_message(
            adder.tg_user_id, f"{text}\n{whom}", parse_mode=ParseMode.HTML
        )


async def _adder(user: User, context: Context) -> tuple[Adder, Reader | None]:
    """Who has added the bot. An administrator who hides who they are may be anybody's."""
    if not _is_person(user):
        return Adder.KNOWN, None
    known = await context.read(accounts.find, user.id, now=context.now())
    if known is None or known.teacher_id is None:
        return Adder.NOBODY, None
    may = await context.read(binding.may_bind, known.teacher_id, now=context.now())
    return (Adder.MAY_BIND if may else Adder.KNOWN), known


async def hello(house: House, row: Claimed) -> Said:
    """M01 in a place that is bound; in any other group, that the coordinator binds it."""
    place, unit, bound = await house.database.read(_greeted, row.chat_id or 0)
    if place is None:
        return Nothing("the group is not known")
    if row.facts["is_bound"]:
        if place.purpose is None:
            return Nothing("the place stands for nothing any more")
        return Say(intro_card(unit, place.language, house.link))
    if bound:
        # It was bound since, or is an old acquaintance under a new id.
        return Nothing("the group has been bound meanwhile")
    return Say(unbound_card(place.language))


def _greeted(session: Session, chat_id: int) -> tuple[Group | None, str, bool]:
    place = groups.place(session, chat_id)
    if place is None:
        return None, "", False
    bound = bool(groups.bound_places(session, place.tg_chat_id))
    return place, units.name_of(session, place.unit_id), bound


async def topic_changed(update: Update, context: Context) -> None:
    """A topic is closed, open again, or called otherwise; or the group has another title."""
    message = update.message
    if message is None:
        raise ApplicationHandlerStop
    chat_id, thread_id, now = message.chat_id, message.message_thread_id or 0, context.now()
    if message.forum_topic_closed is not None:
        await context.write(presence.close_topic, chat_id, thread_id, deleted=False, now=now)
    elif message.forum_topic_reopened is not None:
        await context.write(presence.reopen_topic, chat_id, thread_id, now=now)
    elif message.forum_topic_edited is not None:
        name = message.forum_topic_edited.name or ""
        await context.write(presence.rename, chat_id, thread_id=thread_id, topic=name)
    elif message.new_chat_title:
        await context.write(presence.rename, chat_id, title=message.new_chat_title)
    context.house.wake_delivery()
    raise ApplicationHandlerStop


async def table_shared(update: Update, context: Context) -> None:
    """A coordinator has put a table into a group: say in private who sees it there."""
    message, user = update.message, update.effective_user
    if message is None or message.document is None or user is None or not _is_person(user):
        return
    name = message.document.file_name or ""
    if not name.lower().endswith(TABLES):
        return
    reader = await context.read(accounts.find, user.id, now=context.now())
    if reader is None or reader.teacher_id is None:
        return
    may, bound = await context.read(
        _may_and_bound, reader.teacher_id, message.chat_id, now=context.now()
    )
    if not may or not bound:
        return
    _ = catalog(reader.language).gettext
    text = _(
        "Everybody in {group} can see the table {name} that you have put there. If it holds "
        "names with hours, progress, marks or phone numbers, please delete it there and send "
        "it to me here instead."
    ).format(
        group=typed_text(shortened(message.chat.title or "", TITLE)),
        name=typed_text(shortened(name, TITLE)),
    )
    with suppress(Forbidden):
        await context.bot.send_message(reader.tg_user_id, text, parse_mode=ParseMode.HTML)


def _may_and_bound(
    session: Session, teacher_id: int, tg_chat_id: int, *, now: datetime
) -> tuple[bool, bool]:
    may = binding.may_bind(session, teacher_id, now=now)
    return may, bool(groups.bound_places(session, tg_chat_id))


async def bind_asked(update: Update, context: Context) -> None:
    """/bind in a group or topic: hang up the key that shows which place is meant."""
    message = update.message
    if message is None:
        return
    if _is_person(sender(update)):
        reader = await context.reader(update)
        if not await context.read(binding.may_bind, reader.linked_teacher_id, now=context.now()):
            raise NotAllowed
    await _hang_key(message, context)


async def started_here(update: Update, context: Context) -> None:
    """/start@bot in a group, which the link "add me to a group" types where the bot is already."""
    message = update.message
    if message is None or not _is_person(sender(update)):
        return
    reader = await context.read(accounts.find, sender(update).id, now=context.now())
    if reader is None or reader.teacher_id is None:
        return
    place = await context.read(groups.chat_by_tg_id, message.chat_id)
    if place is not None and await context.read(
        presence.is_greeted, place.tg_chat_id, now=context.now()
    ):
        return  # it has just been added, and says so itself
    if await context.read(binding.may_bind, reader.teacher_id, now=context.now()):
        await _hang_key(message, context)


async def _hang_key(message: Message, context: Context) -> None:
    """Post the key, once a minute in each place however often it is asked for."""
    thread_id = message.message_thread_id if message.is_topic_message else None
    place = message.chat_id, thread_id or 0
    hung: dict[tuple[int, int], datetime] = context.bot_data.setdefault("bind_keys", {})
    if place in hung and context.now() - hung[place] < ONCE_IN:
        return
    hung[place] = context.now()
    language = await context.read(groups.language_of, *place)
    card = bind_card(thread_id is not None, language or context.house.language)
    await _say(context, message, card)
    await take_away(context, message.chat_id, message.message_id)


async def _say(context: Context, message: Message, card: GroupCard) -> None:
    """Post a card where the message stands, in its topic and no other."""
    try:
        await context.bot.send_message(
            message.chat_id,
            card.text,
            parse_mode=ParseMode.HTML,
            reply_markup=card.markup(),
            disable_notification=True,
            message_thread_id=message.message_thread_id if message.is_topic_message else None,
        )
    except (BadRequest, Forbidden):
        logger.info("The group of a command cannot be written to")


async def bind_here(update: Update, context: Context) -> None:
    """A coordinator shows which place is meant; the rest is asked in private."""
    BindHere.parse(tap(update).data)
    message, chat = tap(update).message, update.effective_chat
    if not _is_person(sender(update)):
        await hush(update)
        return
    if chat is None or is_private(update) or not isinstance(message, Message):
        raise StaleButton
    reader = await context.reader(update)
    met = Met(
        chat.id,
        chat.title or "",
        thread_id=(message.message_thread_id or 0) if message.is_topic_message else 0,
        topic=_topic_name(message),
        is_forum=bool(chat.is_forum),
    )
    place_id = await context.write(binding.begin, reader.linked_teacher_id, met, now=context.now())
    await lead(update, context, f"bind{place_id}")
    # It has shown which place is meant; where that is left open, the desk leads on.
    await take_away(context, chat.id, message.message_id)


def _topic_name(message: Message) -> str:
    """The topic's title, where Telegram tells it: with the message that began the topic."""
    began = message.reply_to_message
    if not message.is_topic_message or began is None or began.forum_topic_created is None:
        return ""
    return began.forum_topic_created.name


async def migrated(update: Update, context: Context) -> None:
    """The group has another id now; it is told in the old one and in the new, in any order."""
    message = update.effective_message
    if message is not None and message.migrate_to_chat_id is not None:
        await context.write(groups.migrate, message.chat_id, message.migrate_to_chat_id)
    elif message is not None and message.migrate_from_chat_id is not None:
        await context.write(groups.migrate, message.migrate_from_chat_id, message.chat_id)
    raise ApplicationHandlerStop


async def spoken_by_nobody(update: Update, context: Context) -> None:
    """An anonymous administrator or a channel: never a person, so nothing is done for them.

    Who presses a key is known to us even then, so /bind hangs one up for them, too.
    """
    message = update.message
    if message is not None and _asks_us(message, context.house.bot_username):
        if (message.text or "").lower().startswith("/bind@"):
            await _hang_key(message, context)
        else:
            await _say(context, message, anonymous_card(context.house.language, context.house.link))
    raise ApplicationHandlerStop


def _asks_us(message: Message, bot_username: str) -> bool:
    """Whether it is a command that names this bot; others may be meant for other bots."""
    command = (message.text or "").split(maxsplit=1)[:1]
    return (
        bool(command)
        and command[0].startswith("/")
        and (command[0].lower().endswith(f"@{bot_username.lower()}"))
    )


def _is_person(user: User) -> bool:
    return not user.is_bot and user.id not in NOBODY


def _is_in(member: ChatMember) -> bool:
    if isinstance(member, ChatMemberRestricted):
        return member.is_member
    return member.status in PRESENT
