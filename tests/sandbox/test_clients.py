"""Two independent client libraries, each running its own bot against the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiogram.types as second
import aiohttp
import pytest
from aiogram import Bot as Aiogram
from aiogram import Dispatcher
from aiohttp import web
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputMediaPhoto,
    InputTextMessageContent,
    ReactionTypeEmoji,
    Update,
)
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, MessageHandler, filters

from bot.sandbox import inline, polls
from bot.sandbox.chats import Person
from bot.sandbox.methods import METHODS
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.conftest import picture

EPHEMERAL = {name for name in METHODS if "ephemeral" in name}  # newer than one of the clients
RUNS = {"logout", "close"}  # would end the client's session


# -- the same echo bot, twice --------------------------------------------------------------


@asynccontextmanager
async def ptb_bot(sandbox: Sandbox, *, webhook: bool) -> AsyncIterator[None]:
    """python-telegram-bot: echoes texts, sends files back, answers taps by an edit."""

    async def echo(update: Update, _context: Any) -> None:
        assert update.message is not None
        keys = InlineKeyboardMarkup([[InlineKeyboardButton("好", callback_data="ok")]])
        await update.message.reply_text(f"你说：{update.message.text}", reply_markup=keys)

    async def back(update: Update, _context: Any) -> None:
        assert update.message is not None
        assert update.message.document is not None
        file = await update.message.document.get_file()
        data = bytes(await file.download_as_bytearray())
        await update.message.reply_document(
            data, filename=f"回_{update.message.document.file_name}"
        )

    async def tapped(update: Update, _context: Any) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("收到")
        await update.callback_query.edit_message_text("已确认")

    builder = ApplicationBuilder().token(sandbox.token).base_url(f"{sandbox.bot_api}/bot")
    builder = builder.base_file_url(f"{sandbox.bot_api}/file/bot")
    application = (builder.updater(None) if webhook else builder).build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.add_handler(MessageHandler(filters.Document.ALL, back))
    application.add_handler(CallbackQueryHandler(tapped))
    async with application:
        await application.start()
        if webhook:

            async def hook(request: web.Request) -> web.Response:
                update = Update.de_json(await request.json(), application.bot)
                await application.update_queue.put(update)
                return web.Response()

            async with _listening(hook) as url:
                await application.bot.set_webhook(url, secret_token="geheim", max_connections=4)
                yield
                await application.bot.delete_webhook()
        else:
            assert application.updater is not None
            await application.updater.start_polling(timeout=5)
            yield
            await application.updater.stop()
        await application.stop()


@asynccontextmanager
async def aiogram_bot(sandbox: Sandbox, *, webhook: bool) -> AsyncIterator[None]:
    """aiogram: the same."""
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.bot_api))
    client = Aiogram(sandbox.token, session=session)
    dispatcher = Dispatcher()

    @dispatcher.message(lambda message: message.text)
    async def echo(message: second.Message) -> None:
        keys = second.InlineKeyboardMarkup(
            inline_keyboard=[[second.InlineKeyboardButton(text="好", callback_data="ok")]]
        )
        await message.answer(f"你说：{message.text}", reply_markup=keys)

    @dispatcher.message(lambda message: message.document)
    async def back(message: second.Message) -> None:
        assert message.document is not None
        stream = await client.download(message.document)
        assert stream is not None
        name = f"回_{message.document.file_name}"
        await message.answer_document(second.BufferedInputFile(stream.read(), name))

    @dispatcher.callback_query()
    async def tapped(query: second.CallbackQuery) -> None:
        await query.answer("收到")
        assert isinstance(query.message, second.Message)
        await query.message.edit_text("已确认")

    try:
        if webhook:

            async def hook(request: web.Request) -> web.Response:
                await dispatcher.feed_raw_update(client, await request.json())
                return web.Response()

            async with _listening(hook) as url:
                await client.set_webhook(url, secret_token="geheim", max_connections=4)
                yield
                await client.delete_webhook()
        else:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(
                    dispatcher.start_polling(client, polling_timeout=5, handle_signals=False)
                )
                yield
                await asyncio.sleep(0)
                await dispatcher.stop_polling()
                await running
    finally:
        await session.close()
        await dispatcher.fsm.close()


@asynccontextmanager
async def _listening(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[str]:
    async def checked(request: web.Request) -> web.Response:
        assert request.headers["X-Telegram-Bot-Api-Secret-Token"] == "geheim"
        return await answer(request)

    app = web.Application()
    app.router.add_post("/hook", checked)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


@pytest.mark.parametrize("way", ["polling", "webhook"])
@pytest.mark.parametrize("library", [ptb_bot, aiogram_bot])
async def test_an_echo_bot_of_either_library_is_at_home(
    library: Callable[..., AbstractAsyncContextManager[None]],
    way: str,
    sandbox: Sandbox,
    world: World,
    wang: Person,
    li: Person,
) -> None:
    me = wang.id

    def last() -> str:
        return world.seen_by(me, me)[-1].text

    async with library(sandbox, webhook=way == "webhook"):
        world.press_start(li.id)  # somebody else talks in between
        world.say(me, me, "早上好")
        await world.until(lambda: last() == "你说：早上好")
        card = world.seen_by(me, me)[-1]
        query = world.tap(me, me, card.id, card.button("好")["callback_data"])
        assert (await world.answered(query)).text == "收到"
        await world.until(lambda: last() == "已确认")

        data = bytes(range(256)) * 300
        world.send_document(me, me, data, "名册 2026.xlsx")
        await world.until(lambda: not world.seen_by(me, me)[-1].mine)
        document = world.seen_by(me, me)[-1].document
        assert document is not None
        assert document["file_name"] == "回_名册 2026.xlsx"
        stored = world.files.get(document["file_id"])
        assert stored is not None
        assert stored.data == data
        assert any("你说" in one.text for one in world.seen_by(li.id, li.id))


# -- every method, and what each makes of the answer ----------------------------------------


class First:
    """What the scenario needs of python-telegram-bot."""

    Command, Emoji = BotCommand, ReactionTypeEmoji

    def file(self, data: bytes, _name: str) -> Any:
        return data

    def keys(self) -> Any:
        return InlineKeyboardMarkup([[InlineKeyboardButton("好", callback_data="ok")]])

    def command(self) -> Any:
        return BotCommand("hours", "我的学时")

    def photo(self, data: bytes) -> Any:
        return InputMediaPhoto(data)

    def emoji(self) -> Any:
        return ReactionTypeEmoji("👍")

    def article(self) -> Any:
        return InlineQueryResultArticle("1", "学时", InputTextMessageContent("学时"))


class Second:
    """The same of aiogram."""

    def file(self, data: bytes, name: str) -> Any:
        return second.BufferedInputFile(data, name)

    def keys(self) -> Any:
        button = second.InlineKeyboardButton(text="好", callback_data="ok")
        return second.InlineKeyboardMarkup(inline_keyboard=[[button]])

    def command(self) -> Any:
        return second.BotCommand(command="hours", description="我的学时")

    def photo(self, data: bytes) -> Any:
        return second.InputMediaPhoto(media=second.BufferedInputFile(data, "b.png"))

    def emoji(self) -> Any:
        return second.ReactionTypeEmoji(emoji="👍")

    def article(self) -> Any:
        content = second.InputTextMessageContent(message_text="学时")
        return second.InlineQueryResultArticle(id="1", title="学时", input_message_content=content)


@pytest.mark.parametrize("kit", [First(), Second()], ids=["python-telegram-bot", "aiogram"])
async def test_every_answer_parses_in_both_libraries(
    kit: First | Second,
    ptb: Bot,
    aiogram: Aiogram,
    sandbox: Sandbox,
    world: World,
    wang: Person,
    li: Person,
) -> None:
    client: Any = ptb if isinstance(kit, First) else aiogram
    hall = world.add_group("大群", members=[wang.id], admins=[li.id], bot_is_admin=True)
    world.set_forum(hall.id, True)
    world.inline = world.inline_feedback = True
    chat = wang.id

    await client.get_me()
    sent = await client.send_message(
        chat, "<b>你好</b>", parse_mode="HTML", reply_markup=kit.keys()
    )
    await client.edit_message_text("改了", chat_id=chat, message_id=sent.message_id)
    await client.edit_message_reply_markup(
        chat_id=chat, message_id=sent.message_id, reply_markup=kit.keys()
    )
    await client.forward_message(chat, from_chat_id=chat, message_id=sent.message_id)
    await client.copy_message(chat, from_chat_id=chat, message_id=sent.message_id)
    await client.send_chat_action(chat, "typing")
    await client.set_message_reaction(chat, sent.message_id, reaction=[kit.emoji()])
    photo = await client.send_photo(chat, kit.file(picture(), "a.png"), caption="图")
    await client.edit_message_caption(chat_id=chat, message_id=photo.message_id, caption="新说明")
    await client.edit_message_media(
        media=kit.photo(picture()), chat_id=chat, message_id=photo.message_id
    )
    document = await client.send_document(chat, kit.file(b"x" * 10, "名册.csv"))
    file = await client.get_file(document.document.file_id)
    assert file.file_size == 10
    await client.send_video(chat, kit.file(b"x" * 10, "课例.mp4"))
    await client.send_contact(chat, "8610000000009", "联系人")
    await client.send_location(chat, latitude=30.5, longitude=104.0)
    await client.send_venue(chat, latitude=30.5, longitude=104.0, title="校", address="路 1 号")
    poll = await client.send_poll(chat, "去吗？", ["去", "不去"], is_anonymous=False)
    polls.vote(world, chat, chat, poll.message_id, [0])
    await client.stop_poll(chat, poll.message_id)
    await client.pin_chat_message(chat, sent.message_id)
    await client.get_chat(chat)
    await client.unpin_chat_message(chat, message_id=sent.message_id)
    world.tap(chat, chat, sent.message_id, "ok")
    await client.answer_callback_query(next(iter(world.taps)), "好", show_alert=True)
    await client.delete_message(chat, photo.message_id)
    await client.delete_messages(chat, [document.message_id, 999_999])

    topic = await client.create_forum_topic(hall.id, "答疑")
    thread = topic.message_thread_id
    await client.send_message(hall.id, "在此提问", message_thread_id=thread)
    await client.edit_forum_topic(hall.id, thread, name="答疑区")
    await client.close_forum_topic(hall.id, thread)
    await client.reopen_forum_topic(hall.id, thread)
    await client.delete_forum_topic(hall.id, thread)
    await client.get_forum_topic_icon_stickers()
    chat_info = await client.get_chat(hall.id)
    assert chat_info.is_forum
    await client.get_chat_member(hall.id, wang.id)
    await client.get_chat_administrators(hall.id)
    await client.get_chat_member_count(hall.id)

    await client.set_my_commands([kit.command()])
    await client.get_my_commands()
    await client.delete_my_commands()
    await client.set_my_name("青蓝")
    await client.get_my_name()
    await client.set_my_description("培训助手")
    await client.get_my_description()
    await client.set_my_short_description("培训")
    await client.get_my_short_description()
    await client.set_chat_menu_button()
    await client.get_chat_menu_button()
    query = inline.ask(world, chat, chat, "学时")
    await client.answer_inline_query(query.id, [kit.article()])
    inline.choose(world, chat, chat, query.id, "1")
    if isinstance(kit, Second):
        world.say(chat, hall.id, "/hours")
        shown = await aiogram.send_message(
            hall.id, "仅你可见", ephemeral_message_parameters=_only_for(chat)
        )
        assert shown.ephemeral_message_id is not None
        number = shown.ephemeral_message_id
        await aiogram.edit_ephemeral_message_text(hall.id, chat, number, "改")
        await aiogram.edit_ephemeral_message_reply_markup(
            hall.id, chat, number, reply_markup=kit.keys()
        )
        await aiogram.delete_ephemeral_message(hall.id, chat, number)

    # People do everything that people can, and every update parses too.
    everything = [
        *("message", "edited_message", "callback_query", "my_chat_member", "chat_member"),
        *("poll", "poll_answer", "inline_query", "chosen_inline_result"),
    ]
    await client.get_updates(allowed_updates=everything)
    said = world.say(chat, chat, "一")
    world.edit(chat, chat, said.id, "二")
    world.share_contact(chat, chat)
    world.share_location(chat, chat, 1.0, 2.0)
    world.send_photo(chat, chat, picture())
    world.join(wang.id, hall.id)
    world.leave(wang.id, hall.id)
    world.join(wang.id, hall.id)
    world.set_status(wang.id, hall.id, "administrator")
    world.block(li.id)
    plain = world.add_group("小组", members=[wang.id], supergroup=False)
    world.migrate(plain.id)
    before = len(world.updates)
    updates = await client.get_updates(allowed_updates=everything)
    assert len(updates) == before
    assert not any(getattr(one, "api_kwargs", None) for one in updates)
    await client.leave_chat(hall.id)

    called = {name.split(":")[0].lower() for name in sandbox.counts}
    missing = set(METHODS) - RUNS - called
    assert missing <= (EPHEMERAL if isinstance(kit, First) else {"editephemeralmessagecaption"})
    refused = [name for name in sandbox.counts if ": " in name]
    assert refused == []


def _only_for(person_id: int) -> Any:
    return second.EphemeralMessageParameters(receiver_user_id=person_id)


# -- what is unknown -----------------------------------------------------------------------


async def test_unknown_methods_and_parameters_answer_as_on_telegram(
    sandbox: Sandbox, wang: Person
) -> None:
    async with aiohttp.ClientSession() as http:

        async def call(path: str, **body: Any) -> tuple[int, Any]:
            async with http.post(f"{sandbox.bot_api}/{path}", json=body) as answer:
                return answer.status, await answer.json()

        not_found = {"ok": False, "error_code": 404, "description": "Not Found"}
        assert await call(f"bot{sandbox.token}/sendNothing", chat_id=1) == (404, not_found)
        assert await call(f"bot{sandbox.token}/") == (404, not_found)
        unauthorized = {"ok": False, "error_code": 401, "description": "Unauthorized"}
        assert await call("bot1:wrong/getMe") == (401, unauthorized)
        # Names are read without their case, and what is not known is passed over.
        status, answer = await call(
            f"bot{sandbox.token}/SENDmessage", chat_id=wang.id, text="好", colour="blue"
        )
        assert (status, answer["ok"]) == (200, True)
        status, answer = await call(f"bot{sandbox.token}/sendMessage", text="好")
        assert (status, answer["description"]) == (400, "Bad Request: chat_id is empty")
        status, answer = await call(f"bot{sandbox.token}/sendMessage", chat_id="nobody", text="好")
        assert (status, answer["description"]) == (400, "Bad Request: chat not found")
