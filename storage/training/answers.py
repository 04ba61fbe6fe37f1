"""Telling people what was decided about them, once it can no longer be taken back.

A decision can be undone for ten minutes. So its message waits until these are over, and an
undone decision is never told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

from storage.calendar import workdays
from storage.deeds import MINUTES, Deed
from storage.inserting import insert_new
from storage.messaging import outbox, quiet
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.people.tables import Account

Kind = Literal[
    "registration_approved",
    "registration_returned",
    "registration_rejected",
    "registration_exempt",
    "withdrawal_answered",
    "leave_answered",
]


@dataclass(frozen=True)
class Answer:
    """What one person is to be told; ``before`` is the moment until which it matters most."""

    kind: Kind
    teacher_id: int
    subject_id: int
    facts: dict[str, Any]
    before: datetime


def tell(session: Session, answers: Sequence[Answer], deed_id: int, *, now: datetime) -> list[str]:
    """Queue one message each, for when the deed can no longer be undone and the hours allow.

    Returns the keys by which ``outbox.take_back`` finds them.
    """
    if not answers:
        return []
    calendar = workdays.load(session)
    people = {
        account.teacher_id: account
        for account in session.exec(
            select(Account).where(
                col(Account.teacher_id).in_({answer.teacher_id for answer in answers}),
                col(Account.reachable),
            )
        )
    }
    soonest = now + MINUTES
    rows = []
    for answer in answers:
        account = people.get(answer.teacher_id)
        told_at = soonest
        if account is not None:
            hours = quiet.Hours(account.brief_minute, account.quiet_from, account.quiet_until)
            told_at = quiet.ring_at(soonest, hours, calendar, lapses=answer.before)
        rows.append(
            {
                "kind": answer.kind,
                "teacher_id": answer.teacher_id,
                "account_id": None if account is None else account.id,
                "facts": answer.facts | {"deed_id": deed_id},
                "priority": Priority.CARD,
                "not_before": told_at,
                # Late is better than never: only the hours bend for what is near.
                "useful_until": answer.before if told_at < answer.before else None,
                "dedupe_key": f"{answer.kind}:{answer.subject_id}:{deed_id}",
                "rings": True,
                "state": OutboxState.REFUSED if account is None else OutboxState.PENDING,
                "attempts": 0,
                "created_at": now,
                "fault": outbox.UNREACHABLE if account is None else "",
            }
        )
    session.connection().execute(insert_new(session, OutboxMessage), rows)
    return [str(row["dedupe_key"]) for row in rows]


def stands(session: Session, deed_id: int) -> bool:
    """Whether the deed has not been undone."""
    found = session.exec(select(Deed.id).where(Deed.id == deed_id, col(Deed.undone_at).is_(None)))
    return found.first() is not None
