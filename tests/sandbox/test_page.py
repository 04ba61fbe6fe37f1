"""The chat page in a real browser: a newcomer becomes a person, writes, taps, moves the clock."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.constants import ParseMode

from bot.sandbox.chats import Chat, Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.conftest import picture

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = os.environ.get("SANDBOX_PICTURES")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this machine"),
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TEXT = (
    "<b>2027 年春季校本研修</b>\n时间：<i>3 月 12 日</i> 14:00，地点：实验小学 <code>A301</code>\n"
    "<blockquote>请自带平板电脑。</blockquote>答案：<tg-spoiler>四十二</tg-spoiler>\n"
    '<a href="https://t.me/qinglan_bot?start=join_7">打开报名</a> &lt;不是标签&gt;'
)
CARD = InlineKeyboardMarkup(
    [
        [
            InlineKeyboardButton("报名", callback_data="register", api_kwargs={"style": "primary"}),
            InlineKeyboardButton("详情", callback_data="details"),
        ],
        [InlineKeyboardButton("转到私聊", url="https://t.me/qinglan_bot?start=from_group")],
    ]
)


async def answer(ptb: Bot, update: Update) -> None:
    """An echo bot with a keyboard."""
    if query := update.callback_query:
        if query.data == "register":
            await query.answer("已为你保留座位。\n请于周五前确认。", show_alert=True)
        else:
            await query.answer("详情已发到私聊")
    elif (message := update.message) and message.text:
        if message.text == "/photo":
            await ptb.send_photo(message.chat.id, picture(480, 260, 120), caption="研修海报")
            await ptb.send_document(message.chat.id, b"x" * 5000, filename="研修安排表.xlsx")
        elif message.text.startswith("/start"):
            await ptb.send_message(
                message.chat.id,
                f"欢迎！收到 {message.text}",
                reply_markup=ReplyKeyboardMarkup(
                    [["我的学时", "我的研修"], [KeyboardButton("发手机号", request_contact=True)]],
                    resize_keyboard=True,
                ),
            )
        elif message.text == "卡片":
            await ptb.send_message(
                message.chat.id, TEXT, parse_mode=ParseMode.HTML, reply_markup=CARD
            )
        else:
            await ptb.send_message(message.chat.id, f"你说：{message.text}")


@asynccontextmanager
async def answering(ptb: Bot) -> AsyncIterator[None]:
    async def poll() -> None:
        offset = 0
        while True:
            for update in await ptb.get_updates(offset=offset, timeout=20):
                offset = update.update_id + 1
                await answer(ptb, update)

    async with asyncio.TaskGroup() as group:
        polling = group.create_task(poll())
        try:
            yield
        finally:
            polling.cancel()


@asynccontextmanager
async def browsing(width: int, height: int, *, touch: bool = False) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = await browser.new_context(
            viewport={"width": width, "height": height}, has_touch=touch
        )
        page = await context.new_page()
        page.set_default_timeout(5_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
        await browser.close()
        assert wrong == []


async def shot(page: Page, name: str) -> None:
    """Keep a picture when somebody wants to look at the page."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"sandbox-{name}.png")


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
    async with answering(ptb), browsing(1280, 800) as page:
        await page.goto(sandbox.url)
        await expect(page.locator("#notice")).to_contain_text("所有人物均为虚构")
        await expect(page.locator("#people-list button").first).to_contain_text("王芳")
        await expect(page.locator("#people-count")).to_contain_text("302 人")
        await shot(page, "people")
        await page.fill("#search", "李强")
        await expect(page.locator("#people-list button")).to_have_count(1)
        await page.locator("#people-list button").click()
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
        await page.click("dialog button")

        await page.fill("#text", "/")
        await expect(page.locator("#commands li")).to_have_count(3)
        await shot(page, "commands")
        await page.click("#commands li:has-text('/photo') button")
        photo = page.locator(".photo img")
        await expect(photo).to_be_visible()
        assert await photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 480
        await expect(page.locator(".document")).to_contain_text("研修安排表.xlsx")
        await page.click("#keyboard button:has-text('发手机号')")
        await page.click("dialog button:has-text('发送手机号')")
        await expect(page.locator(".mine .contact")).to_contain_text("李强")
        await page.click("#keyboard button:has-text('我的学时')")
        await expect(page.locator(".theirs .text").last).to_have_text("你说：我的学时")
        await page.set_input_files(
            "#attach input", {"name": "名单.csv", "mimeType": "text/csv", "buffer": b"a;b"}
        )
        await expect(page.locator(".mine .document")).to_contain_text("名单.csv")
        await shot(page, "chat")

        before = world.clock()
        await page.click("#clock button:has-text('+1 天')")
        await page.click("#next-event")
        await expect(page.locator(".toast").last).to_contain_text("已到下一事件")
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


async def test_in_a_group_a_card_leads_to_the_private_chat(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, li: Person, group: Chat
) -> None:
    await ptb.send_message(group.id, TEXT, parse_mode=ParseMode.HTML, reply_markup=CARD)
    world.say(li.id, group.id, "大家记得报名。")
    world.say(wang.id, group.id, "收到")
    async with answering(ptb), browsing(1280, 800) as page:
        await page.goto(f"{sandbox.url}/#{wang.id}/{group.id}")
        await expect(page.locator(".sender").first).to_have_text("青蓝助手")
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
        await expect(page.locator(".theirs .text").last).to_have_text(
            "欢迎！收到 /start from_group"
        )
        assert page.url.endswith(f"#{wang.id}/{wang.id}")


async def test_it_fits_a_phone(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    await crowd(ptb, world)
    async with answering(ptb), browsing(390, 844, touch=True) as page:
        await page.goto(sandbox.url)
        await expect(page.locator("#people-list button").first).to_be_visible()
        await shot(page, "phone-people")
        await page.click("#people-list button:has-text('王芳')")
        await shot(page, "phone-chats")
        await page.click(f"#chats [data-chat='{wang.id}']")
        for text in ("/start", "卡片", "/photo"):
            await page.fill("#text", text)
            await page.click("#send")
        await expect(page.locator(".document")).to_be_visible()
        await page.locator("#messages").evaluate("list => { list.scrollTop = 0 }")
        await shot(page, "phone-card")
        await page.locator("#messages").evaluate("list => { list.scrollTop = 1e6 }")
        await shot(page, "phone-chat")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
        await page.click("#back")
        await expect(page.locator("#chats")).to_be_visible()
