"""Linking: how a Telegram account becomes a teacher's, by a one-time code or a phone number.

A wrong code is counted, and the count must be kept: so it is an outcome, not a refusal,
which would undo the counting together with everything else.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.inserting import insert_new
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.moments import local_day
from storage.people import accounts, phones, roles
from storage.people.accounts import Profile
from storage.people.tables import (
    Account,
    LinkCode,
    LinkedBy,
    Office,
    Teacher,
    TeacherState,
)

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is misread on paper
LENGTH = 8
VALID_FOR = timedelta(hours=72)
WRONG_ALLOWED = 5
LOCKED_FOR = timedelta(hours=1)
AT_ONCE = 5_000  # ids in one statement


@dataclass(frozen=True)
class Linked:
    """The account is the teacher's now (or was already)."""

    teacher: Profile
    moved: bool = False  # another account had it before


@dataclass(frozen=True)
class WrongCode:
    """No such code; so many tries are left before linking is locked."""

    tries_left: int


@dataclass(frozen=True)
class Locked:
    """Too many wrong codes; linking opens again then."""

    until: datetime


@dataclass(frozen=True)
class CodeExpired:
    """The code was right once: it is used or out of date."""

    used: bool


@dataclass(frozen=True)
class Taken:
    """Another account has this teacher; the first one stays and the school was told."""


@dataclass(frozen=True)
class OtherTeacher:
    """This account is already somebody else's on the roster."""

    name: str


@dataclass(frozen=True)
class UnknownPhone:
    """The roster has no (single) teacher with this number."""


LinkOutcome = Linked | WrongCode | Locked | CodeExpired | Taken | OtherTeacher | UnknownPhone


def normalised(code: str) -> str:
    """Return the code as it was issued: capitals, half-width, without gaps."""
    half = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in code)
    return "".join(c for c in half.upper() if c.isalnum())


def looks_like_code(text: str) -> bool:
    """Whether a typed text can be meant as a link code."""
    code = normalised(text)
    return len(code) == LENGTH and len(text.strip()) <= LENGTH + 4 and code.isascii()


def issue_code(
    session: Session, teacher_id: int, *, now: datetime, issued_by: int | None = None
) -> str:
    """Make a new code for the teacher; older unused ones stop working. Only its hash is kept."""
    session.exec(
        sa.update(LinkCode)
        .where(col(LinkCode.teacher_id) == teacher_id, col(LinkCode.used_at).is_(None))
        .values(expires_at=now)
    )
    code = _new_code()
    session.add(
        LinkCode(
            teacher_id=teacher_id,
            code_hash=_hash(session, code),
            issued_at=now,
            expires_at=now + VALID_FOR,
            issued_by=issued_by,
        )
    )
    session.flush()
    audit.record(session, issued_by, "issue_link_code", f"teacher:{teacher_id}", now=now)
    return code


def issue_codes(
    session: Session, teacher_ids: Collection[int], *, now: datetime, issued_by: int | None = None
) -> dict[int, str]:
    """Make a new code for each of these teachers, by a few statements; older ones stop working."""
    salt = session.exec(select(Office.salt)).first() or ""
    every = sorted(set(teacher_ids))
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        session.exec(
            sa.update(LinkCode)
            .where(
                col(LinkCode.teacher_id).in_(some),
                col(LinkCode.used_at).is_(None),
                col(LinkCode.expires_at) > now,
            )
            .values(expires_at=now)
        )
    codes = {teacher_id: _new_code() for teacher_id in every}
    for teacher_id, code in codes.items():
        session.add(
            LinkCode(
                teacher_id=teacher_id,
                code_hash=_hashed(salt, code),
                issued_at=now,
                expires_at=now + VALID_FOR,
                issued_by=issued_by,
            )
        )
        audit.record(session, issued_by, "issue_link_code", f"teacher:{teacher_id}", now=now)
    session.flush()
    return codes


def code_until(session: Session, teacher_id: int, *, now: datetime) -> datetime | None:
    """Return until when a code of this teacher's works; None when there is none."""
    return session.exec(
        select(LinkCode.expires_at)
        .where(
            LinkCode.teacher_id == teacher_id,
            col(LinkCode.used_at).is_(None),
            col(LinkCode.expires_at) > now,
        )
        .order_by(col(LinkCode.expires_at).desc())
    ).first()


