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
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit
from storage.messaging import deadlines
from storage.moments import local_day
from storage.people import offices
from storage.people.authority import Act, check_with, may_with
from storage.people.tables import OrgUnit
from storage.refusals import NotFound, Refusal
from storage.training import schedule, seats, shadowing
from storage.training.classes import batch_of
from storage.training.owing import TAKES_PART
from storage.training.refusals import ProgrammeCancelled
from storage.training.remote import counting
from storage.training.remote.tables import ProgressItem
from storage.training.tables import (
    Batch,
    CheckIn,
    ClassSession,
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

LONGEST_TITLE = 120

SEES_TIMETABLE = (
    RegistrationState.SUBMITTED,
    RegistrationState.NOMINATED,
    RegistrationState.SCHOOL_APPROVED,
    *TAKES_PART,
    RegistrationState.OFFERED,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
)


class NoTitle(Refusal):
    """A phase, a module, a meeting or a task is called something."""


class TitleTooLong(Refusal):
    """A name is longer than cards can show; nothing is cut."""

    def __init__(self, longest: int) -> None:
        super().__init__(f"more than {longest} characters")
        self.longest = longest


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
    may_change: bool = False
    """Whether the reader may build it."""

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
    today = offices.today(session, now)
    check_with(session, actor_id, Act.SEE_PROGRAMME, batch_id, today=today)
    may_change = may_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    return replace(_outline(session, batch_id), may_change=may_change)


def class_of(
    session: Session,
    *,
    phase_id: int | None = None,
    module_id: int | None = None,
    session_id: int | None = None,
) -> int:
    """Return the batch of a phase, a module or a meeting. Raises NotFound."""
    if phase_id is not None:
        return _phase(session, phase_id).batch_id
    if module_id is not None:
        return module_of(session, module_id)[1]
    batch_id = session.exec(
        select(ClassSession.batch_id).where(ClassSession.id == session_id)
    ).first()
    if batch_id is None:
        raise NotFound("meeting")
    return batch_id


def hosts(session: Session, text: str, *, limit: int = 8) -> tuple[tuple[int, str], ...]:
    """Return the units whose name contains the text, the shortest names first."""
    escaped = " ".join(text.split())
    if not escaped:
        return ()
    rows = session.exec(
        select(OrgUnit.id, OrgUnit.name)
        .where(col(OrgUnit.active), col(OrgUnit.name).contains(escaped, autoescape=True))
        .order_by(func.length(OrgUnit.name), col(OrgUnit.id))
        .limit(limit)
    ).all()
    return tuple((unit_id, name) for unit_id, name in rows)


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
    batch, programme = batch_of(session, batch_id)
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
        meeting_facts(row)
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


def meeting_facts(row: ClassSession) -> MeetingFacts:
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
    batch, programme = to_change(session, actor_id, batch_id, now)
    title = titled(title)
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
    note(session, actor_id, "add_phase", f"phase:{row.id}", batch, now=now, after={"title": title})
    schedule.plan_deadlines(session, batch_id, now=now)
    shadowing.invite(session, programme, batch, now=now)
    return row.id


_OF_PHASE = frozenset({"kind", "title", "starts_at", "ends_at", "host_unit_id", "gate"})


def change_phase(
    session: Session, actor_id: int, phase_id: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change what is given: kind, title, starts_at, ends_at, host_unit_id, gate.

    Its deadlines follow, and participants are told once when it takes place elsewhere or on
    other days; so are the schools that receive them. Raises as ``add_phase`` does.
    """
    phase = _phase(session, phase_id)
    batch, programme = to_change(session, actor_id, phase.batch_id, now)
    wanted = checked(changes, _OF_PHASE)
    _check_days(
        session,
        batch,
        wanted.get("starts_at", phase.starts_at),
        wanted.get("ends_at", phase.ends_at),
    )
    before = shadowing.place_of(session, phase)
    change_row(
        session, actor_id, "change_phase", f"phase:{phase_id}", phase, wanted, batch, now=now
    )
    schedule.plan_deadlines(session, batch.id, now=now)
    shadowing.invite(session, programme, batch, now=now)
    shadowing.tell(session, programme, batch, phase, before, now=now)


def place_phase(
    session: Session, actor_id: int, phase_id: int, position: int, *, now: datetime
) -> None:
    """Put the phase at this place, counted from 1; the others close up."""
    phase = _phase(session, phase_id)
    batch, _programme = to_change(session, actor_id, phase.batch_id, now)
    rows = session.exec(
        select(Phase).where(Phase.batch_id == phase.batch_id).order_by(col(Phase.position))
    ).all()
    if _reorder(session, rows, phase, position):
        note(session, actor_id, "place_phase", f"phase:{phase_id}", batch, now=now)
        schedule.plan_deadlines(session, batch.id, now=now)


def remove_phase(session: Session, actor_id: int, phase_id: int, *, now: datetime) -> None:
    """Take the phase away with its modules; their meetings and tasks stay with the class."""
    phase = session.exec(select(Phase).where(Phase.id == phase_id)).first()
    if phase is None:
        return
    batch, programme = to_change(session, actor_id, phase.batch_id, now)
    shadowing.call_off(session, programme.title, [phase], now=now)
    modules = select(Module.id).where(Module.phase_id == phase_id)
    _let_go(session, modules)
    session.exec(sa.delete(Module).where(col(Module.phase_id) == phase_id))
    title = phase.title
    for kind in schedule.OF_PHASE:
        deadlines.cancel_deadline(session, kind, phase_id, now=now)
    session.delete(phase)
    session.flush()
    counting.follow(session, batch.id)
    note(
        session, actor_id, "remove_phase", f"phase:{phase_id}", batch, now=now, after={"was": title}
    )
    schedule.plan_deadlines(session, batch.id, now=now)


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
    batch, _programme = to_change(session, actor_id, phase.batch_id, now)
    title = titled(title)
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
    note(session, actor_id, "add_module", thing, batch, now=now, after={"title": title})
    return row.id


_OF_MODULE = frozenset({"kind", "title", "mandatory", "hours", "weight", "due_at"})


def change_module(
    session: Session, actor_id: int, module_id: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change what is given: kind, title, mandatory, hours, weight, due_at."""
    module, batch_id = module_of(session, module_id)
    batch, _programme = to_change(session, actor_id, batch_id, now)
    wanted = checked(changes, _OF_MODULE)
    thing = f"module:{module_id}"
    change_row(session, actor_id, "change_module", thing, module, wanted, batch, now=now)


def place_module(
    session: Session, actor_id: int, module_id: int, position: int, *, now: datetime
) -> None:
    """Put the module at this place of its phase, counted from 1; the others close up."""
    module, batch_id = module_of(session, module_id)
    batch, _programme = to_change(session, actor_id, batch_id, now)
    rows = session.exec(
        select(Module).where(Module.phase_id == module.phase_id).order_by(col(Module.position))
    ).all()
    if _reorder(session, rows, module, position):
        note(session, actor_id, "place_module", f"module:{module_id}", batch, now=now)


def remove_module(session: Session, actor_id: int, module_id: int, *, now: datetime) -> None:
    """Take the module away; its meetings and tasks stay with the class."""
    module = session.exec(select(Module).where(Module.id == module_id)).first()
    if module is None:
        return
    _module_row, batch_id = module_of(session, module_id)
    batch, _programme = to_change(session, actor_id, batch_id, now)
    _let_go(session, select(Module.id).where(Module.id == module_id))
    title = module.title
    session.delete(module)
    session.flush()
    counting.follow(session, batch_id)
    thing = f"module:{module_id}"
    note(session, actor_id, "remove_module", thing, batch, now=now, after={"was": title})


# --- what these share --------------------------------------------------------------------------


def to_change(
    session: Session, actor_id: int, batch_id: int, now: datetime
) -> tuple[Batch, Programme]:
    """The class, locked, for somebody who may change it and while it can be changed."""
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=offices.today(session, now))
    seats.lock(session, batch_id)
    batch, programme = batch_of(session, batch_id)
    if programme.state is ProgrammeState.CANCELLED:
        raise ProgrammeCancelled(programme.title)
    return batch, programme


def _phase(session: Session, phase_id: int) -> Phase:
    phase = session.exec(select(Phase).where(Phase.id == phase_id)).first()
    if phase is None:
        raise NotFound("phase")
    return phase


def module_of(session: Session, module_id: int) -> tuple[Module, int]:
    found = session.exec(
        select(Module, Phase.batch_id)
        .join(Phase, col(Phase.id) == col(Module.phase_id))
        .where(Module.id == module_id)
    ).first()
    if found is None:
        raise NotFound("module")
    return found


def titled(title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise NoTitle
    if len(title) > LONGEST_TITLE:
        raise TitleTooLong(LONGEST_TITLE)
    return title


def checked(changes: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    unknown = set(changes) - known
    if unknown:
        raise ValueError(f"nothing to change: {sorted(unknown)}")
    wanted = dict(changes)
    if "title" in wanted:
        wanted["title"] = titled(wanted["title"])
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


def check_module(session: Session, module_id: int | None, batch_id: int) -> None:
    if module_id is not None and module_of(session, module_id)[1] != batch_id:
        raise NotFound("module")


def _let_go(session: Session, modules: Any) -> None:
    """Leave the meetings, the tasks and what counts on a platform with the class."""
    for table in (ClassSession, Task, ProgressItem):
        session.exec(
            sa.update(table).where(col(table.module_id).in_(modules)).values(module_id=None)
        )


def _reorder(
    session: Session, rows: Sequence[Phase | Module], row: Phase | Module, position: int
) -> bool:
    """Put the row at the position, counted from 1; False when it stands there already."""
    others = [one for one in rows if one.id != row.id]
    before = min(max(1, position), len(rows)) - 1
    ordered = [*others[:before], row, *others[before:]]
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


def change_row(
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
        note(session, actor_id, action, thing, batch, now=now, before=before, after=after)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, StrEnum) else value


def note(
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
