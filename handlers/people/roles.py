"""Roles and deputies: who looks after what, and how that passes from one to another."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button, StaleButton
from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, House, alert, shortened, show, tap
from handlers.messaging.voices import Said, Say
from handlers.people import mydata_words
from handlers.people.buttons import OpenDesk
from handlers.training import times
from handlers.training.words import joined
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_desk, on_tap, on_text
from locales import catalog, dates
from storage.messaging.outbox import Claimed
from storage.moments import local_day
from storage.people import accounts, appointing
from storage.people.accounts import Reader
from storage.people.appointing import (
    AlreadyHeld,
    BadTerm,
    Given,
    Holder,
    NoSubject,
    OwnRole,
    Proposal,
    RoleUnits,
    UnitRoles,
    Yourself,
)
from storage.people.authority import Act
from storage.people.tables import Role
from storage.refusals import Refusal

AWAITED = "role"
AWAITED_DAY = "roleday"
LABEL = 40
GIVE, DEPUTY, OVER = "give", "deputy", "over"
GIVE_DAYS = (0, 365, 30)  # 0 is without an end
DEPUTY_DAYS = (7, 14, 30, 90)
MOST_DAYS = 3660  # of a term, ten years


@dataclass(frozen=True)
class OpenRoles(Button):
    """My roles, and a page of the units where I may appoint."""

    tag = "ro"
    page: int = 0


@dataclass(frozen=True)
class OpenOwnRole(Button):
    """One of my roles: deputy, hand over, lay down."""

    tag = "roo"
    unit_id: int
    role: str


@dataclass(frozen=True)
class OpenUnitRoles(Button):
    """Who holds which role over a unit."""

    tag = "rou"
    unit_id: int


@dataclass(frozen=True)
class AskWhom(Button):
    """The next text says whom; ``way`` is give, deputy or over."""

    tag = "roa"
    unit_id: int
    role: str
    way: str


class NotADay(Refusal):
    """What was typed is no day."""


@dataclass(frozen=True)
class GiveRole(Button):
    """This role to this colleague for so many days; -1 shows the terms, and then once more."""

    tag = "rog"
    unit_id: int
    role: str
    way: str
    teacher_id: int
    days: int = -1
    sure: int = 0


@dataclass(frozen=True)
class EndRole(Button):
    """End this role; asked once more before it is done."""

    tag = "roe"
    assignment_id: int
    unit_id: int
    sure: int = 0


def install(application: AnyApplication) -> None:
    on_desk(application, set(Act), _label, OpenRoles)
    on_tap(application, OpenRoles, open_roles)
    on_tap(application, OpenOwnRole, open_own)
    on_tap(application, OpenUnitRoles, open_unit)
    on_tap(application, AskWhom, ask_whom)
    on_tap(application, GiveRole, give)
    on_tap(application, EndRole, end)
    on_text(application, AWAITED, named)
    on_text(application, AWAITED_DAY, last_day_typed)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Roles, deputies")


def role_name(role: str, language: str) -> str:
    """A role as people say it. Plain text."""
    return mydata_words.word("role_assignment", "role", role, language) or role


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise StaleButton from None


# --- cards ---------------------------------------------------------------------------------


def roles_card(own: tuple[OwnRole, ...], units: RoleUnits, language: str) -> Card:
    """My roles, and the units where I may appoint, those without anybody first."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Roles and deputies</b>")]
    keys: list[tuple[Key, ...]] = []
    for mine in own:
        name = role_name(mine.role, language)
        text = _("· {role}, {unit}").format(role=name, unit=mine.unit)
        lines.append(html.escape(text))
        label = _("{role}, {unit}").format(role=name, unit=mine.unit)
        keys.append((Key(shortened(label, LABEL), OpenOwnRole(mine.unit_id, mine.role.value)),))
    if units.lines:
        lines += ["", _("Where you may appoint:")]
        for unit in units.lines:
            said = ngettext("{unit}: {n} role", "{unit}: {n} roles", unit.holders).format(
                unit=unit.name, n=unit.holders
            )
            keys.append((Key(shortened(said, LABEL), OpenUnitRoles(unit.unit_id)),))
        turn = pager(units.page, units.pages, OpenRoles)
        keys += [turn] if turn else []
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenDesk()),)))


def own_card(mine: OwnRole, language: str, today: date) -> Card:
    """One of my roles and who stands in for me."""
    _ = catalog(language).gettext
    name = role_name(mine.role, language)
    text = _("<b>{role}</b>, {unit}").format(role=name, unit=html.escape(mine.unit))
    lines = [text, *_term_lines(mine.until, mine.deputy_of, language, today)]
    keys: list[tuple[Key, ...]] = []
    for deputy in mine.deputies:
        lines.append(_deputy_text(deputy, language, today))
        label = _("End: {name}").format(name=deputy.name)
        keys.append((Key(label, EndRole(deputy.assignment_id, mine.unit_id)),))
    if not mine.deputy_of:
        role = mine.role.value
        keys.append(
            (
                Key(_("Name a deputy"), AskWhom(mine.unit_id, role, DEPUTY)),
                Key(_("Hand over"), AskWhom(mine.unit_id, role, OVER)),
            )
        )
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRoles()),)))


