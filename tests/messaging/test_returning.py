"""Who blocked the bot and comes back hears what is still of use: at once, and in one message."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from storage.database import Database
from storage.messaging import outbox, returning
from storage.messaging.tables import OutboxMessage, OutboxState, Priority, Reminder, ReminderState
from storage.people import accounts
from storage.people.tables import Account
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local
from tests.stage import Actor, Stage


async def put(stage: Stage, who: Actor, number: int) -> None:
    for n in range(number):
        await stage.database.write(
            outbox.put,
            "role_ended",
            teacher_id=who.teacher_id,
            facts={"role": "tutor", "unit": f"第{n + 1}班"},
            priority=Priority.OFFER,
            not_before=stage.clock(),
            useful_until=stage.clock() + timedelta(days=1 if n else 3),
            dedupe_key=f"put:{n}",
            now=stage.clock(),
        )


async def away(stage: Stage, number: int) -> Actor:
    """Somebody who blocked the bot, with so many messages that could not reach them."""
    lin = await stage.teacher("林若溪")
    await put(stage, lin, number)
    stage.world.block(lin.id)
    await stage.settle()
    await stage.office.delivery.drain()
    stats = await stage.database.read(outbox.stats)
    assert stats == {OutboxState.REFUSED: number}
    return lin


async def comes_back(stage: Stage, who: Actor, way: str) -> None:
    if way == "unblocks":
        stage.world.unblock(who.id)
        await stage.settle()
    else:
        stage.world.people[who.id].blocked = False
        await who.starts()
    await stage.office.delivery.drain()


@pytest.mark.parametrize("way", ["unblocks", "starts"])
async def test_one_message_comes_as_it_is(stage: Stage, way: str) -> None:
    lin = await away(stage, 1)
    await comes_back(stage, lin, way)
    assert "第1班" in lin.sees()
    assert "for a while" not in lin.sees()


@pytest.mark.parametrize("way", ["unblocks", "starts"])
async def test_several_are_offered_in_one_and_each_comes_when_it_is_asked_for(
    stage: Stage, way: str
) -> None:
    lin = await away(stage, 4)
    before = len(lin.messages())
    await comes_back(stage, lin, way)
    assert "could not write to you for a while" in lin.sees()
    assert all(f"第{n}班" in lin.sees() for n in range(1, 5))
    home_card = 1 if way == "starts" else 0
    own = 1 if way == "starts" else 0
    assert len(lin.messages()) - before == 1 + home_card + own
    listed = lin.messages()[-1].id
    await lin.taps("2", message=listed)
    assert lin.alert == "Here it comes."
    await stage.office.delivery.drain()
    assert lin.sees().startswith("Your role has ended")
    await lin.taps("2", message=listed)
    assert "over, or was shown" in lin.alert
    await lin.taps("Show all", message=listed)
    await stage.office.delivery.drain()
    told = [message.text for message in lin.messages() if "Your role has ended" in message.text]
    assert len([text for text in told if "for a while" not in text]) == 4


async def test_what_is_over_is_not_offered_and_coming_again_offers_nothing_twice(
    stage: Stage,
) -> None:
    lin = await away(stage, 3)
    stage.clock.advance(timedelta(days=2))
    await comes_back(stage, lin, "unblocks")
    assert "第1班" in lin.sees()
    await lin.starts()
    await lin.starts()
    await stage.office.delivery.drain()
    assert sum("第1班" in message.text for message in lin.messages()) == 1


async def test_nobody_is_shown_what_waited_for_another(stage: Stage) -> None:
    lin = await away(stage, 2)
    shi = await stage.teacher("石晓岚")

    def ask(session: Session) -> int:
        account_id = session.exec(select(Account.id).where(Account.tg_user_id == shi.id)).one()
        ids = session.exec(select(OutboxMessage.id)).all()
        return sum(returning.show(session, account_id, one, now=stage.clock()) for one in ids)

    assert await stage.database.write(ask) == 0
    assert lin.teacher_id != shi.teacher_id


async def test_what_is_still_owed_rides_in_the_next_brief(database: Database) -> None:
    at = local("2026-11-25", 17)
    _, (teacher_id,) = await database.write(cast.due, at, now=local("2026-11-16", 9), preset="T-3")

    def play(session: Session) -> None:
        account = session.exec(select(Account)).one()
        accounts.blocked(session, account.tg_user_id, now=make.NOW)
        cast.sweep_all(session, make.NOW)
        assert session.exec(select(Reminder.state)).one() == ReminderState.UNREACHABLE
        assert cast.dispatch(session, local("2026-11-20", 16, 40)) == []
        for _ in range(2):
            returning.come_back(session, account.id, now=local("2026-11-20", 15))
        assert cast.dispatch(session, local("2026-11-20", 15)) == []
        (rung,) = cast.dispatch(session, local("2026-11-20", 16, 40))
        assert rung.brief is not None
        assert len(rung.brief.items) == 1
        assert rung.brief.teacher_id == teacher_id

    await database.write(play)


async def test_who_comes_back_when_it_is_too_late_is_not_reminded(database: Database) -> None:
    at = local("2026-11-25", 17)
    await database.write(cast.due, at, now=local("2026-11-16", 9), preset="T-3")

    def play(session: Session) -> None:
        account = session.exec(select(Account)).one()
        accounts.blocked(session, account.tg_user_id, now=make.NOW)
        cast.sweep_all(session, make.NOW)
        returning.come_back(session, account.id, now=local("2026-11-26", 9))
        assert session.exec(select(Reminder.state)).one() == ReminderState.UNREACHABLE

    await database.write(play)
