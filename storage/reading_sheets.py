"""Reads one file of unknown origin, as a process of its own: bytes in, JSON out.

A packed file can be made to fill any memory, and what unpacks it is not ours. So it is read
where memory and processor time are limited and where nothing is lost by dying: see
``storage.sheets.read``. The program needs nothing of the house; it is started by its path.
"""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

LARGEST_UNPACKED = 200 * 1024 * 1024
MOST_ENTRIES = 2_000
MOST_CELLS = 5_000_000  # with the empty ones between
MOST_TEXT = 64 * 1024 * 1024  # characters
MEMORY = 1536 * 1024 * 1024
SECONDS = 40
PIECE = 1 << 20

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SPEAKING = frozenset(
    "工号號姓名学校學校科段岗崗位任教职職称稱状狀态態电電话話单單编編码碼简簡片区區集团團成绩績"
)
_TAG = rb"<(?:\w+:)?"


class Refused(Exception):
    """The file is not read: why, and the cell where that was seen."""

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.where = where


def main() -> None:
    """Read standard input, write the answer to standard output."""
    _limit()
    try:
        answer = read(sys.stdin.buffer.read())
    except Refused as refused:
        answer = {"why": refused.why, "where": refused.where}
    except MemoryError:
        answer = {"why": "too_big", "where": ""}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on this system: the checks below still hold
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(content: bytes) -> dict[str, Any]:
    """Return the sheets and the names of hidden ones. Raises Refused."""
    hidden: list[str] = []
    if content[:2] == b"PK":
        looks = _look_into(content)
        sheets, hidden = _workbook(content, looks)
    elif content[:8] == OLE:
        _check_old(content)
        sheets, hidden = _workbook(content, {})
    else:
        sheets = [_text_table(content)]
    kept = [sheet for sheet in sheets if any(any(row) for row in sheet["rows"])]
    if not kept:
        raise Refused("empty")
    return {"sheets": kept, "hidden": hidden}


def _workbook(
    content: bytes, looks: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[str]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        metadata = book.sheets_metadata
        shown = [each.name for each in metadata if each.visible is SheetVisibleEnum.Visible]
        hidden = [each.name for each in metadata if each.visible is not SheetVisibleEnum.Visible]
        room = [MOST_CELLS, MOST_TEXT, MOST_CELLS]
        return [_sheet(book, name, looks.get(name, {}), room) for name in shown], hidden
    except PasswordError as error:
        raise Refused("locked") from error
    except (CalamineError, OSError, ValueError) as error:
        raise Refused("no_table") from error


def _sheet(
    book: CalamineWorkbook, name: str, look: dict[str, Any], room: list[int]
) -> dict[str, Any]:
    """Read one sheet; ``room`` is what is left of cells, of text, and of cells to merge."""
    sheet = book.get_sheet_by_name(name)
    if sheet.end is None:
        return {"name": name, "rows": [], "hidden_rows": [], "hidden_columns": []}
    bottom, right = sheet.end
    room[0] -= (bottom + 1) * (right + 1)
    if room[0] < 0:
        raise Refused("too_big")
    zeros: dict[tuple[int, int], int] = look.get("zeros", {})
    rows: list[list[str]] = []
    for r, cells in enumerate(sheet.to_python(skip_empty_area=False)):
        row = [_text(cell) for cell in cells]
        for c in range(len(row)) if zeros else ():
            if (r, c) in zeros and row[c].isdigit():
                row[c] = row[c].zfill(zeros[r, c])
        room[1] -= sum(map(len, row))
        if room[1] < 0:
            raise Refused("too_big")
        rows.append(row)
    for (top, left), (low, far) in sheet.merged_cell_ranges or ():
        # A merged cell says the same for all rows that it spans.
        if top >= len(rows) or left >= len(rows[top]) or not rows[top][left]:
            continue
        said = rows[top][left]
        bottom, right = min(low, len(rows) - 1), min(far, len(rows[top]) - 1)
        room[2] -= (bottom - top + 1) * (right - left + 1)
        if room[2] < 0:
            raise Refused("too_big")
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if not rows[r][c]:
                    rows[r][c] = said
                    room[1] -= len(said)
        if room[1] < 0:
            raise Refused("too_big")
    for row in rows:
        while row and not row[-1]:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return {
        "name": name,
        "rows": rows,
        "hidden_rows": look.get("hidden_rows", []),
        "hidden_columns": look.get("hidden_columns", []),
    }


def _text(cell: object) -> str:
    """A cell as text: whole numbers without a point, days and moments in ISO form."""
    if isinstance(cell, str):
        return cell.replace("\x00", "").strip()
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell).strip()