def _term_lines(until: date | None, deputy_of: str, language: str, today: date) -> list[str]:
    _ = catalog(language).gettext
    lines = []
    if deputy_of:
        lines.append(_("In the stead of {name}.").format(name=html.escape(deputy_of)))
    if until is not None:
        lines.append(_("Until {day}.").format(day=dates.day(until, language, today)))
    return lines


def _deputy_text(deputy: Holder, language: str, today: date) -> str:
    _ = catalog(language).gettext
    return _("Deputy: {name}, until {day}.").format(
        name=html.escape(deputy.name),
        day=dates.day(deputy.until or today, language, today),
    )


def unit_card(facts: UnitRoles, language: str, today: date) -> Card:
    """Who holds which role over a unit, each with a key to end it, and what may be given."""
    _ = catalog(language).gettext
    lines = [f"<b>{html.escape(facts.unit)}</b>"]
    keys: list[tuple[Key, ...]] = []
    if not facts.holders:
        lines.append(_("Nobody holds a role here at the moment."))
    for holder in facts.holders:
        lines.append(_holder_text(holder, language, today))
        if holder.may_end:
            label = _("End: {name}").format(name=holder.name)
            keys.append((Key(label, EndRole(holder.assignment_id, facts.unit_id)),))
    for role in facts.may_give:
        label = _("Appoint: {role}").format(role=role_name(role, language))
        keys.append((Key(shortened(label, LABEL), AskWhom(facts.unit_id, role.value, GIVE)),))
    return Card("\n".join(lines), (*keys, (Key(_("Back"), OpenRoles()),)))


def _holder_text(holder: Holder, language: str, today: date) -> str:
    _ = catalog(language).gettext
    said = _("{name}: {role}").format(
        name=html.escape(holder.name), role=role_name(holder.role, language)
    )
    subjects = joined(holder.subjects, language)
    return " · ".join(
        part
        for part in (said, subjects, *_term_lines(holder.until, holder.deputy_of, language, today))
        if part
    )


def found_card(
    found: tuple[tuple[int, str, str], ...], unit_id: int, role: str, way: str, language: str
) -> Card:
    """Colleagues who fit what was typed, each a key."""
    _ = catalog(language).gettext
    again = (
        Key(_("Search again"), AskWhom(unit_id, role, way)),
        Key(_("Back"), OpenRoles()),
    )
    if not found:
        return Card(_("Nobody of yours fits this. Please check the name."), (again,))
    keys = [
        (Key(shortened(f"{name} · {unit}", LABEL), GiveRole(unit_id, role, way, teacher_id)),)
        for teacher_id, name, unit in found
    ]
    return Card(_("Whom do you mean?"), (*keys, again))


def term_card(asked: GiveRole, facts: Proposal, language: str, today: date) -> Card:
    """For how long."""
    _ = catalog(language).gettext
    text = _(
        "<b>{name}</b> ({number}): {role}, {unit}. Until when? You can type the last day as well."
    ).format(
        name=html.escape(facts.name),
        number=html.escape(facts.staff_no),
        role=role_name(facts.role, language),
        unit=html.escape(facts.unit),
    )
    days = DEPUTY_DAYS if asked.way == DEPUTY else GIVE_DAYS
    keys = [
        (
            Key(
                dates.day(today + timedelta(days=n), language, today) if n else _("No end"),
                GiveRole(asked.unit_id, asked.role, asked.way, asked.teacher_id, n),
            ),
        )
        for n in days
    ]
    return Card(text, (*keys, (Key(_("Back"), OpenRoles()),)))


def sure_card(asked: GiveRole, facts: Proposal, language: str, today: date) -> Card:
    """What is about to be done, once more."""
    _ = catalog(language).gettext
    named = {
        "name": html.escape(facts.name),
        "number": html.escape(facts.staff_no),
        "role": role_name(facts.role, language),
        "unit": html.escape(facts.unit),
        "day": dates.day(today + timedelta(days=asked.days), language, today),
    }
    match asked.way:
        case "over":
            text = _(
                "You hand your role over to {name} ({number}): {role}, {unit}. "
                "You will not hold it any more; for ten minutes you can undo this."
            )
        case "deputy":
            text = _(
                "{name} ({number}) may do everything that you may do as {role}, {unit}, "
                "until {day}. You keep your role."
            )
        case _ if asked.days:
            text = _("{name} ({number}) becomes {role}, {unit}, until {day}.")
        case _:
            text = _("{name} ({number}) becomes {role}, {unit}.")
    lines = [text.format(**named)]
    if facts.subjects:
        lines.append(_("For: {subjects}").format(subjects=joined(facts.subjects, language)))
    yes = GiveRole(asked.unit_id, asked.role, asked.way, asked.teacher_id, asked.days, 1)
    return Card(
        "\n".join(lines),
        (
            (Key(_("Yes, do it"), yes, style="primary"),),
            (Key(_("Back"), OpenRoles()),),
        ),
    )


