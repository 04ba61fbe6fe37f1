"""The table that a run prints: ours, the peer, the ratio of the two, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """A bar: the text that is shown, and whether a figure reaches it."""

    text: str
    reached: Callable[[float], bool]


def at_least(bar: float, unit: str = "") -> Goal:
    return Goal(f"≥ {bar:,g}{unit}", lambda figure: figure >= bar)


def at_most(bar: float, unit: str = "") -> Goal:
    return Goal(f"≤ {bar:,g}{unit}", lambda figure: figure <= bar)


def exactly(bar: float) -> Goal:
    return Goal(f"= {bar:,g}", lambda figure: figure == bar)


@dataclass(frozen=True)
class Line:
    """One figure. The goal is for the ratio where there is one, else for our own figure."""

    what: str
    ours: str
    peer: str
    ratio: float | None
    goal: Goal | None
    judged: float

    @property
    def is_reached(self) -> bool:
        return self.goal is None or self.goal.reached(self.judged)


@dataclass
class Report:
    """What has been measured so far."""

    console: Console
    lines: list[Line] = field(default_factory=list)

    def compared(
        self, what: str, ours: Sequence[float], peer: Sequence[float], unit: str, goal: Goal | None
    ) -> None:
        """Add a figure beside its peer's; the ratio is the median over the pairs of runs."""
        ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
        self._add(Line(what, _shown(ours, unit), _shown(peer, unit), ratio, goal, ratio))

    def alone(
        self,
        what: str,
        ours: Sequence[float],
        unit: str,
        goal: Goal | None,
        *,
        peer: str = "",
        worst: Callable[[Sequence[float]], float] | None = None,
    ) -> None:
        """Add a figure that has a limit instead of a peer.

        The median of the runs counts, or the ``worst`` of them where none may break the limit.
        """
        judged = statistics.median(ours) if worst is None else worst(ours)
        shown = _shown(ours, unit) if worst is None else f"{_number(judged)}{unit}"
        self._add(Line(what, shown, peer, None, goal, judged))

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        ratio = "" if line.ratio is None else f", ratio {line.ratio:.2f}"
        self.console.print(f"  {line.what}: {line.ours}{ratio}", highlight=False, style="dim")

    def print(self, seconds: float) -> None:
        table = Table(title=f"Qinglan, measured in {seconds:.0f} s", title_justify="left")
        for name in ("what", "ours", "peer", "ratio", "goal", ""):
            table.add_column(name, justify="left" if name == "what" else "right")
        for line in self.lines:
            table.add_row(
                line.what,
                line.ours,
                line.peer,
                "" if line.ratio is None else f"{line.ratio:.2f}",
                line.goal.text if line.goal else "",
                "" if line.goal is None else ("✓" if line.is_reached else "✗"),
                style=None if line.is_reached else "red",
            )
        self.console.print(table)
        self.console.print(
            "Medians of alternating runs, with the smallest and the largest in brackets."
        )


def _shown(figures: Sequence[float], unit: str) -> str:
    middle = _number(statistics.median(figures))
    if len(figures) < 2:
        return f"{middle}{unit}"
    return f"{middle}{unit} [{_number(min(figures))}–{_number(max(figures))}]"


def _number(figure: float) -> str:
    if figure >= 100:
        return f"{figure:,.0f}"
    if figure >= 10:
        return f"{figure:.1f}"
    return f"{figure:.2f}" if figure >= 0.1 else f"{figure:.3f}"
