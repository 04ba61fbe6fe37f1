"""Learning elsewhere is claimed with a photo, and what was posted is appealed against."""

from __future__ import annotations

import struct

from tests.journeys import cast
from tests.stage import Stage

PHOTO = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 320, 200) + bytes(64)


async def test_a_claim_is_corrected_posted_and_an_appeal_puts_it_right(stage: Stage) -> None:
    await cast.schools(stage)
    gu, luo = await cast.county(stage), await cast.school(stage)
    lin = await cast.person(stage, "林若溪")
    await lin.says("/hours")
    await lin.taps("申报学时")
    await lin.taps("申报学时")
    for line in ("阅读教学工作坊", "某师范大学", "2026年10月17日", "6.5"):
        await lin.says(line)
    await lin.taps("省级")
    await lin.taps("岗位技能")
    stage.world.send_photo(lin.id, lin.id, PHOTO)
    await stage.settle()
    assert "证明：照片" in lin.sees()
    again = cast.data(lin, "提交")
    assert "已提交，待学校审核" in await lin.taps("提交")
    await lin.sends_data(again)

    # The school looks at the photo and returns it; the teacher corrects it.
    await luo.says("/desk")
    shown = await luo.taps("学时申报（1）")
    assert "林若溪（城东小学）" in shown
    assert any(message.photo for message in luo.messages() if not message.mine)
    await luo.taps("退回")
    await luo.says("请补充课时")
    await stage.passes(hours=8)
    assert cast.told(lin, "学时申报已退回，请修改。请补充课时") == 1
    await lin.starts("claims")
    assert "原因：请补充课时" in await lin.taps("阅读教学")
    await lin.taps("修改")
    await lin.taps("学时")
    assert "6学时" in await lin.says("6")
    await lin.taps("提交")
    await luo.says("/desk")
    await luo.taps("学时申报（1）")
    await luo.taps("确认")
    assert luo.alert == "已确认，转县级认定。"
    await gu.says("/desk")
    await gu.taps("学时申报（1）")
    assert "接受名额" not in gu.labels()
    assert "是否认定这项申报？" in await gu.taps("通过")
    old = cast.data(gu, "确认")
    await gu.taps("确认")
    assert gu.alert == "已认定，学时已登记。"
    await gu.sends_data(old)
    await luo.sends_data(old)
    assert luo.alert
    assert "本学年（2026-2027）：6/72学时" in await lin.says("/hours")

    # What was posted is appealed against, with a day by which it is answered.
    await lin.taps("明细")
    await lin.taps("有误")
    await lin.taps("1")
    assert "将于12月4日（周五）前答复" in await lin.says("应为8学时")
    await luo.says("/desk")
    await luo.taps("申诉（1）")
    await luo.taps("学校意见")
    await luo.says("应为8学时，情况属实")
    await gu.says("/desk")
    assert "学校意见：应为8学时" in await gu.taps("申诉（1）")
    await gu.taps("更正")
    assert "由6学时更正为8学时，是否确认" in await gu.says("8")
    await gu.taps("确定")
    assert gu.alert == "已更正，将告知教师。"
    assert "本学年（2026-2027）：8/72学时" in await lin.says("/hours")
