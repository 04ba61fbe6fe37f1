"""Before a change of what counts is made, it is said whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import Session, select

from handlers.training.remote.setting_buttons import OpenItem, OpenItems
from handlers.training.remote.setting_words import read_percent
from storage.database import Database
from storage.messaging.tables import News
from storage.training.remote import counting, plan, weighing
from storage.training.remote.counting import Counted
from storage.training.remote.tables import Measure, ProgressItem
from storage.training.remote.weighing import Change, shares, weight_of
from storage.training.tables import Registration
from tests.make import NOW
from tests.stage import Stage
from tests.training import desk
from tests.training.remote import programme, studying
from tests.training.remote.test_counting import stands, studied

NEW: dict[str, Any] = {"kind": "exam", "title": "在线测试", "required": 80.0}


@pytest.mark.parametrize("what", ["add", "optional", "remove", "require", "weigh"])
async def test_what_is_foreseen_is_what_comes(database: Database, what: str) -> None:
    def work(session: Session) -> None:
        actor, who, items = studied(session)
        batch_id = plan.batch_of_item(session, items["作业"])
        weight = weighing.usual_weight(session, batch_id)
        change = {
            "add": Change(batch_id, 0, NEW | {"weight": weight}),
            "optional": Change(batch_id, 0, NEW | {"weight": weight, "mandatory": False}),
            "remove": Change(batch_id, items["视频学习"], None),
            "require": Change(batch_id, items["论坛发帖"], {"required": 8.0}),
            "weigh": Change(batch_id, items["校本研修"], {"weight": 5.0}),
        }[what]
        before = stands(session, who)[0]
        seen = weighing.foresee(session, actor, change, now=NOW)
        assert stands(session, who)[0] == before, "nothing applies before the yes"
        weighing.make(session, actor, change, now=NOW)
        percent = stands(session, who)[0]
        assert seen.people == (percent != before)
        expected = {"add": 56.0, "optional": before, "remove": 50.0, "require": 62.5}
        assert percent == expected.get(what, percent)
        assert sum(seen.after.values()) == 100

    await database.write(work)


async def test_who_still_has_it_to_do_is_asked_once_where_that_is_wanted(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        actor, who, items = studied(session)
        item_id = items["作业"]
        batch_id = plan.batch_of_item(session, item_id)
        done = programme.joins(session, batch_id, "石晓岚")
        import_id = studying.reported(session, batch_id, NOW)
        studying.has(session, done, import_id, figures={str(item_id): 9.0}, percent=30)
        due = Change(batch_id, item_id, {"due_at": studying.at(12, 4).isoformat()})
        assert weighing.foresee(session, actor, due, now=NOW).asked == 1
        once_it_is_over = studying.at(12, 30)
        assert weighing.foresee(session, actor, due, now=once_it_is_over).asked == 0
        less = Change(batch_id, item_id, {"required": 1.0})
        assert weighing.foresee(session, actor, less, now=NOW).asked == 0

        def told() -> list[tuple[int, bool]]:
            rows = session.exec(select(News).where(News.kind == weighing.NEWS)).all()
            return [(row.teacher_id, row.facts["moves"]) for row in rows]

        weighing.make(session, actor, due, now=NOW)
        assert told() == []
        teacher_id = session.get_one(Registration, who).teacher_id
        more = Change(batch_id, item_id, {"required": 3.0})
        weighing.make(session, actor, more, tell=True, now=NOW)
        weighing.make(session, actor, more, tell=True, now=NOW)
        assert told() == [(teacher_id, False)]
        later = Change(batch_id, item_id, {"due_at": studying.at(12, 7).isoformat()})
        weighing.make(session, actor, later, tell=True, now=NOW)
        assert told() == [(teacher_id, True)]
        row = session.exec(select(News).where(News.kind == weighing.NEWS)).one()
        assert row.facts["more"], "what nobody has been told yet is told with it"

    await database.write(work)


async def test_who_falls_behind_by_it_is_counted(database: Database) -> None:
    def work(session: Session) -> tuple[int, int, int]:
        actor, _who, items = studied(session)
        batch_id = plan.batch_of_item(session, items["作业"])
        done = programme.joins(session, batch_id, "石晓岚")
        figures = {str(id_): 1000.0 for id_ in items.values()}
        last = session.exec(select(ProgressItem.batch_id)).first()
        assert last == batch_id
        import_id = studying.reported(session, batch_id, studying.at(12, 17))
        studying.has(session, done, import_id, 100, figures=figures)
        change = Change(batch_id, 0, NEW | {"weight": 4.0})
        seen = weighing.foresee(session, actor, change, now=studying.at(12, 17))
        return seen.people, seen.behind, seen.undone

    # The one by an older import was on pace by it, with 70 of 58 per cent less the slack.
    assert await database.write(work) == (2, 2, 1)


def test_a_share_of_the_work_makes_its_weight_and_shares_come_to_a_hundred() -> None:
    assert weight_of(30, 0.7) == pytest.approx(0.3)
    assert sum(shares(dict.fromkeys(range(7), 1.0)).values()) == 100
    assert shares({1: 0.4, 2: 0.3, 3: 0.15, 4: 0.15, 5: 1.0}) == {1: 20, 2: 15, 3: 8, 4: 7, 5: 50}
    assert [read_percent(text) for text in ("30%", "30", "0.3", "１％", "many")] == [
        30,
        30,
        30,
        1,
        None,
    ]


def test_what_is_optional_does_not_count_in_the_percent() -> None:
    items = (
        counting.Item(1, "exam", "a", Measure.TIMES, 1),
        counting.Item(2, "exam", "b", Measure.TIMES, 1, mandatory=False),
    )
    assert Counted(items).percent({1: 1.0}) == 100
    assert Counted(items[1:]).percent({2: 1.0}) == 100, "but for where all of it is"


async def test_a_task_is_added_to_a_running_class_after_a_page_and_a_yes(stage: Stage) -> None:
    gu = await stage.teacher("顾岩")
    assert gu.teacher_id is not None
    await stage.database.write(desk.appoint_in_county, gu.teacher_id)
    _actor, who, items = await stage.database.write(studied)
    batch_id = await stage.database.read(plan.batch_of_item, items["作业"])
    await gu.says("/desk")
    await gu.sends_data(OpenItems(batch_id).data)
    await gu.taps("Add something")
    await gu.taps("test")
    shown = await gu.says("在线测试 80分")
    assert "Shall “在线测试” count as well?" in shown
    assert "Weight: 20% of the work" in shown
    assert "视频学习 40% → 32%" in shown
    assert "This changes the progress of 1 person." in shown
    assert len(await stage.database.read(plan.items_of, batch_id)) == 4
    await gu.taps("Weight")
    assert "Weight: 10% of the work" in await gu.says("10%")
    assert "Nobody’s progress changes." in await gu.taps("Make it optional")
    assert "Weight: 10% of the work" in await gu.taps("Make it mandatory")
    key = gu.messages()[-1].button("Confirm")["callback_data"]
    await gu.taps("Confirm")
    await gu.sends_data(key)
    assert gu.alert == "This has been done already."
    assert (await stage.database.read(stands, who))[0] == 63
    assert len(await stage.database.read(plan.items_of, batch_id)) == 5

    await gu.sends_data(OpenItem(items["作业"]).data)
    await gu.taps("Weight")
    assert "Weight: 30% of the work" in await gu.says("30%")
    assert (await stage.database.read(stands, who))[0] == 63
    await gu.taps("Confirm")
    assert (await stage.database.read(stands, who))[0] != 63
