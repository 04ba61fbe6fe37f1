"""The list of schools from a file: with it and a roster a county is built from files alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from storage import audit, deeds, sheets
from storage.deeds import ChangedSince, Deed
from storage.moments import local_day
from storage.people import authority, facts, imports, offices
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting, PreviewOutdated
from storage.people.postings import Values
from storage.people.roster import Applied, figures_of, kept_figures, nothing
from storage.people.roster_comparing import Changed, Comparison, Kind, RowResult, Tell, Work, pieces
from storage.people.roster_reading import HEADERS as OF_TEACHERS
from storage.people.roster_reading import NONE, TableRead, Trouble
from storage.people.tables import (
    ImportState,
    MembershipKind,
    Office,
    OrgMembership,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    ScopeKind,
    UnitKind,
)
from storage.refusals import NotAllowed
from storage.sheets import Book, Line

KIND = "units"
REQUIRED = ("code", "name")
LONGEST = 60

HEADERS: dict[str, tuple[str, ...]] = {
    "code": (
        "学校代码", "學校代碼", "单位代码", "單位代碼", "代码", "代碼", "学校编码", "學校編碼",
        "单位编码", "學校標識碼", "学校标识码", "编码", "School code", "Unit code", "Code",
    ),
    "name": (
        "学校名称", "學校名稱", "单位名称", "單位名稱", "学校", "學校", "单位", "單位", "名称",
        "名稱",
        "School", "School name", "Unit", "Unit name", "Name",
    ),
    "short": ("简称", "簡稱", "学校简称", "學校簡稱", "单位简称", "Short name"),
    "kind": (
        "类别", "類別", "类型", "類型", "学校类别", "學校類別", "学校类型", "學校類型", "办学类型",
        "辦學類型", "单位类型", "單位類型", "单位类别", "Kind", "Type", "School type",
    ),
    "stages": ("学段", "學段", "办学学段", "辦學學段", "Stage", "Stages", "Phase"),
    "area_type": (
        "城乡类型", "城鄉類型", "城乡分类", "城鄉分類", "区域类型", "區域類型", "所在区域", "城乡",
        "Area type", "Area",
    ),
    "pupils": (
        "学生数", "學生數", "在校生数", "在校生數", "学生人数", "學生人數", "在校学生数", "Pupils",
        "Students", "Number of pupils",
    ),
    "parent": ("上级单位", "上級單位", "主管单位", "主管單位", "隶属", "隸屬", "Parent",
    "Parent unit"),
    "group": ("教育集团", "教育集團", "集团", "集團", "所属集团", "所屬集團", "Group",
    "School group"),
    "circle": ("片区", "片區", "所属片区", "所屬片區", "学区", "學區", "District",
    "School district"),
    "state": ("办学状态", "辦學狀態", "状态", "狀態", "State", "Status"),
}  # fmt: skip

KINDS: dict[UnitKind, tuple[str, ...]] = {
    UnitKind.SCHOOL: (
        "school", "学校", "學校", "小学", "小學", "初中", "高中", "幼儿园", "幼兒園", "完全中学",
        "完全中學",
        "完中", "九年一贯制", "九年一貫制", "九年一贯制学校", "九年一貫制學校", "初级中学",
        "初級中學",
        "高级中学", "高級中學", "职业学校", "職業學校", "中职", "中職", "特殊教育学校", "中心小学",
        "中心小學", "中心学校", "中心學校", "中心校", "教学点", "教學點", "primaryschool",
        "middleschool", "juniorsecondaryschool", "seniorsecondaryschool", "kindergarten",
        "vocationalschool",
    ),
    UnitKind.GROUP: ("group", "教育集团", "教育集團", "集团", "集團", "schoolgroup"),
    UnitKind.AREA: ("area", "片区", "片區", "学区", "學區", "district"),
    UnitKind.TEACHER_DEV_CENTER: (
        "teacherdevcenter", "教师发展中心", "教師發展中心", "教师进修学校", "教師進修學校",
        "进修学校",
        "teacherdevelopmentcentre", "teacherdevelopmentcenter",
    ),
    UnitKind.RESEARCH_OFFICE: (
        "researchoffice", "教研室", "教研院", "教科院", "教研机构", "教研機構",
    ),
    UnitKind.BUREAU: ("bureau", "教育局", "教体局", "教體局", "教育体育局", "educationbureau"),
}  # fmt: skip
STAGES: dict[str, tuple[str, ...]] = {
    "kindergarten": ("kindergarten", "幼儿园", "幼兒園", "学前", "學前"),
    "primary": (
        "primary", "小学", "小學", "九年一贯制", "九年一貫制", "九年一贯制学校", "九年一貫制學校",
        "中心小学", "中心小學", "教学点", "教學點", "primaryschool",
    ),
    "junior": (
        "junior", "初中", "初级中学", "初級中學", "九年一贯制", "九年一貫制", "九年一贯制学校",
        "九年一貫制學校", "完全中学", "完全中學", "完中", "juniorsecondary",
        "juniorsecondaryschool",
        "middleschool",
    ),
    "senior": (
        "senior", "高中", "普通高中", "高级中学", "高級中學", "完全中学", "完全中學", "完中",
        "seniorsecondary", "seniorsecondaryschool", "highschool",
    ),
    "vocational": (
        "vocational", "中职", "中職", "职高", "職高", "职业学校", "職業學校", "职业高中",
        "vocationalschool",
    ),
}  # fmt: skip
AREAS: dict[str, tuple[str, ...]] = {
    "urban": ("urban", "城区", "城區", "城市", "市区", "市區", "县城", "縣城", "主城区"),
    "town": ("town", "镇区", "鎮區", "镇", "鎮", "乡镇", "鄉鎮"),
    "rural": ("rural", "乡村", "鄉村", "农村", "農村", "乡", "鄉", "村"),
}
ACTIVE: dict[bool, tuple[str, ...]] = {
    True: ("active", "正常", "在办", "在辦", "办学", "辦學", "开办", "open"),
    False: ("inactive", "撤销", "撤銷", "撤并", "撤併", "停办", "停辦", "关闭", "關閉", "closed"),
}
_BETWEEN = re.compile(r"[、，,;；/|＋+\s]+")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,31}")
_CIRCLES = {"group": MembershipKind.GROUP_MEMBER, "circle": MembershipKind.AREA_MEMBER}
_KIND_OF = {"group": UnitKind.GROUP, "circle": UnitKind.AREA}
COLUMNS = ("name", "short_name", "kind", "stages", "area_type", "pupils", "active")


@dataclass(frozen=True)
class UnitEntry:
    """One row; ``says`` has the fields with something in them."""

    row: int
    code: str
    name: str
    says: dict[str, Any] = field(default_factory=dict)
    trouble: Trouble | None = None


@dataclass(frozen=True)
class SchoolList(TableRead):
    """A table of units."""

    entries: tuple[UnitEntry, ...] = ()


@dataclass
class UnitWork(Work):
    """A row's result, and the circles and parent that it names, by code."""

    code: str = ""
    circles: dict[MembershipKind, str] = field(default_factory=dict)
    parent: str = ""


