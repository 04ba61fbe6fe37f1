"""What was before the office came to the product: registrations and hours."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from storage.credits.hours import rounded
from storage.credits.ledger import BATCH, COMPLETED
from storage.credits.tables import CreditEntry, EntryState
from storage.moments import local_day
from storage.plan.form import RegistrationsPart
from storage.plan.lines import Path
from storage.plan.load import Load, Run
from storage.plan.reading import ends, starts
from storage.plan.rows import Values
from storage.training.tables import (
    SEATED,
    Quota,
    Registration,
    RegistrationState,
    Source,
)


def add_registrations(load: Load) -> None:
    """Add the registrations that are not there yet, each in its seat, and their hours."""
    runs = [run for run in load.runs if run.part.registrations]
    if not runs:
        return
    ids = [run.id for run in runs]
    there = set(
        load.session.exec(
            select(Registration.batch_id, Registration.teacher_id).where(
                col(Registration.batch_id).in_(ids)
            )
        ).all()
    )
    quotas: dict[int, dict[int, Quota]] = defaultdict(dict)
    for quota in load.session.exec(select(Quota).where(col(Quota.batch_id).in_(ids))).all():
        # The pool under 0: every school that has no seats of its own looks there.
        quotas[quota.batch_id][0 if quota.is_pool else quota.unit_id] = quota
    rows: list[Values] = []
    lines: list[tuple[int, int, str, dict[str, Any], datetime]] = []
    hours: list[Values] = []
    for run in runs:
        waiting = 0
        for n, part in enumerate(run.part.registrations):
            path = (*run.path, "registrations", n)
            for m, no in enumerate(part.teachers):
                teacher_id = load.known(load.teachers, no, (*path, "teachers", m), "teacher")
                if (run.id, teacher_id) not in there:
                    at = starts(part.at, load.zone) + timedelta(seconds=m)
                    row, rule = _registration(
                        load, run, part, teacher_id, at, quotas[run.id], (*path, "teachers", m)
                    )
                    rows.append(row)
                    if rule == "queued":
                        about: dict[str, Any] = {"ahead": waiting, "full": True}
                        waiting += 1
                    elif rule.startswith("seat_"):
                        about = {"approval": run.programme.approval.value}
                    else:
                        about = {}
                    if rule:
                        lines.append((run.id, teacher_id, rule, about, at))
                hours += _hours(load, run, part, teacher_id)
    load.session.flush()
    kept = load.keep(
        "registration",
        Registration,
        ["batch_id", "teacher_id"],
        rows,
        among={"batch_id": ids},
        update=False,
    )
    if lines:
        load.session.connection().execute(
            sa.insert(SQLModel.metadata.tables["decision"]),
            [
                {
                    "registration_id": kept.ids[batch_id, teacher_id],
                    "at": at,
                    "rule": rule,
                    "facts": about,
                    "actor_id": None,
                }
                for batch_id, teacher_id, rule, about, at in lines
            ],
        )
    _enter(load, hours)


def _registration(
    load: Load,
    run: Run,
    part: RegistrationsPart,
    teacher_id: int,
    at: datetime,
    quotas: dict[int, Quota],
    path: Path,
) -> tuple[Values, str]:
    if teacher_id not in load.unit_of:
        raise load.plan.wrong(path, "this teacher has never worked anywhere")
    unit_id = load.unit_of[teacher_id]
    quota = None
    rule = ""
    if part.source is Source.AUTOMATIC:
        rule = "enrolled_automatically" if part.state in SEATED else ""
    elif part.state in SEATED:
        rule = "seat_without_limit"
        if quotas:
            free = (each for each in (quotas.get(unit_id), quotas.get(0)) if each)
            quota = next((each for each in free if each.taken < each.seats), None)
            if quota is None:
                raise load.plan.wrong(path, "no seat is left")
            quota.taken += 1
            rule = "seat_from_pool" if quota.is_pool else "seat_from_school"
    elif part.state is RegistrationState.WAITLISTED:
        rule = "queued"
    elif part.state is RegistrationState.DECLINED and part.source is Source.NOMINATED:
        rule = "nomination_declined"
    row: Values = {
        "batch_id": run.id,
        "teacher_id": teacher_id,
        "unit_id_at": unit_id,
        "source": part.source,
        "state": part.state,
        "quota_id": quota.id if quota is not None else None,
        "submitted_at": at,
        "queued_at": at,
        "changed_at": at,
        "reason": part.reason,
    }
    return row, rule


def _hours(load: Load, run: Run, part: RegistrationsPart, teacher_id: int) -> Iterator[Values]:
    """Yield the ledger's line of one registration, if there is one to be kept."""
    programme = run.programme
    if part.state is RegistrationState.COMPLETED:
        hours = part.hours if part.hours is not None else programme.hours
        state = EntryState.POSTED
    else:
        hours, state = part.hours or Decimal(0), EntryState.PENDING
    if hours == 0:
        return
    on = part.on or local_day(run.values["ends_at"], load.zone)
    yield {
        "teacher_id": teacher_id,
        "earned_on": on,
        "level": programme.level.value,
        "category": programme.category,
        "mode": programme.mode.value,
        "hours": rounded(hours),
        "title": programme.title,
        "source_kind": "batch",
        "source_id": run.id,
        "rule": COMPLETED,
        "rule_version": load.profile_name,
        "dedupe_group": f"programme:{run.programme_id}",
        "evidence": "",
        "state": state,
        "posted_at": ends(on, load.zone) if state is EntryState.POSTED else None,
    }


