"""Correcting and withdrawing a notice that has left.

A correction changes what everybody sees, in place and silently. It rings only if the time, the
place or the duty is another one (domain, messages 8.7). What it takes to tell everybody is
done in bounded steps afterwards: ``NoticeRecipient.revision`` says what each has been told, so
nothing is said twice, and who has not been told the first version simply gets the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.audit import AuditLog
from storage.deeds import ChangedSince
from storage.messaging import (
    confirming,
    deadlines,
    notice_posts,
    outbox,
    relays,
    tending,
    unconfirmed,
)
from storage.messaging.confirming import CORRECTED, EDIT
from storage.messaging.tables import (
    Chat,
    News,
    Notice,
    NoticePost,
    NoticeRecipient,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.messaging.unconfirmed import KIND, OUT
from storage.moments import local_day
from storage.people import offices
from storage.people.tables import Account
from storage.refusals import Refusal

ACT = "correct_notice"
LONGEST = {"title": 200, "text": 3000, "number": 80, "place": 200, "contact": 200}
GIVEN = 300  # characters of a former and a new wording that a correction quotes


class What(StrEnum):
    """A part of a notice that can be corrected, by the name of its column."""

    TITLE = "title"
    TEXT = "text"
    NUMBER = "number"
    HAPPENS_AT = "happens_at"
    PLACE = "place"
    CONTACT = "contact"
    ANSWER_BY = "answer_by"


MOMENTS = (What.HAPPENS_AT, What.ANSWER_BY)
MUST = (What.TITLE, What.TEXT)
RING = (What.HAPPENS_AT, What.PLACE, What.ANSWER_BY)
"""Whoever was told another time, place or date is told anew; of other parts only if they
change a duty, which their author says."""

AGAIN = (What.HAPPENS_AT, What.PLACE)
"""Of these, and of a duty, whoever has confirmed what it was is asked to confirm once more."""

Value = str | datetime | None


class NotOut(Refusal):
    """The notice has not left yet, or is withdrawn: there is nothing to correct."""


class NothingChanges(Refusal):
    """The notice says so already."""


class NotLikeThat(Refusal):
    """The new wording is empty or too long, or the moment is over."""

    def __init__(self, most: int = 0) -> None:
        super().__init__(f"not like that; at most {most}")
        self.most = most


@dataclass(frozen=True)
class Impact:
    """What a correction would do: whom it edits and whom it rings; in persons."""

    notice_id: int
    title: str
    what: What
    old: Value
    new: Value
    old_ends: datetime | None
    new_ends: datetime | None
    """When it ends, before and after, where it is the time that is corrected."""
    revision: int
    """The version that is corrected; it is given back when the correction is made."""
    told: int
    """Have the notice in hand; it is edited."""
    waiting: int
    """Get the new version as their first."""
    places: int
    rings: bool
    again: int
    """Have confirmed, and are asked to confirm once more."""


@dataclass(frozen=True)
class Correction:
    """One part of a notice that was corrected, as it is told."""

    what: What
    old: Value
    new: Value


def parts(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> dict[What, Value]:
    """Return what the notice says now, by part. Raises NotFound, NotAllowed or NotOut."""
    notice = _out(session, actor_id, notice_id, now=now)
    return {what: getattr(notice, what.value) for what in What}


def impact(
    session: Session,
    actor_id: int,
    notice_id: int,
    what: What,
    value: Value,
    *,
    ends: datetime | None = None,
    duty: bool = False,
    now: datetime,
) -> Impact:
    """Return what this correction would do. Raises as ``correct``."""
    notice = _out(session, actor_id, notice_id, now=now)
    new = _checked(notice, what, value, now, ends)
    told, waiting = session.exec(
        sa.select(  # type: ignore[call-overload]
            sa.func.coalesce(sa.func.sum(sa.case((_IS_TOLD, 1), else_=0)), 0),
            sa.func.coalesce(
                sa.func.sum(sa.case((col(OutboxMessage.state) == OutboxState.PENDING, 1), else_=0)),
                0,
            ),
        )
        .select_from(NoticeRecipient)
        .outerjoin(OutboxMessage, col(OutboxMessage.id) == col(NoticeRecipient.outbox_id))
        .where(col(NoticeRecipient.notice_id) == notice_id)
    ).one()
    places = session.exec(
        select(sa.func.count())
        .select_from(NoticePost)
        .where(NoticePost.notice_id == notice_id, col(NoticePost.message_id).is_not(None))
    ).one()
    confirmed = session.exec(
        select(sa.func.count(col(NoticeRecipient.confirmed_at))).where(
            NoticeRecipient.notice_id == notice_id
        )
    ).one()
    return Impact(
        notice_id=notice_id,
        title=notice.title,
        what=what,
        old=getattr(notice, what.value),
        new=new,
        old_ends=notice.happens_until if what is What.HAPPENS_AT else None,
        new_ends=_ends(notice, what, new, ends),
        revision=notice.revision,
        told=int(told),
        waiting=int(waiting),
        places=places,
        rings=duty or what in RING,
        again=confirmed if _asks_again(notice, what, duty=duty) else 0,
    )


def _asks_again(notice: Notice, what: What, *, duty: bool) -> bool:
    return notice.wants_answer and (duty or what in AGAIN)


def correct(
    session: Session,
    actor_id: int,
    notice_id: int,
    what: What,
    value: Value,
    *,
    ends: datetime | None = None,
    duty: bool = False,
    seen: int | None = None,
    now: datetime,
) -> bool:
    """Make the correction; False when a second tap finds it made.

    Of a time, ``ends`` is when it ends; without it what happens takes as long as before.
    ``seen`` is the version that the author looked at: ChangedSince is raised if it is another
    one now. Raises NotFound, NotAllowed, NotOut, NothingChanges or NotLikeThat, too.
    """
    notice = _out(session, actor_id, notice_id, now=now)
    if seen is not None and notice.revision != seen:
        if _same(getattr(notice, what.value), value) and ends in (None, notice.happens_until):
            return False
        raise ChangedSince(notice.title)
    new = _checked(notice, what, value, now, ends)
    old = getattr(notice, what.value)
    rings = duty or what in RING
    if what is What.HAPPENS_AT:
        notice.happens_until = _ends(notice, what, new, ends)
    setattr(notice, what.value, new)
    notice.revision += 1
    if rings:
        notice.ring_revision = notice.revision
    session.add(notice)
    session.flush()
    audit.record(
        session,
        actor_id,
        ACT,
        f"notice:{notice_id}",
        now=now,
        before={what.value: _plain(old)},
        after={what.value: _plain(new), "revision": notice.revision, "rings": rings},
    )
    session.flush()
    if what is What.ANSWER_BY and notice.wants_answer:
        if isinstance(new, datetime):
            deadlines.set_deadline(session, KIND, notice_id, new, now=now)
        else:
            deadlines.cancel_deadline(session, KIND, notice_id, now=now)
    if _asks_again(notice, what, duty=duty):
        unconfirmed.ask_again(session, notice_id)
    _to_be_told_anew(session, notice)
    if rings:
        _tell_groups(session, notice, now)
    return True


def withdraw(
    session: Session, actor_id: int, notice_id: int, reason: str, *, now: datetime
) -> bool:
    """Take the notice back for good: nothing more of it goes out, what is out is struck.

    False when it is withdrawn already. Raises NotFound, NotAllowed, NotLikeThat without a
    reason, NotOut for a draft.
    """
    today = local_day(now, offices.zone(session))
    notice = tending.whole(session, actor_id, notice_id, today=today)
    if notice.state is NoticeState.WITHDRAWN:
        return False
    if notice.state is NoticeState.DRAFT:
        raise NotOut
    said = reason.strip()[: LONGEST["place"]]
    if not said:
        raise NotLikeThat(LONGEST["place"])
    notice.state = NoticeState.WITHDRAWN
    notice.withdrawn_at = now
    notice.reason = said
    notice.revision += 1
    session.add(notice)
    session.flush()
    session.exec(
        sa.update(OutboxMessage)
        .where(
            col(OutboxMessage.state) == OutboxState.PENDING,
            sa.or_(
                col(OutboxMessage.id).in_(
                    sa.select(col(NoticeRecipient.outbox_id)).where(
                        col(NoticeRecipient.notice_id) == notice_id
                    )
                ),
                col(OutboxMessage.stream) == notice_id,
            ),
            col(OutboxMessage.kind).in_(OF_A_NOTICE),
        )
        .values(state=OutboxState.SKIPPED, fault="withdrawn")
    )
    session.exec(
        sa.delete(News).where(
            col(News.kind) == outbox.NOTICE,
            col(News.subject_id) == notice_id,
            col(News.told_at).is_(None),
        )
    )
    deadlines.cancel_deadline(session, KIND, notice_id, now=now)
    _to_be_told_anew(session, notice)
    _announce(session, notice, now)
    audit.record(session, actor_id, "withdraw_notice", f"notice:{notice_id}", now=now, reason=said)
    return True


OF_A_NOTICE = (
    outbox.NOTICE,
    EDIT,
    CORRECTED,
    notice_posts.KIND,
    confirming.URGE,
    confirming.LIST,
)
"""What of a notice waits in the outbox and is not said once it is withdrawn."""

_IS_TOLD = col(OutboxMessage.state).in_([OutboxState.SENT, OutboxState.SENDING])
_SAW_IT_IN_A_GROUP = sa.and_(
    col(OutboxMessage.state) == OutboxState.SKIPPED, unconfirmed.overtaken()
)
"""They had confirmed there before it came to them in private, so it was not sent."""


def _to_be_told_anew(session: Session, notice: Notice) -> None:
    """Whoever has nothing in hand yet gets this version as their first."""
    has_it = sa.or_(
        sa.exists().where(
            col(OutboxMessage.id) == col(NoticeRecipient.outbox_id),
            sa.or_(_IS_TOLD, _SAW_IT_IN_A_GROUP),
        ),
        tending.told_in_brief(),
    )
    session.exec(
        sa.update(NoticeRecipient)
        .where(col(NoticeRecipient.notice_id) == notice.id, ~has_it)
        .values(revision=notice.revision)
    )
    notice_posts.look_again(session, notice.id)


def spread(session: Session, *, now: datetime, chunk: int = 5_000) -> bool:
    """Tell the next of those who have an older version in hand; whether there may be more.

    Everybody's message is edited, without a ring; who was told before a change that matters
    gets a message of its own, in their hours.
    """
    due: Any = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(NoticeRecipient.id),
            col(NoticeRecipient.notice_id),
            col(NoticeRecipient.revision),
            col(Notice.revision).label("now"),
            col(Notice.ring_revision),
            col(Notice.state),
            col(Notice.urgent),
        )
        .join(Notice, col(Notice.id) == col(NoticeRecipient.notice_id))
        .outerjoin(OutboxMessage, col(OutboxMessage.id) == col(NoticeRecipient.outbox_id))
        .where(
            col(Notice.revision) > 0,
            col(Notice.state).in_((*OUT, NoticeState.WITHDRAWN)),
            col(NoticeRecipient.revision) < col(Notice.revision),
            sa.or_(
                col(OutboxMessage.state) == OutboxState.SENT,
                _SAW_IT_IN_A_GROUP,
                sa.and_(col(NoticeRecipient.outbox_id).is_(None), tending.told_in_brief()),
            ),
        )
        .order_by(col(NoticeRecipient.id))
        .limit(chunk)
        .with_for_update(skip_locked=True, of=NoticeRecipient)
    ).all()
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row in due:
        groups.setdefault(tuple(row)[1:], []).append(row.id)
    for (notice_id, told, revision, ring, state, urgent), ids in groups.items():
        facts = {"notice_id": notice_id, "since": told, "revision": revision}
        _put(session, ids, EDIT, facts, Priority.CARD, now, rings=False)
        if told < ring and state is not NoticeState.WITHDRAWN:
            priority = Priority.OFFER if urgent else Priority.CARD
            _put(session, ids, CORRECTED, facts, priority, now, rings=True)
        session.exec(
            sa.update(NoticeRecipient)
            .where(col(NoticeRecipient.id).in_(ids))
            .values(revision=revision)
        )
    return len(due) == chunk


def _put(
    session: Session,
    recipients: list[int],
    kind: str,
    facts: dict[str, Any],
    priority: int,
    now: datetime,
    *,
    rings: bool,
) -> None:
    """Queue the same for each of these recipients who can be written to."""
    outbox.put_all(
        session,
        kind,
        sa.select(col(NoticeRecipient.teacher_id))
        .join(Account, col(Account.teacher_id) == col(NoticeRecipient.teacher_id))
        .where(col(NoticeRecipient.id).in_(recipients), col(Account.reachable)),
        facts=facts,
        priority=priority,
        not_before=now,
        key=f"{kind}:{facts['notice_id']}:r{facts['revision']}:",
        now=now,
        rings=rings,
        stream=facts["notice_id"],
    )


def _tell_groups(session: Session, notice: Notice, now: datetime) -> None:
    """Say the correction in the places where the notice stands."""
    places = session.exec(
        select(NoticePost.chat_id)
        .join(Chat, col(Chat.id) == col(NoticePost.chat_id))
        .where(
            NoticePost.notice_id == notice.id,
            col(NoticePost.message_id).is_not(None),
            col(Chat.active),
            ~col(Chat.closed),
        )
    ).all()
    for chat_id in places:
        outbox.put(
            session,
            CORRECTED,
            chat_id=chat_id,
            facts={
                "notice_id": notice.id,
                "since": notice.revision - 1,
                "revision": notice.revision,
            },
            priority=Priority.OFFER if notice.urgent else Priority.CARD,
            not_before=now,
            dedupe_key=f"{CORRECTED}:{notice.id}:r{notice.revision}:chat{chat_id}",
            now=now,
            stream=notice.id,
        )
    _announce(session, notice, now)


def _announce(session: Session, notice: Notice, now: datetime) -> None:
    """Say it, or that the notice is withdrawn, through the channels that have had the notice."""
    facts = {"notice_id": notice.id, "since": notice.revision - 1, "revision": notice.revision}
    known = relays.announced(session, f"{notice_posts.KIND}:{notice.id}", sent=True)
    name = f"{CORRECTED}:{notice.id}:r{notice.revision}"
    relays.announce(session, known, CORRECTED, facts, name=name, now=now)


def told_in(session: Session, account_id: int, message_id: int) -> dict[str, Any] | None:
    """Return of what a message in somebody's private chat has told the correction, if it has."""
    facts = session.exec(
        select(OutboxMessage.facts).where(
            OutboxMessage.account_id == account_id,
            OutboxMessage.message_id == message_id,
            OutboxMessage.kind == CORRECTED,
            OutboxMessage.state == OutboxState.SENT,
        )
    ).first()
    return None if facts is None else dict(facts)


