"""Studying remotely as a teacher, their tutor and their school see it."""

from __future__ import annotations

import struct
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from handlers.training.remote.study_text import claim_card
from storage.people.tables import Role, RoleAssignment, ScopeKind
from storage.training import completion, schedule
from storage.training.remote.study_claims import ClaimFacts
from storage.training.remote.tables import (
    Obstacle,
    ObstacleReason,
    Platform,
    Progress,
    ProgressItem,
    RemotePlan,
    StudyClaim,
    StudyClaimState,
)
from storage.training.tables import Batch, Grade, Programme, Registration, RegistrationState, Result
from tests import make
from tests.make import NOW
from tests.stage import Actor, Stage
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at
from tests.training.remote.test_my_study import items

PHOTO = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 320, 200) + bytes(64)
THURSDAY = at(11, 19)


async def lin_studies(stage: Stage, **figures: Any) -> tuple[Actor, int]:
    """林若溪 in a class of November, with figures of yesterday."""
    lin = await stage.teacher("林若溪")
    assert lin.teacher_id is not None

    def prepare(session: Session) -> int:
        platform = Platform(
            name="云研修",
            owner_unit_id=make.county(session),
            url="https://study.example",
            guide="用工号登录",
        )
        session.add(platform)
        session.flush()
        batch_id = studying.course(
            session,
            starts_at=at(11, 2, 8),
            ends_at=at(12, 4, 18),
            platform_id=platform.id,
            minutes_a_day=60,
        )
        ids = items(session, batch_id)
        mine = classes.joins(session, batch_id, lin.teacher_id)  # type: ignore[arg-type]
        of = studying.reported(session, batch_id, THURSDAY)
        usual: dict[str, Any] = {"figures": {str(ids[0]): 300.0, str(ids[1]): 1.0}, "percent": 28.3}
        usual["last_active"] = THURSDAY.date()
        studying.has(session, mine, of, **usual | figures)
        schedule.plan_deadlines(session, batch_id, now=at(10, 20))
        return batch_id

    return lin, await stage.database.write(prepare)


async def with_role(stage: Stage, name: str, role: Role, scope: ScopeKind, of: int) -> Actor:
    who = await stage.teacher(name)

    def appoint(session: Session) -> None:
        assert who.teacher_id is not None
        session.add(
            RoleAssignment(
                teacher_id=who.teacher_id,
                role=role,
                scope_kind=scope,
                scope_id=of,
                since=NOW.date() - timedelta(days=60),
            )
        )

    await stage.database.write(appoint)
    return who


