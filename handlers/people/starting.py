"""Where a talk begins: /start with or without a link, typed texts, and all that fits nowhere."""

from __future__ import annotations

from telegram import ChatMemberUpdated, Update
from telegram.constants import ChatMemberStatus, ChatType, ParseMode
from telegram.ext import (
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from handlers.cards import Card, Key
from handlers.context import Context, is_private, show, show_anew
from handlers.files import taken
from handlers.messaging.groups import bot_moved
from handlers.people.buttons import EnterCode, Home, OpenDesk, OpenHelp
from handlers.people.home import show_home
from handlers.people.linking import (
    ask,
    is_for_linking,
    link_card,
    link_with_code,
    linked_card,
)
from handlers.wiring import (
    AnyApplication,
    follow,
    form_route,
    on_command,
    on_link,
    on_tap,
    text_route,
)
from locales import catalog
from storage.messaging import returning
from storage.people import accounts, linking, staff
from storage.people.accounts import Reader
from storage.refusals import Refusal

PRIVATE = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE


def install(application: AnyApplication) -> None:
    application.add_handler(CommandHandler("start", start, filters=PRIVATE))
    on_command(application, "help", tell_help)
    on_tap(application, OpenHelp, tell_help)
    on_link(application, "L([A-Za-z0-9]{8})", _code_link)
    on_link(application, "link", _to_linking)
    application.add_handler(
        ChatMemberHandler(private_chat_changed, ChatMemberHandler.MY_CHAT_MEMBER)
    )


def install_last(application: AnyApplication) -> None:
    """What nobody else wanted: typed texts, unknown commands, things sent."""
    application.add_handler(MessageHandler(PRIVATE & filters.TEXT & ~filters.COMMAND, typed))
    application.add_handler(MessageHandler(PRIVATE & filters.COMMAND, unknown))
    application.add_handler(MessageHandler(PRIVATE & ~filters.StatusUpdate.ALL, not_for_me))


async def start(update: Update, context: Context) -> None:
    """Open the private chat; a payload says where to."""
    reader = await context.reader(update)
    await context.write(returning.come_back, reader.account_id, now=context.now())
    payload = context.args[0] if context.args else ""
    if reader.teacher_id is None:
        if payload.startswith("L") and await follow(update, context, reader, payload):
            return
        if payload not in ("", "menu", "link"):
            await context.write(accounts.go_on_to, reader.account_id, payload)
        await show_anew(context, reader, link_card(reader.language))
        return
    if payload and await follow(update, context, reader, payload):
        return
    await show_home(update, context, reader)


async def typed(update: Update, context: Context) -> None:
    """Take a typed text as the answer that is awaited, a link code, or a search for help."""
    reader = await context.reader(update)
    message = update.effective_message
    text = (message.text or "").strip() if message is not None else ""
    route = text_route(context, reader.awaiting)
    if route is not None:  # before what looks like a code: staff numbers do
        try:
            await route(update, context, reader, text)
        except Refusal:
            # Whoever mistyped types once more, and is still heard.
            await context.write(
                accounts.await_text, reader.account_id, reader.awaiting, now=context.now()
            )
            raise
    elif is_for_linking(text, reader):
        await link_with_code(update, context, reader, text)
    elif reader.teacher_id is not None and (form := form_route(context, text)) is not None:
        await form(update, context, reader, text)
    elif (
        reader.teacher_id is not None
        and linking.looks_like_code(text)
        and not text.replace(" ", "").isdigit()  # which are marks, or a number, gone astray
    ):
        await _beside(context, reader, linked_card(reader))
    else:
        await _honest(context, reader)


async def unknown(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    await _honest(context, reader)


async def not_for_me(update: Update, context: Context) -> None:
    """A file somebody may wait for; for a voice or a sticker, say what I can do instead."""
    reader = await context.reader(update)
    if not await taken(update, context, reader):
        await _honest(context, reader)


async def _honest(context: Context, reader: Reader) -> None:
    _ = catalog(reader.language).gettext
    if reader.teacher_id is None:
        await show_anew(context, reader, link_card(reader.language))
        return
    keys = [Key(_("Menu"), Home(), style="primary"), Key(_("Help"), OpenHelp())]
    if await context.read(staff.has_desk, reader.teacher_id, now=context.now()):
        text = _(
            "I did not understand this: at this point I wait for one of the keys above. "
            "What you may be looking for is in the menu, or on your desk."
        )
        keys.append(Key(_("My desk"), OpenDesk()))
    else:
        text = _(
            "I did not understand this: at this point I wait for one of the keys above. What you "
            "may be looking for is in the menu; your school coordinator helps with the rest."
        )
    await _beside(context, reader, Card(text, (tuple(keys),)))


async def _beside(context: Context, reader: Reader, card: Card) -> None:
    """Say something beside the card and not in its place: what somebody was doing goes on there."""
    await context.bot.send_message(
        reader.tg_user_id, card.text, parse_mode=ParseMode.HTML, reply_markup=card.markup()
    )


def help_card(reader: Reader, *, has_desk: bool = False) -> Card:
    """What this bot does, in a few lines; and where to begin, for who looks after others."""
    _ = catalog(reader.language).gettext
    text = _(
        "<b>What I can do for you</b>\n"
        "/programmes – training that fits you, and registering for it\n"
        "/mine – where you are registered, your place in a queue\n"
        "/hours – your training hours and how they are counted\n"
        "/due – what you still owe, with the dates\n"
        "/settings – language, quiet hours, time of the daily brief\n"
        "/privacy – what is kept about you · /mydata – all of it as a file\n"
        "Questions about the training itself go to the contact named on its card."
    )
    if reader.teacher_id is None:
        return Card(text, ((Key(_("Enter link code"), EnterCode()),),))
    if has_desk:
        desk = _(
            "You look after others: My desk has the trainings, seats, decisions and notices "
            "that are yours to care for. A roster or any other table you simply send to me."
        )
        keys = ((Key(_("My desk"), OpenDesk(), style="primary"),), (Key(_("Menu"), Home()),))
        return Card(f"{text}\n\n{desk}", keys)
    return Card(text, ((Key(_("Menu"), Home()),),))


async def tell_help(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    has_desk = reader.teacher_id is not None and await context.read(
        staff.has_desk, reader.teacher_id, now=context.now()
    )
    await show(update, context, reader, help_card(reader, has_desk=has_desk))


async def private_chat_changed(update: Update, context: Context) -> None:
    """The person blocked the bot, or came back."""
    change = update.my_chat_member
    if change is None or change.chat.type != ChatType.PRIVATE:
        await bot_moved(update, context)
        return
    if _left(change):
        await context.write(accounts.blocked, change.from_user.id, now=context.now())
    else:
        reader = await context.reader(update)
        await context.write(returning.come_back, reader.account_id, now=context.now())
        context.house.wake_delivery()


def _left(change: ChatMemberUpdated) -> bool:
    return change.new_chat_member.status in (ChatMemberStatus.BANNED, ChatMemberStatus.LEFT)


async def _code_link(update: Update, context: Context, reader: Reader, code: str) -> None:
    if reader.teacher_id is not None:
        await show_home(update, context, reader)
    else:
        await link_with_code(update, context, reader, code)


async def _to_linking(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    if reader.teacher_id is not None or not is_private(update):
        await show_home(update, context, reader)
    else:
        await ask(update, context)
