"""Menus in the chat: made by an organiser, chosen from by teachers, settled by the clock."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, col, select

from storage.people.tables import Role
from storage.training.tables import Batch, Enrolment, Menu, MenuChoice, Registration
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage

TODAY = date(2026, 11, 20)


async def organiser(stage: Stage) -> Actor:
    return await stage.holder("罗佳宁", Role.COUNTY_COORDINATOR, at="教师发展中心", stage="office")


async def classes(stage: Stage, seats: int = 1) -> None:
    def make_them(session: Session) -> None:
        for number, title in enumerate(("阅读教学", "实验教学", "心理辅导")):
            make.batch(
                session,
                title,
                seats=seats,
                audience={"stage": ["primary"]},
                programme={"enrolment": Enrolment.MENU},
                starts_at=NOW + timedelta(days=30 + number),
                ends_at=NOW + timedelta(days=30 + number, hours=6),
            )

    await stage.database.write(make_them)


async def make_menu(luo: Actor) -> str:
    await luo.says("/desk")
    await luo.taps("Programmes")
    assert "There is no menu yet" in await luo.taps("Menus")
    assert "What is the menu called" in await luo.taps("New menu")
    assert "When does it open" in await luo.says("冬季菜单")
    await luo.taps("At once")
    assert "could not read" in await luo.says("sometime")
    assert "How many" in await luo.says("2026-12-04 17:00")
    await luo.says("1-2")
    for title in ("阅读教学", "实验教学", "心理辅导"):
        await luo.taps(title)
    assert "3 are" in luo.sees()
    look = await luo.taps("Go on")
    assert "Please choose 1 to 2." in look
    assert "阅读教学" in look
    return await luo.taps("Make the menu")


async def test_a_menu_from_its_making_to_the_result(stage: Stage) -> None:
    luo = await organiser(stage)
    lin = await stage.teacher("林若溪")
    zhou = await stage.teacher("周明")
    lazy = await stage.teacher("何文")
    await classes(stage)

    desk = await make_menu(luo)
    assert "Chosen by 0 of 3" in desk

    await stage.passes(hours=7, minutes=45)
    assert "please choose from the menu" in lin.sees()
    card = await lin.taps("View")
    assert "1 more to choose." in card
    for actor in (lin, zhou):
        await actor.says("/programmes")
        await actor.taps("Choose: 冬季菜单 (0/1)")
        await actor.taps("阅读教学")
        await actor.taps("实验教学")
    await zhou.taps("↑")
    assert "1. 实验教学" in zhou.sees()
    await lin.taps("心理辅导")
    assert "give one up" in lin.alert
    rules = await lin.taps("How seats are given")
    assert "Hash of the seed" in rules
    assert "The seed:" not in rules

    # Registering is no way around it.
    await lin.says("/programmes")
    await lin.taps("3.")
    assert "Choose from the menu" in " ".join(lin.labels())
    assert "Register" not in lin.labels()
    batch_id = await stage.database.read(
        lambda s: s.exec(select(MenuChoice.batch_id).order_by(col(MenuChoice.id))).first()
    )
    assert "chosen from the menu" in await lin.sends_data(f"reg:{batch_id}")

    await luo.says("/desk")
    await luo.taps("Programmes")
    await luo.taps("Menus")
    figures = await luo.taps("冬季菜单")
    assert "Chosen by 2 of 3" in figures
    assert "阅读教学: seats 1, first wishes 1, all wishes 2" in figures

    # The day before it closes only who has chosen nothing is reminded.
    seen = {actor.name: len(actor.messages()) for actor in (lin, lazy)}
    stage.clock.advance(timedelta(days=12, hours=23, minutes=59))  # Thursday, 3 December
    await stage.deliver()
    assert "choosing closes" in lazy.sees()
    assert len(lin.messages()) == seen["林若溪"]

    stage.clock.advance(timedelta(days=1, hours=1))  # Friday, after the close
    await stage.deliver()
    got = await stage.database.read(
        lambda s: s.exec(select(Registration.teacher_id, col(Registration.state))).all()
    )
    assert len(got) == 4
    await stage.passes(days=3)
    result = lin.sees()
    assert "冬季菜单: you have a seat in 阅读教学" in result
    assert "You are on 1 waiting list." in result
    card = await lin.taps("My choice")
    assert "✓ You have a seat." in card
    assert "You are number 1 in the queue." in card
    assert "The seed:" in await lin.taps("How seats are given")
    await lin.says("/mine")
    await lin.taps("阅读教学")
    assert "Your wish number 1 from the menu" in await lin.taps("Why?")
    await luo.says("/desk")
    await luo.taps("Programmes")
    await luo.taps("Menus")
    assert "seats 1, given 1, waiting 1" in await luo.taps("冬季菜单")


async def test_a_menu_is_changed_and_cancelled_and_a_stranger_may_not(stage: Stage) -> None:
    luo = await organiser(stage)
    lin = await stage.teacher("林若溪")
    await classes(stage)
    await make_menu(luo)
    menu_id = await stage.database.read(lambda s: s.exec(select(Menu.id)).one())

    await luo.taps("How many")
    assert "Please choose 1." in await luo.says("1")
    await luo.taps("Classes")
    await luo.taps("心理辅导")
    await luo.taps("Back")
    assert "心理辅导" not in luo.sees()
    await luo.taps("Closing time")
    assert "Sat 5 Dec" in await luo.says("12月5日 12:00")

    await lin.starts(f"mn{menu_id}")
    await lin.taps("阅读教学")
    for data in (f"mnd:{menu_id}", f"mnk:{menu_id}:1", f"mnt:{menu_id}:1:0:0"):
        assert "do not have the right" in await lin.sends_data(data)

    assert "1 person has chosen" in await luo.taps("Cancel the menu")
    await luo.taps("Yes, cancel it")
    assert "cancelled" in luo.sees()
    await stage.passes(hours=8)
    assert "the menu was cancelled" in lin.sees()
    assert "cancelled" in await lin.sends_data(f"mnc:{menu_id}:1:1:0")


async def test_a_menu_that_is_begun_outlives_a_restart_and_can_be_given_up(stage: Stage) -> None:
    luo = await organiser(stage)
    await classes(stage)
    await luo.says("/desk")
    await luo.taps("Programmes")
    await luo.taps("Menus")
    await luo.taps("New menu")
    await luo.says("冬季菜单")
    await luo.says("/desk")
    await luo.taps("Programmes")
    await luo.taps("Menus")
    assert "When does it open" in await luo.taps("New menu")
    await luo.taps("Give up")
    assert "What is the menu called" in await luo.taps("New menu")


async def test_a_slip_in_a_new_menu_is_said_at_once_and_can_be_corrected(stage: Stage) -> None:
    luo = await organiser(stage)
    await luo.says("/desk")
    await luo.taps("Programmes")
    await luo.taps("Menus")
    assert "Please make one first" in await luo.taps("New menu"), "before anything is asked"

    def two_of_one(session: Session) -> None:
        batch_id = make.batch(
            session,
            "阅读教学",
            programme={"enrolment": Enrolment.MENU},
            starts_at=NOW + timedelta(days=30),
            ends_at=NOW + timedelta(days=30, hours=6),
        )
        first = session.get_one(Batch, batch_id)
        second = Batch(
            programme_id=first.programme_id,
            no=2,
            starts_at=first.starts_at,
            ends_at=first.ends_at,
        )
        session.add(second)

    await stage.database.write(two_of_one)
    await luo.taps("Back")
    await luo.taps("New menu")
    assert "at most 80 characters" in await luo.says("x" * 4000)
    await luo.says("冬季菜单")
    assert "When does it close" in await luo.says("2026-12-01 09:00")
    assert "must close in the future, and after it opens" in await luo.says("2026-11-30 17:00")
    await luo.says("2026-12-08 17:00")
    assert "At least one" in await luo.says("0")
    assert "At least one" in await luo.says("2-1")
    await luo.says("1")
    await luo.taps("Class 1")
    await luo.taps("Class 2")
    shown = await luo.taps("Go on")
    assert "· 阅读教学 · Class 1" in shown
    assert "· 阅读教学 · Class 2" in shown
    await luo.taps("Closing time")
    assert "Closes: Wed 9 Dec" in await luo.says("2026-12-09 12:00")
    await luo.taps("Opening time")
    assert "Opens: Wed 2 Dec" in await luo.says("2026-12-02 09:00")
    assert "阅读教学 · Class 1" in await luo.taps("Make the menu")
    await luo.taps("Opening time")
    assert "Thu 3 Dec" in await luo.says("2026-12-03 09:00")
