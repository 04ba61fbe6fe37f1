"""Checking in, as the teacher does it: scan, type six digits, or tap once."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, Keys
from handlers.context import Context, House, show, tap
from handlers.messaging.voices import Later, Nothing, Said, Say
from handlers.people.buttons import Home
from handlers.training.attendance_text import presence_word
from handlers.training.buttons import OpenProgramme
from handlers.training.check_in_papers import name_of
from handlers.wiring import AnyApplication, on_command, on_form, on_link, on_tap, on_text
from locales import catalog, dates
from storage.messaging.outbox import Claimed
from storage.people import accounts
from storage.people.accounts import Reader
from storage.refusals import NotFound
from storage.training import check_in, windows
from storage.training.check_in import (
    CheckedIn,
    CheckedOut,
    CheckInOver,
    CodeChanged,
    MyPresence,
    NotACode,
    NotOnList,
    OpenMeeting,
    Outcome,
    Paused,
    TooEarly,
    WrongCode,
)
from storage.training.tables import Presence

AWAITED = "checkin"
SHOWN = 6  # meetings that a card lists
AGAIN = (WrongCode, NotACode, CodeChanged)
"""After these the next text is taken as a code once more."""


@dataclass(frozen=True)
class AskCheckIn(Button):
    """Let me type the code of the meeting."""

    tag = "ci"


@dataclass(frozen=True)
class ComeIn(Button):
    """Check me in: I was here with a right code before it opened."""

    tag = "cih"
    session_id: int


def install(application: AnyApplication) -> None:
    on_command(application, "checkin", ask)
    on_link(application, "checkin", _linked)
    on_link(application, "c([0-9]{1,15}-[A-Za-z0-9_-]{8,32})", scanned)
    on_tap(application, AskCheckIn, ask)
    on_tap(application, ComeIn, come_in)
    on_text(application, AWAITED, typed)
    # In a hall the digits are typed as soon as they are seen, whatever stands on the screen.
    on_form(application, r"[0-9０-９]{3}[\s-]?[0-9０-９]{3}", typed)


def ask_card(wanted: tuple[OpenMeeting, ...], language: str, zone: ZoneInfo, now: datetime) -> Card:
    """What to check in to, and how."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    lines = []
    for one in wanted:
        what = html.escape(name_of(one.meeting))
        until = dates.before(one.closes_at, zone, language, today)
        if one.wants_out:
            text = _("<b>{title}</b>: check out {until}").format(title=what, until=until)
        elif one.is_wanted:
            text = _("<b>{title}</b>: check in {until}").format(title=what, until=until)
        else:
            text = _("<b>{title}</b>: you are checked in").format(title=what)
        lines.append(text)
    if not wanted:
        lines.append(_("No meeting of yours is open for check-in at the moment."))
    lines.append(
        _(
            "Please send the six digits that are shown in the room, or scan the picture with "
            "your phone's camera. If there was no signal, send the code that you noted down."
        )
    )
    return Card("\n".join(lines), ((Key(_("Back"), Home()),),))


