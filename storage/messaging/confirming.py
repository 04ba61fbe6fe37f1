"""Confirming a notice: by one tap or by doing the thing, and reminding those who have not.

Confirming is idempotent and silent. Whoever has confirmed before the notice reached them in
private is not sent it there any more; it stands in their list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.calendar import workdays
from storage.inserting import insert_new
from storage.messaging import deadlines, outbox, quiet, rings, tending, unconfirmed
from storage.messaging.tables import (
    Chat,
    Deadline,
    DeadlineState,
    DeadlineStep,
    Notice,
    NoticePost,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
    Reminder,
)
from storage.messaging.unconfirmed import OUT
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.tables import Account, Posting, Role, RoleAssignment, ScopeKind
from storage.prepared import Prepared, among
from storage.refusals import NotFound, Refusal

CHASE_EVERY = timedelta(hours=4)
"""So often at most a coordinator may remind those who have not confirmed a notice."""

UNDATED = timedelta(days=7)
"""How long a reminder of a notice without a date of its own is worth saying."""

LATE_LIST = timedelta(hours=2)
"""After the date of an urgent notice its author gets the list of who has not confirmed."""

LOOK_BACK = timedelta(days=14)
"""How long after its date a notice's list is still told, if the machine stood still: until then
it is in no other list (``storage.kinds.OVERDUE``)."""

URGE_BEFORE = timedelta(hours=24)
URGE = "notice_urge"
LIST = "notice_list"
EDIT = "notice_edit"
CORRECTED = "notice_corrected"


class Standing(StrEnum):
    """What a wish to confirm came to."""

    CONFIRMED = "confirmed"
    ALREADY = "already"
    NOT_CONCERNED = "not_concerned"
    NOT_YET = "not_yet"  # whom it concerns is still being found out
    NOTHING_TO_DO = "nothing_to_do"  # it asks for no confirmation
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Confirmation:
    """What a wish to confirm came to; ``at`` is when it was confirmed."""

    notice_id: int
    standing: Standing
    at: datetime | None = None
    message_id: int | None = None
    """The notice in the person's private chat."""
    is_late: bool = False
    """Confirmed just now, after its date."""


class TooSoon(Refusal):
    """Those who have not confirmed were reminded a moment ago."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until}")
        self.until = until


class NothingToChase(Refusal):
    """The notice asks for no confirmation, has not left, or is withdrawn."""


@dataclass(frozen=True)
class Chase:
    """Whom a reminder of those who have not confirmed reaches, and ``at`` what time most of them.

    ``unreached`` are the others, whom nothing reaches.
    """

    reached: int
    unreached: int
    at: datetime
    is_new: bool = True


_recipient, _notice = (SQLModel.metadata.tables[name] for name in ("notice_recipient", "notice"))


def open_answers(session: Session, notice_id: int, *, now: datetime) -> None:
    """Begin to await answers to a notice that is leaving; again it changes nothing.

    Its places get a post, and its date becomes a deadline that the unconfirmed owe.
    """
    notice = tending.get(session, notice_id)
    known = select(Chat.id).where(col(Chat.id).in_(notice.chats))
    for chat_id in session.exec(known).all():
        session.exec(
            insert_new(session, NoticePost).values(notice_id=notice_id, chat_id=chat_id, shown="")
        )
    if notice.wants_answer and notice.answer_by is not None and notice.answer_by > now:
        deadlines.set_deadline(session, unconfirmed.KIND, notice_id, notice.answer_by, now=now)


def confirm(session: Session, teacher_id: int, notice_id: int, *, now: datetime) -> Confirmation:
    """Note that this teacher has taken note; twice is once. Raises NotFound before it is sent."""
    notice = tending.get(session, notice_id)
    row = session.exec(
        select(NoticeRecipient)
        .where(NoticeRecipient.notice_id == notice_id, NoticeRecipient.teacher_id == teacher_id)
        .execution_options(populate_existing=True)
    ).first()
    if notice.state is NoticeState.WITHDRAWN:
        return Confirmation(notice_id, Standing.WITHDRAWN)
    if notice.state not in OUT or row is None:
        is_filling = notice.state is NoticeState.SENDING and notice.filled_at is None
        standing = Standing.NOT_YET if is_filling else Standing.NOT_CONCERNED
        return Confirmation(notice_id, standing)
    message_id = message_of(session, row)
    if row.confirmed_at is not None:
        return Confirmation(notice_id, Standing.ALREADY, row.confirmed_at, message_id)
    if not notice.wants_answer:
        return Confirmation(notice_id, Standing.NOTHING_TO_DO, message_id=message_id)
    changed = session.exec(
        sa.update(NoticeRecipient)
        .where(col(NoticeRecipient.id) == row.id, col(NoticeRecipient.confirmed_at).is_(None))
        .values(confirmed_at=now)
    ).rowcount
    standing = Standing.CONFIRMED if changed else Standing.ALREADY
    is_late = bool(changed) and notice.answer_by is not None and now >= notice.answer_by
    if is_late and notice.ring_revision and unconfirmed.earlier(session, row.id):
        is_late = False  # they had confirmed, and a correction has asked them once more
    return Confirmation(notice_id, standing, now, message_id, is_late)


def message_of(session: Session, row: NoticeRecipient) -> int | None:
    """Return the message that the notice is in the person's private chat, if it is one."""
    return messages_of(session, row)[0]


