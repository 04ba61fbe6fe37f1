"""Topics of a forum: made, written in, closed, deleted, with Telegram's own refusals."""

from __future__ import annotations

import pytest
from aiogram import Bot as Aiogram
from telegram import Bot, ChatMemberAdministrator, ChatMemberRestricted
from telegram.error import BadRequest

from bot.sandbox import forum
from bot.sandbox.chats import Chat, Person
from bot.sandbox.refusals import ImpossibleAct
from bot.sandbox.world import World


@pytest.fixture
def hall(world: World, wang: Person, li: Person) -> Chat:
    """A forum that 李强 leads, with the bot as an administrator."""
    made = world.add_group("县培训大群", members=[wang.id], admins=[li.id], bot_is_admin=True)
    world.set_forum(made.id, True)
    return made


async def test_a_topic_is_made_and_written_in(
    ptb: Bot, world: World, hall: Chat, wang: Person
) -> None:
    topic = await ptb.create_forum_topic(hall.id, "远程培训答疑")
    thread = topic.message_thread_id
    sent = await ptb.send_message(hall.id, "请在此提问", message_thread_id=thread)
    assert (sent.message_thread_id, sent.is_topic_message) == (thread, True)
    await ptb.send_message(hall.id, "通知")

    asked = world.say(wang.id, hall.id, "平台登不上", topic=thread)
    updates = await ptb.get_updates()
    assert updates[-1].message is not None
    assert updates[-1].message.message_thread_id == thread
    # As on Telegram: what answers nothing answers the topic itself; no client shows that.
    answered = updates[-1].message.reply_to_message
    assert answered is not None
    assert answered.forum_topic_created is not None
    assert world.seen_by(wang.id, hall.id)[-1].reply_to is None
    seen = world.seen_by(wang.id, hall.id, topic=thread)
    assert [one.text for one in seen] == ["", "请在此提问", "平台登不上"]
    assert seen[0].service == {
        "kind": "topic_created",
        "who": "青蓝助手",
        "text": "远程培训答疑",
    }
    assert [one.text for one in world.seen_by(wang.id, hall.id, topic=0)] == ["通知"]
    assert world.unread(wang.id, hall.id, topic=0) == 1  # General was not looked at
    assert world.unread(wang.id, hall.id, topic=thread) == 0  # writing reads
    world.mark_read(wang.id, hall.id)
    assert world.unread(wang.id, hall.id) == 0
    # An answer stays in the topic of what it answers.
    reply = await ptb.send_message(hall.id, "已处理", reply_to_message_id=asked.id)
    assert reply.message_thread_id == thread


async def test_a_closed_topic_is_for_administrators(
    ptb: Bot, world: World, hall: Chat, wang: Person, li: Person
) -> None:
    thread = (await ptb.create_forum_topic(hall.id, "报名")).message_thread_id
    await ptb.close_forum_topic(hall.id, thread)
    with pytest.raises(ImpossibleAct, match="closed"):
        world.say(wang.id, hall.id, "还能报吗", topic=thread)
    world.say(li.id, hall.id, "已截止", topic=thread)
    await ptb.send_message(hall.id, "管理员可以写", message_thread_id=thread)
    with pytest.raises(BadRequest, match=r"(?i)TOPIC_NOT_MODIFIED"):
        await ptb.close_forum_topic(hall.id, thread)

    hall.bot_status = "member"
    with pytest.raises(BadRequest, match=r"(?i)TOPIC_CLOSED"):
        await ptb.send_message(hall.id, "普通成员不行", message_thread_id=thread)
    with pytest.raises(BadRequest, match=r"(?i)not enough rights"):
        await ptb.reopen_forum_topic(hall.id, thread)


async def test_a_deleted_topic_is_gone_with_all_that_was_in_it(
    ptb: Bot, world: World, hall: Chat, wang: Person
) -> None:
    thread = (await ptb.create_forum_topic(hall.id, "临时")).message_thread_id
    await ptb.send_message(hall.id, "一", message_thread_id=thread)
    await ptb.send_message(hall.id, "留下")
    await ptb.delete_forum_topic(hall.id, thread)
    with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
        await ptb.send_message(hall.id, "二", message_thread_id=thread)
    assert [one.text for one in world.seen_by(wang.id, hall.id)] == ["留下"]


async def test_an_administrator_deletes_a_topic_and_the_bot_finds_out_by_writing(
    ptb: Bot, world: World, hall: Chat, li: Person
) -> None:
    topic = forum.act(world, li.id, hall.id, "create", {"name": "临时"})
    heard = await ptb.get_updates(timeout=0)
    forum.act(world, li.id, hall.id, "delete", {"topic": topic.id})
    assert not await ptb.get_updates(offset=heard[-1].update_id + 1, timeout=0)
    with pytest.raises(BadRequest, match=r"(?i)thread not found"):
        await ptb.send_message(hall.id, "在吗", message_thread_id=topic.id)


