"""``python -m tests.tour``: play the guided tour's ten steps as a person would, and tell it.

Starts the bot with a fresh sandbox of its own, or plays against one that runs (``--url``).
Whoever plays sees what the chat page shows and nothing else: keys are found by what stands on
them, links are followed, the clock is moved by its own button. Ends with 0 only if each step
saw what it should.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from rich.console import Console

from bot.sandbox.tour import CALLIGRAPHY, FIRST, GROUP, SECOND, STEPS, WORKSHOP

T = TypeVar("T")
Json = dict[str, Any]

ROOT = Path(__file__).parent.parent.parent
ZONE = ZoneInfo("Asia/Shanghai")
LANGUAGE = "zh_Hans"
BOT_STARTS_WITHIN = 30.0
COMES_WITHIN = 30.0  # cards come to a group one by one, every three seconds
QUIET_AFTER = 2.0  # when nothing has come of an event, it was somebody else's
MOST_EVENTS = 12
INDENT = "      "


class Unexpected(Exception):
    """A step did not see what it should; the text is one clear sentence."""


class Sandbox:
    """The sandbox's HTTP interface."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._address = urlsplit(self.url).netloc

    def look(self, path: str, **query: Any) -> Any:
        """Read something; None where there is no such route."""
        return self._call("GET", f"/sandbox/{path}?{urlencode(query)}", None)

    def act(self, path: str, **body: Any) -> Any:
        """Do something."""
        answer = self._call("POST", f"/sandbox/{path}", body)
        if answer is None:
            raise Unexpected(f"The sandbox has no /sandbox/{path}.")
        return answer

    def _call(self, method: str, path: str, body: Json | None) -> Any:
        connection = HTTPConnection(self._address, timeout=30)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, HTTPException) as error:
            raise Unexpected(f"The sandbox at {self.url} does not answer: {error}") from None
        finally:
            connection.close()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise Unexpected(f"The sandbox answered {method} {path} with {answer.status}: {text}")
        return json.loads(text)


@dataclass
class Transcript:
    """Prints what is new or changed in the chats that are followed."""

    sandbox: Sandbox
    console: Console
    chats: list[tuple[str, int, int]] = field(default_factory=list)  # title, whose eyes, chat
    _known: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    def tell(self) -> None:
        """Print the news of every chat, oldest first."""
        for title, person, chat in self.chats:
            for message in self.sandbox.look("seen", person=person, chat=chat)["messages"]:
                now = (message["text"], json.dumps(message["buttons"]))
                before = self._known.get((chat, message["id"]))
                if before != now:
                    self._known[chat, message["id"]] = now
                    self._print(title, message, is_new=before is None)

    def act(self, text: str) -> None:
        """Print what somebody does."""
        self.tell()
        self.console.print(f"  → {text}", style="bold")

    def alert(self, text: str) -> None:
        self.console.print(f"{INDENT}〔弹窗〕{text}", style="yellow")

    def note(self, text: str) -> None:
        self.console.print(f"  · {text}", style="dim")

    def _print(self, title: str, message: Json, *, is_new: bool) -> None:
        at = datetime.fromtimestamp(message["at"], ZONE)
        marks = [
            mark
            for mark, holds in (
                ("改为", not is_new),
                ("仅本人可见", message["only_for_you"]),
            )
            if holds
        ]
        mark = f"（{'，'.join(marks)}）" if marks else ""
        head = f"  {title} · {at:%m-%d %H:%M} · {message['sender']}{mark}"
        self.console.print(head, style="cyan" if message["mine"] else "green")
        body = message["text"].split("\n") if message["text"] else []
        if message["photo"]:
            body.append("〔图片〕")
        if message["document"]:
            body.append(f"〔文件〕{message['document'].get('file_name', '')}")
        if message["service"]:
            body.append(f"〔{message['service']}〕")
        for line in body:
            self.console.print(f"{INDENT}{line}" if line else "")
        for row in message["buttons"]:
            keys = " ".join(f"[{key['text']}]" for key in row)
            self.console.print(f"{INDENT}{keys}", style="dim")


