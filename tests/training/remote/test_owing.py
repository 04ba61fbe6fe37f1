"""Who is reminded of studying: by fresh figures alone, and by nothing that is settled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import kinds
from storage.database import Database
from storage.messaging.sweeping import sweep
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    DeadlineStep,
    Level,
    Reminder,
    ReminderState,
)
from storage.people.tables import Role, Teacher, UnitKind
from storage.training import programmes, schedule, subjects
from storage.training.programmes import DueKind
from storage.training.remote import last_mile, plan
from storage.training.remote.last_mile import Asked
from storage.training.remote.tables import (
    Measure,
    Obstacle,
    ObstacleReason,
    Progress,
    ProgressItem,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import (
    Batch,
    Grade,
    Mode,
    Module,
    ModuleKind,
    Phase,
    PhaseKind,
    Programme,
    Registration,
    RegistrationState,
    Result,
    Task,
    WorkState,
)
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at

NOW = at(11, 2)  # the third Monday; 50 % is expected
BEFORE = at(11, 1)
AFTER = at(11, 3)


def owes(session: Session, kind: str, batch_id: int, now: datetime = NOW) -> set[str]:
    ids = kinds.owes(session, kind, batch_id, now=now)
    return set(session.exec(select(Teacher.name).where(col(Teacher.id).in_(ids))).all())


def a_class(session: Session, **differs: Any) -> int:
    """One who has not started, one behind, two who idle, one at the pace, and one who is done."""
    make.office(session)
    batch_id = studying.course(session, **differs)
    of = studying.reported(session, batch_id, NOW)
    day = NOW.date()
    people: dict[str, dict[str, Any]] = {
        "无": {},
        "慢": {"percent": 10.0, "last_active": day},
        "停": {"percent": 45.0, "last_active": day - timedelta(days=9)},
        "久": {"percent": 45.0, "last_active": day - timedelta(days=15)},
        "稳": {"percent": 45.0, "last_active": day},
        "成": {"percent": 100.0, "last_active": day - timedelta(days=9)},
    }
    for name, figures in people.items():
        id_ = classes.joins(session, batch_id, make.teacher(session, name))
        if figures:
            studying.has(session, id_, of, **figures)
    return batch_id


async def test_each_is_reminded_of_their_own_gap(database: Database) -> None:
    def says(session: Session) -> dict[str, set[str]]:
        batch_id = a_class(session)
        found = ("remote_not_started", "remote_behind", "remote_idle", "remote_idle_long")
        return {kind: owes(session, kind, batch_id) for kind in (*found, "remote_end")}

    assert await database.write(says) == {
        "remote_not_started": {"无"},
        # Eight working days after the start, who has not begun is behind like others.
        "remote_behind": {"慢", "无"},
        "remote_idle": {"停"},
        "remote_idle_long": {"久"},
        "remote_end": {"无", "慢", "停", "久", "稳"},
    }


async def test_who_has_just_been_asked_to_begin_is_not_called_behind_too(
    database: Database,
) -> None:
    def says(session: Session) -> list[set[str]]:
        batch_id = a_class(session)
        days = (at(10, 29, 9), at(10, 30, 9))
        return [owes(session, "remote_behind", batch_id, day) for day in days]

    before, after = await database.write(says)
    assert "无" not in before
    assert "无" in after


async def test_old_figures_remind_nobody_but_whoever_is_to_bring_new_ones(
    database: Database,
) -> None:
    later = at(11, 10)

    def says(session: Session) -> tuple[set[str], set[str]]:
        batch_id = a_class(session)
        county = make.county(session)
        studying.appointed(session, "高管理", Role.COUNTY_COORDINATOR, county)
        studying.appointed(session, "班老师", Role.CLASS_TEACHER, batch_id)
        fresh = owes(session, "import_stale", batch_id)
        assert not fresh
        people = set().union(
            *(
                owes(session, kind, batch_id, later)
                for kind in ("remote_not_started", "remote_behind", "remote_idle")
            )
        )
        return people, owes(session, "import_stale", batch_id, later)

    assert await database.write(says) == (set(), {"高管理", "班老师"})


@pytest.mark.parametrize("kind", ["import_stale", "grade_due", "approve_county"])
async def test_what_belongs_to_a_centre_with_nobody_of_its_own_is_asked_of_the_county(
    database: Database, kind: str
) -> None:
    later = at(11, 10)

    def says(session: Session) -> list[set[str]]:
        batch_id = a_class(session)
        county = make.county(session)
        centre = make.school(
            session, "教师发展中心", kind=UnitKind.TEACHER_DEV_CENTER, parent_id=county
        )
        programme = session.get_one(Programme, session.get_one(Batch, batch_id).programme_id)
        programme.owner_unit_id = centre
        waits = classes.people_in(session, batch_id, 1)[0]
        session.get_one(Registration, waits).state = RegistrationState.SCHOOL_APPROVED
        studying.appointed(session, "高管理", Role.COUNTY_COORDINATOR, county)
        asked = [owes(session, kind, batch_id, later)]
        studying.appointed(session, "郭中心", Role.COUNTY_COORDINATOR, centre)
        return [*asked, owes(session, kind, batch_id, later)]

    assert await database.write(says) == [{"高管理"}, {"郭中心"}]


async def test_a_class_without_any_figures_wants_some_after_a_while(database: Database) -> None:
    def says(session: Session) -> list[bool]:
        make.office(session)
        batch_id = studying.course(session)
        studying.appointed(session, "高管理", Role.COUNTY_COORDINATOR, make.county(session))
        days = (at(10, 26), at(10, 27), at(11, 13), at(11, 14))
        return [bool(owes(session, "import_stale", batch_id, day)) for day in days]

    assert await database.write(says) == [False, True, True, False]


async def test_it_goes_upward_to_nobody_who_owes_it(database: Database) -> None:
    def says(session: Session) -> list[tuple[int, int]]:
        make.office(session)
        batch_id = studying.course(session)
        counted = kinds.KINDS["import_stale"].outstanding
        assert counted is not None
        rows = counted(session, "import_stale", batch_id, at(10, 27))
        assert (
            not session.connection()
            .execute(counted(session, "import_stale", batch_id, at(10, 26)))
            .all()
        )
        return [tuple(row) for row in session.connection().execute(rows)]

    assert [number for _unit, number in await database.write(says)] == [1]


@pytest.mark.parametrize(
    ("state", "submitted", "reminded"),
    [
        (StudyClaimState.OPEN, BEFORE, False),
        (StudyClaimState.ACCEPTED, AFTER, False),
        (StudyClaimState.ACCEPTED, BEFORE, True),  # newer figures do not show it
        (StudyClaimState.REFUSED, AFTER, True),
        (StudyClaimState.CAUGHT_UP, AFTER, True),
    ],
)
async def test_whoever_says_they_have_studied_is_left_alone_until_it_can_be_seen(
    database: Database, state: StudyClaimState, submitted: datetime, reminded: bool
) -> None:
    def says(session: Session) -> bool:
        batch_id = a_class(session)
        session.add(
            StudyClaim(registration_id=_of(session, "慢"), state=state, submitted_at=submitted)
        )
        session.flush()
        return "慢" in owes(session, "remote_behind", batch_id)

    assert await database.write(says) is reminded


@pytest.mark.parametrize(
    ("reason", "reminded"), [(ObstacleReason.SICK, False), (ObstacleReason.FORGOT, True)]
)
async def test_who_is_known_to_be_sick_is_left_alone(
    database: Database, reason: ObstacleReason, reminded: bool
) -> None:
    def says(session: Session) -> bool:
        batch_id = a_class(session)
        id_ = _of(session, "慢")
        by = session.get_one(Registration, id_).teacher_id
        session.add(Obstacle(registration_id=id_, reason=reason, by_id=by, since=BEFORE))
        session.flush()
        return "慢" in owes(session, "remote_behind", batch_id)

    assert await database.write(says) is reminded


async def test_somebody_whom_new_imports_leave_out_is_not_reminded_of_old_figures(
    database: Database,
) -> None:
    def says(session: Session) -> set[str]:
        batch_id = a_class(session)
        studying.reported(session, batch_id, at(11, 9))
        return owes(session, "remote_behind", batch_id, at(11, 11))

    assert await database.write(says) == {"无"}


async def test_on_mondays_those_behind_are_reminded_and_their_school_hears(
    database: Database,
) -> None:
    monday = at(11, 2, 11)

    def happens(session: Session) -> tuple[set[str], set[str]]:
        batch_id = a_class(session)
        studying.appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, make.school(session))
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        while sweep(session, now=monday).more:
            pass
        told = {}
        for level in (Level.TEACHER, Level.COORDINATOR):
            told[level] = set(
                session.exec(
                    select(Teacher.name)
                    .join(Reminder, col(Reminder.teacher_id) == col(Teacher.id))
                    .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
                    .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
                    .where(Deadline.kind == "remote_behind", DeadlineStep.level == level)
                ).all()
            )
        return told[Level.TEACHER], told[Level.COORDINATOR]

    assert await database.write(happens) == ({"慢", "无"}, {"罗佳宁"})


async def test_a_class_gets_its_reminders_of_studying_with_its_plan(database: Database) -> None:
    def says(session: Session) -> dict[str, datetime]:
        make.office(session)
        batch_id = studying.course(session)
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        rows = session.exec(select(Deadline.kind, Deadline.at)).all()
        batch = session.get_one(Batch, batch_id)
        assert dict(rows)["remote_end"] == batch.ends_at
        return {
            kind: moment
            for kind, moment in rows
            if kind not in ("remote_end", "grade_due", "survey_close")
        }

    start, end = at(10, 19, 8), at(11, 13, 18)
    assert await database.write(says) == {
        "remote_start": start,
        "remote_login": start,
        "remote_not_started": start,
        "remote_behind": end,
        "remote_idle": end,
        "remote_idle_long": end,
        "import_stale": at(10, 27, 0),
    }


async def test_nobody_is_reminded_in_a_class_that_is_paused(database: Database) -> None:
    def says(session: Session) -> set[str]:
        batch_id = a_class(session)
        session.exec(select(Batch).where(Batch.id == batch_id)).one().cancelled_at = NOW
        session.flush()
        return owes(session, "remote_behind", batch_id)

    assert await database.write(says) == set()


def _of(session: Session, name: str) -> int:
    found: int = session.exec(
        select(Registration.id)
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .where(Teacher.name == name, Registration.state == RegistrationState.ATTENDING)
    ).one()
    assert session.exec(select(Progress.id).where(Progress.registration_id == found)).first()
    return found


# --- an item's own day -------------------------------------------------------------------------


def an_item(session: Session, batch_id: int, due_at: datetime | None, **differs: Any) -> int:
    position = len(session.exec(select(ProgressItem.id)).all()) + 1
    usual: dict[str, Any] = {"kind": "homework", "title": "作业", "required": 2.0}
    row = ProgressItem(
        batch_id=batch_id,
        position=position,
        measure=Measure.TIMES,
        due_at=due_at,
        **usual | differs,
    )
    session.add(row)
    session.flush()
    return row.id


def has_of_item(session: Session, name: str, item_id: int, figure: float) -> None:
    row = session.exec(select(Progress).where(Progress.registration_id == _of(session, name))).one()
    row.figures = row.figures | {str(item_id): figure}
    session.add(row)
    session.flush()


async def test_an_item_with_a_day_of_its_own_concerns_those_who_have_not_reached_it(
    database: Database,
) -> None:
    def says(session: Session) -> list[set[str]]:
        batch_id = a_class(session)
        item_id = an_item(session, batch_id, at(11, 6))
        for name, figure in {"慢": 1.0, "停": 2.0, "稳": 3.0}.items():
            has_of_item(session, name, item_id, figure)
        found = [owes(session, "item_due", item_id), owes(session, "item_due", item_id, at(11, 10))]
        session.add(
            StudyClaim(registration_id=_of(session, "慢"), item_id=item_id, submitted_at=AFTER)
        )
        session.flush()
        found.append(owes(session, "item_due", item_id))
        session.get_one(ProgressItem, item_id).mandatory = False
        session.flush()
        return [*found, owes(session, "item_due", item_id)]

    # 久 has no figure of it, 无 none at all; 成 has learned everything. Old figures say nothing.
    assert await database.write(says) == [{"慢", "久", "无"}, set(), {"久", "无"}, set()]


async def test_the_deadline_of_an_item_follows_its_day(database: Database) -> None:
    end = at(11, 13, 18)

    def active(session: Session) -> dict[int, datetime]:
        found = select(Deadline.subject_id, Deadline.at).where(
            Deadline.kind == "item_due", Deadline.state == DeadlineState.ACTIVE
        )
        return dict(session.exec(found).all())

    def happens(session: Session) -> list[dict[int, datetime]]:
        make.office(session)
        county = studying.appointed(
            session, "高管理", Role.COUNTY_COORDINATOR, make.county(session)
        )
        batch_id = studying.course(session)
        now = at(10, 20)
        usual: dict[str, Any] = {"kind": "homework", "required": 2.0, "now": now}
        first, last, free, soft = (
            plan.add_item(session, county, batch_id, title=title, due_at=due, **usual | differs)
            for title, due, differs in (
                ("作业", at(11, 6), {}),
                ("结业作业", end, {}),  # the end itself says that
                ("论坛", None, {}),
                ("选做", at(11, 6), {"mandatory": False}),
            )
        )
        assert len({first, last, free, soft}) == 4
        found = [active(session)]
        plan.change_item(session, county, first, {"due_at": at(11, 9)}, now=now)
        plan.change_item(session, county, free, {"due_at": at(11, 4)}, now=now)
        found.append(active(session))
        plan.change_item(session, county, first, {"due_at": None}, now=now)
        plan.remove_item(session, county, free, now=now)
        return [*found, active(session)]

    first, second, third = await database.write(happens)
    assert list(first.values()) == [at(11, 6)]
    assert sorted(second.values()) == [at(11, 4), at(11, 9)]
    assert third == {}


# --- the window in which it is made good -------------------------------------------------------

OPENS, CLOSES = at(11, 23, 0), at(12, 5, 0)


async def test_the_window_concerns_those_whom_the_assessment_offers_it(database: Database) -> None:
    def says(session: Session) -> list[set[str]]:
        batch_id = a_class(session, makeup_from=OPENS, makeup_until=CLOSES)
        for name, grade in {
            "慢": Grade.UNQUALIFIED,
            "停": Grade.DEFERRED,
            "久": Grade.ABSENT,
            "稳": Grade.UNQUALIFIED,
            "成": Grade.QUALIFIED,
        }.items():
            session.add(Result(registration_id=_of(session, name), grade=grade, decided_at=BEFORE))
        # One has a day of their own and is reminded of that, one is known to be sick.
        session.get_one(Registration, _of(session, "久")).make_up_until = at(12, 2).date()
        ill = _of(session, "稳")
        by = session.get_one(Registration, ill).teacher_id
        session.add(
            Obstacle(registration_id=ill, reason=ObstacleReason.SICK, by_id=by, since=BEFORE)
        )
        session.flush()
        days = (at(11, 20), at(11, 24), at(12, 4), at(12, 5))
        return [owes(session, "makeup_window", batch_id, day) for day in days]

    assert await database.write(says) == [set(), {"慢", "停"}, {"慢", "停"}, set()]


async def test_the_window_reminds_only_while_it_is_open_and_moves_with_the_plan(
    database: Database,
) -> None:
    def steps(session: Session) -> list[tuple[str, str]]:
        found = (
            select(DeadlineStep.level, DeadlineStep.name)
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(
                Deadline.kind == "makeup_window",
                Deadline.state == DeadlineState.ACTIVE,
                col(DeadlineStep.outcome).is_(None),
            )
            .order_by(col(DeadlineStep.due_at), col(DeadlineStep.id))
        )
        return [(str(level), name) for level, name in session.exec(found).all()]

    def happens(session: Session) -> list[list[tuple[str, str]]]:
        make.office(session)
        county = studying.appointed(
            session, "高管理", Role.COUNTY_COORDINATOR, make.county(session)
        )
        batch_id = studying.course(session)
        found = []
        for begins, ends in ((OPENS, CLOSES), (at(12, 1, 8), CLOSES), (None, None)):
            changes = {"makeup_from": begins, "makeup_until": ends}
            plan.change(session, county, batch_id, changes, now=at(10, 20))
            found.append(steps(session))
        return found

    long, short, none = await database.write(happens)
    assert [name for level, name in long if level == Level.TEACHER] == ["T-7", "T-3", "T-1"]
    assert [name for level, name in short if level == Level.TEACHER] == ["T-3", "T-1"]
    assert (Level.COORDINATOR, "T-3") in short
    assert none == []


# --- when nobody has said it in time -----------------------------------------------------------


async def test_a_class_that_is_first_known_to_be_remote_while_it_runs_counts_from_then(
    database: Database,
) -> None:
    def steps(session: Session) -> dict[str, datetime]:
        found = (
            select(DeadlineStep.name, DeadlineStep.due_at)
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(
                Deadline.kind == "remote_not_started",
                DeadlineStep.level == Level.TEACHER,
                col(DeadlineStep.outcome).is_(None),
            )
        )
        return dict(session.exec(found).all())

    def happens(session: Session) -> list[dict[str, datetime]]:
        make.office(session)
        batch_id = studying.course(session)
        now = at(10, 28, 11)  # the second Wednesday
        schedule.plan_deadlines(session, batch_id, now=now)
        found = [steps(session)]
        # What has begun to count goes on, whatever else is planned anew.
        schedule.plan_deadlines(session, batch_id, now=at(10, 29))
        return [*found, steps(session)]

    late = {"T+3": at(11, 2, 8), "T+5": at(11, 4, 8), "T+8": at(11, 9, 8)}
    assert await database.write(happens) == [late, late]


async def test_a_class_that_is_over_asks_nobody_why_they_have_not_begun(database: Database) -> None:
    def happens(session: Session) -> set[str]:
        make.office(session)
        batch_id = studying.course(session)
        schedule.plan_deadlines(session, batch_id, now=at(11, 16))
        return set(session.exec(select(Deadline.kind)).all())

    assert "remote_not_started" not in await database.write(happens)


# --- a stretch of a blended class --------------------------------------------------------------


def blended(session: Session) -> tuple[int, int]:
    """A week together with a gate, then three on the net; 过 has handed in, 未 has not."""
    make.office(session)
    batch_id = studying.course(
        session,
        programme={"mode": Mode.BLENDED},
        starts_at=at(10, 12, 8),
        ends_at=at(11, 20, 18),
    )
    together, online = (
        Phase(batch_id=batch_id, position=position, kind=kind, title=kind, **days)
        for position, kind, days in (
            (
                1,
                PhaseKind.CONCENTRATED,
                {"starts_at": at(10, 12, 8), "ends_at": at(10, 16, 18), "gate": True},
            ),
            (2, PhaseKind.ONLINE, {"starts_at": at(10, 19, 8), "ends_at": at(11, 13, 18)}),
        )
    )
    session.add_all([together, online])
    session.flush()
    module = Module(phase_id=together.id, position=1, kind=ModuleKind.PRACTICE, title="实践")
    session.add(module)
    session.flush()
    task = Task(batch_id=batch_id, module_id=module.id, title="作业", due_at=at(10, 16, 17))
    session.add(task)
    session.flush()
    for name in ("过", "未"):
        id_ = classes.joins(session, batch_id, make.teacher(session, name))
        if name == "过":
            classes.hands_in(session, id_, task.id, WorkState.SUBMITTED)
    return batch_id, task.id


async def test_who_may_not_enter_what_is_studied_remotely_is_not_nudged_about_it(
    database: Database,
) -> None:
    def says(session: Session) -> dict[str, set[str]]:
        batch_id, _task = blended(session)
        item_id = an_item(session, batch_id, at(11, 6))
        of = studying.reported(session, batch_id, NOW)
        kinds_ = ("remote_start", "remote_end", "remote_not_started")
        found = {kind: owes(session, kind, batch_id) for kind in kinds_}
        found["item_due"] = owes(session, "item_due", item_id)
        for registration_id in session.exec(select(Registration.id)).all():
            studying.has(session, registration_id, of, 10.0, last_active=NOW.date())
        return found | {"remote_behind": owes(session, "remote_behind", batch_id)}

    found = await database.write(says)
    assert len(found) == 5
    assert all(people == {"过"} for people in found.values())


async def test_a_blended_class_ends_on_the_net_with_that_stretch(database: Database) -> None:
    def happens(session: Session) -> tuple[dict[str, datetime], dict[str, tuple[datetime, Any]]]:
        batch_id, _task = blended(session)
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        rows = dict(session.exec(select(Deadline.kind, Deadline.at)).all())
        wanted = ("batch_start", "remote_start", "remote_end", "remote_not_started")
        said = subjects.describe_all(
            session, [("remote_start", batch_id), ("remote_end", batch_id)]
        )
        return {kind: rows[kind] for kind in wanted}, {
            kind: (one.at, one.ends_at) for (kind, _id), one in said.items()
        }

    first, start, end = at(10, 12, 8), at(10, 19, 8), at(11, 13, 18)
    assert await database.write(happens) == (
        {
            "batch_start": first,
            "remote_start": start,
            "remote_end": end,
            "remote_not_started": start,
        },
        {"remote_start": (start, end), "remote_end": (end, end)},
    )


async def test_in_a_blended_class_a_school_asks_its_people_once_more(database: Database) -> None:
    def happens(session: Session) -> dict[Asked, int]:
        batch_id, _task = blended(session)
        school = studying.appointed(
            session, "罗佳宁", Role.SCHOOL_COORDINATOR, make.school(session)
        )
        for registration in session.exec(select(Registration)).all():
            make.account(session, registration.teacher_id)
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        return last_mile.remind(session, school, batch_id, make.school(session), now=NOW)

    assert await database.write(happens) == {Asked.ASKED: 1, Asked.NOT_OWED: 1}


# --- once a week -------------------------------------------------------------------------------


def told_weekly(session: Session, now: datetime) -> set[str]:
    """Sweep; whom the weekly steps of this moment's day remind."""
    while sweep(session, now=now).more:
        pass
    return set(
        session.exec(
            select(Teacher.name)
            .join(Reminder, col(Reminder.teacher_id) == col(Teacher.id))
            .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
            .where(
                col(DeadlineStep.name).startswith("W-"),
                DeadlineStep.level == Level.TEACHER,
                DeadlineStep.due_at >= now - timedelta(hours=3),
            )
        ).all()
    )