@pytest.mark.parametrize("decided", [False, True])
async def test_after_the_end_one_reads_of_the_make_up_until_it_is_over(
    stage: Stage, decided: bool
) -> None:
    lin, batch = await lin_studies(stage)

    def ends(session: Session) -> None:
        plan = session.exec(select(RemotePlan).where(RemotePlan.batch_id == batch)).one()
        plan.makeup_from, plan.makeup_until = at(1, 4, 0), at(1, 16, 0)
        plan.makeup_from = plan.makeup_from.replace(year=2027)
        plan.makeup_until = plan.makeup_until.replace(year=2027)
        if decided:
            row = session.exec(select(Registration).where(Registration.batch_id == batch)).one()
            row.state = RegistrationState.NOT_COMPLETED

    await stage.database.write(ends)
    stage.clock.advance(at(12, 7) - stage.clock())
    await lin.says("/menu")
    shown = await lin.taps("My study")
    assert "This training ended on Fri 4 Dec" in shown
    assert "Make-up: Mon 4 – Fri 15 Jan 2027" in shown
    assert ("it is not completed" in shown) == decided
    stage.clock.advance(timedelta(days=60))
    await lin.says("/menu")
    assert "My study" not in lin.labels()


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        (Grade.UNQUALIFIED, "All your study is done; only the assessment is not passed yet."),
        (Grade.ABSENT, "only the mark is missing, as you were not there."),
    ],
)
async def test_whoever_lacks_a_mark_alone_reads_so_and_is_not_sent_to_study(
    stage: Stage, grade: Grade, said: str
) -> None:
    lin, batch = await lin_studies(stage)
    gao = await stage.database.write(classes.county)

    def ends(session: Session) -> None:
        row = session.exec(select(Registration).where(Registration.batch_id == batch)).one()
        figures = {str(one.id): one.required for one in session.exec(select(ProgressItem))}
        progress = session.exec(select(Progress)).one()
        progress.figures, progress.percent, progress.is_learned = figures, 100.0, True
        row.state = RegistrationState.ATTENDING
        session.add(Result(registration_id=row.id, grade=grade, decided_at=at(12, 5)))

    def decides(session: Session) -> None:
        completion.confirm(session, gao, batch, now=stage.clock())

    def allows(session: Session) -> None:
        completion.give_make_up(session, gao, batch, date(2026, 12, 20), now=stage.clock())

    await stage.database.write(ends)
    stage.clock.advance(at(12, 7) - stage.clock())
    await stage.database.write(decides)
    await lin.starts(f"study{batch}")
    assert "it is not completed" in lin.sees()
    assert said in lin.sees()
    assert "No date for taking the assessment again has been announced yet." in lin.sees()
    assert "please ask the coordinator of your school" in lin.sees()
    assert not {"Not updated yet", "Study now", "Tell my school"} & set(lin.labels())
    await stage.database.write(allows)
    await lin.starts(f"study{batch}")
    assert said in lin.sees()
    assert "You may take the assessment again until Sun 20 Dec." in lin.sees()
    assert "Tell my school" in lin.labels()
    assert not {"Not updated yet", "Study now"} & set(lin.labels())


async def test_after_the_end_without_a_make_up_one_reads_that_there_is_none(stage: Stage) -> None:
    lin, batch = await lin_studies(stage)
    stage.clock.advance(at(12, 7) - stage.clock())
    await lin.starts(f"study{batch}")
    assert "No make-up has been announced." in lin.sees()


async def test_a_teacher_sees_where_they_stand_and_what_is_next(stage: Stage) -> None:
    lin, batch = await lin_studies(stage)
    await lin.starts(f"p{batch}")
    shown = await lin.taps("My study")
    assert "Done 28%, reference pace 52%, as of Thu 19 Nov, 10:00" in shown
    assert "○ 视频学习: 300 of 900 min" in shown
    assert "○ 作业: 1 of 2 · by Fri 6 Nov, 10:00" in shown
    assert "研讨发帖: 0 of 4 · optional" in shown
    assert "视频学习: 55 minutes each working day until the end." in shown
    assert "Also until the end: 作业, 1 more." in shown
    assert "11 working days are left" in shown
    assert "This week" not in shown, "an hour a day is not enough any more"
    assert "用工号登录" in shown
    assert "Study now" in lin.labels()
    await lin.starts("menu")
    assert "视频学习" in await lin.taps("My study")


