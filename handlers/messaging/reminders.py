"""Briefs and reminders: their voices, and what a person answers to them."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session, select
from telegram import Message, Update

from handlers.cards import Card, Key
from handlers.context import Context, House, alert, edit_in_place, show, tap
from handlers.messaging.brief_text import (
    HOURS,
    OF_STUDY,
    SHORT,
    Standing,
    Subjects,
    Told,
    brief_card,
    cancelled_card,
    link_conflict_card,
    link_moved_card,
    offer_card,
    open_subject,
)
from handlers.messaging.buttons import ChooseReminder, ReminderDone, ReminderLater, ReminderMute
from handlers.messaging.voices import Later, Nothing, Said, Say
from handlers.people.buttons import Home
from handlers.training.buttons import OpenDue
from handlers.wiring import AnyApplication, on_tap
from locales import catalog, dates
from storage import moments
from storage.calendar import workdays
from storage.competitions import at_ballot, completeness, timetable
from storage.competitions.completeness import Lacking
from storage.competitions.timetable import MyTurn
from storage.credits import balance
from storage.messaging import briefs, reminders
from storage.messaging.briefs import Brief, Item, NewsItem, PutOff
from storage.messaging.outbox import Claimed
from storage.messaging.tables import DeadlineState
from storage.people import accounts, offices, roles
from storage.people.accounts import Profile, Reader
from storage.people.tables import Account
from storage.refusals import NotFound
from storage.training import subjects
from storage.training.remote import my_study
from storage.training.remote.my_study import Study
from storage.training.subjects import Subject


@dataclass(frozen=True)
class Own:
    """What of the things that are due is the person's own: by class, by round, by venue."""

    studies: Mapping[int, Study] = field(default_factory=dict)
    lacking: Mapping[int, Lacking] = field(default_factory=dict)
    turns: Mapping[int, MyTurn | None] = field(default_factory=dict)


def install(application: AnyApplication) -> None:
    on_tap(application, ChooseReminder, choose)
    on_tap(application, ReminderDone, done)
    on_tap(application, ReminderLater, later)
    on_tap(application, ReminderMute, mute)


# --- voices ----------------------------------------------------------------------------------


async def brief(house: House, row: Claimed) -> Said:
    """The daily brief, or a reminder that rings by itself, as things stand now."""
    now = house.clock()
    said, about, standing, own = await house.database.write(_compose, row.id, now=now)
    if isinstance(said, briefs.Nothing):
        return Nothing(said.reason)
    if isinstance(said, PutOff):
        return Later(said.until)
    told = Told(
        said.items,
        said.news,
        about,
        said.breaks_out,
        standing,
        own.studies,
        lacking=own.lacking,
        turns=own.turns,
    )
    if not told.known and not told.news:
        return Nothing("what it was about is gone")
    return Say(brief_card(told, said.language, house.zone, now))


async def brief_edit(house: House, row: Claimed) -> Said:
    """Something in today's brief has changed: say it in place, without a ring."""
    now = house.clock()
    if row.account_id is None:
        return Nothing("there is no account")
    day = moments.local_day(now, house.zone)
    sent = await house.database.read(briefs.todays_brief, row.account_id, day, now=now)
    if sent is None:
        return Nothing("no brief has gone out today")
    card = await as_it_reads(house, row.account_id, sent.message_id, row.language)
    if card is None:
        return Nothing("the brief is gone")
    return Say(card, edits=sent.message_id)


async def as_it_reads(
    house: House, account_id: int, message_id: int, language: str, *, choosing: str = ""
) -> Card | None:
    """The brief, or the reminder by itself, that is this message, as it reads now; else None."""
    now = house.clock()
    told = await house.database.read(_told_in, account_id, message_id, now=now)
    if told is None:
        return None
    return brief_card(told, language, house.zone, now, choosing=choosing)


async def offer(house: House, row: Claimed) -> Said:
    """M10, if the seat is still held."""
    now = house.clock()
    try:
        subject = await house.database.read(subjects.describe, "offer", row.facts["offer_id"])
    except NotFound:
        return Nothing("the offer is gone")
    if not subject.is_open or subject.at <= now:
        return Nothing("the offer is settled")
    return Say(offer_card(subject, row.language, house.zone, now))


async def cancelled(house: House, row: Claimed) -> Said:
    """A training does not take place, unless it does after all."""
    about = await house.database.read(
        subjects.describe_all, [("batch_start", row.facts["batch_id"])]
    )
    if any(subject.takes_place for subject in about.values()):
        return Nothing("it takes place after all")
    today = moments.local_day(house.clock(), house.zone)
    starts_at = datetime.fromisoformat(row.facts["starts_at"])
    second = row.facts.get("second_close")
    again = datetime.fromisoformat(second) if second else None
    if again is not None and again <= house.clock():
        again = None
    card = cancelled_card(
        row.facts["title"],
        starts_at,
        row.language,
        house.zone,
        today,
        again=again,
        reason=row.facts.get("reason", ""),
        thin=row.facts.get("thin", False),
    )
    return Say(card)


