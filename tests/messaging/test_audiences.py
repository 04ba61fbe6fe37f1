"""An audience reaches whom its author may write to, and nobody else; each once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage.database import Database
from storage.messaging import addressing, audiences, drafting, notices
from storage.messaging.audiences import Count
from storage.messaging.tables import Notice, NoticeRecipient
from storage.people.tables import (
    MembershipKind,
    OrgMembership,
    OrgUnit,
    Role,
    TeacherFact,
    UnitKind,
)
from storage.refusals import NotAllowed, NotFound
from storage.training.tables import (
    Menu,
    MenuChoice,
    MenuOption,
    Registration,
    RegistrationState,
    Task,
    TaskSubmission,
)
from tests import make
from tests.make import NOW
from tests.messaging import cast, desks
from tests.messaging.desks import FIRST, TODAY, sent, written

DAY = timedelta(days=1)


def people(session: Session, author_id: int, spec: dict[str, Any]) -> list[int]:
    found = audiences.people(session, author_id, spec, today=TODAY)
    return sorted(session.exec(found).scalars().all())


async def test_without_a_word_it_is_everybody_in_reach_but_the_author(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        school = sorted([at.principal, *at.teachers])
        assert people(session, at.coordinator, {}) == school
        assert people(session, at.county, {}) == sorted([at.coordinator, *school, *at.others])
        assert people(session, at.teachers[0], {}) == []

    await database.write(play)


async def test_units_reach_all_below_them_and_not_beyond_the_author(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        assert people(session, at.county, {"units": [at.other_school]}) == sorted(at.others)
        # Naming another school gives no right to it.
        assert people(session, at.coordinator, {"units": [at.other_school]}) == []
        group = OrgUnit(kind=UnitKind.GROUP, code="G1", name="实验教育集团")
        session.add(group)
        session.flush()
        for member in (at.school, at.other_school):
            session.add(
                OrgMembership(
                    unit_id=group.id, member_unit_id=member, kind=MembershipKind.GROUP_MEMBER
                )
            )
        session.flush()
        both = people(session, at.county, {"units": [group.id]})
        assert both == sorted([at.coordinator, at.principal, *at.teachers, *at.others])

    await database.write(play)


async def test_facts_narrow_it_down(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        maths = desks.linked(session, "石晓岚", subject="数学", stage="junior")
        both = {"facts": {"subject": ["数学"], "stage": ["junior", "senior"]}}
        assert people(session, at.coordinator, both) == [maths]
        session.add(TeacherFact(teacher_id=at.teachers[1], key="tier", value="backbone"))
        session.add(TeacherFact(teacher_id=at.teachers[2], key="duty", value="group_head"))
        session.flush()
        assert people(session, at.coordinator, {"facts": {"tier": ["backbone"]}}) == [
            at.teachers[1]
        ]
        assert people(session, at.coordinator, {"facts": {"duty": ["group_head"]}}) == [
            at.teachers[2]
        ]

        def there(key: str, spec: dict[str, Any]) -> list[str]:
            return audiences.facts_there(session, at.coordinator, key, spec, today=TODAY)

        assert sorted(there("subject", {})) == sorted(["数学", "语文"])
        # Only what would leave somebody is offered, and what is chosen can be left out again.
        assert there("subject", {"facts": {"tier": ["backbone"], "subject": ["音乐"]}})[1:] == [
            "音乐"
        ]
        session.add(TeacherFact(teacher_id=at.teachers[1], key="stage", value="kindergarten"))
        session.flush()
        assert there("stage", {}) == ["kindergarten", "primary", "junior"]

    await database.write(play)


async def test_those_who_hold_an_office_in_the_units(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        other = desks.appointed(session, at.others[0], Role.SCHOOL_COORDINATOR, at.other_school)
        coordinators = {"whom": "coordinators"}
        assert people(session, at.county, coordinators) == sorted([at.coordinator, other])
        assert people(session, at.county, coordinators | {"units": [at.other_school]}) == [other]
        assert people(session, at.county, {"whom": "principals"}) == [at.principal]
        desks.dismissed(session, other)
        assert people(session, at.county, coordinators) == [at.coordinator]

    await database.write(play)


async def test_a_class_is_reached_whole_by_who_runs_it_and_in_part_by_a_school(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        for who, state in (
            (at.teachers[0], RegistrationState.APPROVED),
            (at.teachers[1], RegistrationState.WAITLISTED),
            (at.others[0], RegistrationState.ATTENDING),
            (at.others[1], RegistrationState.WITHDRAWN),
        ):
            session.add(
                Registration(
                    batch_id=batch_id,
                    teacher_id=who,
                    unit_id_at=at.school,
                    state=state,
                    submitted_at=NOW,
                    queued_at=NOW,
                    changed_at=NOW,
                )
            )
        session.flush()
        teacher = desks.class_teacher(session, batch_id)
        spec = {"batch": batch_id, "state": "in"}
        assert people(session, teacher, spec) == sorted([at.teachers[0], at.others[0]])
        assert people(session, at.coordinator, spec) == [at.teachers[0]]
        assert people(session, teacher, {"batch": batch_id, "state": "waiting"}) == [at.teachers[1]]
        # Whoever runs one class reaches nobody without it, and nobody of another one.
        assert people(session, teacher, {}) == []
        other = make.batch(session, "别的班")
        cast.register(session, other, at.others[0])
        assert people(session, teacher, {"batch": other}) == []

    await database.write(play)


async def test_only_those_who_still_owe_it(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        for who in (*at.teachers, at.others[0]):
            cast.register(session, batch_id, who)
        task = Task(batch_id=batch_id, title="教学设计", due_at=NOW + DAY)
        session.add(task)
        session.flush()
        done = session.exec(
            select(Registration.id).where(Registration.teacher_id == at.teachers[0])
        ).one()
        session.add(
            TaskSubmission(task_id=task.id, registration_id=done, text="教案", submitted_at=NOW)
        )
        session.flush()
        teacher = desks.class_teacher(session, batch_id)
        spec = {"batch": batch_id, "state": "in", "owes": ["task_due", task.id]}
        assert people(session, teacher, spec) == sorted([*at.teachers[1:], at.others[0]])
        assert people(session, at.coordinator, spec) == sorted(at.teachers[1:])

        menu = Menu(
            title="秋季菜单",
            owner_unit_id=at.county_unit,
            opens_at=NOW - DAY,
            closes_at=NOW + DAY,
        )
        session.add(menu)
        session.flush()
        offered = make.batch(session, "菜单中的班")
        session.add(MenuOption(menu_id=menu.id, batch_id=offered))
        session.add(
            MenuChoice(
                menu_id=menu.id,
                teacher_id=at.teachers[0],
                batch_id=offered,
                rank=1,
                chosen_at=NOW,
            )
        )
        session.flush()
        unchosen = people(session, at.coordinator, {"owes": ["menu_close", menu.id]})
        assert at.teachers[0] not in unchosen
        assert set(at.teachers[1:]) <= set(unchosen)

        notice_id = sent(session, at.coordinator)
        confirmed = session.exec(
            select(NoticeRecipient).where(NoticeRecipient.teacher_id == at.teachers[0])
        ).one()
        confirmed.confirmed_at = NOW
        session.flush()
        assert people(session, at.coordinator, {"owes": ["notice", notice_id]}) == sorted(
            [at.principal, teacher, *at.teachers[1:]]
        )

    await database.write(play)


async def test_what_can_be_chosen_is_ones_own_and_nothing_else_can_be(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        foreign = sent(session, at.county, wants_answer=True)
        notice_id = written(session, at.coordinator)

        def options(what: str) -> list[str]:
            found = addressing.audience_options(session, at.coordinator, notice_id, what, now=NOW)
            return [each.key for each in found.lines]

        assert options("units") == [str(at.school)]
        assert options("owes") == []
        for what, key in (
            ("units", str(at.other_school)),
            ("owes", f"notice.{foreign}"),
            ("chats", "1"),
            ("stage", addressing.mark("senior")),
        ):
            with pytest.raises(NotFound):
                addressing.turn(session, at.coordinator, notice_id, what, key, now=NOW)

    await database.write(play)


async def test_a_choice_is_turned_on_and_off(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        notice_id = written(session, at.coordinator)
        notice = session.get_one(Notice, notice_id)

        def turn(what: str, key: str) -> dict[str, Any]:
            addressing.turn(session, at.coordinator, notice_id, what, key, now=NOW)
            session.refresh(notice)
            return notice.audience

        assert turn("subject", addressing.mark("语文")) == {"facts": {"subject": ["语文"]}}
        assert turn("subject", addressing.mark("语文")) == {}
        batch_id = make.batch(session)
        cast.register(session, batch_id, at.teachers[0])
        assert turn("batch", str(batch_id)) == {"batch": batch_id, "state": "in"}
        assert turn("state", "waiting") == {"batch": batch_id, "state": "waiting"}
        assert turn("whom", "principals") == {"whom": "principals"}
        assert turn("whom", "principals") == {}

    await database.write(play)


async def test_a_class_teachers_notice_does_not_leave_its_class(database: Database) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        cast.register(session, batch_id, at.others[0])
        teacher = desks.class_teacher(session, batch_id)
        with pytest.raises(NotAllowed):
            drafting.begin(session, teacher, text="各位老师", now=NOW)
        notice_id = written(session, teacher, batch_id=batch_id)
        for what, key in (("batch", str(batch_id)), ("whom", "principals")):
            with pytest.raises(NotAllowed):
                addressing.turn(session, teacher, notice_id, what, key, now=NOW)

    await database.write(play)


async def test_a_school_that_narrows_to_a_county_class_keeps_its_notice_to_itself(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        batch_id = make.batch(session)
        cast.register(session, batch_id, at.teachers[0])
        teacher = desks.class_teacher(session, batch_id)
        notice_id = written(session, at.coordinator)
        addressing.turn(session, at.coordinator, notice_id, "batch", str(batch_id), now=NOW)
        # Whoever runs that class has no part in the school's own notice.
        with pytest.raises(NotAllowed):
            notices.sheet(session, teacher, notice_id, now=NOW)

    await database.write(play)


async def test_who_is_not_reached_is_counted_by_unit_with_names_of_ones_own_only(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        make.teacher(session, "石晓岚", at=FIRST)
        make.account(session, make.teacher(session, "罗一", at=FIRST), reachable=False)
        for name in ("甲", "乙", "丙"):
            make.teacher(session, name, at=desks.SECOND)
        assert audiences.count(session, at.coordinator, {}, today=TODAY) == Count(6, 4)
        lines, _page, pages = audiences.unreached(session, at.coordinator, {}, today=TODAY)
        assert pages == 1
        assert [(line.unit, line.number, line.names) for line in lines] == [
            (FIRST, 2, ("石晓岚", "罗一"))
        ]
        seen, _page, _pages = audiences.unreached(session, at.county, {}, today=TODAY)
        assert [(line.unit, line.number, line.names) for line in seen] == [
            (desks.SECOND, 3, ()),
            (FIRST, 2, ()),
        ]

    await database.write(play)


SPEC = st.fixed_dictionaries(
    {},
    optional={
        "units": st.lists(st.integers(0, 3), max_size=2),
        "whom": st.sampled_from(["coordinators", "principals"]),
        "facts": st.dictionaries(
            st.sampled_from(["stage", "subject"]),
            st.lists(
                st.sampled_from(["primary", "junior", "语文", "数学"]), min_size=1, max_size=2
            ),
            max_size=2,
        ),
        "batch": st.integers(0, 1),
        "state": st.sampled_from(sorted(audiences.STATES)),
    },
)


@given(spec=SPEC)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_no_audience_whatever_it_says_leaves_the_authors_reach(
    sqlite: Database, spec: dict[str, Any]
) -> None:
    def play(session: Session) -> None:
        at = desks.desks(session)
        mine, other = make.batch(session), make.batch(session, "别的班")
        for who in (at.teachers[0], at.others[0]):
            cast.register(session, mine, who)
            cast.register(session, other, who)
        teacher = desks.class_teacher(session, mine)
        units = [at.school, at.other_school, at.county_unit, 0]
        said = dict(spec)
        if "units" in said:
            said["units"] = [units[n] for n in said["units"]]
        if "batch" in said:
            said["batch"] = [mine, other][said["batch"]]
        school = {at.principal, teacher, *at.teachers}
        assert set(people(session, at.coordinator, said)) <= school
        assert set(people(session, teacher, said)) <= {at.teachers[0], at.others[0]}
        assert people(session, at.others[1], said) == []
        raise _Over

    with pytest.raises(_Over):
        await sqlite.write(play)


class _Over(Exception):
    """Ends an example, so that the next one finds nothing of it."""
