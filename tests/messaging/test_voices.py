"""Every kind of row that storage puts into the outbox has a voice, and it says what is true now."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from handlers.cards import Card
from handlers.messaging.voices import Nothing, Say
from handlers.messaging.voices_of_all import VOICES
from storage.messaging import outbox
from storage.messaging.outbox import Claimed
from storage.messaging.tables import OutboxMessage, OutboxState, Priority
from storage.people import linking
from storage.people.tables import Account, Role, RoleAssignment
from storage.training import registration, schedule, waiting
from storage.training.tables import Batch
from tests import make
from tests.stage import Stage

STORAGE = Path(__file__).parents[2] / "storage"
# The ways in which storage names the kind of a row that it puts into the outbox.
WAYS = (
    r'\bput(?:_all)?\(\s*session,\s*"(\w+)"',
    r'\b_tell\(\s*session,\s*[^,]+,\s*"(\w+)"',
    r'"kind":\s*(?:outbox\.)?("\w+"|[A-Z]+)\b',
    r'\bkind=(?:outbox\.)?("\w+"|[A-Z]+)\b',
)


def kinds_in_storage() -> set[str]:
    found = set()
    for path in STORAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "OutboxMessage" not in source and "outbox" not in source:
            continue
        for way in WAYS:
            for name in re.findall(way, source):
                found.add(getattr(outbox, name) if name.isupper() else name.strip('"'))
    return found


def test_every_kind_that_storage_writes_has_a_voice() -> None:
    found = kinds_in_storage()
    assert {"brief", "reminder", "offer", "cancelled", "link_moved", "link_conflict"} <= found
    assert found - {outbox.COPY} <= VOICES.keys()  # a copy is in words already


def test_the_search_for_kinds_would_find_a_new_one() -> None:
    source = 'outbox.put(\n    session,\n    "parcel",\n    teacher_id=1,\n)'
    assert any(re.findall(way, source) == ["parcel"] for way in WAYS)


def claimed(session: Session, kind: str) -> Claimed:
    row, account = session.exec(
        select(OutboxMessage, Account)
        .join(Account, col(Account.id) == col(OutboxMessage.account_id))
        .where(OutboxMessage.kind == kind)
    ).one()
    return Claimed(
        id=row.id,
        kind=kind,
        tg_chat_id=account.tg_user_id,
        thread_id=0,
        language=account.language,
        account_id=account.id,
        chat_id=None,
        teacher_id=row.teacher_id,
        facts=row.facts,
        priority=row.priority,
        useful_until=row.useful_until,
        rings=True,
        attempts=1,
    )


def states(session: Session, kind: str) -> list[OutboxState]:
    found = session.exec(select(OutboxMessage.state).where(OutboxMessage.kind == kind)).all()
    return [OutboxState(state) for state in found]


async def waits_for_a_seat(stage: Stage) -> tuple[int, int, int]:
    """A full batch, who has the seat, and who waits for it."""
    batch_id = await stage.database.write(make.batch, seats=1)
    first = (await stage.teacher("沈一")).teacher_id
    second = (await stage.teacher("林若溪")).teacher_id
    assert first is not None
    assert second is not None
    for teacher_id in (first, second):
        await stage.database.write(registration.register, teacher_id, batch_id, now=stage.clock())
    return batch_id, first, second


async def test_a_freed_seat_is_offered_with_its_two_answers(stage: Stage) -> None:
    batch_id, first, _second = await waits_for_a_seat(stage)
    await stage.database.write(registration.withdraw, first, batch_id, now=stage.clock())
    row = await stage.database.read(claimed, "offer")
    said = await VOICES["offer"](stage.office.house, row)
    assert isinstance(said, Say)
    assert isinstance(said.card, Card)
    assert "A seat is free" in said.card.text
    assert [key.label for key in said.card.keys[0]] == ["Accept", "Decline"]


async def test_an_offer_that_is_settled_or_over_is_not_said(stage: Stage) -> None:
    batch_id, first, second = await waits_for_a_seat(stage)
    await stage.database.write(registration.withdraw, first, batch_id, now=stage.clock())
    row = await stage.database.read(claimed, "offer")
    stage.clock.advance(timedelta(days=2))
    assert isinstance(await VOICES["offer"](stage.office.house, row), Nothing)
    stage.clock.advance(-timedelta(days=2))
    await stage.database.write(waiting.accept, second, row.facts["offer_id"], now=stage.clock())
    assert isinstance(await VOICES["offer"](stage.office.house, row), Nothing)


async def test_a_cancelled_training_is_told_once_to_who_was_in(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch)
    lin = await stage.teacher()
    assert lin.teacher_id is not None
    await stage.database.write(registration.register, lin.teacher_id, batch_id, now=stage.clock())
    programme_id = await stage.database.read(programme_of, batch_id)
    await stage.database.write(schedule.cancel, programme_id, now=stage.clock())
    await stage.deliver()
    assert "does not take place" in lin.sees()
    await stage.database.write(schedule.cancel, programme_id, now=stage.clock())
    await stage.deliver()
    assert await stage.database.read(states, "cancelled") == [OutboxState.SENT]


def programme_of(session: Session, batch_id: int) -> int:
    return session.exec(select(Batch.programme_id).where(Batch.id == batch_id)).one()


async def test_a_second_claim_is_told_to_the_coordinator_of_the_school(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    chen = await stage.teacher("陈老师")
    assert lin.teacher_id is not None
    assert chen.teacher_id is not None
    code = await stage.database.write(
        linking.issue_code, lin.teacher_id, now=stage.clock() - timedelta(hours=1)
    )
    await stage.database.write(coordinate, chen.teacher_id)
    stranger = stage.newcomer("陌生人", language="en")
    await stranger.starts()
    await stranger.says(code)
    await stage.deliver()
    assert "second Telegram account to 林若溪" in chen.sees()
    assert "林若溪" not in stranger.sees()


async def test_who_is_no_coordinator_any_more_does_not_read_the_name(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    chen = await stage.teacher("陈老师")
    await stage.database.write(put_conflict, chen.id, lin.teacher_id or 0)
    row = await stage.database.read(claimed, "link_conflict")
    assert isinstance(await VOICES["link_conflict"](stage.office.house, row), Nothing)
    await stage.database.write(coordinate, chen.teacher_id or 0)
    said = await VOICES["link_conflict"](stage.office.house, row)
    assert isinstance(said, Say)
    assert "林若溪" in said.card.text


def coordinate(session: Session, teacher_id: int) -> None:
    session.add(
        RoleAssignment(
            teacher_id=teacher_id,
            role=Role.SCHOOL_COORDINATOR,
            scope_id=make.school(session),
            since=make.NOW.date() - timedelta(days=1),
        )
    )
    session.flush()


def put_conflict(session: Session, tg_user_id: int, teacher_id: int) -> None:
    account_id = session.exec(select(Account.id).where(Account.tg_user_id == tg_user_id)).one()
    session.exec(
        sa.insert(OutboxMessage).values(
            kind="link_conflict",
            account_id=account_id,
            facts={"teacher_id": teacher_id},
            priority=Priority.OFFER,
            not_before=make.NOW,
            created_at=make.NOW,
            rings=True,
            attempts=0,
            fault="",
            state=OutboxState.PENDING,
        )
    )
