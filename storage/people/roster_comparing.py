"""Comparing a roster with what is kept: what each row would do, and why some do nothing.

The comparison reads and never writes. It is made for the preview, and made again inside the
transaction that applies it: whatever has changed between the two is seen.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import sheets
from storage.people import authority, phones, postings
from storage.people.authority import Act
from storage.people.postings import GONE, Values
from storage.people.roles import FOR_SUBJECTS, OVER_THE_OFFICE
from storage.people.roster_reading import Entry, Roster, Trouble, same_name
from storage.people.tables import (
    Office,
    Posting,
    Role,
    ScopeKind,
    Teacher,
    TeacherState,
    UnitKind,
)
from storage.refusals import NotAllowed

AT_ONCE = 5_000  # ids in one statement
AHEAD = timedelta(days=366)
"""How far ahead a posting may begin."""

COUNTY = UnitKind.COUNTY
NO_WORKPLACE = (UnitKind.PROVINCE, UnitKind.CITY, UnitKind.GROUP, UnitKind.AREA)
OF_TEACHER = ("hire_date", "title", "full_time", "phone", "entry_route")
OF_POSTING = ("stage", "subjects", "duties")

T = TypeVar("T")
Tell = Callable[[int, int], None]


class Kind(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    CONFLICT = "conflict"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True)
class Changed:
    """One field that a row changes; of a phone number neither side is told."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class RowResult:
    """What a row would do. ``moves``: transfer, leaves, returns, or nothing of these."""

    row: int
    kind: Kind
    staff_no: str
    name: str
    teacher_id: int | None = None
    unit_id: int | None = None
    moves: str = ""
    changes: tuple[Changed, ...] = ()
    trouble: Trouble | None = None


@dataclass
class Work:
    """A row's result, and what there is to write for it."""

    result: RowResult
    teacher: Values = field(default_factory=dict)  # columns of the teacher
    before: Values = field(default_factory=dict)  # the same columns as they are
    opens: Values | None = None  # a posting without its teacher
    changes: tuple[Any, Values] | None = None  # an open posting, and what it says then
    closes: list[tuple[Any, date]] = field(default_factory=list)
    ends: list[Any] = field(default_factory=list)  # role assignments
    gives: list[tuple[Role, ScopeKind, int]] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)  # for a role that is for some only


