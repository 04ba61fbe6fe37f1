"""A county that hands seats out to its schools, for the tests of seats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people import roles
from storage.people.tables import Role, UnitKind
from storage.training.tables import (
    Approval,
    Enrolment,
    OfferState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
TOWN, VILLAGE = "城东小学", "南塘乡中心小学"
SCHOOLS = (TOWN, VILLAGE)
OFFICE = "教师发展中心"
TITLE = "骨干教师国培"


@dataclass(frozen=True)
class County:
    """A nomination class, its two schools, and who acts."""

    batch_id: int
    schools: tuple[int, int]
    county_id: int  # the county's coordinator
    coordinators: tuple[int, int]
    people: tuple[tuple[int, ...], tuple[int, ...]]


def county(
    session: Session,
    /,
    *,
    seats: int | None = 4,
    people: int = 4,
    linked: bool = False,
    programme: dict[str, Any] | None = None,
    **differs: Any,
) -> County:
    """Make a county with an urban and a rural school, and a class by nomination."""
    schools = (
        make.school(session, TOWN, area_type="urban"),
        make.school(session, VILLAGE, area_type="rural"),
    )
    kept = {"enrolment": Enrolment.NOMINATION, "approval": Approval.COUNTY} | (programme or {})
    dates = {
        "nominate_close": NOW + timedelta(days=7),
        "roster_date": NOW + timedelta(days=10),
        "reg_open": None,
        "reg_close": None,
    }
    batch_id = make.batch(session, TITLE, seats=seats, programme=kept, **(dates | differs))
    make.school(session, OFFICE, kind=UnitKind.TEACHER_DEV_CENTER, area_type="")
    head = make.teacher(session, "韩县管", at=OFFICE)
    roles.appoint(
        session, head, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    coordinators = []
    rows = []
    for number, unit_id in enumerate(schools):
        luo = make.teacher(session, f"罗校管{number}", at=SCHOOLS[number])
        roles.appoint(session, luo, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)
        coordinators.append(luo)
        rows.append(
            tuple(
                make.teacher(session, f"教师{number}{n}", at=SCHOOLS[number]) for n in range(people)
            )
        )
    if linked:
        for teacher_id in (head, *coordinators, *rows[0], *rows[1]):
            make.account(session, teacher_id)
    return County(batch_id, schools, head, (coordinators[0], coordinators[1]), (rows[0], rows[1]))


def quotas(session: Session, batch_id: int) -> dict[int, tuple[int, int, int]]:
    """Seats, taken and over of each allotment by unit; the pool under 0."""
    rows = session.exec(
        select(Quota).where(Quota.batch_id == batch_id).execution_options(populate_existing=True)
    ).all()
    return {
        0 if row.is_pool else row.unit_id: (row.seats, row.taken, row.over_allowed) for row in rows
    }


def state(session: Session, batch_id: int, teacher_id: int) -> RegistrationState | None:
    found = session.exec(
        select(Registration.state).where(
            Registration.batch_id == batch_id, Registration.teacher_id == teacher_id
        )
    ).first()
    return None if found is None else RegistrationState(found)


def held(session: Session, batch_id: int) -> dict[int, int]:
    """How many seats of each allotment really are held, offers included."""
    found: dict[int, int] = {}
    seated = session.exec(
        select(Registration.quota_id).where(
            Registration.batch_id == batch_id, col(Registration.quota_id).is_not(None)
        )
    ).all()
    offered = session.exec(
        select(SeatOffer.quota_id)
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
    ).all()
    for quota_id in (*seated, *offered):
        assert quota_id is not None
        found[quota_id] = found.get(quota_id, 0) + 1
    return found


def waiting(session: Session, batch_id: int, unit_id: int, teacher_ids: tuple[int, ...]) -> None:
    """Put people on the waiting list, in this order."""
    for number, teacher_id in enumerate(teacher_ids):
        at = NOW - timedelta(hours=1) + timedelta(seconds=number)
        session.add(
            Registration(
                batch_id=batch_id,
                teacher_id=teacher_id,
                unit_id_at=unit_id,
                state=RegistrationState.WAITLISTED,
                submitted_at=at,
                queued_at=at,
                changed_at=at,
            )
        )
    session.flush()


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    """What is said to the database meanwhile."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        yield said
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
