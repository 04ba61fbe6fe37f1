"""One step of a deadline for 74,000 teachers, beside the two bare statements it comes down to."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.database import Database
from storage.messaging import deadlines, sweeping
from storage.messaging.tables import DeadlineStep
from tests import make
from tests.bench import county
from tests.bench.lanes import fresh
from tests.bench.table import Report, at_most

TEACHERS = 74_000
DUE = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # Monday, 8:30 in Shanghai

# What the sweep must do at the least: a reminder for everybody who owes it, and a brief that
# carries it for everybody who can be reached.
REMIND = """
INSERT INTO reminder (step_id, teacher_id, state)
SELECT :step, r.teacher_id, CASE WHEN a.reachable THEN 'due' ELSE 'unreachable' END
FROM registration r
LEFT JOIN account a ON a.teacher_id = r.teacher_id
WHERE r.batch_id = :batch AND r.state IN ('approved', 'attending')
ON CONFLICT DO NOTHING
"""
QUEUE = """
INSERT INTO outbox_message (kind, teacher_id, account_id, facts, priority, not_before,
    dedupe_key, rings, state, attempts, created_at, fault)
SELECT 'brief', m.teacher_id, a.id, '{}', 40, '2026-11-23 08:40:00.000000',
    'brief:' || m.teacher_id || ':2026-11-23', 1, 'pending', 0, '2026-11-23 00:30:00.000000', ''
FROM reminder m
JOIN account a ON a.teacher_id = m.teacher_id
WHERE m.step_id = :step AND m.state = 'due'
ON CONFLICT DO NOTHING
"""


def _prepare(session: Session, teachers: int) -> tuple[int, int]:
    """Everybody takes part in one remote course; the first step before its end is due."""
    county.people(session, teachers)
    batch_id = make.batch(session, seats=None)
    county.all_take_part(session, batch_id, teachers)
    deadline_id = deadlines.set_deadline(
        session, "remote_end", batch_id, DUE + timedelta(days=14), now=make.NOW, preset="T-7 T-1"
    )
    step_id = session.exec(
        select(DeadlineStep.id)
        .where(DeadlineStep.deadline_id == deadline_id)
        .order_by(col(DeadlineStep.due_at))
        .limit(1)
    ).one()
    session.exec(sa.update(DeadlineStep).where(col(DeadlineStep.id) == step_id).values(due_at=DUE))
    return batch_id, step_id


async def measure(report: Report, *, quick: bool) -> None:
    """The sweep in chunks through the writer, the bare pair, and a sweep with nothing to do."""
    runs, teachers = (2, 20_000) if quick else (5, TEACHERS)
    ours: list[float] = []
    bare: list[float] = []
    idle: list[float] = []
    with tempfile.TemporaryDirectory(prefix="qinglan-bench-") as name:
        folder = Path(name)
        async with fresh(folder, "county") as database:
            batch_id, step_id = await database.write(_prepare, teachers)
        for _ in range(runs):
            for who in random.sample(["ours", "bare"], 2):
                copy = _copied(folder)
                if who == "bare":
                    bare.append(await asyncio.to_thread(_bare, copy, batch_id, step_id, teachers))
                else:
                    seconds, nothing = await _swept(copy, teachers)
                    ours.append(seconds)
                    idle += nothing
    report.compared(
        f"sweep over {teachers:,} teachers, seconds; bare INSERT…SELECT pair",
        ours,
        bare,
        "",
        at_most(1.3),
    )
    report.alone("idle sweep, ms", [statistics.median(idle)], "", at_most(5))


def _copied(folder: Path) -> Path:
    for old in folder.glob("copy.sqlite3*"):
        old.unlink()
    return Path(shutil.copy(folder / "county.sqlite3", folder / "copy.sqlite3"))


async def _swept(path: Path, teachers: int) -> tuple[float, list[float]]:
    database = Database(f"sqlite:///{path}")
    try:
        began = time.perf_counter()
        reminded, more = 0, True
        while more:
            swept = await database.write(sweeping.sweep, now=DUE)
            reminded, more = reminded + swept.reminded, swept.more
        seconds = time.perf_counter() - began
        assert reminded == teachers, reminded
        idle = []
        for _ in range(20):
            began = time.perf_counter()
            await database.write(sweeping.sweep, now=DUE)
            idle.append(1000 * (time.perf_counter() - began))
    finally:
        database.close()
    return seconds, idle


def _bare(path: Path, batch_id: int, step_id: int, teachers: int) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    reminded = connection.execute(REMIND, {"step": step_id, "batch": batch_id}).rowcount
    queued = connection.execute(QUEUE, {"step": step_id}).rowcount
    connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    assert reminded == queued == teachers, (reminded, queued)
    return seconds
