"""News: something that happened to one person and can wait for the next brief."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from storage.inserting import insert_new
from storage.messaging.tables import News


def tell(
    session: Session,
    kind: str,
    teacher_id: int,
    subject_id: int,
    facts: dict[str, Any],
    *,
    now: datetime,
) -> None:
    """Let the person's next brief say this; the next sweep sees to it that there is one.

    Telling the same thing twice tells it once.
    """
    session.exec(
        insert_new(session, News).values(
            kind=kind, teacher_id=teacher_id, subject_id=subject_id, facts=facts, at=now
        )
    )


def tell_again(
    session: Session,
    kind: str,
    teachers: Any,
    subject_id: int,
    facts: dict[str, Any],
    *,
    now: datetime,
) -> None:
    """Let the next brief of each of these say this, in the place of what it was before.

    ``teachers`` selects their ids, each once.
    """
    session.exec(sa.delete(News).where(col(News.kind) == kind, col(News.subject_id) == subject_id))
    columns = News.__table__.c  # type: ignore[attr-defined]
    teacher = next(iter(teachers.subquery("whom").c))
    rows = sa.select(
        sa.literal(kind),
        teacher,
        sa.literal(subject_id),
        sa.literal(facts, columns.facts.type),
        sa.literal(now, columns.at.type),
    )
    names = ["kind", "teacher_id", "subject_id", "facts", "at"]
    session.exec(sa.insert(News).from_select(names, rows))
