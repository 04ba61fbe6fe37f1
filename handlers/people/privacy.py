"""Privacy: what is kept and why, all of it as a file, and the way out."""

from __future__ import annotations

import asyncio

from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, send_file, show, tap
from handlers.people.buttons import EnterCode, Home, MyData, OpenPrivacy, SharePhone, Unlink
from handlers.people.mydata_file import file_name, my_data_html
from handlers.wiring import AnyApplication, on_command, on_link, on_tap
from locales import catalog
from storage.people import accounts, mydata
from storage.people.accounts import Reader


def install(application: AnyApplication) -> None:
    on_command(application, "privacy", open_privacy)
    on_command(application, "mydata", send_my_data)
    on_command(application, "unlink", ask_unlink)
    on_link(application, "privacy", _linked)
    on_tap(application, OpenPrivacy, open_privacy)
    on_tap(application, MyData, send_my_data)
    on_tap(application, Unlink, unlink)


def privacy_card(reader: Reader) -> Card:
    """What is kept, why, how long, and who sees it."""
    _ = catalog(reader.language).gettext
    text = _(
        "<b>What is kept about you</b>\n"
        "From the roster: name, staff number, school, subject, duties – to find what fits you.\n"
        "Registrations, results and hours – to run the training and to credit it.\n"
        "Your Telegram number, language and quiet hours – to answer and to remind you.\n"
        "Link code and phone number only as a fingerprint that cannot be read back.\n"
        "Never asked for: national ID, address, date of birth.\n"
        "<b>Who sees it</b>\n"
        "You; your school and the county office, as far as their task needs. Never a group.\n"
        "<b>How long</b>\n"
        "What you type or tap: two days. Hours: the credit cycle and five years more.\n"
        "After /unlink this account is erased within about 30 days; the hours stay yours."
    )
    leave = (Key(_("Unlink"), Unlink()),) if reader.teacher_id is not None else ()
    return Card(text, ((Key(_("All my data"), MyData()), *leave), (Key(_("Back"), Home()),)))


def ask_card(language: str) -> Card:
    """Ask once more, and say what will and will not be lost."""
    _ = catalog(language).gettext
    text = _(
        "<b>Unlink this account?</b>\n"
        "I will then no longer know who you are, and reminders and offered seats "
        "will not reach you here.\n"
        "Your registrations and hours stay as they are with your school.\n"
        "You can come back at any time with a new link code."
    )
    return Card(
        text,
        (
            (Key(_("Unlink"), Unlink(1), style="danger"),),
            (Key(_("Back"), OpenPrivacy()),),
        ),
    )


def gone_card(language: str) -> Card:
    """The account is nobody's now, and how to come back."""
    _ = catalog(language).gettext
    text = _(
        "This account is not linked to a teacher now.\n"
        "To come back, ask your school coordinator for a new link code and send it to me. "
        "Otherwise what is left of this account is erased after 30 days."
    )
    return Card(
        text,
        (
            (Key(_("Enter link code"), EnterCode()), Key(_("Use my phone"), SharePhone())),
            (Key(_("Privacy"), OpenPrivacy()),),
        ),
    )


def file_caption(language: str) -> str:
    """What stands under the file."""
    _ = catalog(language).gettext
    return _(
        "Everything that is kept about you. Open it in a browser; it loads nothing. "
        "Please do not forward it: it is about you alone."
    )


async def open_privacy(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    await show(update, context, reader, privacy_card(reader))


async def send_my_data(update: Update, context: Context) -> None:
    """Send the file; the log keeps that it was asked for."""
    reader = await context.reader(update)
    found = await context.write(mydata.everything_about, reader.account_id, now=context.now())
    zone, language = context.house.zone, reader.language
    # A long career makes a long page: taps of others need not wait for it.
    page = await asyncio.to_thread(my_data_html, found, zone, language)
    name = file_name(found, zone, language)
    await send_file(update, context, reader, page, name, file_caption(language))


async def ask_unlink(update: Update, context: Context) -> None:
    reader = await context.reader(update)
    language = reader.language
    card = gone_card(language) if reader.teacher_id is None else ask_card(language)
    await show(update, context, reader, card)


async def unlink(update: Update, context: Context) -> None:
    """Ask, and on the second tap do it; for an account that is nobody's, say so."""
    if Unlink.parse(tap(update).data).sure != 1:
        await ask_unlink(update, context)
        return
    reader = await context.reader(update)
    await context.write(accounts.unlink, reader.account_id, now=context.now())
    await show(update, context, reader, gone_card(reader.language))


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await show(update, context, reader, privacy_card(reader))
