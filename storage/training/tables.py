"""Tables of training."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

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
    waiting_limit: int | None = None
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
    release_at: datetime | None = None  # unused seats flow back to the pool then


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


class Registration(Row, table=True):
    """One teacher in one batch, at most one row for ever."""

    __table_args__ = (
        sa.UniqueConstraint("batch_id", "teacher_id"),
        sa.Index("ix_registration_queue", "batch_id", "state", "queued_at", "id"),
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
    leave_request: str = ""  # asked to withdraw after the deadline, and why
    leave_requested_at: datetime | None = None


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
