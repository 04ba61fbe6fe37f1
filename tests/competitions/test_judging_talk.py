"""A venue as its host, its judges and its entrants live it, by conversation."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from handlers.competitions import round_cards, turns
from handlers.competitions.buttons import OpenVenue
from handlers.competitions.entering_buttons import OpenFolder, OpenSlot
from handlers.competitions.judging_buttons import MyJudging
from storage import sheets
from storage.competitions import venues
from storage.competitions.tables import (
    Ballot,
    CompetingState,
    Competition,
    CompetitionState,
    Entry,
    EntryRound,
    Material,
    Venue,
)
from storage.messaging.tables import Chat, ChatPurpose
from storage.people import roles
from storage.people.tables import Role, TeacherFact
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
    await judge.says("/menu")
    await judge.taps("Judging")
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
    assert "No. 01: 81 (80 · 82)" in it.host.sees()
    await it.judges[0].says("/judging")
    await it.judges[0].taps("决赛")
    await it.judges[0].taps("Scores")
    await it.judges[0].taps("Sign")
    await it.judges[0].taps("Yes, sign")
    assert "Signed. Thank you." in it.judges[0].sees()
    assert "Next: decide on the list." in await at_desk(it)


@pytest.mark.parametrize("is_video", [False, True])
async def test_a_judge_sees_numbers_and_never_a_name_or_a_files_name(
    stage: Stage, is_video: bool
) -> None:
    it = await cast(stage)
    if is_video:
        await it.entrant.sends_video("林若溪教学设计.mp4", b"PK\x03\x04 plan")
    else:
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
                file_name="" if is_video else "林若溪教学设计.docx",
                mime="video/mp4" if is_video else "",
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
            assert "80" in await judge.says("30 50")
        await judge.taps("Back")
    ((name, content),) = judge.files()
    ending = "mp4" if is_video else "docx"
    assert name in (f"01 教学设计.{ending}", f"02 教学设计.{ending}")
    assert content == b"PK\x03\x04 plan"
    said = "\n".join(message.text for message in judge.messages())
    assert "林若溪" not in said
    assert "实验小学" not in said


async def laid_out(it: Cast) -> None:
    await it.host.taps("Order of turns")
    await it.host.taps("Lay it out")
    await it.host.taps("20 min")
    await it.host.says("nonsense")
    assert "I did not understand this" in it.host.sees()
    await it.host.says("2026-11-20 8:00-8:50")
    assert "This time is over" in it.host.sees()
    await it.host.says("Jan 29 8:00-8:50")
    assert "some of these turns are on other days" in it.host.sees()
    await it.host.says("Dec 4 8:00-8:30 @Hall\nDec 4 14:00-15:00")
    assert "2 turns are new or moved" in it.host.sees()
    await it.host.taps("Set the turns")
    assert "2 turns were set." in it.host.sees()


async def test_on_the_day_before_each_is_led_to_what_is_theirs(stage: Stage) -> None:
    it = await cast(stage)
    await panel_asked(stage, it)
    await at_desk(it)
    await it.host.taps("Draw the order")
    await it.host.taps("Yes, draw")
    await laid_out(it)
    await stage.passes(days=13, hours=7, minutes=45)
    said = it.entrant.sees()
    assert "your turn is Fri 4 Dec, " in said
    assert "your number is 0" in said
    assert "Your turn: Fri 4 Dec" in await it.entrant.taps("View")
    assert "begins Fri 4 Dec, 08:00" in it.judges[0].sees()
    assert "Judging has not begun yet" in await it.judges[0].taps("View")


async def test_turns_are_laid_out_told_moved_and_posted_by_number(stage: Stage) -> None:
    it = await cast(stage)
    group = stage.world.add_group("教师群", members=[it.host.id, it.entrant.id])

    def bind(session: Session) -> None:
        venue = session.get_one(Venue, it.venue_id)
        session.add(
            Chat(
                tg_chat_id=group.id,
                title="教师群",
                purpose=ChatPurpose.ALL_STAFF,
                unit_id=venue.unit_id,
                language="en",
            )
        )

    await stage.database.write(bind)
    await at_desk(it)
    await it.host.taps("Draw the order")
    await it.host.taps("Yes, draw")
    await laid_out(it)
    await stage.passes(minutes=1)
    assert "Your number" in it.entrant.sees()
    assert "Where: Hall" in it.entrant.sees()
    assert "your entry is registered as" in it.entrant.sees()
    before = len(it.entrant.messages())
    await it.host.taps("Post in groups")
    await it.host.taps("Yes, post it")

    async def look() -> None:
        await round_cards.refresh(stage.office.application.bot, stage.office.house)

    await look()
    await stage.passes(minutes=1)
    said = it.host.sees(at=group.id)
    cards = len(it.host.messages(at=group.id))
    assert "01" in said
    assert "14:00" in said
    assert "林若溪" not in said
    assert len(it.entrant.messages()) == before
    # Another time rings the one whom it concerns, and nobody else.
    mine = it.entrant.messages()[-1].text
    number = "01" if "<b>01</b>" in mine or "Your number: 01" in mine else "02"
    other = "02" if number == "01" else "01"
    await at_desk(it)
    await it.host.taps("Order of turns")
    await it.host.taps(other)
    await it.host.taps("Another time")
    await it.host.says("Dec 4 16:20 @Room 2")
    assert "4 Dec, 16:20, Room 2" in it.host.sees()
    await stage.passes(minutes=1)
    assert len(it.entrant.messages()) == before
    # The group's card follows, without another message.
    await look()
    assert "16:20" in it.host.sees(at=group.id)
    assert "Room 2" in it.host.sees(at=group.id)
    assert len(it.host.messages(at=group.id)) == cards
    await it.host.taps("Not there")
    await it.host.taps("Yes, note it")
    assert "did not take part" in it.host.sees()
    await it.host.taps("Came after all")
    # Who has been told of a time hears which it was.
    await at_desk(it)
    await it.host.taps("Order of turns")
    await it.host.taps(number)
    await it.host.taps("Another time")
    await it.host.says("Dec 4 17:00")
    await stage.passes(minutes=1)
    assert it.entrant.sees().startswith("[Change] Your turn has been moved; it was Fri 4 Dec, ")
    assert len(it.entrant.messages()) == before + 1


async def test_a_timetable_comes_back_as_a_table(stage: Stage) -> None:
    it = await cast(stage)
    await at_desk(it)
    await it.host.taps("Draw the order")
    await it.host.taps("Yes, draw")
    await it.host.taps("Order of turns")
    await it.host.taps("By table")
    name, _content = it.host.files()[-1]
    assert name.endswith(".xlsx")
    table = [
        ["编号", "日期", "时间", "地点"],
        ["01", "2026-12-04", "8:00", "三楼报告厅"],
        ["02", "2026-12-04", "8:20", ""],
        ["09", "2026-12-04", "8:40", ""],
    ]
    await it.host.sends_file("turns.xlsx", sheets.write([("时间安排", table)]))
    assert "2 turns are new or moved" in it.host.sees()
    assert "not understood" in it.host.sees()
    await it.host.taps("Set the turns")
    await it.host.taps("Back")
    assert "Where: 三楼报告厅" in it.host.sees()


async def test_paper_is_typed_by_two(stage: Stage) -> None:
    it = await cast(stage)
    second = await stage.holder("梁素问", Role.COUNTY_COORDINATOR, at="澄禾县教师发展中心")
    await begun(stage, it)
    await at_desk(it)
    await it.host.taps("Judges")
    await it.host.taps("Outside expert")
    await it.host.says("周远山")
    await it.host.taps("Back")
    await it.host.taps("Paper ballots")
    await it.host.taps("judge 3, no. 01")
    await it.host.says("30")
    assert "Please type 2 whole numbers" in it.host.sees()
    await it.host.says("30 50\n很有想法")
    assert "A second person has to type it, too." in it.host.sees()
    await second.says("/menu")
    await second.sends_data(OpenVenue(it.venue_id).data)
    await second.taps("Paper ballots")
    await second.taps("judge 3, no. 01")
    assert "30" not in second.sees().replace("0 to", "").replace("20 30", "")
    await second.says("31 50")
    assert "do not agree" in second.sees()
    await second.says("30 50")
    assert "Both agree" in second.sees()


async def test_a_sealed_ballot_is_asked_back_from_the_chief(stage: Stage) -> None:
    it = await cast(stage)
    await begun(stage, it)
    await judges_all(it.judges[1], "30 50")
    await it.judges[1].taps("Change it")
    assert "The chief judge has been asked" in it.judges[1].sees()
    await stage.passes(minutes=1)
    assert "Judge 2 asks for the ballot of no. 01 back" in it.judges[0].sees()
    await it.judges[0].taps("Give it back")
    await stage.passes(minutes=1)
    assert "is open again" in it.judges[1].sees()
    await it.judges[1].taps("To the ballot")
    await it.judges[1].says("31 50")
    assert "Together: 81" in it.judges[1].sees()


async def test_the_chief_closes_early_with_a_reason(stage: Stage) -> None:
    it = await cast(stage)
    await begun(stage, it)
    await judges_all(it.judges[0], "30 50", "37 51")
    await it.judges[0].taps("Back")
    await it.judges[0].taps("Close early")
    assert "2 of 4 ballots are in" in it.judges[0].sees()
    asked = await it.judges[0].says("评委2因病缺席")
    assert "Still open: judge 2 (2)" in asked
    assert "评委2因病缺席" in asked
    await it.judges[0].taps("Yes, reveal")
    assert "The marks are revealed." in it.judges[0].sees()


async def test_stale_keys_and_strangers_are_answered_and_change_nothing(stage: Stage) -> None:
    it = await cast(stage)
    await begun(stage, it)
    stranger = await stage.teacher("韩静仪")
    await stranger.says("/menu")
    assert "do not have the right" in await stranger.sends_data(OpenVenue(it.venue_id).data)
    ballot_id = await stage.database.read(_a_ballot)
    for data in (
        f"kg0:{ballot_id}",
        f"kg4:{ballot_id}:1",
        f"kg2:{ballot_id}:0:5",
        f"kj:{it.venue_id}",
        f"kgt:{it.venue_id}:0",
        f"kgs:{it.venue_id}:1",
    ):
        assert await stranger.sends_data(data)
    # The judge's own keypad with more points than there are.
    judge = it.judges[0]
    await judge.says("/judging")
    assert "from 0 to 40" in await judge.sends_data(f"kg2:{ballot_id}:0:99")
    await stage.database.write(_cancel)
    assert "not under way" in await judge.sends_data(f"kg2:{ballot_id}:0:9")
    await judge.says("/judging")
    assert "not asked to judge anything" in judge.sees()


def _a_ballot(session: Session) -> int:
    return session.exec(select(sa.func.min(Ballot.id))).one()


def _cancel(session: Session) -> None:
    session.exec(select(Competition)).one().state = CompetitionState.CANCELLED


async def test_a_judge_who_is_close_to_an_entry_sets_it_aside(stage: Stage) -> None:
    it = await cast(stage, judges=3)

    def fewer(session: Session) -> None:
        venue = session.get_one(Venue, it.venue_id)
        for round_ in venues.rounds(session, _competition(session)):
            if round_.id == venue.round_id:
                round_.judges = 2

    await stage.database.write(fewer)
    await begun(stage, it)
    judge = it.judges[2]
    await judge.says("/judging")
    await judge.taps("决赛")
    await judge.taps("01")
    await judge.taps("Not mine to judge")
    await judge.taps("Yes, set it aside")
    assert "— 01" in judge.labels()
    await judge.taps("— 01")
    assert "You do not judge this entry" in judge.sees()
    assert "Ballots in: 0 of 5" in await at_desk(it)


def _place(session: Session, it: Cast) -> EntryRound:
    return session.exec(
        select(EntryRound)
        .join(Entry, col(Entry.id) == col(EntryRound.entry_id))
        .where(EntryRound.venue_id == it.venue_id, Entry.teacher_id == it.entrant.teacher_id)
    ).one()


async def test_beginning_before_the_work_is_due_is_warned_of_and_told(stage: Stage) -> None:
    it = await cast(stage)
    await at_desk(it)
    await it.host.taps("Draw the order")
    await it.host.taps("Yes, draw")
    await panel_asked(stage, it)
    await at_desk(it)
    assert "may still replace their work by" in await it.host.taps("Begin judging")
    await it.host.taps("Yes, begin")
    place = await stage.database.read(_place, it)
    await it.entrant.says("/menu")
    for data in (
        OpenFolder(place.entry_id, place.round_id).data,
        OpenSlot(place.entry_id, place.round_id, 0).data,
    ):
        await it.entrant.sends_data(data)
        assert "Judging has begun" in it.entrant.sees()


async def test_who_holds_the_venue_and_judges_there_is_said_to_know_the_names(
    stage: Stage,
) -> None:
    it = await cast(stage)
    await at_desk(it)
    await it.host.taps("Judges")
    await it.host.taps("Ask somebody")
    await it.host.says("顾岩")
    assert "You hold this venue and know" in await it.host.taps("顾岩")
    assert "knows the names" in await it.host.taps("Yes, ask")
    await stage.passes(minutes=1)
    assert "You hold this venue, so you know" in it.host.sees()
    assert "by number alone" not in it.host.sees()


async def test_an_invitation_of_the_evening_is_said_to_go_out_in_the_morning(
    stage: Stage,
) -> None:
    it = await cast(stage)
    await stage.passes(hours=11)
    await at_desk(it)
    await it.host.taps("Judges")
    await it.host.taps("Ask somebody")
    await it.host.says("评委0")
    assert "They are told Mon 23 Nov, 08:00" in await it.host.taps("评委0")
    assert "goes out Mon 23 Nov, 08:00" in await it.host.taps("Yes, ask")
    assert "Would you be a judge?" not in it.judges[0].sees()


async def test_too_few_ballots_are_said_before_anybody_can_reveal(stage: Stage) -> None:
    it = await cast(stage, judges=1)
    await begun(stage, it)
    judge = it.judges[0]
    await judge.says("/judging")
    await judge.taps("决赛")
    await judge.taps("01")
    await judge.taps("Not mine to judge")
    await judge.taps("Yes, set it aside")
    await judge.taps("02")
    await judge.says("30 50")
    await judge.taps("Hand in")
    await judge.taps("Yes, hand in")
    shown = await at_desk(it)
    assert "No. 01: only 0 of the 1 ballot" in shown
    assert "ask another judge" in shown
    assert "Reveal the marks" not in it.host.labels()
    await judge.says("/judging")
    assert "No. 01: only 0 of the 1 ballot" in await judge.taps("决赛")
    assert "Reveal the marks" not in judge.labels()
    assert "Close early" in judge.labels()


def _competition(session: Session) -> int:
    return session.exec(select(Competition.id)).one()


async def test_judges_are_drawn_by_one_key_and_asked(stage: Stage) -> None:
    it = await cast(stage)
    await at_desk(it)
    await it.host.taps("Judges")
    await it.host.taps("Draw judges")
    await it.host.taps("Yes, draw")
    assert "2 judges were drawn and asked." in it.host.sees()


async def test_the_judges_list_says_what_is_to_be_done_where(stage: Stage) -> None:
    it = await cast(stage)
    await panel_asked(stage, it)
    judge = it.judges[0]
    await judge.says("/menu")
    await judge.sends_data(MyJudging().data)
    assert "课堂教学大赛 · 决赛" in judge.sees()
    assert "You have accepted: " in judge.sees()
    await at_desk(it)
    await it.host.taps("Draw the order")
    await it.host.taps("Yes, draw")
    await at_desk(it)
    await it.host.taps("Begin judging")
    await it.host.taps("Yes, begin")
    await judge.says("/menu")
    await judge.sends_data(MyJudging().data)
    assert "2 ballots of yours are still open." in judge.sees()


async def test_who_holds_the_venue_hears_what_they_wait_for(stage: Stage) -> None:
    it = await cast(stage)
    await begun(stage, it)
    chief, other = it.judges
    await other.says("/judging")
    await other.taps("决赛")
    await other.taps("02")
    await other.taps("Not mine to judge")
    await other.taps("Yes, set it aside")
    await stage.passes(minutes=1)
    assert "does not judge no. 02, because of a conflict" in it.host.sees()
    for judge, numbers in ((other, ("01",)), (chief, ("01", "02"))):
        for number in numbers:
            await judge.says("/judging")
            await judge.taps("决赛")
            await judge.taps(number)
            await judge.says("３０，５０")  # as an input method of full width types them
            await judge.taps("Hand in")
            await judge.taps("Yes, hand in")
    await stage.passes(minutes=1)
    assert "All ballots are in; the marks can be revealed." in it.host.sees()


async def test_the_chief_is_asked_to_sign(stage: Stage) -> None:
    it = await cast(stage)
    await begun(stage, it)
    for judge in it.judges:
        for number in ("01", "02"):
            await judge.says("/judging")
            await judge.taps("决赛")
            await judge.taps(number)
            await judge.says("30 50")
            await judge.taps("Hand in")
            await judge.taps("Yes, hand in")
    await stage.passes(minutes=1)
    await it.host.taps("The venue")
    await it.host.taps("Reveal the marks")
    await it.host.taps("Yes, reveal")
    await stage.passes(minutes=1)
    assert "As chief judge, please look at the scores and sign them" in it.judges[0].sees()
    assert "please look at the scores" not in it.judges[1].sees()
    await it.judges[0].taps("Scores")
    await it.judges[0].taps("Sign")
    await it.judges[0].taps("Yes, sign")
    assert "Thank you" in it.judges[0].sees()


async def test_a_judge_who_has_accepted_can_leave_once_asked_again(stage: Stage) -> None:
    it = await cast(stage)
    await panel_asked(stage, it)
    judge = it.judges[0]
    assert "I decline" not in judge.labels()
    await judge.taps("Judge no more")
    assert "Your ballots will not count" in judge.sees()
    await judge.taps("Judge no more")
    assert "you can still accept" in judge.sees()
    await stage.passes(minutes=1)
    assert "Judge 1 does not judge here" in it.host.sees()
    await judge.taps("I accept")
    await judge.taps("To judging")
    assert "Judging has not begun yet" in judge.sees()


async def test_who_is_named_for_a_venue_finds_it_without_a_desk(stage: Stage) -> None:
    han, lin = await stage.teacher("韩静仪"), await stage.teacher("林若溪")
    await han.starts("menu")
    assert "My venues" not in " ".join(han.labels())

    def enter(session: Session) -> None:
        assert han.teacher_id is not None
        assert lin.teacher_id is not None
        session.add(TeacherFact(teacher_id=han.teacher_id, key="duty", value="group_head"))
        row, _place = making.entry(
            session, making.competition(session), lin.teacher_id, state=CompetingState.SUBMITTED
        )
        first = venues.rounds(session, row.competition_id)[0]
        venues.venue_for(session, first, row.unit_id, row.track_id, now=NOW)

    await stage.database.write(enter)
    await han.starts("menu")
    assert "My desk" not in " ".join(han.labels())
    assert "课堂教学大赛" in await han.taps("My venues")
    await han.taps("1. 课堂教学大赛")
    await han.taps("初赛")
    assert "澄禾县实验小学" in await han.taps("澄禾县实验小学 小学语文")
    # The entries that wait to be accepted are a key of the venue; no way back ends at a desk.
    assert "林若溪" in await han.taps("Entries")
    await han.taps("Accept 1")
    await han.taps("Accept them")
    await han.taps("Back")
    assert "No entry waits for you" in han.sees()
    assert "good to see you" in await han.taps("Back")


def test_a_place_may_follow_the_time_with_or_without_a_mark() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    for typed in ("12月4日 14:00-16:00 录播 教室", "12月4日 14:00-16:00 @录播 教室"):
        blocks, place, lost = turns.read_blocks(typed, NOW, zone)
        assert (len(blocks), place, lost) == (1, "录播 教室", [])
    assert turns.read_blocks("下午见", NOW, zone) == ([], "", ["下午见"])
