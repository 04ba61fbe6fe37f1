"""Evidence: taken, sent on to whoever reviews, and taken away when the next one comes."""

from __future__ import annotations

import logging

from telegram import Update
from telegram.error import BadRequest

from handlers.cards import Card
from handlers.context import Context, hush, show, show_anew, take_away
from locales import catalog
from storage.credits import papers
from storage.people.accounts import Reader

logger = logging.getLogger(__name__)


async def show_with(
    update: Update, context: Context, reader: Reader, file_id: str, file_name: str, card: Card
) -> None:
    """Show the evidence, and below it the card; without evidence the card in place.

    A photo has no name. What Telegram does not find any more is left out.
    """
    message_id = None
    if file_id:
        try:
            if file_name:
                sent = await context.bot.send_document(reader.tg_user_id, file_id)
            else:
                sent = await context.bot.send_photo(reader.tg_user_id, file_id)
            message_id = sent.message_id
        except BadRequest:
            logger.warning("A piece of evidence cannot be sent on")
    before = await context.write(papers.swap, reader.account_id, message_id, now=context.now())
    if before is not None:
        await take_away(context, reader.tg_user_id, before)
    if message_id is None:
        await show(update, context, reader, card)
    else:
        if update.callback_query is not None:
            await hush(update)
        await show_anew(context, reader, card)


async def refuse(context: Context, reader: Reader) -> None:
    """Say which files are taken; the question stays as it is, and another file can follow."""
    _ = catalog(reader.language).gettext
    text = _(
        "This kind of file is not taken. Please send a photo, a PDF, or a Word, Excel or "
        "PowerPoint file."
    )
    await context.bot.send_message(reader.tg_user_id, text)


async def put_away(context: Context, reader: Reader) -> None:
    """Take away the evidence that is shown, if any is."""
    before = await context.write(papers.swap, reader.account_id, None, now=context.now())
    if before is not None:
        await take_away(context, reader.tg_user_id, before)
