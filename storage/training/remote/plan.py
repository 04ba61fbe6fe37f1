"""How a class studies remotely: what counts, what is required, and at which pace.

A class without a plan is not studied remotely, or nobody has said how. What is changed here
takes effect at once: where people stand is counted anew from the newest figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.messaging import deadlines
from storage.moments import local_day
from storage.people import offices
from storage.people.authority import Act, check_with, may_with
from storage.refusals import NotFound, Refusal
from storage.training import schedule, structure
from storage.training.classes import batch_of
from storage.training.remote import counting
from storage.training.remote.tables import (
    ITEM_KINDS,
    ItemKind,
    Measure,
    Platform,
    Progress,
    ProgressItem,
    RemotePlan,
    StudyClaim,
    TutorUnit,
)
from storage.training.tables import Batch, Mode, Module, Phase

USUAL_MEASURE: Mapping[str, Measure] = {
    "watch_minutes": Measure.MINUTES,
    "homework": Measure.TIMES,
    "forum": Measure.TIMES,
    "seminar": Measure.TIMES,
    "peer_review": Measure.TIMES,
    "exam": Measure.POINTS,
    "other": Measure.TIMES,
}
"""In what each is counted unless somebody says otherwise."""

REMOTE_MODES = frozenset({Mode.REMOTE, Mode.BLENDED, Mode.LIVE})
"""Ways of teaching of which some part is studied remotely."""

MOST_ITEMS = 12
LIMITS: Mapping[str, tuple[float, float]] = {
    "required": (0.5, 100_000),
    "weight": (0.01, 1000),
    "minutes_a_day": (5, 480),
    "start_threshold": (0, 50),
    "grace_days": (0, 30),
    "slack": (0, 60),
    "idle_days": (2, 60),
    "stale_days": (2, 60),
    "participation_target": (0, 1),
    "pass_target": (0, 1),
}
"""The least and the most that a figure may be."""

WHOLE = frozenset({"minutes_a_day", "grace_days", "slack", "idle_days", "stale_days"})


class OutOfRange(Refusal):
    """A figure is less or more than makes sense."""

    def __init__(self, field: str, least: float, most: float) -> None:
        super().__init__(f"{field} from {least} to {most}")
        self.field = field
        self.least = least
        self.most = most


class TooManyItems(Refusal):
    """More would count than a card can show."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} items")
        self.most = most


class NotRising(Refusal):
    """Milestones follow each other by day and by percent."""


class MakeUpTooEarly(Refusal):
    """What was missed is made up after the class, not before its end."""

    def __init__(self, ends_at: datetime) -> None:
        super().__init__(f"the class runs until {ends_at}")
        self.ends_at = ends_at


class MoreThanThere(Refusal):
    """More modules would be required than have something in them that counts."""

    def __init__(self, modules: int) -> None:
        super().__init__(f"there are {modules} modules")
        self.modules = modules


@dataclass(frozen=True)
class Milestone:
    """So much of the work, in percent, is expected by the end of this day."""

    on: date
    percent: float


@dataclass(frozen=True)
class Item:
    """One thing that counts, beside the module that it belongs to."""

    item_id: int
    position: int
    kind: str
    title: str
    measure: Measure
    required: float
    weight: float
    mandatory: bool
    module_id: int | None
    module: str
    due_at: datetime | None


@dataclass(frozen=True)
class Settings:
    """How a class studies remotely; ``has_plan`` False shows what would be usual."""

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    has_plan: bool
    may_change: bool
    platform_id: int | None
    platform: str
    url: str
    guide: str
    modules: tuple[tuple[int, str], ...]  # id and title
    required_modules: int | None
    minutes_a_day: int | None
    milestones: tuple[Milestone, ...]
    start_threshold: float
    grace_days: int
    slack: int
    idle_days: int
    stale_days: int
    participation_target: float | None
    pass_target: float | None
    makeup_from: datetime | None
    makeup_until: datetime | None
    has_bulletin: bool
    items: tuple[Item, ...]
    schools_with_tutor: int
    has_figures: bool
    """Whether an import has said anything yet."""
    about: str
    """What the programme says of itself."""


# --- reading -----------------------------------------------------------------------------------


