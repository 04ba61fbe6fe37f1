"""Faults on demand: errors, flood answers and broken connections for chosen calls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.refusals import Json, Refused, too_many

DESCRIPTIONS = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    409: "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


NAMED: dict[str, Json] = {
    "flood": {"status": 429},
    "error": {"status": 500},
    "bad_gateway": {"status": 502},
    "timeout": {"delay": 30.0, "drop_before": True},
    "reset_before": {"drop_before": True},
    "reset_after": {"drop_after": True},
    "blocked": {"status": 403, "description": "Forbidden: bot was blocked by the user"},
    "deactivated": {"status": 403, "description": "Forbidden: user is deactivated"},
    "kicked": {"status": 403, "description": "Forbidden: bot was kicked from the supergroup chat"},
    "migrated": {
        "status": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "migrate_to": -1_002_999_999_999,  # nowhere, unless another is named
    },
    "topic_closed": {"status": 400, "description": "Bad Request: TOPIC_CLOSED"},
}
"""Faults by name, for the page and for scripts."""


@dataclass(slots=True)
class Fault:
    """One fault. ``times`` None means for ever; ``share`` hits that part of the calls, evenly.

    ``delay`` seconds pass before the answer, or before the connection is broken off: before
    the call is carried out (``drop_before``) or after it (``drop_after``).
    """

    method: str | None = None
    chat_id: int | None = None
    status: int = 500
    times: int | None = 1
    share: float = 1.0
    drop_before: bool = False
    drop_after: bool = False
    retry_after: int = 1
    delay: float = 0.0
    migrate_to: int | None = None
    name: str = ""
    description: str | None = None
    hits: int = 0
    _due: float = 0.0

    def refusal(self) -> Refused:
        """The answer that the bot gets when the connection is not simply broken."""
        if self.status == 429:
            return too_many(self.retry_after)
        text = self.description or DESCRIPTIONS.get(self.status, "Internal Server Error")
        moved = {"migrate_to_chat_id": self.migrate_to} if self.migrate_to else None
        return Refused(self.status, text, moved)


class Faults:
    """The faults in force, asked in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, method: str | None = None, **settings: Any) -> Fault:
        """Let the next matching calls fail; any method and any chat unless told."""
        fault = Fault(method=method, **settings)
        self._faults.append(fault)
        return fault

    def add_named(self, name: str, **settings: Any) -> Fault:
        """Add one of the ``NAMED`` faults; the settings may say for what, how often, how long."""
        return self.add(**{**NAMED[name], "name": name, **settings})

    def clear(self) -> None:
        """Work normally again."""
        self._faults.clear()

    def listed(self) -> list[Json]:
        """The faults that may still hit."""
        return [
            {name: value for name, value in asdict(fault).items() if not name.startswith("_")}
            for fault in self._faults
        ]

    def hit(self, method: str, chat_id: int | None) -> Fault | None:
        """The fault that this call meets, counted."""
        if not self._faults:
            return None
        for fault in self._faults:
            if fault.method is not None and fault.method.lower() != method.lower():
                continue
            if fault.chat_id is not None and fault.chat_id != chat_id:
                continue
            # An even share, so that a test meets the same calls each time.
            fault._due += fault.share
            if fault._due < 1.0 - 1e-9:
                continue
            fault._due -= 1.0
            fault.hits += 1
            if fault.times is not None and fault.hits >= fault.times:
                self._faults.remove(fault)
            return fault
        return None