def messages_of(session: Session, row: NoticeRecipient) -> tuple[int | None, int | None]:
    """Return the same, and the message of its last file, which bears the keys of the notice."""
    if row.message_id is not None or row.outbox_id is None:
        return row.message_id, None
    sent: Any = session.exec(
        select(OutboxMessage.message_id, OutboxMessage.facts).where(
            OutboxMessage.id == row.outbox_id, OutboxMessage.kind == outbox.NOTICE
        )
    ).first()
    return (None, None) if sent is None else (sent.message_id, sent.facts.get(outbox.LAST_FILE))


@dataclass(frozen=True)
class Copy:
    """A message of somebody's that says of a notice that it is still to be confirmed."""

    outbox_id: int
    account_id: int
    message_id: int
    kind: str
    facts: dict[str, Any]


COPIES = 8
"""So many messages of each kind, the newest, are put right once a notice is confirmed."""


def redraw(
    session: Session, teacher_id: int, notice_id: int, *, but: int | None = None, now: datetime
) -> None:
    """Let all that asks this person to confirm the notice be edited, silently, to what is true.

    That is the notice itself and the keys under its last file, its corrections, and the briefs
    that named it; ``but`` is the message in which it was confirmed, which says so already.
    """
    row = session.exec(
        select(NoticeRecipient).where(
            NoticeRecipient.notice_id == notice_id, NoticeRecipient.teacher_id == teacher_id
        )
    ).one()
    message_id, file_id = messages_of(session, row)
    if message_id is not None and {message_id, file_id} - {but, None}:
        _edit(session, teacher_id, {"notice_id": notice_id}, now)
    for each in _copies(session, teacher_id, notice_id):
        if each.message_id != but:
            _edit(session, teacher_id, {"notice_id": notice_id, "copy": each.outbox_id}, now)


def _edit(session: Session, teacher_id: int, facts: dict[str, Any], now: datetime) -> None:
    notice_id = facts["notice_id"]
    outbox.put(
        session,
        EDIT,
        teacher_id=teacher_id,
        facts=facts,
        priority=Priority.CARD,
        not_before=now,
        # A correction asks anew, and what is confirmed then is an edit of its own.
        dedupe_key=(
            f"{EDIT}:{notice_id}:confirmed:{teacher_id}:{facts.get('copy', 0)}:{now.isoformat()}"
        ),
        now=now,
        rings=False,
        stream=notice_id,
    )


