"""Attendance as the organiser and the schools keep it: counts, marks by hand, and the end.

Whoever runs the class sees and marks everybody; a school's coordinator those of the school, and
everybody at the meetings of a stretch that takes place there.
Nothing here is told to the people concerned: what is entered they see on their own card.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Teacher
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import check_codes, check_in, hosting, windows
from storage.training.check_codes import Box, Code
from storage.training.classes import batch_of
from storage.training.owing import TAKES_PART
from storage.training.tables import (
    Attendance,
    Batch,
    CheckIn,
    ClassSession,
    Knock,
    KnockWhy,
    Leave,
    LeaveState,
    Method,
    Presence,
    Programme,
    ProgrammeState,
    Registration,
)
from storage.training.windows import CAME, ON_LIST, MeetingFacts
from storage.waiting_for import Waiting

PAGE = 8
MEETINGS = 6  # on a page
SCHOOLS_MARK_FOR = timedelta(days=7)
"""So long after a meeting a school may mark its people; whoever runs the class, always."""
LABEL = 12  # characters of a title that an authenticator shows; more make its picture dense
ASKED_FOR = timedelta(days=14)
"""So long a meeting without any presence waits on the organiser's desk."""


class NotBegun(Refusal):
    """Presence is marked from the opening of check-in on."""

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(f"presence can be marked from {opens_at}")
        self.opens_at = opens_at


class NoLongerMarked(Refusal):
    """A school marks its people for some days after the meeting."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"schools could mark until {until}")
        self.until = until


class CheckInClosed(Refusal):
    """There is no code to show: check-in is closed."""

    def __init__(self, closed_at: datetime) -> None:
        super().__init__(f"check-in closed at {closed_at}")
        self.closed_at = closed_at


@dataclass(frozen=True)
class Counts:
    """A meeting in figures; ``came`` includes who came late or left early."""

    expected: int = 0
    came: int = 0
    late: int = 0
    left_early: int = 0
    leave: int = 0
    excused: int = 0
    absent: int = 0
    gone: int = 0  # checked out

    @property
    def unknown(self) -> int:
        """Of whom nothing is known (yet)."""
        return self.expected - self.came - self.leave - self.excused - self.absent


@dataclass(frozen=True)
class MeetingLine:
    """A meeting in a list."""

    meeting: MeetingFacts
    is_open: bool
    is_over: bool
    counts: Counts
    waits: bool
    """It is over, and whoever runs the class is still to enter who was there."""


@dataclass(frozen=True)
class Meetings:
    """A page of a class's meetings, in order of time; ``here`` opens the page of today."""

    batch_id: int
    title: str
    lines: tuple[MeetingLine, ...]
    page: int
    pages: int
    waiting: tuple[datetime, ...]
    """When those began that wait to be entered, on whatever page."""


@dataclass(frozen=True)
class MeetingCard:
    """One meeting for whoever marks it; ``runs_it``: everybody, not only the own people."""

    meeting: MeetingFacts
    runs_it: bool
    check_in: CheckIn
    counts_check_out: bool
    opens_at: datetime
    closes_at: datetime
    is_open: bool
    is_closed_by_hand: bool
    counts: Counts
    units: int
    walk_ins: int
    odd: int
    may_mark: bool


@dataclass(frozen=True)
class Shown:
    """The code of the moment for the screen in the room."""

    meeting: MeetingFacts
    box: Box
    code: Code
    opens_at: datetime
    counts: Counts


@dataclass(frozen=True)
class UnitCount:
    """A school at a meeting."""

    unit_id: int
    name: str
    expected: int
    came: int


@dataclass(frozen=True)
class NameLine:
    """A person at a meeting; ``state`` None when nothing is known yet."""

    registration_id: int
    teacher_id: int
    staff_no: str
    name: str
    unit: str
    unit_short: str
    state: Presence | None
    method: Method | None
    at: datetime | None
    out_at: datetime | None
    odd: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """A page of people at a meeting; ``unit`` is empty for everybody within reach."""

    meeting: MeetingFacts
    unit_id: int
    unit: str
    lines: tuple[NameLine, ...]
    page: int
    pages: int
    total: int
    runs_it: bool


@dataclass(frozen=True)
class WalkIn:
    """Somebody who was there and is not on the list."""

    name: str
    unit: str
    at: datetime