# --- reading ----------------------------------------------------------------------------------


def is_school_list(book: Book) -> bool:
    """Whether this table, which nobody has asked for, is meant as a list of schools."""
    table = sheets.find_table(book, HEADERS, REQUIRED)
    if table is None or len(table.columns) < 3:
        return False
    return sheets.find_table(book, OF_TEACHERS, ("staff_no",)) is None


def read_school_list(book: Book) -> SchoolList | None:
    """Read the first sheet with codes and names of units; None when there is none."""
    if sheets.find_table(book, OF_TEACHERS, ("staff_no",)) is not None:
        return None
    table = sheets.find_table(book, HEADERS, REQUIRED)
    if table is None:
        return None
    return SchoolList(
        sheet=table.sheet,
        header=table.header,
        unknown=table.unknown,
        hidden_rows=table.hidden_rows,
        hidden_columns=table.hidden_columns,
        hidden_sheets=book.hidden,
        entries=tuple(_entry(line) for line in table.lines),
    )


def _entry(line: Line) -> UnitEntry:
    code = "".join(sheets.plain(line.values.get("code", "")).split())
    name = " ".join(line.values.get("name", "").split())
    if not _CODE.fullmatch(code):
        return UnitEntry(line.number, code[:LONGEST], name, trouble=Trouble("no_code", code[:30]))
    if not name or len(name) > LONGEST:
        return UnitEntry(line.number, code, name[:LONGEST], trouble=Trouble("no_unit_name"))
    says: dict[str, Any] = {}
    trouble: Trouble | None = None
    for column in HEADERS:
        text = sheets.plain(line.values.get(column, ""))
        if column in REQUIRED or not text:
            continue
        try:
            says |= _said(column, text)
        except ValueError:
            trouble = trouble or Trouble(f"not_read:unit_{column}", text[:30])
    return UnitEntry(line.number, code, name, says, trouble)


