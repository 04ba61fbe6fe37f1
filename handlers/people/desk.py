"""The desk: what somebody looks after, in figures, in lists, and one colleague at a time."""

from __future__ import annotations

import html
from datetime import date, datetime
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, shortened, show, tap
from handlers.people import mydata_words
from handlers.people.buttons import (
    FindPerson,
    GiveCode,
    Home,
    OpenDesk,
    OpenPeople,
    OpenPerson,
)
from handlers.people.slips import slips_key
from handlers.training import words
from handlers.wiring import AnyApplication, keys_for, on_command, on_link, on_tap, on_text
from locales import catalog, dates
from storage.moments import local_day
from storage.people import accounts, staff
from storage.people.accounts import Reader
from storage.people.staff import Desk, Found, Issued, People, Person, PersonLine, UnitLine
from storage.people.tables import TeacherState
from storage.refusals import NotAllowed

AWAITED = "find"  # what a typed text answers
UNITS = 8  # on a page
LABEL = 40


def install(application: AnyApplication) -> None:
    on_command(application, "desk", open_desk)
    on_link(application, "desk", _linked)
    on_tap(application, OpenDesk, open_desk)
    on_tap(application, OpenPeople, open_people)
    on_tap(application, OpenPerson, open_person)
    on_tap(application, FindPerson, ask_whom)
    on_tap(application, GiveCode, give_code)
    on_text(application, AWAITED, search_given)


