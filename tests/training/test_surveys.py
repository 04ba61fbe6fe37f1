"""What participants thought of a class: asked in three taps, and of nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, func, select

from storage import kinds
from storage.database import Database
from storage.messaging.tables import Deadline, DeadlineState, InboxUpdate
from storage.refusals import NotFound
from storage.training import schedule, surveys
from storage.training.remote import plan
from storage.training.remote.plan import OutOfRange
from storage.training.remote.tables import SurveyAnswer, SurveyTaken
from storage.training.tables import Mode, Registration, RegistrationState
from tests import make
from tests.make import NOW
from tests.stage import Stage
from tests.training import classes, desk

DAY = timedelta(days=1)
ENDED = NOW - timedelta(hours=1)  # this morning, a Friday
CLOSES = NOW + 7 * DAY + timedelta(hours=8)  # the Friday after at 17:00


def over(session: Session, people: int) -> tuple[int, int, list[int]]:
    """Who runs it, a class that has ended today, and the people who took part in it."""
    actor = desk.county_coordinator(session)
    batch = make.batch(
        session,
        "全员远程培训",
        programme={"mode": Mode.REMOTE},
        starts_at=NOW - 40 * DAY,
        ends_at=ENDED,
    )
    plan.change(session, actor, batch, {"slack": 20}, now=NOW)
    took_part = classes.people_in(session, batch, people)
    return actor, batch, [session.get_one(Registration, one).teacher_id for one in took_part]


def answers(session: Session, who: int, batch: int, mark: int = 4) -> bool:
    return surveys.answer(session, who, batch, content=mark, usefulness=mark, support=5, now=NOW)


async def test_each_answers_once_and_only_means_of_five_are_shown_when_it_is_over(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        actor, batch, people = over(session, 6)
        for who in people[:4]:
            assert answers(session, who, batch)
        assert not answers(session, people[0], batch, 1)
        few = surveys.satisfaction(session, actor, batch, now=CLOSES + DAY)
        assert (few.answers, few.asked, few.content) == (4, 6, None)
        assert answers(session, people[4], batch, 1)
        early = surveys.satisfaction(session, actor, batch, now=CLOSES - DAY)
        assert (early.answers, early.content) == (5, None)
        late = surveys.satisfaction(session, actor, batch, now=CLOSES)
        assert (late.content, late.usefulness, late.support) == (3.4, 3.4, 5.0)

    await database.write(work)


async def test_neither_a_name_nor_the_order_says_who_answered_what(database: Database) -> None:
    def work(session: Session) -> None:
        _actor, batch, people = over(session, 12)
        for number, who in enumerate(people):
            answers(session, who, batch, number % 5 + 1)
        assert set(SurveyAnswer.model_fields) == {
            "id",
            "batch_id",
            "content",
            "usefulness",
            "support",
        }
        by_number = session.exec(select(SurveyAnswer.content).order_by(col(SurveyAnswer.id))).all()
        assert sorted(by_number) == sorted(number % 5 + 1 for number in range(12))
        assert min(session.exec(select(SurveyAnswer.id)).all()) > 1000  # drawn by lot
        assert len(session.exec(select(SurveyTaken)).all()) == 12

    await database.write(work)


async def test_only_who_took_part_answers_and_only_in_its_time(database: Database) -> None:
    def work(session: Session) -> None:
        actor, batch, people = over(session, 1)
        exempt = make.teacher(session, "石晓岚")
        classes.joins(session, batch, exempt, RegistrationState.EXEMPT)
        for stranger in (actor, exempt):
            with pytest.raises(NotFound):
                answers(session, stranger, batch)
        marks = {"content": 4, "usefulness": 4, "support": 4}
        for moment in (NOW - DAY, CLOSES):
            with pytest.raises(surveys.SurveyNotOpen):
                surveys.answer(session, people[0], batch, **marks, now=moment)
        with pytest.raises(OutOfRange):
            surveys.answer(session, people[0], batch, **marks | {"support": 6}, now=NOW)
        assert session.exec(select(func.count()).select_from(SurveyTaken)).one() == 0

    await database.write(work)


async def test_who_has_answered_is_not_reminded(database: Database) -> None:
    def work(session: Session) -> None:
        _actor, batch, people = over(session, 3)

        def owed(at: timedelta) -> set[int]:
            found = kinds.owes(session, "survey_close", batch, now=NOW + at)
            return {row[0] for row in session.exec(found).all()}

        schedule.plan_deadlines(session, batch, now=NOW)
        planned = session.exec(
            select(Deadline.at).where(
                Deadline.kind == "survey_close", Deadline.state == DeadlineState.ACTIVE
            )
        ).all()
        assert planned == [CLOSES]
        assert owed(-DAY) == set()
        assert owed(DAY) == set(people)
        answers(session, people[0], batch)
        assert owed(DAY) == set(people[1:])

    await database.write(work)


async def test_three_taps_and_nothing_of_them_is_left(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")

    def begun(session: Session) -> int:
        _actor, batch, _people = over(session, 0)
        assert lin.teacher_id is not None
        classes.joins(session, batch, lin.teacher_id)
        return batch

    batch = await stage.database.write(begun)
    await lin.says("/menu")
    await lin.sends_data(f"sv:{batch}")
    assert "question 1 of 3" in lin.sees()
    assert "question 2 of 3" in await lin.taps("4")
    assert "question 3 of 3" in await lin.taps("3")
    assert "You have answered; thank you." in await lin.taps("5")
    await lin.sends_data(f"svr:{batch}:1:1:1")
    assert "You have answered" in lin.sees()

    def kept(session: Session) -> tuple[list[tuple[int, int, int]], list[str]]:
        rows = session.exec(select(SurveyAnswer)).all()
        taps = session.exec(select(InboxUpdate.raw)).all()
        return [(row.content, row.usefulness, row.support) for row in rows], list(taps)

    marks, taps = await stage.database.read(kept)
    assert marks == [(4, 3, 5)]
    assert not any("svr:" in raw.partition('"data"')[2] for raw in taps)
