"""A notice as it is read: by everybody, by one whom it concerns, and their archive of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import confirming, notices, tending
from storage.messaging.notices import Letter
from storage.messaging.tables import (
    Notice,
    NoticePost,
    NoticeRecipient,
    NoticeState,
    Question,
    QuestionLine,
)
from storage.messaging.unconfirmed import OUT, earlier
from storage.refusals import NotFound

PAGE = 6
TALK = 4  # the last lines of a reader's questions and answers
SEEN = (*OUT, NoticeState.WITHDRAWN)
"""States of a notice that somebody may have in hand."""


@dataclass(frozen=True)
class NoticeText:
    """What a notice says to everybody, and whether it still stands; nothing about any reader."""

    letter: Letter
    is_withdrawn: bool
    reason: str
    """Of the withdrawal."""

    @property
    def notice_id(self) -> int:
        return self.letter.notice_id

    @property
    def title(self) -> str:
        return self.letter.title


@dataclass(frozen=True)
class Said:
    """One line of what the reader has asked, and was answered, about a notice."""

    text: str
    is_mine: bool


@dataclass(frozen=True)
class MyNotice:
    """A notice and how one reader stands to it."""

    said: NoticeText
    confirmed_at: datetime | None
    by_deed: bool
    has_asked: bool
    """Has a question open."""
    talk: tuple[Said, ...]
    """The last lines of their questions and the answers, the oldest first."""
    message_id: int | None
    """The notice in the reader's private chat."""
    file_id: int | None
    """Its last file there, under which its keys stand once more."""
    earlier_at: datetime | None
    """When they last confirmed what a correction has overtaken."""

    @property
    def was_late(self) -> bool:
        """Whether it was confirmed after its date, as that is now."""
        by = self.said.letter.answer_by
        if self.confirmed_at is None or by is None or self.earlier_at is not None:
            return False
        return self.confirmed_at >= by


@dataclass(frozen=True)
class ArchiveLine:
    """One notice in somebody's list."""

    notice_id: int
    title: str
    issued_at: datetime
    answer_by: datetime | None
    is_open: bool
    """Still to be confirmed."""
    is_withdrawn: bool
    is_corrected: bool


@dataclass(frozen=True)
class Archive:
    """A page of the notices to one person, those to be confirmed first; pages count from 0."""

    lines: tuple[ArchiveLine, ...]
    page: int
    pages: int
    open: int


def text_of(session: Session, notice: Notice) -> NoticeText:
    """Return what this notice says."""
    return NoticeText(
        notices.letter_of(session, notice),
        is_withdrawn=notice.state is NoticeState.WITHDRAWN,
        reason=notice.reason,
    )


def mine(session: Session, teacher_id: int, notice_id: int) -> MyNotice:
    """Return the notice for one whom it concerns. Raises NotFound for anybody else."""
    notice = tending.get(session, notice_id)
    row = session.exec(
        select(NoticeRecipient)
        .where(NoticeRecipient.notice_id == notice_id, NoticeRecipient.teacher_id == teacher_id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None or notice.state not in SEEN:
        raise NotFound("notice")
    question: Any = session.exec(
        select(Question.id, Question.answered_at).where(
            Question.notice_id == notice_id, Question.teacher_id == teacher_id
        )
    ).first()
    talk: Sequence[Any] = ()
    if question is not None:
        talk = session.exec(
            select(QuestionLine.text, QuestionLine.by_id)
            .where(QuestionLine.question_id == question.id)
            .order_by(col(QuestionLine.id).desc())
            .limit(TALK)
        ).all()
    message_id, file_id = confirming.messages_of(session, row)
    return MyNotice(
        said=text_of(session, notice),
        confirmed_at=row.confirmed_at,
        by_deed=row.by_deed,
        has_asked=question is not None and question.answered_at is None,
        talk=tuple(Said(text, by_id == teacher_id) for text, by_id in reversed(talk)),
        message_id=message_id,
        file_id=file_id,
        earlier_at=earlier(session, row.id) if notice.ring_revision else None,
    )


def is_public(session: Session, notice_id: int) -> bool:
    """Whether the notice stands in a group, where others than those concerned read it."""
    return (
        session.exec(select(NoticePost.id).where(NoticePost.notice_id == notice_id)).first()
        is not None
    )


def _open() -> sa.ColumnElement[bool]:
    return sa.and_(
        col(NoticeRecipient.confirmed_at).is_(None),
        col(Notice.wants_answer),
        col(Notice.state).in_(OUT),
    )


def unconfirmed(session: Session, teacher_id: int) -> int:
    """Return how many notices this person has still to confirm."""
    return session.exec(
        select(sa.func.count())
        .select_from(NoticeRecipient)
        .join(Notice, col(Notice.id) == col(NoticeRecipient.notice_id))
        .where(NoticeRecipient.teacher_id == teacher_id, _open())
    ).one()


def archive(session: Session, teacher_id: int, *, page: int = 0) -> Archive:
    """Return a page of the notices that concern this person: unconfirmed first, then newest."""
    found = (
        sa.select(
            col(Notice.id),
            col(Notice.title),
            sa.func.coalesce(col(Notice.send_at), col(Notice.created_at)).label("issued_at"),
            col(Notice.answer_by),
            _open().label("is_open"),
            col(Notice.state),
            col(Notice.ring_revision),
        )
        .join(NoticeRecipient, col(NoticeRecipient.notice_id) == col(Notice.id))
        .where(col(NoticeRecipient.teacher_id) == teacher_id, col(Notice.state).in_(SEEN))
    )
    total = session.exec(found.with_only_columns(sa.func.count())).scalar_one()  # type: ignore[call-overload]
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    first = sa.case((_open(), 0), else_=1)
    rows = session.exec(  # type: ignore[call-overload]
        found.order_by(first, sa.desc("issued_at"), col(Notice.id).desc())
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    return Archive(
        tuple(
            ArchiveLine(
                row.id,
                row.title,
                row.issued_at,
                row.answer_by,
                bool(row.is_open),
                row.state is NoticeState.WITHDRAWN,
                row.ring_revision > 0,
            )
            for row in rows
        ),
        page,
        pages,
        unconfirmed(session, teacher_id),
    )
