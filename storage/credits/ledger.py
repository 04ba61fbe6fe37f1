"""The ledger of hours: lines are added, confirmed, posted and mirrored, never changed.

Balance, caps and categories are a way of reading it (``storage.credits.balance``). A line is
known by teacher, source and rule, so posting the same thing again returns what already is.
What was posted wrongly is reversed by a line that mirrors it exactly; both are then marked as
reversed, so the sum over posted lines and the sum over all lines ever posted agree.

Who may do this to whose hours is asked before, by whoever calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.credits import profiles
from storage.credits.hours import rounded
from storage.credits.tables import CreditEntry, EntryState
from storage.inserting import insert_new
from storage.messaging.tables import News
from storage.moments import local_day
from storage.people.tables import Office
from storage.refusals import NotFound, Refusal
from storage.training.tables import Batch, Level, Programme, Registration, RegistrationState

NEWS_POSTED = "credit_posted"
NEWS_REVERSED = "credit_reversed"
REVERSAL = "reversal"
CORRECTION = "correction"
COMPLETED = "programme_completed"
NOT_COMPLETED = "programme_not_completed"
CHUNK = 2_000  # lines in one statement

OPEN = (EntryState.PENDING, EntryState.SCHOOL_CONFIRMED)
"""States in which a line still waits to be posted."""


class WrongEntryState(Refusal):
    """A line of the ledger is not in a state that allows this."""

    def __init__(self, entry_id: int, state: EntryState) -> None:
        super().__init__(f"entry {entry_id} is {state}")
        self.entry_id = entry_id
        self.state = state


class LedgerChanged(RuntimeError):
    """A fault of ours: something tried to change or delete a posted line."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be entered; ``hours`` are training hours, rounded to a tenth."""

    teacher_id: int
    earned_on: date
    level: str
    category: str
    hours: Decimal
    title: str
    source_kind: str
    source_id: int
    mode: str = ""
    rule: str = COMPLETED
    rule_version: str = ""
    dedupe_group: str = ""
    evidence: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    id: int
    teacher_id: int
    earned_on: date
    level: str
    category: str
    hours: Decimal
    title: str
    source_kind: str
    source_id: int
    mode: str
    rule: str
    rule_version: str
    dedupe_group: str
    evidence: str
    state: EntryState
    reverses_id: int | None
    posted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Posted:
    """What posting many lines came to: how many are new, how many were there already."""

    new: int
    already: int


def post(session: Session, line: NewEntry, *, actor_id: int | None, now: datetime) -> Entry:
    """Post the line, or return the one that is there.

    A line that was only pending becomes posted as it is now given. A line that was reversed
    stays so: ``correct`` says what is right instead.
    """
    values = _columns(line, EntryState.POSTED, now)
    row, is_new = _added(session, values)
    if not is_new:
        if row.state not in OPEN:
            return _entry(row)
        for name, value in values.items():
            setattr(row, name, value)
        session.flush()
    _tell(session, [row.id], NEWS_POSTED, now)
    audit.record(
        session, actor_id, "credit_post", f"credit_entry:{row.id}", now=now, after=_plain(row)
    )
    return _entry(row)


def pending(session: Session, line: NewEntry, *, actor_id: int | None, now: datetime) -> Entry:
    """Enter a line that has yet to be confirmed; it is shown apart and earns nothing so far."""
    row, is_new = _added(session, _columns(line, EntryState.PENDING, None))
    if is_new:
        audit.record(
            session, actor_id, "credit_enter", f"credit_entry:{row.id}", now=now, after=_plain(row)
        )
    return _entry(row)


