"""Appeals: a teacher says that a line is wrong, or that one is missing, and gets an answer.

A posted line that is appealed against is disputed until that is settled, and shown as pending.
The school says what it knows, the county decides: within the working days that the profile
gives (domain/4-credit-rules.md §4.3, ten unless it says otherwise), counted from the day after.
What is overdue comes first, and goes to the county without the school's view.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, moments
from storage.calendar import workdays
from storage.credits import ledger, papers, profiles, reviewing
from storage.credits.claims import MOST_HOURS, RULE, NotAClaim, ReasonMissing
from storage.credits.hours import rounded
from storage.credits.ledger import NewEntry, WrongEntryState
from storage.credits.profiles import LEVELS
from storage.credits.tables import Appeal, AppealState, CreditEntry, EntryState
from storage.messaging import deadlines, news
from storage.moments import local_day
from storage.people import authority, offices
from storage.people.authority import Act
from storage.people.tables import Office, OrgUnit, Teacher
from storage.refusals import NotFound, OwnCase, Refusal
from storage.training.deciding import SchoolDecides
from storage.waiting_for import Waiting

KIND = "appeal"
ANSWERED_BY = 17 * 60  # minute of the day on which an answer is due
UNDER_WAY = (AppealState.OPEN, AppealState.SCHOOL_REVIEWED)


class AppealSettled(Refusal):
    """The appeal is in a state that does not allow this."""

    def __init__(self, state: AppealState) -> None:
        super().__init__(f"the appeal is {state}")
        self.state = state


@dataclass(frozen=True)
class Disputed:
    """The line that an appeal is about, as it stands now."""

    entry_id: int
    title: str
    earned_on: date
    hours: Decimal
    level: str
    category: str
    state: EntryState


@dataclass(frozen=True)
class AppealFacts:
    """One appeal, for its teacher or whoever answers it."""

    appeal_id: int
    teacher_id: int
    name: str
    unit: str
    line: Disputed | None  # None where hours are missing altogether
    about: str
    file_id: str
    file_name: str
    state: AppealState
    opened_at: datetime
    due_on: date
    is_overdue: bool
    school_view: str
    answer: str


@dataclass(frozen=True)
class Queued:
    """The next appeal that waits for this person, and how many there are in all."""

    appeal: AppealFacts
    waiting: int
    overdue: int
    is_last_word: bool


# --- the teacher ----------------------------------------------------------------------------------


def line_of(session: Session, teacher_id: int, entry_id: int) -> Disputed:
    """Return one of the teacher's own lines. Raises NotFound."""
    return _line(_entry(session, teacher_id, entry_id))


def open_(
    session: Session,
    teacher_id: int,
    entry_id: int | None,
    about: str,
    *,
    now: datetime,
    file_id: str = "",
    file_name: str = "",
) -> AppealFacts:
    """Appeal against a line, or say that hours are missing; the line is disputed from now on.

    One appeal at a time for each line: a second one returns the first. Raises NotFound for
    another's line, ReasonMissing without a text, WrongEntryState for a line that still waits.
    """
    today = local_day(now, offices.zone(session))
    about = reviewing.said(about)
    if not about:
        raise ReasonMissing
    # The same words by two who write at once are one appeal.
    session.exec(
        select(Teacher.id).where(Teacher.id == teacher_id).with_for_update(key_share=True)
    ).all()
    running = session.exec(
        select(Appeal).where(
            Appeal.teacher_id == teacher_id,
            col(Appeal.entry_id).is_(None)
            if entry_id is None
            else col(Appeal.entry_id) == entry_id,
            col(Appeal.state).in_(UNDER_WAY),
            sa.true() if entry_id is not None else col(Appeal.about) == about,
        )
    ).first()
    if running is not None:
        return _facts(session, running, today)
    if entry_id is not None:
        entry = _entry(session, teacher_id, entry_id)
        if entry.state is EntryState.POSTED:
            ledger.dispute(session, entry_id, about, actor_id=teacher_id, now=now)
        elif entry.state is not EntryState.REVERSED:
            raise WrongEntryState(entry_id, entry.state)
    unit_id = reviewing.unit_of(session, teacher_id, today=today)
    profile = profiles.current(session, session.exec(select(Office)).one().credit_profile)
    row = Appeal(
        teacher_id=teacher_id,
        unit_id_at=unit_id,
        entry_id=entry_id,
        about=about,
        evidence_file_id=file_id,
        evidence_name=file_name,
        opened_at=now,
        due_on=workdays.load(session).shift(today, max(profile.appeal_days, 1)),
    )
    if reviewing.speaks_for_school(session, teacher_id, unit_id, today=today):
        row.state = AppealState.SCHOOL_REVIEWED  # there is nobody else to ask
    session.add(row)
    session.flush()
    answered = moments.at(row.due_on, ANSWERED_BY, offices.zone(session))
    deadlines.set_deadline(session, "appeal", row.id, answered, now=now)
    audit.record(
        session,
        teacher_id,
        "appeal",
        f"appeal:{row.id}",
        now=now,
        after={"entry_id": entry_id, "due_on": row.due_on.isoformat()},
        reason=about,
    )
    return _facts(session, row, today)


