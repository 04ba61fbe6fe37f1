"""Questions about a notice: a thread between whoever asks and who answers for the notice.

It lands with the author, or with the unit's coordinators once the author may not send notices
any more. Where the coordinators' group of the unit has topics, and the bot may manage them, it
has a topic there, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.inserting import insert_new
from storage.messaging import notice_views, outbox, tending
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Notice,
    NoticeRecipient,
    OutboxMessage,
    OutboxState,
    Priority,
    Question,
    QuestionLine,
)
from storage.moments import local_day
from storage.people import authority, offices, units
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Posting, Teacher
from storage.refusals import NotFound, Refusal
from storage.waiting_for import Waiting

ASKED = "notice_question"
ANSWERED = "notice_answer"
RELAYED = "question_line"
LONGEST = 1000
SHOWN = 8  # the last lines of a thread
PAGE = 6
KEPT = timedelta(days=90)
"""So long an answered question stands in the list of all; with its notice it always does."""
SAME = timedelta(minutes=1)
"""The same words again within this time are a redelivered update, not a second question."""
RING_EVERY = timedelta(hours=1)
MAY_MANAGE = "can_manage_topics"


class NothingSaid(Refusal):
    """A question or an answer without words."""


class NotConcerned(Refusal):
    """The notice is not to this person, nor one that everybody reads."""


@dataclass(frozen=True)
class Line:
    """One message of a thread."""

    text: str
    at: datetime
    by_asker: bool


@dataclass(frozen=True)
class Thread:
    """A question as those who answer see it."""

    question_id: int
    notice_id: int
    title: str
    asker_id: int
    asker: str
    unit: str
    lines: tuple[Line, ...]
    is_open: bool


@dataclass(frozen=True)
class Answer:
    """An answer as whoever asked sees it: in the name of the unit."""

    question_id: int
    notice_id: int
    title: str
    issuer: str
    question: str
    answer: str


@dataclass(frozen=True)
class Topic:
    """A question's topic in the coordinators' group; ``thread_id`` is None until it is made."""

    question_id: int
    tg_chat_id: int
    thread_id: int | None
    title: str


@dataclass(frozen=True)
class QuestionLineFacts:
    """One line to be said in a topic of the coordinators' group."""

    question_id: int
    thread_id: int | None
    title: str
    asker: str
    unit: str
    text: str
    by_asker: bool


@dataclass(frozen=True)
class OpenQuestion:
    """One line of the list of what is asked."""

    question_id: int
    notice_id: int
    title: str
    asker: str
    unit: str
    text: str
    at: datetime
    is_open: bool


@dataclass(frozen=True)
class OpenQuestions:
    """A page of the questions: the open ones, the oldest first, and then what is answered.

    Pages count from 0; ``total`` is how many are open.
    """

    lines: tuple[OpenQuestion, ...]
    page: int
    pages: int
    total: int