def post_many(
    session: Session,
    lines: Sequence[NewEntry],
    *,
    actor_id: int | None,
    now: datetime,
    state: EntryState = EntryState.POSTED,
) -> Posted:
    """Enter many lines at once, such as a whole batch; those that are there stay as they are.

    ``state`` is POSTED, or PENDING for what the school has yet to confirm. Posting turns lines
    of the same source that were pending into posted ones, with the hours that are now given.
    """
    if state not in (EntryState.POSTED, EntryState.PENDING):
        raise ValueError(f"lines are entered as posted or pending, not {state}")
    posted_at = now if state is EntryState.POSTED else None
    new: list[int] = []
    for at in range(0, len(lines), CHUNK):
        rows = [_columns(line, state, posted_at) for line in lines[at : at + CHUNK]]
        insert = insert_new(session, CreditEntry).returning(CreditEntry.id)
        new += session.exec(insert, params=rows).scalars()
        if state is EntryState.POSTED:
            new += _posted_now(session, rows)
    if state is EntryState.POSTED:
        _tell(session, new, NEWS_POSTED, now)
    for source in sorted({(line.source_kind, line.source_id) for line in lines}) if new else ():
        audit.record(
            session,
            actor_id,
            "credit_post_many" if posted_at else "credit_enter_many",
            f"{source[0]}:{source[1]}",
            now=now,
            after={"lines": len(new), "rule_version": lines[0].rule_version},
        )
    return Posted(len(new), len(lines) - len(new))


def post_batch(session: Session, batch_id: int, *, actor_id: int | None, now: datetime) -> Posted:
    """Enter the hours of everybody who completed the batch.

    County level and above is posted at once; school-based hours wait for the school
    (domain/4-credit-rules.md §4.3, posting workflow). Who did not complete gets the share
    that the profile allows, if any, and loses it again on completing after all.
    """
    found = session.exec(
        select(Batch, Programme)
        .join(Programme, col(Programme.id) == Batch.programme_id)
        .where(Batch.id == batch_id)
    ).first()
    if found is None:
        raise NotFound("batch")
    batch, programme = found
    office = session.exec(select(Office)).one()
    profile = profiles.current(session, office.credit_profile)
    people = session.exec(
        select(Registration.teacher_id, Registration.state).where(
            Registration.batch_id == batch_id,
            col(Registration.state).in_(
                [RegistrationState.COMPLETED, RegistrationState.NOT_COMPLETED]
            ),
        )
    ).all()
    whole = NewEntry(
        teacher_id=0,
        earned_on=local_day(batch.ends_at, ZoneInfo(office.timezone)),
        level=programme.level,
        category=programme.category,
        hours=programme.planned_hours,
        title=programme.title,
        source_kind="batch",
        source_id=batch_id,
        mode=programme.mode,
        rule_version=profile.name,
        dedupe_group=f"programme:{programme.id}",
    )
    share = rounded(programme.planned_hours * profile.failed.factor)
    part = replace(whole, hours=share, rule=NOT_COMPLETED)
    completed = [who for who, state in people if state is RegistrationState.COMPLETED]
    lines = [replace(whole, teacher_id=who) for who in completed]
    if share:
        done = set(completed)
        lines += [replace(part, teacher_id=who) for who, _ in people if who not in done]
        for entry_id, teacher_id in session.exec(
            select(CreditEntry.id, CreditEntry.teacher_id).where(
                CreditEntry.source_kind == "batch",
                CreditEntry.source_id == batch_id,
                CreditEntry.rule == NOT_COMPLETED,
                CreditEntry.state == EntryState.POSTED,
            )
        ).all():
            if teacher_id not in done:
                continue
            reverse(session, entry_id, "completed after all", actor_id=actor_id, now=now)
    state = EntryState.PENDING if programme.level is Level.SCHOOL else EntryState.POSTED
    return post_many(session, lines, actor_id=actor_id, now=now, state=state)


def confirm(session: Session, entry_id: int, *, actor_id: int | None, now: datetime) -> Entry:
    """The school says that a pending line is right."""
    row = _moved(
        session,
        entry_id,
        {EntryState.PENDING},
        EntryState.SCHOOL_CONFIRMED,
        actor_id=actor_id,
        now=now,
    )
    return _entry(row)


def release(session: Session, entry_id: int, *, actor_id: int | None, now: datetime) -> Entry:
    """Post a line that was pending or confirmed by the school."""
    row = _locked(session, entry_id)
    if row.state is not EntryState.POSTED:
        _moved(session, entry_id, set(OPEN), EntryState.POSTED, actor_id=actor_id, now=now)
        _tell(session, [entry_id], NEWS_POSTED, now)
    return _entry(row)


def dispute(
    session: Session, entry_id: int, reason: str, *, actor_id: int | None, now: datetime
) -> Entry:
    """Put a posted line in question; until that is settled it is shown as pending."""
    row = _moved(
        session,
        entry_id,
        {EntryState.POSTED},
        EntryState.DISPUTED,
        actor_id=actor_id,
        now=now,
        reason=reason,
    )
    return _entry(row)


