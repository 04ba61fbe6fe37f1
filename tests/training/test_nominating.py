"""A school sends its own people, within its seats, and replaces them until the list is reported."""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from handlers.training.nominating_text import nominating_text
from storage.audit import AuditLog
from storage.database import Database
from storage.messaging.tables import Deadline, News, OutboxMessage
from storage.people import roles
from storage.people.tables import Posting, Role, TeacherState
from storage.refusals import NotAllowed, NotFound, Refusal
from storage.training import (
    allotting,
    candidates,
    decisions,
    enrolment,
    my_people,
    nominating,
    registration,
    reserves,
    subjects,
    substituting,
    waiting,
)
from storage.training.nominations import (
    Clashing,
    DoesNotFit,
    FewerSeats,
    IsIn,
    ListReported,
    NominationClosed,
    NoSeatLeft,
    NotByNomination,
    NotReplaceable,
    ReasonMissing,
    SeatReserved,
)
from storage.training.refusals import Misfit
from storage.training.tables import (
    Approval,
    Batch,
    Decision,
    EligibilityRule,
    Enrolment,
    Registration,
    RegistrationState,
)
from tests import make
from tests.make import NOW
from tests.training import seating
from tests.training.seating import TOWN, County, county

NOMINATED = RegistrationState.NOMINATED
WITHDRAWN = RegistrationState.WITHDRAWN
DAY = timedelta(days=1)


async def with_seats(database: Database, first: int = 2, **differs: object) -> County:
    made = await database.write(county, **differs)  # type: ignore[arg-type]
    lines = {made.schools[0]: first, made.schools[1]: 1}
    await database.write(allotting.allot, made.county_id, made.batch_id, lines, over=9, now=NOW)
    return made


async def test_several_are_nominated_at_once_and_asked(database: Database) -> None:
    made = await with_seats(database, linked=True)
    two = list(made.people[0][:2])
    luo = made.coordinators[0]
    done = await database.write(nominating.nominate, luo, made.batch_id, two, now=NOW)
    assert (done.state, done.is_new, done.names) == (NOMINATED, 2, ("教师00", "教师01"))
    again = await database.write(nominating.nominate, luo, made.batch_id, two, now=NOW)
    assert again.is_new == 0
    assert (await database.read(seating.quotas, made.batch_id))[made.schools[0]] == (2, 2, 0)
    messages = await database.read(
        lambda s: list(s.exec(select(OutboxMessage).where(OutboxMessage.kind == "nominated")))
    )
    assert sorted(x.teacher_id or 0 for x in messages) == sorted(two)
    deadline = await database.read(
        lambda s: s.exec(select(Deadline).where(Deadline.kind == "nomination")).one()
    )
    assert (deadline.subject_id, deadline.at) == (made.batch_id, NOW + 7 * DAY)
    assert await database.read(subjects.is_owed, "nomination", made.batch_id, two[0], now=NOW)
    answer = await database.write(enrolment.accept_nomination, two[0], made.batch_id, now=NOW)
    assert answer.state is RegistrationState.SCHOOL_APPROVED
    assert not await database.read(subjects.is_owed, "nomination", made.batch_id, two[0], now=NOW)


@pytest.mark.parametrize(
    ("approval", "state"),
    [
        (Approval.COUNTY, RegistrationState.SCHOOL_APPROVED),
        (Approval.SCHOOL, RegistrationState.APPROVED),
    ],
)
async def test_where_nobody_is_asked_the_school_has_decided(
    database: Database, approval: Approval, state: RegistrationState
) -> None:
    made = await with_seats(database, programme={"asks_consent": False, "approval": approval})
    done = await database.write(
        nominating.nominate, made.coordinators[0], made.batch_id, [made.people[0][0]], now=NOW
    )
    assert done.state is state


