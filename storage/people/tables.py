"""Tables of people and units."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from storage.tables import Row, document, key, one_of


class Office(Row, table=True):
    """The one office that this database belongs to; a single row."""

    tenant: str
    name: str
    timezone: str = "Asia/Shanghai"
    language: str = "zh_Hans"
    credit_profile: str = "cn-default"
    unit_id: int | None = key(default=None, foreign_key="org_unit.id")
    today: datetime | None = None  # where the sandbox's clock begins
    loaded_sha256: str = ""
    salt: str = ""  # of phone and code hashes; made at the first load


class UnitKind(StrEnum):
    """What a unit is; schools are those that have pupils."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    BUREAU = "bureau"
    TEACHER_DEV_CENTER = "teacher_dev_center"
    RESEARCH_OFFICE = "research_office"
    SCHOOL = "school"
    GROUP = "group"
    AREA = "area"


class OrgUnit(Row, table=True):
    """A unit in the one administrative tree; crossing lines are memberships."""

    kind: UnitKind = one_of(UnitKind)
    code: str = Field(unique=True)
    name: str
    short_name: str = ""
    parent_id: int | None = key(default=None, foreign_key="org_unit.id", index=True)
    stages: list[str] = document(default_factory=list)  # senior, junior, primary, …
    area_type: str = ""  # urban, town, rural
    pupils: int | None = None
    active: bool = True


class MembershipKind(StrEnum):
    """The lines that cross the tree: 集团, 片区, 结对帮扶."""

    GROUP_MEMBER = "group_member"
    AREA_MEMBER = "area_member"
    PAIRED_SUPPORT = "paired_support"


class OrgMembership(Row, table=True):
    """A unit belongs to a group or an area, or supports another."""

    __table_args__ = (sa.UniqueConstraint("unit_id", "member_unit_id", "kind"),)

    unit_id: int = key(foreign_key="org_unit.id")
    member_unit_id: int = key(foreign_key="org_unit.id")
    kind: MembershipKind = one_of(MembershipKind)
    subjects: list[str] = document(default_factory=list)


class TeacherState(StrEnum):
    """Where a teacher is in working life; only the active are due for training."""

    ACTIVE = "active"
    LONG_LEAVE = "long_leave"
    SECONDED = "seconded"
    RETIRED = "retired"
    LEFT = "left"


class Teacher(Row, table=True):
    """A person on the roster. No national id, no address, no full birth date."""

    staff_no: str = Field(unique=True)
    name: str
    hire_date: date | None = None
    entry_route: str = ""
    service_end: date | None = None
    is_full_time: bool = True
    title: str = ""
    title_since: date | None = None
    phone_hash: str | None = Field(default=None, index=True)
    state: TeacherState = one_of(TeacherState, default=TeacherState.ACTIVE)


class Posting(Row, table=True):
    """Where a teacher works, from when until when; the primary one counts in figures."""

    __table_args__ = (
        sa.Index("ix_posting_unit_open", "unit_id", "until"),
        # Nobody works at two schools in the first place.
        sa.Index(
            "ix_posting_one_primary",
            "teacher_id",
            unique=True,
            sqlite_where=sa.text("is_primary AND until IS NULL"),
            postgresql_where=sa.text("is_primary AND until IS NULL"),
        ),
    )

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    unit_id: int = key(foreign_key="org_unit.id")
    since: date
    until: date | None = None
    stage: str = ""
    subjects: list[str] = document(default_factory=list)
    duties: list[str] = document(default_factory=list)
    is_primary: bool = True


class TeacherFact(Row, table=True):
    """What eligibility asks about, one value a row: stage, subject, duty, tier, hire_year, …

    Rewritten from the posting and the roster whenever these change, so that an audience is
    one set-based condition instead of a rule evaluated person by person.
    """

    __table_args__ = (
        sa.UniqueConstraint("teacher_id", "key", "value"),
        sa.Index("ix_teacher_fact_value", "key", "value", "teacher_id"),
    )

    teacher_id: int = key(foreign_key="teacher.id")
    key: str
    value: str


class LinkedBy(StrEnum):
    """How an account came to be a teacher's."""

    CODE = "code"
    CONTACT = "contact"


