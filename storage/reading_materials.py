"""Reads the words of one piece of work of unknown origin, as a process of its own.

Bytes in, JSON out: what stands in the text and what stands beside it, where people forget it:
headers, notes, comments, properties, and what a camera writes into a picture. Like
``storage.reading_sheets`` it runs where memory and time are limited, needs nothing of the
house, and is started by its path: see ``storage.competitions.anonymity.read``.
"""

from __future__ import annotations

import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

LARGEST_UNPACKED = 200 * 1024 * 1024
MOST_ENTRIES = 4_000
MOST_TEXT = 8 * 1024 * 1024  # characters
MOST_PAGES = 400
MEMORY = 1536 * 1024 * 1024
SECONDS = 40
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Part = tuple[str, str]


class Refused(Exception):
    """The file is not read, and why: broken, locked, too_big or media."""


def main() -> None:
    """Read standard input, write the answer to standard output."""
    _limit()
    parts: list[Part] = []
    unread: list[str] = []
    try:
        room = MOST_TEXT
        for where, text in read(sys.stdin.buffer.read(), unread):
            if not text.strip():
                continue
            room -= len(text)
            if room < 0:
                unread.append("too_big")
                break
            parts.append((where, text))
    except Refused as refused:
        unread.append(str(refused))
    except (MemoryError, RecursionError):
        unread.append("too_big")
    answer = {"parts": parts, "unread": list(dict.fromkeys(unread))}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))


def _limit() -> None:
    try:
        import resource
    except ImportError:  # not on this system: the checks below still hold
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(content: bytes, unread: list[str]) -> Iterator[Part]:
    """Yield where something stands and what; ``unread`` takes what could not be looked into.

    Raises Refused.
    """
    if content[:2] == b"PK":
        yield from _packed(content, unread)
    elif content[:5] == b"%PDF-" or b"%PDF-" in content[:1024]:
        yield from _pdf(content, unread)
    elif content[:8] == OLE:
        yield from _old(content)
    elif content[:2] == b"\xff\xd8" or content[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _picture(content, "picture")
    elif b"\x00" in content[:4000]:
        raise Refused("media")
    else:
        yield "text", _decoded(content)


# --- docx, pptx, xlsx --------------------------------------------------------------------------

_PLACES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), where)
    for pattern, where in (
        (r"word/document.*\.xml", "text"),
        (r"word/header\d*\.xml", "header"),
        (r"word/footer\d*\.xml", "footer"),
        (r"word/comments\w*\.xml", "comment"),
        (r"word/(foot|end)notes\.xml", "note"),
        (r"word/people\.xml", "comment"),
        (r"word/glossary/document\.xml", "text"),
        (r"ppt/slides/slide(\d+)\.xml", "slide"),
        (r"ppt/notesSlides/notesSlide(\d+)\.xml", "notes"),
        (r"ppt/(slideMasters|slideLayouts|notesMasters|handoutMasters)/\w+\.xml", "master"),
        (r"ppt/(comments/.*|commentAuthors|authors)\.xml", "comment"),
        (r"(ppt|word|xl)/(diagrams|charts)/\w+\.xml", "drawing"),
        (r"xl/sharedStrings\.xml", "text"),
        (r"xl/workbook\.xml", "sheets"),
        (r"xl/worksheets/sheet(\d+)\.xml", "sheet"),
        (r"xl/(threadedComments/.*|comments\d*|persons/.*)\.xml", "comment"),
        (r"xl/drawings/\w+\.xml", "drawing"),
        (r"(word|ppt|xl)/.*_rels/.*\.rels", "link"),
    )
)
_PARAGRAPHS = frozenset({"p", "si", "row", "c", "comment", "text", "threadedComment"})
_TEXTS = frozenset(
    {"t", "delText", "instrText", "oddHeader", "oddFooter", "evenHeader", "evenFooter",
     "firstHeader", "firstFooter", "v", "f", "author", "text"}
)  # fmt: skip
_NAMES = {
    "author": "comment",
    "displayName": "comment",
    "userId": "comment",
    "descr": "picture",
    "title": "picture",
    "Target": "link",
}
_SAID_BY_NAME = frozenset({"cmAuthor", "sheet", "author"})
"""Elements whose ``name`` is somebody's or something's, and not that of a shape."""


