"""What a whole group sees is made in one place, of facts that have no field for a person."""

from __future__ import annotations

import ast
import dataclasses
import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.cards import GroupCard
from handlers.messaging.public import (
    anonymous_card,
    intro_card,
    programme_group_card,
)
from locales import LANGUAGES
from storage.training.programmes import BatchState, GroupProgramme
from storage.training.tables import Enrolment, Level, Mode

ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
FACTS = GroupProgramme(
    batch_id=7,
    title="作业设计专题培训",
    batch_title="第一期",
    level=Level.COUNTY,
    mode=Mode.FACE_TO_FACE,
    hours=Decimal("8.0"),
    starts_at=NOW + timedelta(days=20),
    ends_at=NOW + timedelta(days=21),
    reg_open=NOW - timedelta(days=1),
    reg_close=NOW + timedelta(days=10),
    place="三楼报告厅",
    state=BatchState.OPEN,
    seats=40,
    seats_left=12,
    registered=28,
    revision=3,
)
ROSTER = ("林若溪", "欧阳立", "阿依古丽·买买提")


def link(payload: str) -> str:
    return f"https://t.me/qinglan_bot?start={payload}"


def card(facts: GroupProgramme, language: str = "en") -> GroupCard:
    return programme_group_card(facts, language, ZONE, NOW, link)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", BatchState)
def test_a_programme_has_a_card_in_every_state_and_language(
    state: BatchState, language: str
) -> None:
    made = card(dataclasses.replace(FACTS, state=state), language)
    assert FACTS.title in made.text
    assert made.markup() is not None
    assert len(made.text.splitlines()) <= 9


def test_the_card_says_when_where_until_when_and_how_many_seats() -> None:
    text = card(FACTS).text
    for said in ("Hours: 8", "三楼报告厅", "Registration closes: Mon 30 Nov", "left: 12"):
        assert said in text


def test_register_and_details_are_under_a_card_that_is_open() -> None:
    labels = [key.label for row in card(FACTS).keys for key in row]
    assert labels[:2] == ["Register", "Full details"]
    assert card(FACTS).keys[0][0].press is not None


@pytest.mark.parametrize(
    "state", [BatchState.NOT_YET_OPEN, BatchState.CLOSED, BatchState.RUNNING, BatchState.CANCELLED]
)
def test_nobody_is_asked_to_register_when_they_cannot(state: BatchState) -> None:
    made = card(dataclasses.replace(FACTS, state=state))
    assert not any(key.label.startswith("Register") for row in made.keys for key in row)


@pytest.mark.parametrize("registered", [None, 0, 1, 4])
@pytest.mark.parametrize("language", LANGUAGES)
def test_fewer_than_five_persons_are_not_counted_in_public(
    registered: int | None, language: str
) -> None:
    facts = dataclasses.replace(FACTS, seats=None, seats_left=None, registered=registered)
    assert card(facts, language) == card(dataclasses.replace(facts, registered=None), language)


def test_five_persons_are_counted_in_public() -> None:
    assert "5 registered" in card(dataclasses.replace(FACTS, registered=5)).text


texts = st.text(max_size=300)


@settings(max_examples=150, deadline=None)
@given(
    title=texts,
    batch_title=texts,
    place=texts,
    state=st.sampled_from(BatchState),
    mode=st.sampled_from(Mode),
    seats=st.one_of(st.none(), st.integers(0, 5000)),
    registered=st.one_of(st.none(), st.integers(0, 5000)),
    language=st.sampled_from(LANGUAGES),
)
def test_whatever_the_facts_a_card_is_escaped_short_and_names_nobody(
    title: str,
    batch_title: str,
    place: str,
    state: BatchState,
    mode: Mode,
    seats: int | None,
    registered: int | None,
    language: str,
) -> None:
    facts = dataclasses.replace(
        FACTS,
        title=title,
        batch_title=batch_title,
        place=place,
        state=state,
        mode=mode,
        seats=seats,
        seats_left=seats,
        registered=registered,
    )
    text = card(facts, language).text
    assert set(re.findall(r"<[^>]*>", text)) <= {"<b>", "</b>"}
    assert text.count("<") == text.count(">") == 2
    assert len(html.unescape(text).encode("utf-16-le")) // 2 <= 4096
    for name in ROSTER:
        assert name not in text or any(name in given for given in (title, batch_title, place))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_greetings_lead_into_the_private_chat(language: str) -> None:
    for made in (
        intro_card("澄禾县<实验>小学", language, link),
        anonymous_card(language, link),
    ):
        assert made.keys[0][0].url == link("menu")
        assert "<实验>" not in made.text


def test_where_the_school_nominates_nothing_is_said_of_a_closed_registration() -> None:
    facts = dataclasses.replace(FACTS, state=BatchState.CLOSED, door=Enrolment.NOMINATION)
    assert "Registration is closed" not in card(facts).text
    assert "Enrolment: the school nominates" in card(facts).text
    assert "Registration is closed" in card(dataclasses.replace(facts, door=None)).text


def test_facts_for_a_group_have_no_field_for_a_person() -> None:
    names = {field.name for field in dataclasses.fields(GroupProgramme)}
    assert not {name for name in names if re.search("teacher|account|user|name|person", name)}


def test_only_one_module_makes_what_a_group_sees() -> None:
    makers = set()
    for path in [*ROOT.glob("handlers/**/*.py"), *ROOT.glob("bot/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "GroupCard":
                makers.add(path.relative_to(ROOT).as_posix())
    assert makers == {"handlers/messaging/public.py"}
