"""Who takes part in what: the past of the demo, drawn by the rules of the sample."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.county.people import people
from bot.sandbox.county.person import SCHOOLS, Person, dice

QY26_STARTED = "2026-10-19T09:00"
QY26_HOURS = 50
BEHIND = {"CH-S06": 9, "CH-S09": 6, "CH-S05": 21}
NOT_STARTED = {"CH-S09": 1}
SHORT_IN_MARCH = 0.08


@dataclass
class Rolls:
    """Who takes part in what, by the rules of the sample; numbers in the roster's order."""

    completed: dict[str, list[str]] = field(default_factory=dict)
    attending: dict[str, list[str]] = field(default_factory=dict)
    registered: dict[str, list[str]] = field(default_factory=dict)
    waiting: dict[str, list[str]] = field(default_factory=dict)
    remote: dict[int, list[str]] = field(default_factory=dict)  # percent → numbers


def _some(key: str, count: int, fits: Callable[[Person], bool]) -> list[str]:
    """Draw some who fit, of those who are there and are not the cast."""
    free = [p.no for p in people() if p.state == "active" and not p.listed and fits(p)]
    return sorted(dice(key).sample(free, min(count, len(free))))


def _by_school(key: str, counts: dict[str, int], fits: Callable[[Person], bool]) -> list[str]:
    """Draw so many who fit from each school."""

    def there(code: str) -> Callable[[Person], bool]:
        return lambda person: person.unit == code and fits(person)

    return sorted(
        no for code, count in counts.items() for no in _some(f"{key}/{code}", count, there(code))
    )


def rolls_of_all() -> Rolls:
    rolls = Rolls()
    active = [person for person in people() if person.state == "active" and person.stage]
    leading = ("principal", "vice_principal", "middle_leader")

    def those(fits: Callable[[Person], bool]) -> list[str]:
        return [person.no for person in active if fits(person)]

    rolls.completed["CH26-01"] = those(lambda p: bool(set(p.duties) & set(leading)))[:80]
    rolls.completed["CH26-04"] = those(lambda p: "school_coordinator" in p.roles)
    rolls.completed["CH26-05"] = those(lambda p: p.hire is not None and p.hire.year == 2026)
    rural = {"CH-S04": 1, "CH-S05": 1, "CH-S08": 1, "CH-S09": 2, "CH-S02": 1}
    rolls.completed["GP26-01"] = _by_school("GP26-01", rural, lambda p: p.subject == "语文")
    rolls.attending["CH26-02"] = _some("CH26-02", 95, lambda p: "homeroom" in p.duties)
    rolls.attending["CH26-03"] = _some(
        "CH26-03",
        60,
        lambda p: p.subject in ("语文", "数学") and p.tier in ("backbone", "rising_star"),
    )
    rolls.attending["GP26-02"] = _some(
        "GP26-02", 90, lambda p: p.unit in ("CH-S04", "CH-S05", "CH-S08", "CH-S09", "CH-S12")
    )
    _attended(rolls, active)
    _remote(rolls, active)
    _short_courses(rolls)
    return rolls


def _attended(rolls: Rolls, active: list[Person]) -> None:
    """Training of this autumn: all but about 8 % will have their year's hours by March.

    With the 50 hours of the remote training, 22 more make the year's 72. Everybody has 12 by
    the school's and the ethics training; most have 12 or 10 more, or both.
    """
    busy = {no for roll in (*rolls.completed.values(), *rolls.attending.values()) for no in roll}
    free = [p.no for p in active if p.no not in busy and p.stage != "kindergarten" and not p.listed]
    draw = dice("attended")
    short = set(draw.sample(free, round(len(active) * SHORT_IN_MARCH)))
    rolls.completed["HX26-01"] = [person.no for person in active]
    rolls.completed["HX26-02"] = [person.no for person in active]
    rolls.completed["HX26-03"] = []
    rolls.completed["HX26-04"] = []
    for person in active:
        turn = draw.random()
        if person.no in short:
            continue
        if turn < 0.65:
            rolls.completed["HX26-03"].append(person.no)
        if turn >= 0.35:
            rolls.completed["HX26-04"].append(person.no)


def _remote(rolls: Rolls, active: list[Person]) -> None:
    """Progress of the remote training, in steps of 5 %, with the known numbers of those behind."""
    draw = dice("remote")
    percent: dict[str, int] = {}
    for school in SCHOOLS:
        staff = [person for person in active if person.unit == school.code]
        known = {"CH060012": 60, "CH090004": 50}
        others = [person.no for person in staff if person.no not in known]
        draw.shuffle(others)
        idle = NOT_STARTED.get(school.code, 0)
        behind = BEHIND.get(school.code, round(len(staff) * 0.08))
        for n, no in enumerate(others):
            if n >= idle + behind:
                percent[no] = draw.choice((55, 60, 60, 65, 65, 70, 75, 80, 90, 100))
            elif n >= idle:
                percent[no] = draw.choice((10, 15, 20, 25, 30, 35))
        percent |= {person.no: known[person.no] for person in staff if person.no in known}
    groups: dict[int, list[str]] = defaultdict(list)
    for no in sorted(percent):
        groups[percent[no]].append(no)
    rolls.remote = dict(sorted(groups.items()))


def _short_courses(rolls: Rolls) -> None:
    def primary(person: Person) -> bool:
        return person.stage == "primary"

    def both(person: Person) -> bool:
        return person.stage in ("primary", "junior")

    rolls.registered["KC26-01"] = _some(
        "KC26-01", 11, lambda p: primary(p) and p.subject == "语文" and p.unit != "CH-S08"
    )
    schools = {"CH-S06": 9, "CH-S07": 9, "CH-S04": 3, "CH-S03": 4, "CH-S09": 2}
    rolls.registered["KC26-02"] = _by_school("KC26-02", schools, both)
    crowd = _some(
        "KC26-03", 36, lambda p: p.stage in ("primary", "junior", "senior") and p.tier != "new"
    )
    dice("KC26-03/order").shuffle(crowd)
    rolls.registered["KC26-03"], rolls.waiting["KC26-03"] = crowd[:30], crowd[30:]
    rolls.registered["KC26-05"] = _some("KC26-05", 23, primary)
    elsewhere = set(rolls.registered["KC26-05"])
    rolls.registered["KC26-06"] = _some("KC26-06", 14, lambda p: both(p) and p.no not in elsewhere)
