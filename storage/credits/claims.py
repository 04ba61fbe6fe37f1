"""Claims: hours learnt elsewhere, with evidence; the school looks first, the county decides.

What the teacher fills in stands in a draft until it is sent, so that a restart loses nothing.
Caps and yearly limits are no concern of a claim: they apply when the ledger is read.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, deeds
from storage.credits import ledger, papers, profiles, reviewing
from storage.credits.hours import rounded
from storage.credits.ledger import CORRECTION, NewEntry
from storage.credits.profiles import LEVELS
from storage.credits.tables import Claim, ClaimState, CreditEntry, EntryState
from storage.deeds import ChangedSince, Deed
from storage.messaging import news
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people import authority, drafts, offices
from storage.people.authority import Act
from storage.people.tables import Office, OrgUnit, Teacher
from storage.refusals import NotFound, OwnCase, Refusal
from storage.sheets import as_day, as_number, key, plain
from storage.training.deciding import SchoolDecides
from storage.training.tables import CATEGORIES
from storage.waiting_for import Waiting

KIND = "claim"
KIND_RIGHT = "claimright"
"""The draft of what a reviewer has put right and not granted yet, by claim."""
DEED = "accept_claim"
RULE = "manual"
MOST_HOURS = Decimal(200)
OLDEST = timedelta(days=5 * 366)
LONGEST_TITLE = 120
ALIVE = (ClaimState.SUBMITTED, ClaimState.SCHOOL_OK, ClaimState.RETURNED)
"""States in which the teacher may still take it back."""
COUNTS = (ClaimState.SUBMITTED, ClaimState.SCHOOL_OK, ClaimState.RETURNED, ClaimState.ACCEPTED)
JUST_NOW = timedelta(minutes=10)
MINE = 6  # claims on a page


class NotAClaim(Refusal):
    """A field is missing or cannot be; ``field`` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"the {field} of a claim")
        self.field = field


class TooLong(Refusal):
    """A title or name has more characters than fit: ``most``."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} characters")
        self.most = most


class ClaimSettled(Refusal):
    """The claim is in a state that does not allow this."""

    def __init__(self, state: ClaimState) -> None:
        super().__init__(f"the claim is {state}")
        self.state = state


class ReasonMissing(Refusal):
    """Returning and refusing need a reason."""


@dataclass(frozen=True)
class Filled:
    """A draft as far as it is filled in; ``claim_id`` is the one that it corrects, or 0."""

    title: str = ""
    provider: str = ""
    learnt_on: date | None = None
    hours: Decimal | None = None
    level: str = ""
    category: str = ""
    file_id: str = ""
    file_name: str = ""
    claim_id: int = 0

    @property
    def missing(self) -> str:
        """The next field to fill in, empty when all is there."""
        for field in ("title", "provider", "learnt_on", "hours", "level", "category", "file_id"):
            if not getattr(self, field):
                return field
        return ""


@dataclass(frozen=True)
class ToPost:
    """What granting a claim posts."""

    hours: Decimal
    level: str
    category: str

    @property
    def mark(self) -> int:
        """Short, and another one for other values; never 0."""
        return zlib.crc32(f"{self.hours}:{self.level}:{self.category}".encode()) or 1


@dataclass(frozen=True)
class Twin:
    """What looks like the same learning: a claim, or a line of the ledger."""

    title: str
    day: date
    hours: Decimal
    is_posted: bool


@dataclass(frozen=True)
class ClaimFacts:
    """One claim, for its teacher or whoever reviews it."""

    claim_id: int
    teacher_id: int
    name: str
    unit: str
    title: str
    provider: str
    level: str
    category: str
    hours: Decimal
    learnt_on: date
    file_id: str
    file_name: str
    state: ClaimState
    submitted_at: datetime
    answer: str
    twins: tuple[Twin, ...]
    is_long: bool  # more hours than a day may bring under the profile
    by_school: bool  # somebody who speaks for the school has confirmed it

    @property
    def asked(self) -> ToPost:
        """What the teacher asks for."""
        return ToPost(self.hours, self.level, self.category)


@dataclass(frozen=True)
class Queued:
    """The next claim that waits for this person, and how many there are in all."""

    claim: ClaimFacts
    waiting: int
    is_last_word: bool  # the county's, else the school's
    to_post: ToPost  # as the teacher asks, or as this person has put it right


@dataclass(frozen=True)
class Accepted:
    """A granted claim; ``deed_id`` undoes it, None when it had been granted before."""

    claim: ClaimFacts
    deed_id: int | None


@dataclass(frozen=True)
class Mine:
    """A page of the teacher's own claims, the newest first; pages count from 0."""

    claims: tuple[ClaimFacts, ...]
    page: int
    pages: int


