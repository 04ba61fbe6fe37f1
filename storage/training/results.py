"""Results: marks by table or one by one, and the grades that follow from them.

A grade follows from the score and the programme's marks, or is entered as such. Where only a
share may be excellent, the best scores come first, and of equal ones at the border none is.
What has been decided (completed or not) is not touched by marks that come later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import floor, inf
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from storage import audit, deeds
from storage.deeds import ChangedSince, Deed
from storage.moments import local_day
from storage.people import authority, imports, offices
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting
from storage.people.matching import Doubt, People
from storage.people.tables import ImportJob, ImportState, OrgUnit, Teacher
from storage.refusals import NotFound, OwnCase, Refusal
from storage.sheets import Book, Table, as_number, find_table, is_total, key, plain
from storage.training import seats
from storage.training.classes import batch_of
from storage.training.tables import (
    Batch,
    Grade,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Result,
)
from storage.waiting_for import Waiting

PASS_MARK, EXCELLENT_MARK = 60.0, 85.0
"""What is usual where the programme says nothing."""
TOP = 100
OPEN = (RegistrationState.APPROVED, RegistrationState.ATTENDING)
"""States in which somebody takes part and nothing has been decided."""
DECIDED = (
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
    RegistrationState.NO_SHOW,
)
TAKES_PART = (*OPEN, *DECIDED)
PASSING = (Grade.EXCELLENT, Grade.QUALIFIED)
NOT_ASSESSED = (Grade.ABSENT, Grade.DEFERRED)
KIND = "marks"
DEED = "marks"
PAGE = 10

FIELDS: dict[str, tuple[str, ...]] = {
    "staff_no": ("工号", "教师工号", "职工号", "教工号", "编号", "staff number", "staff no", "id"),
    "name": ("姓名", "教师姓名", "学员姓名", "教师", "name", "teacher"),
    "school": ("学校", "单位", "所在学校", "工作单位", "任教学校", "school", "unit"),
    "score": (
        "成绩",
        "分数",
        "得分",
        "总分",
        "总成绩",
        "考核成绩",
        "考试成绩",
        "测试成绩",
        "综合成绩",
        "最终成绩",
        "总评成绩",
        "总评",
        "score",
        "mark",
    ),
    "grade": (
        "等第",
        "等级",
        "等次",
        "考核等第",
        "考核等级",
        "结果",
        "考核结果",
        "grade",
        "result",
    ),
    "comment": ("备注", "评语", "说明", "comment", "note"),
}
GRADES: dict[str, Grade] = {
    word: grade
    for grade, words in {
        Grade.EXCELLENT: ("优秀", "优", "优等", "excellent"),
        Grade.QUALIFIED: (
            "合格",
            "及格",
            "通过",
            "良好",
            "良",
            "中",
            "pass",
            "passed",
            "qualified",
        ),
        Grade.UNQUALIFIED: ("不合格", "不及格", "未通过", "差", "fail", "failed", "unqualified"),
        Grade.ABSENT: ("缺考", "缺席", "未参加", "absent"),
        Grade.DEFERRED: ("缓考", "缓", "延期", "deferred"),
    }.items()
    for word in words
}


class WrongMark(Refusal):
    """Not a mark from 0 to 100, and not a grade."""


class DecidedAlready(Refusal):
    """Whether this person completed is decided, so the mark stays as it is."""

    def __init__(self, name: str, state: RegistrationState) -> None:
        super().__init__(f"{name} is {state}")
        self.name = name
        self.state = state


class WrongRules(Refusal):
    """Marks that contradict each other, such as passing above excellent."""


class RowState(StrEnum):
    """What a row of a table of marks comes to."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    EMPTY = "empty"  # a person without a mark
    UNKNOWN = "unknown"  # nobody of this class
    AMBIGUOUS = "ambiguous"  # several people of this name
    MISMATCH = "mismatch"  # the number is somebody else's than the name
    TWICE = "twice"
    NOT_UNDERSTOOD = "not_understood"  # neither a mark nor a grade
    CONTRADICTS = "contradicts"  # the score passes and the grade does not, or the reverse
    DECIDED = "decided"
    OWN = "own"  # the mark of whoever sends the table