@dataclass(frozen=True)
class Comparison:
    """All rows, and the people of the file's units whom it does not list."""

    works: tuple[Work, ...]
    unit_ids: tuple[int, ...]  # whose people the file lists
    missing: tuple[int, ...]

    def results(self) -> tuple[RowResult, ...]:
        return tuple(work.result for work in self.works)

    def digest(self) -> str:
        """Tells this comparison from any other: what it says of every row."""
        said = [
            [
                r.row, r.kind, r.staff_no, r.name, r.teacher_id, r.unit_id, r.moves,
                [[c.field, c.before, c.after] for c in r.changes],
                [r.trouble.kind, r.trouble.what] if r.trouble else None,
            ]
            for r in self.results()
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


class _Conflict(Exception):
    def __init__(self, kind: str, what: str = "") -> None:
        super().__init__(kind)
        self.trouble = Trouble(kind, what)


def compare(
    session: Session,
    actor_id: int,
    roster: Roster,
    *,
    today: date,
    tell: Tell = lambda _done, _of: None,
) -> Comparison:
    """Compare the roster with what is kept, as far as the actor may change it.

    Raises NotAllowed for who may import nothing.
    """
    desk = _Desk(session, actor_id, today)
    entries = desk.with_zeros(roster.entries)
    desk.meet(entries)
    numbers: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        if entry.staff_no:
            numbers[entry.staff_no.casefold()].append(entry.row)
    works = []
    for number, entry in enumerate(entries):
        if number % 200 == 0:
            tell(number, len(entries))
        works.append(desk.work(entry, numbers))
    tell(len(entries), len(entries))
    done = (Kind.NEW, Kind.CHANGED, Kind.SAME)
    units = {
        work.result.unit_id
        for work in works
        if work.result.kind in done and work.result.unit_id is not None
    }
    return Comparison(tuple(works), tuple(sorted(units)), desk.missing(units, works))


def pieces(values: Collection[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """The values in lists that fit into one statement."""
    every = list(values)
    for start in range(0, len(every), size):
        yield every[start : start + size]


class _Desk:
    """What the comparison knows: the actor's reach, the units, and the people of the file."""

    def __init__(self, session: Session, actor_id: int, today: date) -> None:
        self.session = session
        self.actor_id = actor_id
        self.today = today
        held = authority.grants(session, actor_id, today=today)
        self.reach = self._ids(authority.reaches(session, actor_id, Act.IMPORT_ROSTER, today=today))
        if not self.reach or Act.IMPORT_ROSTER not in authority.acts(
            session, actor_id, today=today
        ):
            raise NotAllowed
        own = self._ids(
            authority.reaches(session, actor_id, Act.IMPORT_ROSTER, today=today, own=True)
        )
        office = session.exec(select(Office.unit_id, Office.salt)).first()
        self.office_unit: int | None = office[0] if office else None
        self.salt: str = office[1] if office else ""
        self.units: dict[int, Any] = {}
        self.by_word: dict[str, set[int]] = defaultdict(set)
        self.by_code: dict[str, int] = {}
        for unit in session.connection().execute(sa.select(SQLModel.metadata.tables["org_unit"])):
            self.units[unit.id] = unit
        above = {unit.name for unit in self.units.values() if unit.kind in (*NO_WORKPLACE, COUNTY)}
        for unit in self.units.values():
            if unit.active and unit.kind not in NO_WORKPLACE:
                self.by_code[sheets.key(unit.code)] = unit.id
                # 澄禾县实验小学 is 实验小学 to everybody in 澄禾县.
                short = {unit.name.removeprefix(name) for name in above if name != unit.name}
                for word in {unit.name, unit.short_name, unit.code, *short} - {""}:
                    self.by_word[sheets.key(word)].add(unit.id)
        schools = [unit_id for unit_id in own if self.units[unit_id].kind not in NO_WORKPLACE]
        self.home = schools[0] if len(schools) == 1 else None
        """Where people of rows without a school belong."""
        self.only_stage = postings.only_stages(session)
        self.grants = held
        self.people: dict[str, Any] = {}
        self.main: dict[int, Any] = {}
        self.open: dict[int, list[Any]] = defaultdict(list)
        self.last: dict[int, Any] = {}
        self.roles: dict[int, list[Any]] = defaultdict(list)
        self._below: dict[int, frozenset[int]] = {}
        self._covered: dict[int, bool] = {}

    def _ids(self, selected: Any) -> set[int]:
        return {row[0] for row in self.session.connection().execute(selected)}

    def with_zeros(self, entries: Sequence[Entry]) -> list[Entry]:
        """Staff numbers of digits alone get the zeros that a spreadsheet took from them."""
        number = col(Teacher.staff_no)
        widths = self.session.exec(
            sa.select(sa.func.length(number))  # type: ignore[call-overload]
            .where(sa.func.ltrim(number, "0123456789") == "")
            .distinct()
        ).all()
        if len(widths) != 1:
            return list(entries)
        width = widths[0][0]
        return [
            Entry(**{**entry.__dict__, "staff_no": entry.staff_no.zfill(width)})
            if entry.staff_no.isdigit() and len(entry.staff_no) < width
            else entry
            for entry in entries
        ]

    def meet(self, entries: Sequence[Entry]) -> None:
        """Read those of the file who are known, with their postings and roles."""
        run = self.session.connection().execute
        table = SQLModel.metadata.tables["teacher"]
        wanted = {entry.staff_no.upper() for entry in entries if entry.staff_no}
        if len(wanted) > AT_ONCE:
            found = [row for row in run(sa.select(table)) if row.staff_no.upper() in wanted]
        else:
            found = list(
                run(sa.select(table).where(sa.func.upper(table.c.staff_no).in_(sorted(wanted))))
            )
        self.people = {row.staff_no.casefold(): row for row in found}
        posting = SQLModel.metadata.tables["posting"]
        held = SQLModel.metadata.tables["role_assignment"]
        running = sa.or_(held.c.until.is_(None), held.c.until >= self.today)
        for ids in pieces([row.id for row in found]):
            for row in run(
                sa.select(posting)
                .where(posting.c.teacher_id.in_(ids))
                .order_by(posting.c.since, posting.c.id)
            ):
                if row.is_primary:
                    if row.until is None:
                        self.main[row.teacher_id] = row
                    else:
                        self.last[row.teacher_id] = row
                if row.until is None:
                    self.open[row.teacher_id].append(row)
            for row in run(sa.select(held).where(held.c.teacher_id.in_(ids), running)):
                self.roles[row.teacher_id].append(row)

    def work(self, entry: Entry, numbers: dict[str, list[int]]) -> Work:
        """What this row would do."""
        if entry.trouble is not None:
            return self._stopped(entry, Kind.NOT_UNDERSTOOD, entry.trouble)
        try:
            others = [row for row in numbers[entry.staff_no.casefold()] if row != entry.row]
            if others:
                raise _Conflict("twice", ", ".join(map(str, others[:5])))
            unit_id = self._school(entry)
            since = entry.says.get("since")
            if since is not None and since > self.today + AHEAD:
                trouble = Trouble("not_read:since", since.isoformat())
                return self._stopped(entry, Kind.NOT_UNDERSTOOD, trouble)
            known = self.people.get(entry.staff_no.casefold())
            if known is None:
                return self._new(entry, unit_id)
            return self._known(entry, known, unit_id)
        except _Conflict as conflict:
            return self._stopped(entry, Kind.CONFLICT, conflict.trouble)

    def _stopped(self, entry: Entry, kind: Kind, trouble: Trouble) -> Work:
        known = self.people.get(entry.staff_no.casefold()) if entry.staff_no else None
        return Work(
            RowResult(
                entry.row,
                kind,
                entry.staff_no,
                entry.name,
                teacher_id=known.id if known is not None else None,
                trouble=trouble,
            )
        )

    def _school(self, entry: Entry) -> int | None:
        """The unit that the row names; None when it names none. Raises _Conflict."""
        named: int | None = None
        if entry.school_code:
            named = self.by_code.get(sheets.key(entry.school_code))
            if named is None:
                raise _Conflict("unknown_school", entry.school_code)
        if entry.school:
            found = self.by_word.get(sheets.key(entry.school), set())
            if named is not None and named not in found:
                raise _Conflict("two_schools", f"{entry.school_code} / {entry.school}")
            if named is None and not found:
                raise _Conflict("unknown_school", entry.school)
            if named is None and len(found) > 1:
                codes = "、".join(sorted(self.units[unit_id].code for unit_id in found))
                raise _Conflict("school_by_code", codes)
            named = named or next(iter(found))
        return named

    def _new(self, entry: Entry, unit_id: int | None) -> Work:
        if entry.says.get("state") in GONE:
            # Whoever is gone and was never known is not taken in.
            return Work(RowResult(entry.row, Kind.SAME, entry.staff_no, entry.name))
        unit_id = unit_id or self.home
        if unit_id is None:
            raise _Conflict("no_school")
        if unit_id not in self.reach:
            raise _Conflict("other_school", self.units[unit_id].name)
        says = entry.says
        teacher = {
            "staff_no": entry.staff_no,
            "name": entry.name,
            "hire_date": says.get("hire_date"),
            "entry_route": says.get("entry_route", ""),
            "service_end": None,
            "is_full_time": says.get("full_time", True),
            "title": says.get("title", ""),
            "title_since": None,
            "phone_hash": self._phone(says["phone"]) if "phone" in says else None,
            "state": says.get("state", TeacherState.ACTIVE),
        }
        since = says.get("since") or says.get("hire_date") or self.today
        opens = self._opening(entry, unit_id, min(since, self.today + AHEAD))
        return Work(
            RowResult(entry.row, Kind.NEW, entry.staff_no, entry.name, unit_id=unit_id),
            teacher=teacher,
            opens=opens,
            gives=self._roles(entry, None, unit_id, opens["subjects"]),
            subjects=opens["subjects"],
        )

    def _opening(self, entry: Entry, unit_id: int, since: date, before: Any = None) -> Values:
        says = entry.says
        stage = says.get("stage") or self.only_stage.get(unit_id, "")
        if not stage and before is not None:
            stages = self.units[unit_id].stages
            stage = before.stage if before.stage in stages else ""
        subjects = says.get("subjects", before.subjects if before is not None else ())
        return {
            "unit_id": unit_id,
            "since": since,
            "stage": stage,
            "subjects": list(subjects),
            # Duties are a school's: they do not move along.
            "duties": list(says.get("duties", ())),
        }

    def _known(self, entry: Entry, known: Any, unit_id: int | None) -> Work:
        main, last = self.main.get(known.id), self.last.get(known.id)
        here = main or last
        if here is not None and here.unit_id not in self.reach:
            raise _Conflict("other_person")
        says = entry.says
        work = Work(
            RowResult(entry.row, Kind.SAME, known.staff_no, entry.name, teacher_id=known.id)
        )
        changes: list[Changed] = []
        if not same_name(known.name, entry.name):
            if not (entry.former_name and same_name(known.name, entry.former_name)):
                raise _Conflict("other_name", known.name)
            self._set(work, changes, known, "name", "name", entry.name)
        state = says.get("state")
        is_leaving = state in GONE
        is_back = main is None and not is_leaving
        self._of_teacher(work, changes, known, entry)
        if is_back and state is None:
            state = TeacherState.ACTIVE if known.state in GONE else known.state
        if state is not None and state != known.state:
            self._set(work, changes, known, "state", "state", state)
        unit_after: int | None = None
        moves = ""
        if is_leaving:
            if main is not None:
                moves = "leaves"
            for row in self.open[known.id]:
                work.closes.append((row, max(row.since, self.today)))
            work.ends += self.roles[known.id]
            unit_after = here.unit_id if here is not None else None
        else:
            target = unit_id or self.home or (here.unit_id if here is not None else None)
            if target is None:
                raise _Conflict("no_school")
            if target not in self.reach:
                raise _Conflict("other_school", self.units[target].name)
            unit_after = target
            if main is None or target != main.unit_id:
                moves = "returns" if main is None else "transfer"
                self._moves(work, changes, entry, target, main, last)
            else:
                self._stays(work, changes, entry, main, last)
            work.subjects = list(entry.says.get("subjects", _subjects(main, last)))
            work.gives = self._roles(entry, known.id, target, work.subjects)
        for role, _kind, _scope in work.gives:
            changes.append(Changed("roles", "", role.value))
        if changes and known.id != self.actor_id and not self._covers(known.id):
            raise _Conflict("reaches_further")
        if changes and known.id == self.actor_id and (is_leaving or work.ends):
            # Who looks after the whole office may stand at another desk of it; nobody takes
            # away the rights by which they import.
            raise _Conflict("yourself")
        kind = Kind.CHANGED if changes else Kind.SAME
        if kind is Kind.SAME:
            return Work(
                RowResult(
                    entry.row, kind, known.staff_no, entry.name, known.id, unit_after, moves=""
                )
            )
        work.result = RowResult(
            entry.row,
            kind,
            known.staff_no,
            entry.name,
            known.id,
            unit_after,
            moves,
            tuple(changes),
        )
        return work

    def _of_teacher(self, work: Work, changes: list[Changed], known: Any, entry: Entry) -> None:
        columns = {"full_time": "is_full_time", "phone": "phone_hash"}
        for name in OF_TEACHER:
            if name in entry.says:
                value = entry.says[name]
                if name == "phone":
                    value = self._phone(value)
                self._set(work, changes, known, columns.get(name, name), name, value)

    def _set(
        self, work: Work, changes: list[Changed], known: Any, column: str, name: str, value: Any
    ) -> None:
        before = getattr(known, column)
        if before == value:
            return
        work.teacher[column] = value
        work.before[column] = before
        hidden = name == "phone"
        changes.append(
            Changed(name, "" if hidden else _said(before), "" if hidden else _said(value))
        )

    def _moves(
        self,
        work: Work,
        changes: list[Changed],
        entry: Entry,
        target: int,
        main: Any,
        last: Any,
    ) -> None:
        """Close the posting that is open, if one is, and open another."""
        since = entry.says.get("since") or self.today
        before = main if main is not None else last
        if main is not None:
            if since < main.since:
                raise _Conflict("before_posting", main.since.isoformat())
            work.closes.append((main, postings.last_day(main.since, since)))
            # Who goes leaves the school's offices behind.
            work.ends += [
                role
                for role in self.roles[main.teacher_id]
                if role.scope_kind == ScopeKind.UNIT
                and role.scope_id == main.unit_id
                and role.role not in OVER_THE_OFFICE
            ]
        elif last is not None and since <= last.until and since < self.today:
            raise _Conflict("before_posting", last.until.isoformat())
        work.opens = self._opening(entry, target, since, before)
        was = self.units[before.unit_id].name if before is not None else ""
        changes.append(Changed("school", was, self.units[target].name))

    def _stays(
        self, work: Work, changes: list[Changed], entry: Entry, main: Any, last: Any
    ) -> None:
        says = entry.says
        since = says.get("since", main.since)
        if since != main.since:
            if last is not None and since <= last.until:
                raise _Conflict("before_posting", last.until.isoformat())
            changes.append(Changed("since", main.since.isoformat(), since.isoformat()))
        after = {
            "stage": says.get("stage", main.stage),
            "subjects": list(says.get("subjects", main.subjects)),
            "duties": list(says.get("duties", main.duties)),
        }
        for name, value in after.items():
            before = getattr(main, name)
            if before != value:
                changes.append(Changed(name, _said(before), _said(value)))
        if since != main.since or any(getattr(main, n) != v for n, v in after.items()):
            work.changes = (main, {"since": since, **after})

    def _roles(
        self, entry: Entry, teacher_id: int | None, unit_id: int, subjects: Collection[str]
    ) -> list[tuple[Role, ScopeKind, int]]:
        """The roles that the row gives and that are not held yet."""
        gives = []
        for role in entry.roles:
            scope = unit_id
            if role in OVER_THE_OFFICE:
                if self.office_unit is None:
                    raise _Conflict("role", role.value)
                scope = self.office_unit
            held = teacher_id is not None and any(
                row.role == role
                and row.scope_kind == ScopeKind.UNIT
                and row.scope_id == scope
                and row.since <= self.today
                for row in self.roles[teacher_id]
            )
            if held:
                continue
            if not self._may_give(role, scope):
                raise _Conflict("role", role.value)
            # No subject would mean all of them.
            if role in FOR_SUBJECTS and not subjects:
                raise _Conflict("no_subject", role.value)
            gives.append((role, ScopeKind.UNIT, scope))
        return gives

    def _may_give(self, role: Role, unit_id: int) -> bool:
        return any(
            role in authority.gives(grant)
            and (grant.unit_id is None or unit_id in self._tree(grant.unit_id))
            for grant in self.grants
        )

    def _tree(self, root: int) -> frozenset[int]:
        if root not in self._below:
            children = defaultdict(list)
            for unit in self.units.values():
                children[unit.parent_id].append(unit.id)
            found, wave = {root}, [root]
            while wave:
                wave = [c for unit_id in wave for c in children[unit_id] if c not in found]
                found.update(wave)
            self._below[root] = frozenset(found)
        return self._below[root]

    def _covers(self, teacher_id: int) -> bool:
        """Whether none of this teacher's roles reaches further than the actor may import."""
        for role in self.roles[teacher_id]:
            if role.scope_kind == ScopeKind.TENANT:
                return False
            if role.scope_kind == ScopeKind.UNIT and role.scope_id not in self.reach:
                return False
        return True

    def _phone(self, phone: str) -> str:
        return phones.hashed(phone, self.salt)

    def missing(self, unit_ids: Collection[int], works: Sequence[Work]) -> tuple[int, ...]:
        """Who works in these units and stands in no row, not even in one that is in trouble."""
        listed = {work.result.teacher_id for work in works}
        unclear = {work.result.name for work in works if work.result.trouble is not None}
        rows = self.session.connection().execute(
            sa.select(col(Teacher.id), col(Teacher.name))
            .join(Posting, col(Posting.teacher_id) == col(Teacher.id))
            .where(
                col(Posting.unit_id).in_(sorted(unit_ids)),
                col(Posting.is_primary),
                col(Posting.until).is_(None),
                col(Teacher.state).not_in(GONE),
            )
            .order_by(col(Teacher.staff_no))
        )
        return tuple(
            teacher_id
            for teacher_id, name in rows
            if teacher_id not in listed and teacher_id != self.actor_id and name not in unclear
        )


def _subjects(main: Any, last: Any) -> Collection[str]:
    """What somebody teaches, by the posting that is open or the last that was."""
    before = main if main is not None else last
    return () if before is None else before.subjects


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "、".join(value)
    return value.isoformat() if isinstance(value, date) else str(value)
