"""A real browser for the tests of the chat page, and a small bot for it to talk to."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Request, async_playwright
from telegram import (
    Bot,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    KeyboardButton,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.constants import ChatAction, ParseMode

from tests.sandbox.conftest import picture

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURES = os.environ.get("SANDBOX_PICTURES")
MARKS = [
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
        [
            InlineKeyboardButton("转到私聊", url="https://t.me/qinglan_bot?start=from_group"),
            InlineKeyboardButton("复制口令", copy_text=CopyTextButton("春分")),
        ],
    ]
)


@dataclass
class EchoBot:
    """Answers what the tests say; ``registered`` are those who tapped 报名 in a group."""

    ptb: Bot
    registered: list[int] = field(default_factory=list)

    async def answer(self, update: Update) -> None:
        if query := update.callback_query:
            if query.data == "register":
                await query.answer("已为你保留座位。\n请于周五前确认。", show_alert=True)
                self.registered.append(query.from_user.id)
                await query.edit_message_text(
                    f"{TEXT}\n已报名 {len(self.registered)} 人",
                    parse_mode=ParseMode.HTML,
                    reply_markup=CARD,
                )
            else:
                await query.answer("详情已发到私聊")
        elif inline := update.inline_query:
            content = InputTextMessageContent(f"研修：{inline.query}")
            titles = ("校本研修", "网络研修") if inline.query else ()
            await inline.answer(
                [
                    InlineQueryResultArticle(str(number), title, content, description=inline.query)
                    for number, title in enumerate(titles)
                ]
            )
        elif (message := update.message) and message.document:
            document = await message.document.get_file()
            data = bytes(await document.download_as_bytearray())
            await message.reply_document(data[::-1], filename="倒序.csv")
        elif message and message.contact:
            await message.reply_text(f"收到手机号 {message.contact.phone_number}")
        elif message and message.location:
            await message.reply_text(f"收到位置 {message.location.latitude}")
        elif message and message.text:
            await self._answer_text(message.chat.id, message.text)

    async def _answer_text(self, chat_id: int, text: str) -> None:
        if text == "/photo":
            await self.ptb.send_photo(chat_id, picture(480, 260, 120), caption="研修海报")
            await self.ptb.send_document(chat_id, b"x" * 5000, filename="研修安排表.xlsx")
        elif text.startswith("/start"):
            keys: list[list[str | KeyboardButton]] = [
                ["我的学时", "我的研修"],
                [
                    KeyboardButton("发手机号", request_contact=True),
                    KeyboardButton("发位置", request_location=True),
                ],
            ]
            await self.ptb.send_message(
                chat_id,
                f"欢迎！收到 {text}",
                # A phone number can be asked for in a private chat only.
                reply_markup=ReplyKeyboardMarkup(keys, resize_keyboard=True)
                if chat_id > 0
                else None,
            )
        elif text == "卡片":
            await self.ptb.send_message(chat_id, TEXT, parse_mode=ParseMode.HTML, reply_markup=CARD)
        elif text == "慢慢来":
            await self.ptb.send_chat_action(chat_id, ChatAction.TYPING)
        else:
            await self.ptb.send_message(chat_id, f"你说：{text}")


@asynccontextmanager
async def answering(ptb: Bot) -> AsyncIterator[EchoBot]:
    """Let the bot answer for as long as the block lasts."""
    echo = EchoBot(ptb)

    async def poll() -> None:
        offset = 0
        while True:
            for update in await ptb.get_updates(offset=offset, timeout=20):
                offset = update.update_id + 1
                await echo.answer(update)

    async with asyncio.TaskGroup() as group:
        polling = group.create_task(poll())
        try:
            yield echo
        finally:
            polling.cancel()


class Windows:
    """Windows of one browser, each with a memory of its own; all that went wrong in them."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.wrong: list[str] = []
        self._browser = browser
        self._address = address

    async def open(
        self,
        width: int = 1280,
        height: int = 800,
        *,
        at: str = "",
        touch: bool = False,
        locale: str = "zh-CN",
        dark: bool = False,
    ) -> Page:
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=touch,
            locale=locale,
            color_scheme="dark" if dark else "light",
        )
        page = await context.new_page()
        page.set_default_timeout(5_000)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._mind)
        await page.goto(f"{self._address}/{at}")
        await page.wait_for_selector("html[data-ready]")
        return page

    def _mind(self, request: Request) -> None:
        if not request.url.startswith((self._address, "data:", "blob:")):
            self.wrong.append(f"asks {request.url}")


@asynccontextmanager
async def windows(address: str) -> AsyncIterator[Windows]:
    """A browser at this sandbox; an error in a page, or a request elsewhere, fails the test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = Windows(browser, address)
        yield opened
        await browser.close()
        assert opened.wrong == []


async def shot(page: Page, name: str) -> None:
    """Keep a picture when somebody wants to look at the page."""
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"sandbox-{name}.png")
