"""How people are addressed and how they are masked."""

import pytest

from locales.names import addressee, mask_name, mask_phone, mask_staff_no, titles


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("林若溪", "林老师"),
        ("欧阳立", "欧阳老师"),
        ("欧阳若溪", "欧阳老师"),
        ("司马光", "司马老师"),
        ("上官云", "上官老师"),
        ("诸葛明", "诸葛老师"),
        ("欧阳", "欧老师"),
        ("乐正华", "乐老师"),
        ("爱新觉罗明", "爱新觉罗老师"),
        ("张　三", "张老师"),
        (" 张 三 ", "张老师"),
        ("阿依古丽·买买提", "阿依古丽老师"),
        ("John Smith", "John Smith老师"),
        ("𠮷田", "𠮷老师"),
        ("", "老师"),
    ],
)
def test_a_teacher_is_addressed_by_surname(name: str, told: str) -> None:
    assert addressee(name, "zh_Hans") == told


def test_the_title_follows_the_script_and_the_office() -> None:
    assert addressee("歐陽立", "zh_Hant") == "歐陽老師"
    assert addressee("沈志衡", "zh_Hans", principal=True) == "沈校长"
    assert addressee("沈志衡", "zh_Hant", principal=True) == "沈校長"
    assert addressee("沈志衡", "tlh") == "沈老师"


def test_in_english_a_person_is_addressed_by_the_whole_name() -> None:
    assert addressee(" Lin  Ruoxi ", "en") == "Lin Ruoxi"
    assert addressee("欧阳立", "en", principal=True) == "欧阳立"


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("林若溪", "林*溪"),
        ("张三", "张*"),
        ("张　三", "张*"),
        ("欧阳立", "欧*立"),
        ("欧阳若溪", "欧**溪"),
        ("张", "*"),
        ("", ""),
        ("Ann Lee", "A*****e"),
    ],
)
def test_a_masked_name_keeps_its_ends(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812345678", "138****5678"),
        (13812345678, "138****5678"),
        ("+86 138-1234-5678", "138****5678"),
        ("8612345", "*****45"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_a_masked_phone_keeps_three_and_four(phone: str | int, masked: str) -> None:
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("staff_no", "masked"),
    [
        ("CH060012", "CH***12"),
        ("CHDC0001", "CH***01"),
        ("A1234", "A***4"),
        ("123", "***"),
        (" CH060012 ", "CH***12"),
        ("", ""),
    ],
)
def test_a_masked_staff_number_keeps_its_ends(staff_no: str, masked: str) -> None:
    assert mask_staff_no(staff_no) == masked


def test_titles_in_a_row_stand_in_book_title_marks_in_chinese() -> None:
    assert titles(["作业设计", "书法"], "zh_Hans") == "《作业设计》、《书法》"
    assert titles(["Assignments", "Calligraphy"], "en") == "Assignments; Calligraphy"
