"""My people in a class: nominating, taking back, and sending somebody else instead."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, alert, hush, shortened, show, tap
from handlers.training import words
from handlers.training.allotting import reserves_text
from handlers.training.buttons import OpenRun
from handlers.training.conditions_words import unfit_text
from handlers.wiring import AnyApplication, on_link, on_run, on_tap, on_text
from locales import catalog, dates, names
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound, Refusal
from storage.training import candidates, my_people, nominating, substituting
from storage.training.candidates import Candidate, Candidates
from storage.training.my_people import Member, MyPeople
from storage.training.nominations import (
    Clashing,
    DoesNotFit,
    FewerSeats,
    IsIn,
    ListReported,
    NominationClosed,
    NoSeatLeft,
    NotByNomination,
    NotReplaceable,
    ReasonMissing,
    SeatReserved,
    TooManyAtOnce,
)
from storage.training.tables import Enrolment

DRAFT = "replace"
LABEL = 40
UNITS = 8


@dataclass(frozen=True)
class OpenMembers(Button):
    """My people in a class."""

    tag = "nm"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenMember(Button):
    """One of my people in a class, on a page of them."""

    tag = "no"
    batch_id: int
    teacher_id: int
    page: int = 0


@dataclass(frozen=True)
class PickUnit(Button):
    """Choose the school whose people are nominated."""

    tag = "nu"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class OpenCandidates(Button):
    """A school's people for choosing; ``out`` is whom the chosen one replaces, or 0."""

    tag = "nc"
    batch_id: int
    unit_id: int
    page: int = 0
    out: int = 0


@dataclass(frozen=True)
class PickCandidate(Button):
    """Put somebody on the list, or take them off; why not, for whoever does not fit."""

    tag = "np"
    batch_id: int
    unit_id: int
    page: int
    out: int
    teacher_id: int


@dataclass(frozen=True)
class FindCandidate(Button):
    """Search a school's people by name."""

    tag = "nf"
    batch_id: int
    unit_id: int
    out: int = 0


@dataclass(frozen=True)
class Nominate(Button):
    """Nominate who is on the list; 1 although they have something else at that time."""

    tag = "ns"
    batch_id: int
    unit_id: int
    sure: int = 0


@dataclass(frozen=True)
class TakeBack(Button):
    """Take a nomination back."""

    tag = "nb"
    batch_id: int
    teacher_id: int


@dataclass(frozen=True)
class Replace(Button):
    """Send this one instead, although there is something else at that time."""

    tag = "nx"
    batch_id: int
    out: int
    teacher_id: int


def install(application: AnyApplication) -> None:
    on_run(application, (Act.NOMINATE,), _label, OpenMembers)
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


# --- words -----------------------------------------------------------------------------------


