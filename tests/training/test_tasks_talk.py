"""Tasks, as the organiser, the participant and the tutor see them."""

from __future__ import annotations

import struct
from datetime import date
from typing import Any

from sqlmodel import Session, select

from storage.messaging.tables import Reminder
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.training.tables import Task, TaskSubmission, WorkState
from tests.stage import Actor, Stage
from tests.training.test_timetable_talk import a_class, organiser

TODAY = date(2026, 11, 20)
PHOTO = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 320, 200) + bytes(64)


async def a_tutor(stage: Stage, batch_id: int, name: str = "许文") -> Actor:
    who = await stage.teacher(name, at="澄禾县教师发展中心")

    def appoint(session: Session) -> None:
        assert who.teacher_id is not None
        session.add(
            RoleAssignment(
                teacher_id=who.teacher_id,
                role=Role.TUTOR,
                scope_kind=ScopeKind.BATCH,
                scope_id=batch_id,
                since=TODAY,
            )
        )

    await stage.database.write(appoint)
    return who


async def in_class(stage: Stage, batch_id: int, name: str) -> Actor:
    who = await stage.teacher(name)
    await who.starts(f"p{batch_id}")
    await who.taps("Register")
    return who


async def set_task(
    zhou: Actor, batch_id: int, line: str, form: str = "as a text", review: str = "passed"
) -> str:
    await zhou.starts(f"run{batch_id}")
    await zhou.taps("Tasks")
    await zhou.taps("Set a task")
    await zhou.says(line)
    await zhou.taps(form)
    await zhou.taps(review)
    return await zhou.taps("Set this task")


async def work(stage: Stage) -> TaskSubmission:
    return await stage.database.read(lambda s: s.exec(select(TaskSubmission)).one())


