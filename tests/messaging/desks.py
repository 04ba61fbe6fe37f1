"""A county with two schools and whoever writes notices there, for the tests of notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from storage.messaging import drafting, filling, releasing
from storage.messaging.releasing import Released
from storage.messaging.tables import Notice, NoticeRecipient, OutboxMessage
from storage.people import roles
from storage.people.tables import Role, RoleAssignment, ScopeKind
from tests import make

TODAY = date(2026, 11, 20)
FIRST, SECOND = "澄禾县实验小学", "澄禾县第二小学"


@dataclass(frozen=True)
class Desks:
    """Who is there: a county coordinator, a school's coordinator and principal, and teachers."""

    county: int
    county_unit: int
    coordinator: int
    principal: int
    school: int
    other_school: int
    teachers: tuple[int, ...]
    others: tuple[int, ...]


def linked(session: Session, name: str, at: str = FIRST, **more: Any) -> int:
    teacher_id = make.teacher(session, name, at=at, **more)
    make.account(session, teacher_id, language="en")
    return teacher_id


def appointed(session: Session, teacher_id: int, role: Role, unit_id: int) -> int:
    roles.appoint(session, teacher_id, role, unit_id, today=TODAY, now=make.NOW)
    return teacher_id


def dismissed(session: Session, teacher_id: int) -> None:
    """Their roles ended yesterday."""
    for row in session.exec(
        select(RoleAssignment).where(RoleAssignment.teacher_id == teacher_id)
    ).all():
        row.since = row.until = date(2026, 9, 1)
    session.flush()


def class_teacher(session: Session, batch_id: int) -> int:
    teacher_id = linked(session, "许文")
    session.add(
        RoleAssignment(
            teacher_id=teacher_id,
            role=Role.CLASS_TEACHER,
            scope_kind=ScopeKind.BATCH,
            scope_id=batch_id,
            since=TODAY,
        )
    )
    session.flush()
    return teacher_id


def desks(session: Session, people: int = 3) -> Desks:
    """Each school has so many linked teachers; the first school has its own desk."""
    county_unit = make.county(session)
    school, other = make.school(session, FIRST), make.school(session, SECOND)
    return Desks(
        county=appointed(
            session,
            linked(session, "罗佳宁", "教师发展中心"),
            Role.COUNTY_COORDINATOR,
            county_unit,
        ),
        county_unit=county_unit,
        coordinator=appointed(session, linked(session, "周明"), Role.SCHOOL_COORDINATOR, school),
        principal=appointed(session, linked(session, "沈怀远"), Role.PRINCIPAL, school),
        school=school,
        other_school=other,
        teachers=tuple(linked(session, f"林若溪{n}") for n in range(people)),
        others=tuple(linked(session, f"顾念{n}", SECOND) for n in range(people)),
    )


def written(
    session: Session, author_id: int, *, batch_id: int = 0, now: datetime = make.NOW, **more: Any
) -> int:
    """A draft that is complete; ``more`` are columns."""
    notice_id = drafting.begin(
        session, author_id, text="教研安排\n请准时参加。", batch_id=batch_id, now=now
    )
    notice = session.get_one(Notice, notice_id)
    for name, value in more.items():
        setattr(notice, name, value)
    session.flush()
    return notice_id


def sent(session: Session, author_id: int, *, now: datetime = make.NOW, **more: Any) -> int:
    """A notice that was released now and filled."""
    notice_id = written(session, author_id, now=now, **more)
    releasing.release(session, author_id, notice_id, releasing.NOW, now=now)
    fill_all(session, now)
    return notice_id


def released(
    session: Session, author_id: int, notice_id: int, way: str = "now", now: datetime = make.NOW
) -> Released:
    return releasing.release(session, author_id, notice_id, way, now=now)


def fill_all(session: Session, now: datetime = make.NOW, chunk: int = filling.CHUNK) -> int:
    people = 0
    while True:
        one = filling.fill(session, now=now, chunk=chunk)
        people += one.people
        if not one.more:
            return people


def late_all(session: Session, now: datetime) -> int:
    return sum(
        filling.add_late(session, each, now=now) for each in filling.joined(session, now=now)
    )


def got(session: Session, notice_id: int) -> list[int]:
    """Whom the notice concerns, once for each line."""
    return list(
        session.exec(
            select(NoticeRecipient.teacher_id)
            .where(NoticeRecipient.notice_id == notice_id)
            .order_by(col(NoticeRecipient.teacher_id))
        ).all()
    )


def carried(session: Session, notice_id: int) -> list[OutboxMessage]:
    return list(
        session.exec(
            select(OutboxMessage)
            .where(OutboxMessage.kind == "notice", OutboxMessage.stream == notice_id)
            .order_by(col(OutboxMessage.teacher_id))
        ).all()
    )
