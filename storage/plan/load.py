"""One load on its way: what it works on, what it knows by now, what it has changed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, SQLModel

from storage.people.tables import Office
from storage.plan.form import PlanPart, ProgrammePart, RunPart
from storage.plan.lines import Path
from storage.plan.reading import Plan, suggestion
from storage.plan.rows import Kept, Values, keep


@dataclass(frozen=True)
class Transfer:
    """A teacher who now works elsewhere; the codes of both units."""

    staff_no: str
    before: str
    after: str


@dataclass
class Run:
    """A batch on its way into the database, and where it stands in the file."""

    path: Path
    programme: ProgrammePart
    programme_id: int
    no: int
    title: str
    part: RunPart
    values: Values = field(default_factory=dict)
    id: int = 0


@dataclass
class Load:
    """What every part of a load needs; each part adds the ids that the next ones look up."""

    session: Session
    plan: Plan
    now: datetime
    office: Office
    zone: ZoneInfo
    today: date
    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    transfers: list[Transfer] = field(default_factory=list)
    profile_name: str = ""
    units: dict[str, int] = field(default_factory=dict)
    teachers: dict[str, int] = field(default_factory=dict)
    unit_of: dict[int, int] = field(default_factory=dict)  # by the primary posting
    programmes: dict[str, int] = field(default_factory=dict)
    competitions: dict[str, int] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    @property
    def form(self) -> PlanPart:
        return self.plan.form

    def keep(
        self, thing: str, model: type[SQLModel], key: Sequence[str], rows: list[Values], **how: Any
    ) -> Kept:
        """Keep the rows and count what was new or changed under the thing's name."""
        kept = keep(self.session, model, key, rows, **how)
        if kept.new:
            self.new[thing] += len(kept.new)
        if kept.changed:
            self.changed[thing] += len(kept.changed)
        return kept

    def known(self, known: dict[str, int], code: str, path: Path, thing: str) -> int:
        """Return the id of what the file names; raise PlanError at its line if there is none."""
        if code not in known:
            raise self.plan.wrong(path, f"no {thing} {code}{suggestion(code, known)}")
        return known[code]

    def unit(self, code: str, path: Path, *, of_key: bool = False) -> int:
        """Return a unit's id, or raise PlanError at its line."""
        if code not in self.units:
            said = f"no unit {code}{suggestion(code, self.units)}"
            raise self.plan.wrong(path, said, of_key=of_key)
        return self.units[code]
