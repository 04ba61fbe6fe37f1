"""Leave, exemption, a late withdrawal; a deputy, and a coordinator on the way out."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from storage.training.tables import Approval, ClassSession
from tests import make
from tests.journeys import cast
from tests.make import NOW
from tests.stage import Stage

TITLE = "作业设计专题培训"


def three_meetings(session: Session) -> int:
    batch_id = make.batch(session, TITLE, programme={"approval": Approval.SCHOOL})
    for week in range(3):
        at = NOW + timedelta(days=20 + 7 * week)
        session.add(
            ClassSession(
                batch_id=batch_id,
                title=f"第{week + 1}次",
                starts_at=at,
                ends_at=at + timedelta(hours=3),
            )
        )
    return batch_id


async def test_a_deputy_decides_people_are_away_and_the_role_is_handed_over(stage: Stage) -> None:
    await cast.schools(stage)
    gu, luo = await cast.county(stage), await cast.school(stage)
    han, lin, shi = [await cast.person(stage, name) for name in ("韩副", "林若溪", "石晓岚")]
    batch_id = await stage.database.write(three_meetings)
    for who in (lin, shi):
        await who.starts(f"p{batch_id}")
        await who.taps("立即报名")

    # The coordinator names a deputy for a week, who decides, thinks again, and decides.
    await luo.says("/desk")
    await luo.taps("角色与代理")
    await luo.taps("学校培训管理员")
    await luo.taps("指定代理人")
    await luo.says("韩副")
    await luo.taps("韩副")
    assert "您仍担任原角色" in await luo.taps("11月27日")
    await luo.taps("确认办理")
    await stage.passes(minutes=1)
    assert "代理罗佳宁" in han.sees()
    await han.says("/approvals")
    await han.taps("全部通过（2）")
    await han.taps("撤销")
    assert han.alert == "已撤销，一切恢复原状。"
    await han.says("/approvals")
    old = cast.data(han, "全部通过")
    await han.taps("全部通过（2）")
    await stage.passes(minutes=11)
    for who in (lin, shi):
        assert cast.told(who, "您已被录取") == 1

    # Leave goes through the school and the organiser; the teacher is told once.
    await lin.taps("查看")
    await lin.taps("请假")
    await lin.taps("第1次")
    await lin.taps("继续")
    assert "仅审核人可见" in await lin.taps("病假")
    assert "已请假，待学校审核" in await lin.says("小手术")
    await han.says("/approvals")
    assert "说明：小手术" in await han.taps("请假申请（1）")
    await han.taps("同意")
    await stage.passes(minutes=11)
    assert cast.told(lin, "请假已获批准") == 0
    await gu.says("/approvals")
    await gu.taps("请假申请（1）")
    await gu.taps("同意")
    await stage.passes(minutes=11)
    assert cast.told(lin, "请假已获批准") == 1
    assert "小手术" not in lin.sees()

    # The county takes somebody out, with a reason that the person reads.
    await gu.starts(f"run{batch_id}")
    await gu.taps("办理免训")
    await gu.says("石晓岚")
    await gu.taps("石晓岚")
    await gu.taps("借调或支教")
    assert "已免训：石晓岚" in gu.alert
    await stage.passes(minutes=11)
    assert "您正在借调或支教" in shi.sees()
    assert "您的状态：免训" in await shi.taps("查看")

    # After the close, withdrawing is a request. The deputy's week is over.
    await stage.passes(days=12)
    await lin.starts(f"p{batch_id}")
    assert "由学校决定" in await lin.taps("申请退出")
    assert "您的名额仍然保留" in await lin.says("家中有事")
    await han.sends_data(old)
    assert "没有办理这一项的权限" in han.alert
    assert "没有办理这一项的权限" in await han.says("/desk")
    await luo.says("/desk")
    assert "1份截止后退出申请" in luo.sees()
    await luo.taps("审核（1）")
    assert "申请退出，原因：家中有事" in await luo.taps("逾期退出（1）")
    await luo.taps("同意")
    await stage.passes(minutes=11)
    assert "的申请已获同意" in lin.sees()

    # The coordinator hands over; what lay open gives no right any more, and it can be undone.
    await luo.says("/desk")
    await luo.taps("角色与代理")
    await luo.taps("学校培训管理员")
    await luo.taps("移交")
    await luo.says("石晓岚")
    assert "移交后您不再担任；十分钟内可以撤销" in await luo.taps("石晓岚")
    await luo.taps("确认办理")
    assert "撤销" in luo.labels()
    await stage.passes(minutes=1)
    assert "您现在担任城东小学的学校培训管理员" not in shi.sees()  # it can still be undone
    assert "没有办理这一项的权限" in await luo.says("/approvals")
    await luo.sends_data(old)
    assert "没有办理这一项的权限" in luo.alert
    assert "学校培训管理员（城东小学）" in await shi.says("/desk")
    await stage.passes(minutes=10)
    assert "您现在担任城东小学的学校培训管理员" in shi.sees()
