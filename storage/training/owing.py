"""Who still owes it: for each kind of deadline of training, the teachers to remind of it.

The same question is asked about everybody when a step is swept, and about one person in the
moment of sending.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people import offices
from storage.people.tables import Role, RoleAssignment, ScopeKind, Teacher, TeacherState
from storage.training import eligibility
from storage.training.audience import fits
from storage.training.tables import (
    Batch,
    ClassSession,
    Interest,
    Leave,
    LeaveState,
    Menu,
    MenuChoice,
    MenuOption,
    OfferState,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
    Task,
    TaskSubmission,
    WorkState,
)

TAKES_PART = (RegistrationState.APPROVED, RegistrationState.ATTENDING)
"""States of somebody who is expected to come, and has not finished."""

GONE = (RegistrationState.WITHDRAWN, RegistrationState.DECLINED, RegistrationState.RETURNED)

Owing = sa.Select[int]


def owes(
    session: Session, kind: str, subject_id: int, *, teacher_id: int | None = None
) -> Owing | None:
    """Return the select of the ids of the teachers who still owe this.

    ``subject_id`` is a batch; for ``session`` a class session, for ``task_due`` a task, for
    ``offer`` a seat offer. With
    ``teacher_id`` at most that one comes back. A cancelled or paused programme is owed by
    nobody, and so is one that is gone; None is for a kind that is none of training's.
    """
    if kind not in KINDS:
        return None
    who = KINDS[kind](session, subject_id)
    if teacher_id is not None:
        who = who.where(who.selected_columns[0] == teacher_id)
    return who


def _invited(session: Session, batch_id: int) -> Owing:
    """Return those whom the programme is for, and who may, and who have never registered."""
    found = session.exec(
        select(Programme, Batch)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).first()
    may: sa.ColumnElement[bool] = sa.false()
    if found is not None:
        programme, batch = found
        opens = batch.reg_open or batch.starts_at
        may = sa.and_(fits(programme), eligibility.meets(session, programme.id, now=opens))
    return sa.select(col(Teacher.id)).where(
        may,
        ~sa.exists().where(
            col(Registration.batch_id) == batch_id,
            col(Registration.teacher_id) == col(Teacher.id),
        ),
        _takes_place(batch_id),
    )


def _interested(_session: Session, batch_id: int) -> Owing:
    """Return those who asked to be told before registration closes and are not in."""
    return sa.select(col(Interest.teacher_id)).where(
        col(Interest.batch_id) == batch_id,
        sa.exists().where(
            col(Teacher.id) == col(Interest.teacher_id),
            col(Teacher.state) == TeacherState.ACTIVE,
        ),
        ~sa.exists().where(
            col(Registration.batch_id) == col(Interest.batch_id),
            col(Registration.teacher_id) == col(Interest.teacher_id),
            col(Registration.state).not_in(GONE),
        ),
        _takes_place(batch_id),
    )


def _offered(_session: Session, offer_id: int) -> Owing:
    """Return the one who holds the offer, as long as it is open."""
    return (
        sa.select(col(Registration.teacher_id))
        .join(SeatOffer, col(SeatOffer.registration_id) == col(Registration.id))
        .where(col(SeatOffer.id) == offer_id, col(SeatOffer.state) == OfferState.OPEN)
    )


def _taking_part(_session: Session, batch_id: int) -> Owing:
    """Return those who are expected and have not finished."""
    return sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch_id,
        col(Registration.state).in_(TAKES_PART),
        _takes_place(batch_id),
    )


def _beginning(session: Session, batch_id: int) -> Owing:
    """Return those who are expected at the start: not who is on leave from the first meeting."""
    return _taking_part(session, batch_id).where(
        ~sa.exists().where(
            col(Leave.registration_id) == col(Registration.id),
            col(Leave.state) == LeaveState.APPROVED,
            col(ClassSession.id) == col(Leave.session_id),
            col(Batch.id) == batch_id,
            col(ClassSession.starts_at) == col(Batch.starts_at),
        )
    )


def _in_session(_session: Session, session_id: int) -> Owing:
    """Return those who are expected at this meeting of their batch, and not on leave from it."""
    return (
        sa.select(col(Registration.teacher_id))
        .join(ClassSession, col(ClassSession.batch_id) == col(Registration.batch_id))
        .where(
            col(ClassSession.id) == session_id,
            col(Registration.state).in_(TAKES_PART),
            ~sa.exists().where(
                col(Leave.registration_id) == col(Registration.id),
                col(Leave.session_id) == session_id,
                col(Leave.state) == LeaveState.APPROVED,
            ),
            sa.exists().where(
                col(Batch.id) == col(Registration.batch_id),
                *_as_planned(),
            ),
        )
    )


def _owing_work(_session: Session, task_id: int) -> Owing:
    """Return those who take part and have not handed in, or had their work returned."""
    return (
        sa.select(col(Registration.teacher_id))
        .join(Task, col(Task.batch_id) == col(Registration.batch_id))
        .where(
            col(Task.id) == task_id,
            col(Registration.state).in_(TAKES_PART),
            ~sa.exists().where(
                col(TaskSubmission.task_id) == task_id,
                col(TaskSubmission.registration_id) == col(Registration.id),
                col(TaskSubmission.state) != WorkState.RETURNED,
            ),
            sa.exists().where(
                col(Batch.id) == col(Registration.batch_id),
                *_as_planned(),
            ),
        )
    )


def _nominated(_session: Session, batch_id: int) -> Owing:
    """Return those whom their school nominated and who have not answered."""
    return sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch_id,
        col(Registration.state) == RegistrationState.NOMINATED,
        _takes_place(batch_id),
    )


def _with_unused_seats(session: Session, batch_id: int) -> Owing:
    """Return the coordinators of schools whose unused seats are about to be released."""
    unused = (
        col(Quota.batch_id) == batch_id,
        col(Quota.is_pool).is_(False),
        col(Quota.taken) < col(Quota.seats),
    )
    release_at = session.exec(
        select(sa.func.min(Quota.release_at)).where(*unused, col(Quota.release_at).is_not(None))
    ).one()
    if release_at is None:
        return sa.select(col(RoleAssignment.teacher_id)).where(sa.false())
    day = local_day(release_at, offices.zone(session))
    return (
        sa.select(col(RoleAssignment.teacher_id))
        .distinct()
        .where(
            col(RoleAssignment.role) == Role.SCHOOL_COORDINATOR,
            col(RoleAssignment.scope_kind) == ScopeKind.UNIT,
            col(RoleAssignment.scope_id).in_(sa.select(col(Quota.unit_id)).where(*unused)),
            col(RoleAssignment.since) <= day,
            sa.or_(col(RoleAssignment.until).is_(None), col(RoleAssignment.until) >= day),
            _takes_place(batch_id),
        )
    )


def _takes_place(batch_id: int) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(Batch.id) == batch_id,
        *_as_planned(),
    )


def _as_planned() -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions that a batch takes place and nothing stands still."""
    return (
        col(Programme.id) == col(Batch.programme_id),
        col(Programme.state) == ProgrammeState.PUBLISHED,
        col(Programme.paused_at).is_(None),
        col(Batch.cancelled_at).is_(None),
    )


