"""The ten steps of the guided tour, taken on the chat page against the whole product."""

from __future__ import annotations

import asyncio
import contextlib

from playwright.async_api import Locator, Page, expect
from rich.console import Console

from bot.sandbox.tour import CALLIGRAPHY, KEYS, WORKSHOP
from locales import catalog
from tests.sandbox.browser import MARKS, shot, windows
from tests.tour.__main__ import COMES_WITHIN, MOST_EVENTS, own_sandbox

pytestmark = MARKS
CARD_COMES_WITHIN = 1000 * COMES_WITHIN  # milliseconds
_ = catalog("zh_Hans").gettext


class Newcomer:
    """Does what the card of the tour says, and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.card = page.locator("#tour")
        self.alert = page.locator("#dialog p")

    async def goes(self) -> None:
        await self.card.locator("[data-does=go]").click()

    def on(self, text: str) -> Locator:
        return self.page.locator(".row").filter(has_text=text)

    async def taps(self, key: str, on: str = "") -> None:
        rows = self.on(on) if on else self.page.locator(".row")
        label = _(KEYS[key]) if key in KEYS else key
        await rows.locator(".inline").filter(has_text=label).last.click(timeout=CARD_COMES_WITHIN)

    async def reads(self, *texts: str) -> None:
        """Read an alert and close it."""
        for text in texts:
            await expect(self.alert).to_contain_text(text)
        await self.page.keyboard.press("Enter")

    async def sends_the_code(self) -> None:
        code = (await self.page.inner_text("#code b")).split()[-1]
        await self.page.fill("#text", code)
        await self.page.press("#text", "Enter")
        await expect(self.on("绑定成功")).to_be_visible()
        await expect(self.page.locator("#code")).to_be_hidden()

    async def has_done(self, number: int) -> None:
        progress = self.card.locator(".progress-text")
        await expect(progress).to_have_text(f"{number}/10", timeout=10_000)
        await shot(self.page, f"tour-{number}")


async def test_the_card_leads_through_all_ten_steps() -> None:
    with contextlib.ExitStack() as stack:
        started = own_sandbox(Console(quiet=True))
        url = (await asyncio.to_thread(stack.enter_context, started)).rstrip("/")
        async with windows(url) as opened:
            await take_the_tour(Newcomer(await opened.open()))


async def take_the_tour(one: Newcomer) -> None:
    page = one.page
    await one.goes()
    await page.click("#start")
    await expect(one.on("8位邀请码")).to_be_visible()
    await one.sends_the_code()
    await one.has_done(1)
    await one.goes()
    await one.taps("register", on=WORKSHOP)
    await one.reads("已录取", WORKSHOP)
    await one.has_done(2)
    await one.goes()
    await one.taps("menu")
    await one.taps("mine")
    await one.has_done(3)
    await one.taps("back", on="我的报名")
    await one.taps("hours")
    await one.has_done(4)
    await one.taps("menu")
    await one.taps("due")
    await one.has_done(5)

    await one.goes()
    await expect(page.locator("#me b")).to_have_text("周明远")
    card = one.on(WORKSHOP).locator(".inline").first
    await card.click(timeout=CARD_COMES_WITHIN)
    await expect(page.locator("#chat-note")).to_contain_text("@")
    await one.sends_the_code()
    await one.taps("wait", on=WORKSHOP)
    await one.reads("候补名单", "第1位")
    await one.has_done(6)
    await one.taps("menu")
    await one.taps("fitting")
    await one.taps(CALLIGRAPHY[:4])
    await one.taps("remind", on=CALLIGRAPHY)
    await one.has_done(7)
    for _event in range(MOST_EVENTS):
        await one.card.locator("[data-does=clock]").click()
        with contextlib.suppress(AssertionError):
            await expect(one.on("温馨提示")).to_be_visible(timeout=2_000)
            break
    await one.has_done(8)

    await one.goes()
    await expect(page.locator("#me b")).to_have_text("林若溪")
    await one.taps("back")
    await one.taps("mine")
    await one.taps(WORKSHOP)
    await one.taps("withdraw", on=WORKSHOP)
    await one.taps("sure")
    await one.reads("已撤回")
    await one.has_done(9)
    await one.goes()
    await one.taps("accept", on=WORKSHOP)
    await one.reads("已为您确认名额")
    await one.taps("why", on=WORKSHOP)
    await expect(one.card).to_contain_text("全部完成", timeout=10_000)
    await one.has_done(10)
