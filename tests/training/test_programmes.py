"""What a teacher and what a group is told of programmes, and what is due."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from storage.database import Database
from storage.refusals import NotFound
from storage.training import interest, programmes, registration
from storage.training.programmes import BatchState, DueKind
from storage.training.registration import Leaving
from storage.training.tables import (
    ClassSession,
    Enrolment,
    Mode,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)
from tests import make
from tests.make import NOW

DAY = timedelta(days=1)


def put(
    session: Session, /, teacher_id: int, batch_id: int, state: RegistrationState, **differs: Any
) -> None:
    session.add(
        Registration(
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=make.school(session),
            source=differs.pop("source", Source.SELF),
            state=state,
            submitted_at=NOW,
            queued_at=NOW,
            changed_at=NOW,
            **differs,
        )
    )
    session.flush()


def meet(session: Session, /, batch_id: int, **differs: Any) -> int:
    start = differs.pop("starts_at", NOW + 20 * DAY)
    row = ClassSession(
        batch_id=batch_id,
        title=differs.pop("title", "第一次集中"),
        starts_at=start,
        ends_at=start + timedelta(hours=3),
        **differs,
    )
    session.add(row)
    session.flush()
    return row.id


async def test_programmes_that_fit_me_come_in_the_order_in_which_i_must_act(
    database: Database,
) -> None:
    amina = await database.write(make.teacher)
    dates: dict[str, Any] = {"starts_at": NOW + 30 * DAY, "ends_at": NOW + 31 * DAY}
    made: list[tuple[str, dict[str, Any]]] = [
        ("以后", {"programme": {"enrolment": Enrolment.NOMINATION}} | dates),
        ("即将开放", {"reg_open": NOW + 2 * DAY} | dates),
        ("晚截止", {"reg_close": NOW + 9 * DAY} | dates),
        ("明天开放", {"reg_open": NOW + DAY} | dates),
        ("早截止", {"reg_close": NOW + 2 * DAY} | dates),
        ("不适合", {"audience": {"subject": ["数学"]}} | dates),
        ("已结束", {"starts_at": NOW - 3 * DAY, "ends_at": NOW - 2 * DAY}),
        ("已取消", {"programme": {"state": ProgrammeState.CANCELLED}} | dates),
    ]
    for title, differs in made:
        await database.write(make.batch, title, **differs)
    page = await database.read(programmes.open_for, amina, now=NOW, size=10)
    assert [x.title for x in page.items] == ["早截止", "晚截止", "明天开放", "即将开放", "以后"]
    assert [x.state.value for x in page.items[1:4]] == ["open", "not_yet_open", "not_yet_open"]
    second = await database.read(programmes.open_for, amina, now=NOW, page=1, size=2)
    assert [x.title for x in second.items] == ["明天开放", "即将开放"]
    assert (second.total, second.pages) == (5, 3)


async def test_a_card_answers_everything_before_and_after_registering(
    database: Database,
) -> None:
    batch = await database.write(
        make.batch, seats=2, audience={"subject": ["语文"]}, waiting_limit=9
    )
    await database.write(meet, batch, bring="教材")
    amina = await database.write(make.teacher)
    before = await database.read(programmes.card, batch, amina, now=NOW)
    assert (before.state, before.seats, before.seats_left) == (BatchState.OPEN, 2, 2)
    assert (before.mine, before.misfits, before.clashes) == (None, (), ())
    assert before.can_register
    assert before.audience == {"subject": ["语文"]}
    assert [(x.title, x.bring) for x in before.sessions] == [("第一次集中", "教材")]
    await database.write(registration.register, amina, batch, now=NOW)
    after = await database.read(programmes.card, batch, amina, now=NOW)
    assert after.mine is not None
    assert (after.mine.state, after.mine.leaving) == (RegistrationState.APPROVED, Leaving.FREE)
    assert (after.seats_left, after.can_register) == (1, False)
    late = await database.read(programmes.card, batch, amina, now=NOW + 11 * DAY)
    assert late.mine is not None
    assert (late.state, late.mine.leaving) == (BatchState.CLOSED, Leaving.REQUEST)


async def test_a_card_says_why_not(database: Database) -> None:
    batch = await database.write(make.batch, audience={"subject": ["数学"]})
    amina = await database.write(make.teacher)
    card = await database.read(programmes.card, batch, amina, now=NOW)
    assert [x.key for x in card.misfits] == ["subject"]
    assert not card.can_register


async def test_a_card_shows_the_offer_and_then_the_place_of_the_next(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=1)
    people = [await database.write(make.teacher) for _ in range(3)]
    for someone in people:
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, people[0], batch, now=NOW)
    offered = await database.read(programmes.card, batch, people[1], now=NOW)
    assert offered.mine is not None
    assert offered.mine.offer is not None
    assert offered.mine.offer.lapses_at == NOW + DAY
    waits = await database.read(programmes.card, batch, people[2], now=NOW)
    assert waits.mine is not None
    assert (waits.mine.place_in_queue, waits.mine.offer) == (1, None)
    assert (waits.waiting, waits.state) == (1, BatchState.FULL)


async def test_seats_left_are_those_that_this_teacher_can_have(database: Database) -> None:
    batch = await database.write(make.batch, seats=3)

    def allot(session: Session) -> None:
        unit_id = make.school(session, "南塘乡中心小学")
        session.add(Quota(batch_id=batch, unit_id=unit_id, seats=2))

    await database.write(allot)
    town = await database.write(make.teacher)
    rural = await database.write(make.teacher, at="南塘乡中心小学")
    cards = [await database.read(programmes.card, batch, x, now=NOW) for x in (town, rural, None)]
    assert [x.seats_left for x in cards] == [3, 5, 5]
    assert [x.seats for x in cards] == [5, 5, 5]


@pytest.mark.parametrize(
    ("differs", "state"),
    [
        ({"reg_open": NOW + DAY}, BatchState.NOT_YET_OPEN),
        ({}, BatchState.OPEN),
        ({"seats": 0}, BatchState.FULL),
        ({"reg_close": NOW}, BatchState.CLOSED),
        ({"reg_close": NOW, "starts_at": NOW}, BatchState.RUNNING),
        ({"starts_at": NOW - DAY, "ends_at": NOW}, BatchState.FINISHED),
        ({"programme": {"state": ProgrammeState.CANCELLED}}, BatchState.CANCELLED),
    ],
)
async def test_a_batch_stands_in_one_word(
    sqlite: Database, differs: dict[str, Any], state: BatchState
) -> None:
    batch = await sqlite.write(make.batch, **differs)
    card = await sqlite.read(programmes.card, batch, None, now=NOW)
    assert card.state is state
    assert (await sqlite.read(programmes.group_facts, batch, now=NOW)).state is state


async def test_a_draft_is_not_found(sqlite: Database) -> None:
    batch = await sqlite.write(make.batch, programme={"state": ProgrammeState.DRAFT})
    with pytest.raises(NotFound):
        await sqlite.read(programmes.card, batch, None, now=NOW)


@pytest.mark.parametrize(("people", "told"), [(0, 0), (1, None), (4, None), (5, 5), (6, 6)])
async def test_a_group_is_told_counts_of_at_least_five(
    database: Database, people: int, told: int | None
) -> None:
    batch = await database.write(make.batch, seats=30)
    for _ in range(people):
        someone = await database.write(make.teacher)
        await database.write(registration.register, someone, batch, now=NOW)
    facts = await database.read(programmes.group_facts, batch, now=NOW)
    assert (facts.registered, facts.seats, facts.seats_left) == (told, 30, 30 - people)


def test_what_a_group_is_told_has_no_field_for_a_person() -> None:
    names = {field.name for field in dataclasses.fields(programmes.GroupProgramme)}
    assert names == {
        "batch_id",
        "title",
        "batch_title",
        "level",
        "mode",
        "hours",
        "starts_at",
        "ends_at",
        "reg_open",
        "reg_close",
        "place",
        "state",
        "seats",
        "seats_left",
        "door",
        "registered",
        "revision",
    }


async def test_my_registrations_come_newest_first(database: Database) -> None:
    amina = await database.write(make.teacher)
    batches = [await database.write(make.batch, f"培训{n}") for n in range(3)]
    for number, batch in enumerate(batches):
        at = NOW + timedelta(minutes=number)
        await database.write(registration.register, amina, batch, now=at)
    found = await database.read(programmes.mine, amina, now=NOW)
    assert [x.title for x in found] == ["培训2", "培训1", "培训0"]


async def test_everything_due_comes_soonest_first(database: Database) -> None:
    amina = await database.write(make.teacher)
    approved = RegistrationState.APPROVED
    remote = await database.write(
        make.batch,
        "全员远程",
        seats=None,
        starts_at=NOW - DAY,
        ends_at=NOW + 28 * DAY,
        programme={"mode": Mode.REMOTE, "enrolment": Enrolment.AUTOMATIC},
    )
    await database.write(put, amina, remote, approved, source=Source.AUTOMATIC)
    blended = await database.write(
        make.batch, "班主任", starts_at=NOW - DAY, ends_at=NOW + 40 * DAY
    )
    for title, days in (("已上", -1), ("二", 9), ("三", 30)):
        await database.write(meet, blended, title=title, starts_at=NOW + days * DAY)
    await database.write(put, amina, blended, RegistrationState.ATTENDING)
    later = await database.write(make.batch, "专题", starts_at=NOW + 20 * DAY)
    await database.write(put, amina, later, approved)
    wished = await database.write(make.batch, "想去", reg_close=NOW + 5 * DAY)
    await database.write(interest.follow, amina, wished, now=NOW)
    await database.write(interest.follow, amina, wished, now=NOW)
    done = await database.write(make.batch, "完成了")
    await database.write(put, amina, done, RegistrationState.COMPLETED)
    asked = await database.write(
        make.batch,
        "推荐",
        nominate_close=NOW + 3 * DAY,
        programme={"enrolment": Enrolment.NOMINATION},
    )
    await database.write(put, amina, asked, RegistrationState.NOMINATED, source=Source.NOMINATED)
    full = await database.write(make.batch, "候补", seats=1)
    other = await database.write(make.teacher)
    await database.write(registration.register, other, full, now=NOW)
    await database.write(registration.register, amina, full, now=NOW)
    await database.write(registration.withdraw, other, full, now=NOW)

    found = await database.read(programmes.due, amina, now=NOW)
    assert [(x.kind, x.title, x.session_title) for x in found] == [
        (DueKind.OFFER, "候补", ""),
        (DueKind.NOMINATION, "推荐", ""),
        (DueKind.REG_CLOSE, "想去", ""),
        (DueKind.SESSION, "班主任", "二"),
        (DueKind.START, "专题", ""),
        (DueKind.REMOTE_END, "全员远程", ""),
        (DueKind.SESSION, "班主任", "三"),
    ]
    assert [x.at for x in found] == sorted(x.at for x in found)
    assert found[0].offer_id is not None


async def test_what_is_cancelled_is_not_due(database: Database) -> None:
    amina = await database.write(make.teacher)
    batch = await database.write(make.batch)
    await database.write(registration.register, amina, batch, now=NOW)
    await database.write(interest.follow, amina, batch, now=NOW)
    assert len(await database.read(programmes.due, amina, now=NOW)) == 1

    def cancel(session: Session) -> None:
        session.exec(sa.text("UPDATE programme SET state = 'cancelled'"))  # type: ignore[call-overload]

    await database.write(cancel)
    assert await database.read(programmes.due, amina, now=NOW) == []


async def test_interest_is_noted_once_and_forgotten(database: Database) -> None:
    amina = await database.write(make.teacher)
    batch = await database.write(make.batch)
    await database.write(interest.follow, amina, batch, now=NOW)
    assert (await database.read(programmes.card, batch, amina, now=NOW)).is_interested
    await database.write(interest.unfollow, amina, batch, now=NOW)
    assert not (await database.read(programmes.card, batch, amina, now=NOW)).is_interested
    with pytest.raises(NotFound):
        await database.write(interest.follow, amina, 999, now=NOW)
