"""The ledger of hours: lines are added, confirmed, posted and mirrored, never changed.

Balance, caps and categories are a way of reading it (``storage.credits.balance``). A line is
known by teacher, source and rule, so posting the same thing again returns what already is.
What was posted wrongly is reversed by a line that mirrors it exactly; both are then marked as
reversed, so the sum over posted lines and the sum over all lines ever posted agree.

Who may do this to whose hours is asked before, by whoever calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit
from storage.credits.hours import rounded
from storage.credits.tables import CreditEntry, EntryState
from storage.inserting import insert_new
from storage.messaging.tables import News
from storage.refusals import NotFound, Refusal

NEWS_POSTED = "credit_posted"
NEWS_REVERSED = "credit_reversed"
REVERSAL = "reversal"
UNDONE = "undone"
"""The source of a mirror after which the same may be posted again: nothing was wrong with it."""
BATCH = "batch"
CORRECTION = "correction"
COMPLETED = "programme_completed"
NOT_COMPLETED = "programme_not_completed"
CHUNK = 2_000  # lines in one statement
OCCASION = "#"
"""In a dedupe group: behind it stands on which occasion, so that its lines add up."""

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
    batch_id: int | None = None


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
    batch_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What posting many lines came to: how many are new, how many were there already."""

    new: int
    already: int
    entry_ids: tuple[int, ...] = field(default=(), compare=False)  # of the new ones


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
    about: str = "",
) -> Posted:
    """Enter many lines at once, such as a whole batch; those that are there stay as they are.

    ``state`` is POSTED, or PENDING for what the school has yet to confirm. Posting turns lines
    of the same source that were pending into posted ones, with the hours that are now given.
    The log has one line for each source, or a single one if it is said what this is ``about``.
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
    things = (
        [about]
        if about
        else [
            f"{kind}:{source_id}"
            for kind, source_id in sorted({(line.source_kind, line.source_id) for line in lines})
        ]
    )
    for thing in things if new else ():
        audit.record(
            session,
            actor_id,
            "credit_post_many" if posted_at else "credit_enter_many",
            thing,
            now=now,
            after={"lines": len(new), "rule_version": lines[0].rule_version},
        )
    return Posted(len(new), len(lines) - len(new), tuple(new))


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


def release_many(
    session: Session,
    entry_ids: Sequence[int],
    *,
    actor_id: int | None,
    now: datetime,
    about: str,
) -> int:
    """Post those of these lines that still waited, and say so to each teacher once."""
    done: list[int] = []
    for at in range(0, len(entry_ids), CHUNK):
        done += session.exec(
            sa.update(CreditEntry)
            .where(
                col(CreditEntry.id).in_(entry_ids[at : at + CHUNK]),
                col(CreditEntry.state).in_(OPEN),
            )
            .values(state=EntryState.POSTED, posted_at=now)
            .returning(col(CreditEntry.id))
        ).scalars()
    _tell(session, sorted(done), NEWS_POSTED, now)
    if done:
        after = {"lines": len(done)}
        audit.record(session, actor_id, "credit_release_many", about, now=now, after=after)
    return len(done)


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
    mirror = CreditEntry(**_mirror(_entry(row), REVERSAL, reason, now))
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


def reverse_many(
    session: Session,
    entry_ids: Sequence[int],
    reason: str,
    *,
    actor_id: int | None,
    now: datetime,
    about: str,
    renewable: bool = False,
) -> tuple[int, ...]:
    """Mirror many lines at once and return the mirrors; what is reversed already stays so.

    A line that still waits to be posted is struck out without a mirror. A teacher who has not
    been told of the hours yet is told of neither. With ``renewable`` the lines may be posted
    again: it was undone, not wrong.
    """
    mirrors: list[int] = []
    to_tell: list[int] = []
    done = 0
    for at in range(0, len(entry_ids), CHUNK):
        some = list(entry_ids[at : at + CHUNK])
        columns = [getattr(CreditEntry, name) for name in Entry.__slots__]
        found = [
            Entry(*row)
            for row in session.exec(
                sa.select(*columns)  # type: ignore[call-overload]
                .where(
                    col(CreditEntry.id).in_(some),
                    col(CreditEntry.reverses_id).is_(None),
                    col(CreditEntry.state) != EntryState.REVERSED,
                )
                .with_for_update()
            )
        ]
        posted = [row for row in found if row.state not in OPEN]
        session.exec(
            sa.update(CreditEntry)
            .where(col(CreditEntry.id).in_([row.id for row in found]))
            .values(state=EntryState.REVERSED)
        )
        done += len(found)
        if not posted:
            continue
        insert = insert_new(session, CreditEntry).returning(CreditEntry.id)
        kind = UNDONE if renewable else REVERSAL
        taken_back = _untell(session, posted)
        for told in (False, True):
            some_rows = [r for r in posted if ((r.teacher_id, r.title) not in taken_back) is told]
            if some_rows:
                rows = [_mirror(row, kind, reason, now) for row in some_rows]
                made = list(session.exec(insert, params=rows).scalars())
                mirrors += made
                to_tell += made if told else []
    _tell(session, to_tell, NEWS_REVERSED, now)
    if done:
        audit.record(
            session,
            actor_id,
            "credit_reverse_many",
            about,
            now=now,
            after={"lines": done, "mirrors": len(mirrors)},
            reason=reason,
        )
    return tuple(mirrors)


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
        batch_id=_batch_of(row),
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


def _mirror(row: Entry, kind: str, reason: str, now: datetime) -> dict[str, Any]:
    """The columns of the line that makes this one nothing."""
    return {
        "teacher_id": row.teacher_id,
        "earned_on": row.earned_on,
        "level": row.level,
        "category": row.category,
        "mode": row.mode,
        "hours": -row.hours,
        "title": row.title,
        "source_kind": kind,
        "source_id": row.id,
        "rule": row.rule,
        "rule_version": row.rule_version,
        "dedupe_group": row.dedupe_group,
        "evidence": row.evidence,
        "state": EntryState.REVERSED,
        "reverses_id": row.id,
        "posted_at": now,
        "details": {"reason": reason},
        "batch_id": _batch_of(row),
    }


def _batch_of(row: Entry | NewEntry | CreditEntry) -> int | None:
    return row.source_id if row.source_kind == BATCH else row.batch_id


def _columns(line: NewEntry, state: EntryState, posted_at: datetime | None) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in NewEntry.__slots__}
    return values | {
        "hours": rounded(line.hours),
        "state": state,
        "posted_at": posted_at,
        "batch_id": _batch_of(line),
    }


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
    waiting = session.exec(
        select(CreditEntry)
        .where(
            col(CreditEntry.source_kind).in_({key[1] for key in given}),
            col(CreditEntry.source_id).in_({key[2] for key in given}),
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
    """Put the news of these lines aside for the teachers' next brief, once.

    Lines of one title that were entered together, such as a split by category, are one item.
    """
    told: dict[tuple[int, str], tuple[int, Decimal]] = {}
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
        for entry_id, teacher_id, title, hours in rows:
            first, sum_ = told.get((teacher_id, title), (entry_id, Decimal(0)))
            told[teacher_id, title] = (first, sum_ + hours)
    items = [
        {
            "kind": kind,
            "teacher_id": teacher_id,
            "subject_id": first,
            "facts": {"title": title, "hours": str(abs(hours))},
            "at": now,
            "told_at": None,
        }
        for (teacher_id, title), (first, hours) in told.items()
    ]
    for at in range(0, len(items), CHUNK):
        session.exec(insert_new(session, News), params=items[at : at + CHUNK])


def _untell(session: Session, lines: Sequence[Entry]) -> set[tuple[int, str]]:
    """Take back the news of hours that are reversed before their teachers were told.

    Returns whom, and of which title; they are not told of the reversal either.
    """
    sums: dict[tuple[int, str], Decimal] = {}
    for line in lines:
        key = (line.teacher_id, line.title)
        sums[key] = sums.get(key, Decimal(0)) + line.hours
    waiting = session.exec(
        select(News.id, News.teacher_id, News.facts).where(
            News.kind == NEWS_POSTED,
            col(News.subject_id).in_([line.id for line in lines]),
            col(News.told_at).is_(None),
            col(News.outbox_id).is_(None),
        )
    ).all()
    gone = {
        id_: (teacher_id, facts["title"])
        for id_, teacher_id, facts in waiting
        if sums.get((teacher_id, facts["title"])) == Decimal(facts["hours"])
    }
    session.exec(sa.delete(News).where(col(News.id).in_(gone)))
    return set(gone.values())


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
