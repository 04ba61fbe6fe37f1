"""What waits goes out once, in order, and survives a kill."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging import groups, outbox
from storage.messaging.tables import (
    ChatPurpose,
    OutboxMessage,
    OutboxState,
    Priority,
    Reminder,
    ReminderState,
)
from storage.people.tables import Account, Teacher
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local

NOW = make.NOW  # Friday, 9:00
LEASE = timedelta(minutes=2)


def queue(
    session: Session,
    number: int = 1,
    *,
    kind: str = "offer",
    priority: int = Priority.OFFER,
    not_before: datetime = NOW,
    useful_until: datetime | None = None,
    prefix: str = "k",
) -> list[int]:
    """So many messages to so many linked teachers."""
    ids = []
    for one in range(number):
        teacher_id = make.teacher(session)
        make.account(session, teacher_id)
        outbox_id = outbox.put(
            session,
            kind,
            teacher_id=teacher_id,
            facts={"n": one},
            priority=priority,
            not_before=not_before,
            useful_until=useful_until,
            dedupe_key=f"{prefix}:{one}",
            now=NOW,
        )
        assert outbox_id is not None
        ids.append(outbox_id)
    return ids


def group(session: Session, tg_chat_id: int = -100) -> int:
    return groups.bind(session, tg_chat_id, "全体教师", purpose=ChatPurpose.ALL_STAFF).id


def card(session: Session, chat_id: int, name: str = "card") -> int | None:
    return outbox.put(
        session,
        "card",
        chat_id=chat_id,
        facts={},
        priority=Priority.CARD,
        not_before=NOW,
        dedupe_key=name,
        now=NOW,
    )


def row(session: Session, outbox_id: int) -> tuple[OutboxState, datetime, int | None]:
    kept = session.get_one(OutboxMessage, outbox_id)
    return kept.state, kept.not_before, kept.message_id


async def test_saying_it_twice_queues_it_once(database: Database) -> None:
    def twice(session: Session) -> list[int | None]:
        teacher_id = make.teacher(session)
        make.account(session, teacher_id)
        return [
            outbox.put(
                session,
                "offer",
                teacher_id=teacher_id,
                facts={},
                priority=Priority.OFFER,
                not_before=NOW,
                dedupe_key="offer:1",
                now=NOW,
            )
            for _ in range(2)
        ]

    first, second = await database.write(twice)
    assert first == second
    assert first is not None
    assert await database.read(outbox.stats) == {OutboxState.PENDING: 1}


async def test_whom_nothing_can_reach_can_be_found(database: Database) -> None:
    def silent(session: Session) -> int:
        teacher_id = make.teacher(session)
        for _ in range(2):
            assert (
                outbox.put(
                    session,
                    "offer",
                    teacher_id=teacher_id,
                    facts={},
                    priority=Priority.OFFER,
                    not_before=NOW,
                    dedupe_key="offer:1",
                    now=NOW,
                )
                is None
            )
        return teacher_id

    teacher_id = await database.write(silent)
    assert await database.read(outbox.stats) == {OutboxState.REFUSED: 1}
    assert await database.read(outbox.unreached, since=NOW) == [teacher_id]


async def test_what_is_queued_for_many_is_as_if_it_were_queued_for_each(database: Database) -> None:
    same: dict[str, Any] = {
        "facts": {"n": 1},
        "priority": Priority.OFFER,
        "not_before": NOW,
        "useful_until": None,
    }

    def both(session: Session) -> list[list[dict[str, object]]]:
        linked, silent = make.teacher(session), make.teacher(session, "周启明")
        make.account(session, linked)
        people = select(Teacher.id).where(col(Teacher.id).in_([linked, silent]))
        for _ in range(2):
            outbox.put_all(session, "offer", people, key="many:", now=NOW, **same)
        for each in (linked, silent):
            key = f"each:{each}"
            outbox.put(session, "offer", teacher_id=each, dedupe_key=key, now=NOW, **same)
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.teacher_id))).all()
        return [
            [
                row.model_dump(exclude={"id", "dedupe_key"})
                for row in rows
                if row.dedupe_key == f"{key}:{row.teacher_id}"
            ]
            for key in ("many", "each")
        ]

    many, each = await database.write(both)
    assert many == each
    assert [row["state"] for row in many] == [OutboxState.PENDING, OutboxState.REFUSED]


async def test_the_urgent_goes_first_then_the_older(database: Database) -> None:
    def three(session: Session) -> list[int]:
        bulk = queue(session, kind="notice", priority=Priority.BULK, prefix="a")
        late = queue(session, not_before=NOW - timedelta(minutes=1), prefix="b")
        early = queue(session, not_before=NOW - timedelta(minutes=2), prefix="c")
        queue(session, not_before=NOW + timedelta(minutes=1), prefix="d")
        return early + late + bulk

    expected = await database.write(three)
    claimed = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=10)
    assert [one.id for one in claimed] == expected
    assert await database.write(outbox.claim, now=NOW, lease=LEASE, limit=10) == []


async def test_two_dispatchers_never_take_the_same_row(database: Database) -> None:
    await database.write(queue, 60)

    async def take_all() -> list[int]:
        mine: list[int] = []
        while claimed := await database.write(outbox.claim, now=NOW, lease=LEASE, limit=4):
            mine += [one.id for one in claimed]
        return mine

    taken = await asyncio.gather(*(take_all() for _ in range(4)))
    ids = [one for mine in taken for one in mine]
    assert len(ids) == len(set(ids))
    rest = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=100)
    assert len(ids) + len(rest) == 60


async def test_the_double_claim_is_real_when_nothing_is_marked(sqlite: Database) -> None:
    # If this fails, the test above proves nothing: looking alone does not take a row.
    await sqlite.write(queue, 3)

    def look(session: Session) -> list[int]:
        return list(
            session.exec(
                select(OutboxMessage.id).where(OutboxMessage.state == OutboxState.PENDING)
            ).all()
        )

    assert await sqlite.write(look) == await sqlite.write(look)


async def test_a_kill_loses_nothing_and_doubts_only_what_was_in_flight(
    database: Database,
) -> None:
    def mixed(session: Session) -> None:
        queue(session, 3)
        queue(session, 2, kind="notice", priority=Priority.BULK, prefix="n")

    await database.write(mixed)
    in_flight = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=4)
    assert len(in_flight) == 4
    assert await database.write(outbox.recover, now=NOW) == outbox.Recovered(0, 0)
    later = NOW + LEASE
    assert await database.write(outbox.recover, now=later) == outbox.Recovered(3, 1)
    assert await database.read(outbox.stats) == {
        OutboxState.PENDING: 4,
        OutboxState.DOUBTFUL: 1,
    }


async def test_a_delivery_counts_even_after_the_lease(database: Database) -> None:
    (outbox_id,) = await database.write(queue)
    await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    await database.write(outbox.recover, now=NOW + LEASE)
    await database.write(outbox.settle_sent, outbox_id, 77, NOW + LEASE)
    state, _, message_id = await database.read(row, outbox_id)
    assert (state, message_id) == (OutboxState.SENT, 77)


async def test_a_pause_of_one_chat_holds_only_that_chat_and_outlives_a_restart(
    database: Database,
) -> None:
    def two_cards(session: Session) -> tuple[int | None, int | None]:
        one, other = group(session, -100), group(session, -200)
        first = card(session, one, "1")
        card(session, one, "2")
        return first, card(session, other, "3")

    first, third = await database.write(two_cards)
    (mine,) = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    assert mine.id == first
    until = NOW + timedelta(hours=2)
    await database.write(outbox.put_off, mine.id, until, whole=False)
    claimed = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=9)
    assert [one.id for one in claimed] == [third]
    assert len(await database.write(outbox.claim, now=until, lease=LEASE, limit=9)) == 2


async def test_a_pause_of_everything_holds_everything(database: Database) -> None:
    await database.write(queue, 3)
    (mine,) = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    until = NOW + timedelta(minutes=30)
    await database.write(outbox.put_off, mine.id, until, whole=True)
    await database.write(outbox.put_off, mine.id, NOW + timedelta(minutes=1), whole=True)
    assert await database.read(outbox.held_until, now=NOW) == until
    for minutes in (0, 29):
        moment = NOW + timedelta(minutes=minutes)
        assert await database.write(outbox.claim, now=moment, lease=LEASE, limit=9) == []
    assert len(await database.write(outbox.claim, now=until, lease=LEASE, limit=9)) == 3


async def test_whoever_refuses_for_good_is_unreachable(database: Database) -> None:
    (outbox_id,) = await database.write(queue)
    await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    await database.write(outbox.settle_refused, outbox_id, fault="blocked", now=NOW)

    def account(session: Session) -> tuple[bool, datetime | None]:
        kept = session.exec(select(Account)).one()
        return kept.reachable, kept.unreachable_since

    assert await database.read(account) == (False, NOW)
    assert (await database.read(row, outbox_id))[0] is OutboxState.REFUSED


async def test_a_refused_brief_marks_its_reminders(database: Database) -> None:
    at = local("2026-11-25", 17)
    await database.write(cast.due, at, now=local("2026-11-16", 9), preset="T-3")
    await database.write(cast.sweep_all, NOW)
    brief_time = local("2026-11-20", 16, 40)
    (mine,) = await database.write(outbox.claim, now=brief_time, lease=LEASE, limit=1)
    await database.write(outbox.settle_refused, mine.id, fault="blocked", now=brief_time)

    def state(session: Session) -> ReminderState:
        return ReminderState(session.exec(select(Reminder.state)).one())

    assert await database.read(state) is ReminderState.UNREACHABLE


async def test_a_group_that_refuses_is_left_alone(database: Database) -> None:
    def two(session: Session) -> list[int | None]:
        chat_id = group(session)
        return [card(session, chat_id, "1"), card(session, chat_id, "2")]

    first, second = await database.write(two)
    assert first is not None
    assert second is not None
    await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    await database.write(outbox.settle_refused, first, fault="kicked", now=NOW)
    assert await database.write(outbox.claim, now=NOW, lease=LEASE, limit=9) == []
    assert (await database.read(row, second))[0] is OutboxState.REFUSED


async def test_a_group_that_moved_gets_it_under_its_new_id(database: Database) -> None:
    def one(session: Session) -> None:
        card(session, group(session, -100))

    await database.write(one)
    await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    await database.write(outbox.migrated, -100, -100500)
    (mine,) = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=9)
    assert mine.tg_chat_id == -100500


async def test_what_is_too_late_is_skipped(database: Database) -> None:
    (outbox_id,) = await database.write(queue, useful_until=NOW)
    assert await database.write(outbox.claim, now=NOW, lease=LEASE, limit=9) == []
    assert (await database.read(row, outbox_id))[0] is OutboxState.SKIPPED


async def test_what_failed_on_the_way_is_tried_later(database: Database) -> None:
    (outbox_id,) = await database.write(queue)
    await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    soon = NOW + timedelta(seconds=20)
    await database.write(outbox.try_later, outbox_id, soon, fault="timed out")
    assert await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1) == []
    (again,) = await database.write(outbox.claim, now=soon, lease=LEASE, limit=1)
    assert again.attempts == 2


async def test_what_we_cannot_send_stops_nobody(database: Database) -> None:
    first, second = await database.write(queue, 2)
    await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    await database.write(outbox.settle_broken, first, fault="no such template")
    (mine,) = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=1)
    assert mine.id == second


async def test_a_busy_chat_is_left_out(database: Database) -> None:
    await database.write(queue, 2)
    first, second = await database.write(outbox.claim, now=NOW, lease=LEASE, limit=9)
    await database.write(outbox.recover, now=NOW + LEASE)
    (mine,) = await database.write(
        outbox.claim, now=NOW, lease=LEASE, limit=9, exclude_chats=[first.tg_chat_id]
    )
    assert mine.id == second.id


@pytest.mark.parametrize(
    ("moment", "then"),
    [
        (local("2026-11-20", 18), local("2026-11-23", 8)),  # a Friday evening
        (local("2026-11-21", 10), local("2026-11-23", 8)),  # a Saturday
        (local("2026-11-23", 3), local("2026-11-23", 8)),  # a night
    ],
)
async def test_in_quiet_hours_nothing_rings(
    database: Database, moment: datetime, then: datetime
) -> None:
    ids = await database.write(queue, 30)
    assert await database.write(outbox.claim, now=moment, lease=LEASE, limit=5) == []
    assert (await database.read(row, ids[-1]))[1] == then
    assert len(await database.write(outbox.claim, now=then, lease=LEASE, limit=50)) == 30


async def test_on_a_day_off_rings_only_what_would_be_over(database: Database) -> None:
    def two(session: Session) -> list[int]:
        lapses = local("2026-11-21", 20)
        return queue(session) + queue(session, useful_until=lapses, prefix="s")

    _, lapsing = await database.write(two)
    saturday = local("2026-11-21", 10)
    claimed = await database.write(outbox.claim, now=saturday, lease=LEASE, limit=5)
    assert [one.id for one in claimed] == [lapsing]


async def test_what_does_not_ring_and_what_goes_to_groups_may_go_at_night(
    database: Database,
) -> None:
    def two(session: Session) -> None:
        card(session, group(session))
        teacher_id = make.teacher(session)
        make.account(session, teacher_id)
        outbox.put(
            session,
            "notice",
            teacher_id=teacher_id,
            facts={},
            priority=Priority.BULK,
            not_before=NOW,
            dedupe_key="quiet",
            now=NOW,
            rings=False,
        )

    await database.write(two)
    night = local("2026-11-20", 23)
    assert len(await database.write(outbox.claim, now=night, lease=LEASE, limit=5)) == 2


async def test_many_deliveries_are_settled_at_once(database: Database) -> None:
    def fill(session: Session) -> list[int]:
        ids = []
        for number in range(5):
            teacher_id = make.teacher(session, f"教师{number}")
            make.account(session, teacher_id)
            kept = outbox.put(
                session,
                "link_moved",
                teacher_id=teacher_id,
                facts={},
                priority=Priority.OFFER,
                not_before=NOW,
                dedupe_key=f"many:{number}",
                now=NOW,
            )
            assert kept is not None
            ids.append(kept)
        return ids

    ids = await database.write(fill)
    await database.write(outbox.claim, now=NOW, lease=timedelta(minutes=3), limit=5)
    await database.write(outbox.settle_many, [(number, 7) for number in ids], NOW)
    assert (await database.read(outbox.stats))[OutboxState.SENT] == 5
