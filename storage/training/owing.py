"""Who still owes it: for each kind of deadline of training, the teachers to remind of it.

The same question is asked about everybody when a step is swept, and about one person in the
moment of sending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people import offices
from storage.people.owing import OFFICE, holders
from storage.people.tables import Account, Role, Teacher, TeacherState
from storage.training import eligibility
from storage.training.audience import fits
from storage.training.remote import owing as of_study
from storage.training.tables import (
    Batch,
    ClassSession,
    Interest,
    Leave,
    LeaveState,
    Menu,
    MenuChoice,
    MenuOption,
    Module,
    OfferState,
    Phase,
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
    session: Session, kind: str, subject_id: int, *, now: datetime, teacher_id: int | None = None
) -> Owing | None:
    """Return the select of the ids of the teachers who still owe this.

    ``subject_id`` is a batch; for ``session`` a class session, for ``task_due`` a task, for
    ``offer`` a seat offer, for ``phase_end`` a phase, for ``makeup`` a registration. With
    ``teacher_id`` at most that one comes back. A cancelled or paused programme is owed by
    nobody, and so is one that is gone; None is for a kind that is none of training's.
    """
    if kind in BY_NOW:
        who = BY_NOW[kind](session, subject_id, now)
    elif kind in KINDS:
        who = KINDS[kind](session, subject_id)
    else:
        return None
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


def _unfinished(session: Session, batch_id: int) -> Owing:
    """Return those who are expected and have something left to study."""
    return _taking_part(session, batch_id).where(of_study.has_left(batch_id))


def _planned(who: Callable[[Session, int, datetime], Owing]) -> Callable[..., Owing]:
    """Ask only as long as the class takes place."""
    return lambda session, batch_id, now: who(session, batch_id, now).where(_takes_place(batch_id))


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


def _owing_work(_session: Session, task_id: int, now: datetime) -> Owing:
    """Return those who take part and have not handed in, or had their work returned.

    When the class is over nothing can be handed in any more, and nothing is owed.
    """
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
                col(Batch.ends_at) > now,
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


def _with_unused_seats(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return the coordinators of schools whose unused seats are about to be released."""
    release = sa.exists().where(
        col(Quota.batch_id) == batch_id,
        col(Quota.is_pool).is_(False),
        col(Quota.taken) < col(Quota.seats),
        col(Quota.release_at).is_not(None),
    )
    return _with_open_seats(session, batch_id, now).where(release)


