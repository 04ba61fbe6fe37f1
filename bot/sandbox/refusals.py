"""What cannot be done: by the bot (in Telegram's own words) and by a person."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """A Bot API call is answered with ``ok: false``."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = parameters

    def answer(self) -> Json:
        """The body that Telegram would send."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


class ImpossibleAct(Exception):
    """A person cannot do this in a Telegram client; the bot is told nothing."""


def bad(description: str, **parameters: Any) -> Refused:
    """The request is wrong."""
    return Refused(400, f"Bad Request: {description}", parameters or None)


def forbidden(description: str) -> Refused:
    """The chat or the person does not want the bot."""
    return Refused(403, f"Forbidden: {description}")


def too_many(retry_after: int) -> Refused:
    """The bot writes too fast."""
    return Refused(
        429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after}
    )
