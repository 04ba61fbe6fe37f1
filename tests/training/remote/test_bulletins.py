"""Bulletins by the clock: one a fortnight, kept true where it hangs, and never of old figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging import groups, outbox
from storage.messaging.tables import (
    ChatPurpose,
    News,
    OutboxMessage,
    OutboxState,
)
from storage.people.tables import Role
from storage.training.remote import bulletins, pace, plan
from storage.training.remote.tables import Measure, ProgressImport, ProgressItem, RemotePlan
from storage.training.tables import Batch, Registration, RegistrationState
from tests import make
from tests.stage import Actor, Stage
from tests.training import classes
from tests.training.desk import appoint_in_county
from tests.training.remote import studies, studying
from tests.training.remote.studying import at

OWN, OTHER = "澄禾县实验小学", "白杨镇中心小学"
FRIDAY = at(11, 6, 17)
"""Of the third week: the first bulletin's day, at the hour of the briefs."""


def a_class(session: Session, **differs: object) -> tuple[int, int]:
    """A class from 19 October to 18 December with six people in two schools, and its group."""
    for code, school in (("A1", OTHER), ("A2", OWN)):
        make.school(session, school, code=code)
    batch_id = studying.course(session, ends_at=at(12, 18, 18), **differs)  # type: ignore[arg-type]
    county = studying.appointed(session, "顾岩", Role.COUNTY_COORDINATOR, make.county(session))
    classes.people_in(session, batch_id, 5, at=OTHER)
    classes.people_in(session, batch_id, 5, at=OWN)
    groups.bind(
        session,
        -100200300,
        "学习群",
        purpose=ChatPurpose.PROGRAMME,
        programme_id=session.get_one(Batch, batch_id).programme_id,
    )
    return batch_id, county


def reported(session: Session, batch_id: int, by: int, percent: float, as_of: datetime) -> int:
    """A table in which everybody has done so much."""
    everybody = studies.registrations(session, batch_id)
    return studies.imported(session, batch_id, by, dict.fromkeys(everybody, percent), as_of=as_of)


def said(session: Session, kind: str = bulletins.KIND) -> list[tuple[int, datetime, int, bool]]:
    """Of each row: the number, as of when, how many have learned, and whether it corrects."""
    rows = session.exec(
        select(OutboxMessage.facts)
        .where(OutboxMessage.kind == kind)
        .order_by(col(OutboxMessage.id))
    ).all()
    found = [bulletins.of(facts["bulletin"]) for facts in rows]
    return [(one.number, one.as_of, one.whole.learned, one.corrected) for one in found]


def sent(session: Session) -> None:
    """All that waits is in the group."""
    rows = session.exec(
        select(OutboxMessage).where(OutboxMessage.state == OutboxState.PENDING)
    ).all()
    for row in rows:
        outbox.settle_sent(session, row.id, 7000 + row.id, FRIDAY)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (at(10, 30, 17), None),  # two weeks are too soon to say anything
        (at(11, 6, 16), None),
        (at(11, 6, 17), date(2026, 11, 6)),
        (at(11, 9, 9), date(2026, 11, 6)),  # the machine stood still on Friday
        (at(11, 10, 9), None),
        (at(11, 13, 17), None),
        (at(11, 20, 17), date(2026, 11, 20)),
        (at(12, 4, 17), date(2026, 12, 4)),
        (at(12, 18, 17), None),  # it ends today
    ],
)
async def test_a_bulletin_is_due_every_second_friday(
    sqlite: Database, now: datetime, day: date | None
) -> None:
    def due(session: Session) -> date | None:
        batch_id, _county = a_class(session)
        course = pace.of_class(session, batch_id)
        assert course is not None
        return bulletins.due_day(course, now)

    assert await sqlite.write(due) == day


