"""A brief that has gone out is edited when what it says has changed, and it does not ring."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, select

from storage.database import Database
from storage.messaging import brief_edits, briefs, deadlines, outbox, reminders
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people.tables import Account
from tests.messaging import cast
from tests.messaging.cast import local

AT = local("2026-11-25", 17)
BEFORE = local("2026-11-16", 9)
BRIEF = local("2026-11-20", 16, 40)  # on the day of T-3
LATER = BRIEF + timedelta(minutes=20)


def edits(session: Session, now: datetime) -> list[int | None]:
    """Queue what has changed and send it; whose briefs were edited."""
    brief_edits.queue(session, now=now)
    rows = outbox.claim(session, now=now, lease=cast.LEASE, limit=50)
    for row in rows:
        assert (row.kind, row.rings) == ("brief_edit", False)
        outbox.settle_sent(session, row.id, 1, now)
    return [row.teacher_id for row in rows]


async def told(database: Database, people: int = 2) -> tuple[int, list[int]]:
    deadline_id, teachers = await database.write(
        cast.due, AT, people=people, now=BEFORE, preset="T-3"
    )
    assert len(await database.write(cast.tick, BRIEF)) == people
    return deadline_id, teachers


async def test_nothing_is_edited_while_nothing_has_changed(database: Database) -> None:
    await told(database)
    assert await database.write(edits, LATER) == []


async def test_what_is_done_is_marked_once_and_silently(database: Database) -> None:
    _, (first, _second) = await told(database)
    await database.write(cast.finish, first)
    assert await database.write(edits, LATER) == [first]
    assert await database.write(edits, LATER + timedelta(minutes=3)) == []


async def test_a_date_that_moves_or_goes_changes_every_brief_that_named_it(
    database: Database,
) -> None:
    deadline_id, teachers = await told(database)
    subject = (await database.read(reminders.overview, deadline_id)).subject_id
    moved = local("2026-12-02", 17)
    await database.write(
        deadlines.set_deadline, "remote_start", subject, moved, now=LATER, preset="T-3"
    )
    assert await database.write(edits, LATER) == teachers
    await database.write(deadlines.cancel_deadline, "remote_start", subject, now=LATER)
    assert await database.write(edits, LATER + timedelta(minutes=3)) == teachers


async def test_a_date_of_ones_own_is_what_the_brief_says_then(database: Database) -> None:
    deadline_id, (first, _second) = await told(database)
    subject = (await database.read(reminders.overview, deadline_id)).subject_id
    own = local("2026-12-02", 17)
    await database.write(
        deadlines.set_deadline, "remote_start", subject, own, now=LATER, teacher_id=first
    )
    assert await database.write(edits, LATER) == [first]

    def shown(session: Session) -> list[datetime]:
        account_id = session.exec(select(Account.id).where(Account.teacher_id == first)).one()
        sent = briefs.todays_brief(session, account_id, LATER.date(), now=LATER)
        assert sent is not None
        return [item.at for item in sent.items]

    assert await database.read(shown) == [own]


async def test_the_brief_of_yesterday_stays_as_it_is(database: Database) -> None:
    _, (first, _second) = await told(database)
    await database.write(cast.finish, first)
    assert await database.write(edits, BRIEF + timedelta(hours=10)) == []

    def waiting(session: Session) -> int:
        rows = session.exec(
            select(OutboxMessage.id).where(OutboxMessage.state == OutboxState.PENDING)
        ).all()
        return len(rows)

    assert await database.read(waiting) == 0
