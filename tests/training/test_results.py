"""Marks: by table or one by one, and the grades that follow."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import sheets, undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince
from storage.people import imports
from storage.people.imports import NoLongerWaiting
from storage.people.tables import ImportState, Teacher
from storage.refusals import NotAllowed
from storage.training import completion, results
from storage.training.results import (
    DecidedAlready,
    Mark,
    RowState,
    Rules,
    Scored,
    WrongMark,
    WrongRules,
    grades,
    read_mark,
)
from storage.training.tables import Grade, Registration, Result
from tests import make
from tests.make import NOW
from tests.training import classes

USUAL = Rules(60, 85, None)
HEAD = ["工号", "姓名", "学校", "成绩"]


def table(rows: list[list[Any]], head: list[str] | None = None) -> tuple[sheets.Table, bytes]:
    content = sheets.write([("成绩", [head or HEAD, *rows])])
    found = results.table_of(sheets.read(content, "成绩.xlsx"))
    assert found is not None
    return found, content


def kept(session: Session) -> list[tuple[str, float | None, Grade]]:
    rows = session.exec(
        select(Teacher.name, Result.score, col(Result.grade))
        .join(Registration, col(Registration.id) == col(Result.registration_id))
        .join(Teacher, col(Teacher.id) == col(Registration.teacher_id))
        .order_by(col(Teacher.staff_no))
    ).all()
    return [(name, score, Grade(grade)) for name, score, grade in rows]


def prepared(session: Session, /, number: int = 4) -> tuple[int, int, list[str]]:
    """A class with so many people, its organiser, and the people's staff numbers."""
    batch_id = classes.over(session)
    classes.people_in(session, batch_id, number)
    numbers = session.exec(
        select(Teacher.staff_no)
        .join(Registration, col(Registration.teacher_id) == col(Teacher.id))
        .order_by(col(Teacher.staff_no))
    ).all()
    return batch_id, classes.county(session), list(numbers)


def dropped(
    session: Session, actor: int, batch_id: int, found: tuple[sheets.Table, bytes]
) -> results.Preview:
    job = imports.keep_preview(session, actor, results.KIND, "成绩.xlsx", found[1], now=NOW)
    return results.aim(session, actor, job, batch_id, found[0], now=NOW)


async def test_a_score_and_a_grade_that_cannot_both_be_right_are_not_entered(
    sqlite: Database,
) -> None:
    batch_id, gao, numbers = await sqlite.write(prepared)
    found = table(
        [
            [numbers[0], 55, "优秀"],
            [numbers[1], 92, "不合格"],
            [numbers[2], 98, "良好"],  # a share of the excellent may say so
            [numbers[3], 0, "缺考"],
            ["合计", 245, ""],
        ],
        ["工号", "总评成绩（百分制）", "等第"],
    )
    seen = await sqlite.write(dropped, gao, batch_id, found)
    assert seen.counts == {RowState.NEW: 2, RowState.CONTRADICTS: 2}


async def test_a_table_is_seen_applied_once_and_the_same_file_changes_nothing(
    database: Database,
) -> None:
    batch_id, gao, numbers = await database.write(prepared)
    found = table(
        [
            [numbers[0], "学员01", "", 91],
            [numbers[1].lower(), "", "", "７２"],  # any width, any case
            ["", "学员03", "澄禾县实验小学", "缺考"],
            [numbers[3], "学员04", "", "优秀吧"],
            ["T999999", "无名", "", 80],
            [numbers[0], "学员01", "", 50],
            ["", "", "", ""],
        ]
    )
    seen = await database.write(dropped, gao, batch_id, found)
    assert (seen.rows, seen.understood) == (6, 3)
    assert seen.counts == {
        RowState.NEW: 3,
        RowState.NOT_UNDERSTOOD: 1,
        RowState.UNKNOWN: 1,
        RowState.TWICE: 1,
    }
    assert [(p.number, p.state) for p in seen.problems] == [
        (5, RowState.NOT_UNDERSTOOD),
        (6, RowState.UNKNOWN),
        (7, RowState.TWICE),
    ]
    assert await database.read(kept) == []

    done = await database.write(results.apply, gao, seen.job_id, now=NOW)
    assert done.state is ImportState.APPLIED
    assert await database.read(kept) == [
        ("学员01", 91, Grade.EXCELLENT),
        ("学员02", 72, Grade.QUALIFIED),
        ("学员03", None, Grade.ABSENT),
    ]
    before = await database.read(kept)
    again = await database.write(results.apply, gao, seen.job_id, now=NOW)
    assert again.deed_id == done.deed_id
    seen = await database.write(dropped, gao, batch_id, found)
    assert (seen.changes, seen.counts[RowState.SAME]) == (0, 3)
    same = await database.write(results.apply, gao, seen.job_id, now=NOW)
    assert same.deed_id is None
    assert await database.read(kept) == before