def ask(
    session: Session, teacher_id: int, notice_id: int, text: str, *, now: datetime
) -> tuple[int, Topic | None]:
    """Ask, or ask on; return the question's id, and its topic where there is one already.

    Raises NotFound, NothingSaid, or NotConcerned.
    """
    notice = tending.get(session, notice_id)
    may_ask(session, teacher_id, notice_id)
    said = _said(text)
    session.exec(
        insert_new(session, Question).values(
            notice_id=notice_id, teacher_id=teacher_id, opened_at=now
        )
    )
    question = session.exec(
        select(Question)
        .where(Question.notice_id == notice_id, Question.teacher_id == teacher_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    line_id = _add(session, question, teacher_id, said, now)
    if line_id is not None:
        if question.answered_at is not None:
            question.answered_at = None
            question.opened_at = now
        if question.chat_id is None:
            question.chat_id = _forum(session, notice)
        session.add(question)
        session.flush()
        for answerer in tending.answerers(
            session, notice, today=local_day(now, offices.zone(session))
        ):
            _ring(session, notice, answerer, now)
        _relay(session, question, line_id, now)
    return question.id, topic(session, question.id)


def may_ask(session: Session, teacher_id: int, notice_id: int) -> None:
    """Raise NotConcerned unless the notice is to this person or stands in a group."""
    concerned = session.exec(
        select(NoticeRecipient.id).where(
            NoticeRecipient.notice_id == notice_id, NoticeRecipient.teacher_id == teacher_id
        )
    ).first()
    if concerned is None and not notice_views.is_public(session, notice_id):
        raise NotConcerned


def answer(
    session: Session, actor_id: int, question_id: int, text: str, *, now: datetime
) -> Topic | None:
    """Answer; whoever asked is told in private. Returns the topic where there is one.

    Raises NotFound, NotAllowed, NothingSaid.
    """
    question = _tended(session, actor_id, question_id, now=now)
    line_id = _answer(session, question, actor_id, text, now)
    if line_id is not None:
        _relay(session, question, line_id, now)
    return topic(session, question_id)


def answer_in_topic(
    session: Session, actor_id: int, tg_chat_id: int, thread_id: int, text: str, *, now: datetime
) -> Topic | None:
    """Take what is written in a topic as the answer to its question; None where there is none.

    Raises NotAllowed for who may not answer; what the asker is told is what ``answer`` says.
    """
    question_id = session.exec(
        select(Question.id)
        .join(Chat, col(Chat.id) == col(Question.chat_id))
        .where(Chat.tg_chat_id == tg_chat_id, Question.thread_id == thread_id)
    ).first()
    if question_id is None:
        return None
    question = _tended(session, actor_id, question_id, now=now)
    _answer(session, question, actor_id, text, now)
    return topic(session, question_id)


def _answer(
    session: Session, question: Question, actor_id: int, text: str, now: datetime
) -> int | None:
    line_id = _add(session, question, actor_id, _said(text), now)
    if line_id is None:
        return None
    question.answered_at = now
    session.add(question)
    session.flush()
    outbox.put(
        session,
        ANSWERED,
        teacher_id=question.teacher_id,
        facts={"line_id": line_id},
        priority=Priority.CARD,
        not_before=now,
        dedupe_key=f"{ANSWERED}:{line_id}",
        now=now,
    )
    return line_id


def close(session: Session, actor_id: int, question_id: int, *, now: datetime) -> Topic | None:
    """Settle a question without (another) answer; again it changes nothing.

    Returns the topic where there is one. Raises NotFound, NotAllowed.
    """
    question = _tended(session, actor_id, question_id, now=now)
    if question.answered_at is None:
        question.answered_at = now
        session.add(question)
        session.flush()
    return topic(session, question_id)


def thread(session: Session, actor_id: int, question_id: int, *, now: datetime) -> Thread:
    """Return the question to who answers. Raises NotFound, NotAllowed."""
    question = _tended(session, actor_id, question_id, now=now)
    notice = tending.get(session, question.notice_id)
    asker = session.exec(select(Teacher.name).where(Teacher.id == question.teacher_id)).one()
    rows = session.exec(
        select(QuestionLine)
        .where(QuestionLine.question_id == question_id)
        .order_by(col(QuestionLine.id).desc())
        .limit(SHOWN)
    ).all()
    return Thread(
        question_id=question_id,
        notice_id=notice.id,
        title=notice.title,
        asker_id=question.teacher_id,
        asker=asker,
        unit=_unit_name(session, question.teacher_id, local_day(now, offices.zone(session))),
        lines=tuple(
            Line(row.text, row.at, row.by_id == question.teacher_id) for row in reversed(rows)
        ),
        is_open=question.answered_at is None,
    )


def open_questions(
    session: Session,
    actor_id: int,
    *,
    notice_id: int = 0,
    page: int = 0,
    answered: bool = True,
    now: datetime,
) -> OpenQuestions:
    """Return a page of what is asked: of one notice that this person looks after, or of all for
    which they answer; what is ``answered`` follows what waits for an answer.

    Raises NotFound or NotAllowed for a notice that is not theirs.
    """
    today = local_day(now, offices.zone(session))
    if notice_id:
        tending.whole(session, actor_id, notice_id, today=today)
        of = [notice_id]
    else:
        of = _mine(session, actor_id, today, since=now - KEPT if answered else None)
    first = (
        sa.select(col(QuestionLine.text))
        .where(
            col(QuestionLine.question_id) == col(Question.id),
            col(QuestionLine.by_id) == col(Question.teacher_id),
        )
        .order_by(col(QuestionLine.id).desc())
        .limit(1)
        .correlate(Question)
        .scalar_subquery()
    )
    found = (
        sa.select(
            col(Question.id),
            col(Question.notice_id),
            col(Notice.title),
            col(Teacher.name),
            col(Question.teacher_id),
            first.label("text"),
            col(Question.opened_at),
            col(Question.answered_at),
        )
        .join(Notice, col(Notice.id) == col(Question.notice_id))
        .join(Teacher, col(Teacher.id) == col(Question.teacher_id))
        .where(col(Question.notice_id).in_(of))
    )
    is_open = col(Question.answered_at).is_(None)
    if not answered:
        found = found.where(is_open)
    counted = sa.func.count(), sa.func.count(sa.case((is_open, 1)))
    listed, total = session.exec(found.with_only_columns(*counted)).one()  # type: ignore[call-overload]
    pages = max(1, -(-listed // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(  # type: ignore[call-overload]
        found.order_by(
            sa.case((is_open, 0), else_=1),
            col(Question.answered_at).desc(),
            col(Question.opened_at),
            col(Question.id),
        )
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    return OpenQuestions(
        tuple(
            OpenQuestion(
                row.id,
                row.notice_id,
                row.title,
                row.name,
                _unit_name(session, row.teacher_id, today),
                row.text or "",
                row.opened_at,
                row.answered_at is None,
            )
            for row in rows
        ),
        page,
        pages,
        total,
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many questions wait for this person's answer."""
    today = local_day(now, offices.zone(session))
    number = session.exec(
        sa.select(sa.func.count())  # type: ignore[call-overload]
        .select_from(Question)
        .where(
            col(Question.answered_at).is_(None),
            col(Question.notice_id).in_(_mine(session, actor_id, today)),
        )
    ).scalar_one()
    return (Waiting("questions", number),) if number else ()


def answer_facts(session: Session, line_id: int) -> Answer:
    """Return an answer and the question before it. Raises NotFound."""
    row = session.exec(select(QuestionLine).where(QuestionLine.id == line_id)).first()
    if row is None:
        raise NotFound("answer")
    question = session.get_one(Question, row.question_id)
    notice = tending.get(session, question.notice_id)
    asked = session.exec(
        select(QuestionLine.text)
        .where(
            QuestionLine.question_id == question.id,
            QuestionLine.by_id == question.teacher_id,
            col(QuestionLine.id) < line_id,
        )
        .order_by(col(QuestionLine.id).desc())
    ).first()
    issuer = units.signature(session, notice.unit_id)
    return Answer(question.id, notice.id, notice.title, issuer, asked or "", row.text)


# --- topics ----------------------------------------------------------------------------------


def topic(session: Session, question_id: int) -> Topic | None:
    """Return the question's topic, made or to be made; None where it has none."""
    row: Any = session.exec(
        select(Question.thread_id, Chat.tg_chat_id, Teacher.name, Notice.title)
        .join(Chat, col(Chat.id) == col(Question.chat_id))
        .join(Teacher, col(Teacher.id) == col(Question.teacher_id))
        .join(Notice, col(Notice.id) == col(Question.notice_id))
        .where(Question.id == question_id, *_is_forum())
    ).first()
    if row is None:
        return None
    return Topic(question_id, row.tg_chat_id, row.thread_id, f"{row.name} · {row.title}"[:120])


def topics_to_make(session: Session, *, limit: int = 10) -> list[Topic]:
    """Return the open questions whose topic is still to be made."""
    ids = session.exec(
        select(Question.id)
        .where(
            col(Question.chat_id).is_not(None),
            col(Question.thread_id).is_(None),
            col(Question.answered_at).is_(None),
        )
        .order_by(col(Question.id))
        .limit(limit)
    ).all()
    found = [topic(session, question_id) for question_id in ids]
    return [one for one in found if one is not None]


def topic_made(session: Session, question_id: int, thread_id: int) -> None:
    """Note which topic the question has; what is to be said there goes out now."""
    session.exec(
        sa.update(Question)
        .where(col(Question.id) == question_id, col(Question.thread_id).is_(None))
        .values(thread_id=thread_id)
    )


def no_topic(session: Session, question_id: int) -> None:
    """The group makes no topic for this question: it goes on in private alone."""
    session.exec(
        sa.update(Question)
        .where(col(Question.id) == question_id)
        .values(chat_id=None, thread_id=None)
    )


def line_facts(session: Session, line_id: int, chat_id: int) -> QuestionLineFacts | None:
    """Return what is to be said in the topic; None if this place is not for it any more."""
    row: Any = session.exec(
        select(QuestionLine, Question, Notice.title, Teacher.name)
        .join(Question, col(Question.id) == col(QuestionLine.question_id))
        .join(Notice, col(Notice.id) == col(Question.notice_id))
        .join(Teacher, col(Teacher.id) == col(Question.teacher_id))
        .join(Chat, col(Chat.id) == col(Question.chat_id))
        .where(
            QuestionLine.id == line_id,
            Chat.id == chat_id,
            col(Chat.purpose) == ChatPurpose.COORDINATORS,
        )
    ).first()
    if row is None:
        return None
    line, question, title, name = row
    return QuestionLineFacts(
        question_id=question.id,
        thread_id=question.thread_id,
        title=title,
        asker=name,
        unit=_unit_name(session, question.teacher_id, None),
        text=line.text,
        by_asker=line.by_id == question.teacher_id,
    )


def _is_forum() -> tuple[Any, ...]:
    return (
        col(Chat.purpose) == ChatPurpose.COORDINATORS,
        col(Chat.active),
        col(Chat.is_forum),
        ~col(Chat.closed),
        col(Chat.thread_id) == 0,
    )


def _forum(session: Session, notice: Notice) -> int | None:
    """The coordinators' group of the unit, if it has topics that the bot may manage."""
    found = session.exec(
        select(Chat).where(Chat.unit_id == notice.unit_id, *_is_forum()).order_by(col(Chat.id))
    ).all()
    return next((chat.id for chat in found if MAY_MANAGE in chat.rights), None)


def _relay(session: Session, question: Question, line_id: int, now: datetime) -> None:
    if question.chat_id is None:
        return
    outbox.put(
        session,
        RELAYED,
        chat_id=question.chat_id,
        facts={"line_id": line_id},
        priority=Priority.CARD,
        not_before=now,
        dedupe_key=f"{RELAYED}:{line_id}",
        now=now,
        rings=False,
    )


# --- what all of it stands on ----------------------------------------------------------------


def _said(text: str) -> str:
    said = text.strip()[:LONGEST]
    if not said:
        raise NothingSaid
    return said


def _add(session: Session, question: Question, by_id: int, text: str, now: datetime) -> int | None:
    """Write a line down and return its id; None when it has just been said."""
    last = session.exec(
        select(QuestionLine)
        .where(QuestionLine.question_id == question.id)
        .order_by(col(QuestionLine.id).desc())
    ).first()
    if last is not None and (last.by_id, last.text) == (by_id, text) and now - last.at < SAME:
        return None
    row = QuestionLine(question_id=question.id, by_id=by_id, text=text, at=now)
    session.add(row)
    session.flush()
    return row.id


def _ring(session: Session, notice: Notice, teacher_id: int, now: datetime) -> None:
    """Tell that questions have come in, once an hour at most however many they are."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    for at in (hour, hour + RING_EVERY):
        dedupe_key = f"{ASKED}:{notice.id}:{teacher_id}:{at.isoformat()}"
        outbox.put(
            session,
            ASKED,
            teacher_id=teacher_id,
            facts={"notice_id": notice.id},
            priority=Priority.CARD,
            not_before=max(at, now),
            dedupe_key=dedupe_key,
            now=now,
        )
        waiting = session.exec(
            select(OutboxMessage.id).where(
                OutboxMessage.dedupe_key == dedupe_key,
                OutboxMessage.state == OutboxState.PENDING,
            )
        ).first()
        if waiting is not None:
            return


def _tended(session: Session, actor_id: int, question_id: int, *, now: datetime) -> Question:
    question = session.exec(
        select(Question)
        .where(Question.id == question_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if question is None:
        raise NotFound("question")
    today = local_day(now, offices.zone(session))
    tending.whole(session, actor_id, question.notice_id, today=today)
    return question


def _mine(
    session: Session, actor_id: int, today: date, *, since: datetime | None = None
) -> list[int]:
    """The notices with open questions, or that were answered ``since`` then, for which this
    person answers today."""
    units = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today)
    wanted: sa.ColumnElement[bool] = col(Question.answered_at).is_(None)
    if since is not None:
        wanted = sa.or_(wanted, col(Question.answered_at) >= since)
    asked = sa.exists().where(col(Question.notice_id) == col(Notice.id), wanted)
    found = session.exec(
        select(Notice).where(
            asked, sa.or_(col(Notice.author_id) == actor_id, col(Notice.unit_id).in_(units))
        )
    ).all()
    return [
        notice.id for notice in found if actor_id in tending.answerers(session, notice, today=today)
    ]


def _unit_name(session: Session, teacher_id: int, today: date | None) -> str:
    conditions = (
        tending.posted_on(today)
        if today is not None
        else (col(Posting.is_primary), col(Posting.until).is_(None))
    )
    return (
        session.exec(
            select(OrgUnit.name)
            .join(Posting, col(Posting.unit_id) == col(OrgUnit.id))
            .where(Posting.teacher_id == teacher_id, *conditions)
        ).first()
        or ""
    )
