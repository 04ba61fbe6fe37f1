"""How a notice stands, for who looks after it: figures, lists, and what can be done next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.error import TelegramError

from handlers.buttons import StaleButton
from handlers.cards import Card, Key, pager
from handlers.context import Context, House, alert, send_file, shortened, show, tap, typed_text
from handlers.live import Look, Screen
from handlers.messaging.notice_buttons import (
    NoticeChase,
    NoticeChaseNow,
    NoticeContacted,
    NoticeCorrect,
    NoticeFind,
    NoticePeople,
    NoticePin,
    Notices,
    NoticeSheet,
    NoticeShow,
    NoticeUnits,
    NoticeWithdraw,
    OpenQuestions,
)
from handlers.messaging.notice_desk_buttons import CopyNotice
from handlers.messaging.notice_text import riding_text
from handlers.messaging.notices import show_sheet
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people.buttons import OpenDesk
from handlers.progress import BOXES
from handlers.wiring import AnyApplication, on_link, on_tap, on_text
from locales import catalog, dates
from storage import sheets
from storage.messaging import confirming, notice_posts, notice_report
from storage.messaging.confirming import Chase, NothingToChase, TooSoon
from storage.messaging.notice_report import Among, ByUnit, Exported, People, Report, Where
from storage.messaging.outbox import Claimed
from storage.messaging.tables import NoticeState
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotAllowed, NotFound, Refusal

AWAITED = "noticefind"  # a part of a name in a list of recipients
LABEL = 40
TITLE = 120
LIVES_FOR = timedelta(minutes=10)
OUT = (NoticeState.SENDING, NoticeState.SENT)


def install(application: AnyApplication) -> None:
    on_tap(application, NoticeShow, open_report)
    on_tap(application, NoticeChase, ask_chase)
    on_tap(application, NoticeChaseNow, chase)
    on_tap(application, NoticePeople, open_people)
    on_tap(application, NoticeFind, ask_name)
    on_text(application, AWAITED, name_typed)
    on_tap(application, NoticeContacted, contacted)
    on_tap(application, NoticeUnits, open_units)
    on_tap(application, NoticeSheet, send_sheet)
    on_tap(application, NoticePin, pin)
    on_link(application, "nr([0-9]{1,18})", _linked)


# --- cards -----------------------------------------------------------------------------------


def report_card(facts: Report, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """A notice in figures: how far it has come, who has confirmed, who asks."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    lines = [f"<b>{typed_text(shortened(facts.title, TITLE))}</b>"]
    state = state_text(facts, language, zone, now)
    if facts.is_corrected:
        state += " · " + _("corrected")
    lines.append(f"{typed_text(facts.unit)} · {state}")
    if not facts.whole:
        lines.append(_("The figures are those of your own people."))
    lines.append(ngettext("{n} recipient", "{n} recipients", facts.people).format(n=facts.people))
    if facts.is_sending and facts.people:
        lines.append(_bar(facts))
    figures = [
        _("{what}: {n}").format(what=where_text(where, language), n=facts.where[where])
        for where in Where
        if facts.where.get(where)
    ]
    if figures:
        lines.append(" · ".join(figures))
    if facts.wants_answer:
        lines.append(
            _("Confirmed: {confirmed}/{of}").format(confirmed=facts.confirmed, of=facts.people)
        )
        if facts.by_deed:
            lines.append(
                ngettext(
                    "{n} of them by doing it", "{n} of them by doing it", facts.by_deed
                ).format(n=facts.by_deed)
            )
        if facts.overtaken:
            lines.append(
                ngettext(
                    "{n} confirmed before the correction, and is asked once more.",
                    "{n} confirmed before the correction, and are asked once more.",
                    facts.overtaken,
                ).format(n=facts.overtaken)
            )
    if facts.answer_by is not None:
        lines.append(
            _("To be confirmed {by}").format(
                by=dates.before(facts.answer_by, zone, language, today)
            )
        )
    if facts.chased_at is not None:
        lines.append(
            _("Reminder last ordered: {time}").format(
                time=dates.moment(facts.chased_at, zone, language, today)
            )
        )
    return Card("\n".join(lines), _report_keys(facts, language, zone, now))