DOUBTS = {
    Doubt.UNKNOWN: RowState.UNKNOWN,
    Doubt.SEVERAL: RowState.AMBIGUOUS,
    Doubt.OTHER_NAME: RowState.MISMATCH,
}
PASSES = (Grade.EXCELLENT, Grade.QUALIFIED)
UNDERSTOOD = (RowState.NEW, RowState.CHANGED, RowState.SAME)


@dataclass(frozen=True)
class Mark:
    """A mark as it is entered: a score, a grade, or both."""

    score: float | None = None
    entered: Grade | None = None
    comment: str = ""


@dataclass(frozen=True)
class Scored:
    """One result among those of a class. ``fixed`` is the grade where it has been decided."""

    registration_id: int
    score: float | None
    entered: Grade | None
    fixed: Grade | None = None


@dataclass(frozen=True)
class Rules:
    """From which scores on it is passed and excellent, and which share may be excellent."""

    pass_mark: float
    excellent_mark: float
    cap: float | None

    @classmethod
    def of(cls, programme: Programme) -> Rules:
        return cls(
            PASS_MARK if programme.pass_mark is None else programme.pass_mark,
            EXCELLENT_MARK if programme.excellent_mark is None else programme.excellent_mark,
            programme.excellent_cap,
        )


@dataclass(frozen=True)
class Graded:
    """The grades of a class. ``capped`` would be excellent but for the share; ``room`` is it."""

    grades: dict[int, Grade]
    capped: int
    room: int | None
    tied: bool  # equal scores at the border, so that fewer than the share are excellent


@dataclass(frozen=True)
class Figures:
    """How the results of a class stand."""

    batch_id: int
    title: str
    ends_at: datetime
    rules: Rules
    people: int
    entered: int
    open: int  # undecided people
    missing: int  # undecided people without a result
    by_grade: dict[Grade, int]
    capped: int
    room: int | None
    tied: bool
    may_set_rules: bool


@dataclass(frozen=True)
class Person:
    """One participant on the keypad; ``number`` counts from 0 among ``of``."""

    batch_id: int
    title: str
    registration_id: int
    name: str
    unit: str
    number: int
    of: int
    score: float | None
    grade: Grade | None
    state: RegistrationState


@dataclass(frozen=True)
class ListLine:
    """One participant in the list of results."""

    registration_id: int
    name: str
    unit: str
    score: float | None
    grade: Grade | None
    state: RegistrationState
    number: int


@dataclass(frozen=True)
class Listed:
    """A page of participants with their results; pages count from 0."""

    batch_id: int
    title: str
    lines: tuple[ListLine, ...]
    page: int
    pages: int


@dataclass(frozen=True)
class Problem:
    """A row that is not taken over, and what the file says there."""

    number: int
    state: RowState
    said: str


@dataclass(frozen=True)
class Preview:
    """What a table of marks would do; nothing has been done yet unless it is APPLIED."""

    job_id: int
    batch_id: int
    title: str
    file_name: str
    state: ImportState
    rows: int
    counts: dict[RowState, int]
    problems: tuple[Problem, ...]
    by_grade: dict[Grade, int]  # of the whole class, once it is applied
    capped: int
    room: int | None
    tied: bool
    deed_id: int | None

    @property
    def understood(self) -> int:
        """How many rows are a participant with a mark."""
        return sum(self.counts.get(state, 0) for state in UNDERSTOOD)

    @property
    def changes(self) -> int:
        """How many rows would change anything."""
        return self.counts.get(RowState.NEW, 0) + self.counts.get(RowState.CHANGED, 0)


# --- grades -------------------------------------------------------------------------------------


def grade_of(score: float, rules: Rules) -> Grade:
    """Return the grade that follows from a score, leaving the share out of account."""
    if score >= rules.excellent_mark:
        return Grade.EXCELLENT
    return Grade.QUALIFIED if score >= rules.pass_mark else Grade.UNQUALIFIED


