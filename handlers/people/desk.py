"""The desk: what somebody looks after, in figures, in lists, and one colleague at a time."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, Keys, pager
from handlers.context import Context, alert, shortened, show, tap
from handlers.credits.words import amount, of_total
from handlers.people import mydata_words
from handlers.people.buttons import (
    FindPerson,
    GiveCode,
    Home,
    MarkContacted,
    OpenDesk,
    OpenPeople,
    OpenPerson,
    OpenUnits,
    OpenUnreached,
    OpenWaiting,
)
from handlers.people.slips import slips_key
from handlers.people.waiting_text import waiting_text
from handlers.training import words
from handlers.training.buttons import OpenRun
from handlers.wiring import (
    AnyApplication,
    keys_for,
    on_command,
    on_link,
    on_tap,
    on_text,
    way_to,
)
from locales import catalog, dates
from storage import colleague, overview
from storage.colleague import Colleague
from storage.moments import local_day
from storage.overview import FirstStep, Overview
from storage.people import accounts, reaching, staff
from storage.people.accounts import Reader
from storage.people.reaching import Unreached, Why
from storage.people.staff import Desk, Found, Issued, People, PersonLine, UnitLine
from storage.people.tables import TeacherState
from storage.refusals import NotAllowed
from storage.waiting_for import Waiting, gathered

AWAITED = "find"  # what a typed text answers
UNITS = 8  # on a page
WAITING = 8  # lines of classes, and keys in a row; more are said by kind, so that none is hidden
LABEL = 40


def install(application: AnyApplication) -> None:
    on_command(application, "desk", open_desk)
    on_link(application, "desk", _linked)
    on_tap(application, OpenDesk, open_desk)
    on_tap(application, OpenWaiting, open_waiting)
    on_tap(application, OpenUnits, open_units)
    on_tap(application, OpenPeople, open_people)
    on_tap(application, OpenPerson, open_person)
    on_tap(application, OpenUnreached, open_unreached)
    on_tap(application, MarkContacted, mark_contacted)
    on_tap(application, FindPerson, ask_whom)
    on_tap(application, GiveCode, give_code)
    on_text(application, AWAITED, search_given)


def desk_card(
    facts: Overview,
    language: str,
    doors: Keys = (),
    way: Callable[[str, int], Button | None] = lambda _kind, _batch_id: None,
) -> Card:
    """The person's roles, what waits for them today, their people in figures, and the doors.

    What waits in a class has a number, and a key of that number leads to it (``way``), or to the
    class; where a line is of several classes, to the list of them.
    """
    _ = catalog(language).gettext
    desk = facts.desk
    lines = [_("<b>My desk</b>")]
    for role, unit in desk.roles:
        name = mydata_words.word("role_assignment", "role", role, language) or role.value
        of = _("{role}, {unit}").format(role=name, unit=unit) if unit else name
        lines.append("· " + html.escape(of))
    figures = _people_lines(desk, language)
    lines += ["", *figures] if figures else []
    if facts.first_steps:
        lines += ["", _("<b>First steps</b>")]
        lines += ["· " + _first_step_text(step, language) for step in facts.first_steps]
    elif desk.acts and not facts.waiting:
        lines.append(_("Nothing waits for you at the moment."))
    if facts.waiting:
        lines += ["", _("<b>Waiting for you</b>")]
    to_classes: list[Key] = []
    few = len(facts.waiting) <= WAITING
    for each in facts.waiting if few else gathered(facts.waiting):
        text = waiting_text(each, language)
        if each.batch_id:
            number = str(len(to_classes) + 1)
            to_it: Button = OpenWaiting(each.kind)
            if each.classes == 1:
                to_it = way(each.kind, each.batch_id) or OpenRun(each.batch_id)
            to_classes.append(Key(number, to_it))
            lines.append(f"{number}. {text}")
        else:
            lines.append(f"· {text}")
    people: list[Key] = []
    if len(desk.units) == 1 and desk.sees_people:
        own = desk.units[0]
        people.append(Key(shortened(own.name, LABEL), OpenPeople(own.unit_id)))
    elif desk.units:
        people.append(Key(_("Schools and people"), OpenUnits()))
    if desk.sees_people:
        people.append(Key(_("Find a teacher"), FindPerson()))
    return Card(
        "\n".join(lines).rstrip(),
        (
            tuple(to_classes[:WAITING]),
            tuple(to_classes[WAITING:]),
            *doors,
            tuple(people),
            (Key(_("Back"), Home()),),
        ),
    )


def waiting_card(
    of_kind: Sequence[Waiting],
    kind: str,
    page: int,
    language: str,
    way: Callable[[str, int], Button | None],
) -> Card:
    """The classes in which something of a kind waits, each with how much and a key to it."""
    _ = catalog(language).gettext
    lines = [_("<b>Waiting for you</b>")]
    if not of_kind:
        lines.append(_("Nothing waits for you at the moment."))
    pages = max(1, -(-len(of_kind) // UNITS))
    page = min(max(0, page), pages - 1)
    keys: list[tuple[Key, ...]] = []
    shown = of_kind[page * UNITS : (page + 1) * UNITS]
    for number, each in enumerate(shown, page * UNITS + 1):
        lines.append(f"{number}. {waiting_text(each, language)}")
        to_it = way(kind, each.batch_id) or OpenRun(each.batch_id)
        keys.append((Key(shortened(f"{number}. {each.title}", LABEL), to_it),))
    turn = pager(page, pages, lambda number: OpenWaiting(kind, number))
    return Card(
        "\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenDesk()),))
    )


def _first_step_text(step: FirstStep, language: str) -> str:
    _ = catalog(language).gettext
    return {
        FirstStep.ROSTER: _(
            "Bring in your schools and teachers: tap “Import a roster”, or send me your list as "
            "an Excel file."
        ),
        FirstStep.PROGRAMME: _("Make the first programme: tap “Programmes”."),
    }[step]


def _people_lines(desk: Desk, language: str) -> list[str]:
    """The people looked after in figures: of one unit, or of all together."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not desk.units:
        return [_("There is nobody on the roster of your units yet.")] if desk.looks_after else []
    if len(desk.units) == 1:
        return [_unit_text(desk.units[0], language)]
    text = ngettext("{n} unit", "{n} units", len(desk.units)).format(n=len(desk.units))
    people = sum(unit.people for unit in desk.units)
    linked = sum(unit.linked for unit in desk.units)
    figures = ngettext(
        "{n} teacher, {linked} linked", "{n} teachers, {linked} linked", people
    ).format(n=people, linked=linked)
    lines = [_("{units}: {figures}.").format(units=text, figures=figures)]
    alone = [unit.name for unit in desk.units if unit.is_unattended]
    if alone:
        lines.append(
            ngettext(
                "Nobody looks after {n} school at the moment: {schools}.",
                "Nobody looks after {n} schools at the moment: {schools}.",
                len(alone),
            ).format(n=len(alone), schools=html.escape(_listed(alone, language)))
        )
    return lines


