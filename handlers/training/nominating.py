"""My people in a class: nominating, taking back, and sending somebody else instead."""

from __future__ import annotations

import html
from datetime import datetime

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card, Key, pager
from handlers.context import Context, alert, hush, shortened, show, tap
from handlers.training.nominating_buttons import (
    FindCandidate,
    Nominate,
    OpenCandidates,
    OpenMember,
    OpenMembers,
    PickCandidate,
    PickUnit,
    Replace,
    TakeBack,
)
from handlers.training.nominating_text import (
    LABEL,
    UNITS,
    candidates_card,
    clashing_card,
    member_card,
    members_card,
    why_not_text,
)
from handlers.wiring import AnyApplication, on_link, on_run, on_tap, on_text
from locales import catalog
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training import candidates, my_people, nominating, substituting
from storage.training.nominations import Clashing

DRAFT = "replace"


def install(application: AnyApplication) -> None:
    on_run(application, (Act.NOMINATE,), _label, OpenMembers, kinds=["nominate"])
    on_link(application, "my([0-9]{1,18})", _linked)
    on_tap(application, OpenMembers, open_members)
    on_tap(application, OpenMember, open_member)
    on_tap(application, PickUnit, pick_unit)
    on_tap(application, OpenCandidates, open_candidates)
    on_tap(application, PickCandidate, pick)
    on_tap(application, FindCandidate, ask_name)
    on_tap(application, Nominate, nominate)
    on_tap(application, TakeBack, take_back)
    on_tap(application, Replace, replace_anyway)
    on_text(application, "candidate", name_given)
    on_text(application, "instead", reason_given)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("My people")


async def open_members(update: Update, context: Context) -> None:
    """Show my people in a class."""
    button = OpenMembers.parse(tap(update).data)
    reader = await context.reader(update)
    await show_members(update, context, reader, button.batch_id, button.page)


async def show_members(
    update: Update, context: Context, reader: Reader, batch_id: int, page: int = 0
) -> None:
    """Show my people in a class, from wherever somebody comes back to them."""
    now, zone = context.now(), context.house.zone
    facts = await context.write(
        my_people.my_people, reader.linked_teacher_id, batch_id, page=page, now=now
    )
    card = members_card(facts, reader.language, zone, now.astimezone(zone).date())
    await show(update, context, reader, card)


async def open_member(update: Update, context: Context) -> None:
    """Show one of my people in a class."""
    button = OpenMember.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        my_people.my_people,
        reader.linked_teacher_id,
        button.batch_id,
        page=button.page,
        now=context.now(),
    )
    member = next((x for x in facts.members if x.teacher_id == button.teacher_id), None)
    if member is None:
        raise NotFound("registration")
    await show(update, context, reader, member_card(facts, member, reader.language))


