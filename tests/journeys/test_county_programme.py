"""A county's programme from its first word to the hours in the ledger, with seven people."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from storage import sheets
from tests.journeys import cast
from tests.stage import Actor, Stage

SHANGHAI = ZoneInfo("Asia/Shanghai")
TITLE = "作业设计专题培训"


async def drafts(gu: Actor) -> None:
    """A programme by the dialogue: primary Chinese teachers, approved by school and county."""
    await gu.says("/desk")
    await gu.taps("培训项目")
    await gu.taps("新建项目")
    assert "项目名称是什么" in await gu.taps("自行填写")
    assert "属于哪类培训" in await gu.says(TITLE)
    await gu.taps("岗位技能")
    assert "2026年12月10日（周四）14:00–17:00" in await gu.says("12月10日 14:00-17:00")
    await gu.taps("确定")
    await gu.says("三楼报告厅")
    await gu.says("30")
    for key in ("逐项设置", "县级", "集中培训", "自主报名", "学校、主办方", "小学"):
        await gu.taps(key)
    await gu.taps("继续")
    await gu.taps("语文")
    await gu.taps("继续")
    await gu.says("6")
    ready = await gu.taps("按惯例")
    assert "对象：学段为小学；学科为语文" in ready
    assert "审批：学校、主办方两级" in ready
    assert "草稿，仅您可见" in await gu.taps("生成草稿")


async def plans(gu: Actor) -> None:
    """Two meetings, a task, a tutor and a certificate."""
    await gu.taps("课程安排")
    await gu.taps("添加课次")
    shown = await gu.says("12月10日 14:00-15:30 名师讲座\n12月10日 15:40-17:00 分组研讨 @二楼")
    assert "15:40–17:00 分组研讨 · 二楼" in shown
    assert "新增了2次课" in await gu.taps("确认导入")
    await gu.taps("返回")
    await gu.taps("作业任务")
    await gu.taps("布置作业")
    await gu.says("教学设计 12月10日 16:30\n一份课时设计，文字即可")
    await gu.taps("提交文字")
    await gu.taps("通过或退回")
    await gu.taps("确认布置")
    await gu.taps("返回")
    await gu.taps("返回")
    await gu.taps("更多")
    await gu.taps("班级人员")
    await gu.taps("添加辅导")
    await gu.says("钟牧之")
    await gu.taps("钟牧之")
    assert "钟牧之（南塘乡中心小学）：辅导教师" in await gu.taps("确认任命")
    await gu.taps("返回")
    await gu.taps("返回")
    await gu.taps("查看与修改")
    await gu.taps("证书")
    await gu.says("县级培训结业证书")
    await gu.taps("返回")


async def comes(stage: Stage, day: int, hour: int, minute: int = 0) -> None:
    """Let December come to this moment in Shanghai, with the daily briefs on the way."""
    end = datetime(2026, 12, day, hour, minute, tzinfo=SHANGHAI)
    while stage.clock() < end:
        today = stage.clock().astimezone(SHANGHAI)
        rounds = (today.replace(hour=9, minute=0), today.replace(hour=16, minute=45))
        following = [at for at in rounds if at > today] or [rounds[0] + timedelta(days=1)]
        left = min(following[0], end) - today
        await stage.passes(minutes=left.total_seconds() / 60)


def digits(gu: Actor) -> str:
    """The code in the newest picture."""
    text = [message.text for message in gu.messages() if message.photo][-1]
    found = re.search(r"\d{3} \d{3}", text)
    assert found is not None, text
    return found.group()


async def test_from_the_first_word_of_a_programme_to_the_hours_of_a_teacher(stage: Stage) -> None:
    await cast.schools(stage)
    gu, luo = await cast.county(stage), await cast.school(stage)
    lin = await cast.person(stage, "林若溪", staff_no="CH060012")
    shi = await cast.person(stage, "石晓岚", staff_no="CH060013")
    zhong = await cast.person(stage, "钟牧之", at=cast.THERE)
    await drafts(gu)
    await plans(gu)

    # Rehearsed, published.
    assert "将有3人收到消息" in await gu.taps("预演")
    assert "报名开始 · 3人" in await gu.taps("按日查看")
    await gu.taps("返回")
    await gu.taps("导出表格")
    assert gu.files()[-1][1][:2] == b"PK"
    await gu.starts("run1")
    assert "对象共3人" in await gu.taps("检查并发布")
    card = gu.messages()[-1]
    data = card.button("发布")["callback_data"]
    for _ in range(2):  # tapped twice
        stage.world.tap(gu.id, gu.id, card.id, data)
    await stage.settle()
    assert "状态：已发布" in gu.sees()

    # Registered by the teachers, approved by the school and by the county.
    await stage.passes(minutes=2)
    for who in (lin, shi):
        await who.says("/programmes")
        await who.taps(TITLE)
        assert "已报名，待学校审核" in await who.taps("立即报名")
        assert "等待学校审核" in who.alert
    await luo.says("/desk")
    assert "报名：2人待审" in await luo.taps("审核（2）")
    old = cast.data(luo, "全部通过")
    await luo.taps("全部通过（2）")
    assert "林若溪、石晓岚" in luo.alert
    assert "09:12前可以撤回" in luo.alert
    await luo.sends_data(old)  # the old card, tapped on a phone that lags behind
    assert "没有待您审核的事项" in luo.sees()
    assert "撤销" in luo.labels()
    await stage.passes(minutes=12)
    assert cast.told(lin, "您已被录取") == 0
    await gu.says("/approvals")
    assert "学校审核人：罗佳宁" in await gu.taps("逐一办理")
    await gu.taps("通过")
    assert "没有待您审核的事项" in await gu.taps("通过")
    await stage.passes(minutes=12)
    for who in (lin, shi):
        assert cast.told(who, f"您已被录取：《{TITLE}》") == 1

    # Reminded on the day before, once.
    await comes(stage, 8, 20)
    before = len(lin.messages())
    await comes(stage, 9, 20)
    told = [message.text for message in lin.messages()[before:]]
    assert len(told) == 1, told
    assert f"《{TITLE}》12月10日（周四）14:00开始，地点：三楼报告厅" in told[0]

    # Present: a typed code at one meeting, the key in the menu at the other.
    await comes(stage, 10, 13, 46)
    await gu.starts("run1")
    await gu.taps("考勤")
    await gu.taps("名师讲座")
    await gu.taps("显示签到码")
    assert f"签到成功：《{TITLE} · 名师讲座》" in await lin.says(digits(gu))
    assert "您已于12月10日（周四）13:46签到" in await lin.says(digits(gu))
    await lin.says("/mine")
    await lin.taps(TITLE)
    await lin.taps("作业任务")
    await lin.taps("教学设计")
    await lin.taps("提交")
    assert "已提交，待批阅" in await lin.says("第一课时：导入、品读、仿写。")

    await zhong.says("/desk")
    assert "1份作业待审阅" in zhong.sees()
    await zhong.taps("培训项目")
    await zhong.taps("1.")
    await zhong.taps("作业任务")
    assert "林若溪 · 城东小学" in await zhong.taps("批阅1份作业")
    assert "已通过：林若溪" in await zhong.taps("通过")
    await comes(stage, 10, 15, 36)
    await gu.starts("run1")
    await gu.taps("考勤")
    await gu.taps("分组研讨")
    await gu.taps("显示签到码")
    await lin.says("/menu")
    await lin.taps("立即签到")
    assert "还可尝试9次" in await lin.says("111111")
    assert "签到成功" in await lin.says(digits(gu))

    # Marks from a table, who completed, the hours.
    await comes(stage, 10, 17, 30)
    rows: list[list[Any]] = [
        ["工号", "姓名", "成绩"],
        ["CH060012", "林若溪", 92],
        ["CH060013", "石晓岚", "缺考"],
        ["CH999999", "某某", 70],
    ]
    assert "成绩所属的班次" in await gu.sends_file("成绩.xlsx", sheets.write([("成绩", rows)]))
    assert "第4行：不在本班次" in await gu.taps(TITLE)
    assert "成绩已录入" in await gu.taps("录入2人")
    await gu.taps("考核结果")
    await gu.taps("结业")
    await gu.taps("从未到场")
    assert "石晓岚：出勤0/2" in gu.sees()
    await gu.taps("返回")
    asked = await gu.taps("确认（2人）")
    assert "十分钟内可撤销" in asked
    assert "可结业：1人" in asked
    assert "已结业：1人、未参训：1人" in await gu.taps("确认")
    await gu.starts("run1")
    shown = await gu.taps("学时")
    assert "岗位技能，2026-2027学年：1人，共6学时" in shown
    card = gu.messages()[-1]
    data = card.button("登记")["callback_data"]
    for _ in range(2):
        stage.world.tap(gu.id, gu.id, card.id, data)
    await stage.settle()
    assert "没有变化" in gu.sees()
    await gu.taps("撤销")  # the second tap has not taken the key away
    assert "一切恢复" in gu.alert or "已撤销" in gu.alert
    await gu.starts("run1")
    await gu.taps("学时")
    assert "已为1人登记共6学时" in await gu.taps("登记")

    # One message; the hours, their source and rule; the number of the certificate.
    before = len(lin.messages())
    await comes(stage, 14, 20)  # the phone has rung enough this week
    told = [message.text for message in lin.messages()[before:] if "+6学时" in message.text]
    assert len(told) == 1, [message.text for message in lin.messages()[before:]]
    assert "本学年合计：6/72学时" in told[0]
    shown = await lin.says("/hours")
    assert "本学年（2026-2027）：6/72学时" in shown
    assert "规则：" in shown
    line = await lin.taps("明细")
    assert TITLE in line
    assert "12月10日（周四） · 县级 · 岗位技能 · 6学时" in line
    shown = await lin.starts("p1")
    assert "考核结果：92分，优秀" in shown
    assert re.search(r"证书.*-2026-0001", shown)
    assert "您已结业" in await lin.taps("处理经过")
    await shi.starts("p1")
    assert "未参训" in shi.sees()
    assert cast.told(shi, "+6学时") == 0