def add_evidence(
    session: Session,
    teacher_id: int,
    appeal_id: int,
    file_id: str,
    file_name: str,
    *,
    now: datetime,
) -> AppealFacts:
    """Put a file or photo to an appeal under way, in the place of one that was there.

    Raises NotFound, AppealSettled, or NotEvidence for a file of another kind.
    """
    papers.check_name(file_name)
    row = _own(session, teacher_id, appeal_id)
    if row.state not in UNDER_WAY:
        raise AppealSettled(row.state)
    row.evidence_file_id, row.evidence_name = file_id, file_name[:120]
    session.flush()
    return _facts(session, row, local_day(now, offices.zone(session)))


def own(session: Session, teacher_id: int, appeal_id: int, *, now: datetime) -> AppealFacts:
    """Return one of the teacher's own appeals. Raises NotFound."""
    row = _own(session, teacher_id, appeal_id)
    return _facts(session, row, local_day(now, offices.zone(session)))


def mine(session: Session, teacher_id: int, *, now: datetime) -> tuple[AppealFacts, ...]:
    """Return the teacher's appeals, those under way first, then the newest."""
    today = local_day(now, offices.zone(session))
    rows = session.exec(
        select(Appeal).where(Appeal.teacher_id == teacher_id).order_by(col(Appeal.id).desc())
    ).all()
    rows = sorted(rows, key=lambda row: row.state not in UNDER_WAY)
    return tuple(_facts(session, row, today) for row in rows)


def withdraw(session: Session, teacher_id: int, appeal_id: int, *, now: datetime) -> AppealFacts:
    """Take the appeal back; the line counts again. Twice is once. Raises AppealSettled."""
    row = _own(session, teacher_id, appeal_id)
    today = local_day(now, offices.zone(session))
    if row.state is AppealState.WITHDRAWN:
        return _facts(session, row, today)
    if row.state not in UNDER_WAY:
        raise AppealSettled(row.state)
    _uphold(session, row, "appeal withdrawn", teacher_id, now)
    _move(session, row, AppealState.WITHDRAWN, teacher_id, "", now)
    return _facts(session, row, today)


# --- who answers ----------------------------------------------------------------------------------


def queue(session: Session, actor_id: int, *, now: datetime, after: int = 0) -> Queued | None:
    """Return the next appeal that waits for this person, past the one given; overdue first.

    None where nothing waits (any more). The log keeps whose appeal was looked at.
    """
    waiting = _waiting(session, actor_id, now)
    ids = [row.id for row in waiting]
    at = ids.index(after) + 1 if after in ids else 0
    if at >= len(ids):
        return None
    return _looked_at(session, actor_id, ids[at], waiting, now)


def review(session: Session, actor_id: int, appeal_id: int, *, now: datetime) -> Queued:
    """Return one appeal that waits for this person's word.

    Raises NotFound, AppealSettled when it waits for nobody, NotAllowed when for others.
    """
    row = _appeal(session, appeal_id)
    today = local_day(now, offices.zone(session))
    if row.state not in UNDER_WAY:
        raise AppealSettled(row.state)
    if row.teacher_id == actor_id:
        raise OwnCase
    may_last = authority.may(session, actor_id, Act.SETTLE_HOURS, row.unit_id_at, today=today)
    if not may_last:
        authority.check(session, actor_id, Act.CONFIRM_HOURS, row.unit_id_at, today=today)
    return _looked_at(session, actor_id, appeal_id, _waiting(session, actor_id, now), now)