async def test_an_import_can_be_undone_until_somebody_works_on_with_it(
    database: Database,
) -> None:
    batch_id, gao, numbers = await database.write(prepared)
    first = await database.write(
        dropped, gao, batch_id, table([[numbers[0], "", "", 70], [numbers[1], "", "", 50]])
    )
    await database.write(results.apply, gao, first.job_id, now=NOW)
    second = await database.write(
        dropped, gao, batch_id, table([[numbers[0], "", "", 88], [numbers[2], "", "", 61]])
    )
    assert second.counts == {RowState.CHANGED: 1, RowState.NEW: 1}
    done = await database.write(results.apply, gao, second.job_id, now=NOW)
    await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW + timedelta(hours=20))
    assert [(score, grade) for _, score, grade in await database.read(kept)] == [
        (70, Grade.QUALIFIED),
        (50, Grade.UNQUALIFIED),
    ]
    with pytest.raises(NoLongerWaiting):
        await database.write(results.apply, gao, second.job_id, now=NOW)

    third = await database.write(dropped, gao, batch_id, table([[numbers[0], "", "", 99]]))
    done = await database.write(results.apply, gao, third.job_id, now=NOW)

    def by_hand(session: Session) -> None:
        row = session.exec(select(Result).order_by(col(Result.id))).first()
        assert row is not None
        results.enter(session, gao, row.registration_id, Mark(80), now=NOW)

    await database.write(by_hand)
    with pytest.raises(ChangedSince):
        await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW)


async def test_equal_names_are_told_apart_by_the_school_or_shown_as_unclear(
    sqlite: Database,
) -> None:
    def prepare(session: Session) -> tuple[int, int]:
        batch_id = classes.over(session)
        for at in ("澄禾县实验小学", "城东小学"):
            classes.joins(session, batch_id, make.teacher(session, "李敏", at=at))
        return batch_id, classes.county(session)

    batch_id, gao = await sqlite.write(prepare)
    found = table([["", "李敏", "城东小学", 70], ["", "李 敏", "", 60]])
    seen = await sqlite.write(dropped, gao, batch_id, found)
    assert seen.counts == {RowState.NEW: 1, RowState.AMBIGUOUS: 1}
    await sqlite.write(results.apply, gao, seen.job_id, now=NOW)
    assert await sqlite.read(kept) == [("李敏", 70, Grade.QUALIFIED)]


async def test_a_number_that_belongs_to_another_name_is_not_taken_over(sqlite: Database) -> None:
    batch_id, gao, numbers = await sqlite.write(prepared)
    seen = await sqlite.write(dropped, gao, batch_id, table([[numbers[0], "学员02", "", 70]]))
    assert seen.counts == {RowState.MISMATCH: 1}


