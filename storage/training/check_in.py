"""Checking in: somebody scans, types or taps, and is on the meeting's list as come.

Whatever comes of it is an outcome and no refusal: a wrong code is counted, and somebody who is
too early or not on the list is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.calendar import workdays
from storage.inserting import insert_new
from storage.messaging import outbox, quiet
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.people.tables import Account
from storage.refusals import NotFound
from storage.training import check_codes, windows
from storage.training.check_codes import Box
from storage.training.decisions import decide
from storage.training.tables import (
    Attendance,
    Batch,
    CheckIn,
    ClassSession,
    CodeTries,
    Knock,
    KnockWhy,
    Leave,
    LeaveState,
    Method,
    Presence,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
)
from storage.training.windows import CAME, ON_LIST, MeetingFacts

OPENED = "check_in_open"
"""The message to whoever was there early."""

EARLY_WITHIN = timedelta(minutes=60)
"""A code that was right so long before the opening is remembered."""
REMEMBERED_FOR = timedelta(minutes=30)
"""So long after the opening one tap is enough for whoever was there early."""

SHORT, MOST_WRONG = timedelta(minutes=10), 10
LONG, MOST_WRONG_IN_LONG = timedelta(hours=24), 20
"""Of several hundred codes that stand for a moment of a meeting one must not be guessed."""

QUICK = timedelta(minutes=1)
BY_CODE = (Method.SCAN, Method.TYPED, Method.TIME_CODE)


@dataclass(frozen=True)
class CheckedIn:
    """On the list as come; ``is_new`` is False when it was so before."""

    meeting: MeetingFacts
    at: datetime
    state: Presence
    is_new: bool


@dataclass(frozen=True)
class CheckedOut:
    """Gone; ``is_early`` when it counts as having left early."""

    meeting: MeetingFacts
    at: datetime
    is_early: bool


@dataclass(frozen=True)
class TooEarly:
    """Check-in is not open yet; ``is_remembered``: the person is told when it opens."""

    meeting: MeetingFacts
    opens_at: datetime
    is_remembered: bool


@dataclass(frozen=True)
class NotOnList:
    """The code is right and the person is not on this meeting's list; the organiser sees it."""

    meeting: MeetingFacts


@dataclass(frozen=True)
class CheckInOver:
    """Check-in is closed."""

    meeting: MeetingFacts
    closed_at: datetime


@dataclass(frozen=True)
class CodeChanged:
    """This code is not shown any more, or never was."""


@dataclass(frozen=True)
class NotACode:
    """What was typed is not of the form of a code."""


@dataclass(frozen=True)
class WrongCode:
    """No meeting has this code; so many tries are left before a pause."""

    left: int


@dataclass(frozen=True)
class Paused:
    """Too many wrong codes: none is looked at before then."""

    until: datetime


Outcome = (
    CheckedIn
    | CheckedOut
    | TooEarly
    | NotOnList
    | CheckInOver
    | CodeChanged
    | NotACode
    | WrongCode
    | Paused
)


