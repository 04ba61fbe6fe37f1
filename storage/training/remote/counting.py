"""How much of a class's remote work somebody has done: a pure function of what counts.

Each item counts by its weight, up to what is required of it and no further; learned is who has
reached everything mandatory (domain, model 2.10: any —all mandatory items ≥ required→ learned).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlmodel import Session, col, select

from storage.training.remote.tables import Measure, ProgressItem, RemotePlan


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
    def _weighed(self) -> tuple[tuple[int, float, float], ...]:
        return tuple((item.id, item.required, item.weight) for item in self.items)

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