def grades(scored: Iterable[Scored], rules: Rules) -> Graded:
    """Return everybody's grade: a pure function of the class's results.

    The share is of those who were assessed, rounded down; who has been decided already keeps
    the grade and uses up the share.
    """
    found: dict[int, Grade] = {}
    candidates: list[tuple[float, int]] = []
    assessed = fixed = 0
    for one in scored:
        grade = one.fixed or one.entered
        if grade is None:
            if one.score is None:
                raise WrongMark
            grade = grade_of(one.score, rules)
        found[one.registration_id] = grade
        assessed += grade not in NOT_ASSESSED
        if grade is Grade.EXCELLENT and one.fixed is not None:
            fixed += 1
        elif grade is Grade.EXCELLENT:
            # A grade without a score is equal to any other of its kind, and to the best.
            candidates.append((inf if one.score is None else one.score, one.registration_id))
    if rules.cap is None:
        return Graded(found, 0, None, False)
    # 0.15 means fifteen hundredths, and not its nearest binary.
    room = floor(Decimal(str(rules.cap)) * assessed)
    left = max(0, room - fixed)
    candidates.sort(reverse=True)
    kept = candidates[:left]
    tied = 0 < left < len(candidates) and candidates[left - 1][0] == candidates[left][0]
    if tied:
        kept = [one for one in kept if one[0] != candidates[left][0]]
    excellent = {registration_id for _, registration_id in kept}
    for _, registration_id in candidates:
        if registration_id not in excellent:
            found[registration_id] = Grade.QUALIFIED
    return Graded(found, len(candidates) - len(kept), room, tied)


def read_mark(score: str, grade: str, comment: str = "") -> Mark | None:
    """Read what a row says; None where it says nothing. Raises WrongMark.

    A grade may stand in the column of scores, as 缺考 often does.
    """
    number: float | None = None
    entered: Grade | None = None
    for text in (score, grade):
        if not plain(text):
            continue
        word = GRADES.get(key(text))
        if word is not None:
            entered = word
            continue
        read = as_number(text)
        if read is None or number is not None:
            raise WrongMark
        number = _checked(float(read * 100 if plain(text).endswith("%") else read))
    if number is None and entered is None:
        return None
    return Mark(number, entered, comment.strip())


def _checked(score: float) -> float:
    if not 0 <= score <= TOP:
        raise WrongMark
    return round(score, 1)


# --- reading ------------------------------------------------------------------------------------


def fits(book: Book) -> bool:
    """Whether this is a table of marks: somebody's number or name, and a score or a grade."""
    return table_of(book) is not None


def table_of(book: Book) -> Table | None:
    """Return the table of marks in the book, or None."""
    for required in (
        ("staff_no", "score"),
        ("name", "score"),
        ("staff_no", "grade"),
        ("name", "grade"),
    ):
        table = find_table(book, FIELDS, required)
        if table is not None:
            return table
    return None


def figures(session: Session, actor_id: int, batch_id: int, *, now: datetime) -> Figures:
    """Return how the results of a class stand. Raises NotAllowed or NotFound."""
    today = _check(session, actor_id, batch_id, now)
    batch, programme = batch_of(session, batch_id)
    states = Counter(
        dict(
            session.exec(
                select(col(Registration.state), func.count())
                .where(Registration.batch_id == batch_id, col(Registration.state).in_(TAKES_PART))
                .group_by(col(Registration.state))
            ).all()
        )
    )
    rows = _scored(session, batch_id)
    graded = grades(rows, Rules.of(programme))
    undecided = sum(states[state] for state in OPEN)
    with_result = sum(row.fixed is None for row in rows)
    return Figures(
        batch_id=batch_id,
        title=programme.title,
        ends_at=batch.ends_at,
        rules=Rules.of(programme),
        people=sum(states.values()),
        entered=len(rows),
        open=undecided,
        missing=undecided - with_result,
        by_grade=dict(Counter(graded.grades.values())),
        capped=graded.capped,
        room=graded.room,
        tied=graded.tied,
        may_set_rules=authority.may_with(
            session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today
        ),
    )


