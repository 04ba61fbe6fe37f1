"""The calendar from a file: looked at, applied with every step that moves, and undone."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session, col, select

from handlers.messaging.work_calendar import preview_card
from storage import undoing
from storage.calendar import loading
from storage.calendar.loading import Day, NotACalendar
from storage.calendar.tables import CalendarDay, DayKind
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging import reminders
from storage.people.imports import NoLongerWaiting
from storage.people.tables import Role, RoleAssignment
from storage.refusals import NotAllowed
from storage.sheets import Book, Sheet
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local

BEFORE = local("2026-11-16", 9)
AT = local("2026-11-25", 17)  # a Wednesday: T-3 is Friday 20

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//office//EN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261123
DTEND;VALUE=DATE:20261125
SUMMARY:校庆放假
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20261121
SUMMARY:校庆调休上班
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20270118
DTEND;VALUE=DATE:20270120
SUMMARY:寒假
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


def setter(session: Session, role: Role = Role.COUNTY_COORDINATOR) -> int:
    teacher_id = make.teacher(session)
    session.add(
        RoleAssignment(
            teacher_id=teacher_id, role=role, scope_id=make.county(session), since=date(2026, 9, 1)
        )
    )
    session.flush()
    return teacher_id


def book(*rows: tuple[str, ...]) -> Book:
    return Book("校历.csv", (Sheet("", (("日期", "结束日期", "类型", "名称"), *rows)),))


def test_an_icalendar_file_says_what_people_do_on_each_day() -> None:
    days = loading.of_ics(ICS)
    assert [(one.day, one.kind) for one in days] == [
        (date(2026, 11, 21), DayKind.MAKEUP_WORKDAY),
        (date(2026, 11, 23), DayKind.HOLIDAY),
        (date(2026, 11, 24), DayKind.HOLIDAY),
        (date(2027, 1, 18), DayKind.SCHOOL_BREAK),
        (date(2027, 1, 19), DayKind.SCHOOL_BREAK),
    ]


def test_a_table_is_read_with_spans_and_the_words_of_offices() -> None:
    table = book(
        ("2027-01-01", "2027-01-03", "放假", "元旦"),
        ("2027-01-04", "", "调休上班", "元旦"),
        ("2027/2/1", "2027/2/2", "寒假", ""),
    )
    assert loading.is_calendar(table)
    days = loading.of_table(table)
    assert [(one.day.day, one.kind) for one in days] == [
        (1, DayKind.HOLIDAY),
        (2, DayKind.HOLIDAY),
        (3, DayKind.HOLIDAY),
        (4, DayKind.MAKEUP_WORKDAY),
        (1, DayKind.SCHOOL_BREAK),
        (2, DayKind.SCHOOL_BREAK),
    ]


@pytest.mark.parametrize(
    "row",
    [
        ("31.31.2027", "", "放假", ""),
        ("2027-01-01", "", "别的", ""),
        ("2027-01-05", "2027-01-01", "放假", ""),
    ],
)
def test_a_day_that_is_not_understood_is_said_and_nothing_is_guessed(row: tuple[str, ...]) -> None:
    with pytest.raises(NotACalendar):
        loading.of_table(book(row))


async def test_rows_that_contradict_each_other_are_said(sqlite: Database) -> None:
    days = loading.of_table(
        book(
            ("2026-12-24", "", "放假", ""),
            ("2026-12-24", "", "调休上班", ""),
            ("2027-01-18", "2027-01-22", "寒假", ""),
            ("2027-01-20", "", "调休上班", ""),  # within a break that is usual
        )
    )
    assert [(one.day, one.kind) for one in days if one.also] == [
        (date(2026, 12, 24), DayKind.MAKEUP_WORKDAY)
    ]
    actor_id = await sqlite.write(setter)
    look = await sqlite.write(
        loading.preview, actor_id, days, name="a.csv", content=b"", now=BEFORE
    )
    said = preview_card(look, "en", date(2026, 11, 20)).text
    assert "is in the file twice: make-up workday and holiday. It would be make-up" in said
    assert "The file replaces all of the calendar in this time" in said


def test_a_day_far_from_all_others_is_a_stray() -> None:
    days = loading.of_table(
        book(
            ("2020-01-01", "", "放假", "旧"),
            ("2026-12-24", "", "放假", ""),
            ("2027-01-01", "2027-01-03", "放假", "元旦"),
        )
    )
    assert [one.day for one in loading.strays(days)] == [date(2020, 1, 1)]
    assert loading.without_strays(days) == days[1:]
    assert loading.strays(loading.of_ics(ICS)) == ()


def test_an_event_without_a_date_is_not_passed_over() -> None:
    content = ICS.replace(b"DTSTART;VALUE=DATE:20261121\r\n", b"")
    with pytest.raises(NotACalendar) as refusal:
        loading.of_ics(content)
    assert refusal.value.rows == ((0, "校庆调休上班"),)


@pytest.mark.parametrize("content", [b"", b"not a calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR"])
def test_a_file_that_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(NotACalendar):
        loading.of_ics(content)


async def test_a_holiday_moves_the_steps_and_undoing_puts_them_back(database: Database) -> None:
    actor_id = await database.write(setter)
    deadline_id, _ = await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")

    async def due() -> dict[str, object]:
        view = await database.read(reminders.overview, deadline_id)
        return {step.name: step.due_at for step in view.steps if step.outcome is None}

    before = await due()
    days = loading.of_ics(ICS)
    look = await database.write(
        loading.preview, actor_id, days, name="a.ics", content=ICS, now=BEFORE
    )
    assert (len(look.new), len(look.changed), len(look.removed)) == (5, 0, 0)
    assert look.steps == 2
    assert await due() == before  # looking changes nothing
    done = await database.write(loading.apply, actor_id, look.job_id, days, now=BEFORE)
    assert (done.days, done.steps) == (5, 2)
    # Saturday 21 is a working day, Monday and Tuesday are not.
    after = await due()
    assert after["T-1"] == local("2026-11-21", 8)
    assert after["T-3"] == local("2026-11-19", 8)
    again = await database.write(loading.apply, actor_id, look.job_id, days, now=BEFORE)
    assert again == done  # the second of two taps says what the first did
    assert done.deed_id is not None
    assert await database.write(undoing.undo, actor_id, done.deed_id, now=BEFORE)
    assert await due() == before
    with pytest.raises(NoLongerWaiting):
        await database.write(loading.apply, actor_id, look.job_id, days, now=BEFORE)


async def test_what_the_file_leaves_out_of_its_span_follows_its_weekday(
    database: Database,
) -> None:
    actor_id = await database.write(setter)
    await database.write(cast.day_off, "2026-11-24")
    await database.write(cast.day_off, "2027-05-04")
    days = (
        Day(date(2026, 11, 20), DayKind.HOLIDAY, "校庆"),
        Day(date(2026, 11, 27), DayKind.HOLIDAY, "校庆"),
    )
    look = await database.write(
        loading.preview, actor_id, days, name="a.csv", content=b"", now=BEFORE
    )
    assert [one.day for one in look.removed] == [date(2026, 11, 24)]
    await database.write(loading.apply, actor_id, look.job_id, days, now=BEFORE)

    def kept(session: Session) -> list[date]:
        return list(session.exec(select(col(CalendarDay.day)).order_by(col(CalendarDay.day))).all())

    assert await database.read(kept) == [*(one.day for one in days), date(2027, 5, 4)]


async def test_what_was_said_already_stays_said(database: Database) -> None:
    actor_id = await database.write(setter)
    await database.write(cast.due, AT, now=BEFORE, preset="T-3 T-1")
    now = local("2026-11-20", 9)
    assert (await database.write(cast.sweep_all, now)).reminded == 1
    days = (Day(date(2026, 11, 24), DayKind.HOLIDAY),)
    look = await database.write(loading.preview, actor_id, days, name="a.csv", content=b"", now=now)
    assert look.steps == 1
    await database.write(loading.apply, actor_id, look.job_id, days, now=now)
    assert (await database.write(cast.sweep_all, now)).reminded == 0


async def test_a_calendar_that_was_changed_since_is_not_undone(sqlite: Database) -> None:
    actor_id = await sqlite.write(setter)
    days = (Day(date(2026, 11, 24), DayKind.HOLIDAY),)
    look = await sqlite.write(
        loading.preview, actor_id, days, name="a.csv", content=b"", now=BEFORE
    )
    done = await sqlite.write(loading.apply, actor_id, look.job_id, days, now=BEFORE)
    other = (Day(date(2026, 11, 24), DayKind.SCHOOL_BREAK),)
    look = await sqlite.write(
        loading.preview, actor_id, other, name="b.csv", content=b"1", now=BEFORE
    )
    assert look.changed == other
    assert look.was == days
    card = preview_card(look, "en", date(2026, 11, 20)).text
    assert "Changed: 1" in card
    assert card.index("school break") < card.index("Until now:") < card.index("holiday")
    await sqlite.write(loading.apply, actor_id, look.job_id, other, now=BEFORE)
    assert done.deed_id is not None
    with pytest.raises(ChangedSince):
        await sqlite.write(undoing.undo, actor_id, done.deed_id, now=BEFORE)


async def test_only_who_sets_the_calendar_may(sqlite: Database) -> None:
    actor_id = await sqlite.write(setter, Role.SCHOOL_COORDINATOR)
    days = (Day(date(2026, 11, 24), DayKind.HOLIDAY),)
    with pytest.raises(NotAllowed):
        await sqlite.write(loading.preview, actor_id, days, name="a.csv", content=b"", now=BEFORE)
    month = await sqlite.read(loading.month, actor_id, 2026, 11, now=BEFORE)
    assert (month.workdays, month.may_load) == (21, False)
