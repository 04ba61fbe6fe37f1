"""Making the sample county: by fixed rules and a fixed seed, always the same.

``python -m bot.sandbox.county`` writes ``chenghe.yaml`` anew; a test holds that the file is
what this module makes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.county.competitions import competitions
from bot.sandbox.county.people import people
from bot.sandbox.county.person import BODIES, SCHOOLS, Person
from bot.sandbox.county.programmes import programmes
from bot.sandbox.county.writing import Block, Flow, document

TODAY = "2026-11-20T09:00"
FILE = Path(__file__).with_name("chenghe.yaml")


@dataclass(frozen=True)
class GroupChat:
    """A group of the county, and who of its people is in it."""

    id: int
    purpose: str
    name: str
    holds: Callable[[Person], bool]
    unit: str = ""
    programme: str = ""
    competition: str = ""
    subject: str = ""


CHATS = (
    GroupChat(-1000000000001, "all_staff", "澄禾县教师培训通知群", lambda _: True, "CH"),
    GroupChat(
        -1000000000002,
        "coordinators",
        "澄禾县学校培训管理员群",
        lambda person: "school_coordinator" in person.roles,
        "CH",
    ),
    GroupChat(
        -1000000000003,
        "all_staff",
        "实验小学教师群",
        lambda person: person.unit == "CH-S06",
        "CH-S06",
    ),
    GroupChat(
        -1000000000004,
        "subject",
        "澄禾县小学语文教研群",
        lambda person: (person.stage, person.subject) == ("primary", "语文"),
        "CH-RO",
        subject="语文",
    ),
    GroupChat(
        -1000000000005,
        "competition",
        "第十二届课堂教学大赛群",
        lambda person: person.tier in ("rising_star", "backbone"),
        "CH-RO",
        competition="KT2027",
    ),
    GroupChat(
        -1000000000006,
        "programme",
        "2026新教师岗前培训班",
        lambda person: person.hire is not None and person.hire.year == 2026,
        "CH",
        "CH26-05",
    ),
)


def generate() -> str:
    """Return the text of ``chenghe.yaml``."""
    return document(
        "虚构样例：云川省、安澜市、澄禾县均不存在，人名、编号、电话与数字全部为虚构。\n"
        "Made by generate.py; change the rules there, not this file.",
        {
            "office": Flow(
                tenant="chenghe",
                name="澄禾县教师发展中心",
                unit="CH",
                timezone="Asia/Shanghai",
                language="zh_Hans",
                credit_profile="cn-default",
                today=TODAY,
            ),
            "calendar": _calendar(),
            "units": _units(),
            "teachers": [_teacher(person) for person in people()],
            "programmes": programmes(),
            "competitions": competitions(),
            "chats": [
                Flow(
                    id=chat.id,
                    name=chat.name,
                    purpose=chat.purpose,
                    unit=chat.unit,
                    programme=chat.programme,
                    competition=chat.competition,
                    subject=chat.subject,
                )
                for chat in CHATS
            ],
        },
    )


def _calendar() -> Block:
    return Block(
        school_year=Flow(code="2026-2027", start="2026-09-01", end="2027-08-31"),
        terms=[
            Flow(kind="autumn", start="2026-09-01", end="2027-01-22", weeks=20),
            Flow(kind="spring", start="2027-02-22", end="2027-07-09", weeks=20),
        ],
        cycle=Flow(code="C2026", start="2026-09-01", end="2031-08-31"),
        days=[
            Flow(date="2026-10-01", to="2026-10-07", kind="holiday", label="国庆"),
            Flow(date="2027-01-01", kind="holiday", label="元旦"),
            Flow(date="2027-01-23", to="2027-02-21", kind="school_break", label="寒假"),
            Flow(date="2027-04-05", kind="holiday", label="清明"),
            Flow(date="2027-05-01", to="2027-05-05", kind="holiday", label="劳动节"),
            Flow(date="2027-07-10", to="2027-08-31", kind="school_break", label="暑假"),
        ],
    )


def _units() -> Block:
    kinds = {"CH-EB": "bureau", "CH-DC": "teacher_dev_center", "CH-RO": "research_office"}
    return Block(
        province=Flow(code="YC", name="云川省"),
        city=Flow(code="AL", name="安澜市"),
        county=Flow(code="CH", name="澄禾县"),
        bodies=[Flow(code=code, name=BODIES[code], kind=kind) for code, kind in kinds.items()],
        schools=[
            Flow(
                code=school.code,
                name=school.name,
                short=school.short,
                stages=list(school.stages),
                area=school.area,
                pupils=school.pupils,
            )
            for school in SCHOOLS
        ],
        groups=[
            Flow(code="CH-G1", name="澄禾实验教育集团", members=["CH-S06", "CH-S07", "CH-S09"])
        ],
        areas=[
            Flow(
                code="CH-A1",
                name="城区片区",
                members=[f"CH-S{n:02}" for n in (1, 2, 3, 6, 7, 10, 11)],
            ),
            Flow(code="CH-A2", name="东部片区", members=["CH-S04", "CH-S08", "CH-S12"]),
            Flow(code="CH-A3", name="西部片区", members=["CH-S05", "CH-S09"]),
        ],
        pairings=[
            Flow(supporter="CH-S06", supported="CH-S09", subjects=["语文", "数学"]),
            Flow(supporter="CH-S03", supported="CH-S05", subjects=["英语", "物理"]),
            Flow(supporter="CH-S11", supported="CH-S12", subjects=["保教"]),
        ],
    )


def _teacher(person: Person) -> Flow:
    return Flow(
        no=person.no,
        name=person.name,
        unit=person.unit,
        stage=person.stage,
        subject=person.subject,
        hire=person.hire,
        route=person.route,
        service_end=person.service_end,
        tier=person.tier,
        cert=person.cert,
        title=person.title,
        title_since=person.title_since,
        duties=" ".join(person.duties),
        roles=" ".join(person.roles),
        phone=person.phone,
        state="" if person.state == "active" else person.state,
    )