def _report_keys(
    facts: Report, language: str, zone: ZoneInfo, now: datetime
) -> tuple[tuple[Key, ...], ...]:
    catalogue = catalog(language)
    _ = catalogue.gettext
    of = facts.notice_id
    keys: list[tuple[Key, ...]] = []
    is_out = facts.state in OUT
    chases = facts.whole and facts.wants_answer and facts.unconfirmed and is_out
    if chases and facts.next_chase is not None:
        when = dates.moment(facts.next_chase, zone, language, now.astimezone(zone).date())
        keys.append((Key(_("Remind again: {time}").format(time=when), NoticeChase(of)),))
    elif chases:
        keys.append((Key(_("Remind the unconfirmed"), NoticeChase(of), style="primary"),))
    lists = []
    if facts.wants_answer and facts.unconfirmed and is_out:
        label = _("Not confirmed · {n}").format(n=facts.unconfirmed)
        lists.append(Key(label, NoticePeople(of, Among.UNCONFIRMED)))
    if facts.confirmed:
        label = _("Confirmed · {n}").format(n=facts.confirmed)
        lists.append(Key(label, NoticePeople(of, Among.CONFIRMED)))
    lists += [
        Key(f"{where_text(where, language)} · {facts.where[where]}", NoticePeople(of, where))
        for where in Where
        if facts.where.get(where)
    ]
    keys += [tuple(lists[n : n + 2]) for n in range(0, len(lists), 2)]
    if facts.has_questions and facts.whole:
        label = _("Questions · {n}").format(n=facts.asked) if facts.asked else _("Questions")
        keys.append((Key(label, OpenQuestions(of)),))
    tables = (
        [Key(catalogue.pgettext("notice", "By unit"), NoticeUnits(of))] if facts.units > 1 else []
    )
    if facts.people:
        tables.append(Key(catalogue.pgettext("notice", "As a sheet"), NoticeSheet(of)))
    keys.append(tuple(tables))
    if facts.whole:
        keys.append((Key(_("Write it again"), CopyNotice(of)),))
    if facts.whole and facts.state in OUT:
        if facts.can_pin:
            keys.append((Key(_("Pin in the groups"), NoticePin(of)),))
        keys.append(
            (
                Key(catalogue.pgettext("notice", "Correct"), NoticeCorrect(of)),
                Key(catalogue.pgettext("notice", "Withdraw"), NoticeWithdraw(of)),
            )
        )
    back = Key(_("Back"), Notices() if facts.whole else OpenDesk())
    keys.append((Key(_("Refresh"), NoticeShow(of)), back))
    return tuple(row for row in keys if row)


def _bar(facts: Report) -> str:
    done = facts.people - facts.where.get(Where.WAITING, 0)
    full = BOXES * done // facts.people
    return f"{'▰' * full}{'▱' * (BOXES - full)} {done:,} / {facts.people:,}"


