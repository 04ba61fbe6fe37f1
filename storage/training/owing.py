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
from storage.people.owing import OFFICE, holders, nearest
from storage.people.tables import Account, Role, Teacher, TeacherState
from storage.training import eligibility, gates
from storage.training.audience import fits
from storage.training.remote import owing as of_study
from storage.training.remote.tables import ProgressItem, SurveyTaken
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

    ``subject_id`` is a batch; for ``session`` and ``session_lead`` a class session, for
    ``task_due`` a task, for ``offer`` a seat offer, for ``phase_end`` and ``phase_help`` a
    phase, for ``makeup`` a registration, for ``item_due`` an item of a remote plan. With
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


def _studying(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return those who are expected and may begin to study remotely."""
    return _taking_part(session, batch_id).where(of_study.may_study(session, batch_id, now))


def _unfinished(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return those of them who have something left to study."""
    return _studying(session, batch_id, now).where(of_study.has_left(batch_id))


def _behind_item(session: Session, item_id: int, now: datetime) -> Owing:
    """Return those who have not reached an item of a plan, as long as the class takes place."""
    batch_id = sa.select(col(ProgressItem.batch_id)).where(col(ProgressItem.id) == item_id)
    found: Owing = of_study.of_item(session, item_id, now)
    return found.where(_takes_place(batch_id.scalar_subquery()))


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


def _in_session(session: Session, session_id: int, now: datetime) -> Owing:
    """Return those who are expected at this meeting of their batch, and not on leave from it."""
    module_id = session.exec(
        select(ClassSession.module_id).where(ClassSession.id == session_id)
    ).first()
    return (
        sa.select(col(Registration.teacher_id))
        .join(ClassSession, col(ClassSession.batch_id) == col(Registration.batch_id))
        .where(
            col(ClassSession.id) == session_id,
            col(Registration.state).in_(TAKES_PART),
            gates.may_enter(session, gates.of_module(session, module_id), now=now),
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


def _leading(session: Session, session_id: int, now: datetime) -> Owing:
    """Return who teaches at this meeting, of those who look after the class.

    These are whom the meeting names, and its tutors where it names nobody; who comes from
    elsewhere is not known here.
    """
    found = session.exec(
        select(ClassSession.batch_id, ClassSession.trainers).where(ClassSession.id == session_id)
    ).first()
    if found is None:
        return sa.select(col(Teacher.id)).where(sa.false())
    batch_id, trainers = found
    roles = (Role.TUTOR, Role.CLASS_TEACHER) if trainers else (Role.TUTOR,)
    who = holders(session, roles, batch_id=batch_id, now=now).where(_takes_place(batch_id))
    # A name is written as people write it: 罗静老师, 罗静（实验小学）.
    named = [sa.literal(one).contains(col(Teacher.name)) for one in trainers]
    return who.where(sa.or_(*named)) if named else who


def _owing_work(session: Session, task_id: int, now: datetime) -> Owing:
    """Return those who take part and have not handed in, or had their work returned.

    When the class is over nothing can be handed in any more, and nothing is owed.
    """
    module_id = session.exec(select(Task.module_id).where(Task.id == task_id)).first()
    return (
        sa.select(col(Registration.teacher_id))
        .join(Task, col(Task.batch_id) == col(Registration.batch_id))
        .where(
            col(Task.id) == task_id,
            col(Registration.state).in_(TAKES_PART),
            gates.may_enter(session, gates.of_module(session, module_id), now=now),
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
    return nearest(session, OFFICE, of=owner, now=now).where(sa.exists(sa.select(left.c.unit_id)))


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


def _in_phase(session: Session, phase_id: int, now: datetime) -> Owing:
    """Return those who take part and have something left to do in this stretch of the class.

    Where it has no work of its own these are all who take part. Whoever has not passed an
    earlier gate does not owe it.
    """
    phase = session.exec(select(Phase).where(Phase.id == phase_id)).first()
    work = (
        sa.select(col(Task.id))
        .join(Module, col(Module.id) == col(Task.module_id))
        .where(col(Module.phase_id) == phase_id, col(Task.mandatory))
    )
    return (
        sa.select(col(Registration.teacher_id))
        .join(Phase, col(Phase.batch_id) == col(Registration.batch_id))
        .where(
            col(Phase.id) == phase_id,
            col(Registration.state).in_(TAKES_PART),
            gates.may_enter(session, phase, now=now),
            sa.or_(
                ~work.exists(),
                work.where(~gates.HANDED_IN).correlate(Registration).exists(),
            ),
            sa.exists().where(col(Batch.id) == col(Registration.batch_id), *_as_planned()),
        )
    )


def _helping(session: Session, phase_id: int, now: datetime) -> Owing:
    """Return the tutors, and who looks after the school that is host, until all are done."""
    phase = session.exec(
        select(Phase.batch_id, Phase.host_unit_id).where(Phase.id == phase_id)
    ).first()
    if phase is None:
        return sa.select(col(Teacher.id)).where(sa.false())
    batch_id, host_unit_id = phase
    helpers = [col(Teacher.id).in_(holders(session, (Role.TUTOR,), batch_id=batch_id, now=now))]
    if host_unit_id is not None:
        hosts = holders(session, (Role.SCHOOL_COORDINATOR,), of=host_unit_id, now=now)
        helpers.append(col(Teacher.id).in_(hosts))
    left = _in_phase(session, phase_id, now).subquery()
    return sa.select(col(Teacher.id)).where(sa.or_(*helpers), sa.exists(sa.select(left.c[0])))


def _reviewing(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return the tutors of a class in which handed-in work waits to be judged."""
    waits = (
        sa.select(col(TaskSubmission.id))
        .join(Task, col(Task.id) == col(TaskSubmission.task_id))
        .where(col(Task.batch_id) == batch_id, col(TaskSubmission.state) == WorkState.SUBMITTED)
    )
    return holders(session, (Role.TUTOR,), batch_id=batch_id, now=now).where(
        waits.exists(), _takes_place(batch_id)
    )


def _unasked(session: Session, batch_id: int, now: datetime) -> Owing:
    """Return those who took part and have not answered the survey, from the last day on."""
    ends_at = session.exec(select(Batch.ends_at).where(Batch.id == batch_id)).first()
    zone = offices.zone(session)
    is_open = ends_at is not None and local_day(ends_at, zone) <= local_day(now, zone)
    return sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch_id,
        col(Registration.state).in_(
            (
                RegistrationState.ATTENDING,
                RegistrationState.COMPLETED,
                RegistrationState.NOT_COMPLETED,
            )
        ),
        ~sa.exists().where(col(SurveyTaken.registration_id) == col(Registration.id)),
        sa.true() if is_open else sa.false(),
        _takes_place(batch_id),
    )


def _held_back(session: Session, phase_id: int, now: datetime) -> Owing:
    """Return those who take part and have not passed this gate, once it has closed."""
    phase = session.exec(select(Phase).where(Phase.id == phase_id)).first()
    if phase is None or not phase.gate or phase.ends_at is None or phase.ends_at > now:
        return sa.select(col(Registration.teacher_id)).where(sa.false())
    return _taking_part(session, phase.batch_id).where(
        ~gates.passed(session, phase, now=now),
        gates.may_enter(session, phase, now=now),  # who was held back before has been told
        sa.true() if gates.is_before_another(session, phase) else sa.false(),
    )


def _receiving(session: Session, phase_id: int, now: datetime) -> Owing:
    """Return who receives people in this stretch: the host school, and the tutors of the class.

    Nobody, when nobody takes part.
    """
    found = session.exec(
        select(Phase.host_unit_id, Phase.batch_id).where(Phase.id == phase_id)
    ).first()
    if found is None or found[0] is None:
        return sa.select(col(Teacher.id)).where(sa.false())
    host, batch_id = found
    guests = _taking_part(session, batch_id).correlate(None).exists()
    hosts = holders(session, (Role.SCHOOL_COORDINATOR, Role.PRINCIPAL), of=host, now=now)
    helpers = holders(session, (Role.TUTOR,), batch_id=batch_id, now=now)
    return sa.select(col(Teacher.id)).where(
        sa.or_(col(Teacher.id).in_(hosts), col(Teacher.id).in_(helpers)), guests
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
        "progress_item": sa.select(col(ProgressItem.batch_id)).where(
            col(ProgressItem.id) == subject_id
        ),
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


def _takes_place(batch_id: Any) -> sa.ColumnElement[bool]:
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
    "makeup": _making_up,
}
"""The deadlines of training; see ``storage.training.schedule`` for when each is set."""

BY_NOW: dict[str, Callable[[Session, int, datetime], Owing]] = {
    "session": _in_session,
    "task_due": _owing_work,
    "session_lead": _leading,
    "phase_help": _helping,
    "review_due": _reviewing,
    "phase_end": _in_phase,
    "survey_close": _unasked,
    "gate": _held_back,
    "shadowing": _receiving,
    "release": _with_unused_seats,
    "nominate_close": _with_open_seats,
    "quota_unfilled": _with_open_seats,
    "roster": _with_unanswered,
    "grade_due": _grading,
    "approve_county": _deciding,
    "remote_start": _studying,
    "remote_login": _planned(of_study.not_logged_in),
    "remote_end": _unfinished,
    "item_due": _behind_item,
    "makeup_window": _planned(of_study.making_up),
    "remote_not_started": _planned(of_study.not_started),
    "remote_behind": _planned(of_study.behind),
    "remote_idle": _planned(of_study.idle),
    "remote_idle_long": _planned(of_study.long_idle),
    "import_stale": _planned(of_study.importers),
}
"""What depends on the moment of asking: who holds an office, which gates have closed, and
whether a class is over."""