_COPY: Any = sa.select(
    col(OutboxMessage.id),
    col(OutboxMessage.account_id),
    col(OutboxMessage.message_id),
    col(OutboxMessage.kind),
    col(OutboxMessage.facts),
).where(
    col(OutboxMessage.state) == OutboxState.SENT,
    col(OutboxMessage.account_id).is_not(None),
    col(OutboxMessage.message_id).is_not(None),
)


def _copies(session: Session, teacher_id: int, notice_id: int) -> list[Copy]:
    briefs = (
        sa.select(col(Reminder.outbox_id))
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            col(Reminder.teacher_id) == teacher_id,
            col(Deadline.kind) == unconfirmed.KIND,
            col(Deadline.subject_id) == notice_id,
        )
    )
    corrections = (
        col(OutboxMessage.kind) == CORRECTED,
        col(OutboxMessage.stream) == notice_id,
    )
    found = []
    for these in (corrections, (col(OutboxMessage.id).in_(briefs),)):
        found += session.exec(
            _COPY.where(col(OutboxMessage.teacher_id) == teacher_id, *these)
            .order_by(col(OutboxMessage.id).desc())
            .limit(COPIES)
        ).all()
    return [Copy(*row) for row in found]


def copy(session: Session, outbox_id: int) -> Copy:
    """Return such a message. Raises NotFound."""
    row = session.exec(_COPY.where(col(OutboxMessage.id) == outbox_id)).first()
    if row is None:
        raise NotFound("message")
    return Copy(*row)


# --- by deed ---------------------------------------------------------------------------------

DEEDS = {
    "batch": ("reg_open", "reg_close", "nomination"),
    "task": ("task_due",),
    "menu": ("menu_open", "menu_close"),
}
"""What somebody does, and the kinds of deadline by which a notice about it names it."""

_OPEN = Prepared(
    sa.select(
        _recipient.c.id,
        _recipient.c.notice_id,
        _notice.c.event_kind,
        _notice.c.event_id,
        _notice.c.audience,
    )
    .join(_notice, _notice.c.id == _recipient.c.notice_id)
    .where(
        _recipient.c.teacher_id == sa.bindparam("teacher_id"),
        _recipient.c.confirmed_at.is_(None),
        _notice.c.wants_answer,
        among(_notice.c.state, OUT),
    )
)


def by_deed(
    session: Session, teacher_id: int, kind: str, subject_id: int, *, now: datetime
) -> None:
    """Who does the thing has taken note of the notices about it.

    ``kind`` says what ``subject_id`` is: ``batch`` (they register), ``task`` (they hand in) or
    ``menu`` (they choose). A notice is about it by its event, or by being for who owes it.
    """
    about = [(named, subject_id) for named in DEEDS[kind]]
    done = [
        row
        for row in _OPEN.all(session, teacher_id=teacher_id)
        if (row.event_kind, row.event_id) in about or tuple(row.audience.get("owes") or ()) in about
    ]
    if not done:
        return
    ids = [row.id for row in done]
    session.exec(
        sa.update(NoticeRecipient)
        .where(col(NoticeRecipient.id).in_(ids), col(NoticeRecipient.confirmed_at).is_(None))
        .values(confirmed_at=now, by_deed=True)
    )
    for row in done:
        redraw(session, teacher_id, row.notice_id, now=now)


# --- chasing ---------------------------------------------------------------------------------


def next_chase(notice: Notice) -> datetime | None:
    """Return from when those who have not confirmed may be reminded again; None is now."""
    return None if notice.chased_at is None else notice.chased_at + CHASE_EVERY


