"""Approvals as coordinators and teachers live them, on the whole product."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from storage.messaging import outbox
from storage.messaging.tables import OutboxMessage, OutboxState
from storage.people import roles
from storage.people.tables import Role
from storage.training.tables import Approval, ClassSession, RegistrationState
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training.test_talk import standing

HERE, THERE = "城东小学", "南塘乡中心小学"
TITLE = "作业设计专题培训"
DAY = timedelta(days=1)


async def coordinator(
    stage: Stage, name: str = "管理员", role: Role = Role.SCHOOL_COORDINATOR, at: str = HERE
) -> Actor:
    return await stage.holder(name, role, at=at)


async def class_of(stage: Stage, approval: Approval = Approval.COUNTY, **batch: Any) -> int:
    return await stage.database.write(make.batch, TITLE, programme={"approval": approval}, **batch)


async def registered(stage: Stage, batch_id: int, *names: str, at: str = HERE) -> list[Actor]:
    people = [await stage.teacher(name, at=at) for name in names]
    for who in people:
        await who.starts(f"p{batch_id}")
        await who.taps("Register")
    return people


def sent(session: Session, kind: str) -> list[OutboxState]:
    found = session.exec(select(OutboxMessage.state).where(OutboxMessage.kind == kind)).all()
    return [OutboxState(state) for state in found]


def texts(who: Actor, part: str) -> int:
    """How many messages of the bot with this in it the person has."""
    return sum(part in message.text for message in who.messages() if not message.mine)


async def test_a_registration_goes_its_whole_way(stage: Stage) -> None:
    batch_id = await class_of(stage, approve_close=NOW + 5 * DAY)
    chen = await coordinator(stage, "陈管理")
    county = await coordinator(stage, "县管理", Role.COUNTY_COORDINATOR, THERE)
    lin, shi = await registered(stage, batch_id, "林若溪", "石晓岚")
    assert "You: registered, with the school for approval" in lin.sees()
    assert "Next: your school decides, by Wed 25 Nov" in lin.sees()

    # The school approves all, thinks again, and returns one with a reason.
    await chen.says("/desk")
    assert "2 registrations wait for you." in await chen.taps("Approvals (2)")
    await chen.taps("Approve all (2)")
    assert chen.alert == (
        "Approved by the school, the county decides next: 林若溪, 石晓岚.\n"
        "Until 09:10 you can undo this."
    )
    assert await standing(stage, lin, batch_id) is RegistrationState.SCHOOL_APPROVED
    await chen.taps("Undo")
    assert "Undone" in chen.alert
    assert await standing(stage, lin, batch_id) is RegistrationState.SUBMITTED
    await chen.says("/approvals")
    assert "林若溪" in await chen.taps("One by one")
    assert "1 of 2" in chen.sees()
    await chen.taps("Return")
    await chen.says("请先完成校本培训")
    assert await standing(stage, lin, batch_id) is RegistrationState.RETURNED
    assert "石晓岚" in chen.sees()  # the next one

    # The teacher is told when it can no longer be undone, and registers again.
    await stage.passes(minutes=9)
    assert texts(lin, "was returned") == 0
    await stage.passes(minutes=1)
    assert texts(lin, "was returned") == 1
    assert "Reason: 请先完成校本培训" in lin.sees()
    assert "You may register again by" in lin.sees()
    await lin.taps("View")
    await lin.taps("Register")
    await stage.passes(hours=1)

    # Both levels approve; the teacher is told once.
    await chen.says("/approvals")
    await chen.taps("Approve all (2)")
    await stage.passes(hours=1)
    assert texts(lin, "You have a place in") == 0
    await lin.starts(f"p{batch_id}")
    assert "You: approved by the school, with the county" in lin.sees()
    await county.says("/approvals")
    await county.taps("Approve all (2)")
    assert county.alert.startswith("Approved: 林若溪, 石晓岚.\nUntil ")
    await stage.passes(minutes=11)
    assert texts(lin, f"You have a place in {TITLE}") == 1
    assert texts(shi, f"You have a place in {TITLE}") == 1
    await stage.passes(hours=2)
    assert texts(lin, "You have a place in") == 1
    await lin.taps("View")
    why = await lin.taps("Why?")
    for line in (
        "Your school approved; the county decides next.",
        "The last decision was taken back within ten minutes.",
        "Your school returned it. Reason: 请先完成校本培训",
        "The organiser approved.",
    ):
        assert line in why


async def test_a_decision_that_is_undone_is_never_told(stage: Stage) -> None:
    batch_id = await class_of(stage, Approval.SCHOOL)
    chen = await coordinator(stage)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await chen.says("/approvals")
    await chen.taps("Approve all")
    await stage.passes(minutes=9)
    await chen.taps("Undo")
    await stage.passes(hours=3)
    assert texts(lin, "You have a place in") == 0
    assert await stage.database.read(sent, "registration_approved") == [OutboxState.SKIPPED]


async def test_a_double_tap_on_approve_all_keeps_the_key_to_undo(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen = await coordinator(stage)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await chen.says("/approvals")
    card = chen.messages()[-1]
    data = card.button("Approve all")["callback_data"]
    for _ in range(2):
        stage.world.tap(chen.id, chen.id, card.id, data)
    await stage.settle()
    assert "Undo" in chen.labels()
    assert await standing(stage, lin, batch_id) is RegistrationState.SCHOOL_APPROVED


async def test_who_comes_second_is_shown_what_was_decided(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen, guo = (
        await coordinator(stage, "陈管理"),
        await coordinator(stage, "郭校长", Role.PRINCIPAL),
    )
    await registered(stage, batch_id, "林若溪")
    for who in (chen, guo):
        await who.says("/approvals")
        await who.taps("One by one")
    await chen.taps("Approve")
    await guo.taps("Return")
    await guo.taps("Clash of duties")
    assert guo.alert == (
        "This has been decided by 陈管理: approved by the school, with the county."
    )


async def test_a_typed_reason_that_comes_too_late_is_answered(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen, guo = (
        await coordinator(stage, "陈管理"),
        await coordinator(stage, "郭校长", Role.PRINCIPAL),
    )
    await registered(stage, batch_id, "林若溪")
    for who in (chen, guo):
        await who.says("/approvals")
        await who.taps("One by one")
    await guo.taps("Return")
    await chen.taps("Approve")
    assert "Nothing waits" in await guo.says("材料不全")
    said = [message.text for message in guo.messages()]
    assert "This has been decided by 陈管理: approved by the school, with the county." in said


async def test_several_are_ticked_and_returned_together(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen = await coordinator(stage)
    people = await registered(stage, batch_id, "林若溪", "石晓岚", "丁广田")
    await chen.says("/approvals")
    await chen.taps("Return with a reason")
    await chen.taps("林若溪")
    await chen.taps("丁广田")
    assert "3 are ticked." in await chen.taps("石晓岚")
    assert "2 are ticked." in await chen.taps("石晓岚")
    await chen.taps("Return (2)")
    await chen.taps("Another's turn")
    assert chen.alert.startswith("Returned: 林若溪, 丁广田.")
    states = [await standing(stage, who, batch_id) for who in people]
    assert states == [
        RegistrationState.RETURNED,
        RegistrationState.SUBMITTED,
        RegistrationState.RETURNED,
    ]
    await stage.passes(minutes=11)
    assert "Reason: Another colleague goes this time." in people[0].sees()


async def test_a_foreign_coordinator_and_a_doctored_button_do_nothing(stage: Stage) -> None:
    batch_id = await class_of(stage)
    foreign = await coordinator(stage, "外校", at=THERE)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await foreign.says("/approvals")
    assert "Nothing waits" in foreign.sees()
    assert "do not have the right" in await foreign.sends_data("apy:r:1:0")
    assert "out of date" in await foreign.sends_data("apy:z:1:0")
    assert "do not have the right" in await lin.sends_data("api:r:1:0")
    assert await standing(stage, lin, batch_id) is RegistrationState.SUBMITTED


async def test_the_county_is_told_that_the_school_comes_first(stage: Stage) -> None:
    batch_id = await class_of(stage, approve_close=NOW + DAY)
    county = await coordinator(stage, "县管理", Role.COUNTY_COORDINATOR, THERE)
    await coordinator(stage)
    await registered(stage, batch_id, "林若溪")
    await county.says("/approvals")
    said = await county.sends_data("apy:r:1:0")
    assert said == "The school has the first word on this until Sat 21 Nov, 09:00."


async def test_a_late_withdrawal_is_asked_answered_and_told(stage: Stage) -> None:
    batch_id = await class_of(stage, Approval.NONE)
    chen = await coordinator(stage)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await stage.passes(days=12)
    await lin.starts(f"p{batch_id}")
    await lin.taps("Ask to withdraw")
    await lin.says("家中有事")
    await chen.says("/approvals")
    shown = await chen.taps("Late withdrawals (1)")
    assert "Wants to withdraw. Reason: 家中有事" in shown
    await chen.taps("Do not agree")
    await chen.taps("List handed in")
    await stage.passes(minutes=11)
    assert "You cannot withdraw from 作业设计专题培训 any more" in lin.sees()
    assert "The list of participants has been handed in already." in lin.sees()
    await lin.taps("View")
    await lin.taps("Ask to withdraw")
    await lin.says("家中确实有事")
    await chen.says("/approvals")
    await chen.taps("Late withdrawals (1)")
    await chen.taps("Agree")
    await stage.passes(minutes=11)
    assert "You have withdrawn from 作业设计专题培训, as you asked." in lin.sees()
    assert await standing(stage, lin, batch_id) is RegistrationState.WITHDRAWN


async def test_leave_is_asked_from_the_card_and_goes_its_way(stage: Stage) -> None:
    batch_id = await class_of(stage, Approval.NONE)

    def meetings(session: Session) -> None:
        for week in range(3):
            at = NOW + timedelta(days=20 + 7 * week)
            session.add(
                ClassSession(
                    batch_id=batch_id,
                    title=f"第{week + 1}次",
                    starts_at=at,
                    ends_at=at + timedelta(hours=3),
                )
            )

    await stage.database.write(meetings)
    chen = await coordinator(stage)
    county = await coordinator(stage, "县管理", Role.COUNTY_COORDINATOR, THERE)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await lin.taps("Ask for leave")
    await lin.taps("第1次")
    await lin.taps("第3次")
    await lin.taps("Continue")
    await lin.taps("Sick leave")
    shown = await lin.says("要做一个小手术")
    assert shown.count("leave asked, with the school") == 2
    await chen.says("/approvals")
    assert "1 request for leave waits for you." in chen.sees()
    shown = await chen.taps("Leave requests (1)")
    assert "Reason: Sick leave" in shown
    assert "Note: 要做一个小手术" in shown
    await chen.taps("Agree")
    said = "Leave agreed to by the school, the organiser decides next: 林若溪.\nUntil "
    assert chen.alert.startswith(said)
    assert chen.alert.endswith("you can undo this.")
    await stage.passes(minutes=11)
    assert texts(lin, "You have leave") == 0
    await county.says("/approvals")
    await county.taps("Leave requests (1)")
    await county.taps("Agree")
    assert county.alert.startswith("Leave given: 林若溪.")
    await stage.passes(minutes=11)
    assert texts(lin, "You have leave from 作业设计专题培训: Thu 10 Dec") == 1
    assert "手术" not in lin.sees()
    await lin.taps("View")
    await lin.taps("Give up leave")
    assert "leave given up" in lin.sees()


async def test_leave_after_the_meeting_points_to_the_coordinator(stage: Stage) -> None:
    batch_id = await class_of(stage, Approval.NONE)

    def meeting(session: Session) -> None:
        at = NOW + timedelta(days=20)
        session.add(
            ClassSession(
                batch_id=batch_id, title="第1次", starts_at=at, ends_at=at + timedelta(hours=3)
            )
        )

    await stage.database.write(meeting)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await lin.taps("Ask for leave")
    await lin.taps("Continue")
    await lin.taps("Family matter")
    stage.clock.advance(timedelta(days=20, minutes=5))
    await lin.taps("Ask without a note")
    assert lin.alert == "This meeting has begun already. Please talk to your coordinator."


async def test_the_card_of_the_day_comes_once_in_working_hours(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen, deputy = await coordinator(stage, "陈管理"), await coordinator(stage, "副管理")
    head = await coordinator(stage, "郭校长", Role.PRINCIPAL)
    foreign = await coordinator(stage, "外校", at=THERE)
    await registered(stage, batch_id, "林若溪", "石晓岚")
    await stage.passes(hours=7)  # 16:00
    assert texts(chen, "Approvals") == 0
    await stage.passes(minutes=31)
    for who in (chen, deputy):
        assert texts(who, "2 registrations wait for you.") == 1
    assert texts(foreign, "Approvals") == 0
    assert texts(head, "Approvals") == 0  # not in the first three days
    for _ in range(5):
        await stage.passes(minutes=20)
    assert texts(chen, "2 registrations wait for you.") == 1
    await stage.passes(days=2)  # Sunday
    assert texts(chen, "2 registrations wait for you.") == 1
    await stage.passes(days=1, hours=-2)  # Monday, 16:11
    await stage.passes(minutes=20)
    assert texts(deputy, "2 registrations wait for you.") == 2
    assert texts(head, "Approvals") == 0
    await stage.passes(days=2)  # Wednesday
    assert texts(head, "2 registrations wait for you.") == 1


async def test_no_card_comes_when_nothing_waits_any_more(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen, deputy = await coordinator(stage, "陈管理"), await coordinator(stage, "副管理")
    await registered(stage, batch_id, "林若溪")
    stage.clock.advance(timedelta(hours=7, minutes=31))
    await stage.office.sweep()  # queued, and not sent yet
    await chen.says("/approvals")
    await chen.taps("Approve all")
    await stage.deliver()
    assert texts(deputy, "waits for you") == 0
    assert set(await stage.database.read(sent, "approvals_waiting")) == {OutboxState.SKIPPED}
    await stage.passes(days=3)
    assert texts(deputy, "waits for you") == 0


async def test_a_leave_for_this_afternoon_brings_the_card_forward(stage: Stage) -> None:
    batch_id = await class_of(stage, Approval.NONE, starts_at=NOW + timedelta(hours=2))

    def meeting(session: Session) -> None:
        at = NOW + timedelta(hours=6)
        session.add(
            ClassSession(
                batch_id=batch_id, title="第1次", starts_at=at, ends_at=at + timedelta(hours=3)
            )
        )

    await stage.database.write(meeting)
    chen = await coordinator(stage)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await lin.taps("Ask for leave")
    await lin.taps("Continue")
    await lin.taps("Official duty")
    await lin.taps("Ask without a note")
    assert "with your school" in lin.alert
    await stage.deliver()
    assert texts(chen, "1 request for leave waits for you.") == 1


async def test_the_organiser_exempts_somebody_with_a_reason(stage: Stage) -> None:
    batch_id = await class_of(stage, Approval.NONE)
    county = await coordinator(stage, "县管理", Role.COUNTY_COORDINATOR, THERE)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await county.starts(f"run{batch_id}")
    await county.taps("Exempt somebody")
    await county.says("若溪")
    await county.taps("林若溪")
    await county.taps("Seconded")
    assert county.alert.startswith("Exempt: 林若溪.")
    assert await standing(stage, lin, batch_id) is RegistrationState.EXEMPT
    await stage.passes(minutes=11)
    assert "You are exempt from 作业设计专题培训" in lin.sees()
    await lin.taps("View")
    assert "You: exempt" in lin.sees()
    assert "Reason: You are seconded or support another school." in lin.sees()


async def test_the_county_sees_who_has_approved_for_the_school(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen = await coordinator(stage, "陈管理")
    county = await coordinator(stage, "县管理", Role.COUNTY_COORDINATOR, THERE)
    (lin,) = await registered(stage, batch_id, "林若溪")
    await chen.says("/approvals")
    await chen.taps("One by one")
    await chen.taps("Approve")
    await county.says("/approvals")
    assert "Approved by the school: 陈管理" in await county.taps("One by one")
    await county.taps("Refuse")
    await county.taps("Too few places")
    await stage.passes(minutes=11)
    assert "was not approved" in lin.sees()
    assert "There are more registrations than places." in await lin.taps("Why?")


async def test_a_role_that_ends_before_the_card_is_sent_gets_none(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen = await coordinator(stage, "陈管理")
    await registered(stage, batch_id, "林若溪")
    stage.clock.advance(timedelta(hours=7, minutes=31))
    await stage.office.sweep()

    def dismiss(session: Session) -> None:
        assert chen.teacher_id is not None
        unit_id = make.school(session, HERE)
        roles.dismiss(
            session,
            chen.teacher_id,
            Role.SCHOOL_COORDINATOR,
            unit_id,
            today=NOW.date(),
            now=NOW,
        )

    await stage.database.write(dismiss)
    await stage.deliver()
    assert texts(chen, "waits for you") == 0
    assert await stage.database.read(sent, "approvals_waiting") == [OutboxState.SKIPPED]


async def test_the_card_does_not_ring_for_whom_the_brief_rings_anyway(stage: Stage) -> None:
    batch_id = await class_of(stage)
    chen = await coordinator(stage, "陈管理")
    await registered(stage, batch_id, "林若溪")

    def brief(session: Session) -> None:
        outbox.put(
            session,
            "brief",
            teacher_id=chen.teacher_id,
            facts={},
            priority=40,
            not_before=NOW + timedelta(hours=7, minutes=40),
            dedupe_key=f"brief:2026-11-20:{chen.teacher_id}",
            now=NOW,
        )

    def rings(session: Session) -> list[bool]:
        found = select(OutboxMessage.rings).where(OutboxMessage.kind == "approvals_waiting")
        return list(session.exec(found).all())

    await stage.database.write(brief)
    await stage.passes(hours=7, minutes=31)
    assert texts(chen, "1 registration waits for you.") == 1
    assert await stage.database.read(rings) == [False]


async def test_whoever_is_quiet_in_the_afternoon_gets_the_card_before(stage: Stage) -> None:
    batch_id = await class_of(stage)
    quiet = {"quiet_from": 15 * 60}
    chen = await stage.holder("陈管理", Role.SCHOOL_COORDINATOR, at=HERE, account=quiet)
    await registered(stage, batch_id, "林若溪")
    await stage.passes(hours=5, minutes=58)
    assert texts(chen, "waits for you") == 0
    await stage.passes(minutes=1)
    assert texts(chen, "waits for you") == 1
