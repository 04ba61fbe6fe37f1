"""Conditions beyond the audience: hard ones refuse, soft ones warn, one word for one and all."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from storage.credits.tables import CreditEntry, EntryState
from storage.database import Database
from storage.people import roles
from storage.people.tables import Role, Teacher
from storage.refusals import NotAllowed, NotFound
from storage.training import eligibility, owing, programmes, registration
from storage.training.decisions import why
from storage.training.eligibility import NoSuchRule
from storage.training.refusals import ConditionsNotMet, Finding, NotRecommended
from storage.training.tables import (
    Batch,
    EligibilityRule,
    Level,
    Programme,
    Registration,
    RegistrationState,
)
from tests import make
from tests.make import NOW

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)


def desk(session: Session, /, **batch: Any) -> tuple[int, int]:
    actor = make.teacher(session, "周明", at="澄禾县教师发展中心")
    roles.appoint(
        session, actor, Role.COUNTY_COORDINATOR, make.county(session), today=TODAY, now=NOW
    )
    return actor, make.batch(session, "名师研修", **batch)


def programme_of(session: Session, batch_id: int) -> Programme:
    return session.exec(
        select(Programme)
        .join(Batch, col(Batch.programme_id) == col(Programme.id))
        .where(Batch.id == batch_id)
    ).one()


def rule(
    session: Session, batch_id: int, field: str, op: str, *values: str, hard: bool = True
) -> int:
    row = EligibilityRule(
        programme_id=programme_of(session, batch_id).id,
        field=field,
        op=op,
        value="|".join(values),
        hard=hard,
    )
    session.add(row)
    session.flush()
    return row.id


def completed(session: Session, teacher_id: int, ended: datetime, **programme: Any) -> None:
    past = make.batch(session, "旧项目", ends_at=ended, programme=programme)
    session.add(
        Registration(
            batch_id=past,
            teacher_id=teacher_id,
            unit_id_at=make.school(session),
            state=RegistrationState.COMPLETED,
            submitted_at=ended,
            queued_at=ended,
            changed_at=ended,
        )
    )
    session.flush()


def hours(session: Session, teacher_id: int, day: date, amount: str, level: str = "county") -> None:
    session.add(
        CreditEntry(
            teacher_id=teacher_id,
            earned_on=day,
            level=level,
            category="professional",
            hours=Decimal(amount),
            title="学时",
            source_kind="opening",
            source_id=len(session.exec(select(CreditEntry.id)).all()) + 1,
            state=EntryState.POSTED,
        )
    )
    session.flush()


async def test_a_hard_condition_refuses_with_what_the_books_say(database: Database) -> None:
    def refuse(session: Session) -> None:
        _actor, batch = desk(session)
        rule(session, batch, "years_in_service", "at_least", "5")
        young = make.teacher(session, hire_date=date(2023, 9, 1))
        old = make.teacher(session, hire_date=date(2015, 9, 1))
        unknown = make.teacher(session)
        with pytest.raises(ConditionsNotMet) as refusal:
            registration.register(session, young, batch, now=NOW)
        assert refusal.value.findings == (
            Finding("years_in_service", "at_least", ("5",), True, ("3",)),
        )
        with pytest.raises(ConditionsNotMet) as refusal:
            registration.register(session, unknown, batch, now=NOW, despite=True)
        assert refusal.value.findings[0].has == ()
        assert registration.register(session, old, batch, now=NOW).is_new
        assert [x.batch_id for x in programmes.open_for(session, old, now=NOW).items] == [batch]
        assert programmes.open_for(session, young, now=NOW).items == ()
        card = programmes.card(session, batch, young, now=NOW)
        assert not card.can_register
        assert card.unmet[0].hard

    await database.write(refuse)


async def test_a_soft_condition_asks_once_and_leaves_a_line(database: Database) -> None:
    def ask(session: Session) -> None:
        _actor, batch = desk(session)
        rule(session, batch, "tier", "is", "backbone", "named_leader", hard=False)
        lin = make.teacher(session)
        with pytest.raises(NotRecommended) as refusal:
            registration.register(session, lin, batch, now=NOW)
        assert refusal.value.batch_id == batch
        assert [finding.hard for finding in refusal.value.findings] == [False]
        assert session.exec(select(Registration)).all() == []
        first = registration.register(session, lin, batch, now=NOW, despite=True)
        assert first.state is RegistrationState.APPROVED
        assert not registration.register(session, lin, batch, now=NOW).is_new
        lines = why(session, lin, batch).lines
        assert [line.rule for line in lines] == ["registered_despite", "seat_from_pool"]
        assert lines[0].facts == {"fields": ["tier"]}
        backbone = make.teacher(session, facts={"tier": "backbone"})
        assert registration.register(session, backbone, batch, now=NOW).is_new

    await database.write(ask)


async def test_without_conditions_nothing_more_is_asked(sqlite: Database) -> None:
    def count(session: Session) -> tuple[int, int]:
        _actor, batch = desk(session)
        first, second = make.teacher(session), make.teacher(session)
        heard: list[str] = []

        def hear(*what: Any) -> None:
            heard.append(what[2])

        sa.event.listen(session.connection(), "before_cursor_execute", hear)
        registration.register(session, first, batch, now=NOW)
        without = len(heard)
        rule(session, batch, "tier", "is_not", "named_leader")
        heard.clear()
        registration.register(session, second, batch, now=NOW)
        sa.event.remove(session.connection(), "before_cursor_execute", hear)
        return without, len(heard)

    without, with_rules = await sqlite.write(count)
    assert without < with_rules <= without + 3


CASES = [
    ("subject", "is", ("语文", "数学"), True),
    ("subject", "is", ("英语",), False),
    ("subject", "is_not", ("英语",), True),
    ("tier", "is_not", ("named_leader",), True),
    ("tier", "is", ("backbone",), False),
    ("title", "is", ("一级教师",), True),
    ("title", "is_not", ("一级教师",), False),
    ("hire_year", "at_least", ("2018",), True),
    ("hire_year", "at_least", ("2019",), False),
    ("hire_year", "at_most", ("2018",), True),
    ("hire_year", "at_most", ("2017",), False),
    ("years_in_service", "at_least", ("8",), True),
    ("years_in_service", "at_least", ("9",), False),
    ("years_in_service", "at_most", ("8",), True),
    ("years_in_service", "at_most", ("7",), False),
    ("years_since_national", "at_least", ("2",), True),
    ("years_since_national", "at_least", ("3",), False),
    ("years_since_national", "at_most", ("2",), True),
    ("years_since_national", "at_most", ("1",), False),
    ("completed", "is", ("management",), True),
    ("completed", "is", ("homeroom",), False),
    ("completed", "is_not", ("homeroom",), True),
    ("hours_in_cycle", "at_least", ("30",), True),
    ("hours_in_cycle", "at_least", ("30.5",), False),
    ("hours_in_cycle", "at_most", ("30",), True),
    ("hours_in_cycle", "at_most", ("29.5",), False),
]


async def test_every_condition_says_the_same_of_one_and_of_all(database: Database) -> None:
    def judge(session: Session) -> None:
        _actor, batch = desk(session)
        lin = make.teacher(session, hire_date=date(2018, 9, 1), title="一级教师")
        completed(
            session,
            lin,
            NOW - timedelta(days=2 * 365 + 10),
            level=Level.NATIONAL,
            category="management",
        )
        hours(session, lin, date(2026, 10, 1), "30")
        hours(session, lin, date(2001, 10, 1), "100")  # of a cycle long past
        programme = programme_of(session, batch)
        for field, op, values, met in CASES:
            made = rule(session, batch, field, op, *values)
            findings = eligibility.check(session, lin, programme.id, now=NOW)
            assert (not findings) is met, (field, op, values, findings)
            condition = eligibility.meets(session, programme.id, now=NOW)
            of_all = session.exec(select(Teacher.id).where(condition)).all()
            assert (lin in of_all) is met, (field, op, values)
            session.exec(sa.delete(EligibilityRule).where(col(EligibilityRule.id) == made))
        # A national training in the ledger counts like one of our own.
        hours(session, lin, date(2026, 5, 1), "20", level="national")
        rule(session, batch, "years_since_national", "at_least", "1")
        (finding,) = eligibility.check(session, lin, programme.id, now=NOW)
        assert finding.has == ("0",)
        # Whoever had none has waited long enough.
        assert eligibility.check(session, make.teacher(session), programme.id, now=NOW) == ()

    await database.write(judge)


async def test_the_organiser_sets_conditions_and_sees_whom_they_leave(database: Database) -> None:
    def manage(session: Session) -> None:
        actor, batch = desk(session, audience={"subject": ["语文"]})
        make.teacher(session, hire_date=date(2015, 9, 1))
        make.teacher(session, hire_date=date(2025, 9, 1))
        make.teacher(session, hire_date=date(2015, 9, 1), subject="数学")
        five: Any = {"field": "years_in_service", "op": "at_least", "values": ["5"], "now": NOW}
        one = eligibility.add_rule(session, actor, batch, hard=True, **five)
        assert eligibility.add_rule(session, actor, batch, hard=True, **five) == one
        found = eligibility.conditions(session, actor, batch, now=NOW)
        assert (found.audience, found.eligible, found.welcome) == (3, 1, 1)  # 周明 teaches too
        eligibility.set_hard(session, actor, batch, one, hard=False, now=NOW)
        found = eligibility.conditions(session, actor, batch, now=NOW)
        assert (found.eligible, found.welcome) == (3, 1)
        assert [(r.field, r.values, r.hard) for r in found.rules] == [
            ("years_in_service", ("5",), False)
        ]
        for wrong in (
            {"field": "shoe_size", "op": "is", "values": ["40"]},
            {"field": "tier", "op": "at_least", "values": ["1"]},
            {"field": "tier", "op": "is", "values": [" "]},
            {"field": "tier", "op": "is", "values": ["a|b"]},
            {"field": "years_in_service", "op": "at_least", "values": ["几年"]},
            {"field": "years_in_service", "op": "at_least", "values": ["-1"]},
            {"field": "years_in_service", "op": "at_least", "values": ["2.5"]},
            {"field": "years_in_service", "op": "at_least", "values": ["NaN"]},
        ):
            with pytest.raises(NoSuchRule):
                eligibility.add_rule(session, actor, batch, hard=True, now=NOW, **wrong)  # type: ignore[arg-type]
        other = make.batch(session)
        with pytest.raises(NotFound):  # a condition of another programme
            eligibility.set_hard(session, actor, other, one, hard=True, now=NOW)
        for _ in range(2):
            eligibility.remove_rule(session, actor, batch, one, now=NOW)
        assert eligibility.conditions(session, actor, batch, now=NOW).rules == ()
        assert "语文" in eligibility.choices(session, "subject")
        assert eligibility.choices(session, "completed") == ("post_skill",)
        assert eligibility.choices(session, "hours_in_cycle") == ()

    await database.write(manage)


async def test_only_the_organiser_sets_conditions(sqlite: Database) -> None:
    def foreign(session: Session) -> None:
        _actor, batch = desk(session)
        made = rule(session, batch, "tier", "is", "backbone")
        luo = make.teacher(session)
        school = make.school(session)
        roles.appoint(session, luo, Role.SCHOOL_COORDINATOR, school, today=TODAY, now=NOW)
        for attempt in (
            lambda: eligibility.conditions(session, luo, batch, now=NOW),
            lambda: eligibility.add_rule(
                session, luo, batch, field="tier", op="is", values=["x"], hard=True, now=NOW
            ),
            lambda: eligibility.set_hard(session, luo, batch, made, hard=False, now=NOW),
            lambda: eligibility.remove_rule(session, luo, batch, made, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                attempt()

    await sqlite.write(foreign)


async def test_nobody_is_told_of_a_registration_that_would_refuse_them(database: Database) -> None:
    def invite(session: Session) -> set[int]:
        _actor, batch = desk(session)
        rule(session, batch, "years_in_service", "at_least", "5")
        make.teacher(session, hire_date=date(2025, 9, 1))
        old = make.teacher(session, hire_date=date(2010, 9, 1))
        who = owing.owes(session, "reg_open", batch, now=NOW)
        assert who is not None
        assert set(session.connection().execute(who).scalars()) == {old}
        return {old}

    await database.write(invite)


class _Undone(Exception):
    """Ends an example, so that the next one finds nothing of it."""


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    asked=st.lists(
        st.tuples(st.sampled_from([case[:3] for case in CASES]), st.booleans()), max_size=4
    ),
    hired=st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2026, 11, 20))),
    subject=st.sampled_from(["语文", "英语"]),
)
def test_whoever_may_register_is_whoever_is_counted(
    sqlite: Database,
    asked: list[tuple[tuple[str, str, tuple[str, ...]], bool]],
    hired: date | None,
    subject: str,
) -> None:
    def judge(session: Session) -> None:
        _actor, batch = desk(session)
        lin = make.teacher(session, hire_date=hired, subject=subject)
        for (field, op, values), hard in asked:
            rule(session, batch, field, op, *values, hard=hard)
        programme = programme_of(session, batch)
        counted = {
            soft: lin
            in session.exec(
                select(Teacher.id).where(
                    eligibility.meets(session, programme.id, now=NOW, soft=soft)
                )
            ).all()
            for soft in (False, True)
        }
        findings = eligibility.check(session, lin, programme.id, now=NOW)
        assert counted[False] is not any(finding.hard for finding in findings)
        assert counted[True] is (not findings)
        try:
            registration.register(session, lin, batch, now=NOW, despite=True)
            assert counted[False]
        except ConditionsNotMet:
            assert not counted[False]
        raise _Undone

    with pytest.raises(_Undone):
        sqlite.write_now(judge)