def add_ledger(load: Load) -> None:
    """Add the opening entries that no programme of the plan stands for."""
    lines = []
    for n, part in enumerate(load.form.ledger):
        for m, no in enumerate(part.teachers):
            path: Path = ("ledger", n, "teachers", m)
            lines.append(
                {
                    "teacher_id": load.known(load.teachers, no, path, "teacher"),
                    "earned_on": part.on,
                    "level": part.level.value,
                    "category": part.category,
                    "mode": str(part.mode),
                    "hours": rounded(part.hours),
                    "title": part.title,
                    "source_kind": "opening",
                    "source_id": part.no,
                    "rule": "opening",
                    "rule_version": load.profile_name,
                    "dedupe_group": "",
                    "evidence": part.evidence,
                    "state": part.state,
                    "posted_at": (
                        ends(part.on, load.zone) if part.state is EntryState.POSTED else None
                    ),
                }
            )
    _enter(load, lines)


def _enter(load: Load, lines: list[Values]) -> None:
    """Add what the ledger does not have. Posted lines never change; while a line is only
    pending, it follows the file. These lines are history, so they are no news to anybody."""
    if not lines:
        return
    lines = [
        line | {"batch_id": line["source_id"] if line["source_kind"] == BATCH else None}
        for line in lines
    ]
    key = ["teacher_id", "source_kind", "source_id", "rule"]
    among = {
        "source_kind": {line["source_kind"] for line in lines},
        "source_id": {line["source_id"] for line in lines},
    }
    waiting = set(
        load.session.exec(
            select(
                CreditEntry.teacher_id,
                CreditEntry.source_kind,
                CreditEntry.source_id,
                CreditEntry.rule,
            ).where(
                CreditEntry.state == EntryState.PENDING,
                col(CreditEntry.source_kind).in_(among["source_kind"]),
                col(CreditEntry.source_id).in_(among["source_id"]),
            )
        ).all()
    )
    is_waiting: Callable[[Values], bool] = lambda line: tuple(line[k] for k in key) in waiting  # noqa: E731
    load.keep("hours", CreditEntry, key, [x for x in lines if is_waiting(x)], among=among)
    load.keep(
        "hours",
        CreditEntry,
        key,
        [line for line in lines if not is_waiting(line)],
        among=among,
        update=False,
    )
