"""The two other doors: everybody who is due, at once; and who was nominated by the school."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col, select

from storage.messaging import news
from storage.moments import local_day
from storage.people.tables import Office, Posting, Teacher, TeacherState
from storage.refusals import NotFound
from storage.training import seats, waiting
from storage.training.audience import described
from storage.training.classes import batch_of
from storage.training.decisions import Rule, decide
from storage.training.refusals import NominationGone, NotSelfRegistration, ProgrammeCancelled
from storage.training.tables import (
    Approval,
    Batch,
    Decision,
    Enrolment,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Source,
)

LONG_LEAVE = "long_leave"
"""The reason kept with an exemption; it leaves the denominator of every rate."""


@dataclass(frozen=True)
class Enrolled:
    """How many came in by this call; 0 and 0 when all were in already."""

    enrolled: int
    exempt: int


@dataclass(frozen=True)
class NominationAnswer:
    """What answering a nomination came to."""

    registration_id: int
    batch_id: int
    title: str
    state: RegistrationState
    is_new: bool


def enrol_all_due(session: Session, batch_id: int, *, now: datetime) -> Enrolled:
    """Enrol every teacher whom the automatic programme is for; nobody is ever un-enrolled.

    Who is due, and in which school, is read as of the roster date once that has passed. Those
    on long leave get an exempt row, so that their absence from the rates has a reason.

    Raises NotFound, ProgrammeCancelled or NotSelfRegistration with the door it really has.
    """
    batch, programme = batch_of(session, batch_id)
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    if programme.enrolment is not Enrolment.AUTOMATIC:
        raise NotSelfRegistration(programme.title, programme.enrolment)
    reference = now if batch.roster_date is None else min(now, batch.roster_date)
    zone = ZoneInfo(session.exec(select(Office.timezone)).first() or "UTC")
    day = local_day(reference, zone)

    def enrol(who: TeacherState, state: RegistrationState, reason: str, rule: Rule) -> int:
        moment = sa.literal(now, SQLModel.metadata.tables["registration"].c.changed_at.type)
        table = SQLModel.metadata.tables["registration"]
        due = (
            sa.select(
                sa.literal(batch_id),
                col(Teacher.id),
                sa.func.min(col(Posting.unit_id)),
                sa.literal(Source.AUTOMATIC, table.c.source.type),
                sa.literal(state, table.c.state.type),
                moment,
                moment,
                moment,
                sa.literal(reason),
                sa.literal(""),
            )
            .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
            .where(
                col(Teacher.state) == who,
                described(programme.audience),
                col(Posting.is_primary),
                col(Posting.since) <= day,
                sa.or_(col(Posting.until).is_(None), col(Posting.until) >= day),
                ~sa.exists().where(
                    col(Registration.batch_id) == batch_id,
                    col(Registration.teacher_id) == col(Teacher.id),
                ),
            )
            .group_by(col(Teacher.id))
        )
        columns = [
            "batch_id",
            "teacher_id",
            "unit_id_at",
            "source",
            "state",
            "submitted_at",
            "queued_at",
            "changed_at",
            "reason",
            "leave_request",
        ]
        session.exec(
            insert(table)
            .from_select(columns, due)
            .on_conflict_do_nothing(index_elements=["batch_id", "teacher_id"])
        )
        # The line for /why is written for whoever has none yet: those just enrolled.
        undecided = sa.select(
            col(Registration.id),
            moment,
            sa.literal(rule),
            sa.literal({}, SQLModel.metadata.tables["decision"].c.facts.type),
        ).where(
            col(Registration.batch_id) == batch_id,
            col(Registration.source) == Source.AUTOMATIC,
            col(Registration.state) == state,
            ~sa.exists().where(col(Decision.registration_id) == col(Registration.id)),
        )
        new = session.exec(select(sa.func.count()).select_from(undecided.subquery())).one()
        session.exec(
            sa.insert(Decision).from_select(["registration_id", "at", "rule", "facts"], undecided)
        )
        return int(new)

    session.flush()
    return Enrolled(
        enrolled=enrol(
            TeacherState.ACTIVE, RegistrationState.APPROVED, "", "enrolled_automatically"
        ),
        exempt=enrol(
            TeacherState.LONG_LEAVE, RegistrationState.EXEMPT, LONG_LEAVE, "exempt_long_leave"
        ),
    )


def accept_nomination(
    session: Session, teacher_id: int, batch_id: int, *, now: datetime
) -> NominationAnswer:
    """Agree to go: the school's part is done; the county decides where it has to.

    Raises NotFound, NominationGone or ProgrammeCancelled.
    """
    registration, programme, batch = _nomination(session, teacher_id, batch_id)
    accepted = (
        RegistrationState.SCHOOL_APPROVED,
        RegistrationState.APPROVED,
        RegistrationState.ATTENDING,
    )
    if registration.state in accepted:
        return _answer(registration, programme, is_new=False)
    if registration.state is not RegistrationState.NOMINATED:
        raise NominationGone(programme.title, registration.state)
    if programme.state is ProgrammeState.CANCELLED or batch.cancelled_at is not None:
        raise ProgrammeCancelled(programme.title)
    registration.state = (
        RegistrationState.SCHOOL_APPROVED
        if programme.approval is Approval.COUNTY
        else RegistrationState.APPROVED
    )
    registration.changed_at = now
    session.flush()
    decide(session, registration.id, "nomination_accepted", now=now, actor_id=teacher_id)
    return _answer(registration, programme, is_new=True)


def decline_nomination(
    session: Session, teacher_id: int, batch_id: int, *, now: datetime, reason: str = ""
) -> NominationAnswer:
    """Say no: the seat goes back to the school, and to whoever waits for it.

    Raises NotFound or NominationGone.
    """
    registration, programme, _batch = _nomination(session, teacher_id, batch_id)
    if registration.state is RegistrationState.DECLINED:
        return _answer(registration, programme, is_new=False)
    if registration.state is not RegistrationState.NOMINATED:
        raise NominationGone(programme.title, registration.state)
    seats.free(session, registration.quota_id)
    registration.state = RegistrationState.DECLINED
    registration.quota_id = None
    registration.reason = reason
    registration.changed_at = now
    session.flush()
    decide(session, registration.id, "nomination_declined", now=now, actor_id=teacher_id)
    _tell_school(session, registration, programme, now=now)
    waiting.offer_next(session, batch_id, now=now, because="offered_after_withdrawal")
    return _answer(registration, programme, is_new=True)


def _tell_school(
    session: Session, registration: Registration, programme: Programme, *, now: datetime
) -> None:
    """Let the brief of whoever nominated this person say that the seat is free again."""
    nominated_by, name = session.exec(
        select(Decision.actor_id, Teacher.name)
        .select_from(Decision)
        .join(Teacher, col(Teacher.id) == registration.teacher_id)
        .where(
            Decision.registration_id == registration.id,
            col(Decision.rule).in_(("nominated", "substituted")),
        )
        .order_by(col(Decision.id).desc())
    ).first() or (None, "")
    if nominated_by is not None:
        facts = {"title": programme.title, "name": name}
        news.tell(session, "nomination_declined", nominated_by, registration.id, facts, now=now)


def _nomination(
    session: Session, teacher_id: int, batch_id: int
) -> tuple[Registration, Programme, Batch]:
    seats.lock(session, batch_id)
    found = session.exec(
        select(Registration, Programme, Batch)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.source).in_((Source.NOMINATED, Source.SUBSTITUTE)),
        )
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("nomination")
    return found


def _answer(registration: Registration, programme: Programme, *, is_new: bool) -> NominationAnswer:
    return NominationAnswer(
        registration_id=registration.id,
        batch_id=registration.batch_id,
        title=programme.title,
        state=registration.state,
        is_new=is_new,
    )