def uphold(
    session: Session, entry_id: int, reason: str, *, actor_id: int | None, now: datetime
) -> Entry:
    """Settle a dispute for the line: it counts again, unchanged."""
    row = _moved(
        session,
        entry_id,
        {EntryState.DISPUTED},
        EntryState.POSTED,
        actor_id=actor_id,
        now=now,
        reason=reason,
    )
    return _entry(row)


def reverse(
    session: Session, entry_id: int, reason: str, *, actor_id: int | None, now: datetime
) -> Entry:
    """Mirror a posted line exactly, so that the two are nothing; return the mirror.

    Reversing again returns the same mirror. A line that was never posted, or that is itself a
    mirror, raises ``WrongEntryState``.
    """
    row = _locked(session, entry_id)
    mirror = session.exec(select(CreditEntry).where(CreditEntry.reverses_id == entry_id)).first()
    if mirror is not None:
        return _entry(mirror)
    if row.state not in (EntryState.POSTED, EntryState.DISPUTED):
        raise WrongEntryState(entry_id, row.state)
    before = _plain(row)
    row.state = EntryState.REVERSED
    mirror = CreditEntry(
        teacher_id=row.teacher_id,
        earned_on=row.earned_on,
        level=row.level,
        category=row.category,
        mode=row.mode,
        hours=-row.hours,
        title=row.title,
        source_kind=REVERSAL,
        source_id=row.id,
        rule=row.rule,
        rule_version=row.rule_version,
        dedupe_group=row.dedupe_group,
        evidence=row.evidence,
        state=EntryState.REVERSED,
        reverses_id=row.id,
        posted_at=now,
        details={"reason": reason},
    )
    session.add(mirror)
    session.flush()
    _tell(session, [mirror.id], NEWS_REVERSED, now)
    audit.record(
        session,
        actor_id,
        "credit_reverse",
        f"credit_entry:{entry_id}",
        now=now,
        before=before,
        after=_plain(mirror),
        reason=reason,
    )
    return _entry(mirror)


def correct(
    session: Session,
    entry_id: int,
    hours: Decimal,
    reason: str,
    *,
    actor_id: int | None,
    now: datetime,
) -> Entry:
    """Reverse a posted line and post the right hours in its place; return the new line.

    Also brings back what was reversed before. Correcting again returns the first correction;
    to correct that, name the correction itself.
    """
    reverse(session, entry_id, reason, actor_id=actor_id, now=now)
    row = _locked(session, entry_id)
    line = NewEntry(
        teacher_id=row.teacher_id,
        earned_on=row.earned_on,
        level=row.level,
        category=row.category,
        hours=hours,
        title=row.title,
        source_kind=CORRECTION,
        source_id=row.id,
        mode=row.mode,
        rule=row.rule,
        rule_version=row.rule_version,
        dedupe_group=row.dedupe_group,
        evidence=row.evidence,
        details={"reason": reason, "corrects": row.id},
    )
    return post(session, line, actor_id=actor_id, now=now)


def entries_of(session: Session, teacher_id: int, *, since: date, until: date) -> tuple[Entry, ...]:
    """Return the teacher's lines that were earned in these days, oldest first."""
    columns = [getattr(CreditEntry, name) for name in Entry.__slots__]
    rows = session.exec(
        sa.select(*columns)  # type: ignore[call-overload]
        .where(
            col(CreditEntry.teacher_id) == teacher_id,
            col(CreditEntry.earned_on).between(since, until),
        )
        .order_by(col(CreditEntry.earned_on), col(CreditEntry.id))
    )
    return tuple(Entry(*row) for row in rows)


def _columns(line: NewEntry, state: EntryState, posted_at: datetime | None) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in NewEntry.__slots__}
    return values | {"hours": rounded(line.hours), "state": state, "posted_at": posted_at}