def _with_open_seats(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return the coordinators of schools with seats of their own that nobody has."""
    units = open_seats(session, "", batch_id, now).subquery()
    return holders(session, (Role.SCHOOL_COORDINATOR,), of=sa.select(units.c.unit_id), now=now)


def open_seats(_session: Session, _kind: str, batch_id: int, _now: datetime) -> sa.Select[int, int]:
    """Return the schools with seats of their own that nobody has, and how many."""
    return sa.select(
        col(Quota.unit_id).label("unit_id"), (col(Quota.seats) - col(Quota.taken)).label("number")
    ).where(
        col(Quota.batch_id) == batch_id,
        col(Quota.is_pool).is_(False),
        col(Quota.taken) < col(Quota.seats),
        _takes_place(batch_id),
    )


def _with_unanswered(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return the coordinators of schools on whose list not everything is settled."""
    units = unanswered(session, "", batch_id, now).subquery()
    return holders(session, (Role.SCHOOL_COORDINATOR,), of=sa.select(units.c.unit_id), now=now)


def unanswered(_session: Session, _kind: str, batch_id: int, _now: datetime) -> sa.Select[int, int]:
    """Return the schools with people who have not answered or are not decided on."""
    return _counted(
        sa.select(col(Registration.unit_id_at)).where(
            col(Registration.batch_id) == batch_id,
            col(Registration.state).in_([RegistrationState.NOMINATED, RegistrationState.SUBMITTED]),
            _takes_place(batch_id),
        )
    )


def unreachable(
    _session: Session, kind: str, subject_id: int, _now: datetime
) -> sa.Select[int, int]:
    """Return the schools with participants whom no message reaches: they are to be phoned."""
    of_batch = (
        col(Registration.batch_id) == subject_id
        if kind != "session"
        else col(Registration.batch_id).in_(
            sa.select(col(ClassSession.batch_id)).where(col(ClassSession.id) == subject_id)
        )
    )
    return _counted(
        sa.select(col(Registration.unit_id_at)).where(
            of_batch,
            col(Registration.state).in_(TAKES_PART),
            ~sa.exists().where(
                col(Account.teacher_id) == col(Registration.teacher_id), col(Account.reachable)
            ),
            sa.exists().where(col(Batch.id) == col(Registration.batch_id), *_as_planned()),
        )
    )


def undecided(_session: Session, _kind: str, batch_id: int, _now: datetime) -> sa.Select[int, int]:
    """Return the schools whose people wait for the organiser's word."""
    return _counted(
        sa.select(col(Registration.unit_id_at)).where(
            col(Registration.batch_id) == batch_id,
            col(Registration.state) == RegistrationState.SCHOOL_APPROVED,
            _takes_place(batch_id),
        )
    )


def _deciding(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return who runs the class, as long as somebody waits for their word."""
    return _running(session, batch_id, undecided(session, "", batch_id, now), now)


def _grading(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return who runs the class, as long as somebody in it is not decided on."""
    return _running(session, batch_id, ungraded(session, "", batch_id, now), now)


def _running(session: Session, batch_id: int, open_: sa.Select[int, int], now: datetime) -> Owing:
    owner = (
        sa.select(col(Programme.owner_unit_id))
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(col(Batch.id) == batch_id)
    )
    left = open_.subquery()
    return holders(session, OFFICE, of=owner, now=now).where(sa.exists(sa.select(left.c.unit_id)))


def ungraded(session: Session, _kind: str, batch_id: int, now: datetime) -> sa.Select[int, int]:
    """Return the schools with people in the class who are neither completed nor not.

    Whoever may still make something good is not waited for.
    """
    today = local_day(now, offices.zone(session))
    return _counted(
        sa.select(col(Registration.unit_id_at)).where(
            col(Registration.batch_id) == batch_id,
            col(Registration.state).in_(TAKES_PART),
            sa.or_(
                col(Registration.make_up_until).is_(None), col(Registration.make_up_until) < today
            ),
            _takes_place(batch_id),
        )
    )


def _counted(units: sa.Select[Any]) -> sa.Select[int, int]:
    unit = units.selected_columns[0]
    return units.with_only_columns(unit.label("unit_id"), sa.func.count().label("number")).group_by(
        unit
    )


def _in_phase(_session: Session, phase_id: int) -> Owing:
    """Return those who take part and have something left to do in this stretch of the class.

    Where it has no work of its own these are all who take part.
    """
    work = (
        sa.select(col(Task.id))
        .join(Module, col(Module.id) == col(Task.module_id))
        .where(col(Module.phase_id) == phase_id, col(Task.mandatory))
    )
    handed_in = sa.exists().where(
        col(TaskSubmission.task_id) == col(Task.id),
        col(TaskSubmission.registration_id) == col(Registration.id),
        col(TaskSubmission.state) != WorkState.RETURNED,
    )
    return (
        sa.select(col(Registration.teacher_id))
        .join(Phase, col(Phase.batch_id) == col(Registration.batch_id))
        .where(
            col(Phase.id) == phase_id,
            col(Registration.state).in_(TAKES_PART),
            sa.or_(
                ~work.exists(),
                work.where(~handed_in).correlate(Registration).exists(),
            ),
            sa.exists().where(col(Batch.id) == col(Registration.batch_id), *_as_planned()),
        )
    )


def _making_up(_session: Session, registration_id: int) -> Owing:
    """Return the one who may make something good, until that is decided."""
    return sa.select(col(Registration.teacher_id)).where(
        col(Registration.id) == registration_id,
        col(Registration.state) == RegistrationState.ATTENDING,
        col(Registration.make_up_until).is_not(None),
        sa.exists().where(col(Batch.id) == col(Registration.batch_id), *_as_planned()),
    )


@dataclass(frozen=True)
class Place:
    """Whose a deadline is: its class and programme, and the unit that owns it."""

    batch_id: int | None = None
    programme_id: int | None = None
    unit_id: int | None = None


def place(session: Session, subject: str, subject_id: int) -> Place:
    """Return whose the thing in this table is; nobody's when it is gone."""
    if subject == "menu":
        owner = session.exec(select(Menu.owner_unit_id).where(Menu.id == subject_id)).first()
        return Place(unit_id=owner)
    to_batch: dict[str, Any] = {
        "batch": sa.select(col(Batch.id)).where(col(Batch.id) == subject_id),
        "class_session": sa.select(col(ClassSession.batch_id)).where(
            col(ClassSession.id) == subject_id
        ),
        "task": sa.select(col(Task.batch_id)).where(col(Task.id) == subject_id),
        "phase": sa.select(col(Phase.batch_id)).where(col(Phase.id) == subject_id),
        "registration": sa.select(col(Registration.batch_id)).where(
            col(Registration.id) == subject_id
        ),
        "seat_offer": sa.select(col(Registration.batch_id))
        .join(SeatOffer, col(SeatOffer.registration_id) == col(Registration.id))
        .where(col(SeatOffer.id) == subject_id),
    }
    if subject not in to_batch:
        return Place()
    row = session.exec(
        select(Batch.id, Batch.programme_id, Programme.owner_unit_id)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(col(Batch.id).in_(to_batch[subject]))
    ).first()
    return Place() if row is None else Place(*row)


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
    "batch_start": _beginning,
    "session": _in_session,
    "remote_start": _taking_part,
    "remote_end": _unfinished,
    "phase_end": _in_phase,
    "makeup": _making_up,
}
"""The deadlines of training; see ``storage.training.schedule`` for when each is set."""

BY_NOW: dict[str, Callable[[Session, int, datetime], Owing]] = {
    "task_due": _owing_work,
    "release": _with_unused_seats,
    "nominate_close": _with_open_seats,
    "quota_unfilled": _with_open_seats,
    "roster": _with_unanswered,
    "grade_due": _grading,
    "approve_county": _deciding,
    "remote_not_started": _planned(of_study.not_started),
    "remote_behind": _planned(of_study.behind),
    "remote_idle": _planned(of_study.idle),
    "remote_idle_long": _planned(of_study.long_idle),
    "import_stale": _planned(of_study.importers),
}
"""What depends on the moment of asking: who holds an office, and whether a class is over."""
