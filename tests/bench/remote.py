"""Remote training at the size of a city: 74,000 people, a table of 100,000 rows a week."""

from __future__ import annotations

import asyncio
import csv
import io
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import sheets
from storage.database import Database
from storage.messaging import deadlines, sweeping
from storage.messaging.tables import Deadline, DeadlineStep, Level, OutboxMessage, Reminder
from storage.people import imports
from storage.people.tables import Teacher
from storage.training.remote import importing, mapping, reading
from storage.training.remote.tables import Measure, Platform, ProgressItem, RemotePlan
from storage.training.tables import Batch, Mode, Programme
from tests.bench import county
from tests.bench.lanes import fresh
from tests.bench.roster import coordinator
from tests.bench.table import Report, at_least, at_most

PEOPLE = 74_000
ROWS = 100_000
WEEKS = 3
ITEMS = (
    ("watch_minutes", "视频学习", Measure.MINUTES, 900, 0.4),
    ("homework", "作业", Measure.TIMES, 2, 0.3),
    ("forum", "论坛发帖", Measure.TIMES, 4, 0.15),
    ("school_seminar", "校本研修", Measure.TIMES, 1, 0.15),
)
HEAD = ("工号", "姓名", "单位", "学习时长(分钟)", "作业", "发帖", "校本研修", "总成绩", "最近学习")


def remote_class(session: Session, people: int) -> int:
    """A class on a platform, of everybody."""
    batch_id = county.open_batch(session, people)
    batch = session.get_one(Batch, batch_id)
    programme = session.get_one(Programme, batch.programme_id)
    programme.mode = Mode.REMOTE
    batch.starts_at, batch.ends_at = (datetime.now(UTC) + timedelta(days=n) for n in (-30, 30))
    platform = Platform(name="兰台研修网", owner_unit_id=programme.owner_unit_id)
    session.add(platform)
    session.flush()
    session.add(RemotePlan(batch_id=batch_id, platform_id=platform.id))
    for position, (kind, title, measure, required, weight) in enumerate(ITEMS):
        session.add(
            ProgressItem(
                batch_id=batch_id,
                position=position,
                kind=kind,
                title=title,
                measure=measure,
                required=required,
                weight=weight,
            )
        )
    session.flush()
    county.all_take_part(session, batch_id, people)
    deadlines.set_deadline(session, "remote_behind", batch_id, batch.ends_at, now=datetime.now(UTC))
    return batch_id


def table(session: Session, week: int) -> bytes:
    """What the platform exports in a week: our people, and those of the next county."""
    made = io.StringIO()
    rows = csv.writer(made)
    rows.writerow(HEAD)
    people = session.exec(select(Teacher.staff_no, Teacher.name)).all()
    studied = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    for n, (staff_no, name) in enumerate(people):
        minutes = min(1200, (n * 37) % 4000 / 10 + 150 * week)
        work = (n + week) % 4, (n * 3 + week) % 6, n % 2
        rows.writerow([staff_no, name, "", minutes, *work, n % 101, studied])
    for n in range(ROWS - len(people)):
        rows.writerow([f"X{n:06}", f"邻县{n}", "邻县小学", n % 900, 1, 1, 0, "", ""])
    return made.getvalue().encode()


@dataclass
class Took:
    """Seconds that something took: by the wall, and of the processor.

    Other programs of the machine make the wall's longer, and these not.
    """

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @contextmanager
    def once_more(self) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)


async def measure(report: Report, *, quick: bool) -> None:
    """Rows a second from the file that is read to the figures that hold; memory over weeks.

    And after each week's table, whoever is behind is told so.
    """
    weeks = 2 if quick else WEEKS
    read, looked, applied, nudged = Took(), Took(), Took(), Took()
    memory: list[float] = []
    behind: list[float] = []
    with tempfile.TemporaryDirectory(prefix="qinglan-bench-") as folder:
        async with fresh(Path(folder)) as database:
            await database.write(county.people, PEOPLE)
            actor_id = await database.write(coordinator)
            batch_id = await database.write(remote_class, PEOPLE)
            for week in range(weeks):
                content = await database.read(table, week)
                with read.once_more():
                    book = await asyncio.to_thread(sheets.read, content, f"{week}.csv")
                job_id = await _aimed(database, actor_id, batch_id, content, book)
                now = datetime.now(UTC)
                with looked.once_more():
                    seen = await database.read(importing.look, actor_id, job_id, book, now=now)
                    await database.write(importing.keep, actor_id, job_id, seen, now=now)
                with applied.once_more():
                    done = await database.write(importing.apply, actor_id, job_id, now=now)
                assert done.matched == PEOPLE
                await database.write(nudge_is_due, now)
                with nudged.once_more():
                    behind.append(await _nudge(database, now))
                memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    what = f"progress of {ROWS:,} rows, {PEOPLE:,} people"
    report.alone(f"{what}: read, rows/s", [ROWS / each for each in read.wall], "", None)
    report.alone(f"{what}: compared, s", looked.wall, "", None)
    report.alone(f"{what}: applied, s", applied.wall, "", at_most(5))
    both = {
        "": zip(looked.wall, applied.wall, strict=True),
        " of processor time": zip(looked.processor, applied.processor, strict=True),
    }
    for clock, seconds in both.items():
        report.alone(
            f"{what}: compared and applied, rows/s{clock}",
            [ROWS / (a + b) for a, b in seconds],
            "",
            at_least(20_000) if clock else None,
        )
    growth = [memory[-1] / memory[0]]
    report.alone(f"{what}: memory of the last week to the first", growth, "", at_most(1.25))
    rate = [number / seconds for number, seconds in zip(behind, nudged.processor, strict=True)]
    report.alone(f"{PEOPLE:,} people: behind, and told so in a week", behind, "", None)
    report.alone(f"{PEOPLE:,} people: the sweep that tells them, s", nudged.wall, "", at_most(5))
    report.alone("people told a second of processor time", rate, "", None)


async def _aimed(
    database: Database, actor_id: int, batch_id: int, content: bytes, book: sheets.Book
) -> int:
    """The import of this file, its class and its columns known."""
    now = datetime.now(UTC)
    job_id = await database.write(
        imports.keep_preview, actor_id, mapping.KIND, book.name, content, now=now
    )
    grids = reading.grids(book)
    form = await database.write(mapping.aim, actor_id, job_id, batch_id, grids, now=now)
    if form is not None:
        await database.write(mapping.confirm, actor_id, job_id, form.form, now=now)
    return job_id


def nudge_is_due(session: Session, now: datetime) -> None:
    """The next step that tells people that they are behind is due, and nothing waits to be sent."""
    for sent in (Reminder, OutboxMessage):
        session.exec(sa.delete(sent))
    step = session.exec(
        select(DeadlineStep)
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(
            Deadline.kind == "remote_behind",
            DeadlineStep.level == Level.TEACHER,
            DeadlineStep.due_at > now,
        )
        .order_by(col(DeadlineStep.due_at))
        .limit(1)
    ).one()
    step.due_at, step.useful_until = now, now + timedelta(days=1)


async def _nudge(database: Database, now: datetime) -> int:
    """Sweep until there is nothing more to do; how many were told."""
    told, more = 0, True
    while more:
        swept = await database.write(sweeping.sweep, now=now)
        told, more = told + swept.reminded, swept.more
    assert told
    return told