def _listed(names: list[str], language: str, shown: int = 3) -> str:
    """The first few names, and that there are more."""
    _ = catalog(language).gettext
    said = (", " if language == "en" else "、").join(names[:shown])
    return said if len(names) <= shown else _("{names} and others").format(names=said)


def units_card(desk: Desk, page: int, language: str) -> Card:
    """The units that one looks after, a page of them, each a key where names may be seen."""
    _ = catalog(language).gettext
    pages = max(1, -(-len(desk.units) // UNITS))
    page = min(max(0, page), pages - 1)
    shown = desk.units[page * UNITS : (page + 1) * UNITS]
    lines = [_("<b>Schools and people</b>"), *(_unit_text(unit, language) for unit in shown)]
    if not shown:
        lines.append(_("There is nobody on the roster of your units yet."))
    keys = [
        (Key(shortened(unit.name, LABEL), OpenPeople(unit.unit_id)),)
        for unit in shown
        if desk.sees_people
    ]
    turn = pager(page, pages, OpenUnits)
    return Card(
        "\n".join(lines), (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenDesk()),))
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
        (
            *keys,
            *((turn,) if turn else ()),
            (other, Key(_("Not reached"), OpenUnreached(facts.unit_id))),
            *((printed,) if printed else ()),
            (Key(_("Back"), OpenDesk()),),
        ),
    )


