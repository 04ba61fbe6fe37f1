"""Logs: one line an event, with ids and never names, and never the token."""

from __future__ import annotations

import logging
import re

from bot.settings import Settings

TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{6,}")


class WithoutToken(logging.Filter):
    """Blots out whatever looks like a bot token, in messages and in tracebacks."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self._token = token

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._blotted(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._blotted(record.exc_text)
        return True

    def _blotted(self, text: str) -> str:
        if self._token:
            text = text.replace(self._token, "<token>")
        return TOKEN.sub("<token>", text)


def set_up_logs(settings: Settings) -> None:
    """Log to standard error, quietly for the libraries below."""
    token = settings.token.get_secret_value() if settings.token else None
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("{asctime} {levelname:<7} {name}: {message}", style="{"))
    handler.addFilter(WithoutToken(token))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("apscheduler", "httpx", "httpcore", "alembic", "telegram.ext", "aiohttp"):
        logging.getLogger(name).setLevel(logging.WARNING)
