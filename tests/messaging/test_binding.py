"""What a place stands for, and what becomes of it: the rules, on both engines."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from storage import undoing
from storage.audit import AuditLog
from storage.calendar import workdays
from storage.database import Database
from storage.deeds import ChangedSince
from storage.messaging import binding, groups, outbox, owners, presence
from storage.messaging.binding import BoundMeanwhile, Met, SecondPlace
from storage.messaging.presence import Adder, Standing, Turn
from storage.messaging.tables import (
    Chat,
    ChatPurpose,
    Deadline,
    DeadlineState,
    GroupCard,
    Notice,
    NoticePost,
    OutboxMessage,
    OutboxState,
    Priority,
)
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.refusals import NotAllowed
from storage.training.remote.tables import RemotePlan
from storage.training.tables import Batch
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
GROUP = -1_002_000_000_777
POSTS = Standing(False, ("post",))
LEADS = Standing(True, presence.RIGHTS)


@dataclass
class Scene:
    """Two coordinators of one school and one of another; each has an account."""

    unit_id: int
    first: int
    second: int
    foreign: int


def scene(session: Session) -> Scene:
    def coordinator(name: str, at: str) -> int:
        who = make.teacher(session, name, at=at)
        make.account(session, who, language="en")
        give(session, who, Role.SCHOOL_COORDINATOR, make.school(session, at))
        return who

    return Scene(
        make.school(session),
        coordinator("程锦", "澄禾县实验小学"),
        coordinator("罗佳宁", "澄禾县实验小学"),
        coordinator("顾念", "第二小学"),
    )


def give(
    session: Session, who: int, role: Role, scope: int, kind: ScopeKind = ScopeKind.UNIT
) -> None:
    session.add(
        RoleAssignment(teacher_id=who, role=role, scope_kind=kind, scope_id=scope, since=TODAY)
    )
    session.flush()


def arrive(
    session: Session,
    *,
    tg_chat_id: int = GROUP,
    standing: Standing = POSTS,
    is_new: bool = True,
    adder: Adder = Adder.KNOWN,
    after: timedelta = timedelta(),
) -> int:
    return presence.arrive(
        session,
        tg_chat_id,
        "全体教师群",
        standing,
        is_forum=True,
        is_new=is_new,
        adder=adder,
        language="zh_Hans",
        now=NOW + after,
    )


def bound(session: Session, who: int, unit_id: int, thread_id: int = 0, **more: Any) -> int:
    """A place that somebody has bound."""
    met = Met(more.pop("tg_chat_id", GROUP), "全体教师群", thread_id, "培训" if thread_id else "")
    chat_id = binding.begin(session, who, met, now=NOW)
    wanted: dict[str, Any] = {"purpose": ChatPurpose.ALL_STAFF, "seen": 0, "now": NOW} | more
    purpose = wanted.pop("purpose")
    target = wanted.pop("target_id", unit_id)
    binding.bind(session, who, chat_id, purpose, target, "en", **wanted)
    return chat_id


def told(session: Session, turn: Turn | None = None) -> list[int | None]:
    """Whom the news of places are meant for."""
    rows = session.exec(
        select(OutboxMessage)
        .where(OutboxMessage.kind == presence.NEWS)
        .order_by(col(OutboxMessage.id))
    ).all()
    return [row.teacher_id for row in rows if turn is None or row.facts["turn"] == turn.value]


async def test_a_place_is_bound_by_who_has_been_there_and_may(database: Database) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        chat_id = arrive(session)
        for who in (at.first, at.foreign):  # nobody has met it
            with pytest.raises(NotAllowed):
                binding.place(session, who, chat_id, now=NOW)
        teacher = make.teacher(session, "林若溪")
        make.account(session, teacher)
        with pytest.raises(NotAllowed):
            binding.begin(session, teacher, Met(GROUP, "全体教师群"), now=NOW)
        assert binding.begin(session, at.first, Met(GROUP, "全体教师群"), now=NOW) == chat_id
        other = make.school(session, "第二小学")
        with pytest.raises(NotAllowed):  # not of a foreign school
            binding.bind(
                session, at.first, chat_id, ChatPurpose.ALL_STAFF, other, "en", seen=0, now=NOW
            )
        made = binding.bind(
            session, at.first, chat_id, ChatPurpose.ALL_STAFF, at.unit_id, "en", seen=0, now=NOW
        )
        assert made.place.unit == "澄禾县实验小学"
        assert made.place.by == "程锦"
        assert binding.place(session, at.second, chat_id, now=NOW).id == chat_id
        with pytest.raises(NotAllowed):
            binding.place(session, at.foreign, chat_id, now=NOW)
        with pytest.raises(NotAllowed):  # nor by a tap in it
            binding.begin(session, at.foreign, Met(GROUP, "全体教师群"), now=NOW)
        assert [one.id for one in binding.places(session, at.second, now=NOW).lines] == [chat_id]
        assert binding.places(session, at.foreign, now=NOW).lines == ()
        actions = session.exec(select(AuditLog.action)).all()
        assert list(actions).count("bind_group") == 1

    await database.write(play)


async def test_binding_twice_is_binding_once_and_a_stamp_of_before_binds_nothing(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        chat_id = bound(session, at.first, at.unit_id)
        again = binding.bind(
            session, at.first, chat_id, ChatPurpose.ALL_STAFF, at.unit_id, "en", seen=0, now=NOW
        )
        assert again.deed_id is not None  # the key to undo is still there
        for who in (at.second, at.first):
            with pytest.raises(BoundMeanwhile):
                binding.bind(
                    session, who, chat_id, ChatPurpose.TEST, at.unit_id, "en", seen=0, now=NOW
                )
        seen = binding.place(session, at.second, chat_id, now=NOW).seen
        changed = binding.bind(
            session, at.second, chat_id, ChatPurpose.TEST, at.unit_id, "en", seen=seen, now=NOW
        )
        assert changed.place.group.purpose is ChatPurpose.TEST

    await database.write(play)


async def test_two_coordinators_who_bind_at_once_bind_once(database: Database) -> None:
    at = await database.write(scene)

    def meet(session: Session) -> int:
        binding.begin(session, at.foreign, Met(GROUP, "群"), now=NOW)
        return binding.begin(session, at.first, Met(GROUP, "群"), now=NOW)

    chat_id = await database.write(meet)
    other = await database.write(make.school, "第二小学")

    async def try_to(who: int, unit_id: int) -> str:
        try:
            await database.write(
                binding.bind, who, chat_id, ChatPurpose.ALL_STAFF, unit_id, "en", seen=0, now=NOW
            )
        except BoundMeanwhile:
            return "too late"
        return "bound"

    outcomes = await asyncio.gather(try_to(at.first, at.unit_id), try_to(at.foreign, other))
    assert sorted(outcomes) == ["bound", "too late"]

    def greetings(session: Session) -> int:
        return len(session.exec(select(OutboxMessage.id)).all())

    assert await database.read(greetings) == 1


async def test_two_groups_for_one_purpose_ask_even_when_they_are_bound_at_once(
    database: Database,
) -> None:
    at = await database.write(scene)

    def meet(session: Session) -> list[int]:
        return [
            binding.begin(session, at.first, Met(GROUP, "甲"), now=NOW),
            binding.begin(session, at.second, Met(GROUP - 1, "乙"), now=NOW),
        ]

    first, second = await database.write(meet)

    async def try_to(who: int, chat_id: int) -> str:
        try:
            await database.write(
                binding.bind, who, chat_id, ChatPurpose.ALL_STAFF, at.unit_id, "en", seen=0, now=NOW
            )
        except SecondPlace:
            return "asked"
        return "bound"

    outcomes = await asyncio.gather(try_to(at.first, first), try_to(at.second, second))
    assert sorted(outcomes) == ["asked", "bound"]

    def insist(session: Session) -> None:
        for who, chat_id in ((at.first, first), (at.second, second)):
            binding.bind(
                session,
                who,
                chat_id,
                ChatPurpose.ALL_STAFF,
                at.unit_id,
                "en",
                seen=0,
                sure=True,
                now=NOW,
            )

    await database.write(insist)


async def test_subject_groups_may_be_many(database: Database) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        for number in range(3):
            bound(
                session,
                at.first,
                at.unit_id,
                tg_chat_id=GROUP - number,
                purpose=ChatPurpose.SUBJECT,
            )

    await database.write(play)


async def test_undoing_puts_back_what_was_before_unless_somebody_went_on(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        chat_id = bound(session, at.first, at.unit_id)
        gone = binding.unbind(session, at.first, chat_id, now=NOW)
        assert gone.place.group.purpose is None
        assert gone.deed_id is not None
        assert undoing.undo(session, at.first, gone.deed_id, now=NOW)
        place = binding.place(session, at.first, chat_id, now=NOW)
        assert (place.group.purpose, place.group.unit_id) == (ChatPurpose.ALL_STAFF, at.unit_id)
        gone = binding.unbind(session, at.first, chat_id, now=NOW)
        bound(session, at.second, at.unit_id, purpose=ChatPurpose.TEST)
        assert gone.deed_id is not None
        with pytest.raises(ChangedSince):
            undoing.undo(session, at.first, gone.deed_id, now=NOW)

    await database.write(play)


async def test_what_waits_for_a_place_is_dropped_when_it_stands_for_something_else(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        chat_id = bound(session, at.first, at.unit_id)
        groups.post_card(session, chat_id, make.batch(session))
        binding.unbind(session, at.first, chat_id, now=NOW)
        states = session.exec(select(OutboxMessage.state)).all()
        assert set(states) == {OutboxState.SKIPPED}
        assert session.exec(select(GroupCard.id)).all() == []

    await database.write(play)


async def test_the_group_of_a_class_is_over_two_weeks_after_it_and_moves_with_it(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        batch_id = make.batch(session, programme={"owner_unit_id": at.unit_id})
        batch = session.get_one(Batch, batch_id)
        give(session, at.foreign, Role.CLASS_TEACHER, batch_id, ScopeKind.BATCH)
        found = binding.begin(session, at.foreign, Met(GROUP, "作业设计班"), now=NOW)
        lines = binding.programmes(session, at.foreign, found, now=NOW).lines
        assert [one.id for one in lines] == [batch.programme_id]
        chat_id = bound(
            session,
            at.foreign,
            at.unit_id,
            purpose=ChatPurpose.PROGRAMME,
            target_id=batch.programme_id,
        )
        place = binding.place(session, at.foreign, chat_id, now=NOW)
        assert place.group.dissolve_at == batch.ends_at + timedelta(days=14)
        # The coordinators of its unit tend it as well.
        assert binding.place(session, at.first, chat_id, now=NOW).unit == "澄禾县实验小学"
        batch.ends_at += timedelta(days=7)
        session.flush()
        assert binding.follow_classes(session, now=NOW) == 1
        assert binding.follow_classes(session, now=NOW) == 0
        deadline = session.exec(select(Deadline)).one()
        assert (deadline.kind, deadline.subject_id) == ("chat_dissolve", chat_id)
        assert deadline.at == batch.ends_at + timedelta(days=14)
        owing: Any = owners.owes(session, "chat_dissolve", chat_id, now=NOW)
        assert session.exec(owing).all() == [(at.foreign,)]
        day = workdays.load(session)
        seen = deadline.at.astimezone(day.zone).date()
        for _ in range(2):  # a second tap on the same key keeps it no longer
            kept = binding.keep_longer(session, at.foreign, chat_id, seen, now=NOW)
        assert kept.group.dissolve_at == batch.ends_at + timedelta(days=28)
        session.refresh(deadline)
        assert deadline.at == batch.ends_at + timedelta(days=28)
        # What was missed is made up in the group too.
        until = batch.ends_at + timedelta(days=30)
        session.add(RemotePlan(batch_id=batch_id, makeup_until=until))
        session.flush()
        assert binding.follow_classes(session, now=NOW) == 1
        kept = binding.place(session, at.foreign, chat_id, now=NOW)
        assert kept.group.dissolve_at == until + timedelta(days=14)
        session.refresh(deadline)
        assert deadline.at == until + timedelta(days=14)
        binding.unbind(session, at.foreign, chat_id, now=NOW)
        session.refresh(deadline)
        assert deadline.state is DeadlineState.CANCELLED

    await database.write(play)


async def test_each_turn_is_told_once_to_whoever_answers_for_the_place(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        arrive(session, standing=LEADS)
        chat_id = bound(session, at.first, at.unit_id)
        for _ in range(2):
            presence.removed(session, GROUP, now=NOW)
        assert told(session) == [at.first]
        for _ in range(2):
            arrive(session, after=timedelta(minutes=1))
        assert told(session, Turn.BACK) == [at.first]
        for _ in range(2):
            presence.silence(session, GROUP, now=NOW)
        assert told(session, Turn.SILENCED) == [at.first]
        assert not binding.place(session, at.first, chat_id, now=NOW).group.is_open
        for _ in range(2):
            presence.note(session, GROUP, POSTS, now=NOW)
        assert told(session, Turn.SPEAKS) == [at.first]
        for _ in range(2):
            presence.close_topic(session, GROUP, 0, deleted=False, now=NOW)
        presence.note(session, GROUP, POSTS, now=NOW)  # the right to post opens no topic
        assert told(session, Turn.CLOSED) == [at.first]
        assert not binding.place(session, at.first, chat_id, now=NOW).group.is_open
        for _ in range(2):
            presence.reopen_topic(session, GROUP, 0, now=NOW)
        assert told(session, Turn.REOPENED) == [at.first]
        assert len(told(session)) == 6

    await database.write(play)


async def test_of_the_topics_of_one_group_the_owner_is_told_once(database: Database) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        arrive(session)
        for thread in (11, 12, 13):
            bound(session, at.first, at.unit_id, thread, purpose=ChatPurpose.SUBJECT)
        presence.removed(session, GROUP, now=NOW)
        assert told(session) == [at.first]
        arrive(session, after=timedelta(minutes=1))
        places = groups.bound_places(session, GROUP)
        assert [place.thread_id for place in places if place.is_open] == [11, 12, 13]
        # Only one of the topics is closed, and the others are as they were.
        presence.close_topic(session, GROUP, 12, deleted=True, now=NOW)
        places = groups.bound_places(session, GROUP)
        assert [place.thread_id for place in places if place.is_open] == [11, 13]

    await database.write(play)


async def test_what_is_for_a_closed_topic_waits_and_goes_nowhere_else(database: Database) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        arrive(session)
        chat_id = bound(session, at.first, at.unit_id, 11)
        claimed = outbox.claim(session, now=NOW, lease=timedelta(minutes=3), limit=9)
        assert [(row.tg_chat_id, row.thread_id) for row in claimed] == [(GROUP, 11)]
        outbox.settle_sent(session, claimed[0].id, 5, NOW)
        presence.close_topic(session, GROUP, 11, deleted=False, now=NOW)
        outbox.put(
            session,
            presence.HELLO,
            chat_id=chat_id,
            facts={"is_bound": True},
            priority=Priority.CARD,
            not_before=NOW,
            dedupe_key="x",
            now=NOW,
        )

        def to_group(after: timedelta) -> list[str]:
            rows = outbox.claim(session, now=NOW + after, lease=timedelta(minutes=3), limit=9)
            return [row.kind for row in rows if row.chat_id is not None]

        assert to_group(timedelta()) == []
        assert to_group(timedelta(hours=30)) == []
        presence.reopen_topic(session, GROUP, 11, now=NOW + timedelta(hours=31))
        assert to_group(timedelta(hours=31)) == [presence.HELLO]

    await database.write(play)


async def test_a_supergroup_takes_over_the_binding_with_its_posts(database: Database) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        arrive(session, tg_chat_id=-55)
        chat_id = bound(session, at.first, at.unit_id, tg_chat_id=-55)
        session.add(NoticePost(notice_id=notice(session, at), chat_id=chat_id, message_id=7))
        session.flush()
        # The supergroup is met before the news: a stranger with a goodbye on its way.
        arrive(session, tg_chat_id=GROUP, adder=Adder.NOBODY, standing=LEADS)
        for _ in range(2):
            groups.migrate(session, -55, GROUP)
        place = groups.chat_by_tg_id(session, GROUP)
        assert place is not None
        assert (place.id, place.purpose) == (chat_id, ChatPurpose.ALL_STAFF)
        assert place.bot_is_admin
        assert place.is_open
        post = session.exec(select(NoticePost).execution_options(populate_existing=True)).one()
        assert (post.chat_id, post.message_id) == (chat_id, None)
        assert presence.to_leave(session) == []
        assert len(session.exec(select(Chat.id)).all()) == 1

    await database.write(play)


def notice(session: Session, at: Scene) -> int:
    row = Notice(author_id=at.first, unit_id=at.unit_id, created_at=NOW)
    session.add(row)
    session.flush()
    return row.id


async def test_a_binding_made_in_the_supergroup_survives_late_news_of_the_migration(
    database: Database,
) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        arrive(session, tg_chat_id=-55)
        arrive(session, tg_chat_id=GROUP)
        bound(session, at.first, at.unit_id)
        groups.migrate(session, -55, GROUP)
        place = groups.chat_by_tg_id(session, GROUP)
        assert place is not None
        assert (place.purpose, place.unit_id) == (ChatPurpose.ALL_STAFF, at.unit_id)

    await database.write(play)


async def test_only_what_stands_for_nothing_is_left_and_only_once(database: Database) -> None:
    def play(session: Session) -> None:
        at = scene(session)
        arrive(session)
        arrive(session, tg_chat_id=GROUP - 1)
        bound(session, at.first, at.unit_id, 11)  # one topic is enough to stay
        week = NOW + presence.KNOWN_FOR
        assert presence.weary(session, now=week - timedelta(minutes=1)) == 0
        assert presence.weary(session, now=week) == 1
        assert presence.to_leave(session) == []
        for row in outbox.claim(
            session, now=week + timedelta(days=4), lease=timedelta(minutes=3), limit=9
        ):
            outbox.settle_sent(session, row.id, 5, week)
        assert presence.to_leave(session) == [GROUP - 1]
        for _ in range(2):
            presence.has_left(session, GROUP - 1, now=week)
        assert presence.to_leave(session) == []
        assert presence.weary(session, now=week) == 0
        actions = session.exec(select(AuditLog.action)).all()
        assert list(actions).count("leave_group") == 1

    await database.write(play)
