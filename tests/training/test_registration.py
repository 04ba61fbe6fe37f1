"""Registering and withdrawing, as a teacher would notice it, on both engines."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage.database import Database
from storage.people.tables import Posting, TeacherState
from storage.refusals import NotFound
from storage.training import decisions, registration, waiting
from storage.training.refusals import (
    NotEligible,
    NotSelfRegistration,
    NotWithdrawable,
    ProgrammeCancelled,
    ReasonNeeded,
    RegistrationClosed,
    RegistrationNotOpen,
    WaitingListFull,
)
from storage.training.tables import (
    Approval,
    Batch,
    ClassSession,
    Enrolment,
    Mode,
    OfferState,
    Programme,
    ProgrammeState,
    Quota,
    Registration,
    RegistrationState,
    SeatOffer,
    Source,
)
from tests import make
from tests.make import NOW

LATER = NOW + timedelta(minutes=1)
RURAL = "南塘乡中心小学"


def teachers(session: Session, /, count: int, **differs: Any) -> list[int]:
    return [make.teacher(session, **differs) for _ in range(count)]


def allot(session: Session, /, batch_id: int, school: str, seats: int, **differs: Any) -> int:
    row = Quota(batch_id=batch_id, unit_id=make.school(session, school), seats=seats, **differs)
    session.add(row)
    session.flush()
    return row.id


def change(session: Session, batch_id: int, **values: Any) -> None:
    """Change the programme of a batch."""
    programme_id = session.exec(select(Batch.programme_id).where(Batch.id == batch_id)).one()
    session.exec(sa.update(Programme).where(col(Programme.id) == programme_id).values(**values))


def put(
    session: Session, teacher_id: int, batch_id: int, state: RegistrationState, source: Source
) -> int:
    row = Registration(
        batch_id=batch_id,
        teacher_id=teacher_id,
        unit_id_at=make.school(session),
        source=source,
        state=state,
        submitted_at=NOW,
        queued_at=NOW,
        changed_at=NOW,
    )
    session.add(row)
    session.flush()
    return row.id


def state_of(session: Session, teacher_id: int, batch_id: int) -> RegistrationState:
    return session.exec(
        select(col(Registration.state)).where(
            Registration.teacher_id == teacher_id, Registration.batch_id == batch_id
        )
    ).one()


def taken(session: Session, batch_id: int) -> list[int]:
    return list(
        session.exec(
            select(Quota.taken).where(Quota.batch_id == batch_id).order_by(col(Quota.id))
        ).all()
    )


async def test_a_tap_takes_a_seat_of_the_pool(database: Database) -> None:
    batch = await database.write(make.batch, title="作业设计", seats=2)
    amina = await database.write(make.teacher)
    outcome = await database.write(registration.register, amina, batch, now=NOW)
    assert (outcome.state, outcome.title) == (RegistrationState.APPROVED, "作业设计")
    assert (outcome.place, outcome.is_new, outcome.clashes) == (None, True, ())
    assert await database.read(taken, batch) == [1]


async def test_what_the_school_approves_is_submitted_and_holds_its_seat(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=1, programme={"approval": Approval.SCHOOL})
    amina, bruno = await database.write(teachers, 2)
    first = await database.write(registration.register, amina, batch, now=NOW)
    second = await database.write(registration.register, bruno, batch, now=NOW)
    assert (first.state, second.state) == (
        RegistrationState.SUBMITTED,
        RegistrationState.WAITLISTED,
    )


async def test_the_own_schools_seat_goes_first_and_the_pool_is_next(database: Database) -> None:
    batch = await database.write(make.batch, seats=1)
    own = await database.write(allot, batch, RURAL, 1)
    people = await database.write(teachers, 3, at=RURAL)
    outcomes = [await database.write(registration.register, x, batch, now=NOW) for x in people]
    assert [x.state.value for x in outcomes] == ["approved", "approved", "waitlisted"]
    lines = [(await database.read(decisions.why, x, batch)).lines[0].rule for x in people]
    assert lines == ["seat_from_school", "seat_from_pool", "queued"]
    kept = await database.read(
        lambda s: s.exec(select(Registration.quota_id).order_by(col(Registration.id))).all()
    )
    assert kept[0] == own
    assert kept[2] is None


async def test_another_schools_seats_are_not_mine(database: Database) -> None:
    batch = await database.write(make.batch, seats=None)
    await database.write(allot, batch, RURAL, 2, release_at=NOW + timedelta(days=3))
    amina = await database.write(make.teacher)
    outcome = await database.write(registration.register, amina, batch, now=NOW)
    assert (outcome.state, outcome.place) == (RegistrationState.WAITLISTED, 1)
    why = await database.read(decisions.why, amina, batch)
    assert (why.kept_for_schools, why.released_at) == (2, NOW + timedelta(days=3))


async def test_unused_seats_of_a_school_flow_to_the_pool_at_the_published_moment(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=0)
    release = NOW + timedelta(days=3)
    await database.write(allot, batch, RURAL, 2, release_at=release)
    rural = await database.write(make.teacher, at=RURAL)
    amina, bruno = await database.write(teachers, 2)
    await database.write(registration.register, rural, batch, now=NOW)
    await database.write(registration.register, amina, batch, now=NOW)
    assert await database.write(waiting.promote, now=release - timedelta(seconds=1)) == 0
    assert await database.write(waiting.promote, now=release) == 1
    assert await database.write(waiting.promote, now=release) == 0
    assert await database.read(state_of, amina, batch) is RegistrationState.OFFERED
    later = await database.write(registration.register, bruno, batch, now=release)
    assert later.place == 1


async def test_a_newcomer_after_the_release_takes_what_flowed_back(database: Database) -> None:
    batch = await database.write(make.batch, seats=None)
    release = NOW + timedelta(days=3)
    await database.write(allot, batch, RURAL, 1, release_at=release)
    amina = await database.write(make.teacher)
    outcome = await database.write(registration.register, amina, batch, now=release)
    assert outcome.state is RegistrationState.APPROVED
    assert (await database.read(decisions.why, amina, batch)).lines[0].rule == "seat_from_pool"


async def test_a_batch_without_allotments_has_no_limit(database: Database) -> None:
    batch = await database.write(make.batch, seats=None)
    for someone in await database.write(teachers, 8):
        outcome = await database.write(registration.register, someone, batch, now=NOW)
        assert outcome.state is RegistrationState.APPROVED


async def test_the_place_in_the_queue_is_told_and_moves_up(database: Database) -> None:
    batch = await database.write(make.batch, seats=1)
    people = await database.write(teachers, 4)
    for number, someone in enumerate(people):
        at = NOW + timedelta(seconds=number)
        outcome = await database.write(registration.register, someone, batch, now=at)
        assert outcome.place == (number or None)
    await database.write(registration.withdraw, people[1], batch, now=LATER)
    again = await database.write(registration.register, people[3], batch, now=LATER)
    assert (again.place, again.is_new) == (2, False)
    assert await database.read(taken, batch) == [1]


async def test_tapping_fifty_times_at_once_registers_once(database: Database) -> None:
    batch = await database.write(make.batch, seats=5)
    amina = await database.write(make.teacher)
    outcomes = await asyncio.gather(
        *(database.write(registration.register, amina, batch, now=NOW) for _ in range(50))
    )
    assert {x.state for x in outcomes} == {RegistrationState.APPROVED}
    assert sum(x.is_new for x in outcomes) == 1
    assert await database.read(taken, batch) == [1]


async def test_a_newcomer_does_not_go_past_the_queue_to_a_seat_that_is_free(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=1)
    amina, bruno, chen = await database.write(teachers, 3)
    await database.write(registration.register, amina, batch, now=NOW)
    await database.write(registration.register, bruno, batch, now=NOW)

    def enlarge(session: Session) -> None:
        session.exec(sa.update(Quota).values(seats=2))

    await database.write(enlarge)
    outcome = await database.write(registration.register, chen, batch, now=LATER)
    assert (outcome.state, outcome.place) == (RegistrationState.WAITLISTED, 2)
    assert (await database.read(decisions.why, chen, batch)).lines[0].facts["full"] is False
    assert await database.write(waiting.promote, now=LATER) == 1
    assert await database.read(state_of, bruno, batch) is RegistrationState.OFFERED


async def test_a_full_waiting_list_takes_nobody_more(database: Database) -> None:
    batch = await database.write(make.batch, seats=1, waiting_limit=1)
    people = await database.write(teachers, 3)
    await database.write(registration.register, people[0], batch, now=NOW)
    await database.write(registration.register, people[1], batch, now=NOW)
    with pytest.raises(WaitingListFull) as refusal:
        await database.write(registration.register, people[2], batch, now=NOW)
    assert refusal.value.limit == 1
    count = await database.read(lambda s: len(s.exec(select(Registration.id)).all()))
    assert count == 2


async def test_registering_too_early_says_when_it_opens(database: Database) -> None:
    batch = await database.write(make.batch, reg_open=LATER)
    amina = await database.write(make.teacher)
    with pytest.raises(RegistrationNotOpen) as refusal:
        await database.write(registration.register, amina, batch, now=NOW)
    assert refusal.value.opens_at == LATER
    assert (await database.write(registration.register, amina, batch, now=LATER)).is_new


async def test_registering_too_late_says_when_it_closed(database: Database) -> None:
    batch = await database.write(make.batch, reg_close=NOW)
    amina = await database.write(make.teacher)
    with pytest.raises(RegistrationClosed) as refusal:
        await database.write(registration.register, amina, batch, now=NOW)
    assert refusal.value.closed_at == NOW


async def test_without_a_closing_date_registration_closes_at_the_start(
    database: Database,
) -> None:
    batch = await database.write(make.batch, reg_close=None, starts_at=LATER)
    amina, bruno = await database.write(teachers, 2)
    await database.write(registration.register, amina, batch, now=NOW)
    with pytest.raises(RegistrationClosed):
        await database.write(registration.register, bruno, batch, now=LATER)
    # Who is in already hears so, even after the close.
    again = await database.write(registration.register, amina, batch, now=LATER)
    assert (again.is_new, again.state) == (False, RegistrationState.APPROVED)


async def test_a_cancelled_programme_says_so(database: Database) -> None:
    batch = await database.write(make.batch, programme={"state": ProgrammeState.CANCELLED})
    amina = await database.write(make.teacher)
    with pytest.raises(ProgrammeCancelled):
        await database.write(registration.register, amina, batch, now=NOW)


@pytest.mark.parametrize("door", [Enrolment.NOMINATION, Enrolment.AUTOMATIC, Enrolment.INVITATION])
async def test_other_doors_are_named(sqlite: Database, door: Enrolment) -> None:
    batch = await sqlite.write(make.batch, programme={"enrolment": door})
    amina = await sqlite.write(make.teacher)
    with pytest.raises(NotSelfRegistration) as refusal:
        await sqlite.write(registration.register, amina, batch, now=NOW)
    assert refusal.value.enrolment is door


async def test_who_is_not_in_the_audience_hears_why(database: Database) -> None:
    audience = {"subject": ["数学", "英语"], "stage": ["primary"]}
    batch = await database.write(make.batch, audience=audience)
    amina = await database.write(make.teacher, subject="语文")
    with pytest.raises(NotEligible) as refusal:
        await database.write(registration.register, amina, batch, now=NOW)
    (misfit,) = refusal.value.misfits
    assert (misfit.key, misfit.wanted, misfit.has) == ("subject", ("数学", "英语"), ("语文",))


async def test_who_is_on_long_leave_or_has_no_school_hears_why(database: Database) -> None:
    batch = await database.write(make.batch)
    away = await database.write(make.teacher, state=TeacherState.LONG_LEAVE)
    lost = await database.write(make.teacher)

    def leave_school(session: Session) -> None:
        posting = session.exec(select(Posting).where(Posting.teacher_id == lost)).one()
        posting.until = date(2026, 11, 19)

    await database.write(leave_school)
    for who, key in ((away, "state"), (lost, "posting")):
        with pytest.raises(NotEligible) as refusal:
            await database.write(registration.register, who, batch, now=NOW)
        assert [x.key for x in refusal.value.misfits] == [key]


async def test_what_is_not_there_or_not_published_is_not_found(database: Database) -> None:
    draft = await database.write(make.batch, programme={"state": ProgrammeState.DRAFT})
    amina = await database.write(make.teacher)
    for teacher, batch in ((amina, draft), (amina, 999), (999, draft)):
        with pytest.raises(NotFound):
            await database.write(registration.register, teacher, batch, now=NOW)


async def test_the_school_of_the_day_is_kept(database: Database) -> None:
    batch = await database.write(make.batch)
    amina = await database.write(make.teacher)

    def moves_school(session: Session) -> int:
        session.exec(select(Posting)).one().until = date(2026, 11, 20)
        unit_id = make.school(session, RURAL)
        session.add(Posting(teacher_id=amina, unit_id=unit_id, since=date(2026, 11, 21)))
        return unit_id

    rural = await database.write(moves_school)
    # 16:30 in UTC is after midnight in Shanghai.
    tomorrow = NOW.replace(hour=16, minute=30)
    await database.write(registration.register, amina, batch, now=tomorrow)
    kept = await database.read(lambda s: s.exec(select(Registration.unit_id_at)).one())
    assert kept == rural


async def test_a_training_at_the_same_time_is_a_warning_not_a_refusal(
    database: Database,
) -> None:
    amina = await database.write(make.teacher)
    start = NOW + timedelta(days=20)
    days: dict[str, Any] = {"starts_at": start, "ends_at": start + timedelta(days=2)}
    first = await database.write(make.batch, title="班主任培训", **days)
    beside = await database.write(
        make.batch,
        starts_at=start + timedelta(days=2),
        ends_at=start + timedelta(days=3),
    )
    remote = await database.write(make.batch, programme={"mode": Mode.REMOTE}, **days)
    blended = await database.write(make.batch, programme={"mode": Mode.BLENDED}, **days)

    def meets(session: Session) -> None:
        for hours in (1, 100):
            at = start + timedelta(hours=hours)
            session.add(
                ClassSession(
                    batch_id=blended, title="集中", starts_at=at, ends_at=at + timedelta(hours=2)
                )
            )

    await database.write(meets)
    await database.write(registration.register, amina, first, now=NOW)
    assert (await database.write(registration.register, amina, beside, now=NOW)).clashes == ()
    assert (await database.write(registration.register, amina, remote, now=NOW)).clashes == ()
    warned = await database.write(registration.register, amina, blended, now=NOW)
    assert warned.state is RegistrationState.APPROVED
    assert [(x.batch_id, x.title) for x in warned.clashes] == [(first, "班主任培训")]


async def test_withdrawing_in_time_is_free_and_offers_the_seat_to_the_next(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=1)
    people = await database.write(teachers, 3)
    for number, someone in enumerate(people):
        at = NOW + timedelta(seconds=number)
        await database.write(registration.register, someone, batch, now=at)
    done = await database.write(registration.withdraw, people[0], batch, now=LATER)
    assert (done.state, done.requested, done.is_new) == (
        RegistrationState.WITHDRAWN,
        False,
        True,
    )
    assert await database.read(state_of, people[1], batch) is RegistrationState.OFFERED
    assert await database.read(taken, batch) == [1]
    again = await database.write(registration.withdraw, people[0], batch, now=LATER)
    assert (again.state, again.is_new) == (RegistrationState.WITHDRAWN, False)
    rules = [x.rule for x in (await database.read(decisions.why, people[1], batch)).lines]
    assert rules == ["queued", "offered_after_withdrawal"]


async def test_who_has_withdrawn_may_register_again_at_the_end_of_the_queue(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=1)
    amina, bruno, chen = await database.write(teachers, 3)
    for someone in (amina, bruno, chen):
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, amina, batch, now=LATER)
    back = await database.write(
        registration.register, amina, batch, now=LATER + timedelta(minutes=1)
    )
    assert (back.state, back.place, back.is_new) == (RegistrationState.WAITLISTED, 2, True)


async def test_after_the_deadline_withdrawing_is_a_request_with_a_reason(
    database: Database,
) -> None:
    closes = NOW + timedelta(days=1)
    batch = await database.write(make.batch, seats=1, reg_close=closes)
    amina = await database.write(make.teacher)
    await database.write(registration.register, amina, batch, now=NOW)
    with pytest.raises(ReasonNeeded) as refusal:
        await database.write(registration.withdraw, amina, batch, now=closes, reason="  ")
    assert refusal.value.deadline == closes
    asked = await database.write(registration.withdraw, amina, batch, now=closes, reason="家里有事")
    assert (asked.requested, asked.state) == (True, RegistrationState.APPROVED)
    again = await database.write(registration.withdraw, amina, batch, now=closes)
    assert (again.requested, again.is_new) == (True, False)
    kept = await database.read(lambda s: s.exec(select(Registration.leave_request)).one())
    assert kept == "家里有事"
    assert await database.read(taken, batch) == [1]


async def test_the_waiting_list_may_be_left_after_the_deadline(database: Database) -> None:
    closes = NOW + timedelta(days=1)
    batch = await database.write(make.batch, seats=0, reg_close=closes)
    amina = await database.write(make.teacher)
    await database.write(registration.register, amina, batch, now=NOW)
    done = await database.write(registration.withdraw, amina, batch, now=closes)
    assert (done.state, done.requested) == (RegistrationState.WITHDRAWN, False)


async def test_leaving_with_an_offer_in_hand_passes_the_seat_on(database: Database) -> None:
    batch = await database.write(make.batch, seats=1)
    amina, bruno, chen = await database.write(teachers, 3)
    for someone in (amina, bruno, chen):
        await database.write(registration.register, someone, batch, now=NOW)
    await database.write(registration.withdraw, amina, batch, now=LATER)
    await database.write(registration.withdraw, bruno, batch, now=LATER)
    assert await database.read(state_of, bruno, batch) is RegistrationState.WITHDRAWN
    assert await database.read(state_of, chen, batch) is RegistrationState.OFFERED
    assert await database.read(taken, batch) == [1]
    offers = await database.read(
        lambda s: s.exec(select(col(SeatOffer.state)).order_by(col(SeatOffer.id))).all()
    )
    assert list(offers) == [OfferState.PASSED, OfferState.OPEN]


async def test_the_school_decides_about_automatic_and_nominated_people(
    database: Database,
) -> None:
    batch = await database.write(make.batch, seats=None)
    amina, bruno = await database.write(teachers, 2)
    approved = RegistrationState.APPROVED
    await database.write(put, amina, batch, approved, Source.AUTOMATIC)
    await database.write(put, bruno, batch, approved, Source.NOMINATED)
    with pytest.raises(NotWithdrawable) as refusal:
        await database.write(registration.withdraw, amina, batch, now=NOW, reason="忙")
    assert refusal.value.source is Source.AUTOMATIC
    asked = await database.write(registration.withdraw, bruno, batch, now=NOW, reason="忙")
    assert asked.requested


async def test_what_is_over_cannot_be_withdrawn_from(database: Database) -> None:
    batch = await database.write(make.batch, seats=None)
    amina, bruno = await database.write(teachers, 2)
    await database.write(put, amina, batch, RegistrationState.COMPLETED, Source.SELF)
    await database.write(put, bruno, batch, RegistrationState.APPROVED, Source.SELF)
    with pytest.raises(NotWithdrawable):
        await database.write(registration.withdraw, amina, batch, now=NOW)
    with pytest.raises(NotWithdrawable):
        await database.write(
            registration.withdraw, bruno, batch, now=NOW + timedelta(days=60), reason="忙"
        )
    with pytest.raises(NotFound):
        await database.write(registration.withdraw, amina, 999, now=NOW)


async def test_a_registration_takes_few_statements(sqlite: Database) -> None:
    batch = await sqlite.write(make.batch, seats=1, audience={"subject": ["语文"]})
    people = await sqlite.write(teachers, 2)
    said: list[str] = []

    def counting(session: Session, teacher_id: int) -> RegistrationState:
        connection = session.connection()

        def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            said.append(statement)

        sa.event.listen(connection, "before_cursor_execute", note)
        state = registration.register(session, teacher_id, batch, now=NOW).state
        sa.event.remove(connection, "before_cursor_execute", note)
        return state

    assert await sqlite.write(counting, people[0]) is RegistrationState.APPROVED
    assert len(said) == 7, said
    said.clear()
    assert await sqlite.write(counting, people[1]) is RegistrationState.WAITLISTED
    assert len(said) == 5, said
