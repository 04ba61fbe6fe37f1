"""The second person: an urgent notice goes out in quiet hours when somebody else agrees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.messaging import audiences, drafting, notices, outbox, tending
from storage.messaging.audiences import Count
from storage.messaging.drafting import SHORT, Incomplete, TooLong
from storage.messaging.notices import Letter
from storage.messaging.tables import Notice, NoticeState, Priority
from storage.people import authority, offices, units
from storage.people.authority import MAY, OVERSEES, Act
from storage.people.tables import Account, RoleAssignment, Teacher
from storage.refusals import OwnCase, Refusal
from storage.waiting_for import Waiting


class NoSecond(Refusal):
    """There is nobody else who could approve it now; ``opens`` is when it can go by itself."""

    def __init__(self, opens: datetime) -> None:
        super().__init__("nobody else may approve it")
        self.opens = opens


@dataclass(frozen=True)
class Asked:
    """An urgent notice that waits for a second person."""

    letter: Letter
    author: str
    count: Count
    opens: datetime
    """When it goes without anybody's word."""
    stamp: int


def seconds(
    session: Session, unit_id: int, *, but: int, today: date, above: bool = False
) -> list[int]:
    """Return who else may notify this unit: those who tend it, or where nobody else does (or
    with ``above``) those who look at it from above."""
    held = [role for role, acts in MAY.items() if Act.NOTIFY_UNIT in acts]
    candidates = session.exec(
        select(RoleAssignment.teacher_id)
        .distinct()
        .join(Account, col(Account.teacher_id) == col(RoleAssignment.teacher_id))
        .where(
            col(RoleAssignment.role).in_(held),
            authority.runs(today),
            RoleAssignment.teacher_id != but,
            col(Account.reachable),
            sa.or_(
                col(RoleAssignment.role).in_(OVERSEES),
                col(RoleAssignment.scope_id).in_(units.with_all_above(session, [unit_id])),
            ),
        )
        .order_by(col(RoleAssignment.teacher_id))
    ).all()
    may = [
        each
        for each in candidates
        if authority.may(session, each, Act.NOTIFY_UNIT, unit_id, today=today)
    ]
    tending = [
        each
        for each in may
        if authority.may(session, each, Act.NOTIFY_UNIT, unit_id, today=today, own=True)
    ]
    if above:
        return [each for each in may if each not in tending] or tending
    return tending or may


def ask(session: Session, notice: Notice, *, now: datetime, today: date) -> None:
    """Ask somebody else with the right; it is not theirs to be left waiting till morning."""
    assert notice.send_at is not None
    others = seconds(session, notice.unit_id, but=notice.author_id, today=today)
    if not others:
        raise NoSecond(notice.send_at)
    # Each asking is another one, however soon it follows: the text may be another, too.
    last = notice.asked_second_at
    notice.asked_second_at = now if last is None else max(now, last + timedelta(seconds=1))
    notice.state = NoticeState.AWAITING
    for teacher_id in others:
        outbox.put(
            session,
            "notice_second",
            teacher_id=teacher_id,
            facts={"notice_id": notice.id, "asked": stamp(notice)},
            priority=Priority.URGENT,
            not_before=now,
            useful_until=notice.send_at,
            dedupe_key=f"notice_second:{notice.id}:{stamp(notice)}:{teacher_id}",
            now=now,
        )


def names(session: Session, notice: Notice, *, but: int, now: datetime) -> tuple[str, ...]:
    """Return who is asked for this notice, or would be, where ``but`` sends it."""
    others = seconds(session, notice.unit_id, but=but, today=offices.today(session, now))
    return tuple(
        session.exec(
            select(Teacher.name).where(col(Teacher.id).in_(others)).order_by(col(Teacher.id))
        ).all()
    )


