"""Who has learned when a class is over: nobody fails by figures that could not show it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from storage import moments
from storage.training.remote import pace
from storage.training.remote.tables import (
    Progress,
    ProgressItem,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import Registration

Learned = Callable[[int, date | None], bool | None]
"""Of a registration and the last day on which it may be made good: whether all is learned."""


def learned(session: Session, batch_id: int) -> Learned | None:
    """Return what says who has learned; None for a class that is not studied on a platform.

    It is True by any figures. It is False only by figures of after the end, or of after the
    day until which it may be made good, and while nothing waits that somebody has said they
    have studied; else it is None: unknown.
    """
    course = pace.of_class(session, batch_id)
    item = select(ProgressItem.id).where(ProgressItem.batch_id == batch_id).limit(1)
    if course is None or session.exec(item).first() is None:
        return None
    figures = {
        id_: (as_of, is_learned)
        for id_, as_of, is_learned in session.exec(
            select(Progress.registration_id, Progress.as_of, Progress.is_learned).where(
                Progress.batch_id == batch_id
            )
        ).all()
    }
    said: dict[int, list[tuple[StudyClaimState, datetime]]] = {}
    for id_, state, at in session.exec(
        select(StudyClaim.registration_id, StudyClaim.state, StudyClaim.submitted_at)
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .where(
            Registration.batch_id == batch_id,
            col(StudyClaim.state).in_([StudyClaimState.OPEN, StudyClaimState.ACCEPTED]),
        )
    ).all():
        said.setdefault(id_, []).append((StudyClaimState(state), at))
    newest, zone = course.as_of, course.pace.calendar.zone

    def has_learned(registration_id: int, make_up_until: date | None) -> bool | None:
        # Whoever is in no import counts by the newest one.
        as_of, is_learned = figures.get(registration_id, (newest, False))
        if is_learned:
            return True
        over = course.ends_at
        if make_up_until is not None:
            over = max(over, moments.at(make_up_until + timedelta(days=1), 0, zone))
        if as_of is None or as_of < over:
            return None
        waits = any(
            state is StudyClaimState.OPEN or at > as_of
            for state, at in said.get(registration_id, ())
        )
        return None if waits else False

    return has_learned
