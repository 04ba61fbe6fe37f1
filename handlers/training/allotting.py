"""Seats: the board of a class, handing out to schools with a preview, and the smallest class."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session
from telegram import Update

from handlers.buttons import Button
from handlers.cards import Card, Key, pager
from handlers.context import Context, alert, shortened, show, tap
from handlers.files import Attachment, Dropped, on_file, on_table, read_table
from handlers.training.buttons import OpenRun, OpenRuns
from handlers.undoing import undo_key
from handlers.wiring import AnyApplication, on_link, on_run, on_tap, on_text
from locales import catalog, dates
from storage.calendar import saying
from storage.calendar.saying import NotUnderstood, WrongWeekday
from storage.moments import local_day
from storage.people import accounts, drafts
from storage.people.accounts import Reader
from storage.people.authority import Act
from storage.refusals import NotFound, Refusal
from storage.sheets import as_number
from storage.training import allotting, reserves, runs, thinning
from storage.training.allotting import (
    Allotted,
    Board,
    NoCapacity,
    Plan,
    QueueLine,
    ReportedTooLate,
    SeatsTaken,
    TooManyReserved,
    TooManySeats,
    Typed,
    UnknownReserve,
    Way,
)
from storage.training.making import WrongValue
from storage.training.runs import Runs
from storage.training.tables import Enrolment
from storage.training.thinning import DatesNotInOrder, ThinSettled

SCHOOLS = 8  # on a page
PREVIEWED = 20  # schools that a preview spells out
LABEL = 40
DRAFT = "allot"
WAYS = (Way.EQUAL, Way.BY_TEACHERS)


@dataclass(frozen=True)
class OpenSeats(Button):
    """The seats of a class."""

    tag = "st"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class ShareSeats(Button):
    """Preview sharing all seats out, but for those kept back."""

    tag = "sts"
    batch_id: int
    way: int
    keep: int = 0


@dataclass(frozen=True)
class KeepBack(Button):
    """Type how many seats stay open to all."""

    tag = "stk"
    batch_id: int
    way: int


@dataclass(frozen=True)
class ApplySeats(Button):
    """Hand out what was previewed, so many seats beyond the capacity allowed."""

    tag = "sta"
    batch_id: int
    over: int = 0


@dataclass(frozen=True)
class TypeSeats(Button):
    """Type seats: of all schools by lines, or (1) of the school that was picked."""

    tag = "stt"
    batch_id: int
    unit_id: int = 0


@dataclass(frozen=True)
class PickSchool(Button):
    """Choose one school to change."""

    tag = "stp"
    batch_id: int
    page: int = 0


@dataclass(frozen=True)
class SetSeats(Button):
    """Type a setting of the seats: capacity, release, roster, thin."""

    tag = "stw"
    batch_id: int
    what: str


@dataclass(frozen=True)
class OpenQueue(Button):
    """Who waits, and who holds an offer."""

    tag = "stq"
    batch_id: int


@dataclass(frozen=True)
class AllotTo(Button):
    """Use the dropped table for this class."""

    tag = "sto"
    batch_id: int


@dataclass(frozen=True)
class SettleThin(Button):
    """Let a thin class run (1), or cancel it (0); asked once more before it is cancelled."""

    tag = "thin"
    batch_id: int
    run: int
    sure: int = 0


def install(application: AnyApplication) -> None:
    on_run(application, (Act.RUN_PROGRAMME,), _label, OpenSeats, prepares=True, kinds=["thin"])
    on_link(application, "seats([0-9]{1,18})", _linked)
    on_tap(application, OpenSeats, open_seats)
    on_tap(application, ShareSeats, share)
    on_tap(application, KeepBack, ask_keep)
    on_tap(application, ApplySeats, apply)
    on_tap(application, TypeSeats, ask_seats)
    on_tap(application, PickSchool, pick_school)
    on_tap(application, SetSeats, ask_setting)
    on_tap(application, OpenQueue, open_queue)
    on_tap(application, AllotTo, allot_to)
    on_tap(application, SettleThin, settle_thin)
    on_text(application, "seats", lines_given)
    on_text(application, "seatkeep", keep_given)
    on_text(application, "seatset", setting_given)
    on_file(application, "seats", table_given)
    on_table(application, allotting.is_table, table_dropped)


def _label(language: str) -> str:
    _ = catalog(language).gettext
    return _("Seats")


# --- words -----------------------------------------------------------------------------------


def reserve_text(key: str, language: str) -> str:
    """Whom a reserved seat is for."""
    _ = catalog(language).gettext
    if key.startswith(reserves.OF_SUBJECT):
        return key.removeprefix(reserves.OF_SUBJECT)
    return {
        reserves.RURAL: _("rural schools"),
        reserves.RURAL_TOWN: _("rural and town schools"),
        reserves.YOUNG: _("teachers with up to five years of service"),
        reserves.SUBJECT: _("teachers of the subject"),
    }.get(key, key)


def reserves_text(reserved: Mapping[str, int], language: str) -> str:
    """All reserves of an allotment in one line. Plain text."""
    _ = catalog(language).gettext
    separator = ", " if language == "en" else "、"
    return separator.join(
        _("{kind} {n}").format(kind=reserve_text(key, language), n=number)
        for key, number in sorted(reserved.items())
        if number
    )


def board_card(facts: Board, page: int, language: str, zone: ZoneInfo, today: date) -> Card:
    """How the seats of a class stand, and what can be done with them."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Seats: {title}</b>").format(title=html.escape(facts.title))]
    batch_id = facts.batch_id
    if facts.capacity is None:
        lines.append(
            ngettext(
                "There is no limit of seats; {n} person takes part.",
                "There is no limit of seats; {n} persons take part.",
                facts.seated,
            ).format(n=facts.seated)
        )
    else:
        lines.append(
            _("In all {seats}; open to all schools {pool}, of which {free} free.").format(
                seats=facts.capacity,
                pool=facts.pool_seats,
                free=facts.pool_seats - facts.pool_taken,
            )
        )
        if facts.over:
            lines.append(_("Allowed beyond that: {n}").format(n=facts.over))
    pages = max(1, -(-len(facts.schools) // SCHOOLS))
    page = min(max(0, page), pages - 1)
    for school in facts.schools[page * SCHOOLS : (page + 1) * SCHOOLS]:
        said = (
            _("· {school}: {taken} of {seats} taken, {n} waiting")
            if school.waiting
            else _("· {school}: {taken} of {seats} taken")
        )
        lines.append(
            said.format(
                school=html.escape(school.name),
                taken=school.taken,
                seats=school.seats,
                n=school.waiting,
            )
        )
        if any(school.reserved.values()):
            lines.append(
                _("  reserved: {kinds}; not filled yet: {n}").format(
                    kinds=html.escape(reserves_text(school.reserved, language)), n=school.unfilled
                )
            )
    if facts.release_at is not None:
        lines.append(
            _("Unused seats of schools go to everybody on {time}.").format(
                time=dates.moment(facts.release_at, zone, language, today)
            )
        )
    if facts.roster_date is not None:
        lines.append(
            _("The list can be changed {before}; after that through the county.").format(
                before=dates.before(facts.roster_date, zone, language, today)
            )
        )
    if facts.waiting or facts.offered:
        lines.append(
            _("Waiting: {waiting}. Open offers: {offered}.").format(
                waiting=facts.waiting, offered=facts.offered
            )
        )
    if facts.minimum is not None and facts.thin_at is not None:
        said = (
            _("Smallest class: {n}. It was decided that the class runs.")
            if facts.is_thin_settled
            else _("Smallest class: {n}, decided on {time}. There are {seated} now.")
        )
        lines.append(
            said.format(
                n=facts.minimum,
                time=dates.moment(facts.thin_at, zone, language, today),
                seated=facts.seated,
            )
        )
    keys: list[tuple[Key, ...]] = []
    if facts.capacity is not None:
        keys += [
            (
                Key(_("Equal shares"), ShareSeats(batch_id, 0)),
                Key(_("By teachers"), ShareSeats(batch_id, 1)),
            ),
            (
                Key(_("Type or send list"), TypeSeats(batch_id)),
                Key(_("One school"), PickSchool(batch_id)),
            ),
        ]
    row = [Key(_("Number of seats"), SetSeats(batch_id, "capacity"))]
    if facts.schools:
        row.append(Key(_("Release"), SetSeats(batch_id, "release")))
    keys.append(tuple(row))
    row = [Key(_("Smallest class"), SetSeats(batch_id, "thin"))]
    if facts.enrolment is Enrolment.NOMINATION:
        row.append(Key(_("List reported"), SetSeats(batch_id, "roster")))
    if facts.waiting or facts.offered:
        row.append(Key(_("Queue"), OpenQueue(batch_id)))
    keys.append(tuple(row))
    turn = pager(page, pages, lambda number: OpenSeats(batch_id, number))
    return Card(
        "\n".join(lines),
        (*keys, *((turn,) if turn else ()), (Key(_("Back"), OpenRun(batch_id)),)),
    )


def plan_card(plan: Plan, typed: Typed | None, way: int | None, language: str) -> Card:
    """What handing out would come to, before anything is done."""
    catalogue = catalog(language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    lines = [_("<b>Preview: {title}</b>").format(title=html.escape(plan.title))]
    if typed is not None and typed.unknown:
        lines.append(
            _("Not understood, and left out: {lines}").format(
                lines=html.escape(shortened(" / ".join(typed.unknown), 300))
            )
        )
    changed = [row for row in plan.rows if row.before != row.after or row.unit_id in plan.reserved]
    for row in changed[:PREVIEWED]:
        kinds = plan.reserved.get(row.unit_id) or {}
        said = (
            _("· {school}: {before} → {after} ({people} in the audience), reserved: {kinds}")
            if kinds
            else _("· {school}: {before} → {after} ({people} in the audience)")
        )
        lines.append(
            said.format(
                school=html.escape(row.name),
                before=row.before,
                after=row.after,
                people=row.people,
                kinds=html.escape(reserves_text(kinds, language)),
            )
        )
    more = len(changed) - PREVIEWED
    if more > 0:
        lines.append(ngettext("· and {n} more", "· and {n} more", more).format(n=more))
    lines.append(
        _("Open to all schools: {before} → {after}. In all {seats}.").format(
            before=plan.pool_before, after=plan.pool_after, seats=plan.capacity
        )
    )
    keys: list[tuple[Key, ...]] = []
    if not changed:
        lines.append(_("Nothing would change."))
    elif plan.over:
        lines.append(
            ngettext(
                "This is {n} seat more than there is.",
                "This is {n} seats more than there are.",
                plan.over,
            ).format(n=plan.over)
        )
        keys.append(
            (
                Key(
                    _("Allow {n} more").format(n=plan.over),
                    ApplySeats(plan.batch_id, plan.over),
                    style="danger",
                ),
            )
        )
    else:
        keys.append((Key(_("Hand out"), ApplySeats(plan.batch_id), style="success"),))
    if way is not None:
        keys.append((Key(_("Keep some back"), KeepBack(plan.batch_id, way)),))
    return Card("\n".join(lines), (*keys, (Key(_("Cancel"), OpenSeats(plan.batch_id)),)))


def queue_card(
    lines: tuple[QueueLine, ...], batch_id: int, language: str, zone: ZoneInfo, today: date
) -> Card:
    """Who holds an offer and who waits, in order; for whoever runs the class."""
    _ = catalog(language).gettext
    said = [_("<b>Queue and offers</b>")]
    for number, line in enumerate(lines, 1):
        text = (
            _("{name}, {school}: a seat is offered, to be answered {before}")
            if line.lapses_at is not None
            else _("{name}, {school}")
        ).format(
            name=html.escape(line.name),
            school=html.escape(line.school),
            before=(dates.before(line.lapses_at, zone, language, today) if line.lapses_at else ""),
        )
        said.append(f"{number}. {text}")
    if not lines:
        said.append(_("Nobody is waiting."))
    return Card("\n".join(said), ((Key(_("Back"), OpenSeats(batch_id)),),))


def allotting_text(refusal: Refusal, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Why seats are not handed out so; empty for what is not ours."""
    _ = catalog(language).gettext
    match refusal:
        case NoCapacity():
            return _("This class has no limit of seats. Please set their number first.")
        case TooManySeats(capacity=capacity, over=over):
            return _("There are {capacity} seats in all; this is {over} more.").format(
                capacity=capacity, over=over
            )
        case SeatsTaken(school="", taken=taken):
            return _("{n} seats are taken or handed out already; fewer is not possible.").format(
                n=taken
            )
        case SeatsTaken(school=school, taken=taken):
            return _("{school} has taken {n} seats already; fewer is not possible.").format(
                school=school, n=taken
            )
        case TooManyReserved(school=school, seats=seats, reserved=reserved):
            return _(
                "{school} has {seats} seats; {reserved} cannot be reserved among them now."
            ).format(school=school, seats=seats, reserved=reserved)
        case UnknownReserve():
            return _(
                "Seats can be reserved for rural schools, young teachers, or teachers of a "
                "subject that the programme names."
            )
        case DatesNotInOrder():
            return _(
                "Please name a day before the start, and for choosing again a later one that is "
                "not after the start."
            )
        case ReportedTooLate(starts_at=starts_at):
            return _("Please name a moment before the class begins: {time}.").format(
                time=dates.moment(starts_at, zone, language, local_day(now, zone))
            )
        case ThinSettled():
            return _("It is decided already whether this class runs.")
    return ""


# --- what a tap does -------------------------------------------------------------------------


async def open_seats(update: Update, context: Context) -> None:
    """Show the seats of a class."""
    button = OpenSeats.parse(tap(update).data)
    await show_seats(update, context, await context.reader(update), button.batch_id, button.page)


async def show_seats(
    update: Update, context: Context, reader: Reader, batch_id: int, page: int = 0
) -> None:
    """Show the seats of a class, from wherever somebody comes back to them."""
    now, zone = context.now(), context.house.zone
    facts = await context.read(allotting.board, reader.linked_teacher_id, batch_id, now=now)
    card = board_card(facts, page, reader.language, zone, now.astimezone(zone).date())
    await show(update, context, reader, card)


async def share(update: Update, context: Context) -> None:
    """Preview equal shares, or shares by the teachers in the audience."""
    button = ShareSeats.parse(tap(update).data)
    reader = await context.reader(update)
    await _preview_shares(update, context, reader, button.batch_id, button.way, button.keep)


async def _preview_shares(
    update: Update, context: Context, reader: Reader, batch_id: int, way: int, keep: int
) -> None:
    plan = await context.write(
        _propose, reader, batch_id, WAYS[min(max(0, way), 1)], max(0, keep), now=context.now()
    )
    await show(update, context, reader, plan_card(plan, None, way, reader.language))


def _propose(
    session: Session, reader: Reader, batch_id: int, way: Way, keep: int, *, now: datetime
) -> Plan:
    plan = allotting.propose(session, reader.linked_teacher_id, batch_id, way, keep=keep, now=now)
    _keep(session, reader, plan, now=now)
    return plan


def _keep(session: Session, reader: Reader, plan: Plan, *, now: datetime) -> None:
    data = {
        "batch_id": plan.batch_id,
        "lines": {str(row.unit_id): row.after for row in plan.changed},
        "reserved": {str(unit_id): dict(kinds) for unit_id, kinds in plan.reserved.items()},
    }
    drafts.keep(session, reader.account_id, DRAFT, data, now=now)


async def ask_keep(update: Update, context: Context) -> None:
    """Ask how many seats stay open to all schools."""
    button = KeepBack.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.write(
        accounts.await_text,
        reader.account_id,
        f"seatkeep:{button.batch_id}:{button.way}",
        now=context.now(),
    )
    text = _("How many seats shall stay open to all schools? Please send a number.")
    keys = ((Key(_("Back"), OpenSeats(button.batch_id)),),)
    await show(update, context, reader, Card(text, keys))


async def keep_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Preview again with so many kept back."""
    _, batch_id, way = reader.awaiting.split(":")
    number = _number(text)
    if number is None:
        raise WrongValue("number")
    await _preview_shares(update, context, reader, int(batch_id), int(way), number)


async def apply(update: Update, context: Context) -> None:
    """Hand out what was previewed."""
    button = ApplySeats.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    done = await context.write(
        _apply, reader, button.batch_id, max(0, button.over), now=context.now()
    )
    context.house.wake_delivery()
    back = Key(_("Seats"), OpenSeats(button.batch_id))
    if done.deed_id is None:
        await show(update, context, reader, Card(_("Nothing has changed."), ((back,),)))
        return
    text = ngettext(
        "Handed out: {n} school has other seats now. Its coordinator is told in ten minutes; "
        "until then you can undo it.",
        "Handed out: {n} schools have other seats now. Their coordinators are told in ten "
        "minutes; until then you can undo it.",
        done.changed,
    ).format(n=done.changed)
    if done.offers:
        text += "\n" + ngettext(
            "{n} waiting person is offered a seat.",
            "{n} waiting persons are offered a seat.",
            done.offers,
        ).format(n=done.offers)
    keys = ((undo_key(done.deed_id, reader.language), back),)
    await show(update, context, reader, Card(text, keys))


def _apply(
    session: Session, reader: Reader, batch_id: int, over: int, *, now: datetime
) -> Allotted:
    data = drafts.read(session, reader.account_id, DRAFT) or {}
    if data.get("batch_id") != batch_id or "lines" not in data:
        raise NotFound("preview")
    done = allotting.allot(
        session,
        reader.linked_teacher_id,
        batch_id,
        {int(unit_id): number for unit_id, number in data["lines"].items()},
        reserved={int(unit_id): kinds for unit_id, kinds in data["reserved"].items()},
        over=over,
        now=now,
    )
    if done.deed_id is None and "done" in data:
        return Allotted(**data["done"])  # the second of two taps is told what the first did
    drafts.keep(session, reader.account_id, DRAFT, data | {"done": asdict(done)}, now=now)
    return done


async def ask_seats(update: Update, context: Context) -> None:
    """Ask for seats: of one school, or of many as lines or a table."""
    button = TypeSeats.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    facts = await context.read(
        allotting.board, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await context.write(
        accounts.await_text,
        reader.account_id,
        f"seats:{button.batch_id}:{button.unit_id}",
        now=context.now(),
    )
    if button.unit_id:
        name = next((x.name for x in facts.schools if x.unit_id == button.unit_id), "")
        text = _(
            "How many seats shall {school} have? Reserved ones can stand behind, such as "
            "<code>3 rural 1 young 1</code>."
        ).format(school=html.escape(name))
    else:
        text = _(
            "Please send one line a school with its seats, reserved ones behind, such as\n"
            "<code>Chengdong Primary 3 rural 1</code>\n"
            "or a table with the columns school, seats and reserved. Schools that you do not "
            "name keep theirs."
        )
    keys = ((Key(_("Back"), OpenSeats(button.batch_id)),),)
    await show(update, context, reader, Card(text, keys))


async def pick_school(update: Update, context: Context) -> None:
    """Show the schools, each a key."""
    button = PickSchool.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    plan = await context.read(
        allotting.plan, reader.linked_teacher_id, button.batch_id, {}, now=context.now()
    )
    pages = max(1, -(-len(plan.rows) // SCHOOLS))
    page = min(max(0, button.page), pages - 1)
    keys = [
        (
            Key(
                shortened(_("{school}: {n}").format(school=row.name, n=row.before), LABEL),
                TypeSeats(button.batch_id, row.unit_id),
            ),
        )
        for row in plan.rows[page * SCHOOLS : (page + 1) * SCHOOLS]
    ]
    turn = pager(page, pages, lambda number: PickSchool(button.batch_id, number))
    text = _("Which school?") if plan.rows else _("No school has anybody in the audience.")
    back = (Key(_("Back"), OpenSeats(button.batch_id)),)
    await show(update, context, reader, Card(text, (*keys, *((turn,) if turn else ()), back)))


async def lines_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Read typed seats and preview them."""
    _, batch_id, unit_id = reader.awaiting.split(":")
    await _preview_text(update, context, reader, int(batch_id), text, int(unit_id))


async def table_given(
    update: Update, context: Context, reader: Reader, attachment: Attachment
) -> None:
    """Read a table that was asked for and preview it."""
    batch_id = int(reader.awaiting.split(":")[1])
    dropped = await read_table(context, attachment)
    await _preview_text(update, context, reader, batch_id, allotting.lines_of(dropped.book))


async def _preview_text(
    update: Update,
    context: Context,
    reader: Reader,
    batch_id: int,
    text: str,
    unit_id: int = 0,
) -> None:
    plan, typed = await context.write(
        _read_lines, reader, batch_id, text[:20_000], unit_id, now=context.now()
    )
    await show(update, context, reader, plan_card(plan, typed, None, reader.language))


def _read_lines(
    session: Session, reader: Reader, batch_id: int, text: str, unit_id: int, *, now: datetime
) -> tuple[Plan, Typed]:
    actor_id = reader.linked_teacher_id
    if unit_id:
        whole = allotting.plan(session, actor_id, batch_id, {}, now=now)
        name = next((row.name for row in whole.rows if row.unit_id == unit_id), "")
        text = f"{name} {text.strip()}"
    typed = allotting.typed(session, actor_id, batch_id, text, now=now)
    plan = allotting.plan(
        session, actor_id, batch_id, typed.seats, reserved=typed.reserved, now=now
    )
    _keep(session, reader, plan, now=now)
    return plan, typed


async def table_dropped(update: Update, context: Context, reader: Reader, dropped: Dropped) -> None:
    """A table of schools and seats came unasked: ask which class it is for."""
    _ = catalog(reader.language).gettext
    facts = await context.write(
        _keep_text, reader, allotting.lines_of(dropped.book), now=context.now()
    )
    keys = [(Key(shortened(line.title, LABEL), AllotTo(line.batch_id)),) for line in facts.lines]
    text = _("For which class are these seats?")
    await show(update, context, reader, Card(text, (*keys, (Key(_("Cancel"), OpenRuns()),))))


def _keep_text(session: Session, reader: Reader, text: str, *, now: datetime) -> Runs:
    facts = runs.runs(session, reader.linked_teacher_id, now=now)
    drafts.keep(session, reader.account_id, DRAFT, {"text": text[:20_000]}, now=now)
    return facts


async def allot_to(update: Update, context: Context) -> None:
    """Preview the dropped table for the chosen class."""
    button = AllotTo.parse(tap(update).data)
    reader = await context.reader(update)
    data = await context.read(drafts.read, reader.account_id, DRAFT)
    if data is None or "text" not in data:
        raise NotFound("table")
    await _preview_text(update, context, reader, button.batch_id, data["text"])


async def ask_setting(update: Update, context: Context) -> None:
    """Ask for the number of seats, the release, the roster date, or the smallest class."""
    button = SetSeats.parse(tap(update).data)
    reader = await context.reader(update)
    _ = catalog(reader.language).gettext
    await context.read(
        allotting.board, reader.linked_teacher_id, button.batch_id, now=context.now()
    )
    await context.write(
        accounts.await_text,
        reader.account_id,
        f"seatset:{button.batch_id}:{button.what}",
        now=context.now(),
    )
    await show(update, context, reader, _setting_card(button, reader.language))


def _setting_card(button: SetSeats, language: str, *, again: bool = False) -> Card:
    _ = catalog(language).gettext
    match button.what:
        case "capacity":
            text = _("How many seats are there in all? Please send a number.")
        case "release":
            text = _(
                "When shall unused seats of schools go to everybody? Please send a day and an "
                "hour, such as <code>12-01 17:00</code>, or 0 for never."
            )
        case "roster":
            text = _(
                "Until when may schools replace people? After that the list is reported. Please "
                "send a day and an hour, such as <code>12-01 17:00</code>, or 0 for until the "
                "start."
            )
        case _:
            text = _(
                "Please send the smallest number of people, the day on which it is decided, and "
                "until when one may choose again, such as <code>10, 12-01 17:00, 12-05</code>. "
                "Send 0 if the class shall always run."
            )
    if again:
        text = _("I did not understand that.") + "\n" + text
    return Card(text, ((Key(_("Back"), OpenSeats(button.batch_id)),),))


def _moment(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Read by when something ends; a day without an hour is the end of the working day."""
    try:
        return saying.deadline(saying.read(text, local_day(now, zone)), zone)
    except (NotUnderstood, WrongWeekday):
        return None


async def setting_given(update: Update, context: Context, reader: Reader, text: str) -> None:
    """Set what was asked for; what is not understood is asked again."""
    _, batch, what = reader.awaiting.split(":")
    batch_id, now, zone = int(batch), context.now(), context.house.zone
    actor_id = reader.linked_teacher_id
    parts = [part for part in re.split(r"[,，;；\n]+", text) if part.strip()]
    number = _number(parts[0]) if parts else None
    moments = [_moment(part, zone, now) for part in parts]
    button = SetSeats(batch_id, what)
    if what == "capacity" and number is not None and len(parts) == 1:
        await _settle(context, reader)
        await context.write(allotting.set_capacity, actor_id, batch_id, number, now=now)
    elif what == "release" and len(parts) == 1 and (number == 0 or moments[0] is not None):
        await _settle(context, reader)
        release_at = None if number == 0 else moments[0]
        await context.write(allotting.set_release, actor_id, batch_id, release_at, now=now)
    elif what == "roster" and len(parts) == 1 and (number == 0 or moments[0] is not None):
        await _settle(context, reader)
        roster_date = None if number == 0 else moments[0]
        await context.write(allotting.set_roster_date, actor_id, batch_id, roster_date, now=now)
    elif what == "thin" and number == 0:
        await _settle(context, reader)
        await context.write(thinning.set_minimum, actor_id, batch_id, None, now=now)
    elif what == "thin" and number and 2 <= len(parts) <= 3 and None not in moments[1:]:
        await _settle(context, reader)
        await context.write(
            thinning.set_minimum,
            actor_id,
            batch_id,
            number,
            moments[1],
            moments[2] if len(parts) == 3 else None,
            now=now,
        )
    else:
        await show(update, context, reader, _setting_card(button, reader.language, again=True))
        return
    context.house.wake_delivery()
    await show_seats(update, context, reader, batch_id)


async def _settle(context: Context, reader: Reader) -> None:
    await context.write(accounts.await_text, reader.account_id, "", now=context.now())


def _number(text: str) -> int | None:
    said = as_number(text)
    is_whole = said is not None and said == int(said) and 0 <= said < 1_000_000
    return int(said) if said is not None and is_whole else None


async def open_queue(update: Update, context: Context) -> None:
    """Show who waits; the log keeps that one looked."""
    button = OpenQueue.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    lines = await context.write(allotting.queue, reader.linked_teacher_id, button.batch_id, now=now)
    today = now.astimezone(zone).date()
    card = queue_card(lines, button.batch_id, reader.language, zone, today)
    await show(update, context, reader, card)


async def settle_thin(update: Update, context: Context) -> None:
    """Cancel a thin class, asked once more, or let it run."""
    button = SettleThin.parse(tap(update).data)
    reader = await context.reader(update)
    catalogue = catalog(reader.language)
    _, ngettext = catalogue.gettext, catalogue.ngettext
    actor_id, batch_id, now = reader.linked_teacher_id, button.batch_id, context.now()
    if button.run:
        await context.write(thinning.run_all_the_same, actor_id, batch_id, now=now)
        await alert(update, _("The class runs."))
        await show_seats(update, context, reader, batch_id)
        return
    if not button.sure:
        text = _(
            "Shall this class be cancelled? Everybody in it is told at once. This cannot be undone."
        )
        keys = (
            (Key(_("Yes, cancel it"), SettleThin(batch_id, 0, 1), style="danger"),),
            (Key(_("Run it all the same"), SettleThin(batch_id, 1)),),
            (Key(_("Back"), OpenSeats(batch_id)),),
        )
        await show(update, context, reader, Card(text, keys))
        return
    told = await context.write(thinning.cancel_thin, actor_id, batch_id, now=now)
    context.house.wake_delivery()
    text = ngettext(
        "The class is cancelled; {n} person is told.",
        "The class is cancelled; {n} persons are told.",
        told,
    ).format(n=told)
    await show(update, context, reader, Card(text, ((Key(_("Back"), OpenRun(batch_id)),),)))


async def _linked(update: Update, context: Context, reader: Reader, payload: str) -> None:
    await show_seats(update, context, reader, int(payload))
