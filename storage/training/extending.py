"""宽限: one person's own date for a piece of work or a stretch of a class."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from storage import audit, kinds
from storage.messaging import deadlines, news
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training import subjects

EXTENDABLE = ("task_due", "phase_end")


class NotLater(Refusal):
    """A date of one's own lies in the future and after everybody's; ``than`` is the bound."""

    def __init__(self, than: datetime) -> None:
        super().__init__(f"not later than {than}")
        self.than = than


class NotOwed(Refusal):
    """This person has nothing left to do there."""


@dataclass(frozen=True)
class Extended:
    """Whose date it is now, and until when."""

    deadline_id: int
    title: str
    until: datetime


def check(session: Session, actor_id: int, kind: str, subject_id: int, *, now: datetime) -> int:
    """Return the class, if the actor may give people in it more time.

    The class teacher may, and whoever runs it. Raises NotAllowed or NotFound.
    """
    if kind not in EXTENDABLE:
        raise NotAllowed
    batch_id = kinds.place(session, kind, subject_id).batch_id
    if batch_id is None:
        raise NotFound("deadline")
    today = local_day(now, offices.zone(session))
    for act in (Act.DECIDE_LEAVE, Act.RUN_PROGRAMME):
        if authority.may_with(session, actor_id, act, batch_id, today=today):
            return batch_id
    raise NotAllowed


def extend(
    session: Session,
    actor_id: int,
    kind: str,
    subject_id: int,
    teacher_id: int,
    until: datetime,
    *,
    now: datetime,
) -> Extended:
    """Give one person until then; everybody's date does not concern them any more.

    They are told in their next brief. Asking twice changes nothing. Raises NotAllowed, NotFound,
    OwnCase, NotOwed, or NotLater.
    """
    check(session, actor_id, kind, subject_id, now=now)
    if teacher_id == actor_id:
        raise OwnCase
    subject = subjects.describe(session, kind, subject_id)
    if not subjects.is_owed(session, kind, subject_id, teacher_id, now=now):
        raise NotOwed
    until = min(until, subject.ends_at)  # of the class: afterwards nothing can be handed in
    if until <= max(now, subject.at):
        raise NotLater(max(now, subject.at))
    before = deadlines.own_dates(session, kind, subject_id, teacher_id=teacher_id)
    deadline_id = deadlines.set_deadline(
        session, kind, subject_id, until, now=now, teacher_id=teacher_id
    )
    if before.get(teacher_id) != until:
        local = until.astimezone(offices.zone(session))
        facts = {"title": subject.title, "until": local.isoformat()}
        news.tell(session, "date_extended", teacher_id, deadline_id, facts, now=now)
        audit.record(
            session,
            actor_id,
            "extend",
            f"{kinds.KINDS[kind].subject}:{subject_id}",
            now=now,
            before={"until": before[teacher_id].isoformat()} if before else None,
            after={"teacher_id": teacher_id, "until": until.isoformat()},
        )
    return Extended(deadline_id, subject.title, until)


def take_back(
    session: Session, actor_id: int, kind: str, subject_id: int, teacher_id: int, *, now: datetime
) -> None:
    """Let everybody's date concern this person again. Raises NotAllowed or NotFound."""
    check(session, actor_id, kind, subject_id, now=now)
    if not deadlines.own_dates(session, kind, subject_id, teacher_id=teacher_id):
        return
    deadlines.cancel_deadline(session, kind, subject_id, now=now, teacher_id=teacher_id)
    audit.record(
        session,
        actor_id,
        "take_back_extension",
        f"{kinds.KINDS[kind].subject}:{subject_id}",
        now=now,
        after={"teacher_id": teacher_id},
    )
