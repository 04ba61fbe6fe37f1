"""Marking by exception while it is being filled in: everybody is present but for some."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from storage.people import drafts
from storage.refusals import NotFound
from storage.training import attendance, marking, windows
from storage.training.attendance import Names
from storage.training.marking import Marked
from storage.training.tables import Presence

KIND = "marks"


@dataclass(frozen=True)
class MarksDraft:
    """A page of the people, and who of all of them is to be entered as absent."""

    names: Names
    absent: frozenset[int]
    stays: int  # came already, is on leave or excused and not among the absent; oneself
    own: int | None  # one's own registration, which somebody else enters

    @property
    def present(self) -> int:
        """How many will be entered as present."""
        return self.names.total - len(self.absent) - self.stays


def begin(
    session: Session,
    account_id: int,
    actor_id: int,
    session_id: int,
    unit_id: int,
    *,
    now: datetime,
) -> MarksDraft:
    """Begin with everybody present but who is entered as absent already."""
    meeting, batch, _ = windows.get(session, session_id)
    reach = attendance.reach_of(session, actor_id, batch.id, now, meeting)
    refusal = attendance.why_not_marked(meeting, reach, now)
    if refusal is not None:
        raise refusal
    people = attendance.people_at(session, attendance.within(reach, unit_id), session_id)
    absent = sorted(x.registration_id for x in people if x.state is Presence.ABSENT)
    data = {"session_id": session_id, "unit_id": unit_id, "absent": absent}
    drafts.keep(session, account_id, KIND, data, now=now)
    return look(session, account_id, actor_id, now=now)


def look(
    session: Session, account_id: int, actor_id: int, *, page: int = 0, now: datetime
) -> MarksDraft:
    """Return a page of what is being filled in. Raises NotFound when there is nothing."""
    data = _data(session, account_id)
    session_id, unit_id = data["session_id"], data["unit_id"]
    names = attendance.names(session, actor_id, session_id, unit_id=unit_id, page=page, now=now)
    meeting, batch, _ = windows.get(session, session_id)
    reach = attendance.reach_of(session, actor_id, batch.id, now, meeting)
    people = attendance.people_at(session, attendance.within(reach, unit_id), session_id)
    own = next((x.registration_id for x in people if x.teacher_id == actor_id), None)
    absent = frozenset(data["absent"]) & {x.registration_id for x in people} - {own}
    stays = sum(
        x.registration_id == own
        or (x.state not in (None, Presence.ABSENT) and x.registration_id not in absent)
        for x in people
    )
    return MarksDraft(names, absent, stays, own)


def turn(
    session: Session,
    account_id: int,
    actor_id: int,
    registration_id: int,
    is_absent: bool,
    *,
    page: int = 0,
    now: datetime,
) -> MarksDraft:
    """Let somebody be absent, or not; doing it twice changes nothing."""
    data = _data(session, account_id, lock=True)
    absent = set(data["absent"])
    if is_absent:
        absent.add(registration_id)
    else:
        absent.discard(registration_id)
    drafts.keep(session, account_id, KIND, data | {"absent": sorted(absent)}, now=now)
    return look(session, account_id, actor_id, page=page, now=now)


def save(session: Session, account_id: int, actor_id: int, *, now: datetime) -> Marked:
    """Enter what was filled in; the draft is gone then. Raises NotFound when it is already."""
    data = _data(session, account_id, lock=True)
    marked = marking.mark(
        session,
        actor_id,
        data["session_id"],
        unit_id=data["unit_id"],
        absent=data["absent"],
        now=now,
    )
    drafts.drop(session, account_id, KIND)
    return marked


def _data(session: Session, account_id: int, *, lock: bool = False) -> dict[str, Any]:
    data = drafts.read(session, account_id, KIND, lock=lock)
    if data is None:
        raise NotFound("draft")
    return data
