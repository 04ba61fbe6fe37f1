"""A group sees what is public and nothing else, whatever is done in it and in whatever order.

Random plays, and a reader who keeps everything that the bot ever showed to a whole group, also
what was edited or deleted a moment later. Each line must be one that ``public.py`` or the
redirect can say, and nothing may carry what is personal.
"""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from sqlmodel import Session

import bot.pacer
from bot.sandbox.chats import Message
from bot.sandbox.refusals import ImpossibleAct
from handlers.buttons import LIMIT, Button
from locales import LANGUAGES, catalog
from locales.update import ROOT
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.messaging import groups
from storage.messaging.tables import ChatPurpose
from storage.people import linking, phones
from storage.people.tables import Office
from storage.refusals import Refusal
from storage.training import schedule
from storage.training.tables import Batch
from tests import make
from tests.stage import Actor, Stage, stage_on

SCHOOL = "青崖镇中心小学"
# Invented, and written with characters that stand in no sentence of ours.
NAMES = ("鹤峦霏", "墨隼岚", "箬溟鸢", "祝骊翾", "岑霭璆", "钟麂漪")
STAFF = tuple(f"ZQ{88_4101 + 137 * number}" for number in range(len(NAMES)))
PHONES = tuple(f"11177{30_411 + 977 * number}" for number in range(len(NAMES)))
HOURS = tuple(Decimal("213.7") + 31 * number for number in range(len(NAMES)))
TITLES = ("朗读指导", "作业设计", "校园安全", "书法与板书")
COMMANDS = (
    *("hours", "credits", "due", "mine", "menu", "programmes", "settings"),
    *("privacy", "mydata", "unlink", "start", "help", "link"),
)
TEXTS = ("谢谢老师", "K7MP 2RXD", "家里有事，请假", "Cancel", '<b>&"😀', "hello @qinglan_bot", "1")
ACTS = 45
DAY = timedelta(days=1)


def public_lines() -> Iterator[re.Pattern[str]]:
    """Every line that may stand in a group, in each language, with anything for a name."""
    for path in ("handlers/messaging/public.py", "handlers/wiring.py"):
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in (
                "_",
                "ngettext",
            ):
                continue
            said = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            for language in LANGUAGES:
                for msgid in said:
                    singular, plural = said[0], said[-1]
                    found = catalog(language)
                    for text in (
                        found.gettext(str(msgid)),
                        found.ngettext(str(singular), str(plural), 5),
                    ):
                        for line in text.split("\n"):
                            yield re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(line)))


LINES = tuple(public_lines())


@dataclass
class Recorder:
    """Keeps all that the bot has shown to everybody in any group."""

    stage: Stage
    seen: dict[str, Message] = field(default_factory=dict)

    def look(self, change: dict[str, Any]) -> None:
        if change["kind"] != "chat":
            return
        chat = self.stage.world.chats[change["chat"]]
        if chat.is_private:
            return
        for message in chat.messages.values():
            if message.sender_id == self.stage.world.bot_id and message.only_for is None:
                self.seen.setdefault(json.dumps(message.body, ensure_ascii=False), message)

    def leaks(self) -> list[str]:
        return [leak for body, message in self.seen.items() for leak in leaks(body, message)]


def leaks(body: str, message: Message) -> Iterator[str]:
    """What in this message is not for everybody."""
    if "left_chat_member" in message.body:
        return  # Telegram's own words: it has left the group that nobody connected
    for secret in (*NAMES, *STAFF, *PHONES, *(f"{hours:f}" for hours in HOURS)):
        if secret in body:
            yield f"{secret} in {body}"
    for kind in ("photo", "document", "contact", "reply_to_message"):
        if kind in message.body:
            yield f"{kind} in {body}"
    for line in str(message.body.get("text", "")).split("\n"):
        if not any(allowed.fullmatch(line) for allowed in LINES):
            yield f"the line {line!r} in {body}"


