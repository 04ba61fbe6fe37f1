"""Seats are handed out to schools with a preview, never past the capacity, and taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage import deeds, sheets, undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging import sweeping
from storage.messaging.tables import Deadline, DeadlineState, OutboxMessage, Reminder
from storage.people.tables import OrgUnit, Posting, UnitKind
from storage.refusals import NotAllowed
from storage.training import allotting, making, nominating, owing, registration, seats, waiting
from storage.training.allotting import (
    NoCapacity,
    SeatsTaken,
    TooManyReserved,
    TooManySeats,
    UnknownReserve,
    Way,
)
from storage.training.refusals import ProgrammeCancelled
from storage.training.tables import Batch, Enrolment, Level, Programme, Quota, RegistrationState
from tests import make
from tests.make import NOW
from tests.training import desk, seating
from tests.training.seating import TOWN, VILLAGE, county


@given(
    total=st.integers(0, 60),
    schools=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 5), st.integers(0, 30)), max_size=8
    ),
)
def test_shares_keep_to_the_total_the_floors_and_the_caps(
    total: int, schools: list[tuple[int, int, int]]
) -> None:
    weights = [weight for weight, _, _ in schools]
    floors = [floor for _, floor, _ in schools]
    caps = [max(floor, cap) for _, floor, cap in schools]
    made = allotting.shares(total, weights, floors, caps)
    assert all(low <= one <= high for low, one, high in zip(floors, made, caps, strict=True))
    open_ = [n for n, weight in enumerate(weights) if weight]
    most = sum(caps[n] if n in open_ else floors[n] for n in range(len(made)))
    if sum(floors) <= total:
        assert sum(made) == min(total, most)
    else:
        assert made == floors


def test_without_bounds_nobody_is_a_whole_seat_from_their_share() -> None:
    made = allotting.shares(40, [96, 51, 7, 4], [0] * 4, [1000] * 4)
    assert made == [24, 13, 2, 1]
    assert allotting.shares(7, [1, 1, 1], [0] * 3, [9] * 3) == [3, 2, 2]


async def test_equal_shares_are_previewed_applied_and_taken_back(database: Database) -> None:
    made = await database.write(county, seats=7, linked=True)
    plan = await database.read(allotting.propose, made.county_id, made.batch_id, Way.EQUAL, now=NOW)
    assert plan.lines == {made.schools[0]: 4, made.schools[1]: 3}
    assert (plan.pool_before, plan.pool_after, plan.over) == (7, 0, 0)
    done = await database.write(allotting.allot, made.county_id, made.batch_id, plan.lines, now=NOW)
    assert done.deed_id is not None
    assert await database.read(seating.quotas, made.batch_id) == {
        0: (0, 0, 0),
        made.schools[0]: (4, 0, 0),
        made.schools[1]: (3, 0, 0),
    }
    again = await database.write(
        allotting.allot, made.county_id, made.batch_id, plan.lines, now=NOW
    )
    assert again.deed_id is None
    messages = await database.read(lambda s: list(s.exec(select(OutboxMessage)).all()))
    assert {(x.kind, x.teacher_id) for x in messages} == {
        ("allotted", one) for one in made.coordinators
    }
    assert {x.not_before for x in messages} == {NOW + deeds.MINUTES}
    assert await database.write(undoing.undo, made.county_id, done.deed_id, now=NOW)
    assert (await database.read(seating.quotas, made.batch_id))[0] == (7, 0, 0)


async def test_an_allotment_that_was_used_meanwhile_is_not_taken_back(database: Database) -> None:
    made = await database.write(county)
    lines = {made.schools[0]: 2}
    done = await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    assert done.deed_id is not None
    await database.write(
        nominating.nominate, made.coordinators[0], made.batch_id, [made.people[0][0]], now=NOW
    )
    with pytest.raises(ChangedSince):
        await database.write(undoing.undo, made.county_id, done.deed_id, now=NOW)
    assert (await database.read(seating.quotas, made.batch_id))[made.schools[0]] == (2, 1, 0)
    with pytest.raises(SeatsTaken):
        await database.write(
            allotting.allot, made.county_id, made.batch_id, {made.schools[0]: 0}, now=NOW
        )


async def test_shares_follow_the_teachers_in_the_audience(database: Database) -> None:
    made = await database.write(
        county, seats=10, people=3, programme={"audience": {"subject": ["数学"]}}
    )

    def more(session: Session) -> None:
        for n in range(9):
            make.teacher(session, f"数学{n}", at=VILLAGE, subject="数学")
        make.teacher(session, "数学九", at=TOWN, subject="数学")

    await database.write(more)
    plan = await database.read(
        allotting.propose, made.county_id, made.batch_id, Way.BY_TEACHERS, now=NOW
    )
    assert plan.lines == {made.schools[0]: 1, made.schools[1]: 9}
    kept = await database.read(
        allotting.propose, made.county_id, made.batch_id, Way.BY_TEACHERS, keep=5, now=NOW
    )
    assert (sum(kept.lines.values()), kept.pool_after) == (5, 5)


async def test_more_than_the_capacity_needs_a_word(database: Database) -> None:
    made = await database.write(county, seats=4)
    lines = {made.schools[0]: 3, made.schools[1]: 3}
    plan = await database.read(allotting.plan, made.county_id, made.batch_id, lines, now=NOW)
    assert (plan.over, plan.pool_after) == (2, 0)
    with pytest.raises(TooManySeats) as refused:
        await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    assert (refused.value.capacity, refused.value.over) == (4, 2)
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, over=2, now=NOW)
    found = await database.read(seating.quotas, made.batch_id)
    assert sum(kept[0] - kept[2] for kept in found.values()) == 4
    # What lies beyond the capacity goes first when a school gets less.
    lines = {made.schools[0]: 2, made.schools[1]: 2}
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    found = await database.read(seating.quotas, made.batch_id)
    assert sum(kept[0] for kept in found.values()) <= 4 + sum(kept[2] for kept in found.values())
    assert sum(kept[0] - kept[2] for kept in found.values()) == 4


async def test_released_seats_beyond_the_capacity_are_no_seats_any_more(
    database: Database,
) -> None:
    made = await database.write(county, seats=4)
    lines = {made.schools[0]: 6}
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, over=2, now=NOW)
    release = NOW + timedelta(days=3)
    await database.write(allotting.set_release, made.county_id, made.batch_id, release, now=NOW)
    assert await database.write(seats.release_unused, made.batch_id, now=release) == 4
    found = await database.read(seating.quotas, made.batch_id)
    assert found == {0: (4, 0, 0), made.schools[0]: (0, 0, 0)}


async def test_typed_lines_and_tables_name_schools_as_people_do(database: Database) -> None:
    made = await database.write(county)
    text = "城东 2\n南塘乡中心小学：１人\n火星小学 3\n城东小学5\n县城"
    read = await database.read(allotting.typed, made.county_id, made.batch_id, text, now=NOW)
    assert read.seats == {made.schools[0]: 2, made.schools[1]: 1}
    assert read.unknown == ("火星小学 3", "城东小学5", "县城")
    text = "南塘乡中心小学 2 乡村1 数学 1"
    read = await database.read(allotting.typed, made.county_id, made.batch_id, text, now=NOW)
    assert read.reserved == {made.schools[1]: {"rural": 1, "subject:数学": 1}}
    book = sheets.read("学校,名额,预留\n城东小学,2,青年1\n南塘乡中心小学,1,\n".encode(), "a.csv")
    assert allotting.is_table(book)
    read = await database.read(
        allotting.typed, made.county_id, made.batch_id, allotting.lines_of(book), now=NOW
    )
    assert read.seats == {made.schools[0]: 2, made.schools[1]: 1}
    assert read.reserved == {made.schools[0]: {"young": 1}}
    assert read.unknown == ()


async def test_reserves_that_cannot_be_are_refused(database: Database) -> None:
    made = await database.write(county)
    first = made.schools[0]

    async def allot(number: int, **kinds: int) -> None:
        await database.write(
            allotting.allot,
            made.county_id,
            made.batch_id,
            {first: number},
            reserved={first: kinds},
            now=NOW,
        )

    with pytest.raises(UnknownReserve):
        await allot(2, tall=1)
    with pytest.raises(UnknownReserve):
        await allot(2, subject=1)  # the programme names no subject
    with pytest.raises(TooManyReserved):
        await allot(2, rural=2, young=1)
    await allot(2, rural=1)
    with pytest.raises(TooManyReserved):
        await database.write(allotting.allot, made.county_id, made.batch_id, {first: 0}, now=NOW)


async def test_a_class_without_a_limit_gets_one_before_seats_are_handed_out(
    database: Database,
) -> None:
    made = await database.write(county, seats=None, programme={"enrolment": Enrolment.OPEN})
    someone = made.people[0][0]
    await database.write(
        registration.register, someone, made.batch_id, now=NOW - timedelta(hours=1)
    )
    with pytest.raises(NoCapacity):
        await database.read(allotting.propose, made.county_id, made.batch_id, Way.EQUAL, now=NOW)
    with pytest.raises(SeatsTaken):
        await database.write(allotting.set_capacity, made.county_id, made.batch_id, 0, now=NOW)
    await database.write(allotting.set_capacity, made.county_id, made.batch_id, 3, now=NOW)
    assert await database.read(seating.quotas, made.batch_id) == {0: (3, 1, 0)}
    assert sum((await database.read(seating.held, made.batch_id)).values()) == 1
    board = await database.read(allotting.board, made.county_id, made.batch_id, now=NOW)
    assert (board.capacity, board.pool_taken) == (3, 1)


async def test_who_waits_is_offered_what_their_school_gets(database: Database) -> None:
    made = await database.write(county, seats=1, programme={"enrolment": Enrolment.OPEN})
    first, second = made.people[0][:2]
    for n, one in enumerate((first, second)):
        at = NOW + timedelta(seconds=n)
        await database.write(registration.register, one, made.batch_id, now=at)
    await database.write(allotting.set_capacity, made.county_id, made.batch_id, 2, now=NOW)
    state = await database.read(seating.state, made.batch_id, second)
    assert state is RegistrationState.OFFERED
    lines = await database.write(allotting.queue, made.county_id, made.batch_id, now=NOW)
    assert [(x.name, x.lapses_at is not None) for x in lines] == [("教师01", True)]


async def test_coordinators_with_unused_seats_are_reminded_before_the_release(
    database: Database,
) -> None:
    made = await database.write(county, linked=True)
    lines = {made.schools[0]: 1, made.schools[1]: 1}
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    release = NOW + timedelta(days=5)
    await database.write(allotting.set_release, made.county_id, made.batch_id, release, now=NOW)
    await database.write(
        nominating.nominate, made.coordinators[0], made.batch_id, [made.people[0][0]], now=NOW
    )

    def owes(session: Session) -> list[int]:
        who = owing.owes(session, "release", made.batch_id, now=NOW)
        assert who is not None
        return list(session.connection().execute(who).scalars())

    assert await database.read(owes) == [made.coordinators[1]]
    while (await database.write(sweeping.sweep, now=release - timedelta(hours=20))).more:
        pass
    reminded = await database.read(lambda s: list(s.exec(select(Reminder.teacher_id)).all()))
    assert made.coordinators[1] in reminded
    assert made.coordinators[0] not in reminded
    await database.write(allotting.set_release, made.county_id, made.batch_id, None, now=NOW)
    deadline = await database.read(
        lambda s: s.exec(select(Deadline).where(Deadline.kind == "release")).one()
    )
    assert deadline.state is DeadlineState.CANCELLED


async def test_deadlines_follow_the_allotments_and_the_day_of_the_list(
    database: Database,
) -> None:
    closes = NOW + timedelta(days=9)
    made = await database.write(county, reg_close=closes, programme={"enrolment": Enrolment.OPEN})

    def stands(session: Session, kind: str) -> list[datetime]:
        found = select(Deadline.at).where(
            Deadline.kind == kind, Deadline.state == DeadlineState.ACTIVE
        )
        return list(session.exec(found).all())

    lines = {made.schools[0]: 1}
    done = await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    assert await database.read(stands, "quota_unfilled") == [closes]
    assert done.deed_id is not None
    await database.write(undoing.undo, made.county_id, done.deed_id, now=NOW)
    assert await database.read(stands, "quota_unfilled") == []
    for days in (3, 5):
        listed = NOW + timedelta(days=days)
        await database.write(
            allotting.set_roster_date, made.county_id, made.batch_id, listed, now=NOW
        )
        assert await database.read(stands, "roster") == [listed]
    await database.write(allotting.set_roster_date, made.county_id, made.batch_id, None, now=NOW)
    assert await database.read(stands, "roster") == []


async def test_released_seats_are_offered_by_the_sweep(database: Database) -> None:
    made = await database.write(county, seats=2, programme={"enrolment": Enrolment.OPEN})
    lines = {made.schools[0]: 2}
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    someone = made.people[1][0]
    await database.write(registration.register, someone, made.batch_id, now=NOW)
    release = NOW + timedelta(days=3)
    await database.write(allotting.set_release, made.county_id, made.batch_id, release, now=NOW)
    assert await database.write(waiting.promote, now=release) == 1


async def test_only_whoever_runs_the_class_hands_out_its_seats(database: Database) -> None:
    made = await database.write(county)
    lines = {made.schools[0]: 1}
    for someone in (made.coordinators[0], made.people[0][0]):
        with pytest.raises(NotAllowed):
            await database.read(allotting.board, someone, made.batch_id, now=NOW)
        with pytest.raises(NotAllowed):
            await database.write(allotting.allot, someone, made.batch_id, lines, now=NOW)
        with pytest.raises(NotAllowed):
            await database.write(allotting.set_capacity, someone, made.batch_id, 9, now=NOW)
        with pytest.raises(NotAllowed):
            await database.write(allotting.set_release, someone, made.batch_id, NOW, now=NOW)
        with pytest.raises(NotAllowed):
            await database.write(allotting.queue, someone, made.batch_id, now=NOW)
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, now=NOW)
    acts = await database.read(lambda s: set(s.exec(select(AuditLog.action)).all()))
    assert "allot_seats" in acts


async def test_a_cancelled_class_has_no_seats_to_hand_out(database: Database) -> None:
    made = await database.write(county)

    def cancel(session: Session) -> None:
        session.get_one(Batch, made.batch_id).cancelled_at = NOW

    await database.write(cancel)
    with pytest.raises(ProgrammeCancelled):
        await database.write(
            allotting.allot, made.county_id, made.batch_id, {made.schools[0]: 1}, now=NOW
        )


async def test_an_office_without_schools_of_its_own_hands_out_to_those_of_its_county(
    database: Database,
) -> None:
    made = await database.write(county)

    def hand_over(session: Session) -> None:
        centre = OrgUnit(
            kind=UnitKind.TEACHER_DEV_CENTER,
            code="TDC",
            name="中心",
            parent_id=make.county(session),
        )
        session.add(centre)
        session.flush()
        programme = session.exec(select(Programme)).one()
        programme.owner_unit_id = centre.id
        quota = session.exec(select(Quota)).one()
        quota.unit_id = centre.id

    await database.write(hand_over)
    plan = await database.read(allotting.propose, made.county_id, made.batch_id, Way.EQUAL, now=NOW)
    assert set(made.schools) <= set(plan.lines)


async def test_a_school_that_runs_a_class_itself_is_no_school_to_give_seats_to(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        luo = desk.school_coordinator(session)
        make.teacher(session, "同事")
        unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == luo)).one()
        form = desk.form(session, owner_unit_id=unit_id, level=Level.SCHOOL, seats=10)
        made = making.create(session, luo, form, now=NOW)
        for way in Way:
            plan = allotting.propose(session, luo, made.batch_id, way, now=NOW)
            assert (plan.lines, plan.pool_after) == ({}, 10)
            done = allotting.allot(session, luo, made.batch_id, plan.lines, now=NOW)
            assert done.deed_id is None

    await database.write(play)