def _added(session: Session, values: dict[str, Any]) -> tuple[CreditEntry, bool]:
    """Insert the line unless the same is there; return it, locked, and whether it is new."""
    insert = insert_new(session, CreditEntry).values(**values).returning(CreditEntry.id)
    is_new = session.exec(insert).first() is not None
    row = session.exec(
        select(CreditEntry)
        .where(
            CreditEntry.teacher_id == values["teacher_id"],
            CreditEntry.source_kind == values["source_kind"],
            CreditEntry.source_id == values["source_id"],
            CreditEntry.rule == values["rule"],
        )
        .with_for_update()
    ).one()
    return row, is_new


def _locked(session: Session, entry_id: int) -> CreditEntry:
    row = session.exec(
        select(CreditEntry).where(CreditEntry.id == entry_id).with_for_update()
    ).first()
    if row is None:
        raise NotFound("credit entry")
    return row


def _moved(
    session: Session,
    entry_id: int,
    allowed: set[EntryState],
    to: EntryState,
    *,
    actor_id: int | None,
    now: datetime,
    reason: str = "",
) -> CreditEntry:
    row = _locked(session, entry_id)
    if row.state is to:
        return row
    if row.state not in allowed:
        raise WrongEntryState(entry_id, row.state)
    audit.record(
        session,
        actor_id,
        f"credit_{to}",
        f"credit_entry:{entry_id}",
        now=now,
        before={"state": row.state},
        after={"state": to},
        reason=reason,
    )
    row.state = to
    if to is EntryState.POSTED and row.posted_at is None:
        row.posted_at = now
    session.flush()
    return row


def _posted_now(session: Session, rows: list[dict[str, Any]]) -> list[int]:
    """Post those lines that were there as pending; return their ids."""
    given = {(r["teacher_id"], r["source_kind"], r["source_id"], r["rule"]): r for r in rows}
    sources = {key[1:] for key in given}
    same_source = sa.or_(
        *(
            sa.and_(
                col(CreditEntry.source_kind) == kind,
                col(CreditEntry.source_id) == source_id,
                col(CreditEntry.rule) == rule,
            )
            for kind, source_id, rule in sources
        )
    )
    waiting = session.exec(
        select(CreditEntry)
        .where(
            same_source,
            col(CreditEntry.state).in_(OPEN),
            col(CreditEntry.teacher_id).in_({key[0] for key in given}),
        )
        .with_for_update()
    ).all()
    done = []
    for row in waiting:
        line = given.get((row.teacher_id, row.source_kind, row.source_id, row.rule))
        if line is not None:
            for name, value in line.items():
                setattr(row, name, value)
            done.append(row.id)
    session.flush()
    return done


def _tell(session: Session, entry_ids: Sequence[int], kind: str, now: datetime) -> None:
    """Put the news of these lines aside for the teachers' next brief, once."""
    for at in range(0, len(entry_ids), CHUNK):
        rows = session.exec(
            select(
                col(CreditEntry.id),
                col(CreditEntry.teacher_id),
                col(CreditEntry.title),
                col(CreditEntry.hours),
            )
            .where(col(CreditEntry.id).in_(entry_ids[at : at + CHUNK]))
            .order_by(col(CreditEntry.id))
        ).all()
        session.exec(
            insert_new(session, News),
            params=[
                {
                    "kind": kind,
                    "teacher_id": teacher_id,
                    "subject_id": entry_id,
                    "facts": {"title": title, "hours": str(abs(hours))},
                    "at": now,
                    "told_at": None,
                }
                for entry_id, teacher_id, title, hours in rows
            ],
        )


def _plain(row: CreditEntry) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude={"id"})


def _entry(row: CreditEntry) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__slots__})


@sa.event.listens_for(CreditEntry, "before_update")
def _only_the_state_moves(_mapper: Any, _connection: Any, row: CreditEntry) -> None:
    """Refuse to flush a change of what a posted line says."""
    changed = {
        attribute.key: attribute.history.deleted
        for attribute in sa.inspect(row).attrs
        if attribute.history.has_changes()
    }
    was = changed["state"][0] if changed.get("state") else row.state
    if was not in OPEN and changed.keys() - {"state"}:
        raise LedgerChanged(f"credit entry {row.id}: {', '.join(sorted(changed))}")


@sa.event.listens_for(CreditEntry, "before_delete")
def _nothing_is_deleted(_mapper: Any, _connection: Any, row: CreditEntry) -> None:
    raise LedgerChanged(f"credit entry {row.id} is not deleted")
