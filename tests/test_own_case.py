"""Nobody decides about themselves: somebody else with the right does, or the next level."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import sheets
from storage.credits import posting
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.people import imports, roles
from storage.people.tables import Posting, Role, RoleAssignment, ScopeKind
from storage.refusals import OwnCase
from storage.training import (
    absences,
    approving,
    completion,
    registration,
    results,
    worklist,
)
from storage.training.deciding import SchoolDecides
from storage.training.decisions import decide
from storage.training.results import Mark, RowState
from storage.training.tables import (
    Approval,
    ClassSession,
    Leave,
    LeaveReason,
    Level,
    Programme,
    Registration,
    RegistrationState,
)
from storage.waiting_for import Waiting
from tests import make
from tests.make import NOW
from tests.stage import Stage
from tests.training import classes
from tests.training.test_approving import HERE, TODAY, Cast, one

LATER = NOW + timedelta(minutes=1)


def registered(session: Session, /, cast: Cast, teacher_id: int) -> int:
    return registration.register(session, teacher_id, cast.batch, now=NOW).registration_id


def test_a_coordinators_own_registration_is_a_colleagues_to_approve(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session)
        other = cast.registers(session)
        own = registered(session, cast, cast.coordinator)
        for act in (approving.approve, approving.let_go):
            with pytest.raises(OwnCase):
                act(session, cast.coordinator, [own], now=NOW)
        for refuse in (approving.send_back, approving.keep):
            with pytest.raises(OwnCase):
                refuse(session, cast.coordinator, [own, other], "x", now=NOW)
        seen = worklist.worklist(session, cast.coordinator, now=NOW)
        assert (seen.registrations, seen.own) == (1, 1)
        done = approving.approve_all(session, cast.coordinator, upto=NOW, now=LATER)
        assert ([each.registration_id for each in done.done], done.own) == ([other], 1)
        assert one(session, own).state is RegistrationState.SUBMITTED
        assert worklist.waits(session, cast.coordinator, now=LATER) == ()
        assert worklist.worklist(session, cast.colleague, now=LATER).registrations == 1
        # The school has somebody else, so it is not the county's yet.
        assert worklist.waits(session, cast.county, now=LATER) == (
            Waiting("approvals", 1, cast.batch, "作业设计专题培训"),
        )
        approving.approve(session, cast.colleague, [own], now=LATER)
        assert one(session, own).state is RegistrationState.SCHOOL_APPROVED

    database.write_now(play)


def test_where_one_alone_tends_a_school_the_county_decides_about_them(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.SCHOOL)
        alone = cast.foreign
        own = registered(session, cast, alone)
        pupil = cast.registers(session, at="南塘乡中心小学")
        with pytest.raises(OwnCase):
            approving.approve(session, alone, [own], now=NOW)
        # The colleague's registration stays the school's.
        seen = worklist.worklist(session, cast.county, now=NOW)
        assert seen.registrations == 1
        with pytest.raises(SchoolDecides):
            approving.approve(session, cast.county, [pupil], now=NOW)
        approving.approve(session, cast.county, [own], now=NOW)
        assert one(session, own).state is RegistrationState.APPROVED

    database.write_now(play)


def test_a_class_teachers_own_leave_is_somebody_elses_to_give(database: Database) -> None:
    def play(session: Session) -> None:
        cast = Cast(session, Approval.NONE)
        me = make.teacher(session, "班主任", at=HERE)
        session.add(
            RoleAssignment(
                teacher_id=me,
                role=Role.CLASS_TEACHER,
                scope_kind=ScopeKind.BATCH,
                scope_id=cast.batch,
                since=TODAY,
            )
        )
        starts = NOW + timedelta(hours=10)
        meeting = ClassSession(
            batch_id=cast.batch,
            title="第1次",
            starts_at=starts,
            ends_at=starts + timedelta(hours=2),
        )
        session.add(meeting)
        session.flush()
        registered(session, cast, me)
        absences.ask(session, me, cast.batch, [meeting.id], LeaveReason.SICK, now=NOW)
        leave_id = session.exec(select(Leave.id)).one()
        with pytest.raises(OwnCase):
            absences.agree(session, me, leave_id, now=NOW)
        seen = worklist.worklist(session, me, now=NOW)
        assert (seen.leaves, seen.own) == (0, 1)
        absences.agree(session, cast.coordinator, leave_id, now=NOW)

    database.write_now(play)


def in_class(session: Session, /, **programme: Any) -> tuple[int, int, int, int]:
    """A class that is over; its organiser takes part, and somebody else. With their rows."""
    batch_id = classes.over(session, programme={"planned_hours": Decimal(8)} | programme)
    organiser = classes.county(session)
    own = classes.joins(session, batch_id, organiser)
    (other,) = classes.people_in(session, batch_id, 1)
    return batch_id, organiser, own, other


def test_an_organisers_own_mark_and_completion_wait_for_somebody_else(database: Database) -> None:
    def play(session: Session) -> None:
        batch_id, organiser, own, other = in_class(session)
        colleague = classes.county(session, "高同事")
        with pytest.raises(OwnCase):
            results.enter(session, organiser, own, Mark(100.0, None, ""), now=NOW)
        results.enter(session, organiser, other, Mark(90.0, None, ""), now=NOW)
        results.enter(session, colleague, own, Mark(70.0, None, ""), now=NOW)
        meetings = classes.meetings(session, batch_id, 1)
        for each in (own, other):
            classes.attends(session, each, meetings)
        facts = completion.assess(session, organiser, batch_id, now=NOW)
        assert (facts.settles, facts.own) == (1, True)
        with pytest.raises(OwnCase):
            completion.decide_by_hand(session, organiser, own, True, "我", now=NOW)
        done = completion.confirm(session, organiser, batch_id, now=NOW)
        assert done.own
        assert classes.state_of(session, own) is RegistrationState.ATTENDING
        assert classes.state_of(session, other) is RegistrationState.COMPLETED
        assert results.waits(session, organiser, now=NOW) == ()
        assert [one.count for one in results.waits(session, colleague, now=NOW)] == [1]
        completion.confirm(session, colleague, batch_id, now=NOW)
        assert classes.state_of(session, own) is RegistrationState.COMPLETED
        with pytest.raises(OwnCase):
            completion.revoke(session, organiser, own, "x", now=NOW)
        # Somebody else decided that they completed, so the hours go with the others'.
        assert posting.post(session, organiser, batch_id, now=NOW).people == 2

    database.write_now(play)


def test_ones_own_row_of_a_table_of_marks_is_left_out(sqlite: Database) -> None:
    def play(session: Session) -> None:
        batch_id, organiser, _own, _other = in_class(session)
        rows = results.blank(session, organiser, batch_id, now=NOW)[1]
        content = sheets.write(
            [("成绩", [["工号", "姓名", "成绩"], *([row[0], row[1], 95] for row in rows)])]
        )
        table = results.table_of(sheets.read(content, "成绩.xlsx"))
        assert table is not None
        job = imports.keep_preview(session, organiser, results.KIND, "成绩.xlsx", content, now=NOW)
        facts = results.aim(session, organiser, job, batch_id, table, now=NOW)
        assert facts.counts == {RowState.NEW: 1, RowState.OWN: 1}
        results.apply(session, organiser, job, now=NOW)
        job = imports.keep_preview(session, organiser, results.KIND, "成绩.xlsx", content, now=NOW)
        facts = results.aim(session, organiser, job, batch_id, table, now=NOW)
        assert facts.counts == {RowState.SAME: 1, RowState.OWN: 1}

    sqlite.write_now(play)


def test_hours_on_a_completion_that_one_decided_oneself_are_posted_by_somebody_else(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        batch_id, organiser, own, other = in_class(session)
        colleague = classes.county(session, "高同事")
        for each in (own, other):
            session.get_one(Registration, each).state = RegistrationState.COMPLETED
        session.flush()
        # As before nobody could: the organiser's own decision.
        decide(session, own, "completed", {}, now=NOW, actor_id=organiser)
        assert posting.preview(session, organiser, batch_id, now=NOW).own
        done = posting.post(session, organiser, batch_id, now=NOW)
        assert (done.people, done.own) == (1, True)
        again = posting.post(session, organiser, batch_id, now=NOW)
        assert (again.people, again.own) == (0, True)
        done = posting.post(session, colleague, batch_id, now=NOW)
        assert (done.people, done.own) == (1, False)

    database.write_now(play)


def test_a_schools_hours_of_its_only_coordinator_are_confirmed_by_the_county(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        luo = classes.school(session)
        county = classes.county(session)
        batch_id = classes.over(
            session, programme={"planned_hours": Decimal(8), "level": Level.SCHOOL}
        )
        programme = session.exec(select(Programme)).one()
        programme.owner_unit_id = session.exec(
            select(Posting.unit_id).where(Posting.teacher_id == luo)
        ).one()
        own = classes.joins(session, batch_id, luo)
        (other,) = classes.people_in(session, batch_id, 1)
        for each in (own, other):
            session.get_one(Registration, each).state = RegistrationState.COMPLETED
        session.flush()
        assert posting.post(session, luo, batch_id, now=NOW).people == 2
        assert [each.people for each in posting.to_confirm(session, luo, now=NOW)] == [1]
        assert posting.own_unconfirmed(session, luo, now=NOW) == 1
        assert posting.confirm(session, luo, batch_id, now=NOW).people == 1
        assert posting.confirm(session, luo, batch_id, now=NOW, teacher_id=luo).people == 0
        pending = select(CreditEntry.teacher_id).where(col(CreditEntry.state) == EntryState.PENDING)
        assert set(session.exec(pending)) == {luo}
        assert [each.people for each in posting.to_confirm(session, county, now=NOW)] == [1]
        assert posting.confirm(session, county, batch_id, now=NOW).people == 1
        assert not set(session.exec(pending))

    database.write_now(play)


async def test_the_desk_says_why_ones_own_waits_for_somebody_else(stage: Stage) -> None:
    luo = await stage.teacher("罗佳宁", at=HERE)

    def prepare(session: Session) -> None:
        cast = Cast(session)
        appoint = session.exec(
            select(Posting.teacher_id).where(Posting.teacher_id == luo.teacher_id)
        ).one()
        roles.appoint(session, appoint, Role.SCHOOL_COORDINATOR, cast.unit, today=TODAY, now=NOW)
        registered(session, cast, appoint)
        cast.registers(session)

    await stage.database.write(prepare)
    await luo.says("/approvals")
    assert "1 of your own waits for a colleague or the next level" in luo.sees()
    await luo.taps("Approve all (1)")
    assert "1 of your own waits" in luo.sees()
