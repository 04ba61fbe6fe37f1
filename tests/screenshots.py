"""Take the README's picture: ``make screenshots``. Needs a Chromium on this machine."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / ".github" / "sandbox.png"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GROUP = "澄禾县教师培训通知群"


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("There is no Chromium on this machine.")
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=ROOT,
            env={**os.environ, "QINGLAN_DATA": folder, "QINGLAN_SANDBOX_PORT": "0"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        address = ""
        while not address:
            found = re.search(r"http://\S+", (await process.stdout.readline()).decode())
            address = found.group() if found else ""
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
            await page.goto(address)
            await play(page)
            await page.screenshot(path=PICTURE)
            await browser.close()
        process.terminate()
        await process.wait()


async def play(page: Page) -> None:
    """Be 林若溪: link, then tap Register in the county's group."""
    answer = await page.request.get(f"{page.url}sandbox/people")
    people = (await answer.json())["people"]
    note = next(person["note"] for person in people if person["name"] == "林若溪")
    found = re.search(r"邀请码 (\w{8})", note)
    assert found is not None, note
    await page.get_by_text("林若溪").first.click()
    await page.get_by_role("button", name="开始").click()
    await page.wait_for_timeout(1500)
    await page.get_by_placeholder("消息").fill(found.group(1))
    await page.keyboard.press("Enter")
    await page.wait_for_timeout(25_000)  # a group takes a card every three seconds
    await page.get_by_text(GROUP).first.click()
    await page.wait_for_timeout(1000)
    await page.get_by_role("button", name="立即报名").last.click()
    await page.wait_for_timeout(2000)


if __name__ == "__main__":
    asyncio.run(main())
