"""Everybody on the county's roster: the cast, and who is drawn to stand beside it.

The rules are those of domain/7-sample-county.md: exact numbers of teachers in each school,
shares of tiers and special posts, hire years weighted to 2005-2022.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from random import Random

from bot.sandbox.county.cast import CAST
from bot.sandbox.county.names import GIVEN_NAMES, SURNAMES
from bot.sandbox.county.person import BODIES, SCHOOLS, Person, School, dice

SUBJECTS = {
    "primary": "语文 语文 语文 语文 数学 数学 数学 英语 科学 道德与法治 音乐 体育 美术 信息科技",
    "junior": "语文 语文 数学 数学 英语 英语 物理 化学 生物 道德与法治 历史 地理 体育 音乐 美术",
    "senior": "语文 语文 数学 数学 英语 英语 物理 化学 生物 思想政治 历史 地理 体育 信息技术",
    "vocational": "语文 数学 英语 思想政治 体育 机械 电子商务 汽修 财会 计算机应用",
    "kindergarten": "保教",
}
ROUTES = ("open_exam",) * 16 + ("free_normal",) * 2 + ("transfer",) * 2
YEARS = {year: 3 if 2005 <= year <= 2022 else 1 for year in range(1988, 2025)}
HIRED_2026, HIRED_2025 = 54, 47
SPECIAL_POST = 0.06
LONG_LEAVE = 0.01
FULL_IN_FIGURES = ("CH-S05", "CH-S06", "CH-S09")  # where the figures name everybody as due
TIERS = (  # key, share of all teachers, hired between
    ("new", 0.08, 2025, 2026),
    ("rising_star", 0.06, 2012, 2022),
    ("backbone", 0.12, 2000, 2016),
    ("named_leader", 0.02, 1990, 2006),
    ("master_educator", 0.003, 1988, 2000),
)


@cache
def people() -> tuple[Person, ...]:
    """Return everybody: school by school, then the bodies; within a school by number."""
    years = _hire_years()
    name = _names({person.name for person in CAST})
    everybody: list[Person] = []
    for school in SCHOOLS:
        draw = dice(school.code)
        there = {
            person.no: replace(person, stage=person.stage or school.stages[0])
            for person in CAST
            if person.unit == school.code
        }
        for number in range(1, 10_000):
            if len(there) == school.teachers:
                break
            no = f"CH{school.number}{number:04}"
            if no not in there:
                there[no] = _drawn(no, name(), school, next(years), draw)
        everybody += _with_duties(school, sorted(there.values(), key=lambda each: each.no))
    everybody += [person for person in CAST if person.unit in BODIES]
    return tuple(_with_leave(_with_special_posts(_with_tiers(everybody))))


def _hire_years() -> Iterator[int]:
    """Draw so that 2026 and 2025 come to the known numbers, the cast's one each included."""
    draw = dice("hire")
    others = sum(school.teachers for school in SCHOOLS) - sum(
        1 for person in CAST if person.unit not in BODIES
    )
    years = [2026] * (HIRED_2026 - 1) + [2025] * (HIRED_2025 - 1)
    years += draw.choices(list(YEARS), list(YEARS.values()), k=others - len(years))
    draw.shuffle(years)
    return iter(years)


def _names(taken: set[str]) -> Callable[[], str]:
    draw = dice("names")

    def name() -> str:
        while True:
            drawn = draw.choice(SURNAMES) + draw.choice(GIVEN_NAMES)
            if drawn not in taken:
                taken.add(drawn)
                return drawn

    return name


def _drawn(no: str, name: str, school: School, year: int, draw: Random) -> Person:
    stage = draw.choice(school.stages)
    certified = stage == "kindergarten" and draw.random() < (0.9 if school.area == "urban" else 0.7)
    return Person(
        no=no,
        name=name,
        unit=school.code,
        hire=date(year, 8, draw.randint(15, 25)),
        stage=stage,
        subject=draw.choice(SUBJECTS[stage].split()),
        route=draw.choice(ROUTES),
        cert="kindergarten" if certified else "",
    )


def _with_duties(school: School, staff: list[Person]) -> list[Person]:
    """Name the principal, the coordinator and the other leading posts, and the form teachers."""
    draw = dice(f"duties/{school.code}")
    by_no = {person.no: person for person in staff}

    def choose(count: int, first: int, last: int, **given: tuple[str, ...]) -> None:
        free = [
            person
            for person in by_no.values()
            if not person.listed
            and not person.duties
            and not person.roles
            and person.hire is not None
            and first <= person.hire.year <= last
        ]
        for person in draw.sample(free, min(count, len(free))):
            by_no[person.no] = replace(person, **given)  # type: ignore[arg-type]

    leads = {duty for person in staff for duty in (*person.duties, *person.roles)}
    if "principal" not in leads:
        choose(1, 1988, 2008, duties=("principal",), roles=("principal",))
    if "school_coordinator" not in leads:
        choose(1, 2008, 2021, roles=("school_coordinator",))
    choose(
        1 + (school.teachers >= 60) + (school.teachers >= 130),
        1990,
        2012,
        duties=("vice_principal",),
    )
    choose(max(1, school.teachers // 25), 1995, 2016, duties=("middle_leader",))
    choose(school.teachers // 30, 1995, 2018, duties=("grade_head",))
    if school.stages != ("kindergarten",):
        choose(round(school.teachers * 0.3), 1998, 2025, duties=("homeroom",))
    return list(by_no.values())


def _with_tiers(everybody: list[Person]) -> list[Person]:
    draw = dice("tiers")
    teachers = sum(school.teachers for school in SCHOOLS)
    tier_of: dict[str, str] = {}
    for key, share, first, last in TIERS:
        wanted = round(teachers * share) - sum(person.tier == key for person in everybody)
        fit = [
            person
            for person in everybody
            if not person.listed
            and person.no not in tier_of
            and person.hire is not None
            and first <= person.hire.year <= last
        ]
        draw.shuffle(fit)
        if key == "new":  # all of this year's first
            fit.sort(key=lambda person: -person.hire.year if person.hire else 0)
        tier_of |= {person.no: key for person in fit[:wanted]}
    return [replace(person, tier=tier_of.get(person.no, person.tier)) for person in everybody]


def _with_special_posts(everybody: list[Person]) -> list[Person]:
    """6 % of the teachers in town and rural schools came by the special-post programme."""
    remote = {school.code for school in SCHOOLS if school.area != "urban"}
    there = [person for person in everybody if person.unit in remote]
    wanted = round(len(there) * SPECIAL_POST) - sum(p.route == "special_post" for p in there)
    fit = [p for p in there if not p.listed and not p.roles and p.hire and p.hire.year >= 2014]
    chosen = {person.no for person in dice("special posts").sample(fit, wanted)}

    def served(person: Person) -> Person:
        assert person.hire is not None
        end = date(person.hire.year + 3, 8, 31)
        running = end if end.year >= 2027 else None
        return replace(person, route="special_post", service_end=running)

    return [served(person) if person.no in chosen else person for person in everybody]


def _with_leave(everybody: list[Person]) -> list[Person]:
    wanted = round(sum(school.teachers for school in SCHOOLS) * LONG_LEAVE)
    fit = [
        person
        for person in everybody
        if not (person.listed or person.roles or person.duties or person.tier)
        and person.unit not in FULL_IN_FIGURES
    ]
    away = {person.no for person in dice("leave").sample(fit, wanted)}
    return [
        replace(person, state="long_leave") if person.no in away else person for person in everybody
    ]