async def test_a_quota_ends_where_it_ends(database: Database) -> None:
    made = await with_seats(database)
    luo, people = made.coordinators[0], made.people[0]
    with pytest.raises(FewerSeats) as refused:
        await database.write(nominating.nominate, luo, made.batch_id, people[:3], now=NOW)
    assert (refused.value.left, refused.value.wanted) == (2, 3)
    assert "only 2 seats are left" in nominating_text(refused.value, "en", ZoneInfo("UTC"), NOW)
    # All or none: the two who would have fitted are not in either.
    assert (await database.read(seating.quotas, made.batch_id))[made.schools[0]] == (2, 0, 0)
    await database.write(nominating.nominate, luo, made.batch_id, people[:2], now=NOW)
    with pytest.raises(NoSeatLeft):
        await database.write(nominating.nominate, luo, made.batch_id, [people[2]], now=NOW)
    # The seats in the pool are the county's own until unused ones are released.
    assert (await database.read(seating.quotas, made.batch_id))[0] == (1, 0, 0)
    await database.write(nominating.nominate, made.county_id, made.batch_id, [people[2]], now=NOW)
    assert (await database.read(seating.quotas, made.batch_id))[0] == (1, 1, 0)


async def test_after_the_release_every_school_may_use_the_pool(database: Database) -> None:
    made = await with_seats(database)
    release = NOW + 2 * DAY
    await database.write(allotting.set_release, made.county_id, made.batch_id, release, now=NOW)
    luo, people = made.coordinators[0], made.people[0]
    await database.write(nominating.nominate, luo, made.batch_id, people[:2], now=NOW)
    await database.write(nominating.nominate, luo, made.batch_id, [people[2]], now=release)


async def test_without_allotments_the_pool_is_open_to_every_school(database: Database) -> None:
    made = await database.write(county, seats=1)
    await database.write(
        nominating.nominate, made.coordinators[0], made.batch_id, [made.people[0][0]], now=NOW
    )
    with pytest.raises(NoSeatLeft):
        await database.write(
            nominating.nominate, made.coordinators[1], made.batch_id, [made.people[1][0]], now=NOW
        )


def goes_to_the_village(session: Session, teacher_id: int, village_id: int) -> None:
    """A term of support teaching: a second posting in the countryside."""
    session.add(
        Posting(teacher_id=teacher_id, unit_id=village_id, since=date(2026, 9, 1), is_primary=False)
    )


async def test_the_last_seat_is_kept_for_the_reserve(database: Database) -> None:
    made = await database.write(county)
    first, luo, people = made.schools[0], made.coordinators[0], made.people[0]
    await database.write(
        allotting.allot,
        made.county_id,
        made.batch_id,
        {first: 2},
        reserved={first: {"rural": 1}},
        now=NOW,
    )
    await database.write(nominating.nominate, luo, made.batch_id, [people[0]], now=NOW)
    with pytest.raises(SeatReserved) as refused:
        await database.write(nominating.nominate, luo, made.batch_id, [people[1]], now=NOW)
    assert refused.value.reserved == {"rural": 1}
    await database.write(goes_to_the_village, people[2], made.schools[1])
    await database.write(nominating.nominate, luo, made.batch_id, [people[2]], now=NOW)
    # Who fills the reserve can only be replaced by somebody who does.
    with pytest.raises(SeatReserved):
        await database.write(
            substituting.substitute, luo, made.batch_id, people[2], people[1], "病假", now=NOW
        )
    await database.write(
        substituting.substitute, luo, made.batch_id, people[0], people[1], "病假", now=NOW
    )


async def test_young_is_five_years_of_service_and_a_subject_is_taught(
    database: Database,
) -> None:
    made = await database.write(county, programme={"audience": {"subject": ["语文", "数学"]}})
    starts = date(2026, 12, 10)

    def hire(session: Session) -> list[int]:
        rows = [
            ("满五年", date(starts.year - 5, starts.month, starts.day)),
            ("多一天", date(starts.year - 5, starts.month, starts.day - 1)),
            ("不知道", None),
        ]
        return [make.teacher(session, name, at=TOWN, hire_date=day) for name, day in rows]

    three = await database.write(hire)
    maths = await database.write(make.teacher, "数学", at=TOWN, subject="数学")
    art = await database.write(make.teacher, "美术", at=TOWN, subject="美术")
    kinds = await database.read(
        reserves.kinds_of,
        made.batch_id,
        [*three, maths, art],
        ["young", "subject", "subject:数学"],
    )
    assert [("young" in kinds[x]) for x in three] == [True, False, False]
    assert (kinds[maths], kinds[art]) == (
        frozenset({"subject", "subject:数学"}),
        frozenset(),
    )
    assert reserves.years_before(date(2028, 2, 29)) == date(2023, 3, 1)
    assert not reserves.is_known("subject:")


