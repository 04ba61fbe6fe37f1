"""The survey after a class: three questions, of nobody (domain/8-messages.md §8.2).

That somebody has answered and what somebody answered are two tables without a link: an answer
has no person, no moment, and a number drawn by lot, so that not even the order tells. Means are
shown when the survey has closed and at least five have answered; while it runs, the difference
that one more answer makes would tell what it was.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, time

from sqlmodel import Session, col, func, select

from storage.calendar import workdays
from storage.inserting import insert_new
from storage.moments import at, local_day
from storage.people import offices
from storage.people.authority import Act, check_with
from storage.refusals import NotFound, Refusal
from storage.training.classes import batch_of
from storage.training.remote.plan import OutOfRange
from storage.training.remote.tables import SurveyAnswer, SurveyTaken
from storage.training.schedule import ASKED_BY, ASKED_WITHIN
from storage.training.tables import Batch, Registration, RegistrationState

LEAST, MOST = 1, 5
FEWEST = 5
"""With fewer answers nothing of them is shown."""

_NUMBERS = 2**62

ASKED = (
    RegistrationState.ATTENDING,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
)
"""Whoever took part, however it ended."""


class SurveyNotOpen(Refusal):
    """The survey has not begun, or is over."""

    def __init__(self, opens_at: datetime, closes_at: datetime) -> None:
        super().__init__(f"open from {opens_at} to {closes_at}")
        self.opens_at = opens_at
        self.closes_at = closes_at


@dataclass(frozen=True)
class Sheet:
    """The survey as one participant has it before them."""

    batch_id: int
    title: str
    closes_at: datetime
    is_taken: bool


@dataclass(frozen=True)
class Satisfaction:
    """What the participants think; the means are None while they are not to be shown."""

    batch_id: int
    title: str
    opens_at: datetime
    closes_at: datetime
    asked: int
    answers: int
    content: float | None
    usefulness: float | None
    support: float | None


def span(session: Session, batch: Batch) -> tuple[datetime, datetime]:
    """Return from when to when the survey of the class is open: from its last day on."""
    calendar = workdays.load(session)
    last = local_day(batch.ends_at, calendar.zone)
    opens = datetime.combine(last, time(), calendar.zone)
    return opens, at(calendar.shift(last, ASKED_WITHIN), ASKED_BY, calendar.zone)


def sheet(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> Sheet:
    """Return the survey of a class for one who took part.

    Raises NotFound for anybody else, or SurveyNotOpen.
    """
    registration_id = _registration(session, teacher_id, batch_id)
    batch, programme = batch_of(session, batch_id)
    opens_at, closes_at = span(session, batch)
    taken = session.exec(
        select(SurveyTaken.id).where(SurveyTaken.registration_id == registration_id)
    ).first()
    if not opens_at <= now < closes_at:
        raise SurveyNotOpen(opens_at, closes_at)
    return Sheet(batch_id, programme.title, closes_at, taken is not None)


def asks(session: Session, teacher_id: int, batch_id: int, *, now: datetime) -> bool:
    """Whether the survey is open to this person and waits for their answer."""
    try:
        return not sheet(session, teacher_id, batch_id, now=now).is_taken
    except (NotFound, SurveyNotOpen):
        return False


def answer(
    session: Session,
    teacher_id: int,
    batch_id: int,
    *,
    content: int,
    usefulness: int,
    support: int,
    now: datetime,
) -> bool:
    """Keep what somebody thinks, apart from who they are; False when they have answered.

    Raises NotFound, SurveyNotOpen or OutOfRange.
    """
    for mark in (content, usefulness, support):
        if not LEAST <= mark <= MOST:
            raise OutOfRange("answer", LEAST, MOST)
    sheet(session, teacher_id, batch_id, now=now)
    registration_id = _registration(session, teacher_id, batch_id)
    taken = insert_new(session, SurveyTaken).values(registration_id=registration_id)
    if session.exec(taken.returning(col(SurveyTaken.id))).first() is None:
        return False
    kept = None
    while kept is None:  # a number that is taken is drawn again
        drawn = insert_new(session, SurveyAnswer).values(
            id=secrets.randbelow(_NUMBERS) + 1,
            batch_id=batch_id,
            content=content,
            usefulness=usefulness,
            support=support,
        )
        kept = session.exec(drawn.returning(col(SurveyAnswer.id))).first()
    return True


def satisfaction(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Satisfaction:
    """Return what the participants think, for who runs the class.

    Raises NotFound or NotAllowed.
    """
    today = offices.today(session, now)
    check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    batch, programme = batch_of(session, batch_id)
    opens_at, closes_at = span(session, batch)
    asked = session.exec(
        select(func.count()).where(
            Registration.batch_id == batch_id, col(Registration.state).in_(ASKED)
        )
    ).one()
    answers, *means = session.exec(
        select(
            func.count(),
            func.avg(col(SurveyAnswer.content)),
            func.avg(col(SurveyAnswer.usefulness)),
            func.avg(col(SurveyAnswer.support)),
        ).where(SurveyAnswer.batch_id == batch_id)
    ).one()
    is_shown = answers >= FEWEST and now >= closes_at
    content, usefulness, support = (float(mean) if is_shown else None for mean in means)
    return Satisfaction(
        batch_id,
        programme.title,
        opens_at,
        closes_at,
        asked,
        answers,
        content,
        usefulness,
        support,
    )


def _registration(session: Session, teacher_id: int, batch_id: int) -> int:
    found = session.exec(
        select(Registration.id).where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(ASKED),
        )
    ).first()
    if found is None:
        raise NotFound("survey")
    return found
