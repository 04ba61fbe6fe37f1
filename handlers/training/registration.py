"""Registering, withdrawing, and answering an offered seat."""

from __future__ import annotations

import html
from contextlib import suppress
from datetime import datetime

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, alert, follow_up, sender, show, show_anew, tap
from handlers.training.buttons import (
    AcceptOffer,
    AnswerNomination,
    OpenProgramme,
    PassOffer,
    Register,
    RegisterAnyway,
    Withdraw,
)
from handlers.training.conditions_words import findings_text
from handlers.training.programme_text import programme_card
from handlers.training.programmes import show_programme
from handlers.training.registration_text import outcome_text, withdrawal_text
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound, NotLinked, Refusal
from storage.training import enrolment, programmes, registration, waiting
from storage.training.refusals import NotRecommended, ReasonNeeded
from storage.training.registration import Leaving, Outcome

LONGEST_REASON = 300


def install(application: AnyApplication) -> None:
    on_tap(application, Register, register)
    on_tap(application, RegisterAnyway, register_anyway)
    on_tap(application, Withdraw, withdraw)
    on_tap(application, AcceptOffer, accept)
    on_tap(application, PassOffer, pass_on)
    on_tap(application, AnswerNomination, answer_nomination)
    on_text(application, "withdraw", reason_given)


def register_as(
    session: Session, tg_user_id: int, batch_id: int, *, now: datetime, despite: bool = False
) -> tuple[Reader, Outcome]:
    """Register whoever has this Telegram id, in one transaction."""
    reader = accounts.find(session, tg_user_id, now=now)
    if reader is None:
        raise NotLinked
    outcome = registration.register(
        session, reader.linked_teacher_id, batch_id, now=now, despite=despite
    )
    return reader, outcome


async def register(update: Update, context: Context) -> None:
    """Answer a tap on Register in words as soon as it counts; the card follows.

    Reading the card costs ten times what registering costs, so in the minute in which
    registration opens it neither keeps the writer busy nor holds up anybody's answer.
    """
    await _register(update, context, Register.parse(tap(update).data).batch_id)


async def register_anyway(update: Update, context: Context) -> None:
    """The person has read for whom it is recommended, and registers all the same."""
    batch_id = RegisterAnyway.parse(tap(update).data).batch_id
    await _register(update, context, batch_id, despite=True)


async def _register(
    update: Update, context: Context, batch_id: int, *, despite: bool = False
) -> None:
    now = context.now()
    rush = context.house.rush
    try:
        with rush.owing():
            reader, outcome = await context.write(
                register_as, sender(update).id, batch_id, now=now, despite=despite
            )
            await alert(update, outcome_text(outcome, reader.language))
    except NotRecommended as warning:
        reader = await context.reader(update)
        await show(update, context, reader, warning_card(warning, reader.language))
        return
    except Refusal:
        # The card was drawn when this was still possible: let it say how things are now.
        reader = await context.reader(update)
        if reader.teacher_id is not None:
            with suppress(NotFound):
                await _update_card(update, context, reader, batch_id, now)
        raise
    rush.afterwards(
        lambda: context.application.create_task(
            _update_card(update, context, reader, batch_id, now), update=update
        )
    )


def warning_card(warning: NotRecommended, language: str) -> Card:
    """For whom it is recommended, asked once before registering."""
    _ = catalog(language).gettext
    text = _("<b>{title}</b>\nPlease note: {reasons}.\nDo you want to register all the same?")
    keys = (
        (Key(_("Register all the same"), RegisterAnyway(warning.batch_id)),),
        (Key(_("Back"), OpenProgramme(warning.batch_id)),),
    )
    return Card(
        text.format(
            title=html.escape(warning.title), reasons=findings_text(warning.findings, language)
        ),
        keys,
    )