def is_told(session: Session, at_: datetime) -> None:
    """What is due has been said at this moment."""
    for row in session.exec(select(Reminder).where(Reminder.state == ReminderState.DUE)).all():
        row.state, row.settled_at = ReminderState.SENT, at_
    session.flush()


def of_two_schools(session: Session) -> tuple[int, int, int]:
    """A class of five weeks with 慢 and 静 behind; its school's coordinator, and the school."""
    make.office(session)
    batch_id = studying.course(session, ends_at=at(11, 27, 18), idle_days=60, stale_days=60)
    unit_id = make.school(session)
    school = studying.appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, unit_id)
    schedule.plan_deadlines(session, batch_id, now=at(10, 10))
    of = studying.reported(session, batch_id, at(11, 3))
    for name in ("慢", "静"):
        teacher_id = make.teacher(session, name)
        make.account(session, teacher_id)
        id_ = classes.joins(session, batch_id, teacher_id)
        studying.has(session, id_, of, 10.0, last_active=at(11, 2).date())
    return batch_id, school, unit_id


async def test_who_was_asked_by_hand_is_not_reminded_by_the_week_as_well(
    database: Database,
) -> None:
    friday, monday, following = at(11, 6), at(11, 9, 11), at(11, 16, 11)

    def happens(session: Session) -> list[set[str]]:
        batch_id, school, unit_id = of_two_schools(session)
        told_weekly(session, at(11, 5))
        is_told(session, at(10, 26, 17))
        one = _of(session, "慢")
        last_mile.remind(session, school, batch_id, unit_id, registration_id=one, now=friday)
        is_told(session, at(11, 6, 17))
        found = [told_weekly(session, monday)]
        is_told(session, at(11, 9, 17))
        return [*found, told_weekly(session, following)]

    assert await database.write(happens) == [{"静"}, {"慢", "静"}]


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        (at(11, 9, 17), at(11, 13), Asked.LATELY),  # four working days, within the week
        (at(11, 6, 17), at(11, 13), Asked.ASKED),
        (at(11, 23, 17), at(11, 26), Asked.ASKED),  # the last days
        (at(11, 25, 17), at(11, 26), Asked.LATELY),
    ],
)
async def test_who_was_reminded_within_the_week_is_asked_again_in_the_last_days_only(
    database: Database, told: datetime, asked: datetime, answer: Asked
) -> None:
    def happens(session: Session) -> dict[Asked, int]:
        batch_id, school, unit_id = of_two_schools(session)
        told_weekly(session, told - timedelta(hours=1))
        session.exec(
            sa.update(Reminder).values(state=ReminderState.SENT, settled_at=at(10, 26, 17))
        )
        session.exec(
            sa.update(Reminder)
            .where(
                col(Reminder.id).in_(
                    select(sa.func.max(Reminder.id)).group_by(col(Reminder.teacher_id))
                )
            )
            .values(settled_at=told)
        )
        return last_mile.remind(session, school, batch_id, unit_id, now=asked)

    assert await database.write(happens) == {answer: 2}


