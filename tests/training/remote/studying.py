"""Classes on the net and what platforms reported of them, as imports would write it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from storage.people.tables import ImportJob, ImportState, Role, RoleAssignment, ScopeKind
from storage.training.remote.pace import Facts
from storage.training.remote.tables import Progress, ProgressImport, RemotePlan
from storage.training.tables import Enrolment, Mode, Registration, Result
from tests import make
from tests.training import classes
from tests.training.classes import HOME

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(month: int, day: int, hour: int = 10) -> datetime:
    """A moment of 2026 in Shanghai."""
    return datetime(2026, month, day, hour, tzinfo=SHANGHAI).astimezone(UTC)


def course(
    session: Session,
    /,
    programme: dict[str, Any] | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    **differs: Any,
) -> int:
    """A class on the net, usually from Monday 19 October to Friday 13 November 2026."""
    batch_id = make.batch(
        session,
        "全员岗位远程培训",
        programme={"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC} | (programme or {}),
        starts_at=starts_at or at(10, 19, 8),
        ends_at=ends_at or at(11, 13, 18),
    )
    session.add(RemotePlan(batch_id=batch_id, **differs))
    session.flush()
    return batch_id


def appointed(session: Session, /, name: str, role: Role, of: int, *, works_at: str = HOME) -> int:
    """Somebody who has this role of a unit, or of a class, since before the course."""
    who = make.teacher(session, name, at=works_at)
    of_class = role in (Role.CLASS_TEACHER, Role.TUTOR)
    session.add(
        RoleAssignment(
            teacher_id=who,
            role=role,
            scope_kind=ScopeKind.BATCH if of_class else ScopeKind.UNIT,
            scope_id=of,
            since=date(2026, 9, 1),
        )
    )
    session.flush()
    return who


def reported(session: Session, /, batch_id: int, as_of: datetime, **differs: Any) -> int:
    """An import of this class whose figures were true at this moment; its id."""
    by = make.teacher(session, "高培训")
    job = ImportJob(
        kind="progress",
        by_id=by,
        at=as_of,
        file_name="进度.xlsx",
        sha256=as_of.isoformat(),
        content=b"",
        state=ImportState.APPLIED,
    )
    session.add(job)
    session.flush()
    row = ProgressImport(
        batch_id=batch_id,
        job_id=job.id,
        by_id=by,
        as_of=as_of,
        applied_at=as_of,
        rows=1,
        matched=1,
        **differs,
    )
    session.add(row)
    session.flush()
    return row.id


def has(
    session: Session, /, registration_id: int, import_id: int, percent: float, **differs: Any
) -> None:
    """These figures of somebody by an import."""
    of = session.get_one(ProgressImport, import_id)
    usual = {"is_started": percent > 0, "is_learned": percent >= 100}
    session.add(
        Progress(
            registration_id=registration_id,
            batch_id=of.batch_id,
            import_id=import_id,
            as_of=of.as_of,
            percent=percent,
            **usual | differs,
        )
    )
    session.flush()


def enter(session: Session, /, batch_id: int, facts: Facts, imports: dict[datetime, int]) -> int:
    """Somebody of whom this is known; their registration."""
    id_ = classes.joins(session, batch_id, make.teacher(session), facts.state)
    session.get_one(Registration, id_).make_up_until = facts.make_up_until
    if facts.as_of is not None and facts != Facts(as_of=facts.as_of):
        if facts.as_of not in imports:
            imports[facts.as_of] = reported(session, batch_id, facts.as_of)
        has(
            session,
            id_,
            imports[facts.as_of],
            facts.percent,
            is_started=facts.is_started,
            is_learned=facts.is_learned,
            last_active=facts.last_active,
        )
    if facts.grade is not None:
        session.add(Result(registration_id=id_, grade=facts.grade, decided_at=at(11, 2)))
    session.flush()
    return id_