def listed(
    session: Session, actor_id: int, batch_id: int, *, page: int = 0, now: datetime
) -> Listed:
    """Return a page of participants with their results; the log keeps that it was asked."""
    _check(session, actor_id, batch_id, now)
    _batch_row, programme = batch_of(session, batch_id)
    rows = _people(session, batch_id)
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(0, page), pages - 1)
    audit.record(
        session, actor_id, "see_results", f"batch:{batch_id}", now=now, after={"page": page}
    )
    lines = tuple(
        ListLine(row.id, row.name, row.unit, row.score, row.grade, row.state, number)
        for number, row in enumerate(rows)
    )
    return Listed(batch_id, programme.title, lines[page * PAGE : (page + 1) * PAGE], page, pages)


def person(
    session: Session, actor_id: int, batch_id: int, number: int, *, now: datetime
) -> Person | None:
    """Return the participant at this place of the list, from 0; None past its end.

    With a ``number`` below 0, the first one who is undecided and has no result. The log keeps
    that somebody looked.
    """
    _check(session, actor_id, batch_id, now)
    _batch_row, programme = batch_of(session, batch_id)
    rows = _people(session, batch_id)
    if number < 0:
        missing = (n for n, row in enumerate(rows) if row.grade is None and row.state in OPEN)
        number = next(missing, len(rows))
    if number >= len(rows):
        return None
    row = rows[number]
    audit.looked(session, actor_id, "look_at_result", f"registration:{row.id}", now=now)
    return Person(
        batch_id,
        programme.title,
        row.id,
        row.name,
        row.unit,
        number,
        len(rows),
        row.score,
        row.grade,
        row.state,
    )


def of_registration(
    session: Session, actor_id: int, registration_id: int, *, now: datetime
) -> Person:
    """Return a participant as ``person`` does. Raises NotAllowed, or NotFound for nobody."""
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound("registration")
    rows = _people(session, row.batch_id)
    number = next((n for n, one in enumerate(rows) if one.id == registration_id), len(rows))
    found = person(session, actor_id, row.batch_id, number, now=now)
    if found is None:
        raise NotFound("registration")
    return found


def blank(
    session: Session, actor_id: int, batch_id: int, *, now: datetime
) -> tuple[str, tuple[tuple[str, str, str, float | None, Grade | None], ...]]:
    """Return the title, and the rows of a table to fill: number, name, school, what is known.

    It is a file with names, so the log keeps that it was made.
    """
    _check(session, actor_id, batch_id, now)
    _batch_row, programme = batch_of(session, batch_id)
    audit.record(session, actor_id, "export_marks_table", f"batch:{batch_id}", now=now)
    return programme.title, tuple(
        (row.staff_no, row.name, row.unit, row.score, row.entered)
        for row in _people(session, batch_id)
    )


# --- entering -----------------------------------------------------------------------------------


def enter(
    session: Session,
    actor_id: int,
    registration_id: int,
    mark: Mark,
    *,
    now: datetime,
) -> Person:
    """Enter one person's mark; the same once more changes nothing. Returns how it stands now.

    One's own is entered by somebody else with the right, or by the next level. Raises
    NotAllowed, OwnCase, NotFound, WrongMark, or DecidedAlready.
    """
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound("registration")
    _check(session, actor_id, row.batch_id, now)
    if row.teacher_id == actor_id:
        raise OwnCase
    seats.lock(session, row.batch_id)
    session.refresh(row)
    if mark.score is None and mark.entered is None:
        raise WrongMark
    if mark.score is not None:
        _checked(mark.score)
    if row.state not in TAKES_PART:
        raise NotFound("registration")
    kept = _result(session, registration_id)
    if row.state in DECIDED and (kept is None or not _same(kept, mark)):
        name = session.exec(select(Teacher.name).where(Teacher.id == row.teacher_id)).one()
        raise DecidedAlready(name, row.state)
    if kept is None or not _same(kept, mark):
        before = None if kept is None else _plain(kept)
        _put(session, registration_id, mark, actor_id, now)
        audit.record(
            session,
            actor_id,
            "enter_result",
            f"registration:{registration_id}",
            now=now,
            before=before,
            after={"score": mark.score, "entered": mark.entered},
        )
        regrade(session, row.batch_id)
    return of_registration(session, actor_id, registration_id, now=now)