def outcome_card(outcome: Outcome, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """What came of it, with what can be done next."""
    _ = catalog(language).gettext
    menu = Key(_("Menu"), Home())
    keys: Keys = ((menu,),)
    if isinstance(outcome, CheckedIn | CheckedOut | TooEarly | CheckInOver):
        keys = ((Key(_("The training"), OpenProgramme(outcome.meeting.batch_id)), menu),)
    elif isinstance(outcome, AGAIN):
        keys = ((Key(_("Back"), Home()),),)
    return Card(outcome_text(outcome, language, zone, now), keys)


def outcome_text(outcome: Outcome, language: str, zone: ZoneInfo, now: datetime) -> str:
    """What came of it, in a few friendly words. HTML."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()

    def moment(value: datetime) -> str:
        return dates.moment(value, zone, language, today)

    match outcome:
        case CheckedIn():
            return _checked_in(outcome, language, zone, now)
        case CheckedOut(meeting=meeting, at=at, is_early=is_early):
            text = _("✓ {time} · Checked out: <b>{title}</b>").format(
                time=moment(at), title=html.escape(name_of(meeting))
            )
            if is_early:
                text += "\n" + _(
                    "The meeting goes on until {time}, so this is noted as leaving early. "
                    "If you stay, simply check out once more at the end."
                ).format(time=moment(meeting.ends_at))
            return text
        case TooEarly(meeting=meeting, opens_at=opens, is_remembered=True):
            return _(
                "Check-in for <b>{title}</b> opens {time}. I have noted that you are here and "
                "will write to you then; one tap will be enough."
            ).format(title=html.escape(name_of(meeting)), time=moment(opens))
        case TooEarly(meeting=meeting, opens_at=opens):
            return _(
                "Check-in for <b>{title}</b> opens {time}. Please scan or send the code then."
            ).format(title=html.escape(name_of(meeting)), time=moment(opens))
        case NotOnList(meeting=meeting):
            return _(
                "You are not on the list of <b>{title}</b>, so I cannot check you in. "
                "The organiser sees that you are here; please speak to them."
            ).format(title=html.escape(name_of(meeting)))
        case CheckInOver(meeting=meeting, closed_at=closed_at):
            return _(
                "Check-in for <b>{title}</b> closed at {time}. If you were there, please tell "
                "the organiser or your school coordinator; they can enter it."
            ).format(title=html.escape(name_of(meeting)), time=moment(closed_at))
        case CodeChanged():
            return _(
                "This code has changed meanwhile. Please scan the one that is shown now, "
                "or send its six digits."
            )
        case NotACode():
            return _(
                "A check-in code has six digits, such as 482 913. "
                "Please send the one that is shown in the room."
            )
        case WrongCode(left=left):
            text = _(
                "This code fits no meeting of yours. Please look once more: "
                "it changes every half minute."
            )
            return (
                text
                + "\n"
                + ngettext("{n} try is left.", "{n} tries are left.", left).format(n=left)
            )
        case Paused(until=until):
            return _(
                "Several codes did not fit, so I take no typed ones until {time}. "
                "Scanning the picture works all the same."
            ).format(time=moment(until))


def _checked_in(outcome: CheckedIn, language: str, zone: ZoneInfo, now: datetime) -> str:
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    title = html.escape(name_of(outcome.meeting))
    time = dates.moment(outcome.at, zone, language, today)
    if not outcome.is_new and outcome.state is Presence.PRESENT:
        return _("You are checked in to <b>{title}</b> already, since {time}.").format(
            title=title, time=time
        )
    if not outcome.is_new:
        return _(
            "For <b>{title}</b> this is entered of you: {state}. If that is not right, please "
            "tell the organiser or your school coordinator."
        ).format(title=title, state=presence_word(outcome.state, language))
    text = _("✓ {time} · Checked in: <b>{title}</b>").format(time=time, title=title)
    if outcome.state is Presence.LATE:
        text += "\n" + _(
            "The meeting began at {start}, so this counts as late. "
            "If there is a reason, please tell the organiser."
        ).format(start=f"{outcome.meeting.starts_at.astimezone(zone):%H:%M}")
    return text


def presence_lines(
    presence: tuple[MyPresence, ...], language: str, zone: ZoneInfo, today: date
) -> list[str]:
    """How I took part so far, the last meetings, and whom to ask if it is not right. HTML."""
    _ = catalog(language).gettext
    lines = []
    for one in presence[-SHOWN:]:
        state = presence_word(one.state, language)
        if one.at is not None and one.out_at is not None:
            state = _("{state}, {time} to {out}").format(
                state=state,
                time=f"{one.at.astimezone(zone):%H:%M}",
                out=f"{one.out_at.astimezone(zone):%H:%M}",
            )
        elif one.at is not None:
            state = _("{state}, {time}").format(
                state=state, time=f"{one.at.astimezone(zone):%H:%M}"
            )
        lines.append(
            _("· {when}: {state}").format(
                when=dates.moment(one.meeting.starts_at, zone, language, today), state=state
            )
        )
    if lines:
        lines.insert(0, _("My attendance:"))
    if any(one.state in (Presence.ABSENT, Presence.LEFT_EARLY) for one in presence[-SHOWN:]):
        lines.append(_("If this is not right, please tell your school coordinator."))
    return lines


def check_in_key(wanted: tuple[OpenMeeting, ...], language: str) -> Keys:
    """The row that leads to checking in while something is open; empty otherwise."""
    _ = catalog(language).gettext
    if any(one.wants_out for one in wanted):
        return ((Key(_("Check out now"), AskCheckIn(), style="success"),),)
    if any(one.is_wanted for one in wanted):
        return ((Key(_("Check in now"), AskCheckIn(), style="success"),),)
    return ()


async def ask(update: Update, context: Context) -> None:
    """Take the next text as the code of a meeting."""
    await _ask(update, context, await context.reader(update))


async def _ask(update: Update, context: Context, reader: Reader) -> None:
    now = context.now()
    wanted = await context.read(check_in.open_for, reader.linked_teacher_id, now=now)
    await context.write(accounts.await_text, reader.account_id, AWAITED, now=now)
    await show(update, context, reader, ask_card(wanted, reader.language, context.house.zone, now))


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _ask(update, context, reader)


async def typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Check in or out by typed digits."""
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    outcome = await context.write(check_in.enter, reader.linked_teacher_id, text, now=now)
    if isinstance(outcome, AGAIN):
        await context.write(accounts.await_text, reader.account_id, AWAITED, now=now)
    card = outcome_card(outcome, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def scanned(update: Update, context: Context, reader: Reader, payload: str) -> None:
    """Check in or out by a scanned code."""
    now = context.now()
    number, _, token = payload.partition("-")
    outcome = await context.write(
        check_in.scan, reader.linked_teacher_id, int(number), token, now=now
    )
    context.house.wake_delivery()
    card = outcome_card(outcome, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def come_in(update: Update, context: Context) -> None:
    """Check in whoever was there before the opening."""
    button = ComeIn.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    outcome = await context.write(
        check_in.here, reader.linked_teacher_id, button.session_id, now=now
    )
    card = outcome_card(outcome, reader.language, context.house.zone, now)
    await show(update, context, reader, card)


async def opened(house: House, row: Claimed) -> Said:
    """Check-in is open now: said to whoever was there before, with one key."""
    now = house.clock()
    if row.teacher_id is None:
        return Nothing("there is no teacher")
    session_id = row.facts["session_id"]
    try:
        meeting, opens_at = await house.database.read(check_in.opening_of, session_id)
    except NotFound:
        return Nothing("the meeting is gone")
    if now < opens_at:
        return Later(opens_at)  # it was moved meanwhile
    is_wanted = await house.database.read(
        check_in.is_to_be_told, row.teacher_id, session_id, now=now
    )
    if not is_wanted:
        return Nothing("checked in, or over")
    return Say(opened_card(meeting, row.language))


def opened_card(meeting: windows.MeetingFacts, language: str) -> Card:
    """One tap and one is in."""
    _ = catalog(language).gettext
    text = _("Check-in for <b>{title}</b> is open. You were there before; tap once and you are in.")
    return Card(
        text.format(title=html.escape(name_of(meeting))),
        ((Key(_("I am here"), ComeIn(meeting.session_id), style="success"),),),
    )
