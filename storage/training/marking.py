"""Presence entered by hand: a school at once but for some, one person, or a whole sheet.

Each is one deed that can be undone; the log keeps of everybody what it was before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.inserting import insert_new
from storage.refusals import NotAllowed, NotFound, OwnCase
from storage.training import check_in, windows
from storage.training.attendance import (
    Reach,
    people_at,
    reach_of,
    why_not_marked,
    within,
)
from storage.training.decisions import decide
from storage.training.tables import (
    Attendance,
    CheckIn,
    ClassSession,
    Method,
    Presence,
    Registration,
    RegistrationState,
)
from storage.training.windows import CAME, MeetingFacts

MARKED_BY_SCHOOL = (Presence.PRESENT, Presence.LATE, Presence.LEFT_EARLY, Presence.ABSENT)
"""What a school may enter; leave has its own way, and who is excused the organiser decides."""


@dataclass(frozen=True)
class Marked:
    """What marking by hand changed; ``deed_id`` undoes it, None when nothing was changed."""

    meeting: MeetingFacts
    present: int
    absent: int
    other: int
    kept: int
    deed_id: int | None


def to_mark(
    session: Session, actor_id: int, session_id: int, now: datetime
) -> tuple[ClassSession, MeetingFacts, Reach]:
    """Return a meeting, locked, and whom the actor may mark at it; raises why not."""
    meeting, batch, programme = windows.get(session, session_id, locked=True)
    reach = reach_of(session, actor_id, batch.id, now, meeting)
    windows.check_takes_place(batch, programme)
    if meeting.check_in is CheckIn.NONE:
        raise NotFound("meeting")
    refusal = why_not_marked(meeting, reach, now)
    if refusal is not None:
        raise refusal
    return meeting, windows.facts_of(meeting, batch, programme), reach


def mark(
    session: Session,
    actor_id: int,
    session_id: int,
    *,
    unit_id: int = 0,
    absent: Collection[int] = (),
    now: datetime,
) -> Marked:
    """Enter a whole school, or everybody within reach, as present but for the ``absent``.

    Whoever has come already, is on leave or excused stays so; registrations out of reach are
    passed over, and so is one's own, which somebody else enters. Raises NotAllowed, NotBegun or
    NoLongerMarked.
    """
    meeting, facts, reach = to_mark(session, actor_id, session_id, now)
    missing = set(absent)
    wanted = {}
    kept = 0
    for line in people_at(session, within(reach, unit_id), session_id):
        if line.teacher_id == actor_id:
            kept += 1
        elif line.registration_id in missing:
            wanted[line.registration_id] = Presence.ABSENT
        elif line.state in (None, Presence.ABSENT):
            wanted[line.registration_id] = Presence.PRESENT
        else:
            kept += 1
    done = enter(session, meeting, facts, wanted, actor_id, Method.COORDINATOR, now=now)
    return replace(done, kept=done.kept + kept)


def set_state(
    session: Session,
    actor_id: int,
    session_id: int,
    registration_id: int,
    state: Presence,
    *,
    now: datetime,
) -> Marked:
    """Correct one person by hand; the log keeps what it was.

    Raises as ``mark`` does, and OwnCase.
    """
    meeting, facts, reach = to_mark(session, actor_id, session_id, now)
    if not reach.runs_it and state not in MARKED_BY_SCHOOL:
        raise NotAllowed
    where = (*reach.where, col(Registration.id) == registration_id)
    people = people_at(session, where, session_id)
    if not people:
        raise NotAllowed
    if people[0].teacher_id == actor_id:
        raise OwnCase
    return enter(
        session, meeting, facts, {registration_id: state}, actor_id, Method.COORDINATOR, now=now
    )


def enter(
    session: Session,
    meeting: ClassSession,
    facts: MeetingFacts,
    wanted: dict[int, Presence],
    actor_id: int,
    method: Method,
    *,
    now: datetime,
    undo_for: timedelta = deeds.MINUTES,
) -> Marked:
    """Write down states by hand, as one deed; what is so already stays as it is.

    Whoever calls has checked the right to each registration, and holds the meeting's lock.
    """
    before = {
        row.registration_id: row
        for row in session.exec(
            select(Attendance)
            .where(Attendance.session_id == meeting.id)
            .execution_options(populate_existing=True)
        ).all()
    }
    # What the clock entered is confirmed by a person, so that leave does not change it again.
    changes = {
        registration_id: state
        for registration_id, state in wanted.items()
        if (row := before.get(registration_id)) is None
        or row.state is not state
        or (row.method is Method.CLOCK and state is Presence.ABSENT)
    }
    if not changes:
        return Marked(facts, 0, 0, 0, len(wanted), None)
    done: list[dict[str, Any]] = []
    new = []
    was = {id_: _kept(before[id_]) if id_ in before else {} for id_ in changes}
    for registration_id, state in changes.items():
        row = before.get(registration_id)
        done.append(
            {
                "registration": registration_id,
                "before": was[registration_id] or None,
                "after": state.value,
            }
        )
        if row is None:
            new.append(
                {
                    "session_id": meeting.id,
                    "registration_id": registration_id,
                    "state": state,
                    "method": method,
                    "at": now,
                    "by_id": actor_id,
                    "odd": "",
                }
            )
    for part in _parts(new):
        session.exec(insert_new(session, Attendance).values(part))
    for state in Presence:
        changed = [id_ for id_, to in changes.items() if to is state and id_ in before]
        for ids in _parts(changed):
            session.exec(
                sa.update(Attendance)
                .where(
                    col(Attendance.session_id) == meeting.id,
                    col(Attendance.registration_id).in_(ids),
                )
                .values(state=state, method=method, by_id=actor_id, at=now)
            )
    came = [id_ for id_, state in changes.items() if state in CAME]
    moved = check_in.now_attending(session, came, meeting, now=now, actor_id=actor_id)
    data = {
        "session_id": meeting.id,
        "at": now.isoformat(),
        "method": method.value,
        "changes": done,
        "moved": moved,
    }
    deed_id = deeds.done(session, "attendance", actor_id, data, now=now, undo_for=undo_for)
    for change in done:
        audit.record(
            session,
            actor_id,
            "mark_presence",
            f"registration:{change['registration']}",
            now=now,
            before={"session_id": meeting.id, **was[change["registration"]]},
            after={"session_id": meeting.id, "state": change["after"], "method": method.value},
        )
    session.flush()
    session.expire_all()
    states = list(changes.values())
    present = sum(state in CAME for state in states)
    absent = states.count(Presence.ABSENT)
    return Marked(
        facts,
        present,
        absent,
        len(states) - present - absent,
        len(wanted) - len(changes),
        deed_id,
    )


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put back what marking by hand changed; raises ChangedSince when others went on."""
    session_id, at = deed.data["session_id"], datetime.fromisoformat(deed.data["at"])
    _check_still_marks(session, deed, session_id, now)
    rows = {
        row.registration_id: row
        for row in session.exec(
            select(Attendance)
            .where(Attendance.session_id == session_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
    }
    for change in deed.data["changes"]:
        row = rows.get(change["registration"])
        is_ours = row is not None and row.at == at and row.by_id == deed.actor_id
        if row is None or not is_ours or row.state != change["after"]:
            raise ChangedSince("attendance")
        # Whoever has checked out since would lose it with the row.
        before = change["before"] or {"out_at": None}
        if (row.out_at and row.out_at.isoformat()) != before["out_at"]:
            raise ChangedSince("attendance")
    gone = []
    for change in deed.data["changes"]:
        row, before = rows[change["registration"]], change["before"]
        if before is None:
            gone.append(row.id)
            continue
        row.state, row.method = Presence(before["state"]), Method(before["method"])
        row.at = datetime.fromisoformat(before["at"])
        row.out_at = datetime.fromisoformat(before["out_at"]) if before["out_at"] else None
        row.by_id, row.odd = before["by_id"], before["odd"]
    session.flush()
    for ids in _parts(gone):
        session.exec(sa.delete(Attendance).where(col(Attendance.id).in_(ids)))
    session.expire_all()
    _move_back(session, deed.data["moved"], session_id, now=now, actor_id=deed.actor_id)


def _check_still_marks(session: Session, deed: Deed, session_id: int, now: datetime) -> None:
    """Raise NotAllowed unless its doer may mark all of these people today."""
    meeting, batch, _programme = windows.get(session, session_id, locked=True)
    reach = reach_of(session, deed.actor_id, batch.id, now, meeting)
    if reach.runs_it:
        return
    assert reach.units is not None
    ids = [change["registration"] for change in deed.data["changes"]]
    for some in _parts(ids):
        foreign = select(Registration.id).where(
            col(Registration.id).in_(some), col(Registration.unit_id_at).not_in(reach.units)
        )
        if session.exec(foreign).first() is not None:
            raise NotAllowed


def _move_back(
    session: Session, registration_ids: list[int], session_id: int, *, now: datetime, actor_id: int
) -> None:
    """Whoever took part by nothing but what was undone is approved, as before."""
    for ids in _parts(registration_ids):
        rows = session.exec(
            select(Registration).where(
                col(Registration.id).in_(ids),
                Registration.state == RegistrationState.ATTENDING,
                ~sa.exists().where(
                    col(Attendance.registration_id) == col(Registration.id),
                    col(Attendance.state).in_(CAME),
                ),
            )
        ).all()
        for row in rows:
            row.state, row.changed_at = RegistrationState.APPROVED, now
            facts = {"session_id": session_id}
            decide(session, row.id, "attendance_undone", facts, now=now, actor_id=actor_id)
    session.flush()


def _kept(row: Attendance) -> dict[str, Any]:
    return {
        "state": row.state.value,
        "method": row.method.value,
        "at": row.at.isoformat(),
        "out_at": row.out_at and row.out_at.isoformat(),
        "by_id": row.by_id,
        "odd": row.odd,
    }


def _parts(whole: list[Any], size: int = 500) -> Iterable[list[Any]]:
    return (whole[first : first + size] for first in range(0, len(whole), size))
