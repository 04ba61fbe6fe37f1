"""A coordinator makes and runs a programme, and a teacher hears of it, at their phones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from bot.office import Office
from bot.settings import Settings
from storage.messaging.tables import (
    Deadline,
    DeadlineState,
    OutboxMessage,
    OutboxState,
)
from storage.people.tables import Draft, RoleAssignment
from storage.training.planning import PLANNED
from storage.training.tables import (
    Batch,
    Enrolment,
    Level,
    Mode,
    Module,
    Programme,
    ProgrammeState,
    Quota,
)
from tests import make
from tests.stage import TOKEN, Actor, Stage, Wire
from tests.training import desk

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def county(stage: Stage, name: str = "顾岩") -> Actor:
    gu = await stage.teacher(name, at="教师发展中心", subject="教研")
    assert gu.teacher_id is not None
    await stage.database.write(desk.appoint_in_county, gu.teacher_id)
    return gu


async def school(stage: Stage, name: str = "罗佳宁") -> Actor:
    luo = await stage.teacher(name)
    assert luo.teacher_id is not None
    await stage.database.write(desk.appoint_at_school, luo.teacher_id)
    return luo


@asynccontextmanager
async def restarted(stage: Stage) -> AsyncIterator[None]:
    """The process dies and comes back: the same world and database, nothing in memory."""
    before = stage.office
    settings = Settings(
        language="en",
        paid_broadcast=True,
        rate=1000,
        token=None,
        _env_file=None,  # type: ignore[call-arg]
    )
    stage.office = Office(
        settings,
        TOKEN,
        stage.database,
        stage.clock,
        bot_api="http://sandbox",
        request=Wire(stage.sandbox),
    )
    async with stage.office.open():
        yield
    stage.office = before


def only(session: Session, /) -> tuple[Programme, Batch]:
    return session.exec(
        select(Programme, Batch).join(Batch, col(Batch.programme_id) == col(Programme.id))
    ).one()


async def to_new(who: Actor) -> str:
    await who.says("/desk")
    await who.taps("Programmes")
    return await who.taps("New programme")


async def makes_draft(who: Actor, when: str = "12月10日 14:00-17:00") -> None:
    """The short way: title, kind, time, yes, place, seats."""
    await to_new(who)
    await who.taps("Without one")
    await who.says("作业设计专题培训")
    await who.taps("teaching skills")
    await who.says(when)
    await who.taps("Yes")
    await who.says("三楼报告厅")
    await who.says("30")
    await who.taps("Make the draft")


async def test_six_answers_make_a_draft_that_nobody_else_sees(stage: Stage) -> None:
    gu = await county(stage)
    lin = await stage.teacher("林若溪")
    assert "In about six answers" in await to_new(gu)
    assert "Please type the title" in await gu.taps("Without one")
    assert "What is it about?" in await gu.says("作业设计专题培训")
    assert "When?" in await gu.taps("teaching skills")
    assert "Wed 9 Dec 2026" in await gu.says("12月9日 14:00—17:00")
    understood = await gu.says("12月10日（周四）14:00—17:00")  # not yet right: said once more
    assert "Thu 10 Dec 2026, 14:00–17:00, in 20 days" in understood
    assert "Where?" in await gu.taps("Yes")
    assert "How many seats?" in await gu.says("三楼报告厅")
    ready = await gu.says("３０")
    assert "Seats: 30" in ready
    shown = await gu.taps("Make the draft")
    assert gu.alert == "The draft is made. No teacher sees it until it is published."
    assert "State: draft, seen by nobody else" in shown
    programme, batch = await stage.database.read(only)
    assert (programme.state, programme.level) == (ProgrammeState.DRAFT, Level.COUNTY)
    assert (programme.mode, programme.enrolment) == (Mode.FACE_TO_FACE, Enrolment.OPEN)
    assert batch.starts_at == datetime(2026, 12, 10, 14, tzinfo=SHANGHAI)
    assert batch.reg_close == datetime(2026, 12, 7, 17, tzinfo=SHANGHAI)
    assert await stage.database.read(lambda s: s.exec(select(Draft)).all()) == []
    await lin.says("/programmes")
    assert "No training that fits you" in lin.sees()


async def test_the_rest_can_be_asked_too_and_one_can_go_back(stage: Stage) -> None:
    gu = await county(stage)
    await stage.database.write(make.teacher, subject="数学")
    await to_new(gu)
    await gu.taps("Without one")
    await gu.says("命题研究")
    await gu.taps("teaching research")
    assert "could not read a time" in await gu.says("尽快吧")
    assert "That day is Thu 10 Dec" in await gu.says("12月10日（周五）")
    assert "should come before" in await gu.says("12月10日 17:00-14:00")
    await gu.says("12月10日")
    assert "When?" in await gu.taps("Type again")
    await gu.says("下周五下午")
    await gu.taps("Yes")
    await gu.taps("Not known yet")
    assert "whole number" in await gu.says("很多")
    await gu.taps("60")
    assert "Whose programme" in await gu.taps("Ask me the rest")
    await gu.taps("city")
    await gu.taps("blended")
    await gu.taps("the school nominates")
    await gu.taps("the school, then the organiser")
    await gu.taps("primary")
    assert any("✓ primary" in label for label in gu.labels())
    await gu.taps("Go on")
    await gu.taps("mathematics")
    await gu.taps("Go on")
    assert "For: stage: primary; subject: mathematics" in await gu.says("7.5")
    assert "7.5 hours" in gu.sees()
    assert "How many hours" in await gu.taps("Back")
    await gu.taps("16")
    await gu.taps("Make the draft")
    programme, batch = await stage.database.read(only)
    assert (programme.level, programme.mode) == (Level.CITY, Mode.BLENDED)
    assert programme.enrolment is Enrolment.NOMINATION
    assert programme.audience == {"stage": ["primary"], "subject": ["数学"]}
    assert programme.planned_hours == 16
    assert batch.nominate_close is not None
    assert batch.reg_close is None


async def test_a_template_gives_the_usual_of_its_kind(stage: Stage) -> None:
    gu = await county(stage)
    await to_new(gu)
    assert "School leaders" in await gu.taps("From a template")
    await gu.taps("›")
    await gu.taps("Kindergarten teachers")
    assert "take the usual one" in gu.sees()
    assert any("Kindergarten teachers" in label for label in gu.labels())
    await gu.taps("Kindergarten teachers")
    await gu.says("2026-12-07 至 2027-01-15")
    await gu.taps("Yes")
    ready = await gu.says("县幼儿园")
    assert "everybody concerned is enrolled" in ready
    assert "For: stage: kindergarten" in ready
    await gu.taps("Make the draft")
    programme, _batch = await stage.database.read(only)
    assert programme.template == "kindergarten"
    modules = await stage.database.read(
        lambda s: s.exec(select(Module.title).order_by(col(Module.position))).all()
    )
    assert len(modules) == 6


async def test_a_restart_in_the_middle_loses_nothing(stage: Stage) -> None:
    gu = await county(stage)
    await to_new(gu)
    await gu.taps("Without one")
    await gu.says("作业设计专题培训")
    await gu.taps("teaching skills")
    async with restarted(stage):
        assert "Understood: Thu 10 Dec" in await gu.says("12月10日 14:00-17:00")
    async with restarted(stage):
        await gu.says("/menu")
        shown = await to_new(gu)
        assert "begun and not finished: 作业设计专题培训" in shown
        assert "Understood" in await gu.taps("Go on with it")
        await gu.taps("Yes")
        await gu.says("三楼报告厅")
    async with restarted(stage):
        await gu.taps("40")
        await gu.taps("Make the draft")
    programme, _batch = await stage.database.read(only)
    assert programme.title == "作业设计专题培训"


async def test_giving_up_and_tapping_twice_leave_nothing_behind(stage: Stage) -> None:
    gu = await county(stage)
    await to_new(gu)
    await gu.taps("Without one")
    await gu.says("作业设计专题培训")
    message = gu.messages()[-1]
    data = message.button("teaching skills")["callback_data"]
    for _ in range(3):
        stage.world.tap(gu.id, gu.id, message.id, data)
    await stage.settle()
    assert "When?" in gu.sees()
    await gu.taps("Give up")
    assert gu.alert == "Forgotten; nothing was made."
    assert await stage.database.read(lambda s: s.exec(select(Draft)).all()) == []
    await makes_draft(gu)
    await gu.sends_data("pgrm")  # once more
    assert "no longer there" in gu.alert
    count = await stage.database.read(
        lambda s: s.exec(select(func.count()).select_from(Programme)).one()
    )
    assert count == 1


async def test_the_whole_life_of_a_programme(stage: Stage) -> None:
    gu = await county(stage)
    lin = await stage.teacher("林若溪")
    await makes_draft(gu)
    checked = await gu.taps("Check and publish")
    assert "It is for 2 persons." in checked
    assert "no module on ethics" in checked
    assert "more seats than people" in checked
    assert "State: published" in await gu.taps("Publish")
    assert gu.alert == "Published."
    await stage.passes(minutes=2)
    await lin.says("/programmes")
    await lin.taps("作业设计")
    assert "You: you have a place" in await lin.taps("Register")

    await gu.says("/desk")
    await gu.taps("Programmes")
    await gu.taps("1. 作业设计")
    await gu.taps("Look and change")
    await gu.taps("Time")
    await gu.says("12月12日 9:00-12:00")
    shown = await gu.says("12月11日 9:00-12:00")
    assert "Fri 11 Dec 2026, 09:00–12:00" in shown
    assert "1 person who is in is told" in shown
    assert "1 deadline moves with it" in shown
    message = gu.messages()[-1]
    data = message.button("Yes")["callback_data"]
    for _ in range(2):
        stage.world.tap(gu.id, gu.id, message.id, data)
    await stage.settle()
    await gu.taps("Place")
    await gu.says("二楼会议室")
    await gu.taps("Yes")
    await gu.taps("Description")
    assert "Nobody is told" in await gu.says("围绕单元作业设计。")
    await gu.taps("Yes")
    before = len(lin.messages())
    await stage.passes(minutes=5)
    told = lin.messages()[before:]
    assert len(told) == 1, [x.text for x in told]
    assert "New time: Fri 11 Dec, 09:00–12:00 (it was Thu 10 Dec, 14:00–17:00)" in told[0].text
    assert "New place: 二楼会议室 (it was 三楼报告厅)" in told[0].text

    await gu.taps("Back")
    await gu.taps("More")
    assert "stand still" in await gu.taps("Pause")
    assert "State: paused" in await gu.taps("Yes, pause")
    other = await stage.teacher("石晓岚")
    _programme, batch = await stage.database.read(only)
    await other.starts(f"p{batch.id}")
    assert "Register" not in other.labels()
    assert "paused" in await other.sends_data(f"reg:{batch.id}")
    assert "State: published" in await gu.taps("Go on")
    assert "the reminders are planned anew" in gu.alert

    await gu.taps("More")
    assert "1 person who is in or waiting is told" in await gu.taps("Cancel it")
    await gu.says("授课专家行程变更")
    assert "State: cancelled" in await gu.taps("Cancel it for good")
    before = len(lin.messages())
    await stage.passes(minutes=1)
    (called_off,) = lin.messages()[before:]
    assert "does not take place" in called_off.text
    assert "Reason: 授课专家行程变更" in called_off.text
    await stage.passes(days=30)
    assert len(lin.messages()) == before + 1

    def left(session: Session) -> int:
        return session.exec(
            select(func.count())
            .select_from(Deadline)
            .where(
                Deadline.state == DeadlineState.ACTIVE,
                col(Deadline.kind).not_in(PLANNED),  # what the calendar sets belongs to no class
            )
        ).one()

    assert await stage.database.read(left) == 0
    await gu.says("/desk")
    await gu.taps("Programmes")
    assert "· Over 1" in gu.labels()


async def test_a_change_that_is_put_right_in_time_tells_nobody(stage: Stage) -> None:
    gu = await county(stage)
    lin = await stage.teacher("林若溪")
    await makes_draft(gu)
    await gu.taps("Check and publish")
    await gu.taps("Publish")
    await stage.passes(minutes=2)
    _programme, batch = await stage.database.read(only)
    await lin.starts(f"p{batch.id}")
    await lin.taps("Register")
    for place in ("二楼会议室", "三楼报告厅"):
        await gu.sends_data(f"pgcw:{batch.id}:place")
        await gu.says(place)
        await gu.taps("Yes")
    before = len(lin.messages())
    await stage.passes(minutes=5)
    assert len(lin.messages()) == before
    rows = await stage.database.read(
        lambda s: s.exec(
            select(col(OutboxMessage.state)).where(OutboxMessage.kind == "programme_changed")
        ).all()
    )
    assert set(rows) == {OutboxState.SKIPPED}


async def test_seats_are_not_taken_from_under_people(stage: Stage) -> None:
    gu = await county(stage)
    await makes_draft(gu)
    await gu.taps("Look and change")
    await gu.taps("Seats")
    assert "Seats: 1, taken: 0" in await gu.says("1")
    await gu.taps("Check and publish")
    await gu.taps("Publish")
    await stage.passes(minutes=2)
    _programme, batch = await stage.database.read(only)
    people = [await stage.teacher(name) for name in ("林若溪", "石晓岚")]
    for someone in people:
        await someone.starts(f"p{batch.id}")
    await people[0].taps("Register")
    await people[1].taps("Register")
    await gu.sends_data(f"pgcw:{batch.id}:seats")
    assert "whole number" in await gu.says("0")
    assert "offered the new seats" in await gu.says("3")
    await gu.taps("Yes")
    await stage.passes(minutes=1)
    assert "held" in people[1].sees() or "seat" in people[1].sees()
    await gu.sends_data(f"pgcw:{batch.id}:seats")
    assert "cannot be fewer" in await gu.says("1")
    assert "cannot be fewer" in await gu.sends_data(f"pgct:{batch.id}:seats:all")
    await gu.sends_data(f"pgcw:{batch.id}:enrolment")
    await gu.taps("the school nominates")
    assert "2 people are in already" in gu.alert
    seats = await stage.database.read(lambda s: s.exec(select(Quota.seats, Quota.taken)).one())
    assert tuple(seats) == (3, 2)


async def test_a_programme_is_held_once_more(stage: Stage) -> None:
    gu = await county(stage)
    await makes_draft(gu)
    await gu.taps("Look and change")
    await gu.taps("Heading")
    await gu.says("2026年作业设计专题培训")
    await gu.taps("Back")
    await gu.taps("More")
    assert "When does it begin this time?" in await gu.taps("Hold it again")
    assert "Wed 8 Dec 2027" in await gu.says("2027-12-08 14:00")
    assert "State: draft" in await gu.taps("Yes")
    rows = await stage.database.read(
        lambda s: s.exec(
            select(Programme, Batch)
            .join(Batch, col(Batch.programme_id) == col(Programme.id))
            .order_by(col(Programme.id))
        ).all()
    )
    (first, _old), (copy, batch) = rows
    assert (copy.title, copy.cloned_from) == ("2027年作业设计专题培训", first.id)
    assert batch.starts_at == datetime(2027, 12, 8, 14, tzinfo=SHANGHAI)
    assert batch.ends_at == datetime(2027, 12, 8, 17, tzinfo=SHANGHAI)
    assert batch.reg_close == datetime(2027, 12, 5, 17, tzinfo=SHANGHAI)


async def test_one_more_class_and_who_looks_after_it(stage: Stage) -> None:
    gu = await county(stage)
    zhong = await stage.teacher("钟牧之")
    await makes_draft(gu)
    await gu.taps("More")
    await gu.taps("One more class")
    await gu.says("12月17日 14:00-17:00")
    await gu.taps("Yes")
    await gu.says("二楼")
    assert "Seats: 20" in await gu.taps("20")
    assert "Class 2" in await gu.taps("Add the class")
    await gu.taps("More")
    assert "Nobody is appointed" in await gu.taps("Who looks after it")
    await gu.taps("Add class teacher")
    assert "“钟牧”: 1 teacher." in await gu.says("钟牧")
    assert "Appoint 钟牧之" in await gu.taps("钟牧之")
    await gu.taps("Yes, appoint")
    assert "钟牧之 (澄禾县实验小学): class teacher" in gu.sees()
    await zhong.says("/desk")
    await zhong.taps("Programmes")
    assert "Class 2" in zhong.sees()
    assert "Class 1" not in zhong.sees()
    await stage.passes(hours=8)
    assert "class teacher of the training 作业设计专题培训" in zhong.sees()
    await gu.taps("End: 钟牧之")
    assert "Nobody is appointed" in await gu.taps("Yes, end it")
    assert "right to do this" in await zhong.says("/desk")
    kept = await stage.database.read(lambda s: s.exec(select(RoleAssignment.id)).all())
    assert len(kept) == 2


async def test_a_school_holds_school_based_training_only_and_others_nothing(
    stage: Stage,
) -> None:
    luo = await school(stage)
    lin = await stage.teacher("林若溪")
    gu = await county(stage)
    await makes_draft(gu)
    _programme, batch = await stage.database.read(only)
    await to_new(luo)
    await luo.taps("From a template")
    assert "national" not in luo.sees()
    await luo.taps("Back")
    await luo.taps("Without one")
    await luo.says("校本研修")
    await luo.taps("school-based study")
    await luo.says("下周三下午")
    await luo.taps("Yes")
    await luo.says("会议室")
    ready = await luo.taps("Without limit")
    assert "school-based · face to face" in ready
    assert "How is it taught?" in await luo.taps("Ask me the rest")
    await lin.says("/menu")
    for who in (luo, lin):
        for data in (
            f"pgcr:{batch.id}",
            f"pgcw:{batch.id}:place",
            f"pgct:{batch.id}:mode:remote",
            f"pgck:{batch.id}",
            f"pgub:{batch.id}",
            f"pgau:{batch.id}:1",
            f"pgre:{batch.id}",
            f"pgcn:{batch.id}:0",
            f"pgcs:{batch.id}:1",
            f"pgfi:{batch.id}:1",
            f"pgar:{batch.id}:1",
            f"pgdi:{batch.id}:1",
            f"pgrc:{batch.id}",
            f"pgrk:{batch.id}",
            f"pghl:{batch.id}",
            f"pghf:{batch.id}:0",
            f"pgha:{batch.id}:{lin.teacher_id}:0:1",
            f"pghe:{batch.id}:{lin.teacher_id}:0:1",
            f"runm:{batch.id}",
        ):
            assert "right to do this" in await who.sends_data(data), data
    for data in ("pgrn", "pgrb", "pgrt:0", "runl:d:0"):
        assert "right to do this" in await lin.sends_data(data), data


async def test_a_draft_can_be_thrown_away(stage: Stage) -> None:
    gu = await county(stage)
    await makes_draft(gu)
    await gu.taps("More")
    assert "gone for good" in await gu.taps("Throw away")
    await gu.taps("Yes, throw away")
    assert "Nothing is under way." in gu.sees()
    assert await stage.database.read(lambda s: s.exec(select(Batch)).all()) == []


async def test_a_programme_that_is_over_is_closed_and_put_away(stage: Stage) -> None:
    gu = await county(stage)
    await makes_draft(gu)
    await gu.taps("Check and publish")
    await gu.taps("Publish")
    _programme, batch = await stage.database.read(only)
    assert "It runs until" in await gu.sends_data(f"pgfi:{batch.id}:0")
    stage.clock.advance(timedelta(days=25))
    await gu.says("/desk")
    await gu.taps("Programmes")
    assert "ended, not closed yet" in gu.sees()
    await gu.taps("1. 作业设计")
    asked = await gu.taps("Close it")
    assert "with its 1 class?" in asked
    assert "Without a result yet: 0" in asked
    assert "ended, not closed yet" in await gu.taps("Leave it as it is")
    await gu.taps("Close it")
    assert "State: finished" in await gu.taps("Yes, close it")
    await gu.taps("More")
    await gu.taps("Put away")
    await gu.taps("Yes, put away")
    assert "Nothing is under way." in gu.sees()