@dataclass
class Actor:
    """One of the sample people, at a phone."""

    tour: Player
    id: int
    name: str
    code: str

    def messages(self, chat: int | None = None) -> list[Json]:
        """What this person sees of a chat (their private one unless it is said)."""
        seen = self.tour.sandbox.look("seen", person=self.id, chat=chat or self.id)
        messages: list[Json] = seen["messages"]
        return messages

    def presses_start(self, payload: str = "") -> None:
        what = "点开链接，进入与助手的私聊" if payload else "点“开始”"
        self.tour.transcript.act(f"{self.name} {what}")
        self.tour.sandbox.act("start", person=self.id, payload=payload)

    def says(self, text: str) -> None:
        self.tour.transcript.act(f"{self.name} 发送 {text}")
        self.tour.sandbox.act("say", person=self.id, text=text)

    def taps(self, label: str, *, on: str = "", chat: int | None = None) -> str:
        """Tap the newest key that reads so, on a message that says ``on``; return the alert.

        A link that the bot answers with is opened, as a client does.
        """
        message, key = self.tour.waits(
            lambda: self._key(label, on, chat), f"{self.name} 没有看到按钮“{label}”"
        )
        self.tour.transcript.act(f"{self.name} 点 [{key['text']}]")
        tapped = self.tour.sandbox.act(
            "tap",
            person=self.id,
            chat=chat or self.id,
            message=message["id"],
            data=key["callback_data"],
        )
        wait = self.tour.sandbox.look("answers", query=tapped["query"], wait=COMES_WITHIN)
        answer = wait["answer"]
        if answer is None:
            raise Unexpected(f"{self.name} 点了“{label}”，助手没有应答。")
        if answer["text"]:
            self.tour.transcript.alert(answer["text"])
        if answer["url"]:
            self.presses_start(parse_qs(urlsplit(answer["url"]).query)["start"][0])
        return str(answer["text"])

    def sees(self, *texts: str, chat: int | None = None, key: str = "") -> Json:
        """Wait until one message says all of this and has this key, and return it."""

        def found() -> Json | None:
            for message in reversed(self.messages(chat)):
                keys = [one["text"] for row in message["buttons"] for one in row]
                if all(text in message["text"] for text in texts) and (
                    not key or any(key in one for one in keys)
                ):
                    return message
            return None

        wanted = "”“".join([*texts, *([key] if key else [])])
        return self.tour.waits(found, f"{self.name} 没有看到“{wanted}”")

    def _key(self, label: str, on: str, chat: int | None) -> tuple[Json, Json] | None:
        for message in reversed(self.messages(chat)):
            if on in message["text"]:
                for row in message["buttons"]:
                    for key in row:
                        # The number of items may stand behind a label, or before a title.
                        if label in key["text"] and "callback_data" in key:
                            return message, key
        return None


