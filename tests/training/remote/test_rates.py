"""The sets of a class and its rates: the worked example, and what must always hold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from locales import numbers
from storage.database import Database
from storage.people.tables import TeacherState
from storage.training import completion, enrolment, substituting
from storage.training.remote import rates
from storage.training.remote.rates import Base, Rate, Sets, Share, share
from storage.training.tables import (
    Decision,
    Enrolment,
    Grade,
    Mode,
    Quota,
    Registration,
    RegistrationState,
    Result,
)
from tests import make
from tests.make import NOW
from tests.training import classes
from tests.training.remote import studies

FIRST, SECOND = "澄禾县实验小学", "澄禾县第二小学"


def _graded(session: Session, registration_ids: list[int], grade: Grade) -> None:
    for registration_id in registration_ids:
        session.add(Result(registration_id=registration_id, grade=grade, decided_at=NOW))
    session.flush()


def _worked_example(session: Session, /) -> tuple[int, int, int]:
    """Two schools whose people studied, handed in, were graded and decided on."""
    start = NOW - timedelta(days=60)
    batch_id = studies.remote_class(
        session,
        starts_at=start,
        ends_at=NOW - timedelta(days=2),
        nominate_close=start - timedelta(days=10),
        roster_date=start - timedelta(days=5),
    )
    first, second = make.school(session, FIRST), make.school(session, SECOND)
    for number in range(92):
        make.teacher(session, f"甲{number:02}", at=FIRST)
    for number in range(3):
        make.teacher(session, f"病{number}", at=FIRST, state=TeacherState.LONG_LEAVE)
    for number in range(42):
        make.teacher(session, f"乙{number:02}", at=SECOND)
    enrolment.enrol_all_due(session, batch_id, now=start - timedelta(days=12))
    make.teacher(session, "甲迟", at=FIRST)  # the roster said it too late
    enrolment.enrol_all_due(session, batch_id, now=start - timedelta(days=7))
    county = classes.county(session)

    theirs = [
        one
        for one in studies.registrations(session, batch_id, first)
        if classes.state_of(session, one) is RegistrationState.APPROVED
    ]
    others = studies.registrations(session, batch_id, second)
    studied = [*theirs[:92], *others]
    studies.imported(
        session,
        batch_id,
        county,
        dict.fromkeys(studied, 100.0) | {theirs[92]: 0.0},
        as_of=NOW - timedelta(days=3),
    )
    _graded(session, theirs[:13] + others[:6], Grade.EXCELLENT)
    _graded(session, theirs[13:90] + others[6:], Grade.QUALIFIED)
    _graded(session, theirs[90:91], Grade.UNQUALIFIED)
    _graded(session, theirs[91:92], Grade.DEFERRED)
    homework = classes.task(session, batch_id)
    for one in [*theirs[:89], *others]:
        classes.hands_in(session, one, homework)
    completion.confirm(session, county, batch_id, now=NOW)
    return batch_id, first, second


async def test_the_worked_example_of_the_definitions(database: Database) -> None:
    batch_id, first, second = await database.write(_worked_example)

    counted = await database.read(rates.by_unit, batch_id, now=NOW)

    one, other = counted[first], counted[second]
    assert (one.quota, one.sent, one.due, one.exempt) == (93, 92, 93, 3)
    assert (one.participating, one.assessed, one.deferred) == (92, 91, 1)
    assert (one.passed, one.completed, one.excellent) == (90, 89, 13)
    assert (other.due, other.participating, other.passed) == (42, 42, 42)
    assert (other.completed, other.excellent) == (42, 6)

    def said(sets: Sets, rate: Rate, base: Base = Base.USUAL) -> str:
        figures = share(sets, rate, base)
        return numbers.percent(figures.numerator, figures.denominator)

    assert said(one, Rate.SENDING) == "98.9"
    assert said(one, Rate.PARTICIPATION) == "98.9"
    assert share(one, Rate.PARTICIPATION).gap(1.0) == 1
    assert said(one, Rate.PASS) == "97.8"
    assert share(one, Rate.PASS).gap(0.98) == 1
    assert said(one, Rate.PASS, Base.STRICT) == "96.8"
    assert said(one, Rate.PASS, Base.ASSESSED) == "98.9"
    assert said(one, Rate.COMPLETION) == "96.7"
    assert said(one, Rate.EXCELLENCE) == "14.6"

    both = rates.together(counted)
    assert said(both, Rate.PARTICIPATION) == "99.3"
    assert said(both, Rate.PASS) == "98.5"
    assert share(both, Rate.PASS).reaches(0.98)
    assert said(both, Rate.COMPLETION) == "97.8"
    assert said(both, Rate.EXCELLENCE) == "14.5"

    assert rates.score(one, excellent_goal=0.15) == Decimal("98.94")


def _selection(session: Session, /) -> tuple[int, int]:
    """A class with five seats of one school: four sent, one of them late, one left late."""
    batch_id = make.batch(
        session,
        seats=None,
        programme={"enrolment": Enrolment.NOMINATION, "mode": Mode.REMOTE},
        starts_at=NOW - timedelta(days=1),
        ends_at=NOW + timedelta(days=20),
        nominate_close=NOW - timedelta(days=10),
        roster_date=NOW - timedelta(days=5),
    )
    unit_id = make.school(session)
    session.add(Quota(batch_id=batch_id, unit_id=unit_id, seats=5, taken=4))
    people = classes.people_in(session, batch_id, 5)
    early, late = NOW - timedelta(days=12), NOW - timedelta(days=9)
    for number, registration_id in enumerate(people):
        at = late if number == 3 else early
        rule, facts = "nominated", {"seat": "seat_from_school", "asks": number == 1}
        if number == 4:
            rule, facts = "nominated", {"seat": "seat_from_school", "asks": True}
        session.add(Decision(registration_id=registration_id, at=at, rule=rule, facts=facts))
    session.add(Decision(registration_id=people[1], at=early, rule="nomination_accepted", facts={}))
    gone = session.get_one(Registration, people[2])
    gone.state, gone.changed_at = RegistrationState.WITHDRAWN, NOW - timedelta(days=2)
    left = {"before": "approved"}
    session.add(
        Decision(registration_id=gone.id, at=gone.changed_at, rule="withdrawal_agreed", facts=left)
    )
    never = session.get_one(Registration, people[4])  # asked, and has not answered
    never.state = RegistrationState.NOMINATED
    session.flush()
    return batch_id, unit_id


async def test_a_school_is_measured_by_whom_it_sent_in_time(database: Database) -> None:
    batch_id, unit_id = await database.write(_selection)

    sets = (await database.read(rates.by_unit, batch_id, now=NOW))[unit_id]

    assert (sets.quota, sets.sent) == (5, 3)
    assert share(sets, Rate.SENDING).exact == Fraction(3, 5)


async def test_who_leaves_after_the_roster_date_stays_due(database: Database) -> None:
    batch_id, unit_id = await database.write(_selection)

    assert (await database.read(rates.by_unit, batch_id, now=NOW))[unit_id].due == 4

    def left_before(session: Session, /) -> None:
        row = session.exec(
            select(Registration).where(Registration.state == RegistrationState.WITHDRAWN)
        ).one()
        row.changed_at = NOW - timedelta(days=6)
        for line in session.exec(select(Decision).where(Decision.registration_id == row.id)):
            line.at = NOW - timedelta(days=6) if line.rule == "withdrawal_agreed" else line.at

    await database.write(left_before)
    assert (await database.read(rates.by_unit, batch_id, now=NOW))[unit_id].due == 3


async def test_a_substitute_counts_in_place_of_whom_they_replace(database: Database) -> None:
    def arrange(session: Session, /) -> tuple[int, int]:
        batch_id = make.batch(
            session,
            seats=None,
            programme={
                "enrolment": Enrolment.NOMINATION,
                "mode": Mode.REMOTE,
                "asks_consent": False,
            },
            nominate_close=NOW - timedelta(days=2),
            roster_date=NOW + timedelta(days=2),
        )
        unit_id = make.school(session)
        quota = Quota(batch_id=batch_id, unit_id=unit_id, seats=1, taken=1)
        session.add(quota)
        session.flush()
        registration_id = classes.people_in(session, batch_id, 1)[0]
        row = session.get_one(Registration, registration_id)
        row.state, row.quota_id = RegistrationState.APPROVED, quota.id
        at = NOW - timedelta(days=3)
        facts = {"asks": False}
        session.add(Decision(registration_id=row.id, at=at, rule="nominated", facts=facts))
        actor, other = classes.school(session), make.teacher(session, "顶替")
        substituting.substitute(session, actor, batch_id, row.teacher_id, other, "产假", now=NOW)
        return batch_id, unit_id

    batch_id, unit_id = await database.write(arrange)

    sets = (await database.read(rates.by_unit, batch_id, now=NOW))[unit_id]
    assert (sets.quota, sets.sent, sets.due) == (1, 1, 1)


async def test_nobody_is_in_an_inner_set_and_not_in_the_outer_one(database: Database) -> None:
    def arrange(session: Session, /) -> int:
        batch_id = studies.remote_class(session)
        every = classes.people_in(session, batch_id, len(RegistrationState) * 3)
        grades = [None, Grade.EXCELLENT, Grade.DEFERRED]
        for number, registration_id in enumerate(every):
            row = session.get_one(Registration, registration_id)
            row.state = list(RegistrationState)[number // 3]
            if (grade := grades[number % 3]) is not None:
                session.add(Result(registration_id=row.id, grade=grade, decided_at=NOW))
        session.flush()
        return batch_id

    batch_id = await database.write(arrange)
    sets = rates.together(await database.read(rates.by_unit, batch_id, now=NOW))
    assert sets.due == 18
    assert sets.participating == 7  # the excellent in four states, and all three who completed
    nested = [
        sets.due,
        sets.participating,
        sets.assessed,
        sets.passed,
        sets.completed,
        sets.excellent,
    ]
    assert nested == sorted(nested, reverse=True)


async def test_a_class_without_anybody_has_no_rates(database: Database) -> None:
    batch_id = await database.write(studies.remote_class)
    sets = rates.together(await database.read(rates.by_unit, batch_id, now=NOW))
    assert sets == Sets()
    assert share(sets, Rate.PASS).exact is None
    assert not share(sets, Rate.PASS).reaches(0.98)
    assert rates.score(sets, excellent_goal=0.15) is None


@pytest.mark.parametrize(
    ("numerator", "denominator", "target", "gap"),
    [(90, 92, 0.98, 1), (132, 134, 0.98, 0), (0, 0, 1.0, 0), (92, 93, 1.0, 1), (49, 50, 0.98, 0)],
)
def test_the_gap_is_in_persons(numerator: int, denominator: int, target: float, gap: int) -> None:
    assert Share(numerator, denominator).gap(target) == gap


_DUE = st.dictionaries(st.integers(1, 30), st.integers(0, 12), max_size=12)


@given(_DUE)
def test_a_small_school_cannot_be_reckoned_from_what_is_shown(due: dict[int, int]) -> None:
    counted = {unit: Sets(due=n) for unit, n in due.items()}
    shown, others = rates.showable(counted)
    assert all(sets.due >= 5 for sets in shown.values())
    rest = Sets() if others is None else others
    assert rest.due + rates.together(shown).due == sum(due.values())
    if shown:
        assert rest.due == 0 or rest.due >= 5


@given(st.integers(0, 500), st.integers(1, 500), st.fractions(0, 1))
def test_with_the_gap_the_target_is_reached_and_with_one_fewer_it_is_not(
    part: int, whole: int, target: Fraction
) -> None:
    part, goal = min(part, whole), float(round(target, 3))
    one = Share(part, whole)
    gap = one.gap(goal)
    assert Share(part + gap, whole).reaches(goal)
    assert gap == 0 or not Share(part + gap - 1, whole).reaches(goal)