def _packed(content: bytes, unread: list[str]) -> Iterator[Part]:
    try:
        packed = zipfile.ZipFile(io.BytesIO(content))
        entries = packed.infolist()
    except (zipfile.BadZipFile, ValueError, struct.error, OSError) as error:
        raise Refused("broken") from error
    if len(entries) > MOST_ENTRIES or sum(e.file_size for e in entries) > LARGEST_UNPACKED:
        raise Refused("too_big")
    names = {entry.filename for entry in entries}
    if "EncryptedPackage" in names or any(entry.flag_bits & 1 for entry in entries):
        raise Refused("locked")
    if "[Content_Types].xml" not in names:
        raise Refused("media" if names else "broken")
    for entry in entries:
        name = entry.filename
        lower = name.lower()
        if lower.startswith("docprops/") and lower.endswith(".xml"):
            yield from _properties(_unpacked(packed, entry))
        elif "/media/" in lower or lower.startswith("docprops/thumbnail"):
            if lower.endswith((".jpg", ".jpeg", ".png")):
                yield from _picture(_unpacked(packed, entry), f"picture:{name.rsplit('/', 1)[-1]}")
        else:
            for pattern, where in _PLACES:
                found = pattern.fullmatch(name)
                if found is None:
                    continue
                number = next((each for each in found.groups() if each and each.isdigit()), "")
                place = f"{where}:{number}" if number else where
                yield from _words(_unpacked(packed, entry), place, unread)
                break


def _unpacked(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with packed.open(entry) as stream:
            content = stream.read(LARGEST_UNPACKED + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError) as error:
        raise Refused("broken") from error
    if len(content) > LARGEST_UNPACKED:
        raise Refused("too_big")
    return content


def _tree(content: bytes) -> ElementTree.Element | None:
    if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content[:4096]:
        return None  # no office program writes one; what it could unfold into has no end
    try:
        return ElementTree.fromstring(content)  # noqa: S314  (limited process, no entities)
    except (ElementTree.ParseError, ValueError):
        return None


def _words(content: bytes, where: str, unread: list[str]) -> Iterator[Part]:
    """The text of a part, a paragraph a line, and what its attributes say of people."""
    tree = _tree(content)
    if tree is None:
        unread.append("broken")
        return
    lines: list[str] = []
    said: list[Part] = []
    _gather(tree, lines, said, where)
    yield where, "\n".join(lines)
    yield from said


def _gather(tree: ElementTree.Element, lines: list[str], said: list[Part], where: str) -> None:
    """Go through the elements in their order, without recursion: files can nest deeply."""
    line: list[str] = []
    stack: list[tuple[ElementTree.Element, bool]] = [(tree, False)]
    while stack:
        element, is_end = stack.pop()
        tag = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
        if is_end:
            lines.append("".join(line))
            line.clear()
            continue
        if tag in _TEXTS and element.text:
            line.append(element.text)
        if tag in ("tab", "br", "cr"):
            line.append(" ")
        for name, value in element.attrib.items():
            local = name.rsplit("}", 1)[-1]
            if local in _NAMES and value:
                place = _NAMES[local] if where != "link" else where
                said.append((place, value))
            elif local == "name" and tag in _SAID_BY_NAME and value:
                said.append((where, value))
        if tag in _PARAGRAPHS:
            stack.append((element, True))
        stack.extend((child, False) for child in reversed(element))
    lines.append("".join(line))


def _properties(content: bytes) -> Iterator[Part]:
    tree = _tree(content)
    if tree is None:
        return
    for element in tree.iter():
        tag = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
        name = element.attrib.get("name", tag) if tag == "property" else tag
        text = "".join(element.itertext()) if tag == "property" else (element.text or "")
        if text.strip():
            yield f"property:{name}", text


# --- pdf ---------------------------------------------------------------------------------------


def _pdf(content: bytes, unread: list[str]) -> Iterator[Part]:
    import logging

    import pypdf
    from pypdf.errors import PyPdfError

    logging.disable(logging.CRITICAL)  # it says a lot about files that are not quite right
    odd = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError)
    try:
        reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("locked")
        info = {str(key): str(value) for key, value in (reader.metadata or {}).items()}
        pages = len(reader.pages)
    except Refused:
        raise
    except (*odd, NotImplementedError) as error:
        raise Refused("broken") from error
    for key, value in info.items():
        yield f"property:{key.lstrip('/')}", value
    try:
        metadata: Any = reader.root_object.get("/Metadata")
        if metadata is not None:
            yield "xmp", _stripped(metadata.get_object().get_data())
    except odd:
        unread.append("broken")
    if pages > MOST_PAGES:
        unread.append("too_big")
    for number in range(min(pages, MOST_PAGES)):
        try:
            page = reader.pages[number]
            text = page.extract_text()
        except odd:
            unread.append("pages")
            continue
        if text.strip():
            yield f"page:{number + 1}", text
        else:
            # A scanned page, or one without letters: what stands on it nobody has read.
            unread.append("pages")
        try:
            yield from _beside(page, number + 1)
        except odd:
            unread.append("pages")


def _beside(page: Any, number: int) -> Iterator[Part]:
    """What is written onto a page, and what a camera has left in its pictures."""
    for each in page.get("/Annots") or ():
        note = each.get_object()
        for key in ("/Contents", "/T"):
            if isinstance(note.get(key), str):
                yield "comment", str(note[key])
    resources = page.get("/Resources")
    drawn: Any = {} if resources is None else resources.get_object().get("/XObject") or {}
    for each in drawn.get_object().values() if drawn else ():
        picture = each.get_object()
        if picture.get("/Filter") in ("/DCTDecode", ["/DCTDecode"]):
            yield from _picture(picture._data, f"picture:{number}")


