"""What waits for a coordinator: one line each, as their desk shows it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True)
class Waiting:
    """So many things of a kind wait; of one class, or of none in particular (0)."""

    kind: str
    count: int
    batch_id: int = 0
    title: str = ""
    classes: int = 1
    """Of how many classes they are, where they are told together; they have no title then."""
    window: tuple[date, date] | None = None
    """From which to which day of one class it can be done, where that was said."""


def gathered(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """One line for each kind, whatever the class."""
    kinds: dict[str, Waiting] = {}
    for each in waiting:
        first = kinds.get(each.kind)
        kinds[each.kind] = (
            each
            if first is None
            else replace(
                first,
                count=first.count + each.count,
                title="",
                classes=first.classes + 1,
                window=None,
            )
        )
    return tuple(kinds.values())
