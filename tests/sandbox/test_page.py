"""The chat page in a real browser: a newcomer becomes a person, writes, taps, sends files."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime, timedelta
from pathlib import Path

from playwright.async_api import expect
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ParseMode

from bot.sandbox.chats import Chat, Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.browser import CARD, MARKS, TEXT, answering, shot, windows
from tests.sandbox.conftest import picture

pytestmark = MARKS


async def crowd(ptb: Bot, world: World) -> None:
    subjects = ("语文", "数学", "英语", "物理")
    for number in range(300):
        school = f"第{number % 9 + 1}小学"
        world.add_person(f"教师{number:03d}", note=f"{school} · {subjects[number % 4]}")
    await ptb.set_my_commands([("hours", "我的学时"), ("menu", "研修菜单"), ("photo", "看海报")])
    await ptb.set_my_description("这里可以报名研修、查学时、看提醒。")


async def test_a_newcomer_writes_taps_and_moves_the_clock(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    await crowd(ptb, world)

    async def next_event() -> datetime | None:
        return world.clock() + timedelta(days=1, hours=2)

    sandbox.next_event = next_event
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open()
        await expect(page.locator("#notice")).to_contain_text("所有人物均为虚构")
        await expect(page.locator("#people-list button").first).to_contain_text("王芳")
        await expect(page.locator("#people-count")).to_contain_text("302 人")
        await shot(page, "people")
        await page.fill("#search", "李强")
        await expect(page.locator("#people-list button")).to_have_count(1)
        await page.press("#search", "Enter")
        await expect(page.locator(".welcome")).to_contain_text("报名研修")
        await shot(page, "before-start")

        await page.click("#start")
        await expect(page.locator(".theirs .text")).to_have_text("欢迎！收到 /start")
        await page.fill("#text", "你好")
        await page.press("#text", "Shift+Enter")
        await page.type("#text", "第二行")
        await page.press("#text", "Enter")
        await expect(page.locator(".theirs .text").last).to_have_text("你说：你好\n第二行")
        await page.fill("#text", "卡片")
        await page.press("#text", "Enter")
        await expect(page.locator(".theirs b").last).to_have_text("2027 年春季校本研修")
        await expect(page.locator(".theirs").last).to_contain_text("<不是标签>")
        await page.click(".inline:has-text('详情')")
        await expect(page.locator(".toast")).to_have_text("详情已发到私聊")
        await page.click(".inline:has-text('报名')")
        await expect(page.locator("dialog p")).to_contain_text("已为你保留座位。")
        await shot(page, "alert")
        await page.keyboard.press("Escape")
        await expect(page.locator("dialog[open]")).to_have_count(0)
        await expect(page.locator(".theirs .meta").last).to_contain_text("已编辑")

        before = world.clock()
        await page.click("#clock button:has-text('+1 天')")
        await page.click("#next-event")
        await expect(page.locator(".toast").last).to_contain_text("已到下一事件：3月3日")
        assert world.clock() - before >= timedelta(days=2, hours=2)
        await expect(page.locator("#time")).to_contain_text("2027年3月3日")
        await page.fill("#text", "后来")
        await page.click("#send")
        await expect(page.locator(".day").last).to_contain_text("2027年3月3日")
        await shot(page, "clock")

        await page.click("#menu summary")
        await page.click("#menu button:has-text('拉黑机器人')")
        await expect(page.locator("#start")).to_have_text("解除拉黑并重新开始")
        assert world.people[li.id].blocked


async def test_commands_and_keys_need_no_mouse(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person
) -> None:
    await crowd(ptb, world)
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{wang.id}")
        await page.fill("#text", "/")
        await expect(page.locator("#commands li")).to_have_count(3)
        await shot(page, "commands")
        await page.press("#text", "ArrowDown")
        await page.press("#text", "ArrowDown")
        await expect(page.locator("#commands [aria-selected=true]")).to_contain_text("/photo")
        await page.press("#text", "Enter")
        await expect(page.locator(".photo img")).to_be_visible()
        await page.fill("#text", "/h")
        await page.press("#text", "Escape")
        await expect(page.locator("#commands")).to_be_hidden()
        await page.fill("#text", "第一")
        await page.press("#text", "Enter")
        await expect(page.locator(".theirs .text").last).to_have_text("你说：第一")
        await page.press("#text", "ArrowUp")
        await expect(page.locator("#text")).to_have_value("第一")
        await page.fill("#text", "改过了")
        await page.press("#text", "Enter")
        await expect(page.locator(".mine .text").last).to_have_text("改过了")
        await page.press("#text", "Control+ArrowUp")
        await expect(page.locator("#replying")).to_contain_text("你说：第一")
        await page.fill("#text", "回复它")
        await page.press("#text", "Enter")
        await expect(page.locator(".mine .quoted")).to_contain_text("你说：第一")
        await page.focus("#messages")
        await page.keyboard.press("Tab")
        focused = "document.activeElement.closest('#messages, #bottom') !== null"
        assert await page.evaluate(focused)


async def test_files_pictures_numbers_and_places_go_both_ways(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person
) -> None:
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{wang.id}")
        await page.fill("#text", "/start")
        await page.press("#text", "Enter")
        await page.click("#keyboard button:has-text('发手机号')")
        await page.click("dialog button:has-text('发送手机号')")
        await expect(page.locator(".mine .contact")).to_contain_text("王芳")
        await expect(page.locator(".theirs .text").last).to_contain_text("收到手机号")
        await page.click("#keyboard button:has-text('发位置')")
        await page.fill("dialog [name=latitude]", "28.5")
        await page.keyboard.press("Enter")
        await expect(page.locator(".mine .location")).to_contain_text("28.50000")
        await expect(page.locator(".theirs .text").last).to_have_text("收到位置 28.5")
        await shot(page, "contact-location")

        await page.set_input_files(
            "#attach input", {"name": "名单.csv", "mimeType": "text/csv", "buffer": b"abc"}
        )
        await expect(page.locator(".mine .document")).to_contain_text("名单.csv")
        async with page.expect_download() as download:
            await page.locator(".theirs .document").click()
        saved = await download.value
        assert saved.suggested_filename == "倒序.csv"
        assert await asyncio.to_thread(Path(await saved.path()).read_bytes) == b"cba"

        await page.fill("#text", "/photo")
        await page.press("#text", "Enter")
        photo = page.locator(".theirs .photo img")
        assert await photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
        await photo.click()
        await expect(page.locator("#viewer img")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.set_input_files(
            "#attach input",
            {"name": "课堂.png", "mimeType": "image/png", "buffer": picture(200, 120)},
        )
        await page.click("dialog button:has-text('作为图片')")
        await expect(page.locator(".mine .photo img")).to_be_visible()
        sent = [one for one in world.chat(wang.id).messages.values() if "photo" in one.body]
        stored = io.BytesIO()
        file = await ptb.get_file(sent[-1].body["photo"][-1]["file_id"])
        await file.download_to_memory(stored)
        assert stored.getvalue() == picture(200, 120)
        await shot(page, "files")


async def test_links_open_the_right_chat_and_codes_are_copied(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    world.add_bot(li.id, group.id, as_admin=True)
    card = await ptb.send_message(group.id, TEXT, parse_mode=ParseMode.HTML, reply_markup=CARD)
    await ptb.pin_chat_message(group.id, card.message_id)
    adding = InlineKeyboardMarkup(
        [[InlineKeyboardButton("加到群", url="https://t.me/qinglan_bot?startgroup=bind")]]
    )
    world.say(li.id, group.id, "大家记得报名。")
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{group.id}")
        await expect(page.locator(".sender").first).to_have_text("青蓝助手")
        await expect(page.locator("#pinned")).to_contain_text("2027 年春季校本研修")
        await page.click(".spoiler")
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.click(".inline:has-text('复制口令')")
        await expect(page.locator(".toast")).to_have_text("已复制：春分")
        assert await page.evaluate("navigator.clipboard.readText()") == "春分"
        await page.click(".inline:has-text('报名')")
        await page.click("dialog button")
        tap = next(iter(world.taps.values()))
        await ptb.send_message(
            group.id,
            "你已有 30 学时，还差 18 学时。",
            api_kwargs={
                "ephemeral_message_parameters": {
                    "receiver_user_id": wang.id,
                    "callback_query_id": tap.id,
                }
            },
        )
        await expect(page.locator(".only")).to_have_text("仅你可见")
        await shot(page, "group")
        await page.click(".inline:has-text('转到私聊')")
        welcome = page.locator(".theirs .text").last
        await expect(welcome).to_have_text("欢迎！收到 /start from_group")
        assert page.url.endswith(f"#{wang.id}/{wang.id}")
        await ptb.send_message(wang.id, "加群", reply_markup=adding)
        await page.click(".inline:has-text('加到群')")
        await page.click(f"dialog button:has-text('{group.title}')")
        await expect(page.locator("#chat-title")).to_have_text(group.title)


async def test_the_bot_is_seen_typing_and_unread_is_counted(
    sandbox: Sandbox, ptb: Bot, wang: Person, li: Person, world: World, group: Chat
) -> None:
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{wang.id}")
        await page.fill("#text", "慢慢来")
        await page.press("#text", "Enter")
        await expect(page.locator("#chat-note")).to_have_text("正在输入…")
        world.say(li.id, group.id, "一")
        world.say(li.id, group.id, "二")
        row = page.locator(f"#chats [data-chat='{group.id}']")
        await expect(row.locator(".unread")).to_have_text("2")
        await expect(row).to_contain_text("李强：二")
        await row.click()
        await expect(row.locator(".unread")).to_have_count(0)
        await expect(page.locator(".row.theirs")).to_have_count(2)


async def test_three_hundred_messages_are_drawn_once(
    sandbox: Sandbox, world: World, wang: Person, li: Person, group: Chat
) -> None:
    for number in range(300):
        world.say((wang, li)[number % 2].id, group.id, f"第 {number} 句")
    async with windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{group.id}")
        await expect(page.locator(".row")).to_have_count(300)
        assert await page.evaluate(
            "document.querySelector('#messages').scrollTop + 5 >"
            " document.querySelector('#messages').scrollHeight"
            " - document.querySelector('#messages').clientHeight"
        )
        await page.evaluate(
            """() => {
                window.touched = 0;
                new MutationObserver((changes) => changes.forEach((change) => {
                    window.touched += change.addedNodes.length + change.removedNodes.length;
                })).observe(document.querySelector('#messages'), { childList: true });
            }"""
        )
        world.say(li.id, group.id, "新的一句")
        await expect(page.locator(".row").last).to_contain_text("新的一句")
        # One more at the end, one fewer at the beginning, and perhaps the sender's picture.
        assert await page.evaluate("window.touched") <= 6


async def test_one_scrolls_back_as_far_as_there_is_something(
    sandbox: Sandbox, world: World, wang: Person, group: Chat
) -> None:
    for number in range(700):
        world.say(wang.id, group.id, f"第 {number} 句")
    async with windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{group.id}")
        for shown in (300, 600, 700):
            await expect(page.locator(".row")).to_have_count(shown)
            first = await page.locator(".row").first.inner_text()
            await page.locator("#messages").evaluate("list => { list.scrollTop = 100 }")
        assert first.startswith("第 0 句")


async def test_it_fits_a_phone(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    await crowd(ptb, world)
    async with answering(ptb), windows(sandbox.url) as opened:
        for width, height in ((390, 844), (360, 700)):
            page = await opened.open(width, height, touch=True)
            await expect(page.locator("#people-list button").first).to_be_visible()
            await shot(page, f"phone-{width}-people")
            await page.click("#people-list button:has-text('王芳')")
            await expect(page.locator("#chats button").first).to_be_visible()
            await shot(page, f"phone-{width}-chats")
            await page.click(f"#chats [data-chat='{wang.id}']")
            for text in ("/start", "卡片", "/photo"):
                await page.fill("#text", text)
                await page.click("#send")
            await expect(page.locator(".document").last).to_be_visible()
            await page.locator("#messages").evaluate("list => { list.scrollTop = 0 }")
            await shot(page, f"phone-{width}-card")
            await page.locator("#messages").evaluate("list => { list.scrollTop = 1e6 }")
            await shot(page, f"phone-{width}-chat")
            await page.click("#panel-toggle")
            await expect(page.locator("#panel")).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(page.locator("#panel")).to_be_hidden()
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            await page.click("#back")
            await expect(page.locator("#chats")).to_be_visible()