def state_text(facts: Report, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Where the notice stands, in a few words."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    when = dates.moment(facts.send_at, zone, language, today) if facts.send_at else ""
    match facts.state:
        case NoticeState.SENDING:
            return _("is being sent")
        case NoticeState.WITHDRAWN if facts.reason:
            return _("withdrawn: {reason}").format(reason=typed_text(facts.reason))
        case NoticeState.WITHDRAWN:
            return _("withdrawn")
        case _ if facts.rides_at is not None:
            return riding_text(facts.rides_at, language, zone, today)
        case _ if when:
            return _("sent {time}").format(time=when)
        case _:
            return _("sent")


def where_text(where: Where, language: str) -> str:
    """How far a notice has come to somebody, in a word."""
    pgettext = catalog(language).pgettext
    return {
        Where.SENT: pgettext("delivery of a notice", "sent"),
        Where.WAITING: pgettext("delivery of a notice", "waiting"),
        Where.REFUSED: pgettext("delivery of a notice", "refused"),
        Where.UNREACHABLE: pgettext("delivery of a notice", "unreachable"),
        Where.UNSENT: pgettext("delivery of a notice", "not sent"),
    }[where]


def people_card(
    facts: People, language: str, zone: ZoneInfo, now: datetime, *, searched: bool = False
) -> Card:
    """A page of recipients; a tap on a name notes that one has spoken with them.

    What was ``searched`` for has one page.
    """
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = [
        f"<b>{typed_text(shortened(facts.title, TITLE))}</b>",
        _("{list}: {n}").format(list=among_text(facts.among, language), n=facts.total),
    ]
    if facts.contacted:
        lines.append(_("Spoken with: {n}").format(n=facts.contacted))
    keys: list[tuple[Key, ...]] = []
    calls = facts.among is not Among.CONFIRMED
    for line in facts.lines:
        said = f"· {typed_text(line.name)} · {typed_text(line.unit)}"
        if line.confirmed_at is not None:
            said += f" · {dates.moment(line.confirmed_at, zone, language, today)}"
        elif facts.among is Among.UNCONFIRMED and line.where is not Where.SENT:
            said += f" · {where_text(line.where, language)}"
        if line.had_confirmed and line.confirmed_at is None:
            said += " · " + _("confirmed before the correction")
        if line.contacted_at is not None:
            day = dates.day(line.contacted_at.astimezone(zone).date(), language, today)
            said += " · " + _("spoken with on {day}").format(day=day)
        lines.append(said)
        if calls:
            mark = "✓" if line.contacted_at is not None else "○"
            press = NoticeContacted(facts.notice_id, line.teacher_id, facts.among, facts.page)
            keys.append((Key(f"{mark} {shortened(line.name, LABEL)}", press),))
    if not facts.lines:
        lines.append(_("Nobody in this list fits.") if searched else _("The list is empty."))
    elif calls:
        lines.append(
            _("Tap a name once you have spoken with the teacher; tap again to take it back.")
        )
    if searched and facts.pages > 1:
        lines.append(_("These are the first; type more of the name to narrow it down."))
    elif turn := pager(
        facts.page, facts.pages, lambda page: NoticePeople(facts.notice_id, facts.among, page)
    ):
        keys.append(turn)
    last = [Key(_("Back"), NoticeShow(facts.notice_id))]
    if searched:
        last = [Key(_("Back"), NoticePeople(facts.notice_id, facts.among))]
    if searched or facts.pages > 1:
        last.insert(0, Key(_("Find a name"), NoticeFind(facts.notice_id, facts.among)))
    return Card("\n".join(lines), (*keys, tuple(last)))


def among_text(among: Among, language: str) -> str:
    """Of whom a list is."""
    _ = catalog(language).gettext
    match among:
        case Among.CONFIRMED:
            return _("Confirmed")
        case Among.UNCONFIRMED:
            return _("Not confirmed yet")
        case Among.ASKED:
            return _("Have asked a question")
        case _:
            return where_text(Where(among.value), language)


def units_card(facts: ByUnit, language: str) -> Card:
    """The units in figures, those with the most to do first."""
    _ = catalog(language).gettext
    lines = [f"<b>{typed_text(shortened(facts.title, TITLE))}</b>"]
    for line in facts.lines:
        said = (
            _("{unit}: {confirmed}/{of} confirmed").format(
                unit=typed_text(line.name), confirmed=line.confirmed, of=line.people
            )
            if facts.wants_answer
            else _("{what}: {n}").format(what=typed_text(line.name), n=line.people)
        )
        if line.not_reached:
            said += " · " + _("not reached: {n}").format(n=line.not_reached)
        lines.append("· " + said)
    turn = pager(facts.page, facts.pages, lambda page: NoticeUnits(facts.notice_id, page))
    back = (Key(_("Back"), NoticeShow(facts.notice_id)),)
    return Card("\n".join(lines), (*((turn,) if turn else ()), back))


def sheet(facts: Exported, language: str, zone: ZoneInfo) -> bytes:
    """All recipients as a workbook."""
    _ = catalog(language).gettext

    def at(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""

    rows = [[_("Unit"), _("Name"), _("Delivery"), _("Confirmed at"), _("Spoken with")]]
    rows += [
        [
            line.unit,
            line.name,
            where_text(line.where, language),
            at(line.confirmed_at),
            at(line.contacted_at),
        ]
        for line in facts.lines
    ]
    return sheets.write([(facts.title[:30], rows)])


def report_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why nobody is reminded; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case TooSoon():
            return _(
                "They were reminded a moment ago. The next reminder is possible {time}."
            ).format(time=dates.moment(refusal.until, zone, language, now.astimezone(zone).date()))
        case NothingToChase():
            return _("This notice asks for no confirmation, or is not out any more.")
        case _:
            return ""


# --- taps ------------------------------------------------------------------------------------


async def open_report(update: Update, context: Context) -> None:
    """Show how the notice stands; while it is being sent the card follows by itself."""
    notice_id = NoticeShow.parse(tap(update).data).notice_id
    await show_report(update, context, await context.reader(update), notice_id)


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_report(update, context, reader, int(payload))


async def show_report(update: Update, context: Context, reader: Reader, notice_id: int) -> None:
    """Show how the notice stands, from wherever somebody comes to it."""
    house, actor_id = context.house, reader.linked_teacher_id
    sending = is_out = True

    async def look() -> Look:
        nonlocal sending, is_out
        now = house.clock()
        facts = await house.database.read(notice_report.report, actor_id, notice_id, now=now)
        sending, is_out = facts.is_sending, facts.state in (*OUT, NoticeState.WITHDRAWN)
        card = report_card(facts, reader.language, house.zone, now)
        return Look(card.text, card)

    seen = await look()
    if not is_out:
        await show_sheet(update, context, reader, notice_id)
        return
    await show(update, context, reader, seen.card)
    key = await _shown_as(update, context, reader) if sending else None
    if key is not None:
        house.live.watch(
            *key,
            Screen(
                until=house.clock() + LIVES_FOR,
                look=look,
                last=None,
                is_picture=False,
                is_still=_is_still(house, key, update.update_id, lambda: sending),
                mark=seen.mark,
            ),
        )


async def _shown_as(update: Update, context: Context, reader: Reader) -> tuple[int, int] | None:
    query = update.callback_query
    message = query.message if query is not None else None
    if isinstance(message, Message) and message.text and message.chat.type == ChatType.PRIVATE:
        return message.chat.id, message.message_id
    after = await context.reader(update)
    return None if after.card_message_id is None else (reader.tg_user_id, after.card_message_id)


def _is_still(
    house: House, key: tuple[int, int], update_id: int, goes_on: Callable[[], bool]
) -> Callable[[], bool]:
    """Whether the card still shows this report, and there is something to follow."""
    last = False

    def still() -> bool:
        nonlocal last
        if last or not house.screens.is_newest(key, update_id):
            return False
        last = not goes_on()  # once more after the end, to show it
        return True

    return still


async def ask_chase(update: Update, context: Context) -> None:
    """Say whom a reminder reaches and when, before anybody is reminded."""
    notice_id = NoticeChase.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    now, me = context.now(), reader.linked_teacher_id
    found = await context.read(confirming.look_at_chase, me, notice_id, now=now)
    _ = catalog(reader.language).gettext
    today = now.astimezone(context.house.zone).date()
    lines = chase_lines(found, reader.language, context.house.zone, today)
    back = Key(_("Back"), NoticeShow(notice_id))
    sure = Key(_("Yes, remind them"), NoticeChaseNow(notice_id), style="primary")
    keys = (sure, back) if found.reached else (back,)
    await show(update, context, reader, Card("\n".join(lines), (keys,)))


async def chase(update: Update, context: Context) -> None:
    """Remind those who have not confirmed."""
    notice_id = NoticeChaseNow.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    now = context.now()
    done = await context.write(confirming.chase, reader.linked_teacher_id, notice_id, now=now)
    context.house.wake_delivery()
    today = now.astimezone(context.house.zone).date()
    said = chase_lines(done, reader.language, context.house.zone, today)[0]
    await alert(update, said)
    await show_report(update, context, reader, notice_id)


def chase_lines(facts: Chase, language: str, zone: ZoneInfo, today: date) -> list[str]:
    """Whom a reminder reaches and when, and whom it does not."""
    ngettext = catalog(language).ngettext
    lines = [
        ngettext(
            "{n} person is reminded in private, {when}.",
            "{n} people are reminded in private, most of them {when}.",
            facts.reached,
        ).format(n=facts.reached, when=dates.moment(facts.at, zone, language, today))
    ]
    if facts.unreached:
        lines.append(
            ngettext(
                "{n} more cannot be reached here. Please speak with them in another way; "
                "the list says who.",
                "{n} more cannot be reached here. Please speak with them in another way; "
                "the list says who.",
                facts.unreached,
            ).format(n=facts.unreached)
        )
    return lines


async def open_people(update: Update, context: Context) -> None:
    """Show a list of recipients."""
    button = NoticePeople.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_people(update, context, reader, button.notice_id, button.among, button.page)


async def ask_name(update: Update, context: Context) -> None:
    """Take the next text as a part of a name in the list."""
    button = NoticeFind.parse(tap(update).data)
    if button.among not in list(Among):
        raise StaleButton
    reader = await context.reader(update)
    awaited = f"{AWAITED}:{button.notice_id}:{button.among}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    _ = catalog(reader.language).gettext
    back = Key(_("Back"), NoticePeople(button.notice_id, button.among))
    text = _("Please type a part of the name, or of the school's name.")
    await show(update, context, reader, Card(text, ((back,),)))


async def name_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who in the list fits; when nobody does, another name can be typed at once."""
    _prefix, notice_id, among = reader.awaiting.split(":")
    if await _show_people(update, context, reader, int(notice_id), among, like=text):
        await context.write(accounts.await_text, reader.account_id, "", now=context.now())


async def _show_people(
    update: Update,
    context: Context,
    reader: Reader,
    notice_id: int,
    among: str,
    page: int = 0,
    *,
    like: str = "",
    holding: int | None = None,
) -> bool:
    """Show a page of the list; whether anybody is in it."""
    if among not in list(Among):
        raise StaleButton
    now = context.now()
    facts = await context.write(
        notice_report.people,
        reader.linked_teacher_id,
        notice_id,
        Among(among),
        page=page,
        like=like,
        holding=holding,
        now=now,
    )
    card = people_card(facts, reader.language, context.house.zone, now, searched=bool(like))
    await show(update, context, reader, card)
    return bool(facts.lines)


async def contacted(update: Update, context: Context) -> None:
    """Note that one has spoken with a recipient, or take it back."""
    button = NoticeContacted.parse(tap(update).data)
    reader = await context.reader(update)
    noted = await context.write(
        notice_report.mark_contacted,
        reader.linked_teacher_id,
        button.notice_id,
        button.teacher_id,
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    await alert(
        update, _("Noted: you have spoken with this teacher.") if noted else _("Taken back.")
    )
    # Somebody who was searched for stands on the page that is shown now, too.
    await _show_people(
        update,
        context,
        reader,
        button.notice_id,
        button.among,
        button.page,
        holding=button.teacher_id,
    )


async def open_units(update: Update, context: Context) -> None:
    """Show the units in figures."""
    button = NoticeUnits.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(
        notice_report.by_unit,
        reader.linked_teacher_id,
        button.notice_id,
        page=button.page,
        now=context.now(),
    )
    await show(update, context, reader, units_card(facts, reader.language))


async def send_sheet(update: Update, context: Context) -> None:
    """Send all recipients as a sheet."""
    notice_id = NoticeSheet.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    facts = await context.write(
        notice_report.export, reader.linked_teacher_id, notice_id, now=context.now()
    )
    made = await asyncio.to_thread(sheet, facts, reader.language, context.house.zone)
    _ = catalog(reader.language).gettext
    caption = _("Recipients of the notice “{title}”. It holds names: please keep it to yourself.")
    title = re.sub(r'[\\/:*?"<>|\s]+', " ", facts.title).strip()
    name = _("{title}, who was told").format(title=shortened(title, LABEL)) + ".xlsx"
    title = typed_text(shortened(facts.title, TITLE))
    await send_file(update, context, reader, made, name, caption.format(title=title))


async def pin(update: Update, context: Context) -> None:
    """Pin the notice where the bot may, each place with one pinned message of ours."""
    notice_id = NoticePin.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    places = await context.read(
        notice_posts.to_pin, reader.linked_teacher_id, notice_id, now=context.now()
    )
    done = 0
    for place in places:
        try:
            await context.bot.pin_chat_message(
                place.tg_chat_id, place.message_id, disable_notification=True
            )
            done += 1
            await context.write(notice_posts.pinned, place.chat_id, place.message_id)
            if place.older is not None:
                await context.bot.unpin_chat_message(place.tg_chat_id, place.older)
        except TelegramError:
            continue
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = (
        ngettext("Pinned in {n} group.", "Pinned in {n} groups.", done).format(n=done)
        if done
        else _("There is no group in which it could be pinned: it is pinned, or I may not.")
    )
    await alert(update, text)


# --- voice -----------------------------------------------------------------------------------


async def list_due(house: House, row: Claimed) -> Said:
    """That the date of a notice has come and who has not confirmed can be looked at."""
    if row.teacher_id is None:
        return Nothing("this is for a person")
    now, notice_id = house.clock(), row.facts["notice_id"]
    try:
        facts = await house.database.read(notice_report.report, row.teacher_id, notice_id, now=now)
    except (NotAllowed, NotFound):
        return Nothing("somebody else looks after this notice now")
    if not facts.unconfirmed or facts.state not in OUT:
        return Nothing("nobody is missing")
    catalogue = catalog(row.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "[To do] <b>{title}</b>: its date has come, and {n} person has not confirmed.",
        "[To do] <b>{title}</b>: its date has come, and {n} people have not confirmed.",
        facts.unconfirmed,
    ).format(title=typed_text(shortened(facts.title, TITLE)), n=facts.unconfirmed)
    keys = (
        Key(_("List"), NoticePeople(notice_id, Among.UNCONFIRMED)),
        Key(_("How it stands"), NoticeShow(notice_id)),
    )
    return Say(Card(text, (keys,)))
