"""In a group: a tap is answered to who tapped, and the group sees nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import Session, select

from storage.messaging import groups
from storage.messaging.tables import ChatPurpose
from storage.people.tables import Account
from storage.training.tables import Registration, RegistrationState
from tests import make
from tests.stage import Actor, Stage

ANONYMOUS = 1087968824


@dataclass
class Scene:
    """A bound group with the card of one programme in it."""

    stage: Stage
    chat_id: int
    batch_id: int
    lin: Actor

    def seen(self) -> list[str]:
        """What everybody in the group sees, but no service messages."""
        return [
            message.text
            for message in self.lin.messages(at=self.chat_id)
            if message.text and not message.only_for_you
        ]


async def scene(stage: Stage, **batch: Any) -> Scene:
    """Lin is linked and in the group of her school; the programme's card hangs there."""
    lin = await stage.teacher()
    group = stage.world.add_group("全体教师", members=[lin.id])
    batch_id = await stage.database.write(make.batch, **batch)
    chat = await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    await stage.database.write(groups.post_card, chat.id, batch_id)
    await stage.deliver()
    return Scene(stage, group.id, batch_id, lin)


def registrations(session: Session) -> list[tuple[int, RegistrationState]]:
    return [
        (row.teacher_id, row.state)
        for row in session.exec(select(Registration).order_by(Registration.id)).all()  # type: ignore[arg-type]
    ]


def accounts(session: Session) -> list[int]:
    return list(session.exec(select(Account.tg_user_id)).all())


async def test_a_card_comes_into_the_group_with_its_two_keys(stage: Stage) -> None:
    at = await scene(stage)
    (card,) = at.seen()
    assert card.startswith("[Registration] 作业设计专题培训")
    assert at.lin.labels(at=at.chat_id) == ["Register", "Full details", "Continue in private"]


async def test_a_tap_on_register_registers_and_tells_only_who_tapped(stage: Stage) -> None:
    at = await scene(stage)
    before = at.seen()
    await at.lin.taps("Register", at=at.chat_id)
    assert "You have a place: 作业设计专题培训" in at.lin.alert
    assert await stage.database.read(registrations) == [
        (at.lin.teacher_id, RegistrationState.APPROVED)
    ]
    assert at.seen() == before


async def test_tapping_twice_registers_once(stage: Stage) -> None:
    at = await scene(stage)
    await at.lin.taps("Register", at=at.chat_id)
    first = at.lin.alert
    await at.lin.taps("Register", at=at.chat_id)
    assert at.lin.alert == first
    assert len(await stage.database.read(registrations)) == 1


async def test_who_is_not_linked_goes_on_to_the_programme_in_private(stage: Stage) -> None:
    at = await scene(stage)
    stranger = stage.newcomer("新老师", language="en")
    stage.world.join(stranger.id, at.chat_id)
    await stranger.taps("Register", at=at.chat_id)
    assert stranger.opened.endswith(f"start=p{at.batch_id}")
    assert "link code" in stranger.sees()
    assert await stage.database.read(registrations) == []


async def test_a_refusal_is_said_by_alert_and_never_in_the_group(stage: Stage) -> None:
    at = await scene(stage, audience={"stage": ["senior"]})
    before = at.seen()
    await at.lin.taps("Register", at=at.chat_id)
    assert "not for you this time" in at.lin.alert
    assert at.seen() == before


@pytest.mark.parametrize("ephemeral", [True, False])
async def test_details_come_to_one_person_down_the_ladder(stage: Stage, ephemeral: bool) -> None:
    stage.world.ephemeral_supported = ephemeral
    at = await scene(stage)
    before = at.seen()
    await at.lin.taps("Full details", at=at.chat_id)
    assert at.seen() == before
    if ephemeral:
        whispered = at.lin.messages(at=at.chat_id)[-1]
        assert whispered.only_for_you
        assert "作业设计专题培训" in whispered.text
    else:
        assert "作业设计专题培训" in (at.lin.alert or at.lin.sees())


async def test_an_old_or_forged_button_changes_nothing(stage: Stage) -> None:
    at = await scene(stage)
    assert await at.lin.sends_data("gr:999999", at=at.chat_id)
    assert await at.lin.sends_data("gr:x", at=at.chat_id)
    assert await at.lin.sends_data(f"gr:{at.batch_id}:1", at=at.chat_id)
    assert await stage.database.read(registrations) == []


async def test_added_to_a_bound_group_it_says_what_it_does_there(stage: Stage) -> None:
    lin = await stage.teacher()
    group = stage.world.add_group("全体教师", members=[lin.id])
    await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    await stage.database.write(groups.deactivate, group.id)
    stage.world.kick_bot(lin.id, group.id)
    await stage.settle()
    stage.world.add_bot(lin.id, group.id)
    await stage.settle()
    await stage.deliver()
    assert "training assistant of 澄禾县" in lin.sees(at=group.id)
    known = await stage.database.read(groups.chat_by_tg_id, group.id)
    assert known is not None
    assert known.active