@dataclass
class Play:
    """One school with its groups, and what its people may do at random."""

    stage: Stage
    dice: random.Random
    recorder: Recorder
    people: list[Actor]
    groups: list[int]
    batches: list[int]
    log: list[str] = field(default_factory=list)

    async def act(self) -> None:
        acts: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (6, self.command_in_group),
            (6, self.real_tap_in_group),
            (8, self.forged_tap_in_group),
            (2, self.reply_in_group),
            (5, self.tap_in_private),
            (6, self.register_or_withdraw),
            (2, self.words_in_private),
            (1, self.shares_contact),
            (1, self.blocks),
            (1, self.links),
            (1, self.edits_own_text),
            (1, self.programme_changes),
            (3, self.time_passes),
        ]
        chosen = self.dice.choices([act for _, act in acts], [weight for weight, _ in acts])[0]
        who = self.dice.choice(self.people)
        self.who = who
        self.log.append(f"{getattr(chosen, '__name__', '')} by {who.name}")
        try:
            await chosen()
        except ImpossibleAct:
            self.log[-1] += " (impossible)"

    async def command_in_group(self) -> None:
        command = self.dice.choice(COMMANDS)
        to = self.dice.choice(("", "@qinglan_bot", "@qinglan_bot", "@other_bot"))
        more = self.dice.choice(("", "", f" p{self.batches[0]}", " " + "a" * 64))
        await self.who.says(f"/{command}{to}{more}", at=self.dice.choice(self.groups))

    def shown(self, chat: int) -> list[tuple[int, list[str]]]:
        """Messages of the bot in the chat as this person sees them, with what their keys send."""
        return [
            (
                message.id,
                [
                    key["callback_data"]
                    for row in message.buttons
                    for key in row
                    if "callback_data" in key
                ],
            )
            for message in self.stage.world.seen_by(self.who.id, chat)
            if message.sender_id == self.stage.world.bot_id
        ]

    async def tap(self, chat: int, message: int, data: str, *, forged: bool) -> None:
        self.log[-1] += f" {data!r}"
        times = self.dice.choice((1, 1, 1, 2))
        for _ in range(times):
            self.stage.world.tap(self.who.id, chat, message, data, forged=forged)
        await self.stage.settle()

    async def real_tap_in_group(self) -> None:
        chat = self.dice.choice(self.groups)
        keyed = [(message, keys) for message, keys in self.shown(chat) if keys]
        if keyed:
            message, keys = self.dice.choice(keyed)
            await self.tap(chat, message, self.dice.choice(keys), forged=False)

    def any_data(self) -> str:
        """Data of any button there is, with numbers that fit and numbers that do not."""
        kinds = Button._all
        button = kinds[self.dice.choice(sorted(kinds))]
        values: list[str] = []
        for one in fields(button):
            if get_type_hints(button)[one.name] is int:
                values.append(str(self.dice.choice([*self.batches, 0, 1, 2, 3, -1, 10**17])))
            else:
                values.append(self.dice.choice(("", "done", "later", "mute", *LANGUAGES)))
        data = ":".join([button.tag, *values])
        return self.dice.choice((data, data, data, data, data + ":1", "x" * LIMIT))

    async def forged_tap_in_group(self) -> None:
        chat = self.dice.choice(self.groups)
        shown = self.shown(chat)
        if shown:
            message, _ = self.dice.choice(shown)
            await self.tap(chat, message, self.any_data(), forged=True)

    async def reply_in_group(self) -> None:
        chat = self.dice.choice(self.groups)
        shown = self.shown(chat)
        if shown:
            message, _ = self.dice.choice(shown)
            text = self.dice.choice((*TEXTS, "/hours", self.who.name))
            self.stage.world.say(self.who.id, chat, text, reply_to=message)
            await self.stage.settle()

    async def tap_in_private(self) -> None:
        keyed = [(message, keys) for message, keys in self.shown(self.who.id) if keys]
        if keyed:
            message, keys = self.dice.choice(keyed)
            await self.tap(self.who.id, message, self.dice.choice(keys), forged=False)

    async def register_or_withdraw(self) -> None:
        await self.who.says("/menu")
        batch_id = self.dice.choice(self.batches)
        data = self.dice.choice((f"reg:{batch_id}", f"wd:{batch_id}:1", f"wd:{batch_id}:1"))
        shown = self.shown(self.who.id)
        if shown:
            await self.tap(self.who.id, shown[-1][0], data, forged=True)

    async def words_in_private(self) -> None:
        said = (*TEXTS, *(f"/{command}" for command in COMMANDS))
        await self.who.says(self.dice.choice(said))

    async def shares_contact(self) -> None:
        chat = self.dice.choice((self.who.id, *self.groups))
        self.stage.world.share_contact(self.who.id, chat, self.dice.choice(self.people).id)
        await self.stage.settle()

    async def blocks(self) -> None:
        if self.stage.world.people[self.who.id].blocked:
            self.stage.world.press_start(self.who.id, f"p{self.batches[0]}")
        else:
            self.stage.world.block(self.who.id)
        await self.stage.settle()

    async def links(self) -> None:
        """Claim any teacher's place with a right code."""
        teacher_id = self.dice.choice([one.teacher_id for one in self.people if one.teacher_id])
        assert teacher_id is not None
        code = await self.stage.database.write(
            linking.issue_code, teacher_id, now=self.stage.clock()
        )
        await self.who.says(code)

    async def edits_own_text(self) -> None:
        chat = self.dice.choice(self.groups)
        said = self.stage.world.say(self.who.id, chat, "好的")
        self.stage.world.edit(self.who.id, chat, said.id, "/hours@qinglan_bot")
        await self.stage.settle()

    async def programme_changes(self) -> None:
        """The office moves one programme, or (rarely) cancels it."""
        batch_id, now = self.dice.choice(self.batches), self.stage.clock()
        with suppress(Refusal):
            if self.dice.random() < 0.2:
                await self.stage.database.write(cancel, batch_id, now=now)
            else:
                later = now + timedelta(days=self.dice.randrange(2, 30))
                await self.stage.database.write(
                    schedule.move, batch_id, now=now, starts_at=later, ends_at=later + DAY
                )
        await self.stage.deliver()

    async def time_passes(self) -> None:
        await self.stage.passes(hours=self.dice.choice((1, 5, 20, 24, 75)))