async def test_what_is_studied_and_not_reported_goes_to_the_tutor_and_back(stage: Stage) -> None:
    lin, batch = await lin_studies(stage)
    tutor = await with_role(stage, "许文", Role.TUTOR, ScopeKind.BATCH, batch)
    await lin.starts(f"study{batch}")
    await lin.taps("Not updated yet")
    assert "a picture is not needed" in await lin.taps("作业")
    assert "Your tutor looks at it" in await lin.says("周三已在平台提交第二次作业")
    assert "your tutor is looking at it" in lin.sees()

    await stage.passes(hours=8)
    assert "study that its platform does not show yet waits for your look" in tutor.sees()
    assert "林若溪" not in tutor.sees()
    assert "林若溪" in await tutor.taps("Not updated yet")
    await tutor.starts("desk")
    assert "1 word of study not updated yet" in tutor.sees()
    assert "林若溪" in await tutor.taps("Not updated yet (1)")
    assert "周三已在平台提交第二次作业" in await tutor.taps("林若溪")
    await tutor.taps("Refuse")
    assert "Nothing is waiting" in await tutor.says("平台上没有这次作业")
    await stage.passes(days=3)
    assert "not accepted. 平台上没有这次作业" in lin.sees()

    await lin.starts(f"study{batch}")
    assert "not accepted. 平台上没有这次作业" in lin.sees()
    await lin.taps("Not updated yet")
    await lin.taps("All of it")
    await lin.sends_file("截图.png", PHOTO)
    await tutor.starts("desk")
    await tutor.taps("Not updated yet (1)")
    assert "The file is above: 截图.png" in await tutor.taps("林若溪")
    assert len(tutor.files()) == 1
    assert "Nothing is waiting" in await tutor.taps("Accept")
    claims = await stage.database.read(lambda s: s.exec(select(StudyClaim)).all())
    assert [one.state for one in claims] == [StudyClaimState.REFUSED, StudyClaimState.ACCEPTED]
    await lin.starts(f"study{batch}")
    assert "accepted; the figures follow" in lin.sees()


def test_a_picture_without_a_name_is_called_a_picture() -> None:
    facts = ClaimFacts(
        claim_id=1,
        batch_id=1,
        registration_id=1,
        teacher_id=1,
        name="林若溪",
        unit="澄禾县实验小学",
        title="全员岗位远程培训",
        item="作业",
        text="",
        evidence_file_id="photo",
        evidence_name="",
        state=StudyClaimState.OPEN,
        submitted_at=NOW,
        answer="",
    )
    card = claim_card(facts, "en", studying.SHANGHAI, NOW.date())
    assert "The picture is above." in card.text
    assert "The file is above" not in card.text


async def test_what_is_in_the_way_is_told_to_the_own_school(stage: Stage) -> None:
    lin, batch = await lin_studies(stage)
    school = await stage.database.write(make.school)
    luo = await with_role(stage, "罗佳宁", Role.SCHOOL_COORDINATOR, ScopeKind.UNIT, school)
    await lin.starts(f"study{batch}")
    assert "What is in the way?" in await lin.taps("Tell my school")
    assert "Your school is told" in await lin.taps("no network")
    assert "Your school knows: no network" in lin.sees()
    await lin.taps("Tell my school")
    await lin.taps("something else")
    await lin.says("家里老人住院")
    row = await stage.database.read(lambda s: s.exec(select(Obstacle)).one())
    assert (row.reason, row.note) == (ObstacleReason.OTHER, "家里老人住院")
    await stage.passes(hours=8)
    heard = "\n".join(message.text for message in luo.messages())
    assert "林若溪, 全员岗位远程培训: something is in the way" in heard
    assert "老人" not in heard
    await lin.taps("Tell my school")
    assert "Your school knows" not in await lin.taps("Nothing any more")


async def test_a_brief_says_the_own_gap_once_as_of_when(stage: Stage) -> None:
    lin, _batch = await lin_studies(stage)
    await stage.passes(hours=8)
    shown = lin.sees()
    assert "ends Fri 4 Dec, 18:00. Still needed as of Thu 19 Nov, 10:00: 视频学习" in shown
    assert "tap “Tell my school”" in shown
    assert "Tell my school" in lin.labels()
    assert "reference pace" not in shown
    await stage.passes(days=3)
    shown = lin.sees()
    assert "28% done, the reference pace is 52%, as of Thu 19 Nov, 10:00" in shown
    assert "Still needed: 视频学习, 600 min; 作业, 1 more" in shown
    assert "please ignore this" in shown
    assert {"Study now", "My study", "Not updated yet"} <= set(lin.labels())
    await lin.taps("Done")
    assert "come with a delay" in lin.alert
    assert "○ 视频学习: 300 of 900 min" in await lin.taps("My study")


