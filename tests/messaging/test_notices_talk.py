"""Notices, from the empty desk to the message that has left: the talk of whoever writes them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from storage.messaging.tables import Notice, NoticeRecipient, NoticeState
from storage.people import roles
from storage.people.tables import Role
from tests import make
from tests.stage import Actor, Stage

TODAY = date(2026, 11, 20)
SCHOOL = "澄禾县实验小学"
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(12) + b"\x00\x00\x01\x40\x00\x00\x00\xc8" + bytes(64)


async def coordinator(
    stage: Stage,
    name: str = "周明",
    *,
    at: str = SCHOOL,
    role: Role = Role.SCHOOL_COORDINATOR,
    **more: Any,
) -> Actor:
    who = await stage.teacher(name, at=at, **more)

    def appoint(session: Session) -> None:
        county = role in (Role.COUNTY_COORDINATOR, Role.BUREAU_VIEWER)
        unit_id = make.county(session) if county else make.school(session, at)
        assert who.teacher_id is not None
        roles.appoint(session, who.teacher_id, role, unit_id, today=TODAY, now=make.NOW)

    await stage.database.write(appoint)
    return who


async def notice(stage: Stage) -> Notice:
    def look(session: Session) -> Notice:
        found = session.exec(select(Notice).order_by(col(Notice.id).desc())).first()
        assert found is not None
        return found

    return await stage.database.read(look)


async def recipients(stage: Stage) -> list[NoticeRecipient]:
    def look(session: Session) -> list[NoticeRecipient]:
        return list(session.exec(select(NoticeRecipient).order_by(col(NoticeRecipient.id))).all())

    return await stage.database.read(look)


async def draft(who: Actor, text: str = "校本研修安排\n请各教研组周五前交计划。") -> str:
    await who.starts("desk")
    await who.taps("Notices")
    await who.taps("New notice")
    return await who.says(text)


async def test_one_message_is_enough_to_write_to_ones_school(stage: Stage) -> None:
    zhou = await coordinator(stage)
    lin, gu = await stage.teacher("林若溪"), await stage.teacher("顾念", at="第二小学")
    await zhou.starts("desk")
    assert "There is no notice yet." in await zhou.taps("Notices")
    assert "in one message" in await zhou.taps("New notice")
    card = await zhou.says("【通知】校本研修安排\n请各教研组周五前交计划。")
    assert "校本研修安排" in card
    assert "请各教研组周五前交计划。" in card
    assert "【通知】" not in card  # the notice says that by itself
    assert "1 person" in card
    card = await zhou.taps("Send")
    assert "rings 1 telephone" in card
    assert "16:40 it rides for free" in card
    assert "It rings 1 telephone now." in await zhou.taps("Send now")
    assert "to 1 person" in await zhou.taps("Yes, send it")
    await stage.deliver()
    said = lin.sees()
    assert "[Notice] 校本研修安排" in said
    assert "请各教研组周五前交计划。" in said
    assert "澄禾县实验小学, Fri 20 Nov" in said
    assert lin.labels() == ["Confirm receipt", "Ask a question"]
    assert not gu.sees()
    assert (await notice(stage)).state is NoticeState.SENT
    await zhou.starts("desk")
    assert "sent" in await zhou.taps("Notices")
