"""Tables of training."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlmodel import Field

from storage.credits.hours import Hours
from storage.tables import Row, document, key, one_of


class Level(StrEnum):
    """Whose programme it is."""

    NATIONAL = "national"
    PROVINCIAL = "provincial"
    CITY = "city"
    COUNTY = "county"
    SCHOOL = "school"


Category = Literal[
    "ethics",
    "post_skill",
    "new_curriculum",
    "subject_backbone",
    "homeroom",
    "management",
    "digital",
    "ict",
    "kindergarten",
    "pre_service",
    "new_teacher_completion",
    "school_based",
    "research",
    "outreach",
    "counsellor",
    "remote_admin",
    "kg_cert_prep",
    "degree_upgrade",
    "other",
]
CATEGORIES: tuple[Category, ...] = get_args(Category)
"""What programmes are about, the most usual first (domain/2-model.md §2.4)."""


class Mode(StrEnum):
    """How it is taught."""

    FACE_TO_FACE = "face_to_face"
    REMOTE = "remote"
    SHADOWING = "shadowing"
    BLENDED = "blended"
    OUTREACH = "outreach"
    LIVE = "live"


class Enrolment(StrEnum):
    """Through which door teachers come in."""

    OPEN = "open"
    NOMINATION = "nomination"
    AUTOMATIC = "automatic"
    MENU = "menu"
    INVITATION = "invitation"


class Approval(StrEnum):
    """Who confirms a registration before it counts."""

    NONE = "none"
    SCHOOL = "school"
    COUNTY = "county"  # the school first, then the county


class ProgrammeState(StrEnum):
    """Where a programme stands; whether registration is open follows from its dates."""

    DRAFT = "draft"
    PUBLISHED = "published"
    FINISHED = "finished"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"


class Programme(Row, table=True):
    """A training project: what it is about, for whom, and what it is worth."""

    code: str = Field(unique=True)
    title: str
    level: Level = one_of(Level)
    category: str
    mode: Mode = one_of(Mode)
    enrolment: Enrolment = one_of(Enrolment)
    approval: Approval = one_of(Approval, default=Approval.NONE)
    owner_unit_id: int = key(foreign_key="org_unit.id")
    provider: str = ""
    audience: dict[str, Any] = document(default_factory=dict)  # fact key → allowed values
    about: str = ""
    contact: str = ""
    external_url: str = ""
    planned_hours: Decimal = Field(sa_type=Hours)
    attendance_min: float = 0.8
    certificate: str = ""
    state: ProgrammeState = one_of(ProgrammeState, default=ProgrammeState.PUBLISHED)
    template: str = ""  # the key of the template that it was made from
    cloned_from: int | None = key(default=None, foreign_key="programme.id")
    paused_at: datetime | None = None  # registration and reminders stand still
    asks_consent: bool = True  # a nominated teacher is asked first
    excellent_cap: float | None = None  # at most this share is graded excellent
    pass_mark: float | None = None  # from this score on it is passed; None is the usual
    excellent_mark: float | None = None


class Batch(Row, table=True):
    """班次: one run of a programme, with dates, a place and seats."""

    __table_args__ = (sa.UniqueConstraint("programme_id", "no"),)

    programme_id: int = key(foreign_key="programme.id")
    no: int = 1
    title: str = ""
    starts_at: datetime
    ends_at: datetime
    reg_open: datetime | None = None
    reg_close: datetime | None = None
    nominate_close: datetime | None = None
    roster_date: datetime | None = None
    place: str = ""
    bring: str = ""
    approve_close: datetime | None = None
    waiting_limit: int | None = None
    minimum: int | None = None  # with fewer registered by ``thin_at`` the class does not run
    thin_at: datetime | None = None
    thin_settled_at: datetime | None = None  # it was found out, or decided, whether it runs
    second_close: datetime | None = None  # who lost a thin class may choose again until then
    counts_check_out: bool = False  # hours need a check-out too
    cancelled_at: datetime | None = None
    offer_hours: int = 24
    revision: int = 0  # grows with every change that a card shows


class Quota(Row, table=True):
    """名额: seats of one unit in a batch; the owner's own row is the open pool.

    ``taken`` counts confirmed seats and open offers together, so an offered seat is held.
    """

    __table_args__ = (
        sa.UniqueConstraint("batch_id", "unit_id"),
        sa.CheckConstraint("taken >= 0 AND taken <= seats", name="seats"),
    )

    batch_id: int = key(foreign_key="batch.id")
    unit_id: int = key(foreign_key="org_unit.id")
    seats: int
    taken: int = 0
    is_pool: bool = False
    reserved: dict[str, int] = document(default_factory=dict)
    """Seats of ``seats`` kept for rural, young or subject teachers (keys of reserves)."""
    over_allowed: int = 0  # how far the allotments may go over the capacity, by this unit
    release_at: datetime | None = None  # unused seats flow back to the pool then


class PhaseKind(StrEnum):
    """集中, 跟岗, 网络 and the other stretches of a programme."""

    CONCENTRATED = "concentrated"
    SHADOWING = "shadowing"
    ONLINE = "online"
    PRACTICE = "practice"
    REVIEW = "review"
    MENTORSHIP = "mentorship"
    COMPETITION = "competition"


class Phase(Row, table=True):
    """A stretch of a batch, in its order; with a gate the next one begins after passing it."""

    __table_args__ = (sa.UniqueConstraint("batch_id", "position"),)

    batch_id: int = key(foreign_key="batch.id")
    position: int
    kind: PhaseKind = one_of(PhaseKind)
    title: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    host_unit_id: int | None = key(default=None, foreign_key="org_unit.id")
    gate: bool = False


class ModuleKind(StrEnum):
    """What a module is about; the first four are the learning forms of remote training."""

    VIDEO_QA = "video_qa"
    OBSERVE_CASE = "observe_case"
    SEMINAR_SELFSTUDY = "seminar_selfstudy"
    OUTCOME_EXCHANGE = "outcome_exchange"
    EXPERT_LEAD = "expert_lead"
    PRACTICE = "practice"
    RESEARCH_LINE = "research_line"
    EVALUATION = "evaluation"
    ETHICS = "ethics"
    OTHER = "other"


class Module(Row, table=True):
    """A part of a phase, in its order."""

    __table_args__ = (sa.UniqueConstraint("phase_id", "position"),)

    phase_id: int = key(foreign_key="phase.id")
    position: int
    kind: ModuleKind = one_of(ModuleKind)
    title: str
    mandatory: bool = True
    hours: Decimal | None = Field(default=None, sa_type=Hours)
    weight: float = 1.0
    due_at: datetime | None = None


class HandIn(StrEnum):
    """In which form work is handed in."""

    TEXT = "text"
    LINK = "link"
    FILE = "file"
    OFFLINE = "offline"  # on paper; whoever reviews enters it


class Review(StrEnum):
    """How handed-in work is judged."""

    NONE = "none"
    PASS_FAIL = "pass_fail"  # noqa: S105
    SCORE = "score"


class Task(Row, table=True):
    """Work that participants hand in."""

    batch_id: int = key(foreign_key="batch.id", index=True)
    module_id: int | None = key(default=None, foreign_key="module.id")
    title: str
    about: str = ""
    due_at: datetime
    hand_in: HandIn = one_of(HandIn, default=HandIn.TEXT)
    review: Review = one_of(Review, default=Review.PASS_FAIL)
    max_score: float = 100
    mandatory: bool = True


class CheckIn(StrEnum):
    """How presence at a meeting is found out."""

    NONE = "none"
    CODE = "code"  # the rotating code, as a picture or typed
    COORDINATOR = "coordinator"
    IMPORT = "import"


class EligibilityRule(Row, table=True):
    """Who may register beyond the audience: a hard rule refuses, a soft one warns."""

    programme_id: int = key(foreign_key="programme.id", index=True)
    field: str  # a fact, or what is reckoned from the roster, such as years_in_post
    op: str  # is, is_not, at_least, at_most
    value: str
    hard: bool = True


class Menu(Row, table=True):
    """菜单式: a choice among programmes, so many of them, ranked, until it closes."""

    title: str
    owner_unit_id: int = key(foreign_key="org_unit.id")
    opens_at: datetime
    closes_at: datetime
    least: int = 1
    most: int = 1
    audience: dict[str, Any] = document(default_factory=dict)
    seed: str = ""  # of the lot; its hash is shown from the beginning, itself when it is settled
    settled_at: datetime | None = None  # seats were given out by the choices
    cancelled_at: datetime | None = None


class MenuOption(Row, table=True):
    """A batch that a menu offers."""

    __table_args__ = (sa.UniqueConstraint("menu_id", "batch_id"),)

    menu_id: int = key(foreign_key="menu.id")
    batch_id: int = key(foreign_key="batch.id", index=True)


class ChoiceOutcome(StrEnum):
    """What became of a wish when the menu was settled."""

    OPEN = "open"
    GIVEN = "given"
    WAITING = "waiting"
    CLASH = "clash"  # at the same time as something that the person has
    NO_PLACE = "no_place"  # the waiting list was full too
    GONE = "gone"  # the person, or the option, is not there any more


class MenuChoice(Row, table=True):
    """What a teacher chose, 1 being the first wish."""

    __table_args__ = (sa.UniqueConstraint("menu_id", "teacher_id", "batch_id"),)

    menu_id: int = key(foreign_key="menu.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    batch_id: int = key(foreign_key="batch.id")
    rank: int
    chosen_at: datetime
    outcome: ChoiceOutcome = one_of(ChoiceOutcome, default=ChoiceOutcome.OPEN)


class ClassSession(Row, table=True):
    """One meeting of a batch."""

    __table_args__ = (sa.UniqueConstraint("batch_id", "starts_at"),)

    batch_id: int = key(foreign_key="batch.id")
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    online_url: str = ""
    bring: str = ""
    module_id: int | None = key(default=None, foreign_key="module.id")
    trainers: list[str] = document(default_factory=list)
    check_in: CheckIn = one_of(CheckIn, default=CheckIn.CODE)
    secret: str = ""  # from which the codes of this meeting are made
    opened_at: datetime | None = None  # check-in was opened by hand
    closed_at: datetime | None = None
    settled_at: datetime | None = None  # whoever had not come by the end was entered


class RegistrationState(StrEnum):
    """The machine of domain model 2.10."""

    SUBMITTED = "submitted"
    NOMINATED = "nominated"
    SCHOOL_APPROVED = "school_approved"
    APPROVED = "approved"
    WAITLISTED = "waitlisted"
    OFFERED = "offered"
    ATTENDING = "attending"
    COMPLETED = "completed"
    NOT_COMPLETED = "not_completed"
    RETURNED = "returned"
    REJECTED = "rejected"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXEMPT = "exempt"
    NO_SHOW = "no_show"
    DROPPED = "dropped"


SEATED = (
    RegistrationState.SUBMITTED,
    RegistrationState.NOMINATED,
    RegistrationState.SCHOOL_APPROVED,
    RegistrationState.APPROVED,
    RegistrationState.ATTENDING,
)
"""States that hold a seat (an offer holds one too, through its own row)."""

LIVE = (*SEATED, RegistrationState.WAITLISTED, RegistrationState.OFFERED)
"""States in which a registration is under way."""


class Source(StrEnum):
    """Through which door this registration came."""

    SELF = "self"
    NOMINATED = "nominated"
    AUTOMATIC = "automatic"
    INVITED = "invited"
    SUBSTITUTE = "substitute"
    MENU = "menu"


class Registration(Row, table=True):
    """One teacher in one batch, at most one row for ever."""

    __table_args__ = (
        sa.UniqueConstraint("batch_id", "teacher_id"),
        sa.Index("ix_registration_queue", "batch_id", "state", "queued_at", "id"),
        sa.Index(
            "ix_registration_leave_requested_at",
            "leave_requested_at",
            sqlite_where=sa.text("leave_requested_at IS NOT NULL"),
            postgresql_where=sa.text("leave_requested_at IS NOT NULL"),
        ),
    )

    batch_id: int = key(foreign_key="batch.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    unit_id_at: int = key(foreign_key="org_unit.id")  # the posting, frozen
    source: Source = one_of(Source, default=Source.SELF)
    state: RegistrationState = one_of(RegistrationState)
    quota_id: int | None = key(default=None, foreign_key="quota.id")
    submitted_at: datetime
    queued_at: datetime
    changed_at: datetime
    reason: str = ""  # why returned, rejected, exempt or withdrawn
    certificate_no: str | None = Field(default=None, unique=True)
    certificate_on: date | None = None
    leave_request: str = ""  # asked to withdraw after the deadline, and why
    leave_requested_at: datetime | None = None
    make_up_until: date | None = None  # what is missing may be made good until this day


class OfferState(StrEnum):
    """What became of an offered seat."""

    OPEN = "open"
    ACCEPTED = "accepted"
    PASSED = "passed"
    LAPSED = "lapsed"
    REVOKED = "revoked"


class SeatOffer(Row, table=True):
    """A freed seat, held for one person until it lapses."""

    __table_args__ = (
        sa.Index(
            "uq_seat_offer_open",
            "registration_id",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_seat_offer_state_lapses_at", "state", "lapses_at"),
    )

    registration_id: int = key(foreign_key="registration.id")
    quota_id: int = key(foreign_key="quota.id")
    offered_at: datetime
    lapses_at: datetime
    state: OfferState = one_of(OfferState, default=OfferState.OPEN)
    settled_at: datetime | None = None


class Decision(Row, table=True):
    """The line that ``/why`` explains: what was decided on a registration, by what rule."""

    registration_id: int = key(foreign_key="registration.id", index=True)
    at: datetime
    rule: str  # a name that handlers put into words, such as "seat_from_pool"
    facts: dict[str, Any] = document(default_factory=dict)
    actor_id: int | None = key(default=None, foreign_key="teacher.id")


class Interest(Row, table=True):
    """A teacher asked to be told before this batch closes."""

    __table_args__ = (sa.UniqueConstraint("batch_id", "teacher_id"),)

    batch_id: int = key(foreign_key="batch.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    since: datetime


class Seal(Row, table=True):
    """A decision's place in the chain of its batch: whoever alters a line breaks all after it.

    ``digest`` covers the one before, the number, and the line with a pseudonym for the person.
    """

    __table_args__ = (sa.UniqueConstraint("batch_id", "number"),)

    decision_id: int = key(foreign_key="decision.id", unique=True)
    batch_id: int = key(foreign_key="batch.id")
    number: int  # from 1
    line: str  # what is sealed, as it is exported
    digest: str


class WorkState(StrEnum):
    """Where handed-in work stands."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    ACCEPTED = "accepted"