async def _update_card(
    update: Update, context: Context, reader: Reader, batch_id: int, now: datetime
) -> None:
    facts = await context.read(programmes.card, batch_id, reader.linked_teacher_id, now=now)
    await follow_up(
        update, context, programme_card(facts, reader.language, context.house.zone, now)
    )


async def withdraw(update: Update, context: Context) -> None:
    """Ask once more, then withdraw; where it is a request, say so and ask for the reason."""
    button = Withdraw.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure and await context.read(_is_free, reader, button.batch_id, now=context.now()):
        text = _("Do you want to withdraw? A freed seat is offered to the next person at once.")
        keys = (
            (Key(_("Yes, withdraw"), Withdraw(button.batch_id, 1), style="danger"),),
            (Key(_("Keep my place"), OpenProgramme(button.batch_id)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    try:
        done = await context.write(
            registration.withdraw, reader.linked_teacher_id, button.batch_id, now=context.now()
        )
    except ReasonNeeded:
        await _ask_reason(update, context, reader, button.batch_id)
        return
    context.house.wake_delivery()
    await alert(update, withdrawal_text(done, reader.language))
    await show_programme(update, context, reader, button.batch_id)


def _is_free(session: Session, reader: Reader, batch_id: int, *, now: datetime) -> bool:
    mine = programmes.mine(session, reader.linked_teacher_id, now=now, batch_id=batch_id)
    return any(one.leaving is Leaving.FREE for one in mine)


async def _ask_reason(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    _ = catalog(reader.language).gettext
    await context.write(
        accounts.await_text, reader.account_id, f"withdraw:{batch_id}", now=context.now()
    )
    text = _(
        "Withdrawing now is a request, which the school decides. Until then you keep your "
        "place. Please send the reason in one message; only your school and the organiser see it."
    )
    keys = ((Key(_("Keep my place"), OpenProgramme(batch_id)),),)
    await show(update, context, reader, Card(text, keys))


async def reason_given(_update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as the reason for withdrawing late."""
    batch_id = int(reader.awaiting.partition(":")[2])
    done = await context.write(
        _withdraw_with_reason, reader, batch_id, text[:LONGEST_REASON], now=context.now()
    )
    _ = catalog(reader.language).gettext
    card = Card(
        withdrawal_text(done, reader.language), ((Key(_("View"), OpenProgramme(batch_id)),),)
    )
    await show_anew(context, reader, card)


def _withdraw_with_reason(
    session: Session, reader: Reader, batch_id: int, reason: str, *, now: datetime
) -> registration.Withdrawal:
    accounts.await_text(session, reader.account_id, "", now=now)
    return registration.withdraw(
        session, reader.linked_teacher_id, batch_id, now=now, reason=reason
    )


async def accept(update: Update, context: Context) -> None:
    """Take the offered seat."""
    await _answer_offer(update, context, AcceptOffer.parse(tap(update).data).offer_id, take=True)


async def pass_on(update: Update, context: Context) -> None:
    """Leave the offered seat to the next person."""
    await _answer_offer(update, context, PassOffer.parse(tap(update).data).offer_id, take=False)


async def _answer_offer(update: Update, context: Context, offer_id: int, *, take: bool) -> None:
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    act = waiting.accept if take else waiting.pass_on
    answer = await context.write(act, reader.linked_teacher_id, offer_id, now=context.now())
    context.house.wake_delivery()
    text = (
        _("The seat is yours.")
        if take
        else _("Thank you. The seat goes to the next person; later registrations are not affected.")
    )
    await alert(update, text)
    await show_programme(update, context, reader, answer.batch_id)


async def answer_nomination(update: Update, context: Context) -> None:
    """Agree to be sent by the school, or not."""
    button = AnswerNomination.parse(tap(update).data)
    reader = await context.reader(update)
    act = enrolment.accept_nomination if button.yes else enrolment.decline_nomination
    await context.write(act, reader.linked_teacher_id, button.batch_id, now=context.now())
    context.house.wake_delivery()
    await show_programme(update, context, reader, button.batch_id)
