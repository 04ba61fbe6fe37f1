"""Voices: who puts a row of the outbox into words, at the moment it is sent.

A voice looks at the facts as they are now and says something, nothing (any more), or later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from handlers.cards import Card, GroupCard, Keys
from handlers.context import House
from storage.messaging.outbox import Claimed


@dataclass(frozen=True)
class File:
    """A file or photo that goes out after a message, without a ring of its own."""

    file_id: str
    is_photo: bool = False
    caption: str = ""
    keys: Keys = ()
    """Under it, where what goes before it may have left the screen."""


@dataclass(frozen=True)
class Say:
    """Send this; ``edits`` names a message that is changed silently instead.

    ``bares`` is another one beside it, whose keys are taken away. ``thread`` is the topic,
    where it is not the one that the place itself is.
    """

    card: Card | GroupCard
    edits: int | None = None
    bares: int | None = None
    thread: int | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Nothing:
    """There is nothing left to say, for this reason."""

    reason: str


@dataclass(frozen=True)
class Later:
    """Not now; ask again then."""

    until: datetime


Said = Say | Nothing | Later
Voice = Callable[[House, Claimed], Awaitable[Said]]
