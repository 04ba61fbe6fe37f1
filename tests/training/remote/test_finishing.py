"""When a class is over nobody fails by figures that could not show what they did."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session

from handlers.training.results_text import needs_text
from storage import overview
from storage.database import Database
from storage.people.tables import Role
from storage.training import completion, runs
from storage.training.completion import Lack, Verdict
from storage.training.remote.tables import StudyClaim, StudyClaimState
from storage.training.tables import Grade, Registration, Result
from tests import make
from tests.training import classes
from tests.training.remote import studying
from tests.training.remote.studying import at
from tests.training.remote.test_my_study import items

NOW = at(11, 17)


def judged(
    session: Session,
    /,
    as_of: datetime | None,
    *,
    percent: float = 60.0,
    claim: tuple[StudyClaimState, datetime] | None = None,
    grade: Grade | None = None,
    make_up_until: date | None = None,
    now: datetime = NOW,
    **figures: Any,
) -> completion.Judged:
    """What follows for somebody whose newest figures are of this moment."""
    make.office(session)
    batch_id = studying.course(session)
    items(session, batch_id)
    county = studying.appointed(session, "管", Role.COUNTY_COORDINATOR, make.county(session))
    mine = classes.joins(session, batch_id, make.teacher(session))
    session.get_one(Registration, mine).make_up_until = make_up_until
    if as_of is not None:
        of = studying.reported(session, batch_id, as_of)
        studying.has(session, mine, of, percent, **figures)
    if claim is not None:
        state, at_ = claim
        session.add(StudyClaim(registration_id=mine, state=state, submitted_at=at_))
    if grade is not None:
        session.add(Result(registration_id=mine, grade=grade, decided_at=now))
    session.flush()
    return completion.person(session, county, mine, now=now).line.judged


CASES: dict[str, tuple[dict[str, Any], Verdict, tuple[Lack, ...]]] = {
    "learned": ({"as_of": at(11, 9), "percent": 100.0}, Verdict.COMPLETED, ()),
    "figures of before the end": ({"as_of": at(11, 13)}, Verdict.NO_DATA, (Lack.NO_FIGURES,)),
    "no figures": ({"as_of": None}, Verdict.NO_DATA, (Lack.NO_FIGURES,)),
    "figures of after the end": ({"as_of": at(11, 14)}, Verdict.MAKE_UP, (Lack.STUDY,)),
    "says it is studied": (
        {"as_of": at(11, 14), "claim": (StudyClaimState.OPEN, at(11, 12))},
        Verdict.NO_DATA,
        (Lack.NO_FIGURES,),
    ),
    "was believed after these figures": (
        {"as_of": at(11, 14), "claim": (StudyClaimState.ACCEPTED, at(11, 15))},
        Verdict.NO_DATA,
        (Lack.NO_FIGURES,),
    ),
    "was believed before these figures": (
        {"as_of": at(11, 14), "claim": (StudyClaimState.ACCEPTED, at(11, 12))},
        Verdict.MAKE_UP,
        (Lack.STUDY,),
    ),
    "passed, and not learned": (
        {"as_of": at(11, 14), "grade": Grade.QUALIFIED},
        Verdict.MAKE_UP,
        (Lack.STUDY,),
    ),
    "learned, and not passed": (
        {"as_of": at(11, 14), "percent": 100.0, "grade": Grade.UNQUALIFIED},
        Verdict.MAKE_UP,
        (Lack.FAILED,),
    ),
    "made up, and figures of before": (
        {"as_of": at(11, 14), "make_up_until": date(2026, 11, 16)},
        Verdict.NO_DATA,
        (Lack.NO_FIGURES,),
    ),
    "makes up": (
        {"as_of": at(11, 14), "make_up_until": date(2026, 11, 18)},
        Verdict.MAKING_UP,
        (Lack.NO_FIGURES,),
    ),
}


@pytest.mark.parametrize("what", CASES)
async def test_what_follows_when_it_is_over(sqlite: Database, what: str) -> None:
    given, verdict, lacks = CASES[what]
    found = await sqlite.write(judged, **given)
    assert (found.verdict, found.lacks) == (verdict, lacks)


async def test_confirming_leaves_open_whom_old_figures_cannot_judge(database: Database) -> None:
    def confirms(session: Session) -> tuple[str, str]:
        make.office(session)
        batch_id = studying.course(session)
        items(session, batch_id)
        county = studying.appointed(session, "管", Role.COUNTY_COORDINATOR, make.county(session))
        slow, done = classes.people_in(session, batch_id, 2)
        of = studying.reported(session, batch_id, at(11, 13))
        studying.has(session, slow, of, 90.0)
        studying.has(session, done, of, 100.0)
        completion.confirm(session, county, batch_id, now=NOW)
        return classes.state_of(session, slow), classes.state_of(session, done)

    assert await database.write(confirms) == ("attending", "completed")


async def test_a_class_without_a_plan_is_judged_as_ever(sqlite: Database) -> None:
    def says(session: Session) -> bool:
        batch_id = classes.over(session)
        county = classes.county(session)
        classes.people_in(session, batch_id, 1)
        return completion.assess(session, county, batch_id, now=make.NOW).needs.is_studied

    assert await sqlite.write(says) is False


async def test_what_a_remote_class_asks_for_is_its_study(sqlite: Database) -> None:
    def says(session: Session) -> tuple[str, str]:
        batch_id = studying.course(session)
        items(session, batch_id)
        county = classes.county(session)
        classes.people_in(session, batch_id, 1)
        remote = completion.assess(session, county, batch_id, now=make.NOW).needs
        other = completion.assess(session, county, classes.over(session), now=make.NOW).needs
        return needs_text(remote, "en"), needs_text(other, "en")

    of_remote, of_other = await sqlite.write(says)
    assert of_remote == "Asked for: all mandatory study on the platform"
    assert "platform" not in of_other


async def test_a_long_class_that_has_just_ended_comes_first_of_what_is_over(
    database: Database,
) -> None:
    def says(session: Session) -> list[int]:
        long_ = studying.course(session, starts_at=at(9, 1), ends_at=at(11, 19))
        short = studying.course(session, starts_at=at(11, 2), ends_at=at(11, 3))
        found = runs.runs(session, classes.county(session), now=make.NOW)
        assert {long_, short} == {line.batch_id for line in found.lines}
        return [line.batch_id - long_ for line in found.lines]

    assert await database.write(says) == [0, 1]


async def test_what_has_ended_and_has_work_waiting_comes_before_all_that_is_to_come(
    database: Database,
) -> None:
    def says(session: Session) -> tuple[bool, bool]:
        for day in range(1, runs.PAGE + 1):
            make.batch(session, f"工作坊{day}", starts_at=at(12, day, 8), ends_at=at(12, day, 18))
        over = studying.course(session, ends_at=at(11, 18))
        county = classes.county(session)
        usual = runs.runs(session, county, now=make.NOW)
        found = overview.classes(session, county, now=make.NOW)
        return over in [line.batch_id for line in usual.lines], over == found.lines[0].batch_id

    assert await database.write(says) == (False, True)
