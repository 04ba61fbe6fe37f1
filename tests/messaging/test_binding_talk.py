"""Connecting groups by keys: who may, which topic, and what happens when a group changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.sandbox import forum
from bot.sandbox.chats import Chat as Room
from bot.sandbox.chats import Topic
from storage.messaging import groups, outbox
from storage.messaging.groups import Group
from storage.messaging.tables import ChatPurpose, OutboxMessage, OutboxState, Priority
from storage.moments import local_day
from storage.people import offices, roles
from storage.people.tables import Role
from tests import make
from tests.messaging.test_group_taps import ANONYMOUS, anonymous_message
from tests.stage import Actor, Stage

SCHOOL = "澄禾县实验小学"


async def coordinator(
    stage: Stage, name: str = "程锦", at: str = SCHOOL, role: Role = Role.SCHOOL_COORDINATOR
) -> Actor:
    """A linked coordinator of a school."""
    return await stage.holder(name, role, at=at)


@dataclass
class Hall:
    """A group to which a coordinator has added the bot."""

    stage: Stage
    cheng: Actor
    lin: Actor
    room: Room

    @property
    def id(self) -> int:
        return self.room.id

    async def place(self, thread_id: int = 0) -> Group:
        found = await self.stage.database.read(groups.chat_by_tg_id, self.id, thread_id)
        assert found is not None
        return found

    async def connect(self, purpose: str = "All staff") -> None:
        """Press the keys in private that connect it to the school."""
        await self.cheng.taps(purpose)
        await self.cheng.taps(SCHOOL)
        await self.cheng.taps("English")

    def seen(self, topic: int = 0) -> list[str]:
        """What the bot has said in one topic."""
        return [
            one.text
            for one in self.stage.world.seen_by(self.lin.id, self.id, topic=topic)
            if one.sender_id == self.stage.world.bot_id and one.text and not one.only_for_you
        ]

    def topic(self, name: str = "教师培训") -> Topic:
        return forum.act(self.stage.world, self.cheng.id, self.id, "create", {"name": name})

    async def acts(self, what: str, topic: Topic) -> None:
        """An administrator closes, reopens, renames or deletes a topic."""
        body = {"topic": topic.id, "name": "新名"}
        forum.act(self.stage.world, self.cheng.id, self.id, what, body)
        await self.stage.settle()
        await self.stage.deliver()

    async def post(self, place_id: int, key: str = "post") -> None:
        """Have something to say in a place."""

        def put(session: Session) -> None:
            outbox.put(
                session,
                "group_hello",
                chat_id=place_id,
                facts={"is_bound": True},
                priority=Priority.CARD,
                not_before=self.stage.clock(),
                dedupe_key=key,
                now=self.stage.clock(),
            )

        await self.stage.database.write(put)
        await self.stage.deliver()


async def hall(stage: Stage, *, topics: bool = False, admin: bool = False) -> Hall:
    cheng, lin = await coordinator(stage), await stage.teacher()
    room = stage.world.add_group("全体教师群", members=[lin.id], admins=[cheng.id])
    if topics:
        stage.world.set_forum(room.id, True)
    room.bot_status = "left"
    stage.world.add_bot(cheng.id, room.id, as_admin=admin)
    await stage.settle()
    return Hall(stage, cheng, lin, room)


def rows(session: Session) -> list[tuple[str, str]]:
    found = session.exec(
        select(OutboxMessage.kind, OutboxMessage.state).order_by(col(OutboxMessage.id))
    ).all()
    return list(found)


async def test_a_coordinator_who_adds_the_bot_connects_the_group_in_private(stage: Stage) -> None:
    at = await hall(stage)
    assert "全体教师群: what is it for?" in at.cheng.sees()
    await at.connect()
    said = at.cheng.sees()
    assert said.startswith("Connected.\n全体教师群\nAll staff: 澄禾县实验小学")
    assert "✓ post messages" in said
    assert "✗ pin messages: not granted. " in said
    place = await at.place()
    assert (place.purpose, place.language, place.bound_by) == (
        ChatPurpose.ALL_STAFF,
        "en",
        at.cheng.teacher_id,
    )
    await stage.passes(minutes=11)
    assert len(at.seen()) == 1
    assert "training assistant of 澄禾县实验小学" in at.seen()[0]


async def test_a_subject_group_is_asked_for_its_subject_and_can_change_it(stage: Stage) -> None:
    at = await hall(stage)
    await stage.teacher("石晓岚", subject="数学")
    await stage.teacher("上官俊逸", subject="数学")
    await stage.teacher("方觉", subject="物理", at="第二中学")
    await at.cheng.taps("Subject group")
    await at.cheng.taps(SCHOOL)
    said = await at.cheng.taps("English")
    assert said.startswith("Connected.\n全体教师群: of which subject is it?")
    assert at.cheng.labels()[:3] == ["mathematics", "Chinese", "physics"]
    said = await at.cheng.taps("Back")
    assert "Subject group: 澄禾县实验小学, subject not chosen yet" in said
    await at.cheng.taps("Subject")
    said = await at.cheng.taps("mathematics")
    assert "Subject group: 澄禾县实验小学, mathematics" in said
    assert (await at.place()).subject == "数学"
    await at.cheng.taps("Subject")
    assert "Subject group: 澄禾县实验小学, Chinese" in await at.cheng.taps("Chinese")
    await at.lin.says("/menu")
    place = await at.place()
    assert "do not have the right" in await at.lin.sends_data(f"gsu:{place.id}::0")
    # Of another purpose it has none, and is asked for it anew when it is a subject's again.
    await at.cheng.taps("Change")
    await at.cheng.taps("All staff")
    await at.cheng.taps(SCHOOL)
    await at.cheng.taps("English")
    assert (await at.place()).subject == ""
    assert "Subject" not in at.cheng.labels()
    await at.cheng.taps("Undo")
    assert (await at.place()).subject == "语文"


async def test_connecting_can_be_undone_and_the_group_is_silent_again(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    await at.cheng.taps("Undo")
    assert "Undone" in at.cheng.alert
    assert (await at.place()).purpose is None
    await stage.passes(minutes=11)
    assert [text for text in at.seen() if "assistant of" in text] == []


async def test_who_may_not_connect_gets_an_alert_and_the_coordinator_is_led_on(
    stage: Stage,
) -> None:
    cheng, lin = await coordinator(stage), await stage.teacher()
    room = stage.world.add_group("闲聊", members=[lin.id, cheng.id])
    room.bot_status = "left"
    stage.world.add_bot(lin.id, room.id)
    await stage.settle()
    await stage.passes(seconds=10)
    assert "not connected" in lin.sees(at=room.id)
    await lin.taps("Connect this group", at=room.id)
    assert "do not have the right" in lin.alert
    await cheng.taps("Connect this group", at=room.id)
    assert "闲聊: what is it for?" in cheng.sees()


async def test_a_link_that_somebody_types_opens_no_group_that_they_have_not_met(
    stage: Stage,
) -> None:
    at = await hall(stage)
    place = await at.place()
    other = await coordinator(stage, "罗佳宁", at="第二小学")
    assert "do not have the right" in await other.starts(f"bind{place.id}")
    for data in (f"gbp:{place.id}", f"gbd:{place.id}:all_staff:1:en:0:0", f"gx:{place.id}:1"):
        assert "do not have the right" in await other.sends_data(data)
    await at.connect()
    for data in (
        f"go:{place.id}",
        f"gx:{place.id}:1",
        f"gln:{place.id}:zh_Hant",
        f"gq:{place.id}:1",
    ):
        assert "do not have the right" in await other.sends_data(data)
    assert (await at.place()).language == "en"


async def test_one_topic_is_chosen_by_a_tap_in_it_and_everything_goes_there(stage: Stage) -> None:
    at = await hall(stage, topics=True)
    topic = at.topic()
    stage.world.say(at.cheng.id, at.id, "/bind", topic=topic.id)
    await stage.settle()
    assert "post in this topic" in at.seen(topic.id)[-1]
    await at.lin.taps("Use this topic", at=at.id)
    assert "do not have the right" in at.lin.alert
    await at.cheng.taps("Use this topic", at=at.id)
    assert "全体教师群 › 教师培训: what is it for?" in at.cheng.sees()
    await at.connect()
    batch_id = await stage.database.write(make.batch)
    place = await at.place(topic.id)
    await stage.database.write(groups.post_card, place.id, batch_id)
    await stage.passes(minutes=11)
    # The greeting and the programme's card; the key is gone once it has shown the place.
    assert len(at.seen(topic.id)) == 2
    assert any(text.startswith("[Registration]") for text in at.seen(topic.id))
    await at.lin.taps("Full details", at=at.id)
    whispered = [one for one in at.lin.messages(at=at.id) if one.only_for_you]
    assert [one.topic for one in whispered] == [topic.id]
    assert at.seen() == []
    assert (await at.place()).purpose is None
    # The rest of the group can stand for something, too, and waits for nobody.
    await at.cheng.starts("desk")
    assert "to connect" not in at.cheng.sees()
    assert "○ 全体教师群, not connected yet" in await at.cheng.taps("Group chats")


async def test_the_key_hangs_once_a_minute_however_often_it_is_asked_for(stage: Stage) -> None:
    at = await hall(stage)
    for _ in range(3):
        stage.world.say(at.cheng.id, at.id, "/bind")
        await stage.settle()
    assert len(at.seen()) == 1
    await stage.passes(minutes=2)
    stage.world.say(at.cheng.id, at.id, "/bind")
    await stage.settle()
    assert len(at.seen()) == 2


async def test_a_teacher_who_sends_bind_moves_nobody(stage: Stage) -> None:
    at = await hall(stage)
    stage.world.say(at.lin.id, at.id, "/bind")
    await stage.settle()
    assert at.seen() == []
    assert "do not have the right" in at.lin.sees()


async def test_a_closed_topic_is_told_at_once_and_nothing_falls_elsewhere(stage: Stage) -> None:
    at = await topic_bound(stage)
    topic = next(iter(at.room.topics.values()))
    place = await at.place(topic.id)
    before = len(at.seen(topic.id))
    await at.acts("close", topic)
    assert "has been closed" in at.cheng.sees()
    assert "全体教师群 › 教师培训" in at.cheng.sees()
    await at.post(place.id)
    await stage.passes(hours=2)
    assert len(at.seen(topic.id)) == before
    assert at.seen() == []
    await at.acts("reopen", topic)
    assert "open again" in at.cheng.sees()
    assert len(at.seen(topic.id)) == before + 1
    assert at.seen() == []


async def topic_bound(stage: Stage, **more: Any) -> Hall:
    at = await hall(stage, topics=True, **more)
    topic = at.topic()
    stage.world.say(at.cheng.id, at.id, "/bind", topic=topic.id)
    await stage.settle()
    await at.cheng.taps("Use this topic", at=at.id)
    await at.connect()
    await stage.passes(minutes=11)
    return at


@pytest.mark.parametrize("what", ["close", "delete"])
async def test_a_topic_that_closes_unheard_is_found_out_by_the_refusal(
    stage: Stage, what: str
) -> None:
    at = await topic_bound(stage)
    topic = next(iter(at.room.topics.values()))
    place = await at.place(topic.id)
    if what == "close":
        topic.closed = True  # while the bot was down
    else:
        forum.act(stage.world, at.cheng.id, at.id, "delete", {"topic": topic.id})
    await at.post(place.id)
    await stage.deliver()
    told = "has been closed" if what == "close" else "not there any more"
    assert told in at.cheng.sees()
    assert at.seen() == []
    assert (await at.place(topic.id)).closed
    news = len(at.cheng.messages())
    await stage.passes(hours=5)
    assert len(at.cheng.messages()) == news
    assert at.seen() == []
    # What waits is not lost, and not counted as a fault.
    assert ("group_hello", OutboxState.PENDING) in await stage.database.read(rows)


async def test_an_administrator_may_post_in_a_topic_that_is_closed_to_others(
    stage: Stage,
) -> None:
    at = await topic_bound(stage, admin=True)
    topic = next(iter(at.room.topics.values()))
    before = len(at.seen(topic.id))
    await at.acts("close", topic)
    await at.post((await at.place(topic.id)).id)
    assert len(at.seen(topic.id)) == before
    await at.cheng.taps("View")
    await at.cheng.taps("Post all the same")
    await stage.deliver()
    assert len(at.seen(topic.id)) == before + 1


async def test_a_renamed_topic_and_group_are_called_by_their_new_names(stage: Stage) -> None:
    at = await topic_bound(stage)
    topic = next(iter(at.room.topics.values()))
    await at.acts("rename", topic)
    stage.world.service(at.room, at.cheng.id, new_chat_title="教研群")
    await stage.settle()
    place = await at.place(topic.id)
    assert (place.title, place.topic) == ("教研群", "新名")


async def test_removed_and_back_the_owner_is_told_once_each(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    await stage.passes(minutes=11)
    stage.world.kick_bot(at.cheng.id, at.id)
    await stage.settle()
    await stage.deliver()
    assert "I am not in the group 全体教师群 any more" in at.cheng.sees()
    place = await at.place()
    assert (place.active, place.purpose) == (False, ChatPurpose.ALL_STAFF)
    number = len(at.cheng.messages())
    await at.post(place.id)
    assert len(at.cheng.messages()) == number
    stage.world.add_bot(at.cheng.id, at.id)
    await stage.settle()
    await stage.deliver()
    assert "I am in the group 全体教师群 again" in " ".join(one.text for one in at.cheng.messages())
    assert (await at.place()).is_open


async def test_silenced_it_waits_and_what_has_waited_goes_out(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    await stage.passes(minutes=11)
    stage.world.restrict_bot(at.cheng.id, at.id, may_write=False)
    await stage.settle()
    await stage.deliver()
    assert "may not write any more" in at.cheng.sees()
    before = len(at.seen())
    await at.post((await at.place()).id)
    assert len(at.seen()) == before
    stage.world.restrict_bot(at.cheng.id, at.id, may_write=True)
    await stage.settle()
    await stage.deliver()
    assert "I may write again" in at.cheng.sees()
    assert len(at.seen()) == before + 1


async def test_a_group_that_stops_letting_members_write_is_found_out_by_the_refusal(
    stage: Stage,
) -> None:
    at = await hall(stage)
    await at.connect()
    await stage.passes(minutes=11)
    at.room.bot_may_write = False
    await at.post((await at.place()).id)
    await stage.deliver()
    assert "may not write any more" in at.cheng.sees()
    at.room.bot_may_write = True
    await at.cheng.taps("View")
    assert "✓ post messages" in at.cheng.sees()
    assert (await at.place()).is_open


async def test_a_demoted_bot_says_what_it_lacks(stage: Stage) -> None:
    at = await hall(stage, admin=True)
    await at.connect()
    assert "✓ pin messages" in at.cheng.sees()
    stage.world.add_bot(at.cheng.id, at.id)
    await stage.settle()
    await stage.deliver()
    assert "I may do less than before" in at.cheng.sees()
    await at.cheng.taps("View")
    assert "✗ pin messages" in at.cheng.sees()


async def test_who_answers_for_the_unit_is_told_when_the_binder_is_gone(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    other = await coordinator(stage, "罗佳宁")

    def dismiss(session: Session) -> None:
        unit_id, today = make.school(session), local_day(make.NOW, offices.zone(session))
        roles.dismiss(
            session,
            at.cheng.teacher_id or 0,
            Role.SCHOOL_COORDINATOR,
            unit_id,
            today=today,
            now=make.NOW,
        )

    await stage.database.write(dismiss)
    number = len(at.cheng.messages())
    stage.world.kick_bot(at.lin.id, at.id)
    await stage.settle()
    await stage.deliver()
    assert "any more" in other.sees()
    assert len(at.cheng.messages()) == number


async def test_a_group_that_a_stranger_added_is_left_with_one_sentence(stage: Stage) -> None:
    lin, stranger = await stage.teacher(), stage.newcomer("路人", language="en")
    room = stage.world.add_group("买菜群", members=[lin.id, stranger.id])
    room.bot_status = "left"
    for time in range(3):
        stage.world.add_bot(stranger.id, room.id)
        await stage.settle()
        await stage.passes(seconds=10)
        await stage.passes(minutes=2)
        assert room.bot_status == "left", time
    said = [one.text for one in lin.messages(at=room.id) if one.sender_id == stage.world.bot_id]
    (goodbye,) = [text for text in said if text]
    assert goodbye.startswith("There is nothing for me to post in this group")


async def test_a_teacher_who_adds_the_bot_is_told_alone_whom_to_ask(stage: Stage) -> None:
    await coordinator(stage, "罗佳宁")
    lin = await stage.teacher("林若溪")
    room = stage.world.add_group("<b>语文组</b> /b", members=[lin.id])
    room.bot_status = "left"
    stage.world.add_bot(lin.id, room.id)
    await stage.settle()
    said = lin.sees()
    assert "You have added me to <b>语文组</" in said
    assert "/b" not in said.replace("/bind", "")
    assert "after 7 days I leave" in said
    assert "Please ask 罗佳宁 to send /bind in the group; whoever is not in it has to be" in said
    assert all("罗佳宁" not in one.text for one in lin.messages(at=room.id) if one.text)
    # Where the group stands for something already there is nothing to ask.
    stage.world.kick_bot(lin.id, room.id)
    await stage.settle()

    def bind(session: Session) -> None:
        groups.bind(
            session,
            room.id,
            "语文组",
            purpose=ChatPurpose.ALL_STAFF,
            unit_id=make.school(session),
        )

    await stage.database.write(bind)
    number = len(lin.messages())
    stage.world.add_bot(lin.id, room.id)
    await stage.settle()
    assert len(lin.messages()) == number


async def test_a_group_that_nobody_connects_in_a_week_is_left(stage: Stage) -> None:
    lin = await stage.teacher()
    room = stage.world.add_group("闲聊", members=[lin.id])
    room.bot_status = "left"
    stage.world.add_bot(lin.id, room.id)
    await stage.settle()
    await stage.passes(days=6)
    assert room.bot_status == "member"
    await stage.passes(days=1, hours=1)
    await stage.passes(minutes=2)
    assert room.bot_status == "left"
    assert "I leave it now" in lin.messages(at=room.id)[-2].text
    number = len(lin.messages(at=room.id))
    await stage.passes(days=3)
    assert len(lin.messages(at=room.id)) == number
    # Added again by somebody known it is not left at once.
    stage.world.add_bot(lin.id, room.id)
    await stage.settle()
    await stage.passes(minutes=10)
    assert room.bot_status == "member"


async def test_a_connected_group_is_not_left_and_a_disconnected_one_a_week_later(
    stage: Stage,
) -> None:
    at = await hall(stage)
    await at.connect()
    await stage.passes(days=20)
    assert at.room.bot_status == "member"
    await at.cheng.taps("Disconnect")
    await at.cheng.taps("Yes, disconnect")
    assert at.cheng.sees().startswith("Disconnected.")
    await stage.passes(days=6)
    assert at.room.bot_status == "member"
    await stage.passes(days=2)
    await stage.passes(minutes=2)
    assert at.room.bot_status == "left"


async def test_a_second_group_for_all_staff_asks_first(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    room = stage.world.add_group("又一个群", members=[at.cheng.id])
    room.bot_status = "left"
    stage.world.add_bot(at.cheng.id, room.id)
    await stage.settle()
    await at.connect()
    assert "There is a group for this already: 全体教师群" in at.cheng.sees()
    second = await stage.database.read(groups.chat_by_tg_id, room.id)
    assert second is not None
    assert second.purpose is None
    await at.cheng.taps("Connect all the same")
    assert at.cheng.sees().startswith("Connected.\n又一个群")


async def test_a_stale_key_changes_nothing_and_says_so(stage: Stage) -> None:
    at = await hall(stage)
    place = await at.place()
    await at.cheng.taps("All staff")
    await at.cheng.taps(SCHOOL)
    (button,) = [
        one["callback_data"]
        for line in at.cheng.messages()[-1].buttons
        for one in line
        if one["text"] == "English"
    ]
    await at.cheng.taps("English")
    await stage.passes(hours=1)
    await at.cheng.taps("Change")
    await at.connect("Trying things out")
    assert "A colleague has said meanwhile" in await at.cheng.sends_data(button)
    assert (await at.place()).purpose is ChatPurpose.TEST
    assert "out of date" in await at.cheng.sends_data(f"gbt:{place.id}:nonsense:0")
    assert "out of date" in await at.cheng.sends_data(f"gln:{place.id}:xx")
    assert "no longer there" in await at.cheng.sends_data("go:99999")


async def test_tapping_twice_connects_once(stage: Stage) -> None:
    at = await hall(stage)
    await at.cheng.taps("All staff")
    await at.cheng.taps(SCHOOL)
    place = await at.place()
    unit_id = await stage.database.read(make.school)
    for _ in range(2):
        await at.cheng.sends_data(f"gbd:{place.id}:all_staff:{unit_id}:en:0:0")
    await stage.passes(minutes=11)
    assert len(at.seen()) == 1
    assert "Undo" in at.cheng.labels()


async def test_the_desk_lists_the_groups_and_their_switches(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    await at.cheng.says("/desk")
    await at.cheng.taps("Group chats")
    assert "✓ 全体教师群, All staff: 澄禾县实验小学" in at.cheng.sees()
    assert "Add to a group" in at.cheng.labels()
    await at.cheng.taps("全体教师群")
    await at.cheng.taps("Count unconfirmed there")
    assert "never who" in at.cheng.alert
    assert (await at.place()).urges
    await at.cheng.taps("Do not count unconfirmed")
    assert not (await at.place()).urges
    await at.cheng.taps("Language")
    await at.cheng.taps("繁體中文")
    assert (await at.place()).language == "zh_Hant"
    assert "Language: 繁體中文" in at.cheng.sees()


async def test_a_county_coordinator_finds_a_school_by_a_part_of_its_name(stage: Stage) -> None:
    county = await coordinator(stage, "苏南", role=Role.COUNTY_COORDINATOR)

    def schools(session: Session) -> None:
        for number in range(12):
            make.school(session, f"澄禾县第{number}小学")

    await stage.database.write(schools)
    room = stage.world.add_group("七小", members=[county.id])
    room.bot_status = "left"
    stage.world.add_bot(county.id, room.id)
    await stage.settle()
    await county.taps("All staff")
    assert county.labels()[0] == "澄禾县"  # one's own unit first
    await county.taps("›")
    await county.taps("Find a unit")
    await county.says("第7")
    await county.taps("澄禾县第7小学")
    await county.taps("English")
    assert "All staff: 澄禾县第7小学" in county.sees()


async def test_an_anonymous_administrator_connects_nothing_but_may_press_the_key(
    stage: Stage,
) -> None:
    at = await hall(stage)
    name = stage.world.bot_username
    stage.world.inject(anonymous_message(stage, at.id, f"/bind@{name}"))
    await stage.settle()
    assert "presses the key" in at.seen()[-1]
    await stage.passes(minutes=2)
    stage.world.inject(anonymous_message(stage, at.id, f"/start@{name} bind"))
    stage.world.inject(anonymous_message(stage, at.id, "/bind"))
    await stage.settle()
    assert "cannot see who is asking" in at.seen()[-1]
    message = stage.world.seen_by(at.lin.id, at.id)[-2]
    body = at.room.messages[message.id].body
    stage.world.inject(
        {
            "callback_query": {
                "id": "77",
                "from": {"id": ANONYMOUS, "is_bot": True, "first_name": "Group"},
                "message": body,
                "chat_instance": "1",
                "data": "gb",
            }
        }
    )
    await stage.settle()
    assert (await at.place()).purpose is None


async def test_what_an_anonymous_administrator_does_to_a_topic_is_heard(stage: Stage) -> None:
    at = await topic_bound(stage)
    topic = next(iter(at.room.topics.values()))
    told = anonymous_message(stage, at.id, "")
    del told["message"]["text"], told["message"]["entities"]
    told["message"] |= {"message_thread_id": topic.id, "is_topic_message": True}
    stage.world.inject({"message": told["message"] | {"forum_topic_closed": {}}})
    await stage.settle()
    await stage.deliver()
    assert "has been closed" in at.cheng.sees()
    stage.world.inject({"message": told["message"] | {"forum_topic_reopened": {}}})
    await stage.settle()
    assert (await at.place(topic.id)).is_open


async def test_a_bot_added_by_who_hides_who_they_are_offers_the_key_and_waits(
    stage: Stage,
) -> None:
    cheng, lin = await coordinator(stage), await stage.teacher()
    room = stage.world.add_group("全体教师群", members=[cheng.id, lin.id])
    who = {"id": ANONYMOUS, "is_bot": True, "first_name": "Group"}
    member = {"user": stage.world.bot, "status": "member"}
    stage.world.inject(
        {
            "my_chat_member": {
                "chat": room.api,
                "from": who,
                "date": stage.world.now(),
                "old_chat_member": {"user": stage.world.bot, "status": "left"},
                "new_chat_member": member,
            }
        }
    )
    await stage.settle()
    await stage.passes(seconds=10)
    await stage.passes(minutes=2)
    assert room.bot_status == "member"
    await cheng.taps("Connect this group", at=room.id)
    assert "what is it for?" in cheng.sees()


async def test_a_telegram_that_fails_for_a_moment_does_not_undo_the_binding(stage: Stage) -> None:
    at = await hall(stage)
    await at.cheng.taps("All staff")
    await at.cheng.taps(SCHOOL)
    stage.world.faults.add(method="getChat", status=500, times=1)
    await at.cheng.taps("English")
    assert at.cheng.sees().startswith("Connected.")


async def test_a_card_that_cannot_be_edited_in_a_closed_topic_stays_and_is_told_of(
    stage: Stage,
) -> None:
    at = await topic_bound(stage)
    topic = next(iter(at.room.topics.values()))
    place = await at.place(topic.id)
    batch_id = await stage.database.write(make.batch)
    await stage.database.write(groups.post_card, place.id, batch_id)
    await stage.passes(minutes=1)
    await stage.passes(minutes=1)
    stage.world.faults.add_named("topic_closed", method="editMessageText", times=1)
    await at.lin.taps("Register", at=at.id)
    await stage.passes(minutes=1)
    await stage.passes(minutes=1)
    assert "has been closed" in at.cheng.sees()
    assert at.seen() == []


async def test_a_personal_command_in_a_topic_is_pointed_out_in_that_topic(stage: Stage) -> None:
    at = await topic_bound(stage)
    topic = next(iter(at.room.topics.values()))
    before = at.seen()
    stage.world.say(at.lin.id, at.id, f"/hours@{stage.world.bot_username}", topic=topic.id)
    await stage.settle()
    assert "Personal information is not shown in groups" in at.seen(topic.id)[-1]
    assert at.seen() == before
    # In another topic within the same minute it is answered there.
    other = at.topic("闲谈")
    stage.world.say(at.lin.id, at.id, f"/hours@{stage.world.bot_username}", topic=other.id)
    await stage.settle()
    assert "Personal information is not shown in groups" in at.seen(other.id)[-1]


async def test_a_coordinator_who_shares_a_table_in_a_group_is_warned_alone(stage: Stage) -> None:
    at = await hall(stage, admin=True)
    await at.connect()
    before = at.seen()
    stage.world.send_document(at.cheng.id, at.id, b"x", "名册.xlsx")
    await stage.settle()
    assert "Everybody in 全体教师群 can see the table 名册.xlsx" in at.cheng.sees()
    number = len(at.lin.messages())
    stage.world.send_document(at.lin.id, at.id, b"x", "课表.xlsx")
    stage.world.send_document(at.cheng.id, at.id, b"x", "海报.pdf")
    await stage.settle()
    assert len(at.lin.messages()) == number
    assert at.seen() == before


async def test_the_group_of_a_class_is_told_when_it_closes_and_left_on_a_tap(
    stage: Stage,
) -> None:
    cheng = await coordinator(stage, role=Role.COUNTY_COORDINATOR)
    lin = await stage.teacher()
    await stage.database.write(make.batch)  # from the 20th day to the 21st
    room = stage.world.add_group("作业设计班", members=[cheng.id, lin.id])
    room.bot_status = "left"
    stage.world.add_bot(cheng.id, room.id)
    await stage.settle()
    await cheng.taps("One training class")
    await cheng.taps("作业设计专题培训")
    await cheng.taps("English")
    assert "To be closed: " in cheng.sees()
    place = await stage.database.read(groups.chat_by_tg_id, room.id)
    assert place is not None
    assert place.dissolve_at == make.NOW + timedelta(days=35)
    for _day in range(34):
        await stage.passes(hours=8)
        await stage.passes(hours=16)
    closing = [one.text for one in lin.messages(at=room.id) if "This course is over" in one.text]
    assert len(closing) == 1
    assert any("is for one class that is over" in one.text for one in cheng.messages())
    await cheng.starts("desk")
    await cheng.taps("Group chats")
    await cheng.taps("作业设计班")
    await cheng.taps("14 days more")
    place = await stage.database.read(groups.chat_by_tg_id, room.id)
    assert place is not None
    assert place.dissolve_at == make.NOW + timedelta(days=49)
    await cheng.taps("Close and leave")
    await cheng.taps("Yes, leave")
    await stage.passes(minutes=2)
    await stage.passes(minutes=2)
    assert room.bot_status == "left"
    place = await stage.database.read(groups.chat_by_tg_id, room.id)
    assert place is not None
    assert (place.active, place.purpose, place.dissolve_at) == (False, None, None)


async def test_an_organiser_hangs_the_card_of_a_class_in_a_group(stage: Stage) -> None:
    at = await hall(stage)
    await at.connect()
    programme = {"owner_unit_id": await stage.database.read(make.school)}
    batch_id = await stage.database.write(make.batch, programme=programme)
    foreign = await stage.database.write(make.batch, "别处的班")
    await stage.passes(minutes=11)
    await at.cheng.sends_data(f"run:{batch_id}")
    await at.cheng.taps("Card in groups")
    await at.cheng.taps("全体教师群")
    assert "next hour of work" in at.cheng.alert
    assert "✓ 全体教师群" in at.cheng.labels()
    await at.cheng.taps("全体教师群")
    assert "already" in at.cheng.alert
    await stage.passes(minutes=1)
    assert [text for text in at.seen() if "作业设计专题培训" in text] == [at.seen()[-1]]
    place = await at.place()
    for data in (f"gcp:{foreign}:0", f"gch:{foreign}:{place.id}:0"):
        assert "do not have the right" in await at.cheng.sends_data(data)
    stranger = await coordinator(stage, "别校管", at="第二小学")
    await stranger.says("/menu")
    for data in (f"ghc:{place.id}", f"gtd:{place.id}:{batch_id}"):
        assert "do not have the right" in await stranger.sends_data(data)
    await at.cheng.sends_data(f"go:{place.id}")
    await at.cheng.taps("Cards there (1)")
    await at.cheng.taps("作业设计专题培训")
    assert "does not hang there any more" in at.cheng.alert
    assert "No card of a class hangs there" in at.cheng.sees()
    await stage.passes(minutes=2)
    assert not [text for text in at.seen() if "作业设计专题培训" in text]


async def test_the_desk_says_how_many_groups_are_still_to_be_connected(stage: Stage) -> None:
    at = await hall(stage)
    await at.cheng.starts("desk")
    assert "1 group to connect" in at.cheng.sees()
    assert "Group chats (1)" in at.cheng.labels()
    await at.cheng.taps("Group chats (1)")
    await at.cheng.taps("全体教师群")
    await at.connect()
    await at.cheng.starts("desk")
    assert "to connect" not in at.cheng.sees()


async def test_leaving_goes_on_when_telegram_fails_for_a_while(stage: Stage) -> None:
    stranger = stage.newcomer("路人")
    room = stage.world.add_group("买菜群", members=[stranger.id])
    room.bot_status = "left"
    stage.world.add_bot(stranger.id, room.id)
    await stage.settle()
    stage.world.faults.add(method="leaveChat", status=500, times=1)
    await stage.passes(seconds=10)
    await stage.passes(minutes=1)
    assert room.bot_status == "member"
    await stage.passes(minutes=1)
    assert room.bot_status == "left"
