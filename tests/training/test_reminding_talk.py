"""What a coordinator sees of reminders, and does about them."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, select

from handlers.training.reminding import OpenReminded
from storage.calendar.tables import CalendarDay
from storage.messaging import deadlines
from storage.messaging.tables import Deadline
from storage.people import roles
from storage.people.tables import Role
from storage.training import registration, reminding, schedule
from storage.training.tables import Approval, Task
from tests import make
from tests.make import NOW
from tests.messaging import cast
from tests.stage import Actor, Stage
from tests.training.test_tasks_talk import in_class, set_task
from tests.training.test_timetable_talk import a_class, organiser

TODAY = date(2026, 11, 20)


async def test_a_class_shows_every_step_every_person_and_gives_one_more_time(
    stage: Stage,
) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    await in_class(stage, batch, "石晓岚")
    await set_task(zhou, batch, "教学设计 12月10日 17:00")
    await stage.database.write(schedule.plan_deadlines, batch, now=NOW)

    await zhou.starts(f"run{batch}")
    shown = await zhou.taps("Reminders")
    assert "work is due · by Thu 10 Dec, 17:00" in shown
    await zhou.starts(f"run{batch}")
    await zhou.taps("Tasks")
    await zhou.taps("教学设计")
    shown = await zhou.taps("Who owes it, and why")
    assert "2 still owe it" in shown
    assert "those who owe it" in shown
    assert "· 3 working days before, Mon 7 Dec, 08:00: planned" in shown
    assert "T-3" not in shown
    assert "林若溪 · owes it" in await zhou.taps("Person by person")
    assert "Still owes it." in await zhou.taps("林若溪")
    shown = await zhou.taps("+3 days")
    assert "Has a date of their own: by Sun 13 Dec, 17:00" in shown
    await zhou.taps("Another date")
    assert "Until when?" in await zhou.says("下学期")
    assert "by Mon 14 Dec, 12:00" in await zhou.says("12月14日 12:00")
    await zhou.taps("Another date")
    assert "More time means a date after" in await zhou.says("12月1日 12:00")

    await lin.starts(f"p{batch}")
    assert "Mon 14 Dec, 12:00" in await lin.taps("Tasks")
    assert "Mon 14 Dec, 12:00" in await lin.says("/due")

    await zhou.starts(f"run{batch}")
    await zhou.taps("Tasks")
    await zhou.taps("教学设计")
    assert "1 has a later date" in await zhou.taps("Who owes it, and why")
    await zhou.taps("Person by person")
    await zhou.taps("林若溪")
    assert "date of their own" not in await zhou.taps("No extra time")

    def own(session: Session) -> dict[int, object]:
        task_id = session.exec(select(Task.id)).one()
        return dict(deadlines.own_dates(session, "task_due", task_id))

    assert await stage.database.read(own) == {}


async def test_a_meeting_concerns_people_and_a_step_that_no_group_heard_says_why(
    stage: Stage,
) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    await in_class(stage, batch, "林若溪")
    at = NOW + timedelta(days=4, hours=1)  # Tuesday 24 November, 10:00

    def begins(session: Session) -> int:
        return deadlines.set_deadline(session, "batch_start", batch, at, now=NOW)

    await stage.database.write(begins)
    await stage.passes(days=3, hours=3)
    await zhou.starts(f"run{batch}")
    await zhou.taps("Reminders")
    label = next(label for label in zhou.labels() if label.endswith("begins"))
    shown = await zhou.taps(label)
    assert "It concerns 1 person" in shown
    assert "those concerned" in shown
    assert "owe" not in shown
    assert "T-1" not in shown
    assert "2 hours before, Tue 24 Nov, 08:00: planned" in shown
    assert "1 working day before, Mon 23 Nov, 08:00: no group is connected for it" in shown
    listed = await zhou.taps("Person by person")
    assert listed.endswith(
        "\n林若溪 · waits for the next message"
    )  # that it concerns them needs no saying
    assert "Find a name" not in zhou.labels()
    assert "It concerns this person." in await zhou.taps("林若溪")


async def test_one_of_many_is_found_by_a_part_of_the_name(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)

    def many(session: Session) -> int:
        for number in range(reminding.PAGE):
            cast.register(session, batch, make.teacher(session, f"林若溪{number}"))
        cast.register(session, batch, make.teacher(session, "上官俊逸"))
        at = NOW + timedelta(days=4, hours=1)
        return deadlines.set_deadline(session, "batch_start", batch, at, now=NOW)

    deadline_id = await stage.database.write(many)
    await zhou.starts("desk")
    assert "上官" not in await zhou.sends_data(OpenReminded(deadline_id).data)
    await zhou.taps("Find a name")
    assert "Nobody in this list fits." in await zhou.says("欧阳")
    await zhou.says("上官")
    assert zhou.labels() == ["上官俊逸", "Find a name", "Back"]
    assert "It concerns this person." in await zhou.taps("上官俊逸")


async def school(stage: Stage, role: Role, name: str) -> Actor:
    who = await stage.teacher(name)

    def appoint(session: Session) -> None:
        assert who.teacher_id is not None
        unit_id = make.school(session)
        roles.appoint(session, who.teacher_id, role, unit_id, today=TODAY, now=NOW)

    await stage.database.write(appoint)
    return who


async def test_a_coordinator_hears_once_a_day_who_is_left_and_notes_a_call(stage: Stage) -> None:
    luo = await school(stage, Role.SCHOOL_COORDINATOR, "罗佳宁")
    fang = await school(stage, Role.PRINCIPAL, "方校长")
    batch = await a_class(stage)
    await in_class(stage, batch, "林若溪")
    at = NOW + timedelta(days=8, hours=8)  # Saturday 28 November, 17:00; T-7 is over

    def due(session: Session) -> int:
        return deadlines.set_deadline(session, "remote_end", batch, at, now=NOW)

    await stage.database.write(due)
    await stage.passes(hours=8)  # 17:00
    assert "[Daily list]" in luo.sees()
    assert "1 has not finished" in luo.sees()
    assert "林若溪" not in luo.sees()
    assert "[Daily list]" not in fang.sees()
    assert "<b>" not in luo.sees()
    shown = await luo.taps("新教师三段式研修")
    assert ": 1 has not finished" in shown
    shown = await luo.taps("澄禾县实验小学 1")
    assert "1 person" in shown
    await luo.taps("林若溪")
    assert "✓ 林若溪" in luo.labels()
    assert "View" in luo.labels()
    shown = await luo.taps("Daily list")
    assert "[Daily list] Fri 20 Nov" in shown
    assert "1 has not finished" in shown
    assert await stage.database.read(
        lambda s: s.exec(select(Deadline.id).where(Deadline.kind == "remote_end")).one()
    )


async def test_a_line_of_the_daily_list_leads_to_the_thing_and_back_to_the_other_lines(
    stage: Stage,
) -> None:
    luo = await school(stage, Role.SCHOOL_COORDINATOR, "罗佳宁")
    first, second = await a_class(stage), await a_class(stage)
    await in_class(stage, first, "林若溪")
    await in_class(stage, second, "石晓岚")

    def due(session: Session) -> None:
        for n, batch in enumerate((first, second)):
            at = NOW + timedelta(days=8, hours=8 + n)
            deadlines.set_deadline(session, "remote_end", batch, at, now=NOW)

    await stage.database.write(due)
    await stage.passes(hours=8)
    assert "[Daily list]" in luo.sees()
    lines = [label for label in luo.labels() if label[0] in "12"]
    assert len(lines) == 2
    shown = await luo.taps(lines[0])
    assert "[Daily list]" not in shown
    shown = await luo.taps("Daily list")
    assert "[Daily list]" in shown
    assert [label for label in luo.labels() if label[0] in "12"] == lines
    await luo.taps(lines[1])
    assert "State: " in await luo.taps("View")


async def test_what_waits_for_a_decision_leads_back_to_the_rest_of_the_daily_list(
    stage: Stage,
) -> None:
    luo = await school(stage, Role.SCHOOL_COORDINATOR, "罗佳宁")
    batch = await a_class(stage)
    await in_class(stage, batch, "林若溪")

    def due(session: Session) -> None:
        asked = make.batch(session, "需审核的班", programme={"approval": Approval.COUNTY})
        teacher_id = make.teacher(session, name="石晓岚")
        registration.register(session, teacher_id, asked, now=NOW)
        at = NOW + timedelta(days=8, hours=8)
        deadlines.set_deadline(session, "remote_end", batch, at, now=NOW)

    await stage.database.write(due)
    await stage.passes(hours=8)
    assert "1 has not finished" in luo.sees()
    await luo.taps("One by one")
    shown = await luo.taps("Back")
    assert "[Daily list]" in shown
    assert "1 has not finished" in shown
    assert "1 registration waits for you." in shown


async def test_a_stray_row_of_a_calendar_is_asked_about(stage: Stage) -> None:
    zhou = await organiser(stage)
    table = "日期,结束日期,类型,名称\n2020-01-01,,放假,旧\n2027-01-01,2027-01-03,放假,元旦\n"
    shown = await zhou.sends_file("校历.csv", table.encode())
    assert "These days lie far from the rest." in shown
    assert "Apply" not in zhou.labels()
    shown = await zhou.taps("Leave them out")
    assert "New: 3" in shown
    assert "far from" not in shown
    assert "3 days of the calendar were set." in await zhou.taps("Apply")


async def test_the_calendar_is_sent_looked_at_applied_and_undone(stage: Stage) -> None:
    zhou = await organiser(stage)
    await zhou.says("/desk")
    shown = await zhou.taps("Work calendar")
    assert "21 working days" in shown
    table = "日期,结束日期,类型,名称\n2027-01-01,2027-01-03,放假,元旦\n2027-01-04,,调休上班,元旦\n"
    shown = await zhou.sends_file("校历.csv", table.encode())
    assert "New: 4" in shown
    assert "holiday · 元旦" in shown
    shown = await zhou.taps("Apply")
    assert "4 days of the calendar were set." in shown

    async def days() -> int:
        rows = await stage.database.read(lambda s: s.exec(select(CalendarDay)).all())
        return len(rows)

    assert await days() == 4
    await zhou.says("/desk")
    doors = zhou.labels()
    where = next(n for n, label in enumerate(doors) if label.startswith("Undo something"))
    await zhou.taps(doors[where])
    await zhou.taps("Undo 1")
    assert await days() == 0
    await zhou.says("/desk")
    assert zhou.labels()[:where] == doors[:where]  # the key that came and went stood last
    ics = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        "DTSTART;VALUE=DATE:20270101\r\nSUMMARY:元旦\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert "New: 1" in await zhou.sends_file("a.ics", ics.encode())
    assert "Nothing was changed." in await zhou.taps("Cancel") or await days() == 0
    assert "no holidays" in await zhou.sends_file("b.ics", b"nothing")


async def test_a_calendar_that_is_not_understood_says_which_rows_and_leads_back(
    stage: Stage,
) -> None:
    zhou = await organiser(stage)
    table = "日期,类型\n2027-01-01,放假\n2027-13-01,放假\n2027-02-01,<i>吃饭\n"
    shown = await zhou.sends_file("校历.csv", table.encode())
    assert "Row 3: I do not understand “2027-13-01”." in shown
    assert "Row 4: I do not understand “<i>吃饭”." in shown
    assert "21 working days" in await zhou.taps("Work calendar")
    shown = await zhou.sends_file("校历.pdf", b"%PDF-1.4")
    assert "This is not a calendar that I can read. Please send an .ics file" in shown
    assert await zhou.taps("Work calendar")
    shown = await zhou.sends_file("a.csv", "种类,数量\n甲,1\n".encode())
    assert "with the columns date, until, type and name" in shown
    # A file for something else finds its way, and so does a right one after a wrong one.
    shown = await zhou.sends_file(
        "名册.csv", "工号,姓名,单位\nCH01,林若溪,澄禾县实验小学\n".encode()
    )
    assert "calendar" not in shown
    await zhou.says("/desk")
    await zhou.taps("Work calendar")
    await zhou.sends_file("校历.pdf", b"%PDF-1.4")
    shown = await zhou.sends_file("校历.csv", "日期,类型\n2027-01-01,放假\n".encode())
    assert "New: 1" in shown
