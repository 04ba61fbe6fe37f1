"""What a change of what counts would do, before it is made: whose progress changes, and how.

Nothing is written here but what ``make`` is told to. A class without figures has nobody whose
progress could change. Whoever is asked for more, or by another day, in a class that runs can be
told of it in their next brief.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage.messaging import news
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people import offices
from storage.people.authority import Act, check_with
from storage.people.offices import today as day_of
from storage.refusals import NotFound
from storage.training import structure
from storage.training.classes import batch_of
from storage.training.remote import counting, folding, pace, plan
from storage.training.remote.counting import Counted
from storage.training.remote.counting import Item as Piece
from storage.training.remote.tables import ITEM_KINDS, Measure, Progress, ProgressItem
from storage.training.tables import ProgrammeState, Registration

LEAST, MOST = 1, 99
"""The least and the greatest share of the work, in percent, that one of several things has."""
COUNTS = frozenset({"required", "weight", "mandatory", "module_id"})
"""What of a thing bears on how far somebody is."""
NEWS = "study_asked"
"""The kind of news that something is asked for, or more of it, or by another day."""
_NEW = 0


@dataclass(frozen=True)
class Change:
    """A thing added (``item_id`` 0), changed, or removed (``fields`` None).

    A moment in ``fields`` is written as text, as the draft keeps it.
    """

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
    asked: int = 0  # who still has it to do, where it asks for more or by another day
    measure: Measure = Measure.TIMES
    required: tuple[float, float] = (0, 0)  # before, 0 for what is new, and after
    moves: bool = False  # by when it is due
    due_at: datetime | None = None


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
    batch, programme = batch_of(session, batch_id)
    if change.fields is not None:
        plan.check_figures(change.fields)
        if "title" in change.fields:
            structure.titled(change.fields["title"])
        plan.check_due(batch, _due(change))
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
    former = next((one for one in before.items if one.id == change.item_id), None)
    moves = _moves(session, change)
    runs = programme.state is ProgrammeState.PUBLISHED and batch.starts_at <= now < batch.ends_at
    asks = thing.mandatory and (
        former is None or moves or not former.mandatory or thing.required > former.required
    )
    asked = 0
    if runs and asks and change.fields is not None:
        who = _asked(batch_id, change.item_id, thing.required)
        asked = session.exec(select(func.count()).select_from(who.subquery())).one()
    return Effect(
        thing.title,
        thing.mandatory,
        people,
        behind,
        undone,
        shares({one.id: one.weight for one in before.weighed}),
        shares({one.id: one.weight for one in after.weighed}),
        titles,
        asked,
        thing.measure,
        (former.required if former is not None else 0, thing.required),
        moves,
        _due(change),
    )


def _due(change: Change) -> datetime | None:
    due = (change.fields or {}).get("due_at")
    return None if due is None else datetime.fromisoformat(due)


def _moves(session: Session, change: Change) -> bool:
    """Whether something that is there already is due at another moment."""
    if not change.item_id or "due_at" not in (change.fields or {}):
        return False
    row = session.exec(select(ProgressItem).where(ProgressItem.id == change.item_id)).first()
    return row is not None and row.due_at != _due(change)


def _asked(batch_id: int, item_id: int, required: float) -> Any:
    """Select who takes part and has not done so much of a thing yet."""
    figure = sa.func.coalesce(col(Progress.figures)[str(item_id)].as_float(), 0)
    has_done = sa.exists().where(
        col(Progress.registration_id) == col(Registration.id), figure >= required
    )
    return sa.select(col(Registration.teacher_id)).where(
        col(Registration.batch_id) == batch_id,
        col(Registration.state).in_(pace.UNDECIDED),
        ~has_done,
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


def make(
    session: Session, actor_id: int, change: Change, *, tell: bool = False, now: datetime
) -> int:
    """Make the change; the id of the thing. Raises as the operations of ``plan`` do.

    With ``tell`` those who are asked for something by it hear so in their next brief, once.
    """
    effect = foresee(session, actor_id, change, now=now) if tell else None
    item_id = _make(session, actor_id, change, now=now)
    if effect is None or not effect.asked:
        return item_id
    batch, programme = batch_of(session, change.batch_id)
    item = session.get_one(ProgressItem, item_id)
    due_at = None if item.due_at is None else item.due_at.astimezone(offices.zone(session))
    untold = select(News.facts).where(
        News.kind == NEWS,
        News.subject_id == item_id,
        col(News.told_at).is_(None),
        col(News.outbox_id).is_(None),
    )
    before = session.exec(untold).first() or {}
    facts = {
        "batch_id": batch.id,
        "title": programme.title,
        "item": effect.title,
        "measure": effect.measure.value,
        "required": effect.required[1],
        # What no brief has told yet is told with it.
        "more": effect.required[1] > effect.required[0] or bool(before.get("more")),
        "moves": effect.moves or bool(before.get("moves")),
        "due_at": due_at and due_at.isoformat(),
    }
    asked = _asked(batch.id, item_id, effect.required[1])
    news.tell_again(session, NEWS, asked, item_id, facts, now=now)
    return item_id


def _make(session: Session, actor_id: int, change: Change, *, now: datetime) -> int:
    fields = change.fields
    if fields is None:
        plan.remove_item(session, actor_id, change.item_id, now=now)
        return 0
    fields = dict(fields)
    if fields.get("measure"):
        fields["measure"] = Measure(fields["measure"])
    if "due_at" in fields:
        fields["due_at"] = _due(change)
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
