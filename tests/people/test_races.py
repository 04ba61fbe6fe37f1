"""Two who act at once on a server: each thing is done once, and the second is told so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from storage.credits import appeals
from storage.database import Database
from storage.people import appointing, roles, roster
from storage.people.imports import PreviewOutdated
from storage.people.tables import Posting, Role, RoleAssignment, Teacher
from tests import make
from tests.make import NOW
from tests.people.rosters import TODAY, coordinator, of_county, roster_of, units

HELD = 0.3
"""Seconds for which the first keeps its transaction open while the second begins."""


async def at_once(
    two_processes: tuple[Database, Database],
    first: Callable[[Session], Any],
    second: Callable[[Session], Any],
) -> list[Any]:
    """Run both so that the second begins when the first has written and not committed."""
    written = threading.Event()

    def leads(session: Session) -> Any:
        try:
            done = first(session)
            session.flush()
        finally:
            written.set()
        threading.Event().wait(HELD)
        return done

    def follows(session: Session) -> Any:
        assert written.wait(20)
        return second(session)

    return list(
        await asyncio.gather(
            two_processes[0].write(leads), two_processes[1].write(follows), return_exceptions=True
        )
    )


def previewed(session: Session, actor_id: int, *row: str) -> Callable[[Session], Any]:
    """What applies a file of one row that has been looked at."""
    read = roster_of(list(row))
    kept = roster.keep_preview(
        session,
        actor_id,
        "名册.xlsx",
        repr((row, actor_id)).encode(),
        roster.look(session, actor_id, read, now=NOW),
        now=NOW,
    )
    return lambda again: roster.apply(again, actor_id, kept.job_id, read, now=NOW)


async def test_two_files_that_move_the_same_person_move_them_once(
    two_processes: tuple[Database, Database],
) -> None:
    def begin(session: Session) -> list[Any]:
        units(session)
        county = of_county(session)
        make.teacher(session, "调动者", at="澄禾县实验小学", staff_no="060030")
        row = ["060030", "调动者", "", "小学", "语文", "", "在职", "", ""]
        return [
            previewed(session, county, *row[:2], school, *row[3:]) for school in ("城东", "柳渡")
        ]

    done = await at_once(two_processes, *await two_processes[0].write(begin))
    assert done[0].figures.transfers == 1
    assert isinstance(done[1], PreviewOutdated)
    open_ = await two_processes[0].read(
        lambda session: session.exec(
            select(Posting.id)
            .join(Teacher, col(Teacher.id) == col(Posting.teacher_id))
            .where(Teacher.staff_no == "060030", col(Posting.until).is_(None))
        ).all()
    )
    assert len(open_) == 1


async def test_two_files_that_add_the_same_person_add_them_once(
    two_processes: tuple[Database, Database],
) -> None:
    def begin(session: Session) -> list[Any]:
        ids = units(session)
        luo = coordinator(session)
        other = make.teacher(session, "副手", at="澄禾县实验小学", staff_no="900003")
        roles.appoint(session, other, Role.SCHOOL_COORDINATOR, ids["实小"], today=TODAY, now=NOW)
        row = ["060040", "新人", "实小", "小学", "语文", "", "在职", "", ""]
        return [previewed(session, who, *row) for who in (luo, other)]

    done = await at_once(two_processes, *await two_processes[0].write(begin))
    assert done[0].figures.new == 1
    assert isinstance(done[1], PreviewOutdated)


async def test_nobody_has_two_open_primary_postings(database: Database) -> None:
    def begin(session: Session) -> None:
        unit = make.school(session, "第二小学")
        lin = make.teacher(session, "林若溪")
        session.add(Posting(teacher_id=lin, unit_id=unit, since=TODAY, is_primary=False))
        session.flush()
        session.add(Posting(teacher_id=lin, unit_id=unit, since=TODAY))
        session.flush()

    with pytest.raises(IntegrityError):
        await database.write(begin)


async def test_two_who_give_the_same_role_give_it_once(
    two_processes: tuple[Database, Database],
) -> None:
    def begin(session: Session) -> tuple[int, int, int, int]:
        ids = units(session)
        other = make.teacher(session, "副手", at="澄禾县", staff_no="060031")
        roles.appoint(session, other, Role.COUNTY_COORDINATOR, ids["县"], today=TODAY, now=NOW)
        lin = make.teacher(session, "林若溪", at="澄禾县实验小学", staff_no="060030")
        return of_county(session), other, lin, ids["实小"]

    first, second, lin, school = await two_processes[0].write(begin)

    def gives(actor_id: int) -> Callable[[Session], Any]:
        return lambda session: appointing.give(
            session, actor_id, lin, Role.PRINCIPAL, school, now=NOW
        )

    done = await at_once(two_processes, gives(first), gives(second))
    assert [each.is_new for each in done] == [True, False]
    held = await two_processes[0].read(
        lambda session: session.exec(
            select(RoleAssignment.id).where(RoleAssignment.teacher_id == lin)
        ).all()
    )
    assert len(held) == 1


async def test_the_same_words_at_once_are_one_appeal(
    two_processes: tuple[Database, Database],
) -> None:
    def begin(session: Session) -> int:
        make.office(session)
        return make.teacher(session, "林若溪")

    lin = await two_processes[0].write(begin)

    def asks(session: Session) -> int:
        return appeals.open_(session, lin, None, "缺少学时", now=NOW).appeal_id

    first, second = await at_once(two_processes, asks, asks)
    assert first == second
    later = NOW + timedelta(minutes=1)
    assert await two_processes[0].write(appeals.open_, lin, None, "另一件", now=later)