@given(
    reserved=st.dictionaries(st.sampled_from(["rural", "young", "subject"]), st.integers(0, 2)),
    holders=st.lists(st.frozensets(st.sampled_from(["rural", "young", "subject"])), max_size=4),
)
def test_reserves_are_filled_as_well_as_they_can_be(
    reserved: dict[str, int], holders: list[frozenset[str]]
) -> None:
    slots = [key for key, number in reserved.items() for _ in range(number)]
    places = [*range(len(holders)), *[-1] * len(slots)]
    best = max(
        sum(who >= 0 and slot in holders[who] for slot, who in zip(slots, order, strict=False))
        for order in itertools.islice(itertools.permutations(places, len(slots)), 20_000)
    )
    assert reserves.unmet(reserved, holders) <= len(slots) - best
    if len(slots) <= 4:
        assert reserves.unmet(reserved, holders) == len(slots) - best


async def test_self_registration_respects_the_reserves_too(database: Database) -> None:
    made = await database.write(
        county, seats=2, programme={"enrolment": Enrolment.OPEN, "approval": Approval.NONE}
    )
    first, people = made.schools[0], made.people[0]
    await database.write(
        allotting.allot,
        made.county_id,
        made.batch_id,
        {first: 2},
        reserved={first: {"rural": 1}},
        now=NOW,
    )
    await database.write(goes_to_the_village, people[3], made.schools[1])
    states = []
    for n, one in enumerate((people[0], people[1], people[3])):
        done = await database.write(
            registration.register, one, made.batch_id, now=NOW + timedelta(seconds=n)
        )
        states.append(done.state)
    assert states == [
        RegistrationState.APPROVED,
        RegistrationState.WAITLISTED,  # what is left is not for everybody
        RegistrationState.APPROVED,  # and nobody who may have it is passed
    ]
    line = (await database.read(decisions.why, people[1], made.batch_id)).lines[0]
    assert line.facts["reserved"] is True
    # A seat that is given back by the one in the countryside is not offered to the waiting one.
    await database.write(registration.withdraw, people[3], made.batch_id, now=NOW + DAY)
    assert (
        await database.read(seating.state, made.batch_id, people[1]) is RegistrationState.WAITLISTED
    )
    await database.write(registration.withdraw, people[0], made.batch_id, now=NOW + DAY)
    assert await database.read(seating.state, made.batch_id, people[1]) is RegistrationState.OFFERED


@pytest.mark.parametrize("way", ["register", "nominate", "offer"])
async def test_a_longer_queue_before_a_reserved_seat_takes_no_more_statements(
    sqlite: Database, way: str
) -> None:
    enrolment_of = Enrolment.NOMINATION if way == "nominate" else Enrolment.OPEN
    programme = {"enrolment": enrolment_of, "approval": Approval.NONE}
    made = await sqlite.write(county, seats=2, programme=programme)
    first, (holder, last) = made.schools[0], made.people[0][:2]
    village = made.people[0][2:]

    def prepare(session: Session) -> None:
        allotting.allot(
            session,
            made.county_id,
            made.batch_id,
            {first: 2},
            reserved={first: {"rural": 1}},
            now=NOW,
        )
        for one in village:
            goes_to_the_village(session, one, made.schools[1])
        if way == "nominate":
            nominating.nominate(session, made.coordinators[0], made.batch_id, [holder], now=NOW)
        else:
            registration.register(session, holder, made.batch_id, now=NOW)

    await sqlite.write(prepare)

    class Enough(Exception):
        pass

    async def count(queue: int) -> int:
        said: list[str] = []

        def act(session: Session) -> None:
            colleagues = tuple(make.teacher(session, at=TOWN) for _ in range(queue))
            seating.waiting(session, made.batch_id, first, (*colleagues, last))
            with seating.statements(session) as heard:
                if way == "nominate":
                    nominating.nominate(
                        session, made.coordinators[0], made.batch_id, [village[0]], now=NOW
                    )
                elif way == "register":
                    registration.register(session, village[0], made.batch_id, now=NOW)
                else:
                    assert waiting.offer_next(session, made.batch_id, now=NOW) == ()
            said.extend(heard)
            if way != "offer":
                held = seating.state(session, made.batch_id, village[0])
                assert held not in (None, RegistrationState.WAITLISTED)
            raise Enough

        with pytest.raises(Enough):
            await sqlite.write(act)
        return len(said)

    assert await count(30) == await count(1)