def look_at_chase(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Chase:
    """Say what ``chase`` would do now. Raises as that does."""
    return _to_chase(session, actor_id, notice_id, now)[1]


def _to_chase(
    session: Session, actor_id: int, notice_id: int, now: datetime
) -> tuple[Notice, Chase]:
    today = local_day(now, offices.zone(session))
    notice = tending.whole(session, actor_id, notice_id, today=today)
    if not notice.wants_answer or notice.state not in OUT:
        raise NothingToChase
    until = next_chase(notice)
    if notice.chased_at is not None and until is not None and now < until:
        if now - notice.chased_at >= timedelta(minutes=1):
            raise TooSoon(until)
        return notice, _chase(session, notice, notice.chased_at, is_new=False)
    return notice, _chase(session, notice, now)


def _chase(session: Session, notice: Notice, now: datetime, *, is_new: bool = True) -> Chase:
    """As the sweep will do it: in the next brief, or by itself where that comes too late."""
    whom = (
        sa.select(col(Account.teacher_id), col(Account.id))
        .join(NoticeRecipient, col(NoticeRecipient.teacher_id) == col(Account.teacher_id))
        .where(
            col(Account.reachable),
            col(NoticeRecipient.notice_id) == notice.id,
            col(NoticeRecipient.confirmed_at).is_(None),
        )
    )
    groups = list(rings.by_hours(session, whom))
    reached = sum(number for _hours, number, _group in groups)
    most = max(groups, key=lambda each: each[1], default=None)
    calendar = workdays.load(session)
    at = now
    if most is not None:
        at = rings.next_brief(session, *most, calendar, now)
        over = _worth(notice, now)
        if at >= over:
            at = quiet.ring_at(now, most[0], calendar, lapses=over)
    return Chase(reached, _unconfirmed(session, notice.id) - reached, at, is_new)


def _worth(notice: Notice, now: datetime) -> datetime:
    """Until when a reminder by hand is worth saying."""
    ahead = notice.answer_by is not None and notice.answer_by > now
    return notice.answer_by if ahead and notice.answer_by is not None else now + UNDATED


def chase(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Chase:
    """Remind those who have not confirmed, in their next brief, or by itself if that is too late.

    It is a step of the notice's deadline, so each is asked again whether they still owe it when
    their turn comes. A second tap within a minute returns what the first did; within four hours
    TooSoon is raised. Raises NotFound, NotAllowed or NothingToChase.
    """
    notice, found = _to_chase(session, actor_id, notice_id, now)
    if not found.is_new:
        return found
    notice.chased_at = now
    session.add(notice)
    session.flush()
    session.exec(
        sa.update(NoticeRecipient)
        .where(
            col(NoticeRecipient.notice_id) == notice_id, col(NoticeRecipient.confirmed_at).is_(None)
        )
        .values(chased_at=now)
    )
    deadline = _deadline(session, notice, now)
    revision, number = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Deadline.revision),
            sa.select(sa.func.count())
            .where(col(DeadlineStep.deadline_id) == deadline, col(DeadlineStep.name).like("now%"))
            .scalar_subquery(),
        ).where(col(Deadline.id) == deadline)
    ).one()
    session.add(
        DeadlineStep(
            deadline_id=deadline,
            revision=revision,
            name=f"now{number + 1}",
            due_at=now,
            useful_until=_worth(notice, now),
        )
    )
    session.flush()
    _urge_groups(session, notice, now)
    return found


def _unconfirmed(session: Session, notice_id: int) -> int:
    return session.exec(
        select(sa.func.count())
        .select_from(NoticeRecipient)
        .where(NoticeRecipient.notice_id == notice_id, col(NoticeRecipient.confirmed_at).is_(None))
    ).one()


def _deadline(session: Session, notice: Notice, now: datetime) -> int:
    """The notice's deadline; one without a date gets one that plans no steps of its own."""
    found = session.exec(
        select(Deadline.id).where(
            Deadline.kind == unconfirmed.KIND,
            Deadline.subject_id == notice.id,
            Deadline.teacher_id == 0,
        )
    ).first()
    if found is None:
        row = Deadline(
            kind=unconfirmed.KIND,
            subject_id=notice.id,
            at=notice.answer_by or now + UNDATED,
            preset="T-4h",
        )
        session.add(row)
        session.flush()
        return row.id
    if notice.answer_by is None:
        session.exec(
            sa.update(Deadline)
            .where(col(Deadline.id) == found)
            .values(at=now + UNDATED, state=DeadlineState.ACTIVE)
        )
    return found


