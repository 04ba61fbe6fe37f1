"""Webhook: Telegram calls us; the answer is 200 only when the update is a row."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable

from aiohttp import web

from bot.inbox import Inbox

LIMIT = 1024 * 1024  # bytes of one update; Telegram's are far smaller

logger = logging.getLogger(__name__)


def webhook_application(
    inbox: Inbox, path: str, secret: str, late: Callable[[], list[str]]
) -> web.Application:
    """Return the web application that receives updates under ``path``.

    ``/health`` answers 503 and says which when sweeps are ``late``.
    """

    async def receive(request: web.Request) -> web.Response:
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return web.Response(status=403)
        try:
            update = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        if isinstance(update, dict):
            await inbox.take([update])
        return web.Response()

    async def health(_request: web.Request) -> web.Response:
        waiting = late()
        return web.Response(status=503 if waiting else 200, text=", ".join(waiting) or "ok")

    application = web.Application(client_max_size=LIMIT)
    application.router.add_post(path, receive)
    application.router.add_get("/health", health)
    return application
