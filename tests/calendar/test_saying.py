"""When, as people write it; today is Friday 20 November 2026."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.calendar import saying
from storage.calendar.saying import NotUnderstood, WrongWeekday

TODAY = date(2026, 11, 20)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def span(text: str) -> str:
    found = saying.span(saying.read(text, TODAY), SHANGHAI)
    starts, ends = found.starts_at.astimezone(SHANGHAI), found.ends_at.astimezone(SHANGHAI)
    return f"{starts:%Y-%m-%d %H:%M} {ends:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12月4日 14:00", "2026-12-04 14:00 2026-12-04 17:00"),
        ("12月4日14：00—17：30", "2026-12-04 14:00 2026-12-04 17:30"),
        ("2026-12-04 14:00-17:00", "2026-12-04 14:00 2026-12-04 17:00"),
        ("2026-12-04T09:00", "2026-12-04 09:00 2026-12-04 17:00"),
        ("2026年12月4日（周五）下午2点至5点", "2026-12-04 14:00 2026-12-04 17:00"),
        ("2026/12/4 - 2026/12/6", "2026-12-04 08:30 2026-12-06 17:00"),
        ("20261204", "2026-12-04 08:30 2026-12-04 17:00"),
        ("12月4日至6日", "2026-12-04 08:30 2026-12-06 17:00"),
        ("12月4-6日", "2026-12-04 08:30 2026-12-06 17:00"),
        ("12月30日至1月2日", "2026-12-30 08:30 2027-01-02 17:00"),
        # Nobody means nearly a year: the end was said to lie before the beginning.
        ("1月5日至1月2日", "2027-01-05 08:30 2027-01-02 17:00"),
        ("12.4-12.6", "2026-12-04 08:30 2026-12-06 17:00"),
        ("10月19日", "2027-10-19 08:30 2027-10-19 17:00"),
        ("下周五", "2026-11-27 08:30 2026-11-27 17:00"),
        ("下周五下午", "2026-11-27 14:00 2026-11-27 17:00"),
        ("下下周一上午", "2026-11-30 08:30 2026-11-30 11:30"),
        ("周三 9点半到11点半", "2026-11-25 09:30 2026-11-25 11:30"),
        ("今晚7点", "2026-11-20 19:00 2026-11-20 21:00"),
        ("明早8点", "2026-11-21 08:00 2026-11-21 17:00"),
        ("明天 2点", "2026-11-21 14:00 2026-11-21 17:00"),
        ("大后天晚上7点", "2026-11-23 19:00 2026-11-23 21:00"),
        ("4-6 Dec", "2026-12-04 08:30 2026-12-06 17:00"),
        ("Fri 4 Dec 2026, 2 pm", "2026-12-04 14:00 2026-12-04 17:00"),
        ("Dec 4 9:00 to 11:30 am", "2026-12-04 09:00 2026-12-04 11:30"),
        ("next Friday 2pm-5pm", "2026-11-27 14:00 2026-11-27 17:00"),
        ("１２月４日　１４：００", "2026-12-04 14:00 2026-12-04 17:00"),
        ("2026-12-04 14:00 至 2026-12-06 24:00", "2026-12-04 14:00 2026-12-06 23:59"),
        ("12月4日 18:00", "2026-12-04 18:00 2026-12-04 20:00"),
        ("下個星期天 下午兩點", "2026-11-29 14:00 2026-11-29 17:00"),
        ("十二月四號 九點半至十一點半", "2026-12-04 09:30 2026-12-04 11:30"),
        ("12月4日 9-12点", "2026-12-04 09:00 2026-12-04 12:00"),
        ("Dec 4 7-9pm", "2026-12-04 19:00 2026-12-04 21:00"),
        ("12-01 17:00", "2026-12-01 17:00 2026-12-01 19:00"),
    ],
)
def test_what_people_write_is_understood(text: str, meant: str) -> None:
    assert span(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", "尽快", "13月4日", "2月30日", "12月4日 25:00", "年底前", "1", "14:00", "x" * 500),
        "12月5日-1日",
    ],
)
def test_what_names_no_day_is_not_guessed(text: str) -> None:
    with pytest.raises(NotUnderstood):
        saying.read(text, TODAY)


def test_a_weekday_that_contradicts_its_day_is_asked_about() -> None:
    with pytest.raises(WrongWeekday) as refusal:
        saying.read("12月4日（周四）", TODAY)
    assert refusal.value.day == date(2026, 12, 4)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12月4日", "12-04 17:00"),
        ("12月4日17:00前", "12-04 17:00"),
        ("12月4日24:00", "12-04 23:59"),
        ("12月4日 0:00", "12-04 23:59"),
        ("11月25日至12月4日", "12-04 17:00"),
    ],
)
def test_a_deadline_is_never_midnight(text: str, meant: str) -> None:
    moment = saying.deadline(saying.read(text, TODAY), SHANGHAI)
    assert f"{moment.astimezone(SHANGHAI):%m-%d %H:%M}" == meant


@given(
    st.dates(date(2026, 11, 20), date(2027, 11, 19)),
    st.times(),
    st.sampled_from(["%Y-%m-%d %H:%M", "%Y年%m月%d日 %H:%M", "%m月%d日%H:%M", "%Y/%m/%d %H点%M分"]),
)
def test_a_full_moment_is_read_as_it_stands(day: date, time: object, form: str) -> None:
    assert hasattr(time, "replace")
    moment = datetime.combine(day, time.replace(second=0, microsecond=0))
    found = saying.read(moment.strftime(form), TODAY)
    minute = moment.hour * 60 + moment.minute
    meant = {minute}
    if "点" in form and 1 <= moment.hour <= 6:
        meant.add(minute + 12 * 60)
    assert (found.day, found.minute in meant) == (day, True)


@given(st.text(alphabet="0123456789月日年周下-:点 至.pm", max_size=20))
def test_whatever_is_typed_is_understood_or_refused(text: str) -> None:
    try:
        found = saying.read(text, TODAY)
    except (NotUnderstood, WrongWeekday):
        return
    saying.span(found, SHANGHAI)
    saying.deadline(found, SHANGHAI)


@pytest.mark.parametrize("text", ["9999-12-31", "1900年1月1日", "2026-12-01至2206-12-01"])
def test_a_year_far_away_is_a_slip_of_the_finger(text: str) -> None:
    with pytest.raises(NotUnderstood):
        saying.begin(text, date(2026, 11, 20))
