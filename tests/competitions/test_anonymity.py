"""The check for names: wherever people forget them, and told by place and name alone."""

from __future__ import annotations

import io
import zipfile

import pytest
from sqlmodel import Session

from storage.competitions import anonymity
from storage.competitions.anonymity import Names
from storage.competitions.tables import CompetingState
from storage.database import Database
from tests import make
from tests.competitions import making, papers

NAMES = Names(
    frozenset({"林若溪", "石晓岚"}),
    frozenset({"澄禾县实验小学", "实小", "澄禾县第二小学", "第二小学"}),
)


def found(content: bytes, name: str = "") -> list[tuple[str, str]]:
    endings = {b"PK": "docx", b"%P": "pdf", b"\xff\xd8": "jpg", b"\x89P": "png"}
    reading = anonymity.read(content, name or f"教案.{endings.get(content[:2], 'txt')}")
    return [(each.where, each.what) for each in anonymity.find(reading, NAMES)]


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        (papers.docx("执教者 林若溪"), "text", "林若溪"),
        (papers.docx("姓名：林 若 溪"), "text", "林若溪"),
        (papers.docx("　林　若　溪　"), "text", "林若溪"),
        (papers.docx(header="澄禾县实验小学"), "header", "澄禾县实验小学"),
        (papers.docx(footer="实小 石晓岚"), "footer", "石晓岚"),
        (papers.docx(comment="若溪老师请看，石晓岚"), "comment", "石晓岚"),
        (papers.docx(commenter="林若溪"), "comment", "林若溪"),
        (papers.docx(note="见林若溪2025"), "note", "林若溪"),
        (papers.docx(author="林若溪"), "property:creator", "林若溪"),
        (papers.docx(company="澄禾县实验小学"), "property:Company", "澄禾县实验小学"),
        (papers.docx(custom="澄禾县第二小学"), "property:单位", "澄禾县第二小学"),
        (
            papers.docx(picture=papers.jpeg(artist="林若溪")),
            "picture:image1.jpg",
            "林若溪",
        ),
        (papers.pptx("澄禾县实验小学"), "slide:1", "澄禾县实验小学"),
        (papers.pptx(notes="我是林若溪"), "notes:1", "林若溪"),
        (papers.pptx(commenter="石晓岚"), "comment", "石晓岚"),
        (papers.xlsx("林若溪"), "text", "林若溪"),
        (papers.xlsx(header="实小"), "sheet:1", "实小"),
        (papers.xlsx(sheet="林若溪"), "sheets", "林若溪"),
        (papers.pdf("执教林若溪"), "page:1", "林若溪"),
        (papers.pdf("春", author="林若溪"), "property:Author", "林若溪"),
        (papers.pdf("春", xmp="<dc:creator>石晓岚</dc:creator>"), "xmp", "石晓岚"),
        (papers.jpeg(artist="林若溪"), "picture", "林若溪"),
        (papers.jpeg(wide="石晓岚"), "picture", "石晓岚"),
        (papers.jpeg(xmp="林若溪"), "picture", "林若溪"),
        (papers.png("林若溪"), "picture", "林若溪"),
        ("教案\n林若溪".encode("gb18030"), "text", "林若溪"),
    ],
)
def test_a_name_is_found_where_it_stands(content: bytes, where: str, what: str) -> None:
    assert (where, what) in found(content)


@pytest.mark.parametrize(
    "content",
    [
        papers.docx("春天来了\n溪水", header="教学设计", comment="好", author="Administrator"),
        papers.docx("林间\n若溪水潺潺"),  # two paragraphs are not one name
        papers.docx(author="微软用户"),
        papers.pptx("春", notes="导入"),
        papers.xlsx("分数"),
        papers.pdf("春"),
        papers.jpeg(artist="Canon"),
        papers.png("Paint"),
    ],
)
def test_what_is_clean_is_said_to_be_clean(content: bytes) -> None:
    assert found(content) == []


def test_the_file_name_counts_because_it_travels_with_the_file() -> None:
    assert found(papers.docx(), "林若溪《春》.docx") == [("name", "林若溪")]


def test_whoever_a_property_names_is_shown_though_no_roster_knows_them() -> None:
    assert found(papers.docx(author="王远帆")) == [("property:creator", "王远帆")]


def test_a_picture_that_tells_its_place_is_shown() -> None:
    assert ("gps:picture", "GPS") in found(papers.jpeg(gps=True))


def test_a_longer_name_is_not_said_twice() -> None:
    assert found(papers.docx("澄禾县第二小学")) == [("text", "澄禾县第二小学")]


def _bomb() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/document.xml", b" " * (210 * 1024 * 1024))
    return kept.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK\x03\x04 and nothing more", "broken"),
        (b"%PDF-1.7\nbroken", "broken"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(64), "media"),
        (papers.packed({"word/document.xml": "<w:document"}), "broken"),
        (
            papers.packed({"word/document.xml": '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;&a;</x>'}),
            "broken",
        ),
        (papers.pdf(), "pages"),
        (_bomb(), "too_big"),
    ],
)
def test_what_cannot_be_looked_into_is_said(content: bytes, why: str) -> None:
    assert (f"unread:{why}", "") in found(content)


def test_what_is_not_what_it_is_called_is_not_said_to_be_clean() -> None:
    assert found(b"not a zip", "教案.docx") == [("unread:broken", "")]
    assert found(papers.docx(), "教案.PDF") == [("unread:broken", "")]


async def test_it_looks_for_the_team_the_colleagues_and_all_schools(database: Database) -> None:
    def look(session: Session) -> Names:
        made = making.competition(session)
        lin = make.teacher(session, "林若溪")
        make.teacher(session, "韩静仪")
        make.teacher(session, "邵云帆", at="柳渡镇中心小学")
        mate = make.teacher(session, "周既白", at="柳渡镇中心小学")
        make.school(session, "澄禾县第一中学", short_name="一中")
        session.flush()
        row, _place = making.entry(session, made, lin, state=CompetingState.DRAFT)
        session.add(making.author(row, mate))
        session.flush()
        return anonymity.names_for(session, row.id)

    names = await database.write(look)
    assert names.people == {"林若溪", "韩静仪", "周既白"}
    assert {"澄禾县实验小学", "柳渡镇中心小学", "澄禾县第一中学"} <= names.schools
    assert "一中" not in names.schools
