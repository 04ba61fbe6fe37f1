"""Deadlines that the calendar sets, and not a person: of the year's hours and of what waits.

Everything else is written in the transaction of the thing that it belongs to.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import moments
from storage.calendar import workdays
from storage.calendar.years import school_year_of
from storage.credits import owing as of_hours
from storage.messaging import deadlines
from storage.messaging.tables import Deadline, DeadlineState
from storage.training.deciding import under_way
from storage.training.remote import study_claims
from storage.training.tables import Batch, Programme, Registration, RegistrationState

DAY_ENDS = 17 * 60
PLANNED = ("year_hours", "cycle_hours", "new_teacher_hours", "role_gap", "approve_county")
AT_ONCE = 200


def plan_calendar(session: Session, *, now: datetime) -> bool:
    """Set and move what the calendar says, some at a time; whether there is more to do.

    What nobody waits for any more is cancelled. Calling it again changes nothing.
    """
    study_claims.pass_on(session, now=now)
    wanted = _wanted(session, now)
    rows = session.exec(
        select(Deadline.kind, Deadline.subject_id, Deadline.at).where(
            col(Deadline.kind).in_(PLANNED), Deadline.state == DeadlineState.ACTIVE
        )
    ).all()
    known = {(kind, subject_id): at for kind, subject_id, at in rows}
    todo = [(key, at) for key, at in sorted(wanted.items()) if known.get(key) != at]
    for (kind, subject_id), at in todo[:AT_ONCE]:
        deadlines.set_deadline(session, kind, subject_id, at, now=now)
    for kind, subject_id in sorted(known.keys() - wanted.keys()):
        deadlines.cancel_deadline(session, kind, subject_id, now=now)
    return len(todo) > AT_ONCE


def _wanted(session: Session, now: datetime) -> dict[tuple[str, int], datetime]:
    zone = workdays.load(session).zone
    found = {
        key: moments.at(day, DAY_ENDS, zone)
        for key, day in of_hours.due_days(session, now=now).items()
    }
    year = school_year_of(session, moments.local_day(now, zone))
    found["role_gap", year.start.year] = moments.at(year.end, DAY_ENDS, zone)
    waiting = (
        sa.select(col(Batch.id), sa.func.min(col(Registration.changed_at)))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(under_way(now), col(Registration.state) == RegistrationState.SCHOOL_APPROVED)
        .group_by(col(Batch.id))
    )
    for batch_id, since in session.connection().execute(waiting):
        found["approve_county", batch_id] = since
    return {key: at for key, at in found.items() if at > now or key[0] == "approve_county"}
