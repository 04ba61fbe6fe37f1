"""The figures of the home card."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.home import HomeFacts, home_facts
from storage.refusals import NotFound
from storage.training import registration
from storage.training.programmes import DueKind
from tests import make
from tests.make import NOW
from tests.stage import Stage

DAY = timedelta(days=1)


async def facts(database: Database, teacher_id: int) -> HomeFacts:
    return await database.read(home_facts, teacher_id, now=NOW)


async def test_a_quiet_day_says_nothing_and_keeps_the_year_in_sight(database: Database) -> None:
    who = await database.write(lambda session: make.teacher(session))
    found = await facts(database, who)
    assert (found.open_programmes, found.registrations, found.due) == (0, 0, 0)
    assert found.next_due is None
    assert found.year_counted == 0
    assert found.year_floor is not None


async def test_only_what_i_can_register_for_now_counts_as_open(database: Database) -> None:
    def offer(session: Session) -> int:
        who = make.teacher(session)
        make.batch(session, "open")
        make.batch(session, "for others", audience={"subject": ["数学"]})
        make.batch(session, "full", seats=0)
        make.batch(session, "later", reg_open=NOW + DAY)
        make.batch(session, "closed", reg_close=NOW - DAY)
        mine = make.batch(session, "mine")
        registration.register(session, who, mine, now=NOW)
        return who

    who = await database.write(offer)
    found = await facts(database, who)
    assert (found.open_programmes, found.registrations) == (1, 1)


async def test_the_next_thing_due_is_the_soonest_that_is_still_to_come(
    database: Database,
) -> None:
    def register(session: Session) -> int:
        who = make.teacher(session)
        for title, starts in (("later", 9), ("sooner", 3)):
            batch_id = make.batch(
                session,
                title,
                starts_at=NOW + starts * DAY,
                ends_at=NOW + (starts + 1) * DAY,
                reg_close=NOW + DAY,
            )
            registration.register(session, who, batch_id, now=NOW)
        return who

    who = await database.write(register)
    found = await facts(database, who)
    assert found.due == 2
    assert found.next_due is not None
    assert (found.next_due.title, found.next_due.kind) == ("sooner", DueKind.START)
    # What has begun is not announced as what comes next.
    running = await database.read(home_facts, who, now=NOW + 3 * DAY)
    assert running.next_due is not None
    assert running.next_due.title == "later"


async def test_the_year_shows_what_counts(database: Database) -> None:
    def earn(session: Session) -> int:
        who = make.teacher(session)
        session.add(
            CreditEntry(
                teacher_id=who,
                earned_on=date(2026, 10, 20),
                level="county",
                category="post_skill",
                hours=Decimal("12.5"),
                title="作业设计",
                source_kind="batch",
                source_id=1,
                state=EntryState.POSTED,
            )
        )
        session.flush()
        return who

    who = await database.write(earn)
    assert (await facts(database, who)).year_counted == Decimal("12.5")


async def test_nobody_has_no_home(database: Database) -> None:
    with pytest.raises(NotFound):
        await facts(database, 99)


async def test_more_programmes_do_not_mean_more_statements(sqlite: Database) -> None:
    def measure(session: Session, extra: int) -> int:
        who = make.teacher(session)
        for number in range(extra):
            registration.register(session, who, make.batch(session, f"{number}"), now=NOW)
        session.flush()
        counted: list[str] = []

        def count(_c: object, _cur: object, statement: str, *_more: object) -> None:
            counted.append(statement)

        connection = session.connection()
        sa.event.listen(connection, "before_cursor_execute", count)
        home_facts(session, who, now=NOW)
        sa.event.remove(connection, "before_cursor_execute", count)
        return len(counted)

    few = await sqlite.write(measure, 1)
    assert await sqlite.write(measure, 12) <= few
    assert few <= 33


async def test_a_brief_that_moves_with_the_quiet_hours_is_said(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    await lin.says("/settings")
    await lin.taps("Time of the brief")
    await lin.taps("20:00")
    assert "Daily brief: 20:00" in lin.sees()
    await lin.taps("Quiet hours")
    await lin.taps("18:00")
    assert "The daily brief now comes at 17:30." in lin.alert
    await lin.taps("Time of the brief")
    await lin.taps("20:00")
    assert "Your quiet hours are now 20:30" in lin.alert
