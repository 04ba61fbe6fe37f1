"""Posting the hours of a class: seen before, split, posted once, undone exactly."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session, col, select

from storage import undoing
from storage.credits import ledger, posting
from storage.credits.balance import balance_of
from storage.credits.split import shared, split_of
from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.deeds import ChangedSince, TooLateToUndo
from storage.messaging.tables import News
from storage.refusals import NotAllowed, Refusal
from storage.training import completion, publishing
from storage.training.remote import rates
from storage.training.tables import (
    Batch,
    Level,
    ModuleKind,
    Programme,
    Registration,
    RegistrationState,
)
from tests.make import NOW
from tests.training import classes

DONE = RegistrationState.COMPLETED


def lines(session: Session) -> list[tuple[EntryState, str, Decimal]]:
    found = session.exec(
        select(CreditEntry)
        .where(col(CreditEntry.reverses_id).is_(None))
        .order_by(col(CreditEntry.id))
    )
    return [(row.state, row.category, row.hours) for row in found]


def news(session: Session) -> list[tuple[str, str]]:
    found = session.exec(select(News).order_by(col(News.id)))
    return [(row.kind, row.facts["hours"]) for row in found]


def finished(session: Session, /, people: int = 2, **programme: Any) -> tuple[int, int]:
    """A county class of 8 hours, 2 of them ethics, which all completed; and its organiser."""
    batch_id = classes.over(session, programme={"planned_hours": Decimal(8)} | programme)
    classes.module(session, batch_id, "2", ModuleKind.ETHICS)
    for registration_id in classes.people_in(session, batch_id, people):
        session.get_one(Registration, registration_id).state = DONE
    session.flush()
    return batch_id, classes.county(session)


async def test_hours_are_split_by_category_and_posted_once_with_one_message_each(
    database: Database,
) -> None:
    batch_id, gao = await database.write(finished)
    seen = await database.write(posting.preview, gao, batch_id, now=NOW)
    assert (seen.new, seen.already, seen.is_pending) == (2, 0, False)
    assert [(s.category, s.year, s.people, s.hours) for s in seen.sums] == [
        ("ethics", "2026-2027", 2, Decimal(4)),
        ("post_skill", "2026-2027", 2, Decimal(12)),
    ]
    assert await database.read(lines) == []

    done = await database.write(posting.post, gao, batch_id, now=NOW)
    assert (done.people, done.hours) == (2, Decimal(16))
    again = await database.write(posting.post, gao, batch_id, now=NOW)
    assert (again.people, again.deed_id) == (0, done.deed_id)
    assert sorted(await database.read(lines)) == [
        (EntryState.POSTED, "ethics", Decimal(2)),
        (EntryState.POSTED, "ethics", Decimal(2)),
        (EntryState.POSTED, "post_skill", Decimal(6)),
        (EntryState.POSTED, "post_skill", Decimal(6)),
    ]
    assert await database.read(news) == [("credit_posted", "8")] * 2
    seen = await database.write(posting.preview, gao, batch_id, now=NOW)
    assert seen.is_idle
    assert seen.already == 2


async def test_an_undone_posting_is_mirrored_untold_and_can_be_posted_again(
    database: Database,
) -> None:
    batch_id, gao = await database.write(finished)
    done = await database.write(posting.post, gao, batch_id, now=NOW)
    assert await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW + timedelta(hours=23))
    assert await database.read(news) == []
    assert {state for state, _, _ in await database.read(lines)} == {EntryState.REVERSED}
    assert (await database.write(posting.preview, gao, batch_id, now=NOW)).new == 2

    again = await database.write(posting.post, gao, batch_id, now=NOW)
    assert again.people == 2
    posted = [hours for state, _, hours in await database.read(lines) if state == "posted"]
    assert sum(posted) == 16
    with pytest.raises(TooLateToUndo):
        await database.write(undoing.undo, gao, again.deed_id or 0, now=NOW + timedelta(hours=24))


async def test_the_desk_counts_hours_to_put_right_and_to_take_back(database: Database) -> None:
    def work(session: Session) -> None:
        batch_id, gao = finished(session, people=3)
        posting.post(session, gao, batch_id, now=NOW)
        assert posting.waits(session, gao, now=NOW) == ()
        first = session.exec(select(Registration).order_by(col(Registration.id))).first()
        assert first is not None
        first.state = RegistrationState.NOT_COMPLETED
        session.flush()
        assert waiting(session, gao) == {"hours_dropped": 1}
        session.exec(select(Programme)).one().planned_hours = Decimal(10)
        session.flush()
        # Only what is not ethics grows, and a person whose lines both change is one.
        assert waiting(session, gao) == {"hours_dropped": 1, "hours_changed": 2}
        seen = posting.preview(session, gao, batch_id, now=NOW)
        assert (seen.new, seen.changed, seen.dropped) == (0, 2, 1)
        posting.post(session, gao, batch_id, now=NOW)
        assert posting.waits(session, gao, now=NOW) == ()

    def waiting(session: Session, gao: int) -> dict[str, int]:
        return {one.kind: one.count for one in posting.waits(session, gao, now=NOW)}

    await database.write(work)


async def test_hours_of_an_earlier_edition_name_their_class_by_the_source_and_are_entered(
    database: Database,
) -> None:
    def work(session: Session) -> None:
        batch_id, gao = finished(session)
        posting.post(session, gao, batch_id, now=NOW)
        session.exec(sa.update(CreditEntry).values(batch_id=None))
        assert not [one for one in posting.waits(session, gao, now=NOW) if one.kind == "hours"]

    await database.write(work)


async def test_the_desk_finds_the_lines_of_each_person_without_looking_through_a_class(
    sqlite: Database,
) -> None:
    """PostgreSQL has the same index, and takes what its figures say of so small a table."""

    def plan_of(session: Session) -> str:
        _, gao = finished(session)
        connection = session.connection()
        said: list[tuple[str, Any]] = []

        def hear(_c: object, _cursor: object, text: str, given: Any, *_rest: object) -> None:
            if "NOT (EXISTS" in text and "credit_entry" in text:
                said.append((text, given))

        event.listen(connection, "before_cursor_execute", hear)
        posting.waits(session, gao, now=NOW)
        event.remove(connection, "before_cursor_execute", hear)
        text, values = said[0]
        cursor = connection.connection.cursor()
        cursor.execute("EXPLAIN QUERY PLAN " + text, values)
        return "\n".join(str(row) for row in cursor.fetchall())

    plan = await sqlite.write(plan_of)
    assert "ix_credit_entry_batch" in plan
    assert "SCAN credit_entry" not in plan


async def test_hours_that_nobody_posts_any_more_still_stand_somewhere(database: Database) -> None:
    batch_id, gao = await database.write(finished)

    def somebody(session: Session) -> int:
        first = session.exec(select(Registration.teacher_id)).first()
        assert first is not None
        return first

    who = await database.read(somebody)

    async def stands() -> tuple[Decimal, Decimal]:
        facts = await database.read(balance_of, who, now=NOW)
        return facts.earned, facts.pending

    assert await stands() == (Decimal(0), Decimal(8))
    done = await database.write(posting.post, gao, batch_id, now=NOW)
    assert await stands() == (Decimal(8), Decimal(0))
    await database.write(publishing.finish, gao, batch_id, now=NOW)
    assert await database.read(posting.waits, gao, now=NOW) == ()
    await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW)
    assert await stands() == (Decimal(0), Decimal(8))
    (waiting,) = await database.read(posting.waits, gao, now=NOW)
    assert (waiting.kind, waiting.count, waiting.batch_id) == ("hours", 2, batch_id)

    def by_hand(session: Session) -> None:
        posting.post(session, gao, batch_id, now=NOW)
        for entry_id in session.exec(
            select(CreditEntry.id).where(
                CreditEntry.teacher_id == who, CreditEntry.state == EntryState.POSTED
            )
        ):
            ledger.reverse(session, entry_id, "重复", actor_id=gao, now=NOW)

    await database.write(by_hand)
    assert await stands() == (Decimal(0), Decimal(0)), "what was wrong is not to be posted again"


async def test_a_posting_that_somebody_has_disputed_is_not_undone(sqlite: Database) -> None:
    batch_id, gao = await sqlite.write(finished)
    done = await sqlite.write(posting.post, gao, batch_id, now=NOW)

    def dispute(session: Session) -> None:
        first = session.exec(select(CreditEntry.id).order_by(col(CreditEntry.id))).first()
        assert first is not None
        ledger.dispute(session, first, "少了", actor_id=None, now=NOW)

    await sqlite.write(dispute)
    with pytest.raises(ChangedSince):
        await sqlite.write(undoing.undo, gao, done.deed_id or 0, now=NOW)
    assert [state for state, _, _ in await sqlite.read(lines)].count(EntryState.POSTED) == 3


async def test_a_changed_plan_is_put_right_and_a_correction_by_hand_stays(
    database: Database,
) -> None:
    batch_id, gao = await database.write(finished, 2)
    await database.write(posting.post, gao, batch_id, now=NOW)

    def corrects(session: Session) -> None:
        entry_id = session.exec(
            select(CreditEntry.id).where(CreditEntry.category == "post_skill")
        ).first()
        assert entry_id is not None
        ledger.correct(session, entry_id, Decimal(5), "迟到", actor_id=gao, now=NOW)

    def more_ethics(session: Session) -> None:
        classes.module(session, batch_id, "1", ModuleKind.ETHICS)

    await database.write(corrects)
    await database.write(more_ethics)
    seen = await database.write(posting.preview, gao, batch_id, now=NOW)
    assert (seen.changed, seen.new) == (2, 0)
    done = await database.write(posting.post, gao, batch_id, now=NOW)
    posted = sorted((c, h) for state, c, h in await database.read(lines) if state == "posted")
    assert posted == [
        ("ethics", Decimal(3)),
        ("ethics", Decimal(3)),
        ("post_skill", Decimal(5)),  # as somebody corrected it
        ("post_skill", Decimal(5)),  # as it is planned now
    ]
    assert (await database.write(posting.post, gao, batch_id, now=NOW)).people == 0
    await database.write(undoing.undo, gao, done.deed_id or 0, now=NOW)
    posted = sorted((c, h) for state, c, h in await database.read(lines) if state == "posted")
    assert posted == [
        ("ethics", Decimal(2)),
        ("ethics", Decimal(2)),
        ("post_skill", Decimal(5)),
        ("post_skill", Decimal(6)),
    ]


async def test_hours_of_a_school_wait_for_its_word(database: Database) -> None:
    def prepare(session: Session) -> tuple[int, int, int]:
        batch_id, gao = finished(session, level=Level.SCHOOL)
        return batch_id, gao, classes.school(session)

    batch_id, gao, luo = await database.write(prepare)
    assert (await database.write(posting.preview, gao, batch_id, now=NOW)).is_pending
    await database.write(posting.post, gao, batch_id, now=NOW)
    assert await database.read(news) == []
    (waiting,) = await database.read(posting.to_confirm, luo, now=NOW)
    assert (waiting.people, waiting.hours) == (2, Decimal(16))
    _title, people = await database.write(posting.unconfirmed, luo, batch_id, now=NOW)
    assert [person.hours for person in people] == [Decimal(8)] * 2

    done = await database.write(posting.confirm, luo, batch_id, now=NOW)
    assert (done.people, done.hours) == (2, Decimal(16))
    assert (await database.write(posting.confirm, luo, batch_id, now=NOW)).people == 0
    assert await database.read(news) == [("credit_posted", "8")] * 2
    await database.write(undoing.undo, luo, done.deed_id or 0, now=NOW)
    assert await database.read(news) == []
    (waiting,) = await database.read(posting.to_confirm, luo, now=NOW)
    assert waiting.people == 2
    await database.write(posting.confirm, luo, batch_id, now=NOW)
    posted = [hours for state, _, hours in await database.read(lines) if state == "posted"]
    assert sum(posted) == 16


async def test_another_school_confirms_nothing_here(sqlite: Database) -> None:
    def prepare(session: Session) -> tuple[int, int, int]:
        batch_id, gao = finished(session, level=Level.SCHOOL)
        return batch_id, gao, classes.school(session, at="第二小学")

    batch_id, gao, stranger = await sqlite.write(prepare)
    await sqlite.write(posting.post, gao, batch_id, now=NOW)
    assert await sqlite.read(posting.to_confirm, stranger, now=NOW) == ()
    assert (await sqlite.write(posting.confirm, stranger, batch_id, now=NOW)).people == 0
    with pytest.raises(NotAllowed):
        await sqlite.write(posting.post, stranger, batch_id, now=NOW)
    with pytest.raises(NotAllowed):
        await sqlite.write(posting.preview, stranger, batch_id, now=NOW)


async def test_a_class_over_new_year_is_split_by_school_year(sqlite: Database) -> None:
    def prepare(session: Session) -> list[tuple[str, date, Decimal]]:
        batch_id = classes.over(
            session,
            starts_at=NOW - timedelta(days=120),
            programme={"planned_hours": Decimal(50)},
        )
        summer = NOW - timedelta(days=110)
        classes.module(session, batch_id, "20", due_at=summer)
        classes.module(session, batch_id, "6", ModuleKind.ETHICS)
        batch = session.get_one(Batch, batch_id)
        programme = session.get_one(Programme, batch.programme_id)
        split = split_of(session, batch, programme)
        return [(part.mark, part.earned_on, part.hours) for part in split.parts]

    assert await sqlite.write(prepare) == [
        ("", date(2026, 11, 18), Decimal(24)),
        ("post_skill:2025-2026", date(2026, 8, 2), Decimal(20)),
        ("ethics:2026-2027", date(2026, 11, 18), Decimal(6)),
    ]


@given(
    st.decimals(0, 200, places=1),
    st.lists(st.decimals(0, 60, places=1), min_size=1, max_size=6),
)
def test_shares_add_up_to_the_tenth(total: Decimal, weights: list[Decimal]) -> None:
    given_ = shared(total, weights)
    assert sum(given_) == total
    assert all(share >= 0 for share in given_)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


ACTS = ("decide", "decide", "post", "post", "revoke", "undo", "fail", "make_up", "replan")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.integers(0, 3)),
        min_size=8,
        max_size=24,
    )
)
def test_whatever_happens_posting_leaves_the_planned_split_for_exactly_those_who_completed(
    sqlite: Database, acts: list[tuple[str, int, int]]
) -> None:
    def live_through(session: Session) -> None:
        batch_id, gao = finished(session, 0)
        people = classes.people_in(session, batch_id, 4)
        deeds: list[int] = []
        now = NOW
        for act, who, more in acts:
            now += timedelta(minutes=1)
            try:
                with session.begin_nested():
                    deed_id = _do(session, act, batch_id, gao, people[who], more, deeds, now)
            except Refusal:
                continue
            if deed_id is not None:
                deeds.append(deed_id)
            _check_mirrors(session)
            _check_funnel(session, batch_id, now)
            if act == "post":
                _check_sums(session, batch_id)
        posting.post_batch(session, batch_id, actor_id=gao, now=now)
        _check_mirrors(session)
        _check_sums(session, batch_id)
        before = len(lines(session))
        posting.post_batch(session, batch_id, actor_id=gao, now=now)
        assert len(lines(session)) == before
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(live_through)


def _do(
    session: Session,
    act: str,
    batch_id: int,
    gao: int,
    registration_id: int,
    more: int,
    deeds: list[int],
    now: Any,
) -> int | None:
    match act:
        case "decide":
            done = completion.decide_by_hand(session, gao, registration_id, True, "齐全", now=now)
            return done.deed_id
        case "fail":
            done = completion.decide_by_hand(session, gao, registration_id, False, "缺", now=now)
            return done.deed_id
        case "make_up":
            until = classes.TODAY + timedelta(days=9)
            done = completion.give_make_up(
                session, gao, batch_id, until, now=now, registration_id=registration_id
            )
            return done.deed_id
        case "post":
            return posting.post(session, gao, batch_id, now=now).deed_id
        case "revoke":
            completion.revoke(session, gao, registration_id, "重复登记", now=now)
        case "undo" if deeds:
            undoing.undo(session, gao, deeds[-1 - more % len(deeds)], now=now)
        case "replan":
            classes.module(session, batch_id, "0.7", ModuleKind.ETHICS)
    return None


def _check_mirrors(session: Session) -> None:
    """Invariant 6: a reversing entry mirrors exactly one posted entry, and nothing else moved."""
    rows = session.exec(select(CreditEntry).execution_options(populate_existing=True)).all()
    by_id = {row.id: row for row in rows}
    mirrors = [row for row in rows if row.reverses_id is not None]
    for mirror in mirrors:
        line = by_id[mirror.reverses_id or 0]
        assert mirror.hours == -line.hours
        assert line.state is EntryState.REVERSED
        assert (mirror.category, mirror.level, mirror.earned_on, mirror.teacher_id) == (
            line.category,
            line.level,
            line.earned_on,
            line.teacher_id,
        )
    assert len({mirror.reverses_id for mirror in mirrors}) == len(mirrors)
    standing = sum(row.hours for row in rows if row.state is EntryState.POSTED)
    assert standing == sum(row.hours for row in rows)


def _check_sums(session: Session, batch_id: int) -> None:
    batch = session.get_one(Batch, batch_id)
    programme = session.get_one(Programme, batch.programme_id)
    split = split_of(session, batch, programme)
    wanted = sorted((part.category, part.hours) for part in split.parts)
    completed = set(
        session.exec(
            select(Registration.teacher_id).where(
                Registration.batch_id == batch_id, Registration.state == DONE
            )
        ).all()
    )
    found: dict[int, list[tuple[str, Decimal]]] = {}
    for row in session.exec(select(CreditEntry).where(CreditEntry.state == EntryState.POSTED)):
        found.setdefault(row.teacher_id, []).append((row.category, row.hours))
    assert set(found) == completed
    assert all(sorted(parts) == wanted for parts in found.values())


def _check_funnel(session: Session, batch_id: int, now: Any) -> None:
    """Invariant 4: the funnel never inverts."""
    f = rates.together(rates.by_unit(session, batch_id, now=now))
    assert f.due >= f.participating >= f.assessed >= f.passed >= f.completed >= f.excellent
