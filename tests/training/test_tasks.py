"""Tasks: handing in, reviewing, and who is reminded of what is still owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage import undoing
from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging.tables import Deadline, DeadlineState, News, OutboxMessage
from storage.people import roles
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.refusals import NotAllowed, NotFound, OwnCase, Refusal
from storage.training import (
    owing,
    programmes,
    registration,
    reviewing,
    schedule,
    structure,
    subjects,
    tasks,
)
from storage.training.programmes import DueKind
from storage.training.refusals import ProgrammeCancelled
from storage.training.reviewing import NoComment, WorkChanged
from storage.training.structure import InUse, NoTitle
from storage.training.tables import (
    Batch,
    HandIn,
    ModuleKind,
    PhaseKind,
    Programme,
    ProgrammeState,
    Registration,
    RegistrationState,
    Review,
    Task,
    TaskSubmission,
    WorkState,
)
from storage.training.tasks import ClassOver, NewTask, NoScore, WorkSettled, WrongForm
from storage.waiting_for import Waiting
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
START = NOW + 5 * DAY
END = NOW + 30 * DAY
DUE = NOW + 20 * DAY
ESSAY = NewTask("教学设计", DUE, "一份课时设计")


def desk(session: Session, /, **batch: Any) -> tuple[int, int]:
    """The county's coordinator and a class of a month."""
    actor = make.teacher(session, "周明", at="澄禾县教师发展中心")
    roles.appoint(
        session, actor, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    dates = {"starts_at": START, "ends_at": END, "reg_close": NOW + 4 * DAY}
    return actor, make.batch(session, **dates | batch)


def tutor(session: Session, batch_id: int, name: str = "许文") -> int:
    who = make.teacher(session, name, at="澄禾县教师发展中心")
    session.add(
        RoleAssignment(
            teacher_id=who,
            role=Role.TUTOR,
            scope_kind=ScopeKind.BATCH,
            scope_id=batch_id,
            since=TODAY,
        )
    )
    session.flush()
    return who


def in_class(session: Session, batch_id: int, name: str = "林若溪") -> int:
    someone = make.teacher(session, name)
    make.account(session, someone)
    registration.register(session, someone, batch_id, now=NOW)
    return someone


def work(session: Session) -> TaskSubmission:
    return session.exec(select(TaskSubmission).execution_options(populate_existing=True)).one()


def owe(session: Session, task_id: int) -> set[int]:
    found = owing.owes(session, "task_due", task_id, now=NOW)
    assert found is not None
    return set(session.connection().execute(found).scalars())


def due_dates(session: Session) -> dict[int, datetime]:
    return {
        row.subject_id: row.at
        for row in session.exec(
            select(Deadline).where(
                Deadline.kind == "task_due", Deadline.state == DeadlineState.ACTIVE
            )
        )
    }


async def test_work_is_handed_in_returned_handed_in_again_and_accepted(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        actor, batch = desk(session)
        xu = tutor(session, batch)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        lin, shi = in_class(session, batch), in_class(session, batch, "石晓岚")
        assert owe(session, task) == {lin, shi}
        first = tasks.hand_in(session, lin, task, text="第一稿", now=START)
        assert (first.state, first.late, first.is_new) == (WorkState.SUBMITTED, False, True)
        assert owe(session, task) == {shi}
        piece = reviewing.next_piece(session, xu, batch, now=START)
        assert piece is not None
        assert (piece.name, piece.text, piece.waiting) == ("林若溪", "第一稿", 1)
        assert reviewing.return_work(
            session, xu, piece.submission_id, seen=piece.stamp, comment="请补充评价", now=START
        )
        assert owe(session, task) == {lin, shi}
        told = session.exec(select(OutboxMessage)).all()
        assert [(row.kind, row.teacher_id) for row in told] == [("work_returned", lin)]
        said = reviewing.returned(session, piece.submission_id, lin, now=START)
        assert said is not None
        assert said.comment == "请补充评价"
        assert reviewing.returned(session, piece.submission_id, shi, now=START) is None
        (mine,) = tasks.my_tasks(session, lin, batch, now=START).tasks
        assert (mine.state, mine.comment, mine.can_hand_in) == (
            WorkState.RETURNED,
            "请补充评价",
            True,
        )
        later = DUE + DAY  # what was returned may come again after the due date, and is not late
        again = tasks.hand_in(session, lin, task, text="第二稿", now=later)
        assert (again.state, again.late) == (WorkState.SUBMITTED, False)
        assert reviewing.returned(session, piece.submission_id, lin, now=START) is None
        with pytest.raises(WorkChanged):
            reviewing.accept(session, xu, piece.submission_id, seen=piece.stamp, now=later)
        piece = reviewing.piece(session, xu, piece.submission_id, now=later)
        assert reviewing.accept(session, xu, piece.submission_id, seen=piece.stamp, now=later)
        assert not reviewing.accept(session, xu, piece.submission_id, seen=piece.stamp, now=later)
        (item,) = session.exec(select(News)).all()
        assert (item.kind, item.teacher_id, item.facts["task"]) == (
            "work_accepted",
            lin,
            "教学设计",
        )
        assert reviewing.next_piece(session, xu, batch, now=later) is None
        mine_id = session.exec(select(Registration.id).where(Registration.teacher_id == lin)).one()
        state = tasks.task_state(session, batch)
        assert state[mine_id] == (1, 1)
        assert sorted(state.values()) == [(0, 1), (1, 1)]
        line = tasks.tasks(session, actor, batch, now=later).lines[0]
        assert (line.expected, line.handed_in, line.to_review, line.accepted) == (2, 1, 0, 1)
        log = session.exec(select(AuditLog.action)).all()
        assert log.count("review_work") == 2

    await database.write(play)


async def test_the_same_work_sent_twice_is_one_piece_of_work(database: Database) -> None:
    def twice(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        assert tasks.add_task(session, actor, batch, ESSAY, now=NOW) == task
        lin = in_class(session, batch)
        tasks.hand_in(session, lin, task, text="一稿", now=START)
        again = tasks.hand_in(session, lin, task, text=" 一稿\n", now=START + DAY)
        assert not again.is_new
        assert work(session).submitted_at == START
        better = tasks.hand_in(session, lin, task, text="二稿", now=START + DAY)
        assert better.is_new
        assert work(session).text == "二稿"
        with pytest.raises(WorkSettled):  # it is being looked at, and the date is over
            tasks.hand_in(session, lin, task, text="三稿", now=DUE)

    await database.write(twice)


async def test_late_work_is_taken_until_the_class_ends_and_marked(database: Database) -> None:
    def late(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        lin = in_class(session, batch)
        (item,) = [one for one in programmes.due(session, lin, now=DUE) if one.kind is DueKind.TASK]
        assert item.is_late
        done = tasks.hand_in(session, lin, task, text="一稿", now=DUE)
        assert done.late
        assert work(session).late
        with pytest.raises(ClassOver):
            tasks.hand_in(session, lin, task, text="二稿", now=END)

    await database.write(late)


@pytest.mark.parametrize(
    ("form", "given", "fits"),
    [
        (HandIn.TEXT, {"text": "正文"}, True),
        (HandIn.TEXT, {"text": "  "}, False),
        (HandIn.TEXT, {"file_id": "F1", "file_name": "a.docx"}, False),
        (HandIn.LINK, {"text": "看这里 https://example.org/a"}, True),
        (HandIn.LINK, {"text": "我的网盘"}, False),
        (HandIn.FILE, {"file_id": "F1", "file_name": "a.docx"}, True),
        (HandIn.FILE, {"text": "我发在群里了"}, False),
        (HandIn.OFFLINE, {"text": "交了"}, False),
    ],
)
async def test_work_comes_in_the_form_that_was_asked_for(
    sqlite: Database, form: HandIn, given: dict[str, str], fits: bool
) -> None:
    def send(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, replace(ESSAY, hand_in=form), now=NOW)
        lin = in_class(session, batch)
        if fits:
            assert tasks.hand_in(session, lin, task, now=START, **given).is_new
        else:
            with pytest.raises(WrongForm):
                tasks.hand_in(session, lin, task, now=START, **given)

    await sqlite.write(send)


async def test_work_that_nobody_reviews_is_accepted_as_it_comes(sqlite: Database) -> None:
    def send(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, replace(ESSAY, review=Review.NONE), now=NOW)
        lin = in_class(session, batch)
        assert tasks.hand_in(session, lin, task, text="一稿", now=START).state is WorkState.ACCEPTED
        assert tasks.hand_in(session, lin, task, text="二稿", now=START + DAY).is_new
        assert reviewing.next_piece(session, actor, batch, now=START) is None
        assert list(tasks.task_state(session, batch).values()) == [(1, 1)]

    await sqlite.write(send)


async def test_a_score_is_from_nothing_to_the_highest(database: Database) -> None:
    def score(session: Session) -> None:
        actor, batch = desk(session)
        scored = replace(ESSAY, review=Review.SCORE, max_score=20)
        task = tasks.add_task(session, actor, batch, scored, now=NOW)
        lin = in_class(session, batch)
        tasks.hand_in(session, lin, task, text="一稿", now=START)
        piece = reviewing.next_piece(session, actor, batch, now=START)
        assert piece is not None
        of = {"seen": piece.stamp, "now": START}
        for wrong in (None, -1, 20.5):
            with pytest.raises(NoScore):
                reviewing.accept(session, actor, piece.submission_id, score=wrong, **of)  # type: ignore[arg-type]
        reviewing.accept(session, actor, piece.submission_id, score=18, **of)  # type: ignore[arg-type]
        assert work(session).score == 18
        with pytest.raises(WorkChanged):  # another reviewer with an old card
            reviewing.accept(session, actor, piece.submission_id, score=3, **of)  # type: ignore[arg-type]

    await database.write(score)


async def test_a_review_can_be_taken_back_and_is_then_not_told(database: Database) -> None:
    def back(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        lin = in_class(session, batch)
        tasks.hand_in(session, lin, task, text="一稿", now=START)
        piece = reviewing.next_piece(session, actor, batch, now=START)
        assert piece is not None
        of = {"seen": piece.stamp, "now": START}
        accepted = reviewing.accept(session, actor, piece.submission_id, **of)  # type: ignore[arg-type]
        assert accepted is not None
        undoing.undo(session, actor, accepted, now=START)
        assert work(session).state is WorkState.SUBMITTED
        assert session.exec(select(News)).all() == []
        returned = reviewing.return_work(
            session,
            actor,
            piece.submission_id,
            comment="补充",
            **of,  # type: ignore[arg-type]
        )
        assert returned is not None
        undoing.undo(session, actor, returned, now=START)
        assert reviewing.returned(session, piece.submission_id, lin, now=START) is None
        with pytest.raises(NoComment):
            reviewing.return_work(
                session,
                actor,
                piece.submission_id,
                comment=" ",
                **of,  # type: ignore[arg-type]
            )
        last = reviewing.return_work(
            session,
            actor,
            piece.submission_id,
            comment="再补充",
            **of,  # type: ignore[arg-type]
        )
        assert last is not None
        tasks.hand_in(session, lin, task, text="二稿", now=START)
        with pytest.raises(ChangedSince):
            undoing.undo(session, actor, last, now=START)

    await database.write(back)


async def test_pieces_come_one_after_the_other_and_round_again(database: Database) -> None:
    def queue(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        people = [in_class(session, batch, f"同事{n}") for n in range(3)]
        for n, who in enumerate(people):
            tasks.hand_in(session, who, task, text=f"稿{n}", now=START + n * DAY)
        seen, after = [], 0
        for _ in range(4):
            piece = reviewing.next_piece(session, actor, batch, after=after, now=START)
            assert piece is not None
            assert piece.waiting == 3
            seen.append(piece.text)
            after = piece.submission_id
        assert seen == ["稿0", "稿1", "稿2", "稿0"]
        assert reviewing.waits(session, actor, now=NOW) == (
            Waiting("work", 3, batch, "作业设计专题培训"),
        )

    await database.write(queue)


async def test_ones_own_work_is_somebody_elses_to_review_and_each_look_is_logged(
    database: Database,
) -> None:
    def review(session: Session) -> None:
        actor, batch = desk(session)
        xu = tutor(session, batch)
        essay = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        paper = tasks.add_task(
            session, actor, batch, replace(ESSAY, title="纸质作业", hand_in=HandIn.OFFLINE), now=NOW
        )
        registration.register(session, xu, batch, now=NOW)
        tasks.hand_in(session, xu, essay, text="我的", now=START)
        assert reviewing.waits(session, xu, now=START) == ()
        assert reviewing.next_piece(session, xu, batch, now=START) is None
        assert reviewing.own_waiting(session, xu, batch) == 1
        (line,) = reviewing.paper(session, xu, paper, now=START).lines
        with pytest.raises(OwnCase):
            reviewing.enter_paper(
                session, xu, paper, line.registration_id, accepted=True, now=START
            )
        own, seen = work(session).id, reviewing.stamp(START)
        with pytest.raises(OwnCase):
            reviewing.piece(session, xu, own, now=START)
        with pytest.raises(OwnCase):
            reviewing.accept(session, xu, own, seen=seen, now=START)
        with pytest.raises(OwnCase):
            reviewing.return_work(session, xu, own, seen=seen, comment="改", now=START)
        for moment in (START, START + timedelta(hours=1), START + 2 * DAY):
            assert reviewing.next_piece(session, actor, batch, now=moment) is not None
        assert reviewing.accept(session, actor, own, seen=seen, now=START)
        looks = session.exec(
            select(AuditLog.actor_id, AuditLog.thing).where(AuditLog.action == "look_at_work")
        ).all()
        assert looks == [(xu, f"task:{paper}"), *[(actor, f"task_submission:{own}")] * 2]

    await database.write(review)


async def test_work_on_paper_is_entered_and_taken_back(database: Database) -> None:
    def enter(session: Session) -> None:
        actor, batch = desk(session)
        xu = tutor(session, batch)
        paper = replace(ESSAY, title="纸质作业", hand_in=HandIn.OFFLINE)
        task = tasks.add_task(session, actor, batch, paper, now=NOW)
        lin = in_class(session, batch)
        (line,) = reviewing.paper(session, xu, task, now=START).lines
        assert (line.name, line.accepted) == ("林若溪", False)
        for _ in range(2):
            reviewing.enter_paper(session, xu, task, line.registration_id, accepted=True, now=START)
        assert owe(session, task) == set()
        assert list(tasks.task_state(session, batch).values()) == [(1, 1)]
        (mine,) = tasks.my_tasks(session, lin, batch, now=START).tasks
        assert mine.state is WorkState.ACCEPTED
        reviewing.enter_paper(session, xu, task, line.registration_id, accepted=False, now=START)
        assert owe(session, task) == {lin}

    await database.write(enter)


async def test_tasks_follow_their_class_and_are_not_taken_away_with_work(
    database: Database,
) -> None:
    def change(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        optional = replace(ESSAY, title="选做", mandatory=False)
        other = tasks.add_task(session, actor, batch, optional, now=NOW)
        assert due_dates(session) == {task: DUE}  # what need not be done is owed by nobody
        assert subjects.describe(session, "task_due", task).title == "作业设计专题培训 · 教学设计"
        assert subjects.describe(session, "task_due", task).at == DUE
        tasks.change_task(session, actor, task, {"due_at": DUE + DAY}, now=NOW)
        assert due_dates(session) == {task: DUE + DAY}
        with pytest.raises(ClassOver):
            tasks.change_task(session, actor, task, {"due_at": END + DAY}, now=NOW)
        with pytest.raises(NoTitle):
            tasks.change_task(session, actor, task, {"title": ""}, now=NOW)
        lin = in_class(session, batch)
        tasks.hand_in(session, lin, task, text="一稿", now=START)
        refused: tuple[Any, ...] = (
            lambda: tasks.remove_task(session, actor, task, now=NOW),
            lambda: tasks.change_task(session, actor, task, {"hand_in": HandIn.FILE}, now=NOW),
        )
        for attempt in refused:
            with pytest.raises(InUse):
                attempt()
        for _ in range(2):
            tasks.remove_task(session, actor, other, now=NOW)
        assert len(tasks.tasks(session, actor, batch, now=NOW).lines) == 1

    await database.write(change)


async def test_what_is_due_moves_with_its_class(database: Database) -> None:
    def move(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        phase = structure.add_phase(
            session,
            actor,
            batch,
            kind=PhaseKind.ONLINE,
            title="网络研修",
            starts_at=START,
            ends_at=DUE,
            now=NOW,
        )
        module = structure.add_module(
            session, actor, phase, kind=ModuleKind.VIDEO_QA, title="视频", due_at=DUE, now=NOW
        )
        schedule.move(session, batch, starts_at=START + 2 * DAY, now=NOW)
        assert due_dates(session) == {task: DUE + 2 * DAY}
        (found,) = structure.outline(session, actor, batch, now=NOW).phases
        assert (found.starts_at, found.ends_at) == (START + 2 * DAY, DUE + 2 * DAY)
        assert [(one.module_id, one.due_at) for one in found.modules] == [(module, DUE + 2 * DAY)]

    await database.write(move)


async def test_nobody_sees_or_judges_work_of_a_class_that_is_not_theirs(
    database: Database,
) -> None:
    def foreign(session: Session) -> None:
        actor, batch = desk(session)
        other = make.batch(session, starts_at=START, ends_at=END, reg_close=NOW + 4 * DAY)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        lin = in_class(session, batch)
        tasks.hand_in(session, lin, task, text="一稿", now=START)
        piece = reviewing.next_piece(session, actor, batch, now=START)
        assert piece is not None
        one, seen = piece.submission_id, piece.stamp
        strange = tutor(session, other, "别班的")
        luo = make.teacher(session, "罗佳宁")
        school = make.school(session)
        roles.appoint(session, luo, Role.SCHOOL_COORDINATOR, school, today=TODAY, now=NOW)
        for who in (strange, luo, lin):
            attempts: tuple[Any, ...] = (
                lambda who=who: tasks.tasks(session, who, batch, now=NOW),
                lambda who=who: tasks.add_task(session, who, batch, ESSAY, now=NOW),
                lambda who=who: tasks.change_task(session, who, task, {}, now=NOW),
                lambda who=who: tasks.remove_task(session, who, task, now=NOW),
                lambda who=who: reviewing.next_piece(session, who, batch, now=NOW),
                lambda who=who: reviewing.piece(session, who, one, now=NOW),
                lambda who=who: reviewing.accept(session, who, one, seen=seen, now=NOW),
                lambda who=who: reviewing.return_work(
                    session, who, one, seen=seen, comment="x", now=NOW
                ),
                lambda who=who: reviewing.paper(session, who, task, now=NOW),
                lambda who=who: reviewing.enter_paper(
                    session, who, task, 1, accepted=True, now=NOW
                ),
            )
            for attempt in attempts:
                with pytest.raises(NotAllowed):
                    attempt()
            assert reviewing.waits(session, who, now=NOW) == ()
        with pytest.raises(NotFound):
            tasks.my_tasks(session, luo, batch, now=NOW)
        with pytest.raises(NotFound):
            tasks.hand_in(session, luo, task, text="x", now=NOW)

    await database.write(foreign)


async def test_who_left_and_what_was_cancelled_owes_nothing(sqlite: Database) -> None:
    def leave(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        lin, shi = in_class(session, batch), in_class(session, batch, "石晓岚")
        registration.withdraw(session, lin, batch, now=NOW)
        assert owe(session, task) == {shi}
        programme = session.exec(select(Programme)).one()
        programme.state = ProgrammeState.CANCELLED
        session.add(programme)
        session.flush()
        assert owe(session, task) == set()

    await sqlite.write(leave)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


acts = st.lists(
    st.tuples(
        st.sampled_from(["hand_in", "hand_in", "same", "accept", "return", "undo"]),
        st.integers(0, 2),
        st.sampled_from([0, 60, 60 * 24, 60 * 24 * 6]),
    ),
    min_size=8,
    max_size=25,
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=acts, review=st.sampled_from(list(Review)))
def test_whatever_is_handed_in_and_said_of_it_the_books_agree(
    sqlite: Database, acts: list[tuple[str, int, int]], review: Review
) -> None:
    def live_through(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, replace(ESSAY, review=review), now=NOW)
        people = [in_class(session, batch, f"同事{n}") for n in range(3)]
        now, last, deed = START, dict.fromkeys(people, ""), 0
        for number, (act, which, minutes) in enumerate(acts):
            now += timedelta(minutes=minutes, seconds=1)
            who = people[which]
            try:
                with session.begin_nested():
                    if act in ("hand_in", "same"):
                        text = f"稿{number}" if act == "hand_in" else last[who] or "稿"
                        done = tasks.hand_in(session, who, task, text=text, now=now)
                        assert not tasks.hand_in(session, who, task, text=text, now=now).is_new
                        last[who] = text
                        assert done.state is not WorkState.RETURNED
                    elif act == "undo" and deed:
                        undoing.undo(session, actor, deed, now=now)
                    else:
                        deed = _review(session, actor, batch, act, now) or deed
            except Refusal:
                pass
            _check_books(session, batch, task, people)
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _review(session: Session, actor: int, batch_id: int, act: str, now: datetime) -> int | None:
    piece = reviewing.next_piece(session, actor, batch_id, now=now)
    if piece is None:
        return None
    of: Any = {"seen": piece.stamp, "now": now}
    if act == "accept":
        return reviewing.accept(session, actor, piece.submission_id, score=80, **of)
    return reviewing.return_work(session, actor, piece.submission_id, comment="改", **of)


def _check_books(session: Session, batch_id: int, task_id: int, people: list[int]) -> None:
    states = dict(
        session.exec(
            select(Registration.teacher_id, TaskSubmission.state)
            .join(TaskSubmission, col(TaskSubmission.registration_id) == col(Registration.id))
            .where(TaskSubmission.task_id == task_id)
        ).all()
    )
    done = {who for who in people if states.get(who) in (WorkState.SUBMITTED, WorkState.ACCEPTED)}
    assert owe(session, task_id) == set(people) - done
    counted = tasks.task_state(session, batch_id)
    assert sum(number for number, _ in counted.values()) == sum(
        state is WorkState.ACCEPTED for state in states.values()
    )
    for row in session.exec(select(TaskSubmission)).all():
        task = session.exec(select(Task).where(Task.id == row.task_id)).one()
        assert row.score is None or 0 <= row.score <= task.max_score
        assert (row.state is WorkState.RETURNED) <= bool(row.comment)
        batch = session.exec(select(Batch).where(Batch.id == batch_id)).one()
        assert row.submitted_at < batch.ends_at
    assert RegistrationState.APPROVED in set(session.exec(select(Registration.state)).all())


async def test_nothing_is_handed_in_for_a_cancelled_class(database: Database) -> None:
    def play(session: Session) -> None:
        actor, batch = desk(session)
        task = tasks.add_task(session, actor, batch, ESSAY, now=NOW)
        lin = in_class(session, batch)
        session.get_one(Batch, batch).cancelled_at = NOW
        session.flush()
        assert not tasks.my_task(session, lin, task, now=START).can_hand_in
        with pytest.raises(ProgrammeCancelled):
            tasks.hand_in(session, lin, task, text="一稿", now=START)

    await database.write(play)