def settings(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Settings:
    """Return how the class studies remotely, for who may see it. Raises NotFound, NotAllowed."""
    today = offices.today(session, now)
    check_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=today)
    may_change = may_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    batch, programme = batch_of(session, batch_id)
    row = of_batch(session, batch_id)
    one = row or RemotePlan(batch_id=batch_id)
    platform = session.exec(select(Platform).where(Platform.id == one.platform_id)).first()
    with_tutor = session.exec(select(func.count()).where(TutorUnit.batch_id == batch_id)).one()
    figures = session.exec(select(Progress.id).where(Progress.batch_id == batch_id).limit(1))
    return Settings(
        batch_id=batch_id,
        title=programme.title,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        has_plan=row is not None,
        may_change=may_change,
        platform_id=one.platform_id,
        platform=platform.name if platform else "",
        url=platform.url if platform else "",
        guide=platform.guide if platform else "",
        modules=modules_of(session, batch_id),
        required_modules=one.required_modules,
        minutes_a_day=one.minutes_a_day,
        milestones=milestones_of(one),
        start_threshold=one.start_threshold,
        grace_days=one.grace_days,
        slack=one.slack,
        idle_days=one.idle_days,
        stale_days=one.stale_days,
        participation_target=one.participation_target,
        pass_target=one.pass_target,
        makeup_from=one.makeup_from,
        makeup_until=one.makeup_until,
        has_bulletin=one.has_bulletin,
        items=items_of(session, batch_id),
        schools_with_tutor=with_tutor,
        has_figures=figures.first() is not None,
        about=programme.about,
    )


def of_batch(session: Session, batch_id: int) -> RemotePlan | None:
    """Return the plan of the class, if it has one."""
    return session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).first()


def made(session: Session, batch_id: int, *, now: datetime) -> RemotePlan:
    """Return the plan of the class, which gets one, and the deadlines of it, if it had none."""
    row = of_batch(session, batch_id)
    if row is None:
        row = RemotePlan(batch_id=batch_id)
        session.add(row)
        session.flush()
        schedule.plan_deadlines(session, batch_id, now=now)
    return row


def milestones_of(plan: RemotePlan) -> tuple[Milestone, ...]:
    """Return its milestones, the first one first."""
    return tuple(
        Milestone(date.fromisoformat(each["on"]), float(each["percent"]))
        for each in sorted(plan.milestones, key=lambda each: str(each["on"]))
    )


def items_of(session: Session, batch_id: int) -> tuple[Item, ...]:
    """Return what counts in the class, in its order."""
    rows = session.exec(
        select(ProgressItem, Module.title)
        .outerjoin(Module, col(Module.id) == col(ProgressItem.module_id))
        .where(ProgressItem.batch_id == batch_id)
        .order_by(col(ProgressItem.position))
    ).all()
    return tuple(
        Item(
            item_id=row.id,
            position=row.position,
            kind=row.kind,
            title=row.title,
            measure=row.measure,
            required=row.required,
            weight=row.weight,
            mandatory=row.mandatory,
            module_id=row.module_id,
            module=module or "",
            due_at=row.due_at,
        )
        for row, module in rows
    )


def modules_of(session: Session, batch_id: int) -> tuple[tuple[int, str], ...]:
    """Return the modules of the class in the order in which they are taught: id and title."""
    rows = session.exec(
        select(Module.id, Module.title)
        .join(Phase, col(Phase.id) == col(Module.phase_id))
        .where(Phase.batch_id == batch_id)
        .order_by(col(Phase.position), col(Module.position))
    ).all()
    return tuple((id_, title) for id_, title in rows)


def make_up_window(session: Session, batch_id: int) -> tuple[date, date] | None:
    """Return from which to which day what was missed can be made up, if that was said."""
    row = of_batch(session, batch_id)
    last = make_up_day(session, batch_id)
    if row is None or last is None or row.makeup_from is None:
        return None
    return local_day(row.makeup_from, offices.zone(session)), last


def make_up_day(session: Session, batch_id: int) -> date | None:
    """Return the last day on which what was missed can be made up, if one was set."""
    row = of_batch(session, batch_id)
    if row is None or row.makeup_until is None:
        return None
    # Midnight ends the day before.
    return local_day(row.makeup_until - timedelta(microseconds=1), offices.zone(session))


