"""For whom a notice is: its audience and its groups, chosen from what the author may write to."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.messaging import audiences, notices, relays, tending
from storage.messaging.audiences import Option, Options
from storage.messaging.tables import Chat, Notice
from storage.people import authority, offices, units
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound
from storage.training.tables import Batch


def audience_options(
    session: Session,
    actor_id: int,
    notice_id: int,
    what: str,
    *,
    page: int | None = None,
    like: str = "",
    holding: str = "",
    now: datetime,
) -> Options:
    """Return a page of what the audience can be narrowed to: units, classes, values, things owed.

    Without a page it is the first on which something is chosen.

    ``what`` is ``units``, ``batch``, ``state``, ``whom``, ``owes``, ``chats`` or a fact, or
    ``issuer`` for the unit in whose name it is. ``like`` is a part of the name; ``holding``
    asks for the page on which the option with that key stands.
    """
    notice = notices.access(session, actor_id, notice_id, now=now)
    every = [
        each
        for each in _options(session, actor_id, notice, what, now=now)
        if like.casefold() in each.label.casefold()
    ]
    keys = [each.key for each in every]
    if holding in keys:
        page = keys.index(holding) // notices.PAGE
    elif page is None:
        chosen = [number for number, each in enumerate(every) if each.chosen and not like]
        page = min(chosen, default=0) // notices.PAGE
    pages = max(1, -(-len(every) // notices.PAGE))
    page = min(max(0, page), pages - 1)
    closed: tuple[str, ...] = ()
    if what == "chats":
        today = offices.today(session, now)
        closed = tuple(name for _id, name in _bound_there(session, actor_id, today, closed=True))
    lines = tuple(every[page * notices.PAGE : (page + 1) * notices.PAGE])
    return Options(lines, page, pages, closed)


def _options(
    session: Session, actor_id: int, notice: Notice, what: str, *, now: datetime
) -> list[Option]:
    spec, today = notice.audience, offices.today(session, now)
    match what:
        case "units":
            chosen = set(spec.get("units", ()))
            return [
                Option(str(id_), name, id_ in chosen)
                for id_, name in audiences.units_there(session, actor_id, today=today)
            ]
        case "batch":
            rows = session.exec(
                audiences.classes_there(session, actor_id, now=now, today=today)
            ).all()
            return [
                Option(str(id_), " · ".join(filter(None, titles)), spec.get("batch") == id_)
                for id_, *titles, _starts in rows
            ]
        case "state":
            return [Option(key, key, spec.get("state") == key) for key in audiences.STATES]
        case "issuer":
            return [
                Option(str(id_), units.name_of(session, id_), id_ == notice.unit_id)
                for id_ in notices.homes_of(session, actor_id, today)
            ]
        case "whom":
            return [Option(key, key, spec.get("whom") == key) for key in audiences.WHOM]
        case "owes":
            owed = audiences.owed_there(session, actor_id, spec, now=now, today=today)
            return [
                Option(f"{kind}.{id_}", title, spec.get("owes") == [kind, id_])
                for kind, id_, title in owed
                if (kind, id_) != (audiences.NOTICE, notice.id)
            ]
        case "chats":
            return [
                Option(str(id_), name, id_ in notice.chats)
                for id_, name in _places_there(session, actor_id, today)
            ]
        case fact if fact in audiences.FACTS:
            chosen_values = spec.get("facts", {}).get(fact, ())
            return [
                Option(mark(value), value, value in chosen_values)
                for value in audiences.facts_there(session, actor_id, fact, spec, today=today)
            ]
    raise NotFound("option")


def mark(value: str) -> str:
    """Return a short mark of a value that a button can carry."""
    return hashlib.sha256(value.encode()).hexdigest()[:12]


def turn(
    session: Session, actor_id: int, notice_id: int, what: str, key: str, *, now: datetime
) -> None:
    """Choose an option of the audience, or leave it out again.

    Raises NotFound for one that the author cannot choose (any more).
    """
    notice = notices.access(session, actor_id, notice_id, now=now, to_change=True)
    option = next(
        (each for each in _options(session, actor_id, notice, what, now=now) if each.key == key),
        None,
    )
    if option is None:
        raise NotFound("option")
    spec = {name: value for name, value in notice.audience.items() if name != "names"}
    on = not option.chosen
    match what:
        case "units":
            spec["units"] = _turned(spec.get("units", []), int(key), on)
        case "chats":
            notice.chats = _turned(notice.chats, int(key), on)
        case "issuer":
            notice.unit_id = int(key)
        case "batch" if not on and notices.is_only_of_class(session, actor_id, notice, now=now):
            raise NotAllowed  # without its class it would be for nobody
        case "batch":
            for name in ("batch", "state", "owes", "whom"):
                spec.pop(name, None)
            if on:
                spec |= {"batch": int(key), "state": audiences.IN}
        case "state":
            spec["state"] = key
        case "whom":
            if notices.is_only_of_class(session, actor_id, notice, now=now):
                raise NotAllowed
            for name in ("batch", "state", "owes", "whom"):
                spec.pop(name, None)
            if on:
                spec["whom"] = key
        case "owes":
            kind, _, id_ = key.rpartition(".")
            spec["owes"] = [kind, int(id_)] if on else None
        case fact:
            values = {name: list(each) for name, each in spec.get("facts", {}).items()}
            values[fact] = _turned(values.get(fact, []), option.label, on)
            spec["facts"] = {name: each for name, each in values.items() if each}
    notice.audience = {name: value for name, value in spec.items() if value}
    if not tending.may_tend(session, actor_id, notice, today=offices.today(session, now)):
        raise NotAllowed
    session.flush()


def _turned(values: list[Any], value: Any, on: bool) -> list[Any]:
    rest = [each for each in values if each != value]
    return [*rest, value] if on else rest


def _places_there(session: Session, actor_id: int, today: date) -> list[tuple[int, str]]:
    """Where this person may post: bound groups and topics, and channels of units without one."""
    # The channels of a unit that has no group stand under its id with a minus.
    units_ = relays.without_group(session, actor_id, today=today)
    return _bound_there(session, actor_id, today) + [(-unit_id, name) for unit_id, name in units_]


def _bound_there(
    session: Session, actor_id: int, today: date, *, closed: bool = False
) -> list[tuple[int, str]]:
    """The groups and topics bound to units and classes that this person may write to."""
    reach = authority.reaches(session, actor_id, Act.NOTIFY_UNIT, today=today).subquery()
    run = authority.batches(session, actor_id, Act.NOTIFY_CLASS, today=today).subquery()
    rows = session.exec(
        select(Chat.id, Chat.title, Chat.topic)
        .where(
            col(Chat.active),
            col(Chat.closed).is_(closed),
            col(Chat.purpose).is_not(None),
            sa.or_(
                sa.and_(
                    col(Chat.unit_id).in_(sa.select(reach.c.id)), col(Chat.programme_id).is_(None)
                ),
                col(Chat.programme_id).in_(
                    sa.select(col(Batch.programme_id)).where(col(Batch.id).in_(sa.select(run.c.id)))
                ),
            ),
        )
        .order_by(Chat.title, Chat.topic, col(Chat.id))
    ).all()
    return [(id_, " · ".join(filter(None, (title, topic)))) for id_, title, topic in rows]
