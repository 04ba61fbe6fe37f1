"""Reserved seats: of a school's allotment so many are kept for teachers of a kind.

A reserve names who fills it:

``rural``         whoever works in a school in the countryside (``area_type`` rural), be it by a
                  second posting such as a term of support teaching
``rural_town``    the same, schools in towns included
``young``         whoever has at most five years of service on the first day of the class, by the
                  date of hire (a birth date is not kept); without that date nobody counts as young
``subject``       whoever teaches a subject of the programme's own list
``subject:数学``  whoever teaches that subject

One person fills one reserved seat, and of several the one that leaves most to others. A seat may
go to anybody as long as enough seats stay for the reserves that nobody fills yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people import offices
from storage.people.tables import OrgUnit, Posting, Teacher, TeacherFact
from storage.training import audience
from storage.training.tables import (
    Batch,
    OfferState,
    Programme,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)

RURAL, RURAL_TOWN, YOUNG, SUBJECT = "rural", "rural_town", "young", "subject"
KINDS = (RURAL, RURAL_TOWN, YOUNG, SUBJECT)
OF_SUBJECT = "subject:"
AREAS = {RURAL: ("rural",), RURAL_TOWN: ("rural", "town")}
YOUNG_YEARS = 5

Kinds = frozenset[str]


def is_known(key: str) -> bool:
    """Whether this names a reserve."""
    return key in KINDS or (key.startswith(OF_SUBJECT) and len(key) > len(OF_SUBJECT))


def unmet(reserved: Mapping[str, int], holders: Sequence[Kinds]) -> int:
    """Return how many reserved seats nobody of the holders fills, at the best arrangement."""
    slots = [key for key, number in sorted(reserved.items()) for _ in range(number)]
    seat_of: dict[int, int] = {}  # whose slot: holder → slot

    def settle(slot: int, seen: set[int]) -> bool:
        for holder, kinds in enumerate(holders):
            if holder in seen or slots[slot] not in kinds:
                continue
            seen.add(holder)
            if holder not in seat_of or settle(seat_of[holder], seen):
                seat_of[holder] = slot
                return True
        return False

    return sum(not settle(slot, set()) for slot in range(len(slots)))


def leaves_room(
    seats: int, reserved: Mapping[str, int], holders: Sequence[Kinds], newcomer: Kinds
) -> bool:
    """Whether the newcomer may have a seat beside these holders.

    Whoever fills an open reserve may always, even where the reserves came later than the
    holders and cannot all be kept any more.
    """
    after = unmet(reserved, [*holders, newcomer])
    return after <= seats - len(holders) - 1 or after < unmet(reserved, holders)


def kinds_of(
    session: Session, batch_id: int, teacher_ids: Collection[int], keys: Collection[str]
) -> dict[int, Kinds]:
    """Return which of these reserves each teacher fills in this class; one statement a kind."""
    filled: dict[int, set[str]] = {teacher_id: set() for teacher_id in teacher_ids}
    if not filled or not keys:
        return {teacher_id: frozenset() for teacher_id in filled}
    starts_at, wanted = session.exec(
        select(Batch.starts_at, Programme.audience)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Batch.id == batch_id)
    ).one()
    day = local_day(starts_at, offices.zone(session))
    for key in keys:
        if key in AREAS:
            found = (
                sa.select(col(Posting.teacher_id))
                .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
                .where(
                    col(Posting.teacher_id).in_(filled),
                    col(Posting.since) <= day,
                    sa.or_(col(Posting.until).is_(None), col(Posting.until) >= day),
                    col(OrgUnit.area_type).in_(AREAS[key]),
                )
            )
        elif key == YOUNG:
            found = sa.select(col(Teacher.id)).where(
                col(Teacher.id).in_(filled), col(Teacher.hire_date) >= years_before(day)
            )
        else:
            subjects: Collection[str] = (
                audience.wanted(wanted).get("subject", ())
                if key == SUBJECT
                else (key.removeprefix(OF_SUBJECT),)
            )
            found = sa.select(col(TeacherFact.teacher_id)).where(
                col(TeacherFact.teacher_id).in_(filled),
                col(TeacherFact.key) == "subject",
                col(TeacherFact.value).in_(subjects),
            )
        for teacher_id in session.connection().execute(found).scalars():
            filled[teacher_id].add(key)
    return {teacher_id: frozenset(kinds) for teacher_id, kinds in filled.items()}


def years_before(day: date, years: int = YOUNG_YEARS) -> date:
    """The same day so many years before; for 29 February the day after."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)