async def test_it_is_posted_once_with_its_number_and_no_ring(database: Database) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        reported(session, batch_id, county, 40, at(11, 6, 12))
        assert [bulletins.tend(session, now=FRIDAY + timedelta(minutes=n)) for n in range(3)] == [
            1,
            0,
            0,
        ]
        row = session.exec(select(OutboxMessage)).one()
        assert (row.kind, row.not_before, row.rings) == (bulletins.KIND, FRIDAY, False)
        line = session.exec(select(AuditLog).where(AuditLog.action == bulletins.DONE)).one()
        assert line.actor_id is None
        sent(session)
        # A fortnight later the next one, of other figures.
        reported(session, batch_id, county, 100, at(11, 20, 12))
        bulletins.tend(session, now=at(11, 20, 17))
        assert [(number, learned) for number, _as_of, learned, _c in said(session)][-1] == (2, 10)

    await database.write(happens)


async def test_who_has_posted_one_by_hand_this_week_has_posted_it(database: Database) -> None:
    def happens(session: Session) -> int:
        batch_id, county = a_class(session)
        of = reported(session, batch_id, county, 40, at(11, 4, 12))
        bulletins.post(session, county, batch_id, of, now=at(11, 4, 15))
        reported(session, batch_id, county, 60, at(11, 6, 12))
        sent(session)
        bulletins.tend(session, now=FRIDAY)
        return len(said(session))

    assert await database.write(happens) == 1


@pytest.mark.parametrize("reason", ["off", "quiet", "no group", "heard enough", "nobody"])
async def test_nothing_is_posted(sqlite: Database, reason: str) -> None:
    def happens(session: Session) -> int:
        batch_id, county = a_class(session, has_bulletin=reason != "off")
        reported(session, batch_id, county, 40, at(11, 6, 12))
        now = at(11, 6, 19) if reason == "quiet" else FRIDAY
        if reason == "no group":
            groups.deactivate(session, -100200300)
        if reason == "heard enough":
            chat_id = session.exec(select(OutboxMessage.chat_id)).first() or 1
            outbox.put(
                session,
                outbox.GROUP_REMINDER,
                chat_id=chat_id,
                facts={},
                priority=5,
                not_before=FRIDAY,
                dedupe_key="said",
                now=FRIDAY,
            )
        if reason == "nobody":
            for one in studies.registrations(session, batch_id)[3:]:
                session.get_one(Registration, one).state = RegistrationState.EXEMPT
            session.flush()
        return bulletins.tend(session, now=now) + len(said(session))

    assert await sqlite.write(happens) == 0


async def test_of_old_figures_none_is_posted_and_the_owner_hears_why(database: Database) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        reported(session, batch_id, county, 40, at(10, 28, 12))
        for minute in range(2):
            assert bulletins.tend(session, now=FRIDAY + timedelta(minutes=minute)) == 0
        told = session.exec(select(News.teacher_id, News.kind)).all()
        assert [tuple(one) for one in told] == [(county, bulletins.NEWS)]
        assert said(session) == []
        # A fortnight later it is news again.
        bulletins.tend(session, now=at(11, 20, 17))
        assert session.exec(select(News.at)).one() == at(11, 20, 17)

    await database.write(happens)


async def test_what_hangs_is_put_right_when_a_newer_table_comes(database: Database) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        reported(session, batch_id, county, 40, at(11, 6, 12))
        bulletins.tend(session, now=FRIDAY)
        sent(session)
        assert bulletins.tend(session, now=at(11, 9)) == 0
        reported(session, batch_id, county, 100, at(11, 12))
        assert bulletins.tend(session, now=at(11, 12, 22)) == 1
        assert bulletins.tend(session, now=at(11, 13)) == 0
        assert said(session, bulletins.EDIT) == [(1, at(11, 12), 10, False)]
        row = session.exec(select(OutboxMessage).where(OutboxMessage.kind == bulletins.EDIT)).one()
        hangs = session.exec(
            select(OutboxMessage).where(OutboxMessage.kind == bulletins.KIND)
        ).one()
        assert (row.facts["message_id"], row.rings) == (hangs.message_id, False)
        kept = session.exec(
            select(AuditLog.after).where(
                col(AuditLog.action).in_([bulletins.DONE, bulletins.CORRECTED])
            )
        ).all()
        assert [one["bulletin"]["whole"]["learned"] for one in kept if one] == [0, 10]

    await database.write(happens)


