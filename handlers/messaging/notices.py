"""Writing a notice: from the empty desk to the message that has left.

The draft is a row from the first message on; what is awaited next stands in the account. So a
restart in the middle loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key
from handlers.context import Context, alert, show, tap
from handlers.files import Attachment, on_file
from handlers.messaging.drafting_text import (
    ASKS,
    FOUND_BY_NAME,
    ask_card,
    audience_card,
    files_card,
    find_card,
    lost_card,
    options_card,
    preview_card,
    sheet_card,
    start_card,
    sure_card,
)
from handlers.messaging.notice_buttons import Notices
from handlers.messaging.notice_desk_buttons import (
    ApproveNotice,
    ClassNotices,
    CopyNotice,
    DiscardNotice,
    DropNoticeFile,
    EditNotice,
    NewNotice,
    NoticeAudience,
    NoticeEvent,
    NoticeEvents,
    NoticeFiles,
    NoticeGo,
    NoticeLost,
    NoticeOption,
    NoticeOptionFind,
    NoticeOptions,
    NoticePreview,
    NoticeSample,
    NoticeSend,
    NoticeSet,
    NoticeWay,
    RecallNotice,
    ReturnNotice,
    SecondLook,
)
from handlers.messaging.notice_text import list_card, notices_text
from handlers.messaging.releasing_text import (
    confirm_card,
    events_card,
    offsets_card,
    price_card,
    reason_card,
    released_card,
    second_card,
    settled_card,
)
from handlers.training.making import making_words
from handlers.wiring import AnyApplication, on_desk, on_link, on_run, on_tap, on_text
from locales import LANGUAGES, catalog
from storage.calendar import saying
from storage.calendar.saying import NotUnderstood, WrongWeekday, YearLeftOut
from storage.messaging import addressing, drafting, notices, releasing, seconding
from storage.messaging.notices import Sheet
from storage.messaging.tables import NoticeState
from storage.moments import local_day
from storage.people import accounts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound, Refusal

AWAITED = "notice"
AWAITED_NAME = "noticeoption"  # a part of the name of an option
AWAITED_SHEET = "noticesheet"  # a file, while the card of a draft is in front of its writer
CAPTION = 200  # characters of what is written under a photo
"""Awaited is ``notice:new:<class or 0>``, ``notice:<id>:<field>`` or ``…:reason:<asking>``."""
RETYPE = (
    NotUnderstood,
    WrongWeekday,
    YearLeftOut,
    drafting.TooLong,
    drafting.PastMoment,
    drafting.Incomplete,
)
"""Refusals after which the same is asked for again."""
UNFIT = (drafting.TooManyFiles, drafting.IsProgram)
"""Refusals of a file, after which others can still be sent."""


def install(application: AnyApplication) -> None:
    acts = {Act.NOTIFY_UNIT, Act.NOTIFY_CLASS}
    on_desk(application, acts, _label, Notices, kinds=("notices",))
    on_run(application, {Act.NOTIFY_CLASS}, _label, ClassNotices)
    on_link(application, "notice([0-9]{1,18})", _linked)
    on_tap(application, Notices, open_list)
    on_tap(application, ClassNotices, open_class_list)
    on_tap(application, NewNotice, ask_new)
    on_tap(application, EditNotice, open_sheet)
    on_tap(application, NoticeSet, set_field)
    on_tap(application, NoticeFiles, open_files)
    on_tap(application, DropNoticeFile, drop_file)
    on_tap(application, DiscardNotice, discard)
    on_tap(application, CopyNotice, copy)
    on_tap(application, RecallNotice, recall)
    on_tap(application, NoticeAudience, open_audience)
    on_tap(application, NoticeOptions, open_options)
    on_tap(application, NoticeOption, turn_option)
    on_tap(application, NoticeLost, open_lost)
    on_tap(application, NoticePreview, preview)
    on_tap(application, NoticeSample, say_sample)
    on_tap(application, NoticeSend, open_price)
    on_tap(application, NoticeWay, choose_way)
    on_tap(application, NoticeEvents, open_events)
    on_tap(application, NoticeEvent, choose_event)
    on_tap(application, NoticeGo, release)
    on_tap(application, SecondLook, second_look)
    on_tap(application, ApproveNotice, approve)
    on_tap(application, ReturnNotice, ask_reason)
    on_tap(application, NoticeOptionFind, ask_option)
    on_text(application, AWAITED_NAME, option_typed)
    on_text(application, AWAITED, typed)
    on_file(application, AWAITED, file_came)
    on_file(application, AWAITED_SHEET, file_dropped)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Notices")


def _today(context: Context) -> tuple[ZoneInfo, date, datetime]:
    now = context.now()
    return context.house.zone, local_day(now, context.house.zone), now


# --- lists ---------------------------------------------------------------------------------------


async def open_list(update: Update, context: Context) -> None:
    """Show a page of the notices of this desk."""
    await _show_list(update, context, page=Notices.parse(tap(update).data).page)


async def open_class_list(update: Update, context: Context) -> None:
    """Show a page of the notices to one class."""
    button = ClassNotices.parse(tap(update).data)
    await _show_list(update, context, batch_id=button.batch_id, page=button.page)


async def _show_list(update: Update, context: Context, *, batch_id: int = 0, page: int = 0) -> None:
    reader = await context.reader(update)
    zone, today, now = _today(context)
    facts = await context.read(
        notices.notices, reader.linked_teacher_id, batch_id=batch_id, page=page, now=now
    )
    await show(update, context, reader, list_card(facts, reader.language, zone, today))


# --- beginning -----------------------------------------------------------------------------------


async def ask_new(update: Update, context: Context) -> None:
    """Ask for the first message of a notice."""
    batch_id = NewNotice.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    now = context.now()
    # Who may not write is told before they have typed it all.
    facts = await context.read(
        notices.notices, reader.linked_teacher_id, batch_id=batch_id, now=now
    )
    if not facts.writes:
        raise NotAllowed
    await _await(context, reader, f"{AWAITED}:new:{batch_id}")
    await show(update, context, reader, start_card(batch_id, reader.language))


async def _await(context: Context, reader: Reader, what: str) -> None:
    await context.write(accounts.await_text, reader.account_id, what, now=context.now())


def _begin(
    session: Session,
    reader: Reader,
    batch_id: int,
    said: str,
    attachment: Attachment | None,
    *,
    now: datetime,
) -> int:
    notice_id = drafting.begin(
        session, reader.linked_teacher_id, text=said, batch_id=batch_id, now=now
    )
    awaited = f"{AWAITED_SHEET}:{notice_id}"
    if attachment is not None:
        _attach(session, reader, notice_id, attachment, now=now)
        awaited = f"{AWAITED}:{notice_id}:files"  # the rest of an album follows
    accounts.await_text(session, reader.account_id, awaited, now=now)
    return notice_id


def _attach(
    session: Session,
    reader: Reader,
    notice_id: int,
    attachment: Attachment,
    caption: str = "",
    *,
    now: datetime,
) -> int:
    """Add a file; a photo has no name of its own, and what was written under it is kept."""
    name = caption.strip()[:CAPTION] if attachment.is_photo else attachment.name
    return drafting.attach(
        session,
        reader.linked_teacher_id,
        notice_id,
        attachment.file_id,
        is_photo=attachment.is_photo,
        name=name,
        size=attachment.size,
        now=now,
    )


async def typed(update: Update, context: Context, reader: Reader, said: str) -> None:
    """Take a typed text as what was asked for; what cannot be taken is asked for again."""
    _prefix, which, field, more = (reader.awaiting + "::").split(":")[:4]
    now = context.now()
    if which == "new":
        try:
            notice_id = await context.write(_begin, reader, int(field), said, None, now=now)
        except drafting.TooLong as refusal:
            trouble = notices_text(refusal, reader.language, context.house.zone, now)
            card = start_card(int(field), reader.language)
            await show(update, context, reader, _with_trouble(trouble, card))
            return
        await show_sheet(update, context, reader, notice_id)
        return
    notice_id = int(which)
    if field == "reason":
        await _returned(update, context, reader, notice_id, int(more), said)
        return
    if field == "files" and (await _sheet(context, reader, notice_id)).letter.title:
        # Who says “that is all” here does not mean it for everybody to read.
        _ = catalog(reader.language).gettext
        said = _(
            "I wait for files here, so this text was not taken. Please send a file, or tap “OK”; "
            "what everybody is to read goes into the wording."
        )
        await _show_files(update, context, reader, notice_id, said)
        return
    try:
        set_ = _reading(field, said, context.house.zone, local_day(now, context.house.zone))
        kept = await context.write(_set, reader, notice_id, set_, now=now)
    except RETYPE as refusal:
        await _ask(update, context, reader, notice_id, field, refusal)
        return
    if field == "at":
        await _show_confirm(update, context, reader, notice_id, releasing.AT, put_off=not kept)
    else:
        await show_sheet(update, context, reader, notice_id)


Setting = Callable[..., Any]


def _set(
    session: Session, reader: Reader, notice_id: int, setting: Setting, *, now: datetime
) -> Any:
    kept = setting(session, reader.linked_teacher_id, notice_id, now=now)
    accounts.await_text(session, reader.account_id, "", now=now)
    return kept


def _reading(field: str, said: str, zone: ZoneInfo, today: date) -> Setting:
    """What a typed text does to a field. Raises NotUnderstood, WrongWeekday or YearLeftOut."""
    match field:
        case "when":
            when = saying.read(said, today)
            saying.check_year(said, when, today)
            span = saying.span(when, zone)
            # An hour that nobody said is not made up: then the end is left open.
            is_one = when.last_day is None and when.minute is not None and when.last_minute is None
            ends_at = None if is_one else span.ends_at
            return lambda s, who, id_, *, now: drafting.set_time(
                s, who, id_, span.starts_at, ends_at, now=now
            )
        case "answer":
            until = saying.read(said, today)
            saying.check_year(said, until, today)
            by = saying.deadline(until, zone)
            return lambda s, who, id_, *, now: drafting.set_answer(
                s, who, id_, True, by=by, now=now
            )
        case "at":
            found, rest = saying.begin(said, today, hour_alone=True)
            if not saying.is_nothing(rest):
                raise NotUnderstood(said)
            saying.check_year(said, found, today)
            at = saying.opening(found, zone)
            return lambda s, who, id_, *, now: releasing.set_moment(s, who, id_, at, now=now)
        case "files":
            return lambda s, who, id_, *, now: drafting.write_whole(s, who, id_, said, now=now)
    return lambda s, who, id_, *, now: drafting.write_field(s, who, id_, field, said, now=now)


async def file_came(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a file: the first message of a notice, or one more that goes with it."""
    _prefix, which, field = (reader.awaiting + "::").split(":")[:3]
    now = context.now()
    message = update.effective_message
    caption = (message.caption or "") if message is not None else ""
    if which == "new":
        notice_id = await context.write(_begin, reader, int(field), caption, attachment, now=now)
        awaited = f"{AWAITED}:{notice_id}:files"
        await show_sheet(update, context, reader, notice_id, awaited=awaited)
        return
    notice_id = int(which)
    if field == "reason":
        await context.write(_no_more, reader, now=now)
        raise NotFound("text")
    try:
        await context.write(_attach, reader, notice_id, attachment, caption, now=now)
    except UNFIT as refusal:
        trouble = notices_text(refusal, reader.language, context.house.zone, now)
        await _show_files(update, context, reader, notice_id, trouble)
        return
    if field == "files":
        await _show_files(update, context, reader, notice_id)
    else:
        await _ask(update, context, reader, notice_id, field)


