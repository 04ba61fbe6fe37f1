"""What once broke: each test is the shortest way to a defect that was found by play."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, col, select

from bot.sandbox.calls import Call
from bot.sandbox.chats import Seen
from handlers.cards import Card, fitted
from storage.database import Database
from storage.messaging import groups
from storage.messaging.tables import ChatPurpose, Deadline, DeadlineStep, OutboxMessage, OutboxState
from storage.training import schedule
from storage.training.tables import Registration
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage, stage_on


async def asked_for_a_reason(stage: Stage) -> Actor:
    """Somebody who wants to withdraw late, and is asked why."""
    batch_id = await stage.database.write(make.batch)
    lin = await stage.teacher()
    await lin.starts(f"p{batch_id}")
    await lin.sends_data(f"reg:{batch_id}")
    stage.clock.advance(timedelta(days=11))
    await lin.sends_data(f"wd:{batch_id}:1")
    return lin


def leave_request(session: Session) -> str:
    return session.exec(select(Registration.leave_request)).one() or ""


@pytest.mark.parametrize("away", ["p:1", "home", "/menu", "/help"])
async def test_who_keeps_the_place_after_all_can_say_thanks(stage: Stage, away: str) -> None:
    """A text typed hours after "Keep my place" was sent to the school as the reason to leave."""
    lin = await asked_for_a_reason(stage)
    await (lin.says(away) if away.startswith("/") else lin.sends_data(away))
    assert "I did not understand" in await lin.says("谢谢老师")
    assert await stage.database.read(leave_request) == ""


async def test_the_reason_is_still_taken_when_it_is_what_comes_next(stage: Stage) -> None:
    """The control of the test above."""
    lin = await asked_for_a_reason(stage)
    await lin.says("家中老人住院")
    assert await stage.database.read(leave_request) == "家中老人住院"


async def test_the_cancel_key_of_the_phone_is_not_a_wrong_code(stage: Stage) -> None:
    """After "Enter link code" and "Use my phone", "Cancel" used up one of the five tries."""
    new = stage.newcomer(language="en")
    await new.starts()
    await new.sends_data("code")
    await new.sends_data("phone")
    assert "not known" not in await new.says("Cancel")


async def test_a_link_that_begins_like_a_code_and_is_none_still_opens_the_door(
    stage: Stage,
) -> None:
    """/start with a payload such as "Lesson" was answered with nothing at all."""
    new = stage.newcomer(language="en")
    assert "link code" in await new.starts("Lesson")


@pytest.mark.parametrize("command", ["hours", "due", "mine", "programmes", "menu", "mydata"])
async def test_a_newcomer_who_asks_in_a_group_is_shown_the_way(stage: Stage, command: str) -> None:
    """Half of the commands were met with silence, and an error was raised inside the handler of
    errors, because there was no private chat to refuse in."""
    new = stage.newcomer(language="en")
    group = stage.world.add_group("全体教师", members=[new.id])
    await new.says(f"/{command}@qinglan_bot", at=group.id)
    assert new.labels(at=group.id) == ["Open private chat"]


async def test_taps_that_wait_for_half_an_hour_are_no_faults(stage: Stage) -> None:
    """Taps that were in hand at a crash failed with "query is too old" and an apology, in four
    handlers that answered without the guard of the others."""
    lin, new = await stage.teacher(), stage.newcomer(language="en")
    await new.starts()
    group = stage.world.add_group("全体教师", members=[lin.id, new.id])
    batch_id = await stage.database.write(make.batch)
    sent = await stage.office.application.bot.send_message(group.id, "card")
    for who in (lin, new):
        for data in (f"gr:{batch_id}", f"gd:{batch_id}", f"reg:{batch_id}", "hours", "phone"):
            stage.world.tap(who.id, group.id, sent.message_id, data, forged=True)
    stage.clock.advance(timedelta(minutes=30))
    await stage.settle()
    assert not stage.office.inbox.faulty


@pytest.mark.parametrize(
    "poison",
    [
        {"message": {"text": "half a pair: \ud800"}},
        {"update_id": 2**70, "message": {}},
        {"update_id": -7, "message": {}},
        {"update_id": True, "message": {}},
        {"update_id": "9", "message": {}},
    ],
)
async def test_an_update_that_no_database_keeps_does_not_stop_the_others(
    stage: Stage, poison: dict[str, Any]
) -> None:
    """Half a surrogate pair, or a number over 64 bits, threw the whole batch out of the inbox,
    and with it ended the polling."""
    lin = await stage.teacher()
    stage.world.say(lin.id, lin.id, "/privacy")
    good = await stage.world.updates.poll(0, 100, 0)
    await stage.office.inbox.take([{"update_id": 5, **poison}, *good])
    await stage.office.inbox.drained()
    assert "What is kept about you" in lin.sees()


@pytest.mark.parametrize("title", ['<b>&"作业', "😀" * 100, "作业设计" * 60, "مرحبا" * 40])
async def test_titles_and_places_of_any_length_are_shown(stage: Stage, title: str) -> None:
    """A page of long titles went over 4096 characters; the teacher was told of a fault, and a
    programme's card was cut in the middle of a tag."""
    batches = [
        await stage.database.write(
            make.batch,
            f"{title}{number}",
            place=title * 4,
            programme={"bring": title * 9, "contact": title},
        )
        for number in range(8)
    ]
    lin = await stage.teacher(title, at=title)
    group = stage.world.add_group("全体教师", members=[lin.id])
    chat = await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    await stage.database.write(groups.post_card, chat.id, batches[0])
    await stage.deliver()
    for batch_id in batches:
        await lin.starts(f"p{batch_id}")
        await lin.sends_data(f"reg:{batch_id}")
        assert lin.alert.startswith("You have a place")
    for command in ("menu", "programmes", "mine", "due", "hours", "mydata"):
        await lin.says(f"/{command}")
    await lin.sends_data(f"gd:{batches[0]}", at=group.id)
    await lin.sends_data("ics")
    await lin.sends_data("hpic")
    states = await stage.database.read(lambda s: s.exec(select(OutboxMessage.state)).all())
    assert set(states) <= {OutboxState.SENT}


