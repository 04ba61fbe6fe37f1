"""Questions, corrections and the report of a notice: the rules, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging import (
    confirming,
    correcting,
    news,
    notice_posts,
    notice_report,
    notice_views,
    outbox,
    overdue,
    questions,
)
from storage.messaging.correcting import NothingChanges, NotLikeThat, NotOut, What
from storage.messaging.notice_report import Among, Where
from storage.messaging.questions import NotConcerned, NothingSaid
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Deadline,
    DeadlineState,
    News,
    NoticePost,
    NoticeState,
    OutboxMessage,
    OutboxState,
    Question,
    QuestionLine,
)
from storage.people.tables import Role
from storage.refusals import NotAllowed, NotFound
from tests import make
from tests.make import NOW
from tests.messaging import notices

HOUR = timedelta(hours=1)


def people(session: Session, number: int = 3) -> list[int]:
    found = [make.teacher(session) for _ in range(number)]
    for teacher_id in found:
        make.account(session, teacher_id)
    return found


def kinds(session: Session) -> dict[str, int]:
    """How many rows of each kind wait."""
    rows = session.exec(
        select(OutboxMessage.kind, sa.func.count())
        .where(OutboxMessage.state == OutboxState.PENDING)
        .group_by(col(OutboxMessage.kind))
    ).all()
    return dict(rows)


def place(session: Session, number: int = 100, **differs: Any) -> int:
    usual: dict[str, Any] = {
        "tg_chat_id": -number,
        "title": "全体教师",
        "purpose": ChatPurpose.ALL_STAFF,
    }
    chat = Chat(**(usual | differs))
    session.add(chat)
    session.flush()
    return chat.id


# --- correcting ------------------------------------------------------------------------------


async def test_a_correction_edits_all_who_have_it_and_rings_if_the_place_changes(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, teachers[:2])
        notices.recipient(session, notice_id, teachers[2], delivered=False)
        facts = correcting.impact(session, author, notice_id, What.PLACE, "一楼", now=NOW)
        assert (facts.told, facts.waiting, facts.rings) == (2, 1, True)
        assert correcting.correct(session, author, notice_id, What.PLACE, "一楼", now=NOW)
        while correcting.spread(session, now=NOW, chunk=1):
            pass
        assert kinds(session) == {outbox.NOTICE: 1, confirming.EDIT: 2, confirming.CORRECTED: 2}
        assert not any(row.rings for row in notices.waiting(session, confirming.EDIT))
        assert all(row.rings for row in notices.waiting(session, confirming.CORRECTED))
        correcting.spread(session, now=NOW)
        assert kinds(session)[confirming.CORRECTED] == 2
        # Whoever had not been told gets the new version alone, and nothing after it.
        waiting = notices.waiting(session, outbox.NOTICE)[0]
        waiting.state, waiting.message_id, waiting.sent_at = OutboxState.SENT, 9, NOW
        session.flush()
        correcting.spread(session, now=NOW + HOUR)
        assert kinds(session)[confirming.CORRECTED] == 2

    await database.write(play)


async def test_a_contact_or_a_slip_of_the_pen_rings_nobody(database: Database) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, teachers)
        correcting.correct(session, author, notice_id, What.CONTACT, "教务处", now=NOW)
        correcting.correct(session, author, notice_id, What.TEXT, "请提交计划。", now=NOW)
        correcting.spread(session, now=NOW)
        assert kinds(session) == {confirming.EDIT: 3}
        correcting.correct(
            session, author, notice_id, What.TEXT, "请提交两份计划。", duty=True, now=NOW
        )
        correcting.spread(session, now=NOW)
        assert kinds(session) == {confirming.EDIT: 6, confirming.CORRECTED: 3}

    await database.write(play)


async def test_two_corrections_are_told_as_one_way_from_first_to_last(database: Database) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, teachers)
        for where in ("一楼", "二楼"):
            correcting.correct(session, author, notice_id, What.PLACE, where, now=NOW)
        (one,) = correcting.corrections(session, notice_id, since=0, until=2)
        assert (one.old, one.new) == ("三楼报告厅", "二楼")
        assert correcting.corrections(session, notice_id, since=2, until=2) == ()
        correcting.correct(session, author, notice_id, What.PLACE, "三楼报告厅", now=NOW)
        assert correcting.corrections(session, notice_id, since=0, until=3) == ()

    await database.write(play)


async def test_a_second_tap_corrects_once_and_two_authors_do_not_overwrite_each_other(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        other = notices.coordinator(session, "温言")
        notice_id = notices.notice(session, author, people(session))
        assert correcting.correct(session, author, notice_id, What.PLACE, "一楼", seen=0, now=NOW)
        again = correcting.correct(session, author, notice_id, What.PLACE, "一楼", seen=0, now=NOW)
        assert not again
        with pytest.raises(ChangedSince):
            correcting.correct(session, other, notice_id, What.PLACE, "二楼", seen=0, now=NOW)
        logged = session.exec(select(AuditLog).where(AuditLog.action == correcting.ACT)).all()
        assert [(line.actor_id, line.before) for line in logged] == [
            (author, {"place": "三楼报告厅"})
        ]

    await database.write(play)


@pytest.mark.parametrize(
    ("what", "value", "refusal"),
    [
        (What.PLACE, "三楼报告厅", NothingChanges),
        (What.TITLE, "  ", NotLikeThat),
        (What.TITLE, "长" * 500, NotLikeThat),
        (What.ANSWER_BY, NOW - HOUR, NotLikeThat),
    ],
)
async def test_what_cannot_be_corrected_like_that(
    database: Database, what: What, value: Any, refusal: type[Exception]
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        notice_id = notices.notice(session, author, people(session))
        with pytest.raises(refusal):
            correcting.correct(session, author, notice_id, what, value, now=NOW)

    await database.write(play)


async def test_another_date_moves_the_reminders(database: Database) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        notice_id = notices.notice(session, author, people(session))
        later = NOW + timedelta(days=12)
        correcting.correct(session, author, notice_id, What.ANSWER_BY, later, now=NOW)
        deadline = session.exec(select(Deadline).execution_options(populate_existing=True)).one()
        assert (deadline.kind, deadline.at) == ("ack_due", later)

    await database.write(play)


async def test_what_is_overdue_waits_for_its_owner_and_for_each_school(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session, "顾岩", at="教师发展中心")
        first = notices.coordinator(session, "罗佳宁", at="实验小学")
        second = notices.coordinator(session, "周明远", at="第二小学")
        to = [make.teacher(session, at=at) for at in ("实验小学", "实验小学", "第二小学")]
        notice_id = notices.notice(session, author, to, at="教师发展中心")
        in_time, late = NOW + timedelta(days=4), NOW + timedelta(days=5)
        for who in (author, first, second):
            assert overdue.waits(session, who, now=in_time) == ()
        every = (author, first, second)
        found = [overdue.notices(session, who, now=late) for who in every]
        assert [each.missing for (each,) in found] == [3, 2, 1]
        # The same person may be missing in two notices: the desk counts notices, not persons.
        assert [overdue.waits(session, who, now=late)[0].count for who in every] == [1, 1, 1]
        confirming.confirm(session, to[2], notice_id, now=late)
        assert overdue.waits(session, second, now=late) == ()
        correcting.withdraw(session, author, notice_id, "改期", now=late)
        assert overdue.waits(session, author, now=late) == ()

    await database.write(play)


async def test_another_time_or_place_asks_anew_whoever_had_confirmed(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, two, three) = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, [one, two, three])
        confirming.confirm(session, one, notice_id, now=NOW)
        confirming.confirm(session, two, notice_id, now=NOW + HOUR)
        # Two confirmed in the group before it came to him in private.
        skipped = notices.line(session, notice_id, two).outbox_id
        row = session.get_one(OutboxMessage, skipped)
        row.state, row.message_id = OutboxState.SKIPPED, None
        session.flush()
        correcting.correct(session, author, notice_id, What.CONTACT, "教务处", now=NOW + HOUR)
        assert notice_report.report(session, author, notice_id, now=NOW + HOUR).confirmed == 2

        moved = NOW + timedelta(days=8)
        facts = correcting.impact(session, author, notice_id, What.HAPPENS_AT, moved, now=NOW)
        assert facts.again == 2
        correcting.correct(session, author, notice_id, What.HAPPENS_AT, moved, now=NOW + 2 * HOUR)
        correcting.spread(session, now=NOW + 2 * HOUR)
        rung = notices.waiting(session, confirming.CORRECTED)
        assert {row.teacher_id for row in rung} == {one, two, three}
        report = notice_report.report(session, author, notice_id, now=NOW + 2 * HOUR)
        assert (report.confirmed, report.overtaken, report.is_corrected) == (0, 2, True)
        assert report.where == {Where.SENT: 3}
        mine = notice_views.mine(session, two, notice_id)
        assert (mine.confirmed_at, mine.earlier_at) == (None, NOW + HOUR)
        assert notice_views.archive(session, one).lines[0].is_open
        found = notice_report.people(
            session, author, notice_id, Among.UNCONFIRMED, now=NOW + 2 * HOUR
        )
        assert [line.had_confirmed for line in found.lines] == [True, True, False]

        late = NOW + timedelta(days=6)
        assert not confirming.confirm(session, one, notice_id, now=late).is_late
        assert confirming.confirm(session, three, notice_id, now=late).is_late
        report = notice_report.report(session, author, notice_id, now=late)
        assert (report.confirmed, report.overtaken) == (2, 1)
        assert not notice_views.mine(session, one, notice_id).was_late

    await database.write(play)


async def test_a_moved_event_keeps_its_length(database: Database) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        at = NOW + timedelta(days=7)
        notice_id = notices.notice(
            session, author, people(session), happens_at=at, happens_until=at + 2 * HOUR
        )
        moved = at + timedelta(days=1)
        correcting.correct(session, author, notice_id, What.HAPPENS_AT, moved, now=NOW)
        letter = notice_posts.facts(session, notice_id).said.letter
        assert (letter.happens_at, letter.happens_until) == (moved, moved + 2 * HOUR)

    await database.write(play)


async def test_who_was_told_by_a_brief_is_told_of_another_place(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, two) = notices.coordinator(session), people(session, 2)
        notice_id = notices.notice(session, author, rides=True)
        for teacher_id in (one, two):
            notices.recipient(session, notice_id, teacher_id)
            row = notices.line(session, notice_id, teacher_id)
            row.outbox_id = None
            news.tell(session, outbox.NOTICE, teacher_id, notice_id, {}, now=NOW)
        session.exec(sa.update(News).where(col(News.teacher_id) == one).values(told_at=NOW))
        correcting.correct(session, author, notice_id, What.PLACE, "一楼", now=NOW)
        correcting.spread(session, now=NOW)
        told = notices.waiting(session, confirming.CORRECTED)
        assert [row.teacher_id for row in told] == [one]
        report = notice_report.report(session, author, notice_id, now=NOW)
        assert report.where == {Where.SENT: 1, Where.WAITING: 1}

    await database.write(play)


async def test_withdrawing_stops_what_waits_and_strikes_what_is_out(database: Database) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, teachers[:2], chats=[place(session)])
        session.exec(sa.update(NoticePost).values(message_id=5, looked_at=NOW, shown="x"))
        notices.recipient(session, notice_id, teachers[2], delivered=False)
        correcting.correct(session, author, notice_id, What.PLACE, "一楼", now=NOW)
        correcting.spread(session, now=NOW)
        assert correcting.withdraw(session, author, notice_id, "改期", now=NOW)
        assert not correcting.withdraw(session, author, notice_id, "别的", now=NOW + HOUR)
        assert kinds(session) == {}
        correcting.spread(session, now=NOW)
        assert kinds(session) == {confirming.EDIT: 2}
        deadline = session.exec(select(Deadline).execution_options(populate_existing=True)).one()
        assert deadline.state is DeadlineState.CANCELLED
        said = notice_posts.facts(session, notice_id).said
        assert (said.is_withdrawn, said.reason) == (True, "改期")
        due = notice_posts.to_refresh(session, now=NOW, limit=5)
        assert [post.notice_id for post in due] == [notice_id]
        with pytest.raises(NotOut):
            correcting.correct(session, author, notice_id, What.PLACE, "二楼", now=NOW)

    await database.write(play)


async def test_a_notice_that_was_taken_back_before_its_hour_goes_to_nobody(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        notice_id = notices.notice(session, author, state=NoticeState.SCHEDULED)
        with pytest.raises(NotLikeThat):
            correcting.withdraw(session, author, notice_id, " ", now=NOW)
        assert correcting.withdraw(session, author, notice_id, "改期", now=NOW)
        draft = notices.notice(session, author, state=NoticeState.DRAFT)
        with pytest.raises(NotOut):
            correcting.withdraw(session, author, draft, "改期", now=NOW)

    await database.write(play)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.sampled_from(["place", "contact", "text", "tell", "send", "join"])))
async def test_nobody_is_told_a_version_twice_or_of_what_they_never_had(
    sqlite: Database, acts: list[str]
) -> None:
    """Whatever the order of corrections, deliveries and newcomers: one message a person and
    version at most, and none about a version that was somebody's first."""

    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session, 2)
        notice_id = notices.notice(session, author, teachers)
        first: dict[int, int] = dict.fromkeys(teachers, 0)
        revision = 0
        for number, act in enumerate(acts):
            match act:
                case "place" | "contact" | "text":
                    correcting.correct(
                        session, author, notice_id, What(act), f"新的{number}", now=NOW
                    )
                    revision += 1
                case "tell":
                    correcting.spread(session, now=NOW)
                case "send":
                    for row in notices.waiting(session, outbox.NOTICE):
                        assert row.teacher_id is not None
                        row.state, row.sent_at, row.message_id = OutboxState.SENT, NOW, row.id
                        first[row.teacher_id] = revision
                    session.flush()
                case _:
                    (newcomer,) = people(session, 1)
                    notices.recipient(session, notice_id, newcomer, delivered=False)
                    notices.line(session, notice_id, newcomer).revision = revision
                    session.flush()
        correcting.spread(session, now=NOW)
        seen = set()
        for kind in (confirming.EDIT, confirming.CORRECTED):
            for row in notices.waiting(session, kind):
                one = kind, row.teacher_id, row.facts["revision"]
                assert one not in seen
                seen.add(one)
                assert row.teacher_id in first
                assert row.facts["revision"] > first[row.teacher_id]
        for teacher_id in first:
            assert notices.line(session, notice_id, teacher_id).revision == revision
        raise _Undone

    with pytest.raises(_Undone):
        await sqlite.write(play)


