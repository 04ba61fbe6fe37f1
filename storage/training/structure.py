"""How a class is built: phases (集中 → 跟岗 → 网络), their modules, and the meetings.

Meetings hang on the class itself and may belong to a module; so a phase or a module can be
taken away without a meeting, or the work and the attendance behind it, being lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.inserting import insert_new
from storage.messaging import deadlines
from storage.messaging.tables import (
    Deadline,
    OutboxMessage,
    OutboxState,
    Priority,
    ReminderMute,
)
from storage.moments import local_day
from storage.people import offices
from storage.people.authority import Act, check_with
from storage.people.tables import Account, OrgUnit
from storage.refusals import NotFound, Refusal
from storage.training import schedule, seats
from storage.training.owing import TAKES_PART
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import (
    Attendance,
    Batch,
    CheckIn,
    ClassSession,
    Leave,
    Module,
    ModuleKind,
    Phase,
    PhaseKind,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Task,
)

CHANGED = "meeting_changed"
"""The kind of what participants are told when a meeting is moved or does not take place."""

TIMETABLE = "timetable"
"""The kind of deed of a whole timetable that was put in."""

LONGEST_TITLE = 200
MOST_LINES = 300  # of one timetable

SEES_TIMETABLE = (
    RegistrationState.SUBMITTED,
    RegistrationState.NOMINATED,
    RegistrationState.SCHOOL_APPROVED,
    *TAKES_PART,
    RegistrationState.OFFERED,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
)

R = TypeVar("R", Phase, Module)


class NoTitle(Refusal):
    """A phase, a module, a meeting or a task is called something."""


class EndsFirst(Refusal):
    """It would end before it begins."""


class OutsideClass(Refusal):
    """It would lie outside the days of the class."""

    def __init__(self, starts_at: datetime, ends_at: datetime) -> None:
        super().__init__(f"the class runs from {starts_at} to {ends_at}")
        self.starts_at = starts_at
        self.ends_at = ends_at


class SameTime(Refusal):
    """Another meeting of the class begins at that moment."""

    def __init__(self, title: str, at: datetime) -> None:
        super().__init__(f"{title!r} begins at {at} too")
        self.title = title
        self.at = at


class Use(StrEnum):
    """What has been built upon a thing."""

    ATTENDANCE = "attendance"
    LEAVE = "leave"
    WORK = "work"


class InUse(Refusal):
    """So many people's attendance, leave or work hangs on it, so it stays as it is."""

    def __init__(self, title: str, use: Use, people: int) -> None:
        super().__init__(f"{title!r} has {use.value} of {people}")
        self.title = title
        self.use = use
        self.people = people


@dataclass(frozen=True)
class MeetingFacts:
    """One meeting of a class."""

    session_id: int
    module_id: int | None
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    online_url: str
    bring: str
    trainers: tuple[str, ...]
    check_in: CheckIn


@dataclass(frozen=True)
class ModuleFacts:
    """One module with its meetings; ``hours`` None where none were set."""

    module_id: int
    phase_id: int
    position: int
    kind: ModuleKind
    title: str
    mandatory: bool
    hours: Decimal | None
    weight: float
    due_at: datetime | None
    meetings: tuple[MeetingFacts, ...]


@dataclass(frozen=True)
class PhaseFacts:
    """One phase with its modules, and the meetings on its days that belong to no module."""

    phase_id: int
    position: int
    kind: PhaseKind
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    host: str
    host_unit_id: int | None
    gate: bool
    modules: tuple[ModuleFacts, ...]
    meetings: tuple[MeetingFacts, ...]


@dataclass(frozen=True)
class Outline:
    """A class as it is built; ``meetings`` are those of no phase.

    ``module_hours`` is what the modules come to, to be held against ``planned_hours``.
    """

    batch_id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    is_published: bool
    planned_hours: Decimal
    module_hours: Decimal
    phases: tuple[PhaseFacts, ...]
    meetings: tuple[MeetingFacts, ...]
    has_ethics: bool

    @property
    def all_meetings(self) -> tuple[MeetingFacts, ...]:
        """Every meeting, the first one first."""
        found = [
            *self.meetings,
            *(one for phase in self.phases for one in phase.meetings),
            *(one for phase in self.phases for module in phase.modules for one in module.meetings),
        ]
        return tuple(sorted(found, key=lambda one: one.starts_at))


# --- reading -----------------------------------------------------------------------------------