async def test_an_older_one_says_its_own_figures_again_once_the_next_is_out(
    database: Database,
) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        reported(session, batch_id, county, 40, at(11, 6, 12))
        bulletins.tend(session, now=FRIDAY)
        sent(session)
        for day in (12, 19):
            reported(session, batch_id, county, 100, at(11, day))
            assert bulletins.tend(session, now=at(11, day, 11)) == 1
        last = reported(session, batch_id, county, 100, at(11, 20, 12))
        # By the time of the second bulletin the first has followed the newest table ...
        bulletins.tend(session, now=at(11, 20, 17))
        shown = [(number, as_of) for number, as_of, _n, _c in said(session)]
        # ... and now says again what it said in its own week.
        assert shown == [(1, at(11, 6, 12)), (2, at(11, 20, 12))]
        assert said(session, bulletins.EDIT)[-1] == (1, at(11, 6, 12), 0, False)
        # Only the newest follows what comes and what is taken back.
        sent(session)
        _take_back(session, last)
        reported(session, batch_id, county, 40, at(11, 21))
        bulletins.tend(session, now=at(11, 23))
        assert [one[0] for one in said(session, bulletins.EDIT)] == [1, 1, 1, 1, 2]
        assert said(session)[0] == (1, at(11, 6, 12), 0, False)

    await database.write(happens)


async def test_a_table_that_is_taken_back_takes_its_figures_out_of_the_group(
    database: Database,
) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        before = reported(session, batch_id, county, 20, at(11, 5))
        wrong = reported(session, batch_id, county, 100, at(11, 6, 12))
        bulletins.tend(session, now=FRIDAY)
        sent(session)
        _take_back(session, wrong)
        studies.imported(
            session,
            batch_id,
            county,
            dict.fromkeys(studies.registrations(session, batch_id), 20.0),
            as_of=at(11, 5),
        )
        assert bulletins.tend(session, now=FRIDAY + timedelta(hours=1)) == 1
        assert said(session, bulletins.EDIT) == [(1, at(11, 5), 0, True)]
        for one in (before, before + 2):
            _take_back(session, one)
        sent(session)
        assert bulletins.tend(session, now=FRIDAY + timedelta(hours=2)) == 1
        last = session.exec(
            select(OutboxMessage.facts).order_by(col(OutboxMessage.id).desc())
        ).first()
        assert last is not None
        assert last["is_withdrawn"]

    await database.write(happens)


def _take_back(session: Session, import_id: int) -> None:
    session.get_one(ProgressImport, import_id).undone_at = FRIDAY
    session.flush()


async def test_one_that_is_not_out_yet_goes_out_right(database: Database) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        of = reported(session, batch_id, county, 40, at(11, 6, 12))
        bulletins.post(session, county, batch_id, of, now=at(11, 6, 20))  # waits for Monday
        reported(session, batch_id, county, 100, at(11, 8))
        bulletins.tend(session, now=at(11, 8, 11))
        assert said(session) == [(1, at(11, 8), 10, False)]
        assert said(session, bulletins.EDIT) == []

    await database.write(happens)


async def test_what_counts_is_changed_and_what_hangs_says_so(database: Database) -> None:
    def happens(session: Session) -> None:
        batch_id, county = a_class(session)
        for position, title in enumerate(("观看课程", "作业"), 1):
            session.add(
                ProgressItem(
                    batch_id=batch_id,
                    position=position,
                    kind="other",
                    title=title,
                    measure=Measure.TIMES,
                    required=1,
                )
            )
        session.flush()
        done, left = session.exec(select(ProgressItem.id).order_by(col(ProgressItem.id))).all()
        of = studying.reported(session, batch_id, at(11, 6, 12))
        for one in studies.registrations(session, batch_id):
            studying.has(session, one, of, 50, figures={str(done): 1.0})
        bulletins.tend(session, now=FRIDAY)
        sent(session)
        plan.change_item(session, county, left, {"weight": 2.0}, now=FRIDAY)
        assert bulletins.tend(session, now=FRIDAY) == 0  # nobody has done it all by that
        plan.remove_item(session, county, left, now=FRIDAY)
        assert bulletins.tend(session, now=FRIDAY) == 1
        assert said(session, bulletins.EDIT) == [(1, at(11, 6, 12), 10, True)]

    await database.write(happens)


