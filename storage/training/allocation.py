"""Who gets what they wished for: first wishes first, and a lot that anybody can check.

All first wishes are served before any second wish, whoever tapped sooner. Within the same rank
those come first who have less so far, and then the lot decides: the SHA-256 of the menu's seed,
the menu and the staff number. The hash of the seed is shown from the day on which the menu is
made, the seed itself with the result; so nobody can have chosen it afterwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from storage.training import reserves
from storage.training.tables import ChoiceOutcome

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Wish:
    """What one person wishes: a batch, 1 being the first wish; and their lot and school.

    ``kinds`` are the reserves of their school's allotment that they fill.
    """

    teacher_id: int
    batch_id: int
    rank: int
    lot: str
    unit_id: int
    kinds: reserves.Kinds = frozenset()


@dataclass
class Allotment:
    """The seats of a school, with what is reserved of them, and which kinds the holders are."""

    quota_id: int
    free: int
    seats: int = 0
    reserved: dict[str, int] = field(default_factory=dict)
    holders: list[reserves.Kinds] = field(default_factory=list)

    def take(self, kinds: reserves.Kinds) -> bool:
        """Take a seat, unless what is left is kept for others."""
        if self.free <= 0 or (
            self.reserved
            and not reserves.leaves_room(self.seats, self.reserved, self.holders, kinds)
        ):
            return False
        self.free -= 1
        self.holders.append(kinds)
        return True


@dataclass
class Free:
    """Seats of a batch that nobody has: of schools, of the pool; without a limit when not so."""

    is_limited: bool = True
    pool: Allotment | None = None
    own: dict[int, Allotment] = field(default_factory=dict)
    """By school."""
    queue: int | None = None
    """How many more may wait; None is any number."""


@dataclass(frozen=True)
class Granted:
    """What becomes of a wish.

    ``number`` is its place among the ``of`` wishes of its rank for that batch. ``quota_id`` is
    where the seat is from; None without a limit, and without a seat.
    """

    wish: Wish
    outcome: ChoiceOutcome
    number: int
    of: int
    quota_id: int | None = None


def commitment(seed: str) -> str:
    """What is shown of the seed before it is used: its hash."""
    return sha256(seed.encode()).hexdigest()


def lot(seed: str, menu_id: int, staff_no: str) -> str:
    """The lot of one person; the lowest, as text, comes first."""
    return sha256(f"{seed}:{menu_id}:{staff_no}".encode()).hexdigest()


def allocate(
    wishes: Iterable[Wish],
    free: Mapping[int, Free],
    times: Mapping[int, Sequence[Span]],
    busy: Mapping[int, Sequence[Span]],
) -> list[Granted]:
    """Give out the seats. ``times`` are a batch's meetings, ``busy`` what a person has already.

    A wish at the same time as what the person has, or has just got, comes to nothing. Who gets
    no seat waits, in the same order. A batch that is not in ``free`` is not there any more.
    """
    left = {batch_id: _Left(seats) for batch_id, seats in free.items()}
    taken: dict[int, list[Span]] = defaultdict(list)
    for teacher_id, spans in busy.items():
        taken[teacher_id].extend(spans)
    got: Counter[int] = Counter()
    of_rank: dict[int, list[Wish]] = defaultdict(list)
    for wish in wishes:
        of_rank[wish.rank].append(wish)
    granted = []
    for rank in sorted(of_rank):
        turn = sorted(of_rank[rank], key=lambda one: (got[one.teacher_id], one.lot, one.teacher_id))
        wanted = Counter(wish.batch_id for wish in turn)
        seen: Counter[int] = Counter()
        for wish in turn:
            seen[wish.batch_id] += 1
            place = seen[wish.batch_id], wanted[wish.batch_id]
            seats = left.get(wish.batch_id)
            spans = times.get(wish.batch_id, ())
            if seats is None:
                granted.append(Granted(wish, ChoiceOutcome.GONE, *place))
            elif _overlap(spans, taken[wish.teacher_id]):
                granted.append(Granted(wish, ChoiceOutcome.CLASH, *place))
            elif seats.take(wish):
                granted.append(Granted(wish, ChoiceOutcome.GIVEN, *place, quota_id=seats.last))
                taken[wish.teacher_id].extend(spans)
                got[wish.teacher_id] += 1
            elif seats.wait():
                granted.append(Granted(wish, ChoiceOutcome.WAITING, *place))
            else:
                granted.append(Granted(wish, ChoiceOutcome.NO_PLACE, *place))
    return granted


class _Left:
    """Seats as they go: those of the own school first, the pool's next."""

    def __init__(self, free: Free) -> None:
        self._free = deepcopy(free)
        self.last: int | None = None
        """Where the seat that was taken last is from."""

    def take(self, wish: Wish) -> bool:
        self.last = None
        if not self._free.is_limited:
            return True
        for allotment in (self._free.own.get(wish.unit_id), self._free.pool):
            if allotment is not None and allotment.take(wish.kinds):
                self.last = allotment.quota_id
                return True
        return False

    def wait(self) -> bool:
        if self._free.queue is None:
            return True
        self._free.queue -= 1
        return self._free.queue >= 0


def _overlap(one: Sequence[Span], other: Sequence[Span]) -> bool:
    return any(start < finish and begin < end for start, end in one for begin, finish in other)
