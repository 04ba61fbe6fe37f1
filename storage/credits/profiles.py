"""Credit profiles: a province's rules as YAML data with a source note, never as constants.

A document may extend another: a key that it gives replaces the whole key of the other, and all
but its names and notes are taken over. What is
read is checked strictly, kept as a version, and never changed: a changed document is a new
version, and a ledger line says under which one it was posted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlmodel import Session, select

from storage.credits.hours import rounded
from storage.credits.tables import CreditCycle, CreditProfile
from storage.refusals import NotFound

LEVELS = ("school", "area", "county", "city", "provincial", "national")
"""The levels from the lowest to the highest."""

OTHER_NAMES = {"district": "county", "province": "provincial"}
OR_ABOVE = "_or_above"
_OWN = ("names", "notes")  # what a profile does not take over from the one that it extends
NEW_TEACHER_CATEGORIES = ("pre_service", "new_teacher", "new_teacher_completion")

Amount = Annotated[Decimal, Field(ge=0, decimal_places=1)]
"""Hours or credits as the profile's unit says, exact to a tenth."""

Factor = Annotated[Decimal, Field(ge=0)]


class ProfileError(ValueError):
    """A profile that cannot be read; says which, and every key that is wrong."""

    def __init__(self, code: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"credit profile {code}: " + "; ".join(problems))
        self.code = code
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cycle(_Part):
    """周期: how many years belong together, and since when."""

    years: Annotated[int, Field(ge=1, le=10)] = 5
    kind: Literal["fixed", "rolling"] = "fixed"
    starts: date | None = None
    also_rolling_report: bool = False


class Yearly(_Part):
    """What a year should bring at least, and what it may count at most."""

    floor: Amount | None = None
    floor_mode: Literal["warn", "require"] = "warn"
    ceiling: Amount | None = None


class Day(_Part):
    """How long an hour is, and how many a day may bring when hours are entered."""

    hour_minutes: Annotated[int, Field(ge=1)] = 45
    max_hours: Amount = Decimal(8)
    half_day: Amount = Decimal(4)


class LevelRule(_Part):
    """A minimum or maxima of one level, or of one level and all above it."""

    min: Amount | None = None
    max_per_year: Amount | None = None
    max_per_cycle: Amount | None = None


class CategoryRule(_Part):
    """Minima or maxima of one category; ``includes`` lists further categories that belong to it."""

    min: Amount | None = None
    min_per_year: Amount | None = None
    max_per_year: Amount | None = None
    max_per_cycle: Amount | None = None
    mode: Literal["warn", "require"] = "require"
    includes: tuple[str, ...] = ()


class Fixed(_Part):
    """A fixed amount, whatever the hours were."""

    fixed: Amount


class NewTeacher(_Part):
    """Training of the probation time; ``split`` is said to the reader, not computed."""

    hours: Amount
    within_months: Annotated[int, Field(ge=1)] = 12
    counts: Literal["none", "full"] | Fixed = "none"
    split: dict[str, Amount] = {}
    categories: tuple[str, ...] = NEW_TEACHER_CATEGORIES


class Failed(_Part):
    """Which share of the hours a training that was not passed brings."""

    factor: Annotated[Decimal, Field(ge=0, le=1)] = Decimal(0)


class OpenLesson(_Part):
    """What each open lesson counts for, and all of a cycle together."""

    level: str
    hours: Amount
    cap: Amount


class Roles(_Part):
    """What leading or listening is worth where the office has switched it on."""

    enabled: bool = False
    presenter: dict[str, Factor] = {}
    listener: Factor | None = None
    open_lesson: OpenLesson | None = None


class OncePerCycle(_Part):
    """A block that is needed once in a cycle; uninterrupted means in one training."""

    key: str
    hours: Amount
    mode: str = ""
    uninterrupted: bool = False


class Cap(_Part):
    """A limit on a kind of entry; what is left empty matches everything."""

    key: str
    source_kind: str = ""
    rule: str = ""
    level: str = ""
    category: str = ""
    mode: str = ""
    per_item: Amount | None = None
    per_year: Amount | None = None
    per_cycle: Amount | None = None


class Duty(_Part):
    """What a special duty asks for in addition, in training of the same name."""

    hours_per_cycle: Amount