def asked_of(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> tuple[str, ...]:
    """Return whose word a notice waits for. Raises NotFound, NotAllowed."""
    notice = notices.access(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING:
        return ()
    return names(session, notice, but=notice.author_id, now=now)


def stamp(notice: Notice) -> int:
    """Return which asking of a second person this is: the text cannot change under it."""
    return 0 if notice.asked_second_at is None else int(notice.asked_second_at.timestamp())


def second_look(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Asked | None:
    """Return what is to be approved, or None when nothing is any more.

    Raises NotAllowed, and OwnCase for its author.
    """
    notice = _second(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING or notice.send_at is None:
        return None
    author = session.exec(select(Teacher.name).where(Teacher.id == notice.author_id)).one()
    number = audiences.count(
        session, notice.author_id, notice.audience, today=offices.today(session, now)
    )
    return Asked(notices.letter_of(session, notice), author, number, notice.send_at, stamp(notice))


def _second(session: Session, actor_id: int, notice_id: int, *, now: datetime) -> Notice:
    notice = tending.get(session, notice_id, for_change=True)
    authority.check(
        session, actor_id, Act.NOTIFY_UNIT, notice.unit_id, today=offices.today(session, now)
    )
    if notice.author_id == actor_id:
        raise OwnCase
    return notice


def approve(session: Session, actor_id: int, notice_id: int, seen: int, *, now: datetime) -> bool:
    """Let an urgent notice go out at once, in quiet hours; ``seen`` is the asking that was read.

    False when there is nothing to approve any more; saying it twice is the same as once.
    """
    notice = _second(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING or stamp(notice) != seen:
        return notice.approved_by == actor_id
    notice.state, notice.send_at = NoticeState.SCHEDULED, now
    notice.approved_by, notice.approved_at = actor_id, now
    audit.record(session, actor_id, "approve_notice", f"notice:{notice.id}", now=now)
    _tell_author(session, notice, actor_id, {"approved": True}, now=now)
    session.flush()
    return True


def give_back(
    session: Session, actor_id: int, notice_id: int, seen: int, reason: str, *, now: datetime
) -> bool:
    """Return an urgent notice to its author with a reason; False when nothing waits any more."""
    notice = _second(session, actor_id, notice_id, now=now)
    if notice.state is not NoticeState.AWAITING or stamp(notice) != seen:
        return False
    reason = " ".join(reason.split())
    if not reason:
        raise Incomplete("reason")
    if drafting.length(reason) > SHORT:
        raise TooLong("reason", SHORT)
    drafting.to_draft(session, notice, reason)
    audit.record(session, actor_id, "return_notice", f"notice:{notice.id}", now=now, reason=reason)
    _tell_author(session, notice, actor_id, {"approved": False, "reason": reason}, now=now)
    session.flush()
    return True


def _tell_author(
    session: Session, notice: Notice, by_id: int, facts: dict[str, Any], *, now: datetime
) -> None:
    by = _name(session, by_id)
    outbox.put(
        session,
        "notice_answered",
        teacher_id=notice.author_id,
        facts={"notice_id": notice.id, "title": notice.title, "by": by, **facts},
        priority=Priority.OFFER,
        not_before=now,
        dedupe_key=f"notice_answered:{notice.id}:{now.isoformat()}",
        now=now,
        # Whoever asked at this hour is waiting for the answer.
        rings=False,
    )


def tell_recalled(
    session: Session, notice: Notice, agreed: int, asking: int, *, by_id: int, now: datetime
) -> None:
    """Tell who has agreed to this asking that the notice does not go out after all."""
    outbox.put(
        session,
        "notice_stopped",
        teacher_id=agreed,
        facts={
            "notice_id": notice.id,
            "title": notice.title,
            "why": "recalled",
            "author": _name(session, by_id),
        },
        priority=Priority.OFFER,
        not_before=now,
        dedupe_key=f"notice_stopped:{notice.id}:recalled:{asking}:{agreed}",
        now=now,
        # Whoever agreed at this hour believes it to be out.
        rings=False,
    )


def _name(session: Session, teacher_id: int) -> str:
    return session.exec(select(Teacher.name).where(Teacher.id == teacher_id)).first() or ""


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Return how many urgent notices wait for this person's word."""
    reach = authority.reaches(
        session, actor_id, Act.NOTIFY_UNIT, today=offices.today(session, now)
    ).subquery()
    number = session.exec(
        select(sa.func.count())
        .select_from(Notice)
        .where(
            Notice.state == NoticeState.AWAITING,
            Notice.author_id != actor_id,
            col(Notice.unit_id).in_(sa.select(reach.c.id)),
        )
    ).one()
    return (Waiting("notices", number),)
