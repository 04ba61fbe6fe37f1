"""Who organises a competition, who holds a venue, and who is due what."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, select

from storage import kinds
from storage.competitions import publishing, receiving, rights, schedule, telling, venues, views
from storage.competitions.tables import CompetingState, Material, RoundLevel, Venue
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState
from storage.people import roles
from storage.people.tables import (
    MembershipKind,
    OrgMembership,
    OrgUnit,
    Role,
    TeacherFact,
    UnitKind,
)
from tests import make
from tests.competitions import making
from tests.make import NOW

TODAY = NOW.date()


def _appoint(session: Session, teacher_id: int, role: Role, unit_id: int, *subjects: str) -> None:
    roles.appoint(session, teacher_id, role, unit_id, subjects=subjects, today=TODAY, now=NOW)


async def test_the_owner_organises_and_a_school_holds_what_is_its_own(database: Database) -> None:
    def play(session: Session) -> list[tuple[bool, bool]]:
        made = making.competition(session)
        lin = make.teacher(session, "林若溪")
        _row, place = making.entry(session, made, lin)
        assert place is not None
        assert place.venue_id is not None
        school, other = make.school(session), make.school(session, "柳渡镇中心小学")
        people = {
            "顾岩": (Role.COUNTY_COORDINATOR, make.county(session), ()),
            "罗佳宁": (Role.SCHOOL_COORDINATOR, school, ()),
            "邵云帆": (Role.SCHOOL_COORDINATOR, other, ()),
            "梁素问": (Role.RESEARCH_OFFICER, make.county(session), ("语文",)),
            "钟牧之": (Role.RESEARCH_OFFICER, make.county(session), ("物理",)),
        }
        found = []
        for name, (role, unit_id, subjects) in people.items():
            who = make.teacher(session, name)
            _appoint(session, who, role, unit_id, *subjects)
            found.append(
                (
                    rights.organises(session, who, made.id, now=NOW),
                    rights.holds(session, who, place.venue_id, now=NOW),
                )
            )
        return found

    assert await database.write(play) == [
        (True, True),
        (False, True),
        (False, False),
        (False, True),
        (False, False),
    ]


async def test_a_venue_is_tended_by_who_is_nearest_to_it(database: Database) -> None:
    def play(session: Session) -> list[tuple[str, bool]]:
        made = making.competition(session)
        _row, place = making.entry(session, made, make.teacher(session, "林若溪"))
        assert place is not None
        county, school = make.county(session), make.school(session)
        people = {name: make.teacher(session, name) for name in ("顾岩", "梁素问", "罗佳宁")}
        found = []
        for name, role, unit_id in (
            ("顾岩", Role.COUNTY_COORDINATOR, county),
            ("梁素问", Role.RESEARCH_OFFICER, county),
            ("罗佳宁", Role.SCHOOL_COORDINATOR, school),
        ):
            _appoint(session, people[name], role, unit_id)
            for each, who in people.items():
                own = session.connection().execute(rights.held(session, who, today=TODAY, own=True))
                if place.venue_id in own.scalars().all():
                    found.append((each, role is Role.SCHOOL_COORDINATOR))
        return found

    assert await database.write(play) == [
        *[("顾岩", False), ("顾岩", False), ("梁素问", False)],
        ("罗佳宁", True),
    ]


async def test_the_head_of_the_research_group_is_named_for_its_preliminary(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[int, int | None]:
        made = making.competition(session)
        head = make.teacher(session, "韩静仪")
        session.add(TeacherFact(teacher_id=head, key="duty", value="group_head"))
        making.entry(session, made, make.teacher(session, "林若溪"))
        making.entry(session, made, make.teacher(session, "石晓岚"))
        return head, session.exec(select(Venue.organiser_id)).one()

    head, named = await database.write(play)
    assert head == named


async def test_a_venue_of_several_schools_is_used_from_the_first_entry_on(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[list[int], list[int], list[int]]:
        made = making.competition(session)
        first = venues.rounds(session, made.id)[0]
        first.level = RoundLevel.COUNTY
        lin = make.teacher(session, "林若溪")
        entry, place = making.entry(session, made, lin, state=CompetingState.SUBMITTED)
        assert place is None
        school, county = make.school(session), make.county(session)

        def used() -> list[int]:
            found = session.exec(select(Venue.unit_id).where(rights.is_used())).all()
            return list(found)

        for each in venues.rounds(session, made.id)[:2]:
            venues.venue_for(session, each, county, entry.track_id, now=NOW)
        venues.venue_for(session, first, school, entry.track_id, now=NOW)
        at_county = used()
        gu = make.teacher(session, "顾岩")
        _appoint(session, gu, Role.COUNTY_COORDINATOR, county)
        (line,) = views.round_desk(session, gu, first.id, now=NOW).venues
        assert (line.entries, line.to_accept) == (0, 1)
        first.level = RoundLevel.SCHOOL
        at_school = used()
        entry.state = CompetingState.DRAFT
        return at_county, at_school, used()

    at_county, at_school, nowhere = await database.write(play)
    assert len(at_county) == len(at_school) == 1
    assert at_county != at_school
    assert nowhere == []


async def test_each_area_receives_the_entries_of_its_own_schools(database: Database) -> None:
    def play(session: Session) -> None:
        made = making.competition(session)
        first = venues.rounds(session, made.id)[0]
        first.level = RoundLevel.AREA
        county = make.county(session)
        found = []
        for n in (1, 2):
            area = OrgUnit(kind=UnitKind.AREA, code=f"A{n}", name=f"片区{n}", parent_id=county)
            session.add(area)
            session.flush()
            school = make.school(session, f"学校{n}")
            kind = MembershipKind.AREA_MEMBER
            session.add(OrgMembership(unit_id=area.id, member_unit_id=school, kind=kind))
            who = make.teacher(session, f"片长{n}", at=f"学校{n}")
            _appoint(session, who, Role.AREA_COORDINATOR, area.id)
            entrant = make.teacher(session, f"教师{n}", at=f"学校{n}")
            entry, _place = making.entry(session, made, entrant, state=CompetingState.SUBMITTED)
            assert venues.holder(session, first, entry.unit_id) == area.id
            venue = venues.venue_for(session, first, area.id, entry.track_id, now=NOW)
            found.append((who, venue.id, entry.id))
        for who, venue_id, entry_id in found:
            ((there, _title, number),) = receiving.to_receive(session, who, now=NOW)
            assert (there, number) == (venue_id, 1)
            (line,) = receiving.entries(session, who, venue_id, now=NOW).lines
            assert line.entry_id == entry_id
        used = session.exec(select(Venue.id).where(rights.is_used())).all()
        assert set(used) == {venue_id for _who, venue_id, _entry in found}

    await database.write(play)


async def test_deadlines_follow_the_rounds_and_end_with_the_competition(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[list[str], list[str]]:
        made = making.competition(session)
        making.entry(session, made, make.teacher(session, "林若溪"))
        schedule.plan_deadlines(session, made.id, now=NOW)
        schedule.plan_deadlines(session, made.id, now=NOW)
        before = _active(session)
        made.state = type(made.state).CANCELLED
        schedule.plan_deadlines(session, made.id, now=NOW)
        return before, _active(session)

    before, after = await database.write(play)
    assert before == [
        "ballots_due",
        "entry_close",
        "forward_due",
        "judge_answer",
        "material_due",
        "publicity",
        "result_due",
        "round_day",
        "venue_materials",
    ]
    assert after == []


def _active(session: Session) -> list[str]:
    return sorted(
        session.exec(select(Deadline.kind).where(Deadline.state == DeadlineState.ACTIVE)).all()
    )


async def test_entries_are_owed_by_who_has_begun_and_by_heads_without_one(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[set[int], set[int], dict[str, int]]:
        made = making.competition(session)
        people = {name: make.teacher(session, name) for name in ("林若溪", "韩静仪", "石晓岚")}
        session.add(TeacherFact(teacher_id=people["韩静仪"], key="duty", value="group_head"))
        draft, _ = making.entry(session, made, people["林若溪"], state=CompetingState.DRAFT)
        first = venues.rounds(session, made.id)[0]

        def owing() -> set[int]:
            found = kinds.owes(session, "entry_close", first.id, now=NOW)
            return set(session.exec(found).scalars().all())

        before = owing()
        draft.state = CompetingState.SUBMITTED
        session.flush()
        return before, owing(), people

    before, after, people = await database.write(play)
    assert before == {people["林若溪"], people["韩静仪"]}
    assert after == set()


async def test_materials_are_owed_until_all_of_them_are_there(database: Database) -> None:
    def play(session: Session) -> list[set[int]]:
        made = making.competition(session)
        lin = make.teacher(session, "林若溪")
        row, _ = making.entry(session, made, lin)
        first = venues.rounds(session, made.id)[0]

        def owing() -> set[int]:
            found = kinds.owes(session, "material_due", first.id, now=NOW + timedelta(days=1))
            return set(session.exec(found).scalars().all())

        before = owing()
        session.add(
            Material(
                entry_id=row.id,
                round_id=first.id,
                slot="plan",
                version=1,
                uploaded_by=lin,
                uploaded_at=NOW,
            )
        )
        session.flush()
        return [before, owing()]

    before, after = await database.write(play)
    assert len(before) == 1
    assert after == set()


async def test_those_count_as_concerned_whom_a_track_is_for(database: Database) -> None:
    def play(session: Session) -> int:
        made = making.competition(session)
        boss = make.teacher(session, "顾岩", at="教师发展中心", stage="office", subject="")
        _appoint(session, boss, Role.COUNTY_COORDINATOR, make.county(session))
        make.teacher(session, "林若溪")
        make.teacher(session, "石晓岚", subject="数学")
        make.teacher(session, "周明远", stage="junior")
        return publishing.check(session, boss, made.id, now=NOW).people

    assert await database.write(play) == 1


async def test_what_a_research_office_owns_is_owed_by_who_looks_after_it_from_above(
    database: Database,
) -> None:
    def play(session: Session) -> tuple[set[int], set[int], int]:
        county = make.county(session)
        office = OrgUnit(
            kind=UnitKind.RESEARCH_OFFICE, code="CH-RO", name="教研室", parent_id=county
        )
        session.add(office)
        session.flush()
        made = making.competition(session, owner_unit_id=office.id)
        boss = make.teacher(session, "顾岩", at="教师发展中心")
        _appoint(session, boss, Role.COUNTY_COORDINATOR, county)
        liang = make.teacher(session, "梁素问", at="教师发展中心")
        _appoint(session, liang, Role.RESEARCH_OFFICER, county, "语文")
        told = telling.organisers(session, made.id, now=NOW)
        final = venues.rounds(session, made.id)[1]
        owes = kinds.owes(session, "publicity", final.id, now=NOW)
        return (
            set(session.exec(told).scalars().all()),
            set(session.exec(owes).scalars().all()),
            boss,
        )

    told, owing, boss = await database.write(play)
    assert told == {boss}
    assert boss in owing
