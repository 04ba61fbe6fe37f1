"""Whom a school could send to a class, and the list of those whom it is about to send.

This is the one place where a nomination asks who may take part.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.moments import local_day
from storage.people import authority, drafts, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Posting, Teacher, TeacherState
from storage.refusals import NotAllowed, NotFound
from storage.training import audience, eligibility, nominations
from storage.training.classes import batch_of
from storage.training.nominations import MAY_BE_NOMINATED, TooManyAtOnce
from storage.training.refusals import Finding, Misfit
from storage.training.tables import Programme, Registration, RegistrationState

PAGE = 8
MOST = 50  # people nominated at once
DRAFT = "nominate"


@dataclass(frozen=True)
class Candidate:
    """Somebody who could be sent; ``misfits`` says in what they do not fit."""

    teacher_id: int
    name: str
    beside: str
    misfits: tuple[Misfit | Finding, ...]
    state: RegistrationState | None  # of a registration that stands in the way
    is_picked: bool

    @property
    def fits(self) -> bool:
        """Whether they may be chosen."""
        return not self.misfits and self.state is None


@dataclass(frozen=True)
class Candidates:
    """A page of a school's people, those who fit first; and how many are picked."""

    batch_id: int
    unit_id: int
    title: str
    unit: str
    lines: tuple[Candidate, ...]
    page: int
    pages: int
    total: int
    fitting: int
    picked: tuple[str, ...]
    text: str
    instead_of: str  # the name of whom the chosen one replaces, else empty


def fitting(
    session: Session, programme: Programme, teacher_ids: Collection[int], *, now: datetime
) -> set[int]:
    """Return for whom of these people the programme is.

    The one place where a nomination asks who may take part; one look, however many they are.
    """
    meets = eligibility.meets(session, programme.id, now=now)
    return set(
        session.exec(
            select(Teacher.id).where(
                col(Teacher.id).in_(teacher_ids), audience.fits(programme), meets
            )
        ).all()
    )


def unfit(
    session: Session, programme: Programme, teacher_id: int, *, now: datetime
) -> tuple[Misfit | Finding, ...]:
    """Return in what the programme is not for this person; empty for whoever is fitting."""
    unmet = eligibility.check(session, teacher_id, programme.id, now=now)
    return (
        *audience.misfits(session, teacher_id, programme),
        *(finding for finding in unmet if finding.hard),
    )


def candidates(
    session: Session,
    actor_id: int,
    account_id: int,
    batch_id: int,
    unit_id: int,
    *,
    page: int = 0,
    text: str = "",
    instead_of: int | None = None,
    now: datetime,
) -> Candidates:
    """Return a school's people for choosing, those who fit first, then why others do not.

    Raises NotFound or NotAllowed.
    """
    _batch_row, programme = batch_of(session, batch_id)
    today = local_day(now, offices.zone(session))
    authority.check(session, actor_id, Act.NOMINATE, unit_id, today=today)
    unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    if unit is None:
        raise NotFound("unit")
    replaced = _replaced(session, batch_id, unit_id, instead_of)
    if not authority.may(session, actor_id, Act.NOMINATE, unit_id, today=today, own=True):
        audit.record(session, actor_id, "look_at_people", f"unit:{unit_id}", now=now)
        session.flush()
    everybody = (
        select(Teacher.id, Teacher.name, Posting.subjects, Registration.state)
        .join(Posting, _posted(unit_id, today))
        .outerjoin(
            Registration,
            sa.and_(
                col(Registration.teacher_id) == col(Teacher.id),
                col(Registration.batch_id) == batch_id,
            ),
        )
        .where(col(Teacher.state).not_in([TeacherState.LEFT, TeacherState.RETIRED]))
    )
    if text.strip():
        everybody = everybody.where(
            sa.or_(
                col(Teacher.name).icontains(text.strip(), autoescape=True),
                sa.func.upper(col(Teacher.staff_no)).startswith(
                    text.strip().upper(), autoescape=True
                ),
            )
        )
    people = [
        (teacher_id, name, (subjects or [""])[0], None if _is_free(state, instead_of) else state)
        for teacher_id, name, subjects, state in session.exec(
            everybody.order_by(col(Teacher.staff_no))
        ).all()
        if teacher_id != instead_of
    ]
    fit = fitting(session, programme, [teacher_id for teacher_id, *_ in people], now=now)
    people.sort(key=lambda person: person[0] not in fit or person[3] is not None)
    pages = max(1, -(-len(people) // PAGE))
    page = min(max(0, page), pages - 1)
    chosen = picked(session, account_id, batch_id, unit_id)
    lines = tuple(
        Candidate(
            teacher_id,
            name,
            subject,
            () if teacher_id in fit else unfit(session, programme, teacher_id, now=now),
            None if state is None else RegistrationState(state),
            teacher_id in chosen,
        )
        for teacher_id, name, subject, state in people[page * PAGE : (page + 1) * PAGE]
    )
    names: dict[int, str] = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(chosen))).all()
    )
    return Candidates(
        batch_id=batch_id,
        unit_id=unit_id,
        title=programme.title,
        unit=unit,
        lines=lines,
        page=page,
        pages=pages,
        total=len(people),
        fitting=sum(one in fit and state is None for one, _n, _s, state in people),
        picked=tuple(names[teacher_id] for teacher_id in chosen if teacher_id in names),
        text=text.strip(),
        instead_of=replaced,
    )


