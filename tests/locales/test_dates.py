"""Days, moments and lengths of time in three languages."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from locales import LANGUAGES, dates

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2026, 12, 4)


def at(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh_Hans", "12月4日（周五）"),
        ("zh_Hant", "12月4日（週五）"),
        ("en", "Fri 4 Dec"),
        ("tlh", "12月4日（周五）"),
    ],
)
def test_a_day_is_said_with_its_weekday(language: str, text: str) -> None:
    assert dates.day(FRIDAY, language) == text
    assert dates.day(FRIDAY, language, today=date(2026, 1, 1)) == text


def test_the_year_is_said_when_it_is_another_one() -> None:
    today = date(2027, 1, 1)
    assert dates.day(FRIDAY, "zh_Hans", today) == "2026年12月4日（周五）"
    assert dates.day(FRIDAY, "zh_Hant", today) == "2026年12月4日（週五）"
    assert dates.day(FRIDAY, "en", today) == "Fri 4 Dec 2026"


def test_the_day_under_a_letter_has_its_year() -> None:
    assert dates.dated(FRIDAY, "zh_Hans") == "2026年12月4日"
    assert dates.dated(FRIDAY, "en") == "Fri 4 Dec 2026"


def test_a_moment_is_said_in_the_zone_of_the_office() -> None:
    assert dates.moment(at(12, 4, 17), SHANGHAI, "zh_Hans") == "12月4日（周五）17:00"
    assert dates.moment(at(12, 4, 17), SHANGHAI, "zh_Hant") == "12月4日（週五）17:00"
    assert dates.moment(at(12, 4, 17), SHANGHAI, "en") == "Fri 4 Dec, 17:00"
    assert dates.moment(at(12, 4, 0, 30), SHANGHAI, "en") == "Fri 4 Dec, 00:30"
    assert dates.moment(at(12, 4, 17), UTC, "en", date(2027, 1, 1)) == "Fri 4 Dec 2026, 09:00"


def test_a_deadline_says_by_when() -> None:
    assert dates.before(at(12, 4, 17), SHANGHAI, "zh_Hans") == "12月4日（周五）17:00前"
    assert dates.before(at(12, 4, 17), SHANGHAI, "zh_Hant") == "12月4日（週五）17:00前"
    assert dates.before(at(12, 4, 17), SHANGHAI, "en") == "by Fri 4 Dec, 17:00"


def test_a_deadline_at_midnight_belongs_to_the_day_that_ends() -> None:
    assert dates.before(at(12, 5), SHANGHAI, "zh_Hans") == "12月4日（周五）24:00前"
    assert dates.before(at(12, 5), SHANGHAI, "en") == "by Fri 4 Dec, 24:00"


@pytest.mark.parametrize(
    ("start", "end", "chinese", "english"),
    [
        (at(12, 4, 14), at(12, 4, 17), "12月4日（周五）14:00–17:00", "Fri 4 Dec, 14:00–17:00"),
        (at(12, 4, 14), at(12, 4, 14), "12月4日（周五）14:00", "Fri 4 Dec, 14:00"),
        (at(12, 4), at(12, 5), "12月4日（周五）00:00–24:00", "Fri 4 Dec, 00:00–24:00"),
        (at(10, 19, 9), at(10, 30, 17), "10月19日（周一）至30日（周五）", "Mon 19 – Fri 30 Oct"),
        (at(10, 19), at(10, 31), "10月19日（周一）至30日（周五）", "Mon 19 – Fri 30 Oct"),
        (
            at(10, 19, 9),
            at(12, 18, 17),
            "10月19日（周一）至12月18日（周五）",
            "Mon 19 Oct – Fri 18 Dec",
        ),
        (
            at(9, 1, 8),
            at(1, 22, 18, year=2027),
            "2026年9月1日（周二）至2027年1月22日（周五）",
            "Tue 1 Sep 2026 – Fri 22 Jan 2027",
        ),
    ],
)
def test_a_span_says_nothing_twice(
    start: datetime, end: datetime, chinese: str, english: str
) -> None:
    assert dates.span(start, end, SHANGHAI, "zh_Hans") == chinese
    assert dates.span(start, end, SHANGHAI, "zh_Hant") == chinese.replace("周", "週")
    assert dates.span(start, end, SHANGHAI, "en") == english


def test_days_of_another_year_say_it_once() -> None:
    span, today = (date(2026, 10, 19), date(2026, 12, 18)), date(2027, 1, 5)
    assert dates.days(*span, "zh_Hans", today) == "2026年10月19日（周一）至12月18日（周五）"
    assert dates.days(*span, "en", today) == "Mon 19 Oct – Fri 18 Dec 2026"
    assert dates.days(FRIDAY, FRIDAY, "zh_Hans") == "12月4日（周五）"


@pytest.mark.parametrize(
    ("length", "simplified", "traditional", "english"),
    [
        (timedelta(hours=2), "2小时", "2小時", "2 hours"),
        (timedelta(hours=1), "1小时", "1小時", "1 hour"),
        (timedelta(minutes=90), "1小时30分钟", "1小時30分鐘", "1 hour 30 minutes"),
        (timedelta(days=3), "3天", "3天", "3 days"),
        (timedelta(days=1, hours=5, minutes=59), "1天5小时", "1天5小時", "1 day 5 hours"),
        (timedelta(days=2, minutes=59), "2天", "2天", "2 days"),
        (timedelta(seconds=119), "1分钟", "1分鐘", "1 minute"),
        (timedelta(seconds=1), "1分钟", "1分鐘", "1 minute"),
        (timedelta(seconds=-60), "1分钟", "1分鐘", "1 minute"),
    ],
)
def test_a_length_of_time_has_at_most_two_units_and_promises_no_more_than_there_is(
    length: timedelta, simplified: str, traditional: str, english: str
) -> None:
    told = [dates.duration(length, language) for language in LANGUAGES]
    assert told == [simplified, traditional, english]


def test_a_minute_of_the_day_is_shown_as_on_a_clock() -> None:
    assert dates.minute(16 * 60 + 40) == "16:40"
    assert dates.minute(8 * 60) == "08:00"
    assert dates.minute(24 * 60) == "24:00"