def set_rules(
    session: Session,
    actor_id: int,
    batch_id: int,
    *,
    pass_mark: float,
    excellent_mark: float,
    cap: float | None,
    now: datetime,
) -> Figures:
    """Set the programme's marks and share, and grade anew whoever is undecided.

    Raises NotAllowed, or WrongRules when they contradict each other.
    """
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.RUN_PROGRAMME, batch_id, today=today)
    if not 0 <= pass_mark <= excellent_mark <= TOP or not (cap is None or 0 <= cap <= 1):
        raise WrongRules
    _batch_row, programme = batch_of(session, batch_id)
    before = Rules.of(programme)
    after = Rules(pass_mark, excellent_mark, cap)
    if before != after:
        programme.pass_mark, programme.excellent_mark = pass_mark, excellent_mark
        programme.excellent_cap = cap
        session.flush()
        audit.record(
            session,
            actor_id,
            "set_result_rules",
            f"programme:{programme.id}",
            now=now,
            before=_rules(before),
            after=_rules(after),
        )
        ids = session.exec(select(Batch.id).where(Batch.programme_id == programme.id)).all()
        seats.lock(session, *sorted(ids))
        for id_ in ids:
            regrade(session, id_)
    return figures(session, actor_id, batch_id, now=now)


def regrade(session: Session, batch_id: int) -> Graded:
    """Let every grade of the class follow from the marks; the caller holds its lock."""
    _batch_row, programme = batch_of(session, batch_id)
    graded = grades(_scored(session, batch_id), Rules.of(programme))
    kept = dict(
        session.exec(
            select(Result.registration_id, col(Result.grade)).where(
                col(Result.registration_id).in_(_of(batch_id))
            )
        ).all()
    )
    moved: dict[Grade, list[int]] = defaultdict(list)
    for registration_id, grade in graded.grades.items():
        if kept[registration_id] != grade:
            moved[grade].append(registration_id)
    for grade, ids in moved.items():
        session.exec(
            sa.update(Result).where(col(Result.registration_id).in_(ids)).values(grade=grade)
        )
    session.expire_all()
    return graded


# --- tables -------------------------------------------------------------------------------------


def named(table: Table) -> tuple[set[str], set[str]]:
    """Return the staff numbers, in capitals, and the names that the table says."""
    numbers = {plain(line.values.get("staff_no", "")).upper() for line in table.lines}
    names = {plain(line.values.get("name", "")) for line in table.lines}
    return numbers - {""}, names - {""}


def aim(
    session: Session, actor_id: int, job_id: int, batch_id: int, table: Table, *, now: datetime
) -> Preview:
    """Read the table as the marks of this class, and say what it would do."""
    _check(session, actor_id, batch_id, now)
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    _batch_row, programme = batch_of(session, batch_id)
    lines, problems, empty = _match(session, batch_id, table, Rules.of(programme))
    job.subject_id = batch_id
    job.found = {
        "rows": len(table.lines),
        "empty": empty,
        "lines": [
            [number, registration_id, mark.score, mark.entered, mark.comment]
            for number, registration_id, mark in lines
        ],
        "problems": [[p.number, p.state.value, p.said] for p in problems],
    }
    session.flush()
    return preview(session, actor_id, job_id, now=now)


