"""The timetable of a class, as its organiser and its participants see it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlmodel import select

from handlers.training.timetables import is_timetable, read_timetable
from storage import sheets
from storage.people.tables import Role
from storage.training.tables import ClassSession, Module, Phase
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = date(2026, 11, 20)
START = NOW + timedelta(days=10)  # Monday 30 November, 9:00 in Shanghai


async def organiser(stage: Stage) -> Actor:
    return await stage.holder("周明", Role.COUNTY_COORDINATOR, at="澄禾县教师发展中心")


async def a_class(stage: Stage, title: str = "新教师三段式研修", **differs: Any) -> int:
    dates = {"starts_at": START, "ends_at": START + timedelta(days=20)}
    return await stage.database.write(make.batch, title, **dates | differs)


async def rows(stage: Stage, table: Any) -> list[Any]:
    return await stage.database.read(lambda session: list(session.exec(select(table)).all()))


async def test_an_organiser_builds_three_phases_a_module_and_meetings(stage: Stage) -> None:
    zhou = await organiser(stage)
    await a_class(stage)
    await zhou.says("/desk")
    await zhou.taps("Programmes")
    await zhou.taps("新教师三段式研修")
    assert "Nothing has been planned yet." in await zhou.taps("Timetable")

    await zhou.taps("Add a phase")
    assert "type the days" in await zhou.taps("concentrated training")
    assert "I could not read" in await zhou.says("下学期")
    assert "not on the days of the class" in await zhou.says("集中培训 10月1日至10月3日")
    assert "集中培训 · Mon 30 Nov – Wed 2 Dec" in await zhou.says("集中培训 11月30日至12月2日")
    await zhou.taps("Back")
    for kind in ("shadowing practice", "online study"):
        await zhou.taps("Add a phase")
        await zhou.taps(kind)
        await zhou.taps("Without dates")
        await zhou.taps("Back")
    assert "3. online study" in zhou.sees()
    assert "no module on ethics" in zhou.sees()

    await zhou.taps("1. 集中培训")
    await zhou.taps("Add a module")
    await zhou.taps("ethics and conduct")
    assert "师德专题 · ethics and conduct · 4 hours" in await zhou.says("师德专题 4学时")
    await zhou.taps("Add meetings")
    shown = await zhou.says(
        "11月30日 9:00-11:30 开班仪式 @报告厅\n12月1日（周二）14:00-17:00 名师讲座\n报到须知"
    )
    assert "New: 2. Changed: 0. Already there: 0. Not to be put in: 1." in shown
    assert "报到须知 (not understood)" in shown
    assert await rows(stage, ClassSession) == []
    assert "2 meetings were put in." in await zhou.taps("Put it in")
    assert "The modules come to 4 of 8 hours." in zhou.sees()
    assert "Mon 30 Nov, 09:00–11:30 开班仪式 · 报告厅" in zhou.sees()
    assert "no module on ethics" not in zhou.sees()
    assert len(await rows(stage, ClassSession)) == 2
    await zhou.taps("Undo")
    assert await rows(stage, ClassSession) == []
    assert (await rows(stage, Phase))[0].title == "集中培训"
    assert len(await rows(stage, Module)) == 1


async def test_a_moved_meeting_is_told_to_who_takes_part_once(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await lin.starts(f"p{batch}")
    await lin.taps("Register")
    await zhou.starts(f"run{batch}")
    await zhou.taps("Timetable")
    await zhou.taps("Add meetings")
    await zhou.says("12月1日 14:00-17:00 名师讲座 @二楼")
    await zhou.taps("Put it in")
    await zhou.taps("Meetings")
    await zhou.taps("名师讲座")
    await zhou.taps("Time")
    assert "I could not read" in await zhou.says("改天")
    assert "to Tue 1 Dec, 09:00–12:00" in await zhou.says("12月1日 9:00")
    asked = await zhou.says("12月2日 9:00")
    assert "from Tue 1 Dec, 14:00–17:00" in asked
    assert "to Wed 2 Dec, 09:00–12:00" in asked
    far = "tsm:1:999999999999999:999999999999999"
    assert "out of date" in await zhou.sends_data(far)
    assert "Done. 1 participant is told." in await zhou.taps("Move it")
    await zhou.taps("Place")
    assert "三楼" in await zhou.says("三楼")
    await stage.deliver()
    changed = [m.text for m in lin.messages() if "[Changed]" in m.text]
    assert len(changed) == 1
    assert "Wed 2 Dec, 09:00–12:00" in changed[0]
    assert "三楼" in changed[0]
    assert not [m for m in shi.messages() if "[Changed]" in m.text]
    await zhou.taps("Remove")
    await zhou.taps("Remove")
    await stage.deliver()
    assert "does not take place" in lin.sees()


SHEET = [
    ["新教师培训课程安排表", "", "", "", ""],
    ["日期", "时间", "培训内容", "主讲人", "地点"],
    ["2026-11-30", "9:00-11:30", "开班仪式", "陈老师、李老师", "报告厅"],
    ["", "14:00-17:00", "名师讲座", "王老师", ""],
    ["12月1日（周二）", "上午9点-11点", "分组研讨", "", "教室2"],
    ["12月2日", "待定", "结业展示", "", ""],
]


async def test_a_dropped_timetable_is_shown_put_in_and_undone(stage: Stage) -> None:
    zhou = await organiser(stage)
    batch = await a_class(stage)
    content = sheets.write([("课程", SHEET)])
    book = sheets.read(content, "课程安排.xlsx")
    assert is_timetable(book)
    found, lost = read_timetable(book, NOW, stage.office.house.zone)
    assert [line.title for line in found] == ["开班仪式", "名师讲座", "分组研讨"]
    assert found[0].trainers == ("陈老师", "李老师")
    assert lost == ["12月2日 待定 结业展示"]
    shown = await zhou.sends_file("课程安排.xlsx", content)
    assert "New: 3." in shown
    assert "待定" in shown
    first = zhou.messages()[-1]
    press = first.button("Put it in")["callback_data"]
    assert "3 meetings were put in." in await zhou.taps("Put it in")
    # The second of two taps is told what the first did.
    await zhou.sends_data(press)
    assert "3 meetings were put in." in zhou.sees()
    assert "Undo" in zhou.labels()
    again = await zhou.sends_file("课程安排.xlsx", content)
    assert "New: 0. Changed: 0. Already there: 3." in again
    assert "Put it in" not in zhou.labels()
    # With more than one class it is asked which.
    await a_class(stage, "别的培训")
    assert "Of which class?" in await zhou.sends_file("课程安排.xlsx", content)
    assert "Not to be put in: 1." in await zhou.taps("别的培训")
    # Asked for, it is the class's that asked.
    await zhou.starts(f"run{batch}")
    await zhou.taps("Timetable")
    await zhou.taps("Add meetings")
    assert "Already there: 3." in await zhou.sends_file("课程安排.xlsx", content)


async def test_a_participant_sees_the_timetable_and_takes_it_along(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await stage.teacher("林若溪")
    await zhou.starts(f"run{batch}")
    await zhou.taps("Timetable")
    await zhou.taps("Add a phase")
    await zhou.taps("concentrated training")
    await zhou.says("集中培训 11月30日至12月2日")
    await zhou.taps("Add meetings")
    await zhou.says("12月1日 14:00-17:00 名师讲座\n12月2日 9:00-11:00 研讨")
    await zhou.taps("Put it in")
    await lin.starts(f"p{batch}")
    assert "Timetable" not in lin.labels()
    assert "集中培训" in lin.sees()
    await lin.taps("Register")
    assert "名师讲座" in await lin.taps("Timetable")
    await lin.taps("Add to calendar")
    ((name, content),) = lin.files()
    assert name == "新教师三段式研修 timetable.ics"
    assert content.count(b"BEGIN:VEVENT") == 2
    shi = await stage.teacher("石晓岚")
    await shi.starts(f"p{batch}")
    assert "no longer there" in await shi.sends_data(f"mt:{batch}")


async def test_whoever_does_not_run_the_class_cannot_reach_its_keys(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    await zhou.starts(f"run{batch}")
    await zhou.taps("Timetable")
    await zhou.taps("Add a phase")
    await zhou.taps("online study")
    await zhou.taps("Without dates")
    (phase,) = await rows(stage, Phase)
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    for data in (
        f"tt:{batch}",
        f"ttl:{batch}:0",
        f"tp:{phase.id}",
        f"tpp:{phase.id}:1",
        f"tpg:{phase.id}:1",
        f"tph:{phase.id}:1",
        f"tpx:{phase.id}:1",
        f"tpa:{batch}:online:1",
    ):
        assert "right to do this" in await lin.sends_data(data), data
    await lin.sends_data(f"tta:{batch}:0")
    await lin.says("12月1日 14:00-17:00 名师讲座")
    assert "right to do this" in lin.sees()
    assert await rows(stage, ClassSession) == []


async def test_a_restart_in_the_middle_loses_nothing(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    await zhou.starts(f"run{batch}")
    await zhou.taps("Timetable")
    await zhou.taps("Add meetings")
    await zhou.says("12月1日 讲座")
    assert "the name is too long" in await zhou.says("12月1日 14:00-17:00 " + "长" * 121)
    await zhou.says("12月1日 14:00-17:00 名师讲座")
    stage.office.application.bot_data.pop("redirected", None)  # nothing of it is in memory
    data = zhou.messages()[-1].button("Put it in")["callback_data"]
    for _ in range(2):
        stage.world.tap(zhou.id, zhou.id, zhou.messages()[-1].id, data, forged=True)
    await stage.settle()
    assert len(await rows(stage, ClassSession)) == 1
