"""已学未更新: somebody has studied and the platform's figures do not show it yet.

    (none) —say→ open —accept→ accepted | —refuse→ refused
    open —an import shows it→ caught_up

Saying it changes no figure: it keeps reminders away and lets nobody count as failed until it
is looked at. It is the tutor's to look at, else the class teacher's, else the organiser's, and
never another school's tutor's (``storage.training.remote.looking.nearest``). Who leaves it is
told again after some days, and then the organiser, once each (domain, reminders 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, moments
from storage.calendar import workdays
from storage.messaging import news, owners
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import OrgUnit, Role, RoleAssignment, ScopeKind, Teacher
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training.remote import looking
from storage.training.remote.looking import Looker
from storage.training.remote.tables import (
    ProgressItem,
    StudyClaim,
    StudyClaimState,
    TutorUnit,
)
from storage.training.tables import (
    Batch,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
)
from storage.waiting_for import Waiting

KIND = "study_claims"
NEWS = "study_claim_decided"
NEWS_WAITING = "study_claims_wait"
NEWS_AGAIN, NEWS_LEFT = "study_claims_again", "study_claims_left"
AGAIN_AFTER, LEFT_AFTER = 2, 4
"""Working days after which the nearest is told again, and after which the organiser is."""
LONGEST = 300  # characters of a text and of an answer
PAGE = 8
TAKES_PART = (RegistrationState.APPROVED, RegistrationState.ATTENDING)


class NoEvidence(Refusal):
    """Nothing was said or shown of it."""


class NoAnswer(Refusal):
    """Whoever refuses says why."""


class ClaimSettled(Refusal):
    """It has been decided, or an import has shown it meanwhile."""

    def __init__(self, state: StudyClaimState) -> None:
        super().__init__(f"the claim is {state}")
        self.state = state


@dataclass(frozen=True)
class Said:
    """What came of saying it; not new where the same stood open already."""

    claim_id: int
    batch_id: int
    is_new: bool


@dataclass(frozen=True)
class ClaimLine:
    """One claim in the list of whoever looks at it."""

    claim_id: int
    name: str
    unit: str
    title: str
    item: str
    submitted_at: datetime


@dataclass(frozen=True)
class Claims:
    """A page of what waits for the reader, the oldest first; ``own`` waits for somebody else."""

    lines: tuple[ClaimLine, ...]
    total: int
    page: int
    pages: int
    own: int


@dataclass(frozen=True)
class ClaimFacts:
    """One claim with all that bears on it."""

    claim_id: int
    batch_id: int
    registration_id: int
    teacher_id: int
    name: str
    unit: str
    title: str
    item: str
    text: str
    evidence_file_id: str
    evidence_name: str
    state: StudyClaimState
    submitted_at: datetime
    answer: str


def say(
    session: Session,
    teacher_id: int,
    batch_id: int,
    *,
    item_id: int | None = None,
    text: str = "",
    evidence_file_id: str = "",
    evidence_name: str = "",
    now: datetime,
) -> Said:
    """Say that one item, or all of it, is studied and not reported yet, with what shows it.

    Whoever is the nearest to look at it hears in their next brief that something waits, once
    for all that comes before that brief. Saying it again of the same while it is open replaces
    what shows it. Raises NotFound for whoever does not take part, or NoEvidence.
    """
    mine = session.exec(
        select(Registration)
        .where(
            Registration.batch_id == batch_id,
            Registration.teacher_id == teacher_id,
            col(Registration.state).in_(TAKES_PART),
        )
        .with_for_update()
    ).first()
    if mine is None:
        raise NotFound("programme")
    if item_id is not None:
        item = session.get(ProgressItem, item_id)
        if item is None or item.batch_id != batch_id:
            raise NotFound("progress item")
    text = " ".join(text.split())[:LONGEST]
    if not text and not evidence_file_id:
        raise NoEvidence
    row = session.exec(
        select(StudyClaim).where(
            StudyClaim.registration_id == mine.id,
            StudyClaim.state == StudyClaimState.OPEN,
            col(StudyClaim.item_id).is_not_distinct_from(item_id),
        )
    ).first()
    is_new = row is None
    if row is None:
        row = StudyClaim(registration_id=mine.id, item_id=item_id, submitted_at=now)
        session.add(row)
    row.text = text or row.text
    if evidence_file_id:
        row.evidence_file_id, row.evidence_name = evidence_file_id, evidence_name
    session.flush()
    if is_new:
        _tell_nearest(session, mine, row.id, now=now)
    return Said(row.id, batch_id, is_new)


def _tell_nearest(
    session: Session, registration: Registration, claim_id: int, *, now: datetime
) -> None:
    _as, nearest = looking.nearest(session, registration.id, now=now)
    untold = _untold(registration.batch_id, NEWS_WAITING)
    known = {row.teacher_id for row in session.exec(untold).all()}
    title = session.exec(
        select(Programme.title)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == registration.batch_id)
    ).one()
    facts = {"title": title, "batch_id": registration.batch_id}
    for teacher_id in set(nearest) - known - {registration.teacher_id}:
        news.tell(session, NEWS_WAITING, teacher_id, claim_id, facts, now=now)


def pass_on(session: Session, *, now: datetime) -> None:
    """Tell of words of study that have waited for days: the nearest again, then the organiser.

    Of each everybody is told once, and of all that wait together in one line. Calling it again
    changes nothing.
    """
    calendar = workdays.load(session)
    today = local_day(now, calendar.zone)

    def waits_since(days: int) -> datetime:
        return moments.at(calendar.shift(today, -days) + timedelta(days=1), 0, calendar.zone)

    rows = session.exec(
        select(StudyClaim, Registration, Programme)
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            StudyClaim.state == StudyClaimState.OPEN,
            StudyClaim.submitted_at < waits_since(AGAIN_AFTER),
            col(Registration.state).in_(TAKES_PART),
            Programme.state == ProgrammeState.PUBLISHED,
            col(Batch.cancelled_at).is_(None),
        )
        .order_by(col(StudyClaim.submitted_at), col(StudyClaim.id))
    ).all()
    told: dict[tuple[str, int, int], list[int]] = {}
    titles: dict[int, str] = {}
    helpers: dict[tuple[int, int], tuple[Looker, tuple[int, ...]]] = {}
    for claim_, of, programme in rows:
        titles[of.batch_id] = programme.title
        place = of.batch_id, of.unit_id_at
        if place not in helpers:
            helpers[place] = looking.nearest(session, of.id, now=now)
        as_, nearest = helpers[place]
        organisers = owners.tending_next(session, programme.owner_unit_id, today)
        to = {NEWS_AGAIN: organisers if as_ is Looker.ORGANISER else nearest}
        if as_ is not Looker.ORGANISER and claim_.submitted_at < waits_since(LEFT_AFTER):
            to[NEWS_LEFT] = organisers
        for kind, who in to.items():
            for teacher_id in set(who) - {of.teacher_id}:
                told.setdefault((kind, teacher_id, of.batch_id), []).append(claim_.id)
    for (kind, teacher_id, batch_id), claims in sorted(told.items()):
        known = session.exec(
            select(News.subject_id).where(
                News.kind == kind,
                News.teacher_id == teacher_id,
                col(News.subject_id).in_(claims),
            )
        ).all()
        new = [one for one in claims if one not in set(known)]
        facts = {"title": titles[batch_id], "batch_id": batch_id}
        for number, claim_id in enumerate(new):
            row = News(kind=kind, teacher_id=teacher_id, subject_id=claim_id, facts=facts, at=now)
            if number:  # told with the first
                row.queued_at = row.told_at = now
            session.add(row)
    session.flush()


def hush(session: Session, batch_id: int, *, now: datetime) -> None:
    """Let nobody be told of claims in this class who has none to look at any more."""
    for row in session.exec(_untold(batch_id, NEWS_WAITING, NEWS_AGAIN)).all():
        left = _theirs(session, row.teacher_id, now).where(
            col(Registration.batch_id) == batch_id,
            col(Registration.teacher_id) != row.teacher_id,
        )
        if session.exec(left.limit(1)).first() is None:
            session.delete(row)
    still_open = (
        select(StudyClaim.id)
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .where(Registration.batch_id == batch_id, StudyClaim.state == StudyClaimState.OPEN)
    )
    if session.exec(still_open.limit(1)).first() is None:
        for row in session.exec(_untold(batch_id, NEWS_LEFT)).all():
            session.delete(row)
    session.flush()


def _untold(batch_id: int, *kinds: str) -> Any:
    """Select the news of claims in this class that no brief has told."""
    return (
        select(News)
        .join(StudyClaim, col(StudyClaim.id) == col(News.subject_id))
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .where(
            col(News.kind).in_(kinds),
            col(News.told_at).is_(None),
            col(News.outbox_id).is_(None),
            Registration.batch_id == batch_id,
        )
    )


def waiting(session: Session, actor_id: int, *, page: int = 0, now: datetime) -> Claims:
    """Return a page of what waits for the actor's word. Raises NotAllowed without any class."""
    today = local_day(now, offices.zone(session))
    if Act.REVIEW_WORK not in authority.acts(session, actor_id, today=today):
        raise NotAllowed
    theirs = _theirs(session, actor_id, now)
    others = theirs.where(col(Registration.teacher_id) != actor_id)
    total = session.exec(others.with_only_columns(func.count())).scalar_one()
    every = session.exec(theirs.with_only_columns(func.count())).scalar_one()
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        _described(others)
        .order_by(col(StudyClaim.submitted_at), col(StudyClaim.id))
        .offset(page * PAGE)
        .limit(PAGE)
    ).all()
    return Claims(
        tuple(
            ClaimLine(claim.id, name, unit, title, item or "", claim.submitted_at)
            for claim, _registration, name, unit, title, item in rows
        ),
        total,
        page,
        pages,
        every - total,
    )