def give_view(
    session: Session, actor_id: int, appeal_id: int, view: str, *, now: datetime
) -> AppealFacts:
    """The school says what it knows; the county decides. Raises ReasonMissing without words."""
    row = _appeal(session, appeal_id)
    today = local_day(now, offices.zone(session))
    view = reviewing.said(view)
    if not view:
        raise ReasonMissing
    if row.state is AppealState.SCHOOL_REVIEWED and row.reviewed_by == actor_id:
        return _facts(session, row, today)
    _check(session, actor_id, row, Act.CONFIRM_HOURS, today)
    if not reviewing.may_speak_first(session, actor_id, row.unit_id_at, today=today):
        raise SchoolDecides(row.about, None)
    if row.state is not AppealState.OPEN:
        raise AppealSettled(row.state)
    row.school_view, row.reviewed_by = view, actor_id
    _move(session, row, AppealState.SCHOOL_REVIEWED, actor_id, view, now)
    return _facts(session, row, today)


def accept(
    session: Session,
    actor_id: int,
    appeal_id: int,
    hours: Decimal,
    answer: str = "",
    *,
    now: datetime,
    level: str = "",
    category: str = "",
    earned_on: date | None = None,
) -> AppealFacts:
    """Put the line right: these hours instead, or none (0), through a reversing line.

    Where hours were missing they are posted, of this level, category and day. Accepting again
    changes nothing. Raises NotFound, NotAllowed, AppealSettled or NotAClaim.
    """
    row = _appeal(session, appeal_id)
    today = local_day(now, offices.zone(session))
    _check(session, actor_id, row, Act.SETTLE_HOURS, today)
    if row.state is AppealState.ACCEPTED:
        return _facts(session, row, today)
    if row.state not in UNDER_WAY:
        raise AppealSettled(row.state)
    if not 0 <= hours <= MOST_HOURS:
        raise NotAClaim("hours")
    reason = f"{KIND}:{row.id}"
    if row.entry_id is not None:
        if hours:
            ledger.correct(
                session, row.entry_id, rounded(hours), reason, actor_id=actor_id, now=now
            )
        else:
            ledger.reverse(session, row.entry_id, reason, actor_id=actor_id, now=now)
    else:
        if not hours or level not in LEVELS or not category:
            raise NotAClaim("hours" if not hours else "level")
        profile = profiles.current(session, session.exec(select(Office)).one().credit_profile)
        entry = ledger.post(
            session,
            NewEntry(
                teacher_id=row.teacher_id,
                earned_on=earned_on or local_day(row.opened_at, offices.zone(session)),
                level=level,
                category=category,
                hours=rounded(hours),
                title=row.about[:60],
                source_kind=KIND,
                source_id=row.id,
                rule=RULE,
                rule_version=profile.name,
                evidence=reason,
            ),
            actor_id=actor_id,
            now=now,
        )
        row.entry_id = entry.id
    _move(session, row, AppealState.ACCEPTED, actor_id, reviewing.said(answer), now)
    _tell(session, row, now)
    return _facts(session, row, today)


def uphold(
    session: Session, actor_id: int, appeal_id: int, answer: str, *, now: datetime
) -> AppealFacts:
    """The line stands as it is, with an answer that says why; it counts again.

    Raises NotFound, NotAllowed, AppealSettled, or ReasonMissing without an answer.
    """
    row = _appeal(session, appeal_id)
    today = local_day(now, offices.zone(session))
    answer = reviewing.said(answer)
    if not answer:
        raise ReasonMissing
    _check(session, actor_id, row, Act.SETTLE_HOURS, today)
    if row.state is AppealState.REFUSED:
        return _facts(session, row, today)
    if row.state not in UNDER_WAY:
        raise AppealSettled(row.state)
    _uphold(session, row, answer, actor_id, now)
    _move(session, row, AppealState.REFUSED, actor_id, answer, now)
    _tell(session, row, now)
    return _facts(session, row, today)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Appeals that wait for this person's word, overdue ones apart and first."""
    today = local_day(now, offices.zone(session))
    rows = _waiting(session, actor_id, now)
    overdue = sum(row.due_on < today for row in rows)
    found = (Waiting("appeals_overdue", overdue), Waiting("appeals", len(rows) - overdue))
    return tuple(item for item in found if item.count)


# --- how it is done -------------------------------------------------------------------------------


