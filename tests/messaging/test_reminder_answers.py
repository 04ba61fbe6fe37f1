"""The brief on the phone: what comes, and what the keys under it do."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, select

from storage.messaging import confirming, deadlines, news, outbox
from storage.messaging.tables import Priority, Reminder, ReminderMute
from storage.people.tables import Account
from storage.training.tables import Mode
from tests import make
from tests.messaging import cast
from tests.messaging import notices as made
from tests.stage import Actor, Stage

BRIEF = {"hours": 7, "minutes": 45}  # from 9:00 to 16:45


def owed(
    session: Session,
    teacher_id: int,
    kind: str,
    at: datetime,
    title: str = "信息技术远程研修",
) -> int:
    """A deadline that this teacher owes; its id."""
    batch_id = make.batch(
        session,
        title,
        starts_at=at,
        ends_at=at + timedelta(hours=3),
        programme={"mode": Mode.REMOTE, "planned_hours": Decimal(50)},
    )
    cast.register(session, batch_id, teacher_id)
    return deadlines.set_deadline(session, kind, batch_id, at, now=make.NOW)


async def lin_owes(stage: Stage, *kinds: str, days: int = 3) -> tuple[Actor, list[int]]:
    """Lin and the deadlines that she owes, on Monday at 17:00 unless told otherwise."""
    lin = await stage.teacher()
    assert lin.teacher_id is not None
    ids = [
        await stage.database.write(
            owed,
            lin.teacher_id,
            kind,
            make.NOW + timedelta(days=days, hours=8 + number),
            f"培训 {number}",
        )
        for number, kind in enumerate(kinds, 1)
    ]
    return lin, ids


def muted(session: Session) -> list[int]:
    return list(session.exec(select(ReminderMute.deadline_id)).all())


def message_ids(lin: Actor) -> list[int]:
    return [message.id for message in lin.messages()]


async def test_the_brief_comes_once_and_says_what_is_due(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end")
    await stage.passes(**BRIEF)
    assert lin.sees().startswith("[Reminder] Your day, Fri 20 Nov")
    assert "培训 1 ends Mon 23 Nov, 18:00" in lin.sees()
    number = len(lin.messages())
    await stage.passes(hours=1)
    assert len(lin.messages()) == number


async def test_a_person_with_nothing_to_hear_hears_nothing(stage: Stage) -> None:
    lin = await stage.teacher()
    await stage.passes(**BRIEF)
    assert lin.messages() == []


async def test_posted_hours_ride_in_the_brief(stage: Stage) -> None:
    lin = await stage.teacher()
    assert lin.teacher_id is not None
    await stage.database.write(
        news.tell,
        "credit_posted",
        lin.teacher_id,
        1,
        {"title": "作业设计", "hours": "6.0"},
        now=make.NOW,
    )
    await stage.passes(**BRIEF)
    assert "+6 hours: 作业设计" in lin.sees()
    assert "My hours" in lin.labels()


async def test_done_says_honestly_that_it_is_not(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end")
    await stage.passes(**BRIEF)
    await lin.taps("Done")
    assert "do not show it as completed yet" in lin.alert
    assert "✓" not in lin.sees()


async def test_done_is_struck_through_when_it_really_is(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end")
    await stage.passes(**BRIEF)
    before = message_ids(lin)
    await stage.database.write(cast.finish, lin.teacher_id or 0)
    await lin.taps("Done")
    assert "settled" in lin.alert
    assert "✓ 培训 1" in lin.sees()
    assert message_ids(lin) == before


async def test_later_puts_it_off_to_the_brief_of_the_next_working_day(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end", days=5)
    await stage.passes(days=3, hours=7, minutes=45)  # Monday's brief
    assert "培训 1" in lin.sees()
    await lin.taps("Remind me later")
    assert "Tue 24 Nov, 16:40" in lin.alert
    assert "settled" not in lin.sees()
    assert "Put off; the next reminder comes Tue 24 Nov, 16:40." in lin.sees()
    assert "View" in lin.labels()
    assert "Remind me later" not in lin.labels()
    number = len(lin.messages())
    await stage.passes(days=1)
    assert len(lin.messages()) == number + 1
    assert "培训 1" in lin.sees()


async def test_what_may_be_muted_is_muted(stage: Stage) -> None:
    lin, ids = await lin_owes(stage, "remote_start", days=4)
    await stage.passes(**BRIEF)
    while not lin.messages():
        await stage.passes(days=1)
    await lin.taps("Not again")
    assert "not remind you of this again" in lin.alert
    assert "settled" not in lin.sees()
    assert "No more reminders of this." in lin.sees()
    assert lin.labels() == ["View"]
    assert await stage.database.read(muted) == ids


async def test_a_notice_that_is_put_off_or_muted_can_still_be_confirmed_in_the_brief(
    stage: Stage,
) -> None:
    lin, gu = await stage.teacher(), await stage.teacher("顾念")

    def send(session: Session) -> None:
        author = made.coordinator(session, "罗佳宁")
        to = [who.teacher_id or 0 for who in (lin, gu)]
        notice_id = made.notice(session, author, to)
        confirming.chase(session, author, notice_id, now=make.NOW)

    await stage.database.write(send)
    await stage.passes(**BRIEF)
    await lin.taps("Remind me later")
    assert "→ Put off; the next reminder comes" in lin.sees()
    await lin.taps("Confirm receipt")
    assert "noted" in lin.alert
    await gu.taps("Not again")
    assert "→ No more reminders of this; it is still to be done" in gu.sees()
    assert "Confirm receipt" in gu.labels()


async def test_what_costs_hours_is_not_muted_and_that_is_said(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end")
    await stage.passes(**BRIEF)
    await lin.taps("Not again")
    assert "cannot be muted" in lin.alert
    assert await stage.database.read(muted) == []


async def test_of_several_items_one_is_chosen_and_one_can_go_back(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end", "remote_end")
    await stage.passes(**BRIEF)
    before = message_ids(lin)
    await lin.taps("Later")
    assert lin.labels()[-1] == "Back"
    await lin.taps("Back")
    assert "Mute one" in lin.labels()
    await lin.taps("Done")
    await lin.taps("2. 培训 2")
    assert "do not show it as completed yet" in lin.alert
    assert "Mute one" in lin.labels()
    assert message_ids(lin) == before


async def test_an_item_opens_the_programme(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end")
    await stage.passes(**BRIEF)
    await lin.taps("View")
    assert "Back" in lin.labels()


async def test_keys_of_a_deadline_that_is_gone_or_of_somebody_else_change_nothing(
    stage: Stage,
) -> None:
    lin, ids = await lin_owes(stage, "remote_end")
    other = await stage.teacher("沈一")
    await stage.passes(**BRIEF)
    await other.says("/menu")
    assert await lin.sends_data("rd:999999")
    assert await lin.sends_data("rl:999999")
    assert await lin.sends_data("rm:x")
    await other.sends_data(f"rl:{ids[0]}")
    states = await stage.database.read(reminder_people)
    assert states == {lin.teacher_id}


def reminder_people(session: Session) -> set[int]:
    return set(session.exec(select(Reminder.teacher_id)).all())


async def test_last_weeks_brief_still_knows_what_it_was(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end", "remote_end", days=12)
    await stage.passes(**BRIEF)
    while not lin.messages():
        await stage.passes(days=1)
    shown = lin.messages()[-1].id
    await stage.passes(days=1)
    await lin.taps("Later", message=shown)
    assert "Back" in [
        button["text"]
        for message in lin.messages()
        if message.id == shown
        for row in message.buttons
        for button in row
    ]


async def test_a_brief_before_the_newest_is_drawn_anew_and_keeps_its_day(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end", "remote_end", days=12)
    await stage.passes(**BRIEF)
    while not lin.messages():
        await stage.passes(days=1)
    older, heading = lin.messages()[-1].id, lin.sees().splitlines()[0]
    assert "Your day" in heading

    def read() -> str:
        return next(one.text or "" for one in lin.messages() if one.id == older)

    while lin.messages()[-1].id == older:
        await stage.passes(days=1)
    newest = lin.messages()[-1].text or ""
    assert newest.splitlines()[0] != heading
    await lin.taps("Later", message=older)
    await lin.taps("1. 培训 1", message=older)
    assert "I will remind you again" in lin.alert
    assert read().splitlines()[0] == heading
    assert read().count("→ Put off; the next reminder comes") == 1
    assert "2. 培训 2" in read()


async def test_the_last_hours_ring_by_themselves(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end", days=3)
    await stage.passes(**BRIEF)
    await stage.passes(days=2, hours=19)  # Monday, 11:45; it ends at 18:00
    await stage.passes(minutes=30)
    assert lin.sees().startswith("[Deadline]")
    assert "(in 5 hours 45 minutes)" in lin.sees()
    await lin.taps("Done")
    assert "do not show it as completed yet" in lin.alert


async def test_a_brief_that_has_changed_is_edited_without_a_ring(stage: Stage) -> None:
    lin, _ids = await lin_owes(stage, "remote_end")
    await stage.passes(**BRIEF)
    before = message_ids(lin)
    await stage.database.write(cast.finish, lin.teacher_id or 0)
    await stage.database.write(put_edit, lin.id, now=stage.clock())
    await stage.office.delivery.drain()
    assert message_ids(lin) == before
    assert "✓ 培训 1" in lin.sees()


def put_edit(session: Session, tg_user_id: int, *, now: datetime) -> None:
    teacher_id = session.exec(
        select(Account.teacher_id).where(Account.tg_user_id == tg_user_id)
    ).one()
    outbox.put(
        session,
        "brief_edit",
        teacher_id=teacher_id,
        facts={},
        priority=Priority.BRIEF,
        not_before=now,
        dedupe_key="edit",
        now=now,
        rings=False,
    )
