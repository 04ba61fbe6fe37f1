"""A menu with ranked wishes, from its making to who sits where."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from storage.training.tables import Enrolment
from tests import make
from tests.journeys import cast
from tests.make import NOW
from tests.stage import Stage

TITLES = ("阅读教学", "实验教学", "心理辅导")


def classes(session: Session) -> None:
    for number, title in enumerate(TITLES):
        make.batch(
            session,
            title,
            seats=1,
            audience={"stage": ["primary"]},
            programme={"enrolment": Enrolment.MENU},
            starts_at=NOW + timedelta(days=30 + number),
            ends_at=NOW + timedelta(days=30 + number, hours=6),
        )


async def test_wishes_are_ranked_and_settled_at_the_close(stage: Stage) -> None:
    await cast.schools(stage)
    gu = await cast.county(stage)
    lin, shi = [await cast.person(stage, name) for name in ("林若溪", "石晓岚")]
    await stage.database.write(classes)
    await gu.says("/desk")
    await gu.taps("培训项目")
    await gu.taps("菜单选课")
    await gu.taps("新建菜单")
    await gu.says("冬季菜单")
    await gu.taps("立即开放")
    await gu.says("2026-12-04 17:00")
    await gu.says("1-2")
    for title in TITLES:
        await gu.taps(title)
    assert "请选择1至2项" in await gu.taps("继续")
    await gu.taps("建立菜单")
    assert gu.alert == "菜单已建立。"

    await lin.says("/programmes")
    shown = await lin.taps("选课：冬季菜单")
    assert "还需选择1项" in shown
    assert "。 " not in shown
    await lin.taps("阅读教学")
    assert "2. 实验教学" in await lin.taps("实验教学")
    await shi.says("/programmes")
    await shi.taps("选课：冬季菜单")
    old = cast.data(shi, "阅读教学")
    await shi.taps("实验教学")
    await shi.taps("心理辅导")
    await shi.taps("阅读教学")
    assert shi.alert == "您已选2项，请先取消其中一项。"

    await stage.passes(days=14, hours=9)  # Friday 4 December, 18:00
    await shi.sends_data(old)  # chosen on an old card, after the close
    assert shi.alert
    assert "阅读教学\n12月20日（周日） · 已录取" in await lin.says("/mine")
    assert "实验教学\n12月21日（周一） · 候补中，第1位" in lin.sees()
    assert "候补" not in await shi.says("/mine")
    await gu.says("/desk")
    await gu.taps("培训项目")
    await gu.taps("菜单选课")
    assert "《实验教学》：名额1，已分配1人，候补1人" in await gu.taps("冬季菜单")