def _said(column: str, text: str) -> Values:
    """What a cell says. Raises ValueError when that is nothing known."""
    word = _word(text)
    if column == "kind":
        said: Values = {"kind": _one(KINDS, word)}
        stages = _all(STAGES, [word])
        return said | ({"stages": stages} if stages else {})
    if column == "stages":
        words = [_word(part) for part in _BETWEEN.split(text) if part]
        stages = _all(STAGES, words)
        if any(not _all(STAGES, [each]) for each in words):
            raise ValueError(text)
        return {"stages": stages}
    if column == "area_type":
        return {"area_type": _one(AREAS, word)}
    if column == "state":
        return {"active": _one(ACTIVE, word)}
    if column == "pupils":
        number = sheets.as_number(text)
        if number is None or number != int(number) or not 0 <= number < 1_000_000:
            raise ValueError(text)
        return {"pupils": int(number)}
    if len(text) > LONGEST:
        raise ValueError(text)
    if column == "short":
        return {"short_name": text}
    return {column: "" if text.casefold() in NONE else text}


def _word(text: str) -> str:
    return re.sub(r"[\s_-]+", "", sheets.plain(text)).casefold()


def _one(table: dict[Any, tuple[str, ...]], word: str) -> Any:
    for meant, words in table.items():
        if word in words:
            return meant
    raise ValueError(word)


def _all(table: dict[str, tuple[str, ...]], words: Sequence[str]) -> list[str]:
    return [meant for meant, known in table.items() if any(word in known for word in words)]


# --- comparing --------------------------------------------------------------------------------


def may_import(session: Session, actor_id: int, *, today: date) -> bool:
    """Whether this person may add and change schools: the county's, or the whole office's."""
    if any(g.role is Role.SYSADMIN for g in authority.grants(session, actor_id, today=today)):
        return True
    top = session.exec(select(Office.unit_id)).first()
    return top is not None and authority.may(session, actor_id, Act.IMPORT_ROSTER, top, today=today)


