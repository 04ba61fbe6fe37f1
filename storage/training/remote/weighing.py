"""What a change of what counts would do, before it is made: whose progress changes, and how.

Nothing is written here but what ``make`` is told to. A class without figures has nobody whose
progress could change.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.moments import local_day
from storage.people.authority import Act, check_with
from storage.people.offices import today as day_of
from storage.refusals import NotFound
from storage.training import structure
from storage.training.remote import counting, folding, pace, plan
from storage.training.remote.counting import Counted
from storage.training.remote.counting import Item as Piece
from storage.training.remote.tables import ITEM_KINDS, Measure, Progress
from storage.training.tables import Registration

LEAST, MOST = 1, 99
"""The least and the greatest share of the work, in percent, that one of several things has."""
COUNTS = frozenset({"required", "weight", "mandatory", "module_id"})
"""What of a thing bears on how far somebody is."""
_NEW = 0


@dataclass(frozen=True)
class Change:
    """A thing added (``item_id`` 0), changed, or removed (``fields`` None)."""

    batch_id: int
    item_id: int
    fields: Mapping[str, Any] | None = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether it can bear on how far anybody is."""
        return self.item_id == _NEW or self.fields is None or bool(self.fields.keys() & COUNTS)

    @property
    def mark(self) -> int:
        """A short mark: another one is another change."""
        return zlib.crc32(json.dumps(self.as_data()).encode())

    def as_data(self) -> dict[str, Any]:
        """Plain JSON, for a draft."""
        fields = self.fields
        return {
            "batch_id": self.batch_id,
            "item_id": self.item_id,
            "fields": None if fields is None else dict(sorted(fields.items())),
        }


@dataclass(frozen=True)
class Effect:
    """What a change would do; ``before`` and ``after`` are shares of the work in percent."""

    title: str
    mandatory: bool
    people: int  # whose progress changes
    behind: int  # who would be behind the pace and is not
    undone: int  # who has done all that is required, and would not have
    before: Mapping[int, int]
    after: Mapping[int, int]  # 0 is the new thing
    titles: Mapping[int, str]


def shares(weights: Mapping[int, float]) -> dict[int, int]:
    """Whole percents that come to a hundred: the largest remainders are rounded up."""
    whole = sum(weights.values())
    if not whole:
        return {}
    exact = {id_: 100 * weight / whole for id_, weight in weights.items()}
    found = {id_: int(share) for id_, share in exact.items()}
    rest = 100 - sum(found.values())
    for id_ in sorted(exact, key=lambda id_: (found[id_] - exact[id_], id_))[:rest]:
        found[id_] += 1
    return found


def weight_of(share: float, others: float) -> float:
    """The weight that makes this share of the work, in percent, beside what others weigh."""
    if not LEAST <= share <= MOST:
        raise plan.OutOfRange("share", LEAST, MOST)
    return share / (100 - share) * others


def set_share(session: Session, change: Change, share: float) -> Change:
    """Let the thing have this share of the work; the others keep their proportion."""
    assert change.fields is not None
    counts = counting.counted(session, change.batch_id)
    others = sum(one.weight for one in counts.weighed if one.id != change.item_id)
    if not others:
        return change
    fields = {**change.fields, "weight": weight_of(share, others)}
    return replace(change, fields=fields)


def usual_weight(session: Session, batch_id: int) -> float:
    """As much as the others weigh on the average."""
    weighed = counting.counted(session, batch_id).weighed
    return sum(one.weight for one in weighed) / len(weighed) if weighed else 1.0


def foresee(session: Session, actor_id: int, change: Change, *, now: datetime) -> Effect:
    """Say what the change would do. Raises NotAllowed, NotFound, OutOfRange, NoTitle or more."""
    batch_id = change.batch_id
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=day_of(session, now))
    if change.fields is not None:
        plan.check_figures(change.fields)
        if "title" in change.fields:
            structure.titled(change.fields["title"])
    before = counting.counted(session, batch_id)
    after = _changed(before, change)
    course = pace.of_class(session, batch_id)
    people = behind = undone = 0
    if course is not None:
        found = session.exec(
            select(Progress.registration_id, Progress.as_of)
            .join(Registration, col(Registration.id) == col(Progress.registration_id))
            .where(
                Progress.batch_id == batch_id,
                col(Registration.state).in_(pace.UNDECIDED),
            )
        ).all()
        studying = dict(found)
        least = {
            as_of: course.pace.expected(local_day(as_of, course.pace.calendar.zone))
            - course.pace.slack
            for as_of in set(studying.values())
        }
        for id_, stand in folding.stands_of(session, batch_id).items():
            if id_ not in studying:
                continue
            was, will = before.percent(stand.figures), after.percent(stand.figures)
            had, has = before.is_learned(stand.figures), after.is_learned(stand.figures)
            floor = least[studying[id_]]
            people += was != will or had != has
            behind += not has and will < floor and (had or was >= floor)
            undone += had and not has
    titles = {one.id: one.title for one in (*before.items, *after.items)}
    thing = next(one for one in (*after.items, *before.items) if one.id == change.item_id)
    return Effect(
        thing.title,
        thing.mandatory,
        people,
        behind,
        undone,
        shares({one.id: one.weight for one in before.weighed}),
        shares({one.id: one.weight for one in after.weighed}),
        titles,
    )


def _changed(counts: Counted, change: Change) -> Counted:
    fields = change.fields
    if change.item_id == _NEW:
        assert fields is not None
        kind = fields["kind"]
        measure = Measure(fields.get("measure") or plan.USUAL_MEASURE[kind])
        new = Piece(
            _NEW,
            kind,
            fields["title"],
            measure,
            fields["required"],
            fields["weight"],
            fields.get("mandatory", True),
        )
        return replace(counts, items=(*counts.items, new))
    if not any(one.id == change.item_id for one in counts.items):
        raise NotFound("item")
    if fields is None:
        left = tuple(one for one in counts.items if one.id != change.item_id)
        return replace(counts, items=left)
    wanted = {name: value for name, value in fields.items() if name in COUNTS}
    items = tuple(
        replace(one, **wanted) if one.id == change.item_id else one for one in counts.items
    )
    return replace(counts, items=items)


def make(session: Session, actor_id: int, change: Change, *, now: datetime) -> int:
    """Make the change; the id of the thing. Raises as the operations of ``plan`` do."""
    fields = change.fields
    if fields is None:
        plan.remove_item(session, actor_id, change.item_id, now=now)
        return 0
    fields = dict(fields)
    if fields.get("measure"):
        fields["measure"] = Measure(fields["measure"])
    if change.item_id == _NEW:
        said = fields.pop("kind", "")
        kind = next((one for one in ITEM_KINDS if one == said), None)
        if kind is None:
            raise NotFound("item")
        return plan.add_item(session, actor_id, change.batch_id, kind=kind, **fields, now=now)
    plan.change_item(session, actor_id, change.item_id, fields, now=now)
    return change.item_id


def has_figures(session: Session, batch_id: int) -> bool:
    """Whether anything has been reported, so that a change could bear on somebody."""
    found = sa.exists().where(col(Progress.batch_id) == batch_id)
    return bool(session.exec(select(found)).one())
