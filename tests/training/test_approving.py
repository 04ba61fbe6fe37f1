"""Approving: two levels, each decision once, undone for ten minutes, told only after that."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people import roles
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound
from storage.training import approving, decisions, registration, worklist
from storage.training.approving import Decided
from storage.training.deciding import SchoolDecides, SentenceNeeded, WantsOut
from storage.training.tables import (
    Approval,
    Batch,
    Quota,
    Registration,
    RegistrationState,
)
from storage.waiting_for import Waiting
from tests import make
from tests.make import NOW

TODAY = NOW.date()
HERE, THERE = "城东小学", "南塘乡中心小学"
SUBMITTED = RegistrationState.SUBMITTED
SCHOOL_APPROVED = RegistrationState.SCHOOL_APPROVED
APPROVED = RegistrationState.APPROVED
RETURNED = RegistrationState.RETURNED


class Cast:
    """A school with two coordinators, the county, and a class that both levels approve."""

    def __init__(
        self, session: Session, /, approval: Approval = Approval.COUNTY, **batch: Any
    ) -> None:
        office = {"programme": {"approval": approval} | batch.pop("programme", {})}
        self.batch = make.batch(session, **(office | batch))
        self.unit = make.school(session, HERE)
        self.coordinator = appointed(session, Role.SCHOOL_COORDINATOR, HERE)
        self.colleague = appointed(session, Role.SCHOOL_COORDINATOR, HERE)
        self.foreign = appointed(session, Role.SCHOOL_COORDINATOR, THERE)
        self.county = appointed(session, Role.COUNTY_COORDINATOR, None)

    def registers(self, session: Session, at: str = HERE, now: datetime = NOW) -> int:
        teacher_id = make.teacher(session, at=at)
        make.account(session, teacher_id)
        return registration.register(session, teacher_id, self.batch, now=now).registration_id


def appointed(session: Session, role: Role, at: str | None, **term: Any) -> int:
    teacher_id = make.teacher(session, f"管{role.value}", at=at or HERE)
    unit_id = make.county(session) if at is None else make.school(session, at)
    roles.appoint(session, teacher_id, role, unit_id, today=TODAY, now=NOW, **term)
    return teacher_id


def one(session: Session, registration_id: int) -> Registration:
    return session.exec(
        select(Registration)
        .where(Registration.id == registration_id)
        .execution_options(populate_existing=True)
    ).one()


def told(session: Session, state: OutboxState = OutboxState.PENDING) -> list[tuple[str, datetime]]:
    rows = session.exec(
        select(OutboxMessage.kind, OutboxMessage.not_before)
        .where(OutboxMessage.state == state, OutboxMessage.kind != "offer")
        .order_by(col(OutboxMessage.id))
    ).all()
    return list(rows)


def rules(session: Session, registration_id: int) -> list[str]:
    row = one(session, registration_id)
    return [line.rule for line in decisions.why(session, row.teacher_id, row.batch_id).lines]


def in_session(database: Database, play: Any) -> None:
    database.write_now(play)


def test_both_levels_approve_and_the_teacher_is_told_once_when_it_is_final(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.registers(session)
        with pytest.raises(SchoolDecides):
            approving.approve(session, cast.county, [first], now=NOW)
        approving.approve(session, cast.coordinator, [first], now=NOW)
        assert one(session, first).state is SCHOOL_APPROVED
        assert told(session) == []
        later = NOW + timedelta(hours=1)
        approving.approve(session, cast.county, [first], now=later)
        assert one(session, first).state is APPROVED
        assert told(session) == [("registration_approved", later + timedelta(minutes=10))]
        assert rules(session, first) == [
            "seat_from_pool",
            "school_approved",
            "approved_by_organiser",
        ]

    in_session(database, play)


def test_where_the_school_alone_approves_its_word_is_final(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.SCHOOL)
        first = cast.registers(session)
        approving.approve(session, cast.coordinator, [first], now=NOW)
        assert one(session, first).state is APPROVED
        assert [kind for kind, _ in told(session)] == ["registration_approved"]

    in_session(database, play)


def test_a_school_that_is_also_the_organiser_decides_once(database: Database) -> None:
    def play(session: Session) -> None:
        unit_id = make.school(session, HERE)
        cast = Cast(session, programme={"owner_unit_id": unit_id})
        first = cast.registers(session)
        approving.approve(session, cast.coordinator, [first], now=NOW)
        assert one(session, first).state is APPROVED

    in_session(database, play)


def test_deciding_a_second_time_returns_what_is_and_changes_nothing(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.SCHOOL)
        first = cast.registers(session)
        done = approving.approve(session, cast.coordinator, [first], now=NOW)
        assert done.deed_id is not None
        again = approving.approve(session, cast.coordinator, [first], now=NOW)
        assert again.done == ()
        assert again.deed_id is None
        assert [(x.state, x.by) for x in again.past] == [(APPROVED, done.done[0].by)]
        too_late = approving.send_back(session, cast.colleague, [first], "另有安排", now=NOW)
        assert too_late.past[0].state is APPROVED
        assert one(session, first).state is APPROVED
        assert len(told(session)) == 1

    in_session(database, play)


@pytest.mark.parametrize("act", ["approve", "send_back", "reject", "exempt", "let_go", "keep"])
def test_nobody_decides_on_another_schools_people(database: Database, act: str) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.registers(session)
        with pytest.raises(NotAllowed):
            decide(session, act, cast.foreign, [first], NOW)
        stranger = make.teacher(session, at=HERE)
        with pytest.raises(NotAllowed):
            decide(session, act, stranger, [first], NOW)
        with pytest.raises(NotFound):
            decide(session, act, cast.county, [first + 999], NOW)

    in_session(database, play)


def decide(session: Session, act: str, actor: int, ids: list[int], now: datetime) -> Decided:
    operation: Any = getattr(approving, act)
    if act in ("approve", "let_go"):
        return operation(session, actor, ids, now=now)  # type: ignore[no-any-return]
    return operation(session, actor, ids, "另有安排", now=now)  # type: ignore[no-any-return]


def test_a_role_that_has_run_out_decides_nothing_and_sees_nothing(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.registers(session)
        deputy = appointed(session, Role.SCHOOL_COORDINATOR, HERE, until=TODAY + timedelta(days=2))
        assert worklist.worklist(session, deputy, now=NOW).registrations == 1
        later = NOW + timedelta(days=3)
        with pytest.raises(NotAllowed):
            approving.approve(session, deputy, [first], now=later)
        assert worklist.waits(session, deputy, now=later) == ()

    in_session(database, play)


def test_returning_frees_the_seat_and_the_teacher_may_register_again(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, seats=1)
        first = cast.registers(session)
        with pytest.raises(SentenceNeeded):
            approving.send_back(session, cast.coordinator, [first], "  ", now=NOW)
        approving.send_back(session, cast.coordinator, [first], "请先与教研组商量", now=NOW)
        row = one(session, first)
        assert (row.state, row.reason, row.quota_id) == (RETURNED, "请先与教研组商量", None)
        assert session.exec(select(Quota.taken)).one() == 0
        again = registration.register(session, row.teacher_id, cast.batch, now=NOW)
        assert again.state is SUBMITTED
        assert again.registration_id == first

    in_session(database, play)


def test_a_refusal_is_the_organisers_and_for_good(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.registers(session)
        with pytest.raises(NotAllowed):
            approving.reject(session, cast.coordinator, [first], "名额有限", now=NOW)
        approving.approve(session, cast.coordinator, [first], now=NOW)
        approving.reject(session, cast.county, [first], "名额有限", now=NOW)
        row = one(session, first)
        assert row.state is RegistrationState.REJECTED
        again = registration.register(session, row.teacher_id, cast.batch, now=NOW)
        assert not again.is_new

    in_session(database, play)


def test_an_exemption_has_a_reason_and_leaves_the_seat_to_others(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.NONE, seats=1)
        first = cast.registers(session)
        waiting = cast.registers(session)
        approving.exempt(session, cast.county, [first], "long_leave", now=NOW)
        assert one(session, first).state is RegistrationState.EXEMPT
        assert one(session, waiting).state is RegistrationState.OFFERED
        assert [kind for kind, _ in told(session)] == ["registration_exempt"]

    in_session(database, play)


def test_after_the_schools_time_the_organiser_decides_directly(database: Database) -> None:
    def play(session: Session) -> None:
        closes = NOW + timedelta(days=2)
        cast = Cast(session, approve_close=closes)
        first = cast.registers(session)
        with pytest.raises(SchoolDecides) as refused:
            approving.approve(session, cast.county, [first], now=NOW)
        assert refused.value.until == closes
        assert worklist.waits(session, cast.county, now=NOW) == ()
        assert len(worklist.waits(session, cast.county, now=closes)) == 1
        approving.approve(session, cast.county, [first], now=closes)
        assert one(session, first).state is APPROVED

    in_session(database, play)


def test_the_county_decides_for_a_school_that_nobody_looks_after(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.SCHOOL)
        first = cast.registers(session, at="白杨坪教学点")
        assert worklist.worklist(session, cast.county, now=NOW).registrations == 1
        approving.approve(session, cast.county, [first], now=NOW)
        assert one(session, first).state is APPROVED

    in_session(database, play)


def test_all_are_approved_at_once_but_none_who_came_later(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        early = [cast.registers(session) for _ in range(12)]
        foreign = cast.registers(session, at=THERE)
        seen = worklist.worklist(session, cast.coordinator, now=NOW)
        assert seen.registrations == 12
        assert seen.upto is not None
        late = cast.registers(session, now=NOW + timedelta(seconds=5))
        done = approving.approve_all(
            session, cast.coordinator, upto=seen.upto, now=NOW + timedelta(seconds=9)
        )
        assert [x.registration_id for x in done.done] == early
        assert one(session, late).state is SUBMITTED
        assert one(session, foreign).state is SUBMITTED
        assert worklist.waits(session, cast.coordinator, now=NOW) == (
            Waiting("approvals", 1, cast.batch, "作业设计专题培训"),
        )
        assert worklist.waits(session, cast.county, now=NOW)[0].count == 12
        logged = session.exec(
            select(sa.func.count())
            .select_from(AuditLog)
            .where(AuditLog.action == "registration_approve")
        ).one()
        assert logged == 12

    in_session(database, play)


def test_an_undone_approval_is_as_it_was_and_is_never_told(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.SCHOOL)
        ids = [cast.registers(session) for _ in range(3)]
        before = [one(session, x).model_dump() for x in ids]
        done = approving.approve(session, cast.coordinator, ids, now=NOW + timedelta(minutes=1))
        assert done.deed_id is not None
        soon = NOW + timedelta(minutes=10)
        assert undoing.undo(session, cast.coordinator, done.deed_id, now=soon)
        assert [one(session, x).model_dump() for x in ids] == before
        assert told(session) == []
        assert len(told(session, OutboxState.SKIPPED)) == 3
        assert not undoing.undo(session, cast.coordinator, done.deed_id, now=soon)
        assert rules(session, ids[0])[-1] == "decision_undone"

    in_session(database, play)


def test_undoing_is_for_who_decided_and_for_ten_minutes(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.registers(session)
        done = approving.approve(session, cast.coordinator, [first], now=NOW)
        assert done.deed_id is not None
        with pytest.raises(NotAllowed):
            undoing.undo(session, cast.colleague, done.deed_id, now=NOW)
        with pytest.raises(TooLateToUndo):
            undoing.undo(session, cast.coordinator, done.deed_id, now=NOW + timedelta(minutes=10))

    in_session(database, play)


def test_what_the_county_has_decided_further_is_not_undone_by_the_school(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.registers(session)
        school = approving.approve(session, cast.coordinator, [first], now=NOW)
        county = approving.approve(session, cast.county, [first], now=NOW)
        assert school.deed_id is not None
        assert county.deed_id is not None
        with pytest.raises(ChangedSince), session.begin_nested():
            undoing.undo(session, cast.coordinator, school.deed_id, now=NOW)
        assert one(session, first).state is APPROVED
        undoing.undo(session, cast.county, county.deed_id, now=NOW)
        undoing.undo(session, cast.coordinator, school.deed_id, now=NOW)
        assert one(session, first).state is SUBMITTED

    in_session(database, play)


def test_a_return_is_undone_unless_the_seat_was_given_on(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, seats=1)
        first = cast.registers(session)
        done = approving.send_back(session, cast.coordinator, [first], "时间冲突", now=NOW)
        assert done.deed_id is not None
        undoing.undo(session, cast.coordinator, done.deed_id, now=NOW)
        assert one(session, first).state is SUBMITTED
        assert session.exec(select(Quota.taken)).one() == 1
        waiting = cast.registers(session)
        again = approving.send_back(session, cast.coordinator, [first], "时间冲突", now=NOW)
        assert again.deed_id is not None
        assert one(session, waiting).state is RegistrationState.OFFERED
        with pytest.raises(ChangedSince), session.begin_nested():
            undoing.undo(session, cast.coordinator, again.deed_id, now=NOW)
        assert one(session, first).state is RETURNED

    in_session(database, play)


def late_wish(session: Session, cast: Cast) -> tuple[int, datetime]:
    first = cast.registers(session)
    late = NOW + timedelta(days=11)
    teacher_id = one(session, first).teacher_id
    registration.withdraw(session, teacher_id, cast.batch, now=late, reason="家中有事")
    return first, late


def test_a_late_withdrawal_is_agreed_to_and_the_seat_goes_to_the_next(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.NONE, seats=1)
        first, late = late_wish(session, cast)
        row = one(session, first)
        waiting = cast.registers(session)
        assert worklist.waits(session, cast.coordinator, now=late) == (
            Waiting("withdrawals", 1, cast.batch, "作业设计专题培训"),
        )
        assert worklist.waits(session, cast.county, now=late) == ()
        assert worklist.waits(session, cast.county, now=late + timedelta(days=1)) != ()
        done = approving.let_go(session, cast.coordinator, [first], now=late)
        row = one(session, first)
        assert (row.state, row.reason) == (RegistrationState.WITHDRAWN, "家中有事")
        assert one(session, waiting).state is RegistrationState.OFFERED
        assert [kind for kind, _ in told(session)] == ["withdrawal_answered"]
        assert approving.let_go(session, cast.county, [first], now=late).done == ()
        assert done.deed_id is not None

    in_session(database, play)


def test_a_late_withdrawal_that_is_not_agreed_to_leaves_the_place(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, seats=1)
        first, late = late_wish(session, cast)
        with pytest.raises(WantsOut):
            approving.approve(session, cast.coordinator, [first], now=late)
        assert worklist.worklist(session, cast.coordinator, now=late).registrations == 0
        done = approving.keep(session, cast.coordinator, [first], "名单已上报", now=late)
        row = one(session, first)
        assert (row.state, row.leave_request, row.leave_requested_at) == (SUBMITTED, "", None)
        assert rules(session, first)[-1] == "withdrawal_refused"
        assert done.deed_id is not None
        undoing.undo(session, cast.coordinator, done.deed_id, now=late)
        assert one(session, first).leave_request == "家中有事"
        assert worklist.worklist(session, cast.coordinator, now=late).withdrawals == 1

    in_session(database, play)


def test_the_teacher_is_not_told_at_night(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.SCHOOL)
        first = cast.registers(session)
        evening = NOW + timedelta(hours=11)  # Friday, 20:00
        approving.approve(session, cast.coordinator, [first], now=evening)
        ((_, when),) = told(session)
        assert when == NOW + timedelta(days=2, hours=23)  # Monday, 8:00

    in_session(database, play)


def test_the_desk_shows_what_helps_to_decide_and_the_log_keeps_the_look(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, seats=3)
        first = cast.registers(session)
        other = make.batch(session, "朗读指导")
        registration.register(session, one(session, first).teacher_id, other, now=NOW)
        seen = approving.review(session, cast.coordinator, first, now=NOW)
        assert (seen.seats_left, seen.place, seen.of) == (2, 1, 1)
        assert [x.title for x in seen.others] == ["朗读指导"]
        assert [x.title for x in seen.clashes] == ["朗读指导"]
        assert seen.counted == 0
        assert not seen.may_reject
        with pytest.raises(NotAllowed):
            approving.review(session, cast.foreign, first, now=NOW)
        looks = session.exec(
            select(AuditLog.actor_id).where(AuditLog.action == "look_at_registration")
        ).all()
        assert looks == [cast.coordinator]

    in_session(database, play)


async def test_of_two_who_decide_at_once_one_wins_and_the_other_sees_it(
    two_processes: tuple[Database, Database],
) -> None:
    one_, other = two_processes
    cast = await one_.write(Cast, Approval.SCHOOL)
    for _ in range(5):
        first = await one_.write(cast.registers)
        outcomes = await asyncio.gather(
            one_.write(approving.approve, cast.coordinator, [first], now=NOW),
            other.write(approving.send_back, cast.colleague, [first], "另有安排", now=NOW),
        )
        winners = [x for x in outcomes if x.done]
        (loser,) = [x for x in outcomes if not x.done]
        assert len(winners) == 1
        assert loser.past[0].state is winners[0].done[0].state
        assert loser.past[0].by == winners[0].done[0].by


def test_nothing_waits_in_what_is_cancelled_or_over(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        cast.registers(session)
        assert worklist.waits(session, cast.coordinator, now=NOW + timedelta(days=30)) == ()
        batch = session.get_one(Batch, cast.batch)
        batch.cancelled_at = NOW
        session.flush()
        assert worklist.waits(session, cast.coordinator, now=NOW) == ()

    in_session(database, play)


def test_for_a_day_a_late_withdrawal_is_the_schools_alone_to_answer(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.NONE)
        asks = cast.registers(session)
        row = one(session, asks)
        later = NOW + timedelta(days=20)
        session.get_one(Batch, cast.batch).starts_at = later + timedelta(days=3)
        session.get_one(Batch, cast.batch).ends_at = later + timedelta(days=4)
        row.leave_requested_at, row.leave_request = later, "家中有事"
        session.flush()
        soon = later + timedelta(hours=23)
        with pytest.raises(SchoolDecides) as refused:
            approving.let_go(session, cast.county, [asks], now=soon)
        assert refused.value.until == later + timedelta(days=1)
        with pytest.raises(SchoolDecides):
            approving.keep(session, cast.county, [asks], "名额已满", now=soon)
        assert one(session, asks).state is APPROVED
        approving.let_go(session, cast.county, [asks], now=later + timedelta(days=1))
        assert one(session, asks).state is RegistrationState.WITHDRAWN

    database.write_now(play)