def _waiting(session: Session, actor_id: int, now: datetime) -> list[Appeal]:
    today = local_day(now, offices.zone(session))
    first = reviewing.first_word(session, actor_id, today=today)
    last = reviewing.last_word(session, actor_id, today=today)
    rows = session.exec(
        select(Appeal)
        .where(
            Appeal.teacher_id != actor_id,
            sa.or_(
                sa.and_(col(Appeal.state) == AppealState.OPEN, col(Appeal.unit_id_at).in_(first)),
                sa.and_(
                    sa.or_(
                        col(Appeal.state) == AppealState.SCHOOL_REVIEWED,
                        sa.and_(col(Appeal.state) == AppealState.OPEN, col(Appeal.due_on) < today),
                    ),
                    col(Appeal.unit_id_at).in_(last),
                ),
            ),
        )
        .order_by(col(Appeal.due_on), col(Appeal.id))
    ).all()
    return list(rows)


def _check(session: Session, actor_id: int, row: Appeal, act: Act, today: date) -> None:
    if row.teacher_id == actor_id:
        raise OwnCase
    authority.check(session, actor_id, act, row.unit_id_at, today=today)


def _looked_at(
    session: Session, actor_id: int, appeal_id: int, waiting: list[Appeal], now: datetime
) -> Queued:
    today = local_day(now, offices.zone(session))
    row = _appeal(session, appeal_id)
    audit.record(session, actor_id, "see_appeal", f"appeal:{appeal_id}", now=now)
    return Queued(
        _facts(session, row, today),
        len(waiting),
        sum(one.due_on < today for one in waiting),
        authority.may(session, actor_id, Act.SETTLE_HOURS, row.unit_id_at, today=today),
    )


def _uphold(session: Session, row: Appeal, reason: str, actor_id: int, now: datetime) -> None:
    if row.entry_id is None:
        return
    state = session.exec(select(col(CreditEntry.state)).where(CreditEntry.id == row.entry_id)).one()
    # It may have been reversed meanwhile, with the completion that it came from.
    if state == EntryState.DISPUTED:
        ledger.uphold(session, row.entry_id, reason, actor_id=actor_id, now=now)


def _move(
    session: Session, row: Appeal, to: AppealState, actor_id: int, answer: str, now: datetime
) -> None:
    audit.record(
        session,
        actor_id,
        f"appeal_{to}",
        f"appeal:{row.id}",
        now=now,
        before={"state": row.state},
        after={"state": to},
        reason=answer,
    )
    row.state = to
    if to in (AppealState.ACCEPTED, AppealState.REFUSED):
        row.decided_by, row.decided_at, row.answer = actor_id, now, answer
    session.flush()


def _tell(session: Session, row: Appeal, now: datetime) -> None:
    facts = {
        "title": row.about[:60],
        "accepted": row.state is AppealState.ACCEPTED,
        "answer": row.answer,
        "appeal_id": row.id,
    }
    news.tell(session, "appeal_decided", row.teacher_id, row.id, facts, now=now)


def _appeal(session: Session, appeal_id: int) -> Appeal:
    row = session.exec(
        select(Appeal)
        .where(Appeal.id == appeal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("appeal")
    return row


def _own(session: Session, teacher_id: int, appeal_id: int) -> Appeal:
    row = _appeal(session, appeal_id)
    if row.teacher_id != teacher_id:
        raise NotFound("appeal")
    return row


def _entry(session: Session, teacher_id: int, entry_id: int) -> CreditEntry:
    row = session.exec(
        select(CreditEntry)
        .where(
            CreditEntry.id == entry_id,
            CreditEntry.teacher_id == teacher_id,
            col(CreditEntry.reverses_id).is_(None),
        )
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("credit entry")
    return row


def _line(row: CreditEntry) -> Disputed:
    return Disputed(row.id, row.title, row.earned_on, row.hours, row.level, row.category, row.state)


def _facts(session: Session, row: Appeal, today: date) -> AppealFacts:
    name, unit = session.exec(
        select(Teacher.name, OrgUnit.name)
        .join(OrgUnit, col(OrgUnit.id) == row.unit_id_at)
        .where(Teacher.id == row.teacher_id)
    ).one()
    line = None if row.entry_id is None else _entry(session, row.teacher_id, row.entry_id)
    return AppealFacts(
        appeal_id=row.id,
        teacher_id=row.teacher_id,
        name=name,
        unit=unit,
        line=None if line is None else _line(line),
        about=row.about,
        file_id=row.evidence_file_id,
        file_name=row.evidence_name,
        state=row.state,
        opened_at=row.opened_at,
        due_on=row.due_on,
        is_overdue=row.state in UNDER_WAY and row.due_on < today,
        school_view=row.school_view,
        answer=row.answer,
    )