def given_card(given: Given, language: str) -> Card:
    """What was done."""
    _ = catalog(language).gettext
    text = (
        _("{name} is now {role}, {unit}, and has been told.")
        if given.deed_id is None
        else _(
            "{name} is now {role}, {unit}, and is told in ten minutes; until then you can undo it."
        )
    ).format(
        name=html.escape(given.name),
        role=role_name(given.role, language),
        unit=html.escape(given.unit),
    )
    undo = ((undo_key(given.deed_id, language),),) if given.deed_id is not None else ()
    keys: Keys = (*undo, (Key(_("Back"), OpenRoles()),))
    return Card(text, keys)


# --- what comes in -------------------------------------------------------------------------


async def open_roles(update: Update, context: Context) -> None:
    """Show my roles, and where I may appoint."""
    button = OpenRoles.parse(tap(update).data)
    await _show_roles(update, context, await context.reader(update), button.page)


async def _show_roles(update: Update, context: Context, reader: Reader, page: int = 0) -> None:
    now, me = context.now(), reader.linked_teacher_id
    own = await context.read(appointing.own_roles, me, now=now)
    units = await context.read(appointing.units, me, page=page, now=now)
    await show(update, context, reader, roles_card(own, units, reader.language))


async def open_own(update: Update, context: Context) -> None:
    """Show one of my roles."""
    button = OpenOwnRole.parse(tap(update).data)
    reader = await context.reader(update)
    now = context.now()
    own = await context.read(appointing.own_roles, reader.linked_teacher_id, now=now)
    for mine in own:
        if (mine.unit_id, mine.role) == (button.unit_id, _role(button.role)):
            card = own_card(mine, reader.language, _today(context))
            await show(update, context, reader, card)
            return
    await _show_roles(update, context, reader)


async def open_unit(update: Update, context: Context) -> None:
    """Show who holds which role over a unit."""
    button = OpenUnitRoles.parse(tap(update).data)
    await _show_unit(update, context, await context.reader(update), button.unit_id)


async def _show_unit(update: Update, context: Context, reader: Reader, unit_id: int) -> None:
    facts = await context.read(
        appointing.unit_roles, reader.linked_teacher_id, unit_id, now=context.now()
    )
    await show(update, context, reader, unit_card(facts, reader.language, _today(context)))


async def ask_whom(update: Update, context: Context) -> None:
    """Take the next text as whom the role is for."""
    button = AskWhom.parse(tap(update).data)
    reader = await context.reader(update)
    _role(button.role)
    awaited = f"{AWAITED}:{button.unit_id}:{button.role}:{button.way}"
    await context.write(accounts.await_text, reader.account_id, awaited, now=context.now())
    _ = catalog(reader.language).gettext
    text = _("Whom? Please type a part of the name, or the beginning of a staff number.")
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenRoles()),),)))


