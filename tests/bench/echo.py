"""The peers: python-telegram-bot with one handler that answers the tap, and nothing else.

``ordered`` has our request class and updates ordered per person; ``default`` is the library
exactly as it comes, with concurrent updates switched on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any

from telegram import Update
from telegram.ext import Application, ApplicationBuilder, BaseUpdateProcessor, CallbackQueryHandler

from bot.request import AiohttpRequest
from tests.bench.lanes import TOKEN


class PerPerson(BaseUpdateProcessor):
    """One update of a person at a time, many people at once."""

    def __init__(self) -> None:
        super().__init__(256)
        self._locks: dict[int, asyncio.Lock] = {}

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        assert isinstance(update, Update)
        assert update.effective_user is not None
        async with self._locks.setdefault(update.effective_user.id, asyncio.Lock()):
            await coroutine


async def answer(update: Update, _context: object) -> None:
    """Answer the tap."""
    assert update.callback_query is not None
    await update.callback_query.answer("好")


def build(kind: str, bot_api: str) -> Application[Any, Any, Any, Any, Any, Any]:
    """The bare bot of this kind."""
    builder: Any = ApplicationBuilder().token(TOKEN).base_url(f"{bot_api}/bot")
    if kind == "ordered":
        builder = builder.request(AiohttpRequest()).get_updates_request(
            AiohttpRequest(connections=1)
        )
        builder = builder.concurrent_updates(PerPerson())
    else:
        builder = builder.concurrent_updates(True)
    made: Application[Any, Any, Any, Any, Any, Any] = builder.build()
    made.add_handler(CallbackQueryHandler(answer))
    return made


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2]).run_polling(timeout=25, allowed_updates=["callback_query"])