class _Undone(Exception):
    """Nothing of a play stays for the next."""


# --- questions -------------------------------------------------------------------------------


async def test_the_same_words_at_once_are_one_question(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, *_) = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, [one])
        for _ in range(2):
            questions.ask(session, one, notice_id, "交到哪里？", now=NOW)
        assert len(session.exec(select(Question)).all()) == 1
        assert len(session.exec(select(QuestionLine)).all()) == 1
        assert questions.waits(session, author, now=NOW)[0].count == 1
        with pytest.raises(NothingSaid):
            questions.ask(session, one, notice_id, "  ", now=NOW)

    await database.write(play)


async def test_who_is_not_concerned_asks_only_about_what_is_public(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, stranger, _three) = notices.coordinator(session), people(session)
        private = notices.notice(session, author, [one])
        public = notices.notice(session, author, [one], chats=[place(session)])
        with pytest.raises(NotConcerned):
            questions.ask(session, stranger, private, "我要去吗？", now=NOW)
        questions.ask(session, stranger, public, "我要去吗？", now=NOW)
        with pytest.raises(NotFound):
            notice_views.mine(session, stranger, public)

    await database.write(play)


async def test_an_answer_settles_and_asking_on_opens_again(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, two, _three) = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, [one])
        question_id, _topic = questions.ask(session, one, notice_id, "交到哪里？", now=NOW)
        with pytest.raises(NotAllowed):
            questions.answer(session, two, question_id, "不知道", now=NOW)
        for _ in range(2):
            questions.answer(session, author, question_id, "教务处", now=NOW)
        assert [row.teacher_id for row in notices.waiting(session, questions.ANSWERED)] == [one]
        assert questions.waits(session, author, now=NOW) == ()
        questions.ask(session, one, notice_id, "几点？", now=NOW + HOUR)
        thread = questions.thread(session, author, question_id, now=NOW + HOUR)
        assert thread.is_open
        assert [line.by_asker for line in thread.lines] == [True, False, True]
        questions.close(session, author, question_id, now=NOW + HOUR)
        assert questions.waits(session, author, now=NOW + HOUR) == ()

    await database.write(play)