async def test_without_the_right_to_manage_topics_a_closed_one_is_closed(
    ptb: Bot, world: World, hall: Chat, li: Person
) -> None:
    topic = forum.act(world, li.id, hall.id, "create", {"name": "公告"})
    world.add_bot(li.id, hall.id, as_admin=True, without=("can_manage_topics", "can_pin_messages"))
    forum.act(world, li.id, hall.id, "close", {"topic": topic.id})
    with pytest.raises(BadRequest, match=r"(?i)topic_closed"):
        await ptb.send_message(hall.id, "通知", message_thread_id=topic.id)
    with pytest.raises(BadRequest, match=r"(?i)not enough rights"):
        await ptb.close_forum_topic(hall.id, topic.id)
    sent = await ptb.send_message(hall.id, "通知")
    with pytest.raises(BadRequest, match=r"(?i)not enough rights"):
        await ptb.pin_chat_message(hall.id, sent.message_id)
    me = await ptb.get_chat_member(hall.id, ptb.id)
    assert isinstance(me, ChatMemberAdministrator)
    assert (me.can_manage_topics, me.can_delete_messages) == (False, True)


async def test_a_silenced_bot_is_told_so_and_told_when_it_may_write_again(
    ptb: Bot, world: World, group: Chat, wang: Person
) -> None:
    world.restrict_bot(wang.id, group.id, may_write=False)
    with pytest.raises(BadRequest, match=r"(?i)not enough rights to send"):
        await ptb.send_message(group.id, "通知")
    world.restrict_bot(wang.id, group.id, may_write=True)
    await ptb.send_message(group.id, "通知")
    moved = [one.my_chat_member for one in await ptb.get_updates(timeout=0)]
    changes = [(one.old_chat_member.status, one.new_chat_member) for one in moved if one]
    assert changes[0][0] == "member"
    assert isinstance(changes[0][1], ChatMemberRestricted)
    assert changes[0][1].can_send_messages is False
    assert (changes[1][0], changes[1][1].status) == ("restricted", "member")


async def test_a_bot_that_leaves_is_told_of_it_as_of_any_other_move(
    ptb: Bot, world: World, group: Chat, wang: Person
) -> None:
    await ptb.leave_chat(group.id)
    (update,) = await ptb.get_updates(timeout=0)
    assert update.my_chat_member is not None
    assert update.my_chat_member.from_user.id == ptb.id
    assert update.my_chat_member.new_chat_member.status == "left"
    world.add_bot(wang.id, group.id)
    await ptb.send_message(group.id, "我回来了")


async def test_only_a_forum_has_topics(ptb: Bot, world: World, group: Chat, wang: Person) -> None:
    with pytest.raises(BadRequest, match=r"(?i)not a forum"):
        await ptb.create_forum_topic(group.id, "话题")
    with pytest.raises(BadRequest, match=r"(?i)message thread not found"):
        await ptb.send_message(group.id, "x", message_thread_id=5)
    plain = world.add_group("临时小组", members=[wang.id], supergroup=False)
    with pytest.raises(ImpossibleAct, match="supergroup"):
        world.set_forum(plain.id, True)


async def test_an_administrator_tends_topics_and_a_member_does_not(
    ptb: Bot, world: World, hall: Chat, wang: Person, li: Person
) -> None:
    with pytest.raises(ImpossibleAct, match="administrators"):
        forum.act(world, wang.id, hall.id, "create", {"name": "聊天"})
    topic = forum.act(world, li.id, hall.id, "create", {"name": "学时"})
    forum.act(world, li.id, hall.id, "rename", {"topic": topic.id, "name": "学时与证书"})
    forum.act(world, li.id, hall.id, "close", {"topic": topic.id})
    forum.act(world, li.id, hall.id, "close", {"topic": topic.id})  # twice is once
    told = [update.message for update in await ptb.get_updates() if update.message]
    assert [one.message_thread_id for one in told] == [topic.id] * 3
    assert [
        bool(one.forum_topic_created or one.forum_topic_edited or one.forum_topic_closed)
        for one in told
    ] == [True] * 3
    assert hall.topics[topic.id].name == "学时与证书"


async def test_the_second_client_reads_topics_too(
    aiogram: Aiogram, world: World, hall: Chat, wang: Person
) -> None:
    topic = await aiogram.create_forum_topic(hall.id, "答疑")
    await aiogram.edit_forum_topic(hall.id, topic.message_thread_id, name="答疑区")
    sent = await aiogram.send_message(hall.id, "你好", message_thread_id=topic.message_thread_id)
    assert sent.is_topic_message
    world.say(wang.id, hall.id, "在", topic=topic.message_thread_id)
    (update,) = (await aiogram.get_updates())[-1:]
    assert update.message is not None
    assert update.message.chat.is_forum
