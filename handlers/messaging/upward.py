"""What others still owe, for whoever answers for them: the card of the day, schools, names."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session
from telegram import Update

from handlers.cards import Card
from handlers.context import Context, House, alert, show, tap
from handlers.messaging import public
from handlers.messaging.brief_text import Subjects
from handlers.messaging.upward_buttons import OpenDailyList, OpenOwing, OpenOwingNames, SpokeWith
from handlers.messaging.upward_text import daily_card, joined, names_card, units_card
from handlers.messaging.voices import Nothing, Said, Say
from handlers.people import desk
from handlers.training.approvals_text import worklist_card
from handlers.wiring import AnyApplication, on_tap
from locales import catalog
from storage import moments
from storage.kinds import KINDS, Figures
from storage.messaging import group_steps, upward
from storage.messaging.outbox import Claimed
from storage.messaging.tables import Deadline, DeadlineState
from storage.messaging.upward import Line, Names, Units
from storage.people import reaching
from storage.people.accounts import Reader
from storage.refusals import NotAllowed
from storage.training import programmes, subjects, worklist
from storage.training.remote import bulletins
from storage.training.remote.last_mile import KIND as REMOTE_END
from storage.training.subjects import Subject
from storage.training.worklist import Worklist


def install(application: AnyApplication) -> None:
    on_tap(application, OpenDailyList, open_list)
    on_tap(application, OpenOwing, open_units)
    on_tap(application, OpenOwingNames, open_names)
    on_tap(application, SpokeWith, spoke_with)


# --- the card of the day -----------------------------------------------------------------------


async def voice(house: House, row: Claimed) -> Said:
    """The one card of the day, as things stand when it is sent."""
    now = house.clock()
    if row.teacher_id is None:
        return Nothing("there is nobody to tell")
    lines, about, facts = await house.database.write(_compose, row.teacher_id, row.id, now=now)
    waits = facts is not None and facts.total
    if not lines and not waits:
        return Nothing("nothing waits")
    approvals = worklist_card(facts, 0, row.language, house.zone, now) if facts and waits else None
    if not lines:
        assert approvals is not None
        return Say(approvals)
    card = daily_card(lines, about, row.language, house.zone, now)
    return Say(card if approvals is None else joined(card, approvals))


async def open_list(update: Update, context: Context) -> None:
    """Lead back to the list of the day; to the desk where this message never was one."""
    reader = await context.reader(update)
    card = await list_in(update, context, reader)
    if card is None:
        await desk.show_desk(update, context, reader)
    else:
        await show(update, context, reader, card)


async def list_in(update: Update, context: Context, reader: Reader) -> Card | None:
    """The list of the day that the tapped message was, as it reads now; None of another."""
    message = tap(update).message
    if message is None:
        return None
    now, zone = context.now(), context.house.zone
    found = await context.read(
        _told_in, reader.account_id, reader.linked_teacher_id, message.message_id, now=now
    )
    if found is None:
        return None
    told, about, waits = found
    day = moments.local_day(told.sent_at, zone)
    card = daily_card(told.lines, about, reader.language, zone, now, day=day)
    if waits is None or not waits.total:
        return card
    return joined(card, worklist_card(waits, 0, reader.language, zone, now))


def _told_in(
    session: Session, account_id: int, teacher_id: int, message_id: int, *, now: datetime
) -> tuple[upward.Told, Subjects, Worklist | None] | None:
    told = upward.told_in(session, account_id, message_id, now=now)
    return None if told is None else (told, *_beside(session, teacher_id, told.lines, now=now))


def _compose(
    session: Session, teacher_id: int, outbox_id: int, *, now: datetime
) -> tuple[tuple[Line, ...], Subjects, Worklist | None]:
    lines = upward.compose(session, teacher_id, outbox_id, now=now)
    return (lines, *_beside(session, teacher_id, lines, now=now))


def _beside(
    session: Session, teacher_id: int, lines: tuple[Line, ...], *, now: datetime
) -> tuple[Subjects, Worklist | None]:
    """What the lines are about, and what waits for a decision of the same person."""
    about = subjects.describe_all(session, [(line.kind, line.subject_id) for line in lines])
    try:
        waits = worklist.worklist(session, teacher_id, now=now)
    except NotAllowed:
        waits = None
    return about, waits


# --- schools and names -------------------------------------------------------------------------


async def open_units(update: Update, context: Context) -> None:
    """Show the schools that still owe it; the names at once where there is one school."""
    button = OpenOwing.parse(tap(update).data)
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    facts, subject = await context.read(
        _units, reader.linked_teacher_id, button.deadline_id, now=now
    )
    card = units_card(facts, button.page, subject, reader.language, zone, now)
    await show(update, context, reader, card)


async def open_names(update: Update, context: Context) -> None:
    """Show who of a school still owes it."""
    button = OpenOwingNames.parse(tap(update).data)
    reader = await context.reader(update)
    await _show_names(update, context, reader, button)


async def spoke_with(update: Update, context: Context) -> None:
    """Note that the reader has spoken with somebody; a second tap takes it back."""
    button = SpokeWith.parse(tap(update).data)
    reader = await context.reader(update)
    noted = await context.write(
        reaching.mark_contacted,
        reader.linked_teacher_id,
        button.teacher_id,
        about=upward.about(button.deadline_id),
        now=context.now(),
    )
    _ = catalog(reader.language).gettext
    await alert(update, _("Noted.") if noted else _("Taken back."))
    back = OpenOwingNames(button.deadline_id, button.unit_id, button.page)
    await _show_names(update, context, reader, back)


async def _show_names(
    update: Update, context: Context, reader: Reader, button: OpenOwingNames
) -> None:
    now, zone = context.now(), context.house.zone
    facts, subject = await context.write(
        _names,
        reader.linked_teacher_id,
        button.deadline_id,
        button.unit_id,
        page=button.page,
        now=now,
    )
    await show(update, context, reader, names_card(facts, subject, reader.language, zone, now))


def _units(
    session: Session, actor_id: int, deadline_id: int, *, now: datetime
) -> tuple[Units, Subject | None]:
    facts = upward.units_owing(session, actor_id, deadline_id, now=now)
    return facts, _subject(session, facts.kind, facts.subject_id)


def _names(
    session: Session, actor_id: int, deadline_id: int, unit_id: int, *, page: int, now: datetime
) -> tuple[Names, Subject | None]:
    facts = upward.names_owing(session, actor_id, deadline_id, unit_id, page=page, now=now)
    return facts, _subject(session, facts.kind, facts.subject_id)


def _subject(session: Session, kind: str, subject_id: int) -> Subject | None:
    return subjects.describe_all(session, [(kind, subject_id)]).get((kind, subject_id))


# --- groups ------------------------------------------------------------------------------------


async def group_voice(house: House, row: Claimed) -> Said:
    """What a group gets to hear of a deadline, in figures as they are when it is sent."""
    now = house.clock()
    facts = await house.database.read(_of_group, row.facts["deadline_id"], now=now)
    if facts is None:
        return Nothing("it is over, or does not take place")
    if facts.kind == REMOTE_END:
        # Where figures of schools are wanted, they say more than how many are left.
        bulletin = await house.database.read(bulletins.for_step, facts.batch_id, now=now)
        if bulletin is not None:
            return Say(
                public.bulletin_group_card(
                    bulletin, facts.batch_id, row.language, house.zone, now, house.link, facts.at
                )
            )
    return Say(public.deadline_group_card(facts, row.language, house.zone, now, house.link))


def _of_group(session: Session, deadline_id: int, *, now: datetime) -> public.GroupDeadline | None:
    deadline = session.get(Deadline, deadline_id)
    if deadline is None or deadline.state is not DeadlineState.ACTIVE:
        return None
    subject = _subject(session, deadline.kind, deadline.subject_id)
    if subject is None or not subject.is_open:
        return None
    figures = KINDS[deadline.kind].figures
    number = None
    if figures in (Figures.OPEN, Figures.SCHOOLS):
        number = group_steps.number(session, deadline.kind, deadline.subject_id, now=now)
    elif figures is Figures.SEATS:
        number = programmes.group_facts(session, subject.batch_id, now=now).seats_left
    return public.GroupDeadline(
        kind=deadline.kind,
        figures=figures,
        title=subject.title,
        at=deadline.at,
        ends_at=subject.ends_at,
        place=subject.place,
        bring=subject.bring,
        number=number,
        payload=f"p{subject.batch_id}" if subject.batch_id else "menu",
        batch_id=subject.batch_id,
    )