class Account(Row, table=True):
    """A Telegram user who has spoken to the bot; linked when ``teacher_id`` is set.

    Relinking moves ``teacher_id`` to the new account; the audit log keeps the history.
    """

    tg_user_id: int = key(unique=True)
    teacher_id: int | None = key(default=None, foreign_key="teacher.id", unique=True)
    language: str = "zh_Hans"
    language_chosen: bool = False
    linked_at: datetime | None = None
    linked_by: LinkedBy | None = one_of(LinkedBy, default=None, nullable=True)
    unlinked_at: datetime | None = None  # since when it is nobody's, having been somebody's
    consent_at: datetime | None = None
    started_at: datetime
    reachable: bool = True  # may be written to in private
    unreachable_since: datetime | None = None
    wrong_codes: int = 0
    link_locked_until: datetime | None = None
    awaiting: str = ""  # what a typed text answers, such as "code" or "withdraw:17"
    awaiting_until: datetime | None = None
    continue_to: str = ""  # where a deep link was going before linking came between
    card_message_id: int | None = key(default=None)  # the one card in the private chat
    brief_minute: int = 16 * 60 + 40
    quiet_from: int = 18 * 60  # minutes of the local day; pushes run between the two
    quiet_until: int = 8 * 60


class LinkCode(Row, table=True):
    """A one-time code; only its hash is kept."""

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    code_hash: str = Field(unique=True)
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    issued_by: int | None = key(default=None, foreign_key="teacher.id")


class Role(StrEnum):
    """What a person may be besides a teacher."""

    SCHOOL_COORDINATOR = "school_coordinator"
    PRINCIPAL = "principal"
    GROUP_COORDINATOR = "group_coordinator"
    AREA_COORDINATOR = "area_coordinator"
    COUNTY_COORDINATOR = "county_coordinator"
    CITY_COORDINATOR = "city_coordinator"
    RESEARCH_OFFICER = "research_officer"
    CLASS_TEACHER = "class_teacher"  # 班主任 of a training class, not of pupils
    TUTOR = "tutor"
    BUREAU_VIEWER = "bureau_viewer"
    SYSADMIN = "sysadmin"


class ScopeKind(StrEnum):
    """What a role reaches over."""

    UNIT = "unit"
    BATCH = "batch"
    TENANT = "tenant"


class RoleAssignment(Row, table=True):
    """A role with its scope and its term; an expired one counts as none."""

    __table_args__ = (sa.UniqueConstraint("teacher_id", "role", "scope_kind", "scope_id"),)

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    role: Role = one_of(Role)
    scope_kind: ScopeKind = one_of(ScopeKind, default=ScopeKind.UNIT)
    scope_id: int = key(default=0)
    since: date
    until: date | None = None
    by_plan: bool = True
    """Given by the office's plan, which may end it; one given or ended by hand is not touched."""
    subjects: list[str] = document(default_factory=list)
    """Only what concerns these subjects, such as a research officer's; empty is all."""
    deputy_of: int | None = key(default=None, foreign_key="teacher.id")
    """Whose deputy this is, while the term runs."""


class Draft(Row, table=True):
    """What somebody is filling in over several messages; gone when it is done or given up."""

    __table_args__ = (sa.UniqueConstraint("account_id", "kind"),)

    account_id: int = key(foreign_key="account.id")
    kind: str
    data: dict[str, Any] = document(default_factory=dict)
    updated_at: datetime


class Contact(Row, table=True):
    """A coordinator has spoken to somebody whom messages do not reach, or not move."""

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    by_id: int = key(foreign_key="teacher.id")
    at: datetime
    about: str = ""  # a thing such as "batch:17"; empty is in general


class ImportState(StrEnum):
    """Where an import stands; only an applied one has changed anything."""

    PREVIEWED = "previewed"
    APPLIED = "applied"
    CANCELLED = "cancelled"
    UNDONE = "undone"


class ImportJob(Row, table=True):
    """A file that somebody dropped, what it would do, and what became of it."""

    kind: str  # roster, marks, plan, …
    by_id: int = key(foreign_key="teacher.id")
    at: datetime
    file_name: str
    sha256: str
    content: bytes = Field(sa_type=sa.LargeBinary)
    state: ImportState = one_of(ImportState, default=ImportState.PREVIEWED)
    subject_id: int | None = key(default=None)  # the batch whose marks these are, …
    found: dict[str, Any] = document(default_factory=dict)  # the preview, in figures
    deed_id: int | None = key(default=None, foreign_key="deed.id")
    settled_at: datetime | None = None


def plain(row: Row) -> dict[str, Any]:
    """The row's columns as plain values, for the audit log and for exports."""
    return row.model_dump(mode="json")
