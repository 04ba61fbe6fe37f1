"""Correcting and withdrawing a notice: what will change, whom it rings, and then yes or no."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import StaleButton
from handlers.cards import Card, Key
from handlers.context import Context, alert, shortened, show, tap, typed_text
from handlers.messaging.notice_buttons import (
    NoticeCorrect,
    NoticeCorrectSure,
    NoticeDuty,
    NoticeShow,
    NoticeWithdraw,
    NoticeWithdrawSure,
)
from handlers.messaging.notice_report import show_report
from handlers.messaging.public import part_name, value_text
from handlers.training import times
from handlers.wiring import AnyApplication, on_tap, on_text
from locales import catalog, dates
from storage.messaging import correcting, notice_report
from storage.messaging.correcting import (
    MOMENTS,
    Impact,
    NothingChanges,
    NotLikeThat,
    NotOut,
    Value,
    What,
)
from storage.messaging.notice_report import Report
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.refusals import NotFound, Refusal

CORRECTING = "notice_correction"
WITHDRAWING = "notice_withdrawal"
TEXT = "ncor"
REASON = "nwdr"
TITLE = 120


def install(application: AnyApplication) -> None:
    on_tap(application, NoticeCorrect, correct)
    on_tap(application, NoticeDuty, set_duty)
    on_tap(application, NoticeCorrectSure, correct_surely)
    on_tap(application, NoticeWithdraw, ask_reason)
    on_tap(application, NoticeWithdrawSure, withdraw_surely)
    on_text(application, TEXT, wording_given)
    on_text(application, REASON, reason_given)


# --- correcting ------------------------------------------------------------------------------


async def correct(update: Update, context: Context) -> None:
    """Show what can be corrected, or ask for the new wording of a part."""
    button = NoticeCorrect.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    parts = await context.read(
        correcting.parts, reader.linked_teacher_id, button.notice_id, now=now
    )
    today = now.astimezone(zone).date()
    if not button.part:
        card = parts_card(button.notice_id, parts, reader.language, zone, today)
    else:
        if button.part not in list(What):
            raise StaleButton
        what = What(button.part)
        awaited = f"{TEXT}:{button.notice_id}:{what}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
        card = wording_card(button.notice_id, what, parts[what], reader.language, zone, today)
    await show(update, context, reader, card)


def parts_card(
    notice_id: int, parts: dict[What, Value], language: str, zone: ZoneInfo, today: date
) -> Card:
    """What a notice says, part by part, each a key."""
    _ = catalog(language).gettext
    lines = [_("<b>What is to be corrected?</b>")]
    lines += [
        "· "
        + _("{part}: {value}").format(
            part=part_name(what, language),
            value=typed_text(
                shortened(html.unescape(value_text(value, language, zone, today)), TITLE)
            ),
        )
        for what, value in parts.items()
    ]
    keys = [Key(part_name(what, language), NoticeCorrect(notice_id, what)) for what in parts]
    rows = [tuple(keys[n : n + 2]) for n in range(0, len(keys), 2)]
    return Card("\n".join(lines), (*rows, (Key(_("Back"), NoticeShow(notice_id)),)))


def wording_card(
    notice_id: int, what: What, value: Value, language: str, zone: ZoneInfo, today: date
) -> Card:
    """Ask for the new wording of one part."""
    _ = catalog(language).gettext
    lines = [
        _("{part}: {value}").format(
            part=part_name(what, language), value=value_text(value, language, zone, today)
        ),
        _("Please type the new date and hour, for example “4 Dec 17:00”.")
        if what in MOMENTS
        else _("Please type the new wording."),
    ]
    return Card("\n".join(lines), ((Key(_("Cancel"), NoticeCorrect(notice_id)),),))


async def wording_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show what the correction would do."""
    _prefix, notice, part = (reader.awaiting + "::").split(":")[:3]
    notice_id, what = int(notice or 0), What(part)
    now, zone = context.now(), context.house.zone
    value: Value = text
    ends: datetime | None = None
    if what in MOMENTS:
        read = times.due if what is What.ANSWER_BY else times.moment
        span = times.span(text, now, zone) if what is What.HAPPENS_AT else None
        value, ends = (
            (span.starts_at, span.ends_at) if span is not None else (read(text, now, zone), None)
        )
        if value is None:
            _ = catalog(reader.language).gettext
            said = _(
                "I did not understand this date. Please type day and hour, for example "
                "“4 Dec 17:00”."
            )
            keys = ((Key(_("Cancel"), NoticeCorrect(notice_id)),),)
            await show(update, context, reader, Card(said, keys))
            return
    found = await context.write(_draft, reader, notice_id, what, value, ends, now=now)
    await show(update, context, reader, impact_card(found, False, reader.language, zone, now))


