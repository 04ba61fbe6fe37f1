"""One teacher's hours out of a ledger of a million lines, beside the bare look-up."""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from storage.credits.balance import balance_of
from tests.bench import county
from tests.bench.lanes import fresh
from tests.bench.table import Report, at_most

LINES_EACH = 20
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)

FILL = """
WITH RECURSIVE line(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM line WHERE n < :lines - 1)
INSERT INTO credit_entry (teacher_id, earned_on, level, category, mode, hours, title,
    source_kind, source_id, rule, rule_version, dedupe_group, evidence, state, details)
SELECT 1 + n % :teachers, date('2022-09-01', (n * 37 % 1500) || ' days'),
    CASE n % 3 WHEN 0 THEN 'county' WHEN 1 THEN 'city' ELSE 'school' END, 'post_skill',
    'face_to_face', 40, '培训', 'batch', n, 'programme_completed', '1', '', '', 'posted', '{}'
FROM line
"""
BARE = """
SELECT level, category, earned_on, hours FROM credit_entry
WHERE teacher_id = ? AND earned_on BETWEEN '2021-09-01' AND '2026-12-31' AND state = 'posted'
"""


async def measure(report: Report, *, quick: bool) -> None:
    """The whole balance with its reasons, at the size of a county and at a tiny one."""
    runs, lines, looks = (2, 200_000, 100) if quick else (5, 1_000_000, 200)
    with tempfile.TemporaryDirectory(prefix="qinglan-bench-") as name:
        folder = Path(name)
        ours, bare = await _measured(folder, "large", lines, runs, looks)
        small, _ = await _measured(folder, "small", 2_000, runs, looks)
    report.compared(
        f"one teacher's hours of {lines:,} lines, p99 ms; bare query", ours, bare, "", at_most(2)
    )
    report.compared(
        f"one teacher's hours of {lines:,} lines, p99 ms; of 2,000 lines",
        ours,
        small,
        "",
        at_most(2),
    )


async def _measured(
    folder: Path, name: str, lines: int, runs: int, looks: int
) -> tuple[list[float], list[float]]:
    teachers = lines // LINES_EACH
    ours: list[float] = []
    bare: list[float] = []
    async with fresh(folder, name) as database:
        await database.write(county.people, teachers)
        connection = sqlite3.connect(folder / f"{name}.sqlite3", check_same_thread=False)
        connection.execute(FILL, {"lines": lines, "teachers": teachers})
        connection.commit()

        def looked(session: Session) -> None:
            some = [random.randint(1, teachers) for _ in range(looks)]
            for who in random.sample(["ours", "bare"], 2):
                if who == "ours":
                    ours.append(_p99(some, lambda one: balance_of(session, one, now=NOW)))
                else:
                    bare.append(_p99(some, lambda one: connection.execute(BARE, (one,)).fetchall()))

        for _ in range(runs + 1):  # the first one fills the caches
            await database.read(looked)
        connection.close()
    return ours[1:], bare[1:]


def _p99(people: list[int], look: Callable[[int], object]) -> float:
    took = []
    for person in people:
        began = time.perf_counter()
        look(person)
        took.append(1000 * (time.perf_counter() - began))
    return statistics.quantiles(took, n=100)[98]
