"""Entering by conversation: from the list to an accepted entry."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, select

from storage.competitions import venues
from storage.competitions.tables import CompetingState, Entry, EntryRound, Material, Round
from storage.people.tables import Role
from tests import make
from tests.competitions import making, papers
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = NOW.date()


async def a_competition(stage: Stage, **differs: Any) -> int:
    return await stage.database.write(lambda s: making.competition(s, **differs).id)


async def a_coordinator(stage: Stage, name: str = "罗佳宁") -> Actor:
    return await stage.holder(name, Role.SCHOOL_COORDINATOR)


async def entry(stage: Stage) -> Entry:
    return await stage.database.read(lambda s: s.exec(select(Entry)).one())


async def begun(stage: Stage, who: Actor) -> str:
    await who.starts("menu")
    await who.taps("Competitions")
    await who.taps("课堂教学大赛")
    return await who.taps("Enter")


async def handed_in(stage: Stage, who: Actor, name: str = "教案.docx", text: str = "春") -> str:
    await who.taps("Materials")
    await who.taps("教学设计")
    await who.taps("Hand in")
    return await who.sends_file(name, papers.docx(text))


async def ready(stage: Stage, who: Actor) -> str:
    await begun(stage, who)
    await who.taps("Title")
    await who.says("《春》")
    await handed_in(stage, who)
    await who.taps("Back")
    await who.taps("Back")
    return await who.taps("Hand in")


async def test_from_the_menu_to_an_accepted_entry(stage: Stage) -> None:
    await a_competition(stage)
    luo = await a_coordinator(stage)
    lin = await stage.teacher("林若溪")
    assert "not handed in yet" in await begun(stage, lin)
    await lin.taps("Hand in")
    assert "title first" in lin.alert
    await lin.taps("Title")
    assert "《春》" in await lin.says("《春》")
    await lin.taps("Hand in")
    assert "教学设计" in lin.alert
    said = await handed_in(stage, lin)
    assert any("Receipt KT-" in each.text for each in lin.messages())
    assert "The check found no name" in said
    await lin.taps("Back")
    await lin.taps("Back")
    assert "your entry is in" in await lin.taps("Hand in")

    await luo.starts("desk")
    shown = await luo.taps("Entries to accept (1)")
    assert "林若溪" in shown
    shown = await luo.taps("林若溪")
    assert "教学设计: version 1" in shown
    await luo.taps("Send me the files")
    assert [name for name, _content in luo.files()] == ["教案.docx"]
    assert "Accepted" in await luo.taps("Accept")
    assert (await entry(stage)).state is CompetingState.COMPETING
    assert "accepted: 初赛" not in lin.sees()
    await stage.passes(minutes=11)
    assert "has been accepted: 初赛" in lin.sees()


async def test_a_mistake_is_undone_before_anybody_hears_of_it(stage: Stage) -> None:
    await a_competition(stage)
    luo = await a_coordinator(stage)
    lin = await stage.teacher("林若溪")
    await ready(stage, lin)
    await luo.starts("desk")
    await luo.taps("Entries to accept")
    await luo.taps("林若溪")
    await luo.taps("Accept")
    await luo.taps("Undo")
    assert (await entry(stage)).state is CompetingState.SUBMITTED
    places = await stage.database.read(lambda s: s.exec(select(EntryRound)).all())
    assert places == []
    before = lin.sees()
    await stage.passes(minutes=11)
    assert lin.sees() == before


async def test_what_is_returned_is_mended_and_handed_in_again(stage: Stage) -> None:
    await a_competition(stage)
    luo = await a_coordinator(stage)
    lin = await stage.teacher("林若溪")
    await ready(stage, lin)
    await luo.starts("desk")
    await luo.taps("Entries to accept")
    await luo.taps("林若溪")
    await luo.taps("Return")
    assert "Returned" in await luo.says("请补充教学反思")
    await stage.deliver()
    assert "请补充教学反思" in lin.sees()
    # The window has closed meanwhile: what came back can be mended until the round begins.
    await stage.passes(days=7, hours=2)
    assert "To be mended: 请补充教学反思" in await lin.taps("View")
    await lin.taps("Materials")
    await lin.taps("教学设计")
    await lin.taps("Replace")
    assert "version 2" in await lin.sends_file("教案.docx", papers.docx("春 反思"))
    await lin.taps("Back")
    await lin.taps("Back")
    assert "your entry is in" in await lin.taps("Hand in")
    found = await stage.database.read(
        lambda s: s.exec(select(Material.version, Material.removed_at)).all()
    )
    assert [(version, gone is None) for version, gone in found] == [(1, False), (2, True)]


async def test_a_name_is_found_and_told_to_the_entrant_alone(stage: Stage) -> None:
    await a_competition(stage)
    luo = await a_coordinator(stage)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    await lin.taps("Title")
    await lin.says("《春》")
    said = await handed_in(stage, lin, text="执教：林 若 溪")
    assert "“林若溪”, in the text" in said
    await lin.taps("Back")
    assert "1 name found" in lin.sees()
    await lin.taps("Back")
    assert "1 name of a person or a school was found" in await lin.taps("Hand in")
    assert "not handed in yet" in await lin.taps("Back to my entry")
    await lin.taps("Hand in")
    await lin.taps("Hand it in as it is")

    await luo.starts("desk")
    await luo.taps("Entries to accept")
    shown = await luo.taps("林若溪")
    assert "The check found 1 name" in shown
    assert "in the text" not in shown

    await lin.taps("Materials")
    await lin.taps("教学设计")
    assert "no name, you say" in await lin.taps("1: not a name")
    await luo.taps("Back")
    shown = await luo.taps("林若溪")
    assert "The check found" not in shown
    assert "Of 1 finding" in shown


async def test_a_name_in_the_title_is_told_to_who_enters_alone(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    await lin.taps("Title")
    assert "in the title: 林若溪." in await lin.says("林若溪《春》")
    await lin.taps("Title")
    assert "a name stands" not in await lin.says("《春》")


async def test_a_file_sent_to_the_list_of_materials_finds_its_place(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    await lin.taps("Materials")
    said = await lin.sends_file("照片.png", b"\x89PNG\r\n\x1a\n")
    assert "Please tap first which of these the file is" in said
    said = await lin.sends_file("教案.docx", papers.docx("春"))
    assert "The check found no name in it" in said
    assert any("Receipt KT-" in each.text for each in lin.messages())


async def test_the_wrong_file_is_asked_for_once_more(stage: Stage) -> None:
    await a_competition(stage)
    lin = await stage.teacher("林若溪")
    await begun(stage, lin)
    await lin.taps("Materials")
    await lin.taps("教学设计")
    await lin.taps("Hand in")
    assert "DOCX, PDF" in await lin.sends_file("课件.pptx", papers.pptx())
    assert "Handed in: version 1" in await lin.sends_file("教案.pdf", papers.pdf("Spring"))
    await lin.taps("Remove")
    assert "Not handed in yet" in await lin.taps("Remove")


async def test_an_entry_is_taken_back_and_the_reason_stays_private(stage: Stage) -> None:
    await a_competition(stage)
    luo = await a_coordinator(stage)
    lin = await stage.teacher("林若溪")
    await ready(stage, lin)
    await lin.taps("Leave competition")
    assert "taken back" in await lin.says("家里有事")
    found = await entry(stage)
    assert (found.state, found.reason) == (CompetingState.WITHDRAWN, "家里有事")

    venue_id = await stage.database.write(_venue)
    await luo.starts("menu")
    await luo.sends_data(f"kbz:{found.id}")
    assert "家里有事" not in luo.sees()
    await luo.sends_data(f"kbl:{venue_id}:0")
    assert "withdrawn 1" in luo.sees()

    await lin.taps("The competition")
    assert "not handed in yet" in await lin.taps("Enter")


def _venue(session: Session) -> int:
    first = session.exec(select(Round).order_by(Round.position)).first()  # type: ignore[arg-type]
    assert first is not None
    return venues.venue_for(
        session,
        first,
        make.school(session),
        venues.tracks(session, first.competition_id)[0].id,
        now=NOW,
    ).id


async def test_who_cannot_enter_reads_why(stage: Stage) -> None:
    await a_competition(stage)
    zhou = await stage.teacher("周既白", subject="数学")
    await zhou.starts("menu")
    await zhou.taps("Competitions")
    shown = await zhou.taps("课堂教学大赛")
    assert "not for you this time" in shown
    assert "Enter the competition" not in zhou.labels()
    lin = await stage.teacher("林若溪")
    await lin.starts("menu")
    await lin.taps("Competitions")
    await lin.taps("课堂教学大赛")
    await stage.passes(days=8)
    await lin.taps("Enter")
    assert "Entries closed" in lin.alert


async def test_an_organiser_takes_an_entry_out_for_a_reason(stage: Stage) -> None:
    await a_competition(stage)
    gu = await stage.holder("顾岩", Role.COUNTY_COORDINATOR, at="教师发展中心")
    lin = await stage.teacher("林若溪")
    await ready(stage, lin)
    found = await entry(stage)
    await gu.starts("menu")
    await gu.sends_data(f"kbz:{found.id}")
    await gu.taps("Take out")
    assert "Taken out" in await gu.says("作品非本人原创")
    await stage.passes(minutes=11)
    assert "作品非本人原创" in lin.sees()
    assert (await entry(stage)).state is CompetingState.DISQUALIFIED
