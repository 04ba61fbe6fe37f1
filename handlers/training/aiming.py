"""Asking which class a table is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handlers.buttons import Button
from handlers.cards import Card, Key
from handlers.context import shortened
from locales import catalog
from storage.training.aiming import Candidate

LABEL = 40


def which_card(
    found: Sequence[Candidate],
    asks: str,
    nothing: str,
    aim: Callable[[int], Button],
    cancel: Button,
    language: str,
) -> Card:
    """A key for each class with ``asks`` above them, or ``nothing`` where there is none."""
    _ = catalog(language).gettext
    last = (Key(_("Cancel"), cancel),)
    if not found:
        return Card(nothing, (last,))
    keys = []
    for one in found:
        parts = (one.title, one.batch, str(one.matched))
        label = shortened(" · ".join(part for part in parts if part), LABEL)
        keys.append((Key(label, aim(one.batch_id)),))
    return Card(asks, (*keys, last))
