"""Everything that is kept about one person, for that person.

Every table of the house is looked at. A column that points to a person, or to a row that is
about one, is either followed from here or exempt for a reason that is given; a column that is
neither stops the tests, so that a new table cannot be forgotten.

Raw updates of the inbox are not gone through: they are kept for two days and then deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds, kinds
from storage.audit import AuditLog
from storage.competitions import unsaid
from storage.competitions.tables import Competition, Round, Track
from storage.credits.tables import CreditEntry
from storage.messaging.tables import Deadline, DeadlineStep, OutboxMessage, OutboxState
from storage.people.tables import Account, Office, OrgUnit
from storage.refusals import NotFound
from storage.schema import METADATA
from storage.training.remote.tables import ProgressItem
from storage.training.tables import (
    Batch,
    ClassSession,
    Phase,
    Programme,
    Registration,
    SeatOffer,
    Task,
)

FOLLOWED = (
    "account.teacher_id",
    "posting.teacher_id",
    "teacher_fact.teacher_id",
    "role_assignment.teacher_id",
    "link_code.teacher_id",
    "registration.teacher_id",
    "seat_offer.registration_id",
    "decision.registration_id",
    "interest.teacher_id",
    "credit_entry.teacher_id",
    "outbox_message.teacher_id",
    "outbox_message.account_id",
    "hold.account_id",
    "reminder.teacher_id",
    "reminder_mute.teacher_id",
    "news.teacher_id",
    "draft.account_id",
    "contact.teacher_id",
    "menu_choice.teacher_id",
    "leave.registration_id",
    "attendance.registration_id",
    "task_submission.registration_id",
    "result.registration_id",
    "claim.teacher_id",
    "appeal.teacher_id",
    "audit_log.actor_id",
    "knock.teacher_id",
    "code_tries.teacher_id",
    "deadline.teacher_id",
    "notice_recipient.teacher_id",
    "question.teacher_id",
    "question_line.by_id",
    "relay.teacher_id",
    "progress.registration_id",
    "progress_snapshot.registration_id",
    "progress_match.teacher_id",
    "study_claim.registration_id",
    "obstacle.registration_id",
    "tutor_unit.tutor_id",
    "survey_taken.registration_id",
    "entry.teacher_id",
    "entry_author.teacher_id",
    "material.entry_id",
    "entry_round.entry_id",
    "judge.teacher_id",
    "ballot.judge_id",
    "conflict.teacher_id",
    "objection.by_id",
    "honour.teacher_id",
    "tier_proposal.teacher_id",
    "resource_proposal.entry_id",
)
"""Columns by which rows are found, beginning with the account and its teacher."""

EXEMPT = {
    "account.tg_user_id": "the account that asks is where the search begins",
    "link_code.issued_by": "a code is about the person it is for; the log says who issued it",
    "decision.actor_id": "a decision is about whoever is registered; the log says who decided",
    "seal.decision_id": "a decision once more, under a pseudonym",
    "role_assignment.deputy_of": "a role is about whoever holds it",
    "contact.by_id": "a talk is noted about whom it was with; the log says who noted it",
    "import_job.by_id": "a file is about the people in it; the log says who sent it",
    "deed.actor_id": "a deed repeats what the log says, for undoing it",
    "leave.decided_by": "leave is about whoever asks for it; the log says who decided",
    "attendance.by_id": "presence is about whoever was there; the log says who entered it",
    "task_submission.reviewed_by": "work is about whoever did it; the log says who reviewed it",
    "result.decided_by": "a result is about whoever was assessed; the log says by whom",
    "claim.school_by": "a claim is about whoever makes it; the log says who decided",
    "claim.decided_by": "a claim is about whoever makes it; the log says who decided",
    "claim.entry_id": "the hours that a claim came to are the same teacher's",
    "appeal.entry_id": "the hours that an appeal is about are the same teacher's",
    "appeal.reviewed_by": "an appeal is about whoever makes it; the log says who decided",
    "appeal.decided_by": "an appeal is about whoever makes it; the log says who decided",
    "deadline_step.deadline_id": "the steps of one's own date repeat it",
    "reminder_mute.deadline_id": "what is switched off is found by whoever did so",
    "question_line.question_id": "what others wrote is theirs; one's own lines are followed",
    "chat.bound_by": "a group is about its members; the log says who bound it",
    "notice.author_id": "a notice is the office's; the log says who wrote it",
    "notice.approved_by": "a notice is the office's; the log says who approved it",
    "relay.created_by": "a channel is its owner's; the log says who set it up",
    "outbox_message.relay_id": "a copy of a message to a unit's channel is the unit's",
    "progress_import.by_id": "figures are about the participants; the log says who brought them",
    "progress_match.by_id": "a match is about whoever is meant; the log says who settled it",
    "study_claim.decided_by": "it is about whoever studied; the log says who decided",
    "obstacle.by_id": "an obstacle is about whoever it holds up; the log says who noted it",
    "rule_change.asked_by": "rules are the office's; the log says who wanted them changed",
    "rule_change.settled_by": "rules are the office's; the log says who confirmed a change",
    "venue.organiser_id": "a venue is about who competes there; the log says who holds it",
    "venue.signed_by": "a list is about who competes; the log says who signed it",
    "venue.decided_by": "a list is about who competes; the log says who decided it",
    "entry.put_forward_by": "an entry is about whoever enters; the log says who put it forward",
    "entry_author.entry_id": "who made an entry together is each found by themselves",
    "entry_author.asked_by": "who is asked to make an entry together is found by themselves",
    "material.uploaded_by": "work is its entrant's; the log says who handed it in",
    "entry_round.forwarded_by": "a place is its entrant's; the log says who forwarded it",
    "judge.invited_by": "an invitation is about who is to judge; the log says who sent it",
    "ballot.entry_round_id": "marks are sealed until all are in; then the entrant reads them",
    "ballot.typed_by": "a paper is its judge's; the log says who typed it",
    "ballot.checked_by": "a paper is its judge's; the log says who checked it",
    "conflict.other_id": "whoever would judge has said it in confidence",
    "conflict.by_id": "it is about whoever would judge; the log says who noted it",
    "objection.entry_id": "who objects is told in confidence to those who decide",
    "objection.decided_by": "an objection is about whoever raises it; the log says who decided",
    "honour.entry_round_id": "an award and the round it is of are the same teacher's",
    "tier_proposal.honour_id": "a proposal and the award it is for are the same teacher's",
    "tier_proposal.decided_by": "it is about whoever is proposed; the log says who decided",
    "credit_entry.reverses_id": "a line and the one that reverses it are the same teacher's",
}
"""Columns that point to a person and are not followed, each with the reason."""

BY_NAME = {"teacher_id": "teacher", "account_id": "account", "actor_id": "teacher"}
"""What columns of these names point to when no foreign key says so."""

OUTSIDE = "tg_user_id"
"""A column of this name points to a person as Telegram knows them."""

_FINGERPRINTS = ("_hash", "salt")


class Withheld(StrEnum):
    """What stands in the place of a value that is not given out."""

    FINGERPRINT = "kept as a fingerprint only"
    SOMEBODY_ELSE = "another person"
    NOT_YET = "not decided yet"


UNTIL_SAID = {
    "entry": {"state", "reason", "changed_at"},
    "entry_round": {"state", "award", "score", "rank", "tie", "changed_at"},
    "objection": {"state", "answer", "decided_at"},
}
"""Of a table the columns that are not said as long as what was done can be taken back."""

UNTIL_DECIDED = {"entry_round": ("scored", {"score", "rank", "tie"})}
"""Of a table the state in which these columns are not said: the list is not decided yet."""


@dataclass(frozen=True)
class Portion:
    """The rows of one table; a row is in the order of ``columns``.

    ``names`` says, column by column, what the numbers in it stand for.
    """

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    names: Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class MyData:
    """Everything kept about one person; tables without a row about them are left out."""

    made_at: datetime
    account_id: int
    teacher_id: int | None
    office: str
    portions: tuple[Portion, ...]


def everything_about(session: Session, account_id: int, *, now: datetime) -> MyData:
    """Return all rows about this account and its teacher; the log keeps that it was asked.

    Others stay out of it: who else acted is said as ``Withheld.SOMEBODY_ELSE``, and of what
    this person did to others only the act is told. Raises NotFound for nobody's id.
    """
    account = session.exec(select(Account).where(Account.id == account_id)).first()
    if account is None:
        raise NotFound("account")
    teacher_id = account.teacher_id
    audit.record(
        session, teacher_id, "export_own_data", f"account:{account_id}", now=now, reason="own wish"
    )
    session.flush()

    own = {"account": {account_id}, "teacher": set() if teacher_id is None else {teacher_id}}
    found: dict[str, list[dict[str, Any]]] = {}
    for table in METADATA.sorted_tables:
        if table.name == AuditLog.__tablename__:
            continue
        rows = _rows_about(session, table, own)
        if rows:
            found[table.name] = rows
            own[table.name] = own.get(table.name, set()) | {row["id"] for row in rows}
    unsaid_of = unsaid.things(session, now=now)
    log = [
        line
        for line in _log_about(session, own, account.started_at)
        if line["at"] <= now - deeds.MINUTES or not _is_of(line["thing"], unsaid_of)
    ]
    if log:
        found[str(AuditLog.__tablename__)] = log

    office = session.exec(select(Office.name)).first()
    return MyData(
        made_at=now,
        account_id=account_id,
        teacher_id=teacher_id,
        office=office or "",
        portions=tuple(
            _portion(session, METADATA.tables[name], rows, own, unsaid_of, now)
            for name, rows in found.items()
        ),
    )


def columns_about_people(metadata: sa.MetaData = METADATA) -> set[str]:
    """Return ``table.column`` for each column that points to a person or to a row about one."""
    about = {"teacher", "account", *(name.split(".")[0] for name in FOLLOWED)}
    return {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name == OUTSIDE or _points_to(column) in about
    }


def is_fingerprint(column: str) -> bool:
    """Whether a column holds a hash or what hashes are made with."""
    return column.endswith(_FINGERPRINTS)


def _points_to(column: sa.Column[Any]) -> str | None:
    for foreign in column.foreign_keys:
        return foreign.column.table.name
    return BY_NAME.get(column.name)


def _rows_about(
    session: Session, table: sa.Table, own: Mapping[str, set[int]]
) -> list[dict[str, Any]]:
    ways = [table.c.id.in_(own[table.name])] if own.get(table.name) else []
    for name in FOLLOWED:
        of_table, column_name = name.split(".")
        if of_table != table.name:
            continue
        column = table.c[column_name]
        ids = own.get(_points_to(column) or "")
        if ids:
            ways.append(column.in_(ids))
    if not ways:
        return []
    statement = sa.select(table).where(sa.or_(*ways)).order_by(table.c.id)
    if table.name == OutboxMessage.__tablename__:
        # An account that was another teacher's has what it was told then, and no more.
        statement = statement.where(
            sa.or_(
                table.c.teacher_id.is_(None),
                table.c.teacher_id.in_(own["teacher"]),
                table.c.state == OutboxState.SENT,
            )
        )
    return [dict(row) for row in session.connection().execute(statement).mappings()]


def _log_about(
    session: Session, own: Mapping[str, set[int]], since: datetime
) -> list[dict[str, Any]]:
    """Return the lines of what the person did, and of what was done to anything of theirs."""
    table = METADATA.tables[str(AuditLog.__tablename__)]
    accounts = {f"account:{number}" for number in own["account"]}
    things = {
        f"{name}:{number}" for name, ids in own.items() if name != "account" for number in ids
    }
    rows = session.connection().execute(
        sa.select(table)
        .where(
            sa.or_(
                table.c.actor_id.in_(own["teacher"]),
                table.c.thing.in_(things),
                # The number of an erased account may be given out again.
                sa.and_(table.c.thing.in_(accounts), table.c.at >= since),
            )
        )
        .order_by(table.c.id)
    )
    log = []
    for row in rows.mappings():
        line = dict(row)
        if line["thing"] not in things | accounts:
            for column in ("before", "after", "reason"):
                line[column] = Withheld.SOMEBODY_ELSE if line[column] else line[column]
        log.append(line)
    return log


def _portion(
    session: Session,
    table: sa.Table,
    rows: Sequence[dict[str, Any]],
    own: Mapping[str, set[int]],
    unsaid_of: Mapping[str, set[int]],
    now: datetime,
) -> Portion:
    columns = tuple(table.columns)
    shown = tuple(
        tuple(
            Withheld.NOT_YET
            if _is_early(table.name, column.name, row, unsaid_of, now)
            else _shown(column, row[column.name], own)
            for column in columns
        )
        for row in rows
    )
    names: dict[str, Mapping[int, str]] = {}
    for column in columns:
        named = NAMED.get(_points_to(column) or "")
        if named is not None:
            names[column.name] = named(session, {row[column.name] for row in rows} - {None})
    return Portion(table.name, tuple(column.name for column in columns), shown, names)


def _is_early(
    table: str,
    column: str,
    row: Mapping[str, Any],
    unsaid_of: Mapping[str, set[int]],
    now: datetime,
) -> bool:
    """Whether it is not the time to say it: it waits, or can still be taken back."""
    if table == OutboxMessage.__tablename__:
        return column == "facts" and row["state"] == OutboxState.PENDING and row["not_before"] > now
    if column in UNTIL_SAID.get(table, ()) and row["id"] in unsaid_of.get(table, ()):
        return True
    state, columns = UNTIL_DECIDED.get(table, ("", set()))
    return column in columns and row["state"] == state


def _is_of(thing: str, unsaid_of: Mapping[str, set[int]]) -> bool:
    table, _colon, number = thing.partition(":")
    return number.isdigit() and int(number) in unsaid_of.get(table, ())


def _shown(column: sa.Column[Any], value: Any, own: Mapping[str, set[int]]) -> Any:
    if value is None:
        return None
    if is_fingerprint(column.name):
        return Withheld.FINGERPRINT
    target = _points_to(column)
    if target in ("teacher", "account") and value not in own[target]:
        return Withheld.SOMEBODY_ELSE
    return _without_others(value, own)


def _without_others(value: Any, own: Mapping[str, set[int]]) -> Any:
    """Take the numbers of other people out of a document."""
    if isinstance(value, dict):
        return {
            key: Withheld.SOMEBODY_ELSE
            if key in BY_NAME and part is not None and part not in own[BY_NAME[key]]
            else _without_others(part, own)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [_without_others(part, own) for part in value]
    return value


def _units(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(
        session.exec(select(OrgUnit.id, OrgUnit.name).where(col(OrgUnit.id).in_(ids))).all()
    )


def _batches(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(
        session.exec(
            select(Batch.id, Programme.title)
            .join(Programme, col(Programme.id) == col(Batch.programme_id))
            .where(col(Batch.id).in_(ids))
        ).all()
    )


def _meetings(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(
        session.exec(
            select(ClassSession.id, ClassSession.title).where(col(ClassSession.id).in_(ids))
        ).all()
    )


def _tasks(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(session.exec(select(Task.id, Task.title).where(col(Task.id).in_(ids))).all())


def _competitions(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(
        session.exec(
            select(Competition.id, Competition.title).where(col(Competition.id).in_(ids))
        ).all()
    )


def _tracks(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(session.exec(select(Track.id, Track.title).where(col(Track.id).in_(ids))).all())


def _rounds(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(session.exec(select(Round.id, Round.name).where(col(Round.id).in_(ids))).all())


def _entries(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(
        session.exec(
            select(CreditEntry.id, CreditEntry.title).where(col(CreditEntry.id).in_(ids))
        ).all()
    )


def _registrations(session: Session, ids: set[int]) -> dict[int, str]:
    return dict(
        session.exec(
            select(Registration.id, Programme.title)
            .join(Batch, col(Batch.id) == col(Registration.batch_id))
            .join(Programme, col(Programme.id) == col(Batch.programme_id))
            .where(col(Registration.id).in_(ids))
        ).all()
    )


def _deadlines(session: Session, ids: set[int]) -> dict[int, str]:
    """Return for each deadline the title of what it belongs to."""
    subjects: dict[str, dict[int, int]] = defaultdict(dict)
    for number, kind, subject_id in session.exec(
        select(Deadline.id, Deadline.kind, Deadline.subject_id).where(col(Deadline.id).in_(ids))
    ).all():
        if kind in kinds.KINDS:
            subjects[kinds.KINDS[kind].subject][number] = subject_id
    titles: dict[int, str] = {}
    for subject, numbers in subjects.items():
        batch_of = _BATCH_OF.get(subject)
        if batch_of is None:
            continue
        batches = dict(session.exec(batch_of(set(numbers.values()))).all())
        named = _batches(session, set(batches.values()))
        titles |= {
            number: named[batches[subject_id]]
            for number, subject_id in numbers.items()
            if subject_id in batches
        }
    return titles


_BATCH_OF: dict[str, Callable[[set[int]], Any]] = {
    "batch": lambda ids: select(Batch.id, Batch.id).where(col(Batch.id).in_(ids)),
    "class_session": lambda ids: select(ClassSession.id, ClassSession.batch_id).where(
        col(ClassSession.id).in_(ids)
    ),
    "task": lambda ids: select(Task.id, Task.batch_id).where(col(Task.id).in_(ids)),
    "phase": lambda ids: select(Phase.id, Phase.batch_id).where(col(Phase.id).in_(ids)),
    "progress_item": lambda ids: select(ProgressItem.id, ProgressItem.batch_id).where(
        col(ProgressItem.id).in_(ids)
    ),
    "registration": lambda ids: select(Registration.id, Registration.batch_id).where(
        col(Registration.id).in_(ids)
    ),
    "seat_offer": lambda ids: (
        select(SeatOffer.id, Registration.batch_id)
        .join(Registration, col(Registration.id) == col(SeatOffer.registration_id))
        .where(col(SeatOffer.id).in_(ids))
    ),
}


def _steps(session: Session, ids: set[int]) -> dict[int, str]:
    rows = session.exec(
        select(DeadlineStep.id, DeadlineStep.deadline_id, DeadlineStep.name).where(
            col(DeadlineStep.id).in_(ids)
        )
    ).all()
    titles = _deadlines(session, {deadline_id for _, deadline_id, _ in rows})
    return {
        number: f"{titles[deadline_id]} · {name}" if deadline_id in titles else name
        for number, deadline_id, name in rows
    }


NAMED: dict[str, Callable[[Session, set[int]], dict[int, str]]] = {
    "org_unit": _units,
    "batch": _batches,
    "class_session": _meetings,
    "task": _tasks,
    "credit_entry": _entries,
    "registration": _registrations,
    "competition": _competitions,
    "track": _tracks,
    "round": _rounds,
    "deadline": _deadlines,
    "deadline_step": _steps,
}
"""What numbers that point to these tables stand for."""