async def test_of_a_queue_each_is_offered_what_the_reserves_leave(database: Database) -> None:
    made = await database.write(
        county, seats=3, programme={"enrolment": Enrolment.OPEN, "approval": Approval.NONE}
    )
    first, people = made.schools[0], made.people[0]

    def prepare(session: Session) -> tuple[int, ...]:
        allotting.allot(
            session,
            made.county_id,
            made.batch_id,
            {first: 3},
            reserved={first: {"rural": 1}},
            now=NOW,
        )
        goes_to_the_village(session, people[3], made.schools[1])
        seating.waiting(session, made.batch_id, first, people)
        offers = waiting.offer_next(session, made.batch_id, now=NOW)
        return tuple(offer.teacher_id for offer in offers)

    assert await database.write(prepare) == (people[0], people[1], people[3])


async def test_who_does_not_fit_is_in_already_or_busy_is_refused_by_name(
    database: Database,
) -> None:
    made = await with_seats(database, programme={"audience": {"subject": ["语文"]}})
    luo = made.coordinators[0]
    art = await database.write(make.teacher, "美术老师", at=TOWN, subject="美术")
    with pytest.raises(DoesNotFit) as refused:
        await database.write(nominating.nominate, luo, made.batch_id, [art], now=NOW)
    assert refused.value.name == "美术老师"
    other = await database.write(make.batch, "同一天的培训")
    someone = made.people[0][0]
    await database.write(registration.register, someone, other, now=NOW)
    with pytest.raises(Clashing) as clashing:
        await database.write(nominating.nominate, luo, made.batch_id, [someone], now=NOW)
    assert [(name, clash.title) for name, clash in clashing.value.clashing] == [
        ("教师00", "同一天的培训")
    ]
    await database.write(nominating.nominate, luo, made.batch_id, [someone], override=True, now=NOW)
    line = (await database.read(decisions.why, someone, made.batch_id)).lines[-1]
    assert (line.rule, line.facts["in_spite_of"]) == ("nominated", [other])
    assert line.actor_id == luo

    def reject(session: Session) -> None:
        row = session.exec(
            select(Registration).where(
                Registration.batch_id == made.batch_id, Registration.teacher_id == someone
            )
        ).one()
        row.state = RegistrationState.REJECTED

    await database.write(reject)
    with pytest.raises(IsIn):
        await database.write(nominating.nominate, luo, made.batch_id, [someone], now=NOW)


async def test_nominations_close_and_only_nomination_programmes_are_nominated_for(
    database: Database,
) -> None:
    made = await with_seats(database)
    luo, someone = made.coordinators[0], made.people[0][0]
    with pytest.raises(NominationClosed):
        await database.write(nominating.nominate, luo, made.batch_id, [someone], now=NOW + 7 * DAY)
    with pytest.raises(ListReported):
        await database.write(nominating.nominate, luo, made.batch_id, [someone], now=NOW + 11 * DAY)
    open_to_all = await database.write(make.batch)
    with pytest.raises(NotByNomination):
        await database.write(nominating.nominate, luo, open_to_all, [someone], now=NOW)


