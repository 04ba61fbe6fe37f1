"""The cards of my hours: where the keys lead, and that every page can be left again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.cards import Card
from handlers.credits import hours
from handlers.credits.buttons import OpenHours
from handlers.credits.hours_text import detail_pages
from locales import LANGUAGES
from storage.credits.ledger import Entry
from storage.credits.tables import EntryState
from storage.refusals import NotFound
from tests.credits.entries import entry, read


def pressed(card: Card) -> list[str]:
    return [key.press.data for row in card.keys for key in row if key.press is not None]


def over_the_school_cap(number: int) -> list[Entry]:
    """So many school-based entries that the later ones do not count in full."""
    return [entry(20, level="school", category="school_based") for _ in range(number)]


def test_the_home_card_opens_my_hours_without_a_field() -> None:
    assert OpenHours().data == "hours"


def test_why_is_offered_only_when_something_does_not_count() -> None:
    plain = hours.summary_card(read([entry(10)]), "en")
    assert pressed(plain) == ["hlines:0", "hpic", "hhow", "cl:0", "ap", "certs:0", "home"]
    capped = hours.summary_card(read(over_the_school_cap(3)), "en")
    assert pressed(capped) == ["hlines:0", "hpic", "hhow", "hcaps", "cl:0", "ap", "certs:0", "home"]


def test_what_was_taken_back_is_no_cap() -> None:
    facts = read([entry(10, state=EntryState.REVERSED)])
    assert "hcaps" not in pressed(hours.summary_card(facts, "en"))


def test_each_capped_entry_on_a_page_has_its_own_why_with_its_number() -> None:
    facts = read([*over_the_school_cap(3), *(entry(2) for _ in range(6))])
    pages = detail_pages(facts)
    assert pages == 2
    capped = {line.entry_id for line in facts.lines if line.why}
    assert capped
    asked = set()
    for page in range(pages):
        card = hours.lines_card(facts, page, "en")
        for row in card.keys:
            for key in row:
                if key.press is not None and key.press.data.startswith("hwhy:"):
                    entry_id = int(key.press.data.split(":")[1])
                    asked.add(entry_id)
                    number = [line.entry_id for line in facts.lines].index(entry_id) + 1
                    assert key.label == f"Why? ({number})"
        assert pressed(card)[-1] == "hours"
    assert asked == capped


@given(page=st.integers(-(10**17), 10**17), number=st.integers(0, 15))
@settings(max_examples=50, deadline=None)
def test_a_page_that_is_not_there_shows_one_that_is(page: int, number: int) -> None:
    facts = read([entry(1) for _ in range(number)])
    card = hours.lines_card(facts, page, "en")
    shown = min(max(page, 0), detail_pages(facts) - 1)
    assert card == hours.lines_card(facts, shown, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_why_leads_back_to_its_page(language: str) -> None:
    facts = read(over_the_school_cap(3))
    capped = next(line for line in facts.lines if line.why)
    card = hours.why_card(facts, capped.entry_id, 1, language)
    assert pressed(card) == ["hlines:1", "hours"]


def test_an_entry_of_somebody_else_has_no_why() -> None:
    with pytest.raises(NotFound):
        hours.why_card(read([entry(10)]), 999_999, 0, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_leads_back_to_the_summary(language: str) -> None:
    card = hours.picture_caption(read([]), language)
    assert pressed(card) == ["hours"]
    assert len(card.text) < 1024  # what a caption may have
