"""What the home card says: a few figures of several wings, read in one transaction.

This is the one place where wings are read together for a person's first look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col

from storage import overview
from storage.competitions import entering, panels, rights
from storage.competitions.tables import Competition, CompetitionState, Judge, Venue
from storage.credits.balance import balance_of
from storage.messaging import notice_views
from storage.people import staff
from storage.training import check_in, programmes
from storage.training.check_in import OpenMeeting
from storage.training.programmes import TAKES_PART, BatchState, DueItem
from storage.training.registration import MAY_REGISTER_AGAIN
from storage.training.remote import pace
from storage.training.remote.tables import RemotePlan
from storage.training.tables import (
    LIVE,
    Batch,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
)

__all__ = ["DueItem", "HomeFacts", "home_facts"]

ALL = 10_000  # more programmes than any office has open


# Built once: putting a statement together costs more here than running it.
_RUNS = col(Registration.state).in_(LIVE) & (col(Batch.ends_at) > sa.bindparam("now"))
# What was missed can still be made up, in the window of the class or until a day of one's own.
_MAKES_UP = (
    col(Registration.state).in_([*pace.UNDECIDED, RegistrationState.NOT_COMPLETED])
    & (col(RemotePlan.makeup_until) > sa.bindparam("now"))
) | (
    col(Registration.state).in_(pace.UNDECIDED)
    & col(Registration.make_up_until).is_not(None)
    & col(RemotePlan.id).is_not(None)
)
_UNDER_WAY = (
    sa.select(
        sa.func.count(sa.case((_RUNS, 1))),
        sa.func.count(
            sa.case(
                (
                    (
                        col(Registration.state).in_(TAKES_PART)
                        & (col(Batch.starts_at) <= sa.bindparam("now"))
                        & (col(Batch.ends_at) > sa.bindparam("now"))
                    )
                    | _MAKES_UP,
                    col(RemotePlan.id),
                )
            )
        ),
        sa.exists(
            sa.select(sa.literal(1)).where(
                # What is over still says what came of it, until it is put away.
                col(Competition.state).in_([CompetitionState.PUBLISHED, CompetitionState.FINISHED])
            )
        ),
        sa.select(sa.func.count(col(Judge.id)))
        .where(*panels.judged_by(sa.bindparam("teacher_id")))
        .scalar_subquery(),
        sa.select(sa.func.count(col(Venue.id)))
        .where(*rights.runs_venue(sa.bindparam("teacher_id")))
        .scalar_subquery(),
    )
    .select_from(Registration)
    .join(Batch, col(Batch.id) == col(Registration.batch_id))
    .join(Programme, col(Programme.id) == col(Batch.programme_id))
    .outerjoin(RemotePlan, col(RemotePlan.batch_id) == col(Batch.id))
    .where(
        col(Registration.teacher_id) == sa.bindparam("teacher_id"),
        col(Programme.state) == ProgrammeState.PUBLISHED,
        col(Batch.cancelled_at).is_(None),
        _RUNS | _MAKES_UP,
    )
)


@dataclass(frozen=True)
class HomeFacts:
    """What matters to one teacher today; hours are in the unit of the credit profile."""

    open_programmes: int  # that fit, have a seat, and can be registered for now
    registrations: int  # under way, in trainings that are not over
    due: int
    next_due: DueItem | None  # the soonest with a moment still to come
    year: str  # its code, such as 2026-2027
    unit: str  # hour or credit
    year_counted: Decimal
    year_floor: Decimal | None  # None: this year has no minimum, or an exemption
    has_desk: bool = False  # looks after others
    waiting: int = 0  # things that wait on the desk
    check_in: tuple[OpenMeeting, ...] = ()  # open now
    notices: int = 0  # to be confirmed
    competitions: int = 0  # that can be entered, or are
    venues: int = 0  # of competitions that one is named to run, not settled yet
    judging: int = 0  # venues at which one judges, or is asked to
    studies: int = 0  # of the registrations, classes that are studied remotely now


def home_facts(session: Session, teacher_id: int, *, now: datetime) -> HomeFacts:
    """Return what the home card says to this teacher. Raises NotFound for nobody's id."""
    fitting = programmes.open_for(session, teacher_id, now=now, size=ALL)
    items = programmes.due(session, teacher_id, now=now)
    balance = balance_of(session, teacher_id, now=now)
    year = balance.year
    registrations, studies, has_competitions, judging, venues = (
        session.connection().execute(_UNDER_WAY, {"teacher_id": teacher_id, "now": now}).one()
    )
    return HomeFacts(
        open_programmes=sum(
            line.state is BatchState.OPEN
            and (line.my_state is None or line.my_state in MAY_REGISTER_AGAIN)
            for line in fitting.items
        ),
        registrations=registrations,
        due=len(items),
        next_due=next((item for item in items if item.at > now), None),
        year=year.span.code,
        unit=balance.unit,
        year_counted=year.counted,
        year_floor=year.floor,
        has_desk=staff.has_desk(session, teacher_id, now=now),
        waiting=sum(each.count for each in overview.waiting(session, teacher_id, now=now)),
        check_in=check_in.open_for(session, teacher_id, now=now),
        notices=notice_views.unconfirmed(session, teacher_id),
        venues=venues,
        judging=judging,
        studies=studies,
        competitions=len(entering.lines(session, teacher_id, now=now)) if has_competitions else 0,
    )
