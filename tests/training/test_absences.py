"""请假: asked before the meeting, decided by two levels, and nobody on leave is nagged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import undoing
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.refusals import NotAllowed, NotFound
from storage.training import absences, decisions, owing, programmes, registration, worklist
from storage.training.absences import MeetingBegun
from storage.training.deciding import SchoolDecides, SentenceNeeded
from storage.training.tables import (
    Attendance,
    ClassSession,
    Leave,
    LeaveReason,
    LeaveState,
    Method,
    Presence,
)
from storage.waiting_for import Waiting
from tests import make
from tests.make import NOW
from tests.training.test_approving import HERE, THERE, TODAY, appointed

STARTS = NOW + timedelta(days=20)
SICK = LeaveReason.SICK


class Cast:
    """A class with three meetings, somebody in it, and all who decide on leave."""

    def __init__(self, session: Session) -> None:
        self.batch = make.batch(session, starts_at=STARTS, ends_at=STARTS + timedelta(days=15))
        self.meetings = []
        for week in range(3):
            at = STARTS + timedelta(days=7 * week)
            meeting = ClassSession(
                batch_id=self.batch,
                title=f"第{week + 1}次",
                starts_at=at,
                ends_at=at + timedelta(hours=3),
            )
            session.add(meeting)
            session.flush()
            self.meetings.append(meeting.id)
        self.coordinator = appointed(session, Role.SCHOOL_COORDINATOR, HERE)
        self.foreign = appointed(session, Role.SCHOOL_COORDINATOR, THERE)
        self.tutor = make.teacher(session, "班主任", at=THERE)
        session.add(
            RoleAssignment(
                teacher_id=self.tutor,
                role=Role.CLASS_TEACHER,
                scope_kind=ScopeKind.BATCH,
                scope_id=self.batch,
                since=TODAY,
            )
        )
        self.lin = make.teacher(session, at=HERE)
        make.account(session, self.lin)
        registration.register(session, self.lin, self.batch, now=NOW)

    def asks(self, session: Session, *numbers: int, **more: Any) -> int:
        """Ask for leave from these meetings; returns the first of the leaves."""
        wanted = [self.meetings[number] for number in numbers or (0,)]
        absences.ask(session, self.lin, self.batch, wanted, SICK, now=NOW, **more)
        return session.exec(select(Leave.id).order_by(col(Leave.id))).all()[0]


def leaves(session: Session) -> list[LeaveState]:
    found = session.exec(select(Leave.state).order_by(col(Leave.id))).all()
    return [LeaveState(state) for state in found]


def in_session(database: Database, play: Any) -> None:
    database.write_now(play)


def test_school_then_class_teacher_give_leave_and_the_teacher_is_told_once(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session, 0, 1, note="手术")
        leave = Waiting("leaves", 1, cast.batch, "作业设计专题培训")
        assert worklist.waits(session, cast.coordinator, now=NOW) == (leave,)
        assert worklist.waits(session, cast.tutor, now=NOW) == ()
        with pytest.raises(SchoolDecides):
            absences.agree(session, cast.tutor, first, now=NOW)
        seen = absences.review(session, cast.coordinator, first, now=NOW)
        assert (seen.note, len(seen.meetings), seen.place) == ("手术", 2, 1)
        absences.agree(session, cast.coordinator, first, now=NOW)
        assert leaves(session) == [LeaveState.SCHOOL_OK] * 2
        assert session.exec(select(OutboxMessage.id)).all() == []
        assert worklist.waits(session, cast.tutor, now=NOW) == (leave,)
        absences.agree(session, cast.tutor, first, now=NOW)
        assert leaves(session) == [LeaveState.APPROVED] * 2
        (row,) = session.exec(select(OutboxMessage)).all()
        assert row.kind == "leave_answered"
        assert row.not_before == NOW + timedelta(minutes=10)
        told = absences.told(session, row.facts["leave_ids"], "approved", row.facts["deed_id"])
        assert told is not None
        assert len(told.meetings) == 2
        why = decisions.why(session, cast.lin, cast.batch)
        assert [line.rule for line in why.lines][1:] == [
            "absence_requested",
            "absence_school_ok",
            "absence_approved",
        ]

    in_session(database, play)


def test_what_the_school_leaves_unanswered_the_class_teacher_may_answer(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session)
        tomorrow = NOW + timedelta(days=1)
        assert len(worklist.waits(session, cast.tutor, now=tomorrow)) == 1
        absences.agree(session, cast.tutor, first, now=tomorrow)
        assert leaves(session) == [LeaveState.APPROVED]

    in_session(database, play)


def test_leave_is_asked_before_the_meeting_and_only_by_who_takes_part(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        begun = STARTS + timedelta(minutes=1)
        with pytest.raises(MeetingBegun):
            absences.ask(session, cast.lin, cast.batch, cast.meetings[:1], SICK, now=begun)
        shi = make.teacher(session, at=HERE)
        with pytest.raises(NotFound):
            absences.ask(session, shi, cast.batch, cast.meetings[:1], SICK, now=NOW)
        other = make.batch(session)
        registration.register(session, cast.lin, other, now=NOW)
        with pytest.raises(NotFound):
            absences.ask(session, cast.lin, other, cast.meetings[:1], SICK, now=NOW)
        cast.asks(session)
        again = absences.ask(session, cast.lin, cast.batch, cast.meetings[:1], SICK, now=NOW)
        assert not again.is_new
        assert leaves(session) == [LeaveState.REQUESTED]

    in_session(database, play)


def test_a_refusal_has_a_sentence_and_leave_can_be_asked_again(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session)
        with pytest.raises(SentenceNeeded):
            absences.refuse(session, cast.coordinator, first, "", now=NOW)
        absences.refuse(session, cast.coordinator, first, "当天有展示课", now=NOW)
        assert leaves(session) == [LeaveState.REFUSED]
        late = absences.agree(session, cast.tutor, first, now=NOW)
        assert (late.state, late.deed_id) == (LeaveState.REFUSED, None)
        asked = absences.ask(
            session, cast.lin, cast.batch, cast.meetings[:1], LeaveReason.OFFICIAL, now=NOW
        )
        assert asked.is_new
        assert leaves(session) == [LeaveState.REQUESTED]

    in_session(database, play)


def test_leave_is_given_up_before_the_meeting(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session, note="手术")
        shi = make.teacher(session, at=HERE)
        with pytest.raises(NotFound):
            absences.cancel(session, shi, first, now=NOW)
        assert absences.cancel(session, cast.lin, first, now=NOW).is_new
        assert not absences.cancel(session, cast.lin, first, now=NOW).is_new
        assert leaves(session) == [LeaveState.CANCELLED]
        assert session.exec(select(Leave.note)).one() == ""
        assert worklist.waits(session, cast.coordinator, now=NOW) == ()
        cast.asks(session)
        with pytest.raises(MeetingBegun):
            absences.cancel(session, cast.lin, first, now=STARTS)

    in_session(database, play)


def test_nobody_foreign_sees_or_decides_leave(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session)
        for operation in (absences.review, absences.agree):
            with pytest.raises(NotAllowed):
                operation(session, cast.foreign, first, now=NOW)
        with pytest.raises(NotAllowed):
            absences.refuse(session, cast.foreign, first, "不行", now=NOW)

    in_session(database, play)


def test_an_undone_leave_is_as_it_was_and_never_told(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session, 0, 1)
        absences.agree(session, cast.coordinator, first, now=NOW)
        done = absences.agree(session, cast.tutor, first, now=NOW)
        assert done.deed_id is not None
        undoing.undo(session, cast.tutor, done.deed_id, now=NOW)
        assert leaves(session) == [LeaveState.SCHOOL_OK] * 2
        assert session.exec(select(OutboxMessage.state)).all() == [OutboxState.SKIPPED]
        again = absences.agree(session, cast.tutor, first, now=NOW)
        absences.cancel(session, cast.lin, first, now=NOW)
        assert again.deed_id is not None
        with pytest.raises(ChangedSince):
            undoing.undo(session, cast.tutor, again.deed_id, now=NOW)

    in_session(database, play)


def test_leave_that_is_marked_already_is_not_undone(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session)
        later = NOW + timedelta(days=2)
        done = absences.agree(session, cast.tutor, first, now=later)
        leave = session.get_one(Leave, first)
        session.add(
            Attendance(
                session_id=leave.session_id,
                registration_id=leave.registration_id,
                state=Presence.LEAVE,
                method=Method.COORDINATOR,
                at=later,
            )
        )
        session.flush()
        assert done.deed_id is not None
        with pytest.raises(ChangedSince):
            undoing.undo(session, cast.tutor, done.deed_id, now=later)

    in_session(database, play)


def test_who_is_on_leave_is_not_reminded_and_stays_in_the_class(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        first = cast.asks(session, 0, 1)

        def owing_(kind: str, subject: int) -> list[int]:
            who = owing.owes(session, kind, subject, now=NOW)
            assert who is not None
            return list(session.connection().execute(who).scalars())

        assert owing_("session", cast.meetings[1]) == [cast.lin]
        absences.agree(session, cast.tutor, first, now=NOW + timedelta(days=1))
        assert owing_("session", cast.meetings[1]) == []
        assert owing_("session", cast.meetings[2]) == [cast.lin]
        assert owing_("batch_start", cast.batch) == []
        due = programmes.due(session, cast.lin, now=NOW)
        assert [item.session_id for item in due] == cast.meetings[2:]
        found = session.connection().execute(absences.on_leave(cast.meetings[0])).scalars()
        assert len(list(found)) == 1

    in_session(database, play)


def test_the_reason_is_forgotten_after_half_a_year_and_the_leave_is_not(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        cast.asks(session, 0, 1, note="手术")
        after = STARTS + timedelta(days=183, hours=4)
        assert absences.forget_reasons(session, now=after - timedelta(days=1)) == 0
        assert absences.forget_reasons(session, now=after) == 1
        assert absences.forget_reasons(session, now=after) == 0
        rows = session.exec(
            select(Leave.note, Leave.reason, Leave.state).order_by(col(Leave.id))
        ).all()
        assert rows[0] == ("", LeaveReason.OTHER, LeaveState.REQUESTED)
        assert rows[1] == ("手术", SICK, LeaveState.REQUESTED)

    in_session(database, play)
