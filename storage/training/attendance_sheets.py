"""Attendance as a table: given out, and taken in again after a preview.

A sheet that was given out is taken back without a change. What an import would do is worked
out when the file comes and once more when it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import audit, deeds, sheets
from storage.moments import local_day
from storage.people import authority, imports, offices
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting
from storage.people.matching import Doubt, People
from storage.people.tables import ImportJob, ImportState
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.sheets import Book, Table
from storage.training import attendance, marking, windows
from storage.training.attendance import NameLine
from storage.training.marking import MARKED_BY_SCHOOL, Marked
from storage.training.tables import Batch, CheckIn, ClassSession, Method, Presence, Programme
from storage.training.tables import ProgrammeState as State
from storage.training.windows import MeetingFacts

KIND = "attendance"
CHOICES = 8
CHOSEN_WITHIN = timedelta(days=30)

FIELDS = {
    "staff_no": ("工号", "教工号", "职工号", "人员编号", "工號", "staff number", "staff no", "id"),
    "name": ("姓名", "教师姓名", "学员姓名", "教師姓名", "學員姓名", "name"),
    "unit": ("单位", "学校", "所在学校", "單位", "學校", "school", "unit"),
    "state": (
        "考勤",
        "出勤",
        "到缺",
        "到/缺",
        "签到",
        "签到情况",
        "到课情况",
        "出勤情况",
        "考勤情况",
        "簽到",
        "簽到情況",
        "出勤情況",
        "考勤情況",
        "attendance",
        "presence",
    ),
}

STATES: dict[str, Presence] = {
    word: state
    for state, words in {
        Presence.PRESENT: "到 已到 出席 出勤 签到 已签到 簽到 已簽到 √ ✓ ✔ 是 1 present yes y",
        Presence.LATE: "迟到 遲到 晚到 late",
        Presence.LEFT_EARLY: "早退 leftearly",
        Presence.ABSENT: "缺 缺勤 缺席 未到 旷课 曠課 未签到 未簽到 × ✗ ✘ x 否 0 absent no n",
        Presence.LEAVE: "请假 請假 假 病假 事假 公假 leave onleave",
        Presence.EXCUSED: "免修 免训 免訓 免 免于考勤 免於考勤 已免于考勤 已免於考勤 excused",
    }.items()
    for word in words.split()
}


class Trouble(StrEnum):
    """Why a row is passed over."""

    NOT_ON_LIST = "not_on_list"
    SEVERAL = "several"  # of this name
    OTHER_NAME = "other_name"  # than the staff number's
    NO_STATE = "no_state"
    NOT_YOURS = "not_yours"  # a state that only the organiser enters
    TWICE = "twice"
    OWN = "own"  # the presence of whoever sends the sheet


DOUBTS = {
    Doubt.UNKNOWN: Trouble.NOT_ON_LIST,
    Doubt.SEVERAL: Trouble.SEVERAL,
    Doubt.OTHER_NAME: Trouble.OTHER_NAME,
}


class NoAttendanceTable(Refusal):
    """The file has no column for the person, or none for the attendance."""


@dataclass(frozen=True)
class Preview:
    """What a sheet would do; ``troubles`` by the row's number in the file."""

    job_id: int
    meeting: MeetingFacts
    rows: int
    counts: dict[Presence, int]  # of what it would enter
    changed: int  # rows that differ from what is entered
    overruled: int  # of these, people who checked in by code and would be absent
    missing: int  # people on the list that the sheet does not name
    troubles: dict[int, Trouble]


def is_attendance(book: Book) -> bool:
    """Whether a dropped table is one of these."""
    return table_of(book) is not None


def table_of(book: Book) -> Table | None:
    """The table of attendance in a book; None when there is none."""
    return sheets.find_table(book, FIELDS, ("staff_no", "state")) or sheets.find_table(
        book, FIELDS, ("name", "state")
    )


