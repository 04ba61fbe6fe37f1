"""Groups on the chat page: two people in two windows, topics, polls, inline results."""

from __future__ import annotations

from playwright.async_api import expect
from telegram import Bot
from telegram.constants import ParseMode

from bot.sandbox.chats import Chat, Person
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.browser import CARD, MARKS, TEXT, answering, shot, windows

pytestmark = MARKS


async def test_two_people_in_two_windows_see_one_registration_each(
    sandbox: Sandbox, ptb: Bot, wang: Person, li: Person, group: Chat
) -> None:
    await ptb.send_message(group.id, TEXT, parse_mode=ParseMode.HTML, reply_markup=CARD)
    async with answering(ptb) as echo, windows(sandbox.url) as opened:
        hers = await opened.open(at=f"#{wang.id}/{group.id}")
        his = await opened.open(390, 844, at=f"#{li.id}/{group.id}", touch=True)
        await expect(hers.locator("#me b")).to_have_text("王芳")
        await expect(his.locator("#chat-title")).to_have_text(group.title)
        await hers.click(".inline:has-text('报名')")
        await expect(hers.locator("dialog p")).to_contain_text("已为你保留座位。")
        await expect(his.locator("dialog[open]")).to_have_count(0)
        for page in (hers, his):
            await expect(page.locator(".theirs .text")).to_contain_text("已报名 1 人")
        await hers.keyboard.press("Enter")
        await his.click(".inline:has-text('报名')")
        await his.click("dialog button")
        await expect(hers.locator(".theirs .text")).to_contain_text("已报名 2 人")
        assert echo.registered == [wang.id, li.id]
        await hers.fill("#text", "我报好了")
        await hers.press("#text", "Enter")
        await expect(his.locator(".theirs .sender").last).to_have_text("王芳")
        await expect(his.locator(".theirs .text").last).to_have_text("我报好了")
        await shot(hers, "two-hers")
        await shot(his, "two-his")


async def test_one_leaves_comes_back_and_becomes_administrator(
    sandbox: Sandbox, world: World, wang: Person, group: Chat
) -> None:
    async with windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{group.id}")
        await page.click("#menu summary")
        await shot(page, "menu")
        await page.click("#menu button:has-text('让我当管理员')")
        await expect(page.locator("#chat-note")).to_contain_text("你是管理员")
        await page.click("#menu summary")
        await page.keyboard.press("Escape")
        await expect(page.locator("#menu-items")).to_be_hidden()
        await page.click("#menu summary")
        await page.click("#menu button:has-text('退出本群')")
        await expect(page.locator("#chats .gone")).to_contain_text(group.title)
        assert not world.is_in(wang.id, group.id)
        await page.click("#chats .gone")
        await expect(page.locator("#chat-title")).to_have_text(group.title)
        await expect(page.locator(".service").last).to_have_text("王芳 加入了群")
        assert world.is_in(wang.id, group.id)


