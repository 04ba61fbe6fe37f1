"""Asking for leave from single meetings: which, why, and a private note for who decides."""

from __future__ import annotations

import html
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, alert, shortened, show, tap
from handlers.training.approval_buttons import (
    CancelLeave,
    ChooseLeaveReason,
    NoteLeave,
    OpenLeave,
    PickMeeting,
    SendLeave,
)
from handlers.training.approvals_text import leave_reason, leave_state
from handlers.training.buttons import OpenProgramme
from handlers.training.reasons_text import reason_text
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.training import absences
from storage.training.absences import Asked, Meetings
from storage.training.tables import LeaveReason

DRAFT = "leave"
NOTE = "leave_note"  # what a typed text answers
SHOWN = 8  # meetings on a card; the next ones are never far away
LABEL = 30


def install(application: AnyApplication) -> None:
    on_tap(application, OpenLeave, open_leave)
    on_tap(application, PickMeeting, pick_meeting)
    on_tap(application, ChooseLeaveReason, choose_reason)
    on_tap(application, NoteLeave, ask_note)
    on_tap(application, SendLeave, send)
    on_tap(application, CancelLeave, cancel)
    on_text(application, NOTE, note_given)


def meetings_card(
    facts: Meetings, picked: frozenset[int], language: str, zone: ZoneInfo, now: datetime
) -> Card:
    """The meetings to come: those to ask leave from are ticked, those asked say how it stands."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    back = (Key(_("Back"), OpenProgramme(facts.batch_id)),)
    lines = [_("<b>Leave: {title}</b>").format(title=html.escape(facts.title))]
    if not facts.lines:
        lines.append(_("No meeting of this training is to come."))
        return Card("\n".join(lines), (back,))
    if any(line.can_ask for line in facts.lines):
        lines.append(
            _(
                "Please tick the meetings that you cannot attend. "
                "The school decides, then the class."
            )
        )
    rows: list[tuple[Key, ...]] = []
    for line in facts.lines[:SHOWN]:
        when = dates.span(line.starts_at, line.ends_at, zone, language, today)
        label = shortened(f"{when} {line.title}".rstrip(), LABEL)
        if line.state is not None:
            said = _("{meeting}: {state}").format(
                meeting=when, state=leave_state(line.state, language)
            )
            lines.append("· " + said)
            if line.answer:
                answer = html.escape(reason_text(line.answer, language))
                lines.append(_("Answer: {reason}").format(reason=answer))
        if line.can_ask:
            mark = "☑" if line.session_id in picked else "☐"
            rows.append((Key(f"{mark} {label}", PickMeeting(facts.batch_id, line.session_id)),))
        elif line.can_cancel and line.leave_id is not None:
            give_up = _("Give up leave: {meeting}").format(meeting=when)
            rows.append(
                (Key(shortened(give_up, LABEL), CancelLeave(facts.batch_id, line.leave_id)),)
            )
    more = len(facts.lines) - SHOWN
    if more > 0:
        lines.append(
            ngettext("and {n} later meeting", "and {n} later meetings", more).format(n=more)
        )
    if picked:
        rows.append((Key(_("Continue"), ChooseLeaveReason(facts.batch_id), style="primary"),))
    return Card("\n".join(lines), (*rows, back))


async def open_leave(update: Update, context: Context) -> None:
    """Show the meetings to come, a single one ticked already."""
    batch_id = OpenLeave.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    await context.write(_begin, reader, batch_id, now=context.now())
    await _show_meetings(update, context, reader, batch_id)


async def pick_meeting(update: Update, context: Context) -> None:
    """Tick a meeting, or not."""
    button = PickMeeting.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(_pick, reader, button.batch_id, button.session_id, now=context.now())
    await _show_meetings(update, context, reader, button.batch_id)


async def _show_meetings(update: Update, context: Context, reader: Reader, batch_id: int) -> None:
    now, zone = context.now(), context.house.zone
    facts, picked = await context.read(_screen, reader, batch_id, now=now)
    await show(update, context, reader, meetings_card(facts, picked, reader.language, zone, now))


async def choose_reason(update: Update, context: Context) -> None:
    """Ask why, by key."""
    batch_id = ChooseLeaveReason.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    text = _(
        "Why can you not attend? Only those who decide see this; it is never said in a group "
        "and is forgotten half a year after the meeting."
    )
    keys = tuple(
        (Key(leave_reason(reason, reader.language), NoteLeave(batch_id, reason.value)),)
        for reason in LeaveReason
    )
    await show(update, context, reader, Card(text, (*keys, (Key(_("Back"), OpenLeave(batch_id)),))))


async def ask_note(update: Update, context: Context) -> None:
    """Offer to add a note, which the next text is."""
    button = NoteLeave.parse(tap(update).data)
    if button.reason not in list(LeaveReason):
        raise StaleButton
    reader = await context.reader(update)
    await context.write(_await_note, reader, button.batch_id, button.reason, now=context.now())
    _ = catalog(reader.language).gettext
    text = _("{reason}. You may type a short note for those who decide, or ask without one.")
    keys = (
        (Key(_("Ask without a note"), SendLeave(button.batch_id), style="primary"),),
        (Key(_("Back"), ChooseLeaveReason(button.batch_id)),),
    )
    said = text.format(reason=leave_reason(LeaveReason(button.reason), reader.language))
    await show(update, context, reader, Card(said, keys))


async def send(update: Update, context: Context) -> None:
    """Ask for leave without a note."""
    batch_id = SendLeave.parse(tap(update).data).batch_id
    reader = await context.reader(update)
    await _ask(update, context, reader, batch_id, "")


async def note_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Ask for leave with the note that was typed."""
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())
    await _ask(update, context, reader, int(reader.awaiting.partition(":")[2]), text)


