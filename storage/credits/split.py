"""How the hours of a class divide by category and school year: by its modules, to a tenth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.calendar.years import school_year_of
from storage.credits.hours import TENTH, rounded
from storage.moments import local_day
from storage.people import offices
from storage.training.tables import Batch, ClassSession, Module, ModuleKind, Phase, Programme

ETHICS = "ethics"


@dataclass(frozen=True)
class Part:
    """So many hours of one category in one school year; ``mark`` tells it from the others.

    The main part, that of the programme's own category at its end, has no mark.
    """

    mark: str
    category: str
    year: str
    earned_on: date
    hours: Decimal


@dataclass(frozen=True)
class Split:
    """The planned hours in parts; ``by_modules`` is what the modules say themselves.

    Where the modules say more than was planned, the plan holds and they share it in proportion.
    """

    parts: tuple[Part, ...]
    planned: Decimal
    by_modules: Decimal


def split_of(session: Session, batch: Batch, programme: Programme) -> Split:
    """Divide the planned hours of this class: modules with hours of their own, then the rest.

    Modules about ethics count as ethics, the others as the programme's category. A module's
    hours belong to the school year of its last meeting, else of its due date, else of the end
    of its phase.
    """
    zone = offices.zone(session)
    end = local_day(batch.ends_at, zone)
    last = (
        select(func.max(ClassSession.ends_at))
        .where(ClassSession.module_id == Module.id)
        .scalar_subquery()
    )
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Module.kind), col(Module.hours), col(Module.due_at), col(Phase.ends_at), last
        )
        .join(Phase, col(Phase.id) == col(Module.phase_id))
        .where(col(Phase.batch_id) == batch.id, col(Module.hours).is_not(None))
        .order_by(col(Phase.position), col(Module.position))
    ).all()
    days: dict[tuple[str, str], date] = {}
    hours: dict[tuple[str, str], Decimal] = {}

    def add(category: str, day: date, amount: Decimal) -> None:
        key = (category, school_year_of(session, day).code)
        days[key] = max(days.get(key, day), day)
        hours[key] = hours.get(key, Decimal(0)) + amount

    for kind, amount, due_at, phase_end, met in rows:
        moment = met or due_at or phase_end or batch.ends_at
        category = ETHICS if kind is ModuleKind.ETHICS else programme.category
        add(category, min(local_day(moment, zone), end), amount or Decimal(0))
    by_modules = sum(hours.values(), Decimal(0))
    planned = rounded(programme.planned_hours)
    if by_modules < planned or not hours:
        add(programme.category, end, planned - by_modules)
    keys = [key for key in hours if hours[key]] or list(hours)[-1:]
    keys.sort(key=lambda key: (key != (programme.category, _year(session, end)), -hours[key], key))
    amounts = shared(planned, [hours[key] for key in keys])
    parts = [
        Part(f"{category}:{year}", category, year, days[category, year], given)
        for (category, year), given in zip(keys, amounts, strict=True)
    ]
    return Split((replace(parts[0], mark=""), *parts[1:]), planned, by_modules)


def shared(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Share the total by weight, in whole tenths that add up to it exactly."""
    whole = sum(weights, Decimal(0))
    if not whole:
        return [total, *(Decimal(0) for _ in weights[1:])]
    tenths = int(rounded(total) / TENTH)
    exact = [tenths * weight / whole for weight in weights]
    given = [int(share) for share in exact]
    # What rounding down has left over goes to whoever lost most by it.
    by_loss = sorted(range(len(exact)), key=lambda n: (given[n] - exact[n], n))
    for n in by_loss[: tenths - sum(given)]:
        given[n] += 1
    return [share * TENTH for share in given]


def _year(session: Session, day: date) -> str:
    return school_year_of(session, day).code
