"""Second channels, as far as ``apprise`` knows them: one text out, and what became of it.

``apprise`` says only whether the server answered with a success, and keeps the rest to its
log. The robots of WeCom, DingTalk and Feishu answer "success" to everything and say in the
body whether they took it; so the answers are listened to here. It is an extra: the product
runs without it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote, unquote

from storage.messaging.relays import ROBOTS, RelayKind, kind_of

LONGEST = {RelayKind.WECOM: 2_000}  # bytes of a text; the others take ten times as much
LONG = 15_000


class Remedy(StrEnum):
    """What is to be done about a message that went into a channel."""

    SENT = "sent"
    LATER = "later"
    BAD = "bad"  # nothing will ever go through this channel as it is


@dataclass(frozen=True)
class Outcome:
    """What became of it, and why it failed, in the server's words."""

    remedy: Remedy
    fault: str = ""


def is_installed() -> bool:
    """Whether second channels can be used on this machine."""
    return find_spec("apprise") is not None


class _Heard(threading.local):
    """What the servers have said to this thread."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.log: list[str] = []


_heard = _Heard()


class _Listening(logging.Handler):
    """Takes what apprise logs, and lets nothing of it get into our log: it holds secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        _heard.log.append(record.getMessage())


@lru_cache(maxsize=1)
def _apprise() -> Any:
    """The library, loaded when it is needed first, and listened to."""
    import apprise
    import requests
    from apprise.plugins import dingtalk, feishu, lark, wecombot

    class Listening:
        """What the robots' plugins know as ``requests``."""

        codes = requests.codes
        RequestException = requests.RequestException

        @staticmethod
        def post(url: str, *, params: Mapping[str, str] | None = None, **how: Any) -> Any:
            # DingTalk's signature comes quoted already; quoted twice it is none.
            params = {name: unquote(value) for name, value in (params or {}).items()}
            _heard.answer = requests.post(url, params=params, **how)  # noqa: S113 (it is in how)
            return _heard.answer

    for plugin in (dingtalk, feishu, lark, wecombot):
        vars(plugin)["requests"] = Listening
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.handlers[:] = [_Listening()]
    # It names the addresses that it calls.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    return apprise


def send(url: str, text: str, *, mailbox: str = "") -> Outcome:
    """Send this text; it blocks. ``mailbox`` is the office's own, for those who gave an address.

    A mail's subject is the text's first line.
    """
    kind = kind_of(url)
    if kind is RelayKind.MAIL:
        if not mailbox:
            return Outcome(Remedy.LATER, "the office has no outgoing mailbox")
        address = quote(url.removeprefix("mailto:"))
        url = f"{mailbox}{'&' if '?' in mailbox else '?'}to={address}"
    apprise = _apprise()
    _heard.answer, _heard.log = None, []
    channel = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if channel is None:
        whose = Remedy.LATER if kind is RelayKind.MAIL else Remedy.BAD  # the office's, or this one
        return Outcome(whose, "the address is not understood")
    channel.request_rate_per_sec = 0  # the pace is kept by whoever calls
    title = "" if kind in ROBOTS else text.partition("\n")[0][:80]
    done = channel.notify(
        body=cut(text, LONGEST.get(kind, LONG)),
        title=title,
        body_format=apprise.NotifyFormat.TEXT,
    )
    if kind in ROBOTS:
        return _robot_said(_heard.answer)
    return Outcome(Remedy.SENT) if done else _mail_server_said(kind, _heard.log)


def cut(text: str, most: int) -> str:
    """The text by whole lines, in so many bytes."""
    if len(text.encode()) <= most:
        return text
    kept = text.encode()[: most - 3].decode("utf-8", "ignore")
    return (kept.rpartition("\n")[0] or kept) + "…"


# Words of "too fast" and "busy" in the answers of the three; their numbers for it are many.
_LATER = re.compile(
    r"too (many|fast)|freq|limit|busy|timeout|系统繁忙|太快|频率|超过", re.IGNORECASE
)
_LATER_CODES = {-1, 45009, 45033, 130101, 302033, 410100, 11232}


def _robot_said(answer: Any) -> Outcome:
    if answer is None:
        return Outcome(Remedy.LATER, "the network failed")
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    code = body.get("errcode", body.get("code", body.get("StatusCode")))
    words = str(body.get("errmsg", body.get("msg", body.get("StatusMessage", ""))))
    if answer.status_code == 200 and code in (0, None):
        return Outcome(Remedy.SENT)
    fault = f"{code if code is not None else answer.status_code} {words}"[:200].strip()
    busy = answer.status_code == 429 or answer.status_code >= 500
    if busy or code in _LATER_CODES or _LATER.search(words):
        return Outcome(Remedy.LATER, fault)
    return Outcome(Remedy.BAD, fault)


_REFUSED = re.compile(r"\((5\d\d), b?['\"](.{0,150}?)['\"]\)")


def _mail_server_said(kind: RelayKind, log: list[str]) -> Outcome:
    """What a mail server's refusal is about: the address, the login, or nothing that lasts."""
    found = _REFUSED.search(" ".join(log))
    if found is None:
        return Outcome(Remedy.LATER, "the mail server cannot be reached")
    code, fault = int(found.group(1)), f"{found.group(1)} {found.group(2)}"
    # A login that fails is the fault of whose mailbox it is; of an address, these are.
    if code in (550, 551, 553) or (code in (530, 534, 535) and kind is RelayKind.MAILBOX):
        return Outcome(Remedy.BAD, fault)
    return Outcome(Remedy.LATER, fault)