def outline(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Outline:
    """Return how the class is built, for who may see it. Raises NotFound or NotAllowed."""
    check_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=_today(session, now))
    return _outline(session, batch_id)


def timetable(session: Session, teacher_id: int, batch_id: int) -> Outline:
    """Return the timetable for somebody who is in the class. Raises NotFound for others."""
    state = session.exec(
        select(Registration.state).where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(SEES_TIMETABLE),
        )
    ).first()
    if state is None:
        raise NotFound("timetable")
    return _outline(session, batch_id)


def has_ethics(session: Session, programme_id: int) -> bool:
    """Whether the programme has an ethics module, or is about nothing else (seed S1-04)."""
    category = session.exec(
        select(Programme.category).where(Programme.id == programme_id)
    ).one_or_none()
    if category is None:
        raise NotFound("programme")
    if category == "ethics":
        return True
    return (
        session.exec(
            select(Module.id)
            .join(Phase, col(Phase.id) == col(Module.phase_id))
            .join(Batch, col(Batch.id) == col(Phase.batch_id))
            .where(Batch.programme_id == programme_id, Module.kind == ModuleKind.ETHICS)
            .limit(1)
        ).first()
        is not None
    )


def _outline(session: Session, batch_id: int) -> Outline:
    batch, programme = _batch(session, batch_id)
    zone = offices.zone(session)
    phases = session.exec(
        select(Phase, OrgUnit.name)
        .outerjoin(OrgUnit, col(OrgUnit.id) == col(Phase.host_unit_id))
        .where(Phase.batch_id == batch_id)
        .order_by(col(Phase.position))
    ).all()
    modules = session.exec(
        select(Module)
        .join(Phase, col(Phase.id) == col(Module.phase_id))
        .where(Phase.batch_id == batch_id)
        .order_by(col(Module.position))
    ).all()
    meetings = [
        _meeting_facts(row)
        for row in session.exec(
            select(ClassSession)
            .where(ClassSession.batch_id == batch_id)
            .order_by(col(ClassSession.starts_at))
        ).all()
    ]
    of_module: dict[int, list[MeetingFacts]] = {module.id: [] for module in modules}
    of_phase: dict[int, list[MeetingFacts]] = {phase.id: [] for phase, _ in phases}
    loose: list[MeetingFacts] = []
    for meeting in meetings:
        if meeting.module_id in of_module:
            of_module[meeting.module_id].append(meeting)
            continue
        day = local_day(meeting.starts_at, zone)
        home = next(
            (
                phase.id
                for phase, _ in phases
                if phase.starts_at is not None
                and phase.ends_at is not None
                and local_day(phase.starts_at, zone) <= day
                and meeting.starts_at < phase.ends_at
            ),
            None,
        )
        (loose if home is None else of_phase[home]).append(meeting)
    return Outline(
        batch_id=batch_id,
        title=programme.title,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        place=batch.place,
        is_published=programme.state is ProgrammeState.PUBLISHED,
        planned_hours=programme.planned_hours,
        module_hours=sum((module.hours or Decimal(0) for module in modules), Decimal(0)),
        phases=tuple(
            PhaseFacts(
                phase_id=phase.id,
                position=phase.position,
                kind=phase.kind,
                title=phase.title,
                starts_at=phase.starts_at,
                ends_at=phase.ends_at,
                host=host or "",
                host_unit_id=phase.host_unit_id,
                gate=phase.gate,
                modules=tuple(
                    ModuleFacts(
                        module_id=module.id,
                        phase_id=phase.id,
                        position=module.position,
                        kind=module.kind,
                        title=module.title,
                        mandatory=module.mandatory,
                        hours=module.hours,
                        weight=module.weight,
                        due_at=module.due_at,
                        meetings=tuple(of_module[module.id]),
                    )
                    for module in modules
                    if module.phase_id == phase.id
                ),
                meetings=tuple(of_phase[phase.id]),
            )
            for phase, host in phases
        ),
        meetings=tuple(loose),
        has_ethics=has_ethics(session, programme.id),
    )


def _meeting_facts(row: ClassSession) -> MeetingFacts:
    return MeetingFacts(
        session_id=row.id,
        module_id=row.module_id,
        title=row.title,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        place=row.place,
        online_url=row.online_url,
        bring=row.bring,
        trainers=tuple(row.trainers),
        check_in=row.check_in,
    )


