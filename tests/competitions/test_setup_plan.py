"""A competition that comes with the office's plan has frozen rules like any other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from storage.competitions import rules
from storage.competitions.tables import EntryRound, Round, RoundState
from storage.database import Database
from storage.plan import PlanError, load_plan, read_plan
from tests.make import NOW
from tests.people.test_plan import PLAN

STAFF = "060012"
COMPETITION = """\
competitions:
  - code: KT2027
    title: 第十二届课堂教学大赛
    kind: classroom
    school_year: 2026-2027
    tracks: [{title: 小学语文, stage: primary, subject: 语文}]
    min_share: 1
    rounds:
      - name: 初赛
        level: teaching_group
        entry_close: 2026-12-04T18:00
        quota: {share: 0.4, min: 1}
        judges: 3
        ties: [median, lot]
        rubric: [{key: aims, title: 教学目标, most: 100}]
"""


def load(session: Session, text: str) -> None:
    load_plan(session, read_plan(text, "plan.yaml"), now=NOW)


async def test_its_rules_are_frozen_and_a_later_file_does_not_change_them(
    database: Database,
) -> None:
    text = PLAN + COMPETITION
    await database.write(load, text)
    await database.write(load, text)
    first = await database.read(lambda s: s.exec(select(Round.id, Round.frozen_hash)).one())
    shown = await database.read(lambda s: rules.rules(s, first[0]))
    assert shown.intact
    assert len(shown.hash) == 64

    with pytest.raises(PlanError, match="the rules of round 1 are published"):
        await database.write(load, text.replace("judges: 3", "judges: 5"))
    await database.write(load, text.replace("2026-12-04T18:00", "2026-12-05T18:00"))
    kept = await database.read(
        lambda s: s.exec(select(col(Round.judges), col(Round.frozen_hash))).one()
    )
    assert tuple(kept) == (3, first[1])


async def test_an_entry_of_the_plan_is_marked_by_the_rubric(database: Database) -> None:
    entry = """\
    entries:
      - teacher: STAFF
        track: 小学语文
        title: 春
        on: 2026-11-01
        rounds: [{state: out, marks: [[80], [MARK]], comments: [清楚]}]
"""
    text = PLAN + COMPETITION + entry.replace("STAFF", STAFF)
    with pytest.raises(PlanError, match=r"marks of 初赛 are as in its rubric"):
        await database.write(load, text.replace("MARK", "101"))
    await database.write(load, text.replace("MARK", "90"))
    await database.write(load, text.replace("MARK", "70"))
    place = await database.read(lambda s: s.exec(select(EntryRound)).one())
    assert (place.state, place.score, place.rank) == (RoundState.OUT, 85, 1)


@pytest.mark.parametrize(("days", "stands"), [(30, None), (10, RoundState.READY)])
async def test_what_is_still_to_come_in_a_plan_is_left_to_be_played(
    sqlite: Database, days: int, stands: RoundState | None
) -> None:
    entry = f"""\
    entries:
      - teacher: {STAFF}
        track: 小学语文
        title: 春
        on: 2026-11-01
        rounds: [{{state: out, marks: [[80]]}}]
"""
    text = (
        PLAN
        + COMPETITION.replace(
            "        judges: 3", "        result_due: 2026-11-12\n        judges: 3"
        )
        + entry
    )
    plan = read_plan(text, "plan.yaml")
    await sqlite.write(lambda s: load_plan(s, plan, now=NOW - timedelta(days=days)))
    found = await sqlite.read(lambda s: s.exec(select(EntryRound.state)).all())
    assert list(found) == ([] if stands is None else [stands])
