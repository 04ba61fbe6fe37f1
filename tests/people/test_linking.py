"""Linking, as the person at the phone sees it."""

from datetime import timedelta

from sqlmodel import Session, select

from storage.people import linking
from storage.people.tables import Account, Posting, Role, RoleAssignment
from tests import make
from tests.stage import Stage


async def issue(stage: Stage, teacher_id: int) -> str:
    return await stage.database.write(linking.issue_code, teacher_id, now=stage.clock())


def linked_ids(session: Session) -> list[int]:
    return list(
        session.exec(select(Account.tg_user_id).where(Account.teacher_id.is_not(None))).all()  # type: ignore[union-attr]
    )


async def test_a_newcomer_is_told_what_is_kept_and_how_to_link(stage: Stage) -> None:
    lin = stage.newcomer(language="en")
    text = await lin.starts()
    assert "link code" in text
    assert "national ID" in text
    assert "Enter link code" in lin.labels()


async def test_a_code_links_whatever_its_case_width_and_gaps(stage: Stage) -> None:
    teacher_id = await stage.database.write(make.teacher, "林若溪")
    code = await issue(stage, teacher_id)
    lin = stage.newcomer(language="en")
    await lin.starts()
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code[:4].lower()) + " " + code[4:].lower()
    assert "Linked" in await lin.says(wide)
    assert await stage.database.read(linked_ids) == [lin.id]


async def test_who_teaches_no_subject_is_told_of_none(stage: Stage) -> None:
    def administrator(session: Session) -> int:
        gu = make.teacher(session, "顾岩", at="澄禾县教师发展中心")
        session.exec(select(Posting).where(Posting.teacher_id == gu)).one().subjects = []
        return gu

    code = await issue(stage, await stage.database.write(administrator))
    gu = stage.newcomer("顾岩", language="en")
    await gu.starts()
    await gu.says(code)
    said = "\n".join(message.text for message in gu.messages())
    assert "School: 澄禾县教师发展中心" in said
    assert "Subject" not in said


async def test_a_code_works_once(stage: Stage) -> None:
    teacher_id = await stage.database.write(make.teacher, "林若溪")
    code = await issue(stage, teacher_id)
    lin, other = stage.newcomer(language="en"), stage.newcomer("别人", language="en")
    await lin.starts()
    await lin.says(code)
    await other.starts()
    assert "has been used" in await other.says(code)
    assert await stage.database.read(linked_ids) == [lin.id]


async def test_a_code_lapses_after_72_hours(stage: Stage) -> None:
    teacher_id = await stage.database.write(make.teacher, "林若溪")
    code = await issue(stage, teacher_id)
    stage.clock.advance(timedelta(hours=72))
    lin = stage.newcomer(language="en")
    await lin.starts()
    assert "no longer valid" in await lin.says(code)


async def test_five_wrong_codes_pause_linking_for_an_hour(stage: Stage) -> None:
    teacher_id = await stage.database.write(make.teacher, "林若溪")
    lin = stage.newcomer(language="en")
    await lin.starts()
    assert "4 tries are left" in await lin.says("AAAA AAA2")
    for wrong in ("AAAAAAA3", "AAAAAAA4", "AAAAAAA5"):
        await lin.says(wrong)
    assert "paused" in await lin.says("AAAAAAA6")
    code = await issue(stage, teacher_id)
    assert "paused" in await lin.says(code)
    stage.clock.advance(timedelta(hours=1))
    assert "Linked" in await lin.says(code)


async def test_a_second_claim_by_phone_is_refused_and_the_coordinator_is_told(
    stage: Stage,
) -> None:
    lin = await stage.teacher("林若溪")

    def remember_phone(session: Session) -> None:
        from storage.people import phones
        from storage.people.tables import Office, Teacher

        salt = session.exec(select(Office)).one().salt
        session.get_one(Teacher, lin.teacher_id).phone_hash = phones.hashed("19900000001", salt)

    await stage.database.write(remember_phone)
    luo = await stage.teacher("罗佳宁")

    def appoint(session: Session) -> None:
        assert luo.teacher_id is not None
        school_id = make.school(session)
        session.add(
            RoleAssignment(
                teacher_id=luo.teacher_id,
                role=Role.SCHOOL_COORDINATOR,
                scope_id=school_id,
                since=make.NOW.date() - timedelta(days=30),
            )
        )

    await stage.database.write(appoint)
    thief = stage.newcomer("别人", language="en", phone="+86 199 0000 0001")
    await thief.starts()
    await thief.taps("Use my phone")
    stage.world.share_contact(thief.id, thief.id)
    await stage.settle()
    assert "already linked to another account" in thief.sees()
    assert lin.id in await stage.database.read(linked_ids)
    await stage.deliver()
    assert "林若溪" in luo.sees()


async def test_somebody_elses_contact_does_not_link(stage: Stage) -> None:
    lin = stage.newcomer(language="en", phone="19900000001")
    other = stage.newcomer("别人", language="en", phone="19900000002")
    await lin.starts()
    stage.world.share_contact(lin.id, lin.id, contact_of=other.id)
    await stage.settle()
    assert "your own number" in lin.sees()


async def test_a_new_phone_takes_over_and_the_old_one_is_told(stage: Stage) -> None:
    lin = await stage.teacher("林若溪")
    stage.clock.advance(timedelta(hours=1))
    assert lin.teacher_id is not None
    code = await issue(stage, lin.teacher_id)
    phone = stage.newcomer("林若溪", language="en")
    await phone.starts()
    assert "Linked" in await phone.says(code)
    assert await stage.database.read(linked_ids) == [phone.id]
    await stage.deliver()
    assert "another Telegram account" in lin.sees()


async def test_a_deep_link_goes_on_where_it_was_meant_to_go_after_linking(stage: Stage) -> None:
    batch_id = await stage.database.write(make.batch, "作业设计专题培训")
    teacher_id = await stage.database.write(make.teacher, "林若溪")
    code = await issue(stage, teacher_id)
    lin = stage.newcomer(language="en")
    assert "link code" in await lin.starts(f"p{batch_id}")
    assert "作业设计专题培训" in await lin.says(code)


async def test_codes_are_kept_as_fingerprints_only(stage: Stage) -> None:
    teacher_id = await stage.database.write(make.teacher, "林若溪")
    code = await issue(stage, teacher_id)

    def everything(session: Session) -> str:
        from storage.people.tables import LinkCode

        return str([row.model_dump() for row in session.exec(select(LinkCode)).all()])

    assert code not in await stage.database.read(everything)