def preview(session: Session, actor_id: int, job_id: int, *, now: datetime) -> Preview:
    """Say what the import would do as things stand now, or what it did."""
    job = imports.own(session, actor_id, job_id, KIND)
    if job.subject_id is None:
        raise NotFound("import")
    _check(session, actor_id, job.subject_id, now)
    _batch_row, programme = batch_of(session, job.subject_id)
    lines = _lines(job)
    own = _own(session, job.subject_id, actor_id)
    kept, states = _kept(session, job.subject_id)
    counts: Counter[RowState] = Counter()
    problems = [Problem(n, RowState(state), said) for n, state, said in job.found["problems"]]
    coming: dict[int, Mark] = {}
    for number, registration_id, mark in lines:
        state = _row_state(kept.get(registration_id), states.get(registration_id), mark)
        if job.state is ImportState.APPLIED and state is RowState.DECIDED:
            state = RowState.SAME
        if registration_id == own and state in (RowState.NEW, RowState.CHANGED):
            state = RowState.OWN
        if state in UNDERSTOOD:
            counts[state] += 1
            coming[registration_id] = mark
        else:
            problems.append(Problem(number, state, ""))
    counts.update(problem.state for problem in problems)
    counts[RowState.EMPTY] += int(job.found["empty"])
    if job.state is ImportState.APPLIED:
        # What was new then is there now: it says what it did, and not that it did nothing.
        counts = Counter({RowState(state): n for state, n in job.found["counts"].items()})
    after = {row.registration_id: row for row in _scored(session, job.subject_id)}
    for registration_id, mark in coming.items():
        if registration_id not in after or after[registration_id].fixed is None:
            after[registration_id] = Scored(registration_id, mark.score, mark.entered)
    graded = grades(after.values(), Rules.of(programme))
    return Preview(
        job_id=job.id,
        batch_id=job.subject_id,
        title=programme.title,
        file_name=job.file_name,
        state=job.state,
        rows=int(job.found["rows"]),
        counts={state: n for state, n in counts.items() if n},
        problems=tuple(sorted(problems, key=lambda p: p.number)),
        by_grade=dict(Counter(graded.grades.values())),
        capped=graded.capped,
        room=graded.room,
        tied=graded.tied,
        deed_id=job.deed_id,
    )


