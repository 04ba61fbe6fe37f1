"""Whatever people do in whatever order: the books of the seats agree, and queues are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from storage.database import Database
from storage.refusals import Refusal
from storage.training import registration, waiting
from storage.training.tables import (
    SEATED,
    OfferState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)
from tests import make
from tests.make import NOW

PEOPLE = 7
SCHOOLS = ("城东小学", "南塘乡中心小学")
ACTS = ("register", "register", "withdraw", "accept", "pass", "sweep", "sweep")

history = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.integers(0, PEOPLE - 1),
        st.sampled_from([0, 0, 1, 1, 30, 60 * 5, 60 * 30]),  # minutes until then
    ),
    min_size=25,
    max_size=50,
)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    acts=history,
    pool=st.integers(0, 2),
    own=st.integers(0, 2),
    limit=st.sampled_from([None, 2]),
    releases=st.booleans(),
)
def test_no_history_breaks_the_books(
    sqlite: Database,
    acts: list[tuple[str, int, int]],
    pool: int,
    own: int,
    limit: int | None,
    releases: bool,
) -> None:
    def live_through(session: Session) -> None:
        starts = NOW + timedelta(days=90)
        batch = make.batch(
            session, seats=pool, waiting_limit=limit, starts_at=starts, reg_close=None
        )
        unit_id = make.school(session, SCHOOLS[1])
        release = NOW + timedelta(days=2) if releases else None
        session.add(Quota(batch_id=batch, unit_id=unit_id, seats=own, release_at=release))
        people = [make.teacher(session, at=SCHOOLS[n % 2]) for n in range(PEOPLE)]
        now = NOW
        for act, number, minutes in acts:
            now += timedelta(minutes=minutes, seconds=1)
            before = _holders(session, batch)
            try:
                with session.begin_nested():
                    _do(session, act, people[number], batch, now)
            except Refusal:
                pass
            _check_books(session, batch)
            _check_order(session, batch, before)
            if act == "sweep":
                _check_nothing_lies_idle(session, batch)
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _do(session: Session, act: str, teacher_id: int, batch_id: int, now: Any) -> None:
    match act:
        case "register":
            first = registration.register(session, teacher_id, batch_id, now=now)
            second = registration.register(session, teacher_id, batch_id, now=now)
            assert (first.state, first.place) == (second.state, second.place)
            assert not second.is_new
        case "withdraw":
            registration.withdraw(session, teacher_id, batch_id, now=now)
        case "sweep":
            waiting.lapse_due(session, now=now)
            waiting.promote(session, now=now)
        case _:
            # Whichever offer is open, the number picks one of them.
            offers = session.exec(
                select(SeatOffer.id, Registration.teacher_id)
                .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
                .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
                .order_by(col(SeatOffer.id))
            ).all()
            if offers:
                offer_id, owner_id = offers[teacher_id % len(offers)]
                answer = waiting.accept if act == "accept" else waiting.pass_on
                answer(session, owner_id, offer_id, now=now)


def _rows(session: Session, batch_id: int) -> list[Registration]:
    return list(
        session.exec(
            select(Registration)
            .where(Registration.batch_id == batch_id)
            .execution_options(populate_existing=True)
        ).all()
    )


def _quotas(session: Session, batch_id: int) -> list[Quota]:
    return list(
        session.exec(
            select(Quota)
            .where(Quota.batch_id == batch_id)
            .execution_options(populate_existing=True)
        ).all()
    )


def _offered_from(session: Session, batch_id: int) -> dict[int, int]:
    """Return the allotment of each open offer, by registration."""
    return dict(
        session.exec(
            select(SeatOffer.registration_id, SeatOffer.quota_id)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
        ).all()
    )


def _holders(session: Session, batch_id: int) -> set[tuple[int, int]]:
    """Return who holds a seat or an offer, and of which allotment."""
    held = {(x.id, x.quota_id) for x in _rows(session, batch_id) if x.quota_id is not None}
    return held | set(_offered_from(session, batch_id).items())


def _check_books(session: Session, batch_id: int) -> None:
    rows, offers = _rows(session, batch_id), _offered_from(session, batch_id)
    for quota in _quotas(session, batch_id):
        seated = sum(x.quota_id == quota.id for x in rows)
        offered = sum(quota_id == quota.id for quota_id in offers.values())
        assert quota.taken == seated + offered
        assert quota.taken <= quota.seats
    for row in rows:
        assert (row.state is RegistrationState.OFFERED) == (row.id in offers)
        assert (row.state in SEATED) == (row.quota_id is not None)
    open_offers = session.exec(
        select(func.count()).select_from(SeatOffer).where(SeatOffer.state == OfferState.OPEN)
    ).one()
    assert open_offers == len(offers)


def _check_order(session: Session, batch_id: int, before: set[tuple[int, int]]) -> None:
    """Check that nobody got a seat for which somebody else had waited longer."""
    rows = {x.id: x for x in _rows(session, batch_id)}
    quotas = {x.id: x for x in _quotas(session, batch_id)}
    for registration_id, quota_id in _holders(session, batch_id) - before:
        lucky, quota = rows[registration_id], quotas[quota_id]
        for other in rows.values():
            if other.state is RegistrationState.WAITLISTED and _may_have(other, quota):
                assert (other.queued_at, other.id) > (lucky.queued_at, lucky.id)


def _check_nothing_lies_idle(session: Session, batch_id: int) -> None:
    rows = _rows(session, batch_id)
    for quota in _quotas(session, batch_id):
        if quota.taken < quota.seats:
            waits = [x for x in rows if x.state is RegistrationState.WAITLISTED]
            assert not [x for x in waits if _may_have(x, quota)]


def _may_have(row: Registration, quota: Quota) -> bool:
    return quota.is_pool or quota.unit_id == row.unit_id_at
