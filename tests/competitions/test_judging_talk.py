"""A venue as its host, its judges and its entrants live it, by conversation."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, select

from handlers.competitions.buttons import OpenVenue
from storage.competitions import venues
from storage.competitions.tables import (
    EntryRound,
    Material,
)
from storage.people import roles
from storage.people.tables import Role
from tests import make
from tests.competitions import making
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = NOW.date()
BEGUN = NOW - timedelta(days=8)


class Cast:
    """The people of the play, and the venue."""

    host: Actor
    judges: list[Actor]
    entrant: Actor
    venue_id: int


async def cast(stage: Stage, *, judges: int = 2) -> Cast:
    it = Cast()
    it.host = await stage.teacher("顾岩", at="澄禾县教师发展中心")
    it.judges = [await stage.teacher(f"评委{n}", at="云台镇第一小学") for n in range(judges)]
    it.entrant = await stage.teacher("林若溪")

    def set_up(session: Session) -> int:
        assert it.host.teacher_id is not None
        roles.appoint(
            session,
            it.host.teacher_id,
            Role.COUNTY_COORDINATOR,
            make.county(session),
            today=TODAY,
            now=NOW,
        )
        made = making.competition(session, begins=BEGUN)
        last = venues.rounds(session, made.id)[1]
        last.judges = judges
        assert it.entrant.teacher_id is not None
        people = [it.entrant.teacher_id, make.teacher(session, "石晓岚", at="柳渡镇中心小学")]
        for who in people:
            row, _first = making.entry(session, made, who, now=BEGUN)
            place = venues.let_in(session, row, last, now=BEGUN)
        assert place.venue_id is not None
        return place.venue_id

    it.venue_id = await stage.database.write(set_up)
    return it


async def at_desk(it: Cast) -> str:
    await it.host.says("/menu")
    await it.host.sends_data(OpenVenue(it.venue_id).data)
    return it.host.sees()


async def panel_asked(stage: Stage, it: Cast) -> None:
    for n, judge in enumerate(it.judges):
        await at_desk(it)
        await it.host.taps("Judges")
        await it.host.taps("Ask somebody")
        await it.host.says(judge.name)
        await it.host.taps(judge.name)
        await it.host.taps("Yes, ask")
        await stage.passes(minutes=1)
        assert "Would you be a judge?" in judge.sees()
        await judge.taps("I accept")
        if n == 0:
            await at_desk(it)
            await it.host.taps("Judges")
            await it.host.taps(judge.name)
            await it.host.taps("Leads the panel")


async def begun(stage: Stage, it: Cast) -> None:
    await at_desk(it)
    await it.host.taps("Draw the order")
    await it.host.taps("Yes, draw")
    await panel_asked(stage, it)
    await at_desk(it)
    await it.host.taps("Begin judging")
    await it.host.taps("Yes, begin")


async def judges_all(judge: Actor, *marks: str) -> None:
    await judge.says("/judging")
    await judge.taps("决赛")
    await judge.taps("01")
    for n, each in enumerate(marks):
        await judge.says(each)
        await judge.taps("Hand in")
        await judge.taps("Yes, hand in")
        assert "Handed in and sealed." in judge.sees()
        if n < len(marks) - 1:
            await judge.taps("Next: no.")


async def test_from_the_draw_to_the_signed_scores(stage: Stage) -> None:
    it = await cast(stage)
    assert "waiting for the draw" in await at_desk(it)
    await it.host.taps("How to check")
    assert "The seed is shown with the draw" in it.host.sees()
    await begun(stage, it)
    await judges_all(it.judges[0], "30 50", "37 51")
    await at_desk(it)
    assert "Ballots in: 2 of 4" in it.host.sees()
    assert "judge 2 (2)" in it.host.sees()
    await it.host.taps("Remind judges")
    await stage.passes(minutes=1)
    assert "2 ballots of yours are still open" in it.judges[1].sees()
    await it.judges[1].taps("To judging")
    await it.judges[1].taps("01")
    await it.judges[1].taps("教学目标")
    await it.judges[1].taps("3")
    await it.judges[1].taps("2")
    await it.judges[1].taps("✓")
    assert "教学过程" in it.judges[1].sees()
    await it.judges[1].says("50")
    await it.judges[1].taps("Comment")
    await it.judges[1].says("板书清楚，节奏可以再慢一些。")
    await it.judges[1].taps("Hand in")
    assert "Together: 82" in it.judges[1].sees()
    await it.judges[1].taps("Yes, hand in")
    await it.judges[1].taps("Next: no. 02")
    await it.judges[1].says("38 50")
    await it.judges[1].taps("Hand in")
    await it.judges[1].taps("Yes, hand in")
    await at_desk(it)
    await it.host.taps("Reveal the marks")
    await it.host.taps("Yes, reveal")
    assert "No. 01: <b>81</b> (80 · 82)" in it.host.sees() or "No. 01: 81" in it.host.sees()
    await it.judges[0].says("/judging")
    await it.judges[0].taps("决赛")
    await it.judges[0].taps("Scores")
    await it.judges[0].taps("Sign")
    await it.judges[0].taps("Yes, sign")
    assert "Signed. Thank you." in it.judges[0].sees()
    assert "Next: decide on the list." in await at_desk(it)


async def test_a_judge_sees_numbers_and_never_a_name_or_a_files_name(stage: Stage) -> None:
    it = await cast(stage)
    await it.entrant.sends_file("林若溪教学设计.docx", b"PK\x03\x04 plan")

    sent = next(one for one in reversed(it.entrant.messages()) if one.document is not None)
    assert sent.document is not None
    file_id = str(sent.document["file_id"])

    def hand_in(session: Session) -> None:
        place = session.exec(select(EntryRound).where(EntryRound.venue_id == it.venue_id)).first()
        assert place is not None
        session.add(
            Material(
                entry_id=place.entry_id,
                round_id=place.round_id,
                slot="plan",
                version=1,
                file_id=file_id,
                file_name="林若溪教学设计.docx",
                size=9,
                uploaded_by=it.entrant.teacher_id or 0,
                uploaded_at=NOW,
            )
        )

    await stage.database.write(hand_in)
    await begun(stage, it)
    judge = it.judges[1]
    await judge.says("/judging")
    await judge.taps("决赛")
    for number in ("01", "02"):
        await judge.taps(number)
        if any("教学设计" in label for label in judge.labels()):
            await judge.taps("Send: 教学设计")
        await judge.taps("Back")
    ((name, content),) = judge.files()
    assert name in ("01 教学设计.docx", "02 教学设计.docx")
    assert content == b"PK\x03\x04 plan"
    said = "\n".join(message.text for message in judge.messages())
    assert "林若溪" not in said
    assert "实验小学" not in said
