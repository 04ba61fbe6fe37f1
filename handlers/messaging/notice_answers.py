"""What those do whom a notice concerns: confirm, ask, read it again.

In a group a tap is answered to whoever tapped, and the group sees nothing of it but a number.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Message, Update
from telegram.constants import ParseMode
from telegram.error import BadRequest

from handlers.cards import Card, Key, pager
from handlers.context import (
    Context,
    House,
    alert,
    edit_in_place,
    hush,
    is_private,
    lead,
    sender,
    shortened,
    show,
    show_anew,
    tap,
    typed_text,
)
from handlers.messaging import notice_posts, question_topics, reminders
from handlers.messaging.notice_buttons import (
    MyNotices,
    NoticeAsk,
    NoticeConfirm,
    NoticeRead,
    SendNoticeFiles,
)
from handlers.messaging.notice_text import letter_text
from handlers.messaging.public import corrected_lines, notice_keys, withdrawn_text
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import Home
from handlers.wiring import AnyApplication, on_command, on_link, on_tap, on_text
from locales import catalog, dates
from storage.messaging import confirming, correcting, notice_views, questions
from storage.messaging.confirming import Confirmation, Standing
from storage.messaging.notice_views import Archive, MyNotice
from storage.messaging.outbox import Claimed
from storage.messaging.questions import Answer, NotConcerned, NothingSaid
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound, Refusal

AWAITED = "nask"
WHOLE = 4000  # characters of a message, of which what was asked and answered takes the rest
LABEL = 40
QUOTED = 300


def install(application: AnyApplication) -> None:
    on_tap(application, NoticeConfirm, confirm)
    on_tap(application, NoticeAsk, ask)
    on_tap(application, NoticeRead, read)
    on_tap(application, SendNoticeFiles, send_files)
    on_tap(application, MyNotices, open_archive)
    on_command(application, "notices", open_archive)
    on_link(application, "n([0-9]{1,18})", _linked)
    on_link(application, "nq([0-9]{1,18})", _linked_to_ask)
    on_link(application, "notices", _linked_to_archive)
    on_text(application, AWAITED, question_given)


# --- cards -----------------------------------------------------------------------------------


def notice_card(
    mine: MyNotice, language: str, zone: ZoneInfo, now: datetime, *, listed: bool = False
) -> Card:
    """A notice to one whom it concerns, and whether they have confirmed it.

    ``listed`` adds the way back to the list.
    """
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    said, today = mine.said, now.astimezone(zone).date()
    back = ((Key(_("Notices to me"), MyNotices()), Key(_("Menu"), Home())),) if listed else ()
    if said.is_withdrawn:
        return Card(withdrawn_text(said, language), back)
    letter = said.letter
    is_overdue = mine.confirmed_at is None and letter.is_over(now)
    lines = [letter_text(letter, language, zone, today, is_overdue=is_overdue)]
    if mine.confirmed_at is not None:
        when = dates.moment(mine.confirmed_at, zone, language, today)
        if mine.by_deed:
            sentence = _("✓ Confirmed by doing it: {time}")
        elif mine.was_late:
            sentence = _("✓ Confirmed after the date: {time}")
        else:
            sentence = _("✓ Confirmed: {time}")
        lines.append(sentence.format(time=when))
    elif mine.earlier_at is not None and letter.wants_answer:
        lines.append(
            _("You confirmed it {time}, before it was corrected. Please confirm once more.").format(
                time=dates.moment(mine.earlier_at, zone, language, today)
            )
        )
    lines += _talk_lines(mine, WHOLE - len("\n".join(lines)), language)
    if mine.has_asked:
        lines.append(_("Your question has not been answered yet."))
    wants = letter.wants_answer and mine.confirmed_at is None
    keys: list[tuple[Key, ...]] = [notice_keys(letter.notice_id, wants, language)]
    if letter.files:
        number = len(letter.files)
        label = ngettext("{n} file", "{n} files", number).format(n=number)
        keys.append((Key(label, SendNoticeFiles(letter.notice_id)),))
    return Card("\n".join(lines), (*keys, *back))


def _talk_lines(mine: MyNotice, room: int, language: str) -> list[str]:
    """What the reader has asked about a notice and was answered, as far as there is room."""
    _ = catalog(language).gettext
    each = min(QUOTED, room // len(mine.talk)) if mine.talk else 0
    if each < LABEL:
        return []
    return [
        (_("You asked: {text}") if line.is_mine else _("Answer: {text}")).format(
            text=typed_text(shortened(line.text, each))
        )
        for line in mine.talk
    ]


def archive_card(facts: Archive, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """A page of the notices to one person, each a key."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    if not facts.lines:
        text = _("There are no notices to you yet.")
        return Card(text, ((Key(_("Menu"), Home()),),))
    lines = [_("<b>Notices to me</b>")]
    if facts.open:
        lines.append(
            ngettext(
                "{n} is still to be confirmed.", "{n} are still to be confirmed.", facts.open
            ).format(n=facts.open)
        )
    keys = []
    first = facts.page * notice_views.PAGE + 1
    for number, line in enumerate(facts.lines, first):
        mark = "○" if line.is_open else "✕" if line.is_withdrawn else "·"
        day = dates.day(line.issued_at.astimezone(zone).date(), language, today)
        said = f"{mark} {number}. {typed_text(shortened(line.title, LABEL))} · {day}"
        lines.append(said + (" · " + _("corrected") if line.is_corrected else ""))
        keys.append((Key(shortened(f"{number}. {line.title}", LABEL), NoticeRead(line.notice_id)),))
    turn = pager(facts.page, facts.pages, MyNotices)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("Menu"), Home()),)))


