"""What a deadline is about, read for words: the same on both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from storage.database import Database
from storage.refusals import NotFound
from storage.training import registration, schedule, subjects
from storage.training.tables import Batch, ClassSession, SeatOffer
from tests import make

NOW = make.NOW


def meeting(session: Session, batch_id: int) -> int:
    row = ClassSession(
        batch_id=batch_id,
        title="第二讲",
        starts_at=NOW + timedelta(days=20),
        ends_at=NOW + timedelta(days=20, hours=3),
    )
    session.add(row)
    session.flush()
    return row.id


def an_offer(session: Session) -> tuple[int, int]:
    """A seat that was given back and is offered: the offer, and who holds it."""
    batch_id = make.batch(session, seats=1)
    first, second = make.teacher(session, "沈一"), make.teacher(session)
    make.account(session, second)
    for teacher_id in (first, second):
        registration.register(session, teacher_id, batch_id, now=NOW)
    registration.withdraw(session, first, batch_id, now=NOW)
    return session.exec(select(SeatOffer.id)).one(), second


async def test_a_batch_is_described_by_what_its_deadline_is_about(database: Database) -> None:
    batch_id = await database.write(make.batch, title="作业设计", place="一楼")
    kinds = {
        "reg_open": NOW - timedelta(days=7),
        "reg_close": NOW + timedelta(days=10),
        "batch_start": NOW + timedelta(days=20),
        "remote_start": NOW + timedelta(days=20),
        "remote_end": NOW + timedelta(days=21),
    }
    found = await database.read(subjects.describe_all, [(kind, batch_id) for kind in kinds])
    assert {kind: subject.at for (kind, _), subject in found.items()} == kinds
    one = found["remote_end", batch_id]
    assert (one.title, one.place, one.batch_id) == ("作业设计", "一楼", batch_id)
    assert one.hours == 8
    assert one.takes_place


async def test_a_meeting_has_its_own_title_and_takes_place_and_things_from_its_batch(
    database: Database,
) -> None:
    batch_id = await database.write(make.batch, title="作业设计", place="一楼", bring="教案")
    bare = await database.write(meeting, batch_id)
    one = await database.read(subjects.describe, "session", bare)
    assert (one.title, one.place, one.bring) == ("作业设计 · 第二讲", "一楼", "教案")
    assert one.ends_at == NOW + timedelta(days=20, hours=3)


async def test_an_offer_is_open_until_it_is_settled_or_the_programme_cancelled(
    database: Database,
) -> None:
    offer_id, teacher_id = await database.write(an_offer)
    one = await database.read(subjects.describe, "offer", offer_id)
    assert one.is_open
    assert await database.read(subjects.is_owed, "offer", offer_id, teacher_id, now=NOW)
    await database.write(cancel, one.batch_id)
    one = await database.read(subjects.describe, "offer", offer_id)
    assert not one.is_open
    assert not one.takes_place
    assert not await database.read(subjects.is_owed, "offer", offer_id, teacher_id, now=NOW)


def cancel(session: Session, batch_id: int) -> None:
    programme_id = session.exec(select(Batch.programme_id).where(Batch.id == batch_id)).one()
    schedule.cancel(session, programme_id, now=NOW)


async def test_what_is_gone_is_left_out_or_not_found(sqlite: Database) -> None:
    assert await sqlite.read(subjects.describe_all, [("reg_open", 9), ("session", 9)]) == {}
    assert await sqlite.read(subjects.describe_all, []) == {}
    with pytest.raises(NotFound):
        await sqlite.read(subjects.describe, "offer", 9)