def candidate(
    session: Session,
    actor_id: int,
    batch_id: int,
    unit_id: int,
    teacher_id: int,
    *,
    instead_of: int | None = None,
    now: datetime,
) -> Candidate:
    """Return whether one person could be sent, and why not. Raises NotFound or NotAllowed."""
    _batch_row, programme = batch_of(session, batch_id)
    today = local_day(now, offices.zone(session))
    if nominations.unit_of(session, actor_id, teacher_id, today) != unit_id:
        raise NotAllowed
    _replaced(session, batch_id, unit_id, instead_of)
    state = session.exec(
        select(Registration.state).where(
            Registration.batch_id == batch_id, Registration.teacher_id == teacher_id
        )
    ).first()
    return Candidate(
        teacher_id=teacher_id,
        name=nominations.names_of(session, [teacher_id])[teacher_id],
        beside="",
        misfits=unfit(session, programme, teacher_id, now=now),
        state=None if _is_free(state, instead_of) else RegistrationState(state or ""),
        is_picked=False,
    )


def _replaced(session: Session, batch_id: int, unit_id: int, instead_of: int | None) -> str:
    """The name of whom somebody replaces, of the same school and class. Raises NotFound."""
    if instead_of is None:
        return ""
    name = session.exec(
        select(Teacher.name)
        .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
        .where(
            Registration.batch_id == batch_id,
            Registration.unit_id_at == unit_id,
            Registration.teacher_id == instead_of,
        )
    ).first()
    if name is None:
        raise NotFound("registration")
    return name


def _is_free(state: str | None, instead_of: int | None) -> bool:
    if state is None or state in MAY_BE_NOMINATED:
        return True
    return instead_of is not None and state == RegistrationState.WAITLISTED


def _posted(unit_id: int, today: date) -> Any:
    return sa.and_(
        col(Posting.teacher_id) == col(Teacher.id),
        col(Posting.unit_id) == unit_id,
        col(Posting.is_primary),
        col(Posting.since) <= today,
        sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
    )


def pick(
    session: Session,
    account_id: int,
    batch_id: int,
    unit_id: int,
    teacher_id: int,
    *,
    now: datetime,
) -> tuple[int, ...]:
    """Put somebody on the list of those to be nominated, or take them off; return the list.

    The list is a draft, of one class and school at a time: a restart loses nothing.
    """
    chosen = list(picked(session, account_id, batch_id, unit_id))
    if teacher_id in chosen:
        chosen.remove(teacher_id)
    elif len(chosen) < MOST:
        chosen.append(teacher_id)
    else:
        raise TooManyAtOnce
    data = {"batch_id": batch_id, "unit_id": unit_id, "teacher_ids": chosen}
    drafts.keep(session, account_id, DRAFT, data, now=now)
    return tuple(chosen)


def picked(session: Session, account_id: int, batch_id: int, unit_id: int) -> tuple[int, ...]:
    """Return who is on the list of this class and school."""
    data = drafts.read(session, account_id, DRAFT)
    if data is None or (data["batch_id"], data["unit_id"]) != (batch_id, unit_id):
        return ()
    return tuple(data["teacher_ids"])


def forget_picked(session: Session, account_id: int) -> None:
    """Give the list up."""
    drafts.drop(session, account_id, DRAFT)
