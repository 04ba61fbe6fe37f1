"""Rows in bulk: teachers with posting, facts and account, and one batch for all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from storage.people.tables import Account, Posting, Teacher, TeacherFact
from storage.training.tables import Decision, Quota, Registration, RegistrationState, Seal
from tests import make

SCHOOLS = 40


def people(session: Session, count: int, *, from_id: int = 1) -> None:
    """Linked teachers whose Telegram ids are ``from_id`` and what follows."""
    make.office(session)
    schools = [make.school(session, f"第{n + 1}小学") for n in range(SCHOOLS)]
    numbers = range(from_id, from_id + count)
    _insert(
        session,
        Teacher(staff_no="", name=""),
        [{"id": n, "staff_no": f"B{n:06}", "name": f"教师{n:05}"} for n in numbers],
    )
    _insert(
        session,
        Posting(teacher_id=0, unit_id=0, since=date(2020, 9, 1), stage="primary"),
        [{"teacher_id": n, "unit_id": schools[n % SCHOOLS], "subjects": ["语文"]} for n in numbers],
    )
    _insert(
        session,
        TeacherFact(teacher_id=0, key="", value=""),
        [
            {"teacher_id": n, "key": key, "value": value}
            for n in numbers
            for key, value in (("stage", "primary"), ("subject", "语文"))
        ],
    )
    _insert(
        session,
        Account(tg_user_id=0, started_at=make.NOW, linked_at=make.NOW),
        [{"tg_user_id": n, "teacher_id": n} for n in numbers],
    )


def open_batch(session: Session, seats: int) -> int:
    """A batch that one can register for now, by the wall's clock."""
    now = datetime.now(UTC)
    return make.batch(
        session,
        seats=seats,
        reg_open=now - timedelta(days=1),
        reg_close=now + timedelta(days=5),
        starts_at=now + timedelta(days=9),
        ends_at=now + timedelta(days=10),
    )


def all_take_part(session: Session, batch_id: int, count: int) -> None:
    """Teachers 1..N have a confirmed seat."""
    unit_id = make.school(session, "第1小学")
    row = Registration(
        batch_id=batch_id,
        teacher_id=0,
        unit_id_at=unit_id,
        state=RegistrationState.APPROVED,
        submitted_at=make.NOW,
        queued_at=make.NOW,
        changed_at=make.NOW,
    )
    _insert(session, row, [{"teacher_id": n + 1} for n in range(count)])


def seated(session: Session, batch_id: int) -> tuple[int, int]:
    """How many have a seat, and how many have tried."""
    states = session.exec(select(Registration.state).where(Registration.batch_id == batch_id)).all()
    return states.count(RegistrationState.APPROVED), len(states)


def forget_registrations(session: Session) -> None:
    """Nobody takes part in anything: each run begins from the same."""
    for table in (Seal, Decision, Registration):
        session.exec(sa.delete(table))
    session.exec(sa.update(Quota).values(taken=0))


def _insert(session: Session, usual: SQLModel, rows: list[dict[str, Any]]) -> None:
    """Insert rows that differ from the usual one in what they name."""
    same = usual.model_dump(exclude={"id"})
    session.exec(sa.insert(type(usual)), params=[same | row for row in rows])