def apply(session: Session, actor_id: int, job_id: int, *, now: datetime) -> Preview:
    """Enter the marks of all rows that were understood, but for the actor's own; twice is once.

    Raises NotAllowed, NotFound, or NoLongerWaiting for one that was cancelled or undone.
    """
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED:
        return preview(session, actor_id, job_id, now=now)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    if job.subject_id is None:
        raise NotFound("import")
    _check(session, actor_id, job.subject_id, now)
    seats.lock(session, job.subject_id)
    facts = preview(session, actor_id, job_id, now=now)
    kept, states = _kept(session, job.subject_id)
    own = _own(session, job.subject_id, actor_id)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for _number, registration_id, mark in _lines(job):
        was = kept.get(registration_id)
        state = _row_state(was, states.get(registration_id), mark)
        if state not in (RowState.NEW, RowState.CHANGED) or registration_id == own:
            continue
        before[str(registration_id)] = None if was is None else _plain(was)
        after[str(registration_id)] = [mark.score, mark.entered]
        _fill_in(session, was, registration_id, mark, actor_id, now)
    session.flush()
    regrade(session, job.subject_id)
    job = imports.own(session, actor_id, job_id, KIND)
    deed_id = None
    if after:
        data = {"job_id": job_id, "batch_id": job.subject_id, "before": before, "after": after}
        deed_id = deeds.done(session, DEED, actor_id, data, now=now, undo_for=deeds.DAY)
        audit.record(
            session,
            actor_id,
            "import_marks",
            f"batch:{job.subject_id}",
            now=now,
            after={"rows": len(after), "sha256": job.sha256},
        )
    found = job.found | {"counts": {state.value: n for state, n in facts.counts.items()}}
    imports.settle(
        session, job, ImportState.APPLIED, now=now, found=found, deed_id=deed_id, forget=False
    )
    return Preview(**{**_fields(facts), "state": job.state, "deed_id": job.deed_id})


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put the marks back as they were before the import.

    Raises ChangedSince when one of them was changed, or decided upon, since.
    """
    batch_id = int(deed.data["batch_id"])
    _check(session, deed.actor_id, batch_id, now)
    seats.lock(session, batch_id)
    kept, states = _kept(session, batch_id)
    for id_, (score, entered) in deed.data["after"].items():
        now_there = kept.get(int(id_))
        same = now_there is not None and (now_there.score, now_there.entered) == (score, entered)
        if not same or states.get(int(id_)) not in OPEN:
            raise ChangedSince("results")
    for id_, was in deed.data["before"].items():
        registration_id = int(id_)
        if was is None:
            session.exec(sa.delete(Result).where(col(Result.registration_id) == registration_id))
        else:
            entered = None if was["entered"] is None else Grade(was["entered"])
            session.exec(
                sa.update(Result)
                .where(col(Result.registration_id) == registration_id)
                .values(
                    score=was["score"],
                    entered=entered,
                    comment=was["comment"],
                    decided_by=was["decided_by"],
                    decided_at=datetime.fromisoformat(was["decided_at"]),
                )
            )
    regrade(session, batch_id)


def waits(session: Session, actor_id: int, *, now: datetime) -> tuple[Waiting, ...]:
    """Classes that are over and in which it is not decided who completed."""
    today = local_day(now, offices.zone(session))
    mine = authority.batches(session, actor_id, Act.ENTER_RESULTS, today=today)
    rows = session.exec(
        select(Batch.id, Programme.title, func.count())
        .join(Programme, col(Programme.id) == col(Batch.programme_id))
        .join(Registration, col(Registration.batch_id) == col(Batch.id))
        .where(
            col(Batch.id).in_(mine),
            Batch.ends_at <= now,
            col(Batch.cancelled_at).is_(None),
            col(Programme.state).in_([ProgrammeState.PUBLISHED, ProgrammeState.FINISHED]),
            col(Registration.state).in_(OPEN),
            Registration.teacher_id != actor_id,  # one's own waits for somebody else
            # Who may still make something good is not waited for.
            sa.or_(
                col(Registration.make_up_until).is_(None),
                col(Registration.make_up_until) < today,
            ),
        )
        .group_by(col(Batch.id), col(Programme.title), col(Batch.ends_at))
        .order_by(col(Batch.ends_at), col(Batch.id))
    ).all()
    return tuple(Waiting("results", n, batch_id, title) for batch_id, title, n in rows)


# --- how it is done -----------------------------------------------------------------------------


def _check(session: Session, actor_id: int, batch_id: int, now: datetime) -> Any:
    today = local_day(now, offices.zone(session))
    authority.check_with(session, actor_id, Act.ENTER_RESULTS, batch_id, today=today)
    return today


def _of(batch_id: int) -> Any:
    return sa.select(col(Registration.id)).where(
        col(Registration.batch_id) == batch_id, col(Registration.state).in_(TAKES_PART)
    )


def _scored(session: Session, batch_id: int) -> list[Scored]:
    rows = session.exec(
        select(Result, col(Registration.state))
        .join(Registration, col(Registration.id) == col(Result.registration_id))
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(TAKES_PART))
        .order_by(col(Result.id))
        .execution_options(populate_existing=True)
    ).all()
    return [
        Scored(row.registration_id, row.score, row.entered, row.grade if state in DECIDED else None)
        for row, state in rows
    ]


def _people(session: Session, batch_id: int) -> Sequence[Any]:
    rows: Sequence[Any] = session.exec(
        sa.select(  # type: ignore[call-overload]
            col(Registration.id),
            col(Registration.state),
            col(Teacher.staff_no),
            col(Teacher.name),
            col(OrgUnit.name).label("unit"),
            col(OrgUnit.short_name),
            col(Result.score),
            col(Result.grade),
            col(Result.entered),
        )
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .join(OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at))
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .where(col(Registration.batch_id) == batch_id, col(Registration.state).in_(TAKES_PART))
        .order_by(col(OrgUnit.code), col(Teacher.staff_no), col(Registration.id))
    ).all()
    return rows


def _own(session: Session, batch_id: int, actor_id: int) -> int | None:
    """The actor's own registration in the class, if there is one."""
    return session.exec(
        select(Registration.id).where(
            Registration.batch_id == batch_id, Registration.teacher_id == actor_id
        )
    ).first()


def _result(session: Session, registration_id: int) -> Result | None:
    return session.exec(
        select(Result)
        .where(Result.registration_id == registration_id)
        .execution_options(populate_existing=True)
    ).first()


def _same(row: Result, mark: Mark) -> bool:
    return (row.score, row.entered) == (mark.score, mark.entered) and (
        not mark.comment or row.comment == mark.comment
    )


def _put(session: Session, registration_id: int, mark: Mark, actor_id: int, now: datetime) -> None:
    _fill_in(session, _result(session, registration_id), registration_id, mark, actor_id, now)
    session.flush()


