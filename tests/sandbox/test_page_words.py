"""The page speaks three languages, each of them whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.async_api import expect

import bot.sandbox.desk
from bot.sandbox.chats import Person
from bot.sandbox.desk import PAGE_FILES
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.sandbox.browser import MARKS, shot, windows

pytestmark = MARKS
PAGE = Path(bot.sandbox.desk.__file__).with_name("page")
ENDINGS = r"\.(?:js|html)"


def placeholders(entry: str | dict[str, str]) -> set[str]:
    forms = [entry] if isinstance(entry, str) else list(entry.values())
    return set().union(*(re.findall(r"\{(\w+)\}", form) for form in forms))


async def tables(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    async with windows(sandbox.url) as opened:
        page = await opened.open()
        found: dict[str, dict[str, Any]] = await page.evaluate(
            "import('/page/words.js').then((words) => words.TABLES)"
        )
    return found


async def test_the_three_tables_say_the_same_things(sandbox: Sandbox) -> None:
    found = await tables(sandbox)
    assert set(found) == {"zh_Hans", "zh_Hant", "en"}
    for language, table in found.items():
        assert list(table) == list(found["en"]), language
        for key, entry in table.items():
            # "once" needs no number.
            if not (isinstance(entry, dict) and "once" in entry.get("one", "")):
                assert placeholders(entry) == placeholders(found["en"][key]), (language, key)
            for form in [entry] if isinstance(entry, str) else entry.values():
                assert form.strip(), (language, key)


async def test_chinese_sentences_have_chinese_punctuation(sandbox: Sandbox) -> None:
    found = await tables(sandbox)
    for language in ("zh_Hans", "zh_Hant"):
        for key, entry in found[language].items():
            for form in [entry] if isinstance(entry, str) else entry.values():
                assert not re.search(r"[一-鿿][,;:!?()]|[,;!?()][一-鿿]|\.\.\.", form), (key, form)
    hant = "".join(str(entry) for entry in found["zh_Hant"].values())
    assert "“" not in hant, "corner brackets are used there"
    assert "「" not in "".join(str(entry) for entry in found["zh_Hans"].values())
    assert not set(hant) & set("这为时间关闭请择复编辑话题务发说结"), "simplified characters"


async def test_every_word_is_there_and_none_is_left_over(sandbox: Sandbox) -> None:
    known = set((await tables(sandbox))["en"])
    source = "".join(
        path.read_text("utf-8")
        for path in PAGE.iterdir()
        if re.search(ENDINGS + "$", path.name) and path.name != "words.js"
    )
    named = set(re.findall(r'data-words(?:-\w+)?="([^"]+)"', source))
    named |= set(re.findall(r'"([a-z]+(?:[.-][a-z_-]+)*)"', source)) & known
    # Made of a part and a code of the server's.
    made = {part.replace("${", "") for part in re.findall(r"`([a-z]+\.)\$\{", source)}
    assert named <= known
    left = {key for key in known - named if not any(key.startswith(part) for part in made)}
    assert left <= {"title"}, left


async def test_every_module_of_the_page_is_served() -> None:
    served = {name for name, _ in PAGE_FILES.values()}
    assert served == {path.name for path in PAGE.iterdir() if path.is_file()}


async def test_a_language_is_chosen_and_remembered(
    sandbox: Sandbox, world: World, wang: Person
) -> None:
    async with windows(sandbox.url) as opened:
        for locale, language, notice in (
            ("zh-CN", "zh-Hans", "所有人物均为虚构"),
            ("zh-TW", "zh-Hant", "所有人物均為虛構"),
            ("zh-HK", "zh-Hant", "所有人物均為虛構"),
            ("en-GB", "en", "Nobody here is real"),
            ("fr-FR", "zh-Hans", "所有人物均为虚构"),
        ):
            page = await opened.open(locale=locale)
            await expect(page.locator("#notice")).to_contain_text(notice)
            assert await page.get_attribute("html", "lang") == language
            await page.context.close()
        page = await opened.open(at=f"#{wang.id}/{wang.id}", locale="zh-CN")
        await page.fill("#text", "你好")
        await page.press("#text", "Enter")
        await expect(page.locator(".day")).to_have_text("2027年3月1日星期一")
        await page.select_option("#language", "en")
        await expect(page.locator("#me small")).to_have_text("I am")
        await expect(page.locator("#clock")).to_contain_text("To the next event")
        await expect(page.locator(".day")).to_contain_text("1 March 2027")
        await expect(page.locator("#chats")).to_contain_text("You: 你好")
        await expect(page).to_have_title("王芳 · Qinglan sandbox")
        await shot(page, "english")
        await page.reload()
        await expect(page.locator("#me small")).to_have_text("I am")
        assert await page.get_attribute("html", "lang") == "en"
