"""A competition from a workbook of two sheets."""

from __future__ import annotations

from sqlmodel import col, select

from storage import sheets
from storage.competitions import plan_sheet
from storage.competitions.tables import Competition, Round, Track
from tests.competitions.test_setup_talk import organiser
from tests.stage import Stage

ROUNDS = [
    ["比赛名称", "比赛类别", "学年", "轮次", "级别", "报名时间", "比赛时间", "晋级名额",
     "评分标准"],
    ["微课大赛", "微课", "2026-2027", "初赛", "教研组", "11月23日 8:00 至 12月11日 18:00",
     "12月14日 至 12月25日", "30% 至少1", "教学目标 40；教学过程 60"],
    ["", "", "", "决赛", "县级", "", "2027年3月15日 至 3月19日", "", ""],
    ["", "", "", "推送市赛", "市级", "", "", "1", ""],
]  # fmt: skip
TRACKS = [["组别", "学段", "学科"], ["小学语文", "小学", "语文"], ["初中英语", "初中", "英语"]]


async def test_a_workbook_makes_the_draft_once(stage: Stage) -> None:
    gu = await organiser(stage)
    said = await gu.sends_file("计划.xlsx", sheets.write([("轮次", ROUNDS), ("组别", TRACKS)]))
    assert "微课大赛" in said
    assert "Make the draft" in gu.labels()
    shown = gu.messages()[-1]
    said = await gu.taps("Make the draft")
    assert "Tracks: 小学语文, 初中英语" in said
    await gu.sends_data(shown.button("Make the draft")["callback_data"])
    made = await stage.database.read(lambda s: s.exec(select(Competition.title)).all())
    assert made == ["微课大赛"]
    quotas = await stage.database.read(
        lambda s: s.exec(select(Round.quota).order_by(col(Round.position))).all()
    )
    assert quotas == [{"share": 0.3, "min": 1}, {}, {"each": 1, "units": {}}]
    first = await stage.database.read(
        lambda s: s.exec(select(Round).where(Round.position == 1)).one()
    )
    assert [line["title"] for line in first.rubric] == ["教学目标", "教学过程"]
    assert first.ties[0] == f"criterion:{first.rubric[1]['key']}"


async def test_what_is_wrong_comes_back_in_the_same_workbook(stage: Stage) -> None:
    gu = await organiser(stage)
    rounds = [list(row) for row in ROUNDS]
    rounds[1][5], rounds[2][4] = "改天", "宇宙级"
    tracks = [*TRACKS, ["高中数学", "大学", "数学"]]
    said = await gu.sends_file("计划.xlsx", sheets.write([("轮次", rounds), ("组别", tracks)]))
    assert "3 cells were not understood" in said
    assert "轮次, row 2: Entering: “改天” is not understood" in said
    assert "组别, row 4: Stage: “大学” is not understood" in said
    assert "Make the draft" not in gu.labels()
    name, content = gu.files()[-1]
    assert name == "计划 with problems.xlsx"
    book = sheets.read(content, name)
    assert book.sheets[0].rows[0][-1] == "Problem"
    assert "宇宙级" in book.sheets[0].rows[2][-1]
    assert plan_sheet.is_plan(book)
    assert await stage.database.read(lambda s: s.exec(select(Track.id)).all()) == []


async def test_dates_in_the_wrong_order_come_back_as_they_were_read(stage: Stage) -> None:
    gu = await organiser(stage)
    rounds = [list(row) for row in ROUNDS]
    rounds[1][6] = "11月30日 至 12月4日"  # before the entries close
    said = await gu.sends_file("计划.xlsx", sheets.write([("轮次", rounds), ("组别", TRACKS)]))
    assert "not in order, as they were read: Entering: Mon 23 Nov" in said
    assert "Days of the round: Mon 30 Nov" in said


async def test_every_cell_of_a_row_is_looked_at(stage: Stage) -> None:
    gu = await organiser(stage)
    rounds = [[*row, ""] for row in ROUNDS]
    rounds[0][-1] = "公示"
    rounds[2][4], rounds[2][7], rounds[2][9] = "宇宙级", "很多", "2027年4月7日 至 4月8日"
    tracks = [*TRACKS, ["小学语文", "小学", "语文"]]
    said = await gu.sends_file("计划.xlsx", sheets.write([("轮次", rounds), ("组别", tracks)]))
    assert "4 cells were not understood" in said
    assert "轮次, row 3: Level: “宇宙级” is not understood" in said
    assert "轮次, row 3: How many go on: “很多” is not understood" in said
    assert "please let it end on Tue 13 Apr 2027 or later" in said
    assert "组别, row 4: Track is missing, or stands twice" in said


async def test_a_window_that_is_open_already_is_not_one_of_next_year(stage: Stage) -> None:
    gu = await organiser(stage)
    rounds = [list(row) for row in ROUNDS]
    rounds[1][5] = "11月2日 8:00 至 12月11日 18:00"
    said = await gu.sends_file("计划.xlsx", sheets.write([("轮次", rounds), ("组别", TRACKS)]))
    assert "Entering: Mon 2 Nov" in said
    assert "Make the draft" in gu.labels()


async def test_an_empty_workbook_is_sent_and_is_read_as_one(stage: Stage) -> None:
    gu = await organiser(stage)
    await gu.says("/desk")
    await gu.taps("Competitions")
    await gu.taps("New competition")
    await gu.taps("Empty plan sheet")
    name, content = gu.files()[-1]
    book = sheets.read(content, name)
    assert plan_sheet.is_plan(book)
    said = {row[0]: row[1] for row in book.sheets[2].rows[1:]}
    assert set(said) == {*book.sheets[0].rows[0], *book.sheets[1].rows[0]}
    assert said["entering"].endswith("such as 9月14日 8:00 至 10月9日 18:00.")
    assert "research group" in said["level"]
    assert not [text for text in said.values() if "not possible" in text or "<" in text]
    assert "What it is called is missing" in await gu.sends_file(name, content)


async def test_whoever_organises_nothing_makes_nothing_of_it(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    said = await lin.sends_file("计划.xlsx", sheets.write([("轮次", ROUNDS), ("组别", TRACKS)]))
    assert "You do not have the right" in said
