"""Seats, nominations and the decision log, as coordinators at their phones see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session, select

from storage.people import roles
from storage.people.tables import Posting, Role, UnitKind
from storage.training import registration, thinning
from storage.training.tables import Approval, Batch, Enrolment, RegistrationState
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training import seating

TITLE = "骨干教师国培"
SCHOOL, VILLAGE = "城东小学", "南塘乡中心小学"
DAY = timedelta(days=1)


@dataclass
class Play:
    """A county's coordinator, a school's, its people with phones, and a class."""

    batch_id: int
    han: Actor
    luo: Actor
    lin: Actor
    wang: Actor
    qiao: Actor  # helps out in the countryside this term


async def play(stage: Stage, **differs: object) -> Play:
    def build(session: Session) -> int:
        make.school(session, SCHOOL, area_type="urban")
        make.school(session, VILLAGE, area_type="rural")
        make.school(session, "教师发展中心", kind=UnitKind.TEACHER_DEV_CENTER)
        return make.batch(
            session,
            TITLE,
            seats=4,
            programme={
                "enrolment": Enrolment.NOMINATION,
                "approval": Approval.COUNTY,
                "audience": {"subject": ["语文"]},
            },
            reg_open=None,
            reg_close=None,
            nominate_close=NOW + 7 * DAY,
            roster_date=NOW + 10 * DAY,
            **differs,  # type: ignore[arg-type]
        )

    batch_id = await stage.database.write(build)
    han = await stage.teacher("韩县管", at="教师发展中心")
    luo = await stage.teacher("罗校管", at=SCHOOL, subject="体育")
    people = [await stage.teacher(name, at=SCHOOL) for name in ("林若溪", "王知远", "乔木")]

    def appoint(session: Session) -> None:
        assert people[2].teacher_id is not None
        assert han.teacher_id is not None
        assert luo.teacher_id is not None
        county, school = make.county(session), make.school(session, SCHOOL)
        roles.appoint(
            session, han.teacher_id, Role.COUNTY_COORDINATOR, county, today=seating.TODAY, now=NOW
        )
        roles.appoint(
            session, luo.teacher_id, Role.SCHOOL_COORDINATOR, school, today=seating.TODAY, now=NOW
        )
        session.add(
            Posting(
                teacher_id=people[2].teacher_id,
                unit_id=make.school(session, VILLAGE),
                since=date(2026, 9, 1),
                is_primary=False,
            )
        )

    await stage.database.write(appoint)
    return Play(batch_id, han, luo, *people)


async def to_class(who: Actor) -> None:
    await who.says("/desk")
    await who.taps("Programmes")
    await who.taps(TITLE)


async def state(stage: Stage, who: Actor, batch_id: int) -> RegistrationState | None:
    assert who.teacher_id is not None
    return await stage.database.read(seating.state, batch_id, who.teacher_id)


async def test_a_quota_of_two_with_one_rural_reserve_is_filled_and_changed_until_the_roster_date(
    stage: Stage,
) -> None:
    made = await play(stage)
    han, luo = made.han, made.luo
    await to_class(han)
    assert "In all 4" in await han.taps("Seats")
    await han.taps("Type or send list")
    shown = await han.says("城东小学 -3")  # nothing of it is taken, and the next line is heard
    assert "Not understood, and left out: 城东小学 -3" in shown
    shown = await han.says("城东小学 2 乡村1\n火星小学 4")
    assert "城东小学: 0 → 2 (3 in the audience), reserved: rural schools 1" in shown
    assert "Not understood, and left out: 火星小学 4" in shown
    assert "Open to all schools: 4 → 2" in shown
    press = han.messages()[-1].button("Hand out")["callback_data"]
    assert "Handed out: 1 school" in await han.taps("Hand out")
    await han.sends_data(press)  # the second of two taps
    assert "Handed out: 1 school" in han.sees()
    assert "Undo" in han.labels()

    await stage.passes(minutes=11)
    assert "城东小学 has 2 seats in 骨干教师国培" in luo.sees()
    shown = await luo.taps("My people")
    assert "城东小学: 2 of 2 seats left" in shown
    assert "reserved: rural schools 1; not filled yet: 1" in shown
    shown = await luo.taps("Nominate")
    assert "3 persons fit, of 4" in shown
    await luo.taps("罗校管")
    assert "罗校管 does not fit" in luo.alert
    await luo.taps("林若溪")
    assert "On the list: 林若溪、王知远" in (await luo.taps("王知远")).replace(", ", "、")
    await luo.taps("Nominate 2")
    assert "The seats that are left are reserved (rural schools 1)" in luo.alert
    assert "王知远 does not fill them" in luo.alert
    await luo.taps("王知远")
    await luo.taps("乔木")
    await luo.taps("Nominate 2")
    assert luo.alert == "2 persons are nominated."
    asked = next(label for label in luo.labels() if label.startswith("林若溪"))
    await luo.taps(asked)
    assert "nominated by the school, the teacher's answer is awaited" in luo.sees()

    await stage.deliver()
    assert "would like to send you to 骨干教师国培" in made.lin.sees()
    await made.lin.taps("Agree to go")
    await made.qiao.taps("Agree to go")
    assert await state(stage, made.lin, made.batch_id) is RegistrationState.SCHOOL_APPROVED

    # Before the roster date the school replaces a person; the reserve must stay filled.
    await to_class(luo)
    await luo.taps("My people")
    await luo.taps("乔木")
    await luo.taps("Send another")
    await luo.taps("王知远")
    assert "are reserved" in await luo.says("临时住院")
    await to_class(luo)
    await luo.taps("My people")
    await luo.taps("林若溪")
    await luo.taps("Send another")
    assert "王知远 goes instead" in await luo.taps("王知远")
    assert "王知远 goes instead of 林若溪" in await luo.says("临时住院")
    await stage.deliver()
    assert "A colleague goes to 骨干教师国培 in your place" in made.lin.sees()
    assert "would like to send you" in made.wang.sees()
    await made.wang.taps("Agree to go")
    await made.wang.taps("Why?")
    assert "Your school sent you in a colleague's place" in made.wang.sees()
    assert await state(stage, made.lin, made.batch_id) is RegistrationState.WITHDRAWN

    # After it, the school is refused, whatever old card it answers, and the county is not.
    stage.clock.advance(10 * DAY - timedelta(hours=1))
    await to_class(luo)
    await luo.taps("My people")
    await luo.taps("王知远")
    await luo.taps("Send another")
    await luo.taps("林若溪")
    stage.clock.advance(timedelta(hours=2))
    assert "The list was reported" in await luo.says("临时住院")
    await to_class(luo)
    await luo.taps("My people")
    assert "Nominate" not in luo.labels()
    await luo.taps("王知远")
    assert "Send another" not in luo.labels()
    await to_class(han)
    await han.taps("My people")
    await han.taps("王知远")
    await han.taps("Send another")
    await han.taps("林若溪")
    assert "林若溪 goes instead of 王知远" in await han.says("临时住院")


async def test_a_preview_changes_nothing_and_what_was_handed_out_can_be_taken_back(
    stage: Stage,
) -> None:
    made = await play(stage)
    han = made.han
    await to_class(han)
    await han.taps("Seats")
    shown = await han.taps("Equal shares")
    assert "城东小学: 0 → 3" in shown
    await han.taps("Keep some back")
    assert "Please type a number" in await han.says("some")
    assert "城东小学: 0 → 2" in await han.says("２")
    quotas = await stage.database.read(seating.quotas, made.batch_id)
    assert quotas == {0: (4, 0, 0)}
    await han.taps("Hand out")
    card = han.messages()[-1]
    await han.taps("Undo")
    assert "Undone" in han.alert
    quotas = await stage.database.read(seating.quotas, made.batch_id)
    assert quotas[0] == (4, 0, 0)
    await stage.passes(minutes=11)
    assert "has 2 seats" not in made.luo.sees()
    assert card.id


async def test_more_than_there_is_is_asked_once_more(stage: Stage) -> None:
    made = await play(stage)
    han = made.han
    await to_class(han)
    await han.taps("Seats")
    await han.taps("One school")
    await han.taps("城东小学")
    shown = await han.says("6 青年1")
    assert "This is 2 seats more than there are." in shown
    assert "Hand out" not in han.labels()
    await han.taps("Allow 2 more")
    shown = await han.taps("Seats")
    assert "Allowed beyond that: 2" in shown
    assert "reserved: teachers with up to five years of service 1" in shown
    await han.taps("Number of seats")
    assert "I did not understand that." in await han.says("很多")
    refused = await han.says("1")
    assert "taken or handed out already" in refused
    assert "type it again" in refused
    assert "In all 9" in await han.says("9个")
    await han.taps("Release")
    assert "Unused seats of schools go to everybody on Tue 1 Dec, 17:00" in await han.says(
        "12月1日"
    )
    await han.taps("Release")
    assert "Unused seats" not in await han.says("0")


async def test_a_table_dropped_into_the_chat_is_previewed_for_a_class(stage: Stage) -> None:
    made = await play(stage)
    han = made.han
    table = "学校,名额\n城东小学,2\n".encode()
    assert "For which class" in await han.sends_file("名额.csv", table)
    assert "城东小学: 0 → 2" in await han.taps(TITLE)
    await to_class(han)
    await han.taps("Seats")
    await han.taps("Type or send list")
    assert "城东小学: 0 → 2" in await han.sends_file("名额.csv", table)
    await made.lin.sends_file("名额.csv", table)
    assert "right to do this" in made.lin.sees()


async def test_buttons_of_others_give_no_right(stage: Stage) -> None:
    made = await play(stage)
    batch = made.batch_id
    forged = (
        *(f"st:{batch}:0", f"sts:{batch}:0:0", f"stt:{batch}:0", f"stp:{batch}:0"),
        *(f"stw:{batch}:capacity", f"stq:{batch}", f"thin:{batch}:1:0", f"thin:{batch}:0:1"),
        *(f"nm:{batch}:0", f"nc:{batch}:3:0:0", f"log:{batch}:1", f"nb:{batch}:1"),
    )
    await made.lin.says("/menu")
    for data in forged:
        said = await made.lin.sends_data(data)
        assert "right to do this" in said or "no longer there" in said, data
    await made.luo.says("/desk")
    for data in forged[:8]:
        assert "right to do this" in await made.luo.sends_data(data), data


async def test_a_clash_is_shown_and_the_school_may_insist(stage: Stage) -> None:
    made = await play(stage)
    luo, lin = made.luo, made.lin

    def busy(session: Session) -> None:
        assert lin.teacher_id is not None
        other = make.batch(session, "同一天的培训")
        registration.register(session, lin.teacher_id, other, now=NOW)

    await stage.database.write(busy)
    await to_class(luo)
    await luo.taps("My people")
    await luo.taps("Nominate")
    await luo.taps("Search")
    assert "Found for “若溪”" in await luo.says("若溪")
    await luo.taps("林若溪")
    shown = await luo.taps("Nominate 1")
    assert "林若溪: 同一天的培训" in shown
    assert await state(stage, lin, made.batch_id) is None
    await luo.taps("All the same")
    assert await state(stage, lin, made.batch_id) is RegistrationState.NOMINATED
    await luo.taps("林若溪")
    await luo.taps("Take back")
    assert luo.alert == "Taken back; the seat is free again."
    await stage.deliver()
    assert "taken back its nomination" in lin.sees()


async def test_who_goes_away_in_the_middle_of_choosing_finds_the_list_again(stage: Stage) -> None:
    made = await play(stage)
    await to_class(made.luo)
    await made.luo.taps("My people")
    await made.luo.taps("Nominate")
    await made.luo.taps("林若溪")
    await stage.passes(days=1)
    await made.luo.says("/hours")
    await to_class(made.luo)
    await made.luo.taps("My people")
    assert "On the list: 林若溪" in await made.luo.taps("Nominate")


async def test_the_log_is_sent_and_checked_when_it_comes_back(stage: Stage) -> None:
    made = await play(stage)
    luo = made.luo
    await to_class(luo)
    await luo.taps("My people")
    await luo.taps("Nominate")
    await luo.taps("林若溪")
    await luo.taps("Nominate 1")
    await stage.deliver()
    await made.lin.taps("Agree to go")
    await to_class(luo)
    assert "no line can be changed unnoticed" in await luo.taps("Decision log")
    await luo.taps("Get the file")
    name, content = luo.files()[-1]
    assert name == "骨干教师国培 decision log.jsonl"
    assert "林若溪" in content.decode()
    assert "2 lines, unbroken, the same as here." in await luo.sends_file(name, content)
    rows = content.decode().splitlines()
    line = json.loads(rows[2])
    line["line"] = line["line"].replace("accepted", "declined")
    altered = "\n".join([rows[0], rows[1], json.dumps(line, ensure_ascii=False), *rows[3:]])
    assert "Line 2 of the file was altered." in await luo.sends_file(name, altered.encode())
    assert "not a decision log" in await luo.sends_file("x.jsonl", b"{}")
    assert "right to do this" in await made.lin.sends_file(name, content)


async def test_a_thin_class_is_asked_about_cancelled_and_chosen_anew(stage: Stage) -> None:
    made = await play(stage)
    han, lin = made.han, made.lin

    def classes(session: Session) -> tuple[int, int]:
        return make.batch(session, "朗诵班", seats=9), make.batch(session, "书法班", seats=9)

    thin, other = await stage.database.write(classes)
    await lin.starts(f"p{thin}")
    await lin.taps("Register")
    await han.says("/desk")
    await han.taps("Programmes")
    await han.taps("朗诵班")
    await han.taps("Seats")
    await han.taps("Smallest class")
    shown = await han.says("3, 12-01 17:00, 12-04 17:00")
    assert "Smallest class: 3, decided on Tue 1 Dec, 17:00. There are 1 now." in shown
    stage.clock.advance(10 * DAY + timedelta(hours=8))  # Monday 17:00, a day before
    await stage.deliver()
    assert "朗诵班 has 1 person so far; the smallest class is 3" in han.sees()
    assert "朗诵班 has 1" not in lin.sees()
    await stage.passes(days=1, minutes=1)
    assert "does not take place. You may choose another class" in lin.sees()
    assert "another class by Fri 4 Dec, 17:00" in lin.sees()
    await lin.starts(f"p{other}")
    assert "register by Fri 4 Dec, 17:00" in lin.sees()
    assert "You: you have a place" in await lin.taps("Register")
    await made.wang.starts(f"p{other}")
    assert "Register" not in made.wang.labels()


async def test_the_organiser_lets_a_thin_class_run_or_cancels_it(stage: Stage) -> None:
    made = await play(stage)
    han = made.han

    async def ask(title: str) -> int:
        def build(session: Session) -> int:
            batch_id = make.batch(session, title, seats=9)
            assert han.teacher_id is not None
            thinning.set_minimum(
                session, han.teacher_id, batch_id, 3, stage.clock() + DAY, now=stage.clock()
            )
            return batch_id

        batch_id = await stage.database.write(build)
        await stage.deliver()
        assert title in han.sees()
        return batch_id

    async def cancelled(batch_id: int) -> bool:
        read: Callable[[Session], bool] = lambda s: (  # noqa: E731
            s.exec(select(Batch.cancelled_at).where(Batch.id == batch_id)).one() is not None
        )
        return await stage.database.read(read)

    runs = await ask("朗诵班")
    await han.taps("Run it all the same")
    assert han.alert == "The class runs."
    dies = await ask("合唱班")
    assert "This cannot be undone" in await han.taps("Cancel the class")
    assert "The class is cancelled" in await han.taps("Yes, cancel it")
    await stage.passes(days=2)
    assert not await cancelled(runs)
    assert await cancelled(dies)
