"""The last mile: what is missing, who sees whom, and who is asked once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from storage.audit import AuditLog
from storage.database import Database
from storage.messaging import briefs, deadlines, outbox, upward
from storage.messaging.tables import Chat, ChatPurpose, OutboxMessage, Reminder, ReminderState
from storage.refusals import NotAllowed, NotFound
from storage.training.remote import bulletins, last_mile
from storage.training.remote.bulletins import Bar, NoBulletin, NothingToReport
from storage.training.remote.last_mile import Asked, NothingToRemind, NotRemote
from storage.training.remote.pace import Standing
from storage.training.remote.tables import (
    Obstacle,
    ObstacleReason,
    RemotePlan,
    StudyClaim,
    TutorUnit,
)
from storage.training.tables import Batch, Registration, RegistrationState, WorkState
from tests import make
from tests.make import NOW
from tests.training import classes
from tests.training.remote import studies

OWN, OTHER = "澄禾县实验小学", "青崖镇中心小学"


@dataclass(frozen=True)
class Scene:
    batch_id: int
    county: int
    school: int
    unit_id: int
    other_id: int
    people: list[int]
    others: list[int]


def _scene(session: Session, /, *, posts: bool = True, **plan: Any) -> Scene:
    """A class of two schools: six people of the own one, five of the other, one import."""
    batch_id = studies.remote_class(session, plan=plan)
    county, school = classes.county(session), classes.school(session, at=OWN)
    people = classes.people_in(session, batch_id, 6, at=OWN)
    others = classes.people_in(session, batch_id, 5, at=OTHER)
    figures = dict(zip(people, [100.0, 60.0, 10.0, 0.0, 0.0, 100.0], strict=True))
    studies.imported(session, batch_id, county, figures | dict.fromkeys(others, 100.0))
    for registration_id in people + others:
        make.account(session, studies.teacher_of(session, registration_id))
    ends_at = session.get_one(Batch, batch_id).ends_at
    if posts:
        deadlines.set_deadline(session, "remote_end", batch_id, ends_at, now=NOW, preset="T-1")
    unit_id, other_id = make.school(session, OWN), make.school(session, OTHER)
    return Scene(batch_id, county, school, unit_id, other_id, people, others)


async def test_who_runs_the_class_sees_its_schools_and_a_school_itself_only(
    database: Database,
) -> None:
    scene = await database.write(_scene)

    every = await database.read(last_mile.last_mile, scene.county, scene.batch_id, now=NOW)
    own = await database.read(last_mile.last_mile, scene.school, scene.batch_id, now=NOW)

    assert {school.name: school.missing for school in every.schools} == {OWN: 4, OTHER: 0}
    assert (every.sets.due, every.sets.participating, every.sets.learned) == (11, 9, 7)
    assert every.runs_it
    assert [school.name for school in own.schools] == [OWN]
    assert (own.sets.due, own.missing, own.runs_it, own.may_post) == (6, 4, False, False)
    assert own.standings == {
        Standing.LEARNED: 2,
        Standing.ON_TRACK: 1,
        Standing.BEHIND: 1,
        Standing.NOT_STARTED: 2,
    }
    assert every.forecast is not None
    assert (every.forecast.learned and every.forecast.learned.number) == 8


async def test_a_school_sees_only_its_own_people_by_name(database: Database) -> None:
    scene = await database.write(_scene)

    own = await database.write(
        last_mile.people, scene.school, scene.batch_id, scene.unit_id, now=NOW
    )
    assert [line.standing for line in own.lines] == [
        Standing.NOT_STARTED,
        Standing.NOT_STARTED,
        Standing.BEHIND,
        Standing.ON_TRACK,
    ]
    with pytest.raises(NotAllowed):
        await database.write(
            last_mile.people, scene.school, scene.batch_id, scene.other_id, now=NOW
        )
    for registration_id in scene.others:
        with pytest.raises(NotAllowed):
            await database.write(last_mile.person, scene.school, registration_id, now=NOW)
        with pytest.raises(NotAllowed):
            await database.write(last_mile.mark_contacted, scene.school, registration_id, now=NOW)


async def test_who_has_done_the_least_comes_first_among_those_who_stand_alike(
    database: Database,
) -> None:
    scene = await database.write(_scene)
    figures = dict(zip(scene.people, (19.0, 7.0, 15.0), strict=False))
    later = NOW + timedelta(hours=1)

    def goes_on(session: Session, /) -> None:
        studies.imported(session, scene.batch_id, scene.county, figures, as_of=later)

    await database.write(goes_on)
    own = await database.write(
        last_mile.people, scene.school, scene.batch_id, scene.unit_id, now=later
    )
    behind = [line.percent for line in own.lines if line.standing is Standing.BEHIND]
    assert behind[:3] == [7.0, 15.0, 19.0]
    assert behind == sorted(behind)


async def test_reasons_are_the_schools_and_not_shown_from_above(database: Database) -> None:
    scene = await database.write(_scene)
    ill = scene.people[3]
    await database.write(last_mile.set_reason, scene.school, ill, ObstacleReason.SICK, now=NOW)
    with pytest.raises(NotAllowed):
        await database.write(
            last_mile.set_reason, scene.county, ill, ObstacleReason.FORGOT, now=NOW
        )

    own = await database.write(last_mile.person, scene.school, ill, now=NOW)
    above = await database.write(last_mile.person, scene.county, ill, now=NOW)
    assert (own.line.reason, above.line.reason) == (ObstacleReason.SICK, None)
    page = await database.write(
        last_mile.people, scene.county, scene.batch_id, scene.unit_id, now=NOW
    )
    assert not page.reasons
    looks = await database.read(
        lambda session: session.exec(
            select(AuditLog.thing).where(AuditLog.action == "look_at_people")
        ).all()
    )
    assert looks == [f"unit:{scene.unit_id}"]

    await database.write(last_mile.set_reason, scene.school, ill, None, now=NOW)
    assert (await database.write(last_mile.person, scene.school, ill, now=NOW)).line.reason is None
    await database.write(last_mile.set_reason, scene.school, ill, None, now=NOW)


async def test_what_somebody_said_themselves_stays_with_its_reason(database: Database) -> None:
    scene = await database.write(_scene)
    first = scene.people[3]

    def says(session: Session, /) -> None:
        teacher_id = studies.teacher_of(session, first)
        session.add(
            Obstacle(
                registration_id=first,
                reason=ObstacleReason.NO_NETWORK,
                note="宿舍没有信号",
                by_id=teacher_id,
                since=NOW,
            )
        )

    await database.write(says)
    await database.write(
        last_mile.set_reason, scene.school, first, ObstacleReason.NO_NETWORK, now=NOW
    )
    kept = (await database.write(last_mile.person, scene.school, first, now=NOW)).line
    assert kept.note == "宿舍没有信号"
    await database.write(last_mile.set_reason, scene.school, first, ObstacleReason.FORGOT, now=NOW)
    kept = (await database.write(last_mile.person, scene.school, first, now=NOW)).line
    assert (kept.reason, kept.note) == (ObstacleReason.FORGOT, "")


async def test_asking_reaches_those_who_can_be_asked_and_once_a_day(database: Database) -> None:
    scene = await database.write(_scene)

    def arrange(session: Session, /) -> None:
        session.add(StudyClaim(registration_id=scene.people[1], submitted_at=NOW))

    await database.write(arrange)
    spoken, ill = scene.people[2], scene.people[3]
    await database.write(last_mile.mark_contacted, scene.school, spoken, now=NOW)
    await database.write(last_mile.set_reason, scene.school, ill, ObstacleReason.SICK, now=NOW)

    args = (scene.school, scene.batch_id, scene.unit_id)
    assert await database.write(last_mile.remind, *args, now=NOW) == {
        Asked.ASKED: 1,
        Asked.SPOKEN_WITH: 1,
        Asked.HELD_UP: 2,
    }
    again = await database.write(last_mile.remind, *args, now=NOW)
    assert again == {Asked.TO_HEAR: 1, Asked.SPOKEN_WITH: 1, Asked.HELD_UP: 2}

    def carried(session: Session, /) -> list[tuple[int, str]]:
        rows = session.exec(
            select(OutboxMessage.teacher_id, OutboxMessage.kind).where(
                OutboxMessage.kind == outbox.BRIEF
            )
        ).all()
        return [(teacher_id or 0, kind) for teacher_id, kind in rows]

    asked = await database.read(studies.teacher_of, scene.people[4])
    assert await database.read(carried) == [(asked, "brief")]


async def test_who_has_finished_meanwhile_hears_nothing(database: Database) -> None:
    scene = await database.write(_scene)
    one = scene.people[4]
    found = await database.write(
        last_mile.remind,
        scene.school,
        scene.batch_id,
        scene.unit_id,
        registration_id=one,
        now=NOW,
    )
    assert found == {Asked.ASKED: 1}

    def completes(session: Session, /) -> int:
        session.get_one(Registration, one).state = RegistrationState.COMPLETED
        row = session.exec(select(OutboxMessage).where(OutboxMessage.kind == "brief")).one()
        return row.id

    row_id = await database.write(completes)
    later = NOW + timedelta(hours=8)
    assert isinstance(await database.write(briefs.compose, row_id, now=later), briefs.Nothing)
    state = await database.read(lambda session: session.exec(select(Reminder.state)).one())
    assert state is ReminderState.SATISFIED


async def test_nobody_can_be_asked_when_it_is_over(database: Database) -> None:
    scene = await database.write(_scene, posts=False)
    args = (scene.school, scene.batch_id, scene.unit_id)
    with pytest.raises(NothingToRemind):
        await database.write(last_mile.remind, *args, now=NOW)
    page = await database.write(last_mile.people, *args, now=NOW)
    assert (page.total, page.askable) == (4, 0)


async def test_the_ladder_waits_where_all_have_been_spoken_with(database: Database) -> None:
    scene = await database.write(_scene)
    for one in scene.people[1:5]:
        await database.write(last_mile.mark_contacted, scene.school, one, now=NOW)

    def spoken(session: Session, /) -> dict[int, datetime]:
        for done in (scene.people[0], scene.people[5], *scene.others):
            session.get_one(Registration, done).state = RegistrationState.COMPLETED
        session.flush()
        deadline_id = session.exec(sa.text("SELECT id FROM deadline")).scalar_one()  # type: ignore[call-overload]
        return upward.spoken_with(session, deadline_id, "remote_end", scene.batch_id, 0, NOW)

    assert list(await database.write(spoken)) == [scene.unit_id]


async def test_tutors_with_work_waiting_are_named_to_who_runs_the_class(
    database: Database,
) -> None:
    scene = await database.write(_scene)

    def arrange(session: Session, /) -> None:
        tutor = make.teacher(session, "唐辅导", at="教师发展中心")
        session.add(TutorUnit(batch_id=scene.batch_id, unit_id=scene.unit_id, tutor_id=tutor))
        for one in (scene.people[1], scene.people[2], scene.others[0]):
            session.add(StudyClaim(registration_id=one, submitted_at=NOW))
        task = classes.task(session, scene.batch_id)
        classes.hands_in(session, scene.people[0], task, WorkState.SUBMITTED)
        classes.hands_in(session, scene.people[5], task)

    await database.write(arrange)
    facts = await database.read(last_mile.last_mile, scene.county, scene.batch_id, now=NOW)
    assert [(line.name, line.waiting) for line in facts.tutors] == [("唐辅导", 3), ("", 1)]
    own = await database.read(last_mile.last_mile, scene.school, scene.batch_id, now=NOW)
    assert own.tutors == ()


async def test_a_class_that_is_not_remote_has_no_last_mile(database: Database) -> None:
    batch_id, county = await database.write(make.batch), await database.write(classes.county)
    with pytest.raises(NotRemote):
        await database.read(last_mile.last_mile, county, batch_id, now=NOW)
    with pytest.raises(NotFound):
        await database.read(last_mile.last_mile, county, 999, now=NOW)
    nobody = await database.write(make.teacher)
    with pytest.raises(NotAllowed):
        await database.read(last_mile.last_mile, nobody, batch_id, now=NOW)


# --- bulletins --------------------------------------------------------------------------------


def _group(session: Session, /, batch_id: int) -> int:
    row = Chat(
        tg_chat_id=-100200300,
        title="学习群",
        purpose=ChatPurpose.PROGRAMME,
        programme_id=session.get_one(Batch, batch_id).programme_id,
    )
    session.add(row)
    session.flush()
    return row.id


async def test_a_bulletin_says_figures_of_schools_and_thanks_those_who_have_arrived(
    database: Database,
) -> None:
    scene = await database.write(_scene)
    await database.write(_group, scene.batch_id)

    draft = await database.read(bulletins.draft, scene.county, scene.batch_id, now=NOW)
    assert draft.bulletin.whole == Bar("", 11, 9, 7)
    assert {bar.name: bar.participating for bar in draft.bulletin.bars} == {OWN: 4, OTHER: 5}
    assert draft.bulletin.reached == (OTHER,)
    assert (draft.groups, draft.bulletin.number) == (1, 1)

    args = (scene.county, scene.batch_id, draft.import_id)
    posted = await database.write(bulletins.post, *args, now=NOW)
    assert (posted.groups, posted.is_new) == (1, True)
    again = await database.write(bulletins.post, *args, now=NOW)
    assert (again.groups, again.is_new) == (1, False)
    facts = await database.read(
        lambda session: session.exec(
            select(OutboxMessage.facts).where(OutboxMessage.kind == bulletins.KIND)
        ).one()
    )
    assert await database.read(bulletins.to_say, facts) == draft.bulletin


async def test_a_bulletin_keeps_what_it_said_and_the_next_one_has_the_next_number(
    database: Database,
) -> None:
    scene = await database.write(_scene)
    await database.write(_group, scene.batch_id)
    first = await database.read(bulletins.draft, scene.county, scene.batch_id, now=NOW)
    await database.write(bulletins.post, scene.county, scene.batch_id, first.import_id, now=NOW)
    later = NOW + timedelta(days=3)

    def goes_on(session: Session, /) -> None:
        percents = dict.fromkeys(scene.people + scene.others, 100.0)
        studies.imported(session, scene.batch_id, scene.county, percents, as_of=later)

    await database.write(goes_on)
    second = await database.read(bulletins.draft, scene.county, scene.batch_id, now=later)
    assert (second.bulletin.number, second.bulletin.whole.learned) == (2, 11)
    with pytest.raises(NothingToReport):
        await database.write(
            bulletins.post, scene.county, scene.batch_id, first.import_id, now=later
        )


async def test_a_small_school_has_no_bar_of_its_own(database: Database) -> None:
    scene = await database.write(_scene)

    def few(session: Session, /) -> None:
        classes.people_in(session, scene.batch_id, 2, at="石桥教学点")

    await database.write(few)
    found = await database.read(bulletins.draft, scene.county, scene.batch_id, now=NOW)
    assert [bar.name for bar in found.bulletin.bars] == [OWN]
    assert found.bulletin.others == Bar("", 7, 5, 5)


async def test_there_is_no_bulletin_of_old_figures_nor_where_it_is_off(
    database: Database,
) -> None:
    scene = await database.write(_scene)
    args = (scene.county, scene.batch_id)
    with pytest.raises(NothingToReport):
        await database.read(bulletins.draft, *args, now=NOW + timedelta(days=9))

    def off(session: Session, /) -> None:
        session.exec(select(RemotePlan)).one().has_bulletin = False

    await database.write(off)
    with pytest.raises(NoBulletin):
        await database.read(bulletins.draft, *args, now=NOW)
    with pytest.raises(NotAllowed):
        await database.read(bulletins.draft, scene.school, scene.batch_id, now=NOW)


async def test_nothing_is_posted_of_a_class_that_was_called_off(database: Database) -> None:
    scene = await database.write(_scene)
    found = await database.read(bulletins.draft, scene.county, scene.batch_id, now=NOW)
    kept = {"batch_id": scene.batch_id, "bulletin": found.bulletin.kept()}

    def cancels(session: Session, /) -> None:
        session.get_one(Batch, scene.batch_id).cancelled_at = NOW

    await database.write(cancels)
    assert await database.read(bulletins.to_say, kept) is None


async def test_a_group_that_has_heard_enough_this_week_is_spared(database: Database) -> None:
    scene = await database.write(_scene)
    chat_id = await database.write(_group, scene.batch_id)

    def had(session: Session, /) -> None:
        outbox.put(
            session,
            outbox.GROUP_REMINDER,
            chat_id=chat_id,
            facts={},
            priority=5,
            not_before=NOW,
            dedupe_key="said",
            now=NOW,
        )

    await database.write(had)
    found = await database.read(bulletins.draft, scene.county, scene.batch_id, now=NOW)
    posted = await database.write(
        bulletins.post, scene.county, scene.batch_id, found.import_id, now=NOW
    )
    assert (posted.groups, posted.full, posted.is_new) == (0, 1, False)