async def test_a_mark_does_not_change_what_has_been_decided(sqlite: Database) -> None:
    batch_id, gao, numbers = await sqlite.write(prepared)
    seen = await sqlite.write(
        dropped, gao, batch_id, table([[number, "", "", 90] for number in numbers])
    )
    done = await sqlite.write(results.apply, gao, seen.job_id, now=NOW)
    await sqlite.write(completion.confirm, gao, batch_id, now=NOW)
    with pytest.raises(ChangedSince):
        await sqlite.write(undoing.undo, gao, done.deed_id or 0, now=NOW)
    seen = await sqlite.write(dropped, gao, batch_id, table([[numbers[0], "", "", 30]]))
    assert seen.counts == {RowState.DECIDED: 1}
    with pytest.raises(DecidedAlready):
        await sqlite.write(_enter_first, gao, Mark(30))


def _enter_first(session: Session, actor: int, mark: Mark) -> results.Person:
    first = session.exec(select(Registration.id).order_by(col(Registration.id))).first()
    assert first is not None
    return results.enter(session, actor, first, mark, now=NOW)


async def test_one_after_another_by_hand_and_twice_is_once(database: Database) -> None:
    batch_id, gao, _numbers = await database.write(prepared, 2)
    first = await database.write(results.person, gao, batch_id, -1, now=NOW)
    assert first is not None
    assert (first.number, first.of, first.score) == (0, 2, None)
    entered = await database.write(results.enter, gao, first.registration_id, Mark(84.5), now=NOW)
    again = await database.write(results.enter, gao, first.registration_id, Mark(84.5), now=NOW)
    assert entered == again
    assert entered.grade is Grade.QUALIFIED
    second = await database.write(results.person, gao, batch_id, -1, now=NOW)
    assert second is not None
    assert second.number == 1
    looks = await database.read(
        lambda session: session.exec(
            select(AuditLog.thing).where(AuditLog.action == "look_at_result")
        ).all()
    )
    # Each person looked at, and once a day: a keypad looks with every digit.
    assert looks == [f"registration:{one.registration_id}" for one in (first, second)]
    await database.write(
        results.enter, gao, second.registration_id, Mark(None, Grade.DEFERRED), now=NOW
    )
    assert await database.write(results.person, gao, batch_id, -1, now=NOW) is None
    figures = await database.write(results.figures, gao, batch_id, now=NOW)
    assert (figures.entered, figures.missing) == (2, 0)
    with pytest.raises(WrongMark):
        await database.write(results.enter, gao, first.registration_id, Mark(101), now=NOW)


async def test_only_who_runs_the_class_sees_and_enters_its_results(sqlite: Database) -> None:
    batch_id, gao, numbers = await sqlite.write(prepared)
    luo = await sqlite.write(classes.school)
    seen = await sqlite.write(dropped, gao, batch_id, table([[numbers[0], "", "", 90]]))
    for operation, what in (
        (results.figures, batch_id),
        (results.listed, batch_id),
        (results.blank, batch_id),
        (results.apply, seen.job_id),
    ):
        with pytest.raises(Exception) as refused:
            await sqlite.write(operation, luo, what, now=NOW)
        assert type(refused.value).__name__ in ("NotAllowed", "NotFound")
    with pytest.raises(NotAllowed):
        await sqlite.write(_enter_first, luo, Mark(90))


async def test_the_marks_of_a_programme_can_be_set_and_grade_everybody_anew(
    sqlite: Database,
) -> None:
    batch_id, gao, numbers = await sqlite.write(prepared)
    marks = [95, 85, 85, 70]
    seen = await sqlite.write(
        dropped,
        gao,
        batch_id,
        table([[n, "", "", mark] for n, mark in zip(numbers, marks, strict=True)]),
    )
    await sqlite.write(results.apply, gao, seen.job_id, now=NOW)

    async def rules(pass_mark: float, excellent: float, cap: float | None) -> dict[Grade, int]:
        figures = await sqlite.write(
            results.set_rules,
            gao,
            batch_id,
            pass_mark=pass_mark,
            excellent_mark=excellent,
            cap=cap,
            now=NOW,
        )
        assert figures.by_grade == dict(Counter(g for _, _, g in await sqlite.read(kept)))
        return figures.by_grade

    assert await rules(60, 85, None) == {Grade.EXCELLENT: 3, Grade.QUALIFIED: 1}
    assert await rules(60, 85, 0.5) == {Grade.EXCELLENT: 1, Grade.QUALIFIED: 3}  # a tie
    assert await rules(80, 85, 0.75) == {
        Grade.EXCELLENT: 3,
        Grade.UNQUALIFIED: 1,
    }
    with pytest.raises(WrongRules):
        await rules(90, 85, None)


