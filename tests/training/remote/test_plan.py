"""How a class studies remotely, as whoever runs it says it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from handlers.training.completion import make_up_card
from storage.audit import AuditLog
from storage.database import Database
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import making, schedule, staffing, structure
from storage.training.remote import looking, plan, platforms, presets, tutors
from storage.training.remote.plan import Milestone
from storage.training.remote.tables import Measure, Platform, ProgressItem, RemotePlan, TutorUnit
from storage.training.tables import Mode, ModuleKind, PhaseKind, RegistrationState
from tests import make
from tests.make import NOW
from tests.training import classes, desk

DAY = timedelta(days=1)
START = NOW + 20 * DAY  # Thursday, 2026-12-10


def remote(session: Session, /, **differs: Any) -> tuple[int, int]:
    """The county's coordinator, and a class of sixty days that is studied remotely."""
    actor = desk.county_coordinator(session)
    usual = {"starts_at": START, "ends_at": START + 60 * DAY}
    made = make.batch(session, "全员远程培训", programme={"mode": Mode.REMOTE}, **usual | differs)
    return actor, made


def modules(session: Session, actor: int, batch_id: int, number: int) -> list[int]:
    phase = structure.add_phase(
        session, actor, batch_id, kind=PhaseKind.ONLINE, title="网络研修", now=NOW
    )
    made = [
        structure.add_module(
            session, actor, phase, kind=ModuleKind.VIDEO_QA, title=f"专题{n + 1}", now=NOW
        )
        for n in range(number)
    ]
    for n, module in enumerate(made, 1):
        plan.add_item(
            session,
            actor,
            batch_id,
            kind="watch_minutes",
            title=f"专题{n}课程",
            required=90,
            module_id=module,
            now=NOW,
        )
    return made


async def test_the_usual_plan_is_that_of_the_all_staff_training(database: Database) -> None:
    def usual(session: Session) -> plan.Settings:
        actor, batch = remote(session)
        before = plan.settings(session, actor, batch, now=NOW)
        assert not before.has_plan
        assert before.slack == 15
        assert presets.take_usual(session, actor, batch, language="zh_Hans", now=NOW)
        assert not presets.take_usual(session, actor, batch, language="zh_Hans", now=NOW)
        return plan.settings(session, actor, batch, now=NOW)

    found = await database.write(usual)
    assert [(item.kind, item.title, item.required, item.weight) for item in found.items] == [
        ("watch_minutes", "观看课程", 900, 0.4),
        ("homework", "作业", 2, 0.3),
        ("forum", "研讨发帖", 4, 0.15),
        ("seminar", "校内研讨", 1, 0.15),
    ]
    assert (found.participation_target, found.pass_target) == (1.0, 0.98)
    assert (found.has_plan, found.has_bulletin, found.has_figures) == (True, True, False)


