"""Questions in the coordinators' group: one topic for whoever asks, in both directions.

This is the one place where something with a name goes into a group, and only into one of
coordinators, whose purpose is looked at again each time.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import timedelta

from telegram import Bot, Update
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import MessageHandler, filters

from handlers.cards import DeskCard
from handlers.context import Context, House, sender, typed_text
from handlers.messaging.voices import Later, Nothing, Said, Say
from handlers.wiring import AnyApplication
from locales import catalog
from storage.messaging import questions
from storage.messaging.outbox import Claimed
from storage.messaging.questions import QuestionLineFacts, Topic
from storage.people import accounts
from storage.refusals import NotAllowed

SOON = timedelta(seconds=30)

logger = logging.getLogger(__name__)


def install(application: AnyApplication) -> None:
    in_topics = filters.ChatType.SUPERGROUP & filters.IS_TOPIC_MESSAGE
    application.add_handler(
        MessageHandler(
            in_topics & filters.UpdateType.MESSAGE & filters.TEXT & ~filters.COMMAND, written
        )
    )


async def make_topics(bot: Bot, house: House) -> int:
    """Make the topics that questions wait for; return how many. Outside any transaction.

    A group that refuses has no topic for this question, which goes on in private.
    """
    made = 0
    for topic in await house.database.read(questions.topics_to_make):
        try:
            created = await bot.create_forum_topic(topic.tg_chat_id, topic.title)
        except (BadRequest, Forbidden) as error:
            logger.warning("No topic for question %d: %s", topic.question_id, error)
            await house.database.write(questions.no_topic, topic.question_id)
        except TelegramError as error:
            logger.warning("A topic has to wait: %s", type(error).__name__)
        else:
            thread_id = created.message_thread_id
            await house.database.write(questions.topic_made, topic.question_id, thread_id)
            made += 1
    return made


async def line_said(house: House, row: Claimed) -> Said:
    """One line of a question's thread, in its topic."""
    if row.chat_id is None:
        return Nothing("this is for a group")
    facts = await house.database.read(questions.line_facts, row.facts["line_id"], row.chat_id)
    if facts is None:
        return Nothing("this group is not one of coordinators any more")
    if facts.thread_id is None:
        return Later(house.clock() + SOON)
    return Say(line_card(facts, row.language), thread=facts.thread_id)


def line_card(facts: QuestionLineFacts, language: str) -> DeskCard:
    """Who asks what, to be answered in the topic; or the answer that was given in private."""
    _ = catalog(language).gettext
    if not facts.by_asker:
        return DeskCard(_("Answered in private: {text}").format(text=typed_text(facts.text)))
    return DeskCard(
        _(
            "<b>{title}</b>\n{name}, {unit}: {text}\n"
            "What you write in this topic is passed on as the answer."
        ).format(
            title=typed_text(facts.title),
            name=typed_text(facts.asker),
            unit=typed_text(facts.unit),
            text=typed_text(facts.text),
        )
    )


async def written(update: Update, context: Context) -> None:
    """What a coordinator writes in a question's topic is its answer; nobody else's words are."""
    message = update.effective_message
    if message is None or message.message_thread_id is None or sender(update).is_bot:
        return
    # Who is not known here is not met either: most of what is written in a group is not for us.
    reader = await context.read(accounts.find, sender(update).id, now=context.now())
    if reader is None or reader.teacher_id is None:
        return
    try:
        topic = await context.write(
            questions.answer_in_topic,
            reader.teacher_id,
            message.chat_id,
            message.message_thread_id,
            message.text or "",
            now=context.now(),
        )
    except NotAllowed:
        return
    if topic is not None:
        context.house.wake_delivery()
        await close(context.bot, topic)


async def close(bot: Bot, topic: Topic) -> None:
    """Close the topic of a question that is answered; that it cannot be closed is no harm."""
    if topic.thread_id is not None:
        with contextlib.suppress(TelegramError):
            await bot.close_forum_topic(topic.tg_chat_id, topic.thread_id)


async def open_again(bot: Bot, topic: Topic) -> None:
    """Open the topic of a question that is asked on."""
    if topic.thread_id is not None:
        with contextlib.suppress(TelegramError):
            await bot.reopen_forum_topic(topic.tg_chat_id, topic.thread_id)
