"""Loading an office's plan: all or nothing, again and again, and every error with its line."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, func, select

from storage.calendar.tables import CalendarDay, Term
from storage.credits.tables import CreditCycle, CreditEntry, EntryState
from storage.database import Database
from storage.messaging.tables import Chat, ChatPurpose, Deadline, News
from storage.people import phones, roles
from storage.people.tables import (
    Office,
    OrgMembership,
    OrgUnit,
    Posting,
    Role,
    RoleAssignment,
    Teacher,
    TeacherFact,
)
from storage.plan import LoadReport, PlanError, Transfer, is_loaded, load_plan, read_plan
from storage.schema import METADATA
from storage.training import seats
from storage.training.tables import (
    Batch,
    ClassSession,
    Decision,
    Programme,
    Quota,
    Registration,
    RegistrationState,
)
from tests.make import NOW

PLAN = """\
office: {tenant: chenghe, name: 澄禾县教师发展中心, unit: CH, today: 2026-11-20T09:00}
calendar:
  school_year: {code: 2026-2027, start: 2026-09-01, end: 2027-08-31}
  terms:
    - {kind: autumn, start: 2026-09-01, end: 2027-01-22, weeks: 20}
  cycle: {code: C2026, start: 2026-09-01, end: 2031-08-31}
  days:
    - {date: 2026-10-01, to: 2026-10-07, kind: holiday, label: 国庆}
units:
  county: {code: CH, name: 澄禾县}
  schools:
    - {code: S06, name: 实验小学, stages: [primary], area: urban, pupils: 2480}
    - {code: S04, name: 柳渡镇中心学校, stages: [primary, junior], area: town}
  groups:
    - {code: G1, name: 实验教育集团, members: [S06, S04]}
  pairings:
    - {supporter: S06, supported: S04, subjects: [语文]}
teachers:
  - {no: 060012, name: 林若溪, unit: S06, subject: 语文, hire: 2026-08-20, tier: new,
     phone: 111 0006 0012}
  - {no: 060020, name: 罗佳宁, unit: S06, hire: 2015-08-20, roles: school_coordinator}
  - {no: 040001, name: 石晓岚, unit: S04, stage: junior, subject: [数学, 物理],
     duties: [homeroom, principal]}
programmes:
  - code: KC1
    title: 作业设计工作坊
    mode: face_to_face
    enrolment: open
    hours: 8
    audience: {stage: [primary, junior]}
    seats: 3
    quotas: {S06: 1}
    release: 2026-12-01T12:00
    start: 2026-12-08
    end: 2026-12-08
    place: 三楼研讨室
    sessions:
      - {title: 诊断, start: 2026-12-08T09:00, end: 2026-12-08T11:30}
      - {title: 重做, start: 2026-12-08T14:00, end: 2026-12-08T16:30}
    registrations:
      - {state: approved, at: 2026-11-10, teachers: 060012 040001}
  - code: QY26
    title: 全员岗位远程培训
    mode: remote
    enrolment: automatic
    hours: 50
    audience: {stage: [primary, junior]}
    batches:
      - no: 1
        start: 2026-10-19
        end: 2026-12-18
        registrations:
          - {state: attending, source: automatic, at: 2026-10-19, hours: 20.5, teachers: [060012]}
chats:
  - {id: -1000000000001, name: 培训通知群, purpose: all_staff, unit: CH}
ledger:
  - {no: 1, title: 暑期研修, level: county, category: ethics, on: 2026-09-05, hours: 8,
     teachers: 060012}
"""


def load(session: Session, text: str = PLAN, now: datetime = NOW) -> LoadReport:
    return load_plan(session, read_plan(text, "plan.yaml"), now=now)


def changed(*changes: tuple[str, str], text: str = PLAN) -> str:
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def one(model: type[SQLModel], **values: Any) -> Any:
    """Return an operation that reads the one row with these values, as plain values."""

    def read(session: Session) -> dict[str, Any]:
        conditions = (getattr(model, name) == value for name, value in values.items())
        return dict(session.exec(select(model).where(*conditions)).one())

    return read


def whole(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, apart from the fingerprint of the file."""
    return {
        table.name: sorted(
            (
                tuple(
                    repr(value) for name, value in row._mapping.items() if name != "loaded_sha256"
                )
                for row in session.connection().execute(sa.select(table))
            ),
        )
        for table in METADATA.sorted_tables
    }