# --- packed files -----------------------------------------------------------------------------


def _look_into(content: bytes) -> dict[str, dict[str, Any]]:
    """Look at a packed file before anything else unpacks it.

    Sizes are counted by unpacking, not taken from the header. Returns for each sheet of an
    .xlsx what the reader of cells does not say: hidden rows and columns, and numbers that are
    shown with leading zeros.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            if len(entries) > MOST_ENTRIES:
                raise Refused("too_big")
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise Refused("no_table")  # two programs would read two different files
            if any(entry.flag_bits & 1 for entry in entries):
                raise Refused("locked")
            if sum(entry.file_size for entry in entries) > LARGEST_UNPACKED:
                raise Refused("too_big")
            room = LARGEST_UNPACKED
            for entry in entries:
                room = _measure(content, entry, room)
            lowered = [name.lower() for name in names]
            if any("vbaproject" in name or name.startswith("basic/") for name in lowered):
                raise Refused("macros")
            if any(name.startswith("xl/") for name in lowered):
                return _look_at_xlsx(packed, names)
            if "content.xml" in names:
                _look_at_ods(packed, names)
                return {}
            raise Refused("no_table")
    except zipfile.BadZipFile as error:
        raise Refused("no_table") from error
    except (NotImplementedError, RuntimeError, OSError, EOFError, struct.error) as error:
        raise Refused("no_table") from error
    except (zlib.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise Refused("no_table") from error


def _measure(content: bytes, entry: zipfile.ZipInfo, room: int) -> int:
    """Unpack the entry without keeping it; return how much room is left after it."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("no_table")
    if entry.compress_type == zipfile.ZIP_STORED:
        if entry.file_size != entry.compress_size:
            raise Refused("no_table")
        return room - entry.file_size
    at = entry.header_offset
    name_length, extra_length = struct.unpack_from("<HH", content, at + 26)
    start = at + 30 + name_length + extra_length
    unpacking = zlib.decompressobj(-15)
    waiting = content[start : start + entry.compress_size]
    made = 0
    while waiting and not unpacking.eof:
        made += len(unpacking.decompress(waiting, PIECE))
        if made > room:
            raise Refused("too_big")
        waiting = unpacking.unconsumed_tail
    if made != entry.file_size:
        raise Refused("too_big" if made > entry.file_size else "no_table")
    return room - made