class TaskSubmission(Row, table=True):
    """Work that one participant handed in; handing in again replaces it."""

    __table_args__ = (sa.UniqueConstraint("task_id", "registration_id"),)

    task_id: int = key(foreign_key="task.id")
    registration_id: int = key(foreign_key="registration.id", index=True)
    state: WorkState = one_of(WorkState, default=WorkState.SUBMITTED)
    text: str = ""  # what was written, or the link
    file_id: str = ""  # as Telegram knows the file
    file_name: str = ""  # empty for a photo
    submitted_at: datetime
    late: bool = False  # it first came after the due date
    score: float | None = None
    comment: str = ""
    reviewed_by: int | None = key(default=None, foreign_key="teacher.id")
    reviewed_at: datetime | None = None


class LeaveReason(StrEnum):
    """Why somebody misses a meeting; the note beside it is private."""

    SICK = "sick"
    OFFICIAL = "official"
    FAMILY = "family"
    OTHER = "other"


class LeaveState(StrEnum):
    """The machine of domain model 2.10."""

    REQUESTED = "requested"
    SCHOOL_OK = "school_ok"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Leave(Row, table=True):
    """请假 from one meeting; approved, it is leave and not absence."""

    __table_args__ = (sa.UniqueConstraint("registration_id", "session_id"),)

    registration_id: int = key(foreign_key="registration.id", index=True)
    session_id: int = key(foreign_key="class_session.id")
    reason: LeaveReason = one_of(LeaveReason)
    note: str = ""
    state: LeaveState = one_of(LeaveState, default=LeaveState.REQUESTED)
    requested_at: datetime
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None
    answer: str = ""