@dataclass(frozen=True)
class OpenMeeting:
    """A meeting of mine whose check-in is open now."""

    meeting: MeetingFacts
    closes_at: datetime
    state: Presence | None
    wants_out: bool  # come, and checking out counts

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to do for this person."""
        return self.state not in CAME or self.wants_out


@dataclass(frozen=True)
class MyPresence:
    """How I took part in one meeting that has begun; None when nothing is entered."""

    meeting: MeetingFacts
    state: Presence | None
    at: datetime | None
    out_at: datetime | None
    is_by_code: bool  # ``at`` is when I came, and not when somebody entered it


def scan(
    session: Session, teacher_id: int, session_id: int, token: str, *, now: datetime
) -> Outcome:
    """Check in or out by a scanned code. Raises NotFound or ProgrammeCancelled."""
    meeting, batch, programme = windows.get(session, session_id)
    windows.check_takes_place(batch, programme)
    if meeting.check_in is not CheckIn.CODE:
        raise NotFound("meeting")
    box = meeting.secret and check_codes.scanned_box(meeting.secret, session_id, token, now)
    if not box:
        return CodeChanged()
    return _Arrival(session, meeting, batch, programme, teacher_id, now).admit(box, Method.SCAN)


def enter(session: Session, teacher_id: int, text: str, *, now: datetime) -> Outcome:
    """Check in or out by typed digits, of the moment or of the room's own clock.

    The meeting need not be named: the code is one of a meeting of this teacher's, or, for
    somebody who is not on its list, of one that is open now.
    """
    typed = check_codes.as_typed(text)
    if typed is None:
        return NotACode()
    paused = _paused_until(session, teacher_id, now)
    if paused is not None:
        return Paused(paused)
    own = _within(session, now, teacher_id)
    for meeting, batch, programme in own:
        box = check_codes.typed_box(meeting.secret, meeting.id, typed, now)
        if box is not None:
            arrival = _Arrival(session, meeting, batch, programme, teacher_id, now)
            return arrival.admit(box, Method.TYPED)
    for meeting, batch, programme in own:
        # An authenticator's clock may be a step ahead of ours.
        until = min(now + check_codes.STEP, meeting.ends_at + windows.CLOSES_AFTER)
        at = check_codes.time_of(
            meeting.secret, meeting.id, typed, windows.opens_at(meeting), until
        )
        if at is not None:
            arrival = _Arrival(session, meeting, batch, programme, teacher_id, now)
            return arrival.was_there(min(at, now))
    known = {meeting.id for meeting, _, _ in own}
    for meeting, batch, programme in _within(session, now, None):
        box = check_codes.typed_box(meeting.secret, meeting.id, typed, now)
        if box is not None and meeting.id not in known:
            arrival = _Arrival(session, meeting, batch, programme, teacher_id, now)
            return arrival.admit(box, Method.TYPED)
    return _count_wrong(session, teacher_id, now)


def here(session: Session, teacher_id: int, session_id: int, *, now: datetime) -> Outcome:
    """Check in by one tap, for whoever had a right code shortly before the opening."""
    meeting, batch, programme = windows.get(session, session_id)
    windows.check_takes_place(batch, programme)
    knocked_at = session.exec(
        select(Knock.at).where(
            Knock.session_id == session_id,
            Knock.teacher_id == teacher_id,
            Knock.why == KnockWhy.EARLY,
        )
    ).first()
    opens = windows.opens_at(meeting)
    arrival = _Arrival(session, meeting, batch, programme, teacher_id, now)
    existing = arrival.existing()
    if existing is not None and existing.state in CAME:
        return CheckedIn(arrival.facts, existing.at, existing.state, is_new=False)
    if knocked_at is None or knocked_at < opens - EARLY_WITHIN or now > opens + REMEMBERED_FOR:
        return CodeChanged()
    return arrival.admit(Box.IN, Method.SCAN)


def open_for(session: Session, teacher_id: int, *, now: datetime) -> tuple[OpenMeeting, ...]:
    """Return the meetings of this teacher at which one can check in by code now."""
    rows = session.exec(
        _meetings_of(teacher_id, now)
        .add_columns(Attendance)
        .join(Registration, _is_mine(teacher_id))
        .outerjoin(Attendance, _is_of(Registration))
        .order_by(col(ClassSession.starts_at), col(ClassSession.id))
    ).all()
    return tuple(
        OpenMeeting(
            windows.facts_of(meeting, batch, programme),
            windows.closes_at(meeting),
            None if row is None else row.state,
            wants_out=(
                batch.counts_check_out
                and row is not None
                and row.state in CAME
                and row.out_at is None
                and now >= meeting.starts_at
            ),
        )
        for meeting, batch, programme, row in rows
        if windows.is_open(meeting, now)
    )


def mine(
    session: Session, teacher_id: int, batch_id: int, *, now: datetime
) -> tuple[MyPresence, ...]:
    """Return how this teacher took part in the class so far, the first meeting first."""
    rows: Any = session.exec(
        sa.select(ClassSession, Batch, Programme, Attendance, Leave.state)  # type: ignore[call-overload]
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, _is_mine(teacher_id))
        .outerjoin(Attendance, _is_of(Registration))
        .outerjoin(
            Leave,
            sa.and_(
                col(Leave.session_id) == col(ClassSession.id),
                col(Leave.registration_id) == col(Registration.id),
                col(Leave.state) == LeaveState.APPROVED,
            ),
        )
        .where(
            col(Batch.id) == batch_id,
            col(ClassSession.check_in) != CheckIn.NONE,
            col(ClassSession.starts_at) <= now + windows.OPENS_BEFORE,
        )
        .order_by(col(ClassSession.starts_at))
    ).all()
    found = []
    for meeting, batch, programme, row, leave in rows:
        state = None if row is None else row.state
        if leave is not None and (row is None or row.method is Method.CLOCK):
            state = Presence.LEAVE
        if state is None and now < meeting.starts_at:
            continue
        is_by_code = row is not None and row.method in BY_CODE
        found.append(
            MyPresence(
                windows.facts_of(meeting, batch, programme),
                state,
                row.at if is_by_code else None,
                row.out_at if row is not None else None,
                is_by_code,
            )
        )
    return tuple(found)


def is_to_be_told(session: Session, teacher_id: int, session_id: int, *, now: datetime) -> bool:
    """Whether whoever was there early still has to check in, and can by one tap."""
    meeting, batch, programme = windows.get(session, session_id)
    existing = _Arrival(session, meeting, batch, programme, teacher_id, now).existing()
    return (
        programme.state is ProgrammeState.PUBLISHED
        and batch.cancelled_at is None
        and windows.is_open(meeting, now)
        and now <= windows.opens_at(meeting) + REMEMBERED_FOR
        and (existing is None or existing.state not in CAME)
    )


def opening_of(session: Session, session_id: int) -> tuple[MeetingFacts, datetime]:
    """Return a meeting and when its check-in opens. Raises NotFound."""
    meeting, batch, programme = windows.get(session, session_id)
    return windows.facts_of(meeting, batch, programme), windows.opens_at(meeting)


def opened_early(session: Session, session_id: int, *, now: datetime) -> None:
    """Check-in was opened by hand: whoever waits is told now."""
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.kind) == OPENED,
            col(OutboxMessage.dedupe_key).startswith(f"{OPENED}:{session_id}:"),
            col(OutboxMessage.state) == OutboxState.PENDING,
            col(OutboxMessage.not_before) > now,
        )
        .values(not_before=now, useful_until=now + REMEMBERED_FOR)
    )


def now_attending(
    session: Session,
    registration_ids: list[int],
    meeting: ClassSession,
    *,
    now: datetime,
    actor_id: int | None = None,
) -> list[int]:
    """Let those who have come for the first time take part from now on; return who they are.

    Approved becomes attending with the first valid attendance (domain, model 2.10).
    """
    moved: list[int] = []
    for first in range(0, len(registration_ids), 500):
        part = registration_ids[first : first + 500]
        waiting = session.exec(
            select(Registration.id)
            .where(
                col(Registration.id).in_(part),
                Registration.state == RegistrationState.APPROVED,
            )
            .order_by(col(Registration.id))
            .with_for_update(key_share=True)
        ).all()
        session.exec(
            sa.update(Registration)
            .where(col(Registration.id).in_(waiting))
            .values(state=RegistrationState.ATTENDING, changed_at=now)
        )
        moved += waiting
    for registration_id in moved:
        facts = {"session_id": meeting.id, "starts_at": meeting.starts_at.isoformat()}
        decide(session, registration_id, "first_attendance", facts, now=now, actor_id=actor_id)
    return moved


class _Arrival:
    """One person at one meeting, with a code that was right."""

    def __init__(
        self,
        session: Session,
        meeting: ClassSession,
        batch: Batch,
        programme: Programme,
        teacher_id: int,
        now: datetime,
    ) -> None:
        self.session = session
        self.meeting = meeting
        self.batch = batch
        self.facts = windows.facts_of(meeting, batch, programme)
        self.teacher_id = teacher_id
        self.now = now
        self.registration_id = session.exec(
            select(Registration.id).where(
                Registration.batch_id == batch.id,
                Registration.teacher_id == teacher_id,
                col(Registration.state).in_(ON_LIST),
            )
        ).first()

    def existing(self) -> Attendance | None:
        """Return what is entered of this person."""
        if self.registration_id is None:
            return None
        return self.session.exec(
            select(Attendance)
            .where(
                Attendance.session_id == self.meeting.id,
                Attendance.registration_id == self.registration_id,
            )
            .execution_options(populate_existing=True)
        ).first()

    def admit(self, box: Box, method: Method) -> Outcome:
        """Let somebody in or out by a code of the moment, or remember that they were there."""
        opens, closes = windows.opens_at(self.meeting), windows.closes_at(self.meeting)
        if self.now < opens:
            return self._too_early(opens)
        if self.now >= closes:
            return CheckInOver(self.facts, closes)
        if self.registration_id is None:
            self._knock(KnockWhy.NOT_LISTED)
            return NotOnList(self.facts)
        goes = box is Box.OUT and self.batch.counts_check_out
        if goes and self.now >= self.meeting.starts_at:
            return self._out(self.now, method)
        return self._in(self.now, method)

    def was_there(self, at: datetime) -> Outcome:
        """Enter what a code of the room's own clock says, the first for coming."""
        if self.registration_id is None:
            return NotOnList(self.facts)
        row = self.existing()
        has_come = row is not None and row.state in CAME
        came_at = row.at if row is not None and has_come else at
        is_later = at > came_at + check_codes.SLOT and at >= self.meeting.starts_at
        if has_come and is_later and self.batch.counts_check_out:
            return self._out(at, Method.TIME_CODE)
        return self._in(at, Method.TIME_CODE)

    def _in(self, at: datetime, method: Method) -> CheckedIn:
        assert self.registration_id is not None
        state = windows.state_at(self.meeting, at)
        odd = self._odd(at)
        inserted = self.session.exec(
            insert_new(self.session, Attendance)
            .values(
                session_id=self.meeting.id,
                registration_id=self.registration_id,
                state=state,
                method=method,
                at=at,
                odd=odd,
            )
            .returning(col(Attendance.id))
        ).first()
        if inserted is None:
            row = self.existing()
            assert row is not None
            by_hand = row.by_id is not None
            # A code of the moment is worth more than what was entered of somebody missing; one
            # that is typed in later does not overrule a person.
            if row.state in CAME or (by_hand and method is Method.TIME_CODE):
                return CheckedIn(self.facts, row.at, row.state, is_new=False)
            if by_hand:
                odd = ",".join(filter(None, (odd, "marked_before")))
                audit.record(
                    self.session,
                    self.teacher_id,
                    "check_in",
                    f"attendance:{row.id}",
                    now=self.now,
                    before={"state": row.state.value, "method": row.method.value},
                    after={"state": state.value, "method": method.value},
                )
            row.state, row.method, row.at = state, method, at
            row.out_at, row.by_id, row.odd = None, None, odd
            self.session.flush()
        self._note_first()
        return CheckedIn(self.facts, at, state, is_new=True)

    def _out(self, at: datetime, method: Method) -> CheckedOut:
        row = self.existing()
        if row is None or row.state not in CAME:
            # Whoever is there at the end was there; when they came is not known.
            self._in(at, method)
            row = self.existing()
            assert row is not None
            row.state = Presence.LATE
            row.odd = ",".join(filter(None, (row.odd, "only_out")))
        elif row.method in BY_CODE and row.out_at is None and at - row.at < QUICK:
            row.odd = ",".join(filter(None, (row.odd, "quick_out")))
        row.out_at = at if row.out_at is None else max(row.out_at, at)
        is_early = windows.state_at(self.meeting, row.at, row.out_at) is Presence.LEFT_EARLY
        if row.method in BY_CODE and "only_out" not in row.odd:
            row.state = windows.state_at(self.meeting, row.at, row.out_at)
        elif is_early:
            row.state = Presence.LEFT_EARLY
        elif row.state is Presence.LEFT_EARLY:
            row.state = Presence.LATE
        self.session.flush()
        return CheckedOut(self.facts, row.out_at, is_early)

    def _note_first(self) -> None:
        assert self.registration_id is not None
        now_attending(self.session, [self.registration_id], self.meeting, now=self.now)

    def _odd(self, at: datetime) -> str:
        """What a person may want to look at; nothing is decided by it."""
        found = []
        if at > self.meeting.ends_at:
            found.append("after_end")
        elsewhere = self.session.exec(
            select(Attendance.id)
            .join(Registration, col(Registration.id) == col(Attendance.registration_id))
            .join(ClassSession, col(ClassSession.id) == col(Attendance.session_id))
            .where(
                Registration.teacher_id == self.teacher_id,
                col(Attendance.state).in_(CAME),
                ClassSession.id != self.meeting.id,
                ClassSession.starts_at < self.meeting.ends_at,
                ClassSession.ends_at > self.meeting.starts_at,
            )
        ).first()
        if elsewhere is not None:
            found.append("overlap")
        return ",".join(found)

    def _too_early(self, opens: datetime) -> Outcome:
        if self.registration_id is None:
            self._knock(KnockWhy.NOT_LISTED)
            return NotOnList(self.facts)
        if opens - self.now > EARLY_WITHIN:
            return TooEarly(self.facts, opens, is_remembered=False)
        self._knock(KnockWhy.EARLY)
        told = outbox.put(
            self.session,
            OPENED,
            teacher_id=self.teacher_id,
            facts={"session_id": self.meeting.id},
            priority=Priority.OFFER,
            not_before=opens,
            useful_until=opens + REMEMBERED_FOR,
            dedupe_key=f"{OPENED}:{self.meeting.id}:{self.teacher_id}",
            now=self.now,
            rings=self._may_ring(opens),
        )
        return TooEarly(self.facts, opens, is_remembered=told is not None)

    def _may_ring(self, opens: datetime) -> bool:
        """The message was asked for and comes at once; in quiet hours it comes without a ring."""
        account = self.session.exec(
            select(Account).where(Account.teacher_id == self.teacher_id)
        ).first()
        if account is None:
            return True
        hours = quiet.Hours(account.brief_minute, account.quiet_from, account.quiet_until)
        return quiet.may_ring(opens, hours, workdays.load(self.session))

    def _knock(self, why: KnockWhy) -> None:
        self.session.exec(
            insert_new(self.session, Knock).values(
                session_id=self.meeting.id, teacher_id=self.teacher_id, why=why, at=self.now
            )
        )
        self.session.exec(
            sa.update(Knock)
            .where(
                col(Knock.session_id) == self.meeting.id,
                col(Knock.teacher_id) == self.teacher_id,
            )
            .values(why=why, at=self.now)
        )


