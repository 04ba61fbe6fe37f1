"""Tables as people really send them, and files that mean harm."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter

from storage import sheets
from storage.sheets import Unreadable, Wrong, find_table, read
from tests import old_workbook

FIELDS = {"no": ("工号", "Staff number"), "name": ("姓名", "Name"), "school": ("学校", "School")}


def workbook(fill: Callable[[Any, Any], None]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        fill(book, book.add_worksheet("名册"))
    return made.getvalue()


def of_rows(*rows: list[object]) -> bytes:
    def fill(_book: Any, sheet: Any) -> None:
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return workbook(fill)


def changed(content: bytes, **parts: bytes) -> bytes:
    """The packed file with other contents; ``__`` stands for a slash and ``_dot_`` for a dot."""
    wanted = {name.replace("__", "/").replace("_dot_", "."): data for name, data in parts.items()}
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", 8) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, wanted.pop(entry.filename, old.read(entry)))
        for name, data in wanted.items():
            new.writestr(name, data)
    return made.getvalue()


def ods(body: str, **more: str) -> bytes:
    made = io.BytesIO()
    spaces = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    )
    manifest = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
    with zipfile.ZipFile(made, "w", 8) as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", 0)
        packed.writestr(
            "META-INF/manifest.xml",
            more.get("manifest", f"<manifest:manifest {manifest}></manifest:manifest>"),
        )
        packed.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="名册">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return made.getvalue()


def ods_row(*cells: str, more: str = "") -> str:
    made = "".join(
        f'<table:table-cell office:value-type="string"{more}>'
        f"<text:p>{cell}</text:p></table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row>{made}</table:table-row>"


def rows(content: bytes, name: str = "名册.xlsx") -> list[list[str]]:
    (sheet,) = read(content, name).sheets
    return [list(row) for row in sheet.rows]


def why(content: bytes) -> tuple[Wrong, str]:
    with pytest.raises(Unreadable) as refused:
        read(content, "名册.xlsx")
    return refused.value.why, refused.value.where


def test_cells_are_read_as_people_see_them() -> None:
    def fill(book: Any, sheet: Any) -> None:
        six = book.add_format({"num_format": "000000"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["工号", "姓名", "入职"])
        sheet.write_number(1, 0, 60012, six)
        sheet.write_string(1, 1, " 林若溪 ")
        sheet.write_number(1, 2, 43336, day)
        sheet.write_row(2, 0, [60013.0, "周明远", 43336, True, 1.5])

    assert rows(workbook(fill)) == [
        ["工号", "姓名", "入职"],
        ["060012", "林若溪", "2018-08-24"],
        ["60013", "周明远", "43336", "1", "1.5"],
    ]


def test_a_merged_cell_says_the_same_for_all_rows_that_it_spans() -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 2, "教师名册")
        sheet.write_row(1, 0, ["学校", "工号", "姓名"])
        sheet.merge_range(2, 0, 3, 0, "实验小学")
        sheet.write_row(2, 1, ["060012", "林若溪"])
        sheet.write_row(3, 1, ["060013", "周明远"])

    table = find_table(read(workbook(fill), "名册.xlsx"), FIELDS, ("no", "name"))
    assert table is not None
    assert table.header == 2
    assert [(line.number, line.values["school"]) for line in table.lines] == [
        (3, "实验小学"),
        (4, "实验小学"),
    ]


def test_what_is_hidden_is_read_and_named() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["工号", "姓名", "学校"])
        sheet.write_row(1, 0, ["060012", "林若溪", "实验小学"])
        sheet.write_row(2, 0, ["060013", "周明远", "实验小学"])
        sheet.set_column(2, 4, 10, None, {"hidden": True})
        sheet.set_row(2, None, None, {"hidden": True})
        secret = book.add_worksheet("旧表 & 备注")
        secret.write(0, 0, "不用的")
        secret.hide()

    book = read(workbook(fill), "名册.xlsx")
    assert book.hidden == ("旧表 & 备注",)
    table = find_table(book, FIELDS, ("no", "name"))
    assert table is not None
    assert len(table.lines) == 2
    assert table.hidden_rows == 1
    assert table.hidden_columns == ("school",)


def test_headers_are_found_below_a_title_and_in_any_spelling() -> None:
    book = read(
        of_rows(
            ["2026年秋季教师名册"],
            [],
            ["序号", "工　号（必填）", "姓 名", "備註"],
            [1, "１２", "林"],
        ),
        "",
    )
    table = find_table(book, FIELDS, ("no", "name"))
    assert table is not None
    assert table.header == 3
    assert table.unknown == ("備註",)  # nobody misses what numbers the rows
    assert table.lines[0].values == {"no": "１２", "name": "林"}
    assert sheets.plain(table.lines[0].values["no"]) == "12"
    assert find_table(book, FIELDS, ("school",)) is None


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [
        ("utf-8", ","),
        ("utf-8-sig", ";"),
        ("utf-16", "\t"),
        ("utf-16-le", ","),
        ("utf-16-be", ","),
        ("gb18030", ","),
        ("gbk", "\t"),
    ],
)
def test_text_tables_of_every_encoding_and_separator_are_read(
    encoding: str, delimiter: str
) -> None:
    lines = [["工号", "姓名", "电话"], ['="060012"', '"林, 若溪"', "+8613800000000"]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    assert rows(text.encode(encoding), "名册.csv") == [
        ["工号", "姓名", "电话"],
        ["060012", "林, 若溪", "+8613800000000"],
    ]


def test_a_text_table_in_big5_is_told_from_one_in_gb18030() -> None:
    text = "工號,姓名,學校\n060012,林若溪,實驗小學"
    assert rows(text.encode("big5"), "名冊.csv")[0] == ["工號", "姓名", "學校"]


def test_an_old_workbook_is_read() -> None:
    content = old_workbook.made([["工号", "姓名"], [60012.0, "林若溪"], ["060013", "周明远"]])
    assert rows(content, "名册.xls") == [
        ["工号", "姓名"],
        ["60012", "林若溪"],
        ["060013", "周明远"],
    ]


def test_an_ods_is_read() -> None:
    content = ods(ods_row("工号", "姓名") + ods_row("060012", "林若溪"))
    assert rows(content, "名册.ods") == [["工号", "姓名"], ["060012", "林若溪"]]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2018-08-24", date(2018, 8, 24)),
        ("2018/8/4", date(2018, 8, 4)),
        ("2018.8.24 08:00", date(2018, 8, 24)),
        ("２０１８年８月２４日", date(2018, 8, 24)),
        ("20180824", date(2018, 8, 24)),
        ("43336", date(2018, 8, 24)),
        ("43336.5", date(2018, 8, 24)),
        ("2018-02-30", None),
        ("60012x", None),
        ("", None),
    ],
)
def test_days_are_read_in_any_form(text: str, day: date | None) -> None:
    assert sheets.as_day(text) == day


def test_numbers_are_read_in_any_form() -> None:
    assert sheets.as_number("１，２００.5") == Decimal("1200.5")
    assert sheets.as_number("85%") == Decimal("0.85")
    assert sheets.as_number("２０人") == Decimal(20)
    assert sheets.as_number("7.5 学时") == Decimal("7.5")
    assert sheets.as_number("-3") == Decimal(-3)
    for none in ("NaN", "1e3", "1_000", "1,2", "20人民", "٣", ""):
        assert sheets.as_number(none) is None, none
    assert sheets.as_number("优") is None


def test_what_is_written_is_read_again_letter_by_letter() -> None:
    table = [["工号", "姓名", "说明"], ["060012", "林若溪", "=1+1"], ["+1", "@x", "http://a.b"]]
    assert rows(sheets.write([("名册[1]", table)])) == table


# --- files that mean harm -----------------------------------------------------------------------


def bomb(size: int, declared: int | None = None) -> bytes:
    """An .xlsx whose sheet unpacks to so many bytes; its headers may say another number."""
    sheet = b'<?xml version="1.0"?><worksheet><sheetData>' + b" " * size
    content = changed(of_rows(["工号"]), xl__worksheets__sheet1_dot_xml=sheet)
    if declared is None:
        return content
    real, lie = struct.pack("<I", len(sheet)), struct.pack("<I", declared)
    assert content.count(real) >= 2
    return content.replace(real, lie)


def test_bombs_are_not_unpacked() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert why(bomb(300 << 20)) == (Wrong.TOO_BIG, "")
    assert why(bomb(300 << 20, declared=1000)) == (Wrong.TOO_BIG, "")
    # What was unpacked was unpacked elsewhere. (The files themselves are made here.)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700 << 10


def test_a_small_lie_about_sizes_is_seen_too() -> None:
    assert why(bomb(5000, declared=10))[0] is Wrong.TOO_BIG
    assert why(bomb(5000, declared=50_000))[0] is Wrong.NO_TABLE


def test_many_entries_and_double_entries_are_refused() -> None:
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as packed:
        for number in range(3000):
            packed.writestr(f"xl/{number}", "")
    assert why(many.getvalue())[0] is Wrong.TOO_BIG
    twice = io.BytesIO(of_rows(["工号"]))
    with zipfile.ZipFile(twice, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("xl/workbook.xml", "<x/>")
    assert why(twice.getvalue())[0] is Wrong.NO_TABLE


def test_a_sheet_of_millions_of_empty_rows_is_read_as_what_it_holds() -> None:
    styled = b"".join(b'<row r="%d"><c r="A%d" s="1"/></row>' % (n, n) for n in range(3, 400_000))
    sheet = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/'
        b'spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
        + styled
        + b"</sheetData></worksheet>"
    )
    assert rows(changed(of_rows(["a"]), xl__worksheets__sheet1_dot_xml=sheet)) == [["x"]]


def test_two_cells_at_the_ends_of_the_world_do_not_fill_the_memory() -> None:
    sheet = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/'
        b'spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    assert why(changed(of_rows(["a"]), xl__worksheets__sheet1_dot_xml=sheet))[0] is Wrong.TOO_BIG


def test_one_long_text_shown_a_hundred_thousand_times_is_refused() -> None:
    text = b"x" * 30_000
    strings = b"<sst><si><t>" + text + b"</t></si></sst>"
    cells = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 100_000)
    )
    sheet = b"<worksheet><sheetData>" + cells + b"</sheetData></worksheet>"
    content = changed(
        of_rows(["a"]), xl__worksheets__sheet1_dot_xml=sheet, xl__sharedStrings_dot_xml=strings
    )
    assert why(content)[0] is Wrong.TOO_BIG


def test_xml_that_declares_entities_is_refused() -> None:
    laughs = (
        b'<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
        b"<sst><si><t>&b;</t></si></sst>"
    )
    assert why(changed(of_rows(["a"]), xl__sharedStrings_dot_xml=laughs))[0] is Wrong.NO_TABLE
    sheet = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>'
    assert why(changed(of_rows(["a"]), xl__worksheets__sheet1_dot_xml=sheet))[0] is Wrong.NO_TABLE


def test_macros_are_refused() -> None:
    assert why(changed(of_rows(["a"]), xl__vbaProject_dot_bin=b"x")) == (Wrong.MACROS, "")
    old = old_workbook.compound({"Workbook": b"x", "_VBA_PROJECT_CUR": b"x"})
    assert why(old) == (Wrong.MACROS, "")


def test_formulas_are_refused_with_their_cell() -> None:
    def fill(_book: Any, sheet: Any) -> None:
        sheet.write(0, 0, "工号")
        sheet.write_formula(6, 2, '=HYPERLINK("http://x","y")', None, "y")

    assert why(workbook(fill)) == (Wrong.FORMULAS, "C7")
    formula = old_workbook.record(0x0006, struct.pack("<HHHdHIH", 6, 2, 0, 1.0, 0, 0, 0))
    assert why(old_workbook.made([["工号"]], extra=formula)) == (Wrong.FORMULAS, "C7")
    assert why(ods(ods_row("1", more=' table:formula="of:=1+1"')))[0] is Wrong.FORMULAS


@pytest.mark.parametrize(
    "cell", ["=1+1", "=cmd|' /C calc'!A0", "+SUM(A1)", "@SUM(1)", "-1+cmd|' /C calc'!A0", "＝A1"]
)
def test_a_text_cell_that_would_be_computed_is_refused(cell: str) -> None:
    assert why(f'工号,姓名\n1,"{cell}"'.encode()) == (Wrong.FORMULAS, "B2")


@pytest.mark.parametrize("cell", ["+8613800000000", "-5", "-", "@林老师", "=", "+1"])
def test_a_text_cell_that_only_looks_like_one_is_read(cell: str) -> None:
    assert rows(f"工号,姓名\n1,{cell}".encode())[1] == ["1", cell]


def test_a_password_is_said() -> None:
    locked = old_workbook.compound({"EncryptionInfo": b"x", "EncryptedPackage": b"x"})
    assert why(locked) == (Wrong.LOCKED, "")
    passed = old_workbook.record(0x002F, b"\0" * 6)
    assert why(old_workbook.made([["工号"]], extra=passed)) == (Wrong.LOCKED, "")
    manifest = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>"
    assert why(ods(ods_row("1"), manifest=manifest)) == (Wrong.LOCKED, "")
    flagged = bytearray(of_rows(["a"]))
    at = flagged.find(b"PK\x01\x02")
    flagged[at + 8] |= 1
    assert why(bytes(flagged)) == (Wrong.LOCKED, "")


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"%PDF-1.7\n1 0 obj\n<<>>\nendobj",
        b"<html><table><tr><td>1</td></tr></table></html>",
        b"{\\rtf1 x}",
        b"\x7fELF\x02\x01\x01\x00\x00",
        b"PK\x03\x04 and nothing more",
        b"PK\x05\x06" + b"\0" * 18,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4096,
        bytes(range(1, 256)) * 40,
    ],
)
def test_another_kind_of_file_under_a_table_s_name_is_refused(content: bytes) -> None:
    assert why(content)[0] is Wrong.NO_TABLE


def test_a_packed_file_that_is_no_workbook_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("word/document.xml", "<x/>")
    assert why(made.getvalue())[0] is Wrong.NO_TABLE
    inner = changed(of_rows(["a"]), xl__worksheets__sheet1_dot_xml=zlib.compress(b"x" * 100))
    assert why(inner)[0] in (Wrong.NO_TABLE, Wrong.EMPTY)


def test_nothing_in_a_file_is_said() -> None:
    assert why(b"")[0] is Wrong.EMPTY
    assert why(b"\n\n ,, \n")[0] is Wrong.EMPTY
    assert why(of_rows())[0] is Wrong.EMPTY


def test_a_cell_of_a_million_characters_and_a_million_columns_are_refused() -> None:
    assert why(b'"' + b"x" * 1_000_000 + b'"')[0] is Wrong.NO_TABLE
    assert why(b"," * 6_000_000)[0] is Wrong.TOO_BIG


def test_merges_without_end_take_no_time() -> None:
    sheet = (
        b"<worksheet><sheetData>"
        + b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(1, 2000))
        + b"</sheetData><mergeCells>"
        + b'<mergeCell ref="A1:XFD1048576"/>' * 50_000
        + b"</mergeCells></worksheet>"
    )
    assert why(changed(of_rows(["a"]), xl__worksheets__sheet1_dot_xml=sheet))[0] is Wrong.TOO_BIG


def test_a_table_that_is_sent_back_again_has_its_remarks_once() -> None:
    content = of_rows(["姓名", "成绩"], ["林若溪", "九十"], ["石晓岚", 90])
    for said in ("看不懂", "还是看不懂"):
        book = read(content, "成绩.xlsx")
        name = book.sheets[0].name
        content = sheets.with_notes(book, name, 1, ["问题"], {2: [said]})
    rows = read(content, "成绩.xlsx").sheets[0].rows
    assert [list(row) for row in rows] == [
        ["姓名", "成绩", "问题"],
        ["林若溪", "九十", "还是看不懂"],
        ["石晓岚", "90"],
    ]