def answer_card(facts: Answer, language: str) -> Card:
    """An answer to whoever asked, in the name of the unit."""
    _ = catalog(language).gettext
    text = _("[Answer] <b>{title}</b>\nYou asked: {question}\n{unit}: {answer}").format(
        title=typed_text(shortened(facts.title, QUOTED)),
        question=typed_text(shortened(facts.question, QUOTED)),
        unit=typed_text(facts.issuer),
        answer=typed_text(facts.answer),
    )
    keys = (
        Key(_("Ask again"), NoticeAsk(facts.notice_id)),
        Key(_("The notice"), NoticeRead(facts.notice_id)),
    )
    return Card(text, (keys,))


def standing_text(standing: Standing, language: str) -> str:
    """What a tap on Confirm came to, in a short sentence for whoever tapped."""
    _ = catalog(language).gettext
    match standing:
        case Standing.CONFIRMED:
            return _("Thank you, your confirmation has been noted.")
        case Standing.ALREADY:
            return _("You have confirmed this already, thank you.")
        case Standing.NOT_CONCERNED:
            return _("You are not among those whom this notice is for, so you need do nothing.")
        case Standing.NOT_YET:
            return _("This notice is just being sent. Please tap again in a moment.")
        case Standing.NOTHING_TO_DO:
            return _("Nothing needs to be confirmed here; thank you for reading.")
        case Standing.WITHDRAWN:
            return _("This notice has been withdrawn; there is nothing left to do.")


def answers_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a question or an answer cannot be taken; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case NothingSaid():
            return _("There was nothing in this message. Please type it as text.")
        case NotConcerned():
            return standing_text(Standing.NOT_CONCERNED, language)
        case _:
            return ""


# --- taps ------------------------------------------------------------------------------------


async def confirm(update: Update, context: Context) -> None:
    """Confirm, wherever it was tapped; say so to whoever tapped, alone."""
    notice_id = NoticeConfirm.parse(tap(update).data).notice_id
    if sender(update).is_bot:
        await hush(update)
        return
    reader = await context.reader(update)
    if reader.teacher_id is None:
        await lead(update, context, f"n{notice_id}")
        return
    done = await context.write(confirming.confirm, reader.teacher_id, notice_id, now=context.now())
    text = standing_text(done.standing, reader.language)
    if done.is_late:
        _ = catalog(reader.language).gettext
        text = _(
            "Your confirmation has been noted. It came after the date, thank you all the same."
        )
    await alert(update, text)
    await _show_confirmed(update, context, reader, done)


async def _show_confirmed(
    update: Update, context: Context, reader: Reader, done: Confirmation
) -> None:
    """Let the notice in the private chat say that it is confirmed: in place where that was
    tapped, else by an edit of its own; a brief is drawn anew, and not turned into a notice."""
    message = tap(update).message
    tapped = message.message_id if is_private(update) and isinstance(message, Message) else None
    now, zone = context.now(), context.house.zone
    if tapped is not None and tapped in (done.message_id, reader.card_message_id):
        try:
            mine = await context.read(notice_views.mine, reader.linked_teacher_id, done.notice_id)
        except NotFound:
            return
        listed = tapped == reader.card_message_id
        card = notice_card(mine, reader.language, zone, now, listed=listed)
        await edit_in_place(update, context, card)
    elif tapped is not None and done.standing in (Standing.CONFIRMED, Standing.ALREADY):
        await reminders.redraw(update, context, reader)
        if isinstance(message, Message):
            await _redraw_tapped(update, context, reader, message)
    if done.standing is Standing.CONFIRMED:
        await context.write(
            confirming.redraw, reader.linked_teacher_id, done.notice_id, but=tapped, now=now
        )
        context.house.wake_delivery()
        if tapped != reader.card_message_id:
            await _redraw_card(context, reader, done.notice_id)


