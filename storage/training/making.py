"""Making programmes: as a draft from a form, as a copy of an earlier one, with more classes.

A draft concerns nobody yet. What a form may say follows the rules of an office's plan, and
whose level it can be follows from the unit that holds it: a school holds school-based
training, a county its own and that of those above, to which it sends.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import workdays
from storage.calendar.workdays import WorkCalendar
from storage.credits.hours import rounded
from storage.deeds import ChangedSince
from storage.messaging.tables import Chat
from storage.moments import at, local_day
from storage.people import authority, facts, offices
from storage.people.authority import MAY, Act
from storage.people.tables import (
    Office,
    OrgUnit,
    RoleAssignment,
    ScopeKind,
    TeacherFact,
    UnitKind,
)
from storage.plan.form import ProgrammePart
from storage.refusals import NotAllowed, Refusal
from storage.tables import Row
from storage.training import publishing, seats, template
from storage.training.classes import run_by
from storage.training.publishing import NotUnderWay
from storage.training.refusals import ProgrammeCancelled
from storage.training.registration import SELF_REGISTERED
from storage.training.remote import carrying, presets
from storage.training.tables import (
    Approval,
    Batch,
    ClassSession,
    EligibilityRule,
    Enrolment,
    Interest,
    Level,
    MenuOption,
    Mode,
    Module,
    Phase,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    Task,
)

R = TypeVar("R", bound=Row)

LONGEST = 120
"""Characters that a title, a place or another short text may have."""
LONGEST_TEXT = 1000
"""Characters of a description."""
MOST_SEATS = 100_000
CLOSES_BEFORE = 3
"""Working days before the start at whose end registration usually closes."""

_OWN: dict[UnitKind, tuple[Level, ...]] = {
    UnitKind.SCHOOL: (Level.SCHOOL,),
    UnitKind.GROUP: (Level.SCHOOL,),
    UnitKind.AREA: (Level.SCHOOL,),
    UnitKind.CITY: (Level.CITY, Level.PROVINCIAL, Level.NATIONAL),
    UnitKind.PROVINCE: (Level.PROVINCIAL, Level.NATIONAL),
}
_COUNTY = (Level.COUNTY, Level.CITY, Level.PROVINCIAL, Level.NATIONAL)


def levels_of(kind: str) -> tuple[Level, ...]:
    """Return whose level the programmes of such a unit can be, the usual one first."""
    return _OWN.get(UnitKind(kind), _COUNTY)


class WrongValue(Refusal):
    """A value that this cannot have; ``field`` names it as ``Form`` does."""

    def __init__(self, field_: str) -> None:
        super().__init__(f"not a value for {field_}")
        self.field = field_


class DatesNotInOrder(Refusal):
    """It would end before it starts, or close before it opens or after it ended."""

    def __init__(self, earlier: datetime, later: datetime) -> None:
        super().__init__(f"{earlier} should not come after {later}")
        self.earlier = earlier
        self.later = later


@dataclass(frozen=True)
class Home:
    """A unit that somebody may hold programmes for, and whose level they can be.

    ``subjects`` narrows it to programmes for these subjects; empty is all.
    """

    unit_id: int
    name: str
    levels: tuple[Level, ...]
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """What a draft says. ``seats`` is None without a limit."""

    owner_unit_id: int
    title: str
    category: str
    starts_at: datetime
    ends_at: datetime
    level: Level
    mode: Mode = Mode.FACE_TO_FACE
    enrolment: Enrolment = Enrolment.OPEN
    approval: Approval = Approval.NONE
    audience: dict[str, Any] = field(default_factory=dict)
    hours: Decimal = Decimal(8)
    place: str = ""
    seats: int | None = None
    reg_open: datetime | None = None
    reg_close: datetime | None = None
    attendance_min: float = 0.8
    excellent_cap: float | None = None
    certificate: str = ""
    about: str = ""
    provider: str = ""
    template: str = ""


@dataclass(frozen=True)
class Made:
    """A class that was made, with its programme."""

    programme_id: int
    batch_id: int
    title: str
    is_published: bool = False


def homes(session: Session, actor_id: int, *, now: datetime) -> tuple[Home, ...]:
    """Return the units that the actor may hold programmes for. Raises NotAllowed for none."""
    today = local_day(now, offices.zone(session))
    found: dict[int, Home] = {}
    for grant in authority.grants(session, actor_id, today=today):
        if Act.RUN_PROGRAMME not in MAY[grant.role] or grant.batch_id is not None:
            continue
        unit_id = grant.unit_id or session.exec(select(Office.unit_id)).first()
        unit = session.exec(select(OrgUnit).where(OrgUnit.id == unit_id)).first()
        if unit is None or (unit.id in found and not found[unit.id].subjects):
            continue
        known = found[unit.id].subjects if unit.id in found else ()
        subjects = (*known, *grant.subjects) if grant.subjects else ()
        levels = levels_of(unit.kind)
        found[unit.id] = Home(unit.id, unit.name, levels, subjects)
    if not found:
        raise NotAllowed
    return tuple(found.values())


def create(
    session: Session, actor_id: int, form: Form, *, language: str = "zh_Hans", now: datetime
) -> Made:
    """Write down a draft with its one class. Raises NotAllowed, WrongValue, DatesNotInOrder.

    A template gives it the phases and modules that are usual for its kind.
    """
    _check_home(session, actor_id, form, now=now)
    check_form(form)
    programme = Programme(
        code=f"draft-{secrets.token_hex(8)}",
        title=form.title.strip(),
        level=form.level,
        category=form.category,
        mode=form.mode,
        enrolment=form.enrolment,
        approval=form.approval,
        owner_unit_id=form.owner_unit_id,
        provider=form.provider,
        audience=dict(form.audience),
        about=form.about,
        planned_hours=rounded(form.hours),
        attendance_min=form.attendance_min,
        excellent_cap=form.excellent_cap,
        certificate=form.certificate,
        state=ProgrammeState.DRAFT,
        template=form.template,
    )
    session.add(programme)
    session.flush()
    _give_code(session, programme, form.starts_at)
    calendar = workdays.load(session)
    reg_close = form.reg_close
    if reg_close is None and form.enrolment in SELF_REGISTERED:
        reg_close = usual_close(calendar, form.starts_at, now=now)
    batch = Batch(
        programme_id=programme.id,
        starts_at=form.starts_at,
        ends_at=form.ends_at,
        reg_open=form.reg_open,
        reg_close=reg_close,
        nominate_close=(
            usual_close(calendar, form.starts_at, now=now)
            if form.enrolment is Enrolment.NOMINATION
            else None
        ),
        place=form.place.strip(),
    )
    session.add(batch)
    session.flush()
    if form.seats is not None:
        pool = Quota(batch_id=batch.id, unit_id=form.owner_unit_id, seats=form.seats, is_pool=True)
        session.add(pool)
    _take_phases(session, batch.id, form.template, language)
    _record(session, actor_id, "create_programme", programme, now=now)
    return Made(programme.id, batch.id, programme.title)


def check_form(form: Form) -> None:
    """Refuse what a plan would refuse too. Raises WrongValue or DatesNotInOrder."""
    title, place = form.title.strip(), form.place.strip()
    if not title or len(title) > LONGEST:
        raise WrongValue("title")
    if len(place) > LONGEST:
        raise WrongValue("place")
    if form.seats is not None and form.seats > MOST_SEATS:
        raise WrongValue("seats")
    for key in form.audience:
        if key not in facts.KEYS:
            raise WrongValue("audience")
    try:
        ProgrammePart.model_validate(
            {
                "code": "-",
                "title": title,
                "level": form.level,
                "category": form.category,
                "mode": form.mode,
                "enrolment": form.enrolment,
                "approval": form.approval,
                "audience": form.audience,
                "hours": form.hours,
                "attendance_min": form.attendance_min,
                "seats": form.seats,
            }
        )
    except ValidationError as error:
        raise WrongValue(str(error.errors()[0]["loc"][0])) from None
    check_order(form.starts_at, form.ends_at, form.reg_open, form.reg_close)


def check_order(
    starts_at: datetime,
    ends_at: datetime,
    reg_open: datetime | None,
    reg_close: datetime | None,
) -> None:
    """Raise DatesNotInOrder unless it opens before it closes and starts before it ends."""
    pairs = [(starts_at, ends_at), (reg_open, reg_close), (reg_close, ends_at)]
    pairs.append((reg_open, ends_at))
    for earlier, later in pairs:
        if earlier is not None and later is not None and earlier >= later:
            raise DatesNotInOrder(earlier, later)


def usual_close(calendar: WorkCalendar, starts_at: datetime, *, now: datetime) -> datetime:
    """Return when registration usually closes: some working days before, or at the start."""
    day = calendar.shift(local_day(starts_at, calendar.zone), -CLOSES_BEFORE)
    closes = at(day, 17 * 60, calendar.zone)
    return closes if now + timedelta(days=1) <= closes < starts_at else starts_at


def clone(
    session: Session, actor_id: int, batch_id: int, starts_at: datetime, *, now: datetime
) -> Made:
    """Make a draft that is this programme once more, from another day on.

    All its dates go along by as many days; its year in the title too. Its classes, phases,
    modules, tasks and meetings come along, the people do not; seats go to the open pool, to be
    handed out anew. Raises NotFound or NotAllowed.
    """
    model, programme = run_by(session, actor_id, batch_id, now=now)
    zone = offices.zone(session)
    batches = session.exec(
        select(Batch)
        .where(Batch.programme_id == programme.id, col(Batch.cancelled_at).is_(None))
        .order_by(col(Batch.no))
    ).all() or [model]
    first = min(batch.starts_at for batch in batches)
    years = local_day(starts_at, zone).year - local_day(first, zone).year
    title = programme.title
    for year in {local_day(first, zone).year, local_day(first, zone).year - 1}:
        title = title.replace(str(year), f"\0{year + years}") if years else title
    copy = _copied(
        programme,
        code=f"draft-{secrets.token_hex(8)}",
        title=title.replace("\0", ""),
        state=ProgrammeState.DRAFT,
        cloned_from=programme.id,
        paused_at=None,
    )
    session.add(copy)
    session.flush()
    _give_code(session, copy, starts_at)
    for rule in session.exec(
        select(EligibilityRule).where(EligibilityRule.programme_id == programme.id)
    ).all():
        session.add(_copied(rule, programme_id=copy.id))
    made = 0
    for no, batch in enumerate(batches, 1):
        shift = starts_at - first
        row = _copied(
            batch,
            programme_id=copy.id,
            no=no,
            cancelled_at=None,
            revision=0,
            **_moved(
                batch,
                shift,
                "starts_at",
                "ends_at",
                "reg_open",
                "reg_close",
                "nominate_close",
                "roster_date",
                "approve_close",
                "thin_at",
                "second_close",
            ),
        )
        session.add(row)
        session.flush()
        _copy_structure(session, batch.id, row.id, shift)
        total = seats_of(session, batch.id)
        if total:
            session.add(
                Quota(batch_id=row.id, unit_id=copy.owner_unit_id, seats=total, is_pool=True)
            )
        made = made or row.id
    session.flush()
    _record(session, actor_id, "clone_programme", copy, now=now)
    return Made(copy.id, made, copy.title)


def add_batch(
    session: Session,
    actor_id: int,
    batch_id: int,
    starts_at: datetime,
    ends_at: datetime,
    *,
    place: str,
    seats_: int | None,
    title: str,
    now: datetime,
) -> Made:
    """Add one more class (班次) to the programme of this one, built like it.

    In a published programme it begins its life at once: its deadlines are planned. One whose
    people are enrolled by themselves has all of them in its first class, so a further one is
    refused. ``title`` may hold ``{n}`` for its number; a first class without a name of its own
    gets one of the same form then. Adding the same once more adds nothing.

    Raises NotFound, NotAllowed, WrongValue, DatesNotInOrder, ProgrammeCancelled, NotUnderWay.
    """
    model, programme = run_by(session, actor_id, batch_id, now=now)
    if programme.state is ProgrammeState.CANCELLED:
        raise ProgrammeCancelled(programme.title)
    if programme.state not in (ProgrammeState.DRAFT, ProgrammeState.PUBLISHED):
        raise NotUnderWay(programme.title, programme.state)
    if programme.enrolment is Enrolment.AUTOMATIC:
        raise WrongValue("enrolment")
    place, title = place.strip(), title.strip()
    if len(place) > LONGEST or len(title) > LONGEST:
        raise WrongValue("place")
    if seats_ is not None and not 0 < seats_ <= MOST_SEATS:
        raise WrongValue("seats")
    check_order(starts_at, ends_at, None, None)
    is_published = programme.state is ProgrammeState.PUBLISHED
    if is_published and ends_at <= now:
        raise DatesNotInOrder(now, ends_at)
    of = select(Batch).where(Batch.programme_id == programme.id).order_by(col(Batch.no))
    seats.lock(session, *(each.id for each in session.exec(of).all()))
    siblings = session.exec(of.execution_options(populate_existing=True)).all()
    latest = siblings[-1]
    if latest.id != model.id and (latest.starts_at, latest.ends_at, latest.place) == (
        starts_at,
        ends_at,
        place,
    ):  # asked twice
        return Made(programme.id, latest.id, programme.title, is_published)
    no = latest.no + 1
    if "{n}" in title and not siblings[0].title:
        siblings[0].title = title.replace("{n}", str(siblings[0].no))
        siblings[0].revision += 1
    shift = starts_at - model.starts_at
    calendar = workdays.load(session)
    row = Batch(
        programme_id=programme.id,
        no=no,
        title=title.replace("{n}", str(no)),
        starts_at=starts_at,
        ends_at=ends_at,
        reg_close=(
            usual_close(calendar, starts_at, now=now)
            if programme.enrolment in SELF_REGISTERED
            else None
        ),
        nominate_close=(
            usual_close(calendar, starts_at, now=now)
            if programme.enrolment is Enrolment.NOMINATION
            else None
        ),
        place=place,
        bring=model.bring,
        waiting_limit=model.waiting_limit,
        offer_hours=model.offer_hours,
        minimum=model.minimum,
        counts_check_out=model.counts_check_out,
    )
    session.add(row)
    session.flush()
    if seats_ is not None:
        pool = Quota(batch_id=row.id, unit_id=programme.owner_unit_id, seats=seats_, is_pool=True)
        session.add(pool)
    _copy_structure(session, model.id, row.id, shift, meetings=False)
    if is_published:
        publishing.begin(session, programme, row, now=now)
    after = {"starts_at": starts_at.isoformat(), "seats": seats_}
    audit.record(session, actor_id, "add_batch", f"batch:{row.id}", now=now, after=after)
    session.flush()
    return Made(programme.id, row.id, programme.title, is_published)


def discard(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> str:
    """Throw a draft away for good; return what it was called.

    Raises NotFound, NotAllowed, or ChangedSince once it is more than a draft.
    """
    _model, programme = run_by(session, actor_id, batch_id, now=now)
    title = programme.title
    erase(session, programme.id)
    audit.record(
        session, actor_id, "discard_draft", f"programme:{programme.id}", now=now, reason=title
    )
    session.flush()
    return title


def erase(session: Session, programme_id: int) -> None:
    """Take a draft out with all that hangs on it. Raises ChangedSince unless it is a draft."""
    found = session.exec(
        select(Programme).where(Programme.id == programme_id).with_for_update(key_share=True)
    ).first()
    if found is None:
        return
    batches = list(session.exec(select(Batch.id).where(Batch.programme_id == programme_id)).all())
    entered = session.exec(
        select(Registration.id).where(col(Registration.batch_id).in_(batches))
    ).first()
    if found.state is not ProgrammeState.DRAFT or entered is not None:
        raise ChangedSince(found.title)
    phases = sa.select(col(Phase.id)).where(col(Phase.batch_id).in_(batches))
    session.exec(
        sa.update(Programme)
        .where(col(Programme.cloned_from) == programme_id)
        .values(cloned_from=None)
    )
    session.exec(
        sa.update(Chat).where(col(Chat.programme_id) == programme_id).values(programme_id=None)
    )
    session.exec(
        sa.delete(RoleAssignment).where(
            col(RoleAssignment.scope_kind) == ScopeKind.BATCH,
            col(RoleAssignment.scope_id).in_(batches),
        )
    )
    carrying.forget(session, batches)
    for table in (Task, ClassSession):
        session.exec(sa.delete(table).where(col(table.batch_id).in_(batches)))
    session.exec(sa.delete(Module).where(col(Module.phase_id).in_(phases)))
    for row in (Phase, Quota, MenuOption, Interest):
        session.exec(sa.delete(row).where(col(row.batch_id).in_(batches)))
    session.exec(
        sa.delete(EligibilityRule).where(col(EligibilityRule.programme_id) == programme_id)
    )
    session.exec(sa.delete(Batch).where(col(Batch.id).in_(batches)))
    session.exec(sa.delete(Programme).where(col(Programme.id) == programme_id))
    session.expire_all()


def subjects_of(session: Session) -> tuple[str, ...]:
    """Return the subjects that teachers of the office have, those of most people first."""
    return tuple(
        session.exec(
            select(TeacherFact.value)
            .where(TeacherFact.key == "subject")
            .group_by(col(TeacherFact.value))
            .order_by(sa.func.count().desc(), col(TeacherFact.value))
        ).all()
    )


def seats_of(session: Session, batch_id: int) -> int | None:
    """Return how many seats a class has in all; None without a limit."""
    found = session.exec(select(sa.func.sum(Quota.seats)).where(Quota.batch_id == batch_id)).one()
    return None if found is None else int(found)


# -- inside ----------------------------------------------------------------------------------------


def _check_home(session: Session, actor_id: int, form: Form, *, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    of = next(
        (h for h in homes(session, actor_id, now=now) if h.unit_id == form.owner_unit_id), None
    )
    if of is None:
        # A county may write down what one of its schools holds.
        authority.check(session, actor_id, Act.RUN_PROGRAMME, form.owner_unit_id, today=today)
        kind = session.exec(select(OrgUnit.kind).where(OrgUnit.id == form.owner_unit_id)).one()
        levels: Sequence[Level] = levels_of(kind)
    else:
        levels = of.levels
        wanted = form.audience.get("subject") or []
        if of.subjects and not (wanted and set(wanted) <= set(of.subjects)):
            raise NotAllowed
    if form.level not in levels:
        raise NotAllowed


def _give_code(session: Session, programme: Programme, starts_at: datetime) -> None:
    """A code that says whose it is and of which year; the row's number makes it unique."""
    unit = session.exec(select(OrgUnit.code).where(OrgUnit.id == programme.owner_unit_id)).one()
    programme.code = f"{unit}-{starts_at.year % 100:02}-{programme.id}"
    session.flush()


