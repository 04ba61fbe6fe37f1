"""What counts is changed while people study: where they stand follows at once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage.database import Database
from storage.training import structure
from storage.training.remote import counting, plan
from storage.training.remote.pace import Standing, of_class, of_registration
from storage.training.remote.tables import Progress, ProgressItem, ProgressSnapshot, RemotePlan
from storage.training.tables import ModuleKind, PhaseKind
from tests.make import NOW
from tests.training import desk
from tests.training.remote import programme, studying

FIGURES = {"视频学习": 900.0, "作业": 1.0, "论坛发帖": 4.0}  # 0.4 + 0.15 + 0.15 of 1.0


def studied(session: Session) -> tuple[int, int, dict[str, int]]:
    """Who runs it, somebody who has done these figures by an import, and the items by title."""
    actor = desk.county_coordinator(session)
    batch_id = programme.remote(session)
    found = session.exec(select(ProgressItem).where(ProgressItem.batch_id == batch_id)).all()
    items = {item.title: item.id for item in found}
    who = programme.joins(session, batch_id, "林若溪")
    import_id = studying.reported(session, batch_id, NOW)
    figures = {str(items[title]): figure for title, figure in FIGURES.items()}
    studying.has(session, who, import_id, 70, figures=figures)
    session.add(
        ProgressSnapshot(
            registration_id=who, import_id=import_id, figures=figures, percent=70, is_learned=False
        )
    )
    session.flush()
    return actor, who, items


def stands(session: Session, who: int) -> tuple[float, bool, bool]:
    row = session.exec(select(Progress).where(Progress.registration_id == who)).one()
    return row.percent, row.is_started, row.is_learned


@pytest.mark.parametrize(
    ("title", "changes", "found"),
    [
        ("作业", {"required": 1.0}, (85.0, True, False)),
        ("作业", {"weight": 0.8}, (63.33, True, False)),
        ("作业", {"mandatory": False}, (78.57, True, False)),
        ("视频学习", {"required": 1800.0}, (50.0, True, False)),
        ("论坛发帖", {"title": "研讨发帖"}, (70.0, True, False)),
    ],
)
async def test_a_changed_item_is_counted_anew_at_once(
    database: Database, title: str, changes: dict[str, Any], found: tuple[float, bool, bool]
) -> None:
    def work(session: Session) -> tuple[float, bool, bool]:
        actor, who, items = studied(session)
        plan.change_item(session, actor, items[title], changes, now=NOW)
        return stands(session, who)

    assert await database.write(work) == found


async def test_what_is_taken_away_or_added_is_counted_anew_and_history_stays(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        actor, who, items = studied(session)
        batch_id = plan.batch_of_item(session, items["作业"])
        plan.remove_item(session, actor, items["作业"], now=NOW)
        plan.remove_item(session, actor, items["校本研修"], now=NOW)
        assert stands(session, who) == (100.0, True, True)
        course = of_class(session, batch_id)
        assert course is not None
        assert of_registration(session, course, who, now=NOW) is Standing.LEARNED
        plan.add_item(session, actor, batch_id, kind="exam", title="测试", required=60, now=NOW)
        assert stands(session, who) == (35.48, True, False)
        plan.change(session, actor, batch_id, {"start_threshold": 40.0}, now=NOW)
        assert stands(session, who) == (35.48, False, False)
        assert session.exec(select(ProgressSnapshot.percent)).one() == 70

    await database.write(work)


async def test_with_a_module_goes_what_is_required_of_it(database: Database) -> None:
    def work(session: Session) -> None:
        actor, who, items = studied(session)
        batch_id = plan.batch_of_item(session, items["作业"])
        phase = structure.add_phase(
            session, actor, batch_id, kind=PhaseKind.ONLINE, title="网络研修", now=NOW
        )
        for title in items:
            module = structure.add_module(
                session, actor, phase, kind=ModuleKind.VIDEO_QA, title=title, now=NOW
            )
            plan.change_item(session, actor, items[title], {"module_id": module}, now=NOW)
        plan.change(session, actor, batch_id, {"required_modules": 3}, now=NOW)
        assert stands(session, who) == (70.0, True, False)
        plan.change(session, actor, batch_id, {"required_modules": 2}, now=NOW)
        assert stands(session, who) == (70.0, True, True)
        structure.remove_phase(session, actor, phase, now=NOW)
        assert session.exec(select(RemotePlan.required_modules)).one() is None
        assert stands(session, who) == (70.0, True, False)

    await database.write(work)


async def test_the_database_counts_as_the_rule_does(database: Database) -> None:
    """Two hundred people with any figures, under four ways of counting."""
    dice = random.Random(7)

    def work(session: Session) -> None:
        actor = desk.county_coordinator(session)
        batch_id = programme.remote(session)
        phase = structure.add_phase(
            session, actor, batch_id, kind=PhaseKind.ONLINE, title="网络研修", now=NOW
        )
        modules = [
            structure.add_module(
                session, actor, phase, kind=ModuleKind.VIDEO_QA, title=f"专题{n}", now=NOW
            )
            for n in range(2)
        ]
        items = session.exec(
            select(ProgressItem)
            .where(ProgressItem.batch_id == batch_id)
            .order_by(col(ProgressItem.position))
        ).all()
        ids = [item.id for item in items]
        required = {item.id: item.required for item in items}
        import_id = studying.reported(session, batch_id, NOW)
        known = {}
        for number in range(200):
            who = programme.joins(session, batch_id, f"老师{number}")
            known[who] = {
                id_: round(required[id_] * dice.choice([0, 0.3, 0.999, 1, 1, 1, 1.5]), 1)
                for id_ in ids
                if dice.random() < 0.9
            }
            figures = {str(id_): figure for id_, figure in known[who].items()}
            studying.has(session, who, import_id, 0, figures=figures)
        for of_modules, needed, threshold in (
            ([None] * 4, None, 0.0),
            ([modules[0], modules[0], modules[1], None], 1, 5.0),
            ([modules[0], modules[1], modules[1], modules[1]], 2, 50.0),
            ([modules[0], None, None, None], None, 0.0),
        ):
            for item_id, module_id in zip(ids, of_modules, strict=True):
                changes = {
                    "module_id": module_id,
                    "mandatory": dice.random() < 0.7,
                    "weight": dice.choice([0.1, 0.4, 1.0, 7.0]),
                }
                plan.change_item(session, actor, item_id, changes, now=NOW)
            wanted = {"required_modules": needed, "start_threshold": threshold}
            plan.change(session, actor, batch_id, wanted, now=NOW)
            counts = counting.counted(session, batch_id)
            for who, figures_of in known.items():
                percent, is_started, is_learned = stands(session, who)
                assert percent == pytest.approx(counts.percent(figures_of), abs=0.011)
                assert is_started is counts.is_started(percent)
                assert is_learned is counts.is_learned(figures_of), (counts, figures_of)

    await database.write(work)