def look(
    session: Session, actor_id: int, read: SchoolList, *, now: datetime, tell: Tell = nothing
) -> Comparison:
    """Compare the list with what is kept; nothing is written. Raises NotAllowed."""
    today = local_day(now, offices.zone(session))
    if not may_import(session, actor_id, today=today):
        raise NotAllowed
    table = SQLModel.metadata.tables["org_unit"]
    units = list(session.connection().execute(sa.select(table)))
    known = {unit.code.casefold(): unit for unit in units}
    circles = _circles(session)
    rows_of: dict[str, list[int]] = defaultdict(list)
    by_name: dict[str, list[str]] = defaultdict(list)
    for entry in read.entries:
        if entry.trouble is None:
            rows_of[entry.code.casefold()].append(entry.row)
            by_name[sheets.key(entry.name)].append(entry.code.casefold())
    for unit in units:
        if unit.code.casefold() not in rows_of:
            by_name[sheets.key(unit.name)].append(unit.code.casefold())
    kinds = {unit.code.casefold(): unit.kind for unit in units} | {
        entry.code.casefold(): entry.says.get("kind", UnitKind.SCHOOL)
        for entry in read.entries
        if entry.trouble is None and entry.code.casefold() not in known
    }
    words: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for word in {unit.code, unit.name, unit.short_name} - {""}:
            words[sheets.key(word)].add(unit.code.casefold())
    for entry in read.entries:
        if entry.trouble is None:
            for word in {entry.code, entry.name, entry.says.get("short_name", "")} - {""}:
                words[sheets.key(word)].add(entry.code.casefold())

    def work(entry: UnitEntry) -> UnitWork:
        def stopped(kind: Kind, trouble: Trouble) -> UnitWork:
            result = RowResult(entry.row, kind, entry.code, entry.name, trouble=trouble)
            return UnitWork(result)

        if entry.trouble is not None:
            return stopped(Kind.NOT_UNDERSTOOD, entry.trouble)
        code = entry.code.casefold()
        others = [row for row in rows_of[code] if row != entry.row]
        if others:
            return stopped(Kind.CONFLICT, Trouble("code_twice", ", ".join(map(str, others[:5]))))
        if set(by_name[sheets.key(entry.name)]) != {code}:
            return stopped(Kind.CONFLICT, Trouble("name_taken"))
        unit = known.get(code)
        if unit is not None and unit.kind in (UnitKind.PROVINCE, UnitKind.CITY, UnitKind.COUNTY):
            return stopped(Kind.CONFLICT, Trouble("above_schools"))
        joins: dict[MembershipKind, str] = {}
        for column, membership in _CIRCLES.items():
            if column in entry.says:
                named = entry.says[column]
                found = {
                    c for c in words.get(sheets.key(named), ()) if kinds[c] is _KIND_OF[column]
                }
                if named and len(found) != 1:
                    return stopped(Kind.CONFLICT, Trouble("unknown_unit", named))
                joins[membership] = next(iter(found), "")
        parent = ""
        if entry.says.get("parent"):
            found = set(words.get(sheets.key(entry.says["parent"]), ()))
            if len(found) != 1 or code in found:
                return stopped(Kind.CONFLICT, Trouble("unknown_unit", entry.says["parent"]))
            parent = next(iter(found))
        return _compared(entry, unit, joins, parent, units, circles)

    works = []
    for number, entry in enumerate(read.entries):
        works.append(work(entry))
        tell(number + 1, len(read.entries))
    return Comparison(tuple(works), (), ())


def _circles(session: Session) -> dict[tuple[int, MembershipKind], list[int]]:
    found: dict[tuple[int, MembershipKind], list[int]] = defaultdict(list)
    for row in session.exec(select(OrgMembership)).all():
        found[row.member_unit_id, row.kind].append(row.unit_id)
    return found


def _compared(
    entry: UnitEntry,
    unit: Any,
    joins: dict[MembershipKind, str],
    parent: str,
    units: Sequence[Any],
    circles: dict[tuple[int, MembershipKind], list[int]],
) -> UnitWork:
    values = {"name": entry.name} | {n: entry.says[n] for n in COLUMNS if n in entry.says}
    if unit is None:
        usual: Values = {
            "code": entry.code,
            "short_name": "",
            "kind": UnitKind.SCHOOL,
            "stages": [],
            "area_type": "",
            "pupils": None,
            "active": True,
        }
        result = RowResult(entry.row, Kind.NEW, entry.code, entry.name)
        return UnitWork(
            result, teacher=usual | values, code=entry.code.casefold(), circles=joins, parent=parent
        )
    by_id = {each.id: each for each in units}
    changes: list[Changed] = []
    work = UnitWork(
        RowResult(entry.row, Kind.SAME, unit.code, entry.name, unit_id=unit.id),
        code=unit.code.casefold(),
    )
    for name, value in values.items():
        before = getattr(unit, name)
        if before != value:
            work.teacher[name], work.before[name] = value, before
            changes.append(Changed(f"unit_{name}", _shown(before), _shown(value)))
    for membership, wanted in joins.items():
        now_in = [by_id[unit_id] for unit_id in circles.get((unit.id, membership), [])]
        if [each.code.casefold() for each in now_in] != ([wanted] if wanted else []):
            work.circles[membership] = wanted
            before_names = "、".join(each.name for each in now_in)
            changes.append(Changed(f"unit_{membership.value}", before_names, wanted.upper()))
    above = by_id.get(unit.parent_id)
    if parent and (above is None or above.code.casefold() != parent):
        work.parent = parent
        changes.append(Changed("unit_parent", above.name if above else "", parent.upper()))
    if changes:
        work.result = RowResult(
            entry.row, Kind.CHANGED, unit.code, entry.name, unit_id=unit.id, changes=tuple(changes)
        )
    return work


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "、".join(value) if isinstance(value, list) else str(value)


