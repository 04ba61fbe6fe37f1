"""Notices, from the empty desk to the message that has left: the talk of whoever writes them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from sqlmodel import Session, col, select

from handlers.messaging.notice_desk_buttons import DiscardNotice
from storage.messaging import correcting, deadlines, filling, releasing
from storage.messaging.tables import Notice, NoticeRecipient, NoticeState
from storage.people import roles
from storage.people.tables import Role, RoleAssignment, ScopeKind
from tests import make
from tests.messaging.cast import local
from tests.stage import Actor, Stage
from tests.training.test_desk_talk import restarted
from tests.training.test_tasks_talk import PHOTO

TODAY = date(2026, 11, 20)
SCHOOL = "澄禾县实验小学"


async def coordinator(
    stage: Stage,
    name: str = "周明",
    *,
    at: str = SCHOOL,
    role: Role = Role.SCHOOL_COORDINATOR,
    **more: Any,
) -> Actor:
    return await stage.holder(name, role, at=at, **more)


async def notice(stage: Stage) -> Notice:
    def look(session: Session) -> Notice:
        found = session.exec(select(Notice).order_by(col(Notice.id).desc())).first()
        assert found is not None
        return found

    return await stage.database.read(look)


async def recipients(stage: Stage) -> list[NoticeRecipient]:
    def look(session: Session) -> list[NoticeRecipient]:
        return list(session.exec(select(NoticeRecipient).order_by(col(NoticeRecipient.id))).all())

    return await stage.database.read(look)


async def draft(who: Actor, text: str = "校本研修安排\n请各教研组周五前交计划。") -> str:
    await who.starts("desk")
    await who.taps("Notices")
    await who.taps("New notice")
    return await who.says(text)


async def test_one_message_is_enough_to_write_to_ones_school(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin, gu = await stage.teacher("林若溪"), await stage.teacher("顾念", at="第二小学")
    await zhou.starts("desk")
    assert "There is no notice yet." in await zhou.taps("Notices")
    assert "in one message" in await zhou.taps("New notice")
    card = await zhou.says("【通知】校本研修安排\n请各教研组周五前交计划。")
    assert "校本研修安排" in card
    assert "请各教研组周五前交计划。" in card
    assert "【通知】" not in card  # the notice says that by itself
    assert "1 person" in card
    card = await zhou.taps("Send")
    assert "rings 1 telephone" in card
    assert "16:40 it rides for free" in card
    assert "It rings 1 telephone now." in await zhou.taps("Send now")
    assert "to 1 person" in await zhou.taps("Yes, send it")
    await stage.deliver()
    said = lin.sees()
    assert "[Notice] 校本研修安排" in said
    assert "请各教研组周五前交计划。" in said
    assert "澄禾县实验小学, Fri 20 Nov 2026" in said
    assert lin.labels() == ["Confirm receipt", "Ask a question"]
    assert not gu.sees()
    assert (await notice(stage)).state is NoticeState.SENT
    await zhou.starts("desk")
    assert "sent" in await zhou.taps("Notices")


async def test_who_has_roles_in_several_units_says_in_whose_name_it_is(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    assert "In whose name" not in zhou.labels()

    def more(session: Session) -> None:
        assert zhou.teacher_id is not None
        second = make.school(session, "第二小学")
        role = Role.SCHOOL_COORDINATOR
        roles.appoint(session, zhou.teacher_id, role, second, today=TODAY, now=make.NOW)

    await stage.database.write(more)
    card = await draft(zhou)
    assert f"In the name of: {SCHOOL}" in card
    assert "which of your units" in await zhou.taps("In whose name")
    await zhou.taps("○ 第二小学")
    assert f"○ {SCHOOL}" in zhou.labels()
    assert "In the name of: 第二小学" in await zhou.taps("OK")
    before = await notice(stage)
    await zhou.sends_data(f"ntg:{before.id}:issuer:{await stage.database.read(make.county)}:0")
    assert (await notice(stage)).unit_id == before.unit_id
    author = zhou.teacher_id or 0
    await stage.database.write(releasing.release, author, before.id, "now", now=stage.clock())
    await stage.deliver()
    assert "第二小学, Fri 20 Nov" in lin.sees()


async def test_every_field_is_set_by_a_tap_in_any_order(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Place")
    assert "Where: 三楼报告厅" in await zhou.says("三楼报告厅")
    await zhou.taps("Date")
    assert "could not read a time" in await zhou.says("不知道")
    assert "When: Fri 4 Dec, 14:00–17:00" in await zhou.says("12月4日 14:00-17:00")
    await zhou.taps("Questions to")
    assert "Questions: 许文 2233" in await zhou.says("许文 2233")
    await zhou.taps("Document no.")
    assert "澄教〔2026〕7号" in await zhou.says("澄教〔2026〕7号")
    await zhou.taps("Confirm by")
    assert "is over" in await zhou.says("2026-11-19 17:00")
    assert "by Tue 1 Dec, 17:00" in await zhou.says("12月1日")
    await zhou.taps("Urgent")
    assert "✓ Urgent" in zhou.labels()
    await zhou.taps("Urgent")
    assert "Urgent" in zhou.labels()
    await zhou.taps("Headline")
    assert "<b>" not in await zhou.says("【通知】<新> 标题")
    await zhou.taps("Document no.")
    assert "澄教" not in await zhou.taps("Leave it out")
    await zhou.taps("Send…")
    await zhou.taps("Send now")
    await zhou.taps("Yes, send it")
    await stage.deliver()
    said = lin.sees()
    assert said.splitlines() == [
        "[Notice] <新> 标题",
        "For: 澄禾县实验小学",
        "请各教研组周五前交计划。",
        "When: Fri 4 Dec, 14:00–17:00",
        "Where: 三楼报告厅",
        "Please tap “Confirm receipt” by Tue 1 Dec, 17:00; no reply in the group is needed.",
        "Questions: 许文 2233",
        "澄禾县实验小学, Fri 20 Nov 2026",
    ]


async def test_it_can_begin_with_an_album_and_the_files_follow_the_message(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await zhou.starts("desk")
    await zhou.taps("Notices")
    await zhou.taps("New notice")
    stage.world.send_photo(zhou.id, zhou.id, PHOTO, caption="观摩课\n地点见图。")
    stage.world.send_document(zhou.id, zhou.id, b"%PDF-1.7", "方案.pdf")
    stage.world.send_document(zhou.id, zhou.id, b"%PDF-1.7 2", "表格.pdf")
    await stage.settle()
    assert "2. 方案.pdf" in zhou.sees()
    assert "1. photo" in zhou.sees()
    assert "表格" not in await zhou.taps("Take away 3.")
    card = await zhou.taps("OK")
    assert "2 files go with it." in card
    assert "地点见图。" in card
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    messages = lin.messages()
    assert "观摩课" in messages[0].text
    assert messages[1].photo is not None
    assert [name for name, _content in lin.files()] == ["方案.pdf"]
    answered = [message.reply_to for message in messages[1:]]
    assert [each and each["id"] for each in answered] == [messages[0].id] * 2
    # It can be confirmed below the files, too.
    assert lin.labels() == ["Confirm receipt", "Ask a question"]
    await lin.taps("Confirm receipt", message=messages[-1].id)
    assert "noted" in lin.alert
    assert lin.messages()[-1].buttons == []
    await stage.deliver()
    assert "✓ Confirmed" in lin.messages()[0].text


async def test_a_file_dropped_on_the_card_of_a_draft_goes_with_it(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await draft(zhou)
    card = await zhou.sends_file("方案.pdf", b"%PDF-1.7")
    assert "1 file goes with it." in card
    assert "Send…" in zhou.labels()
    assert "A program is not passed on." in await zhou.sends_file("Setup.EXE", b"MZ")
    assert "1 file goes with it." in zhou.sees()
    # Once it has gone out, a file is nothing of it any more.
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    assert "I do not know what to do" in await zhou.sends_file("另一份.pdf", b"%PDF-1.7 2")


async def test_a_text_among_the_files_is_not_read_by_everybody(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await draft(zhou)
    before = (await notice(stage)).text
    await zhou.taps("Files")
    await zhou.sends_file("方案.pdf", b"%PDF-1.7")
    assert "A program is not passed on." in await zhou.sends_file("安装.bat", b"echo")
    said = await zhou.says("好了")
    assert "this text was not taken" in said
    assert "1. 方案.pdf" in said
    assert (await notice(stage)).text == before
    assert "2. 表格.pdf" in await zhou.sends_file("表格.pdf", b"%PDF-1.7 2")


async def test_a_text_after_a_file_alone_is_the_notice(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await zhou.starts("desk")
    await zhou.taps("Notices")
    await zhou.taps("New notice")
    await zhou.sends_file("方案.pdf", b"%PDF-1.7")
    await zhou.says("观摩课\n地点见附件。")
    written = await notice(stage)
    assert (written.title, written.text) == ("观摩课", "地点见附件。")


async def test_what_is_written_under_a_photo_goes_with_it(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Files")
    stage.world.send_photo(zhou.id, zhou.id, PHOTO, caption="会场位置图")
    await stage.settle()
    assert "1. photo: 会场位置图" in zhou.sees()
    await zhou.taps("OK")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    assert lin.messages()[-1].photo is not None
    assert "会场位置图" in lin.messages()[-1].text


async def test_a_restart_in_the_middle_loses_nothing(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await draft(zhou)
    await zhou.taps("Place")
    async with restarted(stage):
        assert "Where: 二楼" in await zhou.says("二楼")
    async with restarted(stage):
        await zhou.starts("desk")
        assert "draft" in await zhou.taps("Notices")
        assert "Where: 二楼" in await zhou.taps("校本研修安排")


async def test_the_audience_is_built_by_taps_with_a_live_count(stage: Stage) -> None:
    luo = await coordinator(stage, "罗佳宁", at="教师发展中心", role=Role.COUNTY_COORDINATOR)
    await stage.teacher("林若溪")
    maths = await stage.teacher("石晓岚", subject="数学", at="第二小学")
    await stage.database.write(make.teacher, "顾念", subject="数学", at="第二小学")
    assert "3 people, 1 of them not reached" in await draft(luo)
    assert "3 people" in await luo.taps("For whom")
    await luo.taps("Subject")
    assert "2 people" in await luo.taps("mathematics")
    assert "✓ mathematics" in luo.labels()
    assert "2 people" in await luo.taps("OK")
    lost = await luo.taps("Not reached")
    assert "第二小学: 1 person" in lost
    assert "顾念" not in lost  # a name is for who tends the school
    assert "The names are shown to the coordinator of each school." in lost
    await luo.taps("Back")
    await luo.taps("Schools")
    card = await luo.taps("实验小学")
    assert "0 people" in card
    await luo.taps("OK")
    card = await luo.taps("OK")
    assert "For: 澄禾县实验小学 · mathematics" in card
    await luo.taps("Send…")
    assert "for nobody" in luo.alert
    await luo.taps("For whom")
    await luo.taps("Schools")
    await luo.taps("实验小学")
    await luo.taps("OK")
    await luo.taps("OK")
    for key in ("Send…", "Send now", "Yes, send it"):
        await luo.taps(key)
    await stage.deliver()
    assert "For: mathematics" in maths.sees()


async def test_a_school_among_many_is_found_by_a_part_of_its_name(stage: Stage) -> None:
    luo = await coordinator(stage, "罗佳宁", at="教师发展中心", role=Role.COUNTY_COORDINATOR)
    for number in range(12):
        await stage.database.write(make.school, f"第{number}中学")
    await stage.teacher("林若溪", at="青石小学")
    await draft(luo)
    await luo.taps("For whom")
    await luo.taps("Schools")
    await luo.taps("Find by name")
    await luo.says("没有这所")
    assert "There is nothing to choose here." in luo.sees()
    await luo.taps("Find by name")
    await luo.says("青石")
    assert "○ 青石小学" in luo.labels()
    assert "1 person" in await luo.taps("青石小学")
    assert "✓ 青石小学" in luo.labels()
    await luo.taps("OK")
    # What is chosen is in sight when the list is opened once more, on whatever page.
    await luo.taps("Schools")
    assert "✓ 青石小学" in luo.labels()
    await luo.taps("OK")
    assert "For: 青石小学" in await luo.taps("OK")


async def test_a_name_of_ones_own_people_is_said(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.database.write(make.teacher, "顾念")
    await draft(zhou)
    await zhou.taps("For whom")
    assert "顾念" in await zhou.taps("Not reached")


async def test_the_preview_is_what_readers_get_in_each_language(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou, "校本研修安排\n请带 <教案> & 笔。")
    seen = await zhou.taps("Preview")
    assert zhou.labels()[:2] == ["Confirm receipt", "Ask a question"]
    await zhou.taps("Confirm receipt")
    assert zhou.alert.startswith("This is a preview.")
    assert zhou.sees() == seen
    await zhou.taps("As in a group")
    assert "请带 <教案> & 笔。" in zhou.sees()
    assert {"As in private", "· As in a group"} < set(zhou.labels())
    await zhou.taps("繁體")
    await zhou.taps("As in private")
    await zhou.taps("English")
    assert zhou.sees() == seen
    await zhou.taps("Back")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    assert lin.sees() == seen


async def test_a_preview_says_stages_and_subjects_in_its_language_and_the_count_of_a_group(
    stage: Stage,
) -> None:
    luo = await coordinator(stage, "罗佳宁", at="教师发展中心", role=Role.COUNTY_COORDINATOR)
    for name in ("林若溪", "石晓岚", "顾念", "白雨桐", "丁广田"):
        await stage.teacher(name, subject="语文")
    await draft(luo)
    await luo.taps("For whom")
    await luo.taps("Subject")
    await luo.taps("Chinese")
    await luo.taps("OK")
    assert "For: Chinese" in await luo.taps("OK")
    assert "For: Chinese" in await luo.taps("Preview")
    assert "Confirmed:" not in luo.sees()
    assert "Confirmed: 0/5" in await luo.taps("As in a group")


async def test_what_rides_is_a_line_of_the_brief_with_a_key_to_read_it(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await stage.database.write(make.teacher, "顾念")
    await draft(zhou)
    await zhou.taps("Send…")
    assert "for most people at Fri 20 Nov, 16:40" in await zhou.taps("With the daily brief")
    said = await zhou.taps("Yes, send it")
    assert "with the daily brief to 1 person" in said
    assert "1 more is not reached by messages" in said
    await stage.deliver()
    assert not lin.sees()
    await zhou.starts("desk")
    assert "waits for the daily brief, Fri 20 Nov, 16:40" in await zhou.taps("Notices")
    shown = await zhou.taps("1. 校本研修安排")
    assert "澄禾县实验小学 · waits for the daily brief, Fri 20 Nov, 16:40" in shown
    await stage.passes(hours=7, minutes=41)
    assert "澄禾县实验小学 · sent" in await zhou.taps("Refresh")
    assert "[Notice] 校本研修安排, 澄禾县实验小学" in lin.sees()
    assert "请各教研组周五前交计划。" in await lin.taps("Read: 校本研修安排")
    assert "Confirm receipt" in lin.labels()
    gu = await stage.teacher("顾念", at="第二小学")
    await gu.starts()
    await gu.sends_data(f"ntrd:{(await notice(stage)).id}")
    assert "not among those whom this notice is for" in gu.sees()


async def test_in_quiet_hours_the_card_says_when_it_goes(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await stage.passes(hours=13)  # ten at night on a Friday
    await draft(zhou)
    assert "“Send now” means Mon 23 Nov, 08:00" in await zhou.taps("Send…")
    assert "it goes out Mon 23 Nov, 08:00" in await zhou.taps("Send now")
    assert "queued for Mon 23 Nov, 08:00" in await zhou.taps("Yes, send it")
    await stage.deliver()
    assert not lin.sees()
    assert "Will be sent: Mon 23 Nov, 08:00" in await zhou.taps("View")
    await stage.passes(hours=58, minutes=1)
    assert "校本研修安排" in lin.sees()


async def test_who_is_alone_with_an_emergency_is_told_the_ways_on(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await stage.passes(hours=13)
    await draft(zhou, "明早停训\n因大雪，明天的培训不举行。")
    await zhou.taps("Urgent")
    said = await zhou.taps("Send…")
    assert "there is nobody else who could. Not urgent, it goes out Mon 23 Nov, 08:00" in said
    assert zhou.labels() == ["Not urgent", "At a time", "Roles, deputies", "Back"]
    assert "Roles and deputies" in await zhou.taps("Roles, deputies")
    await zhou.starts(f"notice{(await notice(stage)).id}")
    await zhou.taps("Send…")
    assert "“Send now” means Mon 23 Nov, 08:00" in await zhou.taps("Not urgent")
    assert not (await notice(stage)).urgent
    await zhou.taps("Send now")
    assert "queued for Mon 23 Nov, 08:00" in await zhou.taps("Yes, send it")


async def test_what_was_just_sent_opens_its_report(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await draft(zhou)
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    # Before it has begun it can still be called back, and looked at again.
    await zhou.taps("View")
    assert {"Make it a draft", "Refresh"} <= set(zhou.labels())
    await stage.deliver()
    assert "1 recipient" in await zhou.taps("Refresh")
    assert {"Correct", "Withdraw"} <= set(zhou.labels())
    await zhou.starts(f"notice{(await notice(stage)).id}")
    await zhou.taps("How it stands")
    assert {"Correct", "Withdraw"} <= set(zhou.labels())


async def test_an_emergency_in_the_night_takes_two(stage: Stage) -> None:
    zhou = await coordinator(stage)
    shen = await coordinator(stage, "沈怀远", role=Role.PRINCIPAL)
    lin = await stage.teacher("林若溪")
    await stage.passes(hours=13)
    await draft(zhou, "明早停训\n因大雪，明天的培训不举行。")
    assert "Urgent: it goes before other messages" in await zhou.taps("Urgent")
    assert "[Urgent notice] 明早停训" in await zhou.taps("Preview")
    await zhou.taps("Back")
    assert "if a second person agrees" in await zhou.taps("Send…")
    assert "With the daily brief" not in zhou.labels()
    assert "沈怀远 will be asked" in await zhou.taps("Send now")
    assert "沈怀远 has been asked to agree" in await zhou.taps("Yes, send it")
    assert "Waits for the word of 沈怀远" in await zhou.taps("View")
    await stage.deliver()
    assert not lin.sees()
    asked = shen.sees()
    assert "周明 would like to send this now" in asked
    assert "因大雪" in asked
    # It is returned with a reason, put right and asked again; the old card is void.
    stale = shen.messages()[-1].button("Approve")["callback_data"]
    await shen.taps("Return")
    assert "gone back to its author" in await shen.says("请写明几点")
    await stage.deliver()
    assert "沈怀远 has returned it. 请写明几点" in zhou.sees()
    assert "Returned: 请写明几点" in await zhou.taps("View")
    await zhou.taps("Wording")
    await zhou.says("因大雪，明天9:00的培训不举行。")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.passes(seconds=5)
    await shen.sends_data(stale)
    assert "does not wait" in shen.alert
    await shen.starts("desk")
    assert "1 urgent notice to agree to" in shen.sees()
    await shen.taps("Notices (1)")
    await shen.taps("明早停训")
    await shen.taps("Approve")
    assert "Agreed" in shen.alert
    assert "Agreed" in shen.sees()
    await stage.deliver()
    assert "[Urgent notice] 明早停训" in lin.sees()
    assert "明天9:00的培训不举行" in lin.sees()
    assert any("沈怀远 has agreed" in message.text for message in zhou.messages())


async def test_a_class_teacher_writes_to_the_class_from_its_card(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch)
    lin, gu = await stage.teacher("林若溪"), await stage.teacher("顾念", at="第二小学")
    for who in (lin, gu):
        await who.starts(f"p{batch_id}")
        await who.taps("Register")
    xu = await stage.teacher("许文")

    def appoint(session: Session) -> None:
        assert xu.teacher_id is not None
        session.add(
            RoleAssignment(
                teacher_id=xu.teacher_id,
                role=Role.CLASS_TEACHER,
                scope_kind=ScopeKind.BATCH,
                scope_id=batch_id,
                since=TODAY,
            )
        )

    await stage.database.write(appoint)
    await xu.starts("desk")
    assert "from its own card" in await xu.taps("Notices")
    assert "New notice" not in xu.labels()
    await xu.starts(f"run{batch_id}")
    await xu.taps("Notices")
    await xu.taps("New notice")
    card = await xu.says("请带电脑\n明天上机。")
    assert "For: “作业设计专题培训”, who take part" in card
    assert "2 people" in card
    await xu.taps("For whom")
    assert "Class" not in xu.labels()
    await xu.taps("OK")
    for key in ("Send…", "Send now", "Yes, send it"):
        await xu.taps(key)
    await stage.deliver()
    assert "请带电脑" in lin.sees()
    assert "请带电脑" in gu.sees()


async def test_it_goes_with_an_event_and_moves_with_it(stage: Stage) -> None:
    luo = await coordinator(stage, "罗佳宁", at="教师发展中心", role=Role.COUNTY_COORDINATOR)
    lin = await stage.teacher("林若溪")
    batch_id = await stage.database.write(make.batch)

    def begins(session: Session, day: str) -> None:
        at = local(day, 9)
        deadlines.set_deadline(session, "batch_start", batch_id, at, now=stage.clock())

    await stage.database.write(begins, "2026-12-10")
    await draft(luo)
    await luo.taps("Send…")
    assert "the training begins: 作业设计专题培训" in await luo.taps("With an event")
    # The keys say which event, too: those of one class begin alike.
    asked = await luo.taps("1. the training begins")
    assert "the training begins: 作业设计专题培训\nThu 10 Dec, 09:00" in asked
    assert "2 working days before · Tue 8 Dec, 08:00" in asked
    assert "It goes out Tue 8 Dec, 08:00." in await luo.taps("2 working days before")
    await luo.taps("Yes, send it")
    await stage.database.write(begins, "2026-12-17")
    await stage.deliver()
    assert "Will be sent: Tue 15 Dec, 08:00" in await luo.taps("View")
    assert "With: the training begins: " in luo.sees()
    await stage.database.write(
        lambda session: deadlines.cancel_deadline(
            session, "batch_start", batch_id, now=stage.clock()
        )
    )
    await stage.deliver()
    assert "It is a draft again." in luo.sees()
    assert not lin.sees()


async def test_at_a_time(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Send…")
    await zhou.taps("At a time")
    assert "That moment is over." in await zhou.says("8:00")
    asked = await zhou.says("soon")
    assert "could not read a time" in asked
    assert "17:00" not in asked  # an example of one moment, not of a span
    asked = await zhou.says("1 Nov 9:00")  # nobody means next year's
    assert "Mon 1 Nov 2027 is almost a year ahead" in asked
    assert "It goes out Fri 20 Nov, 15:00." in await zhou.says("15:00")
    await zhou.taps("Yes, send it")
    await stage.passes(hours=5)
    assert not lin.sees()
    await stage.passes(hours=1, minutes=1)
    assert "校本研修安排" in lin.sees()


async def test_a_moment_in_quiet_hours_is_said_to_be_moved_and_what_that_makes_impossible(
    stage: Stage,
) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Confirm by")
    await zhou.says("22 Nov 17:00")
    await zhou.taps("Send…")
    await zhou.taps("At a time")
    asked = await zhou.says("23:00")
    assert "at night or on days off, so it goes out Mon 23 Nov, 08:00" in asked
    assert "The date to confirm by is over before" in asked
    assert "Yes, send it" not in zhou.labels()
    await zhou.taps("Confirm by")
    await zhou.says("24 Nov 17:00")
    await zhou.taps("Send…")
    await zhou.taps("At a time")
    await zhou.says("23:00")
    assert "It goes out" in await zhou.taps("Yes, send it")


async def test_what_waits_can_be_made_a_draft_again_and_deleted(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Send…")
    await zhou.taps("At a time")
    await zhou.says("15:00")
    await zhou.taps("Yes, send it")
    await zhou.taps("View")
    await zhou.taps("Make it a draft")
    assert "Delete this draft?" in await zhou.taps("Delete draft")
    assert "There is no notice yet." in await zhou.taps("Delete draft")
    await stage.passes(hours=8)
    assert await recipients(stage) == []


async def test_a_notice_that_has_gone_out_is_not_asked_to_be_deleted(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Send…")
    await zhou.taps("Send now")
    await zhou.taps("Yes, send it")
    notice_id = await stage.database.read(lambda session: session.exec(select(Notice.id)).one())
    shown = await zhou.sends_data(DiscardNotice(notice_id, 0).data)
    assert "Delete this draft?" not in shown


async def test_a_double_tap_sends_once(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Send…")
    await zhou.taps("Send now")
    await zhou.taps("Yes, send it")
    await zhou.sends_data(f"ntgo:{(await notice(stage)).id}:ride")
    await stage.deliver()
    await stage.passes(hours=30)
    assert [message.text for message in lin.messages() if "校本研修安排" in message.text] == [
        lin.messages()[0].text
    ]


async def test_a_stranger_with_a_doctored_client_gets_nowhere(stage: Stage) -> None:
    zhou = await coordinator(stage)
    wang = await coordinator(stage, "王敏", at="第二小学")
    await stage.teacher("林若溪")
    await draft(zhou)
    id_ = (await notice(stage)).id
    await wang.starts("desk")
    for data in (
        f"nte:{id_}",
        f"ntf:{id_}:title",
        f"ntf:{id_}:noplace",
        f"ntgo:{id_}:now",
        f"ntd:{id_}:1",
        f"ntp:{id_}:en:private",
        f"nto:{id_}:units:0",
        f"ntcp:{id_}",
        f"nt2:{id_}",
    ):
        await wang.sends_data(data)
        assert "do not have the right" in wang.alert, data
    await wang.sends_data(f"ntp:{id_}:xx:private")
    assert "no longer there" in wang.alert
    assert (await notice(stage)).state is NoticeState.DRAFT


async def test_who_joins_the_school_later_is_told_what_still_concerns_them(stage: Stage) -> None:
    zhou = await coordinator(stage)
    await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Confirm by")
    await zhou.says("12月1日")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    new = await stage.teacher("新老师")
    await stage.passes(hours=1)
    assert "校本研修安排" in new.sees()
    assert {line.teacher_id: line.late for line in await recipients(stage)}[new.teacher_id or 0]


async def test_who_gets_a_notice_after_its_date_reads_that_it_is_over(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin, gu = await stage.teacher("林若溪"), await stage.teacher("顾念")
    stage.world.block(lin.id)
    await draft(zhou)
    await zhou.taps("Date")
    await zhou.says("12月8日 14:00")
    await zhou.taps("Confirm by")
    await zhou.says("11月24日")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    assert "Please tap “Confirm receipt” by Tue 24 Nov, 17:00" in gu.sees()
    await stage.passes(days=5)
    stage.world.unblock(lin.id)
    await stage.settle()
    await stage.passes(hours=1)
    late = "It was to be confirmed by Tue 24 Nov, 17:00. Please tap “Confirm receipt” soon"
    assert late in lin.sees()
    await gu.says("/notices")
    assert late in await gu.taps("1. ")
    assert late not in await gu.taps("Confirm receipt")


async def test_a_tag_that_was_typed_is_text_and_no_command(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    typed = "<b>正文</b>\n/b 见 https://example.cn/b 语文/b （/hours）"
    await draft(zhou, f"<b>标题</b> /b\n{typed}")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    assert "<b>标题</" in lin.sees()
    # A path in an address, or after a word, is none; the rest reads as it was typed.
    assert re.findall(r"(?<![\w/])/[A-Za-z]\w*", lin.sees()) == []
    assert "https://example.cn/b 语文/b" in lin.sees()
    assert typed in lin.sees().replace("\N{WORD JOINER}", "")


async def test_a_long_notice_fits_one_message_in_every_language(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪", language="zh-hans")
    await draft(zhou, "标题\n" + "<字&" * 1_000)
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()
    assert "<字&" * 1_000 in lin.sees()
    await zhou.starts("desk")
    await zhou.taps("Notices")
    await zhou.taps("New notice")
    assert "room for 3000 characters" in await zhou.says("标题\n" + "字" * 3_500)


async def _with_a_file(stage: Stage) -> Actor:
    """A notice with a file is on its way to the one who gets it."""
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Files")
    await zhou.sends_file("方案.pdf", b"%PDF-1.7")
    await zhou.taps("OK")
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    return lin


async def test_a_file_that_fails_for_a_moment_is_sent_again_and_the_message_is_not(
    stage: Stage,
) -> None:
    lin = await _with_a_file(stage)
    stage.world.faults.add(method="sendDocument", status=502)
    await stage.deliver()
    assert [name for name, _content in lin.files()] == ["方案.pdf"]
    assert len(lin.messages()) == 2


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_the_keys_under_the_last_file_go_when_it_is_settled_elsewhere(
    stage: Stage, withdrawn: bool
) -> None:
    lin = await _with_a_file(stage)
    await stage.deliver()
    text, file = lin.messages()
    assert file.buttons
    row = await notice(stage)
    if withdrawn:
        await stage.database.write(
            correcting.withdraw, row.author_id, row.id, "改期", now=stage.clock()
        )
    else:
        await lin.taps("Confirm receipt", message=text.id)
    await stage.deliver()
    await stage.passes(minutes=1)
    text, file = lin.messages()
    assert ("[Withdrawn]" if withdrawn else "✓ Confirmed") in text.text
    assert file.buttons == []
    assert file.document


async def test_a_file_that_cannot_be_sent_is_left_behind(stage: Stage) -> None:
    lin = await _with_a_file(stage)
    stage.world.faults.add(method="sendDocument", status=400, times=None)
    await stage.deliver()
    await stage.passes(minutes=30)
    assert len(lin.messages()) == 1
    assert "校本研修安排" in lin.sees()


async def test_who_has_confirmed_in_the_group_meanwhile_is_not_rung(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin, gu = await stage.teacher("林若溪"), await stage.teacher("顾念")
    await draft(zhou)
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.database.write(filling.fill, now=stage.clock())

    def confirmed(session: Session) -> None:
        line = session.exec(
            select(NoticeRecipient).where(NoticeRecipient.teacher_id == lin.teacher_id)
        ).one()
        line.confirmed_at = stage.clock()

    await stage.database.write(confirmed)
    await stage.deliver()
    assert not lin.sees()
    assert "校本研修安排" in gu.sees()


async def test_one_whose_author_lost_the_right_is_stopped_and_the_county_may_look(
    stage: Stage,
) -> None:
    zhou = await coordinator(stage)
    luo = await coordinator(stage, "罗佳宁", at="教师发展中心", role=Role.COUNTY_COORDINATOR)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    await zhou.taps("Send…")
    await zhou.taps("At a time")
    await zhou.says("15:00")
    await zhou.taps("Yes, send it")

    def dismiss(session: Session) -> None:
        row = session.exec(
            select(RoleAssignment).where(RoleAssignment.teacher_id == zhou.teacher_id)
        ).one()
        row.since = row.until = date(2026, 9, 1)

    await stage.database.write(dismiss)
    await stage.passes(hours=7)
    assert not lin.sees()
    assert "was stopped: 周明 has no right" in luo.sees()
    assert "校本研修安排" in await luo.taps("View")


async def test_what_goes_out_once_more_has_the_words_of_its_revision(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin = await stage.teacher("林若溪")
    await draft(zhou)
    for key in ("Send…", "Send now", "Yes, send it"):
        await zhou.taps(key)
    await stage.deliver()

    def correct(session: Session) -> None:
        row = session.exec(select(Notice)).one()
        row.text, row.revision, row.ring_revision = "改为周四前交。", 1, 1
        session.flush()
        filling.again(session, row.id)

    await stage.database.write(correct)
    await stage.deliver()
    assert "改为周四前交。" in lin.sees()
    assert "周五" not in lin.sees()
