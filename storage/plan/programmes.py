"""Programmes with their batches, meetings and seats; the groups that hear of them."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from storage.credits.hours import rounded
from storage.messaging.tables import Chat
from storage.plan.lines import Path
from storage.plan.load import Load, Run
from storage.plan.reading import ends, starts
from storage.plan.remote import keep_remote
from storage.plan.rows import Values
from storage.training.registration import SELF_REGISTERED
from storage.training.tables import (
    Batch,
    ClassSession,
    Programme,
    Quota,
)

OPENS_BEFORE = timedelta(days=30)
"""When registration opens, before the start, unless the plan says it."""


def keep_programmes(load: Load) -> None:
    """Keep the programmes; a batch whose card says something new gets a new revision."""
    rows: list[Values] = []
    for n, part in enumerate(load.form.programmes):
        path: Path = ("programmes", n)
        for m, code in enumerate(part.audience.get("unit", [])):
            load.unit(code, (*path, "audience", "unit", m))
        owner = load.unit(part.owner, (*path, "owner")) if part.owner else load.office.unit_id
        rows.append(
            {
                "code": part.code,
                "title": part.title,
                "level": part.level,
                "category": part.category,
                "mode": part.mode,
                "enrolment": part.enrolment,
                "approval": part.approval,
                "owner_unit_id": owner,
                "provider": part.provider,
                "audience": {key: list(values) for key, values in part.audience.items()},
                "about": part.about,
                "contact": part.contact,
                "external_url": part.url,
                "planned_hours": rounded(part.hours),
                "attendance_min": part.attendance_min,
                "certificate": part.certificate,
                "state": part.state,
            }
        )
    kept = load.keep("programme", Programme, ["code"], rows)
    load.programmes = dict(load.session.exec(select(Programme.code, Programme.id)).all())
    owners = {row["code"]: row["owner_unit_id"] for row in rows}
    for n, part in enumerate(load.form.programmes):
        for below, no, title, dates in part.runs():
            where: Path = ("programmes", n, *below)
            programme_id = load.programmes[part.code]
            load.runs.append(Run(where, part, programme_id, no, title, dates))
    if not load.runs:
        return
    for run in load.runs:
        run.values = _batch(load, run)
    ids = {run.programme_id for run in load.runs}
    batches = load.keep(
        "batch",
        Batch,
        ["programme_id", "no"],
        [run.values for run in load.runs],
        among={"programme_id": ids},
    )
    for run in load.runs:
        run.id = batches.ids[run.programme_id, run.no]
    touched = {run.id for run in load.runs if (run.programme.code,) in kept.changed}
    touched |= {batches.ids[key] for key in batches.changed}
    touched |= _sessions(load)
    touched |= _quotas(load, owners)
    touched |= keep_remote(load, owners)
    # A batch that is new shows its first face; any other one has a new face now.
    touched -= {batches.ids[key] for key in batches.new}
    if touched:
        load.session.exec(
            sa.update(Batch).where(col(Batch.id).in_(touched)).values(revision=Batch.revision + 1)
        )
        load.session.expire_all()


def _batch(load: Load, run: Run) -> Values:
    part, zone = run.part, load.zone

    def close(when: Any) -> datetime | None:
        return None if when is None else ends(when, zone)

    begins = starts(part.start, zone)
    reg_open = None if part.reg_open is None else starts(part.reg_open, zone)
    reg_close = close(part.reg_close)
    if run.programme.enrolment in SELF_REGISTERED:
        reg_open = reg_open or begins - OPENS_BEFORE
        reg_close = reg_close or begins
    return {
        "programme_id": run.programme_id,
        "no": run.no,
        "title": run.title,
        "starts_at": begins,
        "ends_at": ends(part.end, zone),
        "reg_open": reg_open,
        "reg_close": reg_close,
        "nominate_close": close(part.nominate_close),
        "roster_date": close(part.roster_date),
        "place": part.place,
        "bring": part.bring,
        "waiting_limit": part.waiting_limit,
        "offer_hours": part.offer_hours,
    }


def _sessions(load: Load) -> set[int]:
    """Keep the meetings. One that was moved is known by its title within the batch."""
    batch_ids = {run.id for run in load.runs}
    there: dict[int, dict[datetime, tuple[int, str]]] = defaultdict(dict)
    for row_id, batch_id, starts_at, title in load.session.exec(
        select(
            ClassSession.id,
            ClassSession.batch_id,
            ClassSession.starts_at,
            ClassSession.title,
        ).where(col(ClassSession.batch_id).in_(batch_ids))
    ).all():
        there[batch_id][starts_at] = (row_id, title)
    rows: list[Values] = []
    moved: list[Values] = []
    for run in load.runs:
        wanted: list[Values] = [
            {
                "batch_id": run.id,
                "title": part.title or run.programme.title,
                "starts_at": starts(part.start, load.zone),
                "ends_at": ends(part.end, load.zone),
                "place": part.place or run.part.place,
                "online_url": part.online_url,
                "bring": part.bring,
            }
            for part in run.part.sessions
        ]
        rows += wanted
        left = dict(there[run.id])
        for values in wanted:
            left.pop(values["starts_at"], None)
        for values in wanted:
            if values["starts_at"] in there[run.id]:
                continue
            match = next((at for at, (_, t) in left.items() if t == values["title"]), None)
            if match is not None:
                moved.append({"row_id": left.pop(match)[0], "to_starts_at": values["starts_at"]})
    if moved:
        table = SQLModel.metadata.tables["class_session"]
        load.session.connection().execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("row_id"))
            .values(starts_at=sa.bindparam("to_starts_at")),
            moved,
        )
        load.changed["session"] += len(moved)
    kept = load.keep(
        "session",
        ClassSession,
        ["batch_id", "starts_at"],
        rows,
        among={"batch_id": batch_ids},
    )
    by_row = {row_id: batch for batch, each in there.items() for row_id, _ in each.values()}
    return {key[0] for key in kept.touched} | {by_row[each["row_id"]] for each in moved}


def _quotas(load: Load, owners: dict[str, int]) -> set[int]:
    """Keep the seats: each school's own, and the rest in the owner's pool.

    What has flowed back to the pool since stays there; only a change of the total is
    carried over, into the pool.
    """
    present: dict[int, dict[int, Quota]] = defaultdict(dict)
    for quota in load.session.exec(
        select(Quota).where(col(Quota.batch_id).in_([run.id for run in load.runs]))
    ).all():
        present[quota.batch_id][quota.unit_id] = quota
    touched: set[int] = set()
    new: list[Values] = []
    for run in load.runs:
        part, rows = run.part, present[run.id]
        if part.seats is None:
            continue
        owner = owners[run.programme.code]
        release = None if part.release is None else ends(part.release, load.zone)
        wanted: dict[int, int] = {}
        for code, seats in part.quotas.items():
            unit_id = load.unit(code, (*run.path, "quotas", code), of_key=True)
            if unit_id == owner:
                said = f"{code} owns the programme: what is not given away is its pool"
                raise load.plan.wrong((*run.path, "quotas", code), said, of_key=True)
            before = rows.get(unit_id)
            if before is not None and before.release_at and before.release_at <= load.now:
                wanted[unit_id] = before.seats
            else:
                wanted[unit_id] = seats
            if before is not None and wanted[unit_id] < before.taken:
                said = f"{seats} seats, but {before.taken} are taken"
                raise load.plan.wrong((*run.path, "quotas", code), said)
        for unit_id, quota in rows.items():
            if unit_id not in wanted and not quota.is_pool:
                wanted[unit_id] = quota.taken  # no longer listed: the rest flows back
        pool = part.seats - sum(wanted.values())
        taken = next((quota.taken for quota in rows.values() if quota.is_pool), 0)
        if pool < taken:
            said = f"{part.seats} seats leave {pool} in the pool, but {taken} are taken"
            raise load.plan.wrong((*run.path, "seats"), said)
        wanted[owner] = pool
        for unit_id, seats in wanted.items():
            values = {
                "seats": seats,
                "is_pool": unit_id == owner,
                "release_at": None if unit_id == owner else release,
            }
            row = rows.get(unit_id)
            if row is None:
                new.append({"batch_id": run.id, "unit_id": unit_id, "taken": 0} | values)
                touched.add(run.id)
            elif any(getattr(row, name) != value for name, value in values.items()):
                for name, value in values.items():
                    setattr(row, name, value)
                load.changed["quota"] += 1
                touched.add(run.id)
    load.session.flush()
    if new:
        load.session.connection().execute(sa.insert(SQLModel.metadata.tables["quota"]), new)
        load.new["quota"] += len(new)
    return touched


def keep_chats(load: Load) -> None:
    """Keep which group is bound to which unit or programme, unless a person has said so."""
    by_hand = set(
        load.session.exec(
            select(Chat.tg_chat_id).where(
                col(Chat.tg_chat_id).in_([part.id for part in load.form.chats]),
                col(Chat.bound_at).is_not(None),
            )
        ).all()
    )
    rows = []
    for n, part in enumerate(load.form.chats):
        if part.id in by_hand:
            continue
        path: Path = ("chats", n)
        rows.append(
            {
                "tg_chat_id": part.id,
                "thread_id": 0,
                "title": part.name,
                "purpose": part.purpose,
                "unit_id": load.unit(part.unit, (*path, "unit")) if part.unit else None,
                "programme_id": (
                    load.known(load.programmes, part.programme, (*path, "programme"), "programme")
                    if part.programme
                    else None
                ),
                "competition_id": (
                    load.known(
                        load.competitions, part.competition, (*path, "competition"), "competition"
                    )
                    if part.competition
                    else None
                ),
                "subject": part.subject,
                "language": part.language,
            }
        )
    load.keep("chat", Chat, ["tg_chat_id", "thread_id"], rows)
