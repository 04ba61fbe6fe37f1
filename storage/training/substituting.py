"""替换: a school sends somebody else in a person's place, and the seat goes along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from storage import audit
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotFound
from storage.training import nominating, nominations, reserves, seats
from storage.training.clashes import clashes
from storage.training.classes import batch_of
from storage.training.decisions import decide
from storage.training.nominations import (
    REPLACEABLE,
    ListReported,
    NotReplaceable,
    ReasonMissing,
    SeatReserved,
)
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import LIVE, RegistrationState, Source

LONGEST_REASON = 300


@dataclass(frozen=True)
class Substituted:
    """Who went out and who came in."""

    batch_id: int
    title: str
    gone: str
    come: str
    state: RegistrationState
    is_new: bool


def substitute(
    session: Session,
    actor_id: int,
    batch_id: int,
    out_id: int,
    in_id: int,
    reason: str,
    *,
    override: bool = False,
    now: datetime,
) -> Substituted:
    """Put somebody else of the same school in a person's place; the seat goes along.

    Until the roster date (or the start, where there is none) the school does this; afterwards
    only whoever oversees schools, until the class ends. Both are told, and the new person is
    asked where the programme asks.

    Raises NotFound, NotAllowed, ReasonMissing, ProgrammeCancelled, ListReported,
    NotReplaceable, IsIn, DoesNotFit, Clashing or SeatReserved.
    """
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    today = local_day(now, offices.zone(session))
    rows = nominations.registrations(session, batch_id, [out_id, in_id])
    names = nominations.names_of(session, [out_id, in_id])
    gone, come = rows.get(out_id), rows.get(in_id)
    if gone is None or out_id == in_id:
        raise NotFound("registration")
    authority.check(session, actor_id, Act.NOMINATE, gone.unit_id_at, today=today)
    unit_id = nominations.unit_of(session, actor_id, in_id, today)
    is_done = gone.state is RegistrationState.WITHDRAWN
    if is_done and come is not None and come.source is Source.SUBSTITUTE and come.state in LIVE:
        return Substituted(
            batch_id, programme.title, names[out_id], names[in_id], come.state, False
        )
    if not nominations.takes_place(batch, programme):
        raise ProgrammeCancelled(programme.title)
    limit = batch.roster_date or batch.starts_at
    above = nominations.oversees(session, actor_id, today)
    if now >= limit and not above:
        raise ListReported(programme.title, limit)
    if now >= batch.ends_at or gone.state not in REPLACEABLE:
        raise NotReplaceable(names[out_id], gone.state)
    if unit_id != gone.unit_id_at:
        raise NotReplaceable(names[in_id], gone.state)
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise ReasonMissing
    was = gone.state
    known = {in_id: come} if come is not None else {}
    waits = come is not None and come.state is RegistrationState.WAITLISTED
    nominating.check_people(
        session,
        programme,
        batch_id,
        [in_id],
        {} if waits else known,
        names,
        override=override,
        now=now,
    )
    quota_id = gone.quota_id
    if quota_id is not None and not reserves.may_replace(session, quota_id, out_id, in_id):
        quota = reserves.quota_of(session, quota_id)
        raise SeatReserved(names[in_id], quota.reserved)
    gone.state, gone.quota_id = RegistrationState.WITHDRAWN, None
    gone.reason, gone.changed_at = reason, now
    session.flush()
    state = nominations.state_of_chosen(programme)
    if state is RegistrationState.SCHOOL_APPROVED and was is RegistrationState.APPROVED and above:
        state = RegistrationState.APPROVED  # who decides last has decided
    new = nominating.write(
        session,
        come,
        batch_id,
        in_id,
        unit_id,
        quota_id,
        Source.SUBSTITUTE,
        state,
        now=now,
    )
    facts: dict[str, Any] = {"registration_id": new.id, "before": was.value}
    decide(session, gone.id, "replaced", facts, now=now, actor_id=actor_id)
    facts = {"registration_id": gone.id, "asks": programme.asks_consent}
    others = clashes(session, in_id, batch_id) if override else ()
    if others:
        facts["in_spite_of"] = [clash.batch_id for clash in others]
    decide(session, new.id, "substituted", facts, now=now, actor_id=actor_id)
    audit.record(
        session,
        actor_id,
        "substitute",
        f"registration:{gone.id}",
        now=now,
        before={"teacher_id": out_id, "state": was.value},
        after={"teacher_id": in_id, "state": state.value, "after_roster_date": now >= limit},
        reason=reason,
    )
    nominating.tell(session, "replaced", gone, batch, now=now)
    nominating.tell(session, "nominated", new, batch, now=now)
    nominating.set_deadline(session, batch, programme, now=now)
    session.flush()
    return Substituted(batch_id, programme.title, names[out_id], names[in_id], state, True)
