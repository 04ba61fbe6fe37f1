"""Accounts: a Telegram user who has spoken to the bot, and what they have set."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.inserting import insert_new
from storage.messaging.tables import Hold, OutboxMessage, OutboxState
from storage.people.tables import (
    Account,
    Draft,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    Teacher,
)
from storage.prepared import Prepared
from storage.refusals import NotLinked, Refusal

AWAITED_FOR = timedelta(hours=12)
KEPT_UNLINKED = timedelta(days=30)
ERASED_AT_ONCE = 1_000  # accounts in one transaction, so that taps do not wait
EARLIEST, LATEST = 7 * 60 + 30, 21 * 60  # nobody is written to at night, whatever they set
BESIDE = 30  # minutes between a brief and the quiet hours that it would lie in


class WindowTooShort(Refusal):
    """The hours in which the bot may write leave it less than an hour a day."""


@dataclass(frozen=True)
class Reader:
    """Whoever reads an answer: the account, and the teacher behind it when it is linked."""

    account_id: int
    tg_user_id: int
    language: str
    teacher_id: int | None
    name: str
    is_principal: bool
    card_message_id: int | None
    awaiting: str
    continue_to: str

    @property
    def linked_teacher_id(self) -> int:
        """The teacher's id; refuses when the account is not linked."""
        if self.teacher_id is None:
            raise NotLinked
        return self.teacher_id


_READER = Prepared(
    sa.select(
        col(Account.id),
        col(Account.tg_user_id),
        col(Account.language),
        col(Account.teacher_id),
        sa.func.coalesce(col(Teacher.name), "").label("name"),
        sa.exists()
        .where(
            col(RoleAssignment.teacher_id) == col(Account.teacher_id),
            col(RoleAssignment.role) == Role.PRINCIPAL,
            col(RoleAssignment.until).is_(None),
        )
        .label("is_principal"),
        col(Account.card_message_id),
        col(Account.awaiting),
        col(Account.awaiting_until),
        col(Account.continue_to),
    )
    .outerjoin(Teacher, col(Teacher.id) == col(Account.teacher_id))
    .where(col(Account.tg_user_id) == sa.bindparam("tg_user_id"))
)


def find(session: Session, tg_user_id: int, *, now: datetime) -> Reader | None:
    """Return who this Telegram user is to us, or None when they have never spoken."""
    row = _READER.first(session, tg_user_id=tg_user_id)
    if row is None:
        return None
    waiting = row.awaiting_until is not None and now < row.awaiting_until
    return Reader(
        account_id=row.id,
        tg_user_id=row.tg_user_id,
        language=row.language,
        teacher_id=row.teacher_id,
        name=row.name,
        is_principal=row.is_principal,
        card_message_id=row.card_message_id,
        awaiting=row.awaiting if waiting else "",
        continue_to=row.continue_to,
    )


def meet(session: Session, tg_user_id: int, language: str, *, now: datetime) -> Reader:
    """Return the account of this Telegram user, made on first sight with that language."""
    known = find(session, tg_user_id, now=now)
    if known is not None:
        return known
    session.exec(
        insert_new(session, Account).values(
            tg_user_id=tg_user_id, language=language, started_at=now, **_DEFAULTS
        )
    )
    known = find(session, tg_user_id, now=now)
    assert known is not None
    return known


_DEFAULTS = {
    name: Account.model_fields[name].default
    for name in (
        "language_chosen",
        "reachable",
        "wrong_codes",
        "awaiting",
        "continue_to",
        "brief_minute",
        "quiet_from",
        "quiet_until",
    )
}


def _change(session: Session, account_id: int, **values: object) -> None:
    session.exec(sa.update(Account).where(col(Account.id) == account_id).values(**values))


def remember_card(session: Session, account_id: int, message_id: int | None) -> None:
    """Note which message is the one card of this private chat."""
    _change(session, account_id, card_message_id=message_id)


def await_text(session: Session, account_id: int, what: str, *, now: datetime) -> None:
    """The next text this person types answers ``what``; it lapses after twelve hours."""
    until = now + AWAITED_FOR if what else None
    _change(session, account_id, awaiting=what, awaiting_until=until)


def go_on_to(session: Session, account_id: int, payload: str) -> None:
    """Note where a deep link was going while linking came between."""
    _change(session, account_id, continue_to=payload)


def opened_private_chat(session: Session, account_id: int) -> None:
    """The person has written in private, so they can be written to (again)."""
    session.exec(
        sa.update(Account)
        .where(col(Account.id) == account_id, ~col(Account.reachable))
        .values(reachable=True, unreachable_since=None)
    )


def blocked(session: Session, tg_user_id: int, *, now: datetime) -> None:
    """The person has blocked the bot: unreachable until they come back."""
    session.exec(
        sa.update(Account)
        .where(col(Account.tg_user_id) == tg_user_id, col(Account.reachable))
        .values(reachable=False, unreachable_since=now)
    )


@dataclass(frozen=True)
class Settings:
    """What a person has set; minutes count from local midnight."""

    language: str
    brief_minute: int
    quiet_from: int
    quiet_until: int


def settings(session: Session, account_id: int) -> Settings:
    """Return what this person has set."""
    account = session.get_one(Account, account_id)
    return Settings(account.language, account.brief_minute, account.quiet_from, account.quiet_until)


