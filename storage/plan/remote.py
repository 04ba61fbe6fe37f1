"""How programmes of a plan are studied remotely: platforms, and what counts.

What counts is known by its title within the class, so what people have done of it stays when a
file says something new about it; what somebody has added by hand stays too.
"""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from storage.plan.form import RemotePart
from storage.plan.load import Load, Run
from storage.plan.reading import ends, starts
from storage.plan.rows import Values
from storage.training.remote import counting
from storage.training.remote.tables import Platform, ProgressItem, RemotePlan


def keep_remote(load: Load, owners: dict[str, int]) -> set[int]:
    """Keep the remote plans; the ids of the classes that have something new."""
    touched = set()
    for run in load.runs:
        part = run.part.remote
        if part is None:
            continue
        before = load.new.total(), load.changed.total()
        platform_id = None
        if part.platform is not None:
            row = {"owner_unit_id": owners[run.programme.code], **part.platform.model_dump()}
            key = ["owner_unit_id", "name"]
            found = load.keep("platform", Platform, key, [row]).ids
            platform_id = found[row["owner_unit_id"], row["name"]]
        row = _plan(load, run, part) | {"platform_id": platform_id}
        load.keep("remote plan", RemotePlan, ["batch_id"], [row], among={"batch_id": [run.id]})
        _items(load, run.id, part)
        if (load.new.total(), load.changed.total()) != before:
            counting.follow(load.session, run.id)
            touched.add(run.id)
    return touched


def _plan(load: Load, run: Run, part: RemotePart) -> Values:
    return {
        "batch_id": run.id,
        "minutes_a_day": part.minutes_a_day,
        "participation_target": part.targets.participation_rate,
        "pass_target": part.targets.pass_rate,
        "makeup_from": part.makeup and starts(part.makeup.start, load.zone),
        "makeup_until": part.makeup and ends(part.makeup.end, load.zone),
        "has_bulletin": part.bulletin,
    }


def _items(load: Load, batch_id: int, part: RemotePart) -> None:
    there = _there(load.session, batch_id)
    last = max((item.position for item in there.values()), default=0)
    for each in part.items:
        values: dict[str, Any] = each.model_dump(exclude={"due"})
        values["due_at"] = each.due and ends(each.due, load.zone)
        row = there.get(each.title)
        if row is None:
            last += 1
            load.session.add(ProgressItem(batch_id=batch_id, position=last, **values))
            load.new["item"] += 1
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            load.changed["item"] += 1
    load.session.flush()


def _there(session: Session, batch_id: int) -> dict[str, ProgressItem]:
    rows = session.exec(
        select(ProgressItem)
        .where(ProgressItem.batch_id == batch_id)
        .order_by(col(ProgressItem.position))
    ).all()
    return {row.title: row for row in rows}