class Player:
    """Plays the ten steps in order."""

    def __init__(self, sandbox: Sandbox, console: Console) -> None:
        self.sandbox = sandbox
        self.console = console
        self.transcript = Transcript(sandbox, console)

    def play(self) -> None:
        """Play all steps; raise ``Unexpected`` at the first that does not see what it should."""
        self.first, self.second = self._actor(FIRST), self._actor(SECOND)
        self.group = self._group()
        self.transcript.chats = [
            (GROUP, self.first.id, self.group),
            (f"{FIRST} 的私聊", self.first.id, self.first.id),
            (f"{SECOND} 的私聊", self.second.id, self.second.id),
        ]
        acts: list[Callable[[], None]] = [
            self.link,
            self.register,
            self.look_at_mine,
            self.look_at_hours,
            self.look_at_what_is_due,
            self.wait_for_a_seat,
            self.ask_to_be_reminded,
            self.be_reminded,
            self.withdraw,
            self.accept,
        ]
        for number, (step, act) in enumerate(zip(STEPS, acts, strict=True), 1):
            title = step.words[LANGUAGE].title
            self.console.print()
            self.console.rule(f"{number}/{len(STEPS)}  {title}", align="left", characters="─")
            try:
                if self._is_done(step.id):
                    raise Unexpected("导览在这一步之前就说它已完成。")
                act()
                if self._is_done(step.id) is False:
                    self.waits(lambda: self._is_done(step.id), "导览没有说这一步已完成")  # noqa: B023
            except Unexpected as unexpected:
                self.transcript.tell()
                raise Unexpected(f"第{number}步“{title}”：{unexpected}") from None
            self.transcript.tell()
            self.console.print("  ✓", style="green")

    # -- the steps -------------------------------------------------------------------------

    def link(self) -> None:
        self.first.presses_start()
        self.first.sees("8位邀请码")
        self.first.says(self.first.code)
        self.first.sees("绑定成功", key="主菜单")

    def register(self) -> None:
        alert = self.first.taps("立即报名", on=WORKSHOP, chat=self.group)
        self.expect("录取" in alert and WORKSHOP in alert, "她应立即得知自己已录取")

    def look_at_mine(self) -> None:
        seen = self.second.messages(self.group)
        public = not any(FIRST in one["text"] or one["only_for_you"] for one in seen)
        self.expect(public, "群里的其他人不应看到她报了名")
        self.first.taps("主菜单")
        self.first.taps("我的报名")
        shown = self.first.sees("我的报名", WORKSHOP)
        self.expect("已录取" in shown["text"].split(WORKSHOP)[1], "她的报名应在其中")

    def look_at_hours(self) -> None:
        self.first.taps("返回")
        self.first.taps("我的学时")
        self.first.sees("本学年", "待登记：30学时", "还缺")

    def look_at_what_is_due(self) -> None:
        self.first.taps("主菜单")
        self.first.taps("待办事项")
        self.first.sees("待办事项", WORKSHOP, "12月8日（周二）09:00", key="加入日历")

    def wait_for_a_seat(self) -> None:
        self.second.taps("加入候补", on=WORKSHOP, chat=self.group)
        self.second.sees("8位邀请码")
        self.second.says(self.second.code)
        self.second.sees("绑定成功")
        alert = self.second.taps("加入候补", on=WORKSHOP)
        self.expect("第1位" in alert, "他应得知自己在候补名单中排第1位")
        # The card follows the alert; who taps on before that sees it come in between.
        self.second.sees(WORKSHOP, "候补中")

    def ask_to_be_reminded(self) -> None:
        self.second.taps("主菜单")
        self.second.taps("适合我的培训")
        self.second.taps(CALLIGRAPHY[:4], on=CALLIGRAPHY)
        self.second.taps("提醒我", on=CALLIGRAPHY)
        self.second.sees(CALLIGRAPHY, key="已设提醒")

    def be_reminded(self) -> None:
        def come() -> Json | None:
            news = (m for m in self.second.messages() if m["id"] not in before)
            return next((m for m in news if "温馨提示" in m["text"]), None)

        before = {message["id"] for message in self.second.messages()}
        before_of_first = {message["id"] for message in self.first.messages()}
        brief = None
        for _ in range(MOST_EVENTS):
            self.transcript.act("拨钟：到下一事件")
            moved = self.sandbox.act("clock", next_event=True)
            self.expect(moved["moved"], "时钟应有下一事件可到")
            now = datetime.fromisoformat(moved["now"]).astimezone(ZONE)
            self.transcript.note(f"现在是 {now:%m-%d %H:%M}")
            with contextlib.suppress(Unexpected):
                brief = self.waits(come, "还没有提醒", within=QUIET_AFTER)
                break
        if brief is None:
            raise Unexpected("他没有收到提醒。")
        self.expect(CALLIGRAPHY in brief["text"], "提醒应说到他要求提醒的培训")
        at = datetime.fromtimestamp(brief["at"], ZONE)
        self.expect(f"{at:%m-%d %H:%M}" == "11-24 16:40", "提醒应在截止前一天的16:40送达")
        others = {message["id"] for message in self.first.messages()}
        self.expect(others == before_of_first, "没有要求提醒的人不应收到提醒")

    def withdraw(self) -> None:
        self.first.taps("返回")
        self.first.taps("我的报名")
        self.first.taps(WORKSHOP, on="我的报名")
        self.first.taps("撤回报名", on=WORKSHOP)
        alert = self.first.taps("确认撤回")
        self.expect("已撤回" in alert, "她应得知报名已撤回")
        self.second.sees(WORKSHOP, "空出一个名额", key="接受名额")

    def accept(self) -> None:
        alert = self.second.taps("接受名额", on=WORKSHOP)
        self.expect("已为您确认名额" in alert, "他应得知名额已确认")
        self.second.sees(WORKSHOP, "已录取", key="处理经过")
        self.second.taps("处理经过", on=WORKSHOP)
        self.second.sees("处理经过", "名额已满", "为您保留", "您接受了名额")

    # -- what the steps stand on -----------------------------------------------------------

    def expect(self, holds: bool, sentence: str) -> None:
        if not holds:
            raise Unexpected(f"{sentence}，却没有。")

    def waits(self, look: Callable[[], T | None], lack: str, within: float = COMES_WITHIN) -> T:
        """Look again and again until there is something, and tell meanwhile what comes."""
        until = time.monotonic() + within
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > until:
                raise Unexpected(f"{within:.0f}秒之内，{lack}。")
            self.transcript.tell()
            time.sleep(0.1)

    def _is_done(self, step_id: str) -> bool | None:
        """What the tour itself says of a step; None where the sandbox serves no tour."""
        served = self.sandbox.look("tour", language=LANGUAGE)
        if served is None:
            return None
        done = {step["id"]: bool(step["done"]) for step in served["steps"]}
        if list(done) != [step.id for step in STEPS]:
            raise Unexpected("沙盒的导览不是这十步。")
        return done[step_id]

    def _actor(self, name: str) -> Actor:
        def found() -> Json | None:
            # The codes stand behind the names a moment after the page is there.
            people: list[Json] = self.sandbox.look("people", q=name)["people"]
            known = (one for one in people if one["name"] == name and "邀请码" in one["note"])
            return next(known, None)

        person = self.waits(found, f"人物列表里没有带邀请码的{name}；请在全新的沙盒里试")
        if person["started"]:
            raise Unexpected(f"{name}已经用过这个沙盒；请在全新的沙盒里试。")
        code = re.search(r"邀请码 (\w{8})", person["note"])
        if code is None:
            raise Unexpected(f"{name}的姓名后面没有8位邀请码。")
        return Actor(self, person["id"], name, code[1])

    def _group(self) -> int:
        chats: list[Json] = self.sandbox.look("chats", person=self.first.id)["chats"]
        group = next((chat["id"] for chat in chats if chat["title"] == GROUP), None)
        if group is None:
            raise Unexpected(f"{FIRST}不在{GROUP}里。")
        return int(group)