def person_card(
    seen: Colleague, page: int, unlinked: int, language: str, zone: ZoneInfo, today: date
) -> Card:
    """One colleague: the roster, whether they have linked, and as far as one may see, more."""
    _ = catalog(language).gettext
    facts = seen.person
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
    if facts.is_reached:
        lines.append(_("Linked: messages reach this teacher in private."))
    elif facts.is_linked:
        lines.append(
            _("Linked, but messages do not arrive: the chat with this assistant is closed.")
        )
    elif facts.code_until is not None:
        until = dates.before(facts.code_until, zone, language, today)
        lines.append(
            _("Not linked yet. A code has been issued; it must be used {until}.").format(
                until=until
            )
        )
    else:
        lines.append(_("Not linked yet, and no code has been issued."))
    if seen.contacted_at is not None:
        day = dates.day(seen.contacted_at.astimezone(zone).date(), language, today)
        lines.append(_("Last spoken with: {day}").format(day=day))
    lines += _more_lines(seen, language)
    contact = Key(
        _("Mark as contacted"), MarkContacted(profile.teacher_id, page, unlinked, "person")
    )
    label = _("New phone: issue another code") if facts.is_linked else _("Issue a link code")
    style = None if facts.is_linked else "primary"
    back = Key(_("Back"), OpenPeople(profile.unit_id or 0, page, unlinked))
    return Card(
        "\n".join(lines),
        (
            (Key(label, GiveCode(profile.teacher_id, page, unlinked), style=style),),
            (contact, back),
        ),
    )


def _more_lines(seen: Colleague, language: str) -> list[str]:
    """This year's hours and the registrations, as far as the reader's scope shows them."""
    _ = catalog(language).gettext
    lines = []
    if seen.hours is not None:
        done = (
            amount(seen.hours.counted, seen.hours.unit, language)
            if seen.hours.floor is None
            else of_total(seen.hours.counted, seen.hours.floor, seen.hours.unit, language)
        )
        lines += ["", _("This year ({year}): {done}").format(year=seen.hours.year, done=done)]
    if seen.registrations:
        lines += ["", _("Registrations:")]
        lines += [
            "· "
            + _("{title}: {state}").format(
                title=html.escape(title), state=words.standing(state, language)
            )
            for title, state in seen.registrations
        ]
    return lines