def corrections(
    session: Session, notice_id: int, *, since: int, until: int
) -> tuple[Correction, ...]:
    """Return what was corrected, and worth a ring, after one version up to another.

    Of several corrections of one part only the whole way from the first to the last is said.
    """
    rows = session.exec(
        select(AuditLog)
        .where(AuditLog.thing == f"notice:{notice_id}", AuditLog.action == ACT)
        .order_by(col(AuditLog.id))
    ).all()
    found: dict[What, Correction] = {}
    for row in rows:
        before, after = row.before or {}, row.after or {}
        if not after.get("rings") or not since < after["revision"] <= until:
            continue
        what = What(next(iter(before)))
        old, new = _value(what, before[what]), _value(what, after[what])
        found[what] = Correction(what, found[what].old if what in found else old, new)
    return tuple(one for one in found.values() if not _same(one.old, one.new))


def _out(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Notice:
    today = local_day(now, offices.zone(session))
    notice = tending.whole(session, actor_id, notice_id, today=today)
    if notice.state not in OUT:
        raise NotOut
    return notice


def _ends(notice: Notice, what: What, new: Value, ends: datetime | None) -> datetime | None:
    """When it ends once it is corrected: as is said, or after as long as before."""
    if what is not What.HAPPENS_AT or not isinstance(new, datetime):
        return None
    if ends is not None:
        return ends
    if notice.happens_at is None or notice.happens_until is None:
        return None
    return new + (notice.happens_until - notice.happens_at)


def _checked(
    notice: Notice, what: What, value: Value, now: datetime, ends: datetime | None
) -> Value:
    if what in MOMENTS:
        if isinstance(value, str) or (isinstance(value, datetime) and value <= now):
            raise NotLikeThat
        new: Value = value
    else:
        new = value.strip() if isinstance(value, str) else ""
        if (not new and what in MUST) or len(new) > LONGEST[what]:
            raise NotLikeThat(LONGEST[what])
    is_as_long = ends is None or ends == notice.happens_until
    if _same(getattr(notice, what.value), new) and is_as_long:
        raise NothingChanges
    return new


def _same(old: Value, new: Value) -> bool:
    if isinstance(new, str) and isinstance(old, str):
        return old.strip() == new.strip()
    return old == new


def _plain(value: Value) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value


def _value(what: What, kept: str | None) -> Value:
    return datetime.fromisoformat(kept) if what in MOMENTS and kept else kept
