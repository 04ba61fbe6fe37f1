"""A bar in the chat while something takes longer than a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from telegram.error import TelegramError

T = TypeVar("T")

FIRST = 0.8  # seconds before anything is said
EVERY = 1.1  # seconds between two edits: Telegram allows about one a second
BOXES = 10


@dataclass
class Progress:
    """How far some work is; whatever thread does the work says so."""

    label: str = ""
    done: int = 0
    of: int = 0

    def at(self, done: int, of: int) -> None:
        """So many of so many are done."""
        self.done, self.of = done, of

    def says(self, label: str) -> None:
        """The next part of the work begins."""
        self.label, self.done, self.of = label, 0, 0

    def text(self) -> str:
        """The label and a bar."""
        full = BOXES * self.done // self.of if self.of else 0
        count = f" {self.done:,} / {self.of:,}" if self.of else ""
        return f"{self.label}\n{'▰' * full}{'▱' * (BOXES - full)}{count}"


async def shown(
    work: Coroutine[Any, Any, T],
    progress: Progress,
    show: Callable[[str], Coroutine[Any, Any, Any]],
) -> T:
    """Wait for the work, and show how far it is once it takes longer than a moment.

    A text that cannot be shown is no harm: the work goes on, and the next one may be.
    """
    task = asyncio.ensure_future(work)
    last, wait = "", FIRST
    try:
        while True:
            done, _ = await asyncio.wait({task}, timeout=wait)
            if done:
                return task.result()
            wait = EVERY
            text = progress.text()
            if text != last:
                last = text
                try:
                    await show(text)
                except TelegramError:
                    continue
    finally:
        if not task.done():
            task.cancel()
