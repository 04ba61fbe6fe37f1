"""What a deadline is about: the facts that a reminder puts into words, as they are now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds
from storage.competitions import subjects as of_competitions
from storage.competitions.tables import CompetitionState
from storage.credits.tables import Appeal, CreditCycle
from storage.messaging.tables import Chat, Deadline, Notice, NoticeState
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotFound
from storage.training.owing import TAKES_PART
from storage.training.registration import closes_at
from storage.training.remote.tables import ProgressItem
from storage.training.tables import (
    Batch,
    ClassSession,
    Menu,
    Mode,
    OfferState,
    Phase,
    PhaseKind,
    Programme,
    ProgrammeState,
    Registration,
    SeatOffer,
    Task,
)


@dataclass(frozen=True)
class Subject:
    """The thing behind a deadline.

    ``at`` is the moment in question: when registration opens or closes, when the training or
    the meeting begins, when remote training ends, when work is due, when an offer lapses.
    ``closes_at`` is when registration closes, ``ends_at`` when the training or the meeting ends.
    """

    kind: str
    subject_id: int
    batch_id: int
    title: str
    at: datetime
    ends_at: datetime
    closes_at: datetime
    place: str
    bring: str
    hours: Decimal
    external_url: str
    takes_place: bool
    is_open: bool
    """Takes place and is not paused; an offer, moreover, can still be answered."""
    menu_id: int = 0
    """Set where it is a menu that is open or closes; then there is no batch."""
    chat_id: int = 0
    """Set where it is a group that should be closed; then there is no batch."""
    notice_id: int = 0
    """Set where it is a notice that is to be confirmed; then there is no batch."""
    competition_id: int = 0
    """Set where it is a round of a competition; then there is no batch."""
    round_id: int = 0
    is_dated: bool = True
    """Whether ``at`` is a date that somebody has set."""
    people: int = 0
    """How many take part, where it is a stretch of a class."""


_OF_CLASSES = frozenset(
    {
        "batch",
        "class_session",
        "task",
        "phase",
        "progress_item",
        "registration",
        "seat_offer",
        "menu",
        "round",
        "venue",
    }
)


_OF_REMOTE = ("remote_start", "remote_end")

_PROGRAMME: tuple[Any, ...] = (
    col(Programme.title).label("programme_title"),
    col(Programme.planned_hours),
    col(Programme.external_url),
    col(Programme.state).label("programme_state"),
    col(Programme.paused_at),
    col(Batch.cancelled_at),
    col(Batch.id).label("batch_id"),
    col(Batch.title).label("batch_title"),
    col(Batch.starts_at),
    col(Batch.ends_at),
    col(Batch.reg_open),
    col(Batch.reg_close),
    col(Batch.place),
    col(Batch.bring),
    col(Batch.nominate_close),
    col(Batch.roster_date),
)


def describe(session: Session, kind: str, subject_id: int) -> Subject:
    """Return what this deadline is about; raises NotFound when it is gone."""
    found = describe_all(session, [(kind, subject_id)])
    if not found:
        raise NotFound(kinds.KINDS[kind].subject)
    return found[kind, subject_id]


def describe_all(
    session: Session, wanted: Collection[tuple[str, int]]
) -> dict[tuple[str, int], Subject]:
    """Return what these deadlines are about, by kind and subject; what is gone is left out.

    At most one statement a table, however many there are.
    """
    found: dict[tuple[str, int], Subject] = {}
    for table, read in _READ.items():
        these = {one for one in wanted if kinds.KINDS[one[0]].subject == table}
        if not these:
            continue
        rows = read(session, {subject_id for _, subject_id in these})
        for kind, subject_id in these:
            if subject_id in rows:
                found[kind, subject_id] = _subject(kind, subject_id, rows[subject_id])
    for kind, subject_id in wanted:
        if kinds.KINDS[kind].subject not in _OF_CLASSES:
            title = _titled(session, kinds.KINDS[kind].subject, subject_id)
            if title is not None:
                found[kind, subject_id] = _without_class(session, kind, subject_id, title)
    return found


def is_owed(
    session: Session, kind: str, subject_id: int, teacher_id: int, *, now: datetime
) -> bool:
    """Whether this teacher still owes it, as the records say now."""
    who: Any = kinds.owes(session, kind, subject_id, now=now, teacher_id=teacher_id)
    return session.exec(who).first() is not None


def _subject(kind: str, subject_id: int, row: sa.RowMapping) -> Subject:
    if kinds.KINDS[kind].subject == "menu":
        return _menu_subject(kind, subject_id, row)
    if kinds.KINDS[kind].subject == "chat":
        return _chat_subject(kind, subject_id, row)
    if kinds.KINDS[kind].subject == "notice":
        return _notice_subject(kind, subject_id, row)
    if kinds.KINDS[kind].subject in ("round", "venue"):
        return _round_subject(kind, subject_id, row)
    closes = closes_at(row["reg_close"], row["starts_at"])
    online = (
        (row.get("online_from"), row.get("online_until")) if kind in _OF_REMOTE else (None,) * 2
    )
    moments = {
        "reg_open": row["reg_open"] or row["starts_at"],
        "reg_close": closes,
        "remote_start": online[0],
        "remote_end": online[1] or row["ends_at"],
        "item_due": row.get("item_due_at"),
        "session": row.get("session_starts_at"),
        "session_lead": row.get("session_starts_at"),
        "task_due": row.get("task_due_at"),
        "offer": row.get("lapses_at"),
        "nominate_close": row["nominate_close"],
        "quota_unfilled": closes,
        "roster": row["roster_date"],
        "phase_end": row.get("phase_ends_at"),
        "phase_help": row.get("phase_ends_at"),
        "gate": row.get("phase_ends_at"),
        "shadowing": row.get("phase_starts_at"),
        "grade_due": row["ends_at"],
        "review_due": row["ends_at"],
    }
    title = row["programme_title"]
    part = (
        row.get("session_title")
        or row.get("task_title")
        or row.get("item_title")
        or row.get("phase_title")
        or row["batch_title"]
    )
    takes_place = row["programme_state"] is ProgrammeState.PUBLISHED and row["cancelled_at"] is None
    return Subject(
        kind=kind,
        subject_id=subject_id,
        batch_id=row["batch_id"],
        title=f"{title} · {part}" if part and part != title else title,
        at=moments.get(kind) or row["starts_at"],
        ends_at=row.get("session_ends_at")
        or row.get("phase_ends_at")
        or online[1]
        or row["ends_at"],
        closes_at=closes,
        place=row.get("session_place") or row.get("host") or row["place"],
        bring=row.get("session_bring") or row["bring"],
        hours=row["planned_hours"],
        external_url=row["external_url"],
        takes_place=takes_place,
        is_open=takes_place
        and row["paused_at"] is None
        and row.get("offer_state", OfferState.OPEN) is OfferState.OPEN,
        people=row.get("people", 0),
    )


def _menu_subject(kind: str, menu_id: int, row: sa.RowMapping) -> Subject:
    is_on = row["settled_at"] is None and row["cancelled_at"] is None
    return Subject(
        kind=kind,
        subject_id=menu_id,
        batch_id=0,
        title=row["title"],
        at=row["opens_at"] if kind == "menu_open" else row["closes_at"],
        ends_at=row["closes_at"],
        closes_at=row["closes_at"],
        place="",
        bring="",
        hours=Decimal(0),
        external_url="",
        takes_place=row["cancelled_at"] is None,
        is_open=is_on,
        menu_id=menu_id,
    )


def _chat_subject(kind: str, chat_id: int, row: sa.RowMapping) -> Subject:
    return Subject(
        kind=kind,
        subject_id=chat_id,
        batch_id=0,
        title=row["title"],
        at=row["dissolve_at"],
        ends_at=row["dissolve_at"],
        closes_at=row["dissolve_at"],
        place="",
        bring="",
        hours=Decimal(0),
        external_url="",
        takes_place=True,
        is_open=row["active"],
        chat_id=chat_id,
    )


def _notice_subject(kind: str, notice_id: int, row: sa.RowMapping) -> Subject:
    at = row["answer_by"] or row["created_at"]
    is_out = row["state"] in (NoticeState.SENDING, NoticeState.SENT)
    return Subject(
        kind=kind,
        subject_id=notice_id,
        batch_id=0,
        title=row["title"],
        at=at,
        ends_at=at,
        closes_at=at,
        place="",
        bring="",
        hours=Decimal(0),
        external_url="",
        takes_place=is_out,
        is_open=is_out,
        notice_id=notice_id,
        is_dated=row["answer_by"] is not None,
    )


def _round_subject(kind: str, subject_id: int, row: sa.RowMapping) -> Subject:
    moments = {
        "entry_close": row["entry_closes_at"],
        "external_close": row["entry_closes_at"],
        "material_due": row["material_due_at"],
        "round_day": row.get("first_at") or row["starts_at"],
        "result_due": row["result_due_at"],
        "ballots_due": row["result_due_at"],
        "judge_answer": row.get("first_at") or row["starts_at"],
        "venue_materials": row["material_due_at"] or row["entry_closes_at"],
        "forward_due": row["forward_due_at"],
    }
    ends = row["ends_at"] or row["starts_at"] or datetime.min.replace(tzinfo=UTC)
    at = moments.get(kind) or ends
    parts = (row["title"], row["round_name"], row.get("track"), row.get("unit"))
    is_on = row["competition_state"] is CompetitionState.PUBLISHED
    return Subject(
        kind=kind,
        subject_id=subject_id,
        batch_id=0,
        title=" · ".join(part for part in parts if part),
        at=at,
        ends_at=ends,
        closes_at=at,
        place=row.get("place", ""),
        bring="",
        hours=Decimal(0),
        external_url="",
        takes_place=is_on,
        is_open=is_on,
        competition_id=row["competition_id"],
        round_id=row["round_id"],
    )


def _batches(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(
            col(Batch.id).label("subject_id"),
            *_PROGRAMME,
            _online(sa.func.min(col(Phase.starts_at))).label("online_from"),
            _online(sa.func.max(col(Phase.ends_at))).label("online_until"),
        )
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Batch.id).in_(ids)),
    )


def _online(what: Any) -> Any:
    """Of the stretches of a blended class that are studied remotely."""
    return (
        sa.select(what)
        .where(
            col(Phase.batch_id) == col(Batch.id),
            col(Phase.kind) == PhaseKind.ONLINE,
            col(Programme.mode) != Mode.REMOTE,
        )
        .correlate(Batch, Programme)
        .scalar_subquery()
    )


def _sessions(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(
            col(ClassSession.id).label("subject_id"),
            *_PROGRAMME,
            col(ClassSession.title).label("session_title"),
            col(ClassSession.starts_at).label("session_starts_at"),
            col(ClassSession.ends_at).label("session_ends_at"),
            col(ClassSession.place).label("session_place"),
            col(ClassSession.bring).label("session_bring"),
        )
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(ClassSession.id).in_(ids)),
    )


def _tasks(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(
            col(Task.id).label("subject_id"),
            *_PROGRAMME,
            col(Task.title).label("task_title"),
            col(Task.due_at).label("task_due_at"),
        )
        .join(Batch, col(Batch.id) == col(Task.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Task.id).in_(ids)),
    )


def _items(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(
            col(ProgressItem.id).label("subject_id"),
            *_PROGRAMME,
            col(ProgressItem.title).label("item_title"),
            col(ProgressItem.due_at).label("item_due_at"),
        )
        .join(Batch, col(Batch.id) == col(ProgressItem.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(ProgressItem.id).in_(ids)),
    )


def _phases(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    people = (
        sa.select(sa.func.count())
        .select_from(Registration)
        .where(
            col(Registration.batch_id) == col(Batch.id),
            col(Registration.state).in_(TAKES_PART),
        )
        .scalar_subquery()
    )
    return _by_id(
        session,
        sa.select(
            col(Phase.id).label("subject_id"),
            *_PROGRAMME,
            col(Phase.title).label("phase_title"),
            col(Phase.starts_at).label("phase_starts_at"),
            col(Phase.ends_at).label("phase_ends_at"),
            col(OrgUnit.name).label("host"),
            people.label("people"),
        )
        .join(Batch, col(Batch.id) == col(Phase.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .outerjoin(OrgUnit, col(OrgUnit.id) == col(Phase.host_unit_id))
        .where(col(Phase.id).in_(ids)),
    )


def _registrations(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(col(Registration.id).label("subject_id"), *_PROGRAMME)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Registration.id).in_(ids)),
    )


def _titled(session: Session, subject: str, subject_id: int) -> str | None:
    """What names a thing that belongs to no class; None when it is gone."""
    match subject:
        case "school_year":
            return f"{subject_id}-{subject_id + 1}"
        case "credit_cycle":
            return session.exec(
                select(CreditCycle.code).where(CreditCycle.id == subject_id)
            ).first()
        case "teacher":
            return session.exec(select(Teacher.name).where(Teacher.id == subject_id)).first()
        case "appeal":
            return session.exec(select(Appeal.about).where(Appeal.id == subject_id)).first()
    return None


def _without_class(session: Session, kind: str, subject_id: int, title: str) -> Subject:
    at = session.exec(
        select(Deadline.at).where(
            Deadline.kind == kind, Deadline.subject_id == subject_id, Deadline.teacher_id == 0
        )
    ).first()
    moment = at or datetime.min.replace(tzinfo=UTC)
    return Subject(
        kind=kind,
        subject_id=subject_id,
        batch_id=0,
        title=title,
        at=moment,
        ends_at=moment,
        closes_at=moment,
        place="",
        bring="",
        hours=Decimal(0),
        external_url="",
        takes_place=True,
        is_open=True,
    )


def _offers(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(
            col(SeatOffer.id).label("subject_id"),
            *_PROGRAMME,
            col(SeatOffer.lapses_at),
            col(SeatOffer.state).label("offer_state"),
        )
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(SeatOffer.id).in_(ids)),
    )


def _menus(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(  # type: ignore[arg-type]
            col(Menu.id).label("subject_id"),
            col(Menu.title),
            col(Menu.opens_at),
            col(Menu.closes_at),
            col(Menu.settled_at),
            col(Menu.cancelled_at),
        ).where(col(Menu.id).in_(ids)),
    )


def _chats(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(  # type: ignore[arg-type]
            col(Chat.id).label("subject_id"),
            col(Chat.title),
            col(Chat.dissolve_at),
            col(Chat.active),
        ).where(col(Chat.id).in_(ids), col(Chat.dissolve_at).is_not(None)),
    )


def _notices(session: Session, ids: Collection[int]) -> dict[int, sa.RowMapping]:
    return _by_id(
        session,
        sa.select(  # type: ignore[arg-type]
            col(Notice.id).label("subject_id"),
            col(Notice.title),
            col(Notice.answer_by),
            col(Notice.created_at),
            col(Notice.state),
        ).where(col(Notice.id).in_(ids)),
    )


def _by_id(session: Session, statement: sa.Select[Any]) -> dict[int, sa.RowMapping]:
    rows = session.connection().execute(statement).mappings().all()
    return {row["subject_id"]: row for row in rows}


_READ = {
    "batch": _batches,
    "class_session": _sessions,
    "seat_offer": _offers,
    "task": _tasks,
    "phase": _phases,
    "progress_item": _items,
    "registration": _registrations,
    "menu": _menus,
    "chat": _chats,
    "notice": _notices,
    "round": of_competitions.rounds,
    "venue": of_competitions.venues,
}