async def _redraw_tapped(
    update: Update, context: Context, reader: Reader, message: Message
) -> None:
    """Take the key away under which somebody has confirmed: a file's, or a correction's."""
    if not message.text:
        with contextlib.suppress(BadRequest):  # a second tap finds it taken away
            await tap(update).edit_message_reply_markup(None)
        return
    facts = await context.read(correcting.told_in, reader.account_id, message.message_id)
    if facts is None:
        return
    card = await _correction_card(context.house, reader.linked_teacher_id, facts, reader.language)
    if card is not None:
        await edit_in_place(update, context, card)


async def ask(update: Update, context: Context) -> None:
    """Ask for the question, in private."""
    notice_id = NoticeAsk.parse(tap(update).data).notice_id
    if sender(update).is_bot:
        await hush(update)
        return
    reader = await context.reader(update)
    if not is_private(update) or reader.teacher_id is None:
        await lead(update, context, f"nq{notice_id}")
        return
    await hush(update)
    await _ask_for(context, reader, notice_id)


async def _ask_for(context: Context, reader: Reader, notice_id: int) -> None:
    """Wait for the question; the notice itself stays where it is."""
    await context.write(_await_question, reader, notice_id, now=context.now())
    _ = catalog(reader.language).gettext
    text = _(
        "Please type your question about the notice. Whoever sent it, or the coordinator of the "
        "unit, will answer here in private."
    )
    card = Card(text, ((Key(_("Cancel"), NoticeRead(notice_id)),),))
    await show_anew(context, reader, card)


def _await_question(session: Session, reader: Reader, notice_id: int, *, now: datetime) -> None:
    questions.may_ask(session, reader.linked_teacher_id, notice_id)
    accounts.await_text(session, reader.account_id, f"{AWAITED}:{notice_id}", now=now)


