"""Link codes for a whole school, to be printed, cut and handed out.

Codes are kept as fingerprints, so a sheet can be made once: making another one makes the codes
of the first useless. Whoever taps twice gets one sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.moments import local_day
from storage.people import authority, linking, offices
from storage.people.authority import Act
from storage.people.staff import ON_THE_ROSTER
from storage.people.tables import Account, LinkCode, OrgUnit, Posting, RoleAssignment, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal

MOST = 2_000
"""Slips on one sheet: no school has more teachers."""


class SheetMade(Refusal):
    """Codes have been issued since this was asked; another sheet would make them useless."""


@dataclass(frozen=True)
class Unlinked:
    """Who would get a slip, in figures. ``stamp`` tells whether codes were issued since."""

    unit_id: int
    unit: str
    people: int
    with_code: int
    """So many have a code that still works, and would not after another sheet."""
    left_out: tuple[str, ...]
    """Whose roles reach further than whoever asks may issue codes."""
    stamp: int


@dataclass(frozen=True)
class Slip:
    """One teacher's code."""

    name: str
    staff_no: str
    code: str


@dataclass(frozen=True)
class Slips:
    """A unit's sheet; it can be made once."""

    unit: str
    slips: tuple[Slip, ...]
    until: datetime
    left_out: tuple[str, ...]


def unlinked(session: Session, actor_id: int, unit_id: int, *, now: datetime) -> Unlinked:
    """Say who of the unit would get a slip. Raises NotAllowed or NotFound."""
    unit = _unit(session, actor_id, unit_id, now)
    rows, left_out = _people(session, actor_id, unit_id, now)
    ids = [row[0] for row in rows]
    with_code = session.exec(
        select(sa.func.count(sa.distinct(col(LinkCode.teacher_id)))).where(
            col(LinkCode.teacher_id).in_(ids),
            col(LinkCode.used_at).is_(None),
            col(LinkCode.expires_at) > now,
        )
    ).one()
    return Unlinked(unit_id, unit, len(rows), with_code, left_out, _stamp(session, ids))


def make(session: Session, actor_id: int, unit_id: int, stamp: int, *, now: datetime) -> Slips:
    """Issue a code for everybody of the unit who has not linked; older ones stop working.

    Raises NotAllowed, NotFound, or SheetMade when codes were issued since ``unlinked``.
    """
    unit = _unit(session, actor_id, unit_id, now)
    # One at a time for a unit: a second tap finds the first one's codes.
    session.exec(select(OrgUnit.id).where(OrgUnit.id == unit_id).with_for_update(key_share=True))
    rows, left_out = _people(session, actor_id, unit_id, now)
    ids = [row[0] for row in rows]
    if _stamp(session, ids) != stamp:
        raise SheetMade
    codes = linking.issue_codes(session, ids, now=now, issued_by=actor_id)
    audit.record(
        session,
        actor_id,
        "print_link_codes",
        f"org_unit:{unit_id}",
        now=now,
        after={"codes": len(codes)},
    )
    session.flush()
    slips = tuple(Slip(name, staff_no, codes[id_]) for id_, name, staff_no in rows)
    return Slips(unit, slips, now + linking.VALID_FOR, left_out)


def _unit(session: Session, actor_id: int, unit_id: int, now: datetime) -> str:
    today = local_day(now, offices.zone(session))
    name = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first()
    if name is None:
        raise NotFound("unit")
    authority.check(session, actor_id, Act.ISSUE_CODE, unit_id, today=today)
    return name


def _people(
    session: Session, actor_id: int, unit_id: int, now: datetime
) -> tuple[list[tuple[int, str, str]], tuple[str, ...]]:
    """The unit's people who have not linked, by staff number, and who of them is left out."""
    today = local_day(now, offices.zone(session))
    rows = session.exec(
        select(Teacher.id, Teacher.name, Teacher.staff_no)
        .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
        .outerjoin(Account, col(Account.teacher_id) == col(Teacher.id))
        .where(
            Posting.unit_id == unit_id,
            col(Posting.is_primary),
            col(Posting.since) <= today,
            sa.or_(col(Posting.until).is_(None), col(Posting.until) >= today),
            col(Teacher.state).in_(ON_THE_ROSTER),
            col(Account.id).is_(None),
        )
        .order_by(Teacher.staff_no)
        .limit(MOST)
    ).all()
    kept, left_out = [], []
    with_roles = _with_roles(session, [row[0] for row in rows])
    for id_, name, staff_no in rows:
        if id_ in with_roles:
            try:
                authority.check_covers(session, actor_id, Act.ISSUE_CODE, id_, today=today)
            except NotAllowed:
                left_out.append(name)
                continue
        kept.append((id_, name, staff_no))
    return kept, tuple(left_out)


def _with_roles(session: Session, teacher_ids: list[int]) -> set[int]:
    return set(
        session.exec(
            select(RoleAssignment.teacher_id).where(col(RoleAssignment.teacher_id).in_(teacher_ids))
        ).all()
    )


def _stamp(session: Session, teacher_ids: list[int]) -> int:
    """The newest code of these teachers."""
    return (
        session.exec(
            select(sa.func.max(col(LinkCode.id))).where(col(LinkCode.teacher_id).in_(teacher_ids))
        ).one()
        or 0
    )
