"""Remote classes with people in them, and figures as an import leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from storage.moments import local_day
from storage.people import offices
from storage.people.tables import ImportJob
from storage.training.remote.tables import (
    Progress,
    ProgressImport,
    ProgressSnapshot,
    RemotePlan,
)
from storage.training.tables import Enrolment, Mode, Registration
from tests import make
from tests.make import NOW


def remote_class(session: Session, /, title: str = "全员岗位远程培训", **differs: Any) -> int:
    """A county's remote class of everybody, two weeks old, that runs for two more."""
    usual: dict[str, Any] = {
        "starts_at": NOW - timedelta(days=14),
        "ends_at": NOW + timedelta(days=14),
        "seats": None,
        "programme": {"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC},
    }
    plan = differs.pop("plan", {})
    batch_id = make.batch(session, title, **usual | differs)
    targets = {"participation_target": 1.0, "pass_target": 0.98}
    session.add(RemotePlan(batch_id=batch_id, **targets | plan))
    session.flush()
    return batch_id


def imported(
    session: Session,
    /,
    batch_id: int,
    by_id: int,
    percents: Mapping[int, float],
    *,
    as_of: datetime = NOW,
    last_active: date | None = None,
) -> int:
    """An applied import: each registration's percent of the work; 100 has done it all."""
    job = ImportJob(
        kind="progress",
        by_id=by_id,
        at=as_of,
        file_name="进度.xlsx",
        sha256=as_of.isoformat(),
        content=b"",
    )
    session.add(job)
    session.flush()
    row = ProgressImport(
        batch_id=batch_id,
        job_id=job.id,
        by_id=by_id,
        as_of=as_of,
        applied_at=as_of,
        rows=len(percents),
        matched=len(percents),
    )
    session.add(row)
    session.flush()
    day = last_active or local_day(as_of, offices.zone(session))
    for registration_id, percent in percents.items():
        done: dict[str, Any] = {
            "percent": percent,
            "is_learned": percent >= 100,
            "last_active": day if percent else None,
        }
        session.add(ProgressSnapshot(registration_id=registration_id, import_id=row.id, **done))
        kept = session.exec(
            select(Progress).where(Progress.registration_id == registration_id)
        ).first()
        if kept is None:
            kept = Progress(
                registration_id=registration_id,
                batch_id=batch_id,
                import_id=row.id,
                as_of=as_of,
                percent=0,
                is_started=False,
                is_learned=False,
            )
        kept.import_id, kept.as_of, kept.is_started = row.id, as_of, percent > 0
        for name, value in done.items():
            setattr(kept, name, value)
        session.add(kept)
    session.flush()
    return row.id


def registrations(session: Session, /, batch_id: int, unit_id: int | None = None) -> list[int]:
    """Everybody in the class, or in it of a school, the first enrolled first."""
    statement = select(Registration.id).where(Registration.batch_id == batch_id)
    if unit_id is not None:
        statement = statement.where(Registration.unit_id_at == unit_id)
    return list(session.exec(statement.order_by(Registration.id)).all())  # type: ignore[arg-type]


def teacher_of(session: Session, /, registration_id: int) -> int:
    """Whose registration it is."""
    return session.get_one(Registration, registration_id).teacher_id