async def test_a_school_acts_for_its_own_people_alone(database: Database) -> None:
    made = await with_seats(database)
    mine, other = made.people[0][0], made.people[1][0]
    luo, foreign = made.coordinators
    with pytest.raises(NotAllowed):
        await database.write(nominating.nominate, luo, made.batch_id, [other], now=NOW)
    await database.write(nominating.nominate, luo, made.batch_id, [mine], now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(nominating.take_back, foreign, made.batch_id, mine, now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(
            substituting.substitute, foreign, made.batch_id, mine, other, "换人", now=NOW
        )
    with pytest.raises(NotAllowed):
        await database.write(
            substituting.substitute, luo, made.batch_id, mine, other, "换人", now=NOW
        )
    with pytest.raises(NotAllowed):
        await database.write(my_people.my_people, mine, made.batch_id, now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(candidates.candidates, luo, 1, made.batch_id, made.schools[1], now=NOW)
    seen = await database.write(my_people.my_people, luo, made.batch_id, now=NOW)
    assert [(x.teacher_id, x.may) for x in seen.members] == [
        (mine, frozenset({"take_back", "replace"}))
    ]
    assert [x.name for x in seen.units] == [TOWN]
    none = await database.write(my_people.my_people, foreign, made.batch_id, now=NOW)
    assert none.members == ()


async def test_a_nomination_is_taken_back_before_it_is_accepted(database: Database) -> None:
    made = await with_seats(database, linked=True)
    luo, (one, two, *_) = made.coordinators[0], made.people[0]
    await database.write(nominating.nominate, luo, made.batch_id, [one, two], now=NOW)
    await database.write(nominating.take_back, luo, made.batch_id, one, now=NOW)
    assert await database.read(seating.state, made.batch_id, one) is WITHDRAWN
    assert (await database.read(seating.quotas, made.batch_id))[made.schools[0]] == (2, 1, 0)
    await database.write(nominating.take_back, luo, made.batch_id, one, now=NOW)
    await database.write(enrolment.accept_nomination, two, made.batch_id, now=NOW)
    with pytest.raises(NotReplaceable):
        await database.write(nominating.take_back, luo, made.batch_id, two, now=NOW)
    # And somebody taken back can be nominated again.
    await database.write(nominating.nominate, luo, made.batch_id, [one], now=NOW + DAY)
    assert await database.read(seating.state, made.batch_id, one) is NOMINATED


async def test_who_nominated_hears_in_the_brief_that_somebody_cannot(database: Database) -> None:
    made = await with_seats(database, linked=True)
    luo, one = made.coordinators[0], made.people[0][0]
    await database.write(nominating.nominate, luo, made.batch_id, [one], now=NOW)
    await database.write(
        enrolment.decline_nomination, one, made.batch_id, now=NOW, reason="已有安排"
    )
    news = await database.read(lambda s: s.exec(select(News)).one())
    assert (news.kind, news.teacher_id) == ("nomination_declined", luo)
    assert news.facts == {"title": seating.TITLE, "name": "教师00"}


async def test_a_substitute_takes_the_seat_and_both_are_told(database: Database) -> None:
    made = await with_seats(database, linked=True)
    luo, (one, two, *_) = made.coordinators[0], made.people[0]
    await database.write(nominating.nominate, luo, made.batch_id, [one], now=NOW)
    await database.write(enrolment.accept_nomination, one, made.batch_id, now=NOW)
    with pytest.raises(ReasonMissing):
        await database.write(substituting.substitute, luo, made.batch_id, one, two, "  ", now=NOW)
    done = await database.write(
        substituting.substitute, luo, made.batch_id, one, two, "临时住院", now=NOW
    )
    assert (done.gone, done.come, done.state, done.is_new) == (
        "教师00",
        "教师01",
        NOMINATED,
        True,
    )
    again = await database.write(
        substituting.substitute, luo, made.batch_id, one, two, "临时住院", now=NOW
    )
    assert not again.is_new
    assert (await database.read(seating.quotas, made.batch_id))[made.schools[0]] == (2, 1, 0)
    assert sum((await database.read(seating.held, made.batch_id)).values()) == 1
    kinds = await database.read(
        lambda s: {
            (x.kind, x.teacher_id)
            for x in s.exec(select(OutboxMessage)).all()
            if x.kind in ("replaced", "nominated")
        }
    )
    assert kinds == {("nominated", one), ("replaced", one), ("nominated", two)}
    log = await database.read(
        lambda s: s.exec(select(AuditLog).where(AuditLog.action == "substitute")).one()
    )
    assert (log.actor_id, log.reason) == (luo, "临时住院")
    # The substitute is asked as anybody else, and may decline: the seat is the school's again.
    await database.write(enrolment.decline_nomination, two, made.batch_id, now=NOW)
    assert (await database.read(seating.quotas, made.batch_id))[made.schools[0]] == (2, 0, 0)


async def test_after_the_roster_date_only_the_county_replaces(database: Database) -> None:
    made = await with_seats(database)
    luo, (one, two, three, *_) = made.coordinators[0], made.people[0]
    await database.write(nominating.nominate, luo, made.batch_id, [one], now=NOW)
    await database.write(enrolment.accept_nomination, one, made.batch_id, now=NOW)
    late = NOW + 10 * DAY
    with pytest.raises(ListReported):
        await database.write(
            substituting.substitute, luo, made.batch_id, one, two, "住院", now=late
        )
    seen = await database.write(my_people.my_people, luo, made.batch_id, now=late)
    assert not seen.may_nominate
    assert [x.may for x in seen.members] == [frozenset()]
    await database.write(
        substituting.substitute, made.county_id, made.batch_id, one, two, "住院", now=late
    )
    log = await database.read(
        lambda s: s.exec(select(AuditLog).where(AuditLog.action == "substitute")).one()
    )
    assert log.after is not None
    assert log.after["after_roster_date"] is True
    with pytest.raises(NotReplaceable):
        await database.write(
            substituting.substitute,
            made.county_id,
            made.batch_id,
            two,
            three,
            "住院",
            now=NOW + 22 * DAY,
        )


async def test_candidates_who_fit_come_first_and_the_others_say_why_not(
    database: Database,
) -> None:
    made = await with_seats(database, programme={"audience": {"subject": ["语文"]}})
    luo = made.coordinators[0]
    account = await database.write(make.account, luo)

    def more(session: Session) -> None:
        for n in range(9):
            make.teacher(session, f"美术{n}", at=TOWN, subject="美术")
        make.teacher(session, "已离开", at=TOWN, state=TeacherState.LEFT)

    await database.write(more)

    async def look(**how: object) -> candidates.Candidates:
        return await database.write(
            candidates.candidates,
            luo,
            account,
            made.batch_id,
            made.schools[0],
            now=NOW,
            **how,  # type: ignore[arg-type]
        )

    first = await look()
    assert (first.total, first.fitting, first.pages) == (14, 5, 2)
    assert [x.fits for x in first.lines] == [True] * 5 + [False] * 3
    (misfit,) = first.lines[-1].misfits
    assert isinstance(misfit, Misfit)
    assert misfit.key == "subject"
    found = await look(text="教师0")
    assert {x.name for x in found.lines} == {"教师00", "教师01", "教师02", "教师03"}
    for one in made.people[0][:2]:
        await database.write(candidates.pick, account, made.batch_id, made.schools[0], one, now=NOW)
    assert (await look()).picked == ("教师00", "教师01")
    await database.write(
        candidates.pick, account, made.batch_id, made.schools[0], made.people[0][0], now=NOW
    )
    assert (await look()).picked == ("教师01",)


async def test_a_larger_school_takes_no_more_statements_to_choose_from(sqlite: Database) -> None:
    made = await with_seats(sqlite)
    luo = made.coordinators[0]
    account = await sqlite.write(make.account, luo)

    def condition(session: Session) -> None:
        batch = session.get_one(Batch, made.batch_id)
        session.add(
            EligibilityRule(
                programme_id=batch.programme_id, field="tier", op="is", value="backbone", hard=True
            )
        )
        for _ in range(candidates.PAGE):
            make.teacher(session, at=TOWN)

    await sqlite.write(condition)

    def count(session: Session) -> int:
        with seating.statements(session) as heard:
            found = candidates.candidates(
                session, luo, account, made.batch_id, made.schools[0], now=NOW
            )
        assert len(found.lines) == candidates.PAGE
        assert found.fitting == 0
        assert all(line.misfits for line in found.lines)
        return len(heard)

    def more(session: Session) -> None:
        for _ in range(40):
            make.teacher(session, at=TOWN)

    small = await sqlite.write(count)
    await sqlite.write(more)
    assert await sqlite.write(count) == small


async def test_whoever_is_replaced_is_of_this_school_and_class(database: Database) -> None:
    made = await with_seats(database)
    luo, account = made.coordinators[0], await database.write(make.account, made.coordinators[0])
    (mine, other), theirs = made.people[0][:2], made.people[1][0]
    await database.write(nominating.nominate, luo, made.batch_id, [mine], now=NOW)
    await database.write(
        nominating.nominate, made.coordinators[1], made.batch_id, [theirs], now=NOW
    )
    here = (made.batch_id, made.schools[0])
    # Somebody of another school, a colleague who is not in the class, and nobody at all.
    for out in (theirs, other, 10**9):
        with pytest.raises(NotFound):
            await database.write(
                candidates.candidates, luo, account, *here, instead_of=out, now=NOW
            )
        with pytest.raises(NotFound):
            await database.read(candidates.candidate, luo, *here, other, instead_of=out, now=NOW)
    found = await database.write(
        candidates.candidates, luo, account, *here, instead_of=mine, now=NOW
    )
    assert found.instead_of == "教师00"
    one = await database.read(candidates.candidate, luo, *here, other, instead_of=mine, now=NOW)
    assert one.fits


async def test_what_waits_for_a_school_are_its_unused_seats(database: Database) -> None:
    made = await with_seats(database)
    luo = made.coordinators[0]
    (line,) = await database.read(my_people.waits, luo, now=NOW)
    assert (line.kind, line.count, line.batch_id) == ("nominate", 2, made.batch_id)
    assert await database.read(my_people.waits, made.county_id, now=NOW) == ()
    assert await database.read(my_people.waits, luo, now=NOW + 8 * DAY) == ()
    assert await database.read(my_people.waits, made.people[0][0], now=NOW) == ()


async def _race(one: Database, other: Database) -> None:
    def build(session: Session) -> County:
        made = county(session, seats=1)
        second = make.teacher(session, "副校管", at=TOWN)
        roles.appoint(
            session, second, Role.PRINCIPAL, made.schools[0], today=seating.TODAY, now=NOW
        )
        return County(
            made.batch_id,
            made.schools,
            made.county_id,
            (made.coordinators[0], second),
            made.people,
        )

    made = await one.write(build)
    await one.write(allotting.allot, made.county_id, made.batch_id, {made.schools[0]: 1}, now=NOW)
    tries = [
        (one if n % 2 else other).write(
            nominating.nominate,
            made.coordinators[n % 2],
            made.batch_id,
            [made.people[0][n % 4]],
            now=NOW,
        )
        for n in range(12)
    ]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(x, nominating.Nominated | Refusal) for x in outcomes), outcomes
    assert sum(isinstance(x, nominating.Nominated) and x.is_new == 1 for x in outcomes) == 1
    assert (await one.read(seating.quotas, made.batch_id))[made.schools[0]] == (1, 1, 0)
    assert sum((await one.read(seating.held, made.batch_id)).values()) == 1


async def test_two_coordinators_at_the_last_seat_get_one(database: Database) -> None:
    await _race(database, database)


async def test_nor_do_they_get_two_through_two_processes(
    two_processes: tuple[Database, Database],
) -> None:
    await _race(*two_processes)


async def test_lines_of_a_nomination_are_in_order(database: Database) -> None:
    made = await with_seats(database)
    luo, one = made.coordinators[0], made.people[0][0]
    await database.write(nominating.nominate, luo, made.batch_id, [one], now=NOW)
    await database.write(enrolment.accept_nomination, one, made.batch_id, now=NOW)
    rules = await database.read(
        lambda s: list(s.exec(select(Decision.rule).order_by(col(Decision.id))).all())
    )
    assert rules == ["nominated", "nomination_accepted"]
