"""Studying remotely: where I stand, what I say of it, and who looks at that."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, hush, show, show_anew, tap
from handlers.files import Attachment, on_file
from handlers.training.remote.study_buttons import (
    AcceptStudyClaim,
    MyObstacle,
    MyStudies,
    MyStudy,
    NotUpdated,
    NotUpdatedIs,
    ObstacleIs,
    OpenStudyClaim,
    OpenStudyClaims,
    RefuseStudyClaim,
)
from handlers.training.remote.study_text import (
    claim_card,
    claims_card,
    evidence_card,
    obstacle_card,
    said_text,
    studies_card,
    study_card,
    which_card,
)
from handlers.wiring import AnyApplication, on_desk, on_link, on_tap, on_text
from locales import catalog
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training import surveys
from storage.training.remote import my_study, obstacles, study_claims
from storage.training.remote.my_study import Study
from storage.training.remote.study_claims import ClaimFacts
from storage.training.remote.tables import ObstacleReason

SAYS = "studied"  # what a typed text, or a file, shows
WHY = "study_refused"  # why a claim is not accepted
HELD_UP = "held_up"  # what holds somebody up, in their words


def install(application: AnyApplication) -> None:
    on_desk(
        application,
        {Act.REVIEW_WORK},
        _label,
        OpenStudyClaims,
        kinds=(study_claims.KIND,),
        if_any=True,
    )
    on_link(application, "study([0-9]{1,18})", _linked)
    on_tap(application, MyStudy, open_mine)
    on_tap(application, MyStudies, open_all)
    on_tap(application, NotUpdated, ask_which)
    on_tap(application, NotUpdatedIs, ask_evidence)
    on_text(application, SAYS, evidence_typed)
    on_file(application, SAYS, evidence_sent)
    on_tap(application, MyObstacle, ask_obstacle)
    on_tap(application, ObstacleIs, say_obstacle)
    on_text(application, HELD_UP, obstacle_typed)
    on_tap(application, OpenStudyClaims, open_claims)
    on_tap(application, OpenStudyClaim, open_claim)
    on_tap(application, AcceptStudyClaim, accept)
    on_tap(application, RefuseStudyClaim, ask_why)
    on_text(application, WHY, why_typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Not updated yet")


def _local(context: Context) -> tuple[ZoneInfo, date]:
    return context.house.zone, local_day(context.now(), context.house.zone)


# --- mine --------------------------------------------------------------------------------------


async def open_mine(update: Update, context: Context) -> None:
    """Show where I stand in a class."""
    button = MyStudy.parse(tap(update).data)
    reader = await context.reader(update)
    await _forget(context, reader)
    await _show_mine(update, context, reader, button.batch_id)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _show_mine(update, context, reader, int(payload))


async def open_all(update: Update, context: Context) -> None:
    """Show the classes that I study remotely; the one, if it is one."""
    reader = await context.reader(update)
    now = context.now()
    studies = await context.read(my_study.mine, reader.linked_teacher_id, now=now)
    if len(studies) == 1:
        card = study_card(studies[0], reader.language, context.house.zone, now)
    else:
        card = studies_card(studies, reader.language)
    await show(update, context, reader, card)


async def _study(context: Context, reader: Reader, batch_id: int) -> Study:
    me = reader.linked_teacher_id
    return await context.read(my_study.study, me, batch_id, now=context.now())


async def _show_mine(
    update: Update, context: Context, reader: Reader, batch_id: int, said: str = ""
) -> None:
    seen = await _study(context, reader, batch_id)
    now = context.now()
    has_survey = await context.read(surveys.asks, reader.linked_teacher_id, batch_id, now=now)
    card = study_card(seen, reader.language, context.house.zone, now, said, has_survey=has_survey)
    await show(update, context, reader, card)


async def _forget(context: Context, reader: Reader) -> None:
    """Await nothing any more of what was asked here."""
    if reader.awaiting.partition(":")[0] in (SAYS, WHY, HELD_UP):
        await context.write(accounts.await_text, reader.account_id, "", now=context.now())


async def ask_which(update: Update, context: Context) -> None:
    """Ask what has been studied and is not reported."""
    button = NotUpdated.parse(tap(update).data)
    reader = await context.reader(update)
    seen = await _study(context, reader, button.batch_id)
    if not seen.may_say:  # an older key: nothing is left to study by now
        await _show_mine(update, context, reader, button.batch_id)
        return
    await show(update, context, reader, which_card(seen, reader.language))


async def ask_evidence(update: Update, context: Context) -> None:
    """Take the next text or file as what shows it."""
    button = NotUpdatedIs.parse(tap(update).data)
    reader = await context.reader(update)
    seen = await _study(context, reader, button.batch_id)
    awaited = f"{SAYS}:{button.batch_id}:{button.item_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    await show(update, context, reader, evidence_card(seen, button.item_id, reader.language))


async def evidence_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed text as what shows it."""
    await _say(update, context, reader, text, "", "")


