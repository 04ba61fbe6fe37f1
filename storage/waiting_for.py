"""What waits for a coordinator: one line each, as their desk shows it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Waiting:
    """So many things of a kind wait; of one class, or of none in particular (0).

    Without a title they are of several classes, and the class is where to begin.
    """

    kind: str
    count: int
    batch_id: int = 0
    title: str = ""


def gathered(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """One line for each kind: of several classes the first is where to begin."""
    kinds: dict[str, Waiting] = {}
    for each in waiting:
        first = kinds.get(each.kind)
        kinds[each.kind] = (
            each if first is None else replace(first, count=first.count + each.count, title="")
        )
    return tuple(kinds.values())
