"""What happens in groups: taps on public cards, the bot's coming and going, and migrations.

Whoever taps is answered alone, down the ladder of ``whisper``; the group sees nothing of it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlmodel import Session
from telegram import ChatMember, ChatMemberRestricted, Message, Update, User
from telegram.constants import ChatMemberStatus, ChatType, ParseMode
from telegram.error import BadRequest, Forbidden
from telegram.ext import ApplicationHandlerStop, MessageHandler, filters

from handlers.context import (
    Context,
    House,
    alert,
    hush,
    is_private,
    lead,
    sender,
    tap,
    whisper,
)
from handlers.messaging.buttons import GroupDetails, GroupRegister
from handlers.messaging.public import anonymous_card, intro_card, unbound_card
from handlers.messaging.voices import Nothing, Said, Say
from handlers.training.programme_text import programme_text
from handlers.training.programmes import show_programme
from handlers.training.registration import register_as
from handlers.training.registration_text import outcome_text
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage.messaging import groups, outbox
from storage.messaging.groups import Group
from storage.messaging.outbox import Claimed
from storage.messaging.tables import Priority
from storage.people import units
from storage.refusals import NotLinked
from storage.training import programmes
from storage.training.refusals import NotRecommended

HELLO = "group_hello"
# News of a migration may come a moment after the news of a group that nobody knows.
UNKNOWN_WAITS = timedelta(seconds=5)
HELLO_WITHIN = timedelta(hours=1)
# Telegram's own stand-ins for an anonymous administrator, for a channel, and for itself.
NOBODY = (1087968824, 136817688, 777000)
PRESENT = (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)

logger = logging.getLogger(__name__)


def install(application: AnyApplication) -> None:
    on_tap(application, GroupRegister, register)
    on_tap(application, GroupDetails, details)
    # Before everybody else: a migration is often told in the name of an anonymous
    # administrator, and nothing else that comes in such a name is a person's.
    in_groups = filters.ChatType.GROUPS
    application.add_handler(
        MessageHandler(in_groups & filters.StatusUpdate.MIGRATE, migrated), group=-1
    )
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
    chat, member = change.chat, change.new_chat_member
    if not _is_in(member):
        await context.write(groups.deactivate, chat.id)
        return
    is_admin = member.status in (ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)
    await context.write(
        settle_in,
        chat.id,
        chat.title or "",
        is_admin=is_admin,
        is_new=not _is_in(change.old_chat_member),
        language=context.house.language,
        update_id=update.update_id,
        now=context.now(),
    )
    context.house.wake_delivery()


def settle_in(
    session: Session,
    tg_chat_id: int,
    title: str,
    *,
    is_admin: bool,
    is_new: bool,
    language: str,
    update_id: int,
    now: datetime,
) -> Group:
    """Know the group, make it active, and leave a greeting if the bot has just come."""
    group = groups.bind(session, tg_chat_id, title, language=language)
    groups.set_admin(session, tg_chat_id, is_admin)
    if is_new:
        is_bound = group.purpose is not None
        outbox.put(
            session,
            HELLO,
            chat_id=group.id,
            facts={"is_bound": is_bound},
            priority=Priority.CARD,
            not_before=now if is_bound else now + UNKNOWN_WAITS,
            useful_until=now + HELLO_WITHIN,
            dedupe_key=f"{HELLO}:{tg_chat_id}:{update_id}",
            now=now,
        )
    return group


async def hello(house: House, row: Claimed) -> Said:
    """M01 in a group that is bound; in any other, that the coordinator binds it later."""
    group, unit = await house.database.read(_greeted, row.tg_chat_id)
    if group is None:
        return Nothing("the group is not known")
    if group.purpose is not None:
        if not row.facts["is_bound"]:
            # It was bound since, or is an old acquaintance under a new id.
            return Nothing("the group has been bound meanwhile")
        return Say(intro_card(unit, group.language, house.link))
    return Say(unbound_card(group.language, house.link))


def _greeted(session: Session, tg_chat_id: int) -> tuple[Group | None, str]:
    group = groups.chat_by_tg_id(session, tg_chat_id)
    return group, units.name_of(session, group.unit_id if group is not None else None)


async def migrated(update: Update, context: Context) -> None:
    """The group has another id now; it is told in the old one and in the new, in any order."""
    message = update.effective_message
    if message is not None and message.migrate_to_chat_id is not None:
        await context.write(groups.migrate, message.chat_id, message.migrate_to_chat_id)
    elif message is not None and message.migrate_from_chat_id is not None:
        await context.write(groups.migrate, message.migrate_from_chat_id, message.chat_id)
    raise ApplicationHandlerStop


async def spoken_by_nobody(update: Update, context: Context) -> None:
    """An anonymous administrator or a channel: never a person, so nothing is done for them."""
    message = update.message
    if message is not None and _asks_us(message, context.house.bot_username):
        card = anonymous_card(context.house.language, context.house.link)
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
            logger.info("The group of an anonymous command cannot be written to")
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