async def _ask(update: Update, context: Context, reader: Reader, batch_id: int, note: str) -> None:
    asked = await context.write(_ask_as_drafted, reader, batch_id, note, now=context.now())
    _ = catalog(reader.language).gettext
    if asked is not None and update.callback_query is not None:
        await alert(
            update,
            _("Your request for leave is with your school. You are told when it is decided."),
        )
    await _show_meetings(update, context, reader, batch_id)


async def cancel(update: Update, context: Context) -> None:
    """Give a leave up: one comes after all."""
    button = CancelLeave.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(
        absences.cancel, reader.linked_teacher_id, button.leave_id, now=context.now()
    )
    _ = catalog(reader.language).gettext
    await alert(update, _("Thank you. You are expected at this meeting again."))
    await _show_meetings(update, context, reader, button.batch_id)


def _begin(session: Session, reader: Reader, batch_id: int, *, now: datetime) -> None:
    found = absences.meetings(session, reader.linked_teacher_id, batch_id, now=now)
    possible = [line.session_id for line in found.lines if line.can_ask]
    picked = possible if len(found.lines) == 1 else []
    _keep(session, reader, batch_id, frozenset(picked), now)


def _pick(
    session: Session, reader: Reader, batch_id: int, session_id: int, *, now: datetime
) -> None:
    picked = _picked(session, reader, batch_id) ^ {session_id}
    _keep(session, reader, batch_id, picked, now)


def _keep(
    session: Session, reader: Reader, batch_id: int, picked: frozenset[int], now: datetime
) -> None:
    data = {"batch_id": batch_id, "sessions": sorted(picked), "reason": ""}
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)


def _picked(session: Session, reader: Reader, batch_id: int) -> frozenset[int]:
    kept = drafts.read(session, reader.account_id, DRAFT)
    if kept is None or kept["batch_id"] != batch_id:
        return frozenset()
    return frozenset(kept["sessions"])


def _screen(
    session: Session, reader: Reader, batch_id: int, *, now: datetime
) -> tuple[Meetings, frozenset[int]]:
    found = absences.meetings(session, reader.linked_teacher_id, batch_id, now=now)
    possible = {line.session_id for line in found.lines if line.can_ask}
    return found, _picked(session, reader, batch_id) & possible


def _await_note(
    session: Session, reader: Reader, batch_id: int, reason: str, *, now: datetime
) -> None:
    kept = drafts.read(session, reader.account_id, DRAFT)
    if kept is None or kept["batch_id"] != batch_id:
        raise StaleButton
    drafts.keep(session, reader.account_id, DRAFT, kept | {"reason": reason}, now=now)
    accounts.await_text(session, reader.account_id, f"{NOTE}:{batch_id}", now=now)


def _ask_as_drafted(
    session: Session, reader: Reader, batch_id: int, note: str, *, now: datetime
) -> Asked | None:
    """Ask for what is ticked; None when that was done before, by a first tap."""
    accounts.await_text(session, reader.account_id, "", now=now)
    kept = drafts.read(session, reader.account_id, DRAFT)
    if kept is None or kept["batch_id"] != batch_id or not kept["reason"]:
        return None
    asked = absences.ask(
        session,
        reader.linked_teacher_id,
        batch_id,
        kept["sessions"],
        LeaveReason(kept["reason"]),
        note=note,
        now=now,
    )
    drafts.drop(session, reader.account_id, DRAFT)
    return asked
