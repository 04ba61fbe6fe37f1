"""Cards: a text with keys under it, the same facts for every chat client.

A ``Card`` is personal and goes to one person. A ``GroupCard`` is public: only what builds it
from group-safe facts may make one, and only a ``GroupCard`` can be posted to a group.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup

from handlers.buttons import Button

LONGEST = 4096  # UTF-16 units that a message may have
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Key:
    """One key: it presses a button, opens an address, or copies a text."""

    label: str
    press: Button | None = None
    url: str = ""
    copies: str = ""  # puts this text on the clipboard
    style: str | None = None  # primary, success, danger

    def drawn(self) -> InlineKeyboardButton:
        if self.press is not None:
            return InlineKeyboardButton(self.label, callback_data=self.press.data, style=self.style)
        if self.copies:
            copies = CopyTextButton(self.copies)
            return InlineKeyboardButton(self.label, copy_text=copies, style=self.style)
        return InlineKeyboardButton(self.label, url=self.url, style=self.style)


Keys = tuple[tuple[Key, ...], ...]


def drawn(keys: Keys) -> InlineKeyboardMarkup | None:
    """The keyboard as Telegram wants it; None when there are no keys."""
    if not keys:
        return None
    return InlineKeyboardMarkup([[key.drawn() for key in row] for row in keys if row])


def fitted(text: str, limit: int = LONGEST) -> str:
    """HTML cut to so many UTF-16 units as they are seen, by whole lines: no tag is torn."""
    if len(text) <= limit // 2 or _seen_units(text) <= limit:
        return text
    lines: list[str] = []
    room = limit - 1
    for line in text.split("\n"):
        room -= _seen_units(line) + 1
        if room < 0:
            break
        lines.append(line)
    while _is_torn("\n".join(lines)):
        lines.pop()
    if lines:
        return "\n".join([*lines, "…"])
    plain = html.unescape(_TAG.sub("", text)).encode("utf-16-le")[: 2 * (limit - 1)]
    return html.escape(plain.decode("utf-16-le", "ignore")) + "…"


_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.DOTALL)


def plain(text: str) -> str:
    """The text of a card for where there is no HTML: without tags, addresses of links behind."""
    return html.unescape(_TAG.sub("", _LINK.sub(r"\2 (\1)", text)))


def _is_torn(text: str) -> bool:
    """Whether a tag is opened that the rest, which was cut off, would have closed."""
    return text.count("<") != 2 * text.count("</")


def _seen_units(text: str) -> int:
    return len(html.unescape(_TAG.sub("", text)).encode("utf-16-le")) // 2


@dataclass(frozen=True)
class Card:
    """What one person sees: HTML text and keys. A text that is too long is cut at a line."""

    text: str
    keys: Keys = ()

    def __post_init__(self) -> None:
        # Offices write titles and places of any length; Telegram takes a message of so much.
        object.__setattr__(self, "text", fitted(self.text))

    def markup(self) -> InlineKeyboardMarkup | None:
        return drawn(self.keys)


@dataclass(frozen=True)
class GroupCard:
    """What a whole group sees. Made only by the functions of ``handlers.messaging.public``."""

    text: str
    keys: Keys = ()

    def markup(self) -> InlineKeyboardMarkup | None:
        return drawn(self.keys)


@dataclass(frozen=True)
class DeskCard(GroupCard):
    """What a group of coordinators sees: it may name somebody, and goes nowhere else."""


def pager(here: int, pages: int, turn: Callable[[int], Button]) -> tuple[Key, ...]:
    """A row that turns pages; empty when there is one page only. Pages count from 0."""
    if pages <= 1:
        return ()
    row = []
    if here > 0:
        row.append(Key("‹", turn(here - 1)))
    row.append(Key(f"{here + 1} / {pages}", turn(here)))
    if here < pages - 1:
        row.append(Key("›", turn(here + 1)))
    return tuple(row)
