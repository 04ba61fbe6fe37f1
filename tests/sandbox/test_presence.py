"""How the bot presents itself, and what it can ask about chats and members."""

from __future__ import annotations

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeChatAdministrators,
    BotCommandScopeChatMember,
    MenuButtonCommands,
)
from telegram.error import BadRequest

from bot.sandbox.chats import Chat, Person
from bot.sandbox.world import World


async def test_a_reader_sees_the_nearest_command_list(
    ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    async def put(name: str, scope: object, language: str | None = None) -> None:
        command = BotCommand(name, "说明")
        await ptb.set_my_commands([command], scope=scope, language_code=language)  # type: ignore[arg-type]

    def shown(person: Person, chat_id: int) -> list[str]:
        return [one["command"] for one in world.commands_for(person.id, chat_id)]

    await put("default", None)
    assert shown(wang, wang.id) == shown(wang, group.id) == ["default"]
    await put("chinese", None, "zh")
    assert shown(wang, wang.id) == ["chinese"]
    await put("private", BotCommandScopeAllPrivateChats())
    assert shown(wang, wang.id) == ["private"]
    await put("mine", BotCommandScopeChat(wang.id))
    assert (shown(wang, wang.id), shown(li, li.id)) == (["mine"], ["private"])
    await put("groups", BotCommandScopeAllGroupChats())
    await put("leaders", BotCommandScopeChatAdministrators(group.id))
    assert (shown(wang, group.id), shown(li, group.id)) == (["groups"], ["leaders"])
    await put("only_li", BotCommandScopeChatMember(group.id, li.id))
    assert shown(li, group.id) == ["only_li"]

    assert (await ptb.get_my_commands(language_code="zh"))[0].command == "chinese"
    await ptb.delete_my_commands(scope=BotCommandScopeChat(wang.id))
    assert shown(wang, wang.id) == ["private"]


async def test_wrong_commands_are_refused(ptb: Bot) -> None:
    for command in ("Hours", "学时", "a" * 33):
        with pytest.raises(BadRequest, match=r"^Bot_command_invalid$"):
            await ptb.set_my_commands([(command, "说明")])
    with pytest.raises(BadRequest, match=r"^Invalid language code specified$"):
        await ptb.set_my_commands([("hours", "说明")], language_code="zh-hans")


async def test_name_and_descriptions_are_kept_for_each_language(ptb: Bot, world: World) -> None:
    await ptb.set_my_name("Qinglan")
    await ptb.set_my_name("青蓝", language_code="zh")
    await ptb.set_my_description("教师研修助手")
    await ptb.set_my_short_description("研修")
    assert (await ptb.get_my_name()).name == "Qinglan"
    assert (await ptb.get_my_name("zh")).name == "青蓝"
    assert (await ptb.get_my_description("zh")).description == "教师研修助手"
    assert (await ptb.get_my_short_description()).short_description == "研修"
    with pytest.raises(BadRequest, match="too_long"):
        await ptb.set_my_name("字" * 65)


async def test_the_menu_button_is_kept(ptb: Bot, wang: Person) -> None:
    assert await ptb.set_chat_menu_button(wang.id, MenuButtonCommands())
    assert (await ptb.get_chat_menu_button(wang.id)).type == "commands"
    assert (await ptb.get_chat_menu_button()).type == "commands"


async def test_chats_and_members_can_be_asked_about(
    ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    stranger = world.add_person("路人")
    assert (await ptb.get_chat(group.id)).title == "实验小学教研群"
    assert (await ptb.get_chat(wang.id)).first_name == "王芳"
    assert (await ptb.get_chat_member(group.id, wang.id)).status == "member"
    assert (await ptb.get_chat_member(group.id, stranger.id)).status == "left"
    assert (await ptb.get_chat_member(group.id, world.bot_id)).status == "member"
    assert [one.user.id for one in await ptb.get_chat_administrators(group.id)] == [li.id]
    assert await ptb.get_chat_member_count(group.id) == 3
    with pytest.raises(BadRequest, match=r"^Participant_id_invalid$"):
        await ptb.get_chat_member(group.id, 5)
    with pytest.raises(BadRequest, match="no administrators in the private chat"):
        await ptb.get_chat_administrators(wang.id)


async def test_being_added_and_thrown_out_is_told(
    ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    world.kick_bot(wang.id, group.id)
    world.open_group_link(wang.id, group.id, "bind_1")
    out, back, joined, started = await ptb.get_updates()
    assert out.my_chat_member is not None
    assert out.my_chat_member.new_chat_member.status == "kicked"
    assert back.my_chat_member is not None
    assert back.my_chat_member.new_chat_member.status == "member"
    assert joined.message is not None
    assert joined.message.new_chat_members[0].id == world.bot_id
    assert started.message is not None
    assert started.message.text == "/start@qinglan_bot bind_1"


async def test_leaving_the_server_is_possible(ptb: Bot) -> None:
    assert await ptb.log_out()
    assert await ptb.close()
