"""A plan sheet (培训计划表): a row for each programme or class, read, previewed, made, undone.

The preview reads the file and changes nothing; applying reads the same file again and makes
drafts of the rows that were understood. A row whose programme is there already, or that stands
twice in the file, is left out, so that the same file again makes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from storage import audit, deeds, sheets
from storage.calendar import saying
from storage.calendar.saying import NotUnderstood, Said, WrongWeekday
from storage.deeds import ChangedSince, Deed
from storage.moments import local_day
from storage.people import authority, imports, offices
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting
from storage.people.tables import ImportJob, ImportState
from storage.refusals import NotFound
from storage.sheets import Book, Line, Table
from storage.training import making
from storage.training.making import DatesNotInOrder, Form, Home, WrongValue
from storage.training.tables import Approval, Batch, Enrolment, Level, Mode, Programme

KIND = "plan"
"""The kind of the import, and of the deed that undoes it."""
MOST_ROWS = 500

FIELDS: Mapping[str, tuple[str, ...]] = {
    "title": ("项目名称", "培训项目", "培训名称", "培训项目名称", "培训主题", "項目名稱",
              "培訓項目", "培訓名稱", "programme", "title"),
    "class": ("班次", "期次", "班期", "期数", "期數", "class", "batch"),
    "category": ("类别", "项目类别", "培训类别", "类型", "培训类型", "類別", "類型", "category",
                 "kind"),
    "level": ("级别", "层级", "项目级别", "培训级别", "級別", "層級", "level"),
    "mode": ("方式", "培训方式", "培训形式", "形式", "培訓方式", "形式", "mode"),
    "enrolment": ("报名方式", "参加方式", "產生方式", "產生辦法", "产生方式", "报名", "報名方式",
                  "enrolment"),
    "audience": ("对象", "培训对象", "参训对象", "對象", "培訓對象", "audience", "for"),
    "hours": ("学时", "培训学时", "学时数", "學時", "課時", "课时", "hours"),
    "start": ("开始", "开始时间", "开始日期", "开班时间", "起始时间", "時間", "時間安排",
              "培训时间", "时间", "培訓時間", "開始", "開始時間", "開始日期", "start", "when"),
    "end": ("结束", "结束时间", "结束日期", "截止时间", "結束", "結束時間", "結束日期", "end"),
    "place": ("地点", "培训地点", "地點", "培訓地點", "place"),
    "seats": ("人数", "计划人数", "名额", "培训人数", "人數", "計劃人數", "名額", "seats"),
    "reg_close": ("报名截止", "报名截止时间", "報名截止", "registration closes"),
}  # fmt: skip
REQUIRED = ("title", "start")

_OF_PEOPLE = frozenset(
    ("姓名", "教师姓名", "工号", "教师工号", "教師姓名", "工號", "name", "staffnumber", "staffno")
)
_LEVELS = {
    Level.NATIONAL: ("国家级", "国家", "国培", "國家級", "國家", "國培", "national"),
    Level.PROVINCIAL: ("省级", "省", "省培", "省級", "provincial"),
    Level.CITY: ("市级", "市", "市培", "市級", "city"),
    Level.COUNTY: ("县级", "县", "县培", "区县级", "区级", "縣級", "縣", "縣培", "county"),
    Level.SCHOOL: ("校级", "校", "校本", "校本培训", "校本研修", "校級", "school"),
}
_MODES = {
    Mode.FACE_TO_FACE: ("集中", "集中培训", "面授", "线下", "集中面授", "集中培訓", "線下",
                        "face to face"),
    Mode.REMOTE: ("远程", "网络", "网络研修", "远程培训", "线上", "在线", "遠程", "網絡",
                  "網絡研修", "線上", "remote", "online"),
    Mode.SHADOWING: ("跟岗", "跟岗实践", "影子", "跟崗", "shadowing"),
    Mode.BLENDED: ("混合", "混合式", "线上线下", "线上线下混合", "集中+网络", "混合式研修",
                   "blended"),
    Mode.OUTREACH: ("送教", "送教下乡", "送培", "送教下鄉", "outreach"),
    Mode.LIVE: ("直播", "在线直播", "live"),
}  # fmt: skip
_ENROLMENTS = {
    Enrolment.OPEN: ("自主报名", "报名", "自愿报名", "公开报名", "自主報名", "open"),
    Enrolment.NOMINATION: ("推荐", "学校推荐", "选派", "推薦", "學校推薦", "選派", "nomination"),
    Enrolment.AUTOMATIC: ("全员", "全员参加", "全部", "自动", "全員", "automatic", "everybody"),
    Enrolment.MENU: ("菜单", "选学", "菜单式", "菜單", "選學", "menu"),
    Enrolment.INVITATION: ("邀请", "特邀", "邀請", "invitation"),
}
CATEGORY_WORDS: Mapping[str, tuple[str, ...]] = {
    "ethics": ("师德", "师德师风", "師德", "師德師風", "ethics"),
    "post_skill": (
        "岗位技能",
        "教学技能",
        "技能",
        "岗位培训",
        "全员",
        "崗位技能",
        "teaching skills",
    ),
    "new_curriculum": ("新课程", "新课标", "新課程", "新課標", "new curriculum"),
    "degree_upgrade": ("学历提升", "学历", "學歷提升"),
    "ict": ("信息技术", "信息化", "教育技术", "信息技術", "ict"),
    "digital": ("数字素养", "数字化", "人工智能", "數字素養", "digital"),
    "management": ("管理", "干部", "校长", "教育干部", "學校管理", "幹部", "management"),
    "homeroom": ("班主任", "class teachers"),
    "subject_backbone": ("骨干", "骨干教师", "学科骨干", "骨幹教師", "學科骨幹", "backbone"),
    "remote_admin": ("培训管理员", "管理员", "远培管理员", "培訓管理員"),
    "pre_service": ("岗前", "岗前培训", "新教师岗前", "崗前培訓", "pre-service"),
    "new_teacher_completion": ("结业", "新教师结业", "結業"),
    "kindergarten": ("幼儿园", "学前", "幼儿教师", "幼兒園", "學前", "kindergarten"),
    "kg_cert_prep": ("资格考前", "教师资格", "資格考前"),
    "outreach": ("送教", "送教下乡", "送教下鄉", "outreach"),
    "school_based": ("校本", "校本培训", "校本研修", "校本培訓", "school-based"),
    "counsellor": ("心理", "心理健康", "心理辅导", "counsellors"),
    "research": ("教研", "课题", "科研", "課題", "research"),
    "other": ("其他", "其它", "综合", "綜合", "other"),
}
_EVERYBODY = frozenset(
    ("", "全体教师", "全员", "全体", "全县教师", "教师", "全體教師", "全員", "全體", "所有教师",
     "all", "allteachers")
)  # fmt: skip
_AUDIENCE = (
    ("stage", "kindergarten", r"幼儿园|幼兒園|学前|學前|幼师|幼儿教师|kindergarten"),
    ("stage", "primary", r"小学|小學|中小学|中小學|primary"),
    ("stage", "junior", r"初中|中学(?!小)|中學|中小学|中小學|junior"),
    ("stage", "senior", r"高中|中学(?!小)|中學|中小学|中小學|senior"),
    ("stage", "vocational", r"职业|职教|中职|職業|中職|vocational"),
    ("duty", "homeroom", r"班主任|class teachers?"),
    ("post", "principal", r"(?<!副)校长|(?<!副)校長|园长|園長|principals?"),
    ("post", "vice_principal", r"副校长|副校長|副园长"),
    ("post", "middle_leader", r"中层(?:干部)?|中層(?:幹部)?"),
    ("tier", "backbone", r"骨干|骨幹|backbone"),
    ("tier", "rising_star", r"教坛新秀|教壇新秀"),
    ("role", "school_coordinator", r"(?:学校)?(?:培训|远培)?管理员|(?:學校)?(?:培訓)?管理員"),
    ("entry_route", "special_post", r"特岗|特崗"),
    ("area_type", "rural", r"乡村|農村|农村|鄉村|rural"),
)
_FILLING = re.compile(
    r"[\s,，、;；/和及与與的()（）]|教师|教師|老师|老師|teachers?|在职|任课|专任|全县|全體|全体|"
    r"各|校|等|学科|學科|and|of|subject"
)

E = TypeVar("E")


class Trouble(StrEnum):
    """Why a row is not made."""

    NO_TITLE = "no_title"
    NO_TIME = "no_time"
    NOT_A_TIME = "not_a_time"
    WEEKDAY = "weekday"
    ORDER = "order"
    OVER = "over"
    LEVEL = "level"
    LEVEL_NOT_YOURS = "level_not_yours"
    MODE = "mode"
    ENROLMENT = "enrolment"
    CATEGORY = "category"
    AUDIENCE = "audience"
    HOURS = "hours"
    SEATS = "seats"
    TOO_LONG = "too_long"
    KNOWN = "known"  # such a programme is there already
    TWICE = "twice"  # the row stands in the file before
    ONE_CLASS = "one_class"  # everybody is enrolled in the first class already


HARMLESS = frozenset({Trouble.KNOWN, Trouble.TWICE})
"""Rows that are left out because nothing is left to do."""


@dataclass(frozen=True)
class Problem:
    """What is wrong in a row: the field's value as it stands there."""

    trouble: Trouble
    said: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the sheet: what it would make, or why it makes nothing."""

    number: int
    title: str
    starts_at: datetime | None
    form: Form | None
    klass: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Preview:
    """What applying a sheet would make; ``classes`` counts those of all programmes."""

    job_id: int
    file_name: str
    state: ImportState
    rows: tuple[Row, ...]
    programmes: int
    classes: int
    left_out: int  # there already, or twice in the file
    not_understood: int
    unknown: tuple[str, ...]  # headers that say nothing known
    too_many: bool
    deed_id: int | None = None


@dataclass(frozen=True)
class Applied:
    """What was made; ``deed_id`` takes it back."""

    job_id: int
    deed_id: int
    programmes: int
    classes: int


def is_plan(book: Book) -> bool:
    """Whether this is a plan sheet; a table of people is none, whatever it says of training."""
    table = table_of(book)
    return table is not None and not {sheets.key(each) for each in table.unknown} & _OF_PEOPLE


def table_of(book: Book) -> Table | None:
    """The table of programmes in a book; None when there is none."""
    return sheets.find_table(book, FIELDS, REQUIRED)


def blank(language: str) -> bytes:
    """Return an empty plan sheet to fill in; as it is, it is read as one without rows."""
    names = [synonyms[-1 if language == "en" else 0] for synonyms in FIELDS.values()]
    return sheets.write([("计划" if language != "en" else "Plan", [names])])


def preview(
    session: Session, actor_id: int, book: Book, content: bytes, *, now: datetime
) -> Preview:
    """Read a plan sheet and keep it, to be applied or not. Raises NotAllowed or NotFound."""
    making.homes(session, actor_id, now=now)
    job_id = imports.keep_preview(session, actor_id, KIND, book.name, content, now=now)
    job = imports.own(session, actor_id, job_id)
    found = _read(session, actor_id, book, job, now=now)
    job.found = {
        "programmes": found.programmes,
        "classes": found.classes,
        "left_out": found.left_out,
        "not_understood": found.not_understood,
    }
    session.flush()
    return found


def apply(session: Session, actor_id: int, job_id: int, book: Book, *, now: datetime) -> Applied:
    """Make drafts of the rows that are understood; applying twice returns the first.

    ``book`` is the kept file, read before the transaction. Raises NotFound, NotAllowed for
    anybody but whoever dropped the file, or NoLongerWaiting.
    """
    job = imports.own(session, actor_id, job_id, KIND)
    if job.state is ImportState.APPLIED and job.deed_id is not None:
        return Applied(job_id, job.deed_id, *job.found["made"])
    if job.state is not ImportState.PREVIEWED:
        raise NoLongerWaiting(job.state)
    found = _read(session, actor_id, book, job, now=now)
    programmes: dict[str, int] = {}
    classes = 0
    for row in found.rows:
        if row.form is None:
            continue
        first = programmes.get(row.title)
        if first is None:
            made = making.create(session, actor_id, row.form, now=now)
            programmes[row.title] = made.batch_id
            if row.klass:
                session.get_one(Batch, made.batch_id).title = row.klass
        else:
            making.add_batch(
                session,
                actor_id,
                first,
                row.form.starts_at,
                row.form.ends_at,
                place=row.form.place,
                seats_=row.form.seats,
                title=row.klass,
                now=now,
            )
        classes += 1
    session.flush()
    ids = list(
        session.exec(select(Batch.programme_id).where(col(Batch.id).in_(programmes.values()))).all()
    )
    deed_id = deeds.done(
        session, KIND, actor_id, {"job": job_id, "programmes": ids}, now=now, undo_for=deeds.DAY
    )
    imports.settle(
        session,
        job,
        ImportState.APPLIED,
        now=now,
        found=job.found | {"made": [len(ids), classes]},
        deed_id=deed_id,
        forget=False,
    )
    after = {"programmes": len(ids), "classes": classes, "sha256": job.sha256}
    audit.record(session, actor_id, "import_plan_sheet", f"import:{job_id}", now=now, after=after)
    session.flush()
    return Applied(job_id, deed_id, len(ids), classes)


def undo(session: Session, deed: Deed, now: datetime) -> None:
    """Take out the drafts that a sheet made. Raises ChangedSince if one is more than a draft."""
    today = local_day(now, offices.zone(session))
    owners = session.exec(
        select(Programme.owner_unit_id)
        .where(col(Programme.id).in_(deed.data["programmes"]))
        .distinct()
    ).all()
    for unit_id in owners:
        authority.check(session, deed.actor_id, Act.RUN_PROGRAMME, unit_id, today=today)
    for programme_id in deed.data["programmes"]:
        made = session.exec(
            select(Programme.id).where(Programme.cloned_from == programme_id)
        ).first()
        if made is not None:
            raise ChangedSince("copied")
        making.erase(session, programme_id)


def _read(session: Session, actor_id: int, book: Book, job: ImportJob, *, now: datetime) -> Preview:
    home = making.homes(session, actor_id, now=now)[0]
    table = table_of(book)
    if table is None:
        raise NotFound("table")
    reading = _Reading(session, home, now)
    rows = tuple(reading.row(line) for line in table.lines[:MOST_ROWS])
    understood = [row for row in rows if row.form is not None]
    left_out = sum(
        bool(row.problems) and {x.trouble for x in row.problems} <= HARMLESS for row in rows
    )
    return Preview(
        job_id=job.id,
        file_name=job.file_name,
        state=job.state,
        rows=rows,
        programmes=len({row.title for row in understood}),
        classes=len(understood),
        left_out=left_out,
        not_understood=len(rows) - len(understood) - left_out,
        unknown=table.unknown,
        too_many=len(table.lines) > MOST_ROWS,
        deed_id=job.deed_id,
    )


class _Reading:
    """Reads the rows of one sheet, each in the light of those before it."""

    def __init__(self, session: Session, home: Home, now: datetime) -> None:
        self._home = home
        self._now = now
        self._zone: ZoneInfo = offices.zone(session)
        self._today = local_day(now, self._zone)
        self._subjects = sorted(making.subjects_of(session), key=len, reverse=True)
        self._known = {
            (sheets.plain(title), starts_at)
            for title, starts_at in session.exec(
                select(Programme.title, Batch.starts_at)
                .join(Batch, col(Batch.programme_id) == col(Programme.id))
                .where(Programme.owner_unit_id == home.unit_id)
            ).all()
        }
        self._seen: set[tuple[str, datetime]] = set()

    def row(self, line: Line) -> Row:
        problems: list[Problem] = []
        values = {name: sheets.plain(text) for name, text in line.values.items()}
        # As it is typed: in Chinese a colon is a wide one.
        title = " ".join(line.values.get("title", "").split())

        def one(name: str, words: Mapping[E, Iterable[str]], usual: E, trouble: Trouble) -> E:
            said = values.get(name, "")
            found = _meant(said, words) if said else usual
            if found is None:
                problems.append(Problem(trouble, said))
                return usual
            return found

        level = one("level", _LEVELS, self._home.levels[0], Trouble.LEVEL)
        mode = one("mode", _MODES, Mode.FACE_TO_FACE, Trouble.MODE)
        enrolment = one("enrolment", _ENROLMENTS, Enrolment.OPEN, Trouble.ENROLMENT)
        category = one("category", CATEGORY_WORDS, "other", Trouble.CATEGORY)
        if level not in self._home.levels:
            problems.append(Problem(Trouble.LEVEL_NOT_YOURS, values.get("level", "")))
        hours = self._number(values, "hours", Decimal(8), Trouble.HOURS, problems)
        seats = self._number(values, "seats", None, Trouble.SEATS, problems)
        if seats is not None and seats != int(seats):
            problems.append(Problem(Trouble.SEATS, values["seats"]))
        audience = self._audience(values.get("audience", ""), problems)
        times = self._times(values, problems)
        starts_at = times[0] if times else None
        if not title:
            problems.insert(0, Problem(Trouble.NO_TITLE))
        if starts_at is not None and title:
            key = (sheets.plain(title), starts_at)
            if key in self._known:
                problems = [Problem(Trouble.KNOWN)]
            elif key in self._seen:
                problems = [Problem(Trouble.TWICE)]
            elif enrolment is Enrolment.AUTOMATIC and key[0] in {seen for seen, _at in self._seen}:
                problems.append(Problem(Trouble.ONE_CLASS))
            self._seen.add(key)
        form = None
        if times and not problems:
            form = Form(
                owner_unit_id=self._home.unit_id,
                title=title,
                category=category,
                starts_at=times[0],
                ends_at=times[1],
                level=level,
                mode=mode,
                enrolment=enrolment,
                approval=Approval.COUNTY if enrolment is Enrolment.NOMINATION else Approval.NONE,
                audience=audience,
                hours=hours or Decimal(0),
                place=" ".join(line.values.get("place", "").split()),
                seats=None if seats is None or enrolment is Enrolment.AUTOMATIC else int(seats),
                reg_close=times[2],
            )
            try:
                making.check_form(form)
            except DatesNotInOrder:
                problems.append(Problem(Trouble.ORDER))
            except WrongValue as refusal:
                known = {"hours": Trouble.HOURS, "seats": Trouble.SEATS}
                problems.append(Problem(known.get(refusal.field, Trouble.TOO_LONG)))
        if self._home.subjects and not set(audience.get("subject", ())) & set(self._home.subjects):
            problems.append(Problem(Trouble.AUDIENCE, values.get("audience", "")))
        made = None if problems else form
        klass = line.values.get("class", "").strip()[: making.LONGEST]
        return Row(line.number, title, starts_at, made, klass, tuple(problems))

    def _number(
        self,
        values: Mapping[str, str],
        name: str,
        usual: Decimal | None,
        trouble: Trouble,
        problems: list[Problem],
    ) -> Decimal | None:
        said = values.get(name, "")
        if not said:
            return usual
        number = sheets.as_number(said)
        if number is None or number < 0 or (name == "seats" and number < 1):
            problems.append(Problem(trouble, values[name]))
            return usual
        return number

    def _times(
        self, values: Mapping[str, str], problems: list[Problem]
    ) -> tuple[datetime, datetime, datetime | None] | None:
        start, end = values.get("start", ""), values.get("end", "")
        if not start:
            problems.append(Problem(Trouble.NO_TIME))
            return None
        first = self._said(start, self._today, problems)
        if first is None:
            return None
        span = saying.span(first, self._zone)
        starts_at, ends_at = span.starts_at, span.ends_at
        if end:
            last = self._said(end, first.day, problems)
            if last is None:
                return None
            ends_at = saying.deadline(last, self._zone)
        if ends_at <= starts_at:
            problems.append(Problem(Trouble.ORDER, f"{start} – {end}" if end else start))
        elif ends_at <= self._now:
            problems.append(Problem(Trouble.OVER, end or start))
        reg_close = None
        if closes := values.get("reg_close", ""):
            said = self._said(closes, min(self._today, first.day), problems)
            reg_close = None if said is None else saying.deadline(said, self._zone)
        return starts_at, ends_at, reg_close

    def _said(self, text: str, since: date, problems: list[Problem]) -> Said | None:
        day = sheets.as_day(text) if re.fullmatch(r"\d{5}(\.\d+)?", text) else None
        if day is not None:  # a spreadsheet's own number of a day, and of its hour
            minute = round((float(text) % 1) * 1440) or None
            return Said(day, minute)
        try:
            # A sheet of last month still says its days: those of this year are meant.
            return saying.read(text, self._today, since=since - timedelta(days=60))
        except NotUnderstood:
            problems.append(Problem(Trouble.NOT_A_TIME, text))
        except WrongWeekday:
            problems.append(Problem(Trouble.WEEKDAY, text))
        return None

    def _audience(self, text: str, problems: list[Problem]) -> dict[str, Any]:
        said = unicodedata.normalize("NFKC", text).strip().lower()
        if re.sub(r"\W", "", said) in _EVERYBODY:
            return {}
        audience: dict[str, list[str]] = {}
        rest = said
        for key, value, pattern in _AUDIENCE:
            if re.search(pattern, said):
                audience.setdefault(key, []).append(value)
                rest = re.sub(pattern, "", rest)
        for subject in self._subjects:
            if subject.lower() in rest:
                audience.setdefault("subject", []).append(subject)
                rest = rest.replace(subject.lower(), "")
        hired = re.search(r"(20\d{2})\s*(?:年|级|級)?\s*新(?:入职)?(?:教师|教師|聘)?", said)
        if hired:
            audience["hire_year"] = [hired.group(1)]
            rest = rest.replace(hired.group(0), "")
        if not audience or _FILLING.sub("", rest):
            problems.append(Problem(Trouble.AUDIENCE, text))
        return dict(audience)


def _meant(said: str, words: Mapping[E, Iterable[str]]) -> E | None:
    """Return what is meant by a cell: exactly one of its words, else the one that it holds."""
    key = sheets.key(said)
    for value, names in words.items():
        if key in {sheets.key(name) for name in names} or key == str(value).replace("_", ""):
            return value
    holds = [
        (len(name), value)
        for value, names in words.items()
        for name in map(sheets.key, names)
        if len(name) > 1 and name in key
    ]
    return max(holds, key=lambda found: found[0])[1] if holds else None