async def test_an_administrator_opens_a_topic_and_all_write_in_it(
    sandbox: Sandbox, world: World, wang: Person, li: Person, group: Chat
) -> None:
    async with windows(sandbox.url) as opened:
        his = await opened.open(at=f"#{li.id}/{group.id}")
        hers = await opened.open(360, 700, at=f"#{wang.id}/{group.id}", touch=True)
        await his.click("#menu summary")
        await his.click("#menu button:has-text('开启话题')")
        await expect(his.locator("#topics")).to_contain_text("综合")
        await his.fill("#text", "大家好")
        await his.press("#text", "Enter")
        await expect(his.locator(".mine .text")).to_have_text("大家好")
        await his.click("#topics .add")
        await his.fill("dialog [name=name]", "听课安排")
        await his.keyboard.press("Enter")
        await expect(his.locator("#topics [aria-selected=true]")).to_have_text("听课安排")
        await expect(his.locator(".service").first).to_contain_text("新建了话题“听课安排”")
        await his.fill("#text", "周三下午")
        await his.press("#text", "Enter")
        await expect(his.locator(".mine .text")).to_have_text("周三下午")

        tab = hers.locator("#topics button:has-text('听课安排')")
        await expect(tab.locator(".unread")).to_be_visible()
        await expect(hers.locator("#topics .add")).to_have_count(0)
        await tab.click()
        await expect(hers.locator(".theirs .text")).to_have_text("周三下午")
        await hers.fill("#text", "收到")
        await hers.click("#send")
        await expect(his.locator(".theirs .text")).to_have_text("收到")
        await shot(his, "topics")
        await shot(hers, "topics-phone")
        await his.reload()
        await expect(his.locator("#topics [aria-selected=true]")).to_have_text("听课安排")

        await his.click("#menu summary")
        await his.click("#menu button:has-text('重命名此话题')")
        await his.fill("dialog [name=name]", "听课与评课")
        await his.click("dialog button:has-text('重命名')")
        await expect(hers.locator("#topics")).to_contain_text("听课与评课")
        await his.click("#menu summary")
        await his.click("#menu button:has-text('关闭此话题')")
        await expect(hers.locator("#closed")).to_be_visible()
        await expect(hers.locator("#compose")).to_be_hidden()
        await his.click("#menu summary")
        await his.click("#menu button:has-text('重新打开此话题')")
        await expect(hers.locator("#compose")).to_be_visible()


async def test_votes_become_bars_that_all_see(
    sandbox: Sandbox, ptb: Bot, wang: Person, li: Person, group: Chat
) -> None:
    await ptb.send_poll(group.id, "哪天评课？", ["周三", "周四"], is_anonymous=False)
    await ptb.send_poll(
        group.id, "带什么？", ["平板", "教案", "课本"], allows_multiple_answers=True
    )
    async with windows(sandbox.url) as opened:
        hers = await opened.open(at=f"#{wang.id}/{group.id}")
        his = await opened.open(360, 700, at=f"#{li.id}/{group.id}", touch=True)
        day, things = hers.locator(".poll").nth(0), hers.locator(".poll").nth(1)
        await expect(day).to_contain_text("公开投票")
        await shot(his, "poll-phone-before")
        await day.locator(".option:has-text('周四')").click()
        await expect(day.locator(".result").nth(1)).to_contain_text("100%")
        await expect(his.locator(".poll").nth(0)).to_contain_text("1 人已投票")
        await his.locator(".poll").nth(0).locator(".option:has-text('周三')").click()
        await expect(day.locator(".result").nth(0)).to_contain_text("50%")
        await things.locator(".option").nth(0).click()
        await things.locator(".option").nth(2).click()
        await things.locator(".vote").click()
        await expect(things.locator(".result.mine-too")).to_have_count(2)
        await shot(hers, "poll")
        await day.locator(".vote:has-text('撤回投票')").click()
        await expect(day.locator(".option")).to_have_count(2)
        await expect(day).to_contain_text("1 人已投票")


async def test_a_result_of_the_bot_is_chosen_while_typing(
    sandbox: Sandbox, ptb: Bot, world: World, wang: Person, group: Chat
) -> None:
    world.inline = True
    async with answering(ptb), windows(sandbox.url) as opened:
        page = await opened.open(at=f"#{wang.id}/{group.id}")
        await page.type("#text", "@qinglan_bot 作业")
        await expect(page.locator("#commands li")).to_have_count(2)
        await expect(page.locator("#commands li").nth(1)).to_contain_text("网络研修")
        await shot(page, "inline")
        await page.press("#text", "ArrowDown")
        await page.press("#text", "Enter")
        await expect(page.locator(".mine .text")).to_have_text("研修：作业")
        await expect(page.locator(".mine .forwarded")).to_have_text("通过 @qinglan_bot")
        await expect(page.locator("#text")).to_have_value("")
