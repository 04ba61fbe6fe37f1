"""How fast a group may be edited in: one pace for all its messages."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

EDITS_A_MINUTE = 20  # what Telegram lets a bot do in one group
MINUTE = timedelta(minutes=1)


@dataclass
class Pace:
    """When this process has edited in one group, and until when Telegram asks for a pause."""

    edits: deque[datetime] = field(default_factory=deque)
    paused_until: datetime | None = None

    def may_edit(self, now: datetime) -> bool:
        while self.edits and self.edits[0] <= now - MINUTE:
            self.edits.popleft()
        is_paused = self.paused_until is not None and now < self.paused_until
        return not is_paused and len(self.edits) < EDITS_A_MINUTE


@dataclass
class Paces:
    """The pace of every group.

    Only the process that leads refreshes cards, so its memory is enough.
    """

    groups: dict[int, Pace] = field(default_factory=dict)

    def of(self, tg_chat_id: int) -> Pace:
        """The pace of a group."""
        return self.groups.setdefault(tg_chat_id, Pace())
