"""Programmes that fit me: the list, and one programme's card."""

from __future__ import annotations

from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, show, tap
from handlers.training.buttons import (
    AskWhy,
    OpenCertificates,
    OpenMine,
    OpenProgramme,
    OpenProgrammes,
    SetInterest,
)
from handlers.training.menus_text import menu_keys
from handlers.training.programme_text import (
    certificates_card,
    list_card,
    mine_card,
    programme_card,
)
from handlers.training.why_text import why_text
from handlers.wiring import AnyApplication, on_command, on_link, on_tap
from locales import catalog
from storage.competitions import awarding
from storage.people.accounts import Reader
from storage.training import certificates, decisions, interest, menus, programmes

PAGE = 4


def install(application: AnyApplication) -> None:
    on_command(application, ["programmes", "programs"], open_list)
    on_command(application, "mine", open_mine)
    on_command(application, "certificates", open_certificates)
    on_link(application, "ps", _linked_list)
    on_link(application, "mine", _linked_mine)
    on_link(application, "p([0-9]{1,18})", _linked_programme)
    on_tap(application, OpenProgrammes, open_list)
    on_tap(application, OpenProgramme, open_programme)
    on_tap(application, OpenMine, open_mine)
    on_tap(application, OpenCertificates, open_certificates)
    on_tap(application, AskWhy, ask_why)
    on_tap(application, SetInterest, set_interest)


async def open_list(update: Update, context: Context) -> None:
    page = 0
    if update.callback_query is not None:
        page = OpenProgrammes.parse(update.callback_query.data).page
    reader = await context.reader(update)
    await _show_list(update, context, reader, page)


async def _show_list(update: Update, context: Context, reader: Reader, page: int) -> None:
    now = context.now()
    found = await context.read(
        programmes.open_for, reader.linked_teacher_id, now=now, page=max(0, page), size=PAGE
    )
    choices = await context.read(menus.open_for, reader.linked_teacher_id, now=now)
    zone = context.house.zone
    today = now.astimezone(zone).date()
    keys = menu_keys(choices, reader.language)
    await show(update, context, reader, list_card(found, reader.language, zone, today, keys))


async def open_mine(update: Update, context: Context) -> None:
    page = 0
    if update.callback_query is not None:
        page = OpenMine.parse(update.callback_query.data).page
    reader = await context.reader(update)
    await _show_mine(update, context, reader, page)


async def _show_mine(update: Update, context: Context, reader: Reader, page: int) -> None:
    now, zone = context.now(), context.house.zone
    found = await context.read(programmes.mine, reader.linked_teacher_id, now=now)
    today = now.astimezone(zone).date()
    await show(
        update, context, reader, mine_card(found, max(0, page), reader.language, zone, today)
    )


async def open_certificates(update: Update, context: Context) -> None:
    """Show the certificates that I have."""
    page = 0
    if update.callback_query is not None:
        page = OpenCertificates.parse(update.callback_query.data).page
    reader = await context.reader(update)
    found = await context.read(certificates.of_teacher, reader.linked_teacher_id)
    has_awards = await context.read(awarding.has_awards, reader.linked_teacher_id)
    card = certificates_card(found, page, reader.language, has_awards=has_awards)
    await show(update, context, reader, card)


async def open_programme(update: Update, context: Context) -> None:
    button = OpenProgramme.parse(tap(update).data)
    reader = await context.reader(update)
    await show_programme(update, context, reader, button.batch_id)


async def show_programme(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    """Put one programme's card in front of the person."""
    now = context.now()
    facts = await context.read(programmes.card, batch_id, reader.linked_teacher_id, now=now)
    await show(
        update, context, reader, programme_card(facts, reader.language, context.house.zone, now)
    )


async def ask_why(update: Update, context: Context) -> None:
    batch_id = AskWhy.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    why = await context.read(decisions.why, reader.linked_teacher_id, batch_id)
    text = why_text(why, reader.language, context.house.zone, context.now())
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenProgramme(batch_id)),),)))


async def set_interest(update: Update, context: Context) -> None:
    button = SetInterest.parse(tap(update).data)
    reader = await context.reader(update)
    change = interest.follow if button.on else interest.unfollow
    await context.write(change, reader.linked_teacher_id, button.batch_id, now=context.now())
    await show_programme(update, context, reader, button.batch_id)


async def _linked_list(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_list(update, context, reader, 0)


async def _linked_mine(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_mine(update, context, reader, 0)


async def _linked_programme(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_programme(update, context, reader, int(payload))