def _is_mine(teacher_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Registration.batch_id) == col(Batch.id),
        col(Registration.teacher_id) == teacher_id,
        col(Registration.state).in_(ON_LIST),
    )


def _is_of(_registration: type[Registration]) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Attendance.session_id) == col(ClassSession.id),
        col(Attendance.registration_id) == col(Registration.id),
    )


def _meetings_of(teacher_id: int | None, now: datetime) -> Any:
    """Select meetings by code that may be open now, or whose codes may still be typed in."""
    after = windows.CLOSES_AFTER if teacher_id is None else windows.TIME_CODES_FOR
    return (
        select(ClassSession, Batch, Programme)
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            ClassSession.check_in == CheckIn.CODE,
            sa.or_(
                col(ClassSession.starts_at) <= now + windows.OPENS_BEFORE + EARLY_WITHIN,
                col(ClassSession.opened_at) <= now,
            ),
            sa.or_(
                col(ClassSession.ends_at) > now - after,
                col(ClassSession.opened_at) > now - after,
            ),
            col(Batch.cancelled_at).is_(None),
            col(Programme.state).in_([ProgrammeState.PUBLISHED, ProgrammeState.FINISHED]),
        )
        .execution_options(populate_existing=True)
    )


def _within(
    session: Session, now: datetime, teacher_id: int | None
) -> list[tuple[ClassSession, Batch, Programme]]:
    """Return the meetings whose codes are looked at: of this teacher, or of anybody."""
    found = _meetings_of(teacher_id, now).where(ClassSession.secret != "")
    if teacher_id is not None:
        found = found.join(Registration, _is_mine(teacher_id))
    rows = session.exec(found.order_by(col(ClassSession.starts_at), col(ClassSession.id))).all()
    if teacher_id is None:
        return [row for row in rows if windows.is_open(row[0], now)]
    return list(rows)