def unreached_card(facts: Unreached, language: str, zone: ZoneInfo, today: date) -> Card:
    """Whom messages do not reach; a tap on a name notes that one has spoken with them."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    if not facts.total:
        text = _("<b>{unit}</b>: messages reach everybody.").format(unit=html.escape(facts.unit))
        return Card(text, ((Key(_("Back"), OpenPeople(facts.unit_id)),),))
    text = ngettext(
        "<b>{unit}</b>: messages do not reach {n} teacher; {contacted} spoken with.",
        "<b>{unit}</b>: messages do not reach {n} teachers; {contacted} spoken with.",
        facts.total,
    ).format(unit=html.escape(facts.unit), n=facts.total, contacted=facts.contacted)
    lines = [text]
    for line in facts.lines:
        why = (
            _("has not linked") if line.why is Why.NOT_LINKED else _("has closed the private chat")
        )
        said = _("{name}: {why}").format(name=html.escape(line.name), why=why)
        if line.lost:
            said += " · " + ngettext("{n} message lost", "{n} messages lost", line.lost).format(
                n=line.lost
            )
        if line.contacted_at is not None:
            day = dates.day(line.contacted_at.astimezone(zone).date(), language, today)
            said += " · " + _("spoken with on {day}").format(day=day)
        lines.append("· " + said)
    lines.append(_("Tap a name once you have spoken with the teacher; tap again to take it back."))
    keys = [
        (
            Key(
                f"{'✓' if line.contacted_at is not None else '○'} {shortened(line.name, LABEL)}",
                MarkContacted(line.teacher_id, facts.page, facts.unit_id, "list"),
            ),
        )
        for line in facts.lines
    ]
    turn = pager(facts.page, facts.pages, lambda page: OpenUnreached(facts.unit_id, page))
    back = (Key(_("Back"), OpenPeople(facts.unit_id)),)
    return Card("\n".join(lines), (*keys, *((turn,) if turn else ()), back))


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
    """Show what this person looks after, and what waits."""
    await show_desk(update, context, await context.reader(update))


async def open_units(update: Update, context: Context) -> None:
    """Show a page of the units that this person looks after."""
    button = OpenUnits.parse(tap(update).data)
    reader = await context.reader(update)
    facts = await context.read(staff.desk, reader.linked_teacher_id, now=context.now())
    await show(update, context, reader, units_card(facts, button.page, reader.language))


async def show_desk(update: Update, context: Context, reader: Reader) -> None:
    """Show the desk, from wherever somebody comes back to it."""
    facts = await context.read(overview.overview, reader.linked_teacher_id, now=context.now())
    waiting = (*facts.waiting, Waiting("undo", facts.undoable))
    doors = keys_for(context, "desk", facts.desk.acts, reader.language, waiting=waiting)
    await show(
        update, context, reader, desk_card(facts, reader.language, doors, partial(way_to, context))
    )


async def open_waiting(update: Update, context: Context) -> None:
    """Show the classes in which something of one kind waits."""
    button = OpenWaiting.parse(tap(update).data)
    reader = await context.reader(update)
    found = await context.read(overview.waiting, reader.linked_teacher_id, now=context.now())
    of_kind = [each for each in found if each.kind == button.kind and each.batch_id]
    way = partial(way_to, context)
    card = waiting_card(of_kind, button.kind, button.page, reader.language, way)
    await show(update, context, reader, card)


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
    facts = await context.write(
        colleague.colleague, reader.linked_teacher_id, button.teacher_id, now=now
    )
    card = person_card(facts, button.page, button.unlinked, reader.language, zone, today)
    await show(update, context, reader, card)


async def open_unreached(update: Update, context: Context) -> None:
    """Show whom messages do not reach."""
    button = OpenUnreached.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_unreached(update, context, reader, button.unit_id, button.page)


async def _show_unreached(
    update: Update, context: Context, reader: Reader, unit_id: int, page: int
) -> None:
    zone, today, now = _today(context)
    facts = await context.write(
        reaching.unreached, reader.linked_teacher_id, unit_id, page=page, now=now
    )
    await show(update, context, reader, unreached_card(facts, reader.language, zone, today))


async def mark_contacted(update: Update, context: Context) -> None:
    """Note that one has spoken with somebody, or take it back; then the card it came from."""
    button = MarkContacted.parse(tap(update).data)
    reader = await context.reader(update)
    zone, today, now = _today(context)
    me = reader.linked_teacher_id
    noted = await context.write(reaching.mark_contacted, me, button.teacher_id, now=now)
    _ = catalog(reader.language).gettext
    await alert(
        update, _("Noted: you have spoken with this teacher.") if noted else _("Taken back.")
    )
    if button.back == "list":
        await _show_unreached(update, context, reader, button.where, button.page)
        return
    seen = await context.write(colleague.colleague, me, button.teacher_id, now=now)
    card = person_card(seen, button.page, button.where, reader.language, zone, today)
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
    """Show who fits the typed text; another name may follow."""
    now = context.now()
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
    await show_desk(update, context, reader)
