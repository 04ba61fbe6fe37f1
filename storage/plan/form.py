"""The form of a plan: which keys there are, and what may stand in them.

All scalars arrive as text, exactly as they stand in the file: a staff number such as 060012
keeps its zero, and a date that is none is this form's to refuse.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from storage.calendar.tables import DayKind
from storage.competitions.tables import CompetitionKind, RoundLevel, RoundState
from storage.credits.tables import EntryState
from storage.messaging.tables import ChatPurpose
from storage.people import phones
from storage.people.tables import Role, TeacherState, UnitKind
from storage.training.remote.tables import ItemKind, Measure
from storage.training.tables import (
    Approval,
    Category,
    Enrolment,
    Level,
    Mode,
    ProgrammeState,
    RegistrationState,
    Source,
)

Stage = Literal["kindergarten", "primary", "junior", "senior", "vocational"]
STAGES: tuple[Stage, ...] = get_args(Stage)
AreaType = Literal["urban", "town", "rural"]


def _day(value: Any) -> Any:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"not a date: {value}") from None


def _moment(value: Any) -> Any:
    """A day stays a day: which hour is meant depends on whether something starts or ends."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"not a date: {value}") from None


def _split(value: Any) -> Any:
    """Several words may stand in one text: a list of 800 staff numbers reads better so."""
    return value.split() if isinstance(value, str) else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError):
        raise ValueError(f"not a time zone: {value}") from None
    return value


def _phone(value: str) -> str:
    if value and not phones.normalised(value):
        raise ValueError("not a phone number")  # the number itself is not repeated
    return value


def _role(value: Any) -> Any:
    return {"role": value} if isinstance(value, str) else value


def _roles(value: Any) -> Any:
    return [_role(each) for each in _split(value)] if isinstance(value, (str, list)) else value


Day = Annotated[date, BeforeValidator(_day)]
When = Annotated[Any, BeforeValidator(_moment)]  # a date or a datetime
Name = Annotated[str, Field(min_length=1)]
Words = Annotated[list[str], BeforeValidator(_split)]
HoursOf = Annotated[Decimal, Field(ge=0, le=1000, decimal_places=1)]


