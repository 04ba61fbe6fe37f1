"""Tables as people really send them: read to plain text cells, and written back.

What comes in is hostile until it has been looked at: a file is opened in a process of its own
(``storage.reading_sheets``) that may use so much memory and time and no more, macros and
formulas are refused, and a cell is never more than its text.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import xlsxwriter

from storage.refusals import Refusal

HEAD_ROWS = 15  # the header stands among the first so many rows
READING_TAKES = 60  # seconds at most, by the wall
_READER = Path(__file__).with_name("reading_sheets.py")
_READING = threading.BoundedSemaphore(2)  # files at a time: each may fill its memory
_FIRST_DAY = date(1899, 12, 30)  # of a spreadsheet's serial numbers
_NUMBER = re.compile(
    r"([+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)\s*"
    r"(%|[人名个個位分]|[学學]时|[学學]時|[课課][时時]|小[时時]|people|persons?|seats?|points?|hours?|h)?",
    re.IGNORECASE,
)


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
    """One sheet: ``rows[0]`` is the file's first row; all cells are text without edges.

    Empty cells at the end of a row are left out. Hidden rows and columns, counted from 0, are
    read like the others.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Book:
    """A file's visible sheets that hold anything, and the names of the hidden ones."""

    name: str
    sheets: tuple[Sheet, ...]
    hidden: tuple[str, ...] = ()


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
    hidden_rows: int = 0  # so many of the lines stand in hidden rows
    hidden_columns: tuple[str, ...] = ()  # fields that stand in hidden columns


def read(content: bytes, name: str) -> Book:
    """Read a spreadsheet or a text table. Raises Unreadable.

    Takes a twentieth of a second and more: callers keep it off the event loop.
    """
    with _READING:
        try:
            done = subprocess.run(  # noqa: S603  (our own program, started by its path)
                [sys.executable, "-I", str(_READER)],
                input=content,
                capture_output=True,
                timeout=READING_TAKES,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unreadable(Wrong.TOO_BIG) from error
    if done.returncode != 0:
        # It used more than it may: what does so is no table of anybody's.
        raise Unreadable(Wrong.TOO_BIG)
    answer = json.loads(done.stdout)
    if "why" in answer:
        raise Unreadable(Wrong(answer["why"]), answer["where"])
    return Book(
        name,
        tuple(
            Sheet(
                sheet["name"],
                tuple(tuple(row) for row in sheet["rows"]),
                frozenset(sheet["hidden_rows"]),
                frozenset(sheet["hidden_columns"]),
            )
            for sheet in answer["sheets"]
        ),
        tuple(answer["hidden"]),
    )


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
                    if header and key(header) not in NUMBERING:
                        unknown.append(header)
                else:
                    columns[field] = column
            if all(field in columns for field in required):
                lines = tuple(_lines(sheet.rows, at + 1, columns))
                return Table(
                    sheet.name,
                    at + 1,
                    columns,
                    tuple(unknown),
                    lines,
                    sum(line.number - 1 in sheet.hidden_rows for line in lines),
                    tuple(f for f, c in columns.items() if c in sheet.hidden_columns),
                )
    return None


def _lines(rows: Sequence[Sequence[str]], start: int, columns: Mapping[str, int]) -> Iterator[Line]:
    for number, row in enumerate(rows[start:], start + 1):
        values = {f: row[c] if c < len(row) else "" for f, c in columns.items()}
        if any(values.values()):
            yield Line(number, values)


@lru_cache(maxsize=4096)
def key(header: str) -> str:
    """What a header says, without what makes no difference."""
    text = unicodedata.normalize("NFKC", header).lower()
    text = re.sub(r"\(.*?\)", "", text)
    return re.sub(r"[\W_]+", "", text)


NUMBERING = frozenset(map(key, ("序号", "序號", "行号", "No.", "Serial number")))
"""Headers of the column that numbers a sheet's rows: nobody misses what it says."""


_TOTALS = frozenset(
    map(key, ("合计", "合計", "总计", "總計", "小计", "小計", "平均", "total", "average"))
)


def is_total(name: str) -> bool:
    """Whether a row sums others up instead of being somebody's."""
    return key(name) in _TOTALS


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
    """Read a number as people write one: 12, 7.5, 1,200, 20人, 85%; a percentage is its hundredth.

    Digits of any width; "1e3" and the like is what a slip of the finger makes, and no number.
    """
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return None
    number = Decimal(found[1].replace(",", ""))
    return number / 100 if found[2] == "%" else number


def with_notes(
    book: Book,
    name: str,
    header: int,
    labels: Sequence[str],
    notes: Mapping[int, Sequence[str]],
) -> bytes:
    """Write the book again with columns at the end of one sheet's table: notes by row number.

    Where it has been sent back before, these columns are replaced.
    """
    made: list[tuple[str, list[list[str]]]] = []
    for sheet in book.sheets:
        rows = [list(row) for row in sheet.rows]
        if sheet.name == name:
            table = rows[header - 1 :]
            first = len(table[0]) - len(labels)
            if table[0][first:] == list(labels):
                for row in table:
                    del row[first : first + len(labels)]
            width = max(len(row) for row in table)
            for number, row in enumerate(table, header):
                said = labels if number == header else notes.get(number, ())
                if said:
                    row += [*[""] * (width - len(row)), *said]
        made.append((sheet.name, rows))
    return write(made)


def write(sheets: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> bytes:
    """Write a workbook: first rows are headers. Text stays text, whatever it begins with."""
    made = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(made, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "text_wrap": True})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        for name, rows in sheets:
            sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", name)[:31] or None)
            sheet.freeze_panes(1, 0)
            widths: dict[int, int] = {}
            for r, row in enumerate(rows):
                for c, value in enumerate(row):
                    text = str(value)
                    looks = head if r == 0 else wrapped if "\n" in text else None
                    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
                        sheet.write_number(r, c, float(value), looks)
                    else:
                        sheet.write_string(r, c, text, looks)
                    wide = max(map(_width, text.split("\n")))
                    widths[c] = max(widths.get(c, 8), min(60, wide + 2))
            for c, width in widths.items():
                sheet.set_column(c, c, width)
    return made.getvalue()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