def choose_language(session: Session, account_id: int, language: str) -> None:
    """Speak this language to this person from now on."""
    _change(session, account_id, language=language, language_chosen=True)


def choose_brief(session: Session, account_id: int, minute: int) -> None:
    """Send the daily brief at this minute; the window widens when it lies outside."""
    account = session.get_one(Account, account_id)
    minute = max(EARLIEST, min(LATEST - 1, minute))
    _change(
        session,
        account_id,
        brief_minute=minute,
        quiet_until=min(account.quiet_until, minute),
        quiet_from=account.quiet_from
        if account.quiet_from > minute
        else min(minute + BESIDE, LATEST),
    )


def choose_quiet(session: Session, account_id: int, starts: int, ends: int) -> None:
    """Keep quiet from ``starts`` in the evening until ``ends`` in the morning.

    The night from 21:00 to 7:30 is always quiet. The brief moves inside what is left.
    """
    starts, ends = min(starts, LATEST), max(ends, EARLIEST)
    if starts - ends < 60:
        raise WindowTooShort
    account = session.get_one(Account, account_id)
    _change(
        session,
        account_id,
        quiet_from=starts,
        quiet_until=ends,
        brief_minute=account.brief_minute
        if ends <= account.brief_minute < starts
        else max(ends, min(starts - BESIDE, account.brief_minute)),
    )


@dataclass(frozen=True)
class Profile:
    """What a teacher sees of their own entry on the roster."""

    teacher_id: int
    staff_no: str
    name: str
    school: str
    unit_id: int | None
    stage: str
    subjects: tuple[str, ...]


def profile(session: Session, teacher_id: int) -> Profile:
    """Return the teacher's own entry, with the posting of today."""
    teacher = session.get_one(Teacher, teacher_id)
    row = session.exec(
        select(Posting, OrgUnit)
        .join(OrgUnit, col(OrgUnit.id) == col(Posting.unit_id))
        .where(
            Posting.teacher_id == teacher_id, col(Posting.is_primary), col(Posting.until).is_(None)
        )
        .order_by(col(Posting.since).desc())
    ).first()
    posting, unit = row or (None, None)
    return Profile(
        teacher_id=teacher_id,
        staff_no=teacher.staff_no,
        name=teacher.name,
        school=unit.name if unit else "",
        unit_id=unit.id if unit else None,
        stage=posting.stage if posting else "",
        subjects=tuple(posting.subjects) if posting else (),
    )


def unlink(session: Session, account_id: int, *, now: datetime) -> None:
    """Take the account off its teacher, at the person's own wish. Asking twice is no error.

    What was set goes back to how it began; only the language stays, to answer in. What is
    waiting for the teacher goes to wherever they link next; what was for this account as
    such is not said any more.
    """
    account = session.get_one(Account, account_id, with_for_update=True, populate_existing=True)
    if account.teacher_id is None:
        return
    audit.record(
        session, account.teacher_id, "unlink", f"account:{account_id}", now=now, reason="own wish"
    )
    _change(
        session,
        account_id,
        teacher_id=None,
        linked_at=None,
        linked_by=None,
        unlinked_at=now,
        consent_at=None,
        awaiting_until=None,
        **{name: _DEFAULTS[name] for name in _RESET},
    )
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.account_id) == account_id,
            col(OutboxMessage.teacher_id).is_(None),
            col(OutboxMessage.state) == OutboxState.PENDING,
        )
        .values(state=OutboxState.SKIPPED, fault="unlinked")
    )
    # What somebody was filling in is not for whoever links next.
    session.exec(sa.delete(Draft).where(col(Draft.account_id) == account_id))


_RESET = ("awaiting", "continue_to", "brief_minute", "quiet_from", "quiet_until")


def erase_unlinked(session: Session, *, now: datetime) -> int:
    """Erase accounts that have been nobody's for thirty days, with all that was said to them.

    Counted from unlinking, or from the first message where linking never followed
    (domain/8-messages.md §8.2). What a teacher has earned and done hangs on the roster's
    teacher, not on the account, and stays. Returns how many were erased; erasing again
    erases none. Somebody who writes once more is simply met anew.
    """
    since = now - KEPT_UNLINKED
    busy = col(Account.awaiting_until), col(Account.link_locked_until)
    gone = session.exec(
        select(Account.id)
        .where(
            col(Account.teacher_id).is_(None),
            sa.func.coalesce(col(Account.unlinked_at), col(Account.started_at)) <= since,
            # Not in the middle of a talk, nor while a lock on guessing codes holds.
            *(sa.or_(until.is_(None), until <= now) for until in busy),
            # In hand at this moment: the next run takes it.
            ~sa.exists().where(
                col(OutboxMessage.account_id) == col(Account.id),
                col(OutboxMessage.state) == OutboxState.SENDING,
            ),
        )
        .order_by(col(Account.id))
        .limit(ERASED_AT_ONCE)
        # Whoever links at this moment is not erased under their hands.
        .with_for_update(skip_locked=True)
    ).all()
    if not gone:
        return 0
    for table in (OutboxMessage, Hold, Draft):
        session.exec(sa.delete(table).where(col(table.account_id).in_(gone)))
    session.exec(sa.delete(Account).where(col(Account.id).in_(gone)))
    return len(gone)
