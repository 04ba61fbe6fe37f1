"""Tables of the ledger."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from storage.credits.hours import Hours
from storage.tables import Row, document, key, one_of


class CreditProfile(Row, table=True):
    """A province's rules as read from YAML; a new version is a new row."""

    __table_args__ = (sa.UniqueConstraint("code", "version"),)

    code: str
    version: int
    source_note: str
    rules: dict[str, Any] = document()


class CreditCycle(Row, table=True):
    """周期: usually five school years."""

    code: str = Field(unique=True)
    profile_id: int = key(foreign_key="credit_profile.id")
    start: date
    end: date


class EntryState(StrEnum):
    """What an entry counts for: only posted ones are earned."""

    PENDING = "pending"
    SCHOOL_CONFIRMED = "school_confirmed"
    POSTED = "posted"
    DISPUTED = "disputed"
    REVERSED = "reversed"


class CreditEntry(Row, table=True):
    """One line of the ledger. Never changed once posted: a correction is a reversing line."""

    __table_args__ = (
        sa.UniqueConstraint("teacher_id", "source_kind", "source_id", "rule"),
        sa.Index(
            "ix_credit_entry_reading",
            "teacher_id",
            "earned_on",
            "state",
            "level",
            "category",
            "hours",
        ),
        sa.Index("ix_credit_entry_batch", "batch_id", "teacher_id"),
    )

    teacher_id: int = key(foreign_key="teacher.id")
    earned_on: date  # decides year and cycle
    level: str
    category: str
    mode: str = ""
    hours: Decimal = Field(sa_type=Hours)  # negative in a reversing line
    title: str
    source_kind: str  # batch, activity, award, manual, …
    source_id: int = key()
    rule: str = "programme_completed"
    rule_version: str = ""
    dedupe_group: str = ""  # the same content counts once, at the highest level
    evidence: str = ""
    state: EntryState = one_of(EntryState, default=EntryState.PENDING)
    reverses_id: int | None = key(default=None, foreign_key="credit_entry.id", unique=True)
    posted_at: datetime | None = None
    details: dict[str, Any] = document(default_factory=dict)
    batch_id: int | None = key(default=None)
    """The class that it comes from, in its corrections and mirrors too."""


class ClaimState(StrEnum):
    """Where a claim for learning outside the office stands."""

    SUBMITTED = "submitted"
    SCHOOL_OK = "school_ok"
    ACCEPTED = "accepted"
    RETURNED = "returned"  # may be corrected and handed in again
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Claim(Row, table=True):
    """Hours that a teacher says were earned elsewhere, with evidence."""

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    unit_id_at: int = key(foreign_key="org_unit.id")  # the school that reviews it
    title: str
    provider: str = ""
    level: str
    category: str
    hours: Decimal = Field(sa_type=Hours)
    learnt_on: date
    evidence_file_id: str = ""  # as Telegram knows the file
    evidence_name: str = ""
    state: ClaimState = one_of(ClaimState, default=ClaimState.SUBMITTED)
    submitted_at: datetime
    school_by: int | None = key(default=None, foreign_key="teacher.id")
    school_at: datetime | None = None
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None
    answer: str = ""
    entry_id: int | None = key(default=None, foreign_key="credit_entry.id")


class AppealState(StrEnum):
    """Where an appeal against a line of the ledger, or its absence, stands."""

    OPEN = "open"
    SCHOOL_REVIEWED = "school_reviewed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Appeal(Row, table=True):
    """A teacher says that the ledger is wrong; answered by ``due_on``."""

    teacher_id: int = key(foreign_key="teacher.id", index=True)
    unit_id_at: int = key(foreign_key="org_unit.id")
    entry_id: int | None = key(default=None, foreign_key="credit_entry.id")
    about: str
    evidence_file_id: str = ""
    evidence_name: str = ""
    state: AppealState = one_of(AppealState, default=AppealState.OPEN)
    opened_at: datetime
    due_on: date
    school_view: str = ""
    reviewed_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None
    answer: str = ""