async def test_a_question_waits_for_who_answers_and_for_nobody_else(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, *_) = notices.coordinator(session), people(session)
        heir = notices.coordinator(session, "温言")
        county = make.teacher(session, "县管理员")
        notices.appoint(session, county, role=Role.COUNTY_COORDINATOR)
        notice_id = notices.notice(session, author, [one])
        questions.ask(session, one, notice_id, "交到哪里？", now=NOW)

        def waits() -> list[int]:
            return [who for who in (author, heir, county) if questions.waits(session, who, now=NOW)]

        assert waits() == [author]
        notices.dismiss(session, author)
        assert waits() == [heir]
        notices.dismiss(session, heir)
        assert waits() == [county]

    await database.write(play)


async def test_a_topic_is_for_coordinators_whose_group_the_bot_may_lead(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author, asking = notices.coordinator(session), people(session, 4)
        school = make.school(session)
        notice_id = notices.notice(session, author, asking)
        usual: dict[str, Any] = {"unit_id": school, "is_forum": True}
        right = [questions.MAY_MANAGE]

        def topics(who: int) -> int:
            questions.ask(session, who, notice_id, "交到哪里？", now=NOW)
            return len(questions.topics_to_make(session))

        place(session, 1, **usual, rights=right)  # for all staff
        assert topics(asking[0]) == 0
        desk = place(session, 2, **usual, purpose=ChatPurpose.COORDINATORS)
        assert topics(asking[1]) == 0
        session.get_one(Chat, desk).rights = right
        session.flush()
        assert topics(asking[2]) == 1
        (topic,) = questions.topics_to_make(session)
        questions.topic_made(session, topic.question_id, 33)
        assert questions.topics_to_make(session) == []
        (row,) = notices.waiting(session, questions.RELAYED)
        facts = questions.line_facts(session, row.facts["line_id"], desk)
        assert facts is not None
        assert facts.thread_id == 33
        # The group was given another purpose meanwhile: no name goes there.
        session.get_one(Chat, desk).purpose = ChatPurpose.ALL_STAFF
        session.flush()
        assert questions.line_facts(session, row.facts["line_id"], desk) is None

    await database.write(play)


# --- the report ------------------------------------------------------------------------------


async def test_the_report_counts_everybody_once(database: Database) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session, 4)
        unlinked = make.teacher(session)
        notice_id = notices.notice(session, author, [*teachers[:2], unlinked])
        notices.recipient(session, notice_id, teachers[2], delivered=False)
        notices.recipient(session, notice_id, teachers[3])
        refused = notices.line(session, notice_id, teachers[3]).outbox_id
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id) == refused)
            .values(state=OutboxState.REFUSED, fault="bot was blocked by the user")
        )
        confirming.confirm(session, teachers[0], notice_id, now=NOW)
        questions.ask(session, teachers[1], notice_id, "交到哪里？", now=NOW)
        report = notice_report.report(session, author, notice_id, now=NOW)
        assert report.where == {
            Where.SENT: 2,
            Where.WAITING: 1,
            Where.REFUSED: 1,
            Where.UNREACHABLE: 1,
        }
        assert (report.people, report.confirmed, report.asked) == (5, 1, 1)
        for among, number in (
            (Among.SENT, 2),
            (Among.UNREACHABLE, 1),
            (Among.CONFIRMED, 1),
            (Among.UNCONFIRMED, 4),
            (Among.ASKED, 1),
        ):
            found = notice_report.people(session, author, notice_id, among, now=NOW)
            assert (found.total, len(found.lines)) == (number, number)

    await database.write(play)


