"""News: something that happened to one person and can wait for the next brief."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

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
