"""A competition of one school, for the matrix of who may do what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from storage.competitions import rules, venues
from storage.competitions.making import Form, RoundForm, TrackForm
from storage.competitions.tables import (
    Competition,
    CompetitionKind,
    CompetitionState,
    RoundLevel,
    RuleChange,
)
from tests.competitions import making
from tests.make import NOW


def _made(session: Session, at: Any, state: CompetitionState) -> Competition:
    return making.competition(
        session,
        code=f"KT-{at.unit_id}",
        owner_unit_id=at.unit_id,
        state=state,
        begins=NOW + timedelta(days=1),
    )


def _things(session: Session, made: Competition) -> dict[str, Any]:
    return {
        "competition_id": made.id,
        "round_id": venues.rounds(session, made.id)[0].id,
        "track_id": venues.tracks(session, made.id)[0].id,
        "language": "en",
    }


def draft(session: Session, at: Any) -> dict[str, Any]:
    """A draft, and its first round and track."""
    return _things(session, _made(session, at, CompetitionState.DRAFT))


def published(session: Session, at: Any) -> dict[str, Any]:
    """One that is under way."""
    made = _made(session, at, CompetitionState.PUBLISHED)
    rules.freeze(session, made.id, now=NOW)
    return _things(session, made)


def with_change(session: Session, at: Any) -> dict[str, Any]:
    """One under way with a change of its rules that waits."""
    things = published(session, at)
    asked = RuleChange(
        round_id=things["round_id"],
        before={"judges": 2},
        after={"judges": 3},
        reason="评委到位",
        asked_by=at.teacher_id,
        asked_at=NOW,
    )
    session.add(asked)
    session.flush()
    return things | {"change_id": asked.id, "confirmed": True}


def form(_session: Session, at: Any) -> dict[str, Any]:
    """What a draft would say."""
    return {
        "form": Form(
            at.unit_id,
            "课堂教学大赛",
            CompetitionKind.CLASSROOM,
            "2026-2027",
            (TrackForm("小学语文", "primary", "语文"),),
            (RoundForm("初赛", RoundLevel.TEACHING_GROUP),),
        )
    }
