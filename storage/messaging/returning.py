"""Coming back: what could not reach somebody and is still of use, in one word and no flood."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import moments
from storage.calendar import workdays
from storage.messaging import outbox, quiet, rings
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    OutboxMessage,
    OutboxState,
    Priority,
    Reminder,
    ReminderState,
)
from storage.people import accounts
from storage.people.tables import Account

OFFERED = 20  # rows at most; who was away for so long has the menu


def come_back(session: Session, account_id: int, *, now: datetime) -> None:
    """The person can be written to (again): what still concerns them is told after all.

    A single message goes out as it is. Several are offered in one, silently, since the person
    is here: each comes when it is asked for. What they still owe rides in the next brief.
    """
    row: Any = session.exec(
        select(Account.teacher_id, Account.unreachable_since).where(Account.id == account_id)
    ).one()
    accounts.opened_private_chat(session, account_id)
    if row.teacher_id is None:
        return
    waiting = _waiting(session, row.teacher_id, now)
    if len(waiting) == 1:
        _send(session, account_id, waiting)
    elif waiting:
        since = row.unreachable_since
        episode = f"{since:%Y%m%d%H%M%S}" if since is not None else str(max(waiting))
        outbox.put(
            session,
            "missed",
            teacher_id=row.teacher_id,
            facts={"rows": waiting},
            priority=Priority.OFFER,
            not_before=now,
            dedupe_key=f"missed:{account_id}:{episode}",
            now=now,
            rings=False,
        )
    _remind_again(session, account_id, row.teacher_id, now)


def show(session: Session, account_id: int, outbox_id: int, *, now: datetime) -> int:
    """Send what was offered: this one, or all of it when ``outbox_id`` is 0; return how many.

    Asking twice sends it once, and somebody else's is not theirs to ask for.
    """
    teacher_id = session.exec(select(Account.teacher_id).where(Account.id == account_id)).one()
    if teacher_id is None:
        return 0
    waiting = _waiting(session, teacher_id, now)
    return _send(session, account_id, [one for one in waiting if outbox_id in (0, one)])


def _waiting(session: Session, teacher_id: int, now: datetime) -> list[int]:
    return list(
        session.exec(
            select(OutboxMessage.id)
            .where(
                OutboxMessage.teacher_id == teacher_id,
                OutboxMessage.state == OutboxState.REFUSED,
                col(OutboxMessage.useful_until) > now,
                # These say what is so when they are said; the next one says it all.
                col(OutboxMessage.kind).not_in([outbox.BRIEF, outbox.REMINDER]),
            )
            .order_by(col(OutboxMessage.priority), col(OutboxMessage.id))
            .limit(OFFERED)
        ).all()
    )


def _send(session: Session, account_id: int, ids: list[int]) -> int:
    return session.exec(
        sa.update(OutboxMessage)
        .where(col(OutboxMessage.id).in_(ids), col(OutboxMessage.state) == OutboxState.REFUSED)
        .values(
            state=OutboxState.PENDING,
            account_id=account_id,
            fault="",
            lease_until=None,
            rings=False,
        )
    ).rowcount


def _remind_again(session: Session, account_id: int, teacher_id: int, now: datetime) -> None:
    """What was due to be said and could not be is due again, in the next brief."""
    due: Any = session.exec(
        select(Reminder.id, DeadlineStep.useful_until)
        .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            Reminder.teacher_id == teacher_id,
            Reminder.state == ReminderState.UNREACHABLE,
            DeadlineStep.useful_until > now,
            DeadlineStep.revision == Deadline.revision,
            Deadline.state == DeadlineState.ACTIVE,
        )
    ).all()
    if not due:
        return
    session.exec(
        sa.update(Reminder)
        .where(col(Reminder.id).in_([row.id for row in due]))
        .values(state=ReminderState.DUE, settled_at=None)
    )
    account = session.get_one(Account, account_id, populate_existing=True)
    hours = quiet.Hours(account.brief_minute, account.quiet_from, account.quiet_until)
    calendar = workdays.load(session)
    people = rings.of_account(account_id)
    brief = quiet.brief_at(now, hours, calendar)
    if not rings.insert_briefs(session, people, brief, calendar, None, now):
        # This day's brief has gone out.
        following = quiet.brief_after(moments.local_day(brief, calendar.zone), hours, calendar)
        rings.insert_briefs(session, people, following, calendar, None, now)
