"""Linking: the first talk with a new person, and the way on to where they were going."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from telegram import KeyboardButton, ReplyKeyboardMarkup, ReplyKeyboardRemove, Update
from telegram.constants import ParseMode
from telegram.ext import MessageHandler, filters

from handlers.cards import Card, Key
from handlers.context import Context, hush, show, show_anew, take_away
from handlers.people.buttons import EnterCode, Home, OpenPrivacy, ReportError, SharePhone
from handlers.training import words
from handlers.wiring import AnyApplication, follow, on_command, on_tap
from locales import catalog, dates, names
from storage.people import accounts, linking
from storage.people.accounts import Reader
from storage.people.linking import (
    CodeExpired,
    Linked,
    LinkOutcome,
    Locked,
    OtherTeacher,
    Taken,
    UnknownPhone,
    WrongCode,
)


def install(application: AnyApplication) -> None:
    on_command(application, "link", ask)
    on_tap(application, EnterCode, ask)
    on_tap(application, SharePhone, ask_phone)
    on_tap(application, ReportError, report_error)
    private = filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(private & filters.CONTACT, contact))


def link_card(language: str) -> Card:
    """M02: what the product keeps, and the two ways to link."""
    _ = catalog(language).gettext
    return Card(
        _(
            "Hello, and welcome to the teacher-training assistant.\n"
            "Please enter the 8-character link code from your school coordinator "
            "(valid for 72 hours, one use).\n"
            "I keep only what training needs: name, staff number, school, subject and training "
            "records. I never ask for your national ID. See /privacy at any time, or /unlink "
            "to leave."
        ),
        (
            (Key(_("Enter link code"), EnterCode()), Key(_("Use my phone"), SharePhone())),
            (Key(_("Privacy"), OpenPrivacy()),),
        ),
    )


def outcome_text(outcome: LinkOutcome, reader: Reader, zone: ZoneInfo, now: datetime) -> str:
    """Put what came of an attempt to link into words."""
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    match outcome:
        case Linked(teacher=teacher):
            addressee = names.addressee(teacher.name, reader.language, reader.is_principal)
            lines = [_("Linked, {addressee}.").format(addressee=html.escape(addressee))]
            if teacher.school:
                lines.append(_("School: {unit}").format(unit=html.escape(teacher.school)))
            if teacher.subjects:
                subject = words.joined(teacher.subjects, reader.language)
                lines.append(_("Subject: {subject}").format(subject=subject))
            return "\n".join(lines)
        case WrongCode(tries_left=left):
            return ngettext(
                "This code is not known. Please compare it with the one from your school; "
                "{n} try is left before linking pauses for an hour.",
                "This code is not known. Please compare it with the one from your school; "
                "{n} tries are left before linking pauses for an hour.",
                left,
            ).format(n=left)
        case Locked(until=until):
            return _(
                "Linking is paused until {time} after several wrong codes. "
                "Your school coordinator can give you a new code."
            ).format(time=dates.moment(until, zone, reader.language, now.astimezone(zone).date()))
        case CodeExpired(used=True):
            return _("This code has been used. Please ask your school coordinator for a new one.")
        case CodeExpired():
            return _(
                "This code is no longer valid. Please ask your school coordinator for a new one."
            )
        case Taken():
            return _(
                "This teacher is already linked to another account, which stays as it is. "
                "Your school coordinator has been told and will get in touch."
            )
        case OtherTeacher(name=name):
            return _(
                "This account is linked to {name}. To link somebody else, send /unlink first."
            ).format(name=html.escape(name))
        case UnknownPhone():
            return _(
                "The roster has no teacher with this number. "
                "Please use the link code from your school coordinator."
            )


async def ask(update: Update, context: Context) -> None:
    """Ask for the code; the next text is taken as one."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if reader.teacher_id is not None:
        await show(
            update,
            context,
            reader,
            Card(
                _("This account is linked already."),
                ((Key(_("Menu"), Home()),),),
            ),
        )
        return
    await context.write(accounts.await_text, reader.account_id, "code", now=context.now())
    await show(
        update,
        context,
        reader,
        Card(
            _("Please send the 8-character link code, for example <code>K7MP 2RXD</code>."),
            ((Key(_("Use my phone"), SharePhone()),), (Key(_("Back"), Home()),)),
        ),
    )


