"""A small competition to test with: one track, three rounds of our own and one outside."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from storage.competitions import venues
from storage.competitions.tables import (
    CompetingState,
    Competition,
    CompetitionKind,
    CompetitionState,
    Entry,
    EntryAuthor,
    EntryRound,
    Round,
    RoundLevel,
    Track,
)
from storage.people import authority
from tests import make
from tests.make import NOW

TODAY = NOW.date()

RUBRIC = [
    {"key": "aims", "title": "教学目标", "most": 40, "hint": ""},
    {"key": "process", "title": "教学过程", "most": 60, "hint": ""},
]
PLAN = {
    "key": "plan",
    "title": "教学设计",
    "kinds": ["docx", "pdf"],
    "most_mb": 20,
    "required": True,
}


def competition(
    session: Session,
    *,
    begins: datetime = NOW,
    state: CompetitionState = CompetitionState.PUBLISHED,
    **differs: Any,
) -> Competition:
    """A published competition: entries until a week from ``begins``, then three rounds."""
    usual: dict[str, Any] = {
        "code": "KT",
        "title": "课堂教学大赛",
        "kind": CompetitionKind.CLASSROOM,
        "school_year": "2026-2027",
        "owner_unit_id": make.county(session),
        "state": state,
        "awards": [{"name": "一等奖", "share": 0.5, "tier": "backbone", "hours": "18"}],
        "offers_resources": True,
    }
    made = Competition(**usual | differs)
    session.add(made)
    session.flush()
    session.add(
        Track(competition_id=made.id, position=1, title="小学语文", stage="primary", subject="语文")
    )
    day, week = timedelta(days=1), timedelta(days=7)
    common: dict[str, Any] = {
        "competition_id": made.id,
        "rubric": RUBRIC,
        "materials": [PLAN],
        "judges": 2,
        "ties": ["criterion:process", "median", "lot"],
    }
    session.add_all(
        [
            Round(
                **common,
                position=1,
                name="初赛",
                level=RoundLevel.TEACHING_GROUP,
                entry_opens_at=begins,
                entry_closes_at=begins + week,
                material_due_at=begins + week,
                starts_at=begins + week + day,
                ends_at=begins + 2 * week,
                result_due_at=begins + 2 * week + day,
                quota={"share": 0.5, "min": 1},
            ),
            Round(
                **common,
                position=2,
                name="决赛",
                level=RoundLevel.COUNTY,
                starts_at=begins + 3 * week,
                ends_at=begins + 4 * week,
                result_due_at=begins + 4 * week + day,
                publicity_from=(begins + 4 * week + 2 * day).date(),
                publicity_until=(begins + 5 * week + 2 * day).date(),
            ),
            Round(
                competition_id=made.id,
                position=3,
                name="推送市赛",
                level=RoundLevel.CITY,
                external=True,
                forward_due_at=begins + 6 * week,
                quota={"each": 1, "units": {}},
            ),
        ]
    )
    session.flush()
    return made


def entry(
    session: Session,
    made: Competition,
    teacher_id: int,
    *,
    state: CompetingState = CompetingState.COMPETING,
    now: datetime = NOW,
) -> tuple[Entry, EntryRound | None]:
    """An entry of this teacher in the one track; one that competes has its place in round one."""
    track = venues.tracks(session, made.id)[0]
    unit_id = authority.unit_of(session, teacher_id, today=TODAY)
    assert unit_id is not None
    row = Entry(
        competition_id=made.id,
        track_id=track.id,
        teacher_id=teacher_id,
        unit_id=unit_id,
        title="春",
        state=state,
        created_at=now,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    if state is not CompetingState.COMPETING:
        return row, None
    return row, venues.let_in(session, row, venues.rounds(session, made.id)[0], now=now)


def author(row: Entry, teacher_id: int, *, agreed: bool = True, now: datetime = NOW) -> EntryAuthor:
    """Somebody who makes the entry with its teacher, or is only asked to; to be added."""
    return EntryAuthor(
        entry_id=row.id,
        teacher_id=teacher_id,
        asked_by=row.teacher_id,
        asked_at=now,
        agreed_at=now if agreed else None,
    )
