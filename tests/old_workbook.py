"""Workbooks of the old kind (.xls), as small as they can be, for tests of the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_SECTOR = 512
_END = 0xFFFFFFFE
_FREE = 0xFFFFFFFF


def made(rows: Sequence[Sequence[str | float]], *, extra: bytes = b"") -> bytes:
    """An .xls with one sheet; ``extra`` are records put before the sheet's end."""
    texts = [cell for row in rows for cell in row if isinstance(cell, str)]
    cells = b""
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, str):
                cells += record(0x00FD, struct.pack("<HHHI", r, c, 0, texts.index(cell)))
            else:
                cells += record(0x0203, struct.pack("<HHHd", r, c, 0, cell))
    shared = struct.pack("<II", len(texts), len(texts)) + b"".join(
        struct.pack("<HB", len(text), 1) + text.encode("utf-16-le") for text in texts
    )
    start = struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 6)
    sheet_start = struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 6)
    name = "名册".encode("utf-16-le")
    named = struct.pack("<BB", 2, 1) + name

    def book(at: int) -> bytes:
        return (
            record(0x0809, start)
            + record(0x0042, struct.pack("<H", 1200))
            + record(0x0085, struct.pack("<IBB", at, 0, 0) + named)
            + record(0x00FC, shared)
            + record(0x000A, b"")
        )

    head = book(len(book(0)))
    return compound(
        {"Workbook": head + record(0x0809, sheet_start) + cells + extra + record(0x000A, b"")}
    )


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file with these streams, each padded so that it lies in whole sectors."""
    sectors: list[bytes] = []
    fat: list[int] = []
    entries = [_entry("Root Entry", 5, _END, 0, child=1)]
    for number, (name, data) in enumerate(streams.items(), 1):
        data = data.ljust(4096, b"\0")
        pieces = [
            data[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(data), _SECTOR)
        ]
        first = len(sectors)
        sectors += pieces
        fat += [*range(first + 1, len(sectors)), _END]
        right = number + 1 if number < len(streams) else _FREE
        entries.append(_entry(name, 2, first, len(data), right=right))
    while len(entries) % 4:
        entries.append(b"\0" * 128)
    directory = len(sectors)
    whole = b"".join(entries)
    sectors += [whole[at : at + _SECTOR] for at in range(0, len(whole), _SECTOR)]
    fat += [*range(directory + 1, len(sectors)), _END]
    size = 1
    while len(fat) + size > size * (_SECTOR // 4):
        size += 1
    table = list(range(len(sectors), len(sectors) + size))
    fat += [0xFFFFFFFD] * size
    fat += [_FREE] * (size * (_SECTOR // 4) - len(fat))
    sectors += [struct.pack("<128I", *fat[at : at + 128]) for at in range(0, len(fat), 128)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, size, directory, 0, 4096, _END, 0, _END, 0)
    head += struct.pack("<109I", *table, *([_FREE] * (109 - size)))
    return head + b"".join(sectors)


def _entry(
    name: str, kind: int, first: int, size: int, *, child: int = _FREE, right: int = _FREE
) -> bytes:
    raw = (name + "\0").encode("utf-16-le")
    return (
        raw.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(raw), kind, 1, _FREE, right, child)
        + b"\0" * 36
        + struct.pack("<IQ", first, size)
    )