async def named(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who fits the typed name; another name may follow."""
    now = context.now()
    _prefix, unit_id, role, way = reader.awaiting.split(":")
    found = await context.write(
        appointing.candidates, reader.linked_teacher_id, int(unit_id), text, now=now
    )
    card = found_card(found, int(unit_id), role, way, reader.language)
    await show(update, context, reader, card)


async def give(update: Update, context: Context) -> None:
    """Ask for the term, then once more, then give, deputise or hand over."""
    asked = GiveRole.parse(tap(update).data)
    reader = await context.reader(update)
    role, me, now = _role(asked.role), reader.linked_teacher_id, context.now()
    today = _today(context)
    if not -1 <= asked.days <= MOST_DAYS:
        raise StaleButton
    if asked.sure:
        given = await _given(context, me, role, asked, today)
        context.house.wake_delivery()
        await show(update, context, reader, given_card(given, reader.language))
        return
    facts = await context.write(
        appointing.propose, me, asked.teacher_id, role, asked.unit_id, now=now
    )
    if asked.way != OVER and asked.days < 0:
        card = term_card(asked, facts, reader.language, today)
        awaited = f"{AWAITED_DAY}:{asked.unit_id}:{asked.role}:{asked.way}:{asked.teacher_id}"
        await context.write(accounts.await_text, reader.account_id, awaited, now=now)
    else:
        card = sure_card(asked, facts, reader.language, today)
    await show(update, context, reader, card)


async def last_day_typed(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Take the typed last day of a role, and ask once more; a better day may follow."""
    _prefix, unit_id, role, way, teacher_id = reader.awaiting.split(":")
    today, now = _today(context), context.now()
    said = times.days(text, now, context.house.zone)
    if said is None or said.ends_at - said.starts_at > timedelta(days=1):
        raise NotADay
    days = (local_day(said.starts_at, context.house.zone) - today).days
    if days < 0 or days > (appointing.LONGEST_DEPUTY.days if way == DEPUTY else MOST_DAYS):
        raise BadTerm
    # No end is 0 for a role, so one that ends today ends when tomorrow begins.
    asked = GiveRole(int(unit_id), role, way, int(teacher_id), days if way == DEPUTY else days or 1)
    facts = await context.write(
        appointing.propose,
        reader.linked_teacher_id,
        asked.teacher_id,
        _role(role),
        asked.unit_id,
        now=now,
    )
    await show(update, context, reader, sure_card(asked, facts, reader.language, today))


async def _given(context: Context, me: int, role: Role, asked: GiveRole, today: date) -> Given:
    now, whom = context.now(), asked.teacher_id
    if asked.way == OVER:
        return await context.write(appointing.hand_over, me, whom, role, asked.unit_id, now=now)
    until = today + timedelta(days=asked.days)
    if asked.way == DEPUTY:
        return await context.write(
            appointing.deputise, me, whom, role, asked.unit_id, until=until, now=now
        )
    facts = await context.write(appointing.propose, me, whom, role, asked.unit_id, now=now)
    return await context.write(
        appointing.give,
        me,
        whom,
        role,
        asked.unit_id,
        until=until if asked.days > 0 else None,
        subjects=facts.subjects,
        now=now,
    )


async def end(update: Update, context: Context) -> None:
    """Ask once more, then end a role."""
    button = EndRole.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    if not button.sure:
        yes = EndRole(button.assignment_id, button.unit_id, 1)
        keys = (
            (Key(_("Yes, end it"), yes, style="danger"),),
            (Key(_("Back"), OpenRoles()),),
        )
        text = _(
            "Do you want to end this role today? Deputies of this person end with it. "
            "What has been done so far stays."
        )
        await show(update, context, reader, Card(text, keys))
        return
    ended = await context.write(
        appointing.end, reader.linked_teacher_id, button.assignment_id, now=context.now()
    )
    context.house.wake_delivery()
    if ended is None:
        await alert(update, _("This role had ended already."))
    else:
        await alert(update, _("{name} does not hold this role any more.").format(name=ended.name))
    await _show_roles(update, context, reader)


# --- voices --------------------------------------------------------------------------------


async def given_voice(house: House, row: Claimed) -> Said:
    """Somebody was given a role."""
    today = local_day(house.clock(), house.zone)
    return Say(told_card(row.facts, row.language, today))


async def ended_voice(_house: House, row: Claimed) -> Said:
    """Somebody's role was ended by somebody else."""
    _ = catalog(row.language).gettext
    text = _("Your role has ended: {role}, {unit}. Thank you for your work.").format(
        role=role_name(row.facts["role"], row.language), unit=html.escape(row.facts["unit"])
    )
    return Say(Card(text))


def told_card(facts: dict[str, str], language: str, today: date) -> Card:
    """You look after this now, and here is your desk."""
    _ = catalog(language).gettext
    lines = [
        _("You are now {role}, {unit}.").format(
            role=role_name(facts["role"], language), unit=html.escape(facts["unit"])
        )
    ]
    until = date.fromisoformat(facts["until"]) if facts["until"] else None
    lines += _term_lines(until, facts["deputy_of"], language, today)
    lines.append(_("What you look after is on your desk: /desk"))
    return Card("\n".join(lines), ((Key(_("My desk"), OpenDesk()),),))


def roles_text(refusal: Refusal, language: str, _zone: ZoneInfo, _now: object) -> str:
    """Why not; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case Yourself():
            return _("Nobody stands in for themselves. Please choose a colleague.")
        case NotADay():
            return _("I could not read a day in this. Please type the last day, such as Dec 18.")
        case BadTerm():
            return _("The last day must be today or later, and within a year for a deputy.")
        case NoSubject():
            return _(
                "This role is for a subject, and the roster says none for this colleague. "
                "Please let the roster be completed first."
            )
        case AlreadyHeld():
            return _("This colleague holds the same role already.")
        case _:
            return ""


def _today(context: Context) -> date:
    return local_day(context.now(), context.house.zone)
