"""What is said about a notice that has left: confirming, asking, answering, in private and not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

import bot.pacer
from storage.messaging import deadlines, groups, questions
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    NoticeFile,
    NoticePost,
    Question,
    QuestionLine,
)
from tests import make
from tests.messaging import notices
from tests.stage import Actor, Stage


@pytest.fixture(autouse=True)
def without_pacing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.pacer, "GROUP_EVERY", 0.0)
    monkeypatch.setattr(bot.pacer, "CHAT_EVERY", 0.0)


def of(who: Actor) -> int:
    """The teacher's id."""
    assert who.teacher_id is not None
    return who.teacher_id


class Play:
    """A school with a coordinator who has sent a notice to some teachers, and a group."""

    def __init__(self, stage: Stage, author: Actor, people: list[Actor], group: int) -> None:
        self.stage = stage
        self.author = author
        self.people = people
        self.group = group
        self.chat_id = 0
        self.notice_id = 0

    async def sends(self, **differs: Any) -> int:
        self.notice_id = await self.stage.database.write(
            notices.notice,
            of(self.author),
            [of(one) for one in self.people],
            chats=[self.chat_id],
            **differs,
        )
        await self.stage.passes(seconds=30)
        await self.stage.passes(seconds=30)
        return self.notice_id

    async def has_it(self, who: Actor) -> Any:
        """Let the notice be a message in this person's chat; its number."""
        sent = await self.stage.office.application.bot.send_message(who.id, "the notice")
        await self.stage.database.write(
            notices.is_message, self.notice_id, of(who), sent.message_id
        )
        return sent.message_id


@pytest.fixture
async def play(stage: Stage) -> Play:
    author = await stage.teacher("罗佳宁")
    people = [await stage.teacher(name) for name in ("林若溪", "顾念", "陆沉", "程知远", "苏棠")]
    await stage.database.write(notices.appoint, of(author))
    group = stage.world.add_group("全体教师", members=[author.id, *(one.id for one in people)])
    made = Play(stage, author, people, group.id)
    chat = await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    made.chat_id = chat.id
    return made


async def test_one_tap_in_the_group_confirms_and_the_group_sees_a_number(play: Play) -> None:
    lin, gu, *_ = play.people
    await play.sends()
    card = lin.sees(at=play.group)
    assert "[Notice] 关于报送研修计划的通知" in card
    assert "Where: 三楼报告厅" in card
    assert "Confirmed: 0/5" in card
    await lin.taps("Confirm", at=play.group)
    assert "has been noted" in lin.alert
    await lin.taps("Confirm", at=play.group)
    assert "already" in lin.alert
    await gu.taps("Confirm", at=play.group)
    await play.stage.passes(seconds=70)
    card = lin.sees(at=play.group)
    assert "Confirmed: 2/5" in card
    assert len([m for m in lin.messages(at=play.group) if m.text]) == 1
    assert not any(who.name in card for who in (*play.people, play.author))


async def test_the_count_is_edited_at_most_every_minute(play: Play) -> None:
    await play.sends()
    edits = 0
    for who in play.people:
        await who.taps("Confirm", at=play.group)
        before = play.people[0].sees(at=play.group)
        await play.stage.passes(seconds=10)
        edits += before != play.people[0].sees(at=play.group)
    assert edits <= 1
    await play.stage.passes(seconds=60)
    assert "Confirmed: 5/5" in play.people[0].sees(at=play.group)


async def test_a_small_circle_is_not_counted_in_a_group(play: Play) -> None:
    play.people.pop()
    await play.sends()
    assert "Confirmed" not in play.people[0].sees(at=play.group)


async def test_a_stranger_gets_a_kind_word_and_an_unlinked_one_the_way(play: Play) -> None:
    await play.sends()
    stranger = await play.stage.teacher("方觉")
    newcomer = play.stage.newcomer("白露")
    for who in (stranger, newcomer):
        play.stage.world.join(who.id, play.group)
    await play.stage.settle()
    await stranger.taps("Confirm", at=play.group)
    assert "not among those whom this notice is for" in stranger.alert
    await newcomer.taps("Confirm", at=play.group)
    assert newcomer.opened.endswith(f"start=n{play.notice_id}")


