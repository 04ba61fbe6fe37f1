"""Whatever is decided, undone and decided again: seats agree, /why says it, nobody is misled."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from handlers.training.why_text import rule_text
from storage import undoing
from storage.database import Database
from storage.deeds import Deed
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people.tables import Role
from storage.refusals import Refusal
from storage.training import approving, decisions, registration, waiting, worklist
from storage.training.tables import (
    SEATED,
    Approval,
    Decision,
    OfferState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
)
from tests import make
from tests.make import NOW
from tests.training.test_approving import HERE, THERE, appointed

PEOPLE = 5
ACTS = (
    *("register", "register", "register", "withdraw", "accept", "sweep"),
    *("approve", "approve", "approve_all", "send_back", "reject", "exempt"),
    *("let_go", "keep", "undo", "undo", "undo"),
)

history = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.integers(0, PEOPLE - 1),
        st.integers(0, 2),  # who decides: the school, its other coordinator, the county
        st.sampled_from([0, 0, 1, 3, 11, 60 * 5, 60 * 30]),  # minutes until then
    ),
    min_size=15,
    max_size=30,
)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    acts=history,
    approval=st.sampled_from(Approval),
    seats=st.integers(1, 3),
    own=st.integers(0, 1),
)
def test_no_history_of_decisions_breaks_the_books_or_misleads_anybody(
    sqlite: Database,
    acts: list[tuple[str, int, int, int]],
    approval: Approval,
    seats: int,
    own: int,
) -> None:
    def live_through(session: Session) -> None:
        starts = NOW + timedelta(days=40)
        batch = make.batch(
            session,
            seats=seats,
            starts_at=starts,
            reg_close=NOW + timedelta(days=2),
            approve_close=NOW + timedelta(days=3),
            programme={"approval": approval},
        )
        session.add(Quota(batch_id=batch, unit_id=make.school(session, HERE), seats=own))
        session.flush()
        actors = [
            appointed(session, Role.SCHOOL_COORDINATOR, HERE),
            appointed(session, Role.PRINCIPAL, HERE),
            appointed(session, Role.COUNTY_COORDINATOR, None),
        ]
        people = [make.teacher(session, at=(HERE, THERE)[n % 3 == 2]) for n in range(PEOPLE)]
        for teacher_id in people:
            make.account(session, teacher_id)
        now = NOW
        for act, person, actor, minutes in acts:
            now += timedelta(minutes=minutes, seconds=1)
            _deliver(session, now)
            before, lines = _states(session, batch), _lines(session)
            try:
                with session.begin_nested():
                    _do(session, act, people[person], actors[actor], batch, now)
            except Refusal:
                assert _states(session, batch) == before
            _check_books(session, batch)
            _check_why(session, before, _states(session, batch), lines)
        _deliver(session, now + timedelta(days=5))
        _check_told(session)
        for one in actors:
            seen = worklist.worklist(session, one, now=now)
            assert seen.registrations == approving.people(session, one, 0, now=now).total
        for row in session.exec(select(Registration)).all():
            for line in decisions.why(session, row.teacher_id, batch).lines:
                said = rule_text(line, "en", NOW.tzinfo, now)  # type: ignore[arg-type]
                assert said != "The state changed."
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _do(
    session: Session, act: str, teacher_id: int, actor_id: int, batch_id: int, now: datetime
) -> None:
    registration_id = session.exec(
        select(Registration.id).where(
            Registration.teacher_id == teacher_id, Registration.batch_id == batch_id
        )
    ).first()
    ids = [registration_id or 0]
    match act:
        case "register":
            registration.register(session, teacher_id, batch_id, now=now)
        case "withdraw":
            registration.withdraw(session, teacher_id, batch_id, now=now, reason="家中有事")
        case "sweep":
            waiting.lapse_due(session, now=now)
            waiting.promote(session, now=now)
        case "accept":
            offer = session.exec(
                select(SeatOffer.id).where(
                    SeatOffer.registration_id == ids[0], SeatOffer.state == OfferState.OPEN
                )
            ).first()
            if offer is not None:
                waiting.accept(session, teacher_id, offer, now=now)
        case "undo":
            deed_id = session.exec(
                select(Deed.id).where(Deed.actor_id == actor_id).order_by(col(Deed.id).desc())
            ).first()
            if deed_id is not None:
                undoing.undo(session, actor_id, deed_id, now=now)
        case "approve_all":
            approving.approve_all(session, actor_id, upto=now, now=now)
        case "approve" | "let_go":
            getattr(approving, act)(session, actor_id, ids, now=now)
            again = getattr(approving, act)(session, actor_id, ids, now=now)
            # The school's yes leaves the organiser's to say, so only the same person is sure.
            assert not again.done or again.done[0].state is RegistrationState.APPROVED
        case _:
            getattr(approving, act)(session, actor_id, ids, "另有安排", now=now)
            assert not getattr(approving, act)(session, actor_id, ids, "另有安排", now=now).done


def _states(session: Session, batch_id: int) -> dict[int, RegistrationState]:
    return {
        id_: RegistrationState(state)
        for id_, state in session.exec(
            select(Registration.id, Registration.state).where(Registration.batch_id == batch_id)
        ).all()
    }


def _lines(session: Session) -> dict[int, int]:
    found = select(Decision.registration_id, func.count()).group_by(col(Decision.registration_id))
    return dict(session.exec(found).all())


def _check_why(
    session: Session,
    before: dict[int, RegistrationState],
    after: dict[int, RegistrationState],
    lines: dict[int, int],
) -> None:
    now = _lines(session)
    for id_, state in after.items():
        if before.get(id_) is not state:
            assert now.get(id_, 0) > lines.get(id_, 0), (before.get(id_), state)


def _check_books(session: Session, batch_id: int) -> None:
    quotas = session.exec(
        select(Quota).where(Quota.batch_id == batch_id).execution_options(populate_existing=True)
    ).all()
    rows = session.exec(
        select(Registration)
        .where(Registration.batch_id == batch_id)
        .execution_options(populate_existing=True)
    ).all()
    offers = session.exec(select(SeatOffer.quota_id).where(SeatOffer.state == OfferState.OPEN))
    held = [row.quota_id for row in rows if row.state in SEATED] + list(offers.all())
    for quota in quotas:
        assert quota.taken == held.count(quota.id)
        assert quota.taken <= quota.seats
    for row in rows:
        assert (row.quota_id is not None) == (row.state in SEATED)


def _deliver(session: Session, now: datetime) -> None:
    """Send what is due, as the voices would: nothing of what has been undone."""
    due = session.exec(
        select(OutboxMessage)
        .where(
            OutboxMessage.state == OutboxState.PENDING,
            OutboxMessage.not_before <= now,
            OutboxMessage.kind != "offer",
        )
        .execution_options(populate_existing=True)
    ).all()
    for row in due:
        deed = session.get_one(Deed, row.facts["deed_id"], populate_existing=True)
        assert now >= deed.until
        told = approving.told(session, row.facts["registration_id"], deed.id, now=now)
        row.state = OutboxState.SENT if told is not None else OutboxState.SKIPPED
    session.flush()


def _check_told(session: Session) -> None:
    """Nobody was told of what was undone, and all else was said to whom it concerns, once."""
    keys = set()
    for row in session.exec(
        select(OutboxMessage).where(OutboxMessage.kind != "offer").order_by(col(OutboxMessage.id))
    ).all():
        deed = session.get_one(Deed, row.facts["deed_id"], populate_existing=True)
        expected = OutboxState.SENT if deed.undone_at is None else OutboxState.SKIPPED
        assert row.state is expected
        keys.add((row.teacher_id, deed.id))
    assert (
        len(keys)
        == session.exec(
            select(func.count()).select_from(OutboxMessage).where(OutboxMessage.kind != "offer")
        ).one()
    )
