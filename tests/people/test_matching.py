"""Whom a row of a dropped table means, the same for marks and for attendance."""

from __future__ import annotations

import pytest

from storage.people.matching import Doubt, People

LISTED = People(
    [
        (1, "00123", "林若溪", ("澄禾县实验小学", "实小")),
        (2, "A7", "石 晓岚", ("澄禾县实验小学", "实小")),
        (3, "0A8", "林若溪", ("南塘乡中心小学", "南塘小学")),
        (4, "A8", "丁广田", ("南塘乡中心小学", "南塘小学")),
    ]
)


@pytest.mark.parametrize(
    ("row", "meant"),
    [
        (("00123", "", ""), 1),
        (("123", "林若溪", ""), 1),  # a spreadsheet took the zeros off
        (("a7", "石晓岚", ""), 2),
        (("A8", "", ""), 4),
        (("00A8", "", ""), Doubt.UNKNOWN),  # two could be meant
        (("123", "丁广田", ""), Doubt.OTHER_NAME),
        (("999", "林若溪", ""), Doubt.UNKNOWN),
        (("", "林若溪", ""), Doubt.SEVERAL),
        (("", "林若溪", "实小"), 1),
        (("", "林若溪", "南塘"), 3),
        (("", "丁广田", "实小"), Doubt.UNKNOWN),
        (("", "", ""), Doubt.UNKNOWN),
    ],
)
def test_a_row_means_whom_number_name_and_school_say(
    row: tuple[str, str, str], meant: int | Doubt
) -> None:
    assert LISTED.find(*row) == meant