# --- three days after the start ----------------------------------------------------------------


async def test_three_days_after_the_start_a_school_hears_who_has_not_logged_in(
    database: Database,
) -> None:
    thursday = at(10, 22)

    def says(session: Session) -> list[set[str]]:
        make.office(session)
        batch_id = studying.course(session)
        people = [
            classes.joins(session, batch_id, make.teacher(session, name)) for name in "甲乙丙丁"
        ]
        by = session.get_one(Registration, people[3]).teacher_id
        session.add(
            Obstacle(
                registration_id=people[3], reason=ObstacleReason.SICK, by_id=by, since=thursday
            )
        )
        session.flush()
        found = [owes(session, "remote_login", batch_id, thursday)]  # no platform has said anything
        studying.reported(session, batch_id, at(10, 17))
        found.append(owes(session, "remote_login", batch_id, thursday))  # nor since the start
        of = studying.reported(session, batch_id, at(10, 21))
        studying.has(session, people[0], of, 5.0, last_active=at(10, 20).date())
        studying.has(session, people[1], of, 0.0)
        days = (thursday, at(11, 2))
        return [*found, *(owes(session, "remote_login", batch_id, day) for day in days)]

    assert await database.write(says) == [set(), set(), {"乙", "丙"}, set()]


async def test_a_coordinator_who_studies_too_hears_who_has_not_logged_in(
    database: Database,
) -> None:
    def happens(session: Session) -> list[tuple[str, str]]:
        make.office(session)
        batch_id = studying.course(session)
        school = make.school(session)
        luo = studying.appointed(session, "罗佳宁", Role.SCHOOL_COORDINATOR, school)
        of = studying.reported(session, batch_id, at(10, 21))
        mine = classes.joins(session, batch_id, luo)
        studying.has(session, mine, of, 5.0, last_active=at(10, 20).date())
        classes.joins(session, batch_id, make.teacher(session, "甲"))
        schedule.plan_deadlines(session, batch_id, now=at(10, 10))
        while sweep(session, now=at(10, 22)).more:
            pass
        rows = (
            select(Teacher.name, DeadlineStep.name)
            .join(Reminder, col(Reminder.teacher_id) == col(Teacher.id))
            .join(DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id))
            .where(DeadlineStep.level == Level.COORDINATOR)
        )
        return [(who, step) for who, step in session.exec(rows).all()]

    assert await database.write(happens) == [("罗佳宁", "T+3")]


async def test_in_a_blended_class_its_study_stands_among_what_is_due(database: Database) -> None:
    def says(session: Session) -> list[list[datetime]]:
        batch_id, _task = blended(session)
        teacher_id = session.exec(select(Registration.teacher_id)).all()[0]
        return [
            [
                item.at
                for item in programmes.due(session, teacher_id, now=now)
                if item.kind is DueKind.REMOTE_END and item.batch_id == batch_id
            ]
            for now in (NOW, at(11, 16))
        ]

    assert await database.write(says) == [[at(11, 13, 18)], []]


async def test_a_window_without_a_beginning_opens_when_the_class_is_over(
    database: Database,
) -> None:
    def says(session: Session) -> list[set[str]]:
        batch_id = a_class(session, makeup_until=CLOSES)
        grade = Result(
            registration_id=_of(session, "慢"), grade=Grade.UNQUALIFIED, decided_at=BEFORE
        )
        session.add(grade)
        session.flush()
        days = (at(11, 13), at(11, 14), at(12, 5))
        return [owes(session, "makeup_window", batch_id, day) for day in days]

    assert await database.write(says) == [set(), {"慢"}, set()]
