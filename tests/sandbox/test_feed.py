"""What the sandbox tells of the scheduler: the steps it has swept and the messages it has sent."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from bot.sandbox import feed
from storage.database import Database
from storage.messaging import deadlines, outbox, sweeping
from storage.messaging.tables import Priority
from tests import make
from tests.make import NOW


async def test_nothing_has_happened_at_first(sqlite: Database) -> None:
    assert await sqlite.read(feed.recent, 10) == []


async def test_a_step_that_was_swept_and_what_was_sent_are_told(database: Database) -> None:
    def happen(session: Session) -> None:
        batch_id = make.batch(session, "命题培训", reg_close=NOW + timedelta(days=1))
        deadlines.set_deadline(
            session, "reg_close", batch_id, NOW + timedelta(days=1), now=NOW, preset="T-1"
        )
        sweeping.sweep(session, now=NOW + timedelta(minutes=1))
        for number in range(3):
            teacher_id = make.teacher(session)
            make.account(session, teacher_id)
            row = outbox.put(
                session,
                "link_moved",
                teacher_id=teacher_id,
                facts={},
                priority=Priority.BULK,
                not_before=NOW,
                dedupe_key=f"feed:{number}",
                now=NOW,
            )
            assert row is not None
            outbox.settle_sent(session, row, 7, NOW + timedelta(minutes=2, seconds=number))

    await database.write(happen)
    told = await database.read(feed.recent, 10)
    assert [one["kind"] for one in told] == ["step", "sent"]
    assert (told[0]["deadline"], told[0]["title"], told[0]["step"]) == (
        "reg_close",
        "命题培训",
        "T-1",
    )
    assert (told[1]["what"], told[1]["count"]) == ("link_moved", 3)
    assert await database.read(feed.recent, 1) == told[1:]
