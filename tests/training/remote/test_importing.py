"""Imports of progress: five invented platforms, what is new, what is unclear, and undo."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import moments, sheets, undoing
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineStep, Level, News
from storage.people import imports
from storage.people.imports import PreviewOutdated
from storage.people.tables import ImportState, Role
from storage.training import schedule
from storage.training.remote import importing, mapping, reading, study_claims, unclear
from storage.training.remote.importing import AsOfFrom, Preview
from storage.training.remote.rows import PART, RowState
from storage.training.remote.tables import (
    Progress,
    ProgressImport,
    ProgressItem,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import Registration, RegistrationState
from tests.make import NOW
from tests.training import classes
from tests.training.remote import exports, programme, studying
from tests.training.remote.exports import Studied
from tests.training.remote.studying import SHANGHAI

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
    [
        (exports.orchid, "a.xlsx"),
        (exports.bamboo, "b.csv"),
        (exports.tidal, "c.xlsx"),
        (exports.gallery, "d.xls"),
        (exports.harbour, "e.xlsx"),
    ],
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


async def test_nobody_has_studied_after_the_day_of_the_figures(
    database: Database, class_: Any
) -> None:
    batch_id, gao, people = class_
    later = replace(LIN, last=date(2026, 12, 1))  # such as when a licence ends
    content = exports.orchid([later, SHI, OUYANG])
    await database.write(imported, gao, batch_id, content)

    def said(session: Session) -> dict[int, date | None]:
        rows = session.exec(select(Progress)).all()
        return {row.registration_id: row.last_active for row in rows}

    days = await database.read(said)
    assert days[people["林若溪"]] is None
    assert days[people["石晓岚"]] == date(2026, 11, 1)
    again = await database.write(imported, gao, batch_id, content)
    assert again.changes == 0


async def test_the_same_file_again_changes_nothing_and_a_newer_one_only_what_is_new(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_
    content = exports.orchid([LIN, SHI, OUYANG])
    first = await database.write(imported, gao, batch_id, content)
    again = await database.write(imported, gao, batch_id, content)
    assert (again.changes, again.as_of_from, again.deed_id) == (0, AsOfFrom.SAME, None)
    assert again.as_of == first.as_of == datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
    assert await database.read(programme.stands, batch_id) == EXPECTED
    assert len(await database.read(kept_imports)) == 1

    more = replace(SHI, minutes=900.0)
    newer = exports.orchid([LIN, more, OUYANG], until="2026-11-20 07:00")
    seen = await database.write(dropped, gao, batch_id, newer)
    assert seen.counts == {RowState.SAME: 2, RowState.FORWARD: 1}
    await database.write(importing.apply, gao, seen.job_id, now=NOW)
    twice = await database.write(importing.apply, gao, seen.job_id, now=NOW)
    assert twice.state is ImportState.APPLIED
    assert (await database.read(programme.stands, batch_id))["石晓岚"] == (55.0, True, False)
    assert len(await database.read(kept_imports)) == 2


def kept_imports(session: Session) -> list[int]:
    return list(session.exec(select(ProgressImport.id)).all())


async def test_an_older_table_fills_gaps_and_overwrites_nothing(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_
    newer = exports.orchid([LIN], until="2026-11-20 07:00")
    await database.write(imported, gao, batch_id, newer)
    older = exports.orchid([replace(LIN, minutes=90.0), SHI], until="2026-11-01 07:00")
    seen = await database.write(dropped, gao, batch_id, older)
    assert seen.is_older
    await database.write(importing.apply, gao, seen.job_id, now=NOW)
    stands = await database.read(programme.stands, batch_id)
    assert stands == {name: EXPECTED[name] for name in ("林若溪", "石晓岚")}


async def test_undo_leaves_what_the_other_imports_have_said(
    database: Database, class_: Any
) -> None:
    batch_id, gao, people = class_
    await database.write(imported, gao, batch_id, exports.orchid([LIN], until="2026-11-01 07:00"))
    before = await database.read(programme.stands, batch_id)
    away = replace(LIN, minutes=0.0, homework=0, posts=0, seminar=False)
    wrong = exports.orchid([away, SHI], until="2026-11-19 07:00")
    done = await database.write(imported, gao, batch_id, wrong, now=NOW + timedelta(minutes=1))
    assert done.counts == {RowState.NEW: 1, RowState.BACK: 1}
    assert await database.read(classes.state_of, people["石晓岚"]) is ATTENDING
    later = NOW + timedelta(minutes=2)
    assert done.deed_id is not None
    assert await database.write(undoing.undo, gao, done.deed_id, now=later)
    assert await database.read(programme.stands, batch_id) == before
    assert await database.read(classes.state_of, people["林若溪"]) is ATTENDING
    assert await database.read(classes.state_of, people["石晓岚"]) is APPROVED
    again = await database.write(imported, gao, batch_id, wrong, now=later)
    assert again.counts == done.counts


async def test_a_preview_that_others_have_overtaken_is_shown_anew(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_
    seen = await database.write(dropped, gao, batch_id, exports.orchid([LIN, SHI]))
    await database.write(imported, gao, batch_id, exports.tidal([LIN]), "c.xlsx")
    with pytest.raises(PreviewOutdated):
        await database.write(importing.apply, gao, seen.job_id, now=NOW)


async def test_a_claim_that_the_platform_shows_by_now_waits_for_nobody(
    database: Database, class_: Any
) -> None:
    batch_id, gao, people = class_

    def claims(session: Session) -> None:
        homework = session.exec(
            select(ProgressItem.id).where(ProgressItem.kind == "homework")
        ).one()
        for name in ("林若溪", "石晓岚"):
            session.add(
                StudyClaim(registration_id=people[name], item_id=homework, submitted_at=NOW)
            )

    def states(session: Session) -> list[StudyClaimState]:
        rows = session.exec(select(StudyClaim).order_by(col(StudyClaim.registration_id))).all()
        return [row.state for row in rows]

    await database.write(claims)
    done = await database.write(imported, gao, batch_id, exports.orchid([LIN, SHI]))
    assert await database.read(states) == [StudyClaimState.CAUGHT_UP, StudyClaimState.OPEN]
    assert done.deed_id is not None
    await database.write(undoing.undo, gao, done.deed_id, now=NOW)
    assert await database.read(states) == [StudyClaimState.OPEN, StudyClaimState.OPEN]


async def test_each_import_puts_off_the_day_on_which_figures_are_too_old(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_

    def due(session: Session) -> tuple[datetime, list[str]]:
        row = session.exec(select(Deadline).where(Deadline.kind == "import_stale")).one()
        steps = (
            select(DeadlineStep.name)
            .where(
                DeadlineStep.deadline_id == row.id,
                DeadlineStep.level == Level.TEACHER,
                col(DeadlineStep.outcome).is_(None),
            )
            .order_by(col(DeadlineStep.due_at))
        )
        return row.at, list(session.exec(steps).all())[:3]

    # Since October nobody has brought any: they are asked for from now on.
    await database.write(schedule.plan_deadlines, batch_id, now=NOW)
    await database.write(schedule.plan_deadlines, batch_id, now=NOW + timedelta(hours=1))
    assert await database.read(due) == (NOW, ["T+0", "T+5", "W+2"])
    done = await database.write(imported, gao, batch_id, exports.orchid([LIN, SHI]))
    at, names = await database.read(due)
    day = moments.local_day(done.as_of, SHANGHAI) + timedelta(days=8)
    assert (at, names) == (moments.at(day, 0, SHANGHAI), ["T+0", "T+5", "W+2"])
    later = NOW + timedelta(hours=2)
    assert done.deed_id is not None
    await database.write(undoing.undo, gao, done.deed_id, now=later)
    assert (await database.read(due))[0] == later


async def test_nobody_is_told_of_claims_that_an_import_has_answered(
    database: Database, class_: Any
) -> None:
    batch_id, gao, people = class_

    def claims(session: Session) -> None:
        studying.appointed(session, "许文", Role.TUTOR, batch_id)
        lin = session.get_one(Registration, people["林若溪"]).teacher_id
        study_claims.say(session, lin, batch_id, text="看完了", now=NOW)

    def told(session: Session) -> int:
        waiting = select(News.id).where(News.kind == study_claims.NEWS_WAITING)
        return len(session.exec(waiting).all())

    await database.write(claims)
    assert await database.read(told) == 1
    await database.write(imported, gao, batch_id, exports.orchid([LIN, SHI]))
    assert await database.read(told) == 0


async def test_a_number_of_another_name_and_a_bad_figure_are_not_taken_over(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_
    table = sheets.write(
        [
            (
                "x",
                [
                    ["工号", "姓名", "学校", "视频学习时长"],
                    ["CH060012", "石晓岚", HOME, "10"],
                    ["CH060013", "石晓岚", HOME, "很多"],
                    ["9-1", "欧阳立", "河东小学", "10"],
                    ["CH090004", "欧阳立", "河东小学", "20"],
                ],
            )
        ]
    )
    done = await database.write(imported, gao, batch_id, table)
    assert done.counts == {
        RowState.NEW: 1,
        RowState.MISMATCH: 1,
        RowState.NOT_UNDERSTOOD: 1,
        RowState.TWICE: 1,
    }
    assert set(await database.read(programme.stands, batch_id)) == {"欧阳立"}


async def test_what_was_said_of_a_row_goes_before_what_the_row_says_itself(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_
    first = exports.bamboo([LIN, replace(OUYANG, name="黄一鸣")])
    seen = await database.write(dropped, gao, batch_id, first, "b.csv")
    assert seen.counts == {RowState.NEW: 1, RowState.UNKNOWN: 1}
    await database.write(unclear.settle, gao, seen.job_id, 0, None, now=NOW)
    await database.write(programme.joins, batch_id, "黄一鸣", "河东小学")
    second = exports.bamboo([LIN, SHI, replace(OUYANG, name="黄一鸣"), OUYANG])
    again = await database.write(dropped, gao, batch_id, second, "b.csv")
    assert again.counts == {RowState.NEW: 3, RowState.FOREIGN: 1}


async def test_of_a_long_table_every_row_is_read(database: Database, class_: Any) -> None:
    batch_id, gao, _people = class_
    strangers = [replace(OUYANG, staff_no=f"X{n}", name=f"邻县{n}") for n in range(2 * PART)]
    people = [LIN, *strangers[:PART], SHI, *strangers[PART:], OUYANG]
    seen = await database.write(dropped, gao, batch_id, exports.tidal(people), "c.xlsx")
    assert seen.rows == len(people)
    assert seen.counts == {RowState.NEW: 3, RowState.UNKNOWN: len(strangers)}
    remarks = await database.write(importing.remarks, gao, seen.job_id, now=NOW)
    assert set(range(3, len(people) + 3)) - remarks["导出"].keys() == {3, 4 + PART, len(people) + 2}


async def test_rows_of_the_exempt_are_passed_over_and_nobody_is_asked_of_them(
    database: Database, class_: Any
) -> None:
    batch_id, gao, _people = class_

    def play(session: Session) -> Preview:
        programme.joins(
            session, batch_id, "邵欣荣", staff_no="CH060099", state=RegistrationState.EXEMPT
        )
        free = Studied("CH060099", "邵欣荣", HOME, "13900003333")
        nobody = Studied("CH060100", "外县人", HOME, "13900004444")
        table = exports.orchid([LIN, free, nobody])
        return dropped(session, gao, batch_id, table)

    seen = await database.write(play)
    # Each stands on both sheets of the file.
    assert (seen.counts[RowState.EXEMPT], seen.counts[RowState.UNKNOWN]) == (2, 2)
    assert seen.problems == 2, "only who is nobody of the class"