def _draft(
    session: Session,
    reader: Reader,
    notice_id: int,
    what: What,
    value: Value,
    ends: datetime | None,
    *,
    now: datetime,
) -> Impact:
    """Keep what was typed until somebody says yes to it; a restart loses nothing."""
    found = correcting.impact(
        session, reader.linked_teacher_id, notice_id, what, value, ends=ends, now=now
    )
    accounts.await_text(session, reader.account_id, "", now=now)
    kept = value.isoformat() if isinstance(value, datetime) else value
    data = {
        "notice_id": notice_id,
        "what": what.value,
        "value": kept,
        "ends": ends and ends.isoformat(),
        "duty": False,
    }
    drafts.keep(session, reader.account_id, CORRECTING, data, now=now)
    return found


def impact_card(facts: Impact, duty: bool, language: str, zone: ZoneInfo, now: datetime) -> Card:
    """What will change, for whom, and whether it rings."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    today = now.astimezone(zone).date()
    lines = [
        f"<b>{typed_text(shortened(facts.title, TITLE))}</b>",
        _("{field}: from “{old}” to “{new}”.").format(
            field=part_name(facts.what, language),
            old=_whole_text(facts.old, facts.old_ends, language, zone, today),
            new=_whole_text(facts.new, facts.new_ends, language, zone, today),
        ),
        ngettext(
            "{n} person has the notice in hand; it is edited there.",
            "{n} people have the notice in hand; it is edited there.",
            facts.told,
        ).format(n=facts.told),
    ]
    if facts.places:
        lines.append(
            ngettext(
                "It is edited in {n} group.", "It is edited in {n} groups.", facts.places
            ).format(n=facts.places)
        )
    if facts.waiting:
        lines.append(
            ngettext(
                "{n} person gets the new version alone.",
                "{n} people get the new version alone.",
                facts.waiting,
            ).format(n=facts.waiting)
        )
    lines.append(
        _("Their phones ring, because what they have to do is another.")
        if facts.rings
        else _("No phone rings.")
    )
    if facts.again:
        lines.append(
            ngettext(
                "{n} person has confirmed and is asked to confirm once more.",
                "{n} people have confirmed and are asked to confirm once more.",
                facts.again,
            ).format(n=facts.again)
        )
    keys: list[tuple[Key, ...]] = []
    if facts.what not in correcting.RING:
        label = (
            _("✓ It changes what is to be done") if duty else _("○ It changes what is to be done")
        )
        keys.append((Key(label, NoticeDuty(facts.notice_id, int(not duty))),))
    sure = NoticeCorrectSure(facts.notice_id, facts.revision)
    keys.append(
        (
            Key(_("Yes, correct it"), sure, style="primary"),
            Key(_("Cancel"), NoticeShow(facts.notice_id)),
        )
    )
    return Card("\n".join(lines), tuple(keys))


def _whole_text(
    value: Value, ends: datetime | None, language: str, zone: ZoneInfo, today: date
) -> str:
    """A part's wording; a time with its end."""
    if isinstance(value, datetime) and ends is not None:
        return dates.span(value, ends, zone, language, today)
    return value_text(value, language, zone, today)


async def set_duty(update: Update, context: Context) -> None:
    """Say that the correction changes a duty, or that it does not."""
    button = NoticeDuty.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts = await context.write(_set_duty, reader, button.notice_id, bool(button.on), now=now)
    card = impact_card(facts, bool(button.on), reader.language, zone, now)
    await show(update, context, reader, card)


def _set_duty(
    session: Session, reader: Reader, notice_id: int, duty: bool, *, now: datetime
) -> Impact:
    data = _kept(session, reader, notice_id)
    data["duty"] = duty
    drafts.keep(session, reader.account_id, CORRECTING, data, now=now)
    what, value, ends = _said(data)
    return correcting.impact(
        session,
        reader.linked_teacher_id,
        notice_id,
        what,
        value,
        ends=ends,
        duty=duty,
        now=now,
    )


async def correct_surely(update: Update, context: Context) -> None:
    """Make the correction that was shown."""
    button = NoticeCorrectSure.parse(tap(update).data)
    reader = await context.reader(update)
    await context.write(_correct, reader, button.notice_id, button.seen, now=context.now())
    await _spread(context)
    _ = catalog(reader.language).gettext
    await alert(update, _("Corrected. Everybody who has the notice will see it."))
    await show_report(update, context, reader, button.notice_id)


