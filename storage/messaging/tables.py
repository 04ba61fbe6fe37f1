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

    URGENT = 5  # a second person has agreed to it: it rings at any hour
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
        sa.Index("ix_outbox_message_due", "state", "priority", "stream", "not_before", "id"),
        sa.Index("ix_outbox_message_account", "account_id", "sent_at"),
    )

    kind: str  # names who puts it into words
    teacher_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    account_id: int | None = key(default=None, foreign_key="account.id")
    chat_id: int | None = key(default=None, foreign_key="chat.id")
    relay_id: int | None = key(default=None, foreign_key="relay.id")
    stream: int = key(default=0, sa_column_kwargs={"default": 0})
    """Who sends much: a notice's id. Streams of one priority take turns; 0 is everything else."""
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
    """A place where the bot posts: a group, or one topic of it. Unbound it only offers help.

    A group whose topics are bound has a row for itself (``thread_id`` 0) and one a topic.
    """

    __table_args__ = (sa.UniqueConstraint("tg_chat_id", "thread_id"),)

    tg_chat_id: int = key()
    thread_id: int = key(default=0)
    title: str
    topic: str = ""  # the topic's own title
    purpose: ChatPurpose | None = one_of(ChatPurpose, default=None, nullable=True)
    unit_id: int | None = key(default=None, foreign_key="org_unit.id")
    programme_id: int | None = key(default=None, foreign_key="programme.id")
    competition_id: int | None = key(default=None, foreign_key="competition.id")
    subject: str = ""  # of a subject group, as the roster names it
    language: str = "zh_Hans"
    active: bool = True
    bot_is_admin: bool = False
    is_forum: bool = False
    rights: list[str] = document(default_factory=list)  # what the bot may do, as Telegram says
    closed: bool = False  # the topic is closed or gone, or the group does not let the bot write
    urges: bool = False  # may say how many have not confirmed a notice, never who
    bound_by: int | None = key(default=None, foreign_key="teacher.id")
    bound_at: datetime | None = None
    met_at: datetime | None = None  # since when it is known; an unbound one is left in the end
    dissolve_at: datetime | None = None  # when a group for one task should be over
    pinned_message_id: int | None = key(default=None)


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
    """A moment by which something must be done; moved together with the thing it belongs to.

    One that is somebody's own (an extension) counts for them instead of everybody's.
    """

    __table_args__ = (
        sa.UniqueConstraint("kind", "subject_id", "teacher_id"),
        sa.Index("ix_deadline_at", "state", "at"),
    )

    kind: str  # see storage.kinds
    subject_id: int = key()  # a batch, session, offer, … as the kind says
    teacher_id: int = key(default=0)  # whose own date this is; 0 is everybody's
    at: datetime
    preset: str
    revision: int = 0
    state: DeadlineState = one_of(DeadlineState, default=DeadlineState.ACTIVE)


class StepOutcome(StrEnum):
    """What the sweep made of a step."""

    SWEPT = "swept"
    STALE = "stale"  # found later than it was useful
    SUPERSEDED = "superseded"  # the deadline moved first


class Level(StrEnum):
    """Whom a step speaks to (domain, reminders 5.3)."""

    TEACHER = "teacher"  # whoever still owes it, whatever their office
    COORDINATOR = "coordinator"  # of the unit of those who owe it
    PRINCIPAL = "principal"
    OWNER = "owner"  # who runs it, or the county
    BUREAU = "bureau"  # counts only
    GROUP = "group"  # the groups it concerns, in figures


class DeadlineStep(Row, table=True):
    """One step before (or after) a deadline; swept once, and marked."""

    __table_args__ = (
        sa.UniqueConstraint("deadline_id", "revision", "level", "name"),
        sa.Index("ix_deadline_step_due", "outcome", "due_at"),
    )

    deadline_id: int = key(foreign_key="deadline.id")
    revision: int
    level: Level = one_of(Level, default=Level.TEACHER)
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


class NoticeState(StrEnum):
    """Draft → (awaiting a second person) → scheduled → sending → sent; withdrawn from any."""

    DRAFT = "draft"
    AWAITING = "awaiting"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    WITHDRAWN = "withdrawn"


