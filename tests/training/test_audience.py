"""For whom a programme is: the set-based condition and the words for one person agree."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from storage.database import Database
from storage.people.tables import Teacher, TeacherFact, TeacherState
from storage.training import audience
from tests import make


@dataclass(frozen=True)
class For:
    audience: dict[str, Any] = field(default_factory=dict)


def members(session: Session, wanted: dict[str, Any]) -> set[str]:
    return set(session.exec(select(Teacher.name).where(audience.fits(For(wanted)))).all())


def staff(session: Session) -> None:
    make.teacher(session, "林若溪", facts={"hire_year": "2026", "tier": "new"})
    make.teacher(session, "沈志衡", subject="数学", facts={"post": "principal"})
    make.teacher(session, "田蕾", subject="保教", stage="kindergarten", facts={"cert": "kg"})
    make.teacher(session, "叶知秋", subject="保教", stage="kindergarten")
    make.teacher(session, "傅文岳", state=TeacherState.RETIRED)
    both = make.teacher(session, "韩静仪", facts={"tier": "named_leader"})
    session.add(TeacherFact(teacher_id=both, key="subject", value="数学"))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, {"林若溪", "沈志衡", "田蕾", "叶知秋", "韩静仪"}),
        ({"subject": "语文"}, {"林若溪", "韩静仪"}),
        ({"subject": ["数学"]}, {"沈志衡", "韩静仪"}),
        ({"subject": ["语文", "数学"], "tier": ["new", "backbone"]}, {"林若溪"}),
        ({"hire_year": 2026}, {"林若溪"}),
        ({"stage": "kindergarten", "cert": "none"}, {"叶知秋"}),
        ({"stage": "kindergarten", "cert": ["none", "kg"]}, {"叶知秋", "田蕾"}),
        ({"duty": "homeroom"}, set()),
    ],
)
async def test_an_audience_is_who_has_all_that_it_asks_for(
    database: Database, wanted: dict[str, Any], names: set[str]
) -> None:
    await database.write(staff)
    assert await database.read(members, wanted) == names
    assert await database.read(audience.audience_size, For(wanted)) == len(names)


async def test_misfits_say_what_is_asked_for_and_what_one_has(database: Database) -> None:
    amina = await database.write(make.teacher, facts={"tier": "new"})
    wanted = {"subject": ["数学"], "tier": ["backbone", "rising_star"], "duty": "homeroom"}
    found = await database.read(audience.misfits, amina, For(wanted | {"stage": "primary"}))
    assert [(x.key, x.wanted, x.has) for x in found] == [
        ("subject", ("数学",), ("语文",)),
        ("tier", ("backbone", "rising_star"), ("new",)),
        ("duty", ("homeroom",), ()),
    ]


KEYS, VALUES = st.sampled_from(["stage", "subject", "cert"]), st.sampled_from(["a", "b"])
WANTED = st.dictionaries(
    KEYS, st.lists(st.sampled_from(["a", "b", "none"]), min_size=1, max_size=2), max_size=3
)


class _Undone(Exception):
    pass


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(facts=st.sets(st.tuples(KEYS, VALUES)), wanted=WANTED)
def test_the_condition_and_the_reasons_never_disagree(
    sqlite: Database, facts: set[tuple[str, str]], wanted: dict[str, list[str]]
) -> None:
    def compare(session: Session) -> None:
        teacher = Teacher(staff_no="X", name="X")
        session.add(teacher)
        session.flush()
        for key, value in facts:
            session.add(TeacherFact(teacher_id=teacher.id, key=key, value=value))
        session.flush()
        is_in = members(session, wanted) == {"X"}
        assert is_in == (audience.misfits(session, teacher.id, For(wanted)) == ())
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(compare)
