"""Imports of progress: three invented platforms, what is new, what is unclear, and undo."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from storage import sheets
from storage.database import Database
from storage.people import imports
from storage.people.tables import ImportState
from storage.training.remote import importing, mapping, reading
from storage.training.remote.importing import Preview, RowState
from storage.training.remote.tables import (
    ProgressItem,
)
from storage.training.tables import RegistrationState
from tests.make import NOW
from tests.training import classes
from tests.training.remote import exports, programme
from tests.training.remote.exports import Studied

HOME = classes.HOME
APPROVED, ATTENDING = RegistrationState.APPROVED, RegistrationState.ATTENDING


def dropped(
    session: Session,
    /,
    actor: int,
    batch_id: int,
    content: bytes,
    name: str = "学习情况.xlsx",
    *,
    meant: dict[str, str] | None = None,
    now: datetime = NOW,
) -> Preview:
    """Drop the file, put right what its columns mean, and look at it."""
    job = imports.keep_preview(session, actor, mapping.KIND, name, content, now=now)
    book = sheets.read(content, name)
    form = mapping.aim(session, actor, job, batch_id, reading.grids(book), now=now)
    while form is not None:
        for said in form.columns:
            if said.heading in (meant or {}):
                mapping.choose(
                    session,
                    actor,
                    job,
                    form.form,
                    said.number,
                    _meaning(session, batch_id, (meant or {})[said.heading]),
                    now=now,
                )
        form = mapping.confirm(session, actor, job, form.form, now=now)
    looked = importing.look(session, actor, job, book, now=now)
    return importing.keep(session, actor, job, looked, now=now)


def _meaning(session: Session, batch_id: int, said: str) -> str:
    for item in session.exec(select(ProgressItem).where(ProgressItem.batch_id == batch_id)):
        if item.kind == said:
            return str(item.id)
    return said


def imported(session: Session, /, actor: int, *args: Any, **more: Any) -> Preview:
    """Drop it and apply it."""
    seen = dropped(session, actor, *args, **more)
    return importing.apply(session, actor, seen.job_id, now=more.get("now", NOW))


@pytest.fixture
async def class_(database: Database) -> tuple[int, int, dict[str, int]]:
    """A class, its organiser, and the registrations by name."""

    def prepared(session: Session) -> tuple[int, int, dict[str, int]]:
        batch_id = programme.remote(session)
        people = {
            "林若溪": programme.joins(session, batch_id, "林若溪", staff_no="CH060012"),
            "石晓岚": programme.joins(session, batch_id, "石晓岚", staff_no="CH060013"),
            "欧阳立": programme.joins(session, batch_id, "欧阳立", "河东小学", staff_no="CH090004"),
        }
        return batch_id, classes.county(session), people

    return await database.write(prepared)


LIN = Studied("CH060012", "林若溪", HOME, "13900005678", 900, 2, 4, True, 92, date(2026, 11, 18))
SHI = Studied("CH060013", "石晓岚", HOME, "13900001111", 450, 1, 0, False, None, date(2026, 11, 1))
OUYANG = Studied("CH090004", "欧阳立", "河东小学", "13900002222")
EXPECTED = {
    "林若溪": (100.0, True, True),
    "石晓岚": (35.0, True, False),
    "欧阳立": (0.0, False, False),
}


@pytest.mark.parametrize(
    ("export", "name"),
    [(exports.orchid, "a.xlsx"), (exports.bamboo, "b.csv"), (exports.tidal, "c.xlsx")],
)
async def test_each_platform_s_export_says_the_same_of_the_same_people(
    database: Database, class_: Any, export: Any, name: str
) -> None:
    batch_id, gao, people = class_
    content = export([LIN, SHI, OUYANG])
    done = await database.write(imported, gao, batch_id, content, name)
    assert done.state is ImportState.APPLIED
    assert (done.matched, done.counts) == (3, {RowState.NEW: 3})
    assert (done.started, done.learned) == ((0, 2), (0, 1))
    assert await database.read(programme.stands, batch_id) == EXPECTED
    states = [await database.read(classes.state_of, people[each]) for each in EXPECTED]
    assert states == [ATTENDING, ATTENDING, APPROVED]
