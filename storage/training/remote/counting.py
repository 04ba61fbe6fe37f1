"""How much of a class's remote work somebody has done: a pure function of what counts.

Each mandatory item counts by its weight, up to what is required of it and no further; what is
optional does not, unless all of it is. Learned is who has reached everything mandatory (domain,
model 2.10: any —all mandatory items ≥ required→ learned).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage.training.remote.tables import Measure, Progress, ProgressItem, RemotePlan


@dataclass(frozen=True)
class Item:
    """One thing that is counted."""

    id: int
    kind: str
    title: str
    measure: Measure
    required: float
    weight: float = 1.0
    mandatory: bool = True
    module_id: int | None = None


@dataclass(frozen=True)
class Counted:
    """What a class counts: its items, and how many of its modules are enough."""

    items: tuple[Item, ...]
    required_modules: int | None = None
    """So many modules; None is every mandatory item, in whichever module."""
    start_threshold: float = 0
    """More than this share of the work, in percent, is a beginning."""
    platform_id: int | None = None

    @property
    def digest(self) -> str:
        """Differs when any of what is reckoned with does."""
        return repr((self.items, self.required_modules, self.start_threshold))

    @cached_property
    def weighed(self) -> tuple[Item, ...]:
        """What the percent is reckoned from: what is mandatory, or all where nothing is."""
        return tuple(item for item in self.items if item.mandatory) or self.items

    @cached_property
    def _weighed(self) -> tuple[tuple[int, float, float], ...]:
        return tuple((item.id, item.required, item.weight) for item in self.weighed)

    @cached_property
    def _mandatory(self) -> tuple[tuple[int, float], ...]:
        return tuple((item.id, item.required) for item in self.items if item.mandatory)

    def percent(self, figures: Mapping[int, float]) -> float:
        """The share of the work that is done, weighted, from 0 to 100."""
        done = of = 0.0
        for id_, required, weight in self._weighed:
            of += weight
            figure = figures.get(id_)
            if figure:
                done += weight if figure >= required else weight * (max(figure, 0) / required)
        # Nobody is brought to a hundred by rounding.
        return min(round(100 * done / of, 2), 100.0 if done >= of else 99.99) if of else 0.0

    def is_learned(self, figures: Mapping[int, float]) -> bool:
        """Whether everything that is required is done."""
        if not self.items:
            return False
        if self.required_modules is None:
            return all(figures.get(id_, 0) >= required for id_, required in self._mandatory)
        done: dict[int, bool] = defaultdict(lambda: True)
        for item in self.items:
            is_reached = figures.get(item.id, 0) >= item.required
            if item.module_id is not None:
                done[item.module_id] &= is_reached or not item.mandatory
            elif item.mandatory and not is_reached:
                return False
        return sum(done.values()) >= self.required_modules

    def is_started(self, percent: float) -> bool:
        """Whether this share of the work is a beginning."""
        return percent > self.start_threshold


def counted(session: Session, batch_id: int) -> Counted:
    """Return what the class counts; a class without a plan has no platform."""
    plan = session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).first()
    rows: Sequence[ProgressItem] = session.exec(
        select(ProgressItem)
        .where(ProgressItem.batch_id == batch_id)
        .order_by(col(ProgressItem.position))
    ).all()
    items = tuple(
        Item(
            row.id,
            row.kind,
            row.title,
            row.measure,
            row.required,
            row.weight,
            row.mandatory,
            row.module_id,
        )
        for row in rows
    )
    if plan is None:
        return Counted(items)
    return Counted(items, plan.required_modules, plan.start_threshold, plan.platform_id)


def follow(session: Session, batch_id: int) -> None:
    """Let what is required, and how far everybody is, follow from what counts now.

    No more modules are required than have something in them that counts. The newest figures of
    each person are counted anew in one statement, so that nobody's standing waits for the next
    import; what an earlier import said stays as it was. Called by whoever changes what counts,
    who holds the lock of the class.
    """
    there = func.count(sa.distinct(col(ProgressItem.module_id)))
    left = session.exec(select(there).where(ProgressItem.batch_id == batch_id)).one()
    session.exec(
        sa.update(RemotePlan)
        .where(col(RemotePlan.batch_id) == batch_id, col(RemotePlan.required_modules) > left)
        .values(required_modules=left or None)
    )
    session.flush()
    counts = counted(session, batch_id)
    percent = _percent(session, counts)
    table = SQLModel.metadata.tables["progress"]
    session.connection().execute(
        sa.update(table)
        .where(table.c.batch_id == batch_id)
        .values(
            percent=percent,
            is_started=percent > counts.start_threshold,
            is_learned=_is_learned(counts),
        )
    )
    session.expire_all()


def _figure(item: Item) -> Any:
    return func.coalesce(col(Progress.figures)[str(item.id)].as_float(), 0.0)


def _is_reached(item: Item) -> Any:
    return _figure(item) >= item.required


def _percent(session: Session, counts: Counted) -> Any:
    """Say in SQL what ``Counted.percent`` says."""
    done: Any = sa.literal(0.0, sa.Float())
    of = 0.0
    for item in counts.weighed:
        weight = sa.literal(item.weight, sa.Float())
        figure = _figure(item)
        of += item.weight
        done += sa.case(
            (_is_reached(item), weight), (figure > 0, weight * figure / item.required), else_=0.0
        )
    if not of:
        return sa.literal(0.0, sa.Float())
    share = 100 * done / of
    if session.get_bind().dialect.name != "sqlite":
        share = sa.cast(share, sa.Numeric())
    rounded = sa.cast(func.round(share, 2), sa.Float())
    whole = sa.and_(*(_is_reached(item) for item in counts.weighed))
    return sa.case((whole, 100.0), (rounded > 99.99, 99.99), else_=rounded)


def _is_learned(counts: Counted) -> Any:
    """Say in SQL what ``Counted.is_learned`` says."""
    if not counts.items:
        return sa.false()
    if counts.required_modules is None:
        return sa.and_(sa.true(), *(_is_reached(item) for item in counts.items if item.mandatory))
    outside = [item for item in counts.items if item.module_id is None and item.mandatory]
    modules: dict[int, list[Any]] = defaultdict(list)
    for item in counts.items:
        if item.module_id is not None:
            modules[item.module_id] += [_is_reached(item)] if item.mandatory else []
    done: Any = sa.literal(0)
    for reached in modules.values():
        done += sa.case((sa.and_(sa.true(), *reached), 1), else_=0)
    return sa.and_(done >= counts.required_modules, *(_is_reached(item) for item in outside))