@pytest.mark.parametrize(
    ("score", "grade", "mark"),
    [
        ("85", "", Mark(85)),
        ("８５．５", "", Mark(85.5)),
        ("85%", "", Mark(85)),
        ("", "优秀", Mark(None, Grade.EXCELLENT)),
        ("缺考", "", Mark(None, Grade.ABSENT)),
        ("58", "合格", Mark(58, Grade.QUALIFIED)),
        ("", "", None),
        ("100.0", "", Mark(100)),
        ("85分", "", Mark(85)),
    ],
)
def test_marks_are_read_as_people_write_them(score: str, grade: str, mark: Mark | None) -> None:
    assert read_mark(score, grade) == mark


@pytest.mark.parametrize("text", ["101", "-1", "还行", "1e1", "1e999", "NaN", "九十"])
def test_what_is_no_mark_is_refused(text: str) -> None:
    with pytest.raises(WrongMark):
        read_mark(text, "")


scores = st.lists(
    st.one_of(
        st.integers(50, 100).map(lambda n: (float(n), None)),
        st.sampled_from(list(Grade)).map(lambda grade: (None, grade)),
    ),
    max_size=30,
)


@given(scores, st.sampled_from([None, 0.0, 0.1, 0.15, 0.2, 0.3, 1.0]))
def test_never_more_are_excellent_than_the_share_and_never_the_worse_of_two(
    marks: list[tuple[float | None, Grade | None]], cap: float | None
) -> None:
    rows = [Scored(n, score, entered) for n, (score, entered) in enumerate(marks)]
    graded = grades(rows, Rules(60, 85, cap))
    excellent = {n for n, grade in graded.grades.items() if grade is Grade.EXCELLENT}
    free = grades(rows, USUAL).grades
    candidates = {n for n, grade in free.items() if grade is Grade.EXCELLENT}
    assert excellent <= candidates
    assert graded.capped == len(candidates - excellent)
    if cap is None:
        assert excellent == candidates
        return
    assessed = sum(grade not in (Grade.ABSENT, Grade.DEFERRED) for grade in free.values())
    assert len(excellent) <= Decimal(str(cap)) * assessed
    for kept_ in excellent:
        for left_out in candidates - excellent:
            a, b = marks[kept_][0], marks[left_out][0]
            assert a is None or (b is not None and a > b)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["88", "60", "59.5", "缺考", "优秀", "x", "", "999"]),
        ),
        max_size=12,
    )
)
def test_importing_any_table_again_changes_nothing(
    sqlite: Database, rows: list[tuple[int, str]]
) -> None:
    """Invariant 5, for marks."""

    class Undone(Exception):
        pass

    def twice(session: Session) -> None:
        batch_id, gao, numbers = prepared(session, 5)
        numbers = [*numbers, "T-nobody"]
        filled = [[numbers[who], "", "", mark] for who, mark in rows]
        found = table([*filled, [numbers[0], "", "", "77"]])
        seen = dropped(session, gao, batch_id, found)
        done = results.apply(session, gao, seen.job_id, now=NOW)
        assert done.changes == seen.changes
        assert results.apply(session, gao, seen.job_id, now=NOW).counts == done.counts
        before = kept(session)
        again = dropped(session, gao, batch_id, found)
        assert again.changes == 0
        assert results.apply(session, gao, again.job_id, now=NOW).deed_id is None
        assert kept(session) == before
        raise Undone

    with pytest.raises(Undone):
        sqlite.write_now(twice)
