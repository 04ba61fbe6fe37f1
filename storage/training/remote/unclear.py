"""Rows of which nobody can tell whom they mean: said once by a person, and remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit
from storage.inserting import insert_new
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotFound
from storage.sheets import plain
from storage.training.remote import mapping
from storage.training.remote.counting import counted
from storage.training.remote.mapping import aimed, check
from storage.training.remote.rows import RowState, said_of
from storage.training.remote.tables import ProgressMatch
from storage.training.results import TAKES_PART
from storage.training.tables import Registration

CHOICES = 6


@dataclass(frozen=True)
class Choice:
    """Somebody whom a row may mean."""

    teacher_id: int
    name: str
    unit: str
    staff_no: str


@dataclass(frozen=True)
class Unclear:
    """A row of which nobody can tell whom it means; ``at`` counts from 0 among ``of``."""

    job_id: int
    at: int
    of: int
    sheet: str
    number: int
    state: RowState
    staff_no: str
    name: str
    school: str
    tail: str
    choices: tuple[Choice, ...]
    settled: str | None  # whom it was said to mean; empty is nobody of ours


def unclear(
    session: Session,
    actor_id: int,
    job_id: int,
    at: int = 0,
    *,
    typed: str = "",
    now: datetime,
) -> Unclear | None:
    """Return a row of which nobody can tell whom it means; None past the last one.

    With ``typed``, a name or a staff number, those of the class who are called so are offered.
    """
    job = mapping.own(session, actor_id, job_id)
    batch_id = aimed(job)
    check(session, actor_id, batch_id, now=now)
    rows = job.found.get("open", ())
    if not 0 <= at < len(rows):
        return None
    sheet, number, state, staff_no, name, school, tail = rows[at][:7]
    asked = plain(typed)
    called = [
        func.upper(Teacher.staff_no) == (asked or staff_no).upper(),
        col(Teacher.name) == (asked or name),
    ]
    found = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Teacher.id), col(Teacher.name), col(OrgUnit.name), col(Teacher.staff_no)
        )
        .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .where(
            col(Registration.batch_id) == batch_id,
            col(Registration.state).in_(TAKES_PART),
            sa.or_(*called),
        )
        .order_by(col(Teacher.staff_no))
        .limit(CHOICES)
    ).all()
    settled: str | None = None
    if str(at) in job.found["settled"]:
        registration_id = job.found["settled"][str(at)]
        settled = session.exec(
            select(Teacher.name)
            .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
            .where(Registration.id == registration_id)
        ).first()
        settled = settled or ""
    return Unclear(
        job_id,
        at,
        len(rows),
        sheet,
        number,
        RowState(state),
        staff_no,
        name,
        school,
        tail,
        tuple(Choice(*row) for row in found),
        settled,
    )


def settle(
    session: Session,
    actor_id: int,
    job_id: int,
    at: int,
    teacher_id: int | None,
    *,
    now: datetime,
) -> None:
    """Say whom a row means, None for nobody of ours; it is remembered for the platform.

    Raises NotFound for a row that is not there or somebody who is not of the class.
    """
    job = mapping.own(session, actor_id, job_id)
    batch_id = aimed(job)
    check(session, actor_id, batch_id, now=now)
    rows = job.found.get("open", ())
    if not 0 <= at < len(rows):
        raise NotFound("row")
    registration_id = 0
    if teacher_id is not None:
        of_class = session.exec(
            select(Registration.id).where(
                Registration.batch_id == batch_id,
                Registration.teacher_id == teacher_id,
                col(Registration.state).in_(TAKES_PART),
            )
        ).first()
        if of_class is None:
            raise NotFound("person")
        registration_id = of_class
    said = said_of(*rows[at][3:7])
    platform_id = counted(session, batch_id).platform_id
    values = {"teacher_id": teacher_id, "by_id": actor_id, "at": now}
    session.exec(
        insert_new(session, ProgressMatch).values(platform_id=platform_id, said=said, **values)
    )
    session.exec(
        sa.update(ProgressMatch)
        .where(col(ProgressMatch.platform_id) == platform_id, col(ProgressMatch.said) == said)
        .values(**values)
    )
    audit.record(
        session,
        actor_id,
        "match_progress_row",
        f"import_job:{job_id}",
        now=now,
        after={"row": rows[at][1], "teacher_id": teacher_id},
    )
    settled = dict(job.found["settled"]) | {str(at): registration_id}
    job.found = dict(job.found) | {"settled": settled}
    session.flush()
