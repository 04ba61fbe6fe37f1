"""What is kept of remote training: what counts, what platforms reported, and who is held up.

Where somebody stands (on track, behind, idle, …) is not kept: it follows from the newest
figures and the clock (``storage.training.remote.pace``).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlmodel import Field

from storage.tables import Row, document, key, one_of


class Platform(Row, table=True):
    """A site of somebody else's where people study."""

    __table_args__ = (sa.UniqueConstraint("owner_unit_id", "name"),)

    name: str
    owner_unit_id: int = key(foreign_key="org_unit.id")
    url: str = ""
    guide: str = ""  # how one logs in


class PlatformSheet(Row, table=True):
    """What the columns of one form of a platform's exports mean, said once and remembered."""

    __table_args__ = (sa.UniqueConstraint("platform_id", "shape"),)

    platform_id: int = key(foreign_key="platform.id")
    shape: str  # of its headings, hashed
    columns: dict[str, str] = document(default_factory=dict)  # heading → what it is
    mapped_at: datetime


class RemotePlan(Row, table=True):
    """How a class studies remotely: where, what is required, and at which pace."""

    batch_id: int = key(foreign_key="batch.id", unique=True)
    platform_id: int | None = key(default=None, foreign_key="platform.id", index=True)
    required_modules: int | None = None  # so many of its modules; None is every mandatory one
    minutes_a_day: int | None = None  # 每天1小时: a private pace, of working days
    milestones: list[dict[str, Any]] = document(default_factory=list)
    """``{"on": day, "percent": 0-100}``: the pace expected instead of an even one."""
    start_threshold: float = 0  # more than this share of the work, in percent, is a beginning
    grace_days: int = 3  # working days until somebody counts as not started
    slack: int = 15  # points below the expected pace that are not yet behind
    idle_days: int = 7  # days without study until somebody counts as idle
    stale_days: int = 8  # days without an import until the figures count as old
    participation_target: float | None = None  # 1.0 is everybody
    pass_target: float | None = None
    makeup_from: datetime | None = None
    makeup_until: datetime | None = None
    has_bulletin: bool = True  # bars of the schools in the class's groups


class Measure(StrEnum):
    """In what a progress item is counted."""

    MINUTES = "minutes"
    TIMES = "times"
    POINTS = "points"
    PERCENT = "percent"


ItemKind = Literal["watch_minutes", "homework", "forum", "seminar", "peer_review", "exam", "other"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
"""What is done on a platform (domain/2-model.md §2.5), the most usual first."""


class ProgressItem(Row, table=True):
    """What a participant has to do on the platform: minutes, homework, posts, a seminar."""

    __table_args__ = (sa.UniqueConstraint("batch_id", "position"),)

    batch_id: int = key(foreign_key="batch.id")
    position: int
    kind: str  # one of ITEM_KINDS
    title: str
    measure: Measure = one_of(Measure)
    required: float
    weight: float = 1.0
    mandatory: bool = True
    module_id: int | None = key(default=None, foreign_key="module.id")
    due_at: datetime | None = None


class ProgressImport(Row, table=True):
    """One applied table of a platform: what it said of a class at a moment."""

    __table_args__ = (sa.Index("ix_progress_import_batch", "batch_id", "as_of", "id"),)

    batch_id: int = key(foreign_key="batch.id")
    job_id: int = key(foreign_key="import_job.id")
    platform_id: int | None = key(default=None, foreign_key="platform.id")
    by_id: int = key(foreign_key="teacher.id")
    as_of: datetime
    applied_at: datetime
    rows: int
    matched: int
    undone_at: datetime | None = None


class ProgressSnapshot(Row, table=True):
    """What an import said of one participant."""

    __table_args__ = (sa.UniqueConstraint("registration_id", "import_id"),)

    registration_id: int = key(foreign_key="registration.id")
    import_id: int = key(foreign_key="progress_import.id", index=True)
    figures: dict[str, float] = document(default_factory=dict)  # id of an item → figure
    percent: float  # 0 to 100 of the work, weighted
    is_learned: bool  # everything mandatory is done
    score: float | None = None
    last_active: date | None = None


class Progress(Row, table=True):
    """Where one participant stands: the newest snapshot, beside when it began and was done."""

    __table_args__ = (sa.Index("ix_progress_batch", "batch_id", "percent"),)

    registration_id: int = key(foreign_key="registration.id", unique=True)
    batch_id: int = key(foreign_key="batch.id")
    import_id: int = key(foreign_key="progress_import.id", index=True)
    as_of: datetime
    figures: dict[str, float] = document(default_factory=dict)
    percent: float
    is_started: bool
    is_learned: bool
    score: float | None = None
    last_active: date | None = None


class ProgressMatch(Row, table=True):
    """Whom a platform means by a row that nobody could tell; somebody has said it once."""

    __table_args__ = (sa.UniqueConstraint("platform_id", "said"),)

    platform_id: int = key(foreign_key="platform.id")
    said: str  # number, name, school and phone tail as the row has them
    teacher_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    """None where it is nobody of the office's."""
    by_id: int = key(foreign_key="teacher.id")
    at: datetime


class StudyClaimState(StrEnum):
    """Where "studied, not updated yet" stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CAUGHT_UP = "caught_up"  # an import has shown it meanwhile


class StudyClaim(Row, table=True):
    """已学未更新: somebody says that the platform has not reported what they have done."""

    registration_id: int = key(foreign_key="registration.id", index=True)
    item_id: int | None = key(default=None, foreign_key="progress_item.id")
    text: str = ""
    evidence_file_id: str = ""  # as Telegram knows the file
    evidence_name: str = ""
    state: StudyClaimState = one_of(StudyClaimState, default=StudyClaimState.OPEN)
    submitted_at: datetime
    decided_by: int | None = key(default=None, foreign_key="teacher.id")
    decided_at: datetime | None = None
    answer: str = ""


class ObstacleReason(StrEnum):
    """What holds somebody up."""

    NO_NETWORK = "no_network"
    SICK = "sick"
    FORGOT = "forgot"
    NOT_UPDATED = "not_updated"
    ACCOUNT = "account"  # cannot log in
    OTHER = "other"


class Obstacle(Row, table=True):
    """What holds somebody up, said by themselves or noted by their school; one at a time."""

    registration_id: int = key(foreign_key="registration.id", unique=True)
    reason: ObstacleReason = one_of(ObstacleReason)
    note: str = ""
    by_id: int = key(foreign_key="teacher.id")
    since: datetime


class TutorUnit(Row, table=True):
    """Whose tutor somebody is in a class: that of the people of these schools."""

    __table_args__ = (sa.UniqueConstraint("batch_id", "unit_id"),)

    batch_id: int = key(foreign_key="batch.id")
    unit_id: int = key(foreign_key="org_unit.id")
    tutor_id: int = key(foreign_key="teacher.id", index=True)


class SurveyTaken(Row, table=True):
    """Somebody has answered a class's survey; what, nobody can tell."""

    __table_args__ = (sa.UniqueConstraint("registration_id"),)

    registration_id: int = key(foreign_key="registration.id")


class SurveyAnswer(Row, table=True):
    """An answer to the survey of a class, of nobody: no person, no moment, no order."""

    batch_id: int = key(foreign_key="batch.id", index=True)
    content: int = Field(ge=1, le=5)
    usefulness: int = Field(ge=1, le=5)
    support: int = Field(ge=1, le=5)
