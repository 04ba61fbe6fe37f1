"""The two other doors: automatic enrolment from the roster, and nominations."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from storage.database import Database
from storage.people.tables import OrgUnit, Posting, Teacher, TeacherFact, TeacherState
from storage.refusals import NotFound
from storage.training import decisions, enrolment, registration
from storage.training.enrolment import Enrolled
from storage.training.refusals import NominationGone, NotSelfRegistration, ProgrammeCancelled
from storage.training.tables import (
    Approval,
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

ALL_STAFF = {"enrolment": Enrolment.AUTOMATIC, "mode": Mode.REMOTE}


def roster(session: Session, count: int) -> None:
    """Make many teachers at once; every other one teaches 语文, every tenth is away."""
    unit_id = make.school(session)
    teachers = [
        Teacher(
            staff_no=f"R{n:05}",
            name=f"教师{n}",
            state=TeacherState.LONG_LEAVE if n % 10 == 0 else TeacherState.ACTIVE,
        )
        for n in range(count)
    ]
    session.add_all(teachers)
    session.flush()
    for n, teacher in enumerate(teachers):
        session.add(Posting(teacher_id=teacher.id, unit_id=unit_id, since=date(2020, 9, 1)))
        subject = "语文" if n % 2 else "数学"
        session.add(TeacherFact(teacher_id=teacher.id, key="subject", value=subject))


def count(session: Session, /, **wanted: Any) -> int:
    statement = select(func.count()).select_from(Registration)
    for name, value in wanted.items():
        statement = statement.where(getattr(Registration, name) == value)
    return session.exec(statement).one()


def nominated(session: Session, teacher_id: int, batch_id: int) -> None:
    quota = session.exec(select(Quota).where(Quota.batch_id == batch_id)).one()
    quota.taken += 1
    session.add(
        Registration(
            batch_id=batch_id,
            teacher_id=teacher_id,
            unit_id_at=make.school(session),
            source=Source.NOMINATED,
            state=RegistrationState.NOMINATED,
            quota_id=quota.id,
            submitted_at=NOW,
            queued_at=NOW,
            changed_at=NOW,
        )
    )


async def test_a_thousand_teachers_are_enrolled_at_once_and_once(database: Database) -> None:
    await database.write(roster, 1000)
    batch = await database.write(make.batch, seats=None, programme=ALL_STAFF)
    done = await database.write(enrolment.enrol_all_due, batch, now=NOW)
    assert done == Enrolled(enrolled=900, exempt=100)
    assert await database.write(enrolment.enrol_all_due, batch, now=NOW) == Enrolled(0, 0)
    assert await database.read(count, source=Source.AUTOMATIC) == 1000
    assert await database.read(count, state=RegistrationState.APPROVED) == 900
    away = {"state": RegistrationState.EXEMPT, "reason": enrolment.LONG_LEAVE}
    assert await database.read(count, **away) == 100


async def test_only_the_audience_is_enrolled_and_everybody_can_ask_why(
    database: Database,
) -> None:
    await database.write(roster, 40)
    batch = await database.write(
        make.batch, seats=None, audience={"subject": ["语文"]}, programme=ALL_STAFF
    )
    await database.write(enrolment.enrol_all_due, batch, now=NOW)
    assert await database.read(count) == 20
    someone = await database.read(lambda s: s.exec(select(Registration.teacher_id).limit(1)).one())
    why = await database.read(decisions.why, someone, batch)
    assert [x.rule for x in why.lines] == ["enrolled_automatically"]


async def test_newcomers_join_and_nobody_is_ever_un_enrolled(database: Database) -> None:
    batch = await database.write(
        make.batch, seats=None, audience={"subject": ["语文"]}, programme=ALL_STAFF
    )
    amina = await database.write(make.teacher)
    await database.write(enrolment.enrol_all_due, batch, now=NOW)

    def changes_subject(session: Session) -> None:
        fact = session.exec(select(TeacherFact).where(TeacherFact.key == "subject")).one()
        fact.value = "数学"

    await database.write(changes_subject)
    await database.write(make.teacher, name="石晓岚")
    assert await database.write(enrolment.enrol_all_due, batch, now=NOW) == Enrolled(1, 0)
    assert await database.read(count, teacher_id=amina) == 1


async def test_the_school_is_that_of_the_roster_date(database: Database) -> None:
    roster_date = NOW - timedelta(days=30)
    batch = await database.write(
        make.batch, seats=None, programme=ALL_STAFF, roster_date=roster_date
    )
    amina = await database.write(make.teacher)
    late = await database.write(make.teacher)

    def moves(session: Session) -> None:
        unit_id = make.school(session, "南塘乡中心小学")
        old = session.exec(select(Posting).where(Posting.teacher_id == amina)).one()
        old.until = date(2026, 10, 31)
        session.add(Posting(teacher_id=amina, unit_id=unit_id, since=date(2026, 11, 1)))
        joined = session.exec(select(Posting).where(Posting.teacher_id == late)).one()
        joined.since = date(2026, 11, 1)

    await database.write(moves)
    await database.write(enrolment.enrol_all_due, batch, now=NOW)
    rows = await database.read(
        lambda s: s.exec(
            select(Registration.teacher_id, OrgUnit.name).join(
                OrgUnit, col(OrgUnit.id) == col(Registration.unit_id_at)
            )
        ).all()
    )
    assert [tuple(row) for row in rows] == [(amina, "澄禾县实验小学")]


async def test_only_an_automatic_programme_enrols(database: Database) -> None:
    batch = await database.write(make.batch)
    cancelled = await database.write(
        make.batch, programme=ALL_STAFF | {"state": ProgrammeState.CANCELLED}
    )
    with pytest.raises(NotSelfRegistration):
        await database.write(enrolment.enrol_all_due, batch, now=NOW)
    with pytest.raises(ProgrammeCancelled):
        await database.write(enrolment.enrol_all_due, cancelled, now=NOW)
    with pytest.raises(NotFound):
        await database.write(enrolment.enrol_all_due, 999, now=NOW)


@pytest.mark.parametrize(
    ("approval", "state"),
    [
        (Approval.SCHOOL, RegistrationState.APPROVED),
        (Approval.COUNTY, RegistrationState.SCHOOL_APPROVED),
    ],
)
async def test_agreeing_to_a_nomination_is_the_schools_approval(
    database: Database, approval: Approval, state: RegistrationState
) -> None:
    programme = {"enrolment": Enrolment.NOMINATION, "approval": approval}
    batch = await database.write(make.batch, programme=programme)
    amina = await database.write(make.teacher)
    await database.write(nominated, amina, batch)
    for is_new in (True, False):
        answer = await database.write(enrolment.accept_nomination, amina, batch, now=NOW)
        assert (answer.state, answer.is_new) == (state, is_new)
    with pytest.raises(NominationGone):
        await database.write(enrolment.decline_nomination, amina, batch, now=NOW)


async def test_declining_a_nomination_gives_the_seat_back(database: Database) -> None:
    programme = {"enrolment": Enrolment.NOMINATION, "approval": Approval.COUNTY}
    batch = await database.write(make.batch, seats=1, programme=programme)
    amina = await database.write(make.teacher)
    await database.write(nominated, amina, batch)
    answer = await database.write(
        enrolment.decline_nomination, amina, batch, now=NOW, reason="家里有事"
    )
    assert (answer.state, answer.is_new) == (RegistrationState.DECLINED, True)
    assert await database.read(lambda s: s.exec(select(Quota.taken)).one()) == 0
    again = await database.write(enrolment.decline_nomination, amina, batch, now=NOW)
    assert not again.is_new
    with pytest.raises(NominationGone):
        await database.write(enrolment.accept_nomination, amina, batch, now=NOW)


async def test_who_was_not_nominated_has_nothing_to_answer(database: Database) -> None:
    batch = await database.write(make.batch)
    amina = await database.write(make.teacher)
    await database.write(registration.register, amina, batch, now=NOW)
    with pytest.raises(NotFound):
        await database.write(enrolment.accept_nomination, amina, batch, now=NOW)
