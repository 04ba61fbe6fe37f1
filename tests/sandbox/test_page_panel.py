"""Behind the scenes of the chat page: calls, the scheduler, faults, switches, and the tour."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from telegram import Bot
from telegram.error import Forbidden

from bot.sandbox.chats import Chat, Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.browser import MARKS, answering, shot, windows

pytestmark = MARKS


async def test_calls_are_seen_as_they_happen_and_refusals_in_red(
    sandbox: Sandbox, ptb: Bot, wang: Person, li: Person
) -> None:
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{wang.id}")
        await page.click("#panel-toggle")
        await expect(page.locator("#panel-calls")).to_be_visible()
        await page.fill("#text", "看看幕后")
        await page.press("#text", "Enter")
        call = page.locator(".call:has-text('sendMessage')").first
        await expect(call).to_contain_text("王芳：你说：看看幕后")
        await call.locator("summary").click()
        await expect(call.locator(".json").first).to_contain_text('"chat_id"')
        await expect(call.locator(".json").last).to_contain_text('"message_id"')
        await shot(page, "panel-calls")
        with pytest.raises(Forbidden):
            await ptb.send_message(li.id, "你好")
        refused = page.locator(".call.refused").first
        await expect(refused).to_contain_text("Forbidden")
        await page.fill("#calls-filter", "answer")
        await expect(refused).to_be_hidden()
        # It is open again the next time, on the tab that was open.
        await page.reload()
        await expect(page.locator("#panel-calls")).to_be_visible()
        await page.focus("#panel-close")
        await page.keyboard.press("Escape")
        await expect(page.locator("#panel")).to_be_hidden()
        await expect(page.locator("#panel-toggle")).to_be_focused()


async def test_faults_are_caused_and_ended_and_switches_thrown(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    async with windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{group.id}")
        await page.click("#panel-toggle")
        await page.click("#tab-faults")
        await expect(page.locator("#faults-list")).to_contain_text("没有故障")
        await page.select_option("#fault-form [name=fault]", "bad_gateway")
        await page.fill("#fault-form [name=method]", "sendPhoto")
        await page.select_option("#fault-form [name=chat]", str(group.id))
        await page.select_option("#fault-form [name=times]", "5")
        await page.click("#fault-form button")
        await expect(page.locator("#faults-list b")).to_have_text("502 网关错误")
        await expect(page.locator("#faults-list")).to_contain_text("sendPhoto")
        await expect(page.locator("#faults-list")).to_contain_text("5 次")
        await shot(page, "panel-faults")
        await page.click("#faults-clear")
        await expect(page.locator("#faults-list")).to_contain_text("没有故障")
        assert world.faults.listed() == []

        flood = page.locator("#settings [name=flood]")
        was = await flood.is_checked()
        await flood.click()
        await page.fill("#settings [name=latency_ms]", "120")
        await page.press("#settings [name=latency_ms]", "Tab")
        await page.select_option("#language", "en")
        await expect(page.locator("#panel-faults")).to_contain_text("Flood limits")
        assert world.flood.on is not was
        assert sandbox.latency == 0.12


async def test_the_scheduler_tells_what_it_did(
    sandbox: Sandbox, world: World, wang: Person
) -> None:
    async def feed(last: int) -> list[dict[str, Any]]:
        step = {"deadline": "reg_close", "title": "校本研修", "step": "T-3", "people": 12}
        entries: list[dict[str, Any]] = [
            {"at": "2027-03-01T08:40:00+00:00", "kind": "step", "outcome": "swept", **step},
            {"at": "2027-03-01T08:41:00+00:00", "kind": "sent", "what": "brief", "count": 1},
            {"at": "2027-03-01T08:42:00+00:00", "kind": "sent", "what": "新种类", "count": 2},
        ]
        return entries[:last]

    sandbox.feed = feed
    async with windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}")
        await page.click("#panel-toggle")
        await page.press("#tab-calls", "ArrowRight")
        lines = page.locator("#feed-list li")
        await expect(lines).to_have_count(3)
        await expect(lines.nth(2)).to_contain_text("《校本研修》“报名截止”提醒（提前 3 个工作日）")
        await expect(lines.nth(1)).to_contain_text("发出每日简报 1 份。")
        await expect(lines.nth(0)).to_contain_text("发出“新种类” 2 条。")
        await expect(lines.nth(1)).to_contain_text("3月1日 16:41")
        await page.select_option("#language", "en")
        await expect(lines.nth(1)).to_contain_text("Sent 1 daily brief.")
        await shot(page, "panel-feed")


async def guided(page: Page, steps: list[dict[str, Any]]) -> None:
    """Let the page see these steps instead of the server's."""

    async def tour(route: Route) -> None:
        await route.fulfill(json={"steps": steps})

    await page.route("**/sandbox/tour*", tour)
    await page.reload()


