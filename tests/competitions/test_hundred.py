"""A round of a hundred entries: two judges write at once, and delivery fails now and then."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from sqlmodel import Session, col, select

from storage.competitions import (
    ballots,
    deciding,
    drawing,
    panels,
    revealing,
    seating,
    signing,
    venues,
)
from storage.competitions.tables import Ballot, BallotState, EntryRound, Judge, Venue
from storage.database import Database
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people import roles
from storage.people.tables import Role
from tests import make
from tests.competitions import making
from tests.make import NOW
from tests.stage import Stage

ENTRIES = 100
BEGUN = NOW - timedelta(days=22)
"""Its entries have closed, and its final has begun."""


def _set_up(session: Session) -> tuple[int, int, list[int], list[int]]:
    """The organiser, the venue, two judges, and the Telegram ids of the entrants."""
    gu = make.teacher(session, "顾岩", at="教师发展中心")
    roles.appoint(
        session, gu, Role.COUNTY_COORDINATOR, make.county(session), today=NOW.date(), now=NOW
    )
    judges = [make.teacher(session, f"评委{n}", at="云台镇第一小学") for n in range(2)]
    made = making.competition(session, begins=BEGUN)
    final = venues.rounds(session, made.id)[1]
    phones = []
    for n in range(ENTRIES):
        who = make.teacher(session, f"教师{n:03}", at=f"第{n % 9}小学")
        make.account(session, who, tg_user_id=8_000_000_000 + n, language="en")
        phones.append(8_000_000_000 + n)
        row, _place = making.entry(session, made, who, now=BEGUN)
        place = venues.let_in(session, row, final, now=BEGUN)
    assert place.venue_id is not None
    drawing.draw(session, gu, place.venue_id, now=NOW)
    for judge in judges:
        panels.invite(session, gu, place.venue_id, judge, now=NOW)
        mine = session.exec(select(Judge).where(Judge.teacher_id == judge)).one()
        panels.answer(session, judge, mine.id, accepts=True, now=NOW)
    panels.make_chief(session, gu, 1, now=NOW)
    seating.begin(session, gu, place.venue_id, now=NOW)
    return gu, place.venue_id, judges, phones


def _points(judge: int, number: str) -> dict[str, int]:
    return {"aims": 20 + int(number) % 7, "process": 30 + (int(number) * (judge + 3)) % 11}


async def _judge(database: Database, teacher_id: int, n: int) -> None:
    """Mark one entry after the other, some handed in twice, as a double tap does."""

    def mine(session: Session) -> list[tuple[int, str]]:
        rows = session.exec(
            select(Ballot.id, EntryRound.number)
            .join(Judge, col(Judge.id) == col(Ballot.judge_id))
            .join(EntryRound, col(EntryRound.id) == col(Ballot.entry_round_id))
            .where(Judge.teacher_id == teacher_id)
            .order_by(col(EntryRound.order_no))
        ).all()
        return [(id_, number) for id_, number in rows]

    def both(session: Session, ballot_id: int, number: str) -> None:
        ballots.give(session, teacher_id, ballot_id, _points(n, number), now=NOW)
        first = ballots.commit(session, teacher_id, ballot_id, now=NOW)
        if number.endswith("0"):
            assert ballots.commit(session, teacher_id, ballot_id, now=NOW).seal == first.seal

    for ballot_id, number in await database.read(mine):
        await database.write(both, ballot_id, number)


def _ends(session: Session, gu: int, chief: int, venue_id: int) -> None:
    revealing.reveal(session, gu, venue_id, now=NOW)
    signing.sign(session, chief, venue_id, now=NOW)
    seen = deciding.listing(session, gu, venue_id, now=NOW)
    deciding.decide(session, gu, venue_id, seen.mark, now=NOW)


async def test_a_hundred_entries_are_judged_by_two_at_once_and_each_is_told_once(
    stage: Stage,
) -> None:
    database = stage.database
    gu, venue_id, judges, phones = await database.write(_set_up)
    for user_id in phones:
        stage.world.add_person("教师", id=user_id, started=True)
    await asyncio.gather(*(_judge(database, who, n) for n, who in enumerate(judges)))
    await database.write(_ends, gu, judges[0], venue_id)

    def scores(session: Session) -> list[tuple[str, float | None]]:
        assert session.get_one(Venue, venue_id).signed_at == NOW
        left = select(Ballot.id).where(Ballot.state != BallotState.REVEALED)
        assert session.exec(left).all() == []
        rows = select(EntryRound.number, EntryRound.score).where(EntryRound.venue_id == venue_id)
        return [(number, score) for number, score in session.exec(rows).all()]

    for number, score in await database.read(scores):
        assert score == sum(sum(_points(n, number).values()) for n in range(2)) / 2
    assert await _told(stage, phones) == dict.fromkeys(phones, 1)


async def _told(stage: Stage, phones: list[int]) -> dict[int, int]:
    """Deliver what is due while one call in five fails; how often each entrant heard of it."""
    fault = stage.world.faults.add("sendMessage", times=None, share=0.2)

    def left(session: Session) -> int:
        waiting = select(OutboxMessage.id).where(
            OutboxMessage.kind == deciding.OUTCOME, OutboxMessage.state != OutboxState.SENT
        )
        return len(session.exec(waiting).all())

    await stage.passes(minutes=11)
    for _again in range(12):
        if await stage.database.read(left):
            await stage.passes(minutes=10)
    assert fault.hits > ENTRIES // 10
    assert await stage.database.read(left) == 0
    heard: Counter[int] = Counter()
    for user_id in phones:
        heard[user_id] = sum(not one.mine for one in stage.world.seen_by(user_id, user_id))
    return dict(heard)
