"""The daily brief and its sisters in words: short, in every language, and never too long."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.cards import Card
from handlers.messaging.brief_text import (
    Told,
    brief_card,
    cancelled_card,
    link_conflict_card,
    link_moved_card,
    news_text,
    offer_card,
)
from locales import LANGUAGES
from storage import kinds
from storage.messaging.briefs import Item, NewsItem
from storage.training.subjects import Subject

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def item(number: int, kind: str = "remote_end", *, done: bool = False) -> Item:
    at = NOW + timedelta(days=number, hours=1)
    return Item(kind, number, 100 + number, at, "T-1", (number,), at, done)


def subject(number: int, kind: str = "remote_end", **differs: Any) -> Subject:
    values: dict[str, Any] = {
        "kind": kind,
        "subject_id": number,
        "batch_id": 200 + number,
        "title": f"培训 {number}",
        "at": NOW + timedelta(days=number),
        "ends_at": NOW + timedelta(days=number + 1),
        "closes_at": NOW + timedelta(days=number + 2),
        "place": "三楼报告厅",
        "bring": "笔记本电脑",
        "hours": Decimal(8),
        "external_url": "https://example.org/study",
        "takes_place": True,
        "is_open": True,
    }
    return Subject(**values | differs)


def news(number: int, **facts: Any) -> NewsItem:
    known = {"title": f"学时 {number}", "hours": "6.0"} | facts
    return NewsItem(number, "credit_posted", number, known, NOW)


def told(
    items: int, entries: int = 0, *, kind: str = "remote_end", breaks_out: bool = False
) -> Told:
    numbers = range(1, items + 1)
    return Told(
        [item(n, kind) for n in numbers],
        [news(n) for n in range(1, entries + 1)],
        {(kind, n): subject(n, kind) for n in numbers},
        breaks_out,
    )


def labels(card: Card) -> list[str]:
    return [key.label for row in card.keys for key in row]


def brief(facts: Told, language: str = "en", choosing: str = "") -> Card:
    return brief_card(facts, language, ZONE, NOW, choosing=choosing)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
@pytest.mark.parametrize("number", [0, 1, 3, 9])
@pytest.mark.parametrize("breaks_out", [False, True])
def test_a_brief_of_any_kind_and_length_has_words_in_every_language(
    language: str, kind: str, number: int, breaks_out: bool
) -> None:
    card = brief(told(number, 2, kind=kind, breaks_out=breaks_out), language)
    assert card.markup() is not None
    assert "{" not in card.text
    for n in range(1, min(number, 8) + 1):
        assert f"培训 {n}" in card.text


WITHOUT_TITLE = {
    "appeal",
    "chat_dissolve",
    "cycle_hours",
    "new_teacher_hours",
    "role_gap",
    "year_hours",
}
"""Kinds that are about no programme, task or notice: hours, a group, a school."""


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
@pytest.mark.parametrize("kind", sorted(kinds.KINDS.keys() - WITHOUT_TITLE))
def test_a_title_stands_in_book_title_marks_in_chinese(language: str, kind: str) -> None:
    assert "《培训 1》" in brief(told(1, kind=kind), language).text
    assert "《学时 1》" in brief(told(0, 1), language).text


def test_an_item_says_what_when_with_weekday_and_hour_and_what_it_is_worth() -> None:
    text = brief(told(1)).text
    assert "<b>培训 1</b> ends Sat 21 Nov, 10:00. Without completing it the 8 hours" in text


def test_an_event_says_where_and_what_to_bring_and_never_an_empty_place() -> None:
    assert "三楼报告厅. Please bring: 笔记本电脑." in brief(told(1, kind="session")).text
    bare = Told(
        [item(1, "session")], [], {("session", 1): subject(1, "session", place="", bring="")}
    )
    assert "begins Sat 21 Nov, 10:00." in brief(bare).text


def test_one_item_has_its_own_keys() -> None:
    assert labels(brief(told(1))) == [
        "Study now",
        "View",
        "Done",
        "Remind me later",
        "Not again for this",
    ]


def test_there_is_nothing_to_have_done_about_an_event() -> None:
    assert "Done" not in labels(brief(told(1, kind="session")))
    assert "Done" not in labels(brief(told(3, kind="session")))


def test_an_offer_is_answered_by_its_own_keys() -> None:
    assert labels(brief(told(1, kind="offer", breaks_out=True))) == ["Accept", "Decline", "View"]


def test_of_several_items_each_opens_and_the_rest_is_chosen() -> None:
    assert labels(brief(told(3))) == [
        "1. 培训 1",
        "2. 培训 2",
        "3. 培训 3",
        "Done",
        "Later",
        "Mute one",
    ]
    assert labels(brief(told(3), choosing="later"))[-1] == "Back"
    assert "Which of these shall I put off" in brief(told(3), choosing="later").text
    assert "Which of these" not in brief(told(3)).text
    assert labels(brief(told(3), choosing="nonsense")) == labels(brief(told(3)))


def test_a_key_that_a_sentence_names_is_there() -> None:
    assert labels(brief(told(2, kind="ack_due"))).count("Confirm receipt") == 2
    assert "Confirm receipt" in labels(brief(told(1, kind="ack_due")))


def test_the_ninth_item_waits_in_the_list_of_what_is_due() -> None:
    card = brief(told(9))
    assert "培训 8" in card.text
    assert "培训 9" not in card.text
    assert "and 1 more" in card.text
    assert "What is due" in labels(card)


def test_what_is_done_is_struck_through_and_has_no_key() -> None:
    facts = Told(
        [item(1, done=True), item(2)],
        [],
        {("remote_end", n): subject(n) for n in (1, 2)},
    )
    card = brief(facts)
    assert "✓ 1. <s>" in card.text
    assert not any(label.startswith("1.") for label in labels(card))


def test_posted_hours_are_news_and_open_my_hours() -> None:
    card = brief(told(0, 1))
    assert "+6 hours: 学时 1" in card.text
    assert "My hours" in labels(card)
    assert news_text(NewsItem(1, "something_else", 1, {}, NOW), "en") == ""


def test_a_reminder_that_breaks_out_says_how_much_time_is_left() -> None:
    assert "(in 1 day 1 hour)" in brief(told(1, kind="session", breaks_out=True)).text


def test_a_subject_that_is_gone_is_passed_over() -> None:
    assert "settled" in brief(Told([item(1)], [], {})).text


@settings(max_examples=100, deadline=None)
@given(
    title=st.text(max_size=400),
    place=st.text(max_size=400),
    kind=st.sampled_from(sorted(kinds.KINDS)),
    language=st.sampled_from(LANGUAGES),
    number=st.integers(0, 12),
)
def test_no_title_breaks_the_markup_or_the_limit(
    title: str, place: str, kind: str, language: str, number: int
) -> None:
    numbers = range(1, number + 1)
    facts = Told(
        [item(n, kind) for n in numbers],
        [news(n, title=title) for n in numbers],
        {(kind, n): subject(n, kind, title=title, place=place, bring=place) for n in numbers},
    )
    card = brief(facts, language)
    assert set(re.findall(r"<[^>]*>", card.text)) <= {"<b>", "</b>", "<s>", "</s>"}
    assert len(html.unescape(card.text).encode("utf-16-le")) // 2 <= 4096
    for row in card.keys:
        for key in row:
            key.drawn()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_other_messages_have_words_in_every_language(language: str) -> None:
    for card in (
        offer_card(subject(1, "offer"), language, ZONE, NOW),
        cancelled_card("作业设计 & 评价", NOW, language, ZONE, NOW.date()),
        cancelled_card("作业设计", NOW, language, ZONE, NOW.date(), again=NOW, thin=True),
        link_moved_card(language),
        link_conflict_card("林若溪", "澄禾县实验小学", language),
    ):
        assert card.text
        assert "{" not in card.text


def test_an_offer_says_until_when_and_has_its_two_answers() -> None:
    card = offer_card(subject(1, "offer"), "en", ZONE, NOW)
    assert "Please choose by Sat 21 Nov, 09:00" in card.text
    assert labels(card) == ["Accept", "Decline", "View"]


def test_who_did_not_complete_reads_of_the_make_up_and_of_no_exam_where_there_was_none() -> None:
    def said(**facts: Any) -> str:
        known = {"title": "全员岗位远程培训", "batch_id": 1, "make_up": True, **facts}
        return news_text(NewsItem(1, "not_completed", 1, known, NOW), "en")

    window = ["2027-01-04", "2027-01-15"]
    assert said(lacks=["study"], window=window).endswith("Make-up: Mon 4 – Fri 15 Jan 2027.")
    assert said(lacks=["study"]).endswith("What is missing can be made up.")
    assert said(lacks=["failed"]).endswith("A make-up is possible.")