def facts_of(session: Session, staff_no: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in session.exec(
        select(TeacherFact.key, TeacherFact.value)
        .join(Teacher, col(Teacher.id) == TeacherFact.teacher_id)
        .where(Teacher.staff_no == staff_no)
    ).all():
        found.setdefault(key, set()).add(value)
    return found


def local(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


# -- what a plan says is there afterwards ------------------------------------------------


async def test_a_plan_is_there_after_loading(database: Database) -> None:
    report = await database.write(load)

    assert report.new["teacher"] == 3
    assert report.new["calendar day"] == 7
    assert not report.changed
    assert not report.known
    for model, count in (
        (OrgUnit, 4),
        (OrgMembership, 3),
        (Posting, 3),
        (CalendarDay, 7),
        (Term, 1),
        (CreditCycle, 1),
        (Programme, 2),
        (ClassSession, 2),
        (Chat, 1),
    ):
        assert len((await database.read(whole))[str(model.__tablename__)]) == count, model
    office = await database.read(one(Office))
    assert office["today"] == local(20, 9, month=11)
    assert len(office["salt"]) == 64
    batch = await database.read(one(Batch, no=1, place="三楼研讨室"))
    assert (batch["starts_at"], batch["ends_at"]) == (local(8, 8, 30), local(8, 17))
    assert (batch["reg_open"], batch["reg_close"]) == (local(8, 8, 30, month=11), local(8, 8, 30))


async def test_a_staff_number_keeps_its_leading_zero(sqlite: Database) -> None:
    await sqlite.write(load)
    assert (await sqlite.read(one(Teacher, name="林若溪")))["staff_no"] == "060012"


async def test_of_a_phone_number_only_its_hash_is_kept(sqlite: Database) -> None:
    await sqlite.write(load)
    teacher = await sqlite.read(one(Teacher, staff_no="060012"))
    salt = (await sqlite.read(one(Office)))["salt"]

    assert teacher["phone_hash"] == phones.hashed("+86 １１１-0006-0012", salt)
    assert "11100060012" not in str(await sqlite.read(whole))


@pytest.mark.parametrize(
    "same", ["11100060012", "+86 111 0006 0012", "0086-111-0006-0012", "８６（111）00060012"]
)
def test_a_number_is_the_same_however_it_is_written(same: str) -> None:
    assert phones.normalised(same) == "8611100060012"


@pytest.mark.parametrize("not_one", ["", "12345", "none", "1" * 16])
def test_what_cannot_be_a_number_is_none(not_one: str) -> None:
    assert phones.normalised(not_one) == ""


async def test_seats_that_schools_do_not_have_are_the_pool(database: Database) -> None:
    await database.write(load)
    quotas = await database.read(
        lambda session: session.exec(
            select(OrgUnit.code, Quota.seats, Quota.taken, Quota.is_pool)
            .join(OrgUnit, col(OrgUnit.id) == Quota.unit_id)
            .order_by(OrgUnit.code)
        ).all()
    )
    assert [tuple(each) for each in quotas] == [("CH", 2, 1, True), ("S06", 1, 1, False)]


async def test_everybody_due_is_enrolled_and_deadlines_are_planned(database: Database) -> None:
    report = await database.write(load)
    assert report.enrolled == 2  # the third attends already

    states = await database.read(
        lambda session: session.exec(
            select(Registration.state)
            .join(Batch, col(Batch.id) == Registration.batch_id)
            .join(Programme, col(Programme.id) == Batch.programme_id)
            .where(Programme.code == "QY26")
        ).all()
    )
    assert sorted(states) == ["approved", "approved", "attending"]
    kinds = await database.read(lambda session: set(session.exec(select(Deadline.kind)).all()))
    assert {"reg_close", "batch_start", "remote_end"} <= kinds


async def test_loaded_registrations_can_be_explained(sqlite: Database) -> None:
    await sqlite.write(load)
    rules = await sqlite.read(lambda session: session.exec(select(Decision.rule)).all())
    assert sorted(rules) == ["enrolled_automatically"] * 3 + ["seat_from_pool", "seat_from_school"]


async def test_hours_of_the_past_are_in_the_ledger_and_no_news(database: Database) -> None:
    await database.write(load)
    lines = await database.read(
        lambda session: [
            (line.source_kind, line.hours, line.state, line.rule_version)
            for line in session.exec(select(CreditEntry).order_by(col(CreditEntry.source_kind)))
        ]
    )
    assert lines == [
        ("batch", Decimal("20.5"), EntryState.PENDING, "cn-default/1"),
        ("opening", Decimal(8), EntryState.POSTED, "cn-default/1"),
    ]
    assert (
        await database.read(lambda session: session.exec(select(func.count(col(News.id)))).one())
        == 0
    )


async def test_facts_follow_from_roster_posting_and_roles(database: Database) -> None:
    await database.write(load)
    assert await database.read(facts_of, "060012") == {
        "stage": {"primary"},  # the school has no other
        "subject": {"语文"},
        "hire_year": {"2026"},
        "area_type": {"urban"},
        "unit": {"S06", "G1"},
        "tier": {"new"},
    }
    found = await database.read(facts_of, "040001")
    assert (found["subject"], found["duty"], found["post"]) == (
        {"数学", "物理"},
        {"homeroom"},
        {"principal"},
    )
    assert (await database.read(facts_of, "060020"))["role"] == {"school_coordinator"}


# -- again -------------------------------------------------------------------------------


async def test_the_same_file_again_changes_nothing_and_says_so(database: Database) -> None:
    await database.write(load)
    before = await database.read(whole)
    assert await database.read(is_loaded, PLAN)

    report = await database.write(load)

    assert report.changed_nothing
    assert report.known
    assert await database.read(whole) == before


async def test_a_file_that_says_the_same_in_other_words_changes_nothing(database: Database) -> None:
    await database.write(load)
    before = await database.read(whole)

    report = await database.write(load, PLAN + "# a comment makes it another file\n")

    assert report.changed_nothing
    assert not report.known
    assert await database.read(whole) == before


async def test_a_changed_file_changes_only_what_it_must(database: Database) -> None:
    await database.write(load)
    batch = await database.read(one(Batch, place="三楼研讨室"))
    text = changed(
        ("tier: new", "tier: rising_star"),
        ("place: 三楼研讨室", "place: 二楼报告厅"),
        ("date: 2026-10-01, to: 2026-10-07", "date: 2026-09-30, to: 2026-10-07"),
        ("hours: 20.5", "hours: 30"),
    )

    report = await database.write(load, text)

    assert report.new == {"calendar day": 1}
    assert report.changed == {"tier": 1, "batch": 1, "session": 2, "hours": 1}
    after = await database.read(one(Batch, id=batch["id"]))
    assert (after["place"], after["revision"]) == ("二楼报告厅", batch["revision"] + 1)
    assert (await database.read(facts_of, "060012"))["tier"] == {"rising_star"}


async def test_a_moved_training_moves_its_deadlines_and_meetings(database: Database) -> None:
    await database.write(load)
    await database.write(load, PLAN.replace("2026-12-08", "2026-12-10"))

    meetings = await database.read(
        lambda session: [
            (row.title, row.starts_at)
            for row in session.exec(select(ClassSession).order_by(col(ClassSession.starts_at)))
        ]
    )
    assert meetings == [("诊断", local(10, 9)), ("重做", local(10, 14))]
    assert (await database.read(one(Deadline, kind="batch_start")))["at"] == local(10, 8, 30)


async def test_what_people_did_since_is_not_undone(database: Database) -> None:
    await database.write(load)

    def withdraw(session: Session) -> None:
        row = session.exec(
            select(Registration).where(Registration.state == RegistrationState.ATTENDING)
        ).one()
        row.state = RegistrationState.WITHDRAWN

    await database.write(withdraw)
    report = await database.write(load, PLAN + "#\n")

    assert report.changed_nothing
    states = await database.read(lambda session: session.exec(select(Registration.state)).all())
    assert RegistrationState.WITHDRAWN in states


async def test_posted_hours_stay_as_they_were_posted(sqlite: Database) -> None:
    await sqlite.write(load)
    report = await sqlite.write(
        load, changed(("on: 2026-09-05, hours: 8", "on: 2026-09-05, hours: 9"))
    )
    assert report.changed_nothing
    assert (await sqlite.read(one(CreditEntry, source_kind="opening")))["hours"] == Decimal(8)


async def test_seats_that_flowed_back_to_the_pool_stay_there(database: Database) -> None:
    text = changed(("060012 040001", "040001"))
    await database.write(load, text)
    later = NOW + timedelta(days=12)
    batch_id = (await database.read(one(Batch, place="三楼研讨室")))["id"]
    assert await database.write(seats.release_unused, batch_id, now=later) == 1

    report = await database.write(load, changed(("seats: 3", "seats: 4"), text=text), later)

    assert report.changed == {"quota": 1}
    pool = await database.read(one(Quota, is_pool=True))
    school = await database.read(one(Quota, is_pool=False))
    assert (pool["seats"], school["seats"]) == (4, 0)


async def test_who_changes_school_has_one_more_posting(database: Database) -> None:
    await database.write(load)
    text = changed(
        (
            "{no: 060020, name: 罗佳宁, unit: S06, ",
            "{no: 060020, name: 罗佳宁, unit: S04, stage: junior, since: 2026-11-16, ",
        ),
        (", roles: school_coordinator", ""),
    )

    report = await database.write(load, text)

    assert report.transfers == (Transfer("060020", "S06", "S04"),)
    postings = await database.read(
        lambda session: [
            (row.since, row.until)
            for row in session.exec(
                select(Posting)
                .join(Teacher, col(Teacher.id) == Posting.teacher_id)
                .where(Teacher.staff_no == "060020")
                .order_by(col(Posting.since))
            )
        ]
    )
    assert postings == [
        (date(2015, 8, 20), date(2026, 11, 15)),
        (date(2026, 11, 16), None),
    ]
    found = await database.read(facts_of, "060020")
    assert found["unit"] == {"S04", "G1"}
    assert (found["stage"], found["area_type"]) == ({"junior"}, {"town"})
    # A role over the old school must not outlive the move.
    role = await database.read(one(RoleAssignment, role=Role.SCHOOL_COORDINATOR))
    assert role["until"] == date(2026, 11, 19)
    assert "role" not in found
    assert (await database.write(load, text + "#\n")).changed_nothing


async def test_a_role_given_or_ended_by_hand_is_not_the_plans_to_change(
    database: Database,
) -> None:
    await database.write(load)

    def by_hand(session: Session) -> None:
        for staff_no, role, act in (
            ("060012", Role.PRINCIPAL, roles.appoint),
            ("060020", Role.SCHOOL_COORDINATOR, roles.dismiss),
        ):
            teacher_id = session.exec(select(Teacher.id).where(Teacher.staff_no == staff_no)).one()
            unit_id = roles.usual_scope(session, teacher_id, role, today=NOW.date())
            assert act(session, teacher_id, role, unit_id, today=NOW.date(), now=NOW)

    await database.write(by_hand)
    await database.write(load, changed(("name: 罗佳宁", "name: 罗嘉宁")))
    given = await database.read(one(RoleAssignment, role=Role.PRINCIPAL))
    ended = await database.read(one(RoleAssignment, role=Role.SCHOOL_COORDINATOR))
    assert given["until"] is None
    assert ended["until"] == NOW.date() - timedelta(days=1)


async def test_who_left_has_no_open_posting_and_no_role(sqlite: Database) -> None:
    await sqlite.write(load)
    text = changed(("roles: school_coordinator", "roles: school_coordinator, state: left"))

    report = await sqlite.write(load, text)

    assert report.changed == {"teacher": 1, "posting": 1, "role": 1}
    assert set(await sqlite.read(facts_of, "060020")) == {"hire_year"}
    assert (await sqlite.write(load, text + "#\n")).changed_nothing


async def test_nobody_is_deleted_who_is_missing_in_the_file(sqlite: Database) -> None:
    await sqlite.write(load)
    line = next(line for line in PLAN.splitlines(keepends=True) if "罗佳宁" in line)

    report = await sqlite.write(load, changed((line, "")))

    assert report.changed_nothing
    assert report.not_in_file == 1


async def test_a_later_file_may_name_what_an_earlier_one_brought(sqlite: Database) -> None:
    await sqlite.write(load)
    more = """\
programmes:
  - {code: KC2, title: 书法与板书, mode: face_to_face, enrolment: open, hours: 4, owner: S06,
     start: 2026-12-03, end: 2026-12-03, seats: 5,
     registrations: [{state: approved, at: 2026-11-19, teachers: 060020}]}
"""
    report = await sqlite.write(load, more)
    assert report.new == {"programme": 1, "batch": 1, "quota": 1, "registration": 1}


async def test_an_office_may_bring_its_own_credit_rules(sqlite: Database) -> None:
    rules = """\
credit_profile:
  code: chenghe
  version: 2
  source_note: 县教育局文件
  rules: {extends: cn-default, total_required: 300}
"""
    text = changed(("unit: CH, today", "unit: CH, credit_profile: chenghe, today"))
    await sqlite.write(load, text + rules)
    entry = await sqlite.read(one(CreditEntry, source_kind="opening"))
    assert entry["rule_version"] == "chenghe/2"


# -- errors ------------------------------------------------------------------------------

BROKEN = [
    ("    start: 2026-10-19", "    start: 2026-13-01", "start: not a date: 2026-13-01"),
    ("hire: 2026-08-20", "hire: 20 August", "teachers[0].hire: not a date: 20 August"),
    ("enrolment: open", "enrollment: open", "enrollment: unknown key, did you mean enrolment?"),
    ("    mode: remote", "    mode: remot", "mode: remot is not one of face_to_face, remote,"),
    ("area: town", "area: village", "area: village is not one of urban, town, rural"),
    ("title: 作业设计工作坊", "about: 作业", "programmes[0].title: missing"),
    ("    seats: 3", "    seats: three", "programmes[0].seats: not a whole number: three"),
    ("quotas: {S06: 1}", "quotas: {S06: 4}", "4 seats are given to schools, but there are only 3"),
    ("quotas: {S06: 1}", "quotas: {S07: 1}", "no unit S07, did you mean S06?"),
    ("name: 林若溪, unit: S06", "name: 林若溪, unit: S60", "teachers[0].unit: no unit S60"),
    ("members: [S06, S04]", "members: [S06, S05]", "groups[0].members[1]: no unit S05"),
    ("hours: 20.5, teachers: [060012]", "teachers: [999999]", "no teacher 999999"),
    ("no: 060020", "no: 060012", "060012 stands here for the second"),
    ("code: S04, name", "code: S06, name", "schools[1].code: S06 stands here for the second time"),
    ("teachers: 060012 040001", "teachers: 060012 060012", "060012 stands here for the second"),
    ("    end: 2026-12-08", "    end: 2026-12-07", "programmes[0].end: before start (2026-12-08)"),
    ("end: 2026-12-08T11:30", "end: 2026-12-08T08:30", "sessions[0].end: not after the start"),
    ("hours: 20.5", "hours: 20.55", "hours: finer than a tenth of an hour"),
    ("audience: {stage: [primary, junior]}\n    seats", "audience: {stages: primary}\n    seats",
     "audience.stages: nothing is known by this name, did you mean stage?"),
    ("phone: 111 0006 0012", "phone: 12", "teachers[0].phone: not a phone number"),
    ("    place: 三楼研讨室", "    seats: 3", "the key 'seats' stands here twice"),
    ("chats:", "chats: [", "line "),
    ("unit: CH}", "unit: CX}", "chats[0].unit: no unit CX"),
    ("roles: school_coordinator", "roles: coordinator", "coordinator is not one of"),
    ("unit: CH, today", "unit: CH, credit_profile: cn-defualt, today", "did you mean cn-default?"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "said"), BROKEN)
async def test_a_broken_plan_names_the_line(
    sqlite: Database, before: str, after: str, said: str
) -> None:
    text = changed((before, after))
    difference = next(
        n
        for n, (was, is_now) in enumerate(
            zip(PLAN.splitlines(), text.splitlines(), strict=False), 1
        )
        if was != is_now
    )
    empty = await sqlite.read(whole)

    with pytest.raises(PlanError) as raised:
        await sqlite.write(load, text)

    assert said in str(raised.value)
    assert str(raised.value).startswith(f"plan.yaml, line {raised.value.line}: ")
    # What is missing is reported where its mapping begins; an unclosed bracket where it bites.
    assert abs(raised.value.line - difference) <= (1 if "missing" in said or said == "line " else 0)
    assert await sqlite.read(whole) == empty


async def test_more_registrations_than_seats_are_refused(database: Database) -> None:
    text = changed(
        ("060012 040001", "060012 040001 060020"),
        ("    seats: 3", "    seats: 2"),
    )
    empty = await database.read(whole)
    with pytest.raises(PlanError, match=r"line \d+: .*teachers\[2\]: no seat is left"):
        await database.write(load, text)
    assert await database.read(whole) == empty


async def test_fewer_seats_than_are_taken_are_refused(database: Database) -> None:
    await database.write(load)
    before = await database.read(whole)
    with pytest.raises(PlanError, match=r"quotas\.S06: 0 seats, but 1 are taken"):
        await database.write(load, changed(("quotas: {S06: 1}", "quotas: {S06: 0}")))
    with pytest.raises(PlanError, match="1 seats leave 0 in the pool, but 1 are"):
        await database.write(load, changed(("    seats: 3", "    seats: 1")))
    assert await database.read(whole) == before


async def test_a_broken_change_leaves_the_loaded_plan_as_it_was(database: Database) -> None:
    await database.write(load)
    before = await database.read(whole)
    # The teachers are changed long before the group turns out to be of no unit.
    with pytest.raises(PlanError):
        await database.write(load, changed(("tier: new", "tier: x"), ("unit: CH}", "unit: CX}")))
    assert await database.read(whole) == before


def test_all_that_is_wrong_with_the_form_is_told_at_once() -> None:
    text = changed(("hire: 2026-08-20", "hire: soon"), ("seats: 3", "seats: three"))
    with pytest.raises(PlanError) as raised:
        read_plan(text, "plan.yaml")
    assert [place for _, place, _ in raised.value.problems] == [
        "teachers[0].hire",
        "programmes[0].seats",
    ]
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "just words", "- a list", "\t- x: ["])
def test_what_is_no_plan_at_all_is_refused_on_its_line(text: str) -> None:
    with pytest.raises(PlanError, match=r"plan.yaml, line 1: "):
        read_plan(text, "plan.yaml")


async def test_a_first_file_without_an_office_is_refused(sqlite: Database) -> None:
    with pytest.raises(PlanError, match="office: missing"):
        await sqlite.write(load, "units: {county: {code: CH, name: 澄禾县}}")


async def test_a_move_before_the_present_posting_began_is_refused(sqlite: Database) -> None:
    await sqlite.write(load)
    text = changed(("罗佳宁, unit: S06,", "罗佳宁, unit: S04, since: 2010-09-01,"))
    with pytest.raises(PlanError, match=r"since: before the present posting began \(2015-08-20\)"):
        await sqlite.write(load, text)


async def test_a_plan_leaves_alone_what_a_coordinator_has_said_of_a_group(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        load(session)
        (chat,) = session.exec(select(Chat)).all()
        topic = Chat(tg_chat_id=chat.tg_chat_id, thread_id=7, title="", topic="答疑")
        session.add(topic)
        session.flush()
        load(session)  # a topic of the group is not taken for the group
        session.refresh(topic)
        assert topic.purpose is None
        chat.purpose, chat.bound_at = ChatPurpose.TEST, NOW
        session.flush()
        load(session)
        session.refresh(chat)
        assert chat.purpose is ChatPurpose.TEST

    await database.write(play)