@dataclass(frozen=True)
class Reach:
    """How far somebody marks: everybody, or the people of some units."""

    runs_it: bool
    where: tuple[sa.ColumnElement[bool], ...]
    units: Any = None


def reach_of(
    session: Session,
    actor_id: int,
    batch_id: int,
    now: datetime,
    meeting: ClassSession | None = None,
) -> Reach:
    """Return whom the actor marks in this class; raises NotAllowed for who marks nobody.

    At a meeting of a stretch that takes place at the actor's school these are all who come.
    """
    today = local_day(now, offices.zone(session))
    of_class = (
        col(Registration.batch_id) == batch_id,
        col(Registration.state).in_(ON_LIST),
    )
    if authority.may_with(session, actor_id, Act.TAKE_ATTENDANCE, batch_id, today=today):
        return Reach(True, of_class)
    if Act.MARK_PRESENCE not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    if meeting is not None and hosting.receives(session, actor_id, meeting, now=now):
        return Reach(False, of_class, sa.select(col(OrgUnit.id)))
    own = authority.reaches(session, actor_id, Act.MARK_PRESENCE, today=today)
    return Reach(False, (*of_class, col(Registration.unit_id_at).in_(own)), own)


def _organiser(session: Session, actor_id: int, batch_id: int, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.TAKE_ATTENDANCE, batch_id, today=today)


# --- reading -----------------------------------------------------------------------------------


def _has_leave() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        col(Leave.registration_id) == col(Registration.id),
        col(Leave.session_id) == col(ClassSession.id),
        col(Leave.state) == LeaveState.APPROVED,
    )


def _effective() -> sa.ColumnElement[Any]:
    """What somebody is at a meeting: leave counts until a person or a code says otherwise."""
    state = sa.type_coerce(col(Attendance.state), sa.String)
    return sa.case(
        (
            sa.and_(
                sa.or_(
                    col(Attendance.id).is_(None),
                    col(Attendance.method) == Method.CLOCK,
                ),
                _has_leave(),
            ),
            sa.literal(Presence.LEAVE.value),
        ),
        else_=state,
    )


def _expected() -> Any:
    """The people of meetings with what is entered of them, to be narrowed and projected."""
    return (
        sa.select(col(Registration.id))
        .select_from(ClassSession)
        .join(Registration, col(Registration.batch_id) == col(ClassSession.batch_id))
        .outerjoin(
            Attendance,
            sa.and_(
                col(Attendance.session_id) == col(ClassSession.id),
                col(Attendance.registration_id) == col(Registration.id),
            ),
        )
    )


def _counts(session: Session, reach: Reach, session_ids: Collection[int]) -> dict[int, Counts]:
    state = _effective().label("state")
    rows = session.exec(
        _expected()
        .with_only_columns(
            col(ClassSession.id), state, sa.func.count(), sa.func.count(col(Attendance.out_at))
        )
        .where(col(ClassSession.id).in_(session_ids), *reach.where)
        .group_by(col(ClassSession.id), state)
    ).all()
    found: dict[int, dict[str | None, int]] = {}
    gone: dict[int, int] = {}
    for session_id, of_state, number, out in rows:
        found.setdefault(session_id, {})[of_state] = number
        gone[session_id] = gone.get(session_id, 0) + out
    return {
        session_id: Counts(
            expected=sum(of.values()),
            came=sum(of.get(state.value, 0) for state in CAME),
            late=of.get(Presence.LATE, 0),
            left_early=of.get(Presence.LEFT_EARLY, 0),
            leave=of.get(Presence.LEAVE, 0),
            excused=of.get(Presence.EXCUSED, 0),
            absent=of.get(Presence.ABSENT, 0),
            gone=gone[session_id],
        )
        for session_id, of in found.items()
    }


