"""What the bot sends, changes and deletes, through python-telegram-bot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden

from bot.sandbox.chats import Chat, Person
from bot.sandbox.world import World


def keyboard(**buttons: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data) for label, data in buttons.items()]]
    )


async def test_a_text_arrives_where_it_was_sent(ptb: Bot, world: World, wang: Person) -> None:
    message = await ptb.send_message(wang.id, "研修通知\n请查收")

    seen = world.seen_by(wang.id, wang.id)[-1]
    assert (seen.text, seen.mine, seen.sender) == ("研修通知\n请查收", False, "青蓝助手")
    assert message.message_id == seen.id
    assert message.chat.first_name == "王芳"
    assert message.from_user is not None
    assert message.from_user.is_bot


async def test_html_becomes_text_and_entities_in_utf16_units(
    ptb: Bot, world: World, wang: Person
) -> None:
    message = await ptb.send_message(
        wang.id,
        '😀 <b>粗<i>斜</i></b> <a href="https://example.org/?a=1&amp;b=2">链接</a> &lt;3 '
        '<pre><code class="language-python">x = 1</code></pre>'
        '<blockquote expandable>引文</blockquote><span class="tg-spoiler">隐</span>'
        '<tg-time unix="1800000000" format="wDT">那天</tg-time>',
        parse_mode=ParseMode.HTML,
    )

    assert message.text == "😀 粗斜 链接 <3 x = 1引文隐那天"
    parsed = {entity.type: text for entity, text in message.parse_entities().items()}
    assert parsed == {
        "bold": "粗斜",
        "italic": "斜",
        "text_link": "链接",
        "pre": "x = 1",
        "expandable_blockquote": "引文",
        "spoiler": "隐",
        "date_time": "那天",
    }
    assert message.entities[0].offset == 3
    assert next(one for one in message.entities if one.type == "pre").language == "python"


@pytest.mark.parametrize(
    ("html", "refusal"),
    [
        ("<x>a</x>", 'Unsupported start tag "x" at byte offset 0'),
        ("中<u", "Unclosed start tag at byte offset 3"),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        (
            "<b>a</i>",
            'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
        ),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        (
            "<a href>x</a>",
            'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0',
        ),
    ],
)
async def test_html_is_read_as_strictly_as_telegram_does(
    ptb: Bot, wang: Person, html: str, refusal: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await ptb.send_message(wang.id, html, parse_mode=ParseMode.HTML)
    # The client lowers all letters but the first.
    assert refused.value.message.lower() == f"can't parse entities: {refusal}".lower()


async def test_texts_and_captions_have_their_limits(ptb: Bot, wang: Person) -> None:
    await ptb.send_message(wang.id, "😀" * 2048)
    await ptb.send_message(wang.id, f"<b>{'字' * 4096}</b>", parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match=r"^Message is too long$"):
        await ptb.send_message(wang.id, "😀" * 2048 + "字")
    with pytest.raises(BadRequest, match=r"^Message text is empty$"):
        await ptb.send_message(wang.id, " \n ")
    with pytest.raises(BadRequest, match=r"^Message text is empty$"):
        await ptb.send_message(wang.id, "<b></b>", parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match=r"^Message caption is too long$"):
        await ptb.send_document(wang.id, b"x", filename="x.txt", caption="字" * 1025)


async def test_buttons_are_checked(ptb: Bot, wang: Person, group: Chat) -> None:
    async def send(button: InlineKeyboardButton) -> None:
        await ptb.send_message(wang.id, "x", reply_markup=InlineKeyboardMarkup([[button]]))

    await send(InlineKeyboardButton("好", callback_data="a" * 64))
    await send(InlineKeyboardButton("链接", url="https://t.me/qinglan_bot?start=a"))
    for data in ("a" * 65, "字" * 22):
        with pytest.raises(BadRequest, match=r"^Button_data_invalid$"):
            await send(InlineKeyboardButton("太长", callback_data=data))
    with pytest.raises(BadRequest, match="exactly one of the optional fields"):
        await send(InlineKeyboardButton("两个", callback_data="a", url="https://example.org"))
    with pytest.raises(BadRequest, match="exactly one of the optional fields"):
        await send(InlineKeyboardButton("没有"))
    with pytest.raises(BadRequest, match="wrong http url"):
        await send(InlineKeyboardButton("坏", url="not a link"))

    contact = ReplyKeyboardMarkup([[KeyboardButton("手机号", request_contact=True)], ["取消"]])
    await ptb.send_message(wang.id, "x", reply_markup=contact)
    with pytest.raises(BadRequest, match="can be requested in private chats only"):
        await ptb.send_message(group.id, "x", reply_markup=contact)


async def test_a_keyboard_under_the_text_box_comes_and_goes(
    ptb: Bot, world: World, wang: Person
) -> None:
    asked = await ptb.send_message(
        wang.id,
        "请分享手机号",
        reply_markup=ReplyKeyboardMarkup(
            [[KeyboardButton("分享", request_contact=True)]], one_time_keyboard=True
        ),
    )
    assert asked.reply_markup is None
    chat = world.chat(wang.id)
    assert chat.keyboards[wang.id]["keyboard"][0][0]["request_contact"] is True

    world.share_contact(wang.id, wang.id)
    assert wang.id not in chat.keyboards

    await ptb.send_message(wang.id, "菜单", reply_markup=ReplyKeyboardMarkup([["学时"]]))
    await ptb.send_message(wang.id, "好", reply_markup=ReplyKeyboardRemove())
    assert wang.id not in chat.keyboards


async def test_an_edit_changes_text_and_buttons(ptb: Bot, world: World, wang: Person) -> None:
    message = await ptb.send_message(wang.id, "甲", reply_markup=keyboard(报名="r:1"))
    await message.edit_reply_markup(keyboard(退出="w:1"))
    assert not world.seen_by(wang.id, wang.id)[-1].edited

    await message.edit_text("<b>乙</b>", parse_mode=ParseMode.HTML)

    seen = world.seen_by(wang.id, wang.id)[-1]
    assert (seen.text, seen.buttons, seen.edited) == ("乙", [], True)
    assert seen.entities == [{"type": "bold", "offset": 0, "length": 1}]


async def test_edits_that_telegram_refuses_are_refused(
    ptb: Bot, world: World, wang: Person
) -> None:
    message = await ptb.send_message(wang.id, "甲", reply_markup=keyboard(报名="r:1"))
    theirs = world.say(wang.id, wang.id, "我的话")
    document = await ptb.send_document(wang.id, b"x", filename="x.txt")

    with pytest.raises(BadRequest, match=r"^Message is not modified: specified new message"):
        await message.edit_text("甲", reply_markup=keyboard(报名="r:1"))
    with pytest.raises(BadRequest, match=r"^Message to edit not found$"):
        await ptb.edit_message_text("乙", wang.id, 987)
    with pytest.raises(BadRequest, match=r"^Message can't be edited$"):
        await ptb.edit_message_text("乙", wang.id, theirs.id)
    with pytest.raises(BadRequest, match=r"^There is no text in the message to edit$"):
        await ptb.edit_message_text("乙", wang.id, document.message_id)
    with pytest.raises(BadRequest, match=r"^There is no caption in the message to edit$"):
        await ptb.edit_message_caption(wang.id, message.message_id, caption="乙")


async def test_messages_are_deleted_within_two_days(ptb: Bot, world: World, wang: Person) -> None:
    first = await ptb.send_message(wang.id, "一")
    second = await ptb.send_message(wang.id, "二")
    theirs = world.say(wang.id, wang.id, "三")

    assert await first.delete()
    assert await ptb.delete_messages(wang.id, [second.message_id, theirs.id, 999])
    assert world.seen_by(wang.id, wang.id) == []
    with pytest.raises(BadRequest, match=r"^Message to delete not found$"):
        await first.delete()

    old = await ptb.send_message(wang.id, "旧")
    world.clock.advance(timedelta(hours=49))
    with pytest.raises(BadRequest, match=r"^Message can't be deleted for everyone$"):
        await old.delete()


async def test_the_bot_cannot_write_where_it_is_not_wanted(
    ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    with pytest.raises(BadRequest, match=r"^Chat not found$"):
        await ptb.send_message(123, "x")
    with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
        await ptb.send_message(li.id, "x")
    world.press_start(li.id)
    await ptb.send_message(li.id, "x")
    world.block(li.id)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await ptb.send_message(li.id, "x")
    world.unblock(li.id)
    await ptb.send_message(li.id, "x")
    world.deactivate(li.id)
    with pytest.raises(Forbidden, match="user is deactivated"):
        await ptb.send_message(li.id, "x")
    group.bot_may_write = False
    with pytest.raises(BadRequest, match=r"^Not enough rights to send text messages"):
        await ptb.send_message(group.id, "x")
    world.kick_bot(wang.id, group.id)
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await ptb.send_message(group.id, "x")
    world.add_bot(wang.id, group.id)
    await ptb.leave_chat(group.id)
    with pytest.raises(Forbidden, match="bot is not a member of the supergroup chat"):
        await ptb.send_message(group.id, "x")


async def test_a_group_that_became_a_supergroup_tells_its_new_id(
    ptb: Bot, world: World, wang: Person
) -> None:
    old = world.add_group("备课组", members=[wang.id], supergroup=False)
    new = world.migrate(old.id)

    with pytest.raises(ChatMigrated) as moved:
        await ptb.send_message(old.id, "x")
    assert moved.value.new_chat_id == new.id
    await ptb.send_message(new.id, "x")

    updates = await ptb.get_updates()
    messages = [update.message for update in updates if update.message]
    assert messages[0].migrate_to_chat_id == new.id
    assert messages[1].migrate_from_chat_id == old.id


async def test_a_reply_shows_what_it_replies_to(ptb: Bot, world: World, wang: Person) -> None:
    question = world.say(wang.id, wang.id, "几学时？")

    answer = await ptb.send_message(
        wang.id, "十学时", reply_parameters=ReplyParameters(question.id)
    )
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.text == "几学时？"
    assert world.seen_by(wang.id, wang.id)[-1].reply_to == {
        "id": question.id,
        "sender": "王芳",
        "text": "几学时？",
    }
    with pytest.raises(BadRequest, match=r"^Message to be replied not found$"):
        await ptb.send_message(wang.id, "x", reply_parameters=ReplyParameters(999))
    await ptb.send_message(
        wang.id,
        "x",
        reply_parameters=ReplyParameters(999, allow_sending_without_reply=True),
    )


async def test_messages_are_forwarded_copied_pinned_and_reacted_to(
    ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    theirs = world.say(wang.id, wang.id, "我的话")
    forwarded = await ptb.forward_message(group.id, wang.id, theirs.id)
    assert forwarded.forward_origin is not None
    assert world.seen_by(wang.id, group.id)[-1].forwarded_from == "王芳"
    copied = await ptb.copy_message(group.id, wang.id, theirs.id)
    assert world.seen_by(wang.id, group.id)[-1].text == "我的话"

    with pytest.raises(BadRequest, match=r"^Not enough rights to manage pinned messages"):
        await ptb.pin_chat_message(group.id, copied.message_id)
    world.add_bot(wang.id, group.id, as_admin=True)
    await ptb.pin_chat_message(group.id, copied.message_id)
    full = await ptb.get_chat(group.id)
    assert full.pinned_message is not None
    assert full.pinned_message.message_id == copied.message_id
    assert await ptb.unpin_chat_message(group.id)

    assert await ptb.set_message_reaction(wang.id, theirs.id, "👍")
    assert world.seen_by(wang.id, wang.id)[-1].reaction == "👍"
    assert await ptb.send_chat_action(wang.id, ChatAction.TYPING)


async def test_supergroups_count_their_own_messages(
    ptb: Bot, wang: Person, li: Person, world: World, group: Chat
) -> None:
    world.press_start(li.id)
    first = await ptb.send_message(wang.id, "a")
    second = await ptb.send_message(li.id, "b")
    in_group = await ptb.send_message(group.id, "c")
    assert second.message_id == first.message_id + 1
    assert in_group.message_id == 1
