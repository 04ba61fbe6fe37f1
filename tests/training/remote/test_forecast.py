"""Where a class will end at today's pace, and how far that errs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from storage.database import Database
from storage.training.remote import pace
from storage.training.remote.forecast import End, Forecast, forecast
from storage.training.remote.tables import ProgressImport
from tests import make
from tests.make import NOW
from tests.training import classes
from tests.training.remote import studies

START = NOW - timedelta(days=18)  # Monday; today is the Friday of the third week
END = NOW + timedelta(days=14)  # two weeks of work are left, and today


def _class(session: Session, /, *imports: tuple[int, list[float]]) -> int:
    """People with these percents at imports so many days ago."""
    batch_id = studies.remote_class(session, starts_at=START, ends_at=END)
    people = classes.people_in(session, batch_id, len(imports[0][1]))
    by = make.teacher(session, "高培训")
    for days, percents in imports:
        figures = dict(zip(people, percents, strict=True))
        studies.imported(session, batch_id, by, figures, as_of=NOW - timedelta(days=days))
    return batch_id


def _forecast(session: Session, /, batch_id: int, now: datetime = NOW) -> Forecast | None:
    course = pace.of_class(session, batch_id)
    assert course is not None
    return forecast(session, course, now=now)


async def _of(database: Database, *imports: tuple[int, list[float]], **more: Any) -> Any:
    batch_id = await database.write(_class, *imports)
    return await database.read(_forecast, batch_id, **more)


async def test_everybody_goes_on_as_they_did_from_the_beginning(database: Database) -> None:
    # 14 of 25 working days are over: from 56 percent one arrives, from 50 one does not.
    found = await _of(database, (0, [100, 60, 57, 50, 0]))
    assert found.learned == End(3)
    assert found.started.least is None


async def test_who_has_stopped_a_week_ago_does_not_arrive(database: Database) -> None:
    found = await _of(database, (7, [80, 40, 20]), (0, [80, 70, 30]))
    assert found.learned.number == 1


async def test_the_error_is_how_far_earlier_forecasts_were_off(database: Database) -> None:
    # A week ago two of four seemed to go on fast enough to have done it all by now: one has.
    found = await _of(database, (7, [70, 70, 10, 10]), (0, [100, 72, 12, 12]))
    assert found.learned.number == 1
    # One in five days ahead, and eleven are to come: three either way, but one is done already.
    assert (found.learned.least, found.learned.most) == (1, 4)
    perfect = await _of(database, (7, [20, 20]), (0, [30, 30]))
    assert perfect.learned == End(0, 0, 0)


async def test_nothing_is_foretold_from_no_figures_old_ones_or_when_it_is_over(
    database: Database,
) -> None:
    batch_id = await database.write(studies.remote_class)
    assert await database.read(_forecast, batch_id) is None
    assert await _of(database, (9, [50, 60])) is None
    batch_id = await database.write(_class, (0, [50, 60]))
    assert await database.read(_forecast, batch_id, now=END + timedelta(days=1)) is None


async def test_an_import_that_was_undone_tells_nothing(database: Database) -> None:
    batch_id = await database.write(_class, (7, [70, 70]), (0, [75, 75]))

    def undo(session: Session, /) -> None:
        oldest = session.exec(select(ProgressImport).order_by(ProgressImport.as_of)).first()  # type: ignore[arg-type]
        assert oldest is not None
        oldest.undone_at = NOW

    with_both = await database.read(_forecast, batch_id)
    await database.write(undo)
    alone = await database.read(_forecast, batch_id)
    assert with_both is not None
    assert alone is not None
    numbers = [one.learned and one.learned.number for one in (with_both, alone)]
    assert numbers == [0, 2]


async def test_nobody_new_counts_as_begun_beyond_those_who_are_there(database: Database) -> None:
    found = await _of(database, (7, [0, 0, 0, 5]), (0, [5, 5, 0, 9]))
    assert found.started.number == 4


async def test_what_everybody_has_done_is_not_foretold(database: Database) -> None:
    found = await _of(database, (7, [50, 0, 10]), (0, [100, 5, 40]))
    assert found.started is None
    assert found.learned.least >= 1
    assert found.learned.most <= 3
    assert await _of(database, (0, [100, 100])) is None
