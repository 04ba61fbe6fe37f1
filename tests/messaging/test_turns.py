"""Senders of one priority take turns: no notice to a whole county holds up another."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from storage.database import Database
from storage.messaging import outbox
from storage.messaging.tables import OutboxMessage, Priority
from tests import make

NOW = make.NOW  # Friday, 9:00
LEASE = timedelta(minutes=2)


def fill(session: Session, stream: int, number: int, priority: int = Priority.BULK) -> None:
    """So many rows of one stream, to as many people."""
    for _ in range(number):
        account_id = make.account(session)
        session.add(
            OutboxMessage(
                kind="notice",
                account_id=account_id,
                stream=stream,
                priority=priority,
                not_before=NOW,
                rings=False,
                created_at=NOW,
            )
        )
    session.flush()


def claim(session: Session, limit: int, turns: dict[int, int]) -> list[outbox.Claimed]:
    """Claim as the dispatcher does, which remembers whose turn was last."""
    claimed = outbox.claim(session, now=NOW, lease=LEASE, limit=limit, turns=turns)
    turns |= {row.priority: row.stream for row in claimed}
    return claimed


async def test_a_notice_to_a_few_does_not_wait_for_one_to_the_county(database: Database) -> None:
    def play(session: Session) -> list[int]:
        fill(session, 1, 60)
        fill(session, 2, 3)
        return [row.stream for row in claim(session, 8, {})]

    assert await database.write(play) == [1, 2, 1, 2, 1, 2, 1, 1]


async def test_what_is_more_urgent_still_goes_first(database: Database) -> None:
    def play(session: Session) -> list[tuple[int, int]]:
        fill(session, 1, 5)
        fill(session, 2, 5)
        fill(session, 3, 2, Priority.LAST_HOURS)
        fill(session, 0, 2, Priority.OFFER)
        return [(row.priority, row.stream) for row in claim(session, 6, {})]

    assert await database.write(play) == [(10, 0)] * 2 + [(20, 3)] * 2 + [(50, 1), (50, 2)]


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    waiting=st.dictionaries(st.integers(0, 9), st.integers(1, 12), min_size=1, max_size=5),
    limits=st.lists(st.integers(1, 7), min_size=1, max_size=6),
)
def test_between_two_turns_of_one_everybody_else_who_waits_has_one(
    sqlite: Database, waiting: dict[int, int], limits: list[int]
) -> None:
    def play(session: Session) -> None:
        left = Counter(waiting)
        for stream, number in waiting.items():
            fill(session, stream, number)
        turns: dict[int, int] = {}
        since: dict[int, list[int]] = {}
        for limit in limits * sum(waiting.values()):
            claimed = claim(session, limit, turns)
            assert len(claimed) == min(limit, left.total()), "somebody was left out"
            if not claimed:
                break
            for row in claimed:
                for others in since.values():
                    others.append(row.stream)
                missed = {s for s in left if left[s] and s != row.stream}
                if row.stream in since:
                    assert missed <= set(since[row.stream]), "one had two turns, another none"
                since[row.stream] = []
                left[row.stream] -= 1
        assert left.total() == 0
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(play)


async def test_no_row_is_looked_at_that_is_not_taken(database: Database) -> None:
    """The plan of each statement of a claim goes through the index, however much waits."""

    def plans(session: Session) -> str:
        fill(session, 1, 40)
        fill(session, 2, 40)
        connection = session.connection()
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:  # a table as small as this one would be read from end to end
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        said: list[tuple[str, Any]] = []

        def hear(_c: object, _cursor: object, text: str, given: Any, *_rest: object) -> None:
            if "outbox_message" in text and text.lstrip().startswith(("SELECT", "WITH")):
                said.append((text, given))

        event.listen(connection, "before_cursor_execute", hear)
        claim(session, 6, {})
        event.remove(connection, "before_cursor_execute", hear)
        assert len(said) >= 3
        lines = []
        cursor = connection.connection.cursor()
        for text, values in said:
            cursor.execute(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + text, values)
            lines += [str(row) for row in cursor.fetchall()]
        return "\n".join(lines)

    plan = await database.write(plans)
    assert "ix_outbox_message_due" in plan
    assert "SCAN outbox_message" not in plan
    assert "Seq Scan on outbox_message" not in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
