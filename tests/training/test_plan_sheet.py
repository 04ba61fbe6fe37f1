"""A plan sheet: what its rows mean, what stands in their way, made and taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from storage import sheets, undoing
from storage.database import Database
from storage.deeds import ChangedSince
from storage.people import imports
from storage.people.tables import ImportJob, ImportState
from storage.refusals import NotAllowed
from storage.sheets import Book
from storage.training import plan_sheet, publishing
from storage.training.plan_sheet import Preview, Trouble
from storage.training.tables import Batch, Enrolment, Level, Mode, Programme
from tests import make
from tests.make import NOW
from tests.stage import Stage
from tests.training import desk

SHANGHAI = ZoneInfo("Asia/Shanghai")
HEADER = (
    "项目名称", "班次", "类别", "级别", "方式", "报名方式", "对象", "学时", "开始时间", "结束时间",
    "地点", "人数", "备注",
)  # fmt: skip
GOOD = (
    ("骨干教师培训", "第1期", "学科骨干", "县级", "集中", "学校推荐", "小学语文骨干教师", "24学时",
     "2026-12-07", "2026-12-09", "三楼报告厅", "60人", ""),
    ("骨干教师培训", "第2期", "学科骨干", "县级", "集中", "学校推荐", "小学语文骨干教师", "24",
     "2026年12月14日", "12月16日", "三楼报告厅", "60", ""),
    ("师德师风专题", "", "师德师风", "", "网络研修", "全员", "全体教师", "８", "2027/3/8",
     "2027/3/26", "", "", ""),
    ("班主任论坛", "", "班主任", "县级", "", "", "中小学班主任", "4", "12月18日 14:00-17:00", "",
     "县一中", "120", ""),
)  # fmt: skip
BAD = (
    ("", "", "", "", "", "", "", "", "2026-12-07", "", "", "", ""),
    ("没有时间的培训", "", "", "", "", "", "", "", "", "", "", "", ""),
    ("时间不明的培训", "", "", "", "", "", "", "", "年底", "", "", "", ""),
    ("先结束的培训", "", "", "", "", "", "", "", "2026-12-07", "2026-12-01", "", "", ""),
    ("去年的培训", "", "", "", "", "", "", "", "2025-12-07", "2025-12-09", "", "", ""),
    ("看不懂的培训", "", "玄学", "乡级", "冥想", "抽签", "火星居民", "很多", "2026-12-07", "", "",
     "若干", ""),
    ("骨干教师培训", "", "", "", "", "", "", "", "2026-12-07", "", "", "", ""),
)  # fmt: skip


def sheet(*rows: tuple[str, ...]) -> bytes:
    title = ("2026年教师培训计划表",) + ("",) * (len(HEADER) - 1)
    return sheets.write([("计划", [title, HEADER, *rows])])


def book(content: bytes) -> Book:
    return sheets.read(content, "计划.xlsx")


def previewed(session: Session, actor_id: int, content: bytes, /) -> Preview:
    return plan_sheet.preview(session, actor_id, book(content), content, now=NOW)


def kept(session: Session, /) -> list[tuple[Programme, Batch]]:
    return list(
        session.exec(
            select(Programme, Batch)
            .join(Batch, col(Batch.programme_id) == col(Programme.id))
            .order_by(col(Programme.id), col(Batch.no))
        ).all()
    )


async def test_the_rows_of_a_plan_sheet_become_drafts_once(database: Database) -> None:
    gu = await database.write(desk.county_coordinator)
    await database.write(make.teacher, subject="语文")
    content = sheet(*GOOD)
    found = await database.write(previewed, gu, content)
    assert [row.problems for row in found.rows] == [()] * 4
    assert (found.programmes, found.classes, found.unknown) == (3, 4, ("备注",))
    assert await database.read(kept) == []
    for _time in range(2):  # the second of two taps says what the first did
        done = await database.write(plan_sheet.apply, gu, found.job_id, book(sheet(*GOOD)), now=NOW)
        assert (done.programmes, done.classes) == (3, 4)
    (first, one), (_same, two), (ethics, _b), (forum, talk) = await database.read(kept)
    assert (first.category, first.level, first.mode) == (
        "subject_backbone",
        Level.COUNTY,
        Mode.FACE_TO_FACE,
    )
    assert first.audience == {"stage": ["primary"], "tier": ["backbone"], "subject": ["语文"]}
    assert (first.enrolment, first.planned_hours) == (Enrolment.NOMINATION, Decimal(24))
    assert (one.no, one.title, two.no, two.title) == (1, "第1期", 2, "第2期")
    assert two.starts_at == datetime(2026, 12, 14, 8, 30, tzinfo=SHANGHAI)
    assert two.ends_at == datetime(2026, 12, 16, 17, tzinfo=SHANGHAI)
    assert (ethics.enrolment, ethics.mode, ethics.audience) == (
        Enrolment.AUTOMATIC,
        Mode.REMOTE,
        {},
    )
    assert forum.audience == {"stage": ["primary", "junior", "senior"], "duty": ["homeroom"]}
    assert talk.ends_at - talk.starts_at == timedelta(hours=3)
    again = await database.write(previewed, gu, content)
    assert (again.classes, again.left_out, again.not_understood) == (0, 4, 0)


async def test_what_is_not_understood_is_said_row_by_row(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    found = await sqlite.write(previewed, gu, sheet(*GOOD[2:3], *BAD, *GOOD[2:3]))
    troubles = [tuple(problem.trouble for problem in row.problems) for row in found.rows]
    assert troubles == [
        (),
        (Trouble.NO_TITLE,),
        (Trouble.NO_TIME,),
        (Trouble.NOT_A_TIME,),
        (Trouble.ORDER,),
        (Trouble.OVER,),
        (
            Trouble.LEVEL,
            Trouble.MODE,
            Trouble.ENROLMENT,
            Trouble.CATEGORY,
            Trouble.HOURS,
            Trouble.SEATS,
            Trouble.AUDIENCE,
        ),
        (),
        (Trouble.TWICE,),
    ]
    assert found.not_understood == 6


async def test_a_sheet_is_taken_back_as_long_as_it_is_only_drafts(database: Database) -> None:
    gu = await database.write(desk.county_coordinator)
    await database.write(make.teacher, subject="语文")
    found = await database.write(previewed, gu, sheet(*GOOD))
    done = await database.write(plan_sheet.apply, gu, found.job_id, book(sheet(*GOOD)), now=NOW)
    assert await database.write(undoing.undo, gu, done.deed_id, now=NOW)
    assert await database.read(kept) == []
    assert not await database.write(undoing.undo, gu, done.deed_id, now=NOW)
    found = await database.write(previewed, gu, sheet(*GOOD[2:]))
    done = await database.write(plan_sheet.apply, gu, found.job_id, book(sheet(*GOOD[2:])), now=NOW)
    batch_id = (await database.read(kept))[0][1].id
    await database.write(publishing.publish, gu, batch_id, now=NOW)
    with pytest.raises(ChangedSince):
        await database.write(undoing.undo, gu, done.deed_id, now=NOW)
    assert len(await database.read(kept)) == 2


async def test_a_sheet_is_its_own_persons_and_of_its_own_unit(sqlite: Database) -> None:
    gu = await sqlite.write(desk.county_coordinator)
    luo = await sqlite.write(desk.school_coordinator)
    lin = await sqlite.write(make.teacher)
    content = sheet(*GOOD)
    found = await sqlite.write(previewed, luo, content)
    assert {x.trouble for row in found.rows for x in row.problems} >= {Trouble.LEVEL_NOT_YOURS}
    with pytest.raises(NotAllowed):
        await sqlite.write(previewed, lin, content)
    with pytest.raises(NotAllowed):
        await sqlite.write(plan_sheet.apply, gu, found.job_id, book(content), now=NOW)
    with pytest.raises(NotAllowed):
        await sqlite.write(imports.cancel, gu, found.job_id, now=NOW)
    assert await sqlite.write(imports.cancel, luo, found.job_id, now=NOW)
    assert not await sqlite.write(imports.cancel, luo, found.job_id, now=NOW)
    state = await sqlite.read(lambda s: s.exec(select(ImportJob.state)).one())
    assert state is ImportState.CANCELLED


async def test_a_sheet_is_kept_a_day_after_it_was_applied(database: Database) -> None:
    gu = await database.write(desk.county_coordinator)
    found = await database.write(previewed, gu, sheet(*GOOD))
    for _ in range(2):
        await database.write(plan_sheet.apply, gu, found.job_id, book(sheet(*GOOD)), now=NOW)
    for hours, is_kept in ((23, True), (24, False)):
        now = NOW + timedelta(hours=hours)
        await database.write(imports.forget_old, now=now)
        content = await database.read(lambda s: s.exec(select(ImportJob.content)).one())
        assert bool(content) is is_kept


async def test_a_sheet_dropped_into_the_chat_is_previewed_applied_and_undone(
    stage: Stage,
) -> None:
    gu = await stage.teacher("顾岩", at="教师发展中心", subject="语文")
    assert gu.teacher_id is not None
    await stage.database.write(desk.appoint_in_county, gu.teacher_id)
    shown = await gu.sends_file("2026计划.xlsx", sheet(*GOOD, *BAD[:2]))
    assert "6 rows: 3 new programmes with 4 classes" in shown
    assert "2 not understood" in shown
    assert "Row 8: the start is missing" in shown
    assert "Columns I did not use: 备注" in shown
    name, content = gu.files()[-1]
    assert name == "2026计划 with problems.xlsx"
    (back,) = sheets.read(content, name).sheets
    assert back.rows[1][-1] == "Problem"
    assert back.rows[6][-1] == "the title is missing"
    assert back.rows[2][:4] == ("骨干教师培训", "第1期", "学科骨干", "县级")
    assert "3 drafts are made" in await gu.taps("Make the drafts")
    shown = await gu.taps("See the drafts")
    assert "骨干教师培训 · 第1期" in shown
    assert "· Drafts 4" in gu.labels()
    assert len(await stage.database.read(kept)) == 4
    await gu.sends_file("再来一次.xlsx", sheet(*GOOD))
    assert "There is nothing to make of it." in gu.sees()
    await gu.taps("Leave it")

    def deed(session: Session) -> int:
        found = session.exec(select(ImportJob.deed_id)).first()
        assert found is not None
        return found

    await gu.sends_data(f"undo:{await stage.database.read(deed)}")
    assert "Undone" in gu.alert
    assert await stage.database.read(kept) == []


def test_the_empty_sheet_is_read_as_one_and_a_table_of_people_is_not() -> None:
    for language in ("zh_Hans", "en"):
        book = sheets.read(plan_sheet.blank(language), "计划.xlsx")
        assert plan_sheet.is_plan(book)
        table = sheets.find_table(book, plan_sheet.FIELDS, plan_sheet.REQUIRED)
        assert table is not None
        assert (set(table.columns), table.unknown) == (set(plan_sheet.FIELDS), ())
    claims = sheets.write([("x", [("姓名", "工号", "培训名称", "时间"), ("林", "1", "y", "z")])])
    assert not plan_sheet.is_plan(sheets.read(claims, "学时.xlsx"))