# --- pictures ----------------------------------------------------------------------------------


def _picture(content: bytes, where: str) -> Iterator[Part]:
    """What stands in a picture's metadata; ``gps`` is said where it tells the place."""
    try:
        pieces = list(_of_png(content) if content[:4] == b"\x89PNG" else _of_jpeg(content))
    except (struct.error, IndexError, zlib.error):
        return
    for kind, text in pieces:
        yield (f"gps:{where}" if kind == "gps" else where), text


def _of_jpeg(content: bytes) -> Iterator[Part]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if marker in (0xD9, 0xDA):
            break
        body = content[at + 4 : at + 2 + length]
        if marker == 0xE1 and body[:6] == b"Exif\x00\x00":
            yield from _exif(body[6:])
        elif marker == 0xE1 and body[:28].startswith(b"http://ns.adobe.com/xap/1.0/"):
            yield "xmp", _stripped(body[29:])
        elif marker in (0xED, 0xFE):
            yield "text", _decoded(body)
        at += 2 + length


def _of_png(content: bytes) -> Iterator[Part]:
    at = 8
    while at + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        if kind == b"tEXt":
            yield "text", _decoded(body.partition(b"\x00")[2])
        elif kind == b"zTXt":
            yield "text", _decoded(_inflated(body.partition(b"\x00")[2][1:]))
        elif kind == b"iTXt":
            keyword, _, rest = body.partition(b"\x00")
            packed, rest = rest[:1] == b"\x01", rest[2:].partition(b"\x00")[2]
            text = rest.partition(b"\x00")[2]
            text = _inflated(text) if packed else text
            yield "text", _stripped(text) if keyword.startswith(b"XML") else _decoded(text)
        elif kind == b"eXIf":
            yield from _exif(body)
        at += 12 + length


def _inflated(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, MOST_TEXT)


_EXIF_IFD, _GPS_IFD, _USER_COMMENT = 0x8769, 0x8825, 0x9286
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8, 129: 1}


def _exif(body: bytes) -> Iterator[Part]:
    order = {b"II": "<", b"MM": ">"}.get(body[:2])
    if order is None:
        return
    todo = [struct.unpack(order + "I", body[4:8])[0]]
    seen: set[int] = set()
    while todo:
        at = todo.pop()
        if at in seen or not 0 < at < len(body) - 2:
            continue
        seen.add(at)
        count = struct.unpack(order + "H", body[at : at + 2])[0]
        for n in range(min(count, 500)):
            entry = body[at + 2 + 12 * n : at + 14 + 12 * n]
            if len(entry) < 12:
                break
            tag, kind, values = struct.unpack(order + "HHI", entry[:8])
            size = _SIZES.get(kind, 0) * values
            start = struct.unpack(order + "I", entry[8:12])[0]
            value = entry[8 : 8 + size] if size <= 4 else body[start : start + size]
            if tag == _EXIF_IFD:
                todo.append(struct.unpack(order + "I", entry[8:12])[0])
            elif tag == _GPS_IFD:
                yield "gps", "GPS"
            elif 0x9C9B <= tag <= 0x9C9F:  # what Windows writes: title, comment, author, …
                yield "text", value.decode("utf-16-le", "ignore").rstrip("\x00")
            elif tag == _USER_COMMENT:
                wide = "utf-16-le" if order == "<" else "utf-16-be"
                text = value[8:]
                yield (
                    "text",
                    (text.decode(wide, "ignore") if value[:7] == b"UNICODE" else _decoded(text)),
                )
            elif kind in (2, 129):
                yield "text", _decoded(value.rstrip(b"\x00"))


# --- what is older, and what is plain ----------------------------------------------------------


def _old(content: bytes) -> Iterator[Part]:
    """Old office files keep their Chinese text as UTF-16, at even places or odd ones."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise Refused("locked")
    for shift in (0, 1):
        text = content[shift:].decode("utf-16-le", "ignore")
        yield (
            "text",
            "\n".join(re.findall(r"[\u0020-\u007e\u00b7\u2e80-\u9fff\uff00-\uffef]{2,}", text)),
        )
    yield (
        "text",
        "\n".join(re.findall(r"[\u4e00-\u9fff·]{2,}", content.decode("gb18030", "ignore"))),
    )


def _decoded(content: bytes) -> str:
    for encoding in (
        "utf-8-sig",
        "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "ascii",
    ):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("gb18030", "replace")


def _stripped(content: bytes) -> str:
    """The text of an XML packet, its tags taken out."""
    return re.sub(r"<[^>]*>", "\n", content.decode("utf-8", "replace"))


if __name__ == "__main__":
    main()
