"""What a cell of a platform's table says, and what a class's work comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.training.remote.counting import Counted, Item
from storage.training.remote.reading import NotAFigure, Unit, figure, is_share, unit_of
from storage.training.remote.tables import Measure

MINUTES, TIMES, POINTS, PERCENT = Measure

WATCH = Item(1, "watch_minutes", "视频", MINUTES, 900, 0.4)
WORK = Item(2, "homework", "作业", TIMES, 2, 0.3, module_id=1)
POSTS = Item(3, "forum", "发帖", TIMES, 4, 0.3, module_id=2)


@pytest.mark.parametrize(
    ("text", "measure", "required", "unit", "read"),
    [
        ("750", MINUTES, 900, Unit.PLAIN, 750),
        ("1,200 分钟", MINUTES, 900, Unit.PLAIN, 1200),
        ("12小时30分", MINUTES, 900, Unit.PLAIN, 750),
        ("12:30:00", MINUTES, 900, Unit.PLAIN, 750),
        ("12.5", MINUTES, 900, Unit.HOURS, 750),
        ("4500", MINUTES, 900, Unit.SECONDS, 75),
        ("2学时", MINUTES, 900, Unit.PLAIN, 90),
        ("50%", MINUTES, 900, Unit.PLAIN, 450),
        ("0.5", MINUTES, 900, Unit.SHARE, 450),
        ("８５％", PERCENT, 100, Unit.PLAIN, 85),
        ("3/4", PERCENT, 100, Unit.PLAIN, 75),
        ("1/2", TIMES, 2, Unit.PLAIN, 1),
        ("2篇", TIMES, 2, Unit.PLAIN, 2),
        ("已完成", TIMES, 2, Unit.PLAIN, 2),
        ("未提交", TIMES, 2, Unit.PLAIN, 0),
        ("95分", POINTS, 100, Unit.PLAIN, 95),
        ("--", TIMES, 2, Unit.PLAIN, None),
    ],
)
def test_a_cell_is_read_in_the_measure_of_its_item(
    text: str, measure: Measure, required: float, unit: Unit, read: float | None
) -> None:
    assert figure(text, measure, required, unit) == read


@pytest.mark.parametrize("text", ["很多", "-5", "1e3", "三小时"])
def test_what_says_no_figure_is_refused(text: str) -> None:
    with pytest.raises(NotAFigure):
        figure(text, MINUTES, 900, Unit.PLAIN)


def test_a_heading_says_in_what_its_column_counts() -> None:
    assert unit_of("学习时长（小时）", MINUTES) is Unit.HOURS
    assert unit_of("学习时长(分钟)", MINUTES) is Unit.PLAIN
    assert unit_of("视频完成率", MINUTES) is Unit.PERCENT
    assert is_share(["0.5", "1", ""])
    assert not is_share(["0.5", "85"])


def test_work_counts_by_weight_and_no_further_than_required() -> None:
    counts = Counted((WATCH, WORK, POSTS))
    assert counts.percent({1: 9000, 2: 1}) == 55.0
    assert not counts.is_learned({1: 900, 2: 2})
    assert counts.is_learned({1: 900, 2: 2, 3: 4})
    assert Counted((WATCH, WORK, POSTS), required_modules=1).is_learned({1: 900, 3: 4})
    assert not Counted((WATCH, WORK, POSTS), required_modules=1).is_learned({2: 2, 3: 4})
    assert not Counted(()).is_learned({})


@given(st.dictionaries(st.sampled_from([1, 2, 3]), st.floats(0, 2000)))
def test_only_who_has_done_everything_is_at_a_hundred(figures: dict[int, float]) -> None:
    counts = Counted((WATCH, WORK, POSTS))
    assert (counts.percent(figures) == 100) == counts.is_learned(figures)
