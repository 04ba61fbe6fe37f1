"""Days and hours as people type them: understood when they say one thing, else not guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.training import times
from storage.calendar import saying
from storage.training.structure import EndsFirst

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday 9:00 there


def shown(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-04 14:00", "2026-12-04 14:00"),
        ("2026/12/4 9:05", "2026-12-04 09:05"),
        ("２０２６年１２月４日　１４：００", "2026-12-04 14:00"),
        ("12月4日 14:00", "2026-12-04 14:00"),
        ("12月4日（周五）14:00", "2026-12-04 14:00"),
        ("12月4号下午2点半", "2026-12-04 14:30"),
        ("十二月四日 上午九点", "2026-12-04 09:00"),
        ("12/4 14:00", "2026-12-04 14:00"),
        ("12.4 14:00", "2026-12-04 14:00"),
        ("1月8日 9:00", "2027-01-08 09:00"),
        ("11月18日 9:00", "2026-11-18 09:00"),
        ("明天下午2点", "2026-11-21 14:00"),
        ("后天 9:30", "2026-11-22 09:30"),
        ("今天 17:00", "2026-11-20 17:00"),
        ("17:00", "2026-11-20 17:00"),
        ("周五 9:00", "2026-11-27 09:00"),
        ("周五 10:00", "2026-11-20 10:00"),
        ("下周三 晚上七点一刻", "2026-11-25 19:15"),
        ("下下周一 8:00", "2026-11-30 08:00"),
        ("星期日 8点", "2026-11-22 08:00"),
        ("4日 14:00", "2026-12-04 14:00"),
        ("25号 14:00", "2026-11-25 14:00"),
        ("中午12点半", "2026-11-20 12:30"),
        ("12月4日 中午1点", "2026-12-04 13:00"),
        ("12月4日 24:00", "2026-12-05 00:00"),
        ("Dec 4, 2pm", "2026-12-04 14:00"),
        ("4 December 2026 14:00", "2026-12-04 14:00"),
        ("tomorrow 9:00", "2026-11-21 09:00"),
        ("next Friday 9:30 am", "2026-11-27 09:30"),
    ],
)
def test_a_moment_is_understood(text: str, meant: str) -> None:
    assert shown(times.moment(text, NOW, ZONE)) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "尽快",
        "12月4日",
        "12月4日（周六）14:00",
        "2月30日 9:00",
        "13月1日 9:00",
        "25:00",
        "12:75",
        "14",
        "12月4日 14:00-17:00",
        "12月4日 14:00 开班",
        "9:",
        "13pm",
    ],
)
def test_what_says_nothing_or_two_things_is_not_guessed(text: str) -> None:
    assert times.moment(text, NOW, ZONE) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12月4日 14:00-17:00", "2026-12-04 14:00 2026-12-04 17:00"),
        ("12月4日14：00～17：00", "2026-12-04 14:00 2026-12-04 17:00"),
        ("12月4日 下午2点到4点", "2026-12-04 14:00 2026-12-04 16:00"),
        ("12月4日 9-12点", "2026-12-04 09:00 2026-12-04 12:00"),
        ("12月4日 上午9点至下午4点半", "2026-12-04 09:00 2026-12-04 16:30"),
        ("Dec 4 2-4pm", "2026-12-04 14:00 2026-12-04 16:00"),
        ("Dec 4 9am to 11:30am", "2026-12-04 09:00 2026-12-04 11:30"),
    ],
)
def test_a_span_of_hours_is_understood(text: str, meant: str) -> None:
    found = times.span(text, NOW, ZONE)
    assert found is not None
    assert f"{shown(found.starts_at)} {shown(found.ends_at)}" == meant


@pytest.mark.parametrize(
    "text", ["12月4日 17:00-14:00", "12月4日 14:00", "12月4日 3-6年级", "12-4"]
)
def test_what_is_no_span_is_none(text: str) -> None:
    assert times.span(text, NOW, ZONE) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12月1日至12月5日", "2026-12-01 00:00 2026-12-06 00:00"),
        ("12月1日-5日", "2026-12-01 00:00 2026-12-06 00:00"),
        ("2026-12-28 至 1月8日", "2026-12-28 00:00 2027-01-09 00:00"),
        ("12.1-12.5", "2026-12-01 00:00 2026-12-06 00:00"),
        ("12月1日", "2026-12-01 00:00 2026-12-02 00:00"),
    ],
)
def test_days_run_until_the_last_one_ends(text: str, meant: str) -> None:
    found = times.days(text, NOW, ZONE)
    assert found is not None
    assert f"{shown(found.starts_at)} {shown(found.ends_at)}" == meant


@pytest.mark.parametrize("text", ["12月5日-1日", "12月1日 14:00", "第一周"])
def test_days_in_the_wrong_order_are_none(text: str) -> None:
    assert times.days(text, NOW, ZONE) is None


def test_an_end_before_the_beginning_is_said_to_be_one() -> None:
    with pytest.raises(EndsFirst):
        times.days("1月5日至1月2日", NOW, ZONE)


def test_a_day_alone_is_due_when_it_ends() -> None:
    assert shown(times.due("12月4日", NOW, ZONE)) == "2026-12-05 00:00"
    assert shown(times.due("12月4日17:00前", NOW, ZONE)) == "2026-12-04 17:00"
    assert times.due("下课", NOW, ZONE) is None


@pytest.mark.parametrize(
    ("line", "title", "place"),
    [
        ("12月4日 14:00-17:00 开班仪式 @三楼报告厅", "开班仪式", "三楼报告厅"),
        ("12月4日（周五） 14:00—17:00：3-6年级作文教学", "3-6年级作文教学", ""),
        ("2026-12-04 9:00-11:30, 专家讲座@ 教室2", "专家讲座", "教室2"),
        ("12月10日 15:40-17:00 分组研讨 @二楼", "分组研讨", "二楼"),
        ("12月10日 9点30分-11点30分 分享会", "分享会", ""),
        ("12月10日 上午 专家讲座 @报告厅", "专家讲座", "报告厅"),
        ("12月4日 14:00-17:00 下午茶", "下午茶", ""),
        ("12月4日 14:00-17:00 周三教研汇报", "周三教研汇报", ""),
        ("12月4日 14:00-17:00 30.5 克的重量", "30.5 克的重量", ""),
        ("Dec 4 14:00-17:00 Monthly review", "Monthly review", ""),
        ("12月4日 14:00-17:00 在线备课", "在线备课", ""),
    ],
)
def test_a_line_of_a_timetable_is_taken_apart(line: str, title: str, place: str) -> None:
    found = times.meeting(line, NOW, ZONE)
    assert found is not None
    assert (found.title, found.place) == (title, place)


def test_a_line_without_hours_or_without_a_subject_is_none() -> None:
    assert times.meeting("12月4日 开班仪式", NOW, ZONE) is None
    assert times.meeting("12月4日 14:00-17:00", NOW, ZONE) is None
    assert times.meeting("地点：报告厅", NOW, ZONE) is None


FORMS = (
    "{0:%Y-%m-%d} {0:%H:%M}-{1:%H:%M}",
    "{0:%Y年%m月%d日} {0:%H:%M}～{1:%H:%M}",
    "{0:%Y/%m/%d} {0:%H}点{0:%M}分至{1:%H}点{1:%M}分",
    "{0:%d %b %Y} {0:%I:%M %p} to {1:%I:%M %p}",
)


@settings(max_examples=120, deadline=None)
@given(
    ahead=st.integers(0, 300),
    start=st.integers(0, 23 * 60),
    length=st.integers(1, 59),
    form=st.sampled_from(FORMS),
)
def test_what_is_written_in_full_is_read_back(
    ahead: int, start: int, length: int, form: str
) -> None:
    day = datetime(2026, 11, 20, tzinfo=ZONE) + timedelta(days=ahead)
    first = day + timedelta(minutes=start)
    last = first + timedelta(minutes=length)
    found = times.span(form.format(first, last), NOW, ZONE)
    assert found == saying.Span(first, last)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789月日年周五六下午点半:-~@ /.至号十二Decpmx", max_size=24))
def test_no_text_breaks_the_reading(text: str) -> None:
    for read in (times.moment, times.span, times.days, times.due, times.meeting):
        read(text, NOW, ZONE)
