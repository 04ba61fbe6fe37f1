"""A roster of ten thousand rows: read, previewed and applied, while others go on tapping."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlmodel import Session, select

from handlers.people.roster import annotated
from handlers.training.registration import register_as
from storage import sheets
from storage.database import Database
from storage.moments import local_day
from storage.people import offices, roles, roster
from storage.people.roster_reading import Roster, read_roster
from storage.people.tables import Office, Role
from tests.bench import county
from tests.bench.lanes import fresh
from tests.bench.table import Report, at_most

ROWS = 10_000
TAPPING = 2_000  # people who register meanwhile
PAUSE = 0.02  # seconds between two taps
HEAD = ("序号", "工号", "姓名", "学校", "学段", "任教学科", "职务", "参加工作时间", "手机", "状态")
SUBJECTS = ("语文", "数学", "英语、道德与法治", "体育", "科学")

T = TypeVar("T")


@dataclass
class Taps:
    """Somebody taps Register every moment; how long each of them waited, in seconds."""

    database: Database
    batch_id: int
    waited: list[float] = field(default_factory=list)

    async def tap_on(self) -> None:
        people = iter(range(1, TAPPING + 1))
        async with asyncio.TaskGroup() as taps:
            for person in people:
                taps.create_task(self._tap(person))
                await asyncio.sleep(PAUSE)

    async def _tap(self, person: int) -> None:
        began = time.perf_counter()
        await self.database.write(register_as, person, self.batch_id, now=datetime.now(UTC))
        self.waited.append(time.perf_counter() - began)


def workbook(rows: int, *, since: int = 0) -> bytes:
    """A roster as an office keeps it, of people whom nobody knows yet."""
    table: list[list[object]] = [list(HEAD)]
    for n in range(since, since + rows):
        hired = f"{1990 + n % 35}.{1 + n % 12}.{1 + n % 28}"
        school = f"第{1 + n % county.SCHOOLS}小学"
        phone = f"111{n:08}"
        duty = "班主任" if n % 3 == 0 else ""
        said = [n + 1, f"N{n:07}", f"新教师{n:05}", school, "小学", SUBJECTS[n % 5]]
        table.append([*said, duty, hired, phone, "在岗"])
    return sheets.write([("花名册", table)])


def coordinator(session: Session) -> int:
    """The first of the people looks after the county."""
    now = datetime.now(UTC)
    today = local_day(now, offices.zone(session))
    top = session.exec(select(Office.unit_id)).one()
    roles.appoint(session, 1, Role.COUNTY_COORDINATOR, top, today=today, now=now)
    return 1


async def measure(report: Report, *, quick: bool) -> None:
    """Seconds from the file to its card, and to the roster; the longest wait of a tap."""
    runs = 1 if quick else 3
    figures: dict[str, list[float]] = {"read": [], "look": [], "back": [], "apply": []}
    waits: dict[str, list[float]] = {"preview": [], "apply": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="qinglan-bench-") as folder:
            async with fresh(Path(folder)) as database:
                await database.write(county.people, TAPPING)
                actor_id = await database.write(coordinator)
                await _run(database, actor_id, figures, waits)
    what = f"a roster of {ROWS:,} rows"
    report.alone(f"{what}: read, s", figures["read"], "", None)
    report.alone(f"{what}: compared and kept, s", figures["look"], "", None)
    report.alone(f"{what}: sent back with remarks, s", figures["back"], "", None)
    ready = [sum(each) for each in zip(figures["read"], figures["look"], strict=True)]
    report.alone(f"{what}: from file to preview, s", ready, "", at_most(5))
    report.alone(f"{what}: applied, s", figures["apply"], "", at_most(5))
    for name, values in waits.items():
        report.alone(
            f"{what}: longest wait of another's tap, {name}, s", values, "", at_most(2), worst=max
        )


async def _run(
    database: Database,
    actor_id: int,
    figures: dict[str, list[float]],
    waits: dict[str, list[float]],
) -> None:
    content = workbook(ROWS)

    async def clocked(name: str, work: Awaitable[T]) -> T:
        began = time.perf_counter()
        result = await work
        figures[name].append(time.perf_counter() - began)
        return result

    taps = Taps(database, await database.write(county.open_batch, TAPPING))
    tapping = asyncio.get_running_loop().create_task(taps.tap_on())
    await asyncio.sleep(0.3)
    now = datetime.now(UTC)
    book = await clocked("read", asyncio.to_thread(sheets.read, content, "花名册.xlsx"))
    read = read_roster(book)
    assert isinstance(read, Roster)

    async def look() -> roster.Preview:
        comparison = await database.read(roster.look, actor_id, read, now=now)
        return await database.write(
            roster.keep_preview, actor_id, "花名册.xlsx", content, comparison, now=now
        )

    preview = await clocked("look", look())
    assert preview.figures.new == ROWS
    await clocked("back", asyncio.to_thread(annotated, book, read, preview.results, "zh_Hans"))
    before = len(taps.waited)
    waits["preview"].append(max(taps.waited))
    applied = await clocked(
        "apply", database.write(roster.apply, actor_id, preview.job_id, read, now=now)
    )
    await asyncio.sleep(0.5)  # those who had been waiting
    waits["apply"].append(max(taps.waited[before:]))
    assert applied.figures.new == ROWS
    assert statistics.median(taps.waited) > 0
    tapping.cancel()
    await asyncio.gather(tapping, return_exceptions=True)
