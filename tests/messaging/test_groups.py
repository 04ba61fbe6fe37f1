"""Groups keep what they stand for, and their cards change seldom."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging import groups, leases, presence
from storage.messaging.tables import ChatPurpose, GroupCard
from storage.training.tables import Batch
from tests import make

NOW = make.NOW
SECONDS = timedelta(seconds=5)


def card(session: Session) -> int:
    chat = groups.bind(session, -100, "全体教师", purpose=ChatPurpose.ALL_STAFF)
    batch_id = make.batch(session)
    groups.post_card(session, chat.id, batch_id)
    groups.post_card(session, chat.id, batch_id)
    return batch_id


def change(session: Session, batch_id: int) -> None:
    session.exec(
        sa.update(Batch).where(col(Batch.id) == batch_id).values(revision=Batch.revision + 1)
    )


async def test_a_group_is_bound_met_again_and_left(database: Database) -> None:
    assert await database.read(groups.chat_by_tg_id, -100) is None
    bound = await database.write(
        groups.bind, -100, "语文组", purpose=ChatPurpose.SUBJECT, language="zh_Hant"
    )
    await database.write(groups.deactivate, -100)
    await database.write(presence.note, -100, presence.Standing(True, ("post",)), now=NOW)
    left = await database.read(groups.chat_by_tg_id, -100)
    assert left is not None
    assert (left.active, left.bot_is_admin) == (False, True)
    again = await database.write(groups.bind, -100, "语文教研组")
    assert (again.id, again.title, again.active) == (bound.id, "语文教研组", True)
    assert again.purpose is ChatPurpose.SUBJECT


async def test_a_group_keeps_what_it_stands_for_when_its_id_changes(database: Database) -> None:
    await database.write(card)
    before = await database.read(groups.chat_by_tg_id, -100)
    assert before is not None
    await database.write(groups.bind, -100500, "全体教师")
    for _ in range(2):
        await database.write(groups.migrate, -100, -100500)
    after = await database.read(groups.chat_by_tg_id, -100500)
    assert after is not None
    assert (after.id, after.purpose) == (before.id, ChatPurpose.ALL_STAFF)
    assert await database.read(groups.chat_by_tg_id, -100) is None


async def test_a_card_is_posted_once_and_edited_when_its_batch_has_changed(
    database: Database,
) -> None:
    batch_id = await database.write(card)

    async def look(seconds: int) -> list[groups.Card]:
        return await database.write(
            groups.cards_to_refresh,
            now=NOW + timedelta(seconds=seconds),
            at_least=SECONDS,
            limit=10,
        )

    (new,) = await look(0)
    assert (new.message_id, new.tg_chat_id, new.batch_id) == (None, -100, batch_id)
    await database.write(groups.card_shown, new, "digest", 7, now=NOW)
    assert await look(60) == []
    await database.write(change, batch_id)
    assert await look(3) == []  # too soon after the last
    (changed,) = await look(61)
    assert (changed.message_id, changed.shown) == (7, "digest")
    assert await look(63) == []  # somebody has it in hand
    assert len(await look(66)) == 1  # and has not shown it
    await database.write(groups.card_shown, changed, "other", 7, now=NOW + timedelta(seconds=66))
    assert await look(120) == []
    await database.write(groups.drop_card, changed.id)
    assert await look(100_000) == []


async def test_a_card_is_looked_at_now_and_then_even_without_a_change(database: Database) -> None:
    await database.write(card)
    (new,) = await database.write(groups.cards_to_refresh, now=NOW, at_least=SECONDS, limit=10)
    await database.write(groups.card_shown, new, "digest", 7, now=NOW)
    later = NOW + timedelta(hours=1)
    assert len(await database.write(groups.cards_to_refresh, now=later, at_least=SECONDS, limit=1))


async def test_a_group_that_was_left_gets_no_cards(database: Database) -> None:
    await database.write(card)
    await database.write(groups.deactivate, -100)
    assert await database.write(groups.cards_to_refresh, now=NOW, at_least=SECONDS, limit=9) == []

    def cards(session: Session) -> int:
        return len(session.exec(select(GroupCard.id)).all())

    assert await database.read(cards) == 1


async def test_a_lease_has_one_holder_until_it_ends_or_is_given_back(database: Database) -> None:
    length = timedelta(seconds=30)

    async def take(holder: str, seconds: int) -> bool:
        moment = NOW + timedelta(seconds=seconds)
        return await database.write(leases.take, "sweep", holder, now=moment, length=length)

    assert await take("a", 0)
    assert not await take("b", 10)
    assert await take("a", 20)
    assert not await take("b", 40)
    assert await take("b", 50)
    await database.write(leases.give_back, "sweep", "a")
    assert not await take("a", 60)
    await database.write(leases.give_back, "sweep", "b")
    assert await take("a", 61)