@contextlib.contextmanager
def own_sandbox(console: Console) -> Iterator[str]:
    """A bot with a fresh sandbox on a free port, as long as it is needed; its address."""
    with tempfile.TemporaryDirectory(prefix="qinglan-tour-") as folder:
        told, errors = Path(folder, "told.txt"), Path(folder, "errors.txt")
        settings = {
            "QINGLAN_DATA": str(Path(folder, "data")),
            "QINGLAN_SANDBOX_PORT": "0",
            "QINGLAN_TOKEN": "",
            "QINGLAN_DATABASE": "",
        }
        with told.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        try:
            console.print("正在启动全新的沙盒…", style="dim")
            yield _address(process, told, errors)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], told: Path, errors: Path) -> str:
    until = time.monotonic() + BOT_STARTS_WITHIN
    while time.monotonic() < until:
        if found := re.search(r"http://\S+", told.read_text("utf-8", "replace")):
            return found.group()
        if process.poll() is not None:
            last = errors.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise Unexpected(f"The bot has ended at its start: {''.join(last)}")
        time.sleep(0.1)
    raise Unexpected(f"The bot has not started within {BOT_STARTS_WITHIN:.0f} seconds.")


def main() -> int:
    """Play the tour; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.tour", description=__doc__)
    parser.add_argument("--url", help="a running sandbox that nobody has played in")
    url = parser.parse_args().url
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    started = time.monotonic()
    try:
        with contextlib.nullcontext(url) if url else own_sandbox(console) as address:
            Player(Sandbox(address), console).play()
    except Unexpected as unexpected:
        console.print(f"\n✗ {unexpected}", style="bold red")
        return 1
    except KeyboardInterrupt:
        console.print("\n已停止。")
        return 130
    took = time.monotonic() - started
    console.print(f"\n✓ 十步全部完成，用时{took:.0f}秒。", style="bold green")
    return 0


if __name__ == "__main__":
    sys.exit(main())
