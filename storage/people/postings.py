"""Postings: opened, changed and closed for many teachers at once, never deleted.

Whoever moves has one more, the former one closed the day before; whoever leaves has none open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage.people.tables import OrgUnit, TeacherState

Values = dict[str, Any]

GONE = (TeacherState.RETIRED, TeacherState.LEFT)
"""Who is in one of these states works nowhere."""


def only_stages(session: Session) -> dict[int, str]:
    """Return the units of one stage: it is that of their teachers, unless they say another."""
    return {
        unit_id: stages[0]
        for unit_id, stages in session.exec(select(OrgUnit.id, col(OrgUnit.stages))).all()
        if len(stages) == 1
    }


def opening(teacher_id: int, unit_id: int, since: date, says: Values) -> Values:
    """The row of a new primary posting."""
    return says | {
        "teacher_id": teacher_id,
        "unit_id": unit_id,
        "since": since,
        "until": None,
        "is_primary": True,
    }


def last_day(began: date, next_begins: date) -> date:
    """The last day of a posting that another one follows."""
    return max(began, next_begins - timedelta(days=1))


def changing(row_id: int, since: date, says: Values) -> Values:
    """What makes an open posting say this."""
    return {"row_id": row_id, "to_since": since} | {
        f"to_{name}": value for name, value in says.items()
    }


def closing(row_id: int, until: date) -> Values:
    """What ends an open posting on this day."""
    return {"row_id": row_id, "to_until": until}


def write(
    session: Session,
    *,
    new: Sequence[Values] = (),
    changed: Sequence[Values] = (),
    closed: Sequence[Values] = (),
) -> None:
    """Write what ``opening``, ``changing`` and ``closing`` said, by one statement each."""
    table = SQLModel.metadata.tables["posting"]
    run = session.connection().execute
    by_id = table.c.id == sa.bindparam("row_id")
    if closed:
        run(
            sa.update(table)
            .where(by_id, table.c.until.is_(None))
            .values(until=sa.bindparam("to_until")),
            list(closed),
        )
    if changed:
        names = ("since", "stage", "subjects", "duties")
        run(
            sa.update(table)
            .where(by_id)
            .values({name: sa.bindparam(f"to_{name}") for name in names}),
            list(changed),
        )
    if new:
        run(sa.insert(table), list(new))
    session.expire_all()
