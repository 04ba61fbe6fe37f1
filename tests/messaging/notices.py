"""Notices that have left, for the tests of what happens then."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import confirming, outbox
from storage.messaging.tables import (
    Notice,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people import roles
from storage.people.tables import Account, Role
from tests import make
from tests.make import NOW

_numbers = itertools.count(1)
SCHOOL = "澄禾县实验小学"
NOBODY_ELSE = {"facts": {"subject": ["古琴"]}}
"""An audience that nobody joins while the clock runs."""


def coordinator(session: Session, /, name: str = "罗佳宁", *, at: str = SCHOOL) -> int:
    """A linked coordinator of the school."""
    teacher_id = make.teacher(session, name, at=at)
    make.account(session, teacher_id)
    appoint(session, teacher_id, at=at)
    return teacher_id


def appoint(
    session: Session,
    /,
    teacher_id: int,
    *,
    at: str = SCHOOL,
    role: Role = Role.SCHOOL_COORDINATOR,
    unit_id: int | None = None,
) -> None:
    unit_id = unit_id or make.school(session, at)
    roles.appoint(session, teacher_id, role, unit_id, today=NOW.date(), now=NOW)


def dismiss(session: Session, /, teacher_id: int, *, at: str = SCHOOL) -> None:
    unit_id = make.school(session, at)
    roles.dismiss(session, teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=NOW.date(), now=NOW)


def notice(
    session: Session,
    /,
    author_id: int,
    to: Collection[int] = (),
    *,
    at: str = SCHOOL,
    delivered: bool = True,
    **differs: Any,
) -> int:
    """A notice of the school to these teachers; ``delivered``: it is a message in their chats."""
    usual: dict[str, Any] = {
        "author_id": author_id,
        "unit_id": make.school(session, at),
        "title": "关于报送研修计划的通知",
        "text": "请各位老师提交个人研修计划。",
        "place": "三楼报告厅",
        "happens_at": NOW + timedelta(days=7),
        "answer_by": NOW + timedelta(days=5),
        "state": NoticeState.SENT,
        "send_at": NOW,
        "filled_at": NOW,
        "created_at": NOW,
        "audience": NOBODY_ELSE,
    }
    row = Notice(**(usual | differs))
    session.add(row)
    session.flush()
    for teacher_id in to:
        recipient(session, row.id, teacher_id, delivered=delivered)
    confirming.open_answers(session, row.id, now=NOW)
    return row.id


def recipient(
    session: Session, /, notice_id: int, teacher_id: int, *, delivered: bool = True
) -> int:
    """Somebody whom the notice concerns, and the row of the outbox that carries it to them."""
    account_id = session.exec(
        select(Account.id).where(Account.teacher_id == teacher_id, col(Account.reachable))
    ).first()
    outbox_id = None
    if account_id is not None:
        carried = OutboxMessage(
            kind=outbox.NOTICE,
            teacher_id=teacher_id,
            account_id=account_id,
            facts={"notice_id": notice_id},
            priority=Priority.BULK,
            not_before=NOW,
            stream=notice_id,
            dedupe_key=f"notice:{notice_id}:{teacher_id}",
            state=OutboxState.SENT if delivered else OutboxState.PENDING,
            message_id=5000 + next(_numbers) if delivered else None,
            created_at=NOW,
            sent_at=NOW if delivered else None,
        )
        session.add(carried)
        session.flush()
        outbox_id = carried.id
    row = NoticeRecipient(
        notice_id=notice_id,
        teacher_id=teacher_id,
        outbox_id=outbox_id,
        reached=account_id is not None,
    )
    session.add(row)
    session.flush()
    return row.id


def line(session: Session, /, notice_id: int, teacher_id: int) -> NoticeRecipient:
    """What is known of one recipient."""
    return session.exec(
        select(NoticeRecipient)
        .where(NoticeRecipient.notice_id == notice_id, NoticeRecipient.teacher_id == teacher_id)
        .execution_options(populate_existing=True)
    ).one()


def waiting(session: Session, kind: str) -> list[OutboxMessage]:
    """The rows of this kind that wait in the outbox."""
    return list(
        session.exec(
            select(OutboxMessage)
            .where(OutboxMessage.kind == kind, OutboxMessage.state == OutboxState.PENDING)
            .order_by(col(OutboxMessage.id))
            .execution_options(populate_existing=True)
        ).all()
    )


def is_message(session: Session, /, notice_id: int, teacher_id: int, message_id: int) -> None:
    """The notice is this message of the person's private chat."""
    session.exec(
        sa.update(NoticeRecipient)
        .where(col(NoticeRecipient.notice_id) == notice_id)
        .where(col(NoticeRecipient.teacher_id) == teacher_id)
        .values(message_id=message_id)
    )