def cancel(session: Session, batch_id: int, *, now: datetime) -> None:
    programme_id = session.get_one(Batch, batch_id).programme_id
    schedule.cancel(session, programme_id, now=now, reason="讲师生病")


def settle_roster(session: Session, number: int) -> int:
    """A teacher with a number, a phone and hours of their own; the teacher's id."""
    office = session.get_one(Office, make.office(session))
    teacher_id = make.teacher(
        session,
        NAMES[number],
        at=SCHOOL,
        staff_no=STAFF[number],
        phone_hash=phones.hashed(PHONES[number], office.salt),
    )
    session.add(
        CreditEntry(
            teacher_id=teacher_id,
            earned_on=date(2026, 10, 20),
            level="county",
            category="post_skill",
            hours=HOURS[number],
            title=f"{NAMES[number]}的研修",
            source_kind="manual",
            source_id=number,
            state=EntryState.POSTED,
            posted_at=make.NOW,
        )
    )
    session.flush()
    return teacher_id


async def set_scene(stage: Stage, seed: int) -> Play:
    people: list[Actor] = []
    for number, name in enumerate(NAMES):
        language = ("zh-hans", "zh-hant", "en")[number % 3]
        person = stage.world.add_person(
            name, language_code=language, phone=PHONES[number], started=number < 4
        )
        teacher_id = await stage.database.write(settle_roster, number)
        if number < 4:
            spoken = {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}.get(language, "en")
            await stage.database.write(
                make.account, teacher_id, tg_user_id=person.id, language=spoken
            )
        people.append(Actor(stage, person.id, name, teacher_id))
    late: dict[str, Any] = {
        "reg_close": make.NOW + 40 * DAY,
        "starts_at": make.NOW + 60 * DAY,
        "ends_at": make.NOW + 61 * DAY,
    }
    batches = [
        await stage.database.write(make.batch, TITLES[0], seats=1, **late),
        await stage.database.write(make.batch, TITLES[1], seats=2, **late),
        await stage.database.write(make.batch, TITLES[2], seats=3, audience={"stage": ["senior"]}),
        await stage.database.write(
            make.batch, TITLES[3], seats=2, reg_open=make.NOW + timedelta(days=3)
        ),
    ]
    for batch_id in batches:
        await stage.database.write(schedule.plan_deadlines, batch_id, now=make.NOW)
    members = [person.id for person in people]
    bound = stage.world.add_group("教师通知群", members=members)
    unbound = stage.world.add_group("闲聊群", members=members, bot_is_admin=True, announce=True)
    recorder = Recorder(stage)
    stage.world.listen(recorder.look)
    unit_id = await stage.database.write(make.school, SCHOOL)
    chat = await stage.database.write(
        groups.bind,
        bound.id,
        "教师通知群",
        purpose=ChatPurpose.ALL_STAFF,
        unit_id=unit_id,
        language=LANGUAGES[seed % len(LANGUAGES)],
    )
    for batch_id in batches:
        await stage.database.write(groups.post_card, chat.id, batch_id)
    await stage.deliver()
    await stage.passes(minutes=1)
    play = Play(stage, random.Random(seed), recorder, people, [bound.id, unbound.id], batches)
    cards = stage.world.chats[bound.id].messages
    for who in people:  # one seat and two: the others wait
        for message in list(cards.values())[:2]:
            key = message.body["reply_markup"]["inline_keyboard"][0][0]
            stage.world.tap(who.id, bound.id, message.id, key["callback_data"])
    await stage.settle()
    return play