class Presence(StrEnum):
    """How somebody took part in one meeting."""

    PRESENT = "present"
    LATE = "late"
    LEFT_EARLY = "left_early"
    ABSENT = "absent"
    LEAVE = "leave"
    EXCUSED = "excused"


class Method(StrEnum):
    """How presence became known."""

    SCAN = "scan"
    TYPED = "typed"
    TIME_CODE = "time_code"  # shown without a signal, typed in later
    COORDINATOR = "coordinator"
    IMPORT = "import"
    CLOCK = "clock"  # at the end, for whoever had not come


class Attendance(Row, table=True):
    """One person at one meeting; by hand it may be corrected, the log keeps what it was."""

    __table_args__ = (sa.UniqueConstraint("session_id", "registration_id"),)

    session_id: int = key(foreign_key="class_session.id")
    registration_id: int = key(foreign_key="registration.id", index=True)
    state: Presence = one_of(Presence)
    method: Method = one_of(Method)
    at: datetime  # of arriving, or of being marked
    out_at: datetime | None = None  # checked out
    by_id: int | None = key(default=None, foreign_key="teacher.id")
    odd: str = ""  # what looked odd, for a person to look at


class KnockWhy(StrEnum):
    """Why somebody with a right code was not let in."""

    EARLY = "early"  # and is told when it opens
    NOT_LISTED = "not_listed"


class Knock(Row, table=True):
    """Somebody was at a meeting with a right code and could not be checked in."""

    __table_args__ = (sa.UniqueConstraint("session_id", "teacher_id"),)

    session_id: int = key(foreign_key="class_session.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    why: KnockWhy = one_of(KnockWhy)
    at: datetime


class CodeTries(Row, table=True):
    """How many wrong check-in codes somebody typed, so that codes cannot be guessed."""

    teacher_id: int = key(foreign_key="teacher.id", unique=True)
    since: datetime  # of the short count
    wrong: int = 0
    day_since: datetime  # of the long count
    day_wrong: int = 0


class Grade(StrEnum):
    """优秀, 合格, 不合格, 缺考, 缓考."""

    EXCELLENT = "excellent"
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"
    ABSENT = "absent"
    DEFERRED = "deferred"


class Result(Row, table=True):
    """The assessment of one participant."""

    registration_id: int = key(foreign_key="registration.id", unique=True)
    score: float | None = None
    grade: Grade = one_of(Grade)
    entered: Grade | None = one_of(Grade, default=None, nullable=True)
    """The grade as it was entered; None where it follows from the score."""
    comment: str = ""
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime
