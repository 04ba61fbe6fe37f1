"""After the judging, as organisers, entrants, schools and groups see it."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from handlers.training.buttons import OpenCertificates
from storage import sheets
from storage.competitions import awarding, venues
from storage.competitions.tables import (
    Competition,
    Entry,
    EntryRound,
    Honour,
    Round,
    TierProposal,
    TierProposalState,
)
from storage.messaging.tables import Chat, ChatPurpose
from storage.people.tables import Role
from tests.competitions import judged, making
from tests.make import NOW
from tests.stage import Actor, Stage

SCHOOL = "澄禾县实验小学"
NAMES = ("林若溪", "石晓岚", "韩静仪", "唐亦舟")


async def organiser(stage: Stage, *, school: bool = False) -> Actor:
    """Who holds it: the county, or the school of the entrants."""
    if school:
        return await stage.holder("罗佳宁", Role.SCHOOL_COORDINATOR, at=SCHOOL)
    return await stage.holder("顾岩", Role.COUNTY_COORDINATOR, at="教师发展中心")


async def judged_final(stage: Stage, position: int = 2) -> dict[str, Actor]:
    """Four entrants with a phone, judged: 90, 80, 70, 60."""
    people = {name: await stage.teacher(name, at=SCHOOL) for name in NAMES}

    def play(session: Session) -> None:
        made = making.competition(session)
        round_ = session.exec(select(Round).where(Round.position == position)).one()
        if position == 2:
            round_.publicity_from = NOW.date()
        places = []
        for who in people.values():
            assert who.teacher_id is not None
            entry, place = making.entry(session, made, who.teacher_id)
            if position == 2:
                assert place is not None
                session.delete(place)
                session.flush()
                place = venues.let_in(session, entry, round_, now=NOW)
            assert place is not None
            places.append(place)
        judged.score(session, places, judged.totals(90, 80, 70, 60))

    await stage.database.write(play)
    return people


async def decides(gu: Actor) -> str:
    await gu.says("/desk")
    await gu.taps("Venues and lists")
    await gu.taps("1")
    await gu.taps("Decide")
    return await gu.taps("Let it stand")


async def test_a_list_is_looked_at_decided_and_told_in_private(stage: Stage) -> None:
    gu = await organiser(stage, school=True)
    people = await judged_final(stage, position=1)
    said = await decides(gu)
    assert "You can still take it back" in said
    assert "Undo" in gu.labels()
    await stage.passes(minutes=5)
    assert people["林若溪"].sees() == ""
    await stage.passes(minutes=6)
    first, last = people["林若溪"].sees(), people["唐亦舟"].sees()
    assert "you go on to 决赛" in first
    assert "Next: prepare for 决赛" in first
    assert "thank you for taking part" in last or "reserve" in last
    assert "60" not in last
    mine = await people["林若溪"].taps("Comments")
    assert "评语 1" in mine
    assert "专家" not in mine
    assert "90" in mine
    assert "80" not in mine


async def test_taken_back_nobody_hears_of_it(stage: Stage) -> None:
    gu = await organiser(stage, school=True)
    people = await judged_final(stage, position=1)
    await decides(gu)
    await gu.taps("Undo")
    await stage.passes(hours=1)
    assert all(who.sees() == "" for who in people.values())


async def test_a_list_is_public_corrected_silently_taken_down_and_winners_are_congratulated(
    stage: Stage,
) -> None:
    gu = await organiser(stage)
    people = await judged_final(stage)
    group = stage.world.add_group("比赛群", members=[gu.id, people["唐亦舟"].id])

    def bind(session: Session) -> None:
        chat = session.exec(select(Chat).where(Chat.tg_chat_id == group.id)).first()
        if chat is None:
            chat = Chat(tg_chat_id=group.id, title="比赛群")
        chat.purpose = ChatPurpose.COMPETITION
        chat.competition_id = session.exec(select(Competition.id)).one()
        chat.language = "en"
        session.add(chat)

    await stage.settle()
    await stage.database.write(bind)
    await decides(gu)
    await stage.passes(minutes=11)
    assert "Public display: " in people["林若溪"].sees()
    assert "The public list" not in people["林若溪"].labels()
    await gu.says("/desk")
    await gu.taps("Venues and lists")
    assert "a list to put on public display" in gu.sees()
    await gu.taps("1")
    await gu.taps("Public display")
    assert "until then you can take it back" in await gu.taps("Put it up")
    await stage.passes(minutes=1)
    assert "[Public display]" not in gu.sees(at=group.id)
    await stage.passes(minutes=10)
    shown = gu.sees(at=group.id)
    assert "[Public display]" in shown
    assert "林若溪 (澄禾县实验小学)" in shown
    assert "韩静仪" not in shown
    assert "90" not in shown

    tang = people["唐亦舟"]
    await tang.taps("Objection", at=group.id)
    assert "1. 小学语文: 林若溪" in tang.sees()
    await tang.says("/start")
    await tang.taps("Competitions")
    await tang.taps("课堂教学大赛")
    assert "The public list" in tang.labels()
    await tang.taps("My entry")
    await tang.taps("The public list")
    assert "To object" in tang.sees()
    await tang.taps("1")
    await tang.says("课例曾公开发表")
    said = await tang.taps("Hand in")
    assert "is being looked into" in said
    await stage.passes(minutes=1)
    assert "An objection was raised" in gu.sees()
    assert "唐亦舟" not in gu.sees()
    assert "唐亦舟" in await gu.taps("Look and decide")
    await gu.taps("Take entry out")
    await gu.says("情况属实")
    preview = gu.sees()
    assert "林若溪 (澄禾县实验小学) is taken out" in preview
    assert "韩静仪 (澄禾县实验小学): " in preview
    await gu.taps("Confirm correction")
    assert "to be answered" not in gu.sees()
    await stage.passes(minutes=2)
    assert "was upheld" not in tang.sees()
    assert "林若溪" in gu.sees(at=group.id)
    cards = len(gu.messages(at=group.id))
    await stage.passes(minutes=10)
    assert "was upheld" in tang.sees()
    await stage.passes(minutes=1)
    assert len(gu.messages(at=group.id)) == cards  # in the place of the old one
    assert any("[Correction]" in one.text for one in people["林若溪"].messages())
    shown = gu.sees(at=group.id)
    assert "[Public display, corrected]" in shown
    assert "林若溪" not in shown

    await stage.passes(days=40)
    assert "[Public display" not in " ".join(m.text for m in gu.messages(at=group.id))
    await gu.says("/desk")
    await gu.taps("Venues and lists")
    assert "a result to confirm" in gu.sees()
    await gu.taps("1")
    shi = people["石晓岚"]
    before = " ".join(message.text for message in shi.messages())
    assert "you go on, and wait to be recommended for" in before
    assert "you are recommended for" not in before

    def consent(session: Session) -> None:
        mine = session.exec(select(Entry).where(Entry.teacher_id == shi.teacher_id)).one()
        mine.may_publish = True

    await stage.database.write(consent)
    await gu.taps("Confirm result")
    await gu.taps("Let it stand")
    await stage.passes(days=1)
    await stage.passes(days=2)
    assert "[Congratulations]" in gu.sees(at=group.id)
    assert gu.sees(at=group.id).count("“春”") == 1
    assert gu.sees(at=group.id).count("a teacher of") == 1  # who has not said yes
    texts = " ".join(message.text for message in shi.messages())
    assert "congratulations: 一等奖" in texts
    assert "you are recommended for" in texts
    await shi.says("/competitions")
    assert "石晓岚" in await shi.taps("My awards") or "一等奖" in shi.sees()
    await shi.sends_data(OpenCertificates().data)
    assert "with your awards" in shi.sees()
    await shi.taps("My awards")
    await shi.taps(shi.labels()[0])
    await shi.taps("Certificate")
    assert any(name.endswith(".pdf") for name, _content in shi.files())
    await shi.taps("Yes, share it")
    assert any("You agree to your work being shared" in one.text for one in shi.messages())

    def agree(session: Session) -> None:
        wanted = select(TierProposal).where(TierProposal.teacher_id == shi.teacher_id)
        row = session.exec(wanted).one()
        row.state = TierProposalState.SCHOOL_OK
        awarding.settle_proposal(session, gu.teacher_id or 0, row.id, True, now=stage.clock())

    await stage.database.write(agree)
    await stage.passes(days=3)
    assert any("the county agree to propose you for the tier" in m.text for m in shi.messages())


async def test_an_external_list_goes_out_as_a_table_and_comes_back_as_one(stage: Stage) -> None:
    gu = await organiser(stage)
    people = await judged_final(stage)
    assert "By their shares there are here: 一等奖 2." in await decides(gu)

    def confirmed(session: Session) -> None:
        round_ = session.exec(select(Round).where(Round.position == 2)).one()
        round_.publicity_from = round_.publicity_until = None

    await stage.database.write(confirmed)
    await stage.passes(minutes=11)
    await gu.says("/desk")
    await gu.taps("Venues and lists")
    await gu.taps("1")
    await gu.taps("Confirm result")
    await gu.taps("Let it stand")
    await gu.says("/desk")
    await gu.taps("Venues and lists")
    assert "1 entry to send up" in gu.sees()
    await gu.taps("1")
    await gu.taps("List as a table")
    (name, content) = gu.files()[-1]
    assert name.endswith(".xlsx")
    await gu.taps("Sent up")
    await gu.taps("Yes, it is sent")
    await stage.passes(minutes=1)
    assert any("your entry was sent up" in one.text for one in people["林若溪"].messages())
    await gu.taps("1 Outcome")
    await gu.says("市二等奖")
    assert "市二等奖" in gu.sees()
    await stage.passes(minutes=1)
    assert any("市二等奖" in one.text for one in people["林若溪"].messages())

    filled = _filled(content, "市一等奖")
    said = await gu.sends_file(name, filled)
    assert "1 outcome is recorded." in said

    def standing(session: Session) -> list[str]:
        found = select(Honour.award).where(Honour.level == "city", col(Honour.revoked_at).is_(None))
        return list(session.exec(found).all())

    assert await stage.database.read(standing) == ["市一等奖"]

    await gu.says("/desk")
    await gu.taps("Venues and lists")
    await gu.taps("课堂教学大赛")
    await gu.taps("Year's report")
    assert "rate of forwarding 1/1 = 100.0%" in gu.sees()
    await gu.taps("As a table")
    assert gu.files()[-1][0].endswith(".xlsx")


def _filled(content: bytes, outcome: str) -> bytes:
    book = sheets.read(content, "list.xlsx")
    rows = [list(row) for row in book.sheets[0].rows]
    width = len(rows[0])
    for row in rows[1:]:
        row += [""] * (width - len(row))
        row[-1] = outcome
    return sheets.write([(book.sheets[0].name, rows)])


async def test_a_stranger_with_a_forged_tap_sees_and_decides_nothing(stage: Stage) -> None:
    gu = await organiser(stage)
    people = await judged_final(stage)
    await decides(gu)
    await stage.passes(minutes=11)
    lin = people["林若溪"]

    def ids(session: Session) -> tuple[int | None, int]:
        rows = session.exec(select(EntryRound).order_by(col(EntryRound.id))).all()
        return rows[0].venue_id, rows[-1].id

    venue_id, place_id = await stage.database.read(ids)
    for data in (f"kdl:{venue_id}:0", f"kdo:{place_id}", "kdr:2:0", "kdg:1", "kdk:2:1"):
        assert "right" in await lin.sends_data(data) or "about you" in lin.alert, data


async def test_a_school_that_has_time_forwards_with_one_tap_or_passes_one_over(
    stage: Stage,
) -> None:
    gu = await organiser(stage, school=True)
    await judged_final(stage, position=1)

    def due(session: Session) -> None:
        session.exec(select(Round).where(Round.position == 1)).one().forward_due_at = (
            NOW + timedelta(days=5)
        )

    await stage.database.write(due)
    await decides(gu)
    await stage.passes(minutes=11)
    await gu.says("/desk")
    await gu.taps("Venues and lists")
    assert "2 entries to forward" in gu.sees()
    await gu.taps("1")
    await gu.taps("Not forward one")
    await gu.taps("石晓岚")
    assert "it cannot be taken back" in await gu.says("本人因病放弃")
    await gu.taps("Yes, not forward")
    assert "The first reserve has moved up" in gu.sees()
    await gu.taps("Back")
    await gu.taps("1")
    assert "cannot be taken back" in await gu.taps("Forward 2")
    await gu.taps("Yes, forward")
    assert gu.alert == "2 entries are forwarded to 决赛."
    assert "forwarded" in gu.sees()