def who_may(session: Session, quota_id: int, teacher_ids: Collection[int]) -> set[int]:
    """Return to whom of these people a seat of this allotment may go, each one alone.

    Only reserves are looked at. The number of statements does not grow with the people. Call
    it with the seats locked.
    """
    quota = quota_of(session, quota_id)
    reserved = {key: number for key, number in quota.reserved.items() if number > 0}
    if not reserved or not teacher_ids:
        return set(teacher_ids)
    holders = holders_of(session, quota_id)
    kinds = kinds_of(session, quota.batch_id, {*holders, *teacher_ids}, reserved)
    held = [kinds[one] for one in holders]
    different = {kinds[one] for one in teacher_ids}
    roomy = {one for one in different if leaves_room(quota.seats, reserved, held, one)}
    return {one for one in teacher_ids if kinds[one] in roomy}


def may_replace(session: Session, quota_id: int, out_id: int, in_id: int) -> bool:
    """Whether the seat of one teacher may go to another, as far as reserves are concerned.

    Call it with the seats locked.
    """
    quota = quota_of(session, quota_id)
    reserved = {key: number for key, number in quota.reserved.items() if number > 0}
    if not reserved:
        return True
    holders = holders_of(session, quota_id)
    kinds = kinds_of(session, quota.batch_id, {*holders, in_id}, reserved)
    others = [kinds[one] for one in holders if one != out_id]
    after = unmet(reserved, [*others, kinds[in_id]])
    before = unmet(reserved, [kinds[one] for one in holders])
    return after <= quota.seats - len(others) - 1 or after <= before


def is_next(session: Session, quota_id: int, registration_id: int, teacher_id: int) -> bool:
    """Whether a newcomer to an allotment with reserves may have a seat of it at once.

    Nobody who waits for this allotment and may have the seat is passed; who waits and may not
    have it does not stand in the way.
    """
    waiting = _waiting(session, quota_id, but=registration_id)
    return who_may(session, quota_id, {teacher_id, *waiting}) == {teacher_id}


def somebody_waits(session: Session, quota_id: int) -> bool:
    """Whether somebody waits who may have a seat of this allotment."""
    return bool(who_may(session, quota_id, _waiting(session, quota_id)))


def _waiting(session: Session, quota_id: int, *, but: int = 0) -> Collection[int]:
    """Return the teachers who wait for a seat of this allotment, but for one registration."""
    return session.exec(
        select(Registration.teacher_id)
        .join(Quota, col(Quota.batch_id) == col(Registration.batch_id))
        .where(
            Quota.id == quota_id,
            sa.or_(col(Quota.is_pool), col(Quota.unit_id) == col(Registration.unit_id_at)),
            Registration.state == RegistrationState.WAITLISTED,
            Registration.id != but,
        )
    ).all()


def holders_of(session: Session, quota_id: int) -> tuple[int, ...]:
    """Return the teachers who hold a seat of this allotment, or an open offer of one."""
    seated = session.exec(
        select(Registration.teacher_id).where(Registration.quota_id == quota_id)
    ).all()
    offered = session.exec(
        select(Registration.teacher_id)
        .join(SeatOffer, col(SeatOffer.registration_id) == col(Registration.id))
        .where(SeatOffer.quota_id == quota_id, SeatOffer.state == OfferState.OPEN)
    ).all()
    return (*seated, *offered)


def quota_of(session: Session, quota_id: int) -> Quota:
    """The allotment as it is now, whatever this session has seen before."""
    return session.exec(
        select(Quota).where(Quota.id == quota_id).execution_options(populate_existing=True)
    ).one()
