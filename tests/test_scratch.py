"""The scratch copy: all that the rules do to it works, and none of it is real."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, func, select

from storage.database import Database
from storage.people.tables import Account, Office, OrgUnit, Posting, Teacher, TeacherFact
from storage.schema import METADATA
from storage.scratch import Copied
from storage.training import registration, schedule
from storage.training.tables import Batch, Programme, Quota, Registration
from tests import make

PEOPLE: Copied = dict.fromkeys((Office, OrgUnit, Teacher, Posting, TeacherFact, Account))
CLASSES: Copied = dict.fromkeys((Programme, Batch, Quota, Registration))


def counts(session: Session) -> dict[str, int]:
    return {
        table.name: session.exec(select(func.count()).select_from(table)).one()
        for table in METADATA.sorted_tables
    }


async def test_rules_run_on_a_copy_and_the_real_rows_stay_as_they_are(database: Database) -> None:
    teacher_id = await database.write(make.teacher)
    batch_id = await database.write(make.batch, seats=1)
    before = await database.read(counts)

    def all_of_it(session: Session) -> tuple[str, int]:
        outcome = registration.register(session, teacher_id, batch_id, now=make.NOW)
        schedule.plan_deadlines(session, batch_id, now=make.NOW)
        more = make.teacher(session, "周明")
        registration.register(session, more, batch_id, now=make.NOW)
        taken = session.exec(select(Quota.taken).where(Quota.batch_id == batch_id)).one()
        return outcome.state.value, taken

    for _again in range(2):
        assert await database.aside({**PEOPLE, **CLASSES}, all_of_it) == ("approved", 1)
    assert await database.read(counts) == before


async def test_only_the_rows_that_are_asked_for_are_copied(database: Database) -> None:
    one = await database.write(make.teacher)
    await database.write(make.teacher)
    copied = await database.aside({Teacher: col(Teacher.id) == one}, counts)
    assert (copied["teacher"], copied["posting"]) == (1, 0)


async def test_what_is_said_to_a_real_table_by_its_full_name_is_refused(
    database: Database,
) -> None:
    await database.write(make.teacher)
    schema = "main" if database.is_sqlite else "public"

    def real(session: Session) -> None:
        session.exec(sa.text(f"DELETE FROM {schema}.teacher_fact"))  # type: ignore[call-overload]

    with pytest.raises(DBAPIError):
        await database.aside(PEOPLE, real)


async def test_a_copy_keeps_nobody_from_writing(database: Database) -> None:
    teacher_id = await database.write(make.teacher)

    def slow(session: Session) -> int:
        session.exec(sa.update(Teacher).values(name="彩排"))
        # While this copy is in hand the real row is written by somebody else.
        database.write_now(lambda real: real.exec(sa.update(Teacher).values(name="真")).rowcount)
        return session.exec(select(func.count()).where(Teacher.name == "彩排")).one()

    assert await database.aside(PEOPLE, slow) == 1
    assert (await database.read(lambda s: s.get_one(Teacher, teacher_id).name)) == "真"