async def link_moved(_house: House, row: Claimed) -> Said:
    """The teacher of this account is linked elsewhere now."""
    return Say(link_moved_card(row.language))


async def link_conflict(house: House, row: Claimed) -> Said:
    """A second account has claimed a teacher; told to who answers for this teacher today."""
    now = house.clock()
    profile = await house.database.read(
        _claimed_teacher,
        row.tg_chat_id,
        row.facts["teacher_id"],
        today=moments.local_day(now, house.zone),
        now=now,
    )
    if profile is None:
        return Nothing("the reader does not answer for this teacher any more")
    return Say(link_conflict_card(profile.name, profile.school, row.language))


def _compose(
    session: Session, outbox_id: int, *, now: datetime
) -> tuple[Brief | briefs.Nothing | PutOff, Subjects, Standing | None, Own]:
    said = briefs.compose(session, outbox_id, now=now)
    if not isinstance(said, Brief):
        return said, {}, None, Own()
    standing = _hours_standing(session, said.teacher_id, said.items, said.news, now=now)
    about = _about(session, said.items)
    return said, about, standing, _own(session, said.teacher_id, about, now=now)


def _hours_standing(
    session: Session,
    teacher_id: int | None,
    items: Sequence[Item],
    news: Sequence[NewsItem],
    *,
    now: datetime,
) -> Standing | None:
    """The teacher's total, where hours have just been posted or are too few; else None."""
    asked = any(one.kind in HOURS for one in news) or any(one.kind in SHORT for one in items)
    if teacher_id is None or not asked:
        return None
    facts = balance.balance_of(session, teacher_id, now=now)
    if facts.year.floor is None:
        return Standing(facts.counted, facts.total, facts.unit, False)
    return Standing(facts.year.counted, facts.year.floor, facts.unit, True)


def _own(session: Session, teacher_id: int | None, about: Subjects, *, now: datetime) -> Own:
    """The person's own part in what is due, where an item is about that."""
    if teacher_id is None:
        return Own()
    studies: dict[int, Study] = {}
    lacking: dict[int, Lacking] = {}
    turns: dict[int, MyTurn | None] = {}
    for (kind, subject_id), subject in about.items():
        if kind in OF_STUDY and subject.batch_id not in studies:
            # Of a class without a plan, or that one has left, there is nothing to say.
            with contextlib.suppress(NotFound):
                studies[subject.batch_id] = my_study.study(
                    session, teacher_id, subject.batch_id, now=now
                )
        elif kind == "material_due":
            lacks = completeness.lacking_of(session, teacher_id, subject_id)
            if lacks is not None:
                lacking[subject_id] = lacks
        elif kind == "round_day":
            turn = timetable.turn_at(session, teacher_id, subject_id)
            if turn is not None or at_ballot.judges(session, teacher_id, subject_id):
                turns[subject_id] = turn
    return Own(studies, lacking, turns)


def _told_in(session: Session, account_id: int, message_id: int, *, now: datetime) -> Told | None:
    """What this message of theirs tells as things stand now, however old it is.

    None for what is no brief and no reminder, or tells of nothing that a later one has not told.
    """
    sent = briefs.told_in(session, account_id, message_id, now=now)
    if sent is None:
        return None
    teacher_id = session.exec(select(Account.teacher_id).where(Account.id == account_id)).first()
    about = _about(session, sent.items)
    own = _own(session, teacher_id, about, now=now)
    told = Told(
        sent.items,
        sent.news,
        about,
        sent.breaks_out,
        _hours_standing(session, teacher_id, sent.items, sent.news, now=now),
        own.studies,
        moments.local_day(sent.sent_at, offices.zone(session)),
        own.lacking,
        own.turns,
    )
    return told if told.known or told.news else None


def _about(session: Session, items: tuple[Item, ...]) -> Subjects:
    return subjects.describe_all(session, [(item.kind, item.subject_id) for item in items])


def _claimed_teacher(
    session: Session, tg_user_id: int, teacher_id: int, *, today: date, now: datetime
) -> Profile | None:
    """The teacher's entry, for a reader who answers for them; None for anybody else."""
    reader = accounts.find(session, tg_user_id, now=now)
    responsible = roles.responsible_for(session, teacher_id, today=today)
    if reader is None or reader.teacher_id not in responsible:
        return None
    return accounts.profile(session, teacher_id)


# --- what a person answers -------------------------------------------------------------------


async def choose(update: Update, context: Context) -> None:
    """Under a brief of several items: show which of them this can be done to, or go back."""
    what = ChooseReminder.parse(tap(update).data).what
    reader = await context.reader(update)
    await _show_brief(update, context, reader, choosing=what)


