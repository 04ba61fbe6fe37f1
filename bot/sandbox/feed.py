"""What the scheduler has done, for whoever watches the sandbox: steps swept, messages sent."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlmodel import Session, col, select

from bot.sandbox.refusals import Json
from storage.messaging.tables import Deadline, DeadlineStep, OutboxMessage, OutboxState
from storage.training import subjects

LOOKED_AT = 5_000  # of the messages sent; a county's brief is about one thousand


def recent(session: Session, last: int) -> list[Json]:
    """The newest happenings, at most ``last``, the newest one at the end.

    ``{kind: "step", at, deadline, title, step, people, outcome}`` is a step of a deadline that
    was swept; ``{kind: "sent", at, what, count}`` are the messages of one kind in one minute.
    """
    found = [*_steps(session, last), *_sent(session)]
    found.sort(key=lambda one: str(one["at"]))
    return found[-last:]


def _steps(session: Session, last: int) -> list[Json]:
    rows = session.exec(
        select(DeadlineStep, Deadline)
        .join(Deadline, col(Deadline.id) == col(DeadlineStep.deadline_id))
        .where(col(DeadlineStep.swept_at).is_not(None))
        .order_by(col(DeadlineStep.swept_at).desc(), col(DeadlineStep.id).desc())
        .limit(last)
    ).all()
    about = subjects.describe_all(session, [(one.kind, one.subject_id) for _, one in rows])
    happened: list[Json] = []
    for step, deadline in rows:
        subject = about.get((deadline.kind, deadline.subject_id))
        assert step.swept_at is not None
        happened.append(
            {
                "kind": "step",
                "at": step.swept_at.isoformat(),
                "deadline": deadline.kind,
                "title": subject.title if subject is not None else "",
                "step": step.name,
                "people": step.reminded,
                "outcome": step.outcome,
            }
        )
    return happened


def _sent(session: Session) -> list[Json]:
    rows = session.exec(
        select(OutboxMessage.kind, OutboxMessage.sent_at)
        .where(OutboxMessage.state == OutboxState.SENT)
        .order_by(col(OutboxMessage.id).desc())
        .limit(LOOKED_AT)
    ).all()
    counted: Counter[tuple[str, datetime]] = Counter(
        (kind, sent_at.replace(second=0, microsecond=0)) for kind, sent_at in rows if sent_at
    )
    return [
        {"kind": "sent", "at": at.isoformat(), "what": kind, "count": count}
        for (kind, at), count in counted.items()
    ]
