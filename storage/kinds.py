"""Every kind of deadline and of news, in one place, a few lines each.

This is where the engine of deadlines and reminders (``storage.messaging``) meets the wings
whose deadlines they are. The engine asks here who still owes a thing, and never imports a
wing; a wing writes its deadlines through the engine; only this module knows both. So that a
wing may import the engine, what this module needs of a wing imports nothing of the engine.

A kind of a new wing is an entry in ``KINDS`` and the select of who owes it. All that is said,
to whom and when, follows from the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Select
from sqlmodel import Session

from storage.calendar.steps import WEEKLY, WEEKLY_AFTER, offsets_of
from storage.competitions import owing as of_competitions
from storage.credits import owing as of_hours
from storage.messaging import owners, unconfirmed
from storage.messaging.tables import Level, Priority
from storage.people import owing as of_offices
from storage.people.tables import Role
from storage.training import owing
from storage.training.remote import owing as of_study


class Owes(Protocol):
    """Who still owes it: a select of one column, the ids of teachers, each once."""

    def __call__(
        self,
        session: Session,
        kind: str,
        subject_id: int,
        *,
        now: datetime,
        teacher_id: int | None = None,
    ) -> Select[int] | None:
        """Select all who owe it, or the one teacher if they do."""


Outstanding = Callable[[Session, str, int, datetime], Any]
"""Where it is still owed: of a kind and a subject, now, each unit once and how many things."""


Near = Callable[[Session, int, datetime], Any]
"""Who stands nearest to a subject, now: a select of teachers."""


class Figures(StrEnum):
    """What the card of a group says, never about anybody by name."""

    NONE = ""
    EVENT = "event"  # when, where, what to bring
    SEATS = "seats"  # until when, and how many seats are left
    OPEN = "open"  # until when, and how many still owe it
    SCHOOLS = "schools"  # until when, and how many schools still owe it
    GENERAL = "general"  # until when


OVERDUE = ("T+1", "T+3", "T+7")
"""To whoever still owes what can still be done, ever more rarely; then weekly to the school."""


@dataclass(frozen=True)
class Kind:
    """What the engine must know of one kind of deadline (domain, reminders 5.4).

    It stops being said, on every level, the second nobody owes it any more, it is withdrawn, or
    what it belongs to is cancelled: all three are asked again when it is said.
    """

    id: str
    subject: str
    """The table that ``subject_id`` points into."""
    preset: str
    """Its steps, as ``storage.calendar.steps`` reads them, unless a deadline says otherwise."""
    owes: Owes
    ladder: Mapping[Level, str] = field(default_factory=dict)
    """Who above hears that something is still owed, and when; once a day, in one message."""
    owners: tuple[Role, ...] = (Role.COUNTY_COORDINATOR,)
    """Who is meant by the owner in the ladder; a role in a class is that of the class."""
    near: Near | None = None
    """Who hears as the owner before any office does, such as whoever is named to run it."""
    bureau_of_offices: bool = False
    """Whether the bureau hears of what an office has left alone: of a school its principal does."""
    outstanding: Outstanding | None = None
    """Where it is still owed, in things; without it, in those who owe it, by their school."""
    of_unreached: bool = False
    """What is counted are those whom no message reaches, and who have to be phoned."""
    group: str = ""
    """Steps in the groups of the class or the unit."""
    figures: Figures = Figures.NONE
    of_coordinators: bool = False
    """The groups are those of the coordinators."""
    can_be_late: bool = False
    """It can still be done when its time is over, and so is asked for again."""
    is_event: bool = False
    """The deadline is something that people go to: on its own day they may be told of it."""
    catches_up: bool = True
    """False where a step that lay in the past when the deadline was set is not made good."""
    may_mute: bool = True
    """False where a lapse costs hours or the seat (domain, reminders 5.2)."""
    priority: int = Priority.LAST_HOURS
    """Of its steps that ring by themselves; the others ride in the brief."""

    @property
    def has_names(self) -> bool:
        """Whether people are counted, and not seats, schools or appeals."""
        return self.outstanding is None or self.of_unreached

    def offsets(self, preset: str = "") -> dict[Level, str]:
        """Return the steps of each level, with another ``preset`` for whoever owes it."""
        found = {Level.TEACHER: preset or self.preset, **self.ladder}
        if self.can_be_late:
            # A preset's name has to be spelt out before anything can follow it.
            own = found[Level.TEACHER]
            found[Level.TEACHER] = " ".join((*(offsets_of(own) if own else ()), *OVERDUE))
            known = found.get(Level.COORDINATOR, "")
            found[Level.COORDINATOR] = f"{known} {WEEKLY_AFTER}".strip()
        if self.group:
            found[Level.GROUP] = self.group
        return found


COORDINATOR, PRINCIPAL, OWNER, BUREAU = (
    Level.COORDINATOR,
    Level.PRINCIPAL,
    Level.OWNER,
    Level.BUREAU,
)
CLASS = (Role.CLASS_TEACHER,)

KINDS = {
    kind.id: kind
    for kind in (
        Kind("reg_open", "batch", "T+0", owing.owes),
        Kind(
            "reg_close",
            "batch",
            "standard",
            owing.owes,
            ladder={COORDINATOR: "T-3"},
            group="T-3",
            figures=Figures.SEATS,
        ),
        Kind(
            "nominate_close",
            "batch",
            "early_and_often",
            owing.owes,
            ladder={PRINCIPAL: "T-1", OWNER: "T+1"},
            outstanding=owing.open_seats,
            group="T-3",
            figures=Figures.SCHOOLS,
            of_coordinators=True,
        ),
        # The offer itself is a message of its own; these are the steps that follow it.
        Kind(
            "offer", "seat_offer", "T-12h T-2h", owing.owes, may_mute=False, priority=Priority.OFFER
        ),
        Kind(
            "quota_unfilled",
            "batch",
            "T-5 T-2",
            owing.owes,
            ladder={PRINCIPAL: "T-1"},
            outstanding=owing.open_seats,
        ),
        Kind(
            "roster",
            "batch",
            "T-3 T-1",
            owing.owes,
            ladder={OWNER: "T+1"},
            outstanding=owing.unanswered,
        ),
        Kind(
            "batch_start",
            "batch",
            "T-3 T-1 T-2h",
            owing.owes,
            ladder={OWNER: "T-1"},
            owners=CLASS,
            outstanding=owing.unreachable,
            of_unreached=True,
            group="T-1",
            figures=Figures.EVENT,
            is_event=True,
        ),
        Kind(
            "session",
            "class_session",
            "T-1 T-1h",
            owing.owes,
            ladder={OWNER: "T-1"},
            owners=CLASS,
            outstanding=owing.unreachable,
            of_unreached=True,
            group="T-1",
            figures=Figures.EVENT,
            is_event=True,
        ),
        # Whoever teaches hears of every meeting, also of the first, with which the class begins.
        Kind("session_lead", "class_session", "T-3 T-1", owing.owes, is_event=True),
        Kind(
            "task_due",
            "task",
            "T-3 T-1 T-3h",
            owing.owes,
            ladder={OWNER: "T+1"},
            owners=(Role.TUTOR,),
            can_be_late=True,
        ),
        # What a platform's figures say of one item that is due before the class ends.
        Kind("item_due", "progress_item", "T-3 T-1", owing.owes),
        Kind(
            "phase_end",
            "phase",
            "T-5 T-1",
            owing.owes,
            ladder={OWNER: "T-1"},
            owners=CLASS,
            group="T-1",
            figures=Figures.GENERAL,
        ),
        Kind("phase_help", "phase", "T-5 T-1", owing.owes),
        # Five working days before it closes is the last day of the class.
        Kind("survey_close", "batch", "T-5 T-2 T-1", owing.owes, catches_up=False),
        # Who has not passed a gate is told once it has closed, and the class teacher with them.
        Kind("gate", "phase", "T+1", owing.owes, ladder={OWNER: "T+1"}, owners=CLASS),
        Kind("shadowing", "phase", "T-5 T-1", owing.owes),
        # What a school's people, and its coordinators, owe before its seats are gone.
        Kind("nomination", "batch", "T-3 T-1 T-3h", owing.owes, may_mute=False),
        Kind("release", "batch", "T-1", owing.owes),
        Kind("chat_dissolve", "chat", "T-3 T-0 T+5", owners.owes),
        Kind("ack_due", "notice", "T-24h T-4h", unconfirmed.owes, can_be_late=True),
        Kind("remote_start", "batch", "T-3 T+0", owing.owes, group="T+0", figures=Figures.GENERAL),
        # Three days later the schools hear of whom the platform has not seen yet.
        Kind("remote_login", "batch", "", owing.owes, ladder={COORDINATOR: "T+3"}),
        Kind(
            "remote_end",
            "batch",
            "T-14 T-7 T-3 T-1 T-6h",
            owing.owes,
            ladder={COORDINATOR: "T-7", PRINCIPAL: "T-3", OWNER: "T-1"},
            group="T-7",
            figures=Figures.OPEN,
            may_mute=False,
        ),
        # What the figures of a platform say, as long as they are fresh.
        Kind(
            "remote_not_started",
            "batch",
            "T+3 T+5 T+8",
            owing.owes,
            ladder={COORDINATOR: "T+5", PRINCIPAL: "T+8"},
        ),
        Kind("remote_behind", "batch", WEEKLY, owing.owes, ladder={COORDINATOR: WEEKLY}),
        Kind("remote_idle", "batch", WEEKLY, owing.owes),
        Kind("remote_idle_long", "batch", WEEKLY, owing.owes, ladder={COORDINATOR: WEEKLY}),
        # From the day on which the newest figures are too old; with new ones it moves.
        Kind(
            "import_stale",
            "batch",
            f"T+0 T+5 {WEEKLY_AFTER}",
            owing.owes,
            ladder={OWNER: f"T+3 {WEEKLY_AFTER}"},
            outstanding=of_study.without_figures,
        ),
        Kind(
            "grade_due",
            "batch",
            "T-3 T-1 T+1",
            owing.owes,
            ladder={OWNER: "T+1"},
            outstanding=owing.ungraded,
        ),
        Kind("review_due", "batch", "T-3 T-1 T+1", owing.owes),
        Kind(
            "makeup",
            "registration",
            "T-7 T-3 T-1",
            owing.owes,
            ladder={COORDINATOR: "T-3"},
            may_mute=False,
        ),
        # The window of the class for whoever has no day of their own.
        Kind(
            "makeup_window",
            "batch",
            "T-7 T-3 T-1",
            owing.owes,
            ladder={COORDINATOR: "T-3"},
            may_mute=False,
        ),
        Kind(
            "year_hours",
            "school_year",
            # 1 March, 1 May, 1 June, 1 July and 20 August before a 31 August.
            "T-183d T-122d T-91d T-61d T-11d",
            of_hours.owes,
            ladder={COORDINATOR: "T-122d", PRINCIPAL: "T-61d"},
            group="T-122d",
            figures=Figures.GENERAL,
            catches_up=False,
        ),
        Kind(
            "cycle_hours",
            "credit_cycle",
            # 24, 12, 6, 3 and 1 months before.
            "T-730d T-365d T-183d T-91d T-30d",
            of_hours.owes,
            ladder={COORDINATOR: "T-183d", PRINCIPAL: "T-91d"},
            catches_up=False,
        ),
        Kind(
            "new_teacher_hours",
            "teacher",
            # 3, 6, 9 and 11 months after being hired.
            "T-275d T-183d T-92d T-31d",
            of_hours.owes,
            ladder={PRINCIPAL: "T-92d"},
            catches_up=False,
        ),
        Kind(
            "appeal",
            "appeal",
            "T-3 T-1",
            of_hours.owes,
            ladder={OWNER: "T+1"},
            outstanding=of_hours.open_appeals,
            can_be_late=True,
        ),
        # Whoever decides has it in their card of the day; only the bureau hears from here.
        Kind(
            "approve_county",
            "batch",
            "",
            owing.owes,
            ladder={BUREAU: "T+5"},
            outstanding=owing.undecided,
        ),
        Kind("menu_open", "menu", "T+0", owing.owes, group="T+0", figures=Figures.GENERAL),
        Kind(
            "menu_close",
            "menu",
            "standard",
            owing.owes,
            ladder={COORDINATOR: "T-3"},
            group="T-1",
            figures=Figures.OPEN,
        ),
        Kind(
            "entry_close",
            "round",
            "standard",
            of_competitions.owes,
            ladder={COORDINATOR: "T-3"},
            group="T-3",
            figures=Figures.GENERAL,
        ),
        Kind(
            "material_due",
            "round",
            "early_and_often",
            of_competitions.owes,
            ladder={COORDINATOR: "T-1"},
            may_mute=False,
        ),
        Kind(
            "round_day",
            "venue",
            "T-3 T-1 T-2h",
            of_competitions.owes,
            ladder={OWNER: "T-1"},
            outstanding=of_competitions.unreachable,
            of_unreached=True,
            is_event=True,
        ),
        Kind(
            "result_due",
            "venue",
            "T-2 T+0 T+1",
            of_competitions.owes,
            ladder={OWNER: "T+1"},
            outstanding=of_competitions.undecided,
        ),
        # Until the list can be decided each judge has ballots to give; before that, an answer.
        Kind(
            "ballots_due",
            "venue",
            "T-3 T-1 T-3h T+1",
            of_competitions.owes,
            ladder={OWNER: "T-1"},
            near=of_competitions.near,
        ),
        Kind(
            "judge_answer",
            "venue",
            "T-5 T-3 T-1",
            of_competitions.owes,
            ladder={OWNER: "T-1"},
            near=of_competitions.near,
        ),
        # The head of a research group hears of the materials of the own venue, as schools do.
        Kind("venue_materials", "venue", "T-1", of_competitions.owes),
        Kind(
            "forward_due",
            "round",
            "T-5 T-3 T-1 T-0",
            of_competitions.owes,
            ladder={PRINCIPAL: "T-1", BUREAU: "T-1"},
            bureau_of_offices=True,
            outstanding=of_competitions.to_forward,
        ),
        # The card in the group begins it, and each entrant's own message; this is its end.
        Kind("publicity", "round", "T-1", of_competitions.owes),
        Kind(
            "external_close",
            "round",
            "long",
            of_competitions.owes,
            ladder={BUREAU: "T-7"},
            outstanding=of_competitions.to_forward,
        ),
        Kind(
            "role_gap",
            "school_year",
            WEEKLY,
            of_offices.owes,
            ladder={PRINCIPAL: WEEKLY},
            outstanding=of_offices.untended,
            catches_up=False,
        ),
    )
}

BY_CARD = {
    "approve_school": {COORDINATOR: "T+1 T+2 T+3", PRINCIPAL: "T+3"},
    "approve_county": {OWNER: "T+2 T+4"},
    "leave_pending": {COORDINATOR: "T+2h T+1", PRINCIPAL: "T+3"},
}
"""What somebody has to decide: it stands in their one message of the day as long as it waits.

