"""Importing a roster, as the coordinator at the phone sees it."""

from __future__ import annotations

import io

import pytest
import xlsxwriter
from sqlmodel import Session, select

from handlers import progress
from handlers.people import roster_words
from handlers.people.roster import TEMPLATE, empty_file
from locales import LANGUAGES
from storage import sheets
from storage.people import roles, roster_reading
from storage.people.tables import ImportJob, ImportState, Posting, Role, Teacher, TeacherState
from tests import make
from tests.make import NOW
from tests.people.rosters import TODAY, history_of, teacher_of, units
from tests.stage import Actor, Stage

HEAD = ["工号", "姓名", "学校", "学科", "状态", "备注"]


def csv(*rows: list[str], head: list[str] | None = None) -> bytes:
    return "\n".join(",".join(row) for row in [head or HEAD, *rows]).encode("gb18030")


async def coordinator(stage: Stage, at: str = "澄禾县实验小学") -> Actor:
    await stage.database.write(units)
    luo = await stage.teacher("罗佳宁", at=at, staff_no="900001")

    def appoint(session: Session) -> None:
        assert luo.teacher_id is not None
        unit_id = session.exec(
            select(Posting.unit_id).where(Posting.teacher_id == luo.teacher_id)
        ).one()
        role = Role.COUNTY_COORDINATOR if at == "澄禾县" else Role.SCHOOL_COORDINATOR
        roles.appoint(session, luo.teacher_id, role, unit_id, today=TODAY, now=NOW)

    await stage.database.write(appoint)
    return luo


async def state_of(stage: Stage, staff_no: str) -> TeacherState:
    return (await stage.database.read(teacher_of, staff_no)).state


async def test_a_dropped_file_is_looked_at_applied_and_taken_back(stage: Stage) -> None:
    luo = await coordinator(stage)
    await stage.database.write(make.teacher, "林若溪", staff_no="060012")
    shown = await luo.sends_file(
        "名册.csv",
        csv(
            ["060012", "林若溪", "", "数学", "", ""],
            ["060013", "新来的", "", "语文", "", ""],
            ["060014", "别校的", "城东小学", "语文", "", ""],
            ["", "没工号", "", "", "", ""],
            ["060015", "看不懂", "", "", "不详", "随便写"],
        ),
    )
    assert "5 rows: 1 new, 1 changed, 0 unchanged, 1 in conflict, 2 not understood." in shown
    assert "Row 2, 林若溪: Subjects: 语文 → 数学" in shown
    assert "Row 4, 别校的: 城东小学 is not a school that you look after" in shown
    assert "Columns that I do not use: 备注." in shown
    assert "Not in the file" not in shown

    ((name, content),) = luo.files()
    assert name == "名册 with problems.xlsx"
    (sheet,) = sheets.read(content, name).sheets
    assert sheet.rows[0] == (*HEAD, "What becomes of it", "Problem")
    assert sheet.rows[1][6] == "changed · Subjects: 语文 → 数学"
    assert sheet.rows[3][6:] == (
        "conflict",
        "城东小学 is not a school that you look after; the county office does transfers.",
    )
    assert sheet.rows[4][7].startswith("There is no staff number here")
    assert sheet.rows[5] == (
        "060015", "看不懂", "", "", "不详", "随便写", "not understood",
        "“不详” is not understood in the column “Working state”.",
    )  # fmt: skip

    done = await luo.taps("Apply")
    assert "Done: 1 added, 1 changed." in done
    assert "3 rows were left out" in done
    assert await state_of(stage, "060013") is TeacherState.ACTIVE
    await luo.taps("Undo")
    assert "Everything is as it was" in luo.alert

    def numbers(session: Session) -> list[str]:
        return list(session.exec(select(Teacher.staff_no).order_by(Teacher.staff_no)).all())

    assert await stage.database.read(numbers) == ["060012", "900001"]