def choices(session: Session, actor_id: int, *, now: datetime) -> tuple[MeetingFacts, ...]:
    """Return the meetings that a dropped sheet may be about, the latest first."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.TAKE_ATTENDANCE, today=today)
    held = authority.acts(session, actor_id, today=today)
    if not held & {Act.TAKE_ATTENDANCE, Act.MARK_PRESENCE}:
        raise NotAllowed
    seen: sa.ColumnElement[bool] = col(Batch.id).in_(mine)
    if Act.MARK_PRESENCE in held:
        own = authority.reaches(session, actor_id, Act.MARK_PRESENCE, today=today)
        registration = sa.table(
            "registration", sa.column("batch_id"), sa.column("unit_id_at", sa.Integer)
        )
        seen = sa.or_(
            seen,
            sa.exists().where(
                registration.c.batch_id == col(Batch.id), registration.c.unit_id_at.in_(own)
            ),
        )
    rows = session.exec(
        select(ClassSession, Batch, Programme)
        .join(Batch, col(Batch.id) == col(ClassSession.batch_id))
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .where(
            seen,
            ClassSession.check_in != CheckIn.NONE,
            ClassSession.starts_at <= now + windows.OPENS_BEFORE,
            ClassSession.starts_at > now - CHOSEN_WITHIN,
            col(Batch.cancelled_at).is_(None),
            col(Programme.state).in_([State.PUBLISHED, State.FINISHED]),
        )
        .order_by(col(ClassSession.starts_at).desc(), col(ClassSession.id).desc())
        .limit(CHOICES)
    ).all()
    return tuple(windows.facts_of(*row) for row in rows)


def keep(
    session: Session,
    actor_id: int,
    book: Book,
    content: bytes,
    *,
    session_id: int | None = None,
    now: datetime,
) -> int:
    """Keep a file that came, before it is known which meeting it is about; return the job."""
    if table_of(book) is None:
        raise NoAttendanceTable
    return imports.keep_preview(
        session, actor_id, KIND, book.name, content, subject_id=session_id, now=now
    )


def preview(
    session: Session, actor_id: int, job_id: int, session_id: int, book: Book, *, now: datetime
) -> Preview:
    """Work out what the sheet would do to this meeting.

    ``book`` is the kept file, read before the transaction. Raises NoLongerWaiting, and as
    marking does.
    """
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    job.subject_id = session_id
    facts, wanted, troubles, lines, rows = _read(session, actor_id, job, book, now)
    counts: dict[Presence, int] = {}
    for state in wanted.values():
        counts[state] = counts.get(state, 0) + 1
    changed = [id_ for id_, state in wanted.items() if lines[id_].state is not state]
    overruled = sum(
        lines[id_].method in (Method.SCAN, Method.TYPED, Method.TIME_CODE)
        and wanted[id_] is Presence.ABSENT
        for id_ in changed
    )
    job.found = {"rows": rows, "changed": len(changed), "troubles": len(troubles)}
    session.flush()
    return Preview(
        job_id=job.id,
        meeting=facts,
        rows=rows,
        counts=counts,
        changed=len(changed),
        overruled=overruled,
        missing=len(lines) - len(wanted),
        troubles=troubles,
    )


def apply(session: Session, actor_id: int, job_id: int, book: Book, *, now: datetime) -> Marked:
    """Enter what the sheet says; undone as one within a day. Twice returns the first."""
    job = imports.own(session, actor_id, job_id, KIND)
    if job.subject_id is None:
        raise NotFound("meeting")
    facts, said, _, lines, _ = _read(session, actor_id, job, book, now)
    if job.state is ImportState.APPLIED:
        present, absent, other, kept = job.found["marked"]
        return Marked(facts, present, absent, other, kept, job.deed_id)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    wanted = {id_: state for id_, state in said.items() if lines[id_].state is not state}
    meeting, _, _ = windows.get(session, job.subject_id, locked=True)
    marked = marking.enter(
        session, meeting, facts, wanted, actor_id, Method.IMPORT, now=now, undo_for=deeds.DAY
    )
    job = imports.own(session, actor_id, job_id, KIND)
    marked = replace(marked, kept=len(said) - len(wanted))
    imports.settle(
        session,
        job,
        ImportState.APPLIED,
        now=now,
        found=job.found | {"marked": [marked.present, marked.absent, marked.other, marked.kept]},
        deed_id=marked.deed_id,
        forget=False,
    )
    return marked


def sheet(
    session: Session, actor_id: int, session_id: int, *, now: datetime
) -> tuple[MeetingFacts, list[NameLine]]:
    """Return everybody within reach, for a sheet; the log keeps that it was taken."""
    meeting, batch, programme = windows.get(session, session_id)
    reach = attendance.reach_of(session, actor_id, batch.id, now, meeting)
    lines = attendance.people_at(session, reach.where, session_id)
    audit.record(
        session,
        actor_id,
        "export_attendance",
        f"class_session:{session_id}",
        now=now,
        after={"people": len(lines)},
    )
    session.flush()
    return windows.facts_of(meeting, batch, programme), sorted(
        lines, key=lambda line: (line.unit, line.staff_no)
    )


def _read(
    session: Session, actor_id: int, job: ImportJob, book: Book, now: datetime
) -> tuple[MeetingFacts, dict[int, Presence], dict[int, Trouble], dict[int, NameLine], int]:
    """Return what each registration would be, what is wrong by row, and who is on the list."""
    assert job.subject_id is not None
    meeting, facts, reach = marking.to_mark(session, actor_id, job.subject_id, now)
    table = table_of(book)
    if table is None:
        raise NoAttendanceTable
    people = attendance.people_at(session, reach.where, meeting.id)
    listed = People(
        (line, line.staff_no, line.name, (line.unit, line.unit_short)) for line in people
    )
    wanted: dict[int, Presence] = {}
    troubles: dict[int, Trouble] = {}
    for row in table.lines:
        said = (row.values.get(field, "") for field in ("staff_no", "name", "unit"))
        found = listed.find(*said)
        state = STATES.get(sheets.key(row.values["state"]) or row.values["state"].strip())
        if isinstance(found, Doubt):
            troubles[row.number] = DOUBTS[found]
        elif state is None:
            troubles[row.number] = Trouble.NO_STATE
        elif state not in MARKED_BY_SCHOOL and not reach.runs_it and found.state is not state:
            troubles[row.number] = Trouble.NOT_YOURS
        elif found.teacher_id == actor_id and found.state is not state:
            troubles[row.number] = Trouble.OWN
        elif found.registration_id in wanted:
            troubles[row.number] = Trouble.TWICE
        else:
            wanted[found.registration_id] = state
    lines = {line.registration_id: line for line in people}
    return facts, wanted, troubles, lines, len(table.lines)
