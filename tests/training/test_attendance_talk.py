"""A meeting's morning, as the teacher, the organiser and the school see it on their phones."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import segno
from sqlmodel import Session, select

from bot.sandbox.files import image_size
from handlers.training import check_in_papers
from handlers.training.attendance_buttons import OpenMeetings
from handlers.training.attendance_text import presence_word
from locales import LANGUAGES, catalog
from storage import sheets
from storage.people.tables import Draft, ImportJob, ImportState, Role, RoleAssignment
from storage.training import attendance, windows
from storage.training.attendance_sheets import FIELDS, STATES
from storage.training.check_codes import Box, code_at
from storage.training.tables import Attendance, ClassSession, Method, Presence
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage, stage_on
from tests.training import meeting_makers as made
from tests.training.meeting_makers import at


async def room(stage: Stage, *names: str, **differs: Any) -> tuple[int, int, list[Actor]]:
    """A class with one meeting today, and linked people on its list."""
    batch_id, meeting_id = await stage.database.write(made.meeting, **differs)
    people = []
    for name in names:
        actor = await stage.teacher(name)
        assert actor.teacher_id is not None
        await stage.database.write(made.on_list, batch_id, actor.teacher_id)
        people.append(actor)
    return batch_id, meeting_id, people


async def organiser(stage: Stage) -> Actor:
    zhou = await stage.teacher("周明岚", at="教师发展中心")
    assert zhou.teacher_id is not None
    county = await stage.database.read(make.county)
    await stage.database.write(made.appointed, zhou.teacher_id, Role.COUNTY_COORDINATOR, county)
    return zhou


async def coordinator(stage: Stage, school: str = "澄禾县实验小学") -> Actor:
    luo = await stage.teacher("罗佳宁", at=school)
    assert luo.teacher_id is not None
    await stage.database.write(made.appointed, luo.teacher_id, Role.SCHOOL_COORDINATOR)
    return luo


async def entered(stage: Stage, meeting_id: int) -> dict[int, Attendance]:
    return await stage.database.read(made.entered, meeting_id)


def photo(stage: Stage, actor: Actor) -> tuple[bytes, Any]:
    """The newest picture in the chat, and its message."""
    message = next(m for m in reversed(actor.messages()) if m.photo)
    assert message.photo is not None
    stored = stage.world.files.get(message.photo)
    assert stored is not None
    return stored.data, message


def digits_in(text: str) -> str:
    found = re.search(r"\b(\d{3} \d{3})\b", text)
    assert found is not None, text
    return found.group(1)


async def test_the_code_on_the_screen_checks_in_whoever_types_it(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    assert "Present: 0 of 1" in zhou.sees()
    await zhou.taps("Show the code")
    picture, message = photo(stage, zhou)
    assert picture.startswith(b"\x89PNG")
    assert image_size(picture) is not None
    await lin.says("/menu")
    assert "Check in now" in lin.labels()
    assert "9:00–12:00" in await lin.taps("Check in now") or "check in by" in lin.sees()
    said = await lin.says(digits_in(message.text))
    assert said.startswith("✓ Fri 20 Nov, 09:00 · Checked in: 作业设计专题培训")
    await lin.says("/menu")
    assert "Check in now" not in lin.labels()
    (row,) = (await entered(stage, meeting_id)).values()
    assert (row.state, row.method) == (Presence.PRESENT, Method.TYPED)


async def test_six_digits_are_taken_wherever_one_is(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    code = digits_in(photo(stage, zhou)[1].text).replace(" ", "")
    await lin.says("/hours")
    assert "Checked in" in await lin.says(code)
    assert "checked in to 作业设计专题培训" in await lin.says(code)


async def test_the_picture_is_a_link_into_the_chat_that_checks_in(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    assert zhou.teacher_id is not None
    shown = await stage.database.write(
        attendance.show_code, zhou.teacher_id, meeting_id, Box.IN, now=stage.clock()
    )
    payload = check_in_papers.payload(shown)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload)
    link = stage.office.house.link(payload)
    assert link.endswith(f"?start={payload}")
    svg = check_in_papers.qr(link)
    assert svg.startswith("<svg")
    assert int(segno.make(link, error="m", micro=False).version) <= 6  # read across a hall
    assert "Checked in" in await lin.starts(payload)
    await stage.passes(minutes=2)
    assert "has changed meanwhile" in await lin.starts(payload)
    assert "no longer there" in await lin.starts("c424242-abcdefghijklmnop")
    (row,) = (await entered(stage, meeting_id)).values()
    assert row.method is Method.SCAN


async def test_the_picture_renews_itself_and_counts_along(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    first, message = photo(stage, zhou)
    was = digits_in(message.text)
    await stage.passes(seconds=5)
    assert photo(stage, zhou)[1].text == message.text
    await lin.says(was)
    await stage.passes(seconds=30)
    second, after = photo(stage, zhou)
    assert second != first
    assert after.id == message.id
    assert digits_in(after.text) != was
    assert "Present: 1 of 1" in after.text
    await stage.passes(minutes=50)
    assert "not shown any more" in photo(stage, zhou)[1].text
    await zhou.taps("Go on showing")
    assert "changes every half minute" in photo(stage, zhou)[1].text
    assert photo(stage, zhou)[1].id == message.id
    await zhou.taps("Back")
    assert not [one for one in zhou.messages() if one.photo]


async def test_after_a_jump_of_the_clock_the_last_count_is_the_true_one(stage: Stage) -> None:
    _batch, meeting_id, (lin, shi) = await room(stage, "林若溪", "石晓岚")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    code = digits_in(photo(stage, zhou)[1].text)
    await lin.says(code)
    await stage.passes(hours=1)
    assert "Present: 1 of 2" in photo(stage, zhou)[1].text
    assert "not shown any more" in photo(stage, zhou)[1].text
    await zhou.taps("Back")
    assert "Present: 1 of 2" in zhou.sees()
    code = await stage.database.write(
        lambda s: (
            code_at(windows.secret_of(s, meeting_id), meeting_id, Box.IN, stage.clock()).digits
        )
    )
    await shi.says(code)
    await stage.passes(hours=1)
    assert "Present: 2 of 2" in zhou.sees()


async def test_the_count_on_the_card_is_live_until_one_goes_elsewhere(stage: Stage) -> None:
    batch_id, meeting_id, (lin, shi) = await room(stage, "林若溪", "石晓岚")
    zhou = await organiser(stage)
    await zhou.starts(f"run{batch_id}")
    await zhou.taps("Attendance")
    assert any("0/2" in label for label in zhou.labels())
    await zhou.taps("0/2")
    code = await stage.database.write(
        lambda s: code_at(windows.secret_of(s, meeting_id), meeting_id, Box.IN, NOW).digits
    )
    await lin.says(code)
    await stage.passes(seconds=5)
    assert "Present: 1 of 2" in zhou.sees()
    await zhou.taps("Back")
    listed = zhou.sees()
    await shi.says(code)
    await stage.passes(seconds=5)
    assert zhou.sees() == listed


async def test_scanning_early_is_remembered_and_one_tap_is_enough_then(
    stage: Stage,
) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪", starts_at=at(10), ends_at=at(12))
    zhou = await organiser(stage)
    stage.clock.advance(timedelta(minutes=10))  # 9:10; it opens at 9:30
    await zhou.starts(f"at{meeting_id}")
    assert "Check-in opens Fri 20 Nov, 09:30" in zhou.sees()
    await zhou.taps("Show the code")
    message = photo(stage, zhou)[1]
    assert "opens at 09:30" in message.text
    said = await lin.says(digits_in(message.text))
    assert "opens Fri 20 Nov, 09:30" in said
    assert "one tap" in said
    await stage.passes(minutes=19)
    assert "I am here" not in lin.labels()
    await stage.passes(minutes=1)
    assert "is open" in lin.sees()
    await lin.taps("I am here")
    assert "✓ Fri 20 Nov, 09:30" in lin.sees()
    assert len(await entered(stage, meeting_id)) == 1


async def test_whoever_was_early_is_told_at_the_hour_to_which_the_meeting_was_moved(
    stage: Stage,
) -> None:
    _batch_id, meeting_id, (lin,) = await room(stage, "林若溪", starts_at=at(10), ends_at=at(12))
    zhou = await organiser(stage)
    stage.clock.advance(timedelta(minutes=20))
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    await lin.says(digits_in(photo(stage, zhou)[1].text))

    def move(session: Session) -> None:
        row = session.exec(select(ClassSession).where(ClassSession.id == meeting_id)).one()
        row.starts_at += timedelta(minutes=15)

    await stage.database.write(move)
    await stage.passes(minutes=15)
    assert "I am here" not in lin.labels()
    await stage.passes(minutes=10)
    assert "I am here" in lin.labels()


async def test_wrong_codes_meet_kind_words(stage: Stage) -> None:
    _, _, (lin,) = await room(stage, "林若溪")
    await lin.says("/checkin")
    assert "six digits, such as" in await lin.says("你好")
    assert "9 tries are left" in await lin.says("000000")
    assert "six digits, such as" in await lin.says("12")  # still asked for
    for _ in range(9):
        await lin.says("000000")
    assert "take no typed ones until Fri 20 Nov, 09:10" in lin.sees()


async def test_whoever_is_not_on_the_list_is_sent_to_the_organiser(stage: Stage) -> None:
    _, meeting_id, _ = await room(stage, "林若溪")
    zhou = await organiser(stage)
    guest = await stage.teacher("石晓岚", at="城东小学")
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    said = await guest.says(digits_in(photo(stage, zhou)[1].text))
    assert "not on the list" in said
    await zhou.taps("Back")
    assert "not on the list: 1" in zhou.sees()
    assert "石晓岚, 城东小学, 09:00" in await zhou.taps("Not on the list")


async def test_a_room_without_a_signal_has_a_kit(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Without a signal")
    ((name, content),) = zhou.files()
    assert name == "作业设计专题培训 check-in codes 11-20 0900.pdf"
    assert content.startswith(b"%PDF")
    assert zhou.teacher_id is not None
    kit = await stage.database.write(attendance.kit, zhou.teacher_id, meeting_id, now=stage.clock())
    await stage.passes(hours=10)
    said = await lin.says(kit.slots[2][1])
    assert "✓ Fri 20 Nov, 08:40 · Checked in" in said


async def test_a_school_marks_all_but_two_and_takes_it_back(stage: Stage) -> None:
    batch_id, meeting_id, _ = await room(stage, *(f"教师{n:02}" for n in range(10)))
    foreign = await stage.database.write(made.person, batch_id, "别校", at="城东小学")
    luo = await coordinator(stage)
    await luo.starts(f"run{batch_id}")
    await luo.taps("Attendance")
    assert "Of your own people:" in await luo.taps("0/10")
    assert "Show the code" not in luo.labels()
    assert "Present: 10, absent: 0" in await luo.taps("Mark present")
    await luo.taps("✓ 教师03")
    await luo.taps("›")
    assert "Present: 8, absent: 2" in await luo.taps("✓ 教师09")
    assert not await entered(stage, meeting_id)
    assert "present 8, absent 2" in await luo.taps("Save")
    rows = await entered(stage, meeting_id)
    assert sorted(row.state for row in rows.values()) == ["absent"] * 2 + ["present"] * 8
    assert foreign[1] not in rows
    assert not await stage.database.read(lambda s: s.exec(select(Draft.id)).all())
    await luo.taps("Undo")
    assert "Undone" in luo.alert
    assert not await entered(stage, meeting_id)


async def test_who_marks_a_school_is_told_that_their_own_presence_is_not_theirs_to_enter(
    stage: Stage,
) -> None:
    batch_id, meeting_id, _ = await room(stage, "林若溪")
    luo = await coordinator(stage)
    assert luo.teacher_id is not None
    own = await stage.database.write(made.on_list, batch_id, luo.teacher_id)
    await luo.starts(f"run{batch_id}")
    await luo.taps("Attendance")
    await luo.taps("0/2")
    assert "Your own presence is entered" in await luo.taps("Mark present")
    assert "✓ 罗佳宁" not in luo.labels()
    assert "present 1" in await luo.taps("Save")
    assert own not in await entered(stage, meeting_id)
    await luo.taps("Back")
    await luo.taps("Names")
    await luo.taps("罗佳宁")
    await luo.taps("Present")
    assert "nobody decides about themselves" in luo.alert


async def test_what_is_being_marked_survives_a_restart(stage: Stage) -> None:
    _batch_id, meeting_id, _ = await room(stage, "林若溪", "石晓岚")
    luo = await coordinator(stage)
    await luo.starts(f"at{meeting_id}")
    await luo.taps("Mark present")
    await luo.taps("✓ 石晓岚")
    async with stage_on(stage.database, stage.clock()) as again:
        again.world = stage.world
    await luo.taps("Save")
    states = sorted(row.state for row in (await entered(stage, meeting_id)).values())
    assert states == [Presence.ABSENT, Presence.PRESENT]
    assert "no longer there" in await saves_again(luo)


async def saves_again(luo: Actor) -> str:
    await luo.sends_data("atv")
    return luo.alert


async def test_a_correction_by_hand_and_its_traces(stage: Stage) -> None:
    _, meeting_id, (_lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Names")
    assert "nothing entered" in await zhou.taps("○ 林若溪")
    await zhou.taps("Late")
    assert zhou.alert == "Entered: late"
    assert any(label.startswith("◐ 林若溪") for label in zhou.labels())
    assert "entered by hand" in await zhou.taps("◐ 林若溪")


async def test_the_teacher_sees_it_and_whom_to_ask_and_is_sent_nothing(stage: Stage) -> None:
    batch_id, meeting_id, (lin, shi) = await room(stage, "林若溪", "石晓岚")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    await lin.says(digits_in(photo(stage, zhou)[1].text))
    await shi.says("/menu")
    before = len(shi.messages())
    await stage.passes(hours=3, minutes=16)
    assert len(shi.messages()) == before
    shown = await shi.starts(f"p{batch_id}")
    assert "Fri 20 Nov, 09:00: absent" in shown
    assert "tell your school coordinator" in shown
    shown = await lin.starts(f"p{batch_id}")
    assert "present, 09:00" in shown
    assert "tell your school coordinator" not in shown


async def test_check_in_is_closed_and_opened_by_hand(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    code = digits_in(photo(stage, zhou)[1].text)
    await zhou.taps("Back")
    assert "Check-in closed Fri 20 Nov, 09:00" in await zhou.taps("Close check-in")
    assert "closed at Fri 20 Nov, 09:00" in await lin.says(code)
    await zhou.sends_data(f"atc:{meeting_id}:0")
    assert "Open it again" in zhou.alert
    assert "Check-in is open" in await zhou.taps("Open check-in")
    assert "Checked in" in await lin.says(code)


async def test_a_meeting_that_is_still_to_be_entered_is_marked_in_the_list(stage: Stage) -> None:
    batch_id, meeting_id, _people = await room(stage, "林若溪")
    zhou = await organiser(stage)
    await stage.passes(hours=6)
    await zhou.starts(f"run{batch_id}")
    said = await zhou.taps("Attendance")
    assert "Over, and nothing entered yet: Fri 20 Nov, 09:00" in said
    await zhou.taps("○ Fri 20 Nov, 09:00 · 0/1")
    await zhou.taps("Mark present")
    await zhou.taps("Save")
    said = await zhou.sends_data(OpenMeetings(batch_id).data)
    assert "nothing entered yet" not in said
    assert any(label.startswith("Fri 20 Nov, 09:00 · 1/1") for label in zhou.labels())
    assert await entered(stage, meeting_id)


async def test_checking_out_is_asked_for_where_it_counts(stage: Stage) -> None:
    _, meeting_id, (lin,) = await room(stage, "林若溪", batch={"counts_check_out": True})
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("Show the code")
    await lin.says(digits_in(photo(stage, zhou)[1].text))
    await stage.passes(hours=2, minutes=55)
    await zhou.taps("Back")
    await zhou.taps("Check-out code")
    await lin.says("/menu")
    assert "check out by" in await lin.taps("Check out now")
    assert "Checked out: 作业设计专题培训" in await lin.says(digits_in(photo(stage, zhou)[1].text))
    assert "checked out 1" in await zhou.starts(f"at{meeting_id}")


async def test_a_table_goes_out_is_filled_in_and_comes_back(stage: Stage) -> None:
    _batch_id, meeting_id, _people = await room(stage, "林若溪", "石晓岚", "丁广田")
    zhou = await organiser(stage)
    await zhou.starts(f"at{meeting_id}")
    await zhou.taps("As a table")
    name, content = zhou.files()[-1]
    (sheet,) = sheets.read(content, name).sheets
    assert sheet.rows[0][:4] == ("Staff number", "Name", "School", "Attendance")
    rows = [list(row) for row in sheet.rows]
    for row, state in zip(rows[1:], ("到", "缺", "√"), strict=True):
        row[3:4] = [state]  # what is empty at the end of a row is not read
    rows.append(["T999999", "无名", "", "到", "", ""])
    await zhou.taps("Read in a table")
    shown = await zhou.sends_file("考勤.xlsx", sheets.write([("考勤", rows)]))
    assert "4 rows in the table." in shown
    assert "present: 2, absent: 1" in shown
    assert "Passed over: 1" in shown
    _, remarks = zhou.files()[-1]
    assert "not on the list" in sheets.read(remarks, "x.xlsx").sheets[0].rows[-1][-1]
    assert not await entered(stage, meeting_id)
    press = zhou.messages()[-1].button("Enter")["callback_data"]
    assert "present 2, absent 1" in await zhou.taps("Enter")
    await zhou.sends_data(press)  # the second of two taps
    assert "present 2, absent 1" in zhou.sees()
    methods = {row.method for row in (await entered(stage, meeting_id)).values()}
    assert methods == {Method.IMPORT}
    await zhou.taps("Undo")
    assert not await entered(stage, meeting_id)
    (job,) = await stage.database.read(lambda session: session.exec(select(ImportJob)).all())
    assert (job.state, job.content) == (ImportState.UNDONE, b"")


async def test_a_dropped_table_asks_for_its_meeting_and_the_same_again_changes_nothing(
    stage: Stage,
) -> None:
    _, meeting_id, _ = await room(stage, "林若溪", "石晓岚")
    luo = await coordinator(stage)
    table = "姓名,签到情况\n林若溪,迟到\n石晓岚,免训\n".encode("gb18030")
    assert "Which meeting" in await luo.sends_file("签到.csv", table)
    shown = await luo.taps("作业设计专题培训")
    assert "late: 1" in shown
    assert "Passed over: 1" in shown  # a school does not excuse
    await luo.taps("Enter")
    rows = await entered(stage, meeting_id)
    assert [row.state for row in rows.values()] == [Presence.LATE]
    await luo.sends_file("签到.csv", table)
    assert "There is nothing to change." in await luo.taps("作业设计专题培训")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_reads_the_words_that_it_writes(language: str) -> None:
    for state in Presence:
        word = presence_word(state, language)
        assert STATES[sheets.key(word)] is state, word
    _ = catalog(language).gettext
    header = sheets.key(_("Attendance"))
    assert header in {sheets.key(known) for known in FIELDS["state"]}


async def test_who_marks_nobody_is_refused_at_every_door(stage: Stage) -> None:
    batch_id, meeting_id, (lin,) = await room(stage, "林若溪")
    await lin.says("/menu")
    for data in (
        f"atl:{batch_id}:-1",
        f"atm:{meeting_id}",
        f"atd:{meeting_id}:0",
        f"atc:{meeting_id}:0",
        f"atk:{meeting_id}",
        f"atu:{meeting_id}:0",
        f"atn:{meeting_id}:0:0:",
        f"atp:{meeting_id}:1:0:0:",
        f"ats:{meeting_id}:1:present:0:0",
        f"atx:{meeting_id}:0",
        f"atw:{meeting_id}",
        f"ath:{meeting_id}",
        f"ati:{meeting_id}",
    ):
        await lin.sends_data(data)
        assert "do not have the right" in lin.alert, data
    for data in ("atg:0", "atv", "ata:1:1", "ate:1:1", "att:1:1:0", "atm:424242", "cih:424242"):
        await lin.sends_data(data)
        assert "no longer there" in lin.alert, data
    await lin.sends_data(f"ats:{meeting_id}:1:nonsense:0:0")
    assert "no longer there" in lin.alert
    assert not await entered(stage, meeting_id)


async def test_a_deputy_and_a_class_teacher_run_the_room(stage: Stage) -> None:
    batch_id, meeting_id, (lin,) = await room(stage, "林若溪")

    def appoint(session: Session, teacher_id: int) -> None:
        row = made.class_teacher(session, batch_id)
        role = session.exec(select(RoleAssignment).where(RoleAssignment.teacher_id == row)).one()
        role.teacher_id, role.deputy_of = teacher_id, row
        role.until = (NOW + timedelta(days=1)).date()
        session.flush()

    he = await stage.teacher("何老师", at="教师发展中心")
    assert he.teacher_id is not None
    await stage.database.write(appoint, he.teacher_id)
    await he.starts(f"run{batch_id}")
    await he.taps("Attendance")
    await he.taps("0/1")
    await he.taps("Show the code")
    assert "Checked in" in await lin.says(digits_in(photo(stage, he)[1].text))
    stage.clock.advance(timedelta(days=2))
    await he.says("/menu")
    await he.sends_data(f"atm:{meeting_id}")
    assert "do not have the right" in he.alert