def list_meetings(
    session: Session, actor_id: int, batch_id: int, *, page: int | None = None, now: datetime
) -> Meetings:
    """Return a page of the class's meetings; without a page that of the next meeting.

    Raises NotFound or NotAllowed.
    """
    batch, programme = batch_of(session, batch_id)
    reach = reach_of(session, actor_id, batch_id, now)
    if programme.state is ProgrammeState.DRAFT and not reach.runs_it:
        raise NotAllowed
    rows = session.exec(
        select(ClassSession)
        .where(ClassSession.batch_id == batch_id, ClassSession.check_in != CheckIn.NONE)
        .order_by(col(ClassSession.starts_at), col(ClassSession.id))
    ).all()
    pages = max(1, -(-len(rows) // MEETINGS))
    if page is None:
        over = sum(windows.closes_at(row) <= now for row in rows)
        page = min(over, max(0, len(rows) - 1)) // MEETINGS
    page = min(max(0, page), pages - 1)
    shown = rows[page * MEETINGS : (page + 1) * MEETINGS]
    asked: set[int] = set()
    if reach.runs_it:
        of_class = _asked_for(now).where(col(ClassSession.batch_id) == batch_id)
        asked = {id_ for (id_,) in session.exec(of_class)}
    counts = _counts(session, reach, [row.id for row in shown])
    return Meetings(
        batch_id=batch_id,
        title=programme.title,
        lines=tuple(
            MeetingLine(
                windows.facts_of(row, batch, programme),
                windows.is_open(row, now),
                row.ends_at <= now,
                counts.get(row.id, Counts()),
                row.id in asked,
            )
            for row in shown
        ),
        page=page,
        pages=pages,
        waiting=tuple(row.starts_at for row in rows if row.id in asked),
    )


def meeting_card(session: Session, actor_id: int, session_id: int, *, now: datetime) -> MeetingCard:
    """Return one meeting as far as the actor marks it. Raises NotFound or NotAllowed."""
    meeting, batch, programme = windows.get(session, session_id)
    reach = reach_of(session, actor_id, batch.id, now, meeting)
    units = session.exec(
        sa.select(sa.func.count(sa.distinct(col(Registration.unit_id_at)))).where(*reach.where)  # type: ignore[call-overload]
    ).scalar_one()
    odd = session.exec(
        _expected()
        .with_only_columns(sa.func.count())
        .where(col(ClassSession.id) == session_id, col(Attendance.odd) != "", *reach.where)
    ).scalar_one()
    walked_in = len(_walk_ins(session, meeting)) if reach.runs_it else 0
    return MeetingCard(
        meeting=windows.facts_of(meeting, batch, programme),
        runs_it=reach.runs_it,
        check_in=meeting.check_in,
        counts_check_out=batch.counts_check_out,
        opens_at=windows.opens_at(meeting),
        closes_at=windows.closes_at(meeting),
        is_open=windows.is_open(meeting, now),
        is_closed_by_hand=meeting.closed_at is not None,
        counts=_counts(session, reach, [session_id]).get(session_id, Counts()),
        units=units,
        walk_ins=walked_in,
        odd=odd if reach.runs_it else 0,
        may_mark=why_not_marked(meeting, reach, now) is None,
    )


def units_of(
    session: Session, actor_id: int, session_id: int, *, now: datetime
) -> tuple[MeetingFacts, tuple[UnitCount, ...]]:
    """Return the schools at a meeting, as far as the actor marks them."""
    meeting, batch, programme = windows.get(session, session_id)
    reach = reach_of(session, actor_id, batch.id, now, meeting)
    rows = session.exec(
        _expected()
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .with_only_columns(
            col(OrgUnit.id),
            col(OrgUnit.name),
            sa.func.count(),
            sa.func.count(sa.case((col(Attendance.state).in_(CAME), 1))),
        )
        .where(col(ClassSession.id) == session_id, *reach.where)
        .group_by(col(OrgUnit.id), col(OrgUnit.name))
        .order_by(col(OrgUnit.id))
    ).all()
    return windows.facts_of(meeting, batch, programme), tuple(UnitCount(*row) for row in rows)


def names(
    session: Session,
    actor_id: int,
    session_id: int,
    *,
    unit_id: int = 0,
    only: str = "",
    page: int = 0,
    size: int = PAGE,
    now: datetime,
) -> Names:
    """Return a page of the people at a meeting by school and staff number.

    ``only`` is ``missing`` for who has not come, ``odd`` for what looks odd, or nothing. The
    log keeps that somebody who runs the class looked at names.
    """
    meeting, batch, programme = windows.get(session, session_id)
    reach = reach_of(session, actor_id, batch.id, now, meeting)
    where = within(reach, unit_id)
    if only == "odd":
        where = (*where, col(Attendance.odd) != "")
    elif only == "missing":
        where = (
            *where,
            sa.or_(col(Attendance.id).is_(None), col(Attendance.state).not_in(CAME)),
        )
    if reach.runs_it:
        audit.record(
            session, actor_id, "look_at_attendance", f"class_session:{session_id}", now=now
        )
        session.flush()
    everybody = _people(where, session_id)
    total = session.exec(everybody.with_only_columns(sa.func.count())).scalar_one()
    pages = max(1, -(-total // size))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        everybody.order_by(col(OrgUnit.id), col(Teacher.staff_no)).offset(page * size).limit(size)
    ).all()
    unit = ""
    if unit_id:
        unit = session.exec(select(OrgUnit.name).where(OrgUnit.id == unit_id)).first() or ""
    return Names(
        windows.facts_of(meeting, batch, programme),
        unit_id,
        unit,
        tuple(_name_line(row) for row in rows),
        page,
        pages,
        total,
        reach.runs_it,
    )


def person(
    session: Session, actor_id: int, session_id: int, registration_id: int, *, now: datetime
) -> tuple[MeetingFacts, NameLine, bool]:
    """Return one person at a meeting, and whether the actor runs the class.

    The log keeps that somebody looked.
    """
    meeting, batch, programme = windows.get(session, session_id)
    reach = reach_of(session, actor_id, batch.id, now, meeting)
    row = session.exec(
        _people((*reach.where, col(Registration.id) == registration_id), session_id)
    ).first()
    if row is None:
        raise NotFound("registration")
    audit.looked(
        session, actor_id, "look_at_attendance", f"registration:{registration_id}", now=now
    )
    return windows.facts_of(meeting, batch, programme), _name_line(row), reach.runs_it


def walk_ins(
    session: Session, actor_id: int, session_id: int, *, now: datetime
) -> tuple[MeetingFacts, tuple[WalkIn, ...]]:
    """Return who was there and is not on the list, for whoever runs the class."""
    meeting, batch, programme = windows.get(session, session_id)
    _organiser(session, actor_id, batch.id, now)
    audit.record(session, actor_id, "look_at_attendance", f"class_session:{session_id}", now=now)
    session.flush()
    return windows.facts_of(meeting, batch, programme), _walk_ins(session, meeting)


def _walk_ins(session: Session, meeting: ClassSession) -> tuple[WalkIn, ...]:
    unit = (
        sa.select(col(OrgUnit.name))
        .join(SQLModel.metadata.tables["posting"], sa.true())
        .where(
            SQLModel.metadata.tables["posting"].c.unit_id == col(OrgUnit.id),
            SQLModel.metadata.tables["posting"].c.teacher_id == col(Teacher.id),
            SQLModel.metadata.tables["posting"].c.is_primary,
            SQLModel.metadata.tables["posting"].c.until.is_(None),
        )
        .limit(1)
        .correlate(Teacher)
        .scalar_subquery()
    )
    rows: Any = session.exec(
        sa.select(col(Teacher.name), sa.func.coalesce(unit, ""), col(Knock.at))  # type: ignore[call-overload]
        .join(Knock, col(Knock.teacher_id) == col(Teacher.id))
        .where(
            col(Knock.session_id) == meeting.id,
            col(Knock.why) == KnockWhy.NOT_LISTED,
            ~sa.exists().where(
                col(Registration.batch_id) == meeting.batch_id,
                col(Registration.teacher_id) == col(Knock.teacher_id),
                col(Registration.state).in_(ON_LIST),
            ),
        )
        .order_by(col(Knock.at), col(Knock.id))
    ).all()
    return tuple(WalkIn(*row) for row in rows)


def within(reach: Reach, unit_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of the reach, in one unit or (0) in all."""
    if not unit_id:
        return reach.where
    return (*reach.where, col(Registration.unit_id_at) == unit_id)


def _people(where: Iterable[sa.ColumnElement[bool]], session_id: int) -> Any:
    return (
        _expected()
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .with_only_columns(
            col(Registration.id),
            col(Registration.teacher_id),
            col(Teacher.staff_no),
            col(Teacher.name),
            col(OrgUnit.name).label("unit"),
            col(OrgUnit.short_name),
            _effective().label("state"),
            col(Attendance.method),
            col(Attendance.at),
            col(Attendance.out_at),
            sa.func.coalesce(col(Attendance.odd), "").label("odd"),
        )
        .where(col(ClassSession.id) == session_id, *where)
    )


def people_at(
    session: Session, where: Iterable[sa.ColumnElement[bool]], session_id: int
) -> list[NameLine]:
    """Return the people of a meeting that a condition leaves, in no order."""
    return [_name_line(row) for row in session.exec(_people(where, session_id)).all()]


def _name_line(row: Any) -> NameLine:
    return NameLine(
        registration_id=row.id,
        teacher_id=row.teacher_id,
        staff_no=row.staff_no,
        name=row.name,
        unit=row.unit,
        unit_short=row.short_name,
        state=None if row.state is None else Presence(row.state),
        method=row.method,
        at=row.at,
        out_at=row.out_at,
        odd=tuple(part for part in row.odd.split(",") if part),
    )


def why_not_marked(meeting: ClassSession, reach: Reach, now: datetime) -> Refusal | None:
    """Return why presence cannot be entered by hand now, if it cannot."""
    if now < windows.opens_at(meeting):
        return NotBegun(windows.opens_at(meeting))
    until = meeting.ends_at + SCHOOLS_MARK_FOR
    if not reach.runs_it and now >= until:
        return NoLongerMarked(until)
    return None


# --- the room ----------------------------------------------------------------------------------


def open_now(session: Session, actor_id: int, session_id: int, *, now: datetime) -> None:
    """Open check-in now, or again; whoever was there early is told."""
    meeting, batch, programme = windows.get(session, session_id, locked=True)
    _organiser(session, actor_id, batch.id, now)
    windows.check_takes_place(batch, programme)
    if meeting.check_in is not CheckIn.CODE:
        raise NotFound("meeting")
    if windows.is_open(meeting, now):
        return
    before = _times(meeting)
    meeting.opened_at, meeting.closed_at = now, None
    windows.secret_of(session, session_id)
    session.flush()
    check_in.opened_early(session, session_id, now=now)
    audit.record(
        session,
        actor_id,
        "open_check_in",
        f"class_session:{session_id}",
        now=now,
        before=before,
        after=_times(meeting),
    )
    session.flush()


def close_now(session: Session, actor_id: int, session_id: int, *, now: datetime) -> None:
    """Close check-in; it can be opened again."""
    meeting, batch, _ = windows.get(session, session_id, locked=True)
    _organiser(session, actor_id, batch.id, now)
    if not windows.is_open(meeting, now):
        return
    before = _times(meeting)
    # Presence was taken, even if nobody has come so far.
    meeting.opened_at = meeting.opened_at or windows.opens_at(meeting)
    meeting.closed_at = now
    session.flush()
    audit.record(
        session,
        actor_id,
        "close_check_in",
        f"class_session:{session_id}",
        now=now,
        before=before,
        after=_times(meeting),
    )
    session.flush()


def _times(meeting: ClassSession) -> dict[str, Any]:
    return {
        "opened_at": meeting.opened_at and meeting.opened_at.isoformat(),
        "closed_at": meeting.closed_at and meeting.closed_at.isoformat(),
    }


def show_code(
    session: Session, actor_id: int, session_id: int, box: Box, *, now: datetime
) -> Shown:
    """Return the code of the moment, for coming or going.

    Raises NotAllowed, NotFound, ProgrammeCancelled or CheckInClosed.
    """
    meeting, batch, programme = windows.get(session, session_id)
    _organiser(session, actor_id, batch.id, now)
    windows.check_takes_place(batch, programme)
    if meeting.check_in is not CheckIn.CODE or (box is Box.OUT and not batch.counts_check_out):
        raise NotFound("meeting")
    if now >= windows.closes_at(meeting):
        raise CheckInClosed(windows.closes_at(meeting))
    secret = meeting.secret or windows.secret_of(session, session_id)
    reach = reach_of(session, actor_id, batch.id, now, meeting)
    return Shown(
        windows.facts_of(meeting, batch, programme),
        box,
        check_codes.code_at(secret, session_id, box, now),
        windows.opens_at(meeting),
        _counts(session, reach, [session_id]).get(session_id, Counts()),
    )


@dataclass(frozen=True)
class Kit:
    """What the trainer takes along into a room without a signal. It is a key: keep it safe."""

    meeting: MeetingFacts
    key: str
    address: str  # for an authenticator
    slots: tuple[tuple[datetime, str], ...]
    until: datetime  # until when its codes can be typed in


def kit(session: Session, actor_id: int, session_id: int, *, now: datetime) -> Kit:
    """Return the printed kit of a meeting; the log keeps who took it."""
    meeting, batch, programme = windows.get(session, session_id)
    _organiser(session, actor_id, batch.id, now)
    windows.check_takes_place(batch, programme)
    if meeting.check_in is not CheckIn.CODE:
        raise NotFound("meeting")
    secret = windows.secret_of(session, session_id)
    audit.record(session, actor_id, "take_check_in_kit", f"class_session:{session_id}", now=now)
    session.flush()
    facts = windows.facts_of(meeting, batch, programme)
    opens = meeting.starts_at - windows.OPENS_BEFORE
    local = meeting.starts_at.astimezone(offices.zone(session))
    label = f"{programme.title[:LABEL]} {local:%m-%d}"
    return Kit(
        facts,
        check_codes.key_of(secret, session_id),
        check_codes.otpauth(secret, session_id, label),
        tuple(
            (slot, check_codes.slot_code(secret, session_id, slot))
            for slot in check_codes.slots(opens, meeting.ends_at)
        ),
        meeting.ends_at + windows.TIME_CODES_FOR,
    )


def presence_of(session: Session, batch_id: int) -> dict[int, tuple[int, int]]:
    """Return for each registration on the list how many meetings were attended, of how many.

    Counted are the meetings of the class at which presence was taken, but for those from
    which the person is excused; leave stays in the count. Attended is whoever was present or
    came late, and, where the class counts checking out, checked out too unless a person
    entered the presence.
    """
    out_counts = session.exec(select(Batch.counts_check_out).where(Batch.id == batch_id)).first()
    attended: sa.ColumnElement[bool] = col(Attendance.state).in_([Presence.PRESENT, Presence.LATE])
    if out_counts:
        attended = sa.and_(
            attended,
            sa.or_(
                col(Attendance.out_at).is_not(None),
                col(Attendance.method).in_([Method.COORDINATOR, Method.IMPORT]),
            ),
        )
    excused = sa.func.coalesce(
        sa.type_coerce(col(Attendance.state), sa.String) == Presence.EXCUSED.value, sa.false()
    )
    taken = sa.select(col(ClassSession.id)).where(
        col(ClassSession.batch_id) == batch_id,
        col(ClassSession.check_in) != CheckIn.NONE,
        windows.is_taken(),
    )
    rows = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Registration.id),
            sa.func.count(sa.case((attended, 1))),
            sa.func.count(sa.case((sa.and_(col(ClassSession.id).is_not(None), ~excused), 1))),
        )
        .select_from(Registration)
        .outerjoin(
            ClassSession,
            sa.and_(
                col(ClassSession.batch_id) == col(Registration.batch_id),
                col(ClassSession.id).in_(taken),
            ),
        )
        .outerjoin(
            Attendance,
            sa.and_(
                col(Attendance.session_id) == col(ClassSession.id),
                col(Attendance.registration_id) == col(Registration.id),
            ),
        )
        .where(col(Registration.batch_id) == batch_id, col(Registration.state).in_(ON_LIST))
        .group_by(col(Registration.id))
    ).all()
    return {registration_id: (came, counted) for registration_id, came, counted in rows}


def _asked_for(now: datetime) -> Any:
    """Select the meetings that are over and wait for their organiser to enter presence."""
    return (
        sa.select(col(ClassSession.id))
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            col(Batch.cancelled_at).is_(None),
            col(Programme.state) == ProgrammeState.PUBLISHED,
            col(ClassSession.check_in) != CheckIn.NONE,
            col(ClassSession.ends_at) <= now - windows.CLOSES_AFTER,
            col(ClassSession.ends_at) > now - ASKED_FOR,
            ~windows.is_taken(),
            sa.exists().where(
                col(Registration.batch_id) == col(Batch.id),
                col(Registration.state).in_(TAKES_PART),
            ),
        )
    )


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return the classes with meetings that are over and have nobody entered."""
    today: date = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.TAKE_ATTENDANCE, today=today)
    rows: Any = session.exec(
        _asked_for(now)
        .with_only_columns(col(Batch.id), col(Programme.title), sa.func.count())
        .where(col(Batch.id).in_(mine))
        .group_by(col(Batch.id), col(Programme.title))
        .order_by(sa.func.min(col(ClassSession.ends_at)))
    ).all()
    return tuple(Waiting("attendance", count, batch_id, title) for batch_id, title, count in rows)