async def evidence_sent(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a file or a photo as what shows it."""
    name = "" if attachment.is_photo else attachment.name or "file"
    await _say(update, context, reader, "", attachment.file_id, name)


async def _say(
    update: Update, context: Context, reader: Reader, text: str, file_id: str, name: str
) -> None:
    _prefix, batch, item = (reader.awaiting + "::").split(":")[:3]
    batch_id, item_id = int(batch), int(item) or None
    await context.write(_said, reader, batch_id, item_id, text, file_id, name, now=context.now())
    seen = await _study(context, reader, batch_id)
    await _show_mine(update, context, reader, batch_id, said_text(seen.looks, reader.language))


def _said(
    session: Session,
    reader: Reader,
    batch_id: int,
    item_id: int | None,
    text: str,
    file_id: str,
    name: str,
    *,
    now: datetime,
) -> None:
    """Say it; what is refused is awaited once more."""
    study_claims.say(
        session,
        reader.linked_teacher_id,
        batch_id,
        item_id=item_id,
        text=text,
        evidence_file_id=file_id,
        evidence_name=name,
        now=now,
    )
    accounts.await_text(session, reader.account_id, "", now=now)


async def ask_obstacle(update: Update, context: Context) -> None:
    """Ask what holds one up."""
    button = MyObstacle.parse(tap(update).data)
    reader = await context.reader(update)
    await _forget(context, reader)
    seen = await _study(context, reader, button.batch_id)
    await show(update, context, reader, obstacle_card(seen, reader.language))


async def say_obstacle(update: Update, context: Context) -> None:
    """Tell the school what it is, or that it is over; something else is asked in words."""
    button = ObstacleIs.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    now = context.now()
    if not button.reason:
        me = reader.linked_teacher_id
        await context.write(obstacles.clear, me, button.batch_id, now=now)
        await _show_mine(update, context, reader, button.batch_id)
        return
    if button.reason not in set(ObstacleReason):
        raise NotFound("reason")
    if button.reason == ObstacleReason.OTHER:
        awaited = f"{HELD_UP}:{button.batch_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
        text = _("Please type in a sentence what is in the way. Only your school sees it.")
        keys = ((Key(_("Cancel"), MyObstacle(button.batch_id)),),)
        await show(update, context, reader, Card(text, keys))
        return
    await _tell_school(update, context, reader, button.batch_id, ObstacleReason(button.reason), "")


async def obstacle_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take a typed sentence as what holds one up."""
    batch_id = int(reader.awaiting.partition(":")[2])
    await _tell_school(update, context, reader, batch_id, ObstacleReason.OTHER, text)


async def _tell_school(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    reason: ObstacleReason,
    note: str,
) -> None:
    await context.write(_held_up, reader, batch_id, reason, note, now=context.now())
    _ = catalog(reader.language).gettext
    said = _("Your school is told, and will help.")
    await _show_mine(update, context, reader, batch_id, said)


def _held_up(
    session: Session,
    reader: Reader,
    batch_id: int,
    reason: ObstacleReason,
    note: str,
    *,
    now: datetime,
) -> None:
    accounts.await_text(session, reader.account_id, "", now=now)
    obstacles.say(session, reader.linked_teacher_id, batch_id, reason, note, now=now)


# --- whoever looks at it -----------------------------------------------------------------------


async def open_claims(update: Update, context: Context) -> None:
    """Show what waits for the reader's word."""
    button = OpenStudyClaims.parse(tap(update).data)
    reader = await context.reader(update)
    await _forget(context, reader)
    await _show_claims(update, context, reader, button.page)


async def _show_claims(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    zone, today = _local(context)
    me = reader.linked_teacher_id
    facts = await context.read(study_claims.waiting, me, page=page, now=context.now())
    await show(update, context, reader, claims_card(facts, reader.language, zone, today))


async def open_claim(update: Update, context: Context) -> None:
    """Show one, with its file before it."""
    button = OpenStudyClaim.parse(tap(update).data)
    reader = await context.reader(update)
    await _forget(context, reader)
    facts = await _claim(context, reader, button.claim_id)
    zone, today = _local(context)
    card = claim_card(facts, reader.language, zone, today)
    if not facts.evidence_file_id:
        await show(update, context, reader, card)
        return
    await hush(update)
    if facts.evidence_name:
        await context.bot.send_document(
            reader.tg_user_id, facts.evidence_file_id, caption=facts.name
        )
    else:
        await context.bot.send_photo(reader.tg_user_id, facts.evidence_file_id, caption=facts.name)
    await show_anew(context, reader, card)


async def _claim(context: Context, reader: Reader, claim_id: int) -> ClaimFacts:
    me = reader.linked_teacher_id
    return await context.read(study_claims.claim, me, claim_id, now=context.now())


async def accept(update: Update, context: Context) -> None:
    """Accept it and show what else waits."""
    button = AcceptStudyClaim.parse(tap(update).data)
    reader = await context.reader(update)
    me = reader.linked_teacher_id
    await context.write(study_claims.decide, me, button.claim_id, True, now=context.now())
    await _show_claims(update, context, reader)


async def ask_why(update: Update, context: Context) -> None:
    """Take the next text as why it is not accepted."""
    button = RefuseStudyClaim.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _claim(context, reader, button.claim_id)
    awaited = f"{WHY}:{button.claim_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    _ = catalog(reader.language).gettext
    text = _("Please type in a sentence why it is not accepted. {name} reads it.").format(
        name=facts.name
    )
    keys = ((Key(_("Cancel"), OpenStudyClaim(button.claim_id)),),)
    await show(update, context, reader, Card(text, keys))


async def why_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Refuse it with the typed reason and show what else waits."""
    claim_id = int(reader.awaiting.partition(":")[2])
    await context.write(_refuse, reader, claim_id, text, now=context.now())
    await _show_claims(update, context, reader)


def _refuse(session: Session, reader: Reader, claim_id: int, text: str, *, now: datetime) -> None:
    accounts.await_text(session, reader.account_id, "", now=now)
    study_claims.decide(session, reader.linked_teacher_id, claim_id, False, text, now=now)
