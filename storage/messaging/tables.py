"""Tables of what comes in, what goes out, and when."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from storage.tables import Row, document, key, one_of


class InboxState(StrEnum):
    """What became of an update."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"  # a handler failed; the person was told
    SET_ASIDE = "set_aside"  # cannot be parsed, or brought the process down repeatedly


class InboxUpdate(Row, table=True):
    """An update exactly as Telegram sent it, kept before it is acted on."""

    __table_args__ = (sa.Index("ix_inbox_update_state", "state", "update_id"),)

    update_id: int = key(unique=True)
    raw: str
    received_at: datetime
    state: InboxState = one_of(InboxState, default=InboxState.WAITING)
    attempts: int = 0
    fault: str = ""
    settled_at: datetime | None = None


class Priority:
    """What goes out first when much is waiting. Answers to taps do not queue at all."""

    OFFER = 10  # and urgent ones
    LAST_HOURS = 20
    CARD = 30
    BRIEF = 40
    BULK = 50


class OutboxState(StrEnum):
    """Pending → sending → one of the rest; later ones go back to pending."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    SKIPPED = "skipped"  # nothing left to say when its turn came
    REFUSED = "refused"  # for good: blocked, deactivated, removed
    DOUBTFUL = "doubtful"  # in hand at a crash and not to be repeated without a person
    BROKEN = "broken"  # our own fault


class OutboxMessage(Row, table=True):
    """Whatever the product says unprompted, before it is a message."""

    __table_args__ = (
        sa.Index("ix_outbox_message_due", "state", "priority", "not_before", "id"),
        sa.Index("ix_outbox_message_account", "account_id", "sent_at"),
    )

    kind: str  # names who puts it into words
    teacher_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    account_id: int | None = key(default=None, foreign_key="account.id")
    chat_id: int | None = key(default=None, foreign_key="chat.id")
    facts: dict[str, Any] = document(default_factory=dict)
    priority: int = Priority.BULK
    not_before: datetime
    useful_until: datetime | None = None
    dedupe_key: str | None = Field(default=None, unique=True)
    rings: bool = True
    state: OutboxState = one_of(OutboxState, default=OutboxState.PENDING)
    attempts: int = 0
    lease_until: datetime | None = None
    message_id: int | None = key(default=None)
    created_at: datetime
    sent_at: datetime | None = None
    fault: str = ""


class Hold(Row, table=True):
    """Telegram asked for a pause: nothing goes to this chat before it is over.

    A hold with neither account nor chat stops everything.
    """

    name: str = Field(unique=True)
    account_id: int | None = key(default=None, foreign_key="account.id")
    chat_id: int | None = key(default=None, foreign_key="chat.id")
    until: datetime


class ChatPurpose(StrEnum):
    """What a group is for."""

    ALL_STAFF = "all_staff"
    COORDINATORS = "coordinators"
    SUBJECT = "subject"
    PROGRAMME = "programme"
    COMPETITION = "competition"
    STUDIO = "studio"
    COHORT = "cohort"
    TEST = "test"


class Chat(Row, table=True):
    """A group that is bound to a unit or programme; an unbound one only offers help."""

    tg_chat_id: int = key(unique=True)
    title: str
    purpose: ChatPurpose | None = one_of(ChatPurpose, default=None, nullable=True)
    unit_id: int | None = key(default=None, foreign_key="org_unit.id")
    programme_id: int | None = key(default=None, foreign_key="programme.id")
    language: str = "zh_Hans"
    active: bool = True
    bot_is_admin: bool = False


class GroupCard(Row, table=True):
    """A programme's card in a group, kept up to date by rare edits."""

    __table_args__ = (sa.UniqueConstraint("chat_id", "batch_id"),)

    chat_id: int = key(foreign_key="chat.id")
    batch_id: int = key(foreign_key="batch.id", index=True)
    message_id: int | None = key(default=None)
    shown: str = ""  # a digest of what the group sees now
    shown_revision: int | None = None  # of the batch, when the group last saw it
    looked_at: datetime | None = None


class DeadlineState(StrEnum):
    """Whether a deadline is still worth reminding of."""

    ACTIVE = "active"
    CANCELLED = "cancelled"


class Deadline(Row, table=True):
    """A moment by which something must be done; moved together with the thing it belongs to."""

    __table_args__ = (
        sa.UniqueConstraint("kind", "subject_id"),
        sa.Index("ix_deadline_at", "state", "at"),
    )

    kind: str  # see storage.kinds
    subject_id: int = key()  # a batch, session, offer, … as the kind says
    at: datetime
    preset: str
    revision: int = 0
    state: DeadlineState = one_of(DeadlineState, default=DeadlineState.ACTIVE)


class StepOutcome(StrEnum):
    """What the sweep made of a step."""

    SWEPT = "swept"
    STALE = "stale"  # found later than it was useful
    SUPERSEDED = "superseded"  # the deadline moved first


class DeadlineStep(Row, table=True):
    """One step before (or after) a deadline; swept once, and marked."""

    __table_args__ = (
        sa.UniqueConstraint("deadline_id", "revision", "name"),
        sa.Index("ix_deadline_step_due", "outcome", "due_at"),
    )

    deadline_id: int = key(foreign_key="deadline.id")
    revision: int
    name: str  # such as T-3 or T-3h
    due_at: datetime
    useful_until: datetime
    breaks_out: bool = False  # rings by itself instead of riding in the brief
    outcome: StepOutcome | None = one_of(StepOutcome, default=None, nullable=True)
    swept_at: datetime | None = None
    reminded: int = 0
    swept_to: int = key(default=0)  # the last teacher of a sweep that is under way


class ReminderState(StrEnum):
    """What became of one person's reminder."""

    DUE = "due"
    SENT = "sent"
    SATISFIED = "satisfied"  # done before it was said
    MUTED = "muted"
    STALE = "stale"
    UNREACHABLE = "unreachable"


class Reminder(Row, table=True):
    """One person and one step: the unique key is what makes twice impossible."""

    __table_args__ = (
        sa.UniqueConstraint("step_id", "teacher_id"),
        sa.Index("ix_reminder_person", "teacher_id", "state"),
    )

    step_id: int = key(foreign_key="deadline_step.id")
    teacher_id: int = key(foreign_key="teacher.id")
    state: ReminderState = one_of(ReminderState, default=ReminderState.DUE)
    not_before: datetime | None = None  # put off by the person
    outbox_id: int | None = key(default=None)
    settled_at: datetime | None = None


class ReminderMute(Row, table=True):
    """本项不再提醒: this person wants no more of this deadline."""

    __table_args__ = (sa.UniqueConstraint("teacher_id", "deadline_id"),)

    teacher_id: int = key(foreign_key="teacher.id")
    deadline_id: int = key(foreign_key="deadline.id")
    since: datetime


class News(Row, table=True):
    """Something that happened to one person and rides in the next brief, such as posted hours."""

    __table_args__ = (
        sa.UniqueConstraint("kind", "teacher_id", "subject_id"),
        sa.Index("ix_news_person", "teacher_id", "told_at"),
        sa.Index("ix_news_queue", "queued_at", "at"),
    )

    kind: str
    teacher_id: int = key(foreign_key="teacher.id")
    subject_id: int = key()
    facts: dict[str, Any] = document(default_factory=dict)
    at: datetime
    queued_at: datetime | None = None  # a brief that will tell it is in the outbox
    outbox_id: int | None = key(default=None)
    told_at: datetime | None = None


class Lease(Row, table=True):
    """Which process does a job that only one may do."""

    name: str = Field(unique=True)
    holder: str
    until: datetime