def batch_of_item(session: Session, item_id: int) -> int:
    """Return the class of an item. Raises NotFound."""
    return _item(session, item_id).batch_id


# --- setting -----------------------------------------------------------------------------------


_OF_PLAN = frozenset(
    {
        "required_modules",
        "minutes_a_day",
        "milestones",
        "start_threshold",
        "grace_days",
        "slack",
        "idle_days",
        "stale_days",
        "participation_target",
        "pass_target",
        "makeup_from",
        "makeup_until",
        "has_bulletin",
    }
)


_OF_COUNTING = frozenset({"required_modules", "start_threshold"})


def change(
    session: Session, actor_id: int, batch_id: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change what is given of the plan; a class without one gets it.

    ``milestones`` are Milestones. Raises NotAllowed, NotFound, ProgrammeCancelled, OutOfRange,
    MoreThanThere, NotRising, OutsideClass, EndsFirst or MakeUpTooEarly.
    """
    batch, _programme = structure.to_change(session, actor_id, batch_id, now)
    wanted = structure.checked(changes, _OF_PLAN)
    check_figures(wanted)
    row = made(session, batch_id, now=now)
    if (needed := wanted.get("required_modules")) is not None:
        there = len({item.module_id for item in items_of(session, batch_id)} - {None})
        if not 1 <= needed <= there:
            raise MoreThanThere(there)
    if "milestones" in wanted:
        _check_milestones(session, batch, wanted["milestones"])
        wanted["milestones"] = [
            {"on": each.on.isoformat(), "percent": each.percent} for each in wanted["milestones"]
        ]
    if wanted.keys() & {"makeup_from", "makeup_until"}:
        _check_make_up(
            batch,
            wanted.get("makeup_from", row.makeup_from),
            wanted.get("makeup_until", row.makeup_until),
        )
    before = {name: plain(getattr(row, name)) for name in wanted}
    for name, value in wanted.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    after = {name: plain(getattr(row, name)) for name in wanted}
    if before != after:
        schedule.plan_deadlines(session, batch_id, now=now)
        if wanted.keys() & _OF_COUNTING:
            counting.follow(session, batch_id)
        structure.note(
            session,
            actor_id,
            "change_remote_plan",
            f"batch:{batch_id}",
            batch,
            now=now,
            before=before,
            after=after,
        )


def check_figures(wanted: Mapping[str, Any]) -> None:
    """Raise OutOfRange unless each figure makes sense."""
    for field, (least, most) in LIMITS.items():
        value = wanted.get(field)
        if value is None:
            continue
        is_whole = field not in WHOLE or float(value).is_integer()
        if not (least <= value <= most and is_whole):
            raise OutOfRange(field, least, most)


def _check_milestones(session: Session, batch: Batch, wanted: tuple[Milestone, ...]) -> None:
    """Raise unless they rise, by day within the class and by percent."""
    zone = offices.zone(session)
    first, last = local_day(batch.starts_at, zone), local_day(batch.ends_at, zone)
    for each in wanted:
        if not first <= each.on <= last:
            raise structure.OutsideClass(batch.starts_at, batch.ends_at)
        if not 0 < each.percent <= 100:
            raise OutOfRange("percent", 1, 100)
    for one, other in pairwise(wanted):
        if not (one.on < other.on and one.percent < other.percent):
            raise NotRising


def _check_make_up(batch: Batch, begins: datetime | None, ends: datetime | None) -> None:
    if ends is None:
        return
    if begins is not None and ends <= begins:
        raise structure.EndsFirst
    if ends <= batch.ends_at or (begins is not None and begins < batch.ends_at):
        raise MakeUpTooEarly(batch.ends_at)


# --- what counts -------------------------------------------------------------------------------


def add_item(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    kind: ItemKind,
    title: str,
    required: float,
    measure: Measure | None = None,
    weight: float = 1.0,
    mandatory: bool = True,
    module_id: int | None = None,
    due_at: datetime | None = None,
    now: datetime,
) -> int:
    """Let one more thing count; the same one a second time is the one that is there.

    Raises NotAllowed, NotFound, NoTitle, TitleTooLong, OutOfRange, TooManyItems, OutsideClass
    or ProgrammeCancelled.
    """
    batch, _programme = structure.to_change(session, actor_id, batch_id, now)
    title = structure.titled(title)
    if kind not in ITEM_KINDS:
        raise NotFound("item")
    _check_item(session, batch, {"required": required, "weight": weight}, module_id, due_at)
    known = session.exec(
        select(ProgressItem.id).where(
            ProgressItem.batch_id == batch_id,
            ProgressItem.kind == kind,
            ProgressItem.title == title,
        )
    ).first()
    if known is not None:
        return known
    last, number = session.exec(
        select(func.max(ProgressItem.position), func.count()).where(
            ProgressItem.batch_id == batch_id
        )
    ).one()
    if number >= MOST_ITEMS:
        raise TooManyItems(MOST_ITEMS)
    made(session, batch_id, now=now)
    row = ProgressItem(
        batch_id=batch_id,
        position=(last or 0) + 1,
        kind=kind,
        title=title,
        measure=measure or USUAL_MEASURE[kind],
        required=required,
        weight=weight,
        mandatory=mandatory,
        module_id=module_id,
        due_at=due_at,
    )
    session.add(row)
    session.flush()
    schedule.plan_deadlines(session, batch_id, now=now)
    counting.follow(session, batch_id)
    thing, after = f"progress_item:{row.id}", {"title": title, "required": required}
    structure.note(session, actor_id, "add_progress_item", thing, batch, now=now, after=after)
    return row.id


_OF_ITEM = frozenset({"title", "measure", "required", "weight", "mandatory", "module_id", "due_at"})


def change_item(
    session: Session, actor_id: int, item_id: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change what is given of an item. Raises as ``add_item`` does."""
    row = _item(session, item_id)
    batch, _programme = structure.to_change(session, actor_id, row.batch_id, now)
    wanted = structure.checked(changes, _OF_ITEM)
    _check_item(session, batch, wanted, wanted.get("module_id"), wanted.get("due_at"))
    before = {name: plain(getattr(row, name)) for name in wanted}
    for name, value in wanted.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    counting.follow(session, batch.id)
    after = {name: plain(getattr(row, name)) for name in wanted}
    if before != after:
        schedule.plan_deadlines(session, batch.id, now=now)
        thing = f"progress_item:{item_id}"
        structure.note(
            session,
            actor_id,
            "change_progress_item",
            thing,
            batch,
            now=now,
            before=before,
            after=after,
        )


def remove_item(session: Session, actor_id: int, item_id: int, *, now: datetime) -> None:
    """Let it count no longer; what was said about it stays with the person."""
    row = session.exec(select(ProgressItem).where(ProgressItem.id == item_id)).first()
    if row is None:
        return
    batch, _programme = structure.to_change(session, actor_id, row.batch_id, now)
    session.exec(
        sa.update(StudyClaim).where(col(StudyClaim.item_id) == item_id).values(item_id=None)
    )
    before = {"title": row.title, "required": row.required, "weight": row.weight}
    session.delete(row)
    session.flush()
    deadlines.cancel_deadline(session, "item_due", item_id, now=now)
    counting.follow(session, batch.id)
    thing = f"progress_item:{item_id}"
    structure.note(session, actor_id, "remove_progress_item", thing, batch, now=now, before=before)


def _item(session: Session, item_id: int) -> ProgressItem:
    row = session.exec(select(ProgressItem).where(ProgressItem.id == item_id)).first()
    if row is None:
        raise NotFound("item")
    return row


def _check_item(
    session: Session,
    batch: Batch,
    figures: Mapping[str, Any],
    module_id: int | None,
    due_at: datetime | None,
) -> None:
    check_figures(figures)
    structure.check_module(session, module_id, batch.id)
    check_due(batch, due_at)


def check_due(batch: Batch, due_at: datetime | None) -> None:
    """Raise OutsideClass unless it is due while the class runs."""
    if due_at is not None and not batch.starts_at < due_at <= batch.ends_at:
        raise structure.OutsideClass(batch.starts_at, batch.ends_at)


def plain(value: Any) -> Any:
    """A value as the log keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value
