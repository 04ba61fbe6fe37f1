"""What the answer to posting says agrees with the page before it."""

from __future__ import annotations

from decimal import Decimal

from handlers.credits.posting import done_card
from storage.credits.posting import Done


def test_who_gets_hours_and_who_loses_them_are_counted_apart() -> None:
    said = done_card(Done(1, "培训", 735, Decimal(36750), False, 1, dropped=269), "en").text
    assert "for 735 people" in said
    assert "nobody is due it any more: 269" in said
    only = done_card(Done(1, "培训", 0, Decimal(0), False, 1, dropped=2), "en").text
    assert "posted" not in only
    assert "nobody is due it any more: 2" in only
