"""What somebody has answered so far while making a competition, and what is asked next.

It is kept as a draft row and never in memory, so that a restart in the middle loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.calendar.workdays import WorkCalendar
from storage.competitions import making, usual
from storage.competitions.making import Form, Home, RoundForm, TrackForm
from storage.competitions.tables import CompetitionKind
from storage.competitions.usual import UsualRound
from storage.people.drafts import Dialogue

KIND = "competition"
"""The kind of the draft row."""
READY = "ready"
DAYS, FORWARD = "days-", "forward-"
"""Begin the names of the questions for a round's days, and for when to forward into it."""


@dataclass(frozen=True)
class Answers(Dialogue):
    """The answers so far, and the unit that it is made for."""

    unit_id: int = 0


def home_of(answers: Answers, homes: tuple[Home, ...]) -> Home:
    """Return the unit that it is made for."""
    return next((home for home in homes if home.unit_id == answers.unit_id), homes[0])


def chosen(answers: Answers, homes: tuple[Home, ...]) -> tuple[UsualRound, ...]:
    """Return the rounds that are ticked, in their order."""
    kind = home_of(answers, homes).kind
    keys = answers.said.get("rounds", usual.first_choice(kind))
    return tuple(each for key, each in usual.rounds_of(kind).items() if key in keys)


def steps(answers: Answers, homes: tuple[Home, ...]) -> Iterator[str]:
    """Yield the questions in order."""
    if len(homes) > 1:
        yield "unit"
    yield from ("kind", "year", "title", "stage", "subject", "rounds")
    rounds = chosen(answers, homes)
    if any(not each.external for each in rounds):
        yield "entry"
    for each in rounds:
        yield (FORWARD if each.external else DAYS) + each.key
    yield READY


def next_step(answers: Answers, homes: tuple[Home, ...]) -> str:
    """Return the question after the one that is open."""
    order = list(steps(answers, homes))
    if answers.step not in order:
        return order[0] if not answers.step else READY
    at = order.index(answers.step) + 1
    return order[at] if at < len(order) else READY


def form(answers: Answers, homes: tuple[Home, ...], calendar: WorkCalendar, language: str) -> Form:
    """Return what the draft will say: the answers, and the usual for the rest."""
    said, home = answers.said, home_of(answers, homes)

    def moment(name: str) -> datetime | None:
        value = said.get(name)
        return None if not value else datetime.fromisoformat(value)

    rounds = []
    is_first = True
    for each in chosen(answers, homes):
        dates: dict[str, Any] = {}
        if each.external:
            dates["forward_due_at"] = moment(f"{FORWARD}{each.key}")
        else:
            dates["starts_at"] = moment(f"{DAYS}{each.key}")
            dates["ends_at"] = moment(f"{DAYS}{each.key}-end")
            if is_first:
                dates["entry_opens_at"] = moment("entry_opens_at")
                dates["entry_closes_at"] = moment("entry_closes_at")
                is_first = False
        rounds.append(
            RoundForm(
                usual.said(each.name, language), each.level, each.season, each.external, **dates
            )
        )
    stages, subjects = said.get("stage") or [""], said.get("subject") or [""]
    tracks = tuple(
        TrackForm(usual.track(stage, subject, language), stage, subject)
        for stage in stages
        for subject in subjects
        if stage or subject
    )
    return Form(
        home.unit_id,
        said["title"],
        CompetitionKind(said["kind"]),
        said["year"],
        tracks,
        making.with_usual_dates(rounds, calendar),
    )