def members_card(facts: MyPeople, language: str, zone: ZoneInfo, today: date) -> Card:
    """My schools' seats and people in a class."""
    _ = catalog(language).gettext
    lines = [_("<b>My people: {title}</b>").format(title=html.escape(facts.title))]
    for unit in facts.units[:UNITS]:
        if unit.seats is not None:
            lines.append(
                _("{school}: {left} of {seats} seats left").format(
                    school=html.escape(unit.name),
                    left=unit.seats - unit.taken,
                    seats=unit.seats,
                )
            )
        if any(unit.reserved.values()):
            lines.append(
                _("  reserved: {kinds}; not filled yet: {n}").format(
                    kinds=html.escape(reserves_text(unit.reserved, language)), n=unit.unfilled
                )
            )
    if facts.pool_left:
        lines.append(_("Seats open to all schools: {n}").format(n=facts.pool_left))
    if facts.may_nominate and facts.nominate_close is not None:
        lines.append(
            _("Nominate {before}.").format(
                before=dates.before(facts.nominate_close, zone, language, today)
            )
        )
    elif facts.enrolment is Enrolment.NOMINATION:
        lines.append(_("Nominations are closed."))
    if facts.roster_date is not None:
        lines.append(
            _("The list can be changed {before}; after that through the county.").format(
                before=dates.before(facts.roster_date, zone, language, today)
            )
        )
    if facts.release_at is not None:
        lines.append(
            _("Unused seats of schools go to everybody on {time}.").format(
                time=dates.moment(facts.release_at, zone, language, today)
            )
        )
    if not facts.members:
        lines.append(_("None of your people is in this class yet."))
    keys = [
        (
            Key(
                shortened(
                    _("{name}: {state}").format(
                        name=member.name, state=words.standing(member.state, language)
                    ),
                    LABEL,
                ),
                OpenMember(facts.batch_id, member.teacher_id, facts.page),
            ),
        )
        for member in facts.members
    ]
    turn = pager(facts.page, facts.pages, lambda page: OpenMembers(facts.batch_id, page))
    start = []
    if facts.may_nominate:
        press = (
            OpenCandidates(facts.batch_id, facts.units[0].unit_id)
            if len(facts.units) == 1
            else PickUnit(facts.batch_id)
        )
        start = [(Key(_("Nominate"), press, style="primary"),)]
    back = (Key(_("Back"), OpenRun(facts.batch_id)),)
    return Card("\n".join(lines), (*start, *keys, *((turn,) if turn else ()), back))


def member_card(facts: MyPeople, member: Member, language: str) -> Card:
    """One of my people in a class, and what can be done."""
    _ = catalog(language).gettext
    lines = [
        f"<b>{html.escape(member.name)}</b>",
        html.escape(member.unit),
        html.escape(names.titles([facts.title], language)),
        words.standing(member.state, language),
    ]
    keys = []
    if "replace" in member.may:
        press = OpenCandidates(facts.batch_id, member.unit_id, 0, member.teacher_id)
        keys.append((Key(_("Send another"), press),))
    if "take_back" in member.may:
        keys.append((Key(_("Take back"), TakeBack(facts.batch_id, member.teacher_id)),))
    back = (Key(_("Back"), OpenMembers(facts.batch_id, facts.page)),)
    return Card("\n".join(lines), (*keys, back))