def test_a_text_that_is_cut_has_whole_tags() -> None:
    """Cutting by characters could leave "<b" or "&am" at the end, which Telegram refuses."""
    lines = [f"<b>{number}</b> &amp; <i>x</i>" for number in range(2000)]
    cut = fitted("\n".join(lines))
    assert cut.endswith("</i>\n…")
    assert cut.count("<b>") == cut.count("</b>")
    assert fitted(f"<b>{'&lt;' * 5000}</b>") == "&lt;" * 4095 + "…"
    assert Card("<b>short</b>").text == "<b>short</b>"
    assert fitted(f"<b>one\n{'x' * 5000}</b>").count("<") == 0


async def test_nobody_is_told_that_registration_closes_before_it_has_opened(stage: Stage) -> None:
    """A "remind me" on a short registration was answered, days before the opening, with
    "registration closes …, and you are not in yet"."""
    batch_id = await stage.database.write(
        make.batch, reg_open=NOW + timedelta(days=3), reg_close=NOW + timedelta(days=9)
    )
    await stage.database.write(schedule.plan_deadlines, batch_id, now=NOW)
    lin = await stage.teacher()
    await lin.starts(f"p{batch_id}")
    await lin.sends_data(f"int:{batch_id}:1")
    known = len(lin.messages())
    for _ in range(72):
        await stage.passes(hours=2)
        told = briefs_since(lin, known)
        assert stage.clock() >= NOW + timedelta(days=3) or not told
    assert told


def briefs_since(who: Actor, number: int) -> list[Seen]:
    return [message for message in who.messages()[number:] if "egistration" in message.text]


def closing_steps(session: Session, batch_id: int) -> list[tuple[datetime, int]]:
    """When each step before the close is due, and how often the deadline was changed."""
    return list(
        session.exec(
            select(DeadlineStep.due_at, Deadline.revision)
            .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
            .where(Deadline.kind == "reg_close", Deadline.subject_id == batch_id)
        ).all()
    )


