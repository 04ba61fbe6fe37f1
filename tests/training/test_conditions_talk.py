"""Conditions, as the organiser sets them and the teacher meets them."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, select

from storage.people.tables import Teacher
from storage.training.tables import EligibilityRule, Registration
from tests import make
from tests.stage import Stage
from tests.training.test_timetable_talk import a_class, organiser


async def test_a_required_condition_refuses_in_words_and_can_be_softened(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage, "名师研修")
    lin = await stage.teacher("林若溪", hire_date=date(2024, 9, 1))
    await zhou.starts(f"run{batch}")
    assert "Whoever is in the audience may register." in await zhou.taps("Conditions")
    await zhou.taps("Add a condition")
    await zhou.taps("years in service")
    await zhou.taps("at least")
    await zhou.taps("5")
    shown = await zhou.taps("Require it")
    assert "at least 5 years in service (required)" in shown
    assert "In the audience: 2. May register: 0." in shown

    assert "it is for at least 5 years in service; the roster says 2" in await lin.starts(
        f"p{batch}"
    )
    assert "Register" not in lin.labels()
    await lin.sends_data(f"reg:{batch}")
    assert "This training is not for you this time" in lin.alert
    assert "at least 5 years in service" in lin.alert

    await zhou.taps("1. at least 5 years")
    assert "is told, and asked once" in await zhou.taps("Only recommend it")
    assert "recommended for at least 5 years" in await lin.starts(f"p{batch}")
    asked = await lin.taps("Register")
    assert "Do you want to register all the same?" in asked
    assert await stage.database.read(_registrations) == 0
    assert "You: you have a place" in await lin.taps("Register all the same")
    assert await stage.database.read(_registrations) == 1
    assert "although it is recommended for others" in await lin.taps("Why?")

    await zhou.taps("Remove")
    assert "Whoever is in the audience may register." in zhou.sees()


def _registrations(session: Session) -> int:
    return len(session.exec(select(Registration)).all())


async def test_values_of_the_roster_are_chosen_by_keys_and_numbers_typed(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage, "骨干研修")
    await stage.database.write(make.teacher, "石晓岚", subject="英语", facts={"tier": "backbone"})
    await zhou.starts(f"run{batch}")
    await zhou.taps("Conditions")
    await zhou.taps("Add a condition")
    await zhou.taps("subject")
    await zhou.taps("is one of")
    await zhou.taps("Chinese")
    assert "subject: Chinese, English" in await zhou.taps("English")
    assert "subject: Chinese" in await zhou.taps("✓ English")
    assert "subject: Chinese (recommended)" in await zhou.taps("Only recommend it")
    await zhou.taps("Add a condition")
    await zhou.taps("hours in the cycle")
    await zhou.taps("at most")
    await zhou.says("很多")
    assert "at most 90.5 hours in this cycle" in await zhou.says("９０.5")
    await zhou.taps("Require it")
    kept = await stage.database.read(
        lambda s: [(x.field, x.op, x.value, x.hard) for x in s.exec(select(EligibilityRule))]
    )
    assert kept == [
        ("subject", "is", "语文", False),
        ("hours_in_cycle", "at_most", "90.5", True),
    ]


async def test_a_stranger_sets_no_conditions(stage: Stage) -> None:
    await organiser(stage)
    batch = await a_class(stage)
    lin = await stage.teacher("林若溪")
    await lin.says("/menu")
    for data in (
        f"el:{batch}",
        f"el1:{batch}:1",
        f"elh:{batch}:1:0",
        f"elx:{batch}:1",
        f"ela:{batch}:tier:is",
    ):
        assert "right to do this" in await lin.sends_data(data), data
    assert "no longer there" in await lin.sends_data("elg:1")
    assert await stage.database.read(lambda s: s.exec(select(EligibilityRule)).all()) == []


async def test_in_a_group_the_question_is_asked_in_private(stage: Stage) -> None:
    zhou, batch = await organiser(stage), await a_class(stage, "名师研修")
    lin = await stage.teacher("林若溪", hire_date=date(2024, 9, 1))
    await zhou.starts(f"run{batch}")
    await zhou.taps("Conditions")
    await zhou.taps("Add a condition")
    await zhou.taps("years in service")
    await zhou.taps("at least")
    await zhou.taps("5")
    await zhou.taps("Only recommend it")
    await lin.says("/menu")
    await lin.sends_data(f"gr:{batch}")
    assert "recommended for at least 5 years" in lin.sees()
    assert "Register" in lin.labels()
    assert await stage.database.read(lambda s: len(s.exec(select(Teacher)).all())) == 2