class Window(_Part):
    """A month in which the office publishes its menu."""

    name: str
    month: Annotated[int, Field(ge=1, le=12)]


class NoShow(_Part):
    """For how long a person who did not come is barred."""

    blacklist_months: Annotated[int, Field(ge=0)]


class Awards(_Part):
    """What a prize is worth by level, where the office has switched it on."""

    enabled: bool = False
    school: Amount | None = None
    area: Amount | None = None
    county: Amount | None = None
    city: Amount | None = None
    provincial: Amount | None = None
    national: Amount | None = None


class Profile(_Part):
    """All rules by which a teacher's ledger is read. See domain/4-credit-rules.md §4.3."""

    code: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(ge=1)] = 1
    source_note: Annotated[str, Field(min_length=1)]
    names: dict[str, str] = {}
    """How the rules are called, by language; the code where a language has no name."""
    notes: dict[str, str] = {}
    """The source note in other languages than it is written in."""
    unit: Literal["hour", "credit"] = "hour"
    cycle: Cycle = Cycle()
    year_kind: Literal["school_year", "calendar"] = "school_year"
    total_required: Amount
    yearly: Yearly = Yearly()
    day: Day = Day()
    levels: dict[str, LevelRule] = {}
    categories: dict[str, CategoryRule] = {}
    conversion: dict[str, Annotated[Decimal, Field(gt=0)]] = {}
    new_teacher: NewTeacher | None = None
    failed: Failed = Failed()
    attendance_min: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.8")
    dedupe: Literal["highest_level", "off"] = "highest_level"
    roles: Roles = Roles()
    awards: Awards = Awards()
    caps: tuple[Cap, ...] = ()
    once_per_cycle: tuple[OncePerCycle, ...] = ()
    duty: dict[str, Duty] = {}
    exemptions: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    no_show: NoShow | None = None
    credit_needs_evaluation: bool = False
    appeal_days: Annotated[int, Field(ge=0)] = 10

    @field_validator("categories", mode="before")
    @classmethod
    def _number_means_minimum(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {
            key: rule if isinstance(rule, Mapping | CategoryRule) else {"min": rule}
            for key, rule in given.items()
        }

    @field_validator("levels")
    @classmethod
    def _known_levels(cls, given: dict[str, LevelRule]) -> dict[str, LevelRule]:
        for key in given:
            if plain_level(key.removesuffix(OR_ABOVE)) not in LEVELS:
                raise ValueError(f"unknown level {key}")
        return given

    @property
    def name(self) -> str:
        """Code and version, as a ledger line keeps it: ``cn-default/1``."""
        return f"{self.code}/{self.version}"

    def amount(self, hours: Decimal, *, level: str, mode: str) -> Decimal:
        """Return what so many hours are in the profile's unit, to a tenth, half up."""
        if self.unit == "hour":
            return rounded(hours)
        by_level = self.conversion.get("school") if level == "school" else None
        per = by_level or self.conversion.get(mode) or self.conversion.get("any") or Decimal(1)
        return rounded(hours / per)

    def limits(self) -> Iterator[Cap]:
        """Yield the caps on kinds of entries, those that follow from the roles included."""
        yield from self.caps
        lesson = self.roles.open_lesson
        if self.roles.enabled and lesson is not None:
            yield Cap(
                key="open_lesson",
                rule="open_lesson",
                level=lesson.level,
                per_item=lesson.hours,
                per_cycle=lesson.cap,
            )


def plain_level(level: str) -> str:
    """Return the level under the name that programmes use: a district is a county."""
    return OTHER_NAMES.get(level, level)


def levels_of(key: str) -> frozenset[str]:
    """Return the levels that a profile's key means, ``county_or_above`` or ``city``."""
    level = plain_level(key.removesuffix(OR_ABOVE))
    if key.endswith(OR_ABOVE):
        return frozenset(LEVELS[LEVELS.index(level) :])
    return frozenset([level])


def read(text: str) -> Profile:
    """Read one YAML document; it may extend a bundled profile. Raises ``ProfileError``."""
    return profile_of(_document(text, "document"))


def profile_of(
    document: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]] | None = None
) -> Profile:
    """Check a document and resolve what it extends, among ``others`` and the bundled ones.

    Raises ``ProfileError`` naming the profile and each wrong key.
    """
    code = str(document.get("code") or "without a code")
    whole = _resolved(document, {**_bundled_documents(), **(others or {})}, (code,))
    try:
        return Profile.model_validate(whole)
    except ValidationError as error:
        problems = tuple(_problem(found) for found in error.errors())
        raise ProfileError(code, problems) from None


