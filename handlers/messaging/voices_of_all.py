"""Who puts which kind of row of the outbox into words; every kind that storage writes is here."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.messaging import group_cards, groups, reminders
from handlers.messaging.voices import Voice
from handlers.training import changing

VOICES: Mapping[str, Voice] = {
    "brief": reminders.brief,
    "reminder": reminders.brief,
    "brief_edit": reminders.brief_edit,
    "offer": reminders.offer,
    "cancelled": reminders.cancelled,
    "programme_changed": changing.changed,
    "link_moved": reminders.link_moved,
    "link_conflict": reminders.link_conflict,
    group_cards.KIND: group_cards.voice,
    groups.HELLO: groups.hello,
}