async def test_work_goes_from_hand_to_hand_until_it_is_accepted(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    await in_class(stage, batch, "石晓岚")
    await zhou.starts(f"run{batch}")
    assert "No task has been set yet." in await zhou.taps("Tasks")
    await zhou.taps("Set a task")
    assert "by when it is due" in await zhou.says("教学设计")
    assert "In which form" in await zhou.says("教学设记 12月10日 17:00\n一份课时设计")
    shown = await zhou.says("教学设计 12月10日 17:00\n一份课时设计")
    assert "教学设计" in shown
    await zhou.taps("as a text")
    await zhou.taps("passed or returned")
    assert "Handed in: 0 of 2" in await zhou.taps("Set this task")

    xu = await a_tutor(stage, batch)
    await lin.starts(f"p{batch}")
    assert "not handed in yet" in await lin.taps("Tasks")
    assert "一份课时设计" in await lin.taps("教学设计")
    await lin.taps("Hand in")
    assert "your work is in" in await lin.says("第一稿")
    assert "handed in, being looked at" in lin.sees()

    await xu.starts(f"run{batch}")
    await xu.taps("Tasks")
    assert "第一稿" in await xu.taps("Review 1 piece")
    await xu.taps("Return")
    assert "Nothing is waiting" in await xu.says("请补充评价环节")
    await stage.deliver()
    assert "请补充评价环节" not in lin.sees()  # it can still be taken back
    await stage.passes(minutes=11)
    assert "请补充评价环节" in lin.sees()
    await lin.taps("Hand in again")
    assert "returned, please hand it in again" in lin.sees()
    await lin.taps("Hand in again")
    await lin.says("第二稿")

    await xu.starts(f"run{batch}")
    await xu.taps("Tasks")
    shown = await xu.taps("Review 1 piece")
    assert "Returned before with: 请补充评价环节" in shown
    assert "Accepted: 林若溪." in await xu.taps("Pass")
    assert (await work(stage)).state is WorkState.ACCEPTED
    await xu.taps("Undo")
    assert (await work(stage)).state is WorkState.SUBMITTED
    await xu.starts(f"run{batch}")
    await xu.taps("Tasks")
    await xu.taps("Review 1 piece")
    await xu.taps("Pass")
    await stage.passes(hours=8)
    assert "Your work was accepted" in lin.sees()
    await lin.starts(f"p{batch}")
    assert "accepted" in await lin.taps("Tasks")


async def test_a_due_date_after_the_end_is_refused_at_once_and_what_was_typed_stays(
    stage: Stage,
) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    await zhou.starts(f"run{batch}")
    await zhou.taps("Tasks")
    await zhou.taps("Set a task")
    said = await zhou.says("教学设计 2027年12月10日 17:00\n一份课时设计")
    assert "The class ends on" in said
    assert "By when is it due?" in said
    assert "The class ends on" in await zhou.says("2027年12月11日")
    assert "cannot be due before" in await zhou.says("11月1日")  # past: everybody would be late
    shown = await zhou.says("12月10日 17:00")
    assert "教学设计" in shown
    assert "一份课时设计" in shown
    await zhou.taps("as a text")
    await zhou.taps("passed or returned")
    await zhou.taps("Due date")
    assert "The class ends on" in await zhou.says("2027年12月11日")
    assert "一份课时设计" in await zhou.taps("Cancel")
    assert "一份课时设计" in await zhou.taps("Set this task")
    assert "The class ends on" in zhou.alert
    await zhou.taps("Rename")
    await zhou.says("单元教学设计")
    assert "The class ends on" in zhou.sees()
    await zhou.says("12月9日")
    assert "Handed in: 0" in await zhou.taps("Set this task")
    assert "单元教学设计" in zhou.sees()

    await zhou.taps("Due date")
    assert "The class ends on" in await zhou.says("2027年12月11日")
    assert "单元教学设计" in await zhou.says("12月8日")


async def test_the_reminder_comes_once_and_only_to_who_owes_it(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    shi = await in_class(stage, batch, "石晓岚")
    other = await stage.teacher("何平")
    await set_task(zhou, batch, "教学设计 12月10日 17:00")
    await lin.starts(f"p{batch}")
    await lin.taps("Tasks")
    await lin.taps("教学设计")
    await lin.taps("Hand in")
    await lin.says("一稿")
    await stage.passes(days=16)
    for _ in range(25):  # from Sunday 6 to Thursday 10 December
        await stage.passes(hours=4)

    def about(who: Actor) -> list[str]:
        return [m.text for m in who.messages() if "教学设计" in m.text and "due" in m.text]

    reminded = await stage.database.read(lambda s: s.exec(select(Reminder.teacher_id)).all())
    assert shi.teacher_id in reminded
    assert about(shi)
    assert len(about(shi)) == len(set(about(shi)))
    assert not [m for m in about(lin) if "Please hand it in" in m]
    assert not about(other)
    before = len(about(shi))
    await shi.taps("Hand in")
    await shi.taps("Hand in")
    await shi.says("石晓岚的一稿")
    await stage.passes(hours=6)
    assert len([m for m in shi.messages() if "Please hand it in" in m.text]) <= before


async def test_a_file_is_sent_on_to_who_reviews_and_scored_by_keypad(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    await set_task(zhou, batch, "课件 12月10日", "as a file", "with a score")
    await lin.starts(f"p{batch}")
    await lin.taps("Tasks")
    await lin.taps("课件")
    await lin.taps("Hand in")
    assert "as a file or a photo" in await lin.says("我发群里了")
    assert "your work is in" in await lin.sends_file("课件.pptx", b"PK-not-a-table")
    assert "课件.pptx" in lin.sees()
    xu = await a_tutor(stage, batch)
    await xu.starts(f"run{batch}")
    await xu.taps("Tasks")
    await xu.taps("Review 1 piece")
    assert xu.files() == [("课件.pptx", b"PK-not-a-table")]
    await xu.taps("Score")
    for digit in "955":
        await xu.taps(digit)
    await xu.taps("Give 955")
    assert "from 0 to 100" in xu.alert
    await xu.taps("⌫")
    await xu.taps("Give 95")
    done = await work(stage)
    assert (done.state, done.score) == (WorkState.ACCEPTED, 95)
    await lin.starts(f"p{batch}")
    assert "accepted: 95 of 100" in await lin.taps("Tasks")


async def test_a_photo_is_sent_on_as_a_photo(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    await set_task(zhou, batch, "板书 12月10日", "as a file")
    await lin.starts(f"p{batch}")
    await lin.taps("Tasks")
    await lin.taps("板书")
    await lin.taps("Hand in")
    stage.world.send_photo(lin.id, lin.id, PHOTO)
    await stage.settle()
    assert "a photo" in lin.sees()
    await zhou.starts(f"run{batch}")
    await zhou.taps("Tasks")
    await zhou.taps("Review 1 piece")
    assert any(message.photo for message in zhou.messages() if not message.mine)


async def test_work_on_paper_is_ticked_off(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    await set_task(zhou, batch, "听课笔记 12月10日", "on paper")
    await zhou.taps("Enter work on paper")
    await zhou.taps("林若溪")
    assert any(label.startswith("✓ 林若溪") for label in zhou.labels())
    await lin.starts(f"p{batch}")
    assert "accepted" in await lin.taps("Tasks")
    await lin.taps("听课笔记")
    assert "Hand in" not in lin.labels()
    await zhou.taps("林若溪")
    assert any(label.startswith("○ 林若溪") for label in zhou.labels())


async def test_a_task_is_changed_and_taken_away_by_its_organiser_alone(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    lin = await in_class(stage, batch, "林若溪")
    await set_task(zhou, batch, "12月10日 教学设计")
    await zhou.taps("Due date")
    assert "I could not find" in await zhou.says("学期末")
    assert "12 Dec" in await zhou.says("12月12日")
    assert "optional" in await zhou.taps("Make it optional")
    xu = await a_tutor(stage, batch)
    await xu.starts(f"run{batch}")
    await xu.taps("Tasks")
    assert "Set a task" not in xu.labels()
    task_id = (await stage.database.read(_first_task))[0]
    for who, data in (
        (xu, f"tka:{batch}"),
        (xu, f"tkx:{batch}:{task_id}:1"),
        (lin, f"tk:{batch}"),
        (lin, f"rv:{batch}:0"),
        (lin, f"rvp:{task_id}:0"),
        (lin, f"tkm:{batch}:{task_id}:1"),
    ):
        await who.says("/menu")
        alert = await who.sends_data(data)
        if data.startswith("tka"):
            alert = await who.says("偷设的任务 12月10日")
        assert "right to do this" in alert, data
    await zhou.taps("Remove")
    assert "No task has been set yet." in await zhou.taps("Remove")


def _first_task(session: Session) -> Any:
    return session.exec(select(Task.id)).all()


async def test_somebody_who_waits_sees_no_tasks(stage: Stage) -> None:
    zhou = await organiser(stage)
    batch = await a_class(stage, seats=1)
    await in_class(stage, batch, "林若溪")
    await set_task(zhou, batch, "教学设计 12月10日")
    shi = await stage.teacher("石晓岚")
    await shi.starts(f"p{batch}")
    await shi.taps("Join the waiting list")
    assert "Tasks" not in shi.labels()
    assert "no longer there" in await shi.sends_data(f"mk:{batch}")
    assert await stage.database.read(lambda s: s.exec(select(TaskSubmission)).all()) == []


async def test_a_tutor_is_told_that_their_own_work_waits_for_somebody_else(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage)
    xu = await a_tutor(stage, batch)
    await set_task(zhou, batch, "教学设计 12月10日 17:00")
    await xu.starts(f"p{batch}")
    await xu.taps("Register")
    await xu.starts(f"p{batch}")
    await xu.taps("Tasks")
    await xu.taps("教学设计")
    await xu.taps("Hand in")
    await xu.says("我的作业")
    await xu.starts(f"run{batch}")
    await xu.taps("Tasks")
    assert "1 of your own waits for a colleague" in await xu.taps("Review 1 piece")
    await zhou.starts(f"run{batch}")
    await zhou.taps("Tasks")
    assert "我的作业" in await zhou.taps("Review 1 piece")
