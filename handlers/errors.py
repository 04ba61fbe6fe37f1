"""The one place that turns failures into words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import Update
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError

from handlers.buttons import StaleButton
from handlers.cards import Card, Key
from handlers.competitions.after_text import after_text
from handlers.competitions.entering_text import entering_text
from handlers.competitions.handing_in_text import materials_text
from handlers.competitions.judging_text import judging_refused
from handlers.competitions.values_text import setup_text
from handlers.context import Context, alert, is_private, lead, show, show_anew
from handlers.credits.claims_text import credits_text
from handlers.files import files_text
from handlers.messaging.binding_text import binding_text
from handlers.messaging.notice_answers import answers_text
from handlers.messaging.notice_correcting import correcting_text
from handlers.messaging.notice_report import report_text
from handlers.messaging.notice_text import notices_text
from handlers.messaging.relays import relays_text
from handlers.messaging.work_calendar import calendar_text
from handlers.people.buttons import Home
from handlers.people.linking import link_card
from handlers.people.roles import roles_text
from handlers.people.roster import imports_text
from handlers.people.slips import slips_text
from handlers.training.allotting import allotting_text
from handlers.training.approvals_text import approvals_text
from handlers.training.attendance_text import attendance_text
from handlers.training.changing import changing_text
from handlers.training.conditions_words import conditions_text
from handlers.training.menus_text import menu_refused
from handlers.training.nominating_text import nominating_text
from handlers.training.publishing import running_text
from handlers.training.refusals_text import training_text
from handlers.training.rehearsal_text import rehearsal_refused
from handlers.training.reminding import extending_text
from handlers.training.remote.importing_text import importing_text
from handlers.training.remote.last_mile_text import last_mile_text
from handlers.training.remote.setting_words import settings_text
from handlers.training.remote.study_text import studying_text
from handlers.training.remote.surveying import survey_text
from handlers.training.results_text import results_text
from handlers.training.sealing import sealing_text
from handlers.training.structure_words import structure_text
from handlers.training.tasks_words import tasks_text
from handlers.wiring import AnyApplication
from locales import catalog, dates
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.reminders import MuteRefused
from storage.people.accounts import WindowTooShort
from storage.refusals import NotAllowed, NotFound, NotLinked, OwnCase, Refusal

logger = logging.getLogger(__name__)

WORDS: tuple[Callable[[Refusal, str, ZoneInfo, datetime], str], ...] = (
    calendar_text,
    judging_refused,
    extending_text,
    training_text,
    attendance_text,
    files_text,
    rehearsal_refused,
    menu_refused,
    roles_text,
    approvals_text,
    imports_text,
    structure_text,
    settings_text,
    survey_text,
    tasks_text,
    conditions_text,
    allotting_text,
    nominating_text,
    sealing_text,
    setup_text,
    results_text,
    studying_text,
    importing_text,
    credits_text,
    slips_text,
    changing_text,
    running_text,
    binding_text,
    answers_text,
    correcting_text,
    report_text,
    last_mile_text,
    notices_text,
    relays_text,
    entering_text,
    materials_text,
    after_text,
)
"""Each says why not for the refusals of its wing, and is empty for others'."""


def refusal_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Say why not, and what to do next, in the reader's language."""
    _ = catalog(language).gettext
    match refusal:
        case StaleButton():
            return _("This button is out of date. Send /menu for the present state.")
        case NotLinked():
            return _("Please link your account first: send /start to me in private.")
        case NotFound():
            return _("This is no longer there. Send /menu for the present state.")
        case OwnCase():
            return _(
                "This is about you, and nobody decides about themselves. A colleague with the "
                "same right will; where there is none, the next level."
            )
        case NotAllowed():
            return _(
                "You do not have the right to do this. "
                "If you need it, please contact your school coordinator."
            )
        case WindowTooShort():
            return _("Please leave at least an hour a day in which I may write to you.")
        case MuteRefused():
            return _(
                "This one cannot be muted, because missing it would cost you the seat or "
                "the hours. It stays at one reminder a day."
            )
        case TooLateToUndo():
            return _("This could be undone until {time}; that time is over.").format(
                time=dates.moment(refusal.until, zone, language, now.astimezone(zone).date())
            )
        case ChangedSince():
            return _(
                "This has been worked on with meanwhile, so it cannot be undone as a whole. "
                "Nothing was changed."
            )
        case _:
            for words in WORDS:
                if text := words(refusal, language, zone, now):
                    return text
            return _("This is not possible at the moment. Send /menu for the present state.")


def install(application: AnyApplication) -> None:
    application.add_error_handler(_on_error)


async def _on_error(update: object, context: Context) -> None:
    error = context.error
    if not isinstance(update, Update):
        logger.error("Something failed outside an update", exc_info=error)
        return
    if isinstance(error, Refusal):
        await _refuse(update, context, error)
        return
    if isinstance(error, Forbidden):
        # The person has blocked the bot meanwhile; my_chat_member tells the same.
        logger.info("Update %d: the person cannot be written to", update.update_id)
        return
    logger.error("Update %d failed", update.update_id, exc_info=error)
    report: Callable[[int, str], None] | None = context.bot_data.get("report_fault")
    if report is not None:
        report(update.update_id, repr(error))
    with contextlib.suppress(TelegramError):
        await _apologise(update, context)


async def _refuse(update: Update, context: Context, refusal: Refusal) -> None:
    reader = await context.reader(update)
    text = refusal_text(refusal, reader.language, context.house.zone, context.now())
    _ = catalog(reader.language).gettext
    # Who asked in a group may have no private chat yet.
    with contextlib.suppress(BadRequest, Forbidden):
        if isinstance(refusal, NotLinked) and is_private(update):
            await show(update, context, reader, link_card(reader.language))
        elif isinstance(refusal, NotLinked) and update.callback_query is not None:
            await lead(update, context, "link")
        elif update.callback_query is not None:
            await alert(update, text)
        elif reader.awaiting:
            # Beside the card, which says what is asked for and has its keys.
            again = _("{why}\nPlease type it again, or use the keys above.").format(why=text)
            await context.bot.send_message(reader.tg_user_id, again, parse_mode=ParseMode.HTML)
        else:
            card = Card(text, ((Key(_("Menu"), Home()),),))
            await show_anew(context, reader, card)


async def _apologise(update: Update, context: Context) -> None:
    if update.effective_user is None:
        return
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _(
        "Something went wrong on our side; nothing was changed by halves. "
        "Please try again in a moment."
    )
    if update.callback_query is not None:
        await alert(update, text)
    elif is_private(update):
        await context.bot.send_message(reader.tg_user_id, text)