# --- phases ------------------------------------------------------------------------------------


def add_phase(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    kind: PhaseKind,
    title: str,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    host_unit_id: int | None = None,
    gate: bool = False,
    now: datetime,
) -> int:
    """Put a phase at the end of the class; the same one a second time is the one that is there.

    Raises NotAllowed, NotFound, NoTitle, EndsFirst, OutsideClass or ProgrammeCancelled.
    """
    batch, _programme = _to_change(session, actor_id, batch_id, now)
    title = _titled(title)
    _check_days(session, batch, starts_at, ends_at)
    known = session.exec(
        select(Phase.id).where(
            Phase.batch_id == batch_id,
            Phase.kind == kind,
            Phase.title == title,
            col(Phase.starts_at).is_(None) if starts_at is None else Phase.starts_at == starts_at,
        )
    ).first()
    if known is not None:
        return known
    last = session.exec(select(func.max(Phase.position)).where(Phase.batch_id == batch_id)).one()
    row = Phase(
        batch_id=batch_id,
        position=(last or 0) + 1,
        kind=kind,
        title=title,
        starts_at=starts_at,
        ends_at=ends_at,
        host_unit_id=host_unit_id,
        gate=gate,
    )
    session.add(row)
    session.flush()
    _note(session, actor_id, "add_phase", f"phase:{row.id}", batch, now=now, after={"title": title})
    return row.id


_OF_PHASE = frozenset({"kind", "title", "starts_at", "ends_at", "host_unit_id", "gate"})


