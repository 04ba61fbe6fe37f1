"""A national programme of two seats, one of them reserved for the countryside."""

from __future__ import annotations

import json
from datetime import date, timedelta

from sqlmodel import Session

from storage.people.tables import Posting
from tests import make
from tests.journeys import cast
from tests.stage import Actor, Stage

TITLE = "语文骨干教师国培"


async def publishes(gu: Actor) -> None:
    """From the national template, two seats, handed to one school, the list due on a day."""
    await gu.says("/desk")
    await gu.taps("培训项目")
    await gu.taps("新建项目")
    await gu.taps("从模板新建")
    await gu.taps("›")
    await gu.taps("国培计划（短期集中）")
    await gu.says(TITLE)
    await gu.says("2027-01-11 至 2027-01-20")
    await gu.taps("确定")
    await gu.says("省师范大学")
    ready = await gu.says("2")
    assert "国家级 · 集中培训 · 80学时" in ready
    assert "参加方式：学校推荐" in ready
    await gu.taps("生成草稿")
    await gu.taps("名额")
    await gu.taps("逐校填写名额")
    assert "城东小学：0 → 2（符合对象4人），预留：乡村学校1个" in await gu.says("城东小学 2 乡村1")
    assert "已分配：1所学校的名额有变化" in await gu.taps("确认分配")
    assert "撤销" in gu.labels()
    await gu.sends_data("stw:1:roster")
    await gu.says("2027-02-01 12:00")
    assert "2027年1月11日" in gu.sees()  # not after the start
    await gu.sends_data("stw:1:roster")
    assert "名单可在2027年1月8日（周五）12:00前调整" in await gu.says("2027-01-08 12:00")
    await gu.taps("返回")
    await gu.taps("检查并发布")
    assert "状态：已发布" in await gu.taps("发布")


async def to_people(luo: Actor) -> str:
    await luo.says("/desk")
    await luo.taps("培训项目")
    await luo.taps(TITLE)
    return await luo.taps("参训人员")


async def test_two_seats_are_filled_changed_and_written_into_a_log(stage: Stage) -> None:
    await cast.schools(stage)
    gu, luo = await cast.county(stage), await cast.school(stage)
    lin, wang, qiao = [await cast.person(stage, name) for name in ("林若溪", "王知远", "乔木")]

    def helps_out(session: Session) -> None:
        assert qiao.teacher_id is not None
        village = make.school(session, cast.THERE)
        since = date(2026, 9, 1)
        session.add(
            Posting(teacher_id=qiao.teacher_id, unit_id=village, since=since, is_primary=False)
        )

    await stage.database.write(helps_out)
    await publishes(gu)
    await stage.passes(minutes=12)
    assert f"城东小学在《{TITLE}》中有2个名额" in luo.sees()

    # The reserved seat stays reserved; consent is asked.
    assert "预留：乡村学校1个；尚未用：1个" in await luo.taps("参训人员")
    await luo.taps("推荐")
    await luo.taps("林若溪")
    assert "已选：林若溪、王知远" in await luo.taps("王知远")
    await luo.taps("推荐2人")
    assert "王知远不属于预留对象" in luo.alert
    await luo.taps("王知远")
    await luo.taps("乔木")
    again = cast.data(luo, "推荐2人")
    await luo.taps("推荐2人")
    assert luo.alert == "已推荐2人。"
    await luo.sends_data(again)  # the old card once more
    assert "空余0个" in luo.sees()
    assert "名额2个，空余0个" in await to_people(luo)
    await stage.deliver()
    for who in (lin, qiao):
        assert cast.told(who, f"学校拟推荐您参加《{TITLE}》") == 1
        assert "待县审核" in await who.taps("同意参加")

    # Another goes instead of one, before the list is reported.
    await to_people(luo)
    await luo.taps("林若溪")
    await luo.taps("换人")
    await luo.taps("王知远")
    assert "已由王知远替换林若溪" in await luo.says("临时有教学任务")
    await stage.deliver()
    assert "已改由一位同事参加" in lin.sees()
    await lin.sends_data("nope:1")
    assert lin.alert
    await wang.taps("同意参加")
    await gu.says("/approvals")
    await gu.taps("全部通过（2）")
    await stage.passes(minutes=12)
    for who in (wang, qiao):
        assert cast.told(who, "您已被录取") == 1

    # After it, the school is refused in words, on whatever card it stood.
    stage.clock.advance(timedelta(days=49, hours=2))  # Friday 8 January, 11:24
    await to_people(luo)
    await luo.taps("王知远")
    await luo.taps("换人")
    await luo.taps("林若溪")
    stage.clock.advance(timedelta(hours=1))
    assert "名单已" in await luo.says("家中有事")
    await to_people(luo)
    assert "推荐" not in luo.labels()
    await luo.taps("王知远")
    assert "换人" not in luo.labels()
    await to_people(gu)
    await gu.taps("王知远")
    await gu.taps("换人")
    await gu.taps("林若溪")
    assert "已由林若溪替换王知远" in await gu.says("家中有事，县级同意")

    # The log goes out, comes back, and an altered one is found.
    await luo.says("/desk")
    await luo.taps("培训项目")
    await luo.taps(TITLE)
    assert "任何一行被改动都会被发现" in await luo.taps("决定日志")
    await luo.taps("获取文件")
    name, content = luo.files()[-1]
    assert "完整无改动，与此处一致" in await luo.sends_file(name, content)
    rows = content.decode().splitlines()
    line = json.loads(rows[2])
    line["line"] = line["line"].replace("nominated", "returned")
    rows[2] = json.dumps(line, ensure_ascii=False)
    assert "文件的第2行被改动过" in await luo.sends_file(name, "\n".join(rows).encode())
    assert "没有办理这一项的权限" in await lin.sends_file(name, content)