It counts from when the oldest came (``storage.training.worklist``); the offsets say from when
on whoever stands above hears of it.
"""

AT_ONCE = {"checkin": "check_in_open", "credit_posted": "brief"}
"""Kinds that are one message at the moment itself, and the message that it is."""

_UNKNOWN = "{} is registered here and unknown in its own wing"


def owes(
    session: Session, kind: str, subject_id: int, *, now: datetime, teacher_id: int | None = None
) -> Any:
    """Select who still owes this: all, or the one teacher if they do."""
    who = KINDS[kind].owes(session, kind, subject_id, now=now, teacher_id=teacher_id)
    assert who is not None, _UNKNOWN.format(kind)
    return who


def place(session: Session, kind: str, subject_id: int) -> owing.Place:
    """Return whose it is: the class that it belongs to, and the unit that owns it."""
    subject = KINDS[kind].subject
    owner = of_competitions.owner(session, kind, subject, subject_id)
    if owner is not None:
        return owing.Place(unit_id=owner)
    return owing.place(session, subject, subject_id)


NEWS = (
    "credit_posted",
    "credit_reversed",
    "not_completed",
    "make_up",
    "completion_revoked",
    "claim_returned",
    "claim_refused",
    "appeal_decided",
    "work_accepted",
    "nomination_declined",
    "appointed_class_teacher",
    "appointed_tutor",
    "menu_settled",
    "menu_cancelled",
    "notice",
    "date_extended",
    "study_claim_decided",
    "study_claims_wait",
    "study_claims_again",
    "study_claims_left",
    "bulletin_skipped",
    "obstacle",
    "study_asked",
    "hosting",
    "hosting_off",
)
"""What happens to one person and rides in the next brief."""