async def test_schools_stand_as_in_the_roster_whatever_they_have_done(sqlite: Database) -> None:
    def happens(session: Session) -> tuple[list[str], tuple[str, ...]]:
        batch_id, county = a_class(session)
        every = studies.registrations(session, batch_id)
        percents = {one: 100.0 if n >= 5 else 0.0 for n, one in enumerate(every)}
        studies.imported(session, batch_id, county, percents, as_of=at(11, 6, 12))
        made = bulletins.draft(session, county, batch_id, now=FRIDAY).bulletin
        return [bar.name for bar in made.bars], made.reached

    assert await sqlite.write(happens) == ([OTHER, OWN], (OWN,))


async def _on_stage(stage: Stage) -> tuple[Actor, int, int]:
    """Whoever runs it, a class in its third week with figures, and its group."""
    gu = await stage.teacher("顾岩", at="教师发展中心")
    group = stage.world.add_group("学习群", members=[gu.id])

    def arrange(session: Session) -> int:
        assert gu.teacher_id
        appoint_in_county(session, gu.teacher_id)
        now = stage.clock()
        batch_id = studies.remote_class(session, starts_at=now - timedelta(days=18))
        classes.people_in(session, batch_id, 5, at=OWN)
        reported(session, batch_id, gu.teacher_id, 40, now)
        groups.bind(
            session,
            group.id,
            "学习群",
            purpose=ChatPurpose.PROGRAMME,
            programme_id=session.get_one(Batch, batch_id).programme_id,
            language="en",
        )
        return batch_id

    return gu, await stage.database.write(arrange), group.id


async def test_the_group_reads_one_message_whose_figures_stay_true(stage: Stage) -> None:
    gu, batch, group = await _on_stage(stage)  # on a Friday
    await stage.passes(hours=8)
    hung = gu.messages(at=group)
    assert "[Progress bulletin] 全员岗位远程培训, no. 1" in hung[-1].text
    assert "study finished 0.0%" in hung[-1].text

    def newer(session: Session) -> int:
        assert gu.teacher_id
        return reported(session, batch, gu.teacher_id, 100, stage.clock())

    later = await stage.database.write(newer)
    await stage.passes(minutes=2)
    shown = gu.messages(at=group)
    assert [one.id for one in shown] == [one.id for one in hung]
    assert "study finished 100.0%" in shown[-1].text
    assert "corrected" not in shown[-1].text

    def all_back(session: Session) -> None:
        for one in session.exec(select(ProgressImport.id)).all():
            _take_back(session, one)

    assert later
    await stage.database.write(all_back)
    await stage.passes(minutes=2)
    shown = gu.messages(at=group)
    assert [one.id for one in shown] == [one.id for one in hung]
    assert "These figures were taken back" in shown[-1].text
    await stage.database.write(newer)
    await stage.passes(minutes=2)
    assert "These figures were corrected" in gu.sees(at=group)
    assert "study finished 100.0%" in gu.sees(at=group)


async def test_who_imports_is_told_in_their_brief_that_the_bulletin_waits(stage: Stage) -> None:
    gu, _batch, group = await _on_stage(stage)

    def ages(session: Session) -> None:
        session.exec(select(RemotePlan)).one().stale_days = 2
        for row in session.exec(select(ProgressImport)).all():
            row.as_of -= timedelta(days=5)

    await stage.database.write(ages)
    await stage.passes(hours=8)
    await stage.passes(days=3)
    assert [one.text for one in gu.messages(at=group)] == []
    assert any("this fortnight's bulletin was not posted" in one.text for one in gu.messages())
    assert "Last mile" in gu.labels()
