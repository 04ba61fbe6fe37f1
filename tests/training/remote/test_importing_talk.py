"""A platform's table in the chat: dropped, explained once, seen, settled, applied, undone."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, select

from storage import sheets
from storage.people import roles
from storage.people.tables import ImportJob, Role
from storage.training.remote.tables import ProgressMatch
from tests import make
from tests.stage import Actor, Stage
from tests.training import classes, desk
from tests.training.remote import exports, programme
from tests.training.remote.exports import Studied

HOME = classes.HOME
LIN = Studied("CH060012", "林若溪", HOME, "13900005678", 900, 2, 4, True, 92, date(2026, 11, 18))
SHI = Studied("CH060013", "石晓岚", HOME, "13900001111", 450, 1, 0, False, None, date(2026, 11, 1))


def prepared(session: Session) -> int:
    batch_id = programme.remote(session)
    programme.joins(session, batch_id, "林若溪", staff_no="CH060012")
    programme.joins(session, batch_id, "石晓岚", staff_no="CH060013")
    programme.joins(session, batch_id, "陈洁", "河东小学", staff_no="CH090004")
    programme.joins(session, batch_id, "陈洁", "河西小学", staff_no="CH090005")
    return batch_id


async def coordinator(stage: Stage) -> Actor:
    gao = await stage.teacher("高培训")
    assert gao.teacher_id is not None
    await stage.database.write(desk.appoint_in_county, gao.teacher_id)
    return gao


async def test_a_table_is_explained_once_then_seen_applied_and_taken_back(stage: Stage) -> None:
    batch_id = await stage.database.write(prepared)
    gao = await coordinator(stage)
    await gao.sends_file("学习情况.xlsx", exports.orchid([LIN, SHI]))
    assert "What do the columns mean?" in gao.sees()
    assert "学习时长(分钟) → 视频学习 (900: 900 min)" in gao.sees()
    await gao.taps("That is right")
    assert "Form 2 of 2" in gao.sees()
    assert "校本研修 → 校本研修 (已参加: 1 time)" in gao.sees()
    await gao.taps("That is right")
    assert "Progress to import: 全员岗位远程培训" in gao.sees()
    assert "As of Thu 19 Nov, 18:00, as the table says" in gao.sees()
    assert "Of 4 participants, begun: 0 → 2, all done: 0 → 1" in gao.sees()
    await gao.taps("Import it")
    assert "Progress imported" in gao.sees()
    assert len(await stage.database.read(programme.stands, batch_id)) == 2

    # The next one of this platform is understood without a question.
    later = exports.orchid([LIN, SHI], until="2026-11-20 08:00")
    await gao.sends_file("学习情况2.xlsx", later)
    assert "First figures: 0, further: 0, as before: 2, less: 0" in gao.sees()
    await gao.taps("Cancel")
    await gao.sends_file("学习情况.xlsx", exports.orchid([LIN, SHI]))
    assert "nothing would change" in gao.sees()
    assert "Import it" not in gao.labels()

    await gao.says("/menu")
    await gao.taps("My desk")
    await gao.taps("Undo something")
    await gao.taps("Undo 1")
    assert await stage.database.read(programme.stands, batch_id) == {}


async def test_a_workbook_of_the_old_kind_is_taken_like_any_other(stage: Stage) -> None:
    batch_id = await stage.database.write(prepared)
    gao = await coordinator(stage)
    await gao.sends_file("学习统计.xls", exports.gallery([LIN, SHI]))
    assert "学习时长(小时) → 视频学习 (15: 900 min)" in gao.sees()
    assert "作业完成率 → 作业 (1: 2 times)" in gao.sees()
    await gao.taps("That is right")
    assert "As of Thu 19 Nov, 23:59, as the table says" in gao.sees()
    await gao.taps("Import it")
    assert "Progress imported" in gao.sees()
    stands = await stage.database.read(programme.stands, batch_id)
    assert stands == {"林若溪": (100.0, True, True), "石晓岚": (35.0, True, False)}


async def test_of_several_classes_one_is_chosen_and_strangers_are_of_none(stage: Stage) -> None:
    await stage.database.write(prepared)

    def another(session: Session) -> None:
        batch_id = programme.remote(session, "第二期远程培训")
        programme.joins(session, batch_id, "周明远", staff_no="CH060014")

    await stage.database.write(another)
    gao = await coordinator(stage)
    zhou = Studied("CH060014", "周明远", HOME, minutes=90)
    await gao.sends_file("学习情况.xlsx", exports.tidal([LIN, SHI, zhou]))
    assert "which class is this table about?" in gao.sees()
    assert gao.labels() == ["全员岗位远程培训 · 2", "第二期远程培训 · 1", "Cancel"]
    await gao.taps("第二期远程培训")
    assert "What do the columns mean?" in gao.sees()
    await gao.sends_file("别处.xlsx", exports.tidal([Studied("X1", "城外人", "某校")]))
    assert "none of your classes that study on a platform" in gao.sees()
    assert gao.labels() == ["Cancel"]


async def test_whom_a_row_means_is_said_once_and_remembered(stage: Stage) -> None:
    batch_id = await stage.database.write(prepared)
    gao = await coordinator(stage)
    chen = Studied("", "陈洁", "", "13900009999", 300)
    other = Studied("", "城外人", "某校", "", 300)
    third = Studied("", "无名氏", "某校", "", 300)
    table = exports.bamboo([LIN, chen, other, third])
    await gao.sends_file("导出.csv", table)
    await gao.taps("That is right")
    assert "1 unclear name" in gao.sees()
    assert "2 unknown people" in gao.sees()
    await gao.taps("Say whom (3)")
    assert "Row 3: 陈洁 · 9999" in gao.sees()
    await gao.taps("河西小学")
    await gao.taps("Nobody of ours")
    assert "Row 5: 无名氏 · 某校" in gao.sees()
    await gao.says("林若溪")
    assert any("林若溪 · 澄禾县实验小学" in label for label in gao.labels())
    await gao.taps("Back")
    assert "1 said by you" in gao.sees()
    await gao.taps("Import it")
    stands = await stage.database.read(programme.stands, batch_id)
    assert stands["陈洁"][0] > 0
    assert len(stands) == 2

    def remembered(session: Session) -> int:
        return len(session.exec(select(ProgressMatch)).all())

    assert await stage.database.read(remembered) == 2
    await gao.taps("The table with problems")
    name, content = gao.files()[-1]
    assert name == "导出 with problems.xlsx"
    rows = sheets.read(content, name).sheets[0].rows
    assert rows[0][-1] == "Problem"
    assert [len(row) for row in rows] == [9, 8, 7, 7, 9]
    assert rows[4][-1] == "nobody of this class."
    stage.clock.advance(timedelta(days=3))
    await gao.sends_file("导出2.csv", exports.bamboo([LIN, chen, other, SHI]))
    assert "unclear" not in gao.sees()
    assert "1 of elsewhere" in gao.sees()
    assert "3 of this class" in gao.sees()


async def test_a_column_is_put_right_and_a_table_of_strange_columns_is_awaited(
    stage: Stage,
) -> None:
    batch_id = await stage.database.write(prepared)
    gao = await coordinator(stage)
    await gao.starts(f"run{batch_id}")
    await gao.taps("Import progress")
    assert "Nothing has been imported yet" in gao.sees()
    table = sheets.write([("x", [["教师编号", "甲", "乙"], ["CH060012", "12.5", "3"]])])
    await gao.sends_file("x.xlsx", table)
    await gao.taps("That is right")
    assert "which column holds a figure" in gao.alert
    await gao.taps("2")
    assert "What is “甲”?" in gao.sees()
    await gao.taps("视频学习")
    assert "甲 → 视频学习 (12.5: 12.5 min)" in gao.sees()
    await gao.taps("That is right")
    assert "As of Fri 20 Nov, 09:00: the table does not say" in gao.sees()
    await gao.taps("As of")
    await gao.taps("19 Nov")
    assert "As of Thu 19 Nov, 23:59, as you have said" in gao.sees()
    await gao.taps("Import it")
    assert await stage.database.read(programme.stands, batch_id) == {"林若溪": (0.56, True, False)}


async def test_nobody_imports_into_a_class_of_others(stage: Stage) -> None:
    await stage.database.write(prepared)
    lin = await stage.teacher("林若溪", staff_no="CH060099")
    luo = await stage.teacher("罗佳宁")

    def appoint(session: Session) -> None:
        assert luo.teacher_id is not None
        roles.appoint(
            session,
            luo.teacher_id,
            Role.SCHOOL_COORDINATOR,
            make.school(session),
            today=make.NOW.date(),
            now=make.NOW,
        )

    await stage.database.write(appoint)
    for each in (lin, luo):
        await each.sends_file("学习情况.xlsx", exports.orchid([LIN, SHI]))
        assert "imported by the coordinator who runs the class" in each.sees()
    jobs = await stage.database.read(lambda s: s.exec(select(ImportJob)).all())
    assert jobs == []  # and what it says of others is not kept


async def test_a_table_of_headings_alone_says_that_nobody_is_in_it(stage: Stage) -> None:
    batch_id = await stage.database.write(prepared)
    gao = await coordinator(stage)
    table = sheets.write([("x", [["工号", "姓名", "学习时长(分钟)"]])])
    await gao.sends_file("hdr.xlsx", table)
    assert "nobody in this table" in gao.sees()
    await gao.starts(f"run{batch_id}")
    await gao.taps("Import progress")
    await gao.sends_file("hdr.xlsx", table)
    assert "nobody in this table" in gao.sees()
    await gao.sends_file("学习情况.xlsx", exports.orchid([LIN, SHI]))
    assert "What do the columns mean?" in gao.sees()