@pytest.fixture(autouse=True)
def without_pacing(monkeypatch: pytest.MonkeyPatch) -> None:
    """How far apart messages go out is of no interest here, and costs seconds."""
    monkeypatch.setattr(bot.pacer, "GROUP_EVERY", 0.0)
    monkeypatch.setattr(bot.pacer, "CHAT_EVERY", 0.0)


@pytest.mark.parametrize("ephemeral", [True, False])
@pytest.mark.parametrize("seed", range(4))
async def test_a_group_never_sees_what_is_personal(
    sqlite: Database, seed: int, ephemeral: bool
) -> None:
    async with stage_on(sqlite) as stage:
        stage.world.ephemeral_supported = ephemeral
        play = await set_scene(stage, seed + 10 * ephemeral)
        for _ in range(ACTS):
            await play.act()
        for _ in range(8):  # whatever waits for its hour
            await stage.passes(hours=7)
        assert len(play.recorder.seen) > len(play.batches)  # or there was nothing to look at
        assert stage.office.delivery.sent > len(play.batches)
        assert not play.recorder.leaks(), play.log
        assert [tap for tap in stage.world.taps.values() if tap.answer is None] == [], play.log
        assert not stage.office.inbox.faulty, (stage.office.inbox.faulty, play.log)


LEAKS = (
    f"{NAMES[0]} 老师，请尽快完成。",
    f"工号 {STAFF[1]}",
    f"{PHONES[2]}",
    f"本周期已有 {HOURS[3]} 学时",
    "You: number 3 in the queue",
    "这次培训不适合您：学段不符。",
    "还有 2 位老师没有完成。",
)


@pytest.mark.parametrize("leak", LEAKS)
async def test_the_reader_of_these_plays_would_notice_a_leak(sqlite: Database, leak: str) -> None:
    async with stage_on(sqlite) as stage:
        play = await set_scene(stage, 0)
        assert play.recorder.leaks() == []
        sent = await stage.office.application.bot.send_message(play.groups[0], leak)
        await sent.delete()
        assert play.recorder.leaks()


async def test_the_reader_notices_a_leak_that_is_edited_into_a_card(sqlite: Database) -> None:
    async with stage_on(sqlite) as stage:
        play = await set_scene(stage, 0)
        card = next(iter(play.recorder.seen.values()))
        await stage.office.application.bot.edit_message_text(
            f"{card.body['text']}\n{NAMES[0]}", card.chat_id, card.id
        )
        assert any(NAMES[0] in leak for leak in play.recorder.leaks())