# --- applying ---------------------------------------------------------------------------------


def apply(
    session: Session,
    actor_id: int,
    job_id: int,
    read: SchoolList,
    *,
    now: datetime,
    tell: Tell = nothing,
) -> Applied:
    """Do what the preview said, all of it or nothing. Applying twice returns the first.

    Raises NotFound, NotAllowed, NoLongerWaiting or PreviewOutdated.
    """
    offices.lock(session)
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED and job.deed_id is not None:
        deed = session.get_one(Deed, job.deed_id)
        return Applied(job.id, kept_figures(job.found), deed.id, deed.until, is_new=False)
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    comparison = look(session, actor_id, read, now=now, tell=tell)
    if comparison.digest() != job.found["digest"]:
        raise PreviewOutdated
    figures = figures_of(comparison)
    data = _write(session, comparison)
    deed_id = deeds.done(session, KIND, actor_id, data, now=now, undo_for=deeds.DAY)
    found = dict(figures.__dict__)
    imports.settle(session, job, ImportState.APPLIED, now=now, found=found, deed_id=deed_id)
    audit.record(
        session,
        actor_id,
        "import_units",
        f"import_job:{job_id}",
        now=now,
        after={"sha256": job.sha256, **found},
    )
    session.flush()
    return Applied(job_id, figures, deed_id, now + deeds.DAY)


def _write(session: Session, comparison: Comparison) -> dict[str, Any]:
    works = [
        work
        for work in comparison.works
        if isinstance(work, UnitWork) and work.result.kind in (Kind.NEW, Kind.CHANGED)
    ]
    table = SQLModel.metadata.tables["org_unit"]
    run = session.connection().execute
    top = session.exec(select(Office.unit_id)).first()
    new = [work for work in works if work.result.kind is Kind.NEW]
    if new:
        run(sa.insert(table), [work.teacher | {"parent_id": top} for work in new])
    ids = {code.casefold(): id_ for code, id_ in session.exec(select(OrgUnit.code, OrgUnit.id))}
    data: dict[str, Any] = {"new": [ids[work.code] for work in new], "units": {}}
    data["joined"], data["parted"] = [], []
    for work in works:
        unit_id = ids[work.code]
        values = dict(work.teacher) if work.result.kind is Kind.CHANGED else {}
        before = dict(work.before)
        if work.parent:
            values["parent_id"] = ids[work.parent]
            before["parent_id"] = session.exec(
                select(OrgUnit.parent_id).where(OrgUnit.id == unit_id)
            ).one()
        if values:
            run(sa.update(table).where(table.c.id == unit_id).values(values))
            if work.result.kind is Kind.CHANGED:
                data["units"][str(unit_id)] = {
                    name: [_plain(before[name]), _plain(value)] for name, value in values.items()
                }
        for membership, code in work.circles.items():
            _join(session, unit_id, membership, ids[code] if code else None, data)
    session.flush()
    session.expire_all()
    _refresh(session, [ids[work.code] for work in works])
    return data


