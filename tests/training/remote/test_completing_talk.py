"""Deciding on a whole county's remote class in the chat: one tap or two, and taking it back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session, col, func, select

from handlers.training.results import OpenAssessment
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.training import completion
from storage.training.decisions import decide
from storage.training.remote.tables import ProgressItem, RemotePlan
from storage.training.tables import Level, Registration, RegistrationState
from storage.waiting_for import Waiting
from tests import make
from tests.make import NOW
from tests.stage import Stage
from tests.training import classes, desk
from tests.training.remote import programme, studies

PEOPLE = 300
DAY = timedelta(days=1)
DONE = 225


def ended(session: Session) -> int:
    """A class of hundreds that is over; of half of them hours stand already."""
    batch_id = studies.remote_class(
        session, starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=1)
    )
    for position, (kind, title, measure, required, weight) in enumerate(programme.ITEMS, 1):
        session.add(
            ProgressItem(
                batch_id=batch_id,
                position=position,
                kind=kind,
                title=title,
                measure=measure,
                required=required,
                weight=weight,
            )
        )
    people = classes.people_in(session, batch_id, PEOPLE)
    by = make.teacher(session, "高培训")
    percents = {id_: 100.0 if n < DONE else 20.0 for n, id_ in enumerate(people)}
    studies.imported(session, batch_id, by, percents, as_of=NOW - timedelta(hours=12))
    for registration_id in people[: PEOPLE // 2]:
        session.add(
            CreditEntry(
                teacher_id=session.get_one(Registration, registration_id).teacher_id,
                rule="",
                state=EntryState.POSTED,
                hours=Decimal(5),
                level=Level.COUNTY,
                category="post_skill",
                earned_on=date(2026, 10, 30),
                title="全员岗位远程培训",
                source_kind="batch",
                source_id=batch_id,
                batch_id=batch_id,
                dedupe_group=f"programme:{batch_id}",
                rule_version="v",
                posted_at=NOW - timedelta(days=20),
            )
        )
    session.flush()
    return batch_id


def states(session: Session) -> dict[RegistrationState, int]:
    rows = session.exec(
        select(col(Registration.state), func.count()).group_by(col(Registration.state))
    ).all()
    return {RegistrationState(state): number for state, number in rows}


@pytest.mark.parametrize("taps", [1, 2])
async def test_the_result_stays_and_can_be_undone_however_often_one_taps(
    stage: Stage, taps: int
) -> None:
    batch_id = await stage.database.write(ended)
    gu = await stage.teacher("顾岩")
    assert gu.teacher_id is not None
    await stage.database.write(desk.appoint_in_county, gu.teacher_id)
    await gu.says("/desk")
    await gu.sends_data(OpenAssessment(batch_id).data)
    await gu.taps(f"Confirm for {PEOPLE}")
    shown = gu.messages()[-1]
    data = shown.button("Confirm")["callback_data"]
    for _ in range(taps):
        stage.world.tap(gu.id, gu.id, shown.id, data)
    await stage.settle()
    assert f"Completed: {DONE}, Not completed: {PEOPLE - DONE}" in gu.sees()
    assert (await stage.database.read(states))[RegistrationState.COMPLETED] == DONE
    stage.clock.advance(timedelta(seconds=30))
    await gu.taps("Undo")
    assert "Undone" in gu.alert
    assert await stage.database.read(states) == {RegistrationState.ATTENDING: PEOPLE}


async def test_the_desk_says_who_could_make_up_and_leads_to_the_key_that_allows_it(
    stage: Stage,
) -> None:
    def prepare(session: Session) -> None:
        batch_id = studies.remote_class(
            session, starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=1)
        )
        plan = session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).one()
        plan.makeup_until = NOW + timedelta(days=20)
        people = classes.people_in(session, batch_id, 3)
        for id_, lack in zip(people, ("study", "failed", "attendance"), strict=True):
            session.get_one(Registration, id_).state = RegistrationState.NOT_COMPLETED
            decide(session, id_, "not_completed", {"lacks": [lack], "reason": ""}, now=NOW)

    await stage.database.write(prepare)
    gu = await stage.teacher("顾岩")
    assert gu.teacher_id is not None
    await stage.database.write(desk.appoint_in_county, gu.teacher_id)
    shown = await gu.says("/desk")
    line = next(each for each in shown.splitlines() if "could make up" in each)
    assert "2 people could make up what is missing, Thu 19 Nov – Thu 10 Dec" in line
    await gu.taps(line.partition(".")[0])
    assert "Completion" in gu.sees()
    assert any(label.startswith("Make-up for") for label in gu.labels())

    def after(session: Session) -> list[int]:
        gao = classes.county(session)
        return [len(completion.waits(session, gao, now=NOW + day * DAY)) for day in (19, 20)]

    assert await stage.database.write(after) == [1, 0]


async def test_who_came_too_rarely_could_make_up_nothing(database: Database) -> None:
    def says(session: Session) -> list[Waiting]:
        batch_id = studies.remote_class(
            session, starts_at=NOW - timedelta(days=30), ends_at=NOW - timedelta(days=1)
        )
        plan = session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch_id)).one()
        plan.makeup_from, plan.makeup_until = NOW, NOW + timedelta(days=20)
        for id_, lacks in zip(
            classes.people_in(session, batch_id, 3),
            (["study"], ["study", "attendance"], None),
            strict=True,
        ):
            session.get_one(Registration, id_).state = RegistrationState.NOT_COMPLETED
            if lacks:
                decide(session, id_, "not_completed", {"lacks": lacks, "reason": ""}, now=NOW)
        return list(completion.waits(session, classes.county(session), now=NOW))

    (one,) = await database.write(says)
    assert (one.kind, one.count) == ("make_up", 2)
    assert one.window == (date(2026, 11, 20), date(2026, 12, 10))