async def test_what_was_put_off_and_then_withdrawn_is_not_said_to_wait(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session, 2)
        notice_id = notices.notice(session, author, teachers[:1])
        notices.recipient(session, notice_id, teachers[1], delivered=False)
        correcting.withdraw(session, author, notice_id, "改期", now=NOW)
        # Telegram has asked for a pause just then: the row is back, and is settled at its turn.
        session.exec(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.state) == OutboxState.SKIPPED)
            .values(state=OutboxState.PENDING)
        )
        report = notice_report.report(session, author, notice_id, now=NOW)
        assert report.where == {Where.SENT: 1, Where.UNSENT: 1}
        found = notice_report.people(session, author, notice_id, Among.UNSENT, now=NOW)
        assert [line.teacher_id for line in found.lines] == [teachers[1]]

    await database.write(play)


async def test_a_school_sees_its_own_people_of_a_notice_of_the_county(database: Database) -> None:
    def play(session: Session) -> None:
        county_author = make.teacher(session, "县管理员", at="教师发展中心")
        county = make.county(session)
        notices.appoint(session, county_author, role=Role.COUNTY_COORDINATOR, unit_id=county)
        school = notices.coordinator(session)
        own, other = make.teacher(session), make.teacher(session, "顾念", at="第二小学")
        notice_id = notices.notice(session, county_author, [own, other], unit_id=county)
        part = notice_report.report(session, school, notice_id, now=NOW)
        assert (part.whole, part.people) == (False, 1)
        listed = notice_report.people(session, school, notice_id, Among.UNREACHABLE, now=NOW)
        assert [line.teacher_id for line in listed.lines] == [own]
        with pytest.raises(NotFound):
            notice_report.mark_contacted(session, school, notice_id, other, now=NOW)
        with pytest.raises(NotAllowed):
            confirming.chase(session, school, notice_id, now=NOW)
        with pytest.raises(NotAllowed):
            questions.open_questions(session, school, notice_id=notice_id, now=NOW)
        units = notice_report.by_unit(session, county_author, notice_id, now=NOW)
        assert [line.people for line in units.lines] == [1, 1]
        assert len(notice_report.export(session, county_author, notice_id, now=NOW).lines) == 2

    await database.write(play)