def _fill_in(
    session: Session,
    row: Result | None,
    registration_id: int,
    mark: Mark,
    actor_id: int,
    now: datetime,
) -> None:
    """Write the mark into the row, or into a new one; its grade is settled afterwards."""
    if row is None:
        row = Result(registration_id=registration_id, grade=Grade.DEFERRED, decided_at=now)
        session.add(row)
    row.score, row.entered = mark.score, mark.entered
    row.comment = mark.comment or row.comment
    row.decided_by, row.decided_at = actor_id, now


def _plain(row: Result) -> dict[str, Any]:
    return {
        "score": row.score,
        "entered": row.entered,
        "comment": row.comment,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.isoformat(),
    }


def _rules(rules: Rules) -> dict[str, Any]:
    return {"pass": rules.pass_mark, "excellent": rules.excellent_mark, "cap": rules.cap}


def _fields(facts: Preview) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in Preview.__dataclass_fields__}


def _lines(job: ImportJob) -> list[tuple[int, int, Mark]]:
    return [
        (number, registration_id, Mark(score, Grade(entered) if entered else None, comment))
        for number, registration_id, score, entered, comment in job.found["lines"]
    ]


def _kept(
    session: Session, batch_id: int
) -> tuple[dict[int, Result], dict[int, RegistrationState]]:
    rows = session.exec(
        select(col(Registration.id), col(Registration.state), Result)
        .outerjoin(Result, col(Result.registration_id) == col(Registration.id))
        .where(Registration.batch_id == batch_id, col(Registration.state).in_(TAKES_PART))
        .execution_options(populate_existing=True)
    ).all()
    kept = {id_: result for id_, _, result in rows if result is not None}
    return kept, {id_: RegistrationState(state) for id_, state, _ in rows}


def _row_state(was: Result | None, state: RegistrationState | None, mark: Mark) -> RowState:
    if state is None:
        return RowState.UNKNOWN
    if was is not None and _same(was, mark):
        return RowState.SAME
    if state in DECIDED:
        return RowState.DECIDED
    return RowState.NEW if was is None else RowState.CHANGED


def _contradicts(mark: Mark, rules: Rules) -> bool:
    """Whether a score and a grade cannot both be right; who was absent may stand with a 0."""
    if not mark.score or mark.entered is None:
        return mark.score is not None and mark.entered in PASSES
    return (grade_of(mark.score, rules) in PASSES) != (mark.entered in PASSES)


def _match(
    session: Session, batch_id: int, table: Table, rules: Rules
) -> tuple[list[tuple[int, int, Mark]], list[Problem], int]:
    """Find each row's person and mark: by number, else by name, else by name and school."""
    people: People[int] = People(
        (row.id, row.staff_no, row.name, (row.unit, row.short_name))
        for row in _people(session, batch_id)
    )
    lines: list[tuple[int, int, Mark]] = []
    problems: list[Problem] = []
    empty = 0
    seen: set[int] = set()
    for line in table.lines:
        values = {field: plain(line.values.get(field, "")) for field in FIELDS}
        said = " ".join(part for part in (values["staff_no"], values["name"]) if part)
        if not said:
            empty += 1
            continue
        if is_total(said):
            continue
        found = people.find(values["staff_no"], values["name"], values["school"])
        if isinstance(found, Doubt):
            problems.append(Problem(line.number, DOUBTS[found], said))
            continue
        try:
            mark = read_mark(values["score"], values["grade"], values["comment"])
        except WrongMark:
            text = " ".join(part for part in (values["score"], values["grade"]) if part)
            problems.append(Problem(line.number, RowState.NOT_UNDERSTOOD, text))
            continue
        if mark is None:
            empty += 1
        elif _contradicts(mark, rules):
            text = " ".join(part for part in (said, values["score"], values["grade"]) if part)
            problems.append(Problem(line.number, RowState.CONTRADICTS, text))
        elif found in seen:
            problems.append(Problem(line.number, RowState.TWICE, said))
        else:
            seen.add(found)
            lines.append((line.number, found, mark))
    return lines, problems, empty