def link_by_code(session: Session, account_id: int, code: str, *, now: datetime) -> LinkOutcome:
    """Link the account to the teacher of a one-time code.

    Five wrong codes lock linking for an hour. A code that was issued after another account
    had been linked is a new phone: it revokes the old account. One that was issued before
    is a second claim: the first stays, and the school's coordinator is told.
    """
    account = session.get_one(Account, account_id)
    if account.link_locked_until is not None:
        if now < account.link_locked_until:
            return Locked(account.link_locked_until)
        account.link_locked_until, account.wrong_codes = None, 0

    found = session.exec(
        select(LinkCode).where(LinkCode.code_hash == _hash(session, normalised(code)))
    ).one_or_none()
    if found is None:
        account.wrong_codes += 1
        if account.wrong_codes >= WRONG_ALLOWED:
            account.link_locked_until = now + LOCKED_FOR
            session.flush()
            return Locked(account.link_locked_until)
        session.flush()
        return WrongCode(WRONG_ALLOWED - account.wrong_codes)
    if found.used_at is not None and account.teacher_id == found.teacher_id:
        return Linked(accounts.profile(session, found.teacher_id))
    if found.used_at is not None or found.expires_at <= now:
        return CodeExpired(used=found.used_at is not None)

    outcome = _link(
        session, account, found.teacher_id, LinkedBy.CODE, issued_at=found.issued_at, now=now
    )
    if isinstance(outcome, Linked):
        found.used_at = now
        session.flush()
    return outcome


def link_by_phone(session: Session, account_id: int, phone: str, *, now: datetime) -> LinkOutcome:
    """Link the account to the one teacher whose roster entry has this number.

    The caller has made sure that the number is the sender's own. A number proves less than a
    code does, so it never takes a teacher away from another account.
    """
    account = session.get_one(Account, account_id)
    if account.link_locked_until is not None and now < account.link_locked_until:
        return Locked(account.link_locked_until)
    salt = session.exec(select(Office.salt)).first()
    if not salt:
        return UnknownPhone()
    matches = session.exec(
        select(Teacher.id).where(
            Teacher.phone_hash == phones.hashed(phone, salt), Teacher.state != TeacherState.LEFT
        )
    ).all()
    if len(matches) != 1:
        return UnknownPhone()
    return _link(session, account, matches[0], LinkedBy.CONTACT, issued_at=None, now=now)


def _link(
    session: Session,
    account: Account,
    teacher_id: int,
    by: LinkedBy,
    *,
    issued_at: datetime | None,
    now: datetime,
) -> LinkOutcome:
    if account.teacher_id == teacher_id:
        return Linked(accounts.profile(session, teacher_id))
    if account.teacher_id is not None:
        return OtherTeacher(session.get_one(Teacher, account.teacher_id).name)
    before = session.exec(
        select(Account).where(Account.teacher_id == teacher_id).with_for_update()
    ).one_or_none()
    if before is not None:
        linked_at = before.linked_at
        if issued_at is None or linked_at is None or issued_at <= linked_at:
            _tell_responsible(session, teacher_id, account.id, now=now)
            return Taken()
        before.teacher_id, before.linked_at, before.linked_by = None, None, None
        before.unlinked_at = now
        session.flush()
        _tell(session, before.id, "link_moved", {}, f"link_moved:{account.id}:{before.id}", now=now)
    account.teacher_id = teacher_id
    account.linked_at = account.consent_at = now
    account.linked_by = by
    account.unlinked_at = None
    account.wrong_codes = 0
    account.awaiting = ""
    session.flush()
    audit.record(
        session,
        teacher_id,
        "link",
        f"account:{account.id}",
        now=now,
        before={"account": before.id if before else None},
        after={"account": account.id, "by": by.value},
    )
    return Linked(accounts.profile(session, teacher_id), moved=before is not None)


def _tell_responsible(session: Session, teacher_id: int, claimant: int, *, now: datetime) -> None:
    office = session.exec(select(Office)).first()
    today = local_day(now, ZoneInfo(office.timezone if office else "Asia/Shanghai"))
    audit.record(session, None, "second_claim", f"teacher:{teacher_id}", now=now)
    for coordinator_id in roles.responsible_for(session, teacher_id, today=today):
        reachable = session.exec(
            select(Account.id).where(Account.teacher_id == coordinator_id, col(Account.reachable))
        ).first()
        if reachable is not None:
            key = f"link_conflict:{teacher_id}:{claimant}:{coordinator_id}"
            _tell(session, reachable, "link_conflict", {"teacher_id": teacher_id}, key, now=now)


def _tell(
    session: Session,
    account_id: int,
    kind: str,
    facts: dict[str, object],
    dedupe_key: str,
    *,
    now: datetime,
) -> None:
    session.exec(
        insert_new(session, OutboxMessage).values(
            kind=kind,
            account_id=account_id,
            facts=facts,
            priority=Priority.OFFER,
            not_before=now,
            dedupe_key=dedupe_key,
            rings=True,
            state=OutboxState.PENDING,
            attempts=0,
            created_at=now,
            fault="",
        )
    )


def _hash(session: Session, code: str) -> str:
    return _hashed(session.exec(select(Office.salt)).first() or "", code)


def _hashed(salt: str, code: str) -> str:
    return hmac.new(salt.encode(), code.encode(), hashlib.sha256).hexdigest()


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
