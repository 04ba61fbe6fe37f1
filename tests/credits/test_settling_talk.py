"""Results, completion, hours, claims and appeals, as the people at the phones see them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import sheets
from storage.credits import ledger
from storage.credits.ledger import NewEntry
from storage.credits.tables import CreditEntry, EntryState
from storage.people.tables import Role
from storage.training.tables import Level, ModuleKind, Registration, RegistrationState
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training import classes


async def organiser(stage: Stage) -> Actor:
    return await stage.holder("高培训", Role.COUNTY_COORDINATOR, at="教师发展中心")


async def coordinator(stage: Stage) -> Actor:
    return await stage.holder("罗佳宁", Role.SCHOOL_COORDINATOR)


async def a_class(stage: Stage, *people: Actor, **programme: Any) -> int:
    """A class of 6 hours, 2 of them ethics, that is over and in which these took part."""

    def prepare(session: Session) -> int:
        batch_id = classes.over(
            session,
            "作业设计",
            programme={"planned_hours": Decimal(6), "certificate": "结业证书"} | programme,
        )
        classes.module(session, batch_id, "2", ModuleKind.ETHICS)
        for person in people:
            assert person.teacher_id is not None
            classes.joins(session, batch_id, person.teacher_id)
        return batch_id

    return await stage.database.write(prepare)


def posted(session: Session) -> list[Decimal]:
    rows = session.exec(
        select(col(CreditEntry.hours))
        .where(CreditEntry.state == EntryState.POSTED)
        .order_by(col(CreditEntry.id))
    )
    return list(rows)


async def test_from_the_keypad_to_the_hours_in_the_teachers_hands(stage: Stage) -> None:
    lin = await stage.teacher("林若溪", staff_no="T1")
    wei = await stage.teacher("韦红", staff_no="T2")
    gao = await organiser(stage)
    batch_id = await a_class(stage, lin, wei)
    await gao.starts(f"run{batch_id}")
    assert "Participants: 2, with a result: 0." in await gao.taps("Results")
    shown = await gao.taps("One by one")
    assert "林若溪" in shown
    assert "(1 of 2)" in shown
    await gao.taps("9")
    assert "Mark: 92" in await gao.taps("2")
    assert "韦红" in await gao.taps("✓")
    assert "Entered for 林若溪: 92, excellent." in gao.sees()
    for slip in ("101", "1e1"):
        shown = await gao.says(slip)
        assert "韦红" in shown
        assert "Please give a mark from 0 to 100" in shown
        assert {"Excellent", "✓", "Back"} <= set(gao.labels())
    shown = await gao.says("58")
    assert "Entered for 韦红: 58, not qualified." in shown
    assert "Participants: 2, with a result: 2." in shown
    assert "Excellent: 1" in gao.sees()
    assert "Not qualified: 1" in gao.sees()

    shown = await gao.taps("Completion")
    assert "Complete: 1" in shown
    assert "Do not complete, make-up possible: 1" in shown
    assert "certificate number" in await gao.taps("Confirm for 2")
    assert "Completed: 1, Not completed: 1" in await gao.taps("Confirm")
    await gao.starts(f"run{batch_id}")
    shown = await gao.taps("Hours")
    assert "Ethics and conduct, 2026-2027: 1 person, 2 hours in all" in shown
    assert "Teaching skills, 2026-2027: 1 person, 4 hours in all" in shown
    assert "林若溪" in await gao.taps("Who gets what")
    await gao.taps("Back")
    assert "6 hours posted for 1 person" in await gao.taps("Post")
    assert sorted(await stage.database.read(posted)) == [Decimal(2), Decimal(4)]

    await stage.passes(hours=8)
    brief = lin.sees()
    assert brief.count("6 hours") == 1
    assert "+6 hours: 作业设计" in brief
    assert "Together this year: 6 of 72 hours" in brief
    assert "not completed: not passed. A make-up is possible." in wei.sees()
    card = await lin.starts(f"p{batch_id}")
    assert "Your result: 92, excellent" in card
    assert "Your certificate: CH-2026-0001" in card
    assert "You completed it." in await lin.taps("Why?")


async def test_who_confirms_completion_confirms_what_they_were_shown(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    gao = await organiser(stage)
    batch_id = await a_class(stage, lin)

    def task_is_set(session: Session) -> None:
        classes.task(session, batch_id)

    await gao.starts(f"run{batch_id}")
    await gao.taps("Results")
    await gao.taps("One by one")
    await gao.taps("9")
    await gao.taps("2")
    await gao.taps("✓")
    await gao.taps("Completion")
    await gao.taps("Confirm for 1")
    await stage.database.write(task_is_set)
    shown = await gao.taps("Confirm")
    assert "something has changed; nobody has been decided" in shown
    assert "Do not complete, make-up possible: 1" in shown
    assert "Not completed: 1" in await gao.taps("Confirm")


async def test_a_posting_is_undone_by_one_tap_and_nobody_is_told(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    gao = await organiser(stage)
    batch_id = await a_class(stage, lin)

    def complete(session: Session) -> None:
        session.exec(select(Registration)).one().state = RegistrationState.COMPLETED

    await stage.database.write(complete)
    await gao.starts(f"run{batch_id}")
    await gao.taps("Hours")
    await gao.taps("Post")
    await gao.taps("Undo")
    assert "Everything is as it was" in gao.alert
    assert await stage.database.read(posted) == []
    before = len(lin.messages())
    await stage.passes(hours=8)
    assert len(lin.messages()) == before


async def test_a_table_of_marks_is_seen_entered_and_sent_back_with_its_problems(
    stage: Stage,
) -> None:
    lin = await stage.teacher("林若溪", staff_no="CH060012")
    wei = await stage.teacher("韦红", staff_no="CH060013")
    gao = await organiser(stage)
    batch_id = await a_class(stage, lin, wei)
    rows: list[list[Any]] = [
        ["工号", "姓名", "成绩"],
        ["CH060012", "林若溪", 88],
        ["CH060013", "韦红", "还行"],
        ["CH999999", "某人", 70],
    ]
    shown = await gao.sends_file("成绩.xlsx", sheets.write([("成绩", rows)]))
    assert "which class are they of?" in shown
    shown = await gao.taps("作业设计")
    assert "3 rows; 1 understood; 1 unknown person; 1 not understood" in shown
    assert "Row 3: neither a mark from 0 to 100 nor a grade. 还行" in shown
    await gao.taps("The table with problems")
    name, content = gao.files()[-1]
    assert name == "成绩 with problems.xlsx"
    back = sheets.read(content, name).sheets[0].rows
    assert back[0][-1] == "Problem"
    assert back[3] == ("CH999999", "某人", "70", "nobody of this class.")
    await gao.taps("Enter 1")
    assert "Undo" in gao.labels()
    await gao.taps("Results")
    assert "Table to fill in" in gao.labels()

    # The same file again, this time asked for: it would change nothing.
    await gao.taps("By table")
    shown = await gao.sends_file("成绩.xlsx", sheets.write([("成绩", rows)]))
    assert "nothing would change" in shown
    assert not any(label.startswith("Enter") for label in gao.labels())
    await gao.taps("Cancel")
    await gao.taps("Table to fill in")
    name, content = gao.files()[-1]
    assert sheets.read(content, name).sheets[0].rows[1][:2] == ("CH060012", "林若溪")
    await gao.starts(f"run{batch_id}")


async def test_a_decision_by_hand_a_make_up_and_a_revocation(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    gao = await organiser(stage)
    batch_id = await a_class(stage, lin)
    await gao.starts(f"run{batch_id}")
    await gao.taps("Results")
    await gao.taps("Completion")
    await gao.taps("Not enough data")
    await gao.taps("林若溪")
    await gao.taps("Not completed")
    assert "Not completed: 1" in await gao.says("缺课")
    await gao.taps("Completion")
    await gao.taps("Not completed")
    await gao.taps("林若溪")
    await gao.taps("Allow a make-up")
    assert "Taking part: 1" in await gao.taps("Until Fri 27 Nov")
    assert "made good until Fri 27 Nov" in await lin.starts(f"p{batch_id}")
    await gao.taps("Completion")
    await gao.taps("Make-up under way")
    await gao.taps("林若溪")
    await gao.taps("Completed")
    assert "Completed: 1" in await gao.says("已补学")
    await gao.taps("Completion")
    await gao.taps("Completed")
    await gao.taps("林若溪")
    await gao.taps("Revoke completion")
    assert "Certificate CH-2026-0001, revoked" in await gao.says("登记有误")
    await lin.starts(f"p{batch_id}")
    assert "The completion was revoked: 登记有误" in await lin.taps("Why?")


async def test_the_share_of_excellent_ones_is_set_by_keys(stage: Stage) -> None:
    people = [await stage.teacher(f"学员{n}") for n in range(4)]
    gao = await organiser(stage)
    batch_id = await a_class(stage, *people)
    await gao.starts(f"run{batch_id}")
    await gao.taps("Results")
    await gao.taps("One by one")
    for mark in ("95", "90", "86", "70"):
        await gao.says(mark)
    assert "Excellent: 3" in gao.sees()
    await gao.taps("Marks and share")
    assert "At most 30 %" in await gao.taps("30 %")
    shown = await gao.taps("Save")
    assert "Excellent: 1" in shown
    assert "at most 1 may be excellent" in shown


async def test_a_school_confirms_its_own_hours_in_one_tap(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    luo = await coordinator(stage)
    gao = await organiser(stage)
    batch_id = await a_class(stage, lin, level=Level.SCHOOL)

    def complete(session: Session) -> None:
        session.exec(select(Registration)).one().state = RegistrationState.COMPLETED

    await stage.database.write(complete)
    await gao.starts(f"run{batch_id}")
    assert "once the school has confirmed" in await gao.taps("Hours")
    assert "wait for the school's word" in await gao.taps("Post")
    await luo.says("/desk")
    assert "作业设计: 1 person, 6 hours in all" in await luo.taps("Confirm hours")
    assert "林若溪" in str((await luo.taps("Look 1"), luo.labels()))
    assert "6 hours confirmed for 1 person" in await luo.taps("Confirm all")
    assert "Nothing waits for you" in await luo.taps("Back")
    assert sorted(await stage.database.read(posted)) == [Decimal(2), Decimal(4)]


async def test_a_claim_from_the_teacher_to_the_county_and_into_the_hours(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    luo = await coordinator(stage)
    gao = await organiser(stage)
    await lin.says("/hours")
    await lin.taps("Claim hours")
    await lin.taps("Claim hours")
    assert "at most 120 characters" in await lin.says("😀" * 300)
    await lin.says("阅读教学工作坊")
    await lin.says("某师范大学")
    assert "cannot read this as a day" in await lin.says("上周")
    await lin.says("/menu")  # something else comes between, and nothing is lost
    await lin.says("/hours")
    await lin.taps("Claim hours")
    assert "On which day" in await lin.taps("Claim hours")
    await lin.says("2026年10月17日")
    await lin.says("6.5")
    await lin.taps("Provincial")
    await lin.taps("Teaching skills")
    assert "send the evidence" in await lin.says("没有")
    assert "not taken" in await lin.sends_file("证明.exe", b"MZ")
    shown = await lin.sends_file("证书.pdf", b"%PDF-1.4")
    assert "Evidence: 证书.pdf" in shown
    shown = await lin.taps("Hand in")
    assert "handed in, with the school" in shown

    await luo.says("/desk")
    shown = await luo.taps("Claims")
    assert "林若溪" in shown
    assert luo.files()[-1][0] == "证书.pdf"
    await luo.taps("Return it")
    assert "No claim waits" in await luo.says("请补充课时")
    assert luo.files() == []  # the evidence does not stay behind
    await stage.passes(hours=8)
    assert "returned to be corrected. 请补充课时" in lin.sees()
    await lin.starts("claims")
    await lin.taps("阅读教学")
    await lin.taps("Correct it")
    await lin.taps("Hours")
    await lin.says("6")
    await lin.taps("Hand in")
    await luo.says("/desk")
    await luo.taps("Claims")
    await luo.taps("Confirm")
    assert "county decides" in luo.alert

    await gao.says("/desk")
    assert "6 hours" in await gao.taps("Claims")
    await gao.taps("Level")
    assert "To be posted as: 6 hours, City" in await gao.taps("City")
    await gao.taps("Hours")
    assert "To be posted as: 5 hours, City" in await gao.says("5")
    await gao.says("/desk")
    assert "To be posted as: 5 hours, City" in await gao.taps("Claims"), "it is kept"
    shown = await gao.taps("Approve")
    assert "Grant this claim?" in shown
    assert "To be posted as: 5 hours, City" in shown
    assert "Asked for: 6 hours" in shown
    assert await stage.database.read(posted) == []
    await gao.taps("Confirm")
    assert await stage.database.read(posted) == [Decimal(5)]
    assert "No claim waits" in gao.sees()
    await gao.taps("Undo the last one")
    assert await stage.database.read(posted) == []
    await gao.taps("Claims")
    await gao.taps("Hours")
    await gao.says("6")
    await gao.taps("Approve")
    await gao.taps("Confirm")
    assert await stage.database.read(posted) == [Decimal(6)]
    await lin.says("/hours")
    assert "阅读教学工作坊" in await lin.taps("Details")


async def test_an_appeal_is_opened_seen_by_the_school_and_answered(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    luo = await coordinator(stage)
    gao = await organiser(stage)

    def enter(session: Session) -> None:
        line = NewEntry(
            lin.teacher_id or 0,
            date(2026, 10, 17),
            "county",
            "post_skill",
            Decimal(6),
            "作业设计",
            "activity",
            7,
        )
        ledger.post(session, line, actor_id=None, now=NOW)

    await stage.database.write(enter)
    await lin.says("/hours")
    await lin.taps("Details")
    await lin.taps("Something is wrong")
    assert "what is wrong?" in await lin.taps("1")
    shown = await lin.says("应为8学时")
    assert "To be answered by Fri 4 Dec." in shown
    await lin.taps("Add evidence")
    assert "under review" in await lin.sends_file("签到.jpg.pdf", b"%PDF")
    await luo.says("/desk")
    shown = await luo.taps("Appeals")
    assert "Appeal: 应为8学时" in shown
    await luo.taps("The school's view")
    await luo.says("签到完整，应为8学时")
    await gao.says("/desk")
    assert "School: 签到完整" in await gao.taps("Appeals")
    await gao.taps("Put it right")
    assert "8 hours instead of 6 hours?" in await gao.says("8")
    await gao.taps("Yes")
    assert "No appeal waits" in gao.sees()
    assert await stage.database.read(posted) == [Decimal(8)]
    await stage.passes(hours=8)
    assert "was accepted and the entry put right" in lin.sees()


async def test_hours_that_are_missing_are_asked_for_and_posted(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    gao = await organiser(stage)
    await lin.starts("appeals")
    await lin.taps("Something is wrong")
    await lin.taps("Hours are missing")
    await lin.says("10月教研活动4学时未登记")
    await stage.passes(days=17)
    await gao.says("/desk")
    shown = await gao.taps("Appeals")
    assert "it is overdue" in shown
    await gao.taps("Post hours")
    await gao.says("4")
    await gao.taps("County")
    assert "Post 4 hours for 林若溪 (County, Teaching research)?" in await gao.taps(
        "Teaching research"
    )
    await gao.taps("Yes")
    assert await stage.database.read(posted) == [Decimal(4)]


@pytest.mark.parametrize(
    "data",
    [
        "res:{batch}",
        "resl:{batch}:0",
        "resk:{batch}:0:",
        "resb:{batch}",
        "cpl:{batch}",
        "cplc:{batch}:1:0",
        "cplm:{batch}:0:7",
        "hp:{batch}",
        "hpp:{batch}",
        "hpl:{batch}:0",
    ],
)
async def test_forged_taps_of_a_teacher_do_nothing(stage: Stage, data: str) -> None:
    lin = await stage.teacher("林若溪")
    batch_id = await a_class(stage, lin)
    await lin.says("/menu")
    assert "right to do this" in await lin.sends_data(data.format(batch=batch_id))
    assert await stage.database.read(posted) == []
