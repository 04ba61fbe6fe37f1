"""Who stands where, and how many go on: plain arithmetic on the frozen rules of a round.

The better score comes first. Equals are told apart by the rules' ties in their order; where
these say no more, the lot of the venue does, whether the rules name it or not: no award and no
place is ever given between equals without a word of what decided. The lot is the SHA-256 of the
venue's seed, the venue and the entry's number; the lowest, as text, comes first.

A share becomes a number by rounding a half up.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from storage.competitions.values import BEST, CRITERION, LOT, MEDIAN

RESERVES = 3
"""As many reserves as places, and never more than these."""


@dataclass(frozen=True)
class Runner:
    """An entry that was judged: its score, and the ballots behind it."""

    place_id: int
    unit_id: int
    score: float
    lot: str
    totals: tuple[int, ...] = ()
    marks: tuple[Mapping[str, int], ...] = ()


@dataclass(frozen=True)
class Ranked:
    """Where an entry stands; ``tie`` is what told it from an equal beside it."""

    runner: Runner
    rank: int
    tie: str = ""


def ranked(runners: Sequence[Runner], ties: Sequence[str]) -> list[Ranked]:
    """Return them in their order, the best first."""
    rules = tuple(ties) if LOT in ties else (*ties, LOT)
    keys = {each.place_id: tuple(_key(each, rules)) for each in runners}
    order = sorted(runners, key=lambda each: (keys[each.place_id], each.lot, each.place_id))
    found: list[Ranked] = []
    for n, runner in enumerate(order):
        own = keys[runner.place_id]
        beside = [keys[order[m].place_id] for m in (n - 1, n + 1) if 0 <= m < len(order)]
        deepest = max((_differs(own, other) for other in beside if own[0] == other[0]), default=0)
        is_same = n > 0 and keys[order[n - 1].place_id] == own
        rank = found[-1].rank if is_same else n + 1
        found.append(Ranked(runner, rank, rules[deepest - 1] if deepest else ""))
    return found


def _key(runner: Runner, ties: Sequence[str]) -> Iterator[Any]:
    """What is compared, in its order; the lower comes first."""
    yield -round(runner.score, 4)
    for tie in ties:
        if tie == MEDIAN:
            yield -Fraction(statistics.median(runner.totals)) if runner.totals else Fraction(0)
        elif tie == BEST:
            yield -max(runner.totals, default=0)
        elif tie == LOT:
            yield runner.lot
        else:
            name = tie.removeprefix(CRITERION)
            given = [marks[name] for marks in runner.marks if name in marks]
            yield -Fraction(sum(given), len(given)) if given else Fraction(0)


def _differs(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """Which of the ties is the first to tell the two apart, from 1; 0 when none does."""
    return next((n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), 0)


def rounded(share: float, of: int) -> int:
    """Return so much of a number, a half rounded up."""
    return int((Decimal(str(share)) * of).quantize(Decimal(1), ROUND_HALF_UP))


def seats(quota: Mapping[str, Any], unit_id: int, entries: int) -> int | None:
    """Return how many may go on from a venue of this unit with so many judged entries.

    None is without a limit.
    """
    if not quota:
        return None
    if "share" in quota:
        number = max(rounded(quota["share"], entries), quota.get("min") or 0)
    else:
        number = int((quota.get("units") or {}).get(str(unit_id), quota.get("each") or 0))
    return number


def fewest(*limits: int | None) -> int | None:
    """Return the strictest of these limits; None when there is none."""
    return min((each for each in limits if each is not None), default=None)


def going_on(
    order: Sequence[Ranked], places: int | None, unit_most: int | None
) -> tuple[list[int], list[int]]:
    """Return the places that go on, and the reserves, each in their order.

    Of one unit at most ``unit_most`` go on; who is left out for that stays a reserve, as one
    of their own unit may not go after all.
    """
    if places is None and unit_most is None:
        return [each.runner.place_id for each in order], []
    on: list[int] = []
    rest: list[int] = []
    of_unit: Counter[int] = Counter()
    for each in order:
        unit_id = each.runner.unit_id
        has_room = places is None or len(on) < places
        if has_room and (unit_most is None or of_unit[unit_id] < unit_most):
            of_unit[unit_id] += 1
            on.append(each.runner.place_id)
        else:
            rest.append(each.runner.place_id)
    return on, rest[: min(len(on), RESERVES)]


def given(awards: Sequence[Mapping[str, Any]], entries: int) -> list[tuple[str, int]]:
    """Return how many of each award the shares come to among so many entries."""
    found = []
    left = entries
    for award in awards:
        number = min(rounded(award["share"], entries), left)
        left -= number
        found.append((award["name"], number))
    return found


def awarded(order: Sequence[Ranked], awards: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Return the award of each place that has one: each award's share of the entries, in turn."""
    found: dict[int, str] = {}
    turn = iter(order)
    for name, number in given(awards, len(order)):
        for each in itertools.islice(turn, number):
            found[each.runner.place_id] = name
    return found
