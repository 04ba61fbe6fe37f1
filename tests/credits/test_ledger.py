"""The ledger: posted once, never changed, reversed by a mirror."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.credits import ledger, posting
from storage.credits.ledger import LedgerChanged, NewEntry, Posted, WrongEntryState
from storage.credits.profiles import bundled, keep_profile, read
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.messaging.tables import News
from storage.people.tables import Office
from storage.training.tables import Level, Registration, RegistrationState
from tests import make
from tests.credits.entries import of
from tests.make import NOW


def person(session: Session) -> int:
    return make.teacher(session)


def line(teacher_id: int, **differs: Any) -> NewEntry:
    usual: dict[str, Any] = {
        "teacher_id": teacher_id,
        "earned_on": date(2026, 10, 20),
        "level": "county",
        "category": "post_skill",
        "hours": Decimal("12.5"),
        "title": "作业设计专题培训",
        "source_kind": "batch",
        "source_id": 7,
    }
    return NewEntry(**usual | differs)


def rows(session: Session) -> list[tuple[EntryState, Decimal]]:
    found = session.exec(select(CreditEntry).order_by(col(CreditEntry.id)))
    return [(row.state, row.hours) for row in found]


def news(session: Session) -> list[tuple[str, str]]:
    found = session.exec(select(News).order_by(col(News.id)))
    return [(row.kind, row.facts["hours"]) for row in found]


def acts(session: Session) -> list[str]:
    return list(session.exec(select(AuditLog.action).order_by(col(AuditLog.id))))


async def test_posting_the_same_thing_twice_is_one_line_and_one_piece_of_news(
    database: Database,
) -> None:
    who = await database.write(person)
    first = await database.write(ledger.post, line(who), actor_id=None, now=NOW)
    again = await database.write(
        ledger.post, line(who, hours=Decimal(99)), actor_id=None, now=NOW + timedelta(days=1)
    )
    assert again == first
    assert await database.read(rows) == [(EntryState.POSTED, Decimal("12.5"))]
    assert await database.read(news) == [("credit_posted", "12.5")]
    assert await database.read(acts) == ["credit_post"]


async def test_a_pending_line_is_posted_with_the_hours_that_it_came_to(
    database: Database,
) -> None:
    who = await database.write(person)
    waiting = await database.write(ledger.pending, line(who), actor_id=None, now=NOW)
    assert waiting.state is EntryState.PENDING
    assert await database.read(news) == []
    posted = await database.write(ledger.post, line(who, hours=Decimal(10)), actor_id=None, now=NOW)
    assert posted.id == waiting.id
    assert of(posted.state, posted.hours, posted.posted_at) == (EntryState.POSTED, 10, NOW)


async def test_school_based_hours_go_by_way_of_the_school(database: Database) -> None:
    who = await database.write(person)
    entry = await database.write(ledger.pending, line(who), actor_id=None, now=NOW)
    confirmed = await database.write(ledger.confirm, entry.id, actor_id=who, now=NOW)
    assert confirmed.state is EntryState.SCHOOL_CONFIRMED
    released = await database.write(ledger.release, entry.id, actor_id=who, now=NOW)
    assert of(released.state, released.posted_at) == (EntryState.POSTED, NOW)
    assert await database.write(ledger.release, entry.id, actor_id=who, now=NOW) == released
    assert await database.read(news) == [("credit_posted", "12.5")]
    with pytest.raises(WrongEntryState):
        await database.write(ledger.confirm, entry.id, actor_id=who, now=NOW)


async def test_a_reversal_mirrors_exactly_one_line_and_both_are_nothing(
    database: Database,
) -> None:
    who = await database.write(person)
    entry = await database.write(ledger.post, line(who), actor_id=None, now=NOW)
    mirror = await database.write(ledger.reverse, entry.id, "误登", actor_id=who, now=NOW)
    assert mirror.reverses_id == entry.id
    assert mirror.hours == -entry.hours
    assert of(mirror.level, mirror.category, mirror.earned_on) == (
        entry.level,
        entry.category,
        entry.earned_on,
    )
    again = await database.write(ledger.reverse, entry.id, "再次", actor_id=who, now=NOW)
    assert again == mirror
    kept = await database.read(rows)
    assert sum(hours for _, hours in kept) == 0
    assert [hours for state, hours in kept if state is EntryState.POSTED] == []
    assert await database.read(acts) == ["credit_post", "credit_reverse"]


async def test_what_was_never_posted_or_is_a_mirror_is_not_reversed(sqlite: Database) -> None:
    who = await sqlite.write(person)
    waiting = await sqlite.write(ledger.pending, line(who), actor_id=None, now=NOW)
    with pytest.raises(WrongEntryState):
        await sqlite.write(ledger.reverse, waiting.id, "", actor_id=None, now=NOW)
    await sqlite.write(ledger.release, waiting.id, actor_id=None, now=NOW)
    mirror = await sqlite.write(ledger.reverse, waiting.id, "", actor_id=None, now=NOW)
    with pytest.raises(WrongEntryState):
        await sqlite.write(ledger.reverse, mirror.id, "", actor_id=None, now=NOW)


async def test_a_reversed_line_is_not_posted_again_by_the_next_run(sqlite: Database) -> None:
    who = await sqlite.write(person)
    entry = await sqlite.write(ledger.post, line(who), actor_id=None, now=NOW)
    await sqlite.write(ledger.reverse, entry.id, "误登", actor_id=who, now=NOW)
    again = await sqlite.write(ledger.post, line(who), actor_id=None, now=NOW)
    assert again.state is EntryState.REVERSED
    many = await sqlite.write(ledger.post_many, [line(who)], actor_id=None, now=NOW)
    assert many == Posted(new=0, already=1)


async def test_a_correction_reverses_and_posts_the_right_hours_once(database: Database) -> None:
    who = await database.write(person)
    entry = await database.write(ledger.post, line(who), actor_id=None, now=NOW)
    right = await database.write(
        ledger.correct, entry.id, Decimal(8), "8学时", actor_id=who, now=NOW
    )
    again = await database.write(
        ledger.correct, entry.id, Decimal(8), "8学时", actor_id=who, now=NOW
    )
    assert again == right
    kept = await database.read(rows)
    assert sum(hours for _, hours in kept) == 8
    assert sum(hours for state, hours in kept if state is EntryState.POSTED) == 8


async def test_a_dispute_keeps_the_hours_and_can_be_settled(sqlite: Database) -> None:
    who = await sqlite.write(person)
    entry = await sqlite.write(ledger.post, line(who), actor_id=None, now=NOW)
    disputed = await sqlite.write(ledger.dispute, entry.id, "少了", actor_id=who, now=NOW)
    assert of(disputed.state, disputed.hours) == (EntryState.DISPUTED, entry.hours)
    upheld = await sqlite.write(ledger.uphold, entry.id, "无误", actor_id=who, now=NOW)
    assert upheld == entry


async def test_nothing_can_change_or_delete_a_posted_line(sqlite: Database) -> None:
    who = await sqlite.write(person)
    entry = await sqlite.write(ledger.post, line(who), actor_id=None, now=NOW)

    def change(session: Session) -> None:
        session.get_one(CreditEntry, entry.id).hours = Decimal(100)
        session.flush()

    def delete(session: Session) -> None:
        session.delete(session.get_one(CreditEntry, entry.id))
        session.flush()

    for attempt in (change, delete):
        with pytest.raises(LedgerChanged):
            await sqlite.write(attempt)
    assert await sqlite.read(rows) == [(EntryState.POSTED, Decimal("12.5"))]


async def test_many_lines_are_entered_at_once_and_only_the_new_ones_are_news(
    database: Database,
) -> None:
    def people(session: Session) -> list[int]:
        return [make.teacher(session) for _ in range(5)]

    ids = await database.write(people)
    await database.write(ledger.post, line(ids[0]), actor_id=None, now=NOW)
    await database.write(ledger.pending, line(ids[1]), actor_id=None, now=NOW)
    lines = [line(who) for who in ids]
    first = await database.write(ledger.post_many, lines, actor_id=None, now=NOW)
    assert first == Posted(new=4, already=1)
    assert await database.write(ledger.post_many, lines, actor_id=None, now=NOW) == Posted(0, 5)
    assert await database.read(rows) == [(EntryState.POSTED, Decimal("12.5"))] * 5
    assert len(await database.read(news)) == 5


def completed_batch(session: Session, level: Level = Level.COUNTY, **states: int) -> int:
    batch_id = make.batch(session, programme={"level": level, "planned_hours": Decimal(10)})
    for state, number in states.items():
        for _ in range(number):
            who = make.teacher(session)
            session.add(
                Registration(
                    batch_id=batch_id,
                    teacher_id=who,
                    unit_id_at=make.school(session),
                    state=RegistrationState(state),
                    submitted_at=NOW,
                    queued_at=NOW,
                    changed_at=NOW,
                )
            )
    session.flush()
    return batch_id


async def test_a_completed_batch_gives_everybody_who_completed_their_hours(
    database: Database,
) -> None:
    def complete(session: Session) -> int:
        return completed_batch(session, completed=3, not_completed=1, withdrawn=1)

    batch_id = await database.write(complete)
    first = await database.write(posting.post_batch, batch_id, actor_id=None, now=NOW)
    assert first == Posted(new=3, already=0)
    again = await database.write(posting.post_batch, batch_id, actor_id=None, now=NOW)
    assert again == Posted(new=0, already=3)
    assert await database.read(rows) == [(EntryState.POSTED, Decimal(10))] * 3


async def test_school_based_hours_of_a_batch_wait_for_the_school(sqlite: Database) -> None:
    def complete(session: Session) -> int:
        return completed_batch(session, Level.SCHOOL, completed=2)

    batch_id = await sqlite.write(complete)
    await sqlite.write(posting.post_batch, batch_id, actor_id=None, now=NOW)
    assert await sqlite.read(rows) == [(EntryState.PENDING, Decimal(10))] * 2
    assert await sqlite.read(news) == []


async def test_a_share_for_not_completing_is_taken_back_on_completing(sqlite: Database) -> None:
    def prepare(session: Session) -> int:
        batch_id = completed_batch(session, not_completed=1)
        keep_profile(session, bundled()["cn-default"])
        keep_profile(session, read("code: ours\nextends: cn-default\nfailed: {factor: 0.2}"))
        session.exec(select(Office)).one().credit_profile = "ours"
        return batch_id

    def make_up(session: Session) -> None:
        session.exec(select(Registration)).one().state = RegistrationState.COMPLETED

    batch_id = await sqlite.write(prepare)
    await sqlite.write(posting.post_batch, batch_id, actor_id=None, now=NOW)
    assert await sqlite.read(rows) == [(EntryState.POSTED, Decimal(2))]
    await sqlite.write(make_up)
    await sqlite.write(posting.post_batch, batch_id, actor_id=None, now=NOW)
    kept = await sqlite.read(rows)
    assert [hours for state, hours in kept if state is EntryState.POSTED] == [10]
    assert sum(hours for _, hours in kept) == 10