class Notice(Row, table=True):
    """What somebody has to say to many: what, to whom, when, and whether they are to confirm."""

    __table_args__ = (sa.Index("ix_notice_due", "state", "send_at"),)

    author_id: int = key(foreign_key="teacher.id", index=True)
    unit_id: int = key(foreign_key="org_unit.id", index=True)  # in whose name
    title: str = ""
    text: str = ""
    number: str = ""  # of the document, 文号
    happens_at: datetime | None = None
    happens_until: datetime | None = None
    place: str = ""
    contact: str = ""
    urgent: bool = False
    wants_answer: bool = True
    answer_by: datetime | None = None
    audience: dict[str, Any] = document(default_factory=dict)  # see storage.messaging.audiences
    # Places it is posted to, too; with a minus a unit without one, that has other channels.
    chats: list[int] = document(default_factory=list)
    state: NoticeState = one_of(NoticeState, default=NoticeState.DRAFT)
    revision: int = 0  # a correction is a new one
    ring_revision: int = 0  # the last one that was worth a ring
    rides: bool = False  # in the daily brief, not by itself
    send_at: datetime | None = None
    # Relative to an event, and moving with it: the kind and subject of its deadline.
    event_kind: str = ""
    event_id: int = key(default=0)
    event_offset: str = ""
    asked_second_at: datetime | None = None
    approved_by: int | None = key(default=None, foreign_key="teacher.id")
    approved_at: datetime | None = None
    filled_to: int = key(default=0)  # the last teacher of a filling that is under way
    filled_at: datetime | None = None
    chased_at: datetime | None = None
    withdrawn_at: datetime | None = None
    reason: str = ""  # of the withdrawal
    created_at: datetime


class NoticeFile(Row, table=True):
    """A file or photo that goes with a notice; Telegram keeps it."""

    notice_id: int = key(foreign_key="notice.id", index=True)
    file_id: str
    is_photo: bool = False
    name: str = ""
    size: int = 0


class NoticeRecipient(Row, table=True):
    """Somebody whom a notice concerns: what they were told, and what they answered."""

    __table_args__ = (
        sa.UniqueConstraint("notice_id", "teacher_id"),
        sa.Index("ix_notice_recipient_person", "teacher_id", "confirmed_at"),
    )

    notice_id: int = key(foreign_key="notice.id")
    teacher_id: int = key(foreign_key="teacher.id")
    outbox_id: int | None = key(default=None, index=True)  # what carried it last
    message_id: int | None = key(default=None)  # in their private chat
    revision: int = 0  # what they have been told
    reached: bool = True  # had an account that could be written to when it was sent
    late: bool = False  # joined those whom it concerns afterwards
    confirmed_at: datetime | None = None
    by_deed: bool = False  # confirmed by doing the thing
    chased_at: datetime | None = None


class NoticePost(Row, table=True):
    """A notice as it stands in a group, with its live count."""

    __table_args__ = (sa.UniqueConstraint("notice_id", "chat_id"),)

    notice_id: int = key(foreign_key="notice.id")
    chat_id: int = key(foreign_key="chat.id", index=True)
    message_id: int | None = key(default=None)
    shown: str = ""  # a digest of what the group sees now
    looked_at: datetime | None = None


class Question(Row, table=True):
    """Something asked about a notice: open until it is answered."""

    __table_args__ = (sa.UniqueConstraint("notice_id", "teacher_id"),)

    notice_id: int = key(foreign_key="notice.id")
    teacher_id: int = key(foreign_key="teacher.id", index=True)
    opened_at: datetime
    answered_at: datetime | None = None
    # One topic an asker, where the coordinators' group has topics.
    chat_id: int | None = key(default=None, foreign_key="chat.id")
    thread_id: int | None = key(default=None)


class QuestionLine(Row, table=True):
    """One message of a question's thread."""

    question_id: int = key(foreign_key="question.id", index=True)
    by_id: int = key(foreign_key="teacher.id")
    text: str
    at: datetime


class Relay(Row, table=True):
    """A second channel, of a person or a unit: a mailbox or a work-group robot."""

    __table_args__ = (
        sa.CheckConstraint("(teacher_id IS NULL) <> (unit_id IS NULL)", name="of_one"),
    )

    teacher_id: int | None = key(default=None, foreign_key="teacher.id", index=True)
    unit_id: int | None = key(default=None, foreign_key="org_unit.id", index=True)
    url: str  # as apprise reads it; a secret
    language: str = "zh_Hans"
    active: bool = True
    fault: str = ""
    created_by: int = key(foreign_key="teacher.id")
    created_at: datetime