class Part(BaseModel):
    """A mapping of the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OfficePart(Part):
    """The office that the database belongs to."""

    tenant: Name
    name: Name
    unit: Name
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    language: Literal["zh_Hans", "zh_Hant", "en"] = "zh_Hans"
    credit_profile: Name = "cn-default"
    today: When = None


class SchoolYearPart(Part):
    code: Name
    start: Day
    end: Day


class TermPart(Part):
    kind: Literal["autumn", "spring"]
    start: Day
    end: Day
    weeks: Annotated[int, Field(ge=1, le=30)]


class CyclePart(Part):
    code: Name
    start: Day
    end: Day


class DayPart(Part):
    """One day, or all from ``date`` to ``to``."""

    date: Day
    to: Day | None = None
    kind: DayKind
    label: str = ""


class CalendarPart(Part):
    school_year: SchoolYearPart | None = None
    terms: list[TermPart] = []
    cycle: CyclePart | None = None
    days: list[DayPart] = []


class UnitPart(Part):
    code: Name
    name: Name
    short: str = ""


class BodyPart(UnitPart):
    kind: Literal[UnitKind.BUREAU, UnitKind.TEACHER_DEV_CENTER, UnitKind.RESEARCH_OFFICE]


class SchoolPart(UnitPart):
    stages: Annotated[list[Stage], BeforeValidator(_split), Field(min_length=1)]
    area: AreaType
    pupils: Annotated[int, Field(ge=0)] | None = None
    active: bool = True


class CirclePart(UnitPart):
    """A group or an area, and the units in it."""

    members: Words


class PairingPart(Part):
    supporter: Name
    supported: Name
    subjects: Words = []


class UnitsPart(Part):
    province: UnitPart | None = None
    city: UnitPart | None = None
    county: UnitPart | None = None
    bodies: list[BodyPart] = []
    schools: list[SchoolPart] = []
    groups: list[CirclePart] = []
    areas: list[CirclePart] = []
    pairings: list[PairingPart] = []


class RolePart(Part):
    """A role, over the teacher's own unit (or the office's) unless it says another."""

    role: Role
    unit: str = ""


class PostingPart(Part):
    """Where a teacher works besides the main post."""

    unit: Name
    since: Day | None = None
    stage: Stage | Literal[""] = ""
    subject: Words = []
    duties: Words = []


class TeacherPart(Part):
    no: Name
    name: Name
    unit: Name
    since: Day | None = None  # of the present posting
    stage: Stage | Literal[""] = ""
    subject: Words = []
    duties: Words = []
    roles: Annotated[list[RolePart], BeforeValidator(_roles)] = []
    tier: str = ""
    cert: str = ""
    title: str = ""
    title_since: Day | None = None
    hire: Day | None = None
    route: str = ""
    service_end: Day | None = None
    full_time: bool = True
    phone: Annotated[str, AfterValidator(_phone)] = ""
    state: TeacherState = TeacherState.ACTIVE
    also: list[PostingPart] = []


class SessionPart(Part):
    title: str = ""
    start: When
    end: When
    place: str = ""
    online_url: str = ""
    bring: str = ""


class RegistrationsPart(Part):
    """Several teachers in the same state: what was before the office came to the product.

    ``hours`` are posted to those who completed (the programme's own unless said otherwise)
    and pending for those who attend; ``on`` is the day on which they are earned, the last day of
    the batch unless said otherwise.
    """

    state: RegistrationState
    at: When
    teachers: Words
    source: Source = Source.SELF
    reason: str = ""
    hours: HoursOf | None = None
    on: Day | None = None


class PlatformPart(Part):
    """A site of somebody else's where people study."""

    name: Name
    url: str = ""
    guide: str = ""


class ItemPart(Part):
    """What counts there; ``weight`` is its share of the whole."""

    kind: ItemKind
    title: Name
    measure: Measure
    required: Annotated[float, Field(gt=0)]
    weight: Annotated[float, Field(gt=0)] = 1.0
    mandatory: bool = True
    due: When = None


class TargetsPart(Part):
    """Parts of one: 1.00 is everybody."""

    participation_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    pass_rate: Annotated[float, Field(ge=0, le=1)] | None = None


class MakeUpPart(Part):
    start: When
    end: When


class RemotePart(Part):
    """How it is studied remotely."""

    platform: PlatformPart | None = None
    minutes_a_day: Annotated[int, Field(ge=5, le=480)] | None = None
    targets: TargetsPart = TargetsPart()
    makeup: MakeUpPart | None = None
    bulletin: bool = True
    items: list[ItemPart] = []


class RunPart(Part):
    """What a batch says of itself, or a programme with a single batch."""

    start: When = None
    end: When = None
    reg_open: When = None
    reg_close: When = None
    nominate_close: When = None
    roster_date: When = None
    place: str = ""
    bring: str = ""
    waiting_limit: Annotated[int, Field(ge=0)] | None = None
    offer_hours: Annotated[int, Field(ge=1, le=240)] = 24
    seats: Annotated[int, Field(ge=1)] | None = None
    quotas: dict[str, Annotated[int, Field(ge=0)]] = {}
    release: When = None
    sessions: list[SessionPart] = []
    registrations: list[RegistrationsPart] = []
    remote: RemotePart | None = None


class BatchPart(RunPart):
    no: Annotated[int, Field(ge=1)]
    title: str = ""


class ProgrammePart(RunPart):
    code: Name
    title: Name
    level: Level = Level.COUNTY
    category: Category = "other"
    mode: Mode
    enrolment: Enrolment
    approval: Approval = Approval.NONE
    owner: str = ""
    provider: str = ""
    audience: dict[str, Words] = {}
    about: str = ""
    contact: str = ""
    url: str = ""
    hours: HoursOf
    attendance_min: Annotated[float, Field(ge=0, le=1)] = 0.8
    certificate: str = ""
    state: ProgrammeState = ProgrammeState.PUBLISHED
    batches: list[BatchPart] = []

    def runs(self) -> Iterator[tuple[tuple[str | int, ...], int, str, RunPart]]:
        """Yield each batch: where it stands below the programme, number, title, itself."""
        for n, batch in enumerate(self.batches):
            yield ("batches", n), batch.no, batch.title, batch
        if not self.batches and self.start is not None:
            yield (), 1, "", self


class TrackPart(Part):
    """组别: a stage and a subject."""

    title: Name
    stage: Stage | Literal[""] = ""
    subject: str = ""


class PlacesPart(Part):
    """How many go on from a venue in a track: a share of its entries, or a number."""

    share: Annotated[float, Field(gt=0, le=1)] | None = None
    min: Annotated[int, Field(ge=0)] = 0
    each: Annotated[int, Field(ge=0)] | None = None
    units: dict[str, Annotated[int, Field(ge=0)]] = {}


class MaterialPart(Part):
    """What is handed in; ``kinds`` are endings of files, or ``link``."""

    key: Name
    title: Name
    kinds: Words = []
    most_mb: Annotated[int, Field(ge=1, le=2000)] = 20
    required: bool = True


class CriterionPart(Part):
    """One line of the rubric, in whole points."""

    key: Name
    title: Name
    most: Annotated[int, Field(ge=1, le=1000)]
    hint: str = ""


class RoundPart(Part):
    """初赛, 复赛, 决赛, or a round of a level above."""

    name: Name
    level: RoundLevel
    season: Literal["autumn", "spring", ""] = ""
    external: bool = False
    entry_open: When = None
    entry_close: When = None
    material_due: When = None
    start: When = None
    end: When = None
    result_due: When = None
    publicity_from: Day | None = None
    publicity_until: Day | None = None
    forward_due: When = None
    quota: PlacesPart | None = None
    unit_most: Annotated[int, Field(ge=1)] | None = None
    materials: list[MaterialPart] = []
    rubric: list[CriterionPart] = []
    drops: Annotated[int, Field(ge=0, le=3)] = 0
    judges: Annotated[int, Field(ge=1, le=30)] = 3
    ties: Words = []


class AwardPart(Part):
    """A share of a track's entries in the deciding round; the best award first."""

    name: Name
    share: Annotated[float, Field(gt=0, le=1)]
    tier: str = ""
    hours: HoursOf = Decimal(0)


class PlacePart(Part):
    """An entry in a round: judge by judge the marks, in the rubric's order, and the comments."""

    state: RoundState = RoundState.READY
    marks: list[list[Annotated[int, Field(ge=0)]]] = []
    comments: list[str] = []


class EntryPart(Part):
    """Who competes with what, and how far they have come: their rounds from the first on."""

    teacher: Name
    track: Name
    title: Name
    on: Day
    works: dict[str, Name] = {}
    """Links to what was handed in, by the key of the material."""
    rounds: Annotated[list[PlacePart], Field(min_length=1)]


class CompetitionPart(Part):
    """One year's edition."""

    code: Name
    title: Name
    kind: CompetitionKind
    school_year: Name
    owner: str = ""
    scheme: str = ""
    contact: str = ""
    one_entry: bool = True
    team_most: Annotated[int, Field(ge=1, le=10)] = 1
    blind: bool = True
    min_share: Annotated[float, Field(ge=0, le=1)] | None = None
    barred_years: Annotated[int, Field(ge=0, le=10)] = 0
    barred_awards: Words = []
    offers_resources: bool = False
    tracks: Annotated[list[TrackPart], Field(min_length=1)]
    rounds: Annotated[list[RoundPart], Field(min_length=1)]
    awards: list[AwardPart] = []
    entries: list[EntryPart] = []


class ChatPart(Part):
    id: int
    name: Name
    purpose: ChatPurpose
    unit: str = ""
    programme: str = ""
    competition: str = ""
    subject: str = ""
    language: Literal["zh_Hans", "zh_Hant", "en"] = "zh_Hans"


class LedgerPart(Part):
    """Opening entries of hours that no programme of the plan stands for."""

    no: Annotated[int, Field(ge=1)]  # tells this line from others for ever
    title: Name
    level: Level
    category: Category
    mode: Mode | Literal[""] = ""
    on: Day
    hours: HoursOf
    state: EntryState = EntryState.POSTED
    evidence: str = ""
    teachers: Words


class ProfilePart(Part):
    """A credit profile of the office's own; the rules as in the profiles that come along."""

    code: Name
    version: Annotated[int, Field(ge=1)]
    source_note: Name
    rules: dict[str, Any]


class PlanPart(Part):
    """The whole file."""

    office: OfficePart | None = None
    credit_profile: ProfilePart | None = None
    calendar: CalendarPart = CalendarPart()
    units: UnitsPart = UnitsPart()
    teachers: list[TeacherPart] = []
    programmes: list[ProgrammePart] = []
    competitions: list[CompetitionPart] = []
    chats: list[ChatPart] = []
    ledger: list[LedgerPart] = []