def _paused_until(session: Session, teacher_id: int, now: datetime) -> datetime | None:
    tries = session.exec(
        select(CodeTries)
        .where(CodeTries.teacher_id == teacher_id)
        .execution_options(populate_existing=True)
    ).first()
    if tries is None:
        return None
    until = [
        since + length
        for since, wrong, length, most in (
            (tries.since, tries.wrong, SHORT, MOST_WRONG),
            (tries.day_since, tries.day_wrong, LONG, MOST_WRONG_IN_LONG),
        )
        if wrong >= most and now < since + length
    ]
    return max(until, default=None)


def _count_wrong(session: Session, teacher_id: int, now: datetime) -> WrongCode | Paused:
    session.exec(
        insert_new(session, CodeTries).values(
            teacher_id=teacher_id, since=now, wrong=0, day_since=now, day_wrong=0
        )
    )
    tries = session.exec(
        select(CodeTries)
        .where(CodeTries.teacher_id == teacher_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if now >= tries.since + SHORT:
        tries.since, tries.wrong = now, 0
    if now >= tries.day_since + LONG:
        tries.day_since, tries.day_wrong = now, 0
    tries.wrong += 1
    tries.day_wrong += 1
    session.flush()
    left = min(MOST_WRONG - tries.wrong, MOST_WRONG_IN_LONG - tries.day_wrong)
    paused = _paused_until(session, teacher_id, now)
    return WrongCode(left) if paused is None else Paused(paused)