# --- the teacher ----------------------------------------------------------------------------------


def draft(session: Session, account_id: int) -> Filled:
    """Return what this account is filling in; empty when nothing is."""
    return _filled(drafts.read(session, account_id, KIND) or {})


def begin(
    session: Session, teacher_id: int, account_id: int, *, now: datetime, claim_id: int = 0
) -> Filled:
    """Begin a claim anew, or take up a returned one to correct it.

    Raises NotFound for somebody else's claim, ClaimSettled for one that was not returned.
    """
    data: dict[str, Any] = {}
    if claim_id:
        row = _own(session, teacher_id, claim_id)
        if row.state is not ClaimState.RETURNED:
            raise ClaimSettled(row.state)
        data = {
            "title": row.title,
            "provider": row.provider,
            "learnt_on": row.learnt_on.isoformat(),
            "hours": str(row.hours),
            "level": row.level,
            "category": row.category,
            "file_id": row.evidence_file_id,
            "file_name": row.evidence_name,
            "claim_id": claim_id,
        }
    drafts.keep(session, account_id, KIND, data, now=now)
    return _filled(data)


def fill(
    session: Session, account_id: int, field: str, text: str, *, now: datetime, name: str = ""
) -> Filled:
    """Fill in one field of the draft from what was typed, chosen or sent.

    Raises NotAClaim when it cannot be that, TooLong, NotEvidence for a file of another kind, and
    NotFound when nothing is being filled in.
    """
    data = drafts.read(session, account_id, KIND, lock=True)
    if data is None:
        raise NotFound("draft")
    today = local_day(now, offices.zone(session))
    match field:
        case "title" | "provider":
            value = " ".join(text.split())
            if len(value) > LONGEST_TITLE:
                raise TooLong(LONGEST_TITLE)
        case "learnt_on":
            day = as_day(text)
            if day is None or not today - OLDEST <= day <= today:
                raise NotAClaim(field)
            value = day.isoformat()
        case "hours":
            value = str(_hours(text))
        case "level":
            value = text if text in LEVELS else ""
        case "file_id":
            papers.check_name(name)
            value = text
            data["file_name"] = name[:LONGEST_TITLE]
        case _:
            value = plain(text)[:40]
    if not value:
        raise NotAClaim(field)
    drafts.keep(session, account_id, KIND, data | {field: value}, now=now)
    return _filled(data | {field: value})


def clear(session: Session, account_id: int, field: str, *, now: datetime) -> Filled:
    """Empty one field of the draft, so that it is asked for again."""
    data = drafts.read(session, account_id, KIND, lock=True)
    if data is None:
        raise NotFound("draft")
    data.pop(field, None)
    drafts.keep(session, account_id, KIND, data, now=now)
    return _filled(data)


def look_alike(session: Session, teacher_id: int, filled: Filled) -> tuple[Twin, ...]:
    """Return what the teacher has already that looks like what is filled in."""
    if filled.learnt_on is None or filled.hours is None:
        return ()
    return _twins(
        session, teacher_id, filled.learnt_on, filled.hours, filled.title, but=filled.claim_id
    )


