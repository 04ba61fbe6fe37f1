"""The guided tour: each step is done by its act, and not before."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from string import Formatter
from types import FrameType
from typing import Any

import pytest

from bot.clock import Clock
from bot.sandbox import keeping
from bot.sandbox.chats import Answer, Message
from bot.sandbox.tour import CALLIGRAPHY, FIRST, GROUP, KEYS, SECOND, STEPS, WORKSHOP, Tour
from bot.sandbox.world import World
from locales import LANGUAGES, catalog
from tests.sandbox.conftest import MORNING


class Office:
    """A world with the tour's cast, and a bot that answers as it is told."""

    def __init__(self) -> None:
        self.world = World(Clock(MORNING))
        self.first = self.world.add_person(FIRST, note="语文 · 邀请码 ABCDEFGH").id
        self.second = self.world.add_person(SECOND, note="语文 · 邀请码 HGFEDCBA").id
        self.group = self.world.add_group(GROUP, members=[self.first, self.second]).id
        self.workshop = self.bot_says(self.group, f"【报名】{WORKSHOP}", "gr:23", "gd:23")
        self.calligraphy = self.bot_says(self.group, f"【报名】{CALLIGRAPHY}", "gr:27", "gd:27")

    def bot_says(self, chat: int, text: str, *keys: str) -> Message:
        rows = [[{"text": key, "callback_data": key}] for key in keys]
        content = {"text": text, "reply_markup": {"inline_keyboard": rows}}
        return self.world.post(self.world.chat(chat), self.world.bot_id, content)

    def taps(
        self, person: int, data: str, alert: str = "", *, on: Message | None = None, url: str = ""
    ) -> None:
        """Tap a key, on a card of its own unless it is said on which, and be answered."""
        query = self.begins_to_tap(person, data, on)
        self.world.answer_tap(query, Answer(alert, show_alert=bool(alert), url=url))

    def begins_to_tap(self, person: int, data: str, on: Message | None = None) -> str:
        message = on or self.bot_says(person, "卡片", data)
        return self.world.tap(person, message.chat_id, message.id, data)


def link(office: Office) -> None:
    office.bot_says(office.first, "linked", "home", "wrong")


def register(office: Office) -> None:
    office.taps(office.first, "gr:23", f"Seated: {WORKSHOP}", on=office.workshop)


def look_at_mine(office: Office) -> None:
    office.taps(office.first, "mine:0")


def look_at_hours(office: Office) -> None:
    office.world.say(office.first, office.first, "/hours")
    office.bot_says(office.first, "22/72", "hlines:0")


def look_at_due(office: Office) -> None:
    office.taps(office.first, "due:0")


def wait(office: Office) -> None:
    office.taps(office.second, "gr:23", on=office.workshop, url="https://t.me/b?start=p23")
    assert done(office) == [step.id for step in STEPS[:5]], "to be led away is not to wait"
    office.taps(office.second, "reg:23", f"Number 1: {WORKSHOP}")


def ask(office: Office) -> None:
    office.taps(office.second, "int:27:1")


def be_reminded(office: Office) -> None:
    office.bot_says(office.second, "brief", "p:27", "rd:41", "rl:41", "rm:41")


def withdraw(office: Office) -> None:
    office.taps(office.first, "wd:23:0")
    office.taps(office.first, "wd:23:1", "gone")
    assert "withdraw" not in done(office), "the seat was not offered yet"
    office.bot_says(office.second, f"{WORKSHOP}: a seat", "oa:1", "op:1")


def accept(office: Office) -> None:
    office.taps(office.second, "oa:1", "yours")
    assert "accept" not in done(office), "why was not read yet"
    office.taps(office.second, "why:23")


ACTS: list[Callable[[Office], None]] = [
    link,
    register,
    look_at_mine,
    look_at_hours,
    look_at_due,
    wait,
    ask,
    be_reminded,
    withdraw,
    accept,
]
_tours: dict[int, Tour] = {}


def done(office: Office) -> list[str]:
    """Which steps a tour that has looked at this office all along says are done."""
    tour = _tours.setdefault(id(office), Tour(office.world))
    return [step["id"] for step in tour.steps("en") if step["done"]]


@pytest.fixture
def office() -> Office:
    _tours.clear()
    return Office()


def test_in_a_new_world_nothing_is_done(office: Office) -> None:
    steps = Tour(office.world).steps("zh_Hans")
    assert len(steps) == len({step["id"] for step in steps}) == 10
    assert not any(step["done"] for step in steps)
    assert {step["person"] for step in steps} == {office.first, office.second}
    assert {step["chat"] for step in steps} == {office.first, office.second, office.group}
    assert [step["clock"] for step in steps if step["clock"]] == ["next"]


def test_a_world_without_the_cast_has_a_tour_all_the_same(world: World) -> None:
    steps = Tour(world).steps("en")
    assert len(steps) == 10
    assert {(step["person"], step["chat"], step["done"]) for step in steps} == {(None, None, False)}


def test_each_act_makes_its_own_step_done_and_no_other(office: Office) -> None:
    assert done(office) == []
    for number, act in enumerate(ACTS, 1):
        act(office)
        assert done(office) == [step.id for step in STEPS[:number]]


def test_who_looks_only_at_the_end_finds_everything_that_still_shows(office: Office) -> None:
    for act in ACTS:
        act(office)
    assert all(step["done"] for step in Tour(office.world).steps("zh_Hans"))


