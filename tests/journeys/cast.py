"""The people of the journeys, who read Chinese, and what every reader may expect of a card."""

from __future__ import annotations

from sqlmodel import Session, select

from storage.people.tables import OrgUnit, Role, UnitKind
from tests import make
from tests.stage import Actor, Stage

HERE, THERE, CENTRE = "城东小学", "南塘乡中心小学", "教师发展中心"


async def person(
    stage: Stage, name: str, *, at: str = HERE, role: Role | None = None, **roster: object
) -> Actor:
    """A linked teacher whose phone speaks Chinese, with a role over the own unit if given."""
    if role is None:
        return await stage.teacher(name, "zh-hans", at=at, **roster)
    return await stage.holder(name, role, "zh-hans", at=at, **roster)


async def schools(stage: Stage) -> None:
    """A school in town, one in the countryside, and the county's centre."""

    def build(session: Session) -> None:
        make.school(session, HERE, area_type="urban")
        make.school(session, THERE, area_type="rural")
        centre = session.exec(
            select(OrgUnit).where(OrgUnit.id == make.school(session, CENTRE))
        ).one()
        centre.kind = UnitKind.TEACHER_DEV_CENTER

    await stage.database.write(build)


async def county(stage: Stage, name: str = "顾岩") -> Actor:
    return await person(stage, name, at=CENTRE, role=Role.COUNTY_COORDINATOR, subject="教研")


async def school(stage: Stage, name: str = "罗佳宁", *, at: str = HERE) -> Actor:
    return await person(stage, name, at=at, role=Role.SCHOOL_COORDINATOR, subject="体育")


def told(who: Actor, part: str) -> int:
    """How many messages of the bot with this in it the person has."""
    return sum(part in message.text for message in who.messages() if not message.mine)


def data(who: Actor, label: str) -> str:
    """What a key of the newest card with keys would send, to be tapped once it is old."""
    shown = next(message for message in reversed(who.messages()) if message.buttons)
    return str(shown.button(label)["callback_data"])
