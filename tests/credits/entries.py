"""Ledger lines for tests of reading: each states only what matters."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from storage.credits.balance import Balance, Person, Span, Underway, balance, cycle_at
from storage.credits.balance import years_between as divide
from storage.credits.ledger import Entry
from storage.credits.profiles import Profile, bundled
from storage.credits.tables import EntryState

TODAY = date(2026, 11, 20)
YEAR = (Span("2026-2027", date(2026, 9, 1), date(2027, 8, 31)),)

_numbers = itertools.count(1)


def entry(hours: str | int | Decimal, **differs: Any) -> Entry:
    """A posted county entry of this October."""
    number = next(_numbers)
    usual: dict[str, Any] = {
        "id": number,
        "teacher_id": 1,
        "earned_on": date(2026, 10, 20),
        "level": "county",
        "category": "post_skill",
        "hours": Decimal(hours),
        "title": f"培训 {number}",
        "source_kind": "batch",
        "source_id": number,
        "mode": "face_to_face",
        "rule": "programme_completed",
        "rule_version": "cn-default/1",
        "dedupe_group": "",
        "evidence": "",
        "state": EntryState.POSTED,
        "reverses_id": None,
        "posted_at": None,
    }
    return Entry(**usual | differs)


def of(*values: Any) -> tuple[Any, ...]:
    """Several figures, to be compared with whole numbers at once."""
    return values


def read(
    entries: list[Entry],
    profile: Profile | str = "cn-default",
    *,
    today: date = TODAY,
    person: Person | None = None,
    underway: tuple[Underway, ...] = (),
) -> Balance:
    """The balance under a bundled or given profile, in its own cycle."""
    rules = bundled()[profile] if isinstance(profile, str) else profile
    cycle = cycle_at(rules, today, YEAR)
    return balance(
        entries,
        rules,
        cycle=cycle,
        years=divide(cycle.start, cycle.end, rules.year_kind, YEAR),
        today=today,
        person=person,
        underway=underway,
        known_years=YEAR,
    )
