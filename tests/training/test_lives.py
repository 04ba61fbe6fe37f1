"""Whatever is done to a programme in whatever order: nothing is left of what is cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging import sweeping
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Reminder,
    ReminderState,
)
from storage.refusals import Refusal
from storage.training import changing, making, publishing, registration, waiting
from storage.training.changing import What
from storage.training.tables import (
    SEATED,
    Batch,
    ClassSession,
    OfferState,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    SeatOffer,
)
from tests import make
from tests.make import NOW
from tests.training import desk

PEOPLE = 5
ACTS = (
    "publish",
    "pause",
    "resume",
    "cancel",
    "register",
    "register",
    "register",
    "withdraw",
    "accept",
    "sweep",
    "sweep",
    "move",
    "seats",
    "place",
    "close",
    "class",
    "finish",
)
history = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.integers(0, PEOPLE - 1),
        st.sampled_from([0, 1, 30, 60 * 5, 60 * 30]),  # minutes until then
    ),
    min_size=15,
    max_size=30,
)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=history, seats=st.integers(1, 3))
def test_nothing_is_left_of_what_is_cancelled_and_the_books_agree(
    sqlite: Database, acts: list[tuple[str, int, int]], seats: int
) -> None:
    def live_through(session: Session) -> None:
        gu = desk.county_coordinator(session)
        made = desk.draft(session, gu, seats=seats)
        start = desk.START
        session.add(
            ClassSession(
                batch_id=made.batch_id,
                title="二",
                starts_at=start + timedelta(hours=20),
                ends_at=start + timedelta(hours=22),
            )
        )
        people = [make.teacher(session) for _ in range(PEOPLE)]
        for someone in people:
            make.account(session, someone)
        now = NOW
        for act, number, minutes in [("publish", 0, 0), *acts]:
            now += timedelta(minutes=minutes, seconds=1)
            batches = _batches(session)
            batch_id = batches[number % len(batches)]
            try:
                with session.begin_nested():
                    _do(session, act, gu, people[number], batch_id, number, now)
            except Refusal:
                pass
            _check(session)
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _do(
    session: Session,
    act: str,
    gu: int,
    teacher_id: int,
    batch_id: int,
    number: int,
    now: datetime,
) -> None:
    def change(what: What, value: Any) -> None:
        changing.impact(session, gu, batch_id, what, value, now=now)
        changing.change(session, gu, batch_id, what, value, now=now)
        assert not changing.change(session, gu, batch_id, what, value, now=now).is_new

    start = now + timedelta(days=1 + 3 * number)
    match act:
        case "publish":
            publishing.publish(session, gu, batch_id, now=now)
        case "pause":
            publishing.pause(session, gu, batch_id, now=now)
        case "resume":
            publishing.resume(session, gu, batch_id, now=now)
        case "finish":
            publishing.finish(session, gu, batch_id, now=now)
        case "cancel" if number < 2:
            publishing.cancel_batch(session, None, batch_id, "停办", now=now)
        case "register":
            registration.register(session, teacher_id, batch_id, now=now)
        case "withdraw":
            registration.withdraw(session, teacher_id, batch_id, now=now)
        case "accept":
            for offer_id, owner in _offers(session):
                waiting.accept(session, owner, offer_id, now=now)
        case "sweep":
            waiting.lapse_due(session, now=now)
            waiting.promote(session, now=now)
            while sweeping.sweep(session, now=now).more:
                pass
        case "move":
            ends = (start + timedelta(hours=30)).isoformat()
            change(What.DATES, {"starts_at": start.isoformat(), "ends_at": ends})
        case "seats":
            change(What.SEATS, number + 1)
        case "place":
            change(What.PLACE, f"{number}楼")
        case "close":
            closes = (now + timedelta(hours=5 * number + 1)).isoformat()
            change(What.REGISTRATION, {"reg_close": closes})
        case "class":
            making.add_batch(
                session,
                gu,
                batch_id,
                start,
                start + timedelta(hours=3),
                place="",
                seats_=number + 1,
                title="第{n}期",
                now=now,
            )


def _batches(session: Session) -> list[int]:
    return list(session.exec(select(Batch.id).order_by(col(Batch.id))).all())


def _offers(session: Session) -> list[tuple[int, int]]:
    return list(
        session.exec(
            select(SeatOffer.id, Registration.teacher_id)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(SeatOffer.state == OfferState.OPEN)
        ).all()
    )


def _subjects(session: Session, batch_id: int) -> set[tuple[str, int]]:
    """Return what deadlines of a class are about."""
    meetings = session.exec(select(ClassSession.id).where(ClassSession.batch_id == batch_id)).all()
    offers = session.exec(
        select(SeatOffer.id)
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .where(Registration.batch_id == batch_id)
    ).all()
    kinds = ("reg_open", "reg_close", "batch_start", "remote_start", "remote_end")
    return (
        {(kind, batch_id) for kind in kinds}
        | {("session", id_) for id_ in meetings}
        | {("offer", id_) for id_ in offers}
    )


def _check(session: Session) -> None:
    session.expire_all()
    for batch_id in _batches(session):
        batch = session.get_one(Batch, batch_id)
        programme = session.get_one(Programme, batch.programme_id)
        _check_books(session, batch_id)
        is_cancelled = batch.cancelled_at is not None
        assert is_cancelled or programme.state is not ProgrammeState.CANCELLED
        stands = (
            is_cancelled
            or programme.paused_at is not None
            or programme.state is not ProgrammeState.PUBLISHED
        )
        if not stands:
            continue
        about = _subjects(session, batch_id)
        for deadline in session.exec(select(Deadline)).all():
            if (deadline.kind, deadline.subject_id) not in about:
                continue
            assert deadline.state is not DeadlineState.ACTIVE
            steps = session.exec(
                select(DeadlineStep).where(DeadlineStep.deadline_id == deadline.id)
            ).all()
            assert all(step.outcome is not None for step in steps)
            due = session.exec(
                select(Reminder.id).where(
                    col(Reminder.step_id).in_([step.id for step in steps]),
                    Reminder.state == ReminderState.DUE,
                )
            ).all()
            assert not due
        if is_cancelled or programme.state is ProgrammeState.FINISHED:
            open_here = session.exec(
                select(SeatOffer.id)
                .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
                .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
            ).all()
            assert not open_here


def _check_books(session: Session, batch_id: int) -> None:
    rows = session.exec(select(Registration).where(Registration.batch_id == batch_id)).all()
    offered = list(
        session.exec(
            select(SeatOffer.quota_id)
            .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
            .where(Registration.batch_id == batch_id, SeatOffer.state == OfferState.OPEN)
        ).all()
    )
    for quota in session.exec(select(Quota).where(Quota.batch_id == batch_id)).all():
        seated = sum(row.quota_id == quota.id and row.state in SEATED for row in rows)
        assert quota.taken == seated + offered.count(quota.id)