async def ask_phone(update: Update, context: Context) -> None:
    """Offer the key that shares the person's own number."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if update.callback_query is not None:
        await hush(update)
    await context.bot.send_message(
        reader.tg_user_id,
        _("Tap the key below to share your number. It is compared with the roster and not kept."),
        reply_markup=ReplyKeyboardMarkup(
            [[KeyboardButton(_("Share my number"), request_contact=True)], [_("Cancel")]],
            resize_keyboard=True,
            one_time_keyboard=True,
        ),
    )


async def contact(update: Update, context: Context) -> None:
    """Link by a shared number, if it is the sender's own."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    message = update.effective_message
    assert message is not None
    assert message.contact is not None
    if message.contact.user_id != reader.tg_user_id:
        await _put_keyboard_away(
            context, reader, _("Please share your own number, not another contact.")
        )
        return
    outcome = await context.write(
        linking.link_by_phone, reader.account_id, message.contact.phone_number, now=context.now()
    )
    # The number has served; it need not stay in the chat.
    await take_away(context, reader.tg_user_id, message.message_id)
    await _put_keyboard_away(context, reader, _("Thank you. The number was not kept."))
    await _conclude(update, context, outcome)


async def link_with_code(update: Update, context: Context, reader: Reader, code: str) -> None:
    """Link by a typed or scanned code."""
    outcome = await context.write(linking.link_by_code, reader.account_id, code, now=context.now())
    await _conclude(update, context, outcome)


async def report_error(update: Update, context: Context) -> None:
    """Say who corrects the roster."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _(
        "Your school coordinator corrects the roster. Please tell them what is wrong; "
        "the change is here at once."
    )
    await show(update, context, reader, Card(text, ((Key(_("Menu"), Home()),),)))


def is_for_linking(text: str, reader: Reader) -> bool:
    """Whether a text typed in private is meant as a link code."""
    return reader.teacher_id is None and linking.looks_like_code(text)


def linked_card(reader: Reader) -> Card:
    """To somebody who is linked already and has typed what looks like a link code."""
    _ = catalog(reader.language).gettext
    text = _(
        "If that is a link code: you are linked already, as {name}, and it was left as it is. "
        "Another person has to type it in their own chat with me."
    ).format(name=html.escape(reader.name))
    return Card(text, ((Key(_("Menu"), Home(), style="primary"),),))


async def _conclude(update: Update, context: Context, outcome: LinkOutcome) -> None:
    # Read again: the name and the role may be known only now.
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = outcome_text(outcome, reader, context.house.zone, context.now())
    keys: tuple[tuple[Key, ...], ...]
    if not isinstance(outcome, Linked):
        keys = (
            (Key(_("Enter link code"), EnterCode()), Key(_("Use my phone"), SharePhone())),
            (Key(_("Privacy"), OpenPrivacy()),),
        )
    else:
        keys = (
            (Key(_("Menu"), Home(), style="primary"),),
            (Key(_("Report an error"), ReportError()),),
        )
        if reader.continue_to:
            await context.write(accounts.go_on_to, reader.account_id, "")
            await context.bot.send_message(reader.tg_user_id, text, parse_mode=ParseMode.HTML)
            if await follow(update, context, reader, reader.continue_to):
                return
    await show_anew(context, reader, Card(text, keys))


async def _put_keyboard_away(context: Context, reader: Reader, text: str) -> None:
    await context.bot.send_message(reader.tg_user_id, text, reply_markup=ReplyKeyboardRemove())
