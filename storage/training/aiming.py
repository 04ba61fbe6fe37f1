"""Which class a table is about: the one of which it names people."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Teacher
from storage.training.results import TAKES_PART
from storage.training.tables import Batch, Programme, Registration

SHOWN = 10


@dataclass(frozen=True)
class Candidate:
    """A class that a table may be about, and how many of some of its rows are people of it."""

    batch_id: int
    title: str
    batch: str
    matched: int


def candidates(
    session: Session,
    actor_id: int,
    numbers: Collection[str],
    names: Collection[str],
    *only: sa.ColumnElement[bool],
    now: datetime,
) -> tuple[Candidate, ...]:
    """Return the classes that the table may be about, those first whose people it names.

    ``numbers`` in capitals. Only classes that have begun, and of which ``only`` holds.
    """
    mine = authority.batches(
        session, actor_id, Act.ENTER_RESULTS, today=offices.today(session, now)
    )
    rows = session.exec(
        select(Batch.id, Programme.title, Batch.title, func.count())
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(
            col(Batch.id).in_(mine),
            Batch.starts_at <= now,
            col(Registration.state).in_(TAKES_PART),
            sa.or_(
                func.upper(Teacher.staff_no).in_(sorted(numbers)),
                col(Teacher.name).in_(sorted(names)),
            ),
            *only,
        )
        .group_by(col(Batch.id), col(Programme.title), col(Batch.title), col(Batch.ends_at))
        .order_by(func.count().desc(), col(Batch.ends_at).desc())
        .limit(SHOWN)
    ).all()
    return tuple(Candidate(*row) for row in rows)
