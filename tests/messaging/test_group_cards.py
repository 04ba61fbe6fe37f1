"""Cards in groups follow the truth, by few edits, and survive whatever Telegram answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from handlers.messaging import group_cards
from handlers.paces import EDITS_A_MINUTE
from storage.messaging import groups
from storage.messaging.outbox import Claimed
from storage.messaging.tables import Chat, ChatPurpose, GroupCard, OutboxMessage
from storage.training.tables import Batch
from tests import make
from tests.messaging.test_public import FACTS, card
from tests.stage import Actor, Stage


def card_row(session: Session) -> GroupCard:
    return session.exec(select(GroupCard)).one()


def change(session: Session, batch_id: int, place: str = "三楼报告厅") -> None:
    session.exec(
        sa.update(Batch)
        .where(col(Batch.id) == batch_id)
        .values(revision=Batch.revision + 1, place=place)
    )


def hang(session: Session, chat_id: int, batch_id: int, message_id: int) -> None:
    """The card hangs in the group as this message of the bot, and says something old."""
    groups.post_card(session, chat_id, batch_id)
    row = session.exec(
        select(GroupCard).where(GroupCard.chat_id == chat_id, GroupCard.batch_id == batch_id)
    ).one()
    row.message_id, row.shown, row.shown_revision = message_id, "old", -1
    session.add(row)
    session.flush()


class Wall:
    """A group with programme cards in it, and somebody who reads them."""

    def __init__(self, stage: Stage, reader: Actor, chat_id: int, tg_chat_id: int) -> None:
        self.stage = stage
        self.reader = reader
        self.chat_id = chat_id
        self.tg_chat_id = tg_chat_id

    async def hangs(self, title: str = "作业设计专题培训") -> int:
        batch_id = await self.stage.database.write(make.batch, title)
        sent = await self.bot.send_message(self.tg_chat_id, "old")
        await self.stage.database.write(hang, self.chat_id, batch_id, sent.message_id)
        return batch_id

    @property
    def bot(self) -> Any:
        return self.stage.office.application.bot

    async def refresh(self, **later: float) -> int:
        self.stage.clock.advance(timedelta(**later))
        return await group_cards.refresh(self.bot, self.stage.office.house)

    def texts(self) -> list[str]:
        return [m.text for m in self.reader.messages(at=self.tg_chat_id) if m.text]


@pytest.fixture
async def wall(stage: Stage) -> Wall:
    reader = await stage.teacher()
    group = stage.world.add_group("全体教师", members=[reader.id])
    chat = await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    return Wall(stage, reader, chat.id, group.id)


async def test_a_card_is_edited_when_the_programme_changes_and_not_otherwise(wall: Wall) -> None:
    batch_id = await wall.hangs()
    assert await wall.refresh(seconds=10) == 1
    assert "三楼报告厅" in wall.texts()[0]
    assert await wall.refresh(seconds=10) == 0
    await wall.stage.database.write(change, batch_id, place="一楼阅览室")
    assert await wall.refresh(seconds=10) == 1
    assert "一楼阅览室" in wall.texts()[0]
    assert len(wall.texts()) == 1


async def test_a_card_is_edited_at_most_every_few_seconds(wall: Wall) -> None:
    batch_id = await wall.hangs()
    edits = 0
    for number in range(30):
        await wall.stage.database.write(change, batch_id, place=f"{number} 号教室")
        edits += await wall.refresh(seconds=1)
    assert edits <= 7
    await wall.refresh(seconds=10)
    assert "29 号教室" in wall.texts()[0]


async def test_all_cards_of_a_group_together_are_edited_twenty_times_a_minute(wall: Wall) -> None:
    batches = [await wall.hangs(f"培训 {number}") for number in range(5)]
    edits = []
    for number in range(12):
        for batch_id in batches:
            await wall.stage.database.write(change, batch_id, place=f"{number} 号教室")
        edits.append(await wall.refresh(seconds=5))
    assert sum(edits) == EDITS_A_MINUTE
    await wall.refresh(minutes=2)
    await wall.refresh(minutes=2)
    assert all("11 号教室" in text for text in wall.texts())


async def test_a_change_that_does_not_show_is_not_an_edit(wall: Wall) -> None:
    batch_id = await wall.hangs()
    await wall.refresh(seconds=10)
    await wall.stage.database.write(change, batch_id, place="教师发展中心三楼报告厅")
    assert await wall.refresh(seconds=10) == 0


async def test_what_telegram_calls_not_modified_is_taken_as_shown(wall: Wall) -> None:
    await wall.hangs()
    await wall.refresh(seconds=10)
    await wall.stage.database.write(forget_digest)
    await wall.refresh(seconds=10)
    assert (await wall.stage.database.read(card_row)).shown not in ("", "old")


def forget_digest(session: Session) -> None:
    session.exec(sa.update(GroupCard).values(shown="", shown_revision=None))


async def test_a_card_that_somebody_deleted_is_not_edited_again(wall: Wall) -> None:
    await wall.hangs()
    chat = wall.stage.world.chat(wall.tg_chat_id)
    wall.stage.world.remove(list(chat.messages.values())[-1])
    await wall.refresh(seconds=10)
    await wall.refresh(days=1)
    assert wall.texts() == []


async def test_when_telegram_asks_for_a_pause_the_card_waits_for_it(wall: Wall) -> None:
    await wall.hangs()
    wall.stage.world.faults.add("editMessageText", status=429, retry_after=60)
    await wall.refresh(seconds=10)
    assert await wall.refresh(seconds=10) == 0
    assert wall.texts() == ["old"]
    assert await wall.refresh(seconds=60) == 1
    assert wall.texts() != ["old"]


@pytest.mark.parametrize("status", [500, 502])
async def test_when_the_network_fails_the_next_look_tries_again(wall: Wall, status: int) -> None:
    await wall.hangs()
    wall.stage.world.faults.add("editMessageText", status=status)
    await wall.refresh(seconds=10)
    assert wall.texts() == ["old"]
    assert await wall.refresh(seconds=10) == 1


async def test_a_group_that_threw_the_bot_out_is_left_alone(wall: Wall) -> None:
    await wall.hangs()
    wall.stage.world.kick_bot(wall.reader.id, wall.tg_chat_id)
    await wall.refresh(seconds=10)
    known = await wall.stage.database.read(groups.chat_by_tg_id, wall.tg_chat_id)
    assert known is not None
    assert not known.active


async def test_after_a_migration_the_card_hangs_in_the_new_group(stage: Stage) -> None:
    reader = await stage.teacher()
    group = stage.world.add_group("全体教师", members=[reader.id], supergroup=False)
    chat = await stage.database.write(
        groups.bind, group.id, "全体教师", purpose=ChatPurpose.ALL_STAFF, language="en"
    )
    wall = Wall(stage, reader, chat.id, group.id)
    await wall.hangs()
    moved = stage.world.migrate(group.id)
    # The service messages are lost; the failed edit tells the same.
    await wall.refresh(seconds=10)
    known = await stage.database.read(groups.chat_by_tg_id, moved.id)
    assert known is not None
    await stage.passes(seconds=10)
    await stage.passes(seconds=10)
    assert "[Registration]" in reader.sees(at=moved.id)


async def test_a_new_card_is_one_message_in_working_hours(wall: Wall) -> None:
    stage = wall.stage
    batch_id = await stage.database.write(make.batch)
    stage.clock.advance(timedelta(hours=13))  # Friday, 22:00
    await stage.database.write(groups.post_card, wall.chat_id, batch_id)
    for _ in range(3):
        await stage.passes(minutes=1)
    assert wall.texts() == []
    stage.clock.advance(timedelta(days=2, hours=10))  # Monday, 8:03
    for _ in range(3):
        await stage.passes(seconds=10)
    assert len(wall.texts()) == 1


async def test_what_was_posted_is_known_and_kept_up_to_date(wall: Wall) -> None:
    stage = wall.stage
    batch_id = await stage.database.write(make.batch)
    await stage.database.write(groups.post_card, wall.chat_id, batch_id)
    await wall.refresh()
    await stage.office.delivery.drain()
    row = await stage.database.read(posted_row)
    await group_cards.posted(stage.office.house, row[0], row[1])
    await stage.database.write(change, batch_id, place="一楼阅览室")
    assert await wall.refresh(seconds=10) == 1
    assert "一楼阅览室" in wall.texts()[0]
    assert len(wall.texts()) == 1


def posted_row(session: Session) -> tuple[Any, int]:
    row, chat = session.exec(
        select(OutboxMessage, Chat).join(Chat, col(Chat.id) == col(OutboxMessage.chat_id))
    ).one()
    assert row.message_id is not None
    claimed = Claimed(
        id=row.id,
        kind=row.kind,
        tg_chat_id=chat.tg_chat_id,
        thread_id=0,
        language="en",
        account_id=None,
        chat_id=chat.id,
        teacher_id=None,
        facts=row.facts,
        priority=row.priority,
        useful_until=row.useful_until,
        rings=True,
        attempts=1,
    )
    return claimed, row.message_id


def test_the_digest_tells_texts_and_keys_apart() -> None:
    one = card(FACTS)
    assert group_cards.digest(one) == group_cards.digest(card(FACTS))
    assert group_cards.digest(one) != group_cards.digest(card(FACTS, "zh_Hans"))