async def test_items_are_added_once_changed_and_taken_away(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        (module,) = modules(session, actor, batch, 1)

        def add() -> int:
            return plan.add_item(
                session, actor, batch, kind="exam", title="在线测试", required=60, now=NOW
            )

        item = add()
        assert add() == item
        due = START + 30 * DAY
        changes = {"required": 80.0, "module_id": module, "due_at": due, "mandatory": False}
        plan.change_item(session, actor, item, changes, now=NOW)
        (_watch, found) = plan.settings(session, actor, batch, now=NOW).items
        assert (found.measure, found.required, found.module) == (Measure.POINTS, 80, "专题1")
        assert (found.due_at, found.mandatory) == (due, False)
        structure.remove_module(session, actor, module, now=NOW)
        (watch, found) = plan.settings(session, actor, batch, now=NOW).items
        assert found.module_id is None
        plan.remove_item(session, actor, watch.item_id, now=NOW)
        plan.remove_item(session, actor, item, now=NOW)
        plan.remove_item(session, actor, item, now=NOW)
        assert plan.settings(session, actor, batch, now=NOW).items == ()
        kept = session.exec(select(AuditLog.action).order_by(col(AuditLog.id))).all()
        assert [one for one in kept if "progress_item" in one] == [
            "add_progress_item",
            "add_progress_item",
            "change_progress_item",
            "remove_progress_item",
            "remove_progress_item",
        ]

    await database.write(work)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"slack": 61}, plan.OutOfRange),
        ({"grace_days": 2.5}, plan.OutOfRange),
        ({"minutes_a_day": 0}, plan.OutOfRange),
        ({"pass_target": 98}, plan.OutOfRange),
        ({"required_modules": 4}, plan.MoreThanThere),
        ({"required_modules": 0}, plan.MoreThanThere),
        ({"makeup_until": START + 50 * DAY}, plan.MakeUpTooEarly),
        (
            {"makeup_from": START + 70 * DAY, "makeup_until": START + 65 * DAY},
            structure.EndsFirst,
        ),
        ({"milestones": (Milestone(date(2026, 12, 9), 20),)}, structure.OutsideClass),
        ({"milestones": (Milestone(date(2026, 12, 12), 120),)}, plan.OutOfRange),
        (
            {"milestones": (Milestone(date(2026, 12, 20), 50), Milestone(date(2026, 12, 31), 40))},
            plan.NotRising,
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(
    sqlite: Database, changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        modules(session, actor, batch, 3)
        with pytest.raises(refusal):
            plan.change(session, actor, batch, changes, now=NOW)

    await sqlite.write(work)


async def test_the_plan_is_changed_a_piece_at_a_time(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        made = modules(session, actor, batch, 3)
        steps = (Milestone(date(2026, 12, 31), 30), Milestone(date(2027, 1, 31), 80))
        until = START + 70 * DAY
        for changes in (
            {"required_modules": 3, "minutes_a_day": 60},
            {"milestones": steps},
            {"makeup_from": START + 61 * DAY, "makeup_until": until},
            {"has_bulletin": False, "slack": 20},
        ):
            plan.change(session, actor, batch, changes, now=NOW)
        found = plan.settings(session, actor, batch, now=NOW)
        assert (found.required_modules, found.minutes_a_day, found.slack) == (3, 60, 20)
        assert found.milestones == steps
        assert (found.makeup_until, found.has_bulletin) == (until, False)
        structure.remove_module(session, actor, made[0], now=NOW)
        assert plan.settings(session, actor, batch, now=NOW).required_modules == 2

    await database.write(work)


async def test_a_plan_moves_is_copied_and_is_thrown_away_with_its_class(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        actor = desk.county_coordinator(session)
        form = desk.form(
            session,
            template="remote_all_staff",
            mode=Mode.REMOTE,
            starts_at=START,
            ends_at=START + 60 * DAY,
        )
        made = making.create(session, actor, form, now=NOW)
        (first, *_) = plan.settings(session, actor, made.batch_id, now=NOW).items
        module = plan.modules_of(session, made.batch_id)[0][0]
        due = START + 10 * DAY
        plan.change_item(session, actor, first.item_id, {"module_id": module}, now=NOW)
        plan.change_item(session, actor, first.item_id, {"due_at": due}, now=NOW)
        steps = {"milestones": (Milestone(date(2026, 12, 31), 30),)}
        plan.change(session, actor, made.batch_id, steps, now=NOW)
        schedule.move(session, made.batch_id, starts_at=START + 2 * DAY, now=NOW)
        found = plan.settings(session, actor, made.batch_id, now=NOW)
        assert found.items[0].due_at == due + 2 * DAY
        assert found.milestones == (Milestone(date(2027, 1, 2), 30),)
        copy = making.clone(session, actor, made.batch_id, START + 9 * DAY, now=NOW)
        other = plan.settings(session, actor, copy.batch_id, now=NOW)
        assert other.items[0].due_at == due + 9 * DAY
        assert other.items[0].module_id == plan.modules_of(session, copy.batch_id)[0][0]
        assert (other.items[0].module_id, other.pass_target) != (module, None)
        assert other.milestones == (Milestone(date(2027, 1, 9), 30),)
        making.discard(session, actor, copy.batch_id, now=NOW)
        making.discard(session, actor, made.batch_id, now=NOW)
        for table in (RemotePlan, ProgressItem):
            assert session.exec(select(table)).all() == []

    await database.write(work)


async def test_a_class_studies_on_a_platform_of_its_county(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        made = platforms.create(
            session, actor, batch, " 国家平台 ", url="basic.example.cn", now=NOW
        )
        assert platforms.create(session, actor, batch, "国家平台", now=NOW) == made
        changes = {"url": "https://basic.example.cn/train", "guide": "用工号登录"}
        platforms.change(session, actor, made, changes, now=NOW)
        found = plan.settings(session, actor, batch, now=NOW)
        assert (found.platform, found.guide) == ("国家平台", "用工号登录")
        assert found.url == "https://basic.example.cn/train"
        with pytest.raises(platforms.NoAddress):
            platforms.change(session, actor, made, {"url": "javascript:alert(1)"}, now=NOW)
        other = make.school(session, "邻县小学", parent_id=None)
        foreign = Platform(name="邻县平台", owner_unit_id=other)
        session.add(foreign)
        session.flush()
        with pytest.raises(NotFound):
            platforms.choose(session, actor, batch, foreign.id, now=NOW)
        (listed,) = platforms.platforms(session, actor, batch, now=NOW)
        assert (listed.name, listed.is_chosen) == ("国家平台", True)
        platforms.choose(session, actor, batch, None, now=NOW)
        assert plan.settings(session, actor, batch, now=NOW).platform_id is None

    await database.write(work)


async def test_a_school_cannot_change_what_the_county_set(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        made = platforms.create(session, actor, batch, "国家平台", now=NOW)
        school = desk.school_coordinator(session)
        for refused in (
            lambda: plan.change(session, school, batch, {"slack": 20}, now=NOW),
            lambda: platforms.change(session, school, made, {"url": "x.cn"}, now=NOW),
            lambda: presets.take_usual(session, school, batch, language="en", now=NOW),
            lambda: tutors.share_out(session, school, batch, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                refused()

    await database.write(work)


def with_schools(session: Session, batch: int) -> dict[str, int]:
    """Three schools with eight, five and four people in the class."""
    found = {}
    for name, number in {"一小": 8, "二小": 5, "三小": 4}.items():
        classes.people_in(session, batch, number, at=name)
        found[name] = make.school(session, name)
    return found


def appointed(session: Session, actor: int, batch: int, name: str, role: Role) -> int:
    who = make.teacher(session, name, at="教研室")
    staffing.appoint(session, actor, batch, who, role, now=NOW)
    return who


async def test_schools_are_shared_out_among_the_tutors(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        units = with_schools(session, batch)
        assert tutors.share_out(session, actor, batch, now=NOW) == 0  # there is no tutor
        one = appointed(session, actor, batch, "梁素问", Role.TUTOR)
        other = appointed(session, actor, batch, "钟牧之", Role.TUTOR)
        tutors.assign(session, actor, batch, [units["三小"]], one, now=NOW)
        assert tutors.share_out(session, actor, batch, now=NOW) == 2
        assert tutors.share_out(session, actor, batch, now=NOW) == 0
        found = tutors.tutors(session, actor, batch, now=NOW)
        assert {line.name: line.tutor for line in found.schools} == {
            "三小": "梁素问",
            "一小": "钟牧之",
            "二小": "梁素问",
        }
        assert [(t.name, t.schools, t.people) for t in found.tutors] == [
            ("梁素问", 2, 9),
            ("钟牧之", 1, 8),
        ]
        with pytest.raises(NotFound):
            tutors.assign(session, actor, batch, [units["一小"]], actor, now=NOW)
        tutors.assign(session, actor, batch, [units["一小"]], None, now=NOW)
        assert tutors.tutors(session, actor, batch, now=NOW).without == 1
        assert len(session.exec(select(TutorUnit)).all()) == 2
        assert other

    await database.write(work)


async def test_who_has_no_tutor_has_the_class_teacher(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        (who,) = classes.people_in(session, batch, 1, at="一小")
        assert looking.nearest(session, who, now=NOW)[1] == ()
        teacher = appointed(session, actor, batch, "周明远", Role.CLASS_TEACHER)
        tutor = appointed(session, actor, batch, "梁素问", Role.TUTOR)
        assert looking.nearest(session, who, now=NOW)[1] == (teacher,)
        tutors.share_out(session, actor, batch, now=NOW)
        assert looking.nearest(session, who, now=NOW)[1] == (tutor,)
        staffing.dismiss(session, actor, batch, tutor, Role.TUTOR, now=NOW)
        assert looking.nearest(session, who, now=NOW)[1] == (teacher,)

    await database.write(work)


async def test_who_is_exempt_is_nobodys_to_tutor(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch = remote(session)
        classes.joins(session, batch, make.teacher(session), RegistrationState.EXEMPT)
        assert tutors.tutors(session, actor, batch, now=NOW).schools == ()

    await database.write(work)


async def test_the_make_up_window_is_offered_first_when_somebody_may_make_up(
    sqlite: Database,
) -> None:
    def work(session: Session) -> date | None:
        actor, batch = remote(session)
        assert plan.make_up_day(session, batch) is None
        ends = datetime(2027, 2, 26, 16, tzinfo=UTC)  # the end of the 26th in Shanghai
        plan.change(session, actor, batch, {"makeup_until": ends}, now=NOW)
        return plan.make_up_day(session, batch)

    window = await sqlite.write(work)
    assert window == date(2027, 2, 26)
    today = date(2027, 2, 20)
    labels = [row[0].label for row in make_up_card(1, 0, "en", today, window).keys]
    assert labels[0] == "Until Fri 26 Feb"
    assert len(make_up_card(1, 0, "en", window, window).keys) == len(labels) - 1  # it is over
