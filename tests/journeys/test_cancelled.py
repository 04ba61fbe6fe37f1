"""What is paused goes on, what is called off is told once, and a thin class gives way."""

from __future__ import annotations

from datetime import timedelta

from tests import make
from tests.journeys import cast
from tests.stage import Stage

TITLE = "朗读指导专题培训"


async def test_a_programme_is_paused_resumed_and_called_off_with_one_message(stage: Stage) -> None:
    gu = await cast.county(stage)
    lin, shi = [await cast.person(stage, name) for name in ("林若溪", "石晓岚")]
    batch_id = await stage.database.write(make.batch, TITLE)
    for who in (lin, shi):
        await who.starts(f"p{batch_id}")
    open_card = cast.data(shi, "立即报名")
    await lin.taps("立即报名")
    await gu.starts(f"run{batch_id}")
    await gu.taps("更多")
    old = cast.data(gu, "暂停")
    assert "不另行通知教师" in await gu.taps("暂停")
    assert "状态：已暂停" in await gu.taps("确认暂停")
    await shi.sends_data(open_card)
    assert shi.alert
    assert "立即报名" not in shi.labels()
    await gu.taps("继续")
    assert gu.alert == "已恢复，提醒已重新安排。"
    await shi.sends_data(open_card)
    assert f"已录取：《{TITLE}》" in shi.alert

    await gu.taps("更多")
    assert "将告知已录取和候补的2人" in await gu.taps("取消项目")
    assert "告知的原因：授课专家行程变更" in await gu.says("授课专家行程变更")
    assert "状态：已取消" in await gu.taps("确认取消")
    before = [len(who.messages()) for who in (lin, shi)]
    await stage.passes(minutes=5)
    for who in (lin, shi):
        assert "不再举行" in who.sees()
        assert "原因：授课专家行程变更" in who.sees()
    for _day in range(30):
        await stage.passes(days=1)
    assert [len(who.messages()) - 1 for who in (lin, shi)] == before
    await gu.sends_data(old)
    await gu.taps("确认暂停")
    assert gu.alert, gu.sees()
    await shi.sends_data(open_card)
    assert shi.alert


async def test_a_thin_class_gives_way_and_its_people_choose_first(stage: Stage) -> None:
    gu, lin = await cast.county(stage), await cast.person(stage, "林若溪")
    wang = await cast.person(stage, "王知远")
    thin = await stage.database.write(make.batch, "朗诵班", seats=9)
    other = await stage.database.write(make.batch, "书法班", seats=9)
    await lin.starts(f"p{thin}")
    await lin.taps("立即报名")
    await gu.starts(f"run{thin}")
    await gu.taps("名额")
    await gu.taps("开班人数")
    assert "开班人数：3人" in await gu.says("3, 12-01 17:00, 12-04 17:00")
    stage.clock.advance(timedelta(days=10, hours=8))
    await stage.deliver()
    assert "《朗诵班》目前有1人，开班人数为3人" in gu.sees()
    await stage.passes(days=1, minutes=1)
    assert "您可在12月4日（周五）17:00前优先另选一个班次" in lin.sees()
    assert "fewer" not in lin.sees()
    await lin.starts(f"p{other}")
    await lin.taps("立即报名")
    assert "已录取：《书法班》" in lin.alert
    await wang.starts(f"p{other}")
    assert "立即报名" not in wang.labels()
    await gu.taps("照常开班")
    assert gu.alert
