"""The county's schools, and what is known of one teacher."""

from dataclasses import dataclass
from datetime import date
from random import Random

SEED = 20260901


def dice(topic: str) -> Random:
    """Return dice of their own for each topic, so that one rule does not disturb another."""
    return Random(f"{SEED}/{topic}")  # noqa: S311


@dataclass(frozen=True)
class School:
    """A school, with the number of its full-time teachers on the roster date."""

    code: str
    name: str
    short: str
    stages: tuple[str, ...]
    area: str
    teachers: int
    pupils: int

    @property
    def number(self) -> str:
        return self.code[-2:]


SCHOOLS = (
    School("CH-S01", "澄禾县第一中学", "一中", ("senior",), "urban", 168, 2310),
    School("CH-S02", "澄禾县第二中学", "二中", ("junior", "senior"), "urban", 132, 1780),
    School("CH-S03", "城关初级中学", "城关初中", ("junior",), "urban", 118, 1620),
    School("CH-S04", "柳渡镇中心学校", "柳渡中心校", ("primary", "junior"), "town", 96, 1140),
    School("CH-S05", "石桥镇初级中学", "石桥初中", ("junior",), "town", 84, 960),
    School("CH-S06", "澄禾县实验小学", "实验小学", ("primary",), "urban", 146, 2480),
    School("CH-S07", "城东小学", "城东小学", ("primary",), "urban", 92, 1530),
    School("CH-S08", "白杨镇中心小学", "白杨小学", ("primary",), "town", 64, 870),
    School("CH-S09", "南塘乡中心小学", "南塘小学", ("primary",), "rural", 48, 520),
    School("CH-S10", "澄禾县职业教育中心", "职教中心", ("vocational",), "urban", 76, 1010),
    School("CH-S11", "澄禾县幼儿园", "县幼儿园", ("kindergarten",), "urban", 42, 560),
    School("CH-S12", "柳渡镇中心幼儿园", "柳渡幼儿园", ("kindergarten",), "town", 20, 260),
)
BODIES = {"CH-EB": "澄禾县教育局", "CH-DC": "澄禾县教师发展中心", "CH-RO": "澄禾县教研室"}
ALL_STAGES = ["kindergarten", "primary", "junior", "senior", "vocational"]

WORDS = {
    "new": "新教师",
    "rising_star": "教坛新秀",
    "backbone": "骨干教师",
    "named_leader": "名师",
    "master_educator": "教育教学名师",
    "principal": "校长",
    "school_coordinator": "学校培训管理员",
    "county_coordinator": "县级管理员",
    "research_officer": "教研员",
}


@dataclass(frozen=True)
class Person:
    """One teacher of the county."""

    no: str
    name: str
    unit: str
    hire: date | None = None
    stage: str = ""
    subject: str = ""
    route: str = "open_exam"
    service_end: date | None = None
    tier: str = ""
    cert: str = ""
    title: str = ""
    title_since: date | None = None
    duties: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    state: str = "active"
    listed: bool = False
    hint: str = ""
    language_code: str = "zh-hans"

    @property
    def phone(self) -> str:
        """No mobile number in China begins with 111, so this one can be nobody's."""
        number = {"CHDC": "13", "CHRO": "14"}.get(self.no[:4], self.no[2:4])
        return f"111{number}{self.no[-4:]:0>6}"

    @property
    def note(self) -> str:
        """What the sandbox's list of people says beside the name."""
        school = next((each.short for each in SCHOOLS if each.code == self.unit), "")
        marks = [WORDS[key] for key in (*self.duties, *self.roles, self.tier) if key in WORDS]
        words = [school or BODIES[self.unit], self.subject, *dict.fromkeys(marks), self.hint]
        return " · ".join(word for word in words if word)