async def test_in_an_unknown_group_it_says_so_once_and_keeps_silent(stage: Stage) -> None:
    lin = await stage.teacher()
    group = stage.world.add_group("闲聊", members=[lin.id])
    stage.world.kick_bot(lin.id, group.id)
    await stage.settle()
    stage.world.add_bot(lin.id, group.id)
    await stage.settle()
    await stage.passes(seconds=10)
    assert "not connected" in lin.sees(at=group.id)
    number = len(lin.messages(at=group.id))
    await stage.passes(days=3)
    assert len(lin.messages(at=group.id)) == number


async def test_removed_it_sends_nothing_and_promoted_it_knows(stage: Stage) -> None:
    at = await scene(stage)
    stage.world.add_bot(at.lin.id, at.chat_id, as_admin=True)
    await stage.settle()
    known = await stage.database.read(groups.chat_by_tg_id, at.chat_id)
    assert known is not None
    assert known.bot_is_admin
    stage.world.kick_bot(at.lin.id, at.chat_id)
    await stage.settle()
    known = await stage.database.read(groups.chat_by_tg_id, at.chat_id)
    assert known is not None
    assert not known.active


async def test_a_group_that_becomes_a_supergroup_keeps_what_it_stands_for(stage: Stage) -> None:
    lin = await stage.teacher()
    group = stage.world.add_group("全体教师", members=[lin.id], supergroup=False)
    await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    moved = stage.world.migrate(group.id)
    await stage.settle()
    await stage.passes(seconds=10)
    assert await stage.database.read(groups.chat_by_tg_id, group.id) is None
    known = await stage.database.read(groups.chat_by_tg_id, moved.id)
    assert known is not None
    assert known.purpose is ChatPurpose.ALL_STAFF
    assert "not connected" not in lin.sees(at=moved.id)


def anonymous_message(stage: Stage, chat_id: int, text: str) -> dict[str, Any]:
    chat = {"id": chat_id, "type": "supergroup", "title": "全体教师"}
    return {
        "message": {
            "message_id": 900,
            "date": stage.world.now(),
            "chat": chat,
            "sender_chat": chat,
            "from": {
                "id": ANONYMOUS,
                "is_bot": True,
                "first_name": "Group",
                "username": "GroupAnonymousBot",
            },
            "text": text,
            "entities": [{"type": "bot_command", "offset": 0, "length": len(text)}],
        }
    }


async def test_an_anonymous_administrator_is_nobody(stage: Stage) -> None:
    at = await scene(stage)
    number = len(at.seen())
    stage.world.inject(anonymous_message(stage, at.chat_id, "/hours"))
    await stage.settle()
    assert len(at.seen()) == number
    name = stage.world.bot_username
    stage.world.inject(anonymous_message(stage, at.chat_id, f"/hours@{name}"))
    await stage.settle()
    assert "cannot see who is asking" in at.seen()[-1]
    assert ANONYMOUS not in await stage.database.read(accounts)


async def test_an_anonymous_administrator_can_tell_of_a_migration(stage: Stage) -> None:
    at = await scene(stage)
    told = anonymous_message(stage, at.chat_id, "")
    told["message"]["migrate_to_chat_id"] = -1009999
    del told["message"]["text"], told["message"]["entities"]
    stage.world.inject(told)
    await stage.settle()
    assert await stage.database.read(groups.chat_by_tg_id, -1009999) is not None


async def test_the_card_follows_what_is_tapped(stage: Stage) -> None:
    at = await scene(stage, seats=40)
    await stage.passes(seconds=10)
    await at.lin.taps("Register", at=at.chat_id)
    await stage.passes(seconds=10)
    assert "left: 39" in at.lin.sees(at=at.chat_id)


async def test_a_forged_personal_tap_on_a_groups_message_shows_the_group_nothing(
    stage: Stage,
) -> None:
    """A doctored client can send any data with any message: the group must not see the answer."""
    at = await scene(stage, seats=40)
    shown = stage.world.seen_by(at.lin.id, at.chat_id)[-1]
    personal = ["hours", "ps:0", "mine:0", "due:0", "home", "set", "priv", "data", "help"]
    for data in (*personal, f"p:{at.batch_id}", f"reg:{at.batch_id}", f"why:{at.batch_id}"):
        stage.world.tap(at.lin.id, at.chat_id, shown.id, data, forged=True)
        await stage.settle()
        seen = stage.world.seen_by(at.lin.id, at.chat_id)
        assert [one.text for one in seen if not one.only_for_you] == [shown.text], data