@cache
def bundled() -> Mapping[str, Profile]:
    """Return the profiles that come with the product, by code."""
    return {code: profile_of(document) for code, document in _bundled_documents().items()}


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """A profile as it is kept: its row, and the version it got."""

    id: int
    profile: Profile


def keep_profile(session: Session, profile: Profile) -> KeptProfile:
    """Keep the profile; the same one again changes nothing, a changed one is a new version.

    How it is called is no rule: names and notes of the same rules are put in place.
    """
    latest = _latest(session, profile.code)
    version = profile.version
    if latest is not None:
        kept = Profile.model_validate(latest.rules)
        named = kept.model_copy(update={"names": profile.names, "notes": profile.notes})
        same = profile.model_copy(update={"version": kept.version}) == named
        if same and profile.version <= kept.version:
            latest.rules = named.model_dump(mode="json")
            session.flush()
            return KeptProfile(latest.id, named)
        version = max(profile.version, latest.version + 1)
    new = profile.model_copy(update={"version": version})
    row = CreditProfile(
        code=new.code,
        version=new.version,
        source_note=new.source_note,
        rules=new.model_dump(mode="json"),
    )
    session.add(row)
    session.flush()
    return KeptProfile(row.id, new)


def current(session: Session, code: str) -> Profile:
    """Return the latest kept version, or the bundled profile. Raises ``NotFound``."""
    latest = _latest(session, code)
    found = bundled().get(code)
    if latest is not None:
        kept = Profile.model_validate(latest.rules)
        if found is None or kept.names or kept.source_note != found.source_note:
            return kept
        # Kept before profiles had names, and never loaded again since.
        return kept.model_copy(update={"names": found.names, "notes": found.notes})
    if found is None:
        raise NotFound("credit profile")
    return found


def keep_cycle(session: Session, profile_id: int, *, code: str, start: date, end: date) -> int:
    """Keep a cycle of the office's plan by its code, or move it; return its row's id."""
    row = session.exec(select(CreditCycle).where(CreditCycle.code == code)).first()
    if row is None:
        row = CreditCycle(code=code, profile_id=profile_id, start=start, end=end)
        session.add(row)
    row.profile_id, row.start, row.end = profile_id, start, end
    session.flush()
    return row.id


def _latest(session: Session, code: str) -> CreditProfile | None:
    return session.exec(
        select(CreditProfile)
        .where(CreditProfile.code == code)
        .order_by(CreditProfile.version.desc())  # type: ignore[attr-defined]
        .limit(1)
    ).first()


@cache
def _bundled_documents() -> Mapping[str, Mapping[str, Any]]:
    found = {}
    for file in sorted(files("storage.credits").joinpath("profiles").iterdir(), key=str):
        if file.name.endswith(".yaml"):
            document = _document(file.read_text(encoding="utf-8"), file.name)
            found[str(document["code"])] = document
    return found


def _document(text: str, name: str) -> Mapping[str, Any]:
    try:
        document = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ProfileError(name, (" ".join(str(error).split()),)) from None
    if not isinstance(document, Mapping):
        raise ProfileError(name, ("not a mapping of keys",))
    return document


def _resolved(
    document: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]], seen: tuple[str, ...]
) -> dict[str, Any]:
    own = dict(document)
    base = own.pop("extends", None)
    if base is None:
        return own
    if base in seen:
        raise ProfileError(seen[0], (f"extends: {base} extends itself",))
    if base not in others:
        raise ProfileError(seen[0], (f"extends: no profile {base}",))
    inherited = _resolved(others[base], others, (*seen, base))
    return {key: rule for key, rule in inherited.items() if key not in _OWN} | own


def _problem(found: Any) -> str:
    where = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    return f"{where}: {found['msg'].removeprefix('Value error, ')}"