async def file_dropped(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Take a file that comes while the card of a draft is open as one that goes with it."""
    notice_id = int(reader.awaiting.partition(":")[2])
    now = context.now()
    message = update.effective_message
    caption = (message.caption or "") if message is not None else ""
    try:
        await context.write(_attach, reader, notice_id, attachment, caption, now=now)
    except UNFIT as refusal:
        trouble = notices_text(refusal, reader.language, context.house.zone, now)
        await show_sheet(update, context, reader, notice_id, trouble)
    except (NotFound, notices.NotADraft):
        await context.write(_no_more, reader, now=now)
        raise
    else:
        await show_sheet(update, context, reader, notice_id)


def _no_more(session: Session, reader: Reader, *, now: datetime) -> None:
    accounts.await_text(session, reader.account_id, "", now=now)


# --- the card on which it is written -------------------------------------------------------------


async def open_sheet(update: Update, context: Context) -> None:
    """Show a notice to whoever writes it."""
    notice_id = EditNotice.parse(tap(update).data).notice_id
    await show_sheet(update, context, await context.reader(update), notice_id)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_sheet(update, context, reader, int(payload))


async def _sheet(context: Context, reader: Reader, notice_id: int) -> Sheet:
    return await context.read(notices.sheet, reader.linked_teacher_id, notice_id, now=context.now())


async def show_sheet(
    update: Update,
    context: Context,
    reader: Reader,
    notice_id: int,
    trouble: str = "",
    *,
    awaited: str = "",
) -> None:
    """Show the card on which it is written; a file sent now goes with it."""
    zone, today, now = _today(context)
    facts = await _sheet(context, reader, notice_id)
    seconds = await context.read(seconding.asked_of, reader.linked_teacher_id, notice_id, now=now)
    if facts.state is NoticeState.DRAFT:
        await _await(context, reader, awaited or f"{AWAITED_SHEET}:{notice_id}")
    card = sheet_card(facts, reader.language, zone, today, seconds)
    await show(update, context, reader, _with_trouble(trouble, card))


def _with_trouble(trouble: str, card: Card) -> Card:
    return Card(f"{trouble}\n{card.text}", card.keys) if trouble else card


async def set_field(update: Update, context: Context) -> None:
    """Ask for what is to be typed, or take a choice that needs no typing."""
    button = NoticeSet.parse(tap(update).data)
    reader = await context.reader(update)
    me, id_, now = reader.linked_teacher_id, button.notice_id, context.now()
    match button.field:
        case field if field in ASKS:
            await _ask(update, context, reader, id_, field)
            return
        case "urgent":
            facts = await _sheet(context, reader, id_)
            await context.write(drafting.set_urgent, me, id_, not facts.letter.urgent, now=now)
        case "noturgent":
            await context.write(drafting.set_urgent, me, id_, False, now=now)
            await _show_price(update, context, reader, id_)
            return
        case "noanswer":
            await context.write(drafting.set_answer, me, id_, False, now=now)
        case "anyanswer":
            await context.write(drafting.set_answer, me, id_, True, now=now)
        case "nowhen":
            await context.write(drafting.set_time, me, id_, None, None, now=now)
        case "notext" | "noplace" | "nocontact" | "nonumber":
            await context.write(drafting.write_field, me, id_, button.field[2:], "", now=now)
        case _:
            raise NotFound("field")
    await show_sheet(update, context, reader, id_)


async def _ask(
    update: Update,
    context: Context,
    reader: Reader,
    notice_id: int,
    field: str,
    refusal: Refusal | None = None,
) -> None:
    """Ask for a field; after a refusal with the reason first."""
    facts = await _sheet(context, reader, notice_id)
    if facts.state is not NoticeState.DRAFT:
        raise notices.NotADraft(facts.state)
    if field == "files":
        await _show_files(update, context, reader, notice_id)
        return
    await _await(context, reader, f"{AWAITED}:{notice_id}:{field}")
    card = ask_card(notice_id, field, facts, reader.language)
    if refusal is not None:
        zone, now = context.house.zone, context.now()
        # The question that follows has an example of its own.
        if isinstance(refusal, NotUnderstood):
            trouble = catalog(reader.language).gettext("I could not read a time in this.")
        else:
            trouble = making_words(refusal, reader.language, zone, now) or notices_text(
                refusal, reader.language, zone, now
            )
        card = _with_trouble(trouble, card)
    await show(update, context, reader, card)


async def open_files(update: Update, context: Context) -> None:
    """Show the files, and take more."""
    button = NoticeFiles.parse(tap(update).data)
    await _show_files(update, context, await context.reader(update), button.notice_id)


async def _show_files(
    update: Update, context: Context, reader: Reader, notice_id: int, trouble: str = ""
) -> None:
    facts = await _sheet(context, reader, notice_id)
    if facts.state is not NoticeState.DRAFT:
        raise notices.NotADraft(facts.state)
    await _await(context, reader, f"{AWAITED}:{notice_id}:files")
    await show(update, context, reader, _with_trouble(trouble, files_card(facts, reader.language)))


async def drop_file(update: Update, context: Context) -> None:
    """Take a file away."""
    button = DropNoticeFile.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        drafting.detach,
        reader.linked_teacher_id,
        button.notice_id,
        button.file_id,
        now=context.now(),
    )
    await _show_files(update, context, reader, button.notice_id)


async def discard(update: Update, context: Context) -> None:
    """Delete a draft, after having asked."""
    button = DiscardNotice.parse(tap(update).data)
    reader = await context.reader(update)
    me = reader.linked_teacher_id
    if not button.sure:
        await context.read(drafting.check_discard, me, button.notice_id, now=context.now())
        await show(update, context, reader, sure_card(button.notice_id, reader.language))
        return
    await context.write(drafting.discard, me, button.notice_id, now=context.now())
    await _show_list(update, context)


async def copy(update: Update, context: Context) -> None:
    """Begin a new draft like this one."""
    button = CopyNotice.parse(tap(update).data)
    reader = await context.reader(update)
    made = await context.write(
        drafting.copy, reader.linked_teacher_id, button.notice_id, now=context.now()
    )
    await show_sheet(update, context, reader, made)


async def recall(update: Update, context: Context) -> None:
    """Make it a draft again."""
    button = RecallNotice.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        releasing.recall, reader.linked_teacher_id, button.notice_id, now=context.now()
    )
    await show_sheet(update, context, reader, button.notice_id)


# --- for whom ------------------------------------------------------------------------------------


async def open_audience(update: Update, context: Context) -> None:
    """Show for whom it is, with the number of people as it is now."""
    button = NoticeAudience.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await _sheet(context, reader, button.notice_id)
    await show(update, context, reader, audience_card(facts, reader.language))


async def open_options(update: Update, context: Context) -> None:
    """Show a page of what can be chosen."""
    button = NoticeOptions.parse(tap(update).data)
    reader = await context.reader(update)
    page = None if button.page < 0 else button.page
    await _show_options(update, context, reader, button.notice_id, button.what, page)


async def ask_option(update: Update, context: Context) -> None:
    """Take the next text as a part of the name of an option."""
    button = NoticeOptionFind.parse(tap(update).data)
    if button.what not in FOUND_BY_NAME:
        raise NotFound("option")
    reader = await context.reader(update)
    await _await(context, reader, f"{AWAITED_NAME}:{button.notice_id}:{button.what}")
    await show(update, context, reader, find_card(button.notice_id, button.what, reader.language))


async def option_typed(update: Update, context: Context, reader: Reader, said: str) -> None:
    """Show the options that fit; when none does, another name can be typed at once."""
    _prefix, notice_id, what = reader.awaiting.split(":")
    if await _show_options(update, context, reader, int(notice_id), what, like=said):
        await _await(context, reader, "")


async def _show_options(
    update: Update,
    context: Context,
    reader: Reader,
    notice_id: int,
    what: str,
    page: int | None = None,
    *,
    like: str = "",
    holding: str = "",
) -> bool:
    """Show a page of the options; whether there is any."""
    options = await context.read(
        addressing.audience_options,
        reader.linked_teacher_id,
        notice_id,
        what,
        page=page,
        like=like,
        holding=holding,
        now=context.now(),
    )
    facts = await _sheet(context, reader, notice_id)
    card = options_card(facts, what, options, reader.language, searched=bool(like))
    await show(update, context, reader, card)
    return bool(options.lines)


async def turn_option(update: Update, context: Context) -> None:
    """Choose an option, or leave it out again."""
    button = NoticeOption.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        addressing.turn,
        reader.linked_teacher_id,
        button.notice_id,
        button.what,
        button.key,
        now=context.now(),
    )
    # What was searched for stands on the page that is shown now, too.
    await _show_options(
        update,
        context,
        reader,
        button.notice_id,
        button.what,
        button.page,
        holding=button.key,
    )


async def open_lost(update: Update, context: Context) -> None:
    """Show whom messages will not reach."""
    button = NoticeLost.parse(tap(update).data)
    reader = await context.reader(update)
    lines, page, pages = await context.read(
        notices.unreached,
        reader.linked_teacher_id,
        button.notice_id,
        page=button.page,
        now=context.now(),
    )
    card = lost_card(button.notice_id, lines, page, pages, reader.language)
    await show(update, context, reader, card)


# --- preview, price, sending ---------------------------------------------------------------------


async def preview(update: Update, context: Context) -> None:
    """Show exactly what the readers of a language will see."""
    button = NoticePreview.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, _now = _today(context)
    if button.language not in LANGUAGES:
        raise NotFound("language")
    facts = await _sheet(context, reader, button.notice_id)
    card = preview_card(facts, button.language, button.where, reader.language, zone, today)
    await show(update, context, reader, card)


async def say_sample(update: Update, context: Context) -> None:
    """Say that a key of the notice does nothing while it is a preview."""
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await alert(update, _("This is a preview. The keys work for recipients once it is sent."))


async def open_price(update: Update, context: Context) -> None:
    """Show what it costs in rings, and the ways to send it."""
    button = NoticeSend.parse(tap(update).data)
    await _show_price(update, context, await context.reader(update), button.notice_id)


async def _show_price(update: Update, context: Context, reader: Reader, notice_id: int) -> None:
    zone, today, now = _today(context)
    facts = await _sheet(context, reader, notice_id)
    if facts.state is not NoticeState.DRAFT:
        raise notices.NotADraft(facts.state)
    if not facts.letter.title:
        raise drafting.Incomplete("title")
    if not facts.count.people and not facts.chats:
        raise drafting.Incomplete("people")
    price = await context.read(releasing.price, reader.linked_teacher_id, notice_id, now=now)
    await show(update, context, reader, price_card(facts, price, reader.language, zone, today))


async def choose_way(update: Update, context: Context) -> None:
    """Ask once more with the numbers, or when."""
    button = NoticeWay.parse(tap(update).data)
    reader = await context.reader(update)
    if button.way not in (releasing.NOW, releasing.RIDE, releasing.AT):
        raise NotFound("way")
    if button.way == releasing.AT:
        await _ask(update, context, reader, button.notice_id, "at")
        return
    await _show_confirm(update, context, reader, button.notice_id, button.way)


async def _show_confirm(
    update: Update,
    context: Context,
    reader: Reader,
    notice_id: int,
    way: str,
    *,
    put_off: bool = False,
) -> None:
    zone, today, now = _today(context)
    facts = await _sheet(context, reader, notice_id)
    price = await context.read(releasing.price, reader.linked_teacher_id, notice_id, now=now)
    card = confirm_card(facts, price, way, reader.language, zone, today, put_off=put_off)
    await show(update, context, reader, card)


async def open_events(update: Update, context: Context) -> None:
    """Show the events that it can go with."""
    button = NoticeEvents.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    events, page, pages = await context.read(
        releasing.events, reader.linked_teacher_id, button.notice_id, page=button.page, now=now
    )
    card = events_card(button.notice_id, events, page, pages, reader.language, zone, today)
    await show(update, context, reader, card)


async def choose_event(update: Update, context: Context) -> None:
    """Ask how far from the event, then once more with the numbers."""
    button = NoticeEvent.parse(tap(update).data)
    reader = await context.reader(update)
    if not button.offset:
        zone, today, now = _today(context)
        facts = await context.read(
            releasing.offsets,
            reader.linked_teacher_id,
            button.notice_id,
            button.deadline_id,
            now=now,
        )
        card = offsets_card(button.notice_id, facts, reader.language, zone, today)
        await show(update, context, reader, card)
        return
    await context.write(
        releasing.set_event,
        reader.linked_teacher_id,
        button.notice_id,
        button.deadline_id,
        button.offset,
        now=context.now(),
    )
    await _show_confirm(update, context, reader, button.notice_id, releasing.EVENT)


async def release(update: Update, context: Context) -> None:
    """Send it that way."""
    button = NoticeGo.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    released = await context.write(
        releasing.release, reader.linked_teacher_id, button.notice_id, button.way, now=now
    )
    context.house.wake_delivery()
    card = released_card(released, reader.language, zone, today)
    await show(update, context, reader, card)


# --- the second person ---------------------------------------------------------------------------


async def second_look(update: Update, context: Context) -> None:
    """Show what waits for a second person."""
    button = SecondLook.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_second(update, context, reader, button.notice_id)


async def _show_second(update: Update, context: Context, reader: Reader, notice_id: int) -> None:
    zone, today, now = _today(context)
    facts = await context.write(seconding.second_look, reader.linked_teacher_id, notice_id, now=now)
    card = (
        settled_card(reader.language)
        if facts is None
        else second_card(facts, reader.language, zone, today)
    )
    _ = catalog(reader.language).gettext
    back = ((Key(_("Back"), Notices()),),)
    await show(update, context, reader, Card(card.text, (*card.keys, *back)))


async def approve(update: Update, context: Context) -> None:
    """Agree that it goes out at once."""
    button = ApproveNotice.parse(tap(update).data)
    reader = await context.reader(update)
    done = await context.write(
        seconding.approve,
        reader.linked_teacher_id,
        button.notice_id,
        button.seen,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    card = settled_card(reader.language)
    if done:
        context.house.wake_delivery()
        card = Card(_("Agreed: it is going out."), card.keys)
    await alert(update, card.text)
    await show(update, context, reader, card)


async def ask_reason(update: Update, context: Context) -> None:
    """Ask why it is returned."""
    button = ReturnNotice.parse(tap(update).data)
    reader = await context.reader(update)
    id_, now = button.notice_id, context.now()
    if await context.write(seconding.second_look, reader.linked_teacher_id, id_, now=now) is None:
        await show(update, context, reader, settled_card(reader.language))
        return
    await _await(context, reader, f"{AWAITED}:{id_}:reason:{button.seen}")
    await show(update, context, reader, reason_card(id_, reader.language))


def _give_back(
    session: Session, reader: Reader, notice_id: int, seen: int, reason: str, *, now: datetime
) -> bool:
    accounts.await_text(session, reader.account_id, "", now=now)
    return seconding.give_back(session, reader.linked_teacher_id, notice_id, seen, reason, now=now)


async def _returned(
    update: Update, context: Context, reader: Reader, notice_id: int, seen: int, reason: str
) -> None:
    now = context.now()
    try:
        done = await context.write(_give_back, reader, notice_id, seen, reason, now=now)
    except RETYPE as refusal:
        card = reason_card(notice_id, reader.language)
        trouble = notices_text(refusal, reader.language, context.house.zone, now)
        await show(update, context, reader, _with_trouble(trouble, card))
        return
    _ = catalog(reader.language).gettext
    card = settled_card(reader.language)
    if done:
        card = Card(_("It has gone back to its author, with your reason."), card.keys)
    await show(update, context, reader, card)
