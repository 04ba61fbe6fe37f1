"""Whoever stands above hears of what is still owed, once a day, in figures, and no longer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import kinds, moments
from storage.calendar import quiet, workdays
from storage.database import Database
from storage.messaging import deadlines, group_steps, outbox, reminders, upward
from storage.messaging.group_steps import Unsaid
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    DeadlineStep,
    Level,
    OutboxMessage,
    OutboxState,
    Reminder,
    ReminderState,
    StepOutcome,
)
from storage.people.tables import Contact, Role, RoleAssignment
from storage.training import worklist
from storage.training.remote.tables import RemotePlan
from storage.training.tables import Batch, Mode
from tests import make
from tests.messaging import cast
from tests.messaging.cast import local
from tests.messaging.test_month import empty

# Wednesday 16 December, 17:00. T-7 is Monday 7 December, T-3 Friday 11, T-1 Tuesday 15.
AT = local("2026-12-16", 17)
T7, T3, T1 = local("2026-12-07", 16, 30), local("2026-12-11", 16, 30), local("2026-12-15", 16, 30)
BEFORE = local("2026-11-16", 9)


def office(session: Session, role: Role, unit_id: int, **account: Any) -> int:
    """Somebody with a linked account who holds the role over the unit."""
    teacher_id = make.teacher(session, at="教师发展中心")
    make.account(session, teacher_id, **account)
    session.add(
        RoleAssignment(teacher_id=teacher_id, role=role, scope_id=unit_id, since=date(2026, 9, 1))
    )
    session.flush()
    return teacher_id


def scene(session: Session, *, kind: str = "remote_end") -> dict[str, Any]:
    """Three people of one school owe it and one of another; all offices are held."""
    batch_id = make.batch(session, starts_at=BEFORE, ends_at=AT)
    first, second = make.school(session, "实验小学"), make.school(session, "第二小学")
    people = []
    for at in ("实验小学", "实验小学", "实验小学", "第二小学"):
        teacher_id = make.teacher(session, at=at)
        make.account(session, teacher_id)
        cast.register(session, batch_id, teacher_id)
        people.append(teacher_id)
    deadline_id = deadlines.set_deadline(session, kind, batch_id, AT, now=BEFORE)
    return {
        "batch": batch_id,
        "deadline": deadline_id,
        "people": people,
        "units": (first, second),
        "coordinator": office(session, Role.SCHOOL_COORDINATOR, first),
        "principal": office(session, Role.PRINCIPAL, first),
        "county": office(session, Role.COUNTY_COORDINATOR, make.county(session)),
    }


def day(session: Session, now: datetime) -> dict[int, tuple[upward.Line, ...]]:
    """Sweep, and send the card of the day as the office does; who is told what."""
    cast.sweep_all(session, now)
    due = worklist.due(session, now=now)
    worklist.put(session, due, now=now)
    said: dict[int, tuple[upward.Line, ...]] = {}
    for row in outbox.claim(session, now=now, lease=cast.LEASE, limit=500):
        if row.kind == outbox.UPWARD and row.teacher_id is not None:
            lines = upward.compose(session, row.teacher_id, row.id, now=now)
            if lines:
                said[row.teacher_id] = lines
        outbox.settle_sent(session, row.id, row.id, now)
    return said


async def test_the_school_hears_first_then_its_head_then_the_owner(database: Database) -> None:
    made = await database.write(scene)
    (told,) = (await database.write(day, T7)).items()
    assert told[0] == made["coordinator"]
    (line,) = told[1]
    assert (line.kind, line.number, line.level) == ("remote_end", 3, Level.COORDINATOR)
    assert await database.write(day, T7 + timedelta(minutes=5)) == {}
    (told,) = (await database.write(day, T3)).items()
    assert (told[0], told[1][0].number) == (made["principal"], 3)
    (told,) = (await database.write(day, T1)).items()
    assert told[0] == made["county"]
    assert [(name, n) for _id, name, n in told[1][0].units] == [("实验小学", 3), ("第二小学", 1)]


async def test_nothing_is_passed_on_once_it_is_done(database: Database) -> None:
    made = await database.write(scene)
    await database.write(cast.sweep_all, local("2026-12-07", 9))
    for teacher_id in made["people"]:
        await database.write(cast.finish, teacher_id)
    assert await database.write(day, T7) == {}
    assert await database.write(day, T3) == {}
    states = await database.read(cast.states)
    assert ReminderState.SATISFIED in states


async def test_whom_somebody_has_spoken_with_is_not_passed_on_for_two_working_days(
    database: Database,
) -> None:
    made = await database.write(scene)
    about = upward.about(made["deadline"])

    def speak(session: Session) -> None:
        for teacher_id in made["people"][:3]:
            at = local("2026-12-10", 10)
            by_id = made["coordinator"]
            session.add(Contact(teacher_id=teacher_id, by_id=by_id, at=at, about=about))

    await database.write(day, T7)
    await database.write(speak)
    assert await database.write(day, T3) == {}

    def waits(session: Session) -> tuple[Any, Any]:
        step = session.exec(
            select(DeadlineStep).where(
                DeadlineStep.deadline_id == made["deadline"], DeadlineStep.level == Level.PRINCIPAL
            )
        ).one()
        return step.outcome, step.due_at

    assert await database.read(waits) == (None, local("2026-12-14", 10))
    (told,) = (await database.write(day, local("2026-12-14", 16, 30))).items()
    assert told[0] == made["principal"]


async def test_a_school_of_which_one_was_forgotten_is_passed_on(database: Database) -> None:
    made = await database.write(scene)

    def speak(session: Session) -> None:
        for teacher_id in made["people"][:2]:
            at = local("2026-12-10", 10)
            session.add(Contact(teacher_id=teacher_id, by_id=made["coordinator"], at=at))

    await database.write(speak)
    assert made["principal"] in await database.write(day, T3)


async def test_a_head_who_owes_it_too_still_hears_of_the_others(database: Database) -> None:
    made = await database.write(scene)
    await database.write(cast.register, made["batch"], made["principal"])
    assert made["principal"] in await database.write(day, T3)


async def test_who_alone_of_the_school_owes_it_hears_it_as_everybody_does(
    database: Database,
) -> None:
    def alone(session: Session) -> tuple[int, int]:
        made = scene(session)
        heads = []
        for owes in (True, False):
            teacher_id = make.teacher(session, at="第三小学" if owes else "第二小学")
            make.account(session, teacher_id)
            unit_id = make.school(session, "第三小学" if owes else "第二小学")
            role = RoleAssignment(
                teacher_id=teacher_id,
                role=Role.PRINCIPAL,
                scope_id=unit_id,
                since=date(2026, 9, 1),
            )
            session.add(role)
            if owes:
                cast.register(session, made["batch"], teacher_id)
            heads.append(teacher_id)
        return heads[0], heads[1]

    owing, other = await database.write(alone)
    told = await database.write(day, T3)
    assert owing not in told
    assert other in told


async def test_somebody_with_a_date_of_their_own_is_left_out(database: Database) -> None:
    made = await database.write(scene)
    own = local("2026-12-30", 17)
    for teacher_id in made["people"][:3]:
        await database.write(
            deadlines.set_deadline,
            "remote_end",
            made["batch"],
            own,
            now=BEFORE,
            teacher_id=teacher_id,
        )
    # Nobody of the first school owes it by everybody's date.
    assert await database.write(day, T7) == {}
    assert list(await database.write(day, T1)) == [made["county"]]

    def told(session: Session) -> set[int]:
        of = select(Reminder.teacher_id).join(
            DeadlineStep, col(DeadlineStep.id) == col(Reminder.step_id)
        )
        return set(
            session.exec(
                of.where(
                    DeadlineStep.deadline_id == made["deadline"],
                    DeadlineStep.level == Level.TEACHER,
                )
            ).all()
        )

    assert await database.read(told) == {made["people"][3]}
    # Everybody's date that comes to lie later takes the place of their own.
    later = local("2027-01-08", 17)
    await database.write(deadlines.set_deadline, "remote_end", made["batch"], later, now=T1)
    assert await database.read(deadlines.own_dates, "remote_end", made["batch"]) == {}


def group(session: Session, batch_id: int) -> int:
    row = Chat(
        tg_chat_id=-1007,
        title="培训班群",
        purpose=ChatPurpose.PROGRAMME,
        programme_id=session.get_one(Batch, batch_id).programme_id,
    )
    session.add(row)
    session.flush()
    return row.id


async def test_a_group_hears_figures_of_five_and_more_once_a_day_and_thrice_a_week(
    database: Database,
) -> None:
    def many(session: Session) -> list[tuple[str, str]]:
        made = scene(session)
        chat_id = group(session, made["batch"])
        now = local("2026-12-07", 9)
        for number in range(5):
            moment = now + timedelta(days=number)
            for part in ("a", "b"):
                session.add(
                    DeadlineStep(
                        deadline_id=made["deadline"],
                        revision=9,
                        level=Level.GROUP,
                        name=f"X{number}{part}",
                        due_at=moment,
                        useful_until=AT,
                    )
                )
            session.flush()
            cast.sweep_all(session, moment)
        unsaid = [
            step.unsaid
            for step in reminders.overview(session, made["deadline"]).steps
            if step.level is Level.GROUP and step.name.startswith("X")
        ]
        assert unsaid.count(Unsaid(enough=1)) == 8
        assert unsaid.count(Unsaid()) == 2  # the third is the step of the deadline itself
        rows = session.exec(
            select(OutboxMessage.fault, OutboxMessage.state)
            .where(OutboxMessage.chat_id == chat_id)
            .order_by(col(OutboxMessage.id))
        ).all()
        return list(rows)

    rows = await database.write(many)
    assert [state for _, state in rows].count(OutboxState.PENDING) == 3
    assert {fault for fault, state in rows if state is OutboxState.SKIPPED} == {group_steps.ENOUGH}

    def number(session: Session) -> list[int | None]:
        made = scene(session)
        counts = [group_steps.number(session, "remote_end", made["batch"], now=T7)]
        cast.participant(session, made["batch"])
        return [*counts, group_steps.number(session, "remote_end", made["batch"], now=T7)]

    assert await database.write(number) == [None, 5]


async def test_after_a_week_of_downtime_there_is_one_card_and_one_brief(
    database: Database,
) -> None:
    made = await database.write(scene)
    back = local("2026-12-15", 10)  # down since before T-7
    swept = await database.write(cast.sweep_all, back)
    assert swept.stale > 0
    view = await database.read(reminders.overview, made["deadline"])
    outcomes = {
        (step.level, step.name): (step.outcome, step.reminded)
        for step in view.steps
        if step.due_at <= back
    }
    assert outcomes[Level.TEACHER, "T-7"] == (StepOutcome.STALE, 4)
    assert outcomes[Level.TEACHER, "T-1"] == (StepOutcome.SWEPT, 4)
    assert outcomes[Level.COORDINATOR, "T-7"][0] is StepOutcome.SWEPT  # of use until the deadline
    rung = await database.write(cast.tick, local("2026-12-15", 16, 40))
    assert [one.kind for one in rung] == ["brief"] * 4
    assert all(one.brief is not None and len(one.brief.items) == 1 for one in rung)
    told = await database.write(day, local("2026-12-15", 16, 41))
    assert set(told) == {made["coordinator"], made["principal"], made["county"]}
    assert all(len(lines) == 1 for lines in told.values())


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    done=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=4),
    spoken=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=6),
    move=st.integers(-3, 6),
    seed=st.integers(0, 3),
)
def test_levels_are_told_once_in_their_hours_and_never_of_what_is_done(
    sqlite: Database,
    done: list[tuple[int, int]],
    spoken: list[tuple[int, int]],
    move: int,
    seed: int,
) -> None:
    def play(session: Session) -> None:
        empty(session)
        made = scene(session)
        calendar = workdays.load(session)
        finished: set[int] = set()
        begins = local("2026-12-04", 8) + timedelta(minutes=7 * seed)
        for half_days in range(40):
            now = begins + timedelta(hours=8 * half_days)
            for who, when in done:
                if when == half_days:
                    cast.finish(session, made["people"][who])
                    finished.add(who)
            for who, when in spoken:
                if when == half_days:
                    session.add(
                        Contact(teacher_id=made["people"][who], by_id=made["coordinator"], at=now)
                    )
            if half_days == 10:
                at = max(now, AT + timedelta(days=move))
                deadlines.set_deadline(session, "remote_end", made["batch"], at, now=now)
            said = day(session, now)
            for lines in said.values():
                assert quiet.may_push(calendar, now)
                assert moments.minute_of_day(now, calendar.zone) >= worklist.CARD_MINUTE
                (line,) = lines
                left = set(range(4)) - finished
                schools = [len(left & {0, 1, 2}), len(left & {3})]
                of_one = line.level in (Level.COORDINATOR, Level.PRINCIPAL)
                assert line.number == (schools[0] if of_one else sum(schools))
        told = session.exec(
            sa.select(col(Reminder.step_id), col(Reminder.teacher_id)).where(  # type: ignore[call-overload]
                col(Reminder.state) == ReminderState.SENT
            )
        ).all()
        assert len(told) == len(set(told))

    sqlite.write_now(play)


@pytest.mark.parametrize("level", [Level.COORDINATOR, Level.PRINCIPAL, Level.BUREAU])
async def test_nobody_is_told_where_nobody_holds_the_office(sqlite: Database, level: Level) -> None:
    def look(session: Session) -> list[Any]:
        batch_id = make.batch(session)
        units = {make.school(session)}
        owing = kinds.owes(session, "remote_end", batch_id, now=T7)
        who = upward.audience(session, level, "remote_end", batch_id, units, owing, T7)
        return list(session.exec(who).all())

    assert await sqlite.write(look) == []


@pytest.mark.parametrize("kind", ["grade_due", "import_stale"])
async def test_what_a_school_has_left_of_its_own_class_goes_to_the_county(
    database: Database, kind: str
) -> None:
    def arrange(session: Session) -> dict[str, int]:
        school = make.school(session, "实验小学")
        batch_id = make.batch(
            session,
            programme={"owner_unit_id": school, "mode": Mode.REMOTE},
            starts_at=BEFORE,
            ends_at=AT,
        )
        session.add(RemotePlan(batch_id=batch_id))
        teacher_id = make.teacher(session, at="实验小学")
        cast.register(session, batch_id, teacher_id)
        return {
            "batch": batch_id,
            "coordinator": office(session, Role.SCHOOL_COORDINATOR, school),
            "county": office(session, Role.COUNTY_COORDINATOR, make.county(session)),
        }

    def told(session: Session, batch_id: int) -> set[int]:
        when = local("2026-12-07", 17)
        owing = kinds.owes(session, kind, batch_id, now=when)
        assert len(session.exec(owing).all()) == 1  # the school, and not the county
        who = upward.audience(session, Level.OWNER, kind, batch_id, (), owing, when)
        return set(session.connection().execute(who).scalars())

    made = await database.write(arrange)
    assert await database.write(told, made["batch"]) == {made["county"]}
