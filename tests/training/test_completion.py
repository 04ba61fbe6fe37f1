"""Completion: what follows from the facts, and the organiser's decision on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import undoing
from storage.credits import posting
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.tables import News
from storage.refusals import NotAllowed
from storage.training import completion, decisions, results
from storage.training.completion import (
    FailingGrade,
    Has,
    JudgementChanged,
    Lack,
    Needs,
    NoReason,
    NotOverYet,
    Verdict,
    judge,
)
from storage.training.results import Mark
from storage.training.tables import (
    Grade,
    Presence,
    Registration,
    RegistrationState,
    Task,
    TaskSubmission,
    WorkState,
)
from tests.make import NOW
from tests.training import classes
from tests.training.classes import TODAY

NEEDS = Needs(attendance_min=0.8, meetings=5, not_taken=0, tasks=1, has_results=True)


@pytest.mark.parametrize(
    ("has", "verdict", "lacks"),
    [
        (Has(4, 5, 1, Grade.QUALIFIED), Verdict.COMPLETED, ()),
        (Has(3, 5, 1, Grade.QUALIFIED), Verdict.NOT_COMPLETED, (Lack.ATTENDANCE,)),
        (Has(4, 5, 0, Grade.QUALIFIED), Verdict.MAKE_UP, (Lack.TASKS,)),
        (Has(5, 5, 1, Grade.UNQUALIFIED), Verdict.MAKE_UP, (Lack.FAILED,)),
        (Has(5, 5, 1, Grade.ABSENT), Verdict.MAKE_UP, (Lack.ABSENT,)),
        (Has(5, 5, 1, Grade.DEFERRED), Verdict.DEFERRED, ()),
        (Has(5, 5, 1, None), Verdict.NO_DATA, (Lack.NO_RESULT,)),
        (Has(0, 5, 0, None), Verdict.NO_SHOW, (Lack.ATTENDANCE, Lack.TASKS)),
        (Has(0, 0, 1, Grade.EXCELLENT), Verdict.COMPLETED, ()),  # excused from all
        (
            Has(5, 5, 1, Grade.UNQUALIFIED, TODAY),
            Verdict.MAKING_UP,
            (Lack.FAILED,),
        ),
        (
            Has(5, 5, 1, Grade.UNQUALIFIED, TODAY - timedelta(days=1)),
            Verdict.MAKE_UP,
            (Lack.FAILED,),
        ),
    ],
)
def test_what_follows_from_the_facts(has: Has, verdict: Verdict, lacks: tuple[Lack, ...]) -> None:
    judged = judge(has, NEEDS, today=TODAY)
    assert (judged.verdict, judged.lacks) == (verdict, lacks)


def test_without_any_data_nothing_follows() -> None:
    nothing = Needs(0.8, 0, 0, 0, False)
    assert judge(Has(), nothing, today=TODAY).verdict is Verdict.NO_DATA
    not_taken = Needs(0.8, 0, 3, 0, False)
    assert judge(Has(), not_taken, today=TODAY).lacks == (Lack.NO_ATTENDANCE,)


def finished(session: Session, /, **programme: Any) -> tuple[int, int, list[int]]:
    """Five meetings and a task: 0 has all, 1 lacks the work, 2 came twice, 3 never, 4 sent on
    leave of absence from one; and nobody has a mark."""
    batch_id = classes.over(session, programme={"certificate": "结业证书"} | programme)
    people = classes.people_in(session, batch_id, 5)
    meetings = classes.meetings(session, batch_id, 5)
    work = classes.task(session, batch_id)
    classes.attends(session, people[0], meetings)
    classes.attends(session, people[1], meetings)
    classes.attends(session, people[2], meetings[:2])
    classes.attends(session, people[4], meetings[:4], Presence.LATE)
    classes.attends(session, people[4], meetings[4:], Presence.EXCUSED)
    for who in (people[0], people[2], people[4]):
        classes.hands_in(session, who, work)
    classes.hands_in(session, people[1], work, WorkState.RETURNED)
    return batch_id, classes.county(session), people


def states(session: Session) -> list[RegistrationState]:
    rows = session.exec(select(col(Registration.state)).order_by(col(Registration.id))).all()
    return [RegistrationState(state) for state in rows]


def numbers(session: Session) -> list[tuple[str | None, bool]]:
    rows = session.exec(select(Registration).order_by(col(Registration.id))).all()
    return [(row.certificate_no, row.certificate_on is not None) for row in rows]


def rules_of(session: Session, registration_id: int) -> list[str]:
    row = session.get_one(Registration, registration_id)
    return [line.rule for line in decisions.why(session, row.teacher_id, row.batch_id).lines]


ATTENDING, COMPLETED, NOT_COMPLETED, NO_SHOW = (
    RegistrationState.ATTENDING,
    RegistrationState.COMPLETED,
    RegistrationState.NOT_COMPLETED,
    RegistrationState.NO_SHOW,
)


async def test_the_organiser_sees_what_follows_confirms_and_may_undo(database: Database) -> None:
    batch_id, gao, people = await database.write(finished)
    seen = await database.write(completion.assess, gao, batch_id, now=NOW)
    assert seen.counts == {
        Verdict.COMPLETED: 2,
        Verdict.MAKE_UP: 1,
        Verdict.NOT_COMPLETED: 1,
        Verdict.NO_SHOW: 1,
    }
    assert seen.lacks[Lack.ATTENDANCE] == 2
    assert await database.read(states) == [ATTENDING] * 5

    done = await database.write(completion.confirm, gao, batch_id, now=NOW)
    assert done.counts == {COMPLETED: 2, NOT_COMPLETED: 2, NO_SHOW: 1}
    assert await database.read(states) == [
        COMPLETED,
        NOT_COMPLETED,
        NOT_COMPLETED,
        NO_SHOW,
        COMPLETED,
    ]
    assert await database.read(rules_of, people[0]) == ["completed"]
    again = await database.write(completion.confirm, gao, batch_id, now=NOW)
    assert (again.counts, again.deed_id) == (done.counts, done.deed_id), "a second tap says it too"
    assert await database.read(numbers) == [
        ("CH-2026-0001", True),
        (None, False),
        (None, False),
        (None, False),
        ("CH-2026-0002", True),
    ]

    await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW + timedelta(minutes=9))
    assert await database.read(states) == [ATTENDING] * 5
    assert await database.read(numbers) == [(None, False)] * 5
    assert await database.read(lambda session: list(session.exec(select(News.kind)))) == []


async def test_a_decision_cannot_be_undone_after_ten_minutes_or_once_hours_are_posted(
    sqlite: Database,
) -> None:
    batch_id, gao, _people = await sqlite.write(finished)
    done = await sqlite.write(completion.confirm, gao, batch_id, now=NOW)
    await sqlite.write(posting.post, gao, batch_id, now=NOW)
    with pytest.raises(ChangedSince):
        await sqlite.write(undoing.undo, gao, done.deed_id or 0, now=NOW)
    with pytest.raises(TooLateToUndo):
        await sqlite.write(undoing.undo, gao, done.deed_id or 0, now=NOW + timedelta(minutes=10))
    assert (await sqlite.read(states)).count(COMPLETED) == 2


async def test_what_was_not_shown_is_not_confirmed(database: Database) -> None:
    batch_id, gao, _people = await database.write(finished)
    seen = await database.write(completion.assess, gao, batch_id, now=NOW)

    def task_is_gone(session: Session) -> None:
        session.exec(sa.delete(TaskSubmission))
        session.exec(sa.delete(Task))

    await database.write(task_is_gone)
    with pytest.raises(JudgementChanged):
        await database.write(completion.confirm, gao, batch_id, now=NOW, shown=seen.mark)
    assert await database.read(states) == [ATTENDING] * 5
    seen = await database.write(completion.assess, gao, batch_id, now=NOW)
    done = await database.write(completion.confirm, gao, batch_id, now=NOW, shown=seen.mark)
    assert done.counts == {COMPLETED: 3, NOT_COMPLETED: 1, NO_SHOW: 1}
    again = await database.write(completion.confirm, gao, batch_id, now=NOW, shown=seen.mark)
    assert again.deed_id == done.deed_id, "a double tap is one decision"


async def test_a_class_that_still_runs_is_not_confirmed(sqlite: Database) -> None:
    def running(session: Session) -> tuple[int, int]:
        batch_id = classes.over(session, ends_at=NOW + timedelta(minutes=1))
        classes.people_in(session, batch_id, 1)
        return batch_id, classes.county(session)

    batch_id, gao = await sqlite.write(running)
    assert not (await sqlite.write(completion.assess, gao, batch_id, now=NOW)).is_over
    with pytest.raises(NotOverYet):
        await sqlite.write(completion.confirm, gao, batch_id, now=NOW)


async def test_one_may_be_decided_by_hand_with_a_reason_but_not_against_a_failing_grade(
    database: Database,
) -> None:
    _batch_id, gao, people = await database.write(finished)
    with pytest.raises(NoReason):
        await database.write(completion.decide_by_hand, gao, people[2], True, "  ", now=NOW)
    await database.write(results.enter, gao, people[2], Mark(40), now=NOW)
    with pytest.raises(FailingGrade):
        await database.write(completion.decide_by_hand, gao, people[2], True, "住院", now=NOW)
    await database.write(results.enter, gao, people[2], Mark(75), now=NOW)
    done = await database.write(
        completion.decide_by_hand, gao, people[2], True, "住院，已补学", now=NOW
    )
    assert done.counts == {COMPLETED: 1}
    assert (await database.read(states))[2] is COMPLETED
    await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW)
    assert (await database.read(states))[2] is ATTENDING
    assert await database.read(rules_of, people[2]) == ["completed", "completion_undone"]


async def test_what_is_missing_can_be_made_good_until_a_day(database: Database) -> None:
    batch_id, gao, people = await database.write(finished)
    await database.write(completion.confirm, gao, batch_id, now=NOW)
    until = TODAY + timedelta(days=10)
    done = await database.write(completion.give_make_up, gao, batch_id, until, now=NOW)
    assert done.counts == {ATTENDING: 1}  # who attended too little cannot
    assert (await database.read(states))[1] is ATTENDING
    seen = await database.write(completion.assess, gao, batch_id, now=NOW)
    assert seen.counts == {Verdict.MAKING_UP: 1}
    assert await database.read(results.waits, gao, now=NOW) == ()
    later = NOW + timedelta(days=11)
    (waiting,) = await database.read(results.waits, gao, now=later)
    assert (waiting.kind, waiting.count) == ("results", 1)

    def works(session: Session) -> None:
        task = classes.task(session, batch_id, "补交")
        for who in people:
            classes.hands_in(session, who, task)
        from storage.training.tables import TaskSubmission

        for row in session.exec(select(TaskSubmission)):
            row.state = WorkState.ACCEPTED

    await database.write(works)
    again = await database.write(completion.confirm, gao, batch_id, now=NOW)
    assert again.counts == {COMPLETED: 1}
    assert (await database.read(numbers))[1] == ("CH-2026-0003", True)


async def test_a_revoked_completion_takes_hours_and_certificate_and_gives_them_back_alike(
    database: Database,
) -> None:
    batch_id, gao, people = await database.write(finished)
    await database.write(completion.confirm, gao, batch_id, now=NOW)
    await database.write(posting.post, gao, batch_id, now=NOW)
    first = await database.read(numbers)
    reversed_ = await database.write(
        completion.revoke, gao, people[0], "签到有误", now=NOW + timedelta(days=1)
    )
    assert reversed_ == 1
    assert await database.write(completion.revoke, gao, people[0], "签到有误", now=NOW) == 0
    assert (await database.read(numbers))[0] == ("CH-2026-0001", False)
    await database.write(
        completion.decide_by_hand, gao, people[0], True, "核实无误", now=NOW + timedelta(days=2)
    )
    assert await database.read(numbers) == first
    posted = await database.write(posting.post, gao, batch_id, now=NOW + timedelta(days=2))
    assert posted.people == 1

    def standing(session: Session) -> int:
        rows = session.exec(select(CreditEntry).where(CreditEntry.state == EntryState.POSTED))
        return len(rows.all())

    assert await database.read(standing) == 2


async def test_numbers_have_no_gap_over_several_classes(sqlite: Database) -> None:
    def prepare(session: Session) -> tuple[list[int], int]:
        made = []
        gao = classes.county(session)
        for _ in range(3):
            batch_id = classes.over(session, programme={"certificate": "结业证书"})
            for who in classes.people_in(session, batch_id, 2):
                results.enter(session, gao, who, Mark(80), now=NOW)
            made.append(batch_id)
        return made, gao

    made, gao = await sqlite.write(prepare)
    first = await sqlite.write(completion.confirm, gao, made[0], now=NOW)
    await sqlite.write(completion.confirm, gao, made[1], now=NOW)
    # Undone, but not the last: the numbers stay, as revoked ones of the same people.
    await sqlite.write(undoing.undo, gao, first.deed_id or 0, now=NOW)
    await sqlite.write(completion.confirm, gao, made[2], now=NOW)
    assert [number for number, _ in await sqlite.read(numbers)] == [
        f"CH-2026-{n:04}" for n in range(1, 7)
    ]
    assert [valid for _, valid in await sqlite.read(numbers)] == [False] * 2 + [True] * 4
    await sqlite.write(completion.confirm, gao, made[0], now=NOW)
    assert [valid for _, valid in await sqlite.read(numbers)] == [True] * 6


async def test_a_stranger_decides_nothing(sqlite: Database) -> None:
    batch_id, _gao, people = await sqlite.write(finished)
    luo = await sqlite.write(classes.school)
    for operation, args in (
        (completion.assess, (batch_id,)),
        (completion.confirm, (batch_id,)),
        (completion.people, (batch_id, "completed")),
        (completion.person, (people[0],)),
        (completion.decide_by_hand, (people[0], True, "好")),
        (completion.give_make_up, (batch_id, TODAY)),
        (completion.revoke, (people[0], "好")),
    ):
        with pytest.raises(NotAllowed):
            await sqlite.write(operation, luo, *args, now=NOW)  # type: ignore[arg-type]