async def test_the_tour_leads_from_step_to_step(
    sandbox: Sandbox, world: World, wang: Person, li: Person, group: Chat
) -> None:
    step: dict[str, Any] = {"text": "照着做，做完这里会打勾。", "clock": None, "done": False}
    steps: list[dict[str, Any]] = [
        {"id": "link", "title": "绑定", "person": wang.id, "chat": wang.id} | step,
        {"id": "register", "title": "在群里报名", "person": li.id, "chat": group.id} | step,
        {"id": "wait", "title": "等到傍晚", "person": None, "chat": None} | step,
    ]
    async with windows(sandbox.url) as opened:
        page = await opened.open()
        await guided(page, steps)
        card = page.locator("#tour")
        await expect(card.locator("h3")).to_have_text("1. 绑定")
        await expect(card.locator(".progress-text")).to_have_text("0/3")
        await shot(page, "tour")
        await card.locator("button:has-text('带我去')").click()
        await expect(page.locator("#me b")).to_have_text("王芳")
        steps[0]["done"] = True
        world.changed("tour")
        await expect(card.locator("h3")).to_have_text("2. 在群里报名")
        await expect(card.locator(".ticked")).to_have_text("绑定")
        await card.locator("button:has-text('带我去')").click()
        await expect(page.locator("#me b")).to_have_text("李强")
        await expect(page.locator("#chat-title")).to_have_text(group.title)
        steps[1]["done"] = True
        world.say(li.id, group.id, "做完了")
        steps[2]["clock"] = "next"
        world.changed("tour")
        await card.locator("button:has-text('到下一事件')").click()
        await expect(page.locator(".toast").last).to_contain_text("目前没有待办的定时事件")
        steps[2]["done"] = True
        world.changed("tour")
        await expect(card).to_contain_text("全部完成")
        await shot(page, "tour-done")
        await card.locator(".fold").click()
        await expect(card.locator("p")).to_have_count(0)
        await card.locator("[data-does=close]").click()
        await expect(card).to_be_hidden()
        await page.reload()
        await expect(page.locator("#tour-toggle")).to_be_visible()
        await expect(card).to_be_hidden()
        await page.click("#tour-toggle")
        await expect(card).to_be_visible()


async def test_the_tour_leaves_room_on_a_phone(
    sandbox: Sandbox, world: World, wang: Person
) -> None:
    step = {"person": wang.id, "chat": wang.id, "clock": "next", "done": False}
    steps = [
        {"id": str(number), "title": f"第 {number} 步", "text": "请这样做。" * 12} | step
        for number in range(1, 11)
    ]
    async with windows(sandbox.url) as opened:
        page = await opened.open(360, 700, touch=True)
        await guided(page, steps)
        await expect(page.locator("#tour h3")).to_have_text("1. 第 1 步")
        await shot(page, "tour-phone")
        await page.click("#tour [data-does=go]")
        await expect(page.locator("#compose")).to_be_visible()
        await expect(page.locator("#tour")).to_have_class("folded")
        await shot(page, "tour-phone-chat")
        room = await page.evaluate("document.querySelector('#messages').clientHeight")
        assert room > 400
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
