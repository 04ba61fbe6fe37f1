"""The rules of a round: who may enter, what is handed in, how it is judged, how many go on.

They are frozen when the competition is published: what they say is written in one fixed way
(JSON with its keys in order), and the SHA-256 of that text is kept and shown to everybody. Who
has the text can hash it and compare; whatever else changes in the tables, the hash says whether
a round is still decided by the rules that were published. Dates are no rules: they are moved by
one organiser, and everybody concerned is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from storage.competitions import venues
from storage.competitions.tables import (
    Competition,
    CompetitionState,
    Round,
    RuleChange,
)
from storage.people.tables import OrgUnit
from storage.refusals import NotFound

VERSION = 1
ROUNDING = "half_up"
"""How a share of entries becomes a number: 2.5 is 3, and then at least the least."""

OF_ALL = (
    "audience",
    "barred_years",
    "barred_awards",
    "one_entry",
    "team_most",
    "is_blind",
    "min_share",
    "awards",
)
"""Rules that a competition has once for all its rounds, by their column."""

OF_ROUND = (
    "quota",
    "unit_most",
    "materials",
    "rubric",
    "drops",
    "judges",
    "ties",
    "numbers_only",
)
"""Rules that each round has, by their column."""


@dataclass(frozen=True)
class Rules:
    """The rules of a round as everybody may read them.

    ``text`` is what was hashed; ``hash`` what was published, empty of a draft; ``intact`` is
    whether the two still agree.
    """

    competition_id: int
    round_id: int
    title: str
    round_name: str
    data: dict[str, Any]
    text: str
    hash: str
    frozen_at: datetime | None
    changes: tuple[Change, ...]
    units: dict[int, str]
    """Names of the units with a number of their own."""

    @property
    def intact(self) -> bool:
        return digest(self.text) == self.hash


@dataclass(frozen=True)
class Change:
    """A confirmed change of the rules, as everybody may read it: what, why and when."""

    fields: tuple[str, ...]
    reason: str
    at: datetime


def rules_of(session: Session, round_: Round) -> dict[str, Any]:
    """Return the rules of a round as plain JSON: those of all rounds and its own.

    What it is called is none of them: a slip in a name is put right by one person.
    """
    competition = session.exec(
        select(Competition).where(Competition.id == round_.competition_id)
    ).one()
    return {
        "version": VERSION,
        "rounding": ROUNDING,
        "competition": {
            "code": competition.code,
            "school_year": competition.school_year,
            "tracks": [
                {"title": each.title, "stage": each.stage, "subject": each.subject}
                for each in venues.tracks(session, competition.id)
            ],
            **{name: getattr(competition, name) for name in OF_ALL},
        },
        "round": {
            "position": round_.position,
            "level": round_.level.value,
            "external": round_.external,
            **{name: getattr(round_, name) for name in OF_ROUND},
        },
    }


def written(data: dict[str, Any]) -> str:
    """Return the one way in which these rules are written: keys in order, no blanks, as read."""
    return json.dumps(_plain(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """The value with whole numbers written as such, whatever a database makes of them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def digest(text: str) -> str:
    """Return the SHA-256 of the text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def freeze(session: Session, competition_id: int, *, now: datetime) -> None:
    """Write down the hash of each round's rules as they are; what has not changed stays."""
    for round_ in venues.rounds(session, competition_id):
        found = digest(written(rules_of(session, round_)))
        if found != round_.frozen_hash:
            round_.frozen_hash, round_.frozen_at = found, now
    session.flush()


def is_frozen(round_: Round) -> bool:
    """Whether the rules of the round are published."""
    return round_.frozen_at is not None


def rules(session: Session, round_id: int) -> Rules:
    """Return the rules of a round that is published, for everybody. Raises NotFound."""
    found = session.exec(
        select(Round, Competition)
        .join(Competition, col(Competition.id) == col(Round.competition_id))
        .where(Round.id == round_id, col(Competition.state) != CompetitionState.DRAFT)
    ).first()
    if found is None:
        raise NotFound("round")
    round_, competition = found
    return _rules(session, round_, competition)


def of_competition(
    session: Session, competition_id: int
) -> tuple[str, tuple[tuple[int, str, str], ...]]:
    """Return the title and each round: id, name and hash, for everybody. Raises NotFound."""
    title = session.exec(
        select(Competition.title).where(
            Competition.id == competition_id, col(Competition.state) != CompetitionState.DRAFT
        )
    ).first()
    if title is None:
        raise NotFound("competition")
    rounds = venues.rounds(session, competition_id)
    return title, tuple((each.id, each.name, each.frozen_hash) for each in rounds)


def _rules(session: Session, round_: Round, competition: Competition) -> Rules:
    data = rules_of(session, round_)
    rows = session.exec(
        select(RuleChange, Round)
        .join(Round, col(Round.id) == col(RuleChange.round_id))
        .where(Round.competition_id == competition.id, col(RuleChange.confirmed))
        .order_by(col(RuleChange.settled_at), col(RuleChange.id))
    ).all()
    changes = tuple(
        Change(tuple(row.after), row.reason, row.settled_at)
        for row, of in rows
        if row.settled_at is not None and (of.id == round_.id or set(row.after) <= set(OF_ALL))
    )
    return Rules(
        competition.id,
        round_.id,
        competition.title,
        round_.name,
        data,
        written(data),
        round_.frozen_hash,
        round_.frozen_at,
        changes,
        named_units(session, round_.quota),
    )


def changed_at(session: Session, round_: Round) -> datetime | None:
    """Return when a rule that holds for this round was last changed after it was published."""
    rows = session.exec(
        select(RuleChange.settled_at, RuleChange.round_id, RuleChange.after)
        .join(Round, col(Round.id) == col(RuleChange.round_id))
        .where(Round.competition_id == round_.competition_id, col(RuleChange.confirmed))
    ).all()
    return max(
        (
            at
            for at, round_id, after in rows
            if at is not None and (round_id == round_.id or set(after) <= set(OF_ALL))
        ),
        default=None,
    )


def named_units(session: Session, *quotas: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of the units that have a number of their own in any of these quotas."""
    ids = {int(each) for quota in quotas for each in quota.get("units", {})}
    if not ids:
        return {}
    found = select(OrgUnit.id, OrgUnit.name).where(col(OrgUnit.id).in_(sorted(ids)))
    return dict(session.exec(found).all())
