"""``python -m tests.soak.competition``: a year's competition of the sample county, by phone.

The sample county's KT2027 from September to May, through the product as it is and the sandbox: 120
entries of six tracks, 18 judges and experts on paper, five rounds. Nobody calls an operation:
people tap, type and send files (``tests.soak.season``). Afterwards everything is computed once
more from what people did (``tests.soak.competition_proof``).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from sqlmodel import Session, col

from bot.sandbox.stage import load_county, people_the
from storage import migrations
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState
from tests.soak.competition_proof import KINDS, Owed, Proof
from tests.soak.phones import World
from tests.soak.season import SIZES, Season
from tests.soak.year import Unpaced
from tests.stage import stage_on

FIRST = date(2026, 9, 7)
FAULTY = ("sendMessage", "editMessageText", "answerCallbackQuery", "sendDocument")


def alone(session: Session) -> None:
    """Let the county's other deadlines rest, so that a look at the competition takes less time."""
    session.exec(
        sa.update(Deadline)
        .where(col(Deadline.kind).not_in(KINDS))
        .values(state=DeadlineState.CANCELLED)
    )


async def run(seed: int, faults: float, console: Console, tracks: int, is_alone: bool) -> int:
    """Live the season and prove it; returns the number of things that are wrong."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'season.sqlite3'}"
        migrations.upgrade(url)
        database = Database(url)
        try:
            start = datetime.combine(FIRST, datetime.min.time(), UTC)
            async with stage_on(database, start, founded=True) as stage:
                stage.office.delivery._pacer = Unpaced(1000)
                people_the(stage.world)
                await load_county(database, stage.world, stage.clock, console)
                if is_alone:
                    await database.write(alone)
                for method in FAULTY if faults else ():
                    stage.world.faults.add(method, times=None, share=faults)
                if faults:
                    logging.disable(logging.ERROR)  # each call that fails has a line of its own
                world = World(stage, faults=bool(faults))
                owed = Owed()
                world.before_sweep.append(owed.note)
                season = Season(world, console, random.Random(seed), tracks)
                await season.lives()
                proof = Proof(season, owed)
                await database.read(proof.all)
        finally:
            database.close()
    console.print(f"played: {dict(season.figures)}")
    console.print(f"by phone: {dict(world.counts)}")
    console.print(f"looked at: {dict(sorted(proof.looked.items()))}")
    for line in proof.wrong[:60]:
        console.print(f"[red]wrong:[/] {line}")
    console.print(
        f"{len(proof.wrong)} wrong; the season took {time.monotonic() - began:.0f} s of this one"
    )
    return len(proof.wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--tracks", type=int, default=len(SIZES), help="so many tracks")
    parser.add_argument(
        "--alone", action="store_true", help="without the county's other reminders, for a look"
    )
    given = parser.parse_args()
    wrong = asyncio.run(run(given.seed, given.faults, Console(), given.tracks, given.alone))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
