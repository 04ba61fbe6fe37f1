"""The lines that ``/why`` explains: what was decided on a registration, and by what rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage.prepared import Prepared
from storage.refusals import NotFound
from storage.training.seats import place_in_queue
from storage.training.tables import (
    Batch,
    Decision,
    Programme,
    Quota,
    Registration,
    RegistrationState,
)

Rule = Literal[
    "seat_from_school",  # facts: approval
    "seat_from_pool",  # facts: approval
    "seat_without_limit",  # facts: approval
    "registered_despite",  # facts: fields, of the soft conditions that were not met
    "queued",  # facts: ahead, and full: False when a free seat went past to the queue
    "withdrawn",  # facts: before
    "left_queue",
    "leave_requested",
    "offered_after_withdrawal",  # these four: offer_id, from_school, lapses_at
    "offered_after_pass",
    "offered_after_lapse",
    "offered_from_free_seat",
    "offer_accepted",
    "offer_passed",
    "offer_lapsed",  # facts: again (True: back at the end of the queue)
    "enrolled_automatically",
    "exempt_long_leave",
    "nominated",  # facts: seat, asks, in_spite_of (batches at the same time)
    "nomination_taken_back",
    "replaced",  # facts: registration_id of who came, before
    "substituted",  # facts: registration_id of who went, asks, in_spite_of
    "class_cancelled",  # facts: thin (by the minimum), second_close
    "nomination_accepted",
    "nomination_declined",
    "programme_cancelled",
    "menu_seat",  # these two: menu, rank, number, of, lot, seed
    "menu_queued",
    "school_approved",  # the county decides next
    "approved_by_school",
    "approved_by_organiser",  # facts: past_school (the school let its time pass)
    "returned",  # facts: by_school, reason
    "rejected",  # facts: reason
    "exempted",  # facts: before, reason
    "withdrawal_agreed",  # facts: before
    "withdrawal_refused",  # facts: reason
    "decision_undone",  # facts: state, was; for an absence: meetings
    "absence_requested",  # these five: meetings (when they begin)
    "absence_school_ok",
    "absence_approved",
    "absence_refused",
    "absence_cancelled",
    "completed",  # these three: attended, counted, grade, lacks, make_up, by_hand, reason
    "not_completed",
    "no_show",
    "completion_undone",
    "completion_revoked",  # facts: reason
    "make_up_given",  # facts: until
    "first_attendance",  # these two: session_id, starts_at
    "attendance_undone",
    "first_progress",  # these two: import_id; as_of
    "progress_undone",
]

_decision = SQLModel.metadata.tables["decision"]
WRITE = Prepared(
    sa.insert(_decision).values(
        {
            name: sa.bindparam(name, type_=_decision.c[name].type)
            for name in ("registration_id", "at", "rule", "facts", "actor_id")
        }
    )
)


@dataclass(frozen=True)
class DecisionLine:
    """One decision: the rule's name and the values it was made on."""

    at: datetime
    rule: str
    facts: dict[str, Any]
    actor_id: int | None


@dataclass(frozen=True)
class Why:
    """All decisions on one registration in order, and what stands in the way now.

    ``place`` counts from 1 and is None for who is not waiting. ``kept_for_schools`` counts free
    seats that belong to other schools' allotments until ``released_at`` (None: for good).
    """

    batch_id: int
    title: str
    state: RegistrationState
    lines: tuple[DecisionLine, ...]
    place: int | None
    kept_for_schools: int
    released_at: datetime | None


def decide(
    session: Session,
    registration_id: int,
    rule: Rule,
    facts: Mapping[str, Any] | None = None,
    *,
    now: datetime,
    actor_id: int | None = None,
) -> None:
    """Add one line; facts are plain JSON, moments in ISO form."""
    WRITE.count(
        session,
        registration_id=registration_id,
        at=now,
        rule=rule,
        facts=dict(facts or {}),
        actor_id=actor_id,
    )


def why(session: Session, teacher_id: int, batch_id: int) -> Why:
    """Return the decisions on this teacher's registration, the first one first."""
    found = session.exec(
        select(Registration, Programme.title)
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Registration.batch_id == batch_id, Registration.teacher_id == teacher_id)
    ).first()
    if found is None:
        raise NotFound("registration")
    registration, title = found
    lines = session.exec(
        select(Decision)
        .where(Decision.registration_id == registration.id)
        .order_by(col(Decision.id))
    ).all()
    place, kept, released_at = None, 0, None
    if registration.state is RegistrationState.WAITLISTED:
        place = place_in_queue(session, registration.id)
        kept, released_at = session.exec(
            select(
                func.coalesce(func.sum(Quota.seats - Quota.taken), 0), func.min(Quota.release_at)
            ).where(
                Quota.batch_id == batch_id,
                col(Quota.is_pool).is_(False),
                Quota.unit_id != registration.unit_id_at,
                Quota.taken < Quota.seats,
            )
        ).one()
    return Why(
        batch_id=batch_id,
        title=title,
        state=registration.state,
        lines=tuple(DecisionLine(x.at, x.rule, x.facts, x.actor_id) for x in lines),
        place=place,
        kept_for_schools=int(kept),
        released_at=released_at,
    )