async def test_the_notice_itself_says_that_it_is_confirmed(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    await lin.says("/notices")
    assert "1 is still to be confirmed" in lin.sees()
    await lin.taps("关于报送")
    assert "Please tap “Confirm receipt”" in lin.sees()
    await lin.taps("Confirm")
    assert "✓ Confirmed: Fri 20 Nov" in lin.sees()
    assert "Confirm receipt" not in lin.labels()
    await lin.taps("Notices to me")
    assert "still to be confirmed" not in lin.sees()


async def test_who_confirms_after_the_date_is_thanked_and_it_is_said(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    await play.stage.passes(days=6)
    await lin.says("/notices")
    await lin.taps("关于报送")
    await lin.taps("Confirm")
    assert "It came after the date" in lin.alert
    assert "✓ Confirmed after the date: Thu 26 Nov" in lin.sees()


async def test_what_is_not_confirmed_in_time_waits_on_the_desk_and_is_asked_for_again(
    play: Play,
) -> None:
    lin, gu, *others = play.people
    await play.sends()
    for who in others:
        await who.taps("Confirm", at=play.group)
    await play.stage.passes(days=5)
    await play.stage.passes(hours=1)  # Wednesday 10:00
    await play.author.starts("desk")
    assert "1 notice not confirmed in time" in play.author.sees()
    await play.author.taps("Not confirmed in time")
    assert "2 have not confirmed, due Wed 25 Nov" in play.author.sees()
    await play.author.taps("1. 关于报送")
    assert "Confirmed: 3/5" in play.author.sees()
    await play.stage.passes(days=1, hours=6, minutes=45)  # the brief of Thursday
    assert "was to be confirmed by Wed 25 Nov" in lin.sees()
    await gu.starts(f"n{play.notice_id}")
    await gu.taps("Confirm")
    await play.author.starts("desk")
    assert "1 notice not confirmed in time" in play.author.sees()
    await play.stage.passes(days=12)  # the school's list of the second week after it
    said = [m.text for m in play.author.messages() if m.text.startswith("[Daily list]")]
    assert any("关于报送研修计划的通知: 1 has not confirmed, was due" in text for text in said)
    await lin.starts(f"n{play.notice_id}")
    await lin.taps("Confirm")
    await play.author.starts("desk")
    assert "in time" not in play.author.sees()
    assert not any("in time" in label for label in play.author.labels())


async def test_what_is_overdue_can_be_put_off_to_the_next_brief(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    await play.stage.passes(days=6, hours=7, minutes=45)  # the brief of Thursday, a day after it
    assert "was to be confirmed by Wed 25 Nov" in lin.sees()
    await lin.taps("Remind me later")
    assert "I will remind you again: Fri 27 Nov, 16:40" in lin.alert
    before = len(lin.messages())
    await play.stage.passes(days=1)
    assert len(lin.messages()) > before
    assert "was to be confirmed by Wed 25 Nov" in lin.sees()


async def test_a_group_reads_that_files_go_with_a_notice(play: Play) -> None:
    await play.sends()

    def attach(session: Session) -> None:
        for name in ("方案.pdf", "表格.pdf"):
            session.add(NoticeFile(notice_id=play.notice_id, file_id=name, name=name))

    await play.stage.database.write(attach)
    await play.people[0].taps("Confirm", at=play.group)
    await play.stage.passes(seconds=70)
    assert "2 files go with it, in private." in play.people[0].sees(at=play.group)


async def test_who_has_confirmed_another_time_confirms_the_new_one_with_one_tap(
    play: Play,
) -> None:
    lin, gu, *_ = play.people
    await play.sends()
    await lin.taps("Confirm", at=play.group)
    author = play.author
    await author.starts(f"nr{play.notice_id}")
    await author.taps("Correct")
    await author.taps("time")
    assert "1 person has confirmed and is asked to confirm once more." in await author.says(
        "2026-12-09 14:30"
    )
    card = await author.taps("Yes, correct it")
    assert "corrected" in card
    assert "Confirmed: 0/5\n1 confirmed before the correction, and is asked once more." in card
    await play.stage.deliver()
    said = lin.sees()
    assert "[Correction]" in said
    assert said.endswith("Your confirmation was of what it said before. Please confirm it anew.")
    assert "anew" not in gu.sees()
    await lin.taps("Confirm receipt")
    assert "noted" in lin.alert
    assert lin.sees().endswith("Please go by this message.\n✓ Confirmed")
    assert lin.labels() == ["The notice"]
    await lin.taps("The notice")
    assert lin.sees().startswith("[Notice, corrected] 关于报送研修计划的通知")
    assert "✓ Confirmed: Fri 20 Nov" in lin.sees()
    await lin.says("/notices")
    assert "· corrected" in lin.sees()
    await author.starts("desk")
    assert "sent · corrected" in await author.taps("Notices")


async def test_the_private_copy_is_edited_when_the_group_was_tapped(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    message_id = await play.has_it(lin)
    await lin.taps("Confirm", at=play.group)
    await play.stage.deliver()
    texts = [m.text for m in lin.messages() if m.id == message_id]
    assert "✓ Confirmed" in texts[0]


async def test_what_is_confirmed_in_a_reminder_by_itself_is_struck_there(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    await play.stage.passes(days=4)
    await play.stage.passes(minutes=5)
    assert lin.sees().startswith("[Reminder]\n关于报送研修计划的通知 is still to be confirmed.")
    rings = len(lin.messages())
    await lin.taps("Confirm receipt")
    assert "has been noted" in lin.alert
    assert lin.sees().startswith("[Reminder]\n✓ 关于报送研修计划的通知 is confirmed.")
    assert "Confirm receipt" not in lin.labels()
    assert len(lin.messages()) == rings


async def test_what_is_confirmed_in_a_brief_is_struck_there(play: Play) -> None:
    lin, *_ = play.people
    until = make.NOW + timedelta(days=5)
    notice_id = await play.sends(answer_by=until)
    await play.stage.database.write(
        deadlines.set_deadline, "ack_due", notice_id, until, now=make.NOW, preset="T-2"
    )
    await play.stage.passes(days=3, hours=7, minutes=45)
    assert lin.sees().startswith("[Reminder] Your day")
    rings = len(lin.messages())
    await lin.taps("Confirm receipt")
    assert "✓ 关于报送研修计划的通知 is confirmed." in lin.sees()
    assert "still to be confirmed" not in lin.sees()
    assert len(lin.messages()) == rings


async def test_what_is_confirmed_anywhere_is_confirmed_in_every_copy(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    message_id = await play.has_it(lin)
    await lin.taps("Confirm", at=play.group)
    author = play.author
    await author.starts(f"nr{play.notice_id}")
    await author.taps("Correct")
    await author.taps("time")
    await author.says("2026-12-09 14:30")
    await author.taps("Yes, correct it")
    await play.stage.deliver()
    await play.stage.passes(days=4)
    await play.stage.passes(minutes=5)

    def asking() -> list[str]:
        return [
            m.text
            for m in lin.messages()
            if any("Confirm receipt" in key["text"] for row in m.buttons for key in row)
            or "once more" in m.text
            or "anew" in m.text
        ]

    correction = next(m.id for m in lin.messages() if m.text.startswith("[Correction]"))
    await lin.taps("The notice", message=correction)
    assert len(asking()) == 4  # the notice, its correction, the reminder and the card
    rings = len(lin.messages())
    await lin.taps("Confirm receipt", message=message_id)
    await play.stage.deliver()
    assert asking() == []
    assert len(lin.messages()) == rings


async def test_a_withdrawn_notice_is_struck_everywhere(play: Play) -> None:
    lin, gu, *_ = play.people
    await play.sends()
    message_id = await play.has_it(lin)
    await gu.says("/notices")
    await gu.taps("关于报送")
    await play.author.starts(f"nr{play.notice_id}")
    await play.author.taps("Withdraw")
    await play.author.says("时间另行通知")
    assert "cannot be undone" in play.author.sees()
    assert "It is to 5 people, 0 of them confirmed." in play.author.sees()
    await play.author.taps("Yes, withdraw")
    assert "withdrawn: 时间另行通知" in play.author.sees()
    assert not any("Not confirmed" in label for label in play.author.labels())
    await play.stage.passes(seconds=30)
    assert lin.sees(at=play.group).startswith("[Withdrawn] 关于报送研修计划的通知")
    texts = [m.text for m in lin.messages() if m.id == message_id]
    assert texts[0].startswith("[Withdrawn]")
    await gu.taps("Confirm")
    assert "has been withdrawn" in gu.alert
    assert gu.sees().startswith("[Withdrawn]")


async def test_files_come_again_on_a_tap(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    sent = await play.stage.office.application.bot.send_document(
        lin.id, b"%PDF", filename="通知.pdf"
    )
    assert sent.document is not None

    def attach(session: Session, file_id: str) -> None:
        session.add(NoticeFile(notice_id=play.notice_id, file_id=file_id, name="通知.pdf"))

    await play.stage.database.write(attach, sent.document.file_id)
    await lin.starts(f"n{play.notice_id}")
    await lin.taps("1 file")
    assert len(lin.files()) == 2
    stranger = await play.stage.teacher("方觉")
    await stranger.starts(f"n{play.notice_id}")
    assert "not among those whom this notice is for" in stranger.sees()


# --- correcting ------------------------------------------------------------------------------


async def test_a_time_is_corrected_with_its_end(play: Play) -> None:
    author = play.author
    await play.sends()
    await author.starts(f"nr{play.notice_id}")
    await author.taps("Correct")
    await author.taps("time")
    await author.says("12月9日 14:30-17:00")
    assert "to “Wed 9 Dec, 14:30–17:00”" in author.sees()
    await author.taps("Yes, correct it")
    await author.taps("Correct")
    await author.taps("time")
    await author.says("12月10日 9:00")  # it takes as long as before, and says so
    assert "from “Wed 9 Dec, 14:30–17:00” to “Thu 10 Dec, 09:00–11:30”" in author.sees()


async def test_another_place_rings_and_another_title_does_not(play: Play) -> None:
    lin, *_ = play.people
    author = play.author
    await play.sends()
    await author.starts(f"nr{play.notice_id}")
    await author.taps("Correct")
    await author.taps("title")
    await author.says("关于报送个人研修计划的通知")
    assert "No phone rings" in author.sees()
    assert "in 1 group" in author.sees()
    await author.taps("Yes, correct it")
    await play.stage.passes(seconds=40)
    assert not [m for m in lin.messages() if m.text.startswith("[Correction]")]
    assert "个人研修计划" in lin.sees(at=play.group)

    await author.taps("Correct")
    await author.taps("place")
    await author.says("一楼阅览室")
    assert "phones ring" in author.sees()
    await author.taps("Yes, correct it")
    await play.stage.passes(seconds=40)
    said = lin.sees()
    assert said.startswith("[Correction]")
    assert "place changed from “三楼报告厅” to “一楼阅览室”" in said
    assert lin.sees(at=play.group).startswith("[Correction]")
    first = next(m for m in lin.messages(at=play.group) if m.text.startswith("[Notice, "))
    assert "Where: 一楼阅览室" in first.text
    await play.stage.passes(seconds=40)
    assert len([m for m in lin.messages() if m.text.startswith("[Correction]")]) == 1


async def test_another_text_rings_if_it_changes_a_duty(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    await play.author.starts(f"nr{play.notice_id}")
    await play.author.taps("Correct")
    await play.author.taps("text")
    await play.author.says("请各位老师提交个人研修计划和听课记录。")
    await play.author.taps("changes what is to be done")
    assert "phones ring" in play.author.sees()
    await play.author.taps("Yes, correct it")
    await play.stage.passes(seconds=40)
    assert "听课记录" in lin.sees()
    assert lin.sees().startswith("[Correction]")


async def test_a_name_is_found_in_a_long_list_and_marked_there(play: Play) -> None:
    for number in range(9):
        play.people.append(await play.stage.teacher(f"余{number}"))
    await play.sends()
    await play.author.starts(f"nr{play.notice_id}")
    await play.author.taps("Not confirmed · 14")
    await play.author.taps("Find a name")
    shown = await play.author.says("余8")
    assert "Not confirmed yet: 14" in shown
    assert [label for label in play.author.labels() if label[0] == "○"] == ["○ 余8"]
    await play.author.taps("余8")
    assert "✓ 余8" in play.author.labels()
    await play.author.taps("Find a name")
    assert "Nobody in this list fits." in await play.author.says("欧阳")
    await play.author.taps("Back")
    assert "1 / 2" in play.author.labels()


async def test_a_date_that_is_not_understood_is_asked_for_again(play: Play) -> None:
    await play.sends()
    await play.author.starts(f"nr{play.notice_id}")
    await play.author.taps("Correct")
    await play.author.taps("time")
    await play.author.says("soon")
    assert "did not understand this date" in play.author.sees()
    await play.author.says("12月4日 14:00")
    assert "Fri 4 Dec, 14:00" in play.author.sees()
    await play.author.taps("Cancel")
    assert "Confirmed: 0/5" in play.author.sees()


# --- the report ------------------------------------------------------------------------------


async def test_the_author_sees_who_is_missing_and_reminds_them(play: Play) -> None:
    lin, gu, *_ = play.people
    await play.sends()
    await lin.taps("Confirm", at=play.group)
    await play.author.starts(f"nr{play.notice_id}")
    assert "Confirmed: 1/5" in play.author.sees()
    await play.author.taps("Not confirmed · 4")
    assert gu.name in play.author.sees()
    assert lin.name not in play.author.sees()
    before = play.author.labels()
    await play.author.taps(gu.name)
    assert "spoken with on" in play.author.sees()
    assert "Spoken with: 1" in play.author.sees()
    # The name stays where it was, with a mark that can be taken back.
    after = play.author.labels()
    assert [label[2:] for label in after] == [label[2:] for label in before]
    assert f"✓ {gu.name}" in after
    await play.author.taps("Back")
    asked = await play.author.taps("Remind the unconfirmed")
    assert "4 people are reminded in private, most of them Fri 20 Nov, 16:40." in asked
    assert "Reminder last" not in await play.author.taps("Back")
    await play.author.taps("Remind the unconfirmed")
    await play.author.taps("Yes, remind them")
    assert "4 people are reminded" in play.author.alert
    assert "Reminder last ordered" in play.author.sees()
    await play.stage.passes(minutes=2)
    await play.author.taps("Remind again")
    assert "moment ago" in play.author.alert
    await play.stage.passes(hours=8)
    assert "still to be confirmed" in gu.sees()
    assert "still to be confirmed" not in lin.sees()
    await gu.taps("Confirm")
    assert "has been noted" in gu.alert
    await play.author.taps("As a sheet")
    (name, content), *_ = play.author.files()
    assert name == "关于报送研修计划的通知, who was told.xlsx"
    assert content[:2] == b"PK"


async def test_a_teacher_sees_no_report(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    assert "do not have the right" in await lin.starts(f"nr{play.notice_id}")
    await lin.says("/menu")
    for data in (f"nts:{play.notice_id}", f"npl:{play.notice_id}:unconfirmed:0"):
        assert "do not have the right" in await lin.sends_data(data)


# --- questions -------------------------------------------------------------------------------


async def test_a_question_is_answered_in_private(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    await lin.taps("Ask a question", at=play.group)
    assert "type your question" in lin.sees()
    await lin.says("计划交纸质的还是电子的？")
    assert "passed on" in lin.sees()
    await play.stage.deliver()
    assert "1 question waits for an answer" in play.author.sees()
    assert "计划交纸质的还是电子的？" in play.author.sees()
    # Who has opened it is asked for the answer, with and without the key for it.
    assert f"it goes to {lin.name} in private" in await play.author.taps(lin.name)
    await play.author.says("电子版即可。")
    await play.stage.deliver()
    assert "电子版即可。" in lin.sees()
    assert play.author.name not in lin.sees()
    await lin.taps("The notice")
    assert "You asked: 计划交纸质的还是电子的？\nAnswer: 电子版即可。" in lin.sees()
    assert any(message.text.startswith("[Answer]") for message in lin.messages())
    await lin.says("/notices")
    await lin.taps("1. ")
    assert "Answer: 电子版即可。" in lin.sees()
    await play.author.says("/desk")
    assert "question about" not in play.author.sees()
    # What was asked and answered can be read again: from all questions, and from the notice.
    listed = await play.author.taps("Questions")
    assert listed.startswith("No question waits for an answer.\nAnswered\n1.")
    await play.author.starts(f"nr{play.notice_id}")
    await play.author.taps("Questions")
    assert "电子版即可。" in await play.author.taps(lin.name)
    assert "Answer once more" in play.author.labels()
    await lin.taps("Ask again")
    await lin.says("格式呢？")
    await play.author.says("/desk")
    assert "1 question about a notice" in play.author.sees()
    group = "\n".join(m.text for m in lin.messages(at=play.group))
    assert "纸质" not in group
    assert lin.name not in group


async def test_many_questions_ring_once_an_hour(play: Play) -> None:
    await play.sends()
    for who in play.people:
        await who.taps("Ask a question", at=play.group)
        await who.says(f"{who.name}的问题")
        await play.stage.deliver()
    seen = [m for m in play.author.messages() if "for an answer" in m.text]
    assert len(seen) == 1
    await play.stage.passes(hours=1)
    seen = [m for m in play.author.messages() if "for an answer" in m.text]
    assert len(seen) == 2
    assert "5 questions" in seen[-1].text


async def test_a_question_goes_to_the_coordinator_once_the_author_has_no_role(play: Play) -> None:
    lin, *_ = play.people
    await play.sends()
    heir = await play.stage.teacher("温言")
    await play.stage.database.write(notices.appoint, of(heir))
    await play.stage.database.write(notices.dismiss, of(play.author))
    await lin.starts(f"nq{play.notice_id}")
    await lin.says("交到哪里？")
    await play.stage.deliver()
    assert "交到哪里？" in heir.sees()
    assert "交到哪里？" not in play.author.sees()
    assert "do not have the right" in await play.author.starts(f"nr{play.notice_id}")
    await heir.starts(f"nr{play.notice_id}")
    assert "Questions · 1" in heir.labels()


def forum_rights(session: Session, chat_id: int, unit_id: int) -> None:
    chat = session.get_one(Chat, chat_id)
    chat.is_forum, chat.rights, chat.unit_id = True, [questions.MAY_MANAGE], unit_id
    session.add(chat)


async def test_in_the_coordinators_group_a_question_has_a_topic_of_its_own(play: Play) -> None:
    lin, *_ = play.people
    stage = play.stage
    desk = stage.world.add_group("管理员群", members=[play.author.id], bot_is_admin=True)
    desk.set_forum(on=True)
    chat = await stage.database.write(
        groups.bind, desk.id, "管理员群", purpose=ChatPurpose.COORDINATORS, language="en"
    )
    unit_id = await stage.database.write(make.school)
    await stage.database.write(forum_rights, chat.id, unit_id)
    await play.sends()
    await lin.starts(f"nq{play.notice_id}")
    await lin.says("可以晚一天交吗？")
    await stage.passes(seconds=30)
    await stage.passes(seconds=40)
    (topic,) = stage.world.chats[desk.id].topics.values()
    assert lin.name in topic.name
    said = [m for m in play.author.messages(at=desk.id) if "可以晚一天交吗？" in m.text]
    assert len(said) == 1
    stage.world.say(play.author.id, desk.id, "可以，周五前。", topic=topic.id)
    await stage.settle()
    await stage.deliver()
    assert "可以，周五前。" in lin.sees()
    assert topic.closed
    await lin.taps("Ask again")
    await lin.says("谢谢，纸质的呢？")
    assert not stage.world.chats[desk.id].topics[topic.id].closed

    def state(session: Session) -> tuple[bool, int]:
        question = session.exec(select(Question)).one()
        return question.answered_at is None, len(session.exec(select(QuestionLine)).all())

    assert await stage.database.read(state) == (True, 3)


async def test_what_others_write_in_a_topic_is_no_answer(play: Play) -> None:
    lin, gu, *_ = play.people
    stage = play.stage
    desk = stage.world.add_group("管理员群", members=[play.author.id, gu.id], bot_is_admin=True)
    desk.set_forum(on=True)
    chat = await stage.database.write(
        groups.bind, desk.id, "管理员群", purpose=ChatPurpose.COORDINATORS, language="en"
    )
    unit_id = await stage.database.write(make.school)
    await stage.database.write(forum_rights, chat.id, unit_id)
    await play.sends()
    await lin.starts(f"nq{play.notice_id}")
    await lin.says("可以晚一天交吗？")
    await stage.passes(seconds=30)
    (topic,) = stage.world.chats[desk.id].topics.values()
    stage.world.say(gu.id, desk.id, "随便说说", topic=topic.id)
    await stage.settle()
    await stage.deliver()
    assert "随便说说" not in lin.sees()
    assert not topic.closed


async def test_a_post_that_somebody_deleted_is_not_posted_again(play: Play) -> None:
    await play.sends()
    chat = play.stage.world.chat(play.group)
    play.stage.world.remove(list(chat.messages.values())[-1])
    await play.people[0].starts(f"n{play.notice_id}")
    await play.people[0].taps("Confirm")
    for _ in range(3):
        await play.stage.passes(minutes=1)
    assert play.people[0].sees(at=play.group) == ""

    def posts(session: Session) -> int:
        return len(session.exec(select(NoticePost)).all())

    assert await play.stage.database.read(posts) == 0


async def test_a_post_waits_for_working_hours_unless_it_is_urgent(play: Play) -> None:
    play.stage.clock.advance(timedelta(hours=13))  # Friday, 22:00
    await play.sends()
    assert play.people[0].sees(at=play.group) == ""
    await play.sends(urgent=True, title="停课通知")
    assert "[Urgent notice] 停课通知" in play.people[0].sees(at=play.group)


async def test_the_notice_is_pinned_where_the_bot_may(play: Play) -> None:
    await play.sends()
    await play.author.starts(f"nr{play.notice_id}")
    assert "Pin in the groups" not in play.author.labels()

    def allow(session: Session) -> None:
        chat = session.get_one(Chat, play.chat_id)
        chat.rights = ["can_pin_messages"]
        session.add(chat)

    await play.stage.database.write(allow)
    play.stage.world.chats[play.group].bot_status = "administrator"
    await play.author.taps("Refresh")
    await play.author.taps("Pin in the groups")
    assert "Pinned in 1 group" in play.author.alert
    await play.author.taps("Pin in the groups")
    assert "no group" in play.author.alert
    await play.author.taps("Refresh")
    assert "Pin in the groups" not in play.author.labels()
