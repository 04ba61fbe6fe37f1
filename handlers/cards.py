"""Cards: a text with keys under it, the same facts for every chat client.

A ``Card`` is personal and goes to one person. A ``GroupCard`` is public: only what builds it
from group-safe facts may make one, and only a ``GroupCard`` can be posted to a group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.buttons import Button


@dataclass(frozen=True)
class Key:
    """One key: it presses a button, or opens an address."""

    label: str
    press: Button | None = None
    url: str = ""
    style: str | None = None  # primary, success, danger

    def drawn(self) -> InlineKeyboardButton:
        if self.press is not None:
            return InlineKeyboardButton(self.label, callback_data=self.press.data, style=self.style)
        return InlineKeyboardButton(self.label, url=self.url, style=self.style)


Keys = tuple[tuple[Key, ...], ...]


def drawn(keys: Keys) -> InlineKeyboardMarkup | None:
    """The keyboard as Telegram wants it; None when there are no keys."""
    if not keys:
        return None
    return InlineKeyboardMarkup([[key.drawn() for key in row] for row in keys if row])


@dataclass(frozen=True)
class Card:
    """What one person sees: HTML text and keys."""

    text: str
    keys: Keys = ()

    def markup(self) -> InlineKeyboardMarkup | None:
        return drawn(self.keys)


@dataclass(frozen=True)
class GroupCard:
    """What a whole group sees. Made only by the functions of ``handlers.messaging.public``."""

    text: str
    keys: Keys = ()

    def markup(self) -> InlineKeyboardMarkup | None:
        return drawn(self.keys)


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
