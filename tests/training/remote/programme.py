"""A remote class with the four items of the all-staff programme, and people in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, select

from storage.people.tables import Teacher
from storage.training.remote.tables import (
    Measure,
    Platform,
    Progress,
    ProgressItem,
    RemotePlan,
)
from storage.training.tables import Enrolment, Mode, Registration, RegistrationState
from tests import make
from tests.training import classes

START = datetime(2026, 10, 19, 0, 0, tzinfo=UTC)
END = datetime(2026, 12, 18, 9, 0, tzinfo=UTC)
ITEMS = (
    ("watch_minutes", "视频学习", Measure.MINUTES, 900, 0.4),
    ("homework", "作业", Measure.TIMES, 2, 0.3),
    ("forum", "论坛发帖", Measure.TIMES, 4, 0.15),
    ("school_seminar", "校本研修", Measure.TIMES, 1, 0.15),
)


def remote(session: Session, /, title: str = "全员岗位远程培训", **plan: Any) -> int:
    """A class of the county on a platform, since October."""
    batch_id = make.batch(
        session,
        title,
        seats=None,
        starts_at=START,
        ends_at=END,
        programme={"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC},
    )
    platform = session.exec(select(Platform)).first()
    if platform is None:
        platform = Platform(name="兰台研修网", owner_unit_id=make.county(session))
        session.add(platform)
        session.flush()
    session.add(RemotePlan(**{"batch_id": batch_id, "platform_id": platform.id} | plan))
    for position, (kind, name, measure, required, weight) in enumerate(ITEMS, start=1):
        session.add(
            ProgressItem(
                batch_id=batch_id,
                position=position,
                kind=kind,
                title=name,
                measure=measure,
                required=required,
                weight=weight,
            )
        )
    session.flush()
    return batch_id


def joins(
    session: Session,
    /,
    batch_id: int,
    name: str,
    at: str = classes.HOME,
    state: RegistrationState = RegistrationState.APPROVED,
    **differs: Any,
) -> int:
    """A new teacher of the school who takes part; the registration."""
    return classes.joins(session, batch_id, make.teacher(session, name, at=at, **differs), state)


def stands(session: Session, /, batch_id: int) -> dict[str, tuple[float, bool, bool]]:
    """By name: percent, started, learned."""
    rows = session.exec(
        select(Teacher.name, Progress.percent, Progress.is_started, Progress.is_learned)
        .join(Registration, Registration.id == Progress.registration_id)  # type: ignore[arg-type]
        .join(Teacher, Teacher.id == Registration.teacher_id)  # type: ignore[arg-type]
        .where(Progress.batch_id == batch_id)
    ).all()
    return {name: (percent, started, learned) for name, percent, started, learned in rows}
