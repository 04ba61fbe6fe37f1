"""Certificate numbers: in order, one for each completion, and for the same person the same.

A number is the owner's code, the year and a running number: ``CH-2026-0001``. Numbers of one
owner and year have no gap. Who loses the completion keeps the number, as a revoked one, and has
it again on completing after all; only what is undone at once gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.people.tables import OrgUnit, Teacher
from storage.training.tables import Batch, Programme, Registration


@dataclass(frozen=True)
class Certificate:
    """A certificate that is valid: what it is called, of what, and its number and day."""

    batch_id: int
    title: str
    name: str
    number: str
    on: date


def of_teacher(session: Session, teacher_id: int) -> tuple[Certificate, ...]:
    """Return this person's certificates, the newest first; a revoked one is not among them."""
    rows = session.exec(
        select(Registration, Programme.title, Programme.certificate)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            Registration.teacher_id == teacher_id,
            col(Registration.certificate_no).is_not(None),
            col(Registration.certificate_on).is_not(None),
        )
        .order_by(col(Registration.certificate_on).desc(), col(Registration.id).desc())
    ).all()
    return tuple(
        Certificate(mine.batch_id, title, name, mine.certificate_no, mine.certificate_on)
        for mine, title, name in rows
        if mine.certificate_no is not None and mine.certificate_on is not None
    )


def issue(session: Session, batch_id: int, registration_ids: Collection[int], on: date) -> set[int]:
    """Give these people a number, or theirs again, where the programme has a certificate.

    Returns who got a new one. By staff number, so that a class list and its numbers agree.
    """
    found = session.exec(
        select(Programme.certificate, OrgUnit.id, OrgUnit.code)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .join(OrgUnit, col(OrgUnit.id) == col(Programme.owner_unit_id))
        .where(Batch.id == batch_id)
    ).one()
    certificate, owner_id, code = found
    if not certificate or not registration_ids:
        return set()
    # One at a time for each owner, or two classes would get the same number.
    session.connection().execute(
        sa.select(col(OrgUnit.id))
        .where(col(OrgUnit.id) == owner_id)
        .with_for_update(key_share=True)
    ).all()
    rows = session.exec(
        select(Registration.id, Registration.certificate_no)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(col(Registration.id).in_(registration_ids))
        .order_by(col(Teacher.staff_no), col(Registration.id))
    ).all()
    last = max(_numbers(session, code, on.year), default=0)
    fresh: set[int] = set()
    for registration_id, number in rows:
        if number is None:
            last += 1
            number = f"{code}-{on.year}-{last:04}"
            fresh.add(registration_id)
        session.exec(
            sa.update(Registration)
            .where(col(Registration.id) == registration_id)
            .values(certificate_no=number, certificate_on=on)
        )
    return fresh


def revoke(session: Session, registration_ids: Collection[int]) -> None:
    """Let these certificates be valid no more; the numbers stay where they are."""
    session.exec(
        sa.update(Registration)
        .where(col(Registration.id).in_(registration_ids))
        .values(certificate_on=None)
    )


def give_back(session: Session, fresh: Collection[int]) -> None:
    """Undo an issue: numbers at the end of the row go back, others stay as revoked ones."""
    revoke(session, fresh)
    rows = session.exec(
        select(Registration.id, Registration.certificate_no).where(
            col(Registration.id).in_(fresh), col(Registration.certificate_no).is_not(None)
        )
    ).all()
    rests: dict[tuple[str, int], dict[int, int]] = {}
    for registration_id, number in rows:
        code, year, running = str(number).rsplit("-", 2)
        rests.setdefault((code, int(year)), {})[int(running)] = registration_id
    for (owner, of_year), own in rests.items():
        used = _numbers(session, owner, of_year)
        gone = []
        last = max(used)
        while last in own:
            gone.append(own[last])
            last -= 1
        session.exec(
            sa.update(Registration)
            .where(col(Registration.id).in_(gone))
            .values(certificate_no=None)
        )


def _numbers(session: Session, code: str, year: int) -> set[int]:
    prefix = f"{code}-{year}-"
    given = session.exec(
        select(Registration.certificate_no).where(
            col(Registration.certificate_no).startswith(prefix, autoescape=True)
        )
    ).all()
    rests = (str(number)[len(prefix) :] for number in given)
    return {int(rest) for rest in rests if re.fullmatch("[0-9]+", rest)}