def desk_card(facts: Desk, page: int, language: str, doors: Keys = ()) -> Card:
    """The person's roles, their units with how many have linked, and the doors of the desk."""
    _ = catalog(language).gettext
    lines = [_("<b>My desk</b>")]
    for role, unit in facts.roles:
        name = mydata_words.word("role_assignment", "role", role, language) or role.value
        of = _("{role}, {unit}").format(role=name, unit=unit) if unit else name
        lines.append("· " + html.escape(of))
    if not facts.units:
        lines.append(_("There is nobody on the roster of your units yet."))
    pages = max(1, -(-len(facts.units) // UNITS))
    page = min(max(0, page), pages - 1)
    shown = facts.units[page * UNITS : (page + 1) * UNITS]
    lines += ["", *(_unit_text(unit, language) for unit in shown)]
    keys = [
        (Key(shortened(unit.name, LABEL), OpenPeople(unit.unit_id)),)
        for unit in shown
        if facts.sees_people
    ]
    turn = pager(page, pages, OpenDesk)
    find = (Key(_("Find a teacher"), FindPerson()),) if facts.sees_people else ()
    return Card(
        "\n".join(lines).rstrip(),
        (*doors, *keys, *((turn,) if turn else ()), (*find, Key(_("Back"), Home()))),
    )


def _unit_text(unit: UnitLine, language: str) -> str:
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "<b>{unit}</b>: {n} teacher, {linked} linked.",
        "<b>{unit}</b>: {n} teachers, {linked} linked.",
        unit.people,
    ).format(unit=html.escape(unit.name), n=unit.people, linked=unit.linked)
    if unit.is_unattended:
        text += " " + _("Nobody looks after this school at the moment.")
    return text


def people_card(facts: People, unlinked: bool, language: str) -> Card:
    """A page of people, each a key; a mark says who has linked."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    text = ngettext(
        "<b>{unit}</b>: {n} teacher. Not linked yet: {unlinked}.",
        "<b>{unit}</b>: {n} teachers. Not linked yet: {unlinked}.",
        facts.total,
    ).format(unit=html.escape(facts.unit), n=facts.total, unlinked=facts.unlinked)
    if not facts.lines:
        text += "\n" + (_("Everybody has linked.") if unlinked else _("The list is empty."))
    keys = [(_person_key(line, facts.page, int(unlinked)),) for line in facts.lines]
    turn = pager(
        facts.page, facts.pages, lambda page: OpenPeople(facts.unit_id, page, int(unlinked))
    )
    other = Key(
        _("Show everybody") if unlinked else _("Show who has not linked"),
        OpenPeople(facts.unit_id, 0, int(not unlinked)),
    )
    printed = (slips_key(facts.unit_id, language),) if facts.unlinked else ()
    return Card(
        text,
        (*keys, *((turn,) if turn else ()), (other, *printed), (Key(_("Back"), OpenDesk()),)),
    )


def person_card(
    facts: Person, page: int, unlinked: int, language: str, zone: ZoneInfo, today: date
) -> Card:
    """One colleague: what the roster says, and whether they have linked."""
    _ = catalog(language).gettext
    profile = facts.profile
    subjects = words.joined(profile.subjects, language)
    stage = words.fact_value(profile.stage, language) if profile.stage else ""
    place = [html.escape(profile.school), html.escape(stage), subjects]
    lines = [
        f"<b>{html.escape(profile.name)}</b>",
        _("Staff number: {number}").format(number=html.escape(profile.staff_no)),
        " · ".join(part for part in place if part),
    ]
    if facts.state is not TeacherState.ACTIVE:
        lines.append(html.escape(words.fact_value(facts.state, language)))
    if facts.is_linked:
        lines.append(_("Linked: messages reach this teacher in private."))
    elif facts.code_until is not None:
        until = dates.before(facts.code_until, zone, language, today)
        lines.append(
            _("Not linked yet. A code has been issued; it must be used {until}.").format(
                until=until
            )
        )
    else:
        lines.append(_("Not linked yet, and no code has been issued."))
    label = _("New phone: issue another code") if facts.is_linked else _("Issue a link code")
    style = None if facts.is_linked else "primary"
    back = Key(_("Back"), OpenPeople(profile.unit_id or 0, page, unlinked))
    return Card(
        "\n".join(lines),
        ((Key(label, GiveCode(profile.teacher_id, page, unlinked), style=style),), (back,)),
    )


def code_card(issued: Issued, button: GiveCode, language: str, zone: ZoneInfo, today: date) -> Card:
    """The new code, to be handed over; it is not shown again."""
    _ = catalog(language).gettext
    text = _(
        "Link code for {name}: <code>{code}</code>\n"
        "It works once and must be used {until}; codes issued before do not work any more. "
        "Please hand it over in person or in private. It is not shown again."
    ).format(
        name=html.escape(issued.name),
        code=issued.code,
        until=dates.before(issued.until, zone, language, today),
    )
    back = OpenPerson(button.teacher_id, button.page, button.unlinked)
    return Card(text, ((Key(_("Copy the code"), copies=issued.code),), (Key(_("Back"), back),)))


def found_card(found: Found, language: str) -> Card:
    """Who fits what was typed, each a key; more than a page asks for more letters."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if found.lines:
        text = ngettext("“{text}”: {n} teacher.", "“{text}”: {n} teachers.", found.total).format(
            text=html.escape(found.text), n=found.total
        )
        if found.total > len(found.lines):
            text += " " + _("These are the first; type more of the name to narrow it down.")
    else:
        text = _(
            "Nobody whom you look after is called “{text}”. "
            "A part of the name is enough, or the beginning of a staff number."
        ).format(text=html.escape(found.text))
    keys = [(_person_key(line, 0, 0),) for line in found.lines]
    again = (Key(_("Search again"), FindPerson()), Key(_("Back"), OpenDesk()))
    return Card(text, (*keys, again))


def _person_key(line: PersonLine, page: int, unlinked: int) -> Key:
    mark = "✓" if line.is_linked else "○"
    label = " · ".join(part for part in (line.name, line.beside) if part)
    return Key(f"{mark} {shortened(label, LABEL)}", OpenPerson(line.teacher_id, page, unlinked))


def _today(context: Context) -> tuple[ZoneInfo, date, datetime]:
    now = context.now()
    return context.house.zone, local_day(now, context.house.zone), now


async def open_desk(update: Update, context: Context) -> None:
    """Show what this person looks after."""
    page = OpenDesk.parse(tap(update).data).page if update.callback_query is not None else 0
    await _show_desk(update, context, await context.reader(update), page)


async def _show_desk(update: Update, context: Context, reader: Reader, page: int) -> None:
    facts = await context.read(staff.desk, reader.linked_teacher_id, now=context.now())
    doors = keys_for(context, "desk", facts.acts, reader.language)
    await show(update, context, reader, desk_card(facts, page, reader.language, doors))


async def show_desk(update: Update, context: Context, reader: Reader) -> None:
    """Show the desk, from wherever somebody comes back to it."""
    await _show_desk(update, context, reader, 0)


async def open_people(update: Update, context: Context) -> None:
    """Show a page of a unit's people."""
    button = OpenPeople.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.write(
        staff.people,
        reader.linked_teacher_id,
        button.unit_id,
        page=button.page,
        only_unlinked=bool(button.unlinked),
        now=context.now(),
    )
    await show(update, context, reader, people_card(facts, bool(button.unlinked), reader.language))


async def open_person(update: Update, context: Context) -> None:
    """Show one colleague; the log keeps that it was asked."""
    button = OpenPerson.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    facts = await context.write(staff.person, reader.linked_teacher_id, button.teacher_id, now=now)
    card = person_card(facts, button.page, button.unlinked, reader.language, zone, today)
    await show(update, context, reader, card)


async def ask_whom(update: Update, context: Context) -> None:
    """Take the next text as what to search for."""
    reader = await context.reader(update)
    facts = await context.read(staff.desk, reader.linked_teacher_id, now=context.now())
    if not facts.sees_people:
        raise NotAllowed
    await context.write(accounts.await_text, reader.account_id, AWAITED, now=context.now())
    _ = catalog(reader.language).gettext
    text = _("Please type a part of the name, or the beginning of a staff number.")
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenDesk()),),)))


async def search_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Show who fits the typed text."""
    now = context.now()
    # First of all: whatever comes of it, the next text is not a search.
    await context.write(accounts.await_text, reader.account_id, "", now=now)
    found = await context.write(staff.search, reader.linked_teacher_id, text, now=now)
    await show(update, context, reader, found_card(found, reader.language))


async def give_code(update: Update, context: Context) -> None:
    """Make a link code for one colleague and show it to whoever asked."""
    button = GiveCode.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    issued = await context.write(
        staff.issue_code, reader.linked_teacher_id, button.teacher_id, now=now
    )
    await show(update, context, reader, code_card(issued, button, reader.language, zone, today))


async def _linked(update: Update, context: Context, reader: Reader, _payload: str) -> None:
    await _show_desk(update, context, reader, 0)
