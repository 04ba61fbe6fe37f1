"""Servers on loopback that answer as WeCom, DingTalk, Feishu and a mail server do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiohttp import web

KEY, TOKEN, HOOK, SIGNS = "wecom-key-1", "dingtoken1", "feishu-hook-1", "SECsigns0123456789"


@dataclass
class Robots:
    """What the robots' groups have been shown, and what the servers are told to answer."""

    texts: list[tuple[str, str, float]] = field(default_factory=list)
    answers: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def seen(self, where: str) -> list[str]:
        return [text for place, text, _ in self.texts if place == where]

    def _next(self, where: str) -> dict[str, object] | None:
        waiting = self.answers.get(where)
        return waiting.pop(0) if waiting else None

    async def wecom(self, request: web.Request) -> web.Response:
        """Says 200 to everything; what was wrong stands in the body."""
        body = await request.json()
        said = self._next("wecom")
        if request.query.get("key") != KEY:
            said = {"errcode": 93000, "errmsg": "invalid webhook url, hint: [1]"}
        elif len(body["text"]["content"].encode()) > 2048:
            said = {"errcode": 40058, "errmsg": "exceed max length 2048"}
        return self._answer("wecom", body["text"]["content"], said, "errcode")

    async def dingtalk(self, request: web.Request) -> web.Response:
        """Checks the signature of a robot that has one, as the service does."""
        body = await request.json()
        said = self._next("dingtalk")
        if request.query.get("access_token") != TOKEN:
            said = {"errcode": 300005, "errmsg": "token is not exist"}
        elif "timestamp" in request.query:
            stamp = request.query["timestamp"]
            text = f"{stamp}\n{SIGNS}".encode()
            signed = base64.b64encode(hmac.new(SIGNS.encode(), text, hashlib.sha256).digest())
            fresh = abs(time.time() - int(stamp) / 1000) < 3600
            if not fresh or request.query["sign"] != signed.decode():
                said = {"errcode": 310000, "errmsg": "sign not match"}
        return self._answer("dingtalk", body["text"]["content"], said, "errcode")

    async def feishu(self, request: web.Request) -> web.Response:
        body = await request.json()
        said = self._next("feishu")
        if request.match_info["token"] != HOOK:
            said = {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}
        return self._answer("feishu", body["content"]["text"], said, "code")

    def _answer(
        self, where: str, text: str, said: dict[str, object] | None, code: str
    ) -> web.Response:
        if said is None:
            self.texts.append((where, text, time.monotonic()))
            said = {code: 0}
        return web.json_response(said)


@asynccontextmanager
async def robots(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Robots]:
    """The three services, at the addresses where apprise looks for them."""
    from apprise.plugins import dingtalk, feishu, lark, wecombot

    made = Robots()
    application = web.Application()
    application.router.add_post("/cgi-bin/webhook/send", made.wecom)
    application.router.add_post("/robot/send", made.dingtalk)
    application.router.add_post("/hook/{token}", made.feishu)
    application.router.add_post("/hook/{token}/", made.feishu)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    at = f"http://127.0.0.1:{port}"
    for plugin, address in (
        (wecombot.NotifyWeComBot, f"{at}/cgi-bin/webhook/send?key={{key}}"),
        (dingtalk.NotifyDingTalk, f"{at}/robot/send?access_token={{token}}"),
        (feishu.NotifyFeishu, f"{at}/hook/{{token}}/"),
        (lark.NotifyLark, f"{at}/hook/"),
    ):
        monkeypatch.setattr(plugin, "notify_url", address)
    try:
        yield made
    finally:
        await runner.cleanup()


@dataclass
class MailServer:
    """What has come by mail; ``nobody`` are addresses that the server does not know."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    nobody: set[str] = field(default_factory=set)
    knows_login: bool = True

    @property
    def address(self) -> str:
        """As the office would set its mailbox."""
        return f"mailto://office:pw@127.0.0.1:{self.port}?from=office@example.cn"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak SMTP with one client, as far as a client needs."""

        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 mail.example.cn ESMTP")
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    say("250-mail.example.cn")
                    say("250 AUTH PLAIN LOGIN")
                case "AUTH":
                    said = "235 ok" if self.knows_login else "535 5.7.8 wrong password"
                    say(said)
                case "RCPT":
                    to = rest.partition("<")[2].partition(">")[0]
                    gone = to in self.nobody
                    say("550 5.1.1 no such mailbox" if gone else "250 ok")
                case "DATA":
                    say("354 go on")
                    lines = []
                    while (data := await reader.readline()) not in (b".\r\n", b""):
                        lines.append(data)
                    mail = message_from_bytes(b"".join(lines), policy=policy.default)
                    assert isinstance(mail, EmailMessage)
                    self.mails.append(mail)
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 ok")
        writer.close()

    def seen(self) -> list[tuple[str, str, str]]:
        """Who, which subject, which text."""
        found = []
        for mail in self.mails:
            body = mail.get_body(("plain",))
            assert body is not None
            text = body.get_content().replace("\r\n", "\n").strip()
            found.append((str(mail["To"]), str(mail["Subject"]), text))
        return found


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server of one's own."""
    made = MailServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
