"""What waits for a coordinator: one line each, as their desk shows it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """So many things of a kind wait; of one class, or of none in particular (0).

    Without a title they are of several classes, and the class is where to begin.
    """

    kind: str
    count: int
    batch_id: int = 0
    title: str = ""
