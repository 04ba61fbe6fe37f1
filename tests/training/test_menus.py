"""Menus: choosing among classes, and giving out their seats by wish and lot."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState, News
from storage.people import roles
from storage.people.tables import Role, Teacher, TeacherState
from storage.refusals import NotAllowed, NotFound
from storage.schema import METADATA
from storage.training import menus, programmes, publishing, registration, schedule, settling
from storage.training.allocation import Allotment, Free, Wish, allocate, commitment, lot
from storage.training.decisions import why
from storage.training.menus import BadMenu, ChosenEnough, MenuFlaw, MenuNotOpen, MenuState
from storage.training.publishing import Check
from storage.training.refusals import ChosenFromMenu, NotEligible, NotSelfRegistration
from storage.training.tables import (
    LIVE,
    SEATED,
    Batch,
    ChoiceOutcome,
    Enrolment,
    MenuChoice,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    Source,
)
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
CLOSES = NOW + timedelta(days=10)
AFTER = CLOSES + timedelta(minutes=1)


def coordinator(session: Session) -> int:
    teacher_id = make.teacher(session, "罗佳宁", at="教师发展中心")
    roles.appoint(
        session, teacher_id, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    return teacher_id


def option(session: Session, title: str, day: int = 20, /, **differs: Any) -> int:
    programme = {"enrolment": Enrolment.MENU} | differs.pop("programme", {})
    begins = NOW + timedelta(days=day)
    usual = {"starts_at": begins, "ends_at": begins + timedelta(hours=8)}
    return make.batch(session, title, programme=programme, **(usual | differs))


def menu(session: Session, actor_id: int, batch_ids: list[int], **differs: Any) -> int:
    usual: dict[str, Any] = {
        "title": "冬季菜单",
        "opens_at": NOW,
        "closes_at": CLOSES,
        "least": 1,
        "most": 2,
        "seed": "青出于蓝",
        "now": NOW,
    }
    return menus.create(session, actor_id, batch_ids=batch_ids, **(usual | differs))


def checks(session: Session, actor_id: int, batch_id: int) -> set[Check]:
    return {
        finding.check
        for finding in publishing.readiness(session, actor_id, batch_id, now=NOW).findings
    }


def states(session: Session, batch_id: int) -> dict[int, RegistrationState]:
    return {
        teacher_id: RegistrationState(state)
        for teacher_id, state in session.exec(
            select(Registration.teacher_id, col(Registration.state)).where(
                Registration.batch_id == batch_id
            )
        ).all()
    }


def test_first_wishes_come_first_and_the_lot_decides_among_them(database: Database) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        a, b = option(session, "甲", 20, seats=2), option(session, "乙", 22, seats=5)
        menu_id = menu(session, actor_id, [a, b])
        people = [make.teacher(session) for _ in range(5)]
        quick, *others = people
        # Who is quickest has the class as second wish only, and four want it first.
        menus.choose(session, quick, menu_id, b, now=NOW)
        menus.choose(session, quick, menu_id, a, now=NOW)
        for teacher_id in others:
            menus.choose(session, teacher_id, menu_id, a, now=NOW)

        assert settling.settle_due(session, now=CLOSES - timedelta(minutes=1)) is None
        assert settling.settle_due(session, now=AFTER) == menu_id
        assert settling.settle_due(session, now=AFTER) is None

        numbers = dict(session.exec(select(Teacher.id, Teacher.staff_no)).all())
        order = sorted(others, key=lambda one: lot("青出于蓝", menu_id, numbers[one]))
        found = states(session, a)
        assert {one for one, state in found.items() if state in SEATED} == set(order[:2])
        queue = session.exec(
            select(Registration.teacher_id)
            .where(
                Registration.batch_id == a,
                Registration.state == RegistrationState.WAITLISTED,
            )
            .order_by(col(Registration.queued_at), col(Registration.id))
        ).all()
        assert list(queue) == [*order[2:], quick]
        assert states(session, b) == {quick: RegistrationState.APPROVED}
        quota = session.exec(select(Quota.taken).where(Quota.batch_id == a)).one()
        assert quota == 2
        line = why(session, order[0], a).lines[-1]
        assert (line.rule, line.facts["number"], line.facts["of"]) == ("menu_seat", 1, 4)
        card = menus.card(session, order[0], menu_id, now=AFTER)
        assert card.state is MenuState.SETTLED
        assert commitment(card.seed) == card.committed
        assert lot(card.seed, menu_id, numbers[order[0]]) == card.lot == line.facts["lot"]
        told = session.exec(select(News).where(News.kind == "menu_settled")).all()
        assert len(told) == 5
        sources = session.exec(select(col(Registration.source)).distinct()).all()
        assert sources == [Source.MENU]

    database.write_now(play)


def test_nobody_gets_two_classes_at_the_same_time(database: Database) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        a, b = option(session, "甲", 20), option(session, "乙", 20)
        c = option(session, "丙", 25)
        menu_id = menu(session, actor_id, [a, b, c], most=3)
        teacher_id = make.teacher(session)
        other = make.batch(
            session,
            starts_at=NOW + timedelta(days=25),
            ends_at=NOW + timedelta(days=25, hours=4),
        )
        registration.register(session, teacher_id, other, now=NOW)
        for batch_id in (b, a, c):
            card = menus.choose(session, teacher_id, menu_id, batch_id, now=NOW)
        assert {one.title: one.clashes for one in card.options} == {
            "甲": ("乙",),
            "乙": ("甲",),
            "丙": ("作业设计专题培训",),
        }
        settling.settle_due(session, now=AFTER)
        card = menus.card(session, teacher_id, menu_id, now=AFTER)
        assert {one.title: one.outcome for one in card.options} == {
            "甲": ChoiceOutcome.CLASH,
            "乙": ChoiceOutcome.GIVEN,
            "丙": ChoiceOutcome.CLASH,
        }
        assert states(session, a) == {}

    database.write_now(play)


def test_own_seats_of_a_school_are_used_first_and_a_full_queue_is_full(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        a = option(session, "甲", 20, seats=1, waiting_limit=1)
        b = option(session, "乙", 22)
        school = make.school(session, "实验小学")
        session.add(Quota(batch_id=a, unit_id=school, seats=1))
        menu_id = menu(session, actor_id, [a, b])
        own = make.teacher(session, at="实验小学")
        others = [make.teacher(session, at="第二小学") for _ in range(3)]
        for teacher_id in (own, *others):
            menus.choose(session, teacher_id, menu_id, a, now=NOW)
        settling.settle_due(session, now=AFTER)
        outcomes = Counter(
            session.exec(
                select(col(MenuChoice.outcome)).where(
                    MenuChoice.menu_id == menu_id, col(MenuChoice.teacher_id).in_(others)
                )
            ).all()
        )
        assert states(session, a)[own] is RegistrationState.APPROVED
        assert outcomes == {
            ChoiceOutcome.GIVEN: 1,
            ChoiceOutcome.WAITING: 1,
            ChoiceOutcome.NO_PLACE: 1,
        }
        taken = session.exec(select(func.sum(Quota.taken)).where(Quota.batch_id == a)).one()
        assert taken == 2

    database.write_now(play)


def test_choosing_is_kept_at_each_tap_and_twice_is_once(database: Database) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        ids = [option(session, title, 20 + n) for n, title in enumerate("甲乙丙")]
        menu_id = menu(session, actor_id, ids, least=2, most=2)
        teacher_id = make.teacher(session)

        def ranks() -> dict[int, int | None]:
            card = menus.card(session, teacher_id, menu_id, now=NOW)
            return {one.batch_id: one.rank for one in card.options if one.rank is not None}

        for _twice in range(2):
            menus.choose(session, teacher_id, menu_id, ids[0], now=NOW)
        menus.choose(session, teacher_id, menu_id, ids[1], now=NOW)
        with pytest.raises(ChosenEnough):
            menus.choose(session, teacher_id, menu_id, ids[2], now=NOW)
        for _twice in range(2):
            menus.prefer(session, teacher_id, menu_id, ids[1], 1, now=NOW)
        assert ranks() == {ids[1]: 1, ids[0]: 2}
        for _twice in range(2):
            menus.give_up(session, teacher_id, menu_id, ids[1], now=NOW)
        assert ranks() == {ids[0]: 1}
        with pytest.raises(MenuNotOpen):
            menus.choose(session, teacher_id, menu_id, ids[1], now=CLOSES)
        with pytest.raises(NotFound):
            menus.choose(session, teacher_id, menu_id, make.batch(session), now=NOW)
        junior = make.teacher(session, stage="junior")
        only = option(session, "小学", 30, audience={"stage": ["primary"]})
        menus.set_option(session, actor_id, menu_id, only, True, now=NOW)
        with pytest.raises(NotEligible):
            menus.choose(session, junior, menu_id, only, now=NOW)

    database.write_now(play)


def test_until_it_is_settled_one_comes_in_through_the_menu_only(database: Database) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        a = option(session, "甲", 20, reg_close=CLOSES + timedelta(days=3))
        b = option(session, "乙")
        c = option(session, "丙", 25)
        menu_id = menu(session, actor_id, [a, b])
        teacher_id = make.teacher(session)
        with pytest.raises(ChosenFromMenu):
            registration.register(session, teacher_id, a, now=NOW)
        # Nor is the time before there is a menu a way around it.
        with pytest.raises(NotSelfRegistration):
            registration.register(session, teacher_id, c, now=NOW)
        seen = programmes.card(session, c, teacher_id, now=NOW)
        assert (seen.awaits_menu, seen.can_register) == (True, False)
        assert Check.NO_MENU in checks(session, actor_id, c)
        assert Check.NO_MENU not in checks(session, actor_id, a)
        schedule.plan_deadlines(session, c, now=NOW)
        opening = select(Deadline.id).where(Deadline.kind == "reg_close", Deadline.subject_id == c)
        assert session.exec(opening).first() is None, "no registration is announced"
        settling.settle_due(session, now=AFTER)
        assert registration.register(session, teacher_id, a, now=AFTER).is_new

        active = session.exec(
            select(Deadline.kind).where(
                Deadline.state == DeadlineState.ACTIVE,
                Deadline.subject_id == menu_id,
                col(Deadline.kind).in_(["menu_open", "menu_close"]),
            )
        ).all()
        assert active == []

    database.write_now(play)


def test_who_has_chosen_too_little_owes_it(database: Database) -> None:
    def play(session: Session) -> None:
        from storage import kinds

        actor_id = coordinator(session)
        session.exec(
            sa.update(Teacher)
            .where(col(Teacher.id) == actor_id)
            .values(state=TeacherState.LONG_LEAVE)
        )
        a = option(session, "甲", 20, audience={"stage": ["primary"]})
        b = option(session, "乙", 22, audience={"stage": ["primary"]})
        menu_id = menu(session, actor_id, [a, b], least=2)
        lazy, half, done = (make.teacher(session) for _ in range(3))
        make.teacher(session, stage="junior")  # nothing in it is for them
        for teacher_id, wishes in ((half, [a]), (done, [b, a])):
            for batch_id in wishes:
                menus.choose(session, teacher_id, menu_id, batch_id, now=NOW)
        owing = session.exec(kinds.owes(session, "menu_close", menu_id, now=NOW)).scalars()
        assert set(owing) == {lazy, half}
        desk = menus.desk(session, actor_id, menu_id, now=NOW)
        assert (desk.audience, desk.choosers, desk.short) == (3, 2, 1)

    database.write_now(play)


def test_an_organiser_makes_changes_and_cancels_a_menu_within_bounds(database: Database) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        a, b, c = (option(session, title, 20 + n) for n, title in enumerate("甲乙丙"))
        stranger, teacher_id = make.teacher(session), make.teacher(session)

        def flaw(**differs: Any) -> MenuFlaw:
            batch_ids = differs.pop("batch_ids", [a, b])
            with pytest.raises(BadMenu) as refused:
                menu(session, actor_id, batch_ids, **differs)
            return refused.value.flaw

        assert flaw(title=" ") is MenuFlaw.NO_TITLE
        assert flaw(closes_at=NOW) is MenuFlaw.DATES
        assert flaw(least=0) is MenuFlaw.BOUNDS
        assert flaw(most=3) is MenuFlaw.BOUNDS
        assert flaw(batch_ids=[a]) is MenuFlaw.TOO_FEW
        assert flaw(batch_ids=[a, make.batch(session)]) is MenuFlaw.NOT_CHOSEN
        assert flaw(closes_at=NOW + timedelta(days=25)) is MenuFlaw.STARTED
        with pytest.raises(NotAllowed):
            menu(session, stranger, [a, b])
        menu_id = menu(session, actor_id, [a, b])
        assert flaw(batch_ids=[b, c]) is MenuFlaw.ELSEWHERE
        assert menus.set_option(session, actor_id, menu_id, c, True, now=NOW)
        assert not menus.set_option(session, actor_id, menu_id, c, True, now=NOW)
        menus.choose(session, teacher_id, menu_id, a, now=NOW)
        menus.choose(session, teacher_id, menu_id, b, now=NOW)
        with pytest.raises(BadMenu, match="in_use"):
            menus.set_option(session, actor_id, menu_id, a, False, now=NOW)
        with pytest.raises(BadMenu, match="in_use"):
            menus.change(session, actor_id, menu_id, most=1, now=NOW)
        with pytest.raises(NotAllowed):
            menus.change(session, stranger, menu_id, title="别人的", now=NOW)
        later = CLOSES + timedelta(days=1)
        assert menus.change(session, actor_id, menu_id, closes_at=later, now=NOW)
        assert not menus.change(session, actor_id, menu_id, closes_at=later, now=NOW)
        closing = session.exec(select(Deadline.at).where(Deadline.kind == "menu_close")).one()
        assert closing == later
        assert menus.cancel(session, actor_id, menu_id, now=NOW)
        assert not menus.cancel(session, actor_id, menu_id, now=NOW)
        assert registration.register(session, teacher_id, a, now=NOW).is_new
        assert settling.settle_due(session, now=AFTER + timedelta(days=9)) is None
        told = session.exec(select(News.teacher_id).where(News.kind == "menu_cancelled")).all()
        assert told == [teacher_id]
        acts = session.exec(select(AuditLog.action).where(AuditLog.thing == f"menu:{menu_id}"))
        assert set(acts) == {"create_menu", "change_menu", "cancel_menu"}

    database.write_now(play)


def test_who_has_left_and_what_is_cancelled_comes_to_nothing(sqlite: Database) -> None:
    def play(session: Session) -> None:
        actor_id = coordinator(session)
        a, b = option(session, "甲", 20), option(session, "乙", 22, minimum=3)
        menu_id = menu(session, actor_id, [a, b])
        gone, here = make.teacher(session), make.teacher(session)
        for teacher_id in (gone, here):
            menus.choose(session, teacher_id, menu_id, a, now=NOW)
            menus.choose(session, teacher_id, menu_id, b, now=NOW)
        session.get_one(Teacher, gone).state = TeacherState.LEFT
        programme_id = session.get_one(Batch, a).programme_id
        session.get_one(Programme, programme_id).state = ProgrammeState.CANCELLED
        settling.settle_due(session, now=AFTER)
        assert states(session, a) == {}
        assert states(session, b) == {here: RegistrationState.APPROVED}
        desk = menus.desk(session, actor_id, menu_id, now=AFTER)
        assert [(one.title, one.given, one.is_thin) for one in desk.options] == [
            ("甲", 0, False),
            ("乙", 1, True),
        ]

    sqlite.write_now(play)


async def test_two_who_settle_at_once_settle_once(database: Database) -> None:
    import asyncio

    def scene(session: Session) -> tuple[int, int]:
        actor_id = coordinator(session)
        a, b = option(session, "甲", 20, seats=3), option(session, "乙", 22)
        menu_id = menu(session, actor_id, [a, b])
        for _ in range(6):
            menus.choose(session, make.teacher(session), menu_id, a, now=NOW)
        return menu_id, a

    menu_id, a = await database.write(scene)
    found = await asyncio.gather(
        *(database.write(settling.settle_due, now=AFTER) for _ in range(4))
    )
    assert sorted(found, key=str) == [menu_id, None, None, None]
    counts = await database.read(states, a)
    assert Counter(state in SEATED for state in counts.values()) == {True: 3, False: 3}


wishes_of = st.lists(
    st.lists(st.integers(0, 4), unique=True, min_size=1, max_size=4), min_size=1, max_size=14
)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    chosen=wishes_of,
    capacity=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=5, max_size=5),
    days=st.lists(st.integers(20, 22), min_size=5, max_size=5),
    schools=st.lists(st.integers(0, 1), min_size=14, max_size=14),
)
def test_random_menus_keep_their_promises(
    sqlite: Database,
    chosen: list[list[int]],
    capacity: list[tuple[int, int]],
    days: list[int],
    schools: list[int],
) -> None:
    def play(session: Session) -> None:
        for table in reversed(METADATA.sorted_tables):
            session.exec(sa.delete(table))
        actor_id = coordinator(session)
        units = [make.school(session, "实验小学"), make.school(session, "第二小学")]
        names = ["实验小学", "第二小学"]
        ids = []
        for title, (pool, own), day in zip("甲乙丙丁戊", capacity, days, strict=True):
            batch_id = option(session, title, day, seats=pool)
            if own:
                session.add(Quota(batch_id=batch_id, unit_id=units[0], seats=own))
            ids.append(batch_id)
        menu_id = menu(session, actor_id, ids, most=4)
        people = [
            make.teacher(session, at=names[school])
            for school, _ in zip(schools, chosen, strict=False)
        ]
        for teacher_id, picks in zip(people, chosen, strict=True):
            for pick in picks:
                menus.choose(session, teacher_id, menu_id, ids[pick], now=NOW)
        settling.settle_due(session, now=AFTER)
        check(session, menu_id, ids)

    sqlite.write_now(play)


def check(session: Session, menu_id: int, ids: list[int]) -> None:
    rows = session.exec(select(Registration).where(col(Registration.state).in_(LIVE))).all()
    assert len({(row.batch_id, row.teacher_id) for row in rows}) == len(rows)
    seated = [row for row in rows if row.state in SEATED]
    for quota in session.exec(select(Quota)).all():
        mine = [row for row in seated if row.quota_id == quota.id]
        assert quota.taken == len(mine) <= quota.seats
        assert quota.is_pool or all(row.unit_id_at == quota.unit_id for row in mine)
    begins = dict(session.exec(select(Batch.id, Batch.starts_at)).all())
    held = Counter((row.teacher_id, begins[row.batch_id]) for row in seated)
    assert max(held.values(), default=1) == 1
    choices = session.exec(select(MenuChoice).where(MenuChoice.menu_id == menu_id)).all()
    assert all(one.outcome is not ChoiceOutcome.OPEN for one in choices)
    pools = {
        quota.batch_id: quota.id for quota in session.exec(select(Quota)).all() if quota.is_pool
    }
    source = {(row.batch_id, row.teacher_id): row.quota_id for row in seated}
    for batch_id in ids:
        of = [one for one in choices if one.batch_id == batch_id]
        # A first wish never loses to a second: of a seat that was open to both.
        losers = [one.rank for one in of if one.outcome is ChoiceOutcome.WAITING]
        winners = [
            one.rank
            for one in of
            if one.outcome is ChoiceOutcome.GIVEN
            and source[batch_id, one.teacher_id] == pools[batch_id]
        ]
        assert not losers or not winners or max(winners) <= min(losers)
        # Nobody waits beside a free seat of the pool.
        free = session.exec(
            select(Quota.seats - Quota.taken).where(Quota.batch_id == batch_id, col(Quota.is_pool))
        ).one()
        assert not losers or free == 0


def test_the_lot_does_not_ask_who_came_first() -> None:
    span = [(NOW, NOW + timedelta(hours=1))]
    wishes = [Wish(n, 1, 1, lot("s", 1, str(n)), 0) for n in range(30)]
    free = {1: Free(pool=Allotment(7, 10))}
    one = allocate(wishes, free, {1: span}, {})
    other = allocate(list(reversed(wishes)), free, {1: span}, {})
    assert one == other
    got = {grant.wish.teacher_id for grant in one if grant.outcome is ChoiceOutcome.GIVEN}
    assert len(got) == 10
    assert got != set(range(10))


def test_who_has_less_so_far_comes_first_among_later_wishes() -> None:
    def at(hour: int) -> list[tuple[datetime, datetime]]:
        return [(NOW + timedelta(hours=hour), NOW + timedelta(hours=hour + 1))]

    rich, poor = 1, 2
    lots = {rich: "0", poor: "1"}  # even though the lot is for the other
    wishes = [
        Wish(rich, 10, 1, lots[rich], 0),
        Wish(poor, 11, 1, lots[poor], 0),
        Wish(rich, 12, 2, lots[rich], 0),
        Wish(poor, 12, 2, lots[poor], 0),
    ]
    free = {
        10: Free(pool=Allotment(1, 1)),
        11: Free(pool=Allotment(2, 0)),
        12: Free(pool=Allotment(3, 1)),
    }
    granted = allocate(wishes, free, {10: at(1), 11: at(3), 12: at(5)}, {})
    seats = {one.wish.batch_id: one.wish.teacher_id for one in granted if one.quota_id}
    assert seats == {10: rich, 12: poor}


def test_what_is_reserved_stays_for_those_it_is_reserved_for() -> None:
    allotment = Allotment(1, free=2, seats=2, reserved={"rural": 1})
    town, village = frozenset[str](), frozenset({"rural"})
    wishes = [
        Wish(1, 1, 1, "0", 5, town),
        Wish(2, 1, 1, "1", 5, town),
        Wish(3, 1, 2, "2", 5, village),
    ]
    granted = allocate(wishes, {1: Free(own={5: allotment})}, {}, {})
    seated = {one.wish.teacher_id for one in granted if one.outcome is ChoiceOutcome.GIVEN}
    assert seated == {1, 3}
