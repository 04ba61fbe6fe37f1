"""Whoever runs a class says at their phone how it is studied remotely."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from handlers.training.remote.setting_words import read_amount, read_milestones, read_share
from storage.people.tables import Role
from storage.training import staffing
from storage.training.remote import plan
from storage.training.remote.plan import Milestone
from storage.training.remote.tables import Measure
from storage.training.tables import Mode
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training import classes
from tests.training.test_desk_talk import SHANGHAI, county, restarted

DAY = timedelta(days=1)


async def at_settings(stage: Stage, mode: Mode = Mode.REMOTE) -> tuple[Actor, int]:
    gu = await county(stage)

    def made(session: Session) -> int:
        return make.batch(
            session,
            "全员远程培训",
            programme={"mode": mode},
            starts_at=NOW + 3 * DAY,
            ends_at=NOW + 60 * DAY,
        )

    batch = await stage.database.write(made)
    await gu.says("/desk")
    await gu.taps("Programmes")
    await gu.taps("1. 全员远程培训")
    return gu, batch


async def settings(stage: Stage, gu: Actor, batch: int) -> plan.Settings:
    assert gu.teacher_id is not None
    return await stage.database.read(plan.settings, gu.teacher_id, batch, now=stage.clock())


async def test_the_usual_plan_with_a_platform_in_a_few_taps(stage: Stage) -> None:
    gu, batch = await at_settings(stage)
    shown = await gu.taps("Remote study")
    assert "No platform has been chosen yet." in shown
    assert "Nothing counts yet" in shown
    shown = await gu.taps("Take the usual")
    assert "· Watching lessons: 900 minutes, 40% of the work" in shown
    assert "Targets: 100% take part, 98% pass" in shown
    assert "Take the usual" not in gu.labels()
    await gu.taps("Platform")
    await gu.taps("New platform")
    shown = await gu.says("国家平台 study.example.cn")
    assert "will be led to https://study.example.cn" in shown
    shown = await gu.taps("It is right")
    assert "国家平台: https://study.example.cn" in shown
    await gu.taps("How to log in")
    assert "How to log in: 用工号登录" in await gu.says("用工号登录，初始密码由学校发放。")
    await gu.taps("Address")
    assert "no address of a site" in await gu.says("打开就行")
    assert "https://a.example.cn" in await gu.says("https://a.example.cn/")
    await gu.taps("Back")
    await gu.taps("Bars in groups: on")
    assert "Bars in groups: off" in gu.labels()
    assert not (await settings(stage, gu, batch)).has_bulletin


async def test_what_counts_is_added_changed_and_removed(stage: Stage) -> None:
    gu, batch = await at_settings(stage)
    await gu.taps("Remote study")
    await gu.taps("What counts")
    await gu.taps("Add something")
    await gu.taps("watching lessons")
    async with restarted(stage):
        assert "could not read" in await gu.says("看完为止")
        assert "Required: 720 minutes" in await gu.says("专题课程 12小时")
    await gu.taps("Back")
    await gu.taps("Add something")
    await gu.taps("test")
    assert "Required: 60 points" in await gu.says("60")
    await gu.taps("Weight")
    assert "What share of the whole work" in gu.sees()
    assert "from 1 to 99" in await gu.says("100%")
    assert "Weight: 75% of the work" in await gu.says("75%")
    await gu.taps("Due date")
    assert "not on the days of the class" in await gu.says("2027年3月1日")
    assert "Due: by Fri 11 Dec, 17:00" in await gu.says("12月11日 17:00")
    await gu.taps("Due date")
    assert "Due: by Fri 11 Dec, 24:00" in await gu.says("12月11日")
    assert "Optional" in await gu.taps("Make it optional")
    assert "count no longer?" in await gu.taps("Remove")
    shown = await gu.taps("Confirm")
    assert "专题课程: 720 minutes, 100% of the work" in shown
    assert len((await settings(stage, gu, batch)).items) == 1


async def test_pace_thresholds_targets_and_make_up(stage: Stage) -> None:
    gu, batch = await at_settings(stage)
    await gu.taps("Remote study")
    await gu.taps("Pace and modules")
    assert "Pace: 60 minutes a working day" in await gu.taps("An hour a day")
    await gu.taps("Milestones")
    shown = await gu.says("12月11日 40%\n12月31日 80%")
    assert "40% by Fri 11 Dec, 80% by Thu 31 Dec" in shown
    await gu.taps("Evenly")
    assert "evenly over the working days" in gu.sees()
    await gu.taps("Modules required")
    assert "belongs to a module yet" in await gu.says("3")
    await gu.taps("Cancel")
    await gu.taps("Back")
    await gu.taps("Thresholds")
    await gu.taps("Behind")
    assert "from 0 to 60" in await gu.says("90")
    assert "more than 20 points below the pace" in await gu.says("20")
    await gu.taps("Back")
    await gu.taps("Targets")
    assert "100% take part, 95% pass" in await gu.says("100 95%")
    await gu.taps("Make-up window")
    assert "after the class" in await gu.says("12月10日至12月20日")
    assert "Make-up: Mon 25 Jan" in await gu.says("2027年1月25日至2027年2月5日")
    found = await settings(stage, gu, batch)
    assert (found.slack, found.pass_target, found.minutes_a_day) == (20, 0.95, None)


async def test_schools_get_their_tutors(stage: Stage) -> None:
    gu, batch = await at_settings(stage)

    def people(session: Session) -> None:
        classes.people_in(session, batch, 3, at="一小")
        classes.people_in(session, batch, 2, at="二小")

    await stage.database.write(people)
    await gu.taps("Remote study")
    assert "Nobody is tutor of this class yet." in await gu.taps("Tutors")

    def appointed(session: Session) -> None:
        who = make.teacher(session, "梁素问", at="教研室")
        assert gu.teacher_id is not None
        staffing.appoint(session, gu.teacher_id, batch, who, Role.TUTOR, now=NOW)

    await stage.database.write(appointed)
    await gu.taps("Back")
    assert "Schools without a tutor: 2" in await gu.taps("Tutors")
    assert "梁素问: schools 2, people 5" in await gu.taps("Share them out")
    assert gu.alert == "2 schools have a tutor now."
    await gu.taps("二小 (2): 梁素问")
    assert "Schools without a tutor: 1" in await gu.taps("Nobody in particular")


async def test_a_class_in_a_room_has_no_remote_study(stage: Stage) -> None:
    gu, _batch = await at_settings(stage, Mode.FACE_TO_FACE)
    assert "Remote study" not in gu.labels()
    assert "Timetable" in gu.labels()


async def test_a_teacher_s_forged_tap_changes_nothing(stage: Stage) -> None:
    gu, batch = await at_settings(stage)
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    for data in (f"yxu:{batch}", f"yx:{batch}", f"yxa:mi:{batch}:0", f"yxvo:{batch}"):
        await lin.sends_data(data)
        assert "do not have the right" in lin.alert
    assert not (await settings(stage, gu, batch)).has_plan


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("观看课程 900分钟", ("观看课程", 900, Measure.MINUTES)),
        ("12.5 hours", ("", 750, Measure.MINUTES)),
        ("作业2次", ("作业", 2, Measure.TIMES)),
        ("发帖４条", ("发帖", 4, Measure.TIMES)),
        ("测试：60分", ("测试", 60, Measure.POINTS)),
        ("80%", ("", 80, Measure.PERCENT)),
        ("60", ("", 60, None)),
        ("专题1课程 90 minutes", ("专题1课程", 90, Measure.MINUTES)),
        ("全部看完", None),
        ("3米", None),
    ],
)
def test_amounts_are_read_as_people_type_them(
    text: str, read: tuple[str, float, Measure | None] | None
) -> None:
    found = read_amount(text)
    assert (found and (found.title, found.required, found.measure)) == read


def test_shares_and_milestones_are_read_as_people_type_them() -> None:
    assert [read_share(text) for text in ("98", "98%", "0.98", "100", "多")] == [
        0.98,
        0.98,
        0.98,
        1.0,
        None,
    ]
    typed = "12月31日 80%；12月11日 40％"
    assert read_milestones(typed, NOW, SHANGHAI) == (
        Milestone(date(2026, 12, 11), 40),
        Milestone(date(2026, 12, 31), 80),
    )
    assert read_milestones("年底 80%", NOW, SHANGHAI) is None