async def question_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the typed question."""
    notice_id = int(reader.awaiting.partition(":")[2] or 0)
    topic = await context.write(_take_question, reader, notice_id, text, now=context.now())
    context.house.wake_delivery()
    if topic is not None:
        await question_topics.open_again(context.bot, topic)
    _ = catalog(reader.language).gettext
    said = _("Thank you. Your question has been passed on; the answer comes here.")
    keys = ((Key(_("The notice"), NoticeRead(notice_id)), Key(_("Menu"), Home())),)
    await show(update, context, reader, Card(said, keys))


def _take_question(
    session: Session, reader: Reader, notice_id: int, text: str, *, now: datetime
) -> questions.Topic | None:
    _question_id, topic = questions.ask(session, reader.linked_teacher_id, notice_id, text, now=now)
    accounts.await_text(session, reader.account_id, "", now=now)
    return topic


async def read(update: Update, context: Context) -> None:
    """Show a notice to one whom it concerns.

    A message that came by itself, an answer or a brief, is not turned into the notice: it would
    be gone.
    """
    notice_id = NoticeRead.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    message = tap(update).message
    if isinstance(message, Message) and message.message_id != reader.card_message_id:
        await hush(update)
        shown = await show_anew(context, reader, await _notice(context, reader, notice_id))
        context.house.screens.shows((reader.tg_user_id, shown), _screen(notice_id))
    else:
        await _show(update, context, reader, notice_id)


async def _show(update: Update, context: Context, reader: Reader, notice_id: int) -> None:
    shown = await show(update, context, reader, await _notice(context, reader, notice_id))
    context.house.screens.shows((reader.tg_user_id, shown), _screen(notice_id))


def _screen(notice_id: int) -> str:
    """What the card shows while it is this notice."""
    return f"notice:{notice_id}"


async def _redraw_card(context: Context, reader: Reader, notice_id: int) -> None:
    """Let the card say that the notice is confirmed, if it is this notice that it shows."""
    card_id = reader.card_message_id
    if card_id is None or not context.house.screens.is_showing(
        (reader.tg_user_id, card_id), _screen(notice_id)
    ):
        return
    card = await _notice(context, reader, notice_id)
    with contextlib.suppress(BadRequest):  # it says so already
        await context.bot.edit_message_text(
            card.text,
            reader.tg_user_id,
            card_id,
            parse_mode=ParseMode.HTML,
            reply_markup=card.markup(),
        )


async def _notice(context: Context, reader: Reader, notice_id: int) -> Card:
    try:
        mine = await context.read(notice_views.mine, reader.linked_teacher_id, notice_id)
    except NotFound:
        _ = catalog(reader.language).gettext
        text = standing_text(Standing.NOT_CONCERNED, reader.language)
        keys = ((Key(_("Notices to me"), MyNotices()), Key(_("Menu"), Home())),)
        return Card(text, keys)
    return notice_card(mine, reader.language, context.house.zone, context.now(), listed=True)


async def send_files(update: Update, context: Context) -> None:
    """Send the files of the notice once more; the card stays where it is."""
    notice_id = SendNoticeFiles.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    mine = await context.read(notice_views.mine, reader.linked_teacher_id, notice_id)
    await hush(update)
    if mine.said.is_withdrawn:
        return
    for file in mine.said.letter.files:
        send = context.bot.send_photo if file.is_photo else context.bot.send_document
        await send(
            reader.tg_user_id,
            file.file_id,
            caption=file.name if file.is_photo and file.name else None,
            disable_notification=True,
        )


async def open_archive(update: Update, context: Context) -> None:
    """Show the notices to whoever asks."""
    page = 0
    if update.callback_query is not None:
        page = MyNotices.parse(update.callback_query.data).page
    reader = await context.reader(update)
    await _show_archive(update, context, reader, page)


async def _show_archive(update: Update, context: Context, reader: Reader, page: int) -> None:
    facts = await context.read(notice_views.archive, reader.linked_teacher_id, page=page)
    card = archive_card(facts, reader.language, context.house.zone, context.now())
    await show(update, context, reader, card)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _show(update, context, reader, int(payload))


async def _linked_to_ask(_update: Update, context: Context, reader: Reader, payload: str) -> None:
    await _ask_for(context, reader, int(payload))


async def _linked_to_archive(
    update: Update, context: Context, reader: Reader, _payload: str
) -> None:
    await _show_archive(update, context, reader, 0)


# --- voices ----------------------------------------------------------------------------------


async def edited(house: House, row: Claimed) -> Said:
    """The notice, or what else asked for its confirmation, as it is now; without a ring."""
    if "copy" in row.facts:
        return await _copy_edited(house, row)
    mine = await _mine(house, row)
    if mine is None or mine.message_id is None:
        return Nothing("the notice is not a message in this chat")
    card = notice_card(mine, row.language, house.zone, house.clock())
    is_settled = mine.confirmed_at is not None or mine.said.is_withdrawn
    return Say(card, edits=mine.message_id, bares=mine.file_id if is_settled else None)


async def _copy_edited(house: House, row: Claimed) -> Said:
    """A correction, a brief or a reminder by itself, after its notice was confirmed elsewhere."""
    try:
        copy = await house.database.read(confirming.copy, row.facts["copy"])
    except NotFound:
        return Nothing("the message is gone")
    if row.teacher_id is None or copy.account_id != row.account_id:
        return Nothing("the message is in another chat")
    if copy.kind == confirming.CORRECTED:
        card = await _correction_card(house, row.teacher_id, copy.facts, row.language)
    else:
        card = await reminders.as_it_reads(house, copy.account_id, copy.message_id, row.language)
    if card is None:
        return Nothing("nothing is left of it")
    return Say(card, edits=copy.message_id)


async def corrected(house: House, row: Claimed) -> Said:
    """【更正】: what has changed since this person, or this group, was told."""
    if row.chat_id is not None:
        return await notice_posts.corrected(house, row)
    if row.teacher_id is None:
        return Nothing("there is nobody to tell")
    card = await _correction_card(house, row.teacher_id, row.facts, row.language)
    return Nothing("nothing is left of this correction") if card is None else Say(card)


async def _correction_card(
    house: House, teacher_id: int, facts: dict[str, Any], language: str
) -> Card | None:
    """What has changed for one reader, who may have confirmed what it was; None if nothing."""
    try:
        mine = await house.database.read(notice_views.mine, teacher_id, facts["notice_id"])
    except NotFound:
        return None
    found = await house.database.read(
        correcting.corrections,
        mine.said.notice_id,
        since=facts["since"],
        until=facts["revision"],
    )
    if not found or mine.said.is_withdrawn:
        return None
    lines = corrected_lines(mine.said, found, language, house.zone, house.clock())
    _ = catalog(language).gettext
    keys: list[tuple[Key, ...]] = [(Key(_("The notice"), NoticeRead(mine.said.notice_id)),)]
    if mine.confirmed_at is not None:
        lines.append(_("✓ Confirmed"))
    elif mine.said.letter.wants_answer:
        if mine.earlier_at is not None:
            lines.append(_("Your confirmation was of what it said before. Please confirm it anew."))
        keys.insert(0, notice_keys(mine.said.notice_id, True, language))
    return Card("\n".join(lines), tuple(keys))


async def answered(house: House, row: Claimed) -> Said:
    """The answer to a question."""
    try:
        facts = await house.database.read(questions.answer_facts, row.facts["line_id"])
    except NotFound:
        return Nothing("the answer is gone")
    return Say(answer_card(facts, row.language))


async def _mine(house: House, row: Claimed) -> MyNotice | None:
    if row.teacher_id is None:
        return None
    try:
        return await house.database.read(notice_views.mine, row.teacher_id, row.facts["notice_id"])
    except NotFound:
        return None