def _look_at_xlsx(packed: zipfile.ZipFile, names: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if "xl/workbook.xml" not in names:
        return found  # .xlsb keeps another form, which the reader of cells knows
    workbook = _xml(packed, "xl/workbook.xml")
    targets: dict[bytes, str] = {}
    if "xl/_rels/workbook.xml.rels" in names:
        for tag in re.findall(
            rb"<Relationship\b[^>]*>", _xml(packed, "xl/_rels/workbook.xml.rels")
        ):
            said = _attributes(tag)
            target = said.get(b"Target", b"").decode("utf-8").lstrip("/")
            if said.get(b"TargetMode") != b"External":
                inside = target if target.startswith("xl/") else f"xl/{target}"
                targets[said.get(b"Id", b"")] = inside
    padded = _padded(_xml(packed, "xl/styles.xml")) if "xl/styles.xml" in names else {}
    for name in names:
        if name.startswith("xl/") and name.endswith(".xml"):
            if not name.startswith("xl/worksheets/"):
                _xml(packed, name)
            elif re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                _check_formulas(_xml(packed, name))
    for tag in re.findall(_TAG + rb"sheet\b[^>]*>", workbook):
        said = _attributes(tag)
        target = targets.get(said.get(b"id", b""), "")
        if target in names:
            found[_unescaped(said.get(b"name", b""))] = _layout(_xml(packed, target), padded)
    return found


def _xml(packed: zipfile.ZipFile, name: str) -> bytes:
    """An entry's XML, in UTF-8. One that declares entities is no table of anybody's."""
    text = packed.read(name)
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = text.decode("utf-16").encode()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise Refused("no_table")
    return text


def _attributes(tag: bytes) -> dict[bytes, bytes]:
    """The attributes of a tag, without the prefixes of their names."""
    found = re.findall(rb"(?:\w+:)?(\w+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", tag)
    return {name: double or single for name, double, single in found}


def _unescaped(text: bytes) -> str:
    from html import unescape

    return unescape(text.decode("utf-8"))


def _check_formulas(sheet: bytes) -> None:
    found = re.search(_TAG + rb"f[\s>/]", sheet)
    if found:
        cells = re.findall(_TAG + rb'c\b[^>]*?\br="([A-Z]+[0-9]+)"', sheet[: found.start()])
        raise Refused("formulas", cells[-1].decode() if cells else "")


def _padded(styles: bytes) -> dict[int, int]:
    """Which cell styles show whole numbers with leading zeros, and to how many digits."""
    formats = {}
    for tag in re.findall(_TAG + rb"numFmt\b[^>]*>", styles):
        said = _attributes(tag)
        code = said.get(b"formatCode", b"").replace(b"&quot;", b"")
        if re.fullmatch(rb"0{2,18}", code):
            formats[said.get(b"numFmtId")] = len(code)
    cells = re.search(_TAG + rb"cellXfs\b.*?</(?:\w+:)?cellXfs>", styles, re.DOTALL)
    if not formats or cells is None:
        return {}
    widths = {}
    for number, tag in enumerate(re.findall(_TAG + rb"xf\b[^>]*>", cells.group())):
        width = formats.get(_attributes(tag).get(b"numFmtId"))
        if width is not None:
            widths[number] = width
    return widths


def _layout(sheet: bytes, padded: dict[int, int]) -> dict[str, Any]:
    yes = (b"1", b"true")
    columns: set[int] = set()
    for tag in re.findall(_TAG + rb"col\b[^>]*>", sheet):
        said = _attributes(tag)
        if said.get(b"hidden") in yes:
            first, last = int(said.get(b"min", b"1")), int(said.get(b"max", b"0"))
            columns.update(range(first - 1, min(last, 16_384)))
    rows: set[int] = set()
    if b"hidden" in sheet:
        for tag in re.findall(_TAG + rb"row\b[^>]*\bhidden\s*=[^>]*>", sheet):
            said = _attributes(tag)
            if said.get(b"hidden") in yes and said.get(b"r", b"").isdigit():
                rows.add(int(said[b"r"]) - 1)
    zeros: dict[tuple[int, int], int] = {}
    if padded:
        for tag in re.findall(_TAG + rb"c\b[^>]*\bs\s*=[^>]*>", sheet):
            said = _attributes(tag)
            style, place = said.get(b"s", b""), said.get(b"r", b"")
            if style.isdigit() and int(style) in padded and said.get(b"t", b"n") == b"n":
                at = re.fullmatch(rb"([A-Z]{1,3})([0-9]{1,7})", place)
                if at is not None:
                    zeros[int(at[2]) - 1, _column(at[1])] = padded[int(style)]
    return {"hidden_rows": sorted(rows), "hidden_columns": sorted(columns), "zeros": zeros}


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _look_at_ods(packed: zipfile.ZipFile, names: list[str]) -> None:
    if "META-INF/manifest.xml" in names and b"encryption-data" in packed.read(
        "META-INF/manifest.xml"
    ):
        raise Refused("locked")
    content = _xml(packed, "content.xml")
    if re.search(rb"table:formula\s*=", content):
        raise Refused("formulas")
    # A cell or row may say that it is repeated millions of times.
    for kind, most in ((rb"rows", 1_048_576), (rb"columns", 16_384)):
        for number in re.findall(rb"table:number-" + kind + rb"-repeated=\"(\d+)\"", content):
            if int(number) > most:
                raise Refused("too_big")


# --- old workbooks ----------------------------------------------------------------------------


def _check_old(content: bytes) -> None:
    """Look for macros, passwords and formulas in a workbook of the old kind."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Refused("locked")
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise Refused("macros")
    try:
        book = _stream(content, ("Workbook", "Book"))
    except (struct.error, IndexError, ValueError) as error:
        raise Refused("no_table") from error
    for kind, data in _records(book):
        if kind == 0x002F:
            raise Refused("locked")
        if kind in (0x0006, 0x0206, 0x0406) and len(data) >= 4:
            row, column = struct.unpack_from("<HH", data)
            raise Refused("formulas", f"{_letters(column)}{row + 1}")


def _records(book: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        yield kind, book[at + 4 : at + 4 + length]
        at += 4 + length


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _stream(content: bytes, wanted: tuple[str, ...]) -> bytes:
    """One stream of a compound file, by its name."""
    sector = 1 << struct.unpack_from("<H", content, 30)[0]
    mini = 1 << struct.unpack_from("<H", content, 32)[0]
    directory_at, cutoff = struct.unpack_from("<I4xI", content, 48)
    mini_at = struct.unpack_from("<I", content, 60)[0]
    more_at, more = struct.unpack_from("<II", content, 68)
    if sector not in (512, 4096) or mini > sector:
        raise ValueError("sectors of no known size")

    def piece(number: int) -> bytes:
        return content[(number + 1) * sector : (number + 2) * sector]

    def chain(first: int, table: list[int]) -> Iterator[int]:
        seen = 0
        while first < len(table) and seen <= len(table):
            yield first
            first, seen = table[first], seen + 1

    tables = list(struct.unpack_from("<109I", content, 76))
    for _ in range(min(more, len(content) // sector)):
        numbers = struct.unpack(f"<{sector // 4}I", piece(more_at))
        tables += numbers[:-1]
        more_at = numbers[-1]
    fat: list[int] = []
    for number in tables:
        if (number + 1) * sector < len(content):
            data = piece(number)
            fat += struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
    entries = b"".join(piece(number) for number in chain(directory_at, fat))
    found: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        found[name] = struct.unpack_from("<II", entries, at + 116)
    for name in wanted:
        if name in found:
            start, size = found[name]
            if size >= cutoff:
                return b"".join(piece(number) for number in chain(start, fat))[:size]
            small = b"".join(piece(number) for number in chain(found["Root Entry"][0], fat))
            minis = b"".join(piece(number) for number in chain(mini_at, fat))
            table = list(struct.unpack(f"<{len(minis) // 4}I", minis))
            return b"".join(small[n * mini : (n + 1) * mini] for n in chain(start, table))[:size]
    raise ValueError("no workbook in it")


# --- text tables ------------------------------------------------------------------------------


def _text_table(content: bytes) -> dict[str, Any]:
    text = _decoded(content)
    head = text[:4000].lstrip().lower()
    if head.startswith(("<", "{\\rtf", "%pdf")):
        raise Refused("no_table")
    if re.search(r"[\x00-\x08\x0e-\x1f]", text[:100_000]):
        raise Refused("no_table")
    delimiter = max(",;\t", key=text[:4000].count)
    rows = []
    cells = 0
    try:
        for number, line in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ):
            row = [_typed(cell, number, column) for column, cell in enumerate(line)]
            cells += len(row) + 1
            if cells > MOST_CELLS:
                raise Refused("too_big")
            while row and not row[-1]:
                row.pop()
            rows.append(row)
    except csv.Error as error:
        raise Refused("no_table") from error
    while rows and not rows[-1]:
        rows.pop()
    return {"name": "", "rows": rows, "hidden_rows": [], "hidden_columns": []}


def _typed(cell: str, row: int, column: int) -> str:
    """A cell of a text table; what a spreadsheet would compute is refused."""
    cell = cell.strip()
    if cell[:1] in ("=", "+", "-", "@", "＝"):
        text = re.fullmatch(r'="([^"]*)"', cell)
        if text is not None:  # how digits are kept from being made a number
            return text.group(1)
        if len(cell) > 1 and (cell[0] in "=＝" or re.search(r"[(!|]", cell)):
            raise Refused("formulas", f"{_letters(column)}{row + 1}")
    return cell


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _as(content, "utf-16")
    if b"\x00" in content[:4000]:
        head = content[:4000]
        for encoding, empty in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
            if empty.count(0) * 4 > len(head) // 2 and b"\x00\x00" not in head:
                return _as(content, encoding)
        raise Refused("no_table")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    made = []
    for encoding in ("gb18030", "big5hkscs"):
        try:
            made.append(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    if not made:
        raise Refused("no_table")
    # Either decodes the other's bytes into rare characters; headers say which was meant.
    return max(made, key=lambda text: sum(c in _SPEAKING for c in text[:2000]))


def _as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused("no_table") from error


if __name__ == "__main__":
    main()
