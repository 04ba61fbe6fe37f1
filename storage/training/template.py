"""Templates: the kinds of training that a county, and those above it, hold year after year.

One YAML file each, in three languages; an office that holds another kind adds a file. What a
template says becomes the first face of a draft and can all be changed there.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from storage.people import facts
from storage.plan.form import HoursOf
from storage.training.remote.tables import ItemKind, Measure
from storage.training.tables import (
    Approval,
    Category,
    Enrolment,
    Level,
    Mode,
    ModuleKind,
    PhaseKind,
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Part):
    """A text in the three languages; ``{year}`` and ``{last_year}`` are filled in."""

    zh_Hans: str  # noqa: N815
    zh_Hant: str  # noqa: N815
    en: str

    def said(self, language: str, year: int | None = None) -> str:
        """Return the text in this language, of this year."""
        text: str = getattr(self, language, self.en)
        return text if year is None else text.format(year=year, last_year=year - 1)


class ModulePart(_Part):
    kind: ModuleKind
    title: Words
    mandatory: bool = True


class PhasePart(_Part):
    kind: PhaseKind
    title: Words
    modules: list[ModulePart] = []


class ItemPart(_Part):
    """What counts on the platform; ``weight`` is its share of the whole."""

    kind: ItemKind
    title: Words
    measure: Measure
    required: Annotated[float, Field(gt=0)]
    weight: Annotated[float, Field(gt=0)] = 1.0
    mandatory: bool = True


class RemotePart(_Part):
    """How it is studied remotely; targets are parts of one."""

    minutes_a_day: Annotated[int, Field(ge=5, le=480)] | None = None
    participation_target: Annotated[float, Field(ge=0, le=1)] | None = None
    pass_target: Annotated[float, Field(ge=0, le=1)] | None = None
    items: list[ItemPart] = []


class Template(_Part):
    """A kind of training; ``days`` is how long it usually lasts, both ends included."""

    key: str
    order: int
    name: Words
    title: Words
    level: Level
    category: Category
    mode: Mode
    enrolment: Enrolment
    approval: Approval = Approval.NONE
    audience: dict[str, list[str]] = {}
    hours: HoursOf
    days: Annotated[int, Field(ge=1, le=400)]
    seats: Annotated[int, Field(ge=1)] | None = None
    attendance_min: Annotated[float, Field(ge=0, le=1)] = 0.8
    excellent_cap: Annotated[float, Field(ge=0, le=1)] | None = None
    certificate: str = ""
    phases: list[PhasePart] = []
    remote: RemotePart | None = None

    @property
    def has_ethics(self) -> bool:
        """Whether conduct and ethics are a part of it (seed S1-04)."""
        return self.category == "ethics" or any(
            module.kind is ModuleKind.ETHICS for phase in self.phases for module in phase.modules
        )

    def audience_of(self, year: int) -> dict[str, Any]:
        """Return for whom it is in this year."""
        return {
            key: [value.format(year=year, last_year=year - 1) for value in values]
            for key, values in self.audience.items()
        }


@cache
def templates() -> tuple[Template, ...]:
    """Return all templates, the county's eleven first."""
    yaml = YAML(typ="safe", pure=True)
    found = []
    for file in sorted(files("storage.training").joinpath("templates").iterdir(), key=str):
        if file.name.endswith(".yaml"):
            made = Template.model_validate(yaml.load(file.read_text(encoding="utf-8")))
            if unknown := made.audience.keys() - set(facts.KEYS):
                raise ValueError(f"{file.name}: nothing is known by {sorted(unknown)}")
            found.append(made)
    return tuple(sorted(found, key=lambda template: template.order))


def of_key(key: str) -> Template | None:
    """Return the template of this key, if there is one."""
    return next((template for template in templates() if template.key == key), None)