def _join(
    session: Session,
    unit_id: int,
    membership: MembershipKind,
    circle_id: int | None,
    data: dict[str, Any],
) -> None:
    """Be in this circle of its kind, and in no other."""
    rows = session.exec(
        select(OrgMembership).where(
            OrgMembership.member_unit_id == unit_id, OrgMembership.kind == membership
        )
    ).all()
    for row in rows:
        if row.unit_id != circle_id:
            data["parted"].append(
                [row.id, row.unit_id, unit_id, membership.value, list(row.subjects)]
            )
            session.delete(row)
    if circle_id is not None and all(row.unit_id != circle_id for row in rows):
        made = OrgMembership(unit_id=circle_id, member_unit_id=unit_id, kind=membership)
        session.add(made)
        session.flush()
        data["joined"].append([made.id, circle_id, unit_id, membership.value])
    session.flush()


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, UnitKind) else value


def _refresh(session: Session, unit_ids: Sequence[int]) -> None:
    """Rewrite the facts of whoever works in these units, or in what belongs to them."""
    members = session.exec(
        select(OrgMembership.member_unit_id).where(col(OrgMembership.unit_id).in_(unit_ids))
    ).all()
    people = session.exec(
        select(Posting.teacher_id).where(
            col(Posting.unit_id).in_({*unit_ids, *members}), col(Posting.until).is_(None)
        )
    ).all()
    if people:
        facts.refresh(session, set(people))


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Put the units back as they were. Raises ChangedSince when they are in use or changed."""
    if not may_import(session, deed.actor_id, today=local_day(now, offices.zone(session))):
        raise NotAllowed
    data = deed.data
    table = SQLModel.metadata.tables["org_unit"]
    run = session.connection().execute
    new = list(data["new"])
    joined = {row[0] for row in data["joined"]}
    for unit_id, columns in data["units"].items():
        row = run(sa.select(table).where(table.c.id == int(unit_id))).mappings().first()
        if row is None or any(_plain(row[n]) != after for n, (_b, after) in columns.items()):
            raise ChangedSince("unit")
    members = SQLModel.metadata.tables["org_membership"]
    for row_id, circle_id, unit_id, _kind in data["joined"]:
        row = run(sa.select(members).where(members.c.id == row_id)).mappings().first()
        if row is None or (row["unit_id"], row["member_unit_id"]) != (circle_id, unit_id):
            raise ChangedSince("membership")
    _check_unused(session, new, joined)
    for some in pieces(sorted(joined)):
        run(sa.delete(members).where(members.c.id.in_(some)))
    for unit_id, columns in data["units"].items():
        back = {n: before for n, (before, _after) in columns.items()}
        if "kind" in back:
            back["kind"] = UnitKind(back["kind"])
        run(sa.update(table).where(table.c.id == int(unit_id)).values(back))
    for some in pieces(new):
        # A unit of the list may stand above another one of it.
        run(sa.update(table).where(table.c.id.in_(some)).values(parent_id=None))
    for some in pieces(new):
        run(sa.delete(table).where(table.c.id.in_(some)))
    for row_id, circle_id, unit_id, kind, subjects in data["parted"]:
        run(
            sa.insert(members).values(
                id=row_id,
                unit_id=circle_id,
                member_unit_id=unit_id,
                kind=MembershipKind(kind),
                subjects=subjects,
            )
        )
    session.expire_all()
    _refresh(session, [int(unit_id) for unit_id in data["units"]])


def _check_unused(session: Session, new: Sequence[int], joined: set[int]) -> None:
    """Raise ChangedSince when something has been built on a unit of the list."""
    run = session.connection().execute
    for some in pieces(new):
        for table in SQLModel.metadata.sorted_tables:
            for column in table.columns:
                if not any(f.column.table.name == "org_unit" for f in column.foreign_keys):
                    continue
                found = sa.select(table.c.id).where(column.in_(some))
                if table.name == "org_membership":
                    found = found.where(table.c.id.not_in(joined))
                if table.name == "org_unit":
                    found = found.where(table.c.id.not_in(new))
                if run(found.limit(1)).first():
                    raise ChangedSince(table.name)
        held = session.exec(
            select(RoleAssignment.id).where(
                RoleAssignment.scope_kind == ScopeKind.UNIT,
                col(RoleAssignment.scope_id).in_(some),
            )
        ).first()
        if held is not None:
            raise ChangedSince("role")