def candidates_card(facts: Candidates, out: int, language: str) -> Card:
    """A school's people: those who fit first, with a mark for who is on the list."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    batch_id, unit_id = facts.batch_id, facts.unit_id
    title = html.escape(facts.title)
    if out:
        lines = [
            _("<b>Who goes instead of {name}?</b>").format(name=html.escape(facts.instead_of)),
            html.escape(names.titles([facts.title], language)),
        ]
    else:
        lines = [_("<b>Nominate: {title}</b>").format(title=title)]
    if facts.text:
        lines.append(_("Found for “{text}”:").format(text=html.escape(facts.text)))
    lines.append(
        ngettext(
            "{school}: {n} person fits, of {total}. A dot stands before who does not; tap to "
            "see why.",
            "{school}: {n} persons fit, of {total}. A dot stands before who does not; tap to "
            "see why.",
            facts.fitting,
        ).format(school=html.escape(facts.unit), n=facts.fitting, total=facts.total)
    )
    if facts.picked and not out:
        separator = ", " if language == "en" else "、"
        lines.append(
            _("On the list: {names}").format(
                names=html.escape(shortened(separator.join(facts.picked), 300))
            )
        )
    keys = []
    for line in facts.lines:
        mark = "·" if not line.fits else ("✓" if line.is_picked and not out else "○")
        label = " · ".join(part for part in (line.name, line.beside) if part)
        press = PickCandidate(batch_id, unit_id, facts.page, out, line.teacher_id)
        keys.append((Key(shortened(f"{mark} {label}", LABEL), press),))
    turn = pager(facts.page, facts.pages, lambda page: OpenCandidates(batch_id, unit_id, page, out))
    if facts.picked and not out:
        label = _("Nominate {n}").format(n=len(facts.picked))
        keys.insert(0, (Key(label, Nominate(batch_id, unit_id), style="success"),))
    back = OpenMember(batch_id, out) if out else OpenMembers(batch_id)
    rows = (
        *keys,
        *((turn,) if turn and not facts.text else ()),
        (
            Key(_("Search"), FindCandidate(batch_id, unit_id, out)),
            Key(
                _("Everybody") if facts.text else _("Back"),
                OpenCandidates(batch_id, unit_id, 0, out) if facts.text else back,
            ),
        ),
    )
    return Card("\n".join(lines), rows)


def why_not_text(line: Candidate, language: str) -> str:
    """Why somebody cannot be chosen. Plain text."""
    _ = catalog(language).gettext
    if line.state is not None:
        return _("{name} is in this class already: {state}").format(
            name=line.name, state=words.standing(line.state, language)
        )
    return _("{name} does not fit: {reasons}.").format(
        name=line.name, reasons=html.unescape(unfit_text(line.misfits, language))
    )


def clashing_card(
    refusal: Clashing, press: Button, back: Button, language: str, zone: ZoneInfo, today: date
) -> Card:
    """What those on the list would miss; the school may insist."""
    _ = catalog(language).gettext
    lines = [_("<b>At the same time there is something else:</b>")]
    lines += [
        _("· {name}: {title}, {when}").format(
            name=html.escape(name),
            title=html.escape(clash.title),
            when=dates.span(clash.starts_at, clash.ends_at, zone, language, today),
        )
        for name, clash in refusal.clashing[:10]
    ]
    lines.append(_("If you want it so all the same, that is kept with the decision."))
    keys = ((Key(_("All the same"), press, style="danger"),), (Key(_("Back"), back),))
    return Card("\n".join(lines), keys)


def nominating_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why somebody is not nominated or replaced; empty for what is not ours."""
    _ = catalog(language).gettext
    today = now.astimezone(zone).date()
    match refusal:
        case NominationClosed(closed_at=closed_at):
            return _("Nominations closed on {time}.").format(
                time=dates.moment(closed_at, zone, language, today)
            )
        case NotByNomination():
            return _("Schools do not nominate for this programme.")
        case FewerSeats(left=left, wanted=wanted):
            ngettext = catalog(language).ngettext
            return ngettext(
                "You have chosen {wanted}, but only {n} seat is left for them. Please choose "
                "fewer, or ask the organiser.",
                "You have chosen {wanted}, but only {n} seats are left for them. Please choose "
                "fewer, or ask the organiser.",
                left,
            ).format(wanted=wanted, n=left)
        case NoSeatLeft(seats=seats):
            return _(
                "There is no seat left for your school, which has {n} in this class. "
                "Please take a nomination back first, or ask the organiser."
            ).format(n=seats)
        case SeatReserved(name=name, reserved=reserved):
            return _(
                "The seats that are left are reserved ({kinds}), and {name} does not fill them."
            ).format(name=name, kinds=reserves_text(reserved, language))
        case DoesNotFit(name=name, misfits=misfits):
            return _("{name} does not fit: {reasons}.").format(
                name=name, reasons=html.unescape(unfit_text(misfits, language))
            )
        case IsIn(name=name, state=state):
            return _("{name} is in this class already: {state}").format(
                name=name, state=words.standing(state, language)
            )
        case Clashing():
            return _("At the same time there is something else.")
        case ListReported(roster_date=roster_date):
            return _(
                "The list was reported on {time}; it is changed through the county now."
            ).format(time=dates.moment(roster_date, zone, language, today))
        case NotReplaceable(name=name):
            return _("Nothing can be changed about {name} here any more.").format(name=name)
        case ReasonMissing():
            return _("Please give a reason.")
        case TooManyAtOnce():
            return _("Please nominate these first; the list is full.")
    return ""


# --- what a tap does -------------------------------------------------------------------------


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