def _take_phases(session: Session, batch_id: int, key: str, language: str) -> None:
    usual = template.of_key(key)
    if usual and usual.remote:
        presets.take(session, batch_id, usual.remote, language)
    for position, part in enumerate(usual.phases if usual else (), 1):
        phase = Phase(
            batch_id=batch_id, position=position, kind=part.kind, title=part.title.said(language)
        )
        session.add(phase)
        session.flush()
        session.add_all(
            Module(
                phase_id=phase.id,
                position=number,
                kind=module.kind,
                title=module.title.said(language),
                mandatory=module.mandatory,
            )
            for number, module in enumerate(part.modules, 1)
        )
    session.flush()


def _copy_structure(
    session: Session, of: int, to: int, shift: timedelta, *, meetings: bool = True
) -> None:
    """Copy phases, modules, tasks and meetings of a class, so much later."""
    modules: dict[int, int] = {}
    for phase in session.exec(
        select(Phase).where(Phase.batch_id == of).order_by(col(Phase.position))
    ).all():
        new = _copied(phase, batch_id=to, **_moved(phase, shift, "starts_at", "ends_at"))
        session.add(new)
        session.flush()
        for module in session.exec(select(Module).where(Module.phase_id == phase.id)).all():
            same = _copied(module, phase_id=new.id, **_moved(module, shift, "due_at"))
            session.add(same)
            session.flush()
            modules[module.id] = same.id
    for task in session.exec(select(Task).where(Task.batch_id == of)).all():
        module_id = modules.get(task.module_id or 0)
        session.add(_copied(task, batch_id=to, module_id=module_id, due_at=task.due_at + shift))
    held = select(ClassSession).where(ClassSession.batch_id == of)
    for meeting in session.exec(held).all() if meetings else ():
        session.add(
            _copied(
                meeting,
                batch_id=to,
                module_id=modules.get(meeting.module_id or 0),
                secret="",
                opened_at=None,
                closed_at=None,
                **_moved(meeting, shift, "starts_at", "ends_at"),
            )
        )
    carrying.copy(session, of, to, modules, shift)
    session.flush()


def _copied(row: R, **differs: Any) -> R:
    return type(row)(**row.model_dump(exclude={"id"}) | differs)


def _moved(row: Row, shift: timedelta, *names: str) -> dict[str, datetime | None]:
    moments = {name: getattr(row, name) for name in names}
    return {name: moment and moment + shift for name, moment in moments.items()}


def _record(
    session: Session, actor_id: int, act: str, programme: Programme, *, now: datetime
) -> None:
    after = {"title": programme.title, "level": programme.level.value, "code": programme.code}
    audit.record(session, actor_id, act, f"programme:{programme.id}", now=now, after=after)
    session.flush()
