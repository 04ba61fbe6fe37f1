"""A whole timetable at once: what each line would do, then one deed that can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from storage import deeds
from storage.deeds import ChangedSince, Deed
from storage.moments import local_day
from storage.people import offices
from storage.people.authority import Act, check_with
from storage.training import schedule, seats
from storage.training.classes import batch_of
from storage.training.meetings import (
    NewMeeting,
    check_unused,
    erase,
    meeting_at,
    put,
    tell,
)
from storage.training.structure import (
    LONGEST_TITLE,
    InUse,
    MeetingFacts,
    check_module,
    meeting_facts,
    note,
    titled,
    to_change,
)
from storage.training.tables import (
    Attendance,
    Batch,
    ClassSession,
)

TIMETABLE = "timetable"
"""The kind of deed of a whole timetable that was put in."""

MOST_LINES = 300


class Fate(StrEnum):
    """What a line of a timetable would do."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    OUTSIDE = "outside"  # not on the days of the class
    ENDS_FIRST = "ends_first"
    TWICE = "twice"  # a line before it begins at the same moment
    LONG = "long"  # its title is longer than a card shows
    IN_USE = "in_use"  # its attendance has been taken


@dataclass(frozen=True)
class TimetableLine:
    """One line as it was understood; an empty place or no trainers leave what is there."""

    starts_at: datetime
    ends_at: datetime
    title: str
    place: str = ""
    trainers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Applied:
    """What putting a timetable in came to; ``deed_id`` None when nothing was to be done."""

    deed_id: int | None
    new: int
    changed: int
    same: int
    left: int
    told: int


def preview(
    session: Session, actor_id: int, batch_id: int, lines: Sequence[TimetableLine], *, now: datetime
) -> tuple[Fate, ...]:
    """Say of each line what it would do; nothing is changed."""
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=offices.today(session, now))
    batch, _programme = batch_of(session, batch_id)
    return _fates(session, batch, lines)


def apply(
    session: Session,
    actor_id: int,
    batch_id: int,
    lines: Sequence[TimetableLine],
    *,
    module_id: int | None = None,
    now: datetime,
) -> Applied:
    """Put in what is new and change what differs, as one deed that can be undone for a day.

    A line is known by its beginning; doing it again changes nothing. Raises NotAllowed,
    NotFound or ProgrammeCancelled.
    """
    batch, programme = to_change(session, actor_id, batch_id, now)
    check_module(session, module_id, batch_id)
    fates = _fates(session, batch, lines)
    data: dict[str, Any] = {"batch_id": batch_id, "added": [], "changed": []}
    told = 0
    moved: list[tuple[MeetingFacts, MeetingFacts]] = []
    for line, fate in zip(lines, fates, strict=True):
        if fate is Fate.NEW:
            new = NewMeeting(
                line.title, line.starts_at, line.ends_at, line.place, trainers=line.trainers
            )
            row = put(session, batch_id, new, module_id)
            data["added"].append(_kept(row))
        elif fate is Fate.CHANGED:
            there = meeting_at(session, batch_id, line.starts_at)
            assert there is not None
            before, was = meeting_facts(there), _kept(there)
            there.title, there.ends_at = titled(line.title), line.ends_at
            there.place = line.place or there.place
            there.trainers = list(line.trainers) or there.trainers
            session.add(there)
            session.flush()
            data["changed"].append({"was": was, "is": _kept(there)})
            moved.append((before, meeting_facts(there)))
    counted = {fate: fates.count(fate) for fate in Fate}
    deed_id = None
    if data["added"] or data["changed"]:
        deed_id = deeds.done(session, TIMETABLE, actor_id, data, now=now, undo_for=deeds.DAY)
        after = {"added": counted[Fate.NEW], "changed": counted[Fate.CHANGED]}
        thing = f"batch:{batch_id}"
        note(session, actor_id, "put_timetable", thing, batch, now=now, after=after)
        schedule.plan_deadlines(session, batch_id, now=now)
        for before, is_now in moved:
            told += tell(session, programme, batch, before, is_now, now=now)
    new_, changed, same = counted[Fate.NEW], counted[Fate.CHANGED], counted[Fate.SAME]
    return Applied(
        deed_id=deed_id,
        new=new_,
        changed=changed,
        same=same,
        left=len(lines) - new_ - changed - same,
        told=told,
    )


def undo_timetable(session: Session, deed: Deed, now: datetime) -> None:
    """Take the timetable's meetings away again, and give back what it changed.

    Those concerned hear of what was changed alone: nobody was told of what was added. Raises
    ChangedSince when somebody has worked on with one of them.
    """
    batch_id = int(deed.data["batch_id"])
    today = offices.today(session, now)
    check_with(session, deed.actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    added = [_unchanged(session, kept) for kept in deed.data["added"]]
    changed = [(_unchanged(session, one["is"]), one["was"]) for one in deed.data["changed"]]
    told: list[tuple[MeetingFacts, MeetingFacts]] = []
    for row in added:
        erase(session, row, now=now)
    for row, was in changed:
        before = meeting_facts(row)
        row.title, row.place, row.trainers = was["title"], was["place"], list(was["trainers"])
        row.ends_at = datetime.fromisoformat(was["ends_at"])
        session.add(row)
        session.flush()
        told.append((before, meeting_facts(row)))
    batch.revision += 1
    session.flush()
    schedule.plan_deadlines(session, batch_id, now=now)
    for before, after in told:
        tell(session, programme, batch, before, after, now=now)


def _fates(session: Session, batch: Batch, lines: Sequence[TimetableLine]) -> tuple[Fate, ...]:
    zone = offices.zone(session)
    first, last = local_day(batch.starts_at, zone), local_day(batch.ends_at, zone)
    there = {
        row.starts_at: row
        for row in session.exec(select(ClassSession).where(ClassSession.batch_id == batch.id)).all()
    }
    used = set(
        session.exec(
            select(Attendance.session_id)
            .where(col(Attendance.session_id).in_([row.id for row in there.values()]))
            .distinct()
        ).all()
    )
    seen: set[datetime] = set()
    fates = []
    for line in lines:
        row = there.get(line.starts_at)
        if len(" ".join(line.title.split())) > LONGEST_TITLE:
            fate = Fate.LONG
        elif line.ends_at <= line.starts_at:
            fate = Fate.ENDS_FIRST
        elif line.starts_at in seen:
            fate = Fate.TWICE
        elif not first <= local_day(line.starts_at, zone) <= last:
            fate = Fate.OUTSIDE
        elif row is None:
            fate = Fate.NEW
        elif (
            (row.title, row.ends_at) == (titled(line.title), line.ends_at)
            and line.place in ("", row.place)
            and list(line.trainers) in ([], row.trainers)
        ):
            fate = Fate.SAME
        else:
            fate = Fate.IN_USE if row.id in used else Fate.CHANGED
        seen.add(line.starts_at)
        fates.append(fate)
    return tuple(fates)


def _kept(row: ClassSession) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "place": row.place,
        "trainers": list(row.trainers),
    }


def _unchanged(session: Session, kept: Mapping[str, Any]) -> ClassSession:
    row = session.exec(
        select(ClassSession)
        .where(ClassSession.id == kept["id"])
        .execution_options(populate_existing=True)
    ).first()
    if row is None or _kept(row) != dict(kept):
        raise ChangedSince(str(kept["title"]))
    try:
        check_unused(session, row)
    except InUse as refusal:
        raise ChangedSince(refusal.title) from refusal
    return row
