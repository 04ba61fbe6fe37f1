"""Files as people hand them in, made for the tests: with what they say, and where."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
_DC = "http://purl.org/dc/elements/1.1/"


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """An office file of these parts."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", _TYPES)
        for name, content in parts.items():
            file.writestr(name, content)
    return kept.getvalue()


def word(root: str, text: str) -> str:
    """A part of a document: each line a paragraph, each word a run of its own."""
    paragraphs = "".join(
        "<w:p>" + "".join(f"<w:r><w:t>{run}</w:t></w:r>" for run in line.split(" ")) + "</w:p>"
        for line in text.split("\n")
    )
    return f'<w:{root} xmlns:w="{_W}">{paragraphs}</w:{root}>'


def docx(text: str = "春", **more: str | bytes) -> bytes:
    """A document; ``header``, ``footer``, ``comment``, ``note``, ``author``, ``company``, …"""
    parts: dict[str, str | bytes] = {
        "word/document.xml": f'<w:document xmlns:w="{_W}"><w:body>'
        + word("p", text).replace(f' xmlns:w="{_W}"', "")
        + "</w:body></w:document>"
    }
    for name, part, root in (
        ("header", "word/header1.xml", "hdr"),
        ("footer", "word/footer2.xml", "ftr"),
        ("note", "word/footnotes.xml", "footnotes"),
    ):
        if name in more:
            parts[part] = word(root, str(more[name]))
    if "comment" in more:
        parts["word/comments.xml"] = (
            f'<w:comments xmlns:w="{_W}"><w:comment w:author="审阅">'
            + word("p", str(more["comment"])).replace(f' xmlns:w="{_W}"', "")
            + "</w:comment></w:comments>"
        )
    if "commenter" in more:
        parts["word/comments.xml"] = (
            f'<w:comments xmlns:w="{_W}"><w:comment w:author="{more["commenter"]!s}"/></w:comments>'
        )
    if "author" in more:
        parts["docProps/core.xml"] = (
            f'<cp:coreProperties xmlns:cp="{_CORE}" xmlns:dc="{_DC}">'
            f"<dc:creator>{more['author']!s}</dc:creator></cp:coreProperties>"
        )
    if "company" in more:
        parts["docProps/app.xml"] = (
            f"<Properties><Company>{more['company']!s}</Company></Properties>"
        )
    if "custom" in more:
        parts["docProps/custom.xml"] = (
            f'<Properties><property name="单位"><lpwstr>{more["custom"]!s}</lpwstr></property>'
            "</Properties>"
        )
    if "picture" in more:
        parts["word/media/image1.jpg"] = more["picture"]
    return packed(parts)


def pptx(slide: str = "春", notes: str = "", commenter: str = "") -> bytes:
    """Slides: one slide, its notes, and who has commented."""

    def drawn(text: str) -> str:
        return f'<p:sld xmlns:p="p" xmlns:a="{_A}"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>'

    parts: dict[str, str | bytes] = {"ppt/slides/slide1.xml": drawn(slide)}
    if notes:
        parts["ppt/notesSlides/notesSlide1.xml"] = drawn(notes)
    if commenter:
        parts["ppt/commentAuthors.xml"] = (
            f'<p:cmAuthorLst xmlns:p="p"><p:cmAuthor id="0" name="{commenter}"/></p:cmAuthorLst>'
        )
    return packed(parts)


def xlsx(cell: str = "春", header: str = "", sheet: str = "表") -> bytes:
    """A table: a cell, what is printed above, and the name of the sheet."""
    parts: dict[str, str | bytes] = {
        "xl/workbook.xml": f'<workbook><sheets><sheet name="{sheet}"/></sheets></workbook>',
        "xl/sharedStrings.xml": f"<sst><si><t>{cell}</t></si></sst>",
        "xl/worksheets/sheet1.xml": "<worksheet><sheetData/><headerFooter>"
        f"<oddHeader>&amp;C{header}</oddHeader></headerFooter></worksheet>",
    }
    return packed(parts)


def pdf(text: str = "", *, author: str = "", xmp: str = "") -> bytes:
    """A file of one page with a text in any language, its author, and an XMP packet."""
    codes = {sign: n for n, sign in enumerate(dict.fromkeys(text), 1)}
    shown = "".join(f"{codes[sign]:04X}" for sign in text)
    stream = f"BT /F1 24 Tf 72 720 Td <{shown}> Tj ET".encode() if text else b""
    pairs = "\n".join(
        f"<{n:04X}> <{sign.encode('utf-16-be').hex().upper()}>" for sign, n in codes.items()
    )
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def "
        "1 begincodespacerange <0000> <FFFF> endcodespacerange "
        f"{len(codes)} beginbfchar\n{pairs}\nendbfchar endcmap end end"
    ).encode()
    packet = f"<x:xmpmeta><rdf>{xmp}</rdf></x:xmpmeta>".encode()
    hexed = ("\ufeff" + author).encode("utf-16-be").hex()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Metadata 9 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        (
            b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H "
            b"/DescendantFonts [6 0 R] /ToUnicode 7 0 R >>"
        ),
        (
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo "
            b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 1000 "
            b"/FontDescriptor 10 0 R >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(cmap), cmap),
        b"<< /Author <%s> >>" % hexed.encode(),
        b"<< /Type /Metadata /Subtype /XML /Length %d >>\nstream\n%s\nendstream"
        % (len(packet), packet),
        (
            b"<< /Type /FontDescriptor /FontName /X /Flags 4 /FontBBox [0 0 1000 1000] "
            b"/ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>"
        ),
    ]
    kept = io.BytesIO(b"%PDF-1.7\n")
    kept.seek(0, io.SEEK_END)
    places = []
    for number, each in enumerate(objects, 1):
        places.append(kept.tell())
        kept.write(b"%d 0 obj\n%s\nendobj\n" % (number, each))
    start = kept.tell()
    kept.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    kept.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    kept.write(
        b"trailer\n<< /Size %d /Root 1 0 R /Info 8 0 R >>\nstartxref\n%d\n%%%%EOF"
        % (len(objects) + 1, start)
    )
    return kept.getvalue()


def jpeg(*, artist: str = "", wide: str = "", xmp: str = "", gps: bool = False) -> bytes:
    """A picture with what a camera, Windows or an editor writes into it."""
    entries: list[tuple[int, int, bytes]] = []
    if artist:
        entries.append((0x013B, 2, artist.encode() + b"\x00"))
    if wide:
        entries.append((0x9C9D, 1, wide.encode("utf-16-le") + b"\x00\x00"))
    if gps:
        entries.append((0x8825, 4, b""))
    head = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries))
    data = b""
    begins = len(head) + 12 * len(entries) + 4
    for tag, kind, value in entries:
        value = value.ljust(5, b"\x00") if value else value
        where = begins + len(data) if value else begins
        count = len(value) if value else 1
        head += struct.pack("<HHII", tag, kind, count, where)
        data += value
    exif = b"Exif\x00\x00" + head + b"\x00\x00\x00\x00" + data
    segments = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    if xmp:
        body = b"http://ns.adobe.com/xap/1.0/\x00" + f"<x><by>{xmp}</by></x>".encode()
        segments += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return b"\xff\xd8" + segments + b"\xff\xd9"


def png(text: str) -> bytes:
    """A picture with a note."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        whole = kind + body
        return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))

    note = b"Author\x00\x00\x00\x00\x00" + text.encode()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"iTXt", note)
        + chunk(b"IDAT", zlib.compress(b"\x00\x00\x00\x00"))
        + chunk(b"IEND", b"")
    )
