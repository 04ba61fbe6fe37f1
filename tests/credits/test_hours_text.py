"""My hours in words and as a picture."""

import re
import struct
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from handlers import documents
from handlers.credits import hours_text
from handlers.credits.hours_picture import my_hours_png
from handlers.credits.words import why_sentence
from handlers.documents import HOURS_LABELS
from locales import LANGUAGES
from storage.credits.balance import Rule, Underway, Why
from storage.credits.ledger import Entry
from storage.credits.profiles import bundled
from storage.credits.tables import EntryState
from storage.refusals import NotFound
from tests.credits.entries import entry, read

NASTY = "<b>*研修* & #strong[x] $x$ {name}"
PLAN = Underway("网络研修", "national", "post_skill", "remote", Decimal(50), date(2026, 12, 25))


def typical() -> list[Entry]:
    return [
        entry(30, level="school", category="school_based", title=NASTY),
        entry("12.5"),
        entry(6, state=EntryState.PENDING),
        entry(9, state=EntryState.REVERSED),
    ]


class Balanced(HTMLParser):
    """Fails on a tag that Telegram does not know or that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in {"b", "i"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted(bundled()))
@pytest.mark.parametrize("entries", [[], typical()], ids=["empty", "typical"])
def test_every_text_is_whole_html_within_telegrams_limit(
    language: str, code: str, entries: list[Entry]
) -> None:
    facts = read(entries, code, underway=(PLAN,))
    for text in (
        hours_text.summary_text(facts, language),
        hours_text.detail_text(facts, 0, language),
        hours_text.all_why_text(facts, language),
        hours_text.how_text(facts, language),
        *(hours_text.why_text(facts, line.entry_id, language) for line in facts.lines),
    ):
        parser = Balanced()
        parser.feed(text)
        assert parser.open == []
        assert len(text) < 4096
        assert not re.search(r"\{[a-z_]+\}", text.replace("{name}", ""))


def test_the_summary_says_year_cycle_levels_missing_and_forecast() -> None:
    text = hours_text.summary_text(read(typical(), underway=(PLAN,)), "en")
    for said in (
        "This year (2026-2027): 36.5 of 72 hours",
        "This cycle (2026.09–2031.08): 36.5 of 360 hours",
        "Earned 42.5 hours, of these 36.5 count",
        "Pending: 6 hours",
        "School-based: 24 (at most 120, this year 24 of at most 24)",
        "Reference of this year: 35.5 hours (until Tue 31 Aug 2027, as a reference only)",
        "If you complete everything you are registered for: 92.5 hours this year",
        "Rules: National frame, version 1",
        "10 working days",
    ):
        assert said in text


def test_details_come_in_pages_newest_first_and_a_page_too_far_is_the_last() -> None:
    facts = read([entry(1, earned_on=date(2026, 9, day), title=f"d{day}") for day in range(1, 15)])
    assert hours_text.detail_pages(facts) == 3
    assert [line.title for line in hours_text.lines_on(facts, 0)] == [
        f"d{day}" for day in range(14, 8, -1)
    ]
    last = hours_text.detail_text(facts, 99, "en")
    assert "(3/3)" in last
    assert "14. <b>d1</b>" in last
    assert hours_text.detail_text(facts, -5, "en") == hours_text.detail_text(facts, 0, "en")


def test_why_names_the_rule_and_its_limit() -> None:
    facts = read(typical())
    capped = next(line for line in hours_text.capped_lines(facts) if line.counted)
    text = hours_text.why_text(facts, capped.entry_id, "en")
    assert "6 hours do not count" in text
    assert "at most 24 hours a year, and 2026-2027 has reached that" in text
    with pytest.raises(NotFound):
        hours_text.why_text(facts, -1, "en")


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_its_sentence(rule: Rule, language: str) -> None:
    why = Why(rule, Decimal(1), limit=Decimal(24), subject="school", year="2026-2027")
    assert "{" not in why_sentence(why, "credit", language)


def test_the_picture_is_a_phones_width_whatever_is_in_it() -> None:
    overfull = [
        entry(50, level=level, category=category, title=NASTY)
        for level in ("national", "city", "county", "school")
        for category in ("ethics", "ict", "research", "homeroom", "post_skill", NASTY)
    ]
    for entries in ([], typical(), overfull):
        for language in LANGUAGES:
            png = my_hours_png(read(entries, underway=(PLAN,)), NASTY, language)
            assert png.startswith(b"\x89PNG")
            width, height = struct.unpack(">II", png[16:24])
            assert width == 1080
            # Telegram refuses photos beyond these.
            assert width + height <= 10_000
            assert height <= 20 * width


def test_what_people_wrote_is_never_markup() -> None:
    plain = my_hours_png(read([]), "x", "en")
    assert my_hours_png(read([]), "#panic()", "en") != plain
    with pytest.raises(KeyError):
        documents.hours_picture(
            documents.HoursPicture(
                language="en",
                name="",
                as_of="",
                counted="",
                total="",
                share=0,
                share_if_completed=0,
                hero=(),
                year=documents.Bar("", ""),
                levels=(),
                categories=(),
                missing=(),
                forecast="",
                small_print=(),
            ),
            dict.fromkeys(HOURS_LABELS[1:], ""),
        )


def test_a_sheet_for_paper_comes_from_the_same_template() -> None:
    pages = documents.render(
        "hours",
        {
            "facts": {
                "name": "林若溪",
                "counted": "0",
                "total": "",
                "share": 0,
                "share_if_completed": 0,
                "hero": [],
                "year": {"label": "", "value": "", "note": "", "counted": 0, "earned": 0}
                | {"mark": None},
                "levels": [],
                "categories": [],
                "missing": [],
                "forecast": "",
                "small_print": [],
            },
            "labels": dict.fromkeys(HOURS_LABELS, ""),
        },
        language="zh_Hans",
        form="pdf",
    )
    assert pages[0].startswith(b"%PDF")