def _without_choice(session: Session, menu_id: int) -> Owing:
    """Return those whom the menu is for, who have chosen too little and have more to choose."""
    menu = session.exec(
        select(Menu).where(
            Menu.id == menu_id, col(Menu.settled_at).is_(None), col(Menu.cancelled_at).is_(None)
        )
    ).first()
    options = session.exec(
        select(Batch.id, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(MenuOption, col(MenuOption.batch_id) == col(Batch.id))
        .where(MenuOption.menu_id == menu_id, Programme.state == ProgrammeState.PUBLISHED)
    ).all()
    if menu is None or not options:
        return sa.select(col(Teacher.id)).where(sa.false())
    mine = sa.orm.aliased(MenuChoice)
    chosen = (
        sa.select(sa.func.count())
        .select_from(mine)
        .where(col(mine.menu_id) == menu_id, col(mine.teacher_id) == col(Teacher.id))
        .scalar_subquery()
    )
    more = [
        sa.and_(
            fits(programme),
            ~sa.exists().where(
                col(MenuChoice.menu_id) == menu_id,
                col(MenuChoice.teacher_id) == col(Teacher.id),
                col(MenuChoice.batch_id) == batch_id,
            ),
        )
        for batch_id, programme in options
    ]
    return sa.select(col(Teacher.id)).where(fits(menu), chosen < menu.least, sa.or_(*more))


KINDS: dict[str, Callable[[Session, int], Owing]] = {
    "reg_open": _invited,
    "reg_close": _interested,
    "menu_open": _without_choice,
    "menu_close": _without_choice,
    "offer": _offered,
    "nomination": _nominated,
    "release": _with_unused_seats,
    "batch_start": _beginning,
    "session": _in_session,
    "task_due": _owing_work,
    "remote_start": _taking_part,
    "remote_end": _taking_part,
}
"""The deadlines of training; see ``storage.training.schedule`` for when each is set."""