async def test_the_file_that_was_sent_back_can_be_corrected_and_sent_again(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.sends_file("名册.csv", csv(["060013", "新来的", "", "语文", "不详", ""]))
    ((name, content),) = luo.files()
    (sheet,) = sheets.read(content, name).sheets
    rows = [list(row) for row in sheet.rows]
    rows[1][4] = "在岗"
    shown = await luo.sends_file("again.xlsx", sheets.write([("名册", rows)]))
    assert "1 row: 1 new, 0 changed, 0 unchanged, 0 in conflict, 0 not understood." in shown
    await luo.taps("Apply")
    rows[1][3] = "数学"
    await luo.sends_file("again.xlsx", sheets.write([("名册", rows)]))
    (sheet,) = sheets.read(luo.files()[-1][1], "").sheets
    assert sheet.rows[0] == (*HEAD, "What becomes of it", "Problem")  # not twice


async def test_importing_the_same_file_again_says_that_there_is_nothing_to_do(
    stage: Stage,
) -> None:
    luo = await coordinator(stage)
    content = csv(["060013", "新来的", "", "语文", "在岗", ""])
    await luo.sends_file("名册.csv", content)
    await luo.taps("Apply")
    shown = await luo.sends_file("名册.csv", content)
    assert "0 new, 0 changed, 1 unchanged" in shown
    assert "There is nothing to apply." in shown
    assert "Apply" not in luo.labels()


async def test_the_desk_says_how_and_sends_an_empty_file(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.says("/desk")
    assert "nothing happens before you say so" in await luo.taps("Import a roster")
    await luo.taps("Empty file")
    ((name, content),) = luo.files()
    book = sheets.read(content, name)
    assert book.sheets[0].rows[0][:3] == ("Staff number", "Name", "School")
    # Whatever comes next is the roster, also one with names and numbers alone.
    shown = await luo.sends_file("x.csv", csv(["1", "甲"], head=["工号", "姓名"]))
    assert "1 row: 1 new" in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_columns_of_the_empty_file_are_understood(language: str) -> None:
    names = {field: roster_words.field_name(field, language) for field in TEMPLATE}
    for field, name in names.items():
        headers = {sheets.key(header) for header in roster_reading.HEADERS[field]}
        assert sheets.key(name) in headers, (field, name)
    assert sheets.read(empty_file(language), "x.xlsx").sheets


async def test_a_list_without_names_that_was_asked_for_is_refused_in_words(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.says("/desk")
    await luo.taps("Import a roster")
    shown = await luo.sends_file("x.csv", csv(["1", "2"], head=["甲", "乙"]))
    assert "I cannot find staff numbers and names" in shown
    assert "1 row: 1 new" in await luo.sends_file("x.csv", csv(["1", "甲"], head=["工号", "姓名"]))


async def test_who_has_no_right_is_told_so(stage: Stage) -> None:
    await stage.database.write(units)
    lin = await stage.teacher("林若溪")
    content = csv(["060013", "新来的", "", "语文", "", ""])
    assert "right to do this" in await lin.sends_file("名册.csv", content)
    luo = await coordinator_besides(stage)
    await luo.sends_file("名册.csv", content)

    def job(session: Session) -> int:
        return session.exec(select(ImportJob.id)).one()

    number = await stage.database.read(job)
    for data in (
        "imps",
        f"rpre:{number}",
        f"rap:{number}",
        f"rcn:{number}",
        f"rms:{number}",
        f"rmc:{number}:1",
    ):
        assert "right to do this" in await lin.sends_data(data), data


async def coordinator_besides(stage: Stage) -> Actor:
    luo = await stage.teacher("罗佳宁", staff_no="900001")

    def appoint(session: Session) -> None:
        assert luo.teacher_id is not None
        unit_id = make.school(session, "澄禾县实验小学")
        roles.appoint(
            session, luo.teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW
        )

    await stage.database.write(appoint)
    return luo


async def test_a_preview_is_given_up_or_found_again_in_the_list(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.sends_file("名册.csv", csv(["060013", "新来的", "", "语文", "", ""]))
    await luo.says("/desk")
    listed = await luo.taps("Import a roster")
    assert "名册.csv: waiting to be applied (1 new, 0 changed)" in listed
    assert "1 row: 1 new" in await luo.taps("Open the preview")
    assert "nothing was changed" in await luo.taps("Cancel")
    assert "名册.csv: given up" in await luo.taps("Import a roster")

    def content(session: Session) -> tuple[bytes, str]:
        return session.exec(select(ImportJob.content, ImportJob.state)).one()

    assert await stage.database.read(content) == (b"", ImportState.CANCELLED)


async def test_what_changed_since_the_preview_is_shown_instead(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.sends_file("名册.csv", csv(["060013", "新来的", "", "语文", "", ""]))
    await stage.database.write(make.teacher, "新来的", staff_no="060013", subject="数学")
    shown = await luo.taps("Apply")
    assert "here is a new one" in shown
    assert "0 new, 1 changed" in shown
    assert "Done: 0 added, 1 changed." in await luo.taps("Apply")


async def test_a_preview_of_yesterday_does_not_wait_any_more(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.sends_file("名册.csv", csv(["060013", "新来的", "", "语文", "", ""]))
    await stage.passes(hours=25)
    await luo.taps("Apply")
    assert "does not wait any more" in luo.alert


async def test_a_second_tap_on_apply_says_the_same(stage: Stage) -> None:
    luo = await coordinator(stage)
    await luo.sends_file("名册.csv", csv(["060013", "新来的", "", "语文", "", ""]))
    number = luo.messages()[-1].id
    data = luo.messages()[-1].button("Apply")["callback_data"]
    first = await luo.taps("Apply")
    stage.world.tap(luo.id, luo.id, number, data, forged=True)
    await stage.settle()
    assert luo.sees() == first


async def test_a_complete_list_closes_who_is_missing_after_a_question(stage: Stage) -> None:
    luo = await coordinator(stage)
    await stage.database.write(make.teacher, "已调走", staff_no="060013")
    shown = await luo.sends_file("名册.csv", csv(["060012", "林若溪", "", "", "", ""]))
    assert "Not in the file: 1. They stay as they are." in shown
    await luo.taps("Apply")
    asked = await luo.taps("Not in the file: 1")
    assert "已调走" in asked
    assert "罗佳宁" not in asked  # whoever imports stays
    assert "1 person is marked as left" in await luo.taps("Mark 1 as left")
    assert await state_of(stage, "060013") is TeacherState.LEFT
    await luo.taps("Undo")
    assert await state_of(stage, "060013") is TeacherState.ACTIVE


async def test_what_is_hidden_is_said(stage: Stage) -> None:
    luo = await coordinator(stage)
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("名册")
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ["060013", "新来的", "", "语文"])
        sheet.set_row(1, None, None, {"hidden": True})
        sheet.set_column(3, 3, 10, None, {"hidden": True})
        old = book.add_worksheet("旧表")
        old.write(0, 0, "x")
        old.hide()
    shown = await luo.sends_file("名册.xlsx", made.getvalue())
    assert "Hidden rows (1) and columns (1) were read like the others." in shown
    assert "Hidden sheets were left out: 旧表." in shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "cannot be read as a table"),
        ("工号,姓名\n1,=1+1".encode(), "contains formulas"),
        (b"\n,,\n", "There is nothing in this table"),
    ],
)
async def test_a_file_that_means_harm_is_refused_in_words(
    stage: Stage, content: bytes, said: str
) -> None:
    luo = await coordinator(stage)
    assert said in await luo.sends_file("名册.xlsx", content)


async def test_a_long_import_shows_a_bar_that_is_gone_afterwards(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "FIRST", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.02)
    luo = await coordinator(stage)
    shown: list[str] = []
    text = progress.Progress.text

    def noted(told: progress.Progress) -> str:
        shown.append(text(told))
        return shown[-1]

    monkeypatch.setattr(progress.Progress, "text", noted)
    rows = [[f"{60000 + n}", f"老师{n}", "", "语文", "", ""] for n in range(800)]
    await luo.sends_file("名册.csv", csv(*rows))
    assert any("Reading the file…" in each for each in shown)
    assert any("Comparing with the roster…" in each for each in shown)
    assert "800 rows: 800 new" in luo.sees()
    assert len([m for m in luo.messages() if not m.mine]) == 1  # the bar is gone
    shown.clear()
    assert "Done: 800 added" in await luo.taps("Apply")
    assert any("Applying the roster…" in each for each in shown)


async def test_the_county_builds_a_school_and_moves_a_teacher(stage: Stage) -> None:
    he = await coordinator(stage, at="澄禾县")
    await stage.database.write(make.teacher, "林若溪", staff_no="060012")
    shown = await he.sends_file(
        "全县.csv",
        csv(
            ["060012", "林若溪", "城东", "语文", "", ""],
            ["070001", "新来的", "S07", "语文", "", ""],
        ),
    )
    assert "1 new, 1 changed" in shown
    assert "Among them: 1 moving" in shown
    assert "School: 澄禾县实验小学 → 城东小学" in shown
    await he.taps("Apply")
    await stage.passes(hours=25)
    history = await stage.database.read(history_of, "060012")
    assert [school for school, _since, _until in history] == ["实小", "城东"]
    await he.says("/desk")
    listed = await he.taps("Import a roster")
    assert "全县.csv: applied (1 new, 1 changed)" in listed
    assert all("Undo" not in label for label in he.labels())  # a day has passed