async def test_a_part_that_is_due_before_the_end_is_announced_with_its_own_gap(
    stage: Stage,
) -> None:
    lin, batch = await lin_studies(stage)

    def due_on_wednesday(session: Session) -> None:
        row = session.exec(select(ProgressItem).where(ProgressItem.title == "作业")).one()
        row.due_at = at(11, 25, 17)
        session.flush()
        schedule.plan_deadlines(session, batch, now=at(11, 19))

    await stage.database.write(due_on_wednesday)
    await stage.passes(hours=8)
    said = "作业, 1 more, due by Wed 25 Nov, 17:00. As of Thu 19 Nov, 10:00"
    assert said in lin.sees()
    # Whatever is tapped under it, it goes on saying how far the study is.
    await lin.taps("Later")
    await lin.taps("1. 全员岗位远程培训")
    assert said in "\n".join(message.text for message in lin.messages())


async def test_who_has_learned_everything_is_not_reminded_and_sees_the_end(stage: Stage) -> None:
    lin, batch = await lin_studies(stage, percent=100.0, is_learned=True)
    await stage.passes(days=3)
    await stage.passes(hours=8)
    assert "全员岗位远程培训" not in lin.sees()
    await lin.starts(f"study{batch}")
    assert "All study is done. Next comes the assessment." in lin.sees()
    await lin.starts("menu")
    assert "Nothing is due at the moment." in lin.sees()

    def passes(session: Session) -> None:
        row = session.exec(select(Registration)).one()
        result = Result(registration_id=row.id, grade=Grade.EXCELLENT, score=92, decided_at=NOW)
        session.add(result)
        assert session.exec(select(Progress)).one().is_learned

    def completes(session: Session) -> None:
        row = session.exec(select(Registration)).one()
        row.state = RegistrationState.COMPLETED
        row.certificate_no, row.certificate_on = "CH-2026-0001", at(12, 10).date()
        session.exec(select(Programme)).one().certificate = "结业证书"

    await stage.database.write(passes)
    await lin.starts(f"study{batch}")
    assert "The organiser has still to confirm the completion." in lin.sees()
    assert "Hours" not in lin.sees()
    await stage.database.write(completes)
    await lin.starts(f"study{batch}")
    shown = lin.sees()
    assert "Completed. Thank you for your work." in shown
    assert "92" in shown
    assert "Hours: 8" in shown
    assert "CH-2026-0001" in shown
    assert "Not updated yet" not in lin.labels()
    assert "Three questions" not in lin.labels()  # the class goes on
    said = "1. 全员岗位远程培训\n结业证书 CH-2026-0001, Thu 10 Dec 2026"
    assert said in await lin.taps("My certificates")
    assert "Your certificate: CH-2026-0001" in await lin.taps("My registrations")
    assert said in await lin.taps("My certificates")
    await lin.says("/hours")
    assert said in await lin.taps("My certificates")
    ends = await stage.database.read(lambda session: session.get_one(Batch, batch).ends_at)
    stage.clock.advance(ends - stage.clock())
    await lin.starts(f"study{batch}")
    await lin.taps("Three questions")
    for _question in range(3):
        await lin.taps("4")
    await lin.starts(f"study{batch}")
    assert "Three questions" not in lin.labels()


async def test_who_completes_a_training_without_certificate_reads_that_it_has_none(
    stage: Stage,
) -> None:
    lin, batch = await lin_studies(stage, percent=100.0, is_learned=True)

    def completes(session: Session) -> None:
        session.exec(select(Registration)).one().state = RegistrationState.COMPLETED

    await stage.database.write(completes)
    await lin.starts(f"study{batch}")
    assert "gives no certificate" in lin.sees()
    assert "My certificates" not in lin.labels()
    await lin.says("/certificates")
    assert "You have no certificate yet" in lin.sees()


async def test_a_stranger_finds_no_study_of_a_class(stage: Stage) -> None:
    _lin, batch = await lin_studies(stage)
    other = await stage.teacher("石晓岚")
    await other.starts(f"study{batch}")
    assert "视频学习" not in other.sees()
    await other.starts("menu")
    assert "My study" not in other.labels()