def _correct(session: Session, reader: Reader, notice_id: int, seen: int, *, now: datetime) -> bool:
    data = _kept(session, reader, notice_id)
    what, value, ends = _said(data)
    return correcting.correct(
        session,
        reader.linked_teacher_id,
        notice_id,
        what,
        value,
        ends=ends,
        duty=bool(data["duty"]),
        seen=seen,
        now=now,
    )


async def _spread(context: Context) -> None:
    """Tell the first few thousand at once; the others follow by the clock."""
    await context.write(correcting.spread, now=context.now())
    context.house.wake_delivery()


def _kept(session: Session, reader: Reader, notice_id: int) -> dict[str, object]:
    data = drafts.read(session, reader.account_id, CORRECTING)
    if data is None or data.get("notice_id") != notice_id:
        raise NotFound("draft")
    return dict(data)


def _said(data: dict[str, object]) -> tuple[What, Value, datetime | None]:
    what, kept, ends = What(str(data["what"])), data["value"], data.get("ends")
    if what not in MOMENTS:
        return what, str(kept), None
    return (
        what,
        datetime.fromisoformat(str(kept)) if kept else None,
        datetime.fromisoformat(str(ends)) if ends else None,
    )


# --- withdrawing -----------------------------------------------------------------------------


async def ask_reason(update: Update, context: Context) -> None:
    """Ask for the reason: whoever has the notice will read it."""
    notice_id = NoticeWithdraw.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    now = context.now()
    # Only who may withdraw it is asked why.
    await context.read(correcting.parts, reader.linked_teacher_id, notice_id, now=now)
    awaited = f"{REASON}:{notice_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    _ = catalog(reader.language).gettext
    text = _("Please type why the notice is withdrawn. Whoever has it will read this.")
    keys = ((Key(_("Cancel"), NoticeShow(notice_id)),),)
    await show(update, context, reader, Card(text, keys))


async def reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Ask once more before what cannot be undone."""
    notice_id = int(reader.awaiting.partition(":")[2] or 0)
    if not text.strip():
        raise NotLikeThat(correcting.LONGEST["place"])
    facts = await context.write(_keep_reason, reader, notice_id, text.strip(), now=context.now())
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    people = ngettext(
        "It is to {n} person, {confirmed} of them confirmed.",
        "It is to {n} people, {confirmed} of them confirmed.",
        facts.people,
    ).format(n=facts.people, confirmed=facts.confirmed)
    said = _(
        "Withdraw the notice? Reason: {reason}\n"
        "What has not left stays here, what is out is marked as withdrawn, and reminders end. "
        "This cannot be undone."
    ).format(reason=typed_text(shortened(text.strip(), TITLE)))
    keys = (
        Key(
            catalogue.pgettext("notice", "Yes, withdraw"),
            NoticeWithdrawSure(notice_id),
            style="danger",
        ),
        Key(_("Cancel"), NoticeShow(notice_id)),
    )
    await show(update, context, reader, Card(f"{said}\n{people}", (keys,)))


def _keep_reason(
    session: Session, reader: Reader, notice_id: int, reason: str, *, now: datetime
) -> Report:
    """Keep the reason until somebody says yes to it; return whom the notice concerns."""
    accounts.await_text(session, reader.account_id, "", now=now)
    data = {"notice_id": notice_id, "reason": reason}
    drafts.keep(session, reader.account_id, WITHDRAWING, data, now=now)
    return notice_report.report(session, reader.linked_teacher_id, notice_id, now=now)


async def withdraw_surely(update: Update, context: Context) -> None:
    """Withdraw the notice."""
    notice_id = NoticeWithdrawSure.parse(tap(update).data).notice_id
    reader = await context.reader(update)
    is_new = await context.write(_withdraw, reader, notice_id, now=context.now())
    await _spread(context)
    _ = catalog(reader.language).gettext
    text = _("The notice is withdrawn.") if is_new else _("The notice was withdrawn already.")
    await alert(update, text)
    await show_report(update, context, reader, notice_id)


def _withdraw(session: Session, reader: Reader, notice_id: int, *, now: datetime) -> bool:
    data = drafts.read(session, reader.account_id, WITHDRAWING)
    if data is None or data.get("notice_id") != notice_id:
        raise NotFound("draft")
    return correcting.withdraw(
        session, reader.linked_teacher_id, notice_id, str(data["reason"]), now=now
    )


def correcting_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: datetime) -> str:
    """Why a correction cannot be made; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case NotOut():
            return _("This notice is not out, or is withdrawn; there is nothing to correct.")
        case NothingChanges():
            return _("The notice says so already.")
        case NotLikeThat(most=most) if most:
            return _("Please type at least a word, and at most {n} characters.").format(n=most)
        case NotLikeThat():
            return _("Please give a moment that is still to come.")
        case _:
            return ""