async def done(update: Update, context: Context) -> None:
    """Look whether it is really done, and say what the records say."""
    deadline_id = ReminderDone.parse(tap(update).data).deadline_id
    reader = await context.reader(update)
    kind, subject, is_owed = await context.read(
        _standing, reader.linked_teacher_id, deadline_id, now=context.now()
    )
    _ = catalog(reader.language).gettext
    if not is_owed:
        text = _("Thank you, this is settled.")
    elif kind in ("reg_open", "reg_close"):
        text = _("You are not registered yet. The programme's card has the key for it.")
    elif kind in ("menu_open", "menu_close"):
        text = _("You have not chosen enough yet. The menu's card has the keys for it.")
    elif kind == "offer":
        text = _("The seat is still waiting for your answer.")
    elif kind in OF_STUDY:
        text = _(
            "The records do not show it as completed yet; the platform's figures come with a "
            "delay. If you have finished, you need do nothing more."
        )
    else:
        text = _("The records still show this as open.")
    await alert(update, text)
    await _show_brief(update, context, reader, text=_with_title(text, subject), about=subject)


async def later(update: Update, context: Context) -> None:
    """Put it off to the brief of the next working day."""
    deadline_id = ReminderLater.parse(tap(update).data).deadline_id
    reader = await context.reader(update)
    now, zone = context.now(), context.house.zone
    moment, subject = await context.write(_put_off, reader.linked_teacher_id, deadline_id, now=now)
    context.house.wake_delivery()
    _ = catalog(reader.language).gettext
    if moment is None:
        text = _("There is no working time left before the deadline, so it stays as it is.")
    else:
        text = _("I will remind you again: {time}").format(
            time=dates.moment(moment, zone, reader.language, moments.local_day(now, zone))
        )
    await alert(update, text)
    await _show_brief(update, context, reader, text=_with_title(text, subject), about=subject)


async def mute(update: Update, context: Context) -> None:
    """Say no more of it; where that would cost the seat or the hours it is refused in words."""
    deadline_id = ReminderMute.parse(tap(update).data).deadline_id
    reader = await context.reader(update)
    subject = await context.write(_mute, reader.linked_teacher_id, deadline_id, now=context.now())
    _ = catalog(reader.language).gettext
    text = _("I will not remind you of this again. It stays in the list of what is due.")
    await alert(update, text)
    await _show_brief(update, context, reader, text=_with_title(text, subject), about=subject)


def _standing(
    session: Session, teacher_id: int, deadline_id: int, *, now: datetime
) -> tuple[str, Subject | None, bool]:
    """The kind of a deadline, what it is about, and whether this teacher still owes it."""
    deadline = reminders.overview(session, deadline_id)
    is_owed = deadline.state is DeadlineState.ACTIVE and subjects.is_owed(
        session, deadline.kind, deadline.subject_id, teacher_id, now=now
    )
    return deadline.kind, _subject(session, deadline.kind, deadline.subject_id), is_owed


def _put_off(
    session: Session, teacher_id: int, deadline_id: int, *, now: datetime
) -> tuple[datetime | None, Subject | None]:
    calendar = workdays.load(session)
    tomorrow = calendar.shift(moments.local_day(now, calendar.zone), 1)
    until = moments.at(tomorrow, 0, calendar.zone)
    moment = reminders.put_off_reminder(session, teacher_id, deadline_id, until, now=now)
    return moment, _subject_of(session, deadline_id)


def _mute(session: Session, teacher_id: int, deadline_id: int, *, now: datetime) -> Subject | None:
    reminders.mute(session, teacher_id, deadline_id, now=now)
    return _subject_of(session, deadline_id)


def _subject_of(session: Session, deadline_id: int) -> Subject | None:
    deadline = reminders.overview(session, deadline_id)
    return _subject(session, deadline.kind, deadline.subject_id)


def _subject(session: Session, kind: str, subject_id: int) -> Subject | None:
    return subjects.describe_all(session, [(kind, subject_id)]).get((kind, subject_id))


def _with_title(text: str, subject: Subject | None) -> str:
    escaped = html.escape(text)
    return escaped if subject is None else f"<b>{html.escape(subject.title)}</b>\n{escaped}"


async def redraw(update: Update, context: Context, reader: Reader) -> None:
    """Let the brief, or the reminder by itself, in which something was tapped read as it is now."""
    card = await _redrawn(update, context, reader)
    if card is not None:
        await edit_in_place(update, context, card)


async def _redrawn(
    update: Update, context: Context, reader: Reader, *, choosing: str = ""
) -> Card | None:
    """The brief or reminder in which something was tapped as it reads now; None of another."""
    message = tap(update).message
    if not isinstance(message, Message):
        return None
    return await as_it_reads(
        context.house, reader.account_id, message.message_id, reader.language, choosing=choosing
    )


async def _show_brief(
    update: Update,
    context: Context,
    reader: Reader,
    *,
    choosing: str = "",
    text: str = "",
    about: Subject | None = None,
) -> None:
    """Show the brief, or the reminder by itself, that was tapped as it reads now.

    Where it cannot be found, or a later one tells all of it, the ``text`` is shown in its place.
    """
    card = await _redrawn(update, context, reader, choosing=choosing)
    if card is not None:
        await show(update, context, reader, card)
        return
    _ = catalog(reader.language).gettext
    keys = [Key(_("What is due"), OpenDue(0)), Key(_("Menu"), Home())]
    if about is not None:
        keys.insert(0, Key(_("View"), open_subject(about)))
    shown = text or _("This brief is too old to be worked with. What is due now is in the list.")
    await show(update, context, reader, Card(shown, (tuple(keys),)))