def change_phase(
    session: Session, actor_id: int, phase_id: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change what is given: kind, title, starts_at, ends_at, host_unit_id, gate.

    Raises as ``add_phase`` does.
    """
    phase = _phase(session, phase_id)
    batch, _programme = _to_change(session, actor_id, phase.batch_id, now)
    wanted = _checked(changes, _OF_PHASE)
    _check_days(
        session,
        batch,
        wanted.get("starts_at", phase.starts_at),
        wanted.get("ends_at", phase.ends_at),
    )
    _change(session, actor_id, "change_phase", f"phase:{phase_id}", phase, wanted, batch, now=now)


def place_phase(
    session: Session, actor_id: int, phase_id: int, position: int, *, now: datetime
) -> None:
    """Put the phase at this place, counted from 1; the others close up."""
    phase = _phase(session, phase_id)
    batch, _programme = _to_change(session, actor_id, phase.batch_id, now)
    rows = session.exec(
        select(Phase).where(Phase.batch_id == phase.batch_id).order_by(col(Phase.position))
    ).all()
    if _reorder(session, rows, phase, position):
        _note(session, actor_id, "place_phase", f"phase:{phase_id}", batch, now=now)


def remove_phase(session: Session, actor_id: int, phase_id: int, *, now: datetime) -> None:
    """Take the phase away with its modules; their meetings and tasks stay with the class."""
    phase = session.exec(select(Phase).where(Phase.id == phase_id)).first()
    if phase is None:
        return
    batch, _programme = _to_change(session, actor_id, phase.batch_id, now)
    modules = select(Module.id).where(Module.phase_id == phase_id)
    _let_go(session, modules)
    session.exec(sa.delete(Module).where(col(Module.phase_id) == phase_id))
    title = phase.title
    session.delete(phase)
    session.flush()
    _note(
        session, actor_id, "remove_phase", f"phase:{phase_id}", batch, now=now, after={"was": title}
    )


# --- modules -----------------------------------------------------------------------------------


def add_module(
    session: Session,
    actor_id: int,
    phase_id: int,
    *,
    kind: ModuleKind,
    title: str,
    mandatory: bool = True,
    hours: Decimal | None = None,
    weight: float = 1.0,
    due_at: datetime | None = None,
    now: datetime,
) -> int:
    """Put a module at the end of the phase; the same one a second time is the one there is."""
    phase = _phase(session, phase_id)
    batch, _programme = _to_change(session, actor_id, phase.batch_id, now)
    title = _titled(title)
    known = session.exec(
        select(Module.id).where(
            Module.phase_id == phase_id, Module.kind == kind, Module.title == title
        )
    ).first()
    if known is not None:
        return known
    last = session.exec(select(func.max(Module.position)).where(Module.phase_id == phase_id)).one()
    row = Module(
        phase_id=phase_id,
        position=(last or 0) + 1,
        kind=kind,
        title=title,
        mandatory=mandatory,
        hours=hours,
        weight=weight,
        due_at=due_at,
    )
    session.add(row)
    session.flush()
    thing = f"module:{row.id}"
    _note(session, actor_id, "add_module", thing, batch, now=now, after={"title": title})
    return row.id


_OF_MODULE = frozenset({"kind", "title", "mandatory", "hours", "weight", "due_at"})


def change_module(
    session: Session, actor_id: int, module_id: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change what is given: kind, title, mandatory, hours, weight, due_at."""
    module, batch_id = _module(session, module_id)
    batch, _programme = _to_change(session, actor_id, batch_id, now)
    wanted = _checked(changes, _OF_MODULE)
    thing = f"module:{module_id}"
    _change(session, actor_id, "change_module", thing, module, wanted, batch, now=now)


def place_module(
    session: Session, actor_id: int, module_id: int, position: int, *, now: datetime
) -> None:
    """Put the module at this place of its phase, counted from 1; the others close up."""
    module, batch_id = _module(session, module_id)
    batch, _programme = _to_change(session, actor_id, batch_id, now)
    rows = session.exec(
        select(Module).where(Module.phase_id == module.phase_id).order_by(col(Module.position))
    ).all()
    if _reorder(session, rows, module, position):
        _note(session, actor_id, "place_module", f"module:{module_id}", batch, now=now)


def remove_module(session: Session, actor_id: int, module_id: int, *, now: datetime) -> None:
    """Take the module away; its meetings and tasks stay with the class."""
    module = session.exec(select(Module).where(Module.id == module_id)).first()
    if module is None:
        return
    _module_row, batch_id = _module(session, module_id)
    batch, _programme = _to_change(session, actor_id, batch_id, now)
    _let_go(session, select(Module.id).where(Module.id == module_id))
    title = module.title
    session.delete(module)
    session.flush()
    thing = f"module:{module_id}"
    _note(session, actor_id, "remove_module", thing, batch, now=now, after={"was": title})


# --- meetings ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewMeeting:
    """A meeting to be put in."""

    title: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    online_url: str = ""
    bring: str = ""
    trainers: tuple[str, ...] = ()
    check_in: CheckIn = CheckIn.CODE


def add_meeting(
    session: Session,
    actor_id: int,
    batch_id: int,
    meeting: NewMeeting,
    *,
    module_id: int | None = None,
    now: datetime,
) -> int:
    """Put a meeting into the class; the same one a second time is the one that is there.

    Raises NotAllowed, NotFound, NoTitle, EndsFirst, OutsideClass, SameTime or
    ProgrammeCancelled.
    """
    batch, _programme = _to_change(session, actor_id, batch_id, now)
    meeting = replace(meeting, title=_titled(meeting.title))
    _check_module(session, module_id, batch_id)
    _check_hours(session, batch, meeting.starts_at, meeting.ends_at)
    there = _at(session, batch_id, meeting.starts_at)
    if there is not None:
        if (there.title, there.ends_at) == (meeting.title, meeting.ends_at):
            return there.id
        raise SameTime(there.title, there.starts_at)
    row = _put(session, batch_id, meeting, module_id)
    after = {"title": row.title, "starts_at": row.starts_at.isoformat()}
    _note(session, actor_id, "add_meeting", f"class_session:{row.id}", batch, now=now, after=after)
    schedule.plan_deadlines(session, batch_id, now=now)
    return row.id


_OF_MEETING = frozenset(
    {
        "title",
        "starts_at",
        "ends_at",
        "place",
        "online_url",
        "bring",
        "trainers",
        "check_in",
        "module_id",
    }
)
_TELLS = ("starts_at", "ends_at", "place", "online_url")
"""What participants are told of when it changes."""


def change_meeting(
    session: Session, actor_id: int, session_id: int, changes: Mapping[str, Any], *, now: datetime
) -> int:
    """Change what is given of a meeting; its deadlines follow, and participants are told once.

    They are told when the time, the place or the address changes and the meeting is still to
    come; a start that moves takes the end along unless one is given. Returns how many are told.

    Raises NotAllowed, NotFound, NoTitle, EndsFirst, OutsideClass, SameTime, InUse (for the
    time of a meeting with attendance) or ProgrammeCancelled.
    """
    meeting = _meeting(session, session_id)
    batch, programme = _to_change(session, actor_id, meeting.batch_id, now)
    wanted = _checked(changes, _OF_MEETING)
    if "starts_at" in wanted and "ends_at" not in wanted:
        wanted["ends_at"] = meeting.ends_at + (wanted["starts_at"] - meeting.starts_at)
    starts_at = wanted.get("starts_at", meeting.starts_at)
    ends_at = wanted.get("ends_at", meeting.ends_at)
    if (starts_at, ends_at) != (meeting.starts_at, meeting.ends_at):
        _check_hours(session, batch, starts_at, ends_at)
        if starts_at != meeting.starts_at:
            _check_unused(session, meeting, leave_matters=False)
        there = _at(session, batch.id, starts_at)
        if there is not None and there.id != session_id:
            raise SameTime(there.title, there.starts_at)
    if wanted.get("module_id") is not None:
        _check_module(session, wanted["module_id"], batch.id)
    if "trainers" in wanted:
        wanted["trainers"] = list(wanted["trainers"])
    before = _meeting_facts(meeting)
    thing = f"class_session:{session_id}"
    _change(session, actor_id, "change_meeting", thing, meeting, wanted, batch, now=now)
    after = _meeting_facts(meeting)
    if before == after:
        return 0
    schedule.plan_deadlines(session, batch.id, now=now)
    return _tell(session, programme, batch, before, after, now=now)


def remove_meeting(session: Session, actor_id: int, session_id: int, *, now: datetime) -> int:
    """Take a meeting away and tell who was expected; return how many are told.

    Raises NotAllowed, ProgrammeCancelled, or InUse when attendance or leave hangs on it.
    """
    meeting = session.exec(select(ClassSession).where(ClassSession.id == session_id)).first()
    if meeting is None:
        return 0
    batch, programme = _to_change(session, actor_id, meeting.batch_id, now)
    _check_unused(session, meeting)
    before = _meeting_facts(meeting)
    _erase(session, meeting, now=now)
    thing = f"class_session:{session_id}"
    was = {"title": before.title, "starts_at": before.starts_at.isoformat()}
    _note(session, actor_id, "remove_meeting", thing, batch, now=now, after={"was": was})
    schedule.plan_deadlines(session, batch.id, now=now)
    return _tell(session, programme, batch, before, None, now=now)


# --- a whole timetable -------------------------------------------------------------------------


class Fate(StrEnum):
    """What a line of a timetable would do."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    OUTSIDE = "outside"  # not on the days of the class
    ENDS_FIRST = "ends_first"
    TWICE = "twice"  # a line before it begins at the same moment
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
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=_today(session, now))
    batch, _programme = _batch(session, batch_id)
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
    batch, programme = _to_change(session, actor_id, batch_id, now)
    _check_module(session, module_id, batch_id)
    fates = _fates(session, batch, lines)
    data: dict[str, Any] = {"batch_id": batch_id, "added": [], "changed": []}
    told = 0
    moved: list[tuple[MeetingFacts, MeetingFacts]] = []
    for line, fate in zip(lines, fates, strict=True):
        if fate is Fate.NEW:
            new = NewMeeting(
                line.title, line.starts_at, line.ends_at, line.place, trainers=line.trainers
            )
            row = _put(session, batch_id, new, module_id)
            data["added"].append(_kept(row))
        elif fate is Fate.CHANGED:
            there = _at(session, batch_id, line.starts_at)
            assert there is not None
            before, was = _meeting_facts(there), _kept(there)
            there.title, there.ends_at = _titled(line.title), line.ends_at
            there.place = line.place or there.place
            there.trainers = list(line.trainers) or there.trainers
            session.add(there)
            session.flush()
            data["changed"].append({"was": was, "is": _kept(there)})
            moved.append((before, _meeting_facts(there)))
    counted = {fate: fates.count(fate) for fate in Fate}
    deed_id = None
    if data["added"] or data["changed"]:
        deed_id = deeds.done(session, TIMETABLE, actor_id, data, now=now, undo_for=deeds.DAY)
        after = {"added": counted[Fate.NEW], "changed": counted[Fate.CHANGED]}
        thing = f"batch:{batch_id}"
        _note(session, actor_id, "put_timetable", thing, batch, now=now, after=after)
        schedule.plan_deadlines(session, batch_id, now=now)
        for before, is_now in moved:
            told += _tell(session, programme, batch, before, is_now, now=now)
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

    Raises ChangedSince when somebody has worked on with one of them.
    """
    batch_id = int(deed.data["batch_id"])
    seats.lock(session, batch_id)
    batch, programme = _batch(session, batch_id)
    added = [_unchanged(session, kept) for kept in deed.data["added"]]
    changed = [(_unchanged(session, one["is"]), one["was"]) for one in deed.data["changed"]]
    told: list[tuple[MeetingFacts, MeetingFacts | None]] = []
    for row in added:
        told.append((_meeting_facts(row), None))
        _erase(session, row, now=now)
    for row, was in changed:
        before = _meeting_facts(row)
        row.title, row.place, row.trainers = was["title"], was["place"], list(was["trainers"])
        row.ends_at = datetime.fromisoformat(was["ends_at"])
        session.add(row)
        session.flush()
        told.append((before, _meeting_facts(row)))
    batch.revision += 1
    session.flush()
    schedule.plan_deadlines(session, batch_id, now=now)
    for before, after in told:
        _tell(session, programme, batch, before, after, now=now)


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
        if line.ends_at <= line.starts_at:
            fate = Fate.ENDS_FIRST
        elif line.starts_at in seen:
            fate = Fate.TWICE
        elif not first <= local_day(line.starts_at, zone) <= last:
            fate = Fate.OUTSIDE
        elif row is None:
            fate = Fate.NEW
        elif (
            (row.title, row.ends_at) == (_titled(line.title), line.ends_at)
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
        _check_unused(session, row)
    except InUse as refusal:
        raise ChangedSince(refusal.title) from refusal
    return row


# --- what these share --------------------------------------------------------------------------


def _today(session: Session, now: datetime) -> Any:
    return local_day(now, offices.zone(session))


def _batch(session: Session, batch_id: int) -> tuple[Batch, Programme]:
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(Batch.id == batch_id)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("programme")
    return found


def _to_change(
    session: Session, actor_id: int, batch_id: int, now: datetime
) -> tuple[Batch, Programme]:
    """The class, locked, for somebody who may change it and while it can be changed."""
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=_today(session, now))
    seats.lock(session, batch_id)
    batch, programme = _batch(session, batch_id)
    if programme.state is ProgrammeState.CANCELLED:
        raise ProgrammeCancelled(programme.title)
    return batch, programme


def _phase(session: Session, phase_id: int) -> Phase:
    phase = session.exec(select(Phase).where(Phase.id == phase_id)).first()
    if phase is None:
        raise NotFound("phase")
    return phase


def _module(session: Session, module_id: int) -> tuple[Module, int]:
    found = session.exec(
        select(Module, Phase.batch_id)
        .join(Phase, col(Phase.id) == col(Module.phase_id))
        .where(Module.id == module_id)
    ).first()
    if found is None:
        raise NotFound("module")
    return found


def _meeting(session: Session, session_id: int) -> ClassSession:
    meeting = session.exec(
        select(ClassSession)
        .where(ClassSession.id == session_id)
        .execution_options(populate_existing=True)
    ).first()
    if meeting is None:
        raise NotFound("meeting")
    return meeting


def _at(session: Session, batch_id: int, starts_at: datetime) -> ClassSession | None:
    return session.exec(
        select(ClassSession).where(
            ClassSession.batch_id == batch_id, ClassSession.starts_at == starts_at
        )
    ).first()


def _put(
    session: Session, batch_id: int, meeting: NewMeeting, module_id: int | None
) -> ClassSession:
    row = ClassSession(
        batch_id=batch_id,
        module_id=module_id,
        title=_titled(meeting.title),
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        place=meeting.place.strip(),
        online_url=meeting.online_url.strip(),
        bring=meeting.bring.strip(),
        trainers=list(meeting.trainers),
        check_in=meeting.check_in,
    )
    session.add(row)
    session.flush()
    session.refresh(row)  # moments come back in UTC, as all others are compared
    return row


def _erase(session: Session, meeting: ClassSession, *, now: datetime) -> None:
    deadlines.cancel_deadline(session, "session", meeting.id, now=now)
    # The number may be given out again, and who muted this meeting did not mute another.
    session.exec(
        sa.delete(ReminderMute).where(
            col(ReminderMute.deadline_id).in_(
                select(Deadline.id).where(
                    Deadline.kind == "session", Deadline.subject_id == meeting.id
                )
            )
        )
    )
    session.delete(meeting)
    session.flush()


def _titled(title: str) -> str:
    title = " ".join(title.split())[:LONGEST_TITLE]
    if not title:
        raise NoTitle
    return title


def _checked(changes: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    unknown = set(changes) - known
    if unknown:
        raise ValueError(f"nothing to change: {sorted(unknown)}")
    wanted = dict(changes)
    if "title" in wanted:
        wanted["title"] = _titled(wanted["title"])
    return wanted


def _check_days(
    session: Session, batch: Batch, starts_at: datetime | None, ends_at: datetime | None
) -> None:
    """Raise unless the phase lies within the class, by whole days."""
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise EndsFirst
    zone = offices.zone(session)
    first, last = local_day(batch.starts_at, zone), local_day(batch.ends_at, zone)
    for moment in (starts_at, ends_at):
        if moment is None:
            continue
        day = local_day(moment, zone)
        if moment is ends_at and moment.astimezone(zone).time() == datetime.min.time():
            day = type(day).fromordinal(day.toordinal() - 1)  # midnight ends the day before
        if not first <= day <= last:
            raise OutsideClass(batch.starts_at, batch.ends_at)


def _check_hours(session: Session, batch: Batch, starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise EndsFirst
    zone = offices.zone(session)
    day = local_day(starts_at, zone)
    if not local_day(batch.starts_at, zone) <= day <= local_day(batch.ends_at, zone):
        raise OutsideClass(batch.starts_at, batch.ends_at)


def _check_module(session: Session, module_id: int | None, batch_id: int) -> None:
    if module_id is not None and _module(session, module_id)[1] != batch_id:
        raise NotFound("module")


def _check_unused(session: Session, meeting: ClassSession, *, leave_matters: bool = True) -> None:
    tables: list[tuple[Any, Use]] = [(Attendance, Use.ATTENDANCE)]
    if leave_matters:
        tables.append((Leave, Use.LEAVE))
    for table, use in tables:
        people = session.exec(
            select(func.count()).select_from(table).where(table.session_id == meeting.id)
        ).one()
        if people:
            raise InUse(meeting.title, use, people)


def _let_go(session: Session, modules: Any) -> None:
    """Leave the meetings and tasks of these modules with the class."""
    for table in (ClassSession, Task):
        session.exec(
            sa.update(table).where(col(table.module_id).in_(modules)).values(module_id=None)
        )


def _reorder(session: Session, rows: Sequence[R], row: R, position: int) -> bool:
    """Put the row at the position, counted from 1; False when it stands there already."""
    others = [one for one in rows if one.id != row.id]
    at = min(max(1, position), len(rows)) - 1
    ordered = [*others[:at], row, *others[at:]]
    if [one.id for one in ordered] == [one.id for one in rows]:
        return False
    # Two rows may not stand at one place, not even for a moment.
    for number, one in enumerate(ordered, 1):
        one.position = -number
        session.add(one)
    session.flush()
    for number, one in enumerate(ordered, 1):
        one.position = number
        session.add(one)
    session.flush()
    return True


def _change(
    session: Session,
    actor_id: int,
    action: str,
    thing: str,
    row: Phase | Module | ClassSession,
    wanted: Mapping[str, Any],
    batch: Batch,
    *,
    now: datetime,
) -> None:
    before = {name: _plain(getattr(row, name)) for name in wanted}
    for name, value in wanted.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    session.refresh(row)
    after = {name: _plain(getattr(row, name)) for name in wanted}
    if before != after:
        _note(session, actor_id, action, thing, batch, now=now, before=before, after=after)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, StrEnum) else value


def _note(
    session: Session,
    actor_id: int,
    action: str,
    thing: str,
    batch: Batch,
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write it into the log, and let every card of the class be drawn anew."""
    batch.revision += 1
    session.add(batch)
    session.flush()
    audit.record(session, actor_id, action, thing, now=now, before=before, after=after)


def _tell(
    session: Session,
    programme: Programme,
    batch: Batch,
    before: MeetingFacts,
    after: MeetingFacts | None,
    *,
    now: datetime,
) -> int:
    """Leave one message for each who is expected; how many there are to tell.

    Whoever has not been told of an earlier change yet is told once, of what holds then.
    """
    if programme.state is not ProgrammeState.PUBLISHED:
        return 0
    if after is not None and all(getattr(before, name) == getattr(after, name) for name in _TELLS):
        return 0
    over = before.ends_at if after is None else max(before.ends_at, after.ends_at)
    if over <= now:
        return 0
    columns = SQLModel.metadata.tables["outbox_message"].c
    facts = {
        "session_id": before.session_id,
        "batch_id": batch.id,
        "title": programme.title,
        "meeting": before.title,
        "starts_at": before.starts_at.isoformat(),
        "ends_at": before.ends_at.isoformat(),
        "place": before.place or batch.place,
        "online_url": before.online_url,
        "removed": after is None,
    }
    prefix = f"{CHANGED}:{before.session_id}:"
    waits = sa.and_(
        col(OutboxMessage.kind) == CHANGED,
        col(OutboxMessage.state) == OutboxState.PENDING,
        col(OutboxMessage.dedupe_key).startswith(prefix, autoescape=True),
    )
    session.exec(sa.update(OutboxMessage).where(waits).values(useful_until=over))
    if after is None:
        for row in session.exec(select(OutboxMessage).where(waits)).all():
            row.facts = {**row.facts, "removed": True}
            session.add(row)
        session.flush()
    expected = sa.and_(
        col(Registration.batch_id) == batch.id, col(Registration.state).in_(TAKES_PART)
    )
    is_reachable = col(Account.id).is_not(None)
    people = (
        sa.select(
            sa.literal(CHANGED),
            col(Registration.teacher_id),
            col(Account.id),
            sa.literal(facts, columns.facts.type),
            sa.literal(Priority.OFFER),
            sa.literal(now, columns.not_before.type),
            sa.literal(over, columns.useful_until.type),
            sa.literal(f"{prefix}{batch.revision}:")
            + sa.cast(col(Registration.teacher_id), sa.String),
            sa.literal(True),
            sa.case(
                (is_reachable, sa.literal(OutboxState.PENDING, columns.state.type)),
                else_=sa.literal(OutboxState.REFUSED, columns.state.type),
            ),
            sa.literal(0),
            sa.literal(now, columns.created_at.type),
            sa.case((is_reachable, sa.literal("")), else_=sa.literal("unreachable")),
        )
        .outerjoin(
            Account,
            sa.and_(
                col(Account.teacher_id) == col(Registration.teacher_id), col(Account.reachable)
            ),
        )
        .where(
            expected,
            ~sa.exists().where(
                waits, col(OutboxMessage.teacher_id) == col(Registration.teacher_id)
            ),
        )
    )
    names = [
        "kind",
        "teacher_id",
        "account_id",
        "facts",
        "priority",
        "not_before",
        "useful_until",
        "dedupe_key",
        "rings",
        "state",
        "attempts",
        "created_at",
        "fault",
    ]
    session.exec(insert_new(session, OutboxMessage).from_select(names, people))
    return session.exec(select(func.count()).select_from(Registration).where(expected)).one()


@dataclass(frozen=True)
class Changed:
    """A meeting before and now; ``now`` is None when it does not take place any more."""

    before: MeetingFacts
    now: MeetingFacts | None
    batch_id: int
    title: str
    place: str
    """Where the class meets when the meeting names no place of its own."""


def changed(session: Session, facts: Mapping[str, Any], teacher_id: int) -> Changed | None:
    """Return what this person is to be told of the change; None when there is nothing left.

    Nothing is left when it is as it was, when the programme does not take place, and for who
    takes part no more.
    """
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            Batch.id == facts["batch_id"],
            Programme.state == ProgrammeState.PUBLISHED,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
    ).first()
    if found is None:
        return None
    batch, programme = found
    before = MeetingFacts(
        session_id=facts["session_id"],
        module_id=None,
        title=facts["meeting"],
        starts_at=datetime.fromisoformat(facts["starts_at"]),
        ends_at=datetime.fromisoformat(facts["ends_at"]),
        place=facts["place"],
        online_url=facts["online_url"],
        bring="",
        trainers=(),
        check_in=CheckIn.NONE,
    )
    row = session.exec(select(ClassSession).where(ClassSession.id == facts["session_id"])).first()
    # SQLite may give the number of a meeting that is gone to another one.
    if row is None or facts["removed"]:
        return Changed(before, None, batch.id, programme.title, batch.place)
    after = _meeting_facts(row)
    after = replace(after, place=after.place or batch.place)
    if all(getattr(before, name) == getattr(after, name) for name in _TELLS):
        return None
    return Changed(before, after, batch.id, programme.title, batch.place)
