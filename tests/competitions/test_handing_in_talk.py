"""Materials by conversation: photos, links, what cannot be fetched, and a second round."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlmodel import Session, select

from handlers.competitions import handing_in, handing_in_text
from handlers.competitions.entering_buttons import SubmitEntry
from storage.competitions import schedule, venues
from storage.competitions.tables import Competition, Entry, EntryRound, Material, Round, RoundState
from tests.competitions import making, papers
from tests.competitions.making import PLAN
from tests.competitions.test_entering_talk import a_competition, begun, handed_in, ready
from tests.stage import Actor, Stage


async def asks_for(stage: Stage, *materials: dict[str, Any]) -> None:
    def change(session: Session) -> None:
        for each in session.exec(select(Round).where(Round.external == False)).all():  # noqa: E712
            each.materials = list(materials)

    await stage.database.write(change)


async def pieces(stage: Stage) -> list[Material]:
    return list(await stage.database.read(lambda s: s.exec(select(Material)).all()))


async def opened(who: Actor, title: str) -> str:
    await who.taps("Materials")
    return await who.taps(title)


def receipts(who: Actor) -> list[str]:
    """The versions of which receipts stand in the chat."""
    return re.findall(r"is in: (version \d+), .*Receipt", "\n".join(m.text for m in who.messages()))


async def test_a_file_sent_while_the_piece_is_looked_at_is_handed_in(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    await opened(lin, "教学设计")
    assert "version 1" in await lin.sends_file("教案.pdf", papers.pdf("Spring"))
    assert "version 2" in await lin.sends_file("教案2.pdf", papers.pdf("Autumn"))
    await lin.says("学时")
    await lin.starts("menu")
    assert receipts(lin) == ["version 1", "version 2"]
    # Elsewhere nothing of it is awaited.
    await lin.sends_file("教案3.pdf", papers.pdf("Winter"))
    assert len(await pieces(stage)) == 2


async def test_a_link_is_taken_and_said_to_be_unchecked(stage: Stage) -> None:
    await a_competition(stage)
    video = {"key": "video", "title": "课堂实录", "kinds": ["link", "mp4"], "most_mb": 20}
    await asks_for(stage, PLAN, video | {"required": False})
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    assert "may be left out" in await opened(lin, "课堂实录")
    await lin.taps("Hand in")
    assert "a link" in await lin.says("稍后补上")
    said = await lin.says("见 https://video.example.cn/a?id=1")
    assert "https://video.example.cn/a?id=1" in said
    assert "A link cannot be checked" in said
    (piece,) = await pieces(stage)
    assert (piece.url, piece.file_id) == ("https://video.example.cn/a?id=1", "")


async def test_a_photo_is_work_too(stage: Stage) -> None:
    await a_competition(stage)
    board = {"key": "board", "title": "板书照片", "kinds": ["jpg", "png"], "most_mb": 5}
    await asks_for(stage, board)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    await opened(lin, "板书照片")
    await lin.taps("Hand in")
    said = await lin.sends_file("板书.jpg", papers.jpeg(artist="林若溪"))
    assert "“林若溪”, in the data of a picture" in said


async def test_a_video_from_the_gallery_is_work_however_large(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_competition(stage)
    await asks_for(stage, {"key": "video", "title": "课堂实录", "kinds": ["mov"], "most_mb": 20})
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    assert "from the gallery" in (await opened(lin, "课堂实录"), await lin.taps("Hand in"))[1]
    assert "a video" in await lin.sends_video("IMG_01.mp4", b"\0\0\0\x18ftypmp42")
    assert receipts(lin) == ["version 1"]
    monkeypatch.setattr(handing_in, "LARGEST", 10)
    monkeypatch.setattr(handing_in_text, "LARGEST", 10)
    await lin.taps("Replace")
    said = await lin.sends_video("林若溪的课.mp4", b"\0\0\0\x18ftypmp43")
    assert "larger than 20 MB" in said
    assert "“林若溪”, in the name of the file" in said
    assert "Check for names" not in lin.labels()
    kept = [(each.file_name, each.mime, each.checked_at is None) for each in await pieces(stage)]
    assert kept == [("", "video/mp4", False), ("", "video/mp4", True)]


async def test_what_cannot_be_fetched_is_taken_and_checked_later(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    stage.world.faults.add("getFile", status=502, times=None)
    said = await handed_in(stage, lin, text="林若溪")
    assert receipts(lin) == ["version 1"]
    assert "has not been checked" in said
    await lin.taps("Check for names")
    assert "could not be fetched" in lin.alert
    stage.world.faults.clear()
    assert "“林若溪”, in the text" in await lin.taps("Check for names")


async def test_a_reminder_says_what_is_missing_and_opens_it(stage: Stage) -> None:
    competition_id = await a_competition(stage)
    lin = await stage.teacher("林若溪")

    def let_in(session: Session) -> None:
        assert lin.teacher_id is not None
        made = session.get_one(Competition, competition_id)
        making.entry(session, made, lin.teacher_id)
        schedule.plan_deadlines(session, competition_id, now=stage.clock())

    await stage.database.write(let_in)
    for _day in range(4):
        await stage.passes(hours=8)
        await stage.passes(hours=16)
    said = lin.sees()
    assert "初赛" in said
    assert "in which you take part, are due" in said
    assert "Still missing: 教学设计" in said
    assert "keep school and personal names out" in said
    assert "Leave competition" in lin.labels()
    assert "教学设计" in await lin.taps("Hand in materials")


async def test_two_taps_hand_in_once_and_an_old_key_says_so(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await ready(stage, lin)
    row = await stage.database.read(lambda s: s.exec(select(Entry)).one())
    await lin.sends_data(SubmitEntry(row.id).data)
    assert "in already" in lin.sees()
    assert "no longer there" in await lin.sends_data(SubmitEntry(999).data)
    assert "no longer there" in await lin.sends_data(f"kbo:{row.id}:1:7")
    assert "out of date" in await lin.sends_data("kbs:x")


async def test_a_stranger_opens_nothing_of_it(stage: Stage) -> None:
    await a_competition(stage)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await ready(stage, lin)
    row = await stage.database.read(lambda s: s.exec(select(Entry)).one())
    (piece,) = await pieces(stage)
    await shi.starts("menu")
    for data in (
        f"ke:{row.id}",
        f"kbz:{row.id}",
        f"kbm:{row.id}",
        f"kbc:{row.id}",
        f"kbf:{row.id}:{piece.round_id}",
        f"kbx:{row.id}:{piece.round_id}:0:{piece.id}:1",
        f"kba:{row.id}:{piece.round_id}:0:{piece.id}:0",
        f"kbw:{row.id}:1",
    ):
        said = await shi.sends_data(data)
        assert "no longer there" in said or "do not have the right" in said, data
    assert [each.removed_at for each in await pieces(stage)] == [None]


async def test_the_next_round_takes_what_the_last_one_had(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await ready(stage, lin)

    def advance(session: Session) -> None:
        row = session.exec(select(Entry)).one()
        first, second, _outside = venues.rounds(session, row.competition_id)
        row.state = type(row.state).COMPETING
        venues.let_in(session, row, first, now=stage.clock()).state = RoundState.ADVANCED
        venues.let_in(session, row, second, now=stage.clock())

    await stage.database.write(advance)
    await lin.starts("menu")
    await lin.taps("Competitions")
    shown = await lin.taps("课堂教学大赛")
    assert "决赛 · in this round" in shown
    assert "Still missing: 教学设计" in shown
    await lin.taps("Materials")
    assert "1 piece of the round before" in await lin.taps("As in last round")
    assert "教学设计: version 1" in lin.sees()
    places = await stage.database.read(lambda s: s.exec(select(EntryRound)).all())
    assert len(places) == 2
    # The round has begun: what is in stays.
    await stage.passes(days=22)
    await lin.starts("menu")
    await lin.taps("Competitions")
    await lin.taps("课堂教学大赛")
    await lin.taps("Materials")
    await lin.taps("教学设计")
    assert "Replace" not in lin.labels()
