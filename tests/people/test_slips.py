"""Link codes of a school on paper."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from handlers.people import slips as talk
from storage.database import Database
from storage.people import linking, roles, slips
from storage.people.slips import SheetMade, Slip, Slips
from storage.people.tables import LinkCode, Role
from storage.refusals import NotAllowed
from tests import make
from tests.make import NOW
from tests.people.rosters import TODAY, coordinator, units
from tests.people.test_roster_talk import coordinator as coordinator_on
from tests.stage import Actor, Stage


async def test_a_sheet_has_a_working_code_for_everybody_who_has_not_linked(
    database: Database,
) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        luo = coordinator(session)
        make.account(session, luo)
        lin = make.teacher(session, "林若溪", staff_no="060012")
        make.account(session, make.teacher(session, "已绑定", staff_no="060013"))
        make.teacher(session, "别校的", at="城东小学")
        old = linking.issue_code(session, lin, now=NOW)
        asked = slips.unlinked(session, luo, ids["实小"], now=NOW)
        assert (asked.people, asked.with_code, asked.left_out) == (1, 1, ())
        made = slips.make(session, luo, ids["实小"], asked.stamp, now=NOW)
        ((name, code),) = [(slip.name, slip.code) for slip in made.slips]
        assert name == "林若溪"
        assert made.until == NOW + timedelta(hours=72)
        account = make.account(session)
        assert isinstance(linking.link_by_code(session, account, old, now=NOW), linking.CodeExpired)
        assert isinstance(linking.link_by_code(session, account, code, now=NOW), linking.Linked)

    await database.write(check)


async def test_a_second_tap_makes_no_second_sheet(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        luo = coordinator(session)
        asked = slips.unlinked(session, luo, ids["实小"], now=NOW)
        slips.make(session, luo, ids["实小"], asked.stamp, now=NOW)
        with pytest.raises(SheetMade):
            slips.make(session, luo, ids["实小"], asked.stamp, now=NOW)
        assert len(session.exec(select(LinkCode.id)).all()) == 1

    await database.write(check)


async def test_superiors_are_left_out_and_other_schools_refused(database: Database) -> None:
    def check(session: Session) -> None:
        ids = units(session)
        luo = coordinator(session)
        boss = make.teacher(session, "何静山")
        roles.appoint(session, boss, Role.COUNTY_COORDINATOR, ids["县"], today=TODAY, now=NOW)
        asked = slips.unlinked(session, luo, ids["实小"], now=NOW)
        assert (asked.people, asked.left_out) == (1, ("何静山",))
        made = slips.make(session, luo, ids["实小"], asked.stamp, now=NOW)
        assert [slip.name for slip in made.slips] == ["罗佳宁"]
        assert made.left_out == ("何静山",)
        for refused in (
            lambda: slips.unlinked(session, luo, ids["城东"], now=NOW),
            lambda: slips.make(session, luo, ids["城东"], 0, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                refused()

    await database.write(check)


@pytest.mark.parametrize("language", ["en", "zh_Hans", "zh_Hant"])
def test_a_sheet_of_a_large_school_is_set_on_its_pages(language: str) -> None:
    people = tuple(Slip(f"老师{n}" + "长" * (n % 9), f"CH06{n:04}", "ABCDEFGH") for n in range(168))
    made = Slips("柳渡镇中心学校" * 2, people, NOW, ())
    pdf = talk.sheet(
        made, language, ZoneInfo("Asia/Shanghai"), NOW, "https://t.me/qinglan_bot?start=LCODE"
    )
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 17


async def test_the_coordinator_prints_the_sheet_from_the_list_of_people(stage: Stage) -> None:
    luo = await coordinator_on(stage)
    await stage.database.write(make.teacher, "林若溪", staff_no="060012")
    await luo.says("/desk")
    await luo.taps("实验小学")
    asked = await luo.taps("Print link codes")
    assert "1 teacher who has not linked yet" in asked
    assert "72 hours" in asked
    data = luo.messages()[-1].button("Make the sheet")["callback_data"]
    await luo.taps("Make the sheet")
    ((name, pdf),) = luo.files()
    assert name == "澄禾县实验小学-Link code-2026-11-20.pdf"
    assert pdf.startswith(b"%PDF")
    await luo.sends_data(data)
    assert "no second sheet was made" in luo.alert
    assert len(luo.files()) == 1

    lin = await stage.teacher("王老师")
    assert "right to do this" in await said(lin, data)


async def said(actor: Actor, data: str) -> str:
    await actor.says("/menu")
    return await actor.sends_data(data)
