"""The roster from a file: what it would do, what it does, and that it can be taken back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from handlers.training.words import fact_value
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.people import (
    appointing,
    authority,
    facts,
    imports,
    linking,
    phones,
    roles,
    roster,
    roster_missing,
)
from storage.people.authority import Act
from storage.people.imports import NoLongerWaiting, PreviewOutdated
from storage.people.postings import GONE
from storage.people.roster_comparing import Kind
from storage.people.roster_reading import (
    DUTIES,
    ROUTES,
    TITLES,
    Trouble,
    is_roster,
    read_roster,
)
from storage.people.tables import (
    ImportJob,
    ImportState,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    Teacher,
    TeacherFact,
    TeacherState,
)
from storage.refusals import NotAllowed
from storage.sheets import Book, Sheet
from storage.training import enrolment, registration
from storage.training.tables import Enrolment, Registration
from tests import make
from tests.make import NOW
from tests.people.rosters import (
    HEAD,
    TODAY,
    coordinator,
    everything,
    history_of,
    imported,
    looked,
    of_county,
    roster_of,
    table,
    teacher_of,
    undone,
    units,
)

LIN = ["060012", "林若溪", "实验小学", "", "语文", "班主任", "", "13800000012", "2020-09-01"]


# --- reading ------------------------------------------------------------------------------------


def test_a_row_is_read_in_the_words_of_the_field() -> None:
    read = roster_of(
        [
            "ｃｈ０６００１２",
            "张　三",
            "实验小学",
            "小学",
            "语文、数学",
            "班主任、教务主任",
            "在岗",
            "",
            "2020年9月",
        ],
    )
    (entry,) = read.entries
    assert (entry.staff_no, entry.name, entry.school) == ("CH060012", "张三", "实验小学")
    assert entry.says == {
        "stage": "primary",
        "subjects": ("语文", "数学"),
        "duties": ("homeroom", "middle_leader"),
        "state": TeacherState.ACTIVE,
        "since": date(2020, 9, 1),
    }
    assert entry.trouble is None


def test_traditional_and_english_headers_and_words_are_read() -> None:
    head = ["職工號", "教師姓名", "學段", "任教學科", "職務", "在崗狀態", "是否專任", "角色"]
    (entry,) = roster_of(
        [
            "1",
            "林若溪",
            "國小".replace("國小", "小學"),
            "國語",
            "班主任",
            "長假",
            "否",
            "校級管理員",
        ],
        head=head,
    ).entries
    assert entry.says["state"] is TeacherState.LONG_LEAVE
    assert entry.says["full_time"] is False
    assert entry.roles == (Role.SCHOOL_COORDINATOR,)
    head = ["Staff number", "Name", "Stage", "Subjects", "Duties", "Status", "Full-time", "Hired"]
    (entry,) = roster_of(
        ["1", "Lin Ruoxi", "Primary", "English, Information technology", "Class teacher",
         "on leave", "no", "2018-08-24"], head=head
    ).entries  # fmt: skip
    assert entry.says["subjects"] == ("English", "Information technology")
    assert entry.says["duties"] == ("homeroom",)
    assert entry.trouble is None


@pytest.mark.parametrize(
    ("column", "text", "kind"),
    [
        ("工号", "", "no_number"),
        ("工号", "制表人：张三", "no_number"),
        ("姓名", "", "no_name"),
        ("姓名", "123", "no_name"),
        ("学段", "大学", "not_read:stage"),
        ("状态", "不详", "not_read:state"),
        ("手机", "12", "not_read:phone"),
        ("到校日期", "去年", "not_read:since"),
    ],
)
def test_a_cell_that_says_nothing_known_is_named(column: str, text: str, kind: str) -> None:
    row = list(LIN)
    row[HEAD.index(column)] = text
    (entry,) = roster_of(row).entries
    assert entry.trouble is not None
    assert entry.trouble.kind == kind
    if column == "手机":
        assert entry.trouble.what == ""


def test_a_list_of_marks_is_not_taken_for_a_roster() -> None:
    assert is_roster(table(LIN))
    marks = table(["060012", "林若溪", "实验小学", "95"], head=["工号", "姓名", "学校", "成绩"])
    assert not is_roster(marks)
    assert read_roster(marks) is not None  # when somebody says that it is one
    assert read_roster(Book("x", (Sheet("x", (("学校", "人数"), ("实验小学", "96"))),))) is None


# --- what a file would do -----------------------------------------------------------------------


def kinds(session: Session, actor_id: int, *rows: list[str], **more: Any) -> list[Any]:
    results = looked(session, actor_id, roster_of(*rows, **more)).results()
    return [(row.kind, row.trouble.kind if row.trouble else row.moves) for row in results]


async def test_a_school_may_add_and_change_its_own_people_only(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        make.teacher(session, "周明远", at="城东小学", staff_no="070001")
        make.teacher(session, "林若溪", staff_no="060012")
        assert kinds(
            session,
            luo,
            ["060013", "新老师", "", "", "数学", "", "", "", ""],
            ["060014", "别处的", "城东小学", "", "", "", "", "", ""],
            ["070001", "周明远", "", "", "", "", "", "", ""],
            ["060012", "林若溪", "城东小学", "", "", "", "", "", ""],
            ["060012x", "无此校", "第九小学", "", "", "", "", "", ""],
            ["", "没有工号", "", "", "", "", "", "", ""],
        ) == [
            (Kind.NEW, ""),
            (Kind.CONFLICT, "other_school"),
            (Kind.CONFLICT, "other_person"),
            (Kind.CONFLICT, "other_school"),
            (Kind.CONFLICT, "unknown_school"),
            (Kind.NOT_UNDERSTOOD, "no_number"),
        ]

    await database.write(check)


async def test_who_may_import_nothing_is_refused(database: Database) -> None:
    def check(session: Session) -> None:
        lin = make.teacher(session, "林若溪")
        with pytest.raises(NotAllowed):
            looked(session, lin, roster_of(LIN))

    await database.write(check)


async def test_a_number_that_stands_twice_or_belongs_to_another_name_is_a_conflict(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        make.teacher(session, "林 若溪", staff_no="060012")
        results = looked(
            session,
            luo,
            roster_of(
                ["060012", "林若希", "", "", "", "", "", "", ""],
                ["060013", "甲", "", "", "", "", "", "", ""],
                ["060013", "乙", "", "", "", "", "", "", ""],
            ),
        ).results()
        assert [row.trouble for row in results] == [
            Trouble("other_name", "林 若溪"),
            Trouble("twice", "4"),
            Trouble("twice", "3"),
        ]
        head = ["工号", "姓名", "曾用名", "学科"]
        (row,) = looked(
            session, luo, roster_of(["060012", "林若希", "林若溪", "语文"], head=head)
        ).results()
        assert [(c.field, c.before, c.after) for c in row.changes] == [
            ("name", "林 若溪", "林若希")
        ]

    await database.write(check)


async def test_lost_zeros_of_staff_numbers_are_found_again(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        make.teacher(session, "林若溪", staff_no="060012")
        result = looked(session, luo, roster_of(["60012", "林若溪", *[""] * 7])).results()[0]
        assert (result.kind, result.staff_no) == (Kind.SAME, "060012")
        new = looked(session, luo, roster_of(["60013", "新老师", *[""] * 7])).results()[0]
        assert (new.kind, new.staff_no) == (Kind.NEW, "060013")

    await database.write(check)


async def test_schools_are_known_by_name_short_name_and_code(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        county = of_county(session)
        head = ["工号", "姓名", "学校", "学校代码", "学科"]
        results = looked(
            session,
            county,
            roster_of(
                ["1", "甲", "澄禾县实验小学", "", ""],
                ["2", "乙", "实小", "", ""],
                ["3", "丙", "ｓ０６", "", ""],
                ["4", "丁", "", "S06", ""],
                ["5", "戊", "实小", "S07", ""],
                ["6", "己", "", "", ""],
                ["7", "庚", "澄禾县", "CH", ""],
                head=head,
            ),
        ).results()
        assert [row.unit_id for row in results[:4]] == [ids["实小"]] * 4
        assert [row.trouble.kind for row in results[4:6] if row.trouble] == [
            "two_schools",
            "no_school",
        ]
        assert results[6].unit_id == ids["县"]

    await database.write(check)


# --- applying -----------------------------------------------------------------------------------


async def test_new_people_are_on_the_roster_with_posting_and_facts(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        applied = imported(session, luo, roster_of(LIN))
        assert (applied.figures.rows, applied.figures.new) == (1, 1)
        lin = teacher_of(session, "060012")
        assert lin.phone_hash == phones.hashed("138 0000 0012", "5a17")
        posting = session.exec(select(Posting).where(Posting.teacher_id == lin.id)).one()
        assert (posting.since, posting.stage, posting.duties) == (
            date(2020, 9, 1),
            "primary",
            ["homeroom"],
        )
        known = dict(
            session.exec(
                select(TeacherFact.key, TeacherFact.value).where(TeacherFact.teacher_id == lin.id)
            ).all()
        )
        assert known["subject"] == "语文"
        assert known["unit"] == "S06"
        job = session.exec(select(ImportJob)).one()
        assert job.state is ImportState.APPLIED
        assert job.content == b""  # the file said more than is kept
        assert session.exec(select(AuditLog.id).where(AuditLog.action == "import_roster")).one()

    await database.write(check)


async def test_changes_are_made_and_told_field_by_field(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        imported(session, luo, roster_of(LIN))
        after = ["060012", "林若溪", "", "", "数学", "无", "长假", "13900000012", ""]
        (row,) = looked(session, luo, roster_of(after)).results()
        assert [(c.field, c.before, c.after) for c in row.changes] == [
            ("phone", "", ""),
            ("state", "active", "long_leave"),
            ("subjects", "语文", "数学"),
            ("duties", "homeroom", ""),
        ]
        imported(session, luo, roster_of(after))
        lin = teacher_of(session, "060012")
        assert lin.state is TeacherState.LONG_LEAVE
        line = session.exec(select(AuditLog).where(AuditLog.thing == f"teacher:{lin.id}")).one()
        assert line.actor_id == luo
        assert line.after is not None
        assert line.after["subjects"] == "数学"
        assert "139" not in str(line.after)

    await database.write(check)


async def test_a_transfer_keeps_the_history_and_leaves_the_old_school_s_offices(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        county = of_county(session)
        imported(session, county, roster_of(LIN))
        lin = teacher_of(session, "060012")
        roles.appoint(session, lin.id, Role.SCHOOL_COORDINATOR, ids["实小"], today=TODAY, now=NOW)
        moved = ["060012", "林若溪", "城东", "", "语文", "", "", "", "2026-11-16"]
        applied = imported(session, county, roster_of(moved))
        assert applied.figures.transfers == 1
        assert history_of(session, "060012") == [
            ("实小", date(2020, 9, 1), date(2026, 11, 15)),
            ("城东", date(2026, 11, 16), None),
        ]
        assert roles.holders(session, Role.SCHOOL_COORDINATOR, ids["实小"], today=TODAY) == []
        assert undone(session, county, applied)
        assert history_of(session, "060012") == [("实小", date(2020, 9, 1), None)]
        assert roles.holders(session, Role.SCHOOL_COORDINATOR, ids["实小"], today=TODAY) == [lin.id]

    await database.write(check)


async def test_leavers_are_closed_and_may_come_back(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        imported(session, luo, roster_of(LIN))
        gone = [*LIN[:6], "离职", "", ""]
        assert imported(session, luo, roster_of(gone)).figures.leavers == 1
        assert teacher_of(session, "060012").state is TeacherState.LEFT
        assert history_of(session, "060012") == [("实小", date(2020, 9, 1), TODAY)]
        assert kinds(session, luo, gone) == [(Kind.SAME, "")]
        later = NOW + timedelta(days=300)
        back = [*LIN[:6], "在岗", "", ""]
        assert imported(session, luo, roster_of(back), now=later).figures.returning == 1
        assert history_of(session, "060012") == [
            ("实小", date(2020, 9, 1), TODAY),
            ("实小", date(2027, 9, 16), None),
        ]

    await database.write(check)


async def test_nobody_touches_a_superior_or_closes_themselves(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        boss = make.teacher(session, "何静山", staff_no="900009")
        roles.appoint(
            session, boss, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
        )
        assert kinds(
            session,
            luo,
            ["900009", "何静山", "", "", "", "", "", "13800000009", ""],
            ["900001", "罗佳宁", "", "", "", "", "离职", "", ""],
        ) == [(Kind.CONFLICT, "reaches_further"), (Kind.CONFLICT, "yourself")]

    await database.write(check)


async def test_who_looks_after_the_office_may_stand_at_another_desk_of_it(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        units(session)
        county = of_county(session)
        moves = ["900002", "何静山", "城东小学", "", "", "", "", "", ""]
        assert kinds(session, county, moves) == [(Kind.CHANGED, "transfer")]
        assert imported(session, county, roster_of(moves)).figures.transfers == 1
        assert kinds(session, county, moves) == [(Kind.SAME, "")]
        # But not where the move would end a role of their own.
        city_east = session.exec(select(OrgUnit.id).where(OrgUnit.short_name == "城东")).one()
        roles.appoint(session, county, Role.PRINCIPAL, city_east, today=TODAY, now=NOW)
        moves[2] = "澄禾县实验小学"
        assert kinds(session, county, moves) == [(Kind.CONFLICT, "yourself")]

    await database.write(check)


async def test_roles_of_a_file_are_given_as_far_as_the_giver_may(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        luo, county = coordinator(session), of_county(session)
        head = ["工号", "姓名", "学校", "角色", "学科"]
        rows = [
            ["060001", "沈校长", "实小", "校长"],
            ["060002", "副手", "实小", "校级管理员"],
            ["060003", "教研员", "实小", "教研员", "数学"],
        ]
        assert kinds(session, luo, *rows, head=head) == [
            (Kind.CONFLICT, "role"),
            (Kind.NEW, ""),
            (Kind.CONFLICT, "role"),
        ]
        applied = imported(session, county, roster_of(*rows, head=head))
        assert applied.figures.roles == 3
        (principal,) = roles.holders(session, Role.PRINCIPAL, ids["实小"], today=TODAY)
        assert principal == teacher_of(session, "060001").id
        assert kinds(session, county, *rows, head=head) == [(Kind.SAME, "")] * 3
        # A role that was held once is given again by the row that there is.
        roles.dismiss(session, principal, Role.PRINCIPAL, ids["实小"], today=TODAY, now=NOW)
        again = imported(session, county, roster_of(*rows, head=head))
        assert again.figures.roles == 1
        undone(session, county, again)
        assert roles.holders(session, Role.PRINCIPAL, ids["实小"], today=TODAY) == []

    await database.write(check)


async def test_everybody_who_is_due_is_enrolled(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        batch = make.batch(
            session,
            seats=None,
            audience={"subject": ["语文"]},
            programme={"enrolment": Enrolment.AUTOMATIC},
        )
        enrolment.enrol_all_due(session, batch, now=NOW)
        applied = imported(session, luo, roster_of(LIN))
        lin = teacher_of(session, "060012").id
        assert session.exec(select(Registration.id).where(Registration.teacher_id == lin)).one()
        # Whoever has left a trace is closed, not removed.
        assert undone(session, luo, applied)
        assert teacher_of(session, "060012").state is TeacherState.LEFT
        assert history_of(session, "060012")[0][2] is not None

    await database.write(check)


async def test_a_cancelled_class_of_a_running_programme_keeps_nobody_out(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        everybody = {"enrolment": Enrolment.AUTOMATIC}
        cancelled = make.batch(session, seats=None, programme=everybody, cancelled_at=NOW)
        held = make.batch(session, seats=None, programme=everybody)
        imported(session, luo, roster_of(LIN))
        lin = teacher_of(session, "060012").id
        enrolled = session.exec(
            select(Registration.batch_id).where(Registration.teacher_id == lin)
        ).all()
        assert cancelled not in enrolled
        assert list(enrolled) == [held]

    await database.write(check)


async def test_a_deputy_gives_no_role_by_a_file_either(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        head = make.teacher(session, "沈校长", at="澄禾县实验小学", staff_no="060009")
        roles.appoint(session, head, Role.PRINCIPAL, ids["实小"], today=TODAY, now=NOW)
        deputy = make.teacher(session, "代理", at="澄禾县实验小学", staff_no="060010")
        week = TODAY + timedelta(days=7)
        appointing.deputise(session, head, deputy, Role.PRINCIPAL, ids["实小"], until=week, now=NOW)
        row = ["060011", "朋友", "实小", "校长"]
        columns = ["工号", "姓名", "学校", "角色"]
        assert kinds(session, deputy, row, head=columns) == [(Kind.CONFLICT, "role")]
        assert kinds(session, head, row, head=columns) == [(Kind.NEW, "")]

    await database.write(check)


async def test_a_research_officer_by_a_file_is_one_for_their_own_subject(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        units(session)
        county = of_county(session)
        head = ["工号", "姓名", "学校", "学科", "角色"]
        maths = ["070002", "研员", "实小", "数学", "教研员"]
        nothing = ["070003", "新研员", "实小", "", "教研员"]
        assert kinds(session, county, maths, nothing, head=head) == [
            (Kind.NEW, ""),
            (Kind.CONFLICT, "no_subject"),
        ]
        imported(session, county, roster_of(maths, head=head))
        officer = teacher_of(session, "070002").id
        own, other = (
            make.batch(session, audience={"subject": [subject]}) for subject in ("数学", "语文")
        )
        runs = Act.RUN_PROGRAMME
        assert authority.may_with(session, officer, runs, own, today=TODAY)
        assert not authority.may_with(session, officer, runs, other, today=TODAY)
        # Who is there already has the subjects of their posting, whatever the file leaves out.
        imported(session, county, roster_of(["070004", "王研", "实小", "英语", ""], head=head))
        row = ["070004", "王研", "教研员"]
        imported(session, county, roster_of(row, head=["工号", "姓名", "角色"]))
        known = teacher_of(session, "070004").id
        (held,) = authority.grants(session, known, today=TODAY)
        assert held.subjects == ("英语",)

    await database.write(check)


@pytest.mark.parametrize("how", ["leaves", "moves", "missing"])
async def test_who_stood_in_for_somebody_who_goes_stands_in_for_nobody(
    database: Database, how: str
) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        county = of_county(session)
        head = make.teacher(session, "沈校长", at="澄禾县实验小学", staff_no="060009")
        deputy = make.teacher(session, "代理", at="澄禾县实验小学", staff_no="060010")
        roles.appoint(session, head, Role.PRINCIPAL, ids["实小"], today=TODAY, now=NOW)
        until = TODAY + timedelta(days=90)
        appointing.deputise(
            session, head, deputy, Role.PRINCIPAL, ids["实小"], until=until, now=NOW
        )
        facts.refresh(session)
        before = everything(session)
        rows = {
            "leaves": ["060009", "沈校长", "实小", "小学", "", "", "离职", "", ""],
            "moves": ["060009", "沈校长", "城东", "小学", "", "", "在职", "", ""],
            "missing": ["060010", "代理", "实小", "", "", "", "", "", ""],
        }
        applied = imported(session, county, roster_of(rows[how]))
        if how == "missing":
            assert authority.grants(session, deputy, today=TODAY)
            applied = roster_missing.close_missing(session, county, applied.job_id, 1, now=NOW)
        assert authority.grants(session, deputy, today=TODAY) == ()
        # Undone with the rest, the deputy is one again, for the same person and as long.
        assert undone(session, county, applied)
        assert everything(session) == before

    await database.write(check)


async def test_who_was_a_deputy_once_holds_in_their_own_right_what_a_file_gives(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        county = of_county(session)
        head = make.teacher(session, "沈校长", at="澄禾县实验小学", staff_no="060009")
        deputy = make.teacher(session, "代理", at="澄禾县实验小学", staff_no="060010")
        roles.appoint(session, head, Role.PRINCIPAL, ids["实小"], today=TODAY, now=NOW)
        appointing.deputise(
            session, head, deputy, Role.PRINCIPAL, ids["实小"], until=TODAY, now=NOW
        )
        later = NOW + timedelta(days=2)
        facts.refresh(session)
        before = everything(session)
        read = roster_of(["060010", "代理", "校长"], head=["工号", "姓名", "角色"])
        applied = imported(session, county, read, now=later)
        (held,) = authority.grants(session, deputy, today=TODAY + timedelta(days=2))
        assert held.deputy_of is None
        assert undone(session, county, applied, now=later)
        assert everything(session) == before

    await database.write(check)


async def test_a_right_that_has_ended_takes_nothing_back(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        county = of_county(session)
        head = make.teacher(session, "沈校长", at="澄禾县实验小学", staff_no="060009")
        roles.appoint(session, head, Role.PRINCIPAL, ids["实小"], today=TODAY, now=NOW)
        gone = ["060009", "沈校长", "实小", "小学", "语文", "", "离职", "", ""]
        applied = imported(session, county, roster_of(gone))
        roles.dismiss(session, county, Role.COUNTY_COORDINATOR, ids["县"], today=TODAY, now=NOW)
        # Nor does a smaller right: the school's own coordinator brings no principal back.
        roles.appoint(session, county, Role.SCHOOL_COORDINATOR, ids["城东"], today=TODAY, now=NOW)
        with pytest.raises(NotAllowed):
            undone(session, county, applied, now=NOW + timedelta(hours=5))
        assert roles.holders(session, Role.PRINCIPAL, ids["实小"], today=TODAY) == []

    await database.write(check)


# --- that nothing happens unseen ----------------------------------------------------------------


async def test_applying_twice_applies_once(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        read = roster_of(LIN)
        kept = roster.keep_preview(
            session, luo, "名册.xlsx", b"x", looked(session, luo, read), now=NOW
        )
        first = roster.apply(session, luo, kept.job_id, read, now=NOW)
        second = roster.apply(session, luo, kept.job_id, read, now=NOW)
        assert (first.is_new, second.is_new) == (True, False)
        assert (first.deed_id, first.figures) == (second.deed_id, second.figures)

    await database.write(check)


async def test_what_changed_since_the_preview_is_seen(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        read = roster_of(LIN)
        kept = roster.keep_preview(
            session, luo, "名册.xlsx", b"x", looked(session, luo, read), now=NOW
        )
        make.teacher(session, "林若溪", staff_no="060012")
        with pytest.raises(PreviewOutdated):
            roster.apply(session, luo, kept.job_id, read, now=NOW)

    await database.write(check)


async def test_a_preview_is_its_maker_s_alone_and_waits_a_day(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo, county = coordinator(session), of_county(session)
        read = roster_of(LIN)
        kept = roster.keep_preview(
            session, luo, "名册.xlsx", b"x", looked(session, luo, read), now=NOW
        )
        with pytest.raises(NotAllowed):
            roster.apply(session, county, kept.job_id, read, now=NOW)
        with pytest.raises(NotAllowed):
            imports.content_of(session, county, kept.job_id)
        assert imports.content_of(session, luo, kept.job_id).content == b"x"
        assert imports.forget_old(session, now=NOW + timedelta(hours=23)) == 0
        assert imports.forget_old(session, now=NOW + timedelta(hours=24)) == 1
        with pytest.raises(NoLongerWaiting):
            roster.apply(session, luo, kept.job_id, read, now=NOW)
        assert not imports.cancel(session, luo, kept.job_id, now=NOW)

    await database.write(check)


async def test_a_right_that_has_ended_applies_nothing(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        luo = coordinator(session)
        read = roster_of(LIN)
        kept = roster.keep_preview(
            session, luo, "名册.xlsx", b"x", looked(session, luo, read), now=NOW
        )
        roles.dismiss(session, luo, Role.SCHOOL_COORDINATOR, ids["实小"], today=TODAY, now=NOW)
        with pytest.raises(NotAllowed):
            roster.apply(session, luo, kept.job_id, read, now=NOW)

    await database.write(check)


async def test_undo_is_refused_when_people_have_built_on_it(database: Database) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        applied = imported(session, luo, roster_of(LIN))
        lin = teacher_of(session, "060012").id
        with session.begin_nested() as inner:
            make.account(session, lin)
            with pytest.raises(ChangedSince):
                undone(session, luo, applied)
            inner.rollback()
        with session.begin_nested() as inner:
            registration.register(session, lin, make.batch(session), now=NOW)
            with pytest.raises(ChangedSince):
                undone(session, luo, applied)
            inner.rollback()
        with session.begin_nested() as inner:
            imported(session, luo, roster_of([*LIN[:4], "数学", *LIN[5:]]))
            with pytest.raises(ChangedSince):
                undone(session, luo, applied)
            inner.rollback()
        with pytest.raises(TooLateToUndo):
            undone(session, luo, applied, now=NOW + timedelta(hours=24))
        linking.issue_code(session, lin, now=NOW)
        assert undone(session, luo, applied)
        assert not undone(session, luo, applied)
        assert teacher_of(session, "060012").state is TeacherState.LEFT

    await database.write(check)


async def test_a_later_import_that_changes_the_same_keeps_the_first_from_being_undone(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        units(session)
        county = of_county(session)
        added = imported(session, county, roster_of(LIN))
        first = imported(session, county, roster_of([*LIN[:2], "城东", *[""] * 6]))
        second = imported(session, county, roster_of([*LIN[:2], "柳渡", *[""] * 6]))
        with pytest.raises(ChangedSince), session.begin_nested():
            undone(session, county, first)
        assert undone(session, county, second)
        assert undone(session, county, first)
        assert history_of(session, "060012") == [("实小", date(2020, 9, 1), None)]
        assert undone(session, county, added)
        assert session.exec(select(Teacher.id).where(Teacher.staff_no == "060012")).all() == []

    await database.write(check)


# --- who is not in the file ---------------------------------------------------------------------


async def test_who_is_not_in_a_complete_list_is_closed_only_when_that_is_said(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        units(session)
        luo = coordinator(session)
        make.teacher(session, "林若溪", staff_no="060012")
        make.teacher(session, "已调走", staff_no="060013")
        make.teacher(session, "写错了", staff_no="060014")
        make.teacher(session, "别校的", at="城东小学", staff_no="070001")
        facts.refresh(session)
        before = everything(session)
        applied = imported(
            session,
            luo,
            roster_of(
                ["060012", "林若溪", *[""] * 7],
                ["xx 14", "写错了", "", "大学", *[""] * 5],
            ),
        )
        assert applied.figures.missing == 1
        assert everything(session) == before
        shown = roster_missing.missing(session, luo, applied.job_id, now=NOW)
        assert (shown.names, shown.total) == (("已调走",), 1)
        with pytest.raises(PreviewOutdated):
            roster_missing.close_missing(session, luo, applied.job_id, 2, now=NOW)
        closed = roster_missing.close_missing(session, luo, applied.job_id, 1, now=NOW)
        assert teacher_of(session, "060013").state is TeacherState.LEFT
        again = roster_missing.close_missing(session, luo, applied.job_id, 1, now=NOW)
        assert (again.is_new, again.deed_id) == (False, closed.deed_id)
        assert undone(session, luo, closed)
        assert everything(session) == before

    await database.write(check)


# --- over random rosters ------------------------------------------------------------------------

PEOPLE = {f"06{n:04}": name for n, name in enumerate(["甲一", "乙二", "丙三", "欧阳丁", "戊五"])}
said = st.tuples(
    st.sampled_from(["城东小学", "实小", "S04", "实小", ""]),
    st.sampled_from(["小学", ""]),
    st.sampled_from(["语文", "数学、英语", "无", ""]),
    st.sampled_from(["班主任", "校长", "无", ""]),
    st.sampled_from(["离职", "在岗", "长假", "退休", "", "借调"]),
    st.sampled_from(["13800000001", "13800000002", ""]),
    st.sampled_from(["", "", "", "2026-11-21", "2020-09-01", "2027-01-01"]),
).map(list)
odd = st.sampled_from(
    [
        ["060000", "别人", "实小", "", "", "", "", "", ""],
        ["60001", "乙二", "实小", "", "", "", "", "", ""],
        ["", "甲一", "", "", "", "", "", "", ""],
        ["060002", "丙三", "第九小学", "", "", "", "", "", ""],
        ["060003", "欧阳丁", "", "大学", "", "", "", "", ""],
    ]
)
proper = st.fixed_dictionaries(dict.fromkeys(PEOPLE, said)).map(
    lambda rows: [[number, PEOPLE[number], *rest] for number, rest in rows.items()]
)
files = st.lists(
    st.tuples(proper, st.integers(1, 5), st.lists(odd, max_size=1)).map(
        lambda parts: parts[0][: parts[1]] + parts[2]
    ),
    min_size=3,
    max_size=5,
)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    history=files, by_school=st.lists(st.sampled_from([False, False, True]), min_size=5, max_size=5)
)
def test_a_second_import_changes_nothing_and_an_undone_one_never_was(
    sqlite: Database, history: list[list[list[str]]], by_school: list[bool]
) -> None:
    """Invariant 5 of domain/2-model.md §2.11, and that undo puts back exactly what was."""

    def live_through(session: Session) -> None:
        ids = units(session)
        actors = {True: coordinator(session), False: of_county(session)}
        for n, lines in enumerate(history):
            actor = actors[by_school[n]]
            now = NOW + timedelta(days=n)
            read = roster_of(*lines)
            before = everything(session)
            applied = imported(session, actor, read, now=now)
            after = everything(session)
            assert (after == before) == (applied.figures.applies == 0)

            again = imported(session, actor, read, now=now)
            assert again.figures.applies == 0
            assert everything(session) == after
            assert undone(session, actor, again, now=now)

            with session.begin_nested() as inner:
                assert undone(session, actor, applied, now=now)
                assert everything(session) == before
                inner.rollback()

            if by_school[n]:
                _only_own_people(session, ids["实小"], before, after)
            open_now = session.exec(
                select(Posting.teacher_id).where(
                    col(Posting.is_primary), col(Posting.until).is_(None)
                )
            ).all()
            assert len(open_now) == len(set(open_now))
            gone = session.exec(select(Teacher.id).where(col(Teacher.state).in_(GONE))).all()
            assert not set(gone) & set(open_now)
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _only_own_people(
    session: Session, unit_id: int, before: dict[str, list[Any]], after: dict[str, list[Any]]
) -> None:
    """What a school's file changed is of that school."""
    new = set(after["posting"]) - set(before["posting"])
    gone = set(before["posting"]) - set(after["posting"])
    for said in new | gone:
        assert int(said.split(",")[2]) == unit_id, said
    assert session.exec(select(RoleAssignment.id)).all()


@pytest.mark.parametrize("language", ["zh_Hans", "zh_Hant"])
def test_what_a_roster_says_of_somebody_has_a_word(language: str) -> None:
    for known in (DUTIES, ROUTES, TITLES):
        assert [value for value in known if fact_value(value, language) == value] == []