def _urge_groups(session: Session, notice: Notice, now: datetime) -> None:
    """Let the places that say how many are missing say so, once a day; how many is asked then."""
    day = local_day(now, offices.zone(session))
    places = session.exec(
        select(NoticePost.chat_id)
        .join(Chat, col(Chat.id) == col(NoticePost.chat_id))
        .where(NoticePost.notice_id == notice.id, col(Chat.urges), col(Chat.active))
        .where(~col(Chat.closed), col(NoticePost.message_id).is_not(None))
    ).all()
    for chat_id in places:
        outbox.put(
            session,
            URGE,
            chat_id=chat_id,
            facts={"notice_id": notice.id},
            priority=Priority.CARD,
            not_before=now,
            useful_until=notice.answer_by if notice.answer_by and notice.answer_by > now else None,
            dedupe_key=f"{URGE}:{notice.id}:{chat_id}:{day.isoformat()}",
            now=now,
            stream=notice.id,
        )


def come_due(session: Session, *, now: datetime) -> int:
    """Do what the date of a notice asks for; asking again does it once.

    A day before, places that say so tell how many are missing. At the date (of an urgent notice
    two hours after it) its author, or who answers for it, and the coordinators of the schools
    in question are told that there is a list. Returns how many notices were looked at.
    """
    soon = session.exec(
        select(Notice).where(
            col(Notice.state).in_(OUT),
            col(Notice.wants_answer),
            col(Notice.answer_by) <= now + URGE_BEFORE,
            col(Notice.answer_by) > now - LOOK_BACK,
        )
    ).all()
    today = local_day(now, offices.zone(session))
    for notice in soon:
        assert notice.answer_by is not None
        if not _unconfirmed(session, notice.id):
            continue
        if now < notice.answer_by:
            _urge_groups(session, notice, now)
        elif now >= notice.answer_by + (LATE_LIST if notice.urgent else timedelta(0)):
            _tell_list(session, notice, today, now)
    return len(soon)


def _coordinators(session: Session, notice: Notice, *, today: Any) -> list[int]:
    """The coordinators of the schools that somebody who has not confirmed works at."""
    units = (
        sa.select(col(Posting.unit_id))
        .join(NoticeRecipient, col(NoticeRecipient.teacher_id) == col(Posting.teacher_id))
        .where(
            col(NoticeRecipient.notice_id) == notice.id,
            col(NoticeRecipient.confirmed_at).is_(None),
            *tending.posted_on(today),
        )
    )
    return list(
        session.exec(
            select(RoleAssignment.teacher_id)
            .distinct()
            .where(
                RoleAssignment.role == Role.SCHOOL_COORDINATOR,
                RoleAssignment.scope_kind == ScopeKind.UNIT,
                col(RoleAssignment.scope_id).in_(units),
                authority.runs(today),
            )
        ).all()
    )


def _tell_list(session: Session, notice: Notice, today: date, now: datetime) -> None:
    """Tell everybody concerned who has not been told yet that there is a list."""
    assert notice.answer_by is not None
    whom = set(tending.answerers(session, notice, today=today))
    whom.update(_coordinators(session, notice, today=today))
    key = f"{LIST}:{notice.id}:{{}}:{notice.answer_by.isoformat()}"
    keys = {key.format(teacher_id): teacher_id for teacher_id in sorted(whom)}
    told = session.exec(
        select(OutboxMessage.dedupe_key).where(col(OutboxMessage.dedupe_key).in_(keys))
    ).all()
    for missing in (each for each in keys if each not in set(told)):
        outbox.put(
            session,
            LIST,
            teacher_id=keys[missing],
            facts={"notice_id": notice.id},
            priority=Priority.OFFER if notice.urgent else Priority.CARD,
            not_before=now,
            useful_until=notice.answer_by + LOOK_BACK,
            dedupe_key=missing,
            now=now,
            stream=notice.id,
        )
