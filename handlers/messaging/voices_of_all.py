"""Who puts which kind of row of the outbox into words; every kind that storage writes is here."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.messaging import group_cards, groups, reminders
from handlers.messaging.voices import Voice
from handlers.training import seat_messages

VOICES: Mapping[str, Voice] = {
    "brief": reminders.brief,
    "reminder": reminders.brief,
    "brief_edit": reminders.brief_edit,
    "offer": reminders.offer,
    "cancelled": reminders.cancelled,
    "nominated": seat_messages.nominated,
    "replaced": seat_messages.replaced,
    "nomination_gone": seat_messages.nomination_gone,
    "allotted": seat_messages.allotted,
    "thin_class": seat_messages.thin_class,
    "link_moved": reminders.link_moved,
    "link_conflict": reminders.link_conflict,
    group_cards.KIND: group_cards.voice,
    groups.HELLO: groups.hello,
}