def send(session: Session, teacher_id: int, account_id: int, *, now: datetime) -> ClaimFacts:
    """Hand the draft in, to the school; one's own school's coordinator goes to the county.

    A second tap returns the claim that was just sent. Raises NotAClaim, or NotFound without a
    draft or for somebody who works nowhere.
    """
    data = drafts.read(session, account_id, KIND, lock=True)
    if data is None:
        sent = session.exec(
            select(Claim)
            .where(Claim.teacher_id == teacher_id, Claim.submitted_at > now - JUST_NOW)
            .order_by(col(Claim.submitted_at).desc(), col(Claim.id).desc())
        ).first()
        if sent is None:
            raise NotFound("draft")
        return _facts(session, sent)
    filled = _filled(data)
    if filled.missing or filled.learnt_on is None or filled.hours is None:
        raise NotAClaim(filled.missing)
    today = local_day(now, offices.zone(session))
    unit_id = reviewing.unit_of(session, teacher_id, today=today)
    state = ClaimState.SUBMITTED
    if reviewing.speaks_for_school(session, teacher_id, unit_id, today=today):
        state = ClaimState.SCHOOL_OK
    values: dict[str, Any] = {
        "unit_id_at": unit_id,
        "title": filled.title,
        "provider": filled.provider,
        "level": filled.level,
        "category": filled.category,
        "hours": filled.hours,
        "learnt_on": filled.learnt_on,
        "evidence_file_id": filled.file_id,
        "evidence_name": filled.file_name,
        "state": state,
        "submitted_at": now,
        "answer": "",
        "school_by": None,
        "school_at": None,
    }
    if filled.claim_id:
        claim = _own(session, teacher_id, filled.claim_id)
        if claim.state is not ClaimState.RETURNED:
            raise ClaimSettled(claim.state)
        for name, value in values.items():
            setattr(claim, name, value)
    else:
        claim = Claim(teacher_id=teacher_id, **values)
        session.add(claim)
    session.flush()
    drafts.drop(session, account_id, KIND)
    audit.record(session, teacher_id, "claim", f"claim:{claim.id}", now=now, after=_plain(claim))
    return _facts(session, claim)