async def pick_unit(update: Update, context: Context) -> None:
    """Show my schools, each a key."""
    button = PickUnit.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.write(
        my_people.my_people, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    pages = max(1, -(-len(facts.units) // UNITS))
    page = min(max(0, button.page), pages - 1)
    keys = [
        (Key(shortened(unit.name, LABEL), OpenCandidates(button.batch_id, unit.unit_id)),)
        for unit in facts.units[page * UNITS : (page + 1) * UNITS]
    ]
    turn = pager(page, pages, lambda number: PickUnit(button.batch_id, number))
    back = (Key(_("Back"), OpenMembers(button.batch_id)),)
    card = Card(_("Which school?"), (*keys, *((turn,) if turn else ()), back))
    await show(update, context, reader, card)


async def open_candidates(update: Update, context: Context) -> None:
    """Show a page of a school's people."""
    button = OpenCandidates.parse(tap(update).data)
    await _show_candidates(update, context, await context.reader(update), button)


async def _show_candidates(
    update: Update, context: Context, reader: Reader, button: OpenCandidates, text: str = ""
) -> None:
    facts = await context.write(
        candidates.candidates,
        reader.linked_teacher_id,
        reader.account_id,
        button.batch_id,
        button.unit_id,
        page=button.page,
        text=text,
        instead_of=button.out or None,
        now=context.now(),
    )
    await show(update, context, reader, candidates_card(facts, button.out, reader.language))


async def pick(update: Update, context: Context) -> None:
    """Put somebody on the list, or choose them as the substitute; or say why not."""
    button = PickCandidate.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    line = await context.read(
        candidates.candidate,
        reader.linked_teacher_id,
        button.batch_id,
        button.unit_id,
        button.teacher_id,
        instead_of=button.out or None,
        now=now,
    )
    if not line.fits:
        await alert(update, why_not_text(line, reader.language))
        return
    if button.out:
        await _ask_reason(update, context, reader, button, line.name)
        return
    await context.write(
        candidates.pick,
        reader.account_id,
        button.batch_id,
        button.unit_id,
        button.teacher_id,
        now=now,
    )
    here = OpenCandidates(button.batch_id, button.unit_id, button.page)
    await _show_candidates(update, context, reader, here)


async def ask_name(update: Update, context: Context) -> None:
    """Take the next text as a name to look for."""
    button = FindCandidate.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    awaited = f"candidate:{button.batch_id}:{button.unit_id}:{button.out}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _("Please type a part of the name, or the beginning of a staff number.")
    back = OpenCandidates(button.batch_id, button.unit_id, 0, button.out)
    await show(update, context, reader, Card(text, ((Key(_("Back"), back),),)))


async def name_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show whose name fits what was typed."""
    batch_id, unit_id, out = (int(part) for part in reader.awaiting.split(":")[1:])
    here = OpenCandidates(batch_id, unit_id, 0, out)
    await _show_candidates(update, context, reader, here, text[:LABEL])


async def nominate(update: Update, context: Context) -> None:
    """Nominate who is on the list."""
    button = Nominate.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    now, zone = context.now(), context.house.zone
    back = OpenCandidates(button.batch_id, button.unit_id)
    try:
        done = await context.write(
            _nominate_picked, reader, button.batch_id, button.unit_id, bool(button.sure), now=now
        )
    except Clashing as refusal:
        press = Nominate(button.batch_id, button.unit_id, 1)
        today = now.astimezone(zone).date()
        card = clashing_card(refusal, press, back, reader.language, zone, today)
        await show(update, context, reader, card)
        return
    context.house.wake_delivery()
    if done is None:
        await hush(update)
    else:
        text = (ngettext("{n} person is nominated.", "{n} persons are nominated.", done)).format(
            n=done
        )
        await alert(update, text)
    await show_members(update, context, reader, button.batch_id)


def _nominate_picked(
    session: Session,
    reader: Reader,
    batch_id: int,
    unit_id: int,
    override: bool,
    *,
    now: datetime,
) -> int | None:
    chosen = candidates.picked(session, reader.account_id, batch_id, unit_id)
    if not chosen:
        return None
    done = nominating.nominate(
        session, reader.linked_teacher_id, batch_id, chosen, override=override, now=now
    )
    candidates.forget_picked(session, reader.account_id)
    return done.is_new


async def take_back(update: Update, context: Context) -> None:
    """Take a nomination back."""
    button = TakeBack.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        nominating.take_back,
        reader.linked_teacher_id,
        button.batch_id,
        button.teacher_id,
        now=context.now(),
    )
    context.house.wake_delivery()
    await alert(update, _("Taken back; the seat is free again."))
    await show_members(update, context, reader, button.batch_id)


async def _ask_reason(
    update: Update, context: Context, reader: Reader, button: PickCandidate, name: str
) -> None:
    _ = catalog(reader.language).gettext
    awaited = f"instead:{button.batch_id}:{button.out}:{button.teacher_id}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    text = _(
        "{name} goes instead. Please send the reason in one message; it is kept in the log."
    ).format(name=html.escape(name))
    back = OpenMember(button.batch_id, button.out)
    await show(update, context, reader, Card(text, ((Key(_("Cancel"), back),),)))


async def reason_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the typed text as the reason, and send the other person."""
    batch_id, out, teacher_id = (int(part) for part in reader.awaiting.split(":")[1:])
    now = context.now()
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    data = {"batch_id": batch_id, "out": out, "in": teacher_id, "reason": text}
    await context.write(drafts.keep, reader.account_id, DRAFT, data, now=now)
    await _replace(update, context, reader, batch_id, out, teacher_id, text, override=False)


async def replace_anyway(update: Update, context: Context) -> None:
    """Send the other person although they have something else at that time."""
    button = Replace.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.read(drafts.read, reader.account_id, DRAFT) or {}
    about = (data.get("batch_id"), data.get("out"), data.get("in"))
    if about != (button.batch_id, button.out, button.teacher_id):
        raise NotFound("reason")
    await _replace(
        update,
        context,
        reader,
        button.batch_id,
        button.out,
        button.teacher_id,
        str(data["reason"]),
        override=True,
    )


async def _replace(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    out: int,
    teacher_id: int,
    reason: str,
    *,
    override: bool,
) -> None:
    _ = catalog(reader.language).gettext
    now, zone = context.now(), context.house.zone
    back = OpenMembers(batch_id)
    try:
        done = await context.write(
            substituting.substitute,
            reader.linked_teacher_id,
            batch_id,
            out,
            teacher_id,
            reason,
            override=override,
            now=now,
        )
    except Clashing as refusal:
        press = Replace(batch_id, out, teacher_id)
        today = now.astimezone(zone).date()
        card = clashing_card(refusal, press, back, reader.language, zone, today)
        await show(update, context, reader, card)
        return
    context.house.wake_delivery()
    text = _("{come} goes instead of {gone}. Both are told.").format(
        come=html.escape(done.come), gone=html.escape(done.gone)
    )
    await show(update, context, reader, Card(text, ((Key(_("My people"), back),),)))


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_members(update, context, reader, int(payload))
