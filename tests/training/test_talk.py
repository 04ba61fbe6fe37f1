"""Registering, waiting and withdrawing, as the person at the phone sees it."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, func, select

from handlers.context import safe_name
from storage.training.tables import Quota, Registration, RegistrationState
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage


def state_of(session: Session, teacher_id: int, batch_id: int) -> RegistrationState | None:
    state = session.exec(
        select(Registration.state).where(
            Registration.teacher_id == teacher_id, Registration.batch_id == batch_id
        )
    ).one_or_none()
    return None if state is None else RegistrationState(state)


async def standing(stage: Stage, who: Actor, batch_id: int) -> RegistrationState | None:
    assert who.teacher_id is not None
    return await stage.database.read(state_of, who.teacher_id, batch_id)


async def test_the_home_card_leads_to_a_programme_and_a_seat_in_three_taps(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, "作业设计专题培训")
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    await lin.taps("Training for me")
    await lin.taps("作业设计")
    assert "You: you have a place" in await lin.taps("Register")
    assert lin.alert == "You have a place: 作业设计专题培训"
    assert await standing(stage, lin, batch_id) is RegistrationState.APPROVED


async def test_a_conversation_leaves_one_card(stage: Stage) -> None:
    await stage.database.write(make.batch)
    lin = await stage.teacher("林若溪")
    for text in ("/menu", "/programmes", "/hours", "/due", "/settings", "/help", "/menu"):
        await lin.says(text)
    for key in ("Training for me", "Back", "My hours", "Menu", "What is due", "Back"):
        await lin.taps(key)
    assert len([message for message in lin.messages() if not message.mine]) == 1


async def test_tapping_register_many_times_registers_once(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, seats=3)
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    message = lin.messages()[-1]
    data = message.button("Register")["callback_data"]
    for _ in range(5):
        stage.world.tap(lin.id, lin.id, message.id, data)
    await stage.settle()
    taken = await stage.database.read(lambda s: s.exec(select(Quota.taken)).one())
    assert taken == 1


async def test_the_card_that_follows_does_not_overwrite_where_one_has_gone_on(
    stage: Stage,
) -> None:
    batch_id = await stage.database.write(make.batch, "作业设计专题培训", seats=3)
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    card = lin.messages()[-1]
    stage.world.tap(lin.id, lin.id, card.id, f"reg:{batch_id}")
    stage.world.tap(lin.id, lin.id, card.id, "due:0", forged=True)
    await stage.settle()
    assert "What is due" in lin.sees()
    assert "Register" not in lin.labels()


@pytest.mark.parametrize("fault", ["error", "reset_before", "reset_after", "flood"])
async def test_a_card_is_shown_though_the_network_fails_for_a_moment(
    stage: Stage, fault: str
) -> None:
    await stage.database.write(make.batch, "作业设计专题培训")
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    stage.world.faults.add_named(fault, method="editMessageText")
    assert "作业设计" in "".join([await lin.taps("Training for me"), *lin.labels()])


async def test_the_last_seat_goes_to_whoever_taps_first_and_the_next_waits(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, "朗读指导", seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚", "zh-hans")
    await lin.starts(f"p{batch_id}")
    await shi.starts(f"p{batch_id}")
    await lin.taps("Register")
    await shi.sends_data(f"reg:{batch_id}")
    assert await standing(stage, lin, batch_id) is RegistrationState.APPROVED
    assert await standing(stage, shi, batch_id) is RegistrationState.WAITLISTED


async def test_a_freed_seat_is_offered_to_the_next_and_can_be_accepted(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, "朗读指导", seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    await shi.starts(f"p{batch_id}")
    assert "number 1 in the queue" in await shi.taps("Join the waiting list")
    await lin.taps("Withdraw")
    await lin.taps("Yes, withdraw")
    await stage.deliver()
    assert "朗读指导" in shi.sees()
    assert "Accept" in shi.labels()
    await shi.taps("Accept")
    assert shi.alert == "The seat is yours."
    assert await standing(stage, shi, batch_id) is RegistrationState.APPROVED
    assert "held for you" in await shi.taps("Why?")


async def test_an_offer_that_is_not_answered_goes_on_to_the_next(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, seats=1)
    lin = await stage.teacher("林若溪")
    shi = await stage.teacher("石晓岚")
    ding = await stage.teacher("丁广田")
    for who in (lin, shi, ding):
        await who.starts(f"p{batch_id}")
        await who.taps("Register" if who is lin else "Join the waiting list")
    await lin.taps("Withdraw")
    await lin.taps("Yes, withdraw")
    await stage.deliver()
    await stage.passes(days=4)
    assert await standing(stage, ding, batch_id) is RegistrationState.OFFERED
    await shi.taps("Accept")
    assert "run out" in shi.alert or "no longer held" in shi.alert
    assert await standing(stage, shi, batch_id) is RegistrationState.WAITLISTED


async def test_withdrawing_late_asks_for_the_reason_and_becomes_a_request(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch)
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    stage.clock.advance(timedelta(days=11))
    await lin.starts(f"p{batch_id}")
    shown = await lin.taps("Ask to withdraw")
    assert "a request, which the school decides. Until then you keep your place." in shown
    assert "offered" not in shown
    assert "Yes, withdraw" not in lin.labels()
    assert "with the school" in await lin.says("家中老人住院，需要陪护")
    request = await stage.database.read(lambda s: s.exec(select(Registration.leave_request)).one())
    assert request == "家中老人住院，需要陪护"
    assert await standing(stage, lin, batch_id) is RegistrationState.APPROVED


async def test_who_does_not_fit_is_told_why_in_words(stage: Stage) -> None:
    batch_id = await stage.database.write(
        make.batch, audience={"stage": ["kindergarten"], "subject": ["保教"]}
    )
    lin = await stage.teacher("林若溪")
    text = await lin.starts(f"p{batch_id}")
    assert "Not for you this time" in text
    assert "kindergarten" in text
    assert "roster says Chinese" in text
    assert "Register" not in lin.labels()
    await lin.sends_data(f"reg:{batch_id}")
    assert "not for you" in lin.alert
    assert await standing(stage, lin, batch_id) is None


async def test_a_clash_with_another_face_to_face_registration_warns(stage: Stage) -> None:
    first = await stage.database.write(make.batch, "朗读指导")
    second = await stage.database.write(make.batch, "书法与板书")
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{first}")
    await lin.taps("Register")
    assert "At the same time: 朗读指导" in await lin.starts(f"p{second}")
    await lin.taps("Register")
    assert "clashes with 朗读指导" in lin.alert


async def test_registration_that_is_not_open_or_over_is_refused_with_the_moment(
    stage: Stage,
) -> None:
    later = await stage.database.write(make.batch, reg_open=NOW + timedelta(days=3))
    lin = await stage.teacher("林若溪")
    await lin.starts(f"p{later}")
    await lin.sends_data(f"reg:{later}")
    assert "Registration opens on" in lin.alert
    assert "Remind me" in lin.labels()
    await lin.taps("Remind me")
    assert "🔔 Reminder is on" in lin.labels()
    stage.clock.advance(timedelta(days=10))
    await lin.sends_data(f"reg:{later}")
    assert "Registration closed on" in lin.alert


async def test_forged_malformed_and_stale_taps_change_nothing(stage: Stage) -> None:
    await stage.database.write(make.batch, seats=5)
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    for data in (
        "reg:",
        "reg:1:2",
        "reg:x",
        "reg:999999",
        "reg:-1",
        "oa:999999",
        "op:1",
        "nom:1:7",
        "wd:12345:1",
        "p:99999999999999999999",
        "nonsense",
        "reg:1 OR 1=1",
        "why:424242",
        "quiet:9:99999",
    ):
        await lin.sends_data(data)
        assert lin.alert, data
    rows = await stage.database.read(
        lambda s: s.exec(select(func.count(col(Registration.id)))).one()
    )
    assert rows == 0


async def test_one_persons_button_is_no_key_to_anothers_offer(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, seats=1)
    lin, shi = await stage.teacher("林若溪"), await stage.teacher("石晓岚")
    thief = await stage.teacher("别人")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    await shi.starts(f"p{batch_id}")
    await shi.taps("Join the waiting list")
    await lin.taps("Withdraw")
    await lin.taps("Yes, withdraw")
    await thief.says("/menu")
    await thief.sends_data("oa:1")
    assert "no longer there" in thief.alert
    assert await standing(stage, shi, batch_id) is RegistrationState.OFFERED


async def test_what_is_due_is_a_list_and_a_calendar_file(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, "朗读指导")
    lin = await stage.teacher("林若溪")
    assert "Nothing is due" in await lin.says("/due")
    await lin.starts(f"p{batch_id}")
    await lin.taps("Register")
    assert "朗读指导" in await lin.says("/due")
    await lin.taps("Add to calendar")
    sent = lin.messages()[-1]
    assert sent.document is not None
    assert sent.document["file_name"] == "My training dates.ics"


async def test_anything_else_gets_an_honest_answer(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    assert "I did not understand" in await lin.says("你好")
    assert "your school coordinator helps" in await lin.says("/nosuchcommand")
    said = await lin.says("ABCD-2345")
    assert "you are linked already, as 林若溪, and it was left as it is" in said
    assert "not know what to do with this file" in await lin.sends_file("list.txt", b"a list")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("《作业设计》签到二维码 11-20 0900.pdf", "《作业设计》签到二维码 11-20 0900.pdf"),
        ('语文/数学: "提升" <一期>?.xlsx', "语文 数学 提升 一期.xlsx"),
        ("..\\../etc.csv", "etc.csv"),
        ("培" * 200 + ".xlsx", "培" * 80 + ".xlsx"),
    ],
)
def test_a_file_has_a_name_that_every_system_takes(name: str, kept: str) -> None:
    assert safe_name(name) == kept
