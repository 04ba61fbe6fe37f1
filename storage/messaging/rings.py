"""What carries reminders: one brief a person and day, or a message of its own.

Set-based: a statement serves everybody who keeps the same hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from storage import moments
from storage.messaging import outbox, quiet
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.people.tables import Account

_COLUMNS = OutboxMessage.__table__.c  # type: ignore[attr-defined]

People = Any
"""A select of teacher and account that has the account's row at hand; each teacher once."""


def of_account(account_id: int) -> People:
    """Select the one person behind this account."""
    return sa.select(col(Account.teacher_id), col(Account.id).label("account_id")).where(
        col(Account.id) == account_id
    )


def by_hours(session: Session, people: People) -> Iterator[tuple[quiet.Hours, int, People]]:
    """Split people by the hours they have set; most have the same."""
    settings = (col(Account.brief_minute), col(Account.quiet_from), col(Account.quiet_until))
    counted: Any = people.with_only_columns(*settings, sa.func.count()).group_by(*settings)
    rows = session.exec(counted).all()
    for brief, quiet_from, quiet_until, number in rows:
        group = people.where(
            col(Account.brief_minute) == brief,
            col(Account.quiet_from) == quiet_from,
            col(Account.quiet_until) == quiet_until,
        )
        yield quiet.Hours(brief, quiet_from, quiet_until), number, group


def brief_key(teacher: Any, day: date) -> sa.ColumnElement[str]:
    """Return the key of a person's brief on a local day; the person is a column or an id."""
    # The day first: those of one day lie together in the index, whatever its age and size.
    return key_of(f"brief:{day.isoformat()}:", teacher)


def key_of(before: str, number: Any) -> sa.ColumnElement[str]:
    """Return the key made of what it begins with and a column of numbers, or one number."""
    if isinstance(number, int):
        return sa.literal(f"{before}{number}", sa.String)
    return sa.literal(before, sa.String).concat(sa.cast(number, sa.String))


OPEN = (OutboxState.PENDING, OutboxState.SKIPPED)
"""A brief in these states has not rung, and can take up more."""


def is_closed(brief_key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether the brief under this key is on its way, has arrived or has failed for good."""
    return sa.exists().where(
        col(OutboxMessage.dedupe_key) == brief_key, col(OutboxMessage.state).not_in(OPEN)
    )


def next_brief(
    session: Session,
    hours: quiet.Hours,
    number: int,
    people: People,
    calendar: quiet.Calendar,
    now: datetime,
) -> datetime:
    """Return when most of so many people with the same hours get their next brief."""
    at = quiet.brief_at(now, hours, calendar)
    day = moments.local_day(at, calendar.zone)
    told = people.where(is_closed(brief_key(teacher_of(people), day))).subquery()
    if 2 * session.exec(select(sa.func.count()).select_from(told)).one() > number:
        return quiet.brief_after(day, hours, calendar)
    return at


def insert_briefs(
    session: Session,
    people: People,
    brief: datetime,
    calendar: quiet.Calendar,
    over: datetime | None,
    now: datetime,
) -> int:
    """Make sure that each has a brief at that moment, and return for how many that is so.

    Not for those whose brief of that day is on its way or has arrived. A conflict locks the
    row that is there: a dispatcher cannot take and compose it while we rely on it.
    """
    day = moments.local_day(brief, calendar.zone)
    values = {
        "kind": outbox.BRIEF,
        "facts": {},
        "priority": Priority.BRIEF,
        "not_before": brief,
        "useful_until": over,
    }
    there = _COLUMNS
    inserted = _insert(session, people, brief_key(teacher_of(people), day), values, now)
    new = inserted.excluded
    statement = inserted.on_conflict_do_update(
        index_elements=["dedupe_key"],
        set_={
            "state": OutboxState.PENDING,
            "not_before": sa.case(
                (there.state == OutboxState.SKIPPED, new.not_before), else_=there.not_before
            ),
            "useful_until": sa.case(
                (
                    sa.and_(
                        there.state == OutboxState.PENDING,
                        there.useful_until.is_not(None),
                        sa.or_(new.useful_until.is_(None), there.useful_until < new.useful_until),
                    ),
                    there.useful_until,
                ),
                else_=new.useful_until,
            ),
        },
        where=there.state.in_(OPEN),
    )
    done: int = session.exec(statement.execution_options(preserve_rowcount=True)).rowcount
    return done


def insert_reminders(
    session: Session,
    people: People,
    dedupe_key: sa.ColumnElement[str],
    *,
    deadline_id: int,
    priority: int,
    not_before: datetime,
    useful_until: datetime,
    now: datetime,
) -> None:
    """Give each a message of their own about this deadline, unless the key is there already."""
    values = {
        "kind": outbox.REMINDER,
        "facts": {"deadlines": [deadline_id]},
        "priority": priority,
        "not_before": not_before,
        "useful_until": useful_until,
    }
    session.exec(_insert(session, people, dedupe_key, values, now).on_conflict_do_nothing())


def teacher_of(people: People) -> Any:
    """The column that names the teacher."""
    return people.selected_columns[0]


def _insert(
    session: Session,
    people: People,
    dedupe_key: sa.ColumnElement[str],
    values: dict[str, Any],
    now: datetime,
) -> Any:
    """Return an ``INSERT`` of one row a person, with the same values for all.

    What to do with a key that is there already is the caller's to say.
    """
    same = {
        "rings": True,
        "state": OutboxState.PENDING,
        "attempts": 0,
        "created_at": now,
        "fault": "",
    } | values
    teacher, account = list(people.selected_columns)[:2]
    literals = [sa.literal(value, _COLUMNS[name].type) for name, value in same.items()]
    engine = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return engine.insert(OutboxMessage).from_select(
        ["teacher_id", "account_id", "dedupe_key", *same],
        people.with_only_columns(teacher, account, dedupe_key, *literals).where(sa.true()),
    )