@pytest.mark.parametrize(
    "act",
    [
        lambda office: office.begins_to_tap(office.first, "gr:23", office.workshop),
        lambda office: office.taps(office.first, "gr:27", "seated", on=office.calligraphy),
        lambda office: office.taps(office.second, "gr:23", WORKSHOP, on=office.workshop),
        lambda office: office.taps(office.first, "gr:23", on=office.workshop),
        lambda office: office.taps(office.first, "gr:23", "Sorry.", on=office.workshop),
        lambda office: office.taps(office.second, "mine:0"),
        lambda office: office.taps(office.second, "int:27:0"),
        lambda office: office.taps(office.second, "int:23:1"),
        lambda office: office.world.say(office.first, office.first, "/hours"),
        lambda office: office.bot_says(office.first, "welcome", "code", "phone", "priv"),
        lambda office: office.bot_says(office.first, "brief", "rd:41"),
        lambda office: office.bot_says(office.second, f"{WORKSHOP}: a seat", "oa:1", "op:1"),
    ],
    ids=[
        "a tap without an answer",
        "another programme",
        "the other person",
        "an answer that is no alert",
        "an alert that something went wrong",
        "the other's registrations",
        "a reminder put out",
        "a reminder of something else",
        "a command without an answer",
        "a welcome to somebody unknown",
        "a brief to the other",
        "an offer that nobody made room for",
    ],
)
def test_what_only_looks_like_a_step_does_not_count(
    office: Office, act: Callable[[Office], None]
) -> None:
    act(office)
    assert done(office) == []


def test_who_came_first_has_the_seat_and_does_not_wait(office: Office) -> None:
    office.taps(office.second, "gr:23", f"Seated: {WORKSHOP}", on=office.workshop)
    register(office)
    assert done(office) == ["register"]


def test_an_answer_that_comes_later_counts_when_it_comes(office: Office) -> None:
    query = office.begins_to_tap(office.first, "gr:23", office.workshop)
    assert done(office) == []
    office.world.answer_tap(query, Answer(f"Seated: {WORKSHOP}", show_alert=True))
    assert done(office) == ["register"]


def test_what_was_done_stays_done(office: Office) -> None:
    link(office)
    be_reminded(office)
    assert done(office) == ["link", "remind"]
    for chat in (office.first, office.second):
        for message in list(office.world.chat(chat).messages.values()):
            office.world.remove(message)
    assert done(office) == ["link", "remind"]


def test_what_was_done_can_be_kept(office: Office) -> None:
    for act in ACTS[:6]:
        act(office)
    tour = Tour(office.world)
    tour.steps("en")
    kept = json.loads(json.dumps(tour.dump()))
    assert kept == [step.id for step in STEPS[:6]]

    elsewhere = Tour(World(Clock(MORNING)))
    elsewhere.load([*kept, "a step of an older edition"])
    assert elsewhere.dump() == kept
    assert [step["id"] for step in elsewhere.steps("en") if step["done"]] == kept


def test_the_tour_goes_on_in_a_world_that_was_kept(office: Office) -> None:
    for act in ACTS[:6]:
        act(office)
    tour = Tour(office.world)
    tour.steps("en")
    dumped = json.loads(json.dumps([keeping.dump(office.world), tour.dump()]))

    taken_up = Office()
    again = Tour(taken_up.world)
    keeping.load(taken_up.world, dumped[0])
    again.load(dumped[1])
    _tours[id(taken_up)] = again
    for number, act in enumerate(ACTS[6:], 7):
        act(taken_up)
        assert done(taken_up) == [step.id for step in STEPS[:number]]


def test_every_step_speaks_three_languages_with_the_same_placeholders(office: Office) -> None:
    for step in STEPS:
        assert tuple(step.words) == LANGUAGES
        holes = [
            {name for _, name, _, _ in Formatter().parse(words.text) if name}
            for words in step.words.values()
        ]
        assert holes[0] == holes[1] == holes[2], step.id
    tour = Tour(office.world)
    told = {language: tour.steps(language) for language in (*LANGUAGES, "xx")}
    assert told["xx"] == told["zh_Hans"]
    for language in LANGUAGES:
        for step, shown in zip(STEPS, told[language], strict=True):
            assert shown["text"].endswith((".", "。"))
            assert "{" not in shown["text"]
            assert shown["title"] == step.words[language].title
    assert "ABCDEFGH" in told["en"][0]["text"]


def test_keys_are_called_what_stands_on_them_for_the_person_who_taps(office: Office) -> None:
    for language in ("zh_Hans", "zh_Hant"):
        for label in KEYS.values():
            assert catalog(language).gettext(label) != label, f"no such key: {label}"
    assert "立即报名" in Tour(office.world).steps("en")[1]["text"]
    office.world.people[office.first].language_code = "en"
    assert "Register" in Tour(office.world).steps("zh_Hans")[1]["text"]


def test_looking_is_cheap_in_a_big_world(office: Office) -> None:
    world = office.world
    for number in range(2_000):
        world.add_person(f"老师{number}")
    crowd = [one.id for one in world.people.values()][2:]
    tour = Tour(world)
    tour.steps("en")
    for number in range(50_000):
        who = crowd[number % len(crowd)]
        world.post(world.chat(office.group), who, {"text": "好的"})
        if number % 500 == 0:
            office.begins_to_tap(office.second, "hours")
    for _ in range(20_000):
        world.tap(crowd[0], crowd[0], office.bot_says(crowd[0], "x", "home").id, "home")
    tour.steps("en")

    office.bot_says(crowd[1], "x", "home")
    # In lines and not in seconds, so that it says the same on every machine.
    lines = 0

    def count(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    sys.settrace(count)
    try:
        tour.steps("en")
    finally:
        sys.settrace(None)
    assert lines < 10_000, f"{lines} lines: a look goes through all that has ever been said"