async def test_a_call_is_noted_and_taken_back(database: Database) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session)
        notice_id = notices.notice(session, author, teachers)

        def mark() -> bool:
            return notice_report.mark_contacted(session, author, notice_id, teachers[0], now=NOW)

        assert mark()
        listed = notice_report.people(session, author, notice_id, Among.UNCONFIRMED, now=NOW)
        assert [line.contacted_at for line in listed.lines] == [NOW, None, None]
        assert (listed.lines[0].teacher_id, listed.contacted) == (teachers[0], 1)
        # From the next day on who was spoken with comes last.
        later = NOW + timedelta(days=1)
        listed = notice_report.people(session, author, notice_id, Among.UNCONFIRMED, now=later)
        assert [line.contacted_at for line in listed.lines] == [None, None, NOW]
        assert not mark()

    await database.write(play)


async def test_a_long_list_is_searched_and_opens_where_somebody_stands(database: Database) -> None:
    def play(session: Session) -> None:
        author, teachers = notices.coordinator(session), people(session, 19)
        teachers.append(make.teacher(session, "上官俊逸", at="第二_小学"))
        notice_id = notices.notice(session, author, teachers)

        def listed(**how: Any) -> notice_report.People:
            return notice_report.people(
                session, author, notice_id, Among.UNCONFIRMED, now=NOW, **how
            )

        for like in ("官俊", "二_小"):
            found = listed(like=like)
            assert [line.name for line in found.lines] == ["上官俊逸"]
            assert (found.total, found.pages) == (20, 1)
        assert listed(like="没有此人").lines == ()
        assert listed(like="_%").lines == ()
        found = listed(holding=teachers[-1])
        assert (found.page, found.lines[-1].name) == (2, "上官俊逸")
        assert listed(page=1, holding=0).page == 1

    await database.write(play)


