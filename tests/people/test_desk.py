"""The desk, as the coordinator at the phone sees it."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, select

from handlers.people.buttons import OpenWaiting
from handlers.people.desk import desk_card
from handlers.people.waiting_text import waiting_text
from handlers.training.buttons import OpenRun
from handlers.training.nominating_buttons import OpenMembers
from storage.overview import Overview
from storage.people import roles
from storage.people.staff import Desk
from storage.people.tables import Account, Posting, Role
from storage.waiting_for import Waiting, gathered
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training.test_timetable_talk import organiser

TODAY = date(2026, 11, 20)


def make_coordinator(session: Session, teacher_id: int) -> None:
    unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == teacher_id)).one()
    roles.appoint(session, teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW)


async def coordinator(stage: Stage) -> Actor:
    luo = await stage.teacher("罗佳宁")
    assert luo.teacher_id is not None
    await stage.database.write(make_coordinator, luo.teacher_id)
    return luo


async def test_help_shows_whoever_looks_after_others_to_the_desk(stage: Stage) -> None:
    luo = await coordinator(stage)
    assert "You look after others" in await luo.says("/help")
    assert "school training coordinator" in await luo.taps("My desk")
    lin = await stage.teacher("林若溪")
    assert "You look after others" not in await lin.says("/help")
    assert "My desk" not in lin.labels()


async def test_a_coordinator_gives_a_colleague_a_code_in_four_taps(stage: Stage) -> None:
    luo = await coordinator(stage)
    await stage.database.write(make.teacher, "林若溪")
    await luo.says("/menu")
    assert "school training coordinator" in await luo.taps("My desk")
    assert "Not linked yet: 1" in await luo.taps("实验小学")
    assert "no code has been issued" in await luo.taps("林若溪")
    shown = await luo.taps("Issue a link code")
    assert "Link code for 林若溪" in shown
    (copy,) = [
        button["copy_text"]["text"]
        for row in luo.messages()[-1].buttons
        for button in row
        if "copy_text" in button
    ]
    assert copy in shown

    newcomer = stage.world.add_person("林若溪", language_code="en")
    lin = Actor(stage, newcomer.id, "林若溪")
    await lin.starts()
    assert "林若溪" in await lin.says(copy)
    assert "A code" not in await luo.taps("Back")
    assert "Linked" in luo.sees()
    await luo.taps("Back")
    assert any(label.startswith("✓ 林若溪") for label in luo.labels())


async def test_an_empty_office_is_told_its_first_steps(stage: Stage) -> None:
    gu = await stage.teacher("顾岩", at="澄禾县教师发展中心")

    def first(session: Session) -> None:
        assert gu.teacher_id is not None
        county = make.county(session)
        roles.appoint(session, gu.teacher_id, Role.COUNTY_COORDINATOR, county, today=TODAY, now=NOW)

    await stage.database.write(first)
    shown = await gu.says("/desk")
    assert "Import a roster" in shown
    assert "Make the first programme" in shown
    assert "Nothing waits" not in shown
    await stage.database.write(make.teacher, "林若溪")
    shown = await gu.says("/desk")
    assert "Import a roster" not in shown
    assert "Make the first programme" in shown
    await stage.database.write(make.batch)
    shown = await gu.says("/desk")
    assert "First steps" not in shown
    assert "Nothing waits for you at the moment." in shown


async def test_who_has_no_role_has_no_desk(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    assert "My desk" not in lin.labels()
    assert "right to do this" in await lin.says("/desk")
    luo = await coordinator(stage)
    for data in (
        "desk:0",
        "staff:1:0:0",
        f"who:{luo.teacher_id}:0:0",
        f"give:{luo.teacher_id}:0:0",
    ):
        assert "right to do this" in await lin.sends_data(data)


async def test_a_role_that_ends_takes_its_open_cards_along(stage: Stage) -> None:
    luo = await coordinator(stage)
    other = await stage.database.write(make.teacher, "林若溪")
    await luo.says("/desk")
    await luo.taps("实验小学")

    def end(session: Session) -> None:
        unit_id = session.exec(select(Posting.unit_id).where(Posting.teacher_id == other)).one()
        assert luo.teacher_id is not None
        roles.dismiss(
            session, luo.teacher_id, Role.SCHOOL_COORDINATOR, unit_id, today=TODAY, now=NOW
        )

    await stage.database.write(end)
    await luo.taps("林若溪")
    assert "right to do this" in luo.alert


async def test_the_list_can_be_turned_and_narrowed(stage: Stage) -> None:
    luo = await coordinator(stage)

    def more(session: Session) -> None:
        for number in range(12):
            make.account(session, make.teacher(session, f"同事{number:02}"))

    await stage.database.write(more)
    await luo.says("/desk")
    await luo.taps("实验小学")
    assert "1 / 2" in luo.labels()
    await luo.taps("›")
    assert "2 / 2" in luo.labels()
    assert "Everybody has linked." in await luo.taps("Show who has not linked")
    await luo.taps("Show everybody")
    assert "1 / 2" in luo.labels()


async def test_a_colleague_is_found_by_name_or_staff_number(stage: Stage) -> None:
    luo = await coordinator(stage)
    await stage.database.write(make.teacher, "林若溪", staff_no="CH060012")
    await stage.database.write(make.teacher, "林若水", at="第二小学", staff_no="CH070001")
    await luo.says("/desk")
    assert "type a part of the name" in await luo.taps("Find a teacher")
    found = await luo.says("林若")
    assert "“林若”: 1 teacher." in found  # the other one is at another school
    assert "林若溪" in await luo.taps("林若溪")
    await luo.says("/desk")
    await luo.taps("Find a teacher")
    assert "1 teacher" in await luo.says("ch060012")
    await luo.taps("Search again")
    assert "Nobody whom you look after" in await luo.says("100%_")
    assert "1 teacher" in await luo.says("林若")  # a mistyped name is typed again
    await luo.taps("Back")
    said = await luo.says("林若")
    assert "I did not understand" in said
    assert "on your desk" in said
    assert "your school coordinator" not in said
    assert "My desk" in luo.labels()


async def test_of_who_has_closed_the_chat_it_is_not_said_that_messages_arrive(stage: Stage) -> None:
    luo = await coordinator(stage)
    xin = await stage.teacher("辛慕贤")
    await luo.says("/desk")
    await luo.taps("Find a teacher")
    await luo.says("辛慕贤")
    assert "Linked: messages reach" in await luo.taps("辛慕贤")

    def close(session: Session) -> None:
        account = session.exec(select(Account).where(Account.teacher_id == xin.teacher_id)).one()
        account.reachable = False

    await stage.database.write(close)
    await luo.says("/desk")
    await luo.taps("Find a teacher")
    await luo.says("辛慕贤")
    shown = await luo.taps("辛慕贤")
    assert "Linked, but messages do not arrive" in shown
    assert "messages reach" not in shown


async def test_a_search_shows_the_first_and_says_how_many_there_are(stage: Stage) -> None:
    luo = await coordinator(stage)

    def more(session: Session) -> None:
        for number in range(12):
            make.teacher(session, f"王同事{number:02}")

    await stage.database.write(more)
    await luo.says("/desk")
    await luo.taps("Find a teacher")
    found = await luo.says("王")
    assert "12 teachers" in found
    assert "type more of the name" in found
    assert sum("王同事" in label for label in luo.labels()) == 8


async def test_who_has_no_role_cannot_search(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    assert "right to do this" in await lin.sends_data("find")
    assert "I did not understand" in await lin.says("罗")


def test_of_many_things_that_wait_none_is_hidden() -> None:
    classes = [Waiting("attendance", 2, 10 + n, f"班{n}") for n in range(8)]
    waiting = (*classes, Waiting("hours", 59, 30, "幼儿园教师培训"), Waiting("claims", 1))
    desk = Desk(roles=(), units=(), acts=frozenset())
    card = desk_card(Overview(desk, waiting), "en")
    assert "1. attendance of 16 meetings to enter, in 8 classes" in card.text
    assert "2. 幼儿园教师培训: hours of 59 persons to post" in card.text
    assert "· 1 claim of hours" in card.text
    keys = [key.press for key in card.keys[0]]
    assert keys == [OpenWaiting("attendance"), OpenRun(30)]
    few = desk_card(Overview(desk, waiting[5:]), "en")
    assert "1. 班5: attendance of 2 meetings" in few.text


def test_persons_of_several_classes_are_not_added_up() -> None:
    waiting = gathered(Waiting("hours", 40, n, "班") for n in range(1, 4))
    assert waiting_text(waiting[0], "en") == "hours to post in 3 classes"


async def test_a_line_of_several_classes_leads_to_the_list_of_them(stage: Stage) -> None:
    gu = await organiser(stage)

    def classes(session: Session) -> None:
        for n in range(9):
            three, two = NOW - timedelta(days=3), NOW - timedelta(days=2)
            make.batch(session, f"专题{n}", starts_at=three, ends_at=two)

    await stage.database.write(classes)
    shown = await gu.says("/desk")
    assert "1. 9 classes to close" in shown
    assert "Programmes (9)" in gu.labels()
    shown = await gu.taps("1")
    assert "1. 专题0: 1 class to close" in shown
    assert "8. 专题7" in shown
    shown = await gu.taps("›")
    assert "9. 专题8: 1 class to close" in shown
    assert "专题8" in await gu.taps("9. 专题8")


def test_the_number_leads_to_the_thing_itself() -> None:
    waiting = (Waiting("nominate", 4, 10, "班主任培训"), Waiting("ended", 1, 11, "微课培训"))
    desk = Desk(roles=(), units=(), acts=frozenset())
    ways = {"nominate": OpenMembers(10)}
    card = desk_card(Overview(desk, waiting), "en", (), lambda kind, _batch_id: ways.get(kind))
    assert [key.press for key in card.keys[0]] == [OpenMembers(10), OpenRun(11)]


async def test_every_thing_that_waits_in_a_class_leads_somewhere(stage: Stage) -> None:
    kinds = ("approvals", "withdrawals", "leaves", "nominate", "attendance", "work", "results")
    doors = stage.office.application.bot_data
    ways = {kind for door in (*doors["run"], *doors["ways"]) for kind in door.kinds}
    assert ways == {*kinds, "hours", "hours_changed", "hours_dropped", "make_up", "thin"}
