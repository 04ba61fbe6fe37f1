"""Tables as people really send them: read to plain text cells, and written back.

What comes in is hostile until it has been looked at: a packed file is measured before it is
unpacked, macros and formulas are refused, and a cell is never more than its text.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from storage.refusals import Refusal

LARGEST_UNPACKED = 200 * 1024 * 1024
MOST_CELLS = 5_000_000
HEAD_ROWS = 15  # the header stands among the first so many rows
_FIRST_DAY = date(1899, 12, 30)  # of a spreadsheet's serial numbers


class Wrong(StrEnum):
    """Why a file is not read."""

    NO_TABLE = "no_table"
    TOO_BIG = "too_big"
    MACROS = "macros"
    FORMULAS = "formulas"
    LOCKED = "locked"
    EMPTY = "empty"


class Unreadable(Refusal):
    """The file is not read; ``where`` is the cell for a formula, such as "C7"."""

    def __init__(self, why: Wrong, where: str = "") -> None:
        super().__init__(f"{why} {where}".strip())
        self.why = why
        self.where = where


@dataclass(frozen=True)
class Sheet:
    """One sheet: ``rows[0]`` is the file's first row; all cells are text without edges."""

    name: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Book:
    """A file's visible sheets that hold anything."""

    name: str
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True)
class Line:
    """A row of a table; ``number`` is the row's number as the person sees it, from 1."""

    number: int
    values: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A sheet whose header was understood: ``columns`` maps each field found to its column."""

    sheet: str
    header: int  # the header's row number, from 1
    columns: dict[str, int]
    unknown: tuple[str, ...]  # headers that say nothing known
    lines: tuple[Line, ...]


def read(content: bytes, name: str) -> Book:
    """Read a spreadsheet or a text table. Raises Unreadable."""
    if content[:2] == b"PK":
        _check_packed(content)
        sheets = _read_workbook(content)
    elif content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        sheets = _read_workbook(content)
    else:
        sheets = _read_text(content)
    kept = tuple(sheet for sheet in sheets if any(any(row) for row in sheet.rows))
    if not kept:
        raise Unreadable(Wrong.EMPTY)
    return Book(name, kept)


def find_table(
    book: Book, fields: Mapping[str, Collection[str]], required: Collection[str]
) -> Table | None:
    """Return the first sheet's table in which every required field has a column, or None.

    ``fields`` maps a field to the headers that mean it, in any language; letter case, spaces,
    full-width forms, punctuation and what stands in brackets make no difference.
    """
    meant = {key(header): field for field, headers in fields.items() for header in headers}
    for sheet in book.sheets:
        for at, row in enumerate(sheet.rows[:HEAD_ROWS]):
            columns: dict[str, int] = {}
            unknown = []
            for column, header in enumerate(row):
                field = meant.get(key(header))
                if field is None or field in columns:
                    if header:
                        unknown.append(header)
                else:
                    columns[field] = column
            if all(field in columns for field in required):
                lines = tuple(_lines(sheet.rows, at + 1, columns))
                return Table(sheet.name, at + 1, columns, tuple(unknown), lines)
    return None


def _lines(rows: Sequence[Sequence[str]], start: int, columns: Mapping[str, int]) -> Iterator[Line]:
    for number, row in enumerate(rows[start:], start + 1):
        values = {f: row[c] if c < len(row) else "" for f, c in columns.items()}
        if any(values.values()):
            yield Line(number, values)


def key(header: str) -> str:
    """What a header says, without what makes no difference."""
    text = unicodedata.normalize("NFKC", header).lower()
    text = re.sub(r"\(.*?\)", "", text)
    return re.sub(r"[\W_]+", "", text)


def plain(text: str) -> str:
    """A code, a number or a name as typed in any width, without spaces at its edges."""
    return unicodedata.normalize("NFKC", text).strip()


def as_day(text: str) -> date | None:
    """Read a day: 2026-11-20, 2026/11/20, 2026.11.20, 20261120, 2026年11月20日, 46346."""
    text = unicodedata.normalize("NFKC", text).strip()
    match = re.match(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", text)
    match = match or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    if match:
        try:
            return date(*(int(part) for part in match.groups()))
        except ValueError:
            return None
    if re.fullmatch(r"\d{5}(\.\d+)?", text) and 20_000 <= float(text) < 80_000:
        return _FIRST_DAY + timedelta(days=int(float(text)))
    return None


def as_number(text: str) -> Decimal | None:
    """Read a number, whatever its digits and grouping; a percentage is its hundredth."""
    text = unicodedata.normalize("NFKC", text).strip().replace(",", "")
    percent = text.endswith("%")
    try:
        number = Decimal(text.rstrip("% "))
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return number / 100 if percent else number


def write(sheets: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> bytes:
    """Write a workbook: first rows are headers. Text stays text, whatever it begins with."""
    made = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(made, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "text_wrap": True})
        for name, rows in sheets:
            sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", name)[:31] or None)
            sheet.freeze_panes(1, 0)
            widths: dict[int, int] = {}
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
                        sheet.write_number(r, c, float(value), head if r == 0 else None)
                    else:
                        sheet.write_string(r, c, str(value), head if r == 0 else None)
                    widths[c] = max(widths.get(c, 8), min(60, _width(str(value)) + 2))
            for c, width in widths.items():
                sheet.set_column(c, c, width)
    return made.getvalue()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _check_packed(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST_UNPACKED:
                raise Unreadable(Wrong.TOO_BIG)
            if any("vbaproject" in entry.filename.lower() for entry in entries):
                raise Unreadable(Wrong.MACROS)
            for entry in entries:
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry.filename):
                    _check_formulas(packed.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise Unreadable(Wrong.NO_TABLE) from error


def _check_formulas(sheet: bytes) -> None:
    found = re.search(rb"<(?:\w+:)?f[\s>/]", sheet)
    if found:
        cells = re.findall(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]+[0-9]+)"', sheet[: found.start()])
        raise Unreadable(Wrong.FORMULAS, cells[-1].decode() if cells else "")


def _read_workbook(content: bytes) -> list[Sheet]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        visible = [m.name for m in book.sheets_metadata if m.visible is SheetVisibleEnum.Visible]
        return [_sheet(book, name) for name in visible]
    except PasswordError as error:
        raise Unreadable(Wrong.LOCKED) from error
    except (CalamineError, OSError, ValueError) as error:
        raise Unreadable(Wrong.NO_TABLE) from error


def _sheet(book: CalamineWorkbook, name: str) -> Sheet:
    sheet = book.get_sheet_by_name(name)
    if sheet.total_height * sheet.total_width > MOST_CELLS:
        raise Unreadable(Wrong.TOO_BIG)
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        # A merged cell says the same for all rows that it spans.
        for r in range(top, min(bottom + 1, len(rows))):
            for c in range(left, min(right + 1, len(rows[r]))):
                rows[r][c] = rows[r][c] or rows[top][left]
    return Sheet(name, tuple(tuple(row) for row in rows))


def _text(cell: object) -> str:
    """A cell as text: whole numbers without a point, days and moments in ISO form."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell).strip()


def _read_text(content: bytes) -> list[Sheet]:
    text = _decoded(content)
    delimiter = max(",;\t", key=text[:4000].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Unreadable(Wrong.NO_TABLE) from error
    return [Sheet("", tuple(tuple(_text(cell) for cell in row) for row in rows))]


def _decoded(content: bytes) -> str:
    if b"\x00" in content[:4000] and content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise Unreadable(Wrong.NO_TABLE)
    for encoding in ("utf-8-sig", "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""):
        if encoding:
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        raise Unreadable(Wrong.NO_TABLE) from error
