"""What every act of nominating stands on: why not, for which class and school, and until when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from storage.people import authority
from storage.people.authority import MAY, OVERSEES, Act
from storage.people.tables import Teacher
from storage.refusals import NotFound, Refusal
from storage.training.clashes import Clash
from storage.training.refusals import Finding, Misfit
from storage.training.registration import MAY_REGISTER_AGAIN
from storage.training.tables import (
    Approval,
    Batch,
    Enrolment,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)

MAY_BE_NOMINATED = (*MAY_REGISTER_AGAIN, RegistrationState.EXEMPT)
"""States of an earlier registration that do not stand in the way of a nomination."""

REPLACEABLE = (
    RegistrationState.NOMINATED,
    RegistrationState.SCHOOL_APPROVED,
    RegistrationState.APPROVED,
)
"""States of somebody in whose place the school may send another person."""


class NominationClosed(Refusal):
    """The time in which schools nominate is over."""

    def __init__(self, title: str, closed_at: datetime) -> None:
        super().__init__(f"nominations for {title!r} closed at {closed_at}")
        self.title = title
        self.closed_at = closed_at


class NotByNomination(Refusal):
    """Teachers come into this programme by another door."""

    def __init__(self, title: str, enrolment: Enrolment) -> None:
        super().__init__(f"{title!r} is entered by {enrolment.value}")
        self.title = title
        self.enrolment = enrolment


class NoSeatLeft(Refusal):
    """The school has no seat left; ``seats`` is its allotment."""

    def __init__(self, title: str, seats: int) -> None:
        super().__init__(f"no seat left of {seats} for {title!r}")
        self.title = title
        self.seats = seats


class FewerSeats(NoSeatLeft):
    """Not all of those chosen can have a seat: only ``left`` are there for ``wanted`` people."""

    def __init__(self, title: str, seats: int, left: int, wanted: int) -> None:
        super().__init__(title, seats)
        self.left = left
        self.wanted = wanted


class SeatReserved(Refusal):
    """The seats that are left are kept for others: see the reserves, by kind."""

    def __init__(self, name: str, reserved: Mapping[str, int]) -> None:
        super().__init__(f"what is left is reserved: {dict(reserved)}")
        self.name = name
        self.reserved = dict(reserved)


class DoesNotFit(Refusal):
    """The programme is not for this person."""

    def __init__(self, name: str, misfits: tuple[Misfit | Finding, ...]) -> None:
        super().__init__(f"not in the audience: {misfits}")
        self.name = name
        self.misfits = misfits


class IsIn(Refusal):
    """This person has a registration already that stands in the way."""

    def __init__(self, name: str, state: RegistrationState) -> None:
        super().__init__(f"registered already: {state.value}")
        self.name = name
        self.state = state


class Clashing(Refusal):
    """At the same time these people have something else; the school may insist."""

    def __init__(self, clashing: tuple[tuple[str, Clash], ...]) -> None:
        super().__init__(f"{len(clashing)} clash")
        self.clashing = clashing


class ListReported(Refusal):
    """名单已上报: the list may only be changed by the county now."""

    def __init__(self, title: str, roster_date: datetime) -> None:
        super().__init__(f"the list of {title!r} was reported at {roster_date}")
        self.title = title
        self.roster_date = roster_date


class NotReplaceable(Refusal):
    """This registration cannot be taken over by somebody else, or not by this person."""

    def __init__(self, name: str, state: RegistrationState) -> None:
        super().__init__(f"a registration in {state.value} is not taken over")
        self.name = name
        self.state = state


class ReasonMissing(Refusal):
    """Putting somebody else in a person's place needs a reason."""


class TooManyAtOnce(Refusal):
    """More people than are nominated in one go."""


def takes_place(batch: Batch, programme: Programme) -> bool:
    """Whether it is published and has not been cancelled."""
    return programme.state is ProgrammeState.PUBLISHED and batch.cancelled_at is None


def closes_at(batch: Batch) -> datetime:
    """Until when schools nominate: at the latest the list is reported or the class begins."""
    return min(batch.nominate_close or batch.roster_date or batch.starts_at, batch.starts_at)


def oversees(session: Session, actor_id: int, today: date) -> bool:
    """Whether this person nominates as one who oversees schools, such as the county."""
    return any(
        grant.role in OVERSEES and Act.NOMINATE in MAY[grant.role]
        for grant in authority.grants(session, actor_id, today=today)
    )


def unit_of(session: Session, actor_id: int, teacher_id: int, today: date) -> int:
    """The school of somebody whom the actor may nominate. Raises NotAllowed."""
    return authority.check_about(session, actor_id, Act.NOMINATE, teacher_id, today=today)


def names_of(session: Session, teacher_ids: Collection[int]) -> dict[int, str]:
    """Return the name of each. Raises NotFound for nobody's id."""
    names: dict[int, str] = dict(
        session.exec(select(Teacher.id, Teacher.name).where(col(Teacher.id).in_(teacher_ids))).all()
    )
    if len(names) < len(set(teacher_ids)):
        raise NotFound("teacher")
    return names


def registrations(
    session: Session, batch_id: int, teacher_ids: Collection[int]
) -> dict[int, Registration]:
    """Return the registrations of these people in the class as they are now, by teacher."""
    rows = session.exec(
        select(Registration)
        .where(Registration.batch_id == batch_id, col(Registration.teacher_id).in_(teacher_ids))
        .execution_options(populate_existing=True)
    ).all()
    return {row.teacher_id: row for row in rows}


def state_of_chosen(programme: Programme) -> RegistrationState:
    """Return where somebody stands whom the school has just chosen."""
    if programme.asks_consent:
        return RegistrationState.NOMINATED
    if programme.approval is Approval.COUNTY:
        return RegistrationState.SCHOOL_APPROVED
    return RegistrationState.APPROVED


def may_take_back(
    programme: Programme,
    state: RegistrationState,
    source: Source,
    now: datetime,
    closes: datetime,
) -> bool:
    """Whether the school may take this nomination back by itself."""
    if source not in (Source.NOMINATED, Source.SUBSTITUTE):
        return False
    if state is RegistrationState.NOMINATED:
        return True
    return not programme.asks_consent and state is state_of_chosen(programme) and now < closes


def quotas_of(session: Session, batch_id: int) -> list[Quota]:
    """Return the allotments of the class as they are now, the pool among them."""
    return list(
        session.exec(
            select(Quota)
            .where(Quota.batch_id == batch_id)
            .order_by(col(Quota.id))
            .execution_options(populate_existing=True)
        ).all()
    )


def pool_left(quotas: Sequence[Quota], now: datetime, above: bool) -> int:
    """Return how many seats of the pool a nomination may take.

    Where seats are allotted to schools, what is not allotted is the county's own until unused
    seats are released; without allotments it is open to every school.
    """
    own = [quota for quota in quotas if not quota.is_pool]
    is_open = (
        above
        or not any(quota.seats for quota in own)
        or any(quota.release_at is not None and quota.release_at <= now for quota in own)
    )
    return sum(q.seats - q.taken for q in quotas if q.is_pool) if is_open else 0