async def test_the_steps_of_a_close_lie_in_the_time_of_registration(sqlite: Database) -> None:
    """Whatever the length of the registration, also one of an afternoon; and only once."""
    for days in (1, 2, 4, 9, 30):
        opens, closes = NOW + timedelta(days=3), NOW + timedelta(days=3 + days)
        batch_id = await sqlite.write(
            make.batch, reg_open=opens, reg_close=closes, starts_at=closes + timedelta(days=9)
        )
        for _ in range(2):
            await sqlite.write(schedule.plan_deadlines, batch_id, now=NOW)
        steps = await sqlite.read(closing_steps, batch_id)
        assert steps
        assert all(due_at >= opens and revision == 0 for due_at, revision in steps)


async def test_a_tap_is_answered_by_one_call(stage: Stage) -> None:
    """Accepting and withdrawing answered the tap twice; the second call was always refused."""
    calls: Counter[str] = Counter()
    run = stage.sandbox.run

    async def counted(call: Call) -> Any:
        if call.method == "answerCallbackQuery":
            calls[call.text("callback_query_id")] += 1
        return await run(call)

    stage.sandbox.run = counted  # type: ignore[method-assign]
    batch_id = await stage.database.write(make.batch, seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    for who in (lin, shi):
        await who.starts(f"p{batch_id}")
        await who.sends_data(f"reg:{batch_id}")
    await lin.sends_data(f"wd:{batch_id}:1")
    await stage.deliver()
    for data in ("oa:1", f"wd:{batch_id}:1", "hpic", "ics", "rd:1", "nonsense", "unlink:1"):
        await shi.sends_data(data)
    assert set(calls.values()) == {1}


async def test_what_is_said_runs_by_the_clock_of_the_rules(sqlite: Database) -> None:
    """With a plan for one time zone and QINGLAN_TIMEZONE at its default, the texts named hours
    of Shanghai while briefs and quiet hours followed the plan."""
    await sqlite.write(make.office, timezone="America/New_York")
    async with stage_on(sqlite) as stage:
        assert stage.office.house.zone == ZoneInfo("America/New_York")
        batch_id = await sqlite.write(make.batch, starts_at=NOW + timedelta(days=20))
        lin = await stage.teacher()
        assert "20:00" in await lin.starts(f"p{batch_id}")


async def test_a_freed_seat_reaches_somebody_who_unblocks_the_bot(stage: Stage) -> None:
    """The offer was refused for good and never said again, while the seat was held."""
    batch_id = await stage.database.write(make.batch, "朗读指导", seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    await shi.starts(f"p{batch_id}")
    await shi.taps("Join the waiting list")
    stage.world.block(shi.id)
    await stage.settle()
    await lin.starts(f"p{batch_id}")
    await lin.taps("Withdraw")
    await lin.taps("Yes, withdraw")
    await stage.deliver()
    stage.world.unblock(shi.id)
    await stage.settle()
    await stage.deliver()
    assert "Accept" in shi.labels()


async def test_a_card_that_is_out_of_date_is_drawn_anew_when_it_refuses(stage: Stage) -> None:
    """After the refusal the old card still offered the key that had just been refused."""
    batch_id = await stage.database.write(make.batch, "朗读指导")
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    stage.clock.advance(timedelta(days=11))
    await lin.taps("Register")
    assert "closed" in lin.alert
    assert "Register" not in lin.labels()


async def test_a_sentence_is_no_wrong_code(stage: Stage) -> None:
    """Any text counted as a try while a code was awaited."""
    lin = stage.newcomer("林若溪", language="en")
    await lin.starts()
    await lin.taps("Enter link code")
    for _ in range(6):
        assert "paused" not in await lin.says("Where do I find this code, please?")


async def test_many_commands_in_a_group_bring_one_redirect_a_minute(stage: Stage) -> None:
    """Each command brought another public message."""
    lin = await stage.teacher("林若溪")
    group = stage.world.add_group("全体教师", members=[lin.id])
    for _ in range(5):
        await lin.says("/hours", at=group.id)
    assert len([one for one in lin.messages(at=group.id) if not one.mine and one.text]) == 1
    stage.clock.advance(timedelta(minutes=1))
    await lin.says("/hours", at=group.id)
    assert len([one for one in lin.messages(at=group.id) if not one.mine and one.text]) == 2