def mine(session: Session, teacher_id: int, *, page: int = 0) -> Mine:
    """Return a page of the teacher's own claims."""
    total = session.exec(
        select(func.count()).select_from(Claim).where(Claim.teacher_id == teacher_id)
    ).one()
    pages = max(1, -(-total // MINE))
    page = min(max(0, page), pages - 1)
    rows = session.exec(
        select(Claim)
        .where(Claim.teacher_id == teacher_id)
        .order_by(col(Claim.submitted_at).desc(), col(Claim.id).desc())
        .offset(page * MINE)
        .limit(MINE)
    ).all()
    return Mine(tuple(_facts(session, row) for row in rows), page, pages)


def own(session: Session, teacher_id: int, claim_id: int) -> ClaimFacts:
    """Return one of the teacher's own claims. Raises NotFound."""
    return _facts(session, _own(session, teacher_id, claim_id))


def withdraw(session: Session, teacher_id: int, claim_id: int, *, now: datetime) -> ClaimFacts:
    """Take a claim back that nobody has decided; twice is once. Raises ClaimSettled."""
    row = _own(session, teacher_id, claim_id)
    if row.state is ClaimState.WITHDRAWN:
        return _facts(session, row)
    if row.state not in ALIVE:
        raise ClaimSettled(row.state)
    _move(session, row, ClaimState.WITHDRAWN, teacher_id, "", now)
    return _facts(session, row)


# --- who reviews ----------------------------------------------------------------------------------


def queue(
    session: Session, actor_id: int, *, now: datetime, after: int = 0, account_id: int = 0
) -> Queued | None:
    """Return the next claim that waits for this person's word, past the one given.

    With what this account has put right of it. None where nothing waits (any more). The log
    keeps whose claim was looked at.
    """
    ids = _waiting(session, actor_id, now)
    rest = [claim_id for claim_id in ids if claim_id > after]
    if not rest:
        return None
    return _looked_at(session, actor_id, rest[0], len(ids), account_id, now)


def review(
    session: Session, actor_id: int, claim_id: int, *, now: datetime, account_id: int = 0
) -> Queued:
    """Return one claim that waits for this person's word.

    Raises NotFound, ClaimSettled when it waits for nobody, and NotAllowed, OwnCase or
    SchoolDecides when it waits for others.
    """
    row = _claim(session, claim_id)
    _check(session, actor_id, row, now)
    waiting = len(_waiting(session, actor_id, now))
    return _looked_at(session, actor_id, claim_id, waiting, account_id, now)


def put_right(
    session: Session,
    actor_id: int,
    claim_id: int,
    field: str,
    text: str,
    *,
    now: datetime,
    account_id: int,
) -> Queued:
    """Note other hours, another level or category, to be posted when this person grants it.

    What the teacher asked for stays as it is. Raises as ``accept`` does.
    """
    row = _claim(session, claim_id)
    _check(session, actor_id, row, now, wanted=ClaimState.SCHOOL_OK)
    match field:
        case "hours":
            value = str(_hours(text))
        case "level" if text in LEVELS:
            value = text
        case "category" if text in CATEGORIES:
            value = text
        case _:
            raise NotAClaim(field)
    kept = drafts.read(session, account_id, KIND_RIGHT, lock=True) or {}
    waiting = {str(id_) for id_ in _waiting(session, actor_id, now)}
    kept = {id_: right for id_, right in kept.items() if id_ in waiting}
    handed_in = row.submitted_at.isoformat()
    right = kept.get(str(claim_id), {})
    if right.get("of") != handed_in:
        right = {"of": handed_in}
    kept[str(claim_id)] = right | {field: value}
    drafts.keep(session, account_id, KIND_RIGHT, kept, now=now)
    return _looked_at(session, actor_id, claim_id, len(waiting), account_id, now)


def confirm(session: Session, actor_id: int, claim_id: int, *, now: datetime) -> ClaimFacts:
    """The school says that it is right; the county decides. Confirming again does nothing."""
    row = _claim(session, claim_id)
    if row.state is ClaimState.SCHOOL_OK and row.school_by == actor_id:
        _check_reach(session, actor_id, row, Act.CONFIRM_HOURS, now)
        return _facts(session, row)
    _check(session, actor_id, row, now, wanted=ClaimState.SUBMITTED)
    row.school_by, row.school_at = actor_id, now
    _move(session, row, ClaimState.SCHOOL_OK, actor_id, "", now)
    return _facts(session, row)


def give_back(
    session: Session, actor_id: int, claim_id: int, reason: str, *, now: datetime
) -> ClaimFacts:
    """Return it to the teacher with a reason, to be corrected or withdrawn; twice is once.

    Raises as ``review`` does.
    """
    row = _claim(session, claim_id)
    reason = _reason(reason)
    if row.state is ClaimState.RETURNED:
        _check_reach(session, actor_id, row, Act.CONFIRM_HOURS, now)
        return _facts(session, row)
    _check(session, actor_id, row, now)
    _move(session, row, ClaimState.RETURNED, actor_id, reason, now)
    _tell(session, "claim_returned", row, now)
    return _facts(session, row)


def accept(
    session: Session,
    actor_id: int,
    claim_id: int,
    *,
    now: datetime,
    level: str = "",
    category: str = "",
    hours: Decimal | None = None,
) -> Accepted:
    """Post the hours, with level, category or hours put right where these are given.

    The teacher hears of it as of all hours, unless it is undone before. Accepting again changes
    nothing. Raises NotFound, NotAllowed, ClaimSettled or NotAClaim.
    """
    row = _claim(session, claim_id)
    if row.state is ClaimState.ACCEPTED:
        _check_reach(session, actor_id, row, Act.SETTLE_HOURS, now)
        earlier = deeds.standing(session, actor_id, DEED, claim_id, now=now, of="claim_id")
        return Accepted(_facts(session, row), earlier)
    _check(session, actor_id, row, now, wanted=ClaimState.SCHOOL_OK)
    if level and level not in LEVELS:
        raise NotAClaim("level")
    if hours is not None and not 0 < hours <= MOST_HOURS:
        raise NotAClaim("hours")
    asked = {"hours": str(row.hours), "level": row.level, "category": row.category}
    row.level = level or row.level
    row.category = category or row.category
    row.hours = row.hours if hours is None else rounded(hours)
    profile = profiles.current(session, session.exec(select(Office)).one().credit_profile)
    line = NewEntry(
        teacher_id=row.teacher_id,
        earned_on=row.learnt_on,
        level=row.level,
        category=row.category,
        hours=row.hours,
        title=row.title,
        source_kind=KIND,
        source_id=row.id,
        rule=RULE,
        rule_version=profile.name,
        evidence=_evidence(row),
        details={"provider": row.provider},
    )
    undone = _last_line(session, row)
    if undone is not None:
        # Granted before and undone: a line once posted does not come back, it is said once more.
        details = line.details | {"corrects": undone}
        line = replace(line, source_kind=CORRECTION, source_id=undone, details=details)
    entry = ledger.post(session, line, actor_id=actor_id, now=now)
    row.entry_id = entry.id
    _move(session, row, ClaimState.ACCEPTED, actor_id, "", now)
    data = {"claim_id": row.id, "entry_id": entry.id, "asked": asked}
    deed_id = deeds.done(session, DEED, actor_id, data, now=now)
    return Accepted(_facts(session, row), deed_id)


def undo_accept(session: Session, deed: Deed, now: datetime) -> None:
    """Reverse the hours of a granted claim, which waits once more as the teacher sent it.

    Raises ChangedSince when the line has been disputed or corrected since.
    """
    row = _claim(session, int(deed.data["claim_id"]))
    _check_reach(session, deed.actor_id, row, Act.SETTLE_HOURS, now)
    entry_id = int(deed.data["entry_id"])
    stands = session.exec(select(CreditEntry.state).where(CreditEntry.id == entry_id)).first()
    if (
        row.state is not ClaimState.ACCEPTED
        or row.entry_id != entry_id
        or stands is not EntryState.POSTED
    ):
        raise ChangedSince("claim")
    about = _evidence(row)
    ledger.reverse_many(
        session,
        [entry_id],
        "claim undone",
        actor_id=deed.actor_id,
        now=now,
        about=about,
        renewable=True,
    )
    asked = deed.data["asked"]
    row.hours, row.level, row.category = Decimal(asked["hours"]), asked["level"], asked["category"]
    row.entry_id = row.decided_by = row.decided_at = None
    _move(session, row, ClaimState.SCHOOL_OK, deed.actor_id, "", now)


def refuse(
    session: Session, actor_id: int, claim_id: int, reason: str, *, now: datetime
) -> ClaimFacts:
    """Refuse it for good, with a reason that the teacher reads."""
    row = _claim(session, claim_id)
    reason = _reason(reason)
    if row.state is ClaimState.REFUSED:
        _check_reach(session, actor_id, row, Act.SETTLE_HOURS, now)
        return _facts(session, row)
    _check(session, actor_id, row, now, wanted=ClaimState.SCHOOL_OK)
    _move(session, row, ClaimState.REFUSED, actor_id, reason, now)
    _tell(session, "claim_refused", row, now)
    return _facts(session, row)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Claims that wait for this person's word."""
    number = len(_waiting(session, actor_id, now))
    return (Waiting("claims", number),) if number else ()


# --- how it is done -------------------------------------------------------------------------------


def _waiting(session: Session, actor_id: int, now: datetime) -> list[int]:
    today = local_day(now, offices.zone(session))
    first = reviewing.first_word(session, actor_id, today=today)
    last = reviewing.last_word(session, actor_id, today=today)
    return list(
        session.exec(
            select(Claim.id)
            .where(
                Claim.teacher_id != actor_id,
                sa.or_(
                    sa.and_(
                        col(Claim.state) == ClaimState.SUBMITTED, col(Claim.unit_id_at).in_(first)
                    ),
                    sa.and_(
                        col(Claim.state) == ClaimState.SCHOOL_OK, col(Claim.unit_id_at).in_(last)
                    ),
                ),
            )
            .order_by(col(Claim.id))
        ).all()
    )


def _check(
    session: Session,
    actor_id: int,
    row: Claim,
    now: datetime,
    *,
    wanted: ClaimState | None = None,
) -> None:
    """Refuse whoever may not speak now; nobody decides on their own claim.

    The school's word is that of whoever tends it, and of the county where nobody does.
    """
    act = Act.SETTLE_HOURS if row.state is ClaimState.SCHOOL_OK else Act.CONFIRM_HOURS
    if wanted is not None:
        act = Act.SETTLE_HOURS if wanted is ClaimState.SCHOOL_OK else Act.CONFIRM_HOURS
    _check_reach(session, actor_id, row, act, now)
    today = local_day(now, offices.zone(session))
    if (
        row.state is ClaimState.SUBMITTED
        and act is Act.CONFIRM_HOURS
        and not reviewing.may_speak_first(session, actor_id, row.unit_id_at, today=today)
    ):
        raise SchoolDecides(row.title, None)
    if row.state not in ((wanted,) if wanted else (ClaimState.SUBMITTED, ClaimState.SCHOOL_OK)):
        raise ClaimSettled(row.state)


def _check_reach(session: Session, actor_id: int, row: Claim, act: Act, now: datetime) -> None:
    today = local_day(now, offices.zone(session))
    if row.teacher_id == actor_id:
        raise OwnCase
    authority.check(session, actor_id, act, row.unit_id_at, today=today)


def _looked_at(
    session: Session, actor_id: int, claim_id: int, waiting: int, account_id: int, now: datetime
) -> Queued:
    row = _claim(session, claim_id)
    audit.record(session, actor_id, "see_claim", f"claim:{claim_id}", now=now)
    facts = _facts(session, row)
    is_last_word = row.state is ClaimState.SCHOOL_OK
    to_post = facts.asked
    kept = drafts.read(session, account_id, KIND_RIGHT) or {}
    right = kept.get(str(claim_id), {})
    # What was put right was so of the claim as it then was.
    if is_last_word and right.get("of") == row.submitted_at.isoformat():
        to_post = ToPost(
            Decimal(right.get("hours", to_post.hours)),
            right.get("level", to_post.level),
            right.get("category", to_post.category),
        )
    return Queued(facts, waiting, is_last_word, to_post)


def _evidence(row: Claim) -> str:
    """How the lines of the ledger that a claim became name it."""
    return f"{KIND}:{row.id}"


def _last_line(session: Session, row: Claim) -> int | None:
    return session.exec(
        select(CreditEntry.id)
        .where(
            CreditEntry.teacher_id == row.teacher_id,
            CreditEntry.evidence == _evidence(row),
            col(CreditEntry.reverses_id).is_(None),
        )
        .order_by(col(CreditEntry.id).desc())
    ).first()


def _hours(text: str) -> Decimal:
    number = as_number(text)
    if number is None or not 0 < number <= MOST_HOURS or not rounded(number):
        raise NotAClaim("hours")
    return rounded(number)


def _by_school(session: Session, row: Claim) -> bool:
    """Whether it was the school that confirmed it: the county helps out where nobody tends it."""
    if row.school_by is None or row.school_at is None:
        return False
    day = local_day(row.school_at, offices.zone(session))
    return reviewing.speaks_for_school(session, row.school_by, row.unit_id_at, today=day)


def _move(
    session: Session, row: Claim, to: ClaimState, actor_id: int, answer: str, now: datetime
) -> None:
    audit.record(
        session,
        actor_id,
        f"claim_{to}",
        f"claim:{row.id}",
        now=now,
        before={"state": row.state},
        after={"state": to, "hours": str(row.hours), "level": row.level, "category": row.category},
        reason=answer,
    )
    row.state = to
    row.answer = answer
    if to in (ClaimState.ACCEPTED, ClaimState.REFUSED):
        row.decided_by, row.decided_at = actor_id, now
    session.flush()


def _tell(session: Session, kind: str, row: Claim, now: datetime) -> None:
    # Returned a second time is news again.
    session.exec(sa.delete(News).where(col(News.kind) == kind, col(News.subject_id) == row.id))
    facts = {"title": row.title, "reason": row.answer, "claim_id": row.id}
    news.tell(session, kind, row.teacher_id, row.id, facts, now=now)


def _reason(text: str) -> str:
    reason = reviewing.said(text)
    if not reason:
        raise ReasonMissing
    return reason


def _claim(session: Session, claim_id: int) -> Claim:
    row = session.exec(
        select(Claim)
        .where(Claim.id == claim_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("claim")
    return row


def _own(session: Session, teacher_id: int, claim_id: int) -> Claim:
    row = _claim(session, claim_id)
    if row.teacher_id != teacher_id:
        raise NotFound("claim")
    return row


def _facts(session: Session, row: Claim) -> ClaimFacts:
    name, unit = session.exec(
        select(Teacher.name, OrgUnit.name)
        .join(OrgUnit, col(OrgUnit.id) == row.unit_id_at)
        .where(Teacher.id == row.teacher_id)
    ).one()
    profile = profiles.current(session, session.exec(select(Office)).one().credit_profile)
    return ClaimFacts(
        claim_id=row.id,
        teacher_id=row.teacher_id,
        name=name,
        unit=unit,
        title=row.title,
        provider=row.provider,
        level=row.level,
        category=row.category,
        hours=row.hours,
        learnt_on=row.learnt_on,
        file_id=row.evidence_file_id,
        file_name=row.evidence_name,
        state=row.state,
        submitted_at=row.submitted_at,
        answer=row.answer,
        twins=_twins(
            session,
            row.teacher_id,
            row.learnt_on,
            row.hours,
            row.title,
            but=row.id,
            but_entry=row.entry_id,
        ),
        is_long=row.hours > profile.day.max_hours,
        by_school=_by_school(session, row),
    )


def _twins(
    session: Session,
    teacher_id: int,
    day: date,
    hours: Decimal,
    title: str,
    *,
    but: int,
    but_entry: int | None = None,
) -> tuple[Twin, ...]:
    """Of the same day, and of the same length or the same name."""
    claims = session.exec(
        select(Claim).where(
            Claim.teacher_id == teacher_id,
            Claim.learnt_on == day,
            col(Claim.state).in_(COUNTS),
            Claim.id != but,
        )
    ).all()
    entries = session.exec(
        select(CreditEntry).where(
            CreditEntry.teacher_id == teacher_id,
            CreditEntry.earned_on == day,
            CreditEntry.state != EntryState.REVERSED,
            CreditEntry.id != (but_entry or 0),
            # What a claim became is the claim itself.
            ~col(CreditEntry.evidence).startswith(f"{KIND}:"),
        )
    ).all()
    found = [
        Twin(row.title, row.learnt_on, row.hours, row.state is ClaimState.ACCEPTED)
        for row in claims
    ]
    found += [Twin(row.title, row.earned_on, row.hours, True) for row in entries]
    return tuple(twin for twin in found if twin.hours == hours or key(twin.title) == key(title))


def _filled(data: dict[str, Any]) -> Filled:
    day, hours = data.get("learnt_on"), data.get("hours")
    return Filled(
        title=data.get("title", ""),
        provider=data.get("provider", ""),
        learnt_on=None if day is None else date.fromisoformat(day),
        hours=None if hours is None else Decimal(hours),
        level=data.get("level", ""),
        category=data.get("category", ""),
        file_id=data.get("file_id", ""),
        file_name=data.get("file_name", ""),
        claim_id=int(data.get("claim_id", 0)),
    )


def _plain(row: Claim) -> dict[str, Any]:
    return {
        "title": row.title,
        "hours": str(row.hours),
        "learnt_on": row.learnt_on.isoformat(),
        "level": row.level,
        "category": row.category,
        "state": row.state,
    }