async def test_a_look_from_above_is_written_down_and_one_at_ones_own_is_not(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        above = make.teacher(session, "县管理员", at="教师发展中心")
        county = make.county(session)
        notices.appoint(session, above, role=Role.COUNTY_COORDINATOR, unit_id=county)
        notice_id = notices.notice(session, author, people(session))
        for who in (author, above):
            notice_report.people(session, who, notice_id, Among.SENT, now=NOW)
        looked = session.exec(
            select(AuditLog.actor_id).where(AuditLog.action == "look_at_recipients")
        ).all()
        assert looked == [above]

    await database.write(play)


# --- the archive -----------------------------------------------------------------------------


async def test_what_is_to_be_confirmed_stands_first_in_ones_list(database: Database) -> None:
    def play(session: Session) -> None:
        author, (one, *_) = notices.coordinator(session), people(session)
        made = [
            notices.notice(
                session, author, [one], title=f"通知{number}", send_at=NOW + number * HOUR
            )
            for number in range(8)
        ]
        for notice_id in made[1:]:
            confirming.confirm(session, one, notice_id, now=NOW)
        notices.notice(session, author, [one], state=NoticeState.SCHEDULED)
        first = notice_views.archive(session, one)
        assert [line.notice_id for line in first.lines] == [made[0], *reversed(made[3:])]
        assert (first.open, first.pages) == (1, 2)
        last = notice_views.archive(session, one, page=99)
        assert [line.notice_id for line in last.lines] == [made[2], made[1]]

    await database.write(play)


# --- posts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("people_there", [4, 5])
async def test_counts_of_fewer_than_five_are_kept_from_groups(
    database: Database, people_there: int
) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        teachers = people(session, people_there)
        notice_id = notices.notice(session, author, teachers)
        shown = notice_posts.facts(session, notice_id)
        assert (shown.of, shown.confirmed) == ((5, 0) if people_there == 5 else (None, None))
        assert notice_posts.missing(session, notice_id) == (5 if people_there == 5 else None)
        confirming.confirm(session, teachers[0], notice_id, now=NOW)
        assert notice_posts.missing(session, notice_id) is None

    await database.write(play)


async def test_two_processes_do_not_take_the_same_post(database: Database) -> None:
    def play(session: Session) -> None:
        author = notices.coordinator(session)
        notices.notice(session, author, people(session), chats=[place(session)])
        session.exec(sa.update(NoticePost).values(message_id=5))

        def taken(later: timedelta) -> int:
            return len(notice_posts.to_refresh(session, now=NOW + later, limit=5))

        looks: list[Callable[[], int]] = [
            lambda: taken(timedelta(0)),
            lambda: taken(timedelta(seconds=59)),
            lambda: taken(timedelta(seconds=60)),
        ]
        assert [look() for look in looks] == [1, 0, 1]

    await database.write(play)