def claim(session: Session, actor_id: int, claim_id: int, *, now: datetime) -> ClaimFacts:
    """Return one claim of a class of the actor's. Raises NotAllowed or NotFound."""
    row = _row(session, claim_id)
    _check(session, actor_id, row, now)
    of, registration, name, unit, title, item = row
    return ClaimFacts(
        claim_id=claim_id,
        batch_id=registration.batch_id,
        registration_id=registration.id,
        teacher_id=registration.teacher_id,
        name=name,
        unit=unit,
        title=title,
        item=item or "",
        text=of.text,
        evidence_file_id=of.evidence_file_id,
        evidence_name=of.evidence_name,
        state=of.state,
        submitted_at=of.submitted_at,
        answer=of.answer,
    )


def decide(
    session: Session,
    actor_id: int,
    claim_id: int,
    accepted: bool,
    answer: str = "",
    *,
    now: datetime,
) -> ClaimFacts:
    """Accept a claim, or refuse it with a word why; the person hears of it in the next brief.

    The same decision again changes nothing. Raises NotAllowed, NotFound, OwnCase, NoAnswer, or
    ClaimSettled when it has been settled otherwise.
    """
    row = _row(session, claim_id, locked=True)
    _check(session, actor_id, row, now)
    of, registration, _name, _unit, title, item = row
    if registration.teacher_id == actor_id:
        raise OwnCase
    wanted = StudyClaimState.ACCEPTED if accepted else StudyClaimState.REFUSED
    answer = " ".join(answer.split())[:LONGEST]
    if of.state is not StudyClaimState.OPEN:
        if of.state is wanted:
            return claim(session, actor_id, claim_id, now=now)
        raise ClaimSettled(of.state)
    if not accepted and not answer:
        raise NoAnswer
    of.state, of.answer = wanted, answer
    of.decided_by, of.decided_at = actor_id, now
    session.flush()
    facts = {
        "title": title,
        "item": item or "",
        "accepted": accepted,
        "answer": answer,
        "batch_id": registration.batch_id,
    }
    news.tell(session, NEWS, registration.teacher_id, claim_id, facts, now=now)
    hush(session, registration.batch_id, now=now)
    after = {"state": wanted.value}
    audit.record(
        session, actor_id, "decide_study_claim", f"study_claim:{claim_id}", now=now, after=after
    )
    return claim(session, actor_id, claim_id, now=now)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many claims wait for the actor; nobody is refused."""
    today = local_day(now, offices.zone(session))
    if Act.REVIEW_WORK not in authority.acts(session, actor_id, today=today):
        return ()
    theirs = _theirs(session, actor_id, now).where(col(Registration.teacher_id) != actor_id)
    number = session.exec(theirs.with_only_columns(func.count())).scalar_one()
    return (Waiting(KIND, number),) if number else ()


def _theirs(session: Session, actor_id: int, now: datetime) -> Any:
    """Select the open claims that the actor is the nearest to look at.

    As ``looking.nearest`` says, for many: a school's tutor in the class, where it has one today,
    stands before the class teacher, and whoever has the class before its organiser.
    """
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.REVIEW_WORK, today=today)
    runs = authority.batches(session, actor_id, Act.RUN_PROGRAMME, today=today)
    holds = sa.select(col(RoleAssignment.id)).where(
        col(RoleAssignment.scope_kind) == ScopeKind.BATCH,
        col(RoleAssignment.scope_id) == col(Registration.batch_id),
        authority.runs(today),
    )
    tutor = (
        sa.select(col(TutorUnit.tutor_id))
        .where(
            col(TutorUnit.batch_id) == col(Registration.batch_id),
            col(TutorUnit.unit_id) == col(Registration.unit_id_at),
            holds.where(
                col(RoleAssignment.role) == Role.TUTOR,
                col(RoleAssignment.teacher_id) == col(TutorUnit.tutor_id),
            )
            .correlate(Registration, TutorUnit)
            .exists(),
        )
        .correlate(Registration)
        .scalar_subquery()
    )
    leads = holds.where(col(RoleAssignment.role) == Role.CLASS_TEACHER).correlate(Registration)
    has_schools = sa.exists().where(
        col(TutorUnit.batch_id) == col(RoleAssignment.scope_id),
        col(TutorUnit.tutor_id) == col(RoleAssignment.teacher_id),
    )
    everybodys = holds.where(col(RoleAssignment.role) == Role.TUTOR, ~has_schools).correlate(
        Registration
    )
    nearest = sa.case(
        (tutor.is_not(None), tutor == actor_id),
        (leads.exists(), leads.where(col(RoleAssignment.teacher_id) == actor_id).exists()),
        (
            everybodys.exists(),
            everybodys.where(col(RoleAssignment.teacher_id) == actor_id).exists(),
        ),
        else_=col(Registration.batch_id).in_(runs),
    )
    return (
        sa.select(col(StudyClaim.id))
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .where(
            col(StudyClaim.state) == StudyClaimState.OPEN,
            col(Registration.state).in_(TAKES_PART),
            col(Registration.batch_id).in_(mine),
            nearest,
        )
    )


def _described(ids: Any) -> Any:
    return (
        ids.with_only_columns(
            StudyClaim,
            Registration,
            col(Teacher.name),
            col(OrgUnit.name),
            col(Programme.title),
            col(ProgressItem.title),
        )
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .join(Batch, col(Batch.id) == col(Registration.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .outerjoin(ProgressItem, col(ProgressItem.id) == col(StudyClaim.item_id))
    )


def _row(session: Session, claim_id: int, *, locked: bool = False) -> Any:
    if locked:
        held = select(StudyClaim.id).where(StudyClaim.id == claim_id).with_for_update()
        session.exec(held).first()
        session.expire_all()
    one = (
        sa.select(col(StudyClaim.id))
        .join(Registration, col(Registration.id) == col(StudyClaim.registration_id))
        .where(col(StudyClaim.id) == claim_id)
    )
    row: Any = session.exec(_described(one)).first()
    if row is None:
        raise NotFound("study claim")
    return row


def _check(session: Session, actor_id: int, row: Any, now: datetime) -> None:
    """Whoever reviews the work of the class may look, but not another school's tutor."""
    today = local_day(now, offices.zone(session))
    of = row[1]
    authority.check_with(session, actor_id, Act.REVIEW_WORK, of.batch_id, today=today)
    _as, nearest = looking.nearest(session, of.id, now=now)
    if (
        actor_id not in nearest
        and looking.is_anothers(session, actor_id, of.id)
        and not authority.may_with(session, actor_id, Act.NOTIFY_CLASS, of.batch_id, today=today)
    ):
        raise NotAllowed
